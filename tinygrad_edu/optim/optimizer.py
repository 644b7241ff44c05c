"""The base class of every optimizer: it applies one formula to each parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import Parameter as Argument
from inspect import signature
from math import inf, isfinite
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
from tinygrad_edu.habits.hints import alone
from tinygrad_edu.habits.keywords import Strict
from tinygrad_edu.habits.leaving import on_float
from tinygrad_edu.optim.schedules import Rate, within

__all__ = ["Formula", "Model", "Optimizer", "Parameters"]

Parameters = Iterable[Value]
Formula: TypeAlias = Callable[..., "Value | tuple[Value, ...]"]
Setting = float | bool | tuple[float, ...]
T = TypeVar("T")
_Eager = Callable[..., "float | tuple[float, ...]"]

_MANY = 32  # parameters; with fewer, a loop is as fast
_METHODS = "tinygrad_edu.optim.methods"  # where the formulas of this package are

_ELSEWHERE = {  # names from optimizers of other libraries
    "param_groups": "optimizer.lr = 0.01, one rate for all; two optimizers have two rates",
    "state": "state_dict()",
    "add_param_group": "a second optimizer for other parameters",
    "minimize": "loss.backward(), then step()",
    "learning_rate": "lr",
    "rate": "lr",
    "init": "nothing to do: an optimizer keeps its own state; step() changes the parameters",
    "update": "step() changes the parameters; the attribute formula computes the change",
}


class Row(Protocol):
    """An array of floats."""

    def tolist(self) -> list[float]:
        """This returns its numbers as floats."""


@runtime_checkable
class Model(Protocol):
    """An object with parameters, such as a Module."""

    def parameters(self) -> Iterable[Value]:
        """This returns the parameters."""


class Optimizer(Strict):
    """Changes `parameters` (leaves, each listed once) by their grads when `step()` is called.

    lr: the size of a step: a number, or a function of the number of steps made, such as
    `cosine(...)`. formula: see the package `optim`; a class of your own defines it as a method.
    settings: the keyword arguments of the formula other than lr and t. Attributes: `lr`, which can
    be set, `steps`, the number of steps made, and the settings. ValueError for a setting out of
    range, TypeError for a setting that the formula lacks, InnerNodeError for a parameter that is
    not a leaf.
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
            raise TypeError("an optimizer takes a list of parameters: [x], or model.parameters()")
        if isinstance(parameters, Model):
            raise TypeError("an optimizer takes the parameters of a model: model.parameters()")
        self.parameters = list(parameters)
        for p in self.parameters:
            if not isinstance(p, Value):
                raise TypeError(
                    f"parameters must be Values, not {p!r:.60}: write "
                    "model.parameters(), or [*w, b] for a list w; two optimizers have two rates"
                )
        if not self.parameters or len(set(self.parameters)) < len(self.parameters):
            raise ValueError("an optimizer takes one parameter or more, each once")
        for p in self.parameters:
            p.data = p.data  # raises now, not at the first step, for an inner node or a constant
        self.lr = lr
        self.steps = 0
        if formula is not None:
            self.formula = formula
        if not callable(getattr(self, "formula", None)):
            raise TypeError("an optimizer needs a formula: give formula=, or use SGD, Adam, ...")
        self._first, defaults, self._asked = _arguments(self.formula, settings)
        self.settings: dict[str, Setting] = {**defaults, **settings}
        self._lists = {name: list[float]() for name in self._first}
        # newer than the lists, if they are there: a float is the number of all parameters
        self._rows: Sequence[float | list[float] | Row] | None = list(self._first.values())
        self._shown = False  # whether somebody else has the lists
        self._plain: list[Value] = []  # the parameters, once their classes have been looked at

    @property
    def _kept(self) -> dict[str, list[float]]:
        """The state, by name: lists with one number for each parameter."""
        rows, self._rows = self._rows, None
        for xs, row in zip(self._lists.values(), rows or ()):
            if isinstance(row, float):
                xs[:] = [row] * len(self.parameters)
            else:
                xs[:] = row if isinstance(row, list) else row.tolist()
        return self._lists

    @property
    def lr(self) -> Any:
        """The rate: a number, or a function of the number of steps made."""
        return self._lr

    @lr.setter
    def lr(self, lr: Rate) -> None:
        self._lr: Rate = lr if callable(lr) else within("lr", lr)

    def _set(self, name: str, x: Setting) -> None:
        """Changes a setting as if it had been an argument: it is checked, and can need more state.

        The existing state of the parameters stays.
        """
        settings = {**self.settings, name: x}
        if settings.keys() <= signature(type(self)).parameters.keys():
            make: Callable[..., Optimizer] = type(self)
            fresh = make(self.parameters, self._lr, **settings)  # checks the settings
            self.__dict__["formula"] = fresh.formula
            self._first, self._asked = fresh._first, fresh._asked
            own = self._kept
            self._lists = {k: own.get(k, xs) for k, xs in fresh._kept.items()}
        self.settings.update(settings)

    @alone("every grad becomes 0.0", without_effect="set_to_none")
    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0."""
        for p in self.parameters:
            p.grad = 0.0

    @alone("call loss.backward() before it; it takes no closure")
    def step(self) -> None:
        """Changes every parameter once. The grads stay: zero them before the next `backward`."""
        if len(self.parameters) >= _MANY and self._step_at_once():
            return
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

    def _step_at_once(self) -> bool:
        """Makes a step of many parameters by the compiled formula, and returns whether it could.

        Only the formulas of this package are compiled: one of a user may draw random numbers, or
        print.
        """
        parameters = self.parameters
        if getattr(self.formula, "__module__", "") != _METHODS or not self._are_plain():
            return False
        from tinygrad_edu.optim.at_once import finite_results  # late: it needs the compiler

        settings = {"lr": self.rate_now(), "steps": float(self.steps)}
        given: list[Any] = [[p._data for p in parameters], [p._grad for p in parameters]]
        given += self.kept_rows()
        rows: Any = finite_results(self.rule(), self._record, given, settings)
        if rows is None:
            return False
        numbers, *kept = rows
        for p, x in zip(parameters, getattr(numbers, "data", numbers)):  # an array's, as floats
            p._data = x
        self.keep(kept)
        self.steps += 1
        return True

    def _are_plain(self) -> bool:
        """Returns whether all parameters are of the class `Value` itself."""
        if self.parameters != self._plain and {*map(type, self.parameters)} == {Value}:
            self._plain = list(self.parameters)  # to look at their classes only once
        return self.parameters == self._plain

    def _how(self, lr: object, t: object) -> dict[str, object]:
        """Returns the keyword arguments of the formula, without those that it does not take."""
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
        """This returns the state: lists with one number for each parameter."""
        self._shown = True
        return list(self._kept.values())

    def kept_rows(self) -> Sequence[float | list[float] | Row]:
        """This returns the same numbers as `kept`, to read only.

        Each list may still be an array, or one float, which is the number of all parameters.
        """
        return list(self._lists.values()) if self._rows is None else self._rows

    def keep(self, rows: Sequence[list[float] | Row]) -> None:
        """Sets the state to these rows: one for each list of `kept`, in this order.

        Arrays become lists when somebody asks for them, because that takes as long as some
        steps. But if `kept` has returned the lists before, they get the numbers at once.
        """
        self._rows = rows
        if self._shown:
            self._kept  # noqa: B018  # writes the lists

    def recorded(self) -> tuple[list[Value], list[Value]] | None:
        """This returns the step of one parameter as a graph of the formula: (leaves, results).

        The leaves have the labels `p`, `g`, the names of the state, `lr` and `steps`; the results
        are the new parameter and the new state. Settings are constants. The result is None if the
        formula reads numbers, by `if`, `float` or `math.sqrt`, and so works only with floats; also
        if the class has a step of its own, which may do more than the formula.
        """
        return None if self.own_step() else self._record()

    def _record(self) -> tuple[list[Value], list[Value]] | None:
        """Returns the formula as a graph; see `recorded`."""
        leaves = {name: Value(0.5, label=name) for name in ("p", "g", *self._lists, "lr", "steps")}
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
        """This returns whether the class overrides `step` or the rate."""
        kind = type(self)
        return any(
            getattr(kind, name) is not getattr(Optimizer, name)
            for name in ("step", "rate_now", "rate_at")
        )

    def rule(self) -> tuple[object, str]:
        """This returns a key: optimizers with equal keys have the same recorded step."""
        others = {
            "parameters",
            "formula",
            "steps",
            "_lr",
            "initial_lr",
            "_lists",
            "_rows",
            "_shown",
            "_plain",
            "_first",
            "_asked",
        }
        mine: dict[str, object] = vars(self)
        own = {name: x for name, x in mine.items() if name not in others}
        return getattr(self.formula, "__func__", self.formula), repr(own)

    def state_dict(self) -> dict[str, object]:
        """This returns the state for `load_state_dict` in types that JSON has; without parameters.

        A rate that is a function is None there. A number that has diverged is "nan", "inf" or
        "-inf": you can read such a state, but `load_state_dict` refuses it.
        """
        settings: dict[str, object] = {"lr": None if callable(self._lr) else self._lr}
        for name, x in self.settings.items():
            settings[name] = list(x) if isinstance(x, tuple) else x
        kept = {name: [x if isfinite(x) else str(x) for x in xs] for name, xs in self._kept.items()}
        kind = type(self).__name__
        return {"kind": kind, "settings": settings, "steps": self.steps, "kept": kept}

    def load_state_dict(self, state: object) -> None:
        """Continues from a `state_dict()` of an optimizer like this one, with its rate.

        An optimizer whose rate is a function keeps its function. StateError for a state that
        `state_dict()` would not make; then nothing is changed.
        """
        mine = self.state_dict()
        if not isinstance(state, dict) or set(state) != set(mine):
            raise StateError(
                f"the state of an optimizer must have {', '.join(mine)} and nothing else"
            )
        given = cast(dict[str, object], state)
        if given["kind"] != mine["kind"]:
            raise StateError(f"the kind of the state must be {mine['kind']}")
        rate = self._lr
        settings, steps, kept = given["settings"], given["steps"], given["kept"]
        if isinstance(settings, dict) and not callable(rate):
            lr = cast(dict[str, object], settings).get("lr")  # which a scheduler may have changed
            if isinstance(lr, float | int) and not isinstance(lr, bool) and 0 <= lr < inf:
                settings, rate = {**settings, "lr": rate}, lr
        if settings != mine["settings"]:
            raise StateError(f"the settings of the state must be {mine['settings']}")
        if type(steps) is not int or not 0 <= steps < 2**53:
            raise StateError("the steps of a state must be a whole number, 0 or more")
        if not isinstance(kept, dict) or set(kept) != set(self._lists):
            raise StateError(
                f"the state of a {mine['kind']} must have {', '.join(self._lists) or 'no lists'}"
            )
        for name, xs in cast(dict[str, object], kept).items():
            if not isinstance(xs, list) or len(xs) != len(self.parameters):
                raise StateError(f"{name} must hold one number for each of the parameters")
            if not all(type(x) is float and isfinite(x) for x in cast(list[object], xs)):
                raise StateError(f"{name} must hold finite floats")
            if (
                name.startswith("square") and min(cast(list[float], xs)) < 0
            ):  # the formula takes its root
                raise StateError("a square must be 0 or more")
        self.steps, self._lr = steps, rate
        for name, numbers in cast(dict[str, list[float]], kept).items():
            self._kept[name][:] = numbers

    def __repr__(self) -> str:
        settings = {"lr": self._lr, **self.settings}
        shown = ", ".join(f"{name}={x!r}" for name, x in settings.items())
        return f"<{type(self).__name__} of {len(self.parameters)} parameters: {shown}>"

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, x: Any) -> None:
            """Sets an attribute; a setting takes effect from the next step on."""
            settings = self.__dict__.get("settings", {})
            if name in settings:
                self._set(name, x)
            elif name in _ELSEWHERE and not hasattr(type(self), name):
                kind = type(self).__name__
                raise AttributeError(f"{kind} has no {name}; here it is: {_ELSEWHERE[name]}")
            else:
                super().__setattr__(name, x)

        def __getattr__(self, name: str) -> Any:
            """Returns a setting by its name, or raises AttributeError with a hint."""
            settings = self.__dict__.get("settings", {})
            if name in settings:
                return settings[name]
            kind = type(self).__name__
            if name in _ELSEWHERE:
                raise AttributeError(f"{kind} has no {name}; here it is: {_ELSEWHERE[name]}")
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")


class _Asked(Exception):  # noqa: N818  # a signal
    """A formula has read a number while it was recorded."""


def _asked(*frame: Any) -> NoReturn:
    raise _Asked


def _several(given: T | tuple[T, ...], kept: Sequence[object]) -> tuple[T, ...]:
    """Returns the results of a formula as a tuple: the new parameter and the new state."""
    results = cast(tuple[T, ...], given if isinstance(given, tuple) else (given,))
    if len(results) != 1 + len(kept):
        raise ValueError(
            f"the formula must return the new parameter and {len(kept)} numbers of state, "
            f"{1 + len(kept)} in all, not {len(results)}"
        )
    return results


def _arguments(
    formula: Formula, settings: dict[str, Setting]
) -> tuple[dict[str, float], dict[str, Setting], set[str] | None]:
    """Returns the first state of a formula, its default settings, and its keyword names.

    The names are None if the formula takes all by `**settings`.
    """
    arguments = list(signature(formula).parameters.values())
    places = [a for a in arguments if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]
    if len(places) < 2:
        raise TypeError("a formula takes a parameter and its gradient: formula(p, g, *, lr)")
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
