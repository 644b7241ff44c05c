"""Lowering: a tape becomes rows, and rows become the machine's instructions.

A sum that one sum alone uses is part of it, and so is a product: of what remains nearly all is
`finish(init + sum of products)`, which is the machine's DOTS, in the backward pass as in the
forward pass. What depends on an example, or on anything computed, is a Row of lanes; a parameter
and a constant is uniform, an address. Rows that are ready at the same time, of sums of the same
rows with other uniform factors (a layer of neurons), are made by one instruction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.native.machine import BLOCK, DOTS, FINISH, GATHER, OPS, ROWS, SUMS, outputs
from tinygrad_edu.ops import CONSTANT, LEAF
from tinygrad_edu.tape import Tape

ONE = -1  # in place of a slot: the number 1
_SUM = ("add", "sub", "neg", "mul")  # the rows of the table that are sums of products


class Row:
    """One number for each lane, and how it comes about.

    kind: "input", or an instruction. Of DOTS: `finish` and its row `other`, the slot or constant
    `init`, and products: `uu` of slots, `ur` of a slot and a row, `rr` of rows. Of ROWS: `op` and
    `rr` with its operands. level: when it can be made. at: its address, -1 until it has one.
    """

    __slots__ = ("at", "finish", "init", "kind", "level", "mask", "op", "other", "rr", "ur", "uu")

    def __init__(self, kind: str, op: str = "") -> None:
        self.kind, self.op, self.finish = kind, op, ""
        self.init: Any = 0.0
        self.other: Any = None
        self.mask: Any = None
        self.uu: list[tuple[Any, Any]] = []
        self.ur: list[tuple[Any, Row]] = []
        self.rr: list[tuple[Row, ...]] = []
        self.level, self.at = 0, -1

    def operands(self) -> Iterable[Row]:
        """Every row that it is made of."""
        for pair in self.rr:
            yield from pair
        for _, row in self.ur:
            yield row
        if self.other is not None:
            yield self.other


class Form:
    """The tape as sums of products and other operations, by NumPy: `terms[s]` of each sum's slot.

    fused: the slot of the sum that a slot finishes, by slot.
    """

    def __init__(self, tape: Tape, ends: Sequence[int]) -> None:
        rows = {id(op): op for op in tape.ops}
        kinds = {key: i for i, key in enumerate(rows)}
        names = [*(op.name for op in rows.values()), "mul"]
        code = np.fromiter(map(kinds.__getitem__, map(id, tape.ops)), np.int32, len(tape.ops))
        self.a, self.b = np.array(tape.a, np.int64), np.array(tape.b, np.int64)
        a, b = self.a, self.b
        self.tape = tape

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

        self.names, self.code, self.constant = names, code, constant
        n = len(code)
        uses = np.bincount(a[a >= 0], minlength=n) + np.bincount(b[b >= 0], minlength=n)
        uses += np.bincount(np.asarray(ends, np.int64), minlength=n)
        add, sub, neg, mul = of("add"), of("sub"), of("neg"), of("mul")
        self.sums = sums = add | sub | neg | mul
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
        root = root[order]
        self.terms = list(zip(sign[order].tolist(), p[order].tolist(), q[order].tolist()))
        starts = np.searchsorted(root, np.arange(n + 1))
        self.starts = starts.tolist()
        self.inner = inner
        self.uses = uses

        consumer = np.full(n, -1)
        for operand in (b, a):
            at = np.flatnonzero(operand >= 0)
            consumer[operand[at]] = at
        self.fused: dict[int, int] = {}
        relu_code = of("relu")
        free = np.flatnonzero(sums & ~inner & (uses == 1) & (consumer >= 0))
        for s in free.tolist():
            c = int(consumer[s])
            if s in self.fused:
                continue  # it is finished in another way
            if relu_code[c] or (mul[c] and not inner[c] and a[c] != b[c] and c not in self.fused):
                self.fused[c] = s


class Lowering:
    """The table of a tape, and where in the arena everything is."""

    def __init__(
        self,
        tape: Tape,
        parameters: Sequence[int],
        gradients: Sequence[int],
        inputs: Sequence[int],
        whole: Sequence[int],
        width: int,
        vectors: int,
        registers: int,
    ) -> None:
        """parameters: slots with a gradient, in gradients. inputs: slots given for each example,
        the weight of the example last. whole: slots wanted for each example."""
        self.tape, self.lanes = tape, width * vectors
        self.vectors, self.sizes = vectors, outputs(vectors, registers)
        self.size = 8  # of the arena, in doubles: the first stay 0
        self.numbers: dict[int, float] = {}  # what is in the arena from the start, by address
        self.constants: dict[str, int] = {"0.0": 0}
        self.filled: dict[str, Row] = {}
        self.rows: dict[int, Row] = {}
        self.all: list[Row] = []
        self.addresses: dict[int, int] = {}  # of uniform slots
        form = Form(tape, [*tape.outputs, *gradients, *whole])
        self.form = form
        self.inputs_at = self.take(len(inputs) * self.lanes)
        for i, slot in enumerate(inputs):
            row = self.rows[slot] = Row("input")
            row.at = self.inputs_at + i * self.lanes
        self.weight = self.rows[inputs[-1]]
        self._make(form)
        self.told = len(tape.outputs)
        sums = self._gradients(parameters, gradients) + self._outputs(tape.outputs)
        self.whole_at = self.take(len(whole) * self.lanes)
        for i, slot in enumerate(whole):
            copy = self.row("dots")
            copy.ur.append((ONE, self.of(slot)))
            copy.at = self.whole_at + i * self.lanes
        for slot, op in enumerate(tape.ops):  # leaves that are not differentiated by
            if op is LEAF and slot not in self.rows and slot not in self.addresses:
                self.addresses[slot] = self.take(BLOCK)
        self.table = np.array(self._schedule(sums), np.int32)

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
            row = self.filled[repr(x)] = Row("input")
            row.at = self.take(self.lanes)
            self.numbers |= {row.at + i: x for i in range(self.lanes)}
        return row

    def address(self, u: Any) -> int:
        """Of a uniform number: a slot, or a float."""
        if type(u) is float:
            return self.constant(u)
        if u == ONE:
            return self.constant(1.0)
        if self.tape.ops[u] is CONSTANT:
            return self.constant(self.tape.data[u])
        return self.addresses[u]

    # -- rows

    def row(self, kind: str, op: str = "") -> Row:
        row = Row(kind, op)
        self.all.append(row)
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

    def _make(self, form: Form) -> None:
        """A row for every slot that is computed and not part of a sum."""
        ops, fused = self.tape.ops, form.fused
        hidden = set(fused.values())
        made = np.flatnonzero((form.a >= 0) & ~form.inner & (form.uses > 0)).tolist()
        names, code, sums = form.names, form.code.tolist(), form.sums.tolist()
        for s in made:
            if s in hidden:
                continue
            a, b = int(form.a[s]), int(form.b[s])
            if s in fused:
                self.rows[s] = row = self._sum(form, fused[s])
                if not sums[s]:
                    row.finish = "relu"
                    continue
                other = b if fused[s] == a else a
                row.finish = "times"
                if other in self.rows and self.rows[other].op == "step" and form.uses[other] == 1:
                    row.finish, step = "times step", self.rows[other]
                    row.other = step.rr[0][0]
                    self.all.remove(step)
                else:
                    row.other = self.of(other)
            elif sums[s]:
                self.rows[s] = self._sum(form, s)
            else:
                name = names[code[s]]
                row = self.rows[s] = self._power(s, a, b) if name == "pow" else self.row("rows", name)
                if not row.rr:
                    row.rr = [tuple(self.of(x) for x in (a, b) if x >= 0)]
        del ops

    def _power(self, s: int, a: int, b: int) -> Row:
        """Powers to half a whole number by square root and product, which is faster; ieee's pow
        differs at -inf only, where what follows is not finite and is computed once more."""
        exponent = self.tape.data[b] if b >= 0 and self.tape.ops[b] is CONSTANT else 0.0
        if exponent not in (-1.5, -1.0, -0.5, 0.5, 1.5):
            return self.row("rows", "pow")
        result, x = None, self.of(a)
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

    def _sum(self, form: Form, s: int) -> Row:
        row, begun, fixed = self.row("dots"), False, 0.0
        data = self.tape.data
        for sign, p, q in form.terms[form.starts[s] : form.starts[s + 1]]:
            x, y = self.rows.get(p), self.rows.get(q)
            known_p = x is None and (p == ONE or form.constant[p])
            known_q = y is None and (q == ONE or form.constant[q])
            if known_p and known_q:
                fixed += sign * (1.0 if p == ONE else data[p]) * (1.0 if q == ONE else data[q])
                begun = True
                continue
            if sign < 0:  # then one of the two is a constant
                if known_q:
                    q = -(1.0 if q == ONE else data[q])
                else:
                    p = -data[p]
            if x is not None and y is not None:
                row.rr.append((x, y))
            elif x is not None:
                row.ur.append((q, x))
            elif y is not None:
                row.ur.append((p, y))
            else:
                row.uu.append((p, q))
        if begun:
            row.init = float(fixed)
        else:
            for k, (p, q) in enumerate(row.uu):
                if ONE in (p, q):
                    row.init = q if p == ONE else p
                    del row.uu[k]
                    break
        return row

    # -- sums over lanes

    def _outputs(self, slots: Sequence[int]) -> list[Any]:
        """Sums over the examples: of each output times the weight."""
        found = []
        for k in range(0, len(slots), BLOCK):
            others = [self.of(s) for s in slots[k : k + BLOCK]]
            found.append((self.sums_at + k, [(self.weight, others)], []))
        return found

    def _gradients(self, parameters: Sequence[int], gradients: Sequence[int]) -> list[Any]:
        """Sums of gradients, eight neighbours at a time, which share a row in each term.

        That decides where parameters are: eight in a block, and their gradients, and what an
        optimizer keeps for each, lie alike.
        """
        alike: dict[Any, list[tuple[int, list[tuple[Row, Row]]]]] = {}
        for p, g in zip(parameters, gradients):
            pairs, scaled = self._products(p, g)
            alike.setdefault((len(pairs), *scaled), []).append((p, pairs))
        blocks = [
            (scaled, hubs, members)
            for (_, *scaled), these in alike.items()
            for hubs, members in _stars(these)
        ]
        self.blocks = len(blocks)
        self.parameters_at = self.take(self.blocks * BLOCK)
        self.sums_at = self.take(len(self.tape.outputs))
        self.gradients_at = self.take(self.blocks * BLOCK)
        instructions = []
        for i, (scaled, hubs, members) in enumerate(blocks):
            at = self.parameters_at + i * BLOCK
            for k, (p, _) in enumerate(members):
                self.addresses[p] = at + k
            terms = [
                (hub, [y if x is hub else x for x, y in (pairs[t] for _, pairs in members)])
                for t, hub in enumerate(hubs)
            ]
            if terms or scaled:
                to = at - self.parameters_at + self.gradients_at
                instructions.append((to, terms, [(row, at) for row in scaled]))
        return instructions

    def _products(self, p: int, g: int) -> tuple[list[tuple[Row, Row]], list[Row]]:
        """What a gradient is the sum of: products of rows; rows that are times the parameter."""
        row = self.rows.get(g)
        if row is None:
            if self.tape.ops[g] is CONSTANT and self.tape.data[g] == 0:
                return [], []
            return [(self.of(g), self.filling(1.0))], []
        plain = row.kind == "dots" and not row.finish and self.form.uses[g] == 1
        if not plain or row.init != 0.0 or row.uu or any(u != p and u != ONE for u, _ in row.ur):
            return [(row, self.filling(1.0))], []
        self.all.remove(row)
        pairs = [*row.rr, *((r, self.filling(1.0)) for u, r in row.ur if u == ONE)]
        return pairs, [r for u, r in row.ur if u == p]  # type: ignore[return-value]

    # -- instructions

    def _schedule(self, sums: Sequence[Any]) -> list[int]:
        """The table: level by level, what is alike together."""
        for row in self.all:
            row.level = 1 + max((x.level for x in row.operands()), default=0)
        levels: dict[int, list[Row]] = {}
        for row in self.all:
            levels.setdefault(row.level, []).append(row)
        table: list[int] = []
        ready = [max(x.level for x in self._summed(s)) for s in sums]
        for level in range(1, max(levels, default=0) + 1):
            rows = levels.get(level, [])
            self._dots(table, [row for row in rows if row.kind == "dots"])
            self._ops(table, [row for row in rows if row.kind == "rows"])
            now = [s for s, last in zip(sums, ready) if last == level or last < level == 1]
            for s in sorted(now, key=lambda s: [x.at for _, others in s[1] for x in others]):
                self._sums(table, *s)  # in this order, because what was just read is near
        return [*table, 0, 0]

    def _summed(self, instruction: Any) -> list[Row]:
        _, terms, scaled = instruction
        return [x for row, others in terms for x in (row, *others)] + [r for r, _ in scaled]

    def _place(self, row: Row) -> int:
        if row.at < 0:
            row.at = self.take(self.lanes)
        return row.at

    def _dots(self, table: list[int], rows: list[Row]) -> None:
        alike: dict[Any, list[tuple[list[int], Row]]] = {}
        for row in rows:
            key: Any = row
            if not row.uu and not row.rr and row.at < 0:
                key = (row.finish, tuple([r.at for _, r in row.ur]))
            us = [self.address(u) for u, _ in row.ur]
            alike.setdefault(key, []).append((us, row))
        for members in alike.values():
            members.sort(key=lambda member: (member[0], self.address(member[1].init)))
            k = 0
            while k < len(members):
                k += self._together(table, members[k:])

    def _together(self, table: list[int], members: list[tuple[list[int], Row]]) -> int:
        """Writes DOTS for as many of the first members as go together, and says how many."""
        us, first = members[0]
        features = [(*u, self.address(r.init), r.other.at if r.other else 0) for u, r in members[: self.sizes[-1]]]
        count, steps = 1, [0] * len(features[0])
        if len(features) > 1:
            steps = [y - x for x, y in zip(features[0], features[1])]
            if len(set(steps[:-2])) <= 1:
                while count < len(features) and all(
                    x + step == y for x, y, step in zip(features[count - 1], features[count], steps)
                ):
                    count += 1
        j = max(i for i, size in enumerate(self.sizes) if size <= count)
        count = self.sizes[j]
        if count == 1:
            steps = [0] * len(steps)
        out = first.at
        if out < 0:
            out = self.take(count * self.lanes)
            for i, (_, row) in enumerate(members[:count]):
                row.at = out + i * self.lanes
        pairs = [x for u, (_, r) in zip(us, first.ur) for x in (u, r.at)]
        pairs += [self.address(u) for pair in first.uu for u in pair]
        pairs += [r.at for pair in first.rr for r in pair]
        table += [DOTS + j, 15 + len(pairs), out, self.lanes]
        table += [self.address(first.init), steps[-2], len(us), steps[0] if us else 0]
        table += [FINISH.index(first.finish), first.other.at if first.other else 0, steps[-1]]
        table += [0, 0, len(first.uu), len(first.rr), *pairs]
        return count

    def _ops(self, table: list[int], rows: list[Row]) -> None:
        rows.sort(key=lambda row: (row.op, [x.at for x in row.rr[0]]))
        last: Any = None
        for row in rows:
            operands = [x.at for x in row.rr[0]]
            follows = [x - table[-2 + k] for k, x in enumerate(operands)] if last else []
            far = table[-4] * self.lanes // self.vectors if last else 0
            self._place(row)
            if last and last.op == row.op and set(follows) == {far} and row.at == table[-5] + far:
                table[-4] += self.vectors
                continue
            last = row
            table += [ROWS, 7, row.at, self.vectors, OPS.index(row.op), *(operands * 2)[:2]]

    def _sums(self, table: list[int], at: int, terms: Any, scaled: Any) -> None:
        zero = self.filling(0.0)
        lists = [
            x.at
            for row, others in terms
            for x in (row, *others, *[zero] * (BLOCK - len(others)))
        ]
        lists += [x for row, u in scaled for x in (row.at, u)]
        table += [SUMS, 5 + len(lists), at, len(terms), len(scaled), *lists]


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
            hubs, block = [{row} for row in gradients[mine[k]][1][0] if row is hub][:1], []
            hubs += [set(pair) for pair in gradients[mine[k]][1][1:]]
            while k < len(mine) and len(block) < BLOCK:
                pairs = gradients[mine[k]][1]
                common = [c & set(pair) for c, pair in zip(hubs, pairs)]
                if not all(common):
                    break
                hubs = common
                block.append(gradients[mine[k]])
                k += 1
            yield [next(iter(c)) for c in hubs], block
        for i in mine:
            del left[i]
            for row in dict.fromkeys(gradients[i][1][0]):
                del by_count[len(having[row])][row]
                del having[row][i]
                by_count.setdefault(len(having[row]), {})[row] = None
