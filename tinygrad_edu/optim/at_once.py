"""The formula of an optimizer, compiled: one call computes the step of all parameters.

A formula is recorded once for all optimizers with the same rule (`Optimizer.rule`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from math import isfinite

from tinygrad_edu.compiler.tape.python_function import packed, python_function
from tinygrad_edu.compiler.tape.tape import no_collection, record
from tinygrad_edu.engine import Value

__all__ = ["Recorded", "Update", "compiled", "finite_results"]

Recorded = tuple[list[Value], list[Value]]  # see `Optimizer.recorded`
Rows = list[list[float]]
Update = Callable[[Sequence[Sequence[float]], Mapping[str, float]], Rows]

_MOST = 64  # rules that are kept
_updates: dict[Hashable, Update | None] = {}  # None: seen once, and not yet compiled


def compiled(recorded: Recorded, arrays: bool = False) -> Update:
    """Returns the function that computes the step of all parameters.

    It takes the numbers of the parameters, their gradients and each state, and then `lr` and
    `steps`; it returns the new parameters and each new state. arrays: by NumPy.
    """
    leaves, results = recorded
    with no_collection():
        tape = record(results)
        each = [tape.leaves[x] for x in leaves[:-2]]
        labels = [x.label for x in tape.leaves if x in leaves[-2:]]
        run = python_function(tape, each, [], tape.outputs, arrays)

    def update(columns: Sequence[Sequence[float]], settings: Mapping[str, float]) -> Rows:
        _, rows = run(columns, [settings[label] for label in labels], len(columns[0]))
        return rows

    return update


def finite_results(
    rule: Hashable,
    recorded: Callable[[], Recorded | None],
    columns: Sequence[list[float]],
    settings: Mapping[str, float],
) -> Rows | None:
    """Returns the results of the compiled formula.

    None for the first step of a rule, because compiling costs as much as some steps; for a formula
    that cannot be recorded; and if a result is not finite, because then the formula itself has to
    say what it is.
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
        # NumPy computes the same bits: these formulas are made of + - * / and square roots
        update = _updates[rule] = compiled(made, arrays="numpy" in sys.modules)
    try:
        rows = update([packed(column) for column in columns], settings)
    except ArithmeticError:
        return None
    return rows if all(isfinite(sum(row)) for row in rows) else None  # an infinity stays in a sum
