"""Where the nodes lie in their ranks, by the four alignments of Brandes and Köpf (2001)."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from itertools import pairwise

from tinygrad_edu.draw.layered.net import Net, Ranks
from tinygrad_edu.draw.placement import Point

__all__ = ["placed"]

NODE_GAP = 14  # between boxes of a rank, in points
EDGE_GAP = 10  # between an edge that passes a rank and what is beside it
ROUNDS = 4  # of moving lines nearer


def placed(net: Net, ranks: Ranks) -> list[int]:
    """Returns how far down the middle of each node lies; the highest box begins at 0."""
    half = [net.half(v) for v in range(len(net.sizes))]
    found = [_aligned(net, ranks, above, sign) for above in (True, False) for sign in (1, -1)]
    spans = [
        (min(map(int.__sub__, y, half), default=0), max(map(int.__add__, y, half), default=0))
        for y in found
    ]
    low, high = min(spans, key=lambda span: span[1] - span[0])
    for i, (top, bottom) in enumerate(spans):
        move = high - bottom if i % 2 else low - top
        found[i] = [place + move for place in found[i]]
    y = [sum(sorted(four)[1:3]) // 2 for four in zip(*found)]
    for _ in range(ROUNDS):
        _nearer(net, ranks, y)
    first = min(map(int.__sub__, y, half), default=0)
    return [place - first for place in y]


def _gap(net: Net, v: int, w: int) -> int:
    """Returns how far the middles of two neighbours in a rank are apart at least."""
    between = NODE_GAP if net.sizes[v][0] and net.sizes[w][0] else EDGE_GAP
    return net.half(v) + net.half(w) + between


def _aligned(net: Net, ranks: Ranks, above: bool, sign: int) -> list[int]:
    """Returns places where many nodes lie straight behind a neighbour in the rank above or below.

    Of two such edges that cross, the one between more thin nodes is straight. sign: 1 for nodes
    far up, -1 for far down.
    """
    ranks = [rank[::sign] for rank in (ranks if above else ranks[::-1])]
    at = {v: i for rank in ranks for i, v in enumerate(rank)}
    root = list(range(len(net.sizes)))  # the first node of the straight line that a node is on
    offset = [0] * len(root)  # from the root's place to the node's
    for rank in ranks:
        middles = [_middle(net, v, at, above, sign) for v in rank]
        taken = [-1] * len(rank)  # where the neighbour is that a node lies behind
        for wanted in (2, 1, 0):
            fences = [len(at)]
            for limit in reversed(taken):
                fences.append(fences[-1] if limit < 0 else limit)
            last = -1
            for v, middle in zip(rank, middles):
                fences.pop()
                i = at[v]
                for other, w, port in middle if taken[i] < 0 else ():
                    if last < other < fences[-1] and net.thin(v) + net.thin(w) >= wanted:
                        root[v], offset[v], taken[i] = root[w], offset[w] + port, other
                        break
                last = max(last, taken[i])
    before: dict[int, dict[int, int]] = {line: {} for line in root}
    for rank in ranks:
        for v, w in pairwise(rank):
            gap = _gap(net, v, w) + offset[v] - offset[w]
            before[root[w]][root[v]] = max(gap, before[root[w]].get(root[v], gap))
    order = list(TopologicalSorter(before).static_order())
    place: dict[int, int] = {}
    for line in order:
        place[line] = max((place[a] + gap for a, gap in before[line].items()), default=0)
    room: dict[int, int] = {}
    for line in reversed(order):  # then each as close to the next ones as it can
        place[line] = room.get(line, place[line])
        for a, gap in before[line].items():
            room[a] = min(room.get(a, place[line] - gap), place[line] - gap)
    return [sign * (place[line] + far) for line, far in zip(root, offset)]


def _middle(
    net: Net, v: int, at: Mapping[int, int], above: bool, sign: int
) -> list[tuple[int, int, int]]:
    """Returns the middle one or two of a node's neighbours in the rank above or below.

    Of each: where it is in its rank, its number, and how far from its place v is if the edge is
    straight.
    """
    if above:
        found = sorted((at[u], u, -sign * net.port(v, i)) for i, u in enumerate(net.up[v]))
    else:
        found = sorted((at[w], w, sign * net.port(w, i)) for w, i in net.down[v])
    return found[(len(found) - 1) // 2 : len(found) // 2 + 1]


def _nearer(net: Net, ranks: Ranks, y: list[int]) -> None:
    """Moves each straight line nearer to its neighbours, if all of them are on one side of it."""
    over, under = ({w: v for rank in ranks for v, w in pairwise(rank[::sign])} for sign in (1, -1))

    def far(v: int) -> list[Point]:
        """Each neighbour, and how far down the node had to go for a straight edge to it."""
        above = [(u, y[u] - y[v] - net.port(v, i)) for i, u in enumerate(net.up[v])]
        return above + [(w, y[w] + net.port(w, i) - y[v]) for w, i in net.down[v]]

    seen = set()
    for start in range(len(y)):
        line = [] if start in seen else [start]
        on_line = set(line)
        for v in line:
            more = [w for w, distance in far(v) if not distance and w not in on_line]
            on_line.update(more)
            line += dict.fromkeys(more)
        seen |= on_line
        ways = [distance for v in line for _, distance in far(v) if distance]
        if not ways or min(ways) < 0 < max(ways):
            continue
        down = min(ways) > 0
        move = min(map(abs, ways))
        for v in line:
            w = (under if down else over).get(v)
            if w is not None and w not in on_line:
                move = min(move, abs(y[w] - y[v]) - _gap(net, v, w))
        for v in line:
            y[v] += move if down else -move
