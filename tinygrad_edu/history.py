"""What a run of the Loop is given, and what it leaves: for `train`, and for a compiled step."""

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


@dataclass
class History:
    """What happened in a run.

    losses: one for each step. epochs: how many are complete. metrics: by name, one for each
    complete epoch, of the outputs in it; counts are among them. parameters, grads: by name, those
    that were watched, one for each step, before its update. stopped: why the run ended, '' while
    it has not. model, examples, loss: what `train` was given, for plots; they are not saved.
    """

    losses: list[float] = field(default_factory=list)
    epochs: int = 0
    metrics: dict[str, list[float]] = field(default_factory=dict)
    parameters: dict[str, list[float]] = field(default_factory=dict)
    grads: dict[str, list[float]] = field(default_factory=dict)
    stopped: str = ""
    model: Any = field(default=None, repr=False, compare=False)
    examples: Any = field(default=None, repr=False, compare=False)
    loss: Any = field(default=None, repr=False, compare=False)


class Criterion(NamedTuple):
    """When to stop: `holds` is asked after each epoch, `says` is why."""

    says: str
    holds: Callable[[History], bool]
