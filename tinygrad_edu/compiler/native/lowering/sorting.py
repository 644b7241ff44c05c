"""Sorting of groups of nodes, so that each comes after all groups that it needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain

__all__ = ["operands_first"]


def operands_first(needed: Sequence[Collection[int]]) -> list[int]:
    """Returns the numbers 0, 1, ... sorted, those that need nothing first.

    needed: for each number, the different numbers that it needs. If numbers need each other in a
    circle, they are not in the result, nor are those that need them.
    """
    missing = [len(numbers) for numbers in needed]
    users: list[list[int]] = [[] for _ in needed]
    for i, numbers in enumerate(needed):
        for x in numbers:
            users[x].append(i)
    mentioned = dict.fromkeys(chain.from_iterable((i, *xs) for i, xs in enumerate(needed)))
    found = [i for i in mentioned if not missing[i]]
    for x in found:  # the list grows in the loop
        for i in users[x]:
            missing[i] -= 1
            if not missing[i]:
                found.append(i)
    return found
