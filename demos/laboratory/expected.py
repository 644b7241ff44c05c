"""What another program found in many runs: the numbers of expected.json.

`tests/references/make_lessons.py` wrote them, with NumPy and nothing of this package.
"""

from __future__ import annotations

import json
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from tinygrad_edu.lesson.chance import Sample, sample_of

__all__ = ["known", "pin", "row", "sample", "scored"]


@cache
def _read() -> dict[str, Any]:
    text = (Path(__file__).parent / "expected.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def sample(name: str) -> Sample:
    """The numbers of many runs, such as the epochs until `xor-2` was learned."""
    found = _read()[name]
    if "histogram" in found:
        return sample_of([k for k, n in enumerate(found["histogram"]) for _ in range(n)])
    values = [inf if x is None else float(x) for x in found["values"]]
    ranks = found.get("ranks") or range(1, len(values) + 1)
    return Sample(found["seeds"], found.get("patience", 0), ranks, values)


def known(name: str) -> tuple[int, int]:
    """(number of runs that do it, number of runs)."""
    found = _read()[name]
    return found["count"], found["seeds"]


def scored(name: str, low: int, high: int) -> tuple[int, int]:
    """(number of runs with a score from `low` to `high`, number of runs)."""
    found = _read()[name]
    return sum(found["histogram"][low : high + 1]), found["seeds"]


def pin(name: str) -> Any:
    """The result of a single run, such as `xor-2 seed 3`."""
    return _read()["pins"][name]


def row(name: str) -> dict[str, Any]:
    """Any row, as the file has it."""
    found: dict[str, Any] = _read()[name]
    return found
