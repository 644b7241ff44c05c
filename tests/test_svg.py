"""SVG: one form that every program reads, whatever the labels, the engine and the machine."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import RUN_A_PROCESS, differentiated, neuron, posix
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import Value, topological_order
from tinygrad_edu.draw import layout as layout_module
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.layout import layout
from tinygrad_edu.draw.picture import draw
from tinygrad_edu.draw.svg import escaped

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<b>&amp;", "*a* _b_ **c**", "`x` $y$ ~z~ ^2^", "[a](b) ![c](d)", "# h\n\n- item\n\n1. one",
    "{{ x }} {% y %} {a|b}", "]]> --> <!--", "\\ \\n \\N", "http://example.org :smile: @me #7",
    "a\n\nb\t\x00\x1b", "\ud800\uffff", "\u202e\u5b66\U0001f642", "=== ---", "|a|b|\n|-|-|",
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_installed(no_dot: None) -> None:
    """Every test begins with the wheel's Graphviz alone."""


def example(*labels: str) -> Value:
    y = neuron()
    for node, label in zip(topological_order(y), labels):
        node.label = label
    return differentiated(y)


def drawn(y: Value, **how: Any) -> str:
    return draw(y, **how).render("svg").decode()


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


# --- in a page -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"theme": "dark"}, {"size": (640, 480)}, {"form": "circles"}])
def test_the_first_tag_is_alone_on_one_line_and_no_line_is_blank(how: dict[str, Any]) -> None:
    """A line that begins with a tag, whole and alone, begins HTML that lasts to a blank line."""
    svg = drawn(example(*HOSTILE), **how)
    first, *others = svg.split("\n")
    assert re.fullmatch(r"<svg [^<>]*>", first), "CommonMark, 4.6: the seventh kind of HTML block"
    assert all(line.strip() for line in others[:-1])
    assert others[-1] == ""
    assert "\r" not in svg


def test_no_sign_that_markdown_reads_is_in_a_text() -> None:
    svg = drawn(example(*HOSTILE), title="*t* _u_")
    between = re.findall(r">([^<]*)<", svg)
    written = re.sub(r"&#\d+;", "", "".join(between))
    assert not set(written) & set("&<>*_`[]\\~^$|{}#!@=\"'")
    assert escaped("a*b") == "a&#42;b"


@pytest.mark.parametrize("reader", ["markdown_it", "mistune", "markdown", "commonmark"])
def test_readers_of_markdown_keep_every_text(reader: str) -> None:
    library = pytest.importorskip(reader)
    svg = drawn(example(*HOSTILE))
    page = f"# Title\n\nWords.\n\n{svg}\nMore *words*.\n"
    if reader == "markdown_it":
        html = library.MarkdownIt("commonmark").render(page)
    elif reader == "mistune":
        html = library.create_markdown(escape=False)(page)
    else:
        html = getattr(library, {"markdown": "markdown", "commonmark": "commonmark"}[reader])(page)
    assert "<em>words</em>" in html
    inline = html[html.index("<svg") : html.index("</svg>") + len("</svg>")]
    assert texts(inline) == texts(svg)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    """But for the names of XML, there is no address in it; labels are text."""
    labels = ("<script>alert(1)</script>", "http://example.org/a.png", "url(x)", "javascript:1")
    svg = drawn(example(*labels), title="<image href='x'/>")
    root = ElementTree.fromstring(svg)
    kinds = {part.tag.removeprefix(SVG) for part in root.iter()}
    assert kinds <= {
        "svg", "title", "desc", "g", "rect", "path", "text", "polygon", "circle", "ellipse",
    }  # fmt: skip
    for part in root.iter():
        for name, value in part.attrib.items():
            assert not re.search(r"href|^on|src", name)
            assert not re.search(r"url\(|:", value), "no address"
    assert "http://" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")


# --- labels --------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(st.text(max_size=12), st.sampled_from(HOSTILE))
def test_any_label_is_valid_xml_and_shown(label: str, other: str) -> None:
    os.environ["TINYGRAD_EDU_DOT"] = "none"  # the layout in Python is faster
    try:
        x, w = Value(2.0, label=label), Value(-3.0, label=other)
        svg = drawn(differentiated(x * w))
    finally:
        del os.environ["TINYGRAD_EDU_DOT"]
    root = ElementTree.fromstring(svg)
    for name, said in (("n0", label), ("n1", other)):
        (box,) = (part for part in root.iter(f"{SVG}g") if part.get("id") == name)
        words = " ".join(text.text or "" for text in box.iter(f"{SVG}text")).split()
        expected = theme.printable(said).split()
        assert words[: len(expected)] == expected


@pytest.mark.parametrize("char", "&<>\"'*_`[]\\~^$|:{}#!@=")
def test_what_is_escaped_is_the_same_text(char: str) -> None:
    assert escaped(char) == f"&#{ord(char)};"
    assert ElementTree.fromstring(f"<t>{escaped(char)}</t>").text == char


def test_a_title_and_a_description_come_first() -> None:
    y = example()
    root = ElementTree.fromstring(drawn(y))
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert title.text == "Graph of o = 0.7071"
    assert description.text == y.draw().alt
    assert root.get("role") == "img"


# --- the same bytes ------------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, "tests")
from conftest import RUN_A_PROCESS, differentiated, neuron
from tinygrad_edu.draw.picture import draw
y = differentiated(neuron())
sys.stdout.buffer.write(draw(y).render("svg") + draw(y, level="network").render("svg"))
"""


@pytest.mark.parametrize(
    ("seed", "locale"), [("0", "C"), ("1", "C.UTF-8"), ("42", "de_DE.UTF-8"), ("7", "tr_TR.UTF-8")]
)
def test_the_same_bytes_under_any_hash_seed_and_locale(seed: str, locale: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "LC_ALL": locale}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    y = example()
    assert done.stdout == draw(y).render("svg") + draw(y, level="network").render("svg")
    assert draw(y).render("svg") == draw(y).render("svg")


@posix
@pytest.mark.parametrize("how", [{}, {"direction": "TB"}, {"form": "circles", "fit": "none"}])
def test_the_same_bytes_from_one_layout_whichever_engine(
    how: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engines order and write the same places in their own ways."""
    asked: list[bytes] = []

    def kept(command: list[str], data: bytes, seconds: float) -> Any:
        asked.append(data)
        return RUN_A_PROCESS(command, data, seconds)

    monkeypatch.setattr(layout_module, "_run", kept)
    expected = draw(example(), **how).render("svg")
    (asks,) = asked
    answer = json.loads(layout(asks.decode(), "json0"))

    def other(text: str) -> str:
        """The numbers with noise in the sixth digit, which is less than a hundredth of a point."""
        return re.sub(r"[\d.]+", lambda number: f"{float(number[0]) + 0.0004:.6f}", text)

    for thing in (*answer["objects"], *answer["edges"]):
        thing["pos"] = other(thing["pos"])
        thing["color"] = "of this engine"
    answer["objects"].reverse()
    answer["edges"].reverse()
    (tmp_path / "answer.json").write_text(json.dumps(answer, indent=7, sort_keys=True))
    program = tmp_path / "mydot"
    code = f"print(open({str(tmp_path / 'answer.json')!r}).read())"
    program.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, '-c', code])}\n")
    program.chmod(0o755)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", str(program))
    assert draw(example(), **how).render("svg") == expected


# --- two engines ---------------------------------------------------------------------------------


@pytest.mark.machine
def test_the_systems_dot_and_the_wheel_give_the_same_pictures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """All of the gallery and twenty random ones. Tested with Graphviz 2.43 and 14."""
    from random import Random

    from conftest import REAL_PATH, random_value
    from test_diagrams import PICTURES

    graphs = [random_value(Random(seed), seed) for seed in range(20)]

    def pictures(path: str) -> list[bytes]:
        from click.testing import CliRunner

        from tinygrad_edu.cli import main

        monkeypatch.setenv("PATH", path)
        found = []
        for words in PICTURES:
            made = CliRunner().invoke(main, [*words[:-2], "-o", "-"])
            assert made.exit_code == 0, words
            found.append(made.stdout_bytes)
        return found + [y.draw().render("svg") for y in graphs]

    monkeypatch.chdir(ROOT)
    ours = pictures(os.environ["PATH"])
    monkeypatch.setattr(layout_module, "_pygraphviz_folder", lambda: "")
    theirs = pictures(REAL_PATH)
    agree = sum(a == b for a, b in zip(ours, theirs, strict=True))
    assert len(ours) >= 60
    assert agree >= 0.95 * len(ours), f"{agree} of {len(ours)}"
