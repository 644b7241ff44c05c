"""The same run for many seeds, on several workers; finished runs are saved.

Each result is written to a file as soon as it is known. If a lesson is interrupted and then started
again with the same output folder, it continues from there. A result carries a hash of the code that
made it: after a change of the code, the run is made again.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, TextIO

import tinygrad_edu
from tinygrad_edu.lesson.workers import here
from tinygrad_edu.train.progress import Bar

__all__ = [
    "Job",
    "LostError",
    "OtherCodeError",
    "code_hash",
    "made",
    "package_hash",
    "run_all",
]

Job = tuple[Any, ...]  # the arguments of one run, of types that JSON has
LOSSES = 3  # of processes, after which a run is not tried again


class LostError(RuntimeError):
    """Processes that make runs end again and again."""


class OtherCodeError(RuntimeError):
    """A worker has another version of the package."""


def run_all(
    function: Callable[..., Any],
    jobs: Sequence[Job],
    kept: Path,
    executor: Executor | None = None,
) -> list[Any]:
    """function(*job) for each job, in the order of the jobs; a terminal shows a progress bar.

    function: a function of a module, which another process can import; its results must be of types
    that JSON has. kept: the file of results; its results are used, and new ones are added to it.
    Equal jobs are as many runs: their results may be random. executor: runs the jobs; by default,
    processes of this machine, and the runs of a process that was lost are made again. LostError if
    too many processes are lost, OtherCodeError if a worker has another version of the package.
    """
    made_by = code_hash(function)
    names = [_name(made_by, function, *one) for one in _counted(jobs)]
    saved = _read(kept)
    found = {name: result for name, result in saved if name in set(names)}
    others = sum(not name.startswith(f'["{made_by}"') for name, _ in saved)
    if others:
        print(f"{others} runs in {kept} are from code that has changed, and are made again.")
    if found:
        print(f"{len(found)} of {len(jobs)} runs are saved in {kept}, and are not run again.")
    left = {name: job for name, job in zip(names, jobs) if name not in found}
    if left:
        bar = Bar(len(left), "runs")
        try:
            with open(kept, "a", encoding="utf-8") as file:
                if executor is not None:
                    _run(executor, function, left, file, bar)
                else:
                    _run_here(function, left, file, bar)
        except OSError as error:
            error.filename = error.filename or os.fspath(kept)  # a full disk
            raise
        finally:
            bar.end()
        found = dict(_read(kept))
    return [found[name] for name in names]


def _run_here(function: Callable[..., Any], left: dict[str, Job], file: TextIO, bar: Bar) -> None:
    """Runs the jobs in processes of this machine; those of a lost process run again in new ones."""
    for lost in range(LOSSES + 1):
        try:
            with here(len(left)) as executor:
                _run(executor, function, left, file, bar)
            return
        except BrokenExecutor as error:
            if lost == LOSSES:
                raise LostError(
                    f"{LOSSES + 1} times a process was ended from outside: is there enough memory? "
                    "Finished runs are saved; the same command continues there"
                ) from error


def _run(
    executor: Executor,
    function: Callable[..., Any],
    left: dict[str, Job],
    file: TextIO,
    bar: Bar,
) -> None:
    """Runs the jobs and takes each that has finished away from `left`, into the file."""
    code = package_hash()
    futures = {executor.submit(made, function, job, code): name for name, job in left.items()}

    def keep(future: Future[Any]) -> None:
        name = futures.pop(future)
        _write(file, name, future.result())
        del left[name]

    try:
        for future in as_completed(list(futures)):
            keep(future)
            bar.show(bar.length - len(left))
    except BaseException:
        for future in [*futures]:  # some may have finished in the meantime
            future.cancel()
            if future.done() and not future.cancelled() and not future.exception():
                with suppress(OSError):  # a full disk is told once
                    keep(future)
        raise


_turn = Lock()


def made(function: Callable[..., Any], job: Job, code: str) -> Any:
    """function(*job), in the process of a worker. OtherCodeError if it has other code.

    Runs of one process take turns: they share networks.
    """
    if package_hash() != code:
        raise OtherCodeError(
            "a worker has other code than this program: install the same version there, and start "
            "the worker again"
        )
    with _turn:
        return function(*job)


def _counted(jobs: Sequence[Job]) -> Iterator[tuple[Job, int]]:
    """(job, number of equal jobs before it) for each job."""
    seen: Counter[str] = Counter()
    for job in jobs:
        key = json.dumps(job)
        yield job, seen[key]
        seen[key] += 1


def _name(made_by: str, function: Callable[..., Any], job: Job, before: int) -> str:
    """The name of a run in the file: code, function, arguments; equal runs are numbered."""
    return json.dumps(
        [made_by, function.__qualname__, *job, *([f"again {before}"] if before else [])]
    )


@cache
def package_hash() -> str:
    """A hash of the code of the package and of the lessons, when a process first asks for it."""
    package = Path(tinygrad_edu.__file__).parent
    folders = {"tinygrad_edu/": package, "tinygrad_edu/demos/": package.parent / "demos"}
    files = {
        f"{at}{f.relative_to(d).as_posix()}": f
        for at, d in folders.items()
        for f in d.rglob("*.py")
    }
    found = sha256()
    for name in sorted(files):  # by its place in the package, which may lie anywhere
        found.update(name.encode())
        found.update(files[name].read_bytes())
    return found.hexdigest()[:16]


@cache
def code_hash(function: Callable[..., Any]) -> str:
    """A hash of all code that the function may run: the package, the lessons, and its own file."""
    own = Path(function.__code__.co_filename).read_bytes()
    return sha256(package_hash().encode() + own).hexdigest()[:16]


def _write(file: TextIO, name: str, result: Any) -> None:
    file.write(f"\n{json.dumps([name, result])}")  # a new line: the last one may be cut off
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
