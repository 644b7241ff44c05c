"""Which numbers of a graph are shown, and how they are written: the same for picture and text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import get_args

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.analysis.notation import derivative, derivative_in_numbers, reason
from tinygrad_edu.draw.theme import THEMES, Theme
from tinygrad_edu.drawable import Direction, Hideable, Said
from tinygrad_edu.errors import ViewError
from tinygrad_edu.rows.formula import check_precision, rounded

__all__ = [
    "BLANK",
    "DIRECTIONS",
    "EDGES",
    "HIDEABLE",
    "MOST_LABELS",
    "View",
    "arriving",
    "unlabelled",
]

EDGES: tuple[Said, ...] = get_args(Said)
HIDEABLE: tuple[Hideable, ...] = get_args(Hideable)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
BLANK = "____"  # to be filled in
_MOST_TERMS = 4  # of a sum that is written out
MOST_LABELS = 150  # edges whose labels can be read; with more, only tooltips say the numbers


@dataclass(frozen=True)
class View:
    """What of a graph is to be seen.

    edges: what an edge says, of EDGES: its local derivative as a `formula` in names, that formula
    with the `numbers` in it, its number (`local`), and the `contribution`; None for the default.
    hide: of HIDEABLE, what is blank, to be filled in: given numbers, computed values, gradients,
    whatever edges say. precision: decimals, or digits below 1, 0 to 17. direction: of DIRECTIONS.
    highlight: names of nodes; only the paths from them to the output, as `mark` finds them, stand
    out. theme: one of THEMES.
    ViewError for what is none of these.
    """

    edges: Sequence[str] | None = None
    hide: Collection[str] = ()
    precision: int = 4
    direction: str = "LR"
    highlight: Sequence[str] = ()
    theme: str = "light"

    def __post_init__(self) -> None:
        for name in ("edges", "hide", "highlight"):
            words = getattr(self, name)
            if isinstance(words, str) or not all(isinstance(word, str) for word in words or ()):
                raise ViewError(f"{name} is a list of words, such as {name}=['...']")
        for what, word, known in (
            *(("word of edges", word, EDGES) for word in self.edges or ()),
            *(("word of hide", word, HIDEABLE) for word in self.hide),
            ("direction", self.direction, DIRECTIONS),
            ("theme", self.theme, tuple(THEMES)),
        ):
            if word not in known:
                words = ", ".join(known)
                raise ViewError(f"unknown {what} {str(word)[:60]!r}: choose {words}")
        check_precision(self.precision)

    @cached_property
    def colors(self) -> Theme:
        """The colours of the theme."""
        return THEMES[self.theme]

    def number(self, x: float) -> str:
        """The number as this view writes it."""
        return rounded(x, self.precision)

    def data(self, node: Node) -> str:
        """The node's number; '' where it has none, a blank where it is hidden."""
        if node.data is None:
            return ""
        hidden = "leaves" if node.kind == "leaf" else "values"
        if hidden in self.hide and node.kind != "constant":
            return BLANK
        return self.number(node.data)

    def grad(self, node: Node) -> str:
        """The node's gradient; '' where it has none, a blank where it is hidden."""
        if node.grad is None:
            return ""
        return BLANK if "grads" in self.hide else self.number(node.grad)

    def sum(self, grad: float | None, arriving: Sequence[Edge], of: int = 0) -> str:
        """The contributions that make up `grad`, `2 + 4`; '' where there is but one.

        What came from elsewhere, such as an earlier `backward()`, is told apart. Where `grad` is
        None, the contributions are only some, of so many to come.
        """
        parts = [edge.contribution for edge in arriving if edge.contribution is not None]
        if not parts or {"grads", "edges"} & set(self.hide):
            return ""
        rest = 0.0 if grad is None else grad - sum(parts)
        elsewhere = abs(rest) > 1e-9 * max(map(abs, parts))  # False for a nan
        if grad is not None and len(parts) + elsewhere < 2:
            return ""
        told = [self.number(x) for x in parts]
        if max(len(parts), of) > _MOST_TERMS:
            told = [f"sum of {len(parts)}"]
        if elsewhere:
            told.append(f"{self.number(rest)} from elsewhere")
        return " + ".join(f"({x})" if x.startswith("-") and i else x for i, x in enumerate(told))

    def contribution(self, edge: Edge) -> float | None:
        """The contribution, if nothing about it is to be hidden."""
        return None if {"grads", "edges"} & set(self.hide) else edge.contribution

    def local(self, graph: Graph, edge: Edge, said: Sequence[str]) -> str:
        """The local derivative as `said` asks for it: `1 - y**2 = 1 - 0.76**2 = 0.42`.

        With a formula it says why, where the formula does not: `1, because a > b`.
        """
        if edge.local is None:
            return ""
        target = graph.nodes[edge.target]
        blank = {"edges", "leaves", "values"} & set(self.hide)
        told = []
        if "formula" in said:
            hidden = "edges" in self.hide
            told.append("" if hidden else derivative(graph, target, edge.operand, self.precision))
        if "numbers" in said:
            in_numbers = derivative_in_numbers(graph, target, edge.operand, self.precision)
            told.append("" if blank else in_numbers)
        if "local" in said or (told and not any(told) and not blank):
            told.append("" if blank else self.number(edge.local))
        if blank:
            return " = ".join(text or BLANK for text in told)
        why = reason(graph, target, edge.operand) if {"formula", "numbers"} & set(said) else ""
        return " = ".join(filter(None, dict.fromkeys(told))) + why

    def adjoint(self, graph: Graph, edge: Edge) -> str:
        """The adjoint of the edge's target."""
        return self.grad(graph.nodes[edge.target])

    def added(self, edge: Edge) -> str:
        """The contribution with its sign, `+2`; '' where there is none."""
        if edge.contribution is None:
            return ""
        x = self.contribution(edge)
        return BLANK if x is None else ("+" if x > 0 else "") + self.number(x)

    def said(self, graph: Graph) -> Sequence[str]:
        """What the edges of a picture of this graph say."""
        if self.edges is not None:
            return self.edges
        return ("local", "contribution") if len(graph.edges) <= MOST_LABELS else ()


def kept_out(edge: Edge) -> bool:
    """Whether a mask kept the edge out of the gradient, although its local derivative is no number.

    Its contribution is 0 then, and no product: 0 times nan is nan.
    """
    return edge.contribution == 0 and edge.local is not None and not isfinite(edge.local)


def arriving(graph: Graph) -> dict[int, list[Edge]]:
    """The edges along which contributions arrive, by node, in the order of the backward pass."""
    edges: dict[int, list[Edge]] = defaultdict(list)
    for edge in sorted(graph.edges, key=lambda edge: -edge.target):
        edges[edge.source].append(edge)
    return edges


def unlabelled(graph: Graph, said: Sequence[str]) -> dict[int, str]:
    """The names that formulas use and no label shows, by node, as a picture shows them."""
    if "formula" not in said:
        return {}
    return {
        node.id: f"({name})" if node.label else name
        for node, name in zip(graph.nodes, graph.names)
        if node.kind != "constant" and name != node.label
    }
