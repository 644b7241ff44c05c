"""The graph of one example, recorded once: every back end of a compiled loss uses it."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cached_property
from operator import is_

from tinygrad_edu.compiler.tape.tape import Tape, no_collection, record
from tinygrad_edu.engine import Value
from tinygrad_edu.ops import CONSTANT, TABLE

__all__ = ["Recording", "same_instructions"]


class Recording:
    """The outputs of a graph, the leaves that matter, and the tapes.

    outputs: the loss, then each Value of `also`. wrt: leaves to differentiate by. inputs: leaves
    that get new numbers at each call. used: the places in `inputs` of the leaves that are on the
    tape; the columns of other inputs are never read. constants: all other leaves on the tape; a
    call takes the numbers that they have then. per_example: the inputs in `wrt`; each example has
    its own gradient by them. own_rows: whether the graph has an operation that the user made.
    rules: the values and rules of all rows when it was recorded, in the order of the table.
    """

    def __init__(
        self, outputs: Sequence[Value], wrt: Sequence[Value], inputs: Sequence[Value]
    ) -> None:
        self.outputs, self.wrt, self.inputs = outputs, wrt, inputs
        self.rules = [(op, op.value, *op.derivatives) for op in TABLE.values()]
        self.forward = record(outputs)
        given = set(inputs)
        self.constants = [leaf for leaf in self.forward.leaves if leaf not in given]
        self.used = [i for i, x in enumerate(inputs) if x in self.forward.leaves]
        self.per_example = dict.fromkeys(x for x in wrt if x in given)  # an ordered set
        rows = dict.fromkeys(self.forward.ops)
        self.own_rows = any(TABLE.get(op.name) is not op for op in rows if op)
        if self.own_rows:
            self.tape.verify()  # a user's wrong rule raises an error here, not at a call

    @cached_property
    def tape(self) -> Tape:
        """The graph with its adjoints. It is recorded when it is first needed. Machine code does
        not need it, because it makes its own adjoints."""
        with no_collection():
            return record(self.outputs, self.wrt)

    def numbers(self) -> list[float]:
        """Returns the present numbers of `constants`."""
        return [leaf._data for leaf in self.constants]


def same_instructions(one: Recording, other: Recording) -> bool:
    """Returns whether the code of one recording computes the other, bit for bit.

    That is so if they have the same operations, operands and constants in the same order, and read
    the same leaves, or inputs at the same places, and if nobody has changed a rule in between. The
    labels may differ.
    """
    a, b = one.forward, other.forward
    if one.rules != other.rules:
        return False
    if len(a) != len(b) or len(one.inputs) != len(other.inputs) or one.own_rows != other.own_rows:
        return False
    same = a.outputs == b.outputs and a.a == b.a and a.b == b.b
    if not same or not all(map(is_, a.ops, b.ops)) or _constants(a) != _constants(b):
        return False
    place, there = ({x: i for i, x in enumerate(r.inputs)} for r in (one, other))

    def equal(xs: Sequence[Value], ys: Sequence[Value]) -> bool:
        return len(xs) == len(ys) and all(
            place.get(x) == there.get(y) and (x in place or x is y) for x, y in zip(xs, ys)
        )

    slots = [*a.leaves.values()] == [*b.leaves.values()]
    return slots and equal([*a.leaves], [*b.leaves]) and equal(one.wrt, other.wrt)


def _constants(tape: Tape) -> bytes:
    """Returns the constants of a tape, with every bit: -0.0 is another number than 0.0."""
    return array("d", [x for op, x in zip(tape.ops, tape.data) if op is CONSTANT]).tobytes()
