"""`train(..., compiled=True)` makes code once for a model, and again if its graph has changed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tinygrad_edu import TABLE, Value, relu, tanh
from tinygrad_edu.compiler.backends import Backends
from tinygrad_edu.data import Example, moons
from tinygrad_edu.errors import NonFiniteWarning
from tinygrad_edu.losses import half_squared_error, mse_loss
from tinygrad_edu.nn import MLP, Module
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.train import History, kept_code, train

# Without machine code, whichever test is the first to compile is told that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")

DATA = [Example(x, y) for x, y in moons(40, noise=0.2, seed=1)]


class Curve(Module):
    """A user's model, whose forward pass reads more than its parameters."""

    def __init__(self) -> None:
        self.w = [Value(0.25), Value(-0.5), Value(0.125)]
        self.scale, self.function = 2.0, tanh

    def forward(self, xs: Any) -> Any:
        a, b, c = self.w
        return [self.function(a * xs[0] + b * xs[1] + c) * self.scale + self.w[-1] * 0.5]


def run(
    model: Module, optimizer: Any, epochs: int, history: History | None = None, **how: Any
) -> History:
    how = {"loss": mse_loss, "data": DATA, **how}
    loss, data = how.pop("loss"), how.pop("data")
    return train(
        model, loss, data, optimizer, epochs=epochs, history=history, progress=False,
        compiled=True, **how,
    )  # fmt: skip


def bits(model: Module, history: History) -> Any:
    return [(p.data.hex(), p.grad.hex()) for p in model.parameters()], history


def forget() -> None:
    kept_code._kept.clear()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The losses for which code was kept anew."""
    found: list[Any] = []
    plain = kept_code.with_kept_code

    def counted(model: Any, step: Any) -> Any:
        own = step.backends
        if plain(model, step).backends is own:
            found.append(own)
        return step

    monkeypatch.setattr("tinygrad_edu.train.compiled_run.with_kept_code", counted)
    return found


@pytest.mark.parametrize(
    "how",
    [{}, {"batch_size": 16}, {"batch_size": 16, "metrics": ["accuracy"], "validation": DATA[:9]}],
)
def test_slices_make_one_code_and_the_numbers_of_fresh_runs(
    how: dict[str, Any], made: list[Any]
) -> None:
    found = []
    for fresh in (False, True):
        model = MLP(2, [5, 1], seed=0)
        optimizer, history = Adam(model.parameters(), 0.01), History()
        made.clear()
        for epochs in (1, 2, 5, 9):
            if fresh:
                forget()
            history = run(model, optimizer, epochs, history, **how)
        assert len(made) == (4 if fresh else 1)
        found.append(bits(model, history))
    assert found[0] == found[1]


def other_scale(model: Any, how: dict[str, Any]) -> None:
    model.scale = 3.0


def other_function(model: Any, how: dict[str, Any]) -> None:
    model.function = relu


def other_parameter(model: Any, how: dict[str, Any]) -> None:
    """A leaf that the optimizer does not hold takes the place of one that it does."""
    model.w[-1] = Value(0.75)


def other_order(model: Any, how: dict[str, Any]) -> None:
    model.w[0], model.w[1] = model.w[1], model.w[0]


def other_loss(model: Any, how: dict[str, Any]) -> None:
    how["loss"] = half_squared_error


def other_number_in_the_loss(model: Any, how: dict[str, Any]) -> None:
    how["loss"] = lambda ys, t: mse_loss(ys, [t]) * 0.5


def other_targets(model: Any, how: dict[str, Any]) -> None:
    how["data"] = [Example(x, [t]) for x, t in DATA]


def a_metric(model: Any, how: dict[str, Any]) -> None:
    how["metrics"] = ["l1_loss"]


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (other_scale, True),
        (other_function, True),
        (other_parameter, True),
        (other_order, True),
        (other_loss, True),
        (other_number_in_the_loss, True),
        (other_targets, False),  # the instructions are the same
        (a_metric, True),
    ],
)
def test_what_changes_in_the_graph_is_seen(
    change: Callable[[Any, dict[str, Any]], None], again: bool, made: list[Any]
) -> None:
    found = []
    for fresh in (False, True):
        model, how = Curve(), dict[str, Any]()
        parameters = model.parameters()
        run(model, SGD(parameters, 0.1), 4)
        change(model, how)
        made.clear()
        if fresh:
            forget()
        history = run(model, SGD(parameters, 0.1), 4, **how)
        assert bool(made) == (again or fresh)
        found.append(bits(model, history))
    assert found[0] == found[1]


def test_an_optimizer_of_other_parameters_gets_other_code(made: list[Any]) -> None:
    found = []
    for fresh in (False, True):
        model = Curve()
        for some in (model.w, model.w[::-1], model.w[:2], model.w[1:]):
            if fresh:
                forget()
            made.clear()
            history = run(model, SGD(some, 0.1), 3)
            assert len(made) == 1
            found.append(bits(model, history))
    assert found[:4] == found[4:]


def test_a_constant_is_the_same_only_with_its_sign(made: list[Any]) -> None:
    model, optimizer = Curve(), SGD([Value(1.0)], 0.1)
    optimizer = SGD(model.parameters(), 0.1)
    for x in (0.0, -0.0, 0.0):
        model.scale = x
        run(model, optimizer, 1)
    assert len(made) == 2


def test_each_run_warns_of_its_numbers() -> None:
    model, data = Curve(), [([1e200, 1e200], 1.0)]
    model.function = lambda x: x * x
    for _ in range(2):
        with pytest.warns(NonFiniteWarning):
            run(model, SGD(model.parameters(), 0.1), 1, data=data)


def test_threads_train_copies_and_one_model_at_the_same_time() -> None:
    def work(model: MLP) -> Any:
        return [run(model, SGD(model.parameters(), 0.0), 30).losses for _ in range(5)]

    one, other = MLP(2, [5, 1], seed=0), MLP(2, [5, 1], seed=1)
    expected = [work(one), work(other), work(one)]
    forget()
    with ThreadPoolExecutor(3) as pool:
        assert [*pool.map(work, [one, other, one])] == expected


def test_code_goes_with_its_model() -> None:
    model = MLP(2, [5, 1], seed=0)
    run(model, Adam(model.parameters(), 0.01), 3)
    code = [weakref.ref(x) for x in kept_code._kept[model]]
    gone = weakref.ref(model)
    gc.collect()
    gc.disable()
    try:
        del model
        assert gone() is None
        assert [ref() for ref in code] == [None]
    finally:
        gc.enable()


def test_a_model_without_hash_trains() -> None:
    class Plain(Curve):
        def __eq__(self, other: object) -> bool:
            return self is other

        __hash__ = None  # type: ignore[assignment]

    model = Plain()
    assert run(model, SGD(model.parameters(), 0.1), 3).epochs == 3


def test_little_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many graphs of a model the newest, and nothing of a graph that is too large."""
    model = Curve()
    optimizer = SGD(model.parameters(), 0.1)
    run(model, optimizer, 1)
    (code,) = kept_code._kept[model]
    size = len(code.graph.forward)
    monkeypatch.setattr(kept_code, "MOST", 3 * size)
    for scale in (3.0, 4.0, 5.0):
        model.scale = scale
        run(model, optimizer, 1)
    found: list[Backends] = kept_code._kept[model]
    assert len(found) == 2
    assert code not in found
    monkeypatch.setattr(kept_code, "MOST", size - 1)
    run(model, optimizer, 1)
    assert kept_code._kept[model] == []


def test_a_rule_that_was_changed_makes_new_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a class does to see what breaks: the right rule counts again as soon as it is back."""
    row = TABLE["tanh"]
    model = MLP(2, [2, 1], activation="tanh", seed=1)
    start = [p.data for p in model.parameters()]

    def losses() -> list[float]:
        for p, x in zip(model.parameters(), start):
            p.data = x
        optimizer = SGD(model.parameters(), 0.5)
        data = ([[0.5, -1.0], [1.0, 0.3]], [0.2, -0.4])
        return train(model, mse_loss, data, optimizer, epochs=4, compiled=True).losses

    right = losses()
    with monkeypatch.context() as patch:
        patch.setattr(row, "derivatives", (lambda y, a: 0.5,))
        assert losses()[1:] != right[1:]
    assert losses() == right
