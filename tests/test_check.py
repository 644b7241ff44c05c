"""Numerical derivatives and gradcheck: what they get right, and that they notice what is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from random import Random
from typing import Any

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
from tinygrad_edu.analysis.check import compare
from tinygrad_edu.compat.micrograd.engine import Value as Node
from tinygrad_edu.nn import MLP

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
@settings(deadline=None, max_examples=10, phases=[Phase.generate])  # shrinking takes minutes
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


@pytest.mark.quick
def test_a_wrong_gradient_is_an_assertion_error_with_the_operand_and_both_numbers() -> None:
    wrong = Op("wrong", lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: 1.5 * a)
    with pytest.raises(GradientError) as caught:
        gradcheck(wrong, 2.0, 5.0)
    message = str(caught.value)
    assert message.startswith("derivative by x1: 3.0 from the rules, ")
    numerical = float(message.split(", ")[1].split()[0])
    assert numerical == pytest.approx(2.0, rel=1e-9)
    assert issubclass(GradientError, AssertionError)


@pytest.mark.quick
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
    digit = Op("digit", math.tanh, lambda y, a: (1 - y * y) * (1 + 1e-10))
    with pytest.raises(GradientError):  # rounding explains no error in the tenth digit
        gradcheck(digit, 1.0, order=1, tolerance=0.0)


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


@pytest.mark.parametrize("slope", [1.05, 1.5, -1.05])
def test_what_is_no_slope_between_the_two_sides_of_a_kink_is_caught(slope: float) -> None:
    """Those of |a| at 0 are -1 and 1; there and nowhere else the rule has another slope."""
    kink = Op("kink", abs, lambda y, a: step(a) - step(-a) + (1 - step(abs(a))) * slope)
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


# right rules are never blamed, wrong ones are, at every scale


@pytest.mark.quick
@pytest.mark.parametrize(
    ("f", "xs"),
    [
        pytest.param(sin, (1e12,), id="sin far out"),
        pytest.param(lambda a: ops.sigmoid(1000 * a), (0.015294048844456965,), id="steep"),
        pytest.param(lambda a, b: a / b, (1e-200, 1e-200), id="tiny operands"),
        pytest.param(
            network, (-5.960464477539063e-08, 1.1125369292536007e-308, 1.4e-45), id="near a kink"
        ),
        pytest.param(network, (3.66e-97, 0.4, 1.1e-299), id="too near a kink"),
        pytest.param(lambda a: (a + 1e300) - 1e300, (1.0,), id="lost in rounding"),
        pytest.param(lambda a: a * 1e300 * 1e-200 * 1e-200, (1.0,), id="the sweep underflows"),
        pytest.param(lambda a: a * 1e-300 * 1e300 * 1e300, (1.0,), id="the sweep overflows"),
        pytest.param(lambda a: sqrt(a * a), (0.0,), id="an inner slope is infinite"),
        pytest.param(lambda a: relu(a) - relu(-a), (0.0,), id="two kinks that make none"),
        pytest.param(lambda a: relu(a) ** 2, (0.0,), id="a kink of the first derivative"),
    ],
)
def test_a_right_rule_is_not_blamed(f: Callable[..., Value], xs: tuple[float, ...]) -> None:
    assert gradcheck(f, *xs)


@pytest.mark.parametrize("scale", [1e-300, 1e-15, 1e-8, 1.0, 1e15, 1e150])
@pytest.mark.parametrize("x", [1e-200, 1e-12, 0.7, 1e5])
def test_a_rule_half_off_is_caught_at_every_scale(scale: float, x: float) -> None:
    half = Op("half", lambda a: scale * a, lambda y, a: scale / 2)
    with pytest.raises(GradientError):
        gradcheck(half, x)


def test_own_operations_may_round_inside() -> None:
    """log(1 + a) is 0 for a = 1e-20, and its derivative 1 / (1 + a) is right all the same."""
    naive = Op("naive", lambda a: math.log(1 + a), lambda y, a: 1 / (1 + a))
    for x in (0.0, 1e-20, 1e-15, 1e-8, 0.5):
        assert gradcheck(naive, x)


def test_at_a_kink_of_the_first_derivative_the_slopes_of_both_sides_are_told() -> None:
    first, second = compare(lambda a: relu(a) ** 2, 0.0, order=2)
    assert (first.verdict, second.verdict, second.name) == ("agrees", "kink", "x0, x0")
    assert second.slopes == pytest.approx((0.0, 2.0))


CORNERS = [0.0, -0.0, -2.5, math.inf, math.nan, 1e300, 5e-324]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, math.nan, 1e-300, 1e300, 700.0, -700.0, 5e-324, 1e-5]


def random_graph(seed: int) -> tuple[Callable[..., Value], list[float]]:
    """Up to seven operations of the table, of one to three leaves, and the leaves' numbers."""
    random = Random(seed)
    xs = [
        random.choice(SPECIAL) if random.random() < 0.6 else random.uniform(-3, 3)
        for _ in range(random.randint(1, 3))
    ]
    rows = random.choices(list(ops.TABLE.values()), k=random.randint(1, 7))
    again = random.random()

    def f(*leaves: Value) -> Any:
        random, pool = Random(again), list(leaves)
        for op in rows:
            operands: list[Any] = []
            for _ in op.derivatives:
                constant = random.random() < 0.15
                operands.append(random.choice(SPECIAL if constant else pool))
            pool.append(op(*operands))
        return pool[-1]

    return f, xs


def test_gradcheck_blames_no_rule_on_random_graphs() -> None:
    for seed in range(120):
        f, xs = random_graph(seed)
        assert gradcheck(f, *xs), seed


@pytest.mark.parametrize("op", ops.TABLE.values(), ids=list(ops.TABLE))
def test_gradcheck_blames_no_row_at_special_numbers(op: Op) -> None:
    count = len(op.derivatives)
    for xs in product(CORNERS if count == 2 else [*SPECIAL, 0.3, -2.5], repeat=count):
        try:
            assert gradcheck(op, *xs)
        except GradientError as error:
            raise AssertionError(f"{op.name} at {xs}: {error}") from None


# What learners write: a _backward of their own, a class of their own, a model


def own_tanh(x: Node, slope: Callable[[float], float]) -> Node:
    """tanh, as a lecture writes it; `slope` is what it passes on, from its result."""
    out = Node(math.tanh(x.data), (x,), "tanh")

    def backward() -> None:
        x.grad += slope(out.data) * out.grad

    out._backward = backward
    return out


def test_an_own_backward_is_compared_with_values_at_order_1() -> None:
    assert gradcheck(lambda a, b: own_tanh(a * b, lambda t: 1 - t**2) + a, 0.5, 0.7, value=Node)
    assert gradcheck(lambda a: own_tanh(a, lambda t: 1 - t**2), 0.5)
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda a: own_tanh(a, lambda t: 1 - t), 0.5)
    ours, numerical = [
        float(word.split()[0]) for word in str(caught.value).split(": ")[1].split(", ")
    ]
    assert ours == pytest.approx(1 - math.tanh(0.5), rel=1e-12)
    assert numerical == pytest.approx(1 - math.tanh(0.5) ** 2, rel=1e-9)


class Theirs:
    """An engine that is not ours, whose product sets a grad where it must add to it."""

    def __init__(self, data: float, children: tuple[Theirs, ...] = ()) -> None:
        self.data, self.grad, self.children = data, 0.0, children
        self.send: Callable[[], None] = lambda: None

    def __add__(self, other: Theirs) -> Theirs:
        out = Theirs(self.data + other.data, (self, other))

        def send() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out.send = send
        return out

    def __mul__(self, other: Theirs) -> Theirs:
        out = Theirs(self.data * other.data, (self, other))

        def send() -> None:
            self.grad += other.data * out.grad
            other.grad = self.data * out.grad

        out.send = send
        return out

    def backward(self) -> None:
        order: list[Theirs] = []

        def visit(node: Theirs) -> None:
            if node not in order:
                for child in node.children:
                    visit(child)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            node.send()


def test_a_class_that_is_not_ours_is_checked() -> None:
    assert gradcheck(lambda a, b: a * b, 2.0, 3.0, value=Theirs)
    with pytest.raises(GradientError, match=r"derivative by x1: 2\.0 from the rules, [23]\."):
        gradcheck(lambda a, b: a * b + b, 2.0, 3.0, value=Theirs)


def test_a_model_is_checked_by_its_parameters_which_stay_as_they_are() -> None:
    model = MLP(2, [2, 1])
    parameters = list(model.parameters())
    numbers = [p.data for p in parameters]
    parameters[0].grad = 7.0

    def loss() -> Value:
        (y,) = model([0.5, -1.0])
        return (y - 0.3) ** 2

    assert gradcheck(loss, wrt=parameters)
    assert [p.data for p in parameters] == numbers
    assert [p.grad for p in parameters] == [7.0, *[0.0] * (len(parameters) - 1)]
    wrong = Op("wrong", lambda a: a * a, lambda y, a: 3 * a)
    with pytest.raises(GradientError):
        gradcheck(lambda: wrong(loss()), wrt=parameters)


def test_nothing_to_differentiate_by_is_an_error() -> None:
    with pytest.raises(TypeError, match="wrt="):
        gradcheck(lambda: Value(1.0))
