"""Backpropagation with every number visible: see README.md, or `help(tinygrad_edu.Value)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.check import (
    check_finite,
    first_nonfinite,
    gradcheck,
    numerical_derivative,
    numerical_gradient,
)
from tinygrad_edu.engine import Value, gradient, topological_order
from tinygrad_edu.errors import (
    GradientError,
    InnerNodeError,
    NonFiniteError,
    NumberError,
    StaleError,
)
from tinygrad_edu.ops import (
    TABLE,
    Op,
    atan,
    cos,
    cosh,
    exp,
    less,
    log,
    mask,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    step,
    tan,
    tanh,
)

__version__ = "0.1.0"  # the only place: setup.cfg reads it here

if TYPE_CHECKING:
    from tinygrad_edu.draw.picture import Picture

__all__ = [
    "TABLE",
    "GradientError",
    "InnerNodeError",
    "NonFiniteError",
    "NumberError",
    "Op",
    "StaleError",
    "Value",
    "atan",
    "check_finite",
    "cos",
    "cosh",
    "exp",
    "first_nonfinite",
    "gradcheck",
    "gradient",
    "less",
    "log",
    "mask",
    "maximum",
    "minimum",
    "numerical_derivative",
    "numerical_gradient",
    "relu",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "step",
    "tan",
    "tanh",
    "topological_order",
]


def _draw(self: Value, *, timeout: float = 20.0, insist: bool = False) -> Picture:
    """The picture of all that this was computed from, as it is now: `.save("y.svg")`, `.text()`.

    timeout: seconds that Graphviz may take. insist: lay out more than 5,000 shapes too.
    """
    from tinygrad_edu.draw.picture import draw  # late, so that importing the package stays fast

    return draw(self, timeout=timeout, insist=insist)


def _mimebundle(self: Value, include: Any = None, exclude: Any = None) -> dict[str, str]:
    try:
        return _draw(self).mimebundle(repr(self))
    except Exception as error:  # a display must not fail, whatever was made of the graph
        return {"text/plain": f"{self!r}\n({error})"}


Value.draw = _draw
Value._repr_mimebundle_ = _mimebundle
