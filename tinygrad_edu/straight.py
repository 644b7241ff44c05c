"""A Tape as a Python function over many examples: plain floats in a loop, or arrays of NumPy.

The function is called with a list of numbers for each input, and the numbers of all other leaves:

    sums, lists = function(columns, others, count)

`sums` are slots added up over the examples, `lists` those that are wanted for each of them. What
no input changes is computed once, before the loop. Where Python's floats raise and IEEE's do not,
the function raises; its answer counts where every number of it is finite (see `compiled`).
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from tinygrad_edu import ieee
from tinygrad_edu.emit import Source, lines
from tinygrad_edu.ieee import total
from tinygrad_edu.ops import LEAF, TABLE, mul
from tinygrad_edu.tape import Tape

Columns = Sequence[Sequence[float]]
Run = Callable[[Any, Sequence[float], int], tuple[list[float], list[list[float]]]]

LONGEST = 2000  # characters of an expression that goes into another: nobody reads it


class Loop(Source):
    """A formula for floats."""

    __slots__ = ()
    suffix = ".0"
    forms = {  # noqa: RUF012
        "pow": "pow({0}, {1})",
        "pow 1.0": "({0})",
        "pow 2.0": "({0} * {0})",
        "max": "({0} if {0} > {1} or {0} != {0} else {1})",
        "min": "({0} if {0} < {1} or {0} != {0} else {1})",
        "less": "(1.0 if {0} < {1} else 0.0 if {0} >= {1} else nan)",
        "mask": "(0.0 if {0} == 0.0 else {1})",
        "step": "(1.0 if {0} > 0.0 else 0.0 if {0} <= 0.0 else nan)",
        "relu": "(0.0 if {0} <= 0.0 else {0})",
        "sigmoid": "(1.0 / (1.0 + exp(-{0})) if {0} > -700.0 else sigmoid({0}))",
    }


class Arrays(Source):
    """A formula for arrays, an item for each example."""

    __slots__ = ()
    suffix = ".0"
    forms = {"pow 1.0": "({0})", "pow 2.0": "({0} * {0})", "pow": "pow({0}, {1})"}  # noqa: RUF012


def function(
    tape: Tape, inputs: Sequence[int], sums: Sequence[int], lists: Sequence[int], arrays: bool
) -> Run:
    """The function of the slots `inputs` that gives the slots `sums` and `lists`.

    The text has no word of the user's: slots are t0, t1, ... in it. It is compiled to a code
    object and wrapped, without `exec`.
    """
    kind, meaning = (Arrays, _arrays()) if arrays else (Loop, dict(_FLOATS))
    made: dict[int, str] = {}  # by identity: as text, two operations may be the same
    for op in tape.ops:
        if op.derivatives and op is not TABLE.get(op.name) and id(op) not in made:
            made[id(op)] = f"own{len(made)}"
            meaning[made[id(op)]] = _vectorized(op.value) if arrays else partial(total, op.value)
    others = [k for k, op in enumerate(tape.ops) if op is LEAF and k not in set(inputs)]
    varies = [False] * len(tape)
    once: set[int] = set()  # what the loop reads, and does not change
    for k, (a, b) in enumerate(zip(tape.a, tape.b)):
        varies[k] = k in inputs or (a >= 0 and varies[a]) or (b >= 0 and varies[b])
        once.update(x for x in (a, b) if varies[k] and x >= 0 and not varies[x])
    ends = [*sums, *lists]
    body, texts = lines(tape, kind, _name, ends, kept=once, longest=LONGEST, own=made)
    head = [
        "def run(columns, others, count, ones):",
        f"[{', '.join(map(_name, others))}] = others",
    ]
    if arrays:
        head.append(f"[{', '.join(map(_name, inputs))}] = columns")
        head += [f"{_name(k)} = {text}" for k, text in body]
        totals = [_sum(tape, texts, varies, k) for k in sums]
        items = [f"({texts[k]}) * ones" for k in lists]
    else:
        head += [f"{_name(k)} = {text}" for k, text in body if not varies[k]]
        within = [f"{_name(k)} = {text}" for k, text in body if varies[k]]
        totals = [f"s{i}" if varies[k] else f"count * ({texts[k]})" for i, k in enumerate(sums)]
        within += [f"s{i} += {texts[k]}" for i, k in enumerate(sums) if varies[k]]
        items = [f"i{i}" for i, _ in enumerate(lists)]
        within += [f"i{i}.append({texts[k]})" for i, k in enumerate(lists)]
        head += [f"{total} = 0.0" for total in totals if total.startswith("s")]
        head += [f"{item} = []" for item in items]
        if within:
            each = f"[{', '.join(map(_name, inputs))}] in zip(*columns)"
            head.append(f"for {each if inputs else '_ in range(int(count))'}:")
            head += [f" {line}" for line in within]
    head.append(f"return [{', '.join(totals)}], [{', '.join(items)}]")
    module = builtins.compile("\n ".join(head), "<tape>", "exec")
    code = next(x for x in module.co_consts if isinstance(x, CodeType))
    run: Any = FunctionType(code, meaning)
    if arrays:
        return partial(_run_arrays, run)
    return lambda columns, others, count: run(columns, others, float(count), 1.0)


def _name(k: int) -> str:
    return f"t{k}"


def _sum(tape: Tape, texts: dict[int, Source], varies: Sequence[bool], k: int) -> str:
    """The sum of slot `k` over the examples; that of a product is a dot product."""
    a, b = tape.a[k], tape.b[k]
    if not varies[k]:
        return f"count * ({texts[k]})"
    if tape.ops[k] is not mul or texts[k].text == _name(k):
        return f"dot({texts[k]}, ones)"
    if varies[a] and varies[b]:
        return f"dot({texts[a]}, {texts[b]})"
    return (
        f"({texts[b]}) * dot({texts[a]}, ones)"
        if varies[a]
        else f"({texts[a]}) * dot({texts[b]}, ones)"
    )


_ALIKE = ["exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "nan", "inf"]
_FLOATS = {name: getattr(math, name) for name in [*_ALIKE, "atan", "pow"]} | {
    "abs": math.fabs,
    "sigmoid": ieee.sigmoid,
    "softplus": ieee.softplus,
}


def as_arrays(columns: Columns) -> Columns:
    """The columns as arrays, for a function of arrays that is called again and again."""
    import numpy as np

    return [np.asarray(column, dtype=float) for column in columns]  # type: ignore[misc]


def _run_arrays(run: Any, columns: Columns, others: Sequence[float], count: int) -> Any:
    import numpy as np

    with np.errstate(all="ignore"):
        sums, lists = run(as_arrays(columns), others, float(count), np.ones(count))
    return np.array(sums, dtype=float).tolist(), [items.tolist() for items in lists]


def _arrays() -> dict[str, Any]:
    """What the names in a formula of arrays mean: IEEE's answers, and no error."""
    import numpy as np

    def less(a: Any, b: Any) -> Any:
        return np.where(np.less(a, b), 1.0, np.where(np.greater_equal(a, b), 0.0, np.nan))

    def sigmoid(a: Any) -> Any:
        e = np.exp(-np.abs(a))
        return np.where(np.greater_equal(a, 0.0), 1.0, e) / (1.0 + e)

    return {name: getattr(np, name) for name in [*_ALIKE, "dot"]} | {
        "abs": np.abs,
        "atan": np.arctan,
        "pow": np.power,
        "max": np.maximum,
        "min": np.minimum,
        "less": less,
        "mask": lambda c, x: np.where(np.equal(c, 0.0), 0.0, x),
        "step": lambda a: np.heaviside(a, 0.0),
        "relu": lambda a: np.maximum(a, 0.0),
        "sigmoid": sigmoid,
        "softplus": lambda a: np.maximum(a, 0.0) + np.log1p(np.exp(-np.abs(a))),
    }


def _vectorized(value: Callable[..., float]) -> Any:
    import numpy as np

    return np.vectorize(partial(total, value), otypes=[float])
