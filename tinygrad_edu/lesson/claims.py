"""The claims of a lesson and their table: claim | source | expected | measured | holds."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from math import comb, hypot, inf
from statistics import mean, median, stdev
from typing import NamedTuple

__all__ = ["HEAD", "Claim", "bounded", "falling", "share", "table", "typical"]

HEAD = ("claim", "source", "expected", "measured", "holds")
_SHARES = (31, 14, 12, 15, 5)  # widths of the columns, in a table of 85 characters
_RARE = 0.01


class Claim(NamedTuple):
    """A row of the table. holds: None for a number that is only shown, and not judged."""

    claim: str
    source: str
    expected: str
    measured: str
    holds: bool | None

    def cells(self) -> tuple[str, str, str, str, str]:
        """The five cells of the row as texts."""
        holds = {True: "yes", False: "NO", None: "shown"}[self.holds]
        return self.claim, self.source, self.expected, self.measured, holds


def bounded(claim: str, source: str, x: float, low: float = -inf, high: float = inf) -> Claim:
    """The claim that a number is not below `low` and not above `high`."""
    return Claim(claim, source, _range(low, high), f"{x:.4g}", low <= x <= high)


def share(
    claim: str, source: str, count: int, n: int, low: float = 0.0, high: float = 1.0, of: int = 0
) -> Claim:
    """The claim that a share from `low` to `high` of n seeds do something; `count` of them do.

    of: the number of seeds for which the claim was made. With fewer seeds, chance alone may move
    the share out of the range. Then the claim fails only if such a count, or one further out, has
    a probability below 1 % when the true share is at the nearer end of the range.
    """
    holds = low <= count / n <= high
    if n < of and not holds:
        least, most = (count, n) if count / n > high else (0, count)
        holds = _binomial(n, high if count / n > high else low, least, most) >= _RARE
    expected = _range(100 * low if low else -inf, 100 * high if high < 1 else inf, " %")
    expected = "100 %" if low == 1 else expected
    return Claim(claim, source, expected, f"{count} of {n} ({count / n:.1%})", holds)


def typical(
    claim: str,
    source: str,
    xs: Sequence[float],
    low: float = -inf,
    high: float = inf,
    of: int = 0,
    by: Callable[[Sequence[float]], float] = mean,
) -> Claim:
    """The claim that the mean of the numbers, or their median, is within the range.

    of: as in `share`. With fewer numbers, the claim fails only if chance moves a mean so far out of
    the range with a probability below 1 %. by: `mean` or `median`.
    """
    if len(xs) < 2:
        return Claim(claim, source, _range(low, high), "too few runs", None)
    slack = 0.0
    if len(xs) < of:
        slack = 2.33 * stdev(xs) / len(xs) ** 0.5 * (1.25 if by is median else 1.0)
    x = by(xs)
    return Claim(claim, source, _range(low, high), f"{x:.4g}", low - slack <= x <= high + slack)


def falling(
    claim: str, source: str, groups: Sequence[Sequence[float | None]], of: int = 0
) -> Claim:
    """The claim that the medians of the groups fall from one group to the next, without None.

    of: the number of runs of a group for which the claim was made. With fewer runs, the claim fails
    only if a median is so far above the one before that chance does this with a probability below
    1 %.
    """
    rows = [[x for x in group if x is not None] for group in groups]
    if min(map(len, rows)) < 2:
        return Claim(claim, source, "yes", "too few runs", None)
    medians = [median(row) for row in rows]
    spread = [1.25 * stdev(row) / len(row) ** 0.5 if len(row) < 0.8 * of else 0.0 for row in rows]
    holds = all(
        medians[i] - medians[i - 1] <= 2.33 * hypot(spread[i], spread[i - 1])
        for i in range(1, len(rows))
    )
    return Claim(claim, source, "yes", ", ".join(f"{x:.0f}" for x in medians), holds)


def _binomial(n: int, p: float, least: int, most: int) -> float:
    """The probability that `least` to `most` of n happen, if each has the probability p."""
    return sum(comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(least, most + 1))


def _range(low: float, high: float, unit: str = "") -> str:
    if low == high:
        return f"{low:.4g}{unit}"
    if high == inf:
        return f"at least {low:.4g}{unit}"
    if low == -inf:
        return f"at most {high:.4g}{unit}"
    return f"{low:.4g} to {high:.4g}{unit}"


def table(claims: Sequence[Claim], width: int = 85) -> str:
    """The claims as a table of at most `width` columns; long cells take several lines."""
    room = max(width, 60) - 2 * (len(HEAD) - 1)
    widths = [room * share // sum(_SHARES) for share in _SHARES[:-1]]
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
