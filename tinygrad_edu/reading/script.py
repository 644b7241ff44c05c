"""FILE.py:NAME: run a person's script, as Python would, and hand over one of its Values."""

from __future__ import annotations

import os
import re
import runpy
import sys
import traceback
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
    """The Value that the script at `path` calls `name` when it has run, and all its variables.

    There are several Values where `name` is a list, a tuple, a dict or an array of them.

    name: a variable, or what is in it, such as `losses[0]` or `model.loss`. A Value without a label
    gets the script's name for it as one. ScriptError if there is no such file, if the script fails
    or ends itself, or if `name` is no Value. See `own_stdout` for what the script prints.
    """
    if not os.path.isfile(path):
        raise ScriptError(f"there is no file {path[:100]!r}: write FILE.py:NAME")
    namespace = _run(path)
    own = [key for key, x in namespace.items() if issubclass(type(x), Value)]
    others = f"; its Values are {', '.join(own[:20])}" if own else "; it has no Value"
    thing = _part(namespace, path, name, others)
    values = list(_values(thing))
    if not values or not all(issubclass(type(x), Value) for x in values):
        kind = type(thing).__name__
        raise ScriptError(f"{name[:60]} in {path[-60:]} is of type {kind}, no Value{others}")
    label(topological_order(*values), namespace)
    return values, namespace


def _part(namespace: dict[str, Any], path: str, name: str, others: str) -> Any:
    """What `name` stands for."""
    first = _WORD.match(name)
    if first is None or not _PARTS.fullmatch(name, first.end()):
        told = f"{name[:60]!r} is no name" if name else "there is no name after the colon"
        raise ScriptError(f"{told}: write FILE.py:NAME, such as net.py:loss{others}")
    if first[0] not in namespace:
        raise ScriptError(f"{path[-60:]} defines no {first[0][:60]!r}{others}")
    thing = namespace[first[0]]
    for attribute, i, key in _PARTS_ONE.findall(name, first.end()):
        try:
            thing = getattr(thing, attribute) if attribute else thing[int(i) if i else key[1:-1]]
        except Exception as error:  # a stranger's
            told = f"{type(error).__name__}: {_said(error)}"
            raise ScriptError(f"{name[:60]} in {path[-60:]}: {told}{others}") from error
    return thing


def named(variables: Mapping[str, object], name: str) -> object:
    """What a name such as `w` or `layer.w[0]` stands for in the script, None if for nothing."""
    try:
        return _part(dict(variables), "", name, "")
    except ScriptError:
        return None


def _values(thing: Any) -> Iterator[Any]:
    """What is in a list, a tuple, a dict or an array, and in lists in it, or the thing itself."""
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
    except BaseException:  # of a stranger's __str__, which may end itself
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
