"""The formula of an optimizer, compiled: one call computes the step of all parameters.

A formula is recorded once for all optimizers with the same rule (`Optimizer.rule`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import cast

from tinygrad_edu.compiler.tape.python_function import (
    Columns,
    are_finite,
    array_function,
    as_column,
    as_lists,
    python_function,
)
from tinygrad_edu.compiler.tape.tape import Tape, no_collection, record
from tinygrad_edu.engine import Value

__all__ = ["Recorded", "Update", "compiled", "finite_results"]

Recorded = tuple[list[Value], list[Value]]  # see `Optimizer.recorded`
Rows = list[list[float]]
Update = Callable[[Columns, Mapping[str, float]], Rows]
Row = float | Sequence[float]  # a list, an array, or one float, the number of all parameters
_OfRows = Callable[[Sequence[Row], Mapping[str, float]], Columns]

_MOST = 64  # rules that are kept
_updates: dict[Hashable, _OfRows | None] = {}  # None: seen once, and not yet compiled


def compiled(recorded: Recorded, arrays: bool = False) -> Update:
    """Returns the function that computes the step of all parameters.

    It takes the numbers of the parameters, their gradients and each state, and then `lr` and
    `steps`; it returns the new parameters and each new state, in lists. arrays: by NumPy.
    """
    tape, each, labels = _taped(recorded)
    with no_collection():
        run = python_function(tape, each, [], tape.outputs, arrays, exact=True)

    def update(columns: Columns, settings: Mapping[str, float]) -> Rows:
        _, rows = run(columns, [settings[label] for label in labels], len(columns[0]))
        return rows

    return update


def _in_lists(recorded: Recorded) -> _OfRows:
    """Returns the same as `compiled` for rows of any kind."""
    run = compiled(recorded)

    def update(rows: Sequence[Row], settings: Mapping[str, float]) -> Columns:
        count = len(cast(Sequence[float], rows[0]))
        return run(as_lists([[x] * count if isinstance(x, float) else x for x in rows]), settings)

    return update


def _in_arrays(recorded: Recorded) -> _OfRows:
    """Returns the same as `compiled` for rows of any kind, but the results are arrays."""
    tape, each, labels = _taped(recorded)
    with no_collection():
        run = array_function(tape, each, tape.outputs)

    def update(rows: Sequence[Row], settings: Mapping[str, float]) -> Columns:
        count = len(cast(Sequence[float], rows[0]))
        given = [settings[label] for label in labels]
        return run([as_column(row, count) for row in rows], given)

    return update


def _taped(recorded: Recorded) -> tuple[Tape, list[int], list[str]]:
    """Returns the tape, the slots of the columns, and the labels of the settings on the tape."""
    leaves, results = recorded
    with no_collection():
        tape = record(results)
    labels = [x.label for x in tape.leaves if x in leaves[-2:]]
    return tape, [tape.leaves[x] for x in leaves[:-2]], labels


def finite_results(
    rule: Hashable,
    recorded: Callable[[], Recorded | None],
    rows: Sequence[Row],
    settings: Mapping[str, float],
) -> Columns | None:
    """Returns the results of the compiled formula; they are arrays where NumPy is loaded.

    rows: the parameters, in a list, their gradients, and each state. None for the first step of a
    rule, because compiling costs as much as some steps; for a formula that cannot be recorded; and
    if a result is not finite, because then the formula itself has to say what it is.
    """
    if rule not in _updates:
        if len(_updates) >= _MOST:
            _updates.clear()
        _updates[rule] = None
        return None
    update = _updates[rule]
    if update is None:
        made = recorded()
        if made is None:
            return None
        update = _updates[rule] = (_in_arrays if "numpy" in sys.modules else _in_lists)(made)
    try:
        found = update(rows, settings)
    except ArithmeticError:
        return None
    return found if all(map(are_finite, found)) else None
