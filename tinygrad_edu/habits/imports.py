"""Imports of modules that do not exist here, such as `tinygrad_edu.nn.functional`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from tinygrad_edu.hooks import import_lines

__all__ = ["MODULES", "install"]

_PACKAGE = __name__.partition(".")[0]
_OPTIMIZERS = "from tinygrad_edu.optim import SGD, Adam"
MODULES = {  # modules of torch, of others and of earlier versions, as if inside of this package
    "autograd": "from tinygrad_edu import grad, gradient, jacobian, hessian, no_grad",
    "core": "from tinygrad_edu import Value",
    "nn.functional": (
        "from tinygrad_edu import relu, tanh; from tinygrad_edu.losses import mse_loss, softmax"
    ),
    "check": "from tinygrad_edu import gradcheck, numerical_gradient",
    "compiled": "from tinygrad_edu import compile",
    "derivatives": "from tinygrad_edu import gradient",
    "draw.plots": "from tinygrad_edu.plots import plot, loss_curve",
    "finite": "from tinygrad_edu import check_finite, first_nonfinite",
    "ieee": "from tinygrad_edu.rows.ieee import total_program",
    "init": "from tinygrad_edu.nn.init import xavier, he, uniform, normal",
    "layers": "from tinygrad_edu.nn import Linear, Sequential",
    "metrics": 'train(..., metrics=["accuracy"]) of tinygrad_edu.train',
    "module": "from tinygrad_edu.nn import Module",
    "nn.losses": "from tinygrad_edu.losses import mse_loss, cross_entropy",
    "nn.loss": "from tinygrad_edu.losses import mse_loss, cross_entropy",
    "nn.modules": "from tinygrad_edu.nn import Module, Linear",
    "nn.optim": _OPTIMIZERS,
    "nn.parameter": "from tinygrad_edu.nn import Parameter",
    "nn.utils": "from tinygrad_edu.optim import clip_grad_norm_, clip_grad_value_",
    "op": "from tinygrad_edu import Op",
    "optim.adam": "from tinygrad_edu.optim import Adam",
    "optim.adamw": "from tinygrad_edu.optim import AdamW",
    "lr_scheduler": "from tinygrad_edu.optim.lr_scheduler import StepLR, CosineAnnealingLR",
    "schedules": "from tinygrad_edu.optim import cosine, step_decay, warm_up",
    "optim.sgd": "from tinygrad_edu.optim import SGD",
    "micrograd": "from tinygrad_edu.compat.micrograd.engine import Value",
    "optimizers": _OPTIMIZERS,
    "optimizer": _OPTIMIZERS,
    "perceptron": "from tinygrad_edu.nn import Neuron, Layer, MLP",
    "plot": "x.draw(), and tinygrad_edu.plots",
    "tensor": "from tinygrad_edu import Value, which is one number",
    "transformer": "from tinygrad_edu.nn import Block",
    "transforms": "from tinygrad_edu import grad, value_and_grad, jacobian, hessian, jvp",
    "value": "from tinygrad_edu import Value",
    "viz": "x.draw() of a Value",
}


class _Finder:
    """A finder that finds no module, but raises an error with the right import."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> None:
        """Raises ModuleNotFoundError for a name in MODULES; returns None for any other."""
        package, _, below = name.partition(".")
        if package != _PACKAGE or not below or below.rpartition(".")[2].startswith("_"):
            return
        from tinygrad_edu.habits.hints import NAMES  # late, so that importing stays fast

        found = (
            MODULES.get(below) or NAMES.get(below) or ("." not in below and import_lines[-1](below))
        )
        if found:
            raise ModuleNotFoundError(f"there is no module {name}; here it is: {found}", name=name)


def install() -> None:
    """Adds the finder to Python's import system, after all other finders."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
