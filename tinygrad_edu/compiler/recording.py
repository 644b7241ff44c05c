"""The graph of one example, recorded once: every back end of a compiled loss uses it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tinygrad_edu.compiler.tape.tape import Tape, no_collection, record
from tinygrad_edu.engine import Value
from tinygrad_edu.ops import TABLE

__all__ = ["Recording"]


class Recording:
    """The outputs of a graph, the leaves that matter, and the tapes.

    outputs: the loss, then each Value of `also`. wrt: leaves to differentiate by. inputs: leaves
    that get new numbers at each call. used: the places in `inputs` of the leaves that are on the
    tape; the columns of other inputs are never read. constants: all other leaves on the tape; a
    call takes the numbers that they have then. per_example: the inputs in `wrt`; each example has
    its own gradient by them. own_rows: whether the graph has an operation that the user made.
    """

    def __init__(
        self, outputs: Sequence[Value], wrt: Sequence[Value], inputs: Sequence[Value]
    ) -> None:
        self.outputs, self.wrt, self.inputs = outputs, wrt, inputs
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
