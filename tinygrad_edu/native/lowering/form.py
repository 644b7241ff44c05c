"""A tape in normal form: each node is a sum of products, or another row of the table.

A sum or a product that one sum alone uses is part of that sum: the 68,000 operations of a small
transformer become 2,500 nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import frexp
from typing import Any, NamedTuple

from tinygrad_edu import ops
from tinygrad_edu.op import Op
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.tape import Tape

__all__ = ["LONG", "ONE", "Factor", "Node", "Term", "normal_form"]

Factor = Any  # a slot, or a number in a tuple: 1.0 would be taken for slot 1
Term = tuple[Factor, Factor]  # a product of two; if one is a number, the first
ONE = (1.0,)


class Node(NamedTuple):
    """A row `op` of the table and its operands; or the sum of `terms`, where `op` is None."""

    op: Op | None
    operands: tuple[Factor, ...] = ()
    terms: Sequence[Term] = ()

    def factors(self) -> list[Factor]:
        """All that it is made of."""
        return [*self.operands, *(x for term in self.terms for x in term)]


LONG = 64  # terms; a longer sum that is subtracted stays apart: it would be copied each time


def normal_form(tape: Tape, ends: Iterable[int]) -> dict[int, Node]:
    """The nodes by slot, operands first. What is in `ends` is a node in any case."""
    numbers = {k: (x,) for k, (op, x) in enumerate(zip(tape.ops, tape.data)) if op is CONSTANT}
    uses = [0] * (len(tape) + 1)  # the last is of no slot
    for slots in (tape.a, tape.b, ends):
        for k in slots:
            uses[k] += 1
    add, sub, mul, neg = ops.add, ops.sub, ops.mul, ops.neg
    sums: dict[int, list[Term]] = {}
    others: dict[int, Node] = {}

    def terms(k: int) -> list[Term]:
        """The terms of an operand of a sum: its own, if it is a sum that nobody else uses."""
        return sums.pop(k) if uses[k] == 1 and k in sums else [(ONE, numbers.get(k, k))]

    def negated(k: int) -> list[Term]:
        mine = sums.get(k, ())
        if uses[k] == 1 and len(mine) < LONG and all(type(x) is tuple for x, _ in mine):
            return [((-x[0],), y) for x, y in terms(k)]
        return [((-1.0,), numbers.get(k, k))]

    for k, (op, a, b) in enumerate(zip(tape.ops, tape.a, tape.b)):
        if a < 0:
            continue
        x, y = numbers.get(a, a), numbers.get(b, b)
        if op is mul:
            sums[k] = [(y, x) if type(y) is tuple else (x, y)]
        elif op is add:
            less, more = sorted((terms(a), terms(b)), key=len)
            more += less
            sums[k] = more
        elif op is sub:
            found = terms(a)
            found += negated(b)
            sums[k] = found
        elif op is neg:
            sums[k] = negated(a)
        elif op is ops.power and y == (2.0,):
            sums[k] = [(x, x)]
        elif op is ops.div and type(y) is tuple and abs(frexp(y[0])[0]) == 0.5:
            sums[k] = [((1 / y[0],), x)]  # by a power of 2, and so without a rounding
        else:
            others[k] = Node(op, (x, y) if b >= 0 else (x,))
    nodes = {k: Node(None, (), found) for k, found in sums.items()} | others
    return dict(sorted(nodes.items()))
