"""What a run of the Loop is given, and what it leaves: for `train`, and for a compiled loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from tinygrad_edu.engine import Value

__all__ = ["Criterion", "History", "Learner"]


class Learner(Protocol):
    """What moves the parameters: see `optim`."""

    parameters: list[Value]

    def step(self) -> None:
        """Changes every parameter once."""


@dataclass(repr=False)
class History:
    """What happened in a run.

    losses: one for each step, before its update. epochs: how many are complete. metrics: by name,
    one for each complete epoch, of the outputs in it; of a validation set, `val_loss` and
    `val_...` are among them. parameters, grads: by name, those that were watched, one for each
    step, before its update. stopped: why the run ended, '' while it has not. model, examples,
    loss: what `train` was given, for plots; they are not saved.
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
        """One line: how long the run was, and where it began and ended."""
        told = [f"{self.epochs} epochs, {len(self.losses)} steps"]
        if self.losses:
            told.append(f"loss {self.losses[0]:.4g} to {self.losses[-1]:.4g}")
        told += [f"{name} {xs[0]:.4g} to {xs[-1]:.4g}" for name, xs in self.metrics.items() if xs]
        if self.stopped:
            told.append(f"stopped: {self.stopped}")
        return f"<History: {'; '.join(told)}>"


class Criterion(NamedTuple):
    """When to stop: `holds` is asked after each epoch, `says` is why."""

    says: str
    holds: Callable[[History], bool]
