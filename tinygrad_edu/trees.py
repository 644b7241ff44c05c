"""Nested lists, tuples, dicts and arrays of numbers: a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_edu.engine import Value

__all__ = ["has_value", "is_tree", "like", "numbers", "shape"]


def is_tree(x: object) -> bool:
    """Whether `x` is a collection, not a single number."""
    return isinstance(x, list | tuple | dict) or bool(getattr(x, "ndim", 0))


def numbers(x: Any) -> Iterator[Any]:
    """Yields the numbers in the tree, from left to right."""
    if not is_tree(x):
        yield x
    else:
        for part in x.values() if isinstance(x, dict) else x:
            yield from numbers(part)


def like(x: Any, given: Iterator[Any]) -> Any:
    """Returns the given numbers in the shape of the tree `x`."""
    if not is_tree(x):
        return next(given)
    if isinstance(x, dict):
        return {name: like(part, given) for name, part in x.items()}
    parts = [like(part, given) for part in x]
    if isinstance(x, tuple):
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    return parts if isinstance(x, list) else _array(parts)


def shape(x: Any) -> Any:
    """Returns `x` without its numbers: two trees of the same shape give equal results."""
    if isinstance(x, dict):
        return {name: shape(part) for name, part in x.items()}
    return [shape(part) for part in x] if is_tree(x) else None


def has_value(x: Any) -> bool:
    """Whether one of the numbers is a Value."""
    return any(isinstance(n, Value) for n in numbers(x))


def _array(parts: list[Any]) -> Any:
    import numpy as np  # late: a caller with an array has imported it already

    return np.array(parts, dtype=object if has_value(parts) else None)
