"""The look of a picture at the shell: form, level network, page, size, title, legend, labels."""

from __future__ import annotations

import html
import re
import struct
from math import inf, nan
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from tinygrad_edu.cli import main
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import ViewError
from tinygrad_edu.reading.expression import expression

SVG = "{http://www.w3.org/2000/svg}"
NEURON = ("render", "tanh(x*w  +   b)", "--at", "x=2,w=-3,b=7")
CHAIN = ("render", f"{'tanh(' * 20}x{')' * 20}", "--at", "x=1")
NETWORK = """\
from tinygrad_edu import Value
from tinygrad_edu.nn import MLP
x = [Value(1.0, label="x1"), Value(-2.0, label="x2")]
model = MLP(2, [2, 1])
(y,) = model(x)
y.backward()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TINYGRAD_EDU_DOT", raising=False)
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args), prog_name="tinygrad-edu", catch_exceptions=False)


def drawn(*args: str) -> str:
    """The SVG on standard output of a command that succeeds."""
    result = run(*args, "-o", "-")
    assert result.exit_code == 0, result.stderr
    return result.stdout


def refusal(*args: str) -> str:
    """The one line of a command that is refused."""
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert result.stderr[:-1].isprintable()
    assert len(result.stderr) < 600
    return result.stderr.removeprefix("Error: ").rstrip("\n")


def texts(svg: str) -> list[str]:
    return ["".join(x.itertext()) for x in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def sides(svg: str) -> tuple[str, str]:
    root = ElementTree.fromstring(svg)
    return root.get("width", ""), root.get("height", "")


def box(svg: str) -> list[float]:
    return [float(x) for x in ElementTree.fromstring(svg).get("viewBox", "").split()]


# Form and level


def test_a_form_with_circles_has_one_for_each_operation() -> None:
    compact = ElementTree.fromstring(drawn(*NEURON))
    assert not list(compact.iter(f"{SVG}circle"))
    circles = ElementTree.fromstring(drawn(*NEURON, "--form", "circles"))
    assert len(list(circles.iter(f"{SVG}circle"))) == 3
    assert drawn(*NEURON, "--form", "Compact") == drawn(*NEURON)


def test_a_network_has_a_circle_for_each_neuron(folder: Path) -> None:
    (folder / "net.py").write_text(NETWORK)
    root = ElementTree.fromstring(drawn("render", "net.py:y", "--level", "network"))
    parts = [g for g in root.iter(f"{SVG}g") if "neuron" in g.get("class", "").split()]
    assert len(parts) == 2 + 1
    assert all(g.find(f"{SVG}circle") is not None for g in parts)
    assert run("render", "net.py:y", "--level", "network", "-o", "y.dot").exit_code == 0


@pytest.mark.parametrize("more", ["--role x1=input", "--update 0.1"])
def test_a_network_goes_with_options_of_the_graph(more: str, folder: Path) -> None:
    (folder / "net.py").write_text(NETWORK)
    words = ("render", "net.py:y", "--level", "network", *more.split())
    shown = {text for text in texts(drawn(*words)) if not text.isdecimal()}
    assert {"x1", "x2", "y"} <= shown
    assert ("after" in shown) == ("--update" in more)


@pytest.mark.parametrize("format", [[], ["--format", "txt"], ["--format", "json"]], ids=str)
def test_a_network_is_a_picture_and_no_text(format: list[str], folder: Path) -> None:
    (folder / "net.py").write_text(NETWORK)
    said = refusal("render", "net.py:y", "--level", "network", *format)
    assert said.startswith("--level network is a picture, and no text: name a file, -o FILE.svg")


def test_a_graph_without_a_neuron_is_no_network() -> None:
    assert "neuron" in refusal("render", "x*x", "--at", "x=2", "--level", "network", "-o", "y.svg")


def test_steps_have_no_network() -> None:
    said = refusal(*NEURON, "--level", "network", "--steps", "slides")
    assert said == "--steps shows every value: drop --level"


# Page, size and scale


def test_a_long_picture_is_broken_into_rows_for_its_page() -> None:
    across = {fit: box(drawn(*CHAIN, "--fit", fit)) for fit in ("16:9", "4:3", "A4", "none")}
    ratios = {fit: width / height for fit, (_, _, width, height) in across.items()}
    assert ratios["none"] > 15
    assert all(ratio < 4 for fit, ratio in ratios.items() if fit != "none")
    assert drawn(*CHAIN) == drawn(*CHAIN, "--fit", "16:9")


@pytest.mark.parametrize(
    ("size", "width", "height"),
    [("1280x720", 1280, 720), ("720X1280", 720, 1280), ("A4", 1123, 794), ("a4", 1123, 794)],
)
def test_a_size_is_that_of_the_picture(size: str, width: int, height: int, folder: Path) -> None:
    svg = drawn(*NEURON, "--size", size)
    assert sides(svg) == (str(width), str(height))
    _, _, across, down = box(svg)
    assert across / down == pytest.approx(width / height, rel=0.01)
    result = run(*NEURON, "--size", size, "-o", "y.png")
    if result.exit_code == 0:  # else this machine has no font
        assert struct.unpack(">II", (folder / "y.png").read_bytes()[16:24]) == (width, height)
        assert run(*NEURON, "--size", size, "-o", "y.pdf").exit_code == 0
        page = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", (folder / "y.pdf").read_bytes())
        assert page
        assert [float(x) * 96 / 72 for x in page.groups()] == pytest.approx([width, height], abs=1)


def test_a_page_in_pixels_is_the_page_that_rows_are_broken_for() -> None:
    def scale(width: float, height: float) -> float:
        """How large a picture with these sides is on a page of 700x1200."""
        return min(700 / width, 1200 / height)

    words = ("render", "tanh(tanh(tanh(tanh(tanh(tanh(tanh(tanh(x))))))))", "--at", "x=1")
    tall = scale(*box(drawn(*words, "--size", "700x1200"))[2:])
    assert tall > 1.2 * scale(*box(drawn(*words))[2:]), "which is broken for a slide"
    assert tall > 3 * scale(*box(drawn(*words, "--size", "700x1200", "--fit", "none"))[2:])


def test_a_scale_makes_everything_larger(folder: Path) -> None:
    plain, twice = drawn(*NEURON), drawn(*NEURON, "--scale", "2")
    assert box(plain) == box(twice)
    assert [2 * float(x[:-2]) for x in sides(plain)] == [float(x[:-2]) for x in sides(twice)]
    made = run(*NEURON, "-o", "a.png"), run(*NEURON, "-o", "b.png", "--scale", "0.5")
    if made[0].exit_code == 0:
        a, b = (
            struct.unpack(">II", (folder / name).read_bytes()[16:24]) for name in ("a.png", "b.png")
        )
        assert b == pytest.approx([x / 2 for x in a], abs=1)


@pytest.mark.parametrize(
    "size",
    "0x0,1280,1280x,x720,99999x1,49x49,x,,1280x720x3,-5x100,A5,12.5x100,nanxnan,1280x\x00720,"
    "\u0661x\u0662".split(","),
)
def test_a_size_that_is_none(size: str) -> None:
    for typed in (size, size * 5000):
        said = refusal(*NEURON, "-o", "y.svg", f"--size={typed}")
        assert said.startswith(
            "--size is a width and a height from 50 to 20,000 pixels, such as --size 1280x720, or "
        )


@pytest.mark.parametrize("size", ["1280*720", "1280,720", "1280 720", "1280:720"])
def test_a_size_that_is_nearly_one(size: str) -> None:
    assert refusal(*NEURON, f"--size={size}").endswith("(did you mean 1280x720?)")


def test_a_png_of_too_many_pixels_is_refused_before_it_is_laid_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("tinygrad_edu.draw.picture.laid_out")
    said = refusal(*NEURON, "-o", "y.png", "--size", "20000x20000")
    assert "20000x20000 are more than the 40,000,000 pixels" in said


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf", "0.05", "10.1", "two", "", "1e400"])
def test_a_scale_that_is_none(scale: str) -> None:
    said = refusal(*NEURON, f"--scale={scale}")
    assert said.startswith("--scale is a factor of at least 0.1 and at most 10, such as --scale 2")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("--fit 3:2", "unknown fit '3:2': choose 16:9, 4:3, A4, none"),
        ("--fit 16.9", "unknown fit '16.9' (did you mean 16:9?)"),
        ("--form circle", "unknown form 'circle' (did you mean circles?): choose compact, circles"),
        ("--labels text", "unknown labels 'text': choose html, plain"),
        ("--form", "Option '--form' requires an argument."),
        ("--siez 1280x720", "unknown option '--siez' (did you mean --size"),
        ("--no-legnd", "unknown option '--no-legnd' (did you mean --no-legend"),
        ("--titel x", "unknown option '--titel' (did you mean --title"),
        (
            "--level netwrok -o y.svg",
            "unknown level 'netwrok': choose node, neuron, layer, network",
        ),
        ("--level network --wrt x -o y.svg", "--level network draws no derivatives as neurons"),
        ("--level network --highlight x -o y.svg", "level network draws no paths: drop highlight"),
        ("--size 1280x720 --scale 2", "size and scale both say how large the picture is"),
        ("--no-legend --title x", "--no-legend leaves the title out, too: drop it, or --title"),
        ("--labels plain", "--labels is for DOT text: add --format dot, or drop it"),
        ("--labels plain -o y.svg", "--labels is for DOT text"),
        ("--title a --title b", "--title is given twice, 'a' and 'b'"),
    ],
)
def test_slips(typed: str, said: str) -> None:
    assert refusal(*NEURON, *typed.split()).startswith(said)


# Title and legend


def test_the_title_is_what_was_typed_with_single_blanks() -> None:
    assert "tanh(x*w + b)" in texts(drawn(*NEURON))
    assert "s = x*w; s*s + s" in texts(drawn("render", "s = x*w; s*s\t + s", "--at", "x=2,w=3"))


def test_the_title_of_a_script_or_a_file_of_lines_is_its_formula(folder: Path) -> None:
    (folder / "lesson.py").write_text(
        "from tinygrad_edu import Value, tanh\nx = Value(2.0)\ny = tanh(x*3)\ny.backward()\n"
    )
    assert "y = tanh(x·3)" in texts(drawn("render", "lesson.py:y"))
    (folder / "lines.txt").write_text("x = 2  # a leaf\ny = tanh(x*3)\n")
    assert "y = tanh(x·3)" in texts(drawn("render", "@lines.txt"))
    (folder / "line.txt").write_text("tanh(x*3)  # a neuron without a bias\n")
    said = texts(drawn("render", "@line.txt", "--at", "x=2"))
    assert "tanh(x·3)" in said
    assert not any("#" in text for text in said)


def test_a_title_of_ones_own() -> None:
    assert "One neuron" in texts(drawn(*NEURON, "--title", " One \n neuron "))
    without = texts(drawn(*NEURON, "--title", ""))
    assert "tanh(x*w + b)" not in without
    assert "positive" in without
    bare = texts(drawn(*NEURON, "--no-legend"))
    assert not {"tanh(x*w + b)", "positive"} & {*bare}
    assert set(bare) < set(without)


@pytest.mark.parametrize("length", [10_000, 100_000])
def test_a_long_title_is_cut(length: int) -> None:
    svg = drawn(*NEURON, "--title", "W" * length)
    (cut,) = {text for text in texts(svg) if text.startswith("WW") and text.endswith("…")}
    assert len(cut) < 100
    assert box(svg)[2] == box(drawn(*NEURON))[2]


def test_a_title_with_signs_is_text() -> None:
    evil = '</text><script>alert(1)</script> & "quotes" \x1b[31m \x07 \ud800 #*_`'
    svg = drawn(*NEURON, "--title", evil)
    assert "<script" not in svg
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", svg)
    assert any("alert(1)" in text for text in texts(svg))


def test_hidden_leaves_are_not_in_the_title(folder: Path) -> None:
    (folder / "lesson.py").write_text(
        "from tinygrad_edu import Value, tanh\ny = tanh(Value(2.125) * Value(3.875, 'w'))\n"
        "y.backward()\n"
    )
    for target in ("lesson.py:y", "v = 2.125; w = 3.875; tanh(v*w)"):
        svg = drawn("render", target, "--hide", "leaves", "--edges", "all")
        assert "2.125" not in html.unescape(svg)
        assert "3.875" not in html.unescape(svg)
    assert "y = tanh(____·w)" in texts(drawn("render", "lesson.py:y", "--hide", "leaves"))


# The same in Python


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--form circles", {"form": "circles"}),
        ("--fit none", {"fit": "none"}),
        ("--size 700x1200", {"size": (700, 1200)}),
        ("--scale 2", {"scale": 2}),
        ("--title Own", {"title": " Own\n"}),
        ("--no-legend", {"legend": False}),
        ("--labels plain --format dot", {"labels": "plain"}),
    ],
    ids=str,
)
def test_python_takes_the_same_options(words: str, options: dict[str, Any]) -> None:
    y = expression(CHAIN[1], {"x": 1.0})
    y.backward()
    format = "dot" if "dot" in words else "svg"
    typed = y.draw(**{"title": CHAIN[1], **options}).render(format).decode()
    assert drawn(*CHAIN, *words.split()) == typed
    assert typed != y.draw(title=CHAIN[1]).render(format).decode()


@pytest.mark.parametrize(
    "options",
    [
        *({"size": size} for size in ("A4", (0, 0), (1280,), (1280, 720.5), 1280, (99999, 50))),
        *({"scale": scale} for scale in (0, -1, nan, inf, "2", None)),
        {"form": "circle"}, {"fit": "3:2"}, {"labels": "text"}, {"level": "networks"},
        {"title": 5}, {"size": (1280, 720), "scale": 2},
    ],
    ids=str,
)  # fmt: skip
def test_python_refuses_the_same(options: dict[str, Any]) -> None:
    with pytest.raises(ViewError) as caught:
        Value(2.0).draw(**options)
    assert str(caught.value).isprintable()
    assert next(iter(options)) in str(caught.value)


def test_remarks_that_could_give_away_what_is_hidden_are_left_out() -> None:
    words = ("render", "log(x)", "--at", "x=0")
    assert "log(0) is -inf" in run(*words).stderr
    assert run(*words, "--hide", "values").stderr == ""


# DOT, steps, help


def test_plain_labels_of_dot_have_no_html() -> None:
    plain = run(*NEURON, "--format", "dot", "--labels", "plain")
    assert plain.exit_code == 0
    assert "label=<" not in plain.stdout
    assert "label=<" in run(*NEURON, "--format", "dot").stdout


@pytest.mark.parametrize("format", ["svg", "png"])
def test_steps_of_a_size(format: str, folder: Path) -> None:
    how = ("--size", "1280x720", "--title", "Slowly", "--form", "circles", "--format", format)
    result = run("render", "x*w", "--at", "x=2,w=3", *how, "--steps", "slides")
    if result.exit_code and "no font" in result.stderr:
        return
    assert result.exit_code == 0
    frames = sorted((folder / "slides").glob("step-*"))
    assert len(frames) == 4
    for frame in frames:
        if format == "png":
            assert struct.unpack(">II", frame.read_bytes()[16:24]) == (1280, 720)
        else:
            assert sides(frame.read_text()) == ("1280", "720")
            assert "Slowly" in texts(frame.read_text())
    film = (folder / "slides" / "steps.svg").read_text()
    assert sides(film) == ("1280", "720")
    assert "Slowly" in texts(film)


def test_a_scale_of_steps(folder: Path) -> None:
    words = ("render", "x*w", "--at", "x=2,w=3")
    for name, more in (("a", ()), ("b", ("--scale", "2"))):
        assert run(*words, "--steps", name, *more).exit_code == 0
    a, b = (sides((folder / name / "step-001.svg").read_text()) for name in "ab")
    assert [2 * float(x[:-2]) for x in a] == [float(x[:-2]) for x in b]


def test_the_help_has_sections_and_words_as_they_are_typed() -> None:
    said = run("render", "--help").stdout
    sections = re.findall(r"(?m)^(\w.*):$", said)
    assert sections == [
        "Options", "What the picture says", "How it looks", "Slides and pages",
        "More than one graph", "Worksheets", "Large graphs",
    ]  # fmt: skip
    assert "[16:9|4:3|A4|none]" in said
    assert "[LR|TB]" in said
    assert not re.search(r"(?m)^  TARGET$", said), "which is no option"
    told = set(re.findall(r"(?m)^  (?:-\w, )?(--[\w-]+)", said))
    (render,) = [command for name, command in main.commands.items() if name == "render"]
    known = {max(p.opts, key=len) for p in render.params if p.opts[0].startswith("-")}
    assert told == known | {"--help"}
