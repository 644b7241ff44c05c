"""Where the boxes and edges of a picture lie, whichever way the layout was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = ["Placement", "Point"]

Point = tuple[int, int]


class Placement(NamedTuple):
    """Where everything lies, in whole points.

    x grows to the right, y downwards; (0, 0) is the top left corner, and all lies within `width`
    and `height`. boxes: the centre of each box, by name. edges: for each edge, in the order given,
    the control points of cubic Béziers, 1 + 3n points from the border of the source box to the
    border of the target box.
    """

    width: int
    height: int
    boxes: Mapping[str, Point]
    edges: Sequence[Sequence[Point]]
