"""PNG and PDF: how large they are, what they say of themselves, the same bytes every time."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Callable
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import REAL_PATH, RUN_A_PROCESS, differentiated, neuron, random_value
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import Value, tanh
from tinygrad_edu.draw import layout as layout_module
from tinygrad_edu.draw.arrange import least_size
from tinygrad_edu.draw.compose import laid_out, single
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.paper import MOST_PIXELS, MOST_PIXELS_A_SIDE, check_size
from tinygrad_edu.draw.picture import draw, panels
from tinygrad_edu.draw.sketch import sketch
from tinygrad_edu.draw.view import View

SIZES: list[dict[str, Any]] = [
    {},
    {"scale": 0.5},
    {"scale": 1.7},
    {"size": (1280, 720)},
    {"size": (501, 1333)},
    {"fit": "none", "direction": "TB"},
]
SVG = "{http://www.w3.org/2000/svg}"
METRE = 1 / 0.0254  # inches


@pytest.fixture(autouse=True)
def nothing_installed(no_dot: None) -> None:
    """Every test begins with the wheel's Graphviz alone."""


@pytest.fixture(params=["wheel", "system"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "system":
        monkeypatch.setenv("PATH", REAL_PATH)
        monkeypatch.setattr(layout_module, "_pygraphviz_folder", lambda: "")
        assert shutil.which("dot"), "install graphviz, or deselect the tests marked machine"
    return str(request.param)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The flags of each process that is started from now on."""
    started: list[list[str]] = []
    run = layout_module._run

    def counted(command: list[str], data: bytes, *how: Any) -> Any:
        started.append([word for word in command if word[:2] in ("-K", "-T", "-V")])
        return run(command, data, *how)

    monkeypatch.setattr(layout_module, "_run", counted)
    return started


def example() -> Value:
    return differentiated(neuron())


def points(y: Value, **view: Any) -> tuple[float, float]:
    """The size that the SVG has, in points; a pixel of a web page is 3/4 of a point."""
    root = ElementTree.fromstring(draw(y, **view).render("svg"))
    sides = root.attrib["width"], root.attrib["height"]
    if "size" in view:
        assert sides == tuple(map(str, view["size"]))
        return view["size"][0] * 0.75, view["size"][1] * 0.75
    assert all(side.endswith("pt") for side in sides)
    width, height = (float(side[:-2]) for side in sides)
    return width, height


def pixels(png: bytes) -> tuple[int, int]:
    assert png[12:16] == b"IHDR"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def dots_per_inch(png: bytes) -> float:
    """What its chunk pHYs says, which stands before the picture (PNG specification, 11.3.5.3)."""
    at = png.index(b"pHYs")
    assert png.count(b"pHYs") == 1
    assert at < png.index(b"IDAT")
    length, (across, down, unit) = png[at - 4 : at], struct.unpack(">IIB", png[at + 4 : at + 13])
    assert length == b"\0\0\0\x09"
    assert struct.unpack(">I", png[at + 13 : at + 17])[0] == zlib.crc32(png[at : at + 13])
    assert (across, unit) == (down, 1), "square pixels, in metres"
    return float(across) / METRE


# --- PNG -----------------------------------------------------------------------------------------


@pytest.mark.machine
@pytest.mark.parametrize("how", SIZES, ids=str)
def test_a_png_has_the_size_of_the_drawing(engine: str, how: dict[str, Any]) -> None:
    """In python-pptx and python-docx: they divide pixels by the resolution in whole dots."""
    width, height = points(example(), **how)
    picture = draw(example(), **how)
    data = picture.render("png")
    dpi = 96 if "size" in how else 144
    assert pixels(data) == (round(width * dpi / 72), round(height * dpi / 72))
    assert dots_per_inch(data) == pytest.approx(dpi, abs=0.02)
    if "size" in how:
        assert pixels(data) == how["size"]
    assert "dpi" not in picture.note


def around(points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    xs, ys = zip(*points)
    return min(xs), min(ys), max(xs), max(ys)


@pytest.mark.parametrize("how", SIZES, ids=str)
def test_what_is_painted_lies_where_the_svg_has_it(
    how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same scene fills the page in both, to half a pixel: two of its boxes are looked at."""
    painted: list[str] = []

    def kept(text: str, *args: Any, **more: Any) -> bytes:
        painted.append(text)
        return b"IHDR" + bytes(17)

    monkeypatch.setattr("tinygrad_edu.draw.paper.layout", kept)
    picture = draw(example(), **how)
    picture.render("png")
    theirs = ElementTree.fromstring(layout_module.layout(painted[0], placed=True))
    (whole,) = (part for part in theirs.iter(f"{SVG}g") if part.get("id") == "graph0")
    moved = re.match(r"scale\(([\d.]+) .*translate\(([-\d.]+) ([-\d.]+)", whole.attrib["transform"])
    assert moved
    scale, dx, dy = map(float, moved.groups())
    ours = ElementTree.fromstring(picture.render("svg"))
    left, top, width, height = map(float, ours.attrib["viewBox"].split())
    page = [float(side) for side in theirs.attrib["viewBox"].split()[2:]]
    zoom = min(page[0] / width, page[1] / height)
    for name in ("n0", "n8"):
        (box,) = (part for part in ours.iter(f"{SVG}g") if part.get("id") == name)
        rect = box.find(f"{SVG}rect")
        assert rect is not None
        x, y, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        expected = [(x - left) * zoom, (y - top) * zoom, w * zoom, h * zoom]
        (node,) = (part for part in theirs.iter(f"{SVG}g") if said(part) == f"box_{name}")
        drawn = node.find(f"{SVG}polygon")
        if drawn is None:
            drawn = node.find(f"{SVG}path")
        assert drawn is not None
        numbers = re.findall(r"(-?[\d.]+),(-?[\d.]+)", drawn.get("points") or drawn.attrib["d"])
        a, b, c, d = around([(float(p), float(q)) for p, q in numbers])
        found = [(a + dx) * scale, (b + dy) * scale, (c - a) * scale, (d - b) * scale]
        # scale has two decimals here
        assert found == pytest.approx(expected, rel=0.006, abs=1)


def said(part: ElementTree.Element) -> str:
    title = part.find(f"{SVG}title")
    return (title.text or "") if title is not None else ""


@pytest.mark.machine
def test_a_png_lays_out_once_and_paints_once(processes: list[list[str]]) -> None:
    draw(example()).render("png")
    assert [flags for flags in processes if flags != ["-Kdot", "-Tplain"]] == [
        ["-Kdot", "-Tjson0"],
        ["-Knop2", "-Tpng"],
    ]
    assert processes.count(["-Kdot", "-Tplain"]) == 1, "the question whether there is a font"
    processes.clear()
    draw(example()).render("svg")
    assert processes == [["-Kdot", "-Tjson0"]]


def chain(operations: int) -> Value:
    y = Value(0.5, label="x")
    for _ in range(operations):
        y = tanh(y)
    return y


@pytest.mark.machine
@pytest.mark.parametrize("operations", [250, 300])
def test_a_large_png_is_scaled_and_says_so(engine: str, operations: int) -> None:
    y = chain(operations)
    width, height = points(y)
    picture = y.draw()
    across, down = pixels(picture.render("png"))
    assert across * down <= MOST_PIXELS
    assert 0.9 * MOST_PIXELS_A_SIDE < across <= MOST_PIXELS_A_SIDE
    assert across / down == pytest.approx(width / height, rel=0.05)
    said = re.match(r"drawn at (\d+) dpi, not 144, because it measures (\d+) x (\d+) points; svg "
                    r"and pdf are sharp", picture.note)  # fmt: skip
    assert said
    assert (float(said[2]), float(said[3])) == (width, height)
    assert across == round(width * int(said[1]) / 72)
    assert dots_per_inch(picture.render("png")) == pytest.approx(int(said[1]), abs=0.02)
    picture.render("svg")
    assert "dpi" not in picture.note


def test_a_png_too_large_to_read_is_refused_before_any_layout(processes: list[list[str]]) -> None:
    for y, how in (
        (chain(2_000), {}),
        (chain(2_000), {"direction": "TB"}),
        (chain(2_000), {"fit": "none", "form": "circles"}),
        (chain(300), {"scale": 4}),
        (chain(3), {"size": (8_000, 8_000)}),
    ):
        with pytest.raises(LayoutError, match=r"too large for a legible png|pixels") as caught:
            draw(y, **how).render("png")
        assert caught.value.reason == "too large"
        assert "save as .svg or .pdf" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert processes == []


@pytest.mark.machine
def test_who_names_a_size_or_a_scale_gets_a_png_of_any_graph() -> None:
    """Whether its letters can be read is for the remark to say."""
    data = draw(chain(1_000), size=(1_600, 900)).render("png")
    assert pixels(data) == (1_600, 900)
    with pytest.raises(LayoutError, match="too large"):
        draw(chain(500)).render("png")
    picture = draw(chain(500), scale=0.5)
    assert max(pixels(picture.render("png"))) <= MOST_PIXELS_A_SIDE
    assert "dpi, not 144" in picture.note


def test_the_resolution_falls_until_numbers_are_eleven_pixels_high() -> None:
    assert check_size(1_000, 1_000) == 144
    assert check_size(20_000, 10) == 72 * 32_000 // 20_000
    assert check_size(64_000, 1) == 36
    assert 22 * 36 / 72 == 11
    for width, height in ((64_001, 1), (1, 70_000), (12_700, 12_700)):
        with pytest.raises(LayoutError, match=f"{width} x {height} points are too large"):
            check_size(width, height)


@settings(max_examples=60)
@given(
    st.integers(0, 10_000),
    st.integers(0, 24),
    st.sampled_from(["LR", "TB"]),
    st.sampled_from(["none", "16:9", "A4"]),
    st.sampled_from(["compact", "circles"]),
    st.sampled_from([None, ()]),
)
def test_no_layout_is_smaller_than_the_least(
    seed: int, operations: int, direction: str, fit: str, form: str, edges: Any
) -> None:
    view = View(direction=direction, fit=fit, form=form, edges=edges)
    (panel,) = panels([random_value(Random(seed), operations).draw().graph])
    made = sketch(panel, view)
    width, height = least_size(made, direction, fit != "none")
    drawn = single(made, laid_out([made], view, 20), view)
    assert width * height <= drawn.width * drawn.height
    assert max(width, height) <= max(drawn.width, drawn.height)


@pytest.mark.parametrize("edges", [None, ()])
@pytest.mark.parametrize(("direction", "side"), [("LR", 0), ("TB", 1)])
def test_a_chain_is_as_long_as_the_least(direction: str, side: int, edges: Any) -> None:
    """The bound is no guess: a chain has this length, and at its ends what links keep away."""
    view = View(direction=direction, fit="none", edges=edges)
    (panel,) = panels([differentiated(chain(40)).draw().graph])
    made = sketch(panel, view)
    drawn = single(made, laid_out([made], view, 20), view)
    assert least_size(made, direction, False)[side] + 4 == (drawn.width, drawn.height)[side]


@pytest.mark.machine
@pytest.mark.parametrize("format", ["png", "pdf"])
@pytest.mark.parametrize("how", [{}, {"size": (1280, 720)}], ids=str)
def test_the_same_bytes_twice_and_a_second_later(
    engine: str, format: Any, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout_module, "_run", RUN_A_PROCESS)  # which remembers nothing
    first = draw(example(), **how).render(format)
    assert draw(example(), **how).render(format) == first
    time.sleep(1.1)
    assert draw(example(), **how).render(format) == first


# --- PDF -----------------------------------------------------------------------------------------


def page(pdf: bytes) -> tuple[float, float]:
    (box,) = re.findall(rb"/MediaBox \[([^\]]*)\]", pdf)
    left, bottom, right, top = map(float, box.split())
    assert (left, bottom) == (0, 0)
    return right, top


@pytest.mark.machine
@pytest.mark.parametrize("how", SIZES, ids=str)
def test_a_page_is_as_large_as_the_drawing(engine: str, how: dict[str, Any]) -> None:
    """In whole points, which is what Graphviz can write."""
    width, height = page(draw(example(), **how).render("pdf"))
    across, down = points(example(), **how)
    assert (width, height) == (pytest.approx(across, abs=0.51), pytest.approx(down, abs=0.51))
    if not {"size", "scale"} & set(how):
        assert (width, height) == (across, down)


def last_info(pdf: bytes) -> bytes:
    """The information dictionary, found as readers find it: from the end of the file."""
    assert pdf.endswith(b"%%EOF\n")
    start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    assert pdf[start : start + 4] == b"xref"
    trailer = pdf[pdf.index(b"trailer", start) :]
    found = re.search(rb"/Info (\d+) 0 R", trailer)
    assert found
    table = pdf[start : pdf.index(b"trailer", start)].decode().splitlines()[1:]
    entries: dict[int, str] = {}
    while table:
        first, count = map(int, table.pop(0).split())
        for i in range(count):
            entries[first + i] = table.pop(0)
    assert entries[0] == "0000000000 65535 f "
    offset = int(entries[int(found[1])].split()[0])
    assert pdf[offset:].startswith(found[1] + b" 0 obj")
    return pdf[offset : pdf.index(b"endobj", offset)]


@pytest.mark.machine
@pytest.mark.parametrize("label", ["o", "\u2202L/\u2202w (\\) )", "\u5b66\U0001f642", "\ud800\x00"])
def test_a_pdf_has_a_title_and_no_date(engine: str, label: str) -> None:
    y = example()
    y.label = label
    picture = y.draw()
    pdf = picture.render("pdf")
    told = re.search(rb"/Title <([0-9a-f]*)>", last_info(pdf))
    assert told
    text = bytes.fromhex(told[1].decode()).decode("utf-16")
    heading = ElementTree.fromstring(picture.render("svg"))[0]
    assert heading.tag.endswith("}title")
    assert text == heading.text
    assert text.startswith("Graph of ")
    assert b"Date" not in last_info(pdf)
    year = str(time.gmtime().tm_year).encode()
    assert b"D:" + year not in pdf


@pytest.mark.machine
def test_other_programs_read_title_page_and_text(engine: str) -> None:
    pypdf = pytest.importorskip("pypdf")
    import io

    reader = pypdf.PdfReader(io.BytesIO(draw(example()).render("pdf")), strict=True)
    assert reader.metadata.title == "Graph of o = 0.7071"
    (sheet,) = reader.pages
    assert (sheet.mediabox.width, sheet.mediabox.height) == points(example())
    words = sheet.extract_text().split()
    assert {"x1", "w1", "b", "0.7071", "6.8814", "value", "grad", "-1.5000"} <= set(words)


@pytest.mark.machine
def test_text_is_text_and_not_outlines(engine: str) -> None:
    pdf = draw(example()).render("pdf")
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    content = b"".join(map(inflated, streams))
    assert content.count(b"BT") > 20, "pieces of text"
    assert b"beginbfchar" in content, "which character each glyph is, so that it can be copied"


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:  # a font
        return b""


@pytest.mark.machine
@pytest.mark.parametrize("command", [["qpdf", "--check"], ["pdfinfo"], ["mutool", "info"]])
def test_checkers_of_pdf_have_nothing_to_say(
    engine: str, command: list[str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which(command[0], path=REAL_PATH)
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    (tmp_path / "y.pdf").write_bytes(draw(example()).render("pdf"))
    done = subprocess.run([program, *command[1:], str(tmp_path / "y.pdf")], capture_output=True)
    assert done.returncode == 0
    assert done.stderr == b""


# --- what is too small to read -------------------------------------------------------------------


def note_of(y: Value, **how: Any) -> str:
    picture = draw(y, **how)
    picture.render("svg")
    return picture.note


def letters(y: Value, **how: Any) -> float:
    """The height of a number where the picture fills a slide of 1280x720 below a heading."""
    width, height = points(y, **how)
    return 22 * min(1220 / width, 610 / height)


@pytest.mark.parametrize("make", [neuron, lambda: chain(3), lambda: chain(60)])
def test_a_note_says_how_high_letters_are_on_a_slide(make: Callable[[], Value]) -> None:
    y = differentiated(make())
    said = note_of(y)
    if letters(y) >= 18:
        assert said == ""
        return
    assert f"numbers are {letters(y):.1f} pixels high, less than the 18 that" in said
    for option in ("--edges none", "--precision 2", "draw less"):
        assert option in said
    assert "--level" not in said, "there is no group and no neuron"
    assert note_of(y, fit="none") == "", "who does not fill a slide"
    assert "--edges" not in note_of(y, edges=())
    assert "--precision" not in note_of(y, precision=2)


def test_the_options_of_the_note_make_letters_larger() -> None:
    y = differentiated(chain(60))
    before = letters(y)
    assert before < 18
    assert letters(y, edges=()) > before
    assert letters(y, precision=2) > before
    assert letters(differentiated(chain(30))) > before
