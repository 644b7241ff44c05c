"""The Loop: its phases, its History, how it ends, and how it goes on from a file."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import posix

from tinygrad_edu import Value
from tinygrad_edu.data import Example, gate
from tinygrad_edu.errors import StateError
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
)
from tinygrad_edu.nn import MLP, Layer, Module, Neuron
from tinygrad_edu.nn.layers import Dropout, Embedding
from tinygrad_edu.ops import step
from tinygrad_edu.optim import SGD, Adam, Momentum
from tinygrad_edu.saving import load, save
from tinygrad_edu.train import PHASES, Criterion, History, loss_below, no_better
from tinygrad_edu.train import loop as loop_of_means
from tinygrad_edu.train import train as train_by_means
from tinygrad_edu.train.passes import Loss
from tinygrad_edu.train.patience import Patience

pytestmark = pytest.mark.quick

XOR = gate("xor")

# the sum over the examples, which was that of 1986: its numbers are known
loop = partial(loop_of_means, reduction="sum")
train = partial(train_by_means, reduction="sum")


def model(seed: int = 3) -> MLP:
    return MLP(2, [2, 1], "sigmoid", seed=seed)


def numbers(m: MLP) -> list[float]:
    return [p.data for p in m.parameters()]


def right(outputs: Any, targets: Any) -> Value:
    """1 if the output is on the right side of 0.5, else 0."""
    result: Value = step((outputs[0] - 0.5) * (targets[0] - 0.5))
    return result


def test_metrics_are_means_over_the_examples_of_each_epoch() -> None:
    """Of the outputs before the update, and a criterion can ask for them."""
    m = model()
    before = sum((m(c.inputs)[0].data > 0.5) == (c.targets[0] == 1) for c in XOR)
    learner = Momentum(m.parameters(), 0.5, 0.9)
    all_right = Criterion("all right", lambda history: history.metrics["right"][-1] == 1)
    history = train(
        m, half_squared_error, XOR, learner, epochs=2_000, until=all_right, metrics=[right]
    )
    assert history.stopped == "all right"
    assert history.metrics["right"][0] == before / 4 < 1
    assert history.metrics["right"][-1] == 1.0
    assert max(history.metrics["right"][:-1]) < 1
    assert len(history.metrics["right"]) == history.epochs
    history = train(m, half_squared_error, XOR, learner, epochs=2, batch_size=3, metrics=[right])
    assert history.metrics["right"] == [1.0, 1.0]  # an epoch of two steps


def test_what_is_saved_is_a_model_in_a_file(tmp_path: Path) -> None:
    """In this order; PyTorch's has the state first."""
    m, path = model(), tmp_path / "model.json"
    calls: list[Any] = [
        lambda: save(m.state_dict(), path),  # type: ignore[arg-type]
        lambda: save(path, m.state_dict()),  # type: ignore[arg-type]
        lambda: load(path, m.state_dict()),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(TypeError, match=r"\(path, model, optimizer\) takes a file name and a"):
            call()
    assert not path.exists()


def test_two_metrics_have_two_names() -> None:
    m = model()
    learner = SGD(m.parameters(), 0.5)
    with pytest.raises(ValueError, match="two metrics have the name 'right'"):
        train(m, half_squared_error, XOR, learner, epochs=1, metrics=[right, right])


def test_each_step_has_four_phases_and_each_does_its_part() -> None:
    m = model()
    before = numbers(m)
    turns = loop(m, half_squared_error, XOR, SGD(m.parameters(), 0.5), epochs=2)
    forward = next(turns)
    assert (forward.phase, forward.loss, len(forward.outputs)) == ("forward", None, 4)
    loss = next(turns).loss
    assert loss is not None
    expected = sum((y[0].data - c.targets[0]) ** 2 for y, c in zip(forward.outputs, XOR)) / 2
    assert loss.data == pytest.approx(expected, rel=1e-14)
    assert not any(p.grad for p in m.parameters())
    assert next(turns).phase == "backward"
    grads = [p.grad for p in m.parameters()]
    assert any(grads)
    assert numbers(m) == before
    assert next(turns).phase == "update"
    assert numbers(m) == [x - 0.5 * grad for x, grad in zip(before, grads)]
    rest = [(turn.phase, turn.epoch, turn.step) for turn in turns]
    assert rest == [(phase, 1, 1) for phase in PHASES]


def collector_at_each_call(fails: bool = False) -> tuple[list[bool], Loss]:
    """A list that grows, and a loss that notes there whether garbage collection is on."""
    seen: list[bool] = []

    def noting(outputs: Any, targets: Any) -> Value:
        seen.append(gc.isenabled())
        if fails:
            raise ValueError("no loss")
        return half_squared_error(outputs, targets)

    return seen, noting


def test_no_garbage_is_collected_in_a_step_and_the_collector_is_as_before() -> None:
    m = model()
    seen, loss = collector_at_each_call()
    train(m, loss, XOR, SGD(m.parameters(), 0.5), epochs=2)
    assert (gc.isenabled(), seen) == (True, [False] * 8)
    gc.disable()
    try:
        train(m, loss, XOR, SGD(m.parameters(), 0.5), epochs=2)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_whoever_watches_the_phases_has_the_collector_on() -> None:
    m = model()
    seen, loss = collector_at_each_call()
    told: list[bool] = []
    optimizer = SGD(m.parameters(), 0.5)
    note = [lambda turn: told.append(gc.isenabled())]
    train(m, loss, XOR, optimizer, epochs=2, callbacks=note)
    told += [gc.isenabled() for _ in loop(m, loss, XOR, optimizer, epochs=2)]
    assert (told, seen) == ([True] * 16, [False] * 16)


def test_the_collector_is_on_again_after_an_error() -> None:
    """Although the traceback, and all frames in it, are still there."""
    m = model()
    _, loss = collector_at_each_call(fails=True)
    for late in (None, Criterion("never", lambda history: bool(1 / 0))):
        how: dict[str, Any] = {"epochs": 2, "until": late}
        with pytest.raises((ValueError, ZeroDivisionError)) as caught:
            train(m, half_squared_error if late else loss, XOR, SGD(m.parameters(), 0.5), **how)
        assert gc.isenabled()
        assert caught.value.__traceback__


def test_each_step_has_gradients_of_its_own() -> None:
    """Of the parameters that the optimizer does not have, too."""
    m = model()
    fixed, *rest = m.parameters()
    slopes = []
    for turn in loop(m, half_squared_error, XOR, SGD(rest, 0.0), epochs=3):
        if turn.phase == "backward":
            slopes.append((fixed.grad, rest[0].grad))
    assert all(slopes[0])
    assert slopes == [slopes[0]] * 3


def test_a_epoch_in_batches_takes_every_example_once_in_an_order_of_its_own() -> None:
    m = model()
    how: dict[str, Any] = {"epochs": 3, "batch_size": 3, "seed": 8}
    optimizer = SGD(m.parameters(), 0.1)
    turns = [t for t in loop(m, half_squared_error, XOR, optimizer, **how) if t.phase == "update"]
    assert [(t.epoch, t.step, len(t.examples)) for t in turns] == [
        *((0, 0, 3), (0, 1, 1), (1, 2, 3), (1, 3, 1), (2, 4, 3), (2, 5, 1))
    ]
    orders = [[*turns[i].examples, *turns[i + 1].examples] for i in (0, 2, 4)]
    assert all(sorted(order) == sorted(XOR) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_the_mean_of_the_losses_is_their_sum_over_the_examples() -> None:
    losses = []
    for mean in (False, True):
        m = model()
        optimizer = SGD(m.parameters(), 0.0)
        turns = loop(
            m, half_squared_error, XOR, optimizer, epochs=1, reduction="mean" if mean else "sum"
        )
        losses.append(next(t.loss.data for t in turns if t.loss is not None))
    assert losses[1] == losses[0] / 4


def test_xor_is_learned_and_the_history_tells_how() -> None:
    m = model()
    name = "layer1.neuron1.w[0]"
    first = dict(m.named_parameters())[name].data

    def accuracy(outputs: Any, targets: Any) -> float:
        return (outputs[0].data > 0.5) == (targets[0] == 1)

    history = train(
        m,
        half_squared_error,
        XOR,
        Momentum(m.parameters(), 0.5, 0.9),
        epochs=5_000,
        until=loss_below(0.001),
        metrics={"accuracy": accuracy},
        watch=[name],
    )
    assert history.stopped == "loss below 0.001"
    assert history.losses[-1] < 0.001 <= min(history.losses[:-1])
    assert history.epochs == len(history.losses) == len(history.metrics["accuracy"])
    assert history.metrics["accuracy"][-1] == 1.0
    assert history.parameters[name][0] == first
    assert len(history.grads[name]) == len(history.losses)
    assert [round(m(example.inputs)[0].data) for example in XOR] == [0, 1, 1, 0]


def test_a_run_that_gets_no_better_stops() -> None:
    m = model()
    optimizer = SGD(m.parameters(), 0.0)
    history = train(m, half_squared_error, XOR, optimizer, epochs=99, until=no_better(7))
    assert (history.stopped, history.epochs) == ("no better for 7 steps", 8)
    history = train(m, half_squared_error, XOR, optimizer, epochs=3)
    assert (history.stopped, history.epochs) == ("3 epochs", 3)


@pytest.mark.parametrize("batch", [0, 3])
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda ps: Momentum(ps, 0.5, 0.9),
        lambda ps: Adam(ps, lambda step: 0.1 / (step + 1)),
    ],
)
def test_half_a_run_saved_and_loaded_goes_on_as_if_nothing_had_been(
    tmp_path: Path, batch: int, optimizer: Any
) -> None:
    how: dict[str, Any] = {"batch_size": batch, "seed": 5, "watch": ["layer2.neuron1.b"]}
    whole = model()
    uninterrupted = train(
        whole, half_squared_error, XOR, optimizer(whole.parameters()), epochs=40, **how
    )
    first = model()
    learner = optimizer(first.parameters())
    half = train(first, half_squared_error, XOR, learner, epochs=20, **how)
    save(tmp_path / "run.json", first, learner, half)
    second = model(seed=99)
    learner = optimizer(second.parameters())
    history = load(tmp_path / "run.json", second, learner)
    train(second, half_squared_error, XOR, learner, epochs=40, history=history, **how)
    assert numbers(second) == numbers(whole)
    assert history == uninterrupted


class Wet(Module):
    """A network with dropout between its layers."""

    def __init__(self) -> None:
        self.first, self.dropout, self.last = (
            Layer(2, 8, seed=1),
            Dropout(0.5, seed=2),
            Neuron(8, seed=2),
        )
        self.label()

    def __call__(self, xs: Any) -> Any:
        return [self.last(self.dropout(self.first(xs)))]


def test_chance_goes_on_too(tmp_path: Path) -> None:
    def wet(epochs: int, m: Wet, learner: Any, history: History | None = None) -> History:
        how: dict[str, Any] = {"epochs": epochs, "history": history, "batch_size": 2}
        return train(m, half_squared_error, XOR, learner, **how)

    whole = Wet()
    wet(20, whole, Adam(whole.parameters()))
    first = Wet()
    learner = Adam(first.parameters())
    save(tmp_path / "wet.json", first, learner, wet(10, first, learner))
    second = Wet()
    learner = Adam(second.parameters())
    wet(20, second, learner, load(tmp_path / "wet.json", second, learner))
    assert [p.data for p in second.parameters()] == [p.data for p in whole.parameters()]


def test_a_run_goes_on_in_the_middle_of_a_epoch() -> None:
    """As after an interruption: 3 batches an epoch, stopped after 4 steps."""
    whole, part = model(), model()
    how: dict[str, Any] = {"batch_size": 2, "seed": 5}
    examples = [*XOR, *XOR[:2]]
    wanted = train(
        whole, half_squared_error, examples, Momentum(whole.parameters(), 0.5), epochs=4, **how
    )
    learner = Momentum(part.parameters(), 0.5)
    history = History()
    turns = loop(part, half_squared_error, examples, learner, epochs=4, **how)
    for turn in turns:
        if turn.phase == "update" and turn.loss is not None:
            history.losses.append(turn.loss.data)
            if len(history.losses) == 4:
                break
    history.epochs = 1
    train(part, half_squared_error, examples, learner, epochs=4, history=history, **how)
    assert numbers(part) == numbers(whole)
    assert (history.losses, history.epochs) == (wanted.losses, wanted.epochs)


def test_a_name_that_is_none_cannot_be_watched() -> None:
    m = model()
    learner = SGD(m.parameters(), 0.1)
    with pytest.raises(
        ValueError, match=r"unknown parameter 'w' in watch=: choose layer1\.neuron1"
    ):
        train(m, half_squared_error, XOR, learner, epochs=1, watch=["w"])


def test_numbers_that_json_does_not_know_survive(tmp_path: Path) -> None:
    m = model()
    for p, x in zip(m.parameters(), (float("inf"), float("-inf"), -0.0, 5e-324, 1 / 3)):
        p.data = x
    save(tmp_path / "m.json", m)
    other = model(seed=4)
    load(tmp_path / "m.json", other)
    assert list(map(repr, numbers(other))) == list(map(repr, numbers(m)))


def damaged() -> dict[str, Any]:
    """Files that are none of ours any more, as text or as changes of a good one."""
    name = "layer1.neuron1.w[0]"
    bad_numbers = ["1", None, True, [1], {}, "infinity", 10**400, "Infinity"]
    files: dict[str, Any] = {
        "empty": b"",
        "text": b"hello",
        "list": b"[]",
        "null": b"null",
        "pickle": b"\x80\x04K\x01.",
        "utf-16": '{"format": 1}'.encode("utf-16-le"),
        "nested": b"[" * 100_000,
        "number": b"1" * 100,
        "format": lambda t: t.update(format="other"),
        "version": lambda t: t.update(version=2),
        "no version": lambda t: t.pop("version"),
        "no parameters": lambda t: t.pop("parameters"),
        "list of parameters": lambda t: t.update(parameters=[1.0]),
        "one too few": lambda t: t["parameters"].pop(name),
        "one too many": lambda t: t["parameters"].update({"x": 1.0}),
        "renamed": lambda t: t["parameters"].update({"y": t["parameters"].pop(name)}),
        "no optimizer": lambda t: t.pop("optimizer"),
        "odd optimizer": lambda t: t.update(optimizer=3),
        "other optimizer": lambda t: t.update(optimizer=Adam(model().parameters()).state_dict()),
        "empty optimizer": lambda t: t.update(optimizer={}),
        "odd history": lambda t: t.update(history=[]),
        "no chance": lambda t: t.pop("chance"),
        "odd chance": lambda t: t.update(chance={"dropout": 1}),
        "strange key": lambda t: t.update(strange=1),
        "true version": lambda t: t.update(version=True),
        "more epochs than steps": lambda t: t["history"].update(epochs=6),
        "a metric too long": lambda t: t["history"].update(metrics={"a": [1.0] * 9}),
        "parameters without grads": lambda t: t["history"].update(parameters={"a": [1.0] * 5}),
        "an escape": lambda t: t["history"].update(stopped="\x1b[2J"),
        "utf-16 of a good one": b"",
        "key twice": b'{"format": "tinygrad-edu model", "format": "tinygrad-edu model"}',
        "NaN": b'{"format": NaN}',
        "strange history": lambda t: t["history"].update(strange=1),
        "history of text": lambda t: t["history"].update(losses="12"),
        "history of texts": lambda t: t["history"].update(losses=["1"]),
        "negative epochs": lambda t: t["history"].update(epochs=-1),
        "true epochs": lambda t: t["history"].update(epochs=True),
        "odd metrics": lambda t: t["history"].update(metrics={"a": 1}),
        "odd reason": lambda t: t["history"].update(stopped=1),
    }
    for i, x in enumerate(bad_numbers):
        files[f"bad number {i}"] = lambda t, x=x: t["parameters"].update({name: x})
    return files


CUTS = [0.1, 0.3, 0.5, 0.7, 0.9, 0.99]


@pytest.mark.parametrize("how", [*damaged(), *CUTS])
def test_a_damaged_file_is_refused_in_one_line_and_changes_nothing(
    tmp_path: Path, how: str | float
) -> None:
    good = model()
    learner = Momentum(good.parameters(), 0.5, 0.9)
    history = train(good, half_squared_error, XOR, learner, epochs=5)
    path = tmp_path / "run.json"
    save(path, good, learner, history)
    data = path.read_bytes()
    if isinstance(how, float):
        path.write_bytes(data[: int(len(data) * how)])
    elif how == "utf-16 of a good one":
        path.write_bytes(data.decode().encode("utf-16"))
    elif isinstance(change := damaged()[how], bytes):
        path.write_bytes(change)
    else:
        told = json.loads(data)
        change(told)
        path.write_text(json.dumps(told))
    m = model(seed=8)
    optimizer = Momentum(m.parameters(), 0.5, 0.9)
    before = numbers(m), json.dumps(optimizer.state_dict())
    with pytest.raises(StateError) as caught:
        load(path, m, optimizer)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    assert (numbers(m), json.dumps(optimizer.state_dict())) == before


def test_there_are_forty_damaged_files_and_more() -> None:
    assert len(damaged()) + len(CUTS) >= 40


def test_a_file_of_another_network_says_so(tmp_path: Path) -> None:
    save(tmp_path / "m.json", MLP(2, [3, 1]))
    with pytest.raises(StateError, match=r"another model: it has a 'layer1.neuron3.w\[0\]'"):
        load(tmp_path / "m.json", MLP(2, [2, 1]))


RUN = """
import sys
from tinygrad_edu.data import Example, gate
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD
from tinygrad_edu.saving import save
from tinygrad_edu.train import History, train
m, history = MLP(2, [2, 1], "sigmoid"), History()
learner = SGD(m.parameters(), 0.5)
print("ready", flush=True)
try:
    train(m, half_squared_error, gate("xor"), learner, epochs=10_000_000,
          history=history, watch=["layer1.neuron1.b"])
except KeyboardInterrupt:
    save(sys.argv[1], m, learner, history)
    sys.exit(130)
"""


@posix
def test_an_interrupted_run_leaves_its_history_and_says_130(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    command = [sys.executable, "-c", RUN, os.fspath(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (130, "", "")
    m = MLP(2, [2, 1], "sigmoid", seed=5)
    history = load(path, m, SGD(m.parameters(), 0.5))
    assert history.stopped == "interrupted"
    assert 0 < history.epochs == len(history.losses)
    assert len(history.parameters["layer1.neuron1.b"]) == len(history.losses)
    assert history.losses[-1] < history.losses[0]


def test_a_loop_without_examples_is_refused() -> None:
    m = model()
    with pytest.raises(ValueError, match="one example or more"):
        next(loop(m, half_squared_error, [], SGD(m.parameters(), 0.1), epochs=1))


def test_only_the_first_ctrl_c_waits_for_the_end_of_a_step() -> None:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    patience = Patience()
    try:
        patience.begin()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            patience.end()
        patience.leave()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, handler)


class Token(Module):
    """A number for each of two tokens."""

    def __init__(self) -> None:
        self.embedding = Embedding(2, 1, seed=1)
        self.label()

    def __call__(self, xs: Any) -> Any:
        return self.embedding(int(xs[0]))


def test_what_a_step_does_not_use_keeps_no_gradient_from_another() -> None:
    m = Token()
    examples = [Example((0.0,), (1.0,)), Example((1.0,), (1.0,))]
    optimizer = SGD(m.parameters(), 0.1)
    seen = []
    for turn in loop(m, half_squared_error, examples, optimizer, epochs=1, batch_size=1):
        if turn.phase == "update":
            seen.append([p.data for p in m.parameters()])
            used = int(turn.examples[0].inputs[0])
    assert seen[0][used] != seen[1][used]
    assert seen[0][1 - used] == seen[1][1 - used]


def test_every_loss_takes_the_outputs_and_the_targets_of_a_example() -> None:
    for loss, targets in (
        (binary_cross_entropy_with_logits, (0.0, 1.0)),
        (hinge_loss, (-1.0, 1.0)),
    ):
        m = MLP(2, [3, 1], ["tanh", "linear"], seed=1)
        examples = gate("xor", targets=targets)
        history = train(m, loss, examples, Adam(m.parameters(), 0.1), epochs=60)
        assert history.losses[-1] < 0.5 * history.losses[0]
    m = MLP(2, [3, 2], ["tanh", "linear"], seed=1)
    examples = [Example(c.inputs, (1 - c.targets[0], c.targets[0])) for c in XOR]
    history = train(m, cross_entropy, examples, Adam(m.parameters(), 0.1), epochs=60)
    assert history.losses[-1] < 0.5 * history.losses[0]


def test_the_optimizer_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="has no parameter of this model"):
        train(model(), half_squared_error, XOR, Adam(model().parameters()), epochs=1)


def test_a_model_that_only_computes_otherwise_is_another(tmp_path: Path) -> None:
    save(tmp_path / "m.json", MLP(2, [2, 1], "tanh"))
    with pytest.raises(StateError, match="belongs to another model"):
        load(tmp_path / "m.json", MLP(2, [2, 1], "sigmoid"))


def test_out_of_training_dropout_leaves_nothing_out() -> None:
    m = Wet()
    m.eval()
    assert m([1.0, 0.0])[0].data == m([1.0, 0.0])[0].data
    m.train()
    assert len({m([1.0, 0.0])[0].data for _ in range(8)}) > 1


def test_a_number_that_is_too_large_for_a_float_is_damage(tmp_path: Path) -> None:
    save(tmp_path / "m.json", model())
    text = (tmp_path / "m.json").read_text()
    name = '"layer1.neuron1.w[0]": '
    start = text.index(name) + len(name)
    (tmp_path / "m.json").write_text(text[:start] + "1e999" + text[text.index(",", start) :])
    with pytest.raises(StateError, match="not a number"):
        load(tmp_path / "m.json", model())


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    m = MLP(2, [1], "linear")
    for p in m.parameters():
        p.data = 1e200
    optimizer = SGD(m.parameters(), 1.0)
    history = train(m, half_squared_error, XOR, optimizer, epochs=50)
    assert history.stopped == "the loss is inf at step 0"
    assert len(history.losses) == 1


def test_no_better_looks_at_each_loss_once() -> None:
    criterion = no_better(3)
    history = History()
    held = []
    for loss in (5.0, 4.0, 4.5, 4.2, 3.9, 4.0, 4.0, 4.0):
        history.losses.append(loss)
        held.append(criterion.holds(history))
    assert held == [False] * 7 + [True]


def test_a_metric_is_a_number() -> None:
    m = model()
    optimizer = SGD(m.parameters(), 0.1)
    odd: Any = {"a": lambda outputs, examples: "good"}
    with pytest.raises(TypeError, match="str"):
        train(m, half_squared_error, XOR, optimizer, epochs=1, metrics=odd)


def test_a_continuation_records_what_was_recorded() -> None:
    """Or else a row would be shorter than the losses, and nobody could tell where it begins."""
    m = model()
    learner = SGD(m.parameters(), 0.1)
    history = train(m, half_squared_error, XOR, learner, epochs=2)
    with pytest.raises(ValueError, match="other metrics or watched parameters"):
        train(
            m,
            half_squared_error,
            XOR,
            learner,
            epochs=4,
            history=history,
            watch=["layer2.neuron1.b"],
        )
    odd: Any = {"a": lambda outputs, examples: 1.0}
    with pytest.raises(ValueError, match="other metrics"):
        train(m, half_squared_error, XOR, learner, epochs=4, history=history, metrics=odd)
    assert train(m, half_squared_error, XOR, learner, epochs=4, history=history).epochs == 4


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 2.5}, "epochs must be a whole number, 0 or more, not 2.5"),
        ({"epochs": True}, "epochs must be a whole number, 0 or more, not True"),
        ({"epochs": -1}, "epochs must be a whole number, 0 or more, not -1"),
        ({"epochs": "10"}, "epochs must be a whole number, 0 or more, not '10'"),
        ({"until": lambda history: True}, "until must be a criterion, such as loss_below"),
        ({"optimizer": None}, "expected an optimizer, such as SGD"),
    ],
)
def test_what_a_run_is_not_given(wrong: dict[str, Any], words: str, compiled: bool) -> None:
    model = MLP(2, [1], "sigmoid", seed=1)
    given = {"optimizer": SGD(model.parameters(), 0.1), "epochs": 1, **wrong}
    optimizer = given.pop("optimizer")
    with pytest.raises((TypeError, ValueError), match=words):
        train(model, half_squared_error, gate("xor"), optimizer, compiled=compiled, **given)
