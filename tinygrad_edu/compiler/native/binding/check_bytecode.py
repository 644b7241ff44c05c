"""A check that bytecode stays in its arena. Bytecode is checked once, before its first run.

The bytecode of a large graph has millions of numbers. So NumPy checks many instructions at a time:
`_Part` says for each number whether it is an address, and how far the machine goes from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_edu.compiler.native.machine.interpreter import (
    BLOCK,
    DOTS,
    ELEMENTWISE,
    EPILOGUES,
    GATHER,
    HEAD,
    MOST_HUBS,
    OPS,
    REDUCE,
    TRANSPOSE,
    UPDATE,
)
from tinygrad_edu.errors import TapeError

__all__ = ["check"]

Integers: TypeAlias = npt.NDArray[np.int64]  # products of two int32 numbers fit, too
Booleans: TypeAlias = npt.NDArray[np.bool_]

MANY = 2**14  # instructions that are checked together: their arrays stay small
READS_ROW = np.array([epilogue.reads_row for epilogue in EPILOGUES])


def check(
    bytecode: Sequence[int] | npt.NDArray[np.int32],
    size: int,
    lanes: int,
    sizes: Sequence[int],
    blocks: int,
) -> None:
    """Raises TapeError for an unknown instruction, and for one that leaves the arena.

    size: doubles in the arena. lanes: doubles in a row. sizes: how many rows each of the
    instructions DOTS, DOTS + 1, ... computes. blocks: the number of blocks of parameters.
    """
    numbers: Integers = np.array(bytecode, np.int64)
    words, begins, at = numbers.data, list[int](), 0
    while at < len(words) and words[at]:
        length = words[at + 1] if at + 1 < len(words) else 0
        if not 2 <= length <= len(words) - at:
            raise TapeError(f"instruction {numbers[at : at + 9].tolist()} at {at} is unknown")
        begins.append(at)
        at += length
    for k in range(0, len(begins), MANY):
        some = begins[k : k + MANY + 1]
        part = _Part(numbers, np.array(some if len(some) > MANY else [*some, at], np.int64))
        part.find(lanes, sizes, blocks)
        part.verify(size)
    if at == len(words):
        raise TapeError("the bytecode has no end")


class _Part:
    """Some instructions, one after the other.

    begins: the first number of each. known: whether it is well-formed. extent: for each number that
    is an address, the doubles that are used from there; -1 for a number that is none. further: the
    distance to the last address that an instruction makes from it by steps.
    """

    def __init__(self, numbers: Integers, begins: Integers) -> None:
        """begins: of each instruction, and of the one after the last."""
        self.numbers, self.first = numbers, int(begins[0])
        self.begins, self.lengths = begins[:-1], np.diff(begins)
        self.words = numbers[self.first : int(begins[-1])]
        self.known = np.zeros(len(self.begins), bool)
        self.extent = np.full(len(self.words), -1, np.int64)
        self.further = np.zeros(len(self.words), np.int64)

    def find(self, lanes: int, sizes: Sequence[int], blocks: int) -> None:
        """Sets `known`, `extent` and `further`."""
        codes = self.numbers[self.begins]
        self._gather(codes == GATHER)
        for i in range(MOST_HUBS):
            self._reduce(codes == REDUCE + i, i + 1, lanes)
        self._transpose(codes == TRANSPOSE, lanes)
        self._update(codes == UPDATE, blocks)
        self._elementwise((codes >= ELEMENTWISE) & (codes < ELEMENTWISE + len(OPS)), lanes)
        for i, rows in enumerate(sizes):
            self._dots(codes == DOTS + i, rows - 1, lanes)

    def verify(self, size: int) -> None:
        """Raises TapeError for the first instruction that is unknown or leaves the arena."""
        low = np.minimum(self.words, self.words + self.further)
        high = np.maximum(self.words, self.words + self.further) + self.extent
        outside = (self.extent >= 0) & ((low < 0) | (high > size))
        if self.known.all() and not outside.any():
            return
        wrong = ~self.known
        places = np.flatnonzero(outside) + self.first
        wrong[np.searchsorted(self.begins, places, "right") - 1] = True
        k = int(np.flatnonzero(wrong)[0])
        at, length = int(self.begins[k]), int(self.lengths[k])
        instruction = self.numbers[at : at + min(length, 9)].tolist()
        reason = "leaves the arena" if self.known[k] else "is unknown"
        raise TapeError(f"instruction {instruction} at {at} {reason}")

    def _those(self, chosen: Booleans, least: int) -> tuple[Integers, Integers]:
        """Returns (begins, lengths) of the chosen instructions that have so many numbers."""
        which = chosen & (self.lengths >= least)
        return self.begins[which], self.lengths[which]

    def _kept(self, begins: Integers, holds: Booleans) -> Integers:
        """Marks the instructions for which this holds as known, and returns them."""
        kept = begins[holds]
        self.known[np.searchsorted(self.begins, kept)] = True
        return kept

    def _reaches(
        self, places: Integers, extent: int | Integers, further: int | Integers = 0
    ) -> None:
        """Says that the numbers at these places are addresses."""
        self.extent[places - self.first] = extent
        self.further[places - self.first] = further

    def _list(self, begins: Integers, counts: Integers) -> tuple[Integers, Integers]:
        """Returns the places of lists of numbers, and the place of each in its list."""
        ends = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
        return np.repeat(begins, counts) + within, within

    def _gather(self, chosen: Booleans) -> None:
        begins, lengths = self._those(chosen, 4)
        begins = self._kept(begins, self.numbers[begins + 3] * BLOCK == lengths - 4)
        count = self.numbers[begins + 3] * BLOCK
        self._reaches(begins + 2, count)
        self._reaches(self._list(begins + 4, count)[0], 1)

    def _reduce(self, chosen: Booleans, hubs: int, lanes: int) -> None:
        begins, lengths = self._those(chosen, 3 + hubs)
        rows = self.numbers[begins + 2] * (hubs + BLOCK)
        begins = self._kept(begins, rows == lengths - 3 - hubs)
        for i in range(hubs):
            self._reaches(begins + 3 + i, BLOCK)
        rows = self.numbers[begins + 2] * (hubs + BLOCK)
        self._reaches(self._list(begins + 3 + hubs, rows)[0], lanes)

    def _transpose(self, chosen: Booleans, lanes: int) -> None:
        begins, lengths = self._those(chosen, 3 + BLOCK)
        begins = self._kept(begins, lengths == 3 + BLOCK)
        self._reaches(begins + 2, BLOCK * lanes)
        for i in range(BLOCK):
            self._reaches(begins + 3 + i, lanes)

    def _update(self, chosen: Booleans, blocks: int) -> None:
        begins, lengths = self._those(chosen, 5)
        begin, count, step = (self.numbers[begins + 2 + i] for i in range(3))
        inside = (count == 0) | (begin + (count - 1) * step < blocks)
        self._kept(begins, (lengths == 5) & (begin >= 0) & (count >= 0) & (step >= 0) & inside)

    def _elementwise(self, chosen: Booleans, lanes: int) -> None:
        begins, lengths = self._those(chosen, 8)
        begins = self._kept(begins, lengths == 8)
        last = self.numbers[begins + 3] - 1
        self._reaches(begins + 2, lanes, last * lanes)
        self._reaches(begins + 4, lanes, last * self.numbers[begins + 5])
        self._reaches(begins + 6, lanes, last * self.numbers[begins + 7])

    def _dots(self, chosen: Booleans, last: int, lanes: int) -> None:
        """last: the number of rows that the instruction computes after the first."""
        begins, lengths = self._those(chosen, HEAD)
        epilogue = self.numbers[begins + 8]
        ur, uu, rr = (self.numbers[begins + i] for i in (6, 11, 12))
        holds = (ur >= 0) & (uu >= 0) & (rr >= 0) & (2 * (ur + uu + rr) == lengths - HEAD)
        begins = self._kept(begins, holds & (epilogue >= 0) & (epilogue < len(EPILOGUES)))
        head = [self.numbers[begins + i] for i in range(HEAD)]
        _, _, _, out_step, _, init_step, ur, u_step, epilogue, _, other_step, uu, rr, *steps = head
        self._reaches(begins + 2, lanes, last * out_step)
        self._reaches(begins + 4, 1, last * init_step)
        reads = READS_ROW[epilogue]
        self._reaches(begins[reads] + 9, lanes, last * other_step[reads])
        pairs = ur + uu + rr
        places, within = self._list(begins + HEAD, 2 * pairs)
        second, pair = within % 2, within // 2
        ur, uu, u_step, a_step, b_step = (np.repeat(x, 2 * pairs) for x in (ur, uu, u_step, *steps))
        is_ur, is_rr = pair < ur, pair >= ur + uu
        of_rr = np.where(second, b_step, a_step)
        step = np.where(is_rr, of_rr, np.where(is_ur & (second == 0), u_step, 0))
        self._reaches(places, np.where(is_rr | (is_ur & (second == 1)), lanes, 1), last * step)
