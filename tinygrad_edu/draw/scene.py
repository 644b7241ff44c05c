"""What a picture is made of, before and after it has its places.

A `Sketch` says what is drawn: boxes with lines of text, and links between them. A `Scene` says
where: every part has its place in whole points, so that each format writes the same picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tinygrad_edu.draw.measure import LINE, width
from tinygrad_edu.draw.placement import Point

__all__ = [
    "SHADE",
    "Box",
    "Dash",
    "Frame",
    "Head",
    "Line",
    "Link",
    "Place",
    "Placed",
    "Scene",
    "Shape",
    "Sketch",
    "Span",
    "broken",
    "even",
    "high",
    "room",
    "stacked",
    "wide",
]

SHADE = 6  # points between the two sides of a stack
Shape = Literal["box", "round", "octagon", "stack", "circle", "oval"]
Dash = Literal["", "dashed", "dotted"]
Head = Literal["full", "hollow", "ring", "square", ""]


class Span(NamedTuple):
    """A piece of text in one size and colour.

    size: the font size, in points. slot: its name, if a page changes it.
    """

    text: str
    size: int
    color: str
    bold: bool = False
    slot: str = ""


Line = tuple[Span, ...]


class Place(NamedTuple):
    """The middle of a part and its size, in points; y grows downwards."""

    x: int
    y: int
    width: int
    height: int

    def moved(self, dx: int, dy: int) -> Place:
        """This returns the same place, further to the right and further down."""
        return Place(self.x + dx, self.y + dy, self.width, self.height)


class Box(NamedTuple):
    """A shape with lines of text in its middle.

    name: its id in the picture. fill, color: #rrggbb, of the area and of the outline. pen: the
    width of the outline, in points. double: whether it has a second outline. kind: its class.
    """

    name: str
    shape: Shape
    lines: tuple[Line, ...]
    fill: str
    color: str
    pen: float = 1.0
    dash: Dash = ""
    double: bool = False
    kind: str = ""
    tooltip: str = ""

    def inner(self, place: Place) -> Place:
        """This returns the part of the box's place that is free for text."""
        if self.shape != "stack":
            return place
        return Place(place.x - SHADE // 2, place.y + SHADE // 2, place.width, place.height)


class Link(NamedTuple):
    """An arrow from the box `tail` to the box `head`, with lines of text that interrupt it.

    pen: the width of the line, in points. double: whether it is two thin lines, on the
    colour `paper`. back: whether its head points back, to the tail. live: whether a page changes
    its look.
    """

    name: str
    tail: str
    head: str
    color: str
    pen: float = 1.2
    dash: Dash = ""
    arrow: Head = "full"
    back: bool = False
    double: bool = False
    paper: str = "#ffffff"
    label: tuple[Line, ...] = ()
    kind: str = ""
    tooltip: str = ""
    live: bool = False


class Sketch(NamedTuple):
    """The boxes and the links of a picture, in the order in which they are drawn.

    network: whether it is laid out in columns, with straight links, if there is room.
    """

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    network: bool = False

    def named(self, prefix: str) -> Sketch:
        """This returns the same with a prefix before each name, for a picture of several graphs."""
        boxes = (box._replace(name=prefix + box.name) for box in self.boxes)
        links = (
            link._replace(**{end: prefix + getattr(link, end) for end in ("name", "tail", "head")})
            for link in self.links
        )
        return self._replace(boxes=tuple(boxes), links=tuple(links))


class Placed(NamedTuple):
    """A link with its places. curves: its pieces, each 1 + 3n control points of Bézier curves.

    text: the place of its label, None if it has none.
    """

    link: Link
    curves: tuple[tuple[Point, ...], ...]
    text: Place | None


class Frame(NamedTuple):
    """A rounded frame around a part of the picture, with a title inside of its upper edge."""

    place: Place
    title: Line
    color: str

    @property
    def title_place(self) -> Place:
        """The place of the title, inside of the upper edge."""
        x, y, width, height = self.place
        return Place(x, y - height // 2 + 18, width, 0)


class Scene(NamedTuple):
    """A whole picture.

    width, height: in points. paper, ink: the colours of background and text. notes: lines of text
    beside the graph. captions: those that tell the event of this picture.
    """

    width: int
    height: int
    paper: str
    ink: str
    boxes: tuple[tuple[Box, Place], ...]
    links: tuple[Placed, ...]
    notes: tuple[tuple[Line, Place], ...] = ()
    frames: tuple[Frame, ...] = ()
    captions: tuple[tuple[Line, Place], ...] = ()


def wide(line: Sequence[Span]) -> float:
    """This returns the room of a line of text, in points, in the widest font of the list."""
    return sum([width(span.text, span.size, span.bold) for span in line])


def room(lines: Sequence[Line]) -> tuple[int, int]:
    """This returns the width and the height of lines of text, in points, both even."""
    return even(max(map(wide, lines), default=0)), even(sum(map(high, lines)))


def high(line: Line) -> float:
    """This returns the height of a line of text, in points."""
    return LINE * max([span.size for span in line])


def stacked(lines: Sequence[Line], place: Place) -> Iterator[tuple[Line, float]]:
    """This yields lines of text with the middle of each, one below the other around their place."""
    y = place.y - sum(map(high, lines)) / 2
    for line in lines:
        tall = high(line)
        yield line, y + tall / 2
        y += tall


def broken(text: str, look: Span, most: float) -> list[Line]:
    """This returns the text on as many lines as it needs, broken only at blanks.

    look: a span with the size, the colour and the weight. most: the width of a line, in points.
    """
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        longer = look._replace(text=f"{lines[-1]} {word}")
        if lines[-1].strip() and wide((longer,)) > most:
            lines.append(word)
        else:
            lines[-1] = longer.text
    return [(look._replace(text=line),) for line in lines]


def even(x: float) -> int:
    """This returns the smallest even whole number that is not less than `x`.

    The middle of an even length is a whole point, so that no program has to round it.
    """
    return 2 * -int(-x // 2)
