"""The text drawing: its exact lines, its width, and that the graph can be read back from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from random import Random
from time import process_time
from typing import Any

import pytest
from conftest import differentiated, neuron, random_value
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_edu import (
    Op,
    Value,
    cos,
    gradient,
    group,
    log,
    maximum,
    minimum,
    tanh,
    topological_order,
)
from tinygrad_edu.analysis.graph import Graph, graph
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.aloud import aloud, title
from tinygrad_edu.draw.text import PLAIN, columns, text
from tinygrad_edu.draw.view import View
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.rows.formula import rounded

ESCAPE = re.compile("\x1b\\[[0-9;]*m")
WIDE = "\u5b66\u7fd2\u7387"
SEEN = "SOFT HYPHEN|ARABIC .*(SIGN|SANAH|SAFHA|SAMVAT|AYAH|ABOVE|BELOW)$|SYRIAC ABBR|KAITHI"  # Cf
LABELS = [
    *("", "x", "w1", "the learning rate of the second layer", "x = 1  grad 2  #7 above"),
    *(WIDE, WIDE * 30, "\uff37\uff49\uff44\uff45", "\ud55c\uad6d\uc5b4", "\u3000", "\uff76\uff9e"),
    *("e\u0301" * 20, "\u0301", "a" + "\u0300" * 90, "\u0e01\u0e33", "\u0915\u094d\u0937\u093f"),
    *("\U0001f642", "\U0001f469\u200d\U0001f467" * 9, "\u2764\ufe0f", "\U0001f44d\U0001f3fd"),
    *("1\ufe0f\u20e3", "\U0001f1e9\U0001f1ea" * 12, "\xad" * 30, "\u200b\u200f\u202e\ufeff"),
    *("\u0600\u06dd\u070f", "\u05d0\u05d1\u05d2", "\u2202L/\u2202w", "\u2514\u2500 ", "\u2028"),
    *("a\tb\nc\r\x1b[31m", "\0\x7f\x9b\ud800\ufffe"),
]  # fmt: skip


def width_on_a_terminal(line: str) -> int:
    """The columns that a line takes, by the rules of wcwidth."""
    total = 0
    for before, c in zip(" " + line, line):
        category = unicodedata.category(c)
        if c == "\ufe0f":  # makes an emoji of the sign before it, as wide as they are
            sign = unicodedata.category(before) in ("So", "Sm", "Po", "Nd")
            total += sign and unicodedata.east_asian_width(before) not in "WF"
        elif category not in ("Mn", "Me", "Cf") or re.match(SEEN, unicodedata.name(c, "")):
            total += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return total


def lines(drawing: str) -> list[str]:
    assert drawing.endswith("\n")
    return drawing[:-1].split("\n")


# --- exact drawings ------------------------------------------------------------------------------


def shared() -> Value:
    """What is used twice, and what is used twice below that."""
    a, b = Value(2.0, label="a"), Value(-2.5, label="b")
    c = a * b
    c.label = "c"
    return differentiated((c + b) * c - c / 3)


def deep() -> Value:
    """A branch that grows too deep for the width, with something shared at its end."""
    x = Value(0.5, label="x")
    y = x
    for i in range(24):
        y = tanh(y) if i % 3 else y * x
        y.label = f"y{i}" if i % 5 == 0 else ""
    return differentiated(y)


def odd() -> Value:
    """Labels of all kinds, what is not finite, and a leaf that was set after use."""
    w = Value(1e-300, label=WIDE + "\u2202L/\u2202w e\u0301 \U0001f642\t\x1b[31m" + 60 * "w")
    x = Value(-1.0, label="x")
    y = differentiated(log(x) + w * 1e305 - Value(float("inf")) + w)
    x.data = 3.0
    return y


EXAMPLES: dict[str, Callable[[], Value]] = {
    "neuron": lambda: differentiated(neuron()),
    "shared": shared,
    "deep": deep,
    "odd": odd,
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_exact_drawing(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.txt", text(graph(EXAMPLES[name]()), width=72))


def test_a_drawing_in_ascii_is_the_same_with_other_lines(
    golden: Callable[[str, str], None],
) -> None:
    for name in ("neuron", "shared", "deep"):
        drawing = text(graph(EXAMPLES[name]()), width=72)
        ascii = str.maketrans({"\u2502": "|", "\u251c": "|", "\u2514": "`", "\u2500": "-"})
        assert text(graph(EXAMPLES[name]()), width=72, unicode=False) == drawing.translate(ascii)
    golden("odd.ascii.txt", text(graph(odd()), width=72, unicode=False))


def test_the_drawing_of_the_modules_docstring() -> None:
    a, b = Value(2.0, label="a"), Value(2.0, label="b")
    y = differentiated((a + b) * a)
    assert lines(text(graph(y))) == [
        "* = 8  grad 1",
        "\u251c\u2500 + = 4  grad 2",
        "\u2502  \u251c\u2500 a = 2  grad 6  #0",
        "\u2502  \u2514\u2500 b = 2  grad 2",
        "\u2514\u2500 a = 2  #0 above",
    ]


def test_a_picture_draws_the_same_text(monkeypatch: pytest.MonkeyPatch) -> None:
    y = shared()
    assert y.draw().render("txt").decode() == text(graph(y), width=80)
    assert repr(y.draw()) + "\n" == text(graph(y), width=80)
    assert y.draw().text(width=30, unicode=False) == text(graph(y), width=30, unicode=False)
    monkeypatch.setenv("COLUMNS", "33")
    assert y.draw().text() == text(graph(y), width=33)


# --- width ---------------------------------------------------------------------------------------


def check_width(g: Graph, width: int, unicode: bool) -> None:
    drawing = text(g, width=width, unicode=unicode)
    assert max(map(width_on_a_terminal, lines(drawing))) <= width
    assert unicode or drawing.isascii()


@given(
    seed=st.integers(0, 2**32),
    operations=st.integers(0, 40),
    labels=st.lists(st.sampled_from(LABELS) | st.text(st.characters()), min_size=1),
    width=st.integers(1, 200),
    unicode=st.booleans(),
)
@settings(max_examples=100)
def test_no_line_is_wider_than_asked_for(
    seed: int, operations: int, labels: list[str], width: int, unicode: bool
) -> None:
    check_width(graph(random_value(Random(seed), operations, labels)), width, unicode)


@pytest.mark.parametrize("label", LABELS, ids=lambda label: ascii(label[:20]))
def test_columns_are_never_counted_short(label: str) -> None:
    shown = theme.printable(label)
    assert width_on_a_terminal(shown) <= columns(shown) <= 2 * len(shown)


@pytest.mark.parametrize(
    ("label", "number"),
    [("abc", 3), (WIDE, 6), ("\uff37\uff49", 4), ("e\u0301", 1), ("\U0001f642", 2), ("\u2500", 1)],
)
def test_columns(label: str, number: int) -> None:
    assert columns(label) == width_on_a_terminal(label) == number


def test_a_label_is_cut_before_a_number_is() -> None:
    y = differentiated(Value(-1234.5, label="the weight of the first input") * 2)
    for width in range(40, 70):
        for unicode in (True, False):
            line = lines(text(graph(y), width=width, unicode=unicode))[1]
            assert line.endswith(" = -1234.5  grad 2")
            assert len(line) == min(width, 50)


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_at_the_usual_width_numbers_and_references_are_whole(seed: int) -> None:
    labels = ["a label that is longer than there is room for it", "x", ""]
    g = graph(random_value(Random(seed), 150, labels))
    numbers = {rounded(node.data): node for node in g.nodes}
    for line in lines(text(g, width=80)):
        found = ENDING.search(line)
        assert (found and found["data"] in numbers) or not line, line


# --- everything is there, once -------------------------------------------------------------------

WORDS = (
    r"(?P<data>\S+)(?:  grad (?P<grad>\S+))?(?P<stale> \(set after use\))?"
    r"(?:  #(?P<id>\d+)(?P<where> above| below)?)?"
)
ENDING = re.compile(rf"(?:^| ){WORDS}$")
LINE = re.compile(
    r"(?P<lead>(?:\u2502  |   )*(?:[\u251c\u2514]\u2500 )?)" rf"(?:(?P<name>\w)[^=]* = )?{WORDS}"
)
LETTERS = [chr(i) for i in range(0x41, 0x250) if chr(i).isalpha()]


def read_back(drawing: str) -> dict[str, tuple[str, str, list[str]]]:
    """For each value its number, its gradient and its operands; constants go by their numbers."""
    said: dict[str, tuple[str, str, list[str]]] = {}
    ids: dict[str, str] = {}
    below: set[str] = set()
    path: list[str] = []
    for line in lines(drawing):
        if not line:
            path = []
            continue
        found = LINE.fullmatch(line)
        assert found, line
        name = found["name"] or found["data"]
        depth = len(found["lead"]) // 3
        assert depth <= len(path)
        del path[depth:]
        if path:
            said[path[-1]][2].append(name)
        path.append(name)
        if found["id"]:
            assert ids.setdefault(found["id"], name) == name
        if found["where"] == " above":
            assert name in said
        elif found["where"] == " below":
            assert name not in said
            below.add(name)
        else:
            assert name not in said or not found["name"]
            below.discard(name)
            said[name] = (found["data"], found["grad"] or "", [])
    assert not below
    return said


def tame_value(random: Random, operations: int) -> Value:
    """A random graph whose numbers take few digits, with a letter for each value."""
    nodes = [Value(random.uniform(0.5, 1)) for _ in range(3)]
    for i in range(operations):
        a, b = random.choices(nodes[-4:], k=2)
        results = [(a + b) * 0.5, maximum(a, b), minimum(a, b), tanh(a), cos(a), a * (1 - i / 100)]
        nodes.append(random.choice(results))
    for node, letter in zip(topological_order(nodes[-1]), LETTERS):
        node.label = letter if node.op is not CONSTANT else ""
    return differentiated(nodes[-1])


@given(st.integers(0, 2**32), st.integers(0, 80), st.sampled_from([70, 80, 100, 200, 1000]))
@settings(max_examples=60)
def test_the_graph_can_be_read_back(seed: int, operations: int, width: int) -> None:
    g = graph(tame_value(Random(seed), operations))
    assume(min(node.data for node in g.nodes) >= 1e-3)
    names = [node.label or rounded(node.data) for node in g.nodes]
    assert read_back(text(g, width=width)) == {
        name: (
            rounded(node.data),
            "" if node.grad is None else rounded(node.grad),
            [names[i] for i in node.args],
        )
        for name, node in zip(names, g.nodes, strict=True)
    }


@pytest.mark.parametrize("width", [50, 80, 200])
def test_a_shared_value_is_written_out_once_and_referred_to(width: int) -> None:
    x = Value(1.0, label="x")
    y = x
    for i in range(100):  # 2**100 paths
        y = y * y
        y.label = f"y{i}"
    drawing = text(graph(y), width=width)
    for node in graph(y).nodes[:-1]:
        about = [line for line in lines(drawing) if re.search(rf"\b{node.label}\b", line)]
        assert len(about) > 1
        ends = [line.rpartition("  #")[2] for line in about]
        here = ends.index(f"{node.id}")
        assert set(ends[:here]) <= {f"{node.id} below"}
        assert set(ends[here + 1 :]) <= {f"{node.id} above"}


def test_the_gradient_is_not_repeated_where_a_value_is_referred_to() -> None:
    drawing = text(graph(shared()))
    assert all("grad" not in line for line in lines(drawing) if line.endswith("above"))
    assert drawing.count("grad") == sum(node.grad is not None for node in graph(shared()).nodes)


# --- edges, groups, roles, more than one graph ---------------------------------------------------

EVERYTHING = ("formula", "numbers", "local", "contribution")


def lecture() -> Value:
    a, b, c, f = (Value(x, label=name) for x, name in zip((2.0, -3.0, 10.0, -2.0), "abcf"))
    y = (a * b + c) * f
    y.label = "L"
    return differentiated(y)


def layers() -> Value:
    """Two neurons in a layer, and one in the next; inputs belong to no group."""
    xs = [Value(number, label=f"x{i}") for i, number in enumerate((1.0, -2.0))]
    for layer, size in enumerate((2, 1)):
        outputs = []
        for neuron_ in range(size):
            with group(f"layer{layer}/neuron{neuron_}"):
                ws = [Value(0.1 * (i + neuron_ + 1), label=f"w{i}") for i in range(2)]
                outputs.append(tanh(xs[0] * ws[0] + xs[1] * ws[1]))
        xs = outputs
    return differentiated(xs[0] ** 2)


@pytest.mark.parametrize("name", ["shared", "odd"])
def test_exact_drawing_with_edges(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.edges.txt", text(graph(EXAMPLES[name]()), View(edges=EVERYTHING), width=72))


def test_edges_say_nothing_unless_asked() -> None:
    y = lecture()
    assert "local" not in text(graph(y)) + y.draw().text(width=200)
    assert y.draw(edges=[]).text(width=80) == y.draw().text(width=80) == text(graph(y))


def test_on_request_each_line_says_what_flows_along_its_edge() -> None:
    assert lines(lecture().draw(edges=["local", "contribution"]).text(width=80)) == [
        "L (*) = -8  grad 1",
        "├─ + = 4  grad -2  (local -2; 1 * (-2) = -2)",
        "│  ├─ * = -6  grad -2  (local 1; (-2) * 1 = -2)",
        "│  │  ├─ a = 2  grad 6  (local -3; (-2) * (-3) = +6)",
        "│  │  └─ b = -3  grad -4  (local 2; (-2) * 2 = -4)",
        "│  └─ c = 10  grad -2  (local 1; (-2) * 1 = -2)",
        "└─ f = -2  grad 4  (local 4; 1 * 4 = +4)",
    ]


def test_a_formula_names_values_and_the_lines_show_the_names() -> None:
    shown = lecture().draw(edges=["formula"]).text(width=80)
    assert "└─ f = -2  grad 4  (local v4)" in shown
    assert "├─ v4 (+) = 4  grad -2  (local f)" in shown


def test_the_sum_where_contributions_meet() -> None:
    a = Value(2.0, label="a")
    y = differentiated(a + a * 6)
    assert "a = 2  grad 7 = 1 + 6  #0" in y.draw(edges=["contribution"]).text(width=80)
    assert "= 1 + 6" not in y.draw().text(width=80)


def test_before_backward_there_are_only_local_derivatives() -> None:
    shown = neuron().draw(edges=["local", "contribution"]).text(width=80)
    assert "w1 = -3  (local 2)\n" in shown
    assert not re.search(r"grad|\+\d", shown)
    assert lines(neuron().draw().text(width=80))[:2] == ["o (tanh) = 0.7071", "└─ n (+) = 0.8814"]


@pytest.mark.parametrize("level", ["node", "neuron", "layer"])
def test_every_name_in_a_formula_is_shown_somewhere(level: str) -> None:
    """Also where labels occur twice, as w0 does here, and the names of groups."""
    shown = layers().draw(level=level, edges=["formula"]).text(width=200)
    used = {
        name for rule in re.findall(r"\(local ([^)]*)", shown) for name in re.findall(r"v\d+", rule)
    }
    assert used or level == "layer"
    for name in used:
        assert re.search(rf"^[^=]*\b{name}\b", shown, re.MULTILINE), name


@pytest.mark.parametrize("label", ["\u03b8\u2081", WIDE, "x\u00e9", "\uff37"], ids=ascii)
def test_a_formula_of_foreign_letters_keeps_to_width_and_to_ascii(label: str) -> None:
    y = differentiated(tanh(Value(0.5, label=label) * Value(3.0, label=label * 2)))
    y.label = label * 3
    for width in range(1, 120, 7):
        for unicode in (True, False):
            drawing = text(graph(y), View(edges=EVERYTHING), width=width, unicode=unicode)
            assert max(map(width_on_a_terminal, lines(drawing))) <= width
            assert unicode or drawing.isascii()
    told = text(graph(y), View(edges=EVERYTHING), width=200)
    assert f"(local 1 - {label * 3}**2 = " in told
    assert f"(local {label} = 0.5; " in told


@given(st.integers(0, 2**32), st.integers(1, 60))
@settings(max_examples=50)
def test_every_edge_is_said_once(seed: int, operations: int) -> None:
    y = tame_value(Random(seed), operations)
    g = graph(y)
    wanted = sorted(
        f"{factor(g.nodes[e.target].grad)} * {factor(e.local)} = "
        f"{'+' if e.contribution > 0 else ''}{rounded(e.contribution)}"
        for e in g.edges
        if e.local is not None
    )
    shown = text(g, View(edges=["contribution"]), width=2000)
    assert sorted(re.findall(r"  \((.* = [^ ]*)\)$", shown, re.MULTILINE)) == wanted


def factor(x: float) -> str:
    return f"({rounded(x)})" if rounded(x).startswith("-") else rounded(x)


@given(
    seed=st.integers(0, 2**32),
    labels=st.lists(st.sampled_from(LABELS) | st.text(st.characters()), min_size=1),
    edges=st.lists(st.sampled_from(EVERYTHING), unique=True),
    width=st.integers(1, 120),
    unicode=st.booleans(),
)
@settings(max_examples=60)
def test_no_line_is_wider_with_edges_roles_and_two_roots(
    seed: int, labels: list[str], edges: list[str], width: int, unicode: bool
) -> None:
    y = random_value(Random(seed), 20, labels)
    roles: dict[Any, str] = {y: "loss", y.args[0] if y.args else y: "parameter"}
    for g in (graph(y, roles=roles), graph(y, -y)):
        drawing = text(g, View(edges=edges, precision=17), width=width, unicode=unicode)
        assert max(map(width_on_a_terminal, lines(drawing))) <= width
        assert unicode or drawing.isascii()
        assert not [c for c in "".join(lines(drawing)) if unicodedata.category(c) in ("Cc", "Cs")]


@pytest.mark.parametrize("level", ["node", "neuron", "layer", 0])
def test_no_line_is_wider_with_groups(level: str | int) -> None:
    picture = layers().draw(level=level, edges=EVERYTHING, roles={"x0": "input"})
    for width in (*range(1, 9), *range(9, 100, 10)):
        for unicode in (True, False):
            drawing = picture.text(width=width, unicode=unicode)
            assert max(map(width_on_a_terminal, lines(drawing))) <= width
            assert unicode or drawing.isascii()


@pytest.mark.parametrize("width", [1, 5, 6, 7, 20])
def test_no_line_is_wider_before_and_after(width: int) -> None:
    drawing = lecture().draw(before=lecture()).text(width=width)
    assert max(map(len, lines(drawing))) <= width


def test_groups_say_how_much_they_hold_and_edges_what_they_sum() -> None:
    shown = lines(layers().draw(level="layer", edges=["contribution"]).text(width=100))
    assert any(re.search(r"layer0 .*\(\d+ values\)", line) for line in shown)
    assert any(re.search(r"\(2 edges, sum [+-][\d.]+\)$", line) for line in shown)


def test_roles_are_words() -> None:
    picture = lecture().draw(roles={"a": "input", "b": "parameter", "L": "loss"})
    shown = picture.text(width=80)
    assert shown.startswith("L (*) = -8  grad 1  loss\n")
    assert "├─ a = 2  grad 6  input\n" in shown
    assert "└─ b = -3  grad -4  parameter\n" in shown


def test_what_was_set_after_use_says_so_where_it_is_written_out() -> None:
    x = Value(2.0, label="x")
    y = differentiated(x * x)
    x.data = 5.0
    assert lines(text(graph(y)))[1:] == [
        "├─ x = 5  grad 4 (set after use)  #0",
        "└─ x = 5  #0 above",
    ]


def test_two_outputs_are_two_trees_that_share() -> None:
    x = Value(3.0, label="x")
    y = x * x
    y.label = "y"
    (dy,) = gradient(y, [x])
    dy.label = "dy"
    above, below = text(graph(y, dy)).split("\n\n")
    assert lines(above + "\n") == ["y (*) = 9", "├─ x = 3  #0", "└─ x = 3  #0 above"]
    assert below.startswith("dy (+) = 6\n")
    assert re.findall(r"x = 3 .*", below) == ["x = 3  #0 above"] * 2


def test_an_output_inside_another_is_referred_to() -> None:
    x = Value(3.0, label="x")
    y = tanh(x)
    assert lines(text(graph(y, x))) == ["tanh = 0.9951", "└─ x = 3  #0", "", "x = 3  #0 above"]


def test_before_and_after_an_update_are_drawn_one_below_the_other() -> None:
    before = graph(differentiated(Value(2.0, label="a") * 3))
    after = graph(differentiated(Value(1.0, label="a") * 3))
    picture = after.draw(before=before)
    assert picture.text(width=80) == f"before:\n{text(before)}\nafter:\n{text(after, was=before)}"
    assert text(after, was=before) == "* = 3 (was 6)  grad 1\n├─ a = 1 (was 2)  grad 3\n└─ 3\n"
    assert picture.render("txt").decode() == picture.text(width=80)


def test_what_is_hidden_is_a_blank() -> None:
    hide = ["leaves", "values", "grads", "edges"]
    view = View(edges=["formula", "contribution"], hide=hide)
    assert lines(text(graph(lecture()), view))[:4] == [
        "L (*) = ____  grad ____",
        "├─ v4 (+) = ____  grad ____  (local ____; ____ * ____ = ____)",
        "│  ├─ v2 (*) = ____  grad ____  (local ____; ____ * ____ = ____)",
        "│  │  ├─ a = ____  grad ____  (local ____; ____ * ____ = ____)",
    ]


# --- read aloud ----------------------------------------------------------------------------------


def test_the_lecture_read_aloud() -> None:
    y = lecture()
    assert y.draw(roles={"a": "input"}).alt == (
        "A calculation of 7 values. a, an input, is 2. b is minus 3. v2, a times b, is minus 6. "
        "c is 10. v4, v2 plus c, is 4. f is minus 2. The output L, v4 times f, is minus 8. "
        "Gradients, from the output back: L: 1. f: 4. v4: minus 2. c: minus 2. v2: minus 2. "
        "b: minus 4. a: 6."
    )
    assert title(graph(y), PLAIN) == "Graph of L = minus 8"


def test_operations_read_aloud() -> None:
    a, b = Value(0.5, label="a"), Value(-2.0, label="b")
    said = {
        "a minus b": a - b,
        "a divided by b": a / b,
        "a to the power of 3": a**3,
        "a plus minus 2": a + -2,
        "tanh of a": tanh(a),
        "max of a and b": maximum(a, b),
    }
    for words, y in said.items():
        assert f", {words}, is " in y.draw().alt


def test_before_backward_no_gradients_are_read() -> None:
    assert "Gradients" not in neuron().draw().alt
    assert neuron().draw().alt.endswith("The output o, tanh of n, is 0.7071.")


@given(st.integers(0, 2**32), st.integers(0, 30))
@settings(max_examples=100)
def test_values_are_read_in_order_and_gradients_backwards(seed: int, operations: int) -> None:
    g = graph(tame_value(Random(seed), operations))
    forward, _, backward = aloud(g, PLAIN).partition(" Gradients, from the output back: ")
    values = [node for node in g.nodes if node.kind != "constant"]
    assert re.findall(r"(?:\. |\. The output )(\w+)(?:,| is)", forward) == [n.label for n in values]
    graded = [node for node in reversed(values) if node.grad is not None]
    assert re.findall(r"(\w+): ", backward) == [node.label for node in graded]


def test_nothing_hidden_is_read_aloud() -> None:
    y = lecture()
    alt = y.draw(hide=["leaves", "values", "grads"]).alt
    assert not re.search(r"\d", alt.replace("7 values", "").replace("v2", "").replace("v4", ""))
    assert alt.startswith("A calculation of 7 values. a is blank. b is blank. v2, a times b, is ")
    assert title(graph(y), View(hide=["values"])) == "Graph of L = blank"


def test_groups_and_two_outputs_are_read_aloud() -> None:
    alt = layers().draw(level="layer").alt
    assert re.search(r"layer0, a group of \d+ values that takes x0, x1\.", alt)
    assert re.search(r"layer1, a group of \d+ values that takes layer0, is -?[\w .]+\.", alt)
    x = Value(3.0, label="x")
    y, z = x * 2, x + 1
    y.label, z.label = "y", "z"
    assert graph(y, z).draw().alt.count("The output ") == 2


def test_nobody_has_to_listen_for_ever() -> None:
    g = graph(doubled(3_000))
    said = aloud(g, PLAIN)
    assert said.endswith(f". And so on, {len(g.nodes)} values in all.")
    assert said.count(". ") == 100


# --- size ----------------------------------------------------------------------------------------


def chain_on_the_left(size: int) -> Value:
    y = Value(0.5, label="x")
    for _ in range(size):
        y = tanh(y)
    return y


def chain_on_the_right(size: int) -> Value:
    x = Value(0.5, label="x")
    y = x
    for _ in range(size):
        y = x * y
    return y


def balanced_sum(size: int) -> Value:
    level = [Value(1.0) for _ in range(size)]
    while len(level) > 1:
        level = [sum(level[i + 1 : i + 2], level[i]) for i in range(0, len(level), 2)]
    return level[0]


def doubled(size: int) -> Value:
    y = Value(1.0, label="x")
    for _ in range(size):
        y = y + y
    return y


@pytest.mark.parametrize(
    ("build", "width"),
    [(chain_on_the_left, 80), (chain_on_the_right, 200), (balanced_sum, 80), (doubled, 1)],
)
def test_time_and_size_are_in_proportion(build: Callable[[int], Value], width: int) -> None:
    seconds = []
    for size in (500, 8_000):
        g = graph(build(size))
        started = process_time()
        drawing = text(g, width=width)
        seconds.append(process_time() - started)
        assert len(lines(drawing)) <= 3 * (1 + len(g.edges))
        assert len(drawing) <= 200 * (1 + len(g.edges))
    assert seconds[1] < 100 * seconds[0]  # 16 in proportion, 256 by the square


# --- ASCII, colour, the first lines --------------------------------------------------------------


@pytest.mark.parametrize("label", LABELS, ids=lambda label: ascii(label[:20]))
def test_a_label_stays_on_its_line_and_moves_no_cursor(label: str) -> None:
    g = graph(Value(1.0, label=label) * 2)
    for width in (20, 80, 1000):
        drawing = text(g, width=width, unicode=False)
        assert not re.search("[^\x20-\x7e\n]", drawing)
        assert len(lines(drawing)) == 3
    drawing = text(g, width=1000)
    assert len(lines(drawing)) == 3
    assert not [c for c in "".join(lines(drawing)) if unicodedata.category(c) in ("Cc", "Cs")]


@pytest.mark.parametrize("symbol", [WIDE, "\u222b", "a\tb\nc\r\x1b[31m", "\ud800"], ids=ascii)
def test_the_symbol_of_ones_own_operation_is_treated_like_a_label(symbol: str) -> None:
    g = graph(Op("mine", lambda a: a, lambda y, a: 1.0, symbol=symbol)(Value(1.0)))
    assert not re.search("[^\x20-\x7e\n]", text(g, unicode=False))
    for unicode in (True, False):
        shown = lines(text(g, unicode=unicode))
        assert len(shown) == 2
        assert not [c for c in "".join(shown) if unicodedata.category(c) in ("Cc", "Cs")]


@given(st.integers(0, 2**32), st.integers(1, 200), st.booleans())
@settings(max_examples=50)
def test_colour_changes_nothing_but_the_colour(seed: int, width: int, unicode: bool) -> None:
    g = graph(random_value(Random(seed), 30, LABELS))
    plain = text(g, width=width, unicode=unicode)
    assert ESCAPE.sub("", text(g, width=width, unicode=unicode, color=True)) == plain
    assert "\x1b" not in plain


def test_colours_end_on_their_line() -> None:
    for line in lines(text(graph(shared()), color=True)):
        assert line.count("\x1b[") == 2 * line.count("\x1b[0m")
        assert re.fullmatch("(\x1b\\[[0-9]+m[^\x1b]*\x1b\\[0m|[^\x1b])*", line)


def test_colours_mark_the_signs_of_gradients() -> None:
    a, b, c = (Value(x, label=name) for x, name in ((2.0, "a"), (-3.0, "b"), (0.0, "c")))
    y = differentiated(a * b + c * 2 + c * -2)
    shown = text(graph(y), color=True)
    assert "\x1b[1ma\x1b[0m = 2\x1b[31m  grad -3\x1b[0m\n" in shown
    assert "\x1b[1mb\x1b[0m = -3\x1b[32m  grad 2\x1b[0m\n" in shown
    assert "\x1b[1mc\x1b[0m = 0\x1b[2m  grad 0\x1b[0m" in shown


def test_what_has_no_sign_is_not_marked_as_positive() -> None:
    shown = text(graph(differentiated(log(Value(-1.0)))), color=True)
    assert "grad nan" in shown
    assert "\x1b[32m  grad nan" not in shown
    assert "\x1b[32m" not in text(graph(neuron()), color=True)


def test_the_first_lines() -> None:
    g = graph(shared())
    whole = lines(text(g))
    rest = [f"... of {len(g.nodes)} values in all"]
    for most in range(1, 14):
        shown = whole[:most] + (rest if most < len(whole) else [])
        assert lines(text(g, most=most)) == shown, most
    assert text(g, most=0) == text(g)


def test_the_first_lines_do_not_wait_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    g, names, printable = graph(doubled(3_000)), list[str](), theme.printable
    monkeypatch.setattr(theme, "printable", lambda name: names.append(name) or printable(name))
    assert len(lines(text(g, most=10))) == 11
    assert 10 <= len(names) < 30


def test_the_remark_on_the_rest_keeps_to_the_width_too() -> None:
    for width in range(1, 40):
        shown = lines(text(graph(shared()), width=width, most=2))
        assert max(map(len, shown)) <= width
