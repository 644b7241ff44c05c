"""What people type who come from other libraries: what of it works, and what it is called here."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from tinygrad_edu.leaving import on_float

__all__ = ["NAMES", "Habits", "elsewhere"]

V = TypeVar("V", bound="Habits")

_ONE_NUMBER = "a Value is one number"
_PYTHONS = "a Value is a float of Python, 64 bits on the processor"
_VALUES = {  # attributes of tensors, and of the Value of micrograd
    "requires_grad": "every Value has a gradient, and plain numbers have none",
    "requires_grad_": "every Value has a gradient, and plain numbers have none",
    "retain_grad": "every node keeps its grad",
    "is_leaf": "a leaf has no args",
    "grad_fn": "op is the operation, args are its operands",
    "_op": "op is the operation",
    "_prev": "args are the operands, in order",
    "prev": "args are the operands, in order",
    "children": "args are the operands, in order",
    "parents": "args are the operands, in order",
    "_backward": "the local derivatives are in the table: help(tanh)",
    "value": "data is the number",
    "name": "label is the name",
    "numpy": "item() is the number",
    "tolist": "item() is the number",
    "clone": "x * 1 is another node, Value(x.data) another leaf",
    "copy": "x * 1 is another node, Value(x.data) another leaf",
    "shape": _ONE_NUMBER,
    "size": _ONE_NUMBER,
    "ndim": _ONE_NUMBER,
    "T": _ONE_NUMBER,
    "sum": f"{_ONE_NUMBER}: write sum([x, y])",
    "mean": f"{_ONE_NUMBER}: write sum(values) / len(values)",
    "dot": f"{_ONE_NUMBER}: write sum(a * b for a, b in zip(xs, ys))",
    "matmul": f"{_ONE_NUMBER}: write sum(a * b for a, b in zip(xs, ys))",
    "dtype": _PYTHONS,
    "device": _PYTHONS,
    "to": _PYTHONS,
    "cpu": _PYTHONS,
    "cuda": _PYTHONS,
    "double": _PYTHONS,
    "pow": "write x**y",
    "square": "write x**2",
    "reciprocal": "write 1 / x",
    "add": "write x + y",
    "sub": "write x - y",
    "mul": "write x * y",
    "div": "write x / y",
    "max": "write maximum(x, y)",
    "maximum": "write maximum(x, y)",
    "min": "write minimum(x, y)",
    "minimum": "write minimum(x, y)",
    "clamp": "write clip(x, low, high)",
    "clip": "write clip(x, low, high)",
    "where": "write where(condition, x, y)",
    "gelu": "write gelu(x)",
    "silu": "write silu(x)",
    "leaky_relu": "write leaky_relu(x)",
    "atan2": "write atan2(x, y)",
    "hypot": "write hypot(x, y)",
    "arcsin": "write x.asin()",
    "arccos": "write x.acos()",
    "arctan": "write x.atan()",
    "arcsinh": "write x.asinh()",
    "arccosh": "write x.acosh()",
    "arctanh": "write x.atanh()",
    "logistic": "write x.sigmoid()",
    "zero_": "write x.data = 0",
    "render": "write y.draw()",
    "show": "write y.draw()",
    "plot": "write y.draw()",
    "to_dot": "write y.draw().dot",
    "draw_dot": "write y.draw()",
    "graph": "write graph(y), or y.draw() for its picture",
    "explain": "write explain(y, x)",
    "steps": "write steps(y)",
    "orders": "write orders(y)",
    "gradient": "write gradient(y, [x])",
    "compile": "write compile(y, wrt=[x])",
}
NAMES = {  # names of torch, jax.numpy and micrograd.engine
    "Tensor": "Value is one number that remembers how it was computed",
    "tensor": "Value is one number that remembers how it was computed",
    "array": "a list of Values, or an array of them with dtype=object",
    "zeros": "[Value(0.0) for _ in range(n)]",
    "ones": "[Value(1.0) for _ in range(n)]",
    "randn": "[Value(random.gauss(0, 1)) for _ in range(n)], of Python's random",
    "rand": "[Value(random.random()) for _ in range(n)], of Python's random",
    "manual_seed": "what is random takes seed=, as MLP(2, [3, 1], seed=0) does",
    "no_grad": "numbers have no graph: give floats instead of Values, or write x.detach()",
    "stop_gradient": "x.detach() is the number without its graph",
    "sum": "sum([x, y]) is Python's own",
    "mean": "sum(values) / len(values)",
    "dot": "sum(a * b for a, b in zip(xs, ys))",
    "matmul": "sum(a * b for a, b in zip(xs, ys)) for each row and column",
    "max": "maximum(x, y)",
    "min": "minimum(x, y)",
    "pow": "x**y",
    "abs": "abs(x) is Python's own",
    "clamp": "clip(x, low, high)",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arctan2": "atan2",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "swish": "silu",
    "logistic": "sigmoid",
    "ReLU": "relu",
    "render": "y.draw().save('picture.svg')",
    "draw_dot": "y.draw()",
    "backward": "y.backward()",
    "vjp": "grad(f), or gradient(y, xs)",
    "jacrev": "jacobian(f)",
    "jacfwd": "jacobian(f)",
    "jit": "compile(y, wrt=[x])",
    "vmap": "compile(y, wrt=[w], inputs=[x]), whose inputs are columns of numbers",
    "save": "tinygrad_edu.saving.save",
    "load": "tinygrad_edu.saving.load",
}


def elsewhere(name: str, known: dict[str, str], where: str) -> NoReturn:
    """Says what a name of another library is here: an ImportError; else an AttributeError.

    An ImportError, because an AttributeError's words are lost in `from tinygrad_edu import ...`.
    """
    if name in known:
        raise ImportError(f"there is no {name} in {where}; here it is: {known[name]}")
    raise AttributeError(f"module {where!r} has no attribute {name!r}")


class Habits:
    """What a Value has because tensors have it."""

    __slots__ = ()

    if TYPE_CHECKING:
        _data: float

        def _lift(self: V, x: V | float) -> V: ...

    def __pos__(self: V) -> V:
        return self

    def item(self) -> float:
        """This returns the number, as a float: the same as `data`."""
        return self._told(sys._getframe(1))

    def detach(self: V) -> V:
        """This returns a constant of the same number: no gradient goes through it.

        A compiled step keeps the number that it had then, which a FrozenWarning says.
        """
        return self._lift(self._told(sys._getframe(1)))

    def _told(self, frame: FrameType) -> float:
        """The number, which who records a graph is told that this frame asked for."""
        asked = on_float.get()
        if asked is not None:
            asked(frame)
        return self._data

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            kind = type(self).__name__
            words = f"{kind!r} object has no attribute {name!r}"
            if name in _VALUES:
                words += f": {_VALUES[name]}"
            raise AttributeError(words)
