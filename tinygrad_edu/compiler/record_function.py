"""A Python function as a graph: it is called once, with a leaf for each of its arguments.

Python's decisions during this call are frozen in the graph: each `if`, the length of each loop. A
decision by a Value's number is probably a mistake, so a FrozenWarning names the line that made it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from inspect import signature
from types import FrameType

from tinygrad_edu.compiler.leaves import is_many
from tinygrad_edu.compiler.warn import outside
from tinygrad_edu.engine import Value, on_comparison, on_float
from tinygrad_edu.errors import FrozenWarning, NumberError
from tinygrad_edu.habits.calls import function_of_math, is_formatting
from tinygrad_edu.habits.leaving import QUESTIONS, advice, called, in_library, in_package
from tinygrad_edu.rows.ieee import number

__all__ = ["Function", "record_function"]

Function = Callable[..., Value | Iterable[Value]]  # the user's: its parameters are the inputs


def record_function(f: Function, numbers: Sequence[object]) -> tuple[list[Value], list[Value]]:
    """Returns (leaves, results): a leaf for each of `numbers`, and what `f` computes from them.

    A leaf has the name of its parameter as its label. NumberError if `f` returns anything but a
    Value or several Values.
    """
    names = _names(f, len(numbers))
    leaves = [_Argument(number(x), label=name) for x, name in zip(numbers, names)]
    returned = _call(f, leaves)
    results: list[object] = (
        [returned] if isinstance(returned, Value) or not is_many(returned) else [*returned]
    )
    values = [y for y in results if isinstance(y, Value)]
    if not results or len(values) < len(results):
        found = type(results[0]).__name__ if results else "nothing"
        raise NumberError(
            f"the function returned {found}: return a Value, or several, such as tanh(x)"
        )
    return [*leaves], values


def _names(f: Function, count: int) -> list[str]:
    """Returns names for so many arguments: the parameters of `f`, then x0, x1, ..."""
    try:
        names = [p.name for p in signature(f).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):  # a function written in C may have no signature
        names = []
    return names + [f"x{i}" for i in range(len(names), count)]


class _Argument(Value):
    """An argument of the function.

    `==`, `!=` and `if` are reported. Outside of `compile`, an argument is usually a plain number,
    and then the result of `==`, `!=` or `if` depends on this number.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self._reported(self is other)

    def __ne__(self, other: object) -> bool:
        return self._reported(self is not other)

    def __bool__(self) -> bool:
        return self._reported(True)

    __hash__ = Value.__hash__

    def __index__(self) -> int:
        raise TypeError(
            "an input of a compiled loss cannot be the index of a list: the graph would have that "
            "one entry for all examples. Write take(table, x) for table[x], which is recorded"
        )

    def _reported(self, answer: bool) -> bool:
        on_comparison.get()()
        return answer


def _call(f: Function, leaves: Sequence[Value]) -> object:
    """Returns f(*leaves), and warns of each line that froze a decision during the call.

    Such a line compared Values, or asked one for its number.
    """
    messages: dict[tuple[str, int], str] = {}  # by file and line

    def compared() -> None:
        frame = sys._getframe(outside() - 1)
        messages.setdefault((frame.f_code.co_filename, frame.f_lineno), _COMPARED)

    def asked(frame: FrameType) -> None:
        if in_package(frame) or is_formatting(frame):  # allowed: a loss may need its largest logit
            return
        message = _asked_for_number(frame)
        while frame.f_back is not None and in_library(frame):  # the user's line called the library
            frame = frame.f_back
        messages.setdefault((frame.f_code.co_filename, frame.f_lineno), message)

    comparisons, numbers = on_comparison.set(compared), on_float.set(asked)
    try:
        result = f(*leaves)
    finally:
        on_comparison.reset(comparisons)
        on_float.reset(numbers)
    for (file, line), message in messages.items():
        warnings.warn_explicit(message, FrozenWarning, file, line)
    return result


_COMPARED = (
    "Values were compared here while the graph was recorded: the compiled loss has frozen "
    "that answer. Write relu, maximum, less or mask instead, or compile once for each case"
)


def _asked_for_number(frame: FrameType) -> str:
    """Returns the message for a line that asked a Value for its number."""
    function = function_of_math(frame)
    if function is not None and function.__name__ not in QUESTIONS:
        problem, cure = f"{called(function)} took a plain number", advice(function)
    else:
        problem = "A Value was asked for its number"
        cure = "Compute with the Value itself, or compile for each case"
    return f"{problem} here while the graph was recorded: the compiled loss has frozen it. {cure}"
