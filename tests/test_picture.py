"""Pictures in every format with every engine, in files and in notebooks."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import struct
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from conftest import REAL_PATH, differentiated, linux, neuron, posix, random_value

import tinygrad_edu
from tinygrad_edu import Value, group, tanh
from tinygrad_edu.analysis.graph import Graph, graph
from tinygrad_edu.cli import main
from tinygrad_edu.draw import layout as layout_module
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.dot import dot
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.picture import (
    FORMATS,
    MANY_SHAPES,
    MOST_SHAPES,
    Picture,
    draw,
    format_of,
)
from tinygrad_edu.draw.sketch import Panel, drawn, sketch
from tinygrad_edu.draw.text import text
from tinygrad_edu.draw.view import View, arriving
from tinygrad_edu.errors import FormatError, ViewError
from tinygrad_edu.files import write_whole
from tinygrad_edu.rows.formula import rounded

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
LAID_OUT = ("svg", "png", "pdf")
WRITTEN = ("html", "dot", "json", "txt")


@pytest.fixture(autouse=True)
def nothing_installed(no_dot: None) -> None:
    """Every test begins with the wheel's Graphviz alone."""


@pytest.fixture
def system_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's `dot` alone."""
    monkeypatch.setenv("PATH", REAL_PATH)
    monkeypatch.setattr(layout_module, "_pygraphviz_folder", lambda: "")
    assert shutil.which("dot"), "install graphviz, or deselect the tests marked machine"


@pytest.fixture
def pictures_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")


def example() -> Value:
    return differentiated(neuron())


def check_format(data: bytes, format: str, g: Graph) -> None:
    if format == "svg":
        check_svg(data, g)
    elif format == "png":
        check_png(data)
    elif format == "pdf":
        assert re.match(rb"%PDF-1\.\d\n", data)
        assert data.rstrip().endswith(b"%%EOF")
        assert data.count(b"/Type /Page\n") == 1 or data.count(b"/Type /Pages") == 1
    elif format == "dot":
        assert data.decode() == dot([(sketch(Panel(g), View()), "")], View())
    elif format == "json":
        assert json.loads(data)["nodes"][g.output.id]["op"] == g.output.op.name
    elif format == "html":
        assert data.startswith(b"<!DOCTYPE html>")
    else:
        assert data.decode() == text(g)


def check_svg(data: bytes, g: Graph) -> None:
    """Every label, value and gradient is in the SVG, at its node, and every edge."""
    root = ElementTree.fromstring(data)
    assert root.tag == SVG + "svg"
    parts = {part.attrib["id"]: part for part in root.iter(SVG + "g") if "id" in part.attrib}
    contributions = arriving(g)
    # A constant is a number in the titles of the operations on it.
    boxes = [n for n in g.nodes if n.kind != "constant" or f"n{n.id}" in parts]
    for node in boxes:
        said = " ".join(t.text or "" for t in parts[f"n{node.id}"].iter(SVG + "text")).split()
        label = theme.printable(node.label).split()
        assert said[: len(label)] == label
        told = ["value"] * (node.kind != "constant") + [rounded(node.data)]
        told += [] if node.grad is None else ["grad", rounded(node.grad)]
        terms = View().terms(node.grad, contributions[node.id]) if node.grad is not None else []
        told += [f"{sign} {term}" for sign, term in zip(["=", *"+" * len(terms)], terms)]
        told += ["set after use"] * node.stale
        words = " ".join(told).split()
        shown = ["=" if word == "\u2248" else word for word in said[len(said) - len(words) :]]
        assert shown == words
        title = said[len(label) : len(said) - len(words)]
        assert bool(title) == bool(node.args), "what an operation is applied to"
    ids = {node.id for node in boxes}
    edges = {f"e{e.source}_{e.target}_{e.operand}" for e in g.edges if e.source in ids}
    assert edges == {name for name in parts if name.startswith("e")}
    assert len([name for name in parts if name.startswith("n")]) == drawn(g, "compact")
    constants = {n.id for n in g.nodes if n.kind == "constant"}
    assert {n.id for n in g.nodes} - ids <= constants


def check_png(data: bytes) -> tuple[int, int]:
    """A PNG whose parts are whole, of a size for a slide; its size in pixels."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    place, parts = 8, []
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack(">I", data[place + 8 + length : place + 12 + length])
        assert checksum == zlib.crc32(name + body)
        parts.append(name)
        place += 12 + length
    assert (parts[0], parts[-1]) == (b"IHDR", b"IEND")
    width, height = struct.unpack(">II", data[16:24])
    assert 50 < height < width < 10_000
    return width, height


# --- six formats, three engines ------------------------------------------------------------------


@pytest.mark.machine
@pytest.mark.usefixtures("system_dot")
@pytest.mark.parametrize("format", FORMATS)
def test_with_the_systems_dot(format: str) -> None:
    picture = example().draw()
    check_format(picture.render(format), format, picture.graph)
    assert picture.note == ""


@pytest.mark.parametrize("format", [f for f in FORMATS if f not in ("png", "pdf")])
def test_with_the_wheel_alone(format: str) -> None:
    picture = example().draw()
    check_format(picture.render(format), format, picture.graph)


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_with_the_wheel_alone_a_picture_or_which_font_to_install(format: str) -> None:
    picture = example().draw()
    try:
        check_format(picture.render(format), format, picture.graph)
    except LayoutError as error:
        words = str(error)
        reason = error.reason
    else:
        return
    assert reason == "no fonts"
    assert "fonts-dejavu-core" in words


@pytest.mark.machine
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_with_the_wheel_alone_and_fonts(format: str) -> None:
    picture = example().draw()
    check_format(picture.render(format), format, picture.graph)


@pytest.mark.usefixtures("pictures_off")
@pytest.mark.parametrize("format", FORMATS)
def test_with_no_engine(format: str, tmp_path: Path) -> None:
    picture = example().draw()
    path = tmp_path / f"y.{format}"
    if format in ("png", "pdf"):
        with pytest.raises(LayoutError, match=r"TINYGRAD_EDU_DOT.*\.dot or \.txt") as caught:
            picture.save(path)
        assert caught.value.reason == "missing"
        assert "\n" not in str(caught.value)
        assert not path.exists()
        return
    picture.save(path)
    check_format(path.read_bytes(), format, picture.graph)
    why = "drawn without Graphviz, because TINYGRAD_EDU_DOT=none turned Graphviz off"
    assert picture.note.startswith(why) == (format == "svg")  # of a page, it would be for levels


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_in_a_browser(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no process can be started, a small graph has its picture, and the rest an advice."""
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(subprocess, "Popen", None)
    picture = example().draw()
    if format == "svg":
        check_svg(picture.render("svg"), picture.graph)
        assert "because no program can be started here" in picture.note
        return
    with pytest.raises(LayoutError, match=r"no program can be started here; .*\.svg") as caught:
        picture.render(format)
    assert caught.value.reason == "missing"


@pytest.mark.usefixtures("pictures_off")
def test_without_graphviz_only_small_graphs_have_a_picture() -> None:
    """Three hundred boxes, labels included, are laid out; more are refused in one line."""
    small, large = chain(149), chain(150)  # boxes of values, and of a local derivative each
    picture = small.draw()
    check_svg(picture.render("svg"), picture.graph)
    for y in (large, grouped(1, 1, 301)):
        with pytest.raises(LayoutError, match=r"turned Graphviz off; .*\.dot or \.txt") as caught:
            y.draw(insist=True).render("svg")
        assert caught.value.reason == "missing"


NOTHING = """
import contextlib, io, json, sys
sys.modules["IPython"] = None  # as if it were not installed
from tinygrad_edu.cli import main
from tinygrad_edu.draw import layout
layout._pygraphviz_folder = lambda: ""
words = ["render", "tanh(x*w + b)", "--at", "x=2", "--at", "w=-3", "--at", "b=7", "-o"]
said = {}
for format in sys.argv[2:]:
    with contextlib.redirect_stderr(io.StringIO()) as stderr, contextlib.suppress(SystemExit):
        main([*words, f"{sys.argv[1]}/y.{format}"], prog_name="tinygrad-edu")
    said[format] = stderr.getvalue()
print(json.dumps(said))
"""


def test_with_nothing_installed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOTHING, str(tmp_path), *FORMATS],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    why = "no picture, because Graphviz is not installed; install"
    for format, said in json.loads(done.stdout).items():
        if format in ("png", "pdf"):
            assert said.startswith(f"Error: {why}")
            assert said.count("\n") == 1
            continue
        assert (tmp_path / f"y.{format}").stat().st_size > 100
        if format == "svg":
            assert "drawn without Graphviz, because Graphviz is not installed" in said
            assert said.count("\n") == 1
        else:
            assert said == ""
    written = {file.suffix[1:] for file in tmp_path.glob("y*")}
    assert written == {"svg", *WRITTEN}


def test_no_part_of_the_package_needs_a_notebook() -> None:
    """But the bar of a run, which asks for it where a notebook runs already."""
    for file in Path(tinygrad_edu.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        late = re.search(r"^ +from IPython", text, re.MULTILINE) and file.name == "progress.py"
        assert late or not re.search(r"\bimport IPython|\bfrom IPython", text)


# --- what a picture shows ------------------------------------------------------------------------


def test_the_svg_of_a_random_graph_shows_everything() -> None:
    labels = ("", "x", "w1", "x1*w1 + b", "\u2202L/\u2202w", "<b>&amp;\\N", '"{a|b}"', "a\nb\x1b")
    for seed in range(30):
        random = Random(seed)
        picture = random_value(random, random.randint(0, 18), labels).draw()
        check_svg(picture.render("svg"), picture.graph)


@pytest.mark.machine
@pytest.mark.usefixtures("system_dot")
def test_the_svg_of_the_systems_dot_shows_everything() -> None:
    test_the_svg_of_a_random_graph_shows_everything()


def first_command() -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    line = next(line for line in readme.splitlines() if "tinygrad-edu render" in line)
    return shlex.split(line.partition("tinygrad-edu ")[2])


def test_the_first_picture_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, first_command())
    assert (done.exit_code, done.output) == (0, "")
    (file,) = tmp_path.glob("*.svg")
    x, w, b = (Value(n, label=name) for n, name in ((2, "x"), (-3, "w"), (7, "b")))
    y = differentiated(tanh(x * w + b))
    check_svg(file.read_bytes(), graph(y))
    shown = set(ElementTree.fromstring(file.read_bytes()).itertext())
    assert {"x", "w", "b", "2", "-3", "7", "-6", "1", "0.7616"} <= shown
    assert {"x\u00b7w", "-1.2599", "0.8399", "0.4200"} <= shown
    assert "tanh" in " ".join(shown)


# --- too much to draw ----------------------------------------------------------------------------


def chain(operations: int) -> Value:
    y = Value(0.5, label="x")
    for _ in range(operations):
        y = tanh(y)
    return y


@pytest.fixture
def few_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 5 shapes are laid out, and there is nothing to do so."""
    assert MOST_SHAPES == 5_000
    monkeypatch.setattr("tinygrad_edu.draw.picture.MOST_SHAPES", 5)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")


@pytest.mark.usefixtures("few_shapes")
def test_more_shapes_than_can_be_read_are_refused(tmp_path: Path) -> None:
    y = chain(5)  # and one leaf
    assert (drawn(graph(y), "compact"), drawn(graph(y), "circles")) == (6, 11)
    for format in LAID_OUT:
        with pytest.raises(LayoutError, match=r"6 .* the 5 .*\.dot.*\.json.*\.txt") as caught:
            y.draw().save(tmp_path / f"y.{format}")
        assert caught.value.reason == "too large"
        assert "insist" in str(caught.value)
    assert not list(tmp_path.glob("y*"))
    for format in WRITTEN:
        check_format(y.draw().render(format), format, graph(y))


@pytest.mark.usefixtures("few_shapes")
def test_who_insists_gets_as_far_as_the_engine() -> None:
    for y, insist, reason in (
        (chain(5), False, "too large"),
        (chain(5), True, "missing"),
        (chain(4) + 1, False, "too large"),  # 6 once more: the 1 is in a title
        (chain(4), False, "missing"),  # 5
    ):
        with pytest.raises(LayoutError) as caught:
            y.draw(insist=insist).render("png")
        assert caught.value.reason == reason
    with pytest.raises(LayoutError, match="7 shapes are more than the 5"):
        chain(3).draw(form="circles").render("svg")


def grouped(layers: int, neurons: int, values: int) -> Value:
    """Layers of neurons of `values` operations each, one after the other."""
    y = Value(0.5, label="x")
    for i in range(layers):
        for j in range(neurons):
            with group(f"layer{i}/neuron{j}"):
                for _ in range(values):
                    y = tanh(y)
    return differentiated(y)


def boxes(picture: Picture) -> set[str]:
    """What is written in large letters in the SVG of a picture."""
    texts = ElementTree.fromstring(picture.render("svg")).iter(SVG + "text")
    return {text.text or "" for text in texts if text.get("font-weight") == "bold"}


def test_of_many_shapes_the_groups_are_collapsed_and_it_is_said() -> None:
    y = grouped(2, 3, 250)  # 1,500 operations and a leaf
    assert drawn(graph(y), "compact") == MANY_SHAPES + 1 == 1_501
    picture = y.draw()
    assert boxes(picture) >= {f"layer{i}/neuron{j}" for i in range(2) for j in range(3)}
    # the leaf belongs to the one neuron that uses it
    assert picture.note.startswith(
        "1501 shapes were collapsed to 6, by neuron: choose another level"
    )
    assert len(picture.graph.nodes) == 1_501, "what is written has no limit"
    assert json.loads(picture.render("json"))["nodes"][-1]["op"] == "tanh"
    layers = y.draw(level="layer")
    assert {"layer0", "layer1"} <= boxes(layers)
    assert layers.note == ""


def test_where_neurons_are_too_many_there_are_layers() -> None:
    y = grouped(2, 751, 2)  # 1,502 boxes and a leaf
    picture = y.draw()
    assert {"layer0", "layer1"} <= boxes(picture)
    assert "neuron" not in " ".join(boxes(picture))
    assert picture.note.startswith("3005 shapes were collapsed to 2, by layer")


@pytest.mark.usefixtures("pictures_off")
@pytest.mark.parametrize("how", [{"level": "node"}, {"insist": True}], ids=str)
def test_who_wants_all_shapes_gets_them(how: dict[str, Any]) -> None:
    picture = grouped(2, 3, 250).draw(**how)
    assert picture.graph == graph(grouped(2, 3, 250))
    with pytest.raises(LayoutError) as caught:
        picture.render("svg")
    assert caught.value.reason == "missing"
    assert picture.note == ""


def test_up_to_that_many_nothing_is_collapsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_edu.draw.picture.MANY_SHAPES", 7)
    for values, note in ((1, ""), (2, "13 shapes were collapsed to 6, by neuron")):
        picture = grouped(2, 3, values).draw()
        picture.render("svg")
        assert picture.note.partition(":")[0] == note


@pytest.mark.machine
def test_who_insists_gets_the_picture() -> None:
    picture = chain(5_000).draw(insist=True, timeout=60)
    check_svg(picture.render("svg"), picture.graph)


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_must_be_a_positive_number(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Value(1.0).draw(timeout=timeout)


@posix
def test_the_timeout_is_for_the_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "slow"
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    program.chmod(0o755)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", str(program))
    picture = example().draw(timeout=0.5)
    with pytest.raises(LayoutError, match=r"within 0\.5 s") as caught:
        picture.render("svg")
    assert caught.value.reason == "timeout"
    shown = picture._repr_mimebundle_()
    assert "within 0.5 s" in shown["text/plain"]
    assert set(shown) == {"text/plain"}


# --- formats and names ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("y.svg", "svg"),
        ("Y.SVG", "svg"),
        ("a.b/c.d.Png", "png"),
        ("-o.pdf", "pdf"),
        (".hidden.dot", "dot"),
        (Path("y.json"), "json"),
        ("\u5b66 \U0001f642.txt", "txt"),
    ],
)
def test_the_ending_decides(path: str | Path, format: str) -> None:
    assert format_of(path) == format


@pytest.mark.parametrize("path", ["y", "", ".", "y.", "y.jpg", "y.svgz", "svg", ".svg", "y.svg.gz"])
def test_an_ending_that_says_no_format(path: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"\.svg, \.png, \.pdf, \.html, \.dot, \.json, \.txt"):
        format_of(path)
    with pytest.raises(FormatError):
        example().draw().save(tmp_path / path)
    assert [file.name for file in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize("format", ["", "SVG", "jpg", "svg ", "exe; rm", "plain", None])
def test_a_format_that_there_is_not(format: str) -> None:
    with pytest.raises(FormatError, match="svg, png, pdf, html, dot, json, txt"):
        example().draw().render(format)
    assert issubclass(FormatError, ValueError)


def test_a_format_that_is_given_goes_before_the_ending(tmp_path: Path) -> None:
    picture = example().draw()
    picture.save(tmp_path / "y.svg", "json")
    picture.save(tmp_path / "y", format="dot")
    check_format((tmp_path / "y.svg").read_bytes(), "json", picture.graph)
    check_format((tmp_path / "y").read_bytes(), "dot", picture.graph)


@pytest.mark.parametrize("format", ["svg", *WRITTEN])
def test_save_writes_what_render_gives(format: str, tmp_path: Path) -> None:
    picture = example().draw()
    picture.save(str(tmp_path / f"y.{format}"))
    assert (tmp_path / f"y.{format}").read_bytes() == picture.render(format)


def test_save_takes_a_name_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example().draw().save("-o.txt")
    assert (tmp_path / "-o.txt").read_text(encoding="utf-8").startswith("o (tanh) = 0.7071")


@pytest.mark.parametrize("label", ["\ud800", "\u5b66", "\x1b[31m"])
@pytest.mark.parametrize("format", WRITTEN)
def test_every_label_can_be_saved(label: str, format: str, tmp_path: Path) -> None:
    Value(1.0, label=label).draw().save(tmp_path / f"y.{format}")
    (tmp_path / f"y.{format}").read_bytes().decode()


def test_draw_is_the_method() -> None:
    y = example()
    assert draw(y).graph == y.draw().graph == graph(y)
    picture = draw(y, timeout=3, insist=True)
    assert (picture.timeout, picture.insist, picture.note) == (3, True, "")
    assert isinstance(picture, Picture)


def test_a_picture_is_as_the_graph_was() -> None:
    y = neuron()
    before = y.draw()
    dot_text = before.dot
    y.backward()
    assert before.dot == dot_text != y.draw().dot


# --- whole or not at all -------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.name != "empty")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "y.svg"
    write_whole(path, b"old" * 100)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["y.svg"]


def test_nobody_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "y.svg"
    contents = {bytes([letter]) * 1_000_000 for letter in b"abcd"}
    write_whole(path, b"a" * 1_000_000)
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for content in sorted(contents) * 5:
            write_whole(path, content)
    finally:
        done.set()
        reader.join()
    assert seen <= contents


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_a_layout_that_fails_leaves_the_old_file(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"y.{format}"
    path.write_text("old")
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    with pytest.raises(LayoutError):
        example().draw().save(path)
    assert path.read_text() == "old"
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["replace", "chmod"])
def test_a_write_that_is_cut_short_leaves_the_old_file(
    error: BaseException, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "y.svg"
    path.write_text("old")

    def fail(*args: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(type(error)):
            write_whole(path, b"new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["y.svg"]


FULL = """
import resource, signal, sys
from tinygrad_edu.files import write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))  # no file may be longer
for path in sys.argv[1:]:
    try:
        write_whole(path, b"x" * 100_000)
    except OSError as error:
        print(type(error).__name__, error.errno)
"""


@posix
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "old.svg").write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "old.svg"), str(tmp_path / "new.svg")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split()[::2] == ["OSError", "OSError"], done.stderr
    assert names(tmp_path) == ["old.svg"]
    assert (tmp_path / "old.svg").read_text() == "old"


@linux
def test_a_full_device() -> None:
    with pytest.raises(OSError, match="No space left"):
        example().draw().save("/dev/full", "svg")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert not list(Path("/dev").glob(".tinygrad-edu-*"))


@posix
def test_a_device_and_a_pipe_are_written_to_and_stay(tmp_path: Path) -> None:
    example().draw().save("/dev/null", "dot")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"through the pipe")
    reader.join()
    assert received == [b"through the pipe"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("path", ["missing/y.svg", "file/y.svg", ".", "folder", "x" * 300 + ".svg"])
def test_places_that_cannot_be_written(path: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    before = names(tmp_path)
    with pytest.raises(OSError) as caught:
        write_whole(tmp_path / path, b"new")
    assert caught.value.strerror
    assert names(tmp_path) == before
    assert (tmp_path / "file").read_text() == "old"


# --- notebooks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["value", "picture"])
def test_a_notebook_shows_the_picture(of: str) -> None:
    y = example()
    shown = (y if of == "value" else y.draw())._repr_mimebundle_(include=None, exclude=None)
    assert list(shown) == ["image/svg+xml", "image/png", "text/plain"]
    assert shown["text/plain"] == (repr(y) if of == "value" else text(graph(y)).rstrip("\n"))
    check_svg(shown["image/svg+xml"].encode(), graph(y))


@pytest.mark.usefixtures("pictures_off")
def test_a_notebook_without_an_engine_shows_small_graphs_and_says_why_no_large_one() -> None:
    y = example()
    shown = y._repr_mimebundle_()
    assert list(shown) == ["image/svg+xml", "text/plain"]
    check_svg(shown["image/svg+xml"].encode(), graph(y))
    assert shown["text/plain"] == repr(y)
    y = chain(300)
    for thing, plain in ((y, repr(y)), (y.draw(), repr(y.draw()))):
        shown = thing._repr_mimebundle_()
        assert list(shown) == ["text/plain"]
        head, _, reason = shown["text/plain"].rpartition("\n")
        assert head == plain
        assert reason.startswith("(no picture, because TINYGRAD_EDU_DOT=none")


@pytest.mark.parametrize("label", ["\ud800", "\x00", "<", "x" * 10_000, None, 7, ("w", 1), b"w"])
def test_a_notebook_shows_something_whatever_the_label(label: str) -> None:
    x = Value(1.0)
    y = x * 2
    x.label = y.label = label
    for thing in (y, y.draw()):
        shown = thing._repr_mimebundle_()
        ElementTree.fromstring(shown["image/svg+xml"])
        assert "Value(2.0" in shown["text/plain"] or "= 2" in shown["text/plain"]


@pytest.mark.parametrize(
    "override", ["nowhere", "/", "\x1b", "a\nb", __file__, sys.executable, "\udcff"]
)
def test_a_notebook_survives_a_wrong_override(
    override: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", override)
    shown = example()._repr_mimebundle_()
    assert list(shown) == ["text/plain"]
    assert shown["text/plain"].startswith("Value(0.7071")
    assert "TINYGRAD_EDU_DOT" in shown["text/plain"]


def test_a_picture_that_is_too_large_is_shown_in_its_first_lines() -> None:
    y = chain(5_000)
    assert y._repr_mimebundle_()["text/plain"].startswith("Value(")
    shown = y.draw()._repr_mimebundle_()["text/plain"]
    assert shown.startswith("tanh = ")
    assert " values in all\n(5001 shapes are more than" in shown
    assert len(shown) < 20_000


@pytest.mark.parametrize("grad", [None, "1", 1j, 10**400, float("nan")])
def test_a_notebook_shows_something_whatever_was_made_of_grad(grad: float) -> None:
    x = Value(2.0, label="x")
    y = differentiated(x * x)
    picture = y.draw()
    for node in (x, y):
        node._grad = grad
        assert y._repr_mimebundle_()["text/plain"].startswith("Value(4.0, grad=")
    assert "image/svg+xml" in picture._repr_mimebundle_()


def test_json_hides_nothing_and_says_so() -> None:
    with pytest.raises(ViewError, match="json contains every number"):
        differentiated(neuron()).draw(hide=["grads"]).render("json")
