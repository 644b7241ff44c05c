"""The text of a graph, in order, for people who cannot see the picture."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.draw.view import BLANK, View

__all__ = ["aloud", "title"]

_MOST = 100  # sentences; nobody listens to more of them


def title(graph: Graph, view: View) -> str:
    """The title of the picture, in a few words."""
    output = graph.output
    number = _number(view.data(output))
    name = output.label or (str(output.op) if output.op else "a value")
    return f"Graph of {name}" + (f" = {number}" if number else "")


def aloud(graph: Graph, view: View) -> str:
    """The graph in sentences: the given numbers, each operation, then the gradients backwards."""
    told = list(islice(_sentences(graph, view), _MOST + 1))
    if len(told) > _MOST:
        told[_MOST:] = [f"And so on, {len(graph.nodes)} values in all."]
    return " ".join(told)


def _sentences(graph: Graph, view: View) -> Iterator[str]:
    yield f"A calculation of {len(graph.nodes)} values."
    for node in graph.nodes:
        if node.kind == "leaf":
            role = f", {_an(node.role)}," if node.role else ""
            stale = ", set after it was used" if node.stale else ""
            yield f"{_name(graph, node)}{role} is {_number(view.data(node))}{stale}."
        elif node.kind != "constant":
            number = _number(view.data(node))
            value = f", is {number}" if number else ""
            role = f", {_an(node.role)}" if node.role else ""
            what = f"{role}, {_made(graph, node)}{value}"
            yield f"{'The output ' if node.id in graph.outputs else ''}{_name(graph, node)}{what}."
    if graph.output.grad is None:
        return
    yield "Gradients, from the output back:"
    for node in reversed(graph.nodes):
        if node.grad is not None:
            yield f"{_name(graph, node)}: {_number(view.grad(node))}."


def _made(graph: Graph, node: Node) -> str:
    operands = [_name(graph, graph.nodes[i]) for i in node.args]
    if node.kind == "group":
        return f"a group of {node.holds} value{'s' * (node.holds > 1)}" + (
            f" that takes {', '.join(operands)}" if operands else ""
        )
    if node.op.spoken:
        first, *second = operands
        return " ".join([*([first] if second else []), node.op.spoken, *(second or [first])])
    return f"{node.op} of {' and '.join(operands)}"


def _name(graph: Graph, node: Node) -> str:
    if node.kind == "constant" and node.data is not None and not node.label:
        return _number(graph.names[node.id])
    name = graph.names[node.id]
    shared = node.label and graph.labels[node.label] > 1
    return f"{node.label} ({name})" if shared else node.label or name


def _number(text: str) -> str:
    text = "blank" if text == BLANK else text
    return f"minus {text[1:]}" if text.startswith("-") else text


def _an(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
