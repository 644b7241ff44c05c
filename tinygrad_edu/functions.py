"""Functions made of rows of the table: numbers give a number, Values give a Value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar, overload

from tinygrad_edu.errors import LengthError
from tinygrad_edu.ops import (
    add,
    div,
    either,
    equal,
    erfc,
    mask,
    maximum,
    minimum,
    sigmoid,
    step,
)
from tinygrad_edu.rows.op import of_one
from tinygrad_edu.rows.symbolic import Applies

__all__ = ["FUNCTIONS", "clip", "gelu", "leaky_relu", "silu", "take", "where", "wrong_index"]

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


def take(table: Sequence[Any], index: Any) -> Any:
    """This returns the entry of a table at an index: table[index], also if the index is a Value.

    table: a list of numbers or Values, or of lists of them that have the same form, such as the
    vectors of an embedding. index: a whole number from 0 to len(table) - 1. If it is a Value, as in
    a compiled loss, whose inputs change, the graph has the sum over all entries, in which those at
    other indices are masked out. So the gradient goes to the entry that was taken, and to no other;
    the index itself has the gradient 0. In a later run of the graph, the result is nan for an index
    that is not in the table; a compiled loss raises IndexError then.

    IndexError for an index that is not in the table, TypeError for one that is not a whole number,
    LengthError for an empty table or lists of different lengths.
    """
    if not len(table):
        raise LengthError("the table is empty: give it one entry or more")
    if not hasattr(index, "_apply"):
        return table[_whole(index, len(table))]
    hits = [equal(index, k) for k in range(len(table))]
    valid = 0 / _sum(hits)  # 0, but nan for an index that is not in the table
    if isinstance(getattr(valid, "data", None), float) and valid.data != valid.data:
        raise IndexError(wrong_index(valid))
    return _picked(hits, table, valid)


def _picked(hits: Sequence[Any], entries: Sequence[Any], valid: Any) -> Any:
    """Returns the sum of the entries, each masked by its hit, 1 or 0; lists give a list."""
    if isinstance(entries[0], list | tuple):
        if len({len(entry) if isinstance(entry, list | tuple) else -1 for entry in entries}) > 1:
            raise LengthError("the entries of the table have different lengths")
        return [_picked(hits, column, valid) for column in zip(*entries)]
    return _sum([mask(hit, entry) for hit, entry in zip(hits, entries)]) + valid


def _sum(terms: Sequence[Any]) -> Any:
    return sum(terms[1:], terms[0])


def wrong_index(node: Any) -> str:
    """This returns the message for an index that is not in its table, if this node says so.

    node: a Value that is nan. '' if it is not the part of a `take` that says whether the index is
    valid.
    """
    if node.op is not div or node.args[0].data != 0:
        return ""
    total, count = node.args[1], 1
    while total.op is add and total.args[1].op is equal:
        total, count = total.args[0], count + 1
    if total.op is not equal or total.args[1].data != 0:
        return ""
    index = total.args[0]
    named = index.args[1] if index.op is mask else index  # a label that may be ignored
    return _out_of_range(index.data, count, named.label)


def _whole(index: Any, count: int) -> int:
    """Returns the index as an int."""
    try:
        i = int(index)
        is_whole = i == index and not isinstance(index, str)
    except (TypeError, ValueError, OverflowError):
        is_whole = False
    if not is_whole:
        raise TypeError(f"an index must be a whole number, not {index!r:.60}")
    if not 0 <= i < count:
        raise IndexError(_out_of_range(i, count))
    return i


def _out_of_range(index: float, count: int, label: str = "") -> str:
    """Returns the message for an index that is not in a table of `count` entries."""
    name = f" {label}" if label else ""
    return f"the index{name} must be a whole number from 0 to {count - 1}, not {index:g}"


# By name: the function, and the least and the greatest number of its arguments.
FUNCTIONS: dict[str, tuple[Any, int, int]] = {
    "where": (where, 3, 3),
    "clip": (clip, 3, 3),
    "leaky_relu": (leaky_relu, 1, 2),
    "gelu": (gelu, 1, 1),
    "silu": (silu, 1, 1),
}
