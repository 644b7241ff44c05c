"""What many runs let us expect of a few new ones: ranges that chance leaves only rarely.

A sample is many runs of a program that is not this package, with seeds that no class uses. From it
follows the range of a count, or of a median, in n new runs of the same kind. The ranges need no
model of the runs; they take into account that the sample, too, is a matter of chance.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import comb, exp, inf, lgamma
from typing import NamedTuple

__all__ = ["LEVEL", "Sample", "coin", "count_range", "median_range", "sample_of"]

LEVEL = 1 / 2000  # the probability that new runs of the same kind leave a range


class Sample(NamedTuple):
    """Numbers of `seeds` runs, the smallest first; the number at rank 1 is the smallest.

    Only the numbers at some ranks are stored, the first and the last among them. inf: a run that
    did not arrive within `patience` epochs.
    """

    seeds: int
    patience: int
    ranks: Sequence[int]
    values: Sequence[float]

    def rank(self, at_most: float) -> tuple[int, int]:
        """(least, most) number of runs whose number is at most that; between stored ranks."""
        i = bisect_right(self.values, at_most)
        least = self.ranks[i - 1] if i else 0
        return least, self.ranks[i] - 1 if i < len(self.ranks) else self.seeds

    def below(self, rank: int) -> float:
        """The largest stored number whose rank is at most that; -inf if there is none."""
        i = bisect_right(self.ranks, rank)
        return self.values[i - 1] if i else -inf

    def above(self, rank: int) -> float:
        """The smallest stored number whose rank is at least that; inf if there is none."""
        i = bisect_left(self.ranks, rank)
        return self.values[i] if i < len(self.ranks) else inf


def sample_of(numbers: Sequence[float | None]) -> Sample:
    """This returns the sample of those numbers; None: a run that did not arrive."""
    values = sorted(inf if x is None else float(x) for x in numbers)
    return Sample(len(values), 0, range(1, len(values) + 1), values)


def _beta_binomial(n: int, a: float, b: float) -> list[float]:
    """The probabilities of 0 to n successes, if the share of successes has the density Beta(a, b).

    Source: Skellam, Journal of the Royal Statistical Society B 10 (1948), 257-261.
    """

    def beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    def choose(j: int) -> float:
        return lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1)

    whole = beta(a, b)
    return [exp(choose(j) + beta(a + j, b + n - j) - whole) for j in range(n + 1)]


def count_range(count: int, seeds: int, n: int) -> tuple[int, int]:
    """The range of the count in n new runs, if it was `count` in a sample of `seeds` runs.

    A count below the range, or above it, has a probability of at most LEVEL / 2 each. The share in
    the long run has the density that the sample gives to it after Jeffreys' Beta(1/2, 1/2).
    """
    chances = _beta_binomial(n, count + 0.5, seeds - count + 0.5)
    return _inner(chances), n - _inner(chances[::-1])


def _inner(chances: Sequence[float]) -> int:
    """How many counts from the left end are less probable, together, than LEVEL / 2."""
    total = 0.0
    for j, chance in enumerate(chances):
        total += chance
        if total > LEVEL / 2:
            return j
    return len(chances) - 1


def median_range(sample: Sample, n: int) -> tuple[float, float]:
    """The range of the median of n new runs: the lower one of two, if n is even.

    The number of new runs below the k-th of m numbers has a distribution that is the same for all
    runs of one kind: Beta(k, m + 1 - k) mixes the binomials. Source: Wilks, Annals of Mathematical
    Statistics 13 (1942), 400-409.
    """
    place, m = (n + 1) // 2, sample.seeds

    def reached(rank: int) -> float:
        """The probability that the median is at most the number of that rank."""
        return sum(_beta_binomial(n, rank, m + 1 - rank)[place:])

    low = _last(m, lambda rank: reached(rank) <= LEVEL / 2)
    high = _last(m, lambda rank: reached(rank) < 1 - LEVEL / 2) + 1
    return sample.below(low), sample.above(high)


def _last(m: int, holds: Callable[[int], bool]) -> int:
    """The last of the ranks 1 to m for which it holds; it holds for all before; or 0."""
    least, most = 0, m + 1
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if holds(middle) else (least, middle)
    return least


def coin(wins: int, n: int) -> float:
    """The probability of at least so many wins of n, if each is as probable as a loss."""
    return float(sum(comb(n, j) for j in range(wins, n + 1)) / 2**n)
