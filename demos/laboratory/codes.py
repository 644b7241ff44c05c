"""Measures of the code that a layer has learned: does it contain a feature that nobody named?"""

from __future__ import annotations

from collections.abc import Sequence
from math import dist
from operator import mul
from statistics import correlation, mean, pstdev

__all__ = ["Code", "distances", "likeness", "ranks", "separable", "similarity"]

_NOTHING = 1e-16  # a squared distance up to this counts as 0
_ROUNDS = 100_000  # far more than needed
Code = Sequence[Sequence[float]]  # a row of numbers for each thing


def likeness(xs: Sequence[float], feature: Sequence[float | None]) -> float:
    """|correlation| with a feature, where it is not None; 0 if one of them does not vary."""
    pairs = [(x, f) for x, f in zip(xs, feature) if f is not None]
    if min(len({x for x, _ in pairs}), len({f for _, f in pairs})) < 2:
        return 0.0
    return abs(correlation(*zip(*pairs)))


def ranks(xs: Sequence[float]) -> list[float]:
    """The rank of each number, from 0; equal numbers share the mean of their ranks."""
    order = sorted(xs)
    first = {x: i for i, x in reversed(list(enumerate(order)))}
    last = {x: i for i, x in enumerate(order)}
    return [(first[x] + last[x]) / 2 for x in xs]


def distances(code: Code) -> list[float]:
    """The distance between the two rows of each pair."""
    return [dist(code[i], code[j]) for i in range(len(code)) for j in range(i)]


def similarity(one: Code, other: Code) -> float:
    """Spearman's correlation of the distances in two codes: are the same pairs near in both?"""
    a, b = ranks(distances(one)), ranks(distances(other))
    return correlation(a, b) if len(set(a)) > 1 and len(set(b)) > 1 else 0.0


def separable(code: Code, side: Sequence[object]) -> bool:
    """Whether a plane separates the rows with a true `side` from the other rows.

    Negate the points of one side. There is such a plane unless 0 is in the convex hull of all
    points. The algorithm approaches the point of the hull that is nearest to 0: in each round, it
    moves weight from the point that is furthest along this direction to the point that is least
    far along it (Mitchell, Dem'yanov and Malozemov 1974).
    """
    columns = [[(x - mean(c)) / (pstdev(c) or 1.0) for x in c] for c in zip(*code)]
    points = [
        [(1.0 if its else -1.0) * x for x in (*row, 1.0)] for row, its in zip(zip(*columns), side)
    ]
    share = [1.0] + [0.0] * (len(points) - 1)
    nearest = points[0]
    for _ in range(_ROUNDS):
        if _dot(nearest, nearest) <= _NOTHING:
            break
        along = [_dot(nearest, p) for p in points]
        least = along.index(min(along))
        if along[least] > 0:
            return True
        most = max((i for i, s in enumerate(share) if s), key=lambda i: along[i])
        way = [a - b for a, b in zip(points[least], points[most])]
        part = min(share[most], (along[most] - along[least]) / (_dot(way, way) or 1.0))
        share[most] -= part
        share[least] += part
        nearest = [x + part * w for x, w in zip(nearest, way)]
    return False


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    total: float = sum(map(mul, a, b))
    return total
