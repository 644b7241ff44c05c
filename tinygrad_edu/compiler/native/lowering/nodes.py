"""Every kind of operand and node in the programs of the passes. None of them ever changes.

There are two kinds of program. The normal form maps a slot of the tape to a `Node`, whose operands
are slots and numbers. A row program maps a `Row` to its `Definition`. Its operands are of four
kinds: `Row`, which differs from lane to lane, and `Slot`, `Number` and `Lane`, which are the same
in all lanes. Code that distinguishes kinds ends with a call of `assert_never`, so mypy proves that
it handles every kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, TypeAlias, final

from tinygrad_edu.compiler.native.machine.interpreter import PLAIN, Epilogue
from tinygrad_edu.rows.op import Op

__all__ = [
    "MINUS_ONE",
    "ONE",
    "Apply",
    "Beside",
    "Call",
    "Column",
    "Definition",
    "Dots",
    "Factor",
    "Gather",
    "Given",
    "Group",
    "Lane",
    "LaneSums",
    "Node",
    "Number",
    "Operand",
    "Pattern",
    "Product",
    "Row",
    "Slope",
    "Slot",
    "Sum",
    "Term",
    "Total",
    "Uniform",
    "Zero",
    "assert_never",
    "factors",
    "operands",
    "row_of",
    "rows_of",
]


def assert_never(node: NoReturn) -> NoReturn:
    """Raises AssertionError. mypy accepts a call only if every kind is handled before it."""
    raise AssertionError(f"{node!r} is a node of no known kind")


# --- operands ------------------------------------------------------------------------------------
# Number and Lane are named tuples: as frozen as dataclasses, with a faster hash.

Slot: TypeAlias = int  # a slot of the tape


@final
class Number(NamedTuple):
    """A number that is known at compile time, the same in all lanes."""

    value: float


ONE, MINUS_ONE = Number(1.0), Number(-1.0)


@final
@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """The name of a row, which has one number for each lane. A program says how it is computed.

    Two rows are equal only if they are the same object.
    """


@final
class Lane(NamedTuple):
    """One lane of a row, as an operand of all lanes."""

    row: Row
    lane: int


Factor: TypeAlias = Slot | Number  # an operand in the normal form
Uniform: TypeAlias = Slot | Number | Lane  # an operand that is the same in all lanes
Operand: TypeAlias = Row | Uniform  # an operand in a row program; a Row differs from lane to lane
Term: TypeAlias = tuple[Factor, Factor]  # a product; if one factor is a number, it is the first
Product: TypeAlias = tuple[Operand, Operand]
Group: TypeAlias = dict[int, Slot]  # nodes of one row, by lane; a lane may have none


def row_of(x: Operand | None) -> Row | Slot | Number | None:
    """Returns the row of a lane, and any other operand unchanged."""
    return x.row if isinstance(x, Lane) else x


# --- nodes of the normal form --------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False, slots=True)
class Sum:
    """A sum of products."""

    terms: Sequence[Term]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """An operation of the table that is not written as a sum of products."""

    op: Op
    args: tuple[Factor, ...]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Total:
    """A long sum of products: the terms of each lane are added first, then the lanes."""

    terms: Mapping[int, Sequence[Term]]


Node: TypeAlias = Sum | Call | Total


def factors(node: Node) -> Sequence[Factor]:
    """Returns the operands of a node in order, as often as it uses them."""
    if isinstance(node, Sum):
        return [x for term in node.terms for x in term]
    if isinstance(node, Call):
        return node.args
    if isinstance(node, Total):
        return [x for terms in node.terms.values() for term in terms for x in term]
    assert_never(node)


# --- definitions of rows -------------------------------------------------------------------------


@final
@dataclass(frozen=True, eq=False, slots=True)
class Given:
    """A row of inputs: the caller of the machine writes it into the arena."""


@final
@dataclass(frozen=True, eq=False, slots=True)
class Pattern:
    """Numbers that are known at compile time, one for each lane."""

    numbers: tuple[float, ...]


@final
@dataclass(frozen=True, slots=True)
class Dots:
    """A sum of products, then an epilogue. The instruction DOTS computes both.

    other: the row that the epilogue reads; None if it reads none.
    """

    terms: tuple[Product, ...]
    epilogue: Epilogue = PLAIN
    other: Row | None = None


@final
@dataclass(frozen=True, slots=True)
class Apply:
    """An operation of the table, applied lane by lane."""

    op: Op
    rows: tuple[Row, ...]


@final
@dataclass(frozen=True, slots=True)
class Slope:
    """The derivative of another row. One instruction computes both rows."""

    of: Row


@final
@dataclass(frozen=True, slots=True)
class Gather:
    """For each lane the operand whose number it takes; None if any number will do."""

    sources: tuple[Operand | None, ...]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Column:
    """The same lane of eight rows. The eight columns of eight rows are their transpose."""

    rows: tuple[Row, ...]


@final
@dataclass(frozen=True, eq=False, slots=True)
class LaneSums:
    """Eight sums over all lanes, one in each of the first eight lanes.

    terms: each is a hub and eight other rows. Sum k adds hub * others[k] over all lanes and terms.
    fresh: whether the sums begin at 0 in each chunk of examples, not only in each step.
    """

    terms: tuple[tuple[Row, ...], ...]
    fresh: bool = False


@final
@dataclass(frozen=True, eq=False, slots=True)
class Beside:
    """Rows of eight numbers, such as `LaneSums`, that are side by side and read as one row."""

    rows: tuple[Row, ...]


@final
@dataclass(frozen=True, eq=False, slots=True)
class Zero:
    """Eight gradients that are always 0: no instruction computes them."""


Definition: TypeAlias = (
    Given | Pattern | Dots | Apply | Slope | Gather | Column | LaneSums | Beside | Zero
)


def operands(node: Definition) -> Sequence[Operand | None]:
    """Returns the operands in order, as often as the node uses them, without the epilogue's row."""
    if isinstance(node, Dots):
        return [x for term in node.terms for x in term]
    if isinstance(node, Apply | Column | Beside):
        return node.rows
    if isinstance(node, Gather):
        return node.sources
    if isinstance(node, LaneSums):
        return [x for term in node.terms for x in term]
    if isinstance(node, Slope):
        return (node.of,)
    if isinstance(node, Given | Pattern | Zero):
        return ()
    assert_never(node)


def rows_of(node: Definition) -> Sequence[Row]:
    """Returns the rows that a node reads, as often as it uses them."""
    if isinstance(node, Apply):
        return node.rows
    rows: list[Row] = []
    if isinstance(node, Dots):  # written for speed: most rows of a large graph are sums
        for x, y in node.terms:
            if isinstance(x, Row):
                rows.append(x)
            elif isinstance(x, Lane):
                rows.append(x.row)
            if isinstance(y, Row):
                rows.append(y)
            elif isinstance(y, Lane):
                rows.append(y.row)
        if node.other is not None:
            rows.append(node.other)
        return rows
    for u in operands(node):
        if isinstance(u, Row):
            rows.append(u)
        elif isinstance(u, Lane):
            rows.append(u.row)
    return rows
