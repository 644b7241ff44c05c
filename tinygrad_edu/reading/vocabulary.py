"""The words of typed expressions: functions, their names in other libraries, constants."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tinygrad_edu import functions, ops
from tinygrad_edu.rows.formula import ATOM

__all__ = [
    "CONSTANTS",
    "FUNCTIONS",
    "INSTEAD",
    "MODULES",
    "Function",
    "every",
    "function",
    "instead",
    "nearest",
]

# The functions by name: the function, and the least and the greatest number of its arguments.
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    **{
        name: (op, len(op.derivatives), len(op.derivatives))
        for name, op in ops.TABLE.items()
        if op.precedence == ATOM
    },
    **functions.FUNCTIONS,
}
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}  # a given number with that name comes first
# `np.tanh(x)` is tanh(x), and `math.pi` is pi.
MODULES = set("np numpy math torch F nn jnp jax tf scipy special sp sympy tinygrad_edu te".split())

# Other names of functions, only in calls; a number can have each of these names.
_ALIASES = {"ln": "log", "σ": "sigmoid", "sigma": "sigmoid", "logistic": "sigmoid", "swish": "silu"}
_ALIASES |= {"maximum": "max", "minimum": "min", "absolute": "abs", "fabs": "abs", "sgn": "sign"}
_ALIASES |= {"expit": "sigmoid", "clamp": "clip", "tg": "tan", "arctg": "atan"}
_ALIASES |= {f"arc{name[1:]}": name for name in FUNCTIONS if re.match("a(sin|cos|tan)", name)}
_POWER = (ops.power, 2, 2)

# What to write for functions that do not exist here.
INSTEAD = {
    "add": "a + b", "sub": "a - b", "mul": "a * b", "div": "a / b", "neg": "-a",
    "sum": "a + b", "mean": "(a + b) / 2", "prod": "a * b", "dot": "a*b + c*d",
    "square": "a**2", "cbrt": "a**(1/3)", "rsqrt": "1 / sqrt(a)", "reciprocal": "1 / a",
    "sec": "1 / cos(a)", "csc": "1 / sin(a)", "cot": "1 / tan(a)", "ctg": "1 / tan(a)",
    "lg": "log10(a) or log2(a)", "logit": "log(a / (1 - a))", "logsigmoid": "-softplus(-a)",
    "softsign": "a / (1 + abs(a))", "relu6": "clip(a, 0, 6)", "hardtanh": "clip(a, -1, 1)",
    "heaviside": "step(a)", "round": "floor(a + 0.5)", "norm": "hypot(a, b)",
    "softmax": "exp(a) / (exp(a) + exp(b))", "logsumexp": "log(exp(a) + exp(b))",
    "mse": "(a - b)**2", "mse_loss": "(a - b)**2", "cross_entropy": "-log(p)",
}  # fmt: skip


class Function(NamedTuple):
    """A function for typed expressions, with `least` to `most` arguments."""

    name: str
    apply: Callable[..., Any]
    least: int
    most: int

    @property
    def usage(self) -> str:
        """An example of a call: `max(a, b)`."""
        return f"{self.name}({', '.join('abc'[: self.most])})"


def function(name: str) -> Function | None:
    """Returns the function with this name, also as `ReLU` or `TANH`; None if it is unknown."""
    if name not in FUNCTIONS:
        name = name.lower()
    known = _POWER if name == "pow" else FUNCTIONS.get(_ALIASES.get(name, name))
    return known and Function(name, *known)


def instead(name: str) -> str:
    """Returns a formula for a function that does not exist here; '' without one."""
    return INSTEAD.get(name.lower(), "")


def nearest(name: str, names: Iterable[str]) -> str:
    """Returns the similar ones of `names`, as ` (did you mean tanh?)`; '' without one."""
    from difflib import get_close_matches  # late: most words are right

    by_letters = {other.lower().replace("_", ""): other for other in names}
    found = get_close_matches(name.lower().replace("_", ""), by_letters, 2)
    meant = [by_letters[letters] for letters in found if by_letters[letters] != name]
    return f" (did you mean {' or '.join(meant)}?)" if meant else ""


def every() -> list[str]:
    """Returns all names of functions, for `nearest`, including those in other libraries."""
    return [*FUNCTIONS, *_ALIASES, "pow"]
