"""Pass 1, tape to normal form: each node is a sum of products or a call of an operation.

A sum or product becomes part of the sum that uses it, if nothing else uses it. So 68,000 operations
of a small transformer become 2,500 nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import frexp

from tinygrad_edu import ops
from tinygrad_edu.compiler.native.lowering.nodes import (
    MINUS_ONE,
    ONE,
    Call,
    Node,
    Number,
    Sum,
    Term,
)
from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.ops import CONSTANT

__all__ = ["LONG", "normal_form"]

# A sum of so many terms is subtracted as a whole. If its terms were subtracted one by one, each
# subtraction in a long chain would copy all terms of the chain again.
LONG = 64
TWO = Number(2.0)


def normal_form(tape: Tape, ends: Iterable[int]) -> dict[int, Node]:
    """Returns the nodes by slot, operands first. Each slot in `ends` has a node of its own."""
    numbers = {k: Number(x) for k, (op, x) in enumerate(zip(tape.ops, tape.data)) if op is CONSTANT}
    uses = Counter(tape.a)
    uses.update(tape.b)
    uses.update(ends)
    add, sub, mul, neg = ops.add, ops.sub, ops.mul, ops.neg
    sums: dict[int, list[Term]] = {}
    calls: dict[int, Node] = {}

    def terms(k: int) -> list[Term]:
        """Returns the terms that slot k adds to a sum: those of k, if k is a sum with one use."""
        return sums.pop(k) if uses[k] == 1 and k in sums else [(ONE, numbers.get(k, k))]

    def negated(k: int) -> list[Term]:
        """Returns the terms of -k.

        The number in each term changes its sign. If a term has no number, the result is the single
        term -1 * k.
        """
        mine = sums.get(k, [])
        signed: list[Term] = [(Number(-x.value), y) for x, y in mine if isinstance(x, Number)]
        if uses[k] != 1 or not mine or len(signed) < len(mine) or len(mine) >= LONG:
            return [(MINUS_ONE, numbers.get(k, k))]
        del sums[k]
        return signed

    for k, (op, a, b) in enumerate(zip(tape.ops, tape.a, tape.b)):
        if a < 0:
            continue
        if op is add:
            more, less = terms(a), terms(b)
            if len(more) <= len(less):
                more, less = less, more
            more += less  # append the shorter to the longer, so that a long sum takes linear time
            sums[k] = more
            continue
        if op is sub:
            found = terms(a)
            found += negated(b)
            sums[k] = found
            continue
        x, y = numbers.get(a, a), numbers.get(b, b)
        if op is mul:
            sums[k] = [(y, x) if isinstance(y, Number) else (x, y)]
        elif op is ops.mask and _is_hit(tape, a):
            # Times 1 or 0: so the adjoints need no mask. An infinity times 0 is nan, but where a
            # result is not finite, the engine computes the example again.
            sums[k] = [(y, x) if isinstance(y, Number) else (x, y)]
        elif op is neg:
            sums[k] = negated(a)
        elif op is ops.power and y == TWO:
            sums[k] = [(x, x)]
        elif op is ops.div and isinstance(y, Number) and abs(frexp(y.value)[0]) == 0.5:
            sums[k] = [(Number(1 / y.value), x)]  # the reciprocal of a power of 2 is exact
        else:
            calls[k] = Call(op, (x, y) if b >= 0 else (x,))
    nodes: dict[int, Node] = {k: Sum(found) for k, found in sums.items()}
    return dict(sorted((nodes | calls).items()))


def _is_hit(tape: Tape, k: int) -> bool:
    """Returns whether slot k compares an index with a number: equal(x, n), or 1 - equal(x, n).

    `take` masks the other entries of a table by it, and `cross_entropy` an ignored label.
    """
    if tape.ops[k] is ops.sub and tape.data[tape.a[k]] == 1 and tape.ops[tape.a[k]] is CONSTANT:
        k = tape.b[k]
    return tape.ops[k] is ops.equal and tape.ops[tape.b[k]] is CONSTANT
