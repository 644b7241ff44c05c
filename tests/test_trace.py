"""Steps: replaying the events is the backward pass, to the last bit; their lines and their JSON."""

from __future__ import annotations

import json
import math
import struct
from functools import cache
from random import Random
from typing import Any

import pytest
from conftest import neuron, random_value
from hypothesis import given
from hypothesis import strategies as st
from test_explain import line, parabola, random_dag

from tinygrad_edu import Trace, Value, graph, log, mask, topological_order, trace
from tinygrad_edu.analysis.trace import Event, trace_of
from tinygrad_edu.engine import as_value
from tinygrad_edu.ops import CONSTANT

pytestmark = pytest.mark.quick

GRAPHS = 150


def bits(x: float | None) -> bytes | None:
    """The number so that nan is itself, and -0.0 is not 0.0."""
    return x if x is None else b"nan" if x != x else struct.pack(">d", x)


def bitwise(thing: Any) -> Any:
    """Events and all that is in them, the floats as bits."""
    if isinstance(thing, float):
        return bits(thing)
    return tuple(map(bitwise, thing)) if isinstance(thing, tuple) else thing


@cache
def stepped() -> list[tuple[Value, Trace]]:
    """So many random graphs, with nan and infinities, some with gradients, some set afterwards."""
    values = [random_value(Random(seed), Random(seed).randint(1, 25)) for seed in range(GRAPHS)]
    return [(y, trace(y)) for y in values]


def of_phase(phase: str, events: Trace) -> list[Event]:
    return [event for event in events if event.phase == phase]


def fresh(y: Value) -> dict[int, bytes | None]:
    """The gradients of a backward() from 0, by the ids of a graph; what was there comes back."""
    nodes = topological_order(y)
    before = [x.grad for x in nodes]
    y.zero_grad()
    y.backward()
    grads = {i: bits(x.grad) for i, x in enumerate(nodes)}
    for x, grad in zip(nodes, before):
        x.grad = grad
    return grads


# --- replayed ------------------------------------------------------------------------------------


def test_adding_the_contributions_in_order_gives_every_gradient_to_the_bit() -> None:
    odd = 0
    for y, events in stepped():
        grads: dict[int, float] = {}
        for event in of_phase("backward", events):
            p = event.passing
            if p is None:
                assert grads == {}
                grads[event.node] = 1.0
            else:
                assert bits(p.adjoint) == bits(grads[p.target])
                assert bits(p.contribution) == bits(p.adjoint * p.local)
                assert bits(p.before) == bits(grads.get(event.node))
                was = grads.get(event.node)
                grads[event.node] = p.contribution if was is None else was + p.contribution
                assert bits(p.running) == bits(grads[event.node])
            assert bits(event.running) == bits(grads[event.node])
        for i, grad in fresh(y).items():
            assert bits(grads.get(i, 0.0)) == grad
        assert [bits(node.grad) for node in events.graph.nodes] == [
            bits(grads.get(node.id, None if node.kind == "constant" else 0.0))
            for node in events.graph.nodes
        ]
        odd += not all(map(math.isfinite, grads.values()))
    assert GRAPHS / 10 < odd < GRAPHS  # so that both sorts are among them


def test_a_gradient_grows_no_more_once_it_was_passed_on() -> None:
    for _, events in stepped():
        passed: set[int] = set()
        for event in of_phase("backward", events):
            assert event.node not in passed
            if event.passing is not None:
                passed.add(event.passing.target)


def test_there_is_an_event_for_each_edge_into_what_is_differentiated_and_one_for_the_output() -> (
    None
):
    for y, events in stepped():
        backward = of_phase("backward", events)
        order = topological_order(y)
        reached, edges = {y}, []
        for i, node in reversed([*enumerate(order)]):
            for operand, x in enumerate(node.args):
                kept_out = node.op is mask and (operand == 0 or node.args[0].data == 0)
                if node in reached and x.op is not CONSTANT and not kept_out:
                    reached.add(x)
                    edges.append((i, operand))
        assert len(backward) == len(edges) + 1
        assert backward[0].passing is None
        told = [(e.passing.target, e.passing.operand) for e in backward[1:] if e.passing]
        assert sorted(told) == sorted(edges)
        assert all(e.node == events.graph.nodes[t].args[o] for e, (t, o) in zip(backward[1:], told))


def test_going_forward_each_operation_gets_its_number_after_its_operands_have_theirs() -> None:
    for y, events in stepped():
        forward = of_phase("forward", events)
        order = topological_order(y)
        assert list(events)[: len(forward)] == forward
        assert [event.node for event in forward] == [i for i, x in enumerate(order) if x.op]
        known = {i for i, x in enumerate(order) if not x.op}
        for event in forward:
            assert known.issuperset(event.operands)
            known.add(event.node)
            x = order[event.node]
            assert [order[i] for i in event.operands] == list(x.args)
            assert (event.op, bits(event.data)) == (x.op.name, bits(x.data))
            assert (event.running, event.passing) == (None, None)


def test_events_do_not_depend_on_what_backward_did_before() -> None:
    """Never called, called, called twice, and with a grad from elsewhere."""
    for seed in range(30):
        y = random_dag(Random(seed), 10)
        events = trace(y)
        told, lines = bitwise(events.events), list(events.lines())
        for _ in range(2):
            y.backward()
            assert bitwise(trace(y).events) == told
        topological_order(y)[0].grad = -17.5
        again = trace(y)
        assert (bitwise(again.events), list(again.lines())) == (told, lines)
        assert again.to_json() == events.to_json()
        assert again.graph == events.graph


def test_nothing_about_the_values_is_changed() -> None:
    for seed in range(50):
        y = random_value(Random(seed), 15)
        nodes = topological_order(y)
        before = [(bits(x.data), bits(x.grad), x.label, x.group) for x in nodes]
        events = trace(y)
        assert str(events)
        assert events.to_json()
        assert [(bits(x.data), bits(x.grad), x.label, x.group) for x in nodes] == before


def test_a_leaf_set_afterwards_does_not_change_what_happened() -> None:
    x = Value(3.0, label="x")
    y = x * x
    told = trace(y).events
    x.data = 100.0
    assert [e.passing for e in trace(y).events] == [e.passing for e in told]
    assert trace(y).events[-1].running == 6
    assert [e.data for e in trace(y)] == [e.data for e in told] == [9, 9, 3, 3]


def test_a_value_that_nothing_was_computed_for_has_one_event() -> None:
    for x, data in ((Value(2.0), 2.0), (as_value(3.0), 3.0)):
        assert trace(x).events == (Event("backward", 0, "", (), data, 1.0),)
        assert len(list(trace(x).lines())) == 2


def test_steps_of_a_graph_as_data_are_those_of_the_value() -> None:
    for y, events in stepped()[:100]:
        assert bitwise(trace_of(graph(y)).events) == bitwise(events.events)


@given(st.floats(allow_subnormal=True), st.floats(), st.integers(1, 6))
def test_any_numbers_can_be_replayed(a: float, b: float, rounds: int) -> None:
    x, y = Value(a), Value(b)
    z = x
    for _ in range(rounds):
        z = z * y + x / z - log(z) ** y
    last = {event.node: bits(event.running) for event in of_phase("backward", trace(z))}
    grads = fresh(z)
    assert {i: grads[i] for i in last} == last


# --- lines, worked by hand -----------------------------------------------------------------------


def test_each_line_of_the_line() -> None:
    """L = (a*b + c) * f at 2, -3, 10, -2."""
    y, _ = line()
    assert list(trace(y).lines()) == [
        "given     a = 2, b = -3, c = 10, f = -2",
        "forward   e = a * b = 2 * (-3) = -6",
        "forward   d = e + c = -6 + 10 = 4",
        "forward   L = d * f = 4 * (-2) = -8",
        "backward  L is the output: d L / d L = 1, grad L = 1",
        "backward  L -> d: local derivative f = -2; contribution 1 * (-2) = -2; grad d = -2",
        "backward  L -> f: local derivative d = 4; contribution 1 * 4 = 4; grad f = 4",
        "backward  d -> e: local derivative 1; contribution (-2) * 1 = -2; grad e = -2",
        "backward  d -> c: local derivative 1; contribution (-2) * 1 = -2; grad c = -2",
        "backward  e -> a: local derivative b = -3; contribution (-2) * (-3) = 6; grad a = 6",
        "backward  e -> b: local derivative a = 2; contribution (-2) * 2 = -4; grad b = -4",
    ]
    assert str(trace(y)).splitlines() == list(trace(y).lines())


def test_each_line_of_the_parabola_where_contributions_add_up() -> None:
    """y = x*x + 3*x at 2; x gets 3, then 2, then 2 again; the constant 3 gets nothing."""
    y, _ = parabola()
    assert list(trace(y).lines()) == [
        "given     x = 2",
        "forward   s = x * x = 2 * 2 = 4",
        "forward   t = 3 * x = 3 * 2 = 6",
        "forward   y = s + t = 4 + 6 = 10",
        "backward  y is the output: d y / d y = 1, grad y = 1",
        "backward  y -> s: local derivative 1; contribution 1 * 1 = 1; grad s = 1",
        "backward  y -> t: local derivative 1; contribution 1 * 1 = 1; grad t = 1",
        "backward  t -> x: local derivative 3; contribution 1 * 3 = 3; grad x = 3",
        "backward  s -> x (left): local derivative x = 2; contribution 1 * 2 = 2; "
        "grad x = 3 + 2 = 5",
        "backward  s -> x (right): local derivative x = 2; contribution 1 * 2 = 2; "
        "grad x = 5 + 2 = 7",
    ]


def test_a_contribution_of_zero_is_told_as_any_other() -> None:
    """y = 3*x + x*0: x gets 0 from the right operand first, and the 3 is added to it."""
    x = Value(2.0, label="x")
    s, t = 3 * x, x * 0
    y = s + t
    s.label, t.label, y.label = "s", "t", "y"
    assert list(trace(y).lines())[-2:] == [
        "backward  t -> x: local derivative 0; contribution 1 * 0 = 0; grad x = 0",
        "backward  s -> x: local derivative 3; contribution 1 * 3 = 3; grad x = 0 + 3 = 3",
    ]


def test_a_formula_is_told_in_names_and_in_numbers() -> None:
    """Of the lecture's neuron: o = tanh(n) = 0.7071, so 1 - o**2 is 0.5."""
    lines = list(trace(neuron()).lines())
    assert "forward   o = tanh(n) = tanh(0.8814) = 0.7071" in lines
    assert (
        "backward  o -> n: local derivative 1 - o**2 = 1 - 0.7071**2 = 0.5000; "
        "contribution 1 * 0.5000 = 0.5000; grad n = 0.5000"
    ) in lines
    assert any(
        told.startswith("backward  o -> n") and "0.71**2" in told
        for told in trace(neuron(), precision=2).lines()
    )


def test_a_line_for_each_event_whatever_it_holds() -> None:
    for _, events in stepped():
        lines = list(events.lines())
        assert len(lines) == len(events) + 1
        for event, told in zip(events, lines[1:]):
            assert told.startswith(event.phase)
            assert "\n" not in told


# --- JSON ----------------------------------------------------------------------------------------


def told_in_json(x: Any) -> Any:
    """A number as JSON says it, read back: what JSON cannot say is text."""
    return bits(float(x)) if isinstance(x, (float, str)) else x


def test_the_json_says_every_event_exactly() -> None:
    for _, events in stepped():
        rows = json.loads(events.to_json(), parse_constant=lambda name: 1 / 0)
        assert len(rows) == len(events)
        for row, event in zip(rows, events):
            assert (row["phase"], row["node"], row["op"]) == (event.phase, event.node, event.op)
            assert row["operands"] == list(event.operands)
            assert told_in_json(row["data"]) == bits(event.data)
            if event.phase == "forward":
                assert set(row) == {"phase", "node", "op", "operands", "data"}
                continue
            assert told_in_json(row["running"]) == bits(event.running)
            if event.passing is None:
                assert len(row) == 6
                continue
            p = event.passing
            assert (row["target"], row["operand"]) == (p.target, p.operand)
            for name in ("adjoint", "local", "contribution", "before"):
                assert told_in_json(row[name]) == bits(getattr(p, name))


def test_the_ids_are_those_of_the_graphs_json() -> None:
    for y, events in stepped():
        nodes = json.loads(graph(y).to_json())["nodes"]
        for row in json.loads(events.to_json()):
            at_work = nodes[row.get("target", row["node"])]
            assert (row["op"], row["operands"]) == (at_work["op"], at_work["args"])
            if not nodes[row["node"]]["stale"]:  # it was another number when it was used
                assert row["data"] == nodes[row["node"]]["data"]
            if "target" in row:
                assert nodes[row["target"]]["args"][row["operand"]] == row["node"]


def test_the_json_is_one_event_a_line() -> None:
    y, _ = line()
    lines = trace(y).to_json().splitlines()
    assert (lines[0], lines[-1]) == ("[", "]")
    assert len(lines) == len(trace(y)) + 2
    assert json.loads(lines[-2]) == {
        "phase": "backward",
        "node": 1,
        "op": "mul",
        "operands": [0, 1],
        "data": -3.0,
        "target": 2,
        "operand": 1,
        "adjoint": -2.0,
        "local": 2.0,
        "contribution": -4.0,
        "before": None,
        "running": -4.0,
    }
