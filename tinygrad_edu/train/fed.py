"""A compiled run in batches: the machine makes the passes and the update of a step in one call.

The machine goes on with other examples at each step. The parameters stay in its memory until the
end of an epoch, or until somebody may look at them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_edu.data import shuffled
from tinygrad_edu.engine import Value
from tinygrad_edu.train.compiled_run import Compiled
from tinygrad_edu.train.run import Run

__all__ = ["in_batches"]

_SHORT = 0.01  # seconds between two looks for a Ctrl-C
MOST_AT_ONCE = 2**14  # examples


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
    history, seen, k = run.history, 0, 0
    sums, rows = [0.0] * len(passes.names), _rows(run, watched)
    grads = rows[len(watched) :]
    places = machine.places_of([*watched.values()]) if watched else ()
    while k < len(batches):
        many = 1 if watched else max(machine.pace // machine.chunks, 1)
        now = _alike(batches[k : k + min(many, MOST_AT_ONCE // len(batches[k]) or 1)])
        shares = [passes.share(batch) for batch in now]
        if not all(shares):
            return None
        run.patience.begin()
        began = time.monotonic()
        numbers = machine.look(places) if watched else ()
        found = machine.fed(now, [1 / share for share in shares])
        if not len(found) or machine.finite_rows(found) < len(found):
            return None
        now = now[: len(found)]
        slopes = machine.look(places, gradients=True) if watched else ()
        for (loss, *counted), share in zip(found.tolist(), shares):
            history.losses.append(loss / share)
            sums = [total + x for total, x in zip(sums, counted)]
        for row, x, grad, slope in zip(rows, numbers, grads, slopes):
            row.append(x)
            grad.append(slope)
        seen += sum(map(len, now))
        k += len(now)
        if len(now) == many and time.monotonic() - began < _SHORT:
            machine.pace = 8 * many * machine.chunks
        if k < len(batches):
            run.patience.end()
    return {n: x / seen for n, x in zip(passes.names, sums)} if machine.finite() else None


def _alike(batches: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """Returns the first batches that have as many examples."""
    other = (k for k, batch in enumerate(batches) if len(batch) != len(batches[0]))
    return batches[: next(other, len(batches))]


def _rows(run: Run, watched: Mapping[str, Value]) -> list[list[float]]:
    """Returns the rows of the history for these parameters, and then for their gradients."""
    history = run.history
    both = (history.parameters, history.grads)
    return [kept.setdefault(name, []) for kept in both for name in watched]
