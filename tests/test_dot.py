"""The DOT text: its bytes, what it shows of a graph, and that real Graphviz shows the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from html import unescape
from math import isfinite
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from conftest import REAL_PATH, differentiated, neuron, random_value
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import TABLE, Op, Value, ViewError, gradient, log, maximum, sinh, sqrt, tanh
from tinygrad_edu.analysis.graph import Graph, graph
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.dot import Panel, dot, drawn
from tinygrad_edu.draw.layout import layout
from tinygrad_edu.draw.view import BLANK, HIDEABLE, View
from tinygrad_edu.engine import as_value
from tinygrad_edu.rows.formula import rounded

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"


def cells(source: str) -> dict[str, list[str]]:
    """What each value and operation of a DOT text says, a text for each row of its table."""
    shapes = re.findall(r"^\t+(\w+) \[label=<(.*?)> class=", source, re.MULTILINE)
    return {
        name: [
            unescape(re.sub(r"<[^>]*>", "", row))
            for row in (re.findall("<TR><TD>(.*?)</TD></TR>", label) or [label])
        ]
        for name, label in shapes
    }


def attributes(source: str, name: str) -> dict[str, str]:
    """The attributes of a value or an operation but its label."""
    line = re.search(rf"^\t+{name} \[label=<.*> (class=.*)\]$", source, re.MULTILINE)
    assert line
    return pairs(line[1])


def pairs(written: str) -> dict[str, str]:
    found = re.findall(r'(\w+)=("[^"]*"|<.*?>(?= \w+=|$)|\S+)', written)
    return {key: value.strip('"') for key, value in found}


def uses(source: str) -> dict[str, dict[str, str]]:
    """The edges from operands of a DOT text, by their ids; of labels, the text."""
    found = {}
    for line in re.findall(r"^\t+\w+ -> \w+ \[(.*)\]$", source, re.MULTILINE):
        edge = pairs(line)
        if "class" in edge:  # not the edge from an operation to its result
            edge |= {name: plain(edge.get(name, "<>")[1:-1]) for name in ("label", "headlabel")}
            found[edge["id"]] = edge
    return found


def plain(label: str) -> str:
    """The text of a label, a line for each of its lines."""
    words = unescape(re.sub(r"<[^>]*>", "", label.replace("<BR/>", "\n")))
    return "\n".join(line.strip() for line in words.split("\n")).strip()


def drawing(g: Graph, **view: Any) -> str:
    return dot([Panel(g)], View(**view))


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


EXACT = ("kinds", "stale", "signs", "hostile")
EXAMPLES: dict[str, Callable[[], Value]] = {
    "neuron": lambda: differentiated(neuron()),
    "before": neuron,
    "square": lambda: differentiated((a := Value(3.0, label="a")) * a),
    "leaf": lambda: Value(3.0, label="x"),
    "kinds": every_kind,
    "stale": set_after_use,
    "nan": not_finite,
    "hostile": hostile,
    "lecture": lambda: lecture(),
    "signs": lambda: every_sign(),
}


@pytest.mark.quick
@pytest.mark.parametrize("name", EXACT)
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
"""


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    """Texts hash differently in every process; the same graph is the same text in one, too."""
    made = set()
    for seed in ("0", "4"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", SEEDED], env=environment, capture_output=True)
        made.add(done.stdout.decode())
    (told,) = made
    assert cells(told.partition("}\n")[0])["op2"] == ["*"]
    assert told.count("digraph") == 5
    y, again = (random_value(Random(5), 30) for _ in range(2))
    assert y.draw().dot == y.draw().dot == again.draw().dot


# --- what is shown -------------------------------------------------------------------------------


@pytest.mark.quick
def test_a_value_shows_its_label_its_value_and_its_gradient() -> None:
    shown = cells(differentiated(neuron()).draw().dot)
    assert shown["n0"] == ["x1", "value 2", "grad -1.5000"]
    assert shown["n4"] == ["w2", "value 1", "grad 0"]
    assert shown["n9"] == ["o", "value 0.7071", "grad 1"]
    assert shown["n5"] == ["value 0", "grad 0.5000"]
    assert (shown["op9"], shown["op8"], shown["op2"]) == (["tanh"], ["+"], ["*"])


def test_numbers_that_are_not_finite_are_words() -> None:
    shown = cells(not_finite().draw().dot)
    assert [shown[f"n{i}"][-2:] for i in (0, 1, 2, 4, 5)] == [
        ["value -1", "grad nan"],
        ["value nan", "grad nan"],
        ["value inf", "grad nan"],
        ["value -inf", "grad nan"],
        ["value nan", "grad 1"],
    ]


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


@pytest.mark.quick
def test_a_square_has_two_edges_that_say_which_operand_they_are() -> None:
    source = EXAMPLES["square"]().draw().dot
    assert len(re.findall("n0 -> op1 ", source)) == 2
    assert {name: edge["tooltip"] for name, edge in uses(source).items()} == {
        "e0_1_0": "operand 0, local derivative b, here a = 3 = 3.0, contribution 3.0",
        "e0_1_1": "operand 1, local derivative a, here a = 3 = 3.0, contribution 3.0",
    }


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
def test_operands_that_cannot_be_exchanged_are_told_apart(op: Op) -> None:
    xs = (0.5, 2.0)[: len(op.derivatives)]
    y = op(*map(Value, xs))
    changes = len(xs) == 2 and op(*xs) != op(*reversed(xs))
    said = [edge["label"].partition(":")[0] for edge in uses(y.draw().dot).values()]
    sides = [word for word in said if word in ("left", "right")]
    assert sides == (["left", "right"] if changes else [])
    alone = [edge["headlabel"] for edge in uses(y.draw(edges=[]).dot).values()]
    assert alone == (["left", "right"] if changes else [""] * len(xs))


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


@given(st.integers(0, 2**32), st.integers(0, 40))
@settings(max_examples=15)
def test_shapes_and_edges_are_those_of_the_graph(seed: int, operations: int) -> None:
    g = graph(random_value(Random(seed), operations))
    source = drawing(g)
    shown = cells(source)
    operations = [node for node in g.nodes if node.args]
    assert set(shown) == {f"n{n.id}" for n in g.nodes} | {f"op{n.id}" for n in operations}
    assert len(shown) == drawn(g)
    assert all(shown[f"op{n.id}"] == [str(n.op)] for n in operations)
    found = re.findall(r"^\t(\w+) -> (\w+) \[.*\bid=(\w+)", source, re.MULTILINE)
    results = [(f"op{n.id}", f"n{n.id}", f"e{n.id}") for n in operations]
    operands = [
        (f"n{e.source}", f"op{e.target}", f"e{e.source}_{e.target}_{e.operand}") for e in g.edges
    ]
    assert sorted(found) == sorted(results + operands)


# --- what flows back along the edges -------------------------------------------------------------


def lecture() -> Value:
    """L = (a*b + c) * f at 2, -3, 10, -2, of which every derivative is known by heart."""
    a, b, c, f = (Value(x, label=name) for x, name in zip((2.0, -3.0, 10.0, -2.0), "abcf"))
    y = (a * b + c) * f
    y.label = "L"
    return differentiated(y)


def every_sign() -> Value:
    """An edge that adds, one that takes away, one that does nothing, and one that is undefined."""
    a, b, c, d = (Value(x, label=name) for x, name in zip((2.0, 3.0, 5.0, 0.0), "abcd"))
    return differentiated(a * 2 - b * 7 + c * 0 + sqrt(d) * 0)


def signs(source: str) -> dict[str, dict[str, str]]:
    """For each sign the attributes of an edge with it."""
    edges = {edge["class"].removeprefix("use "): edge for edge in uses(source).values()}
    edges.pop("use", None)  # from constants, to which nothing flows back
    return edges


LECTURE = {  # the local derivative and the contribution of each edge
    "e0_2_0": "local -3\n× -2 = +6",
    "e1_2_1": "local 2\n× -2 = -4",
    "e2_4_0": "local 1\n× -2 = -2",
    "e3_4_1": "local 1\n× -2 = -2",
    "e4_6_0": "local -2\n× 1 = -2",
    "e5_6_1": "local 4\n× 1 = +4",
}


def test_every_edge_says_its_local_derivative_and_its_contribution() -> None:
    assert {name: edge["label"] for name, edge in uses(lecture().draw().dot).items()} == LECTURE


def check_edges_in_the_svg() -> None:
    parts = groups(lecture().draw().render("svg"))
    for name, label in LECTURE.items():
        assert " ".join(texts(parts[name])).split() == label.split()


@pytest.mark.usefixtures("no_dot")
def test_the_svg_has_every_local_derivative_and_every_contribution() -> None:
    check_edges_in_the_svg()


@pytest.mark.machine
def test_the_svg_of_the_systems_dot_has_them_too(
    no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    check_edges_in_the_svg()


def test_an_edge_says_what_it_is_asked_to_say() -> None:
    x = Value(0.5, label="x")
    y = tanh(x)
    y.label = "y"
    differentiated(y)

    def said(*edges: str) -> str:
        return uses(y.draw(edges=edges).dot)["e0_1_0"]["label"]

    assert said() == ""
    assert said("formula") == "local 1 - y**2"
    assert said("numbers") == "local 1 - 0.4621**2"
    assert said("local") == "local 0.7864"
    assert said("contribution") == "+0.7864"
    assert said("contribution", "local", "numbers", "formula") == (
        "local 1 - y**2 = 1 - 0.4621**2 = 0.7864\n× 1 = +0.7864"
    )


@pytest.mark.parametrize("label", ["w", "the rate", ""])
def test_every_name_in_a_formula_is_shown_on_a_box(label: str) -> None:
    """Also where two values have the same label, or one that is no name."""
    a, b = Value(2.0, label=label), Value(3.0, label=label)
    source = differentiated(a * b).draw(edges=["formula"]).dot
    used = [edge["label"].removeprefix("local ") for edge in uses(source).values()]
    assert used == ["v1", "v0"]
    shown = cells(source)
    assert "v0" in " ".join(shown["n0"])
    assert "v1" in " ".join(shown["n1"])


def test_before_backward_an_edge_says_only_the_local_derivative() -> None:
    source = neuron().draw().dot
    labels = [edge["label"] for edge in uses(source).values()]
    assert labels[:2] == ["local -3", "local 2"]
    assert not any("×" in label or "=" in label for label in labels)
    assert {edge["class"] for edge in uses(source).values()} == {"use"}


def test_an_edge_from_a_constant_says_nothing_of_derivatives() -> None:
    source = differentiated(Value(3.0) - 2.5).draw().dot
    edges = uses(source)
    assert edges["e1_2_1"]["label"] == "right"
    assert edges["e1_2_1"]["tooltip"] == "operand 1"
    assert (edges["e0_2_0"]["label"], edges["e0_2_0"]["class"]) == (
        "left: local 1\n× 1 = +1",
        "use positive",
    )


def test_where_contributions_meet_the_node_shows_their_sum() -> None:
    a = Value(2.0, label="a")
    shown = cells(differentiated(a + a * 6).draw().dot)
    assert shown["n0"] == ["a", "value 2", "grad 7", "= 1 + 6"]
    assert not [row for rows in cells(lecture().draw().dot).values() for row in rows if "=" in row]

    b = Value(3.0, label="b")
    assert cells(differentiated(b * -4 - b * 0.5).draw().dot)["n0"][3] == "= -0.5 + (-4)"


def test_the_sum_of_many_contributions_is_told_by_their_number() -> None:
    a = Value(2.0, label="a")
    assert cells(differentiated(a + a + a + a).draw().dot)["n0"][3] == "= 1 + 1 + 1 + 1"
    b = Value(2.0, label="b")
    shown = cells(differentiated(b + b + b + b + b).draw().dot)
    assert shown["n0"][2:] == ["grad 5", "= sum of 5"]


def test_what_came_from_another_backward_is_told_apart_in_the_sum() -> None:
    a = Value(2.0, label="a")
    (a * 100).backward()
    y = differentiated(a * 3)
    assert cells(y.draw().dot)["n0"][2:] == ["grad 103", "= 3 + 100 from elsewhere"]


def test_what_came_from_elsewhere_is_told_however_little_it_is_and_rounding_is_not() -> None:
    for little, told in ((0.5, "= 3 + 0.5 from"), (1e-8, "= 3 + 1.000e-08 from"), (1e-15, "")):
        a = Value(2.0, label="a")
        (a * little).backward()
        shown = cells(differentiated(a * 3).draw().dot)["n0"]
        assert " ".join(shown[3:]).removesuffix(" elsewhere") == told


def test_signs_are_told_apart_without_colour() -> None:
    edges = signs(every_sign().draw().dot)
    assert set(edges) == {"positive", "negative", "zero", "undefined"}
    for what in ("style", "arrowhead", "color", "class"):
        assert len({edge[what] for edge in edges.values()}) == 4, what
    said = {sign: edge["label"].rpartition(" ")[2] for sign, edge in edges.items()}
    assert (said["positive"][0], said["negative"][0]) == ("+", "-")
    assert (said["zero"], said["undefined"]) == ("0", "nan")


@pytest.mark.usefixtures("no_dot")
def test_in_the_svg_signs_are_told_apart_by_line_or_arrow_head_and_by_class() -> None:
    y = every_sign()
    parts = groups(y.draw(theme="print").render("svg"))
    outlines: dict[str, str] = {}
    for edge in signs(y.draw().dot).values():
        part = parts[edge["id"]]
        assert part.attrib["class"] == f"edge {edge['class']}"
        line = next(part.iter(SVG + "path"))
        heads = [e for e in part.iter() if e.tag[len(SVG) :] in ("polygon", "ellipse", "polyline")]
        shape = [
            (e.tag[len(SVG) :], len(e.get("points", "").split()), e.get("fill")) for e in heads
        ]
        outlines[edge["class"]] = str((line.get("stroke-dasharray"), shape))
    assert len(set(outlines.values())) == len(outlines) == 4, outlines


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_larger_the_contribution_the_wider_the_edge(seed: int) -> None:
    y = random_value(Random(seed), 20)
    finite = [
        (abs(edge.contribution), name)
        for edge in graph(y).edges
        for name in [f"e{edge.source}_{edge.target}_{edge.operand}"]
        if edge.contribution is not None and isfinite(edge.contribution)
    ]
    drawn_edges = uses(y.draw().dot)
    widths = [float(drawn_edges[name]["penwidth"]) for _, name in sorted(finite)]
    assert widths == sorted(widths)
    assert all(theme.THINNEST <= width <= theme.WIDEST for width in widths)
    if finite and max(finite)[0] > 0:
        assert widths[-1] == theme.WIDEST
    assert all(width == theme.THINNEST for (x, _), width in zip(sorted(finite), widths) if x == 0)


def test_the_width_is_in_proportion_to_the_magnitude() -> None:
    a, b, c = Value(1.0), Value(1.0), Value(1.0)
    edges = uses(differentiated(a * 10 + b * -5 + c * 0).draw().dot)
    widths = [float(edges[name]["penwidth"]) for name in ("e0_2_0", "e3_5_0", "e7_9_0")]
    assert widths == [4.0, 2.6, 1.2]


def test_an_infinite_contribution_is_as_wide_as_any_and_an_undefined_one_is_not() -> None:
    x, w = Value(0.0, label="x"), Value(0.0, label="w")
    y = differentiated(sqrt(x) + sqrt(w) * 0 + x * 5)
    edges = uses(y.draw().dot)
    assert edges["e0_1_0"]["label"].endswith("+inf")
    assert float(edges["e0_1_0"]["penwidth"]) == theme.WIDEST
    assert edges["e2_3_0"]["label"].endswith("nan")
    assert float(edges["e2_3_0"]["penwidth"]) == theme.THINNEST


# --- views ---------------------------------------------------------------------------------------

EVERYTHING = ("formula", "numbers", "local", "contribution")


def worksheet() -> Value:
    """No two of its numbers look the same: a number that is hidden can be searched for."""
    a, b, c, f = (
        Value(x, label=name) for x, name in zip((7.7071, -3.3119, 10.4513, -2.2963), "abcf")
    )
    y = sinh(((a * b + c) * f + a * 0.8417) / 17.5309) ** 2
    y.label = "y"
    return differentiated(y)


def secrets(g: Graph, hidden: str) -> list[float]:
    """The numbers that hiding this must remove: those that stand nowhere else by right."""
    numbers: dict[str, list[float | None]] = {
        "leaves": [node.data for node in g.nodes if node.kind == "leaf"],
        "values": [node.data for node in g.nodes if node.kind == "operation"],
        "grads": [node.grad for node in g.nodes],
        "local": [edge.local for edge in g.edges],
        "contribution": [edge.contribution for edge in g.edges],
    }
    rest: list[float | None] = [node.data for node in g.nodes if node.kind == "constant"]
    rest += map(float, range(100))  # in formulas, as ids and as counts
    blank = {
        "leaves": {"leaves", "local"},
        "values": {"values", "local"},
        "grads": {"grads", "contribution"},
        "edges": {"local", "contribution"},
    }[hidden]
    secret = (
        {*numbers[hidden]} if hidden in numbers else {x for kind in blank for x in numbers[kind]}
    )
    for kind in numbers.keys() - blank:
        rest += numbers[kind]
    elsewhere = {rounded(abs(x)) for x in rest if x is not None}
    return [x for x in secret if x is not None and rounded(abs(x)) not in elsewhere]


def occurs(number: float, written: str) -> bool:
    """Whether the number stands in the text, exactly or rounded, with either sign."""
    told = {rounded(abs(number)), repr(abs(number))}
    return any(re.search(rf"(?<![\w.]){re.escape(x)}(?![\w])", written) for x in told)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("edges", [None, EVERYTHING], ids=["usual", "everything"])
@pytest.mark.parametrize("hidden", HIDEABLE)
def test_what_is_hidden_is_nowhere(hidden: str, edges: Sequence[str] | None) -> None:
    y = worksheet()
    whole, sheet = y.draw(edges=edges), y.draw(edges=edges, hide=[hidden])
    secret = secrets(graph(y), hidden)
    assert len(secret) >= 4
    for form in (
        lambda picture: picture.dot,
        lambda picture: unescape(picture.render("svg").decode()),
        lambda picture: picture.alt,
        lambda picture: picture.text(width=1000),
    ):
        assert not [x for x in secret if occurs(x, form(sheet))]
    assert all(occurs(x, whole.dot) for x in secret)
    assert BLANK in sheet.dot


@pytest.mark.parametrize("hidden", HIDEABLE)
def test_what_is_hidden_is_nowhere_in_random_graphs(hidden: str) -> None:
    found = 0
    for seed in range(20):
        random = Random(seed)
        nodes = [Value(random.uniform(0.2, 2), label=name) for name in "abc"]
        for _ in range(8):
            op = random.choice([TABLE[name] for name in ("add", "mul", "div", "tanh", "cosh")])
            nodes.append(op(*random.choices(nodes[-4:], k=len(op.derivatives))))
        y = differentiated(nodes[-1])
        sheet = y.draw(edges=EVERYTHING, hide=[hidden])
        for written in (sheet.dot, sheet.alt, sheet.text(width=1000)):
            assert not [x for x in secrets(graph(y), hidden) if occurs(x, written)], seed
        found += len(secrets(graph(y), hidden))
    assert found > 30


def asks() -> Value:
    """An operation of one's own whose rule asks about a number, so that it is no formula."""
    mine = Op("mine", lambda a: a * a, lambda y, a: 2 * a if a > 0 else -2 * a)
    return differentiated(mine(Value(7.7071, label="x")))


def test_an_operation_whose_rule_is_no_formula_is_drawn_all_the_same() -> None:
    edges = uses(asks().draw(edges=EVERYTHING).dot)
    assert edges["e0_1_0"]["label"] == "local 15.4142\n× 1 = +15.4142"


@pytest.mark.parametrize("hidden", ["values", "edges"])
def test_a_rule_that_is_no_formula_betrays_nothing_either(hidden: str) -> None:
    picture = asks().draw(hide=[hidden, "grads"], edges=["formula"])
    assert not occurs(15.4142, picture.text(width=100))
    assert not occurs(15.4142, picture.dot)


@pytest.mark.parametrize("hidden", ["grads", "edges"])
def test_a_hidden_contribution_is_not_betrayed_by_line_width_or_colour(hidden: str) -> None:
    edges = list(uses(worksheet().draw(hide=[hidden]).dot).values())
    assert {edge["class"] for edge in edges} == {"use"}
    for attribute in ("penwidth", "color", "style", "arrowhead"):
        assert not any(attribute in edge for edge in edges)


def test_a_hidden_gradient_is_not_betrayed_by_the_colours_of_the_terminal() -> None:
    minus, plus = (differentiated(Value(2.0, label="x") * Value(k, label="w")) for k in (-3.0, 3.0))
    hidden = ["leaves", "values", "grads"]
    one, other = (y.draw(hide=hidden).text(width=80, color=True) for y in (minus, plus))
    assert one == other


def test_all_blanks_at_once_make_a_worksheet() -> None:
    shown = cells(worksheet().draw(hide=["leaves", "values", "grads", "edges"]).dot)
    assert shown["n0"] == ["a", f"value {BLANK}", f"grad {BLANK}"]
    assert shown["n7"] == ["0.8417"]  # of the formula, and not a number to work out


def test_hidden_numbers_of_an_update_are_hidden_before_and_after() -> None:
    y, later = worksheet(), worksheet()
    picture = later.draw(before=y, hide=["leaves", "values", "grads", "edges"])
    for hidden in HIDEABLE:
        assert not [x for x in secrets(graph(y), hidden) if occurs(x, picture.dot)]
    assert "was" not in picture.dot


def test_highlighted_paths_stand_out() -> None:
    y = lecture()
    source = y.draw(highlight=["b"]).dot
    colors = theme.THEMES["light"]
    edges = uses(source)
    strong = {name for name, edge in edges.items() if edge["color"] == colors.highlight}
    assert strong == {"e1_2_1", "e2_4_0", "e4_6_0"}
    for name, edge in edges.items():
        assert float(edge["penwidth"]) == (3.0 if name in strong else 0.5)
        assert name in strong or edge["style"] == "dotted"
    boxes = {name: attributes(source, name) for name in cells(source)}
    standing_out = {name for name, box in boxes.items() if box["color"] == colors.highlight}
    assert standing_out == {"n1", "n2", "op2", "n4", "op4", "n6", "op6"}
    assert all("penwidth" in box for box in boxes.values())
    assert cells(source) == cells(y.draw().dot)  # the words are the same


def test_paths_of_several_and_of_a_result_are_highlighted() -> None:
    y = lecture()

    def on_path(*names: str) -> set[str]:
        edges = uses(y.draw(highlight=names).dot)
        color = theme.THEMES["light"].highlight
        return {name for name, edge in edges.items() if edge["color"] == color}

    assert on_path("f") == {"e5_6_1"}
    assert on_path("f", "c") == {"e5_6_1", "e3_4_1", "e4_6_0"}
    assert on_path("v4") == {"e4_6_0"}
    assert on_path("L") == set()


def test_a_name_that_is_not_there_cannot_be_highlighted() -> None:
    with pytest.raises(ViewError, match="unknown name 'z': choose a, b, v2, c, v4"):
        lecture().draw(highlight=["z"])


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (
            {"hide": ["everything"]},
            "unknown hide value 'everything': choose leaves, values, grads",
        ),
        ({"edges": ["gradient"]}, "unknown edges value 'gradient': choose formula, numbers"),
        ({"direction": "RL"}, "unknown direction 'RL': choose LR, TB"),
        ({"theme": "pink"}, "unknown theme 'pink': choose light, dark, print, contrast"),
        ({"precision": 18}, "numbers are shown with 0 to 17 decimals, not 18"),
        ({"precision": -1}, "numbers are shown with 0 to 17 decimals, not -1"),
        ({"precision": 2.5}, r"numbers are shown with 0 to 17 decimals, not 2\.5"),
    ],
)
def test_a_view_that_there_is_not(view: Any, words: str) -> None:
    with pytest.raises(ViewError, match=words):
        lecture().draw(**view)


def test_roles_are_written_and_coloured() -> None:
    y = lecture()
    source = y.draw(roles={"a": "input", "b": "parameter", "L": "loss"}).dot
    shown = cells(source)
    assert [shown[name][1] for name in ("n0", "n1", "n6")] == ["input", "parameter", "loss"]
    classes = [attributes(source, name)["class"] for name in ("n0", "n1", "n3", "n6")]
    assert classes == ["leaf input", "leaf parameter", "leaf", "operation loss output"]
    fills = [attributes(source, name)["fillcolor"] for name in ("n0", "n1", "n6")]
    light = theme.THEMES["light"]
    assert fills == [light.input, light.parameter, light.loss]


def places_of(svg: bytes) -> dict[str, tuple[float, float]]:
    """The middle of each box of an SVG."""
    middles = {}
    for name, part in groups(svg).items():
        if re.fullmatch(r"n\d+", name):
            outline = next(part.iter(SVG + "polygon"), None)
            points = (
                re.findall(r"(-?[\d.]+),(-?[\d.]+)", outline.attrib["points"])
                if outline is not None
                else re.findall(r"(-?[\d.]+),(-?[\d.]+)", next(part.iter(SVG + "path")).attrib["d"])
            )
            xs, ys = zip(*((float(x), float(y)) for x, y in points))
            middles[name] = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
    return middles


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize(("direction", "axis"), [("LR", 0), ("TB", 1)])
def test_the_picture_runs_the_way_it_is_asked_to(direction: str, axis: int) -> None:
    y = lecture()
    assert f"rankdir={direction}" in y.draw(direction=direction).dot
    middles = places_of(y.draw(direction=direction).render("svg"))
    for edge in graph(y).edges:  # and SVG counts from the top
        start, end = middles[f"n{edge.source}"], middles[f"n{edge.target}"]
        assert end[axis] > start[axis] + 20


@pytest.mark.parametrize(
    ("precision", "value", "grad", "local"),
    [
        (0, "2", "-1", "-1"),
        (1, "1.6", "-1.3", "-1.3"),
        (4, "1.6458", "-1.2590", "-1.2590"),
        (12, "1.645751311065", "-1.259043672087", "-1.259043672087"),
    ],
)
def test_precision(precision: int, value: str, grad: str, local: str) -> None:
    x = Value(7**0.5 - 1, label="x")
    source = differentiated(x * -1.259043672087).draw(precision=precision).dot
    assert cells(source)["n0"] == ["x", f"value {value}", f"grad {grad}"]
    assert uses(source)["e0_2_0"]["label"] == f"local {local}\n× 1 = {local}"
    assert "leaf: 1.6457513110645907, grad -1.259043672087" in source  # to point at


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 17))
def test_rounding_is_to_so_many_places_and_no_number_becomes_zero(x: float, places: int) -> None:
    text = rounded(x, places)
    assert (float(text) == 0) == (x == 0)
    assert text != "-0"
    if 1e-3 <= abs(x) < 1e7:
        assert abs(float(text) - x) <= max(0.5001 * 10.0**-places, 1e-15 * abs(x)) or "e" in text
        assert "e" in text or len(text.partition(".")[2]) <= places
    assert float(rounded(-x, places)) == -float(text)


def test_two_outputs_in_one_picture() -> None:
    x = Value(3.0, label="x")
    y = x * x * x
    y.label = "y"
    (dy,) = gradient(y, [x])
    dy.label = "dy/dx"
    y.backward()
    g = graph(y, dy)
    source = g.draw().dot
    outputs = [f"n{i}" for i in g.outputs]
    assert [cells(source)[name] for name in outputs] == [["y", "value 27"], ["dy/dx", "value 27"]]
    for name in cells(source):
        assert ("output" in attributes(source, name)["class"]) == (name in outputs)
        assert ("peripheries" in attributes(source, name)) == (name in outputs)
    assert not re.search(r"\bgrad\b", source)
    assert set(re.findall(r"^\t(n\d+) ", source, re.MULTILINE)) == {f"n{n.id}" for n in g.nodes}


def updated() -> tuple[Graph, Graph]:
    """The same calculation before and after a step down the gradient; b does not change."""
    graphs = []
    for number in (2.0, 0.5):
        a, b = Value(number, label="a"), Value(3.0, label="b")
        y = a * a + b
        y.label = "loss"
        graphs.append(graph(differentiated(y)))
    return graphs[0], graphs[1]


def test_before_and_after_an_update_stand_side_by_side() -> None:
    before, after = updated()
    source = after.draw(before=before).dot
    assert re.findall(r"<<B>(\w+)</B>>", source) == ["before", "after"]
    shown = cells(source)
    assert shown["p0_n0"] == ["a", "value 2", "grad 4", "= 2 + 2"]
    assert shown["p1_n0"] == ["a", "value 0.5 (was 2)", "grad 1 (was 4)", "= 0.5 + 0.5"]
    assert shown["p1_n2"] == ["b", "value 3", "grad 1"]  # as it was
    assert shown["p1_n3"] == ["loss", "value 3.25 (was 7)", "grad 1"]
    assert not [
        row for name, rows in shown.items() if name[1] == "0" for row in rows if "was" in row
    ]
    ids = re.findall(r"\bid=(\w+)", source)
    assert len(ids) == len(set(ids))


def test_two_graphs_that_are_not_the_same_are_not_compared() -> None:
    before, _ = updated()
    other = graph(differentiated(Value(5.0, label="a") * 3))
    assert "(was" not in other.draw(before=before).dot


@pytest.mark.usefixtures("no_dot")
def test_both_sides_of_an_update_are_in_the_svg() -> None:
    before, after = updated()
    svg = after.draw(before=before).render("svg")
    parts = groups(svg)
    assert " ".join(" ".join(texts(parts["p0_n0"])).split()) == "a value 2 grad 4 = 2 + 2"
    assert "(was 2)" in " ".join(texts(parts["p1_n0"]))
    titles = [
        text for part in parts.values() for text in texts(part) if text in ("before", "after")
    ]
    assert set(titles) == {"before", "after"}


# --- numbers and labels --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2.0, "2"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (1 / 3, "0.3333"),
        (-2 / 3, "-0.6667"),
        (0.99999, "1.0000"),
        (100.0, "100"),
        (1e6, "1000000"),
        (1234567.891, "1234567.891"),
        (1e7, "1e+07"),
        (0.001, "0.001"),
        (0.00099, "0.00099"),
        (-0.0000123456, "-1.235e-05"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.798e+308"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_numbers_are_written_for_a_reader(number: float, text: str) -> None:
    assert rounded(number) == text


@given(st.floats(-300, 300), st.sampled_from([-1, 1]))
def test_a_written_number_is_close_and_short(exponent: float, sign: int) -> None:
    x = sign * 10**exponent
    text = rounded(x)
    assert abs(float(text) - x) <= max(1e-3 * abs(x), 5e-5 if abs(x) >= 1e-3 else 0)
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


def literally(shown: str, label: str) -> bool:
    """Whether an SVG shows the label; of blanks in a row, all but one do not break."""
    return shown.replace("\xa0", " ") == theme.printable(label).replace("\xa0", " ")


def check_labels() -> None:
    y = Value(0.0)
    for label in LABELS:
        y = y + Value(1.5, label=label)
    for symbol in SYMBOLS:
        y = Op("mine", lambda a: a, lambda y, a: 1.0, symbol=symbol)(y)
    parts = groups(y.draw().render("svg"))
    shown = [texts(parts[f"n{node.id}"]) for node in graph(y).nodes if node.label]
    assert [
        label for label, s in zip(LABELS, shown, strict=True) if not literally(s[0], label)
    ] == []
    assert all(words[1:] == ["value", " ", "1.5"] for words in shown)
    symbols = ["".join(texts(parts[f"op{n.id}"])) for n in graph(y).nodes if n.op.name == "mine"]
    assert [s for s, drawn in zip(SYMBOLS, symbols, strict=True) if not literally(drawn, s)] == []


@pytest.mark.usefixtures("no_dot")
def test_labels_and_symbols_are_shown_literally() -> None:
    check_labels()


@pytest.mark.machine
def test_labels_and_symbols_are_shown_literally_by_system_dot(
    no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    check_labels()


def test_printable_leaves_what_can_be_shown() -> None:
    assert theme.printable("x \u5b66\U0001f642\u202e\u0301") == "x \u5b66\U0001f642\u202e\u0301"
    assert theme.printable("a\0\t\n\x1b\x7f\x85\ud800\ufffeb") == (
        "a\u2400\u2409\u240a\u241b\ufffd\ufffd\ufffd\ufffdb"
    )


# --- long labels, and many edges -----------------------------------------------------------------


@given(st.lists(st.text("abcdefgh&<\\", min_size=1, max_size=20), min_size=1, max_size=40))
@settings(max_examples=60)
def test_a_long_label_is_broken_at_blanks_into_lines_that_are_not_wide(words: list[str]) -> None:
    label = " ".join(words)
    source = Value(1.0, label=label).draw().dot
    rows = re.findall("<TR><TD>(.*?)</TD></TR>", source)
    shown = plain(rows[0]).replace("\\\\", "\\").split("\n")
    assert " ".join(shown) == label
    assert all(len(line) <= 28 for line in shown)
    assert len(shown) <= 1 + len(label) / 4
    assert len(shown) == 1 or len(label) > 28


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("label", [" " * 40, " " * 40 + "x", "x" * 28 + " " * 40], ids=len)
def test_a_label_of_many_blanks_is_no_obstacle(label: str) -> None:
    shown = " ".join(texts(groups((Value(1.5, label=label) * 2).draw().render("svg"))["n0"]))
    assert shown.replace("\xa0", " ").split() == [*label.split(), "value", "1.5"]


def test_a_word_is_not_broken() -> None:
    label = "x" * 100 + " and a tail"
    rows = re.findall("<TR><TD>(.*?)</TD></TR>", Value(1.0, label=label).draw().dot)
    assert plain(rows[0]).split("\n") == ["x" * 100, "and a tail"]


def test_of_very_many_edges_only_the_tooltips_say_the_numbers() -> None:
    y = Value(1.0)
    for _ in range(75):
        y = y * y
    few = differentiated(y)
    many = differentiated(few * 0.5)
    assert all(edge["label"] for edge in uses(few.draw().dot).values())
    assert not any(edge["label"] for edge in uses(many.draw().dot).values())
    assert all(edge["tooltip"] for edge in uses(many.draw().dot).values())
    assert any(edge["label"] for edge in uses(many.draw(edges=["local"]).dot).values())


# --- for those who do not see it -----------------------------------------------------------------


def check_alternative(y: Value, **view: Any) -> None:
    picture = y.draw(**view)
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
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_svg_says_what_it_shows_and_asks_for_nothing(name: str) -> None:
    check_alternative(EXAMPLES[name]())


@pytest.mark.machine
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_svg_of_the_systems_dot_does_so_too(
    name: str, no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)
    check_alternative(EXAMPLES[name](), theme="dark", direction="TB")


@pytest.mark.usefixtures("no_dot")
def test_the_title_is_short_and_the_description_reads_the_graph() -> None:
    root = ElementTree.fromstring(lecture().draw().render("svg"))
    assert root[0].text == "Graph of L = minus 8"
    assert (root[1].text or "").endswith("c: minus 2. v2: minus 2. b: minus 4. a: 6.")


# --- sizes ---------------------------------------------------------------------------------------


def test_no_letter_is_small() -> None:
    sizes = re.findall(r'(?:fontsize=|POINT-SIZE=")(\d+)', every_kind().draw().dot)
    sizes.remove(str(theme.GAP))  # of a blank, which keeps what an edge says off its line
    assert {13, 14, 16, 20, 26} == set(map(int, sizes)) - {theme.GAP}


# --- as Graphviz reads it ------------------------------------------------------------------------


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("name", EXAMPLES)
def test_graphviz_reads_it_without_complaint(name: str) -> None:
    parts = groups(layout(EXAMPLES[name]().draw().dot).data)
    for shape, rows in cells(EXAMPLES[name]().draw().dot).items():
        said = " ".join("".join(texts(parts[shape])).split())
        assert said == " ".join("".join(rows).replace("\\\\", "\\").split())
