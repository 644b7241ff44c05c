"""Metrics by name: familiar numbers for the quality of the outputs.

Like a loss, a metric is a function of the outputs and the target of one example; a History has its
mean over the examples of an epoch. A metric that computes with Values can be compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygrad_edu import losses
from tinygrad_edu.data import Example
from tinygrad_edu.functions import where
from tinygrad_edu.habits.hints import elsewhere
from tinygrad_edu.ops import less, maximum
from tinygrad_edu.train.passes import Loss, Metric
from tinygrad_edu.trees import is_tree, numbers

__all__ = ["Accuracy", "Metrics", "metrics_by_name"]

Metrics = Mapping[str, Metric] | Iterable[str | Metric] | str | None

_LOSSES = [name for name in losses.__all__ if name.endswith("_loss") or "entropy" in name]
_OF_LOGITS = (losses.binary_cross_entropy_with_logits, losses.hinge_loss)
_OF_NUMBERS = (
    losses.binary_cross_entropy,
    losses.mse_loss,
    losses.half_squared_error,
    losses.l1_loss,
    losses.huber_loss,
    losses.smooth_l1_loss,
)


def metrics_by_name(metrics: Metrics, loss: Loss, examples: Sequence[Example]) -> dict[str, Metric]:
    """This returns the metrics of a run, by their names.

    metrics: a mapping of names to functions; or a list of functions, which keep their names, and of
    names: "accuracy" (see `Accuracy`), or a loss such as "mse_loss". ValueError for an unknown name
    or one that occurs twice; TypeError for other objects.
    """
    if isinstance(metrics, Mapping):
        found = list(metrics.items())
    else:
        given = [metrics] if isinstance(metrics, str) or callable(metrics) else metrics or []
        found = [_named(one, loss, examples) for one in given]
    for name, f in found:
        if not callable(f):
            raise TypeError(f"the metric {name!r:.60} must be a function of outputs and target")
    names = [name for name, _ in found]
    twice = next((name for name in names if names.count(name) > 1 or name == "val_loss"), None)
    if twice is not None:
        raise ValueError(f"two metrics have the name {twice!r:.60}: give them different names")
    return dict(found)


def _named(metric: Any, loss: Loss, examples: Sequence[Example]) -> tuple[str, Metric]:
    if metric == "accuracy":
        return "accuracy", Accuracy.of(loss, examples)
    if isinstance(metric, str):
        if metric not in _LOSSES:
            known = ", ".join(["accuracy", *_LOSSES])
            raise ValueError(f"unknown metric {metric!r:.60}: choose {known}, or give a function")
        return metric, getattr(losses, metric)
    return getattr(metric, "__name__", type(metric).__name__), metric


@dataclass(frozen=True)
class Accuracy:
    """The fraction of right answers: 1 or 0 for an example, or the mean over its rows.

    Several outputs are right if the largest (the first of them at a tie) has the index that the
    target names, or at which the target has its 1. One output above `threshold` means yes, and one
    target above `middle` means yes; both are None if the loss and the examples do not define them.
    """

    threshold: float | None
    middle: float | None

    @classmethod
    def of(cls, loss: Loss, examples: Sequence[Example]) -> Accuracy:
        """This returns the accuracy for outputs trained by this loss on these examples.

        The middle is halfway between the two different targets. The threshold equals it, but is 0
        for losses of logits.
        """
        while isinstance(loss, partial):
            loss = loss.func
        kinds = {float(x) for example in examples for x in numbers(example.targets)}
        middle = sum(kinds) / 2 if len(kinds) == 2 else None
        if kinds <= {0.0, 1.0}:
            middle = 0.5
        threshold = 0.0 if loss in _OF_LOGITS else middle if loss in _OF_NUMBERS else None
        return cls(threshold, middle)

    def __call__(self, outputs: Any, target: Any) -> Any:
        """This returns 1.0 for a right answer and 0.0 for a wrong one, or the mean over rows."""
        ys = list(outputs) if is_tree(outputs) else [outputs]
        if len(ys) > 1 and is_tree(ys[0]):
            rights = [self(y, t) for y, t in zip(ys, target)]
            return sum(rights[1:], rights[0]) / len(rights)
        if len(ys) > 1:
            return _same(_largest(ys), _largest(list(target)) if is_tree(target) else target)
        (y,), (t,) = list(numbers(ys)), list(numbers(target))
        if self.threshold is None or self.middle is None:
            raise ValueError(
                "'accuracy' does not know which outputs of this loss mean yes: write "
                "metrics={'right': f} with a function f of outputs and target, 1 if right"
            )
        return 1 - abs(less(self.threshold, y) - less(self.middle, t))


def _largest(xs: list[Any]) -> Any:
    """Returns the index of the largest output, the first one at a tie."""
    best, index = xs[0], 0.0
    for k, x in enumerate(xs[1:], 1):
        better = less(best, x)
        best, index = maximum(best, x), where(better, float(k), index)
    return index


def _same(a: Any, b: Any) -> Any:
    return 1 - less(0.5, abs(a - b))


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, {"accuracy": "train(..., metrics=['accuracy']), or Accuracy"}, __name__)
