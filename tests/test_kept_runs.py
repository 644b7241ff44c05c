"""A compiled loss keeps a run between calls of `train`: faster, and otherwise as if it did not."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier
from typing import Any

import pytest

from tinygrad_edu import Value, compile, losses
from tinygrad_edu.errors import NonFiniteWarning
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, Adam, Momentum, RMSprop, cosine
from tinygrad_edu.train import History, loss_below

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

OPTIMIZERS: list[Callable[[list[Value]], Any]] = [
    lambda ps: SGD(ps, 0.05),
    lambda ps: Momentum(ps, 0.02),
    lambda ps: Adam(ps, 0.03),
    lambda ps: Adam(ps[::-1], cosine(0.03, 50)),  # in another order than the loss
    lambda ps: RMSprop(ps, 0.01, momentum=0.5),
]


def network(seed: int = 0) -> tuple[Value, list[Value], list[Value], Value]:
    """Returns a loss, its parameters, its inputs, and one more number to be added up."""
    model = MLP(2, [5, 1], seed=seed)
    inputs = [Value(0.5, label=name) for name in "xyt"]
    (output,) = model(inputs[:2])
    return losses.mse_loss(output, inputs[2]), model.parameters(), inputs, abs(output)


def columns(count: int, seed: int = 1) -> list[list[float]]:
    random = Random(seed)
    return [[random.uniform(-1, 1) for _ in range(count)] for _ in range(3)]


def compiled(nodes: tuple[Value, list[Value], list[Value], Value], **how: Any) -> Any:
    loss, wrt, inputs, also = nodes
    return compile(loss, wrt, inputs, also=also, backend="machine", **how)


def state(optimizer: Any, history: History) -> Any:
    """Returns all numbers that a run leaves behind."""
    parameters = [(p.data.hex(), p.grad.hex()) for p in optimizer.parameters]
    return parameters, optimizer.state_dict(), history.losses, history.metrics, history.epochs


def train(step: Any, optimizer: Any, data: Any, epochs: int = 20, **how: Any) -> Any:
    return step.train(optimizer, data, epochs, progress=False, counts=["size"], **how)


def idle(step: Any) -> Any:
    """Returns the run that is kept, or None."""
    return next(iter(step.program().idle), None)


Change = Callable[[Any, Any, Any], None]  # of a loss, its optimizer and the columns


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("count", [1, 7, 90])
def test_a_second_call_is_a_fresh_run(
    make: Callable[[list[Value]], Any], reduction: str, count: int
) -> None:
    data = columns(count)
    found = []
    for fresh in (False, True):
        nodes = network()
        step, optimizer = compiled(nodes, reduction=reduction), make(nodes[1])
        told, runs = [], []
        for epochs in (20, 3, 1, 200):
            step = compiled(nodes, reduction=reduction) if fresh else step
            told.append(state(optimizer, train(step, optimizer, data, epochs)))
            runs.append(idle(step))
        assert len(set(map(id, runs))) == (4 if fresh else 1)
        found.append(told)
    assert found[0] == found[1]


def change_list(step: Any, optimizer: Any, data: Any) -> None:
    data[1][3] = -data[1][3]


def change_sign_of_zero(step: Any, optimizer: Any, data: Any) -> None:
    data[0][0] = -0.0


def change_parameter(step: Any, optimizer: Any, data: Any) -> None:
    optimizer.parameters[2].data += 0.25


def change_state(step: Any, optimizer: Any, data: Any) -> None:
    for xs in optimizer.kept():
        xs[1] = 0.125


def change_rate(step: Any, optimizer: Any, data: Any) -> None:
    optimizer.lr = 0.001


def change_setting(step: Any, optimizer: Any, data: Any) -> None:
    optimizer.weight_decay = 0.1


def change_steps(step: Any, optimizer: Any, data: Any) -> None:
    optimizer.steps = 0


def step_eagerly(step: Any, optimizer: Any, data: Any) -> None:
    optimizer.step()


def longer(step: Any, optimizer: Any, data: Any) -> None:
    for xs in data:
        xs += [0.5, -0.25] * 40


def shorter(step: Any, optimizer: Any, data: Any) -> None:
    for xs in data:
        del xs[1:]


@pytest.mark.parametrize(
    "change",
    [
        change_list,
        change_sign_of_zero,
        change_parameter,
        change_state,
        change_rate,
        change_setting,
        change_steps,
        step_eagerly,
        longer,
        shorter,
    ],
)
@pytest.mark.parametrize("count", [12, 300])
def test_what_changes_between_two_calls_is_seen(change: Change, count: int) -> None:
    """The numbers after a change are those of a loss that kept nothing."""
    found = []
    for fresh in (False, True):
        nodes, data = network(), columns(count)
        step, optimizer = compiled(nodes), Adam(nodes[1], 0.01)
        train(step, optimizer, data)
        change(step, optimizer, data)
        step = compiled(nodes) if fresh else step
        found.append(state(optimizer, train(step, optimizer, data)))
    assert found[0] == found[1]
    nodes, data = network(), columns(count)
    step, optimizer = compiled(nodes), Adam(nodes[1], 0.01)
    train(step, optimizer, data)
    same = state(optimizer, train(step, optimizer, data))
    assert change is change_sign_of_zero or same != found[0]  # the change matters


def test_an_array_changed_in_place_is_seen() -> None:
    nodes = network()
    step, optimizer = compiled(nodes), SGD(nodes[1], 0.0)
    table = np.array(columns(9)).T.copy()
    for data in (table, [table[:, 0], table[:, 1], table[:, 2]]):
        first = train(step, optimizer, data, 1).losses
        table[4, 2] += 1.0
        second = train(step, optimizer, data, 1).losses
        assert first != second == [compiled(nodes)(*table.T)[0]]


def test_a_leaf_that_is_no_input_changes() -> None:
    """Its number counts at the beginning of each call, as for a call of the loss."""
    w, x, scale = Value(0.5), Value(1.0), Value(2.0)
    step = compile((w * x * scale - 1) ** 2, [w], [x], backend="machine")
    optimizer = SGD([w], 0.0)
    assert step.train(optimizer, [[1.0, 1.0]], 1, progress=False).losses == [0.0]
    scale.data = 4.0
    assert step.train(optimizer, [[1.0, 1.0]], 1, progress=False).losses == [2.0]


def test_a_run_is_kept_for_optimizers_with_the_same_rule_and_parameters() -> None:
    nodes, data = network(), columns(5)
    step = compiled(nodes)
    train(step, Adam(nodes[1], 0.01), data)
    kept = idle(step)
    train(step, Adam(nodes[1], 0.02), data)
    assert idle(step) is kept
    for other in (
        Adam(nodes[1], 0.01, betas=(0.8, 0.999)),
        Adam(nodes[1][::-1], 0.01),
        SGD(nodes[1], 0.01),
    ):
        train(step, other, data)
        assert idle(step) is not kept
        kept = idle(step)
    assert len(step.program().idle) == 1


def test_the_optimizers_of_two_halves() -> None:
    """A run belongs to the parameters that its optimizer holds."""
    nodes, data = network(), columns(5)
    step, half = compiled(nodes), SGD(nodes[1][:4], 0.05)
    train(step, SGD(nodes[1], 0.05), data)
    before = [p.data for p in nodes[1]]
    train(step, half, data)
    after = [p.data for p in nodes[1]]
    assert before[4:] == after[4:]
    assert before[:4] != after[:4]


def test_lists_of_the_state_stay_those_that_were_given() -> None:
    """Whoever has asked for them sees each run; whoever has not, pays nothing."""
    nodes, data = network(), columns(5)
    step, optimizer = compiled(nodes), Adam(nodes[1], 0.01)
    given = optimizer.kept()
    train(step, optimizer, data)
    first = [list(xs) for xs in given]
    train(step, optimizer, data)
    assert [list(xs) for xs in given] != first  # in place, before anybody asks again
    assert given == optimizer.kept()
    assert all(a is b for a, b in zip(given, optimizer.kept()))


def test_a_criterion_and_a_history_go_on() -> None:
    found = []
    for fresh in (False, True):
        nodes, data = network(), columns(30)
        step, optimizer = compiled(nodes), Adam(nodes[1], 0.01)
        history = train(step, optimizer, data, 40)
        middle = (history.losses[0] + history.losses[-1]) / 2
        step = compiled(nodes) if fresh else step
        train(step, optimizer, data, 90, history=history)
        other = Adam(nodes[1], 0.01)
        for p, q in zip(nodes[1], network()[1]):
            p.data = q.data
        step = compiled(nodes) if fresh else step
        found.append(state(other, train(step, other, data, 90, until=loss_below(middle))))
        assert history.epochs == len(history.losses) == len(history.metrics["size"]) == 90
    assert found[0] == found[1]
    assert 0 < found[0][-1] < 40


@pytest.mark.filterwarnings("ignore", category=NonFiniteWarning)
def test_a_run_that_diverges_is_not_kept() -> None:
    x, w = Value(1.0), Value(0.5)
    step = compile((w * x) ** 4, [w], [x], backend="machine")
    optimizer = SGD([w], 0.01)
    step.train(optimizer, [[1.0, 2.0]], 5, progress=False)
    assert idle(step) is not None
    w.data = 1e60
    history = step.train(optimizer, [[1.0, 2.0]], 50, progress=False)
    assert history.stopped.startswith("the loss is")
    assert idle(step) is None
    w.data, again = 0.5, compile(step.loss, [w], [x], backend="machine")
    first = step.train(SGD([w], 0.01), [[1.0, 2.0]], 5, progress=False)
    w.data = 0.5
    assert first.losses == again.train(SGD([w], 0.01), [[1.0, 2.0]], 5, progress=False).losses


def test_an_interrupted_run_is_not_kept() -> None:
    nodes, data = network(), columns(5)
    step, optimizer = compiled(nodes), Adam(nodes[1], 0.01)
    train(step, optimizer, data)

    class Stop:
        says = "stop"

        def holds(self, history: History) -> bool:
            if history.epochs == 7:
                raise KeyboardInterrupt
            return False

    with pytest.raises(KeyboardInterrupt):
        train(step, optimizer, data, 50, until=Stop())
    assert idle(step) is None
    assert optimizer.steps == 27


def test_threads_train_one_loss_at_the_same_time() -> None:
    """The kept run belongs to one of them, and the other makes its own."""
    nodes = network()
    step = compiled(nodes)
    data = [columns(40, seed) for seed in range(2)]
    rates = SGD(nodes[1], 0.0), Momentum(nodes[1], 0.0)  # the parameters stay as they are
    expected = [train(step, rates[0], xs, 300).losses for xs in data]
    for pair in ((rates[0], SGD(nodes[1], 0.0)), rates):
        start = Barrier(2)

        def work(i: int, pair: Any = pair, start: Any = start) -> list[Any]:
            start.wait()
            return [train(step, pair[i], data[i], 300).losses for _ in range(30)]

        with ThreadPoolExecutor(2) as pool:
            found = [*pool.map(work, range(2))]
        assert found == [[xs] * 30 for xs in expected]
        assert len(step.program().idle) == 1


def test_nothing_is_held_longer_than_its_loss() -> None:
    """The kept run holds no optimizer and no large columns, and goes with its loss."""
    nodes = network()
    step, optimizer = compiled(nodes), Adam(nodes[1], 0.01)
    train(step, optimizer, columns(5))
    gone = [weakref.ref(optimizer), weakref.ref(idle(step)), weakref.ref(step.program())]
    gc.disable()
    try:
        del optimizer
        assert gone[0]() is None
        assert gone[1]() is not None
        del step
        assert gone[1]() is None
        assert gone[2]() is None
    finally:
        gc.enable()
