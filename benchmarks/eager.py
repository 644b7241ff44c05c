"""How long engines take to build the graph of a loss and to run backward through it.

    pip install micrograd        # what everything is compared with; the package does not need it
    python benchmarks/eager.py --rounds 11 --out eager.md

Wall-clock times vary by a factor of two on a busy machine, so the number to quote is a ratio: in
each round every engine runs once, in an order that rotates, and the ratio to micrograd is taken
within the round. The median of those is printed, with the smallest and the largest.

A step is timed twice over. With the garbage collector off, building and `backward` are timed, and
the collector runs between the steps: this is the conservative comparison. With the collector on,
as every user has it, a few steps in a row are timed, freeing the graph included: micrograd's
closures make reference cycles, which only the collector can free.

Before anything is timed the gradients of all engines are compared with micrograd's.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isnan, nan
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from peers import ENGINES, Engine
from workloads import WORKLOADS, Workload

REFERENCE = "micrograd"
TOLERANCE = 1e-9  # relative; engines sum in different orders, which costs up to about 1e-12
# Contributions that cancel leave a gradient of nothing but rounding (1e-18 in W1), whose sign is
# an accident of that order: what is smaller than this share of the largest gradient counts as it.
SMALLEST = 1e-6
STEPS = 3  # in a row when the collector is on, so that it also meets the garbage of a step before
IMPORT_RUNS = 21  # of each of the two commands

Timer = Callable[[Engine, Workload], tuple[float, ...]]
Samples = dict[str, list[tuple[float, ...]]]  # by engine, one entry for each round


# ---------------------------------------------------------------------------------------------
# one step


@contextmanager
def collector(enabled: bool) -> Iterator[None]:
    """The garbage collector on or off, starting from a heap without garbage."""
    gc.collect()
    (gc.enable if enabled else gc.disable)()
    try:
        yield
    finally:
        gc.enable()


def build_and_backward(engine: Engine, workload: Workload) -> tuple[float, ...]:
    """Seconds to build the loss, and seconds to differentiate it; the collector is off."""
    parameters = workload.parameters(engine.Value)
    with collector(enabled=False):
        start = perf_counter()
        loss = workload.loss(engine.Value, parameters)
        built = perf_counter()
        loss.backward()
        return built - start, perf_counter() - built


def whole_steps(engine: Engine, workload: Workload) -> tuple[float, ...]:
    """Seconds for a step that also frees its graph; the collector is on."""
    parameters = workload.parameters(engine.Value)
    with collector(enabled=True):
        start = perf_counter()
        for _ in range(STEPS):
            loss = workload.loss(engine.Value, parameters)
            loss.backward()
            del loss
        return ((perf_counter() - start) / STEPS,)


def rounds_of(timer: Timer, workload: Workload, engines: list[Engine], rounds: int) -> Samples:
    """All engines in turn, `rounds` times, each round beginning with another one."""
    samples: Samples = {engine.name: [] for engine in engines}
    for turn in range(rounds):
        first = turn % len(engines)
        for engine in engines[first:] + engines[:first]:
            samples[engine.name].append(timer(engine, workload))
    return samples


# ---------------------------------------------------------------------------------------------
# the same answer first


def gradients(engine: Engine, workload: Workload) -> list[float]:
    """The derivative of the loss by every parameter."""
    loss, parameters = workload.build(engine.Value)
    loss.backward()
    return [parameter.grad for parameter in parameters]


def largest_difference(found: Sequence[float], expected: Sequence[float]) -> float:
    """The largest relative difference, place by place."""
    smallest = SMALLEST * max(map(abs, expected))
    pairs = zip(found, expected, strict=True)
    differences = [abs(a - b) / max(abs(a), abs(b), smallest) for a, b in pairs]
    return nan if any(map(isnan, differences)) else max(differences)


def check(engine: Engine, workload: Workload, expected: Sequence[float]) -> float:
    """How far the engine is from micrograd; ends the program when that is too far."""
    difference = largest_difference(gradients(engine, workload), expected)
    if not difference <= TOLERANCE:  # written so that nan fails too
        sys.exit(f"{workload.name}: {engine.name} and {REFERENCE} differ by {difference:.1e}")
    return difference


# ---------------------------------------------------------------------------------------------
# tables


def ratio(samples: Samples, name: str) -> str:
    """How many times faster than micrograd: the median over the rounds, and its range."""
    totals = zip(samples[REFERENCE], samples[name])
    ratios = sorted(sum(reference) / sum(own) for reference, own in totals)
    return f"**{median(ratios):.2f}** ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def milliseconds(times: list[tuple[float, ...]]) -> list[str]:
    """The median of each timed part and of their sum."""
    columns = list(zip(*times))
    if len(columns) > 1:
        columns.append(tuple(map(sum, times)))
    return [f"{1e3 * median(column):.1f}" for column in columns]


def per_node(times: list[tuple[float, ...]], nodes: int) -> str:
    """Nanoseconds for each node that micrograd makes of the workload."""
    return f"{1e9 * median(map(sum, times)) / nodes:.0f}"


def table(header: Sequence[str], rows: list[list[str]]) -> str:
    """A Markdown table: the first column is text, the others are numbers."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def compare(workload: Workload, engines: list[Engine], rounds: int, gc_rounds: int) -> str:
    """The section of the report about one workload."""
    built = {engine.name: workload.build(engine.Value) for engine in engines}
    counts = {engine.name: engine.count(built[engine.name][0]) for engine in engines}
    size = len(built[REFERENCE][1])
    del built  # the timed steps shall not share the heap with these graphs
    expected = gradients(engines[0], workload)
    worst = max(check(engine, workload, expected) for engine in engines)

    off = rounds_of(build_and_backward, workload, engines, rounds)
    on = rounds_of(whole_steps, workload, engines, gc_rounds)

    nodes = counts[REFERENCE]
    header = [
        "engine",
        "own nodes",
        "build ms",
        "backward ms",
        "both ms",
        f"ns per {REFERENCE} node",
        f"x {REFERENCE}",
        "collector on: ms",
        f"x {REFERENCE}",
    ]
    rows = [
        [
            name,
            f"{counts[name]:,}",
            *milliseconds(off[name]),
            per_node(off[name], nodes),
            ratio(off, name),
            *milliseconds(on[name]),
            ratio(on, name),
        ]
        for name in counts
    ]
    title = f"## {workload.name}: {workload.title}"
    facts = (
        f"{size:,} parameters, {nodes:,} nodes in {REFERENCE}; gradients agree within {worst:.0e}."
    )
    return f"{title}\n\n{facts}\n\n{table(header, rows)}"


# ---------------------------------------------------------------------------------------------
# the import, and the machine


def command_seconds(code: str, cache: str) -> float:
    """Seconds for a new interpreter to run `code` and end; its bytecode is kept in `cache`."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = cache
    start = perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return perf_counter() - start


def import_time() -> str:
    """What `import tinygrad_edu` adds to an empty interpreter, both run in turn."""
    codes = "pass", "import tinygrad_edu"
    with TemporaryDirectory() as cache:
        command_seconds(codes[1], cache)  # compiles, as an installer would have
        pairs = [[command_seconds(code, cache) for code in codes] for _ in range(IMPORT_RUNS)]
    empty, package = (1e3 * median(column) for column in zip(*pairs))
    added = 1e3 * median(b - a for a, b in pairs)
    return (
        f"## Import\n\n`python -c {codes[0]}` {empty:.1f} ms, with `{codes[1]}` {package:.1f} ms: "
        f"{added:.1f} ms more (medians of {IMPORT_RUNS} runs in turn, bytecode compiled before)."
    )


def processor() -> str:
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def heading(rounds: int, gc_rounds: int) -> str:
    """What was run where."""
    return (
        f"# Building a graph and running backward\n\n{processor()}; "
        f"{platform.python_implementation()} {platform.python_version()}; "
        f"{rounds} rounds with the collector off, {gc_rounds} with it on.\n"
        f"Times are medians. `x {REFERENCE}`: how many times faster, median of the ratios within "
        "each round (smallest-largest)."
    )


def count(text: str) -> int:
    """A number of rounds, as an option of the command line."""
    rounds = int(text)
    if rounds < 1:
        raise argparse.ArgumentTypeError("at least one round")
    return rounds


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=count, default=11, help="collector off; quote 7 or more")
    parser.add_argument("--gc-rounds", type=count, default=3, help="with the collector on")
    parser.add_argument(
        "--workload", choices=WORKLOADS, action="append", help="may be repeated; default: all"
    )
    parser.add_argument("--engine", choices=ENGINES, action="append", help="besides micrograd")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there too")
    return parser.parse_args()


def report(options: Any) -> Iterator[str]:
    """The sections of the report, each as soon as it has been measured."""
    names = dict.fromkeys([REFERENCE, *(options.engine or ENGINES)])
    engines = [ENGINES[name]() for name in names]
    yield heading(options.rounds, options.gc_rounds)
    for name in options.workload or WORKLOADS:
        yield compare(WORKLOADS[name], engines, options.rounds, options.gc_rounds)
    if "tinygrad_edu" in names:
        yield import_time()


def tell(measured: Iterator[str], out: Path | None) -> None:
    """Prints each section as soon as it has been measured; at the end writes all of them."""
    sections = []
    for section in measured:
        print(section, end="\n\n", flush=True)
        sections.append(section)
    if out:
        out.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def main() -> None:
    options = arguments()
    tell(report(options), options.out)


if __name__ == "__main__":
    main()
