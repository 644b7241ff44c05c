"""Optimizers, step for step as PyTorch's, and how little it takes to make one wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, optim
from tinygrad_edu.errors import InnerNodeError, StateError

REFERENCE = json.loads((Path(__file__).parent / "references" / "optim.json").read_text())
CASES = REFERENCE["cases"]
EVERY_CASE = pytest.mark.parametrize("name", CASES)
EVERY_KIND = pytest.mark.parametrize(
    "kind",
    [
        optim.GradientDescent,
        optim.Momentum,
        optim.Nesterov,
        optim.RMSProp,
        optim.Adam,
        optim.AdamW,
    ],
)


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
    if "rate" in settings:
        settings["rate"] = rate(settings["rate"], module)
    return getattr(module, CASES[name]["kind"])(start(), **settings)


def follows(name: str, module: Any = optim) -> bool:
    """Whether all the steps of a stored example are made, each to 1e-12 of each number."""
    ours = optimizer(name, module)
    for point in CASES[name]["points"]:
        epoch(ours)
        if numbers(ours) != pytest.approx(point, rel=1e-12, abs=0):
            return False
    return True


@EVERY_CASE
def test_a_hundred_steps_are_the_ones_that_pytorch_makes(name: str) -> None:
    assert len(CASES[name]["points"]) == 100
    assert follows(name)


MISTAKES = {
    "no bias correction of the mean": ("adam", "/ (1 - beta1**t)", ""),
    "no bias correction of the square": ("adam", "/ (1 - beta2**t)", ""),
    "epsilon inside the root, Adam": (
        "adam",
        "sqrt(square) + self.epsilon",
        "sqrt(square + self.epsilon)",
    ),
    "epsilon inside the root, RMSProp": (
        "rmsprop",
        "sqrt(self.square[i]) + self.epsilon",
        "sqrt(self.square[i] + self.epsilon)",
    ),
    "coupled decay instead of decoupled": ("adamw", "decoupled = True", "decoupled = False"),
    "decoupled decay instead of coupled": (
        "momentum decay",
        "if self.decoupled",
        "if not self.decoupled",
    ),
    "Adam counts from 2": ("adam", "self.steps + 1", "self.steps + 2"),
    "the schedule counts from 1": ("adamw cosine", "self.rate(step)", "self.rate(step + 1)"),
    "betas swapped": ("adam", "(beta1, beta2), t", "(beta2, beta1), t"),
    "heavy ball instead of Nesterov": (
        "nesterov",
        "-rate * slope + self.alpha * super()._change(i, slope, rate)",
        "super()._change(i, slope, rate)",
    ),
    "momentum on both": (
        "momentum",
        "-rate * slope + self.alpha * self.last[i]",
        "self.alpha * (-rate * slope + self.last[i])",
    ),
    "momentum outside of the rate": (
        "momentum",
        "-rate * slope + self.alpha * self.last[i]",
        "-rate * (slope + self.alpha * self.last[i])",
    ),
    "decoupled decay after the step": (
        "adamw",
        "x - rate * pull + self._change(i, slope, rate)",
        "(x + self._change(i, slope, rate)) * (1 - rate * self.decay)",
    ),
    "coupled decay after the momentum": (
        "momentum decay",
        "x + self._change(i, slope + pull, rate)",
        "x - rate * pull + self._change(i, slope, rate)",
    ),
    "decay of the wrong sign": ("descent decay", "slope + pull", "slope - pull"),
    "uphill, gradient descent": ("descent", "return -rate * slope\n", "return rate * slope\n"),
    "uphill, Adam": ("adam", "-rate * mean", "rate * mean"),
}


def patched(old: str, new: str) -> ModuleType:
    """optim.py, with one piece of its text replaced."""
    text = Path(optim.__file__).read_text(encoding="utf-8")
    assert text.count(old) == 1
    module = ModuleType("patched")
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
    ours = optim.Momentum([w], rate=optim.exponential(1.0, 0.5), alpha=0.5)
    changes = []
    for w.grad in (8.0, 4.0, 0.0):
        before = w.data
        ours.step()
        changes.append(w.data - before)
    assert changes == [-8.0, -0.5 * 4 + 0.5 * -8, 0.5 * -6]


def test_nesterovs_parameters_are_the_points_ahead_of_his_iterates() -> None:
    """Sutskever's form: the slope is taken at x + alpha*v; and that is where our p is."""
    rate, alpha = optim.exponential(0.5, 0.9), 0.8
    p = Value(3.0)
    ours = optim.Nesterov([p], rate, alpha)
    x, v = 3.0, 0.0
    for t in range(30):
        p.grad = 0.0
        (p**2).backward()
        ours.step()
        v = alpha * v - rate(t) * 2 * (x + alpha * v)
        x += v
        assert p.data == pytest.approx(x + alpha * v, rel=1e-12)


def test_decoupled_and_coupled_decay_are_one_for_gradient_descent_only() -> None:
    w, u, p, q = Value(2.0), Value(2.0), Value(2.0), Value(2.0)
    for x in (w, u, p, q):
        x.grad = 3.0
    for _ in range(2):
        optim.GradientDescent([w], 0.25, decay=0.5).step()
        optim.Momentum([u], 0.25, alpha=0.0, decay=0.5, decoupled=True).step()
    assert w.data == u.data
    coupled = optim.Momentum([p], 0.25, decay=0.5)
    decoupled = optim.Momentum([q], 0.25, decay=0.5, decoupled=True)
    for ours in (coupled, decoupled, coupled, decoupled):
        ours.step()
    assert p.data != q.data


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
    ours = optim.GradientDescent([w], rate)
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
    second.load(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert second.steps == 17
    for _ in range(23):
        epoch(second)
    assert numbers(second) == numbers(whole)
    assert second.state() == whole.state()


def test_a_state_is_a_copy() -> None:
    ours = optimizer("adam")
    epoch(ours)
    state = ours.state()
    text = json.dumps(state)
    epoch(ours)
    assert json.dumps(state) == text
    ours.load(state)
    epoch(ours)
    assert json.dumps(state) == text


@EVERY_CASE
def test_the_state_of_an_optimizer_that_made_no_step_is_a_state(name: str) -> None:
    """Back to the beginning: nothing of what was learned is left but the parameters."""
    fresh, ours = optimizer(name).state(), optimizer(name)
    epoch(ours)
    ours.load(fresh)
    assert ours.state() == fresh


def test_a_state_for_another_optimizer_is_told_what_would_fit() -> None:
    state = optimizer("adam").state()
    with pytest.raises(StateError, match="the kind of the state must be Momentum"):
        optimizer("momentum").load(state)
    with pytest.raises(StateError, match=r"settings of the state must be .*'decay': 0.3"):
        optimizer("adam decay").load(state)
    state = {**optimizer("descent").state(), "kept": {"last": []}}
    with pytest.raises(StateError, match="what a GradientDescent keeps is nothing"):
        optimizer("descent").load(state)


def test_a_schedule_is_not_saved_and_fits_no_fixed_rate() -> None:
    fixed, scheduled = optimizer("rmsprop"), optimizer("rmsprop cosine")
    assert scheduled.state()["settings"]["rate"] is None
    for ours, other in ((fixed, scheduled), (scheduled, fixed)):
        with pytest.raises(StateError, match="settings of the state"):
            ours.load(other.state())


DAMAGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "not a dict": lambda s: [s],
    "nothing": lambda s: None,
    "empty": lambda s: {},
    "a key too many": lambda s: {**s, "more": 1},
    "a key too few": lambda s: {key: s[key] for key in ("kind", "settings", "steps")},
    "another kind": lambda s: {**s, "kind": "AdamW"},
    "a kind that is no text": lambda s: {**s, "kind": [s["kind"]]},
    "another setting": lambda s: {**s, "settings": {**s["settings"], "decay": 0.1}},
    "a setting too many": lambda s: {**s, "settings": {**s["settings"], "more": 0.1}},
    "no settings": lambda s: {**s, "settings": None},
    "a setting of nan": lambda s: {**s, "settings": {**s["settings"], "rate": nan}},
    "a fixed rate for a schedule": lambda s: {**s, "settings": {**s["settings"], "rate": None}},
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
    before, state = repr((ours.state(), numbers(ours))), other.state()
    with pytest.raises(StateError) as refused:
        ours.load(DAMAGES[damage](state))
    assert str(refused.value).isprintable()
    assert repr((ours.state(), numbers(ours))) == before
    ours.load(state)
    assert ours.state() == state


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["mean", "square", "rate"]) | st.text(), inner)
        ),
    ),
    st.sampled_from(["kind", "settings", "steps", "kept"]),
)
def test_any_json_at_any_place_of_a_state_is_loaded_or_refused(junk: Any, key: str) -> None:
    ours = optimizer("adam")
    before = ours.state()
    try:
        ours.load({**before, key: junk})
    except StateError:
        assert ours.state() == before
    else:
        assert ours.state() == {**before, key: junk}


@EVERY_KIND
def test_what_an_optimizer_remembers_is_not_on_the_parameters(kind: Any) -> None:
    class Open(Value):
        """Unlike a Value, it would take any attribute."""

    parameters: list[Value] = [Open(x) for x in REFERENCE["start"]]
    ours = kind(parameters)
    for _ in range(3):
        epoch(ours)
    assert all(vars(p) == {} for p in parameters)
    for kept in ours.state()["kept"].values():
        assert len(kept) == len(parameters)


@pytest.mark.parametrize("slope", [inf, -inf, nan])
def test_a_diverged_state_is_written_as_json_and_not_gone_on_from(slope: float) -> None:
    w = Value(1.0)
    ours = optim.Adam([w])
    w.grad = slope
    ours.step()
    state = json.loads(json.dumps(ours.state(), allow_nan=False))
    assert state["kept"]["mean"] == [str(slope)]
    with pytest.raises(StateError, match="mean must hold finite floats"):
        ours.load(state)


@EVERY_KIND
def test_default_settings_are_pytorchs_but_for_momentums_alpha(kind: Any) -> None:
    """PyTorch's SGD has no momentum by default; 0.9 is what was used in 1986."""
    defaults = {
        "rate": 0.01 if kind is optim.RMSProp else 0.001,
        "alpha": 0.9,
        "beta": 0.99,
        "betas": [0.9, 0.999],
        "epsilon": 1e-8,
        "decay": 0.01 if kind is optim.AdamW else 0.0,
        "decoupled": False,
    }
    settings = kind(start()).state()["settings"]
    assert settings == {name: defaults[name] for name in kind.settings}


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
    ours = kind([w], decay=0.1)
    for _ in range(3):
        w.grad = slope
        ours.step()
    assert ours.steps == 3


OUT_OF_RANGE: list[tuple[dict[str, Any], str]] = [
    ({"rate": -0.1}, "rate must be a number, 0 or more and finite, not -0.1"),
    ({"rate": inf}, "rate must be"),
    ({"rate": nan}, "rate must be"),
    ({"rate": "0.1"}, "rate must be"),
    ({"decay": -1.0}, "decay must be"),
    ({"alpha": 1.0}, "alpha must be a number, 0 or more and below 1, not 1.0"),
    ({"beta": -0.1}, "beta must be"),
    ({"betas": (1.0, 0.9)}, "beta1 must be"),
    ({"betas": (0.9, 1.0)}, "beta2 must be"),
    ({"epsilon": 0.0}, "epsilon must be a finite number above 0, not 0.0"),
]


@EVERY_KIND
def test_settings_out_of_range_are_refused_with_what_would_be_right(kind: Any) -> None:
    refused = set()
    for settings, right in OUT_OF_RANGE:
        if set(settings) <= set(kind.settings):
            with pytest.raises(ValueError, match=right):
                kind(start(), **settings)
            refused |= set(settings)
    assert refused == set(kind.settings) - {"decoupled"}


@pytest.mark.parametrize("wrong", [-1.0, nan, inf, None, "fast"])
def test_a_schedule_that_gives_no_rate_stops_before_anything_has_changed(wrong: Any) -> None:
    w = Value(1.0)
    w.grad = 1.0
    ours = optim.Momentum([w], rate=lambda step: wrong)
    with pytest.raises(ValueError, match="the rate at step 0 must be"):
        ours.step()
    assert (w.data, ours.steps, ours.last) == (1.0, 0, [0.0])


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
