"""How a node of a graph and its local derivatives are written: in names, in numbers, in LaTeX."""

from __future__ import annotations

from math import isnan

from tinygrad_edu.formula import (
    Formula,
    Latex,
    derivative_formulas,
    latex_name,
    latex_number,
    numeral,
    rounded,
)
from tinygrad_edu.graph import Graph, Node, Passing
from tinygrad_edu.op import Op

__all__ = [
    "SIDES",
    "clipped",
    "derivative",
    "derivative_in_numbers",
    "local_derivative",
    "name",
    "number",
    "operation",
    "operation_in_numbers",
    "rule",
    "shown",
    "side",
]

SIDES = ("left", "right")


def name(graph: Graph, node: Node, cls: type[Formula] = Formula) -> Formula:
    """A node as it stands in a formula: a constant as its number, all else by its name."""
    if _is_number(graph, node):
        return cls(number(node))
    text = graph.names[node.id]
    return cls(latex_name(text) if cls is Latex else text)


def operation(graph: Graph, node: Node) -> str:
    """What the node computes, in the names of its operands: `a * b`."""
    return str(node.op(*(name(graph, graph.nodes[i]) for i in node.args)))


def operation_in_numbers(node: Node, places: int) -> str:
    """What the node computes, in the numbers that its operands had: `2 * -3`."""
    return str(node.op(*(numeral(x, places) for x in node.used)))


def derivative(
    graph: Graph, target: Node, operand: int, places: int, cls: type[Formula] = Formula
) -> str:
    """The local derivative of `target` by that operand, in names: `1 - v3**2`.

    '' where it is nan, or where no formula can be made: where a constant is a corner, as in x/0,
    and for a rule of the user's own that asks whether a formula is true.
    """
    nodes = [graph.nodes[i] for i in target.args]
    args = [number(n) if _is_number(graph, n) else name(graph, n, cls) for n in nodes]
    return _rule(target, operand, places, name(graph, target, cls), *args)


def derivative_in_numbers(graph: Graph, target: Node, operand: int, places: int) -> str:
    """The same with its numbers put in: `1 - 0.76**2`."""
    args = [
        x if _is_number(graph, graph.nodes[i]) else numeral(x, places)
        for i, x in zip(target.args, target.used)
    ]
    return _rule(target, operand, places, numeral(number(target), places), *args)


def _rule(target: Node, operand: int, places: int, y: Formula, *args: Formula | float) -> str:
    if isnan(number(target)):
        return ""
    try:
        made = target.op.reads[operand](y, *args)
        return str(made) if isinstance(made, Formula) else shown(float(made), places, type(y))
    except Exception:  # ZeroDivisionError; or whatever the user's own rule raises
        return ""


def local_derivative(graph: Graph, p: Passing, places: int) -> str:
    """The local derivative in names, in numbers, and what it is: `1 - y**2 = 1 - 0**2 = 1`."""
    target = graph.nodes[p.target]
    named = derivative(graph, target, p.operand, places)
    numbers = derivative_in_numbers(graph, target, p.operand, places)
    return " = ".join(filter(None, dict.fromkeys([named, numbers, shown(p.local, places)])))


def rule(op: Op, operand: int) -> str:
    """The operation's local derivative, in y, a and b: `1 - y**2`; '' where it is no formula."""
    try:
        return derivative_formulas(op)[operand]
    except Exception:  # of the user's own
        return ""


def side(target: Node, p: Passing) -> str:
    """Which operand of `target` is meant, where the same value is both; else ''."""
    return f" ({SIDES[p.operand]})" if target.args.count(p.source) > 1 else ""


def shown(x: float, places: int, cls: type[Formula] = Formula) -> str:
    """The number for a reader, rounded, as text or as LaTeX."""
    text = rounded(x, places)
    return latex_number(text) if cls is Latex else text


def clipped(text: str, most: int = 200) -> str:
    """The first lines of a text, as a prompt or a notebook shows them."""
    lines = text.split("\n")
    if len(lines) <= most:
        return text
    return "\n".join([*lines[:most], f"... and {len(lines) - most} lines more"])


def number(node: Node) -> float:
    """The number of a node that is no group."""
    assert node.data is not None
    return node.data


def _is_number(graph: Graph, node: Node) -> bool:
    """Whether the node is a constant that has no name of its own."""
    return node.kind == "constant" and graph.names[node.id] != node.label
