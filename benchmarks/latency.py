"""How long it takes from a loss to its first compiled step, in a process that has just begun.

    python benchmarks/latency.py

Compiled code is cached on disk: `cold` is the time with an empty cache, `warm` with the one that
the first process left. A further graph in the same process has other numbers, and is compiled
anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from eager import table
from workloads import WORKLOADS

RUNS = 5  # processes with an empty cache, and as many with a full one
FURTHER = 3  # graphs

Measured = dict[str, float]  # milliseconds


def ours(name: str) -> Measured:
    """The package, and a graph made by operators."""
    start = perf_counter()
    from tinygrad_edu import Value

    imported = perf_counter() - start
    from ours import compiled  # of our own modules, which no user imports

    workload = WORKLOADS[name]

    def first_step() -> None:
        step, columns = compiled(workload, workload.parameters(Value), "machine")
        step(*columns)

    return timed(imported, first_step)


def jax(name: str) -> Measured:
    """JAX, which traces a function; it keeps no cache on disk unless it is told to."""
    start = perf_counter()
    import_module("jax")
    imported = perf_counter() - start
    from in_jax import Jax

    return timed(imported, lambda: Jax(WORKLOADS[name]).train(1))


def timed(imported: float, first_step: Callable[[], None]) -> Measured:
    """The import, the first step of a first graph, and of those that follow."""
    seconds = []
    for _ in range(1 + FURTHER):
        begun = perf_counter()
        first_step()
        seconds.append(perf_counter() - begun)
    parts = {"import": imported, "first": seconds[0], "further": median(seconds[1:])}
    return {part: 1e3 * seconds for part, seconds in parts.items()}


ENGINES = {"tinygrad_edu": ours, "JAX": jax}


def in_new_process(engine: str, name: str, cache: str) -> Measured | str:
    """What the engine needs there, or the last line of its error."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    child = [sys.executable, __file__, "--child", engine, "--workload", name]
    run = subprocess.run(child, capture_output=True, text=True, check=False, env=environment)
    if run.returncode:
        return run.stderr.strip().rpartition("\n")[2]
    found: Measured = json.loads(run.stdout)
    return found


def row(engine: str, name: str) -> list[str]:
    """One line of the table: medians over the processes."""
    cold: list[Measured] = []
    warm: list[Measured] = []
    for _ in range(RUNS):
        with TemporaryDirectory() as cache:
            for results in (cold, warm):
                found = in_new_process(engine, name, cache)
                if isinstance(found, str):
                    return [f"{name}, {engine}", found, *[""] * 5]
                results.append(found)
    cells = [
        median(found["import"] for found in cold + warm),
        median(found["first"] for found in cold),
        median(found["import"] + found["first"] for found in cold),
        median(found["first"] for found in warm),
        median(found["import"] + found["first"] for found in warm),
        median(found["further"] for found in cold + warm),
    ]
    return [f"{name}, {engine}", *(f"{milliseconds:.1f}" for milliseconds in cells)]


def section(names: Iterable[str]) -> str:
    """The section of the report: a line for each workload and engine."""
    header = [
        "ms",
        "import",
        "first step, cold",
        "with the import",
        "first step, warm",
        "with the import",
        "a further graph",
    ]
    return (
        "## From a loss to the first compiled step\n\n"
        "Making the graph included, a new process each; cold: nothing compiled before; warm: the "
        f"cache of an earlier process. Medians of {RUNS} processes each.\n\n"
        f"{table(header, [row(engine, name) for name in names for engine in ENGINES])}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--child", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--workload", choices=WORKLOADS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(ENGINES[options.child](options.workload)))
    else:
        print(section(WORKLOADS))


if __name__ == "__main__":
    main()
