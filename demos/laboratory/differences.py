"""A gradient against differences of values, which use no rule of the table of operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinygrad_edu.engine import Value

__all__ = ["STEP", "apart", "backward"]

STEP = 1e-5  # the error of a central difference is least near the cube root of rounding


def apart(loss: Callable[[], Value], parameters: Sequence[Value], grads: Sequence[float]) -> float:
    """How far the gradient is from central differences of the loss, relative to the largest one.

    It is the largest of the distances, over all parameters; their numbers stay as they are.
    """
    slopes = []
    for p in parameters:
        x = p.data
        p.data = x + STEP
        above = loss().data
        p.data = x - STEP
        slopes.append((above - loss().data) / (2 * STEP))
        p.data = x
    largest = max(map(abs, slopes)) or 1.0
    return max(abs(g - slope) for g, slope in zip(grads, slopes, strict=True)) / largest


def backward(y: Value, parameters: Sequence[Value]) -> list[float]:
    """The gradient of y by those parameters: `y.backward()`, after it was 0."""
    for p in parameters:
        p.grad = 0.0
    y.backward()
    return [p.grad for p in parameters]
