"""Where a Value leaves the graph: what is told, where, how often, and what is not."""

from __future__ import annotations

import array
import cmath
import copy
import functools
import itertools
import math
import math as m
import operator
import pickle
import statistics
import struct
import subprocess
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from math import exp as e_to_the
from typing import Any

import numpy as np
import pytest

from tinygrad_edu import TABLE, FrozenWarning, Op, Value, compile, exp, gradient, losses, mask, step
from tinygrad_edu.compat.micrograd.engine import Value as Micrograd
from tinygrad_edu.engine import on_float
from tinygrad_edu.errors import LeftGraphError, LeftGraphWarning
from tinygrad_edu.habits.calls import UNDERSTOOD, function_of_math

pytestmark = [
    pytest.mark.quick,
    pytest.mark.skipif(not UNDERSTOOD, reason="the bytecode of CPython 3.10 to 3.15"),
]


class Holder:
    of_class = math.exp
    static = staticmethod(math.exp)

    def __init__(self) -> None:
        self.own = math.exp
        self.inner = types.SimpleNamespace(exp=math.exp)


NAMES: dict[str, Any] = {
    **{"math": math, "m": m, "cmath": cmath, "functools": functools, "operator": operator},
    **{"itertools": itertools, "array": array, "struct": struct, "np": np, "pickle": pickle},
    **{"statistics": statistics, "copy": copy},
    **{"exp": math.exp, "e_to_the": e_to_the, "holder": Holder(), "Holder": Holder},
    **{"by_name": {"exp": math.exp}, "listed": [math.exp], "half": functools.partial(math.exp)},
    "apply": lambda f, x: f(x),
}
LEAVE = {  # what is written, and the function that it calls
    "math.exp(v)": math.exp,
    "m.exp(v)": math.exp,
    "exp(v)": math.exp,
    "e_to_the(v)": math.exp,
    "math.exp(*[v])": math.exp,
    "math.exp(*[v], **{})": math.exp,
    "math.pow(v, 2)": math.pow,
    "math.pow(2, v)": math.pow,
    "math.pow(math.exp(1), v)": math.pow,
    "math.fsum([v])": math.fsum,
    "math.fsum(x for x in vs)": math.fsum,
    "math.fsum([2 * x for x in vs])": math.fsum,
    "math.ldexp(v, 2)": math.ldexp,
    "math.hypot(v, v, 1)": math.hypot,
    "math.dist([v], [1])": math.dist,
    "math.log(v, 10)": math.log,
    "math.floor(v)": math.floor,
    "math.gamma(v)": math.gamma,
    "cmath.exp(v)": cmath.exp,
    "v * math.exp(v) + 1": math.exp,
    "abs(math.sin(3) + math.exp(v))": math.exp,
    "math.exp(v if vs else 2)": math.exp,
    "math.exp(v if 1 < len(vs) < 3 else v and v or 2)": math.exp,
    "math.exp((w := v))": math.exp,
    "(f := math.exp)(v)": math.exp,
    "math.exp([x for x in vs if x is v if 1][-1])": math.exp,
    "math.exp({k: x for k, x in [(1, v)]}[1])": math.exp,
    "[math.exp(x) for x in vs]": math.exp,
    "{math.exp(x): 1 for x in vs}": math.exp,
    "sum(math.exp(x) for x in vs)": math.exp,
    "f'{math.exp(v):.2f}'": math.exp,
    "'%s' % math.exp(v)": math.exp,
    "float(math.exp(v))": math.exp,
    "holder.own(v)": math.exp,
    "holder.inner.exp(v)": math.exp,
    "holder.of_class(v)": math.exp,
    "Holder.static(v)": math.exp,
    "by_name['exp'](v)": math.exp,
    "listed[0](v)": math.exp,
    "half(v)": math.exp,
    "functools.partial(math.pow, 2)(v)": math.pow,
    "getattr(math, 'exp')(v)": math.exp,
    "apply(math.exp, v)": math.exp,
    "(lambda f: lambda: f(v))(math.exp)()": math.exp,
    "list(map(math.exp, vs))": math.exp,
    "[*map(math.exp, vs)]": math.exp,
    "{*map(math.exp, vs)}": math.exp,
    "[x for x in map(math.exp, vs)]": math.exp,
    "sum(map(math.exp, vs))": math.exp,
    "sum(x for x in map(math.exp, vs))": math.exp,
    "next(map(math.exp, vs))": math.exp,
    "functools.reduce(math.hypot, [1, v, v])": math.hypot,
    "list(itertools.starmap(math.pow, [(v, 2)]))": None,  # not found out
}
if hasattr(operator, "call"):
    LEAVE["operator.call(math.exp, v)"] = math.exp
STAY = [  # plain numbers, asked for by who knows what they are
    *(
        "float(v)",
        "complex(v)",
        "'%f' % v",
        "f'{v:.3f} {v}'",
        "'{:.3f}'.format(v)",
        "format(v, '')",
    ),
    *("str(v)", "repr(v)", "v.__float__()", "v.data", "[float(x) for x in vs]", "v < 2"),
    *("list(map(float, vs))", "float(v) + math.exp(1)", "math.exp(float(v))", "math.exp(v.data)"),
    *("math.exp(float(v) if vs else 2)", "math.fsum([float(x) for x in vs])", "math.prod(vs)"),
    *("sorted(vs, key=float)", "max(vs, key=float)", "max(vs, key=math.fabs)", "sorted(vs)"),
    *("array.array('d', vs)", "struct.pack('d', v)", "np.array(vs)", "np.array(vs, dtype=float)"),
    *("np.float64(v)", "np.exp(np.array(vs))", "np.full(3, v, dtype=float)", "copy.deepcopy(v)"),
    *("pickle.loads(pickle.dumps(v))", "statistics.fmean(vs)", "statistics.mean(map(float, vs))"),
    *("math.isnan(v)", "math.isclose(v, 0.5, rel_tol=0.1)", "v.exp()", "[math.exp, float(v)]"),
    *("{'a': math.exp, 'b': float(v)}", "print(math.exp, v, file=__import__('io').StringIO())"),
]


def as_expression(text: str) -> Callable[..., Any]:
    return lambda **names: eval(text, {**NAMES, **names})


def in_function(text: str) -> Callable[..., Any]:
    """As the only line of a function in a function: all names but those of NAMES are cells."""
    scope = dict(NAMES)
    exec(f"def outer(v, vs):\n def inner():\n  return {text}\n return inner()", scope)
    return lambda **names: scope["outer"](**names)


def in_statements(text: str) -> Callable[..., Any]:
    scope = dict(NAMES)
    lines = ["def f(v, vs):", " with __import__('io').StringIO():", "  for _ in range(2):"]
    lines += ["   try:", f"    found = [1, {text}]", "   finally:", "    pass"]
    exec("\n".join(lines), scope)
    return lambda **names: scope["f"](**names)


PLACES = pytest.mark.parametrize("placed", [as_expression, in_function, in_statements])


def told(run: Callable[[], Any]) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run()
    return caught


@PLACES
@pytest.mark.parametrize("text", LEAVE)
def test_what_leaves_the_graph_is_told(text: str, placed: Any) -> None:
    v = Value(0.5)
    caught = told(lambda: placed(text)(v=v, vs=[v, v]))
    f = LEAVE[text]
    if f is None:
        assert not caught
        return
    (warning,) = caught
    assert warning.category is LeftGraphWarning
    assert str(warning.message).startswith(f"{f.__module__}.{f.__name__}(")


@PLACES
@pytest.mark.parametrize("text", STAY)
def test_what_is_a_plain_number_by_intention_is_not_told(text: str, placed: Any) -> None:
    v = Value(0.5)
    assert not told(lambda: placed(text)(v=v, vs=[v, v]))


def test_it_is_told_once_for_each_line_with_the_line() -> None:
    v = Value(1.0)

    def f() -> float:
        total = 0.0
        for _ in range(5):
            total += math.exp(v)
            total += math.sin(v) + math.sin(v)
        return total

    line = f.__code__.co_firstlineno
    caught = told(lambda: [f(), f()])
    assert [(w.filename, w.lineno - line) for w in caught] == [(__file__, 3), (__file__, 4)]


def test_the_line_is_never_one_of_this_package() -> None:
    v = Value(1.0)
    warnings = told(lambda: TABLE["atan"].value(v) + TABLE["exp"].value(v))
    assert {warning.filename for warning in warnings} == {__file__}


def test_an_error_it_is_each_time_where_warnings_are_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(LeftGraphWarning):
                math.exp(Value(1.0))


def test_python_tells_it_once_for_each_line_without_being_asked() -> None:
    program = (
        "import math\nfrom tinygrad_edu import Value\nv = Value(2.0)\n"
        "for _ in range(3):\n    math.exp(v)\nfloat(v)\nmath.log(v)\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=program, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if "Warning" in line]
    assert [line.split(": ")[0] for line in lines] == ["<stdin>:5", "<stdin>:7"]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("math.exp(v)", "Write exp(v) with the exp of tinygrad_edu"),
        ("cmath.sqrt(v)", "Write sqrt(v) with the sqrt of tinygrad_edu"),
        ("math.pow(v, 2)", "Write a**b"),
        ("math.fabs(v)", "Write abs(v)"),
        ("math.fsum([v])", "Write sum(values)"),
        ("math.gamma(v)", "tinygrad_edu has no gamma"),
    ],
)
def test_it_says_what_to_write_instead(text: str, advice: str) -> None:
    with pytest.warns(LeftGraphWarning) as caught:
        as_expression(text)(v=Value(0.5))
    assert advice in str(caught[0].message)
    assert "\n" not in str(caught[0].message)


def test_a_function_that_the_table_gets_is_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Op("gamma", math.gamma, lambda y, a: y)
    monkeypatch.setitem(TABLE, "gamma", row)
    with pytest.warns(LeftGraphWarning, match=r"Write gamma\(v\) with the gamma of tinygrad_edu"):
        math.gamma(Value(0.5))


def test_a_subclass_and_an_unknown_frame_are_no_trouble() -> None:
    class Mine(Value):
        def __float__(self) -> float:
            return super().__float__() + 1

    assert not told(lambda: math.exp(Mine(0.0)))  # it is asked by what this class has written
    assert function_of_math(sys._getframe()) is None


def test_nothing_of_the_users_is_run_to_find_out() -> None:
    class Loud:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return math.exp

        @property
        def exp(self) -> Any:
            asked.append("exp")
            return math.exp

    asked: list[str] = []
    loud = Loud()
    assert not told(lambda: [loud.exp(Value(0.5)), loud.other(Value(0.5))])
    assert asked == ["exp", "other"]


def test_a_code_that_goes_is_not_taken_for_another() -> None:
    """Places are remembered: a thousand codes of one shape, one after the other."""
    v = Value(0.5)
    for i in range(3000):
        name = ("math.exp", "float")[i % 2]
        caught = told(lambda name=name: eval(f"{name}(v)", {"math": math, "v": v}))
        assert len(caught) == (name == "math.exp")


# --- while a function is recorded ----------------------------------------------------------------


def frozen(f: Callable[..., Any], *inputs: float) -> list[warnings.WarningMessage]:
    return told(lambda: compile(f, inputs=inputs or [0.5], backend="python"))


W = Value(2.0)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: W * math.exp(x),
        lambda x: W * float(x),
        lambda x: W * x.data,
        lambda x: x * W.data,
        lambda x: x * float(W * x),
        lambda x: x * (W * x).data,
        lambda x: x * exp(x).data,
        lambda x: W * np.float64(x),
        lambda x: W * statistics.fmean([x, x]),
        lambda x: W * sum(map(math.exp, [x])),
        lambda x: x if math.isnan(x) else -x,
        lambda x: x * Micrograd(3.0).data,
        lambda x: x * float(Micrograd(3.0)),
        lambda x: x * math.exp(Micrograd(3.0)),
    ],
)
def test_a_number_asked_for_while_recording_is_frozen_and_told(loss: Any) -> None:
    (warning,) = frozen(loss)
    assert warning.category is FrozenWarning
    assert (warning.filename, warning.lineno) == (__file__, loss.__code__.co_firstlineno)


def test_a_recording_says_what_to_write() -> None:
    (warning,) = frozen(lambda x: x * math.exp(x))
    assert str(warning.message).startswith("math.exp(v) took a plain number here")
    assert "Write exp(v) with the exp of tinygrad_edu" in str(warning.message)
    (warning,) = frozen(lambda x: x * x.data)
    assert "was asked for its number here" in str(warning.message)


def test_each_line_is_told_once_whatever_it_asks() -> None:
    def f(x: Value, y: Value) -> Value:
        a = [float(x), x.data, math.exp(y), x < y] * 3  # this line
        for _ in range(3):
            a.append(y.data)  # and this one
        return x * y + a[0]

    line = f.__code__.co_firstlineno
    assert [w.lineno - line for w in frozen(f, 1.0, 2.0)] == [1, 3]


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: exp(x) * W,
        lambda x: x * len(f"{x} {x:.3f} {W}"),
        lambda x: x * len("%.3f" % x),  # noqa: UP031 - it is what is tested
        lambda x: x * len(str(x) + repr(x * W)),
        lambda x: losses.cross_entropy([x, W, x * W], 1),
        lambda x: losses.softmax([x, W])[0],
        lambda x: losses.half_squared_error([x], [0.5], 0.2),
        lambda x: gradient(mask(step(x), x**3), [x])[0],
        lambda x: W.__setattr__("data", 2.0) or x,
    ],
)
def test_what_freezes_nothing_is_not_told(loss: Any) -> None:
    assert not frozen(loss)


def test_nobody_listens_any_more_when_it_is_recorded() -> None:
    with pytest.raises(ZeroDivisionError):
        compile(lambda x: 1 // 0, inputs=[1.0])
    assert on_float.get() is None
    assert not told(lambda: [Value(1.0).data, float(Value(1.0))])


# --- rules ---------------------------------------------------------------------------------------

LEAVING_RULES: dict[str, Op] = {
    "math": Op("loud", math.erf, lambda y, a: 2 / math.sqrt(math.pi) * math.exp(-a * a)),
    "float": Op("loud", math.sin, lambda y, a: math.cos(float(a))),
    "data": Op("loud", math.sin, lambda y, a: getattr(a, "data", a) * 1),
    "map": Op("loud", math.sin, lambda y, a: sum(map(math.cos, [a]))),
}


@pytest.mark.parametrize("kind", LEAVING_RULES)
def test_a_rule_that_leaves_the_graph_is_an_error_where_it_would_be_silent(kind: str) -> None:
    op = LEAVING_RULES[kind]
    x = Value(0.5)
    y: Value = op(x)
    y.backward()  # of numbers it is as good as any
    assert x.grad == op.da(y.data, 0.5)
    with pytest.raises(LeftGraphError, match=r"^loud: the rule for operand a \(") as caught:
        gradient(y, [x])
    assert isinstance(caught.value, TypeError)
    assert f"{__file__}, line {op.da.__code__.co_firstlineno}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert on_float.get() is None
    assert x.data == 0.5


def test_the_operand_whose_rule_it_is_is_named() -> None:
    op = Op(
        "area", lambda a, b: a * math.sin(b), lambda y, a, b: y / a, lambda y, a, b: math.cos(b)
    )
    a, b = Value(2.0), Value(0.5)
    assert gradient(op(a, b), [a])[0].data == math.sin(0.5)
    with pytest.raises(LeftGraphError, match=r"^area: the rule for operand b .* calls math\.cos"):
        gradient(op(a, b), [a, b])
    as_it_is: Any = Op("e", math.exp, math.exp)  # no rule, and no frame of its own
    with pytest.raises((LeftGraphError, TypeError)):
        gradient(as_it_is(a), [a])


def test_what_a_good_rule_says_of_itself_is_no_offence() -> None:
    said: list[str] = []
    op = Op("cube", lambda a: a**3, lambda y, a: said.append(f"{a} {y:.1f}") or 3 * a**2)
    x = Value(2.0)
    (slope,) = gradient(op(x), [x])
    assert [slope.data, *(d.data for d in gradient(slope, [x]))] == [12.0, 12.0]
    assert said


def test_a_gradient_within_a_recording_leaves_it_listening() -> None:
    def f(x: Value) -> Value:
        (d,) = gradient(x**3, [x])
        return d * x.data  # this line

    (warning,) = frozen(f)
    assert warning.lineno == f.__code__.co_firstlineno + 2


# --- micrograd -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [text for text, f in LEAVE.items() if f is not None] + ["math.isnan(v)", "math.isclose(v, 1)"],
)
def test_a_function_of_math_is_the_type_error_that_it_is_in_micrograd(text: str) -> None:
    from micrograd.engine import Value as Original

    for v in (Original(0.5), Micrograd(0.5)):
        with pytest.raises(TypeError) as caught:
            as_expression(text)(v=v, vs=[v, v])
        assert str(caught.value) == "must be real number, not Value"


@pytest.mark.parametrize(
    "text", ["float(v)", "'%f' % v", "f'{v:.2f}'", "np.float64(v)", "np.array(vs, dtype=float)"]
)
def test_a_plain_number_is_given_as_before(text: str) -> None:
    v = Micrograd(0.5)
    found = as_expression(text)(v=v, vs=[v, v])
    assert float(found[0] if isinstance(found, np.ndarray) else found) == 0.5


def test_its_own_type_is_named() -> None:
    class Node(Micrograd):
        pass

    with pytest.raises(TypeError, match=r"^must be real number, not Node$"):
        math.exp(Node(1.0))


# --- other interpreters --------------------------------------------------------------------------


def test_an_interpreter_that_is_not_understood_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_edu.habits import calls

    monkeypatch.setattr(calls, "UNDERSTOOD", False)
    assert not told(lambda: math.exp(Value(0.5)))
    monkeypatch.undo()

    def broken(*_: Any) -> Iterator[Any]:
        raise KeyError("an instruction that nobody knows")

    monkeypatch.setattr(calls, "_disassembled", broken)
    calls._known.clear()
    assert not told(lambda: math.exp(Value(0.5)))
    calls._known.clear()
