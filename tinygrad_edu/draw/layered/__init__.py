"""A layered layout of small graphs in Python alone, for where no Graphviz can run.

It has the four steps of Sugiyama, Tagawa and Toda (1981): every box gets a rank (`net`), every rank
an order with few crossings (`order`), every box a place in its rank (`places`), and every edge a
curve (`curves`). Inside, ranks go from left to right; "TB" is the transpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinygrad_edu.draw.layered.curves import curve
from tinygrad_edu.draw.layered.net import net_of
from tinygrad_edu.draw.layered.order import ordered
from tinygrad_edu.draw.layered.places import placed
from tinygrad_edu.draw.placement import Placement, Point

__all__ = ["layered"]

RANK_GAP = 24  # between ranks, in points


def layered(
    sizes: Mapping[str, tuple[int, int]],
    edges: Sequence[tuple[str, str]],
    direction: str = "LR",
) -> Placement:
    """This returns where boxes and edges of an acyclic graph lie, the same on every machine.

    sizes: width and height of each box, even numbers of points. edges: (source, target), the
    operands of a box in order: their edges end at it from top to bottom or, in a picture from top
    to bottom, "TB", from left to right; two boxes may have several edges. A box on an edge, such
    as its label, lies on a straight line with a neighbour, where that is possible. CycleError of
    graphlib if the graph has a cycle.
    """

    def turn(point: Point) -> Point:
        return (point[1], point[0]) if direction == "TB" else point

    number = {name: v for v, name in enumerate(sizes)}
    pairs = [(number[source], number[target]) for source, target in edges]
    net = net_of([turn(size) for size in sizes.values()], pairs)
    ranks = ordered(net)
    y = placed(net, ranks)
    columns: list[Point] = []
    right = -RANK_GAP
    for rank in ranks:
        left = right + RANK_GAP
        right = left + max(net.sizes[v][0] for v in rank)
        columns.append((left, right))
    centres = [(sum(columns[r]) // 2, y[v]) for v, r in enumerate(net.rank)]
    curves = [curve(net, ranks, columns, centres, edge) for edge in net.chains]
    height = max((place + net.half(v) for v, place in enumerate(y)), default=0)
    return Placement(
        *turn((max(right, 0), height)),
        {name: turn(centres[v]) for name, v in number.items()},
        [[turn(point) for point in points] for points in curves],
    )
