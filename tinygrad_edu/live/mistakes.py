"""The numbers that usual mistakes give, each with a sentence that says what was forgotten.

A mistake in a gradient is made at one edge, at every edge into a node, or in the whole backward
pass: who computes a gradient from a wrong one has made no second mistake, and reads of the first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tinygrad_edu.analysis.graph import Graph, Node, Passing
from tinygrad_edu.analysis.notation import name, number, operation, rule, side
from tinygrad_edu.ops import add, div, mul, neg, power, sub
from tinygrad_edu.rows.formula import School
from tinygrad_edu.rows.ieee import total

__all__ = ["Wrong", "of_gradients", "of_local", "of_value"]


class Wrong(NamedTuple):
    """A wrong answer, and the sentence about the mistake that it comes from."""

    answer: float
    reason: str


SIGN = "The size is right, the sign is not."
_ARITHMETIC = (add, sub, mul, div, power)
_DEGREES = ("sin", "cos", "tan")
_OTHER, _RESULT = "the other factor", "y is the result"  # of reasons

# Wrong rules of single operations: the operand, the rule, and what is wrong with it.
_SLIPS: dict[str, Sequence[tuple[int, Callable[..., float], str]]] = {
    "tanh": [(0, lambda y, a: 1 - y, "The rule of tanh is 1 - y²: the square is missing.")],
    "sigmoid": [
        (0, lambda y, a: 1 - y, "The rule of sigmoid is y·(1 - y): the factor y is missing."),
        (0, lambda y, a: 1 - y**2, "This is the rule of tanh; that of sigmoid is y·(1 - y)."),
    ],
    "exp": [(0, lambda y, a: a * y / math.e, "exp is no power: the derivative of e^a is e^a.")],
    "sqrt": [(0, lambda y, a: 1 / y, "The rule of sqrt is 1 / (2·y): the factor 2 is missing.")],
    "relu": [(0, lambda y, a: 1.0, "relu lets a gradient pass only where its operand is above 0.")],
    "neg": [(0, lambda y, a: 1.0, "The rule of a minus sign is -1: the sign is lost.")],
    "sub": [(1, lambda y, a, b: 1.0, "What is taken away has the local derivative -1.")],
    "div": [
        (1, lambda y, a, b: -a / b, "The denominator is squared: the rule is -a / b²."),
    ],
    "pow": [
        (0, lambda y, a, b: a ** (b - 1), "The exponent as a factor is missing: b·a^(b - 1)."),
        (0, lambda y, a, b: b * y, "The exponent goes down by 1: the rule is b·a^(b - 1)."),
        (0, lambda y, a, b: b * a, "The exponent b - 1 is missing: the rule is b·a^(b - 1)."),
    ],
}


def of_value(graph: Graph, node: Node) -> Iterator[Wrong]:
    """Yields the mistakes in a value: another operation, other operands, another sign."""
    y = number(node)
    names = [str(name(graph, graph.nodes[i], School)) for i in node.args]
    if len(names) == 2:
        a, b = node.used
        if not node.op.commutes:
            said = operation(graph, node, School)
            turned = total(node.op.value, b, a)
            yield Wrong(turned, f"The operands have changed places in {said}.")
        for op in _ARITHMETIC if node.op in _ARITHMETIC else ():
            if op is not node.op:
                other, said = (str(each(*map(School, names))) for each in (op, node.op))
                yield Wrong(total(op.value, a, b), f"This is {other}. It is {said}.")
        if names[0] != names[1]:
            yield Wrong(a, f"This is {names[0]} alone: {names[1]} is missing.")
            yield Wrong(b, f"This is {names[1]} alone: {names[0]} is missing.")
    elif names:
        if node.op is not neg:
            yield Wrong(node.used[0], f"This is {names[0]} itself: apply {node.op}.")
        if node.op.name in _DEGREES:
            degrees = total(node.op.value, math.radians(node.used[0]))
            yield Wrong(degrees, f"The calculator is set to degrees: {node.op} takes radians.")
        if node.op.name == "log":
            yield Wrong(
                y / math.log(10), "This is the logarithm to base 10: log is the natural one."
            )
        yield Wrong(_slope(node, 0), f"This is the local derivative of {node.op}, not its value.")
    yield Wrong(-y, SIGN)
    for i, (operand, x) in enumerate(zip(names, node.used)):
        if x < 0:
            without = (*node.used[:i], -x, *node.used[i + 1 :])
            yield Wrong(total(node.op.value, *without), f"The minus sign of {operand} is lost.")
    if node.grad is not None:
        yield Wrong(node.grad, "This is its gradient, not its value.")


def of_local(graph: Graph, p: Passing) -> Iterator[Wrong]:
    """Yields the mistakes in a local derivative."""
    yield from _rules(graph, p)
    yield Wrong(-p.local, SIGN)
    told = "This is the contribution. The local derivative is without the gradient."
    yield Wrong(p.contribution, told)
    yield Wrong(p.adjoint, "This is the gradient that arrives, not the local derivative.")


def of_gradients(graph: Graph, passings: Sequence[Passing]) -> dict[int, list[Wrong]]:
    """This returns the mistakes in the gradient of each node, the likeliest first.

    passings: those of its backward pass.
    """
    incoming: dict[int, list[Passing]] = defaultdict(list)
    for p in passings:
        incoming[p.source].append(p)
    passes = [(_passed(graph, passings, each), each.reason) for each in _EVERYWHERE]
    found: dict[int, list[Wrong]] = {}
    for node in graph.nodes:
        if node.grad is None:
            continue
        wrong = [*_sums(graph, incoming[node.id]), *_edges(graph, incoming[node.id])]
        wrong.append(Wrong(-node.grad, SIGN))
        if node is graph.output:
            start = "The gradient of the output by itself is 1: there the backward pass starts."
            wrong.append(Wrong(0.0, start))
        wrong += [Wrong(grads[node.id], said) for grads, said in passes if node.id in grads]
        wrong.append(Wrong(number(node), "This is its value, not its gradient."))
        found[node.id] = wrong
    return found


def _sums(graph: Graph, arriving: Sequence[Passing]) -> Iterator[Wrong]:
    """Yields the mistakes in a sum of right contributions."""
    parts = [p.contribution for p in arriving]
    if len(parts) < 2:
        return
    last = _path(graph, arriving[-1])
    told = f"Only {last} counts here, which came last: contributions add up (+=, not =)."
    yield Wrong(parts[-1], told)
    for i, p in enumerate(arriving):
        rest = sum(parts[:i] + parts[i + 1 :])
        yield Wrong(rest, f"You forgot to add {_path(graph, p)}.")
        yield Wrong(rest - parts[i], f"The sign of what comes by {_path(graph, p)} is lost.")
    for i, p in enumerate(arriving):
        yield Wrong(parts[i], f"Only {_path(graph, p)} counts here: add the others.")
    yield Wrong(math.prod(parts), "You multiplied the contributions: they add up.")


def _edges(graph: Graph, arriving: Sequence[Passing]) -> Iterator[Wrong]:
    """Yields the mistakes in one of the contributions, or in all of them."""
    whole = sum(p.contribution for p in arriving)
    for p in arriving:
        where = f"By {_path(graph, p)}: " if len(arriving) > 1 else ""
        for answer, reason in _contributions(graph, p):
            yield Wrong(whole - p.contribution + answer, where + reason)
    for each in _EVERYWHERE if len(arriving) > 1 else ():
        yield Wrong(sum(each.contribution(graph, p, p.adjoint) for p in arriving), each.reason)


def _contributions(graph: Graph, p: Passing) -> Iterator[Wrong]:
    """Yields wrong contributions of an edge, those that say most of the mistake first."""
    for local, reason in _rules(graph, p):
        yield Wrong(p.adjoint * local, reason)
    arrives = f"{_named(graph, p.target)}.grad"
    yield Wrong(p.local, f"This is the local derivative alone: multiply it by {arrives}.")
    yield Wrong(p.adjoint, f"This is {arrives} alone: multiply it by the local derivative.")
    yield Wrong(p.adjoint + p.local, f"You added the local derivative to {arrives}: multiply.")


def _rules(graph: Graph, p: Passing) -> Iterator[Wrong]:
    """Yields wrong local derivatives of an edge."""
    target = graph.nodes[p.target]
    op, y, place = target.op, number(target), p.operand
    source = _named(graph, p.source)
    if op is mul:
        told = f"In a product, the derivative by {source} is {_OTHER}, not {source}."
        yield Wrong(target.used[place], told)
    elif len(target.used) == 2 and op is not sub:
        told = f"This is the derivative of {_named(graph, target.id)} by its other operand."
        yield Wrong(_slope(target, 1 - place), told)
    elif len(target.used) == 1 and (text := rule(op, place, School)):
        x, reads = target.used[0], op.reads[place]
        told = f"In the rule of {op}, {text}, {_RESULT}, and not the operand."
        yield Wrong(total(reads, x, x), told)
        told = f"In the rule of {op}, {text}, a is the operand, and not the result."
        yield Wrong(total(reads, y, y), told)
    for operand, slip, told in _SLIPS.get(op.name, ()):
        if operand == place:
            yield Wrong(total(slip, y, *target.used), told)


def _slope(target: Node, place: int) -> float:
    return float(total(target.op.derivatives[place], number(target), *target.used))


def _path(graph: Graph, p: Passing) -> str:
    """The path of an edge, in words: `the path through v1`."""
    return f"the path through {_named(graph, p.target)}{side(graph.nodes[p.target], p)}"


def _named(graph: Graph, i: int) -> str:
    return str(name(graph, graph.nodes[i], School))


class _Bug(NamedTuple):
    """A backward pass with one mistake, made at every edge.

    contribution: of an edge, for the adjoint that arrives. replaces: whether a later contribution
    takes the place of an earlier one.
    """

    reason: str
    contribution: Callable[[Graph, Passing, float], float]
    replaces: bool = False


def _passed(graph: Graph, passings: Sequence[Passing], bug: _Bug) -> dict[int, float]:
    """The gradients of a backward pass with a mistake."""
    grads = {graph.output.id: 1.0}
    for p in passings:
        part = bug.contribution(graph, p, grads[p.target])
        first = bug.replaces or p.source not in grads
        grads[p.source] = part if first else grads[p.source] + part
    return grads


def _by_rule(words: str) -> Callable[[Graph, Passing, float], float]:
    """The contribution by the wrong rule that has these words in its reason, where there is one."""

    def contribution(graph: Graph, p: Passing, adjoint: float) -> float:
        found = [local for local, reason in _rules(graph, p) if words in reason]
        return adjoint * (found[0] if found else p.local)

    return contribution


_ABOVE = "between here and the output"
_EVERYWHERE = (
    _Bug(
        f"A sum is not complete {_ABOVE}: contributions add up (+=, not =).",
        lambda graph, p, adjoint: adjoint * p.local,
        replaces=True,
    ),
    _Bug(
        f"Local derivatives stand alone {_ABOVE}: multiply each by the gradient that arrives.",
        lambda graph, p, adjoint: p.local,
    ),
    _Bug(
        f"Gradients are passed on as they are {_ABOVE}: multiply each by the local derivative.",
        lambda graph, p, adjoint: adjoint,
    ),
    _Bug(
        "This is a sum of local derivatives: along a path, they are multiplied.",
        lambda graph, p, adjoint: adjoint + p.local,
    ),
    _Bug(f"The factors of a product have changed places {_ABOVE}.", _by_rule(_OTHER)),
    _Bug(
        f"A rule has its operand where the result belongs {_ABOVE}, such as 1 - a² for tanh.",
        _by_rule(_RESULT),
    ),
    _Bug(
        f"A minus sign is lost {_ABOVE}.",
        lambda graph, p, adjoint: adjoint * abs(p.local),
    ),
)
