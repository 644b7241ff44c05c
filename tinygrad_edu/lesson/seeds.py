"""The same run for many seeds: over processes, and what is finished is kept.

Each result is written down as soon as it is there, so that a run that was interrupted goes on from
where it was, when it is started again with the same output folder.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tinygrad_edu.progress import Bar

Job = tuple[Any, ...]  # the arguments of one run, as JSON can say them


def processes() -> int:
    """How many runs go side by side: one for each processor that we may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_all(
    function: Callable[..., Any],
    jobs: Sequence[Job],
    kept: Path,
    executor: Executor | None = None,
) -> list[Any]:
    """function(*job) of each job, in order of the jobs; a bar shows how far it is on a terminal.

    function: of a module, so that another process finds it; its results as JSON can say them.
    kept: the file of results, read first and written on. executor: where they run; by default
    one process for each processor.
    """
    names = [json.dumps([function.__name__, *job]) for job in jobs]
    found = {name: result for name, result in _read(kept) if name in set(names)}
    if found:
        print(f"{len(found)} of {len(jobs)} runs were kept in {kept}, and are not run again.")
    left = {name: job for name, job in zip(names, jobs) if name not in found}
    if left:
        own = None
        if executor is None:  # its processes leave Ctrl-C to us
            deaf = signal.SIGINT, signal.SIG_IGN
            n = min(processes(), len(left))
            own = ProcessPoolExecutor(n, initializer=signal.signal, initargs=deaf)
        bar = Bar(len(left), "runs")
        try:
            futures = {
                (executor or own).submit(function, *job): name  # type: ignore[union-attr]
                for name, job in left.items()
            }
            with open(kept, "a", encoding="utf-8") as file:
                for done, future in enumerate(as_completed(futures), 1):
                    name = futures[future]
                    file.write(json.dumps([name, future.result()]) + "\n")
                    file.flush()
                    bar.show(done)
        except BaseException:
            if own:
                own.shutdown(wait=False, cancel_futures=True)
                for child in multiprocessing.active_children():
                    child.terminate()
            raise
        finally:
            bar.end()
            if own:
                own.shutdown()
        found = dict(_read(kept))
    return [found[name] for name in names]


def _read(kept: Path) -> list[tuple[str, Any]]:
    """What the file holds; its last line may have been cut off."""
    results = []
    if kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            try:
                name, result = json.loads(line)
            except ValueError:
                continue
            results.append((name, result))
    return results
