"""Breaks a long picture into rows, as lines of text are broken, so that it fills a page.

A cut runs between two columns of boxes. A link that crosses it goes on along the right margin,
between the rows and along the left margin, into the next row at its old height.
"""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from tinygrad_edu.draw.bezier import cut, whole
from tinygrad_edu.draw.placement import Point
from tinygrad_edu.draw.scene import Box, Place, Placed, Sketch

__all__ = ["MOST_COLUMNS", "Drawn", "fitted"]

_LANE = 14  # points between links beside a row
_MARGIN = 10  # between a row and the first of them
_CORNER = 10
_MOST_ROWS = 5
MOST_COLUMNS = 100  # of more, no letter could be read in so many rows
_MOST_CROSSING = 6  # links at one cut
_LONGER = 60  # points that a row may be longer to have one link less at its end
_GAIN = 1.1  # by how much larger letters must become to be worth another row


class Drawn(NamedTuple):
    """Boxes and links with their places, and the size of all, in points."""

    boxes: list[tuple[Box, Place]]
    links: list[Placed]
    width: int
    height: int

    def turned(self) -> Drawn:
        """This returns the same with x and y exchanged."""
        return Drawn(
            [(box, _turned(place)) for box, place in self.boxes],
            [
                Placed(link, tuple(tuple((y, x) for x, y in c) for c in curves), _maybe(text))
                for link, curves, text in self.links
            ],
            self.height,
            self.width,
        )

    def named(self, prefix: str) -> Drawn:
        """This returns the same with a prefix before each name."""
        boxes, links = (box for box, _ in self.boxes), (placed.link for placed in self.links)
        made = Sketch(tuple(boxes), tuple(links)).named(prefix)
        return self._replace(
            boxes=[(box, place) for box, (_, place) in zip(made.boxes, self.boxes)],
            links=[placed._replace(link=link) for link, placed in zip(made.links, self.links)],
        )

    def moved(self, dx: int, dy: int) -> Drawn:
        """This returns the same, further to the right and further down."""
        return Drawn(
            [(box, place.moved(dx, dy)) for box, place in self.boxes],
            [
                Placed(
                    link,
                    tuple(tuple((x + dx, y + dy) for x, y in c) for c in curves),
                    text.moved(dx, dy) if text else None,
                )
                for link, curves, text in self.links
            ],
            self.width,
            self.height,
        )


def _turned(place: Place) -> Place:
    return Place(place.y, place.x, place.height, place.width)


def _maybe(place: Place | None) -> Place | None:
    return _turned(place) if place else None


def fitted(drawn: Drawn, page: tuple[float, float], enough: float) -> Drawn:
    """This returns the picture in as many rows as make it largest on a page, but no more.

    page: the width and the height of the page. enough: the scale from which on no row is broken.
    """
    best, scale = drawn, _scale(drawn, page)
    columns = _columns(drawn)
    if len(columns.left) > MOST_COLUMNS:
        return drawn
    crossing = _crossing(drawn, columns.cuts)
    for rows in range(2, min(_MOST_ROWS, len(columns.cuts) + 1) + 1):
        if scale >= enough:
            break
        # rows are together at least as high as the picture
        if min(page[0] * rows / drawn.width, page[1] / drawn.height) <= scale * _GAIN:
            continue
        cuts = _chosen(columns, crossing, rows)
        if cuts is None:
            continue
        made = _broken(drawn, cuts)
        if _scale(made, page) > scale * _GAIN:
            best, scale = made, _scale(made, page)
    return best


def _scale(drawn: Drawn, page: tuple[float, float]) -> float:
    return min(page[0] / drawn.width, page[1] / drawn.height)


class _Columns(NamedTuple):
    """Where columns of boxes begin and end. cuts: the x between each two neighbours."""

    left: list[int]
    right: list[int]
    cuts: list[int]


def _columns(drawn: Drawn) -> _Columns:
    places = [place for _, place in drawn.boxes]
    places += [link.text for link in drawn.links if link.text]
    spans = sorted((p.x - p.width // 2, p.x + p.width // 2) for p in places)
    left: list[int] = []
    right: list[int] = []
    for start, end in spans:
        if right and start < right[-1] + 4:
            right[-1] = max(right[-1], end)
        else:
            left.append(start)
            right.append(end)
    cuts = [(a + b) // 2 for a, b in zip(right, left[1:])]
    return _Columns(left, right, cuts)


def _crossing(drawn: Drawn, cuts: Sequence[int]) -> list[int]:
    """How many curves go over each cut, from left to right."""
    ends = [(c[0][0], c[-1][0]) for link in drawn.links for c in link.curves]
    ends = [(start, end) for start, end in ends if start < end]
    starts, stops = sorted(start for start, _ in ends), sorted(end for _, end in ends)
    return [bisect_left(starts, cut) - bisect(stops, cut) for cut in cuts]


def _chosen(columns: _Columns, crossing: Sequence[int], rows: int) -> list[int] | None:
    """The cuts that keep the longest row short; None if too many links cross every choice."""
    count = len(columns.left)
    # best[k][i]: (longest of k rows for the first i columns, cuts)
    best: list[tuple[float, tuple[int, ...]] | None] = [None] * (count + 1)
    best[0] = (0.0, ())
    for row in range(rows):
        following: list[tuple[float, tuple[int, ...]] | None] = [None] * (count + 1)
        for end in range(row + 1, count + 1):
            if end < count and crossing[end - 1] > _MOST_CROSSING:
                continue
            for start in range(row, end):
                before = best[start]
                if before is None:
                    continue
                links = crossing[end - 1] if end < count else 0
                length = columns.right[end - 1] - columns.left[start] + _LONGER * links
                made = max(before[0], length), (*before[1], *([end] if end < count else []))
                old = following[end]
                if old is None or made < old:
                    following[end] = made
        best = following
    found = best[count]
    return None if found is None else [columns.cuts[end - 1] for end in found[1]]


def _broken(drawn: Drawn, cuts: Sequence[int]) -> Drawn:
    """The picture in rows, one below the other."""
    split = [[_split(curve, cuts) for curve in link.curves] for link in drawn.links]
    starts, ends = [0, *cuts], [*cuts, drawn.width]
    widest = max(end - start for start, end in zip(starts, ends))
    lanes = _lanes([parts for link in split for parts in link], len(cuts))
    side = _MARGIN + _LANE * max(map(len, lanes))
    points: list[list[int]] = [[] for _ in starts]  # the y of everything in a row
    places = [place for _, place in drawn.boxes]
    places += [link.text for link in drawn.links if link.text]
    for place in places:
        half = place.height // 2
        points[bisect(cuts, place.x)] += [place.y - half, place.y + half]
    for link in split:
        for parts in link:
            for row, part in parts:
                points[row] += [y for _, y in part]
    shifts, bottoms, y = [], [], 0
    for row, heights in enumerate(points):
        shifts.append((side - starts[row], y - min(heights)))
        bottoms.append(y + max(heights) - min(heights))
        y = bottoms[-1] + (2 * _MARGIN + _LANE * len(lanes[row]) if row < len(cuts) else 0)

    def moved(place: Place) -> Place:
        return place.moved(*shifts[bisect(cuts, place.x)])

    def joined(parts: _Parts) -> tuple[Point, ...]:
        made: list[Point] = []
        for row, part in parts:
            dx, dy = shifts[row]
            here = [(x + dx, y + dy) for x, y in part]
            if made:
                order = lanes[row - 1]
                lane, last = order.index(part[0][1]), len(order) - 1
                right = side + widest + _MARGIN + _LANE * (last - lane)
                between = bottoms[row - 1] + _MARGIN + _LANE * (last - lane)
                left = side - _MARGIN - _LANE * lane
                bends = [
                    (right, made[-1][1]),
                    (right, between),
                    (left, between),
                    (left, here[0][1]),
                ]
                made += _rounded([made[-1], *bends, here[0]])[1:]
            made += here[1:] if made else here
        return tuple(made)

    links = [
        Placed(link, tuple(map(joined, parts)), text and moved(text))
        for (link, _, text), parts in zip(drawn.links, split)
    ]
    boxes = [(box, moved(place)) for box, place in drawn.boxes]
    return Drawn(boxes, links, widest + 2 * side, y)


_Parts = Sequence[tuple[int, Sequence[Point]]]  # (row, piece of a curve)


def _lanes(curves: Sequence[_Parts], cuts: int) -> list[list[int]]:
    """For each cut, the heights at which curves cross it, from top to bottom."""
    lanes: list[list[int]] = [[] for _ in range(cuts)]
    for parts in curves:
        for row, part in parts[1:]:
            lanes[row - 1].append(part[0][1])
    return [sorted({*lane}) for lane in lanes]


def _split(curve: Sequence[Point], cuts: Sequence[int]) -> list[tuple[int, list[Point]]]:
    """The pieces of a curve, row by row."""
    row = bisect(cuts, curve[0][0])
    parts = [(row, [curve[0]])]
    for i in range(0, len(curve) - 1, 3):
        piece = [(float(x), float(y)) for x, y in curve[i : i + 4]]
        while row < len(cuts) and piece[0][0] < cuts[row] < piece[3][0]:
            before, piece = cut(piece, partial(_beyond, cuts[row]))
            parts[-1][1].extend(map(whole, before[1:]))
            row += 1
            parts.append((row, [whole(piece[0])]))
        parts[-1][1].extend(map(whole, piece[1:]))
    return parts


def _beyond(line: float, x: float, y: float) -> bool:
    return x >= line


def _rounded(corners: Sequence[Point]) -> list[Point]:
    """Straight lines through the corners, rounded, as Bézier curves."""
    made = [corners[0]]
    for before, corner, after in zip(corners, corners[1:], corners[2:]):
        start, end = _towards(corner, before), _towards(corner, after)
        made += [made[-1], start, start]
        made += [_between(start, corner), _between(end, corner), end]
    return [*made, made[-1], corners[-1], corners[-1]]


def _towards(corner: Point, other: Point) -> Point:
    """The point on the way to the other where the corner's curve begins."""
    (x, y), (a, b) = corner, other
    far = max(abs(a - x), abs(b - y))  # the lines are level or upright
    step = min(_CORNER, far // 2)
    return (x, y) if not far else (x + (a - x) * step // far, y + (b - y) * step // far)


def _between(start: Point, corner: Point) -> Point:
    return (start[0] + 2 * corner[0]) // 3, (start[1] + 2 * corner[1]) // 3
