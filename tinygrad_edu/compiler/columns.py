"""The numbers of a call: a column of floats for each input, made from whatever the user gives.

An array of NumPy stays an array, and is not copied if its numbers are doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeGuard, cast

from tinygrad_edu.compiler.leaves import is_many
from tinygrad_edu.compiler.tape.python_function import Columns, packed_together
from tinygrad_edu.compiler.tape.tables import column_of_array, tables
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import LengthError, NumberError, TapeError
from tinygrad_edu.rows.ieee import number

__all__ = ["Column", "Examples", "Table", "columns_of_inputs"]

Column = float | Iterable[float]  # one number for all examples, or one number for each example
Table = Column | Iterable[Iterable[float]]  # or several columns: a row is an example


class Examples(NamedTuple):
    """The checked numbers of a call.

    columns: a list or an array of floats for each input, all of the same length. examples: that
    length. single: the inputs for which the user gave one number, not a sequence.
    """

    columns: Columns
    examples: int
    single: set[Value]


class Matrix(Protocol):
    """A two-dimensional array of NumPy, or of a library that resembles it."""

    T: Iterable[object]


def columns_of_inputs(
    inputs: Sequence[Value],
    given: Sequence[Table],
    by_label: Mapping[str, Column] = MappingProxyType({}),
) -> Examples:
    """Returns the numbers of all inputs.

    given: columns and tables for the inputs that `by_label` does not name, in order. TapeError if
    no input, or more than one, has a label of `by_label`; LengthError if columns are missing, left
    over, empty or of different lengths; NumberError for entries that are not real numbers.
    """
    lists = None if by_label else _lists(given, len(inputs))
    if lists is not None:
        return Examples(lists, len(lists[0]), set())
    table = None if by_label else tables(_parts(given), len(inputs))
    if table is not None:
        return Examples(table, len(table[0]), set())
    by_input: dict[Value, object] = {_labelled(inputs, x): xs for x, xs in by_label.items()}
    rest = [x for x in inputs if x not in by_input]
    parts = [column for part in _parts(given) for column in _columns(part)]
    if len(rest) != len(parts):
        raise LengthError(
            f"{len(rest)} inputs need a column of numbers each, and {len(parts)} are given; in a "
            "table, whose rows are examples, each column is an input"
        )
    by_input |= zip(rest, parts)
    columns = [_column(by_input[x]) for x in inputs]
    counts = {len(column) for column in columns if not isinstance(column, float)} or {1}
    if len(counts) > 1:
        lengths = " and ".join(map(str, sorted(counts)))
        raise LengthError(f"the columns have {lengths} numbers: give each input the same count")
    (count,) = counts
    if not count:
        raise LengthError("the columns are empty: give one example or more")
    single = {x for x, column in zip(inputs, columns) if isinstance(column, float)}
    return Examples([[c] * count if isinstance(c, float) else c for c in columns], count, single)


def _lists(given: Sequence[Table], inputs: int) -> Columns | None:
    """Returns the columns, copied, if each is a list of floats, and all have the same length.

    None for anything that needs a closer look.
    """
    if type(given) not in (list, tuple) or len(given) != inputs or not inputs:
        return None
    lists = [column for column in given if type(column) is list]
    if len(lists) < inputs or len({*map(len, lists)}) > 1:
        return None
    checked = takewhile(_are_floats, lists)  # one after the other: a column fits into a cache
    columns = packed_together(cast("Iterator[list[float]]", checked), inputs, len(lists[0]))
    return columns if len(columns) == inputs else None


def _labelled(inputs: Sequence[Value], label: str) -> Value:
    """Returns the input with that label."""
    found = [x for x in inputs if x.label == label]
    if len(found) != 1:
        known = ", ".join(x.label for x in inputs if x.label)
        problem = f"{len(found)} inputs are" if found else "no input is"
        raise TapeError(f"{problem} called {label!r}; the labels are {known or 'none'}")
    return found[0]


def _parts(given: Sequence[Table]) -> Sequence[object]:
    """Returns the columns and tables in `given`; if `given` is one table, returns [given]."""
    return [given] if _is_matrix(given) or hasattr(given, "to_numpy") else given


def _columns(x: object) -> Iterable[object]:
    """Returns the columns of a table, which is a data frame, an array or a list of rows.

    Anything else is one column.
    """
    if hasattr(x, "to_numpy"):
        x = x.to_numpy()
    if _is_matrix(x):
        return list(x.T)
    if isinstance(x, list | tuple) and x and all(isinstance(row, list | tuple) for row in x):
        if len({len(row) for row in x}) > 1:
            raise LengthError(
                "the rows of the table have different lengths: give each a number for each input"
            )
        return list(zip(*x))
    return [x]


def _is_matrix(x: object) -> TypeGuard[Matrix]:
    return getattr(x, "ndim", 0) == 2


def _column(x: object) -> float | Sequence[float]:
    """Returns a number as a float, and a sequence of numbers as a list or an array of floats."""
    column = column_of_array(x)
    if column is not None:
        return column
    if hasattr(x, "tolist"):
        x = x.tolist()  # a tensor, an array of objects, or one number of an array
    if not is_many(x):
        return float(number(x))
    if isinstance(x, dict | set | frozenset):
        raise NumberError(f"a column is a list of numbers in order, not a {type(x).__name__}")
    items = list(x)
    return items if _are_floats(items) else [float(number(item)) for item in items]


def _are_floats(items: list[object]) -> TypeGuard[list[float]]:
    return [*map(type, items)].count(float) == len(items) > 0
