"""The names that a script has for its Values, as labels of those that have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from tinygrad_edu.engine import Value

__all__ = ["is_array", "label"]

_PLAIN = {bool, float, int, str}
_MOST = 1_000_000  # things that are looked at: what else there is, is data
_DEEPEST = 6  # lists in lists


def label(nodes: Iterable[Value], namespace: Mapping[str, Any]) -> None:
    """Gives each of the nodes that has no label the first name that the script has for it.

    An item of a list or a dict is `w[0]`, an attribute of an object of the script's own `n.w`. A
    name that another node has as its label is not given.
    """
    nodes = list(nodes)
    wanted = {id(node): node for node in nodes if not node.label}
    taken = {str(node.label) for node in nodes}
    for name, x in _named(namespace):
        if not wanted:
            break
        node = wanted.get(id(x))
        if node is not None and name not in taken:
            node.label = name
            taken.add(name)
            del wanted[id(x)]


def _named(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every Value that the script can reach by a name, in the order of its variables."""
    seen: set[int] = set()
    looked = 0
    waiting = [(name, x, 0) for name, x in namespace.items() if not name.startswith("__")]
    waiting.reverse()
    while waiting:
        name, x, depth = waiting.pop()
        if issubclass(type(x), Value):
            yield name, x
        elif depth < _DEEPEST and looked < _MOST and id(x) not in seen:
            seen.add(id(x))
            form, items = _parts(x)
            parts = list(islice(items, _MOST))
            looked += len(parts)
            inside = [(key, part) for key, part in parts if type(part) not in _PLAIN]
            waiting += ((name + form.format(k), part, depth + 1) for k, part in reversed(inside))


def is_array(x: Any) -> bool:
    """Whether it is an array of NumPy that holds objects, which is not imported to ask."""
    kind = type(x)
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray" and x.dtype == object


def _parts(x: Any) -> tuple[str, Iterable[tuple[Any, Any]]]:
    """What is in a list, a tuple, a dict, an array of objects or an object of the script's own.

    And how a part is written after the name of the whole.
    """
    kind = type(x)
    if issubclass(kind, list | tuple):
        return "[{!r}]", enumerate(x)
    if issubclass(kind, dict):
        return "[{!r}]", list(x.items())
    if is_array(x) and x.ndim:
        return "[{!r}]", enumerate(x.tolist())
    if kind.__module__ == "__main__":
        with suppress(AttributeError):  # of an object without attributes of its own
            return ".{}", list(object.__getattribute__(x, "__dict__").items())
    return "", ()
