"""Pass 5: the gradients of eight parameters become one row.

A block is eight parameters whose gradients are computed together. They are side by side in the
arena, and so are their gradients, and each state of the optimizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tinygrad_edu.compiler.native.lowering.lane_sums import LaneSum, sums
from tinygrad_edu.compiler.native.lowering.nodes import (
    ONE,
    Column,
    Dots,
    Gather,
    Lane,
    LaneSums,
    Operand,
    Row,
    Zero,
)
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram, Writer
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK

__all__ = ["Block", "Blocks", "Window", "blocks"]


@dataclass(frozen=True, slots=True)
class Block:
    """The slots of up to eight parameters, and the row of their gradients."""

    gradients: Row
    parameters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """As many parameters, side by side in the order of the blocks, as a row has lanes.

    parameters: their numbers as a row, which no instruction computes. gradients: the row of their
    gradients, and examples: the row of the sums over the examples, to which other contributions are
    added. Both are None if there are no other contributions: then the sums are the gradients.
    """

    parameters: Row
    examples: Row | None = None
    gradients: Row | None = None


@dataclass(frozen=True)
class Blocks:
    """The program with the gradients of all parameters, and the blocks in their order.

    windows: all of them, in the same order; () if no row reads a window.
    """

    program: RowProgram
    blocks: tuple[Block, ...]
    windows: tuple[Window, ...] = ()


def blocks(program: RowProgram, gradients: Mapping[int, LaneSum], single: bool) -> Blocks:
    """Returns the program with these gradients in blocks.

    single: there is one example. Then there are few lanes, and sums over lanes are slow. Often it
    is faster to gather single lanes, or to transpose eight rows.
    """
    writer = Writer(program)
    made = [
        Block(sums(writer, [gradients[p] for p in members]), tuple(members))
        for members in _eights_of_a_kind(gradients, single)
    ]
    if single:
        _gather(writer, made, gradients)
        _transpose(writer, [block.gradients for block in made])
    made.sort(key=lambda block: not isinstance(writer.rows[block.gradients], LaneSums))
    for block in made:
        definition = writer.rows[block.gradients]
        if isinstance(definition, LaneSums) and not definition.terms:
            writer.rows[block.gradients] = Zero()
    return Blocks(writer.program(), tuple(made))


def _eights_of_a_kind(gradients: Mapping[int, LaneSum], single: bool) -> Iterator[Sequence[int]]:
    """Yields parameters, up to eight at a time, whose gradients share a row, the hub.

    Greedy: the hub that fills blocks best takes all parameters that have it, then the next hub
    takes from the rest. So all neurons of a layer get the same kind of hub. For a single example
    the hub with fewer parameters is better, because `_transpose` transposes the other factors.
    """
    by_length: dict[int, list[int]] = {}
    for p, products in gradients.items():
        by_length.setdefault(len(products), []).append(p)
    yield from _eights(by_length.pop(0, []))
    for members in by_length.values():
        having: dict[Row, dict[int, None]] = {}
        for p in members:
            for row in gradients[p][0]:
                having.setdefault(row, {})[p] = None
        adjoints = {gradients[p][0][0] for p in members}
        for hub in sorted(having, key=partial(_fit, having, adjoints, single), reverse=True):
            mine = list(having[hub])
            for p in mine:
                x, y = gradients[p][0]
                if x is not y:
                    del having[y if x is hub else x][p]
            having[hub] = {}
            yield from _eights(mine)


def _fit(
    having: dict[Row, dict[int, None]], adjoints: set[Row], single: bool, hub: Row
) -> tuple[float, int, bool]:
    """Returns the key for sorting hubs. Hubs that fill blocks of eight better have a larger key."""
    count = len(having[hub])
    return count / -(-count // BLOCK), -count if single else count, hub in adjoints


def _eights(members: Sequence[int]) -> Iterator[Sequence[int]]:
    for k in range(0, len(members), BLOCK):
        yield members[k : k + BLOCK]


def _gather(writer: Writer, made: Sequence[Block], gradients: Mapping[int, LaneSum]) -> None:
    """Writes a GATHER for each block whose gradients are single lanes of rows.

    Such a gradient is one product of a row and a pattern with a single 1.
    """
    ones = {writer.pattern({lane: ONE}): lane for lane in range(writer.lanes)}
    for block in made:
        products = [product for p in block.parameters for product in gradients[p]]
        if len(products) == len(block.parameters) and all(y in ones for _, y in products):
            lanes: list[Operand | None] = [Lane(x, ones[y]) for x, y in products]
            writer.rows[block.gradients] = Gather(tuple(lanes))


def _transpose(writer: Writer, rows: Sequence[Row]) -> None:
    """Transposes the eight rows that several blocks multiply by their hubs.

    Then a sum of hub * row over all lanes is a sum of (lane k of hub) * (column k) over all k. DOTS
    computes that for all eight parameters at once.
    """
    alike: dict[tuple[Row, ...], list[tuple[Row, Row]]] = {}
    for row in rows:
        definition = writer.rows[row]
        if isinstance(definition, LaneSums) and len(definition.terms) == 1:
            hub, *others = definition.terms[0]
            alike.setdefault(tuple(others), []).append((row, hub))
    for eight, same in alike.items():
        if len(same) > 2:
            columns = [writer.row(Column(eight)) for _ in range(BLOCK)]
            for row, hub in same:
                writer.rows[row] = Dots(tuple((Lane(hub, k), x) for k, x in enumerate(columns)))
