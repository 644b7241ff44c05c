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

MOST_PATHS = 64  # a reader can follow; with more, the sum goes node by node
_MOST_COUNTED = 2**64  # beyond this, the exact number is not needed


class Path(NamedTuple):
    """One path from the output back to x, and the product of the local derivatives on it."""

    passings: tuple[Passing, ...]
    product: float


@dataclass(frozen=True)
class Chain:
    """The derivative d y / d x as a sum over paths.

    count: the number of paths from y to x, 2**64 at most. paths: the paths, or () if there are more
    than MOST_PATHS or a number on them is not finite. passings: every multiplication on the paths,
    in the order of `backward()`. total: the sum of the products, or, without listed paths, of
    the contributions to x. kept_out: the masked operands that lead to x and get no adjoint.
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
        """This returns the contributions to each node between y and x, from y back, x last."""
        arrived: dict[int, list[Passing]] = {}
        for p in self.passings:
            arrived.setdefault(p.source, []).append(p)
        return [(self.graph.nodes[i], arrived[i]) for i in sorted(arrived, reverse=True)]


def chain(graph: Graph, x: int) -> Chain:
    """Returns the derivative of the graph's output by the node with the id `x`, path by path."""
    every = backward_pass(graph)
    leads = {x}  # nodes with a path to x that no mask blocks
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
    """Yields every path from y to x, left operands first."""
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
