"""Cuts cubic Bézier curves: at a line, and at the border of a shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tinygrad_edu.draw.placement import Point

__all__ = ["Shape", "between", "cut", "whole"]

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
    a, b, c, d = piece
    ab, bc, cd = _part(a, b, t), _part(b, c, t), _part(c, d, t)
    abc, bcd = _part(ab, bc, t), _part(bc, cd, t)
    middle = _part(abc, bcd, t)
    return [a, ab, abc, middle], [middle, bcd, cd, d]


def _part(a: _Float, b: _Float, t: float) -> _Float:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


class Shape(NamedTuple):
    """A rectangle or an ellipse: its middle, half of its width and of its height."""

    x: float
    y: float
    across: float
    down: float
    is_round: bool

    def has(self, x: float, y: float) -> bool:
        """Whether the point is inside."""
        dx, dy = abs(x - self.x) / self.across, abs(y - self.y) / self.down
        return dx * dx + dy * dy < 1 if self.is_round else dx < 1 and dy < 1


def between(curve: Sequence[Point], tail: Shape, head: Shape) -> list[Point]:
    """This returns the part of a curve of 1 + 3n points that lies outside of two shapes.

    It begins in the middle of the first, or at its border, and ends so at the second.
    """
    return _outside(_outside(list(curve), tail)[::-1], head)[::-1]


def _outside(points: list[Point], shape: Shape) -> list[Point]:
    """The curve without its beginning, which is inside."""
    if not shape.has(*points[0]):
        return points
    while len(points) > 4 and shape.has(*points[3]):
        points = points[3:]
    _, after = _halves(points[:4], _leaving(points[:4], shape))
    return [*map(whole, after), *points[4:]]


def _leaving(piece: Sequence[_Float], shape: Shape) -> float:
    """The parameter at which the curve leaves the shape: `cut`, written out, as all curves ask."""
    (a, p), (b, q), (c, r), (d, s) = piece
    x, y, across, down, is_round = shape
    low, high = 0.0, 1.0
    for _ in range(12):
        t = (low + high) / 2
        u = 1 - t
        first, second, third, last = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        dx = (first * a + second * b + third * c + last * d - x) / across
        dy = (first * p + second * q + third * r + last * s - y) / down
        if dx * dx + dy * dy < 1 if is_round else -1 < dx < 1 and -1 < dy < 1:
            low = t
        else:
            high = t
    return (low + high) / 2


def whole(point: _Float) -> Point:
    """This returns the nearest point with whole coordinates."""
    return round(point[0]), round(point[1])
