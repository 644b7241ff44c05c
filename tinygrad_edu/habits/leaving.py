"""What is said where a Value is no number: `math.exp(v)` leaves the graph, `v == 2` is False."""

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

# What is said of a Value that is compared by ==, and of one that is asked for its truth.
IDENTITY = (
    "== and != of a Value and a number ask whether they are one object, which they never are: "
    "compare x.data"
)
TRUTH = (
    "a Value is true whatever its number is: ask x.data, or write where, relu or step in a formula"
)


def _nobody() -> None:
    """Who listens to comparisons where nothing is recorded."""


# Called where Values are compared: what is recorded meanwhile will not compare them again.
on_comparison: ContextVar[Callable[[], object]] = ContextVar("on_comparison", default=_nobody)

# Called where a Value is asked for its number, with the frame that asks. Without it, only what
# calls a function of `math` is told that its result is no part of the graph.
on_float: ContextVar[Callable[[FrameType], Any] | None] = ContextVar("on_float", default=None)

# What to write for a function of `math` that is not called as a row of the table is.
INSTEAD = {"fabs": "abs(v)", "fsum": "sum(values)", "pow": "a**b"}
QUESTIONS = {"isclose", "isfinite", "isinf", "isnan"}  # the answer is not a number that goes on


def tell(frame: FrameType) -> None:
    """A LeftGraphWarning if the frame is just calling a function of `math`, once for each line.

    Nothing where the standard library calls it: `statistics.fmean` is no place to mend.
    """
    function = function_of_math(frame)
    if function is None or function.__name__ in QUESTIONS or in_library(frame):
        return
    while frame.f_back is not None and in_package(frame):  # `exp.value(v)`: where it is written
        frame = frame.f_back
    message = f"{called(function)} is a plain number: the graph ends here. {advice(function)}"
    _once(message, LeftGraphWarning, frame)


def left(frame: FrameType) -> None:
    """A LeftGraphWarning: that frame goes on with the number of a Value to differentiate by."""
    message = (
        "a Value was asked for its number here while its function is differentiated: the "
        "derivative does not go through it. Compute with the Value itself, or write x.detach()"
    )
    _once(message, LeftGraphWarning, frame)


def lost(frame: FrameType) -> None:
    """A LeftGraphWarning: in that frame a leaf gives its name to a number without a graph."""
    if not in_package(frame):
        message = (
            "inside of no_grad(), w -= v of a leaf w and a Value v makes w the name of a constant, "
            "and the leaf stays as it was: write w.data -= v.data to change it, or y = w - v"
        )
        _once(message, LeftGraphWarning, frame)


def compared(message: str, frame: FrameType) -> None:
    """What is recorded is told of a comparison in that frame; else it is an IdentityWarning.

    Nothing where this package or the standard library compares.
    """
    if in_package(frame) or in_library(frame):
        return
    if frame.f_code.co_name == "isclose" and _package(frame) == "numpy":
        return  # which asks `==` besides, for infinities
    heard = on_comparison.get()
    if heard is _nobody:
        _once(message, IdentityWarning, frame)
    else:
        heard()


def _once(message: str, category: type[Warning], frame: FrameType) -> None:
    """A warning about the line at which the frame is, once for each line."""
    told = frame.f_globals.setdefault("__warningregistry__", {})
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        module=str(frame.f_globals.get("__name__", "<string>")),  # as `warnings.warn` does
        registry=told,
    )
    # What Python notes for "default": so that it is once for each line under "always", too.
    told[message, category, frame.f_lineno] = True


def refuse(op: Op, frame: FrameType) -> None:
    """A LeftGraphError: a rule of `op` was given Values, and asks for the number of one.

    Not where this package asks: a loss may look for the largest of its logits.
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
    what = f"calls {called(function)}" if function else "asks a Value for its number"
    cure = advice(function) if function else "Compute with the Value itself"
    raise LeftGraphError(
        f"{op.name}: {which} {what}, which has no derivative: a second derivative would be wrong. "
        f"{cure}"
    )


def called(function: Any) -> str:
    """The call as it stands in the program, such as "math.exp(v)"."""
    return f"{function.__module__}.{_written(function.__name__)}"


def advice(function: Any) -> str:
    """What to write for a function of `math`, as a sentence without its full stop."""
    name = function.__name__
    if name in INSTEAD:
        return f"Write {INSTEAD[name]}"
    if name in TABLE:
        return f"Write {_written(name)} with the {name} of tinygrad_edu"
    return f"tinygrad_edu has no {name}: compose it of what it has, or make an Op of your own"


def _written(name: str) -> str:
    operands = len(TABLE[name].derivatives) if name in TABLE else 1
    return f"{name}({'v' if operands == 1 else 'a, b'})"


def in_package(frame: FrameType) -> bool:
    """Whether what runs there is a module of this package."""
    return _package(frame) == __name__.split(".")[0]


def in_library(frame: FrameType) -> bool:
    """Whether what runs there is a module of the standard library."""
    return _package(frame) in sys.stdlib_module_names


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).split(".")[0]
