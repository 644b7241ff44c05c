"""NumPy's functions of Values: `np.exp(x)`, `np.array([1.0, 2.0]) * x`.

NumPy calls a Value's method of the same name for each element. The resulting arrays hold Values,
as `np.array([x, y])` does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.functions import clip
from tinygrad_edu.habits.leaving import IDENTITY, compared, on_float

__all__ = ["NUMPYS", "elementwise", "is_array"]

_RENAMED: dict[str, Callable[..., Any]] = {  # NumPy's names that differ from the table's
    "add": ops.add,
    "subtract": ops.sub,
    "multiply": ops.mul,
    "divide": ops.div,
    "true_divide": ops.div,
    "power": ops.power,
    "float_power": ops.power,
    "negative": ops.neg,
    "positive": operator.pos,
    "absolute": ops.absolute,
    "fabs": ops.absolute,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "clip": clip,
    "arcsin": ops.asin,
    "arccos": ops.acos,
    "arctan": ops.atan,
    "arctan2": ops.atan2,
    "arcsinh": ops.asinh,
    "arccosh": ops.acosh,
    "arctanh": ops.atanh,
}
_SAME = (
    "exp exp2 expm1 log log2 log10 log1p sqrt sin cos tan sinh cosh tanh hypot sign floor ceil"
).split()
NUMPYS: dict[str, Callable[..., Any]] = {**_RENAMED, **{name: ops.TABLE[name] for name in _SAME}}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.is_,  # identity, as for `==` of Values
    "not_equal": operator.is_not,
}
_QUESTIONS: dict[str, Callable[..., Any]] = {
    "isnan": lambda x: math.isnan(float(x)),
    "isinf": lambda x: math.isinf(float(x)),
    "isfinite": lambda x: math.isfinite(float(x)),
}
_INSTEAD = {
    "cbrt": "sign(x) * abs(x) ** (1 / 3)",
    "heaviside": "step(x)",
    "logaddexp": "log(exp(x) + exp(y))",
    "floor_divide": "floor(x / y)",
    "remainder": "x - y * floor(x / y)",
    "fmod": "x - y * sign(x / y) * floor(abs(x / y))",
    "fmax": "maximum(x, y)",
    "fmin": "minimum(x, y)",
    "deg2rad": "x * (math.pi / 180)",
    "radians": "x * (math.pi / 180)",
    "rad2deg": "x * (180 / math.pi)",
    "degrees": "x * (180 / math.pi)",
    "matmul": "sum(a * b for a, b in zip(xs, ys)), or np.array(xs) @ np.array(ys)",
    "rint": "floor(x + 0.5)",
    "trunc": "sign(x) * floor(abs(x))",
    "conjugate": "x: it is real",
}


def is_array(x: object) -> bool:
    """Whether `x` is an array of NumPy or of a similar library."""
    return hasattr(x, "ndim")


def _has_number(x: Any, kind: type) -> bool:
    """Whether `x` is or contains a plain number, not a Value of the class `kind`."""
    if isinstance(x, list | tuple) or bool(getattr(x, "ndim", 0)):
        return any(_has_number(item, kind) for item in x)
    return not isinstance(x, kind) and hasattr(x, "__float__") and not isinstance(x, type)


def elementwise(
    ufunc: Any,
    method: str,
    inputs: Sequence[Any],
    named: Mapping[str, Any],
    kind: type,
    frame: FrameType,
) -> Any:
    """Returns the result of a ufunc of NumPy with a Value of class `kind` among its inputs.

    It is a Value or a bool, or an array of these if an input is an array. frame: the caller's.
    TypeError for a function without a rule, and for an output array of floats.
    """
    import numpy as np  # late: the caller has imported it already

    name = ufunc.__name__
    function = {**NUMPYS, **_COMPARISONS, **_QUESTIONS}.get(name)
    if function is None or method != "__call__":
        called = name if method == "__call__" else f"{name}.{method}"
        cure = f"tinygrad_edu has no {name}: compose it of other functions, or make your own Op"
        if name in _INSTEAD or method != "__call__":
            cure = f"write {_INSTEAD.get(name, 'a sum or a loop over the Values')}"
        raise TypeError(f"np.{called} does not work on Values: {cure}")
    if any(str(getattr(x, "dtype", "object")) != "object" for x in named.get("out", ())):
        raise TypeError("an array of floats cannot hold Values: write a = a * x, not a *= x")
    if name in ("equal", "not_equal") and any(_has_number(x, kind) for x in inputs):
        compared(IDENTITY, frame)
    asked = on_float.get()
    if name in _QUESTIONS and asked is not None:
        asked(frame)

    if not named and not any(isinstance(x, np.ndarray | list | tuple) for x in inputs):
        return function(*inputs)

    def boxed(x: Any) -> Any:
        box = np.empty((), object)  # a bare Value would make NumPy call this function again
        box[()] = x
        return box

    args = [boxed(x) if isinstance(x, kind) else x for x in inputs]
    with np.errstate(all="ignore"):  # the nan or inf in the result is warning enough
        result = np.frompyfunc(function, len(args), 1)(*args, **named)
    is_answer = name not in NUMPYS and isinstance(result, np.ndarray)
    return result.astype(bool) if is_answer else result
