"""The same run for many seeds, in several processes; finished runs are saved.

Each result is written to a file as soon as it is known. If a lesson is interrupted and then started
again with the same output folder, it continues from there. A result carries a hash of the code that
made it: after a change of the code, the run is made again.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

import tinygrad_edu
from tinygrad_edu.train.progress import Bar

__all__ = ["Job", "code_hash", "processes", "run_all"]

Job = tuple[Any, ...]  # the arguments of one run, of types that JSON has


def processes() -> int:
    """The number of runs at the same time: one for each processor that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_all(
    function: Callable[..., Any],
    jobs: Sequence[Job],
    kept: Path,
    executor: Executor | None = None,
) -> list[Any]:
    """function(*job) for each job, in the order of the jobs; a terminal shows a progress bar.

    function: a function of a module, which another process can import; its results must be of types
    that JSON has. kept: the file of results; its results are used, and new ones are added to it.
    executor: runs the jobs; by default, one process for each processor.
    """
    made_by = code_hash(function)
    names = [json.dumps([made_by, function.__name__, *job]) for job in jobs]
    saved = _read(kept)
    found = {name: result for name, result in saved if name in set(names)}
    others = sum(not name.startswith(f'["{made_by}"') for name, _ in saved)
    if others:
        print(f"{others} runs in {kept} are from code that has changed, and are made again.")
    if found:
        print(f"{len(found)} of {len(jobs)} runs are saved in {kept}, and are not run again.")
    left = {name: job for name, job in zip(names, jobs) if name not in found}
    if left:
        own = None
        if executor is None:  # its processes ignore Ctrl-C, which this process handles
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
                for future, name in futures.items():  # some may have finished in the meantime
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


@cache
def code_hash(function: Callable[..., Any]) -> str:
    """A hash of all code that the function may run: the package, the lessons, and its own file."""
    package = Path(tinygrad_edu.__file__).parent
    folders = [package, package.parent / "demos"]
    files = {Path(function.__code__.co_filename), *(f for d in folders for f in d.rglob("*.py"))}
    found = sha256()
    for file in sorted(files):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


def _write(file: TextIO, name: str, result: Any) -> None:
    file.write(f"\n{json.dumps([name, result])}")  # a new line, in case the last one was cut off
    file.flush()


def _read(kept: Path) -> list[tuple[str, Any]]:
    """(name, result) for each complete line of the file; the last line may be cut off."""
    results = []
    if kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            try:
                name, result = json.loads(line)
            except (ValueError, TypeError):
                continue
            results.append((str(name), result))
    return results
