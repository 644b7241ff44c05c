"""What the tape of a graph of a million operations costs: seconds, and bytes for each slot.

    python benchmarks/tapes.py

Every case runs in a new process, on the graphs of scale.py. Memory is the process's high-water
mark over recording, verifying and running, less what it was when the graph had been made.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
from statistics import median
from time import perf_counter

from eager import table
from scale import CASES, RECURSION_LIMIT, SIZE, high_water_mark

RUNS = 3
DERIVED = "chain tanh(x)"  # the case that is also recorded with its derivative

Measured = dict[str, float]


def measure(case: str, derived: bool, size: int) -> Measured:
    """Record, verify and run one tape."""
    from tinygrad_edu import Value, topological_order
    from tinygrad_edu.compiler.tape.tape import record

    builder, _ = CASES[case]
    record([builder(Value, 8)]).run()  # whatever is prepared at first use
    gc.collect()
    gc.disable()
    sys.setrecursionlimit(RECURSION_LIMIT)
    root = builder(Value, size)
    wrt = [topological_order(root)[0]] if derived else []
    memory = high_water_mark()

    start = perf_counter()
    tape = record([root], wrt=wrt)
    recorded = perf_counter()
    tape.verify()
    verified = perf_counter()
    tape.run()
    done = perf_counter()
    peak = high_water_mark()
    return {
        "slots": len(tape),
        "record": recorded - start,
        "verify": verified - recorded,
        "run": done - verified,
        "memory": peak - memory,
        "peak": peak,
    }


def in_new_process(case: str, derived: bool, size: int) -> Measured | str:
    """What `measure` finds there, or the last line of its error."""
    child = [sys.executable, __file__, "--child", case, "--size", str(size)]
    child += ["--derived"] if derived else []
    run = subprocess.run(child, capture_output=True, text=True, check=False)
    if run.returncode:
        return run.stderr.strip().rpartition("\n")[2]
    found: Measured = json.loads(run.stdout)
    return found


def row(case: str, derived: bool, size: int) -> list[str]:
    """One line of the table: the median of each quantity over the runs."""
    title = f"{case}, and its derivative" if derived else case
    measured = []
    for _ in range(RUNS):
        found = in_new_process(case, derived, size)
        if isinstance(found, str):
            return [title, found, *[""] * 5]
        measured.append(found)
    typical = {key: median(found[key] for found in measured) for key in measured[0]}
    return [
        title,
        f"{typical['slots']:,.0f}",
        *(f"{typical[key]:.2f}" for key in ("record", "verify", "run")),
        f"{typical['memory'] / typical['slots']:.0f}",
        f"{typical['peak'] / 2**20:,.0f}",
    ]


def section(size: int = SIZE) -> str:
    """The section of the report: a line for each case."""
    header = ["case", "slots", "record s", "verify s", "run s", "bytes/slot", "peak MiB"]
    cases = [(case, False) for case in CASES] + [(DERIVED, True)]
    return (
        f"## The tape of {size:,} operations\n\n"
        f"Recursion limit {RECURSION_LIMIT}, collector off, a new process each; bytes beyond those "
        "of the graph, the peak with it. The interpreter runs the tape, not machine code.\n\n"
        f"{table(header, [row(*case, size) for case in cases])}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=SIZE, help=f"default: {SIZE:,}")
    parser.add_argument("--child", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--derived", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options.derived, options.size)))
    else:
        print(section(options.size))


if __name__ == "__main__":
    main()
