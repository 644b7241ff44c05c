"""The weights of a symmetry network: their sizes on one side, and the sums of half patterns.

A hidden unit that is off for every symmetric pattern has weights of opposite sign at the same
distance from the middle. Only their three sizes are left. The unit then compares two half patterns:
the sums of the eight halves must all differ. The gap is the smallest difference between two sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations, product
from math import gcd
from typing import Any, NamedTuple

from tinygrad_edu.plots.canvas import sheet

__all__ = [
    "ORDERS",
    "RATIOS",
    "Found",
    "gap",
    "halves",
    "look",
    "named",
    "sizes",
    "stairs",
    "triples",
]

RATIOS = {"1:2:4": (2.0, 4.0), "2:3:4": (1.5, 2.0)}  # middle / smallest, largest / smallest
ORDERS = ["".join(order) for order in permutations("SML")]  # small, middle, large
_NEAR = 0.02
_OPPOSITE = 0.05


class Found(NamedTuple):
    """The pattern in the weights of a trained network.

    off: the distance from equal and opposite weights, relative to the largest weight. sizes: of the
    weights of hidden unit 1 on one side, the outer pair of inputs first. ratio: a name of RATIOS if
    both units have it, or "other". order: of the sizes, one of ORDERS. twins: whether the two units
    have opposite weights. gap: see `gap`. wide: whether the largest size is above the sum of the
    other two.
    """

    off: float
    sizes: list[float]
    ratio: str
    order: str
    twins: bool
    gap: float
    wide: bool


def look(parameters: Sequence[float]) -> Found:
    """The pattern in the weights of a 6-2-1 network."""
    units = [list(parameters[0:6]), list(parameters[7:13])]
    off = max(abs(w[i] + w[5 - i]) / max(map(abs, w)) for w in units for i in range(3))
    ratio = "other"
    for name, wanted in RATIOS.items():
        if all(_near(sorted(sizes(w)), wanted) for w in units):
            ratio = name
    first = sizes(units[0])
    small, middle, large = sorted(first)
    order = "".join("SML"[[small, middle, large].index(size)] for size in first)
    twins = all(abs(a + b) < _OPPOSITE * large for a, b in zip(*units))
    return Found(off, first, ratio, order, twins, gap(first), large > small + middle)


def sizes(w: Sequence[float]) -> list[float]:
    """The sizes of the six weights of a unit, the outer pair first."""
    return [abs(w[i] - w[5 - i]) / 2 for i in range(3)]


def _near(ordered: Sequence[float], wanted: tuple[float, float]) -> bool:
    """Whether three sizes, the smallest first, have that ratio, up to _NEAR."""
    pairs = zip(ordered[1:], wanted)
    return ordered[0] > 0 and all(abs(x / ordered[0] / y - 1) <= _NEAR for x, y in pairs)


def gap(three: Sequence[float]) -> float:
    """The smallest difference between the sums of two halves, relative to the largest size."""
    differences = [d for d in product((-1, 0, 1), repeat=3) if any(d)]
    smallest = min(abs(sum(size * x for size, x in zip(three, d))) for d in differences)
    return smallest / max(three)


def triples(most: int) -> list[tuple[int, int, int]]:
    """All ratios of whole numbers up to `most` whose gap is not 0, the largest gap first."""
    every = combinations(range(1, most + 1), 3)
    return sorted((t for t in every if gcd(*t) == 1 and gap(t)), key=lambda t: (-gap(t), t))


def named(three: Sequence[int]) -> str:
    """A ratio as text, such as 1:2:4."""
    return ":".join(map(str, three))


def halves(weights: Sequence[float]) -> dict[str, float]:
    """The sum of each of the eight left halves in a unit with those weights, the smallest first."""
    every = product((0, 1), repeat=3)
    sums = {"".join(map(str, bits)): sum(b * w for b, w in zip(bits, weights)) for bits in every}
    return dict(sorted(sums.items(), key=lambda item: item[1]))


def stairs(weights: Sequence[float], last: Sequence[float], *, theme: str = "light") -> Any:
    """The six weights of a unit, and the sums of the eight left halves, as points.

    last: the weights at the last moment, which set the axes and the order of the halves.
    """
    figure, (left, right), colors = sheet(theme, 1, 2, (10.4, 4.6))
    for place, numbers, final in (
        (left, list(weights), list(last)),
        (right, [halves(weights)[name] for name in halves(last)], list(halves(last).values())),
    ):
        places = range(len(numbers))
        place.axhline(0, color=colors.quiet, linewidth=1)
        place.vlines(places, 0, numbers, color=colors.quiet, linestyle=":")
        for mark, ink, side in (("o", colors.positive, 1), ("D", colors.negative, -1)):
            some = [i for i in places if numbers[i] * side >= 0]
            place.plot(some, [numbers[i] for i in some], mark, color=ink, markersize=9)
        room = 0.1 * (max(final) - min(final))
        place.set_ylim(min(*final, 0) - room, max(*final, 0) + room)
    left.set_xticks(range(6), [f"bit {i}" for i in range(1, 7)])
    left.set(ylabel="weight in hidden unit 1")
    right.set_xticks(range(8), list(halves(last)))
    right.set(xlabel="left half of the pattern", ylabel="its sum in hidden unit 1")
    return figure
