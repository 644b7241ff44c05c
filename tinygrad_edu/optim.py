"""How parameters learn from their gradients: gradient descent and what has been made of it.

An optimizer is one formula, a pure function of a parameter `p`, its gradient `g` and what is kept
for it between steps; it returns the new parameter, and what is kept then. Its keyword arguments
are the settings, the rate `lr` of this step, and `t`, the number of this step, 1 at first:

    def momentum(p, g, v=0.0, *, lr, beta=0.9):
        v = beta * v + g
        return p - lr * v, v

    optimizer = Optimizer(model.parameters(), 0.1, formula=momentum)

Given floats, it makes an eager step; given Values, it is a graph, and compiled like any other.
What is kept begins at the default of its argument, and lies in lists beside the parameters.

Names, formulas and defaults are PyTorch's, with one exception: `Momentum` is that of 1986.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter as Argument
from inspect import signature
from math import inf, isfinite, pow
from typing import (
    TYPE_CHECKING,
    Any,
    NoReturn,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    runtime_checkable,
)

from tinygrad_edu.engine import Value, on_comparison
from tinygrad_edu.errors import StateError
from tinygrad_edu.habits import alone, elsewhere
from tinygrad_edu.keywords import Strict
from tinygrad_edu.leaving import on_float
from tinygrad_edu.ops import less, sqrt
from tinygrad_edu.schedules import (
    Rate,
    Schedule,
    constant,
    cosine,
    exponential,
    multi_step,
    positive,
    step_decay,
    warm_up,
    within,
)

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Formula",
    "Momentum",
    "Optimizer",
    "Parameters",
    "RMSprop",
    "Rate",
    "Schedule",
    "clip_grad_norm_",
    "clip_grad_value_",
    "constant",
    "cosine",
    "exponential",
    "multi_step",
    "step_decay",
    "warm_up",
]

__path__: list[str] = []  # so that `import tinygrad_edu.optim.adam` is answered by `imports`

Parameters = Iterable[Value]
Formula: TypeAlias = Callable[..., "Value | tuple[Value, ...]"]
Setting = float | bool | tuple[float, ...]
T = TypeVar("T")
_Eager = Callable[..., "float | tuple[float, ...]"]

_ELSEWHERE = {  # what people look for in an optimizer
    "param_groups": "one rate for all: optimizer.lr = 0.01; two optimizers for two rates",
    "state": "state_dict()",
    "add_param_group": "a second optimizer for other parameters",
    "minimize": "loss.backward(), then step()",
    "learning_rate": "lr",
    "rate": "lr",
    "init": "an optimizer keeps what it needs; step() changes the parameters",
    "update": "step() changes the parameters; formula is the rule",
}


@runtime_checkable
class Model(Protocol):
    """What has parameters: see `module`."""

    def parameters(self) -> Iterable[Value]:
        """This returns them."""


class Optimizer(Strict):
    """Moves `parameters` (leaves, each listed once), when `step()` is called, by their grads.

    lr: the size of a step, a number or a function of the number of steps made, such as
    `cosine(...)`. formula: see the module; a class of one's own has it as a method. settings:
    what the formula takes by name, besides lr and t.
    Attributes: `lr`, which may be set, `steps`, the number of steps made, and the settings.
    ValueError for a setting out of range, TypeError for one that the formula has not,
    InnerNodeError for a parameter that is no leaf.
    """

    formula: Formula

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 1e-3,
        *,
        formula: Formula | None = None,
        **settings: Setting,
    ) -> None:
        if isinstance(parameters, Value):
            raise TypeError("an optimizer is given a list of parameters: [x], or parameters()")
        if isinstance(parameters, Model):
            raise TypeError("an optimizer is given the parameters of a model: model.parameters()")
        self.parameters = list(parameters)
        for p in self.parameters:
            if not isinstance(p, Value):
                raise TypeError(
                    f"parameters are Values, such as parameters() gives, not {p!r:.60}: write "
                    "model.parameters(), or [*w, b] for a list w; two optimizers have two rates"
                )
        if not self.parameters or len(set(self.parameters)) < len(self.parameters):
            raise ValueError("an optimizer is given one parameter or more, each once")
        for p in self.parameters:
            p.data = p.data  # which an inner node or a constant refuses, now and not in a step
        self.lr = lr
        self.steps = 0
        if formula is not None:
            self.formula = formula
        if not callable(getattr(self, "formula", None)):
            raise TypeError("an optimizer needs its rule: give formula=, or take SGD, Adam, ...")
        self._first, defaults, self._asked = _arguments(self.formula, settings)
        self.settings: dict[str, Setting] = {**defaults, **settings}
        self._kept = {name: [x] * len(self.parameters) for name, x in self._first.items()}

    @property
    def lr(self) -> Any:
        """The rate: a number, or a function of the number of steps made."""
        return self._lr

    @lr.setter
    def lr(self, lr: Rate) -> None:
        self._lr: Rate = lr if callable(lr) else within("lr", lr)

    def _set(self, name: str, x: Setting) -> None:
        """Changes a setting, as if it had been given at first: it is checked, and may ask for more.

        Numbers that are kept for the parameters stay.
        """
        settings = {**self.settings, name: x}
        if settings.keys() <= signature(type(self)).parameters.keys():
            make: Callable[..., Optimizer] = type(self)
            fresh = make(self.parameters, self._lr, **settings)  # which checks it
            self.__dict__["formula"] = fresh.formula
            self._first, self._asked = fresh._first, fresh._asked
            self._kept = {k: self._kept.get(k, xs) for k, xs in fresh._kept.items()}
        self.settings.update(settings)

    @alone("every grad becomes 0.0", without_effect="set_to_none")
    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0."""
        for p in self.parameters:
            p.grad = 0.0

    @alone("call loss.backward() before it, and no closure does")
    def step(self) -> None:
        """Changes every parameter once. Grads stay as they are: zero them before the next."""
        formula, how = cast(_Eager, self.formula), self._how(self.rate_now(), self.steps + 1)
        kept = list(self._kept.values())
        new = list[tuple[float, ...]]()
        for i, p in enumerate(self.parameters):
            new.append(_several(formula(p.data, p.grad, *(xs[i] for xs in kept), **how), kept))
        for i, (p, (x, *after)) in enumerate(zip(self.parameters, new)):
            p.data = x
            for xs, y in zip(kept, after):
                xs[i] = y
        self.steps += 1

    def _how(self, lr: object, t: object) -> dict[str, object]:
        """The keyword arguments of the formula, as far as it asks for them."""
        every: dict[str, object] = {**self.settings, "lr": lr, "t": t}
        return {name: x for name, x in every.items() if self._asked is None or name in self._asked}

    def rate_now(self) -> float:
        """This returns the rate of the next step."""
        return self.rate_at(self.steps)

    def rate_at(self, step: int) -> float:
        """This returns the rate of that step, counted from 0."""
        if not callable(self._lr):
            return self._lr
        return within(f"the rate at step {step}", self._lr(step))

    def kept(self) -> list[list[float]]:
        """This returns what is kept between steps: lists with a number for each parameter."""
        return list(self._kept.values())

    def recorded(self) -> tuple[list[Value], list[Value]] | None:
        """This returns a step of one parameter as a graph, made by the same formula.

        Its leaves are labelled `p`, `g`, what is kept, `lr` and `steps`; its results are the new
        parameter and what is kept then. The settings are constants in it. None for a formula that
        asks for numbers, as with `if`, `float` or `math.sqrt`: floats it can compute with. None as
        well where a class has a step of its own, which is more than the formula.
        """
        if self.own_step():
            return None
        leaves = {name: Value(0.5, label=name) for name in ("p", "g", *self._kept, "lr", "steps")}
        p, g, *kept, lr, steps = leaves.values()
        comparisons, numbers = on_comparison.set(_asked), on_float.set(_asked)
        try:
            given = self.formula(p, g, *kept, **self._how(lr, steps + 1))
        except _Asked:
            return None
        finally:
            on_comparison.reset(comparisons)
            on_float.reset(numbers)
        results = [x if isinstance(x, Value) else Value(x) for x in _several(given, kept)]
        return list(leaves.values()), results

    def own_step(self) -> bool:
        """This returns whether the class makes a step, or finds its rate, in a way of its own."""
        kind = type(self)
        return any(
            getattr(kind, name) is not getattr(Optimizer, name)
            for name in ("step", "rate_now", "rate_at")
        )

    def rule(self) -> tuple[object, str]:
        """This returns what is equal for two optimizers whose recorded steps are the same."""
        others = {
            "parameters",
            "formula",
            "steps",
            "_lr",
            "initial_lr",
            "_kept",
            "_first",
            "_asked",
        }
        mine: dict[str, object] = vars(self)
        own = {name: x for name, x in mine.items() if name not in others}
        return getattr(self.formula, "__func__", self.formula), repr(own)

    def state_dict(self) -> dict[str, object]:
        """This returns all that `load_state_dict` needs to go on, fit for JSON; no parameters.

        A rate that is a function cannot be written down and is None there. What has diverged
        is "nan", "inf" or "-inf": a state to look at, which `load_state_dict` refuses.
        """
        settings: dict[str, object] = {"lr": None if callable(self._lr) else self._lr}
        for name, x in self.settings.items():
            settings[name] = list(x) if isinstance(x, tuple) else x
        kept = {name: [x if isfinite(x) else str(x) for x in xs] for name, xs in self._kept.items()}
        kind = type(self).__name__
        return {"kind": kind, "settings": settings, "steps": self.steps, "kept": kept}

    def load_state_dict(self, state: object) -> None:
        """Goes on from a `state_dict()` of an optimizer like this one, at the rate that it had.

        StateError, and nothing is changed, where anything is not as `state_dict()` makes it; a rate
        that is a function goes on with a function.
        """
        mine = self.state_dict()
        if not isinstance(state, dict) or set(state) != set(mine):
            raise StateError(f"an optimizer's state holds {', '.join(mine)} and nothing else")
        given = cast(dict[str, object], state)
        if given["kind"] != mine["kind"]:
            raise StateError(f"the kind of the state must be {mine['kind']}")
        rate = self._lr
        settings, steps, kept = given["settings"], given["steps"], given["kept"]
        if isinstance(settings, dict) and not callable(rate):
            lr = cast(dict[str, object], settings).get("lr")  # a scheduler may have changed it
            if isinstance(lr, float | int) and not isinstance(lr, bool) and 0 <= lr < inf:
                settings, rate = {**settings, "lr": rate}, lr
        if settings != mine["settings"]:
            raise StateError(f"the settings of the state must be {mine['settings']}")
        if type(steps) is not int or not 0 <= steps < 2**53:
            raise StateError("the steps of a state must be a whole number, 0 or more")
        if not isinstance(kept, dict) or set(kept) != set(self._kept):
            raise StateError(f"what a {mine['kind']} keeps is {', '.join(self._kept) or 'nothing'}")
        for name, xs in cast(dict[str, object], kept).items():
            if not isinstance(xs, list) or len(xs) != len(self.parameters):
                raise StateError(f"{name} must hold one number for each of the parameters")
            if not all(type(x) is float and isfinite(x) for x in cast(list[object], xs)):
                raise StateError(f"{name} must hold finite floats")
            if name.startswith("square") and min(cast(list[float], xs)) < 0:  # its root is taken
                raise StateError("a square must be 0 or more")
        self.steps, self._lr = steps, rate
        for name, numbers in cast(dict[str, list[float]], kept).items():
            self._kept[name][:] = numbers

    def __repr__(self) -> str:
        settings = {"lr": self._lr, **self.settings}
        told = ", ".join(f"{name}={x!r}" for name, x in settings.items())
        return f"<{type(self).__name__} of {len(self.parameters)} parameters: {told}>"

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, x: Any) -> None:
            """Sets an attribute; one that is a setting, for the steps to come."""
            settings = self.__dict__.get("settings", {})
            if name in settings:
                self._set(name, x)
            elif name in _ELSEWHERE and not hasattr(type(self), name):
                kind = type(self).__name__
                raise AttributeError(f"{kind} has no {name}; here it is: {_ELSEWHERE[name]}")
            else:
                super().__setattr__(name, x)

        def __getattr__(self, name: str) -> Any:
            """A setting by its name; else says what is called otherwise here."""
            settings = self.__dict__.get("settings", {})
            if name in settings:
                return settings[name]
            kind = type(self).__name__
            if name in _ELSEWHERE:
                raise AttributeError(f"{kind} has no {name}; here it is: {_ELSEWHERE[name]}")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")


class SGD(Optimizer):
    """Downhill, with momentum if wanted: PyTorch's form, where the rate multiplies the momentum.

    v = momentum * v + (1 - dampening) * g, and p falls by lr * v; with nesterov, by
    lr * (g + momentum * v). The first v is g itself. weight_decay adds weight_decay * p to g.
    Without momentum it is gradient descent (Cauchy, 1847; equation 8 of Rumelhart, Hinton and
    Williams, 1986). ValueError for nesterov without momentum or with dampening.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        within("momentum", momentum)
        within("dampening", dampening)
        within("weight_decay", weight_decay)
        if nesterov and (not momentum or dampening):
            raise ValueError("nesterov needs a momentum above 0, and no dampening")
        mine = type(self).formula is not SGD.formula
        super().__init__(
            parameters,
            lr,
            formula=None if momentum or mine else _descend,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
        )

    @staticmethod
    def formula(
        p: Value, g: Value, v: Value, *, lr: Value, t: Value, momentum: float,
        dampening: float, weight_decay: float, nesterov: bool,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The rule."""
        g = _pulled(g, p, weight_decay)
        fresh = g * (1 - dampening * less(1, t)) if dampening else g  # none at the first step
        v = momentum * v + fresh
        return p - lr * (g + momentum * v if nesterov else v), v


def _descend(p: Value, g: Value, *, lr: Value, weight_decay: float) -> Value:
    """SGD without momentum, which keeps nothing."""
    return p - lr * _pulled(g, p, weight_decay)


def _pulled(g: Value, p: Value, weight_decay: float) -> Value:
    """The gradient of the loss and of weight_decay/2 * p**2 together."""
    return g + weight_decay * p if weight_decay else g


class Momentum(Optimizer):
    """Part of the last change is made again (Polyak, 1964), exactly as in equation 9 of 1986.

    delta_w(t) = -lr * dE/dw(t) + alpha * delta_w(t-1)  (Rumelhart, Hinton and Williams,
    "Learning representations by back-propagating errors", Nature 323; t counts epochs there).
    The rate is inside of what is kept. PyTorch's SGD keeps v = alpha * v + dE/dw and changes w
    by -lr * v: the same while the rate is constant; where it falls, SGD brakes at once.
    decay: the part of itself, times the rate, that every weight loses at each step.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.001,
        alpha: float = 0.9,
        decay: float = 0.0,
    ) -> None:
        within("alpha", alpha, below=1.0)
        within("decay", decay)
        super().__init__(parameters, lr, alpha=alpha, decay=decay)

    @staticmethod
    def formula(
        p: Value, g: Value, last: Value, *, lr: Value, alpha: float, decay: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The rule."""
        last = -lr * g + alpha * last
        return (p - lr * (decay * p) if decay else p) + last, last


class RMSprop(Optimizer):
    """Steps measured in typical slopes (Tieleman and Hinton, Coursera lecture 6.5, 2012).

    alpha: how slowly the mean of the squared gradients forgets. eps: outside of the root.
    centered: the mean of the gradients is taken out of their squares. weight_decay as of SGD.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        within("alpha", alpha, below=1.0)
        positive("eps", eps)
        within("weight_decay", weight_decay)
        within("momentum", momentum)
        mine = type(self).formula is not RMSprop.formula
        super().__init__(
            parameters,
            lr,
            formula=None if momentum or centered or mine else _scale,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    @staticmethod
    def formula(
        p: Value, g: Value, square: Value, buffer: Value, mean: Value, *,
        lr: Value, alpha: float, eps: float, weight_decay: float, momentum: float, centered: bool,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The rule."""
        g = _pulled(g, p, weight_decay)
        square = alpha * square + (1 - alpha) * g * g
        mean = alpha * mean + (1 - alpha) * g if centered else mean
        typical = sqrt(square - mean * mean if centered else square) + eps
        buffer = momentum * buffer + g / typical
        return p - lr * buffer, square, buffer, mean


def _scale(
    p: Value, g: Value, square: Value, *, lr: Value, alpha: float, eps: float,
    weight_decay: float,
) -> tuple[Value, ...]:  # fmt: skip
    """RMSprop without momentum and centring."""
    g = _pulled(g, p, weight_decay)
    square = alpha * square + (1 - alpha) * g * g
    return p - lr * g / (sqrt(square) + eps), square


class Adagrad(Optimizer):
    """Each parameter has its own rate, which falls with its gradients (Duchi and others, 2011)."""

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.01,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        within("lr_decay", lr_decay)
        within("weight_decay", weight_decay)
        positive("eps", eps)
        super().__init__(parameters, lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)

    @staticmethod
    def formula(
        p: Value, g: Value, square: Value, *, lr: Value, t: Value, lr_decay: float,
        weight_decay: float, eps: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The rule."""
        g = _pulled(g, p, weight_decay)
        square = square + g * g
        lr = lr / (1 + (t - 1) * lr_decay) if lr_decay else lr
        return p - lr * g / (sqrt(square) + eps), square


class Adam(Optimizer):
    """Momentum and RMSprop in one (Kingma and Ba, "Adam", 2015, algorithm 1).

    Both means start at 0 and so are too small at first, by 1 - beta**t: that is divided out.
    weight_decay as of SGD.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        beta1, beta2 = betas
        both = within("beta1", beta1, below=1.0), within("beta2", beta2, below=1.0)
        positive("eps", eps)
        within("weight_decay", weight_decay)
        super().__init__(parameters, lr, betas=both, eps=eps, weight_decay=weight_decay)

    @staticmethod
    def formula(
        p: Value, g: Value, mean: Value, square: Value, *, lr: Value, t: Value,
        betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The rule."""
        beta1, beta2 = betas
        g = _pulled(g, p, weight_decay)
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        corrected = mean * (1 / (1 - beta1**t))  # a factor that is the same for all parameters
        typical = sqrt(square * (1 / (1 - beta2**t))) + eps
        return p - lr * corrected / typical, mean, square


class AdamW(Adam):
    """Adam with decoupled decay (Loshchilov and Hutter, 2019, algorithm 2).

    Every parameter loses the part lr * weight_decay of itself, as in PyTorch; the paper's does not
    depend on Adam's own rate, only on the schedule's factor.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    @staticmethod
    def formula(
        p: Value, g: Value, mean: Value, square: Value, *, lr: Value, t: Value,
        betas: tuple[float, float], eps: float, weight_decay: float,
    ) -> tuple[Value, ...]:  # fmt: skip
        """The rule."""
        kept = p - lr * (weight_decay * p) if weight_decay else p
        return Adam.formula(
            kept, g, mean, square, lr=lr, t=t, betas=betas, eps=eps, weight_decay=0.0
        )


def clip_grad_norm_(
    parameters: Value | Iterable[Value] | Model,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """This returns the norm of all gradients together, and scales them so that it is max_norm.

    As in PyTorch: the factor is max_norm / (norm + 1e-6), at most 1, so that a norm equal to
    max_norm is scaled by 1 - 1e-6, too. The norm returned is the one before. ValueError for a
    negative max_norm, ArithmeticError for a norm that is not finite, where that is asked for.
    """
    ps = _all_of(parameters)
    within("max_norm", max_norm)
    norm_type = float(norm_type)  # also of "inf", as PyTorch has it
    sizes = [abs(p.grad) for p in ps]
    if norm_type == inf:
        norm = max(sizes, default=0.0)
    else:
        norm = pow(sum(pow(x, norm_type) for x in sizes), 1 / positive("norm_type", norm_type))
    if error_if_nonfinite and not isfinite(norm):
        raise ArithmeticError(f"the norm of the gradients is {norm}: look at check_finite(loss)")
    factor = max_norm / (norm + 1e-6)
    for p in ps:
        p.grad = p.grad * (factor if not factor >= 1 else 1.0)
    return norm


def _all_of(parameters: Value | Iterable[Value] | Model) -> list[Value]:
    """One, several, or those of a model."""
    if isinstance(parameters, Value):
        return [parameters]
    return list(parameters.parameters() if isinstance(parameters, Model) else parameters)


def clip_grad_value_(parameters: Value | Iterable[Value] | Model, clip_value: float) -> None:
    """Brings every gradient into the range from -clip_value to clip_value."""
    within("clip_value", clip_value)
    for p in _all_of(parameters):
        p.grad = min(max(p.grad, -clip_value), clip_value)


class _Asked(Exception):  # noqa: N818  # a signal
    """A formula has asked for a number while it was recorded."""


def _asked(*frame: Any) -> NoReturn:
    raise _Asked


def _several(given: T | tuple[T, ...], kept: Sequence[object]) -> tuple[T, ...]:
    """The new parameter, and what is kept then."""
    results = cast(tuple[T, ...], given if isinstance(given, tuple) else (given,))
    if len(results) != 1 + len(kept):
        raise ValueError(
            f"a formula returns the parameter and the {len(kept)} numbers that are kept for it, "
            f"{1 + len(kept)} in all, not {len(results)}"
        )
    return results


def _arguments(
    formula: Formula, settings: dict[str, Setting]
) -> tuple[dict[str, float], dict[str, Setting], set[str] | None]:
    """What a formula keeps, with its first numbers; its own settings; the names that it asks for.

    These are None where it asks for all, by `**settings`.
    """
    arguments = list(signature(formula).parameters.values())
    places = [a for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]
    if len(places) < 2:
        raise TypeError("a formula is given a parameter and its gradient: formula(p, g, *, lr)")
    first = {a.name: 0.0 if a.default is Argument.empty else float(a.default) for a in places[2:]}
    named = [a for a in arguments if a.kind is a.KEYWORD_ONLY]
    takes_all = any(a.kind is a.VAR_KEYWORD for a in arguments)
    asked = None if takes_all else {a.name for a in named}
    every = {"lr", "t", *settings}
    missing = [a.name for a in named if a.default is a.empty and a.name not in every]
    if missing:
        raise TypeError(f"the formula needs {', '.join(missing)}: give {missing[0]}=")
    defaults = {a.name: a.default for a in named if a.default is not a.empty}
    return first, {name: x for name, x in defaults.items() if name not in ("lr", "t")}, asked


_NAMES = {  # of other libraries
    "GradientDescent": "SGD",
    "sgd": "SGD",
    "RMSProp": "RMSprop",
    "Nesterov": "SGD(parameters, lr, momentum=0.9, nesterov=True)",
    "adam": "Adam",
    "adamw": "AdamW",
    "Adadelta": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "NAdam": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "RAdam": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "LBFGS": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "Adamax": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "Rprop": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "Lion": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "apply_updates": "step() changes the parameters",
    "lr_scheduler": "tinygrad_edu.lr_scheduler",
    "StepLR": "tinygrad_edu.lr_scheduler.StepLR",
    "CosineAnnealingLR": "tinygrad_edu.lr_scheduler.CosineAnnealingLR",
    "clip_grad_norm": "clip_grad_norm_",
    "clip_by_global_norm": "clip_grad_norm_",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _NAMES, __name__)
