"""Points where derivatives go wrong first: saturation, powers at 0, branches that are not taken.

Each is asked in every way there is, at the point where the graph was recorded and at another one:
by the eager engine, along the tape, by the emitted Python, and by the compiled back ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from math import inf, nan
from typing import Any

import pytest
from mpmath import mp
from references import DIGITS, ROWS

from tinygrad_edu import (
    TABLE,
    Value,
    compile,
    cos,
    exp,
    gradient,
    less,
    log,
    mask,
    maximum,
    sigmoid,
    softplus,
    sqrt,
    step,
    tanh,
)
from tinygrad_edu.compiler.languages import program
from tinygrad_edu.compiler.tape.tape import record

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.NonFiniteWarning")
Answer = tuple[float, list[float]]  # a value and its gradient
Build = Callable[..., Value]


def leaves_at(point: Sequence[float]) -> list[Value]:
    return [Value(x, label=name) for x, name in zip(point, "ab")]


def replayed(y: Value, leaves: list[Value]) -> Answer:
    tape = record([y])
    nodes, (again,) = tape.replay({x: x.data for x in leaves if x in tape.leaves})
    again.backward()
    return again.data, [nodes[tape.leaves[x]].grad if x in tape.leaves else 0.0 for x in leaves]


def differentiated(y: Value, leaves: list[Value]) -> Answer:
    tape = record([y])
    nodes, (again,) = tape.replay({x: x.data for x in leaves if x in tape.leaves})
    xs = [nodes[tape.leaves[x]] if x in tape.leaves else Value(0.0) for x in leaves]
    return again.data, [slope.data for slope in gradient(again, xs)]


def along_the_tape(y: Value, leaves: list[Value]) -> Answer:
    tape = record([y], leaves)
    slots = tape.run({x: x.data for x in leaves if x in tape.leaves})
    return slots[tape.outputs[0]], [slots[k] for k in tape.gradients]


def emitted(y: Value, leaves: list[Value]) -> Answer:
    tape = record([y], leaves)
    names: dict[str, Any] = {"__name__": "lesson"}
    exec(program(tape, leaves, "python"), names)
    used = {x.label: x.data for x in leaves if x in tape.leaves}
    value, slopes = names["f"](**used)
    return value, slopes


def compiled(backend: str, inputs: bool = False) -> Callable[[Value, list[Value]], Answer]:
    def answer(y: Value, leaves: list[Value]) -> Answer:
        if not inputs:
            value, slopes = compile(y, wrt=leaves, backend=backend)()
            return value, slopes
        steps = compile(y, wrt=leaves, inputs=leaves, backend=backend)
        value, columns = steps(*([x.data] for x in leaves))
        return value, [column[0] for column in columns]

    return answer


WAYS: dict[str, Callable[[Value, list[Value]], Answer]] = {
    "backward": replayed,
    "gradient": differentiated,
    "table": along_the_tape,
    "emitted": emitted,
    "python": compiled("python"),
    "numpy": compiled("numpy"),
    "machine": compiled("machine"),
    "python inputs": compiled("python", inputs=True),
    "numpy inputs": compiled("numpy", inputs=True),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Callable[[Value, list[Value]], Answer]:
    if request.param.startswith("numpy"):
        pytest.importorskip("numpy")
    if request.param == "machine":
        pytest.importorskip("llvmlite")
    return WAYS[request.param]


def orders(
    way: Callable[[Value, list[Value]], Answer],
    build: Build,
    point: Sequence[float],
    recorded: Sequence[float],
    highest: int,
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every derivative up to an order, twice: as a graph, and as the slope of the order below."""
    leaves = leaves_at(recorded)
    graphs: dict[tuple[int, ...], Value] = {(): build(*leaves)}
    for order in range(highest):
        for by in [by for by in graphs if len(by) == order]:
            slopes = gradient(graphs[by], leaves)
            graphs |= {(*by, i): slope for i, slope in enumerate(slopes)}
    for leaf, x in zip(leaves, point):
        leaf.data = x
    for by, graph in graphs.items():
        if graph.args or graph in leaves:
            value, slopes_ = way(graph, leaves)
            yield by, value
            if len(by) < highest:
                yield from (((*by, i), x) for i, x in enumerate(slopes_))
        else:
            yield by, graph.data  # a constant


def name(by: tuple[int, ...]) -> str:
    return "d" + "".join("ab"[i] for i in by)


def differences(
    way: Any, build: Build, point: Any, elsewhere: Any, expected: dict[str, float], highest: int
) -> list[str]:
    """What is not as expected, "" being all other derivatives; recorded there, and elsewhere."""
    wrong = []
    for recorded in (point, elsewhere):
        for by, found in orders(way, build, point, recorded, highest):
            right = expected.get(name(by), expected.get("", nan))
            same = found != found if right != right else found == pytest.approx(right, rel=1e-13)
            if not same or (right == 0 and found != 0):
                wrong.append(f"recorded at {recorded}: {name(by)} = {found!r}, not {right!r}")
    return wrong


# --- branches that are not taken -----------------------------------------------------------------


def shared(x: Value) -> Value:
    root = sqrt(x)
    return mask(step(x), root * 2) + mask(step(x - 1), exp(root))


# The branch, the point, one where all is well, and what is not 0: d is the value.
MASKED: dict[str, tuple[Build, tuple[float, ...], tuple[float, ...], dict[str, float]]] = {
    "root below 0": (lambda x: mask(step(x), sqrt(x)), (-3.0,), (2.0,), {}),
    "root at 0": (lambda x: mask(step(x), sqrt(x)), (0.0,), (2.0,), {}),
    "1/x": (lambda x: mask(step(x), 1 / x), (0.0,), (2.0,), {}),
    "1/x below 0": (lambda x: mask(step(x), 1 / x), (-0.0,), (2.0,), {}),
    "log below 0": (lambda x: mask(step(x), log(x)), (-1.0,), (2.0,), {}),
    "log at 0": (lambda x: mask(step(x), log(x)), (0.0,), (2.0,), {}),
    "a/b": (lambda a, b: mask(less(1, b), a / b), (2.0, 0.0), (2.0, 3.0), {}),
    "0/0": (lambda a, b: mask(b, a / b), (0.0, 0.0), (2.0, 3.0), {}),
    "a power below 0": (lambda x: mask(step(x), x**0.5), (-1.0,), (2.0,), {}),
    "a power of powers": (lambda a, b: mask(step(a), a**b), (-1.0, 0.5), (2.0, 3.0), {}),
    "overflow": (lambda x: mask(less(x, 700), exp(x)), (800.0,), (2.0,), {}),
    "inf - inf": (lambda x: mask(less(x, 700), exp(x) - exp(x + 1)), (800.0,), (2.0,), {}),
    "two masks, one dead node": (shared, (-3.0,), (2.0,), {}),
    "two masks, one open": (
        shared,
        (0.25,),
        (2.0,),
        {"d": 1.0, "da": 2.0, "daa": -4.0},
    ),
    "nested": (lambda x: mask(step(x), mask(step(x - 1), log(x - 1))), (-1.0,), (2.0,), {}),
    "nested, outer open": (
        lambda x: mask(step(x), mask(step(x - 1), log(x - 1))),
        (0.5,),
        (2.0,),
        {},
    ),
    "nested, inner open": (
        lambda x: mask(step(x - 1), mask(step(x), log(x - 1))),
        (0.5,),
        (2.0,),
        {},
    ),
    "of a product": (lambda a, b: mask(step(a), b * log(a)), (-1.0, 2.0), (2.0, 3.0), {}),
    "chained": (lambda x: mask(step(x), cos(sqrt(log(x)))), (-1.0,), (2.0,), {}),
    "then used": (lambda x: exp(mask(step(x), 1 / x)), (0.0,), (2.0,), {"d": 1.0}),
    "times x": (lambda x: x * mask(step(x), sqrt(x)), (-3.0,), (2.0,), {}),
    "either or": (
        lambda x: mask(step(x), sqrt(x)) + mask(1 - step(x), x**2),
        (-3.0,),
        (2.0,),
        {"d": 9.0, "da": -6.0, "daa": 2.0},
    ),
    "the other": (
        lambda x: mask(step(x), sqrt(x)) + mask(1 - step(x), log(1 - x)),
        (4.0,),
        (-2.0,),
        {"d": 2.0, "da": 0.25, "daa": -1 / 32},
    ),
    "one dead, one alive": (
        lambda x: mask(step(x), sqrt(x)) + maximum(x, -5),
        (-3.0,),
        (2.0,),
        {"d": -3.0, "da": 1.0},
    ),
}


@pytest.mark.parametrize("case", MASKED)
def test_what_a_mask_keeps_out_of_the_value_it_keeps_out_of_derivatives(
    case: str, way: Any
) -> None:
    build, point, elsewhere, expected = MASKED[case]
    assert not differences(way, build, point, elsewhere, {"": 0.0, **expected}, 2)


# What is not masked stays undefined.
OPEN: dict[str, tuple[Build, tuple[float, ...]]] = {
    "an open mask": (lambda x: mask(step(x) + 1, sqrt(x)), (-3.0,)),
    "beside a mask": (lambda x: mask(step(x), sqrt(x)) + sqrt(x), (-3.0,)),
    "a node used twice": (
        lambda x: (lambda root: mask(step(x), root) + root)(sqrt(x)),
        (-3.0,),
    ),
}


@pytest.mark.parametrize("case", OPEN)
def test_what_is_not_masked_stays_undefined(case: str, way: Any) -> None:
    build, point = OPEN[case]
    assert not differences(way, build, point, (2.0,), {"": nan}, 1)


# --- powers --------------------------------------------------------------------------------------

Case = tuple[Build, tuple[float, ...], dict[str, float], int]
A, B = (3.0,), (3.0, 2.5)  # where the graphs are recorded besides
POWERS: dict[str, Case] = {
    "a**b at (2, 0)": (
        lambda a, b: a**b,
        (2.0, 0.0),
        {
            **{"d": 1.0, "da": 0.0, "db": math.log(2), "daa": 0.0, "dab": 0.5, "dba": 0.5},
            "dbb": math.log(2) ** 2,
        },
        2,
    ),
    "a**b at (0, 2)": (
        lambda a, b: a**b,
        (0.0, 2.0),
        {"d": 0.0, "da": 0.0, "db": 0.0, "daa": 2.0, "dab": 0.0, "dba": 0.0, "dbb": 0.0},
        2,
    ),
    "a**b at (0, 3)": (lambda a, b: a**b, (0.0, 3.0), {"": 0.0}, 2),
    "a**b at (-2, 3)": (
        lambda a, b: a**b,
        (-2.0, 3.0),
        {"d": -8.0, "da": 12.0, "daa": -12.0, "": nan},
        2,
    ),
    "0**y": (lambda y: 0.0**y, (0.5,), {"": 0.0}, 2),
    "0**y at 3": (lambda y: 0.0**y, (3.0,), {"": 0.0}, 2),
    "2**y at 0": (
        lambda y: 2.0**y,
        (0.0,),
        {f"d{'a' * k}": math.log(2) ** k for k in range(5)},
        4,
    ),
    "x**0.5 at 4": (
        lambda x: x**0.5,
        (4.0,),
        {"d": 2.0, "da": 0.25, "daa": -1 / 32, "daaa": 3 / 256},
        3,
    ),
}
for n in range(5):
    whole = {"": 0.0, f"d{'a' * n}": float(math.factorial(n))}
    POWERS[f"x**{n} at 0"] = (lambda x, n=n: x**n, (0.0,), whole, 4)
    POWERS[f"x**{n} at -0"] = (lambda x, n=n: x**n, (-0.0,), whole, 4)
POWERS["x**0 at 1e-200"] = (lambda x: x**0, (1e-200,), {"d": 1.0, "": 0.0}, 3)


@pytest.mark.parametrize("case", POWERS)
def test_powers_at_0_have_all_derivatives(case: str, way: Any) -> None:
    build, point, expected, highest = POWERS[case]
    elsewhere = {1: A, 2: B}[len(point)]
    assert not differences(way, build, point, elsewhere, expected, highest)


@pytest.mark.parametrize("n", range(5))
def test_a_variable_exponent_is_as_good_as_a_number(n: int, way: Any) -> None:
    """By the base at 0, whatever the exponent is when the graph is recorded, to order 4."""
    x = 0.0
    expected = {"": 0.0, f"d{'a' * n}": float(math.factorial(n))}
    highest = 4
    for recorded in ((x, float(n)), (3.0, 2.5)):
        leaves = leaves_at(recorded)
        graphs = [leaves[0] ** leaves[1]]
        for _ in range(highest):
            graphs.append(gradient(graphs[-1], leaves[:1])[0])
        leaves[0].data, leaves[1].data = x, float(n)
        for k, graph in enumerate(graphs):
            value, slopes = way(graph, leaves)
            assert value == expected.get(f"d{'a' * k}", 0.0), k
            if k < highest:
                assert slopes[0] == expected.get(f"d{'a' * (k + 1)}", 0.0), k + 1


# --- saturation ----------------------------------------------------------------------------------


def by_mpmath(row: str, order: int, x: float) -> float:
    with mp.workdps(DIGITS):
        return float(ROWS[row].numbers((x,))[(0,) * order].exact)


SATURATED = [
    ("tanh", 1, 14.0, 2.7657600427722563e-12),
    ("tanh", 1, 20.0, 1.6993417021166355e-17),
    ("sigmoid", 1, 40.0, 4.248354255291589e-18),
    ("sigmoid", 1, 700.0, 9.85967654375977e-305),
    ("softplus", 2, 37.43, 5.55e-17),
]
SATURATED += [
    (row, order, x, by_mpmath(row, order, x))
    for row in ("tanh", "sigmoid", "softplus")
    for order in (1, 2, 3)
    for x in (14.0, 18.5, 37.43, 100.0, 353.0, 700.0)
    if row != "tanh" or x < 354
]
SIGN = {"tanh": (1, -1, 1), "sigmoid": (1, -1, 1), "softplus": (0, 1, -1)}  # of f(-x) / f(x)


def test_the_named_numbers_are_those_of_mpmath() -> None:
    for row, order, x, right in SATURATED:
        digits = 1e-15 if right != 5.55e-17 else 1e-3
        assert right == pytest.approx(by_mpmath(row, order, x), rel=digits, abs=0)


@pytest.mark.parametrize("row", SIGN)
def test_saturated_derivatives_have_all_their_digits(row: str, way: Any) -> None:
    """On both sides, to 4 units for the first, 1e-13 for the second, 1e-10 for the third."""
    leaf = Value(1.0, label="a")
    graphs = [TABLE[row](leaf)]
    for _ in range(3):
        graphs.append(gradient(graphs[-1], [leaf])[0])
    wrong = []
    for name_, order, x, right in SATURATED:
        if name_ != row:
            continue
        sign = SIGN[row][order - 1]
        for leaf.data in (x, -x) if sign else (x,):
            exact = right if leaf.data == x else sign * right
            off = {1: 9e-16, 2: 1e-13, 3: 1e-10}[order] if right != 5.55e-17 else 1e-3
            found = way(graphs[order], [leaf])[0], way(graphs[order - 1], [leaf])[1][0]
            if found != pytest.approx((exact, exact), rel=off, abs=0):
                wrong.append(f"derivative {order} at {leaf.data} is {found}, not {exact}")
    assert not wrong


PAIRS = [1e-300, 1e-9, 0.3, 3.0, 14.0, 22.0, 37.43, 700.0]


@pytest.mark.parametrize("x", PAIRS)
def test_the_two_sides_of_0_are_mirror_images(x: float, way: Any) -> None:
    """Slopes are even, curvatures odd, to the bit; sigmoids of x and -x are 1 together."""
    a = Value(1.0, label="a")

    def both(y: Value) -> list[tuple[float, float]]:
        found = []
        for a.data in (x, -x):
            value, (slope,) = way(y, [a])
            found.append((value, slope))
        return found

    (up, slope), (down, mirrored) = both(sigmoid(a))
    assert up + down == pytest.approx(1.0, abs=2.3e-16, rel=0)
    assert slope == mirrored > 0
    (up, slope), (down, mirrored) = both(softplus(a))
    assert up - down == pytest.approx(x, abs=4e-16, rel=4e-16)
    assert slope + mirrored == pytest.approx(1.0, abs=2.3e-16, rel=0)
    (up, slope), (down, mirrored) = both(tanh(a))
    assert (up, slope) == (-down, mirrored)
    a.data = 1.0
    for y in (sigmoid(a), tanh(a) if x < 350 else sigmoid(a)):  # tanh is flat beyond, in floats
        (first,) = gradient(y, [a])
        (left, curve), (right, mirror) = both(first)
        assert (left, curve) == (right, -mirror)
        assert left > 0
        assert curve < 0
        a.data = 1.0


def test_slopes_of_saturated_units_end_where_floats_end(way: Any) -> None:
    """0 only beyond the smallest float, and nan nowhere."""
    a = Value(1.0, label="a")
    ends = [(sigmoid(a), 744.0, 746.0), (tanh(a), 372.0, 374.0)]
    for y, last, after in ends:
        (first,) = gradient(y, [a])
        (second,) = gradient(first, [a])
        for graph in (first, second):
            for a.data in (last, -last):
                assert abs(way(graph, [a])[0]) > 0
            for a.data in (after, -after, 711.0, 1e4, 1e308, inf, -inf):
                if abs(a.data) >= after:
                    assert [way(graph, [a])[0], *way(graph, [a])[1]] == [0.0, 0.0], a.data
        a.data = 1.0


def test_either_is_1_where_one_operand_is_not_0(way: Any) -> None:
    """A nan is not 0, either."""
    a, b = leaves_at((1.0, 2.0))
    y = TABLE["either"](a, b)
    for a.data, b.data, right in [(0, -0.0, 0), (2, 0, 1), (0, inf, 1), (-1, 1e-300, 1)]:
        assert way(y, [a, b]) == (right, [0.0, 0.0])
    for a.data, b.data in [(nan, 0), (0, nan), (1, nan), (nan, nan)]:
        assert way(y, [a, b]) == (1.0, [0.0, 0.0])
