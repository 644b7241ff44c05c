"""The table as machine code: for each row, a function of vectors in LLVM's language.

It is written as rules are called, with a stand-in for the arguments: where floats give a number
and Formulas text, a `Vector` gives instructions, one for each operation on it. So `a * 2 + 1`
writes, for vectors of two lanes,

    %v0 = fmul <2 x double> %a, <double 0x4000000000000000, double 0x4000000000000000>
    %v1 = fadd <2 x double> %v0, <double 0x3ff0000000000000, double 0x3ff0000000000000>

A lane answers as `ieee` does, at nan, infinities and both zeros too. LLVM is left no freedom but
one: `_muladd` rounds once or twice, as is faster, and either is near enough where it stands.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from math import inf, nan, sqrt

from tinygrad_edu.ops import TABLE, Op

LIBRARY = ("sin", "cos", "tan", "atan", "sinh", "cosh", "pow")  # C's functions, a lane at a time


def _infix(name: str, kind: str = "") -> Callable[[Vector, Vector | float], Vector]:
    return lambda a, b: a.instruction(name, a, b, kind)


def _reflected(name: str) -> Callable[[Vector, float], Vector]:
    return lambda b, a: b.instruction(name, a, b)


class Vector:
    """A vector in a function that is being written: its name there, and the kind of its lanes.

    They are floats ("double"), their 64 bits as an integer that wraps round ("i64"), or what a
    comparison says ("i1").
    """

    def __init__(self, lines: list[str], width: int, name: str, kind: str = "double") -> None:
        self.lines, self.width, self.name, self.kind = lines, width, name, kind
        self.type = f"<{width} x {kind}>"

    def write(self, text: str, kind: str = "") -> Vector:
        """The result of one more line of the function."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return Vector(self.lines, self.width, name, kind or self.kind)

    def operand(self, x: Vector | float) -> str:
        """`x` as it stands in an instruction on this vector: a number is put in every lane."""
        if isinstance(x, Vector):
            return x.name
        lane = f"i64 {x}" if self.kind == "i64" else f"double 0x{_bits(x):016x}"
        return f"<{', '.join([lane] * self.width)}>"

    def instruction(
        self, name: str, a: Vector | float, b: Vector | float, kind: str = ""
    ) -> Vector:
        """The result of an instruction on two vectors of this type; floats' begin with an f."""
        name = f"f{name}" if self.kind == "double" else name
        return self.write(f"{name} {self.type} {self.operand(a)}, {self.operand(b)}", kind)

    def call(self, function: str, *args: Vector | float) -> Vector:
        """What a function of vectors of this type makes of `args`."""
        operands = ", ".join(f"{self.type} {self.operand(x)}" for x in args)
        return self.write(f"call {self.type} @{function}({operands})")

    def cast(self, kind: str) -> Vector:
        """The same bits as lanes of another kind."""
        return self.write(f"bitcast {self.type} {self.name} to <{self.width} x {kind}>", kind)

    def _apply(self, op: Op, *args: Vector | float) -> Vector:
        return self.call(f"row_{op.name}", *args)

    __add__, __radd__ = _infix("add"), _reflected("add")
    __sub__, __rsub__ = _infix("sub"), _reflected("sub")
    __mul__, __rmul__ = _infix("mul"), _reflected("mul")
    __truediv__, __rtruediv__ = _infix("div"), _reflected("div")
    __lt__, __le__ = _infix("cmp olt", "i1"), _infix("cmp ole", "i1")
    __gt__, __ge__ = _infix("cmp ogt", "i1"), _infix("cmp oge", "i1")
    __lshift__, __rshift__ = _infix("shl"), _infix("lshr")
    __and__, __or__ = _infix("and"), _infix("or")
    equals = _infix("cmp oeq", "i1")

    def __neg__(self) -> Vector:
        return self.write(f"fneg {self.type} {self.name}")

    def __abs__(self) -> Vector:
        return _intrinsic("fabs", self)


def _intrinsic(name: str, *args: Vector) -> Vector:
    """What LLVM itself has by that name."""
    return args[0].call(f"llvm.{name}.v{args[0].width}f64", *args)


def _muladd(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """a * b + c, rounded at the end only where the machine does that at once."""
    return a.call(f"llvm.fmuladd.v{a.width}f64", a, b, c)


def _when(condition: Vector, x: Vector | float, y: Vector | float) -> Vector:
    """`x` in the lanes where the condition is true, else `y`; one of the two is a Vector."""
    like = Vector(condition.lines, condition.width, "")
    x, y = like.operand(x), like.operand(y)
    return like.write(f"select {condition.type} {condition.name}, {like.type} {x}, {like.type} {y}")


def _bits(x: float) -> int:
    return int.from_bytes(struct.pack(">d", x), "big")


# log 2 in two parts; the first ends in 12 zero bits, so that a whole number
# below 2048 times it is exact.
LOG2 = (0.693147180559663, 2.8235290563031577e-13)
# An addend that rounds to a whole number, and leaves it, modulo 2**51, in the last bits.
ROUND = 1.5 * 2**52
# (e**r - 1 - r) / r**2, |r| <= log(2) / 2, a polynomial in r with the lowest power first: by
# mpmath.chebyfit(lambda r: hyp1f1(1, 3, r) / 2, [-log(2) / 2, log(2) / 2], 10), error 1e-16.
EXP = (
    0.5000000000000001,
    0.16666666666666669,
    0.041666666666624164,
    0.008333333333330065,
    0.0013888888917196719,
    0.00019841269863040545,
    2.4801521322368692e-05,
    2.7557268480310024e-06,
    2.7620075879983367e-07,
    2.5100375832561234e-08,
)
# (2 * atanh(s) - 2 * s) / s**3 in z = s**2, for 0 <= s <= (sqrt(2) - 1) / (sqrt(2) + 1) = S: by
# mpmath.chebyfit(lambda z: 2 / 3 * hyp2f1(1, 1.5, 2.5, z), [0, S**2], 7), error 3e-16.
ATANH = (
    0.666666666666667,
    0.39999999999899505,
    0.28571428625975487,
    0.2222221113479508,
    0.18182889125261723,
    0.15331721600556042,
    0.14616449685043406,
)


def _polynomial(x: Vector, coefficients: tuple[float, ...]) -> Vector:
    """Horner's rule."""
    *rest, highest = coefficients
    y = _muladd(x, highest, rest.pop())
    while rest:
        y = _muladd(x, y, rest.pop())
    return y


def _reduced(a: Vector) -> tuple[Vector, Vector, Vector]:
    """(k, r, e**r - 1) where a = k * log(2) + r, |r| <= log(2) / 2; k is whole, and ROUND + k."""
    rounded = _muladd(a, 1 / sum(LOG2), ROUND)
    k = rounded - ROUND
    r = _muladd(k, -LOG2[1], _muladd(k, -LOG2[0], a))
    return rounded, k, _muladd(r * r, _polynomial(r, EXP), r)


def _power_of_2(rounded: Vector) -> Vector:
    """2**k of the bits of ROUND + k, which become an exponent: -1023 < k < 1024."""
    return ((rounded << 52) + _bits(1.0)).cast("double")


def _exp(a: Vector) -> Vector:
    """2**k * e**r; in two steps, as 2**k may be no float where the result is one."""
    a = _when(a < -746.0, -746.0, a)
    a = _when(a > 710.0, 710.0, a)
    rounded, k, e = _reduced(a)
    half = _muladd(k, 0.5, ROUND).cast("i64")
    return (1.0 + e) * _power_of_2(half) * _power_of_2(rounded.cast("i64") - half)


def _log_of(f: Vector, k: Vector) -> Vector:
    """log(2**k * (1 + f)), sqrt(1/2) < 1 + f < sqrt(2): 2 * atanh(f / (2 + f)), as in fdlibm.

    Written so that what is added to f is small: f - f*f/2 + s * (f*f/2 + s**2 * ...).
    """
    s = f / (2.0 + f)
    z = s * s
    square = f * f * 0.5
    rest = _muladd(s, _muladd(z, _polynomial(z, ATANH), square), k * LOG2[1])
    return _muladd(k, LOG2[0], f - (square - rest))


def _log(a: Vector) -> Vector:
    """Of the bits of a: 2**k * (1 + f)."""
    subnormal = a < 2.0**-1022
    bits = _when(subnormal, a * 2.0**54, a).cast("i64") + (_bits(1.0) - _bits(sqrt(0.5)))
    exponent = (bits >> 52 | _bits(2.0**52)).cast("double")  # 2**52 + 1023 + k
    k = exponent - _when(subnormal, 2.0**52 + 1023 + 54, 2.0**52 + 1023)
    m = ((bits & (1 << 52) - 1) + _bits(sqrt(0.5))).cast("double")
    y = _when(a < inf, _log_of(m - 1.0, k), a)
    return _when(a > 0.0, y, _when(a.equals(0.0), -inf, nan))


def _tanh(a: Vector) -> Vector:
    """1 - 2 / (1 + e**2|a|), or near 0, where that cancels, |a| - |a|**3 * p / q; a's sign.

    p / q is what a / (1 + z / (3 + z / (5 + ... z / 15))), z = a**2, has besides a: Lambert 1761.
    """
    size = abs(a)
    x = 2.0 * size
    rounded, _, e = _reduced(_when(x > 44.0, 44.0, x))  # where it is 1 - 2**-62
    z = size * size
    small = size < 0.625
    p = _polynomial(z, (675675.0, 45045.0, 594.0, 1.0)) * (z * size)
    q = _polynomial(z, (2027025.0, 945945.0, 51975.0, 630.0, 1.0))
    above = _when(small, p, 2.0)
    below = _when(small, q, _muladd(e + 1.0, _power_of_2(rounded.cast("i64")), 1.0))
    return _intrinsic("copysign", _when(small, size, 1.0) - above / below, a)


def _sigmoid(a: Vector) -> Vector:
    e = _exp(-abs(a))
    return _when(a >= 0.0, 1.0, e) / (1.0 + e)


def _softplus(a: Vector) -> Vector:
    """relu(a) + log(1 + e), e = e**-|a|; above 0.41, 1 + e is 2 * (1 + (e - 1) / 2)."""
    e = _exp(-abs(a))
    large = e > sqrt(2.0) - 1
    return _relu(a) + _log_of(_when(large, e * 0.5 - 0.5, e), _when(large, 1.0, 0.0))


def _relu(a: Vector) -> Vector:
    return _when(a <= 0.0, 0.0, a)


def _maximum(a: Vector, b: Vector) -> Vector:
    return _when(a > b, a, _when(a.equals(a), b, a))


def _minimum(a: Vector, b: Vector) -> Vector:
    return _when(a < b, a, _when(a.equals(a), b, a))


def _less(a: Vector, b: Vector | float) -> Vector:
    return _when(a < b, 1.0, _when(a >= b, 0.0, nan))


def _of_library(name: str) -> Callable[..., Vector]:
    """The row of that name by C's function, called for each lane."""

    def row(*args: Vector) -> Vector:
        result = Vector(args[0].lines, args[0].width, "poison")
        for lane in range(result.width):
            xs = [x.write(f"extractelement {x.type} {x.name}, i32 {lane}") for x in args]
            y = result.write(f"call double @{name}({', '.join(f'double {x.name}' for x in xs)})")
            result = result.write(
                f"insertelement {result.type} {result.name}, double {y.name}, i32 {lane}"
            )
        return result

    return row


# What is worth a place in the caller's loop, and what is not: its constants would go there too.
CHEAP: dict[str, Callable[..., Vector]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "max": _maximum,
    "min": _minimum,
    "less": _less,
    "mask": lambda c, x: _when(c.equals(0.0), 0.0, x),
    "neg": operator.neg,
    "abs": operator.abs,
    "step": lambda a: _when(a > 0.0, 1.0, _when(a <= 0.0, 0.0, nan)),
    "relu": _relu,
    "sqrt": lambda a: _intrinsic("sqrt", a),
}
COSTLY: dict[str, Callable[..., Vector]] = {
    "exp": _exp,
    "log": _log,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    **{name: _of_library(name) for name in LIBRARY},
}


def arithmetic(width: int, attributes: str = "") -> str:
    """Definitions of `row_add` and so on, of vectors of `width` floats, for every row.

    The functions are internal to the module. `attributes` are put on each definition. Declared
    are the functions of LIBRARY and llvm's fabs, sqrt, copysign and fmuladd of such vectors.
    """
    V = f"<{width} x double>"
    texts = []
    for name, operands in [("fabs", 1), ("sqrt", 1), ("copysign", 2), ("fmuladd", 3)]:
        texts.append(f"declare {V} @llvm.{name}.v{width}f64({', '.join([V] * operands)})")
    for name in LIBRARY:
        texts.append(f"declare double @{name}({', '.join('double' for _ in TABLE[name].derivatives)})")
    for name, op in TABLE.items():
        lines: list[str] = []
        args = [Vector(lines, width, x) for x, _ in zip(["%a", "%b"], op.derivatives)]
        row, inline = (CHEAP[name], "alwaysinline") if name in CHEAP else (COSTLY[name], "noinline")
        result = row(*args)
        head = f"define internal {V} @row_{name}({', '.join(f'{V} {x.name}' for x in args)})"
        texts.append(f"{head} {inline} {attributes} {{")
        texts += [*(f"  {line}" for line in lines), f"  ret {V} {result.name}", "}"]
    return "\n".join(texts) + "\n"
