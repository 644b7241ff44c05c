"""The text of a page's events, as templates: what is said depends on numbers that may change.

A formula of a local derivative depends on the numbers in few ways, because of comparisons: relu has
`1, because a > 0` or `0, because a < 0`. So a template belongs to a situation: the signs of the
operands, and which of them is larger. The page fills in the names and the numbers, by these marks:

    \ue001a  the name of operand a, or the number of a constant; also b, and y for the result
    \ue002a  the same, in brackets if it is negative
    \ue003a  the rounded number of a
    \ue004a  the same, in brackets if it is negative

A user's own rule that compares other things than its operands and 0 has no formula on a page, and
a kink that is neither at 0 nor at a tie nor at all whole numbers has no name there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from math import floor, inf, isfinite, nan
from typing import Any

from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.analysis.notation import Here, because, formula_here, shown
from tinygrad_edu.rows.formula import Formula, format_number
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import Op

__all__ = ["words"]

_NAME, _NAME_WITHIN, _NUMBER, _NUMBER_WITHIN = "\ue001\ue002\ue003\ue004"
_NEGATIVE_CONSTANT, _NEGATIVE_NUMBER = 3, 1  # their strengths: see Formula and numeral


def words(graph: Graph, ops: Sequence[Op], precision: int) -> dict[str, Any]:
    """This returns the templates for the events of a graph with these operations.

    value: for each operation, its form in names and in numbers. kink: for each, the convention at
    its kink, or ''. slope: for each kind of edge (the operation, the operand, `c` for a constant
    beside it, or the number of one that makes a difference) a place in `forms`. There, a situation
    has the local derivative in names, in numbers, and the reason; '' has what holds in all others.
    """
    numbers = {op: i for i, op in enumerate(ops)}
    slope: dict[str, int] = {}
    places: dict[str, int] = {}  # of each form, by its text
    forms: list[dict[str, list[str]]] = []
    known = set()
    for node in graph.nodes:
        constants = [_constant(graph, graph.nodes[i]) for i in node.args]
        for place, i in enumerate(node.args):
            told = ["" if x is None else format_number(x) for x in (*constants, None)[:2]]
            kind, key = (
                f"{numbers[node.op]} {place} {' '.join(x)}"
                for x in (["c" * bool(c) for c in told], told)
            )
            if graph.nodes[i].kind != "constant" and key not in known:
                known.add(key)
                form = _form(node.op, place, constants, precision)
                at = places.setdefault(repr(form), len(forms))
                if at == len(forms):
                    forms.append(form)
                if slope.setdefault(kind, at) != at:
                    slope[key] = at
    return {
        "value": [[str(op(*_marks(op, mark))) for mark in (_NAME, _NUMBER)] for op in ops],
        "kink": [op.kink[1] if op.kink else "" for op in ops],
        "slope": slope,
        "forms": forms,
    }


class _Mark(Formula):
    """A formula in which the operands are marks."""

    __slots__ = ()

    def _within(self, strength: int) -> str:
        mark, letter = self.text[:1], self.text[1:]
        if mark == _NAME and len(letter) == 1:
            return (_NAME_WITHIN if strength > _NEGATIVE_CONSTANT else _NAME) + letter
        if mark == _NUMBER and len(letter) == 1:
            return (_NUMBER_WITHIN if strength > _NEGATIVE_NUMBER else _NUMBER) + letter
        return super()._within(strength)


def _marks(op: Op, mark: str) -> list[_Mark]:
    return [_Mark(mark + letter) for letter in "ab"[: len(op.derivatives)]]


def _constant(graph: Graph, node: Node) -> float | None:
    """The number that stands for a constant in formulas; None for whatever has a name there."""
    return node.data if node.kind == "constant" and graph.names[node.id] != node.label else None


def _form(
    op: Op, place: int, constants: Sequence[float | None], precision: int
) -> dict[str, list[str]]:
    """The templates of a local derivative in each situation; '' has the most frequent ones."""
    told = {
        _situation(*at): _told(op, place, constants, at, precision) for at in _points(constants)
    }
    ((most, _),) = Counter(map(tuple, told.values())).most_common(1)
    return {"": list(most), **{key: x for key, x in told.items() if tuple(x) != most}}


def _situation(*at: float) -> str:
    """The signs of the operands, whether a single one is whole, and which of two is larger."""

    def sort(x: float) -> str:
        if x != x:
            return "?"
        sign = "-" if x < 0 else "+" if x > 0 else "0"
        if not isfinite(x):
            return sign + "i"
        return sign + "w" * (len(at) == 1 and x == floor(x))

    a, b = at[0], at[-1]
    order = "" if len(at) == 1 else "<" if a < b else ">" if a > b else "=" if a == b else "?"
    return "".join(map(sort, at)) + order


def _points(constants: Sequence[float | None]) -> Iterator[tuple[float, ...]]:
    """Operands for every situation: no numbers at which somebody would put a kink, but 0."""
    if len(constants) == 1:
        yield from ((x,) for x in (nan, -inf, -17.0, -16.5, 0.0, 16.5, 17.0, inf))
        return
    beside = [x * c for c in constants if c is not None for x in (1.0, 0.5, 2.0)]
    free = (nan, -inf, -17.0, -16.0, 0.0, 16.0, 17.0, inf, *beside)
    yield from product(*(free if c is None else [c] for c in constants))


def _told(
    op: Op, place: int, constants: Sequence[float | None], at: Sequence[float], precision: int
) -> list[str]:
    """The local derivative at a point: in names, in numbers, and the reason."""
    made = []
    for mark in (_NAME, _NUMBER):
        y = Here(_Mark(mark + "y"), float(total(op.value, *at)))
        args = [
            Here(name if c is None else constant, x, c is not None, place=i)
            for i, (name, constant, c, x) in enumerate(
                zip(_marks(op, mark), _marks(op, _NAME), constants, at)
            )
        ]
        made.append(formula_here(op, place, y, args))
    named, numbered = made
    at_kink = op.kink is not None and op.kink[0](*at)
    if named is None or numbered is None:
        return ["", "", because(op, None, op.kink is not None, True)]
    if not _foreseen(named):
        return ["", "", because(op, None, at_kink, True)]
    texts = [_rounded(x, precision) if x.constant else str(x) for x in (named, numbered)]
    return [*texts, because(op, named, at_kink, True)]


def _rounded(made: Here, precision: int) -> str:
    """The text of a formula that is one number: that of a constant, or another one."""
    text = str(made)
    return _NUMBER + text[1:] if text.startswith(_NAME) else shown(made.number, precision)


def _foreseen(made: Here) -> bool:
    """Whether the situation alone decides the comparisons in a formula."""
    operand, number = f"{_NAME}[ab]", "(?:-?[0-9][0-9.e+-]*|-?inf|nan)"
    decided = f"{operand} is not 0|{operand} [<>=] ({operand}|0)|{number} [<>=] {number}"
    return all(re.fullmatch(decided, reason) for reason in made.because)
