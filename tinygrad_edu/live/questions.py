"""The hidden numbers of a graph as questions, each with its answer and with usual mistakes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from math import isfinite, isnan
from typing import NamedTuple

from tinygrad_edu.analysis.graph import Graph, Passing, backward_pass
from tinygrad_edu.analysis.notation import (
    derivative,
    local_derivative,
    number,
    operation,
    operation_in_numbers,
    side,
)
from tinygrad_edu.errors import ViewError
from tinygrad_edu.live.mistakes import Wrong, of_gradients, of_local, of_value
from tinygrad_edu.rows.formula import numeral, rounded

__all__ = ["Question", "accepted", "digits", "named", "near", "questions", "written"]

_MOST = 300  # questions that a class can be asked
_SHORT = "This is right as far as it goes: write all the digits that are asked for."
_NOTHING = 1e-9  # a number below this may be called 0: often it is the rounding of one


class Question(NamedTuple):
    """A hidden number.

    kind: `value`, `gradient` or `local derivative`; of: whose. part: the id of the box or the link
    in the picture that shows it. formula: how it is computed, in names and in numbers. wrong: the
    mistakes whose answers differ from the right one, and from each other.
    """

    kind: str
    of: str
    part: str
    right: float
    formula: str
    wrong: tuple[Wrong, ...]


def named(graph: Graph) -> Graph:
    """This returns the graph with a label on every node, which has its name in events."""
    nodes = []
    for node, name in zip(graph.nodes, graph.names):
        if node.kind != "constant" and node.label != name:
            node = node._replace(label=f"{node.label} ({name})" if node.label else name)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def questions(graph: Graph, hide: Collection[str], precision: int) -> list[Question]:
    """This returns a question for each number of a graph with gradients that `hide` leaves blank.

    They are in the order in which a student computes them. ViewError if nothing is hidden, or more
    than a class can answer.
    """
    passings = backward_pass(graph)
    asked = [*_values(graph, hide, precision)]
    if "edges" in hide:
        asked += _locals(graph, passings, precision)
    if "grads" in hide:
        asked += _gradients(graph, passings, precision)
    if not asked:
        raise ViewError("a worksheet asks for what is hidden: hide grads, values, leaves or edges")
    if len(asked) > _MOST:
        raise ViewError(
            f"{len(asked)} questions are more than a class can answer ({_MOST}): hide less, such "
            "as only grads, or take a smaller graph"
        )
    return [each._replace(wrong=_told_apart(each, precision)) for each in asked]


def _values(graph: Graph, hide: Collection[str], precision: int) -> Iterator[Question]:
    for node in graph.nodes:
        if node.kind == "constant" or {"leaf": "leaves"}.get(node.kind, "values") not in hide:
            continue
        formula = "given"
        if node.op:
            formula = f"{operation(graph, node)} = {operation_in_numbers(node, precision)}"
        name, wrong = graph.names[node.id], (*of_value(graph, node),)
        yield Question("value", name, f"n{node.id}", number(node), formula, wrong)


def _locals(graph: Graph, passings: Iterable[Passing], precision: int) -> Iterator[Question]:
    arrived = {(p.target, p.operand): p for p in passings}
    for edge in graph.edges:
        if edge.local is None:
            continue
        p = arrived.get((edge.target, edge.operand))
        target, source = graph.nodes[edge.target], graph.names[edge.source]
        which = "" if p is None else side(target, p)
        formula = "" if p is None else local_derivative(graph, p, precision).rpartition(" = ")[0]
        yield Question(
            "local derivative",
            f"{graph.names[edge.target]} by {source}{which}",
            f"e{edge.source}_{edge.target}_{edge.operand}",
            edge.local,
            formula,
            () if p is None else (*of_local(graph, p),),
        )


def _gradients(graph: Graph, passings: Sequence[Passing], precision: int) -> Iterator[Question]:
    wrong = of_gradients(graph, passings)
    for node in reversed(graph.nodes):
        if node.grad is not None:
            arriving = [p for p in passings if p.source == node.id]
            formula = _sum(graph, arriving, precision)
            name = graph.names[node.id]
            yield Question("gradient", name, f"n{node.id}", node.grad, formula, (*wrong[node.id],))


def _sum(graph: Graph, arriving: Sequence[Passing], precision: int) -> str:
    """The contributions to a gradient, in names and in numbers: `y.grad * x = 1 * 2`."""
    if not arriving:
        return "where the backward pass starts"
    names, numbers = [], []
    for p in arriving:
        local = derivative(graph, graph.nodes[p.target], p.operand, precision)
        local = local or rounded(p.local, precision)
        names.append(f"{graph.names[p.target]}.grad * ({local})")
        numbers.append(f"{numeral(p.adjoint, precision)} * ({rounded(p.local, precision)})")
    return f"{' + '.join(names)} = {' + '.join(numbers)}"


def digits(x: float, precision: int) -> tuple[int, int]:
    """This returns n and e such that n * 10**e is x, rounded as pictures round.

    precision: decimals from 1 to 1e7, else digits, at least 1. x must be finite.
    """
    if x == 0:
        return 0, -precision
    size = Decimal(repr(abs(x))).adjusted()
    places = size + precision if 0 <= size < 7 else max(precision, 1) - 1
    text = f"{x:.{places}e}"
    mantissa, _, exponent = text.partition("e")
    if int(exponent) > size:  # 0.99999 is rounded to 1, whose last digit is another one
        return digits(float(text), precision)
    return int(mantissa.replace(".", "")), int(exponent) - places


def written(n: int, e: int) -> str:
    """This returns n * 10**e as the one text of that number, in all languages: 5e-1."""
    if n == 0:
        return "0e0"
    while n % 10 == 0:
        n, e = n // 10, e + 1
    return f"{n}e{e}"


def near(x: float, precision: int) -> list[str]:
    """This returns the texts of a rounded number and of its two neighbours in the last digit."""
    if not isfinite(x):
        return [f"{x:g}"]
    n, e = digits(x, precision)
    return [written(n + step, e) for step in (0, 1, -1)]


def accepted(right: float, precision: int) -> list[str]:
    """This returns the texts that are right, as the page writes a rounded number."""
    nothing = [written(0, 0)] if 0 < abs(right) < _NOTHING else []
    return [near(right, precision)[0], *nothing]


def _told_apart(question: Question, precision: int) -> tuple[Wrong, ...]:
    """The mistakes that give other numbers than the right answer, and than each other."""
    right, kept = question.right, []
    taken = {*near(right, precision), *accepted(right, precision)}
    shorter = [digits(right, d) for d in range(1, precision)] if isfinite(right) else []
    short = [Wrong(float(f"{n}e{e}"), _SHORT) for n, e in reversed(shorter)]
    for wrong in (*question.wrong, *short):
        text = near(wrong.answer, precision)[0]
        if text not in taken and not isnan(wrong.answer):
            taken.add(text)
            kept.append(wrong)
    return tuple(kept)
