"""Cuts cubic Bézier curves: at a line, and at the border of a shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from tinygrad_edu.draw.placement import Point

__all__ = ["between", "cut", "whole"]

_Float = tuple[float, float]
_Inside = Callable[[float, float], bool]


def cut(piece: Sequence[_Float], beyond: _Inside) -> tuple[list[_Float], list[_Float]]:
    """This returns the four points of a curve before and after the place where it gets beyond."""
    (a, p), (b, q), (c, r), (d, s) = piece
    low, high = 0.0, 1.0
    for _ in range(16):  # less than a tenth of a point, on a curve of a thousand
        t = (low + high) / 2
        u = 1 - t
        w, x, y, z = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        if beyond(w * a + x * b + y * c + z * d, w * p + x * q + y * r + z * s):
            high = t
        else:
            low = t
    return _halves(piece, (low + high) / 2)


def _halves(piece: Sequence[_Float], t: float) -> tuple[list[_Float], list[_Float]]:
    """The piece before and after the parameter `t` (de Casteljau)."""
    before, after = [piece[0]], [piece[-1]]
    points = list(piece)
    while len(points) > 1:
        points = [(a + (c - a) * t, b + (d - b) * t) for (a, b), (c, d) in pairwise(points)]
        before.append(points[0])
        after.insert(0, points[-1])
    return before, after


def between(curve: Sequence[Point], tail: _Inside, head: _Inside) -> list[Point]:
    """This returns the part of a curve of 1 + 3n points that lies outside of two shapes.

    tail, head: whether a point is inside of the shape at the beginning, and at the end.
    """
    points = [(float(x), float(y)) for x, y in curve]
    points = _outside(_outside(points, tail)[::-1], head)[::-1]
    return list(map(whole, points))


def _outside(points: list[_Float], inside: _Inside) -> list[_Float]:
    """The curve without its beginning, which is inside."""
    if not inside(*points[0]):
        return points
    while len(points) > 4 and inside(*points[3]):
        points = points[3:]
    _, after = cut(points[:4], lambda x, y: not inside(x, y))
    return after + points[4:]


def whole(point: _Float) -> Point:
    """This returns the nearest point with whole coordinates."""
    return round(point[0]), round(point[1])
