"""A check that bytecode stays in its arena. Bytecode is checked once, before its first run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import SupportsInt

from tinygrad_edu.compiler.native.machine.interpreter import (
    BLOCK,
    DOTS,
    ELEMENTWISE,
    EPILOGUES,
    GATHER,
    OPS,
    REDUCE,
    TRANSPOSE,
    UPDATE,
)
from tinygrad_edu.errors import TapeError

__all__ = ["Reach", "check"]

Reach = tuple[Sequence[int], int]  # addresses; the number of doubles used at each address


def check(
    bytecode: Iterable[SupportsInt], size: int, lanes: int, sizes: Sequence[int], blocks: int
) -> None:
    """Raises TapeError for an unknown instruction, and for one that leaves the arena.

    size: doubles in the arena. lanes: doubles in a row. sizes: how many rows each of the
    instructions DOTS, DOTS + 1, ... computes. blocks: the number of blocks of parameters.
    """
    numbers, at = list(map(int, bytecode)), 0
    while at < len(numbers) and numbers[at]:
        length = numbers[at + 1] if at + 1 < len(numbers) else 0
        instruction = numbers[at : at + max(length, 0)]
        try:
            reached = list(_reached(instruction, lanes, sizes, blocks))
        except ValueError:
            raise TapeError(f"instruction {instruction[:9]} at {at} is unknown") from None
        for places, extent in reached:
            if places and not (min(places) >= 0 and max(places) + extent <= size):
                raise TapeError(f"instruction {instruction[:9]} at {at} leaves the arena")
        at += length
    if at >= len(numbers):
        raise TapeError("the bytecode has no end")


def _reached(
    instruction: Sequence[int], lanes: int, sizes: Sequence[int], blocks: int
) -> Iterator[Reach]:
    """Yields the addresses that an instruction uses; raises ValueError if it is malformed."""
    code, _, *rest = instruction
    if code == GATHER:
        out, count, *sources = rest
        _require(count * BLOCK == len(sources))
        yield [out], count * BLOCK
        yield sources, 1
    elif code in (REDUCE, REDUCE + 1):
        hubs, (terms, *lists) = code - REDUCE + 1, rest
        outs, rows = lists[:hubs], lists[hubs:]
        _require(len(outs) == hubs and len(rows) == terms * (hubs + BLOCK))
        yield outs, BLOCK
        yield rows, lanes
    elif code == TRANSPOSE:
        out, *rows = rest
        _require(len(rows) == BLOCK)
        yield [out], BLOCK * lanes
        yield rows, lanes
    elif code == UPDATE:
        begin, count, step = rest
        _require(min(begin, count, step) >= 0)
        _require(not count or begin + (count - 1) * step < blocks)
    elif ELEMENTWISE <= code < ELEMENTWISE + len(OPS):
        out, count, a, a_step, b, b_step = rest
        steps = (out, lanes), (a, a_step), (b, b_step)
        yield [x + i * step for x, step in steps for i in (0, count - 1)], lanes
    else:
        _require(DOTS <= code < DOTS + len(sizes))
        out, out_step, init, init_step, count, u_step, epilogue, *more = rest
        other, other_step, uu, rr, a_step, b_step, *pairs = more
        _require(min(count, uu, rr) >= 0 and len(pairs) == 2 * (count + uu + rr))
        _require(0 <= epilogue < len(EPILOGUES))
        first, second, both = pairs[::2], pairs[1::2], count + uu

        def along(step: int, *begins: int) -> list[int]:
            return [x + i * step for x in begins for i in (0, sizes[code - DOTS] - 1)]

        yield [*along(out_step, out), *second[:count]], lanes
        yield [*along(a_step, *first[both:]), *along(b_step, *second[both:])], lanes
        yield [*along(init_step, init), *along(u_step, *first[:count])], 1
        yield [*first[count:both], *second[count:both]], 1
        if EPILOGUES[epilogue].reads_row:
            yield along(other_step, other), lanes


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError
