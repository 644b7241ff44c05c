"""The rows of the table applied to text: what a rule says, instead of what it computes."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.ops import Op

# How strongly an operator binds, as in Python; a call or a name binds strongest.
_STRENGTH = {"add": 1, "sub": 1, "mul": 2, "div": 2, "neg": 3, "pow": 4}
_ATOM = 5


class Formula:
    """A formula: text that keeps track of where brackets are needed.

    Arithmetic on it writes arithmetic down, so that Python, reading the text, would do the same
    operations in the same order. It refuses to be a truth value: a rule that asks is no rule.
    """

    __slots__ = ("strength", "text")

    def __init__(self, text: str | float, strength: int = _ATOM) -> None:
        self.text = text if isinstance(text, str) else format_number(text)
        negative = not isinstance(text, str) and self.text.startswith("-")
        self.strength = _STRENGTH["neg"] if negative else strength

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def __bool__(self) -> bool:
        raise TypeError(f"{self.text} is a formula: it is neither true nor false")

    def _apply(self, op: Op, *args: Any) -> Formula:
        operands = [_formula(x) for x in args]
        strength = _STRENGTH.get(op.name, _ATOM)
        if op is not ops.TABLE.get(op.name) or strength == _ATOM:
            return Formula(f"{op.name}({', '.join(x.text for x in operands)})")
        if op is ops.neg:
            return Formula(f"-{operands[0]._within(strength)}", strength)
        # a - (b - c) and (a**b)**c need their brackets, (a - b) - c and a**(b**c) do not
        left, right = (strength + 1, strength - 1) if op is ops.power else (strength, strength + 1)
        space = "" if op is ops.power else " "
        text = f"{operands[0]._within(left)}{space}{op}{space}{operands[1]._within(right)}"
        return Formula(text, strength)

    def _within(self, strength: int) -> str:
        return self.text if self.strength >= strength else f"({self.text})"

    def __neg__(self) -> Formula:
        return self._apply(ops.neg, self)

    def __abs__(self) -> Formula:
        return self._apply(ops.absolute, self)

    def __add__(self, b: Any) -> Formula:
        return self._apply(ops.add, self, b)

    def __radd__(self, a: Any) -> Formula:
        return self._apply(ops.add, a, self)

    def __sub__(self, b: Any) -> Formula:
        return self._apply(ops.sub, self, b)

    def __rsub__(self, a: Any) -> Formula:
        return self._apply(ops.sub, a, self)

    def __mul__(self, b: Any) -> Formula:
        return self._apply(ops.mul, self, b)

    def __rmul__(self, a: Any) -> Formula:
        return self._apply(ops.mul, a, self)

    def __truediv__(self, b: Any) -> Formula:
        return self._apply(ops.div, self, b)

    def __rtruediv__(self, a: Any) -> Formula:
        return self._apply(ops.div, a, self)

    def __pow__(self, b: Any) -> Formula:
        return self._apply(ops.power, self, b)

    def __rpow__(self, a: Any) -> Formula:
        return self._apply(ops.power, a, self)


def format_number(x: float) -> str:
    """The shortest text that reads back as `x`, without a trailing `.0`."""
    return repr(float(x)).removesuffix(".0")


def formula(op: Op) -> str:
    """The operation as text, in its arguments: `a * b`, `tanh(a)`."""
    return str(op(*_arguments(op)))


def derivative_formulas(op: Op) -> list[str]:
    """Its local derivatives as text, one for each argument: [`1 - y**2`]."""
    y = Formula("y")
    return [str(_formula(rule(y, *_arguments(op)))) for rule in op.derivatives]


def _arguments(op: Op) -> list[Formula]:
    return [Formula(name) for name in "ab"[: len(op.derivatives)]]


def _formula(x: Formula | float) -> Formula:
    return x if isinstance(x, Formula) else Formula(x)
