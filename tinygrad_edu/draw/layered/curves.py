"""Edges as cubic Béziers, horizontal where they begin, bend and end."""

from __future__ import annotations

from itertools import pairwise, product

from tinygrad_edu.draw.layered.net import Chain, Net, Ranks
from tinygrad_edu.draw.placement import Point

__all__ = ["curve"]

CLEAR = 4  # points that a curve keeps from the corner of a box
STEPS = 64  # of a curve, when it is compared with a corner


def curve(
    net: Net, ranks: Ranks, columns: list[Point], centres: list[Point], edge: Chain
) -> list[Point]:
    """Returns the control points of an edge. columns: from where to where each rank reaches.

    A curve begins right at the box or dummy, if it meets no other box of the rank so, else where
    the rank ends; so it ends, too. No box is between the ranks.
    """
    chain, operand = edge
    bends: list[Point] = []
    for i, (a, b) in enumerate(pairwise(chain)):
        (ax, ay), (bx, by), r = centres[a], centres[b], net.rank[a]
        by += net.port(b, operand if i == len(chain) - 2 else 0)
        ax += net.sizes[a][0] // 2
        bx -= net.sizes[b][0] // 2
        for x1, x2 in product((ax, columns[r][1]), (bx, columns[r + 1][0])):
            begin, end = (x1, ay), (x2, by)
            if ay == by or all(
                _clear(p, q, centres[v], net.sizes[v])
                for p, q, rank in ((begin, end, ranks[r]), (end, begin, ranks[r + 1]))
                for v in rank
                if v not in (a, b) and net.sizes[v][0]
            ):
                break
        bends += [(ax, ay), begin, end, (bx, by)]
    points = bends[:1]
    for (x, y), after in zip(bends[1:], [*bends[2:], None]):
        last = points[-1]
        if (x, y) != last and not (after and last[1] == y == after[1]):
            middle = (last[0] + x) // 2
            points += [(middle, last[1]), (middle, y), (x, y)]
    return points


def _clear(begin: Point, end: Point, centre: Point, size: Point) -> bool:
    """Whether the curve keeps clear of a box of the rank that it begins in."""
    (x, y), (right, down) = begin, (end[0] > begin[0], end[1] > begin[1])
    across, along = abs(end[0] - x), abs(end[1] - y)
    ahead = centre[1] - y if down else y - centre[1]
    near = max(ahead - size[1] // 2 - CLEAR, 0)  # the corner: so far along,
    out = (centre[0] - x if right else x - centre[0]) + size[0] // 2 + CLEAR  # and so far across
    if ahead <= 0 or near >= along or out <= CLEAR:
        return True  # the box is behind, or beyond, or ends before the curve begins
    cube = STEPS**3
    # The last step t before the curve comes as far as the corner: along 3t² - 2t³, across
    # 3t/2 - 3t²/2 + t³.
    passed = (along * t * t * (3 * STEPS - 2 * t) <= near * cube for t in range(STEPS))
    t = sum(passed) - 1
    return across * t * (3 * STEPS * STEPS - 3 * STEPS * t + 2 * t * t) >= 2 * out * cube
