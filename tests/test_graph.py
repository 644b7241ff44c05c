"""The graph as plain data: what is in it, and that its JSON says all of it."""

from __future__ import annotations

import ast
import dataclasses
import json
import math
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import differentiated, neuron, random_value
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu.graph
from tinygrad_edu import TABLE, Op, Value, maximum, relu, tanh
from tinygrad_edu.engine import as_value
from tinygrad_edu.graph import Edge, Graph, Node, graph
from tinygrad_edu.ieee import total

SEEDS = range(200)


def bits(x: float | None) -> bytes | None:
    """The number so that nan is itself, and -0.0 is not 0.0."""
    return x if x is None else b"nan" if x != x else struct.pack(">d", x)


def edges(g: Graph) -> list[tuple[int, int, int]]:
    return [(edge.source, edge.target, edge.operand) for edge in g.edges]


# --- the nodes -----------------------------------------------------------------------------------


def test_every_field_of_every_node() -> None:
    x = Value(2.0, label="x")
    y = x * 3 + x
    y.label = "y"
    y.backward()
    assert graph(y) == Graph(
        (
            Node(0, "leaf", "x", "", "", (), 2.0, 4.0, False),
            Node(1, "constant", "", "", "", (), 3.0, None, False),
            Node(2, "operation", "", "mul", "*", (0, 1), 6.0, 1.0, False),
            Node(3, "operation", "y", "add", "+", (2, 0), 8.0, 1.0, False),
        )
    )
    assert graph(y).output == graph(y).nodes[3]


def test_a_graph_cannot_be_changed() -> None:
    g = graph(differentiated(neuron()))
    for thing, name in ((g, "nodes"), (g.output, "data"), (g.edges[0], "source")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, 0)
        with pytest.raises((AttributeError, TypeError)):
            thing.colour = "red"
    assert isinstance(g.nodes, tuple)
    assert all(isinstance(node.args, tuple) for node in g.nodes)
    assert hash(g) == hash(graph(differentiated(neuron())))


def test_a_graph_is_as_it_was_when_it_was_made() -> None:
    x = Value(2.0, label="x")
    y = x * x
    before = graph(y)
    y.backward()
    x.label = "renamed"
    x.data = 5.0
    assert before == Graph(
        (
            Node(0, "leaf", "x", "", "", (), 2.0, None, False),
            Node(1, "operation", "", "mul", "*", (0, 0), 4.0, None, False),
        )
    )


def test_ids_count_in_order_of_computation_from_left_to_right() -> None:
    labels = [node.label or node.symbol for node in graph(neuron()).nodes]
    assert labels == ["x1", "w1", "*", "x2", "w2", "*", "+", "b", "n", "o"]
    assert [node.id for node in graph(neuron()).nodes] == list(range(10))


def test_a_square_has_two_edges() -> None:
    a = Value(3.0)
    assert graph(a * a).edges == (Edge(0, 1, 0), Edge(0, 1, 1))
    assert edges(graph(a + a)) == edges(graph(a - a)) == [(0, 1, 0), (0, 1, 1)]


def test_operands_keep_their_positions() -> None:
    a, b = Value(3.0, label="a"), Value(4.0, label="b")
    for y in (a - b, a / b, a**b, maximum(a, b)):
        assert [node.label for node in graph(y).nodes[:2]] == ["a", "b"]
        assert edges(graph(y)) == [(0, 2, 0), (1, 2, 1)]
    y = (a * b) - a  # a has id 0 and is operand 1
    assert edges(graph(y)) == [(0, 2, 0), (1, 2, 1), (2, 3, 0), (0, 3, 1)]


def test_a_shared_expression_is_one_node() -> None:
    a = Value(3.0)
    b = a + 1
    assert [node.op for node in graph(tanh(b) * b).nodes] == ["", "", "add", "tanh", "mul"]
    y = a
    for _ in range(100):  # 2**100 paths
        y = y + y
    assert len(graph(y).nodes) == 101
    assert len(graph(y).edges) == 200


def test_equal_is_not_shared() -> None:
    assert len(graph(Value(2.0) + Value(2.0)).nodes) == 3
    a = Value(1.0)
    assert len(graph((a + 1) * (a + 1)).nodes) == 6  # as it was written: two ones, two sums


def test_kinds() -> None:
    x = Value(1.0)
    assert [node.kind for node in graph(x + 1).nodes] == ["leaf", "constant", "operation"]
    assert [node.kind for node in graph(x).nodes] == ["leaf"]
    assert [node.kind for node in graph(as_value(2.0)).nodes] == ["constant"]
    assert [node.kind for node in graph(as_value(2.0) * 3).nodes] == ["constant"]


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
def test_every_operation_has_its_name_and_its_symbol(op: Op) -> None:
    y = graph(op(*map(Value, (0.5, 2.0)[: len(op.derivatives)]))).output
    assert (y.kind, y.op, y.symbol) == ("operation", op.name, str(op))
    assert TABLE[y.op] is op
    assert y.symbol


def test_an_operation_of_ones_own() -> None:
    cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2, symbol="a\N{SUPERSCRIPT THREE}")
    y = graph(differentiated(cube(Value(2.0))))
    assert (y.output.op, y.output.symbol) == ("cube", "a\N{SUPERSCRIPT THREE}")
    assert (y.output.data, y.nodes[0].grad) == (8.0, 12.0)


@pytest.mark.parametrize("symbol", ["", "~", " "])
def test_an_operation_is_an_operation_whatever_its_symbol(symbol: str) -> None:
    same = Op("same", lambda a: a, lambda y, a: 1.0, symbol=symbol)
    assert graph(same(Value(2.0))).output.kind == "operation"


def test_the_graph_knows_nothing_of_pictures() -> None:
    tree = ast.parse(Path(tinygrad_edu.graph.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        x.name for node in ast.walk(tree) if isinstance(node, ast.Import) for x in node.names
    }
    assert not [name for name in imported if name and re.search("draw|theme|viz|html|xml", name)]
    names = {field.name for cls in (Node, Edge, Graph) for field in dataclasses.fields(cls)}
    assert names == {
        *("id", "kind", "label", "op", "symbol", "args", "data", "grad", "stale"),
        *("source", "target", "operand", "nodes"),
    }


# --- gradients -----------------------------------------------------------------------------------


def test_no_gradients_before_backward_and_never_on_constants() -> None:
    x = Value(2.0)
    y = relu(x * 3 - 10)
    assert {node.grad for node in graph(y).nodes} == {None}
    y.backward()
    assert {node.kind: node.grad for node in graph(y).nodes} == {
        "leaf": 0.0,
        "constant": None,
        "operation": 1.0,
    }
    y.zero_grad()
    assert {node.grad for node in graph(y).nodes} == {None}


def test_gradients_are_those_of_the_moment() -> None:
    x = Value(3.0)
    y = x * x * x
    y.backward()
    y.backward()
    assert [node.grad for node in graph(y).nodes] == [x.grad, 6.0, 2.0]
    inner = x * x  # its output has no gradient, though its leaf has
    assert {node.grad for node in graph(inner).nodes} == {None}


def test_a_leaf_alone() -> None:
    x = Value(3.0)
    assert graph(x).output.grad is None
    x.backward()
    assert graph(x).output.grad == 1.0
    assert graph(x).edges == ()


# --- leaves that were set afterwards -------------------------------------------------------------


@pytest.mark.parametrize(
    ("then", "now", "stale"),
    [
        (1.0, 2.0, True),
        (1.0, 1.0, False),
        (math.nan, math.nan, False),
        (math.nan, 1.0, True),
        (1.0, math.nan, True),
        (math.inf, -math.inf, True),
        (0.0, -0.0, True),  # 1/x tells them apart
        (1, True, False),
    ],
)
def test_stale(then: float, now: float, stale: bool) -> None:
    x, w = Value(then), Value(5.0)
    y = x * w + x
    x.data = now
    assert [node.stale for node in graph(y).nodes] == [stale, False, False, False]
    x.data = then
    assert not any(node.stale for node in graph(y).nodes)


def test_only_what_was_used_before_can_be_stale() -> None:
    x = Value(1.0)
    y = x + 1
    x.data = 2.0
    z = x + 1
    assert not any(node.stale for node in graph(z).nodes)
    assert [node.stale for node in graph(y * z).nodes] == [True] + [False] * 5
    assert not any(node.stale for node in graph(x).nodes)


# --- labels --------------------------------------------------------------------------------------


@given(st.text(st.characters()))
def test_labels_are_kept_as_they_are(label: str) -> None:
    g = graph(Value(1.0, label=label) * 2)
    assert g.nodes[0].label == label
    assert json.loads(g.to_json())["nodes"][0]["label"] == label


@pytest.mark.parametrize(("label", "text"), [(None, ""), (7, "7"), (("w", 1), "('w', 1)")])
def test_a_label_that_is_no_text_becomes_one(label: Any, text: str) -> None:
    g = graph(Value(1.0, label=label))
    assert g.output.label == text == json.loads(g.to_json())["nodes"][0]["label"]


# --- JSON ----------------------------------------------------------------------------------------

ANY_NUMBER = (float, "nan", "inf", "-inf")
SCHEMA: dict[str, Any] = {  # a tuple: one of these; a list: any number of this
    "format": "tinygrad-edu graph",
    "version": 1,
    "output": int,
    "nodes": [
        {
            "id": int,
            "kind": ("leaf", "constant", "operation"),
            "label": str,
            "op": str,
            "args": [int],
            "data": ANY_NUMBER,
            "grad": (None, *ANY_NUMBER),
            "stale": bool,
        }
    ],
}


def fits(x: Any, schema: Any) -> bool:
    if isinstance(schema, tuple):
        return any(fits(x, one) for one in schema)
    if isinstance(schema, list):
        return type(x) is list and all(fits(item, schema[0]) for item in x)
    if isinstance(schema, dict):
        same = type(x) is dict and list(x) == list(schema)
        return same and all(fits(x[key], schema[key]) for key in schema)
    if isinstance(schema, type):
        return type(x) is schema
    return type(x) is type(schema) and x == schema


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def document_of(text: str) -> Any:
    """The JSON read strictly, and checked against all that is said of it."""
    document = json.loads(text, parse_constant=refuse)
    assert fits(document, SCHEMA)
    nodes = document["nodes"]
    assert [node["id"] for node in nodes] == list(range(len(nodes)))
    assert document["output"] == len(nodes) - 1
    for node in nodes:
        assert all(i < node["id"] for i in node["args"])
        assert bool(node["args"]) == bool(node["op"]) == (node["kind"] == "operation")
        assert node["grad"] is None or node["kind"] != "constant"
    used = {i for node in nodes for i in node["args"]}
    assert used == set(range(len(nodes) - 1))
    return document


def test_json_is_as_documented() -> None:
    x = Value(2.0, label="x")
    y = x * 3
    y.backward()
    assert graph(y).to_json() == (
        '{"format": "tinygrad-edu graph", "version": 1, "output": 2, "nodes": [\n'
        '{"id": 0, "kind": "leaf", "label": "x", "op": "", "args": [], "data": 2.0,'
        ' "grad": 3.0, "stale": false},\n'
        '{"id": 1, "kind": "constant", "label": "", "op": "", "args": [], "data": 3.0,'
        ' "grad": null, "stale": false},\n'
        '{"id": 2, "kind": "operation", "label": "", "op": "mul", "args": [0, 1], "data": 6.0,'
        ' "grad": 1.0, "stale": false}\n'
        "]}\n"
    )


def test_the_schema_refuses_what_is_not_documented() -> None:
    good = json.loads(graph(Value(1.0)).to_json())
    assert fits(good, SCHEMA)
    changes: list[Callable[[Any], Any]] = [
        lambda d: d.update(version=2),
        lambda d: d.update(more=1),
        lambda d: d.pop("output"),
        lambda d: d["nodes"][0].update(data=1),
        lambda d: d["nodes"][0].update(data="NaN"),
        lambda d: d["nodes"][0].update(stale=0),
        lambda d: d["nodes"][0].update(colour="red"),
    ]
    for change in changes:
        bad = json.loads(graph(Value(1.0)).to_json())
        change(bad)
        assert not fits(bad, SCHEMA)


@pytest.mark.parametrize(
    "number",
    [0.1, -0.0, 0.0, 5e-324, -5e-324, 1e308, 1 / 3, 2.0**53 + 2, math.nan, math.inf, -math.inf],
)
def test_numbers_survive_exactly(number: float) -> None:
    x = Value(number)
    y = x + 0.0
    y.grad, x.grad = 1.0, number
    node = document_of(graph(y).to_json())["nodes"][0]
    assert bits(float(node["data"])) == bits(float(node["grad"])) == bits(number)


@given(st.floats())
def test_any_number_survives_exactly(number: float) -> None:
    node = document_of(graph(Value(number)).to_json())["nodes"][0]
    assert bits(float(node["data"])) == bits(number)


def test_the_deep_and_the_broad_are_written_in_time() -> None:
    x = Value(1.0, label="x")
    chain = total_ = x
    for _ in range(50_000):
        chain = tanh(chain)
        total_ = total_ + Value(1.0)
    started = time.monotonic()
    for y, count in ((chain, 50_001), (total_, 100_001)):
        text = graph(y).to_json()
        assert text.count("\n") == count + 2
        assert len(text) < 150 * count
    assert time.monotonic() - started < 10


# --- random graphs -------------------------------------------------------------------------------


def expected(root: Value) -> list[Any]:
    """The nodes again, by the recursive definition of the order."""
    places: dict[Value, int] = {}

    def visit(node: Value) -> None:
        for x in node.args:
            if x not in places:
                visit(x)
        places[node] = len(places)

    visit(root)
    return [
        (
            node.label,
            node.op.name if node.args else "",
            tuple(places[x] for x in node.args),
            bits(node.data),
        )
        for node in places
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graph(seed: int) -> None:
    random = Random(seed)
    y = random_value(random, random.randint(0, 60))
    g = graph(y)
    assert [(n.label, n.op, n.args, bits(n.data)) for n in g.nodes] == expected(y)
    assert edges(g) == [(x, n.id, i) for n in g.nodes for i, x in enumerate(n.args)]
    assert bits(g.output.data) == bits(y.data)
    assert (g.output.grad or 0.0) == y.grad

    document = document_of(g.to_json())
    numbers: list[float] = []
    for node, row in zip(g.nodes, document["nodes"], strict=True):
        assert (row["id"], row["kind"], row["label"]) == (node.id, node.kind, node.label)
        assert (row["op"], tuple(row["args"]), row["stale"]) == (node.op, node.args, node.stale)
        assert bits(float(row["data"])) == bits(node.data)
        assert bits(None if row["grad"] is None else float(row["grad"])) == bits(node.grad)
        if row["op"]:  # the table alone computes the number again
            value = total(TABLE[row["op"]].value, *(numbers[i] for i in row["args"]))
            assert any(n.stale for n in g.nodes) or bits(float(value)) == bits(node.data)
        numbers.append(float(row["data"]))
    assert graph(y).to_json() == g.to_json()
