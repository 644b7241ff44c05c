"""Values and their derivatives where nothing is special: known answers and laws."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import TABLE, Value, exp, gradient, log, relu, tanh, topological_order

pytestmark = pytest.mark.quick

# known answers


def test_the_expression_of_micrograds_readme() -> None:
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    numbers = [g.data, a.grad, b.grad]
    assert [round(x, 4) for x in numbers] == [24.7041, 138.8338, 645.5773]


def test_the_sanity_check_of_micrograd() -> None:
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def by_tanh(n: Value) -> Value:
    return tanh(n)


def by_exponentials(n: Value) -> Value:
    e = exp(2 * n)
    return (e - 1) / (e + 1)


@pytest.mark.parametrize("squash", [by_tanh, by_exponentials])
def test_the_neuron_of_the_lecture(squash: Callable[[Value], Value]) -> None:
    x1, x2, w1, w2 = map(Value, (2.0, 0.0, -3.0, 1.0))
    o = squash(x1 * w1 + x2 * w2 + 6.8813735870195432)
    o.backward()
    assert o.data == pytest.approx(math.sqrt(0.5), abs=1e-15)
    assert [x1.grad, w1.grad, x2.grad, w2.grad] == pytest.approx([-1.5, 1.0, 0.5, 0.0], abs=1e-14)


def test_the_softmax_of_the_exercise_sheet() -> None:
    logits = [Value(x) for x in (0.0, 3.0, -2.0, 1.0)]
    powers = [exp(x) for x in logits]
    loss = -log(powers[3] / sum(powers))
    loss.backward()
    assert loss.data == pytest.approx(2.1755153626167147, rel=1e-15)
    expected = [0.041772570515350445, 0.8390245074625319, 0.005653302662216329, -0.8864503806400986]
    assert [x.grad for x in logits] == pytest.approx(expected, rel=1e-13)


def test_the_first_five_derivatives_of_a_fourth_power() -> None:
    x = Value(2.0)
    derivatives = [x**4]
    for _ in range(5):
        derivatives += gradient(derivatives[-1], [x])
    assert [y.data for y in derivatives] == [16, 32, 48, 48, 24, 0]


def test_the_derivatives_of_an_exponential_are_itself_up_to_order_8() -> None:
    x = Value(0.5)
    y = exp(x)
    for _ in range(8):
        (y,) = gradient(y, [x])
        assert y.data == math.exp(0.5)


def test_the_hessian_of_rosenbrocks_function() -> None:
    """At (-1.2, 1), by hand: 1200x^2 - 400y + 2 and -400x; -400x and 200."""
    x, y = Value(-1.2), Value(1.0)
    f = (1 - x) ** 2 + 100 * (y - x**2) ** 2
    slopes = gradient(f, [x, y])
    hessian = [[entry.data for entry in gradient(slope, [x, y])] for slope in slopes]
    assert f.data == pytest.approx(24.2, rel=1e-14)
    assert [slope.data for slope in slopes] == pytest.approx([-215.6, -88.0], rel=1e-14)
    assert hessian[0] == pytest.approx([1330.0, 480.0], rel=1e-14)
    assert hessian[1] == pytest.approx([480.0, 200.0], rel=1e-14)


# what can be asked


def test_the_derivative_by_an_inner_node() -> None:
    x = Value(3.0)
    square = x * x
    y = square * square + x
    assert [g.data for g in gradient(y, [square, x, y])] == [18.0, 109.0, 1.0]
    y.backward()
    assert (square.grad, x.grad, y.grad) == (18.0, 109.0, 1.0)


def test_an_inner_node_is_differentiated_by_at_every_order() -> None:
    """The graph above an inner node is kept, so the derivative of the derivative is right."""
    x = Value(3.0)
    square = x * x
    (first,) = gradient(square**3, [square])
    assert (first.data, gradient(first, [square])[0].data) == (243.0, 54.0)
    assert gradient(first, [x])[0].data == 54.0 * 6.0


def test_the_derivative_of_something_independent_is_0() -> None:
    x, y, apart = Value(3.0), Value(2.0), Value(5.0)
    assert [g.data for g in gradient(x * y, [apart, apart * x, y * x])] == [0.0, 0.0, 0.0]
    assert gradient(relu(x) * y, []) == []


def test_a_derivative_asked_for_twice_is_given_twice() -> None:
    x = Value(3.0)
    assert [g.data for g in gradient(x * x, [x, x])] == [6.0, 6.0]


def test_variables_may_come_from_an_iterator() -> None:
    xs = [Value(1.0), Value(2.0)]
    assert [g.data for g in gradient(xs[0] * xs[1], iter(xs))] == [2.0, 1.0]


def test_every_node_has_its_grad_after_backward() -> None:
    x, w = Value(2.0), Value(-3.0)
    product = x * w
    y = product + product * x
    y.backward()
    assert [node.grad for node in (y, product, x, w)] == [1.0, 3.0, -15.0, 6.0]


def test_grads_are_0_until_somebody_computes_them() -> None:
    assert all(node.grad == 0.0 for node in topological_order(tanh(Value(1.0) * 2)))


def test_zero_grad_zeroes_inner_nodes_too() -> None:
    x = Value(2.0)
    y = tanh(x * x) + x
    y.backward()
    y.zero_grad()
    nodes = topological_order(y)
    assert [node.grad for node in nodes] == [0.0] * len(nodes)


def test_a_subclass_gives_a_graph_of_its_own_kind() -> None:
    class Named(Value):
        pass

    x = Named(2.0)
    y = 2 * x + tanh(x) ** 2 - -x
    assert {type(node) for node in topological_order(y)} == {Named}
    assert {type(node) for node in topological_order(gradient(y, [x])[0])} == {Named}


# operators

OPERATORS = {
    "+": (lambda a, b: a + b, lambda a, b: (1.0, 1.0)),
    "-": (lambda a, b: a - b, lambda a, b: (1.0, -1.0)),
    "*": (lambda a, b: a * b, lambda a, b: (b, a)),
    "/": (lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2)),
    "**": (lambda a, b: a**b, lambda a, b: (b * a ** (b - 1), a**b * math.log(a))),
}


@pytest.mark.parametrize("symbol", OPERATORS)
@pytest.mark.parametrize(
    "number", [3, 0.25, Fraction(5, 2), np.float64(1.5), np.int64(4)], ids=repr
)
def test_operators_mix_values_and_numbers_on_either_side(symbol: str, number: Any) -> None:
    """The node drawn is the operation written: `-` and `/` too, with the operands in order."""
    operator, slopes = OPERATORS[symbol]
    for left, right in ((Value(2.0), Value(number)), (Value(2.0), number), (number, Value(2.0))):
        a, b = float(left), float(right)
        y = operator(left, right)
        assert (str(y.op), y.data) == (symbol, operator(a, b))
        assert [x.data for x in y.args] == [a, b]
        y.backward()
        for x, written, slope in zip(y.args, (left, right), slopes(a, b), strict=True):
            expected = slope if x is written else 0.0  # a plain number has no gradient
            assert x.grad == pytest.approx(expected, rel=1e-15)


def test_minus_and_abs_are_operations() -> None:
    x = Value(-2.0)
    y = abs(x) - -x
    y.backward()
    assert (y.data, x.grad) == (0.0, 0.0)
    assert [str(node.op) for node in topological_order(y)] == ["", "abs", "neg", "-"]


def test_sum_of_values_works_and_begins_with_the_number_0() -> None:
    xs = [Value(1.0), Value(2.0)]
    total = sum(xs)
    total.backward()
    assert (total.data, [x.grad for x in xs]) == (3.0, [1.0, 1.0])


def test_a_value_has_no_power_modulo_a_number() -> None:
    with pytest.raises(TypeError):
        pow(Value(2.0), 3, 5)


# the order of a graph

SMALL = st.integers(-2, 2).map(float)


@st.composite
def graphs(draw: st.DrawFn) -> list[Value]:
    """Nodes of a graph of sums and products of whole numbers below 2**53: floats are exact."""
    nodes = [Value(x) for x in draw(st.lists(SMALL, min_size=1, max_size=4))]
    for _ in range(draw(st.integers(0, 5))):
        pick = st.sampled_from(nodes) | SMALL
        a, b = draw(st.sampled_from(nodes)), draw(pick)
        if draw(st.booleans()):
            a, b = b, a
        symbol = draw(st.sampled_from(["add", "sub", "mul", "max"]))
        nodes.append(TABLE[symbol](a, b))
    return nodes


EXACTLY = settings(deadline=None, max_examples=100)


@given(graphs())
@EXACTLY
def test_the_order_is_of_every_node_once_after_its_operands_with_the_root_last(
    nodes: list[Value],
) -> None:
    order = topological_order(nodes[-1])
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is nodes[-1]
    assert all(place[x] < place[node] for node in order for x in node.args)
    below = {nodes[-1]}
    for node in reversed(order):
        assert node in below  # nothing that the root was not computed from
        below.update(node.args)


def test_the_order_is_that_of_evaluation_from_left_to_right() -> None:
    a, b, c, d = (Value(1.0, label=name) for name in "abcd")
    y = (a * b + c) - d * a
    order = topological_order(y)
    assert [node.label or str(node.op) for node in order] == list("ab*c+d*-")


def test_a_leaf_is_its_own_order() -> None:
    x = Value(1.0)
    assert topological_order(x) == [x]


# laws; whole numbers, so that both sides are exactly equal


def grads(y: Value, xs: list[Value]) -> list[float]:
    y.zero_grad()
    for x in xs:
        x.grad = 0.0
    y.backward()
    return [x.grad for x in xs]


@given(graphs())
@EXACTLY
def test_gradient_and_backward_agree_on_every_node(nodes: list[Value]) -> None:
    y = nodes[-1]
    assert [g.data for g in gradient(y, nodes)] == grads(y, nodes)


@given(graphs(), SMALL, SMALL, st.data())
@EXACTLY
def test_derivatives_are_linear(
    nodes: list[Value], alpha: float, beta: float, data: st.DataObject
) -> None:
    f, g = data.draw(st.sampled_from(nodes)), data.draw(st.sampled_from(nodes))
    leaves = [node for node in nodes if not node.args]
    of_f, of_g = grads(f, leaves), grads(g, leaves)
    expected = [alpha * df + beta * dg for df, dg in zip(of_f, of_g, strict=True)]
    assert grads(alpha * f + beta * g, leaves) == expected


@given(graphs())
@EXACTLY
def test_a_difference_has_the_gradient_of_the_sum_with_the_opposite(nodes: list[Value]) -> None:
    leaves = [node for node in nodes if not node.args]
    a, b = nodes[-1], nodes[len(nodes) // 2]
    assert grads(a - b, leaves) == grads(a + (-b), leaves)


@given(st.lists(SMALL, min_size=2, max_size=6), SMALL)
@EXACTLY
def test_a_shared_leaf_has_the_sum_of_the_gradients_of_its_copies(
    factors: list[float], number: float
) -> None:
    def polynomial(xs: list[Value]) -> Value:
        return reduce(lambda y, pair: y * pair[0] + pair[1], zip(xs, factors, strict=True), xs[0])

    copies = [Value(number) for _ in factors]
    shared = Value(number)
    apart = grads(polynomial(copies), copies)
    assert grads(polynomial([shared] * len(factors)), [shared]) == [sum(apart)]


@given(graphs(), st.integers(1, 4))
@EXACTLY
def test_backward_n_times_is_n_times_the_gradient(nodes: list[Value], n: int) -> None:
    y = nodes[-1]
    once = grads(y, nodes)
    y.zero_grad()
    for _ in range(n):
        y.backward()
    assert [node.grad for node in nodes] == [n * x for x in once]


@given(graphs())
@EXACTLY
def test_neither_pass_changes_a_number(nodes: list[Value]) -> None:
    before = [node.data for node in nodes]
    nodes[-1].backward()
    gradient(nodes[-1], nodes)
    assert [node.data for node in nodes] == before


def test_the_paths_of_a_graph_are_not_walked_one_by_one() -> None:
    """1,000 doublings have 2**1000 paths from the output to the leaf."""
    x = Value(1.0)
    y = reduce(lambda y, _: y + y, range(1000), x)
    y.backward()
    assert x.grad == gradient(y, [x])[0].data == 2.0**1000


def test_repr_is_flat() -> None:
    """A node says its own number, never its operands, of which there may be 100,000."""
    x = Value(1.0)
    chain = [x]
    for _ in range(20_000):
        chain.append(chain[-1] + x)
    assert repr(chain[-1]) == "Value(20001.0, grad=0.0, op='+')"
    assert all(b.args == (a, x) for a, b in pairwise(chain))
