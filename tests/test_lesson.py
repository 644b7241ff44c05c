"""What lessons share: chance, verdicts, facts, seeds that are kept, one page, the same options."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from functools import cache
from html.parser import HTMLParser
from math import ceil, comb, floor, inf, nan
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner
from conftest import linux, posix, skip_if_ignored
from hypothesis import given
from hypothesis import strategies as st
from judge import contradiction

from tinygrad_edu import Value, tanh, trace
from tinygrad_edu.data import parity
from tinygrad_edu.demos.laboratory.trial import (
    TASKS,
    End,
    Trial,
    begin,
    build,
    compiled,
    end,
    fate,
    learn,
    measured,
    network,
    right,
)
from tinygrad_edu.lesson import seeds, telling
from tinygrad_edu.lesson.chance import (
    LEVEL,
    Sample,
    coin,
    count_range,
    median_range,
    sample_of,
)
from tinygrad_edu.lesson.claims import (
    FAILS,
    FEW,
    HOLDS,
    Claim,
    bounded,
    equal,
    falling,
    middle,
    mostly,
    share,
    soon,
    table,
)
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.facts import Fact
from tinygrad_edu.lesson.page import Story, page
from tinygrad_edu.lesson.parts import (
    Check,
    Equations,
    Figure,
    Folded,
    Frames,
    Heading,
    Lines,
    Played,
    Text,
)
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.seeds import LostError, code_hash, package_hash, run_all
from tinygrad_edu.lesson.telling import CHANGED, Lesson, line_of
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.optim import Momentum
from tinygrad_edu.train import train

pytestmark = pytest.mark.quick

XOR = Trial("xor", 2, rate=0.5, alpha=0.9, init=0.3, epochs=2_000)
SAID = Fact("A paper (1986)", "Fig. 1", "one network learned it in 1,425 sweeps.", "1,425 sweeps")
PLAN = Plan(
    "Can a unit do it?",
    20,
    "the `film`",
    ["Why does w fall?", "What if x < 0?"],
    Mistake("tinygrad_edu/ops.py", "a = b", "a = c", "XOR, seed 3"),
    ["A paper (1986)."],
    "the_wall",
)


# --- chance --------------------------------------------------------------------------------------


def exact_counts(count: int, seeds: int, n: int) -> list[Fraction]:
    """The probabilities of 0 to n, for the share's density Beta(count + 1/2, seeds - count + 1/2).

    B(a + j, b + n - j) / B(a, b) is a ratio of products: a (a + 1) ... b (b + 1) ... / (a + b) ...
    """

    def rising(x: Fraction, k: int) -> Fraction:
        product = Fraction(1)
        for i in range(k):
            product *= x + i
        return product

    a, b = count + Fraction(1, 2), seeds - count + Fraction(1, 2)
    whole = rising(a + b, n)
    return [comb(n, j) * rising(a, j) * rising(b, n - j) / whole for j in range(n + 1)]


@pytest.mark.parametrize(
    ("count", "seeds", "n"), [(0, 40, 6), (197, 200, 20), (1, 3, 2), (620, 1000, 50), (40, 40, 9)]
)
def test_the_range_of_a_count_is_the_least_that_leaves_out_half_the_level_on_each_side(
    count: int, seeds: int, n: int
) -> None:
    chances = exact_counts(count, seeds, n)
    assert sum(chances) == 1
    low, high = count_range(count, seeds, n)
    half = Fraction(LEVEL) / 2
    assert sum(chances[:low]) <= half < sum(chances[: low + 1])
    assert sum(chances[high + 1 :]) <= half < sum(chances[high:])


@pytest.mark.parametrize(("m", "n"), [(99, 1), (200, 6), (4000, 40), (50, 7)])
def test_the_range_of_a_median_has_the_probability_that_counting_the_orders_gives(
    m: int, n: int
) -> None:
    """All orders of m + n numbers are equally probable. Before the k-th of m, j of the n are."""
    place = (n + 1) // 2

    def reached(k: int) -> Fraction:
        ways = sum(comb(k - 1 + j, j) * comb(m - k + n - j, n - j) for j in range(place, n + 1))
        return Fraction(ways, comb(m + n, n))

    sample = Sample(m, 0, range(1, m + 1), range(1, m + 1))
    low, high = median_range(sample, n)
    half = Fraction(LEVEL) / 2
    if low != -inf:
        assert reached(int(low)) <= half < reached(int(low) + 1)
    else:
        assert reached(1) > half
    if high != inf:
        assert reached(int(high)) >= 1 - half > reached(int(high) - 1)
    else:
        assert reached(m) < 1 - half


@pytest.mark.parametrize("p", [0.03, 0.5, 0.94])
def test_new_runs_leave_the_range_of_a_count_as_rarely_as_it_says(p: float) -> None:
    random, m, n, blocks = Random(1), 150, 20, 10_000
    ranges = cache(count_range)
    outside = 0
    for _ in range(blocks):
        known = sum(random.random() < p for _ in range(m))
        low, high = ranges(known, m, n)
        outside += not low <= sum(random.random() < p for _ in range(n)) <= high
    expected = LEVEL * blocks
    assert outside <= expected + 4 * expected**0.5


def test_new_runs_leave_the_range_of_a_median_as_rarely_as_it_says() -> None:
    random, m, n, blocks = Random(2), 120, 9, 10_000
    low, high = median_range(Sample(m, 0, range(1, m + 1), range(1, m + 1)), n)
    outside = 0
    for _ in range(blocks):
        known = sorted(random.expovariate(1.0) for _ in range(m))
        middle = sorted(random.expovariate(1.0) for _ in range(n))[(n - 1) // 2]
        outside += not known[int(low) - 1] <= middle <= known[int(high) - 1]
    expected = LEVEL * blocks
    assert 0 < outside <= expected + 4 * expected**0.5


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 60))
def test_a_range_holds_what_is_expected_and_is_the_same_for_what_does_not_happen(
    seeds: int, count: int, n: int
) -> None:
    count = min(count, seeds)
    low, high = count_range(count, seeds, n)
    expected = n * count / seeds
    assert 0 <= low <= ceil(expected)
    assert floor(expected) <= high <= n
    assert count_range(seeds - count, seeds, n) == (n - high, n - low)


@given(st.integers(1, 60), st.integers(0, 60), st.integers(2, 20), st.integers(1, 60))
def test_a_range_is_wider_after_a_smaller_sample(
    seeds: int, count: int, times: int, n: int
) -> None:
    count = min(count, seeds)
    low, high = count_range(count, seeds, n)
    least, most = count_range(times * count, times * seeds, n)
    assert low <= least <= most <= high


def test_of_a_sample_some_ranks_are_enough() -> None:
    known = Sample(100, 5_000, (1, 50, 98, 100), (10.0, 20.0, 30.0, inf))
    assert known.rank(9.0) == (0, 0)
    assert known.rank(10.0) == (1, 49)
    assert known.rank(29.0) == (50, 97)
    assert known.rank(30.0) == (98, 99)
    assert known.rank(inf) == (100, 100)
    assert (known.below(0), known.below(1), known.below(97)) == (-inf, 10.0, 20.0)
    assert (known.above(2), known.above(98), known.above(99)) == (20.0, 30.0, inf)
    assert sample_of([3, None, 1]) == Sample(3, 0, range(1, 4), [1.0, 3.0, inf])


@given(st.lists(st.integers(1, 10_000), min_size=30, max_size=80), st.integers(1, 12))
def test_with_fewer_ranks_a_range_is_only_wider(numbers: list[int], n: int) -> None:
    whole = sample_of(numbers)
    ranks = sorted({1, len(numbers), *range(1, len(numbers), 7)})
    part = Sample(whole.seeds, 0, ranks, [whole.values[rank - 1] for rank in ranks])
    (low, high), (least, most) = median_range(whole, n), median_range(part, n)
    assert least <= low
    assert high <= most


def test_a_coin_has_so_many_heads_so_often() -> None:
    assert coin(0, 5) == 1
    assert coin(5, 5) == 1 / 32
    assert coin(3, 4) == 5 / 16
    assert coin(6, 5) == 0


# --- verdicts ------------------------------------------------------------------------------------


def test_a_number_is_within_its_bounds_or_not() -> None:
    assert bounded("x", 1e-10, high=1e-9) == Claim("x", None, "at most 1e-09", "1e-10", HOLDS)
    assert bounded("x", 0.94, low=0.95).verdict == FAILS
    assert bounded("x", 3, 3, 3).cells() == ("x", "", "3", "3", HOLDS)
    assert bounded("x", 2, 0.5, 3, SAID).cells()[:3] == ("x", "1,425 sweeps (Fig. 1)", "0.5 to 3")
    for bad in (nan, inf, -inf):
        assert bounded("x", bad, 0, 1).verdict == FAILS
    assert bounded("x", inf, low=0).verdict == HOLDS


def test_a_verdict_is_about_the_digits_that_are_printed() -> None:
    row = bounded("x", 1.00004, high=1)
    assert (row.expect, row.measured, row.verdict) == ("at most 1", "1", HOLDS)
    row = bounded("x", 1.0006, high=1)
    assert (row.measured, row.verdict) == ("1.001", FAILS)


def test_a_result_is_that_one_or_not() -> None:
    assert equal("x", 11097, 11097).cells() == ("x", "", "11,097", "11,097", HOLDS)
    assert equal("x", 639, 638).verdict == FAILS
    assert equal("x", None, 638).cells() == ("x", "", "638", "None", FAILS)
    assert equal("x", "not within 5", "not within 5").verdict == HOLDS


def test_a_share_is_as_in_the_sample_or_not_or_cannot_be_told() -> None:
    assert share("x", 197, 200, (3940, 4000)).verdict == HOLDS
    assert share("x", 160, 200, (3940, 4000)).verdict == FAILS
    assert share("x", 6, 6, (3940, 4000)).verdict == HOLDS
    assert share("x", 1, 6, (3940, 4000)).verdict == FAILS
    assert share("x", 1, 2, (500, 1000)).cells()[2:] == (
        "0 to 2 of 2 (50.0% of 1,000)",
        "1 of 2",
        FEW,
    )
    assert share("x", 0, 6, (0, 100_000)).cells()[2:] == (
        "0 of 6 (0.0% of 100,000)",
        "0 of 6",
        HOLDS,
    )
    assert share("x", 1, 6, (0, 100_000)).verdict == FAILS
    narrow, wide = share("x", 6, 40, (50, 100)), share("x", 6, 40, ((30, 60), 100))
    assert (narrow.verdict, wide.verdict) == (FAILS, HOLDS)  # 30 to 60: somewhere between


def test_how_many_arrive_soon_is_as_in_the_sample() -> None:
    known = sample_of([*range(100, 300), *[None] * 10])
    runs = [*range(105, 295, 5), None]
    assert soon("x", runs, 300, known).measured == "38 of 39"
    assert soon("x", runs, 300, known).verdict == HOLDS
    assert soon("x", [None] * 30, 300, known).verdict == FAILS
    assert soon("x", [310.0] * 30, 300, known).verdict == FAILS


def test_a_median_is_as_in_the_sample_or_not_or_cannot_be_told() -> None:
    known = sample_of(range(1, 1001))
    assert middle("x", [500, 510, 490, None], known).cells()[3:] == ("500", HOLDS)
    assert middle("x", [5] * 30, known).verdict == FAILS
    assert middle("x", [None] * 30, known).cells()[3:] == ("not within the limit", FAILS)
    assert middle("x", [1], sample_of([1, 2, 3])).cells()[2:] == ("any (median of 3: 2)", "1", FEW)
    never = sample_of([1, *[None] * 300])  # most do not arrive, so the median does not either
    assert middle("x", [None] * 9, never).verdict == HOLDS


def test_medians_fall_or_rise_or_cannot_be_told() -> None:
    fast, slow = list(range(100, 140)), list(range(1000, 1040))
    assert falling("x", [slow, fast]).cells()[2:] == (
        "each below the one before",
        "1019, 119",
        HOLDS,
    )
    assert falling("x", [fast, slow]).verdict == FAILS
    assert falling("x", [fast, [None] * 40]).verdict == FAILS
    assert falling("x", [fast, fast]).verdict == FEW
    assert falling("x", [[5, 6], [7]]).verdict == FEW
    assert falling("x", [[5, None, None], [6, 5, 5]]).verdict == HOLDS


def test_most_of_the_pairs_are_so_or_are_not_or_cannot_be_told() -> None:
    assert mostly("x", 20, 20).cells()[2:] == ("at least 16 of 20", "20 of 20", HOLDS)
    assert mostly("x", 16, 20).verdict == HOLDS
    assert mostly("x", 15, 20).verdict == FEW
    assert mostly("x", 0, 20).verdict == FAILS
    assert mostly("x", 3, 3).cells()[2:] == ("most of them", "3 of 3", FEW)


NUMBERS = st.none() | st.integers(0, 10**6) | st.floats(0, 1e9)
RUNS = st.lists(NUMBERS, min_size=1, max_size=40)
ANY = st.floats() | st.integers(-10, 10).map(float)
COUNTS = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CLAIMS = st.one_of(
    st.builds(bounded, st.just("x"), ANY, st.floats(allow_nan=False), st.floats(allow_nan=False)),
    st.builds(equal, st.just("x"), NUMBERS, NUMBERS),
    st.builds(lambda c, known: share("x", *c, known), COUNTS, COUNTS),
    st.builds(lambda r, x, s: soon("x", r, x, sample_of(s)), RUNS, st.floats(0, 1e6), RUNS),
    st.builds(lambda r, s: middle("x", r, sample_of(s)), RUNS, RUNS),
    st.builds(lambda groups: falling("x", groups), st.lists(RUNS, min_size=2, max_size=5)),
    st.builds(lambda c: mostly("x", *c), COUNTS),
)


@given(CLAIMS)
def test_every_verdict_follows_from_the_numbers_beside_it(claim: Claim) -> None:
    _, _, expect, measured, verdict = claim.cells()
    row = {"experiment": "x", "expect": expect, "measured": measured, "verdict": verdict}
    assert contradiction(row) == ""
    others = {HOLDS, FAILS} - {verdict}
    if verdict in (HOLDS, FAILS) and expect not in ("each below the one before", "most of them"):
        assert all(contradiction({**row, "verdict": other}) for other in others)


@pytest.mark.parametrize(
    ("expect", "measured", "verdict"),
    [
        ("at most 7.5", "16.7", HOLDS),
        ("at least 75 of 100", "66 of 100", HOLDS),
        ("35 to 55", "25", HOLDS),
        ("at least 0", "-0.5", HOLDS),
        ("0 to 6 of 6 (50.0% of 10)", "3 of 6", HOLDS),
        ("800 to 1050 (median of 900: 858)", "not within the limit", HOLDS),
        ("each below the one before", "9, 5, 7", HOLDS),
        ("each below the one before", "9, 7, 5", FAILS),
        ("638", "639", HOLDS),
        ("any (median of 3: 2)", "1", HOLDS),
        ("9", "nan", HOLDS),
    ],
)
def test_a_contradiction_is_noticed(expect: str, measured: str, verdict: str) -> None:
    row = {"experiment": "x", "expect": expect, "measured": measured, "verdict": verdict}
    assert f"the table says {verdict}" in contradiction(row)


def test_the_table_is_no_wider_than_it_may_be() -> None:
    rows = [
        bounded("an experiment of many words, " * 4, 2.0, high=1.0, reports=SAID),
        share("few", 1, 2, (500, 1000)),
    ]
    for width in (60, 80, 100):
        lines = table(rows, width).splitlines()
        assert max(map(len, lines)) <= width
        assert lines[0].split()[-2:] == ["measured", "verdict"]
        told = "\n".join(lines)
        assert "fails" in told
        assert re.search(r"too few.*\n.*to tell", told)


# --- facts ---------------------------------------------------------------------------------------


def test_a_fact_says_where_it_is_from_and_where_it_was_read() -> None:
    assert SAID.cell == "1,425 sweeps (Fig. 1)"
    assert SAID.line == "A paper (1986), Fig. 1: one network learned it in 1,425 sweeps."
    second = SAID._replace(second_hand="texts that cite it").line
    assert second.endswith(" (Read in texts that cite it, not in the source itself.)")


# --- seeds ---------------------------------------------------------------------------------------


def square(seed: int) -> int:
    return seed * seed


def odd(seed: int) -> int:
    if seed == 3:
        raise KeyboardInterrupt
    return -seed


def test_results_come_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    assert run_all(square, [(3,), (1,), (2,)], tmp_path / "kept") == [9, 1, 4]


def drawn(folder: str) -> int:
    """A run whose result is by chance: how many runs have begun before it."""
    with open(Path(folder) / "begun", "ab", buffering=0) as file:
        file.write(b".")
        return file.tell()


def test_equal_runs_are_as_many_runs(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        results = run_all(drawn, [(str(tmp_path),)] * 3, tmp_path / "kept", executor)
        assert sorted(results) == [1, 2, 3]
        assert run_all(drawn, [(str(tmp_path),)] * 3, tmp_path / "kept", executor) == results


def mortal(seed: int, folder: str, lives: int) -> int:
    """A run whose process is killed from outside, so many times."""
    with open(Path(folder) / "begun", "ab", buffering=0) as file:
        file.write(b".")
        if seed == 2 and file.tell() <= lives:
            os.kill(os.getpid(), signal.SIGKILL)
    return seed


@posix
def test_the_runs_of_a_lost_process_are_made_again(tmp_path: Path) -> None:
    jobs = [(seed, str(tmp_path), 2) for seed in (2, 0, 1)]  # fewer than LOSSES
    assert run_all(mortal, jobs, tmp_path / "kept") == [2, 0, 1]


@posix
def test_a_run_that_loses_every_process_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LostError, match="4 times a process was ended from outside"):
        run_all(mortal, [(2, str(tmp_path), 1_000)], tmp_path / "kept")


def test_an_executor_of_ones_own_will_do(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        assert run_all(square, [(3,), (1,)], tmp_path / "kept", executor) == [9, 1]


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_may_be_started_in_every_way(method: str, tmp_path: Path) -> None:
    trial = Trial("xor", 2, 0.5, 0.9, 1.0, 60)
    jobs = [(trial, seed) for seed in (3, 4)]
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, context) as executor:
        found = run_all(end, jobs, tmp_path / "kept", executor)
    assert [End(*one) for one in found] == [end(*job) for job in jobs]


def test_what_was_finished_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(KeyboardInterrupt):
            run_all(odd, [(1,), (2,), (3,)], kept, executor)
        with open(kept, "a") as file:
            file.write('\n["a line that was cut')
        results = run_all(odd, [(1,), (2,)], kept, executor)
    assert results == [-1, -2]
    assert "2 of 2 runs are saved" in capsys.readouterr().out


def test_a_result_of_other_code_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    with ThreadPoolExecutor(1) as executor:
        assert run_all(square, [(2,), (3,)], kept, executor) == [4, 9]
        kept.write_text(kept.read_text().replace(", 9]", ", 1009]").replace(", 4]", ", 1004]"))
        assert run_all(square, [(2,), (3,)], kept, executor) == [1004, 1009]
        capsys.readouterr()
        monkeypatch.setattr(seeds, "code_hash", lambda function: "other code")
        assert run_all(square, [(2,), (3,)], kept, executor) == [4, 9]
    told = capsys.readouterr().out
    assert "2 runs in " in told
    assert "from code that has changed, and are made again" in told
    assert "are saved" not in told


def fresh(function: Callable[..., Any]) -> str:
    package_hash.cache_clear()
    return code_hash.__wrapped__(function)


def test_the_hash_is_of_the_package_the_lessons_and_the_functions_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / "tinygrad_edu" / "__init__.py", tmp_path / "demos" / "laboratory" / "a.py"]
    places += [tmp_path / "own.py", tmp_path / "elsewhere.py"]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("def f(): pass\n")
    monkeypatch.setattr(seeds.tinygrad_edu, "__file__", str(places[0]))
    found: dict[str, Any] = {}
    exec(compile("def f(): pass", str(places[2]), "exec"), found)
    hashes = []
    for place in places:
        before = fresh(found["f"])
        place.write_text("def f(): return 1\n")
        hashes.append(fresh(found["f"]) != before)
    package_hash.cache_clear()
    assert hashes == [True, True, True, False]


# --- the page ------------------------------------------------------------------------------------

ONE = Figure("y.svg", 'the "y" of `x`', 300.0, "a box & an arrow")
PARTS = [
    Heading("One step"),
    Text("`a < b` & c"),
    Lines("1 & 2"),
    Folded("In which direction?", [Text("To the left."), ONE]),
    Frames("epoch", [("epoch 1", ONE), ("epoch 2", ONE)], "Dots move."),
    Equations("Nature", [(2, "y_j = 1 / (1 + e^(−x_j))", "a < b")]),
    Played("film.svg", "The film.", 1.5),
    Played("live.html", "Live."),
]
STORY = Story(
    "try",
    "A try: does it work?",
    PLAN,
    PARTS,
    [bounded("b", 2, high=1, reports=SAID)],
    [Check("What is w?", "It is `3`.")],
)
VOID = {"meta", "img", "br", "input", "link"}


class Outline(HTMLParser):
    """The elements of a page, which must be nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_a_page_loads_nothing_from_outside_and_is_nested() -> None:
    text = page(STORY)
    assert text.startswith("<!DOCTYPE html>")
    for word in ("http:", "https:", "@import", "url(", "//cdn"):
        assert word not in text
    outline = Outline(text)
    assert {x["src"] for x in outline.all("iframe")} == {"film.svg", "live.html"}
    assert {x["src"] for x in outline.all("img")} == {"y.svg"}
    assert all(x["alt"] == "a box & an arrow" for x in outline.all("img"))
    assert len({x["id"] for _, x in outline.found if "id" in x}) == sum(
        "id" in x for _, x in outline.found
    )
    links = [str(x["href"]) for x in outline.all("a")]
    assert "#one-step" in links
    assert {"y.svg", "film.svg", "live.html"} <= set(links)


def test_a_page_has_a_script_only_if_a_slider_needs_one() -> None:
    text = page(STORY)
    assert text.count("<script>") == 1
    assert "One slider over the moments" in text
    still = STORY._replace(parts=[part for part in PARTS if not isinstance(part, Frames)])
    assert "<script" not in page(still)


def test_without_its_script_a_page_shows_everything() -> None:
    """Nothing is hidden but what a reader folds open: an answer, and the answer of a check."""
    text = re.sub(r"<script>.*?</script>", "", page(STORY), flags=re.DOTALL)
    outline = Outline(text)
    assert not any("hidden" in attributes for _, attributes in outline.found)
    assert [x["class"] for x in outline.all("details")] == ["predict", "check"]
    assert text.count("epoch 1") == text.count("epoch 2") == 1
    assert not any("style" in x and "display" in str(x["style"]) for _, x in outline.found)


def test_what_is_folded_away_is_what_answers_the_question() -> None:
    text = page(STORY)
    inside = text[text.index('<details class="predict">') : text.index("</details>")]
    assert "<summary><b>Predict first</b> In which direction?</summary>" in inside
    assert "To the left." in inside
    assert 'src="y.svg"' in inside
    check = text[text.index('<details class="check">') :]
    assert "<summary>What is w?</summary><p>It is <code>3</code>.</p>" in check


def test_texts_are_texts_and_code_is_code() -> None:
    text = page(STORY)
    assert "<p><code>a &lt; b</code> &amp; c</p>" in text
    assert '<pre tabindex="0">1 &amp; 2</pre>' in text
    assert "<td>y<sub>j</sub> = 1 / (1 + e^(−x<sub>j</sub>))</td>" in text
    hostile = "<script>alert(1)</script>\"'&`<b>`"
    worst = Story(
        hostile,
        hostile,
        PLAN._replace(question=hostile, ask=[hostile], read=[hostile], look=hostile),
        [Heading(hostile), Text(hostile), Folded(hostile, [Lines(hostile)])],
        [Claim(hostile, SAID._replace(says=hostile, report=hostile), hostile, hostile, FAILS)],
        [Check(hostile, hostile)],
    )
    assert {tag for tag, _ in Outline(page(worst)).found}.isdisjoint({"script", "b-"})
    assert "alert(1)</script>" not in page(worst)


def test_a_page_says_the_question_what_to_break_the_sources_and_what_comes_next() -> None:
    text = page(STORY)
    order = (
        '<p class="question">Can a unit do it?</p>',
        "For a class: 20 minutes",
        "<li>Why does w fall?</li>",
        'id="one-step"',
        'id="break-it"',
        '<pre tabindex="0">a = b</pre>',
        '<pre tabindex="0">a = c</pre>',
        "python demos/try.py --quick",
        "“XOR, seed 3”",
        'id="claims"',
        "1,425 sweeps (Fig. 1)",
        'class="fails">fails',
        'id="sources"',
        "A paper (1986), Fig. 1: one network learned it",
        'id="check"',
        'id="read"',
        "tinygrad-edu demo the_wall",
    )
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    last = page(STORY._replace(plan=PLAN._replace(follows="")))
    assert "The next lesson" not in last
    without = page(STORY._replace(plan=None, claims=[], checks=[]))
    assert "Break it" not in without
    assert "What the sources say" not in without


def test_a_page_follows_the_theme_of_the_system_and_prints_all_moments() -> None:
    text = page(STORY)
    assert "color-scheme: light dark" in text
    dark = text[text.index("@media (prefers-color-scheme: dark)") :]
    assert "--paper: #16181c" in dark[:200]
    printed = text[text.index("@media print") :]
    assert ".frame[hidden], .frames.moving .frame > p { display: block" in printed


def test_a_picture_says_from_which_width_of_the_window_it_scrolls() -> None:
    """0.6 of 300 points, in CSS pixels: 0.6 * 300 * 96 / 72 = 240; and 40 for the page's edges."""
    text = page(STORY)
    assert 'style="min-width: 240px"' in text
    assert "@media screen and (max-width: 280px) { .least-240 .sign { display: block; } }" in text


# --- telling -------------------------------------------------------------------------------------


def neuron() -> Value:
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    y = tanh(x * w + 1)
    y.label = "y"
    return y


def told_of(lesson: Lesson, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """(what the terminal shows, the page) after the end of a lesson."""
    lesson.finish()
    return capsys.readouterr().out, (lesson.out / "index.html").read_text(encoding="utf-8")


def test_the_terminal_shows_the_same_in_the_same_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = Lesson("A try", 0, 1, True, tmp_path, name="try", plan=PLAN)
    lesson.section("One step")
    lesson.say("A   neuron.")
    with lesson.predict("In which direction?"):
        lesson.say("To the left.")
        lesson.show("1 2\n3 4")
    lesson.equations("Nature", [(8, "Δw = −ε ∂E/∂w", "w -= rate * w.grad")])
    lesson.pin("XOR, seed 3: epochs", 638, 638)
    lesson.check("What is w?", "It is 3.")
    told, written = told_of(lesson, capsys)
    order = (
        "Can a unit do it?",
        "One step\n--------",
        "A neuron.",
        "PREDICT  In which direction?",
        "To the left.",
        "  1 2\n  3 4",
        "(8) Δw = −ε ∂E/∂w",
        "w -= rate * w.grad",
        "experiment",
        "XOR, seed 3: epochs",
        "Check yourself; the answers are on the page.",
        "- What is w?",
        "open ",
    )
    places = [told.index(part) for part in order]
    assert places == sorted(places)
    assert "It is 3." not in told
    assert "It is 3." in written
    inside = written[written.index("<details") : written.index("</details>")]
    assert "To the left." in inside
    assert "A neuron." not in inside


def test_what_is_predicted_within_an_error_is_not_lost(tmp_path: Path) -> None:
    lesson = Lesson("A try", 0, 1, True, tmp_path)
    with suppress(KeyboardInterrupt), lesson.predict("What?"):
        lesson.say("Half of it.")
        raise KeyboardInterrupt
    lesson.interrupted()
    assert "Half of it." in (tmp_path / "index.html").read_text()


def test_every_picture_film_and_live_page_is_on_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = Lesson("A try", 0, 1, False, tmp_path)
    y = neuron()
    lesson.film("film", trace(y), "The film.")
    lesson.picture("neuron", y.draw(), "A neuron.")
    lesson.play("live", y.page, "Live.")
    lesson.moments("moves", "w", [(f"w {i}", y.draw) for i in range(3)], "w moves.", diagrams=True)
    _, written = told_of(lesson, capsys)
    outline = Outline(written)
    for file in ("film.svg", "neuron.svg", "moves-01.svg", "moves-03.svg"):
        root = ElementTree.parse(tmp_path / file).getroot()
        assert root.tag.endswith("svg")
        assert root.get("viewBox")
    film = ElementTree.parse(tmp_path / "film.svg").getroot()
    assert (film.get("width"), film.get("height")) == ("100%", "100%")
    frames = {x["src"]: x for x in outline.all("iframe")}
    assert set(frames) == {"film.svg", "live.html"}
    assert "aspect-ratio" in str(frames["film.svg"]["style"])
    assert all(x["title"] for x in frames.values())
    images = outline.all("img")
    assert [x["src"] for x in images] == ["neuron.svg", *(f"moves-0{i}.svg" for i in (1, 2, 3))]
    assert all(x["alt"] for x in images)
    assert "A neuron." not in str(images[0]["alt"])  # a caption is heard once


def test_a_lesson_without_extras_says_once_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinygrad_edu.demos.laboratory.charts import lines

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    many = sum([Value(1.0) for _ in range(400)], Value(1.0))  # more than Python alone lays out
    lesson = Lesson("A lesson", 0, 1, False, tmp_path / "out")

    def plot() -> Any:
        return lines({"": [(0, 0)]}, "x", "y")

    for i in range(2):
        lesson.plot(f"p{i}", plot, "a plot")
        lesson.moments(f"m{i}", "epoch", [("epoch 1", plot)], "moments")
        lesson.picture(f"d{i}", many.draw(), "a diagram")
        lesson.film(f"f{i}", trace(many), "a film")
    lesson.claim(bounded("one", 1.0, 1, 1))
    assert lesson.finish()
    told = capsys.readouterr().out
    assert told.count("(no plots: plots need matplotlib") == 1
    assert told.count("(no diagrams:") == 1
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["index.html"]


def test_without_machine_code_a_lesson_says_once_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(telling, "machine_code", lambda: False)
    lesson = Lesson("A lesson", 0, 1, False, tmp_path)
    assert [lesson.run(square, [(n,)], 240.0) for n in (2, 3)] == [[4], [9]]
    told = capsys.readouterr().out
    assert told.count('pip install "tinygrad-edu[fast]"') == 1
    assert told.index("no machine code") < told.index("1 runs on")


def test_a_line_of_code_is_the_one_that_runs() -> None:
    assert line_of(odd, "return") == "return -seed"
    assert line_of(odd, "seed") == line_of(odd, "elephant") == CHANGED


# --- the command ---------------------------------------------------------------------------------


@command(plan=PLAN, seeds=7, quick=2, seed=1, takes="a second")
def tell(lesson: Lesson) -> None:
    lesson.say(f"seeds {lesson.seed} and {lesson.seeds} {lesson.quick}")
    lesson.claim(bounded("seeds below 5", lesson.seeds, high=4, reports=SAID))
    lesson.claim(share("few", 1, 2, (500, 1000)))


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(tell, words)
    return done.exit_code, done.output


def test_a_row_that_fails_is_exit_code_1_and_too_few_to_tell_is_0(tmp_path: Path) -> None:
    out, file = str(tmp_path / "out"), tmp_path / "claims.json"
    assert isinstance(tell, click.Command)
    assert tell.name == "test_lesson"
    assert getattr(tell, "plan", None) is PLAN
    code, told = run("--out", out, "--json", str(file))
    assert code == 1
    assert "seeds 1 and 7 False" in told
    first, second = json.loads(file.read_text())
    assert first == {
        "experiment": "seeds below 5",
        "report": "1,425 sweeps (Fig. 1)",
        "expect": "at most 4",
        "measured": "7",
        "verdict": "fails",
    }
    assert second["verdict"] == "too few to tell"
    code, told = run("--out", out, "--quick", "--seed", "4")
    assert (code, "seeds 4 and 2 True" in told) == (0, True)
    assert run("--out", out, "--quick", "--seeds", "5")[0] == 1
    assert run("--seeds", "0")[0] == 2


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, told = run("--out", str(tmp_path / "file" / "out"))
    assert code == 2
    assert "Error: cannot write" in told
    assert "; choose another place\n" in told
    assert "Traceback" not in told


SLOW = '''"""A slow lesson."""
import time
from pathlib import Path
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.claims import bounded

def slow(seed):
    time.sleep(0.05 if seed < 4 or Path("hurry").exists() else 60)
    return seed

@command(seeds=8, takes="a second")
def main(lesson):
    found = lesson.run(slow, [(seed,) for seed in range(lesson.seeds)], 1.0)
    lesson.claim(bounded("sum", sum(found), 28, 28))

if __name__ == "__main__":
    main()
'''


@posix
@pytest.mark.parametrize("changed", [False, True])
def test_an_interrupted_lesson_keeps_the_runs_of_the_same_code(
    changed: bool, tmp_path: Path
) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    kept = tmp_path / "slow" / "unfinished.jsonl"
    while not (kept.exists() and kept.read_text().count("\n") >= 4):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    told, complaints = process.communicate(timeout=20)
    assert process.returncode == 130
    assert complaints == ""
    assert "Interrupted. Finished runs are in slow" in told
    (tmp_path / "hurry").touch()
    if changed:  # a class breaks a line, to see what happens
        script.write_text(SLOW.replace("return seed", "return 2 * seed"))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    if changed:
        assert "4 runs in slow" in done.stdout
        assert "from code that has changed, and are made again" in done.stdout
        assert re.search(r"\b56 +fails", done.stdout)  # twice 0 + 1 + ... + 7, with none of before
        assert done.returncode == 1
    else:
        assert "4 of 8 runs are saved" in done.stdout
        assert done.returncode == 0
    assert not kept.exists()


@linux
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_processes_of_a_lesson_end_with_it(how: signal.Signals, tmp_path: Path) -> None:
    skip_if_ignored(how)
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    kept = tmp_path / "slow" / "unfinished.jsonl"
    while not (kept.exists() and kept.read_text().count("\n") >= 4):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(how)
    process.wait(5)
    for _ in range(200):
        left = subprocess.run(["pgrep", "-g", str(process.pid)], capture_output=True, text=True)
        if not left.stdout:
            break
        time.sleep(0.05)
    else:
        raise AssertionError(left.stdout)
    (tmp_path / "hurry").touch()
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "4 of 8 runs are saved" in done.stdout


# --- the laboratory ------------------------------------------------------------------------------


def test_right_is_every_output_on_its_side() -> None:
    assert right([Value(0.6), Value(0.4)], [1.0, 0.0]).data == 1
    assert right([Value(0.6), Value(0.6)], [1.0, 0.0]).data == 0
    assert right([Value(0.5)], [1.0]).data == 0
    assert right([Value(0.2)], [0.0]).data == 1


def test_a_run_ends_when_it_is_learned_or_at_its_limit() -> None:
    ended = End(*end(XOR, 0))
    assert ended.epochs is not None
    model, examples = begin(XOR, 0)
    assert [right(model(c.inputs), c.targets).data for c in examples] != [1.0] * 4
    before = learn(XOR, 0, ended.epochs)  # so many epochs later it is not yet seen
    assert before.metrics["right"][-1] < 4
    model = network(XOR, ended.parameters)
    assert [right(model(c.inputs), c.targets).data for c in examples] == [1.0] * 4
    assert end(XOR._replace(epochs=10), 0).epochs is None
    assert end(XOR, 0) == ended  # nothing is left of one run in the next


def test_a_trial_is_compiled_once_and_goes_as_the_eager_engine_does() -> None:
    assert compiled(XOR) is compiled(Trial(*XOR))
    history = learn(XOR, 7, 40)
    numbers = [p.data for p in build(XOR)[0].parameters()]
    model, examples = begin(XOR, 7)
    momentum = Momentum(model.parameters(), XOR.rate, XOR.alpha)
    eager = train(
        model,
        half_squared_error,
        examples,
        momentum,
        epochs=40,
        reduction="sum",
        metrics={"right": right},
    )
    assert history.losses == pytest.approx(eager.losses, rel=1e-9)
    assert history.metrics["right"] == [x * len(examples) for x in eager.metrics["right"]]
    assert numbers == pytest.approx([p.data for p in model.parameters()], rel=1e-9)


def test_the_same_seed_begins_the_same_network() -> None:
    first = [p.data for p in begin(XOR, 5)[0].parameters()]
    begin(XOR, 6)
    assert [p.data for p in begin(XOR, 5)[0].parameters()] == first
    assert max(map(abs, first)) <= 0.3
    assert len(set(first)) == 9  # biases, too


def test_a_margin_is_asked_for_on_both_sides() -> None:
    assert [right([Value(y)], [1.0], 0.3).data for y in (0.79, 0.81)] == [0, 1]
    assert [right([Value(y)], [0.0], 0.3).data for y in (0.19, 0.21)] == [1, 0]


def test_a_fate_tells_of_the_whole_run() -> None:
    one = fate(XOR, 0)
    assert one.epochs == End(*end(XOR, 0)).epochs
    assert (one.most, one.right) == (4, 4)
    assert fate(XOR._replace(epochs=5), 0).epochs is None


def test_frozen_hidden_units_stay_as_they_began() -> None:
    frozen = XOR._replace(task="symmetry", frozen=True, epochs=5)
    before = [p.data for p in begin(frozen, 0)[0].parameters()]
    after = fate(frozen, 0).parameters
    assert after[:14] == before[:14]
    assert all(a != b for a, b in zip(after[14:], before[14:]))
    alone, examples = build(frozen._replace(hidden=0))
    assert (len(alone.parameters()), len(examples)) == (7, 64)


def test_every_task_has_a_network() -> None:
    for task in TASKS:
        model, examples = build(XOR._replace(task=task))
        assert len(model(examples[0].inputs)) == len(examples[0].targets)
    direct, _ = build(XOR._replace(task="parity", direct=True))
    assert len(direct.parameters()) == 2 * 5 + 7
    assert len(direct(parity()[0].inputs)) == 1


def test_what_a_run_takes_is_told_from_a_part_of_it() -> None:
    asked: list[int] = []

    def run(epochs: int) -> None:
        asked.append(epochs)
        time.sleep(0.01 * epochs)

    assert 10 < measured(run, 1_000) < 20
    assert max(asked) <= 64
    assert measured(lambda n: None, 1_000) < 0.1
