"""One setting of the 1986 laboratory, run for one seed: when has the network learned it?

Learned is: every output of every case is on the right side of 0.5, before the update of a sweep;
with a margin of 0.3, it is above 0.8 or below 0.2.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu import data
from tinygrad_edu.compiled import Step
from tinygrad_edu.data import Case
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.groups import group
from tinygrad_edu.init import uniform
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP, Layer, Module, Number
from tinygrad_edu.ops import step
from tinygrad_edu.optim import Momentum
from tinygrad_edu.train import Criterion, History, step_of

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

TASKS: dict[str, Callable[[], list[Case]]] = {
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
    weight and bias is drawn from -init to init. sweeps: the most. direct: the outputs see the
    inputs, too. margin: how far from 0.5 is learned. frozen: the hidden units stay as they began.
    """

    task: str
    hidden: int
    rate: float
    alpha: float
    init: float
    sweeps: int
    direct: bool = False
    margin: float = 0.0
    frozen: bool = False


class Direct(Module):
    """A hidden layer, and outputs that see it and, by direct links, the inputs."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        random = Random(0)
        self.layers = [
            Layer(inputs, hidden, "sigmoid", random=random),
            Layer(hidden + inputs, outputs, "sigmoid", random=random),
        ]
        self.label()

    def __call__(self, xs: Sequence[Number]) -> list[Value]:
        with group("layer1"):
            hidden = self.layers[0](xs)
        with group("layer2"):
            return self.layers[1]([*hidden, *xs])


@cache
def build(trial: Trial) -> tuple[Any, list[Case]]:
    """The network, and its cases; one for all seeds of a process."""
    cases = TASKS[trial.task]()
    inputs, outputs = len(cases[0].inputs), len(cases[0].targets)
    if trial.direct:
        return Direct(inputs, trial.hidden, outputs), cases
    return MLP(inputs, [trial.hidden, outputs] if trial.hidden else [outputs], "sigmoid"), cases


def begin(trial: Trial, seed: int) -> tuple[Any, list[Case]]:
    """The network as it is before the first sweep, and its cases."""
    model, cases = build(trial)
    draw, random = uniform(trial.init), Random(seed)
    return network(trial, [draw(random, 0, 0) for _ in model.parameters()]), cases


def right(outputs: Sequence[Value], targets: Sequence[float], margin: float = 0.0) -> Value:
    """1 if every output is on the right side of 0.5, by more than the margin, else 0."""
    sides = [step((y - 0.5) * (2 * d - 1) - margin) for y, d in zip(outputs, targets)]
    result: Value = sides[0]
    for side in sides[1:]:
        result = result * side
    return result


@cache
def compiled(trial: Trial) -> tuple[Step, list[list[float]]]:
    """The step of all seeds of a process, loss and `right`, and the columns of the cases."""
    model, cases = build(trial)
    count = partial(right, margin=trial.margin)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)  # a lesson says that itself
        return step_of(model, [half_squared_error, count], cases, moved(trial))


def moved(trial: Trial) -> list[Value]:
    """The parameters that learn."""
    model, _ = build(trial)
    parameters: list[Value] = (model.layers[-1] if trial.frozen else model).parameters()
    return parameters


def learn(trial: Trial, seed: int, sweeps: int = 0) -> History:
    """The run; sweeps: exactly so many, instead of until it is learned."""
    _, cases = begin(trial, seed)
    program, columns = compiled(trial)
    learned = Criterion("learned", lambda history: history.metrics["right"][-1] == len(cases))
    history: History = program.train(
        Momentum(moved(trial), trial.rate, trial.alpha),
        columns,
        sweeps=sweeps or trial.sweeps + 1,
        until=None if sweeps else learned,
        counts=["right"],
        progress=False,
    )
    return history


class End(NamedTuple):
    """How a run ended. sweeps: before it was learned, None if it never was. parameters: then."""

    sweeps: int | None
    parameters: list[float]


def end(trial: Sequence[Any], seed: int) -> End:
    """How the run of that seed ends."""
    trial = Trial(*trial)
    history = learn(trial, seed)
    learned = history.stopped == "learned"
    numbers = [p.data for p in build(trial)[0].parameters()]
    return End(history.sweeps - 1 if learned else None, numbers)


def after_all(trial: Sequence[Any], seed: int) -> list[float]:
    """The parameters after all sweeps, whether it was learned before or not."""
    trial = Trial(*trial)
    learn(trial, seed, trial.sweeps)
    return [p.data for p in build(trial)[0].parameters()]


class Fate(NamedTuple):
    """How a run went that was given all its sweeps.

    sweeps: before it was learned for the first time, None if it never was. most, right: how many
    cases were right at best, and at the end. parameters: at the end.
    """

    sweeps: int | None
    most: int
    right: int
    parameters: list[float]


def fate(trial: Sequence[Any], seed: int) -> Fate:
    """How the run of that seed goes."""
    trial = Trial(*trial)
    rights = learn(trial, seed, trial.sweeps).metrics["right"]
    model, cases = build(trial)
    first = rights.index(len(cases)) if len(cases) in rights else None
    numbers = [p.data for p in model.parameters()]
    return Fate(first, int(max(rights)), int(rights[-1]), numbers)


def network(trial: Trial, parameters: Sequence[float]) -> Any:
    """The network with those parameters; it is the same one for all of them."""
    model, _ = build(trial)
    for p, x in zip(model.parameters(), parameters):
        p.data = x
    return model


def seconds(trial: Trial, sweeps: int) -> float:
    """About what one run of so many sweeps takes here."""
    return measured(lambda n: learn(trial, 0, n), sweeps)


def measured(run: Callable[[int], object], sweeps: int) -> float:
    """About what `run(sweeps)` takes, from fewer sweeps where these take long enough to tell."""
    run(1)  # what is compiled once, is not counted
    n = 1
    while True:
        began = time.perf_counter()
        run(n)
        took = time.perf_counter() - began
        if took > 0.1 or n >= sweeps:
            return took * sweeps / n
        n = min(4 * n, sweeps)
