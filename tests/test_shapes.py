"""Compiled training over examples of several shapes, beside the eager Loop."""

from __future__ import annotations

from math import isfinite
from random import Random
from typing import Any

import pytest

from tinygrad_edu import Value, compile, tanh
from tinygrad_edu.data import Example
from tinygrad_edu.errors import NonFiniteWarning
from tinygrad_edu.losses import cross_entropy, mse_loss
from tinygrad_edu.nn import Block, Embedding, Linear, Module
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.train import no_better, train
from tinygrad_edu.train.by_shape import of_one_shape

# Without machine code, whichever test is the first to compile is told that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")


class Letters(Module):
    """A small transformer: vectors of letters and places, a block, logits of the next letter."""

    def __init__(self) -> None:
        self.letters, self.places = Embedding(5, 4, seed=1), Embedding(6, 4, seed=2)
        self.block, self.outer = Block(4, 2, seed=3), Linear(4, 5, seed=4)

    def forward(self, word: Any) -> Any:
        vectors = [self.letters(x) for x in word]
        places = (self.places(i) for i in range(len(word)))
        added = [[a + b for a, b in zip(x, place)] for x, place in zip(vectors, places)]
        return [self.outer(x) for x in self.block(added)]


def words(count: int, seed: int = 0) -> list[tuple[list[int], list[int]]]:
    random, found = Random(seed), []
    for _ in range(count):
        word = [random.randrange(5) for _ in range(random.choice([3, 4, 5]))]
        found.append((word[:-1], word[1:]))
    return found


def outcome(compiled: bool, **how: Any) -> list[float]:
    """All numbers of a run: losses, metrics, watched parameters, parameters and steps."""
    model = Letters()
    optimizer = Adam(model.parameters(), 0.02)
    how = {"epochs": 3, "progress": False, "compiled": compiled, **how}
    run = train(model, cross_entropy, words(9), optimizer, **how)
    rows = [run.losses, *run.metrics.values(), *run.parameters.values(), *run.grads.values()]
    numbers = [p.data for p in model.parameters()]
    return [x for row in rows for x in row] + [*numbers, optimizer.steps]


@pytest.mark.parametrize("batch_size", [0, 1, 4])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"validation": words(4, 1), "metrics": {"twice": lambda y, t: 2 * cross_entropy(y, t)}},
        {"watch": ["outer.bias[0]"]},
        {"reduction": "sum", "until": no_better(2)},
    ],
    ids=["plain", "validation", "watch", "until"],
)
def test_compiled_training_over_several_shapes_is_the_eager_one(
    batch_size: int, how: dict[str, Any]
) -> None:
    found = outcome(True, batch_size=batch_size, **how)
    wanted = outcome(False, batch_size=batch_size, **how)
    assert found == pytest.approx(wanted, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("batch_size", [0, 1, 4])
def test_callbacks_of_several_shapes_are_those_of_the_loop(batch_size: int) -> None:
    """They see and change the same numbers, whichever program has them."""
    found = []
    for compiled in (True, False):
        seen: list[float] = []
        model_of: list[Any] = []

        def see(turn: Any, seen: Any = seen, of: Any = model_of) -> None:
            if turn.phase in ("backward", "update"):
                ps = of[0].parameters
                ps[turn.step % 5].data += 0.01
                seen.extend(
                    [turn.loss.data, *(p.data for p in ps[::7]), *(p.grad for p in ps[::7])]
                )

        model = Letters()
        model_of.append(Adam(model.parameters(), 0.02))
        how: dict[str, Any] = {"epochs": 2, "progress": False, "batch_size": batch_size}
        train(model, cross_entropy, words(9), model_of[0], compiled=compiled, callbacks=see, **how)
        found.append([*seen, *(p.data for p in model.parameters())])
    assert found[0] == pytest.approx(found[1], rel=1e-9, abs=1e-12)


def test_each_shape_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_edu.train import compiled_run

    made, compile = [], compiled_run.compile
    monkeypatch.setattr(
        compiled_run, "compile", lambda *f, **how: made.append(f) or compile(*f, **how)
    )
    outcome(True, batch_size=1)
    assert len(made) == len({len(word) for word, _ in words(9)}) == 3


def test_groups_are_in_order_and_see_the_whole_shape() -> None:
    data = [
        Example([1.0], 1),
        Example([1.0, 2.0], 1),
        Example([3.0], 2),
        Example([[1.0], [2.0]], 1),
        Example((1,), 1.0),
        Example([1.0], [1.0]),
    ]
    assert of_one_shape(data) == [[0, 2, 4], [1], [3], [5]]


def test_validation_of_an_unknown_shape_is_told() -> None:
    with pytest.raises(ValueError, match="validation examples of the same shapes"):
        outcome(True, validation=[([1], [2])])


def test_a_part_that_is_not_finite_leaves_the_parameters_as_they_were() -> None:
    class Root(Module):
        def __init__(self) -> None:
            self.w = Value(1.0)

        def forward(self, xs: Any) -> Any:
            return tanh(sum((x * self.w for x in xs), Value(0.0)) ** 0.5)

    model = Root()
    optimizer = SGD(model.parameters(), 0.1)
    data = [([1.0], 0.0), ([1.0, -2.0], 0.0)]
    with pytest.warns(match="nan"):
        run = train(model, mse_loss, data, optimizer, epochs=3, batch_size=1, compiled=True)
    assert "the loss is nan" in run.stopped
    assert model.w.data == model.w.data


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [0, 1, 4])
@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("validation", [False, True])
def test_ignored_labels_fill_up_words_of_several_lengths(
    reduction: str, batch_size: int, count: int, validation: bool
) -> None:
    """The mean is over the labels that count, also where a step has a single example."""
    data = words(count)
    filled = [(xs + [0] * (4 - len(xs)), ts + [-100] * (4 - len(ts))) for xs, ts in data]

    def numbers(compiled: bool) -> list[float]:
        model = Letters()
        optimizer = SGD(model.parameters(), 0.02)  # a sum diverges at large rates
        how: dict[str, Any] = {"batch_size": batch_size, "reduction": reduction, "epochs": 2}
        how |= {"validation": filled[:2]} if validation else {}
        run = train(
            model, cross_entropy, filled, optimizer, compiled=compiled, progress=False, **how
        )
        return [
            *run.losses,
            *run.metrics.get("val_loss", []),
            *(p.data for p in optimizer.parameters),
        ]

    assert numbers(True) == pytest.approx(numbers(False), rel=1e-10, abs=1e-12)


def test_a_mean_over_labels_of_a_compiled_loss_is_that_of_those_that_count() -> None:
    rows = [[Value(0.3), Value(-0.2)], [Value(0.1), Value(0.4)], [Value(-0.5), Value(0.6)]]
    leaves = [z for row in rows for z in row]
    step = compile(lambda *labels: cross_entropy(rows, labels), leaves, [0, 0, 0])
    value, slopes = step(1, -100, 0)
    wanted = cross_entropy(rows, [1, -100, 0])
    wanted.backward()
    assert value == pytest.approx(wanted.data)
    assert slopes == pytest.approx([z.grad for z in leaves])


def test_what_only_some_shapes_use_is_moved_by_those_alone() -> None:
    """Each place has parameters of its own, which shorter words lack."""

    class Places(Module):
        def __init__(self, count: int) -> None:
            self.ws = [Value(0.1 * k) for k in range(count)]

        def forward(self, xs: Any) -> Any:
            return tanh(sum((x * w for x, w in zip(xs, self.ws)), Value(0.0)))

    random = Random(2)
    data = [([random.random()] * (1 + k % 7 * 8), random.random()) for k in range(30)]
    found = []
    for compiled in (True, False):
        model = Places(60)
        optimizer = Adam(model.parameters(), 0.01)
        how: dict[str, Any] = {"epochs": 6, "progress": False, "compiled": compiled}
        run = train(model, mse_loss, data, optimizer, batch_size=4, **how)
        found.append([*run.losses, *(x for p in model.parameters() for x in (p.data, p.grad))])
    assert found[0] == pytest.approx(found[1], rel=1e-10, abs=1e-12)


def test_the_machine_makes_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    from tinygrad_edu.train.compiled_run import Compiled

    monkeypatch.setattr(Compiled, "sums", lambda *_: pytest.fail("a step without the machine"))
    for batch_size in (0, 1, 4):
        outcome(True, batch_size=batch_size, callbacks=[lambda turn: None])
        outcome(True, batch_size=batch_size)


def test_a_run_in_two_is_the_run_in_one() -> None:
    """To the last bit, although the second half begins in the memory of another program."""
    found = []
    for epochs in ([4], [1, 3, 4]):
        model = Letters()
        optimizer, history = Adam(model.parameters(), 0.02), None
        for end in epochs:
            history = train(
                model,
                cross_entropy,
                words(9),
                optimizer,
                epochs=end,
                batch_size=4,
                progress=False,
                compiled=True,
                history=history,
            )
        assert history is not None
        found.append([*history.losses, *(p.data for p in model.parameters())])
    assert found[0] == found[1]


@pytest.mark.filterwarnings("ignore", category=NonFiniteWarning)
@pytest.mark.parametrize("batch_size", [0, 1, 2, 3])
@pytest.mark.parametrize("bad", range(6))
def test_a_nan_in_any_step_ends_the_run_as_in_the_loop(batch_size: int, bad: int) -> None:
    class Root(Module):
        def __init__(self) -> None:
            self.w, self.v = Value(1.0), Value(0.5)

        def forward(self, xs: Any) -> Any:
            return sum((x * self.w for x in xs), self.v) ** 0.5

    data = [([1.0 + k] * (1 + k % 3), 0.5) for k in range(6)]
    data[bad] = ([-90.0] * (1 + bad % 3), 0.5)
    found = []
    for compiled in (True, False):
        model = Root()
        optimizer = Adam(model.parameters(), 0.01)
        how: dict[str, Any] = {"epochs": 3, "progress": False, "batch_size": batch_size}
        run = train(model, mse_loss, data, optimizer, compiled=compiled, **how)
        losses = [x for x in run.losses if isfinite(x)]
        assert run.stopped.startswith("the loss is nan")
        found.append([*losses, model.w.data, model.v.data, optimizer.steps])
    assert found[0] == pytest.approx(found[1], rel=1e-10, nan_ok=True)
