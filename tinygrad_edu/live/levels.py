"""The pictures of a page, one for each level, and which numbers of the graph each part shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, TypeVar

from tinygrad_edu.analysis.graph import Edge, Graph
from tinygrad_edu.analysis.network import network
from tinygrad_edu.analysis.zoom import zoomed
from tinygrad_edu.draw import svg, theme
from tinygrad_edu.draw.compose import compose, laid_out, single
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.picture import MOST_SHAPES
from tinygrad_edu.draw.scene import Sketch
from tinygrad_edu.draw.sketch import Panel, drawn, sketch
from tinygrad_edu.draw.textbook import textbook
from tinygrad_edu.draw.theme import Theme
from tinygrad_edu.draw.view import View
from tinygrad_edu.errors import ViewError
from tinygrad_edu.live.questions import named

__all__ = ["LEVELS", "Level", "Live", "clearest", "finer", "levels"]

_Kind = TypeVar("_Kind", bound="Live")
LEVELS = ("node", "neuron", "layer", "network")
_FEW = 60  # boxes that a reader can look at together
# What most texts have, written once: a page of a thousand nodes is a tenth smaller.
_SIZE, _INK = f'font-size="{theme.NUMBER}"', 'fill="var(--ink)"'
_USUAL = f"{_SIZE} {_INK}"
_NUMBERS = re.compile(r' (x|y|width|height|rx)="([0-9]+)"(?= )')  # HTML needs no quotes there
_CAPTION = f'font-size="{theme.SMALL}" fill="var(--quiet)" text-anchor="end"'
_VARIABLES = Theme(*(f"var(--{name})" for name in Theme._fields))


class Live(View):
    """The view of a page: colours are variables of its style sheet, and its numbers have slots."""

    @classmethod
    def of(cls: type[_Kind], view: View) -> _Kind:
        """This returns the same view for a page."""
        return cls(**{x.name: getattr(view, x.name) for x in fields(View)})

    @property
    def live(self) -> bool:
        """True: a page changes the numbers."""
        return True

    @property
    def colors(self) -> Theme:
        """The variables, whose colours are those of the reader's theme."""
        return _VARIABLES


class _Widest(Live):
    """The same view with numbers that need as much room as nearly all."""

    def number(self, x: float) -> str:
        return "-12." + "3" * self.precision if self.precision else "-123"


class Level(NamedTuple):
    """One picture.

    name: one of LEVELS. svg: its text. shapes: the number of its boxes. boxes, links: for each
    part, by its id, what it shows, as the page's data has it: see `page`.
    """

    name: str
    svg: str
    shapes: int
    boxes: dict[str, dict[str, Any]]
    links: dict[str, dict[str, Any]]


def levels(
    graph: Graph, view: View, title: str, said: str, timeout: float, first: str = ""
) -> list[Level]:
    """This returns a picture of the graph for each level that differs from the one before it.

    title, said: the graph's name, and its text for people who cannot see it. first: the level that
    must be there, or ''. ViewError if it cannot, or is unknown; LayoutError if no level can be laid
    out.
    """
    view = Live.of(view)
    made: list[Level] = []
    shapes: set[int] = set()
    for name in LEVELS:
        try:
            parts = _network(graph, view) if name == "network" else _zoomed(graph, view, name)
            count = len(parts.sketch.boxes)
            if name != "network" and (count in shapes or count > MOST_SHAPES):
                continue
            shapes.add(count)
            made.append(_level(name, parts, view, title, said, timeout))
        except (ViewError, LayoutError):
            if name == first or (name == LEVELS[-1] and not made):
                raise
    if first and first not in [level.name for level in made]:
        there = ", ".join(level.name for level in made)
        if first not in LEVELS:
            raise ViewError(f"unknown level {str(first)[:60]!r}: choose {there}")
        raise ViewError(
            f"level {first} shows no more than another, or too much: choose from {there}"
        )
    return made


def clearest(made: Sequence[Level], trains: bool) -> str:
    """This returns the name of the level that a reader should see first.

    It is the one with all nodes, unless they are too many to be looked at together, or the page
    trains a network.
    """
    few = [level.name for level in made if level.shapes <= _FEW]
    order = [*(["network"] if trains else []), "node", "network", "neuron", "layer"]
    return next((name for name in order if name in few), made[-1].name)


def finer(made: Sequence[Level], level: Level) -> str:
    """This returns the name of the level that shows a little more than this one, or ''."""
    more = [each for each in made if each.shapes > level.shapes]
    return min(more, key=lambda each: each.shapes).name if more else ""


class _Parts(NamedTuple):
    """A sketch, a sketch of the same with the widest numbers, and what their parts show."""

    sketch: Sketch
    widest: Sketch
    boxes: dict[str, dict[str, Any]]
    links: dict[str, dict[str, Any]]


def _sketches(view: View, make: Callable[[View], Sketch]) -> tuple[Sketch, Sketch]:
    return make(Live.of(view)), make(_Widest.of(view))


def _zoomed(graph: Graph, view: View, name: str) -> _Parts:
    # events speak of v2: its box says that it is v2
    level, new = zoomed(named(graph), name)
    if drawn(level, view.form) > MOST_SHAPES:
        raise LayoutError(f"level {name} has too many shapes", "too large")
    held: dict[int, list[int]] = {}
    for i, box in new.items():
        held.setdefault(box, []).append(i)
    leaving = {i for edge in graph.edges if new[edge.source] != new[edge.target]
               for i in [edge.source]} | {*graph.outputs}  # fmt: skip
    boxes = {}
    for node in level.nodes:
        shows = (
            [i for i in held[node.id] if i in leaving] if node.kind == "group" else held[node.id]
        )
        boxes[f"n{node.id}"] = {
            "node": shows[0] if len(shows) == 1 else -1,
            "holds": held[node.id],
        }
    made = _sketches(view, lambda kind: sketch(Panel(level), kind))
    if name == "node":  # the names of its parts say what they show
        return _Parts(*made, {}, {})
    bundled: dict[tuple[int, int], list[int]] = {}
    for edge in graph.edges:
        bundled.setdefault((new[edge.source], new[edge.target]), []).append(_number(edge))
    links = {}
    for edge in level.edges:
        own = bundled[edge.source, edge.target]
        if level.nodes[edge.target].kind != "group":  # each operand has a link of its own
            own = [2 * held[edge.target][0] + edge.operand]
        links[f"e{edge.source}_{edge.target}_{edge.operand}"] = {"edges": own}
    return _Parts(*made, boxes, links)


def _number(edge: Edge) -> int:
    """The number of an edge in the page's data."""
    return 2 * edge.target + edge.operand


def _network(graph: Graph, view: View) -> _Parts:
    first, widest = _sketches(view, lambda kind: textbook(graph, kind))
    found = network(graph)
    inside = {f"n{neuron.output}": neuron for neuron in found.neurons}
    boxes: dict[str, dict[str, Any]] = {}
    for box in first.boxes:
        node = graph.output.id if box.name == "after" else int(box.name[1:])
        boxes[box.name] = {"node": node, "holds": [node]}
        if box.name in inside:
            neuron = inside[box.name]
            boxes[box.name]["holds"] = list(neuron.inside)
            boxes[box.name]["biases"] = [[bias.leaf, bias.sign] for bias in neuron.biases]
    weights = {
        f"e{w.source}_{w.target}_{i}": w for n in found.neurons for i, w in enumerate(n.weights)
    }
    if "after" in boxes:
        held = {i for box in boxes.values() for i in box["holds"]}
        boxes["after"]["holds"] += [x.id for x in graph.nodes if x.op and x.id not in held]
    products = {
        (neuron.output, frozenset(graph.nodes[i].args)): i
        for neuron in found.neurons
        for i in neuron.inside
    }
    links: dict[str, dict[str, Any]] = {link.name: {"edges": []} for link in first.links}
    for name, weight in weights.items():
        product = products.get((weight.target, frozenset((weight.source, weight.leaf))))
        edges = [] if product is None else [2 * product, 2 * product + 1]
        links[name] = {"edges": edges, "weight": [weight.leaf, weight.sign]}
    return _Parts(first, widest, boxes, links)


def _level(name: str, parts: _Parts, view: View, title: str, said: str, timeout: float) -> Level:
    layout = laid_out([parts.sketch, parts.widest], view, timeout)
    drawn = single(parts.sketch, layout, view).named(f"{name}-")
    scene = compose([(drawn, "")], view)
    head, _, rest = svg.svg(scene, title, said).partition(">")
    box = head[head.index("viewBox") :]
    wide = f'width="{scene.width}" height="{scene.height}"'
    head = f'<svg class="level" id="level-{name}" {wide} {_USUAL} {box}'
    rest = (
        rest.replace(_CAPTION, 'class="caption"').replace(f" {_SIZE}", "").replace(f" {_INK}", "")
    )
    rest = '<g class="flows"></g></svg>'.join(rest.rsplit("</svg>", 1))  # what an event passes
    rest = _NUMBERS.sub(r" \1=\2", rest)
    drawn_boxes, drawn_links = ({part.name for part in each} for each in parts.sketch[:2])
    return Level(
        name,
        f"{head}>{rest}",
        len(drawn_boxes),
        {f"{name}-{part}": x for part, x in parts.boxes.items() if part in drawn_boxes},
        {f"{name}-{part}": x for part, x in parts.links.items() if part in drawn_links},
    )
