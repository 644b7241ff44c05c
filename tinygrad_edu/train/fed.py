"""A compiled run in batches: the machine makes the passes and the update of a step in one call.

The machine goes on with other examples at each step. The parameters stay in its memory until the
end of an epoch, or until somebody may look at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from tinygrad_edu.data import shuffled
from tinygrad_edu.engine import Value
from tinygrad_edu.train.compiled_run import Compiled
from tinygrad_edu.train.run import Run

__all__ = ["in_batches"]


def in_batches(
    run: Run, passes: Compiled, size: int, seed: int, per_epoch: int, watched: Mapping[str, Value]
) -> None:
    """Continues the run as `run.follow` does with the Turns of `passes`, until its end.

    size: of a batch; 0 for all examples. watched: the parameters that the history keeps, by name.
    The run stops at the beginning of an epoch in which a number is not finite, or if there is no
    machine code; then the caller goes on by Turns.
    """
    every = range(passes.count)
    first = every[: size or passes.count]
    machine = passes.begun(first)
    if machine is None:
        return
    history, start = run.history, len(run.history.losses)
    try:
        for epoch in range(start // per_epoch, run.epochs):
            before = machine.save()
            begun = len(history.losses)
            order = shuffled(every, (seed << 32) + epoch) if size else every
            at = [k * len(first) for k in range(begun - epoch * per_epoch, per_epoch)]
            batches = [order[k : k + len(first)] for k in at]
            means = _epoch(machine, run, passes, batches, watched)
            if means is None:
                machine.restore(before)
                for row in (history.losses, *_rows(run, watched)):
                    del row[begun:]
                run.patience.end()
                return
            if run.judge or run.until:  # which may look at the parameters
                machine.write()
            run.keep({**means, **(run.judge() if run.judge else {})})
            run.bar.show(history.epochs, history.losses[-1])
            run.patience.end()
            if history.stopped:
                break
    finally:
        machine.write()
    passes.keep(machine)


def _epoch(
    machine: Any,
    run: Run,
    passes: Compiled,
    batches: Sequence[Sequence[int]],
    watched: Mapping[str, Value],
) -> dict[str, float] | None:
    """Makes a step for each batch, and returns the means of the metrics.

    None if a number is not finite. The last step leaves a Ctrl-C waiting, for its epoch to be kept.
    """
    history, seen = run.history, 0
    sums, rows = [0.0] * len(passes.names), _rows(run, watched)
    grads, places = rows[len(watched) :], machine.places_of([*watched.values()])
    for k, now in enumerate(batches):
        share = passes.share(now)
        if not share:
            return None
        run.patience.begin()
        machine.take(now, 1 / share)
        numbers = machine.look(places) if watched else ()
        (found,) = machine.steps(1).tolist()
        if not all(map(isfinite, found)):
            return None
        slopes = machine.look(places, gradients=True) if watched else ()
        history.losses.append(found[0] / share)
        for row, x, grad, slope in zip(rows, numbers, grads, slopes):
            row.append(x)
            grad.append(slope)
        sums = [total + x for total, x in zip(sums, found[1:])]
        seen += len(now)
        if k + 1 < len(batches):
            run.patience.end()
    return {n: x / seen for n, x in zip(passes.names, sums)} if machine.finite() else None


def _rows(run: Run, watched: Mapping[str, Value]) -> list[list[float]]:
    """Returns the rows of the history for these parameters, and then for their gradients."""
    history = run.history
    both = (history.parameters, history.grads)
    return [kept.setdefault(name, []) for kept in both for name in watched]
