"""What happens at the edges: infinities and kinds of numbers, stale and copied nodes, threads."""

from __future__ import annotations

import copy
import math
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from math import inf, log, nan, pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import (
    TABLE,
    InnerNodeError,
    NonFiniteError,
    NumberError,
    Op,
    StaleError,
    Value,
    check_finite,
    exp,
    first_nonfinite,
    gradient,
    maximum,
    minimum,
    relu,
    sin,
    sqrt,
    step,
    tanh,
)

pytestmark = pytest.mark.quick

Numbers = tuple[float, ...]

# row, operands -> value, gradients
ROWS: list[tuple[str, Numbers, float, Numbers]] = [
    ("pow", (0, 0), 1, (0, 0)),
    ("pow", (0, 2), 0, (0, 0)),
    ("pow", (0, 1), 0, (1, 0)),
    ("pow", (0, 0.5), 0, (inf, 0)),
    ("pow", (0, -1), inf, (-inf, -inf)),
    ("pow", (-0.0, -1), -inf, (-inf, inf)),
    ("pow", (-1e200, 3), -inf, (inf, nan)),
    ("pow", (1e200, 2), inf, (2e200, inf)),
    ("pow", (-2, 0.5), nan, (nan, nan)),
    ("pow", (-2, 3), -8, (12, nan)),
    ("pow", (2, 3), 8, (12, 8 * log(2))),
    ("pow", (1, nan), 1, (nan, 0)),
    ("hypot", (0, 0), 0, (0, 0)),
    ("hypot", (1e200, 1e200), sqrt(2) * 1e200, (sqrt(0.5), sqrt(0.5))),
    ("atan", (inf,), pi / 2, (0,)),
    ("atan2", (0, -1), pi, (-1, 0)),
    ("asin", (1,), pi / 2, (inf,)),
    ("asin", (2,), nan, (nan,)),
    ("acos", (-1,), pi, (-inf,)),
    ("acosh", (1,), 0, (inf,)),
    ("acosh", (0.5,), nan, (nan,)),
    ("atanh", (1,), inf, (inf,)),
    ("atanh", (-1,), -inf, (inf,)),
    ("atanh", (2,), nan, (nan,)),
    ("log2", (0,), -inf, (inf,)),
    ("log10", (-1,), nan, (nan,)),
    ("log1p", (-1,), -inf, (inf,)),
    ("expm1", (1000,), inf, (inf,)),
    ("exp2", (-2000,), 0, (0,)),
    ("erf", (inf,), 1, (0,)),
    ("sign", (-0.0,), -0.0, (0,)),
    ("sign", (nan,), nan, (nan,)),
    ("floor", (2,), 2, (0,)),
    ("floor", (-inf,), -inf, (0,)),
    ("ceil", (-0.5,), -0.0, (0,)),
    ("either", (0, nan), 1, (0, 0)),
    ("either", (0, -0.0), 0, (0, 0)),
    ("circle", (1,), 0, (-inf,)),
    ("circle", (2,), nan, (nan,)),
    ("bell", (-1000,), 0, (0,)),
    ("sech2", (20,), 1.6993417021166355e-17, (-3.398683404233271e-17,)),
    ("div", (1, 0), inf, (inf, -inf)),
    ("div", (1, -0.0), -inf, (-inf, -inf)),
    ("div", (-1, 0), -inf, (inf, inf)),
    ("div", (0, 0), nan, (nan, nan)),
    ("div", (inf, inf), nan, (nan, nan)),
    ("sub", (inf, inf), nan, (nan, nan)),
    ("mul", (inf, 0), nan, (nan, nan)),
    ("mul", (nan, 0), nan, (nan, nan)),
    ("mul", (1e200, 1e200), inf, (1e200, 1e200)),
    ("sqrt", (0,), 0, (inf,)),
    ("sqrt", (-1,), nan, (nan,)),
    ("log", (0,), -inf, (inf,)),
    ("log", (-1,), nan, (nan,)),
    ("exp", (1000,), inf, (inf,)),
    ("exp", (-1000,), 0, (0,)),
    ("sinh", (-1000,), -inf, (inf,)),
    ("cosh", (-1000,), inf, (-inf,)),
    ("sin", (inf,), nan, (nan,)),
    ("cos", (-inf,), nan, (nan,)),
    ("tan", (inf,), nan, (nan,)),
    ("tanh", (20,), 1, (1.6993417021166355e-17,)),
    ("tanh", (-1000,), -1, (0,)),
    ("sigmoid", (1000,), 1, (0,)),
    ("sigmoid", (-1000,), 0, (0,)),
    ("sigmoid", (40,), 1, (4.248354255291589e-18,)),
    ("softplus", (1000,), 1000, (1,)),
    ("softplus", (-1000,), 0, (0,)),
    ("softplus", (inf,), inf, (1,)),
    ("softplus", (-inf,), 0, (0,)),
    ("relu", (0,), 0, (0,)),
    ("relu", (-0.0,), 0, (0,)),
    ("relu", (nan,), nan, (nan,)),
    ("step", (0,), 0, (0,)),
    ("step", (nan,), nan, (nan,)),
    ("less", (1, 2), 1, (0, 0)),
    ("less", (inf, inf), 0, (0, 0)),
    ("less", (nan, 1), nan, (nan, nan)),
    ("abs", (0,), 0, (0,)),
    ("abs", (nan,), nan, (nan,)),
    ("max", (1, 1), 1, (0.5, 0.5)),
    ("min", (1, 1), 1, (0.5, 0.5)),
    ("max", (inf, inf), inf, (0.5, 0.5)),
    ("min", (-inf, -inf), -inf, (0.5, 0.5)),
    ("max", (inf, 1), inf, (1, 0)),
    ("min", (-inf, 1), -inf, (1, 0)),
    ("max", (nan, 1), nan, (nan, nan)),
    ("max", (1, nan), nan, (nan, nan)),
    ("min", (nan, 1), nan, (nan, nan)),
    ("min", (1, nan), nan, (nan, nan)),
    ("mask", (0, nan), 0, (0, 0)),
    ("mask", (0, inf), 0, (0, 0)),
    ("mask", (2, 3), 3, (0, 1)),
]

# expression in a and b, operands -> value, gradients
EXPRESSIONS: list[tuple[str, Numbers, float, Numbers]] = [
    ("a**0", (0,), 1, (0,)),
    ("a**1", (0,), 0, (1,)),
    ("a**0.5", (0,), 0, (inf,)),
    ("a**-1", (0,), inf, (-inf,)),
    ("a**-0.5", (0,), inf, (-inf,)),
    ("a**0.5", (-2,), nan, (nan,)),
    ("a**3", (-2,), -8, (12,)),
    ("a**2", (1e200,), inf, (2e200,)),
    ("2**a", (0,), 1, (log(2),)),
    ("0**a", (0,), 1, (0,)),
    ("0**a", (2,), 0, (0,)),
    ("(-2)**a", (2,), 4, (nan,)),
    ("1/a", (0,), inf, (-inf,)),
    ("1/a", (-0.0,), -inf, (-inf,)),
    ("-1/a", (0,), -inf, (inf,)),
    ("sqrt(a*a)", (0,), 0, (nan,)),
    ("a*a", (1e200,), inf, (2e200,)),
    ("a*a", (3,), 9, (6,)),
    ("a+a", (3,), 6, (2,)),
    ("a-a", (3,), 0, (0,)),
    ("a/a", (3,), 1, (0,)),
    ("a**a", (2,), 4, (4 * (1 + log(2)),)),
    ("max(a, a)", (1,), 1, (1,)),
    ("min(a, a)", (1,), 1, (1,)),
    ("max(a, 0)", (0,), 0, (0.5,)),
    ("a*b - b*a", (3, 5), 0, (0, 0)),
    ("exp(a) + b", (1000, 1), inf, (inf, 1)),
    ("b + 0/a", (0, 1), nan, (nan, nan)),
]

NAMED = pytest.mark.parametrize
BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
COMPARISONS = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def title(case: object) -> str | None:
    return case if isinstance(case, str) else str(case) if isinstance(case, tuple) else None


def same(found: float, expected: float) -> bool:
    """Equal to the last digits, and a plain float."""
    equal = math.isclose(found, expected, rel_tol=1e-15) or (
        found != found and expected != expected
    )
    return type(found) is float and equal


def backward_of(f: Callable[..., Value], xs: Numbers) -> tuple[float, list[float]]:
    leaves = [Value(x) for x in xs]
    y = f(*leaves)
    y.backward()
    return y.data, [x.grad for x in leaves]


def gradient_of(f: Callable[..., Value], xs: Numbers) -> tuple[float, list[float]]:
    leaves = [Value(x) for x in xs]
    y = f(*leaves)
    return y.data, [derivative.data for derivative in gradient(y, leaves)]


BOTH = NAMED("differentiate", [backward_of, gradient_of], ids=["backward", "gradient"])


@BOTH
@NAMED(("name", "xs", "value", "gradients"), ROWS, ids=title)
def test_a_row_at_its_edges(
    differentiate: Callable[..., Any], name: str, xs: Numbers, value: float, gradients: Numbers
) -> None:
    found, derivatives = differentiate(TABLE[name], xs)
    assert same(found, value)
    assert all(map(same, derivatives, gradients)), derivatives


@NAMED(("name", "xs", "value", "gradients"), ROWS, ids=title)
def test_a_row_called_on_floats_has_the_same_edges(
    name: str, xs: Numbers, value: float, gradients: Numbers
) -> None:
    assert same(TABLE[name](*xs), value)


@BOTH
@NAMED(("text", "xs", "value", "gradients"), EXPRESSIONS, ids=title)
def test_an_expression_at_its_edges(
    differentiate: Callable[..., Any], text: str, xs: Numbers, value: float, gradients: Numbers
) -> None:
    names = ("a", "b")[: len(xs)]
    found, derivatives = differentiate(eval(f"lambda {', '.join(names)}: {text}", {**TABLE}), xs)
    assert same(found, value)
    assert all(map(same, derivatives, gradients)), derivatives


FLOATS = st.one_of(
    st.floats(), st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, inf, -inf, nan, 1e308, 5e-324])
)


@given(st.sampled_from(list(TABLE.values())), FLOATS, FLOATS)
@settings(deadline=None, max_examples=400)
def test_nothing_raises_and_nan_has_no_other_derivative_than_nan(
    op: Op, a: float, b: float
) -> None:
    """For every row and all floats: floats out, and backward() gives what gradient() gives."""
    xs = (a, b)[: len(op.derivatives)]
    value, grads = backward_of(op, xs)
    again, derivatives = gradient_of(op, xs)
    assert same(again, value)
    assert same(op(*xs), value)
    for grad, derivative in zip(grads, derivatives, strict=True):
        assert same(grad, derivative)
        assert value == value or grad != grad


@given(st.lists(st.sampled_from(list(TABLE.values())), max_size=8), FLOATS, FLOATS)
@settings(deadline=None, max_examples=150)
def test_nothing_raises_along_a_chain_of_operations(ops: list[Op], a: float, b: float) -> None:
    x, other = Value(a), Value(b)
    y = x
    for op in ops:
        y = op(*(y, other)[: len(op.derivatives)])
    y.backward()
    assert type(y.data) is type(x.grad) is type(other.grad) is float


# numbers


REALS = [3, 10**300, True, Fraction(1, 4), np.float64(0.1), np.float32(0.1)]
REALS += [np.int64(-7), np.int8(100), np.uint8(200), np.bool_(True)]


@NAMED("x", REALS, ids=lambda x: type(x).__name__)
def test_every_kind_of_real_number_becomes_a_float(x: Any) -> None:
    """Also beside a Value, on either side; small integers do not wrap around."""
    assert same(Value(x).data, float(x))
    leaf = Value(1.0)
    leaf.data = x
    assert same(leaf.data, float(x))
    for operator in BINARY.values():
        v = Value(1.5)
        for y, right in (
            (operator(v, x), operator(v, Value(float(x)))),
            (operator(x, v), operator(Value(float(x)), v)),
        ):
            assert type(y) is Value
            assert same(y.data, right.data)
            assert same(gradient(y, [v])[0].data, gradient(right, [v])[0].data)
    for compare in COMPARISONS.values():
        v = Value(1.5)
        assert compare(v, x) is compare(1.5, float(x))
        assert compare(x, v) is compare(float(x), 1.5)
    assert same(tanh(x), math.tanh(x))
    assert same(maximum(Value(2.0), x).data, max(2.0, float(x)))


NO_NUMBERS = ["3", None, 1j, np.complex128(1), Decimal(1), [1.0], (1.0,), {}, object()]
ARRAYS = [np.array(1.0), np.array([1.0, 2.0])]


@NAMED("x", NO_NUMBERS, ids=lambda x: type(x).__name__)
def test_anything_else_is_a_type_error_that_names_the_type(x: Any) -> None:
    """At once, whether it is a leaf's number or the other operand, on either side."""
    leaf, v = Value(1.0), Value(2.0)
    attempts: list[Callable[[], Any]] = [
        lambda: Value(x),
        lambda: setattr(leaf, "data", x),
        lambda: sin(x),
        lambda: maximum(v, x),
        lambda: maximum(x, v),
        *(lambda f=f: f(v, x) for f in (*BINARY.values(), *COMPARISONS.values())),
        *(lambda f=f: f(x, v) for f in (*BINARY.values(), *COMPARISONS.values())),
    ]
    name = "complex" if isinstance(x, complex) else type(x).__name__
    for attempt in attempts:
        with pytest.raises(TypeError, match=rf"expected one real number, got an? {name}"):
            attempt()
    assert leaf.data == 1.0
    assert issubclass(NumberError, TypeError)


@NAMED("x", ARRAYS, ids=["of no dimension", "of one"])
def test_an_array_is_no_number_and_an_operand_element_by_element(x: Any) -> None:
    leaf, v = Value(1.0), Value(2.0)
    for attempt in (
        lambda: Value(x),
        lambda: setattr(leaf, "data", x),
        lambda: sin(x),
        lambda: maximum(v, x),
    ):
        if not x.ndim:  # it is one number
            attempt()
        else:
            with pytest.raises(TypeError, match="expected one real number, got a ndarray"):
                attempt()
    assert leaf.data == (1.0 if x.ndim else x.item())
    for operator in BINARY.values():
        for y, expected in ((operator(v, x), operator(2.0, x)), (operator(x, v), operator(x, 2.0))):
            assert [z.data for z in np.ravel(y)] == list(np.ravel(expected))
    for compare in COMPARISONS.values():
        assert np.array_equal(compare(v, x), compare(2.0, x))
        assert np.array_equal(compare(x, v), compare(x, 2.0))


def test_a_value_is_no_number_for_a_leaf() -> None:
    with pytest.raises(TypeError, match="got a Value"):
        Value(Value(1.0))


@NAMED("x", [10**400, -(10**400), Fraction(10**400)], ids=["int", "negative int", "Fraction"])
def test_an_integer_that_no_float_can_hold_is_an_overflow_error(x: Any) -> None:
    with pytest.raises(OverflowError, match="the largest float"):
        Value(x)
    with pytest.raises(OverflowError, match="the largest float"):
        Value(1.0) + x


def test_a_value_reads_as_its_number() -> None:
    v = Value(-1.25)
    assert (float(v), f"{v:.3f}", f"{v:+.1e}", abs(v).data) == (-1.25, "-1.250", "-1.2e+00", 1.25)
    assert f"{v}" == str(v) == repr(v) == "Value(-1.25, grad=0.0)"
    assert type(float(v)) is float
    assert repr(tanh(Value(0.0, label="x"))) == "Value(0.0, grad=0.0, op='tanh')"
    assert repr(Value(2.0, label="x")) == "Value(2.0, grad=0.0, label='x')"


def test_comparisons_compare_numbers() -> None:
    for compare in COMPARISONS.values():
        for a in (1.0, 2.0, -0.0, inf, nan):
            for b in (1.0, 2.0, 0.0, inf, nan):
                assert compare(Value(a), Value(b)) is compare(a, b)
                assert compare(Value(a), b) is compare(a, Value(b)) is compare(a, b)


def test_equality_and_hash_are_identity() -> None:
    a, b = Value(1.0), Value(1.0)
    assert a == a
    assert a != b
    assert a in [b, a]
    assert a != "1.0"
    assert len({a: 1, b: 2, a + 0: 3}) == 3
    a_hash = hash(a)
    a.data = 7.0
    assert hash(a) == a_hash


# graphs


def test_backward_twice_adds_its_own_gradients_and_never_sends_old_ones_again() -> None:
    a = Value(3.0)
    square = a * a
    y = square * a
    y.backward()
    assert (a.grad, square.grad, y.grad) == (27, 3, 1)
    y.backward()
    assert (a.grad, square.grad, y.grad) == (54, 6, 2)
    a.grad = 0.0
    y.backward()
    assert a.grad == 27


def test_two_outputs_that_share_nodes_are_both_right() -> None:
    a = Value(2.0)
    b = a * a
    (3 * b).backward()
    (5 * b).backward()
    assert (a.grad, b.grad) == (32, 8)


def test_backward_on_a_leaf_adds_1() -> None:
    a = Value(2.0)
    a.backward()
    a.backward()
    assert a.grad == 2.0


def test_an_operand_used_twice_is_two_operands() -> None:
    a = Value(3.0)
    for y in (a * a, a + a, a - a, a / a, a**a, maximum(a, a)):
        assert y.args == (a, a)


def test_adding_in_place_makes_a_new_node() -> None:
    a = first = Value(1.0)
    b = a * 3
    a += 1
    assert a is not first
    assert (a.args[0], b.args[0]) == (first, first)
    b.backward()
    assert (first.grad, a.grad) == (3.0, 0.0)


def test_backward_is_of_the_numbers_that_were_computed_with() -> None:
    """A leaf that was set since changes neither its own gradient nor another's."""
    x, w = Value(3.0), Value(5.0)
    y = tanh(x * w / 10) + x * x + w**x + maximum(x, w)
    twin_x, twin_w = Value(3.0), Value(5.0)
    (
        tanh(twin_x * twin_w / 10) + twin_x * twin_x + twin_w**twin_x + maximum(twin_x, twin_w)
    ).backward()
    x.data, w.data = -1.0, 100.0
    y.backward()
    assert (x.grad, w.grad) == (twin_x.grad, twin_w.grad)


@NAMED("new", [-1.0, nan, inf, 3.0000000000000004], ids=str)
def test_gradient_refuses_a_stale_graph_and_names_the_leaf(new: float) -> None:
    x, w = Value(3.0, label="x"), Value(5.0, label="w")
    y = exp(x * w)
    x.data = new
    with pytest.raises(StaleError, match=r"label='x'.* was 3\.0"):
        gradient(y, [w])
    x.data = 3.0
    assert gradient(y, [w])[0].data == 3.0 * y.data


def test_a_zero_that_changes_sign_is_stale() -> None:
    """0.0 == -0.0, but 1/0.0 is not 1/-0.0."""
    x = Value(0.0)
    y = 1 / x
    x.data = -0.0
    with pytest.raises(StaleError):
        gradient(y, [x])


def test_a_leaf_that_was_set_before_it_was_used_is_not_stale() -> None:
    x = Value(3.0)
    x.data = 4
    y = x * x
    assert (y.data, gradient(y, [x])[0].data) == (16.0, 8.0)
    x.data = nan
    z = step(x) * 2
    assert math.isnan(gradient(z, [x])[0].data)


def test_only_a_leaf_can_be_set() -> None:
    x = Value(1.0)
    y = x + 1
    for node in (y, y.args[1], gradient(3 * x, [x])[0]):
        with pytest.raises(InnerNodeError, match="only a leaf's data can be set"):
            node.data = 2.0
    assert issubclass(InnerNodeError, AttributeError)
    assert issubclass(InnerNodeError, TypeError)
    assert y.data == 2.0


def test_a_value_takes_no_other_attributes() -> None:
    with pytest.raises(AttributeError):
        Value(1.0).dta = 2.0
    assert not hasattr(Value(1.0), "__dict__")


def test_a_plain_number_is_a_constant_without_gradient() -> None:
    x = Value(2.0)
    y = x * 3 + 1
    constants = [y.args[1], y.args[0].args[1]]
    y.backward()
    assert [c.data for c in constants] == [1.0, 3.0]
    assert [c.grad for c in constants] == [0.0, 0.0]
    assert [c.args for c in constants] == [(), ()]
    assert [g.data for g in gradient(y, constants)] == [0.0, 0.0]


def test_constants_of_constants_fold() -> None:
    """A derivative that is a number is one node, however it came about."""
    x = Value(2.0)
    (first,) = gradient(3 * x + 4, [x])
    assert (first.data, first.args, (first * 2 + 1).args, tanh(first).args) == (3.0, (), (), ())


def test_gradient_changes_no_grad() -> None:
    x = Value(2.0)
    y = x * x
    gradient(gradient(y, [x])[0], [x])
    assert (x.grad, y.grad) == (0.0, 0.0)


@NAMED("n", range(5))
def test_derivatives_of_a_whole_power_end_in_zero_also_at_0(n: int) -> None:
    x = Value(0.0)
    y, found = x**n, []
    for _ in range(n + 3):
        (y,) = gradient(y, [x])
        found.append(y.data)
    assert found == [math.factorial(n) if order == n else 0.0 for order in range(1, n + 4)]


@NAMED("f", [Value.log, lambda x: x**0.5, lambda x: (x + 1) / (x + 1)], ids=["log", "root", "0/0"])
def test_what_is_undefined_has_no_derivative_of_any_order(f: Callable[..., Value]) -> None:
    x = Value(-1.0)
    y = f(x)
    for _ in range(4):
        (y,) = gradient(y, [x])
        assert math.isnan(y.data)


def test_a_subclass_gets_the_same_numbers_whatever_its_constructor_does() -> None:
    class Doubled(Value):
        def __init__(self, data: float, scale: float) -> None:
            super().__init__(data * scale)

        def __bool__(self) -> bool:
            return self.data != 0

    x = Doubled(0.0, 2.0)
    (first,) = gradient(x**2 + 1, [x])
    assert [(x + 3).data, first.data, gradient(first, [x])[0].data] == [3.0, 0.0, 2.0]


# copies


@NAMED(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))],
    ids=["copy", "deepcopy", "pickle"],
)
class TestCopies:
    def test_a_leaf_is_copied_with_its_numbers_and_label(self, duplicate: Any) -> None:
        x = Value(2.0, label="x")
        x.grad = 3.0
        twin = duplicate(x)
        assert (twin.data, twin.grad, twin.label, twin.args) == (2.0, 3.0, "x", ())
        twin.data = 5
        twin.grad = 0.0
        assert (x.data, x.grad) == (2.0, 3.0)
        (twin * twin).backward()
        assert (twin.grad, x.grad) == (10.0, 3.0)

    def test_an_inner_node_is_not_and_the_error_says_what_to_do(self, duplicate: Any) -> None:
        y = Value(2.0) * 3
        for node in (y, y.args[1]):
            with pytest.raises(InnerNodeError, match="save the leaves"):
                duplicate(node)


def test_a_deep_copy_keeps_shared_leaves_shared() -> None:
    x = Value(1.0)
    first, second = copy.deepcopy([x, x])
    assert first is second


# threads


@contextmanager
def eager_threads() -> Iterator[None]:
    """Threads that change places as often as the interpreter can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def test_threads_with_shared_leaves_add_up() -> None:
    """Each thread has graphs of its own; whole numbers, so that no order changes the sum."""
    shared = [Value(float(i)) for i in range(1, 6)]
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def work(k: int) -> None:
        try:
            start.wait()
            for _ in range(100):
                own = Value(float(k))
                y = own
                for x in shared:
                    y = y + own * x * x
                y.backward()
                assert own.grad == 1 + sum(x.data**2 for x in shared)
                assert gradient(y, [own])[0].data == own.grad
        except BaseException as error:
            failures.append(error)

    with eager_threads():
        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert [x.grad for x in shared] == [100 * sum(range(8)) * 2 * x.data for x in shared]


# the first number that is not finite


def test_the_first_operation_that_made_nan_or_infinity_is_found() -> None:
    x = Value(-1.0, label="x")
    bad = (x * 2).log()
    y = tanh(bad) + relu(x)
    assert first_nonfinite(y) is bad
    bad.label = "c"
    with pytest.raises(NonFiniteError, match=r"c = log\(-2\) is nan"):
        check_finite(y)
    assert issubclass(NonFiniteError, ArithmeticError)


def test_an_infinite_leaf_is_found_as_a_number_that_was_given() -> None:
    x = Value(inf, label="x")
    assert first_nonfinite(x + 1) is x
    with pytest.raises(NonFiniteError, match="x was given as inf"):
        check_finite(x + 1)


def test_the_first_operation_whose_derivative_is_not_finite_is_found() -> None:
    """sqrt(x*x) at 0: all values are finite, and sqrt sends back the infinity."""
    x = Value(0.0)
    root = sqrt(x * x)
    y = root + 1
    y.backward()
    assert math.isnan(x.grad)
    assert first_nonfinite(y) is root
    with pytest.raises(NonFiniteError, match=r"the derivative of sqrt\(0\) by its operand"):
        check_finite(y)


def test_a_gradient_that_overflows_by_adding_up_is_found() -> None:
    """Each contribution is finite, only their sum is not."""
    x = Value(1.0)
    y = x * 1e308 - 1e308
    z = y + x * 1e308 - 1e308
    z.backward()
    assert x.grad == inf
    assert first_nonfinite(z) is x


def test_a_graph_of_finite_numbers_passes() -> None:
    x = Value(2.0)
    y = minimum(x, 3) ** 2
    assert first_nonfinite(y) is None
    y.backward()
    assert first_nonfinite(y) is None
    assert check_finite(y) is y
