"""micrograd's `Value` as a subclass of this package's: micrograd's names, the same numbers.

The attributes that micrograd stores on a node (`_prev`, `_op`, `_backward`) are computed here from
the fields of the engine. A node stores only what users set themselves: their own attributes, and
their own `_backward`. `backward` calls it, and pictures compute local derivatives from it.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import inf, isfinite
from numbers import Integral
from typing import Any, ClassVar, NoReturn, TypeGuard

from tinygrad_edu import engine, ops
from tinygrad_edu.analysis.graph import Graph, graph
from tinygrad_edu.chain_rule import cut
from tinygrad_edu.drawable import K, Picture, Roles
from tinygrad_edu.engine import ABSENT, topological_order
from tinygrad_edu.errors import InnerNodeError, LeftGraphError, LengthError, NumberError, StaleError
from tinygrad_edu.groups import current_group
from tinygrad_edu.habits.calls import function_of_math
from tinygrad_edu.habits.hints import cut_off
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.rows import ieee
from tinygrad_edu.rows.ieee import number, same, total
from tinygrad_edu.rows.op import Op, Rule, defined, one

__all__ = ["REST", "SPELLED", "ByHand", "Ordered", "Value", "whole"]

SPELLED = {"add": "+", "mul": "*", "relu": "ReLU"}  # micrograd's names that differ from ours


class Ordered(set[Any]):
    """A set that keeps the order of its items for iteration and printing."""

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items = tuple(dict.fromkeys(items))
        super().__init__(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __repr__(self) -> str:
        return f"{{{', '.join(map(repr, self))}}}" if self else "set()"


class ByHand(Op):
    """The operation of one node whose derivative is a user's `_backward`."""

    __slots__ = ()


class _Absent:
    """A descriptor that hides an inherited attribute: reading it raises AttributeError."""

    def __get__(self, instance: object, owner: type | None = None) -> NoReturn:
        raise AttributeError


def _refuse(*_: Any) -> NoReturn:
    raise NotImplementedError(
        "an operation of more than two operands can be drawn, but not explained"
    )


# The engine stores two operands: with more, the second is a node that holds all the others.
REST = Op("rest", None, _refuse, _refuse, symbol=",", module=__name__)


def _unary(op: Op) -> Callable[[Value], Value]:
    return lambda self: _made(op, op.fast(self._data), self)


class Value(engine.Value):
    """micrograd's node: `Value(data, _children=(), _op='', label='')`.

    A node can also be made with its local derivatives, as in microgpt: `Value(data, children,
    local_grads)`. The operands can have the keyword `children` or `_prev`.

    `data` and `grad` can be set on any node, and integers stay integers. `_prev` is the set of
    operands, `_children` the tuple of them; `_op` is '' on a leaf. `_backward()` adds this node's
    contributions to the grads of its operands. It can be set, and so can any other attribute.
    """

    show_grad: ClassVar[bool] = True  # False: `Value(data=2.0)`, as in the lecture
    # NumPy then treats this class like micrograd's: an array of objects, element by element.
    __array_ufunc__: Any = _Absent()

    def __init__(
        self,
        data: float,
        _children: Iterable[engine.Value] = (),
        _op: str | Iterable[float] = "",
        label: str = "",
        *,
        children: Iterable[engine.Value] = (),
        _prev: Iterable[engine.Value] = (),
        local_grads: Iterable[float] = (),
    ) -> None:
        super().__init__(data, label)
        self._data = _plain(data)
        self._grad = 0
        if not isinstance(_op, str):
            local_grads = _op
            _op = ""
        children = (*_children, *children, *_prev)
        if children:
            _adopt(self, children)
            own = _op.isidentifier() and _op != "pow"  # a row that its name identifies
            self.op = _by_hand(self, _op if own else "by_hand", _op)
        if children or _op:
            self._op = _op
        passed = tuple(map(_plain, local_grads))
        if len(passed) not in (0, len(children)):
            raise LengthError(
                f"{len(passed)} local_grads and {len(children)} children: give one for each"
            )
        if passed:
            self._backward = partial(_pass_on, weakref.ref(self), passed)
            self.__dict__["_local"] = passed

    @property
    def data(self) -> float:
        """The node's number."""
        asked = engine.on_float.get()
        if asked is not None:
            asked(sys._getframe(1))
        return self._data

    @data.setter
    def data(self, data: float) -> None:
        then, self._data = self._data, _plain(data)
        if self.a is None or "_then" in self.__dict__:
            return
        if type(self.op) is not ByHand:
            self.op = _frozen(self.op, then)
        elif "_backward" not in self.__dict__:  # else its author is still building it
            return
        self.__dict__["_then"] = then

    def _slope(self, grad: float) -> float:
        return _plain(grad)

    @property
    def _children(self) -> tuple[engine.Value, ...]:
        return tuple(x for x, _ in _operands(self))

    @property
    def _local_grads(self) -> tuple[float, ...]:
        """The local derivatives by each of `_children`, at the numbers of the forward pass."""
        given: tuple[float, ...] | None = self.__dict__.get("_local")
        count = len(self._children)
        if given or type(self.op) is ByHand or _is_given(self):
            return given or tuple(_asked(self, i) for i in range(count))
        y, rules = self._data, defined(self.op, self._data).reads[:count]
        at = (y, self.a_data) if self.b is None else (y, self.a_data, self.b_data)
        return tuple(_local(self.op, rule, at) for rule in rules)

    @property
    def _prev(self) -> Ordered:
        return Ordered(self._children)

    @property
    def _op(self) -> str:
        given = self.__dict__.get("_op")
        if given is not None:
            return str(given)
        if _raised_to_a_number(self):
            return f"**{self.b_data}"
        return SPELLED.get(self.op.name, self.op.symbol if self.op else "")

    @_op.setter
    def _op(self, op: str) -> None:
        self.__dict__["_op"] = op

    @property
    def _backward(self) -> Callable[[], None]:
        given: Callable[[], None] | None = self.__dict__.get("_backward")
        return given or partial(_send, self)

    @_backward.setter
    def _backward(self, function: Callable[[], None]) -> None:
        self.__dict__["_backward"] = function
        if self.a is not None and type(self.op) is not ByHand:
            self.op = _by_hand(self, self.op.name, self.op.symbol)

    def backward(self) -> None:
        """Sets the grad of this node to 1, and adds d self / d node to the grad of all others."""
        order = topological_order(self)
        before = [node._grad for node in order]
        try:
            for node in order:  # contributions of an earlier call are not sent again
                node._grad = 0
            self._grad = 1
            for node in reversed(order):
                if _is_given(node):
                    _at_its_time(node, node._backward)
                else:
                    _send(node)
        except BaseException:
            for node, grad in zip(order, before):
                node._grad = grad
            raise
        for node, grad in zip(order, before):
            if grad and node is not self:
                node._grad = grad + node._grad

    def __add__(self, other: Any) -> Value:
        other = _operand(other, type(self))
        return _made(ops.add, self._data + other._data, self, other)

    def __mul__(self, other: Any) -> Value:
        other = _operand(other, type(self))
        return _made(ops.mul, self._data * other._data, self, other)

    def __pow__(self, other: Any) -> Value:
        other = _operand(other, type(self))
        return _made(ops.power, _power(self._data, other._data), self, other)

    def relu(self) -> Value:
        """max(0, self), with an integer 0 for a negative number."""
        return _made(ops.relu, 0 if self._data < 0 else self._data, self)

    exp, log, tanh = _unary(ops.exp), _unary(ops.log), _unary(ops.tanh)

    # The other operators call these, as in micrograd, so that replacing one has the same effect.
    def __neg__(self) -> Any:
        return self * -1

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        if not isinstance(other, engine.Value):
            return self * _power(_plain(other), -1)
        return self * other**-1

    def __rtruediv__(self, other: Any) -> Any:
        return other * self**-1

    def draw(self, *others: NoReturn, roles: Roles[K] | None = None, **view: Any) -> Picture:
        """The picture of this node's graph; the options are those of `tinygrad_edu.Value.draw`."""
        return whole(graph(self, roles=roles)).draw(*others, **view)

    def __float__(self) -> float:
        frame = sys._getframe(1)
        asked = engine.on_float.get()
        if asked is not None:
            asked(frame)
        elif function_of_math(frame) is not None:  # micrograd's Value has no __float__
            raise LeftGraphError(f"must be real number, not {type(self).__name__}")
        return float(self._data)

    def __repr__(self) -> str:
        return f"Value(data={self._data}{f', grad={self.grad}' if self.show_grad else ''})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self)}  # a cell shows micrograd's text; `draw` draws

    def __reduce__(self) -> tuple[Any, ...]:
        if self.a is not None:
            raise InnerNodeError(f"{self!r} is not a leaf: save the leaves, or the graph as JSON")
        free = {k: v for k, v in self.__dict__.items() if k not in ("_op", "_backward")}
        state = {"grad": self.grad, "group": self.group}
        return type(self), (self._data, (), self._op, self.label), (free, state)


_OURS = Value._backward  # to notice a subclass or a patch with another


def _plain(x: Any) -> float:
    """Returns `x` as an int if its type is integral, else as a float."""
    return int(x) if isinstance(x, Integral) and isfinite(number(x)) else number(x)


def _operand(x: Any, cls: type[Value]) -> engine.Value:
    """Returns `x` if it is a Value, else a constant."""
    if isinstance(x, engine.Value):
        return x
    return _made(CONSTANT, _plain(x), None, cls=cls)


def _made(op: Op, data: float, a: Any, b: Any = None, cls: Any = None) -> Value:
    if a is not None and a.op is CONSTANT and (b is None or b.op is CONSTANT):
        return _made(CONSTANT, data, None, cls=type(a))  # the engine folds constants too
    if type(data) is int:
        try:
            float(data)
        except OverflowError:  # the result that floats give
            data = inf if data > 0 else -inf
    if engine._blocks and a is not None and engine.without_graph.get():
        return cut_off(_made(CONSTANT, data, None, cls=type(a)))
    node: Value = object.__new__(cls or type(a))
    node._data, node._grad, node.op = data, 0, op
    node._adjoint = None if op is CONSTANT else 0.0
    node.a, node.a_data = a, ABSENT if a is None else a._data
    node.b, node.b_data = b, ABSENT if b is None else b._data
    node.label, node.group = "", current_group()
    return node


def _adopt(node: engine.Value, children: tuple[engine.Value, ...]) -> None:
    """Makes the children the operands of the node."""
    for child in children:
        if not isinstance(child, engine.Value):
            raise NumberError(f"a child must be a Value, not {type(child).__name__}")
    node.a, node.a_data = children[0], children[0]._data
    if len(children) > 1:
        node.b = children[1]
    if len(children) > 2:
        node.b = engine.Value(0.0)
        _adopt(node.b, children[1:])
        node.b.op = REST
    node.b_data = ABSENT if node.b is None else node.b._data


def _operands(node: engine.Value) -> Iterator[tuple[engine.Value, float]]:
    """Yields each operand with its number in the forward pass, without a constant exponent."""
    while node.a is not None:
        yield node.a, node.a_data
        if node.b is None or _raised_to_a_number(node):
            return
        if node.b.op is not REST:
            yield node.b, node.b_data
            return
        node = node.b


def _raised_to_a_number(node: engine.Value) -> bool:
    """Whether the node is a power with a plain number as exponent, no operand in micrograd."""
    return node.op.name == "pow" and node.b is not None and node.b.op is CONSTANT


def _power(a: float, b: float) -> float:
    """Returns a ** b, an int for ints if b is not negative."""
    power = ieee.power(a, b)
    return a**b if type(a) is type(b) is int and b >= 0 and isfinite(power) else power


def _send(node: engine.Value) -> None:
    """Adds grad * local derivative of the node to the grad of each operand."""
    a, b, grad, y = node.a, node.b, node._grad, node._data
    if a is None or node.op is REST or type(node.op) is ByHand:
        return
    op = defined(node.op, y)
    at = (y, node.a_data) if b is None else (y, node.a_data, node.b_data)
    da, *db = op.reads  # micrograd's own forms, to the last bit: tanh has 1 - t**2
    if not cut(op, 0, node.a_data):
        a._grad = a._grad + (grad if da is one else grad * _local(op, da, at))
    if b is not None and not _raised_to_a_number(node) and not cut(op, 1, node.a_data):
        b._grad = b._grad + (grad if db[0] is one else grad * _local(op, db[0], at))


def _pass_on(known: weakref.ref[Value], local_grads: Sequence[float]) -> None:
    """Acts as the `_backward` of a node that was made with its local derivatives."""
    node = known()
    if node is not None:
        for child, local in zip(node._children, local_grads):
            child._grad = child._grad + local * node._grad


def _local(op: Op, rule: Rule, at: tuple[float, ...]) -> float:
    """Returns a local derivative; a whole one of integers or of relu is an int, as in micrograd."""
    if int not in map(type, at) and op is not ops.relu:
        return total(rule, *at)
    local = total(rule, *map(float, at))
    whole = op is ops.relu or all(type(x) is int for x in at)
    return int(local) if whole and local.is_integer() else local


def _frozen(op: Op, then: float) -> Op:
    """Returns the operation with its old result, for a node whose number was set later."""

    def frozen(rule: Rule) -> Rule:
        def at_its_time(y: Any, *args: Any) -> Any:
            if isinstance(y, engine.Value):
                raise StaleError(f"{y!r} was {then!r} when computed: compute the graph again")
            return rule(type(y)(then) if isinstance(y, float) else then, *args)

        return rule if rule is one else at_its_time

    rules = defined(op, then).derivatives[: len(op.derivatives)]
    return Op(op.name, op.value, *map(frozen, rules), symbol=op.symbol, module=__name__)


def _is_given(node: engine.Value) -> TypeGuard[Value]:
    """Whether the node has a `_backward` that is not this module's."""
    if not isinstance(node, Value):
        return False
    return "_backward" in node.__dict__ or type(node)._backward is not _OURS


def _at_its_time(node: Value, function: Callable[[], None]) -> None:
    """Calls the function while the node and its operands have the numbers of the forward pass."""
    then = [(x, x._data, was) for x, was in _operands(node) if not same(x._data, was)]
    if "_then" in node.__dict__:
        then.append((node, node._data, node.__dict__["_then"]))
    for x, _, was in then:
        x._data = was
    try:
        function()
    finally:
        for x, now, _ in then:
            x._data = now


def _by_hand(node: Value, name: str, symbol: str) -> Op:
    """Returns the operation of a node whose local derivatives come from its `_backward`."""
    known = weakref.ref(node)  # the node holds its operation: no cycle

    def rule_of(i: int) -> Rule:
        def rule(y: Any, *_: Any) -> float:
            owner = known()
            if isinstance(y, engine.Value) or owner is None:
                raise NotImplementedError(
                    f"{name} has a _backward of its own, so no second derivative: make an Op"
                )
            return _asked(owner, i)

        return rule

    count = len(node._children) + _raised_to_a_number(node)
    rules = [rule_of(i) for i in range(count)]
    op = ByHand(name, None, *rules[:2], symbol=symbol)
    if count > 2:
        op.db, op.derivatives, op.reads = _refuse, tuple(rules), tuple(rules)
    return op


def _asked(node: Value, i: int) -> float:
    """Returns what the node's `_backward` adds to the grad of operand i if the node's grad is 1.

    No grad changes. An operand used twice gets the whole sum at its first use.
    """
    children = node._children
    if children[i] in children[:i] or not _is_given(node):
        return 0.0
    everyone = (node, *children)
    before = [x._grad for x in everyone]
    try:
        for child in children:
            child._grad = 0.0
        node._grad = 1.0
        _at_its_time(node, node._backward)
        return float(children[i]._grad)
    finally:
        for x, grad in zip(everyone, before):
            x._grad = grad


def whole(graph: Graph) -> Graph:
    """Returns the graph without holder nodes: the operands in them belong to their owner again."""
    held = {node.id: node for node in graph.nodes if node.op is REST}
    if not held:
        return graph
    ids = {node.id: i for i, node in enumerate(node for node in graph.nodes if node.id not in held)}
    nodes = []
    for node in graph.nodes:
        if node.id in held:
            continue
        args, used = node.args, node.used
        while args and args[-1] in held:
            rest = held[args[-1]]
            args, used = args[:-1] + rest.args, used[:-1] + rest.used
        nodes.append(node._replace(id=ids[node.id], args=tuple(ids[i] for i in args), used=used))
    return replace(graph, nodes=tuple(nodes), outputs=tuple(ids[i] for i in graph.outputs))
