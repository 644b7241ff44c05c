"""The parts of a lesson's page, from a paragraph to a slider over the moments of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "Check",
    "Equations",
    "Figure",
    "Folded",
    "Frames",
    "Heading",
    "Lines",
    "Part",
    "Played",
    "Text",
]


class Heading(NamedTuple):
    """The heading of a section."""

    text: str


class Text(NamedTuple):
    """A paragraph; code is between backticks."""

    text: str


class Lines(NamedTuple):
    """Lines that keep their layout, such as a table of numbers."""

    text: str


class Figure(NamedTuple):
    """A picture in the same folder. width: its own width in points. alt: for who cannot see it."""

    file: str
    caption: str
    width: float
    alt: str


class Played(NamedTuple):
    """A live page, or a film, in the same folder. ratio: width / height of a film, 0 of a page."""

    file: str
    caption: str
    ratio: float = 0.0


class Frames(NamedTuple):
    """Pictures of the same thing at several moments, under one slider.

    over: what the slider moves over, such as `epoch`. moments: (label, picture) in order.
    """

    over: str
    moments: Sequence[tuple[str, Figure]]
    caption: str


class Equations(NamedTuple):
    """(number, equation, the code that is it) for each equation. source: where it is from."""

    source: str
    rows: Sequence[tuple[int, str, str]]


class Folded(NamedTuple):
    """A question to answer before one looks, and the parts that answer it, folded away."""

    question: str
    parts: Sequence[Part]


class Check(NamedTuple):
    """A question at the end of the lesson, and its answer."""

    question: str
    answer: str


Part = Heading | Text | Lines | Figure | Played | Frames | Equations | Folded
