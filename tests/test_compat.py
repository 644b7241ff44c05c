"""What was written for micrograd, and beside its lecture, runs here with the same numbers."""

from __future__ import annotations

import copy
import gc
import json
import math
import random
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphviz
import micrograd.engine
import micrograd.nn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import NumberError, StaleError, explain, gradient
from tinygrad_edu import trace as events_of
from tinygrad_edu.compat.micrograd import draw_dot, nn, trace
from tinygrad_edu.compat.micrograd.engine import Value
from tinygrad_edu.compat.micrograd.nn import MLP, Layer, Module, Neuron

MOONS = json.loads((Path(__file__).parent / "references/moons.json").read_text(encoding="utf-8"))
POINTS = np.array([row[:2] for row in MOONS])
LABELS = np.array([row[2] for row in MOONS])


def readme(value: Callable[[float], Any]) -> list[Any]:
    """micrograd's README: the leaves, then the result."""
    a, b = value(-4.0), value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return [a, b, g]


def sanity(value: Callable[[float], Any]) -> list[Any]:
    """micrograd's first test."""
    x = value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    return [x, y]


def test_the_readme_gives_its_numbers() -> None:
    a, b, g = readme(Value)
    assert f"{g.data:.4f} {a.grad:.4f} {b.grad:.4f}" == "24.7041 138.8338 645.5773"
    theirs = readme(micrograd.engine.Value)
    assert g.data == theirs[2].data
    assert [a.grad, b.grad] == pytest.approx([theirs[0].grad, theirs[1].grad], rel=1e-13)


@pytest.mark.quick
def test_the_sanity_test_is_exact() -> None:
    x, y = sanity(Value)
    assert (y.data, x.grad) == (-20.0, 46.0)
    assert repr([x, y]) == repr(sanity(micrograd.engine.Value))


def lecture_neuron(out: Callable[[Value], Value]) -> tuple[Value, list[Value]]:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x1w1.label = "x1*w1"
    x2w2 = x2 * w2
    n = x1w1 + x2w2 + b
    n.label = "n"
    o = out(n)
    o.label = "o"
    return o, [x1, w1, x2, w2]


def through_exp(n: Value) -> Value:
    e = (2 * n).exp()
    result: Value = (e - 1) / (e + 1)
    return result


def own_tanh(self: Value) -> Value:
    """The lecture's way to define an operation."""
    x = self.data
    t = (math.exp(2 * x) - 1) / (math.exp(2 * x) + 1)
    out = Value(t, (self,), "tanh")

    def _backward() -> None:
        self.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


LECTURE = pytest.mark.parametrize("out", [Value.tanh, through_exp, own_tanh])


@LECTURE
def test_the_lecture_s_neuron(out: Callable[[Value], Value]) -> None:
    o, leaves = lecture_neuron(out)
    o.backward()
    assert f"{o.data:.4f}" == "0.7071"
    assert [x.grad for x in leaves] == pytest.approx([-1.5, 1.0, 0.5, 0.0], abs=1e-12)


@pytest.mark.quick
@LECTURE
def test_the_lecture_s_neuron_by_hand(out: Callable[[Value], Value]) -> None:
    """Node by node, as the lecture does before it has a backward()."""
    o, leaves = lecture_neuron(out)
    topo: list[Value] = []
    visited: set[Value] = set()

    def build(v: Value) -> None:
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build(child)
            topo.append(v)

    build(o)
    o.grad = 1.0
    for node in reversed(topo):
        assert node._backward() is None  # type: ignore[func-returns-value]
    assert [x.grad for x in leaves] == pytest.approx([-1.5, 1.0, 0.5, 0.0], abs=1e-12)


def test_the_exercise_sheet() -> None:
    logits = [Value(0.0), Value(3.0), Value(-2.0), Value(1.0)]
    counts = [logit.exp() for logit in logits]
    denominator = sum(counts)
    probs = [c / denominator for c in counts]
    loss = -probs[3].log()
    loss.backward()
    assert loss.data == pytest.approx(2.1755153626167147, rel=1e-15)
    expected = [0.041772570515350445, 0.8390245074625319]
    expected += [0.005653302662216329, -0.8864503806400986]
    assert [x.grad for x in logits] == pytest.approx(expected, rel=1e-12)


def demo(network: Any, value: Any, steps: int, points: int = 100) -> tuple[list[float], float, Any]:
    """micrograd's demo.ipynb: its losses, the last accuracy, the model."""
    np.random.seed(1337)
    random.seed(1337)
    model = network(2, [16, 16, 1])
    found = []
    accuracy = 0.0
    for k in range(steps):
        inputs = [list(map(value, row)) for row in POINTS[:points]]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(LABELS[:points], scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        total_loss: Any = data_loss + reg_loss
        right = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(LABELS, scores)]
        accuracy = sum(right) / len(right)
        model.zero_grad()
        total_loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        found.append(total_loss.data)
    return found, accuracy, model


def test_the_demo_begins_as_micrograd_s() -> None:
    assert demo(MLP, Value, 1)[0] == [0.8958441028683222]
    ours, _, model = demo(MLP, Value, 3, points=15)
    theirs, _, other = demo(micrograd.nn.MLP, micrograd.engine.Value, 3, points=15)
    assert ours[0] == theirs[0]
    assert ours == pytest.approx(theirs, rel=1e-12)
    moved = [p.data for p in other.parameters()]
    assert [p.data for p in model.parameters()] == pytest.approx(moved, rel=1e-9)


@pytest.mark.machine
def test_the_demo_ends_with_every_point_right() -> None:
    """Half a minute."""
    losses, accuracy, _ = demo(MLP, Value, 100)
    assert accuracy == 1.0
    assert losses[-1] < 0.012


def test_the_demo_s_network_is_the_same() -> None:
    random.seed(1337)
    ours = MLP(2, [16, 16, 1])
    random.seed(1337)
    theirs = micrograd.nn.MLP(2, [16, 16, 1])
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert len(ours.parameters()) == 337
    assert str(ours) == str(theirs)
    assert repr(ours.parameters()) == repr(theirs.parameters())


def test_networks_have_micrograd_s_attributes() -> None:
    n = MLP(3, [4, 4, 1])
    assert [len(layer.neurons) for layer in n.layers] == [4, 4, 1]
    neuron = n.layers[0].neurons[0]
    assert (len(neuron.w), neuron.b.data, neuron.nonlin) == (3, 0, True)
    assert n.layers[2].neurons[0].nonlin is False
    assert isinstance(n, Module)
    assert Module().parameters() == []
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert len(Layer(2, 2)([1, Value(2.0)])) == 2
    assert repr(Neuron(2, nonlin=False)) == "LinearNeuron(2)"
    assert Neuron(3)([1.0]).data >= 0  # zip is as short as the shorter, as in micrograd
    y = n([2.0, 3.0, -1.0])
    y.backward()
    assert any(p.grad for p in n.parameters())
    n.zero_grad()
    assert {repr(p.grad) for p in n.parameters()} == {"0"}


NUMBERS = st.one_of(st.integers(-4, 4), st.sampled_from([-2.5, -0.5, 0.25, 1.5, 3.0]))
# what is done with two earlier nodes, which are leaves or results, and a plain number
ACTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "x + y": lambda x, y, k: x + y,
    "x * y": lambda x, y, k: x * y,
    "x - y": lambda x, y, k: x - y,
    "x + k": lambda x, y, k: x + k,
    "k + x": lambda x, y, k: k + x,
    "x - k": lambda x, y, k: x - k,
    "k - x": lambda x, y, k: k - x,
    "x * k": lambda x, y, k: x * k,
    "k * x": lambda x, y, k: k * x,
    "x / (k or 2)": lambda x, y, k: x / (k or 2),
    "k / (x*x + 1)": lambda x, y, k: k / (x * x + 1),
    "x / (y*y + 1)": lambda x, y, k: x / (y * y + 1),
    "-x": lambda x, y, k: -x,
    "x**2": lambda x, y, k: x**2,
    "x**3": lambda x, y, k: x**3,
    "x.relu()": lambda x, y, k: x.relu(),
}
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 9), st.integers(0, 9), NUMBERS),
    min_size=1,
    max_size=7,
)


@settings(max_examples=50)
@given(leaves=st.lists(NUMBERS, min_size=2, max_size=4), steps=STEPS)
def test_random_expressions_side_by_side(leaves: list[float], steps: list[Any]) -> None:
    runs = []
    for value in (Value, micrograd.engine.Value):
        nodes: list[Any] = [value(x) for x in leaves]
        for name, i, j, k in steps:
            nodes.append(ACTIONS[name](nodes[i % len(nodes)], nodes[j % len(nodes)], k))
        before = repr(nodes)
        nodes[-1].backward()
        runs.append((nodes, before))
    (ours, before), (theirs, before_there) = runs
    assert before == before_there  # character for character: ints, signs, the last digit
    for x, y in zip(ours, theirs):
        assert type(x.grad) is type(y.grad) or x.grad == y.grad
        assert x.grad == pytest.approx(y.grad, rel=1e-9, abs=1e-9 * (1 + abs(y.grad)))
        assert x._op == y._op
        assert sorted(map(repr_data, x._prev)) == sorted(map(repr_data, y._prev))


def repr_data(node: Any) -> str:
    return repr(node.data)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((2,), {}), ((2, (), ""), {}), ((2,), {"_children": (), "_op": "", "label": "a"})],
)
def test_the_constructor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    x = Value(*args, **kwargs)
    assert (x.data, x.grad, x._op, x._prev, x.label) == (2, 0, "", set(), kwargs.get("label", ""))
    assert repr(x) == "Value(data=2, grad=0)"


def test_reprs_can_be_the_lecture_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Value, "show_grad", False)
    assert repr(Value(2.0)) == str(Value(2.0)) == f"{Value(2.0)}" == "Value(data=2.0)"


def test_integers_stay_integers() -> None:
    x = Value(3)
    y = x * 2 + x**2 - 1
    y.backward()
    assert repr([x, y]) == "[Value(data=3, grad=8), Value(data=14, grad=1)]"
    assert repr(Value(-1.5).relu()) == "Value(data=0, grad=0)"
    assert (Value(10) ** 200 * Value(10) ** 200).data == math.inf  # where no float could follow
    assert (Value(10) ** 200 * Value(-10) ** 201).data == -math.inf
    assert (Value(9) ** 10**9).data == math.inf  # at once
    assert (float(x), f"{x:.2f}") == (3.0, "3.00")


def test_what_a_node_is_made_of() -> None:
    a, b = Value(2.0, label="a"), Value(-3.0)
    c = a * b
    assert c._prev == {a, b}
    assert {a, b} == c._prev
    assert list(c._prev) == [a, b]
    assert repr(c._prev) == "{Value(data=2.0, grad=0), Value(data=-3.0, grad=0)}"
    assert isinstance(c._prev, set)
    assert list((a * a)._prev) == [a]
    assert (a * a)._children == (a, a)
    assert repr(a._prev) == "set()"
    nodes = [a + b, a * b, a**2, a**-1.5, a.relu(), a.tanh(), a.exp(), a.log(), a - b, a / b, a]
    assert [x._op for x in nodes] == [
        "+", "*", "**2", "**-1.5", "ReLU", "tanh", "exp", "log", "+", "*", ""
    ]  # fmt: skip
    assert (a**2)._prev == {a}
    c._op = "times"
    assert str(id(c)) + c._op == f"{id(c)}times"


def test_nodes_are_themselves() -> None:
    a = Value(1.0)
    assert a != Value(1.0)
    assert a not in [Value(1.0)]
    assert len({a, Value(1.0), a}) == 2
    a.m, a._vis_color = 0.5, "red"  # type: ignore[attr-defined]
    again = copy.deepcopy(a)
    assert (again.data, again.grad, again.m) == (1.0, 0, 0.5)  # type: ignore[attr-defined]


def test_where_micrograd_accumulates_old_gradients_we_do_not() -> None:
    results = []
    for value in (Value, micrograd.engine.Value):
        a: Any = value(3)
        y = a * a * a
        y.backward()
        once = a.grad
        y.backward()
        twice = a.grad
        a.grad = 0  # as zero_grad does
        y.backward()
        results.append((once, twice, a.grad))
    assert results == [(27, 54, 27), (27, 72, 63)]


def test_two_results_share_inner_nodes() -> None:
    a = Value(2.0)
    b = a * a
    (3 * b).backward()
    (5 * b).backward()
    assert (a.grad, b.grad) == (32.0, 8.0)


def test_gradients_are_those_of_the_forward_pass() -> None:
    """Whatever was set since, on leaves, inner nodes and results; also by hand, also a closure."""
    for out in (Value.tanh, own_tanh, through_exp):
        x = Value(0.5)
        inner = x * x
        y = out(inner)
        x.data, inner.data, y.data = 7, 8.0, 9.0
        y.backward()
        assert x.grad == pytest.approx(1 - math.tanh(0.25) ** 2, rel=1e-12)
        assert (x.data, inner.data, y.data) == (7, 8.0, 9.0)
    y.data += 1
    assert y.data == 10.0


def test_a_closure_that_reads_data_later_reads_what_was_used() -> None:
    x = Value(3.0)
    out = Value(x.data**2, (x,), "square")

    def _backward() -> None:
        x.grad += 2 * x.data * out.grad + 0 * out.data

    out._backward = _backward
    x.data -= 1
    out.backward()
    assert (x.grad, x.data) == (6.0, 2.0)


def test_a_number_given_while_the_node_is_made_is_its_number() -> None:
    x = Value(2.0)
    out = Value(0, (x,), "exp")
    out.data = math.exp(x.data)

    def _backward() -> None:
        x.grad += out.data * out.grad

    out._backward = _backward
    out.data += 1
    out.backward()
    assert x.grad == math.exp(2.0)


def test_an_inner_number_set_before_it_is_used_counts() -> None:
    """The lecture nudges an inner node to find a derivative by hand."""
    a, b = Value(2.0), Value(-3.0)
    e = a * b
    e.data += 1
    y = e * e
    y.backward()
    assert (y.data, e.grad, a.grad) == (25.0, -10.0, 30.0)
    with pytest.raises(StaleError):
        gradient(e, [a])[0].data  # noqa: B018


def test_a_closure_of_the_user_s_is_honoured() -> None:
    x = Value(2.0, label="x")
    y = x * 3
    calls = []
    y._backward = lambda: calls.append(x.grad)
    x._backward = lambda: calls.append(x.grad)
    (y * 1).backward()
    assert calls == [0, 0]
    assert x.grad == 0  # nobody passed it on


def test_nothing_changes_where_a_closure_fails() -> None:
    x = Value(2.0)
    y = own_tanh(x) * x
    y.backward()
    before = x.grad
    next(iter(y._prev))._backward = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert x.grad == before


def test_methods_are_replaced_and_added(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(Value):
        def double(self) -> Value:
            return self * 2

        def _backward(self) -> None:  # type: ignore[override]
            for child in self._prev:
                child.grad += 100 * self.grad

    x: Any = Mine(1.0)
    y = x.double()
    y.backward()
    assert (type(y), x.grad) == (Mine, 100)
    monkeypatch.setattr(Value, "tanh", own_tanh)
    monkeypatch.setattr(Value, "__mul__", lambda self, other: Value(42))
    assert (5 * Value(1.0)).data == (-Value(1)).data == (Value(1) / 3).data == 42
    z = Value(0.5)
    z.tanh().backward()
    assert z.grad == pytest.approx(1 - math.tanh(0.5) ** 2)
    monkeypatch.setattr(Value, "_backward", lambda self: None)
    w = Value(1.0)
    (w + 1).backward()
    assert w.grad == 0


@pytest.mark.parametrize("k", [np.float64(2), np.int64(2), np.float32(2), True, 2])
def test_numpy_s_numbers_on_both_sides(k: Any) -> None:
    x = Value(3.0)
    for y, expected in [
        (k * x, 3.0 * k), (x * k, 3.0 * k), (k + x, 3.0 + k), (x - k, 3.0 - k),
        (k - x, k - 3.0), (x / k, 3.0 / k), (k / x, k / 3.0), (x**k, 3.0**k),
    ]:  # fmt: skip
        assert type(y) is Value
        assert type(y.data) is float
        assert y.data == pytest.approx(float(expected))
    assert type(Value(np.int64(2)).data) is int
    assert type(Value(np.float32(2)).data) is float


def test_arrays_hold_values_as_objects() -> None:
    a, b = Value(2), Value(-3.0)
    found = np.array([1.0, 2.0]) * a
    assert (found.dtype, [x.data for x in found]) == (np.dtype(object), [2.0, 4.0])
    assert np.array([a, b]).dot(np.array([1, 2])).data == -4.0


def test_what_is_no_number_is_refused() -> None:
    for wrong in ("2", None, 1j, np.array([1.0, 2.0]), [1.0], Value(1.0)):
        with pytest.raises(NumberError):
            Value(wrong)  # type: ignore[arg-type]
    with pytest.raises(NumberError, match="a child must be a Value"):
        Value(1.0, (2.0,))  # type: ignore[arg-type]


def test_what_raises_in_micrograd_has_ieee_s_answer() -> None:
    x = Value(0.0)
    assert (1 / x).data == (Value(1) / 0).data == math.inf
    assert math.isnan((Value(-2.0) ** 0.5).data)
    assert (2 ** Value(3)).data == (Value(2) ** Value(3)).data == 8
    assert Value(1000).exp().data == math.inf


def test_the_engine_s_tools_take_these_values() -> None:
    x = Value(2, label="x")
    y = x**3 + 1 / x
    derivatives = [y]
    for _ in range(3):
        derivatives += gradient(derivatives[-1], [x])
    assert [d.data for d in derivatives] == [8.5, 11.75, 12.25, 5.625]
    assert isinstance(y, tinygrad_edu.Value)
    assert "11.75" in str(explain(y, x))
    assert tinygrad_edu.tanh(x)._op == "tanh"  # type: ignore[attr-defined]
    assert list(events_of(y))
    assert (tinygrad_edu.Value(2.0) * x + tinygrad_edu.sqrt(x)).data == 4 + math.sqrt(2)
    y.backward()
    assert x.grad == 11.75
    assert {node.stale for node in tinygrad_edu.graph(y).nodes} == {False}


def test_a_hand_made_operation_is_drawn_with_its_local_derivative() -> None:
    x = Value(0.5, label="x")
    o = own_tanh(x) * 2
    o.backward()
    grad = x.grad
    g = tinygrad_edu.graph(o)
    (edge,) = [edge for edge in g.edges if edge.source == g.find("x").id]
    assert edge.local == pytest.approx(1 - math.tanh(0.5) ** 2)
    assert edge.contribution == pytest.approx(grad)
    assert x.grad == grad
    assert "tanh(x)" in str(explain(o, x))
    with pytest.raises(NotImplementedError, match="no second derivative"):
        gradient(o, [x])


def test_a_hand_made_power_is_no_row_of_the_table() -> None:
    x, two = Value(3.0), tinygrad_edu.engine.as_value(2.0)
    y = Value(9.0, (x, two), "pow")
    assert (y._op, y._children) == ("pow", (x, two))


def test_three_operands_by_hand() -> None:
    a, b, c = Value(1.0, label="a"), Value(2.0, label="b"), Value(3.0, label="c")
    out = Value(a.data * b.data * c.data, (a, b, c), "product")

    def _backward() -> None:
        a.grad += b.data * c.data * out.grad
        b.grad += a.data * c.data * out.grad
        c.grad += a.data * b.data * out.grad

    out._backward = _backward
    y = out + a
    y.backward()
    assert [x.grad for x in (a, b, c)] == [7.0, 3.0, 2.0]
    assert list(out._prev) == [a, b, c]
    nodes, edges = trace(y)
    assert (nodes, len(edges)) == ({y, out, a, b, c}, 5)
    for picture in (draw_dot(y).picture, y.draw()):
        g = picture.graph
        assert [n.label for n in g.nodes] == ["a", "b", "c", "", ""]
        assert [edge.local for edge in g.edges] == [6.0, 3.0, 2.0, 1.0, 1.0]
    with pytest.raises(
        NotImplementedError, match="product has a _backward of its own, so no second derivative"
    ):
        gradient(y, [c])


def test_trace_finds_every_node_and_edge_once() -> None:
    a = Value(2.0)
    b = a * a
    y = b + a
    nodes, edges = trace(y)
    assert nodes == {a, b, y}
    assert edges == {(a, b), (b, y), (a, y)}
    assert repr(nodes).startswith("{Value(")


def test_draw_dot(tmp_path: Path) -> None:
    o, _ = lecture_neuron(Value.tanh)
    o.backward()
    dot = draw_dot(o, format="svg", rankdir="TB")
    assert dot.format == "svg"
    assert "rankdir=TB" in dot.source
    assert "0.7071" in dot.source
    path = dot.render(tmp_path / "neuron")
    assert Path(path).read_bytes().startswith(b"<svg")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["neuron", "neuron.svg"]
    dot.format = "png"
    path = dot.render("other", directory=tmp_path / "new", cleanup=True)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["other.png"]
    assert Path(path).read_bytes()[1:4] == b"PNG"
    assert "<svg" in str(dot._repr_svg_())
    assert set(dot._repr_mimebundle_()) == {"image/svg+xml", "image/png", "text/plain"}
    assert repr(dot) == repr(o.draw(direction="TB"))
    with pytest.raises(tinygrad_edu.ViewError):
        draw_dot(o, rankdir="XY")


def test_a_notebook_without_graphviz_shows_what_is_small_and_of_the_rest_the_text(
    no_dot: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    y = Value(2.0, label="x") * 3
    shown = draw_dot(y)
    assert str(shown._repr_svg_()).startswith("<svg")
    shown.pipe()
    assert "without Graphviz" in shown.picture.note
    assert "x = 2" in shown._repr_mimebundle_()["text/plain"]
    for _ in range(300):
        y = y + 1
    large = draw_dot(y)
    assert large._repr_svg_() is None
    assert "+ = 306" in large._repr_mimebundle_()["text/plain"]
    assert Value(2)._repr_mimebundle_() == {"text/plain": "Value(data=2, grad=0)"}


def pasted_draw_dot(root: Any, format: str = "svg", rankdir: str = "LR") -> Any:
    """Over graphviz itself, as users have it in their notebooks."""
    nodes, edges = set(), set()

    def build(v: Any) -> None:
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(root)
    dot = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    for n in nodes:
        text = "{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad)  # noqa: UP031
        dot.node(name=str(id(n)), label=text, shape="record")
        if n._op:
            dot.node(name=str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    return dot


def test_a_pasted_draw_dot_works() -> None:
    o, _ = lecture_neuron(through_exp)
    o.backward()
    source = pasted_draw_dot(o).source
    assert "{ x1 | data 2.0000 | grad -1.5000 }" in source
    assert "{ o | data 0.7071 | grad 1.0000 }" in source
    assert '"**-1"' in source or "**-1" in source


def test_plain_numbers_have_their_gradient_as_in_micrograd() -> None:
    x = Value(2.0)
    y = x * 3
    y.backward()
    assert [n.grad for n in y._prev] == [3, 2.0]
    assert [n.kind for n in tinygrad_edu.graph(y).nodes] == ["leaf", "constant", "operation"]


def test_networks_name_their_groups() -> None:
    random.seed(1)
    picture = MLP(2, [3, 1])([1.0, -2.0]).draw(level="layer")
    assert {n.label for n in picture.graph.nodes if n.kind == "group"} == {"layer1", "layer2"}


def test_long_chains_and_no_cycles() -> None:
    x = Value(1)
    y: Any = x
    for _ in range(5_000):
        y = y + 1.0
    y.backward()
    assert (y.data, x.grad) == (5_001.0, 1)
    gone = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert gone() is None
    finally:
        gc.enable()


def test_the_import_line_is_all_that_changes() -> None:
    import tinygrad_edu.compat.micrograd as ours

    assert isinstance(ours.engine, types.ModuleType)
    assert ours.nn is nn
    names = [n for n in dir(micrograd.nn) if not n.startswith("_")]
    assert set(names) <= set(dir(nn))
    theirs = {n for n in dir(micrograd.engine.Value(1)) if n != "__weakref__"}
    assert theirs <= set(dir(Value(1)))


# --- nodes made with their local derivatives, as in microgpt --------------------------------------


def _with_local_grads(name: str) -> Callable[..., Value]:
    """An operation in microgpt's style: the number, the operands, the local derivatives."""
    made: dict[str, Callable[..., Value]] = {
        "add": lambda a, b: Value(a.data + b.data, (a, b), (1, 1)),
        "mul": lambda a, b: Value(a.data * b.data, children=(a, b), local_grads=(b.data, a.data)),
        "exp": lambda a: Value(math.exp(a.data), (a,), (math.exp(a.data),)),
        "cube": lambda a: Value(a.data**3, (a, a, a), (a.data**2,) * 3),
    }
    return made[name]


def test_a_node_made_with_its_local_derivatives_passes_them_on() -> None:
    add, mul, exp, cube = map(_with_local_grads, ("add", "mul", "exp", "cube"))
    a, b = Value(0.5), Value(-1.25)
    y = cube(add(mul(a, b), exp(a)))
    expected_a, expected_b = Value(0.5), Value(-1.25)
    expected = (expected_a * expected_b + expected_a.exp()) ** 3
    y.backward()
    expected.backward()
    assert (y.data, a.grad, b.grad) == pytest.approx(
        (expected.data, expected_a.grad, expected_b.grad), rel=1e-15
    )
    assert tinygrad_edu.gradcheck(lambda x: cube(exp(x)), 0.5, value=Value)


def test_every_node_has_its_local_derivatives() -> None:
    a, b = Value(3.0), Value(2)
    assert (a * b)._local_grads == (2, 3.0)
    assert (a * a)._local_grads == (3.0, 3.0)
    assert (a**2)._local_grads == (6.0,)
    assert a._local_grads == ()
    assert Value(7.0, (a, b), (0.5, 4))._local_grads == (0.5, 4)
    assert Value(7.0, _prev=(a, b))._children == (a, b)
    with pytest.raises(ValueError, match="1 local_grads and 2 children"):
        Value(7.0, (a, b), (0.5,))
    with pytest.raises(TypeError, match="expected one real number, got a Value"):
        Value(7.0, (a, b), (b, a))
