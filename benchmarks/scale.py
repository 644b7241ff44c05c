"""What a graph of a million operations costs: seconds, and bytes for each node.

    python benchmarks/scale.py

Every case runs in a new process with a recursion limit of 120 and the garbage collector off, so
that a recursive engine fails and reference cycles show as nodes that are left behind. Memory is
the process's high-water mark (VmHWM of /proc/self/status, so this needs Linux) over building and
backward, less what it was before, divided by all nodes, leaves and constants included.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from peers import ENGINES

SIZE = 1_000_000  # operations in a chain; leaves of the balanced sum
RECURSION_LIMIT = 120  # frames; CPython's own limit is 1000

Node = Any
Measured = dict[str, float]


# ---------------------------------------------------------------------------------------------
# the graphs


def chain_of_sums(Value: type, size: int) -> Node:
    """x + y + y + y ...: every node has the same leaf as its second operand."""
    y = Value(1e-6)
    return reduce(lambda x, _: x + y, range(size), Value(1.0))


def chain_of_products(Value: type, size: int) -> Node:
    """x times a plain number, again and again: a constant at each operation."""
    return reduce(lambda x, _: x * 1.0000001, range(size), Value(1.0))


def chain_of_tanh(Value: type, size: int) -> Node:
    """tanh(tanh(tanh(...))): one operand each."""
    return reduce(lambda x, _: x.tanh(), range(size), Value(1.0))


def balanced_sum(Value: type, size: int) -> Node:
    """Leaves added in pairs, then the pairs in pairs: 20 levels deep, a million wide."""
    level = [Value(1.0) for _ in range(size)]
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        level = [a + b for a, b in zip(level[::2], level[1::2])] + odd
    return level[0]


# the builder, and how many nodes it makes of `size` when each constant is a node
CASES: dict[str, tuple[Callable[[type, int], Node], Callable[[int], int]]] = {
    "chain x + y": (chain_of_sums, lambda size: size + 2),
    "chain x * 1.0000001": (chain_of_products, lambda size: 2 * size + 1),
    "chain tanh(x)": (chain_of_tanh, lambda size: size + 1),
    "balanced sum": (balanced_sum, lambda size: 2 * size - 1),
}


# ---------------------------------------------------------------------------------------------
# one case, in its own process


def high_water_mark() -> int:
    """The most bytes of memory this process has had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise OSError("/proc/self/status has no VmHWM")


def alive(Value: type) -> int:
    """How many instances of `Value` exist."""
    return sum(isinstance(found, Value) for found in gc.get_objects())


def measure(case: str, engine: str, size: int) -> Measured:
    """Build, differentiate and free one graph."""
    Value = ENGINES[engine]().Value
    builder, _ = CASES[case]
    builder(Value, 8).backward()  # whatever an engine prepares at first use
    gc.collect()
    gc.disable()
    before = alive(Value)
    memory = high_water_mark()
    sys.setrecursionlimit(RECURSION_LIMIT)

    start = perf_counter()
    root = builder(Value, size)
    built = perf_counter()
    root.backward()
    done = perf_counter()
    memory = high_water_mark() - memory

    nodes = alive(Value) - before  # after the memory was read: listing all objects takes some
    freeing = perf_counter()
    del root
    freed = perf_counter()
    return {
        "nodes": nodes,
        "build": built - start,
        "backward": done - built,
        "free": freed - freeing,
        "memory": memory,
        "left": alive(Value) - before,
    }


# ---------------------------------------------------------------------------------------------
# all cases, and the table


def in_new_process(case: str, engine: str, size: int) -> Measured | str:
    """What `measure` finds there, or the message of a RecursionError."""
    child = [sys.executable, __file__, "--child", case, "--engine", engine, "--size", str(size)]
    run = subprocess.run(child, capture_output=True, text=True, check=False)
    if run.returncode:
        message = run.stderr.strip().rpartition("\n")[2]
        if not message.startswith("RecursionError"):
            sys.exit(f"{case}: {run.stderr or run.returncode}")
        return message
    measured: Measured = json.loads(run.stdout)
    return measured


def row(case: str, engine: str, size: int, runs: int) -> list[str]:
    """One line of the table: the median of each quantity over the runs."""
    results = [in_new_process(case, engine, size) for _ in range(runs)]
    measured = [result for result in results if not isinstance(result, str)]
    if len(measured) < runs:
        failed = next(result for result in results if isinstance(result, str))
        return [case, failed, *[""] * 5]
    typical = {key: median(result[key] for result in measured) for key in measured[0]}
    _, all_nodes = CASES[case]
    return [
        case,
        f"{typical['nodes']:,.0f}",
        *(f"{typical[key]:.2f}" for key in ("build", "backward", "free")),
        f"{typical['memory'] / all_nodes(size):.0f}",
        f"{typical['left']:,.0f}",
    ]


def count(text: str) -> int:
    """A positive number, as an option of the command line."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="tinygrad_edu")
    parser.add_argument("--size", type=count, default=SIZE, help=f"default: {SIZE:,}")
    parser.add_argument("--runs", type=count, default=3, help="of each case; the median is shown")
    parser.add_argument("--child", choices=CASES, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.child:
        print(json.dumps(measure(options.child, options.engine, options.size)))
        return
    print(f"{options.engine}, size {options.size:,}, recursion limit {RECURSION_LIMIT}\n")
    header = ["case", "Value objects", "build s", "backward s", "free s", "bytes/node", "left"]
    print("| " + " | ".join(header) + " |")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for case in CASES:
        print("| " + " | ".join(row(case, options.engine, options.size, options.runs)) + " |")


if __name__ == "__main__":
    main()
