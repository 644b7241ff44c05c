"""The chain rule: one pass from an output back to what it was computed from.

Along every edge the adjoint of the operand gains (adjoint of the node) * (local derivative). Here
this is written for everything that can be multiplied: Values, slots of a tape, IEEE numbers, and
the numbers of a graph that is explained edge by edge. It is written in four more places, each for a
reason: `engine` has it for plain floats without a call for each edge, which halves the time of
`backward`; the adjoints of machine code are sums over lanes; `compat` keeps micrograd's own forms;
`orders` shows what wrong orders do.

What `mask(c, x)` keeps out of the result it keeps out of every derivative. An adjoint that comes
through a mask therefore has a guard, c: it stands for mask(c, adjoint), and is multiplied on inside
of the mask, so that 0 never meets an infinity or a nan of the branch that was not taken.
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
    """Whether nothing passes to that operand: a condition, or what a mask with `a` keeps out."""
    return op is mask and (place == 0 or (isinstance(a, float) and a == 0))


def joined(first: Adjoint, second: Adjoint) -> Adjoint:
    """The sum of two adjoints of one node, which is guarded where both are."""
    (x, guard), (y, other) = first, second
    if guard is None or other is None:
        both = x + y if guard is other else kept(first) + kept(second)
        return both, None
    if guard == other:
        return x + y, guard
    return kept(first) + kept(second), either(guard, other)


def kept(adjoint: Adjoint) -> Any:
    """An adjoint as one number, Value or slot."""
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
    """Returns d output / d node for each node that matters.

    nodes: from the output, whose adjoint is `seed`, back to the leaves. wanted: whether an operand
    is to be differentiated by. look: gives a node's operation, its operands, and y, a and b as its
    rules are to see them. apply: calls a rule with these. tell: is told of each edge of a graph of
    numbers: the node, the operand's place, the local derivative, the contribution, and the sum of
    what had arrived at the operand before, or None.
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
