"""The graph in ranks: its boxes, and a dummy wherever an edge passes a rank."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import pairwise
from typing import NamedTuple

from tinygrad_edu.draw.placement import Point

__all__ = ["Chain", "Net", "Ranks", "net_of"]

PORT_GAP = 12  # points between the ends of edges at a box; less where the box is too low

Ranks = list[list[int]]  # the nodes of each rank
Chain = tuple[list[int], int]  # an edge: its source, dummies, target; which operand it is there


class Net(NamedTuple):
    """The nodes are numbers: first the boxes, as they were given, then the dummies."""

    sizes: list[Point]  # (0, 0) of a dummy
    up: list[list[int]]  # the sources of each node's edges, by operand
    down: list[list[Point]]  # the targets of each node's edges, and which operand it is there
    rank: list[int]
    chains: list[Chain]

    def thin(self, v: int) -> bool:
        """Whether the node is on a line: edges through it shall be straight."""
        return len(self.up[v]) == len(self.down[v]) == 1

    def port(self, v: int, operand: int) -> int:
        """How far from the middle of the node's side the edge of this operand ends."""
        gap = min(PORT_GAP, self.sizes[v][1] // len(self.up[v])) // 2
        return (2 * operand + 1 - len(self.up[v])) * gap

    def half(self, v: int) -> int:
        """Half of the node's height."""
        return self.sizes[v][1] // 2


def net_of(sizes: list[Point], edges: list[Point]) -> Net:
    """Returns the net of the boxes and edges; CycleError if there is a cycle."""
    net = Net(sizes, [[] for _ in sizes], [[] for _ in sizes], [], [])
    for source, target in edges:
        net.chains.append(([source, target], len(net.up[target])))
        net.down[source].append((target, len(net.up[target])))
        net.up[target].append(source)
    net.rank.extend(_ranks(net))
    for chain, operand in net.chains:
        source, target = chain
        for r in range(net.rank[source] + 1, net.rank[target]):
            chain.insert(-1, len(net.sizes))
            net.sizes.append((0, 0))
            net.up.append([chain[-3]])
            net.down.append([(target, operand)])
            net.rank.append(r)
        net.up[target][operand] = chain[-2]
        for a, b in pairwise(chain[:-1]):
            net.down[a][net.down[a].index((target, operand))] = (b, 0)
    return net


def _ranks(net: Net) -> list[int]:
    """Returns the rank of each box: next to its first target, or early, if edges get shorter."""
    order = list(TopologicalSorter(dict(enumerate(net.up))).static_order())
    rank = [0] * len(order)
    for v in order:
        rank[v] = max((rank[u] + 1 for u in net.up[v]), default=0)
    for v in reversed(order):
        rank[v] = min((rank[w] - 1 for w, _ in net.down[v]), default=rank[v])
    for v in order:
        if net.thin(v) or len(net.up[v]) > len(net.down[v]):
            rank[v] = max(rank[u] + 1 for u in net.up[v])
    for v in reversed(order):  # what is on a line follows its target
        if net.thin(v):
            rank[v] = rank[net.down[v][0][0]] - 1
    return rank
