"""A tape in normal form: sums of products, what finishes them, and all other operations.

A sum that one sum alone uses is part of it, and so is a product that one sum alone uses; 182,469
slots of a small transformer become 9,000 nodes. It is done for all slots at once, by NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.tape import Tape

ONE = -1  # in place of a slot: the number 1
Product = tuple[float, int, int]  # a sign, and two slots


class Node(NamedTuple):
    """What a slot is: a row `op` of the table and its operands, or, where that is '', a sum.

    products: the summands, and where they begin among all. finish: what is done to the sum, of
    `machine.FINISH`, with the slot `other`.
    """

    op: str
    operands: tuple[int, ...] = ()
    products: Sequence[Product] = ()
    finish: str = ""
    other: int = ONE
    begin: int = 0


class Form:
    """The nodes by slot, operands first.

    fused: the slot of the sum that a slot finishes, by slot. uses: how often each slot is used.
    leaf, constant: whether a slot is one. root, p, q: of all products, in order, the sum that they
    are in, and their factors.
    """

    def __init__(self, tape: Tape, ends: Sequence[int]) -> None:
        self.tape = tape
        rows = {id(op): op for op in tape.ops}
        self.names = [*(op.name for op in rows.values()), "mul"]
        kinds = {key: i for i, key in enumerate(rows)}
        self.code = np.fromiter(map(kinds.__getitem__, map(id, tape.ops)), np.int32, len(tape.ops))
        self.a, self.b = np.array(tape.a, np.int64), np.array(tape.b, np.int64)
        self.leaf, self.constant = self.of("leaf"), self.of("constant")
        self._rewrite()
        n, a, b = len(self.code), self.a, self.b
        self.uses = np.bincount(a[a >= 0], minlength=n) + np.bincount(b[b >= 0], minlength=n)
        self.uses += np.bincount(np.asarray(ends, np.int64), minlength=n)
        self.sums = self.of("add", "sub", "neg", "mul")
        parent, sign = self._parents()
        self.inner = parent != np.arange(n)
        products = self._products(parent, sign)
        starts = np.searchsorted(self.root, np.arange(n + 1)).tolist()
        self.fused = self._fused()
        self.nodes: dict[int, Node] = {}
        hidden = set(self.fused.values())
        for s in np.flatnonzero((a >= 0) & ~self.inner & (self.uses > 0)).tolist():
            inside = self.fused.get(s, s)
            begin, end = starts[inside], starts[inside + 1]
            if s in hidden:
                continue
            if s in self.fused:
                finish, other = self._finish(s, inside)
                self.nodes[s] = Node("", (), products[begin:end], finish, other, begin)
            elif self.sums[s]:
                self.nodes[s] = Node("", (), products[begin:end], begin=begin)
            else:
                operands = tuple(int(x) for x in (a[s], b[s]) if x >= 0)
                self.nodes[s] = Node(self.names[self.code[s]], operands)

    def of(self, *names: str) -> Any:
        """Whether each slot is one of these rows."""
        return np.isin(self.code, [i for i, name in enumerate(self.names) if name in names])

    def _rewrite(self) -> None:
        """x**2 is x * x; step(x) is step(relu(x)), and then x may have no other use."""
        a, b = self.a, self.b
        for s in np.flatnonzero(self.of("pow")):
            if self.constant[b[s]] and self.tape.data[b[s]] == 2.0:
                self.code[s], b[s] = self.names.index("mul"), a[s]
        relu, steps = np.flatnonzero(self.of("relu")), np.flatnonzero(self.of("step"))
        instead = np.arange(len(a))
        instead[a[relu]] = relu
        steps = steps[instead[a[steps]] < steps]
        a[steps] = instead[a[steps]]

    def _parents(self) -> tuple[Any, Any]:
        """The sum that each slot is a part of, itself if of none, and with which sign."""
        a, b, once = self.a, self.b, (self.uses == 1) & self.of("add", "sub", "mul")
        add, sub, mul = self.of("add"), self.of("sub"), self.of("mul")
        parent, sign = np.arange(len(a)), np.ones(len(a))
        for which, operand in ((add, a), (add, b), (sub, a)):
            at = np.flatnonzero(which)
            at = at[once[operand[at]]]
            parent[operand[at]] = at
        # a product is subtracted by a constant of the other sign, if it has one
        scaled = np.zeros(len(a), bool)
        scaled[mul] = self.constant[a[mul]] | self.constant[b[mul]]
        at = np.flatnonzero(sub)
        at = at[once[b[at]] & scaled[b[at]]]
        parent[b[at]], sign[b[at]] = at, -1.0
        # y * l + y * m, as of x / x: they may cancel, so both are rounded, and not only one
        at = np.flatnonzero(add)
        x, y = np.where(add[a[at]], b[a[at]], a[at]), b[at]
        both = mul[x] & mul[y] & (a[x] == a[y]) & (b[x] != b[y]) & (a[b[x]] >= 0) & (a[b[y]] >= 0)
        parent[x[both]], parent[y[both]] = x[both], y[both]
        while True:  # to the root of each sum, twice as far each time
            up = parent[parent]
            sign = np.where(up != parent, sign * sign[parent], sign)
            if (up == parent).all():
                return parent, sign
            parent = up

    def _products(self, parent: Any, sign: Any) -> list[Product]:
        """The products of all sums, sum by sum; a single number is one times ONE."""
        a, b, used = self.a, self.b, self.uses > 0
        add, sub, neg = self.of("add"), self.of("sub"), self.of("neg")
        at = np.flatnonzero(self.of("mul") & used)
        parts = [(parent[at], at, sign[at], a[at], b[at])]
        for which, operand, factor in (
            (add, a, 1),
            (add, b, 1),
            (sub, a, 1),
            (sub, b, -1),
            (neg, a, -1),
        ):
            at = np.flatnonzero(which & used)
            at = at[~self.inner[operand[at]] | (parent[operand[at]] != parent[at])]
            ones = np.full(len(at), ONE)
            parts.append((parent[at], at, factor * sign[at], operand[at], ones))
        root, key, sign, p, q = (np.concatenate(columns) for columns in zip(*parts))
        order = np.lexsort((key, root))
        self.root, self.p, self.q = root[order], p[order], q[order]
        return list(zip(sign[order].tolist(), self.p.tolist(), self.q.tolist()))

    def _fused(self) -> dict[int, int]:
        """The sum that is used once, by a relu or a product which thereby finishes it, by slot."""
        a, b = self.a, self.b
        consumer = np.full(len(a), -1)
        for operand in (b, a):
            at = np.flatnonzero(operand >= 0)
            consumer[operand[at]] = at
        relu, product = self.of("relu"), self.of("mul") & ~self.inner & (a != b)
        fused: dict[int, int] = {}
        for s in np.flatnonzero(
            self.sums & ~self.inner & (self.uses == 1) & (consumer >= 0)
        ).tolist():
            c = int(consumer[s])
            if s not in fused and c not in fused and (relu[c] or product[c]):
                fused[c] = s
        return fused

    def _finish(self, s: int, inside: int) -> tuple[str, int]:
        """How `s` finishes the sum `inside`, and the slot that it needs for that."""
        if not self.of_slot(s, "mul"):
            return "relu", ONE
        other = int(self.b[s] if inside == self.a[s] else self.a[s])
        node = self.nodes.get(other)
        if node is None or self.uses[other] > 1:
            return "times", other
        if node.op == "step":
            del self.nodes[other]
            return "times step", node.operands[0]
        # (1 - y) * y, the derivative of a logistic unit
        summands = {(x, factor): p for factor, p, x in node.products}
        one, y = summands.get((ONE, 1.0), ONE), summands.get((ONE, -1.0), ONE)
        logistic = node.finish == "times" and len(summands) == 2 and y == node.other >= 0
        if logistic and self.constant[one] and self.tape.data[one] == 1.0:
            del self.nodes[other]
            return "times rest", y
        return "times", other

    def of_slot(self, s: int, name: str) -> bool:
        return bool(self.names[self.code[s]] == name)
