"""How the runs of a lesson grow with the workers of a cluster, and what one run costs beside.

    python benchmarks/cluster.py [--rounds 3] [--workers 1 2 4 8 16]

A scheduler and its workers are started on this machine. Each row is a ratio of one sweep: runs a
second with so many workers, divided by those of one worker. `sleep` only waits, as a run on another
machine does for this one, so it shows the limit of the scheduler and not of the processors; `xor`
is a run of the lesson hidden_units, which needs a processor.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from tinygrad_edu.lesson.seeds import made, package_hash


def nothing(seed: int) -> int:
    """A run that costs nothing."""
    return seed


def sleep(seed: int) -> int:
    """A run of a tenth of a second that needs no processor."""
    time.sleep(0.1)
    return seed


def xor(seed: int) -> Any:
    """A run of the lesson hidden_units, for 5,000 epochs."""
    from tinygrad_edu.demos.laboratory.trial import Trial, after_all

    return after_all(Trial("xor", 2, 0.5, 0.9, 0.3, 5_000), seed)


def a_second(executor: Any, function: Callable[[int], Any], runs: int, first: int) -> float:
    """Runs a second, from the first that is handed over to the last result."""
    code = package_hash()
    began = time.perf_counter()
    futures = [executor.submit(made, function, (first + i,), code) for i in range(runs)]
    for future in futures:
        future.result()
    return runs / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4, 8, 16])
    asked = parser.parse_args()
    import distributed

    dask: Any = distributed  # some of it has no types

    kinds = {"nothing": (nothing, 60), "sleep": (sleep, 6), "xor": (xor, 20)}
    found: dict[int, dict[str, float]] = {}
    for n in asked.workers:
        with (
            dask.LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None) as cluster,
            dask.Client(cluster) as client,
        ):
            executor = client.get_executor(pure=False)
            found[n] = {}
            for name, (function, runs) in kinds.items():
                a_second(executor, function, 4 * n, 0)  # each worker imports and compiles
                rounds = [
                    a_second(executor, function, runs * max(n, 4), 1_000 * (1 + i))
                    for i in range(asked.rounds)
                ]
                found[n][name] = statistics.median(rounds)
    one = found[asked.workers[0]]
    print("workers" + "".join(f"{name:>10}" for name in kinds))
    for n, row in found.items():
        print(f"{n:7}" + "".join(f"{row[name] / one[name]:10.2f}" for name in kinds))
    print(f"one worker: {one['nothing'] / one['sleep']:.0f} empty runs in the time of one of 0.1 s")


if __name__ == "__main__":
    main()
