"""The DOT text for other programs: its bytes, and that Graphviz reads what the picture says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import REAL_PATH, differentiated, random_value
from test_sketch import EXAMPLES, FORMS, lecture, sketches, updated, words

from tinygrad_edu import Op, Value, graph, group
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.dot import HEADS, SHAPES, dot
from tinygrad_edu.draw.layout import layout
from tinygrad_edu.draw.picture import draw
from tinygrad_edu.draw.scene import Line
from tinygrad_edu.draw.view import FORMS as ALL_FORMS
from tinygrad_edu.draw.view import LABELS, View

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"


@cache
def read(source: str) -> dict[str, tuple[str, str]]:
    """What Graphviz reads: of each node and edge, by its id, its class and its words."""
    root = ElementTree.fromstring(layout(source))
    found = {}
    for part in root.iter(SVG + "g"):
        text = " ".join(text.text or "" for text in part.iter(SVG + "text"))
        if "class" in part.attrib:  # and no link around a part
            found[part.attrib["id"]] = part.attrib["class"], " ".join(text.split())
    return found


def joined(lines: Sequence[Line]) -> str:
    return " ".join(" ".join(words(lines)).split())


def attributes(source: str) -> dict[str, dict[str, str]]:
    """The attributes of each node and edge, by its id, but the label."""
    found = {}
    for written in re.findall(r"^\t+\w+(?: -> \w+)? \[(.*)\]$", source, re.MULTILINE):
        bare = re.sub(r"label=(<.*>|\"(?:[^\"\\]|\\.)*\")(?= \w+=|$)", "", written)
        pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', bare)
        look = {key: value.strip('"') for key, value in pairs}
        if "id" in look:
            found[look["id"]] = look
    return found


# --- exact texts ---------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize("name", ["kinds", "stale", "signs", "hostile"])
def test_exact_text(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.dot", EXAMPLES[name]().draw().dot)


SEEDED = """
from tinygrad_edu import Value, group, tanh
from tinygrad_edu.cli import main
numbers = [f"--at={name}=1.5" for name in ("alpha", "beta", "x", "w", "b")]
text = "tanh(x*w + b*alpha)/(x - beta) + sin(x)*x*max(b, alpha)"
main(["render", text, *numbers, "--format", "dot", "-o", "-"], standalone_mode=False)
xs = [Value(number, label=name) for number, name in ((0.5, "x"), (-2.0, "w"))]
for layer in ("layer1", "layer2"):
    outputs = []
    for neuron in ("neuron1", "neuron2"):
        with group(f"{layer}/{neuron}"):
            outputs.append(tanh(xs[0] * 0.3 + xs[1] * 0.7))
    xs = outputs
y = xs[0] * xs[1]
y.backward()
for level in ("node", "neuron", "layer", 0):
    picture = y.draw(level=level)
    print(picture.dot, picture.graph.to_json(), picture.text(width=80), picture.alt)
    if level in ("neuron", 0):
        print(picture.render("svg").decode())
"""


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    """Texts hash differently in every process; the same graph is the same text in one, too."""
    made = set()
    for seed in ("0", "4"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", SEEDED], env=environment, capture_output=True)
        made.add(done.stdout.decode())
    (told,) = made
    assert told.count("digraph") == 5
    assert told.count("<svg") == 2
    assert "x·w" in told.partition("}\n")[0]
    y, again = (random_value(Random(5), 30) for _ in range(2))
    assert y.draw().dot == y.draw().dot == again.draw().dot


# --- as Graphviz reads it ------------------------------------------------------------------------


def check_read(what: Value | Graph, **view: Any) -> None:
    """Every box and link is there, with its class and its words."""
    for labels in LABELS:
        parts = read(draw(what, labels=labels, **view).dot)
        (made,) = sketches(what, **view)
        for box in made.boxes:
            assert parts[box.name] == (f"node {box.kind}", joined(box.lines)), labels
        for link in made.links:
            assert parts[link.name] == (f"edge {link.kind}".strip(), joined(link.label)), labels


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_graphviz_reads_all_that_the_picture_says(name: str, form: str) -> None:
    check_read(EXAMPLES[name](), form=form)


@pytest.mark.machine
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_systems_dot_does_so_too(
    name: str, no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    read.cache_clear()
    check_read(EXAMPLES[name](), direction="TB", theme="dark")


@pytest.mark.usefixtures("no_dot")
def test_graphviz_reads_random_graphs() -> None:
    for seed in range(8):
        check_read(random_value(Random(seed), 25), form=FORMS[seed % 2])


@pytest.mark.usefixtures("no_dot")
def test_both_sides_of_an_update_are_clusters_with_titles() -> None:
    before, after = updated()
    for labels in LABELS:
        source = draw(after, before=before, labels=labels).dot
        parts = read(source)
        titles = {said for kind, said in parts.values() if kind == "cluster"}
        assert titles == {"before", "after"}
        assert parts["p0_n0"][1] == "a value 2 grad 4 = 2 + 2"
        assert parts["p1_n0"][1] == "a value 0.5 was 2 grad 1 was 4 = 0.5 + 0.5"
        ids = re.findall(r"\bid=(\w+)", source)
        assert len(ids) == len(set(ids))


def test_both_networks_of_an_update_have_neurons_of_their_own() -> None:
    x, b = Value(2.0, label="x"), Value(1.0, label="b")
    before, after = ((Value(w, label="w") * x + b).tanh() for w in (0.5, 0.25))
    source = draw(after, before=before, level="network", labels="plain").dot
    ends = re.findall(r"(\w+) -> (\w+)", source)
    assert {end[:3] for pair in ends for end in pair} == {"p0_", "p1_"}
    ids = re.findall(r"\bid=(\w+)", source)
    assert len(ids) == len(set(ids))


def test_the_direction_and_the_order_of_operands_are_said() -> None:
    for direction in ("LR", "TB"):
        source = draw(lecture(), direction=direction).dot
        assert f"rankdir={direction}" in source
        assert "ordering=in" in source
    edges = re.findall(r"(\w+) -> (\w+)", lecture().draw().dot)
    assert edges == [
        *[("n0", "n2"), ("n1", "n2"), ("n2", "n4"), ("n3", "n4"), ("n4", "n6"), ("n5", "n6")]
    ]


# --- how it is written ---------------------------------------------------------------------------


@pytest.mark.parametrize("labels", LABELS)
def test_there_is_one_font_that_every_graphviz_knows(labels: str) -> None:
    """A list of fonts, or none, the Graphvizes of browsers measure as Times."""
    source = draw(EXAMPLES["kinds"](), labels=labels, form="circles").dot
    fonts = re.findall(r"fontname=(\"[^\"]*\"|\w+)", source)
    assert fonts == ["Helvetica"] * 3
    assert "FACE" not in source
    assert {line.split()[0] for line in source.splitlines() if "fontname" in line} == {
        "graph",
        "node",
        "edge",
    }


def test_plain_labels_have_no_markup_and_a_line_for_each_line() -> None:
    source = draw(lecture(), labels="plain").dot
    assert not re.search(r"=<|</|&lt;|FONT|TABLE", source)
    assert 'n0 [label="a\\nvalue 2\\ngrad 6"' in source
    assert 'label="local -3\\n× -2\\n= 6"' in source


def test_plain_labels_are_the_text_itself() -> None:
    """Other programs do not decode what Graphviz decodes; so little is encoded."""
    y = Value(1.0, label="a<b> 'c'") * Value(1.0, label='<"d">')
    source = draw(y, labels="plain").dot
    assert "label=\"a<b> 'c'\\nvalue 1\"" in source
    assert 'label="<\\"d\\">\\nvalue 1"' in source


def test_looks_are_those_of_the_sketch() -> None:
    with group("g"):
        inner = Value(2.0, label="w") * 3
    y = differentiated(inner * Value(4.0, label="x") - Value(1.0, label="c") * 0)
    for source, made in [
        (draw(what, **view).dot, sketches(what, **view)[0])
        for what, view in [
            (y, {"form": "circles"}),
            (y, {"level": 1}),
            (EXAMPLES["signs"](), {}),
            (lecture(), {"highlight": ["b"]}),
        ]
    ]:
        looks = attributes(source)
        for box in made.boxes:
            look = looks[box.name]
            assert (look["fillcolor"], look["color"]) == (box.fill, box.color)
            assert look["shape"] == SHAPES[box.shape]["shape"]
            assert ("peripheries" in look) == box.double
            assert float(look.get("penwidth", 1)) == box.pen
            assert look["class"] == box.kind
            if box.dash:
                assert box.dash in look["style"]
        for link in made.links:
            look = looks[link.name]
            assert look["color"] == (f"{link.color}:{link.color}" if link.double else link.color)
            assert (look["arrowhead"], look.get("style", "")) == (HEADS[link.arrow], link.dash)
            assert float(look["penwidth"]) == link.pen


def test_shapes_and_heads_are_told_apart() -> None:
    assert len({(look["shape"], look["style"]) for look in SHAPES.values()}) == len(SHAPES)
    assert len(set(HEADS.values())) == len(HEADS)
    assert ALL_FORMS == FORMS


# --- labels --------------------------------------------------------------------------------------

LABELLED = [
    *("x", "w1", "x1*w1 + x2*w2", "-", "0", "None", "n0", "op1", "node", "graph", "a;b", "a,b=c"),
    *('"', '""', 'a"b', "'", "a'b", "`", "%s", "{0}", "${x}", "#x", "//", "/* x */", "$x^2$"),
    *("<", ">", "<>", "<<x>>", "<b>x</b>", "</TD></TR>", "<BR/>", "<!--", "-->", "]]>", "<?x?>"),
    *("<![CDATA[x]]>", "<script>alert(1)</script>", '<IMG SRC="/etc/passwd"/>', "<!DOCTYPE x>"),
    *("&", "&&", "&amp;", "&lt;", "&#60;", "&#x3c;", "&#0;", "&nbsp;", "&bogus;", "&quot", "a&b;"),
    *("\\", "\\\\", "\\N", "\\G", "\\E", "\\L", "\\n", "\\l\\r", '\\"', "a\\", "\\x41", "&\\N;"),
    *("{a|b}", "{", "|", "}", "digraph { a -> b }", '"; x="', '\\" x=\\"', "javascript:x", "a\nb"),
    *("a\r\nb", "a\tb", "\0", "\x01\x02", "\x1b[31m", "\x7f", "\x85", "\x9b", "\ud800", "x\udfff"),
    *("\ufffe", "\uffff", "\U0001fffe", "\U0010ffff", "\ue000", "\ufeff", "\xad", "\u2028"),
    *("\u202eabc", "\u200fabc\u200e", "\u2067a\u2069", "a\u200db", "\u05d0\u05d1", "\u0627\u0628"),
    *("\u5b66\u7fd2\u7387", "\u2202L/\u2202w", "\u03b8\u2081", "e\u0301", "a" + "\u0300" * 40),
    *("\U0001f642", "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", " ", "  x  y "),
    *("\xa0", "\u3000", "w" * 1000, "\u00e9" * 1000),
]
SYMBOLS = [*LABELLED[1:90:4], *"\0\t\n\x1b\x7f\x9b\ud800\ufffe"]


def labelled() -> Value:
    """A value for each label, and an operation for each symbol."""
    y = Value(0.0)
    for label in LABELLED:
        y = y + Value(1.5, label=label)
    for symbol in SYMBOLS:
        y = Op("mine", lambda a: a, lambda y, a: 1.0, symbol=symbol)(y)
    return y


def literally(shown: str, label: str) -> bool:
    """Whether the label is shown; of blanks in a row, all but one do not break."""
    return shown.split() == theme.printable(label).split()


def check_labels() -> None:
    y = labelled()
    g = graph(y)
    for labels in LABELS:
        parts = read(draw(y, labels=labels, form="circles").dot)
        shown = [parts[f"n{node.id}"][1] for node in g.nodes if node.label]
        assert all(text.endswith("value 1.5") for text in shown)
        shown = [text.removesuffix("value 1.5") for text in shown]
        assert [x for x, s in zip(LABELLED, shown, strict=True) if not literally(s, x)] == []
        symbols = [parts[f"op{n.id}"][1] for n in g.nodes if n.op.name == "mine"]
        assert [x for x, s in zip(SYMBOLS, symbols, strict=True) if not literally(s, x)] == []


@pytest.mark.usefixtures("no_dot")
def test_labels_and_symbols_are_shown_literally() -> None:
    check_labels()


@pytest.mark.machine
def test_labels_and_symbols_are_shown_literally_by_system_dot(
    no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    read.cache_clear()
    check_labels()


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("labels", LABELS)
def test_a_label_that_graphviz_could_not_read_is_cut(labels: str) -> None:
    """It reads at most 16,384 bytes."""
    (made,) = sketches(Value(1.0))
    line = made.boxes[0].lines[0]
    for char in ("x", "&", '"', "\u5b66", "\U0001f642"):
        whole = (line[0]._replace(text=char * 20_000),)
        long = made.boxes[0].__class__("n0", "box", (whole,), "#ffffff", "#000000")
        source = dot([(made.__class__((long,), ()), "")], View(labels=labels))
        (said,) = [text for kind, text in read(source).values() if kind.startswith("node")]
        assert said.startswith(char * 1000)
        assert said.endswith("...")
