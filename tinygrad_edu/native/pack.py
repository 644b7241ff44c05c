"""Lowering one example: what is alike in its graph, such as the positions of a text, goes in lanes.

Sums with the same parameters are the same sum of other things: such sums become lanes of one pack,
in order, and so, place by place, do the things that they are sums of. The adjoint of a lane is in
that lane. What has no counterpart has a row to itself, the same in every lane. Nothing depends on
luck: whatever was found, each operand is looked up in its lane, or gathered from where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.native.lower import ONE, Form, Lowering, Node, Row
from tinygrad_edu.tape import NOWHERE, Tape

Group = dict[int, int]  # a slot for each lane, of those that have one


class Packs:
    """`packs`, each a Group, and `place`: the pack and the lane of a slot."""

    def __init__(self, form: Form, tape: Tape, lanes: int) -> None:
        self.lanes = lanes  # of a row: a pack has no more
        self.form, self.tape, self.nodes = form, tape, form.nodes
        self.packs: list[Group] = []
        self.place: dict[int, tuple[int, int]] = {}
        self._forward()
        if self.packs:
            self._upward()

    def kind(self, s: int) -> tuple[str, str]:
        node = self.nodes[s]
        return node.op, node.finish

    def _open(self, group: Group) -> None:
        for lane, s in group.items():
            self.place[s] = len(self.packs), lane
        self.packs.append(group)

    def _forward(self) -> None:
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
                    self._open(dict(enumerate(part)))
                    self._downward([self.packs[-1]])

    def _downward(self, waiting: list[Group]) -> None:
        for group in waiting:  # which grows
            for part in parts(self.nodes, group):
                if new := self._join(part):
                    waiting.append(new)

    def _join(self, part: Group) -> Group:
        """The pack that these slots are in now, if some of them were in none."""
        slots = set(part.values())
        if len(slots) < len(part) or not all(s in self.nodes for s in slots):
            return {}
        there = {self.place[s][0] for s in slots if s in self.place}
        pack = self.packs[there.pop()] if there else {}
        if there or len({*map(self.kind, [*slots, *pack.values()])}) > 1:
            return {}
        if any(pack.get(lane, s) != s or self.place.get(s, (0, lane))[1] != lane for lane, s in part.items()):
            return {}
        if pack.items() >= part.items():
            return {}
        if not pack:
            self._open(part)
            return part
        at = self.packs.index(pack)
        for lane, s in part.items():
            pack[lane] = s
            self.place[s] = at, lane
        return pack

    def _upward(self) -> None:
        """What is made of lanes of the same packs, and adjoints of lanes of the same pack."""
        adjoint_of: dict[int, list[int]] = {}
        for s, adjoint in self.tape.adjoints.items():
            adjoint_of.setdefault(adjoint, []).append(s)
        found: dict[Any, int] = {}
        for s in self.nodes:
            if s in self.place:
                continue
            found_in = adjoint_of.get(s) or adjoint_of.get(self.form.fused.get(s, ONE), [])
            linked = [x for x in found_in if x in self.place]
            if linked:
                pack, lane = self.place[max(linked)]  # a sum has the adjoints of its parts
                key: Any = ("adjoint", pack, self.kind(s))
            else:
                node = self.nodes[s]
                operands = [*node.operands, node.other]
                operands += [x for _, p, q in node.products for x in (p, q)]
                places = [self.place.get(x) for x in operands]
                lanes = {place[1] for place in places if place}
                if len(lanes) != 1:
                    continue
                (lane,) = lanes
                key = (self.kind(s), *(y[0] if y else -2 - x for x, y in zip(operands, places)))
            pack = found.get(key, -1)
            if pack < 0 or lane in self.packs[pack]:
                found[key] = pack = len(self.packs)
                self.packs.append({})
            self.packs[pack][lane] = s
            self.place[s] = pack, lane


def parts(nodes: dict[int, Node], group: Group) -> Iterable[Group]:
    """The operands, place by place, of a group of nodes alike; some have fewer."""
    members = {lane: nodes[s] for lane, s in group.items()}
    some = next(iter(members.values()))
    for i in range(len(some.operands)):
        yield {lane: node.operands[i] for lane, node in members.items()}
    for i in range(max(len(node.products) for node in members.values())):
        for factor in (1, 2):
            yield {
                lane: int(node.products[i][factor])
                for lane, node in members.items()
                if i < len(node.products)
            }
    if some.finish.startswith("times"):
        yield {lane: node.other for lane, node in members.items()}


class Packed(Lowering):
    """The lowering of one example, whose inputs are uniform, as parameters are."""

    def build(self, form: Form) -> None:
        self.found = Packs(form, self.tape, self.lanes)
        self.place, self.packs = self.found.place, self.found.packs
        self.gathered: dict[Any, Row] = {}
        n = len(self.tape)
        pack_of, lane_of = np.full(n + 1, NOWHERE), np.full(n + 1, NOWHERE)
        for s, (pack, lane) in self.place.items():
            pack_of[s], lane_of[s] = pack, lane
            if s in form.fused:
                lane_of[form.fused[s]] = lane
        self.keys = [  # of each factor: its pack, as -2 - pack, if it is in the lane of the sum
            np.where((pack_of[x] >= 0) & (lane_of[x] == lane_of[form.root]), -2 - pack_of[x], x).tolist()
            for x in (form.p, form.q)
        ]
        self.of_pack = {i: self.row("dots") for i in range(len(self.packs))}
        self.summed = {
            g: pairs
            for g in self.gradient_slots
            if g in form.nodes and g not in self.place and form.uses[g] == 1
            and (pairs := self.reduced(form.nodes[g]))
        }
        for s in form.nodes:
            if s not in self.place and s not in self.summed:
                self.rows[s] = self.row("dots")
        for i, row in self.of_pack.items():
            self.become(row, self.packed(self.packs[i]))
        for s, node in form.nodes.items():
            if s in self.rows:
                self.become(self.rows[s], self.alone(node))

    def become(self, shell: Row, row: Row) -> None:
        """Makes of a row that is known already what was found for it."""
        for name in ("kind", "op", "finish", "init", "other", "rr", "ur", "uu"):
            setattr(shell, name, getattr(row, name))
        del self.all[row]

    def spread(self, s: int) -> Row:
        """A slot as a row that is the same in every lane."""
        if s in self.place:
            return self.gather(dict.fromkeys(range(self.lanes), s))
        return self.of(s)

    def products(self, p: int, g: int) -> tuple[list[tuple[Row, Row]], list[Row]]:
        return self.summed.get(g, []), []

    def turn(self) -> None:
        """Makes of SUMS of the same eight rows DOTS of those rows turned: a row for each lane."""
        alike: dict[Any, list[Row]] = {}
        for row in self.all:
            if row.kind == "sums" and len(row.rr) == 1 and len(row.rr[0]) == self.lanes + 1 == 9:
                alike.setdefault(row.rr[0][1:], []).append(row)
        for others, rows in alike.items():
            if len(rows) > 2:
                turned = [self._gathered([(x, lane) for x in others]) for lane in range(self.lanes)]
                for row in rows:
                    hub, row.kind, row.rr = row.rr[0][0], "dots", []
                    row.ur = [((hub, lane), x) for lane, x in enumerate(turned)]

    def tell(self, slots: Sequence[int]) -> None:
        self.turn()
        row = self.row("gather")
        row.init = [self.uniform(s) for s in slots]
        row.at = self.sums_at
        sums = [row for row in self.all if row.kind == "sums" and row.at < 0]
        at = self.take(len(sums) * self.lanes)
        for i, row in enumerate(sums):  # after the gradients, because they too begin at 0
            row.at = at + i * self.lanes

    def uniform(self, s: int) -> Any:
        if s in self.place:
            pack, lane = self.place[s]
            return self.of_pack[pack], lane
        return (self.rows[s], 0) if s in self.rows else s

    def alone(self, node: Node) -> Row:
        """A row the same in every lane."""
        if node.op:
            return self.operation(node, [self.spread(x) for x in node.operands])
        pairs = self.reduced(node)
        if pairs and len(pairs) == 1 and not node.finish:
            row = self.row("sums")
            row.rr = [(pairs[0][0], *[pairs[0][1]] * self.lanes)]
            return row
        terms = []
        for sign, p, q in node.products:
            a, b = self.number(p), self.number(q)
            if sign < 0:
                p, q = (p, -b) if b is not None else (-a, q)  # type: ignore[operator, assignment]
            terms.append((p, q))
        row = self.row("dots")
        for p, q in terms:
            x, y = (u if type(u) is float else self.uniform(u) for u in (p, q))
            if type(y) is tuple and y[1] == 0 and y[0].kind != "sums" and q in self.rows:
                row.ur.append((x, y[0]))
            elif type(x) is tuple and p in self.rows:
                row.ur.append((y, x[0]))
            else:
                row.uu.append((x, y))
        return self.finished(row, node, node.finish.startswith("times") and self.spread(node.other))

    def packed(self, group: Group) -> Row:
        """The row of a pack."""
        nodes = {lane: self.form.nodes[s] for lane, s in group.items()}
        some = next(iter(nodes.values()))
        if some.op:
            operands = [self.as_row(self.refer(part)) for part in parts(self.form.nodes, group)]
            return self.operation(some, operands)
        pairs = {lane: self.reduced(node) for lane, node in nodes.items()}
        if not some.finish and all(found and len(found) == 1 for found in pairs.values()):
            lists = [found[0] for found in pairs.values()]  # type: ignore[index]
            hubs = [x for x in lists[0] if all(x in pair for pair in lists)]
            if hubs and any(len(node.products) > 1 for node in nodes.values()):
                row, zero = self.row("sums"), self.filling(0.0)
                row.rr = [
                    (hubs[0], *(
                        _other(pairs[lane][0], hubs[0]) if lane in pairs else zero  # type: ignore[index]
                        for lane in range(self.lanes)
                    ))
                ]
                return row
        row = self.row("dots")
        fixed = dict.fromkeys(group, 0.0)
        for key, term in self.aligned(nodes):
            self.product(row, fixed, key, term, group)
        if any(fixed.values()):
            if len(set(fixed.values())) == 1:
                row.init = fixed[next(iter(fixed))]
            else:
                row.ur.append((1.0, self.pattern(fixed)))
        other = None
        if some.finish.startswith("times"):
            other = self.as_row(self.refer({lane: node.other for lane, node in nodes.items()}))
        return self.finished(row, some, other)

    def aligned(self, nodes: dict[int, Node]) -> list[tuple[Any, dict[int, Any]]]:
        """The products of all lanes, brought together where they are of the same packs or slots.

        Beside the products, the keys of their factors, if these are the same in all lanes.
        """
        keys: list[Any] = []
        terms: list[dict[int, Any]] = []
        for lane, node in nodes.items():
            begin, end = node.begin, node.begin + len(node.products)
            mine = list(zip(self.keys[0][begin:end], self.keys[1][begin:end]))
            common = min(len(mine), len(keys))
            if mine[:common] == keys[:common] and all(
                next(iter(term.values()))[0] == product[0] for term, product in zip(terms, node.products)
            ):
                for term, product in zip(terms, node.products):
                    term[lane] = product
                keys += mine[common:]
                terms += [{lane: product} for product in node.products[common:]]
                continue
            free = list(range(len(terms)))
            for product, key in zip(node.products, mine):
                t = next((t for t in free if self.fits(terms[t], lane, product)), NOWHERE)
                if t >= 0:
                    free.remove(t)
                    terms[t][lane] = product
                    keys[t] = key if keys[t] == key else None
                else:
                    terms.append({lane: product})
                    keys.append(key)
        return list(zip(keys, terms))

    def fits(self, term: dict[int, Any], lane: int, product: tuple[float, int, int]) -> bool:
        sign, *factors = product
        if any(sign != other[0] for other in term.values()):
            return False
        alike = 0
        for k, s in enumerate(factors, 1):
            others = {l: other[k] for l, other in term.items()}
            same = all(s == other for other in others.values())
            pack, mine = self.place.get(s, (NOWHERE, 0))
            pack = pack if mine == lane else NOWHERE
            packed = pack >= 0 and all(self.place.get(x) == (pack, l) for l, x in others.items())
            constant = self.number(s) is not None and all(
                self.number(x) is not None for x in others.values()
            )
            if not (same or packed or constant):
                leaf = s not in self.form.nodes and all(x not in self.form.nodes for x in others.values())
                if not leaf:
                    return False
            alike += same or packed
        return alike > 0

    def product(
        self, row: Row, fixed: dict[int, float], key: Any, term: dict[int, Any], group: Group
    ) -> None:
        """Adds a product, in the lanes that have it, to the row."""
        x: Any
        y: Any
        sign, p, q = next(iter(term.values()))
        if key and sign > 0 and (self.number(p) is None or self.number(q) is None):
            x, y = (
                self.of_pack[-2 - k] if k < ONE else self.uniform(k) for k in key
            )
        else:
            ps, qs = ({lane: product[k] for lane, product in term.items()} for k in (1, 2))
            numbers = [{lane: self.number(s) for lane, s in slots.items()} for slots in (ps, qs)]
            a, b = (all(x is not None for x in n.values()) for n in numbers)
            if a and b:
                for lane in term:
                    fixed[lane] += sign * numbers[0][lane] * numbers[1][lane]  # type: ignore[operator]
                return
            x, y = self.refer(ps), self.refer(qs)
            if sign < 0:
                known, x = (numbers[0], y) if a else (numbers[1], x)
                y = self.values({lane: -n for lane, n in known.items()})  # type: ignore[operator]
        missing = [lane for lane in group if lane not in term]
        if missing and not self.zero(x, missing) and not self.zero(y, missing):
            if type(x) is Row and x in self.of_pack.values():
                x = self.cleaned(x, term)
            elif type(y) is Row and y in self.of_pack.values():
                y = self.cleaned(y, term)
            else:
                x = self.as_row(x, term)
        if type(x) is Row and type(y) is Row:
            row.rr.append((x, y))
        elif type(x) is Row or type(y) is Row:
            row.ur.append((y, x) if type(x) is Row else (x, y))
        else:
            row.uu.append((x, y))

    def zero(self, x: Any, lanes: Sequence[int]) -> bool:
        """Whether it is a row that is gathered, with zeros in these lanes."""
        if type(x) is not Row or type(x.init) is not list:
            return False
        return all(type(x.init[lane]) is float and x.init[lane] == 0.0 for lane in lanes)

    def cleaned(self, row: Row, lanes: Iterable[int]) -> Row:
        """The row with 0 in all other lanes, whatever was there."""
        key = (row, *lanes)
        if key not in self.gathered:
            clean = self.gathered[key] = self.row("rows", "mask")
            clean.rr = [(self.pattern(dict.fromkeys(lanes, 1.0)), row)]
        return self.gathered[key]

    def pattern(self, values: dict[int, float]) -> Row:
        """A row of these numbers, there from the start; 0 in other lanes."""
        key = tuple(values.get(lane, 0.0) for lane in range(self.lanes))
        if key not in self.gathered:
            row = self.gathered[key] = Row("given")
            row.at = self.take(self.lanes)
            self.numbers |= {row.at + i: x for i, x in enumerate(key)}
            row.init = list(key)
        return self.gathered[key]

    def values(self, values: dict[int, float]) -> Any:
        """The numbers as one, or as a row."""
        some = set(values.values())
        return some.pop() if len(some) == 1 else self.pattern(values)

    def refer(self, group: Group) -> Any:
        """Slots for lanes as a uniform number, if they are one, or as a row."""
        slots = set(group.values())
        alone = len(group) == 1 and self.place.get(*slots, (0, -1))[1] in group  # in its own lane
        if len(slots) == 1 and not alone:
            return self.uniform(slots.pop())
        places = {self.place.get(s, (NOWHERE, 0)) for s in slots}
        packs = {pack for pack, _ in places}
        if len(packs) == 1 and all(self.place.get(s, ("", 0))[1] == lane for lane, s in group.items()):
            (pack,) = packs
            if pack >= 0:
                return self.of_pack[pack]
        numbers = {lane: self.number(s) for lane, s in group.items()}
        if all(x is not None for x in numbers.values()):
            return self.values(numbers)  # type: ignore[arg-type]
        return self.gather(group)

    def as_row(self, x: Any, lanes: Iterable[int] = ()) -> Row:
        """A uniform number as a row, in every lane or in these."""
        if type(x) is Row:
            return x
        within = list(lanes) or list(range(self.lanes))
        number = x if type(x) is float else self.number(x) if type(x) is int else None
        if number is not None:
            return self.pattern(dict.fromkeys(within, number))
        if type(x) is tuple and not lanes and x[1] == 0 and x[0] not in self.of_pack.values():
            return x[0]
        return self._gathered([x if lane in within else 0.0 for lane in range(self.lanes)])

    def gather(self, group: Group) -> Row:
        return self._gathered(
            [self.uniform(group[lane]) if lane in group else 0.0 for lane in range(self.lanes)]
        )

    def _gathered(self, sources: list[Any]) -> Row:
        key = ("gather", *((type(u), u) for u in sources))  # slot 0 is not the number 0.0
        if key not in self.gathered:
            row = self.gathered[key] = self.row("gather")
            row.init = sources
        return self.gathered[key]

    def reduced(self, node: Node) -> list[tuple[Row, Row]]:
        """Pairs of rows whose products, summed over all lanes, are this sum; [] if there are none."""
        lanes: dict[Any, list[int]] = {}
        if node.op or node.finish:
            return []
        for sign, p, q in node.products:
            if sign < 0 or p not in self.place:
                p, q = q, p
            if sign < 0 or p not in self.place:
                return []
            pack, lane = self.place[p]
            other, there = self.place.get(q, (q, lane))
            if there != lane or (q not in self.place and q != ONE):
                return []
            lanes.setdefault((pack, other), []).append(lane)
        pairs = []
        for (pack, other), found in lanes.items():
            members = set(self.packs[pack])
            if other != ONE:
                members &= set(self.packs[other])
            if sorted(found) != sorted(members):
                return []
            x = self.of_pack[pack]
            y = self.filling(1.0) if other == ONE else self.of_pack[other]
            if len(members) < self.lanes:  # the others count as 0, in the row that lacks them too
                if other != ONE and set(self.packs[other]) == members:
                    y = self.cleaned(y, sorted(members))
                else:
                    x = self.cleaned(x, sorted(members))
            pairs.append((x, y))
        return pairs


def _other(pair: tuple[Row, Row], hub: Row) -> Row:
    return pair[1] if pair[0] is hub else pair[0]
