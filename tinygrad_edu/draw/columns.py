"""A network in columns with straight links, as on a blackboard.

Inputs are on the left, each neuron is one column after the last of its operands, and each text
stands on its link where no other link strikes it through and no other text touches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tinygrad_edu.draw.placement import Placement, Point
from tinygrad_edu.draw.scene import Box, Link, Sketch

__all__ = ["columns"]

_GAP = 14  # points between boxes above each other
_BESIDE = 50  # between columns, if links have no text
_HEAD = 26  # at least from a box to a text, so that dashes are seen before an arrow head
_CLEAR = 3  # around a text
_SPREAD = (0, 20, 45, 75, 110, 150, 200)  # more points between boxes above each other
_LOOSE = (0, 15, 30, 50, 75, 100, 130, 170, 220, 290, 380, 500, 650)  # more between columns
# Where a text may be on its link, the best place first.
_ALONG = [0.5, *(0.5 + way * i / 25 for i in range(1, 11) for way in (-1, 1))]
_MOST = 40  # links with text; more of them have no room
_MOST_TRIALS = 2_000

_Size = tuple[int, int]
_Spot = tuple[float, float]
_Line = tuple[_Spot, _Spot]
_Rect = tuple[float, float, float, float]  # left, top, right, bottom


def columns(
    sketch: Sketch,
    sizes: Mapping[str, _Size],
    labels: Mapping[str, str],
    direction: str,
    page: tuple[float, float],
) -> Placement | None:
    """This returns the places that make the picture largest on a page; None if there are none.

    sizes: of boxes and of texts, in points. labels: the name of the text of a link, by the name of
    the link, if it has one. page: the width and the height of the page. There are none if a link
    would have to run through a box, or if a text has no room.
    """
    if len(labels) > _MOST:
        return None
    upright = direction == "TB"
    if upright:
        sizes = {name: (height, width) for name, (width, height) in sizes.items()}
        page = page[1], page[0]
    best: tuple[float, _Plan] | None = None
    for sides in (False, True):
        for spread in _SPREAD:
            plan = _Plan(sketch, sizes, labels, sides, spread)
            if plan.found():
                width, height = plan.size()
                scale = min(page[0] / width, page[1] / height)
                if best is None or scale > best[0]:
                    best = scale, plan
        if best:
            return best[1].placement(upright)
    return None


def _depths(sketch: Sketch) -> dict[str, int]:
    """The column of each box: inputs first, a target just before the box that uses it."""
    depth = {box.name: 0 for box in sketch.boxes}
    for _ in depth:
        before = dict(depth)
        for link in sketch.links:
            depth[link.head] = max(depth[link.head], depth[link.tail] + 1)
        if depth == before:
            break
    heads = {link.head for link in sketch.links}
    for box in sketch.boxes:
        users = [depth[link.head] for link in sketch.links if link.tail == box.name]
        if box.name not in heads and users:
            depth[box.name] = min(users) - 1
    return depth


class _Plan:
    """An arrangement of boxes above each other, and the columns beside each other that fit it.

    sides: whether links end in the middle of a side, also at circles. spread: points.
    """

    def __init__(
        self,
        sketch: Sketch,
        sizes: Mapping[str, _Size],
        labels: Mapping[str, str],
        sides: bool,
        spread: int,
    ) -> None:
        self.sketch, self.sizes, self.labels = sketch, sizes, labels
        self.sides, self.spread = sides, spread
        self.at: dict[str, _Spot] = {}
        self.texts: dict[str, _Spot] = {}
        self.shapes = {box.name: box.shape for box in sketch.boxes}

    def found(self) -> bool:
        """Whether all boxes and texts have found their places."""
        depth = _depths(self.sketch)
        rows: list[list[Box]] = [[] for _ in range(max(depth.values()) + 1)]
        for box in self.sketch.boxes:
            rows[depth[box.name]].append(box)
        heads = {link.head for link in self.sketch.links}
        # what has no operand, such as a target, stands below those that have some
        main = [[box for box in row if box.name in heads] or row for row in rows]
        right = 0.0
        for row, first in zip(rows, main):
            pitch = max(self._pitch(other) for other in main if len(other) == len(first))
            ys = [pitch * (i - (len(first) - 1) / 2) for i in range(len(first))]
            rest = [box for box in row if box not in first]
            for above, box in zip([first[-1], *rest], rest):
                ys.append(ys[-1] + (self._high(above) + self._high(box)) / 2 + 2 * _GAP)
            wide = max(self.sizes[box.name][0] for box in row)
            links = [link for link in self.sketch.links if link.head in {box.name for box in row}]
            texts = [self.sizes[self.labels[x.name]][0] for x in links if x.name in self.labels]
            for box, y in zip([*first, *rest], ys):
                self.at[box.name] = right, y
            steep = max((abs(self.at[x.tail][1] - self.at[x.head][1]) for x in links), default=0)
            for loose in _LOOSE:
                gap = loose + max(_BESIDE, steep / 2, max(texts, default=0) + 2 * _HEAD)
                middle = (right + gap if row is not rows[0] else 0.0) + wide / 2
                for box, y in zip([*first, *rest], ys):
                    self.at[box.name] = middle, y
                made = self._texts(links)
                if made is not None:
                    break
            else:
                return False
            self.texts |= made
            right = middle + wide / 2
        return True

    def _pitch(self, boxes: Sequence[Box]) -> float:
        return max(map(self._high, boxes)) + _GAP + self.spread

    def _high(self, box: Box) -> int:
        return self.sizes[box.name][1]

    def _line(self, link: Link) -> _Line:
        """The line from border to border."""
        ends = []
        for name, other, way in ((link.tail, link.head, 1), (link.head, link.tail, -1)):
            (x, y), (to_x, to_y) = self.at[name], self.at[other]
            half = self.sizes[name][0] / 2
            if self.sides or self.shapes[name] != "circle":
                ends.append((x + way * half, y))
            else:
                far = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
                ends.append((x + (to_x - x) * half / far, y + (to_y - y) * half / far))
        return ends[0], ends[1]

    def _texts(self, links: Sequence[Link]) -> dict[str, _Spot] | None:
        """The middle of the text of each of the links; None if there is no room."""
        done = [link for link in self.sketch.links if link.head in self.at]
        lines = {link.name: self._line(link) for link in done}
        around = {name: _rect(at, self.sizes[name], _CLEAR) for name, at in self.at.items()}
        known = [_rect(at, self.sizes[name], _CLEAR) for name, at in self.texts.items()]
        for link in links:
            line = lines[link.name]
            others = (name for name in around if name not in (link.tail, link.head))
            if any(_inside(line, r) for r in known) or any(self._through(line, x) for x in others):
                return None
        blocked = [*around.values(), *known]
        choices = {
            self.labels[link.name]: [*self._choices(link, lines, blocked)]
            for link in links
            if link.name in self.labels
        }
        return _chosen(choices, self.sizes)

    def _through(self, line: _Line, name: str) -> bool:
        """Whether a line runs through a box."""
        (x, y), size = self.at[name], self.sizes[name]
        if not _inside(line, _rect((x, y), size, _CLEAR)):
            return False
        if self.shapes[name] != "circle":
            return True
        far = _far(line)
        (ax, ay), (bx, by) = line
        across = abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / far
        return across < size[0] / 2 + _CLEAR

    def _choices(
        self, link: Link, lines: Mapping[str, _Line], blocked: Sequence[_Rect]
    ) -> Iterator[_Spot]:
        """Yields the places for the text of a link that no other link and no box disturbs."""
        line, size = lines[link.name], self.sizes[self.labels[link.name]]
        far = _far(line)
        for share in _ALONG:
            middle = _along(line, share)
            rect = _rect(middle, size, _CLEAR)
            first, last = _inside(line, rect) or (0.0, 1.0)
            if min(first, 1 - last) * far < _HEAD or any(_touch(rect, x) for x in blocked):
                continue
            if not any(_inside(x, rect) for name, x in lines.items() if name != link.name):
                yield middle

    def size(self) -> tuple[float, float]:
        """The width and the height of all."""
        left, top, right, bottom = self._bounds()
        return right - left, bottom - top

    def _bounds(self) -> _Rect:
        parts = {**self.at, **self.texts}
        rects = [_rect(at, self.sizes[name], 0) for name, at in parts.items()]
        left, top, right, bottom = zip(*rects)
        return min(left), min(top), max(right), max(bottom)

    def placement(self, upright: bool) -> Placement:
        """This returns all places. upright: whether x and y are exchanged."""
        left, top, _, _ = self._bounds()

        def point(at: _Spot) -> Point:
            x, y = round(at[0] - left), round(at[1] - top)
            return (y, x) if upright else (x, y)

        edges: list[Sequence[Point]] = []
        for link in self.sketch.links:
            line = self._line(link)
            pieces = [line]
            if link.name in self.labels:
                label = self.labels[link.name]
                rect = _rect(self.texts[label], self.sizes[label], _CLEAR)
                first, last = _inside(line, rect) or (0.5, 0.5)
                pieces = [(line[0], _along(line, first)), (_along(line, last), line[1])]
            edges += [(point(a), point(a), point(b), point(b)) for a, b in pieces]
        boxes = {name: point(at) for name, at in {**self.at, **self.texts}.items()}
        width, height = map(round, self.size())
        return Placement(*((height, width) if upright else (width, height)), boxes, edges)


def _chosen(
    choices: Mapping[str, Sequence[_Spot]], sizes: Mapping[str, _Size]
) -> dict[str, _Spot] | None:
    """A place for each text such that no two touch; None if none is found soon."""
    order = sorted(choices, key=lambda name: len(choices[name]))
    taken: list[tuple[_Spot, _Rect]] = []
    trials = 0

    def fits(i: int) -> bool:
        nonlocal trials
        if i == len(order):
            return True
        for middle in choices[order[i]]:
            trials += 1
            if trials > _MOST_TRIALS:
                return False
            rect = _rect(middle, sizes[order[i]], _CLEAR / 2)
            if not any(_touch(rect, other) for _, other in taken):
                taken.append((middle, rect))
                if fits(i + 1):
                    return True
                taken.pop()
        return False

    return {name: middle for name, (middle, _) in zip(order, taken)} if fits(0) else None


def _rect(at: _Spot, size: _Size, more: float) -> _Rect:
    (x, y), (width, height) = at, size
    half, tall = width / 2 + more, height / 2 + more
    return x - half, y - tall, x + half, y + tall


def _touch(a: _Rect, b: _Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _inside(line: _Line, rect: _Rect) -> tuple[float, float] | None:
    """The shares of the line at which it enters and leaves the rectangle; None if it is outside."""
    (x, y), (to_x, to_y) = line
    first, last = 0.0, 1.0
    left, top, right, bottom = rect
    for start, step, low, high in ((x, to_x - x, left, right), (y, to_y - y, top, bottom)):
        if step == 0:
            if not low < start < high:
                return None
            continue
        enter, leave = sorted(((low - start) / step, (high - start) / step))
        first, last = max(first, enter), min(last, leave)
    return (first, last) if first < last else None


def _along(line: _Line, share: float) -> _Spot:
    (x, y), (to_x, to_y) = line
    return x + (to_x - x) * share, y + (to_y - y) * share


def _far(line: _Line) -> float:
    (x, y), (to_x, to_y) = line
    return float(((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5)
