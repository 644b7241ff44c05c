"""Names for parts of a calculation, which pictures draw as one box: `with group("layer1"):`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

__all__ = ["Path", "current_group", "group"]


class Path(str):
    """The path of an open group, which also knows when each part of it was entered.

    entered: for each part the number of the `with` block that it comes from; later blocks have
    larger numbers. So a Value remembers the call of a group at no cost: its group is this path.
    """

    __slots__ = ("entered",)
    entered: tuple[int, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # in a file, it is a text like any other


_path: ContextVar[str] = ContextVar("group", default="")
_blocks = count()

current_group = _path.get  # the path of the open group, '' outside of all groups


@contextmanager
def group(name: str) -> Iterator[str]:
    """Puts every Value made inside the block into a group; `as` gives the path of the group.

    Blocks nest: "neuron3" inside "layer1" is `layer1/neuron3`; group("layer1/neuron3") is the
    same. A second block with the same name continues the group, unless it uses what the first has
    made: then it is a second call, and pictures draw a box for each. ValueError for an empty part.
    """
    if not isinstance(name, str) or not all(
        part.strip() and part.isprintable() for part in name.split("/")
    ):
        raise ValueError(f"the name of a group is printable text, parts joined by /, not {name!r}")
    outer = _path.get()
    path = Path(f"{outer}/{name}" if outer else name)
    path.entered = (*getattr(outer, "entered", ()), *[next(_blocks)] * (name.count("/") + 1))
    token = _path.set(path)
    try:
        yield path
    finally:
        _path.reset(token)
