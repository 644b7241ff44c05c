"""Backpropagation with every number visible: see README.md, or `help(tinygrad_edu.Value)`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

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
from tinygrad_edu.compiler.compiled import CompiledLoss, compile, trains
from tinygrad_edu.drawable import PATIENCE, Picture, draws, mime, shown
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
from tinygrad_edu.functions import clip, gelu, leaky_relu, silu, where
from tinygrad_edu.groups import group
from tinygrad_edu.habits.hints import elsewhere, import_lines, is_import
from tinygrad_edu.habits.imports import install as _install
from tinygrad_edu.history import History
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
from tinygrad_edu.rows.formula import ATOM
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
    "tan",
    "tanh",
    "topological_order",
    "trace",
    "value_and_grad",
    "where",
]
# A new row of the table is exported automatically; type checkers see only the names listed above.
_functions = {
    op.__name__: op for op in TABLE.values() if op.precedence == ATOM and op.name != "abs"
}
globals().update(_functions)
__all__ += sorted(_functions.keys() - {*__all__})


def _draw(what: Value | Graph, **view: Any) -> Picture:
    from tinygrad_edu.draw.picture import draw  # late, so that importing the package stays fast

    return draw(what, **view)


def _train(step: CompiledLoss, *run: Any, **how: Any) -> History:
    from tinygrad_edu.train import train_compiled  # late, so that importing the package stays fast

    return train_compiled(step, *run, **how)


def _play(self: Trace, include: Any = None, exclude: Any = None) -> dict[str, str]:
    def play(plain: str) -> dict[str, str]:
        from tinygrad_edu.draw.film import DEFAULT, animated, scenes
        from tinygrad_edu.draw.picture import painted
        from tinygrad_edu.draw.svg import fitting

        pictures = scenes(self, DEFAULT, timeout=PATIENCE)
        drawn = fitting(animated(pictures, self, DEFAULT))
        return {"image/svg+xml": drawn, **painted(pictures[-1], PATIENCE), "text/plain": plain}

    return shown(self, play)


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
else:
    # The submodules that load at their first use: `tinygrad_edu.nn` and so on.
    _SUBMODULES = ("nn", "losses", "optim", "train", "data", "saving", "draw", "plots", "compat")

    def _load() -> tuple[Any, ...]:
        """Imports the public submodules: late, so that importing the package stays fast."""
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

    def __getattr__(name: str) -> Any:
        importing = is_import(sys._getframe(1))
        if name in _SUBMODULES and not importing:  # `from tinygrad_edu import nn` needs no help
            _load()
            return globals()[name]
        elsewhere(name, {}, __name__)

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
trains.append(_train)
Trace._repr_mimebundle_ = _play
Trace._mime_ = mime
