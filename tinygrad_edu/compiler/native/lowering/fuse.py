"""Pass 7: drops unused rows, and fuses an operation on a finished sum into the DOTS of the sum.

The operation in relu(sum), in sum * row and in sum * step(row) becomes the epilogue of the sum. So
the sum itself is never stored. A sum of two rows without factors becomes an addition or a
subtraction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import replace
from itertools import chain

from tinygrad_edu import ops
from tinygrad_edu.compiler.native.lowering.nodes import (
    MINUS_ONE,
    ONE,
    Apply,
    Definition,
    Dots,
    Operand,
    Product,
    Row,
    rows_of,
)
from tinygrad_edu.compiler.native.lowering.row_program import RowProgram
from tinygrad_edu.compiler.native.machine.interpreter import PLAIN, RELU, TIMES, TIMES_STEP

__all__ = ["fuse"]


def fuse(program: RowProgram, placed: Container[Row]) -> RowProgram:
    """Returns the program with fewer rows. placed: rows with an address, which are kept."""
    rows = dict(program.rows)
    uses = Counter(chain.from_iterable(map(rows_of, rows.values())))
    for row in reversed(list(program.rows)):
        if not uses[row] and row not in placed:
            for read in rows_of(rows.pop(row)):
                uses[read] -= 1

    def movable(x: Operand) -> tuple[Product, ...]:
        """Returns the terms of a sum that only one row uses; () for any other operand."""
        node = rows.get(x) if isinstance(x, Row) and uses[x] == 1 else None
        return node.terms if isinstance(node, Dots) and node.epilogue is PLAIN else ()

    for row, node in list(rows.items()):
        if isinstance(node, Apply) and node.op is ops.relu:
            (total,) = node.rows
            if terms := movable(total):
                rows[row] = Dots(terms, RELU)
                del rows[total]
        elif isinstance(node, Dots) and len(node.terms) == 1 and node.epilogue is PLAIN:
            other, y = node.terms[0]
            if not (isinstance(other, Row) and isinstance(y, Row)):
                continue
            if len(movable(other)) > len(movable(y)):
                other, y = y, other
            if terms := movable(y):
                epilogue, factor = TIMES, rows.get(other)
                if uses[other] == 1 and isinstance(factor, Apply) and _slope_of_relu(factor, rows):
                    del rows[other]
                    epilogue, (other,) = TIMES_STEP, factor.rows
                rows[row] = Dots(terms, epilogue, other)
                del rows[y]
    for row, node in rows.items():
        if isinstance(node, Dots) and len(node.terms) == 2 and node.epilogue is PLAIN:
            (one, x), (sign, y) = node.terms
            plain = one == ONE and sign in (ONE, MINUS_ONE)
            if plain and isinstance(x, Row) and isinstance(y, Row):
                rows[row] = Apply(ops.add if sign == ONE else ops.sub, (x, y))
    return replace(program, rows=rows)


def _slope_of_relu(node: Apply, rows: Mapping[Row, Definition]) -> bool:
    """Returns whether this is step(y), and y a result of relu."""
    y = rows.get(node.rows[0])
    if node.op is not ops.step:
        return False
    relu = isinstance(y, Apply) and y.op is ops.relu
    return relu or (isinstance(y, Dots) and y.epilogue is RELU)
