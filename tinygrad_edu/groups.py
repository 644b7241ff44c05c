"""Names for parts of a calculation, which pictures draw as one box: `with group("layer1"):`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["current_group", "group"]

_path: ContextVar[str] = ContextVar("group", default="")

current_group = _path.get  # the path of the group that is open here, '' outside of all


@contextmanager
def group(name: str) -> Iterator[str]:
    """The path of a group, to which every Value made inside the block belongs.

    Blocks nest: "neuron3" inside "layer1" is `layer1/neuron3`, which may also be written at once.
    Entering a name again goes on with the same group. ValueError for an empty part of a name.
    """
    if not isinstance(name, str) or not all(
        part.strip() and part.isprintable() for part in name.split("/")
    ):
        raise ValueError(f"a group is named by printable text, parts joined by /, not {name!r}")
    outer = _path.get()
    token = _path.set(f"{outer}/{name}" if outer else name)
    try:
        yield _path.get()
    finally:
        _path.reset(token)
