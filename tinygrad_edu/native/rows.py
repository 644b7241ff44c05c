"""Rows, each one number for every lane, what they are made of, and the arena that they lie in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.ieee import total
from tinygrad_edu.native.form import ONE
from tinygrad_edu.native.machine import BLOCK
from tinygrad_edu.ops import Op

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

    kind: "given", or an instruction. "dots": the sum of `terms`, products of two, and what
    finishes it, of `machine.FINISH`, with the row `other`. "rows": `op` of the rows `args`.
    "gather": one of `args` in each lane, None where it does not matter. "turn": one lane of each
    of eight `args`. "sums": in each of eight lanes, a sum over all lanes: `terms` are a row and
    the eight that it is multiplied by. "zero": 0, and nothing to be done. at: its address, -1
    until it has one.
    """

    __slots__ = ("args", "at", "finish", "kind", "op", "other", "terms")

    def __init__(self, kind: str, *args: Ref, op: Op | None = None, at: int = -1) -> None:
        self.kind, self.args, self.at = kind, args, at
        self.op: Any = op
        self.terms: Sequence[tuple[Ref, ...]] = ()
        self.finish = ""
        self.other: Row | None = None

    def refs(self) -> list[Ref]:
        """All that it is made of."""
        return [*self.args, *(x for term in self.terms for x in term)]

    def operands(self) -> Iterator[Row]:
        """Every row that it is made of, as often as it is."""
        yield from (x for x in map(row_of, self.refs()) if type(x) is Row)
        if self.other is not None:
            yield self.other


class Arena:
    """Where everything is, and what is there from the start: `numbers`, by address.

    lanes: of a row. addresses: of slots that are the same in all lanes. all: the rows to be made,
    in an order in which they can be.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.size = BLOCK  # in doubles: the first stay 0
        self.numbers: dict[int, float] = {}
        self.constants: dict[str, int] = {"0.0": 0}
        self.patterns: dict[tuple[float, ...], Row] = {}
        self.addresses: dict[int, int] = {}
        self.all: dict[Row, None] = {}
        self.made: dict[Any, Row] = {}  # those that more than one may need
        self.relus: dict[Row, Row] = {}

    def take(self, doubles: int) -> int:
        """The address of so many doubles, which begins a vector."""
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
        key = tuple(lanes.get(lane, (0.0,))[0] for lane in range(self.lanes))
        if key not in self.patterns:
            self.patterns[key] = Row("given", at=self.take(self.lanes))
            self.numbers |= zip(range(self.patterns[key].at, self.size), key)
        return self.patterns[key]

    def filling(self, x: float) -> Row:
        """A row of that number in every lane."""
        return self.pattern(dict.fromkeys(range(self.lanes), (x,)))

    def as_row(self, x: Ref) -> Row:
        """What is the same in every lane as a row."""
        if type(x) is Row:
            return x
        return self.filling(x[0]) if is_number(x) else self.product(ONE, x)

    def row(self, kind: str, *args: Ref, op: Op | None = None, at: int = -1) -> Row:
        """A new row to be made."""
        row = Row(kind, *args, op=op, at=at)
        self.all[row] = None
        return row

    def make(self, kind: str, *args: Ref, op: Op | None = None) -> Row:
        """A row of these, made once."""
        key = (kind, op and op.name, *args)
        if key not in self.made:
            self.made[key] = self.row(kind, *args, op=op)
        return self.made[key]

    def dots(self, *terms: Pair) -> Row:
        """A new row, the sum of these products."""
        row = self.row("dots")
        row.terms = terms
        return row

    def product(self, x: Ref, y: Ref) -> Row:
        """A row of a product, made once."""
        if (x, y) not in self.made:
            self.made[x, y] = self.dots((x, y))
        return self.made[x, y]

    def operation(self, op: Op, *xs: Ref) -> Ref:
        """A row of the table of these operands: sums and products as DOTS, a number of numbers.

        Powers to half a whole number by square root and product, which is faster. It differs from
        ieee's pow at -0 and -inf only, in a zero's sign or where what follows is not finite and is
        computed once more.
        """
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
        if op is ops.mask and is_number(x):
            return y if x[0] else (0.0,)
        if op is ops.power and is_number(y) and abs(y[0]) in (0.5, 1.0, 1.5, 2.0):
            size = abs(y[0])
            power = self.dots((x, x)) if size == 2 else x
            if size % 1:
                root = self.make("rows", self.as_row(x), op=ops.sqrt)
                power = self.dots((x, root)) if size > 1 else root
            return power if y[0] > 0 else self.operation(ops.div, ONE, power)
        rows = [self.as_row(u) for u in xs]
        if op is ops.step:  # step(relu(x)) is step(x), and then x may have no other use
            rows = [self.relus.get(row, row) for row in rows]
        row = self.make("rows", *rows, op=op)
        if op is ops.relu:
            self.relus[rows[0]] = row
        return row
