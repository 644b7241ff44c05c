"""Many chunks of examples, cut into parts that several threads work through.

A call of the machine releases Python's lock, and chunks of examples do not need each other. So the
threads of a process can share the chunks of a large batch. How they are cut depends on the graph
and the number of examples, but not on the number of cores: each part has its own sums, and these
are added in the order of the parts. The numbers are the same, bit for bit, however many threads
there are.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

__all__ = ["begins_of_parts", "cores", "is_large", "on_threads"]

PARTS = 16  # of a large batch, so that up to 16 cores can share it
MUCH = 2**22  # vectors that instructions read, from where on a batch is large: about 1 ms


def begins_of_parts(chunks: int, work: int) -> list[int]:
    """Returns the first chunk of each part, and the number of chunks.

    There is one part if all is done soon. work: of all chunks, in vectors.
    """
    parts = min(PARTS, chunks) if is_large(chunks, work) else 1
    return [k * chunks // parts for k in range(parts + 1)]


def is_large(chunks: int, work: int) -> bool:
    """Returns whether so many chunks with so much work have several parts."""
    return chunks > 1 and work >= MUCH


def cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_threads(work: Callable[[int, int, int], None], parts: int) -> None:
    """Calls work(worker, first, last) until all parts are done: `first` to `last` - 1 in a call.

    worker: 0 for the calling thread, 1, 2, ... for others. A free worker takes the next parts, so a
    busy core delays nobody for long: half of its share of the rest, at the end single parts. When
    this returns, or raises what a call raised, such as a KeyboardInterrupt, all calls have ended.
    """
    workers = min(cores(), parts)
    left, others = deque(_spans(parts, workers)), list[Future[None]]()

    def go(worker: int) -> None:
        while left:
            try:
                span = left.popleft()
            except IndexError:  # another worker was faster
                return
            work(worker, *span)

    try:
        try:
            for worker in range(1, workers):
                others.append(_pool().submit(go, worker))
        except RuntimeError:  # no more threads, or Python is ending: those there do all the work
            pass
        go(0)
    finally:
        left.clear()  # after an error nobody begins another call
        begun = [other for other in others if not other.cancel()]
        wait(begun)
    for other in begun:
        other.result()


def _spans(parts: int, workers: int) -> list[tuple[int, int]]:
    """Returns which parts are done in one call, in order; all of them if there is one worker."""
    if workers == 1:
        return [(0, parts)]
    found, begin = [], 0
    while begin < parts:
        end = begin + max((parts - begin) // (2 * workers), 1)
        found.append((begin, end))
        begin = end
    return found


_pools: dict[int, ThreadPoolExecutor] = {}  # by process: a forked process has no threads of another


def _pool() -> ThreadPoolExecutor:
    """Returns the threads of this process; it has none before their first work."""
    pid = os.getpid()
    if pid not in _pools:
        _pools.setdefault(pid, ThreadPoolExecutor(PARTS - 1, "tinygrad-edu"))
    return _pools[pid]
