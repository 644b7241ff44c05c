"""Optimizers: gradient descent and its successors, which change parameters by their gradients.

An optimizer is one formula: a pure function of a parameter `p`, its gradient `g` and its state, the
numbers that the optimizer keeps for it between steps. The formula returns the new parameter and the
new state. Its keyword arguments are the settings, the rate `lr` of this step, and `t`, the number
of this step, which starts at 1:

    def momentum(p, g, v=0.0, *, lr, beta=0.9):
        v = beta * v + g
        return p - lr * v, v

    optimizer = Optimizer(model.parameters(), 0.1, formula=momentum)

Called with floats, a formula makes an eager step; called with Values, it gives a graph that can be
compiled. The state starts at the default of its argument. A state whose name begins with `square`
is a sum of squares: `load_state_dict` refuses a negative number for it.

Names, formulas and defaults are PyTorch's, except for `Momentum`, which is the method of 1986.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.habits.hints import elsewhere
from tinygrad_edu.optim import lr_scheduler, schedules
from tinygrad_edu.optim.clipping import clip_grad_norm_, clip_grad_value_
from tinygrad_edu.optim.methods import SGD, Adagrad, Adam, AdamW, Momentum, RMSprop
from tinygrad_edu.optim.optimizer import Formula, Optimizer, Parameters
from tinygrad_edu.optim.schedules import (
    Rate,
    Schedule,
    constant,
    cosine,
    exponential,
    multi_step,
    step_decay,
    warm_up,
)

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Formula",
    "Momentum",
    "Optimizer",
    "Parameters",
    "RMSprop",
    "Rate",
    "Schedule",
    "clip_grad_norm_",
    "clip_grad_value_",
    "constant",
    "cosine",
    "exponential",
    "lr_scheduler",
    "multi_step",
    "schedules",
    "step_decay",
    "warm_up",
]

_NAMES = {  # names from other libraries
    "GradientDescent": "SGD",
    "sgd": "SGD",
    "RMSProp": "RMSprop",
    "Nesterov": "SGD(parameters, lr, momentum=0.9, nesterov=True)",
    "adam": "Adam",
    "adamw": "AdamW",
    "Adadelta": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "NAdam": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "RAdam": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "LBFGS": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "Adamax": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "Rprop": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "Lion": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "apply_updates": "step() changes the parameters",
    "StepLR": "tinygrad_edu.optim.lr_scheduler.StepLR",
    "CosineAnnealingLR": "tinygrad_edu.optim.lr_scheduler.CosineAnnealingLR",
    "clip_grad_norm": "clip_grad_norm_",
    "clip_by_global_norm": "clip_grad_norm_",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _NAMES, __name__)
