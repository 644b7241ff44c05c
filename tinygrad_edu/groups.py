"""Names for parts of a calculation, which pictures draw as one box: `with group("layer1"):`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["current_group", "group"]

_path: ContextVar[str] = ContextVar("group", default="")

current_group = _path.get  # the path of the open group, '' outside of all groups


@contextmanager
def group(name: str) -> Iterator[str]:
    """Puts every Value made inside the block into a group; `as` gives the path of the group.

    Blocks nest: "neuron3" inside "layer1" is `layer1/neuron3`; group("layer1/neuron3") is the
    same. A second block with the same name continues the group. ValueError for an empty part.
    """
    if not isinstance(name, str) or not all(
        part.strip() and part.isprintable() for part in name.split("/")
    ):
        raise ValueError(f"the name of a group is printable text, parts joined by /, not {name!r}")
    outer = _path.get()
    token = _path.set(f"{outer}/{name}" if outer else name)
    try:
        yield _path.get()
    finally:
        _path.reset(token)
