"""Optimizers, step for step as PyTorch's, and how little it takes to make one wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, optim, sign
from tinygrad_edu.errors import InnerNodeError, StateError
from tinygrad_edu.optim import lr_scheduler
from tinygrad_edu.optim.at_once import compiled

pytestmark = pytest.mark.quick

REFERENCE = json.loads((Path(__file__).parent / "references" / "optim.json").read_text())
CASES = REFERENCE["cases"]
EVERY_CASE = pytest.mark.parametrize("name", CASES)
EXPORTED = [getattr(optim, name) for name in optim.__all__]
KINDS = [x for x in EXPORTED if type(x) is type and x is not optim.Optimizer]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def start() -> list[Value]:
    return [Value(x) for x in REFERENCE["start"]]


def error(x: Value, y: Value, z: Value) -> Value:
    """A bent valley, badly scaled, and a quartic: written like REFERENCE["problem"]."""
    return (1 - x) ** 2 + 10 * (y - x * x) ** 2 + (z - x * y) ** 2 / 2 + z**4 / 10 + 3 * z


def epoch(optimizer: Any) -> None:
    """Forward, backward, update."""
    for p in optimizer.parameters:
        p.grad = 0.0
    error(*optimizer.parameters).backward()
    optimizer.step()


def numbers(optimizer: Any) -> list[float]:
    return [p.data for p in optimizer.parameters]


def rate(made: Any, module: Any = optim) -> Any:
    """["cosine", 0.05, 80] of the stored examples is optim.cosine(0.05, 80)."""
    if not isinstance(made, list):
        return made
    schedule, *settings = made
    return getattr(module, schedule)(*(rate(x, module) for x in settings))


def optimizer(name: str, module: Any = optim) -> Any:
    """The optimizer of a stored example, at its start."""
    settings = dict(CASES[name]["settings"])
    if "lr" in settings:
        settings["lr"] = rate(settings["lr"], module)
    return getattr(module, CASES[name]["kind"])(start(), **settings)


def follows(name: str, module: Any = optim) -> bool:
    """Whether all the steps of a stored example are made, each to 1e-12 of each number."""
    ours = optimizer(name, module)
    for point in CASES[name]["points"]:
        epoch(ours)
        if numbers(ours) != pytest.approx(point, rel=1e-12, abs=1e-13):
            return False
    return True


def test_every_optimizer_is_held_against_numbers_of_another_program_or_a_paper() -> None:
    """PyTorch's are stored; `Momentum` has equation 9 of 1986, below."""
    known = {case["kind"] for case in CASES.values()}
    missing = {kind.__name__ for kind in KINDS} - known
    assert not missing, f"store steps of {missing} (make_optim.py), or compute some by hand"


@EVERY_CASE
def test_a_hundred_steps_are_the_ones_that_pytorch_makes(name: str) -> None:
    assert len(CASES[name]["points"]) == 100
    assert follows(name)


MISTAKES = {
    "no bias correction of the mean": ("adam", "mean * (1 / (1 - beta1**t))", "mean"),
    "no bias correction of the square": ("adam", "square * (1 / (1 - beta2**t))", "square"),
    "eps inside the root, Adam": (
        "adam",
        "sqrt(square * (1 / (1 - beta2**t))) + eps",
        "sqrt(square * (1 / (1 - beta2**t)) + eps)",
    ),
    "eps inside the root, RMSprop": (
        "rmsprop",
        "p - lr * g / (sqrt(square) + eps), square\n\n\nclass Adagrad",
        "p - lr * g / sqrt(square + eps), square\n\n\nclass Adagrad",
    ),
    "coupled decay instead of decoupled": (
        "adamw",
        "betas=betas, eps=eps, weight_decay=0.0",
        "betas=betas, eps=eps, weight_decay=0.01",
    ),
    "Adam counts from 2": (
        "adam",
        "self.steps + 1)\n        kept",
        "self.steps + 2)\n        kept",
    ),
    "the schedule counts from 1": ("adamw cosine", "self._lr(step))", "self._lr(step + 1))"),
    "betas swapped": ("adam", "beta1, beta2 = betas\n        g", "beta2, beta1 = betas\n        g"),
    "heavy ball instead of Nesterov": ("nesterov", "momentum * v if nesterov", "v if nesterov"),
    "the rate inside of the momentum": (
        "momentum exponential",
        "p - lr * (g + momentum * v if nesterov else v), v",
        "p - (lr * g + momentum * v) , lr * g + momentum * v",
    ),
    "momentum outside of the rate, 1986": (
        "1986 exponential",
        "-lr * g + alpha * last",
        "-lr * (g + alpha * last)",
    ),
    "momentum on both, 1986": ("1986", "-lr * g + alpha * last", "alpha * (-lr * g + last)"),
    "dampening from the first step on": ("momentum dampening", " * less(1, t)", ""),
    "decoupled decay after the step": (
        "1986 decay",
        "(p - lr * (decay * p) if decay else p) + last",
        "(p + last) * (1 - lr * decay)",
    ),
    "decay of the wrong sign": ("descent decay", "g + weight_decay * p", "g - weight_decay * p"),
    "uphill, gradient descent": ("descent", "p - lr * _pulled", "p + lr * _pulled"),
    "uphill, Adam": ("adam", "p - lr * corrected", "p + lr * corrected"),
    "the rate falls from the first step on": (
        "adagrad decay",
        "(t - 1) * lr_decay",
        "t * lr_decay",
    ),
}


def patched(old: str, new: str) -> ModuleType:
    """The base class and the optimizers as one module, with one piece of its text replaced."""
    folder = Path(optim.__file__).parent
    base, methods = ((folder / f"{name}.py").read_text() for name in ("optimizer", "methods"))
    text = base + re.sub("(?m)^from (__future__|tinygrad_edu.optim.optimizer) .*", "", methods)
    assert text.count(old) == 1
    module = ModuleType("patched")
    vars(module).update({name: getattr(optim, name) for name in optim.__all__})
    exec(compile(text.replace(old, new), "patched", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("mistake", MISTAKES)
def test_classic_mistakes_leave_the_stored_path(mistake: str) -> None:
    name, old, new = MISTAKES[mistake]
    assert follows(name, patched(old, old))
    assert not follows(name, patched(old, new))


def test_momentum_is_equation_9_also_while_the_rate_changes() -> None:
    """delta_w(t) = -rate dE/dw + alpha delta_w(t-1): the last change itself is what goes on."""
    w = Value(0.0)
    ours = optim.Momentum([w], lr=optim.exponential(1.0, 0.5), alpha=0.5)
    changes = []
    for w.grad in (8.0, 4.0, 0.0):
        before = w.data
        ours.step()
        changes.append(w.data - before)
    assert changes == [-8.0, -0.5 * 4 + 0.5 * -8, 0.5 * -6]


def test_nesterovs_parameters_are_the_points_ahead_of_his_iterates() -> None:
    """Sutskever's form: the slope is taken at x + momentum*v; and that is where our p is."""
    lr, momentum = 0.05, 0.8
    p = Value(3.0)
    ours = optim.SGD([p], lr, momentum, nesterov=True)
    x, v = 3.0, 0.0
    for _ in range(30):
        ours.zero_grad()
        (p**2).backward()
        ours.step()
        v = momentum * v - lr * 2 * (x + momentum * v)
        x += v
        assert p.data == pytest.approx(x + momentum * v, rel=1e-12)


@pytest.mark.parametrize(("kind", "settings", "rates"), REFERENCE["schedules"])
def test_schedules_by_pytorchs_names_give_pytorchs_rates(
    kind: str, settings: Any, rates: list[float]
) -> None:
    optimizer = optim.SGD([Value(1.0)], lr=0.8)
    schedule = getattr(lr_scheduler, kind)(optimizer, **settings)
    found = []
    for _ in rates:
        assert schedule.get_last_lr() == [optimizer.lr]
        found.append(optimizer.lr)
        optimizer.step()
        schedule.step()
    assert found == pytest.approx(rates, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("kind", "settings", "rates"), REFERENCE["schedules"])
def test_a_schedule_goes_on_from_its_state(kind: str, settings: Any, rates: list[float]) -> None:
    first, second = (
        getattr(lr_scheduler, kind)(optim.SGD([Value(1.0)], lr=0.8), **settings) for _ in range(2)
    )
    for _ in range(3):
        first.step()
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.optimizer.lr == first.optimizer.lr == pytest.approx(rates[3])
    first.step()
    second.step()
    assert second.optimizer.lr == first.optimizer.lr
    for damaged in ({}, {"kind": kind, "steps": -1}, {"kind": "Other", "steps": 1}, None):
        with pytest.raises(StateError):
            second.load_state_dict(damaged)
    assert second.steps == 4


def test_a_schedule_is_of_an_optimizer() -> None:
    with pytest.raises(TypeError, match="takes an optimizer"):
        lr_scheduler.StepLR(Value(1.0), 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(("grads", "most", "norm_type", "norm", "after"), REFERENCE["clipped"])
def test_clipping_is_pytorchs(
    grads: list[float], most: float, norm_type: float, norm: float, after: list[float]
) -> None:
    ps = [Value(0.0) for _ in grads]
    for p, g in zip(ps, grads):
        p.grad = g
    assert optim.clip_grad_norm_(ps, most, norm_type) == pytest.approx(norm, rel=1e-14)
    assert [p.grad for p in ps] == pytest.approx(after, rel=1e-14)


@pytest.mark.parametrize(("grads", "most", "norm", "after"), REFERENCE["clipped by the largest"])
def test_clipping_by_the_largest_gradient_is_pytorchs(
    grads: list[float], most: float, norm: float, after: list[float]
) -> None:
    ps = [Value(0.0) for _ in grads]
    for p, g in zip(ps, grads):
        p.grad = g
    assert optim.clip_grad_norm_(ps, most, inf) == norm
    assert [p.grad for p in ps] == pytest.approx(after, rel=1e-14)


def test_clipping_says_what_is_wrong() -> None:
    p = Value(1.0)
    p.grad = inf
    with pytest.raises(ArithmeticError, match="norm of the gradients is inf"):
        optim.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    with pytest.raises(ValueError, match="max_norm must be"):
        optim.clip_grad_norm_([p], -1.0)
    optim.clip_grad_value_(p, 0.5)
    assert p.grad == 0.5


class Lion(optim.Optimizer):
    """Chen and others, 2023: the sign of a mean of gradients."""

    def formula(self, p: Any, g: Any, m: Any, *, lr: Any) -> Any:
        return p - lr * sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g


def lion(p: Any, g: Any, m: Any = 0.0, *, lr: Any, beta: float = 0.99) -> Any:
    return p - lr * sign(0.9 * m + 0.1 * g), beta * m + (1 - beta) * g


def test_a_new_optimizer_is_one_function_or_one_method() -> None:
    paths = []
    for make in (lambda ps: Lion(ps, 0.01), lambda ps: optim.Optimizer(ps, 0.01, formula=lion)):
        ours = make(start())
        for _ in range(30):
            epoch(ours)
        paths.append(numbers(ours))
        assert ours.recorded() is not None
    assert paths[0] == pytest.approx(paths[1], rel=1e-12)


def test_a_formula_that_asks_for_numbers_makes_eager_steps_and_cannot_be_recorded() -> None:
    def halves(p: Any, g: Any, *, lr: Any) -> Any:
        return p - lr * (g if g > 0 else 0.5 * g)

    p = Value(1.0)
    ours = optim.Optimizer([p], 0.1, formula=halves)
    p.grad = -2.0
    ours.step()
    assert p.data == 1.1
    assert ours.recorded() is None


def test_settings_can_be_set_and_a_rate_below_zero_is_refused() -> None:
    ours = optim.SGD([Value(1.0)], 0.1, momentum=0.9)
    ours.momentum = 0.5
    assert (ours.settings["momentum"], ours.momentum) == (0.5, 0.5)
    ours.lr = 0.2
    assert ours.rate_now() == 0.2
    with pytest.raises(ValueError, match="lr must be a number, 0 or more and finite, not -3"):
        ours.lr = -3
    with pytest.raises(AttributeError, match=r"optimizer\.lr = 0\.01"):
        assert ours.param_groups
    assert repr(ours).startswith("<SGD of 1 parameters: lr=0.2, momentum=0.5")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda p: optim.SGD([p], nesterov=True), "nesterov needs a momentum"),
        (lambda p: optim.Optimizer([p]), "needs a formula"),
        (lambda p: optim.Optimizer([p], formula=lambda p: p), "a parameter and its gradient"),
        (lambda p: optim.SGD(p), "a list of parameters"),
        (lambda p: optim.SGD(["p"]), "parameters must be Values"),
        (lambda p: optim.Optimizer([p], formula=lambda p, g, m: p).step(), "2 in all, not 1"),
    ],
)
def test_what_is_no_optimizer_is_told(made: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        made(Value(1.0))


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        (optim.constant(0.1), {0: 0.1, 1: 0.1, 10**6: 0.1}),
        (optim.step_decay(8.0, 3, 0.5), {0: 8.0, 2: 8.0, 3: 4.0, 5: 4.0, 6: 2.0, 3000: 0.0}),
        (optim.step_decay(1.0, 10), {9: 1.0, 10: 0.1, 29: 0.01}),
        (optim.exponential(8.0, 0.5), {0: 8.0, 1: 4.0, 3: 1.0, 10**9: 0.0}),
        (optim.cosine(4.0, 6), {0: 4.0, 2: 3.0, 3: 2.0, 4: 1.0, 6: 0.0, 7: 0.0, 999: 0.0}),
        (optim.cosine(4.0, 6, 2.0), {0: 4.0, 2: 3.5, 3: 3.0, 4: 2.5, 6: 2.0, 7: 2.0}),
        (optim.warm_up(4, 5.0), {0: 1.0, 1: 2.0, 3: 4.0, 4: 5.0, 5: 5.0}),
        (
            optim.warm_up(1, optim.exponential(8.0, 0.5)),
            {0: 4.0, 1: 8.0, 2: 4.0, 3: 2.0},
        ),
        (optim.warm_up(0, optim.cosine(4.0, 6)), {0: 4.0, 3: 2.0}),
    ],
)
def test_schedules_at_points_computed_by_hand(
    schedule: optim.Schedule, points: dict[int, float]
) -> None:
    for step, expected in points.items():
        assert schedule(step) == pytest.approx(expected, rel=1e-15, abs=5e-16)


def test_any_function_of_the_step_number_is_a_rate() -> None:
    asked = []

    def rate(step: int) -> float:
        asked.append(step)
        return float(step)

    w = Value(0.0)
    ours = optim.SGD([w], rate)
    for w.grad in (1.0, 1.0, 1.0):
        ours.step()
    assert (asked, w.data, ours.steps) == ([0, 1, 2], -3.0, 3)


@EVERY_CASE
def test_saved_as_json_and_loaded_an_optimizer_goes_on_bit_for_bit(name: str) -> None:
    whole, first, second = optimizer(name), optimizer(name), optimizer(name)
    for _ in range(40):
        epoch(whole)
    for _ in range(17):
        epoch(first)
    for p, x in zip(second.parameters, json.loads(json.dumps(numbers(first)))):
        p.data = x
    second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
    assert second.steps == 17
    for _ in range(23):
        epoch(second)
    assert numbers(second) == numbers(whole)
    assert second.state_dict() == whole.state_dict()


def test_a_state_is_a_copy() -> None:
    ours = optimizer("adam")
    epoch(ours)
    state = ours.state_dict()
    text = json.dumps(state)
    epoch(ours)
    assert json.dumps(state) == text
    ours.load_state_dict(state)
    epoch(ours)
    assert json.dumps(state) == text


@EVERY_CASE
def test_the_state_of_an_optimizer_that_made_no_step_is_a_state(name: str) -> None:
    """Back to the beginning: nothing of what was learned is left but the parameters."""
    fresh, ours = optimizer(name).state_dict(), optimizer(name)
    epoch(ours)
    ours.load_state_dict(fresh)
    assert ours.state_dict() == fresh


def test_a_state_for_another_optimizer_is_told_what_would_fit() -> None:
    state = optimizer("adam").state_dict()
    with pytest.raises(StateError, match="the kind of the state must be SGD"):
        optimizer("momentum").load_state_dict(state)
    with pytest.raises(StateError, match=r"settings of the state must be .*'weight_decay': 0.3"):
        optimizer("adam decay").load_state_dict(state)
    state = {**optimizer("descent").state_dict(), "kept": {"last": []}}
    with pytest.raises(StateError, match="the state of a SGD must have no lists"):
        optimizer("descent").load_state_dict(state)


def test_a_schedule_is_not_saved_and_fits_no_fixed_rate() -> None:
    fixed, scheduled = optimizer("rmsprop"), optimizer("rmsprop cosine")
    assert scheduled.state_dict()["settings"]["lr"] is None
    for ours, other in ((fixed, scheduled), (scheduled, fixed)):
        with pytest.raises(StateError, match="settings of the state"):
            ours.load_state_dict(other.state_dict())


def test_what_a_scheduler_has_made_of_the_rate_goes_on() -> None:
    optimizer, again = (optim.SGD([Value(1.0)], lr=0.8) for _ in range(2))
    scheduler = lr_scheduler.StepLR(optimizer, 1)
    scheduler.step()
    again.load_state_dict(optimizer.state_dict())
    assert again.lr == optimizer.lr == pytest.approx(0.08)
    with pytest.raises(StateError, match="settings of the state"):
        again.load_state_dict(optim.SGD([Value(1.0)], lr=lambda step: 0.1).state_dict())


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "not a dict": lambda s: [s],
    "nothing": lambda s: None,
    "empty": lambda s: {},
    "a key too many": lambda s: {**s, "more": 1},
    "a key too few": lambda s: {key: s[key] for key in ("kind", "settings", "steps")},
    "another kind": lambda s: {**s, "kind": "AdamW"},
    "a kind that is no text": lambda s: {**s, "kind": [s["kind"]]},
    "another setting": lambda s: {**s, "settings": {**s["settings"], "weight_decay": 0.1}},
    "a setting too many": lambda s: {**s, "settings": {**s["settings"], "more": 0.1}},
    "no settings": lambda s: {**s, "settings": None},
    "a setting of nan": lambda s: {**s, "settings": {**s["settings"], "lr": nan}},
    "a fixed rate for a schedule": lambda s: {**s, "settings": {**s["settings"], "lr": None}},
    "steps below 0": lambda s: {**s, "steps": -1},
    "steps a float": lambda s: {**s, "steps": 3.0},
    "steps a bool": lambda s: {**s, "steps": True},
    "steps beyond counting": lambda s: {**s, "steps": 2**53},
    "lists of another kind": lambda s: {**s, "kept": {"last": [0.0] * 3}},
    "no lists": lambda s: {**s, "kept": []},
    "one list only": lambda s: {**s, "kept": {"mean": s["kept"]["mean"]}},
    "fewer numbers": lambda s: {**s, "kept": {**s["kept"], "square": [1.0] * 2}},
    "more numbers": lambda s: {**s, "kept": {**s["kept"], "square": [1.0] * 4}},
    "text for a list": lambda s: {**s, "kept": {**s["kept"], "square": "123"}},
    "text for a number": lambda s: {**s, "kept": {**s["kept"], "square": [1.0, 1.0, "1.0"]}},
    "a bool for a number": lambda s: {**s, "kept": {**s["kept"], "square": [1.0, 1.0, True]}},
    "null for a number": lambda s: {**s, "kept": {**s["kept"], "square": [1.0, 1.0, None]}},
    "nan": lambda s: {**s, "kept": {**s["kept"], "mean": [0.0, nan, 0.0]}},
    "infinity": lambda s: {**s, "kept": {**s["kept"], "square": [0.0, 0.0, inf]}},
    "a square below 0": lambda s: {**s, "kept": {**s["kept"], "square": [1.0, 1.0, -1.0]}},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_in_one_line_and_changes_nothing(damage: str) -> None:
    ours, other = optimizer("adam"), optimizer("adam")
    epoch(ours)
    for _ in range(3):
        epoch(other)
    before, state = repr((ours.state_dict(), numbers(ours))), other.state_dict()
    with pytest.raises(StateError) as refused:
        ours.load_state_dict(DAMAGES[damage](state))
    assert str(refused.value).isprintable()
    assert repr((ours.state_dict(), numbers(ours))) == before
    ours.load_state_dict(state)
    assert ours.state_dict() == state


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["mean", "square", "lr"]) | st.text(), inner)
        ),
    ),
    st.sampled_from(["kind", "settings", "steps", "kept"]),
)
def test_any_json_at_any_place_of_a_state_is_loaded_or_refused(junk: Any, key: str) -> None:
    ours = optimizer("adam")
    before = ours.state_dict()
    try:
        ours.load_state_dict({**before, key: junk})
    except StateError:
        assert ours.state_dict() == before
    else:
        assert ours.state_dict() == {**before, key: junk}


@EVERY_KIND
def test_what_an_optimizer_remembers_is_not_on_the_parameters(kind: Any) -> None:
    class Open(Value):
        """Unlike a Value, it would take any attribute."""

    parameters: list[Value] = [Open(x) for x in REFERENCE["start"]]
    ours = kind(parameters)
    for _ in range(3):
        epoch(ours)
    assert all(vars(p) == {} for p in parameters)
    for kept in ours.state_dict()["kept"].values():
        assert len(kept) == len(parameters)


@pytest.mark.parametrize("slope", [inf, -inf, nan])
def test_a_diverged_state_is_written_as_json_and_not_gone_on_from(slope: float) -> None:
    w = Value(1.0)
    ours = optim.Adam([w])
    w.grad = slope
    ours.step()
    state = json.loads(json.dumps(ours.state_dict(), allow_nan=False))
    assert state["kept"]["mean"] == [str(slope)]
    with pytest.raises(StateError, match="mean must hold finite floats"):
        ours.load_state_dict(state)


DEFAULTS: dict[str, dict[str, Any]] = {
    "SGD": {
        "lr": 1e-3, "momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False
    },
    "Momentum": {"lr": 1e-3, "alpha": 0.9, "decay": 0.0},
    "RMSprop": {
        "lr": 0.01, "alpha": 0.99, "eps": 1e-8, "weight_decay": 0.0, "momentum": 0.0,
        "centered": False,
    },
    "Adagrad": {"lr": 0.01, "lr_decay": 0.0, "weight_decay": 0.0, "eps": 1e-10},
    "Adam": {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0},
    "AdamW": {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01},
}  # fmt: skip


@EVERY_KIND
def test_default_settings_are_pytorchs(kind: Any) -> None:
    """As torch.md has them; 0.9 is what was used in 1986."""
    assert kind(start()).state_dict()["settings"] == DEFAULTS[kind.__name__]


@EVERY_KIND
def test_a_step_leaves_grads_alone(kind: Any) -> None:
    parameters = start()
    error(*parameters).backward()
    grads = [p.grad for p in parameters]
    kind(parameters).step()
    assert [p.grad for p in parameters] == grads


@EVERY_KIND
@pytest.mark.parametrize("slope", [0.0, 1e-320, 1e200, inf, -inf, nan])
def test_no_gradient_makes_a_step_raise(kind: Any, slope: float) -> None:
    """A run that diverges ends in nan, as in PyTorch, and not in an exception half way."""
    w = Value(1.0)
    ours = kind([w], 0.1)
    for _ in range(3):
        w.grad = slope
        ours.step()
    assert ours.steps == 3


OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"lr": -0.1}, "lr must be a number, 0 or more and finite, not -0.1"),
    ({"lr": inf}, "lr must be"),
    ({"lr": nan}, "lr must be"),
    ({"lr": "0.1"}, "lr must be"),
    ({"lr_decay": -0.1}, "lr_decay must be"),
    ({"decay": -1.0}, "decay must be"),
    ({"weight_decay": -1.0}, "weight_decay must be"),
    ({"momentum": -1.0}, "momentum must be"),
    ({"dampening": -1.0}, "dampening must be"),
    ({"alpha": 1.0}, "alpha must be a number, 0 or more and below 1, not 1.0"),
    ({"betas": (1.0, 0.9)}, "beta1 must be"),
    ({"betas": (0.9, 1.0)}, "beta2 must be"),
    ({"eps": 0.0}, "eps must be a finite number above 0, not 0.0"),
]


@EVERY_KIND
def test_settings_out_of_range_are_refused_with_what_would_be_right(kind: Any) -> None:
    refused, known = set(), DEFAULTS[kind.__name__]
    for settings, right in OUT_OF_RANGE:
        if set(settings) <= set(known):
            with pytest.raises(ValueError, match=right):
                kind(start(), **settings)
            refused |= set(settings)
    assert refused == set(known) - {"nesterov", "centered"}


@pytest.mark.parametrize("wrong", [-1.0, nan, inf, None, "fast"])
def test_a_schedule_that_gives_no_rate_stops_before_anything_has_changed(wrong: Any) -> None:
    w = Value(1.0)
    w.grad = 1.0
    ours = optim.Momentum([w], lr=lambda step: wrong)
    with pytest.raises(ValueError, match="the rate at step 0 must be"):
        ours.step()
    assert (w.data, ours.steps, ours.kept()) == (1.0, 0, [[0.0]])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: optim.step_decay(1.0, 0),
        lambda: optim.exponential(1.0, -0.5),
        lambda: optim.cosine(1.0, 0),
        lambda: optim.warm_up(-1, 1.0),
    ],
)
def test_schedules_out_of_range_are_refused_when_they_are_made(wrong: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        wrong()


def test_parameters_are_leaves_each_listed_once() -> None:
    w = Value(1.0)
    with pytest.raises(ValueError, match="each once"):
        optim.Adam([])
    with pytest.raises(ValueError, match="each once"):
        optim.Adam([w, Value(1.0), w])
    with pytest.raises(InnerNodeError, match="is not a leaf"):
        optim.Adam([w, w * 2])


def test_a_setting_may_change_later() -> None:
    """And is then as if it had been given at first; what was kept goes on."""
    x, y = Value(1.0), Value(1.0)
    late, early = optim.SGD([x], 0.1), optim.SGD([y], 0.1, momentum=0.9)
    late.momentum = 0.9  # type: ignore[attr-defined]
    for _ in range(5):
        for p, ours in ((x, late), (y, early)):
            p.grad = p.data
            ours.step()
    assert x.data == y.data
    adam = optim.Adam([Value(1.0)])
    for name, wrong in (("betas", (2, 0.5)), ("eps", -1)):
        with pytest.raises(ValueError, match=name[:3]):
            setattr(adam, name, wrong)
    with pytest.raises(AttributeError, match="Adam has no learning_rate; here it is: lr"):
        adam.learning_rate = 0.9  # type: ignore[attr-defined]


# Rates of PyTorch 2.14.1: two schedules of one optimizer at 0.1, both stepped seven times.
CHAINED: dict[str, tuple[list[tuple[str, tuple[Any, ...]]], list[float]]] = {
    "linear, cosine": (
        [("LinearLR", (0.1, 1.0, 3)), ("CosineAnnealingLR", (6,))],
        [0.01, 0.0373205081, 0.0525, 0.05, 0.025],
    ),
    "exponential, step": (
        [("ExponentialLR", (0.9,)), ("StepLR", (2, 0.5))],
        [0.1, 0.09, 0.0405, 0.03645],
    ),
    "exponential, cosine": (
        [("ExponentialLR", (0.9,)), ("CosineAnnealingLR", (6, 0.02))],
        [0.1, 0.0853108891, 0.0656423048, 0.0460520496, 0.0307234223, 0.0220501007, 0.02],
    ),
}


@pytest.mark.parametrize("name", CHAINED)
def test_schedules_can_be_chained(name: str) -> None:
    made, expected = CHAINED[name]
    optimizer = optim.SGD([Value(1.0)], lr=0.1)
    schedules = [getattr(lr_scheduler, kind)(optimizer, *how) for kind, how in made]
    rates = [optimizer.lr]
    while len(rates) < len(expected):
        for schedule in schedules:
            schedule.step()
        rates.append(optimizer.lr)
    assert rates == pytest.approx(expected, rel=1e-7)


def test_a_rate_that_was_set_by_hand_goes_on_from_there() -> None:
    optimizer = optim.SGD([Value(1.0)], lr=0.1)
    schedule = lr_scheduler.StepLR(optimizer, 3)
    rates = []
    for i in range(4):
        if i == 1:
            optimizer.lr = 0.02
        rates.append(optimizer.lr)
        schedule.step()
    assert rates == pytest.approx([0.1, 0.02, 0.02, 0.002])


# --- many parameters, whose steps are computed at once -------------------------------------------

MANY = [(k * 7 % 11 - 5) / 4 for k in range(60)]


def settings_of(kind: Any) -> list[dict[str, Any]]:
    if kind is optim.SGD:
        more = {"momentum": 0.9, "dampening": 0.25, "weight_decay": 0.1}
        return [{}, more, {"momentum": 0.5, "nesterov": True}]
    return [{}, {"weight_decay": 0.1}] if kind not in (optim.Momentum,) else [{}]


@EVERY_KIND
def test_many_parameters_move_as_each_would_alone(kind: Any) -> None:
    for how in settings_of(kind):
        many = kind([Value(x) for x in MANY], optim.cosine(0.05, 9), **how)
        each = [kind([Value(x)], optim.cosine(0.05, 9), **how) for x in MANY]
        for step in range(12):
            for k, one in enumerate(each):
                slope = (k % 5 - 2) * 0.3 + step * 0.01
                one.parameters[0].grad = many.parameters[k].grad = slope
                one.step()
            many.step()
            alone = [one.parameters[0].data for one in each]
            assert [p.data for p in many.parameters] == pytest.approx(alone, rel=1e-14, abs=1e-300)
        states = [one.state_dict()["kept"] for one in each]
        for name, xs in many.state_dict()["kept"].items():
            assert xs == pytest.approx([state[name][0] for state in states], rel=1e-14, abs=1e-300)
        assert many.steps == 12


def test_a_setting_that_changes_takes_effect_for_many_parameters_too() -> None:
    many = optim.Adam([Value(x) for x in MANY], 0.1)
    one = optim.Adam([Value(MANY[7])], 0.1)
    for betas in [(0.9, 0.999)] * 3 + [(0.5, 0.9)] * 3 + [(0.9, 0.999)] * 2:
        for made in (many, one):
            made.betas = betas
            for p in made.parameters:
                p.grad = p.data - 3
            made.step()
        assert many.parameters[7].data == pytest.approx(one.parameters[0].data, rel=1e-14)


@EVERY_KIND
@pytest.mark.parametrize("slope", [nan, inf, 1e200, -1e308])
def test_numbers_that_are_not_finite_are_those_of_the_formula(kind: Any, slope: float) -> None:
    def result(made: Any) -> list[str]:
        for _ in range(3):
            for p in made.parameters:
                p.grad = 0.5
            made.step()
        made.parameters[0].grad = slope
        try:
            made.step()
        except ArithmeticError as told:
            return [type(told).__name__, repr(made.parameters[0].data), str(made.steps)]
        return [repr(made.parameters[0].data), str(made.steps)]

    assert result(kind([Value(x) for x in MANY], 0.1)) == result(kind([Value(MANY[0])], 0.1))


def test_a_formula_of_ones_own_is_called_for_each_parameter() -> None:
    calls = []

    def noisy(p: Any, g: Any, *, lr: Any) -> Any:
        calls.append(p)
        return p - lr * g + len(calls)  # not a pure function

    made = optim.Optimizer([Value(0.0) for _ in MANY], 0.1, formula=noisy)
    for _ in range(3):
        made.step()
    assert len(calls) == 3 * len(MANY)
    assert len({p.data for p in made.parameters}) == len(MANY)


def test_the_formula_is_compiled_once_for_many_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_edu.optim.at_once._updates", {})
    calls, formula = [], optim.Adam.formula

    def counted(*numbers: Any, **settings: Any) -> Any:
        calls.append(numbers)
        return formula(*numbers, **settings)

    counted.__module__ = formula.__module__
    made = optim.Adam([Value(x) for x in MANY])
    made.formula = counted
    for _ in range(5):
        made.step()
    assert len(calls) == len(MANY) + 1  # the first step, and a recording


@EVERY_KIND
def test_numpy_computes_the_bits_of_plain_python(kind: Any) -> None:
    pytest.importorskip("numpy")
    random = Random(1)
    made = kind([Value(random.gauss(0, 1)) for _ in range(300)], 0.01)
    recorded = made.recorded()
    plain, arrays = (compiled(recorded, arrays=by_numpy) for by_numpy in (False, True))
    rows = [[p.data for p in made.parameters], *made.kept()]
    for steps in range(50):
        slopes = [random.gauss(0, 10.0 ** random.randint(-9, 3)) for _ in range(300)]
        given, settings = [rows[0], slopes, *rows[1:]], {"lr": 0.01, "steps": float(steps)}
        rows = plain(given, settings)
        assert arrays(given, settings) == rows
