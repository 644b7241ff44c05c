"""The steps of a pass as pictures: nothing jumps, nothing is told too early, and it plays.

What browsers really show is in test_browser.py.
"""

from __future__ import annotations

import re
import shutil
import struct
import sys
from collections.abc import Iterator
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
from tinygrad_edu.draw.film import MOST_EVENTS, SECONDS, animated, files, film, scenes
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.scene import Box, Line, Link, Scene, high, room, wide
from tinygrad_edu.draw.svg import svg
from tinygrad_edu.draw.theme import THEMES, printable
from tinygrad_edu.draw.view import View
from tinygrad_edu.rows.formula import rounded

SVG = "{http://www.w3.org/2000/svg}"
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


def wide_numbers() -> Value:
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


MADE = (shared_leaf, neuron, constants, wide_numbers, many_uses, hostile, undefined, single)
EXAMPLES = {made.__name__: made for made in MADE}
every_example = pytest.mark.parametrize("name", EXAMPLES)


@pytest.fixture(autouse=True)
def nothing_installed(no_dot: None) -> None:
    """Every test begins with the wheel's Graphviz alone."""


@cache
def events(name: str) -> Trace:
    return trace(EXAMPLES[name]())


@cache
def pictures(name: str) -> list[Scene]:
    return scenes(events(name), View())


@cache
def stills(name: str) -> list[bytes]:
    """The files of the pictures."""
    made = files(events(name), View(), "svg")
    return [data for file, data in made.items() if file != "steps.svg"]


@cache
def played(name: str) -> str:
    return animated(pictures(name), events(name))


def parts(scene: Scene) -> dict[str, Box | Link]:
    """The boxes and the links of a picture, by name; its legend has no names."""
    things = [*(box for box, _ in scene.boxes), *(placed.link for placed in scene.links)]
    named = {thing.name: thing for thing in things if thing.name}
    assert len(named) == len([thing for thing in things if thing.name])
    return named


def rows(part: Box | Link) -> tuple[Line, ...]:
    return part.lines if isinstance(part, Box) else part.label


def said(part: Box | Link) -> list[str]:
    """What the rows say, with single blanks."""
    return [" ".join("".join(span.text for span in line).split()) for line in rows(part)]


def caption(scene: Scene) -> str:
    return " ".join(span.text for line, _ in scene.captions for span in line)


def check_still(pictures: list[Scene]) -> None:
    """Nothing jumps: the page, the parts and the rows of text are where they were."""
    first, *others = pictures
    for other in others:
        assert (other.width, other.height) == (first.width, first.height)
        assert [place for _, place in other.boxes] == [place for _, place in first.boxes]
        assert [each[1:] for each in other.links] == [each[1:] for each in first.links]
        assert (other.notes, other.frames) == (first.notes, first.frames)
        assert list(parts(other)) == list(parts(first))  # nothing comes and goes
        for name, part in parts(other).items():
            before = parts(first)[name]
            assert list(map(high, rows(part))) == list(map(high, rows(before))), name
            if isinstance(part, Box) and isinstance(before, Box):
                assert (part.shape, part.double) == (before.shape, before.double)


def check_inside(pictures: list[Scene]) -> None:
    """Each text is inside of its box, and each box and the caption on the page."""
    for scene in pictures:
        for box, (x, y, width, height) in scene.boxes:
            assert width / 2 <= x <= scene.width - width / 2
            assert height / 2 <= y <= scene.height - height / 2
            needed = room(box.lines)
            assert needed[0] <= width, box
            assert needed[1] <= height, box
        for placed in scene.links:
            if placed.text:
                needed = room(placed.link.label)
                assert needed[0] <= placed.text.width
                assert needed[1] <= placed.text.height
        for line, place in scene.captions:
            assert wide(line) <= scene.width
            assert place.y + high(line) / 2 <= scene.height
            lowest = max(y + height // 2 for _, (_, y, _, height) in scene.boxes)
            assert place.y - high(line) / 2 >= lowest


# --- one layout ----------------------------------------------------------------------------------


@every_example
def test_one_picture_for_each_event_and_nothing_jumps_between_them(name: str) -> None:
    assert len(pictures(name)) == len(events(name)) == len(list(events(name)))
    check_still(pictures(name))


@pytest.mark.parametrize(
    "view",
    [
        View(direction="TB", theme="dark", edges=("formula", "numbers", "local", "contribution")),
        View(precision=12, theme="contrast"),
        View(precision=0, edges=(), theme="print"),
        View(form="circles"),
    ],
    ids=["everything top down", "precise", "bare", "circles"],
)
def test_nothing_jumps_in_any_view(view: View) -> None:
    made = scenes(events("constants"), view)
    check_still(made)
    check_inside(made)
    check_pictures(animated(made, events("constants")), made)


@pytest.mark.machine
@pytest.mark.parametrize("name", ["wide_numbers", "hostile"])
def test_nothing_jumps_with_the_systems_dot(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    monkeypatch.setattr(layout_module, "_pygraphviz_folder", lambda: "")
    assert shutil.which("dot"), "install graphviz, or deselect the tests marked machine"
    made = scenes(events(name), View())
    assert len(made) == len(events(name))
    check_still(made)
    check_inside(made)
    check_pictures(animated(made, events(name)), made)


@every_example
def test_texts_stay_inside_their_boxes(name: str) -> None:
    check_inside(pictures(name))


@every_example
def test_the_page_is_as_large_as_the_drawing_and_the_caption(name: str) -> None:
    scene = pictures(name)[0]
    texts = [placed.text for placed in scene.links if placed.text]
    places = [*(place for _, place in scene.boxes), *texts]
    points = [point for placed in scene.links for curve in placed.curves for point in curve]
    across = [x + side * width / 2 for x, _, width, _ in places for side in (-1, 1)]
    down = [y + side * height / 2 for _, y, _, height in places for side in (-1, 1)]
    across += [x for x, _ in points]
    down += [y for _, y in points]
    lines = max(len(scene.captions) for scene in pictures(name))
    assert scene.width <= max(720, max(across) - min(across)) + 60
    assert scene.height <= max(down) - min(down) + 100 + 34 * lines


@every_example
def test_all_pictures_share_one_layout(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def layout(*arguments: object, **options: object) -> bytes:
        asked.append(arguments)
        return original(*arguments, **options)  # type: ignore[arg-type]

    original = layout_module.layout
    monkeypatch.setattr(layout_module, "layout", layout)
    assert film(events(name)) == played(name)
    assert len(asked) == 1


def test_the_widest_number_had_room_on_the_way() -> None:
    """The gradient of x is short in the end, and was long before."""
    numbers = [said(parts(scene)["n0"])[2] for scene in pictures("wide_numbers")]
    assert numbers[0] == "grad ?"
    assert max(map(len, numbers)) > len(numbers[-1])


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_other_formats_are_equally_large(format: str) -> None:
    made = files(events("shared_leaf"), View(), format)  # type: ignore[arg-type]
    data = [content for name, content in made.items() if name.endswith(format)]
    assert len(data) == len(events("shared_leaf"))
    if format == "png":
        sizes = {struct.unpack(">II", content[16:24]) for content in data}
    else:
        sizes = {tuple(re.findall(rb"/MediaBox ?\[[^]]*\]", content)) for content in data}
        assert all(sizes)
    assert len(sizes) == 1
    assert len(set(data)) == len(data)  # each shows something else
    assert made["steps.svg"] == played("shared_leaf").encode()


def test_files_are_numbered_in_order() -> None:
    made = files(events("shared_leaf"), View(), "svg")
    names = [f"step-00{i}.svg" for i in range(1, len(events("shared_leaf")) + 1)]
    assert list(made) == [*names, "steps.svg"]
    for name, scene, event in zip(names, pictures("shared_leaf"), events("shared_leaf")):
        line = events("shared_leaf").line(event)
        assert made[name].decode() == svg(scene, line, line)


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


def shown(part: Box | Link, what: str) -> str | None:
    texts = [row.removeprefix(what).strip() for row in said(part) if row.startswith(f"{what} ")]
    return texts[0] if texts else None


@every_example
def test_a_picture_shows_what_is_known_and_no_more(name: str) -> None:
    passes = events(name)
    for count, scene in enumerate(pictures(name), 1):
        numbers, grads = known(passes, count)
        drawing = parts(scene)
        for node in passes.graph.nodes:
            if node.kind == "constant":  # a number in the title of what uses it
                assert f"n{node.id}" not in drawing
                continue
            part = drawing[f"n{node.id}"]
            expected = rounded(numbers[node.id]) if node.id in numbers else "?"
            assert shown(part, "value") == expected
            expected = rounded(grads[node.id]) if node.id in grads else "?"
            assert shown(part, "grad") == expected


@every_example
def test_the_first_picture_has_no_gradient_and_the_last_has_all(name: str) -> None:
    passes = events(name)
    differentiated = [node for node in passes.graph.nodes if node.kind != "constant"]
    assert all(node.grad is not None for node in differentiated)
    first, last = parts(pictures(name)[0]), parts(pictures(name)[-1])
    for node in differentiated:
        if len(passes) > 1:
            assert shown(first[f"n{node.id}"], "grad") == "?"
        assert shown(last[f"n{node.id}"], "grad") == rounded(node.grad or 0.0)


def gone_before(passes: Trace) -> Iterator[tuple[set[int], set[str]]]:
    """After each event: the computed nodes, and the links whose contributions have gone."""
    gone: set[str] = set()
    computed: set[int] = set()
    for event in passes:
        if event.phase == "forward":
            computed.add(event.node)
        elif event.passing is not None:
            p = event.passing
            gone.add(f"e{p.source}_{p.target}_{p.operand}")
        yield computed, gone


@every_example
def test_links_tell_a_contribution_once_it_has_gone(name: str) -> None:
    passes = events(name)
    for (computed, gone), scene in zip(gone_before(passes), pictures(name)):
        drawing = parts(scene)
        for edge in passes.graph.edges:
            id = f"e{edge.source}_{edge.target}_{edge.operand}"
            if edge.local is None or id not in drawing:
                continue
            local, times, added = said(drawing[id])
            assert local.endswith("local ?") == (edge.target not in computed), (id, local)
            assert times.startswith("\u00d7 ")
            assert (times == "\u00d7 ?") == (added == "= ?") == (id not in gone), (id, added)
            signs = {"positive", "negative", "zero", "undefined"}
            assert bool(signs & set(drawing[id].kind.split())) == (id in gone)


@every_example
def test_gradients_flow_back_and_numbers_forward(name: str) -> None:
    """The head of a link is at the operand once the contribution has gone there."""
    passes = events(name)
    for event, (_, gone), scene in zip(passes, gone_before(passes), pictures(name)):
        links = [placed.link for placed in scene.links if placed.link.kind.startswith("use")]
        assert {link.name for link in links if link.back} == {x.name for x in links} & gone
        if event.phase == "forward":
            assert not any(link.back for link in links)


@every_example
def test_tooltips_tell_nothing_early(name: str) -> None:
    """A class that is asked what comes next must not find it below the pointer."""
    passes = events(name)
    for count, scene in enumerate(pictures(name), 1):
        numbers, grads = known(passes, count)
        drawing = parts(scene)
        for node in passes.graph.nodes:
            tooltip = drawing[f"n{node.id}"].tooltip if f"n{node.id}" in drawing else ""
            if node.id not in numbers:
                assert repr(node.data) not in tooltip
            if node.id not in grads:
                assert f"grad {node.grad!r}" not in tooltip
        assert not any("contribution" in part.tooltip for part in drawing.values())


@every_example
def test_what_is_new_in_a_picture_is_marked_and_nothing_else(name: str) -> None:
    passes = events(name)
    color = THEMES["light"].highlight
    for event, scene in zip(passes, pictures(name)):
        now = {f"n{event.node}"}
        if event.phase == "forward":
            now |= {f"e{x}_{event.node}_{i}" for i, x in enumerate(event.operands)}
        elif event.passing is not None:
            p = event.passing
            now.add(f"e{p.source}_{p.target}_{p.operand}")
        drawing = parts(scene)
        marked = {id for id, part in drawing.items() if (part.color, part.pen) == (color, 5.0)}
        assert marked == now & set(drawing)


@every_example
def test_the_caption_says_what_happens(name: str) -> None:
    for event, scene, still in zip(events(name), pictures(name), stills(name)):
        line = events(name).line(event)
        told = caption(scene).replace(" ", "")
        assert told == re.sub(r"\s", "", line)
        root = ElementTree.fromstring(still)
        assert root.findtext(f"{SVG}title") == root.findtext(f"{SVG}desc") == printable(line)
        assert root.get("role") == "img"


def test_a_caption_calls_nodes_by_names_that_are_in_the_picture() -> None:
    """Two nodes of one label, and a label that is no name: each is found by its caption."""
    a, b = Value(2.0, label="x"), Value(3.0, label="x")
    passes = trace(a * b * Value(5.0, label="learning rate"))
    for event, scene in zip(passes, scenes(passes, View())):
        name = passes.graph.names[event.node]
        assert name in passes.line(event)
        assert any(name in text for text in said(parts(scene)[f"n{event.node}"])), name


# --- the one that plays --------------------------------------------------------------------------


class Film:
    """A film, taken apart: each version of each part, and when it is to be seen."""

    def __init__(self, playing: str, count: int) -> None:
        self.root = ElementTree.fromstring(playing)
        self.count = count
        self.css = "".join(style.text or "" for style in self.root.iter(f"{SVG}style"))
        wholes = [g for g in self.root if g.tag == f"{SVG}g" and g.get("class", "")[:5] != "edge "]
        self.name = wholes[0].get("class", "") if self.css else ""
        self.things: list[tuple[range, bool, bytes]] = []  # pictures, hidden at rest, drawing
        self.links: list[tuple[range, Element]] = []
        for part in wholes[0] if self.css else self.root:
            classes = (part.get("class") or "").split()
            tag = part.tag.removeprefix(SVG)
            if self.name and f"{self.name}x" in classes:
                pictures = self._pictures(classes)
                looks = {part.get("opacity"), part.get("visibility")}
                assert looks in ({None}, {"0", "hidden"})  # or else some viewer shows it
                if tag == "a":
                    assert looks == {"0", "hidden"}
                    self.links.append((pictures, part))
                else:
                    hidden = looks != {None}
                    self.things += [(pictures, hidden, canonical(child)) for child in part]
            elif tag not in ("style", "title", "desc", "rect"):
                self.things.append((range(count), False, canonical(part)))

    def _pictures(self, classes: list[str]) -> range:
        """When a part is to be seen, by its classes and the rules for them."""
        _, length, start, *_ = [word.removeprefix(self.name) for word in classes]
        assert f".{self.name}{start}{{--start:{start[1:]}}}" in self.css
        moves = re.search(rf"^\.{self.name}{length}\{{animation-name:([\w-]+)\}}$", self.css, re.M)
        assert moves
        curve = re.search(rf"^@keyframes {moves[1]}\{{(.*)\}}$", self.css, re.M)
        assert curve
        looks = re.findall(r"([\d.]+)%\{visibility:(\w+);opacity:(\d)\}", curve[1])
        assert [look[1:] for look in looks] == [("visible", "1"), ("hidden", "0")]
        assert float(looks[0][0]) == 0
        assert float(looks[1][0]) == pytest.approx(100 * int(length[1:]) / self.count)
        return range(int(start[1:]), int(start[1:]) + int(length[1:]))

    def picture(self, i: int | None) -> list[bytes]:
        """Everything that is to be seen in picture `i`; None: where nothing moves."""
        return [
            drawing
            for pictures, hidden, drawing in self.things
            if (not hidden if i is None else i in pictures)
        ]


def canonical(element: Element) -> bytes:
    return ElementTree.canonicalize(ElementTree.tostring(element), strip_text=True).encode()


def check_pictures(playing: str, pictures: list[Scene]) -> None:
    """At every time the film shows exactly what the picture of that time shows."""
    count = len(pictures)
    taken = Film(playing, count)
    expected = []
    for scene in pictures:
        root = ElementTree.fromstring(svg(scene, "", ""))
        expected.append([canonical(part) for part in root if part.tag in (f"{SVG}g", f"{SVG}text")])
    assert [taken.picture(i) for i in range(count)] == expected
    assert taken.picture(None) == expected[-1]
    if count > 1:
        assert f"--each:{SECONDS:g}s" in taken.css
        assert f"animation-duration:calc({count} * var(--each))" in taken.css


@every_example
def test_the_film_shows_each_picture_in_its_time(name: str) -> None:
    check_pictures(played(name), pictures(name))


@every_example
def test_the_film_has_no_script_and_asks_for_nothing(name: str) -> None:
    playing = played(name)
    root = ElementTree.fromstring(playing)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "a", "title", "desc", "style", "text", "rect", "path"}
    for element in root.iter():
        for attribute, content in element.attrib.items():
            local = attribute.rpartition("}")[2].lower()
            assert not local.startswith("on")
            assert local not in ("src", "style")
            assert local != "href" or content.startswith("#")
            assert "url(" not in content
    css = "".join(style.text or "" for style in root.iter(f"{SVG}style"))
    assert not re.search(r"url\(|@import|@font-face|expression|//", css)
    assert not re.search(r"<!DOCTYPE|<!ENTITY|<\?|<!--|<script", playing)
    if name != "hostile":
        assert set(re.findall(r'http[^"\s<]*', playing)) == {"http://www.w3.org/2000/svg"}


@every_example
def test_a_film_says_what_it_is(name: str) -> None:
    root = ElementTree.fromstring(played(name))
    assert root.get("role") == ("img" if len(events(name)) == 1 else "group")  # it has links
    assert "step by step" in (root.findtext(f"{SVG}title") or "")
    told = root.findtext(f"{SVG}desc") or ""
    assert all(printable(line) in told for line in events(name).lines())


@every_example
def test_links_of_a_film_lead_to_links_of_the_same_film(name: str) -> None:
    """Below each picture: one picture on and back, stop or play, slower or faster."""
    count = len(pictures(name))
    taken = Film(played(name), count)
    by_id = {link.attrib["id"]: (i, link) for i, link in taken.links}
    assert len(by_id) == len(taken.links) == (6 * count if count > 1 else 0)
    for i, link in taken.links:
        word = re.sub(r"\W", "", link.findtext(f"{SVG}text") or "")
        (there,), target = by_id[link.attrib["href"].removeprefix("#")]
        on = {"step": min(i[0] + 1, count - 1), "back": max(i[0] - 1, 0)}
        assert there == on.get(word, i[0])
        back = re.sub(r"\W", "", target.findtext(f"{SVG}text") or "")
        opposite = {"stop": "play", "play": "stop", "slower": "faster", "faster": "slower"}
        assert back == opposite.get(word, word)  # it takes the place of the link that led to it


def test_a_film_stands_still_for_who_wants_no_motion() -> None:
    css = Film(played("shared_leaf"), len(pictures("shared_leaf"))).css
    still = css.partition("@media (prefers-reduced-motion:reduce){")[2].partition("\n")[0]
    assert f"--at:{len(pictures('shared_leaf')) - 1};" in still
    assert "animation-play-state:paused" in still


@every_example
def test_python_markdown_ends_no_paragraph_in_a_film_and_makes_no_emphasis(name: str) -> None:
    """It does so at a line that begins with <style>, and between stars without blanks."""
    assert "\n<style" not in played(name)
    assert not re.search(r"\*\S|\S\*", played(name))


def test_two_films_in_one_page_do_not_mix() -> None:
    """Some notebooks put SVG into the page itself: there, styles are everybody's."""
    names = []
    for made in ("shared_leaf", "neuron"):
        taken = Film(played(made), len(pictures(made)))
        names.append(taken.name)
        words = re.findall(r"@keyframes ([\w-]+)|[.#]([a-z][\w-]*)|animation-name:(\w+)", taken.css)
        assert len(words) > 100
        assert all("".join(found).startswith(taken.name) for found in words)
        ids = [link.attrib["id"] for _, link in taken.links]
        assert all(id.startswith(f"{taken.name}-") for id in ids)
    assert len({*names}) == 2


def test_the_same_bytes_on_every_run() -> None:
    for name in ("many_uses", "hostile"):
        assert film(trace(EXAMPLES[name]())) == played(name)


def test_what_does_not_change_is_there_once() -> None:
    taken = Film(played("neuron"), len(pictures("neuron")))
    drawings = [drawing for _, _, drawing in taken.things]
    assert len(drawings) == len({(i, drawing) for i, _, drawing in taken.things})
    assert len(drawings) < sum(len(taken.picture(i)) for i in range(taken.count)) / 2


# --- limits and failures -------------------------------------------------------------------------


def test_too_many_events_are_refused_before_anything_is_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "/no/such/program")
    y = Value(1.0, label="x")
    for _ in range(MOST_EVENTS // 2 + 1):
        y = -y
    passes = trace(y)
    assert len(passes) == MOST_EVENTS + 3
    with pytest.raises(
        LayoutError, match=rf"{len(passes)} events .* {MOST_EVENTS} .*--insist"
    ) as e:
        scenes(passes, View())
    assert e.value.reason == "too large"
    with pytest.raises(LayoutError, match="/no/such/program"):
        scenes(passes, View(), insist=True)


def test_exactly_as_many_as_allowed_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = trace(-Value(1.0, label="x"))
    monkeypatch.setattr(film_module, "MOST_EVENTS", len(passes))
    assert len(scenes(passes, View())) == len(passes) == 3
    monkeypatch.setattr(film_module, "MOST_EVENTS", len(passes) - 1)
    with pytest.raises(LayoutError, match="3 events are more than the 2"):
        scenes(passes, View())
    assert len(scenes(passes, View(), insist=True)) == 3


def broken_dot(folder: Path, body: str) -> Path:
    program = folder / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    program.chmod(0o755)
    return program


@posix
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("sys.exit('syntax error')", "failed"),
        ("print('no picture')", "failed"),
        ("time.sleep(60)", "timeout"),
    ],
    ids=["it refuses", "nonsense", "it hangs"],
)
def test_a_failing_layout_is_a_layout_error(
    body: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", str(broken_dot(tmp_path, body)))
    for make in (scenes, film):
        with pytest.raises(LayoutError) as error:
            make(events("shared_leaf"), View(), timeout=0.5 if reason == "timeout" else 20.0)
        assert error.value.reason == reason


def test_without_graphviz_there_is_a_film_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    made = scenes(events("neuron"), View())
    check_still(made)
    check_inside(made)
    check_pictures(film(events("neuron")), made)


def test_other_formats_without_graphviz_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    with pytest.raises(LayoutError, match="TINYGRAD_EDU_DOT=none"):
        files(events("shared_leaf"), View(), "png")


@pytest.mark.parametrize("view", [View(hide=["grads"]), View(highlight=["x"])])
def test_steps_neither_hide_nor_highlight(view: View) -> None:
    with pytest.raises(ViewError, match="steps show every number"):
        scenes(events("constants"), view)
