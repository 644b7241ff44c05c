"""How long a full training step takes when the graph is compiled, beside what others need for it.

    python benchmarks/compiled.py --rounds 11 --out compiled.md

A full step is the loss, its gradients and the update of all parameters, in float64 on one thread.
The limit is C written by hand for each workload (hand.c); the other peers are JAX, PyTorch, NumPy
by hand, micrograd and our own eager engine. Who is not installed is left out, and named.

In each round everybody runs once, in an order that rotates, with the garbage collector off, and
ratios are taken within the round: their medians are what to quote. A sample is 100 steps from the
first parameters, after 100 that are not timed; the median of a few samples counts. The processor's
time counts, so that other programs disturb less. Those who need milliseconds for a step run fewer
steps, and only in the first rounds.

Before anything is timed, gradients and the parameters after three steps are compared with those
of the eager engine.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from subprocess import CalledProcessError
from time import process_time
from typing import Any

import as_graphs
import in_c
import in_jax
import in_numpy
import in_torch
import latency
import ours
import tapes
from eager import TOLERANCE, collector, count, largest_difference, processor, table, tell
from training import STEPS, Contender
from workloads import WORKLOADS, Workload

LIMIT = "C by hand"
REFERENCE = "micrograd"
KINDS = {  # what is named where it cannot run
    "C by hand": in_c,
    "tinygrad_edu, compiled": ours,
    "JAX": in_jax,
    "NumPy": in_numpy,
    "PyTorch": in_torch,
    "eager engines": as_graphs,
}
PACKAGES = ("tinygrad-edu", "numpy", "llvmlite", "jax", "torch", "micrograd")
CHECKED_STEPS = 3
REPEATS = 5  # samples in one round, of which the median counts
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # the size of XLA's own pool
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}

Samples = dict[str, list[float]]  # seconds for a step, one for each round


# ---------------------------------------------------------------------------------------------
# who takes part


def contenders(workload: Workload) -> tuple[list[Contender], list[str]]:
    """Everybody who can run here, and who cannot, with the reason."""
    found: list[Contender] = []
    missing = []
    for kind, module in KINDS.items():
        try:
            found += module.contenders(workload)
        except (ImportError, OSError) as error:
            missing.append(f"{kind} ({error})")
    return found, missing


def check(contender: Contender, expected: Sequence[float], trained: Sequence[float]) -> float:
    """How far its gradients and parameters are from these; the program ends when too far."""
    contender.reset()
    difference = largest_difference(contender.gradients(), expected)
    contender.reset()
    contender.train(CHECKED_STEPS)
    after = largest_difference(contender.parameters(), trained)
    worst = max(difference, after)
    if not worst <= TOLERANCE:  # written so that nan fails too
        sys.exit(f"{contender.name}: gradients {difference:.1e} off, parameters {after:.1e}")
    return worst


# ---------------------------------------------------------------------------------------------
# time


def is_slow(contender: Contender) -> bool:
    """Whether it needs milliseconds for a step."""
    return contender.steps < STEPS


def sample(contender: Contender) -> float:
    """Seconds for one step."""
    seconds = []
    with collector(enabled=False):
        if not is_slow(contender):
            contender.reset()
            contender.train(contender.steps)
        for _ in range(1 if is_slow(contender) else REPEATS):
            contender.reset()
            start = process_time()
            contender.train(contender.steps)
            seconds.append((process_time() - start) / contender.steps)
    return median(seconds)


def measured(all_of_them: list[Contender], rounds: int, slow_rounds: int) -> Samples:
    """All in turn, `rounds` times, each round beginning with another one."""
    samples: Samples = {contender.name: [] for contender in all_of_them}
    gc.collect()
    gc.freeze()  # what exists by now need not be looked through between the samples
    for turn in range(rounds):
        first = turn % len(all_of_them)
        for contender in all_of_them[first:] + all_of_them[:first]:
            if turn < slow_rounds or not is_slow(contender):
                samples[contender.name].append(sample(contender))
    gc.unfreeze()
    return samples


# ---------------------------------------------------------------------------------------------
# the report


def ratios(samples: Samples, name: str, to: str) -> list[float]:
    """How many times as long as `to` it needs, in each round in which both ran, sorted."""
    return sorted(own / other for own, other in zip(samples[name], samples.get(to, ())))


def number(x: float) -> str:
    """Three digits, or all before the point."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def row(samples: Samples, name: str) -> list[str]:
    """One line of the table."""
    microseconds = [1e6 * seconds for seconds in samples[name]]
    to_limit = ratios(samples, name, LIMIT)
    to_reference = ratios(samples, name, REFERENCE)
    return [
        name,
        number(median(microseconds)),
        number(min(microseconds)),
        f"**{number(median(to_limit))}**" if to_limit else "",
        f"{number(to_limit[0])}-{number(to_limit[-1])}" if to_limit else "",
        number(1 / median(to_reference)) if to_reference else "",
    ]


def compare(workload: Workload, options: Any) -> str:
    """The section of the report about one workload."""
    found, missing = contenders(workload)
    eager = as_graphs.Eager(workload)
    expected = eager.gradients()
    eager.reset()
    eager.train(CHECKED_STEPS)
    worst = max(check(contender, expected, eager.parameters()) for contender in found)
    samples = measured(found, options.rounds, options.slow_rounds)
    header = [
        "full steps",
        "us per step",
        "quietest",
        f"x {LIMIT}",
        "smallest-largest",
        f"times as fast as {REFERENCE}",
    ]
    rows = [row(samples, name) for name in sorted(samples, key=lambda k: median(samples[k]))]
    title = f"## {workload.name}: {workload.title}"
    size = len(expected)
    facts = (
        f"{size:,} parameters; gradients, and parameters after {CHECKED_STEPS} steps, agree with "
        f"the eager engine within {worst:.0e}."
    )
    left_out = f"\n\nLeft out: {'; '.join(missing)}." if missing else ""
    return f"{title}\n\n{facts}\n\n{table(header, rows)}{left_out}"


def vectors() -> str:
    """The widest vectors of float64 that the processor says it has."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return "vectors unknown"
    for word, name in (("avx512f", "AVX-512"), ("avx2", "AVX2, no AVX-512"), ("asimd", "NEON")):
        if word in words:
            return name
    return "neither AVX-512 nor AVX2"


def versions() -> str:
    """What is installed of everything that is compared."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def compiler() -> str:
    """The C compiler and its flags."""
    try:
        return f"{in_c.compiler()}, `{' '.join(in_c.FLAGS)}`"
    except (OSError, CalledProcessError):
        return "no C compiler"


def heading(options: Any) -> str:
    """What was run where."""
    return (
        f"# Full training steps, compiled\n\n{processor()}, {vectors()}; "
        f"{platform.python_implementation()} {platform.python_version()}; {versions()}.\n"
        f"C: {compiler()}.\n"
        f"{options.rounds} rounds, {options.slow_rounds} of those who need milliseconds; float64, "
        f"one thread, collector off; time of the processor. `x {LIMIT}`: how many times as long, "
        "median of the ratios within each round, and the smallest and largest of them."
    )


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=count, default=11, help="quote 7 or more")
    parser.add_argument("--slow-rounds", type=count, default=3, help="micrograd and its like")
    parser.add_argument(
        "--workload", choices=WORKLOADS, action="append", help="may be repeated; default: all"
    )
    parser.add_argument("--steps-only", action="store_true", help="neither latency nor memory")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there too")
    return parser.parse_args()


def report(options: Any) -> Iterator[str]:
    """The sections of the report, each as soon as it has been measured."""
    names = options.workload or list(WORKLOADS)
    yield heading(options)
    for name in names:
        yield compare(WORKLOADS[name], options)
    if not options.steps_only:
        yield latency.section(names)
        yield tapes.section()


def main() -> None:
    options = arguments()
    os.environ.update(ONE_THREAD)  # all that reads this is imported later
    tell(report(options), options.out)


if __name__ == "__main__":
    main()
