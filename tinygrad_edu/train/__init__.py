"""The Loop: `train` runs it to its end, `loop` one step at a time; both eager or compiled."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tinygrad_edu.habits.hints import CallableModule, elsewhere
from tinygrad_edu.history import Criterion, History, Learner
from tinygrad_edu.train.compiled_run import compiled_loss, train_compiled
from tinygrad_edu.train.metrics import Accuracy
from tinygrad_edu.train.passes import PHASES, Data, Loss, Metric, Turn, loop, steps_in_epoch
from tinygrad_edu.train.run import Callback
from tinygrad_edu.train.training import loss_below, no_better, train

__all__ = [
    "PHASES",
    "Accuracy",
    "Callback",
    "Criterion",
    "Data",
    "History",
    "Learner",
    "Loss",
    "Metric",
    "Turn",
    "compiled_loss",
    "loop",
    "loss_below",
    "no_better",
    "steps_in_epoch",
    "train",
    "train_compiled",
]

CallableModule.of(sys.modules[__name__], "from tinygrad_edu.train import train, or train.train()")

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, {}, __name__)
