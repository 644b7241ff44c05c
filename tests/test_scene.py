"""Where everything lies in a picture: nothing overlaps, no link passes through a foreign text.

The rooms of text are those of the measure, which is wide enough in every font: see test_measure.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import dist, hypot
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from conftest import REAL_PATH, differentiated, random_value
from hypothesis import given, settings
from hypothesis import strategies as st
from test_dot import LABELLED, SYMBOLS, labelled, literally
from test_sketch import (
    EVERYTHING,
    EXAMPLES,
    FORMS,
    every_sign,
    layered_network,
    lecture,
    set_after_use,
    sketches,
    updated,
)
from test_zoom import network

from tinygrad_edu import TABLE, Op, Value, graph, group, tanh
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.cli import main
from tinygrad_edu.draw import picture as picture_module
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.compose import PAGES
from tinygrad_edu.draw.measure import LINE, width
from tinygrad_edu.draw.picture import draw
from tinygrad_edu.draw.scene import Box, Line, Place, Placed, Scene
from tinygrad_edu.engine import as_value

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
Point = tuple[float, float]


def scene(what: Value | Graph, **view: Any) -> Scene:
    """The whole picture with its places."""
    picture = draw(what, **view)
    return picture._scene(picture.graphs)[0]


class Rect(NamedTuple):
    """A rectangle; right and bottom belong to it."""

    left: float
    top: float
    right: float
    bottom: float

    def smaller(self, by: float) -> Rect:
        return Rect(self.left + by, self.top + by, self.right - by, self.bottom - by)

    def has(self, point: Point) -> bool:
        return self.left <= point[0] <= self.right and self.top <= point[1] <= self.bottom

    def contains(self, other: Rect) -> bool:
        return self.has(other[:2]) and self.has(other[2:])

    def meets(self, other: Rect) -> bool:
        return not (
            self.right <= other.left
            or other.right <= self.left
            or self.bottom <= other.top
            or other.bottom <= self.top
        )


def rect(place: Place) -> Rect:
    x, y, w, h = place
    return Rect(x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def length(line: Line) -> float:
    return sum(width(span.text, span.size, span.bold) for span in line)


def text_room(lines: Sequence[Line], place: Place) -> Rect:
    """The room of lines of text in the middle of their place, in the widest font."""
    wide = max(map(length, lines), default=0.0)
    high = sum(LINE * max(span.size for span in line) for line in lines)
    return rect(Place(place.x, place.y, wide, high))  # type: ignore[arg-type]


def curve_points(curve: Sequence[Point]) -> Iterator[Point]:
    """Points on a curve of cubic Béziers, at most some three points apart."""
    yield curve[0]
    for i in range(0, len(curve) - 1, 3):
        a, b, c, d = curve[i : i + 4]
        steps = 2 + int((dist(a, b) + dist(b, c) + dist(c, d)) / 3)
        for k in range(1, steps + 1):
            t = k / steps
            u = 1 - t
            yield (
                u**3 * a[0] + 3 * u * u * t * b[0] + 3 * u * t * t * c[0] + t**3 * d[0],
                u**3 * a[1] + 3 * u * u * t * b[1] + 3 * u * t * t * c[1] + t**3 * d[1],
            )


def problems(made: Scene) -> Iterator[str]:
    """What is wrong with the places of a picture, a line each."""
    boxes = {box.name: (box, place) for box, place in made.boxes}
    page = Rect(0, 0, made.width, made.height)
    names = {box.name: rect(place) for box, place in made.boxes}
    names |= {f"{p.link.name} label": rect(p.text) for p in made.links if p.text}
    notes = {
        f"note {i}": text_room([line], place)
        for i, (line, place) in enumerate((*made.notes, *made.captions))
    }
    notes |= {
        f"title {i}": text_room([frame.title], frame.title_place)
        for i, frame in enumerate(made.frames)
    }
    round_ones = {  # the square in the circle
        box.name: rect(place).smaller(0.15 * place.width)
        for box, place in made.boxes
        if box.shape == "circle"
    }
    for name, here in (names | notes).items():
        if not page.contains(here):
            yield f"{name} is not in the picture"
    for (one, here), (other, there) in combinations((names | notes).items(), 2):
        if here.meets(there):
            yield f"{one} meets {other}"
    for box, place in made.boxes:
        if not fits(box, place):
            yield f"the text of {box.name} leaves its {box.shape}"
    for link in made.links:
        if link.text and not rect(link.text).contains(text_room(link.link.label, link.text)):
            yield f"the text of {link.link.name} leaves its room"
        if link.link.tail:
            near = 1 if len(made.links) <= 150 else -1  # point; a fan may touch a box
            around = {
                name: here.smaller(-near) for name, here in (names | notes | round_ones).items()
            }
            yield from link_problems(link, boxes, around, page)
    for name, place in [(f"frame {i}", frame.place) for i, frame in enumerate(made.frames)]:
        if not page.contains(rect(place)):
            yield f"{name} is not in the picture"


def fits(box: Box, place: Place) -> bool:
    """Whether the text of a box lies inside of its outline."""
    said = text_room(box.lines, box.inner(place))
    _, _, w, h = place
    x, y = (said.right - said.left) / 2, (said.bottom - said.top) / 2
    if box.shape == "circle":
        top = -y
        for line in box.lines:
            high = LINE * max(span.size for span in line)
            edge = max(-top, top + high) - 0.15 * high  # letters have less ink at the corners
            if hypot(length(line) / w, 2 * edge / h) > 1:
                return False
            top += high
        return True
    if box.shape == "stack":
        return x <= w / 2 - 6 and y <= h / 2 - 6
    if box.shape == "octagon" and x + y > w / 2 + h / 2 - 8:
        return False
    return x <= w / 2 - 4 * box.double - 2 and y <= h / 2 - 4 * box.double - 2


def link_problems(
    placed: Placed, boxes: dict[str, tuple[Box, Place]], names: dict[str, Rect], page: Rect
) -> Iterator[str]:
    link = placed.link
    stops = [Stop(end, boxes[end][0].shape, rect(boxes[end][1])) for end in (link.tail, link.head)]
    if placed.text:
        stops.insert(1, Stop(f"{link.name} label", "", rect(placed.text)))
    if len(placed.curves) != len(stops) - 1:
        yield f"{link.name} has {len(placed.curves)} pieces"
    for curve, (start, end) in zip(placed.curves, pairwise(stops)):
        if len(curve) % 3 != 1:
            yield f"{link.name} is no curve"
        points = list(curve_points(curve))
        for point, stop in ((points[0], start), (points[-1], end)):
            if not -2 <= stop.outside(point) <= (2 if stop.shape else 4):
                yield f"{link.name} ends at {point}, which is not on the border of {stop}"
        if not all(map(page.has, points)):
            yield f"{link.name} leaves the picture"
        if min(stop.outside(point) for stop in (start, end) for point in points) < -3:
            yield f"{link.name} passes through what it belongs to"
        xs, ys = zip(*points)
        reach = Rect(min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)
        for name, there in names.items():
            if name in (start.name, end.name) or not there.meets(reach):
                continue
            if any(map(there.has, points)):
                yield f"{link.name} passes through {name}"


class Stop(NamedTuple):
    """What a piece of a link begins or ends at."""

    name: str
    shape: str
    room: Rect

    def outside(self, point: Point) -> float:
        """About how far the point is from the outline; inside of it, less than 0."""
        x = abs(point[0] - (self.room.left + self.room.right) / 2)
        y = abs(point[1] - (self.room.top + self.room.bottom) / 2)
        across = (self.room.right - self.room.left) / 2
        down = (self.room.bottom - self.room.top) / 2
        if self.shape == "circle":
            return (hypot(x / across, y / down) - 1) * min(across, down)
        return max(x - across, y - down)


def whole(made: Scene) -> bool:
    """Whether all is placed in whole points."""
    places = [place for _, place in made.boxes]
    places += [link.text for link in made.links if link.text]
    places += [place for _, place in (*made.notes, *made.captions)]
    numbers = [made.width, made.height, *(x for place in places for x in place)]
    numbers += [x for link in made.links for curve in link.curves for p in curve for x in p]
    return all(type(x) is int for x in numbers)


# --- places --------------------------------------------------------------------------------------


def expression(rng: Random, operations: int) -> Value:
    """A differentiated expression of ordinary numbers, with names of many lengths."""
    leaves = [
        Value(round(rng.uniform(-3, 3), rng.randint(0, 4)), label=label)
        for label in rng.sample(["x", "w1", "learning rate", "b", "the bias", "", "y_true"], 3)
    ]
    made = [*leaves]
    names = ("add", "sub", "mul", "div", "tanh", "exp", "pow", "max", "relu", "neg")
    for _ in range(operations):
        op = TABLE[rng.choice(names)]
        args: list[Any] = [rng.choice(made[-4:]) for _ in op.derivatives]
        if len(args) == 2 and rng.random() < 0.25:
            args[rng.randrange(2)] = rng.choice([2, 0.5, -1.25, 3])
        made.append(op(*args))
        if rng.random() < 0.25:
            made[-1].label = rng.choice(["h", "e1", "a long name of a value"])
    return differentiated(made[-1])


def check(what: Value | Graph, **view: Any) -> Scene:
    """The scene, after it was looked at; one can see in `problems` what holds."""
    made = scene(what, **view)
    assert whole(made)
    assert list(problems(made)) == []
    return made


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize(
    "view",
    [
        {},
        {"direction": "TB"},
        {"form": "circles"},
        {"form": "circles", "direction": "TB", "fit": "A4"},
        {"edges": EVERYTHING, "fit": "4:3"},
        {"edges": (), "fit": "none"},
    ],
    ids=str,
)
@given(st.integers(0, 2**32), st.integers(1, 18))
@settings(max_examples=12)
def test_nothing_overlaps_and_no_link_passes_through_a_text(
    view: dict[str, Any], seed: int, operations: int
) -> None:
    check(expression(Random(seed), operations), **view)


NAMES = (
    "",
    "x",
    "w1",
    "x1*w1 + b",
    "学习率学习率",
    "🙂🙂",
    "a label that is longer than a line is",
)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_whatever_the_labels_and_the_numbers(direction: str) -> None:
    for seed in range(6):
        y = random_value(Random(seed), 5 * seed, NAMES)
        check(y, direction=direction, form=FORMS[seed % 2])


def test_a_long_name_of_an_operation_stays_in_its_circle() -> None:
    for name in ("f", "softplus", "my_operation_with_a_long_name"):
        y = Op(name, lambda a: a, lambda y, a: 1.0)(Value(2.0, label="x"))
        check(y, form="circles")


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("level", ["neuron", "layer", 0])
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_groups_do_not_overlap_either(level: str | int, direction: str) -> None:
    for seed in range(3):
        check(layered_network(Random(seed)), level=level, direction=direction)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("sizes", [[2, 2, 1], [3, 5, 2, 1]], ids=str)
@pytest.mark.parametrize("level", ["neuron", "network"])
def test_networks_do_not_overlap_either(level: str, sizes: list[int]) -> None:
    y = differentiated(network(sizes, inside=True))
    check(y, level=level)
    check(y, level=level, direction="TB", theme="print")


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_do_not_overlap_either(name: str) -> None:
    for form in FORMS:
        check(EXAMPLES[name](), form=form)


def gallery() -> list[list[str]]:
    """The words of each command of the gallery that draws one picture, without its file."""
    text = (ROOT / "diagrams" / "README.md").read_text(encoding="utf-8")
    found = [shlex.split(line) for line in re.findall(r"^tinygrad-edu (.*)$", text, re.MULTILINE)]
    return [words for words in found if words[0] == "render" and "--steps" not in words]


@pytest.mark.usefixtures("no_dot")
def test_the_gallery_does_not_overlap_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    seen: list[Scene] = []
    compose = picture_module.compose

    def remembered(*what: Any, **how: Any) -> Scene:
        seen.append(compose(*what, **how))
        return seen[-1]

    monkeypatch.setattr(picture_module, "compose", remembered)
    for words in gallery():
        done = CliRunner().invoke(main, [*words[:-2], "--format", "svg", "-o", "-"])
        assert done.exit_code == 0, words
        assert whole(seen[-1]), words
        assert list(problems(seen[-1])) == [], words
    assert len(seen) >= len(gallery()) > 30


def test_without_graphviz_nothing_overlaps_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    for seed in range(12):
        y = expression(Random(seed), seed + 1)
        check(y, direction=("LR", "TB")[seed % 2], edges=(None, EVERYTHING)[seed % 3 == 0])
    check(every_sign(), form="circles")


@pytest.mark.machine
def test_with_the_systems_dot_nothing_overlaps_either(
    no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    for seed in range(20):
        check(expression(Random(seed), seed + 1), direction=("LR", "TB")[seed % 2])


# --- rows ----------------------------------------------------------------------------------------


def chain(operations: int) -> Value:
    """A long calculation in which the first value is used again at its end."""
    x = Value(0.5, label="x")
    y: Value = x
    for _ in range(operations):
        y = tanh(y)
    return differentiated(y * x)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_long_picture_is_broken_into_rows_that_fill_the_page(direction: str) -> None:
    y = chain(9)
    long = check(y, direction=direction, fit="none")
    for fit in ("16:9", "4:3", "A4"):
        page = PAGES[fit]
        made = check(y, direction=direction, fit=fit)
        scales = [min(page[0] / each.width, page[1] / each.height) for each in (long, made)]
        assert scales[1] > 1.3 * scales[0]
        # the parts are the same, only elsewhere; a link is one curve, also around the corners
        assert [box for box, _ in made.boxes] == [box for box, _ in long.boxes]
        for here, there in zip(made.links, long.links, strict=True):
            assert here.link == there.link
            assert len(here.curves) == len(there.curves)
    axis = 0 if direction == "LR" else 1
    at = [place[axis] for _, place in made.boxes]
    assert at != sorted(at)  # there are rows
    assert [place[axis] for _, place in long.boxes] == sorted(
        place[axis] for _, place in long.boxes
    )


@pytest.mark.usefixtures("no_dot")
def test_a_short_picture_is_not_broken() -> None:
    y = lecture()
    assert scene(y) == scene(y, fit="none")


# --- order and direction -------------------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("direction", "axis"), [("LR", 0), ("TB", 1)])
def test_the_picture_runs_the_way_it_is_asked_to(form: str, direction: str, axis: int) -> None:
    made = scene(lecture(), direction=direction, fit="none", form=form)
    at = {box.name: place for box, place in made.boxes}
    for link, curves, text in made.links:
        if not link.tail:
            continue  # a sample of the legend
        start, end = at[link.tail], at[link.head]
        assert end[axis] > start[axis] + 20
        assert curves[0][0][axis] < curves[-1][-1][axis]
        if text:
            assert start[axis] < text[axis] < end[axis]


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize(("direction", "across"), [("LR", 1), ("TB", 0)])
def test_the_first_operand_comes_first(direction: str, across: int) -> None:
    """Above the second one, or left of it, as in the formula."""
    for op in ("sub", "div", "pow", "add", "less"):
        made = scene(
            differentiated(TABLE[op](Value(3.0, label="z"), Value(2.0, label="a"))),
            direction=direction,
        )
        at = {box.name: place for box, place in made.boxes}
        assert at["n0"][across] < at["n1"][across]
    for seed in range(12):
        y = expression(Random(seed), 6)
        made = scene(y, direction=direction, fit="none")
        for (one, _, first), (other, _, second) in pairwise(made.links):
            if first and second and one.head == other.head:
                assert first[across] < second[across], (seed, one.name, other.name)


# --- panels, title, legend -----------------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_before_and_after_lie_alike_each_in_its_frame(direction: str) -> None:
    before, after = updated()
    made = check(after, before=before, direction=direction)
    assert [frame.title[0].text for frame in made.frames] == ["before", "after"]
    first, second = (rect(frame.place) for frame in made.frames)
    assert not first.meets(second)
    assert (first.right - first.left, first.bottom - first.top) == (
        second.right - second.left,
        second.bottom - second.top,
    )
    dx, dy = second.left - first.left, second.top - first.top
    at = {box.name: place for box, place in made.boxes}
    for name, place in at.items():
        assert (first if name.startswith("p0_") else second).contains(rect(place))
        other = at[f"p1_{name[3:]}"]
        if name.startswith("p0_"):
            assert (place.x + dx, place.y + dy) == (other.x, other.y)
            assert place[2:] == other[2:]
    curves = {p.link.name: p.curves for p in made.links}
    for name in [name for name in curves if name.startswith("p0_")]:
        moved = tuple(tuple((x + dx, y + dy) for x, y in c) for c in curves[name])
        assert curves[f"p1_{name[3:]}"] == moved


@pytest.mark.usefixtures("no_dot")
def test_graphs_that_differ_lie_each_in_its_frame_too() -> None:
    before, _ = updated()
    made = check(graph(lecture()), before=before)
    assert len(made.frames) == 2


@pytest.mark.usefixtures("no_dot")
def test_the_picture_says_its_formula_and_what_its_lines_mean() -> None:
    def notes(**view: Any) -> list[str]:
        return ["".join(s.text for s in line) for line, _ in scene(every_sign(), **view).notes]

    title, *legend = notes()
    assert title == "a·2 - b·7 + c·0 + sqrt(d)·0"
    assert legend == [
        "contribution to the gradient:",
        "positive",
        "negative",
        "zero",
        "undefined",
        "thicker is larger",
    ]
    assert notes(title="Signs")[0] == "Signs"
    assert notes(legend=False) == []
    assert notes(highlight=["a"])[-1] == "on the path"
    plain = scene(Value(1.0, label="x") * 2)
    assert ["".join(s.text for s in line) for line, _ in plain.notes] == ["x·2"]


@pytest.mark.usefixtures("no_dot")
def test_samples_of_the_legend_look_like_the_links() -> None:
    made = scene(every_sign())
    looks = {
        p.link.kind.removeprefix("use "): (p.link.color, p.link.dash, p.link.arrow, p.link.double)
        for p in made.links
        if p.link.kind.startswith("use ")
    }
    samples = [p for p in made.links if not p.link.tail]
    words = {place.x: line[0].text for line, place in made.notes[1:]}
    for sample in samples:
        end = sample.curves[0][-1][0]
        word = words[min(x for x in words if x > end)]
        link = sample.link
        assert looks[word] == (link.color, link.dash, link.arrow, link.double)
    assert len(samples) == len(looks) == 4


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("size", [(1280, 720), (600, 600), (400, 900)])
def test_a_picture_of_a_given_size_has_the_whole_drawing_in_its_middle(
    size: tuple[int, int],
) -> None:
    picture = draw(lecture(), size=size)
    made = picture._scene(picture.graphs)[0]
    root = ElementTree.fromstring(picture.render("svg"))
    assert (root.attrib["width"], root.attrib["height"]) == tuple(map(str, size))
    left, top, wide, high = map(int, root.attrib["viewBox"].split())
    assert left <= 0 <= made.width <= left + wide
    assert top <= 0 <= made.height <= top + high
    assert wide / high == pytest.approx(size[0] / size[1], rel=0.01)
    assert abs(2 * left + wide - made.width) <= 1
    assert abs(2 * top + high - made.height) <= 1


# --- as SVG --------------------------------------------------------------------------------------


def groups(svg: bytes) -> dict[str, ElementTree.Element]:
    """The parts of an SVG by their ids."""
    root = ElementTree.fromstring(svg)
    return {part.attrib["id"]: part for part in root.iter(SVG + "g") if "id" in part.attrib}


def words_of(part: ElementTree.Element) -> str:
    return " ".join(" ".join(text.text or "" for text in part.iter(SVG + "text")).split())


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_svg_has_every_box_and_every_link_with_its_words(name: str, form: str) -> None:
    y = EXAMPLES[name]()
    svg = draw(y, form=form).render("svg")
    parts = groups(svg)
    (made,) = sketches(y, form=form)
    for what, lines, part in [
        *(("node", box.lines, box) for box in made.boxes),
        *(("edge", link.label, link) for link in made.links),
    ]:
        shown = parts.pop(part.name)
        assert shown.attrib["class"] == f"{what} {part.kind}".strip()
        said = " ".join("".join(span.text for span in line) for line in lines)
        assert words_of(shown).split() == theme.printable(said).split()
        told = [title.text for title in shown.iter(SVG + "title")]
        assert told == ([part.tooltip] if part.tooltip else [])
    assert parts == {}


@pytest.mark.usefixtures("no_dot")
def test_labels_and_symbols_are_shown_literally() -> None:
    y = labelled()
    parts = groups(draw(y, form="circles").render("svg"))
    g = graph(y)
    shown = [words_of(parts[f"n{node.id}"]) for node in g.nodes if node.label]
    assert all(text.endswith("value 1.5") for text in shown)
    shown = [text.removesuffix("value 1.5") for text in shown]
    assert [x for x, s in zip(LABELLED, shown, strict=True) if not literally(s, x)] == []
    symbols = [words_of(parts[f"op{n.id}"]) for n in g.nodes if n.op.name == "mine"]
    assert [x for x, s in zip(SYMBOLS, symbols, strict=True) if not literally(s, x)] == []


SHAPES = ("rect", "polygon", "path", "circle")


def outline(part: ElementTree.Element, *look: str) -> str:
    """The shapes of a part, without colour, size and place."""
    found = []
    for shape in part.iter():
        tag = shape.tag.removeprefix(SVG)
        if tag in SHAPES:
            commands = re.sub(r"[^a-zA-Z]", "", shape.get("d", ""))
            corners = len(shape.get("points", "").split())
            found.append((tag, commands, corners, "rx" in shape.attrib, *map(shape.get, look)))
    return str(found)


@pytest.mark.usefixtures("no_dot")
def test_every_kind_has_a_shape_of_its_own() -> None:
    a = Value(3.0)
    with group("g"):
        inner = a * 5
    drawings: dict[str, tuple[Value, str, dict[str, Any]]] = {
        "leaf": (a * 2 - 1, "n0", {}),
        "constant": (a * 2 - 1, "n1", {}),
        "operation": (a * 2 - 1, "n2", {}),
        "operator": (a * 2 - 1, "op2", {}),
        "output": (a * 2 - 1, "n4", {}),
        "output leaf": (a, "n0", {}),
        "output constant": (as_value(2.0), "n0", {}),
        "group": (inner + a, "n1", {"level": 1}),
    }
    outlines = {}
    for kind, (y, name, view) in drawings.items():
        outlines[kind] = outline(groups(draw(y, form="circles", **view).render("svg"))[name])
    assert len(set(outlines.values())) == len(outlines), outlines


@pytest.mark.usefixtures("no_dot")
def test_signs_are_told_apart_by_line_or_arrow_head_and_by_class() -> None:
    parts = groups(draw(every_sign(), theme="print").render("svg"))
    outlines: dict[str, set[str]] = {}
    for part in parts.values():
        kind = part.attrib["class"]
        if kind.startswith("edge use "):
            shapes = outline(part, "fill")
            dash = next(part.iter(SVG + "path")).get("stroke-dasharray", "").split(" ")
            outlines.setdefault(kind, set()).add(str((len(dash), shapes)))
    assert len(outlines) == 4
    for (_, some), (_, others) in combinations(outlines.items(), 2):
        assert not some & others


# --- for those who do not see it -----------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("view", [{}, {"theme": "dark", "direction": "TB"}], ids=["", "dark"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_svg_says_what_it_shows_and_asks_for_nothing(name: str, view: dict[str, Any]) -> None:
    picture = draw(EXAMPLES[name](), **view)
    svg = picture.render("svg")
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert [part.tag for part in root[:2]] == [SVG + "title", SVG + "desc"]
    assert (root[0].text or "").startswith("Graph of ")
    assert root[1].text == theme.printable(picture.alt)
    assert len(list(root.iter(SVG + "desc"))) == 1
    text = svg.decode()
    assert not re.search("<!DOCTYPE|<!--|<script|<image|http://(?!www.w3.org/)", text)
    assert text.index("<title>") < text.index("<desc>") < text.index("<g ")


@pytest.mark.usefixtures("no_dot")
def test_the_title_is_short_and_the_description_reads_the_graph() -> None:
    root = ElementTree.fromstring(lecture().draw().render("svg"))
    assert root[0].text == "Graph of L = minus 8"
    assert (root[1].text or "").endswith("c: minus 2. v2: minus 2. b: minus 4. a: 6.")


# --- sizes ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("form", FORMS)
def test_whatever_carries_a_digit_is_as_large_as_a_number(form: str) -> None:
    """The smallest number decides whether a class can read a slide."""
    with group("g"):
        x = Value(2.0, label="x1")
        inner = tanh(x * 3)
    for y, view in [
        (EXAMPLES["kinds"](), {"edges": EVERYTHING}),
        (differentiated(inner + x + x * 2 + x + x), {"level": 1}),
        (set_after_use(), {}),
        (every_sign(), {"highlight": ["a"]}),
    ]:
        made = scene(y, form=form, **view)
        lines = [line for box, _ in made.boxes for line in box.lines]
        lines += [line for p in made.links for line in p.link.label]
        lines += [line for line, _ in made.notes]
        sizes = {span.size for line in lines for span in line}
        assert sizes <= {theme.SMALL, theme.NUMBER, theme.SYMBOL, theme.HEADING}
        small = [span.text for line in lines for span in line if span.size < theme.NUMBER]
        assert not [text for text in small if re.search(r"\d", text)]
    assert theme.SMALL >= 13
    assert theme.NUMBER >= 22
