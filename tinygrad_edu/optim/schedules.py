"""Schedules: the rate of an optimizer as a function of the number of steps made, 0 at first.

`lr` of an optimizer can be such a function. `optim.lr_scheduler` has PyTorch's classes for them.
A schedule agrees with the class of PyTorch that its docstring names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, inf, pi
from numbers import Real

__all__ = [
    "Rate",
    "Schedule",
    "constant",
    "cosine",
    "exponential",
    "multi_step",
    "positive",
    "ramp",
    "step_decay",
    "warm_up",
    "within",
]

Schedule = Callable[[int], float]  # the rate at step 0, 1, 2, ...
Rate = float | Schedule


def constant(lr: float) -> Schedule:
    """This returns a schedule: the same rate at every step."""
    return lambda step: lr


def step_decay(lr: float, step_size: int, gamma: float = 0.1) -> Schedule:
    """This returns a schedule: times gamma after each `step_size` steps (PyTorch's StepLR)."""
    positive("step_size", step_size)
    return lambda step: lr * gamma ** (step // step_size)


def multi_step(lr: float, milestones: Sequence[int], gamma: float = 0.1) -> Schedule:
    """This returns a schedule: times gamma at each milestone (PyTorch's MultiStepLR)."""
    return lambda step: lr * gamma ** sum(step >= m for m in milestones)


def exponential(lr: float, gamma: float) -> Schedule:
    """This returns a schedule: times gamma after each step (PyTorch's ExponentialLR)."""
    within("gamma", gamma)
    return lambda step: lr * gamma**step


def cosine(lr: float, steps: int, final: float = 0.0) -> Schedule:
    """This returns half a cosine wave from `lr` down to `final` (Loshchilov, Hutter, 2017).

    After `steps` steps the rate stays at `final`; that of PyTorch's CosineAnnealingLR rises again.
    """
    positive("steps", steps)
    return lambda step: final + (lr - final) * (1 + cos(pi * min(step / steps, 1))) / 2


def ramp(lr: float, start: float, end: float, steps: int) -> Schedule:
    """This returns a schedule: times a factor from `start` to `end`, in `steps` equal parts.

    The factor then stays at `end`, as in PyTorch's LinearLR.
    """
    positive("steps", steps)
    return lambda step: lr * (start + (end - start) * min(step / steps, 1))


def warm_up(steps: int, then: Rate) -> Schedule:
    """This returns a schedule that rises in equal parts to the first rate of `then` (Goyal, 2017).

    `then` begins after `steps` steps. The first rate is above 0: with 4 steps, the rates are 1/5,
    2/5, 3/5 and 4/5 of the first rate of `then`, which follows.
    """
    within("steps", steps)
    after = then if callable(then) else constant(then)
    return lambda step: after(0) * (step + 1) / (steps + 1) if step < steps else after(step - steps)


def within(name: str, x: float, below: float = inf) -> float:
    """This returns `x` as a float; ValueError unless 0 <= x < below."""
    if not isinstance(x, Real) or not 0 <= x < below:
        limit = "finite" if below == inf else f"below {below:g}"
        raise ValueError(f"{name} must be a number, 0 or more and {limit}, not {x!r}")
    return float(x)


def positive(name: str, x: float) -> float:
    """This returns `x` as a float; ValueError unless it is above 0 and finite."""
    if not isinstance(x, Real) or not 0 < x < inf:
        raise ValueError(f"{name} must be a finite number above 0, not {x!r}")
    return float(x)
