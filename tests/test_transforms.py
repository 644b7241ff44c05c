"""Functions made of functions, against derivatives worked out by hand."""

from __future__ import annotations

import doctest
import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu.analysis.transforms
from tinygrad_edu import (
    NumberError,
    Value,
    exp,
    gradient,
    hessian,
    jacobian,
    jvp,
    log,
    numerical_gradient,
    sin,
    tanh,
    value_and_grad,
)
from tinygrad_edu.analysis.transforms import grad

pytestmark = pytest.mark.quick

Function = Callable[..., Any]
numbers = st.integers(-300, 300).map(lambda n: n / 100)


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(tinygrad_edu.analysis.transforms) == (0, 5)


def test_derivatives_of_every_order() -> None:
    f: Function = lambda a: a**5  # noqa: E731
    found = []
    for _ in range(6):
        f = grad(f)
        found.append(f(2.0))
    assert found == [80.0, 160.0, 240.0, 240.0, 120.0, 0.0]


@given(numbers, numbers)
def test_the_answer_has_the_shape_of_the_argument(a: float, b: float) -> None:
    by_a = pytest.approx(b * math.cos(a * b), rel=1e-12)
    by_b = pytest.approx(a * math.cos(a * b), rel=1e-12)
    assert grad(lambda a, b: sin(a * b), argnums=(0, 1))(a, b) == (by_a, by_b)
    assert grad(lambda a, b: sin(a * b), argnums=-1)(a, b) == by_b
    assert grad(lambda x: sin(x[0] * x[1]))([a, b]) == [by_a, by_b]
    found = grad(lambda x: sin(x["w"] * x["b"][0]))({"w": a, "b": (b,)})
    assert found == {"w": by_a, "b": (by_b,)}


def test_a_named_tuple_stays_one() -> None:
    pair = namedtuple("pair", "w b")
    found = grad(lambda p: p.w * p.b)(pair(2.0, 3.0))
    assert (found.w, found.b) == (3.0, 2.0)


def test_other_arguments_are_handed_on() -> None:
    seen = []

    def f(a: Any, words: str, *, power: int) -> Any:
        seen.append(words)
        return a**power

    assert grad(f)(3.0, "as it is", power=2) == 6.0
    assert value_and_grad(f)(3, "as it is", power=3) == (27.0, 27.0)
    assert seen == ["as it is"] * 2


def test_an_argument_is_not_what_the_function_uses_besides() -> None:
    """The mix-up that Siskind and Pearlmutter (2005) call perturbation confusion."""
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(1.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * y)(x))(5.0) == 1.0
    x = Value(2.0)
    assert grad(lambda y: x * y)(x).data == 2.0


def test_values_give_values_that_can_be_differentiated_again() -> None:
    x = Value(0.5, label="x")
    slope = grad(lambda a: tanh(a))(x)
    (curve,) = gradient(slope, [x])
    y = math.tanh(0.5)
    assert slope.data == pytest.approx(1 - y * y, rel=1e-15)
    assert curve.data == pytest.approx(-2 * y * (1 - y * y), rel=1e-15)
    value, _ = value_and_grad(lambda a: a * a)(x)
    assert isinstance(value, Value)
    assert x.grad == 0.0


def test_second_derivatives() -> None:
    rosenbrock = lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2  # noqa: E731
    assert hessian(rosenbrock)([1.0, 1.0]) == [[802.0, -400.0], [-400.0, 200.0]]
    assert hessian(lambda a, b: a * b + a**2)(1.0, 2.0) == 2.0
    assert hessian(lambda a, b: a * b + a**2, argnums=(0, 1))(1.0, 2.0) == ((2.0, 1.0), (1.0, 0.0))


def test_many_answers() -> None:
    polar = lambda r, t: {"x": r * sin(t), "y": r**2}  # noqa: E731
    found = jacobian(polar, argnums=(0, 1))(2.0, 0.0)
    assert found == {"x": (0.0, 2.0), "y": (4.0, 0.0)}
    assert jacobian(lambda a: [a, 1.0, 7])(2.0) == [1.0, 0.0, 0.0]
    assert jacobian(lambda a: a**2)(3.0) == 6.0


@given(st.lists(numbers, min_size=2, max_size=2), st.lists(numbers, min_size=2, max_size=2))
def test_a_direction_is_the_jacobian_times_a_vector(x: list[float], t: list[float]) -> None:
    f = lambda a, b: [exp(a) * b, a - 2 * b]  # noqa: E731
    value, change = jvp(f, x, t)
    a, b = x
    assert value == [pytest.approx(math.exp(a) * b), a - 2 * b]
    along = [b * math.exp(a) * t[0] + math.exp(a) * t[1], t[0] - 2 * t[1]]
    assert change == pytest.approx(along, rel=1e-12, abs=1e-12)


def test_a_direction_of_a_direction() -> None:
    f = lambda a: a**4  # noqa: E731
    assert jvp(lambda a: jvp(f, (a,), (1.0,))[1], (2.0,), (1.0,)) == (32.0, 48.0)
    assert jvp(lambda a, _: a, (1.0, [2.0]), (3.0, [4.0])) == (1.0, 3.0)


@given(st.lists(numbers, min_size=3, max_size=3))
def test_gradients_are_differences_of_values(xs: list[float]) -> None:
    f = lambda a, b, c: tanh(a * b) + exp(c - a) * b  # noqa: E731
    assert grad(f, argnums=(0, 1, 2))(*xs) == pytest.approx(
        numerical_gradient(f, *xs), rel=1e-6, abs=1e-6
    )


def test_arrays() -> None:
    np = pytest.importorskip("numpy")
    x = np.array([1.0, 2.0, 3.0])
    found = grad(lambda x: (x**2).sum())(x)
    assert (found.dtype, found.tolist()) == (np.float64, [2.0, 4.0, 6.0])
    assert hessian(lambda x: (x @ x) ** 2)(x[:2]).tolist() == [[28.0, 16.0], [16.0, 52.0]]
    matrix = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = jacobian(lambda x: matrix @ x)(np.ones(2))
    assert (found.dtype, found.tolist()) == (np.float64, matrix.tolist())
    assert grad(lambda w: (w @ x[:2]).sum())(matrix).tolist() == [[1.0, 2.0]] * 2


@pytest.mark.parametrize(
    ("error", "words", "asked"),
    [
        (TypeError, "not a list: use jacobian", lambda: grad(lambda a: [a])(1.0)),
        (TypeError, "argnums counts from 0: 2 is beyond 1 arg", lambda: grad(sin, 2)(1.0)),
        (TypeError, "argnums counts from 0: 0 is beyond 0 arg", lambda: grad(sin)()),
        (TypeError, "tangents must have the shape", lambda: jvp(sin, (1.0,), (1.0, 2.0))),
        (TypeError, "tangents must have the shape", lambda: jvp(sin, (1.0,), ([1.0],))),
        (TypeError, "add a return", lambda: grad(lambda a: None)(1.0)),
        (NumberError, "expected one real number, got a str", lambda: grad(log)("x")),
        (NumberError, "expected one real number, got a str", lambda: grad(lambda a: "y")(1.0)),
    ],
)
def test_what_cannot_be_differentiated_is_said(
    error: type[Exception], words: str, asked: Callable[[], Any]
) -> None:
    with pytest.raises(error, match=words):
        asked()


def test_nan_and_constants() -> None:
    assert math.isnan(grad(log)(-1.0))
    assert grad(lambda a: 3.0)(1.0) == 0.0
    assert value_and_grad(lambda a: 3)(1.0) == (3.0, 0.0)
