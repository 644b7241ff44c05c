"""The chain rule along every path: d y / d x is the sum, over all paths from y back to x, of the
product of the local derivatives on the path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from tinygrad_edu.analysis.graph import Graph, Node, Passing, backward_pass
from tinygrad_edu.chain_rule import cut

__all__ = ["MOST_PATHS", "Chain", "Path", "chain"]

MOST_PATHS = 64  # one can still read; what has more is told node by node
_MOST_COUNTED = 2**64  # a number of paths can have more digits than a graph has nodes


class Path(NamedTuple):
    """One way from the output back to x, and the product of the local derivatives on it."""

    passings: tuple[Passing, ...]
    product: float


@dataclass(frozen=True)
class Chain:
    """How d y / d x comes about.

    count: how many paths lead from y to x, 2**64 at most. paths: those paths, or () where there
    are more than MOST_PATHS or a number on the way is not finite. passings: every multiplication
    that takes part, in the order of `backward()`. total: the sum of the products, or where no
    paths are listed, of the contributions that arrive at x. kept_out: the masks on the way that
    let nothing through, where x is behind what they mask.
    """

    graph: Graph
    y: Node
    x: Node
    count: int
    paths: tuple[Path, ...]
    passings: tuple[Passing, ...]
    total: float
    kept_out: tuple[tuple[Node, int], ...] = ()

    def arrivals(self) -> list[tuple[Node, list[Passing]]]:
        """What arrives at each node on the way, from y back, x last."""
        arrived: dict[int, list[Passing]] = {}
        for p in self.passings:
            arrived.setdefault(p.source, []).append(p)
        return [(self.graph.nodes[i], arrived[i]) for i in sorted(arrived, reverse=True)]


def chain(graph: Graph, x: int) -> Chain:
    """How the derivative of the graph's output by the node with the id `x` comes about."""
    every = backward_pass(graph)
    leads = {x}  # back to x, along what no mask keeps out
    for p in reversed(every):
        if p.source in leads:
            leads.add(p.target)
    passings = tuple(p for p in every if p.source in leads)
    kept_out = tuple(_kept_out(graph, x, {graph.output.id, *(p.source for p in every)}))
    ways = Counter({graph.output.id: 1})
    total = 1.0 if x == graph.output.id else 0.0
    for p in passings:
        ways[p.source] = min(ways[p.source] + ways[p.target], _MOST_COUNTED)
        if p.source == x:
            total = p.running
    paths: tuple[Path, ...] = ()
    if passings and ways[x] <= MOST_PATHS:
        paths = tuple(_paths(graph.output.id, x, passings))
        products = [path.product for path in paths]
        if all(map(isfinite, [*products, *(p.running for p in passings)])):
            total = sum(products)
        else:
            paths = ()
    return Chain(graph, graph.output, graph.nodes[x], ways[x], paths, passings, total, kept_out)


def _kept_out(graph: Graph, x: int, arrived: Set[int]) -> Iterator[tuple[Node, int]]:
    behind = {x}
    for node in graph.nodes:
        if not behind.isdisjoint(node.args):
            behind.add(node.id)
            for place, source in enumerate(node.args):
                if source in behind and node.id in arrived and cut(node.op, place, node.used[0]):
                    yield node, place


def _paths(y: int, x: int, passings: tuple[Passing, ...]) -> Iterator[Path]:
    """Every path from y to x, left operands first."""
    leaving: dict[int, list[Passing]] = {}
    for p in passings:
        leaving.setdefault(p.target, []).append(p)
    waiting: list[tuple[list[Passing], float]] = [([], 1.0)]
    while waiting:
        way, product = waiting.pop()
        at = way[-1].source if way else y
        while at != x:
            first, *others = leaving[at]
            waiting += [([*way, p], product * p.local) for p in reversed(others)]
            way.append(first)
            product, at = product * first.local, first.source
        yield Path(tuple(way), product)
