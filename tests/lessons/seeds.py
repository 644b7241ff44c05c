"""Every lesson with other values of --seed: how often does a row fail, or contradict its numbers?

    python tests/lessons/seeds.py [--lesson NAME] [--quick 30] [--whole 5] [--jobs 2]

The exit code is 1 if a row fails in more than MOST of the runs, if a verdict does not follow from
the numbers beside it, or if a run ends without a table. The seeds lie FAR apart, so that no two
runs share one. CI runs one seed of each lesson; this is run before a release.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from judge import contradictions, failing

ROOT = Path(__file__).parents[2]
LESSONS = "the_loop reverse_mode the_wall hidden_units credit pdp_set symmetry family_trees".split()
LESSONS += ["indifference", "transformer"]
MOST = 0.02
FAR = 1_009  # more than the seeds of a whole run


class Run(NamedTuple):
    """A run of a lesson: its failing rows, its contradictions, and its seconds of CPU."""

    lesson: str
    seed: int
    whole: bool
    fails: list[str]
    contradictions: list[str]
    seconds: float


def run(lesson: str, seed: int, whole: bool, folder: Path) -> Run:
    """A run of the lesson as at the shell; a run without a table is a contradiction."""
    name = f"{lesson}-{seed}-{'whole' if whole else 'quick'}"
    table = folder / f"{name}.json"
    command = [sys.executable, str(ROOT / "demos" / f"{lesson}.py"), "--seed", str(seed)]
    command += ["--out", str(folder / name), "--json", str(table), *([] if whole else ["--quick"])]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, _, used = os.wait4(process.pid, 0)  # of the lesson, and of the processes of its runs
    seconds = used.ru_utime + used.ru_stime
    if not table.exists():
        crash = said.decode().strip().rpartition("\n")[2]
        return Run(lesson, seed, whole, [], [f"no table: {crash}"], seconds)
    return Run(lesson, seed, whole, failing(table), contradictions(table), seconds)


def lines(runs: list[Run]) -> Iterator[str]:
    """The table, a line for each lesson and form."""
    head = ("runs", "failing", "contradictions", "CPU seconds a run")
    yield f"{'lesson':22}" + "".join(f"{word:>19}" for word in head)
    for lesson, whole in dict.fromkeys((r.lesson, r.whole) for r in runs):
        own = [r for r in runs if (r.lesson, r.whole) == (lesson, whole)]
        seconds = [r.seconds for r in own]
        cells = (
            str(len(own)),
            str(sum(bool(r.fails) for r in own)),
            str(sum(len(r.contradictions) for r in own)),
            f"{min(seconds):.1f} to {max(seconds):.1f}",
        )
        said = f"{lesson}{', whole' if whole else ''}"
        yield f"{said:22}" + "".join(f"{cell:>19}" for cell in cells)
    for r in runs:
        for what in (*r.fails, *r.contradictions):
            yield f"{r.lesson} --seed {r.seed}{'' if r.whole else ' --quick'}: {what}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lesson", action="append", choices=LESSONS)
    parser.add_argument("--quick", type=int, default=30, help="number of quick runs a lesson")
    parser.add_argument("--whole", type=int, default=5, help="number of whole runs a lesson")
    parser.add_argument("--first", type=int, default=10_000, help="the first seed")
    parser.add_argument("--jobs", type=int, default=2, help="how many at the same time")
    asked = parser.parse_args()
    jobs = [
        (lesson, asked.first + FAR * i, whole)
        for lesson in asked.lesson or LESSONS
        for whole, n in ((False, asked.quick), (True, asked.whole))
        for i in range(n)
    ]
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(asked.jobs) as executor:
        runs = list(executor.map(lambda job: run(*job, Path(work)), jobs))
    print("\n".join(lines(runs)))
    share = sum(bool(r.fails) for r in runs) / len(runs)
    wrong = sum(len(r.contradictions) for r in runs)
    print(f"{share:.1%} of {len(runs)} runs have a failing row; {wrong} contradictions.")
    return 1 if share > MOST or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
