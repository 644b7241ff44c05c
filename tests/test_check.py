"""Numerical derivatives and gradcheck: what they get right, and that they notice what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tinygrad_edu import (
    GradientError,
    Op,
    Value,
    gradcheck,
    log,
    maximum,
    numerical_derivative,
    numerical_gradient,
    ops,
    relu,
    sin,
    sqrt,
    step,
    tanh,
)
from tinygrad_edu.check import compare

KNOWN: list[tuple[Callable[[float], float], float, float]] = [
    (math.sin, 1.0, math.cos(1.0)),
    (math.sin, 1e3, math.cos(1e3)),
    (math.exp, 0.0, 1.0),
    (math.exp, 300.0, math.exp(300.0)),
    (math.exp, -30.0, math.exp(-30.0)),
    (math.tanh, 0.5, 1 - math.tanh(0.5) ** 2),
    (lambda x: x**3, 2.0, 12.0),
    (lambda x: x**3, 1e5, 3e10),
    (lambda x: x * x, 0.0, 0.0),
    (lambda x: 1 / x, 1e-2, -1e4),
    (lambda x: 7.0, 3.0, 0.0),
    (lambda x: 5 * x - 1, 1e8, 5.0),
    (log, 1e-3, 1e3),
    (sqrt, 1e-2, 5.0),
    (math.atan, -4.0, 1 / 17),
]


@pytest.mark.parametrize(("f", "x", "slope"), KNOWN)
def test_numerical_derivatives_are_good_to_nine_digits(
    f: Callable[[float], float], x: float, slope: float
) -> None:
    assert numerical_derivative(f, x) == pytest.approx(slope, rel=1e-9, abs=1e-13)


def test_numerical_derivatives_of_smooth_functions_are_good_to_thirteen_digits() -> None:
    """Extrapolation earns them: from differences alone, eleven are the most there can be."""
    for k in range(-24, 25):
        assert numerical_derivative(math.sin, k / 8) == pytest.approx(math.cos(k / 8), abs=1e-13)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=6), st.floats(-3, 3))
@settings(deadline=None)
def test_numerical_derivatives_of_polynomials(coefficients: list[int], x: float) -> None:
    def polynomial(x: float) -> float:
        return sum(c * x**k for k, c in enumerate(coefficients))

    terms = [k * c * x ** (k - 1) for k, c in enumerate(coefficients) if k]
    scale = sum(map(abs, terms)) + abs(polynomial(x))
    assert numerical_derivative(polynomial, x) == pytest.approx(sum(terms), abs=1e-8 * (1 + scale))


@pytest.mark.parametrize(
    ("f", "x"),
    [(log, 0.0), (sqrt, 0.0), (log, -1.0), (math.floor, 1.0), (lambda x: math.nan, 1.0)],
    ids=["log at 0", "sqrt at 0", "log below 0", "a jump", "nan"],
)
def test_where_differences_do_not_settle_there_is_no_numerical_derivative(
    f: Callable[[float], float], x: float
) -> None:
    assert math.isnan(numerical_derivative(f, x))


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (math.log, 0.01, 100.0),
        (math.sqrt, 0.01, 5.0),
        (lambda x: x**0.5, 0.01, 5.0),
        (lambda x: 1 / x, 0.125, -64.0),
        (math.exp, 650.0, math.exp(650.0)),
    ],
    ids=["ValueError", "ValueError of sqrt", "complex", "ZeroDivisionError", "OverflowError"],
)
def test_steps_that_leave_the_domain_are_passed_over_whatever_python_does_there(
    f: Callable[[float], float], x: float, slope: float
) -> None:
    assert numerical_derivative(f, x) == pytest.approx(slope, rel=1e-9)


def test_the_numerical_gradient_is_by_each_operand() -> None:
    slopes = numerical_gradient(lambda a, b: a * sin(b), 2.0, 3.0)
    assert slopes == pytest.approx([math.sin(3), 2 * math.cos(3)], rel=1e-10)


# gradcheck


def network(a: Value, b: Value, c: Value) -> Value:
    hidden = tanh(a * b + c) / (1 + b**2)
    return hidden * ops.exp(-c) + sqrt(a * a + 1) - maximum(a, c)


@given(*[st.floats(-2, 2)] * 3)
@settings(deadline=None, max_examples=30, phases=[Phase.generate])  # shrinking takes minutes
def test_right_gradients_pass_to_the_second_order(a: float, b: float, c: float) -> None:
    assert gradcheck(network, a, b, c) is True


@pytest.mark.parametrize("offset", [1.0, 1e3, 1e6])
def test_a_right_gradient_passes_however_little_of_it_the_rounded_values_show(
    offset: float,
) -> None:
    """Differences of values near 1e6 are wrong in the tenth digit; that is no fault of a rule."""
    for k in range(50):
        assert gradcheck(lambda a: offset + sin(a), k / 16, order=1)
    assert gradcheck(lambda a, b: offset + a * b, 1e-20, 0.5)


def test_a_wrong_gradient_is_an_assertion_error_with_the_operand_and_both_numbers() -> None:
    wrong = Op("wrong", lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: 1.5 * a)
    with pytest.raises(GradientError) as caught:
        gradcheck(wrong, 2.0, 5.0)
    message = str(caught.value)
    assert message.startswith("derivative by x1: 3.0 from the rules, ")
    numerical = float(message.split(", ")[1].split()[0])
    assert numerical == pytest.approx(2.0, rel=1e-9)
    assert issubclass(GradientError, AssertionError)


def test_a_derivative_of_the_wrong_sign_is_caught_however_small() -> None:
    tiny = Op("tiny", lambda a: 1e-9 * a * a, lambda y, a: -2e-9 * a)
    with pytest.raises(GradientError):
        gradcheck(tiny, 1.0)


def test_a_rule_that_is_right_only_once_is_caught_at_the_second_order() -> None:
    """Its number is right, but it is a constant: nothing is left to differentiate."""
    once = Op("once", lambda a: a**3, lambda y, a: 3 * getattr(a, "_data", a) ** 2)
    assert gradcheck(once, 2.0, order=1)
    with pytest.raises(GradientError, match=r"derivative by x0, x0: 0\.0 from the rules, 12"):
        gradcheck(once, 2.0)


def test_nan_for_a_derivative_that_exists_is_caught() -> None:
    lost = Op("lost", lambda a: a * a, lambda y, a: math.nan * a)
    with pytest.raises(GradientError, match="nan from the rules"):
        gradcheck(lost, 2.0)


def test_tolerance_is_relative() -> None:
    off = Op("off", lambda a: 1e6 * a, lambda y, a: 1.001e6)
    assert gradcheck(off, 2.0, tolerance=0.01)
    with pytest.raises(GradientError):
        gradcheck(off, 2.0, tolerance=1e-4)


@pytest.mark.parametrize(
    ("f", "xs"),
    [
        pytest.param(relu, (0.0,), id="relu"),
        pytest.param(abs, (0.0,), id="abs"),
        pytest.param(maximum, (1.0, 1.0), id="tie"),
        pytest.param(step, (0.0,), id="jump"),
        pytest.param(sqrt, (0.0,), id="sqrt at 0"),
        pytest.param(log, (0.0,), id="log at 0"),
        pytest.param(log, (1e-6,), id="log close to 0"),
        pytest.param(log, (-1.0,), id="log below 0"),
        pytest.param(lambda a: 1 / a, (0.0,), id="1/0"),
    ],
)
def test_at_a_kink_or_an_edge_of_the_domain_any_convention_passes(
    f: Callable[..., Value], xs: tuple[float, ...]
) -> None:
    assert gradcheck(f, *xs)


def test_what_is_no_slope_between_the_two_sides_of_a_kink_is_caught() -> None:
    kink = Op("kink", abs, lambda y, a: 1.5 * (step(a) - step(-a)) + (1 - step(abs(a))) * 1.5)
    with pytest.raises(GradientError):
        gradcheck(kink, 0.0)


def test_a_function_that_forgets_its_operand_passes() -> None:
    """It may also answer with a plain number, whose derivatives are 0."""
    assert gradcheck(lambda a: a * 0 + 3, 1.0)
    assert gradcheck(lambda a: 3.0, 1.0)


@pytest.mark.parametrize(
    ("f", "x", "verdict"),
    [
        (tanh, 0.5, "agrees"),
        (relu, 0.0, "kink"),
        (log, 0.0, "no numerical derivative"),
        (Op("off", lambda a: a, lambda y, a: 1.01), 0.5, "differs"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_a_comparison_says_what_it_found(f: Callable[..., Value], x: float, verdict: str) -> None:
    (row,) = compare(f, x, names=["x"])
    assert (row.name, row.verdict) == ("x", verdict)


def test_operands_are_named_in_order_when_they_have_no_names() -> None:
    assert [row.name for row in compare(lambda a, b: a * b, 1.0, 2.0)] == ["x0", "x1"]
