"""Sixty applicants, one logistic unit, and the numbers that decide what counts as an error.

An applicant lives somewhere from west (-1) to east (1), and has a score: skill plus noise. Skill
above 0 is qualified. Of the qualified ones in the east, half were refused when the labels were
made. The unit sees the place and the score.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import NamedTuple

from tinygrad_edu.compiler.compiled import CompiledLoss
from tinygrad_edu.data import Example
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.nn.perceptron import MLP
from tinygrad_edu.ops import softplus
from tinygrad_edu.optim import Adam
from tinygrad_edu.train import compiled_loss

__all__ = [
    "NAMES",
    "TOWN",
    "Objective",
    "Outcome",
    "aim",
    "cost",
    "leaves",
    "logits",
    "outcome",
    "reached",
    "town",
]

PEOPLE = 60
NOISE = 0.6
BIAS = 0.5
TOWN = 2  # the seed of the applicants on the page: none of them is near a border
RATE, STEPS = 0.05, 2_000  # of Adam; the loss has one minimum


class Objective(NamedTuple):
    """What counts as an error.

    approval, refusal: the costs of a false approval and of a false refusal. east: the cost of a
    false refusal in the east is so many times as large. truth: 0 if false means against the label,
    1 if it means against the truth.
    """

    approval: float = 1.0
    refusal: float = 1.0
    east: float = 1.0
    truth: float = 0.0


NAMES = {  # of the sliders
    "approval": "false approval costs",
    "refusal": "false refusal costs",
    "east": "in the east, times",
    "truth": "label 0, truth 1",
}


def town(seed: int) -> list[Example]:
    """The applicants: inputs (place, score), targets (truth, label, 1 if in the east)."""
    random = Random(seed).random
    found = []
    for _ in range(PEOPLE):
        place, skill = 2 * random() - 1, 2 * random() - 1
        score = skill + NOISE * (random() + random() - 1)
        refused = random() < BIAS and place > 0
        truth = float(skill > 0)
        label = 0.0 if refused else truth
        found.append(Example((place, score), (truth, label, float(place > 0))))
    return found


@cache
def leaves() -> dict[str, Value]:
    """The objective as leaves of a graph, by name; runs and sliders change their numbers."""
    return {name: Value(x, label=name) for name, x in Objective()._asdict().items()}


def aim(objective: Objective) -> None:
    """Gives the leaves the numbers of an objective."""
    for name, leaf in leaves().items():
        leaf.data = getattr(objective, name)


def cost(outputs: Sequence[Value], targets: Sequence[Value | float]) -> Value:
    """The cross-entropy of the logit; each kind of error has its own weight."""
    (z,), (truth, label, east) = outputs, targets
    of_approval, of_refusal, times, honest = leaves().values()
    target = label + honest * (truth - label)
    refused = of_refusal * (1 + (times - 1) * east) * target * softplus(-z)
    approved = of_approval * (1 - target) * softplus(z)
    total: Value = refused + approved
    return total


@cache
def compiled() -> tuple[MLP, CompiledLoss]:
    """(unit, compiled loss), for all runs of a process."""
    model = MLP(2, [1], "linear", seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)
        step, _ = compiled_loss(model, [cost], town(TOWN), model.parameters(), "mean")
    return model, step


def columns_of(people: Sequence[Example]) -> list[list[float]]:
    """The columns of a compiled run."""
    rows = [[*one.inputs, *one.targets] for one in people]
    return [list(column) for column in zip(*rows)]


def reached(objective: Sequence[float], seed: int) -> list[float]:
    """The parameters of the unit that is trained for that objective, from 0, in that town."""
    model, step = compiled()
    aim(Objective(*objective))
    for p in model.parameters():
        p.data = 0.0
    step.train(Adam(model.parameters(), RATE), columns_of(town(seed)), STEPS, progress=False)
    return [p.data for p in model.parameters()]


def logits(parameters: Sequence[float], people: Sequence[Example]) -> list[float]:
    """What the unit answers."""
    w, v, b = parameters
    return [w * place + v * score + b for (place, score), _ in people]


class Outcome(NamedTuple):
    """How many are approved of each kind, each as (west, east), with how many there are."""

    qualified: tuple[int, int]
    of_qualified: tuple[int, int]
    others: tuple[int, int]
    of_others: tuple[int, int]


def outcome(parameters: Sequence[float], people: Sequence[Example]) -> Outcome:
    """Who is approved."""
    counts = {(truth, east): [0, 0] for truth in (0, 1) for east in (0, 1)}
    for z, one in zip(logits(parameters, people), people):
        truth, _, east = one.targets
        counts[int(truth), int(east)][0] += z > 0
        counts[int(truth), int(east)][1] += 1
    pairs = [tuple(counts[truth, east][k] for east in (0, 1)) for truth in (1, 0) for k in (0, 1)]
    return Outcome(*pairs)  # type: ignore[arg-type]
