"""Lowering: a tape becomes rows, one number for each example, and rows become a table.

What depends on an example, or on anything computed, is a Row of lanes; a parameter and a constant
is uniform, an address. Nearly every row is `finish(init + sum of products)`, which is the
machine's DOTS, in the backward pass as in the forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.native.form import ONE, Form, Node
from tinygrad_edu.native.machine import BLOCK, outputs
from tinygrad_edu.native.rows import Arena, Row, is_one
from tinygrad_edu.native.schedule import Schedule
from tinygrad_edu.ops import LEAF
from tinygrad_edu.tape import Tape

HALVES = (-1.5, -1.0, -0.5, 0.5, 1.5)  # exponents that are better done by square root and product
Pair = tuple[Row, Row]
Gradient = tuple[int, list[Pair]]  # a parameter's slot; products whose sum over lanes it is


class Lowering(Arena):
    """The table of a tape, and where in the arena everything is."""

    def __init__(
        self,
        tape: Tape,
        gradients: dict[int, int],
        inputs: Sequence[int],
        weight: int | None,
        width: int,
        vectors: int,
        registers: int,
    ) -> None:
        """gradients: the slots of gradients by those of their parameters. inputs: slots given for
        each example, and after them the weight of its gradient."""
        super().__init__(tape, width * vectors)
        self.vectors, self.sizes = vectors, outputs(vectors, registers)
        self.gradients = gradients
        self.form = Form(tape, [*tape.outputs, *gradients.values()])
        self.inputs_at = self.take((len(inputs) + 2) * self.lanes)
        given = [*inputs, weight, None]
        for i, slot in enumerate(given):
            row = Row("given", at=self.inputs_at + i * self.lanes)
            if slot is not None:
                self.rows[slot] = row
        self.counted = row  # 1 for an example, 0 for what fills up the last row
        self.build()
        self._place_parameters()
        self.tell(tape.outputs)
        for slot, op in enumerate(tape.ops):  # leaves that are not differentiated by
            if op is LEAF and slot not in given and slot not in self.addresses:
                self.addresses[slot] = self.take(1)
        far = self.parameters_at - self.gradients_at
        self.table = np.array(Schedule(self, self.sizes, far).table, np.int32)

    def build(self) -> None:
        """A row for every node."""
        for s, node in self.form.nodes.items():
            self.rows[s] = self.make(node)

    def make(self, node: Node) -> Row:
        """The row of a node, from those of its operands."""
        if node.op:
            return self.operation(node, [self.of(x) for x in node.operands])
        row, fixed = self.row("dots"), list[float]()
        for sign, p, q in node.products:
            x, y, a, b = self.rows.get(p), self.rows.get(q), self.number(p), self.number(q)
            if a is not None and b is not None:
                fixed.append(sign * a * b)
            elif x is not None and y is not None:
                row.rr.append((x, y))
            elif x is None and y is None:
                row.uu.append(self.signed(sign, p, q))
            elif x is not None:
                row.ur.append((q if sign > 0 else -(b or 0.0), x))
            elif y is not None:
                row.ur.append((p if sign > 0 else -(a or 0.0), y))
        if fixed:
            row.init = sum(fixed[1:], fixed[0])
        return self.finished(row, node, self.of(node.other) if node.other != ONE else None)

    def signed(self, sign: float, p: int, q: int) -> tuple[Any, Any]:
        """Both factors, of which one is a constant if the sign is negative: that takes it."""
        if sign > 0:
            return p, q
        a, b = self.number(p), self.number(q)
        return (p, -b) if b is not None else (-(a or 0.0), q)

    def finished(self, row: Row, node: Node, other: Row | None) -> Row:
        """The row of a sum, once it has all its products."""
        row.finish, row.other = node.finish, other
        single = [k for k, pair in enumerate(row.uu) if any(map(is_one, pair))]
        if row.init is None and single:
            p, q = row.uu.pop(single[0])
            row.init = p if is_one(q) else q
        return row

    def operation(self, node: Node, operands: list[Row]) -> Row:
        """The row of a row of the table, of these operands.

        Powers to half a whole number by square root and product, which is faster. It differs from
        ieee's pow at -inf only, where what follows is not finite and is computed once more.
        """
        x, exponent = operands[0], self.number(node.operands[1]) if node.op == "pow" else None
        if exponent not in HALVES:
            return self._op(node.op, *operands)
        if exponent % 1:
            zero = self.row("dots")  # +0 for -0, whose power is not -inf
            zero.ur.append((ONE, x))
            root = self._op("sqrt", zero)
            x = self._op("mul", x, root) if abs(exponent) > 1 else root
        return self._op("div", self.filling(1.0), x) if exponent < 0 else x

    def _op(self, op: str, *operands: Row) -> Row:
        row = self.row("rows", op)
        row.rr = [operands]
        return row

    # -- sums over lanes

    def tell(self, slots: Sequence[int]) -> None:
        """Sums over the examples, of each output."""
        for k in range(0, len(slots), BLOCK):
            row = self.row("sums", at=self.sums_at + k)
            row.rr = [(self.counted, *(self.of(s) for s in slots[k : k + BLOCK]))]

    def _place_parameters(self) -> None:
        """Sums of gradients, eight neighbours at a time, which share a row in each term.

        That decides where parameters are: eight in a block, and their gradients, and what an
        optimizer keeps for each, lie alike. What is added to begins at 0 in each step, and so is
        side by side: `zeroed` doubles from `zero_at` on.
        """
        alike: dict[Any, list[Gradient]] = {}
        for p, g in self.gradients.items():
            pairs, scaled = self.products(p, g)
            alike.setdefault((len(pairs), *scaled), []).append((p, pairs))
        earlier = [row for row in self.all if row.kind == "sums"]
        blocks: list[tuple[Row, list[int]]] = []
        for (_, *scaled), gradients in alike.items():
            for terms, members in _stars(gradients):
                row = self.row("sums")
                row.rr, row.ur = terms, [(ONE, r) for r in scaled]
                if not terms and not scaled:
                    row.kind = "gather"
                    row.init = [self.uniform(self.gradients[p]) for p in members]
                blocks.append((row, members))
        self.turn([row for row, _ in blocks])
        blocks.sort(key=lambda block: block[0].kind != "sums")
        self.blocks = len(blocks)
        self.parameters_at = self.take(self.blocks * BLOCK)
        self.zero_at = self.size
        for row in earlier:
            row.at = self.take(self.lanes)
        self.sums_at = self.take(len(self.tape.outputs))
        self.zeroed = self.size - self.zero_at
        self.gradients_at = self.take(self.blocks * BLOCK)
        for i, (row, members) in enumerate(blocks):
            row.at = self.gradients_at + i * BLOCK
            for k, p in enumerate(members):
                self.addresses[p] = self.parameters_at + i * BLOCK + k
            if row.kind == "sums":
                self.zeroed = row.at + BLOCK - self.zero_at
            elif row.kind == "gather" and all(
                type(u) is int and self.number(u) == 0 for u in row.init
            ):
                del self.all[row]  # constants, and 0: so the arena is from the start

    def turn(self, rows: Sequence[Row]) -> None:
        """Makes some of these sums in a better way, if there is one."""

    def uniform(self, slot: int) -> Any:
        """A uniform number: the slot, or the first lane of a row that is the same in every lane."""
        return (self.rows[slot], 0) if slot in self.rows else slot

    def products(self, p: int, g: int) -> tuple[list[Pair], list[Row]]:
        """What a gradient is the sum of: products of rows; rows that are times the parameter."""
        one, row = self.filling(1.0), self.rows.get(g)
        if row is None:
            return ([], []) if self.number(g) == 0 else ([(self.of(g), one)], [])
        own = [r for u, r in row.ur if type(u) is int and u == p]
        single = [(r, one) for u, r in row.ur if is_one(u)]
        plain = row.kind == "dots" and not row.finish and row.init is None and not row.uu
        if not plain or self.form.uses[g] > 1 or len(own) + len(single) < len(row.ur):
            return [(row, one)], []
        del self.all[row]
        return [*((x, y) for x, y in row.rr), *single], own


def _stars(gradients: Sequence[Gradient]) -> Iterator[tuple[list[tuple[Row, ...]], list[int]]]:
    """Blocks of gradients that share a row in each product, the hub: their terms, and whose.

    The row that fills its blocks best takes its own first: so all neurons of a layer do it alike.
    """
    if not gradients[0][1]:
        for k in range(0, len(gradients), BLOCK):
            yield [], [p for p, _ in gradients[k : k + BLOCK]]
        return
    having: dict[Row, dict[int, None]] = {}
    for i, (_, pairs) in enumerate(gradients):
        for row in pairs[0]:
            having.setdefault(row, {})[i] = None
    adjoints = {pairs[0][0] for _, pairs in gradients}

    def filled(row: Row) -> tuple[float, int, bool]:
        count = len(having[row])
        return count / -(-count // BLOCK), count, row in adjoints

    for hub in sorted(having, key=filled, reverse=True):
        mine = [gradients[i] for i in having[hub]]
        for i in having[hub]:
            for row in gradients[i][1][0]:
                if row is not hub:
                    del having[row][i]
        while mine:
            hubs = [[hub], *([*pair] for pair in mine[0][1][1:])]
            count = 0
            for _, pairs in mine[:BLOCK]:
                common = [[row for row in c if row in pair] for c, pair in zip(hubs, pairs)]
                if not all(common):
                    break
                hubs, count = common, count + 1
            block, mine = mine[:count], mine[count:]
            yield (
                [
                    (c[0], *(y if x is c[0] else x for x, y in (pairs[t] for _, pairs in block)))
                    for t, c in enumerate(hubs)
                ],
                [p for p, _ in block],
            )
        having[hub] = {}
