"""What a lesson adds to a page: sliders of its own, and a curve with its data."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import ViewError

__all__ = ["Curve", "Slider", "extras"]


class Slider(NamedTuple):
    """A slider that gives one number to one or more leaves.

    name: its words. leaves: the leaves. low, high: its ends, low < high.
    """

    name: str
    leaves: Sequence[Value]
    low: float
    high: float


class Curve(NamedTuple):
    """A curve of a node over a leaf, with points of data; the page draws it anew at each change.

    over: the leaf. low, high: its range, low < high. of: the node, by default the output. points:
    pairs (x, y) of data.
    """

    over: Value
    low: float
    high: float
    of: Value | None = None
    points: Sequence[tuple[float, float]] = ()


def extras(y: Value, controls: Sequence[Slider], view: Curve | None) -> dict[str, Any]:
    """This returns the entries `controls` and `view` of a page's data; none of what is not given.

    ViewError for a leaf or a node that is not in the graph of y, for a range without an inside, and
    for what is no Slider or no Curve.
    """
    ids = {node: i for i, node in enumerate(topological_order(y))}

    def place(node: Value, leaf: bool) -> int:
        if node not in ids or (leaf and node.op):
            raise ViewError(f"{node!r} is no {'leaf' if leaf else 'node'} of this graph")
        return ids[node]

    def ends(low: float, high: float, name: str) -> dict[str, float]:
        if not (isfinite(low) and isfinite(high) and low < high):
            raise ViewError(f"{name} runs from low to high, not from {low!r:.30} to {high!r:.30}")
        return {"low": float(low), "high": float(high)}

    for kind, some in ((Slider, controls), (Curve, () if view is None else (view,))):
        for each in some:
            if not isinstance(each, kind):
                raise ViewError(f"this is no {kind.__name__} of live.extras: {each!r:.60}")
    made: dict[str, Any] = {}
    if controls:
        made["controls"] = [
            {"name": each.name, "leaves": [place(x, True) for x in each.leaves]}
            | ends(each.low, each.high, f"the slider {each.name}")
            for each in controls
        ]
    if view is not None:
        made["view"] = {
            "of": place(y if view.of is None else view.of, False),
            "over": place(view.over, True),
            "points": [[float(x), float(t)] for x, t in view.points],
            **ends(view.low, view.high, "the curve"),
        }
    return made
