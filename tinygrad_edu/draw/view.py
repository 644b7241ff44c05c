"""The numbers of a graph that are shown, and their texts: the same for picture and terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite
from typing import get_args

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.analysis.notation import derivative, derivative_in_numbers, reason
from tinygrad_edu.draw.theme import THEMES, Theme
from tinygrad_edu.drawable import Direction, EdgeText, Fit, Form, Hideable, Labels
from tinygrad_edu.errors import ViewError
from tinygrad_edu.rows.formula import Formula, check_precision, rounded

__all__ = [
    "BLANK",
    "DIRECTIONS",
    "EDGES",
    "FITS",
    "FORMS",
    "HIDEABLE",
    "LABELS",
    "MOST_LABELS",
    "SCALES",
    "SIDES",
    "View",
    "arriving",
    "unlabelled",
]

EDGES: tuple[EdgeText, ...] = get_args(EdgeText)
HIDEABLE: tuple[Hideable, ...] = get_args(Hideable)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
FORMS: tuple[Form, ...] = get_args(Form)
LABELS: tuple[Labels, ...] = get_args(Labels)
FITS: tuple[Fit, ...] = get_args(Fit)
SIDES = (50, 20_000)  # the least and the most pixels of the width and the height of a picture
SCALES = (0.1, 10.0)
BLANK = "____"  # for the class to fill in
_OF_PAGES = ("precision", "direction", "theme", "labels")  # and of pictures; labels are for DOT
_MOST_TERMS = 4  # a sum with more terms is not written out
MOST_LABELS = 150  # with more edges, labels cannot be read, and only tooltips have the numbers


@dataclass(frozen=True)
class View:
    """The options of a picture of a graph.

    edges: the text on edges, from EDGES: the local derivative as a `formula` of names, the formula
    with `numbers` inserted, its number (`local`), and the `contribution`; None for the default.
    hide: parts that are blank, from HIDEABLE: the numbers of leaves, computed values, gradients,
    the text on edges. precision: number of decimals, or of digits below 1, 0 to 17. direction: one
    of DIRECTIONS. highlight: names of nodes; the paths from them to the output (see `mark`) are
    highlighted. theme: one of THEMES. form: one of FORMS: an operation as one box with its operands
    (`compact`), or as a circle before the box of its result (`circles`). fit: one of FITS, the
    shape of the page for which a long picture is broken into rows; `none` breaks nothing. size: the
    width and the height of the whole picture in pixels, 96 to an inch, each from 50 to 20,000; it
    is then the page that `fit` means. By default it is as large as the drawing. scale: how much
    larger than it is drawn, 0.1 to 10. legend: whether the picture says its title and what its
    lines mean. labels: one of LABELS, of DOT text.
    ViewError for an unknown word, or a number out of range.
    """

    edges: Sequence[str] | None = None
    hide: Collection[str] = ()
    precision: int = 4
    direction: str = "LR"
    highlight: Sequence[str] = ()
    theme: str = "light"
    form: str = "compact"
    fit: str = "16:9"
    size: tuple[int, int] | None = None
    scale: float = 1.0
    legend: bool = True
    labels: str = "html"

    def __post_init__(self) -> None:
        for name in ("edges", "hide", "highlight"):
            words = getattr(self, name)
            if isinstance(words, str) or not all(isinstance(word, str) for word in words or ()):
                raise ViewError(f"{name} must be a list of words, such as {name}=['...']")
        for what, word, known in (
            *(("edges value", word, EDGES) for word in self.edges or ()),
            *(("hide value", word, HIDEABLE) for word in self.hide),
            ("direction", self.direction, DIRECTIONS),
            ("theme", self.theme, tuple(THEMES)),
            ("form", self.form, FORMS),
            ("fit", self.fit, FITS),
            ("labels", self.labels, LABELS),
        ):
            if word not in known:
                words = ", ".join(known)
                raise ViewError(f"unknown {what} {str(word)[:60]!r}: choose {words}")
        check_precision(self.precision)
        if self.size is not None and not _is_size(self.size):
            sides = f"a width and a height from {SIDES[0]} to {SIDES[1]:,}"
            raise ViewError(f"size must be {sides}, such as (1280, 720), not {str(self.size)[:60]}")
        if self.size is not None and self.scale != 1:
            raise ViewError("size and scale both say how large the picture is: drop one of them")
        if not _is_scale(self.scale):
            scales = f"a number from {SCALES[0]:g} to {SCALES[1]:g}"
            raise ViewError(f"scale must be {scales}, not {str(self.scale)[:60]}")

    @cached_property
    def colors(self) -> Theme:
        """The colours of the theme."""
        return THEMES[self.theme]

    @property
    def page_theme(self) -> str:
        """The theme of a page with this view; the reader's system chooses if nobody else did."""
        return "system" if self.theme == View.theme else self.theme

    @property
    def still(self) -> list[str]:
        """The options chosen here that only a picture that stands still has."""
        options = {x.name: (getattr(self, x.name), x.default) for x in fields(self)}
        return [
            name
            for name, (chosen, usual) in options.items()
            if name not in _OF_PAGES and chosen != usual and (chosen or usual != ())
        ]

    @property
    def live(self) -> bool:
        """Whether a page changes the numbers of the picture."""
        return False

    def slot(self, name: str) -> str:
        """The name of a text that a page changes; '' in a picture that stands still."""
        return name if self.live else ""

    def number(self, x: float) -> str:
        """The number as text, with the precision of this view."""
        return rounded(x, self.precision)

    def data(self, node: Node) -> str:
        """The text of the node's number; '' if it has none, BLANK if it is hidden."""
        if node.data is None:
            return ""
        hidden = "leaves" if node.kind == "leaf" else "values"
        if hidden in self.hide and node.kind != "constant":
            return BLANK
        return self.number(node.data)

    def grad(self, node: Node) -> str:
        """The text of the node's gradient; '' if it has none, BLANK if it is hidden."""
        if node.grad is None:
            return ""
        return BLANK if "grads" in self.hide else self.number(node.grad)

    def sum(self, grad: float | None, arriving: Sequence[Edge], of: int = 0) -> str:
        """The sum of contributions that is `grad`, such as `2 + 4`; '' if there is only one."""
        return " + ".join(self.terms(grad, arriving, of))

    def terms(self, grad: float | None, arriving: Sequence[Edge], of: int = 0) -> list[str]:
        """The terms of the sum of contributions that is `grad`; none if there is only one.

        A remainder, such as that of an earlier `backward()`, is written as `3 from elsewhere`. If
        `grad` is None, the contributions are only the first of `of` contributions.
        """
        parts = [edge.contribution for edge in arriving if edge.contribution is not None]
        if not parts or {"grads", "edges"} & set(self.hide):
            return []
        rest = 0.0 if grad is None else grad - sum(parts)
        elsewhere = abs(rest) > 1e-9 * max(map(abs, parts))  # False for a nan
        if grad is not None and len(parts) + elsewhere < 2:
            return []
        told = [self.number(x) for x in parts]
        if max(len(parts), of) > _MOST_TERMS:
            told = [f"sum of {len(parts)}"]
        if elsewhere:
            told.append(f"{self.number(rest)} from elsewhere")
        return [f"({x})" if x.startswith("-") and i else x for i, x in enumerate(told)]

    def contribution(self, edge: Edge) -> float | None:
        """The contribution, or None if it is hidden."""
        return None if {"grads", "edges"} & set(self.hide) else edge.contribution

    def local(self, graph: Graph, edge: Edge, said: Sequence[str]) -> str:
        """The local derivative in the forms of `said`: `1 - y**2 = 1 - 0.76**2 = 0.42`."""
        return " = ".join(self.forms(graph, edge, said))

    def forms(
        self, graph: Graph, edge: Edge, said: Sequence[str], written: type[Formula] = Formula
    ) -> list[str]:
        """The local derivative in each of the forms of `said`, none twice.

        With a formula, the last one gives the reason if no formula shows it: `1, because a > b`.
        """
        if edge.local is None:
            return []
        target, operand, precision = graph.nodes[edge.target], edge.operand, self.precision
        blank = {"edges", "leaves", "values"} & set(self.hide)
        told = []
        if "formula" in said:
            hidden = "edges" in self.hide
            told.append("" if hidden else derivative(graph, target, operand, precision, written))
        if "numbers" in said:
            in_numbers = (
                "" if blank else derivative_in_numbers(graph, target, operand, precision, written)
            )
            told.append(in_numbers)
        if "local" in said or (told and not any(told) and not blank):
            told.append("" if blank else self.number(edge.local))
        if blank:
            return [text or BLANK for text in told]
        told = list(filter(None, dict.fromkeys(told)))
        if told and {"formula", "numbers"} & set(said):
            told[-1] += reason(graph, target, operand)
        return told

    def adjoint(self, graph: Graph, edge: Edge) -> str:
        """The adjoint of the edge's target."""
        return self.grad(graph.nodes[edge.target])

    def added(self, edge: Edge) -> str:
        """The contribution with its sign, such as `+2`; '' if there is none."""
        if edge.contribution is None:
            return ""
        x = self.contribution(edge)
        return BLANK if x is None else ("+" if x > 0 else "") + self.number(x)

    def said(self, graph: Graph) -> Sequence[str]:
        """The words from EDGES for a picture of this graph: `edges`, or the default."""
        if self.edges is not None:
            return self.edges
        return ("local", "contribution") if len(graph.edges) <= MOST_LABELS else ()


def _is_size(size: object) -> bool:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        return False
    return all(type(side) is int and SIDES[0] <= side <= SIDES[1] for side in size)


def _is_scale(scale: object) -> bool:
    return isinstance(scale, (int, float)) and SCALES[0] <= scale <= SCALES[1]


def kept_out(edge: Edge) -> bool:
    """Whether a mask kept the edge out of the gradient; its local derivative is not finite.

    The contribution is then 0, and not the product: 0 times nan would be nan.
    """
    return edge.contribution == 0 and edge.local is not None and not isfinite(edge.local)


def arriving(graph: Graph) -> dict[int, list[Edge]]:
    """For each node, the edges that bring contributions, in the order of the backward pass."""
    edges: dict[int, list[Edge]] = defaultdict(list)
    for edge in sorted(graph.edges, key=lambda edge: -edge.target):
        edges[edge.source].append(edge)
    return edges


def unlabelled(graph: Graph, said: Sequence[str]) -> dict[int, str]:
    """For each node, the name that formulas use if it differs from the label."""
    if "formula" not in said:
        return {}
    return {
        node.id: f"({name})" if node.label else name
        for node, name in zip(graph.nodes, graph.names)
        if node.kind != "constant" and name != node.label
    }
