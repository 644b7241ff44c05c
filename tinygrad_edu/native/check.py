"""Whether a table stays in its arena: looked at once, before it runs for the first time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_edu.errors import TapeError
from tinygrad_edu.native.machine import BLOCK, DOTS, FINISH, GATHER, HEAD, OPS, ROWS, SUMS, TURN

Reach = tuple[Sequence[int], int]  # addresses, and how many doubles are read or written at each


def check(table: Any, size: int, lanes: int, sizes: Sequence[int]) -> None:
    """Raises TapeError unless all that the table reaches is in an arena of `size` doubles.

    lanes: doubles in a row. sizes: how many rows DOTS, DOTS + 1, ... make.
    """
    numbers, at = list(map(int, table)), 0
    while at < len(numbers) and numbers[at]:
        length = numbers[at + 1] if at + 1 < len(numbers) else 0
        instruction = numbers[at : at + length]
        try:
            reached = list(_reached(instruction, lanes, sizes))
        except (IndexError, ValueError):
            raise TapeError(f"instruction {instruction[:HEAD]} at {at} is none") from None
        for places, extent in reached:
            if places and not (min(places) >= 0 and max(places) + extent <= size):
                raise TapeError(f"instruction {instruction[:HEAD]} at {at} leaves the arena")
        at += length
    if at >= len(numbers):
        raise TapeError("a table without an end")


def _reached(instruction: Sequence[int], lanes: int, sizes: Sequence[int]) -> Iterator[Reach]:
    """What the instruction reads and writes; IndexError or ValueError if it is none."""
    code, _, *rest = instruction
    if code == GATHER:
        out, count, *sources = rest
        _same(count, len(sources))
        yield [out], count
        yield sources, 1
    elif code in (SUMS, SUMS + 1):
        hubs = code - SUMS + 1
        terms, uniform, *lists = rest
        outs, lists = lists[:hubs], lists[hubs:]
        rows = terms * (BLOCK + hubs)
        _same(min(terms, uniform, 0), 0)
        _same(rows + 2 * uniform, len(lists))
        _same(len(outs), hubs)
        yield outs, BLOCK
        yield [*lists[:rows], *lists[rows::2]], lanes
        yield lists[rows + 1 :: 2], BLOCK
    elif code == TURN:
        _same(len(rest), 1 + BLOCK)
        yield rest[:1], BLOCK * lanes
        yield rest[1:], lanes
    elif code == ROWS:
        out, count, op, a, a_step, b, b_step = rest
        _same(op, range(len(OPS))[op])
        yield [out, out + (count - 1) * lanes], lanes
        yield [a, a + (count - 1) * a_step, b, b + (count - 1) * b_step], lanes
    else:
        last = sizes[range(len(sizes))[code - DOTS]] - 1
        out, out_step, init, init_step, count, u_step, finish, other, other_step = rest[:9]
        uu, rr, a_step, b_step = rest[9 : HEAD - 2]
        pairs = rest[HEAD - 2 :]
        _same(min(count, uu, rr, 0), 0)
        _same(2 * (count + uu + rr), len(pairs))
        _same(finish, range(len(FINISH))[finish])
        u, row = pairs[: 2 * count : 2], pairs[1 : 2 * count : 2]
        first, second = (pairs[2 * (count + uu) + k :: 2] for k in (0, 1))
        yield [out, out + last * out_step, *row], lanes
        yield [*first, *(x + last * a_step for x in first)], lanes
        yield [*second, *(x + last * b_step for x in second)], lanes
        yield [init, init + last * init_step, *u, *(x + last * u_step for x in u)], 1
        yield pairs[2 * count : 2 * (count + uu)], 1
        if finish > 1:
            yield [other, other + last * other_step], lanes


def _same(count: int, length: int) -> None:
    if count != length or count < 0:
        raise ValueError
