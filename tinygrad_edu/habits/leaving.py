"""Warnings where a Value is used as a number: `math.exp(v)` leaves the graph, `v == 2` is False."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any

from tinygrad_edu.errors import IdentityWarning, LeftGraphError, LeftGraphWarning
from tinygrad_edu.habits.calls import function_of_math
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.symbolic import TABLE

__all__ = [
    "IDENTITY",
    "INSTEAD",
    "QUESTIONS",
    "TRUTH",
    "advice",
    "called",
    "compared",
    "in_library",
    "in_package",
    "left",
    "lost",
    "on_comparison",
    "on_float",
    "refuse",
    "tell",
]

# The warnings for a Value that is compared by ==, and for one that is used as a condition.
IDENTITY = (
    "== and != between a Value and a number compare objects, and these always differ: "
    "compare x.data"
)
TRUTH = (
    "a Value is true whatever its number is: test x.data, or write where, relu or step in a formula"
)


def _nobody() -> None:
    """The listener to comparisons when nothing is being recorded."""


# Called on every comparison of Values: a graph that is being recorded keeps only the outcome.
on_comparison: ContextVar[Callable[[], object]] = ContextVar("on_comparison", default=_nobody)

# Called when code reads the number of a Value, with the frame of that code. Without it, only a
# call of a function of `math` gets a warning that its result is not part of the graph.
on_float: ContextVar[Callable[[FrameType], Any] | None] = ContextVar("on_float", default=None)

# What to write for functions of `math` with another name or form in the table.
INSTEAD = {"fabs": "abs(v)", "fsum": "sum(values)", "pow": "a**b"}
QUESTIONS = {"isclose", "isfinite", "isinf", "isnan"}  # their result does not go into a formula


def tell(frame: FrameType) -> None:
    """Gives a LeftGraphWarning, once for each line, if the frame is calling a function of `math`.

    A call inside the standard library, as in `statistics.fmean`, gives none: nobody can change it.
    """
    function = function_of_math(frame)
    if function is None or function.__name__ in QUESTIONS or in_library(frame):
        return
    while frame.f_back is not None and in_package(frame):  # `exp.value(v)`: the line that wrote it
        frame = frame.f_back
    message = f"{called(function)} is a plain number: the graph ends here. {advice(function)}"
    _once(message, LeftGraphWarning, frame)


def left(frame: FrameType) -> None:
    """Gives a LeftGraphWarning: the frame reads a number through which a derivative is taken."""
    message = (
        "this line reads the number of a Value while its function is differentiated: the "
        "derivative does not go through it. Compute with the Value itself, or write x.detach()"
    )
    _once(message, LeftGraphWarning, frame)


def lost(frame: FrameType) -> None:
    """Gives a LeftGraphWarning: in the frame, the name of a leaf now means a constant."""
    if not in_package(frame):
        message = (
            "inside of no_grad(), w -= v with a Value v makes w the name of a constant, and the "
            "leaf keeps its number: write w.data -= v.data to change it, or y = w - v"
        )
        _once(message, LeftGraphWarning, frame)


def compared(message: str, frame: FrameType) -> None:
    """Reports a comparison in the frame to the recording, or else gives an IdentityWarning.

    Comparisons by this package or the standard library are not reported.
    """
    if in_package(frame) or in_library(frame):
        return
    if frame.f_code.co_name == "isclose" and _package(frame) == "numpy":
        return  # it uses `==` only for infinities
    heard = on_comparison.get()
    if heard is _nobody:
        _once(message, IdentityWarning, frame)
    else:
        heard()


def _once(message: str, category: type[Warning], frame: FrameType) -> None:
    """Gives a warning about the current line of the frame, once for each line."""
    seen = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=str(frame.f_globals.get("__name__", "<string>")),  # as `warnings.warn` does
        registry=seen,
    )
    # Python's own mark for "default", so that the filter "always" also shows it once for each line.
    seen[message, category, frame.f_lineno] = True


def refuse(op: Op, frame: FrameType) -> None:
    """Raises LeftGraphError: a rule of `op` got Values and reads the number of one.

    Reading by this package is allowed: a loss may look for its largest logit.
    """
    if in_package(frame):
        return
    rules = {getattr(rule, "__code__", None): i for i, rule in enumerate(op.derivatives)}
    function = function_of_math(frame)
    caller: FrameType | None = frame
    while caller is not None and caller.f_code not in rules:
        caller = caller.f_back
    which = "a rule"
    if caller is not None:
        place = f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        which = f"the rule for operand {'ab'[rules[caller.f_code]]} ({place})"
    what = f"calls {called(function)}" if function else "reads the number of a Value"
    cure = advice(function) if function else "Compute with the Value itself"
    raise LeftGraphError(
        f"{op.name}: {which} {what}, which has no derivative: a second derivative would be wrong. "
        f"{cure}"
    )


def called(function: Any) -> str:
    """Returns the call as text, such as "math.exp(v)"."""
    return f"{function.__module__}.{_written(function.__name__)}"


def advice(function: Any) -> str:
    """Returns what to write for a function of `math`, as a sentence without its full stop."""
    name = function.__name__
    if name in INSTEAD:
        return f"Write {INSTEAD[name]}"
    if name in TABLE:
        return f"Write {_written(name)} with the {name} of tinygrad_edu"
    return f"tinygrad_edu has no {name}: compose it of other functions, or make your own Op"


def _written(name: str) -> str:
    operands = len(TABLE[name].derivatives) if name in TABLE else 1
    return f"{name}({'v' if operands == 1 else 'a, b'})"


def in_package(frame: FrameType) -> bool:
    """Whether the frame runs code of this package."""
    return _package(frame) == __name__.split(".")[0]


def in_library(frame: FrameType) -> bool:
    """Whether the frame runs code of the standard library."""
    return _package(frame) in sys.stdlib_module_names


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).split(".")[0]
