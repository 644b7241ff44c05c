"""The chain rule: one pass from an output back to everything it was computed from.

Along every edge the adjoint of the operand gains (adjoint of the node) * (local derivative). This
module writes that once for everything that can be multiplied: Values, slots of a tape, IEEE
numbers, and the numbers of a graph that is explained edge by edge. Four more places write it again,
each for a reason: `unrolled` avoids a function call for each edge of plain floats, which halves the
time of `backward`; the adjoints of machine code are sums over lanes; `compat` keeps micrograd's own
forms; `orders` shows the effect of wrong orders.

Where the condition c of `mask(c, x)` is 0, x counts neither in the result nor in any derivative.
An adjoint that passes through a mask therefore carries a guard, c: the pair stands for
mask(c, adjoint). Local derivatives multiply the adjoint inside of the mask, so that 0 never meets
an infinity or a nan of the branch that was not taken.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from tinygrad_edu.ops import either, mask
from tinygrad_edu.rows.op import Op, one

__all__ = ["cut", "joined", "kept", "sweep"]

Node = TypeVar("Node", bound=Hashable)
T = TypeVar("T")
Adjoint = tuple[Any, Any]  # a factor, and its guard or None


def cut(op: Op | None, place: int, a: Any) -> bool:
    """Returns whether the operand gets no adjoint: a mask's condition, or what a 0 there hides."""
    return op is mask and (place == 0 or (isinstance(a, float) and a == 0))


def joined(first: Adjoint, second: Adjoint) -> Adjoint:
    """Returns the sum of two adjoints of one node. It has a guard only if both of them have one."""
    (x, guard), (y, other) = first, second
    if guard is None or other is None:
        both = x + y if guard is other else kept(first) + kept(second)
        return both, None
    if guard == other:
        return x + y, guard
    return kept(first) + kept(second), either(guard, other)


def kept(adjoint: Adjoint) -> Any:
    """Returns the adjoint as one number, Value or slot."""
    x, guard = adjoint
    return x if guard is None else mask(guard, x)


def sweep(
    nodes: Iterable[Node],
    seed: T,
    wanted: Callable[[Node], Any],
    look: Callable[[Node], tuple[Op, Sequence[Node], Sequence[Any]]],
    apply: Callable[..., Any] = lambda rule, *at: rule(*at),
    tell: Callable[[Node, int, Any, Any, Any], Any] | None = None,
) -> dict[Node, T]:
    """Returns d output / d node for each node on a path from the output to a wanted leaf.

    nodes: from the output, whose adjoint is `seed`, back to the leaves. wanted(node): whether the
    node needs an adjoint. look(node): its operation, its operands, and the arguments of its rules:
    y, a and, with two operands, b. apply(rule, *arguments): calls a rule. tell(node, i, local,
    contribution, before): called for each edge to operand i, for graphs of numbers; `before` is
    the sum of the earlier contributions to that operand, or None.
    """
    found: dict[Node, Adjoint] = {}
    for node in nodes:
        if not found:
            found[node] = seed, None
        if node not in found:
            continue
        op, operands, at = look(node)
        for place, x in enumerate(operands):
            if not wanted(x) or cut(op, place, at[1]):
                continue
            adjoint, guard = found[node]
            rule, local = op.derivatives[place], 1.0
            if op.value is mask.value and place and not isinstance(at[1], float):
                guard = at[1] if guard is None else mask(guard, at[1])
            if op is not mask and rule is not one:
                local = apply(rule, *at)
                adjoint = adjoint * local
            before = found.get(x)
            if tell is not None:
                tell(node, place, local, adjoint, None if before is None else before[0])
            found[x] = (adjoint, guard) if before is None else joined(before, (adjoint, guard))
    return {node: kept(adjoint) for node, adjoint in found.items()}
