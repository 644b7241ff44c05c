"""Every row at 200 points of its whole domain, and its derivatives to order 3, against mpmath.

What is allowed: values 4 units in the last place, first derivatives as well (powers and erf:
1e-13), second derivatives 1e-13 and third 1e-10 of the sum of the sizes of their terms; second
derivatives 1e-13 of themselves where all operands are beyond 1 and the terms do not cancel. NumPy
has 1e-13 in place of 4 units: its tanh is two units off. `references.py` has the mathematics.

A new row is tested as soon as `references.ROWS` has it, and until then a test fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product

import pytest
from mpmath import mp
from references import DIGITS, HIGHEST, PARTS, By, Point, Row, Sum, Target, parts, targets

from tinygrad_edu import TABLE, Op, Value, compile, gradient

POINTS = 200
Answers = Iterator[tuple[int, By, float]]  # the number of the point, the derivative, what it is

CASES = [(TABLE[name], name, i, part) for name, i, part in parts(TABLE)]
ROWS = pytest.mark.parametrize(
    ("op", "name", "part"),
    [(op, name, part) for op, name, _, part in CASES],
    ids=[name if i == 0 else f"{name}-{i + 1}" for _, name, i, _ in CASES],
)


@pytest.mark.quick
def test_every_row_has_a_reference() -> None:
    missing = sorted(set(TABLE) - set(PARTS))
    assert not missing, f"write these rows as mathematics in tests/references.py: {missing}"


@cache
def points(name: str, part: Row) -> list[Point]:
    return part.sample(POINTS, name)


@cache
def numbers(name: str, part: Row) -> list[dict[By, Sum]]:
    with mp.workdps(DIGITS):
        return [part.numbers(point) for point in points(name, part)]


@cache
def exact(name: str, part: Row, rough: bool) -> list[dict[By, Target | None]]:
    known = zip(points(name, part), numbers(name, part))
    with mp.workdps(DIGITS):
        return [targets(name, part, point, sums, rough) for point, sums in known]


def finite(found: dict[By, Target | None], order: int) -> bool:
    """Whether the value and the derivatives up to this order are floats."""
    return all(x is not None and abs(x.near) < 1e308 for by, x in found.items() if len(by) <= order)


def sequences(part: Row, order: int) -> list[By]:
    """All orders in which to differentiate so many times: d2/da db and d2/db da are two."""
    return list(product(part.by, repeat=order))


def graphs(op: Op, part: Row, point: Point, highest: int) -> tuple[list[Value], dict[By, Value]]:
    """The leaves, and the value and all derivatives: gradient(...) applied again and again."""
    leaves = [Value(x) for x in point]
    found: dict[By, Value] = {(): op(*leaves)}
    for order in range(highest):
        for by in sequences(part, order):
            slopes = gradient(found[by], [leaves[i] for i in part.by])
            found |= {(*by, i): slope for i, slope in zip(part.by, slopes)}
    return leaves, found


def eager(op: Op, name: str, part: Row) -> Answers:
    for k, point in enumerate(points(name, part)):
        yield k, (), op(*point)
        leaves, found = graphs(op, part, point, HIGHEST)
        found[()].backward()
        yield from ((k, (i,), leaves[i].grad) for i in part.by)
        yield from ((k, by, x.data) for by, x in found.items())


def compiled(backend: str, rough: bool = False) -> Callable[[Op, str, Row], Answers]:
    """The same graphs as a step, and the first derivatives as the step itself makes them.

    A step hands an example that is not finite to the eager engine; so the derivatives that are not
    finite are left out, with all higher ones, and each step has the points that it can do.
    """

    def answers(op: Op, name: str, part: Row) -> Answers:
        known = exact(name, part, rough)
        last = [max((k for k in range(HIGHEST + 1) if finite(x, k)), default=-1) for x in known]
        recorded = next(point for point, order in zip(points(name, part), last) if order == HIGHEST)
        for order in set(last) - {-1}:
            leaves, found = graphs(op, part, recorded, order)
            also = [x for by, x in found.items() if by]
            chosen = [k for k, most in enumerate(last) if most == order]
            if backend == "machine":
                yield from _one_by_one(name, part, chosen, leaves, found, also)
                continue
            step = compile(found[()], inputs=leaves, also=also, backend=backend)
            for by, column in zip(found, step.outputs(*_columns(name, part, chosen))):
                yield from zip(chosen, [by] * len(chosen), column)
            if order:
                chosen = [k for k in chosen if abs(known[k][()].near) < 1e300]  # a step adds up
                wrt = [leaves[i] for i in part.by]
                step = compile(found[()], wrt=wrt, inputs=leaves, backend=backend)
                for i, column in zip(part.by, step(*_columns(name, part, chosen))[1]):
                    yield from zip(chosen, [(i,)] * len(chosen), column)

    return answers


def _columns(name: str, part: Row, chosen: Sequence[int]) -> list[list[float]]:
    return [list(column) for column in zip(*(points(name, part)[k] for k in chosen))]


def _one_by_one(
    name: str,
    part: Row,
    chosen: Sequence[int],
    leaves: list[Value],
    found: dict[By, Value],
    also: list[Value],
) -> Answers:
    """Machine code adds up over the examples, and differentiates by parameters: one at a time."""
    wrt = [leaves[i] for i in part.by] if also else []
    step = compile(found[()], wrt=wrt, also=also, backend="machine")
    assert step.chosen(1) == "machine"
    for k in chosen:
        for leaf, x in zip(leaves, points(name, part)[k]):
            leaf.data = x
        value, slopes, *more = step()
        yield k, (), value
        yield from ((k, (i,), slope) for i, slope in zip(part.by, slopes))
        yield from zip([k] * len(also), [by for by in found if by], *more)


WAYS: dict[str, Callable[[Op, str, Row], Answers]] = {
    "eager": eager,
    "python": compiled("python"),
    "numpy": compiled("numpy", rough=True),
    "machine": compiled("machine"),
}


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.NonFiniteWarning")  # sums, and to inf
@pytest.mark.parametrize("way", WAYS)
@ROWS
def test_values_and_derivatives_are_those_of_mpmath(op: Op, name: str, part: Row, way: str) -> None:
    if way == "numpy":
        pytest.importorskip("numpy")
    if way == "machine":
        pytest.importorskip("llvmlite")
    known = exact(name, part, way == "numpy")
    worst: dict[By, tuple[float, str]] = {}
    wrong: Counter[By] = Counter()
    seen: Counter[By] = Counter()
    for k, by, found in WAYS[way](op, name, part):
        target = known[k][tuple(sorted(by))]
        if target is None:
            continue
        seen[by] += 1
        error = target.error(found)
        if error > 1:
            wrong[by] += 1
            if error > worst.get(by, (1.0, ""))[0]:
                told = f"at {points(name, part)[k]} is {found!r}, not {target.near!r}"
                worst[by] = error, f"{told}: off by {error:.3g} times what is allowed"
    assert min(seen[by] for k in range(HIGHEST + 1) for by in sequences(part, k)) > POINTS / 4
    lines = [
        f"d{''.join('ab'[i] for i in by)} {op.name} {text} ({wrong[by]} of {seen[by]})"
        for by, (_, text) in sorted(worst.items(), key=lambda item: len(item[0]))
    ]
    assert not lines, "\n".join(lines)
