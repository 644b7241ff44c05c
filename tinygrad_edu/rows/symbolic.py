"""Operands other than numbers to which a row of the table can be applied.

A row's value and rules use only generic arithmetic: `+ - * / **`, comparisons, `choose` and calls
of other rows. The class of the operand decides what these produce: text, an instruction, machine
code. A class takes part with two methods, `_apply` and `_compare`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, overload

__all__ = ["TABLE", "Applies", "Row", "Symbolic", "choose", "constant", "equals", "fixed", "known"]

# Every operation by its name: `ops` fills this dictionary with its rows.
TABLE: dict[str, Any] = {}


class Row(Protocol):
    """The interface of an operation for code that writes or applies it: see `op.Op`."""

    name: str
    __name__: str
    symbol: str
    precedence: int
    latex: str
    value: Callable[..., Any]
    derivatives: tuple[Callable[..., Any], ...]
    reads: tuple[Callable[..., Any], ...]

    @property
    def primitive(self) -> bool: ...

    def __call__(self, *args: Any) -> Any: ...


class Applies(Protocol):
    """An operand whose class defines the meaning of an operation on it."""

    def _apply(self, op: Any, /, *args: Any) -> Any: ...

    def _lift(self, number: Any, /) -> Any: ...


class Symbolic:
    """An operand whose operators apply the rows of the table to it.

    A subclass defines the result of a row in `_apply`, and of a comparison in `_compare`. Using an
    operand as a condition raises TypeError: it is neither true nor false.
    """

    __slots__ = ()
    # Whether it stands for a number by which no derivative is taken, now or later.
    fixed = False

    def _apply(self, op: Any, /, *args: Any) -> Any:
        raise NotImplementedError

    def _known(self) -> float | None:
        """Returns its number if it is a constant, else None."""
        return None

    def _compare(self, sign: str, other: Any) -> Any:
        """The condition `self sign other`, on which `choose` calls `_choose(x, y)`."""
        raise TypeError(
            f"{self} is a formula and has no number for {sign}: write less(a, b), or choose(...)"
        )

    def _lift(self, number: float, /) -> Any:
        """Returns the number as an operand of this class."""
        return number

    def __bool__(self) -> bool:
        raise TypeError(f"{self} is a formula, neither true nor false: write choose(...), not if")

    def __neg__(self) -> Any:
        return self._apply(TABLE["neg"], self)

    def __abs__(self) -> Any:
        return self._apply(TABLE["abs"], self)

    def __add__(self, b: Any) -> Any:
        return self._apply(TABLE["add"], self, b)

    def __radd__(self, a: Any) -> Any:
        return self._apply(TABLE["add"], a, self)

    def __sub__(self, b: Any) -> Any:
        return self._apply(TABLE["sub"], self, b)

    def __rsub__(self, a: Any) -> Any:
        return self._apply(TABLE["sub"], a, self)

    def __mul__(self, b: Any) -> Any:
        return self._apply(TABLE["mul"], self, b)

    def __rmul__(self, a: Any) -> Any:
        return self._apply(TABLE["mul"], a, self)

    def __truediv__(self, b: Any) -> Any:
        return self._apply(TABLE["div"], self, b)

    def __rtruediv__(self, a: Any) -> Any:
        return self._apply(TABLE["div"], a, self)

    def __pow__(self, b: Any) -> Any:
        return self._apply(TABLE["pow"], self, b)

    def __rpow__(self, a: Any) -> Any:
        return self._apply(TABLE["pow"], a, self)

    def __lt__(self, other: Any) -> Any:
        return self._compare("<", other)

    def __le__(self, other: Any) -> Any:
        return self._compare("<=", other)

    def __gt__(self, other: Any) -> Any:
        return self._compare(">", other)

    def __ge__(self, other: Any) -> Any:
        return self._compare(">=", other)


def known(x: Any) -> float | None:
    """Returns the number of a float or of a constant in a graph; None if `x` can change."""
    if isinstance(x, float | int):
        return float(x)
    number: float | None = x._known()
    return number


def constant(number: float, like: Any) -> Any:
    """Returns the number as an operand of the class of `like`: log(2) stays text there."""
    return number if isinstance(like, float) else like._lift(number)


def fixed(x: Any) -> bool:
    """Whether no derivative by `x` is taken, now or later: `x` is or stands for a plain number."""
    return known(x) is not None or bool(x.fixed)


@overload
def equals(a: float, b: float) -> bool: ...
@overload
def equals(a: Any, b: Any) -> Any: ...
def equals(a: Any, b: Any) -> Any:
    """Returns the condition a == b, false if either is nan; `==` itself compares identity."""
    return a == b if isinstance(a, float) else a._compare("==", b)


@overload
def choose(condition: bool, x: float, y: float) -> float: ...
@overload
def choose(condition: Any, x: Any, y: Any) -> Any: ...
def choose(condition: Any, x: Any, y: Any) -> Any:
    """Returns `x` if the condition holds, else `y`; for symbols, an operand that does so later."""
    if isinstance(condition, bool):
        return x if condition else y
    return condition._choose(x, y)
