"""THE TABLE: an operation is one row; drawing, checking and all derivatives follow from it.

A row is a name, a value, and for each operand a *local derivative* d y / d operand. The derivative
is a rule: a function of the result `y` and the operands `a` and `b`, always in that order. Values
and rules are made of operators, numbers and rows of the table; a value may also `choose`, or be a
function of floats from `math` (from `ieee` where that of `math` raises). So the same row turns
floats into a number, Values into a new graph, and Formulas into text in some language. A rule is
called only when a derivative by its operand is needed: (-4)**3 never computes log(-4), and the
rule of a**b, which contains a**(b - 1), does not recurse for ever.

Nothing raises: where Python's floats raise or turn complex, values and rules are called again in
IEEE arithmetic. If a result is nan, all its local derivatives are nan (`op.defined`). `reads` is
the textbook form of a rule whose other form keeps more digits.
"""

from __future__ import annotations

import math
import operator
from math import nan

from tinygrad_edu.rows import ieee
from tinygrad_edu.rows.kinks import both_0, first_0, tie, whole, zero
from tinygrad_edu.rows.op import TABLE, Binary, Op, Unary, one, row
from tinygrad_edu.rows.symbolic import choose, constant, equals, fixed, known

# The conventions at kinks are PyTorch's (notes/autograd, rule 2, least norm): 0 at a kink, 1/2 for
# each operand at a tie; a**b has slope 0 in a at b = 0, and 0**b has slope 0 in b for b >= 0. What
# `mask` keeps out of the result, it keeps out of every derivative too.
# fmt: off
#              name        value          d y / d a, and below it d y / d b
add      = row("add",      operator.add,  one,
                                          one,                   symbol="+", precedence=1,
               spoken="plus", commutes=True, says="The sum of two numbers")
sub      = row("sub",      operator.sub,  one,
                                          lambda y, a, b: -1.0,  symbol="-", precedence=1,
               spoken="minus", says="The difference of two numbers")
mul      = row("mul",      operator.mul,  lambda y, a, b: b,
                                          lambda y, a, b: a,     symbol="*", precedence=2,
               spoken="times", commutes=True, latex=r"\cdot", says="The product of two numbers")
div      = row("div",      ieee.divide,   lambda y, a, b: 1 / b,
                                          lambda y, a, b: -y / b, symbol="/", precedence=2,
               spoken="divided by", latex=r"\frac{%s}{%s}", safe=1.0,
               says="The quotient of two numbers")
neg      = row("neg",      operator.neg,  lambda y, a: -1.0,     precedence=3,
               spoken="minus", says="The number with its sign changed")
power    = row("pow",      ieee.power,    lambda y, a, b: unless_0_times_inf(b, a**(b - 1)),
                                          lambda y, a, b: mask(either(a, step(-b)), y * log(a)),
               reads=(lambda y, a, b: b * a**(b - 1), lambda y, a, b: y * log(a)),
               symbol="**", precedence=4, python="power", spoken="to the power of", safe=1.0,
               latex="{%s}^{%s}",
               absorbs=True, example=(3.0, 2.0), says="The first number to the power of the second",
               kink=(both_0, "0 in the base where the exponent is 0; 0 in the exponent where the "
                             "base is 0 and the exponent is not below 0"))
exp      = row("exp",      ieee.exp,      lambda y, a: y,        latex="e^{%s}", safe=0.0,
               says="e to that power")
log: Unary = row("log",    ieee.log,      lambda y, a: 1 / a,    latex=r"\log", safe=1.0,
               says="The natural logarithm, -inf at 0 and nan below")
sqrt: Unary = row("sqrt",  ieee.sqrt,     lambda y, a: 1 / (2 * y), latex=r"\sqrt{%s}", safe=1.0,
               says="The square root, nan below 0")
log2     = row("log2",     ieee.log2,     lambda y, a: 1 / math.log(2) / a, safe=1.0,
               reads=lambda y, a: 1 / (a * log(constant(2.0, a))),
               latex=r"\log_2", says="The logarithm to base 2")
log10    = row("log10",    ieee.log10,    lambda y, a: 1 / math.log(10) / a, safe=1.0,
               reads=lambda y, a: 1 / (a * log(constant(10.0, a))),
               latex=r"\log_{10}", says="The logarithm to base 10")
log1p    = row("log1p",    ieee.log1p,    lambda y, a: 1 / (1 + a), safe=0.0,
               says="log(1 + a), with all its digits where a is small")
expm1    = row("expm1",    ieee.expm1,    lambda y, a: exp(a),   safe=0.0,
               says="exp(a) - 1, with all its digits where a is small")
sin      = row("sin",      ieee.sin,      lambda y, a: cos(a),   latex=r"\sin", safe=0.0,
               says="The sine of an angle in radians")
cos: Unary = row("cos",    ieee.cos,      lambda y, a: -sin(a),  latex=r"\cos", safe=0.0,
               says="The cosine of an angle in radians")
tan      = row("tan",      ieee.tan,      lambda y, a: 1 + y**2, latex=r"\tan", safe=0.0,
               says="The tangent of an angle in radians")
asin     = row("asin",     ieee.asin,     lambda y, a: 1 / circle(a),  safe=0.0,
               reads=lambda y, a: 1 / sqrt(1 - a**2), latex=r"\arcsin",
               says="The angle in radians whose sine is a, nan beyond -1 and 1")
acos     = row("acos",     ieee.acos,     lambda y, a: -1 / circle(a), safe=0.0,
               reads=lambda y, a: -1 / sqrt(1 - a**2), latex=r"\arccos",
               says="The angle in radians whose cosine is a, nan beyond -1 and 1")
atan     = row("atan",     math.atan,     lambda y, a: hypot(1, a)**-2, latex=r"\arctan",
               reads=lambda y, a: 1 / (1 + a**2),
               says="The angle in radians whose tangent is a")
atan2    = row("atan2",    math.atan2,    lambda y, a, b: b / hypot(a, b) / hypot(a, b),
                                          lambda y, a, b: -a / hypot(a, b) / hypot(a, b),
               reads=(lambda y, a, b: b / (a**2 + b**2), lambda y, a, b: -a / (a**2 + b**2)),
               says="The angle in radians of the point with height a and width b", safe=1.0)
hypot: Binary = row("hypot", math.hypot,  lambda y, a, b: mask(y, a / y),
                                          lambda y, a, b: mask(y, b / y), commutes=True,
               reads=(lambda y, a, b: a / y, lambda y, a, b: b / y), safe=1.0,
               kink=(both_0, "0 in both where both numbers are 0"), example=(3.0, 4.0),
               says="The length of the hypotenuse, sqrt(a**2 + b**2), which does not overflow")
sinh     = row("sinh",     ieee.sinh,     lambda y, a: cosh(a),  latex=r"\sinh", safe=0.0,
               says="The hyperbolic sine")
cosh: Unary = row("cosh",  ieee.cosh,     lambda y, a: sinh(a),  latex=r"\cosh", safe=0.0,
               says="The hyperbolic cosine")
tanh: Unary = row("tanh",  math.tanh,     lambda y, a: sech2(a), latex=r"\tanh",
               reads=lambda y, a: 1 - y**2,
               says="The hyperbolic tangent, which runs from -1 to 1")
asinh    = row("asinh",    math.asinh,    lambda y, a: 1 / hypot(1, a),
               reads=lambda y, a: 1 / sqrt(1 + a**2),
               says="The number whose hyperbolic sine is a")
acosh    = row("acosh",    ieee.acosh,    lambda y, a: 1 / (sqrt(a - 1) * sqrt(a + 1)), safe=2.0,
               reads=lambda y, a: 1 / sqrt(a**2 - 1), example=(2.0,),
               says="The number from 0 up whose hyperbolic cosine is a, nan below 1")
atanh    = row("atanh",    ieee.atanh,    lambda y, a: circle(a)**-2,  safe=0.0,
               reads=lambda y, a: 1 / (1 - a**2),
               says="The number whose hyperbolic tangent is a, nan beyond -1 and 1")
erf      = row("erf",      math.erf,
               lambda y, a: 2 / math.sqrt(math.pi) * mask(less(abs(a), 28), exp(-a**2)),
               reads=lambda y, a: 2 / math.sqrt(math.pi) * exp(-a**2),
               says="The error function, which runs from -1 to 1")
erfc     = row("erfc",     math.erfc,
               lambda y, a: -2 / math.sqrt(math.pi) * mask(less(abs(a), 28), exp(-a**2)),
               reads=lambda y, a: -2 / math.sqrt(math.pi) * exp(-a**2),
               says="1 - erf(a), with all its digits where a is large")
absolute = row("abs",      operator.abs,  lambda y, a: sign(a),  latex=r"\left|%s\right|",
               python="absolute", kink=(zero, "0 where the number is 0"), example=(-2.0,),
               says="The number without its sign")
floor: Unary = row("floor", ieee.floor,   lambda y, a: 0.0,
               latex=r"\left\lfloor %s\right\rfloor",
               kink=(whole, "0 everywhere, also at whole numbers"),
               says="The largest whole number that is not above a")
# The rows below are made of the rows above: a language needs to know only those above.
ceil     = row("ceil", lambda a: -floor(-a),
               lambda y, a: 0.0,
               latex=r"\left\lceil %s\right\rceil",
               kink=(whole, "0 everywhere, also at whole numbers"),
               says="The smallest whole number that is not below a")
exp2     = row("exp2", lambda a: 2**a,
               lambda y, a: y * math.log(2),
               reads=lambda y, a: y * log(constant(2.0, a)),
               latex="2^{%s}", safe=0.0, says="2 to that power")
sign: Unary = row("sign", lambda a: choose(a > 0, 1.0, choose(a < 0, -1.0, a)),
               lambda y, a: 0.0,
               kink=(zero, "0 everywhere, also where the number is 0"), example=(-2.0,),
               says="1 above 0, -1 below, 0 at 0")
step: Unary = row("step", lambda a: choose(a > 0, 1.0, choose(a <= 0, 0.0, nan)),
               lambda y, a: 0.0,
               kink=(zero, "0 everywhere, also where the number is 0"), says="1 above 0, else 0")
relu     = row("relu", lambda a: choose(a <= 0, 0.0, a),
               lambda y, a: step(a),
               kink=(zero, "0 where the number is 0"), example=(-2.0,),
               says="The number above 0, else 0")
maximum  = row("max", lambda a, b: choose(a > b, a, choose(equals(a, a), b, a)),
               lambda y, a, b: (1 + less(b, a) - less(a, b)) / 2,
               lambda y, a, b: (1 + less(a, b) - less(b, a)) / 2, commutes=True,
               python="maximum", latex=r"\max",
               kink=(tie, "1/2 in each where both numbers are equal"),
               says="The larger of two numbers, nan if either is")
minimum  = row("min", lambda a, b: choose(a < b, a, choose(equals(a, a), b, a)),
               lambda y, a, b: (1 + less(a, b) - less(b, a)) / 2,
               lambda y, a, b: (1 + less(b, a) - less(a, b)) / 2, commutes=True,
               python="minimum", latex=r"\min",
               kink=(tie, "1/2 in each where both numbers are equal"),
               says="The smaller of two numbers, nan if either is")
less: Binary = row("less", lambda a, b: choose(a < b, 1.0, choose(a >= b, 0.0, nan)),
               lambda y, a, b: 0.0,
               lambda y, a, b: 0.0,
               kink=(tie, "0 everywhere, also where both numbers are equal"),
               says="1 where a < b, else 0, nan if either is")
equal: Binary = row("equal",
               lambda a, b: choose(equals(a, b), 1.0, 0 * less(a, b)),
               lambda y, a, b: 0.0,
               lambda y, a, b: 0.0,
               kink=(tie, "0 everywhere, also where both numbers are equal"), commutes=True,
               says="1 where a == b, else 0, nan if either is")
either: Binary = row("either",
               lambda a, b: choose(equals(a, 0), choose(equals(b, 0), 0.0, 1.0), 1.0),
               lambda y, a, b: 0.0,
               lambda y, a, b: 0.0,
               fold=lambda a, b: 1.0 if known(a) or known(b) else None, absorbs=True,
               kink=(both_0, "0 everywhere, also where both numbers are 0"), commutes=True,
               says="0 where both numbers are 0, else 1")
mask: Binary = row("mask", lambda a, b: choose(equals(a, 0), 0.0, b),
               lambda y, a, b: 0.0,
               lambda y, a, b: mask(a, 1.0),
               fold=lambda a, b: None if known(a) is None else b if known(a) else 0.0, absorbs=True,
               kink=(first_0, "0 in the first number, also where it is 0"),
               says="0 where a is 0, whatever b is, else b")
circle: Unary = row("circle", lambda a: sqrt((1 - a) * (1 + a)),
               lambda y, a: -a / y, safe=0.0,
               says="The height of the unit circle at a, sqrt(1 - a**2), nan beyond -1 and 1")
# Logistic units: e = exp(-|a|) keeps all digits of the value and of the slope on both sides of 0.
sigmoid  = row("sigmoid", lambda a: choose(a >= 0, 1.0, e := exp(-abs(a))) / (1 + e),
               lambda y, a: bell(a),
               reads=lambda y, a: y * (1 - y), says="1 / (1 + exp(-a)), which runs from 0 to 1")
bell: Unary = row("bell", lambda a: (t := (e := exp(-abs(a))) / (1 + e)) * (1 - t),
               lambda y, a: -y * tanh(a / 2), says="The slope of sigmoid(a), a bell around 0")
sech2: Unary = row("sech2", lambda a: 4 * bell(2 * a),
               lambda y, a: -2 * y * tanh(a), says="The slope of tanh(a), 1 / cosh(a)**2")
softplus = row("softplus", lambda a: relu(a) + log1p(exp(-abs(a))),
               lambda y, a: sigmoid(a), says="log(1 + exp(a)), a smooth relu")
# fmt: on
# Not in the table, because they have no operands.
LEAF, CONSTANT = (
    Op("leaf", None, python="LEAF", module=__name__),
    Op("constant", None, python="CONSTANT", module=__name__),
)


def unless_0_times_inf(b: float, x: float) -> float:
    """Returns b * x, but 0 if b is 0 and x is not finite; for a constant b, 0 whenever b is 0."""
    return mask(b if fixed(b) else either(b, 1 - either(x - x, 0.0)), b * x)  # inf - inf is nan


__all__ = ["CONSTANT", "LEAF", "TABLE", *(op.__name__ for op in TABLE.values())]
