"""Checks a gradient: compares it with differences of values, which do not use the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite, isnan, ldexp
from random import Random
from typing import Any

from tinygrad_edu.analysis.differences import (
    EPSILON,
    TINY,
    Limit,
    central_difference,
    limit,
    numerical_derivative,
    sample,
)
from tinygrad_edu.analysis.finite import check_finite, first_nonfinite, nonfinite_message
from tinygrad_edu.engine import Value, as_value, gradient, topological_order
from tinygrad_edu.errors import GradientError, NumberError
from tinygrad_edu.ops import mask
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import nothing

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
_RUNS = 6  # how often a graph is computed again with other roundings


@dataclass(frozen=True)
class Comparison:
    """One derivative, by the chain rule and by differences of values.

    name: the leaf, or two leaves at the second order. analytic: from the chain rule. numerical:
    from values; nan if there is none. noise: the difference that rounding can explain. slopes: the
    two slopes at a kink, left and right, else nan. tolerance: the relative difference allowed in
    addition to the noise. excused: whether correct rules can give this difference, because of a
    kink, an infinity, or a number below the smallest float in the graph.
    """

    name: str
    analytic: float
    numerical: float
    noise: float
    slopes: tuple[float, float]
    tolerance: float
    excused: bool = False

    @property
    def verdict(self) -> str:
        """`agrees`, `differs`, `kink` or `no numerical derivative`.

        They agree if their difference is within the tolerance and the noise. At a kink, any number
        between the slopes of the two sides agrees: the choice is a convention.
        """
        if isnan(self.numerical) or not isfinite(self.noise):
            return "no numerical derivative"
        scale = max(abs(self.analytic), abs(self.numerical))
        slack = self.tolerance * scale + 4 * self.noise
        if isfinite(scale) and abs(self.analytic - self.numerical) <= slack:
            return "agrees"
        low, high = min(self.slopes), max(self.slopes)
        slack = 1e-3 * max(abs(low), abs(high))
        if high - low > 2 * slack and low - slack <= self.analytic <= high + slack:
            return "kink"
        return "differs"


def numerical_gradient(f: Callable[..., Value], *xs: float) -> list[float]:
    """This returns the numerical d f / d x for each of `xs`; `f` maps Values to a Value."""
    case = _Case(f, xs)
    return [case.limits(i, [0.0])[0].value for i in range(len(xs))]


def gradcheck(
    f: Callable[..., Any],
    *xs: float | tuple[float, ...],
    wrt: Iterable[Any] = (),
    order: int | None = None,
    tolerance: float = 1e-6,
    value: Callable[[float], Any] = Value,
) -> bool:
    """This returns True if every derivative of `f` at `xs` agrees with differences of its values.

    f: takes one Value for each of `xs` (numbers, or one tuple of numbers) and returns a Value.
    wrt: other leaves that f uses, as in `gradcheck(loss, wrt=model.parameters())`; their numbers
    are changed, and restored. order: 1, or 2 to check the derivatives of the gradient too; by
    default 2 for `xs`, and 1 with wrt, because a model can have many parameters. A node with a
    `_backward` of its own has no second derivative: then the order is 1. tolerance: relative;
    errors from rounded values are allowed in addition. value: the class of the arguments of f; any
    class with `data`, `grad` and `backward()` can be checked, at order 1.

    GradientError (an AssertionError) names the wrong derivative and both its numbers. A derivative
    without a numerical one, such as outside the domain, is not compared. A number out of the range
    of floats, such as the slope of sqrt at 0, is no error of a rule. TypeError if there is nothing
    to differentiate by.
    """
    given = [x for part in xs for x in (part if isinstance(part, tuple) else (part,))]
    order = order or (1 if wrt else 2)
    rows = compare(f, *given, wrt=wrt, order=order, tolerance=tolerance, value=value)
    if not rows:
        raise TypeError("nothing to differentiate by: give numbers for f, or leaves as wrt=")
    for row in rows:
        if row.verdict == "differs" and not row.excused:
            raise GradientError(
                f"derivative by {row.name}: {row.analytic!r} from the rules, "
                f"{row.numerical!r} from differences of values"
            )
    return True


def compare(
    f: Callable[..., Any],
    *xs: float,
    wrt: Iterable[Any] = (),
    names: Sequence[str] = (),
    order: int = 1,
    tolerance: float = 1e-6,
    value: Callable[[float], Any] = Value,
) -> list[Comparison]:
    """This returns a Comparison for each leaf, and at order 2 then one for each pair of leaves.

    names: the names of the leaves, those of `xs` first. Other arguments are those of `gradcheck`.
    """
    case = _Case(f, xs, wrt, value)
    labels = names or case.labels
    y = case.value()
    count = len(case.leaves)
    first = case.backward(y)
    by_rules = isinstance(y, Value) and all(
        node.op.value is not nothing for node in topological_order(y) if node.args
    )
    targets, derivatives, moved = [y], [first], [0.0] * (1 + count)
    if by_rules:
        targets += gradient(y, case.leaves) if order > 1 else []
        graphs = [gradient(target, case.leaves) for target in targets]
        derivatives += [[x.data for x in graph] for graph in graphs[1:]]
        moved = _roundings([*targets, *(x for graph in graphs for x in graph)])
    found = [case.limits(k, moved[: len(targets)]) for k in range(count)]
    rows = []
    for t, target in enumerate(targets):
        for k, leaf in enumerate(case.leaves):
            name = f"{labels[t - 1]}, {labels[k]}" if t else labels[k]
            analytic, numerical = derivatives[t][k], found[k][t]
            noise = numerical.doubt + moved[len(targets) + t * count + k]
            row = Comparison(name, analytic, numerical.value, noise, numerical.slopes, tolerance)
            if by_rules and row.verdict == "differs":
                right = case.switches(y, k) or _may_be_right(target, leaf, analytic)
                row = replace(row, excused=right)
            rows.append(row)
    return rows


class _Case:
    """A function at some numbers, and its values near them."""

    def __init__(
        self,
        f: Callable[..., Any],
        xs: Sequence[float],
        wrt: Iterable[Any] = (),
        value: Callable[[float], Any] = Value,
    ) -> None:
        self.f, self.make = f, value
        self.args = [value(x) for x in xs]
        if hasattr(wrt, "parameters"):
            wrt = wrt.parameters()
        self.leaves = [*self.args, *([wrt] if hasattr(wrt, "data") else wrt)]
        for x in self.leaves:
            if not hasattr(x, "data"):
                kind = type(x).__name__
                raise NumberError(f"wrt must be leaves, such as model.parameters(), not a {kind}")
        self.numbers = [*map(float, xs), *(float(x.data) for x in self.leaves[len(xs) :])]
        self.labels = [f"x{i}" for i in range(len(xs))]
        for i, x in enumerate(self.leaves[len(xs) :]):
            self.labels.append(getattr(x, "label", "") or f"wrt[{i}]")

    def value(self) -> Any:
        """Returns f of the leaves; a plain number becomes a constant."""
        y = self.f(*self.args)
        return y if hasattr(y, "backward") else as_value(y)

    def backward(self, y: Any) -> list[float]:
        """Returns d y / d leaf for each leaf, from `y.backward()`; no grad changes."""
        nodes = {id(x): x for x in self.leaves}
        if isinstance(y, Value):
            nodes |= {id(x): x for x in topological_order(y)}
        before = [(x, x.grad) for x in nodes.values()]
        try:
            for x in nodes.values():
                x.grad = 0.0
            y.backward()
            return [float(x.grad) for x in self.leaves]
        finally:
            for x, grad in before:
                x.grad = grad

    def limits(self, k: int, moved: Sequence[float]) -> list[Limit]:
        """Returns the derivatives by leaf k of f, and of its gradient if `moved` is longer.

        moved: how much rounding changes each of these functions.
        """
        second = len(moved) > 1

        def at(x: float) -> list[Any]:
            with self.set(k, x):
                y = self.value()
                entries = gradient(y, self.leaves) if second else []
                return [z.data for z in (y, *entries)]

        centre, points = sample(at, self.numbers[k])
        return [limit(*each) for each in zip(centre, points, moved, strict=True)]

    def switches(self, y: Value, k: int) -> bool:
        """Whether a mask opens as soon as leaf k changes: f has no derivative there."""
        x = self.numbers[k]
        step = max(1.0, abs(x)) * 2.0**-30
        for beside in (x - step, x + step):
            with self.set(k, beside):
                if _shut(self.value()) != _shut(y):
                    return True
        return False

    @contextmanager
    def set(self, k: int, x: float) -> Iterator[None]:
        """Gives leaf k the number x inside the block: a new leaf for an argument, else set."""
        leaf = self.leaves[k]
        if k < len(self.args):
            self.args[k] = self.leaves[k] = self.make(x)
        else:
            leaf.data = x
        try:
            yield
        finally:
            if k < len(self.args):
                self.args[k] = self.leaves[k] = leaf
            else:
                leaf.data = self.numbers[k]


def _shut(y: Value) -> list[bool]:
    return [node.a_data == 0 for node in topological_order(y) if node.op is mask]


def _roundings(outputs: Sequence[Value]) -> list[float]:
    """Returns how much rounding may have changed each output.

    The graph is computed again with a small random error in every operation. A node whose operation
    has no function, because a user made it by hand, keeps its number.
    """
    order, random = topological_order(*outputs), Random(0)
    most = [0.0] * len(outputs)
    for _ in range(_RUNS):
        numbers: dict[Value, float] = {}
        for node in order:
            y = node.data
            if node.args:
                operands = [numbers[x] for x in node.args]
                if node.op is mask:  # rounding must not turn a condition of 0 into another
                    y = operands[1] if node.a_data else 0.0
                elif node.op.value is not nothing:
                    y = total(node.op.value, *operands)
                if isfinite(y) and (y or _underflows(node)):
                    y += random.choice((-1.0, 1.0)) * max(EPSILON * abs(y), TINY)
            numbers[node] = y
        for i, output in enumerate(outputs):
            off = abs(numbers[output] - output.data)
            most[i] = off if off > most[i] else most[i]  # nan: the error leads outside the domain
    return [2 * x for x in most]


def _underflows(node: Value) -> bool:
    """Whether a node of 0 may be a rounded number below the smallest float; not for 0*x, x - x."""
    operands = _numbers(node)
    beside = [x * (1 + k * 1e-9) for k, x in enumerate(operands, 1)]
    return node.op.value is not nothing and all(operands) and not total(node.op.value, *beside)


def _may_be_right(y: Value, leaf: Value, analytic: float) -> bool:
    """Whether d y / d leaf may be wrong although every rule is right.

    The chain rule fails if an operation on the path has no derivative: relu(x) - relu(-x) is x, but
    its two kinks at 0 make its gradient 0. Also, a product of derivatives can leave the range of
    floats although the next factor would bring it back: then the derivative of a multiple of y is
    not that multiple of the derivative.
    """
    alive, moving = _alive(y), {leaf}
    for node in topological_order(y):
        if not moving.isdisjoint(node.args):
            moving.add(node)
            if node in alive and _breaks_the_chain(node, moving):
                return True
    scale = ldexp(1.0, 1000 if isfinite(analytic) else -1000)
    other = gradient(y * scale, [leaf])[0].data / scale
    return isfinite(other) and not abs(other - analytic) <= 1e-9 * abs(other)


def _alive(y: Value) -> set[Value]:
    """Returns the nodes on which the number of y depends, without those hidden by a mask."""
    seen, pending = set(), [y]
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += node.args[:1] if node.op is mask and not node.a_data else node.args
    return seen


def _breaks_the_chain(node: Value, moving: set[Value]) -> bool:
    """Whether a node has an infinite operand, or no derivative by an operand in `moving`."""
    if not all(map(isfinite, (node.data, *_numbers(node)))):
        return True
    for i, operand in enumerate(node.args if node.op is not mask else ()):
        if operand not in moving:
            continue
        x, local = _numbers(node)[i], total(node.op.derivatives[i], node.data, *_numbers(node))
        kink = node.op.kink is not None and node.op.kink[0](*_numbers(node))
        if (kink or not isfinite(local)) and abs(x) >= 2**52:
            return True  # all floats are whole there: (-1)**b and floor(a) look smooth
        (y,), (points,) = sample(_along(node, i), x)
        found = limit(y, points)
        low, high = sorted(found.slopes)
        if isnan(found.value) or low <= local <= high:
            return True
    return False


def _along(node: Value, i: int) -> Callable[[float], list[float]]:
    """Returns the operation of a node as a function of operand number i alone."""
    numbers = _numbers(node)
    return lambda x: [total(node.op.value, *numbers[:i], x, *numbers[i + 1 :])]


def _numbers(node: Value) -> list[float]:
    return [x for x in (node.a_data, node.b_data) if x is not None]
