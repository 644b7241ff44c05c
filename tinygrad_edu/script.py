"""FILE.py:NAME: run a person's script, as Python would, and hand over one of its Values."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import ScriptError

__all__ = ["load", "own_stdout"]


def load(path: str, name: str) -> Value:
    """The Value that the script at `path` calls `name` when it has run.

    ScriptError if there is no such file, if the script fails or ends itself, or if `name` is
    not a Value. See `own_stdout` for what the script prints.
    """
    if not os.path.isfile(path):
        raise ScriptError(f"there is no file {path[:100]!r}: write FILE.py:NAME")
    namespace = _run(path)
    values = [key for key, x in namespace.items() if issubclass(type(x), Value)]
    others = f"; its Values are {', '.join(values[:20])}" if values else "; it has no Value"
    if name not in namespace:
        raise ScriptError(f"{path[-60:]} defines no {name[:60]!r}{others}")
    value: Any = namespace[name]
    if not issubclass(type(value), Value):  # isinstance would ask the stranger itself
        kind = type(value).__name__
        raise ScriptError(f"{name[:60]} in {path[-60:]} is of type {kind}, no Value{others}")
    return cast(Value, value)


def _run(path: str) -> dict[str, object]:
    try:
        with _guest(path):
            return runpy.run_path(path, run_name="__main__")
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        code = _said(error) or "0"
        raise ScriptError(
            f"{path[-60:]} ended itself (exit {code}): let it run to its end"
        ) from None
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == path]
        if isinstance(error, SyntaxError) and error.filename == path:
            lines.append(error.lineno)
        where = f", line {lines[-1]}" if lines else ""
        raise ScriptError(f"{path[-60:]}{where}: {type(error).__name__}: {_said(error)}") from error


def _said(error: BaseException) -> str:
    try:
        return str(error)[:300]
    except Exception:  # a stranger's __str__
        return "(it does not say why)"


@contextmanager
def _guest(path: str) -> Iterator[None]:
    """Lets a script treat the interpreter as its own, and puts it in order again."""
    argv, folders, out, err = sys.argv, list(sys.path), sys.stdout, sys.stderr
    depth, here = sys.getrecursionlimit(), os.getcwd()
    sys.argv = [path]
    if not _is_real(sys.stdout):
        sys.stdout = sys.stderr
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
        sys.argv, sys.path, sys.stdout, sys.stderr = argv, folders, out, err
        os.chdir(here)


def own_stdout() -> TextIO:
    """A stream to standard output for the caller alone: what others print goes to stderr now.

    Others are a script, its threads and processes, and what it leaves to be done at exit.
    """
    if not _is_real(sys.stdout):
        return sys.stdout
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    os.dup2(2, 1)
    return own


def _is_real(stdout: TextIO) -> bool:
    """Whether it is the process's own standard output, and not a stand-in for it."""
    try:
        return stdout.fileno() == 1
    except (AttributeError, OSError, ValueError):
        return False
