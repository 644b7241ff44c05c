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
from typing import Any, TextIO

from tinygrad_edu.train.progress import Bar

__all__ = ["Job", "processes", "run_all"]

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
            executor = own = ProcessPoolExecutor(n, initializer=signal.signal, initargs=deaf)
        bar = Bar(len(left), "runs")
        with open(kept, "a", encoding="utf-8") as file:
            futures = {executor.submit(function, *job): name for name, job in left.items()}
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    _write(file, futures[future], future.result())
                    del futures[future]
                    bar.show(done)
            except BaseException:
                for future, name in futures.items():  # some may have ended meanwhile
                    if future.done() and not future.cancelled() and not future.exception():
                        _write(file, name, future.result())
                if own:
                    for child in multiprocessing.active_children():
                        child.terminate()
                    own.shutdown(cancel_futures=True)
                raise
            finally:
                bar.end()
                if own:
                    own.shutdown()
        found = dict(_read(kept))
    return [found[name] for name in names]


def _write(file: TextIO, name: str, result: Any) -> None:
    file.write(f"\n{json.dumps([name, result])}")  # on a new line, whatever was cut off before
    file.flush()


def _read(kept: Path) -> list[tuple[str, Any]]:
    """What the file holds; a line may have been cut off."""
    results = []
    if kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            try:
                name, result = json.loads(line)
            except ValueError:
                continue
            results.append((name, result))
    return results
