"""The references are checked: slopes against numerical derivatives, digits against more digits."""

from __future__ import annotations

import math
from typing import Any

import pytest
from mpmath import mp, mpf
from references import DIGITS, LARGEST, PARTS, Row, Target, parts, targets

CASES = pytest.mark.parametrize(
    "part", [part for _, _, part in parts(PARTS)], ids=[f"{name}{i}" for name, i, _ in parts(PARTS)]
)


def moderate(part: Row) -> list[tuple[float, ...]]:
    """Three points at which a numerical derivative has digits: not at a kink, not far off."""
    points = part.sample(2000, "moderate")
    good = [
        xs
        for xs in points
        if all(
            0.01 < abs(x) < 12 and abs(x - round(x)) > 0.01 for x in (xs if part.by[-1] else xs[:1])
        )
        and abs(xs[0] - xs[-1]) >= 0.01 * (len(xs) - 1)
    ]
    return good[:3]


@CASES
def test_derivatives_are_what_differences_of_the_values_say(part: Row) -> None:
    with mp.workdps(2 * DIGITS):
        assert len(moderate(part)) == 3
        for xs in moderate(part):
            for by, terms in part.numbers(xs).items():
                counts = [by.count(i) for i in range(len(xs))]
                found: Any = mp.diff(part.value, tuple(map(mpf, xs)), tuple(counts))
                assert abs(found - terms.exact) <= max(terms.size, mpf("1e-50")) * mpf("1e-20")


@CASES
def test_the_digits_are_enough(part: Row) -> None:
    """At 700 digits, where 1 + 5e-324 is not 1, the same numbers come out."""
    for xs in part.sample(10, "digits"):
        with mp.workdps(DIGITS):
            few = part.numbers(xs)
        with mp.workdps(700):
            for by, right in part.numbers(xs).items():
                found = few[by]
                size = abs(right.exact) if len(by) < 2 else right.size
                assert abs(found.exact - right.exact) <= mpf("1e-35") * size
                assert abs(found.size - right.size) <= mpf("1e-35") * right.size


def test_terms_are_those_of_the_formula() -> None:
    """By hand: d2 tanh = -2 y q, d3 tanh = -2 q q + 4 y y q, d2 (a**b) / da db = p + b l p."""
    assert PARTS["tanh"][0].terms((0, 0)) == {("q", "y"): -2}
    assert PARTS["tanh"][0].terms((0, 0, 0)) == {("q", "q"): -2, ("q", "y", "y"): 4}
    assert PARTS["pow"][0].terms((0, 1)) == {("p",): 1, ("b", "l", "p"): 1}


def test_an_answer_may_be_4_units_off_and_no_more() -> None:
    """Near 1 in units of 1, where floats end in units of the smallest; inf only beyond them."""
    with mp.workdps(DIGITS):
        for x in (0.7, 40.0, 745.0):
            exact = found(x)
            for k in (-4, -1, 0, 1, 4):
                assert exact.error(exact.near + k * math.ulp(exact.near)) <= 1.13
            for k in (-6, 6):
                assert exact.error(exact.near + k * math.ulp(exact.near)) > 1
            assert exact.error(math.nan) == exact.error(math.inf) == math.inf
        beyond = found(-800.0)
        assert beyond.error(math.inf) == beyond.error(LARGEST) == 0
        assert beyond.error(1e308) == beyond.error(-math.inf) == math.inf


def found(x: float) -> Target:
    """The target of exp(-x)."""
    row = PARTS["exp"][0]
    target = targets("exp", row, (-x,), row.numbers((-x,)), rough=False)[()]
    assert target is not None
    return target
