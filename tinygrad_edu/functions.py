"""Functions made of rows of the table: numbers give a number, Values give a Value."""

from __future__ import annotations

import math
from typing import Any, TypeVar, overload

from tinygrad_edu.ops import either, erfc, mask, maximum, minimum, sigmoid, step
from tinygrad_edu.rows.op import of_one
from tinygrad_edu.rows.symbolic import Applies

__all__ = ["FUNCTIONS", "clip", "gelu", "leaky_relu", "silu", "where"]

S = TypeVar("S", bound=Applies)


@overload
def where(c: S, a: S | float, b: S | float) -> S: ...
@overload
def where(c: float, a: S, b: S | float) -> S: ...
@overload
def where(c: float, a: float, b: S) -> S: ...
@overload
def where(c: float, a: float, b: float) -> float: ...
def where(c: Any, a: Any, b: Any) -> Any:
    """Returns `b` where `c` is 0, else `a`; the other one may be nan or infinite.

    A nan counts as not 0. Write the condition as step(x) for x > 0, or less(x, y) for x < y: Python
    decides a comparison of Values only once, when the graph is built. The branch that is not taken
    has the gradient 0, and never turns a gradient into nan.
    """
    return mask(c, a) + mask(1 - either(c, 0.0), b)


@overload
def clip(x: S, low: S | float, high: S | float) -> S: ...
@overload
def clip(x: float, low: float, high: float) -> float: ...
def clip(x: Any, low: Any, high: Any) -> Any:
    """Returns `x` inside of low to high, else the nearer bound; `high` if `low` is above it.

    The derivative by x is 1 inside and 0 outside. At a bound it is 1/2, as for any tie of `maximum`
    (JAX: also 1/2; PyTorch: 1).
    """
    return minimum(maximum(x, low), high)


@overload
def leaky_relu(x: S, slope: float = ...) -> S: ...
@overload
def leaky_relu(x: float, slope: float = ...) -> float: ...
def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """Returns `x` above 0, and slope * x below (Maas, Hannun and Ng, 2013).

    slope: a number; the default is PyTorch's. The derivative at 0 is `slope`, as in PyTorch.
    """
    if hasattr(x, "__len__"):
        of_one("leaky_relu", x)
    return where(step(x), x, slope * x)


@overload
def gelu(x: S) -> S: ...
@overload
def gelu(x: float) -> float: ...
def gelu(x: Any) -> Any:
    """Returns x * P(Z <= x) for a standard normal Z (Hendrycks and Gimpel, 2016, equation 1).

    P is erfc(-x / sqrt(2)) / 2, which keeps all its digits far below 0.
    """
    if hasattr(x, "__len__"):
        of_one("gelu", x)
    return x * erfc(x * -math.sqrt(0.5)) / 2


@overload
def silu(x: S) -> S: ...
@overload
def silu(x: float) -> float: ...
def silu(x: Any) -> Any:
    """Returns x * sigmoid(x), also called swish (Elfwing, Uchibe and Doya, 2017)."""
    if hasattr(x, "__len__"):
        of_one("silu", x)
    return x * sigmoid(x)


# By name: the function, and the least and the greatest number of its arguments.
FUNCTIONS: dict[str, tuple[Any, int, int]] = {
    "where": (where, 3, 3),
    "clip": (clip, 3, 3),
    "leaky_relu": (leaky_relu, 1, 2),
    "gelu": (gelu, 1, 1),
    "silu": (silu, 1, 1),
}
