"""Sums over all lanes, eight at a time: gradients of parameters, and where parameters are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from tinygrad_edu.native.lowering.form import ONE
from tinygrad_edu.native.lowering.rows import Arena, Row
from tinygrad_edu.native.machine.instructions import BLOCK

__all__ = ["Gradients", "Sum", "sums"]

Sum = list[tuple[Row, Row]]  # over all lanes, of products of two rows


def sums(arena: Arena, lists: Sequence[Sum]) -> Row:
    """A row with one sum in each of its lanes.

    A term is a row, the hub, and for each sum what the hub is multiplied by, 0 where a sum has no
    such product. Where all share a row in each of their products, there are no more terms.
    """
    zero, terms = arena.filling(0.0), []
    having: dict[Row, dict[int, deque[int]]] = {}  # products with that row, by sum
    for k, pairs in enumerate(lists):
        for i, pair in enumerate(pairs):
            for row in dict.fromkeys(pair):
                having.setdefault(row, {}).setdefault(k, deque()).append(i)
    done: set[tuple[int, int]] = set()

    def sharing(row: Row) -> list[int]:
        """The sums that have a product with that row, which is in no term."""
        for k, places in having[row].items():
            while places and (k, places[0]) in done:
                places.popleft()
        return [k for k, places in having[row].items() if places]

    for k, pairs in enumerate(lists):
        for i, pair in enumerate(pairs):
            if (k, i) not in done:
                hub = max(pair, key=lambda row: len(sharing(row)))
                term = [hub, *[zero] * BLOCK]
                for j in sharing(hub):
                    place = having[hub][j].popleft()
                    x, y = lists[j][place]
                    term[1 + j] = y if x is hub else x
                    done.add((j, place))
                terms.append(tuple(term))
    row = arena.row("sums")
    row.terms = terms
    return row


class Gradients:
    """Blocks of eight parameters, whose gradients share a row in each term.

    That decides where parameters are: gradients, and what an optimizer keeps for each, lie alike.
    rows: of each block's gradients, and the number of the block. parameters_at, gradients_at:
    addresses of the first. What sums are added to begins at 0 in each step, and so is side by
    side: `zeroed` doubles from `zero_at` on.
    """

    def __init__(self, arena: Arena, slopes: dict[int, Sum], told: list[Row], single: bool) -> None:
        """told: rows that are sums as well, or lanes of others, whose place is `told_at`."""
        self.arena, self.slopes = arena, slopes
        earlier = [row for row in arena.all if row.kind == "sums" and row not in told]
        blocks = [
            (sums(arena, [slopes[p] for p in members]), members) for members in self._blocks(single)
        ]
        if single:
            self._gather(blocks)
            self._turn([row for row, _ in blocks])
        blocks.sort(key=lambda block: block[0].kind != "sums")
        self.rows = {row: i for i, (row, _) in enumerate(blocks)}
        self.size = len(blocks) * BLOCK
        self.parameters_at = arena.take(self.size)
        self.zero_at = arena.size
        hubs = dict.fromkeys(row.terms[0][0][0] for row in self.rows if row.kind == "dots")
        ordered = dict.fromkeys((*(row for row in hubs if row.kind == "sums"), *earlier))
        arena.place([*ordered])
        self.told_at = arena.size
        for row in told:
            row.at = arena.take(BLOCK)
        self.zeroed = arena.size - self.zero_at
        arena.place([*hubs])  # as the blocks lie, so that one instruction reads many
        self.gradients_at = arena.take(self.size)
        for i, (row, members) in enumerate(blocks):
            row.at = self.gradients_at + i * BLOCK
            at = self.parameters_at + i * BLOCK
            arena.addresses |= {p: at + k for k, p in enumerate(members)}
            if not row.refs():
                row.kind = "zero"
            elif row.kind == "sums":
                self.zeroed = row.at + BLOCK - self.zero_at

    def _blocks(self, single: bool) -> Iterator[list[int]]:
        """Parameters, eight at a time, whose gradients share a row in their first products.

        The row that fills its blocks best takes its own first: so all neurons of a layer do it
        alike. Of one example, that of the smaller side, because the other has to be turned.
        """
        alike: dict[int, list[int]] = {}
        for p, pairs in self.slopes.items():
            alike.setdefault(len(pairs), []).append(p)
        yield from _eights(alike.pop(0, []))
        for members in alike.values():
            having: dict[Row, dict[int, None]] = {}
            for p in members:
                for row in self.slopes[p][0]:
                    having.setdefault(row, {})[p] = None
            adjoints = {self.slopes[p][0][0] for p in members}
            for hub in sorted(having, key=partial(_fit, having, adjoints, single), reverse=True):
                mine = list(having[hub])
                for p in mine:
                    for row in {*self.slopes[p][0]} - {hub}:
                        del having[row][p]
                having[hub] = {}
                yield from _eights(mine)

    def _gather(self, blocks: Sequence[tuple[Row, list[int]]]) -> None:
        """Makes of sums that are each one lane of a row a GATHER of these."""
        lanes = {self.arena.pattern({lane: ONE}): lane for lane in range(self.arena.lanes)}
        for row, members in blocks:
            pairs = [pair for p in members for pair in self.slopes[p]]
            if len(pairs) == len(members) and all(y in lanes for _, y in pairs):
                row.kind, row.args, row.terms = "gather", tuple((x, lanes[y]) for x, y in pairs), ()

    def _turn(self, rows: Sequence[Row]) -> None:
        """Makes of SUMS of the same eight rows DOTS of those rows turned: a row for each lane."""
        alike: dict[Any, list[Row]] = {}
        for row in rows:
            if row.kind == "sums" and len(row.terms) == 1:
                alike.setdefault(row.terms[0][1:], []).append(row)
        for others, same in alike.items():
            if len(same) > 2:
                turned = [self.arena.row("turn", *others) for _ in range(BLOCK)]
                for row in same:
                    hub = row.terms[0][0]
                    row.kind, row.terms = "dots", [((hub, k), x) for k, x in enumerate(turned)]


def _fit(
    having: dict[Row, dict[int, None]], adjoints: set[Row], single: bool, row: Row
) -> tuple[float, int, bool]:
    """How well the parameters that have it in their gradients fill blocks of eight, and so on."""
    count = len(having[row])
    return count / -(-count // BLOCK), -count if single else count, row in adjoints


def _eights(members: Sequence[int]) -> Iterator[list[int]]:
    for k in range(0, len(members), BLOCK):
        yield list(members[k : k + BLOCK])
