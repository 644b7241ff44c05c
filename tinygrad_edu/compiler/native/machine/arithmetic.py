"""Operations of the table as machine code: for each primitive, a function that writes it.

An operation that is made of others is written as these others, unless WRITERS has a faster function
for it; tests compare the results of both. A primitive that is not here calls a function of C, lane
by lane. Every lane has the result of `ieee`, also at nan, infinities and both zeros. LLVM has one
freedom: `muladd` rounds once or twice, whichever is faster. Both are accurate enough where
`muladd` is used. (In the code of optimizers, the flag "contract" gives this freedom everywhere.)

Singles have shorter polynomials and other constants: see `Form`. Where a function of C is called,
they become doubles, and the result is rounded.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan, sqrt

from tinygrad_edu.compiler.native.machine.llvm import WRITERS, Vector, bits, muladd, when
from tinygrad_edu.ops import TABLE

__all__ = ["ATANH", "EXP", "LIBRARY", "LOG2", "PAIRS", "ROUND", "SINGLE"]

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


@dataclass(frozen=True, slots=True)
class Form:
    """What the functions below have to know about doubles or singles.

    integer: the type of an integer with as many bits. digits: the bits behind the exponent. bias:
    the exponent of 1. round, log2, exp, atanh: as the constants above. least: e to this power is 0.
    small: e to a power below this may be subnormal. scale: the power of 2 that makes such results
    normal. most: e to a power a little below it is infinite. flat: tanh is 1 from there on.
    """

    integer: str
    digits: int
    bias: int
    round: float
    log2: tuple[float, float]
    exp: tuple[float, ...]
    atanh: tuple[float, ...]
    least: float
    small: float
    scale: int
    most: float
    flat: float


DOUBLE = Form(
    integer="i64",
    digits=52,
    bias=1023,
    round=ROUND,
    log2=LOG2,
    exp=EXP,
    atanh=ATANH,
    least=-746.0,
    small=-700.0,
    scale=128,
    most=710.0,
    flat=22.0,  # tanh(22) is 1 - 2**-62
)
# The first part of log(2) has 9 bits. Six terms and four have errors of 1.4e-9 and 1.2e-9.
SINGLE = Form(
    integer="i32",
    digits=23,
    bias=127,
    round=1.5 * 2**23,
    log2=(0.693359375, -0.00021219444005469057),
    exp=(
        0.5000000013457727,
        0.16666666681614256,
        0.04166646500604005,
        0.008333310934448869,
        0.0013933641031986701,
        0.00019890980869750327,
    ),
    atanh=(0.6666666655449709, 0.40000121839806124, 0.28550820815960665, 0.23330467216303835),
    least=-104.0,
    small=-80.0,
    scale=64,
    most=89.0,
    flat=10.0,  # tanh(10) is 1 - 2**-28
)
FORMS = {"double": DOUBLE, "float": SINGLE}


def _polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """Returns the sum of coefficients[i] * x**i, by Horner's rule."""
    *rest, highest = coefficients
    y = muladd(x, highest, rest.pop())
    while rest:
        y = muladd(x, y, rest.pop())
    return y


def _reduced(a: Vector) -> tuple[Vector, Vector]:
    """Returns (round + k, e**r - 1), where a = k * log(2) + r, k is whole, |r| <= log(2) / 2."""
    form = FORMS[a.kind]
    high, low = form.log2
    rounded = muladd(a, 1 / (high + low), form.round)
    k = rounded - form.round
    r = muladd(k, -low, muladd(k, -high, a))
    r2 = r * r  # a processor can compute even and odd powers at the same time
    p = muladd(r, _polynomial(r2, form.exp[1::2]), _polynomial(r2, form.exp[::2]))
    return rounded, muladd(r2, p, r)


def _power_of_2(rounded: Vector, unit: float = 1.0) -> Vector:
    """Returns unit * 2**k, given round + k: the bits of k are added to the exponent of unit."""
    kind, form = rounded.kind, FORMS[rounded.kind]
    return ((rounded.cast(form.integer) << form.digits) + bits(unit, kind)).cast(kind)


def _exp(a: Vector, unit: float = 1.0) -> Vector:
    """Returns e**a, computed as ((unit * 2**k) * e**r) / unit.

    unit: 1 if a <= 0; 1/2 allows every a. For large a, 2**k alone would be infinite. A result that
    may be subnormal is computed 2**scale times as large, and then scaled.
    """
    form = FORMS[a.kind]
    tiny = a < form.small
    rounded, e = _reduced(when(a < form.least, form.least, a))
    power = _power_of_2(when(tiny, rounded + float(form.scale), rounded), unit)
    return muladd(power, e, power) * when(tiny, 2.0**-form.scale / unit, 1 / unit)


def _exp_of_any(a: Vector) -> Vector:
    """Returns e**a, also where it is infinite."""
    most = FORMS[a.kind].most
    return _exp(when(a > most, most, a), 0.5)


def _log_of(f: Vector, k: Vector) -> Vector:
    """Returns log(2**k * (1 + f)), 1/2 <= (1 + f)**2 <= 2, in the order of FreeBSD's e_log.c.

    log(1 + f) is 2 * atanh(s), s = f / (2 + f). It is computed as f minus a small rest, so that
    the error of the rest hardly matters.
    """
    form = FORMS[f.kind]
    s = f / (f + 2.0)
    z = s * s
    h = f * f * 0.5
    rest = h - muladd(s, muladd(z, _polynomial(z, form.atanh), h), k * form.log2[1])
    return muladd(k, form.log2[0], f - rest)


def _log(a: Vector) -> Vector:
    """Returns log(a), from the bits of a = 2**k * m, 1/2 <= m**2 < 2.

    The bits of sqrt(1/2) are subtracted first, so that k counts up where m reaches sqrt(2).
    """
    kind, form = a.kind, FORMS[a.kind]
    n, root = form.digits, bits(sqrt(0.5), kind)
    subnormal = a < 2.0 ** (1 - form.bias)
    x = when(subnormal, a * 2.0 ** (n + 2), a).cast(form.integer) + (bits(1.0, kind) - root)
    m = ((x & (1 << n) - 1) + root).cast(kind)
    k = (x >> n | bits(2.0**n, kind)).cast(kind)  # so far, k + 2**n + bias
    k = k - when(subnormal, 2.0**n + form.bias + n + 2, 2.0**n + form.bias)
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
    flat = FORMS[a.kind].flat
    rounded, e = _reduced(2.0 * when(size > flat, flat, size))
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

    The smaller of sigmoid and 1 - sigmoid is accurate, so the other is, too. It is
    1 / (1 + e**|a|), with both sides multiplied by a small unit: then the power is finite even
    where the result is subnormal.
    """
    form = FORMS[a.kind]
    unit, size = 2.0**-form.scale, abs(a)
    rounded, e = _reduced(when(size > -form.least, -form.least, size))
    power = _power_of_2(rounded, unit)
    t = unit / (muladd(power, e, power) + unit)
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
    "exp": _exp_of_any,
    "log": _log,
    "log1p": _log1p,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "bell": _bell,
}
# Pairs of operations that share an exponential; the second is the derivative of the first.
PAIRS = {("sigmoid", "bell"): _sigmoid_and_bell, ("tanh", "sech2"): _tanh_and_sech2}
LIBRARY = [name for name, op in TABLE.items() if op.primitive and name not in WRITERS]
WRITERS |= {name: _in_doubles(_library(name)) for name in LIBRARY}
