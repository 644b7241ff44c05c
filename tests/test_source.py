"""A function of the table as plain Python, and an operation as an object: the same, only faster.

What is held is the row as it is written, called with floats or with IEEE's numbers.
"""

from __future__ import annotations

import copy
import math
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from math import inf, nan
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from tinygrad_edu import TABLE, Op, Value, compile, gradient, ops, tanh
from tinygrad_edu.compiler import warn
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.rows.ieee import IEEE, same
from tinygrad_edu.rows.op import Rule, one
from tinygrad_edu.rows.source import plain_function

pytestmark = pytest.mark.quick

EVERY_ROW = pytest.mark.parametrize("op", list(TABLE.values()), ids=list(TABLE))
SPECIAL = (
    *(nan, inf, -inf, 0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-200, -1e-17),
    *(0.5, 1.0, -1.0, 1.0000000000000002, 1.5, 2.0, -2.0, 3.0, -3.0, 709.8, -745.2, 1e16, -1e200),
    *(1e300, 1.7976931348623157e308, -1.7976931348623157e308),
)
NUMBERS = 300


def numbers(count: int) -> Iterator[tuple[float, ...]]:
    """All combinations of special numbers, and others of many sizes, both among each other."""
    random = Random(13)
    yield from product(SPECIAL, repeat=count)
    for _ in range(NUMBERS):
        size = random.choice((1.0, 3.0, 40.0, 800.0))
        some = [random.uniform(-size, size) for _ in range(count)]
        yield tuple(some)
        some[random.randrange(count)] = random.choice(SPECIAL)
        yield tuple(some)
        yield tuple(random.choice((-1, 1)) * 2 ** random.uniform(-1074, 1023) for _ in some)


def in_ieee(function: Rule, *xs: float) -> float:
    """As it is written, of numbers whose operators never raise."""
    return float(function(*map(IEEE, xs)))


# --- plain Python ------------------------------------------------------------------------------


@EVERY_ROW
def test_a_fast_value_is_the_value_to_the_bit(op: Op) -> None:
    """It never raises, and always gives a float."""
    for xs in numbers(len(op.derivatives)):
        found = op.fast(*xs)
        assert isinstance(found, float)
        assert same(found, in_ieee(op.value, *xs)), xs


@EVERY_ROW
def test_fast_rules_are_the_rules_to_the_bit(op: Op) -> None:
    """Where Python's floats raise or turn complex, they say so, and a sweep goes on in IEEE's."""
    for rule, fast in zip(op.derivatives, (op.da, op.db)):
        for xs in numbers(len(op.derivatives)):
            at = (op.fast(*xs), *xs)
            try:
                found = fast(*at)
            except ArithmeticError:
                continue
            if not isinstance(found, complex):
                assert same(float(found), in_ieee(rule, *at)), at


@EVERY_ROW
def test_rules_seldom_give_up(op: Op) -> None:
    """Where all numbers are ordinary, no rule has to be called twice."""
    for xs in product((0.5, 0.75), repeat=len(op.derivatives)):
        for fast in (op.da, op.db)[: len(xs)]:
            assert isinstance(fast(op.fast(*xs), *xs), float)


def test_what_passes_an_adjoint_on_stays_what_it_is() -> None:
    """A sweep looks for it by identity."""
    assert (ops.add.da, ops.add.db, ops.sub.da) == (one, one, one)


def test_what_is_used_twice_is_computed_once() -> None:
    plain = plain_function(lambda a: ops.exp(a) * ops.exp(a), "a")
    assert plain(1.0) == math.exp(1.0) ** 2
    shared = plain_function(lambda a: (lambda e: e * e)(ops.exp(a)), "a")
    assert shared(1.0) == math.e**2
    assert shared.__code__.co_names.count("exp") == 1
    assert len(shared.__code__.co_varnames) == 2  # a, and what is shared


def test_what_cannot_be_told_stays_the_function_that_it_is() -> None:
    def asks(a: float) -> float:
        return a if a > 0 else -a

    assert plain_function(asks, "a") is asks
    assert plain_function(math.erf, "a") is math.erf


def test_numbers_are_written_with_their_sign_and_all_digits() -> None:
    for x in SPECIAL:
        for plain in (
            plain_function(lambda a, x=x: x, "a"),
            plain_function(lambda a, x=x: a * x, "a"),
        ):
            assert same(plain(1.0), x)


# --- an operation is an object -----------------------------------------------------------------


def operations() -> list[Op]:
    return [*TABLE.values(), ops.LEAF, ops.CONSTANT]


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.__name__)
def test_an_operation_is_copied_and_pickled_by_name(op: Op) -> None:
    """So what was copied is still found by identity, as `node.op is LEAF` is."""
    assert copy.copy(op) is op
    assert copy.deepcopy([op])[0] is op
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps({"op": op}, protocol))["op"] is op
    assert len(pickle.dumps(op)) < 100


def test_an_operation_of_ones_own_is_pickled_by_its_name_in_its_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = ModuleType("of_ones_own")
    monkeypatch.setitem(sys.modules, "of_ones_own", module)
    exec(
        "from tinygrad_edu import Op\ncube = Op('cube', lambda a: a**3, lambda y, a: 3 * a**2)\n"
        "def make():\n    return Op('lost', lambda a: a, lambda y, a: 1.0)\n",
        vars(module),
    )
    assert module.cube.__module__ == "of_ones_own"
    assert pickle.loads(pickle.dumps(module.cube)) is module.cube
    lost = module.make()
    with pytest.raises(pickle.PicklingError, match="lost"):
        pickle.dumps(lost)
    assert copy.deepcopy(lost) is lost


@pytest.mark.parametrize("op", operations(), ids=lambda op: op.__name__)
def test_an_operation_is_no_text(op: Op) -> None:
    """It has one: `str(op)` is its symbol, and "" for what has no operands."""
    assert not isinstance(op, str)
    assert op != op.symbol
    assert op != op.name
    assert op != ""
    assert bool(op) == (op in TABLE.values()) == bool(str(op))
    assert len({op, op.name, op.symbol}) == len({op.name, op.symbol}) + 1


def test_two_operations_of_one_name_are_two() -> None:
    mine = Op("exp", lambda a: 2 * a, lambda y, a: 2.0)
    assert mine != ops.exp
    assert hash(mine) != hash(ops.exp)
    x = Value(1.0)
    assert ops.exp(x).op is ops.exp
    assert mine(x).op is mine
    assert str(mine(x).op) == str(ops.exp(x).op) == "exp"


# --- one's own, in all back ends ---------------------------------------------------------------

# What is made of rows can be told, whatever it is called; the answers are those of the same rows.
OWN: dict[str, tuple[Op, Callable[[Value, Value], Value]]] = {
    "one operand": (
        Op(
            "swish", lambda a: a * ops.sigmoid(a), lambda y, a: ops.sigmoid(a) + y * ops.sigmoid(-a)
        ),
        lambda a, b: a * ops.sigmoid(a),
    ),
    "two operands": (
        Op(
            "blend",
            lambda a, b: a * b + tanh(a),
            lambda y, a, b: b + ops.sech2(a),
            lambda y, a, b: a,
        ),
        lambda a, b: a * b + tanh(a),
    ),
    "the name of a row": (
        Op("exp", lambda a: a**3, lambda y, a: 3 * a**2),
        lambda a, b: a**3,
    ),
    "the name and operands of a row": (
        Op("max", lambda a, b: a - b, lambda y, a, b: 1.0, lambda y, a, b: -1.0),
        lambda a, b: a - b,
    ),
    "a number alone": (Op("seven", lambda a: 7.0, lambda y, a: 0.0), lambda a, b: a * 0 + 7),
    "a number, times an operand": (
        Op("six", lambda a, b: 6.0, lambda y, a, b: 0.0, lambda y, a, b: 0.0),
        lambda a, b: a * 0 + 6,
    ),
    "always the operand that is the same for all": (
        Op("second", lambda a, b: b, lambda y, a, b: 0.0, lambda y, a, b: 1.0),
        lambda a, b: a * 0 + b,
    ),
    "its operand": (Op("same", lambda a: a, lambda y, a: 1.0), lambda a, b: a * 1),
    "an operation of one's own in it": (
        Op("outer", lambda a: CUBE(a) + 1, lambda y, a: 3 * a**2),
        lambda a, b: a**3 + 1,
    ),
}
CUBE = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)
BACKENDS = ("python", "numpy", "machine", "auto")
COLUMN = [0.25, -0.5, 1.5, -2.0, 3.0, 0.125, -1.25, 2.5, 0.75]


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", OWN)
def test_an_operation_of_ones_own_is_the_same_in_all_back_ends(case: str, backend: Any) -> None:
    """As its rows are, one operation at a time, at one example and at nine."""
    if backend in ("numpy", "machine"):
        pytest.importorskip("numpy")
    if backend == "machine":
        pytest.importorskip("llvmlite")
    own, rows = OWN[case]
    a, b = Value(0.7), Value(-1.3)
    y = own(*(a * b, b)[: len(own.derivatives)]) * b
    step = compile(y, [a, b], [a], backend=backend)
    for count in (1, len(COLUMN)):
        expected = [0.0, 0.0, 0.0]
        for x in COLUMN[:count]:
            u, v = Value(x), Value(-1.3)
            z = rows(u * v, v) * v
            expected = [
                e + n for e, n in zip(expected, [z.data, *(d.data for d in gradient(z, [u, v]))])
            ]
        value, slopes = step(COLUMN[:count])
        found = [value, *(sum(d) if isinstance(d, list) else d for d in slopes)]
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("backend", ["auto", "machine"])
@pytest.mark.parametrize(
    "error", [RuntimeError("no such\nprocessor"), OSError("no memory")], ids=str
)
def test_without_a_compiler_that_works_it_is_said_once_and_the_answers_are_right(
    backend: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever llvmlite raises: others can do without."""
    pytest.importorskip("llvmlite")
    from tinygrad_edu.compiler.native.binding import program

    def fails(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(program, "library", fails)
    warn.say_once.cache_clear()
    x, w = Value(3.0), Value(2.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            step = compile(x * w * w, [w], [x], backend=backend)
            assert step([3.0] * 1000) == (12000.0, [12000.0])
            assert step(3.0) == (12.0, [12.0])
    (warning,) = caught
    assert warning.category is SlowWarning
    assert " ".join(str(error).split()) in str(warning.message)
    assert "\n" not in str(warning.message)
    assert Path(warning.filename) == Path(__file__)
