"""Pass 3, normal form to row program: the forward pass, with a row for each group of nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from tinygrad_edu.compiler.native.lowering.lane_sums import LaneSum, sums_by_lane
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Apply,
    Beside,
    Call,
    Dots,
    Factor,
    Gather,
    Group,
    Lane,
    Node,
    Number,
    Operand,
    Pattern,
    Product,
    Row,
    Slot,
    Sum,
    Term,
    Total,
)
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.ops import div
from tinygrad_edu.rows.op import Op

__all__ = ["Forward", "forward"]

Key: TypeAlias = Row | Slot | Number  # factors that can be one operand have equal keys; see `_key`
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Forward:
    """The program of the forward pass, and the places of its results.

    places: for each slot, the lane that has its number. A node that is in no pack has the same
    number in all lanes, because each of its operands has the same number in all lanes; its place is
    lane 0. absorbed: rows of slots whose nan could be absorbed before the output.
    """

    program: RowProgram
    places: Mapping[Factor, Lane]
    absorbed: Collection[Row]

    def operand(self, s: Slot) -> Slot | Lane:
        """Returns the lane that has the number of a slot; the slot itself if it has no row."""
        return self.places.get(s, s)


def forward(
    nodes: Mapping[int, Node],
    groups: Iterable[Group],
    program: RowProgram,
    inputs: Mapping[Factor, Lane],
    absorbed: set[int],
    packs: Iterable[Row] = (),
) -> Forward:
    """Returns the program with a row for each group.

    inputs: the places of slots that have one before: lane 0 stands for all lanes of a slot that
    differs from example to example. absorbed: slots whose nan could be absorbed before the output
    (`tape.hidden`). packs: rows of `inputs` whose lanes hold different slots.
    """
    return _Forward(nodes, program, inputs, absorbed, packs).run(groups)


class _Forward:
    """The state of the pass.

    packs: rows of packs. lent: rows that lent a single lane to another row. tried: for an operation
    on given operands, the lanes in which it was applied before (see `_filled`).
    """

    def __init__(
        self,
        nodes: Mapping[int, Node],
        program: RowProgram,
        inputs: Mapping[Factor, Lane],
        absorbed: set[int],
        packs: Iterable[Row],
    ) -> None:
        self.writer, self.nodes, self.absorbed = Writer(program), nodes, absorbed
        self.places: dict[Factor, Lane] = dict(inputs)
        self.packs = set(packs)
        self.lent: set[Row] = set()
        self.tried: dict[Hashable, set[int]] = {}

    def run(self, groups: Iterable[Group]) -> Forward:
        rows: set[Row] = set()
        for group in groups:
            row = self._row(group)
            for lane, s in group.items():
                self.places[s] = Lane(row, lane)
            if [*group] != [0] or isinstance(self.writer.rows[row], Beside):
                self.packs.add(row)
            if self._is_absorbed(group):
                rows.add(row)
        return Forward(self.writer.program(), self.places, rows)

    def _operand(self, x: Key) -> Operand:
        """Returns the lane of a slot that has a row; anything else unchanged."""
        if isinstance(x, Row) or x not in self.places:
            return x
        place = self.places[x]
        self.lent.add(place.row)
        return place

    def _row(self, group: Group) -> Row:
        """Returns a new row for nodes of the same operation.

        Lanes without a node hold a number that no other row reads. It must be finite, because the
        backward pass multiplies it by 0.
        """
        first = self.nodes[next(iter(group.values()))]
        if isinstance(first, Sum):
            terms = {lane: self._terms_of(s) for lane, s in group.items()}
            return self.writer.dots(*self._products(terms))
        if isinstance(first, Total):
            return self._totals(group)
        op = first.op
        calls = (self.nodes[s] for s in group.values())
        columns = zip(*(node.args for node in calls if isinstance(node, Call)))
        operands = [self._merged(dict(zip(group, xs)), group) for xs in columns]
        if [*group] != [0] and op.safe is not None:
            for i in range(op is div, len(operands)):  # a quotient is safe if its divisor is
                beside = () if op is div else operands
                operands[i] = self._filled(operands[i], group, op, op.safe, (i, *beside))
        if self._is_absorbed(group):  # a shorter form may lose a nan
            return self.writer.share(Apply(op, tuple(map(self.writer.as_row, operands))))
        return self.writer.as_row(self.writer.operation(op, *operands))

    def _totals(self, group: Group) -> Row:
        """Returns a row of long sums. Their lanes are 0 where they have no term."""
        lanes = range(self.writer.lanes)
        wanted: list[LaneSum] = [[] for _ in lanes]
        for lane, s in group.items():
            node = self.nodes[s]
            assert isinstance(node, Total)
            products = self._products({i: node.terms.get(i, ()) for i in lanes})
            wanted[lane] = [(self.writer.dots(*products), self.writer.filling(ONE))]
        return sums_by_lane(self.writer, wanted)

    def _is_absorbed(self, group: Group) -> bool:
        return not self.absorbed.isdisjoint(group.values())

    def _terms_of(self, s: Slot) -> Sequence[Term]:
        node = self.nodes[s]
        assert isinstance(node, Sum)
        return node.terms

    def _filled(
        self, x: Operand, group: Group, op: Op, safe: float, beside: tuple[object, ...]
    ) -> Operand:
        """Returns an operand with the number `safe` in the lanes where this row has no node.

        The operand stays unchanged if in each of these lanes an earlier row applied the same
        operation to the same operands.
        """
        missing = {*range(self.writer.lanes)} - group.keys()
        tried = self.tried.setdefault((op, *beside, x), set())
        if not isinstance(x, Row) or missing <= tried:
            tried.update(group)
            return x
        terms: list[Product] = [(self.writer.pattern(dict.fromkeys(group, ONE)), x)]
        if safe:  # x + -0 is x, even for -0
            numbers = dict.fromkeys(group, Number(-0.0)) | dict.fromkeys(missing, Number(safe))
            terms.append((ONE, self.writer.pattern(numbers)))
        return self.writer.share(Dots(tuple(terms)))

    def _key(self, x: Factor, lane: int, members: Collection[int]) -> Key:
        """Returns a key: factors of different lanes with the same key can be one operand.

        If the factor is in the same lane of its own row, the key is that row; otherwise the key is
        the factor itself. There is one exception. If a group has only one node, and other rows use
        single lanes of the factor's row, then the key is the factor itself, and the group uses a
        single lane, too. So all these uses add to the adjoint of that row in the same way.
        """
        place = self.places.get(x)
        if place is None or place.lane != lane:
            return x
        if len(members) == 1 and place.row in (self.lent if lane else self.packs):
            return x
        return place.row

    def _merged(self, group: dict[int, Factor], members: Collection[int]) -> Operand:
        """Returns one operand for factors of different lanes; gathers them if it must."""
        keys = {self._key(x, lane, group) for lane, x in group.items()}
        if len(keys) == 1:
            return self._operand(keys.pop())
        if len({*group.values()}) == 1:
            return self._operand(next(iter(group.values())))
        numbers = {lane: x for lane, x in group.items() if isinstance(x, Number)}
        if len(numbers) == len(group):
            return self._pattern(numbers, members)
        sources = {lane: self._operand(x) for lane, x in group.items()}
        return self.writer.share(Gather(tuple(map(sources.get, range(self.writer.lanes)))))

    def _products(self, members: dict[int, Sequence[Term]]) -> list[Product]:
        """Returns the products of a row whose lanes are sums of these terms.

        Terms of different lanes with the same operands become one product. The remaining terms
        occur in some lanes only. Those with operands of the same kinds become one product, which is
        0 in the other lanes.
        """
        keys = [
            [(self._key(x, lane, members), self._key(y, lane, members)) for x, y in terms]
            for lane, terms in members.items()
        ]
        if keys.count(keys[0]) == len(keys):
            return [(self._operand(x), self._operand(y)) for x, y in keys[0]]
        columns = _columns(
            (key, lane, term)
            for (lane, terms), mine in zip(members.items(), keys)
            for term, key in zip(terms, mine)
        )
        for place, column in list(columns.items()):
            (key, i), (lane, (x, y)) = place, next(iter(column.items()))
            # If all lanes use one factor, its key is the factor itself. But in the lane where the
            # factor is, its key may be its row.
            others = (((key[0], y), i), ((x, key[1]), i)) if len(column) == 1 else ()
            for other in others:
                if other != place and lane not in columns.get(other, {lane: None}):
                    columns[other] |= columns.pop(place)
                    break
        whole = [column for column in columns.values() if len(column) == len(members)]
        leftovers = _columns(
            (tuple(k if isinstance(k, Row) else type(k) for k in key), lane, term)
            for (key, _), column in columns.items()
            if len(column) < len(members)
            for lane, term in column.items()
        )
        return [self._product(column, members) for column in (*whole, *leftovers.values())]

    def _product(self, column: dict[int, Term], members: Collection[int]) -> Product:
        """Returns one product for terms of different lanes; it is 0 in lanes that have no term."""
        x = self._merged({lane: term[0] for lane, term in column.items()}, members)
        y = self._merged({lane: term[1] for lane, term in column.items()}, members)
        if len(column) == len(members) or self._is_pattern(x) or self._is_pattern(y):
            return x, y  # a pattern is 0 in these lanes already
        if isinstance(x, Number):
            return self._pattern(dict.fromkeys(column, x), members), y
        x, y = (y, x) if isinstance(y, Row) else (x, y)
        ones = self._pattern(dict.fromkeys(column, ONE), members)
        return self.writer.share(Dots(((ones, x),))), y

    def _is_pattern(self, x: Operand) -> bool:
        return isinstance(x, Row) and isinstance(self.writer.rows[x], Pattern)

    def _pattern(self, numbers: Mapping[int, Number], members: Collection[int]) -> Row:
        """Returns numbers as a row.

        A lane with a member but no number holds 0. A lane without a member holds one of the
        numbers.
        """
        some, zero = next(iter(numbers.values())), Number(0.0)
        lanes = range(self.writer.lanes)
        return self.writer.pattern(
            {lane: numbers.get(lane, zero if lane in members else some) for lane in lanes}
        )


def _columns(terms: Iterable[tuple[K, int, Term]]) -> dict[tuple[K, int], dict[int, Term]]:
    """Returns terms by key and lane. Equal keys in one lane are numbered."""
    columns: dict[tuple[K, int], dict[int, Term]] = {}
    seen: Counter[tuple[K, int]] = Counter()
    for key, lane, term in terms:
        columns.setdefault((key, seen[key, lane]), {})[lane] = term
        seen[key, lane] += 1
    return columns
