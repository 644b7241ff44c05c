"""The rows in machine code, run: against the table at the edges, against mpmath in between."""

from __future__ import annotations

import ctypes
import math
import struct
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from math import inf, isfinite, isnan, nan
from random import Random
from typing import Any

import pytest
from mpmath import chebyfit, hyp1f1, hyp2f1, mp, mpf

from tinygrad_edu import TABLE
from tinygrad_edu.compiler.native.machine.arithmetic import (
    ATANH,
    EXP,
    LIBRARY,
    LOG2,
    PAIRS,
    WRITERS,
)
from tinygrad_edu.compiler.native.machine.llvm import Code, Vector, bits, when, written
from tinygrad_edu.rows.ieee import same

llvm = pytest.importorskip("llvmlite.binding")

WIDTHS = (2, 4, 8, 16)
CPUS = ("plain", "this")  # without and with an instruction for muladd, if this one is an x86
ATTRIBUTES = '"prefer-vector-width"="512" "min-legal-vector-width"="512"'
LARGEST, SMALLEST, NORMAL = 1.7976931348623157e308, 5e-324, 2.0**-1022
SPECIAL = [
    *(nan, inf, 0.0, SMALLEST, 1e-310, NORMAL, 1e-300, 1e-17, 0.1, 0.35, 0.5, 0.625, 1.0, 1.5),
    *(2.0, 3.0, 22.0, 37.0, 708.5, 709.7, 709.8, 710.4, 710.5, 745.1, 745.2, 746.0, 1e4, 1e200),
    *(2.0**53 - 1, 1e308, LARGEST),
]
SPECIAL += [-x for x in SPECIAL]
POINTS = 2000  # in each range
EXACT = ("add", "sub", "mul", "div", "max", "min", "less", "mask", "either")
EXACT += ("neg", "abs", "sign", "step", "relu", "sqrt", "floor", "ceil", "circle")
TWINS = [name for name in WRITERS if not TABLE[name].primitive]  # beside what the row says
Run = Callable[..., list[float]]


def operands_of(name: str) -> str:
    return "ab"[: len(TABLE[name].derivatives)]


# What can be run: each row as `written` has it; "its row of tanh", as its own row says, where
# there is a twin; and "first of tanh" and "second of tanh", both results of a pair.
WAYS: dict[str, tuple[str, Callable[..., Any]]] = {
    **{name: (name, written(op)) for name, op in TABLE.items()},
    **{f"its row of {name}": (name, TABLE[name].value) for name in TWINS},
    **{f"first of {a}": (a, lambda x, pair=pair: pair(x)[0]) for (a, _), pair in PAIRS.items()},
    **{f"second of {a}": (b, lambda x, pair=pair: pair(x)[1]) for (a, b), pair in PAIRS.items()},
}


def module(width: int, real: str = "double") -> str:
    """Functions `of_0` and so on, one for each way, which fill an array from others, a vector at a
    time.
    """
    code = Code(ATTRIBUTES, real=real)
    for k, (name, write) in enumerate(WAYS.values()):
        arrays = ", ".join(f"real* {x}" for x in (*operands_of(name), "y"))
        with code.function(f"void @of_{k}({arrays}, i64 n)") as ((*xs, y), (n,)):

            def one(i: Vector, write: Any = write, xs: Any = xs, y: Any = y) -> None:
                args = [(x + i * width).vector(width) for x in xs]
                (y + i * width).store(write(*args))

            code.loop(n, [], one)
    return code.text()


def c_library() -> ctypes.CDLL:
    return ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)


@cache
def machine(width: int, cpu: str, real: str = "double") -> dict[str, Run]:
    """Every way by its name, for lists of floats, which are doubles or singles in memory."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in LIBRARY:
        llvm.add_symbol(name, ctypes.cast(getattr(c_library(), name), ctypes.c_void_p).value)
    made = llvm.parse_assembly(module(width, real))
    made.verify()
    kind = {"double": ctypes.c_double, "float": ctypes.c_float}[real]
    settings = {}
    if cpu == "this":
        features = llvm.get_host_cpu_features().flatten()
        settings = {"cpu": llvm.get_host_cpu_name(), "features": features}
    target = llvm.Target.from_default_triple().create_target_machine(opt=2, **settings)
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    passes = llvm.create_pass_builder(target, options)
    passes.getModulePassManager().run(made, passes)
    engine = llvm.create_mcjit_compiler(made, target)
    engine.finalize_object()

    def runner(k: int) -> Run:
        def run(*args: list[float]) -> list[float]:
            assert engine  # kept alive: the code is its own
            vectors = -(-len(args[0]) // width)
            arrays = [(kind * (vectors * width))(*x) for x in (*args, [])]
            kinds = [ctypes.c_void_p] * len(arrays)
            function = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64)
            function(engine.get_function_address(f"of_{k}"))(*arrays, vectors)
            return list(arrays[-1])[: len(args[0])]

        return run

    return {way: runner(k) for k, way in enumerate(WAYS)}


def steps_apart(x: float, y: float) -> float:
    """How many floats lie from one to the other; to a zero, an infinity or nan is no way."""
    if same(x, y):
        return 0
    if not (isfinite(x) and isfinite(y) and x and y):
        return inf
    places = [bits(abs(z)) if z > 0 else -bits(abs(z)) for z in (x, y)]  # integers: not rounded
    return abs(places[0] - places[1])


def grid(name: str) -> list[list[float]]:
    """Every combination of special numbers as operands: a list for each operand."""
    return [list(x) for x in zip(*product(SPECIAL, repeat=len(operands_of(name))))]


EVERYWHERE = pytest.mark.parametrize(("width", "cpu"), list(product(WIDTHS, CPUS)))


def test_every_primitive_has_a_writer_and_few_other_rows_have() -> None:
    primitives = {name for name, op in TABLE.items() if op.primitive}
    assert set(WRITERS) == primitives | {"sigmoid", "bell"}
    assert {b for _, b in PAIRS} == {"bell", "sech2"}


def test_nothing_else_is_needed() -> None:
    made = llvm.parse_assembly(module(4))
    needed = {f.name for f in made.functions if f.is_declaration}
    assert {name for name in needed if not name.startswith("llvm.")} == set(LIBRARY)


@EVERYWHERE
@pytest.mark.parametrize("name", TABLE)
def test_at_the_edges_it_is_the_table(name: str, width: int, cpu: str) -> None:
    """The exact rows to the bit; the others to 4 ulp, half of which are Python's."""
    args = grid(name)
    for y, *xs in zip(machine(width, cpu)[name](*args), *args):
        expected = TABLE[name](*xs)
        assert steps_apart(y, expected) <= (0 if name in EXACT else 4), (xs, y, expected)


def everywhere() -> list[float]:
    """Special numbers, and others of every size, saturated ends included."""
    random = Random(4)
    ranges = [(-745, 745), (-40, 40), (-2, 2)]
    xs = [random.uniform(*ends) for ends in ranges for _ in range(POINTS)]
    return [*SPECIAL, *xs, *(2.0 ** random.uniform(-1074, 10) for _ in range(POINTS))]


@EVERYWHERE
@pytest.mark.parametrize("name", TWINS)
def test_a_twin_is_what_its_row_says(name: str, width: int, cpu: str) -> None:
    """In machine code and in Python: to 4 ulp."""
    xs, run = everywhere(), machine(width, cpu)
    for x, y, z in zip(xs, run[name](xs), run[f"its row of {name}"](xs)):
        assert steps_apart(y, z) <= 4, (x, y, z)
        assert steps_apart(y, TABLE[name](x)) <= 4, x


@EVERYWHERE
@pytest.mark.parametrize(("value", "slope"), PAIRS)
def test_a_pair_is_a_value_and_its_slope(value: str, slope: str, width: int, cpu: str) -> None:
    """As they are one at a time, to 4 ulp; and the slope is that of the table's rule."""
    xs, run = everywhere(), machine(width, cpu)
    both = zip(run[f"first of {value}"](xs), run[f"second of {value}"](xs))
    for x, (y, d), alone, its in zip(xs, both, run[value](xs), run[slope](xs)):
        assert steps_apart(y, alone) == 0, x
        assert steps_apart(d, its) <= 4, x
        assert steps_apart(d, TABLE[value].da(TABLE[value](x), x)) <= 4, x


@EVERYWHERE
@pytest.mark.parametrize("name", TABLE)
def test_any_nan_is_nan(name: str, width: int, cpu: str) -> None:
    """Whatever its other bits are: rows that work on bits must not make a number of them."""
    patterns = [0x7FF8000000000001, 0x7FF8000000000FFF, 0xFFF80000000007FF, 0x7FFFFFFFFFFFFFFF]
    nans = [struct.unpack(">d", x.to_bytes(8, "big"))[0] for x in patterns]
    for y in machine(width, cpu)[name](*[nans] * len(operands_of(name))):
        assert isnan(y) == (name != "either")  # which asks whether a number is 0


# The definition, ranges of x or of 2**x, and a bound in ulp
# just above the largest error found at 100,000 points in each range.
BOUNDS: dict[str, tuple[Callable[..., mpf], list[tuple[str, float, float]], float]] = {
    "exp": (mp.exp, [("x", -745, -708), ("x", -708, 709.7), ("x", -1, 1), ("2", -60, 0)], 1.1),
    "log": (
        mp.log,
        [("2", -1074, -1022), ("2", -1022, 1024), ("x", 0.5, 2), ("x", 0.99, 1.01)],
        0.85,
    ),
    "tanh": (mp.tanh, [("2", -1022, 0), ("x", -1, 1), ("x", -25, 25), ("x", 0.17, 0.6)], 1.35),
    "sigmoid": (
        lambda a: 1 / (1 + mp.exp(-a)),
        [("x", -745, -708), ("x", -708, 0), ("x", -40, 40), ("x", -5, 5)],
        2.3,
    ),
    "softplus": (
        lambda a: mp.log1p(mp.exp(a)),
        [("x", -745, -708), ("x", -708, 0), ("x", -40, 40), ("x", -2, 2)],
        1.7,
    ),
}


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("name", BOUNDS)
def test_errors_are_small(name: str, cpu: str) -> None:
    reference, ranges, bound = BOUNDS[name]
    with mp.workprec(120):
        for base, low, high in ranges:
            chance = Random(f"{name} {low} {high}")
            xs = [chance.uniform(low, high) for _ in range(POINTS)]
            xs = [2**x for x in xs] if base == "2" else xs
            for x, y in zip(xs, machine(8, cpu)[name](xs)):
                exact = reference(mpf(x))
                error = abs(mpf(y) - exact) / math.ulp(float(exact))
                assert error <= bound, (x, y, error)


def coefficients(of_exp: int, of_atanh: int) -> tuple[list[float], list[float]]:
    """The best polynomials with so many terms for the middles of exp and atanh."""
    with mp.workdps(50):
        log2, z = mp.log(2), (3 - mp.sqrt(8)) ** 2
        exp = chebyfit(lambda r: hyp1f1(1, 3, r) / 2, [-log2 / 2, log2 / 2], of_exp)
        atanh = chebyfit(lambda z: hyp2f1(1, 1.5, 2.5, z) * 2 / 3, [0, z], of_atanh)
        return [float(c) for c in reversed(exp)], [float(c) for c in reversed(atanh)]


@pytest.mark.filterwarnings("ignore:Descending:DeprecationWarning")  # of powers, as mpmath 1.3 has
def test_coefficients_are_as_their_comments_say() -> None:
    exp, atanh = coefficients(10, 7)
    assert (tuple(exp), tuple(atanh)) == (EXP, ATANH)
    with mp.workdps(50):
        log2 = mp.log(2)
        assert LOG2[1] == float(log2 - mpf(LOG2[0]))
    assert bits(LOG2[0]) % 2**12 == 0


def test_a_vector_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="no numbers until the code runs"):
        bool(Vector(Code(), "%a", width=4) > 0)


def test_numbers_loops_and_cases() -> None:
    """What the machine is written with, on the numbers 0, 1, 2, ...: i64, i32 and floats."""
    code = Code()
    header = "i64 @f(i64 n, i32* table, i64* plan, double* xs)"
    with code.function(header) as ((table, plan, xs), (n,)):

        def add(i: Vector, total: Vector, most: Vector) -> list[Vector]:
            x = table[i] * 3 - 1
            return [total + x, when(x > most, x, most)]

        def store(x: float) -> Callable[[], None]:
            return lambda: xs.store(xs[0].constant(x))

        total, most = code.loop(n, [n.constant(100), n.constant(-50)], add)
        code.cases(total, {100: store(1.0), 107: store(2.0)})
        code.cases(n.equals(0), {0: lambda: (plan + 1).store(most)})
        (xs + 2).store((xs + 4).vector(2).shuffled(xs[1].splat(2), [2, 1]))
        code.leave(total)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(code.text()), target)
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, *[ctypes.c_void_p] * 3)
    f = function(engine.get_function_address("f"))
    cases = {0: [100, 0, 1.0], 2: [107, 8, 2.0], 3: [97, 8, 0.0], -3: [100, -50, 1.0]}
    for count, expected in cases.items():
        table_, plan_ = (ctypes.c_int32 * 3)(0, 3, -3), (ctypes.c_int64 * 2)()
        xs_ = (ctypes.c_double * 6)(0.0, 1.5, 2.5, 3.5, 4.5, 5.5)
        found = f(count, table_, plan_, xs_)
        assert [found, plan_[1], xs_[0]] == expected
        assert list(xs_)[1:] == [1.5, 1.5, 5.5, 4.5, 5.5]
