"""Callbacks of a compiled run see what those of the eager Loop see; what they change counts."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite, nan
from typing import Any

import pytest

from tinygrad_edu import Value, losses, tanh
from tinygrad_edu.data import Example, moons
from tinygrad_edu.errors import NonFiniteWarning
from tinygrad_edu.nn import MLP, Module
from tinygrad_edu.optim import SGD, Adam, Momentum, cosine
from tinygrad_edu.optim.clipping import clip_grad_norm_
from tinygrad_edu.train import History, train

pytest.importorskip("llvmlite")

DATA = [Example(x, y) for x, y in moons(50, noise=0.2, seed=1)]
MAKERS: list[Callable[[Any], Any]] = [
    lambda ps: SGD(ps, 0.1),
    lambda ps: Momentum(ps[::-1], 0.05),
    lambda ps: Adam(ps, cosine(0.02, 40)),
]

Changing = Callable[[Any, Any, Any], object]  # of a Turn, the model and the optimizer


def run(
    compiled: bool,
    make: Callable[[Any], Any] = MAKERS[2],
    changing: Changing | None = None,
    **how: Any,
) -> Any:
    """Returns the model, its optimizer, its history, and what a callback saw at each Turn."""
    model = MLP(2, [6, 1], seed=0)
    optimizer, seen = make(model.parameters()), list[Any]()

    def see(turn: Any) -> None:
        if turn.phase not in ("backward", "update"):
            return
        parameters = [x for p in optimizer.parameters for x in (p.data, p.grad)]
        state = [x for xs in optimizer.kept() for x in xs] if optimizer.steps % 3 else []
        where = (turn.phase, turn.epoch, turn.step, len(turn.examples), optimizer.steps)
        seen.append((where, [turn.loss.data, *turn.metrics.values(), *parameters, *state]))
        if changing is not None:
            changing(turn, model, optimizer)

    how = {"epochs": 6, "batch_size": 16, "callbacks": see, **how}
    history = train(
        model, losses.half_squared_error, DATA, optimizer, progress=False, compiled=compiled, **how
    )
    return model, optimizer, history, seen


def numbers(model: Any, optimizer: Any, history: History) -> Any:
    """Returns all that a run leaves behind, bit for bit."""
    parameters = [(p.data.hex(), p.grad.hex()) for p in model.parameters()]
    return parameters, optimizer.state_dict(), history


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("size", [0, 1, 16, 33])
def test_a_callback_that_only_looks_changes_nothing(make: Callable[[Any], Any], size: int) -> None:
    """Bit for bit, the run is the one without callbacks."""
    how: dict[str, Any] = {"batch_size": size, "validation": DATA[:20], "metrics": ["accuracy"]}
    *looked, seen = run(True, make, **how)
    *plain, _ = run(True, make, **how, callbacks=())
    assert numbers(*looked) == numbers(*plain)
    assert len(seen) == 2 * len(looked[2].losses)


def clip(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.phase == "backward":
        clip_grad_norm_(model.parameters(), 0.05)


def drop(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.phase == "backward":
        model.parameters()[3].grad = 0.0


def push(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.step % 5 == 1:  # after either half
        model.parameters()[turn.step % 7].data += 0.01


def slow(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.phase == "update" and turn.step == 7:
        optimizer.lr = 0.001


def forget(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.step % 6 == 5:
        for xs in optimizer.kept():
            xs[:] = [0.0] * len(xs)


def begin_again(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.step == 8 and turn.phase == "backward":
        optimizer.steps = 0


def decay(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.step == 8 and turn.phase == "backward":
        optimizer.weight_decay = 0.1


@pytest.mark.parametrize("changing", [None, clip, drop, push, slow, forget, begin_again, decay])
@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("size", [0, 16])
def test_callbacks_see_and_change_what_they_do_in_the_loop(
    changing: Changing | None, make: Callable[[Any], Any], size: int
) -> None:
    *_, expected = run(False, make, changing, batch_size=size, metrics=["mse_loss"])
    *_, seen = run(True, make, changing, batch_size=size, metrics=["mse_loss"])
    assert [where for where, _ in seen] == [where for where, _ in expected]
    for (_, xs), (_, ys) in zip(seen, expected):
        assert xs == pytest.approx(ys, rel=1e-9, abs=1e-12)


def test_the_machine_makes_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The halves are not made in Python, before or after a change that they can follow."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("a step in Python")

    monkeypatch.setattr("tinygrad_edu.train.compiled_run.Compiled.sums", refuse)
    monkeypatch.setattr("tinygrad_edu.train.compiled_run._update", refuse)
    for changing in (None, clip, push, slow, forget):
        run(True, MAKERS[2], changing)
    with pytest.raises(AssertionError, match="a step in Python"):
        run(True, MAKERS[1], decay)  # another formula than that which became machine code


def spoil_a_parameter(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.step == 4 and turn.phase == "update":
        model.parameters()[0].data = nan


def overflow(turn: Any, model: Any, optimizer: Any) -> None:
    if turn.step == 4 and turn.phase == "backward":
        optimizer.lr = 1e308
        for p in model.parameters():
            p.grad = 100.0


@pytest.mark.filterwarnings("ignore", category=NonFiniteWarning)
@pytest.mark.parametrize("spoil", [spoil_a_parameter, overflow])
def test_a_number_that_is_not_finite_ends_the_run_as_in_the_loop(spoil: Changing) -> None:
    *_, eager, expected = run(False, MAKERS[0], spoil)
    *_, history, seen = run(True, MAKERS[0], spoil)
    assert [where for where, _ in seen] == [where for where, _ in expected]
    assert history.stopped == eager.stopped
    assert not isfinite(history.losses[-1])


def test_an_error_in_a_callback_leaves_whole_halves() -> None:
    model = MLP(2, [6, 1], seed=0)
    optimizer, before = Adam(model.parameters(), 0.01), list[float]()

    def stop(turn: Any) -> None:
        if turn.step == 5 and turn.phase == "backward":
            before[:] = [p.data for p in model.parameters()]
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        train(
            model, losses.half_squared_error, DATA, optimizer, epochs=3, batch_size=16,
            progress=False, compiled=True, callbacks=stop,
        )  # fmt: skip
    assert [p.data for p in model.parameters()] == before
    assert optimizer.steps == 5
    assert any(p.grad for p in model.parameters())


def test_watched_parameters_are_those_of_the_loop() -> None:
    names = [name for name, _ in MLP(2, [6, 1], seed=0).named_parameters()][::5]
    found = []
    for compiled in (False, True):
        *_, history, _ = run(compiled, watch=names, callbacks=())
        found.append((history.parameters, history.grads))
    for eager, machine in zip(*found):
        assert list(eager) == list(machine) == names
        for name in names:
            assert machine[name] == pytest.approx(eager[name], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("batch_size", [0, 1, 5])
def test_a_gradient_outside_of_the_graph_is_gone_in_the_next_step(batch_size: int) -> None:
    """The callback adds to the gradients of parameters, as a penalty does, of idle ones, too."""

    class Half(Module):
        def __init__(self) -> None:
            self.used = [Value(0.1 * k) for k in range(1, 41)]
            self.idle = [Value(1.0) for _ in range(20)]

        def forward(self, x: Any) -> Any:
            return tanh(sum(w * x for w in self.used)) + 0.1 * sum(w * w for w in self.used)

    found = []
    for compiled in (True, False):
        model, seen = Half(), list[float]()

        def penalty(turn: Any, model: Any = model, seen: Any = seen) -> None:
            if turn.phase == "backward":
                for p in model.parameters():
                    p.grad += p.data
                    seen.append(p.grad)

        optimizer = SGD(model.parameters(), 0.1)
        data = [(0.1 * k, 0.5) for k in range(10)]
        how: dict[str, Any] = {"epochs": 3, "batch_size": batch_size, "progress": False}
        loss = losses.mse_loss
        train(model, loss, data, optimizer, compiled=compiled, callbacks=penalty, **how)
        if compiled:  # what the callback laid into the kept memory is gone, too
            train(model, loss, data, optimizer, compiled=True, **how)
        else:
            train(model, loss, data, optimizer, **how)
        found.append([*seen, *(x for p in model.parameters() for x in (p.data, p.grad))])
    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-12)
