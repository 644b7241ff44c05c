"""The engines that are compared, each as a `Value` class and a way to walk its graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Engine:
    """A `Value` class under its name; `operands` gives the nodes that a node was made from."""

    name: str
    Value: type
    operands: Callable[[Any], Iterable[Any]]

    def count(self, root: Any) -> int:
        """How many nodes `root` depends on, itself, leaves and constants included."""
        seen = {root}
        todo = [root]
        while todo:
            fresh = set(self.operands(todo.pop())) - seen
            seen |= fresh
            todo += fresh
        return len(seen)


def micrograd() -> Engine:
    """micrograd, with the functions it lacks added to its class.

    A subclass would not do: micrograd's operators return its own class, whatever they are given.
    """
    from micrograd.engine import Value

    for name, function in (("exp", _exp), ("log", _log), ("sigmoid", _sigmoid), ("tanh", _tanh)):
        setattr(Value, name, function)
    return Engine("micrograd", Value, lambda node: node._prev)


def _exp(self: Any) -> Any:
    out = type(self)(math.exp(self.data), (self,), "exp")

    def _backward() -> None:
        self.grad += out.data * out.grad

    out._backward = _backward
    return out


def _log(self: Any) -> Any:
    out = type(self)(math.log(self.data), (self,), "log")

    def _backward() -> None:
        self.grad += out.grad / self.data

    out._backward = _backward
    return out


def _sigmoid(self: Any) -> Any:
    out = type(self)(logistic(self.data), (self,), "sigmoid")

    def _backward() -> None:
        self.grad += out.data * (1 - out.data) * out.grad

    out._backward = _backward
    return out


def _tanh(self: Any) -> Any:
    out = type(self)(math.tanh(self.data), (self,), "tanh")

    def _backward() -> None:
        self.grad += (1 - out.data**2) * out.grad

    out._backward = _backward
    return out


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)); no workload comes near the x where this overflows."""
    return 1 / (1 + math.exp(-x))


class TupleValue:
    """A scalar in the manner of microgpt: no closures, the local derivatives are numbers.

    Each node keeps its operands and, in the same order, the derivative of itself by each of them.
    The order of the backward pass is found by recursion over a set, as in all of that lineage.
    An inner function that calls itself is a reference cycle, and it holds the order: once
    `backward` has run, only the garbage collector frees the graph.
    """

    __slots__ = ("args", "data", "derivatives", "grad")

    def __init__(
        self,
        data: float,
        args: tuple[TupleValue, ...] = (),
        derivatives: tuple[float, ...] = (),
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.args = args
        self.derivatives = derivatives

    def __add__(self, other: TupleValue | float) -> TupleValue:
        other = other if isinstance(other, TupleValue) else TupleValue(other)
        return TupleValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: TupleValue | float) -> TupleValue:
        other = other if isinstance(other, TupleValue) else TupleValue(other)
        return TupleValue(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n: float) -> TupleValue:
        return TupleValue(self.data**n, (self,), (n * self.data ** (n - 1),))

    def relu(self) -> TupleValue:
        return TupleValue(max(0.0, self.data), (self,), (float(self.data > 0),))

    def exp(self) -> TupleValue:
        y = math.exp(self.data)
        return TupleValue(y, (self,), (y,))

    def log(self) -> TupleValue:
        return TupleValue(math.log(self.data), (self,), (1 / self.data,))

    def sigmoid(self) -> TupleValue:
        y = logistic(self.data)
        return TupleValue(y, (self,), (y * (1 - y),))

    def tanh(self) -> TupleValue:
        y = math.tanh(self.data)
        return TupleValue(y, (self,), (1 - y * y,))

    def __neg__(self) -> TupleValue:
        return self * -1

    def __sub__(self, other: TupleValue | float) -> TupleValue:
        return self + (-other)

    def __truediv__(self, other: TupleValue | float) -> TupleValue:
        return self * other**-1

    def __radd__(self, other: float) -> TupleValue:
        return self + other

    def __rmul__(self, other: float) -> TupleValue:
        return self * other

    def __rsub__(self, other: float) -> TupleValue:
        return -self + other

    def __rtruediv__(self, other: float) -> TupleValue:
        return self**-1 * other

    def backward(self) -> None:
        """Send the derivative of this node to everything it was made from."""
        order: list[TupleValue] = []
        seen: set[TupleValue] = set()

        def visit(node: TupleValue) -> None:
            if node not in seen:
                seen.add(node)
                for arg in node.args:
                    visit(arg)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for arg, derivative in zip(node.args, node.derivatives):
                arg.grad += derivative * node.grad


def tuples() -> Engine:
    """The closure-free class above."""
    return Engine("microgpt style", TupleValue, lambda node: node.args)


def tinygrad_edu() -> Engine:
    """The package that these benchmarks belong to."""
    from tinygrad_edu import Value

    return Engine("tinygrad_edu", Value, lambda node: node.args)


ENGINES = {"micrograd": micrograd, "microgpt-style": tuples, "tinygrad_edu": tinygrad_edu}
