"""Keyword arguments of other libraries, and what to write instead of them here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache, wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

__all__ = ["NAMES", "Strict", "refuse", "strict"]

F = TypeVar("F", bound=Callable[..., Any])

_SIZES = "sizes, a list of the size of each layer, the last the outputs: MLP(2, [16, 1])"
_NOTHING = "nothing to do: leave it out"

NAMES = {  # keyword: what to write here
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
    "maximize": "a loss with a minus sign: minimise -y",
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
    "shuffle": "nothing to do: batch_size= shuffles the examples in each epoch, by seed=",
    "random_state": "seed",
    "verbose": "progress",
    "callback": "callbacks",
    "early_stopping": "until=no_better(10, 'val_loss')",
    "patience": "until=no_better(10, 'val_loss')",
    "stop": "until=loss_below(0.01)",
    "backend": "compiled=True, which takes the fastest back end",
    "jit": "compiled=True",
    "compile": "compiled=True",
    "device": "nothing to do: every number is a Python float",
    "decoupled_weight_decay": "AdamW, another class",
    "dtype": "nothing to do: every number is a Python float",
    "n_samples": "n",
    "num_samples": "n",
    "n_points": "n",
    "inplace": _NOTHING,
    "approximate": "nothing to do: gelu is exact; leave it out",
    "Softplus.beta": "the function: softplus(beta * x) / beta",
    "Softplus.threshold": _NOTHING,
    "padding_idx": "nothing of its own: leave the numbers of that vector out of the optimizer",
    "sparse": _NOTHING,
    "hidden": _SIZES,
    "hidden_sizes": _SIZES,
    "hidden_layer_sizes": _SIZES,
    "layers": _SIZES,
    "nin": "inputs",
    "nout": "outputs",
    "nouts": "sizes",
    "input_dim": "inputs",
    "nonlin": "activation",
    "nonlinearity": "activation",
    "act": "activation",
    "Linear.activation": "a module of its own: Sequential(Linear(2, 3), Tanh())",
    "Linear.inputs": "in_features",
    "Linear.outputs": "out_features",
    "use_bias": "bias",
    "in_dim": "in_features",
    "out_dim": "out_features",
    "vocab_size": "num_embeddings",
    "dim": "embedding_dim",
    "normalized_shape": "size, one whole number",
    "elementwise_affine": "nothing to do: weight and bias start at 1 and 0; leave it out",
    "Dropout.rate": "p",
    "Dropout.dropout": "p",
    "slope": "negative_slope",
    "LRScheduler.verbose": "a line of your own: print(scheduler.get_last_lr())",
    "last_epoch": "a state: scheduler.load_state_dict(state) continues from it",
    "t_max": "T_max",
    "scheduler": "lr, of the optimizer: SGD(parameters, cosine(0.1, steps=100))",
}


def refuse(
    name: str, keywords: Iterable[str], known: Collection[str], kinds: Iterable[str] = ()
) -> NoReturn:
    """Raises the TypeError for a keyword that `name` does not take, with what to write instead.

    kinds: class names, for keywords with another meaning there, such as "Softplus.beta".
    """
    keyword = sorted(set(keywords) - set(known))[0]
    own = (NAMES[f"{kind}.{keyword}"] for kind in kinds if f"{kind}.{keyword}" in NAMES)
    said = next(own, NAMES.get(keyword, ""))
    is_word = said.partition("=")[0].partition(",")[0] in known or " " in said
    from difflib import get_close_matches  # late: most calls are right

    near = get_close_matches(keyword, known, 1) or [x for x in known if x.lower() == keyword]
    here = "" if said.startswith("nothing") else "here it is "
    cure = f"{here}{said}" if said and is_word else f"did you mean {near[0]}?" if near else ""
    cure = cure or f"it takes {', '.join(known) or 'none by name'}"
    raise TypeError(f"{name} takes no {keyword}=: {cure}")


def strict(function: F) -> F:
    """Makes the function's error for an unknown keyword say what to write instead."""
    known = signature(function).parameters

    @wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        if not named.keys() <= known.keys():
            refuse(function.__name__, named, [*known])
        return function(*args, **named)

    return cast(F, called)


class Strict:
    """A class whose constructor's error for an unknown keyword says what to write instead."""

    if not TYPE_CHECKING:

        def __new__(cls, *args: Any, **named: Any) -> Any:
            """Refuses wrong arguments before Python does with a less helpful message."""
            if named or cls.__init__ is object.__init__:
                known = _parameters(cls)
                if known is not None and not named.keys() <= known.keys():
                    refuse(cls.__name__, named, [*known], [kind.__name__ for kind in cls.__mro__])
                if args and known == {}:
                    raise TypeError(f"{cls.__name__}() takes no argument, not {args[0]!r:.60}")
            return super().__new__(cls)

        # for `help`, if a class has no __init__
        __new__.__signature__ = Signature([Parameter("cls", Parameter.POSITIONAL_ONLY)])


@lru_cache(maxsize=256)
def _parameters(cls: type) -> Mapping[str, Parameter] | None:
    """Returns the parameters of the constructor; None if it takes any keyword.

    They are those of `__init__`: for a subclass without its own, Python 3.11.2 finds none.
    """
    owner = next(kind for kind in cls.__mro__ if "__init__" in vars(kind))
    if owner is object:
        return {}
    _, *known = signature(vars(owner)["__init__"]).parameters.values()  # without self
    return None if any(p.kind is p.VAR_KEYWORD for p in known) else {p.name: p for p in known}
