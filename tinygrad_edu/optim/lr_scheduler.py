"""PyTorch's schedules: classes that set an optimizer's rate when `step()` is called.

    scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
    for epoch in range(100):
        ...
        optimizer.step()
        scheduler.step()

A rate that is a function of the step, `SGD(parameters, cosine(0.1, 1000))`, needs no such call:
see `tinygrad_edu.optim.schedules`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi
from typing import TYPE_CHECKING, Any, Protocol

from tinygrad_edu.errors import StateError
from tinygrad_edu.habits.hints import elsewhere
from tinygrad_edu.habits.keywords import Strict
from tinygrad_edu.optim.schedules import (
    Schedule,
    exponential,
    multi_step,
    positive,
    ramp,
    step_decay,
)

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]


class Rated(Protocol):
    """An object with a rate, such as an optimizer."""

    lr: float
    initial_lr: float  # the rate before all schedules; the first schedule sets it


class LRScheduler(Strict):
    """Sets the optimizer's rate to `schedule(n)` after n calls of `step()`.

    If another schedule or the user has changed the rate, its part above `floor` is multiplied by
    schedule(n) / schedule(n - 1), so that schedules can be chained as in PyTorch. absolute: sets
    the rate to `schedule(n)` in any case.
    """

    def __init__(
        self,
        optimizer: Rated,
        schedule: Callable[[float], Schedule],
        *,
        floor: float = 0.0,
        absolute: bool = False,
    ) -> None:
        base: Any = getattr(optimizer, "lr", None)
        if base is None:
            raise TypeError(
                f"a schedule takes an optimizer, such as SGD(...), not {optimizer!r:.60}"
            )
        if callable(base):
            raise TypeError(
                "the optimizer's rate is already a function of the step: make it a number"
            )
        now, base = float(base), float(getattr(optimizer, "initial_lr", base))
        self.optimizer, self.schedule = optimizer, schedule(base)
        self.steps, self.floor, self.absolute = 0, floor, absolute
        first = self.schedule(0)
        chained = now != base and base and not absolute
        optimizer.initial_lr = base  # where the next schedule starts, as in PyTorch
        optimizer.lr = now * first / base if chained else first

    def step(self) -> None:
        """Sets the next rate; call it after `optimizer.step()`."""
        self.steps += 1
        last, rate = self.schedule(self.steps - 1), self.schedule(self.steps)
        now, floor = self.optimizer.lr, self.floor
        if not self.absolute and now != last:
            part = (rate - floor) / (last - floor) if last != floor else None
            rate = now + rate - last if part is None else floor + (now - floor) * part
        self.optimizer.lr = rate

    def get_last_lr(self) -> list[float]:
        """This returns the rate of the next step, in a list as in PyTorch."""
        return [self.optimizer.lr]

    def state_dict(self) -> dict[str, Any]:
        """This returns the state for `load_state_dict`, in types that JSON has."""
        return {"kind": type(self).__name__, "steps": self.steps}

    def load_state_dict(self, state: Any) -> None:
        """Continues from a `state_dict()` of a schedule like this one, with the rate of its step.

        StateError for any other state; then nothing is changed.
        """
        mine = self.state_dict()
        if type(state) is not dict or set(state) != set(mine) or state["kind"] != mine["kind"]:
            raise StateError(f"a {mine['kind']} loads only a state_dict() like its own, {mine}")
        if type(state["steps"]) is not int or not 0 <= state["steps"] < 2**53:
            raise StateError("the steps of a state must be a whole number, 0 or more")
        self.steps = state["steps"]
        self.optimizer.lr = self.schedule(self.steps)


class LambdaLR(LRScheduler):
    """The first rate times `lr_lambda(n)`."""

    def __init__(self, optimizer: Rated, lr_lambda: Callable[[int], float]) -> None:
        super().__init__(optimizer, lambda lr: lambda n: lr * lr_lambda(n), absolute=True)


class StepLR(LRScheduler):
    """The rate times gamma after each `step_size` calls."""

    def __init__(self, optimizer: Rated, step_size: int, gamma: float = 0.1) -> None:
        super().__init__(optimizer, lambda lr: step_decay(lr, step_size, gamma))


class MultiStepLR(LRScheduler):
    """The rate times gamma at each milestone."""

    def __init__(self, optimizer: Rated, milestones: Sequence[int], gamma: float = 0.1) -> None:
        super().__init__(optimizer, lambda lr: multi_step(lr, milestones, gamma))


class ExponentialLR(LRScheduler):
    """The rate times gamma after each call."""

    def __init__(self, optimizer: Rated, gamma: float) -> None:
        super().__init__(optimizer, lambda lr: exponential(lr, gamma))


class ConstantLR(LRScheduler):
    """The rate times `factor` for `total_iters` calls, then the rate itself."""

    def __init__(self, optimizer: Rated, factor: float = 1 / 3, total_iters: int = 5) -> None:
        def schedule(lr: float) -> Schedule:
            return lambda n: lr * factor if n < total_iters else lr

        super().__init__(optimizer, schedule)


class LinearLR(LRScheduler):
    """The rate times a factor that goes from `start_factor` to `end_factor` in equal parts."""

    def __init__(
        self,
        optimizer: Rated,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        super().__init__(optimizer, lambda lr: ramp(lr, start_factor, end_factor, total_iters))


class PolynomialLR(LRScheduler):
    """The rate times (1 - n/total_iters)**power, and 0 from there on."""

    def __init__(self, optimizer: Rated, total_iters: int = 5, power: float = 1.0) -> None:
        positive("total_iters", total_iters)

        def schedule(lr: float) -> Schedule:
            return lambda n: lr * (1 - min(n / total_iters, 1)) ** power

        super().__init__(optimizer, schedule)


class CosineAnnealingLR(LRScheduler):
    """A cosine from the rate down to `eta_min` in T_max calls, and up again, as in PyTorch."""

    def __init__(self, optimizer: Rated, T_max: int, eta_min: float = 0.0) -> None:
        positive("T_max", T_max)

        def schedule(lr: float) -> Schedule:
            return lambda n: eta_min + (lr - eta_min) * (1 + cos(pi * n / T_max)) / 2

        super().__init__(optimizer, schedule, floor=eta_min)


_RATES = "tinygrad_edu.optim.schedules"
_ELSEWHERE = {  # PyTorch's other schedules
    "OneCycleLR": f"SGD(parameters, warm_up(30, cosine(0.1, 70))), of {_RATES}",
    "SequentialLR": f"a function of the step, such as warm_up(10, cosine(0.1, 90)) of {_RATES}",
    "ChainedScheduler": "a function of the step: SGD(parameters, lambda step: ...)",
    "MultiplicativeLR": "a function of the step: SGD(parameters, lambda step: ...)",
    "CyclicLR": "a function of the step: SGD(parameters, lambda step: ...)",
    "CosineAnnealingWarmRestarts": "CosineAnnealingLR, or SGD(parameters, lambda step: ...)",
    "ReduceLROnPlateau": "optimizer.lr = optimizer.lr / 10 when the loss stops falling",
    "_LRScheduler": "LRScheduler",
    "WarmUp": f"warm_up of {_RATES}",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _ELSEWHERE, __name__)
