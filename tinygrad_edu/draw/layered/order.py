"""The order of the nodes in each rank: few crossings, and operands in order where possible.

Each edge has an end of its own, so that two operands in the wrong order are a crossing, too.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping

from tinygrad_edu.draw.layered.net import Net, Ranks

__all__ = ["ordered"]

PATIENCE = 6  # rounds without fewer crossings

Places = Mapping[int, int]  # where in its rank each node is


def ordered(net: Net) -> Ranks:
    """Returns the nodes of each rank, from top to bottom."""
    ranks: Ranks = [[] for _ in range(max(net.rank, default=-1) + 1)]
    stack = [v for v, targets in enumerate(net.down) if not targets][::-1]
    seen = set()
    while stack:  # in this order, a tree has no crossings
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            ranks[net.rank[v]].append(v)
            stack += reversed(net.up[v])
    at = {v: i for rank in ranks for i, v in enumerate(rank)}
    best, kept, tries = _crossings(net, ranks, at), ranks, 0
    while best and tries < PATIENCE:
        ranks = [rank[:] for rank in ranks]
        for above in (True, False):
            for rank in ranks if above else ranks[::-1]:
                _sort(net, rank, at, above, tries)
                at.update({v: i for i, v in enumerate(rank)})
        count = _crossings(net, ranks, at)
        tries += 1
        if count < best:
            best, kept, tries = count, ranks, 0
    return kept


def _above(net: Net, v: int, at: Places) -> list[int]:
    return sorted(at[u] for u in net.up[v])


def _below(net: Net, v: int, at: Places) -> list[int]:
    much = len(net.chains)  # more than the operands of any box
    return sorted(at[w] * much + operand for w, operand in net.down[v])


def _crossings(net: Net, ranks: Ranks, at: Places) -> int:
    count = 0
    for rank in ranks:
        seen: list[int] = []
        for v in rank:
            ends = _below(net, v, at)
            count += sum(len(seen) - bisect_left(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _sort(net: Net, rank: list[int], at: Places, above: bool, tries: int) -> None:
    """Sorts a rank by the medians of its edges' ends, then exchanges neighbours while it helps.

    After tries without success, equal medians change their order, and neighbours change places
    where that costs nothing: else every round would be as the one before.
    """
    ends = {v: (_above(net, v, at), _below(net, v, at)) for v in rank}
    middle = {}
    for v, both in ends.items():
        if found := both[0 if above else 1]:  # a node without stays where it is
            middle[v] = found[(len(found) - 1) // 2] + found[len(found) // 2]
    equal = rank[::-1] if tries % 2 else rank
    moved = iter(sorted((v for v in equal if v in middle), key=middle.__getitem__))
    rank[:] = [next(moved) if v in middle else v for v in rank]
    for least in (0, 1) if tries % 4 > 1 else (1,):
        helped = True
        while helped:
            helped = False
            for i in range(len(rank) - 1):
                v, w = rank[i : i + 2]
                (a, b), (c, d) = ends[v], ends[w]
                if _excess(a, c) + _excess(b, d) >= least:
                    rank[i : i + 2] = w, v
                    helped = bool(least)


def _excess(first: list[int], second: list[int]) -> int:
    """Returns how many crossings fewer there are if two neighbours of a rank change places."""
    return sum((a > b) - (a < b) for a in first for b in second)
