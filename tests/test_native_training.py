"""Training as machine code: the runs of the eager Loop, stopped, continued, interrupted, shared."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import isfinite, pi
from random import Random
from typing import Any

import pytest
from conftest import posix

import tinygrad_edu
from tinygrad_edu import Value, compile, losses
from tinygrad_edu.data import gate
from tinygrad_edu.errors import NonFiniteWarning
from tinygrad_edu.nn import MLP
from tinygrad_edu.ops import sign
from tinygrad_edu.optim import (
    SGD,
    Adam,
    AdamW,
    Momentum,
    Optimizer,
    RMSprop,
    cosine,
    exponential,
    step_decay,
    warm_up,
)
from tinygrad_edu.train import Criterion, History, loss_below, no_better, train

pytest.importorskip("llvmlite")


class Child(Adam):
    """An optimizer of a student's own, which has the rule of its parent."""


class Faster(SGD):
    """Another, whose rule is its own: the rate grows with the steps."""

    @staticmethod
    def formula(  # type: ignore[override]
        p: Value, g: Value, v: Value, *, lr: Value, t: Value, momentum: float
    ) -> tuple[Value, Value]:
        v = momentum * v + g
        return p - lr * (1 + t / 100) * v, v


def lion(
    p: Value, g: Value, m: Value = 0.0, *, lr: Value, beta1: float = 0.9, beta2: float = 0.99,
) -> tuple[Value, Value]:  # type: ignore[assignment]  # fmt: skip
    """A rule that came after PyTorch's: Chen et al., 2023, "Symbolic discovery"."""
    return p - lr * sign(beta1 * m + (1 - beta1) * g), beta2 * m + (1 - beta2) * g


XOR = gate("xor")
COLUMNS = [list(column) for column in zip(*([*c.inputs, *c.targets] for c in XOR), strict=True)]
OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "descent": lambda ps: SGD(ps, 0.1),
    "descent, decay": lambda ps: SGD(ps, warm_up(5, step_decay(0.3, 10)), weight_decay=0.01),
    "momentum": lambda ps: Momentum(ps, exponential(0.4, 0.95), 0.8),
    "momentum, decay": lambda ps: Momentum(ps, 0.1, decay=0.1),
    "momentum, decoupled": lambda ps: Momentum(ps, cosine(0.1, 20), decay=0.1),
    "Nesterov": lambda ps: SGD(ps, 0.1, 0.9, nesterov=True),
    "Nesterov, decoupled": lambda ps: SGD(ps, 0.1, 0.7, weight_decay=0.05, nesterov=True),
    "RMSprop": lambda ps: RMSprop(ps, 0.01),
    "RMSprop, decay": lambda ps: RMSprop(ps, step_decay(0.01, 7), 0.9, 1e-6, weight_decay=0.1),
    "Adam": lambda ps: Adam(ps, 0.05),
    "Adam, decay": lambda ps: Adam(
        ps, cosine(0.05, 25, 0.01), (0.8, 0.99), 1e-6, weight_decay=0.02
    ),
    "AdamW": lambda ps: AdamW(ps, warm_up(3, 0.05), weight_decay=0.1),
    "a subclass": lambda ps: Child(ps, 0.05),
    "a subclass with a rule": lambda ps: Faster(ps, 0.05, 0.9),
    "a function": lambda ps: Optimizer(ps, 0.01, formula=lion),
}
EPOCHS = 30
ALL = pytest.mark.parametrize("name", OPTIMIZERS)
TOLERANCE = 1e-9


def refuse(*args: Any) -> Any:
    raise AssertionError("an epoch was made outside of the machine")


class Learning:
    """A network, its optimizer, and its step as machine code, with nothing else allowed."""

    def __init__(
        self, name: str, count: int = 4, reduction: str = "sum", alone: bool = True
    ) -> None:
        self.model = MLP(2, [3, 1], "tanh", seed=5)
        self.optimizer = OPTIMIZERS[name](self.model.parameters())
        inputs = [Value(0.0, label=f"x{i}") for i in range(3)]
        loss = losses.half_squared_error(self.model(inputs[:2]), inputs[2:])
        self.step = compile(
            loss,
            self.model.parameters(),
            inputs,
            reduction=reduction,
            also=loss * 2,
            backend="machine",
        )
        self.columns = [(column * count)[:count] for column in COLUMNS]
        if alone:
            self.step.run = refuse  # type: ignore[method-assign]

    def train(self, epochs: int = EPOCHS, **how: Any) -> History:
        history: History = self.step.train(
            self.optimizer, self.columns, epochs, counts=["twice"], **how
        )
        return history

    def numbers(self) -> list[float]:
        """Parameters, gradients, and what the optimizer keeps."""
        kept = [x for xs in self.optimizer.state_dict()["kept"].values() for x in xs]
        return [x for p in self.model.parameters() for x in (p.data, p.grad)] + kept


@ALL
@pytest.mark.parametrize("count", [1, 4, 230])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_the_run_of_the_loop(name: str, count: int, reduction: str) -> None:
    """Eight epochs over one example, which goes in lanes another way, over four, and over many,
    which go in lanes part by part: then parameters may not change before the last."""
    mine = Learning(name, count, reduction)
    history = mine.train(8)
    eager = Learning(name, count, reduction)
    expected = train(
        eager.model,
        losses.half_squared_error,
        (XOR * count)[:count],
        eager.optimizer,
        epochs=8,
        metrics={"twice": lambda ys, ts: losses.half_squared_error(ys, ts) * 2},
        reduction=reduction,
    )
    assert mine.numbers() == pytest.approx(eager.numbers(), rel=TOLERANCE, abs=1e-13)
    assert history.losses == pytest.approx(expected.losses, rel=TOLERANCE)
    means = [x / count for x in history.metrics["twice"]]
    assert means == pytest.approx(expected.metrics["twice"], rel=TOLERANCE)
    assert (history.epochs, history.stopped) == (expected.epochs, expected.stopped)
    assert mine.optimizer.steps == eager.optimizer.steps == 8


@ALL
def test_twice_is_once(name: str) -> None:
    """A run goes on where it was, to the same bits, also from a saved state."""
    once, twice, loaded = Learning(name), Learning(name), Learning(name)
    whole = once.train()
    history = twice.train(7)
    for p, q in zip(loaded.model.parameters(), twice.model.parameters(), strict=True):
        p.data = q.data
    loaded.optimizer.load_state_dict(json.loads(json.dumps(twice.optimizer.state_dict())))
    twice.train(history=history)
    loaded.train(EPOCHS - 7)
    assert once.numbers() == twice.numbers() == loaded.numbers()
    assert history.losses == whole.losses
    assert history == whole


def test_how_many_steps_a_call_makes_does_not_change_a_bit() -> None:
    """Powers of Adam's betas, too, are the same for one step and for an array of them."""
    once, single = Learning("Adam"), Learning("Adam")
    once.train(200)
    for _ in range(200):
        single.train(1)
    assert once.numbers() == single.numbers()


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 6, 7, 8, 11, 29])
def test_a_criterion_in_the_midst_of_a_call(epochs: int) -> None:
    """All that was computed beyond it is undone."""
    stopped, straight = Learning("Adam"), Learning("Adam")
    at = Criterion("enough", lambda history: history.epochs == epochs)
    history = stopped.train(1000, until=at)
    expected = straight.train(epochs)
    assert stopped.numbers() == straight.numbers()
    assert history.losses == expected.losses
    assert history.metrics == expected.metrics
    assert (history.epochs, history.stopped) == (epochs, "enough")
    assert stopped.optimizer.steps == len(history.losses) == epochs


def test_criteria_hold_when_they_do_in_the_loop() -> None:
    for name, criterion in (("Adam", lambda: loss_below(0.1)), ("momentum", lambda: no_better(3))):
        mine, eager = Learning(name), Learning(name)
        history = mine.train(200, until=criterion())
        expected = train(
            eager.model,
            losses.half_squared_error,
            XOR,
            eager.optimizer,
            epochs=200,
            reduction="sum",
            until=criterion(),
        )
        assert (history.epochs, history.stopped) == (expected.epochs, expected.stopped)
        assert 0 < history.epochs < 200


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_criterion_that_raises_leaves_whole_steps(error: type[BaseException]) -> None:
    """As many as the history has, although more were computed."""

    def holds(history: History) -> bool:
        if history.epochs == 13:
            raise error
        return False

    mine, straight, history = Learning("Adam"), Learning("Adam"), History()
    with pytest.raises(error):
        mine.train(100, until=Criterion("", holds), history=history)
    expected = straight.train(13)
    assert (history.losses, history.metrics) == (expected.losses, expected.metrics)
    assert mine.numbers() == straight.numbers()
    assert mine.optimizer.steps == history.epochs == 13


def test_a_schedule_is_asked_no_further_than_it_goes() -> None:
    """It ends after 10 steps: a run that stops earlier does not care, another has made 10."""
    rates = [0.1 / (i + 1) for i in range(10)]
    OPTIMIZERS["short"] = lambda ps: Momentum(ps, lambda step: rates[step])
    try:
        mine, history = Learning("short"), History()
        mine.train(100, until=Criterion("8", lambda history: history.epochs == 8), history=history)
        assert (history.stopped, mine.optimizer.steps) == ("8", 8)
        with pytest.raises(IndexError):
            mine.train(100, history=history)
        assert history.epochs == len(history.losses) == mine.optimizer.steps == 10
    finally:
        del OPTIMIZERS["short"]


def test_parameters_changed_between_runs_are_seen() -> None:
    mine, other = Learning("Nesterov"), Learning("Nesterov")
    for learning in (mine, other):
        learning.train(5)
        learning.model.parameters()[0].data = 0.5
    mine.train(5)
    other.step.run = type(other.step).run.__get__(other.step)  # type: ignore[method-assign]
    other.step.backend = "python"
    other.train(5)
    assert mine.numbers() == pytest.approx(other.numbers(), rel=TOLERANCE, abs=1e-13)


def test_a_parameter_that_does_not_matter_is_moved_as_well() -> None:
    """Nothing depends on it, and decay pulls it: in the graph's tape it is not."""
    w, idle = Value(1.0, "w"), Value(2.0, "idle")
    x = Value(1.0, "x")
    pulled: list[Callable[[], Optimizer]] = [
        lambda: Momentum([idle, w], 0.1, decay=0.5),
        lambda: Adam([w, idle], 0.1),
    ]
    for make in pulled:
        optimizer = make()
        w.data, idle.data = 1.0, 2.0
        step = compile((x * w - 1) ** 2 + 0.0, [w, idle], [x], backend="machine")
        step.train(optimizer, [[1.0, 3.0]], 10)
        found = w.data, idle.data
        w.data, idle.data, w.grad, idle.grad = 1.0, 2.0, 0.0, 0.0
        again = make()
        slow = compile((x * w - 1) ** 2 + 0.0, [w, idle], [x], backend="python")
        slow.train(again, [[1.0, 3.0]], 10)
        assert found == pytest.approx((w.data, idle.data), rel=TOLERANCE)


def diverged(backend: str, rate: float) -> tuple[History, list[float], int]:
    model = MLP(2, [2, 1], "linear", seed=3)
    optimizer = SGD(model.parameters(), rate)
    if backend == "eager":
        history = train(
            model, losses.half_squared_error, XOR, optimizer, epochs=3000, reduction="sum"
        )
    else:
        inputs = [Value(0.0) for _ in range(3)]
        loss = losses.half_squared_error(model(inputs[:2]), inputs[2:])
        step = compile(loss, model.parameters(), inputs, backend=backend)
        history = step.train(optimizer, COLUMNS, 3000)
    return history, [p.data for p in model.parameters()], optimizer.steps


@pytest.mark.filterwarnings("ignore", category=NonFiniteWarning)
@pytest.mark.parametrize("rate", [0.6, 5.0, 1e100])
def test_what_diverges_stops_as_the_loop_does(rate: float) -> None:
    history, parameters, steps = diverged("machine", rate)
    expected, wanted, number = diverged("eager", rate)
    assert (history.epochs, steps) == (expected.epochs, number)
    assert history.stopped == expected.stopped
    assert history.stopped.startswith("the loss is ")
    assert len(history.losses) == len(expected.losses) < 3000
    assert history.losses[:5] == pytest.approx(expected.losses[:5], rel=1e-9, nan_ok=True)
    assert [isfinite(x) for x in parameters] == [isfinite(x) for x in wanted]
    assert parameters == pytest.approx(wanted, rel=1e-6, nan_ok=True)


@pytest.mark.filterwarnings("ignore", category=NonFiniteWarning)
def test_a_nan_ends_the_run_at_its_step() -> None:
    """log(w), whose w goes down step by step until it is below 0."""
    found = []
    for backend in ("machine", "python"):
        w, x = Value(1.05, "w"), Value(1.0, "x")
        step = compile((w * x).log(), w, x, backend=backend)
        history = step.train(SGD([w], 0.01), [[1.0, 2.0, 1.0]], 1000)
        found.append((history.stopped, history.epochs, len(history.losses)))
        assert isfinite(w.data)  # no update with what is not finite
    assert found[0] == found[1]
    assert found[0][0].startswith("the loss is nan at step ")
    assert 5 < found[0][1] < 1000


# --- Ctrl-C --------------------------------------------------------------------------------------

LONG_RUN = """
from tinygrad_edu import Value, compile, losses
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import Momentum
from tinygrad_edu.train import History

def fresh():
    model = MLP(2, [8, 1], "tanh", seed=3)
    inputs = [Value(0.0) for _ in range(3)]
    loss = losses.half_squared_error(model(inputs[:2]), inputs[2:])
    step = compile(loss, model.parameters(), inputs, reduction="mean", backend="machine")
    columns = [[(i * k % 17) / 17 for i in range({examples})] for k in (3, 5, 7)]
    return step, Momentum(model.parameters(), 1e-3), columns, model

step, optimizer, columns, model = fresh()
history = History()
step(*columns)
print("ready", flush=True)
try:
    step.train(optimizer, columns, 10**9, history=history, progress=False)
except KeyboardInterrupt:
    assert history.stopped == "interrupted"
    assert history.epochs == len(history.losses) == optimizer.steps > 0
    step, other, columns, again = fresh()
    straight = step.train(other, columns, history.epochs, progress=False)
    assert straight.losses == history.losses
    assert other.state_dict() == optimizer.state_dict()
    assert [p.data for p in again.parameters()] == [p.data for p in model.parameters()]
    print(history.epochs)
"""


def environment() -> dict[str, str]:
    root = os.path.dirname(os.path.dirname(tinygrad_edu.__file__))
    return {**os.environ, "PYTHONPATH": root}


def interrupted(program: str, seconds: float) -> str:
    """What a program prints that says that it is ready, and gets a Ctrl-C so much later."""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err[-2000:]
    return out


@posix
@pytest.mark.parametrize("examples", [4, 50_000])
def test_ctrl_c_is_answered_and_leaves_whole_steps(examples: int) -> None:
    assert int(interrupted(LONG_RUN.format(examples=examples), 0.4)) > 5


# --- threads -------------------------------------------------------------------------------------


def together(work: Callable[[int], None], threads: int) -> None:
    """Does work(0), work(1), ... at once; what one of them raises is raised."""
    barrier = threading.Barrier(threads)

    def run(i: int) -> None:
        barrier.wait()
        work(i)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))


def shared(seed: int) -> Any:
    model = MLP(2, [4, 1], "tanh", seed=seed)
    inputs = [Value(0.0) for _ in range(3)]
    loss = losses.half_squared_error(model(inputs[:2]), inputs[2:])
    return compile(loss, model.parameters(), inputs, backend="machine")


def data(i: int) -> list[list[float]]:
    random = Random(i)
    return [[random.uniform(-1, 1) for _ in range([1, 9, 1000, 300][i % 4])] for _ in range(3)]


def test_threads_share_a_step() -> None:
    """From its very first run on, with batches of other sizes and of the same."""
    columns = [data(i) for i in range(4)]
    expected = [shared(0)(*columns[i]) for i in range(4)]
    for _ in range(10):
        step = shared(0)

        def work(i: int, step: Any = step) -> None:
            for k in range(40):
                which = (i + k) % 4 if k % 2 else 2
                assert step(*columns[which]) == expected[which]

        together(work, 2)


def test_threads_train_by_one_step_at_once() -> None:
    """Each its own run, of a step's numbers at the beginning."""
    step, columns = shared(1), data(1)
    kept = [p.data for p in step.wrt]

    def run() -> list[float]:
        machine = step.training(Momentum(step.wrt, 0.01), columns)
        told: list[float] = machine.steps(3000)[:, 0].tolist()
        return told

    expected = run()
    found: list[Any] = [None] * 3

    def work(i: int) -> None:
        found[i] = run()

    together(work, 3)
    assert found == [expected] * 3
    assert [p.data for p in step.wrt] == kept  # nobody has written them


def test_steps_are_dropped_while_others_run() -> None:
    """Nobody needs to hold a step or its program while a run of it goes on."""
    columns = data(3)
    expected = [shared(seed)(*columns) for seed in range(5)]
    steps = {seed: shared(seed) for seed in range(5)}
    machine = steps[0].training(Momentum(steps[0].wrt, 0.0), columns)
    first = machine.steps(1)[0, 0]
    ends = threading.Event()

    def work(i: int) -> None:
        chance = Random(i)
        if i == 0:
            try:
                for _ in range(20):
                    assert set(machine.steps(500)[:, 0].tolist()) == {first}
            finally:
                ends.set()
        while not ends.is_set():
            seed = chance.randrange(5)
            if i == 1:
                steps[seed] = shared(seed)
                gc.collect()
            elif i == 2:
                assert steps[seed](*columns) == expected[seed]

    together(work, 3)


def test_the_angle_of_a_pendulum() -> None:
    """Not a network: one number, by the least squares of its sine, to the last digits."""
    angle, x, y = Value(0.2, "angle"), Value(0.0, "x"), Value(0.0, "y")
    step = compile(((x * angle.sin()) - y) ** 2, angle, [x, y], backend="machine")
    history = step.train(
        Adam([angle], 0.05), [[1.0, 2.0], [0.5, 1.0]], 3000, until=loss_below(1e-28)
    )
    assert history.stopped == "loss below 1e-28"
    assert angle.data == pytest.approx(pi / 6, rel=1e-12)
