"""Every row of the table: its value, its rules, their derivatives, and that a wrong rule is caught.

The tests loop over TABLE: a new row is tested as soon as it has a REFERENCE here, and without
one `test_every_row_has_a_reference` fails.
"""

from __future__ import annotations

import builtins
import dis
import math
from collections.abc import Callable
from itertools import product
from random import Random
from types import FunctionType

import pytest
from mpmath import mp, mpf

from tinygrad_edu import TABLE, GradientError, Op, Value, first_nonfinite, gradcheck, gradient, ops
from tinygrad_edu.formula import Formula, derivative_formulas, formula

POINTS = 1000  # for each row
DIGITS = 50  # of the references

# The definition of each operation in mpmath; derivatives of these are taken numerically.
REFERENCE: dict[str, Callable[..., mpf]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": mp.power,
    "max": max,
    "min": min,
    "less": lambda a, b: mpf(a < b),
    "mask": lambda c, x: x if c else mpf(0),
    "neg": lambda a: -a,
    "abs": mp.fabs,
    "step": lambda a: mpf(a > 0),
    "relu": lambda a: max(a, mpf(0)),
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "atan": mp.atan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
    "softplus": lambda a: mp.log(1 + mp.exp(a)),
}

# The same once more for the formulas, which Python reads: names as mathematics means them.
MEANING: dict[str, Callable[..., float]] = {
    **{name: value for name, value in vars(math).items() if callable(value)},
    "abs": abs,
    "max": max,
    "min": min,
    "less": lambda a, b: float(a < b),
    "mask": lambda c, x: 0.0 if c == 0 else x,
    "step": lambda a: float(a > 0),
    "relu": lambda a: max(a, 0.0),
    "sigmoid": lambda a: 1 / (1 + math.exp(-a)),
    "softplus": lambda a: math.log1p(math.exp(a)),
}

ROWS = pytest.mark.parametrize("op", TABLE.values(), ids=list(TABLE))
RULES = pytest.mark.parametrize(
    ("op", "i"),
    [(op, i) for op in TABLE.values() for i in range(len(op.derivatives))],
    ids=[f"{name}-{'ab'[i]}" for name, op in TABLE.items() for i in range(len(op.derivatives))],
)


def points(op: Op) -> list[tuple[float, ...]]:
    """Operands between -20 and 20 for which the operation is real, the same in every run."""
    random = Random(op.name)
    return [_point(op, random, k) for k in range(POINTS)]


def _point(op: Op, random: Random, k: int) -> tuple[float, ...]:
    xs = [random.uniform(-20, 20) for _ in op.derivatives]
    if op.name in ("log", "sqrt") or (op.name == "pow" and k % 5):
        xs[0] = abs(xs[0])
    elif op.name == "pow":  # a negative base has powers for whole exponents
        xs[1] = float(round(xs[1]))
    elif op.name == "mask" and k % 5 == 0:
        xs[0] = 0.0
    return tuple(xs)


def smooth(op: Op, xs: tuple[float, ...]) -> list[int]:
    """The operands in which the operation has a derivative at `xs`."""
    if (op.name == "pow" and xs[0] < 0) or (op.name == "mask" and xs[0] == 0):
        return [0] if op.name == "pow" else [1]
    return list(range(len(xs)))


def near(found: float, exact: mpf) -> bool:
    return bool(abs(found - exact) <= max(1e-12 * abs(exact), 1e-15))


def exact_derivative(op: Op, xs: tuple[float, ...], *by: int) -> mpf:
    """The derivative of the reference by operand by[0], then by[1], from 50-digit values."""
    if len(xs) == 1:
        return mp.diff(REFERENCE[op.name], mpf(xs[0]), len(by))
    return mp.diff(REFERENCE[op.name], tuple(map(mpf, xs)), (by.count(0), by.count(1)))


def test_every_row_has_a_reference() -> None:
    assert set(REFERENCE) == set(TABLE)


@ROWS
def test_values_are_those_of_mpmath(op: Op) -> None:
    with mp.workdps(DIGITS):
        for xs in points(op):
            exact = REFERENCE[op.name](*map(mpf, xs))
            assert near(op(*xs), exact), xs
            assert op(*map(Value, xs)).data == op(*xs), xs


@RULES
def test_local_derivatives_are_those_of_mpmath(op: Op, i: int) -> None:
    """On floats, as backward() applies them, and on Values, as gradient() does."""
    with mp.workdps(DIGITS):
        for xs in points(op):
            if i not in smooth(op, xs):
                continue
            exact = exact_derivative(op, xs, i)
            leaves = [Value(x) for x in xs]
            y = op(*leaves)
            y.backward()
            assert near(leaves[i].grad, exact), xs
            assert near(gradient(y, leaves)[i].data, exact), xs


@RULES
def test_second_derivatives_are_those_of_mpmath(op: Op, i: int) -> None:
    with mp.workdps(DIGITS):
        for xs in points(op):
            if i not in smooth(op, xs):
                continue
            leaves = [Value(x) for x in xs]
            (first,) = gradient(op(*leaves), [leaves[i]])
            for j, second in enumerate(gradient(first, leaves)):
                flat = op.name == "pow" and (i, j) == (0, 1) and xs[1] == 0  # see test_semantics
                if j in smooth(op, xs) and not flat:
                    assert near(second.data, exact_derivative(op, xs, i, j)), (xs, j)


@RULES
@pytest.mark.parametrize("larger", [0, 1], ids=["a larger", "b larger"])
def test_a_rule_wrong_by_a_twentieth_of_a_percent_is_caught(op: Op, i: int, larger: int) -> None:
    """The checker is checked: gradcheck accepts every rule and refuses it 0.05 % off."""
    xs = [0.7 if k != larger else 1.3 for k in range(len(op.derivatives))]
    assert gradcheck(op, *xs)
    rules = list(op.derivatives)
    right = rules[i]
    if right(op(*xs), *xs):
        rules[i] = lambda *of: right(*of) * 1.0005
    else:
        rules[i] = lambda *of: right(*of) + 0.0005
    with pytest.raises(GradientError):
        gradcheck(Op(op.name, op.value, *rules, symbol=op), *xs)


@ROWS
def test_rules_apply_to_text(op: Op) -> None:
    """A Formula is neither true nor false, so a rule that asks (if, and, or) fails here."""
    operands = [Formula("a"), Formula("b")][: len(op.derivatives)]
    for rule in op.derivatives:
        assert isinstance(rule(Formula("y"), *operands), Formula | float)
    assert isinstance(op(*operands), Formula)


@ROWS
def test_formulas_read_as_python_are_the_operation_and_its_rules(op: Op) -> None:
    for xs in points(op)[:50]:
        if xs[0] < 0 and op.name == "pow":
            continue
        names = dict(zip("ab", xs, strict=False), y=op(*xs))
        assert math.isclose(eval(formula(op), MEANING, names), op(*xs), rel_tol=1e-12)
        for rule, text in zip(op.derivatives, derivative_formulas(op), strict=True):
            local = rule(op(*xs), *xs)
            assert math.isclose(eval(text, MEANING, names), local, rel_tol=1e-12), (text, xs)


@RULES
def test_rules_use_operators_numbers_and_rows_only(op: Op, i: int) -> None:
    """No other name, no attribute, no comparison, no branch, nothing remembered in a closure."""
    rule = op.derivatives[i]
    assert isinstance(rule, FunctionType)
    for name in rule.__code__.co_names:
        meant = rule.__globals__.get(name, getattr(builtins, name, None))
        assert meant is abs or meant in TABLE.values(), name
    assert not rule.__closure__
    for constant in rule.__code__.co_consts:
        assert constant is None or type(constant) in (int, float) or constant == rule.__doc__
    for instruction in dis.get_instructions(rule):
        for forbidden in ("JUMP", "COMPARE", "IS_OP", "CONTAINS", "ATTR", "METHOD", "STORE"):
            assert forbidden not in instruction.opname, instruction


@ROWS
def test_numbers_values_and_formulas_are_all_operands(op: Op) -> None:
    xs = [1.3, 0.7][: len(op.derivatives)]
    assert type(op(*xs)) is float
    assert type(op(*map(Value, xs))) is Value
    assert type(op(*map(Formula, xs))) is Formula
    for kinds in product((float, Value), repeat=len(xs)):
        result = op(*(kind(x) for kind, x in zip(kinds, xs, strict=True)))
        assert type(result) is (Value if Value in kinds else float)
        assert float(result) == op(*xs)


@ROWS
def test_the_wrong_number_of_operands_is_named(op: Op) -> None:
    with pytest.raises(TypeError, match=f"{op.name} takes {len(op.derivatives)} operands, not 3"):
        op(1.0, 2.0, 3.0)


def test_rows_are_found_by_name() -> None:
    for name, op in TABLE.items():
        assert op.name == name
        assert op in (name, "+", "-", "*", "/", "**")


def test_functions_are_methods_of_a_value_too() -> None:
    """All rows of one operand, but for the minus sign, which is written `-v`."""
    for name, op in TABLE.items():
        if len(op.derivatives) == 1 and op is not ops.neg:
            v = Value(0.7)
            y = getattr(v, name)()
            assert (y.op, y.args, y.data) == (op, (v,), op(0.7))


CUBE = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)
HYPOT = Op(
    "hypot", lambda a, b: (a * a + b * b) ** 0.5, lambda y, a, b: a / y, lambda y, a, b: b / y
)


def test_an_operation_of_ones_own_is_one_row() -> None:
    """A value, derivatives of any order, text and a check, from one line; TABLE is left alone."""
    x = Value(2.0)
    y = CUBE(x)
    y.backward()
    (first,) = gradient(y, [x])
    (second,) = gradient(first, [x])
    (third,) = gradient(second, [x])
    assert [CUBE(2), y.data, x.grad, first.data, second.data, third.data] == [8, 8, 12, 12, 12, 6]
    assert (y.op, str(CUBE(Formula("x")))) == (CUBE, "cube(x)")
    assert derivative_formulas(CUBE) == ["3 * a**2"]
    assert gradcheck(CUBE, 2.0)
    assert "cube" not in TABLE


def test_an_operation_of_ones_own_may_have_two_operands() -> None:
    a, b = Value(3.0), Value(4.0)
    y = HYPOT(a, b)
    y.backward()
    assert (y.data, a.grad, b.grad) == (5.0, 0.6, 0.8)
    assert HYPOT(3, b).args[1] is b
    assert gradcheck(HYPOT, 3.0, 4.0)


def test_a_wrong_operation_of_ones_own_is_caught() -> None:
    with pytest.raises(GradientError, match="derivative by x0: 2"):
        gradcheck(Op("cube", lambda a: a**3, lambda y, a: 2 * a**2), 1.0)


def test_rules_of_ones_own_are_total_as_well() -> None:
    """Where Python's floats raise or turn complex, an operation of one's own does not either."""
    inverse = Op("inverse", lambda a: 1 / a, lambda y, a: -1 / a**2)
    root = Op("root", lambda a: a**0.5, lambda y, a: 0.5 * a**-0.5)
    real = Op("real", lambda a: a, lambda y, a: a**0.5)
    x, z, w = Value(0.0), Value(-1.0), Value(-1.0)
    for y in (inverse(x), root(z), real(w)):
        y.backward()
    assert (inverse(0), x.grad) == (math.inf, -math.inf)
    assert all(map(math.isnan, (root(-1), root(Value(-1)).data, z.grad, w.grad)))


def test_a_row_called_by_a_rule_may_meet_a_root_of_a_negative_number() -> None:
    """Also when Python's complex number goes into a function of the table before the end."""
    op = Op("op", lambda a: ops.cos(a**0.5), lambda y, a: ops.sin(a**0.5))
    linear = Op("linear", lambda a: 1.0 * a, lambda y, a: ops.relu(a**0.5))
    x = Value(-1.0)
    linear(x).backward()
    assert all(map(math.isnan, (op(-1.0), op(Value(-1.0)).data, x.grad)))


@pytest.mark.parametrize(
    "row",
    [("not a name", abs, abs), ("three", max, max, max, max), ("rule", abs, 1.0)],
    ids=["a name with blanks", "three rules", "a number for a rule"],
)
def test_what_is_no_row_is_refused(row: tuple[str, object]) -> None:
    with pytest.raises(TypeError, match=repr(row[0])):
        Op(*row)


def test_a_row_may_have_no_symbol() -> None:
    """The symbol is only what a picture shows: an empty one makes no leaf of an operation."""
    x = Value(math.inf)
    silent = Op("silent", lambda a: 2 * a, lambda y, a: 2.0, symbol="")
    y = silent(Value(1.0))
    y.backward()
    assert first_nonfinite(y) is None
    assert first_nonfinite(silent(x)) is x
