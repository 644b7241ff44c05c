"""What the boxes and the links of a picture say, whatever they are written as.

The numbers of a picture are read from its texts again, and they must be right: a contribution is
the adjoint times the local derivative, and what arrives at a box is its gradient.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from html import unescape
from itertools import pairwise
from math import isfinite, isnan
from random import Random
from typing import Any

import pytest
from conftest import differentiated, neuron, random_value
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import (
    TABLE,
    Op,
    Value,
    ViewError,
    gradient,
    graph,
    group,
    log,
    mask,
    maximum,
    sinh,
    sqrt,
    tanh,
)
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.picture import draw, panels
from tinygrad_edu.draw.scene import Box, Line, Link, Sketch, Span, wide
from tinygrad_edu.draw.sketch import Moment, Panel, drawn, sketch
from tinygrad_edu.draw.view import BLANK, HIDEABLE, View
from tinygrad_edu.rows.formula import rounded

FORMS = ("compact", "circles")


def sketches(y: Value | Graph, **view: Any) -> list[Sketch]:
    """The parts of a picture, for each of its graphs."""
    picture = draw(y, **view)
    return [sketch(panel, picture.view) for panel in panels(picture.graphs)]


def boxes(y: Value | Graph, **view: Any) -> dict[str, Box]:
    """The boxes of a picture of one graph, by their names."""
    (made,) = sketches(y, **view)
    return {box.name: box for box in made.boxes}


def links(y: Value | Graph, **view: Any) -> dict[str, Link]:
    """The links of a picture of one graph that come from operands, by their names."""
    (made,) = sketches(y, **view)
    return {link.name: link for link in made.links if link.kind}


def words(lines: Sequence[Line]) -> list[str]:
    """The text of each line."""
    return ["".join(span.text for span in line) for line in lines]


def shown(y: Value | Graph, **view: Any) -> dict[str, list[str]]:
    """What each box says, a text for each of its lines."""
    return {name: words(box.lines) for name, box in boxes(y, **view).items()}


def said(y: Value | Graph, **view: Any) -> dict[str, str]:
    """What each link says, on one line."""
    return {name: " ".join(words(link.label)) for name, link in links(y, **view).items()}


def everything(made: Sketch) -> str:
    """All that a sketch says or tells who points at it."""
    parts: list[tuple[Any, Sequence[Line]]] = [(box, box.lines) for box in made.boxes]
    parts += [(link, link.label) for link in made.links]
    return "\n".join("\n".join([part.tooltip, *words(lines)]) for part, lines in parts)


# --- examples, for other tests too ---------------------------------------------------------------


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


def square() -> Value:
    a = Value(3.0, label="a")
    return differentiated(a * a)


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


def worksheet() -> Value:
    """No two of its numbers look the same: a number that is hidden can be searched for."""
    a, b, c, f = (
        Value(x, label=name) for x, name in zip((7.7071, -3.3119, 10.4513, -2.2963), "abcf")
    )
    y = sinh(((a * b + c) * f + a * 0.8417) / 17.5309) ** 2
    y.label = "y"
    return differentiated(y)


EXAMPLES: dict[str, Callable[[], Value]] = {
    "neuron": lambda: differentiated(neuron()),
    "before": neuron,
    "square": square,
    "leaf": lambda: Value(3.0, label="x"),
    "kinds": every_kind,
    "stale": set_after_use,
    "nan": not_finite,
    "hostile": hostile,
    "lecture": lecture,
    "signs": every_sign,
}


# --- boxes ---------------------------------------------------------------------------------------


@pytest.mark.quick
def test_a_value_shows_its_label_its_value_and_its_gradient() -> None:
    y = differentiated(neuron())
    found = shown(y)
    assert found["n0"] == ["x1", "value 2", "grad -1.5000"]
    assert found["n4"] == ["w2", "value 1", "grad 0"]
    assert found["n5"] == ["x2·w2", "value 0", "grad 0.5000"]
    assert found["n9"] == ["o = tanh(n)", "value 0.7071", "grad 1"]
    apart = shown(y, form="circles")
    assert apart["n9"] == ["o", "value 0.7071", "grad 1"]
    assert apart["n5"] == ["value 0", "grad 0.5000"]
    assert (apart["op9"], apart["op8"], apart["op2"]) == (["tanh"], ["+"], ["*"])


@pytest.mark.parametrize("form", FORMS)
def test_numbers_that_are_not_finite_are_words(form: str) -> None:
    found = shown(not_finite(), form=form)
    assert [found[f"n{i}"][-2:] for i in (0, 1, 2, 4, 5)] == [
        ["value -1", "grad nan"],
        ["value nan", "grad nan"],
        ["value inf", "grad nan"],
        ["value -inf", "grad nan"],
        ["value nan", "grad 1"],
    ]


@pytest.mark.parametrize("form", FORMS)
def test_before_backward_nothing_is_said_of_gradients(form: str) -> None:
    def told(y: Value) -> bool:
        (made,) = sketches(y, form=form)
        return "grad" in everything(made)

    y = neuron()
    assert not told(y)
    y.backward()
    assert told(y)
    y.zero_grad()
    assert not told(y)


def test_a_constant_is_only_its_number_in_a_title_or_in_a_box() -> None:
    y = differentiated(Value(3.0) * 2.5)
    assert shown(y) == {"n0": ["value 3", "grad 2.5"], "n2": ["…·2.5", "value 7.5", "grad 1"]}
    apart = boxes(y, form="circles")
    assert words(apart["n1"].lines) == ["2.5"]
    assert apart["n1"].tooltip == "constant 2.5"


def test_a_constant_with_a_label_or_of_its_own_has_a_box() -> None:
    rate = Value(0.1) * 2
    rate.args[1].label = "two"
    assert shown(rate)["n1"] == ["two", "2"]
    assert set(shown(graph(Value(3.0) * 2.5).draw().graph)) == {"n0", "n2"}


def test_the_tooltip_has_the_exact_numbers() -> None:
    y = differentiated(Value(0.1) * (1 / 3))
    found = boxes(y, form="circles")
    assert found["n0"].tooltip == "leaf 0.1, grad 0.3333333333333333"
    assert found["n1"].tooltip == "constant 0.3333333333333333"
    assert boxes(y)["n0"] == found["n0"]


def test_a_value_that_was_set_after_use_says_so() -> None:
    found = shown(set_after_use())
    assert [name for name, rows in found.items() if "set after use" in rows] == ["n0"]


def test_every_kind_has_a_look_and_a_class_of_its_own() -> None:
    made = boxes(differentiated(Value(3.0) * 2 - 1), form="circles")
    kinds = [made[name] for name in ("n0", "n1", "n2", "op2", "n4")]
    assert [box.kind for box in kinds] == [
        "leaf", "constant", "operation", "operator", "operation output"
    ]  # fmt: skip
    with group("g"):
        y = Value(3.0) * 2
    (box,) = boxes(y, level=0).values()
    looks = {(box.shape, box.double) for box in [*kinds, box]}
    assert len(looks) == 6
    assert {double for _, double in looks} == {False, True}


@pytest.mark.parametrize("form", FORMS)
@given(seed=st.integers(0, 2**32), operations=st.integers(0, 40))
@settings(max_examples=12)
def test_boxes_and_links_are_those_of_the_graph(form: str, seed: int, operations: int) -> None:
    g = graph(random_value(Random(seed), operations))
    made = sketch(Panel(g), View(form=form))
    assert len(made.boxes) == drawn(g, form)
    applied = [node for node in g.nodes if node.args]
    ends = [
        (f"n{e.source}", f"n{e.target}", f"e{e.source}_{e.target}_{e.operand}") for e in g.edges
    ]
    hidden = {f"n{n.id}" for n in g.nodes if n.kind == "constant" and n.id not in g.outputs}
    found = [(link.tail, link.head, link.name) for link in made.links]
    names = {f"n{n.id}" for n in g.nodes}
    if form == "compact":
        labelled = {f"n{n.id}" for n in g.nodes if n.label}
        assert {box.name for box in made.boxes} == names - (hidden - labelled)
        assert sorted(found) == sorted(e for e in ends if e[0] not in hidden - labelled)
        return
    assert {box.name for box in made.boxes} == names | {f"op{n.id}" for n in applied}
    assert sorted(found) == sorted(
        [(tail, f"op{head[1:]}", name) for tail, head, name in ends]
        + [(f"op{n.id}", f"n{n.id}", f"e{n.id}") for n in applied]
    )


# --- titles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["w", "the rate", ""])
@pytest.mark.parametrize("form", FORMS)
def test_every_name_in_a_formula_is_shown_on_a_box(form: str, label: str) -> None:
    """Also where two values have the same label, or one that is no name."""
    a, b = Value(2.0, label=label), Value(3.0, label=label)
    y = differentiated(a * b)
    found = said(y, form=form, edges=["formula"])
    assert list(found.values()) == ["local v1", "local v0"]
    titles = shown(y, form=form, edges=["formula"])
    assert "v0" in titles["n0"][0]
    assert "v1" in titles["n1"][0]


@given(st.lists(st.text("abcdefgh&<\\", min_size=1, max_size=15), min_size=1, max_size=40))
@settings(max_examples=60)
def test_a_long_label_is_broken_at_blanks_into_lines_that_are_not_wide(parts: list[str]) -> None:
    label = " ".join(parts)
    (box,) = boxes(Value(1.0, label=label)).values()
    *title, value = box.lines
    assert words([value]) == ["value 1"]
    assert " ".join(words(title)) == label
    words_alone = [wide((title[0][0]._replace(text=part),)) for part in parts]
    most = max(220.0, *words_alone)  # points: of ten letters of numbers, or of one word
    assert all(wide(line) <= most for line in title)
    for line, following in pairwise(title):  # the next word has no room on the line
        ((text, *look),) = line
        first = following[0].text.partition(" ")[0]
        assert wide([Span(f"{text} {first}", *look)]) > 220


@pytest.mark.parametrize("label", [" " * 40, " " * 40 + "x", "x" * 28 + " " * 40], ids=len)
def test_a_label_of_many_blanks_is_no_obstacle(label: str) -> None:
    lines = shown(Value(1.5, label=label) * 2)["n0"]
    assert " ".join(lines).split() == [*label.split(), "value", "1.5"]


def test_a_word_is_not_broken() -> None:
    label = "x" * 100 + " and a tail"
    assert shown(Value(1.0, label=label))["n0"][:2] == ["x" * 100, "and a tail"]


def test_a_label_without_end_is_cut() -> None:
    (title, _) = shown(Value(1.0, label="x" * 5000))["n0"]
    assert title == "x" * 1000 + "..."


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
@pytest.mark.parametrize("names", ["ab", "aa", ("", "")], ids=["labels", "same", "none"])
def test_operands_that_cannot_be_exchanged_are_told_apart(op: Op, names: Sequence[str]) -> None:
    """By the title where it names them, or by a word on each link."""
    xs = (0.5, 2.0)[: len(op.derivatives)]
    y = op(*(Value(x, label=name) for x, name in zip(xs, names)))
    changes = len(xs) == 2 and op(*xs) != op(*reversed(xs))
    sides = ["left", "right"]
    alone = list(said(y, form="circles", edges=[]).values())
    assert alone == (sides if changes else [""] * len(xs))
    beside = [text.split(" ")[0] for text in said(y, form="circles").values()]
    assert [word for word in beside if word in sides] == (sides if changes else [])
    compact = list(said(y, edges=[]).values())
    needed = changes and names != "ab"
    assert compact == (sides if needed else [""] * len(xs))
    if changes and not needed:
        title = shown(y)["n2"][0]
        assert 0 <= title.index("a") < title.rindex("b")


def test_the_same_value_on_both_sides_is_told_apart_too() -> None:
    x = Value(2.0, label="x")
    assert list(said(differentiated(x / x)).values()) == [
        "left local 0.5 × 1 = 0.5",
        "right local -0.5 × 1 = -0.5",
    ]


# --- links ---------------------------------------------------------------------------------------

LECTURE = {  # the local derivative and the contribution of each edge
    "e0_2_0": "local -3 × -2 = 6",
    "e1_2_1": "local 2 × -2 = -4",
    "e2_4_0": "local 1 × -2 = -2",
    "e3_4_1": "local 1 × -2 = -2",
    "e4_6_0": "local -2 × 1 = -2",
    "e5_6_1": "local 4 × 1 = 4",
}


@pytest.mark.quick
@pytest.mark.parametrize("form", FORMS)
def test_every_edge_says_its_local_derivative_and_its_contribution(form: str) -> None:
    assert said(lecture(), form=form) == LECTURE


def test_an_edge_says_what_it_is_asked_to_say() -> None:
    x = Value(0.5, label="x")
    y = tanh(x)
    y.label = "y"
    differentiated(y)

    def told(*edges: str) -> str:
        return said(y, edges=edges)["e0_1_0"]

    assert told() == ""
    assert told("formula") == "local 1 - y²"
    assert told("numbers") == "local 1 - 0.4621²"
    assert told("local") == "local 0.7864"
    assert told("contribution") == "+0.7864"
    assert told("contribution", "local", "numbers", "formula") == (
        "local 1 - y² = 1 - 0.4621² = 0.7864 × 1 = 0.7864"
    )


@pytest.mark.quick
def test_a_square_has_two_edges_that_say_which_operand_they_are() -> None:
    found = links(square())
    assert {(link.tail, link.head) for link in found.values()} == {("n0", "n1")}
    assert {name: link.tooltip for name, link in found.items()} == {
        "e0_1_0": "operand 0, local derivative b, here a = 3 = 3.0, contribution 3.0",
        "e0_1_1": "operand 1, local derivative a, here a = 3 = 3.0, contribution 3.0",
    }


def test_before_backward_an_edge_says_only_the_local_derivative() -> None:
    found = said(neuron())
    assert list(found.values())[:2] == ["local -3", "local 2"]
    assert not any("×" in text or "=" in text for text in found.values())
    assert {link.kind for link in links(neuron()).values()} == {"use"}


def test_an_edge_from_a_constant_says_nothing_of_derivatives() -> None:
    y = differentiated(Value(3.0) - 2.5)
    found = links(y, form="circles")
    assert words(found["e1_2_1"].label) == ["right"]
    assert found["e1_2_1"].tooltip == "operand 1"
    assert " ".join(words(found["e0_2_0"].label)) == "left local 1 × 1 = 1"
    assert found["e0_2_0"].kind == "use positive"
    assert list(links(y)) == ["e0_2_0"]


def test_of_very_many_edges_only_the_tooltips_say_the_numbers() -> None:
    y = Value(1.0)
    for _ in range(75):
        y = y * y
    few = differentiated(y)
    many = differentiated(tanh(few))
    assert all(said(few).values())
    assert not any(said(many).values())
    assert all(link.tooltip for link in links(many).values())
    assert all(said(many, edges=["local"]).values())


def test_what_a_mask_keeps_out_is_zero_and_no_product() -> None:
    x = Value(0.0, label="x")
    y = differentiated(mask(x, log(x)) + x)
    (kept,) = [text for text in said(y).values() if "mask" in text]
    assert kept.endswith("kept out by a mask = 0")
    assert "×" not in kept
    (told,) = [link.tooltip for link in links(y).values() if "kept out" in link.tooltip]
    assert told.endswith("contribution 0.0, kept out by a mask")
    assert x.grad == 1


# --- that the numbers are right ------------------------------------------------------------------


def factors(lines: Sequence[Line]) -> tuple[float, float, float]:
    """The local derivative, the adjoint and the contribution that a link tells."""
    local, adjoint, product = words(lines)
    return (
        float(re.sub(".*local ", "", local)),
        float(adjoint.removeprefix("× ")),
        float(product.removeprefix("= ")),
    )


def close(a: float, b: float, size: float = 0.0) -> bool:
    return a == b or (isnan(a) and isnan(b)) or abs(a - b) <= 1e-12 * max(abs(a), abs(b), size)


def test_a_product_that_a_pocket_calculator_would_not_find_is_about() -> None:
    """0.3333 * 0.6667 is 0.2222, as 1/3 * 2/3; 33.3333 * 0.6667 is 22.2233, and not 22.2222."""
    x, w = Value(1.0, label="x"), Value(1.0, label="w")
    y = differentiated(x * (1 / 3) * (2 / 3) + w * (100 / 3) * (2 / 3))
    found = said(y)
    assert found["e0_2_0"] == "local 0.3333 × 0.6667 = 0.2222"
    (about,) = [text for text in found.values() if "≈" in text]
    assert about == "local 33.3333 × 0.6667 ≈ 22.2222"
    # and a zero at the end of a number makes no difference
    assert said(differentiated(Value(1.0) * -1.259043672087))["e0_2_0"].endswith("= -1.2590")


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_the_contribution_is_the_local_derivative_times_the_adjoint(seed: int) -> None:
    y = differentiated(random_value(Random(seed), 12))
    found = shown(y, precision=17)
    for link in links(y, precision=17).values():
        if not link.label or "mask" in " ".join(words(link.label)):
            continue
        local, adjoint, product = factors(link.label)
        assert close(product, local * adjoint)
        (grad,) = [line for line in found[link.head] if line.startswith("grad ")]
        assert close(adjoint, float(grad.removeprefix("grad ")))


def layered_network(random: Random) -> Value:
    """A few groups of values, each with operands from those before it."""
    made = [Value(random.uniform(0.2, 2), label=name) for name in "abc"]
    for i in range(4):
        with group(f"layer{i}/neuron{random.randrange(2)}"):
            inner = list(made[-5:])
            for _ in range(random.randint(1, 4)):
                op = random.choice([TABLE[name] for name in ("add", "mul", "tanh", "sub", "cosh")])
                inner.append(op(*random.choices(inner[-4:], k=len(op.derivatives))))
        made.append(inner[-1])
    y = made[-1]
    for value in made[:-1]:
        y = y + value
    return differentiated(y)


@pytest.mark.parametrize("level", ["node", "neuron", "layer"])
def test_what_arrives_at_a_box_is_its_gradient_at_every_level(level: str) -> None:
    checked = 0
    for seed in range(12):
        y = layered_network(Random(seed))
        arrived: dict[str, list[float]] = defaultdict(list)
        for link in links(y, level=level, precision=17).values():
            product = words(link.label)[-1]
            arrived[link.tail].append(float(product.removeprefix("= ")))
        for name, lines in shown(y, level=level, precision=17).items():
            grads = [float(line[5:]) for line in lines if line.startswith("grad ")]
            if grads and name in arrived:
                terms = arrived[name]
                assert close(grads[0], sum(terms), max(map(abs, terms))), (seed, name)
                checked += 1
    assert checked > 20


def test_of_several_uses_between_groups_the_link_says_the_sum() -> None:
    x = Value(2.0, label="x")
    with group("g"):
        y = x * x * x
    z = differentiated(y + x)
    assert next(iter(said(z, level=1).values())) == "3 edges, sum = 12"
    assert shown(z, level=1)["n1"][:2] == ["g", "2 values inside"]


def test_where_contributions_meet_the_node_shows_their_sum() -> None:
    a = Value(2.0, label="a")
    assert shown(differentiated(a + a * 6))["n0"] == ["a", "value 2", "grad 7", "= 1", "+ 6"]
    assert not [row for rows in shown(lecture()).values() for row in rows if row.startswith("=")]
    b = Value(3.0, label="b")
    assert shown(differentiated(b * -4 - b * 0.5))["n0"][3:] == ["= -0.5", "+ (-4)"]


def test_the_sum_of_many_contributions_is_told_by_their_number() -> None:
    a = Value(2.0, label="a")
    assert shown(differentiated(a + a + a + a))["n0"][3:] == ["= 1", "+ 1", "+ 1", "+ 1"]
    b = Value(2.0, label="b")
    assert shown(differentiated(b + b + b + b + b))["n0"][2:] == ["grad 5", "= sum of 5"]


def test_what_came_from_another_backward_is_told_apart_in_the_sum() -> None:
    a = Value(2.0, label="a")
    (a * 100).backward()
    y = differentiated(a * 3)
    assert shown(y)["n0"][2:] == ["grad 103", "= 3", "+ 100 from elsewhere"]


def test_what_came_from_elsewhere_is_told_however_little_it_is_and_rounding_is_not() -> None:
    for little, told in ((0.5, "= 3 + 0.5 from"), (1e-8, "= 3 + 1.000e-08 from"), (1e-15, "")):
        a = Value(2.0, label="a")
        (a * little).backward()
        lines = shown(differentiated(a * 3))["n0"]
        assert " ".join(lines[3:]).removesuffix(" elsewhere") == told


# --- signs and widths ----------------------------------------------------------------------------


def signs(y: Value) -> dict[str, Link]:
    """For each sign a link with it."""
    return {link.kind.removeprefix("use "): link for link in links(y).values()}


def test_signs_are_told_apart_without_colour() -> None:
    found = signs(every_sign())
    assert set(found) == {"positive", "negative", "zero", "undefined"}
    assert len({link.color for link in found.values()}) == 4
    assert len({link.arrow for link in found.values()}) == 4
    assert len({(link.dash, link.double) for link in found.values()}) == 4
    products = {sign: words(link.label)[-1] for sign, link in found.items()}
    assert float(products["positive"].removeprefix("= ")) > 0
    assert products["negative"].startswith("= -")
    assert (products["zero"], products["undefined"]) == ("= 0", "= nan")


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_larger_the_contribution_the_wider_the_link(seed: int) -> None:
    y = random_value(Random(seed), 20)
    finite = [
        (abs(edge.contribution), f"e{edge.source}_{edge.target}_{edge.operand}")
        for edge in graph(y).edges
        if edge.contribution is not None and isfinite(edge.contribution)
    ]
    found = links(y, form="circles")
    widths = [found[name].pen for _, name in sorted(finite)]
    assert widths == sorted(widths)
    assert all(theme.THINNEST <= width <= theme.WIDEST for width in widths)
    if finite and max(finite)[0] > 0:
        assert widths[-1] == theme.WIDEST
    assert all(width == theme.THINNEST for (x, _), width in zip(sorted(finite), widths) if x == 0)


def test_the_width_is_in_proportion_to_the_magnitude() -> None:
    a, b, c = Value(1.0), Value(1.0), Value(1.0)
    found = links(differentiated(a * 10 + b * -5 + c * 0))
    assert [found[name].pen for name in ("e0_2_0", "e3_5_0", "e7_9_0")] == [4.0, 2.6, 1.2]


def test_an_infinite_contribution_is_as_wide_as_any_and_an_undefined_one_is_not() -> None:
    x, w = Value(0.0, label="x"), Value(0.0, label="w")
    found = links(differentiated(sqrt(x) + sqrt(w) * 0 + x * 5))
    assert words(found["e0_1_0"].label)[-1] == "= inf"
    assert found["e0_1_0"].pen == theme.WIDEST
    assert words(found["e2_3_0"].label)[-1] == "= nan"
    assert found["e2_3_0"].pen == theme.THINNEST


# --- what is hidden ------------------------------------------------------------------------------

EVERYTHING = ("formula", "numbers", "local", "contribution")


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
    written = [
        unescape(sheet.dot),
        re.sub(r' \w+="[^"]*"', "", unescape(sheet.render("svg").decode())),
        sheet.alt,
        sheet.text(width=1000),
        "\n".join(map(everything, sketches(y, edges=edges, hide=[hidden], form="circles"))),
    ]
    for text in written:
        assert not [x for x in secret if occurs(x, text)]
    assert all(occurs(x, unescape(whole.dot)) for x in secret)
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
        (made,) = sketches(y, edges=EVERYTHING, hide=[hidden])
        sheet = y.draw(edges=EVERYTHING, hide=[hidden])
        for written in (everything(made), sheet.alt, sheet.text(width=1000)):
            assert not [x for x in secrets(graph(y), hidden) if occurs(x, written)], seed
        found += len(secrets(graph(y), hidden))
    assert found > 30


def asks() -> Value:
    """An operation of one's own whose rule asks about a number, so that it is no formula."""
    mine = Op("mine", lambda a: a * a, lambda y, a: 2 * a if a > 0 else -2 * a)
    return differentiated(mine(Value(7.7071, label="x")))


def test_an_operation_whose_rule_is_no_formula_is_drawn_all_the_same() -> None:
    assert said(asks(), edges=EVERYTHING) == {"e0_1_0": "local 15.4142 × 1 = 15.4142"}


@pytest.mark.parametrize("hidden", ["values", "edges"])
def test_a_rule_that_is_no_formula_betrays_nothing_either(hidden: str) -> None:
    picture = asks().draw(hide=[hidden, "grads"], edges=["formula"])
    assert not occurs(15.4142, picture.text(width=100))
    assert not occurs(15.4142, picture.dot)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("hidden", ["grads", "edges"])
def test_a_hidden_contribution_is_not_betrayed_by_the_look_of_a_link(
    hidden: str, form: str
) -> None:
    found = links(worksheet(), hide=[hidden], form=form).values()
    assert len({(x.kind, x.pen, x.color, x.dash, x.arrow, x.double) for x in found}) == 1
    assert {link.kind for link in found} == {"use"}
    assert {span.color for link in found for line in link.label for span in line} == {
        theme.THEMES["light"].quiet
    }


def test_a_hidden_gradient_is_not_betrayed_by_the_colours_of_the_terminal() -> None:
    minus, plus = (differentiated(Value(2.0, label="x") * Value(k, label="w")) for k in (-3.0, 3.0))
    hidden = ["leaves", "values", "grads"]
    one, other = (y.draw(hide=hidden).text(width=80, color=True) for y in (minus, plus))
    assert one == other


def test_all_blanks_at_once_make_a_worksheet() -> None:
    hidden = ["leaves", "values", "grads", "edges"]
    found = shown(worksheet(), hide=hidden)
    assert found["n0"] == ["a", f"value {BLANK}", f"grad {BLANK}"]
    assert found["n8"] == ["a·0.8417", f"value {BLANK}", f"grad {BLANK}"]
    apart = shown(worksheet(), hide=hidden, form="circles")
    assert apart["n7"] == ["0.8417"]  # of the formula, and not a number to work out


def test_hidden_numbers_of_an_update_are_hidden_before_and_after() -> None:
    y, later = worksheet(), worksheet()
    picture = later.draw(before=y, hide=["leaves", "values", "grads", "edges"])
    for hidden in HIDEABLE:
        assert not [x for x in secrets(graph(y), hidden) if occurs(x, picture.dot)]
    assert "was" not in picture.dot


# --- views ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_highlighted_paths_stand_out(form: str) -> None:
    y = lecture()
    color = theme.THEMES["light"].highlight
    found = links(y, highlight=["b"], form=form)
    strong = {name for name, link in found.items() if link.color == color}
    assert strong == {"e1_2_1", "e2_4_0", "e4_6_0"}
    for name, link in found.items():
        assert link.pen == (3.0 if name in strong else 0.5)
        assert (link.dash == "dotted") == (name not in strong)
    made = boxes(y, highlight=["b"], form=form)
    standing_out = {name for name, box in made.items() if box.color == color}
    circles = {"op2", "op4", "op6"} if form == "circles" else set()
    assert standing_out == {"n1", "n2", "n4", "n6", *circles}
    assert {box.pen for box in made.values()} == {3.0, 0.5}
    # and the words are the same
    assert shown(y, highlight=["b"], form=form) == shown(y, form=form)


def test_paths_of_several_and_of_a_result_are_highlighted() -> None:
    y = lecture()

    def on_path(*names: str) -> set[str]:
        color = theme.THEMES["light"].highlight
        found = links(y, highlight=names)
        return {name for name, link in found.items() if link.color == color}

    assert on_path("f") == {"e5_6_1"}
    assert on_path("f", "c") == {"e5_6_1", "e3_4_1", "e4_6_0"}
    assert on_path("v4") == {"e4_6_0"}
    assert on_path("L") == set()


def test_a_name_that_is_not_there_cannot_be_highlighted() -> None:
    with pytest.raises(ViewError, match="unknown name 'z': choose a, b, v2, c, v4"):
        lecture().draw(highlight=["z"])


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (
            {"hide": ["everything"]},
            "unknown hide value 'everything': choose leaves, values, grads",
        ),
        ({"edges": ["gradient"]}, "unknown edges value 'gradient': choose formula, numbers"),
        ({"direction": "RL"}, "unknown direction 'RL': choose LR, TB"),
        ({"theme": "pink"}, "unknown theme 'pink': choose light, dark, print, contrast"),
        ({"form": "square"}, "unknown form 'square': choose compact, circles"),
        ({"fit": "3:2"}, "unknown fit '3:2': choose 16:9, 4:3, A4, none"),
        ({"labels": "none"}, "unknown labels 'none': choose html, plain"),
        ({"size": (10, 100)}, r"from 50 to 20,000, such as \(1280, 720\), not \(10, 100\)"),
        ({"scale": 11}, "scale must be a number from 0.1 to 10, not 11"),
        ({"precision": 18}, "numbers are shown with 0 to 17 decimals, not 18"),
        ({"precision": -1}, "numbers are shown with 0 to 17 decimals, not -1"),
        ({"precision": 2.5}, r"numbers are shown with 0 to 17 decimals, not 2\.5"),
    ],
)
def test_a_view_that_there_is_not(view: Any, message: str) -> None:
    with pytest.raises(ViewError, match=message):
        draw(lecture(), **view)


def test_roles_are_written_and_coloured() -> None:
    made = boxes(lecture(), roles={"a": "input", "b": "parameter", "L": "loss"})
    assert [words(made[name].lines)[1] for name in ("n0", "n1", "n6")] == [
        "input", "parameter", "loss"
    ]  # fmt: skip
    assert [made[name].kind for name in ("n0", "n1", "n3", "n6")] == [
        "leaf input", "leaf parameter", "leaf", "operation loss output"
    ]  # fmt: skip
    light = theme.THEMES["light"]
    fills = [made[name].fill for name in ("n0", "n1", "n6")]
    assert fills == [light.input, light.parameter, light.loss]


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
    y = differentiated(Value(7**0.5 - 1, label="x") * -1.259043672087)
    assert shown(y, precision=precision)["n0"] == ["x", f"value {value}", f"grad {grad}"]
    assert said(y, precision=precision)["e0_2_0"] == f"local {local} × 1 = {local}"
    tooltip = boxes(y, precision=precision)["n0"].tooltip
    assert tooltip == "leaf 1.6457513110645907, grad -1.259043672087"


def test_two_outputs_in_one_picture() -> None:
    x = Value(3.0, label="x")
    y = x * x * x
    y.label = "y"
    (dy,) = gradient(y, [x])
    dy.label = "dy/dx"
    y.backward()
    g = graph(y, dy)
    made = boxes(g, form="circles")
    outputs = [f"n{i}" for i in g.outputs]
    assert [words(made[name].lines) for name in outputs] == [
        ["y", "value 27"],
        ["dy/dx", "value 27"],
    ]
    for name, box in made.items():
        assert ("output" in box.kind) == box.double == (name in outputs)
    assert not any(row.startswith("grad") for rows in shown(g).values() for row in rows)
    assert {name for name in made if name.startswith("n")} == {f"n{n.id}" for n in g.nodes}


# --- before and after ----------------------------------------------------------------------------


def updated() -> tuple[Graph, Graph]:
    """The same calculation before and after a step down the gradient; b does not change."""
    graphs = []
    for number in (2.0, 0.5):
        a, b = Value(number, label="a"), Value(3.0, label="b")
        y = a * a + b
        y.label = "loss"
        graphs.append(graph(differentiated(y)))
    return graphs[0], graphs[1]


def test_what_an_update_has_changed_says_what_it_was() -> None:
    before, after = updated()
    old, new = sketches(after, before=before)
    first, second = ({box.name: words(box.lines) for box in made.boxes} for made in (old, new))
    assert first["n0"] == ["a", "value 2", "grad 4", "= 2", "+ 2"]
    assert second["n0"] == ["a", "value 0.5", "was 2", "grad 1", "was 4", "= 0.5", "+ 0.5"]
    assert second["n2"] == ["b", "value 3", "grad 1"]  # as it was
    assert second["n3"] == ["loss = a² + b", "value 3.25", "was 7", "grad 1"] or second["n3"][
        1:
    ] == ["value 3.25", "was 7", "grad 1"]
    assert "was" not in everything(old)


def test_two_graphs_that_are_not_the_same_are_not_compared() -> None:
    before, _ = updated()
    other = graph(differentiated(Value(5.0, label="a") * 3))
    assert not any("was" in everything(made) for made in sketches(other, before=before))


# --- a moment of a pass --------------------------------------------------------------------------


def test_a_moment_says_only_what_is_known_by_then() -> None:
    g = graph(lecture())
    last = g.nodes[-1].id
    forward = Moment(frozenset({0, 1, 2, 3, 5}), {}, frozenset(), frozenset({"n2"}))
    back = Moment(
        frozenset(node.id for node in g.nodes),
        {last: 1.0, 4: -2.0},
        frozenset({(last, 0)}),
        frozenset({"n4", f"e4_{last}_0"}),
        back=True,
    )
    one, other = (sketch(Panel(g), View(), moment) for moment in (forward, back))
    first, second = ({b.name: words(b.lines) for b in made.boxes} for made in (one, other))
    assert first["n2"][1:] == ["value -6", "grad ?"]
    assert first["n4"][1:] == first["n6"][1:] == ["value ?", "grad ?"]
    assert second["n4"][1:] == ["value 4", "grad -2"]
    assert second["n2"][1:] == ["value -6", "grad ?"]
    arrows = {link.name: link for link in other.links}
    assert words(arrows["e4_6_0"].label) == ["local -2", "× 1", "= -2"]
    assert words(arrows["e5_6_1"].label) == ["local 4", "× ?", "= ?"]
    assert (arrows["e4_6_0"].kind, arrows["e4_6_0"].back) == ("use negative", True)
    assert (arrows["e5_6_1"].kind, arrows["e5_6_1"].back) == ("use", False)
    color = theme.THEMES["light"].highlight
    lit = [part.name for part in (*other.boxes, *other.links) if part.color == color]
    assert lit == ["n4", "e4_6_0"]
    # the tooltips keep the secret, and the parts are the same at every moment
    assert "-2" not in " ".join(box.tooltip for box in one.boxes)
    assert [b.name for b in one.boxes] == [b.name for b in other.boxes]


# --- numbers and labels --------------------------------------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 17))
def test_rounding_is_to_so_many_places_and_no_number_becomes_zero(x: float, places: int) -> None:
    text = rounded(x, places)
    assert (float(text) == 0) == (x == 0)
    assert text != "-0"
    if 1e-3 <= abs(x) < 1e7:
        assert abs(float(text) - x) <= max(0.5001 * 10.0**-places, 1e-15 * abs(x)) or "e" in text
        assert "e" in text or len(text.partition(".")[2]) <= places
    assert float(rounded(-x, places)) == -float(text)


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


def test_printable_leaves_what_can_be_shown() -> None:
    assert theme.printable("x \u5b66\U0001f642\u202e\u0301") == "x \u5b66\U0001f642\u202e\u0301"
    assert theme.printable("a\0\t\n\x1b\x7f\x85\ud800\ufffeb") == (
        "a\u2400\u2409\u240a\u241b\ufffd\ufffd\ufffd\ufffdb"
    )
