"""The claims of a lesson: experiment | they report | we expect | measured | verdict.

A verdict compares the numbers that the row prints, and nothing else. What they report is what a
source says; what we expect is ours: a theorem, or the range in which chance leaves n runs of
another program (see `chance`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from math import inf
from statistics import median_low
from typing import NamedTuple

from tinygrad_edu.lesson.chance import LEVEL, Sample, coin, count_range, median_range, sample_of
from tinygrad_edu.lesson.facts import Fact

__all__ = [
    "FAILS",
    "FEW",
    "HEAD",
    "HOLDS",
    "Claim",
    "bounded",
    "equal",
    "falling",
    "middle",
    "mostly",
    "share",
    "soon",
    "table",
]

HEAD = ("experiment", "they report", "we expect", "measured", "verdict")
HOLDS, FAILS, FEW = "holds", "fails", "too few to tell"
_SHARES = (26, 15, 17, 11, 8)  # widths of the columns, in a table of 85 characters
_SURE = 0.01  # the claim that most of n pairs are so holds if a coin does this more rarely


class Claim(NamedTuple):
    """A row of the table. verdict: HOLDS, FAILS, or FEW if the row cannot fail with so few runs."""

    experiment: str
    reports: Fact | None
    expect: str
    measured: str
    verdict: str

    def cells(self) -> tuple[str, str, str, str, str]:
        """The five cells of the row as texts."""
        report = self.reports.cell if self.reports else ""
        return self.experiment, report, self.expect, self.measured, self.verdict


def _verdict(holds: bool) -> str:
    return HOLDS if holds else FAILS


def bounded(
    experiment: str, x: float, low: float = -inf, high: float = inf, reports: Fact | None = None
) -> Claim:
    """The claim that a number is not below `low` and not above `high`, as they are printed."""
    low, x, high = (float(f"{z:.4g}") for z in (low, x, high))
    return Claim(experiment, reports, _range(low, high), _number(x), _verdict(low <= x <= high))


def equal(
    experiment: str, measured: object, expected: object, reports: Fact | None = None
) -> Claim:
    """The claim that a result is that one: a count, a word, or the epoch of a single run."""
    expect, found = (f"{x:,}" if isinstance(x, int) else str(x) for x in (expected, measured))
    return Claim(experiment, reports, expect, found, _verdict(expect == found))


def share(
    experiment: str,
    count: int,
    n: int,
    known: tuple[int, int] | tuple[tuple[int, int], int],
    reports: Fact | None = None,
) -> Claim:
    """The claim that so many of n runs do something, as in another program.

    known: (count, number of runs) there; the count may be (least, most). The range is that of
    `chance.count_range`.
    """
    counts, seeds = known
    least, most = counts if isinstance(counts, tuple) else (counts, counts)
    low, high = count_range(least, seeds, n)[0], count_range(most, seeds, n)[1]
    expect = f"{low} to {high} of {n}" if low < high else f"{low} of {n}"
    expect += f" ({(least + most) / 2 / seeds:.1%} of {seeds:,})"
    verdict = FEW if (low, high) == (0, n) else _verdict(low <= count <= high)
    return Claim(experiment, reports, expect, f"{count} of {n}", verdict)


def soon(
    experiment: str,
    numbers: Sequence[float | None],
    at_most: float,
    sample: Sample,
    reports: Fact | None = None,
) -> Claim:
    """The claim that as many of the runs arrive within `at_most` as in the sample."""
    count = sum(x is not None and x <= at_most for x in numbers)
    known = sample.rank(at_most), sample.seeds
    return share(experiment, count, len(numbers), known, reports)


def middle(
    experiment: str,
    numbers: Sequence[float | None],
    sample: Sample,
    reports: Fact | None = None,
) -> Claim:
    """The claim that the median of the runs is as in the sample: see `chance.median_range`.

    Runs that did not arrive (None) count as longer than all others. Of an even number of runs, the
    median is the lower one of the two in the middle.
    """
    x = _median(numbers)
    low, high = median_range(sample, len(numbers))
    expect = f"{_range(low, high)} (median of {sample.seeds:,}: {_short(_middle(sample))})"
    if (low, high) == (-inf, inf):
        return Claim(experiment, reports, expect, _short(x), FEW)
    holds = float(f"{low:.4g}") <= float(f"{x:.4g}") <= float(f"{high:.4g}")
    return Claim(experiment, reports, expect, _short(x), _verdict(holds))


def _median(numbers: Sequence[float | None]) -> float:
    return median_low([inf if x is None else float(x) for x in numbers])


def _middle(sample: Sample) -> float:
    return sample.above((sample.seeds + 1) // 2)


def falling(
    experiment: str, groups: Sequence[Sequence[float | None]], reports: Fact | None = None
) -> Claim:
    """The claim that the median of each group is below that of the group before.

    It fails if a median is above the range in which the group before lets us expect it; if it is
    above, but within that range, the runs are too few to tell.
    """
    medians = [_median(group) for group in groups]
    verdict = HOLDS
    for i in range(1, len(groups)):
        _, high = median_range(sample_of(groups[i - 1]), len(groups[i]))
        if medians[i] > high:
            verdict = FAILS
        elif medians[i] >= medians[i - 1] and verdict == HOLDS:
            verdict = FEW
    measured = ", ".join(map(_short, medians))
    return Claim(experiment, reports, "each below the one before", measured, verdict)


def mostly(experiment: str, wins: int, n: int, reports: Fact | None = None) -> Claim:
    """The claim that most of n pairs or runs are so: more than a coin would have.

    It holds if a coin has so many with a probability below 1 %; it fails if a coin has so few with
    a probability of at most LEVEL; else the runs are too few to tell.
    """
    least = next((k for k in range(n + 1) if coin(k, n) < _SURE), n + 1)
    few = coin(n - wins, n) <= LEVEL
    verdict = HOLDS if wins >= least else FAILS if few else FEW
    expect = f"at least {least} of {n}" if least <= n else "most of them"
    return Claim(experiment, reports, expect, f"{wins} of {n}", verdict)


def _short(x: float) -> str:
    return "not within the limit" if x == inf else _number(x)


def _range(low: float, high: float) -> str:
    if low == high:
        return _number(low)
    if high == inf:
        return "any" if low == -inf else f"at least {_number(low)}"
    if low == -inf:
        return f"at most {_number(high)}"
    return f"{_number(low)} to {_number(high)}"


def _number(x: float) -> str:
    """Four digits, which the verdict compares; a long number of epochs without an exponent."""
    text = f"{x:.4g}"
    return f"{float(text):,.0f}" if 10_000 <= abs(x) < 1e9 else text


def table(claims: Sequence[Claim], width: int = 85) -> str:
    """The claims as a table of at most `width` columns; long cells take several lines."""
    room = max(width, 60) - 2 * (len(HEAD) - 1)
    widths = [max(room * share // sum(_SHARES), len("measured")) for share in _SHARES[:-1]]
    widths.append(_SHARES[-1])
    widths[0] += room - sum(widths)
    lines = []
    for cells in (HEAD, *(claim.cells() for claim in claims)):
        columns = [textwrap.wrap(cell, w) or [""] for cell, w in zip(cells, widths)]
        for i in range(max(map(len, columns))):
            row = [(c[i] if i < len(c) else "").ljust(w) for c, w in zip(columns, widths)]
            lines.append("  ".join(row).rstrip())
        if cells is HEAD:
            lines.append("  ".join("-" * w for w in widths))
    return "\n".join(lines)
