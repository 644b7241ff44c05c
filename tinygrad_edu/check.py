"""Is a gradient right, and is every number finite? Answers that do not trust the engine."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan

from tinygrad_edu.engine import Value, as_value, gradient, topological_order
from tinygrad_edu.errors import GradientError, NonFiniteError
from tinygrad_edu.formula import Formula, format_number
from tinygrad_edu.ieee import total
from tinygrad_edu.ops import CONSTANT

__all__ = [
    "Comparison",
    "central_difference",
    "check_finite",
    "compare",
    "first_nonfinite",
    "gradcheck",
    "nonfinite_message",
    "numerical_derivative",
    "numerical_gradient",
]

_SMALLEST = 1e-12  # what f rounds away inside, differences of its values cannot tell


def numerical_derivative(f: Callable[[float], float], x: float) -> float:
    """f'(x) from values of `f` alone; nan where they do not settle.

    Central differences over ever smaller steps, extrapolated to step 0, of which the one that
    agrees best with its neighbours counts (Ridders 1982, Adv. Eng. Software 4(2), 75-76; Press
    et al., Numerical Recipes, section 5.7). Good to about 1e-10 relative for smooth functions.
    """
    return _settled(f, x)[0]


def _settled(f: Callable[[float], float], x: float) -> tuple[float, float]:
    """The numerical derivative, and how far from the truth it may be."""
    best, noise, rank = nan, inf, (True, inf)
    if not isfinite(_value(f, x)):
        return best, noise
    previous: list[float] = []
    for exponent in range(3, 51, 2):
        h = max(1.0, abs(x)) * 2.0**-exponent
        above, below = _value(f, x + h), _value(f, x - h)
        width = (x + h) - (x - h)
        if not isfinite(above - below) or width == 0:  # the step reaches outside the domain
            previous = []
            continue
        row = [(above - below) / width]
        # f(x) is rounded, and so is whatever f makes of x first
        rounding = 2.0**-52 * (max(abs(above), abs(below)) + abs(x * row[0])) / width
        for k, before in enumerate(previous[:6]):
            factor = 16.0 ** (k + 1)  # steps shrink by 4, errors by 16, 256, ...
            row.append((factor * row[k] - before) / (factor - 1))
            doubt = max(abs(row[k + 1] - row[k]), abs(row[k + 1] - before)) + rounding
            # Where steps are too wide, what wiggles seems flat: few digits, though little doubt.
            # Ten digits are enough: narrower steps may agree in what has been rounded away.
            share = max(doubt / (abs(row[k + 1]) + doubt), 1e-10) if doubt else 1e-10
            if rank > (new := (share > 0.01, doubt if share > 0.01 else share)):
                best, noise, rank = row[k + 1], doubt, new
        previous = row
    return (best, noise) if noise <= max(1e-6, 1e-3 * abs(best)) else (nan, inf)


def _value(f: Callable[[float], float], x: float) -> float:
    """f(x), nan where Python raises or turns complex."""
    try:
        y = f(x)
    except (ArithmeticError, ValueError):
        return nan
    return nan if isinstance(y, complex) else float(y)


def central_difference(f: Callable[[float], float], x: float, step: float) -> float:
    """The slope of `f` between the two points that are `step` away from x.

    A wide step is wrong by the curvature of `f`, in proportion to step**2, a narrow one by what
    was rounded away, in proportion to 1/step: `numerical_derivative` looks for the best.
    """
    return (f(x + step) - f(x - step)) / (2 * step)


def numerical_gradient(f: Callable[..., Value], *xs: float) -> list[float]:
    """d f / d x for each number of `xs`; `f` takes Values and returns a Value."""
    return [numerical_derivative(_along(f, xs, i), x) for i, x in enumerate(xs)]


def _along(f: Callable[..., Value], xs: Sequence[float], i: int) -> Callable[[float], float]:
    """`f` of its argument number `i` alone, on floats, the others held still."""
    return lambda x: float(f(*(Value(x if k == i else xs[k]) for k in range(len(xs)))))


@dataclass(frozen=True)
class Comparison:
    """One derivative as the engine has it and as differences of values do.

    noise: how far the numerical one can be trusted. slopes: to the left and to the right.
    """

    name: str
    analytic: float
    numerical: float
    noise: float
    slopes: tuple[float, float]
    tolerance: float

    @property
    def verdict(self) -> str:
        """`agrees`, `differs`, `kink` or `no numerical derivative`.

        At a kink any number between the two slopes is a sub-gradient, and a convention.
        """
        if isnan(self.numerical):
            return "no numerical derivative"
        scale = max(abs(self.analytic), abs(self.numerical))
        slack = self.tolerance * scale + 4 * self.noise + _SMALLEST
        if isfinite(scale) and abs(self.analytic - self.numerical) <= slack:
            return "agrees"
        low, high = min(self.slopes), max(self.slopes)
        slack = 1e-3 * max(abs(low), abs(high))
        if high - low > 2 * slack and low - slack <= self.analytic <= high + slack:
            return "kink"
        return "differs"


def compare(
    f: Callable[..., Value], *xs: float, names: Sequence[str] = (), tolerance: float = 1e-6
) -> list[Comparison]:
    """The gradient of `f` at the numbers `xs` beside numerical derivatives.

    f: takes len(xs) Values, returns one. names: what the arguments are called.
    tolerance: relative; what a numerical derivative cannot tell is allowed on top.
    """
    leaves = [Value(x) for x in xs]
    derivatives = gradient(as_value(f(*leaves)), leaves)
    rows = []
    for i, (x, derivative) in enumerate(zip(xs, derivatives, strict=True)):
        along = _along(f, xs, i)
        slopes = _slopes(along, x, 2.0**-26)
        if abs(slopes[1] - slopes[0]) < 0.5 * abs(operator.sub(*_slopes(along, x, 2.0**-20))):
            slopes = (nan, nan)  # they meet when the step shrinks: no kink
        name = names[i] if names else f"x{i}"
        rows.append(Comparison(name, float(derivative), *_settled(along, x), slopes, tolerance))
    return rows


def _slopes(f: Callable[[float], float], x: float, step: float) -> tuple[float, float]:
    """The slopes to the left and to the right of x."""
    h = max(1.0, abs(x)) * step
    below, y, above = _value(f, x - h), _value(f, x), _value(f, x + h)
    return (y - below) / h, (above - y) / h


def gradcheck(f: Callable[..., Value], *xs: float, order: int = 2, tolerance: float = 1e-6) -> bool:
    """True when no derivative of `f` at `xs` differs from those of its values.

    Where there is no numerical derivative, as outside the domain, nothing is compared.
    order: 1, or 2 to check the gradient of every entry of the gradient too. GradientError (an
    AssertionError) names the derivative that is off, and both its numbers.
    """
    rows = compare(f, *xs, tolerance=tolerance)
    for i in range(len(xs) if order > 1 else 0):

        def entry(*leaves: Value, i: int = i) -> Value:
            return gradient(as_value(f(*leaves)), leaves)[i]

        seconds = [f"x{i}, x{k}" for k in range(len(xs))]
        rows += compare(entry, *xs, names=seconds, tolerance=tolerance)
    for row in rows:
        if row.verdict == "differs":
            raise GradientError(
                f"derivative by {row.name}: {row.analytic!r} from the rules, "
                f"{row.numerical!r} from differences of values"
            )
    return True


def first_nonfinite(y: Value) -> Value | None:
    """The node whose operation made the first nan or infinity in the graph of `y`.

    First as the expression is evaluated from left to right; where all numbers are finite, first
    in the backward pass: the operation whose contribution made an operand's grad nan or infinite.
    None if all is well.
    """
    order = topological_order(y)
    for node in order:
        if not isfinite(node.data):
            return node
    for node in reversed(order):
        for x, local in zip(node.args, _local_derivatives(node), strict=True):
            if x.op is not CONSTANT and not isfinite(x.grad) and not isfinite(node.grad * local):
                return node
    return next((node for node in reversed(order) if not isfinite(node.grad)), None)


def _local_derivatives(node: Value) -> list[float]:
    numbers = [node.a_data, node.b_data][: len(node.args)]
    return [total(rule, node.data, *numbers) for rule in node.op.derivatives] if node.op else []


def check_finite(y: Value) -> Value:
    """`y`, or raises NonFiniteError: strict mode, for a line after `backward()`.

    The error names the first operation that made a nan or an infinity (see `first_nonfinite`).
    """
    node = first_nonfinite(y)
    if node is not None:
        raise NonFiniteError(nonfinite_message(node))
    return y


def nonfinite_message(node: Value) -> str:
    """A sentence on a node that `first_nonfinite` found: `log(-1) is nan`."""
    if not node.op and isfinite(node.data):
        return f"the gradients of {node.label or 'a leaf'} add up to {format_number(node.grad)}"
    if not node.op:
        return f"{node.label or 'a number'} was given as {format_number(node.data)}"
    written = str(node.op(*map(Formula, (node.a_data, node.b_data)[: len(node.args)])))
    name = f"{node.label} = " if node.label else ""
    if not isfinite(node.data):
        return f"{name}{written} is {format_number(node.data)}"
    operand = "its operand" if len(node.args) == 1 else "an operand"
    return f"the derivative of {name}{written} by {operand} is not finite"
