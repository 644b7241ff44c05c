"""Derivatives from values alone, and how far they can be trusted.

Nothing here knows the chain rule. A derivative is the limit of central differences as the step
shrinks. Wide steps are wrong by the curvature of the function, narrow ones by what was rounded
away. So a number counts as the limit only if the differences settle on it, and if no narrower
step contradicts it by more than rounding explains; else there is no numerical derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import frexp, inf, isfinite, ldexp, nan
from typing import NamedTuple

__all__ = [
    "EPSILON",
    "NONE",
    "TINY",
    "Limit",
    "Point",
    "central_difference",
    "limit",
    "numerical_derivative",
    "sample",
]

EPSILON = 2.0**-52  # the relative distance of floats
TINY = 2.0**-1074  # the smallest float above 0
_COLUMNS = 6  # how often a difference is extrapolated to step 0
_VAGUE = 1e-3  # more doubt than this share of a number: it is no derivative,
_SURE = 1e-8  # unless it is 0 as far as can be told, beside f or the slopes at wider steps
_CLEAR = 1000  # by how many times its doubt a kink must be seen


class Point(NamedTuple):
    """The function at one step to both sides: f(x - step) and f(x + step)."""

    step: float
    below: float
    above: float

    @property
    def slope(self) -> float:
        """The central difference."""
        return (self.above - self.below) / (2 * self.step)


class Limit(NamedTuple):
    """A numerical derivative: nan if there is none. It may be wrong by as much as `doubt`.

    slopes: those to the left and to the right at a kink, else nan.
    """

    value: float
    doubt: float
    slopes: tuple[float, float] = (nan, nan)


NONE = Limit(nan, inf)


def central_difference(f: Callable[[float], float], x: float, step: float) -> float:
    """The slope of `f` between the two points that are `step` away from x.

    A wide step is wrong by the curvature of `f`, in proportion to step**2, a narrow one by what
    was rounded away, in proportion to 1/step: `numerical_derivative` looks for the best.
    """
    return (f(x + step) - f(x - step)) / (2 * step)


def numerical_derivative(f: Callable[[float], float], x: float) -> float:
    """Returns f'(x) from values of `f` alone; nan where they do not settle.

    Central differences over ever smaller steps, extrapolated to step 0, of which the one that
    agrees best with its neighbours counts (Ridders 1982, Adv. Eng. Software 4(2), 75-76; Press
    et al., Numerical Recipes, section 5.7). Good to about 1e-10 relative for smooth functions.
    """
    (y,), (points,) = sample(lambda x: [f(x)], x)
    return limit(y, points).value


def sample(
    f: Callable[[float], Sequence[float]], x: float
) -> tuple[list[float], list[list[Point]]]:
    """All outputs of `f` at x, and for each of them its points, from the widest step on."""
    centre = _values(f, x, 1)
    points: list[list[Point]] = [[] for _ in centre]
    if any(map(isfinite, centre)):
        for step in _steps(x):
            low, high = x - step, x + step
            sides = zip(_values(f, low, len(centre)), _values(f, high, len(centre)))
            for found, (below, above) in zip(points, sides):
                found.append(Point((high - low) / 2, below, above))
    return centre, points


def _steps(x: float) -> Iterator[float]:
    """Powers of two, from an eighth of 1 down, and from an eighth of x down; each exact."""
    if not isfinite(x):
        return
    own = frexp(x)[1] - 1 if x else 0
    unit = max(own, 0)
    exponents = {top - k for top in (unit, own) for k in range(3, 53, 2)}
    for exponent in sorted(exponents, reverse=True):
        if exponent >= -1074:
            yield ldexp(1.0, exponent)


def _values(f: Callable[[float], Sequence[float]], x: float, count: int) -> list[float]:
    """f(x), nan where Python raises or turns complex."""
    try:
        ys = f(x)
    except (ArithmeticError, ValueError):
        return [nan] * count
    return [nan if isinstance(y, complex) else float(y) for y in ys]


def limit(y: float, points: Sequence[Point], noise: float = 0.0) -> Limit:
    """The derivative of a function that is y at x, from its `points`.

    noise: by how much its values may be wrong, besides the rounding of the result.
    """
    if not isfinite(y):
        return NONE
    near: list[Point] = []
    for point in points:  # what lies beyond the last point outside the domain is not near
        near = [*near, point] if isfinite(point.slope) else []
    # Where f does not change at all, either it is flat, or the steps are lost in its rounding.
    moves = [k for k, p in enumerate(near) if not p.below == y == p.above]
    last = moves[-1] + 1 if moves else 0
    steep, flat = near[:last], near[last:]
    if len(steep) > 1:
        found = _settled(y, steep, noise)
        if isfinite(found.value):
            return found
    if len(flat) > 3:
        doubt = _noises(y, flat, noise)[0] / flat[0].step
        if not steep or doubt < max(abs(p.slope) for p in steep):  # or nothing can be told
            return Limit(0.0, doubt)
    return NONE


def _noises(y: float, points: Sequence[Point], noise: float) -> list[float]:
    """By how much f(x + step) - f(x - step) may be wrong at each point, halved."""
    tail = points[-4:]  # which shows noise that f makes inside and does not tell
    shown = [abs(q.slope - p.slope) * q.step for p, q in pairwise(tail)]
    noise = max(noise, *shown, TINY) if shown else max(noise, TINY)
    return [noise + EPSILON * max(abs(y), abs(p.below), abs(p.above)) for p in points]


def _settled(y: float, points: Sequence[Point], noise: float) -> Limit:
    """The number on which the slopes settle, whose doubt is least."""
    slopes = [point.slope for point in points]
    doubts = [n / p.step for n, p in zip(_noises(y, points, noise), points)]
    candidates: list[tuple[float, float, int]] = []
    previous: list[float] = []
    for i, point in enumerate(points):
        row = [slopes[i]]
        for k, before in enumerate(previous[:_COLUMNS]):
            ratio = points[i - k - 1].step / point.step
            row.append(row[k] + (row[k] - before) / (ratio * ratio - 1))  # errors are as step**2
            doubt = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - before)) + doubts[i]
            candidates.append((doubt, row[k + 1], i))
        previous = row
    for doubt, value, i in sorted(candidates):
        reach = abs(slopes[i] - value) + doubt
        if all(abs(s - value) <= reach + 2 * d for s, d in zip(slopes[i:], doubts[i:])):
            height = max(abs(y), abs(points[i].below), abs(points[i].above))
            flat = max(abs(value), doubt) <= 4 * doubts[i] <= _SURE * height / points[i].step
            steepest = max(map(abs, slopes[: i + 1]))
            if flat or doubt <= max(_VAGUE * abs(value), _SURE * steepest):
                return _sides(y, points, doubts, Limit(value, doubt))
            return NONE
    return NONE


def _sides(y: float, points: Sequence[Point], doubts: Sequence[float], found: Limit) -> Limit:
    """What was found, with the slopes of both sides where they do not meet; none at a jump."""
    gaps = [abs((p.above - y) - (y - p.below)) / p.step for p in points]
    told = [k for k, (gap, doubt) in enumerate(zip(gaps, doubts)) if gap > _CLEAR * doubt]
    if not told or told[-1] < 2:
        return found
    k = told[-1]
    if gaps[k] > 2 * gaps[k - 2]:  # f(x) is no limit of f(x - step) and f(x + step)
        return NONE
    if gaps[k] < gaps[k - 2] / 2:  # the slopes meet as the step shrinks: no kink
        return found
    point = points[k]
    sides = (y - point.below) / point.step, (point.above - y) / point.step
    return found._replace(slopes=sides)
