"""`backward` by the printed pass: the chain rule to the bit; failures are undone."""

from __future__ import annotations

import ast
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import Op, Value, ops, topological_order, unrolled
from tinygrad_edu.chain_rule import sweep
from tinygrad_edu.engine import _in_floats, _wants
from tinygrad_edu.rows.op import TABLE

pytestmark = pytest.mark.quick

EVERY_ROW = pytest.mark.parametrize("op", TABLE.values(), ids=list(TABLE))


def by_the_chain_rule(y: Value) -> dict[Value, float]:
    return sweep(reversed(topological_order(y)), 1.0, _wants, _in_floats)


@contextmanager
def another_pass() -> Iterator[None]:
    """As if another thread were in the middle of `backward`."""
    with unrolled._slots:
        yield


def grads(y: Value) -> list[float]:
    return [node.grad for node in topological_order(y)]


@EVERY_ROW
def test_every_row_is_printed_with_both_rules(op: Op) -> None:
    """Its branch is there, and gives the adjoints of `sweep` to the last bit, also for x op x."""
    assert f"op is row_{op.name}:" in unrolled.text()
    rng = random.Random(op.name)
    for _ in range(20):
        xs = [Value(rng.choice([0.0, 1.0, 0.5, rng.uniform(0, 3)])) for _ in op.derivatives]
        for operands in (xs, [xs[0]] * len(xs)):
            y = op(*operands) * 3.0 + xs[0]
            try:
                expected = by_the_chain_rule(y)
            except ArithmeticError:
                continue  # IEEE arithmetic has the answer, and other tests
            y.zero_grad()
            y.backward()
            assert {x: repr(g) for x, g in expected.items()} == {x: repr(x.grad) for x in expected}


def random_graph(rng: random.Random) -> Value:
    nodes = [Value(rng.uniform(-2, 2)) for _ in range(4)]
    rows = [*TABLE.values()]
    for _ in range(30):
        op = rng.choice(rows)
        operands: list[Any] = [rng.choice([*nodes, 2.0]) for _ in op.derivatives]
        y = op(*operands)
        if isinstance(y, Value) and math.isfinite(y.data):
            nodes.append(y)
    return sum(nodes[-4:], nodes[4])


def test_random_graphs_have_the_same_grads_while_another_pass_runs() -> None:
    rng = random.Random(5)
    for _ in range(50):
        y = random_graph(rng)
        y.backward()
        expected = grads(y)
        y.zero_grad()
        with another_pass():
            y.backward()
        assert list(map(repr, grads(y))) == list(map(repr, expected))


def test_a_rule_may_run_backward_itself() -> None:
    """Over the same leaf, even: the second pass keeps its adjoints elsewhere."""
    x = Value(3.0)
    inner = x * x

    def rule(y: float, a: float) -> float:
        inner.backward()
        return 2.0

    twice = Op("twice", lambda a: 2.0 * a, rule)
    y = twice(x) * x
    y.backward()
    assert x.grad == 6.0 + 12.0  # d inner / d x, and d y / d x


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_half_way_changes_no_grad(error: type[BaseException]) -> None:
    def rule(y: float, a: float) -> float:
        raise error

    x = Value(3.0)
    part = x * x
    part.backward()
    y = part * Op("odd", lambda a: a, rule)(part) + x
    y.grad = 0.5
    before = grads(y)
    with pytest.raises(error):
        y.backward()
    assert grads(y) == before
    (x * x).backward()  # and the next pass is right
    assert x.grad == 12.0


def test_where_python_raises_the_grads_are_added_once() -> None:
    x = Value(1e-200)
    part = x * 1.0
    part.backward()
    y = part + 1.0 / (part * part)  # the product underflows; its quotient has slope -inf
    y.backward()
    assert (part.grad, y.grad) == (-math.inf, 1.0)


@pytest.mark.parametrize("result", [2, True, np.float64(2.5)], ids=repr)
def test_a_rule_of_the_users_may_return_any_number(result: Any) -> None:
    x = Value(3.0)
    y = Op("odd", lambda a: a, lambda y, a: result)(x)
    y.backward()
    assert (x.grad, type(x.grad)) == (float(result), float)


def test_a_rule_that_is_changed_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Value(0.5)
    (x * x).backward()
    monkeypatch.setattr(ops.mul, "derivatives", (lambda y, a, b: 10 * b, ops.mul.derivatives[1]))
    (x * x).backward()
    assert x.grad == 1.0 + 5.5
    monkeypatch.undo()
    (x * x).backward()
    assert x.grad == 1.0 + 5.5 + 1.0


def test_the_pass_can_be_read() -> None:
    """It is a program of one function, and has the rules as Python would write them."""
    (function,) = ast.parse(unrolled.text()).body
    assert isinstance(function, ast.FunctionDef)
    assert "share = adjoint * (1.0 / node.b_data)" in unrolled.text()
