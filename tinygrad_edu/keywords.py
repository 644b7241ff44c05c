"""Keyword arguments that people know from other libraries, and what they are called here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import NoReturn

__all__ = ["NAMES", "refuse"]

NAMES = {  # of arguments
    "rate": "lr",
    "learning_rate": "lr",
    "eta": "lr",
    "step_size": "lr",
    "params": "parameters, the first argument",
    "beta": "momentum",
    "beta1": "betas=(0.9, 0.999)",
    "beta2": "betas=(0.9, 0.999)",
    "b1": "betas=(0.9, 0.999)",
    "b2": "betas=(0.9, 0.999)",
    "epsilon": "eps",
    "decay": "weight_decay",
    "l2": "weight_decay",
    "rho": "alpha",
    "clip_norm": "clip_grad_norm_(parameters, 1.0) before step()",
    "clipnorm": "clip_grad_norm_(parameters, 1.0) before step()",
    "maximize": "a loss with a minus: minimise -y",
    "amsgrad": "a formula of your own: Optimizer(parameters, lr, formula=f)",
    "foreach": "nothing to do: leave it out",
    "fused": "nothing to do: leave it out",
    "sweeps": "epochs",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "nb_epoch": "epochs",
    "iterations": "epochs",
    "num_iterations": "epochs",
    "steps": "epochs",
    "max_iter": "epochs",
    "batch": "batch_size",
    "bs": "batch_size",
    "minibatch": "batch_size",
    "mean": "reduction='mean'",
    "reduce": "reduction='sum' or 'mean'",
    "counts": "metrics",
    "metric": "metrics",
    "cases": "data, the third argument",
    "examples": "data, the third argument",
    "dataset": "data, the third argument",
    "train_data": "data, the third argument",
    "dataloader": "data, the third argument, and batch_size",
    "X": "data, the third argument: (X, y)",
    "x": "data, the third argument: (X, y)",
    "y": "data, the third argument: (X, y)",
    "criterion": "loss, the second argument",
    "loss_fn": "loss, the second argument",
    "opt": "optimizer, the fourth argument",
    "val": "validation",
    "valid": "validation",
    "val_data": "validation",
    "valid_data": "validation",
    "eval_data": "validation",
    "validation_data": "validation",
    "test_data": "validation",
    "validation_split": "validation=, of tinygrad_edu.data.split(examples, 0.8, seed=0)",
    "shuffle": "nothing to do: batch_size= draws the examples anew in each epoch, by seed=",
    "random_state": "seed",
    "verbose": "progress",
    "callback": "callbacks",
    "early_stopping": "until=no_better(10, 'val_loss')",
    "patience": "until=no_better(10, 'val_loss')",
    "stop": "until=loss_below(0.01)",
    "backend": "compiled=True, which takes the fastest back end",
    "jit": "compiled=True",
    "compile": "compiled=True",
    "device": "nothing to do: every number is a float of Python",
    "scheduler": "lr, of the optimizer: SGD(parameters, cosine(0.1, steps=100))",
}


def refuse(name: str, keywords: Iterable[str], known: Collection[str]) -> NoReturn:
    """Says which keyword is unknown to `name`, and what it is called here: a TypeError."""
    keyword = sorted(set(keywords) - set(known))[0]
    said = NAMES.get(keyword, "")
    is_word = said.partition("=")[0].partition(",")[0] in known or " " in said
    near = get_close_matches(keyword, known, 1)
    cure = f"here it is {said}" if said and is_word else f"did you mean {near[0]}?" if near else ""
    cure = cure or f"it takes {', '.join(known)}"
    raise TypeError(f"{name} takes no {keyword}=: {cure}")
