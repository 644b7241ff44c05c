"""Where the parts of a sketch lie: Graphviz places boxes whose sizes are known, and nothing else.

Every size comes from our own measure of text, so that no font of this machine has a part in it. A
link with a label is laid out as two edges with the label as a small box between them: so its text
interrupts the link that it belongs to, and every other link passes at a distance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from math import hypot, isqrt

from tinygrad_edu.draw.bezier import Shape, between
from tinygrad_edu.draw.layout import LayoutError, places
from tinygrad_edu.draw.placement import Placement, Point
from tinygrad_edu.draw.rows import MOST_COLUMNS
from tinygrad_edu.draw.scene import Box, Line, Link, Place, Placed, Sketch, even, high, room, wide

__all__ = ["arranged", "labelled", "least_size", "placed", "sizes"]

_NODE_GAP = 14  # points between boxes above each other
_LABEL_GAP = 16  # between a box and the text of a link: more than an arrow head
_RANK_GAP = 44  # between boxes, if links have no text
_CLEAR = 2  # around each box: as far as links keep away, at least
_SIDE, _UPPER = 5, 5  # around the text of a box
_MOST_BY_OURSELVES = 300  # boxes that our own layout places in a moment

# With many edges, and more than two per box, which only groups have, edges need space to spread
# from side to side, and crossings are not worth a long search.
_FAN = {"ranksep": "2", "mclimit": "0.1"}
# The search for the best ranks and positions has no end of its own that comes in time: a recurrence
# of 40 steps took a minute. With these limits it takes a few seconds, and looks as good.
_SEARCH = {"nslimit": "1", "nslimit1": "1"}
_MANY = 150  # edges


def sizes(sketches: Sequence[Sketch]) -> dict[str, tuple[int, int]]:
    """This returns the size of each box and of each label that fits it in all the sketches."""
    found: dict[str, tuple[int, int]] = {}
    for sketch in sketches:
        for box in sketch.boxes:
            _keep(found, box.name, _size(box))
        for link in sketch.links:
            if link.label:
                width, height = room(link.label)
                _keep(found, labelled(link.name), (width + 2, height))
    return found


def least_size(sketch: Sketch, direction: str, rows: bool) -> tuple[int, int]:
    """This returns a width and a height, in points; no layout has a smaller area or longest side.

    The boxes of the longest chain lie one after the other, and no two boxes overlap. rows: whether
    a chain may be broken into rows.
    """
    room = sizes([sketch])
    area = sum(width * height for width, height in room.values())
    side = 0 if direction == "LR" else 1
    gap = _gap(sketch)
    begins: dict[str, int] = {}
    columns: dict[str, int] = {}
    order = {box.name: i for i, box in enumerate(sketch.boxes)}  # operands first
    for tail, head in _edges(sorted(sketch.links, key=lambda link: order[link.head])):
        end = begins.get(tail, 0) + room[tail][side] + gap
        begins[head] = max(begins.get(head, 0), end)
        columns[head] = max(columns.get(head, 1), columns.get(tail, 1) + 1)
    if rows and max(columns.values(), default=1) <= MOST_COLUMNS:
        return isqrt(area), isqrt(area)
    length = max(begins.get(name, 0) + size[side] for name, size in room.items())
    across = max(max(size[1 - side] for size in room.values()), area // length)
    return (length, across) if direction == "LR" else (across, length)


def _gap(sketch: Sketch) -> int:
    """The points between boxes in a chain."""
    return _LABEL_GAP if any(link.label for link in sketch.links) else _RANK_GAP


def labelled(name: str) -> str:
    """This returns the name of the label of a link."""
    return f"{name}_text"


def _keep(found: dict[str, tuple[int, int]], name: str, size: tuple[int, int]) -> None:
    width, height = found.get(name, (0, 0))
    found[name] = max(width, size[0]), max(height, size[1])


def _size(box: Box) -> tuple[int, int]:
    width, height = room(box.lines)
    if box.shape == "circle":
        side = max(44, even(2 * _radius(box.lines) + 6))
        return side, side
    more = 8 * (box.double or box.shape in ("octagon", "stack"))
    return max(width + 2 * _SIDE + more, 44), max(height + 2 * _UPPER + more, 36)


def _radius(lines: Sequence[Line]) -> float:
    """How far the furthest corner of a line of text is from the middle of all, in points."""
    bottoms = [*accumulate(map(high, lines), initial=-sum(map(high, lines)) / 2)]
    corners = zip(lines, bottoms, bottoms[1:])
    return max((hypot(wide(line) / 2, max(-top, end)) for line, top, end in corners), default=0.0)


def arranged(
    sketch: Sketch, sizes: Mapping[str, tuple[int, int]], direction: str, timeout: float
) -> tuple[Placement, str]:
    """This returns the places of boxes and links, and a remark, usually ''.

    The placement has an edge for each link without a label, two for each link with one, in order.
    LayoutError if Graphviz fails or takes more than `timeout` seconds; if there is none, a small
    graph is laid out without it, and the remark says so.
    """
    edges = list(_edges(sketch.links))
    try:
        found = places(_dot(sketch, sizes, edges, direction), len(edges), timeout)
    except LayoutError as error:
        if error.reason != "missing":
            raise
        if len(sizes) > _MOST_BY_OURSELVES:
            least = f"without Graphviz, at most {_MOST_BY_OURSELVES} boxes and texts are laid out"
            raise LayoutError(f"{error}; {least}", "missing", cause=error.cause) from None
        from tinygrad_edu.draw.layered import layered  # late, so that an SVG comes fast

        remark = f"drawn without Graphviz, because {error.cause}: with it, pictures are clearer"
        return layered(sizes, edges, direction), remark
    if not _cuts(sketch):
        return found, ""
    round_ones = {box.name for box in sketch.boxes if box.shape == "circle"}
    shapes = {
        name: Shape(x, y, sizes[name][0] / 2, sizes[name][1] / 2, name in round_ones)
        for name, (x, y) in found.boxes.items()
    }
    curves = [
        between(curve, shapes[tail], shapes[head])
        for (tail, head), curve in zip(edges, found.edges)
    ]
    return found._replace(edges=curves), ""


def _cuts(sketch: Sketch) -> bool:
    """Whether curves are cut at boxes by us, so that every Graphviz gives the same ones.

    Graphviz does it for thousands, in less time.
    """
    return len(sketch.links) <= _MANY


def _edges(links: Sequence[Link]) -> Iterator[tuple[str, str]]:
    for link in links:
        if link.label:
            yield link.tail, labelled(link.name)
            yield labelled(link.name), link.head
        else:
            yield link.tail, link.head


def _dot(
    sketch: Sketch,
    sizes: Mapping[str, tuple[int, int]],
    edges: Sequence[tuple[str, str]],
    direction: str,
) -> str:
    """The graph for Graphviz: names, sizes and edges, no text."""
    texts = {labelled(link.name) for link in sketch.links if link.label}
    fan = len(sketch.links) > max(_MANY, 2 * len(sketch.boxes))
    clear = _CLEAR if _cuts(sketch) else 0  # Graphviz' own curves begin at the border
    whole = {
        "rankdir": direction,
        "ordering": "in",
        "nodesep": _inches(_NODE_GAP - 2 * clear),
        "ranksep": _inches(_gap(sketch) - 2 * clear),
        **(_FAN if fan else {}),
        **(_SEARCH if fan or len(edges) > _MANY else {}),
    }
    written = [
        f"digraph {{ graph [{_list(whole)}]",
        'node [shape=box fixedsize=true label=""]',
        f"edge [arrowhead=none{' headclip=false tailclip=false' * _cuts(sketch)}]",
    ]
    written += [
        f"{name} [width={_inches(width + 2 * clear)} height={_inches(height + 2 * clear)}]"
        for name, (width, height) in sizes.items()
    ]
    sides = {"LR": ("e", "w"), "TB": ("s", "n")}[direction] if fan else None
    ends = {(link.tail, link.head) for link in sketch.links if texts and not link.label}
    for i, (tail, head) in enumerate(edges):
        # Weights that differ leave few ties, which every Graphviz breaks in its own way.
        more = {"id": str(i), "weight": str((6 if head in texts else 9) + i % 3)}
        if sides:
            more |= {"tailport": sides[0], "headport": sides[1]}
        if (tail, head) in ends:  # as far apart as boxes with a label between them
            more["minlen"] = "2"
        written.append(f"{tail} -> {head} [{_list(more)}]")
    return "\n".join([*written, "}\n"])


def _list(attributes: Mapping[str, str]) -> str:
    """The attributes in DOT; their names and values are words and numbers, which need no quotes."""
    return " ".join(f"{name}={value}" for name, value in attributes.items())


def _inches(points: int) -> str:
    return f"{points / 72:.6f}"


def placed(
    sketch: Sketch, sizes: Mapping[str, tuple[int, int]], placement: Placement
) -> tuple[list[tuple[Box, Place]], list[Placed]]:
    """This returns the boxes and the links of the sketch with their places."""

    def place(name: str) -> Place:
        return Place(*placement.boxes[name], *sizes[name])

    curves = iter(placement.edges)
    links = []
    for link in sketch.links:
        pieces: tuple[Sequence[Point], ...] = (next(curves),)
        text = None
        if link.label:
            pieces, text = (*pieces, next(curves)), place(labelled(link.name))
        links.append(Placed(link, tuple(map(tuple, pieces)), text))
    return [(box, place(box.name)) for box in sketch.boxes], links
