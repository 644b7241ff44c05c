"""Rows, each one number for every lane, what they are made of, and the arena that they lie in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.ieee import total
from tinygrad_edu.native.lowering.form import ONE
from tinygrad_edu.native.machine.arithmetic import PAIRS
from tinygrad_edu.native.machine.instructions import BLOCK
from tinygrad_edu.op import Op

__all__ = ["MINUS", "Arena", "Pair", "Ref", "Row", "is_number", "row_of"]

# What a row is made of: a Row, lane by lane; or what is the same in all lanes, which is a slot, a
# number in a tuple, or a Row and one of its lanes.
Ref = Any
Pair = tuple[Ref, Ref]  # a product
MINUS = (-1.0,)


def is_number(x: Ref) -> bool:
    """Whether it is the same number in all lanes, known from the start."""
    return type(x) is tuple and len(x) == 1


def row_of(x: Ref) -> Ref:
    """The row, if this is one of its lanes, or else what it is."""
    return x[0] if type(x) is tuple and len(x) == 2 else x


class Row:
    """One number for each lane, and how it comes about.

    kind: "given", or an instruction. "dots": the sum of `terms`, products of two, and what finishes
    it, one of the machine's FINISH, with the row `other`. "operation": `op` of the rows `args`.
    "gather": one of `args` in each lane, None where it does not matter. "turn": one lane of each of
    eight `args`. "sums": in each of eight lanes, a sum over all lanes: `terms` are a row and the
    eight that it is multiplied by. "slope": of a row, which makes it as well. "zero": 0, and
    nothing to be done. at: its address, -1 until it has one. slope: the row of its slope, if it
    makes one.
    """

    __slots__ = ("args", "at", "finish", "kind", "op", "other", "slope", "terms")

    def __init__(self, kind: str, *args: Ref, op: Op | None = None, at: int = -1) -> None:
        self.kind, self.args, self.at = kind, args, at
        self.op: Any = op
        self.terms: Sequence[tuple[Ref, ...]] = ()
        self.finish = ""
        self.other: Row | None = None
        self.slope: Row | None = None

    def refs(self) -> list[Ref]:
        """All that it is made of but `other`, which `fuse` alone gives it."""
        return [*self.args, *(x for term in self.terms for x in term)]

    def operands(self) -> Iterator[Row]:
        """Every row that it is made of, as often as it is."""
        yield from (x for x in map(row_of, self.refs()) if type(x) is Row)
        if self.other is not None:
            yield self.other


class Arena:
    """Where everything is, and what is there from the start: `numbers`, by address.

    lanes: of a row. addresses: of slots that are the same in all lanes. all: the rows to be made,
    in an order in which they can be. meant: the operation that a row is, if it is computed in
    another way, and of what.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.size = BLOCK  # in doubles: the first stay 0
        self.numbers: dict[int, float] = {}
        self.constants: dict[str, int] = {"0.0": 0}
        self.addresses: dict[int, int] = {}
        self.all: dict[Row, None] = {}
        self.meant: dict[Row, tuple[Op, tuple[Ref, ...]]] = {}
        self.made: dict[Any, Row] = {}  # rows that more than one may need
        self.relus: dict[Row, Row] = {}  # of a row, its relu

    def take(self, doubles: int) -> int:
        """The address of so many doubles, which begins a block of eight."""
        at, self.size = self.size, self.size + -(-doubles // BLOCK) * BLOCK
        return at

    def place(self, rows: Sequence[Row]) -> None:
        """Gives those rows room that have none, side by side."""
        fresh = [row for row in rows if row.at < 0]
        at = self.take(len(fresh) * self.lanes)
        for i, row in enumerate(fresh):
            row.at = at + i * self.lanes

    def address(self, u: Ref) -> int:
        """Of what is the same in all lanes."""
        if type(u) is int:
            return self.addresses[u]
        if not is_number(u):
            return int(u[0].at + u[1])
        if repr(u[0]) not in self.constants:
            at = self.constants[repr(u[0])] = self.take(1)
            self.numbers[at] = u[0]
        return self.constants[repr(u[0])]

    def pattern(self, lanes: dict[int, tuple[float]]) -> Row:
        """A row of these numbers, by lane, there from the start; 0 in other lanes."""
        numbers = [lanes.get(lane, (0.0,))[0] for lane in range(self.lanes)]
        key = repr(numbers)  # which tells -0 from 0
        if key not in self.made:
            self.made[key] = row = Row("given", *numbers, at=self.take(self.lanes))
            self.numbers |= zip(range(row.at, self.size), numbers)
        return self.made[key]

    def filling(self, x: float) -> Row:
        """A row of that number in every lane."""
        return self.pattern(dict.fromkeys(range(self.lanes), (x,)))

    def as_row(self, x: Ref) -> Row:
        """Any of these as a row."""
        if type(x) is Row:
            return x
        return self.filling(x[0]) if is_number(x) else self.dots((ONE, x), once=True)

    def row(self, kind: str, *args: Ref, op: Op | None = None) -> Row:
        """A new row to be made."""
        row = Row(kind, *args, op=op)
        self.all[row] = None
        return row

    def make(self, kind: str, *args: Ref, op: Op | None = None) -> Row:
        """A row of these, made once."""
        key = (kind, op and op.name, *args)
        if key not in self.made:
            self.made[key] = self.row(kind, *args, op=op)
        return self.made[key]

    def dots(self, *terms: Pair, once: bool = False) -> Row:
        """A row that is the sum of these products, a new one, or made once."""
        if once and terms in self.made:
            return self.made[terms]
        row = self.row("dots")
        row.terms = terms
        if once:
            self.made[terms] = row
        return row

    def parts(self, row: Row) -> Sequence[Ref]:
        """What a row is a function of."""
        return self.meant[row][1] if row in self.meant else row.refs()

    def operation(self, op: Op, *xs: Ref) -> Ref:
        """A row of the table of these operands: sums and products as DOTS, a number of numbers."""
        x, y = xs[0], xs[-1]
        if all(map(is_number, xs)):
            return (total(op.value, *(u[0] for u in xs)),)
        if op is ops.add:
            return self.dots((ONE, x), (ONE, y))
        if op is ops.sub:
            return self.dots((ONE, x), (MINUS, y))
        if op is ops.neg:
            return self.dots((MINUS, x))
        if op is ops.mul:
            x, y = (y, x) if is_number(y) else (x, y)
            return y if x == ONE else self.dots((x, y))
        if op is ops.power and is_number(y) and abs(y[0]) in (0.5, 1.0, 1.5, 2.0):
            return self._power(x, y[0])
        rows = [self.as_row(u) for u in xs]
        for value, slope in PAIRS:
            made = self.made.get(("operation", value, *rows)) if op.name == slope else None
            if made is not None:
                if made.slope is None:
                    made.slope = self.row("slope", made)
                    self.meant[made.slope] = op, tuple(rows)
                return made.slope
        if op is ops.step:  # step(relu(x)) is step(x), and then x may have no other use
            rows = [self.relus.get(row, row) for row in rows]
        row = self.make("operation", *rows, op=op)
        if op is ops.relu:
            self.relus[rows[0]] = row
        return row

    def _power(self, x: Ref, exponent: float) -> Ref:
        """By square root, reciprocal and product, which is faster; its rules are still a power's.

        It differs from ieee's pow where x is -inf and no other: a square root is nan there.
        """
        size, factors = abs(exponent), [self.as_row(x)] if abs(exponent) >= 1 else []
        if size % 1:
            positive = self.make(
                "operation", self.as_row(x), self.filling(0.0), op=ops.add
            )  # no -0
            factors = [positive] * len(factors)
            factors.append(self.make("operation", positive, op=ops.sqrt))
        if exponent < 0:
            one = self.filling(1.0)
            factors = [self.make("operation", one, y, op=ops.div) for y in factors]
        if size == 2:
            factors *= 2
        row = factors[0] if len(factors) == 1 else self.dots((factors[0], factors[1]))
        if exponent != 1:
            self.meant.setdefault(row, (ops.power, (x, (exponent,))))
        return row
