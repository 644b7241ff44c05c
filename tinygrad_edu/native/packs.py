"""What is alike in one graph, such as the positions of a text: slots side by side, in packs.

Sums with the same parameters are the same sum of other things: such sums are lanes of one pack, in
order, and so, place by place, are the things that they are sums of. What is made of the same packs
in one lane is in that lane; so is the adjoint of a lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.native.form import ONE, Form, Node
from tinygrad_edu.tape import NOWHERE, Tape

Group = dict[int, int]  # a slot for each lane, of those that have one


class Packs:
    """`packs`, each a Group, and `place`: the pack and the lane of a slot."""

    def __init__(self, form: Form, tape: Tape, lanes: int) -> None:
        self.form, self.tape, self.nodes, self.lanes = form, tape, form.nodes, lanes
        self.packs: list[Group] = []
        self.place: dict[int, tuple[int, int]] = {}
        self._downward()
        if self.packs:
            self._upward()

    def kind(self, s: int) -> tuple[str, str]:
        return self.nodes[s].op, self.nodes[s].finish

    def _downward(self) -> None:
        """From sums of the same parameters down to what they are made of."""
        leaf, p, q = np.append(self.form.leaf, False), self.form.p, self.form.q
        marks = np.where(leaf[p], p, np.where(leaf[q], q, NOWHERE))
        counts = np.append(0, np.cumsum(marks >= 0)).tolist()
        alike: dict[Any, list[int]] = {}
        for s, node in self.nodes.items():
            begin, end = node.begin, node.begin + len(node.products)
            if s < self.tape.forward and counts[end] - counts[begin] > 1:
                alike.setdefault((node.finish, marks[begin:end].tobytes()), []).append(s)
        for members in alike.values():
            for k in range(0, len(members), self.lanes):
                part = members[k : k + self.lanes]
                if len(part) > 1 and not any(s in self.place for s in part):
                    waiting = [self._open(dict(enumerate(part)))]
                    for group in waiting:  # which grows
                        for operands in parts(self.nodes, group):
                            if new := self._join(operands):
                                waiting.append(new)

    def _open(self, group: Group) -> Group:
        for lane, s in group.items():
            self.place[s] = len(self.packs), lane
        self.packs.append(group)
        return group

    def _join(self, part: Group) -> Group:
        """The pack that these slots are in now, if some of them were in none."""
        some = next(iter(part.values()))
        known = self.place.get(some)
        if some not in self.nodes or (known and self.packs[known[0]].items() >= part.items()):
            return {}  # as it mostly is
        slots = set(part.values())
        if len(slots) < len(part) or not all(s in self.nodes for s in slots):
            return {}
        there = {self.place[s][0] for s in slots if s in self.place}
        at = there.pop() if there else NOWHERE
        pack = self.packs[at] if at >= 0 else {}
        if there or len({*map(self.kind, [*slots, *pack.values()])}) > 1:
            return {}
        for lane, s in part.items():
            if pack.get(lane, s) != s or self.place.get(s, (at, lane))[1] != lane:
                return {}
        if at < 0:
            return self._open(part)
        for lane, s in part.items():
            pack[lane] = s
            self.place[s] = at, lane
        return pack

    def _upward(self) -> None:
        """What is made of lanes of the same packs, and adjoints of lanes of the same pack.

        In the forward pass, what then is alone is looked at again: there, lanes of any packs do.
        """
        forward = [s for s in self.nodes if s < self.tape.forward]
        before = len(self.packs)
        self._rise(forward, {}, 0)
        for pack in self.packs[before:]:
            if len(pack) == 1:
                del self.place[pack.popitem()[1]]
        self._rise(forward, {}, len(self.packs))
        adjoint_of: dict[int, list[int]] = {}
        for s, adjoint in self.tape.adjoints.items():
            adjoint_of.setdefault(adjoint, []).append(s)
        self._rise([s for s in self.nodes if s >= self.tape.forward], adjoint_of, 0)

    def _rise(self, slots: Sequence[int], adjoint_of: dict[int, list[int]], told: int) -> None:
        """Packs slots whose operands are in one lane.

        told: the pack from which on it counts which pack an operand is in.
        """
        found: dict[Any, int] = {}
        place = self.place
        for s in slots:
            if s in place:
                continue
            of = adjoint_of.get(s) or adjoint_of.get(self.form.fused.get(s, ONE), [])
            linked = [x for x in of if x in place]
            if linked:
                pack, lane = place[max(linked)]  # a sum has the adjoints of its parts
                key: Any = ("adjoint", pack, self.kind(s))
            else:
                node = self.nodes[s]
                operands = [*node.operands, node.other]
                operands += [x for _, p, q in node.products for x in (p, q)]
                places = [place.get(x) for x in operands]
                lanes = {at[1] for at in places if at}
                if len(lanes) != 1:
                    continue
                (lane,) = lanes
                key = (
                    self.kind(s),
                    *(
                        (at[0] if at[0] >= told else 0) if at else -2 - x
                        for x, at in zip(operands, places)
                    ),
                )
            pack = found.get(key, NOWHERE)
            if pack < 0 or lane in self.packs[pack]:
                found[key] = pack = len(self.packs)
                self.packs.append({})
            self.packs[pack][lane] = s
            place[s] = pack, lane


def parts(nodes: dict[int, Node], group: Group) -> Iterator[Group]:
    """The operands, place by place, of a group of nodes alike; some have fewer."""
    members = {lane: nodes[s] for lane, s in group.items()}
    some = next(iter(members.values()))
    for i in range(len(some.operands)):
        yield {lane: node.operands[i] for lane, node in members.items()}
    for i in range(max(len(node.products) for node in members.values())):
        having = {
            lane: node.products[i] for lane, node in members.items() if i < len(node.products)
        }
        yield {lane: p for lane, (_, p, _) in having.items()}
        yield {lane: q for lane, (_, _, q) in having.items()}
    if some.other != ONE:
        yield {lane: node.other for lane, node in members.items()}
