"""Backpropagation with every number visible: see README.md, or `help(tinygrad_edu.Value)`.

Importing the package loads next to nothing: a name loads its file when it is first asked for.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tinygrad_edu.habits.imports import install as _install
from tinygrad_edu.hooks import draws, import_lines, pages, plays, trains

if TYPE_CHECKING:
    from tinygrad_edu import compat as compat
    from tinygrad_edu import data as data
    from tinygrad_edu import draw as draw
    from tinygrad_edu import losses as losses
    from tinygrad_edu import nn as nn
    from tinygrad_edu import optim as optim
    from tinygrad_edu import plots as plots
    from tinygrad_edu import saving as saving
    from tinygrad_edu import train as train
    from tinygrad_edu.analysis.check import (
        check_finite,
        first_nonfinite,
        gradcheck,
        numerical_derivative,
        numerical_gradient,
    )
    from tinygrad_edu.analysis.explain import explain
    from tinygrad_edu.analysis.graph import Graph, graph
    from tinygrad_edu.analysis.orders import orders
    from tinygrad_edu.analysis.trace import Trace, trace
    from tinygrad_edu.analysis.transforms import grad, hessian, jacobian, jvp, value_and_grad
    from tinygrad_edu.compiler.compiled import CompiledLoss, compile
    from tinygrad_edu.drawable import Page, Picture
    from tinygrad_edu.engine import Value, gradient, no_grad, topological_order
    from tinygrad_edu.errors import (
        FrozenWarning,
        GradientError,
        IdentityWarning,
        InnerNodeError,
        LeftGraphError,
        LeftGraphWarning,
        NonFiniteError,
        NonFiniteWarning,
        NumberError,
        SlowWarning,
        StaleError,
        TapeError,
        ViewError,
    )
    from tinygrad_edu.functions import clip, gelu, leaky_relu, silu, take, where
    from tinygrad_edu.groups import group
    from tinygrad_edu.history import History
    from tinygrad_edu.live.page import page
    from tinygrad_edu.ops import (
        TABLE,
        acos,
        acosh,
        asin,
        asinh,
        atan,
        atan2,
        atanh,
        bell,
        ceil,
        circle,
        cos,
        cosh,
        either,
        equal,
        erf,
        erfc,
        exp,
        exp2,
        expm1,
        floor,
        hypot,
        less,
        log,
        log1p,
        log2,
        log10,
        mask,
        maximum,
        minimum,
        relu,
        sech2,
        sigmoid,
        sign,
        sin,
        sinh,
        softplus,
        sqrt,
        step,
        tan,
        tanh,
    )
    from tinygrad_edu.rows.op import Op

__version__ = "0.1.0"  # the only place: setup.cfg reads it here

__all__ = [
    "TABLE",
    "CompiledLoss",
    "FrozenWarning",
    "GradientError",
    "Graph",
    "IdentityWarning",
    "InnerNodeError",
    "LeftGraphError",
    "LeftGraphWarning",
    "NonFiniteError",
    "NonFiniteWarning",
    "NumberError",
    "Op",
    "SlowWarning",
    "StaleError",
    "TapeError",
    "Trace",
    "Value",
    "ViewError",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bell",
    "ceil",
    "check_finite",
    "circle",
    "clip",
    "compile",
    "cos",
    "cosh",
    "either",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "first_nonfinite",
    "floor",
    "gelu",
    "grad",
    "gradcheck",
    "gradient",
    "graph",
    "group",
    "hessian",
    "hypot",
    "jacobian",
    "jvp",
    "leaky_relu",
    "less",
    "log",
    "log1p",
    "log2",
    "log10",
    "mask",
    "maximum",
    "minimum",
    "no_grad",
    "numerical_derivative",
    "numerical_gradient",
    "orders",
    "page",
    "relu",
    "sech2",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "step",
    "take",
    "tan",
    "tanh",
    "topological_order",
    "trace",
    "value_and_grad",
    "where",
]


def _draw(what: Value | Graph, **view: Any) -> Picture:
    from tinygrad_edu.draw.picture import draw

    return draw(what, **view)


def _page(what: Any, *lesson: Any, **how: Any) -> Page:
    from tinygrad_edu.live.page import page

    return page(what, *lesson, **how)


def _train(step: CompiledLoss, *run: Any, **how: Any) -> History:
    from tinygrad_edu.train import train_compiled

    return train_compiled(step, *run, **how)


def _play(events: Trace) -> dict[str, str]:
    from tinygrad_edu.drawable import PATIENCE, shown

    def play(plain: str) -> dict[str, str]:
        from tinygrad_edu.draw.film import DEFAULT, animated, scenes
        from tinygrad_edu.draw.picture import painted
        from tinygrad_edu.draw.svg import fitting

        pictures = scenes(events, DEFAULT, timeout=PATIENCE)
        drawn = fitting(animated(pictures, events, DEFAULT))
        return {"image/svg+xml": drawn, **painted(pictures[-1], PATIENCE), "text/plain": plain}

    return shown(events, play)


if not TYPE_CHECKING:
    # The submodules that load at their first use: `tinygrad_edu.nn` and so on.
    _SUBMODULES = ("nn", "losses", "optim", "train", "data", "saving", "draw", "plots", "compat")
    # The other files and folders that somebody may read as `tinygrad_edu.ops`, without an import.
    _FILES = {"analysis", "chain_rule", "compiler", "drawable", "engine", "errors", "functions"}
    _FILES |= {"groups", "habits", "history", "ops", "rows"}

    def _load() -> tuple[Any, ...]:
        """Imports the public submodules."""
        import tinygrad_edu.compat.micrograd
        import tinygrad_edu.data
        import tinygrad_edu.draw
        import tinygrad_edu.errors
        import tinygrad_edu.losses
        import tinygrad_edu.nn.init
        import tinygrad_edu.optim.lr_scheduler
        import tinygrad_edu.plots
        import tinygrad_edu.saving
        import tinygrad_edu.train

        below = (tinygrad_edu.optim.lr_scheduler, tinygrad_edu.optim.schedules)
        return (
            *(globals()[name] for name in _SUBMODULES),
            tinygrad_edu.nn.init,
            *below,
            tinygrad_edu.errors,
        )

    def _load_table() -> None:
        """Imports `Value`, the functions and the errors, and makes their names global."""
        from tinygrad_edu import engine, errors, functions, groups, ops
        from tinygrad_edu.rows import op
        from tinygrad_edu.rows.formula import ATOM

        for file in (engine, errors, functions, groups, ops, op):
            found = vars(file)
            globals().update((name, found[name]) for name in file.__all__ if name in __all__)
        # A new row of the table is exported; type checkers see only the names listed above.
        atoms = [op for op in ops.TABLE.values() if op.precedence == ATOM and op.name != "abs"]
        rows = {op.__name__: op for op in atoms}
        globals().update(rows)
        __all__.extend(sorted(rows.keys() - {*__all__}))

    def _later(name: str) -> Any:
        """Returns the function, class or folder of that name, which needs files of its own."""
        match name:
            case "Graph" | "graph":
                from tinygrad_edu.analysis import graph as file
            case "Trace" | "trace":
                from tinygrad_edu.analysis import trace as file
            case "explain":
                from tinygrad_edu.analysis import explain as file
            case "orders":
                from tinygrad_edu.analysis import orders as file
            case "page":
                from tinygrad_edu.live import page as file
            case "grad" | "hessian" | "jacobian" | "jvp" | "value_and_grad":
                from tinygrad_edu.analysis import transforms as file
            case "CompiledLoss" | "compile":
                from tinygrad_edu.compiler import compiled as file
            case "analysis" | "compiler" | "history":
                for each in ("trace", "explain", "orders", "jvp", "compile", "gradcheck"):
                    _later(each)
                return globals()[name]
            case _:
                from tinygrad_edu.analysis import check as file
        return vars(file)[name]

    def __getattr__(name: str) -> Any:
        caller = sys._getframe(1)
        is_file = name in _FILES and caller.f_code.co_name == "_handle_fromlist"  # of importlib
        if is_file or name.startswith("__"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if "Value" not in globals():
            _load_table()
        if name in _FILES.union(__all__) and name not in globals():
            globals()[name] = _later(name)
        if name in globals():
            return globals()[name]
        from tinygrad_edu.habits.hints import elsewhere, is_import

        if name in _SUBMODULES and not is_import(caller):  # `from tinygrad_edu import nn` imports
            _load()
            return globals()[name]
        elsewhere(name, {}, __name__)

    def __dir__() -> list[str]:
        if "Value" not in globals():
            _load_table()
        return sorted({*globals(), *__all__})

    def _import_line(name: str) -> str:
        """Returns the import statement for a public name of the package; '' for any other."""
        if name in _SUBMODULES:
            return ""
        for module in (sys.modules[__name__], *_load()):
            if name in getattr(module, "__all__", ()):
                return f"from {module.__name__} import {name}"
        return ""

    import_lines.append(_import_line)
    _install()


draws.append(_draw)
pages.append(_page)
plays.append(_play)
trains.append(_train)
