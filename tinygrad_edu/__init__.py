"""Backpropagation with every number visible: see README.md, or `help(tinygrad_edu.Value)`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_edu.check import (
    check_finite,
    first_nonfinite,
    gradcheck,
    numerical_derivative,
    numerical_gradient,
)
from tinygrad_edu.compiled import Step, compile
from tinygrad_edu.engine import Value, gradient, topological_order
from tinygrad_edu.errors import (
    FrozenWarning,
    GradientError,
    InnerNodeError,
    NonFiniteError,
    NonFiniteWarning,
    NumberError,
    SlowWarning,
    StaleError,
    TapeError,
    ViewError,
)
from tinygrad_edu.explain import explain
from tinygrad_edu.graph import Graph, graph
from tinygrad_edu.groups import group
from tinygrad_edu.ops import (
    TABLE,
    Op,
    atan,
    cos,
    cosh,
    exp,
    less,
    log,
    mask,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    sinh,
    softplus,
    sqrt,
    step,
    tan,
    tanh,
)
from tinygrad_edu.orders import orders
from tinygrad_edu.steps import Steps, steps

__version__ = "0.1.0"  # the only place: setup.cfg reads it here

if TYPE_CHECKING:
    from tinygrad_edu.draw.picture import Picture
    from tinygrad_edu.train import History, Learner

__all__ = [
    "TABLE",
    "FrozenWarning",
    "GradientError",
    "Graph",
    "InnerNodeError",
    "NonFiniteError",
    "NonFiniteWarning",
    "NumberError",
    "Op",
    "SlowWarning",
    "StaleError",
    "Step",
    "Steps",
    "TapeError",
    "Value",
    "ViewError",
    "atan",
    "check_finite",
    "compile",
    "cos",
    "cosh",
    "exp",
    "explain",
    "first_nonfinite",
    "gradcheck",
    "gradient",
    "graph",
    "group",
    "less",
    "log",
    "mask",
    "maximum",
    "minimum",
    "numerical_derivative",
    "numerical_gradient",
    "orders",
    "relu",
    "sigmoid",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "step",
    "steps",
    "tan",
    "tanh",
    "topological_order",
]


def _draw(
    self: Value | Graph,
    *,
    edges: Sequence[str] | None = None,
    hide: Collection[str] = (),
    places: int = 4,
    direction: str = "LR",
    highlight: Sequence[str] = (),
    theme: str = "light",
    level: str | int | None = None,
    roles: Mapping[Any, str] | None = None,
    before: Value | Graph | None = None,
    timeout: float = 20.0,
    insist: bool = False,
) -> Picture:
    """The picture of all that this was computed from, as it is now: `.save("y.svg")`, `.text()`.

    edges: what edges say, of "formula", "numbers", "local", "contribution". hide: what is blank,
    to be filled in, of "leaves", "values", "grads", "edges". places: decimals. direction: "LR" or
    "TB". highlight: labels of nodes whose paths to the output stand out. theme: "light", "dark",
    "print" or "contrast". level: "node", "neuron", "layer", or how many parts of a group's path
    are kept. roles: "input", "parameter" or "loss", by Value or label. before: the same before an
    update, to stand beside it. timeout: seconds that Graphviz may take. insist: draw large graphs
    as they are.
    """
    from tinygrad_edu.draw.picture import draw  # late, so that importing the package stays fast

    return draw(
        self,
        edges=edges,
        hide=hide,
        places=places,
        direction=direction,
        highlight=highlight,
        theme=theme,
        level=level,
        roles=roles,
        before=before,
        timeout=timeout,
        insist=insist,
    )


def _train(
    self: Step, optimizer: Learner, columns: Sequence[Any], sweeps: int, **how: Any
) -> History:
    """Runs forward, backward and update `sweeps` times over all examples: see `train.train_step`.

    how: until, history, progress and counts, as of `train.train_step`.
    """
    from tinygrad_edu.train import train_step  # late, so that importing the package stays fast

    return train_step(self, optimizer, columns, sweeps, **how)


def _mimebundle(self: Value | Graph, include: Any = None, exclude: Any = None) -> dict[str, str]:
    return _shown(self, lambda plain: _draw(self).mimebundle(plain))


def _play(self: Steps, include: Any = None, exclude: Any = None) -> dict[str, str]:
    def play(plain: str) -> dict[str, str]:
        from tinygrad_edu.draw.film import film

        return {"image/svg+xml": film(self), "text/plain": plain}

    return _shown(self, play)


def _shown(what: Any, show: Callable[[str], dict[str, str]]) -> dict[str, str]:
    """What a notebook shows of it. It must not fail, whatever was made of the graph."""
    plain = f"a {type(what).__name__}"
    try:
        plain = repr(what)
        return show(plain)
    except Exception as error:
        return {"text/plain": f"{plain}\n({error})"}


Value.draw = Graph.draw = _draw
Step.train = _train
Value._repr_mimebundle_ = Graph._repr_mimebundle_ = _mimebundle
Steps._repr_mimebundle_ = _play
