"""FILE.py:NAME: run a person's script, as Python would, and hand over one of its Values."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from contextlib import redirect_stdout

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import ScriptError


def load(path: str, name: str) -> Value:
    """The Value that the script at `path` calls `name` when it has run.

    What the script prints goes to stderr, so that it does not mix with a picture. ScriptError
    if there is no such file, if the script fails or exits, or if `name` is not a Value.
    """
    if not os.path.isfile(path):
        raise ScriptError(f"there is no file {path!r}: write FILE.py:NAME")
    namespace = _run(path)
    value = namespace.get(name)
    if isinstance(value, Value):
        return value
    values = [key for key, x in namespace.items() if isinstance(x, Value)]
    others = f"; its Values are {', '.join(values[:20])}" if values else "; it has no Value"
    if name in namespace:
        raise ScriptError(f"{name} in {path} is of type {type(value).__name__}, no Value{others}")
    raise ScriptError(f"{path} defines no {name!r}{others}")


def _run(path: str) -> dict[str, object]:
    argv, folders = sys.argv, list(sys.path)
    sys.argv = [path]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    try:
        with redirect_stdout(sys.stderr):
            return runpy.run_path(path, run_name="__main__")
    except SystemExit as error:
        raise ScriptError(
            f"{path} ended itself (exit {error.code}): let it run to its end"
        ) from None
    except Exception as error:
        lines = [x.lineno for x in traceback.extract_tb(error.__traceback__) if x.filename == path]
        line = getattr(error, "lineno", None) or (lines[-1] if lines else None)
        where = f", line {line}" if line else ""
        raise ScriptError(f"{path}{where}: {type(error).__name__}: {error}") from error
    finally:
        sys.argv, sys.path = argv, folders
