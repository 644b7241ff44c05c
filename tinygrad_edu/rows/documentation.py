"""The text that `help` shows for an operation, generated from its row."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.rows.formula import ATOM, derivative_formulas, formula
from tinygrad_edu.rows.ieee import total

__all__ = ["Description", "describe"]


class Description:
    """The docstring of each operation, generated at its first use; the class's own is `text`."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __get__(self, op: Any, owner: type) -> str | None:
        if op is None:
            return self.text
        if "_described" not in op.__dict__:  # cached: methods of Value share it
            op._described = describe(op)
        return str(op._described)


def describe(op: Any) -> str:
    """Returns what the operation computes, its derivatives, its kinks, and an example."""
    if not op.derivatives:
        return f"A {op.name}: it has no operands."
    letters = "ab"[: len(op.derivatives)]
    written = formula(op) if op.precedence < ATOM else _call(op, letters)
    said = op.says or f"The operation {op.name}"
    how = f", written {written}" if op.precedence < ATOM else ""
    lines = [f"{said}{how}.", ""]
    result = f"({written})" if op.precedence < ATOM else written
    rules = _rules(op)
    lines += [f"d {result} / d {x} = {rule}" for x, rule in zip(letters, rules)]
    if any("y" in _words(rule) for rule in rules):
        lines.append("where y is the result.")
    if op.kink:
        lines.append(f"By convention, at a kink: {op.kink[1]}.")
    several = "a float for numbers, a Value if an operand is a Value"
    one = "a float for a number, a Value for a Value"
    lines.append(f"Returns {several if len(letters) > 1 else one}.")
    return "\n".join([*lines, *_example(op)])


def _call(op: Any, operands: Any) -> str:
    return f"{op.__name__}({', '.join(operands)})"


def _words(text: str) -> list[str]:
    return "".join(c if c.isidentifier() else " " for c in text).split()


def _rules(op: Any) -> list[str]:
    try:
        return derivative_formulas(op)
    except Exception:  # a user's rule that cannot be written as a formula
        return []


def _example(op: Any) -> list[str]:
    """Returns a call at suitable numbers and its result, as at the Python prompt."""
    numbers = op.example or (0.5, 2.0)[: len(op.derivatives)]
    try:
        result = total(op.value, *numbers)  # not op(...), which would hasten each row
    except Exception:  # a user's value that is undefined there
        return []
    call = _call(op, map(repr, numbers))
    if op.precedence < ATOM:
        call = formula(op).replace("a", f"{numbers[0]!r}").replace("b", f"{numbers[-1]!r}")
    return ["", f">>> {call}", repr(result)]
