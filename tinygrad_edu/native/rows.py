"""Rows, each one number for every lane and how it comes about, and the arena that they lie in."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.native.form import ONE
from tinygrad_edu.native.machine import BLOCK
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.tape import Tape


class Row:
    """One number for each lane, and how it comes about.

    kind: "given", or an instruction. Of DOTS: `finish`, and the row `other` for that; `init`, and
    the products: `uu` of uniform numbers, `ur` of a uniform number and a row, `rr` of rows. Of
    ROWS: `op`, and its operands in `rr`. Of GATHER: `init`, a list of uniform numbers. Of SUMS:
    `rr`, terms of a row and those that it is multiplied by, one for each sum; `ur`, rows whose sum
    is multiplied by the parameters. Of TURN: `rr`, the eight rows. A uniform number is a slot, a
    float, or a row and its lane. at: its address, -1 until it has one.
    """

    __slots__ = ("at", "finish", "init", "kind", "op", "other", "rr", "ur", "uu")

    def __init__(self, kind: str, op: str = "", at: int = -1) -> None:
        self.kind, self.op, self.finish, self.at = kind, op, "", at
        self.init: Any = None
        self.other: Row | None = None
        self.uu: list[tuple[Any, Any]] = []
        self.ur: list[tuple[Any, Row]] = []
        self.rr: list[tuple[Row, ...]] = []

    def operands(self) -> list[Row]:
        """Every row that it is made of."""
        found = [row for pair in self.rr for row in pair]
        found += [row for _, row in self.ur]
        uniform = [u for u, _ in self.ur] + [u for pair in self.uu for u in pair]
        uniform += self.init if type(self.init) is list else [self.init]
        found += [u[0] for u in uniform if type(u) is tuple]
        return found if self.other is None else [*found, self.other]


def is_one(u: Any) -> bool:
    """Whether a uniform number is ONE, and not the number -1."""
    return type(u) is int and u == ONE


class Arena:
    """Where everything is, and what is there from the start: `numbers`, by address.

    lanes: of a row. addresses: of uniform slots. rows: those of slots. all: those to be made.
    """

    def __init__(self, tape: Tape, lanes: int) -> None:
        self.tape, self.lanes, self.slots = tape, lanes, len(tape)
        self.size = BLOCK  # in doubles: the first stay 0
        self.numbers: dict[int, float] = {}
        self.constants: dict[str, int] = {"0.0": 0}
        self.filled: dict[float, Row] = {}
        self.addresses: dict[int, int] = {}
        self.rows: dict[int, Row] = {}
        self.all: dict[Row, None] = {}

    def take(self, doubles: int) -> int:
        """The address of so many doubles, which begins a vector."""
        at, self.size = self.size, self.size + -(-doubles // BLOCK) * BLOCK
        return at

    def constant(self, x: float) -> int:
        """The address of that number."""
        at = self.constants.get(repr(x))
        if at is None:
            at = self.constants[repr(x)] = self.take(1)
            self.numbers[at] = x
        return at

    def filling(self, x: float) -> Row:
        """A row of that number in every lane, there from the start."""
        if x not in self.filled:
            self.filled[x] = self.pattern([x] * self.lanes)
        return self.filled[x]

    def pattern(self, lanes: list[float]) -> Row:
        """A row of these numbers, there from the start."""
        row = Row("given", at=self.take(self.lanes))
        row.init = lanes
        self.numbers |= {row.at + i: x for i, x in enumerate(lanes)}
        return row

    def row(self, kind: str, op: str = "", at: int = -1) -> Row:
        """A new row to be made."""
        row = Row(kind, op, at)
        self.all[row] = None
        return row

    def of(self, slot: int) -> Row:
        """The row of a slot, in every lane the same if the slot is uniform."""
        if slot not in self.rows:
            x = self.number(slot)
            if x is not None:
                return self.filling(x)
            self.rows[slot] = self.row("dots")
            self.rows[slot].init = slot
        return self.rows[slot]

    def number(self, slot: int) -> float | None:
        """Of a slot that is a constant."""
        if slot == ONE:
            return 1.0
        known = slot < self.slots and self.tape.ops[slot] is CONSTANT
        return self.tape.data[slot] if known else None

    def address(self, u: Any) -> int:
        """Of a uniform number."""
        if type(u) is tuple:
            return u[0].at + u[1]  # type: ignore[no-any-return]
        x = u or 0.0 if u is None or type(u) is float else self.number(u)
        return self.addresses[u] if x is None else self.constant(x)
