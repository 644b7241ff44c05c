"""All passes in order: a tape becomes bytecode, and a description of its memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tinygrad_edu.compiler.native.lowering.backward import backward
from tinygrad_edu.compiler.native.lowering.forward import Forward, forward
from tinygrad_edu.compiler.native.lowering.fuse import fuse
from tinygrad_edu.compiler.native.lowering.gradient_blocks import Blocks, blocks
from tinygrad_edu.compiler.native.lowering.lane_sums import sums
from tinygrad_edu.compiler.native.lowering.layout import Arena, Layout, layout
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Apply,
    Factor,
    Gather,
    Given,
    Group,
    Lane,
    Number,
    Row,
    Uniform,
    row_of,
)
from tinygrad_edu.compiler.native.lowering.normal_form import normal_form
from tinygrad_edu.compiler.native.lowering.once import divided, penalties, with_once
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.compiler.native.lowering.schedule import schedule
from tinygrad_edu.compiler.native.lowering.vectorize import packs
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK
from tinygrad_edu.compiler.tape.tape import Tape, hidden
from tinygrad_edu.ops import CONSTANT, LEAF

__all__ = ["Lowered", "lower", "lower_forward"]


@dataclass(frozen=True)
class Lowered:
    """The result of all passes.

    bytecode: int32 numbers. size: doubles in the arena. numbers: the content of the arena before
    the first run, by address. layout: where things are in the arena. blocks: the number of blocks
    of parameters. operations: the names of the operations in the bytecode.
    """

    bytecode: Sequence[int]
    size: int
    numbers: Mapping[int, float]
    layout: Layout
    blocks: int
    operations: frozenset[str]


def lower(
    tape: Tape,
    parameters: Sequence[int],
    inputs: Sequence[int] | None,
    lanes: int,
    sizes: Sequence[int],
    hubs: int,
) -> Lowered:
    """Returns the bytecode of a tape and of its derivatives.

    parameters: slots to differentiate by; a number beyond the tape's end is a parameter on which
    nothing depends. inputs: slots that have a column, with a number for each example. Two columns
    follow: the weight of each example in the gradients and a 1, both 0 in padding. None: there is a
    single example, and lanes hold its repeated parts. lanes: numbers in a row. sizes: the numbers
    of rows that DOTS can compute at a time. hubs: the most hubs of a REDUCE.
    """
    single, output = inputs is None, tape.outputs[0]
    writer = Writer(RowProgram(lanes))
    columns = [] if inputs is None else [writer.row(Given()) for _ in range(len(inputs) + 2)]
    nodes = normal_form(tape, tape.outputs)
    groups: Sequence[Group]
    if inputs is None:
        part = penalties(nodes, parameters, tape.outputs)
        groups = packs(part.each, parameters, lanes)
    else:
        part = divided(nodes, {*inputs}, tape.outputs)
        groups = [{0: s} for s in part.each]
    hiding = hidden(tape, output)
    ahead = forward(part.each, groups, writer.program(), _lanes(inputs or (), columns), hiding)
    program, seed = _seeded(ahead, output, columns)
    last = row_of(ahead.operand(output))
    # what the examples read of the other part is a leaf to them, like a parameter
    both = backward(program, last, seed, [*parameters, *part.read], ahead.absorbed)
    program, outputs = _with_outputs(both.program, _wanted(tape, ahead), columns)
    found = blocks(program, {p: both.gradients[p] for p in parameters}, single)
    if part.read:
        found = with_once(found, part, both.gradients, hiding)
    places = layout(found, columns, outputs, _leaves(tape, ahead))
    return _scheduled(found, places, sizes, hubs)


def lower_forward(
    tape: Tape, inputs: Sequence[int], lanes: int, sizes: Sequence[int], hubs: int
) -> Lowered:
    """Returns the bytecode of the forward pass alone, for many examples; see `lower`.

    The outputs are rows side by side, at `outputs_at`: they have a number for each example.
    """
    writer = Writer(RowProgram(lanes))
    columns = [writer.row(Given()) for _ in range(len(inputs) + 2)]
    nodes = normal_form(tape, tape.outputs)
    absorbed = hidden(tape, min(tape.outputs))  # a later output hides no slot that this one shows
    given = _lanes(inputs, columns)
    ahead = forward(nodes, [{0: s} for s in nodes], writer.program(), given, absorbed)
    writer = Writer(ahead.program)
    operands = [row_of(x) for x in _wanted(tape, ahead)]
    outputs = [writer.dots((ONE, writer.as_row(x))) for x in operands if x is not None]
    found = Blocks(writer.program(), ())
    places = layout(found, columns, [], _leaves(tape, ahead))
    arena = Arena(lanes, places)
    arena.place(outputs)
    places = replace(places, size=arena.size, rows=arena.rows, outputs_at=arena.rows[outputs[0]])
    return _scheduled(found, places, sizes, hubs)


def _lanes(inputs: Sequence[int], columns: Sequence[Row]) -> dict[Factor, Lane]:
    """Returns the places of inputs: each example has a lane of its own."""
    return {s: Lane(row, 0) for s, row in zip(inputs, columns)}


def _wanted(tape: Tape, ahead: Forward) -> list[Uniform]:
    """Returns the operands that are the outputs."""
    constants = {s: Number(tape.data[s]) for s in tape.outputs if tape.ops[s] is CONSTANT}
    return [constants.get(s) or ahead.operand(s) for s in tape.outputs]


def _leaves(tape: Tape, ahead: Forward) -> list[int]:
    """Returns the slots of leaves that are the same in all lanes."""
    return [s for s, op in enumerate(tape.ops) if op is LEAF and s not in ahead.places]


def _scheduled(found: Blocks, places: Layout, sizes: Sequence[int], hubs: int) -> Lowered:
    """Returns the last passes of a program whose addresses are known."""
    fused = fuse(found.program, places.rows)
    code = schedule(fused, places, found, sizes, hubs)
    operations = frozenset(node.op.name for node in fused.rows.values() if isinstance(node, Apply))
    return Lowered(code.numbers, code.size, code.constants, places, len(found.blocks), operations)


def _seeded(ahead: Forward, output: int, columns: Sequence[Row]) -> tuple[RowProgram, Row]:
    """Returns the program with the adjoint of the output, and the row of this adjoint.

    With many examples it is the weight of each; with one, it is 1 in the lane of the output.
    """
    writer = Writer(ahead.program)
    place = ahead.places.get(output)
    seed = columns[-2] if columns else writer.pattern({place.lane if place else 0: ONE})
    return writer.program(), seed


def _with_outputs(
    program: RowProgram, wanted: Sequence[Uniform], columns: Sequence[Row]
) -> tuple[RowProgram, list[Row]]:
    """Returns the program with rows of eight outputs each, and these rows.

    With many examples the outputs are sums, to which padding adds 0.
    """
    writer = Writer(program)
    rows = []
    for k in range(0, len(wanted), BLOCK):
        eight = wanted[k : k + BLOCK]
        if columns:
            operands = (x.row if isinstance(x, Lane) else x for x in eight)
            rows.append(sums(writer, [[(columns[-1], writer.as_row(x))] for x in operands]))
        else:
            rows.append(writer.row(Gather(tuple(eight))))
    return writer.program(), rows
