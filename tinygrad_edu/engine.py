"""`Value`, a scalar that remembers how it was computed, and derivatives by any node of its graph.

The chain rule goes from the output back to the leaves: along every edge, the adjoint of the
operand gains (adjoint of the node) * (local derivative). An adjoint is d output / d node; the local
derivatives are the rules of `ops`. `Value.backward` computes with numbers. `gradient` computes with
Values, so that its result is a graph again.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

from tinygrad_edu import ops
from tinygrad_edu.chain_rule import sweep
from tinygrad_edu.drawable import Drawable
from tinygrad_edu.errors import InnerNodeError, LeftGraphError, NumberError, StaleError
from tinygrad_edu.groups import current_group
from tinygrad_edu.habits.arrays import elementwise, is_array
from tinygrad_edu.habits.hints import Habits, alone, cut_off, is_cut, strictly
from tinygrad_edu.habits.leaving import in_package, lost, on_comparison, on_float, refuse, tell
from tinygrad_edu.ops import CONSTANT, LEAF
from tinygrad_edu.rows.ieee import IEEE, number, same
from tinygrad_edu.rows.op import TABLE, Op, defined, telling
from tinygrad_edu.unrolled import backward_in_slots

__all__ = [
    "Value",
    "as_value",
    "gradient",
    "no_grad",
    "on_comparison",
    "on_float",
    "topological_order",
    "without_graph",
]

Method = Callable[["Value"], "Value"]
Operator = Callable[["Value", "Value | float"], "Value"]
M = TypeVar("M", bound=Callable[..., Any])
ABSENT: Any = None  # the number of an operand that does not exist


def _unary(op: Op) -> Method:
    def method(self: Value, /) -> Value:
        return _node(op, op.fast(self._data), self)

    return _named(method, op)


def _binary(op: Op) -> Operator:
    value = op.fast

    def method(self: Value, other: Value | float, /) -> Value:
        if type(other) is not type(self):
            try:
                other = as_value(other, type(self))
            except NumberError:
                made: Value = _elsewhere(other)
                return made
        return _node(op, value(self._data, other._data), self, other)

    return _named(method, op)


def _in_place(op: Op) -> Operator:
    """Like `_binary`, but inside of `no_grad` the operation changes the number of a leaf."""
    value = op.fast

    def method(self: Value, other: Value | float, /) -> Value:
        if type(other) is not type(self):
            try:
                other = as_value(other, type(self))
            except NumberError:
                made: Value = _elsewhere(other)
                return made
        return _updated(op, value(self._data, other._data), self, other)

    return _named(method, op)


def _as_written(self: Value, other: object, /) -> Any:
    """Makes `x += y` mean x = x + y, for a subclass with an addition of its own."""
    return NotImplemented


def _reflected(op: Op) -> Callable[[Value, float], Value]:
    method = _binary(op)
    return _named(lambda self, other, /: method(as_value(other, type(self)), self), op)


def _named(method: M, op: Op) -> M:
    """Gives the method the name and the docstring of the operation, for `help`."""
    method.__name__ = method.__qualname__ = op.__name__
    method.__doc__ = op.__doc__
    return method


def _elsewhere(other: object) -> Any:
    """Returns NotImplemented for an array, so that NumPy takes over; else raises again."""
    if is_array(other):
        return NotImplemented
    raise  # the NumberError that the caller is handling


def _comparison(
    compare: Callable[[float, float], bool],
) -> Callable[[Value, Value | float], bool]:
    def method(self: Value, other: Value | float, /) -> bool:
        try:
            other = as_value(other)
        except NumberError:
            answer: bool = _elsewhere(other)
            return answer
        on_comparison.get()()
        return compare(self._data, other._data)

    return method


class Value(Drawable, Habits):
    """A leaf of a graph: one real number, stored as a float; NumberError for anything else.

    Every node has `data`, its number, which can be set only on a leaf; `grad`, d output / d node,
    summed over calls of `backward`; `op`, its row of the table (str(op) is '' for a leaf); `args`,
    its operands in order; `label`; `group`, the path of the group that was open. A plain number in
    arithmetic becomes a constant, which has no gradient. Arithmetic never raises (see
    `first_nonfinite`); `==` compares identity, `<` compares numbers.
    """

    # a and b are the operands, a_data and b_data their numbers when this node was computed;
    # _adjoint is of use during `backward` only: see `unrolled`
    __slots__ = ("_adjoint", "_data", "_grad", "a", "a_data", "b", "b_data", "group", "label", "op")
    a: Value | None
    b: Value | None
    a_data: float  # ABSENT, like b_data, if that operand does not exist: check the operand first
    b_data: float
    _grad: float
    _adjoint: object
    fixed = False  # derivatives by a Value are wanted: see `symbolic.fixed`

    @strictly
    def __init__(self, data: float, label: str = "", *others: NoReturn, **named: NoReturn) -> None:
        if others or named or label.__class__ is not str:
            _refuse_to_make(label, *others, **named)
        self._data = number(data)
        self._grad = self._adjoint = 0.0
        self.op = LEAF
        self.a = self.b = None
        self.a_data = self.b_data = ABSENT
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
        if self.op is CONSTANT:
            raise InnerNodeError(
                f"only a leaf's data can be set, and {self!r} is a constant from detach() or "
                "no_grad(): write Value(2.0) for a leaf"
            )
        if self.op is not LEAF:
            raise InnerNodeError(f"only a leaf's data can be set, and {self!r} is not a leaf")
        self._data = number(data)

    @property
    def grad(self) -> float:
        """d output / d node, summed over calls of `backward`."""
        return self._grad

    @grad.setter
    def grad(self, grad: float) -> None:
        if grad.__class__ is float:  # first, for a loop over many parameters
            self._grad = grad
        elif grad is None:
            raise NumberError("grad is a number, never None: write x.grad = 0.0")
        else:
            self._grad = self._slope(grad)

    def _slope(self, grad: float) -> float:
        return number(grad)

    @property
    def args(self) -> tuple[Value, ...]:
        """The operands in order; () for a leaf or a constant."""
        a, b = self.a, self.b
        return () if a is None else (a,) if b is None else (a, b)

    __add__, __radd__ = _binary(ops.add), _reflected(ops.add)
    __sub__, __rsub__ = _binary(ops.sub), _reflected(ops.sub)
    __mul__, __rmul__ = _binary(ops.mul), _reflected(ops.mul)
    __truediv__, __rtruediv__ = _binary(ops.div), _reflected(ops.div)
    __pow__, __rpow__ = _binary(ops.power), _reflected(ops.power)
    __iadd__, __isub__ = _in_place(ops.add), _in_place(ops.sub)
    __imul__, __itruediv__ = _in_place(ops.mul), _in_place(ops.div)
    __neg__, __abs__, abs = _unary(ops.neg), _unary(ops.absolute), _unary(ops.absolute)
    if TYPE_CHECKING:  # for type checkers; the loop below makes a method of every unary row
        neg = exp = exp2 = expm1 = log = log2 = log10 = log1p = sqrt = erf = erfc = _unary(ops.exp)
        sin = cos = tan = asin = acos = atan = sinh = cosh = tanh = _unary(ops.sin)
        asinh = acosh = atanh = sign = step = relu = floor = ceil = circle = _unary(ops.sign)
        sigmoid = bell = sech2 = softplus = _unary(ops.sigmoid)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        for name in ("add", "sub", "mul", "truediv"):
            if f"__{name}__" in vars(cls) and f"__i{name}__" not in vars(cls):
                setattr(cls, f"__i{name}__", _as_written)

    def _apply(self, op: Op, /, *args: Value | float) -> Value:
        nodes = [as_value(x, type(self)) for x in args]
        return _node(op, op.fast(*(x._data for x in nodes)), *nodes)

    def _known(self) -> float | None:
        return self._data if self.op is CONSTANT else None

    def _lift(self, x: Value | float) -> Value:
        return as_value(x, type(self))

    def __float__(self) -> float:
        (on_float.get() or tell)(sys._getframe(1))
        return self._data

    if not TYPE_CHECKING:  # type checkers refuse a list's own index without help

        def __index__(self) -> NoReturn:
            raise TypeError(
                "a Value cannot be the index of a list, which would forget where it came from. "
                "Write take(table, x) for table[x], or int(x.data)"
            )

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        op = f", op={str(self.op)!r}" if self.op else ""
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self._data!r}, grad={self.grad!r}{op}{label})"

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        return elementwise(ufunc, method, inputs, named, Value, sys._getframe(1))

    def __reduce__(self) -> tuple[Any, ...]:
        if self.op is not LEAF:
            raise InnerNodeError(f"{self!r} is not a leaf: save the leaves, or the graph as JSON")
        state = {"grad": self.grad, "group": self.group}
        return type(self), (self._data, self.label), (None, state)

    @alone(
        "write gradient(y, [x]) for a graph of the derivatives (create_graph), "
        "(c * y).backward() to start with the adjoint c",
        without_effect="retain_graph",
    )
    def backward(self) -> None:
        """Adds d self / d node to the grad of every node; a second call adds it again.

        The derivatives hold at the numbers with which the graph was computed.
        """
        if self.op is CONSTANT and is_cut(self) and not in_package(sys._getframe(2)):
            raise LeftGraphError(
                f"{self!r} has no graph to go back through: it was computed inside of no_grad(), "
                "or by detach()"
            )
        if backward_in_slots(self):
            return
        order = topological_order(self)
        found: dict[Value, float] = {}
        try:
            found = sweep(reversed(order), 1.0, _wants, _in_floats)
            if complex in map(type, found.values()):
                raise ArithmeticError
        except (ArithmeticError, NumberError):  # Python's floats raise where IEEE 754 has a result
            found = sweep(reversed(order), IEEE(1.0), _wants, _in_ieee)
        for node, adjoint in found.items():
            node._grad = node._grad + adjoint if node._grad else float(adjoint)

    @alone("every grad becomes 0.0", without_effect="set_to_none")
    def zero_grad(self) -> None:
        """Sets the grad of every node of the graph to 0, inner nodes included."""
        for node in topological_order(self):
            node._grad = 0.0


def _refuse_to_make(label: object, *others: object, **named: object) -> None:
    """Raises TypeError for arguments of other libraries' constructors, with the way to write it."""
    kind = ", ".join(sorted(named))
    if "requires_grad" in named:
        cure = "every leaf gets a gradient: Value(2.0); a constant is Value(2.0).detach()"
    elif "name" in named:
        cure = "write label: Value(2.0, label='x')"
    elif "dtype" in named or "device" in named:
        cure = "its number is a Python float: Value(2.0)"
    elif (
        others
        or any(name.startswith("_") for name in named)
        or isinstance(label, tuple | set | list)
    ):
        kind = kind or "operands"
        micrograds = "tinygrad_edu.compat.micrograd.engine has Value(2.0, (x, y))"
        cure = f"x * y and tanh(x) make nodes; {micrograds}"
    elif not named:
        if label is None:
            return
        raise TypeError(f"the label of a Value is a text, not {label!r:.60}")
    else:
        cure = "write Value(2.0, label='x')"
    raise TypeError(f"Value() takes a number and a label, not {kind}: {cure}")


def _node(
    op: Op, data: float, a: Value, b: Value | None = None, new: Any = object.__new__
) -> Value:
    if a.op is CONSTANT and (b is None or b.op is CONSTANT):
        return as_value(data, type(a))
    node: Value = new(type(a))  # an argument, because Python finds it faster than a global
    node._data = data
    node._grad = node._adjoint = 0.0
    node.op = op
    node.a, node.a_data = a, a._data
    node.b, node.b_data = b, ABSENT if b is None else b._data
    node.label, node.group = "", current_group()
    return node


_with_graph = _node
_updated: Callable[[Op, float, Value, Value], Value] = _node
_blocks, _counting = 0, Lock()  # how many blocks of `no_grad` are open, in all threads
without_graph: ContextVar[bool] = ContextVar("without_graph", default=False)


def _node_or_number(
    op: Op, data: float, a: Value, b: Value | None = None, new: Any = None
) -> Value:
    """Replaces `_node` while a `no_grad` block is open, so that `_node` itself need not check."""
    return cut_off(as_value(data, type(a))) if without_graph.get() else _with_graph(op, data, a, b)


def _update_or_number(op: Op, data: float, a: Value, b: Value) -> Value:
    """Replaces `_updated` while a `no_grad` block is open: `w -= 0.1 * w.grad` changes the leaf w.

    Only a plain number changes the leaf. A Value, as in `total = bias; total += w * x`, leaves the
    number of the bias unchanged, as outside of the block.
    """
    if not without_graph.get() or a.op is not LEAF:
        return _node(op, data, a, b)
    if b.op is CONSTANT and not is_cut(b):
        a.data = data
        return a
    if op is ops.sub:
        lost(sys._getframe(2))
    return _node(op, data, a, b)


@contextmanager
def no_grad() -> Iterator[None]:
    """Records no graph inside of the block: every result there is a constant.

        with no_grad():
            outputs = model(inputs)

    A leaf made in the block is a leaf. `w -= 0.1 * w.grad` with a leaf w and a plain number changes
    the number of w. The decorator `@no_grad()` does the same for a function. Other threads are not
    affected.
    """
    global _blocks, _node, _updated
    token = without_graph.set(True)
    with _counting:
        _blocks, _node, _updated = _blocks + 1, _node_or_number, _update_or_number
    try:
        yield
    finally:
        without_graph.reset(token)
        with _counting:
            _blocks -= 1
            if not _blocks:
                _node = _updated = _with_graph


def as_value(x: Value | float, cls: type[Value] = Value) -> Value:
    """Returns `x` if it is a Value, else a constant: a Value of that number without a gradient."""
    if isinstance(x, Value):
        return x
    constant = object.__new__(cls)  # without the __init__ of a subclass
    constant._data = x if x.__class__ is float else number(x)  # as `__init__`, but faster
    constant._grad, constant._adjoint = 0.0, None
    constant.op = CONSTANT
    constant.a = constant.b = None
    constant.a_data = constant.b_data = ABSENT
    constant.label, constant.group = "", current_group()
    return constant


def topological_order(*roots: Value) -> list[Value]:
    """This returns every node of the roots' graphs once, operands first, from left to right."""
    order: list[Value] = []
    path: list[Value] = []
    seen: set[Value] = set()
    for root in roots:
        node = None if root in seen else root
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


@overload
def gradient(y: Value, xs: Value) -> Value: ...
@overload
def gradient(y: Value, xs: Iterable[Value]) -> list[Value]: ...
def gradient(y: Value, xs: Value | Iterable[Value], *others: NoReturn) -> Value | list[Value]:
    """This returns dy/dx as a Value, a graph to draw or to differentiate again.

    For several xs it is a list. The derivative is 0 where y does not depend on x. No grad changes.
    StaleError if a leaf was set after y was computed: the new graph would mix its old and its new
    number. LeftGraphError if a rule reads the number of a Value: a constant made from it would
    have no further derivative. NumberError for an argument that is not a Value.
    """
    if others:
        raise TypeError("gradient() takes several xs as a list: write gradient(y, [x, w])")
    if isinstance(xs, Value):
        return gradient(y, [xs])[0]
    if not isinstance(y, Value):
        one = ": take one entry, y[0]" if isinstance(y, list | tuple) else ""
        raise NumberError(f"gradient() differentiates a Value, not a {type(y).__name__}{one}")
    xs = list(xs.values() if isinstance(xs, dict) else [xs] if isinstance(xs, str) else xs)
    for by in xs:
        if not isinstance(by, Value):
            what = f"the text {by!r:.40}" if isinstance(by, str) else type(by).__name__
            cure = "model.parameters()" if hasattr(by, "parameters") else "gradient(y, [x, w])"
            raise NumberError(f"gradient() differentiates by Values, not by {what}: write {cure}")
    order = topological_order(y)
    wanted = {x for x in xs if x.op is not CONSTANT}
    for node in order:
        for x, then in ((node.a, node.a_data), (node.b, node.b_data)):
            if x in wanted:
                wanted.add(node)
            if x is not None and not same(x._data, then):
                raise StaleError(f"{x!r} was {then!r} when it was used: compute the graph again")
    op = LEAF

    def look(node: Value) -> tuple[Op, tuple[Value, ...], tuple[Value, ...]]:
        nonlocal op
        # As `defined`, but in the new graph, because its results may be nan for other numbers.
        op = node.op if node._data == node._data else telling(node.op)
        return op, node.args, (node, *node.args)

    context = copy_context()  # so that reading numbers is allowed again after this call
    context.run(on_float.set, lambda frame: refuse(op, frame))
    seed = as_value(1.0, type(y))
    found = context.run(sweep, reversed(order), seed, wanted.__contains__, look)
    return [found[x] if x in found else as_value(0.0, type(y)) for x in xs]


def _wants(node: Value) -> bool:
    return node.op is not CONSTANT


def _in_floats(node: Value) -> tuple[Op, tuple[Value, ...], tuple[float, ...]]:
    numbers = (node._data, node.a_data, node.b_data)[: 1 + len(node.args)]
    return defined(node.op, node._data), node.args, numbers


def _in_ieee(node: Value) -> tuple[Op, tuple[Value, ...], tuple[float, ...]]:
    op, args, numbers = _in_floats(node)
    return op, args, tuple(map(IEEE, numbers))


for _op in TABLE.values():  # every row of one operand is a method too
    if len(_op.derivatives) == 1 and not hasattr(Value, _op.name):
        setattr(Value, _op.name, _unary(_op))
