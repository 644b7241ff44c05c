"""A tape as a Python function for many examples: a loop over floats, or NumPy arrays.

The function takes a list of numbers for each input, and the numbers of all other leaves:

    sums, lists = function(columns, others, count)

`sums` has a number for each slot that is added up over the examples. If the number of a slot is
wanted for every example, `lists` has a list of these numbers. Slots that depend on no input are
computed once, before the loop. For relu(x*w + b), which is added up over the examples of x, the
loop is

    for [t0] in zip(*columns):
        t4 = t0 * t1 + t3
        s0 += (0.0 if t4 <= 0.0 else t4)

The function raises an ArithmeticError where Python's floats do, even if IEEE 754 defines a result.
Its answer is valid only if every number in it is finite: a tape may handle nan and infinity
differently from the eager engine.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import TypeAlias, cast

from tinygrad_edu.compiler.tape.lines import Line, lines
from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.ops import LEAF, TABLE, mul
from tinygrad_edu.rows import ieee
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.source import Source, python

__all__ = [
    "LONGEST",
    "Arrays",
    "Columns",
    "Run",
    "Sums",
    "are_finite",
    "array_function",
    "as_arrays",
    "as_column",
    "as_lists",
    "floats",
    "packed",
    "packed_together",
    "python_function",
]

Columns: TypeAlias = Sequence[Sequence[float]]  # lists or arrays of floats
Sums: TypeAlias = tuple[Sequence[float], list[list[float]]]
Run: TypeAlias = Callable[[Columns, Sequence[float], int], Sums]
Arrays: TypeAlias = Callable[[Columns, Sequence[float]], Columns]
# The compiled text. Its last argument is 1.0, or an array of ones to turn numbers into arrays.
Code: TypeAlias = Callable[[Columns, Sequence[float], float, object], Sums]
Meaning: TypeAlias = Callable[..., object]  # a function of floats, or of NumPy's arrays

LONG = 256  # numbers; fewer of them stay in a list
MANY = 2**18  # numbers; more of them are packed column by column
_ROUNDED = {"abs", "sqrt"}  # IEEE 754 says which bits these functions have
LONGEST = 2000  # characters of an expression inside another; nobody reads this code


class FloatText(Source):
    """Text of a formula for floats."""

    __slots__ = ()
    suffix = ".0"
    dissolves = True
    forms = {  # noqa: RUF012
        "pow": "pow({0}, {1})",
        "pow 1.0": "({0})",
        "pow 2.0": "({0} * {0})",
    }


class ArrayText(Source):
    """Text of a formula for arrays, which have an item for each example."""

    __slots__ = ()
    suffix = ".0"
    dissolves = True
    choice = "where({0}, {1}, {2})"
    # These functions of NumPy pass over the array once, and take a third of the time.
    forms = FloatText.forms | {
        "relu": "maximum({0}, 0.0)",
        "max": "maximum({0}, {1})",
        "min": "minimum({0}, {1})",
        "step": "heaviside({0}, 0.0)",
        "sech2": "square(1.0 / cosh({0}))",  # a square of cosh would overflow
    }


def python_function(
    tape: Tape,
    inputs: Sequence[int],
    sums: Sequence[int],
    lists: Sequence[int],
    arrays: bool,
    exact: bool = False,
) -> Run:
    """Returns the function that computes the slots `sums` and `lists` from the slots `inputs`.

    No label of the user's is in its text: slots are called t0, t1, ... The text is compiled to a
    code object, without `exec`. arrays: for NumPy. exact: `lists` then have the bits that the loop
    gives: NumPy's functions, but for the square root, are not rounded alike on all processors.
    """
    code = _code(tape, inputs, sums, lists, arrays, exact)
    return partial(_run_arrays if arrays else _run_floats, code)


def array_function(tape: Tape, inputs: Sequence[int], lists: Sequence[int]) -> Arrays:
    """Returns the exact function for NumPy that computes `lists`, in arrays that stay arrays."""
    return partial(_arrays, _code(tape, inputs, [], lists, arrays=True, exact=True))


def _code(
    tape: Tape,
    inputs: Sequence[int],
    sums: Sequence[int],
    lists: Sequence[int],
    arrays: bool,
    exact: bool,
) -> Code:
    """Returns the compiled text of a function."""
    own = {op: f"own{i}" for i, op in enumerate(_own_primitives(tape))}
    varies, shared = _varying(tape, inputs)
    kind = ArrayText if arrays else FloatText
    body, texts = lines(tape, kind, _name, [*sums, *lists], kept=shared, longest=LONGEST, own=own)
    given = set(inputs)
    others = [k for k, op in enumerate(tape.ops) if op is LEAF and k not in given]
    text = ["def run(columns, others, count, ones):", f"[{_names(others)}] = others"]
    if arrays:
        text += [f"[{_names(inputs)}] = columns", *_assignments(body)]
        totals = [_sum(tape, texts, varies, k) for k in sums]
        items = [f"({texts[k]}) * ones" for k in lists]
    else:
        totals = [f"s{i}" if varies[k] else f"count * ({texts[k]})" for i, k in enumerate(sums)]
        items = [f"i{i}" for i, _ in enumerate(lists)]
        text += _assignments(line for line in body if not varies[line.slot])
        text += [f"s{i} = 0.0" for i, k in enumerate(sums) if varies[k]]
        text += [f"{item} = []" for item in items]
        loop = _assignments(line for line in body if varies[line.slot])
        loop += [f"s{i} += {texts[k]}" for i, k in enumerate(sums) if varies[k]]
        loop += [f"{item}.append({texts[k]})" for item, k in zip(items, lists)]
        if loop:
            each = f"[{_names(inputs)}] in zip(*columns)" if inputs else "_ in range(int(count))"
            text += [f"for {each}:", *(f" {line}" for line in loop)]
    text.append(f"return [{', '.join(totals)}], [{', '.join(items)}]")
    code: Code = python("\n ".join(text), _meanings(own, arrays, exact))
    return code


def _own_primitives(tape: Tape) -> list[Op]:
    """Returns the user's operations on the tape that are not made of rows of the table."""
    ops = dict.fromkeys(tape.ops)
    return [op for op in ops if op.derivatives and _is_own(op) and op.primitive]


def _is_own(op: Op) -> bool:
    return op is not TABLE.get(op.name)


def _varying(tape: Tape, inputs: Sequence[int]) -> tuple[list[bool], set[int]]:
    """Returns (varies, shared).

    varies: whether each slot differs between examples. shared: the slots that do not differ, but
    are read by slots that do.
    """
    varies, shared, given = [False] * len(tape), set[int](), set(inputs)
    for k in range(len(tape)):
        operands = _used(tape, k)
        varies[k] = k in given or any(varies[x] for x in operands)
        if varies[k]:
            shared.update(x for x in operands if not varies[x])
    return varies, shared


def _used(tape: Tape, k: int) -> Sequence[int]:
    """Returns the operands that slot k uses: a user's operation may ignore one of them."""
    op, operands = tape.ops[k], tape.operands(k)
    if op.primitive or not _is_own(op):
        return operands
    assert op.traced is not None
    letters = {term.op for term in op.traced.uses()}
    return [x for x, letter in zip(operands, "ab") if letter in letters]


def _assignments(body: Iterable[Line]) -> list[str]:
    return [f"{line.name} = {line.text}" for line in body]


def _names(slots: Sequence[int]) -> str:
    return ", ".join(map(_name, slots))


def _name(k: int) -> str:
    return f"t{k}"


def _sum(tape: Tape, texts: dict[int, Source], varies: Sequence[bool], k: int) -> str:
    """Returns the text of slot k's sum over the examples; for a product, it is a dot product."""
    a, b = tape.a[k], tape.b[k]
    if not varies[k]:
        return f"count * ({texts[k]})"
    if tape.ops[k] is not mul or texts[k].text == _name(k):
        return f"dot({texts[k]}, ones)"
    if not varies[b]:
        a, b = b, a
    if varies[a]:
        return f"dot({texts[a]}, {texts[b]})"
    return f"({texts[a]}) * dot({texts[b]}, ones)"


def _meanings(own: dict[Op, str], arrays: bool, exact: bool) -> dict[str, object]:
    """Returns what each name in the text stands for. own: names of the user's operations."""
    found: dict[str, object] = {"nan": math.nan, "inf": math.inf}
    for op, name in own.items():
        found[name] = _vectorized(op.value) if arrays else partial(total, op.value)
    for name, op in TABLE.items():
        if op.primitive:
            by_items = exact and name not in _ROUNDED
            found[name] = (_by_items if by_items else _of_arrays)(op) if arrays else _of_floats(op)
    return found | (_functions_of_forms() if arrays else {})


def _of_floats(op: Op) -> Meaning:
    """Returns the function of `math`: it is faster, but it raises errors for some results."""
    has_twin = op.value.__module__ == ieee.__name__ and op.name != "floor"  # its result is an int
    value: Meaning = getattr(math, op.name, op.value) if has_twin else op.value
    return value


def _run_floats(code: Code, columns: Columns, others: Sequence[float], count: int) -> Sums:
    try:
        return code(as_lists(columns), others, float(count), 1.0)
    except ValueError as error:  # math's functions raise it where the result is nan
        raise ArithmeticError(str(error)) from error


# --- the edge to NumPy, which is imported late: not everybody has it -----------------------------


def as_lists(columns: Columns) -> list[list[float]]:
    """Returns the columns as lists: numbers of an array would not raise Python's errors."""
    return [c.tolist() if hasattr(c, "tolist") else cast("list[float]", c) for c in columns]


def packed(column: list[float]) -> Sequence[float]:
    """Returns a copy of the column: an array if it is long, for whoever has NumPy.

    `struct` reads a list of floats four times as fast as NumPy.
    """
    if len(column) < LONG or "numpy" not in sys.modules:
        return list(column)
    import numpy as np

    return cast(Sequence[float], np.frombuffer(struct.pack(f"{len(column)}d", *column)))


def packed_together(columns: Iterable[list[float]], inputs: int, count: int) -> Columns:
    """Returns copies of the columns, which have `count` floats each: as one table, or as arrays if
    they are many, or as lists if they are few.

    inputs: how many columns a table has. There is no table of fewer columns.
    """
    if not LONG <= inputs * count <= MANY or "numpy" not in sys.modules:
        return [packed(column) for column in columns]
    import numpy as np

    pack = struct.Struct(f"{count}d").pack
    rows = [pack(*column) for column in columns]
    if len(rows) < inputs:
        return []
    return cast(Columns, np.frombuffer(b"".join(rows)).reshape(inputs, count))


def as_column(row: float | Sequence[float], count: int) -> Sequence[float]:
    """Returns a row as an array of floats. One float is the number of all examples."""
    import numpy as np

    if isinstance(row, float):
        return cast(Sequence[float], np.full(count, row))
    return packed(row) if isinstance(row, list) else row


def are_finite(numbers: Sequence[float]) -> bool:
    """Returns whether all these numbers are finite; False if only the sum of a list is not."""
    if isinstance(numbers, list):
        return math.isfinite(sum(numbers))  # infinities stay in a sum
    import numpy as np

    return bool(np.isfinite(numbers).all())


def floats(numbers: Sequence[float], divisor: int = 1) -> list[float]:
    """Returns the numbers of a list or an array, each divided, as a list."""
    if isinstance(numbers, list):
        return numbers if divisor == 1 else [x / divisor for x in numbers]
    import numpy as np

    array = np.asarray(numbers)
    found: list[float] = (array if divisor == 1 else array / divisor).tolist()
    return found


def as_arrays(columns: Columns) -> Columns:
    """Returns the columns as arrays, for a function that is called again and again."""
    import numpy as np

    # here an array of floats is only used as a sequence of floats
    return cast(Columns, [np.asarray(column, dtype=float) for column in columns])


def _run_arrays(code: Code, columns: Columns, others: Sequence[float], count: int) -> Sums:
    import numpy as np

    with np.errstate(all="ignore"):
        sums, lists = code(as_arrays(columns), others, float(count), np.ones(count))
    totals: list[float] = np.array(sums, dtype=float).tolist()
    return totals, [np.asarray(items).tolist() for items in lists]


def _arrays(code: Code, columns: Columns, others: Sequence[float]) -> Columns:
    import numpy as np

    count = len(columns[0])
    with np.errstate(all="ignore"):
        return code(as_arrays(columns), others, float(count), np.ones(count))[1]


@cache  # operations of the table never change
def _of_arrays(op: Op) -> Meaning:
    """Returns NumPy's function; if there is none, the table's function, applied item by item.

    NumPy's function counts only if it has the table's results at the points of `_points`.
    """
    import numpy as np

    for name in (op.name, f"arc{op.name[1:]}", f"{op.name}er"):  # sin, arcsin for asin, power
        function: Callable[..., float] | None = getattr(np, name, None)
        with np.errstate(all="ignore"), suppress(Exception):
            if function is None:
                continue
            pairs = [(function(*xs), op.value(*xs)) for xs in _points(op)]
            if all(np.isclose(x, y, 1e-12, equal_nan=True) for x, y in pairs):
                return function
    return _vectorized(op.value)


@cache
def _by_items(op: Op) -> Meaning:
    """Returns the table's function, applied item by item; of floats alone it is a float."""
    import numpy as np

    quick, value = _of_floats(op), partial(total, op.value)

    def function(*xs: object) -> object:
        counts = [len(x) for x in xs if isinstance(x, np.ndarray)]
        if not counts:
            return value(*cast(tuple[float, ...], xs))
        columns = [x.tolist() if isinstance(x, np.ndarray) else [x] * counts[0] for x in xs]
        try:
            return np.fromiter(map(quick, *columns), float, counts[0])
        except (ArithmeticError, ValueError):  # where IEEE 754 has a result
            return np.fromiter(map(value, *columns), float, counts[0])

    return function


def _points(op: Op) -> list[tuple[float, ...]]:
    """Returns points at which a different function of the same name gives another result."""
    return [(0.625, 0.3)[: len(op.derivatives)], (5.25, -2.0)[: len(op.derivatives)]]


def _functions_of_forms() -> dict[str, object]:
    """Returns the functions in `ArrayText.forms` and in sums, by name."""
    import numpy as np

    names = ("dot", "where", "maximum", "minimum", "heaviside", "square")
    return {name: getattr(np, name) for name in names}


def _vectorized(value: Callable[..., float]) -> Meaning:
    import numpy as np

    function: Meaning = np.vectorize(partial(total, value), otypes=[float])
    return function
