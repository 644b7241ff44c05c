"""The steps of a pass as pictures: nothing jumps, nothing is told too early, and it plays."""

from __future__ import annotations

import re
import shutil
import struct
import sys
from collections.abc import Callable
from functools import cache
from math import inf, nan
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from conftest import REAL_PATH, neuron, posix

from tinygrad_edu import Trace, Value, ViewError, exp, relu, tanh, trace
from tinygrad_edu.draw import film as film_module
from tinygrad_edu.draw import layout as layout_module
from tinygrad_edu.draw.film import MOST_EVENTS, SECONDS, animated, files, film, frames
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.theme import THEMES, printable
from tinygrad_edu.draw.view import View
from tinygrad_edu.rows.formula import rounded

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
HOSTILE = (
    "</text><script>alert(1)</script>",
    '" onload="alert(1)',
    'a\n</g>\n<g id="n0" class="node">\n',
    "]]> --> &amp; &lt; <!DOCTYPE x> \\N \\G",
    "@import url(//x); </style> {visibility:hidden}",
)


def shared_leaf() -> Value:
    x = Value(3.0, label="x")
    y = x * x + x
    y.label = "y"
    return y


def constants() -> Value:
    x = Value(2.0, label="x")
    return (3 * x + 1) ** 2 / 7 - x


def wide() -> Value:
    """The gradient of x is 1 in the end, and 0.6667 on the way."""
    x = Value(1 / 3, label="x")
    return x * (2 / 3) + x * (1 / 3) + relu(-x) * x


def many_uses() -> Value:
    """The sum for x is a word in the end, and four numbers on the way."""
    x = Value(2.0, label="x")
    return x * (1 / 3) + x * (1 / 7) + x * (1 / 9) + x * (1 / 11) + x * (1 / 13)


def hostile() -> Value:
    a, b, c, d, e = (Value(float(i), label=label) for i, label in enumerate(HOSTILE))
    return a * b + c * d - e


def undefined() -> Value:
    x = Value(nan, label="x")
    return tanh(x) * Value(inf, label="w") + exp(x) * 0.0


def single() -> Value:
    return Value(3.0, label="x")


MADE = (shared_leaf, neuron, constants, wide, many_uses, hostile, undefined, single)
EXAMPLES = {made.__name__: made for made in MADE}
every_example = pytest.mark.parametrize("name", EXAMPLES)


@pytest.fixture(autouse=True)
def nothing_installed(no_dot: None) -> None:
    """Every test begins with the wheel's Graphviz alone."""


@cache
def events(name: str) -> Trace:
    return trace(EXAMPLES[name]())


@cache
def pictures(name: str) -> list[bytes]:
    return frames(events(name), View())


def parts(svg: bytes) -> dict[str, Element]:
    """The nodes, operators and edges of a picture, and its caption, by id."""
    groups = ElementTree.fromstring(svg).iter(f"{SVG}g")
    kinds = ("node", "edge")
    found = [g for g in groups if (g.get("class") or "").split()[:1] in [[kind] for kind in kinds]]
    named = {g.attrib["id"]: g for g in found}
    assert len(named) == len(found)
    return named


def outline(part: Element) -> list[tuple[str, ...]]:
    """Where the shapes of a node are, however they are painted."""
    places = ("points", "d", "cx", "cy", "rx", "ry")
    shapes = [x for x in part.iter() if x.tag[len(SVG) :] in ("polygon", "ellipse", "path")]
    return [(x.tag, *(x.get(place, "") for place in places)) for x in shapes]


def box(part: Element) -> tuple[float, float, float, float]:
    """The left, right, top and bottom of the outermost outline."""
    xs, ys = [], []
    for _, points, d, cx, cy, rx, ry in outline(part):
        if cx:
            xs += [float(cx) - float(rx), float(cx) + float(rx)]
            ys += [float(cy) - float(ry), float(cy) + float(ry)]
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", points + d)]
        xs += numbers[::2]
        ys += numbers[1::2]
    return min(xs), max(xs), min(ys), max(ys)


def rows(part: Element) -> dict[float, list[tuple[float, str]]]:
    """The rows of a text from top to bottom: where each of their pieces begins, and what it is."""
    found: dict[float, list[tuple[float, str]]] = {}
    for text in part.iter(f"{SVG}text"):
        assert text.get("text-anchor") == "start"
        found.setdefault(float(text.attrib["y"]), []).append(
            (float(text.attrib["x"]), text.text or "")
        )
    return dict(sorted(found.items()))


def said(part: Element) -> list[str]:
    """What the rows say, with single blanks."""
    texts = ["".join(text for _, text in row) for row in rows(part).values()]
    return [" ".join(text.split()) for text in texts]


def line(edge: Element) -> list[float]:
    """Where the line of an edge goes; in the middle, where it is drawn double."""
    drawn = [re.findall(r"-?[\d.]+", x.get("d") or "") for x in edge.iter(f"{SVG}path")]
    assert drawn
    assert len(drawn) <= 2
    return [sum(map(float, places)) / len(places) for places in zip(*drawn)]


def check_still(svgs: list[bytes], slack: float = 0.0) -> None:
    """Nothing jumps: shapes, lines, rows of text and the page are where they were.

    slack: points by which a text may be to the left or to the right of where it was.
    """
    pages = {tuple(ElementTree.fromstring(svg).get(a) for a in SIZE) for svg in svgs}
    assert len(pages) == 1
    first, *others = [parts(svg) for svg in svgs]
    words: dict[tuple[str, str], set[tuple[float, ...]]] = {}
    for other in (first, *others):
        assert list(other) == list(first)  # nothing comes and goes, or changes places
        for name, part in other.items():
            if name == "caption":
                continue
            if part.attrib["class"].startswith("node"):
                assert outline(part) == outline(first[name])
            else:
                assert line(part) == pytest.approx(line(first[name]), abs=0.02)
            assert list(rows(part)) == list(rows(first[name]))
            for y, row in rows(part).items():
                text = "".join(text for _, text in row)
                words.setdefault((f"{name} {y}", text), set()).add(tuple(x for x, _ in row))
    for places in words.values():  # what is the same text stays put
        assert all(max(x) - min(x) <= slack for x in zip(*places))


SIZE = ("width", "height", "viewBox")


# --- one layout ----------------------------------------------------------------------------------


@every_example
def test_one_frame_for_each_event_and_nothing_jumps_between_them(name: str) -> None:
    assert len(pictures(name)) == len(events(name)) == len(list(events(name)))
    check_still(pictures(name))


@pytest.mark.parametrize(
    "view",
    [
        View(direction="TB", theme="dark", edges=("formula", "numbers", "local", "contribution")),
        View(precision=12, theme="contrast"),
        View(precision=0, edges=(), theme="print"),
    ],
    ids=["everything top down", "precise", "bare"],
)
def test_nothing_jumps_in_any_view(view: View) -> None:
    passes = events("constants")
    svgs = frames(passes, view)
    check_still(svgs)
    check_frames(animated(svgs, passes), svgs)


@pytest.mark.machine
@pytest.mark.parametrize("name", ["wide", "hostile"])
def test_nothing_jumps_with_the_systems_dot(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    monkeypatch.setattr(layout_module, "_pygraphviz_folder", lambda: "")
    assert shutil.which("dot"), "install graphviz, or deselect the tests marked machine"
    svgs = frames(events(name), View())
    assert len(svgs) == len(events(name))
    check_still(svgs, slack=0.51)  # Graphviz 2 puts tables at whole points
    check_inside(svgs)
    check_frames(animated(svgs, events(name)), svgs)


def check_inside(svgs: list[bytes]) -> None:
    """Each text is inside its node's outline; the caption is inside the page."""
    for svg in svgs:
        page = [float(x) for x in ElementTree.fromstring(svg).attrib["viewBox"].split()]
        for name, part in parts(svg).items():
            if not part.attrib["class"].startswith("node"):
                continue
            if name == "caption":
                left, right, top, bottom = -4.0, page[2] - 4, 4 - page[3], 4.0
            else:
                left, right, top, bottom = box(part)
            middle = (left + right) / 2
            for y, row in rows(part).items():
                assert top < y < bottom, (name, row)
                start, letters = row[0][0], sum(len(text) for _, text in row)
                assert left <= start + 1 <= right - 3.5 * (letters - 1), (name, row)
                assert abs(start - middle) <= (right - left) / 2 + 1  # rows are centred


@every_example
def test_texts_stay_inside_their_shapes(name: str) -> None:
    check_inside(pictures(name))


@every_example
def test_the_page_is_as_large_as_the_drawing_and_the_caption(name: str) -> None:
    svg = pictures(name)[0]
    _, _, width, height = map(float, ElementTree.fromstring(svg).attrib["viewBox"].split())
    nodes = {id: part for id, part in parts(svg).items() if part.attrib["class"][:4] == "node"}
    caption = rows(nodes.pop("caption"))
    lefts, rights, tops, bottoms = zip(*map(box, nodes.values()))
    assert width <= max(720, max(rights) - min(lefts)) + 60
    assert height <= max(bottoms) - min(tops) + 80 + 60 * len(caption)


def test_the_widest_number_had_room_on_the_way() -> None:
    """The gradient of x is short in the end, and was long before."""
    numbers = [said(parts(svg)["n0"])[2] for svg in pictures("wide")]
    assert numbers[0] == "grad ?"
    assert max(map(len, numbers)) > len(numbers[-1])


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_other_formats_are_equally_large(format: str) -> None:
    made = files(events("shared_leaf"), View(), format)
    data = [content for name, content in made.items() if name.endswith(format)]
    assert len(data) == len(events("shared_leaf"))
    if format == "png":
        sizes = {struct.unpack(">II", content[16:24]) for content in data}
    else:
        sizes = {tuple(re.findall(rb"/MediaBox ?\[[^]]*\]", content)) for content in data}
        assert all(sizes)
    assert len(sizes) == 1
    assert len(set(data)) == len(data)  # each shows something else
    assert made["steps.svg"] == animated(pictures("shared_leaf"), events("shared_leaf"))


def test_files_are_numbered_in_order() -> None:
    made = files(events("shared_leaf"), View(), "svg")
    names = [f"step-00{i}.svg" for i in range(1, len(events("shared_leaf")) + 1)]
    assert list(made) == [*names, "steps.svg"]
    assert [made[name] for name in names] == pictures("shared_leaf")


# --- what is told, and when ----------------------------------------------------------------------


def known(passes: Trace, count: int) -> tuple[dict[int, float], dict[int, float]]:
    """The numbers and the gradients that there are after `count` events."""
    numbers = {node.id: float(node.data) for node in passes.graph.nodes if not node.op}
    grads: dict[int, float] = {}
    for event in passes.events[:count]:
        if event.phase == "forward":
            numbers[event.node] = event.data
        else:
            assert event.running is not None
            grads[event.node] = event.running
    return numbers, grads


def shown(part: Element, what: str) -> str | None:
    texts = [row.removeprefix(what).strip() for row in said(part) if row.startswith(f"{what} ")]
    return texts[0] if texts else None


@every_example
def test_a_frame_shows_what_is_known_and_no_more(name: str) -> None:
    passes = events(name)
    for count, svg in enumerate(pictures(name), 1):
        numbers, grads = known(passes, count)
        drawing = parts(svg)
        for node in passes.graph.nodes:
            part = drawing[f"n{node.id}"]
            if node.kind == "constant":
                assert said(part) == [rounded(float(node.data))]
                continue
            expected = rounded(numbers[node.id]) if node.id in numbers else "?"
            assert shown(part, "value") == expected
            expected = rounded(grads[node.id]) if node.id in grads else "?"
            assert shown(part, "grad") == expected


@every_example
def test_the_first_frame_has_no_gradient_and_the_last_has_all(name: str) -> None:
    passes = events(name)
    differentiated = [node for node in passes.graph.nodes if node.kind != "constant"]
    assert all(node.grad is not None for node in differentiated)
    first, last = parts(pictures(name)[0]), parts(pictures(name)[-1])
    for node in differentiated:
        if len(passes) > 1:
            assert shown(first[f"n{node.id}"], "grad") == "?"
        assert shown(last[f"n{node.id}"], "grad") == rounded(node.grad or 0.0)


@every_example
def test_edges_tell_a_contribution_once_it_has_gone(name: str) -> None:
    passes = events(name)
    gone: set[str] = set()
    computed: set[int] = set()
    for event, svg in zip(passes, pictures(name)):
        if event.phase == "forward":
            computed.add(event.node)
        elif event.passing is not None:
            p = event.passing
            gone.add(f"e{p.source}_{p.target}_{p.operand}")
        drawing = parts(svg)
        for edge in passes.graph.edges:
            if edge.local is None:
                continue
            id = f"e{edge.source}_{edge.target}_{edge.operand}"
            local, added = [row for row in said(drawing[id]) if row]
            assert local.endswith("local ?") == (edge.target not in computed), (id, local)
            assert added.endswith("= ?") == (id not in gone), (id, added)
            signs = {"positive", "negative", "zero", "undefined"}
            marked = signs & set(drawing[id].attrib["class"].split())
            assert bool(marked) == (id in gone)


def tooltips(part: Element) -> str:
    return " ".join(a.get(f"{XLINK}title", "") for a in part.iter(f"{SVG}a"))


@every_example
def test_tooltips_tell_nothing_early(name: str) -> None:
    """A class that is asked what comes next must not find it below the pointer."""
    passes = events(name)
    for count, svg in enumerate(pictures(name), 1):
        numbers, grads = known(passes, count)
        drawing = parts(svg)
        for node in passes.graph.nodes:
            tooltip = tooltips(drawing[f"n{node.id}"])
            if node.id not in numbers:
                assert repr(node.data) not in tooltip
            if node.id not in grads:
                assert f"grad {node.grad!r}" not in tooltip
        gone = {
            f"e{p.source}_{p.target}_{p.operand}"
            for p in (event.passing for event in passes.events[:count])
            if p is not None
        }
        for id, part in drawing.items():
            if re.fullmatch(r"e\d+_\d+_\d", id) and id not in gone:
                assert "contribution" not in tooltips(part)


def marked(part: Element, theme: str) -> bool:
    shapes = [x for x in part.iter() if x.get("stroke") not in (None, "none", "transparent")]
    color = THEMES[theme].highlight
    looks = {(x.get("stroke"), x.get("stroke-width")) == (color, "5") for x in shapes}
    assert len(looks) < 2
    return looks == {True}


@every_example
def test_what_is_new_in_a_frame_is_marked_and_nothing_else(name: str) -> None:
    passes = events(name)
    for event, svg in zip(passes, pictures(name)):
        now = {f"n{event.node}"}
        if event.phase == "forward":
            now.add(f"op{event.node}")
            now |= {f"e{x}_{event.node}_{i}" for i, x in enumerate(event.operands)}
        elif event.passing is not None:
            p = event.passing
            now |= {f"op{p.target}", f"e{p.source}_{p.target}_{p.operand}"}
        assert {id for id, part in parts(svg).items() if marked(part, "light")} == now


@every_example
def test_the_caption_says_what_happens(name: str) -> None:
    for event, svg in zip(events(name), pictures(name)):
        line = events(name).line(event)
        caption = " ".join(said(parts(svg)["caption"]))
        assert caption.replace(" ", "") == re.sub(r"\s", "", printable(line.replace("\n", " ")))
        root = ElementTree.fromstring(svg)
        assert root.findtext(f"{SVG}title") == root.findtext(f"{SVG}desc") == printable(line)
        assert root.get("role") == "img"


def test_a_caption_calls_nodes_by_names_that_are_in_the_picture() -> None:
    """Two nodes of one label, and a label that is no name: each is found by its caption."""
    a, b = Value(2.0, label="x"), Value(3.0, label="x")
    passes = trace(a * b * Value(5.0, label="learning rate"))
    for event, svg in zip(passes, frames(passes, View())):
        name = passes.graph.names[event.node]
        assert name in passes.line(event)
        assert any(name in text for text in said(parts(svg)[f"n{event.node}"])), name


# --- the one that plays --------------------------------------------------------------------------


class Film:
    """A film, taken apart: each version of each thing, and when it is to be seen."""

    def __init__(self, svg: bytes) -> None:
        self.root = ElementTree.fromstring(svg)
        css = "".join(style.text or "" for style in self.root.iter(f"{SVG}style"))
        self.periods = {float(x) for x in re.findall(r"animation:\S+ ([\d.e+]+)s step-end", css)}
        at_rest = dict(re.findall(r"\.([\w-]+)\{visibility:(\w+);animation", css))
        played = dict(re.findall(r"\.([\w-]+)\{[^}]*animation:([\w-]+) [^}]*infinite\}", css))
        curves = dict(re.findall(r"@keyframes ([\w-]+)\{((?:[\d.]+%\{[^}]*\})+)\}", css))
        self.at_rest = at_rest
        self.curves = {
            name: [
                (float(percent), how)
                for percent, how in re.findall(r"([\d.]+)%\{visibility:(\w+)\}", curves[curve])
            ]
            for name, curve in played.items()
        }
        assert set(self.curves) == set(at_rest)
        self.things: list[tuple[str, str, bytes]] = []  # id, class of its wrapping, element
        self._collect(self.root, "")

    def _collect(self, element: Element, wrapping: str) -> None:
        for child in element:
            name = child.get("class") or ""
            if name.split()[:1] in (["node"], ["edge"]):
                self.things.append((child.attrib["id"], wrapping, canonical(child)))
            else:
                self._collect(child, name if name in self.at_rest else wrapping)

    def visible(self, wrapping: str, percent: float) -> bool:
        if not wrapping:
            return True
        looks = [(0.0, self.at_rest[wrapping]), *self.curves[wrapping]]
        before = [how for at, how in looks if at <= percent]
        return before[-1] == "visible"

    def picture(self, percent: float | None) -> dict[str, bytes]:
        """Each thing as it is seen at that part of the time; None: where nothing moves."""
        seen: dict[str, bytes] = {}
        for id, wrapping, element in self.things:
            if percent is None:
                look = not wrapping or self.at_rest[wrapping] == "visible"
            else:
                look = self.visible(wrapping, percent)
            if look:
                assert id not in seen, f"two versions of {id} at once"
                seen[id] = element
        return seen


def canonical(element: Element) -> bytes:
    return ElementTree.canonicalize(ElementTree.tostring(element), strip_text=True).encode()


def check_frames(playing: bytes, svgs: list[bytes]) -> None:
    """At every time the film shows exactly what the frame of that time shows."""
    taken = Film(playing)
    expected = [{id: canonical(x) for id, x in parts(svg).items()} for svg in svgs]
    for i, frame in enumerate(expected):
        for part in (0.001, 0.5, 0.999):
            assert taken.picture(100 * (i + part) / len(svgs)) == frame
    assert taken.picture(None) == expected[-1]
    assert taken.periods == ({SECONDS * len(svgs)} if len(svgs) > 1 else set())


@every_example
def test_the_film_shows_each_frame_in_its_time(name: str) -> None:
    check_frames(animated(pictures(name), events(name)), pictures(name))


@every_example
def test_the_film_has_no_script_and_asks_for_nothing(name: str) -> None:
    svg = animated(pictures(name), events(name))
    root = ElementTree.fromstring(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    drawn = {"svg", "g", "a", "title", "desc", "style", "text"}
    assert tags <= drawn | {"path", "polygon", "polyline", "ellipse"}
    for element in root.iter():
        for attribute, content in element.attrib.items():
            local = attribute.rpartition("}")[2].lower()
            assert not local.startswith("on")
            assert local not in ("href", "src", "style")
            assert "url(" not in content or local == "title"  # of a label, as a tooltip
    css = "".join(style.text or "" for style in root.iter(f"{SVG}style"))
    assert not re.search(r"url\(|@import|@font-face|expression|//", css)
    assert not re.search(rb"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet|<!--|<script", svg)
    assert svg.count(b"<?") == 1
    if name != "hostile":
        assert {x.decode() for x in re.findall(rb'http[^"\s<]*', svg)} <= NAMESPACES


@every_example
def test_a_film_says_what_it_is(name: str) -> None:
    root = ElementTree.fromstring(animated(pictures(name), events(name)))
    assert root.get("role") == "img"
    assert "step by step" in (root.findtext(f"{SVG}title") or "")
    told = root.findtext(f"{SVG}desc") or ""
    assert all(printable(line) in told for line in events(name).lines())


def test_a_film_stands_still_for_who_wants_no_motion() -> None:
    """The media query stops all animation; what is seen then is checked in check_frames."""
    svg = animated(pictures("shared_leaf"), events("shared_leaf")).decode()
    assert "@media (prefers-reduced-motion:reduce){" in svg
    still = svg.partition("@media (prefers-reduced-motion:reduce){")[2].partition("</style>")[0]
    assert "animation:none!important" in still
    style = svg.partition("<style>")[2].partition("@media")[0]
    assert "!important" not in style


def test_two_films_in_one_page_do_not_mix() -> None:
    """Some notebooks put SVG into the page itself: there, styles are everybody's."""
    one, two = (
        set(re.findall(r"@keyframes ([\w-]+)|\.([\w-]+)\{", film(events(name), View())))
        for name in ("shared_leaf", "neuron")
    )
    assert one
    assert two
    assert not one & two


def test_a_film_fits_the_page() -> None:
    root = ElementTree.fromstring(film(events("shared_leaf")))
    assert root.get("width") == "100%"
    assert root.get("height") is None  # or else an image in a page is cut off
    assert root.get("viewBox")
    style = root.get("style") or ""
    assert re.fullmatch(r"max-width: [\d.]+pt; height: auto", style)


def test_the_same_bytes_on_every_run() -> None:
    for name in ("many_uses", "hostile"):
        again = trace(EXAMPLES[name]())
        svgs = frames(again, View())
        assert svgs == pictures(name), name
        assert animated(svgs, again) == animated(pictures(name), events(name)), name


def test_what_does_not_change_is_there_once() -> None:
    taken = Film(animated(pictures("neuron"), events("neuron")))
    ids = [id for id, _, _ in taken.things]
    assert ids.count("e6") == 1  # from an operator to its result
    assert len(ids) < len(pictures("neuron")) * len(set(ids)) / 2


# --- limits and failures -------------------------------------------------------------------------


def test_too_many_events_are_refused_before_anything_is_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    y = Value(1.0, label="x")
    for _ in range(MOST_EVENTS // 2 + 1):
        y = -y
    passes = trace(y)
    assert len(passes) == MOST_EVENTS + 3
    with pytest.raises(
        LayoutError, match=rf"{len(passes)} events .* {MOST_EVENTS} .*--insist"
    ) as e:
        frames(passes, View())
    assert e.value.reason == "too large"
    with pytest.raises(LayoutError) as e:
        frames(passes, View(), insist=True)
    assert e.value.reason == "missing"  # it went on, to where there is no Graphviz


def test_exactly_as_many_as_allowed_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = trace(-Value(1.0, label="x"))
    monkeypatch.setattr(film_module, "MOST_EVENTS", len(passes))
    assert len(frames(passes, View())) == len(passes) == 3
    monkeypatch.setattr(film_module, "MOST_EVENTS", len(passes) - 1)
    with pytest.raises(LayoutError, match="3 events are more than the 2"):
        frames(passes, View())
    assert len(frames(passes, View(), insist=True)) == 3


def broken_dot(folder: Path, body: str) -> Path:
    program = folder / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    program.chmod(0o755)
    return program


PLACED_FAILS = """
if "-Knop2" in sys.argv:
    sys.exit("no such algorithm")
text = '{"bb": "0,0,99,99", "objects": [], "edges": []}'
print(text)
"""


@posix
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit('syntax error')", "failed"),
        ("print('no picture')", "failed"),
        (PLACED_FAILS, "failed"),
        ("time.sleep(60)", "timeout"),
    ],
    ids=["it refuses", "nonsense", "it fails at the frames", "it hangs"],
)
def test_a_failing_layout_is_a_layout_error(
    body: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", str(broken_dot(tmp_path, body)))
    for make in (frames, film):
        with pytest.raises(LayoutError) as error:
            make(events("shared_leaf"), View(), timeout=0.5 if reason == "timeout" else 20.0)
        assert error.value.reason == reason


@pytest.mark.parametrize(
    "make",
    [
        lambda: frames(events("shared_leaf"), View()),
        lambda: files(events("shared_leaf"), View(), "png"),
        lambda: film(events("shared_leaf")),
    ],
    ids=["frames", "files", "film"],
)
def test_without_graphviz_there_is_a_reason(
    make: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    with pytest.raises(LayoutError, match="TINYGRAD_EDU_DOT=none"):
        make()


@pytest.mark.parametrize("view", [View(hide=["grads"]), View(highlight=["x"])])
def test_steps_neither_hide_nor_highlight(view: View) -> None:
    with pytest.raises(ViewError, match="steps show every number"):
        frames(events("constants"), view)
