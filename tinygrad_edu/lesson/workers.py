"""Who makes the runs of a lesson: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.errors import MissingError

__all__ = ["ClusterError", "at_cluster", "here", "processes"]

PATIENCE = 10  # seconds until a scheduler must have answered


class ClusterError(ConnectionError):
    """A cluster does not answer, or has lost a run again and again."""


def processes() -> int:
    """The number of runs at the same time: one for each processor that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def here(most: int) -> Iterator[Executor]:
    """This returns an executor with processes of this machine: one a processor, at most `most`.

    They ignore Ctrl-C, which this process handles. They end with it, at once, however it ends.
    """
    pool = ProcessPoolExecutor(min(processes(), most), initializer=_bound)
    try:
        yield pool
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _bound() -> None:
    """Binds the life of this process to that of its parent, which handles Ctrl-C for both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def at_cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """This returns (executor, number of workers) of the Dask scheduler at `tcp://HOST:PORT`.

    A worker that ends is replaced by the others, which make its runs again. MissingError without
    the extra `cluster`, ClusterError if no scheduler answers.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingError(
            'runs on a cluster need Dask: pip install "tinygrad-edu[cluster]"'
        ) from error
    dask: Any = distributed  # some of it has no types
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.CRITICAL)  # the errors here say it in one line
    try:
        client = dask.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no scheduler answers at {address}: start one with `dask scheduler`, which prints its "
            "address"
        ) from error
    try:
        n = len(client.scheduler_info(n_workers=-1)["workers"])
        if not n:
            print(
                "\nNo worker has joined yet, and the runs wait for one: start it with "
                f"`dask worker {address}`."
            )
        # Equal calls are not one call: they may draw random numbers.
        executor = client.get_executor(pure=False)
        try:
            yield executor, n
        except dask.KilledWorker as error:
            raise ClusterError(f"a run has ended every worker that made it: {error}") from error
        except (CancelledError, dask.comm.CommClosedError) as error:
            raise ClusterError(
                f"the scheduler at {address} has ended; finished runs are saved, and the same "
                "command continues there"
            ) from error
        finally:
            executor.shutdown(wait=False)
    finally:
        client.close()
