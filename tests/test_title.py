"""Titles of boxes: an operation with its operands, as school writes it."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

import pytest

from tinygrad_edu import TABLE, Value, exp, group, maximum, tanh
from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.analysis.notation import applied
from tinygrad_edu.analysis.zoom import zoom
from tinygrad_edu.rows.formula import Formula


def leaves() -> list[Value]:
    return [Value(number, label=name) for number, name in zip((2.0, -3.0, 7.0), "xwb")]


@pytest.mark.quick
@pytest.mark.parametrize(
    ("made", "title", "named"),
    [
        (lambda x, w, b: x * w, "x·w", "x·w"),
        (lambda x, w, b: x / w, "x / w", "x / w"),
        (lambda x, w, b: x**2, "x²", "x²"),
        (lambda x, w, b: -x, "-x", "-x"),
        (lambda x, w, b: exp(x), "exp(x)", "exp(x)"),
        (lambda x, w, b: maximum(x, w), "max(x, w)", "max(x, w)"),
        (lambda x, w, b: 3 * x, "3·x", "3·x"),
        (lambda x, w, b: x - -0.044715, "x - (-0.04471)", "x - (-0.04471)"),
        (lambda x, w, b: x * 0.044715, "x·0.044715", "x·0.044715"),
        (lambda x, w, b: x * 3.141592653589793, "x·3.1416", "x·3.1416"),
        (lambda x, w, b: x * w + b, "x·w + b", "v2 + b"),
        (lambda x, w, b: (x + w) ** 2, "(x + w)²", "v2²"),
        (lambda x, w, b: exp(-x), "exp(-x)", "exp(v1)"),
        (lambda x, w, b: x * w + x * b, "x·w + x·b", "v2 + v4"),
        (lambda x, w, b: (x + w) * (x + b), "…·…", "v2·v4"),
        (lambda x, w, b: tanh(x * w + b), "tanh(…)", "tanh(v4)"),
        (lambda x, w, b: (x * w + b) ** 2, "…²", "v4²"),
        (lambda x, w, b: (x * w + b) - x, "… - x", "v4 - x"),
        (lambda x, w, b: x, "", ""),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_title(made: Callable[..., Value], title: str, named: str) -> None:
    g = graph(made(*leaves()))
    assert applied(g, g.output) == title
    assert applied(g, g.output, named=True) == named


def test_a_label_stands_for_an_operation_and_has_brackets_if_it_has_signs() -> None:
    x, w, b = leaves()
    z = x * w + b
    for label in ("z1", "w·x", "x*w + b", "a b", "x²"):
        title = f"{label}²" if label == "z1" else f"({label})²"
        z.label = label
        g = graph(z**2)
        assert applied(g, g.output) == title
    z.label = "x*w + b"
    g = graph(exp(z))
    assert applied(g, g.output) == "exp(x*w + b)"


def test_more_room_shows_more_and_a_leaf_without_a_label_is_not_told() -> None:
    x, w, _ = leaves()
    g = graph((x + w) * (x - w))
    assert applied(g, g.output, most=14) == "…·…"
    assert applied(g, g.output, most=15) == "(x + w)·(x - w)"
    assert applied(g, g.output, Formula, most=17) == "(x + w) * (x - w)"
    g = graph(Value(2.0) * x)
    assert applied(g, g.output) == "…·x"  # its number may be hidden
    assert applied(g, g.output, named=True) == "v0·x"


def test_every_operation_and_every_box_of_a_group_has_a_title_or_none() -> None:
    for name, op in TABLE.items():
        g = graph(op(*leaves()[: len(op.derivatives)]))
        title = applied(g, g.output)
        assert title.startswith(f"{name}(x") or not title[0].isalpha() or "x" in title[:2]
    x, w, b = leaves()
    with group("layer1"):
        h = tanh(x * w)
    g = zoom(graph(h * b + x), "layer")
    assert [applied(g, node) for node in g.nodes if node.op] == ["layer1·b", "… + x"]
    assert [applied(g, node) for node in g.nodes if not node.op] == [""] * 3


def test_a_large_graph_needs_as_long_for_each_node_as_a_small_one() -> None:
    def seconds(count: int) -> float:
        x, w, b = leaves()
        y = x
        for _ in range(count // 3):
            y = tanh(y * w + b)
        g = graph(y)
        start = process_time()
        for node in g.nodes:
            applied(g, node)
        return (process_time() - start) / count

    assert seconds(21_000) < 5 * min(seconds(2_100) for _ in range(3))
