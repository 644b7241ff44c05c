"""Gradient clipping: makes gradients that are too large for a step smaller."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite, pow

from tinygrad_edu.engine import Value
from tinygrad_edu.optim.optimizer import Model
from tinygrad_edu.optim.schedules import positive, within

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(
    parameters: Value | Iterable[Value] | Model,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """This scales all gradients so that their norm is at most max_norm; returns the old norm.

    As in PyTorch, the factor is max_norm / (norm + 1e-6), at most 1. norm_type: p of the p-norm, or
    "inf". ValueError for a negative max_norm; ArithmeticError for a norm that is not finite, if
    error_if_nonfinite.
    """
    ps = _all_of(parameters)
    within("max_norm", max_norm)
    norm_type = float(norm_type)  # also from "inf", as in PyTorch
    sizes = [abs(p.grad) for p in ps]
    if norm_type == inf:
        norm = max(sizes, default=0.0)
    else:
        norm = pow(sum(pow(x, norm_type) for x in sizes), 1 / positive("norm_type", norm_type))
    if error_if_nonfinite and not isfinite(norm):
        raise ArithmeticError(
            f"the norm of the gradients is {norm}: find the cause with check_finite(loss)"
        )
    factor = max_norm / (norm + 1e-6)
    for p in ps:
        p.grad = p.grad * (factor if not factor >= 1 else 1.0)
    return norm


def _all_of(parameters: Value | Iterable[Value] | Model) -> list[Value]:
    """Returns a list of one Value, of several, or of the parameters of a model."""
    if isinstance(parameters, Value):
        return [parameters]
    return list(parameters.parameters() if isinstance(parameters, Model) else parameters)


def clip_grad_value_(parameters: Value | Iterable[Value] | Model, clip_value: float) -> None:
    """Limits every gradient to the range from -clip_value to clip_value, as in PyTorch."""
    within("clip_value", clip_value)
    for p in _all_of(parameters):
        p.grad = min(max(p.grad, -clip_value), clip_value)
