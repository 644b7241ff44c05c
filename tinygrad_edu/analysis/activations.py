"""Which activation a node is: a row of the table, or an expression that stands for one.

1 / (1 + exp(-z)) is a sigmoid, and so is exp(z) / (1 + exp(z)). A form is such an expression of z;
it is recognised in a graph by its operations and its constants, whatever the order of the operands
of a sum or a product.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_edu.analysis.graph import Node
from tinygrad_edu.functions import gelu, leaky_relu, silu
from tinygrad_edu.ops import exp, log, log1p, maximum, neg, power, sigmoid, step
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.symbolic import Symbolic

__all__ = ["LATE", "Activation", "activations"]

# Rows that losses use too: log(z), abs(y - t), softplus(-z) of a logit.
LATE = frozenset("abs exp exp2 expm1 log log2 log10 log1p sqrt softplus floor ceil erfc".split())


class Activation(NamedTuple):
    """An activation of the node `of`, by its name.

    inside: the ids of its own nodes, the result and constants included. sign: -1 if it is the
    activation of minus `of`, as 1 / (1 + exp(z)) is the sigmoid of -z.
    """

    name: str
    of: int
    inside: frozenset[int]
    sign: int = 1


class _Form(Symbolic):
    """An operation applied to forms; without args "z", "c" for any constant, or a number."""

    __slots__ = ("args", "op")

    def __init__(self, op: Op | str | float, *args: _Form) -> None:
        self.op, self.args = op, args

    def _apply(self, op: Op, /, *args: Any) -> _Form:
        return _Form(op, *map(self._lift, args))

    def _lift(self, number: Any) -> _Form:
        return number if isinstance(number, _Form) else _Form(float(number))


_ANY: Any = _Form("c")
# A form with less inside of it comes later: 1 / (1 + exp(z)) after 1 / (1 + exp(-z)).
_WRITTEN: Sequence[tuple[str, int, Callable[[Any], Any]]] = [
    ("sigmoid", 1, lambda z: 1 / (1 + exp(-z))),
    ("sigmoid", 1, lambda z: 1 / (1 + power(math.e, -z))),
    ("sigmoid", 1, lambda z: (1 + exp(-z)) ** -1),
    ("sigmoid", 1, lambda z: exp(z) / (1 + exp(z))),
    ("sigmoid", -1, lambda z: 1 / (1 + exp(z))),
    ("sigmoid", -1, lambda z: 1 / (1 + power(math.e, z))),
    ("sigmoid", -1, lambda z: (1 + exp(z)) ** -1),
    ("sigmoid", 1, lambda z: 1 * (1 + exp(z * -1)) ** -1),  # as micrograd divides and negates
    ("tanh", 1, lambda z: (exp(z) - exp(-z)) / (exp(z) + exp(-z))),
    ("tanh", 1, lambda z: (exp(2 * z) - 1) / (exp(2 * z) + 1)),
    ("tanh", 1, lambda z: 2 / (1 + exp(-2 * z)) - 1),
    ("tanh", 1, lambda z: 2 * sigmoid(2 * z) - 1),
    ("relu", 1, lambda z: maximum(0, z)),
    ("relu", 1, lambda z: z * step(z)),
    ("leaky_relu", 1, lambda z: leaky_relu(z, _ANY)),
    ("leaky_relu", 1, lambda z: maximum(_ANY * z, z)),
    ("silu", 1, silu),
    ("silu", 1, lambda z: z / (1 + exp(-z))),
    ("gelu", 1, gelu),
    ("softplus", 1, lambda z: log(1 + exp(z))),
    ("softplus", 1, lambda z: log1p(exp(z))),
]
_FORMS: dict[object, list[tuple[str, int, _Form]]] = defaultdict(list)
for _name, _sign, _function in _WRITTEN:
    _form: _Form = _function(_Form("z"))
    _FORMS[_form.op].append((_name, _sign, _form))


def activations(nodes: Sequence[Node], i: int) -> Iterator[Activation]:
    """Yields every activation that the node with id `i` can be the result of, the longest first."""
    node = nodes[i]
    for name, sign, form in _FORMS.get(node.op, ()):
        for z, inside in _matches(nodes, form, i, (-1, frozenset())):
            yield Activation(name, z, inside, sign)
    if node.kind == "operation" and len(node.args) == 1 and node.op is not neg:
        yield Activation(node.op.name, node.args[0], frozenset([i]))


_Found = tuple[int, frozenset[int]]  # the id of z, or -1, and the ids of the nodes that match


def _matches(nodes: Sequence[Node], form: _Form, i: int, found: _Found) -> Iterator[_Found]:
    node, (z, inside) = nodes[i], found
    if form.op == "z":
        if z in (-1, i):
            yield i, inside
    elif not form.args:
        if node.kind == "constant" and form.op in ("c", node.data):
            yield z, inside | {i}
    elif node.op is form.op:
        orders = {node.args, node.args[::-1]} if node.op.commutes else {node.args}
        for args in sorted(orders):
            partial = [(z, inside | {i})]
            for part, x in zip(form.args, args):
                partial = [more for one in partial for more in _matches(nodes, part, x, one)]
            yield from partial
