"""The table as machine code: for each row, a function that writes it for vectors.

A lane answers as `ieee` does, at nan, infinities and both zeros too. LLVM is left one freedom:
`muladd` rounds once or twice, as is faster, and either is near enough where it stands. (Code whose
flags are "contract", an optimizer's, leaves it that everywhere.)
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import inf, nan, sqrt

from tinygrad_edu.native.machine.vector import Vector, bits, muladd, when

LIBRARY = ("sin", "cos", "tan", "atan", "sinh", "cosh", "pow")  # C's functions, a lane at a time

# fmt: off
# log(2) in two parts: 12 zero bits end the first, so that it times a small whole k is exact.
LOG2 = (0.693147180559663, 2.8235290563031577e-13)
# An addend that rounds to a whole number, and leaves it in the last bits.
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
    *rest, highest = coefficients
    y = muladd(x, highest, rest.pop())
    while rest:
        y = muladd(x, y, rest.pop())
    return y


def _reduced(a: Vector) -> tuple[Vector, Vector]:
    """(ROUND + k, e**r - 1) where a = k * log(2) + r, k is whole and |r| <= log(2) / 2."""
    rounded = muladd(a, 1 / sum(LOG2), ROUND)
    k = rounded - ROUND
    r = muladd(k, -LOG2[1], muladd(k, -LOG2[0], a))
    r2 = r * r  # even and odd powers apart, because a machine can do the two at once
    p = muladd(r, _polynomial(r2, EXP[1::2]), _polynomial(r2, EXP[::2]))
    return rounded, muladd(r2, p, r)


def _power_of_2(rounded: Vector, unit: float = 1.0) -> Vector:
    """unit * 2**k of the bits of ROUND + k: k is added to its exponent."""
    return ((rounded.cast("i64") << 52) + bits(unit)).cast("double")


def _exp(a: Vector, unit: float = 1.0) -> Vector:
    """unit * 2**k * e**r / unit, for a <= 0; and for all if `unit` is 1/2, as 2**k is too large.

    What may be subnormal is at first made 2**128 times as large.
    """
    tiny = a < -700.0
    rounded, e = _reduced(when(a < -746.0, -746.0, a))
    power = _power_of_2(when(tiny, rounded + 128.0, rounded), unit)
    return muladd(power, e, power) * when(tiny, 2.0**-128 / unit, 1 / unit)


def _log_of(f: Vector, k: Vector) -> Vector:
    """log(2**k * (1 + f)), 1/2 <= (1 + f)**2 <= 2, in the order of FreeBSD's e_log.c.

    log(1 + f) is 2 * atanh(s), s = f / (2 + f); as f minus a small rest, its error is that of f.
    """
    s = f / (f + 2.0)
    z = s * s
    h = f * f * 0.5
    rest = h - muladd(s, muladd(z, _polynomial(z, ATANH), h), k * LOG2[1])
    return muladd(k, LOG2[0], f - rest)


def _log(a: Vector) -> Vector:
    """Of the bits of a = 2**k * m; with those of sqrt(1/2) off, k goes up where m is 1/sqrt(2)."""
    subnormal = a < 2.0**-1022
    x = when(subnormal, a * 2.0**54, a).cast("i64") + (bits(1.0) - bits(sqrt(0.5)))
    m = ((x & (1 << 52) - 1) + bits(sqrt(0.5))).cast("double")
    k = (x >> 52 | bits(2.0**52)).cast("double")  # and 2**52 + 1023 more
    k = k - when(subnormal, 2.0**52 + 1023 + 54, 2.0**52 + 1023)
    y = when(a < inf, _log_of(m - 1.0, k), inf)
    return when(a > 0.0, y, when(a.equals(0.0), -inf, nan))


def _tanh(a: Vector) -> Vector:
    """1 - 2 / (e**2|a| + 1); near 0, where that cancels, |a| - |a| * z * p / q; with a's sign.

    The latter is Lambert's a / (1 + z / (3 + z / (5 + ... + z / 15))) of 1761, z = a**2.
    """
    size = abs(a)
    z = size * size
    p = _polynomial(z, (675675.0, 45045.0, 594.0, 1.0)) * (size * z)
    q = _polynomial(z, (2027025.0, 945945.0, 51975.0, 630.0, 1.0))
    rounded, e = _reduced(2.0 * when(size > 22.0, 22.0, size))  # there it is 1 - 2**-62
    e = muladd(e + 1.0, _power_of_2(rounded), 1.0)
    small = size < 0.625
    y = when(small, size, 1.0) - when(small, p, 2.0) / when(small, q, e)
    return y.intrinsic("copysign", y, a)


def _sigmoid(a: Vector) -> Vector:
    e = _exp(-abs(a))
    return when(a >= 0.0, 1.0, e) / (e + 1.0)


def _softplus(a: Vector) -> Vector:
    """relu(a) + log(1 + e), where 1 + e is never computed, for a small e would be lost."""
    e = _exp(-abs(a))
    large = e > sqrt(2.0) - 1
    return _log_of(when(large, e * 0.5 - 0.5, e), when(large, 1.0, 0.0)) + ARITHMETIC["relu"](a)


def _library(name: str) -> Callable[..., Vector]:
    def row(*args: Vector) -> Vector:
        y = args[0].constant(0.0)
        for i in range(y.width):
            a, *more = (x.line(f"extractelement {x.type} {x.name}, i32 {i}", width=0) for x in args)
            lane = a.call(f"@{name}", a, *more)
            y = y.line(f"insertelement {y.type} {y.name}, double {lane.name}, i32 {i}")
        return y

    return row


ARITHMETIC: dict[str, Callable[..., Vector]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "max": lambda a, b: when(a > b, a, when(a.equals(a), b, a)),
    "min": lambda a, b: when(a < b, a, when(a.equals(a), b, a)),
    "less": lambda a, b: when(a < b, 1.0, when(a >= b, 0.0, nan)),
    "mask": lambda c, x: when(c.equals(0.0), 0.0, x),
    "neg": operator.neg,
    "abs": operator.abs,
    "step": lambda a: when(a > 0.0, 1.0, when(a <= 0.0, 0.0, nan)),
    "relu": lambda a: when(a <= 0.0, 0.0, a),
    "sqrt": lambda a: a.intrinsic("sqrt", a),
    "exp": lambda a: _exp(when(a > 710.0, 710.0, a), 0.5),
    "log": _log,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    **{name: _library(name) for name in LIBRARY},
}
