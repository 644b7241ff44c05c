"""A process that cannot outlive, outgrow or outtalk this one.

On Linux the system ends it together with this process, however that ends. Everywhere but on Windows
it has limits of its own on time, memory and files, and it may say only so much.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

__all__ = ["MOST_SAID", "Done", "run"]

MOST_SAID = 64 * 2**20  # bytes; a picture of the largest graph that is drawn has a tenth of it
_MEMORY = 4 * 2**30  # bytes, of addresses
_AT_ONCE = 2**16  # bytes
_NOT_STARTED = "cannot start: "
# It becomes the program. A limit that the system does not know, or that is lower, stays as it is.
_LIMITS = f"""\
import os, sys
parent, seconds, memory, *command = sys.argv[1:]
try:
    import resource
except ImportError:
    resource = None
for name, most in ("CPU", seconds), ("AS", memory), ("FSIZE", memory), ("CORE", 0):
    try:
        kind = getattr(resource, "RLIMIT_" + name)
        hard = resource.getrlimit(kind)[1]
        most = int(most) if hard < 0 else min(int(most), hard)
        resource.setrlimit(kind, (most, most))
    except (AttributeError, OSError, ValueError):
        pass
if sys.platform == "linux":
    try:
        import ctypes
        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    except Exception:
        pass
    if os.getppid() != int(parent):
        sys.exit(1)
try:
    os.execv(command[0], command)
except OSError as error:
    sys.exit("{_NOT_STARTED}" + str(error.strerror))
"""


Done = subprocess.CompletedProcess[bytes]


def run(command: list[str], data: bytes, seconds: float, doubt: Callable[[], None]) -> Done:
    """This returns the result of the command, whose input is `data`.

    After an error or `seconds`, it and the processes that it started are killed. doubt: called once
    if there is no result after a second, or a quarter of the time. TimeoutExpired after `seconds`;
    OSError if the command does not start, or says more than MOST_SAID bytes.
    """
    deadline = time.monotonic() + seconds
    process = subprocess.Popen(
        _limited(command, seconds),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a process group that can be killed; Windows has none
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    try:
        talk = _talk_by_threads if sys.platform == "win32" else _talk
        out, err = talk(process, data, deadline, doubt)
    except BaseException:  # Ctrl-C, too: the other session does not receive it
        _kill(process)
        raise
    words = err.decode("utf-8", "replace")
    if words.startswith(_NOT_STARTED):
        raise OSError(0, words.removeprefix(_NOT_STARTED).strip())
    return Done(command, process.returncode, out, err)


def _limited(command: list[str], seconds: float) -> list[str]:
    if sys.platform == "win32" or not sys.executable or getattr(sys, "frozen", False):
        return command  # there is no `python -c`, or no limits
    limits = (os.getpid(), math.ceil(seconds) + 1, _MEMORY)
    return [sys.executable, "-I", "-S", "-c", _LIMITS, *map(str, limits), *command]


def _talk(
    process: subprocess.Popen[bytes], data: bytes, deadline: float, doubt: Callable[[], None]
) -> tuple[bytes, bytes]:
    """Writes the input and reads both outputs, without a thread: some interpreters allow none."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    said: dict[object, bytearray] = {process.stdout: bytearray(), process.stderr: bytearray()}
    left, patient = memoryview(data), _patient(deadline)
    with selectors.DefaultSelector() as selector:
        for stream in said:
            selector.register(stream, selectors.EVENT_READ)  # type: ignore[arg-type]
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            ready = selector.select((patient or deadline) - time.monotonic())
            now = time.monotonic()
            if now >= deadline:
                raise subprocess.TimeoutExpired(process.args, 0)
            if patient and now >= patient:
                patient = 0.0
                doubt()
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    try:
                        left = left[os.write(key.fd, left[:_AT_ONCE]) :]
                    except BrokenPipeError:  # it may stop reading before the end
                        left = left[:0]
                    if not left:
                        selector.unregister(process.stdin)
                        with contextlib.suppress(OSError):
                            process.stdin.close()
                    continue
                got = os.read(key.fd, _AT_ONCE)
                said[key.fileobj] += got
                if not got:
                    selector.unregister(key.fileobj)
                if sum(map(len, said.values())) > MOST_SAID:
                    raise OSError(0, f"it says more than {MOST_SAID // 2**20} MB")
    process.wait(max(deadline - time.monotonic(), 0))
    process.stdout.close()
    process.stderr.close()
    out, err = map(bytes, said.values())
    return out, err


def _talk_by_threads(
    process: subprocess.Popen[bytes], data: bytes, deadline: float, doubt: Callable[[], None]
) -> tuple[bytes, bytes]:
    """The same where pipes cannot be waited for: a thread writes, and the library's own read."""
    assert process.stdin
    threading.Thread(target=_feed, args=(process.stdin, data), daemon=True).start()
    process.stdin = None
    try:
        return process.communicate(timeout=_patient(deadline) - time.monotonic())
    except subprocess.TimeoutExpired:
        doubt()
    return process.communicate(timeout=deadline - time.monotonic())


def _patient(deadline: float) -> float:
    """When it is time to doubt."""
    now = time.monotonic()
    return now + min(1.0, (deadline - now) / 4)


def _feed(stdin: BinaryIO, data: bytes) -> None:
    with contextlib.suppress(OSError), stdin:
        stdin.write(data)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        # Do not read to the end: a process outside the group may keep the streams open for ever.
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
    process.wait()
