"""The row program, and the writer with which a pass writes the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tinygrad_edu import ops
from tinygrad_edu.compiler.native.lowering.nodes import (
    MINUS_ONE,
    ONE,
    Apply,
    Definition,
    Dots,
    Number,
    Operand,
    Pattern,
    Product,
    Row,
    Slope,
    operands,
)
from tinygrad_edu.compiler.native.machine.arithmetic import PAIRS
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import Op

__all__ = ["Meaning", "RowProgram", "Writer"]

# Maps the name of a derivative to its operation; one instruction computes both of them.
VALUES = {slope: ops.TABLE[value] for value, slope in PAIRS}


class Meaning(NamedTuple):
    """The operation and the operands by which a row is differentiated."""

    op: Op
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class RowProgram:
    """Rows with their definitions, operands first.

    lanes: numbers in a row. meanings: the meaning of rows that are computed in one way and
    differentiated in another. shared: the rows that stand for all equal definitions. patterns: rows
    of known numbers, by the text of these numbers.
    """

    lanes: int
    rows: Mapping[Row, Definition] = field(default_factory=dict)
    meanings: Mapping[Row, Meaning] = field(default_factory=dict)
    shared: Mapping[Definition, Row] = field(default_factory=dict)
    patterns: Mapping[str, Row] = field(default_factory=dict)


class Writer:
    """Writes a new program, which begins as a copy of an old one.

    filled: the rows that have one number in every lane, by its text: it is found without the text
    of all lanes.
    """

    def __init__(self, old: RowProgram) -> None:
        self.lanes = old.lanes
        self.rows, self.meanings = dict(old.rows), dict(old.meanings)
        self.shared, self.patterns = dict(old.shared), dict(old.patterns)
        self.filled: dict[str, Row] = {}

    def program(self) -> RowProgram:
        """Returns the new program, to which nothing may be added afterwards."""
        return RowProgram(self.lanes, self.rows, self.meanings, self.shared, self.patterns)

    def row(self, definition: Definition) -> Row:
        """Adds a row, and returns it."""
        row = Row()
        self.rows[row] = definition
        return row

    def share(self, definition: Definition) -> Row:
        """Returns the shared row with an equal definition; adds it if there is none."""
        row = self.shared.get(definition)
        if row is None:
            row = self.shared[definition] = self.row(definition)
        return row

    def pattern(self, lanes: Mapping[int, Number]) -> Row:
        """Returns a row of these numbers by lane, with 0 in all other lanes."""
        zero = Number(0.0)
        return self._pattern([lanes.get(lane, zero).value for lane in range(self.lanes)])

    def filling(self, x: Number) -> Row:
        """Returns the row with that number in every lane."""
        key = repr(x.value)
        row = self.filled.get(key)
        if row is None:
            row = self.filled[key] = self._pattern([x.value] * self.lanes)
        return row

    def _pattern(self, numbers: Sequence[float]) -> Row:
        key = repr(numbers)  # the text tells -0 from 0
        if key not in self.patterns:
            self.patterns[key] = self.row(Pattern(tuple(numbers)))
        return self.patterns[key]

    def as_row(self, x: Operand) -> Row:
        """Returns an operand as a row; a uniform operand fills the row."""
        if isinstance(x, Row):
            return x
        return self.filling(x) if isinstance(x, Number) else self.share(Dots(((ONE, x),)))

    def dots(self, *terms: Product) -> Row:
        """Adds a row, the sum of these products, and returns it."""
        return self.row(Dots(terms))

    def parts(self, row: Row) -> Sequence[Operand | None]:
        """Returns the operands by which a row is differentiated."""
        meaning = self.meanings.get(row)
        return operands(self.rows[row]) if meaning is None else meaning.operands

    def operation(self, op: Op, *xs: Operand) -> Operand:
        """Returns the result of an operation of the table on these operands.

        It is a number if all operands are numbers, else a row. Sums and products become Dots.
        """
        numbers = [x.value for x in xs if isinstance(x, Number)]
        if len(numbers) == len(xs):
            return Number(total(op.value, *numbers))
        x, y = xs[0], xs[-1]
        if op is ops.add:
            return self.dots((ONE, x), (ONE, y))
        if op is ops.sub:
            return self.dots((ONE, x), (MINUS_ONE, y))
        if op is ops.neg:
            return self.dots((MINUS_ONE, x))
        if op is ops.mul:
            x, y = (y, x) if isinstance(y, Number) else (x, y)
            return y if x == ONE else self.dots((x, y))
        if op is ops.power and isinstance(y, Number) and abs(y.value) in (0.5, 1.0, 1.5, 2.0):
            return self._power(x, y)
        rows = [self.as_row(x) for x in xs]
        if op.name in VALUES:
            value = self.shared.get(Apply(VALUES[op.name], tuple(rows)))
            if value is not None:
                return self._slope(value, op, rows)
        if op is ops.step:  # step(x) = step(relu(x)); if only relu uses x, they can be fused
            rows = [self.shared.get(Apply(ops.relu, (row,)), row) for row in rows]
        return self.share(Apply(op, tuple(rows)))

    def _slope(self, value: Row, op: Op, rows: Sequence[Row]) -> Row:
        """Returns op(*rows); the instruction that computes `value` computes this row, too."""
        slope = self.share(Slope(value))
        self.meanings.setdefault(slope, Meaning(op, tuple(rows)))
        return slope

    def _power(self, x: Operand, exponent: Number) -> Row:
        """Returns x**exponent by square root, reciprocal and product, which is faster.

        The derivatives are still those of a power. The result differs from `ieee.pow` only at -inf,
        where the square root is nan.
        """
        size = abs(exponent.value)
        factors = [self.as_row(x)] if size >= 1 else []
        if size % 1:
            zero = self.filling(Number(0.0))  # x + 0 is x, but -0 + 0 is 0
            positive = self.share(Apply(ops.add, (self.as_row(x), zero)))
            factors = [positive] * len(factors)
            factors.append(self.share(Apply(ops.sqrt, (positive,))))
        if exponent.value < 0:
            one = self.filling(ONE)
            factors = [self.share(Apply(ops.div, (one, y))) for y in factors]
        if size == 2:
            factors *= 2
        row = factors[0] if len(factors) == 1 else self.dots((factors[0], factors[1]))
        if exponent != ONE:
            self.meanings.setdefault(row, Meaning(ops.power, (x, exponent)))
        return row
