"""Figures 2 and 3 of the paper of 1986: two family trees, and a network's activity."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise

from tinygrad_edu.data import CHILDREN, COUPLES, ENGLISH, ITALIAN, MEN
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.placement import Point
from tinygrad_edu.draw.scene import Box, Line, Link, Place, Placed, Scene, Shape, Span, room
from tinygrad_edu.draw.svg import svg
from tinygrad_edu.files import write_whole

__all__ = ["Lit", "Trees"]

_ROWS = ((0, 1, 2, 3), (4, 5, 6, 7, 8, 9), (10, 11))  # each generation, from left to right
_LEAST = 0.05  # a smaller activity is not written
_EDGE = 6  # points of paper around a picture
_HIGH = 36  # of a person's box
_APART, _DOWN = 30, 46  # between boxes: beside each other, with room for a =, and above each other
_TREES = 40  # between the two trees
_ROW = 30  # of a unit
_BLOCKS, _ABOVE = 44, 20  # between blocks: beside each other, and above each other

_Units = Sequence[Sequence[tuple[str, float]]]


class _Drawn:
    """A picture with a title and a description."""

    title: str
    scene: Scene
    alt: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture as SVG."""
        write_whole(path, svg(self.scene, self.title, self.alt).encode())


class Trees(_Drawn):
    """The two trees: boxes for men, ovals for women, `=` between husband and wife."""

    title = "Two family trees"

    def __init__(self, look: str = "light") -> None:
        colors = theme.THEMES[look]
        boxes: list[tuple[Box, Place]] = []
        links: list[Placed] = []
        notes: list[tuple[Line, Place]] = []
        said = []
        wide = max(room([_line(name, colors)])[0] for name in (*ENGLISH, *ITALIAN)) + 24
        step = wide + _APART
        right = _EDGE + len(_ROWS[1]) * step - _APART
        y = _EDGE + _HIGH // 2
        for tree, names in enumerate((ENGLISH, ITALIAN)):
            fill = (colors.leaf, colors.parameter)[tree]
            at: dict[int, Point] = {}
            for row in _ROWS:
                first = (_EDGE + right - (len(row) - 1) * step) // 2
                at |= {person: (first + i * step, y) for i, person in enumerate(row)}
                y += _HIGH + _DOWN
            y += _TREES - _DOWN
            for person, (x, middle) in at.items():
                shape: Shape = "box" if person in MEN else "oval"
                lines = (_line(names[person], colors),)
                box = Box(f"p{tree}_{person}", shape, lines, fill, colors.line, kind="person")
                boxes.append((box, Place(x, middle, wide, _HIGH)))
            for husband, wife in COUPLES:
                between = (at[husband][0] + at[wife][0]) // 2, at[husband][1]
                equals = (Span("=", theme.NUMBER, colors.ink, True),)
                notes.append((equals, Place(*between, _APART, 0)))
                born = CHILDREN.get((husband, wife), ())
                for child in born:
                    name = f"c{tree}_{child}"
                    link = Link(
                        name,
                        f"p{tree}_{wife}",
                        f"p{tree}_{child}",
                        colors.line,
                        2.0,
                        arrow="",
                        kind="child",
                    )
                    links.append(Placed(link, _descent(between, at[child]), None))
                couple = f"{names[husband]} {{}} {names[wife]}"
                if born:
                    said.append(f"{couple.format('and')}: {', '.join(names[x] for x in born)}")
                else:
                    said.append(couple.format("="))
        bottom = y - _TREES - _HIGH // 2 + _EDGE
        self.alt = "; ".join(said)
        self.scene = Scene(
            right + _EDGE, bottom, colors.paper, colors.ink,
            tuple(boxes), tuple(links), tuple(notes),
        )  # fmt: skip


def _descent(parents: Point, child: Point) -> tuple[tuple[Point, ...], ...]:
    """The line from below the `=` of the parents down to the child, with two corners."""
    (x, y), (to, end) = parents, child
    half = (y + end) // 2
    points = [(x, y + 12), (x, half), (to, half), (to, end - _HIGH // 2)]
    line = [points[0]]
    for a, b in pairwise(points):
        line += [a, b, b]
    return (tuple(line),)


class Lit(_Drawn):
    """Layers of a network from left to right; the shade of a unit is its activity, 0 to 1.

    blocks: columns of units by the title of the block; a unit is (name, activity). edges: pairs of
    titles, those into a block after those into the blocks before it. marked: by title, the names of
    the units with a thick frame.
    """

    def __init__(
        self,
        title: str,
        blocks: Mapping[str, _Units],
        edges: Sequence[tuple[str, str]],
        marked: Mapping[str, Sequence[str]],
        look: str = "light",
    ) -> None:
        colors = theme.THEMES[look]
        depth = dict.fromkeys(blocks, 0)
        for tail, head in edges:
            depth[head] = max(depth[head], depth[tail] + 1)
        columns = [[b for b in blocks if depth[b] == d] for d in range(max(depth.values()) + 1)]
        sizes = {name: _size(name, block, colors) for name, block in blocks.items()}
        heights = [sum(sizes[b][1] + _ABOVE for b in column) - _ABOVE for column in columns]
        heading = (Span(title, theme.HEADING, colors.ink, True),)
        top = _EDGE + room([heading])[1] + _EDGE
        boxes: list[tuple[Box, Place]] = []
        notes: list[tuple[Line, Place]] = []
        at: dict[str, Place] = {}
        x = _EDGE
        for column, height in zip(columns, heights):
            wide = max(sizes[b][0] for b in column)
            y = top + (max(heights) - height) // 2
            for name in column:
                high = sizes[name][1]
                at[name] = Place(x + wide // 2, y + high // 2, sizes[name][0], high)
                notes.append((_line(name, colors), Place(x + wide // 2, y + _ROW // 2, wide, 0)))
                boxes += _units(name, blocks[name], at[name], marked.get(name, ()), colors)
                y += high + _ABOVE
            x += wide + _BLOCKS
        width = x - _BLOCKS + _EDGE
        notes.append((heading, Place(width // 2, _EDGE + room([heading])[1] // 2, width, 0)))
        links = []
        for tail, head in edges:
            start, end = at[tail], at[head]
            a = start.x + _across(blocks[tail], colors) // 2 + 2, start.y + _ROW // 2
            b = end.x - _across(blocks[head], colors) // 2 - 2, end.y + _ROW // 2
            link = Link(f"{tail}_{head}".replace(" ", "_"), tail, head, colors.line, 2.0)
            links.append(Placed(link, ((a, a, b, b),), None))
        said = []
        for name, block in blocks.items():
            units = [f"{unit} {x:.2f}".strip() for column in block for unit, x in column]
            said.append(f"{name}: {', '.join(units)}")
        self.title, self.alt = title, "; ".join(said)
        self.scene = Scene(
            width, top + max(heights) + _EDGE, colors.paper, colors.ink,
            tuple(boxes), tuple(links), tuple(notes),
        )  # fmt: skip


def _line(text: str, colors: theme.Theme) -> Line:
    return (Span(text, theme.NUMBER, colors.ink),)


def _said(name: str, x: float, colors: theme.Theme) -> Line:
    """The text of a unit."""
    number = f"{x:.2f}" if x >= _LEAST or not name else ""
    return _line(" ".join(filter(None, (name, number))), colors)


def _cell(block: _Units, colors: theme.Theme) -> int:
    """The width of a unit, in points."""
    return room([_said(name, 1.0, colors) for column in block for name, _ in column])[0] + 8


def _size(title: str, block: _Units, colors: theme.Theme) -> tuple[int, int]:
    """The width and the height of a block with its title, in points."""
    wide = max(_across(block, colors), room([_line(title, colors)])[0])
    return wide, _ROW * (1 + max(map(len, block)))


def _across(block: _Units, colors: theme.Theme) -> int:
    """The width of the units of a block, in points."""
    return _cell(block, colors) * len(block)


def _units(
    name: str, block: _Units, place: Place, marked: Sequence[str], colors: theme.Theme
) -> list[tuple[Box, Place]]:
    """The units of a block, below its title, with their places."""
    cell = _cell(block, colors)
    left = place.x - _across(block, colors) // 2 + cell // 2
    top = place.y - place.height // 2 + _ROW + _ROW // 2
    made = []
    for i, column in enumerate(block):
        for k, (unit, x) in enumerate(column):
            box = Box(
                f"{name}_{i}_{k}".replace(" ", "_"),
                "box",
                (_said(unit, x, colors),),
                _shade(x, colors),
                colors.ink,
                4.0 if unit and unit in marked else 1.0,
                kind="unit",
            )
            made.append((box, Place(left + i * cell, top + k * _ROW, cell - 4, _ROW - 4)))
    return made


def _shade(x: float, colors: theme.Theme) -> str:
    """A colour between the background and the positive colour, light enough for letters."""
    pairs = zip(*(bytes.fromhex(c.removeprefix("#")) for c in (colors.paper, colors.positive)))
    part = 0.55 * min(max(x, 0.0), 1.0)
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in pairs)
