"""The rows of the table applied to text: what a rule says, instead of what it computes."""

from __future__ import annotations

import re
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.errors import ViewError
from tinygrad_edu.ops import Op

# How strongly an operator binds, as in Python; a call or a name binds strongest.
_STRENGTH = {"add": 1, "sub": 1, "mul": 2, "div": 2, "neg": 3, "pow": 4}
_ATOM = 5


class Symbolic:
    """What a rule can be applied to besides numbers: each operator applies its row of the table.

    A subclass says in `_apply` what that means. It refuses to be a truth value: a rule that asks
    is no rule.
    """

    __slots__ = ()

    def _apply(self, op: Op, *args: Any) -> Any:
        raise NotImplementedError

    def __bool__(self) -> bool:
        raise TypeError(f"{self} is a formula: it is neither true nor false")

    def __neg__(self) -> Any:
        return self._apply(ops.neg, self)

    def __abs__(self) -> Any:
        return self._apply(ops.absolute, self)

    def __add__(self, b: Any) -> Any:
        return self._apply(ops.add, self, b)

    def __radd__(self, a: Any) -> Any:
        return self._apply(ops.add, a, self)

    def __sub__(self, b: Any) -> Any:
        return self._apply(ops.sub, self, b)

    def __rsub__(self, a: Any) -> Any:
        return self._apply(ops.sub, a, self)

    def __mul__(self, b: Any) -> Any:
        return self._apply(ops.mul, self, b)

    def __rmul__(self, a: Any) -> Any:
        return self._apply(ops.mul, a, self)

    def __truediv__(self, b: Any) -> Any:
        return self._apply(ops.div, self, b)

    def __rtruediv__(self, a: Any) -> Any:
        return self._apply(ops.div, a, self)

    def __pow__(self, b: Any) -> Any:
        return self._apply(ops.power, self, b)

    def __rpow__(self, a: Any) -> Any:
        return self._apply(ops.power, a, self)


class Formula(Symbolic):
    """A formula: text that keeps track of where brackets are needed.

    Arithmetic on it writes arithmetic down, so that Python, reading the text, would do the same
    operations in the same order.
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

    def _apply(self, op: Op, *args: Any) -> Formula:
        if op is ops.mask and not isinstance(args[0], Formula):  # it will never change
            return self._of(args[1] if args[0] else 0.0)
        operands = [self._of(x) for x in args]
        strength = _STRENGTH.get(op.name, _ATOM)
        if op is not ops.TABLE.get(op.name) or strength == _ATOM:
            return self._called(op, operands)
        if op is ops.neg:
            return type(self)(f"-{operands[0]._within(strength)}", strength)
        # a - (b - c) and (a**b)**c need their brackets, (a - b) - c and a**(b**c) do not
        left, right = (strength + 1, strength - 1) if op is ops.power else (strength, strength + 1)
        text = self._joined(op, operands[0]._within(left), operands[1]._within(right))
        return type(self)(text, strength)

    def _joined(self, op: Op, left: str, right: str) -> str:
        space = "" if op is ops.power else " "
        return f"{left}{space}{op}{space}{right}"

    def _called(self, op: Op, operands: list[Formula]) -> Formula:
        return type(self)(f"{op.name}({', '.join(x.text for x in operands)})")

    def _of(self, x: Any) -> Formula:
        return x if isinstance(x, Formula) else type(self)(x)

    def _within(self, strength: int) -> str:
        return self.text if self.strength >= strength else f"({self.text})"


class Latex(Formula):
    """A formula written as LaTeX mathematics, in the part of it that KaTeX knows."""

    __slots__ = ()

    def __init__(self, text: str | float, strength: int = _ATOM) -> None:
        super().__init__(text, strength)
        if not isinstance(text, str):
            self.text = latex_number(self.text)
            if "10^" in self.text:
                self.strength = _STRENGTH["mul"]

    def _joined(self, op: Op, left: str, right: str) -> str:
        return f"{left} {_LATEX_SIGNS.get(op.name, op)} {right}"

    def _apply(self, op: Op, *args: Any) -> Formula:
        if op in (ops.div, ops.power):
            a, b = (self._of(x) for x in args)
            if op is ops.div:
                return Latex(rf"\frac{{{a}}}{{{b}}}", _STRENGTH["mul"])
            return Latex(f"{{{a._within(_ATOM)}}}^{{{b}}}", _STRENGTH["pow"])
        return super()._apply(op, *args)

    def _called(self, op: Op, operands: list[Formula]) -> Formula:
        if op in _LATEX_FORMS:
            strength = _STRENGTH["pow"] if op is ops.exp else _ATOM
            return Latex(_LATEX_FORMS[op] % operands[0].text, strength)
        known = op in (ops.log, ops.sin, ops.cos, ops.tan, ops.sinh, ops.cosh, ops.tanh)
        upright = "operatorname" if op.name.isascii() else "text"  # as KaTeX would have it
        name = rf"\{op.name}" if known else rf"\{upright}{{{_escaped(op.name)}}}"
        return Latex(rf"{name}\left({', '.join(x.text for x in operands)}\right)")

    def _within(self, strength: int) -> str:
        return self.text if self.strength >= strength else rf"\left({self.text}\right)"


_LATEX_SIGNS = {"mul": r"\cdot"}
_LATEX_FORMS = {
    ops.exp: "e^{%s}",
    ops.sqrt: r"\sqrt{%s}",
    ops.absolute: r"\left|%s\right|",
}


def latex_name(name: str) -> str:
    """The name as LaTeX: `x`, `x_{1}`, or else upright text in which nothing is a command."""
    match = re.fullmatch(r"([A-Za-z\u0391-\u03a9\u03b1-\u03c9])_?([0-9]*)", name)  # or Greek
    if match:
        return match[1] + (f"_{{{match[2]}}}" if match[2] else "")
    return rf"\text{{{_escaped(name)}}}"


def _escaped(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    return "".join(special.get(c, rf"\{c}" if c in "#$%&_{}" else c) for c in text)


def latex_number(text: str) -> str:
    """A number's text as LaTeX: 1e-05 is a power of ten, inf has its sign, nan is undefined."""
    mantissa, e, exponent = text.partition("e")
    if e:
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"
    return text.replace("inf", r"\infty").replace("nan", r"\text{undefined}")


def check_places(places: int) -> None:
    """Raises ViewError unless `places` can be a number of decimals."""
    if type(places) is not int or not 0 <= places <= 17:
        raise ViewError(f"numbers are shown with 0 to 17 decimals, not {str(places)[:60]}")


def rounded(x: float, places: int = 4) -> str:
    """The number for a reader: `places` decimals, or as many digits below 1 and from 1e7 on."""
    if x == 0:
        return "0"
    if 1 <= abs(x) < 1e7:
        text = f"{x:.{places}f}"
        return text.rstrip("0").rstrip(".") if places else text
    return f"{x:.{places or 1}g}"  # which writes nan and inf too


def format_number(x: float) -> str:
    """The shortest text that reads back as `x`, without a trailing `.0`."""
    return repr(float(x)).removesuffix(".0")


def formula(op: Op) -> str:
    """The operation as text, in its arguments: `a * b`, `tanh(a)`."""
    return str(op(*_arguments(op)))


def derivative_formulas(op: Op) -> list[str]:
    """Its local derivatives as text, one for each argument: [`1 - y**2`]."""
    y = Formula("y")
    return [str(y._of(rule(y, *_arguments(op)))) for rule in op.derivatives]


def numeral(x: float, places: int) -> Formula:
    """A number as it is shown; a negative one in brackets, unless a sum begins with it."""
    text = rounded(x, places)
    return Formula(text, _STRENGTH["add"] if text.startswith("-") else _ATOM)


def _arguments(op: Op) -> list[Formula]:
    return [Formula(name) for name in "ab"[: len(op.derivatives)]]
