"""Losses against the numbers of torch.nn.functional in float64, stored in golden/losses.json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import Value, compile, gradient, losses
from tinygrad_edu.errors import LengthError
from tinygrad_edu.trees import like, numbers

pytestmark = pytest.mark.quick

STORED = json.loads((Path(__file__).parent / "golden" / "losses.json").read_text(encoding="utf-8"))
CASES = STORED["losses"]


def lifted(x: Any) -> Any:
    return like(x, map(Value, numbers(x)))


def close(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=1e-12, abs_tol=1e-15) or (x != x and y != y)


@pytest.mark.parametrize("example", CASES, ids=lambda c: f"{c['loss']} {c['settings']}")
def test_values_and_gradients_are_those_of_pytorch(example: dict[str, Any]) -> None:
    leaves = lifted(example["input"])
    loss = getattr(losses, example["loss"])(leaves, example["target"], **example["settings"])
    found = [x.data for x in numbers(loss)]
    assert all(map(close, found, numbers(example["value"]))), found
    assert isinstance(loss, list) == isinstance(example["value"], list)
    total = sum(numbers(loss), Value(0.0))
    slopes = [d.data for d in gradient(total, list(numbers(leaves)))]
    assert all(map(close, slopes, numbers(example["gradient"]))), slopes


@pytest.mark.parametrize("example", STORED["of one row"], ids=lambda c: str(c["input"]))
def test_a_row_of_logits(example: dict[str, Any]) -> None:
    for name in ("softmax", "log_softmax"):
        of = getattr(losses, name)
        row = [x.data for x in of(lifted(example["input"]))]
        assert all(map(close, row, example[name]))
        assert [[x.data for x in row] for row in of([lifted(example["input"])])] == [row]
    assert close(losses.logsumexp(example["input"]).data, example["logsumexp"])


def test_softmax_takes_the_last_dimension_by_its_number() -> None:
    for f in (losses.softmax, losses.log_softmax):
        flat = [y.data for y in f([Value(1.0), Value(2.0)])]
        for dim in (-1, 0):
            assert [y.data for y in f([Value(1.0), Value(2.0)], dim=dim)] == flat
        for dim in (-1, 1):
            assert [y.data for y in f([[Value(1.0), Value(2.0)]], dim=dim)[0]] == flat
        for wrong in (-2, 0, 2, [1.0, 0.0]):
            with pytest.raises(ValueError, match="on each row"):
                f([[Value(1.0), Value(2.0)]], dim=wrong)  # type: ignore[arg-type]


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=4), st.data())
def test_cross_entropy_is_nll_loss_of_log_softmax(z: list[float], data: Any) -> None:
    label = data.draw(st.integers(0, len(z) - 1))
    found = losses.cross_entropy(z, label).data
    assert math.isclose(found, losses.nll_loss(losses.log_softmax(z), label).data, abs_tol=1e-13)
    one_hot = [float(c == label) for c in range(len(z))]
    assert losses.cross_entropy(z, one_hot).data == found


@given(st.floats(-30, 30), st.sampled_from([0, 1, 0.25]))
def test_probabilities_and_logits_are_two_ways_to_one_loss(z: float, t: float) -> None:
    p = 1 / (1 + math.exp(-z))
    of_logits = losses.binary_cross_entropy_with_logits(z, t).data
    assert math.isclose(losses.binary_cross_entropy(p, t).data, of_logits, rel_tol=1e-2)


@pytest.mark.parametrize("z", [[-1e17, 1.0, -math.inf], [1.0, -math.inf, -1e17]])
def test_what_is_far_below_the_largest_does_not_change_logsumexp(z: list[float]) -> None:
    """In whatever order: 1 - 1e17 has no digit left for the 1, and inf - inf is nan."""
    assert losses.logsumexp(z).data == 1.0


def test_a_certain_mistake_costs_100() -> None:
    assert losses.binary_cross_entropy(0.0, 1.0).data == 100.0  # as in PyTorch
    assert losses.binary_cross_entropy(1.0, 0.0).data == 100.0


def test_a_list_of_one_goes_with_a_number() -> None:
    y = Value(2.0)
    for outputs, targets in ((y, 0.5), ([y], 0.5), (y, [0.5]), ([y], (0.5,)), ([[y]], 0.5)):
        assert losses.mse_loss(outputs, targets).data == 2.25


def test_arrays_are_lists() -> None:
    np = pytest.importorskip("numpy")
    y, d = np.array([0.5, -1.25, 3.0]), np.array([0.25, 1.0, -1.0])
    assert losses.mse_loss(y, d).data == np.mean((y - d) ** 2)
    logits = np.array([[1.0, 2.0], [3.0, -1.0]])
    by_lists = losses.cross_entropy(logits.tolist(), [1, 0]).data
    assert losses.cross_entropy(logits, np.array([1, 0])).data == by_lists
    for kind in (np.int8, np.int64, np.uint8):
        assert losses.cross_entropy(logits[0], kind(1)).data < 1


def test_where_the_target_is_an_input() -> None:
    z, t = Value(0.5, "z"), Value(1.0, "t")
    for name in ("mse_loss", "huber_loss", "binary_cross_entropy_with_logits"):
        loss = getattr(losses, name)
        step = compile(loss(z, t), wrt=[z], inputs=[t], backend="python")
        for number in (0.0, 0.25, 1.0):
            assert close(step(number)[0], loss(0.5, number).data)


@pytest.mark.parametrize(
    ("error", "words", "asked"),
    [
        (LengthError, "2 outputs and 1 targets", lambda: losses.mse_loss([1.0, 2.0], [1.0])),
        (
            LengthError,
            "the outputs are 2x1 and the targets 2: give",
            lambda: losses.mse_loss([[1.0], [2.0]], [1.0, 2.0]),
        ),
        (LengthError, "0 outputs and 0 targets", lambda: losses.l1_loss([], [])),
        (
            ValueError,
            "2.5 is not one; binary_cross_entropy_with_logits takes logits",
            lambda: losses.binary_cross_entropy(Value(2.5), 1.0),
        ),
        (
            ValueError,
            "the target must be a probability from 0 to 1, not 2",
            lambda: losses.binary_cross_entropy_with_logits(1.0, 2),
        ),
        (ValueError, "-1 or 1, not 0", lambda: losses.hinge_loss(1.0, 0)),
        (ValueError, "delta must be above", lambda: losses.huber_loss(1.0, 0, delta=0)),
        (ValueError, "choose mean, sum or none", lambda: losses.mse_loss(1.0, 0, reduction="avg")),  # type: ignore[call-overload]
        (
            ValueError,
            "label_smoothing must be a number",
            lambda: losses.cross_entropy([1.0], 0, label_smoothing=2),
        ),
        (IndexError, "an index from 0 to 1, not 2", lambda: losses.cross_entropy([1.0, 2.0], 2)),
        (IndexError, "an index from 0 to 1, not -1", lambda: losses.nll_loss([1.0, 2.0], -1)),
        (TypeError, "not 1.0", lambda: losses.cross_entropy([1.0, 2.0], 1.0)),  # type: ignore[call-overload]
        (TypeError, "not 'a'", lambda: losses.mse_loss("a", 1.0)),
        (LengthError, "2 rows and 1 targets", lambda: losses.cross_entropy([[1.0], [2.0]], 0)),
        (
            LengthError,
            "1 weights for 2 classes",
            lambda: losses.cross_entropy([1.0, 2.0], 1, [1.0]),
        ),
        (LengthError, "the list of logits is empty", lambda: losses.softmax([])),
        (
            AttributeError,
            "no MSELoss in tinygrad_edu.losses; here it is: mse_loss",
            lambda: losses.MSELoss,
        ),
        (AttributeError, "has no attribute 'nonsense'", lambda: losses.nonsense),
    ],
)
def test_what_is_wrong_is_said(
    error: type[Exception], words: str, asked: Callable[[], Any]
) -> None:
    with pytest.raises(error, match=words):
        asked()


@pytest.mark.parametrize("name", sorted(losses._ELSEWHERE))
def test_names_of_other_libraries_say_what_they_are_here(name: str) -> None:
    assert losses._ELSEWHERE[name] in losses.__all__
    with pytest.raises(
        ImportError, match=f"no {name} in .*; here it is: {losses._ELSEWHERE[name]}$"
    ):
        exec(f"from tinygrad_edu.losses import {name}")


def test_the_loss_of_1986() -> None:
    assert losses.half_squared_error([Value(1.0), Value(4.0)], [0, 2]).data == 2.5
    assert losses.half_squared_error([Value(0.9), Value(0.5)], [1, 1], 0.2).data == 0.125


@pytest.mark.parametrize(("p", "t"), [(0.0, 1.0), (1.0, 0.0), (1e-50, 1.0)])
def test_a_certain_mistake_costs_100_and_has_no_slope(p: float, t: float) -> None:
    y = Value(p)
    loss = losses.binary_cross_entropy(y, t)
    loss.backward()
    assert (loss.data, y.grad) == (100.0, 0.0)
