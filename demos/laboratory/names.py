"""Names for the operations of a small graph, which the text and the pictures of a lesson share."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.engine import Value, topological_order

__all__ = ["named"]


def named(output: Value, names: Sequence[str]) -> Value:
    """The same graph; its operations have these names, operands first, from left to right."""
    made = (node for node in topological_order(output) if node.a is not None)
    for node, name in zip(made, names):
        node.label = name
    return output
