"""One setting of the 1986 laboratory, run for one seed: when has the network learned it?

Learned is: every output of every example is on the right side of 0.5, before the update of an
epoch; with a margin of 0.3, it is above 0.8 or below 0.2.
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
    "measured",
    "moved",
    "network",
    "right",
    "seconds",
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
    """What is the same for every seed.

    task: of TASKS. hidden: units, or 0 for no hidden layer. rate, alpha: of Momentum. init: every
    weight and bias is drawn from -init to init. epochs: the most. direct: the outputs see the
    inputs, too. margin: how far from 0.5 is learned. frozen: the hidden units stay as they began.
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
    """A hidden layer, and outputs that see it and, by direct links, the inputs."""

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


@cache
def build(trial: Trial) -> tuple[Any, list[Example]]:
    """The network, and its examples; one for all seeds of a process."""
    examples = TASKS[trial.task]()
    inputs, outputs = len(examples[0].inputs), len(examples[0].targets)
    if trial.direct:
        return Direct(inputs, trial.hidden, outputs), examples
    return MLP(inputs, [trial.hidden, outputs] if trial.hidden else [outputs], "sigmoid"), examples


def begin(trial: Trial, seed: int) -> tuple[Any, list[Example]]:
    """The network as it is before the first epoch, and its examples."""
    model, examples = build(trial)
    draw, random = uniform(trial.init), Random(seed)
    return network(trial, [draw(random, 0, 0) for _ in model.parameters()]), examples


def right(outputs: Sequence[Value], targets: Sequence[float], margin: float = 0.0) -> Value:
    """1 if every output is on the right side of 0.5, by more than the margin, else 0."""
    sides = [step((y - 0.5) * (2 * d - 1) - margin) for y, d in zip(outputs, targets)]
    result: Value = sides[0]
    for side in sides[1:]:
        result = result * side
    return result


@cache
def compiled(trial: Trial) -> tuple[CompiledLoss, list[list[float]]]:
    """The step of all seeds of a process, loss and `right`, and the columns of the examples."""
    model, examples = build(trial)
    count = partial(right, margin=trial.margin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)  # a lesson says that itself
        return compiled_loss(model, [half_squared_error, count], examples, moved(trial))


def moved(trial: Trial) -> list[Value]:
    """The parameters that learn."""
    model, _ = build(trial)
    parameters: list[Value] = (model.layers[-1] if trial.frozen else model).parameters()
    return parameters


def learn(trial: Trial, seed: int, epochs: int = 0) -> History:
    """The run; epochs: exactly so many, instead of until it is learned."""
    _, examples = begin(trial, seed)
    program, columns = compiled(trial)
    learned = Criterion("learned", lambda history: history.metrics["right"][-1] == len(examples))
    history: History = program.train(
        Momentum(moved(trial), trial.rate, trial.alpha),
        columns,
        epochs=epochs or trial.epochs + 1,
        until=None if epochs else learned,
        counts=["right"],
        progress=False,
    )
    return history


class End(NamedTuple):
    """How a run ended. epochs: before it was learned, None if it never was. parameters: then."""

    epochs: int | None
    parameters: list[float]


def end(trial: Sequence[Any], seed: int) -> End:
    """How the run of that seed ends."""
    trial = Trial(*trial)
    history = learn(trial, seed)
    learned = history.stopped == "learned"
    numbers = [p.data for p in build(trial)[0].parameters()]
    return End(history.epochs - 1 if learned else None, numbers)


def after_all(trial: Sequence[Any], seed: int) -> list[float]:
    """The parameters after all epochs, whether it was learned before or not."""
    trial = Trial(*trial)
    learn(trial, seed, trial.epochs)
    return [p.data for p in build(trial)[0].parameters()]


class Fate(NamedTuple):
    """How a run went that was given all its epochs.

    epochs: before it was learned for the first time, None if it never was. most, right: how many
    examples were right at best, and at the end. parameters: at the end.
    """

    epochs: int | None
    most: int
    right: int
    parameters: list[float]


def fate(trial: Sequence[Any], seed: int) -> Fate:
    """How the run of that seed goes."""
    trial = Trial(*trial)
    rights = learn(trial, seed, trial.epochs).metrics["right"]
    model, examples = build(trial)
    first = rights.index(len(examples)) if len(examples) in rights else None
    numbers = [p.data for p in model.parameters()]
    return Fate(first, int(max(rights)), int(rights[-1]), numbers)


def network(trial: Trial, parameters: Sequence[float]) -> Any:
    """The network with those parameters; it is the same one for all of them."""
    model, _ = build(trial)
    for p, x in zip(model.parameters(), parameters):
        p.data = x
    return model


def seconds(trial: Trial, epochs: int) -> float:
    """About what one run of so many epochs takes here."""
    return measured(lambda n: learn(trial, 0, n), epochs)


def measured(run: Callable[[int], object], epochs: int) -> float:
    """About what `run(epochs)` takes, from fewer epochs where these take long enough to tell."""
    run(1)  # what is compiled once, is not counted
    n = 1
    while True:
        began = time.perf_counter()
        run(n)
        took = time.perf_counter() - began
        if took > 0.1 or n >= epochs:
            return took * epochs / n
        n = min(4 * n, epochs)
