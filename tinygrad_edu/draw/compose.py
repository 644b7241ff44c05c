"""One or two graphs as a whole picture: placed, broken into rows, with a title and a legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tinygrad_edu.draw import theme
from tinygrad_edu.draw.arrange import arranged, labelled, placed, sizes
from tinygrad_edu.draw.placement import Placement
from tinygrad_edu.draw.rows import Drawn, fitted
from tinygrad_edu.draw.scene import (
    Frame,
    Line,
    Link,
    Place,
    Placed,
    Scene,
    Sketch,
    Span,
    even,
    high,
    wide,
)
from tinygrad_edu.draw.theme import Theme
from tinygrad_edu.draw.view import View

__all__ = ["PAGES", "SLIDE", "Layout", "compose", "laid_out", "letters", "single", "too_small"]

SLIDE = (1220.0, 610.0)  # pixels of a slide of 1280x720 that a picture below a heading can fill
PAGES = {"16:9": SLIDE, "4:3": (900.0, 610.0), "A4": (940.0, 610.0)}
LEAST = 18.0  # pixels of a number on a slide that the middle rows of a class can read
ENOUGH = 24.0  # pixels of a number on a slide, from which on a picture is not broken into rows
_EDGE = 4  # points of paper around the picture
_MARGIN, _HEADING = 14, 34  # of a frame: around its contents, and the height of its title
_GAP = 24  # between two frames
_NARROWEST = 300  # points for a title and a legend
_SAMPLE = 34  # the length of a line in the legend
_LEGEND = 20  # the height of its lines
_AROUND = 70  # the height of a title and a legend


class Layout(NamedTuple):
    """The places of a sketch, for this sketch and for others with the same names."""

    sizes: Mapping[str, tuple[int, int]]
    placement: Placement
    remark: str = ""


def laid_out(sketches: Sequence[Sketch], view: View, timeout: float) -> Layout:
    """This returns one layout in which each of these sketches fits: all have the same names."""
    room, first = sizes(sketches), sketches[0]
    if first.network:
        from tinygrad_edu.draw.columns import columns  # late, so that an SVG comes fast

        labels = {link.name: labelled(link.name) for link in first.links if link.label}
        width, height = _page(view)
        found = columns(first, room, labels, view.direction, (width, height - _AROUND))
        if found:
            return Layout(room, found)
    return Layout(room, *arranged(first, room, view.direction, timeout))


def single(
    sketch: Sketch, layout: Layout, view: View, share: tuple[float, float] = (1.0, 1.0)
) -> Drawn:
    """This returns the sketch with its places, broken into rows as the view wants it.

    share: how much of the page's width and height it may fill.
    """
    boxes, links = placed(sketch, layout.sizes, layout.placement)
    drawn = Drawn(boxes, links, layout.placement.width, layout.placement.height)
    if view.fit == "none" or sketch.network:
        return drawn
    width, height = (side * part for side, part in zip(_page(view), share))
    upright = view.direction == "TB"
    drawn = drawn.turned() if upright else drawn
    drawn = fitted(drawn, (height, width) if upright else (width, height), ENOUGH / theme.NUMBER)
    return drawn.turned() if upright else drawn


def _page(view: View) -> tuple[float, float]:
    """The page that a picture fills, in pixels of a slide: that of its size, or else of its fit."""
    if view.size is None:
        return PAGES.get(view.fit, SLIDE)
    width, height = view.size
    scale = min(SLIDE[0] / width, SLIDE[1] / height)
    return width * scale, height * scale


def compose(
    panels: Sequence[tuple[Drawn, str]],
    view: View,
    title: str = "",
    least: int = 0,
    below: int = 0,
) -> Scene:
    """This returns the whole picture: the panels, each with its title, and what surrounds them.

    least: its least width. below: points of height that stay free below it.
    """
    colors = view.colors
    body = panels[0][0]
    frames: list[Frame] = []
    if len(panels) > 1:
        body, frames = _framed(panels, view)
    heading = _heading(title, max(body.width, least, _NARROWEST), colors) if title else []
    items = list(_items(body, view)) if view.legend else []
    most = max([body.width, _NARROWEST, *map(wide, heading)])
    rows = _packed(items, most)
    width = even(max([body.width, least, *map(wide, heading), *map(_length, rows)])) + 2 * _EDGE
    y = _EDGE
    notes: list[tuple[Line, Place]] = []
    for line in heading:
        notes.append((line, Place(width // 2, y + even(high(line)) // 2, even(wide(line)), 0)))
        y += even(high(line)) + _EDGE
    dx = (width - body.width) // 2
    moved = body.moved(dx, y)
    frames = [frame._replace(place=frame.place.moved(dx, y)) for frame in frames]
    y += body.height + _EDGE
    samples: list[Placed] = []
    for row in rows:
        x = (width - _length(row)) // 2
        for sample, line in row:
            if sample:
                ends = ((x, y + _LEGEND // 2), (x + _SAMPLE, y + _LEGEND // 2))
                samples.append(Placed(sample, ((ends[0], ends[0], ends[1], ends[1]),), None))
                x += _SAMPLE + 4
            room = even(wide(line))
            notes.append((line, Place(x + room // 2, y + _LEGEND // 2, room, 0)))
            x += room + _APART
        y += _LEGEND
    links = (*moved.links, *samples)
    return Scene(
        width,
        even(y + _EDGE + below),
        colors.paper,
        colors.ink,
        tuple(moved.boxes),
        links,
        tuple(notes),
        tuple(frames),
    )


def letters(scene: Scene) -> float:
    """This returns the height of a number, in pixels, where the picture fills a slide."""
    return theme.NUMBER * min(SLIDE[0] / scene.width, SLIDE[1] / scene.height)


def too_small(scene: Scene, view: View, helps: Callable[[], Sequence[str]] = list) -> str:
    """This returns a remark if a class cannot read the numbers on a slide, or else ''.

    helps: which options of the shell make them larger, besides those of every picture.
    """
    height = letters(scene)
    if view.fit == "none" or height >= LEAST:
        return ""
    known = [
        *(["--form compact"] if view.form == "circles" else []),
        *(["--edges none"] if view.edges is None or view.edges else []),
        *(["--precision 2"] if view.precision > 2 else []),
        *helps(),
        "or draw less",
    ]
    return (
        f"on a slide of 1280x720, numbers are {height:.1f} pixels high, less than the {LEAST:g} "
        f"that a class can read; what may help: {', '.join(known)}"
    )


def _framed(panels: Sequence[tuple[Drawn, str]], view: View) -> tuple[Drawn, list[Frame]]:
    """The panels in frames, beside or below each other, whichever fills a slide better."""
    widths = [max(drawn.width, 120) + 2 * _MARGIN for drawn, _ in panels]
    heights = [drawn.height + _MARGIN + _HEADING for drawn, _ in panels]
    beside = sum(widths) + _GAP * (len(panels) - 1), max(heights)
    below = max(widths), sum(heights) + _GAP * (len(panels) - 1)
    page = _page(view)
    across = min(page[0] / beside[0], page[1] / beside[1]) > min(
        page[0] / below[0], page[1] / below[1]
    )
    width, height = beside if across else below
    boxes, links, frames = [], [], []
    x = y = 0
    for (drawn, title), w, h in zip(panels, widths, heights):
        w, h = (w, height) if across else (width, h)
        moved = drawn.moved(x + (w - drawn.width) // 2, y + _HEADING)
        boxes += moved.boxes
        links += moved.links
        line = (Span(title, theme.HEADING, view.colors.ink, True),)
        frames.append(Frame(Place(x + w // 2, y + h // 2, w, h), line, view.colors.line))
        x, y = (x + w + _GAP, y) if across else (x, y + h + _GAP)
    return Drawn(boxes, links, width, height), frames


def _heading(title: str, most: float, colors: Theme) -> list[Line]:
    """The title on at most two lines of that width, broken after `;` or at a blank, or cut."""
    line = _bold(title, colors)
    if wide(line) <= most:
        return [line]
    first, rest = title, ""
    while wide(_bold(first, colors)) > most and (" " in first or ";" in first.rstrip("; ")):
        first = first.rstrip("; ")
        at = max(first.rfind(";") + 1, first.rfind(" "))
        first, rest = first[:at].rstrip(), title[at:].strip()
    return [_cut(part, most, colors) for part in (first, rest) if part]


def _bold(text: str, colors: Theme) -> Line:
    return (Span(text, theme.HEADING, colors.ink, True),)


def _cut(title: str, most: float, colors: Theme) -> Line:
    """The title, cut to the width."""
    line = _bold(title, colors)
    while wide(line) > most and len(title) > 1:
        title = title[: max(1, int(len(title) * most / wide(line)) - 1)].rstrip()
        line = _bold(f"{title}\u2026", colors)
    return line


_Item = tuple[Link | None, Line]
_APART = 18  # between items of the legend
_MEANS = {
    "positive": "positive",
    "negative": "negative",
    "zero": "zero",
    "undefined": "undefined",
}


def _items(drawn: Drawn, view: View) -> Iterator[_Item]:
    """Yields what lines and colours of the picture mean, as far as it has them."""
    colors = view.colors

    def said(text: str) -> Line:
        return (Span(text, theme.SMALL, colors.quiet),)

    if view.highlight:  # then no line shows a sign or a size
        yield Link("", "", "", colors.highlight, 3.0), said("on the path")
        return
    kinds = {link.kind for link, _, _ in drawn.links}
    signs = [sign for sign in theme.EDGE if f"use {sign}" in kinds]
    if signs:
        yield None, said("contribution to the gradient:")
    for sign in signs:
        dash, arrow = theme.EDGE[sign]
        color = {"undefined": colors.undefined}.get(sign) or getattr(colors, sign)
        pen = theme.THINNEST + 1
        double = sign == "undefined"
        sample = Link("", "", "", color, pen, dash, arrow, double=double, paper=colors.paper)
        yield sample, said(_MEANS[sign])
    if len({link.pen for link, _, _ in drawn.links if link.kind.startswith("use ")}) > 1:
        yield None, said("thicker is larger")
    weights = [sign for sign in theme.EDGE if f"weight {sign}" in kinds]
    if weights:
        grads = any(len(x.label) > 1 for x, _, _ in drawn.links if x.kind.startswith("weight "))
        yield None, said("weight, and below it its gradient:" if grads else "weight:")
    for sign in weights:
        pen_of = Link("", "", "", getattr(colors, sign), theme.THINNEST + 1, theme.EDGE[sign][0])
        yield pen_of, said(_MEANS[sign])
    if weights:
        yield None, said("thicker is larger")


def _packed(items: Sequence[_Item], most: float) -> list[list[_Item]]:
    rows: list[list[_Item]] = []
    for item in items:
        if rows and _length([*rows[-1], item]) <= most:
            rows[-1].append(item)
        else:
            rows.append([item])
    return rows


def _length(row: Sequence[_Item]) -> int:
    rooms = [even(wide(line)) + (_SAMPLE + 4 if sample else 0) for sample, line in row]
    return sum(rooms) + _APART * (len(row) - 1)
