"""Derivatives from values alone, and their errors.

This module does not use the chain rule. A derivative is the limit of central differences as the
step shrinks. Wide steps have an error from the curvature of the function, narrow steps from the
digits that rounding removes. So a number counts as the limit only if the differences settle on it,
and if no narrower step contradicts it by more than rounding explains; else there is no numerical
derivative.
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
_VAGUE = 1e-3  # with more doubt than this share of the number, there is no derivative,
_SURE = 1e-8  # unless it is 0 within this share of f or of the slopes at wider steps
_CLEAR = 1000  # a kink must exceed its doubt by this factor


class Point(NamedTuple):
    """The values of the function one step to each side: f(x - step) and f(x + step)."""

    step: float
    below: float
    above: float

    @property
    def slope(self) -> float:
        """The central difference."""
        return (self.above - self.below) / (2 * self.step)


class Limit(NamedTuple):
    """A numerical derivative, nan if there is none; `doubt` is its largest possible error.

    slopes: the slopes to the left and to the right at a kink, else nan.
    """

    value: float
    doubt: float
    slopes: tuple[float, float] = (nan, nan)


NONE = Limit(nan, inf)


def central_difference(f: Callable[[float], float], x: float, step: float) -> float:
    """This returns the slope of `f` between the points x - step and x + step.

    A wide step has an error from the curvature of `f`, proportional to step**2; a narrow step has a
    rounding error, proportional to 1/step. `numerical_derivative` finds the best step.
    """
    return (f(x + step) - f(x - step)) / (2 * step)


def numerical_derivative(f: Callable[[float], float], x: float) -> float:
    """This returns f'(x) from values of `f` alone; nan if these do not settle on a number.

    It extrapolates central differences of shrinking steps to step 0, and takes the result that
    agrees best with its neighbours (Ridders 1982, Adv. Eng. Software 4(2), 75-76; Press et al.,
    Numerical Recipes, section 5.7). The relative error is about 1e-10 for smooth functions.
    """
    (y,), (points,) = sample(lambda x: [f(x)], x)
    return limit(y, points).value


def sample(
    f: Callable[[float], Sequence[float]], x: float
) -> tuple[list[float], list[list[Point]]]:
    """Returns all outputs of `f` at x, and the points of each output, the widest step first."""
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
    """Yields powers of two, from 1/8 down, and from x/8 down; each is exact."""
    if not isfinite(x):
        return
    own = frexp(x)[1] - 1 if x else 0
    unit = max(own, 0)
    exponents = {top - k for top in (unit, own) for k in range(3, 53, 2)}
    for exponent in sorted(exponents, reverse=True):
        if exponent >= -1074:
            yield ldexp(1.0, exponent)


def _values(f: Callable[[float], Sequence[float]], x: float, count: int) -> list[float]:
    """Returns f(x), with nan where Python raises or turns complex."""
    try:
        ys = f(x)
    except (ArithmeticError, ValueError):
        return [nan] * count
    return [nan if isinstance(y, complex) else float(y) for y in ys]


def limit(y: float, points: Sequence[Point], noise: float = 0.0) -> Limit:
    """Returns the derivative of a function with value y at x, from its `points`.

    noise: the error of its values, in addition to the rounding of the result.
    """
    if not isfinite(y):
        return NONE
    near: list[Point] = []
    for point in points:  # a step beyond a point outside the domain is too wide
        near = [*near, point] if isfinite(point.slope) else []
    # If f does not change at all, it is flat, or rounding hides the steps.
    moves = [k for k, p in enumerate(near) if not p.below == y == p.above]
    last = moves[-1] + 1 if moves else 0
    steep, flat = near[:last], near[last:]
    if len(steep) > 1:
        found = _settled(y, steep, noise)
        if isfinite(found.value):
            return found
    if len(flat) > 3:
        doubt = _noises(y, flat, noise)[0] / flat[0].step
        if not steep or doubt < max(abs(p.slope) for p in steep):  # else the steps decide nothing
            return Limit(0.0, doubt)
    return NONE


def _noises(y: float, points: Sequence[Point], noise: float) -> list[float]:
    """Returns half of the possible error of f(x + step) - f(x - step) at each point."""
    tail = points[-4:]  # shows noise from inside of f
    shown = [abs(q.slope - p.slope) * q.step for p, q in pairwise(tail)]
    noise = max(noise, *shown, TINY) if shown else max(noise, TINY)
    return [noise + EPSILON * max(abs(y), abs(p.below), abs(p.above)) for p in points]


def _settled(y: float, points: Sequence[Point], noise: float) -> Limit:
    """Returns the number on which the slopes settle, with the least doubt."""
    slopes = [point.slope for point in points]
    doubts = [n / p.step for n, p in zip(_noises(y, points, noise), points)]
    candidates: list[tuple[float, float, int]] = []
    previous: list[float] = []
    for i, point in enumerate(points):
        row = [slopes[i]]
        for k, before in enumerate(previous[:_COLUMNS]):
            ratio = points[i - k - 1].step / point.step
            row.append(row[k] + (row[k] - before) / (ratio * ratio - 1))  # the error is ~ step**2
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
    """Returns `found` with the slopes of both sides if they differ; no derivative at a jump."""
    gaps = [abs((p.above - y) - (y - p.below)) / p.step for p in points]
    clear = [k for k, (gap, doubt) in enumerate(zip(gaps, doubts)) if gap > _CLEAR * doubt]
    if not clear or clear[-1] < 2:
        return found
    k = clear[-1]
    if gaps[k] > 2 * gaps[k - 2]:  # a jump: f(x - step) and f(x + step) do not approach f(x)
        return NONE
    if gaps[k] < gaps[k - 2] / 2:  # no kink: the slopes meet as the step shrinks
        return found
    point = points[k]
    sides = (y - point.below) / point.step, (point.above - y) / point.step
    return found._replace(slopes=sides)
