"""Real arithmetic made total: the result of IEEE 754 wherever Python would raise or turn complex.

Python is inconsistent: `1e200 * 1e200` is inf, `1e200 ** 2` raises OverflowError, `1 / 0.0` raises
ZeroDivisionError and `(-2) ** 0.5` is complex. Here the result of every operation is a float: that
of IEEE 754-2019 (sections 6 and 9.2), or nan if the operation has no result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from math import copysign, inf, nan
from numbers import Real
from typing import Any

from tinygrad_edu.errors import NumberError

__all__ = ["IEEE", "number", "same", "total", "total_program"]


def divide(a: float, b: float) -> float:
    """a / b: a zero divisor gives an infinity by its sign, and 0/0 is nan."""
    if b:
        return a / b
    return nan if a == 0 or a != a else copysign(inf, a) * copysign(1.0, b)


def power(a: float, b: float) -> float:
    """a ** b, never complex: nan for a negative base and a fractional exponent."""
    try:
        return math.pow(a, b)
    except OverflowError:
        return copysign(inf, a) if b % 2 == 1 else inf
    except ValueError:
        if a:
            return nan
        return copysign(inf, a) if b % 2 == 1 else inf  # zero to a negative power


def exp(a: float) -> float:
    """e ** a, inf above 709.78."""
    try:
        return math.exp(a)
    except OverflowError:
        return inf


def log(a: float) -> float:
    """The natural logarithm: -inf at 0, nan below."""
    if a > 0:
        return math.log(a)
    return -inf if a == 0 else nan


def sqrt(a: float) -> float:
    """The square root, nan below 0."""
    return math.sqrt(a) if a >= 0 else nan


def sin(a: float) -> float:
    """The sine of `a` radians, nan at an infinity."""
    return math.sin(a) if math.isfinite(a) else nan


def cos(a: float) -> float:
    """The cosine of `a` radians, nan at an infinity."""
    return math.cos(a) if math.isfinite(a) else nan


def tan(a: float) -> float:
    """The tangent of `a` radians, nan at an infinity."""
    return math.tan(a) if math.isfinite(a) else nan


def sinh(a: float) -> float:
    """The hyperbolic sine, an infinity beyond +-710.47."""
    try:
        return math.sinh(a)
    except OverflowError:
        return copysign(inf, a)


def cosh(a: float) -> float:
    """The hyperbolic cosine, inf beyond +-710.47."""
    try:
        return math.cosh(a)
    except OverflowError:
        return inf


def log2(a: float) -> float:
    """The logarithm to base 2: -inf at 0, nan below."""
    return math.log2(a) if a > 0 else log(a)


def log10(a: float) -> float:
    """The logarithm to base 10: -inf at 0, nan below."""
    return math.log10(a) if a > 0 else log(a)


def log1p(a: float) -> float:
    """log(1 + a), where 1 + a is not rounded: -inf at -1, nan below."""
    return math.log1p(a) if a > -1 else log(1.0 + a)


def expm1(a: float) -> float:
    """e ** a - 1, where e ** a is not rounded: inf above 709.78."""
    try:
        return math.expm1(a)
    except OverflowError:
        return inf


def asin(a: float) -> float:
    """The angle from -pi/2 to pi/2 whose sine is `a`, nan outside of -1 to 1."""
    return math.asin(a) if -1 <= a <= 1 else nan


def acos(a: float) -> float:
    """The angle from 0 to pi whose cosine is `a`, nan outside of -1 to 1."""
    return math.acos(a) if -1 <= a <= 1 else nan


def acosh(a: float) -> float:
    """The number from 0 up whose hyperbolic cosine is `a`, nan below 1."""
    return math.acosh(a) if a >= 1 else nan


def atanh(a: float) -> float:
    """The number whose hyperbolic tangent is `a`: an infinity at 1 and -1, nan beyond."""
    if -1 < a < 1:
        return math.atanh(a)
    return copysign(inf, a) if abs(a) == 1 else nan


def floor(a: float) -> float:
    """The largest whole number that is not above `a`; zeros and infinities stay as they are."""
    return float(math.floor(a)) if a and math.isfinite(a) else a


class IEEE(float):
    """A float whose operators never raise and give an IEEE again.

    The other operand is a float; with a Value, Python calls the Value's operator.
    """

    __slots__ = ()

    def __neg__(self) -> IEEE:
        return IEEE(-float(self))

    def __abs__(self) -> IEEE:
        return IEEE(math.fabs(self))

    def __add__(self, other: float) -> IEEE:
        return IEEE(float(self) + other)

    def __sub__(self, other: float) -> IEEE:
        return IEEE(float(self) - other)

    def __rsub__(self, other: float) -> IEEE:
        return IEEE(other - float(self))

    def __mul__(self, other: float) -> IEEE:
        return IEEE(float(self) * other)

    def __truediv__(self, other: float) -> IEEE:
        return IEEE(divide(float(self), float(other)))

    def __rtruediv__(self, other: float) -> IEEE:
        return IEEE(divide(float(other), float(self)))

    def __pow__(self, other: float, _: None = None) -> IEEE:
        return IEEE(power(float(self), float(other)))

    def __rpow__(self, other: float, _: None = None) -> IEEE:
        return IEEE(power(float(other), float(self)))

    __radd__, __rmul__ = __add__, __mul__


def same(x: float, y: float) -> bool:
    """Whether two floats are the same number: nan equals nan, but 0.0 differs from -0.0."""
    return x is y or repr(x) == repr(y)


def number(x: object) -> float:
    """Returns the real number `x` (int, bool, Fraction, NumPy scalar, 0-d array) as a float.

    NumberError (a TypeError) for anything else; OverflowError for a number too large for a float.
    """
    if type(x) is float or type(x) is IEEE:
        return x
    real = x if type(x) is int else _real(x)
    try:
        return float(real)
    except OverflowError:
        name = type(x).__name__
        raise OverflowError(f"this {name} is larger than 1.8e308, the largest float") from None


def _real(x: object) -> Real:
    """Returns `x`, or what a NumPy scalar holds, if that is a real number; NumberError if not."""
    scalar = hasattr(x, "dtype") and (not hasattr(x, "__len__") or getattr(x, "ndim", 1) == 0)
    if scalar and not isinstance(x, Real) and hasattr(x, "item"):
        x = x.item()  # numpy.bool_ is a scalar, but not a numbers.Real
    if not isinstance(x, Real):
        cure = ""
        if hasattr(x, "__len__") and not isinstance(x, str | bytes | dict):
            cure = ": take its numbers one by one"
        elif hasattr(x, "backward"):
            cure = ": its number is x.data"
        raise NumberError(f"expected one real number, got {_a(type(x).__name__)}{cure}")
    return x


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeiouAEIOU" else f"a {noun}"


def total_program(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a generated function, which gives a value and its gradient, so that it never raises.

    Plain numbers become IEEE numbers for the call. Given Values, it calls `function` unchanged.
    """

    @wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        if not all(isinstance(x, Real) for x in (*args, *named.values())):
            return function(*args, **named)
        value, gradient = function(
            *(IEEE(number(x)) for x in args), **{k: IEEE(number(x)) for k, x in named.items()}
        )
        return float(value), [float(x) for x in gradient]

    return called


def total(function: Callable[..., Any], *args: float) -> float:
    """Returns `function` of the floats, in IEEE arithmetic if Python's raises or turns complex."""
    try:
        result = function(*args)
        if type(result) is float:
            return result
        if type(result) is not complex:
            return float(result)
    except (ArithmeticError, NumberError):  # NumberError: another function got a complex number
        pass
    return float(function(*map(IEEE, args)))
