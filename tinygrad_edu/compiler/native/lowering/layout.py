"""Pass 6: the addresses in the arena, the machine's one array of doubles. In order:

    eight doubles that stay 0
    inputs
    patterns
    parameters
    sums that begin at 0 in each step, including the outputs
    sums that begin at 0 in each chunk of examples
    rows whose single lanes are factors of gradients
    gradients
    other leaves
    all other rows, and constants, in the order of the schedule

Parameters, their gradients and the states of the optimizer are in the same order, in blocks of
eight. For the neuron in the docstring of `lowering`, w and b are in block 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tinygrad_edu.compiler.native.lowering.gradient_blocks import Blocks
from tinygrad_edu.compiler.native.lowering.nodes import (
    Beside,
    Dots,
    Lane,
    LaneSums,
    Number,
    Pattern,
    Row,
    Uniform,
    assert_never,
)
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK

__all__ = ["Arena", "Layout", "layout"]


@dataclass(frozen=True)
class Layout:
    """The addresses that are known before the schedule, in doubles.

    size: of the arena so far. rows, slots: the address of each row, and of each slot that is the
    same in all lanes. numbers: the content of the arena before the first run, by address.
    inputs_at, parameters_at, gradients_at, outputs_at: the first address of each. zero_at, zeroed:
    the first address and the number of the doubles that each step sets to 0.
    """

    size: int
    rows: Mapping[Row, int]
    slots: Mapping[int, int]
    numbers: Mapping[int, float]
    inputs_at: int
    parameters_at: int
    gradients_at: int
    outputs_at: int
    zero_at: int
    zeroed: int


class Arena:
    """The arena while it is laid out: it gives out addresses one after the other."""

    def __init__(self, lanes: int, layout: Layout | None = None) -> None:
        self.lanes = lanes
        self.size = BLOCK if layout is None else layout.size
        self.rows: dict[Row, int] = {} if layout is None else dict(layout.rows)
        self.slots: dict[int, int] = {} if layout is None else dict(layout.slots)
        self.numbers: dict[int, float] = {} if layout is None else dict(layout.numbers)
        self.constants = {"0.0": 0}  # by the text of the number

    def take(self, doubles: int) -> int:
        """Returns the address of so many doubles. It is a multiple of eight."""
        at, self.size = self.size, self.size + -(-doubles // BLOCK) * BLOCK
        return at

    def place(self, rows: Iterable[Row]) -> None:
        """Gives addresses, side by side, to the rows that have no address yet."""
        fresh = [row for row in rows if row not in self.rows]
        at = self.take(len(fresh) * self.lanes)
        self.rows |= {row: at + i * self.lanes for i, row in enumerate(fresh)}

    def place_pattern(self, row: Row, pattern: Pattern) -> None:
        """Gives an address to a row of numbers, which are there before the first run."""
        at = self.rows[row] = self.take(self.lanes)
        self.numbers |= zip(range(at, self.size), pattern.numbers)

    def address(self, x: Uniform) -> int:
        """Returns the address of a uniform operand."""
        if isinstance(x, Lane):
            return self.rows[x.row] + x.lane
        if isinstance(x, int):
            return self.slots[x]
        if isinstance(x, Number):
            key = repr(x.value)  # the text tells -0 from 0
            if key not in self.constants:
                at = self.constants[key] = self.take(1)
                self.numbers[at] = x.value
            return self.constants[key]
        assert_never(x)


def layout(
    found: Blocks, inputs: Sequence[Row], outputs: Sequence[Row], leaves: Iterable[int]
) -> Layout:
    """Returns the addresses of blocks, and of everything that is read or written from outside.

    leaves: slots of leaves that are the same in all lanes.
    """
    program, blocks = found.program, found.blocks
    arena = Arena(program.lanes)
    inputs_at = arena.take(len(inputs) * arena.lanes)
    arena.rows |= {row: inputs_at + i * arena.lanes for i, row in enumerate(inputs)}
    for row, definition in program.rows.items():
        if isinstance(definition, Pattern):
            arena.place_pattern(row, definition)
    # the last window may end after the last block
    doubles = max(len(blocks) * BLOCK, len(found.windows) * arena.lanes)
    parameters_at = arena.take(doubles)
    zero_at = arena.size
    examples_at = arena.take(doubles if found.windows else 0)
    for k, window in enumerate(found.windows):
        arena.rows[window.parameters] = parameters_at + k * arena.lanes
        if window.examples is not None:
            arena.rows[window.examples] = examples_at + k * arena.lanes
    apart = {
        part for node in program.rows.values() if isinstance(node, Beside) for part in node.rows
    }
    hubs = list(dict.fromkeys(_hubs(found)))
    own = {*outputs, *(block.gradients for block in blocks)}
    added_to = [
        row for row, node in program.rows.items() if isinstance(node, LaneSums) and row not in apart
    ]
    of_hubs = [row for row in hubs if isinstance(program.rows[row], LaneSums)]
    for row in dict.fromkeys([*of_hubs, *(row for row in added_to if row not in own)]):
        arena.rows[row] = arena.take(BLOCK)
    outputs_at = arena.size
    for row in outputs:
        arena.rows[row] = arena.take(BLOCK)
    zeroed = arena.size - zero_at
    for row, node in program.rows.items():
        if isinstance(node, Beside) and row not in arena.rows:
            at = arena.rows[row] = arena.take(max(len(node.rows) * BLOCK, arena.lanes))
            arena.rows |= {part: at + k * BLOCK for k, part in enumerate(node.rows)}
    arena.place(hubs)  # in the order of the blocks, so that one instruction reads many
    gradients_at = arena.take(doubles)
    for k, window in enumerate(found.windows):
        if window.gradients is not None:
            arena.rows[window.gradients] = gradients_at + k * arena.lanes
    for i, block in enumerate(blocks):
        begin = examples_at if block.gradients in apart else gradients_at
        at = arena.rows[block.gradients] = begin + i * BLOCK
        if block.gradients not in apart and isinstance(program.rows[block.gradients], LaneSums):
            zeroed = at + BLOCK - zero_at
        arena.slots |= {p: parameters_at + i * BLOCK + k for k, p in enumerate(block.parameters)}
    for slot in leaves:
        if slot not in arena.slots:
            arena.slots[slot] = arena.take(1)
    return Layout(
        arena.size,
        arena.rows,
        arena.slots,
        arena.numbers,
        inputs_at,
        parameters_at,
        gradients_at,
        outputs_at,
        zero_at,
        zeroed,
    )


def _hubs(found: Blocks) -> Iterable[Row]:
    """Yields the rows whose single lanes are factors in blocks, in the order of the blocks."""
    for block in found.blocks:
        node = found.program.rows[block.gradients]
        if isinstance(node, Dots) and isinstance(node.terms[0][0], Lane):
            yield node.terms[0][0].row
