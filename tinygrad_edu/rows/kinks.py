"""Conditions on operands: True where an operation has a kink."""

from __future__ import annotations

from tinygrad_edu.rows import ieee

__all__ = ["both_0", "first_0", "tie", "whole", "zero"]


def zero(a: float) -> bool:
    """A kink at 0."""
    return a == 0


def whole(a: float) -> bool:
    """A kink at each whole number."""
    return a == ieee.floor(a)


def tie(a: float, b: float) -> bool:
    """A kink where both operands are equal."""
    return a == b


def both_0(a: float, b: float) -> bool:
    """A kink where both operands are 0."""
    return a == 0 == b


def first_0(a: float, b: float) -> bool:
    """A kink where the first operand is 0."""
    return a == 0
