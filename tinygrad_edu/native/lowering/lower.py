"""Lowering: a tape becomes rows, one number for each lane, and rows become a table.

Lanes are examples, or, of one example, what is alike in its graph. Parameters and constants are
the same in all lanes. Nearly every row is a sum of products, the machine's DOTS, in the backward
pass as in the forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.native.lowering.form import ONE, normal_form
from tinygrad_edu.native.lowering.fuse import fuse
from tinygrad_edu.native.lowering.lanes import Lanes
from tinygrad_edu.native.lowering.packs import packs
from tinygrad_edu.native.lowering.reverse import backward
from tinygrad_edu.native.lowering.rows import Arena, Row, row_of
from tinygrad_edu.native.lowering.schedule import Schedule
from tinygrad_edu.native.lowering.sums import Gradients, sums
from tinygrad_edu.native.machine.instructions import BLOCK
from tinygrad_edu.ops import CONSTANT, LEAF
from tinygrad_edu.tape import Tape, hidden

__all__ = ["Lowering"]


class Lowering:
    """`table`, of a tape; `arena`, `gradients`: where everything is; `inputs_at`: the inputs."""

    def __init__(
        self,
        tape: Tape,
        parameters: Sequence[int],
        inputs: Sequence[int] | None,
        lanes: int,
        sizes: Sequence[int],
    ) -> None:
        """parameters: slots to differentiate by, those beyond the tape's for what is not on it.

        inputs: slots given for each example, and after them come the weight of its gradient, and 1,
        but 0 for what fills up the last row; None for one example, of which like parts are lanes.
        sizes: how many rows DOTS may make at a time.
        """
        self.arena = arena = Arena(lanes)
        single, output = inputs is None, tape.outputs[0]
        nodes = normal_form(tape, tape.outputs)
        given = [] if inputs is None else [*inputs, None, None]
        self.inputs_at = arena.take(len(given) * lanes)
        rows = [Row("given", at=self.inputs_at + i * lanes) for i, _ in enumerate(given)]
        groups = packs(nodes, parameters, lanes) if single else ({0: s} for s in nodes)
        found = Lanes(arena, nodes, groups, dict(zip(inputs or (), rows)), hidden(tape, output))
        _, lane = found.place.get(output, (None, 0))
        seed = arena.pattern({lane: ONE}) if single else rows[-2]
        slopes = backward(arena, row_of(found.ref(output)), seed, parameters, found.quiet)
        numbers = {s: (tape.data[s],) for s in tape.outputs if tape.ops[s] is CONSTANT}
        ends = [numbers.get(s) or found.ref(s) for s in tape.outputs]
        told = []
        for k in range(0, len(ends), BLOCK):
            eight = ends[k : k + BLOCK]
            if single:
                told.append(arena.row("gather", *eight))
            else:
                told.append(sums(arena, [[(rows[-1], arena.as_row(row_of(u)))] for u in eight]))
        self.gradients = Gradients(arena, slopes, told, single)
        for slot, op in enumerate(tape.ops):  # leaves that are not differentiated by
            if op is LEAF and slot not in found.place and slot not in arena.addresses:
                arena.addresses[slot] = arena.take(1)
        fuse(arena)
        self.table = Schedule(arena, self.gradients, sizes).table
