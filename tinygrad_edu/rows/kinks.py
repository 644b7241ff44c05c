"""Where operations have kinks: what is true of their operands there."""

from __future__ import annotations

from tinygrad_edu.rows import ieee

__all__ = ["both_0", "first_0", "tie", "whole", "zero"]


def zero(a: float) -> bool:
    """Where a kink is: at 0."""
    return a == 0


def whole(a: float) -> bool:
    """Where a kink is: at each whole number."""
    return a == ieee.floor(a)


def tie(a: float, b: float) -> bool:
    """Where a kink is: where both operands are equal."""
    return a == b


def both_0(a: float, b: float) -> bool:
    """Where a kink is: where both operands are 0."""
    return a == 0 == b


def first_0(a: float, b: float) -> bool:
    """Where a kink is: where the first operand is 0."""
    return a == 0
