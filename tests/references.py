"""Every row of the table as mathematics, in mpmath: its value, and derivatives of any order.

A derivative is written as a sum of products of functions, `Row.slopes` says how each of these
functions changes, and the product rule does the rest: tanh is `y_a = q; q_a = -2 y q`, where q is
1 / cosh(a)**2, so its third derivative is -2 q q + 4 y y q. So there is one place for all orders,
every term is known (the sum of their sizes is what an error is measured by), and no term cancels
inside: q is computed as it is, not as 1 - y**2. `test_references.py` holds the slopes against
numerical derivatives of the values. Nothing here knows the rules of the package.

Conventions, where a row has no derivative: 0 at the kink of step, sign, floor, ceil, abs and relu,
one half each at a tie of max and min.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations_with_replacement
from random import Random
from typing import Any

from mpmath import mp, mpf

DIGITS = 50
HIGHEST = 3  # order of derivatives
LARGEST, SMALLEST, NORMAL = 1.7976931348623157e308, 5e-324, 2.0**-1022

Point = tuple[float, ...]
By = tuple[int, ...]  # the operands differentiated by, in order: (0, 0, 1) is d3 y / da da db
Product = tuple[str, ...]


class Sum:
    """A sum of products.

    size: the sum of the sizes of its terms. peak: the largest product of factors above 1, which
    overflows if they are multiplied first. lost: how much larger than a subnormal factor, which
    has few digits, a term with it is; 1 without any.
    """

    def __init__(self) -> None:
        self.exact, self.size, self.peak, self.lost = mpf(0), mpf(0), mpf(0), mpf(1)

    def add(self, factors: list[mpf]) -> None:
        """One more term."""
        sizes = [abs(x) for x in factors]
        size = mp.fprod(sizes)
        self.exact += mp.fprod(factors)
        self.size += size
        if max(sizes) > 1e30:
            self.peak = max(self.peak, mp.fprod(x for x in sizes if x > 1))
        if 0 < min(sizes) < NORMAL:
            self.lost = max(self.lost, *(size / x for x in sizes if 0 < x < NORMAL))


class Row:
    """One row.

    value: a function of mpf. slopes: "f_a = ..." for each derivative of a function that is not 0,
    where a product is written "-2 y q" and a sum with "+"; y is the value, a and b the operands.
    functions: the others. inside: where it is defined and has derivatives; curved: where second and
    third derivatives are tested. edges: points of interest besides LANDMARKS. points: makes
    operands, if `anywhere` does not do. by: the operands it is differentiated by, if not all.
    """

    def __init__(
        self,
        value: Callable[..., Any],
        slopes: str = "",
        *,
        count: int = 1,
        inside: Callable[..., bool] = lambda *_: True,
        curved: Callable[..., bool] = lambda *_: True,
        edges: Point = (),
        points: Callable[[Random], Point] | None = None,
        by: By | None = None,
        **functions: Callable[..., Any],
    ) -> None:
        self.value, self.functions, self.inside, self.edges = value, functions, inside, edges
        self.operands, self.curved = "ab"[:count], curved
        self.by = tuple(range(count)) if by is None else by
        self.points = points or (pair if count == 2 else self._single)
        self.slopes = {x: {x: Counter({(): 1})} for x in self.operands}
        for line in filter(None, slopes.split("; ")):
            name, text = line.split(" = ")
            function, operand = name.split("_")
            self.slopes.setdefault(function, {})[operand] = _sum_of_products(text)

    def _single(self, random: Random) -> Point:
        return (anywhere(random, self.edges),)

    def orders(self) -> list[By]:
        """What it is differentiated by: (), (0,), ..., each set of operands once."""
        return [by for k in range(HIGHEST + 1) for by in combinations_with_replacement(self.by, k)]

    @cache  # noqa: B019 (rows live as long as the module)
    def terms(self, by: By) -> Mapping[Product, int]:
        """The derivative as a sum: how often each product is in it."""
        if not by:
            return {("y",): 1}
        found: Counter[Product] = Counter()
        for product, times in self.terms(by[:-1]).items():
            for i, function in enumerate(product):
                rest = product[:i] + product[i + 1 :]
                slope = self.slopes.get(function, {}).get(self.operands[by[-1]], {})
                for more, factor in slope.items():
                    found[tuple(sorted(rest + more))] += times * factor
        return {product: times for product, times in found.items() if times}

    def numbers(self, point: Point) -> dict[By, Sum]:
        """The value and the derivatives of all orders at this point."""
        xs = [mpf(x) for x in point]
        known = dict(zip(self.operands, xs), y=mpf(self.value(*xs)))
        known |= {name: mpf(function(*xs)) for name, function in self.functions.items()}
        found = {by: Sum() for by in self.orders()}
        for by, total in found.items():
            for product, times in self.terms(by).items():
                total.add([mpf(times), *(known[x] for x in product)])
        return found

    def sample(self, count: int, seed: str) -> list[Point]:
        """So many points of its domain, the same in every run."""
        random, found = Random(seed), list[Point]()
        while len(found) < count:
            point = self.points(random)
            if self.inside(*point):
                found.append(point)
        return found


def _sum_of_products(text: str) -> Counter[Product]:
    found: Counter[Product] = Counter()
    for product in text.split(" + "):
        factors = product.split()
        times = int(factors.pop(0)) if factors[0].lstrip("-").isdigit() else 1
        found[tuple(sorted(factors))] += times
    return found


# --- points --------------------------------------------------------------------------------------

# Kinks, zeros, poles, and where functions saturate, overflow, or change their method.
LANDMARKS = [
    *(1e-8, 0.5, 1.0, 2.0, 3.0, 10.0, 2.0**52, *(k * math.pi / 2 for k in range(1, 10))),
    *(5.9, 8.3, 14.0, 18.71, 19.06, 26.5, 27.2, 36.74, 37.43, 190.0, 354.9, 372.6, 708.4),
    *(709.78, 710.47, 711.0, 745.13, 1022.0, 1024.0, 1074.0),
]
EXACT = [0.0, SMALLEST, NORMAL, 1e-300, 1e-200, 1e-160, 1e-20, 0.25, 1e8, 1e155, 1e200, LARGEST]
EXACT += LANDMARKS


def anywhere(random: Random, edges: Point = ()) -> float:
    """A float of any size: where people look, where functions end, near and at landmarks."""
    kind, sign = random.randrange(6), random.choice((-1.0, 1.0))
    if kind == 0:
        return random.uniform(-20, 20)
    if kind == 1:
        return random.uniform(-800, 800)
    if kind == 2:
        return sign * 2.0 ** random.uniform(-1074, 1023.9)
    if kind == 3:
        return sign * random.choice(EXACT)
    return near(random, random.choice(edges) if edges and kind == 4 else random.choice(LANDMARKS))


def near(random: Random, x: float) -> float:
    """A float near x, at any distance from the next one to an eighth of x."""
    return x * (1.0 + random.choice((-1.0, 1.0)) * 2.0 ** random.uniform(-53, -3))


def pair(random: Random) -> Point:
    """Two operands: independent, alike, nearly alike, or one of them 0."""
    a, kind = anywhere(random), random.randrange(8)
    b = {0: a, 1: -a, 2: near(random, a), 3: 0.0}.get(kind, anywhere(random))
    return (b, a) if random.random() < 0.5 else (a, b)


def power(random: Random) -> Point:
    """A base above 0 and an exponent, the result mostly of a size that a float has."""
    a = random.choice((random.uniform(0, 20), 2.0 ** random.uniform(-1074, 1023.9)))
    a = random.choice((a, near(random, 1.0), abs(anywhere(random)) or 0.3))
    kind, log = random.randrange(4), math.log(a)
    if kind == 0 and log:
        return a, random.uniform(-740, 709) / log
    if kind == 1:
        return a, random.choice((-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0))
    if kind == 2:
        return a, random.choice((-1.0, 1.0)) * 2.0 ** random.uniform(-1074, 0)
    return a, near(random, random.choice((-1.0, 1.0, 2.0, 3.0, 10.0)))


def power_of_negative(random: Random) -> Point:
    """A base below 0, which has powers for whole exponents, and derivatives by the base alone."""
    return -power(random)[0], float(random.randint(-12, 12))


# --- the rows ------------------------------------------------------------------------------------


def _ordered(a: Any, b: Any) -> mpf:
    """1 where a > b, 0 where a < b, 1/2 at a tie."""
    return mpf(a > b) / 2 + mpf(a >= b) / 2


def _half(a: Any) -> Any:
    return mp.tanh(a / 2)


def _bell(a: Any) -> Any:
    return (mp.sech(a / 2) / 2) ** 2


def _positive(a: float) -> bool:
    return a > 0


def _log(a: Any) -> Any:
    return mp.log(a) if a > 0 else mp.nan


def _cube_is_a_float(a: float, b: float) -> bool:
    """d2 (a**b) / db da has 1 / a in it, and its derivatives 1 / a**2 and 1 / a**3."""
    return 1e-100 < abs(a) < 1e100


_LOG = "y_a = k i; i_a = -1 i i"
_POWER = "y_a = b p; p_a = c q; q_a = d r; y_b = l y; p_b = l p; q_b = l q; l_a = i; i_a = -1 i i"
_POWERS: dict[str, Any] = {
    "curved": _cube_is_a_float,
    "p": lambda a, b: mp.power(a, b - 1),
    "q": lambda a, b: mp.power(a, b - 2),
    "r": lambda a, b: mp.power(a, b - 3),
    "c": lambda a, b: b - 1,
    "d": lambda a, b: b - 2,
    "i": lambda a, b: 1 / a,
    "l": lambda a, b: _log(a),
}

ROWS: dict[str, Row] = {
    "add": Row(lambda a, b: a + b, "y_a = 1; y_b = 1", count=2),
    "sub": Row(lambda a, b: a - b, "y_a = 1; y_b = -1", count=2),
    "mul": Row(lambda a, b: a * b, "y_a = b; y_b = a", count=2),
    "div": Row(
        lambda a, b: a / b,
        "y_a = i; y_b = -1 y i; i_b = -1 i i",
        i=lambda a, b: 1 / b,
        count=2,
        inside=lambda a, b: b != 0,
    ),
    "pow": Row(mp.power, _POWER + "; c_b = 1; d_b = 1", count=2, points=power, **_POWERS),
    "max": Row(
        max,
        "y_a = v; y_b = w",
        v=_ordered,
        w=lambda a, b: _ordered(b, a),
        count=2,
    ),
    "min": Row(
        min,
        "y_a = v; y_b = w",
        v=lambda a, b: _ordered(b, a),
        w=_ordered,
        count=2,
    ),
    "less": Row(lambda a, b: mpf(a < b), count=2),
    "equal": Row(lambda a, b: mpf(a == b), count=2),
    "either": Row(lambda a, b: mpf(a != 0 or b != 0), count=2),
    "mask": Row(
        lambda c, x: x if c else mpf(0),
        "y_b = v",
        v=lambda c, x: mpf(c != 0),
        count=2,
    ),
    "neg": Row(lambda a: -a, "y_a = -1"),
    "abs": Row(mp.fabs, "y_a = v", v=mp.sign),
    "step": Row(lambda a: mpf(a > 0)),
    "sign": Row(mp.sign),
    "floor": Row(mp.floor),
    "ceil": Row(mp.ceil),
    "relu": Row(lambda a: max(a, mpf(0)), "y_a = v", v=lambda a: mpf(a > 0)),
    "exp": Row(mp.exp, "y_a = y"),
    "exp2": Row(lambda a: mp.power(2, a), "y_a = k y", k=lambda a: mp.log(2)),
    "expm1": Row(mp.expm1, "y_a = e; e_a = e", e=mp.exp),
    "log": Row(mp.log, "y_a = i; i_a = -1 i i", i=lambda a: 1 / a, inside=_positive, edges=(1,)),
    "log2": Row(
        lambda a: mp.log(a) / mp.log(2),
        _LOG,
        k=lambda a: 1 / mp.log(2),
        i=lambda a: 1 / a,
        inside=_positive,
        edges=(1,),
    ),
    "log10": Row(
        lambda a: mp.log(a) / mp.log(10),
        _LOG,
        k=lambda a: 1 / mp.log(10),
        i=lambda a: 1 / a,
        inside=_positive,
        edges=(1,),
    ),
    "log1p": Row(
        mp.log1p,
        "y_a = i; i_a = -1 i i",
        i=lambda a: 1 / (1 + a),
        inside=lambda a: a > -1,
        edges=(-1,),
    ),
    "sqrt": Row(
        mp.sqrt, "y_a = r; r_a = -2 r r r", r=lambda a: 1 / (2 * mp.sqrt(a)), inside=_positive
    ),
    "sin": Row(mp.sin, "y_a = c; c_a = -1 y", c=mp.cos),
    "cos": Row(mp.cos, "y_a = -1 s; s_a = y", s=mp.sin),
    "tan": Row(mp.tan, "y_a = q; q_a = 2 y q", q=lambda a: mp.sec(a) ** 2),
    "asin": Row(
        mp.asin,
        "y_a = r; r_a = a r r r",
        r=lambda a: 1 / mp.sqrt((1 - a) * (1 + a)),
        inside=lambda a: -1 < a < 1,
        edges=(-1, 1),
    ),
    "acos": Row(
        mp.acos,
        "y_a = -1 r; r_a = a r r r",
        r=lambda a: 1 / mp.sqrt((1 - a) * (1 + a)),
        inside=lambda a: -1 < a < 1,
        edges=(-1, 1),
    ),
    "atan": Row(mp.atan, "y_a = q; q_a = -2 a q q", q=lambda a: 1 / (1 + a * a)),
    "atan2": Row(
        mp.atan2,
        "y_a = b q; y_b = -1 a q; q_a = -2 a q q; q_b = -2 b q q",
        q=lambda a, b: 1 / (a * a + b * b),
        count=2,
        inside=lambda a, b: a != 0 or b > 0,
    ),
    "hypot": Row(
        mp.hypot,
        "y_a = a i; y_b = b i; i_a = -1 a i i i; i_b = -1 b i i i",
        i=lambda a, b: 1 / mp.hypot(a, b),
        count=2,
        inside=lambda a, b: a != 0 or b != 0,
    ),
    "sinh": Row(mp.sinh, "y_a = c; c_a = y", c=mp.cosh),
    "cosh": Row(mp.cosh, "y_a = s; s_a = y", s=mp.sinh),
    "tanh": Row(mp.tanh, "y_a = q; q_a = -2 y q", q=lambda a: mp.sech(a) ** 2),
    "circle": Row(
        lambda a: mp.sqrt(1 - a * a),
        "y_a = -1 a r; r_a = a r r r",
        r=lambda a: 1 / mp.sqrt(1 - a * a),
        inside=lambda a: -1 < a < 1,
    ),
    "asinh": Row(mp.asinh, "y_a = r; r_a = -1 a r r r", r=lambda a: 1 / mp.hypot(1, a)),
    "acosh": Row(
        mp.acosh,
        "y_a = r; r_a = -1 a r r r",
        r=lambda a: 1 / mp.sqrt((a - 1) * (a + 1)),
        inside=lambda a: a > 1,
        edges=(1,),
    ),
    "atanh": Row(
        mp.atanh,
        "y_a = q; q_a = 2 a q q",
        q=lambda a: 1 / ((1 - a) * (1 + a)),
        inside=lambda a: -1 < a < 1,
        edges=(-1, 1),
    ),
    "sigmoid": Row(
        lambda a: 1 / (1 + mp.exp(-a)), "y_a = s; s_a = -1 s h; h_a = 2 s", s=_bell, h=_half
    ),
    "softplus": Row(
        lambda a: mp.log1p(mp.exp(a)),
        "y_a = v; v_a = s; s_a = -1 s h; h_a = 2 s",
        v=lambda a: 1 / (1 + mp.exp(-a)),
        s=_bell,
        h=_half,
    ),
    "bell": Row(_bell, "y_a = -1 y h; h_a = 2 y", h=_half),
    "sech2": Row(lambda a: mp.sech(a) ** 2, "y_a = -2 y t; t_a = y", t=mp.tanh),
    "erf": Row(mp.erf, "y_a = g; g_a = -2 a g", g=lambda a: 2 / mp.sqrt(mp.pi) * mp.exp(-a * a)),
    "erfc": Row(
        lambda a: mp.erfc(a) if abs(a) < 1e6 else mpf(0 if a > 0 else 2),
        "y_a = -1 g; g_a = -2 a g",
        g=lambda a: 2 / mp.sqrt(mp.pi) * mp.exp(-a * a),
    ),
}
# A row may have more than one part, each with its own points.
PARTS: dict[str, list[Row]] = {name: [row] for name, row in ROWS.items()}
PARTS["pow"].append(
    Row(mp.power, _POWER, count=2, points=power_of_negative, by=(0,), **_POWERS),
)
REFERENCE: dict[str, Callable[..., mpf]] = {name: row.value for name, row in ROWS.items()}


# --- what is held against them -------------------------------------------------------------------


class Target:
    """A number as a float and the rest of it, and how far from it an answer may be."""

    __slots__ = ("allowed", "near", "rest")

    def __init__(self, exact: mpf, allowed: float) -> None:
        self.near = float(exact)
        self.rest = 0.0 if math.isinf(self.near) else float(exact - self.near)
        self.allowed = allowed

    def error(self, found: float) -> float:
        """How far off, in units of what is allowed: up to 1 is right."""
        if math.isinf(self.near) or math.isinf(found):
            largest = min(abs(found), abs(self.near)) >= LARGEST * (1 - 1e-15)
            return 0.0 if largest and (found > 0) == (self.near > 0) else math.inf
        error = abs((found - self.near) - self.rest)
        return math.inf if error != error else error / self.allowed


def targets(
    name: str, part: Row, point: Point, numbers: dict[By, Sum], rough: bool
) -> dict[By, Target | None]:
    """What the value and each derivative have to be; None where that cannot be said in floats.

    That is where it is a float, but the value or a product in it is not, and where a second or a
    third derivative overflows. rough: values and first derivatives to 1e-13 of themselves.
    """
    value = abs(numbers[()].exact)
    found: dict[By, Target | None] = {}
    tiny: list[mpf] = []  # the sizes of lower orders that are subnormal
    for by, sum_ in numbers.items():
        order = len(by)
        exact, size = sum_.exact, min(sum_.size, mpf(LARGEST))
        if order >= 2 and (abs(exact) > LARGEST or not part.curved(*point)):
            found[by] = None
            continue
        if order and max(sum_.peak, value) > LARGEST >= abs(exact):
            found[by] = None
            continue
        if order < 2 and not rough and not (order == 1 and name in ("pow", "erf", "erfc")):
            allowed = 4 * math.ulp(float(min(abs(exact), LARGEST)))
        elif order < 2:
            allowed = float(1e-13 * min(abs(exact), LARGEST))
        else:
            cancels = sum_.size > 2 * abs(exact) or any(abs(x) <= 1 for x in point)
            measure = abs(exact) if order == 2 and not cancels else size
            allowed = float(measure) * (1e-13 if order == 2 else 1e-10)
        if order:  # digits that were lost below the range of floats do not come back
            lost = max([sum_.lost, *(sum_.size / x for x in tiny)])
            allowed += 4 * SMALLEST * float(min(lost, mpf(1e300)))
        found[by] = Target(exact, max(allowed, 4 * SMALLEST))
        if 0 < abs(exact) < NORMAL:
            tiny.append(abs(exact))
    return found


def parts(names: Iterable[str]) -> Iterator[tuple[str, int, Row]]:
    """The parts of the rows of these names."""
    for name in names:
        for i, part in enumerate(PARTS.get(name, [])):
            yield name, i, part
