"""Groups that are entered several times: which boxes their calls are, and that none form a circle.

Circles are looked for by the standard library, paths from box to box by a search written here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from graphlib import TopologicalSorter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, ViewError, graph, group, tanh
from tinygrad_edu.analysis.calls import boxes
from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.analysis.zoom import CALLS, Calls, zoom
from tinygrad_edu.nn import MLP

LEVELS: list[str | int] = ["neuron", "layer", 0, 1, 2, 3]
SEEDS = st.integers(0, 10**9)


def program(random: Random) -> Value:
    """The result of a random program: blocks of few groups, nested and entered again at random."""
    made = [Value(random.uniform(-1, 1)) for _ in range(2)]
    names = random.sample(["layer1", "layer2/neuron1", "neuron1", "cell", "b/c"], 3)
    reach = random.choice([2, 3, 6])  # how far back operands are at most

    def block(depth: int) -> None:
        for _ in range(random.randint(1, 4)):
            chosen = random.random()
            if chosen < 0.4 and depth < 4:
                with group(random.choice(names)):
                    block(depth + 1)
            elif chosen < 0.5:
                made.append(Value(random.uniform(-1, 1)))
            elif chosen < 0.6:
                made.append(random.choice(made[-reach:]) * 0.5)
            else:
                made.append(tanh(random.choice(made[-reach:]) + random.choice(made)))

    for _ in range(random.randint(1, 6)):
        block(0)
    y = made[0]
    for x in random.sample(made[1:], min(3, len(made) - 1)):
        y = y * 0.5 + x
    y.backward()
    return y


def labels(y: Value, level: str | int = 1, calls: Calls = "sequence") -> list[str]:
    return [node.label for node in zoom(graph(y), level, calls).nodes]


def groups(y: Value, level: str | int = 1, calls: Calls = "sequence") -> list[Node]:
    return [node for node in zoom(graph(y), level, calls).nodes if node.kind == "group"]


def needs(g: Graph, i: int) -> set[int]:
    """All nodes from which there is a way to node i."""
    found: set[int] = set()
    waiting = [*g.nodes[i].args]
    while waiting:
        k = waiting.pop()
        if k not in found:
            found.add(k)
            waiting += g.nodes[k].args
    return found


# --- of any program ------------------------------------------------------------------------------


@given(SEEDS, st.sampled_from(LEVELS), st.sampled_from(CALLS))
def test_boxes_never_form_a_circle(seed: int, level: str | int, calls: Calls) -> None:
    zoomed = zoom(graph(program(Random(seed))), level, calls)
    list(TopologicalSorter({node.id: node.args for node in zoomed.nodes}).static_order())
    assert all(i < node.id for node in zoomed.nodes for i in node.args)
    assert zoomed.outputs == (len(zoomed.nodes) - 1,)
    list(TopologicalSorter({e.target: [e.source] for e in zoomed.edges}).static_order())


@given(SEEDS, st.sampled_from(LEVELS), st.sampled_from(CALLS))
def test_nothing_is_lost_and_contributions_add_up(
    seed: int, level: str | int, calls: Calls
) -> None:
    g = graph(program(Random(seed)))
    zoomed = zoom(g, level, calls)
    assert sum(node.holds for node in zoomed.nodes) == len(g.nodes)
    arriving: dict[int, list[float]] = defaultdict(list)
    for edge in zoomed.edges:
        if edge.contribution is not None:
            arriving[edge.source].append(edge.contribution)
    for node in zoomed.nodes[:-1]:
        if node.grad is not None:
            size = math.fsum(map(abs, arriving[node.id]))
            assert math.isclose(math.fsum(arriving[node.id]), node.grad, abs_tol=1e-12 * size)


@given(SEEDS, st.sampled_from(["neuron", "layer", 1, 2, 3]))
def test_there_are_no_more_calls_than_needed(seed: int, level: str | int) -> None:
    """Each call of a group needs the one before, so that one box for both would be a circle.

    Or the group is entered again with what it has computed.
    """
    zoomed = zoom(graph(program(Random(seed))), level)
    calls: dict[str, list[Node]] = defaultdict(list)
    for node in zoomed.nodes:
        if node.kind == "group":
            calls[node.group].append(node)
    for path, found in calls.items():
        if len(found) == 1:
            assert found[0].label == path
            continue
        assert [node.label for node in found] == [
            f"{path} call {n}" for n in range(1, len(found) + 1)
        ]
        for before, after in pairwise(found):
            assert before.id in needs(zoomed, after.id)


@given(SEEDS, st.sampled_from(["neuron", "layer", 1, 2, 3]))
def test_together_draws_no_more_than_apart_and_a_box_says_how_many(
    seed: int, level: str | int
) -> None:
    g = graph(program(Random(seed)))
    apart, together = zoom(g, level, "apart"), zoom(g, level, "together")
    assert len(together.nodes) <= len(apart.nodes)
    stands_for = [
        int(node.label.rpartition(" x ")[2]) if " x " in node.label else 1
        for node in together.nodes
        if node.kind == "group"
    ]
    assert sum(stands_for) == sum(node.kind == "group" for node in apart.nodes)


@given(SEEDS)
def test_two_runs_of_a_program_give_the_same(seed: int) -> None:
    one, two = (graph(program(Random(seed))) for _ in range(2))
    assert one.to_json() == two.to_json()
    for calls in CALLS:
        assert zoom(one, 1, calls).to_json() == zoom(two, 1, calls).to_json()


@given(SEEDS, st.sampled_from(CALLS))
def test_all_of_a_box_is_of_its_group(seed: int, calls: Calls) -> None:
    g = graph(program(Random(seed)))
    for i, box in boxes(g, lambda path: path, calls).items():
        users = {node.group for node in g.nodes if i in node.args}
        paths = {g.nodes[i].group} if g.nodes[i].group else users
        assert paths == {box.path} or calls == "together"


# --- programs that people write ------------------------------------------------------------------


def test_a_value_that_leaves_and_returns_makes_two_boxes() -> None:
    a = Value(0.5, label="a")
    with group("A"):
        b = tanh(a)
    with group("B"):
        c = tanh(b)
    with group("A"):
        d = tanh(c)
    d.backward()
    zoomed = zoom(graph(d), "layer")
    assert [node.label for node in zoomed.nodes] == ["a", "A call 1", "B", "A call 2"]
    assert [node.args for node in zoomed.nodes] == [(), (0,), (1,), (2,)]
    assert [node.data for node in zoomed.nodes] == [x.data for x in (a, b, c, d)]
    assert [node.grad for node in zoomed.nodes] == [x.grad for x in (a, b, c, d)]


def cell(steps: int, batch: int = 1) -> Value:
    """A recurrent network of one number, over one sequence or several."""
    w, u, b = (Value(x, label=label) for x, label in ((0.5, "w"), (0.3, "u"), (0.1, "b")))
    ends = []
    for k in range(batch):
        h = Value(0.0, label=f"h{k}")
        for t in range(1, steps + 1):
            x = Value(t / 10, label=f"x{t}")
            with group("cell"):
                h = tanh(w * h + u * x + b)
        ends.append(h)
    y = sum(ends[1:], ends[0])
    y.backward()
    return y


def test_a_recurrent_network_has_a_box_for_each_step() -> None:
    y = cell(3)
    zoomed = zoom(graph(y), "layer")
    assert [node.label for node in groups(y)] == ["cell call 1", "cell call 2", "cell call 3"]
    given_ = [node.label for node in zoomed.nodes if node.kind == "leaf"]
    assert sorted(given_) == ["b", "h0", "u", "w", "x1", "x2", "x3"]  # weights, state, inputs
    states, h = [], y
    for _ in range(3):  # tanh(w*h + u*x + b), from the last to the first
        states.append((h.data, h.grad))
        h = h.args[0].args[0].args[0].args[1]
    assert [(node.data, node.grad) for node in groups(y)] == states[::-1]
    assert [node.holds for node in groups(y)] == [5, 5, 5]


def test_a_batch_of_sequences_has_a_box_for_each_step() -> None:
    assert [node.label for node in groups(cell(3, batch=4))] == [
        f"cell call {n}" for n in (1, 2, 3)
    ]
    assert [node.holds for node in groups(cell(3, batch=4))] == [20] * 3
    assert [node.label for node in groups(cell(3, batch=2), calls="apart")] == [
        f"cell call {n}" for n in range(1, 7)
    ]


def test_equal_calls_are_one_box_on_request() -> None:
    y = cell(12)
    zoomed = zoom(graph(y), 1, "together")
    (box,) = groups(y, calls="together")
    assert (box.label, box.holds) == ("cell x 12", 60)
    assert (box.data, box.grad) == (y.data, 1.0)  # one value leaves it
    assert sum(node.kind == "leaf" for node in zoomed.nodes) == 12 + 1 + 3
    (w,) = (node for node in zoomed.nodes if node.label == "w")
    (edge,) = (edge for edge in zoomed.edges if edge.source == w.id)
    assert edge.uses == 12
    assert edge.contribution == pytest.approx(w.grad, rel=1e-14)
    assert [node.label for node in groups(cell(3, batch=2), calls="together")] == ["cell x 6"]


def test_parts_of_a_cell_that_are_opened_anew_are_one_call_each_step() -> None:
    w = Value(0.5, label="w")
    h = Value(0.1, label="h")
    for _ in range(3):
        with group("cell/sum"):
            z = w * h
        with group("cell/out"):
            h = tanh(z)
    assert [node.label for node in groups(h)] == [f"cell call {n}" for n in (1, 2, 3)]
    assert [node.holds for node in groups(h)] == [2, 2, 2]
    assert [node.label for node in groups(h, 2)] == [
        f"cell/{part} call {n}" for n in (1, 2, 3) for part in ("sum", "out")
    ]


def network(model: Any, examples: list[list[float]]) -> Value:
    errors = [(model([Value(x) for x in xs])[0] - 1.0) ** 2 for xs in examples]
    y: Value = sum(errors[1:], errors[0])
    y.backward()
    return y


def test_a_batch_of_examples_is_one_box_for_each_layer() -> None:
    model, examples = MLP(2, [3, 1], seed=1), [[0.1 * k, 1.0] for k in range(32)]
    one, many = network(model, examples[:1]), network(model, examples)
    for level in ("layer", "neuron"):
        names = [node.label for node in groups(one, level)]
        assert [node.label for node in groups(many, level)] == names
    assert "layer1 call 32" in [node.label for node in groups(many, "layer", "apart")]
    assert [node.label for node in groups(many, "layer", "together")] == [
        "layer1 x 32",
        "layer2 x 32",
    ]


def test_a_network_of_its_own_outputs_has_two_calls_of_each_layer() -> None:
    model = MLP(2, [2, 2], seed=1)
    (p, q) = (Value(1.0, label="p"), Value(2.0, label="q"))
    y = sum(model(model([p, q])), Value(0.0))
    assert [node.label for node in groups(y, "layer")] == [
        f"layer{i} call {n}" for n in (1, 2) for i in (1, 2)
    ]
    assert {"p", "q", "layer1.neuron2.w[1]"} <= set(labels(y, "layer"))


def test_equal_neurons_and_layers_are_one_box_on_request() -> None:
    y = network(MLP(2, [4, 4, 4, 1], seed=1), [[1.0, 2.0]])
    assert [node.label for node in groups(y, "layer", "together")] == [
        *("layer1", "layer2 to layer3 x 2", "layer4")
    ]
    assert [node.label for node in groups(y, "neuron", "together")] == [
        *(f"layer{i}/neuron1 to neuron4 x 4" for i in (1, 2, 3)),
        "layer4/neuron1",
    ]


def test_equal_boxes_that_take_turns_stay_apart() -> None:
    """One box each would be a circle."""
    h = Value(0.1)
    for _ in range(3):
        with group("cell"):
            h = tanh(h)
        with group("gate"):
            h = h * 2
    assert [node.label for node in groups(h, calls="together")] == labels(h)[1:]


def test_calls_are_equal_if_their_operations_are() -> None:
    def calls(*functions: Callable[[Value], Value]) -> list[str]:
        y = Value(0.5)
        for f in functions:
            with group("f"):
                y = f(y)
        return [node.label for node in groups(y, calls="together")]

    def twice(x: Value) -> Value:
        return x * 2

    assert calls(tanh, tanh) == ["f x 2"]
    assert calls(tanh, twice) == ["f call 1", "f call 2"]
    assert calls(twice, lambda x: x * 3, tanh, twice) == [
        *("f call 1 to call 2 x 2", "f call 3", "f call 4")
    ]
    assert calls(tanh, lambda x: tanh(tanh(x)), tanh) == [f"f call {n}" for n in (1, 2, 3)]
    # what matters is how the operations are joined, and not only which they are
    assert calls(lambda x: tanh(x * 2), lambda x: tanh(x) * 2) == ["f call 1", "f call 2"]


def test_a_leaf_that_several_calls_use_is_seen_and_one_of_a_single_call_is_inside() -> None:
    x = Value(0.3, label="x")
    with group("cell"):
        shared = Value(0.9, label="shared")
    h = x
    for n in (1, 2):
        with group("cell"):
            h = tanh(h * shared + Value(0.1, label=f"own{n}"))
    assert labels(h) == ["x", "shared", "cell call 1", "cell call 2"]
    assert [node.holds for node in groups(h)] == [4, 4]


def test_a_leaf_stays_outside_where_it_would_close_a_circle() -> None:
    with group("g"):
        w = Value(2.0, label="w")
    h = w * 3.0
    h.label = "h"
    with group("g"):
        y = h + 1.0
    assert labels(y) == ["w", "", "h", "g"]


def test_an_entering_that_a_value_leaves_and_returns_to_has_two_boxes() -> None:
    x = Value(0.5, label="x")
    with group("a"):
        y = tanh(x)
        with group("b"):
            y = tanh(y)
        y = tanh(y)
    assert labels(y, 2) == ["x", "a call 1", "a/b", "a call 2"]
    assert labels(y, 1) == ["a"]


def test_pieces_of_an_entering_are_as_few_as_can_be() -> None:
    x = Value(0.5, label="x")
    with group("a"):
        y = tanh(x)
        with group("b"):
            z = tanh(y)
        with group("c"):
            w = tanh(z)
        y = tanh(z) * tanh(w)
    assert [node.label for node in groups(y, 2)] == ["a call 1", "a/b", "a/c", "a call 2"]
    assert [node.holds for node in groups(y, 2)] == [1, 1, 1, 3]


def test_what_a_box_needs_later_the_boxes_after_it_need_too() -> None:
    x, y = Value(0.5, label="x"), Value(0.7, label="y")
    with group("A"):
        a1 = tanh(x)
    with group("B"):
        b = tanh(a1)
    with group("C"):
        c1 = tanh(y)
    with group("A"):
        a2 = tanh(c1)
    with group("C"):
        c2 = tanh(b)
    boxes = [node.label for node in groups(b + a2 + c2)]
    assert boxes == ["C call 1", "A", "B", "C call 2"]


def test_apart_a_part_that_is_opened_anew_belongs_to_the_call_before_it() -> None:
    x = [Value(x, label=f"x{x}") for x in (0.1, 0.2, 0.3)]
    with group("cell/gate"):
        g1 = tanh(x[0])
    with group("cell/gate"):
        g2 = tanh(x[1])
    with group("cell/out"):
        out = tanh(x[2])
    found = groups(g1 + g2 + out, 1, "apart")
    assert [(node.label, node.holds) for node in found] == [("cell call 1", 1), ("cell call 2", 2)]


def test_a_group_set_by_hand_is_entered_once() -> None:
    x = Value(0.5, label="x")
    a = tanh(x)
    b = tanh(a)
    c = tanh(b)
    a.group = b.group = "g"
    assert labels(c) == ["g", ""]
    assert graph(c).nodes[1].calls == ()
    a.group, b.group, c.group = "g", "", "g"
    assert labels(c) == ["x", "g call 1", "", "g call 2"]


def test_a_graph_counts_the_enterings_of_each_part_of_a_path() -> None:
    x = Value(0.5)
    with group("unused"):
        pass
    for _ in range(2):
        with group("layer"):
            for _ in range(2):
                with group("neuron"):
                    x = tanh(x)
    with group("layer/neuron"):
        x = tanh(x)
    assert [node.calls for node in graph(x).nodes] == [
        *((), (1, 1), (1, 2), (2, 3), (2, 4), (3, 5))
    ]


@pytest.mark.parametrize("calls", ["", "all", None, 1, "Apart"])
def test_there_are_no_other_calls(calls: Any) -> None:
    with pytest.raises(ViewError, match=r"unknown calls .*: choose sequence, apart, together"):
        Value(1.0).draw(calls=calls)
    with pytest.raises(ViewError, match=r"unknown calls .*: choose sequence, apart, together"):
        zoom(graph(Value(1.0) * 2), 1, calls)


def test_what_is_read_aloud_names_the_calls() -> None:
    alt = cell(2).draw(level=1).alt
    assert "The output cell call 2, a group of 5 values that takes w, cell call 1, u, x2, b" in alt
    lines = cell(2).draw(level=1).text(width=80).splitlines()
    assert lines[0] == "cell call 2 = 0.2209  (5 values)  grad 1"
    assert "├─ cell call 1 = 0.1293  (5 values)  grad 0.4756" in lines


def test_a_long_sequence_and_a_large_batch_take_no_time() -> None:
    """Without a limit in seconds: what is quadratic would take minutes here."""
    assert len(groups(cell(3000))) == 3000
    model, examples = MLP(2, [8, 1], seed=1), [[0.1 * k, 1.0] for k in range(200)]
    assert len(groups(network(model, examples), "neuron")) == 9
