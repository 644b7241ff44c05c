"""Writing files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

__all__ = ["write_whole"]

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends
_TMPFILE = getattr(os, "O_TMPFILE", 0)  # Linux: a file without a name


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` to a new file beside `path`, then renames it: nobody ever reads half a file.

    Links are followed. An existing file keeps its permissions. OSError as from `open`.
    """
    if os.fspath(path).endswith(("/", os.sep)):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    mode = None
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.W_OK):
            with open(path, "wb") as file:  # a device, a pipe; OSError for a folder or no rights
                file.write(data)
            return
        mode = stat.S_IMODE(status.st_mode)
    target = os.path.realpath(path)
    if mode is None:  # realpath accepts a missing folder in `nodir/..`; the system does not
        os.stat(os.path.dirname(os.fspath(path)) or os.curdir)
        if os.path.lexists(target):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
    folder = os.path.dirname(target)
    neighbour = os.path.join(folder, f".tinygrad-edu-{os.urandom(8).hex()}")
    try:
        handle, named = _new(folder, neighbour)
    except OSError as error:
        error.filename = os.fspath(path)  # the name that the caller knows
        raise
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)  # else the name could be on the disk before the data
            if mode is not None:
                os.chmod(handle if os.chmod in os.supports_fd else neighbour, mode)
            if not named:
                os.link(f"/proc/self/fd/{handle}", neighbour, src_dir_fd=handle)
        os.replace(neighbour, target)
    except BaseException:
        with contextlib.suppress(
            FileNotFoundError
        ):  # it may just have been renamed, or has no name
            os.unlink(neighbour)
        raise


def _new(folder: str, neighbour: str) -> tuple[int, bool]:
    """Returns a new file in the folder, and whether it has the name of the neighbour already.

    Where the system can, it has no name until it is whole: nothing is left if this process is
    killed.
    """
    if _TMPFILE and os.path.isdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # not every file system can; the real reason comes below
            return os.open(folder or os.curdir, _TMPFILE | os.O_WRONLY, 0o666), False
    return os.open(neighbour, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666), True
