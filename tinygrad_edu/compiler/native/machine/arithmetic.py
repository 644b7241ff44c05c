"""Operations of the table as machine code: for each primitive, a function that writes it.

An operation that is made of others is written as these others, unless WRITERS has a faster function
for it; tests compare the results of both. A primitive that is not here calls a function of C, lane
by lane. Every lane has the result of `ieee`, also at nan, infinities and both zeros. LLVM has one
freedom: `muladd` rounds once or twice, whichever is faster. Both are accurate enough where
`muladd` is used. (In the code of optimizers, the flag "contract" gives this freedom everywhere.)

Singles: the operations in `BOTH` are computed as they are. All others become doubles, are computed
so, and are rounded at the end: each result is the one of doubles, rounded once more.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import inf, nan, sqrt

from tinygrad_edu.compiler.native.machine.llvm import WRITERS, Vector, bits, muladd, when
from tinygrad_edu.ops import TABLE

__all__ = ["ATANH", "BOTH", "EXP", "LIBRARY", "LOG2", "PAIRS", "ROUND"]

Pair = tuple[Vector, Vector]

# fmt: off
# log(2) in two parts. The first ends in 12 zero bits, so that its product with a small whole k is
# exact.
LOG2 = (0.693147180559663, 2.8235290563031577e-13)
# A float plus this number is rounded to a whole number, and the last bits hold the whole number.
ROUND = 1.5 * 2**52
# (e**r - 1 - r) / r**2 in powers of r from 0 up, for |r| <= log(2) / 2, with an error of 1e-16:
# mpmath.chebyfit(lambda r: hyp1f1(1, 3, r) / 2, [-log(2) / 2, log(2) / 2], 10)
EXP = (0.5000000000000001, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065,
       0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05,
       2.7557268480310024e-06, 2.7620075879983367e-07, 2.5100375832561234e-08)
# (2 * atanh(s) - 2 * s) / s**3 in powers of z = s**2, for z <= Z, with an error of 3e-16:
# mpmath.chebyfit(lambda z: hyp2f1(1, 1.5, 2.5, z) * 2 / 3, [0, Z], 7), Z = (3 - sqrt(8))**2
ATANH = (0.666666666666667, 0.39999999999899505, 0.28571428625975487, 0.2222221113479508,
         0.18182889125261723, 0.15331721600556042, 0.14616449685043406)
# fmt: on


def _polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """Returns the sum of coefficients[i] * x**i, by Horner's rule."""
    *rest, highest = coefficients
    y = muladd(x, highest, rest.pop())
    while rest:
        y = muladd(x, y, rest.pop())
    return y


def _reduced(a: Vector) -> tuple[Vector, Vector]:
    """Returns (ROUND + k, e**r - 1), where a = k * log(2) + r, k is whole, |r| <= log(2) / 2."""
    rounded = muladd(a, 1 / sum(LOG2), ROUND)
    k = rounded - ROUND
    r = muladd(k, -LOG2[1], muladd(k, -LOG2[0], a))
    r2 = r * r  # a processor can compute even and odd powers at the same time
    p = muladd(r, _polynomial(r2, EXP[1::2]), _polynomial(r2, EXP[::2]))
    return rounded, muladd(r2, p, r)


def _power_of_2(rounded: Vector, unit: float = 1.0) -> Vector:
    """Returns unit * 2**k, given ROUND + k: the bits of k are added to the exponent of unit."""
    return ((rounded.cast("i64") << 52) + bits(unit)).cast("double")


def _exp(a: Vector, unit: float = 1.0) -> Vector:
    """Returns e**a, computed as ((unit * 2**k) * e**r) / unit.

    unit: 1 if a <= 0; 1/2 allows every a. For large a, 2**k alone would be infinite. A result that
    may be subnormal is computed 2**128 times as large, and then scaled.
    """
    tiny = a < -700.0
    rounded, e = _reduced(when(a < -746.0, -746.0, a))
    power = _power_of_2(when(tiny, rounded + 128.0, rounded), unit)
    return muladd(power, e, power) * when(tiny, 2.0**-128 / unit, 1 / unit)


def _log_of(f: Vector, k: Vector) -> Vector:
    """Returns log(2**k * (1 + f)), 1/2 <= (1 + f)**2 <= 2, in the order of FreeBSD's e_log.c.

    log(1 + f) is 2 * atanh(s), s = f / (2 + f). It is computed as f minus a small rest, so that
    the error of the rest hardly matters.
    """
    s = f / (f + 2.0)
    z = s * s
    h = f * f * 0.5
    rest = h - muladd(s, muladd(z, _polynomial(z, ATANH), h), k * LOG2[1])
    return muladd(k, LOG2[0], f - rest)


def _log(a: Vector) -> Vector:
    """Returns log(a), from the bits of a = 2**k * m, 1/2 <= m**2 < 2.

    The bits of sqrt(1/2) are subtracted first, so that k counts up where m reaches sqrt(2).
    """
    subnormal = a < 2.0**-1022
    x = when(subnormal, a * 2.0**54, a).cast("i64") + (bits(1.0) - bits(sqrt(0.5)))
    m = ((x & (1 << 52) - 1) + bits(sqrt(0.5))).cast("double")
    k = (x >> 52 | bits(2.0**52)).cast("double")  # so far, k + 2**52 + 1023
    k = k - when(subnormal, 2.0**52 + 1023 + 54, 2.0**52 + 1023)
    y = when(a < inf, _log_of(m - 1.0, k), inf)
    return when(a > 0.0, y, when(a.equals(0.0), -inf, nan))


def _tanh(a: Vector) -> Vector:
    """Returns 1 - 2 / (e**2|a| + 1), with the sign of a.

    Near 0 this difference would lose digits, so |a| - |a| * z * p / q is computed there. That is
    Lambert's fraction of 1761, a / (1 + z / (3 + z / (5 + ... + z / 15))), z = a**2.
    """
    size = abs(a)
    z = size * size
    p = _polynomial(z, (675675.0, 45045.0, 594.0, 1.0)) * (size * z)
    q = _polynomial(z, (2027025.0, 945945.0, 51975.0, 630.0, 1.0))
    rounded, e = _reduced(2.0 * when(size > 22.0, 22.0, size))  # tanh(22) is 1 - 2**-62
    e = muladd(e + 1.0, _power_of_2(rounded), 1.0)
    small = size < 0.625
    y = when(small, size, 1.0) - when(small, p, 2.0) / when(small, q, e)
    return y.intrinsic("copysign", y, a)


def _log1p(a: Vector) -> Vector:
    """Returns log(1 + a). For a small a, 1 + a is never rounded."""
    inside = (a > sqrt(0.5) - 1) & (a < sqrt(2.0) - 1)
    y = when(inside, _log_of(when(inside, a, 0.0), a.constant(0.0)), _log1p_far(a))
    return when(a.equals(0.0), a, y)  # -0 stays -0


def _log1p_far(a: Vector) -> Vector:
    """Returns log(u) + c / u, where u is 1 + a rounded, and c the exact rounding error."""
    u = a + 1.0
    c = when(a > 1.0, 1.0 - (u - a), a - (u - 1.0))
    y = _log(u)
    return when(abs(y) < inf, y + c / u, y)


def _sigmoid(a: Vector) -> Vector:
    y, _ = _sigmoid_and_bell(a)
    return y


def _bell(a: Vector) -> Vector:
    _, slope = _sigmoid_and_bell(a)
    return slope


def _sigmoid_and_bell(a: Vector) -> tuple[Vector, Vector]:
    """Returns (sigmoid, bell).

    The smaller of sigmoid and 1 - sigmoid is accurate, so the other is, too.
    """
    e = _exp(-abs(a))
    t = e / (e + 1.0)
    rest = 1.0 - t
    return when(a >= 0.0, rest, t), t * rest


def _tanh_and_sech2(a: Vector) -> tuple[Vector, Vector]:
    _, slope = _sigmoid_and_bell(2.0 * a)
    return _tanh(a), 4.0 * slope


def _in_doubles(write: Callable[..., Vector]) -> Callable[..., Vector]:
    """Returns a writer that computes singles as doubles, and rounds the result."""

    def writer(*args: Vector) -> Vector:
        if args[0].kind == "double":
            return write(*args)
        return write(*(x.rounded("double") for x in args)).rounded("float")

    return writer


def _pair_in_doubles(write: Callable[[Vector], Pair]) -> Callable[[Vector], Pair]:
    """Returns the same as `_in_doubles` for a writer of two results."""

    def writer(a: Vector) -> Pair:
        if a.kind == "double":
            return write(a)
        y, slope = write(a.rounded("double"))
        return y.rounded("float"), slope.rounded("float")

    return writer


def _library(name: str) -> Callable[..., Vector]:
    """Returns a writer that calls C's function of that name, one lane at a time."""

    def row(*args: Vector) -> Vector:
        y = args[0].constant(0.0)
        for i in range(y.width):
            a, *more = (x.line(f"extractelement {x.type} {x.name}, i32 {i}", width=0) for x in args)
            lane = a.call(f"@{name}", a, *more)
            y = y.line(f"insertelement {y.type} {y.name}, double {lane.name}, i32 {i}")
        return y

    return row


WRITERS |= {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "abs": operator.abs,
    "sqrt": lambda a: a.intrinsic("sqrt", a),
    "floor": lambda a: a.intrinsic("floor", a),
    "exp": lambda a: _exp(when(a > 710.0, 710.0, a), 0.5),
    "log": _log,
    "log1p": _log1p,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "bell": _bell,
}
# Pairs of operations that share an exponential; the second is the derivative of the first.
PAIRS = {
    ("sigmoid", "bell"): _pair_in_doubles(_sigmoid_and_bell),
    ("tanh", "sech2"): _pair_in_doubles(_tanh_and_sech2),
}
LIBRARY = [name for name, op in TABLE.items() if op.primitive and name not in WRITERS]
WRITERS |= {name: _library(name) for name in LIBRARY}
# Operations that IEEE 754 rounds once, and those that are exact, in doubles and in singles.
BOTH = {"add", "sub", "mul", "div", "neg", "abs", "sqrt", "floor"}
WRITERS |= {name: _in_doubles(write) for name, write in WRITERS.items() if name not in BOTH}
