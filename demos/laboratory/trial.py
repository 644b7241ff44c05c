"""One setting of the 1986 laboratory, run for one seed: after how many epochs is it learned?

A network has learned a task when, before the update of an epoch, every output of every example is
on the right side of 0.5. With a margin of 0.3, right outputs are above 0.8 or below 0.2. A run goes
on until it has learned, or until its patience is spent.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu import data
from tinygrad_edu.compiler.compiled import CompiledLoss
from tinygrad_edu.data import Example
from tinygrad_edu.demos.laboratory import expected
from tinygrad_edu.demos.laboratory.differences import apart, backward
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.groups import group
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.nn.module import Module, Number
from tinygrad_edu.nn.perceptron import MLP, Layer
from tinygrad_edu.ops import step
from tinygrad_edu.optim import Momentum
from tinygrad_edu.train import Criterion, History, compiled_loss

__all__ = [
    "TASKS",
    "Direct",
    "End",
    "Fate",
    "Trial",
    "after_all",
    "begin",
    "build",
    "compiled",
    "end",
    "fate",
    "learn",
    "longer",
    "mean_epochs",
    "measured",
    "moved",
    "network",
    "right",
    "seconds",
    "slope_error",
]

TASKS: dict[str, Callable[[], list[Example]]] = {
    "xor": lambda: data.gate("xor"),
    "parity": data.parity,
    "encoder": data.encoder,
    "negation": data.negation,
    "addition": data.addition,
    "symmetry": data.symmetry,
}


class Trial(NamedTuple):
    """A setting, the same for every seed.

    task: a name in TASKS. hidden: number of hidden units, or 0 for no hidden layer. rate, alpha:
    learning rate and momentum. init: every first weight and bias is random, from -init to init.
    epochs: the patience, in updates. direct: the outputs are also connected to the inputs. margin:
    the least distance from 0.5 of a learned output. frozen: the hidden units do not learn.
    """

    task: str
    hidden: int
    rate: float
    alpha: float
    init: float
    epochs: int
    direct: bool = False
    margin: float = 0.0
    frozen: bool = False


class Direct(Module):
    """A hidden layer, and outputs that are connected to it and directly to the inputs."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        random = Random(0)
        self.layers = [
            Layer(inputs, hidden, "sigmoid", seed=random),
            Layer(hidden + inputs, outputs, "sigmoid", seed=random),
        ]
        self.label()

    def __call__(self, xs: Sequence[Number]) -> list[Value]:
        with group("layer1"):
            hidden = self.layers[0](xs)
        with group("layer2"):
            return self.layers[1]([*hidden, *xs])


def build(trial: Trial) -> tuple[Any, list[Example]]:
    """(network, examples) of a trial; all seeds of a process share one network."""
    return _built(trial.task, trial.hidden, trial.direct)


@cache
def _built(task: str, hidden: int, direct: bool) -> tuple[Any, list[Example]]:
    examples = TASKS[task]()
    inputs, outputs = len(examples[0].inputs), len(examples[0].targets)
    if direct:
        return Direct(inputs, hidden, outputs), examples
    return MLP(inputs, [hidden, outputs] if hidden else [outputs], "sigmoid"), examples


def begin(trial: Trial, seed: int) -> tuple[Any, list[Example]]:
    """(network, examples) of a trial, with the first weights of the seed."""
    model, examples = build(trial)
    draw, random = uniform(trial.init), Random(seed)
    return network(trial, [draw(random, 0, 0) for _ in model.parameters()]), examples


def right(outputs: Sequence[Value], targets: Sequence[float], margin: float = 0.0) -> Value:
    """1 if every output is on the right side of 0.5 by more than the margin, else 0."""
    sides = [step((y - 0.5) * (2 * d - 1) - margin) for y, d in zip(outputs, targets)]
    result: Value = sides[0]
    for side in sides[1:]:
        result = result * side
    return result


def compiled(trial: Trial) -> tuple[CompiledLoss, list[list[float]]]:
    """(compiled loss and `right`, columns of the examples), for all seeds of a process."""
    return _compiled(trial._replace(rate=0.0, alpha=0.0, init=0.0, epochs=0))


@cache
def _compiled(trial: Trial) -> tuple[CompiledLoss, list[list[float]]]:
    model, examples = build(trial)
    count = partial(right, margin=trial.margin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)  # a lesson has its own message
        return compiled_loss(model, [half_squared_error, count], examples, moved(trial))


def moved(trial: Trial) -> list[Value]:
    """The parameters that learn."""
    model, _ = build(trial)
    parameters: list[Value] = (model.layers[-1] if trial.frozen else model).parameters()
    return parameters


def learn(trial: Trial, seed: int, epochs: int = 0) -> History:
    """Trains with one seed until it is learned; or, with `epochs`, for exactly that many epochs."""
    count = len(build(trial)[1])
    learned = Criterion("learned", lambda history: history.metrics["right"][-1] == count)
    return _run(trial, seed, epochs or trial.epochs + 1, None if epochs else learned)


def _run(trial: Trial, seed: int, epochs: int, until: Criterion | None) -> History:
    begin(trial, seed)
    program, columns = compiled(trial)
    history: History = program.train(
        Momentum(moved(trial), trial.rate, trial.alpha),
        columns,
        epochs=epochs,
        until=until,
        counts=["right"],
        progress=False,
    )
    return history


class End(NamedTuple):
    """The end of a run. epochs: until it was learned, or None: not within the patience."""

    epochs: int | None
    parameters: list[float]


def end(trial: Sequence[Any], seed: int) -> End:
    """The end of the run of that seed."""
    trial = Trial(*trial)
    found = _learned(learn(trial, seed))
    return End(found, [p.data for p in build(trial)[0].parameters()])


def _learned(history: History) -> int | None:
    """The epoch at which a run of `learn` was learned; None: not within the patience."""
    learned = history.stopped == "learned"
    return history.epochs - 1 if learned else None


def after_all(trial: Sequence[Any], seed: int) -> list[float]:
    """The parameters after exactly the epochs of the trial, whether it is learned or not."""
    trial = Trial(*trial)
    learn(trial, seed, trial.epochs)
    return [p.data for p in build(trial)[0].parameters()]


class Fate(NamedTuple):
    """The result of a run that went on after it had learned.

    epochs: until it was learned for the first time, or None: not within the patience. most, right:
    the largest number of right examples, and the number at the end. parameters: at the end.
    """

    epochs: int | None
    most: int
    right: int
    parameters: list[float]


def fate(trial: Sequence[Any], seed: int) -> Fate:
    """The result of the run of that seed, for `longer` epochs; or for all, if it did not learn."""
    trial = Trial(*trial)
    history = learn(trial, seed)
    found = _learned(history)
    if found is not None:
        history = learn(trial, seed, longer(found))
    rights = history.metrics["right"]
    numbers = [p.data for p in build(trial)[0].parameters()]
    return Fate(found, int(max(rights)), int(rights[-1]), numbers)


def longer(learned: int) -> int:
    """How many epochs a run has in all, if its weights become clear only after it has learned."""
    return max(3 * learned, 5_000)


def network(trial: Trial, parameters: Sequence[float]) -> Any:
    """The network with those parameters; all calls return the same network object."""
    model, _ = build(trial)
    for p, x in zip(model.parameters(), parameters):
        p.data = x
    return model


def slope_error(trial: Trial, seed: int) -> float:
    """How far gradients are from differences of the loss, with the first weights: see `apart`.

    It is the larger one of two errors: of `backward()`, and of the compiled loss of the runs.
    """
    model, examples = begin(trial, seed)
    parameters = moved(trial)
    losses = [half_squared_error(model(example.inputs), example.targets) for example in examples]
    eager = backward(sum(losses[1:], losses[0]), parameters)
    program, columns = compiled(trial)

    def loss() -> Value:
        return Value(program(*columns)[0])

    worst: float = max(apart(loss, parameters, g) for g in (eager, program(*columns)[1]))
    return worst


def seconds(trial: Trial, epochs: float) -> float:
    """An estimate of the seconds that a run of that many epochs takes on this machine."""
    never = Criterion("never", lambda history: False)
    return measured(lambda n: _run(trial, 0, n, never), round(epochs))


def mean_epochs(name: str, patience: int) -> float:
    """The mean epochs of the runs of a sample in `expected`, each at most the patience."""
    found = expected.sample(name)
    total, before = 0.0, 0
    for rank, x in zip(found.ranks, found.values):
        total += (rank - before) * min(x, patience)  # the value stands for the ranks before it, too
        before = rank
    mean: float = total / found.seeds
    return mean


def measured(run: Callable[[int], object], epochs: int) -> float:
    """An estimate of the seconds for `run(epochs)`, from fewer epochs if these take long enough."""
    run(1)  # compiles, which is not counted
    n = 1
    while True:
        began = time.perf_counter()
        run(n)
        took = time.perf_counter() - began
        if took > 0.05 or n >= epochs:
            return took * epochs / n
        n = min(4 * n, epochs)
