"""The forward pass as rows: of every node, or, where nodes are lanes, of those that are alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable
from typing import Any

from tinygrad_edu.native.lowering.form import ONE, Node
from tinygrad_edu.native.lowering.packs import Group
from tinygrad_edu.native.lowering.rows import Arena, Pair, Ref, Row, is_number
from tinygrad_edu.ops import div

__all__ = ["Lanes"]


class Lanes:
    """place: the row of each slot and its lane in it; at first, of what is given in rows.

    A node by itself is in lane 0, and the same in all lanes, for it is made of such rows, and of
    single lanes of others. Where a pack has no lane, its row has some number that does not count,
    but has to be finite: it is times 0 in the backward pass. quiet: rows of `silent` slots, whose
    nan the output may not show.
    """

    def __init__(
        self,
        arena: Arena,
        nodes: dict[int, Node],
        groups: Iterable[Group],
        given: dict[int, Row],
        silent: Container[int],
    ) -> None:
        self.arena, self.nodes, self.silent = arena, nodes, silent
        self.place: dict[Any, tuple[Row, int]] = {x: (row, 0) for x, row in given.items()}
        self.packs: set[Row] = set()
        self.lent: set[Row] = set()  # those of which others use single lanes
        self.tried: dict[Any, set[int]] = {}  # lanes in which a row is some operand of a row
        self.quiet: set[Row] = set()
        for group in groups:
            row = self._row(group)
            self.place |= {s: (row, lane) for lane, s in group.items()}
            if [*group] != [0]:
                self.packs.add(row)
            if any(s in silent for s in group.values()):
                self.quiet.add(row)

    def ref(self, x: Any) -> Ref:
        """A slot as the lane of its row, if it has one; anything else as it is."""
        if x not in self.place:
            return x
        self.lent.add(self.place[x][0])
        return self.place[x]

    def _row(self, group: Group) -> Row:
        members: dict[int, Node] = {lane: self.nodes[s] for lane, s in group.items()}
        (op, *_), *_ = members.values()
        if op is None:
            return self.arena.dots(*self._terms(members))
        columns = zip(*(node.operands for node in members.values()))
        operands = [self._refer(dict(zip(group, xs)), group) for xs in columns]
        if [*group] != [0] and op.safe is not None:
            for i in range(op is div, len(operands)):  # a quotient is finite by its second
                others = () if op is div else operands
                operands[i] = self._filled(operands[i], group, (op, i, *others))
        if any(s in self.silent for s in group.values()):  # as it is, for all depends on its nan
            return self.arena.make("operation", *map(self.arena.as_row, operands), op=op)
        return self.arena.as_row(self.arena.operation(op, *operands))

    def _filled(self, x: Ref, group: Group, kind: tuple[Any, ...]) -> Ref:
        """An operand that is harmless in lanes where this row has no node, as others may not be.

        kind: the operation, and what else decides whether it was found harmless before.
        """
        missing = {*range(self.arena.lanes)} - group.keys()
        tried, fill = self.tried.setdefault((*kind, x), set()), kind[0].safe
        if type(x) is not Row or missing <= tried:
            tried.update(group)
            return x
        terms: list[Pair] = [(self.arena.pattern(dict.fromkeys(group, ONE)), x)]
        if fill:  # and -0, to which anything can be added
            numbers = dict.fromkeys(group, (-0.0,)) | dict.fromkeys(missing, (fill,))
            terms.append((ONE, self.arena.pattern(numbers)))
        return self.arena.dots(*terms, once=True)

    def _key(self, x: Any, lane: int, members: Collection[int]) -> Any:
        """What a factor is in that lane: the row that it has a lane in there, or else itself.

        One lane by itself is used as others use it: then its row has adjoints of one kind.
        """
        row, at = self.place.get(x, (None, -1))
        if at != lane or (len(members) == 1 and row in (self.lent if lane else self.packs)):
            return x
        return row

    def _refer(self, group: Group, members: Collection[int]) -> Ref:
        """Factors for lanes as one that is the same in all, if they are, or as a row."""
        keys = {self._key(x, lane, group) for lane, x in group.items()}
        factors = set(group.values())
        for same in (keys, factors):
            if len(same) == 1:
                return self.ref(same.pop())
        if all(map(is_number, factors)):
            return self._pattern(group, members)
        sources = {lane: self.ref(x) for lane, x in group.items()}
        return self.arena.make("gather", *map(sources.get, range(self.arena.lanes)))

    def _terms(self, members: dict[int, Node]) -> list[Pair]:
        """The products of all lanes, brought together where they are of the same rows or slots.

        What is then in some lanes only goes with others that look alike.
        """
        keys = [
            [(self._key(x, lane, members), self._key(y, lane, members)) for x, y in node.terms]
            for lane, node in members.items()
        ]
        if all(mine == keys[0] for mine in keys):
            return [(self.ref(x), self.ref(y)) for x, y in keys[0]]
        products = zip(members, (node.terms for node in members.values()), keys)
        columns = _columns(
            (key, lane, p) for lane, ps, mine in products for p, key in zip(ps, mine)
        )
        for place, column in list(columns.items()):
            (key, i), (lane, (x, y)) = place, next(iter(column.items()))
            others = ((key[0], y), i), ((x, key[1]), i)  # the same in all, though a lane here
            for other in others if len(column) == 1 else ():
                if other != place and lane not in columns.get(other, {lane: None}):
                    columns[other] |= columns.pop(place)
                    break
        whole = [column for column in columns.values() if len(column) == len(members)]
        parts = [item for item in columns.items() if len(item[1]) < len(members)]
        shapes = (
            (tuple(k if type(k) is Row else type(k) for k in key), lane, product)
            for (key, _), column in parts
            for lane, product in column.items()
        )
        whole += _columns(shapes).values()
        return [self._term(column, members) for column in whole]

    def _term(self, column: Group, members: Collection[int]) -> Pair:
        """A product, which is 0 in those lanes of the members that have none."""
        xs, ys = ({lane: term[k] for lane, term in column.items()} for k in (0, 1))
        x, y = self._refer(xs, members), self._refer(ys, members)
        if len(column) == len(members) or "given" in {getattr(u, "kind", "") for u in (x, y)}:
            return x, y
        if is_number(x):
            return self._pattern(dict.fromkeys(column, x), members), y
        x, y = (y, x) if type(y) is Row else (x, y)
        ones = self._pattern(dict.fromkeys(column, ONE), members)
        return self.arena.dots((ones, x), once=True), y

    def _pattern(self, group: Group, members: Collection[int]) -> Row:
        """Numbers for lanes as a row, with 0 in those lanes of the members that have none."""
        some, zero = next(iter(group.values())), (0.0,)
        lanes = range(self.arena.lanes)
        return self.arena.pattern(
            {lane: group.get(lane, zero if lane in members else some) for lane in lanes}
        )


def _columns(products: Iterable[tuple[Any, int, Any]]) -> dict[Any, Group]:
    """Products by key, and how often this was there before in the lane; of each, by lane."""
    columns: dict[Any, Group] = {}
    seen: Counter[Any] = Counter()
    for key, lane, product in products:
        columns.setdefault((key, seen[key, lane]), {})[lane] = product
        seen[key, lane] += 1
    return columns
