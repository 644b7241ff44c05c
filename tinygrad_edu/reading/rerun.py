"""Computes a graph again from other numbers: it makes new nodes and leaves the old ones alone."""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.engine import Value, as_value, topological_order
from tinygrad_edu.errors import ViewError
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.rows.ieee import same
from tinygrad_edu.rows.op import nothing

__all__ = ["rerun", "used"]


def rerun(*roots: Value, numbers: Mapping[Value, float | Value]) -> dict[Value, Value]:
    """Returns the new node for each node of the graph.

    numbers: new numbers of leaves; the other leaves keep the numbers from which the graph was
    computed. A branch of Python that was taken for the old numbers stays. ViewError for a node
    without a function to compute it again, because a user made it by hand.
    """
    made: dict[Value, Value] = {}
    before = used(*roots)
    for node in topological_order(*roots):
        if node.args and node.op.value is nothing:
            raise ViewError(
                f"{node.label or 'a node'} ({node.op.name}) has a _backward of its own, and no "
                "function to compute it again from other numbers: in Python, gradcheck checks it"
            )
        given = numbers.get(node)
        if isinstance(given, Value):
            made[node] = given
            continue
        if node.args:
            new = node.op(*(made[x] for x in node.args))
        elif node.op is CONSTANT:
            new = as_value(node._data)
        else:
            new = Value(before.get(node, node._data) if given is None else given)
        new.label, new.group = node.label, node.group
        made[node] = new
    return made


def used(*roots: Value) -> dict[Value, float]:
    """Returns the old number of each node that was set after the graph was computed from it."""
    found: dict[Value, float] = {}
    for node in topological_order(*roots):
        for x, then in zip(node.args, (node.a_data, node.b_data)):
            if not same(x._data, then):
                found[x] = then
    return found
