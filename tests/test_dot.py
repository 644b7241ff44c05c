"""The DOT text: its bytes, what it shows of a graph, and that real Graphviz shows the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from html import unescape
from itertools import product
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from conftest import REAL_PATH, differentiated, neuron, random_value

from tinygrad_edu import TABLE, Op, Value, log, maximum, tanh
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.dot import dot, drawn
from tinygrad_edu.draw.layout import layout
from tinygrad_edu.engine import as_value
from tinygrad_edu.formula import rounded
from tinygrad_edu.graph import graph

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def cells(source: str) -> dict[str, list[str]]:
    """What each value and operation of a DOT text says, a text for each row of its table."""
    shapes = re.findall(r"^\t(\w+) \[label=<(.*?)> class=", source, re.MULTILINE)
    return {
        name: [
            unescape(re.sub(r"<[^>]*>", "", row))
            for row in (re.findall("<TR><TD>(.*?)</TD></TR>", label) or [label])
        ]
        for name, label in shapes
    }


def attributes(source: str, name: str) -> dict[str, str]:
    """The attributes of a value or an operation but its label."""
    line = re.search(rf"^\t{name} \[label=<.*> (class=.*)\]$", source, re.MULTILINE)
    assert line
    return {key: value.strip('"') for key, value in re.findall(r'(\w+)=("[^"]*"|\S+)', line[1])}


def groups(svg: bytes) -> dict[str, ElementTree.Element]:
    """The parts of an SVG by their ids."""
    return {e.attrib["id"]: e for e in ElementTree.fromstring(svg).iter(SVG + "g")}


def texts(part: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in part.iter(SVG + "text")]


# --- exact texts ---------------------------------------------------------------------------------


def every_kind() -> Value:
    """Labels, constants, both sides, a shared value, gradients of all signs, no label at all."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = a - b
    c.label = "a minus b"
    return differentiated(maximum(c / b, 1e-5) ** 2 * tanh(a) - (-a))


def set_after_use() -> Value:
    x = Value(2.0, label="x")
    y = differentiated(x * x + 1)
    x.data = 7.0
    return y


def not_finite() -> Value:
    return differentiated(log(Value(-1.0, label="x")) + Value(float("inf"), label="w") * -1e300)


def hostile() -> Value:
    x = Value(1.0, label='<b>"&amp;\\N\n\x1b[31m\ud800]]>')
    return differentiated(x * Value(2.0, label="\N{GREEK SMALL LETTER THETA}\u202e{a|b}"))


EXAMPLES: dict[str, Callable[[], Value]] = {
    "neuron": lambda: differentiated(neuron()),
    "before": neuron,
    "square": lambda: differentiated((a := Value(3.0, label="a")) * a),
    "leaf": lambda: Value(3.0, label="x"),
    "kinds": every_kind,
    "stale": set_after_use,
    "nan": not_finite,
    "hostile": hostile,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_exact_text(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.dot", EXAMPLES[name]().draw().dot)


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    words = "render tanh(x*w+b)/(x-w)+sin(x)*x*b --at x=2 --at w=-3 --at b=7 --format dot -o -"
    library = (
        "from tinygrad_edu.expression import *; v = expression('tanh(x*w+b)/(x-w)+sin(x)*x*b',"
        "bindings(['x=2', 'w=-3', 'b=7'])); v.backward(); print(v.draw().dot, end='')"
    )
    command = [sys.executable, "-m", "tinygrad_edu", *words.split()]
    made = set()
    for seed in range(10):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(seed)}
        made.add(subprocess.run(command, env=environment, capture_output=True).stdout)
    environment["PYTHONHASHSEED"] = "random"
    made.add(
        subprocess.run([command[0], "-c", library], env=environment, capture_output=True).stdout
    )
    assert len(made) == 1
    assert cells(made.pop().decode())["op2"] == ["*"]


@pytest.mark.parametrize("seed", range(20))
def test_the_same_graph_is_the_same_text(seed: int) -> None:
    y, again = (random_value(Random(seed), 30) for _ in range(2))
    assert y.draw().dot == y.draw().dot == again.draw().dot


# --- what is shown -------------------------------------------------------------------------------


def test_a_value_shows_its_label_its_value_and_its_gradient() -> None:
    shown = cells(differentiated(neuron()).draw().dot)
    assert shown["n0"] == ["x1", "value 2", "grad -1.5"]
    assert shown["n4"] == ["w2", "value 1", "grad 0"]
    assert shown["n9"] == ["o", "value 0.7071", "grad 1"]
    assert shown["n5"] == ["value 0", "grad 0.5"]
    assert (shown["op9"], shown["op8"], shown["op2"]) == (["tanh"], ["+"], ["*"])


def test_before_backward_nothing_is_said_of_gradients() -> None:
    y = neuron()
    assert not re.search(r"\bgrad\b", y.draw().dot)
    y.backward()
    assert re.search(r"\bgrad\b", y.draw().dot)
    y.zero_grad()
    assert not re.search(r"\bgrad\b", y.draw().dot)


def test_a_constant_is_only_its_number() -> None:
    source = differentiated(Value(3.0) * 2.5).draw().dot
    assert cells(source)["n1"] == ["2.5"]
    assert "grad" not in source[source.index("\tn1 ") : source.index("\tn2 ")]


def test_the_tooltip_has_the_exact_numbers() -> None:
    source = differentiated(Value(0.1) * (1 / 3)).draw().dot
    assert attributes(source, "n0")["tooltip"] == "leaf: 0.1, grad 0.3333333333333333"
    assert attributes(source, "n1")["tooltip"] == "constant: 0.3333333333333333"


def test_a_value_that_was_set_after_use_says_so() -> None:
    shown = cells(set_after_use().draw().dot)
    assert [name for name, rows in shown.items() if any("after use" in row for row in rows)] == [
        "n0"
    ]


def test_a_square_has_two_edges_that_say_which_operand_they_are() -> None:
    source = EXAMPLES["square"]().draw().dot
    assert re.findall(r'n0 -> op1 \[id=(\w+) tooltip="(.*)"\]', source) == [
        ("e0_1_0", "operand 0"),
        ("e0_1_1", "operand 1"),
    ]


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
def test_operands_that_cannot_be_exchanged_are_told_apart(op: Op) -> None:
    xs = (0.5, 2.0)[: len(op.derivatives)]
    source = op(*map(Value, xs)).draw().dot
    sides = re.findall(r"headlabel=(\w+)", source)
    changes = len(xs) == 2 and op(*xs) != op(*reversed(xs))
    assert sides == (["left", "right"] if changes else [])


def kinds() -> dict[str, str]:
    """Of each kind of shape, what is drawn in the SVG, without colour, size and place."""
    a = Value(3.0)
    drawings = {
        "leaf": (a * 2 - 1, "n0"),
        "constant": (a * 2 - 1, "n1"),
        "operation": (a * 2 - 1, "n2"),
        "operator": (a * 2 - 1, "op2"),
        "output": (a * 2 - 1, "n4"),
        "output leaf": (a, "n0"),
        "output constant": (as_value(2.0), "n0"),
    }
    outlines = {}
    for kind, (y, name) in drawings.items():
        part = groups(y.draw().render("svg"))[name]
        shapes = [e for e in part.iter() if e.tag[len(SVG) :] in ("polygon", "path", "ellipse")]
        corners = [len(e.get("points", "").split()) for e in shapes]
        outlines[kind] = str([(e.tag[len(SVG) :], n) for e, n in zip(shapes, corners, strict=True)])
    return outlines


@pytest.mark.usefixtures("no_dot")
def test_every_kind_has_a_shape_of_its_own() -> None:
    outlines = kinds()
    assert len(set(outlines.values())) == len(outlines), outlines


def test_every_kind_has_a_class_for_style_sheets() -> None:
    source = differentiated(Value(3.0) * 2 - 1).draw().dot
    classes = [attributes(source, name)["class"] for name in ("n0", "n1", "n2", "op2", "n4")]
    assert classes == ["leaf", "constant", "operation", "operator", "operation output"]


@pytest.mark.parametrize("seed", range(30))
def test_shapes_and_edges_are_those_of_the_graph(seed: int) -> None:
    random = Random(seed)
    g = graph(random_value(random, random.randint(0, 40)))
    source = dot(g)
    shown = cells(source)
    operations = [node for node in g.nodes if node.args]
    assert set(shown) == {f"n{n.id}" for n in g.nodes} | {f"op{n.id}" for n in operations}
    assert len(shown) == drawn(g)
    assert all(shown[f"op{n.id}"] == [n.symbol] for n in operations)
    found = re.findall(r"^\t(\w+) -> (\w+) \[.*\bid=(\w+)", source, re.MULTILINE)
    results = [(f"op{n.id}", f"n{n.id}", f"e{n.id}") for n in operations]
    operands = [
        (f"n{e.source}", f"op{e.target}", f"e{e.source}_{e.target}_{e.operand}") for e in g.edges
    ]
    assert sorted(found) == sorted(results + operands)


# --- numbers and labels --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2.0, "2"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (-2 / 3, "-0.6667"),
        (0.99999, "1"),
        (100.0, "100"),
        (1e6, "1000000"),
        (1234567.891, "1234567.891"),
        (1e7, "1e+07"),
        (0.001, "0.001"),
        (0.00099, "0.00099"),
        (-0.0000123456, "-1.235e-05"),
        (5e-324, "4.941e-324"),
        (1.7976931348623157e308, "1.798e+308"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_are_written_for_a_reader(number: float, text: str) -> None:
    assert rounded(number) == text


@pytest.mark.parametrize("seed", range(200))
def test_a_written_number_is_close_and_never_zero_for_another(seed: int) -> None:
    random = Random(seed)
    x = random.choice([-1, 1]) * 10 ** random.uniform(-300, 300)
    text = rounded(x)
    assert abs(float(text) - x) <= max(1e-3 * abs(x), 5e-5 if abs(x) >= 1e-3 else 0)
    assert float(text) != 0
    assert len(text) <= 13


LABELS = [
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
SYMBOLS = [*LABELS[1:90:4], *"\0\t\n\x1b\x7f\x9b\ud800\ufffe"]
LONG = [
    "x" * 10_000,
    "\u00e9" * 10_000,
    "\u5b66" * 10_000,
    "&" * 10_000,
    '"' * 10_000,
    "\\" * 10_000,
]


def name_of(label: str) -> str:
    return ascii(label[:20])


def literally(shown: str, label: str) -> bool:
    """Whether an SVG shows the label; of blanks in a row, all but one do not break."""
    return shown.replace("\xa0", " ") == theme.printable(label).replace("\xa0", " ")


def check_label(label: str) -> None:
    svg = (Value(1.5, label=label) * 2).draw().render("svg")
    shown = texts(groups(svg)["n0"])
    assert literally(shown[0], label), shown
    assert shown[1:] == ["value", " ", "1.5"]


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("label", LABELS, ids=name_of)
def test_a_label_is_shown_literally(label: str) -> None:
    check_label(label)


@pytest.mark.machine
@pytest.mark.parametrize("label", LABELS, ids=name_of)
def test_a_label_is_shown_literally_by_system_dot(
    label: str, no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    check_label(label)


def check_long_label(label: str) -> None:
    shown = texts(groups((Value(1.5, label=label) * 2).draw().render("svg"))["n0"])
    assert shown[0][:50] == label[:50]
    assert shown[-1] == "1.5"


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("label", LONG, ids=name_of)
def test_a_very_long_label_is_no_obstacle(label: str) -> None:
    check_long_label(label)


@pytest.mark.machine
@pytest.mark.parametrize("label", LONG, ids=name_of)
def test_a_very_long_label_is_no_obstacle_to_system_dot(
    label: str, no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    check_long_label(label)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("symbol", SYMBOLS, ids=name_of)
def test_the_symbol_of_ones_own_operation_is_shown_literally(symbol: str) -> None:
    mine = Op("mine", lambda a: a, lambda y, a: 1.0, symbol=symbol)
    shown = texts(groups(mine(Value(1.5)).draw().render("svg"))["op1"])
    assert literally("".join(shown), symbol), shown


@pytest.mark.usefixtures("no_dot")
def test_labels_do_not_become_part_of_the_text_around_them() -> None:
    y = Value(0.0)
    for label in LABELS:
        y = y + Value(1.0, label=label)
    parts = groups(y.draw().render("svg"))
    shown = [texts(parts[f"n{node.id}"])[0] for node in graph(y).nodes if node.label]
    assert len(shown) == len(LABELS) > 40
    assert all(map(literally, shown, LABELS))


def test_printable_leaves_what_can_be_shown() -> None:
    assert theme.printable("x \u5b66\U0001f642\u202e\u0301") == "x \u5b66\U0001f642\u202e\u0301"
    assert theme.printable("a\0\t\n\x1b\x7f\x85\ud800\ufffeb") == (
        "a\u2400\u2409\u240a\u241b\ufffd\ufffd\ufffd\ufffdb"
    )


# --- colours -------------------------------------------------------------------------------------

COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")
STYLES = [*theme.NODE.values(), theme.OUTPUT, theme.OPERATOR]
FILLS = sorted({theme.PAPER, *(style["fillcolor"] for style in STYLES if "fillcolor" in style)})
INKS = [theme.INK, theme.QUIET, theme.GRAD, theme.WARNING]


def luminance(color: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("ink", "fill"), list(product(INKS, FILLS)))
def test_every_text_can_be_read_on_every_fill(ink: str, fill: str) -> None:
    assert contrast(ink, fill) >= 4.5


@pytest.mark.parametrize("fill", FILLS)
def test_lines_can_be_seen_on_every_fill(fill: str) -> None:
    assert contrast(theme.LINE, fill) >= 3


def in_text(names: Iterable[str]) -> set[str]:
    sources = [example().draw().dot for example in EXAMPLES.values()]
    found: set[str] = set()
    for name, source in product(names, sources):
        found |= {m[1] for m in re.finditer(rf'\b{name}="(#\w+)"', source)}
    return found


def test_no_other_colours_are_used() -> None:
    assert in_text(["fillcolor", "bgcolor"]) == set(FILLS)
    assert in_text(["COLOR", "fontcolor", "labelfontcolor"]) == set(INKS)
    assert in_text(["color"]) == {theme.LINE}
    source = every_kind().draw().dot
    assert set(COLOR.findall(source)) <= {*FILLS, *INKS, theme.LINE}


def test_no_letter_is_small() -> None:
    sizes = re.findall(r'(?:fontsize=|POINT-SIZE=")(\d+)', every_kind().draw().dot)
    assert {12, 16, 20, 26} == set(map(int, sizes))


# --- as Graphviz reads it ------------------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("name", EXAMPLES)
def test_graphviz_reads_it_without_complaint(name: str) -> None:
    parts = groups(layout(EXAMPLES[name]().draw().dot).data)
    for shape, rows in cells(EXAMPLES[name]().draw().dot).items():
        said = " ".join("".join(texts(parts[shape])).split())
        assert said == " ".join("".join(rows).replace("\\\\", "\\").split())
