"""What `help` says of an operation, made from its row: there is no other text of it."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.formula import derivative_formulas, formula


class Description:
    """The docstring of each operation; that of the class itself is `text`."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __get__(self, op: Any, owner: type) -> str | None:
        return self.text if op is None else describe(op)


def describe(op: Any) -> str:
    """What the operation computes, its derivatives, where it has a kink, and an example."""
    if not op.derivatives:
        return f"A {op.name}: it has no operands."
    call = f"{op.__name__}({', '.join('ab'[: len(op.derivatives)])})"
    written = "" if (text := _written(op)) == call else f", written {text}"
    lines = [f"{op.says or f'The operation {op.name}'}{written}.", ""]
    for letter, rule in zip("ab", _rules(op)):
        lines.append(f"d {call} / d {letter} = {rule}")
    if any("y" in rule for rule in _rules(op)):
        lines.append("where y is the result.")
    if op.kink:
        lines.append(f"Convention: {op.kink[1]}.")
    kinds = (
        "a float for numbers, a Value if one is a Value"
        if len(op.derivatives) > 1
        else ("a float for a number, a Value for a Value")
    )
    lines.append(f"Returns {kinds}.")
    example = _example(op)
    return "\n".join([*lines, *([""] if example else []), *example])


def _written(op: Any) -> str:
    return (
        formula(op)
        if op.precedence < 5
        else f"{op.__name__}({', '.join('ab'[: len(op.derivatives)])})"
    )


def _rules(op: Any) -> list[str]:
    try:
        return derivative_formulas(op)
    except Exception:  # a rule of somebody's own that is no formula
        return []


def _example(op: Any) -> list[str]:
    """A call at numbers that suit, with its result, as a prompt shows it."""
    numbers = op.example or (0.5, 2.0)[: len(op.derivatives)]
    try:
        result = op(*numbers)
    except Exception:
        return []
    return [f">>> {op.__name__}({', '.join(map(repr, numbers))})", repr(result)]
