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

import pytest
from mpmath import chebyfit, hyp1f1, hyp2f1, mp, mpf

from tinygrad_edu import TABLE
from tinygrad_edu.ieee import same, total
from tinygrad_edu.native.arithmetic import ATANH, CHEAP, COSTLY, EXP, LIBRARY, LOG2, arithmetic
from tinygrad_edu.native.vector import Vector, bits

llvm = pytest.importorskip("llvmlite.binding")

WIDTHS = (2, 4, 8)
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
Run = Callable[..., list[float]]


def loop(width: int, name: str, operands: str, body: str) -> str:
    """A function that fills an array from others, a vector at a time."""
    v = f"<{width} x double>"
    loads = "\n".join(
        f"%{x}p = getelementptr {v}, ptr %{x}s, i64 %i\n%{x} = load {v}, ptr %{x}p, align 8"
        for x in operands
    )
    return f"""
        define void @of_{name}({", ".join(f"ptr %{x}s" for x in operands)}, ptr %ys, i64 %n) #0 {{
        start:
        br label %loop
        loop:
        %i = phi i64 [0, %start], [%next, %loop]
        {loads}
        {body}
        %yp = getelementptr {v}, ptr %ys, i64 %i
        store {v} %y, ptr %yp, align 8
        %next = add i64 %i, 1
        %more = icmp ult i64 %next, %n
        br i1 %more, label %loop, label %end
        end:
        ret void
        }}"""


def operands_of(name: str) -> str:
    return "ab"[: len(TABLE[name].derivatives)]


def row_loop(width: int, name: str) -> str:
    v = f"<{width} x double>"
    args = ", ".join(f"{v} %{x}" for x in operands_of(name))
    return loop(width, name, operands_of(name), f"%y = call {v} @row_{name}({args})")


def rule_loop(width: int, name: str, x: str) -> str:
    """The derivative by `x` as the table has it, called with Vectors; %r is the row's result."""
    lines: list[str] = []
    r, *args = (Vector(lines, width, f"%{z}") for z in "r" + operands_of(name))
    result = TABLE[name].derivatives["ab".index(x)](r, *args)
    lines.append(f"%y = fadd {r.type} {r.operand(result)}, {r.operand(-0.0)}")
    return loop(width, f"{name}_{x}", "r" + operands_of(name), "\n".join(lines))


def c_library() -> ctypes.CDLL:
    return ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)


@cache
def machine(width: int, cpu: str) -> dict[str, Run]:
    """Every row by its name, and its derivatives as `mul_a`, `mul_b`, for lists of floats."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in LIBRARY:
        llvm.add_symbol(name, ctypes.cast(getattr(c_library(), name), ctypes.c_void_p).value)
    loops = {name: row_loop(width, name) for name in TABLE}
    loops |= {f"{name}_{x}": rule_loop(width, name, x) for name in TABLE for x in operands_of(name)}
    text = arithmetic(width, ATTRIBUTES) + "\n".join(loops.values())
    module = llvm.parse_assembly(text + f"\nattributes #0 = {{ {ATTRIBUTES} }}")
    module.verify()
    settings = {}
    if cpu == "this":
        features = llvm.get_host_cpu_features().flatten()
        settings = {"cpu": llvm.get_host_cpu_name(), "features": features}
    target = llvm.Target.from_default_triple().create_target_machine(opt=2, **settings)
    options = llvm.create_pipeline_tuning_options(speed_level=1)
    passes = llvm.create_pass_builder(target, options)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()

    def runner(name: str) -> Run:
        def run(*args: list[float]) -> list[float]:
            assert engine  # kept alive: the code is its own
            vectors = -(-len(args[0]) // width)
            arrays = [(ctypes.c_double * (vectors * width))(*x) for x in (*args, [])]
            kinds = [ctypes.c_void_p] * len(arrays)
            function = ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64)
            function(engine.get_function_address(f"of_{name}"))(*arrays, vectors)
            return list(arrays[-1])[: len(args[0])]

        return run

    return {name: runner(name) for name in loops}


def steps_apart(x: float, y: float) -> float:
    """How many floats lie from one to the other; to a zero, an infinity or nan is no way."""
    if same(x, y):
        return 0
    if not (isfinite(x) and isfinite(y) and x and y):
        return inf
    return abs(math.copysign(1, x) * bits(abs(x)) - math.copysign(1, y) * bits(abs(y)))


def grid(name: str) -> list[list[float]]:
    """Every combination of special numbers as operands: a list for each operand."""
    return [list(x) for x in zip(*product(SPECIAL, repeat=len(operands_of(name))))]


EVERYWHERE = pytest.mark.parametrize(("width", "cpu"), list(product(WIDTHS, CPUS)))


def test_every_row_is_there_once() -> None:
    assert sorted([*CHEAP, *COSTLY]) == sorted(TABLE)


def test_nothing_else_is_public_and_nothing_else_is_needed() -> None:
    module = llvm.parse_assembly(arithmetic(4))
    defined = {f.name: f.linkage for f in module.functions if not f.is_declaration}
    assert defined == {f"row_{name}": llvm.Linkage.internal for name in TABLE}
    needed = {f.name for f in module.functions if f.is_declaration}
    assert {name for name in needed if not name.startswith("llvm.")} == set(LIBRARY)


@EVERYWHERE
@pytest.mark.parametrize("name", TABLE)
def test_at_the_edges_it_is_the_table(name: str, width: int, cpu: str) -> None:
    """The cheap rows to the bit; the others to 4 ulp, half of which are Python's."""
    args = grid(name)
    for y, *xs in zip(machine(width, cpu)[name](*args), *args):
        expected = TABLE[name](*xs)
        assert steps_apart(y, expected) <= (0 if name in CHEAP else 4), (xs, y, expected)


@EVERYWHERE
@pytest.mark.parametrize("name", TABLE)
def test_any_nan_is_nan(name: str, width: int, cpu: str) -> None:
    """Whatever its other bits are: rows that work on bits must not make a number of them."""
    patterns = [0x7FF8000000000001, 0x7FF8000000000FFF, 0xFFF80000000007FF, 0x7FFFFFFFFFFFFFFF]
    nans = [struct.unpack(">d", x.to_bytes(8, "big"))[0] for x in patterns]
    for y in machine(width, cpu)[name](*[nans] * len(operands_of(name))):
        assert isnan(y)


@EVERYWHERE
@pytest.mark.parametrize("name", TABLE)
def test_the_tables_own_rules_become_machine_code(name: str, width: int, cpu: str) -> None:
    args = grid(name)
    results = [TABLE[name](*xs) for xs in zip(*args)]
    for x, rule in zip("ab", TABLE[name].derivatives):
        got = machine(width, cpu)[f"{name}_{x}"](results, *args)
        for d, *xs in zip(got, results, *args):
            expected = total(rule, *xs)
            assert steps_apart(d, expected) <= 8, (x, xs, d, expected)


# The definition, ranges of x or of 2**x, and a bound in ulp
# just above the largest error found at 100,000 points in each range.
BOUNDS: dict[str, tuple[Callable[..., mpf], list[tuple[str, float, float]], float]] = {
    "exp": (mp.exp, [("x", -745, -708), ("x", -708, 709.7), ("x", -1, 1), ("2", -60, 0)], 1.0),
    "log": (
        mp.log,
        [("2", -1074, -1022), ("2", -1022, 1024), ("x", 0.5, 2), ("x", 0.99, 1.01)],
        0.85,
    ),
    "tanh": (mp.tanh, [("2", -1022, 0), ("x", -1, 1), ("x", -25, 25)], 1.35),
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


@pytest.mark.filterwarnings("ignore:Descending:DeprecationWarning")  # of powers, as mpmath 1.3 has
def test_coefficients_are_as_their_comments_say() -> None:
    with mp.workdps(50):
        log2, z = mp.log(2), (3 - mp.sqrt(8)) ** 2
        exp = chebyfit(lambda r: hyp1f1(1, 3, r) / 2, [-log2 / 2, log2 / 2], 11)
        atanh = chebyfit(lambda z: hyp2f1(1, 1.5, 2.5, z) * 2 / 3, [0, z], 7)
        assert tuple(float(c) for c in reversed(exp)) == EXP
        assert tuple(float(c) for c in reversed(atanh)) == ATANH
        assert LOG2[1] == float(log2 - mpf(LOG2[0]))
    assert bits(LOG2[0]) % 2**12 == 0


def test_a_vector_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="a rule cannot ask"):
        bool(Vector([], 4, "%a") > 0)
