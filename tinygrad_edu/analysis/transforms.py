"""Functions of functions: the gradient, Jacobian and Hessian of a function, as functions.

The names, the order of arguments and the shapes of results are JAX's (jax.grad and so on). All use
`gradient`. An argument is a number, a Value, a NumPy array, or a list, tuple or dict of these; a
derivative by it has the same shape. With numbers, the results are floats; with a Value, they are
Values, so that `grad(grad(f))` is the second derivative.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from tinygrad_edu.engine import Value, as_value, gradient, on_float, topological_order
from tinygrad_edu.habits.calls import function_of_math, is_formatting, is_looked_at
from tinygrad_edu.habits.leaving import in_package, left, tell
from tinygrad_edu.trees import has_value, is_tree, like, numbers, shape

__all__ = ["grad", "hessian", "jacobian", "jvp", "value_and_grad"]

Function = Callable[..., Any]
Places = int | Sequence[int]


def grad(f: Function, argnums: Places = 0) -> Function:
    """This returns the function that gives the gradient of `f`, which returns one number.

    argnums: the indices, from 0, of the arguments to differentiate by; several give a tuple.

        >>> grad(lambda a: a**3)(2.0)
        12.0

    TypeError if f does not return one number, or has no such argument.
    """

    _check(f, argnums)

    def gradient_of(*args: Any, **named: Any) -> Any:
        return value_and_grad(f, argnums)(*args, **named)[1]

    return gradient_of


def value_and_grad(f: Function, argnums: Places = 0) -> Function:
    """This returns the function that gives a pair: the value of `f` and its gradient.

    argnums and errors are those of `grad`.

        >>> value_and_grad(lambda a, b: a * b, argnums=(0, 1))(2.0, 3.0)
        (6.0, (3.0, 2.0))
    """

    _check(f, argnums)

    def both(*args: Any, **named: Any) -> tuple[Any, Any]:
        call = _Call(f, argnums, args, named)
        if not isinstance(call.y, Value) and is_tree(call.y):
            raise TypeError(
                f"grad and hessian need a function that returns one number, not a "
                f"{type(call.y).__name__}: use jacobian"
            )
        return call.answer(call.y), call.derivative(call.y)

    return both


def jacobian(f: Function, argnums: Places = 0) -> Function:
    """This returns the function that gives the derivatives of all numbers that `f` returns.

    The result has the shape of the value of f, with the shape of the argument in place of each
    number: a list by a list gives a list of rows. argnums and errors are those of `grad`.

        >>> jacobian(lambda x: [x[0] * x[1], x[0] + x[1]])([2.0, 3.0])
        [[3.0, 2.0], [1.0, 1.0]]
    """

    _check(f, argnums)

    def derivatives(*args: Any, **named: Any) -> Any:
        call = _Call(f, argnums, args, named)
        return like(call.y, map(call.derivative, numbers(call.y)))

    return derivatives


def hessian(f: Function, argnums: Places = 0) -> Function:
    """This returns the function that gives the second derivatives of `f`: the Jacobian of `grad`.

    An argument that is a list gives a list of rows. argnums and errors are those of `grad`; several
    argnums give a tuple of tuples.

        >>> hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0])
        [[6.0, 4.0], [4.0, 0.0]]
    """
    return jacobian(grad(f, argnums), argnums)


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """This returns the value `f(*primals)`, and its derivative in the direction of `tangents`.

    There is a tangent for each argument, with the shape of the argument. The derivative is the
    product of the Jacobian and that vector.

        >>> jvp(lambda a, b: a * b, (2.0, 3.0), (1.0, 10.0))
        (6.0, 23.0)

    TypeError if a tangent and its argument differ in shape.
    """
    _check(f)
    if not (is_tree(primals) and is_tree(tangents)):
        raise TypeError("primals and tangents must be tuples: write jvp(f, (3.0,), (1.0,))")
    primals, tangents = tuple(primals), tuple(tangents)
    call = _Call(f, tuple(range(len(primals))), primals, {})
    along = _lifted(tangents)
    if shape(along) != shape(primals):
        raise TypeError("tangents must have the shape of primals: give a number for each number")
    directions = list(numbers(along))

    def change(y: Any) -> Any:
        slopes = gradient(as_value(y), call.leaves)
        return call.number(sum((d * t for d, t in zip(slopes, directions)), Value(0.0)))

    call.nested = call.nested or has_value(tangents)
    return call.answer(call.y), like(call.y, map(change, numbers(call.y)))


def _check(f: object, argnums: object = 0) -> None:
    """Raises TypeError unless `f` is a function and argnums are whole numbers."""
    if not callable(f) or isinstance(f, Value):
        raise TypeError(
            f"grad and its like take a function, not {f!r:.60}: write grad(f)(2.0), or "
            "gradient(y, [x]) for Values"
        )
    places = argnums if isinstance(argnums, list | tuple) else (argnums,)
    if not all(type(place) is int for place in places):
        raise TypeError(
            f"argnums must be whole numbers, not {argnums!r:.60}: pass the arguments of f to the "
            "result, as in grad(f)(2.0)"
        )


_DETACH = Value.detach.__code__  # the user's way to stop a derivative


class _Call:
    """One call of `f`, with new leaves in the arguments to differentiate by.

    The leaves are new, because `f` may also use the same Value from outside, as in
    `grad(lambda x: x * grad(lambda y: x + y)(x))`, and that use is not its argument.
    """

    def __init__(
        self, f: Function, argnums: Places, args: Sequence[Any], named: dict[str, Any]
    ) -> None:
        self.single = isinstance(argnums, int)
        places = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for place in places:
            if not -len(args) <= place < len(args):
                raise TypeError(f"argnums counts from 0: {place} is beyond {len(args)} arguments")
        chosen = [_lifted(args[place]) for place in places]
        self.nested = has_value([args[i] for i in places])
        given = list(args)
        for place, x in zip(places, chosen):
            given[place] = x
        self.arguments = chosen
        self.leaves = list(numbers(chosen))
        self.y = self._heard(lambda: f(*given, **named))
        if self.y is None:
            raise TypeError("the function returned None: add a return")

    def _heard(self, f: Callable[[], Any]) -> Any:
        """Returns `f()`; gives a LeftGraphWarning for a line that reads the number of a Value."""
        if on_float.get() is not None:  # an outer call listens already
            return f()
        leaves = set(self.leaves)

        def asked(frame: FrameType) -> None:
            asks = sys._getframe(1)
            if function_of_math(frame) is not None:
                tell(frame)
                return
            node = asks.f_locals.get("self")
            detached = asks.f_back is not None and asks.f_back.f_code is _DETACH
            quiet = detached or in_package(frame) or is_formatting(frame) or is_looked_at(frame)
            if not quiet and isinstance(node, Value) and leaves & {*topological_order(node)}:
                left(frame)

        token = on_float.set(asked)
        try:
            return f()
        finally:
            on_float.reset(token)

    def number(self, x: Value) -> Value | float:
        """Returns a float if the caller gave only numbers, else the Value."""
        return x if self.nested else x.data

    def answer(self, y: Any) -> Any:
        """Returns the result of `f` with floats or Values, as `number` decides."""
        return like(y, (self.number(as_value(x)) for x in numbers(y)))

    def derivative(self, y: Any) -> Any:
        """Returns the derivatives of one number, in the shape of the arguments."""
        found = iter([self.number(d) for d in gradient(as_value(y), self.leaves)])
        parts = tuple(like(x, found) for x in self.arguments)
        return parts[0] if self.single else parts


def _lifted(x: Any) -> Any:
    """Returns `x` with a new Value for every number."""
    return like(x, (n * 1 if isinstance(n, Value) else Value(n) for n in numbers(x)))
