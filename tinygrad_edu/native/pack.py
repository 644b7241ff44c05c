"""Lowering one example: what is alike in its graph goes in lanes.

What has no counterpart has a row to itself, the same in every lane. Nothing depends on luck:
whatever was found alike, each operand is looked up in its lane, or gathered from where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.native.form import ONE, Node, Product
from tinygrad_edu.native.lower import Lowering, Pair
from tinygrad_edu.native.machine import BLOCK
from tinygrad_edu.native.packs import Group, Packs, parts
from tinygrad_edu.native.rows import Row
from tinygrad_edu.tape import NOWHERE

Term = dict[int, Product]  # a product for each lane, of those that have one


class Packed(Lowering):
    """The lowering of one example, whose inputs are uniform, as parameters are."""

    def build(self) -> None:
        """A row for every pack, and for every node that is in none."""
        nodes = self.form.nodes
        found = Packs(self.form, self.tape, self.lanes)
        self.place, self.packs = found.place, found.packs
        self.made: dict[Any, Row] = {}  # rows that more than one may need
        self.row_of = {i: self.row("dots") for i, slots in enumerate(self.packs) if slots}
        self.packed_rows = set(self.row_of.values())
        self.summed = {}
        for g in self.gradients.values():
            free = g in nodes and g not in self.place and self.form.uses[g] == 1
            if free and (pairs := self.reduced(nodes[g])):
                self.summed[g] = pairs
        for s in nodes:
            if s not in self.place and s not in self.summed:
                self.rows[s] = self.row("dots")
        self._find_keys()
        for i, row in self.row_of.items():
            self.become(row, self.packed(self.packs[i]))
        for s, node in nodes.items():
            if s in self.rows:
                self.become(self.rows[s], self.alone(node))

    def become(self, shell: Row, row: Row) -> None:
        """Makes of a row that others know already what was found for it."""
        for name in ("kind", "op", "finish", "init", "other", "rr", "ur", "uu"):
            setattr(shell, name, getattr(row, name))
        del self.all[row]

    # -- sums over lanes

    def products(self, p: int, g: int) -> tuple[list[Pair], list[Row]]:
        """The products whose sum over all lanes the gradient is, [] if it is to be gathered."""
        return self.summed.get(g, []), []

    def turn(self, rows: Sequence[Row]) -> None:
        """Makes of SUMS of the same eight rows DOTS of those rows turned: a row for each lane."""
        alike: dict[Any, list[Row]] = {}
        for row in rows:
            if row.kind == "sums" and len(row.rr) == 1 and len(row.rr[0]) == self.lanes + 1 == 9:
                alike.setdefault(row.rr[0][1:], []).append(row)
        for others, same in alike.items():
            if len(same) > 2:
                turned = [self._turned(others, lane) for lane in range(BLOCK)]
                for row in same:
                    hub, row.kind, row.rr = row.rr[0][0], "dots", []
                    row.ur = [((hub, lane), x) for lane, x in enumerate(turned)]

    def _turned(self, others: tuple[Row, ...], lane: int) -> Row:
        if self.vectors > 1:
            return self._gathered([(x, lane) for x in others])
        row = self.row("turn")
        row.rr = [others]
        return row

    def tell(self, slots: Sequence[int]) -> None:
        """The outputs, where they are looked for."""
        row = self.row("gather", at=self.sums_at)
        row.init = [self.uniform(s) for s in slots]

    def reduced(self, node: Node) -> list[Pair]:
        """Pairs of rows whose products, added up over all lanes, are this sum; [] if none are."""
        lanes: dict[tuple[int, int], list[int]] = {}
        if node.op or node.finish:
            return []
        for sign, *factors in node.products:
            p, q = factors if factors[0] in self.place else factors[::-1]
            if sign < 0 or p not in self.place or (q not in self.place and q != ONE):
                return []
            pack, lane = self.place[p]
            other, there = self.place.get(q, (ONE, lane))
            if there != lane:
                return []
            lanes.setdefault((pack, other), []).append(lane)
        pairs = []
        for (pack, other), found in lanes.items():
            members = set(self.packs[pack])
            x, y = self.row_of[pack], self.filling(1.0)
            if other != ONE:
                members &= set(self.packs[other])
                y = self.row_of[other]
            if sorted(found) != sorted(members):
                return []
            if len(members) < self.lanes:  # what the others hold is not to count
                if other != ONE and set(self.packs[other]) == members:
                    y = self.cleaned(y, sorted(members))
                else:
                    x = self.cleaned(x, sorted(members))
            pairs.append((x, y))
        return pairs

    # -- rows the same in every lane

    def alone(self, node: Node) -> Row:
        """The row of a node that is in no pack."""
        if node.op:
            return self.operation(node, [self.spread(x) for x in node.operands])
        pairs = self.reduced(node)
        if len(pairs) == 1:
            row = self.row("sums")
            row.rr = [(pairs[0][0], *[pairs[0][1]] * self.lanes)]
            return row
        row = self.row("dots")
        for sign, p, q in node.products:
            x, y = (u if type(u) is float else self.uniform(u) for u in self.signed(sign, p, q))
            if q in self.rows:
                row.ur.append((x, self.rows[q]))
            elif p in self.rows:
                row.ur.append((y, self.rows[p]))
            else:
                row.uu.append((x, y))
        return self.finished(row, node, self.spread(node.other) if node.other != ONE else None)

    def spread(self, s: int) -> Row:
        """A slot as a row that is the same in every lane."""
        return self.gather(dict.fromkeys(range(self.lanes), s)) if s in self.place else self.of(s)

    def uniform(self, slot: int) -> Any:
        """A uniform number: a slot, or a lane of a row."""
        if slot in self.place:
            pack, lane = self.place[slot]
            return self.row_of[pack], lane
        return super().uniform(slot)

    # -- rows of packs

    def packed(self, group: Group) -> Row:
        """The row of a pack."""
        nodes = {lane: self.form.nodes[s] for lane, s in group.items()}
        some = next(iter(nodes.values()))
        if some.op:
            operands = [self.as_row(self.refer(part)) for part in parts(self.form.nodes, group)]
            return self.operation(some, operands)
        if row := self._sums_of(nodes):
            return row
        row = self.row("dots")
        fixed = dict.fromkeys(group, 0.0)
        for key, term in self.aligned(nodes):
            self.add(row, fixed, key, term, group)
        if len(set(fixed.values())) > 1:
            row.ur.append((1.0, self.per_lane(fixed)))
        elif any(fixed.values()):
            row.init = next(iter(fixed.values()))
        other = None
        if some.other != ONE:
            other = self.as_row(self.refer({lane: node.other for lane, node in nodes.items()}))
        return self.finished(row, some, other)

    def _sums_of(self, nodes: dict[int, Node]) -> Row | None:
        """A row of SUMS, if each lane is one, of products with the same row."""
        if all(len(node.products) == 1 for node in nodes.values()):
            return None
        pairs = {lane: self.reduced(node) for lane, node in nodes.items()}
        if any(len(found) != 1 for found in pairs.values()):
            return None
        first, zero = next(iter(pairs.values()))[0], self.filling(0.0)
        for hub in first:
            if all(hub in pair for (pair,) in pairs.values()):
                row, others = self.row("sums"), [zero] * self.lanes
                for lane, ((x, y),) in pairs.items():
                    others[lane] = y if x is hub else x
                row.rr = [(hub, *others)]
                return row
        return None

    def _find_keys(self) -> None:
        """Of each factor of all products: its pack, as -2 - pack, if in the lane of its sum."""
        pack_of, lane_of = (np.full(len(self.tape) + 1, NOWHERE) for _ in range(2))
        for s, (pack, lane) in self.place.items():
            pack_of[s], lane_of[s] = pack, lane
            if s in self.form.fused:
                lane_of[self.form.fused[s]] = lane
        lanes = lane_of[self.form.root]
        self.keys = [
            np.where((pack_of[x] >= 0) & (lane_of[x] == lanes), -2 - pack_of[x], x).tolist()
            for x in (self.form.p, self.form.q)
        ]

    def aligned(self, nodes: dict[int, Node]) -> list[tuple[Any, Term]]:
        """The products of all lanes, brought together where they are of the same packs or slots.

        Beside the products, the keys of their factors, if these are the same in all lanes.
        """
        keys: list[Any] = []
        terms: list[Term] = []
        for lane, node in nodes.items():
            end = node.begin + len(node.products)
            mine = list(zip(*(column[node.begin : end] for column in self.keys)))
            common = min(len(mine), len(keys))
            signs = [next(iter(term.values()))[0] for term in terms]
            first = [product[0] for product in node.products[:common]]
            if mine[:common] == keys[:common] and signs[:common] == first:
                for term, product in zip(terms, node.products):
                    term[lane] = product
                keys += mine[common:]
                terms += [{lane: product} for product in node.products[common:]]
                continue
            known = {(key, signs[t]): t for t, key in enumerate(keys)}
            free = dict.fromkeys(range(len(terms)))
            for product, key in zip(node.products, mine):
                t = known.get((key, product[0]), NOWHERE)  # which it nearly always is
                if t not in free:
                    t = next((t for t in free if self.fits(terms[t], lane, product)), NOWHERE)
                if t >= 0:
                    del free[t]
                    terms[t][lane] = product
                    keys[t] = key if keys[t] == key else None
                else:
                    terms.append({lane: product})
                    keys.append(key)
        return list(zip(keys, terms))

    def fits(self, term: Term, lane: int, product: Product) -> bool:
        """Whether the product goes with those of other lanes."""
        alike = 0
        for k in (1, 2):
            s = int(product[k])
            others = {i: int(other[k]) for i, other in term.items()}
            same = all(s == other for other in others.values())
            pack, mine = self.place.get(s, (NOWHERE, NOWHERE))
            packed = mine == lane and all(self.place.get(x) == (pack, i) for i, x in others.items())
            alike += same or packed
            if not (same or packed or all(x not in self.form.nodes for x in (s, *others.values()))):
                return False
        return alike > 0 and all(product[0] == other[0] for other in term.values())

    def add(self, row: Row, fixed: dict[int, float], key: Any, term: Term, group: Group) -> None:
        """Adds a product, in the lanes that have it, to the row; to `fixed`, if it is a number."""
        sign, p, q = next(iter(term.values()))
        if key and sign > 0 and (self.number(p) is None or self.number(q) is None):
            x, y = (self.row_of[-2 - k] if k < ONE else self.uniform(k) for k in key)
        else:
            ps, qs = ({lane: int(x[k]) for lane, x in term.items()} for k in (1, 2))
            a, b = ({lane: self.number(s) for lane, s in slots.items()} for slots in (ps, qs))
            if None not in a.values() and None not in b.values():
                for lane in term:
                    fixed[lane] += sign * (a[lane] or 0.0) * (b[lane] or 0.0)
                return
            x, y = self.refer(ps), self.refer(qs)
            if sign < 0:  # one factor is a constant
                x, numbers = (x, b) if None in a.values() else (y, a)
                y = self.per_lane({lane: -(n or 0.0) for lane, n in numbers.items()})
        missing = [lane for lane in group if lane not in term]
        if missing and not self.zero(x, missing) and not self.zero(y, missing):
            if x in self.packed_rows:
                x = self.cleaned(x, term)
            elif y in self.packed_rows:
                y = self.cleaned(y, term)
            else:
                x = self.as_row(x, term)
        if type(x) is Row and type(y) is Row:
            row.rr.append((x, y))
        elif type(x) is Row or type(y) is Row:
            row.ur.append((y, x) if type(x) is Row else (x, y))
        else:
            row.uu.append((x, y))

    # -- operands of packs

    def refer(self, group: Group) -> Any:
        """Slots for lanes as a uniform number, if they are one, or as a row."""
        places = {lane: self.place.get(s) for lane, s in group.items()}
        packs = {at[0] if at and at[1] == lane else NOWHERE for lane, at in places.items()}
        if len(set(group.values())) == 1 and (len(group) > 1 or packs == {NOWHERE}):
            return self.uniform(next(iter(group.values())))
        if len(packs) == 1 and packs != {NOWHERE}:
            return self.row_of[packs.pop()]
        numbers = {lane: self.number(s) for lane, s in group.items()}
        if None not in numbers.values():
            return self.per_lane({lane: x or 0.0 for lane, x in numbers.items()})
        return self.gather(group)

    def per_lane(self, numbers: dict[int, float]) -> Any:
        """Numbers for lanes as one, if they are, or as a row, with 0 in other lanes."""
        if len(set(numbers.values())) == 1:
            return next(iter(numbers.values()))
        lanes = tuple(numbers.get(lane, 0.0) for lane in range(self.lanes))
        if lanes not in self.made:
            self.made[lanes] = self.pattern(list(lanes))
        return self.made[lanes]

    def zero(self, x: Any, lanes: Sequence[int]) -> bool:
        """Whether it is a row that is made of numbers, which are 0 in these lanes."""
        if type(x) is not Row or type(x.init) is not list:
            return False
        return all(type(x.init[i]) is float and x.init[i] == 0.0 for i in lanes)

    def cleaned(self, row: Row, lanes: Iterable[int]) -> Row:
        """The row with 0 in all other lanes, whatever was there."""
        key = (row, *lanes)
        if key not in self.made:
            ones = tuple(float(lane in key[1:]) for lane in range(self.lanes))
            if ones not in self.made:
                self.made[ones] = self.pattern(list(ones))
            self.made[key] = self._op("mask", self.made[ones], row)
        return self.made[key]

    def as_row(self, x: Any, lanes: Iterable[int] = ()) -> Row:
        """A uniform number as a row, in every lane, or in these and 0 elsewhere."""
        if type(x) is Row:
            return x
        number = x if type(x) is float else self.number(x) if type(x) is int else None
        if not lanes and number is not None:
            return self.filling(number)
        if not lanes and type(x) is tuple and x[0] not in self.packed_rows:
            row: Row = x[0]
            return row
        within = list(lanes) or range(self.lanes)
        return self._gathered([x if lane in within else 0.0 for lane in range(self.lanes)])

    def gather(self, group: Group) -> Row:
        """A row of these slots, from where they are; 0 in other lanes."""
        lanes = range(self.lanes)
        return self._gathered([self.uniform(group[i]) if i in group else 0.0 for i in lanes])

    def _gathered(self, sources: list[Any]) -> Row:
        key = ("gather", *((type(u), u) for u in sources))  # slot 0 is not the number 0.0
        if key not in self.made:
            self.made[key] = self.row("gather")
            self.made[key].init = sources
        return self.made[key]
