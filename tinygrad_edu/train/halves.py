"""A step of the machine in two halves, between which callbacks may look at it and change it.

The passes are the first half, the update is the second. Callbacks find the present numbers in the
parameters and the optimizer at each Turn, and what they change there counts for the next half.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from tinygrad_edu.history import Learner

__all__ = ["Halves"]


class Halves:
    """The halves of the steps of a run of the machine.

    Each half may refuse, if a number is not finite or if the machine cannot follow a change. Then
    it has changed nothing, and the caller has to compute it in another way.
    """

    def __init__(self, machine: Any, optimizer: Learner) -> None:
        self.machine, self.gone = machine, False
        self.optimizer: Any = optimizer
        self.now: Sequence[int] = ()

    def passes(self, now: Sequence[int], share: float) -> list[float] | None:
        """Makes the passes over the examples of these indices, and writes the gradients.

        It returns the sums of the loss and of `also`; None if it refuses. share: the divisor of a
        sum over these examples.
        """
        machine = self.machine
        if self.gone or not share:
            return None
        if now != self.now:
            machine.take(now, 1 / share)
            self.now = now
        machine.read()
        found: list[float] = machine.both_passes().tolist()
        if not all(map(isfinite, found)) or not machine.finite_gradients():
            return None
        machine.write_gradients()
        return found

    def update(self) -> bool:
        """Makes the update from the present numbers and gradients; False if it refuses."""
        machine, optimizer = self.machine, self.optimizer
        if not machine.fits(optimizer, machine.plan):  # a callback has changed a setting
            self.gone = True
            return False
        machine.read()
        machine.read_gradients()
        machine.change()
        if not machine.finite():
            return False
        optimizer.steps += 1
        machine.write_numbers()
        return True
