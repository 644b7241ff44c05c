"""Finds the leaves in `wrt` and `inputs` of a compiled loss, by label too, and checks them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeGuard

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import InnerNodeError, NumberError, TapeError
from tinygrad_edu.ops import CONSTANT, LEAF

__all__ = ["as_list", "by_label", "check_leaves", "is_many"]


def is_many(x: object) -> TypeGuard[Iterable[object]]:
    """Returns whether `x` has several items. A text counts as one item."""
    return hasattr(x, "__iter__") and not isinstance(x, str | bytes)


def as_list(x: object) -> list[object]:
    """Returns a list of what was given: one item, several, or a model with its parameters."""
    parameters = getattr(x, "parameters", None)
    if callable(parameters):
        return list(parameters())
    if isinstance(x, Value | str) or not is_many(x):
        return [x]
    return list(x)


def by_label(option: str, given: Iterable[object], leaves: Iterable[object]) -> list[object]:
    """Returns `given` with each text in it replaced by the leaf that has this label.

    option: "wrt" or "inputs". TapeError unless exactly one of `leaves` has the label.
    """
    labelled: dict[str, list[Value]] = {}
    for leaf in leaves:
        if isinstance(leaf, Value):  # `check_leaves` refuses anything else
            labelled.setdefault(leaf.label, []).append(leaf)
    found: list[object] = []
    for x in given:
        if isinstance(x, str):
            named = labelled.get(x, [])
            if len(named) != 1:
                known = ", ".join(filter(None, labelled)) or "none"
                problem = f"{len(named)} leaves are" if named else "no leaf is"
                raise TapeError(
                    f"{option}: {problem} called {x!r:.60}; the labels are {known:.300}"
                )
            found.append(named[0])
        else:
            found.append(x)
    return found


def check_leaves(option: str, values: Sequence[object]) -> list[Value]:
    """Returns the leaves; raises an error if one of them is not a leaf, or is there twice."""
    leaves: list[Value] = []
    for x in values:
        if not isinstance(x, Value):
            raise NumberError(
                f"{option}: {x!r:.60} is not a leaf; give Values, their labels, or a model"
            )
        if x.op is CONSTANT:
            raise TapeError(
                f"{option} has a constant, {x.data!r}: make it a leaf, Value({x.data!r})"
            )
        if x.op is not LEAF:
            raise InnerNodeError(
                f"{option}: {x!r} was computed; give the leaves that it depends on"
            )
        leaves.append(x)
    if len(set(leaves)) < len(leaves):
        raise TapeError(f"{option} has one leaf twice: give each once")
    return leaves
