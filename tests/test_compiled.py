"""Compiled steps: the same answers as the eager engine, and what they refuse, warn of and leave."""

from __future__ import annotations

import gc
import math
import os
import signal
import subprocess
import sys
import threading
import warnings
from array import array
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf, isfinite, nan
from random import Random
from typing import Any

import numpy as np
import pytest
from conftest import random_value
from mpmath import mp
from test_random_graphs import WORKING_DIGITS, big_random_programs, graph

import tinygrad_edu
from tinygrad_edu import TABLE, Op, Value, compile, less, losses, mask, maximum, optim, sign, tanh
from tinygrad_edu import graph as picture
from tinygrad_edu.analysis.check import nonfinite_message
from tinygrad_edu.compiler import backends
from tinygrad_edu.data import Example, gate
from tinygrad_edu.engine import topological_order
from tinygrad_edu.errors import (
    FrozenWarning,
    InnerNodeError,
    LengthError,
    MissingError,
    NonFiniteError,
    NonFiniteWarning,
    NumberError,
    SlowWarning,
    TapeError,
)
from tinygrad_edu.nn import MLP, Layer, Neuron
from tinygrad_edu.nn.layers import Dropout, Embedding, LayerNorm, Linear, RMSNorm, residual
from tinygrad_edu.nn.transformer import Block
from tinygrad_edu.ops import CONSTANT, LEAF
from tinygrad_edu.optim import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Momentum,
    Optimizer,
    RMSprop,
    cosine,
)
from tinygrad_edu.train import Criterion, History, loss_below, train

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")
BACKENDS = pytest.mark.parametrize("backend", ["python", "numpy"])


@pytest.fixture(autouse=True)
def _machine_code_if_asked_for(request: pytest.FixtureRequest) -> None:
    """Skips a test of the machine where llvmlite, an extra, is not installed."""
    case = getattr(request.node, "callspec", None)
    if case is not None and case.params.get("backend") == "machine":
        pytest.importorskip("llvmlite")


ROWS = pytest.mark.parametrize("op", list(TABLE.values()), ids=list(TABLE))
TOLERANCE = 1e-12
SPECIAL = (nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 2.0, -0.5, 1e-300, 1e300, -800.0, 800.0)


# --- the eager engine is the definition ----------------------------------------------------------


def rebuilt(y: Value) -> tuple[Value, list[Value], list[Value]]:
    """The graph computed again from its leaves as they are; its leaves, and those of `y`."""
    new: dict[Value, Value] = {}
    for node in topological_order(y):
        if node.op is LEAF:
            new[node] = Value(node.data)
        else:
            new[node] = node if node.op is CONSTANT else node.op(*(new[x] for x in node.args))
    leaves = [node for node in new if node.op is LEAF]
    return new[y], [new[leaf] for leaf in leaves], leaves


def eager(y: Value, leaves: Sequence[Value]) -> tuple[list[float], list[float]]:
    """Value and gradients, and for each the size that an error is measured by: the value's own,
    or the sum of the absolute contributions."""
    y.backward()
    sizes = dict.fromkeys(leaves, 0.0)
    order = topological_order(y)
    for edge in picture(y).edges:
        if order[edge.source] in sizes:
            sizes[order[edge.source]] += abs(edge.contribution or 0.0)
    found = [y.data, *(leaf.grad for leaf in leaves)]
    return found, [max(abs(x), size) for x, size in zip(found, [0.0, *sizes.values()], strict=True)]


def agree(found: Sequence[float], expected: Sequence[float], sizes: Sequence[float]) -> bool:
    return all(
        x == e or (x != x and e != e) or abs(x - e) <= TOLERANCE * size
        for x, e, size in zip(found, expected, sizes, strict=True)
    )


def quiet(step: Any, *columns: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)
        return step(*columns)


def check(y: Value, backend: str) -> None:
    again, new, leaves = rebuilt(y)
    value, gradients = quiet(compile(y, leaves, backend=backend))
    assert agree([value, *gradients], *eager(again, new))


@pytest.mark.quick
@BACKENDS
@ROWS
def test_every_row_at_every_corner(op: Op, backend: str) -> None:
    """One number at a time, all of them as one batch, and within a larger expression."""
    random = Random(1)
    count = len(op.derivatives)
    points = [(a, b) for a in SPECIAL for b in SPECIAL] if count == 2 else [(a,) for a in SPECIAL]
    points += [tuple(random.uniform(-3, 3) for _ in range(count)) for _ in range(20)]
    leaves = [Value(0.5, label=name) for name in "ab"[:count]]
    step = compile(op(*leaves) * 0.75, leaves, leaves, backend=backend)
    whole, each = [], []
    for xs in points:
        new = [Value(x) for x in xs]
        expected, sizes = eager(op(*new) * 0.75, new)
        value, gradients = quiet(step, *xs)
        assert agree([value, *gradients], expected, sizes), xs
        whole.append(expected)
        each.append(sizes)
    columns = list(zip(*points, strict=True))
    (outputs,) = step.outputs(*columns)
    assert agree(outputs, [row[0] for row in whole], [row[0] for row in each])
    _, gradients = quiet(step, *columns)
    for i, items in enumerate(gradients, 1):
        assert agree(items, [row[i] for row in whole], [row[i] for row in each])


def test_random_graphs_with_special_numbers() -> None:
    """150 graphs, of which many have a nan or an infinity for an answer."""
    finite = 0
    for seed in range(150):
        random = Random(seed)
        y = random_value(random, random.randint(1, 30), labels=("",))
        check(y, "python")
        again, new, leaves = rebuilt(y)
        expected, _ = eager(again, new)
        value, gradients = quiet(compile(y, leaves, backend="numpy"))
        found = [value, *gradients]
        assert list(map(isfinite, found)) == list(map(isfinite, expected))
        if not all(map(isfinite, found)):
            assert agree(found, expected, [0.0] * len(found))
        finite += all(map(isfinite, found))
    assert 30 < finite < 130


@BACKENDS
def test_big_random_graphs(backend: str) -> None:
    """The graphs that lose few digits."""
    with mp.workdps(WORKING_DIGITS):
        for program, _ in big_random_programs():
            y, leaves = graph(program)
            expected, sizes = eager(y, leaves)
            value, gradients = compile(y, leaves, backend=backend)()
            assert agree([value, *gradients], expected, sizes)


def half(ys: Any, ts: Any) -> Value:
    return losses.half_squared_error(ys, ts)


LINEAR = Linear(3, 2, init=lambda random, *_: random.uniform(-1, 1), seed=1)
NEURON = Neuron(3, "softplus", seed=2)
LAYER = Layer(3, 2, "atan", seed=3)
TABLE_OF_VECTORS = Embedding(4, 3, seed=4)
NORMS = LayerNorm(3), RMSNorm(3)
BLOCKS = [Block(4, 2, hidden=3, norm=norm, seed=5) for norm in (LayerNorm, RMSNorm)]
MLPS = {name: MLP(3, [4, 2], name, seed=6) for name in ("linear", "tanh", "sigmoid", "relu", "sin")}
DROPOUT = Dropout(0.5, seed=7)
DROPOUT.eval()

# What is computed of 3 inputs and 2 targets, and by what it is differentiated.
NETWORKS: dict[str, tuple[Callable[[Any, Any], Any], list[Value]]] = {
    **{
        f"MLP of {name}": (lambda xs, ts, m=m: half(m(xs), ts), m.parameters())
        for name, m in MLPS.items()
    },
    "neuron": (lambda xs, ts: half([NEURON(xs)], ts[:1]), NEURON.parameters()),
    "layer": (lambda xs, ts: half(LAYER(xs), ts), LAYER.parameters()),
    "linear map": (lambda xs, ts: half(LINEAR(xs), ts), LINEAR.parameters()),
    "embedding": (
        lambda xs, ts: half(LINEAR(residual(TABLE_OF_VECTORS(2), xs)), ts),
        [*TABLE_OF_VECTORS.parameters(), *LINEAR.parameters()],
    ),
    "dropout, off": (lambda xs, ts: half(DROPOUT(LINEAR(xs)), ts), LINEAR.parameters()),
    **{
        type(norm).__name__: (
            lambda xs, ts, norm=norm: half(norm(xs)[:2], ts),
            norm.parameters(),
        )
        for norm in NORMS
    },
    **{
        f"transformer with {name}": (
            lambda xs, ts, block=block: half(
                [y for vector in block([[*xs, ts[0]], [*ts, *xs[:2]]]) for y in vector[:1]], ts
            ),
            block.parameters(),
        )
        for name, block in zip(("LayerNorm", "RMSNorm"), BLOCKS, strict=True)
    },
    "dead zone": (
        lambda xs, ts: losses.half_squared_error(MLPS["tanh"](xs), ts, dead_zone=0.2),
        MLPS["tanh"].parameters(),
    ),
    "mean squared error": (
        lambda xs, ts: losses.mse_loss(MLPS["tanh"](xs), ts),
        MLPS["tanh"].parameters(),
    ),
    "hinge": (
        lambda xs, ts: losses.hinge_loss(NEURON(xs), ts[0]),
        NEURON.parameters(),
    ),
    "binary cross entropy": (
        lambda xs, ts: losses.binary_cross_entropy_with_logits(NEURON(xs), ts[1]),
        NEURON.parameters(),
    ),
    "softmax cross entropy of targets": (
        lambda xs, ts: losses.cross_entropy(LINEAR(xs), ts),
        LINEAR.parameters(),
    ),
    "softmax cross entropy of a label": (
        lambda xs, ts: losses.cross_entropy(LINEAR(xs), 1),
        LINEAR.parameters(),
    ),
}
EXAMPLES = [
    [[0.3, -1.2, 0.8], [1.0, 0.0]],
    [[1.5, 0.4, -0.7], [-1.0, 1.0]],
    [[-0.6, 0.9, 2.1], [1.0, 0.25]],
]


@BACKENDS
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, reduction: str, backend: str) -> None:
    """Sum or mean over three examples, and after the parameters have changed."""
    build, parameters = NETWORKS[name]
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate([0.1, 0.2, 0.3, 1.0, 0.5])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = build(inputs[:3], inputs[3:])
        step = compile(loss, parameters, inputs, reduction=reduction, backend=backend)
    columns = list(zip(*([*xs, *ts] for xs, ts in EXAMPLES), strict=True))
    kept = [p.data for p in parameters]
    for shift in (0.0, 0.1):
        for p, x in zip(parameters, kept, strict=True):
            p.data = x + shift
            p.grad = 0.0
        value, gradients = step(*columns)
        if "binary" in name or "softmax" in name:
            examples = [[[*map(Value, xs)], [*map(Value, ts)]] for xs, ts in EXAMPLES]
        else:
            examples = EXAMPLES
        results = [build(*example) for example in examples]
        total = sum(results[1:], results[0])
        expected, sizes = eager(total / 3 if reduction == "mean" else total, parameters)
        assert agree([value, *gradients], expected, sizes)
        (each,) = step.outputs(*columns)
        assert each == pytest.approx([y.data for y in results], rel=TOLERANCE)
    for p, x in zip(parameters, kept, strict=True):
        p.data, p.grad = x, 0.0


# --- what a step is given, and gives -------------------------------------------------------------


def neuron() -> tuple[Value, dict[str, Value]]:
    leaves = {name: Value(x, label=name) for name, x in {"x": 2.0, "w": -3.0, "b": 7.0}.items()}
    return tanh(leaves["x"] * leaves["w"] + leaves["b"]), leaves


@pytest.mark.quick
@BACKENDS
def test_leaves_are_as_they_are_now_and_inputs_as_they_are_given(backend: str) -> None:
    y, by = neuron()
    step = compile(y, [by["w"], by["b"]], by["x"], backend=backend)
    assert step(2)[0] == pytest.approx(y.data)
    by["b"].data = 0.5
    value, (dw, db) = step(0.25)
    assert value == pytest.approx(float(np.tanh(0.25 * -3 + 0.5)), rel=1e-14)
    assert dw == pytest.approx(0.25 * (1 - value**2), rel=1e-14)
    assert db == pytest.approx(1 - value**2, rel=1e-14)
    assert by["x"].data == 2.0


@BACKENDS
def test_columns_may_be_any_numbers_in_any_sequence(backend: str) -> None:
    y, by = neuron()
    step = compile(y, by["w"], [by["x"], by["b"]], backend=backend)
    expected = step([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    for x in (
        (1, 2, 3),
        [True, Fraction(2), 3.0],
        array("d", [1, 2, 3]),
        np.arange(1, 4),
        range(1, 4),
    ):
        assert step(x, 1) == expected
        assert step(b=1, x=x) == expected
        assert step(x, b=np.float32(1)) == expected
    assert [type(d) for d in expected[1]] == [float]


@BACKENDS
def test_an_input_that_is_differentiated_by_has_a_gradient_for_each_example(backend: str) -> None:
    y, by = neuron()
    step = compile(y, [by["x"], by["w"]], [by["x"], by["b"]], reduction="mean", backend=backend)
    _, (dx, dw) = step([2.0, 1.0], 7.0)
    assert len(dx) == 2
    assert isinstance(dw, float)
    singles = [step(x, 7.0)[1] for x in (2.0, 1.0)]
    assert dx == pytest.approx([single[0] / 2 for single in singles], rel=1e-14)
    assert dw == pytest.approx(sum(single[1] for single in singles) / 2, rel=1e-14)
    _, (dx, _) = step(2.0, [7.0, 8.0])  # one number for all: one gradient
    assert dx == pytest.approx(sum(step(2.0, b)[1][0] for b in (7.0, 8.0)) / 2, rel=1e-14)


@BACKENDS
def test_what_else_is_wanted_is_added_up_too(backend: str) -> None:
    y, by = neuron()
    step = compile(y, by["w"], by["x"], also=[y * y, by["x"] + 0], backend=backend)
    value, _, also = step([1.0, 2.0])
    ys, squares, xs = step.outputs([1.0, 2.0])
    assert (value, also) == (pytest.approx(sum(ys)), pytest.approx([sum(squares), 3.0]))
    assert squares == pytest.approx([y**2 for y in ys])
    assert xs == [1.0, 2.0]


@BACKENDS
def test_what_does_not_matter_has_the_gradient_0(backend: str) -> None:
    x, w, unused = Value(2.0, "x"), Value(3.0, "w"), Value(4.0, "unused")
    step = compile(x * x, [unused, w, x], [x, unused], also=w * 2, backend=backend)
    assert step([1.0, 2.0], 5.0) == (5.0, [0.0, 0.0, [2.0, 4.0]], [12.0])
    assert compile(x * x, x, backend=backend)() == (4.0, [4.0])
    assert compile(x, [x], backend=backend)() == (2.0, [1.0])
    assert compile(Value(1.0) * 2, backend=backend).outputs() == [[2.0]]


@BACKENDS
def test_operations_of_ones_own(backend: str) -> None:
    """Also where their names are those of rows, or of what stands in generated text."""
    for name in ("cube", "exp", "t0", "count", "own0"):
        cube = Op(name, lambda a: a**3, lambda y, a: 3 * a**2)
        both = Op(name, lambda a, b: a / b, lambda y, a, b: 1 / b, lambda y, a, b: -y / b)
        x, w = Value(2.0), Value(4.0)
        y = cube(x) + both(x, w) + x.exp()
        again, new, leaves = rebuilt(y)
        value, gradients = compile(y, leaves, backend=backend)()
        assert agree([value, *gradients], *eager(again, new))
        step = compile(both(x, w), [x, w], [w], backend=backend)
        assert quiet(step, 0.0)[0] == inf


@BACKENDS
def test_labels_are_not_read_as_program_text(backend: str) -> None:
    x = Value(2.0, label="__import__('os').system('false')")
    y = x * 3
    y.label = "return"
    assert compile(y, x, x, backend=backend)(1.0) == (3.0, [3.0])


@BACKENDS
def test_long_sums_and_deep_graphs(backend: str) -> None:
    leaves = [Value(float(i)) for i in range(3000)]
    total = sum(leaves[1:], leaves[0])
    y = total
    for _ in range(3000):
        y = y * 0.5 + 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        value, gradients = compile(y + total, leaves, backend=backend)()
    finally:
        sys.setrecursionlimit(limit)
    assert value == (y + total).data
    assert set(gradients) == {1.0}


def test_a_graph_that_no_input_changes_is_run_once() -> None:
    x, w = Value(1.0, "x"), Value(2.0, "w")
    calls = []

    def counted(a: float) -> float:
        y = math.fabs(a)  # which no Term is, so that the step has to call this function
        calls.append(a)
        return y

    op = Op("op", counted, lambda y, a: 1.0)
    step = compile(op(w) * x, [w], [x], backend="python")
    calls.clear()
    assert step([1.0, 2.0, 3.0]) == (12.0, [6.0])
    assert calls == [2.0]


@BACKENDS
def test_threads_may_share_a_step(backend: str) -> None:
    y, by = neuron()
    step = compile(y, by["w"], by["x"], backend=backend)
    expected = [step([i / 8, 1.0]) for i in range(8)]
    found: list[Any] = [None] * 8

    def work(i: int) -> None:
        for _ in range(200):
            found[i] = step([i / 8, 1.0])
            assert found[i] == expected[i]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_a_compiled_loss_says_what_it_is() -> None:
    y, by = neuron()
    step = compile(y, by["w"], by["x"])
    assert repr(step) == f"<a compiled loss of {len(step.recorded)} slots: 1 inputs, 1 wrt>"


@BACKENDS
def test_adjoints_are_recorded_where_they_are_needed(backend: str) -> None:
    """And then they are right, whatever has become of the leaves meanwhile."""
    y, by = neuron()
    step = compile(y * by["w"], [by["w"], by["x"]], [by["x"], by["b"]], backend=backend)
    assert step.outputs([1.0, 2.0], 0.5)[0] == pytest.approx([3 * np.tanh(2.5), 3 * np.tanh(5.5)])
    assert repr(step).startswith("<a compiled loss of 7 slots")
    assert (step.recorded.gradients, "tape" in vars(step.graph)) == ([], False)
    by["w"].data, by["b"].data = 0.25, -9.0
    again, new, leaves = rebuilt(step.loss)
    at = dict(zip(leaves, new, strict=True))
    expected, _ = eager(again, [at[by["w"]], at[by["x"]]])
    value, gradients = step(2.0, -9.0)
    assert [value, *gradients] == pytest.approx(expected, rel=TOLERANCE)
    assert step.tape is step.tape
    assert (step.tape.leaves, step.tape.outputs) == (step.recorded.leaves, step.recorded.outputs)
    slots = step.tape.run({"x": 2.0, "b": 0.0})
    assert slots[step.tape.outputs[0]] == pytest.approx(0.25 * np.tanh(0.5))
    slope = np.tanh(0.5) + 0.25 * 2 * (1 - np.tanh(0.5) ** 2)
    assert slots[step.tape.gradients[0]] == pytest.approx(slope)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda y, a: 1.0 if a else 2.0, "neither true nor false"),
        (lambda y, a: None, "NoneType"),
        (lambda y, a: math.exp(a), "_Slot"),
    ],
)
def test_a_rule_of_ones_own_that_is_none_is_refused_at_once(rule: Any, words: str) -> None:
    x = Value(2.0)
    odd = Op("odd", lambda a: a, rule)
    with pytest.raises(TypeError, match=words):
        compile(odd(x), x, backend="python")


def test_the_collector_is_as_it_was() -> None:
    y, by = neuron()
    for on in (True, False):
        (gc.enable if on else gc.disable)()
        try:
            compile(y, by["w"], backend="python")()
            assert gc.isenabled() is on
        finally:
            gc.enable()


# --- what is refused -----------------------------------------------------------------------------


def test_what_cannot_be_compiled_is_refused_in_one_line() -> None:
    y, by = neuron()
    x, w = by["x"], by["w"]
    constant = (y * 2).args[1]
    for error, words, call in [
        (NumberError, "not float", lambda: compile(2.0)),
        (NumberError, "returned str", lambda: compile(lambda: "y")),
        (NumberError, "not str", lambda: compile(y, also="y")),
        (NumberError, "wrt: 2.0 is not a leaf", lambda: compile(y, [2.0])),
        (TapeError, "wrt: no leaf is called 'q'; the labels are", lambda: compile(y, ["q"])),
        (NumberError, "inputs: 2.0 is not a leaf", lambda: compile(y, w, [2.0])),
        (InnerNodeError, "was computed", lambda: compile(y, [y])),
        (TapeError, "has a constant, 2.0: make it a leaf", lambda: compile(y * 2, [constant])),
        (TapeError, "wrt has one leaf twice", lambda: compile(y, [w, w])),
        (TapeError, "inputs has one leaf twice", lambda: compile(y, w, [x, x])),
        (
            ValueError,
            "unknown backend 'cuda': choose auto, python",
            lambda: compile(y, backend="cuda"),
        ),
        (
            ValueError,
            "unknown reduction 'max': choose sum, mean",
            lambda: compile(y, reduction="max"),
        ),
    ]:
        with pytest.raises(error, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)


@BACKENDS
def test_columns_that_do_not_fit_are_refused_in_one_line(backend: str) -> None:
    y, by = neuron()
    step = compile(y, by["w"], [by["x"], by["b"]], backend=backend)
    nameless = compile(y, by["w"], [Value(1.0), Value(2.0)], backend=backend)
    twins = compile(y, by["w"], [Value(1.0, "x"), by["x"]], backend=backend)
    for error, words, call in [
        (LengthError, "2 inputs need a column .*, and 1 are given", lambda: step(1.0)),
        (
            LengthError,
            "2 inputs need a column of numbers each, and 3 are given",
            lambda: step(1, 2, 3),
        ),
        (
            LengthError,
            "1 inputs need a column of numbers each, and 2 are given",
            lambda: step(1, 2, x=1),
        ),
        (LengthError, "the columns have 2 and 3 numbers", lambda: step([1, 2], [1, 2, 3])),
        (LengthError, "the columns are empty", lambda: step([], [])),
        (LengthError, "the columns have 0 and 1 numbers", lambda: step([], [1.0])),
        (TapeError, "no input is called 'w'; the labels are x, b", lambda: step(1, w=2)),
        (TapeError, "the labels are none", lambda: nameless(1, w=2)),
        (TapeError, "2 inputs are called 'x'", lambda: twins(1, x=2)),
        (NumberError, "got a str", lambda: step("12", 1)),
        (NumberError, "got a bytes", lambda: step(b"12", 1)),
        (NumberError, "got a str", lambda: step(["1", "2"], 1)),
        (NumberError, "got a NoneType", lambda: step(None, 1)),
        (LengthError, "and 3 are given", lambda: step(np.ones((2, 2)), 1)),
        (NumberError, "got a Value", lambda: step(by["x"], 1)),
        (NumberError, "got a complex", lambda: step([1j], 1)),
    ]:
        with pytest.raises(error, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)


# --- nan and infinity ----------------------------------------------------------------------------


@BACKENDS
def test_what_is_not_finite_is_reported_once_and_found(backend: str) -> None:
    x, w = Value(2.0, "x"), Value(3.0, "w")
    step = compile((x * w).log(), [w], [x], backend=backend)
    with pytest.warns(NonFiniteWarning, match=r"^example 2: log\(-3\) is nan$") as caught:
        value, gradients = step([1.0, 2.0, -1.0, 0.0])
    assert caught[0].filename == __file__
    assert value != value
    assert gradients[0] != gradients[0]
    step([-1.0])  # warns no more
    i, node = step.first_nonfinite([1.0, 0.0, -1.0]) or (None, x)
    assert (i, nonfinite_message(node)) == (1, "log(0) is -inf")
    assert step.first_nonfinite([1.0, 2.0]) is None
    strict = compile((x * w).log(), [w], [x], backend=backend, strict=True)
    with pytest.raises(NonFiniteError, match=r"example 1: log\(-3\) is nan"):
        strict([1.0, -1.0])
    assert strict([1.0])[0] == pytest.approx(1.0986122886681098)


@BACKENDS
def test_a_gradient_or_a_sum_that_is_not_finite_is_reported_too(backend: str) -> None:
    x = Value(2.0, "x")
    with pytest.warns(NonFiniteWarning, match=r"^example 0: the derivative of sqrt\(0\)"):
        assert compile(x.sqrt(), x, x, backend=backend)([0.0, 1.0]) == (1.0, [[inf, 0.5]])
    x.data = 0.0
    with pytest.warns(NonFiniteWarning, match=r"^log\(0\) is -inf$"):
        assert compile(x.log(), x, backend=backend)() == (-inf, [inf])
    with pytest.warns(NonFiniteWarning, match="a sum over the examples is not finite"):
        assert compile(x * 1, (), x, backend=backend)([1e308, 1e308]) == (inf, [])


@BACKENDS
def test_nan_is_a_number_to_give_and_infinities_on_the_way_are_no_news(backend: str) -> None:
    x = Value(2.0, "x")
    with pytest.warns(NonFiniteWarning, match="x was given as nan"):
        assert compile(x * 2, x, x, backend=backend)(nan)[0] != 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = compile(1 / (1 + x.exp()), (), x, backend=backend)
        assert step([1000.0, 0.0]) == (0.5, [])
        assert step.outputs([1000.0, 0.0]) == [[0.0, 0.5]]
    assert step.first_nonfinite([1000.0]) is not None


# --- a function ----------------------------------------------------------------------------------


def test_a_function_is_recorded_with_the_numbers_of_an_example() -> None:
    w = Value(3.0)
    step = compile(
        lambda x, y=0.0: (x * w - y) ** 2, wrt=[w, "x"], inputs=[2.0, 1.0], backend="python"
    )
    assert [leaf.label for leaf in step.inputs] == ["x", "y"]
    assert step(2.0, y=1.0) == (25.0, [20.0, 30.0])
    two = compile(lambda *xs: [xs[0] * w, xs[1] + 0], w, [1.0, 2.0], backend="python")
    assert two(3.0, 4.0) == (9.0, [3.0], [4.0])
    assert [leaf.label for leaf in two.inputs] == ["x0", "x1"]
    first = compile(pow, [], [2.0, 3.0], backend="python")  # names: base, exp, mod
    assert first(2.0, exp=3.0) == (8.0, [])


def test_a_comparison_of_values_is_noticed_and_its_line_is_named() -> None:
    def f(a: Value, b: Value) -> Value:
        if a < b:  # this line
            return a
        return max(a, b) * sorted([a, b])[0]  # and this one, once

    line = f.__code__.co_firstlineno
    with pytest.warns(FrozenWarning, match="Write relu, maximum") as caught:
        compile(f, inputs=[2.0, 1.0], backend="python")
    found = [(warning.filename, warning.lineno - line) for warning in caught]
    assert found == [(__file__, 1), (__file__, 3)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(lambda a, b: maximum(a, b), inputs=[2.0, 1.0], backend="python")
        a, b = Value(1.0), Value(2.0)
        assert a < b  # outside, nobody watches


def test_what_a_function_raises_is_raised_and_nobody_watches_any_more() -> None:
    with pytest.raises(ZeroDivisionError):
        compile(lambda x: 1 // 0, inputs=[1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Value(1.0) < 2


# --- what is installed ---------------------------------------------------------------------------


def test_the_fastest_that_is_there_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    y, by = neuron()
    monkeypatch.setattr(backends.MachineCode, "_has_code", lambda *_: True)

    def chosen(*packages: str, backend: str = "auto", wrt: str = "w") -> list[str]:
        there = {*packages, "tinygrad_edu.compiler.native"}
        monkeypatch.setattr(backends, "installed", lambda *names: there.issuperset(names))
        step = compile(y, by[wrt], by["x"], backend=backend)
        return [step.chosen(1), step.chosen(1000), step.chosen(1000, forward=True)]

    assert chosen() == ["python", "python", "python"]
    assert chosen("numpy") == ["python", "numpy", "numpy"]
    assert chosen("llvmlite", "numpy") == ["machine"] * 3
    assert chosen("llvmlite", "numpy", wrt="x") == ["python", "numpy", "machine"]
    beside = chosen("llvmlite", "numpy", backend="machine", wrt="x")
    assert beside == ["numpy", "numpy", "machine"]
    assert chosen("llvmlite", "numpy", backend="python") == ["python"] * 3
    y = Op("tanh", lambda a: a, lambda y, a: 1.0)(y)  # which machine code does not know
    assert chosen("llvmlite", "numpy") == ["python", "numpy", "numpy"]
    assert chosen("llvmlite", "numpy", backend="machine") == ["numpy"] * 3
    with pytest.raises(MissingError, match=r'pip install "tinygrad-edu\[fast\]"'):
        chosen("numpy", backend="machine")
    with pytest.raises(MissingError, match=r'pip install "tinygrad-edu\[fast\]"'):
        chosen(backend="numpy")


def test_how_to_be_faster_is_said_once_in_a_process() -> None:
    program = """
import sys
from tinygrad_edu import Value, compile
from tinygrad_edu.compiler import backends
backends.installed = lambda *names: False
x = Value(2.0)
for _ in range(3):
    assert compile(x * x, [x])() == (4.0, [4.0])
assert not {"numpy", "llvmlite"} & set(sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(tinygrad_edu.__file__))},
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("SlowWarning") == 1
    assert 'pip install "tinygrad-edu[fast]"' in done.stderr
    assert issubclass(SlowWarning, UserWarning)


# --- training ------------------------------------------------------------------------------------

XOR = gate("xor")
OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "descent": lambda ps: SGD(ps, 0.1, weight_decay=0.01),
    "momentum": lambda ps: Momentum(ps, 0.5, 0.9),
    "decoupled momentum": lambda ps: Momentum(ps, 0.1, decay=0.1),
    "Nesterov": lambda ps: SGD(ps, 0.1, 0.9, nesterov=True),
    "RMSprop": lambda ps: RMSprop(ps, 0.001),
    "Adagrad": lambda ps: Adagrad(ps, 0.1),
    "Adam": lambda ps: Adam(ps, cosine(0.1, 50)),
    "AdamW": lambda ps: AdamW(ps, 0.01),
}


class Own(SGD):
    """An optimizer of one's own, which decides by numbers: nothing to record."""

    def formula(self, p: Any, g: Any, *, lr: Any) -> Any:  # type: ignore[override]
        return p - lr if g > 0 else p + lr


class Signs(Optimizer):
    """An optimizer of one's own that can be recorded: the sign of a mean of gradients."""

    def formula(self, p: Any, g: Any, mean: Any, *, lr: Any) -> Any:
        return p - lr * (sign(0.9 * mean + 0.1 * g)), 0.99 * mean + 0.01 * g


OPTIMIZERS["one's own"] = lambda ps: Own(ps, 0.01)
OPTIMIZERS["a formula of one's own"] = lambda ps: Signs(ps, 0.01)


def test_every_optimizer_is_compared_compiled_and_eager() -> None:
    exported = [getattr(optim, name) for name in optim.__all__]
    kinds = {x for x in exported if type(x) is type and x is not Optimizer}
    missing = kinds - {type(make([Value(1.0)])) for make in OPTIMIZERS.values()}
    assert not missing, f"add these to OPTIMIZERS of this file: {missing}"


def right(outputs: Any, targets: Any) -> Value:
    result: Value = (0.25 - (outputs[0] - targets[0]) ** 2).step()
    return result


def state(optimizer: Optimizer) -> list[float]:
    kept = optimizer.state_dict()["kept"]
    return [x for xs in kept.values() for x in xs]


@pytest.mark.filterwarnings("ignore:the formula of Own:tinygrad_edu.errors.SlowWarning")
@pytest.mark.parametrize("mean", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_compiled_run_is_the_run_of_the_loop(name: str, mean: bool) -> None:
    runs = []
    for how in (False, True):
        model = MLP(2, [2, 1], "sigmoid", seed=3)
        optimizer = OPTIMIZERS[name](model.parameters())
        history = train(
            model,
            losses.half_squared_error,
            XOR,
            optimizer,
            epochs=60,
            metrics={"right": right},
            compiled=how,
            reduction="mean" if mean else "sum",
        )
        numbers = [x for p in model.parameters() for x in (p.data, p.grad)]
        runs.append((history, [*history.losses, *numbers, *state(optimizer)]))
        assert optimizer.steps == history.epochs == 60
        assert history.stopped == "60 epochs"
    assert runs[1][1] == pytest.approx(runs[0][1], rel=1e-9, abs=1e-12)
    assert runs[1][0].metrics["right"] == runs[0][0].metrics["right"]
    assert runs[1][0].model is not None


@pytest.mark.quick
@BACKENDS
def test_a_step_trains_stops_and_goes_on(backend: str) -> None:
    def fresh() -> tuple[Any, Any, Any, MLP]:
        model = MLP(2, [2, 1], "sigmoid", seed=3)
        inputs = [Value(0.0, label=f"x{i}") for i in range(3)]
        loss = losses.half_squared_error(model(inputs[:2]), inputs[2:])
        step = compile(loss, model.parameters(), inputs, backend=backend, also=loss * 2)
        return step, Momentum(model.parameters(), 0.5, 0.9), columns, model

    columns = list(zip(*([*example.inputs, *example.targets] for example in XOR), strict=True))
    step, optimizer, columns, model = fresh()
    history = step.train(optimizer, columns, epochs=5000, until=loss_below(0.001), counts=["twice"])
    assert (history.stopped, history.epochs) == ("loss below 0.001", 638)
    assert history.metrics["twice"] == pytest.approx([2 * x for x in history.losses])
    step, optimizer, columns, again = fresh()
    history = step.train(optimizer, columns, epochs=300, counts=["twice"])
    assert (history.stopped, history.epochs, optimizer.steps) == ("300 epochs", 300, 300)
    step.train(optimizer, columns, epochs=638, history=history, counts=["twice"])
    assert [p.data for p in again.parameters()] == [p.data for p in model.parameters()]


def test_what_cannot_be_trained_is_refused() -> None:
    y, by = neuron()
    step = compile(y * y, by["w"], by["x"], also=y, backend="python")
    with pytest.raises(ValueError, match="does not differentiate by all parameters"):
        step.train(SGD([by["b"]]), [1.0], 1)
    with pytest.raises(LengthError, match="1 values in also=, 0 names in counts=: name each"):
        step.train(SGD([by["w"]]), [1.0], 1)
    model = MLP(2, [1])
    optimizer = SGD(model.parameters())

    def refused(words: str, m: Any = model, data: Any = XOR, **how: Any) -> None:
        with pytest.raises(ValueError, match=words):
            train(m, half, data, optimizer, epochs=1, compiled=True, **how)

    refused("takes 2 inputs, not 1", data=[XOR[0], Example((1.0,), (1.0,))])
    refused("one example or more", data=[])
    model.dropout = Dropout(0.5, seed=1)  # type: ignore[attr-defined]
    refused("cannot draw random numbers")


def test_a_loss_that_is_not_finite_ends_a_compiled_run() -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    step = compile((x * w) ** 2, w, x, backend="python")
    with pytest.warns(NonFiniteWarning):
        history = step.train(SGD([w], 1e200), [[1.0, 2.0]], 10)
    assert history.stopped == "the loss is inf at step 1"
    assert (history.epochs, len(history.losses)) == (1, 2)  # no update with what is not finite
    assert isfinite(w.data)


def test_ctrl_c_leaves_whole_steps() -> None:
    """Where it comes between steps; train's own tests ask what happens in the midst of one."""
    x, w = Value(1.0, "x"), Value(1.0, "w")
    step = compile((x * w) ** 2, w, x, backend="python")
    optimizer, history = Momentum([w], 1e-3), History()

    def interrupt(history: History) -> bool:
        if history.epochs == 7:
            signal.raise_signal(signal.SIGINT)
        return False

    with pytest.raises(KeyboardInterrupt):
        step.train(optimizer, [2.0], 100, until=Criterion("", interrupt), history=history)
    assert (history.stopped, history.epochs, optimizer.steps) == ("interrupted", 7, 7)
    assert len(history.losses) == 7
    other = Value(1.0)
    straight = compile((x * other) ** 2, other, x, backend="python")
    straight.train(Momentum([other], 1e-3), [2.0], 7)
    assert (w.data, w.grad) == (other.data, other.grad)


# --- what a review found -------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["t == 1", "t != 0", "t"])
def test_asking_what_a_target_is_is_noticed(asked: str) -> None:
    """Eagerly it is a float; here it is a Value, of which `==` is identity."""
    loss = {
        "t == 1": lambda x, t: x if t == 1 else -x,
        "t != 0": lambda x, t: x if t != 0 else -x,
        "t": lambda x, t: x if t else -x,
    }[asked]
    with pytest.warns(FrozenWarning):
        compile(loss, ["x"], [0.5, 1.0])


def test_losses_of_the_package_ask_nothing(recwarn: pytest.WarningsRecorder) -> None:
    for loss in (losses.half_squared_error, losses.mse_loss, losses.hinge_loss):
        compile(lambda y, d, loss=loss: loss([y], [d]), ["y"], [0.5, 1.0], backend="python")
    for loss in (losses.binary_cross_entropy_with_logits,):
        compile(lambda y, d, loss=loss: loss(y, d), ["y"], [0.5, 1.0], backend="python")
    compile(
        lambda y, z, d, e: losses.cross_entropy([y, z], [d, e]),
        ["y"],
        [0.5, 1.0, 1.0, 0.0],
        backend="python",
    )
    assert not [w for w in recwarn if w.category is FrozenWarning]


@pytest.mark.parametrize("backend", ["python", "machine"])
def test_counts_are_whole_numbers_with_a_mean_too(backend: str) -> None:
    if backend == "machine":
        pytest.importorskip("llvmlite")
    w, x = Value(0.1), Value(0.0)
    also = [less(x, 0.5)]
    step = compile((w * x - 1) ** 2, [w], [x], also=also, reduction="mean", backend=backend)
    for n in range(2, 40):
        history = step.train(SGD([w], 0.01), [[0.0] * n + [1.0] * 2], epochs=2, counts=["c"])
        assert history.metrics["c"] == [n, n]


def test_large_but_finite_results_are_finite() -> None:
    w = Value(1.0)
    assert compile(w * 1e308, [w], strict=True, backend="python")() == (1e308, [1e308])


def test_a_factor_of_one_hides_no_nan() -> None:
    c, x = Value(0.0), Value(nan)
    with pytest.warns(NonFiniteWarning):
        _, gradients = compile((x * 1) ** c + 1, [c, x], backend="python")()
    assert gradients[1] != gradients[1]


@pytest.mark.parametrize("backend", ["python", "numpy"])
def test_what_a_mask_keeps_out_is_no_nan(backend: str, recwarn: Any) -> None:
    c, x = Value(0.0), Value(nan)
    assert compile(mask(c, x * 1) + 1, [c, x], backend=backend)() == (1.0, [0.0, 0.0])
    assert not recwarn.list


@pytest.mark.parametrize("result", [1.0, None, [], "x"])
def test_a_function_gives_values(result: object) -> None:
    with pytest.raises(NumberError, match="return a Value"):
        compile(lambda x: result, ["x"], [1.0])


@pytest.mark.parametrize("backend", backends.BACKENDS)
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint8, np.bool_, ">f8", "O"])
def test_arrays_of_every_kind_give_what_lists_give(backend: Any, kind: Any) -> None:
    w, x, y = Value(0.5, label="w"), Value(1.0, label="x"), Value(1.0, label="y")
    step = compile(tanh(w * x - y) ** 2, [w, x], [x, y], backend=backend)
    xs = np.array([k % 2 for k in range(250)], kind)[::2]  # every other number of the memory
    ys = np.linspace(-1, 1, 125)
    before = ys.copy()
    value, (slope, slopes) = step(xs, ys)
    expected, (a, bs) = step([float(k) for k in xs], ys.tolist())
    assert (value, slope) == pytest.approx((expected, a), rel=1e-12)
    assert slopes == pytest.approx(bs, rel=1e-12)
    assert (ys == before).all()


def test_an_array_of_doubles_is_not_copied_and_not_walked_through() -> None:
    step = compile(Value(1.0, label="w") * Value(1.0, label="x"), "w", "x")
    xs = np.arange(5.0)
    assert step.columns([xs]).columns[0] is xs
    table = np.arange(10.0).reshape(5, 2)
    pair = compile(Value(1.0, label="x") * Value(1.0, label="y"), [], ["x", "y"])
    assert np.shares_memory(np.asarray(pair.columns([table]).columns), table)


@pytest.mark.parametrize("backend", ["numpy", "machine"])
def test_calls_of_changing_sizes_do_not_see_each_others_numbers(backend: Any) -> None:
    w, x = Value(0.5, label="w"), Value(1.0, label="x")
    step = compile(w * x * x, [w], [x], backend=backend)
    for count in (9, 16, 10, 3, 24, 17, 8, 9, 105, 104):
        xs = np.arange(count) + 1.0
        value, (slope,) = step(xs)
        assert slope == pytest.approx(float((xs * xs).sum()), rel=1e-12)
        assert value == pytest.approx(slope / 2, rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_outputs_on_the_machine_are_those_of_the_engine(seed: int) -> None:
    """Of random graphs, for numbers of examples that fill no row, one row, or some."""
    pytest.importorskip("llvmlite")
    random = Random(seed)
    y = random_value(random, random.randint(3, 40))
    leaves = [x for x in topological_order(y) if x.op is LEAF]
    inputs = leaves[: 1 + seed % len(leaves)]
    also = [random.choice(topological_order(y)) + 0, Value(3.0) * 2, inputs[0]]
    step = compile(y, leaves, inputs, also=also, backend="machine")
    assert step.chosen(3, forward=True) == "machine"
    kept = [x.data for x in inputs]
    for count in (1, 7, 105):
        columns = [[x + random.uniform(-0.01, 0.01) for _ in range(count)] for x in kept]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NonFiniteWarning)
            found = step.outputs(*map(np.array, columns))
        expected = []
        for row in zip(*columns):
            _, results = step.recorded.replay(dict(zip(inputs, row)))
            expected.append([x.data for x in results])
        for xs, ys in zip(found, zip(*expected)):
            assert xs == pytest.approx(list(ys), rel=1e-10, abs=1e-12, nan_ok=True)


def test_one_nan_among_the_outputs_is_that_of_the_engine() -> None:
    pytest.importorskip("llvmlite")
    x = Value(1.0, label="x")
    step = compile(x.log() * 2, [], [x], backend="machine")
    with pytest.warns(NonFiniteWarning, match="example 1: "):
        (found,) = step.outputs([1.0, -1.0, 2.0])
    assert found == pytest.approx([0.0, nan, 2 * math.log(2)], nan_ok=True)


def test_parameters_that_move_are_seen_by_the_next_outputs() -> None:
    pytest.importorskip("llvmlite")
    w, x = Value(2.0, label="w"), Value(1.0, label="x")
    step = compile(w * x, [w], [x], backend="machine")
    assert step.outputs([1.0, 2.0, 3.0]) == [[2.0, 4.0, 6.0]]
    w.data = -1.0
    assert step.outputs([1.0, 2.0]) == [[-1.0, -2.0]]


# --- a run that is begun, and fed ----------------------------------------------------------------


ALL_BACKENDS = pytest.mark.parametrize("backend", ["python", "numpy", "machine"])


def line() -> tuple[Value, Value, Value, Value, Value]:
    """The squared error of a line, its slope, its height, its input and its target."""
    w, b = Value(0.5, label="w"), Value(-1.0, label="b")
    x, t = Value(1.0, label="x"), Value(1.0, label="t")
    return (w * x + b - t) ** 2, w, b, x, t


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("how", [SGD, Adam])
@pytest.mark.parametrize("counts", [(5, 5, 1, 1, 40, 3, 1, 130, 130), (1, 1, 7, 1, 200)])
@ALL_BACKENDS
def test_a_run_takes_any_number_of_examples_and_goes_on(
    backend: str, counts: Any, how: Any, reduction: Any
) -> None:
    """As the same steps by hand, of the eager engine."""
    random = Random(5)
    loss, w, b, x, t = line()
    step = compile(loss, [w, b], [x, t], backend=backend, reduction=reduction, also=w * x)
    run, optimizer = None, how([w, b], lambda k: 0.01 / (k + 1))
    _, v, c, *_ = line()
    other = how([v, c], lambda k: 0.01 / (k + 1))
    for i, count in enumerate(counts, 1):
        batch = np.array([[random.uniform(-1, 1) for _ in "xt"] for _ in range(count)])
        if run is None:
            run = step.begin(optimizer, batch)
        elif count % 2:
            run.feed(batch)
        else:
            run.feed(t=batch[:, 1].tolist(), x=batch[:, 0].tolist())
        share = count if reduction == "mean" else 1
        v.grad = c.grad = 0.0
        total = sum(((v * p + c - q) ** 2 for p, q in batch.tolist()), Value(0.0)) / share
        total.backward()
        assert run.step() == pytest.approx(total.data, rel=1e-12)
        assert run.also == pytest.approx([sum(v.data * batch[:, 0]) / share], rel=1e-12)
        slopes = [v.grad, c.grad]
        other.step()
        if i % 3 == 1 or i == len(counts):  # else the machine keeps its numbers to itself
            run.write()
            assert [w.grad, b.grad] == pytest.approx(slopes, rel=1e-12)
            assert [w.data, b.data] == pytest.approx([v.data, c.data], rel=1e-12)
    assert optimizer.steps == other.steps == len(counts)
    assert [*optimizer.kept()] == [pytest.approx(xs, rel=1e-12) for xs in other.kept()]


@pytest.mark.parametrize("first", [1, 3])
def test_a_run_of_one_example_becomes_a_run_of_many(first: int) -> None:
    pytest.importorskip("llvmlite")
    loss, w, b, x, t = line()
    step = compile(loss, [w, b], [x, t], backend="machine")
    run = step.begin(Adam([w, b], 0.1), [1.0] * first, [2.0] * first)
    run.step()
    for count in (1, 100, 1, 2):
        run.feed(np.ones(count), np.ones(count))
        run.step()
    assert (w.data, b.data) == (0.5, -1.0)  # they are still the machine's
    run.write()
    assert w.data > 0.5


@ALL_BACKENDS
def test_a_loss_that_is_not_finite_moves_nothing_and_the_run_goes_on(backend: str) -> None:
    loss, w, b, x, t = line()
    step = compile(loss, [w, b], [x, t], backend=backend)
    optimizer = Momentum([w, b], 0.1)
    run = step.begin(optimizer, [1.0], [2.0])
    run.step()
    run.feed([1e200, 1.0], [1.0, 1.0])
    with pytest.warns(NonFiniteWarning):
        assert run.step() == inf
    assert optimizer.steps == 1
    run.feed([1.0, 1.0], [1.0, 1.0])
    assert isfinite(run.step())
    run.write()
    assert optimizer.steps == 2
    assert isfinite(w.data)


@ALL_BACKENDS
def test_a_run_refuses_columns_as_a_call_does(backend: str) -> None:
    loss, w, b, x, t = line()
    step = compile(loss, [w, b], [x, t], backend=backend)
    run = step.begin(SGD([w, b], 0.1), [1.0], [2.0])
    with pytest.raises(LengthError, match="the columns have 1 and 2 numbers"):
        run.feed([1.0], [1.0, 2.0])
    with pytest.raises(LengthError, match="2 inputs need a column"):
        run.feed([1.0])
    assert isfinite(run.step())


@ALL_BACKENDS
@pytest.mark.parametrize("count", [6, 3000])  # few are copied side by side, many are not
def test_arrays_side_by_side_are_one_table(backend: str, count: int) -> None:
    leaves = [Value(float(k), label=f"x{k}") for k in range(4)]
    w = Value(0.5, label="w")
    a, b, c, d = leaves
    step = compile(w * (a + 2 * b + 3 * c * d), [w, b], leaves, backend=backend)
    alone = compile(w * (a + 2 * b + 3 * c * d), [w], leaves, backend=backend)
    table = np.arange(4.0 * count).reshape(count, 4) / 10 % 7
    expected = step(*table.T.tolist())
    each = (0.5 * (table[:, :3] @ [1, 2, 0] + 3 * table[:, 2] * table[:, 3])).tolist()
    for given in (
        [table],
        [np.asfortranarray(table)],
        [table[:, :3], table[:, 3]],
        [table[:, :1], table[:, 1:]],
        [table[:, 0], table[:, 1:]],
        [table[:, :2], table[:, 2], table[:, 3]],
        [table[:, :3], table[:, 3].tolist()],
    ):
        value, (slope, slopes) = step(*given)
        assert (value, slope) == pytest.approx((expected[0], expected[1][0]), rel=1e-12)
        assert slopes == pytest.approx(expected[1][1], rel=1e-12)
        assert alone(*given) == (pytest.approx(value, rel=1e-12), [pytest.approx(slope, rel=1e-12)])
        assert alone.outputs(*given) == [pytest.approx(each, rel=1e-12)]
    for wrong, words in (
        ([table[:, :3]], "4 inputs need a column"),
        ([table[:, :3], table[:5, 3]], f"the columns have 5 and {count} numbers"),
        ([table[:0]], "the columns are empty"),
    ):
        with pytest.raises(LengthError, match=words):
            step(*wrong)


@ROWS
def test_outputs_on_the_machine_at_every_corner_of_every_row(op: Op) -> None:
    """All points at once, and then those with a finite result, which the machine alone answers."""
    pytest.importorskip("llvmlite")
    random = Random(2)
    count = len(op.derivatives)
    points = [(a, b)[:count] for a in SPECIAL for b in (SPECIAL if count == 2 else SPECIAL[:1])]
    points += [tuple(random.uniform(-3, 3) for _ in range(count)) for _ in range(20)]
    leaves = [Value(0.5, label=name) for name in "ab"[:count]]
    step = compile(op(*leaves) * 0.75, [], leaves, backend="machine")
    both = [eager(op(*new) * 0.75, new) for new in ([*map(Value, xs)] for xs in points)]
    finite = [k for k, (found, _) in enumerate(both) if isfinite(found[0])]
    for chosen in (range(len(points)), finite):
        columns = list(zip(*(points[k] for k in chosen)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NonFiniteWarning)
            (found,) = step.outputs(*columns)
        assert agree(found, [both[k][0][0] for k in chosen], [both[k][1][0] for k in chosen])
