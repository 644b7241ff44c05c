"""What people type who come from other libraries: what of it works, and what it is called here."""

from __future__ import annotations

import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TypeVar

from tinygrad_edu.leaving import on_float

__all__ = ["NAMES", "Habits", "elsewhere"]

V = TypeVar("V", bound="Habits")

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
    """What a Value has because tensors have it.

    No `__getattr__` here: with one, CPython 3.11 reads every attribute of a Value the slow way, and
    building a graph takes 1.5 times as long (findings/attrs-cached-property.sh).
    """

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

        A compiled loss keeps the number that it had then, which a FrozenWarning says.
        """
        return self._lift(self._told(sys._getframe(1)))

    def _told(self, frame: FrameType) -> float:
        """The number, for that frame. A recording is told that it was asked for, as by `data`."""
        asked = on_float.get()
        if asked is not None:
            asked(frame)
        return self._data
