"""The records and interfaces of a training run, shared by `train` and compiled losses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tinygrad_edu.drawable import Page
from tinygrad_edu.engine import Value
from tinygrad_edu.hooks import pages

__all__ = ["Criterion", "History", "Learner"]


class Learner(Protocol):
    """An object that changes the parameters by their gradients, such as those of `optim`."""

    parameters: list[Value]

    def step(self) -> None:
        """Changes every parameter once."""


@dataclass(repr=False)
class History:
    """The record of a run.

    losses: one for each step, before its update. epochs: the number of complete epochs. metrics:
    by name, one number for each complete epoch, from the outputs of that epoch; with validation
    examples, also `val_loss` and `val_...`. parameters, grads: by name, one number for each step,
    before its update, for the parameters in `watch`. stopped: why the run ended, '' before that.
    model, examples, loss: the arguments of `train`, for plots; they are not saved.
    """

    losses: list[float] = field(default_factory=list)
    epochs: int = 0
    metrics: dict[str, list[float]] = field(default_factory=dict)
    parameters: dict[str, list[float]] = field(default_factory=dict)
    grads: dict[str, list[float]] = field(default_factory=dict)
    stopped: str = ""
    model: Any = field(default=None, compare=False)
    examples: Any = field(default=None, compare=False)
    loss: Any = field(default=None, compare=False)

    def __repr__(self) -> str:
        """One line: the length of the run, its first and last loss, and its metrics."""
        parts = [f"{self.epochs} epochs, {len(self.losses)} steps"]
        if self.losses:
            parts.append(f"loss {self.losses[0]:.4g} to {self.losses[-1]:.4g}")
        parts += [f"{name} {xs[0]:.4g} to {xs[-1]:.4g}" for name, xs in self.metrics.items() if xs]
        if self.stopped:
            parts.append(f"stopped: {self.stopped}")
        return f"<History: {'; '.join(parts)}>"

    def page(self, **how: Any) -> Page:
        """This returns a live page that trains the model of this run, from its present weights.

        how: options of `tinygrad_edu.page`. ValueError for a history that was loaded from a file.
        """
        if self.model is None or self.loss is None:
            raise ValueError("a page needs a history that train() has just made, not a loaded one")
        made: Page = pages[-1](self.model, self.loss, self.examples, **how)
        return made


class Criterion(NamedTuple):
    """A reason to stop: `holds(history)` is checked after each epoch; `says` is the reason."""

    says: str
    holds: Callable[[History], bool]
