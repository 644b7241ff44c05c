"""How parameters learn from their gradients: gradient descent and what has been made of it.

Every optimizer is one formula, its `_change`: what is added to one parameter in one step. Given
Values, it is a graph, to be compiled like any other. What an optimizer remembers between steps is
kept in lists beside its parameters, never on them. Formulas and default settings are PyTorch's,
with the one exception that `Momentum` explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from math import cos, inf, isfinite, pi
from numbers import Real
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import StateError
from tinygrad_edu.ops import sqrt

__all__ = [
    "Adam",
    "AdamW",
    "GradientDescent",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "Parameters",
    "RMSProp",
    "Rate",
    "Schedule",
    "constant",
    "cosine",
    "exponential",
    "step_decay",
    "warm_up",
]

Schedule = Callable[[int], float]  # the rate at step 0, 1, 2, ...
Rate = float | Schedule
Parameters = Iterable[Value]


class Optimizer:
    """Moves `parameters` (leaves, each listed once), when `step()` is called, by their grads.

    rate: the size of a step, a number or a function of the step number, such as `cosine(...)`.
    decay: how strongly weights are pulled to 0. Coupled, it is the gradient of decay/2 * w**2,
    added to the gradient, and goes through the formula with it; decoupled, w loses the part
    rate * decay of itself beside the formula, which then does not see the decay.
    Attributes: `steps`, the number of steps made; the settings, by their names. ValueError for a
    setting out of range, InnerNodeError for a parameter that is no leaf.
    """

    settings: tuple[str, ...] = ("rate", "decay")
    decoupled = False

    def __init__(self, parameters: Parameters, rate: Rate, decay: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters or len(set(self.parameters)) < len(self.parameters):
            raise ValueError("an optimizer is given one parameter or more, each once")
        for p in self.parameters:
            p.data = p.data  # which an inner node or a constant refuses, now and not in a step
        self.rate = rate if callable(rate) else _within("rate", rate)
        self.decay = _within("decay", decay)
        self.steps = 0
        self._kept: dict[str, list[Any]] = {}

    def _keep(self, name: str) -> list[Any]:
        """A number for each parameter, 0 at first, which is part of the state."""
        return self._kept.setdefault(name, [0.0] * len(self.parameters))

    def _change(self, i: int, slope: Any, rate: Any) -> Any:
        """What parameter `i`, where the error has this slope, gains in this step."""
        raise NotImplementedError

    def _changed(self, i: int, x: Any, slope: Any, rate: Any) -> Any:
        """Where this step takes parameter `i` from `x`."""
        if not self.decay:
            return x + self._change(i, slope, rate)
        pull = self.decay * x
        if self.decoupled:
            return x - rate * pull + self._change(i, slope, rate)
        return x + self._change(i, slope + pull, rate)

    def step(self) -> None:
        """Changes every parameter once. Grads stay as they are: zero them before the next."""
        rate = self.rate_now()
        for i, p in enumerate(self.parameters):
            p.data = self._changed(i, p.data, p.grad, rate)
        self.steps += 1

    def rate_now(self) -> float:
        """The rate of the next step."""
        return self.rate_at(self.steps)

    def rate_at(self, step: int) -> float:
        """The rate of that step."""
        if not callable(self.rate):
            return self.rate
        return _within(f"the rate at step {step}", self.rate(step))

    def kept(self) -> list[list[float]]:
        """What is remembered between steps: lists with a number for each parameter."""
        return list(self._kept.values())

    def recorded(self) -> tuple[list[Value], list[Value]]:
        """A step of one parameter as a graph, made by the same formula, called with Values.

        Its leaves are labelled `data`, `slope`, what is kept, `rate` and `steps`; its results are
        the parameter's new number and what is kept then. The settings are constants in it.
        """
        twin: Any = copy(self)
        names = ["data", "slope", *self._kept, "rate", "steps"]
        leaves = {name: Value(0.5, label=name) for name in names}
        twin.steps = leaves["steps"]
        twin._kept = {name: [leaves[name]] for name in self._kept}
        for name, xs in vars(self).items():
            for kept in self._kept:
                if xs is self._kept[kept]:
                    setattr(twin, name, twin._kept[kept])
        new = twin._changed(0, *(leaves[name] for name in ("data", "slope", "rate")))
        return list(leaves.values()), [new, *(kept for (kept,) in twin._kept.values())]

    def state(self) -> dict[str, Any]:
        """Everything that `load` needs to go on from here, fit for JSON; no parameters.

        A rate that is a function cannot be written down and is None there. What has diverged
        is "nan", "inf" or "-inf": a state to look at, which `load` refuses.
        """
        settings = {name: getattr(self, name) for name in self.settings}
        for name, x in settings.items():
            settings[name] = None if callable(x) else list(x) if isinstance(x, tuple) else x
        kept = {name: [x if isfinite(x) else str(x) for x in xs] for name, xs in self._kept.items()}
        kind = type(self).__name__
        return {"kind": kind, "settings": settings, "steps": self.steps, "kept": kept}

    def load(self, state: Any) -> None:
        """Goes on from a `state()` of an optimizer like this one.

        StateError, and nothing is changed, where anything is not as `state()` makes it.
        """
        mine = self.state()
        if type(state) is not dict or set(state) != set(mine):
            raise StateError(f"an optimizer's state holds {', '.join(mine)} and nothing else")
        for key in ("kind", "settings"):
            if state[key] != mine[key]:
                raise StateError(f"the {key} of the state must be {mine[key]}")
        steps, kept = state["steps"], state["kept"]
        if type(steps) is not int or not 0 <= steps < 2**53:
            raise StateError("the steps of a state must be a whole number, 0 or more")
        if type(kept) is not dict or set(kept) != set(self._kept):
            raise StateError(f"what a {mine['kind']} keeps is {', '.join(self._kept) or 'nothing'}")
        for name, xs in kept.items():
            if type(xs) is not list or len(xs) != len(self.parameters):
                raise StateError(f"{name} must hold one number for each of the parameters")
            if not all(type(x) is float and isfinite(x) for x in xs):
                raise StateError(f"{name} must hold finite floats")
            if name == "square" and min(xs) < 0:  # its root will be taken
                raise StateError("a square must be 0 or more")
        self.steps = steps
        for name, xs in self._kept.items():
            xs[:] = kept[name]


class GradientDescent(Optimizer):
    """Straight downhill (Cauchy, 1847; equation 8 of Rumelhart, Hinton and Williams, 1986)."""

    def __init__(self, parameters: Parameters, rate: Rate = 0.001, decay: float = 0.0) -> None:
        super().__init__(parameters, rate, decay)

    def _change(self, i: int, slope: Any, rate: Any) -> Any:
        return -rate * slope


class Momentum(Optimizer):
    """Part of the last change is made again (Polyak, 1964), exactly as in equation 9 of 1986.

    delta_w(t) = -rate * dE/dw(t) + alpha * delta_w(t-1)  (Rumelhart, Hinton and Williams,
    "Learning representations by back-propagating errors", Nature 323; t counts epochs there).
    The rate is inside what is remembered. PyTorch remembers v = alpha * v + dE/dw and changes w
    by -rate * v: the same while the rate is constant; where it falls, PyTorch brakes at once.
    decoupled: see Optimizer (SGDW; Loshchilov and Hutter, 2019).
    """

    settings = ("rate", "alpha", "decay", "decoupled")

    def __init__(
        self,
        parameters: Parameters,
        rate: Rate = 0.001,
        alpha: float = 0.9,
        decay: float = 0.0,
        decoupled: bool = False,
    ) -> None:
        super().__init__(parameters, rate, decay)
        self.alpha = _within("alpha", alpha, below=1.0)
        self.decoupled = bool(decoupled)
        self.last = self._keep("last")

    def _change(self, i: int, slope: Any, rate: Any) -> Any:
        self.last[i] = -rate * slope + self.alpha * self.last[i]
        return self.last[i]


class Nesterov(Momentum):
    """Momentum that looks ahead (Nesterov, 1983; as in Sutskever and others, 2013).

    The slope is taken where the momentum is about to carry the weights. The parameters are
    these points ahead, so a step first makes the change and then looks ahead from there.
    """

    def _change(self, i: int, slope: Any, rate: Any) -> Any:
        return -rate * slope + self.alpha * super()._change(i, slope, rate)


class RMSProp(Optimizer):
    """Steps measured in typical slopes (Tieleman and Hinton, Coursera lecture 6.5, 2012).

    beta: how slowly the mean of the squared slopes forgets (PyTorch calls it alpha).
    """

    settings = ("rate", "beta", "epsilon", "decay")

    def __init__(
        self,
        parameters: Parameters,
        rate: Rate = 0.01,
        beta: float = 0.99,
        epsilon: float = 1e-8,
        decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, rate, decay)
        self.beta = _within("beta", beta, below=1.0)
        self.epsilon = _positive("epsilon", epsilon)
        self.square = self._keep("square")

    def _change(self, i: int, slope: Any, rate: Any) -> Any:
        self.square[i] = self.beta * self.square[i] + (1 - self.beta) * slope * slope
        return -rate * slope / (sqrt(self.square[i]) + self.epsilon)


class Adam(Optimizer):
    """Momentum and RMSProp in one (Kingma and Ba, "Adam", 2015, algorithm 1).

    Both means start at 0 and so are too small at first, by 1 - beta**t: that is divided out.
    """

    settings = ("rate", "betas", "epsilon", "decay")

    def __init__(
        self,
        parameters: Parameters,
        rate: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, rate, decay)
        beta1, beta2 = betas
        self.betas = _within("beta1", beta1, below=1.0), _within("beta2", beta2, below=1.0)
        self.epsilon = _positive("epsilon", epsilon)
        self.mean, self.square = self._keep("mean"), self._keep("square")

    def _change(self, i: int, slope: Any, rate: Any) -> Any:
        (beta1, beta2), t = self.betas, self.steps + 1
        self.mean[i] = beta1 * self.mean[i] + (1 - beta1) * slope
        self.square[i] = beta2 * self.square[i] + (1 - beta2) * slope * slope
        mean = self.mean[i] * (1 / (1 - beta1**t))  # a factor that is the same for all
        square = self.square[i] * (1 / (1 - beta2**t))
        return -rate * mean / (sqrt(square) + self.epsilon)


class AdamW(Adam):
    """Adam with decoupled decay (Loshchilov and Hutter, 2019, algorithm 2).

    The part lost in a step is rate * decay, as in PyTorch; the paper's does not depend on Adam's
    own rate, only on the schedule's factor.
    """

    decoupled = True

    def __init__(
        self,
        parameters: Parameters,
        rate: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, rate, betas, epsilon, decay)


def constant(rate: float) -> Schedule:
    """The same rate at every step."""
    return lambda step: rate


def step_decay(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """The rate times `factor` after each `every` steps."""
    _positive("every", every)
    return lambda step: rate * factor ** (step // every)


def exponential(rate: float, factor: float) -> Schedule:
    """The rate times `factor` after each step."""
    _within("factor", factor, below=inf)
    return lambda step: rate * factor**step


def cosine(rate: float, steps: int, final: float = 0.0) -> Schedule:
    """Half a wave from `rate` down to `final`, reached after `steps` (Loshchilov, Hutter, 2017)."""
    _positive("steps", steps)
    return lambda step: final + (rate - final) * (1 + cos(pi * min(step / steps, 1))) / 2


def warm_up(steps: int, then: Rate) -> Schedule:
    """In equal parts up to the first rate of `then`, which begins after `steps` (Goyal, 2017).

    The first step is not lost: of 4 steps, they are 1/5, 2/5, 3/5 and 4/5, and then begins 5/5.
    """
    _within("steps", steps)
    after = then if callable(then) else constant(then)
    return lambda step: after(0) * (step + 1) / (steps + 1) if step < steps else after(step - steps)


def _within(name: str, x: float, below: float = inf) -> float:
    """`x` as a float; ValueError unless 0 <= x < below."""
    if not isinstance(x, Real) or not 0 <= x < below:
        limit = "finite" if below == inf else f"below {below:g}"
        raise ValueError(f"{name} must be a number, 0 or more and {limit}, not {x!r}")
    return float(x)


def _positive(name: str, x: float) -> float:
    """`x` as a float; ValueError unless it is above 0 and finite."""
    if not isinstance(x, Real) or not 0 < x < inf:
        raise ValueError(f"{name} must be a finite number above 0, not {x!r}")
    return float(x)
