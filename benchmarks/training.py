"""What is trained: the examples as columns, the parameters as matrices, the rules of the update.

A full step is the loss, its gradients and one update of all parameters. W1 learns by gradient
descent, W2 with the momentum of 1986, W3 with Adam; the formulas are those of tinygrad_edu.optim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice, pairwise
from typing import Any, Protocol

from workloads import (
    FAMILY_LAYERS,
    GPT_MATRICES,
    PERSONS,
    RELATIONS,
    SIZES,
    moons,
    one_hot,
    training_examples,
)

RATES = {"W1": 0.05, "W2": 0.005, "W3": 0.01}
ALPHA = 0.9  # of the momentum
BETAS = (0.9, 0.999)  # of Adam
EPSILON = 1e-8
STEPS = 100  # timed together, after as many that are not, both from the first parameters

Columns = list[list[float]]  # a number for each example
Rows = list[list[float]]


class Contender(Protocol):
    """One way to train one workload."""

    name: str
    steps: int  # that are timed together

    def reset(self) -> None:
        """The parameters as they were at first, and nothing remembered of earlier steps."""

    def gradients(self) -> list[float]:
        """The derivatives of the loss, where the parameters are; they stay as they are."""

    def train(self, steps: int) -> object:
        """As many full steps."""

    def parameters(self) -> list[float]:
        """What the steps have made of the parameters."""


def imported(name: str) -> Any:
    """A module that need not be installed, and whose types are not looked at."""
    return import_module(name)


# ---------------------------------------------------------------------------------------------
# examples


def moons_columns() -> Columns:
    """Both coordinates, and the other moon."""
    rows = [(*point, -side) for point, side in moons()]
    return [list(column) for column in zip(*rows)]


def family_columns() -> tuple[Columns, Columns]:
    """24 persons and 12 relations, and 24 answers."""
    inputs, targets = [], []
    for person, relation, answers in training_examples():
        persons = one_hot([person], 2 * PERSONS, 0.0, 1.0)
        inputs.append(persons + one_hot([relation], 2 * len(RELATIONS), 0.0, 1.0))
        targets.append(one_hot(answers, 2 * PERSONS, 0.0, 1.0))
    return [list(column) for column in zip(*inputs)], [list(column) for column in zip(*targets)]


# ---------------------------------------------------------------------------------------------
# parameters

LAYERS = {"W1": tuple(pairwise(SIZES)), "W2": FAMILY_LAYERS}


def as_layers(name: str, numbers: Iterable[float]) -> list[Rows | list[float]]:
    """Weights [unit][input] and biases in turn, or the matrices of W3."""
    rest = iter(numbers)
    if name not in LAYERS:
        return [_rows(rest, rows, columns) for rows, columns in GPT_MATRICES]
    arrays: list[Rows | list[float]] = []
    for inputs, outputs in LAYERS[name]:
        rows = _rows(rest, outputs, inputs + 1)
        arrays += [[row[:-1] for row in rows], [row[-1] for row in rows]]
    return arrays


def flat(name: str, arrays: Sequence[Any]) -> list[float]:
    """The numbers of such arrays in the order of the parameters."""
    nested = [array.tolist() for array in arrays]
    if name not in LAYERS:
        return [x for rows in nested for row in rows for x in row]
    numbers: list[float] = []
    for rows, biases in zip(nested[::2], nested[1::2]):
        for row, bias in zip(rows, biases):
            numbers += [*row, bias]
    return numbers


def _rows(numbers: Iterator[float], rows: int, columns: int) -> Rows:
    return [list(islice(numbers, columns)) for _ in range(rows)]


# ---------------------------------------------------------------------------------------------
# updates, one parameter after the other


def updates(name: str) -> Callable[[list[float], list[float]], list[float]]:
    """A function of the parameters and their gradients, which returns the new parameters."""
    rate, (beta1, beta2), steps = RATES[name], BETAS, 0
    mean: list[float] = []
    square: list[float] = []

    def descend(ws: list[float], gs: list[float]) -> list[float]:
        return [w - rate * g for w, g in zip(ws, gs)]

    def remember(ws: list[float], gs: list[float]) -> list[float]:
        last = mean or [0.0] * len(ws)
        mean[:] = [ALPHA * m - rate * g for m, g in zip(last, gs)]
        return [w + m for w, m in zip(ws, mean)]

    def adapt(ws: list[float], gs: list[float]) -> list[float]:
        nonlocal steps
        steps += 1
        mean[:] = [beta1 * m + (1 - beta1) * g for m, g in zip(mean or [0.0] * len(ws), gs)]
        square[:] = [beta2 * s + (1 - beta2) * g * g for s, g in zip(square or [0.0] * len(ws), gs)]
        unbias1, unbias2 = 1 - beta1**steps, 1 - beta2**steps
        return [
            w - rate * (m / unbias1) / ((s / unbias2) ** 0.5 + EPSILON)
            for w, m, s in zip(ws, mean, square)
        ]

    return {"W1": descend, "W2": remember, "W3": adapt}[name]
