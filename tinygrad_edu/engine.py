"""A scalar that remembers how it was computed, and the derivative of anything by anything.

`_sweep` is the chain rule, from the output back to the leaves: along every edge, the adjoint of
the operand gains (adjoint of the node) * (local derivative). An adjoint is d output / d node,
local derivatives are the rules of `ops`. With numbers it is `Value.backward`, with Values it is
`gradient`, whose answer is a graph again.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar, copy_context
from types import FrameType
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.errors import InnerNodeError, NumberError, StaleError
from tinygrad_edu.groups import current_group
from tinygrad_edu.ieee import IEEE, each, number, same, total
from tinygrad_edu.leaving import refuse, tell
from tinygrad_edu.ops import CONSTANT, LEAF, UNDEFINED, Op, one


def _unary(op: Op) -> Callable[[Value], Value]:
    return lambda self: _node(op, op.value(self._data), self)


def _binary(op: Op) -> Callable[[Value, Any], Value]:
    value = op.value

    def method(self: Value, other: Any) -> Value:
        if type(other) is not type(self):
            other = as_value(other, type(self))
        return _node(op, value(self._data, other._data), self, other)

    return method


def _reflected(op: Op) -> Callable[[Value, Any], Value]:
    method = _binary(op)
    return lambda self, other: method(as_value(other, type(self)), self)


def _comparison(compare: Callable[[float, float], bool]) -> Callable[[Value, Any], bool]:
    def method(self: Value, other: Any) -> bool:
        on_comparison.get()()
        return compare(self._data, as_value(other)._data)

    return method


# Called where Values are compared: what is recorded meanwhile will not compare them again.
on_comparison: ContextVar[Callable[[], Any]] = ContextVar("on_comparison", default=lambda: None)

# Called where a Value is asked for its number, with the frame that asks. Without it, only what
# calls a function of `math` is told that its result is no part of the graph.
on_float: ContextVar[Callable[[FrameType], Any] | None] = ContextVar("on_float", default=None)


class Value:
    """A leaf: one real number (NumberError for anything else), kept as a float.

    Every node has `data`, its number (to be set only on a leaf); `grad`, d output / d node, added
    up over calls of `backward`; `op`, its row of the table ('' without operands); `args`, its
    operands in order; `label`; `group`, the path of the group it was made in. Plain numbers in
    arithmetic become constants, without gradient. Arithmetic never raises (see
    `first_nonfinite`); `==` is identity, `<` compares numbers.
    """

    # a and b are the operands, a_data and b_data their numbers when this node was computed
    __slots__ = ("_data", "a", "a_data", "b", "b_data", "grad", "group", "label", "op")
    draw: Any  # these two come from the package's __init__: the engine knows no pictures
    _repr_mimebundle_: Any
    __array_ufunc__ = None  # so that NumPy's scalars leave arithmetic to us, and its arrays fail

    def __init__(self, data: float, label: str = "") -> None:
        self._data = number(data)
        self.grad = 0.0
        self.op = LEAF
        nothing: Any = None
        self.a = self.b = self.a_data = self.b_data = nothing
        self.label, self.group = label, current_group()

    @property
    def data(self) -> float:
        """The node's number."""
        asked = on_float.get()
        if asked is not None:
            asked(sys._getframe(1))
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        if self.op is not LEAF:
            raise InnerNodeError(f"only a leaf's data can be set, and {self!r} is not a leaf")
        self._data = number(data)

    @property
    def args(self) -> tuple[Value, ...]:
        """The operands in order; () for a leaf or a constant."""
        return tuple(x for x in (self.a, self.b) if x is not None)

    __add__, __radd__ = _binary(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _binary(ops.sub), _reflected(ops.sub)
    __mul__, __rmul__ = _binary(ops.mul), _reflected(ops.mul)
    __truediv__, __rtruediv__ = _binary(ops.div), _reflected(ops.div)
    __pow__, __rpow__ = _binary(ops.power), _reflected(ops.power)
    __neg__, __abs__, abs = _unary(ops.neg), _unary(ops.absolute), _unary(ops.absolute)
    exp, log, sqrt, relu = _unary(ops.exp), _unary(ops.log), _unary(ops.sqrt), _unary(ops.relu)
    sin, cos, tan, atan = _unary(ops.sin), _unary(ops.cos), _unary(ops.tan), _unary(ops.atan)
    sinh, cosh, tanh = _unary(ops.sinh), _unary(ops.cosh), _unary(ops.tanh)
    sigmoid, softplus, step = _unary(ops.sigmoid), _unary(ops.softplus), _unary(ops.step)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)

    def _apply(self, op: Op, *args: Any) -> Value:
        nodes = [as_value(x, type(self)) for x in args]
        if op is ops.mask and nodes[0].op is CONSTANT:  # it will never change: no operation
            return nodes[1] if nodes[0]._data else as_value(0.0, type(self))
        return _node(op, total(op.value, *(x._data for x in nodes)), *nodes)

    def __float__(self) -> float:
        (on_float.get() or tell)(sys._getframe(1))
        return self._data

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        op = f", op={str(self.op)!r}" if self.op else ""
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self._data!r}, grad={self.grad!r}{op}{label})"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not LEAF:
            raise InnerNodeError(f"{self!r} is not a leaf: save the leaves, or the graph as JSON")
        state = {"grad": self.grad, "group": self.group}
        return type(self), (self._data, self.label), (None, state)

    def backward(self) -> None:
        """Adds d self / d node, as it was computed, to the grad of every node, at each call."""
        order = topological_order(self)
        try:
            found = _sweep(order, 1.0)
            if complex in map(type, found):
                raise ArithmeticError
        except (ArithmeticError, NumberError):  # where Python's floats do not do as IEEE's
            found = each(float, _sweep(order, 1.0, _in_ieee))
        for node, adjoint in zip(reversed(order), found):
            if adjoint is not None:
                node.grad = node.grad + adjoint if node.grad else adjoint

    def zero_grad(self) -> None:
        """Sets the grad of every node of the graph to 0, inner nodes included."""
        for node in topological_order(self):
            node.grad = 0.0


def _node(op: Op, data: float, a: Value, b: Any = None, new: Any = object.__new__) -> Value:
    if a.op is CONSTANT and (b is None or b.op is CONSTANT):
        return as_value(data, type(a))
    node: Value = new(type(a))  # an argument, because it is found faster than by its name
    node._data = data
    node.grad = 0.0
    node.op = op
    node.a, node.a_data = a, a._data
    node.b, node.b_data = b, None if b is None else b._data
    node.label, node.group = "", current_group()
    return node


def as_value(x: Any, cls: type[Value] = Value) -> Value:
    """`x` if it is a Value, else a constant: a Value of that number without a gradient."""
    if isinstance(x, Value):
        return x
    constant = object.__new__(cls)
    Value.__init__(constant, x)  # whatever a subclass makes of it
    constant.op = CONSTANT
    return constant


def topological_order(*roots: Value) -> list[Value]:
    """Every node that the roots were computed from, once, operands first, left to right."""
    order: list[Value] = []
    path: list[Value] = []
    seen: set[Value] = set()
    for root in roots:
        node: Any = root if root not in seen else None
        while node is not None:
            seen.add(node)
            path.append(node)
            node = node.a
            if node is not None and node not in seen:
                continue
            while path:
                node = path[-1].b
                if node is not None and node not in seen:
                    break
                order.append(path.pop())
            else:
                break
    return order


def _sweep(order: list[Value], seed: Any, at: Any = None, wanted: Any = None) -> list[Any]:
    """d order[-1] / d node for each node of reversed(order), None where not asked.

    at: gives a node's row, and y, a and b for its rules; None is its numbers, without a call.
    wanted: the set of operands to differentiate by; None is all but constants.
    """
    adjoints: list[Any] = []
    pending = {order[-1]: seed}
    for node in reversed(order):
        adjoint = pending.pop(node, None)
        adjoints.append(adjoint)
        a, b = node.a, node.b
        if adjoint is None or a is None:
            continue
        if at is None:
            y, at_a, at_b = node._data, node.a_data, node.b_data
            op = node.op if y == y else UNDEFINED
        else:
            op, y, at_a, at_b = at(node)
        if a.op is not CONSTANT and (wanted is None or a in wanted):
            share = adjoint
            if op.da is not one:
                share = adjoint * (op.da(y, at_a) if b is None else op.da(y, at_a, at_b))
            pending[a] = pending[a] + share if a in pending else share
        if b is not None and b.op is not CONSTANT and (wanted is None or b in wanted):
            share = adjoint if op.db is one else adjoint * op.db(y, at_a, at_b)
            pending[b] = pending[b] + share if b in pending else share
    return adjoints


def gradient(y: Value, xs: Iterable[Value]) -> list[Value]:
    """The derivatives of y by each x, as Values: a graph to draw or to differentiate again.

    No grad changes; where y does not depend on x the answer is 0. StaleError if a leaf was set
    since y was computed: the new graph would mix its two numbers. LeftGraphError if a rule asks a
    Value for its number: what it makes of it would be a constant in the next derivative.
    """
    xs = list(xs)
    order = topological_order(y)
    wanted = set(xs)
    for node in order:
        for x, then in ((node.a, node.a_data), (node.b, node.b_data)):
            if x in wanted:
                wanted.add(node)
            if x is not None and not same(x._data, then):
                raise StaleError(f"{x!r} was {then!r} when it was used: compute the graph again")
    op = LEAF

    def in_values(node: Value) -> tuple[Any, ...]:
        nonlocal op
        op = _defined(node)
        return op, node, node.a, node.b

    context = copy_context()  # so that nobody refuses any more when this is over
    context.run(on_float.set, lambda frame: refuse(op, frame))
    adjoints = context.run(_sweep, order, as_value(1.0, type(y)), in_values, wanted)
    found = {x: adjoint for x, adjoint in zip(reversed(order), adjoints) if adjoint is not None}
    return [found[x] if x in found else as_value(0.0, type(y)) for x in xs]


def _in_ieee(node: Value) -> tuple[Any, ...]:
    return _defined(node), *each(IEEE, (node._data, node.a_data, node.b_data))


def _defined(node: Value) -> Op:
    return node.op if node._data == node._data else UNDEFINED
