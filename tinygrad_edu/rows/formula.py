"""The rows of the table applied to text: a rule gives its formula instead of a number."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from math import isfinite
from typing import Any

from tinygrad_edu.errors import ViewError
from tinygrad_edu.rows.symbolic import Row, Symbolic

__all__ = [
    "ATOM",
    "Formula",
    "Latex",
    "School",
    "check_precision",
    "derivative_formulas",
    "equals",
    "format_number",
    "formula",
    "latex_name",
    "latex_names",
    "latex_number",
    "numeral",
    "rounded",
]

ATOM = 5  # the precedence of a name or a call, the highest; `ops` has those of the operators
_SUM, _PRODUCT, _MINUS, _POWER = 1, 2, 3, 4


class Formula(Symbolic):
    """A formula: text with the strength of its outermost operation, to know where to put brackets.

    Arithmetic with formulas gives the text that Python would evaluate by the same operations in the
    same order.
    """

    __slots__ = ("strength", "text")

    def __init__(self, text: str | float, strength: int = ATOM) -> None:
        self.text = text if isinstance(text, str) else format_number(text)
        negative = not isinstance(text, str) and self.text.startswith("-")
        self.strength = _MINUS if negative else strength

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def _apply(self, op: Row, /, *args: Any) -> Formula:
        operands = [self._of(x) for x in args]
        strength = op.precedence
        if strength == ATOM:
            return self._called(op, operands)
        if len(operands) == 1:
            return type(self)(f"-{operands[0]._within(strength)}", strength)
        # a - (b - c) and (a**b)**c need their brackets, (a - b) - c and a**(b**c) do not
        left, right = (strength + 1, _MINUS) if strength == _POWER else (strength, strength + 1)
        text = self._joined(op, operands[0]._within(left), operands[1]._within(right))
        return type(self)(text, strength)

    def _joined(self, op: Row, left: str, right: str) -> str:
        space = "" if op.precedence == _POWER else " "
        return f"{left}{space}{op.symbol}{space}{right}"

    def _called(self, op: Row, operands: list[Formula]) -> Formula:
        return type(self)(f"{op.name}({', '.join(x.text for x in operands)})")

    def _of(self, x: Any) -> Formula:
        return x if isinstance(x, Formula) else type(self)(x)

    def _lift(self, number: float) -> Formula:
        return self._of(number)

    def _within(self, strength: int) -> str:
        return self.text if self.strength >= strength else f"({self.text})"


class School(Formula):
    """A formula as school writes it, for pictures: `2·x`, `x² + 1`, `x⁻¹`, `a / (b·c)`, `x·(-2)`.

    A product binds more strongly than a quotient, because it is written more tightly; the one below
    a quotient has brackets all the same.
    """

    __slots__ = ()

    def _apply(self, op: Row, /, *args: Any) -> Formula:
        if op.precedence == ATOM or op.symbol not in _SCHOOL:
            return super()._apply(op, *args)
        sign, strength, left, right = _SCHOOL[op.symbol]
        operands = [self._of(x) for x in args]
        if len(operands) == 1:
            return type(self)(sign + _after_sign(operands[0], right), strength)
        a, b = operands
        if op.symbol == "**":
            base = f"({a})" if _SCIENTIFIC.fullmatch(a.text) else a._within(left)
            if _WHOLE.fullmatch(b.text):
                return type(self)(base + b.text.translate(_RAISED), strength)
            return type(self)(f"{base}^{_after_sign(b, right)}", strength)
        return type(self)(a._within(left) + sign + _after_sign(b, right), strength)


def _after_sign(x: Formula, strength: int) -> str:
    """Returns the text of an operand that follows a sign: no two signs stand in a row."""
    return f"({x.text})" if x.text.startswith("-") else x._within(strength)


# The sign, its strength, and the least strength of its left and its right operand.
_SCHOOL = {
    "+": (" + ", _SUM, _SUM, _PRODUCT),
    "-": (" - ", _SUM, _SUM, _PRODUCT),
    "/": (" / ", _PRODUCT, _PRODUCT, _POWER),
    "*": ("·", _MINUS, _MINUS, _POWER),
    "neg": ("-", _MINUS, _MINUS, _MINUS),
    "**": ("^", _POWER, ATOM, ATOM),
}
_WHOLE, _SCIENTIFIC = re.compile("-?[0-9]+"), re.compile(r"[0-9.]+e[+-][0-9]+")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Latex(Formula):
    """A formula as LaTeX, with only the commands that KaTeX knows."""

    __slots__ = ()

    def __init__(self, text: str | float, strength: int = ATOM) -> None:
        super().__init__(text, strength)
        if not isinstance(text, str):
            self.text = latex_number(self.text)
            if "10^" in self.text:
                self.strength = _PRODUCT

    def _joined(self, op: Row, left: str, right: str) -> str:
        return f"{left} {op.latex or op.symbol} {right}"

    def _apply(self, op: Row, /, *args: Any) -> Formula:
        if op.latex.count("%s") < 2:
            return super()._apply(op, *args)
        a, b = (self._of(x) for x in args)
        base = a._within(ATOM if op.precedence == _POWER else 0)
        return Latex(op.latex % (base, b.text), op.precedence)

    def _called(self, op: Row, operands: list[Formula]) -> Formula:
        if "%s" in op.latex:
            return Latex(op.latex % operands[0].text, _POWER if "^" in op.latex else ATOM)
        upright = "operatorname" if op.name.isascii() else "text"  # KaTeX's rule
        name = op.latex or rf"\{upright}{{{_escaped(op.name)}}}"
        return Latex(rf"{name}\left({', '.join(x.text for x in operands)}\right)")

    def _within(self, strength: int) -> str:
        return self.text if self.strength >= strength else rf"\left({self.text}\right)"


def latex_name(name: str) -> str:
    """Returns the name as LaTeX: `x`, `x_{1}`, or else upright text without commands.

    `x1` and `x_1` look alike: if both can occur, use `latex_names`.
    """
    match = re.fullmatch(r"([A-Za-z\u0391-\u03a9\u03b1-\u03c9])(?:_?([0-9]+))?", name)  # or Greek
    if match:
        return match[1] + (f"_{{{match[2]}}}" if match[2] else "")
    return _upright(name)


def latex_names(names: Collection[str]) -> dict[str, str]:
    """Returns each name as LaTeX, all different: beside `x1`, `x_1` becomes upright text."""
    taken: dict[str, str] = {}
    for name in sorted({*names}, key=lambda name: ("_" in name, name)):
        written = latex_name(name)
        taken[written if written not in taken else _upright(name)] = name
    return {name: written for written, name in taken.items()}


def _upright(name: str) -> str:
    return rf"\text{{{_escaped(name)}}}"


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    return "".join(special.get(c, rf"\{c}" if c in "#$%&_{}" else c) for c in text)


def latex_number(text: str) -> str:
    """Returns a number's text as LaTeX: 1e-05 as a power of ten, inf as its sign, nan in words."""
    mantissa, e, exponent = text.partition("e")
    if e:
        return rf"{mantissa} \times 10^{{{int(exponent)}}}"
    return text.replace("inf", r"\infty").replace("nan", r"\text{undefined}")


def check_precision(precision: int) -> None:
    """Raises ViewError unless `precision` is a number of decimals, 0 to 17."""
    if type(precision) is not int or not 0 <= precision <= 17:
        raise ViewError(f"numbers are shown with 0 to 17 decimals, not {str(precision)[:60]}")


@lru_cache(maxsize=1 << 12)  # an adjoint is written at every edge that brings a contribution
def rounded(x: float, precision: int = 4) -> str:
    """Returns `x` as text: `precision` decimals from 1 to 1e7, else `precision` digits, at least 1.

    A number that these say exactly has no zeros at its end: 2, 0.5, 1e-05. A rounded one keeps
    them, so that it says that it was rounded: 0.41997 is 0.4200, 2.99999 is 3.0000. The number
    itself is the shortest text that Python reads back as `x`: 0.1 is exact.
    """
    if x == 0:
        return "0"
    if not isfinite(x):
        return f"{x:g}"
    size, shortest = abs(x), format_number(x)
    digits = shortest.partition("e")[0].lstrip("-").lstrip("0.")
    if 1 <= size < 1e7:
        exact = len(digits.partition(".")[2]) <= precision
        return shortest if exact else f"{x:.{precision}f}"
    most = max(precision, 1)
    count = len(digits.replace(".", "").rstrip("0"))
    if count <= most:
        return shortest if size < 10.0**most or "e" in shortest else f"{x:.{count}g}"
    text = f"{x:#.{most}g}".replace(".e", "e").removesuffix(".")
    return f"{x:.{precision}f}" if abs(float(text)) == 1 else text  # 0.99999 is 1.0000, as 1.00001


def equals(made: float, shown: str, precision: int = 4) -> str:
    """Returns `=`, or `\u2248` where a pocket calculator that was given rounded numbers differs.

    made: what it makes of the numbers that are shown. shown: the rounded result beside them.
    """
    told = rounded(made, precision)
    return "=" if told == shown or float(told) == float(shown) else "\u2248"


def format_number(x: float) -> str:
    """Returns the shortest text that Python reads back as `x`, without a trailing `.0`."""
    return repr(float(x)).removesuffix(".0")


def formula(op: Row) -> str:
    """Returns the operation as text: `a * b`, `tanh(a)`."""
    return str(op(*_arguments(op)))


def derivative_formulas(op: Row, written: type[Formula] = Formula) -> list[str]:
    """Returns its local derivatives as text, one for each operand: [`1 - y**2`]."""
    y = written("y")
    return [str(y._of(rule(y, *_arguments(op, written)))) for rule in op.reads]


def numeral(x: float, precision: int, written: type[Formula] = Formula) -> Formula:
    """Returns a rounded number; a negative one gets brackets unless it begins a sum."""
    text = rounded(x, precision)
    return written(text, _SUM if text.startswith("-") else ATOM)


def _arguments(op: Row, written: type[Formula] = Formula) -> list[Formula]:
    return [written(name) for name in "ab"[: len(op.derivatives)]]
