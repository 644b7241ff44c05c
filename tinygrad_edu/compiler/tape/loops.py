"""Makes a Python function of a Tape, over many examples: a loop over floats, or NumPy arrays.

The function takes a list of numbers for each input, and the numbers of all other leaves:

    sums, lists = function(columns, others, count)

`sums` has slots added up over the examples, `lists` has slots with one number for each example.
What depends on no input is computed once, before the loop. Where Python's floats raise an error and
IEEE's do not, the function raises an ArithmeticError. Its answer is valid only if all of it is
finite: with nan or infinity a tape can differ from the eager engine (see `compiled`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any

from tinygrad_edu.compiler.tape.listing import lines
from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.ops import LEAF, TABLE, mul
from tinygrad_edu.rows import ieee
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.source import Source, python

__all__ = ["LONGEST", "Arrays", "Columns", "Loop", "Run", "Sums", "as_arrays", "function"]

Columns = Sequence[Sequence[float]]
Sums = tuple[list[float], list[list[float]]]
Run = Callable[[Columns, Sequence[float], int], Sums]

LONGEST = 2000  # characters of an expression inside another; nobody reads this code


class Loop(Source):
    """A formula for floats."""

    __slots__ = ()
    suffix = ".0"
    dissolves = True
    forms = {  # noqa: RUF012
        "pow": "pow({0}, {1})",
        "pow 1.0": "({0})",
        "pow 2.0": "({0} * {0})",
    }


class Arrays(Source):
    """A formula for arrays, which have an item for each example."""

    __slots__ = ()
    suffix = ".0"
    dissolves = True
    choice = "where({0}, {1}, {2})"
    # NumPy has functions that pass over the array once, and take a third of the time.
    forms = Loop.forms | {
        "relu": "maximum({0}, 0.0)",
        "max": "maximum({0}, {1})",
        "min": "minimum({0}, {1})",
        "step": "heaviside({0}, 0.0)",
        "sech2": "square(1.0 / cosh({0}))",  # a square of cosh would overflow
    }


def function(
    tape: Tape, inputs: Sequence[int], sums: Sequence[int], lists: Sequence[int], arrays: bool
) -> Run:
    """Returns the function that computes the slots `sums` and `lists` from the slots `inputs`.

    Its text has no word of the user's: slots are called t0, t1, ... in it. The text is compiled to
    a code object, without `exec`.
    """
    kind = Arrays if arrays else Loop
    meaning: dict[str, Any] = {"nan": math.nan, "inf": math.inf}
    own: dict[Op, str] = {}
    for op in dict.fromkeys(tape.ops):
        if op.derivatives and op is not TABLE.get(op.name) and op.primitive:
            own[op] = f"own{len(own)}"
            meaning[own[op]] = _vectorized(op.value) if arrays else partial(total, op.value)
    for name, op in TABLE.items():
        if op.primitive:
            meaning[name] = _of_arrays(op) if arrays else _of_floats(op)
    if arrays:
        meaning |= _beside_rows()
    given = set(inputs)
    others = [k for k, op in enumerate(tape.ops) if op is LEAF and k not in given]
    varies = [False] * len(tape)  # whether a slot differs from example to example
    read: set[int] = set()  # slots that the loop reads and that are computed before it
    for k in range(len(tape)):
        operands = _used(tape, k)
        varies[k] = k in given or any(varies[x] for x in operands)
        if varies[k]:
            read.update(x for x in operands if not varies[x])
    body, texts = lines(tape, kind, _name, [*sums, *lists], kept=read, longest=LONGEST, own=own)
    text = ["def run(columns, others, count, ones):", f"[{_names(others)}] = others"]
    if arrays:
        text += [f"[{_names(inputs)}] = columns", *(f"{line.name} = {line.text}" for line in body)]
        totals = [_sum(tape, texts, varies, k) for k in sums]
        items = [f"({texts[k]}) * ones" for k in lists]
    else:
        totals = [f"s{i}" if varies[k] else f"count * ({texts[k]})" for i, k in enumerate(sums)]
        items = [f"i{i}" for i, _ in enumerate(lists)]
        text += [f"{line.name} = {line.text}" for line in body if not varies[line.slot]]
        text += [f"s{i} = 0.0" for i, k in enumerate(sums) if varies[k]]
        text += [f"{item} = []" for item in items]
        loop = [f"{line.name} = {line.text}" for line in body if varies[line.slot]]
        loop += [f"s{i} += {texts[k]}" for i, k in enumerate(sums) if varies[k]]
        loop += [f"{item}.append({texts[k]})" for item, k in zip(items, lists)]
        if loop:
            each = f"[{_names(inputs)}] in zip(*columns)" if inputs else "_ in range(int(count))"
            text += [f"for {each}:", *(f" {line}" for line in loop)]
    text.append(f"return [{', '.join(totals)}], [{', '.join(items)}]")
    return partial(_run_arrays if arrays else _run_floats, python("\n ".join(text), meaning))


def _used(tape: Tape, k: int) -> list[int]:
    """Returns the operands that slot `k` uses: a user's own operation may ignore some of its."""
    op, operands = tape.ops[k], [x for x in (tape.a[k], tape.b[k]) if x >= 0]
    if op.primitive or op is TABLE.get(op.name):
        return operands
    assert op.traced is not None
    letters = {term.op for term in op.traced.uses()}
    return [x for x, letter in zip(operands, "ab") if letter in letters]


def _names(slots: Sequence[int]) -> str:
    return ", ".join(map(_name, slots))


def _name(k: int) -> str:
    return f"t{k}"


def _sum(tape: Tape, texts: dict[int, Source], varies: Sequence[bool], k: int) -> str:
    """Returns the sum of slot `k` over the examples. Of a product it is a dot product."""
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


def _of_floats(op: Op) -> Callable[..., float]:
    """Returns the function of `math`: it is faster, but raises where the table has a result."""
    has_twin = op.value.__module__ == ieee.__name__ and op.name != "floor"  # which is an int
    value: Callable[..., float] = getattr(math, op.name, op.value) if has_twin else op.value
    return value


def _run_floats(run: Any, columns: Columns, others: Sequence[float], count: int) -> Any:
    try:
        return run(columns, others, float(count), 1.0)
    except ValueError as error:  # math's functions raise it where the result is nan
        raise ArithmeticError(str(error)) from error


def as_arrays(columns: Columns) -> Columns:
    """Returns the columns as arrays, for a function that is called again and again."""
    import numpy as np

    return [np.asarray(column, dtype=float) for column in columns]  # type: ignore[misc]


def _run_arrays(run: Any, columns: Columns, others: Sequence[float], count: int) -> Any:
    import numpy as np

    with np.errstate(all="ignore"):
        sums, lists = run(as_arrays(columns), others, float(count), np.ones(count))
    return np.array(sums, dtype=float).tolist(), [items.tolist() for items in lists]


@cache  # operations of the table never change
def _of_arrays(op: Op) -> Any:
    """Returns NumPy's function of that name if it is the same one, else the table's, by item."""
    import numpy as np

    for name in (op.name, f"arc{op.name[1:]}", f"{op.name}er"):  # sin, arcsin for asin, power
        function: Any = getattr(np, name, None)
        with np.errstate(all="ignore"), suppress(Exception):
            pairs = [(function(*xs), op.value(*xs)) for xs in _points(op)]
            if all(np.isclose(x, y, 1e-12, equal_nan=True) for x, y in pairs):
                return function
    return _vectorized(op.value)


def _points(op: Op) -> list[tuple[float, ...]]:
    """Returns points at which a different function of the same name gives another result."""
    return [(0.625, 0.3)[: len(op.derivatives)], (5.25, -2.0)[: len(op.derivatives)]]


def _beside_rows() -> dict[str, Any]:
    """Returns the other functions that a formula of arrays calls."""
    import numpy as np

    names = ("dot", "where", "maximum", "minimum", "heaviside", "square")
    return {name: getattr(np, name) for name in names}


def _vectorized(value: Callable[..., float]) -> Any:
    import numpy as np

    return np.vectorize(partial(total, value), otypes=[float])
