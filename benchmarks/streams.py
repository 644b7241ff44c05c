"""Data that change while a model trains: digits and letters in batches, one name after another.

Every contender gets the same examples, in the same order, and the same first parameters.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

from training import imported
from workloads import MARK, SEED, VOCABULARY, gpt_numbers

BATCH = 32
CHECKED_STEPS = 3
RATE = 0.01  # of Adam; its other settings are those of W3

Order = list[int]  # the indices of all examples, as an epoch takes them
Sizes = tuple[int, ...]


def orders(examples: int, epochs: int) -> list[Order]:
    """What `train(..., seed=0)` makes of the indices of the examples."""
    from tinygrad_edu.data import shuffled

    return [shuffled(range(examples), epoch) for epoch in range(epochs)]


@dataclass(frozen=True)
class Stream:
    """Examples, an order of them for each epoch, and the network that learns them.

    inputs: an array with a row for each example. targets: an array with a class for each example.
    sizes: of the layers; tanh is between them. table: rows and columns of an embedding: the inputs
    are then indices of rows, and the rows side by side are the inputs of the first layer.
    """

    title: str
    inputs: Any
    targets: Any
    sizes: Sizes
    table: tuple[int, int] = (0, 0)
    batch: int = BATCH

    @property
    def steps(self) -> int:
        """How many steps an epoch has; the last may have fewer examples."""
        return -(-len(self.targets) // self.batch)

    def orders(self, epochs: int) -> list[Order]:
        """The orders that `train(..., seed=0)` takes."""
        return orders(len(self.targets), epochs)

    def checked(self) -> Stream:
        """The first examples, for few steps."""
        some = slice(CHECKED_STEPS * self.batch)
        return replace(self, inputs=self.inputs[some], targets=self.targets[some])

    def numbers(self) -> list[float]:
        """The first parameters: the table row by row, then of each unit its weights and its bias.

        The weights are uniform, as far as the root of 6 / (inputs + outputs) (Glorot and Bengio
        2010), the biases 0, and the table is normal.
        """
        rng = random.Random(SEED)
        rows, columns = self.table
        numbers = [rng.gauss(0, 1) for _ in range(rows * columns)]
        for inputs, outputs in pairwise(self.sizes):
            bound = (6 / (inputs + outputs)) ** 0.5
            for _ in range(outputs):
                numbers += [rng.uniform(-bound, bound) for _ in range(inputs)] + [0.0]
        return numbers

    def arrays(self) -> list[Any]:
        """The same as arrays: the table if there is one, weights [unit][input], biases in turn."""
        np = imported("numpy")
        numbers = np.array(self.numbers())
        at = self.table[0] * self.table[1]
        arrays = [numbers[:at].reshape(self.table)] if at else []
        for inputs, outputs in pairwise(self.sizes):
            end = at + (inputs + 1) * outputs
            rows = numbers[at:end].reshape(outputs, inputs + 1)
            arrays += [rows[:, :-1].copy(), rows[:, -1].copy()]
            at = end
        return arrays

    def flat(self, arrays: Sequence[Any]) -> list[float]:
        """Such arrays as one list, in the order of `numbers`."""
        np = imported("numpy")
        rest = [np.asarray(array) for array in arrays]
        numbers: list[float] = rest.pop(0).ravel().tolist() if self.table[0] else []
        for w, b in zip(rest[::2], rest[1::2]):
            numbers += np.concatenate([w, b[:, None]], axis=1).ravel().tolist()
        return numbers


@cache
def digits(batch: int = BATCH) -> Stream:
    """1,797 handwritten digits of scikit-learn: 64 pixels from 0 to 1, 10 classes.

    batch: 0 for all of them.
    """
    found = imported("sklearn.datasets").load_digits()
    inputs, targets = found.data / 16.0, found.target
    title = f"Digits 64-32-10, Adam, batches of {batch}, shuffled"
    if not batch:
        title = f"Digits 64-32-10, Adam, all {len(targets):,} examples in each step"
    return Stream(title, inputs, targets, (64, 32, 10), batch=batch or len(targets))


# ---------------------------------------------------------------------------------------------
# names

NAMES = 1000
LENGTHS = (3, 12)  # letters of a name, the shortest and the longest
LATEST = 3  # letters that the next one is predicted from
VOWELS, CONSONANTS = "aeiouy", "bcdfghjklmnpqrstvwxz"


@cache
def names() -> list[list[int]]:
    """Words of vowels and consonants in turn, as tokens: a mark, the letters, a mark."""
    rng, found = random.Random(SEED), []
    for _ in range(NAMES):
        size, first = rng.randint(*LENGTHS), rng.randint(0, 1)
        letters = [rng.choice((VOWELS, CONSONANTS)[(first + i) % 2]) for i in range(size)]
        found.append([MARK, *(ord(letter) - ord("a") for letter in letters), MARK])
    return found


@dataclass(frozen=True)
class Names:
    """Names one after another, which the transformer of W3 learns.

    words: the tokens of each.
    """

    title: str
    words: list[list[int]]
    batch: int = 1

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return len(self.words)

    def orders(self, epochs: int) -> list[Order]:
        """The orders that `train(..., seed=0)` takes."""
        return orders(len(self.words), epochs)

    def checked(self) -> Names:
        """A few names of different lengths."""
        some = sorted(self.words, key=len)
        return replace(self, words=[some[0], some[-1], some[len(some) // 2]])

    def numbers(self) -> list[float]:
        """The first parameters."""
        return gpt_numbers()

    def padded(self) -> tuple[Any, Any]:
        """The tokens of each name, with marks behind it, and how many of them are predicted."""
        np = imported("numpy")
        most = LENGTHS[1] + 2
        rows = [tokens + [MARK] * (most - len(tokens)) for tokens in self.words]
        return np.array(rows), np.array([len(tokens) - 1 for tokens in self.words])


def transformer() -> Names:
    """The names, for a transformer."""
    low, high = LENGTHS
    return Names(
        f"The transformer of W3, Adam, one name of {low} to {high} letters a step", names()
    )


@cache
def letters() -> Stream:
    """Each letter of the names after the three before it, in the manner of makemore."""
    np = imported("numpy")
    inputs, targets = [], []
    for tokens in names():
        line = [MARK] * (LATEST - 1) + tokens
        for at in range(LATEST, len(line)):
            inputs.append(line[at - LATEST : at])
            targets.append(line[at])
    title = f"Letters, embedding 27 x 10, 30-200-27, Adam, batches of {BATCH}, shuffled"
    sizes = LATEST * 10, 200, VOCABULARY
    return Stream(title, np.array(inputs), np.array(targets), sizes, (VOCABULARY, 10))
