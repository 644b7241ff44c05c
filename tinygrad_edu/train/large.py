"""A warning before the eager engine builds a graph that is too large for most machines."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tinygrad_edu.compiler.warn import say_once
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.trees import numbers

__all__ = ["warn_if_large"]

MOST = 10_000_000  # nodes that are built without a warning
BYTES = 160  # of a node, about: see benchmarks/scale.py
BATCH = 32  # examples: the size that is proposed, if so many are few enough


def warn_if_large(outputs: Any, shared: Collection[Value], count: int, in_batches: bool) -> None:
    """Warns if a graph for `count` examples has more than MOST nodes.

    outputs: those of the first example: every other example is taken to have as many nodes. shared:
    the nodes that all examples share. in_batches: whether smaller batches are a remedy.
    """
    roots = [y for y in numbers(outputs) if isinstance(y, Value)]
    own = len(set(topological_order(*roots)).difference(shared))
    if own * count <= MOST:
        return
    size = max(1, min(BATCH, MOST // own))
    remedy = f", or batch_size={size}, which builds {_round(own * size)} at a time"
    say_once(
        f"the graph of {count:,} examples, which is built now, has about {_round(own * count)} "
        f"nodes, {own * count * BYTES / 1e9:.2g} GB of memory: use train(..., compiled=True), "
        f"which builds that of one example{remedy if in_batches and size < count else ''}"
    )


def _round(x: int) -> str:
    """Returns a number with its first three digits, the rest zeros."""
    return f"{int(float(f'{x:.3g}')):,}"
