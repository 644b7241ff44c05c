"""FILE.py:NAME: runs a user's script, as Python would, and returns one of its Values."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import ScriptError
from tinygrad_edu.reading.naming import is_array, label

__all__ = ["load", "named", "own_stdout"]

_WORD = re.compile(r"[^\W\d]\w*")
_PARTS_ONE = re.compile(r"""\.([^\W\d]\w*)|\[(-?\d{1,9})\]|\[('[^']*'|"[^"]*")\]""")
_PARTS = re.compile(f"(?:{_PARTS_ONE.pattern})*")


def load(path: str, name: str) -> tuple[list[Value], dict[str, object]]:
    """Runs the script at `path`; returns the Values that it calls `name`, and all its variables.

    name: a variable, or a part of one, such as `losses[0]` or `model.loss`; it is a Value, or a
    list, tuple, dict or array of Values. A Value without a label gets its name in the script as a
    label. ScriptError if the file does not exist, if the script fails or exits, or if `name` is not
    a Value. `own_stdout` decides where the script prints.
    """
    if not os.path.isfile(path):
        raise ScriptError(f"there is no file {path[:100]!r}: write FILE.py:NAME")
    namespace = _run(path)
    own = [key for key, x in namespace.items() if issubclass(type(x), Value)]
    others = f"; its Values are {', '.join(own[:20])}" if own else "; the script has no Value"
    thing = _part(namespace, path, name, others)
    values = list(_values(thing))
    if not values or not all(issubclass(type(x), Value) for x in values):
        kind = type(thing).__name__
        raise ScriptError(f"{name[:60]} in {path[-60:]} has the type {kind}, not Value{others}")
    label(topological_order(*values), namespace)
    return values, namespace


def _part(namespace: dict[str, Any], path: str, name: str, others: str) -> Any:
    """Returns the object with that name in the script."""
    first = _WORD.match(name)
    if first is None or not _PARTS.fullmatch(name, first.end()):
        problem = f"{name[:60]!r} is not a name" if name else "there is no name after the colon"
        raise ScriptError(f"{problem}: write FILE.py:NAME, such as net.py:loss{others}")
    if first[0] not in namespace:
        raise ScriptError(f"{path[-60:]} defines no {first[0][:60]!r}{others}")
    thing = namespace[first[0]]
    for attribute, i, key in _PARTS_ONE.findall(name, first.end()):
        try:
            thing = getattr(thing, attribute) if attribute else thing[int(i) if i else key[1:-1]]
        except Exception as error:  # a user's property may raise anything
            problem = f"{type(error).__name__}: {_said(error)}"
            raise ScriptError(f"{name[:60]} in {path[-60:]}: {problem}{others}") from error
    return thing


def named(variables: Mapping[str, object], name: str) -> object:
    """Returns the object with a name such as `w` or `layer.w[0]` in the script, else None."""
    try:
        return _part(dict(variables), "", name, "")
    except ScriptError:
        return None


def _values(thing: Any) -> Iterator[Any]:
    """Yields the items of a list, tuple, dict or array, at any depth, or the object itself."""
    waiting, most = [thing], 1000
    while waiting:
        x = waiting.pop()
        if issubclass(type(x), list | tuple | dict) and most:
            most -= 1
            waiting += reversed(list(x.values() if issubclass(type(x), dict) else x))
        elif is_array(x) and most:
            most -= 1
            waiting += reversed(x.ravel().tolist())
        else:
            yield x


def _run(path: str) -> dict[str, object]:
    import runpy  # late: an expression needs none; and before the script may hide it

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
        lines: list[int | None] = []
        at = error.__traceback__
        while at is not None:
            lines += [at.tb_lineno] if at.tb_frame.f_code.co_filename == path else []
            at = at.tb_next
        words: object = error
        if isinstance(error, SyntaxError) and error.filename == path:
            lines.append(error.lineno)
            words = error.msg  # without the file and the line, which `where` names
        where = f", line {lines[-1]}" if lines else ""
        raise ScriptError(f"{path[-60:]}{where}: {type(error).__name__}: {_said(words)}") from error


def _said(error: object) -> str:
    try:
        return str(error)[:300]
    except BaseException:  # a user's __str__ may raise anything, even SystemExit
        return "(without a message)"


@contextmanager
def _guest(path: str) -> Iterator[None]:
    """Lets a script change the state of the interpreter, and restores it afterwards."""
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
    """Returns a stream to standard output for the caller alone; all other output goes to stderr.

    The other output is that of a script, its threads and processes, and its functions for exit.
    """
    if not _is_real(sys.stdout):
        return sys.stdout
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    os.dup2(2, 1)
    return own


def _is_real(stdout: TextIO) -> bool:
    """Whether it is the standard output of the process, not a replacement."""
    try:
        return stdout.fileno() == 1
    except (AttributeError, OSError, ValueError):
        return False
