"""Every row of the table: its rules apply to all kinds of operands, and a wrong one is caught.

The tests loop over TABLE. That its numbers are right is in test_accuracy.py.
"""

from __future__ import annotations

import ast
import builtins
import dis
import math
from collections.abc import Callable
from itertools import product
from math import isfinite
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from mpmath import mp, mpf
from references import REFERENCE, ROWS

import tinygrad_edu
from tinygrad_edu import (
    TABLE,
    GradientError,
    Op,
    Value,
    first_nonfinite,
    gradcheck,
    gradient,
    ops,
    optim,
)
from tinygrad_edu.habits import hints
from tinygrad_edu.reading.vocabulary import INSTEAD
from tinygrad_edu.rows.formula import ATOM, Formula, derivative_formulas, formula
from tinygrad_edu.rows.terms import traced

pytestmark = pytest.mark.quick


def exactly(value: Callable[..., Any]) -> Callable[..., float]:
    """A function of mpmath as one of floats."""

    def function(*xs: float) -> float:
        with mp.workdps(40):
            return float(value(*map(mpf, xs)))

    return function


# What the names in formulas mean, where Python reads them.
MEANING: dict[str, Callable[..., float]] = {
    **{name: exactly(value) for name, value in REFERENCE.items()},
    **{name: value for name, value in vars(math).items() if callable(value)},
    **{"abs": abs, "max": max, "min": min},
}


def test_type_checkers_know_every_row() -> None:
    """They read names from the text: rows are methods and exports by a loop, at run time."""
    package = Path(tinygrad_edu.__file__).parent
    unary = {name for name, op in _functions().items() if len(op.derivatives) == 1}
    methods = _assigned((package / "engine.py").read_text(encoding="utf-8"))
    assert not unary - methods, "add them to the names under TYPE_CHECKING in engine.py"
    door = (package / "__init__.py").read_text(encoding="utf-8")
    missing = {name for name in _functions() if f"    {name},\n" not in door}
    assert not missing, "import them in __init__.py, and list them in __all__"


def _functions() -> dict[str, Op]:
    return {op.__name__: op for op in TABLE.values() if op.precedence == ATOM and op.name != "abs"}


def _assigned(text: str) -> set[str]:
    """The names that are assigned under `if TYPE_CHECKING`."""
    blocks = [x for x in ast.walk(ast.parse(text)) if isinstance(x, ast.If)]
    body = [y for x in blocks if ast.unparse(x.test) == "TYPE_CHECKING" for y in x.body]
    return {t.id for x in body if isinstance(x, ast.Assign) for t in x.targets}


def test_no_hint_says_that_something_is_missing_which_is_there() -> None:
    """A name that has come is taken out of these lists."""
    functions = set(_functions())
    assert not functions & set(INSTEAD), "INSTEAD of reading/vocabulary.py"
    assert not functions & set(hints.NAMES), "NAMES of habits/hints.py"
    methods = {name for name, op in _functions().items() if len(op.derivatives) == 1}
    assert not methods & set(hints.VALUES), "VALUES of habits/hints.py"
    assert not set(optim.__all__) & set(optim._NAMES), "_NAMES of optim/__init__.py"


EVERY_ROW = pytest.mark.parametrize("op", TABLE.values(), ids=list(TABLE))
RULES = pytest.mark.parametrize(
    ("op", "i"),
    [(op, i) for op in TABLE.values() for i in range(len(op.derivatives))],
    ids=[f"{name}-{'ab'[i]}" for name, op in TABLE.items() for i in range(len(op.derivatives))],
)


@RULES
@pytest.mark.parametrize("larger", [0, 1], ids=["a larger", "b larger"])
def test_a_rule_wrong_by_a_twentieth_of_a_percent_is_caught(op: Op, i: int, larger: int) -> None:
    """The checker is checked: gradcheck accepts every rule and refuses it 0.05 % off."""
    xs = [0.7 if k != larger else 1.3 for k in range(len(op.derivatives))]
    if not ROWS[op.name].inside(*xs):
        xs = [1 / x for x in xs]
    assert gradcheck(op, *xs)
    rules = list(op.derivatives)
    right = rules[i]
    if right(op(*xs), *xs):
        rules[i] = lambda *of: right(*of) * 1.0005
    else:
        rules[i] = lambda *of: right(*of) + 0.0005
    with pytest.raises(GradientError):
        gradcheck(Op(op.name, op.value, *rules, symbol=op.symbol), *xs)


@EVERY_ROW
def test_rules_apply_to_text(op: Op) -> None:
    """A Formula is neither true nor false, so a rule that asks (if, and, or) fails here."""
    operands = [Formula("a"), Formula("b")][: len(op.derivatives)]
    for rule in op.derivatives:
        assert isinstance(rule(Formula("y"), *operands), Formula | float)
    assert isinstance(op(*operands), Formula)


@EVERY_ROW
def test_formulas_read_as_python_are_the_operation_and_its_rules(op: Op) -> None:
    """As people read them, too: to 1e-12, times what the textbook's form cancels: it has a 1 in it
    where the slope itself is small, or large.
    """
    points = ROWS[op.name].sample(1000, op.name)
    for xs in [xs for xs in points if all(0.1 < abs(x) < 9 for x in xs)][:50]:
        names = dict(zip("ab", xs, strict=False), y=op(*xs))
        assert math.isclose(eval(formula(op), MEANING, names), op(*xs), rel_tol=1e-12)
        for k, text in enumerate(derivative_formulas(op)):
            local = op.derivatives[k](op(*xs), *xs)
            own = op.reads[k] is op.derivatives[k]
            cancels = 1 if own or local == 0 else max(1, 1 / abs(local), local**2)
            found = eval(text, MEANING, names)
            assert math.isclose(found, local, rel_tol=1e-12 * cancels), (text, xs)


@RULES
def test_rules_use_operators_numbers_and_rows_only(op: Op, i: int) -> None:
    """No other name, no comparison, no branch, nothing remembered in a closure.

    Of `math` numbers alone, such as log(2): nothing of it is given an operand.
    """
    rule = op.derivatives[i]
    assert isinstance(rule, FunctionType)
    for name in rule.__code__.co_names:
        meant = rule.__globals__.get(name, getattr(builtins, name, None))
        plain = meant in (abs, math, ops.unless_0_times_inf) or name in ("pi", "log", "sqrt")
        assert plain or meant in TABLE.values(), name
    assert traced(rule, "yab"[: 1 + len(op.derivatives)]) is not None
    assert not rule.__closure__
    for constant in rule.__code__.co_consts:
        assert constant is None or type(constant) in (int, float) or constant == rule.__doc__
    for instruction in dis.get_instructions(rule):
        for forbidden in ("JUMP", "COMPARE", "IS_OP", "CONTAINS", "STORE"):
            assert forbidden not in instruction.opname, instruction
        if instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            assert hasattr(math, instruction.argval)
            assert "math" in rule.__code__.co_names


@EVERY_ROW
def test_numbers_values_and_formulas_are_all_operands(op: Op) -> None:
    xs = list(op.example) or [0.7, 1.3][: len(op.derivatives)]
    assert isfinite(op(*xs))
    assert type(op(*xs)) is float
    assert type(op(*map(Value, xs))) is Value
    assert type(op(*map(Formula, xs))) is Formula
    for kinds in product((float, Value), repeat=len(xs)):
        result = op(*(kind(x) for kind, x in zip(kinds, xs, strict=True)))
        assert type(result) is (Value if Value in kinds else float)
        assert float(result) == op(*xs)


@EVERY_ROW
def test_the_wrong_number_of_operands_is_named(op: Op) -> None:
    takes = "1 operand" if len(op.derivatives) == 1 else "2 operands"
    with pytest.raises(TypeError, match=f"{op.__name__} takes {takes}, not 3"):
        op(1.0, 2.0, 3.0)


def test_rows_are_found_by_name() -> None:
    for name, op in TABLE.items():
        assert op.name == name
        assert str(op) in (name, "+", "-", "*", "/", "**")
        assert getattr(ops, op.__name__) is op


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
