"""Data that change while a model trains: digits in batches, one name after another, three letters.

Every contender gets the same numbers: `Digits` and `Letters` are arrays of examples, and the order
in which batches take them; `names` is a list of words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

from training import imported
from workloads import SEED

BATCH = 32
CHECKED_STEPS = 3
RATE = 0.01  # of Adam; its other settings are those of W3

Order = list[int]  # the indices of all examples, as an epoch takes them
Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Stream:
    """Examples, and an order of them for each epoch.

    inputs: an array with a row for each example. targets: an array with a class for each example.
    """

    inputs: Any
    targets: Any
    batch: int = BATCH

    @property
    def steps(self) -> int:
        """How many steps an epoch has; the last may have fewer examples."""
        return -(-len(self.targets) // self.batch)

    def orders(self, epochs: int) -> list[Order]:
        """The orders that `train(..., seed=0)` takes."""
        from tinygrad_edu.data import shuffled

        return [shuffled(range(len(self.targets)), epoch) for epoch in range(epochs)]

    def checked(self) -> Stream:
        """The first examples, for few steps."""
        some = slice(CHECKED_STEPS * self.batch)
        return Stream(self.inputs[some], self.targets[some], self.batch)


# ---------------------------------------------------------------------------------------------
# digits

DIGITS = (64, 32, 10)


@cache
def digits(batch: int = BATCH) -> Stream:
    """1,797 handwritten digits of scikit-learn: 64 pixels from 0 to 1, 10 classes.

    batch: 0 for all of them.
    """
    found = imported("sklearn.datasets").load_digits()
    inputs, targets = found.data / 16.0, found.target
    return Stream(inputs, targets, batch or len(targets))


def layer_numbers(sizes: Sizes) -> list[float]:
    """The first weights and biases: of each unit its weights, and then its bias, 0.

    The weights are uniform, as far as the root of 6 / (inputs + outputs) (Glorot and Bengio 2010).
    """
    rng, numbers = random.Random(SEED), list[float]()
    for inputs, outputs in pairwise(sizes):
        bound = (6 / (inputs + outputs)) ** 0.5
        for _ in range(outputs):
            numbers += [rng.uniform(-bound, bound) for _ in range(inputs)] + [0.0]
    return numbers


def as_matrices(sizes: Sizes, numbers: Sequence[float]) -> list[Any]:
    """The same as arrays: weights [unit][input] and biases in turn."""
    np = imported("numpy")
    arrays, ends = [], [*accumulate((i + 1) * o for i, o in pairwise(sizes))]
    for (inputs, outputs), start, end in zip(pairwise(sizes), [0, *ends], ends):
        rows = np.array(numbers[start:end]).reshape(outputs, inputs + 1)
        arrays += [rows[:, :-1].copy(), rows[:, -1].copy()]
    return arrays


def as_numbers(arrays: Sequence[Any]) -> list[float]:
    """Such arrays as one list, in the order of `layer_numbers`."""
    np = imported("numpy")
    numbers: list[float] = []
    for w, b in zip(arrays[::2], arrays[1::2]):
        numbers += np.concatenate([np.asarray(w), np.asarray(b)[:, None]], axis=1).ravel().tolist()
    return numbers
