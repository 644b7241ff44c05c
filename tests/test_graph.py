"""The graph as plain data: what is in it, and that its JSON says all of it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import math
import re
import struct
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from conftest import differentiated, neuron, random_value
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import TABLE, Op, Value, ViewError, gradient, group, mask, maximum, relu, tanh
from tinygrad_edu.analysis.graph import Edge, Graph, Node, graph
from tinygrad_edu.analysis.graph import differentiated as backward_of
from tinygrad_edu.engine import as_value
from tinygrad_edu.ops import CONSTANT, LEAF
from tinygrad_edu.rows.ieee import total

pytestmark = pytest.mark.quick


def bits(x: float | None) -> bytes | None:
    """The number so that nan is itself, and -0.0 is not 0.0."""
    return x if x is None else b"nan" if x != x else struct.pack(">d", x)


def edges(g: Graph) -> list[tuple[int, int, int]]:
    return [(edge.source, edge.target, edge.operand) for edge in g.edges]


# --- the nodes -----------------------------------------------------------------------------------


def test_every_field_of_every_node() -> None:
    x = Value(2.0, label="x")
    with group("double"):
        double = x * 3
    y = double + x
    y.label = "y"
    y.backward()
    g = graph(y, roles={x: "input"})
    times, plus = TABLE["mul"], TABLE["add"]
    assert g == Graph(
        (
            Node(0, "leaf", "x", LEAF, (), (), 2.0, 4.0, False, "", "input", 1),
            Node(1, "constant", "", CONSTANT, (), (), 3.0, None, False, "double", calls=(1,)),
            Node(
                *(2, "operation", "", times, (0, 1), (2.0, 3.0), 6.0, 1.0, False, "double"),
                calls=(1,),
            ),
            Node(3, "operation", "y", plus, (2, 0), (6.0, 2.0), 8.0, 1.0, False),
        ),
        outputs=(3,),
    )
    assert g.output == g.nodes[3]


def test_every_field_of_every_edge() -> None:
    x = Value(2.0)
    y = x * 3 + x
    edges_before = (Edge(0, 2, 0, 3.0, None), Edge(1, 2, 1, None, None))
    assert graph(y).edges == (*edges_before, Edge(2, 3, 0, 1.0, None), Edge(0, 3, 1, 1.0, None))
    y.backward()
    y.backward()  # twice as much of everything
    assert graph(y).edges == (
        Edge(source=0, target=2, operand=0, local=3.0, contribution=6.0, uses=1),
        Edge(source=1, target=2, operand=1, local=None, contribution=None, uses=1),
        Edge(source=2, target=3, operand=0, local=1.0, contribution=2.0, uses=1),
        Edge(source=0, target=3, operand=1, local=1.0, contribution=2.0, uses=1),
    )


def test_a_graph_cannot_be_changed() -> None:
    g = graph(differentiated(neuron()))
    for thing, name in ((g, "nodes"), (g.output, "data"), (g.edges[0], "source")):
        with pytest.raises(AttributeError):
            setattr(thing, name, 0)
        with pytest.raises((AttributeError, TypeError)):
            thing.colour = "red"
    assert isinstance(g.nodes, tuple)
    assert isinstance(g.edges, tuple)
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
            Node(0, "leaf", "x", LEAF, (), (), 2.0, None, False),
            Node(1, "operation", "", TABLE["mul"], (0, 0), (2.0, 2.0), 4.0, None, False),
        ),
        (1,),
    )
    assert [edge.local for edge in before.edges] == [2.0, 2.0]  # asked for late


def test_ids_count_in_order_of_computation_from_left_to_right() -> None:
    labels = [node.label or str(node.op) for node in graph(neuron()).nodes]
    assert labels == ["x1", "w1", "*", "x2", "w2", "*", "+", "b", "n", "o"]
    assert [node.id for node in graph(neuron()).nodes] == list(range(10))


def test_a_square_has_two_edges() -> None:
    a = Value(3.0)
    assert graph(a * a).edges == (Edge(0, 1, 0, 3.0, None), Edge(0, 1, 1, 3.0, None))
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
    assert [str(node.op) for node in graph(tanh(b) * b).nodes] == ["", "", "+", "tanh", "*"]
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
    assert (y.kind, y.op.name, str(y.op)) == ("operation", op.name, str(op))
    assert y.op is TABLE[y.op.name] is op
    assert str(y.op)


def test_an_operation_of_ones_own() -> None:
    cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2, symbol="a\N{SUPERSCRIPT THREE}")
    y = graph(differentiated(cube(Value(2.0))))
    assert (y.output.op.name, str(y.output.op)) == ("cube", "a\N{SUPERSCRIPT THREE}")
    assert (y.output.data, y.nodes[0].grad) == (8.0, 12.0)
    assert y.edges == (Edge(0, 1, 0, 12.0, 12.0),)


@pytest.mark.parametrize("symbol", ["", "~", " "])
def test_an_operation_is_an_operation_whatever_its_symbol(symbol: str) -> None:
    same = Op("same", lambda a: a, lambda y, a: 1.0, symbol=symbol)
    assert graph(same(Value(2.0))).output.kind == "operation"


def test_the_graph_knows_nothing_of_pictures() -> None:
    tree = ast.parse(inspect.getsource(sys.modules[Graph.__module__]))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        x.name for node in ast.walk(tree) if isinstance(node, ast.Import) for x in node.names
    }
    assert not [name for name in imported if name and re.search(r"draw\.|theme|viz|html|xml", name)]
    fields = (*Node._fields, *Edge._fields, *(field.name for field in dataclasses.fields(Graph)))
    assert set(fields) == {
        *("id", "kind", "label", "op", "args", "used", "data", "grad", "stale"),
        *("group", "role", "holds", "marked", "calls"),
        *("source", "target", "operand", "local", "contribution", "uses"),
        *("nodes", "outputs", "bundles"),
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


# --- what flows back along the edges -------------------------------------------------------------


def differentiated_graphs(count: int) -> Iterator[Graph]:
    """Random graphs with their gradients, no leaf of which was set afterwards."""
    for seed in range(10 * count):
        y = random_value(Random(seed), 2 + seed % 50)
        if not any(node.stale for node in graph(y).nodes):
            y.zero_grad()
            y.backward()
            yield graph(y)
            count -= 1
            if count == 0:
                return


def test_the_contributions_into_each_node_add_up_to_its_gradient() -> None:
    graphs = list(differentiated_graphs(150))
    sums = finite = 0
    for g in graphs:
        arrived: dict[int, list[float]] = {}
        for edge in sorted(g.edges, key=lambda edge: -edge.target):  # as the backward pass goes
            if edge.contribution is not None:
                arrived.setdefault(edge.source, []).append(edge.contribution)
        assert set(arrived) == {n.id for n in g.nodes if n.kind != "constant"} - {g.output.id}
        for i, parts in arrived.items():
            grad = g.nodes[i].grad
            assert grad is not None
            if all(map(math.isfinite, parts)) and math.isfinite(grad):
                assert math.isclose(sum(parts), grad, rel_tol=1e-12)
                finite += 1
                sums += len(parts) > 1
    assert sums > 80
    assert finite > 500


def test_a_contribution_is_the_adjoint_times_the_local_derivative() -> None:
    """Nothing passes where a mask keeps it out, nor to its condition, nor from there on."""
    kept_out = 0
    for g in differentiated_graphs(100):
        alive = {g.output.id}
        for edge in reversed(g.edges):  # by target: an output last
            target = g.nodes[edge.target]
            undefined = target.data != target.data
            kept = edge.operand == 0 or target.used[0] == 0
            cut = target.op is mask and kept and not undefined
            assert (edge.local is None) == (g.nodes[edge.source].kind == "constant")
            if edge.local is None:
                assert edge.contribution is None
            elif cut or edge.target not in alive:
                assert bits(edge.contribution) == bits(0.0)
                kept_out += 1
            else:
                alive.add(edge.source)
                assert target.grad is not None
                assert bits(target.grad * edge.local) == bits(edge.contribution)
        for node in g.nodes:
            assert node.id in alive or not node.grad
    assert kept_out > 10


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
def test_the_local_derivatives_of_every_operation(op: Op) -> None:
    xs = [Value(number) for number in op.example or (0.7071, 1.6)[: len(op.derivatives)]]
    g = graph(differentiated(op(*xs)))
    assert [edge.local for edge in g.edges] == [x.grad for x in xs]
    assert [edge.contribution for edge in g.edges] == [x.grad for x in xs]


def test_the_lecture_expression() -> None:
    a, b, c, f = (Value(number) for number in (2.0, -3.0, 10.0, -2.0))
    g = graph(differentiated((a * b + c) * f))
    flows = {(e.source, e.target): (e.local, e.contribution) for e in g.edges}
    assert flows == {
        (0, 2): (-3.0, 6.0),  # a
        (1, 2): (2.0, -4.0),  # b
        (2, 4): (1.0, -2.0),
        (3, 4): (1.0, -2.0),  # c
        (4, 6): (-2.0, -2.0),
        (5, 6): (4.0, 4.0),  # f
    }


def test_edges_are_as_the_numbers_were_when_they_were_used() -> None:
    x, w = Value(3.0), Value(5.0)
    y = differentiated(x * w)
    x.data = 7.0
    assert [edge.local for edge in graph(y).edges] == [5.0, 3.0]
    assert graph(y).output.used == (3.0, 5.0)
    assert [edge.contribution for edge in graph(y).edges] == [5.0, 3.0] == [x.grad, w.grad]


def test_what_came_from_elsewhere_is_on_no_edge() -> None:
    x = Value(3.0)
    (x * 100).backward()
    y = differentiated(x * x)
    assert x.grad == 106.0
    assert [edge.contribution for edge in graph(y).edges] == [3.0, 3.0]


def test_where_the_result_is_undefined_so_is_every_local_derivative() -> None:
    x, y = Value(-1.0), Value(2.0)
    g = graph(differentiated(x**0.5 + y))
    told = [(e.source, e.target, bits(e.local)) for e in g.edges]
    assert told == [(0, 2, b"nan"), (1, 2, None), (2, 4, b"nan"), (3, 4, b"nan")]


# --- more than one output, roles, groups, names --------------------------------------------------


def test_two_outputs_share_what_they_share() -> None:
    x = Value(3.0, label="x")
    y = x * x * x
    (dy,) = gradient(y, [x])
    y.backward()
    g = graph(y, dy)
    assert [g.nodes[i].data for i in g.outputs] == [27.0, 27.0]
    assert g.output is g.nodes[g.outputs[1]] is g.nodes[-1]
    assert [n._replace(grad=None) for n in graph(y).nodes] == list(g.nodes[: len(graph(y).nodes)])
    assert [node.label for node in g.nodes].count("x") == 1
    assert {node.grad for node in g.nodes} == {None}  # whose would it be?
    assert {edge.contribution for edge in g.edges} == {None}
    assert all(i < node.id for node in g.nodes for i in node.args)
    assert json.loads(g.to_json())["outputs"] == list(g.outputs)


def test_gradients_of_several_outputs_are_those_of_the_last() -> None:
    x = Value(3.0, label="x")
    last = backward_of(graph(x * 5, x * 2))
    assert [last.nodes[i].data for i in last.outputs] == [6.0]
    assert last.find("x").grad == 2.0


def test_an_output_may_be_an_operand_of_another() -> None:
    x = Value(3.0)
    y = x * 2
    g = graph(y, x)
    assert (g.outputs, g.output.data) == ((2, 0), 3.0)
    assert graph(x, y).outputs == (0, 2)


def test_roles_are_given_by_value_or_by_label() -> None:
    x, w = Value(1.0, label="x"), Value(2.0, label="w")
    loss = (x * w - Value(3.0, label="x")) ** 2
    roles: dict[Any, str] = {"x": "input", w: "parameter", loss: "loss"}
    found = {node.data: node.role for node in graph(loss, roles=roles).nodes if node.role}
    assert found == {1.0: "input", 2.0: "parameter", 3.0: "input", loss.data: "loss"}
    assert not any(node.role for node in graph(loss).nodes)


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"x": "hero"}, "unknown role 'hero': choose input, parameter, loss"),
        ({"z": "input"}, "unknown name 'z'"),
        ({Value(1.0): "input"}, "unknown name"),
    ],
)
def test_a_role_that_is_none_and_a_node_that_is_not_there(roles: Any, words: str) -> None:
    with pytest.raises(ViewError, match=words):
        graph(Value(1.0, label="x") * 2, roles=roles)


def test_a_group_is_of_the_values_made_inside_it() -> None:
    x = Value(1.0)
    with group("layer1"):
        with group("neuron2"):
            a = x * 2
        b = a + x
    y = tanh(b)
    paths = [node.group for node in graph(y).nodes]
    assert paths == ["", "layer1/neuron2", "layer1/neuron2", "layer1", ""]


def test_names_for_formulas() -> None:
    a, twin = Value(1.0, label="a"), Value(1.0, label="a")
    y = (a * twin + Value(1.0, label="the rate") * 2.5) * Value(2.0, label="v2")
    assert graph(y).names == ("v0", "v1", "v2_", "v3", "2.5", "v5", "v6", "v2", "v8")


@given(st.integers(0, 10**9), st.lists(st.sampled_from(["", "a", "v1", "v2", "v2_", "x y", "2"])))
def test_a_name_finds_its_node_and_no_other(seed: int, labels: list[str]) -> None:
    g = graph(random_value(Random(seed), 12, labels or ["w"]))
    for node in g.nodes:
        if node.kind != "constant":
            assert g.find(g.names[node.id]) is node
    assert len(g.names) == len(g.nodes)


def test_what_cannot_be_found_is_told_with_what_can() -> None:
    g = graph(Value(1.0, label="a") * Value(2.0, label="a") + Value(3.0, label="b") * 7)
    with pytest.raises(ViewError, match="unknown name 'c': choose v0, v1, v2, b, v5"):
        g.find("c")
    with pytest.raises(ViewError, match="2 nodes have the name 'a': choose v0, v1"):
        g.find("a")
    assert g.find("b").data == 3.0


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
    x = Value(1.0)
    x.label = label
    g = graph(x)
    assert g.output.label == text == json.loads(g.to_json())["nodes"][0]["label"]


# --- JSON ----------------------------------------------------------------------------------------

ANY_NUMBER = (float, "nan", "inf", "-inf")
SCHEMA: dict[str, Any] = {  # a tuple: one of these; a list: any number of this
    "format": "tinygrad-edu graph",
    "version": 1,
    "outputs": [int],
    "nodes": [
        {
            "id": int,
            "kind": ("leaf", "constant", "operation"),
            "label": str,
            "group": str,
            "role": ("", "input", "parameter", "loss"),
            "op": str,
            "args": [int],
            "data": ANY_NUMBER,
            "grad": (None, *ANY_NUMBER),
            "stale": bool,
            "holds": 1,
            "calls": [int],
        }
    ],
    "edges": [
        {
            "source": int,
            "target": int,
            "operand": (0, 1),
            "local": (None, *ANY_NUMBER),
            "contribution": (None, *ANY_NUMBER),
            "uses": 1,
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
    assert document["outputs"] == [len(nodes) - 1]
    for node in nodes:
        assert all(i < node["id"] for i in node["args"])
        assert bool(node["args"]) == bool(node["op"]) == (node["kind"] == "operation")
        assert node["grad"] is None or node["kind"] != "constant"
    used = {i for node in nodes for i in node["args"]}
    assert used == set(range(len(nodes) - 1))
    uses = [(i, node["id"], operand) for node in nodes for operand, i in enumerate(node["args"])]
    assert [(e["source"], e["target"], e["operand"]) for e in document["edges"]] == uses
    for edge in document["edges"]:
        constant = nodes[edge["source"]]["kind"] == "constant"
        assert (edge["local"] is None) == constant
        no_gradients = nodes[-1]["grad"] is None
        assert (edge["contribution"] is None) == (constant or no_gradients)
    return document


def test_json_is_as_documented() -> None:
    x = Value(2.0, label="x")
    with group("layer1/neuron1"):
        y = x * 3
    y.backward()
    assert graph(y, roles={"x": "input"}).to_json() == (
        '{"format": "tinygrad-edu graph", "version": 1, "outputs": [2], "nodes": [\n'
        '{"id": 0, "kind": "leaf", "label": "x", "group": "", "role": "input", "op": "",'
        ' "args": [], "data": 2.0, "grad": 3.0, "stale": false, "holds": 1,'
        ' "calls": []},\n'
        '{"id": 1, "kind": "constant", "label": "", "group": "layer1/neuron1", "role": "",'
        ' "op": "", "args": [], "data": 3.0, "grad": null, "stale": false, "holds": 1,'
        ' "calls": [1, 1]},\n'
        '{"id": 2, "kind": "operation", "label": "", "group": "layer1/neuron1", "role": "",'
        ' "op": "mul", "args": [0, 1], "data": 6.0, "grad": 1.0, "stale": false, "holds": 1,'
        ' "calls": [1, 1]}\n'
        '], "edges": [\n'
        '{"source": 0, "target": 2, "operand": 0, "local": 3.0, "contribution": 3.0,'
        ' "uses": 1},\n'
        '{"source": 1, "target": 2, "operand": 1, "local": null, "contribution": null,'
        ' "uses": 1}\n'
        "]}\n"
    )


def test_the_schema_refuses_what_is_not_documented() -> None:
    good = json.loads(graph(Value(1.0)).to_json())
    assert fits(good, SCHEMA)
    changes: list[Callable[[Any], Any]] = [
        lambda d: d.update(version=2),
        lambda d: d.update(more=1),
        lambda d: d.pop("outputs"),
        lambda d: d.update(edges=[{"source": 0, "target": 1}]),
        lambda d: d["nodes"][0].update(data=1),
        lambda d: d["nodes"][0].update(data="NaN"),
        lambda d: d["nodes"][0].update(stale=0),
        lambda d: d["nodes"][0].update(colour="red"),
        lambda d: d["nodes"][0].update(role="hero"),
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


def test_the_deep_and_the_broad_are_written() -> None:
    x = Value(1.0, label="x")
    chain = total_ = x
    for _ in range(3_000):
        chain = tanh(chain)
        total_ = total_ + Value(1.0)
    for y, count in ((chain, 3_001), (total_, 6_001)):
        g = graph(y)
        text = g.to_json()
        assert text.count("\n") == count + len(g.edges) + 3
        assert len(text) < 200 * count + 100 * len(g.edges)


# --- random graphs -------------------------------------------------------------------------------


def name_of(node: Node) -> str:
    """The row of the table that made the node, '' if none did."""
    return node.op.name if node.op else ""


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


@given(st.integers(0, 2**32), st.integers(0, 60))
@settings(max_examples=40)
def test_random_graph(seed: int, operations: int) -> None:
    y = random_value(Random(seed), operations)
    g = graph(y)
    assert [(n.label, name_of(n), n.args, bits(n.data)) for n in g.nodes] == expected(y)
    assert edges(g) == [(x, n.id, i) for n in g.nodes for i, x in enumerate(n.args)]
    assert bits(g.output.data) == bits(y.data)
    assert (g.output.grad or 0.0) == y.grad

    document = document_of(g.to_json())
    numbers: list[float] = []
    for node, row in zip(g.nodes, document["nodes"], strict=True):
        assert (row["id"], row["kind"], row["label"]) == (node.id, node.kind, node.label)
        assert (row["op"], tuple(row["args"])) == (name_of(node), node.args)
        assert (row["stale"], row["group"], row["role"]) == (node.stale, "", "")
        assert bits(float(row["data"])) == bits(node.data)
        assert bits(None if row["grad"] is None else float(row["grad"])) == bits(node.grad)
        if row["op"]:  # the table alone computes the number again
            value = total(TABLE[row["op"]].value, *(numbers[i] for i in row["args"]))
            assert any(n.stale for n in g.nodes) or bits(float(value)) == bits(node.data)
        numbers.append(float(row["data"]))
    for edge, row in zip(g.edges, document["edges"], strict=True):
        for name in ("local", "contribution"):
            number = getattr(edge, name)
            assert bits(None if row[name] is None else float(row[name])) == bits(number)
    assert graph(y).to_json() == g.to_json()
