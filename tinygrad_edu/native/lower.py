"""Lowering: a tape becomes rows, and rows become the machine's instructions.

A sum that one sum alone uses is part of it, and so is a product: of what remains nearly all is
`finish(init + sum of products)`, which is the machine's DOTS, in the backward pass as in the
forward pass. What depends on an example, or on anything computed, is a Row of lanes; a parameter
and a constant is uniform, an address. Rows that are ready at the same time, of sums of the same
rows with other uniform factors (a layer of neurons), are made by one instruction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise, takewhile
from operator import or_
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.native.machine import BLOCK, DOTS, FINISH, GATHER, HEAD, OPS, ROWS, SUMS, outputs
from tinygrad_edu.ops import CONSTANT, LEAF
from tinygrad_edu.tape import Tape

ONE = -1  # in place of a slot: the number 1
HALVES = (-1.5, -1.0, -0.5, 0.5, 1.5)  # exponents that are better done by square root and product


class Cycle(Exception):
    """Rows that wait for each other."""


class Row:
    """One number for each lane, and how it comes about.

    kind: "given", or an instruction. Of DOTS: what finishes the sum, and the row `other` for that;
    `init`, `uu` and `ur` with uniform numbers u, `rr` with rows; `mask`, the lanes that are not to
    be 0. Of ROWS: `op`, and its operands in `rr`. Of GATHER: `init`, a list of uniform numbers. Of
    SUMS: `rr`, terms of a row and those that it is multiplied by, one for each sum; `ur`, rows whose
    sum is multiplied by the parameters. A uniform number is a slot, a float, or a row and its
    lane. at: its address, -1 until it has one.
    """

    __slots__ = ("at", "finish", "init", "kind", "op", "other", "rr", "ur", "uu")

    def __init__(self, kind: str, op: str = "") -> None:
        self.kind, self.op, self.finish = kind, op, ""
        self.init: Any = None
        self.other: Any = None
        self.uu: list[tuple[Any, Any]] = []
        self.ur: list[tuple[Any, Row]] = []
        self.rr: list[tuple[Row, ...]] = []
        self.at = -1

    def operands(self) -> list[Row]:
        """Every row that it is made of."""
        found = [row for pair in self.rr for row in pair]
        found += [row for _, row in self.ur]
        uniform = [u for u, _ in self.ur] + [u for pair in self.uu for u in pair]
        uniform += self.init if type(self.init) is list else [self.init]
        found += [u[0] for u in uniform if type(u) is tuple]
        return found if self.other is None else [*found, self.other]


class Node(NamedTuple):
    """What a slot is: a row `op` of the table and its operands, or, where that is '', a sum.

    products: sign and factors of each, and where they begin among all. finish: what is done to the
    sum, with the slot `other`.
    """

    op: str
    operands: tuple[int, ...] = ()
    products: Sequence[tuple[float, int, int]] = ()
    finish: str = ""
    other: int = ONE
    begin: int = 0


class Form:
    """The tape as sums of products and other operations: `nodes`, by slot, operands first.

    fused: the slot of the sum that a slot finishes, by slot. uses: how often each slot is used.
    """

    def __init__(self, tape: Tape, ends: Sequence[int]) -> None:
        rows = {id(op): op for op in tape.ops}
        kinds = {key: i for i, key in enumerate(rows)}
        names = [*(op.name for op in rows.values()), "mul"]
        code = np.fromiter(map(kinds.__getitem__, map(id, tape.ops)), np.int32, len(tape.ops))
        a, b = np.array(tape.a, np.int64), np.array(tape.b, np.int64)

        def of(*wanted: str) -> Any:
            return np.isin(code, [i for i, name in enumerate(names) if name in wanted])

        constant = of("constant")
        for s in np.flatnonzero(of("pow")):
            if constant[b[s]] and tape.data[b[s]] == 2.0:
                code[s], b[s] = names.index("mul"), a[s]
        relu = np.flatnonzero(of("relu"))
        instead = np.arange(len(code))
        instead[a[relu]] = relu  # step(x) is step(relu(x)), and then x may have no other use
        steps = np.flatnonzero(of("step"))
        late = instead[a[steps]] < steps
        a[steps[late]] = instead[a[steps[late]]]

        n = len(code)
        uses = np.bincount(a[a >= 0], minlength=n) + np.bincount(b[b >= 0], minlength=n)
        uses += np.bincount(np.asarray(ends, np.int64), minlength=n)
        add, sub, neg, mul = of("add"), of("sub"), of("neg"), of("mul")
        sums = add | sub | neg | mul
        parent, sign = np.arange(n), np.ones(n)
        once = (uses == 1) & (add | sub | mul)
        for s, operand in ((add, a), (add, b), (sub, a)):
            at = np.flatnonzero(s)
            at = at[once[operand[at]]]
            parent[operand[at]] = at
        scaled = np.zeros(n, bool)
        at = np.flatnonzero(mul)
        scaled[at] = constant[a[at]] | constant[b[at]]
        at = np.flatnonzero(sub)
        at = at[once[b[at]] & scaled[b[at]]]
        parent[b[at]], sign[b[at]] = at, -1.0
        at = np.flatnonzero(add)  # y * l + y * m, as of x / x, may cancel, but not if one is fused
        x, y = np.where(add[a[at]], b[a[at]], a[at]), b[at]
        both = mul[x] & mul[y] & (a[x] == a[y]) & (b[x] != b[y])
        both &= (a[b[x]] >= 0) & (a[b[y]] >= 0)
        parent[x[both]], parent[y[both]] = x[both], y[both]
        inner = parent != np.arange(n)
        while True:  # to the root of each sum, twice as far each time
            up = parent[parent]
            sign = np.where(up != parent, sign * sign[parent], sign)
            if (up == parent).all():
                break
            parent = up

        at = np.flatnonzero(mul & (uses > 0))
        parts = [(parent[at], at, sign[at], a[at], b[at])]
        for s, operand, factor in ((add, a, 1.0), (add, b, 1.0), (sub, a, 1.0), (sub, b, -1.0), (neg, a, -1.0)):
            at = np.flatnonzero(s & (uses > 0))
            at = at[~inner[operand[at]]| (parent[operand[at]] != parent[at])]
            parts.append((parent[at], at, factor * sign[at], operand[at], np.full(len(at), ONE)))
        root, key, sign, p, q = (np.concatenate(columns) for columns in zip(*parts))
        order = np.lexsort((key, root))
        self.root, self.p, self.q = root, p, q = root[order], p[order], q[order]
        terms = list(zip(sign[order].tolist(), p.tolist(), q.tolist()))
        starts = np.searchsorted(root, np.arange(n + 1)).tolist()

        consumer = np.full(n, -1)
        for operand in (b, a):
            at = np.flatnonzero(operand >= 0)
            consumer[operand[at]] = at
        self.fused: dict[int, int] = {}
        is_relu, is_step = of("relu"), of("step")
        for s in np.flatnonzero(sums & ~inner & (uses == 1) & (consumer >= 0)).tolist():
            c = int(consumer[s])
            free = s not in self.fused and c not in self.fused  # it can be finished in one way
            if free and (is_relu[c] or (mul[c] and not inner[c] and a[c] != b[c])):
                self.fused[c] = s
        hidden = set(self.fused.values())
        self.nodes: dict[int, Node] = {}
        made = np.flatnonzero((a >= 0) & ~inner & (uses > 0)).tolist()
        for s, kind, x, y in zip(made, code[made].tolist(), a[made].tolist(), b[made].tolist()):
            if s in hidden:
                continue
            if s in self.fused:
                inside = self.fused[s]
                products = terms[starts[inside] : starts[inside + 1]]
                if is_relu[s]:
                    self.nodes[s] = Node("", (), products, "relu", ONE, starts[inside])
                    continue
                other, finish = y if inside == x else x, "times"
                if is_step[other] and uses[other] == 1 and other in self.nodes:
                    del self.nodes[other]
                    other, finish = int(a[other]), "times step"
                rest = self.nodes.get(other)  # (1 - y) * y, as of a logistic unit
                if rest and rest.finish == "times" and uses[other] == 1 and sorted(
                    (factor, tape.data[x] if constant[x] else x, y) for factor, x, y in rest.products
                ) == [(-1.0, rest.other, ONE), (1.0, 1.0, ONE)]:
                    del self.nodes[other]
                    other, finish = rest.other, "times rest"
                self.nodes[s] = Node("", (), products, finish, other, starts[inside])
            elif sums[s]:
                begin = starts[s]
                self.nodes[s] = Node("", (), terms[begin : starts[s + 1]], begin=begin)
            else:
                self.nodes[s] = Node(names[kind], (x, y) if y >= 0 else (x,))
        self.uses, self.leaf = uses, of("leaf")


class Lowering:
    """The table of a tape, and where in the arena everything is."""

    def __init__(
        self,
        tape: Tape,
        parameters: Sequence[int],
        gradients: Sequence[int],
        inputs: Sequence[int],
        weight: int | None,
        whole: Sequence[int],
        width: int,
        vectors: int,
        registers: int,
    ) -> None:
        """parameters: slots with a gradient, in gradients. inputs: slots given for each example,
        and after them its weight. whole: slots wanted for each example."""
        self.tape, self.lanes = tape, width * vectors
        self.vectors, self.sizes = vectors, outputs(vectors, registers)
        self.size = 8  # of the arena, in doubles: the first stay 0
        self.numbers: dict[int, float] = {}  # what is in the arena from the start, by address
        self.constants: dict[str, int] = {"0.0": 0}
        self.filled: dict[str, Row] = {}
        self.rows: dict[int, Row] = {}
        self.all: dict[Row, None] = {}
        self.addresses: dict[int, int] = {}  # of uniform slots
        self.form = form = Form(tape, [*tape.outputs, *gradients, *whole])
        self.gradient_slots = gradients
        self.inputs_at = self.take((len(inputs) + 1) * self.lanes)
        self.weight = Row("given")
        self.weight.at = self.inputs_at + len(inputs) * self.lanes
        if weight is not None:
            self.rows[weight] = self.weight
        given = {*inputs, weight}
        for i, slot in enumerate(inputs):
            row = self.rows[slot] = Row("given")
            row.at = self.inputs_at + i * self.lanes
        self.build(form)
        self._place_parameters(parameters, gradients)
        self.tell(tape.outputs)
        self.zeroed = self.size  # from `sums_at` on, before each step
        self.whole_at = self.take(len(whole) * self.lanes)
        for i, slot in enumerate(whole):
            copy = self.row("dots")
            copy.ur.append((ONE, self.of(slot)))
            copy.at = self.whole_at + i * self.lanes
        for slot, op in enumerate(tape.ops):  # leaves that are not differentiated by
            if op is LEAF and slot not in given and slot not in self.addresses:
                self.addresses[slot] = self.take(1)
        self.table = np.array(self._schedule(), np.int32)

    def build(self, form: Form) -> None:
        """A row for every slot that is computed and not part of a sum."""
        for s, node in form.nodes.items():
            self.rows[s] = self.make(s, node)
        for s in self.tape.outputs:  # now: a constant's row must not be where sums begin at 0
            self.of(s)

    # -- the arena

    def take(self, doubles: int) -> int:
        """The address of so many doubles, which begins a vector."""
        at, self.size = self.size, self.size + -(-doubles // BLOCK) * BLOCK
        return at

    def constant(self, x: float) -> int:
        """The address of that number."""
        at = self.constants.get(repr(x))
        if at is None:
            at = self.constants[repr(x)] = self.take(1)
            self.numbers[at] = x
        return at

    def filling(self, x: float) -> Row:
        """A row of that number in every lane, there from the start."""
        row = self.filled.get(repr(x))
        if row is None:
            row = self.filled[repr(x)] = Row("given")
            row.at = self.take(self.lanes)
            self.numbers |= {row.at + i: x for i in range(self.lanes)}
        return row

    def address(self, u: Any) -> int:
        """Of a uniform number."""
        if u is None or type(u) is float:
            return self.constant(u or 0.0)
        if type(u) is tuple:
            return u[0].at + u[1]  # type: ignore[no-any-return]
        if u == ONE:
            return self.constant(1.0)
        if self.tape.ops[u] is CONSTANT:
            return self.constant(self.tape.data[u])
        return self.addresses[u]

    # -- rows

    def row(self, kind: str, op: str = "") -> Row:
        row = Row(kind, op)
        self.all[row] = None
        return row

    def of(self, slot: int) -> Row:
        """The row of a slot, in every lane the same if the slot is uniform."""
        row = self.rows.get(slot)
        if row is None:
            if slot == ONE or self.tape.ops[slot] is CONSTANT:
                return self.filling(1.0 if slot == ONE else self.tape.data[slot])
            row = self.rows[slot] = self.row("dots")
            row.init = slot
        return row

    def make(self, s: int, node: Node) -> Row:
        """The row of a slot from those of its operands: one number for each example."""
        if node.op:
            return self.operation(node, [self.of(x) for x in node.operands])
        row, begun, fixed = self.row("dots"), False, 0.0
        for sign, p, q in node.products:
            x, y = self.rows.get(p), self.rows.get(q)
            a, b = self.number(p), self.number(q)
            if a is not None and b is not None:
                fixed, begun = fixed + sign * a * b, True
            elif x is not None and y is not None:
                row.rr.append((x, y))
            elif x is not None or y is not None:
                u, number = (q, b) if x is not None else (p, a)
                row.ur.append((u if sign > 0 else sign * number, x or y))  # type: ignore[operator]
            else:
                row.uu.append((p, q) if sign > 0 else (p, -b) if a is None else (-a, q))
        if begun:
            row.init = float(fixed)
        return self.finished(row, node, node.finish and node.other != ONE and self.of(node.other))

    def finished(self, row: Row, node: Node, other: Any) -> Row:
        """The row of a sum, once it has all its products."""
        row.finish, row.other = node.finish, other or None
        if row.init is None:
            for k, (p, q) in enumerate(row.uu):
                if is_one(p) or is_one(q):
                    row.init = p if is_one(q) else q
                    del row.uu[k]
                    break
        return row

    def number(self, slot: int) -> float | None:
        """Of a slot that is a constant."""
        if slot == ONE:
            return 1.0
        return self.tape.data[slot] if self.tape.ops[slot] is CONSTANT else None

    def operation(self, node: Node, operands: list[Row]) -> Row:
        """The row of a row of the table, of these operands."""
        if node.op == "pow" and (exponent := self.number(node.operands[1])) in HALVES:
            return self._power(operands[0], exponent)
        row = self.row("rows", node.op)
        row.rr = [tuple(operands)]
        return row

    def _power(self, x: Row, exponent: float) -> Row:
        """Powers to half a whole number by square root and product, which is faster; ieee's pow
        differs at -inf only, where what follows is not finite and is computed once more."""
        result = None
        if exponent != int(exponent):
            zero = self.row("dots")  # +0 for -0, whose power is not -inf
            zero.ur.append((ONE, x))
            result = self.row("rows", "sqrt")
            result.rr = [(zero,)]
        if abs(exponent) >= 1:
            product = self.row("dots")
            product.rr = [(x, result)] if result else []
            if result is None:
                product.ur = [(ONE, x)]
            result = product
        if exponent < 0:
            inverse = self.row("rows", "div")
            inverse.rr = [(self.filling(1.0), result)]
            result = inverse
        assert result is not None
        return result

    # -- sums over lanes

    def tell(self, slots: Sequence[int]) -> None:
        """Sums over the examples: of each output times the weight."""
        for k in range(0, len(slots), BLOCK):
            row = self.row("sums")
            row.rr = [(self.weight, *(self.of(s) for s in slots[k : k + BLOCK]))]
            row.at = self.sums_at + k

    def _place_parameters(self, parameters: Sequence[int], gradients: Sequence[int]) -> None:
        """Sums of gradients, eight neighbours at a time, which share a row in each term.

        That decides where parameters are: eight in a block, and their gradients, and what an
        optimizer keeps for each, lie alike.
        """
        alike: dict[Any, list[tuple[int, list[tuple[Row, Row]]]]] = {}
        for p, g in zip(parameters, gradients):
            pairs, scaled = self.products(p, g)
            alike.setdefault((len(pairs), *scaled), []).append((p, pairs))
        blocks = [
            (scaled, hubs, members)
            for (_, *scaled), these in alike.items()
            for hubs, members in _stars(these)
        ]
        self.parameters_at = self.take(len(blocks) * BLOCK)
        self.sums_at = self.take(len(self.tape.outputs))
        self.gradients_at = self.take(len(blocks) * BLOCK)
        self.blocks = len(blocks)
        slot_of = dict(zip(parameters, gradients))
        for i, (scaled, hubs, members) in enumerate(blocks):
            for k, (p, _) in enumerate(members):
                self.addresses[p] = self.parameters_at + i * BLOCK + k
            terms = [
                (hub, *(y if x is hub else x for x, y in (pairs[t] for _, pairs in members)))
                for t, hub in enumerate(hubs)
            ]
            row = self.row("sums")
            row.at = self.gradients_at + i * BLOCK
            row.rr, row.ur = terms, [(ONE, r) for r in scaled]
            if not terms and not scaled:
                sources = [self.uniform(slot_of[p]) for p, _ in members]
                row.kind, row.init = "gather", sources
                if all(type(u) is int and self.number(u) == 0 for u in sources):
                    del self.all[row]  # they begin at 0, before each step

    def uniform(self, slot: int) -> Any:
        """A uniform number, or the first lane of a row that is the same in every lane."""
        return (self.rows[slot], 0) if slot in self.rows else slot

    def products(self, p: int, g: int) -> tuple[list[tuple[Row, Row]], list[Row]]:
        """What a gradient is the sum of: products of rows; rows that are times the parameter."""
        row = self.rows.get(g)
        if row is None:
            if self.tape.ops[g] is CONSTANT and self.tape.data[g] == 0:
                return [], []
            return [(self.of(g), self.filling(1.0))], []
        plain = row.kind == "dots" and not row.finish and self.form.uses[g] == 1
        one = [is_one(u) for u, _ in row.ur]
        own = [type(u) is int and u == p for u, _ in row.ur]
        if not plain or row.init is not None or row.uu or not all(map(or_, one, own)):
            return [(row, self.filling(1.0))], []
        del self.all[row]
        pairs = [*row.rr, *((r, self.filling(1.0)) for (_, r), it_is in zip(row.ur, one) if it_is)]
        return pairs, [r for (_, r), it_is in zip(row.ur, own) if it_is]  # type: ignore[return-value]

    # -- instructions

    def _schedule(self) -> list[int]:
        """The table: level by level, what is alike together."""
        table: list[int] = []
        for rows in self._levels():
            kinds: dict[str, list[Row]] = {"dots": [], "rows": [], "gather": [], "sums": []}
            for row in rows:
                kinds[row.kind].append(row)
            self._gather(table, kinds["gather"])
            self._dots(table, kinds["dots"])
            self._ops(table, kinds["rows"])
            self._sums(table, kinds["sums"])
        return [*table, 0, 0]

    def _levels(self) -> list[list[Row]]:
        """The rows by level, which is one more than the highest of their operands'.

        Cycle if some wait for each other.
        """
        waiting: dict[Row, int] = {}
        users: dict[Row, list[Row]] = {}
        for row in self.all:
            needed = {x for x in row.operands() if x.kind != "given"}
            waiting[row] = len(needed)
            for x in needed:
                users.setdefault(x, []).append(row)
        ready = [row for row, count in waiting.items() if not count]
        levels: list[list[Row]] = []
        while ready:
            levels.append(ready)
            following = []
            for row in ready:
                for user in users.get(row, ()):
                    waiting[user] -= 1
                    if not waiting[user]:
                        following.append(user)
            ready = following
        if sum(map(len, levels)) < len(self.all):
            raise Cycle
        return levels

    def _dots(self, table: list[int], rows: list[Row]) -> None:
        if self.vectors == 1:  # own rows with a constant can go together, each with its own
            for row in rows:
                own = [(u, r) for u, r in row.ur if type(u) is float or (type(u) is int and u < 0)]
                row.ur = [pair for pair in row.ur if pair not in own]
                row.rr += [(self.filling(u if type(u) is float else 1.0), r) for u, r in own]
        used = Counter(r for row in rows for pair in row.rr for r in pair)
        alike: dict[Any, list[tuple[list[Any], Row]]] = {}
        for row in rows:
            row.rr = [(y, x) if used[y] > used[x] else (x, y) for x, y in row.rr]
            key = (row.finish, len(row.rr), *(r.at for _, r in row.ur))
            columns = [[self.address(u) for u, _ in row.ur], *([r.at for r in column] for column in zip(*row.rr))]
            columns = columns if row.rr else [columns[0], [], []]
            other = row.other.at if row.other else 0
            columns += [[self.address(row.init)], [other], [row.at]]
            alike.setdefault(row if row.uu else key, []).append((columns, row))
        for members in alike.values():
            members.sort(key=lambda member: member[0])
            k = 0
            while k < len(members):
                k += self._together(table, members[k : k + self.sizes[-1]])

    def _together(self, table: list[int], members: list[tuple[list[Any], Row]]) -> int:
        """Writes DOTS for as many of the first members as go together, and says how many."""
        (us, a, b, *single), first = members[0]
        count, steps = 1, [0] * 6
        if len(members) > 1:
            steps = [_step(x, y) for x, y in zip(members[0][0], members[1][0])]
            while count < len(members) and steps == [
                _step(x, y) for x, y in zip(members[count - 1][0], members[count][0])
            ]:
                count += 1
            count = 1 if None in steps else count
        j = max(i for i, size in enumerate(self.sizes) if size <= count)
        count = self.sizes[j]
        if count == 1:
            steps = [0] * 6
        if first.at < 0:
            steps[5], single[2] = self.lanes, [self.take(count * self.lanes)]
            for i, (_, row) in enumerate(members[:count]):
                row.at = single[2][0] + i * self.lanes
        pairs = [x for u, (_, r) in zip(us, first.ur) for x in (u, r.at)]
        pairs += [self.address(u) for pair in first.uu for u in pair]
        pairs += [x for pair in zip(a, b) for x in pair]
        (init,), (other,), (out,) = single
        table += [DOTS + j, HEAD + len(pairs), out, steps[5], init, steps[3], len(us), steps[0]]
        table += [FINISH.index(first.finish), other, steps[4], len(first.uu), len(a)]
        table += [*steps[1:3], *pairs]
        return count

    def _ops(self, table: list[int], rows: list[Row]) -> None:
        rows.sort(key=lambda row: (row.op, [x.at for x in reversed(row.rr[0])]))
        k = 0
        while k < len(rows):
            op = rows[k].op
            operands = [[x.at for x in row.rr[0]] for row in takewhile(lambda r: r.op == op, rows[k:])]
            found = [[y - x for x, y in zip(*pair)] for pair in pairwise(operands)]
            steps = found[0] if found else [0, 0]
            count = 1 + sum(1 for _ in takewhile(lambda other: other == steps, found))
            out = self.take(count * self.lanes)
            for i, row in enumerate(rows[k : k + count]):
                row.at = out + i * self.lanes
            places = [x for pair in zip(operands[0], steps) for x in pair] * 2
            table += [ROWS, 9, out, count, OPS.index(op), *places[:4]]
            k += count

    def _gather(self, table: list[int], rows: list[Row]) -> None:
        fresh = [row for row in rows if row.at < 0]
        out = self.take(len(fresh) * self.lanes)
        for i, row in enumerate(fresh):
            row.at = out + i * self.lanes
        for at, sources in [(out, [u for row in fresh for u in row.init])] + [
            (row.at, row.init) for row in rows if row not in fresh
        ]:
            if sources:
                table += [GATHER, 4 + len(sources), at, len(sources), *map(self.address, sources)]

    def _sums(self, table: list[int], rows: list[Row]) -> None:
        zero = self.filling(0.0)
        parts: list[tuple[list[int], list[int], list[int], list[int]]] = []
        for row in rows:
            for k in range(0, max((len(term) - 1 for term in row.rr), default=1), BLOCK):
                others = [(*term[1:][k : k + BLOCK], *[zero] * BLOCK)[:BLOCK] for term in row.rr]
                at = row.at + k
                scaled = [x for _, r in row.ur for x in (r.at, self.parameter(at))]
                hubs = [term[0].at for term in row.rr]
                parts.append(([x.at for other in others for x in other], scaled, hubs, [at]))
        parts.sort()  # because what was just read is near
        while parts:
            others, scaled, hubs, at = parts.pop(0)
            code = SUMS
            if parts and parts[0][:2] == (others, scaled) == (others, []) and len(hubs) == 1:
                _, _, more, further = parts.pop(0)
                code, hubs, at = SUMS + 1, hubs + more, at + further
            n = len(hubs) // len(at)
            lists = [x for t in range(n) for x in (*hubs[t::n], *others[t * BLOCK :][:BLOCK])]
            lists += scaled
            table += [code, 4 + len(at) + len(lists), n, len(scaled) // 2, *at, *lists]

    def parameter(self, gradient: int) -> int:
        """The address of a parameter, by that of its gradient."""
        return gradient - self.gradients_at + self.parameters_at


def is_one(u: Any) -> bool:
    """Whether a uniform number is ONE, and not the number -1."""
    return type(u) is int and u == ONE


def _step(xs: Sequence[int], ys: Sequence[int]) -> int | None:
    """How far the second list is from the first, if that is one number."""
    steps = {y - x for x, y in zip(xs, ys)}
    return None if len(steps) > 1 else steps.pop() if steps else 0


def _stars(
    gradients: Sequence[tuple[int, list[tuple[Row, Row]]]],
) -> Iterable[tuple[list[Row], Sequence[tuple[int, list[tuple[Row, Row]]]]]]:
    """The gradients in blocks that share a row in each product, the hub, and few blocks.

    The row that the most have takes its own first: so all neurons of a layer do it alike.
    """
    if not gradients[0][1]:
        yield from (([], gradients[k : k + BLOCK]) for k in range(0, len(gradients), BLOCK))
        return
    left = dict.fromkeys(range(len(gradients)))
    having: dict[Row, dict[int, None]] = {}
    for i, (_, pairs) in enumerate(gradients):
        for row in pairs[0]:
            having.setdefault(row, {})[i] = None
    by_count: dict[int, dict[Row, None]] = {}
    for row, having_it in having.items():
        by_count.setdefault(len(having_it), {})[row] = None
    count = max(by_count)
    while left:
        while not by_count.get(count):
            count -= 1
        hub = next(iter(by_count[count]))
        mine = list(having[hub])
        k = 0
        while k < len(mine):
            hubs: list[list[Row]] = [[hub], *(list(c) for c in gradients[mine[k]][1][1:])]
            block: list[Any] = []
            while k < len(mine) and len(block) < BLOCK:
                pairs = gradients[mine[k]][1]
                common = [[row for row in c if row in pair] for c, pair in zip(hubs, pairs)]
                if not all(common):
                    break
                hubs = common
                block.append(gradients[mine[k]])
                k += 1
            yield [c[0] for c in hubs], block
        for i in mine:
            del left[i]
            for row in dict.fromkeys(gradients[i][1][0]):
                del by_count[len(having[row])][row]
                del having[row][i]
                by_count.setdefault(len(having[row]), {})[row] = None
