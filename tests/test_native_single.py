"""precision="float32": machine code in single precision, against doubles, and what it refuses.

The bound for a gradient is 1e-5 of the largest gradient; for a value, 1e-5 of the sizes of what was
added up. For a row of the table it is in units in the last place of single precision.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from math import frexp, inf, isfinite, ldexp, nan
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from test_compiled import EXAMPLES, NETWORKS, eager
from test_random_graphs import big_random_programs, graph

from tinygrad_edu import TABLE, Value, compile, log, losses
from tinygrad_edu.compiler.backends import BACKENDS
from tinygrad_edu.errors import MissingError, NonFiniteError, NonFiniteWarning, PrecisionError
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD

pytest.importorskip("llvmlite")
from mpmath import mp, mpf
from test_native import COUNTS, REGISTERS, REPEATED, batch_of, reached, totals
from test_native_arithmetic import BOUNDS, PAIRS, coefficients, machine, operands_of
from test_native_safety import run as addresses
from test_native_safety import words
from test_native_training import OPTIMIZERS

from tinygrad_edu.compiler.native.binding import program
from tinygrad_edu.compiler.native.binding.check_bytecode import check
from tinygrad_edu.compiler.native.machine.arithmetic import SINGLE
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK, outputs
from tinygrad_edu.compiler.native.machine.llvm import bits

TOLERANCE = 1e-5
LARGEST, SMALLEST = 3.4028234663852886e38, 2.0**-149


@pytest.fixture(params=REGISTERS, ids=lambda width: f"{2 * width} singles")
def widths(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The processor has vectors of so many doubles, and of twice as many singles."""
    width: int = request.param
    monkeypatch.setattr(program, "processor", lambda: (width, REGISTERS[width]))
    return width


def single(x: float) -> float:
    """The float rounded to single precision."""
    rounded: float = np.float32(x).item()
    return rounded


def near(found: Sequence[float], expected: Sequence[float], sizes: Sequence[float]) -> bool:
    """The value, by its own size; the gradients, by that of the largest."""
    largest = max(sizes[1:], default=0.0)
    by = [sizes[0], *[largest] * (len(sizes) - 1)]
    return all(
        abs(x - e) <= TOLERANCE * size for x, e, size in zip(found, expected, by, strict=True)
    )


def single_step(y: Any, wrt: Any, inputs: Any = (), **how: Any) -> Any:
    return compile(y, wrt, inputs, precision="float32", **how)


def no_help(step: Any) -> None:
    """The engine may not compute anything again."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("the engine computed it again")

    step.first_nonfinite = step._report = refuse


# --- rows of the table ---------------------------------------------------------------------------

RANGES = [(-0.01, 0.01), (-2.0, 2.0), (-20.0, 20.0), (-110.0, 110.0)]


def operands(name: str, count: int) -> list[list[float]]:
    """Singles in each range: a list for each operand."""
    random = Random(name)
    rows = [
        [single(random.uniform(*ends)) for _ in operands_of(name)]
        for ends in RANGES
        for _ in range(count)
    ]
    return [list(x) for x in zip(*rows, strict=True)]


def ulp(x: float) -> float:
    """The unit in the last place of single precision at `x`."""
    return ldexp(1.0, max(frexp(x)[1] - 24, -149))


# of a single result, half of which is the rounding at the end
ULPS = {
    "exp": 1.1,
    "log": 0.85,
    "log1p": 1.3,
    "tanh": 1.4,
    "sigmoid": 2.3,
    "bell": 2.9,
    "sech2": 2.9,
    "softplus": 1.9,
    "circle": 1.5,
}


@pytest.mark.parametrize(("width", "cpu"), [(4, "plain"), (8, "this"), (16, "this")])
@pytest.mark.parametrize("name", TABLE)
def test_each_row_is_as_good_as_singles_allow(name: str, width: int, cpu: str) -> None:
    """The table's result in doubles is exact enough to measure by."""
    args = operands(name, 600)
    compared = 0
    for y, *xs in zip(machine(width, cpu, "float")[name](*args), *args, strict=True):
        expected = TABLE[name](*xs)
        if isfinite(expected) and abs(expected) < LARGEST:
            assert abs(y - expected) <= ULPS.get(name, 0.5001) * ulp(expected), (xs, y, expected)
            compared += 1
        else:
            assert not isfinite(y), (xs, y, expected)
    assert compared > 100


@pytest.mark.parametrize("name", BOUNDS)
def test_errors_are_small_against_mpmath(name: str) -> None:
    reference, ranges, _ = BOUNDS[name]
    with mp.workprec(120):
        for base, low, high in ranges:
            random = Random(f"{name} {low} {high}")
            if base == "2":
                low, high = max(low, -120), max(min(high, 120), -110)
            xs = [random.uniform(low, high) for _ in range(500)]
            xs = [single(2**x if base == "2" else x) for x in xs]
            for x, y in zip(xs, machine(8, "this", "float")[name](xs), strict=True):
                exact = reference(mpf(x))
                if exact < LARGEST:
                    assert abs(mpf(y) - exact) <= ULPS.get(name, 0.501) * ulp(float(exact)), x
                else:
                    assert y == inf


@pytest.mark.parametrize(("value", "slope"), PAIRS)
def test_a_pair_is_a_value_and_its_slope(value: str, slope: str) -> None:
    (xs,) = operands(value, 600)
    run = machine(8, "this", "float")
    both = zip(run[f"first of {value}"](xs), run[f"second of {value}"](xs), strict=True)
    for x, (y, d) in zip(xs, both, strict=True):
        assert abs(y - TABLE[value](x)) <= ULPS[value] * ulp(TABLE[value](x))
        assert abs(d - TABLE[slope](x)) <= ULPS[slope] * ulp(TABLE[slope](x))


@pytest.mark.filterwarnings("ignore:Descending:DeprecationWarning")  # of powers, as mpmath 1.3 has
def test_coefficients_of_singles() -> None:
    """Those of doubles, with fewer terms."""
    exp, atanh = coefficients(6, 4)
    assert SINGLE.exp == pytest.approx(exp, rel=1e-15)
    assert SINGLE.atanh == pytest.approx(atanh, rel=1e-15)
    with mp.workdps(50):
        log2 = mp.log(2)
        assert SINGLE.log2[1] == float(log2 - mpf(SINGLE.log2[0]))
    assert bits(SINGLE.log2[0], "float") % 2**15 == 0


@pytest.mark.parametrize("name", TABLE)
def test_nan_and_infinities_are_those_of_the_table(name: str) -> None:
    some = [nan, inf, -inf, 0.0, -0.0, 1.0, -1.5]
    rows = [(a, b) for a in some for b in some] if len(operands_of(name)) == 2 else zip(some)
    args = [list(x) for x in zip(*rows, strict=True)]
    for y, *xs in zip(machine(8, "this", "float")[name](*args), *args, strict=True):
        expected = TABLE[name](*xs)
        if isfinite(expected):
            assert abs(y - expected) <= ULPS.get(name, 0.5001) * ulp(expected), xs
        else:
            assert struct.pack("d", y) == struct.pack("d", expected) or y != y != expected, xs


# --- graphs and networks -------------------------------------------------------------------------


def test_random_graphs() -> None:
    """Those that lose few digits."""
    for source, _ in big_random_programs()[:8]:
        y, leaves = graph(source)
        expected, sizes = eager(y, leaves)
        step = single_step(y, leaves)
        no_help(step)
        value, slopes = step()
        assert near([value, *slopes], expected, sizes)


@pytest.mark.parametrize("build", REPEATED)
@pytest.mark.parametrize("length", [3, 9])
def test_repeated_structure(build: Callable[..., Value], length: int, widths: int) -> None:
    """One example, whose lanes are its repetitions."""
    y = build(Random(length), length)
    leaves = reached(y)
    expected, sizes = eager(y, leaves)
    value, slopes = single_step(y, leaves)()
    assert near([value, *slopes], expected, sizes)
    assert all(type(x) is float for x in (value, *slopes))


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, reduction: str, widths: int) -> None:
    """One example and batches: values, gradients, `also` and outputs."""
    build, parameters = NETWORKS[name]
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate([0.1, 0.2, 0.3, 1.0, 0.5])]
    loss = build(inputs[:3], inputs[3:])
    step = single_step(loss, parameters, inputs, reduction=reduction, also=loss * 2)
    no_help(step)
    rows = [[*xs, *ts] for xs, ts in EXAMPLES]
    expected, sizes = batch_of(loss, inputs, parameters, [], rows)
    for count in COUNTS:
        scale = 1 / count if reduction == "mean" else 1.0
        columns = [[*islice(cycle(column), count)] for column in zip(*rows, strict=True)]
        value, slopes, (twice,) = step(*columns)
        by = [x * scale for x in totals(sizes, count)]
        assert near([value, *slopes], [x * scale for x in totals(expected, count)], by)
        assert twice == pytest.approx(2 * value, abs=1e-6 * by[0])
        each, doubled = step.outputs(*columns)
        wanted = [row[0] for row in islice(cycle(expected), count)]
        assert each == pytest.approx(wanted, rel=TOLERANCE, abs=TOLERANCE)
        assert doubled == [2 * x for x in each]
        assert all(type(x) is float for x in (value, *slopes, *each))


def test_numbers_are_singles_inside() -> None:
    """The tests above would pass in doubles, too."""
    x, w = Value(0.1), Value(1.0)
    assert single_step(x * w, [w])() == (single(0.1), [single(0.1)])
    assert single_step(x * w, [w], [x])([0.1])[0] == single(0.1)
    assert single_step(x * w, [w], [x]).outputs([0.1] * 9) == [[single(0.1)] * 9]


def test_arrays_and_tables_are_columns_too() -> None:
    x, w = Value(0.5), Value(1.5)
    step = single_step((x * w).tanh(), [w], [x])
    xs = [0.01 * i for i in range(100)]
    for column in (np.array(xs), np.array(xs, np.float32), np.array([xs]).T):
        assert step(column) == step(xs)


# --- training ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("count", [1, 4, 230])
def test_training_runs_as_in_doubles(name: str, count: int) -> None:
    """By one call of `train`, and step by step with other examples in between."""
    found = []
    for precision in ("float64", "float32"):
        model = MLP(2, [3, 1], "tanh", seed=5)
        inputs = [Value(0.0, label=f"x{i}") for i in range(3)]
        loss = losses.half_squared_error(model(inputs[:2]), inputs[2:])
        step = compile(
            loss, model.parameters(), inputs, reduction="mean", precision=precision, strict=True
        )
        random = Random(1)
        columns = [[random.uniform(-1, 1) for _ in range(count)] for _ in inputs]
        optimizer = OPTIMIZERS[name](model.parameters())
        history = step.train(optimizer, columns, 10)
        run = step.begin(optimizer, *columns)
        made = [run.step() for _ in range(5)]
        run.feed(*(column[:3] for column in columns))
        made += [run.step() for _ in range(5)]
        run.write()
        assert optimizer.steps == 20
        kept = [x for xs in optimizer.state_dict()["kept"].values() for x in xs]
        numbers = [p.data for p in model.parameters()]
        assert all(type(x) is float for x in (*numbers, *kept, *made, *history.losses))
        if precision == "float32":
            assert numbers == [single(x) for x in numbers]
        found.append([*history.losses, *made, *numbers, *kept])
    assert found[1] == pytest.approx(found[0], rel=1e-3, abs=1e-4)
    assert found[1] != found[0]


def in_both(examples: int) -> tuple[list[Any], list[list[float]]]:
    """A loss of 8 inputs in both precisions, and columns."""
    model = MLP(8, [16, 1], "tanh", seed=2)
    xs = [Value(0.0) for _ in range(9)]
    loss = losses.mse_loss(model(xs[:8]), xs[8:])
    steps = [
        compile(loss, model.parameters(), xs, precision=precision, strict=True)
        for precision in ("float64", "float32")
    ]
    random = Random(3)
    return steps, [[random.uniform(-1, 1) for _ in range(examples)] for _ in xs]


def test_large_batches_in_parts() -> None:
    """Which threads share."""
    (double, half), columns = in_both(100_000)
    plan = half.program().plan(100_000)
    assert len(plan.cut(-(-100_000 // plan.lanes))) > 2
    value, slopes = double(*columns)
    found, its = half(*columns)
    assert near([found, *its], [value, *slopes], [value, *map(abs, slopes)])
    assert half.outputs(*columns)[0] == pytest.approx(double.outputs(*columns)[0], abs=1e-5)
    kept = [p.data for p in half.wrt]
    made = []
    for step in (double, half):
        for p, x in zip(step.wrt, kept, strict=True):
            p.data = x
        run = step.training(SGD(step.wrt, 1e-7), columns)
        made.append([*run.steps(3)[:, 0].tolist(), *run.both_passes().tolist()])
    assert made[1] == pytest.approx(made[0], rel=TOLERANCE)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_batches_that_the_machine_takes_from_a_data_set(size: int) -> None:
    steps, columns = in_both(120)
    kept = [p.data for p in steps[0].wrt]
    made = []
    for step in steps:
        for p, x in zip(step.wrt, kept, strict=True):
            p.data = x
        run = step.training(SGD(step.wrt, 0.01), [column[:size] for column in columns])
        run.hold(columns)
        batches = [[(5 * i + 3 * k) % 120 for i in range(size)] for k in range(6)]
        run.take(batches[0], 1.0)
        made.append([*run.steps(1)[:, 0], *run.fed(batches, [1.0] * 6)[:, 0]])
    assert made[1] == pytest.approx(made[0], rel=TOLERANCE)


# --- numbers that are not finite in single precision ---------------------------------------------


def test_too_large_for_singles_is_computed_in_doubles() -> None:
    """An operation, a parameter, an input and a constant, without a warning."""
    for number, formula in (
        (100.0, lambda w: w.exp()),
        (100.0, lambda w: log(w.exp() * w.exp())),
        (2.0, lambda w: w * 1e200 * 1e-200),
        (1e300, lambda w: w * 0.5),
    ):
        w = Value(number)
        y = formula(w)
        expected, _ = eager(y, [w])
        value, slopes = single_step(y, [w], strict=True)()
        assert [value, *slopes] == expected
    x, w = Value(2.0), Value(1e300)
    assert single_step(x * w, [x, w], strict=True)() == (2e300, [1e300, 2.0])
    step = single_step(x * x, [], [x], strict=True)
    assert step([1e30, 1.0])[0] == 1e30 * 1e30 + 1.0
    assert step.outputs([1e30, 1.0]) == [[1e30 * 1e30, 1.0]]
    assert step.outputs([1e100, 1.0]) == [[1e100 * 1e100, 1.0]]


def test_too_large_for_doubles_is_reported_as_ever() -> None:
    w = Value(1000.0)
    with pytest.raises(NonFiniteError):
        single_step(w.exp(), [w], strict=True)()
    with pytest.warns(NonFiniteWarning):
        value, _ = single_step(w.exp(), [w])()
    assert value == inf


def test_a_step_that_is_too_large_for_singles_is_made_by_the_engine() -> None:
    """The loss, 1e60, is finite in doubles. So the step counts, and the run goes on."""
    x, w = Value(1.0), Value(1.0)
    for how in ("begin", "train"):
        found = []
        for precision in ("float64", "float32"):
            w.data = 1.0
            step = compile(x * x * w, [w], [x], precision=precision, strict=True)
            optimizer = SGD([w], 1e-61)
            if how == "train":
                losses_made = step.train(optimizer, [[1e30]], 3).losses
            else:
                run = step.begin(optimizer, [1e30])
                losses_made = [run.step() for _ in range(2)]
                run.feed([2.0])
                losses_made.append(run.step())
                run.write()
            found.append([*losses_made, w.data])
        assert found[1] == pytest.approx(found[0], rel=1e-6, abs=1e-6)


def test_very_small_numbers_are_0() -> None:
    x, w = Value(1e-30), Value(1.0)
    assert single_step(x * x * w, [w])() == (0.0, [0.0])
    x.data = SMALLEST
    assert single_step(x * w, [w])() == (SMALLEST, [SMALLEST])


# --- what it refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_the_machine_knows_it(backend: Any) -> None:
    w = Value(1.0)
    if backend in ("auto", "machine"):
        step = single_step(w * w, [w], backend=backend)
        assert {step.chosen(1), step.chosen(10**6), step.chosen(9, forward=True)} == {"machine"}
        return
    with pytest.raises(PrecisionError, match=f'{backend} has doubles only: leave out precision="f'):
        single_step(w * w, [w], backend=backend)


def test_what_has_no_machine_code_is_refused() -> None:
    from tinygrad_edu import Op

    own = Op("cubed", lambda a: a**3, lambda y, a: 3 * a**2)
    x, w = Value(1.0), Value(2.0)
    with pytest.raises(PrecisionError, match="operation of your own"):
        single_step(own(w), [w])
    with pytest.raises(PrecisionError, match="gradients by inputs"):
        single_step(x * w, [x, w], [x])
    with pytest.raises(ValueError, match="unknown precision 'float16': choose float64, float32"):
        compile(w, [w], precision="float16")  # type: ignore[call-overload]


def test_nothing_is_computed_in_doubles_unawares(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, or where the code cannot be made."""
    w = Value(1.0)
    step = single_step(w * w, [w])
    monkeypatch.setattr(program, "library", lambda *_: 1 / 0)
    with pytest.raises(PrecisionError, match='precision="float32" needs machine code: division'):
        step()
    monkeypatch.setattr("tinygrad_edu.compiler.backends.machine_code", lambda: False)
    for backend in ("auto", "machine"):
        with pytest.raises(MissingError, match=r"tinygrad-edu\[fast\]"):
            single_step(w * w, [w], backend=backend)


# --- safety --------------------------------------------------------------------------------------


def plans(count: int) -> list[Any]:
    model = MLP(8, [16, 3], "sigmoid", seed=1)
    xs = [Value(0.1 * i) for i in range(11)]
    loss = losses.cross_entropy(model(xs[:8]), xs[8:])
    step = single_step(loss, model.parameters(), xs)
    return [step.program().plan(count), step.program().plan(count, forward=True)]


@pytest.mark.parametrize("count", [1, 8, 9, 100, 1000])
def test_tables_stay_in_their_arena(count: int, widths: int) -> None:
    for plan in plans(count):
        width, registers = program.processor()
        assert plan.lanes % (BLOCK if plan.single else 2 * width) == 0
        vectors = max(plan.lanes // (2 * width), 1)
        limits = (plan.fixed.size, plan.lanes, outputs(vectors, registers), plan.size // BLOCK)
        check(words(plan), *limits)
        assert max(addresses(words(plan), *limits)) < plan.fixed.size


@pytest.mark.parametrize("count", [1, 9, 100])
def test_nothing_behind_the_arena_is_written(count: int, widths: int) -> None:
    """Steps with an update, in memory that goes on behind the arena."""
    model = MLP(3, [17, 2], "relu", seed=1)
    xs = [Value(0.1 * i) for i in range(5)]
    loss = losses.mse_loss(model(xs[:3]), xs[3:])
    step = single_step(loss, model.parameters(), xs)
    run = step.training(OPTIMIZERS["Adam"](model.parameters()), [[0.1] * count] * 5)
    size = len(run.arena)
    space = program.aligned(np.full(size + 256, 7.0, np.float32))
    space[:size] = run.arena
    run.arena = space[:size]
    run.pointers[0] = space.ctypes.data
    assert len(run.steps(3)) == 3
    assert set(space[size:]) == {7.0}


def test_an_arena_of_singles_begins_at_a_cache_line() -> None:
    for size in range(1, 40):
        copy = program.aligned(np.arange(size, dtype=np.float32))
        assert copy.ctypes.data % 64 == 0
        assert copy.tolist() == [*range(size)]


def test_code_of_both_precisions_is_kept_apart(tmp_path: Path) -> None:
    """In the process and in the cache of files, neither answers for the other."""
    from tinygrad_edu.compiler.native.binding import library

    texts = [program.library(4, 1, 16, False, real) for real in ("double", "float")]
    assert texts[0] is not texts[1]
    files = {library._file(library.machine(4, 1, 16, (), real)) for real in ("double", "float")}
    assert len(files) == 2
