"""Whether a verdict follows from the numbers that its row prints, and from nothing else.

`python tests/lessons/judge.py FILE...` reads tables that lessons wrote with --json.
"""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from math import inf, nan
from pathlib import Path

__all__ = ["contradiction", "contradictions", "failing", "rows"]

HOLDS, FAILS, FEW = "holds", "fails", "too few to tell"
LONGER = "not within the limit"
_COUNT = re.compile(r"([\d,]+) of ([\d,]+)")
_BESIDE = re.compile(r" \([^()]*\)$")  # what another program found, which the verdict does not use


def number(text: str) -> float:
    """The number that a cell prints; nan for any other text."""
    try:
        return inf if text == LONGER else float(text.replace(",", ""))
    except ValueError:
        return nan


def bounds(text: str) -> tuple[float, float] | None:
    """(lowest, highest) of `2 to 3`, `at least 2`, `at most 3`, `any` or `2`; else None."""
    if text == "any":
        return -inf, inf
    if text.startswith("at least "):
        low, high = number(text.removeprefix("at least ")), inf
    elif text.startswith("at most "):
        low, high = -inf, number(text.removeprefix("at most "))
    else:
        first, _, last = text.partition(" to ")
        low, high = number(first), number(last or first)
    return None if low != low or high != high else (low, high)


def _of_counts(expect: str, measured: str) -> set[str] | None:
    """The verdicts that agree with counts such as `3 of 4`; None if they are not counts."""
    found = _COUNT.fullmatch(measured)
    if not found:
        return None
    count, n = (int(text.replace(",", "")) for text in found.groups())
    if expect == "most of them":  # so few runs that not even all of them would be enough
        return {FEW, FAILS}
    room, _, of = expect.rpartition(" of ")
    limits = bounds(room)
    if limits is None or number(of) != n:
        return None
    low, high = limits
    if expect.startswith("at least"):
        return {HOLDS} if count >= low else {FEW, FAILS}
    if (low, high) == (0, n):
        return {FEW}
    return {HOLDS} if low <= count <= high else {FAILS}


def _of_medians(measured: str) -> set[str]:
    medians = [number(text) for text in measured.split(", ")]
    falls = all(b < a for a, b in pairwise(medians))
    level = all(b <= a for a, b in pairwise(medians))  # rounded, some may be equal
    return {HOLDS} if falls else {HOLDS, FEW} if level else {FEW, FAILS}


def verdicts(expect: str, measured: str) -> set[str]:
    """The verdicts that follow from the two cells."""
    if expect == "each below the one before":
        return _of_medians(measured)
    room = _BESIDE.sub("", expect)
    by_counts = _of_counts(room, measured)
    if by_counts is not None:
        return by_counts
    limits = bounds(room)
    if limits is None or (number(measured) != number(measured) and measured != "nan"):
        return {HOLDS} if expect == measured else {FAILS}  # words
    if limits == (-inf, inf):
        return {FEW}
    low, high = limits
    return {HOLDS} if low <= number(measured) <= high else {FAILS}


def contradiction(row: dict[str, str]) -> str:
    """What is wrong with a row, in a line; '' if its verdict follows from its numbers."""
    allowed = verdicts(row["expect"], row["measured"])
    if row["verdict"] in allowed:
        return ""
    numbers = f"{row['experiment']}: expected {row['expect']}, measured {row['measured']}"
    return f"{numbers}: the table says {row['verdict']}, not {' or '.join(sorted(allowed))}"


def contradictions(file: Path) -> list[str]:
    """The same for all rows of a table that was written with --json."""
    return [wrong for row in rows(file) if (wrong := contradiction(row))]


def failing(file: Path) -> list[str]:
    """The experiments of the rows that fail."""
    return [row["experiment"] for row in rows(file) if row["verdict"] == FAILS]


def rows(file: Path) -> list[dict[str, str]]:
    """The rows of a table that was written with --json."""
    found: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    found = [f"{name}: {wrong}" for name in sys.argv[1:] for wrong in contradictions(Path(name))]
    print("\n".join(found) or "Every verdict follows from the numbers beside it.")
    sys.exit(1 if found else 0)
