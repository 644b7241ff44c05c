"""Finds the operation that made the first nan or infinity of a graph."""

from __future__ import annotations

from math import isfinite

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import NonFiniteError
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.rows.formula import Formula, format_number
from tinygrad_edu.rows.ieee import total

__all__ = ["check_finite", "first_nonfinite", "nonfinite_message"]


def first_nonfinite(y: Value) -> Value | None:
    """This returns the node that made the first nan or infinity in the graph of `y`, else None.

    First means the order of evaluation, from left to right. If all numbers are finite, it means the
    backward pass: the node whose contribution made the grad of an operand nan or infinite.
    """
    order = topological_order(y)
    for node in order:
        if not isfinite(node.data):
            return node
    for node in reversed(order):
        for x, local in zip(node.args, _local_derivatives(node), strict=True):
            if x.op is not CONSTANT and not isfinite(x.grad) and not isfinite(node.grad * local):
                return node
    return next((node for node in reversed(order) if not isfinite(node.grad)), None)


def _local_derivatives(node: Value) -> list[float]:
    numbers = [node.a_data, node.b_data][: len(node.args)]
    return [total(rule, node.data, *numbers) for rule in node.op.derivatives] if node.op else []


def check_finite(y: Value) -> Value:
    """This returns `y`, or raises NonFiniteError: a strict mode, to call after `backward()`.

    The error names the first operation that made a nan or an infinity (see `first_nonfinite`).
    """
    node = first_nonfinite(y)
    if node is not None:
        raise NonFiniteError(nonfinite_message(node))
    return y


def nonfinite_message(node: Value) -> str:
    """Returns a sentence about a node from `first_nonfinite`: `log(-1) is nan`."""
    if not node.op and isfinite(node.data):
        return f"the gradients of {node.label or 'a leaf'} add up to {format_number(node.grad)}"
    if not node.op:
        return f"{node.label or 'a number'} was given as {format_number(node.data)}"
    written = str(node.op(*map(Formula, (node.a_data, node.b_data)[: len(node.args)])))
    name = f"{node.label} = " if node.label else ""
    if not isfinite(node.data):
        return f"{name}{written} is {format_number(node.data)}"
    operand = "its operand" if len(node.args) == 1 else "an operand"
    return f"the derivative of {name}{written} by {operand} is not finite"
