"""Warnings that point to the user's line, not to a line of this package."""

from __future__ import annotations

import sys
import warnings
from functools import cache

from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.habits.leaving import in_package

__all__ = ["outside", "say_once"]


def outside() -> int:
    """Returns the `stacklevel` with which the caller of this function warns the user.

    It is the number of the first frame outside of this package; the caller is frame 1.
    """
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and in_package(frame):
        depth, frame = depth + 1, frame.f_back
    return depth


@cache
def say_once(message: str) -> None:
    """Warns that something could be faster. Each message is shown once in a process."""
    warnings.warn(" ".join(message.split())[:400], SlowWarning, stacklevel=outside())
