"""What is alike in one graph, such as the positions of a text: slots side by side, in packs.

Sums with the same parameters are the same sum of other things: such sums are lanes of one pack, in
order, and so, place by place, are the things that they are sums of. What is made of the same packs
in one lane is in that lane. Nothing depends on luck: whatever was found alike, each operand is
looked up in its lane, or gathered from where it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import zip_longest
from typing import Any

from tinygrad_edu.native.lowering.form import Node

__all__ = ["Group", "packs"]

Group = dict[int, Any]  # by lane, of those lanes that have one


def packs(nodes: dict[int, Node], parameters: Collection[int], lanes: int) -> list[Group]:
    """All nodes, by lane, operands first; one by one, where packs would wait for each other."""
    found = _Packs(nodes)
    found.downward(set(parameters), lanes)
    if found.packs:
        found.upward(0)
        for pack in found.packs:
            if len(pack) == 1:
                del found.place[pack.popitem()[1]]
        found.upward(len(found.packs))
    groups = [pack for pack in found.packs if pack]
    groups += [{0: s} for s in nodes if s not in found.place]
    try:
        return _sorted(nodes, groups)
    except CycleError:
        return [{0: s} for s in nodes]


def _sorted(nodes: dict[int, Node], groups: list[Group]) -> list[Group]:
    groups.sort(key=lambda group: min(group.values()))
    number = {s: i for i, group in enumerate(groups) for s in group.values()}
    needed: dict[int, dict[int, None]] = {}
    for i, group in enumerate(groups):
        factors = (x for s in group.values() for x in nodes[s].factors())
        needed[i] = dict.fromkeys(number[x] for x in factors if x in number)
    return [groups[i] for i in TopologicalSorter(needed).static_order()]


class _Packs:
    def __init__(self, nodes: dict[int, Node]) -> None:
        self.nodes = nodes
        self.packs: list[Group] = []
        self.place: dict[Any, tuple[int, int]] = {}  # the pack and the lane of a slot

    def downward(self, parameters: set[Any], lanes: int) -> None:
        """From sums of the same parameters down to what they are made of."""
        alike: dict[Any, list[int]] = {}
        for s, node in self.nodes.items():
            marks = tuple(x for pair in node.terms for x in pair if x in parameters)
            if len(marks) > 1:
                alike.setdefault(marks, []).append(s)
        for members in alike.values():
            for k in range(0, len(members), lanes):
                part = dict(enumerate(members[k : k + lanes]))
                if len(part) > 1 and self.place.keys().isdisjoint(part.values()):
                    waiting = [self._join(part)]
                    for group in waiting:  # which grows
                        waiting += filter(None, map(self._join, self._operands(group)))

    def _operands(self, group: Group) -> Iterator[Group]:
        """The operands of nodes alike, place by place; some have fewer."""
        for factors in zip_longest(*(self.nodes[s].factors() for s in group.values())):
            yield {lane: x for lane, x in zip(group, factors) if x is not None}

    def _join(self, part: Group) -> Group:
        """The pack that these slots are in from now on; {} if they cannot be, or were already."""
        slots = set(part.values())
        at, _ = self.place.get(next(iter(part.values())), (-1, 0))
        if at >= 0 and self.packs[at].items() >= part.items():
            return {}  # as it mostly is
        if len(slots) < len(part) or not slots <= self.nodes.keys():
            return {}
        there = {self.place[s][0] for s in slots if s in self.place}
        at = there.pop() if there else len(self.packs)
        pack = self.packs[at] if at < len(self.packs) else {}
        if there or len({self.nodes[s].op for s in (*slots, *pack.values())}) > 1:
            return {}
        for lane, s in part.items():
            if pack.get(lane, s) != s or self.place.get(s, (at, lane)) != (at, lane):
                return {}
        if not pack:
            self.packs.append(pack)
        for lane, s in part.items():
            self._put(s, at, lane)
        return pack

    def _put(self, s: int, at: int, lane: int) -> None:
        self.packs[at][lane] = s
        self.place[s] = at, lane

    def upward(self, known: int) -> None:
        """Packs what is made of one lane, of the same packs; before `known`, any packs will do."""
        found: dict[Any, int] = {}
        for s, node in self.nodes.items():
            if s in self.place:
                continue
            factors = node.factors()
            places = [self.place.get(x) for x in factors]
            lanes = {at[1] for at in places if at}
            if len(lanes) == 1:
                (lane,) = lanes
                kinds = ((max(at[0], known),) if at else x for at, x in zip(places, factors))
                key = (node.op, *kinds)
                at = found.get(key, -1)
                if at < 0 or lane in self.packs[at]:
                    at = found[key] = len(self.packs)
                    self.packs.append({})
                self._put(s, at, lane)
