"""NumPy's functions and arrays, given Values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu
from tinygrad_edu import FrozenWarning, Value, compile, gradient, maximum, minimum, tanh
from tinygrad_edu.habits import arrays
from tinygrad_edu.habits.arrays import NUMPYS

pytestmark = pytest.mark.quick

UFUNCS = {name: getattr(np, name) for name in NUMPYS if isinstance(getattr(np, name), np.ufunc)}
INSIDE = {"arccosh": 1.5, "arctanh": 0.5, "arcsin": 0.5, "arccos": 0.5}


@pytest.mark.parametrize("name", sorted(UFUNCS))
def test_a_function_of_numpy_is_that_of_the_table(name: str) -> None:
    """Its value is NumPy's, and its derivative is that of differences of NumPy's values."""
    ufunc = UFUNCS[name]
    numbers = [INSIDE.get(name, 1.25), 0.75][: ufunc.nin]
    xs = [Value(x) for x in numbers]
    y = ufunc(*xs)
    assert type(y) is Value
    assert y.data == pytest.approx(float(ufunc(*numbers)), rel=1e-15)
    for i, slope in enumerate(gradient(y, xs)):
        h = 1e-6
        up, down = ([x + s * (k == i) for k, x in enumerate(numbers)] for s in (h, -h))
        assert slope.data == pytest.approx((ufunc(*up) - ufunc(*down)) / (2 * h), abs=1e-6)


def test_arrays_of_numbers_and_of_values() -> None:
    x, w = Value(2.0), Value(3.0)
    row = np.array([1.0, -2.0])
    both = np.array([x, w])
    for y, expected in (
        (row * x, [2.0, -4.0]),
        (x * row, [2.0, -4.0]),
        (row - x, [-1.0, -4.0]),
        (x - row, [1.0, 4.0]),
        (both + w, [5.0, 6.0]),
        (w + both, [5.0, 6.0]),
        (row**x, [1.0, 4.0]),
        (np.maximum(row, x), [2.0, 2.0]),
        (np.maximum(x, [[1.0], [3.0]]), [[2.0], [3.0]]),
        (np.arctan(both), [math.atan(2), math.atan(3)]),
        (np.hypot(both, both), [math.hypot(2, 2), math.hypot(3, 3)]),
        (row[:, None] * both, [[2.0, 3.0], [-4.0, -6.0]]),
    ):
        assert y.dtype == object
        assert [z.data for z in y.ravel()] == pytest.approx(list(np.ravel(expected)), rel=1e-15)
    (slope,) = gradient((row * x).sum() ** 2, [x])
    assert slope.data == 2 * (-2.0) * -1.0
    assert [*(row < x)] == [True, True]
    assert (x > row).dtype == bool
    assert np.add(x, 1, out=np.empty((), object)).item().data == 3.0


def test_scalars_of_numpy_are_numbers() -> None:
    x = Value(2.0)
    for scalar in (np.float64(3), np.float32(3), np.int64(3), np.array(3.0)):
        for y in (scalar * x, x * scalar):
            assert type(y) is Value
            assert (y.data, gradient(y, x).data) == (6.0, 3.0)


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")
def test_questions_have_answers_of_numpy() -> None:
    x = Value(2.0)
    assert (np.isnan(x), np.isinf(x), np.isfinite(x)) == (False, False, True)
    assert (np.less(x, 3), np.greater_equal(x, 3)) == (True, False)
    with pytest.warns(FrozenWarning):
        compile(lambda a: a if np.isfinite(a) else -a, inputs=[2.0])


def test_our_conventions_hold_at_a_tie() -> None:
    x = Value(0.0)
    for y, ours in ((np.maximum(x, 0), maximum(x, 0)), (np.minimum(x, 0), minimum(x, 0))):
        assert gradient(y, x).data == gradient(ours, x).data == 0.5


@pytest.mark.parametrize(
    ("words", "attempt"),
    [
        (r"np.cbrt does not work on Values: write sign\(x\)", lambda x: np.cbrt(x)),
        (r"write step\(x\)", lambda x: np.heaviside(x, 0)),
        (r"write log\(exp\(x\)", lambda x: np.logaddexp(x, 1)),
        ("tinygrad_edu has no spacing: compose it", lambda x: np.spacing(x)),
        ("np.add.reduce does not work on Values", lambda x: np.add.reduce(x)),
        ("np.matmul does not work on Values: write sum", lambda x: np.matmul([1.0], x)),
        ("write a = a [*] x", lambda x: np.ones(2).__imul__(x)),
        ("got a str", lambda x: np.add("a", x)),
        ("got a ndarray", lambda x: tanh(np.ones(2))),
    ],
)
def test_what_is_not_there_says_what_is(words: str, attempt: Callable[[Value], Any]) -> None:
    with pytest.raises(TypeError, match=words):
        attempt(Value(2.0))


def test_what_numpy_is_told_to_write_is_right() -> None:
    names = {name: getattr(tinygrad_edu, name) for name in dir(tinygrad_edu)} | {"math": math}
    for name in sorted(arrays._INSTEAD.keys() - {"matmul", "conjugate"}):
        words = arrays._INSTEAD[name]
        for x, y in ((2.6, 0.75), (-1.3, 2.0)):
            ufunc = getattr(np, name)
            expected = ufunc(*(x, 0 if name == "heaviside" else y)[: ufunc.nin])
            told = eval(words, names | {"x": Value(x), "y": Value(y)}).data
            assert told == pytest.approx(float(expected), rel=1e-12)
