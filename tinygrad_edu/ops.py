"""THE TABLE: an operation is one row; drawing, checking and all derivatives follow from it.

A row is a name, the value on floats, and for each argument a *local derivative* d y / d argument,
a rule of the result `y` and the arguments `a` and `b`, always in that order. A rule uses only
operators, numbers and rows of the table: no `if`, no `math.`, no comparison. So the same rule,
given floats, yields a number; given Values, a new graph; given Formulas, text. It is called only
for an argument that somebody differentiates by, and late: (-4)**3 never asks for log(-4), and
the rule of a**b, which holds a**(b - 1), does not go on for ever.

Nothing raises: values come from `ieee`, and rules are called again in IEEE arithmetic where
Python's floats raise or turn complex. Where a result is nan, so is every local derivative of it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from tinygrad_edu import ieee
from tinygrad_edu.ieee import IEEE, number, total

Rule = Callable[..., Any]


class Op(str):
    """One operation; as text it is its symbol, which is what a picture shows.

    Your own is one row too: `cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)`.
    """

    __slots__ = ("da", "db", "derivatives", "name", "value")
    name: str
    value: Any
    derivatives: tuple[Rule, ...]
    da: Any
    db: Any

    def __new__(cls, name: str, value: Rule | None, *rules: Rule, symbol: str = "") -> Op:
        if not name.isidentifier() or len(rules) > 2 or not all(map(callable, rules)):
            raise TypeError(f"{name!r}: expected an identifier, a function, a rule per argument")
        op = super().__new__(cls, symbol or name if rules else "")
        op.name, op.value, op.derivatives = name, value, rules
        op.da, op.db = (*rules, None, None)[:2]
        return op

    def __call__(self, *args: Any) -> Any:
        """The result: a float for numbers, a Value for Values, text for Formulas."""
        if len(args) != len(self.derivatives):
            raise TypeError(f"{self.name} takes {len(self.derivatives)} operands, not {len(args)}")
        for x in args:
            if type(x) is not float and hasattr(x, "_apply"):
                return x._apply(self, *args)
        return (IEEE if IEEE in map(type, args) else float)(total(self.value, *map(number, args)))

    def __reduce__(self) -> str:
        return self.name  # copied and pickled as functions are: not at all, and by name


TABLE: dict[str, Op] = {}


def _row(name: str, value: Rule, *rules: Rule, symbol: str = "") -> Op:
    TABLE[name] = Op(name, value, *rules, symbol=symbol)
    return TABLE[name]


def one(y: Any, a: Any, b: Any = None) -> float:
    """1: the rule that passes an adjoint on as it is, which a sweep looks for."""
    return 1.0


# Conventions at kinks, PyTorch's (notes/autograd, rule 2, least norm): step, relu and abs have 0
# at 0, max and min half each at a tie; a**b is flat in a at b = 0, and 0**b in b for b >= 0.
# `mask` keeps out of a sum what must not count: 0 * inf, log(0).
# fmt: off
#               name       value           d y / d a, and below it d y / d b
add      = _row("add",     operator.add,   one,
                                           one,                                      symbol="+")
sub      = _row("sub",     operator.sub,   one,
                                           lambda y, a, b: -1.0,                     symbol="-")
mul      = _row("mul",     operator.mul,   lambda y, a, b: b,
                                           lambda y, a, b: a,                        symbol="*")
div      = _row("div",     ieee.divide,    lambda y, a, b: 1 / b,
                                           lambda y, a, b: -y / b,                   symbol="/")
power    = _row("pow",     ieee.power,     lambda y, a, b: mask(b, b * a**(b - 1)),
                             lambda y, a, b: mask(step(abs(a)) + step(-b), y * log(a)), symbol="**")
maximum  = _row("max",     ieee.maximum,   lambda y, a, b: (1 + less(b, a) - less(a, b)) / 2,
                                           lambda y, a, b: (1 + less(a, b) - less(b, a)) / 2)
minimum  = _row("min",     ieee.minimum,   lambda y, a, b: (1 + less(a, b) - less(b, a)) / 2,
                                           lambda y, a, b: (1 + less(b, a) - less(a, b)) / 2)
less: Op = _row("less",    ieee.less,      lambda y, a, b: 0.0,
                                           lambda y, a, b: 0.0)
mask: Op = _row("mask",    ieee.mask,      lambda y, a, b: 0.0,
                                           lambda y, a, b: mask(a, 1.0))
neg      = _row("neg",     operator.neg,   lambda y, a: -1.0)
absolute = _row("abs",     operator.abs,   lambda y, a: step(a) - step(-a))
step: Op = _row("step",    ieee.step,      lambda y, a: 0.0)
relu     = _row("relu",    ieee.relu,      lambda y, a: step(a))
exp      = _row("exp",     ieee.exp,       lambda y, a: y)
log: Op =  _row("log",     ieee.log,       lambda y, a: 1 / a)
sqrt     = _row("sqrt",    ieee.sqrt,      lambda y, a: 1 / (2 * y))
sin      = _row("sin",     ieee.sin,       lambda y, a: cos(a))
cos: Op =  _row("cos",     ieee.cos,       lambda y, a: -sin(a))
tan      = _row("tan",     ieee.tan,       lambda y, a: 1 + y**2)
atan     = _row("atan",    math.atan,      lambda y, a: 1 / (1 + a**2))
sinh     = _row("sinh",    ieee.sinh,      lambda y, a: cosh(a))
cosh: Op = _row("cosh",    ieee.cosh,      lambda y, a: sinh(a))
tanh     = _row("tanh",    math.tanh,      lambda y, a: 1 - y**2)
sigmoid  = _row("sigmoid", ieee.sigmoid,   lambda y, a: y * (1 - y))
softplus = _row("softplus", ieee.softplus, lambda y, a: sigmoid(a))
# fmt: on
# Not in the table: what has no operands, and what stands in where a result is nan.
LEAF, CONSTANT = Op("leaf", None), Op("constant", None)
UNDEFINED = Op("undefined", None, lambda y, a, b=0.0: a * math.nan, lambda y, a, b: b * math.nan)
