"""Labels the Values of a script with the names of its variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from tinygrad_edu.engine import Value

__all__ = ["is_array", "label"]

_PLAIN = {bool, float, int, str}
_MOST = 1_000_000  # most objects examined; a larger collection is data
_DEEPEST = 6  # depth of lists in lists


def label(nodes: Iterable[Value], namespace: Mapping[str, Any]) -> None:
    """Gives each node without a label its first name in the script.

    An item of a list or a dict has the name `w[0]`, an attribute of the script's own objects `n.w`.
    A name that is already the label of another node is not used again.
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
    """Yields every Value that the script can reach by a name, in the order of its variables."""
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
    """Whether `x` is a NumPy array of objects; it does not import NumPy."""
    kind = type(x)
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray" and x.dtype == object


def _parts(x: Any) -> tuple[str, Iterable[tuple[Any, Any]]]:
    """Returns the parts of a list, tuple, dict, array of objects or object of the script's own.

    The first result is the format of a part's name after the name of the whole.
    """
    kind = type(x)
    if issubclass(kind, list | tuple):
        return "[{!r}]", enumerate(x)
    if issubclass(kind, dict):
        return "[{!r}]", list(x.items())
    if is_array(x) and x.ndim:
        return "[{!r}]", enumerate(x.tolist())
    if kind.__module__ == "__main__":
        with suppress(AttributeError):  # an object without a __dict__
            return ".{}", list(object.__getattribute__(x, "__dict__").items())
    return "", ()
