"""Pass 2, for one example: finds similar nodes, which become the lanes of one row.

The graph of one example often repeats itself, for instance at each position of a text. The search
begins with sums over the same parameters: they differ only in their other operands, so they become
the lanes of one pack, in order. From there packs grow downward: the first operands of a pack become
a pack, the second operands another. They also grow upward: nodes whose operands are in the same
packs become a pack. A poor choice costs time and is never an error, because `forward` gathers
operands that are not in the lane where they are needed.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from itertools import zip_longest

from tinygrad_edu.compiler.native.lowering.nodes import Call, Factor, Group, Node, Sum, factors
from tinygrad_edu.compiler.native.lowering.sorting import operands_first

__all__ = ["packs"]


def packs(nodes: dict[int, Node], parameters: Collection[int], lanes: int) -> list[Group]:
    """Returns all nodes in groups of at most `lanes`, operands first. Each group becomes a row.

    If packs need each other's results in a circle, every node is a group of its own.
    """
    found = _Packs(nodes)
    found.downward(set(parameters), lanes)
    if found.packs:
        found.upward(0)
        for pack in found.packs:
            if len(pack) == 1:
                del found.places[pack.popitem()[1]]
        found.upward(len(found.packs))
    groups = [pack for pack in found.packs if pack]
    groups += [{0: s} for s in nodes if s not in found.places]
    groups.sort(key=lambda group: min(group.values()))
    order = operands_first(_needed(nodes, groups))
    return [groups[i] for i in order] if len(order) == len(groups) else [{0: s} for s in nodes]


def _needed(nodes: dict[int, Node], groups: list[Group]) -> list[Collection[int]]:
    """Returns for each group the numbers of the groups that it needs."""
    numbers: dict[Factor, int] = {s: i for i, group in enumerate(groups) for s in group.values()}
    needed: list[Collection[int]] = []
    for group in groups:
        used = [x for s in group.values() for x in factors(nodes[s])]
        needed.append(dict.fromkeys([numbers[x] for x in used if x in numbers]))
    return needed


class _Packs:
    """The packs as they grow. places: for slots that are in a pack, the pack and the lane."""

    def __init__(self, nodes: dict[int, Node]) -> None:
        self.nodes = nodes
        self.packs: list[Group] = []
        self.places: dict[Factor, tuple[int, int]] = {}

    def downward(self, parameters: Collection[Factor], lanes: int) -> None:
        """Packs sums over the same parameters, then their operands, and so on."""
        alike: dict[tuple[Factor, ...], list[int]] = {}
        for s, node in self.nodes.items():
            if isinstance(node, Sum):
                marks = tuple(x for term in node.terms for x in term if x in parameters)
                if len(marks) > 1:
                    alike.setdefault(marks, []).append(s)
        for members in alike.values():
            for k in range(0, len(members), lanes):
                seed: dict[int, Factor] = dict(enumerate(members[k : k + lanes]))
                if len(seed) > 1 and self.places.keys().isdisjoint(seed.values()):
                    waiting = [self._join(seed)]
                    for group in waiting:  # the list grows in the loop
                        waiting += filter(None, map(self._join, self._operands(group)))

    def _operands(self, group: Group) -> Iterator[dict[int, Factor]]:
        """Yields the first operands of all members by lane, then the second ones, and so on."""
        for xs in zip_longest(*(factors(self.nodes[s]) for s in group.values())):
            yield {lane: x for lane, x in zip(group, xs) if x is not None}

    def _join(self, part: dict[int, Factor]) -> Group:
        """Puts slots into one pack: a new one, or the one that some of them are in already.

        Returns the pack; {} if they cannot share a pack, or if all of them were in it before.
        """
        at, _ = self.places.get(next(iter(part.values())), (-1, 0))
        if at >= 0 and self.packs[at].items() >= part.items():
            return {}  # the usual case
        distinct = set(part.values())
        if len(distinct) < len(part) or not distinct <= self.nodes.keys():
            return {}
        slots = {lane: x for lane, x in part.items() if isinstance(x, int)}
        there = {self.places[s][0] for s in distinct if s in self.places}
        at = there.pop() if there else len(self.packs)
        pack = self.packs[at] if at < len(self.packs) else {}
        if there or len({_operation(self.nodes[s]) for s in (*slots.values(), *pack.values())}) > 1:
            return {}
        for lane, s in slots.items():
            if pack.get(lane, s) != s or self.places.get(s, (at, lane)) != (at, lane):
                return {}
        if not pack:
            self.packs.append(pack)
        for lane, s in slots.items():
            self._put(s, at, lane)
        return pack

    def _put(self, s: int, at: int, lane: int) -> None:
        self.packs[at][lane] = s
        self.places[s] = at, lane

    def upward(self, known: int) -> None:
        """Packs nodes that have the same operation, and operands in the same packs.

        All operands of a node must be in one lane. known: the number of a pack; packs 0 to `known`
        count as one pack.
        """
        found: dict[Hashable, int] = {}
        for s, node in self.nodes.items():
            if s in self.places:
                continue
            used = factors(node)
            places = [self.places.get(x) for x in used]
            lanes = {place[1] for place in places if place}
            if len(lanes) == 1:
                (lane,) = lanes
                # ~0, ~1, ... stand for packs: slots are never negative
                kinds = (~max(place[0], known) if place else x for place, x in zip(places, used))
                key = (_operation(node), *kinds)
                at = found.get(key, -1)
                if at < 0 or lane in self.packs[at]:
                    at = found[key] = len(self.packs)
                    self.packs.append({})
                self._put(s, at, lane)


def _operation(node: Node) -> object:
    """Returns the operation that all members of a pack share, None for sums."""
    return node.op if isinstance(node, Call) else None
