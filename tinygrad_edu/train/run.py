"""One run of the Loop, eager or compiled: its history, its callbacks and its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from types import TracebackType
from typing import Any

from tinygrad_edu.history import Criterion, History
from tinygrad_edu.train.passes import Turn
from tinygrad_edu.train.patience import Patience
from tinygrad_edu.train.progress import Bar

__all__ = ["Callback", "Run", "check_run"]

Callback = Callable[[Turn], object]
Judge = Callable[[], Mapping[str, float]]  # the validation of an epoch


class Run:
    """A run up to `epochs` that extends `history`; it lasts as long as its `with` block.

    until: a criterion to stop earlier. callbacks: each is called with every Turn. judge: returns
    more metrics of an epoch, from the validation. In the block, a Ctrl-C waits until the step is
    complete; then `history.stopped` is "interrupted".
    """

    def __init__(
        self,
        history: History,
        epochs: int,
        until: Criterion | None,
        progress: bool,
        callbacks: Sequence[Callback] = (),
        judge: Judge | None = None,
    ) -> None:
        self.history, self.epochs, self.until = history, epochs, until
        self.callbacks, self.judge = callbacks, judge
        self.bar, self.patience = Bar(epochs, "epochs", progress), Patience()
        history.stopped = ""

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, where: TracebackType | None
    ) -> None:
        self.patience.leave()
        self.bar.end()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.history.stopped = "interrupted"
        elif kind is None and not self.history.stopped:
            self.history.stopped = f"{self.epochs} epochs"

    def follow(self, turns: Iterator[Turn], per_epoch: int) -> None:
        """Goes through the Turns until their end or the end of the run.

        per_epoch: the number of steps in an epoch. A metric is the mean over the examples, or the
        sum if the Turns have no examples.
        """
        history, sums, seen = self.history, dict[str, float](), 0
        for turn in turns:
            if turn.phase == "backward" and turn.loss is not None:
                self.patience.begin()  # from now on, parameters and history change
                history.losses.append(turn.loss.data)
                if not isfinite(turn.loss.data):  # an update with it would spoil all parameters
                    history.stopped = self._diverged()
            for see in self.callbacks:
                see(turn)
            if history.stopped:
                self.patience.end()
                return
            if turn.phase != "update":
                continue
            for name, x in turn.metrics.items():
                sums[name] = sums.get(name, 0.0) + x
            seen += len(turn.examples)
            if (turn.step + 1) % per_epoch == 0:
                means = {name: x / (seen or 1) for name, x in sums.items()}
                self.keep({**means, **(self.judge() if self.judge else {})})
                sums, seen = {}, 0
                self.bar.show(history.epochs, history.losses[-1])
            self.patience.end()
            if history.stopped:
                return
            del turn  # frees the graph of the step before the next one is built

    def keep(self, metrics: Mapping[str, float]) -> None:
        """Adds the metrics of a complete epoch to the history, and checks `until`."""
        history = self.history
        for name, x in metrics.items():
            history.metrics.setdefault(name, []).append(x)
        history.epochs += 1
        if self.until is not None and self.until.holds(history):
            history.stopped = self.until.says

    def keep_all(self, losses: list[float], metrics: Mapping[str, list[float]]) -> None:
        """Adds complete epochs of one step each to the history of a run without `until`."""
        history = self.history
        rows = [history.losses, *(history.metrics.setdefault(name, []) for name in metrics)]
        ends = [len(row) for row in rows]
        try:
            for row, xs in zip(rows, (losses, *metrics.values())):
                row.extend(xs)
        except BaseException:  # a second Ctrl-C, which does not wait
            for row, end in zip(rows, ends):
                del row[end:]
            raise
        history.epochs += len(losses)

    def _diverged(self) -> str:
        losses = self.history.losses
        return f"the loss is {losses[-1]} at step {len(losses) - 1}"


def check_run(epochs: Any, optimizer: Any, until: Any) -> None:
    """Raises TypeError or ValueError for wrong arguments of a run."""
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 0:
        raise ValueError(f"epochs must be a whole number, 0 or more, not {epochs!r:.60}")
    if not hasattr(optimizer, "parameters") or not hasattr(optimizer, "step"):
        raise TypeError(f"expected an optimizer, such as SGD(...), not {optimizer!r:.60}")
    if until is not None and not hasattr(until, "holds"):
        raise TypeError(f"until must be a criterion, such as loss_below(0.1), not {until!r:.60}")
