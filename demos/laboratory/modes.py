"""Forward mode and reverse mode, each in one function that also counts its work."""

from __future__ import annotations

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.ops import CONSTANT

__all__ = ["forward_mode", "reverse_mode"]


def forward_mode(y: Value, x: Value) -> tuple[float, int]:
    """(d y / d x, number of edges passed), from x to y.

    A tangent is d node / d x. Each edge whose operand has a tangent adds tangent * (local
    derivative) to the tangent of the node. An operand that does not depend on x has none, and its
    edges are not passed.
    """
    tangents, passed = {x: 1.0}, 0
    for node in topological_order(y):
        numbers = [arg.data for arg in node.args]
        for arg, rule in zip(node.args, node.op.derivatives if node.args else ()):
            if arg in tangents:
                passed += 1
                share = tangents[arg] * rule(node.data, *numbers)
                tangents[node] = tangents.get(node, 0.0) + share
    return tangents[y], passed


def reverse_mode(y: Value) -> tuple[dict[Value, float], int]:
    """(d y / d node for every node, number of edges passed), from y back.

    Each edge adds adjoint * (local derivative) to the adjoint of the operand.
    """
    adjoints, passed = {y: 1.0}, 0
    for node in reversed(topological_order(y)):
        numbers = [arg.data for arg in node.args]
        for arg, rule in zip(node.args, node.op.derivatives if node.args else ()):
            if arg.op is not CONSTANT:
                passed += 1
                share = adjoints[node] * rule(node.data, *numbers)
                adjoints[arg] = adjoints.get(arg, 0.0) + share
    return adjoints, passed
