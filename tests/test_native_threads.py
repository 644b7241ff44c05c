"""Large batches on several threads: the numbers are those of one thread, to the last bit."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isnan
from random import Random
from typing import Any

import pytest

from tinygrad_edu import Value, compile, losses, sqrt
from tinygrad_edu.errors import NonFiniteWarning
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, Adam, Momentum

pytest.importorskip("llvmlite")
import numpy as np
from test_native_training import LONG_RUN, environment, interrupted, posix, together

from tinygrad_edu.compiler.native.binding import parts

TOLERANCE = 1e-12  # sums are made in another order


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch of two chunks or more is large."""
    monkeypatch.setattr(parts, "MUCH", 0)


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the number of cores."""
    return lambda cores: monkeypatch.setattr(parts, "cores", lambda: cores)


def columns(count: int, seed: int = 1) -> Any:
    return [*np.random.default_rng(seed).uniform(-1, 1, (3, count))]


def network(sizes: Sequence[int] = (5, 1), **how: Any) -> tuple[Any, MLP, Value]:
    """Returns a compiled loss, its model, and a leaf that is no parameter and no input.

    The loss has a penalty, which no example changes. The size of the output is added up as well.
    """
    model, scale = MLP(2, [*sizes], "tanh", seed=3), Value(0.7, label="scale")
    inputs = [Value(0.5, label=name) for name in "xyt"]
    (output,) = model(inputs[:2])
    penalty = 1e-3 * sum(p * p for p in model.parameters())
    loss = losses.mse_loss(output * scale, inputs[2]) + penalty
    step = compile(loss, model.parameters(), inputs, also=abs(output), backend="machine", **how)
    return step, model, scale


def all_numbers(count: int, sizes: Sequence[int] = (5, 1), **how: Any) -> list[float]:
    """Returns the numbers of calls, of forward passes and of training, with and without a pause."""
    data, (step, model, scale) = columns(count), network(sizes, **how)
    optimizer = Adam(model.parameters(), 0.01)
    found: list[float] = []
    for x in (0.7, -0.3):
        scale.data = x
        value, gradients, also = step(*data)
        found += [value, *gradients, *also]
        found += [x for row in step.outputs(*data) for x in row]
        history = step.train(optimizer, data, 3, progress=False, counts=["size"])
        found += [*history.losses, *history.metrics["size"]]
        found += [x for p in model.parameters() for x in (p.data, p.grad)]
    run = step.begin(optimizer, *data)
    found += [run.step(), *run.also]
    run.feed(*columns(count // 2, 2))
    found += [run.step(), run.step()]
    run.write()
    return [*found, *(p.data for p in model.parameters()), optimizer.steps]


@pytest.mark.usefixtures("large")
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("count", [300, 2000, 3001])
def test_the_number_of_cores_changes_no_bit(
    reduction: str, count: int, on: Callable[[int], None]
) -> None:
    on(1)
    expected = all_numbers(count, reduction=reduction)
    for cores in (2, 3, 64):
        on(cores)
        assert all_numbers(count, reduction=reduction) == expected


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("count", [300, 3001])
def test_parts_add_up_to_the_whole(
    reduction: str, count: int, on: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(2)
    whole = all_numbers(count, reduction=reduction)
    monkeypatch.setattr(parts, "MUCH", 0)
    in_parts = all_numbers(count, reduction=reduction)
    assert in_parts == pytest.approx(whole, rel=TOLERANCE, abs=TOLERANCE)
    assert in_parts != whole  # so they were made in parts


def test_a_hundred_thousand_examples(on: Callable[[int], None]) -> None:
    found = []
    for cores in (1, 2):
        on(cores)
        found.append(all_numbers(100_000, (16, 16, 1), reduction="mean"))
    assert found[0] == found[1]


def test_a_batch_is_cut_by_its_work_alone() -> None:
    assert parts.begins_of_parts(1000, parts.MUCH - 1) == [0, 1000]
    assert parts.begins_of_parts(1, parts.MUCH) == [0, 1]
    assert parts.begins_of_parts(3, parts.MUCH) == [0, 1, 2, 3]
    begins = parts.begins_of_parts(1000, parts.MUCH)
    assert [begins[0], begins[-1], len(begins)] == [0, 1000, parts.PARTS + 1]
    assert {b - a for a, b in pairwise(begins)} == {62, 63}


def test_a_small_batch_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "cores", lambda: 8)
    monkeypatch.setattr(parts, "_pool", lambda: pytest.fail("a thread for a small batch"))
    all_numbers(1000)


@pytest.mark.usefixtures("large")
def test_without_another_thread_the_caller_does_it_all(
    on: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    on(1)
    expected = all_numbers(2000)

    class NoThreads:
        def submit(self, *args: Any) -> Any:
            raise RuntimeError("can't start new thread")

    on(4)
    monkeypatch.setattr(parts, "_pool", NoThreads)
    assert all_numbers(2000) == expected


# --- the work that is shared ----------------------------------------------------------------------


@pytest.mark.parametrize("cores", [1, 2, 3, 16, 64])
@pytest.mark.parametrize("count", [1, 2, 15, 16])
def test_each_part_is_done_once(cores: int, count: int, on: Callable[[int], None]) -> None:
    on(cores)
    done: list[int] = []
    here, workers = threading.get_ident(), dict[int, int]()

    def work(worker: int, first: int, last: int) -> None:
        assert workers.setdefault(worker, threading.get_ident()) == threading.get_ident()
        done.extend(range(first, last))

    parts.on_threads(work, count)
    assert sorted(done) == [*range(count)]
    assert workers.get(0, here) == here
    assert len(workers) <= cores


@pytest.mark.parametrize("guilty", [0, 1])
def test_what_one_thread_raises_is_raised_when_all_have_ended(
    guilty: int, on: Callable[[int], None]
) -> None:
    on(2)
    both, met, ended = threading.Barrier(2, timeout=30), set[int](), list[int]()

    def work(worker: int, first: int, last: int) -> None:
        if worker not in met:  # so each has begun before one of them raises an error
            met.add(worker)
            both.wait()
        if worker == guilty:
            raise KeyboardInterrupt
        time.sleep(0.05)
        ended.append(first)

    with pytest.raises(KeyboardInterrupt):
        parts.on_threads(work, 16)
    if guilty == 0:  # an error of the calling thread: nobody begins another call
        assert len(ended) == 1


@pytest.mark.usefixtures("large")
def test_threads_share_a_loss(on: Callable[[int], None]) -> None:
    """The calls of two threads need the same other threads."""
    on(3)
    step, model, _ = network()
    data = [columns(1500, seed) for seed in range(3)]
    expected = [step(*x) for x in data]
    optimizer = Momentum(model.parameters(), 0.01)

    def trained() -> list[float]:
        told: list[float] = step.training(optimizer, data[0]).steps(50)[:, 0].tolist()
        return told

    losses = trained()

    def work(i: int) -> None:
        for k in range(30):
            assert step(*data[(i + k) % 3]) == expected[(i + k) % 3]
        assert trained() == losses

    together(work, 2)


@pytest.mark.usefixtures("large")
def test_saved_numbers_come_back(on: Callable[[int], None]) -> None:
    on(2)
    step, model, _ = network()
    optimizer = Adam(model.parameters(), 0.01)
    machine = step.training(optimizer, columns(1000))
    machine.steps(3)
    before = machine.save()
    first, gradients = machine.steps(4).tolist(), machine.gradients()
    assert optimizer.steps == 7
    machine.restore(before)
    assert optimizer.steps == 3
    assert machine.steps(4).tolist() == first
    assert machine.gradients() == gradients


@pytest.mark.usefixtures("large")
@pytest.mark.filterwarnings("ignore", category=NonFiniteWarning)
@pytest.mark.parametrize("cores", [1, 2])
def test_a_nan_in_one_part_is_the_engine_s(cores: int, on: Callable[[int], None]) -> None:
    on(cores)
    x, w = Value(1.0, label="x"), Value(1.0, label="w")
    step = compile(sqrt(x + w), w, x, backend="machine")
    data = [*map(float, range(1, 2000)), -2.0, 3.0]
    value, (gradient,) = step(data)
    assert isnan(value)
    assert isnan(gradient)
    assert isnan(step.outputs(data)[0][1999])
    history = step.train(SGD([w], 0.1), [data], 5, progress=False)
    assert history.stopped.startswith("the loss is nan at step 0")
    assert w.data == 1.0


# --- the process ----------------------------------------------------------------------------------

FORKED = """
import os, sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads
from tinygrad_edu import Value, compile
from tinygrad_edu.compiler.native.binding import parts

parts.MUCH, parts.cores = 0, lambda: 3
x, w = Value(0.5), Value(2.0)
step = compile((x * w).tanh() ** 2, w, x, backend="machine")
data = [k / 5000 for k in range(5000)]
assert not parts._pools
expected = step(data)
assert [*parts._pools] == [os.getpid()]
child = os.fork()
if not child:
    for _ in range(20):
        assert step(data) == expected
    sys.exit(7)
for _ in range(20):
    assert step(data) == expected
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status))
"""


@posix
def test_a_forked_process_has_its_own_threads() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKED],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr[-2000:]


@posix
@pytest.mark.parametrize("cores", [1, 3])
def test_ctrl_c_leaves_whole_steps(cores: int) -> None:
    large = (
        "from tinygrad_edu.compiler.native.binding import parts\n"
        f"parts.MUCH, parts.cores = 0, lambda: {cores}\n"
    )
    program = large + LONG_RUN.format(examples=20_000)
    assert int(interrupted(program, Random(cores).uniform(0.2, 0.5))) > 5
