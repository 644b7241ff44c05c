"""What a row of the table can be applied to besides numbers.

A row's value and its rules are written over generic arithmetic. `+ - * / **`, comparisons,
`choose` and calls of other rows mean whatever the operand makes of them: text, an instruction,
machine code. A class joins in by two methods, `_apply` and `_compare`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, overload

__all__ = ["TABLE", "Applies", "Row", "Symbolic", "choose", "constant", "equals", "fixed", "known"]

# Every operation by its name: `ops` writes the rows, here is the dictionary that they are in.
TABLE: dict[str, Any] = {}


class Row(Protocol):
    """What those who write or apply an operation have to know of it: see `op.Op`."""

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
    """An operand that says itself what an operation on it means."""

    def _apply(self, op: Any, /, *args: Any) -> Any: ...

    def _lift(self, number: Any, /) -> Any: ...


class Symbolic:
    """An operand whose operators apply the rows of the table to it.

    A subclass says in `_apply` what a row makes of its operands, and in `_compare` what a
    comparison is. An operand is neither true nor false: who asks gets a TypeError.
    """

    __slots__ = ()
    # Whether it stands for a number that nobody differentiates by, now or later.
    fixed = False

    def _apply(self, op: Any, /, *args: Any) -> Any:
        raise NotImplementedError

    def _known(self) -> float | None:
        """The number that it will always be, if it is a constant."""
        return None

    def _compare(self, sign: str, other: Any) -> Any:
        """The condition `self sign other`, on which `choose` calls `_choose(x, y)`."""
        raise TypeError(f"{self} is a formula: {sign} cannot be asked of it")

    def _lift(self, number: float, /) -> Any:
        """A number as an operand of this kind."""
        return number

    def __bool__(self) -> bool:
        raise TypeError(f"{self} is a formula: it is neither true nor false")

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
    """The number that `x` will always be: a float, or a constant of a graph; else None."""
    if isinstance(x, float | int):
        return float(x)
    number: float | None = x._known()
    return number


def constant(number: float, like: Any) -> Any:
    """The number as an operand of the same kind as `like`: so log(2) is written, not computed."""
    return number if isinstance(like, float) else like._lift(number)


def fixed(x: Any) -> bool:
    """Whether nobody differentiates by `x`, now or later: a number, or what stands for one."""
    return known(x) is not None or bool(x.fixed)


@overload
def equals(a: float, b: float) -> bool: ...
@overload
def equals(a: Any, b: Any) -> Any: ...
def equals(a: Any, b: Any) -> Any:
    """The condition a == b, which is false where either is nan: == itself stays identity."""
    return a == b if isinstance(a, float) else a._compare("==", b)


@overload
def choose(condition: bool, x: float, y: float) -> float: ...
@overload
def choose(condition: Any, x: Any, y: Any) -> Any: ...
def choose(condition: Any, x: Any, y: Any) -> Any:
    """`x` where the condition holds, else `y`; of numbers at once, else as the operand has it."""
    if isinstance(condition, bool):
        return x if condition else y
    return condition._choose(x, y)
