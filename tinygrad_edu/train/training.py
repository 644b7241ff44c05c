"""`train` runs the Loop to its end, eager or compiled, and keeps a History."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from inspect import signature
from math import inf
from typing import Any, NoReturn

from tinygrad_edu.compiler.compiled import Reduction
from tinygrad_edu.data import Example, as_examples
from tinygrad_edu.engine import Value, no_grad
from tinygrad_edu.habits.keywords import refuse
from tinygrad_edu.history import Criterion, History, Learner
from tinygrad_edu.losses import weighed
from tinygrad_edu.nn.module import Module
from tinygrad_edu.train.compiled_run import (
    Compiled,
    columns_of,
    compiled_loss,
    straight_on,
)
from tinygrad_edu.train.metrics import Metrics, metrics_by_name
from tinygrad_edu.train.passes import (
    Data,
    Eager,
    Loss,
    Turn,
    steps_in_epoch,
    turns,
)
from tinygrad_edu.train.run import Callback, Run, check_run

__all__ = ["loss_below", "no_better", "train"]


_KINDS = 1000  # targets of no more kinds are classes, or yes and no: each kind is looked at


def train(
    model: Module,
    loss: Loss,
    data: Data,
    optimizer: Learner,
    *,
    epochs: int,
    batch_size: int = 0,
    reduction: Reduction = "mean",
    seed: int = 0,
    validation: Data | None = None,
    metrics: Metrics = None,
    until: Criterion | None = None,
    watch: Sequence[str] = (),
    callbacks: Callback | Sequence[Callback] = (),
    history: History | None = None,
    progress: bool = True,
    compiled: bool = False,
    **unknown: NoReturn,
) -> History:
    """This returns the History of a run of the Loop; with a history given, of its continuation.

    loss, data, batch_size, reduction and seed are as of `loop`. epochs: in all, those before
    included. validation: other data, of which `val_loss` and `val_...` are kept after each epoch,
    with dropout off; nothing is learned from it. metrics: "accuracy", names of losses, or functions
    of outputs and target as the loss is one; means over the examples of an epoch. until: a
    criterion to stop earlier. A loss that is not finite stops the run before the update with it.
    watch: names of parameters to keep, with their gradients. callbacks: functions that are called
    with each `Turn`, and may clip gradients, draw or print. progress: shows the epochs and the
    loss, in a notebook, and on a terminal if it takes long.
    compiled: the graph of one example is recorded, and run over all examples in each step (see
    `compile`), as long as Python decides nothing by the numbers. There are no Turns before
    "backward" then; and where nobody looks at single steps (no batches, validation, watch and
    callbacks), parameters get their numbers when the run ends, so that `until` looks at the history
    alone.
    Ctrl-C is a KeyboardInterrupt as ever, but never in the middle of an update: model, optimizer
    and the history given are those after a whole number of steps. ValueError for a name that is
    none or that two have, an optimizer of another model, and a continuation that records something
    else.
    """
    if unknown:
        refuse("train()", unknown, [*signature(train).parameters][:-1])
    check_run(epochs, optimizer, until)
    examples = as_examples(data)
    per_epoch = steps_in_epoch(examples, batch_size)
    judged = None if validation is None else as_examples(validation)
    steps_in_epoch(examples if judged is None else judged)
    told = metrics_by_name(metrics, loss, examples)
    watched = _watched(model, optimizer, watch)
    history = History() if history is None else history
    _check_continuation(history, watched, told, judged is not None)
    history.model, history.examples, history.loss = model, examples, loss
    looks = [callbacks] if callable(callbacks) else [*callbacks]
    if watched:
        looks.insert(0, _keeping(watched, history))
    many = weighed(loss, [example.targets for example in (*examples, *(judged or []))])
    straight = not (looks or batch_size or judged or many)
    passes: Eager | Compiled
    if compiled:
        _ask(model, loss, examples)
        one, weights = many or (loss, [])
        over: Reduction = "sum" if many else reduction
        fs = [one, *told.values()]
        step, columns = compiled_loss(model, fs, examples, optimizer.parameters, over)
        how: dict[str, Any] = {"weights": weights[: len(examples)], "mean": reduction == "mean"}
        passes = Compiled(step, columns, optimizer, [*told], examples, not straight, **how)
    else:
        passes = Eager(model, loss, examples, optimizer, reduction, told)
    share: float = sum(many[1][len(examples) :]) if many else len(judged or [])
    share = share if reduction == "mean" else 1
    judge = _judge(model, passes, judged, share) if judged is not None else None
    run = Run(history, epochs, until, progress, looks, judge)
    if straight and isinstance(passes, Compiled):
        return straight_on(run, passes)
    with run:
        start = len(history.losses)
        run.follow(turns(passes, epochs, batch_size, seed, start), per_epoch)
    return history


def loss_below(bound: float) -> Criterion:
    """Stops when the loss of the last step is below `bound`."""
    return Criterion(f"loss below {bound:g}", lambda history: history.losses[-1] < bound)


def no_better(steps: int, of: str = "loss") -> Criterion:
    """Stops when the least loss of all is `steps` steps ago, or more.

    of: the metric to look at instead, such as "val_loss", whose steps are epochs. ValueError,
    during the run, for a metric that is not kept.
    """
    best, at, seen = inf, 0, 0

    def holds(history: History) -> bool:
        nonlocal best, at, seen
        if of != "loss" and of not in history.metrics:
            kept = ", ".join(["loss", *history.metrics])
            raise ValueError(f"no metric {of!r:.60} is kept: choose {kept}")
        row = history.losses if of == "loss" else history.metrics[of]
        for step in range(seen, len(row)):  # each is looked at once
            if row[step] < best:
                best, at = row[step], step
        seen = len(row)
        return seen - 1 - at >= steps

    what = "no better" if of == "loss" else f"{of} no better"
    return Criterion(f"{what} for {steps} steps", holds)


def _judge(
    model: Module, passes: Eager | Compiled, examples: list[Example], share: float
) -> Callable[[], Mapping[str, float]]:
    """What the validation gives after an epoch."""
    columns = columns_of(examples) if isinstance(passes, Compiled) else []

    def judge() -> Mapping[str, float]:
        with _still(model):
            if isinstance(passes, Compiled):
                loss, sums = passes.validated(columns, share)
            else:
                loss, sums = passes.validated(examples)
        means = {f"val_{name}": x / len(examples) for name, x in sums.items()}
        return {"val_loss": loss, **means}

    return judge


def _ask(model: Module, loss: Loss, examples: list[Example]) -> None:
    """Raises what the loss says of a target that is none: what is compiled could not say it."""
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(repr(example.targets), example)
        if len(first) > _KINDS:
            return  # numbers, and no classes
    with no_grad(), _still(model):
        outputs = model(examples[0].inputs)
        for example in first.values():
            loss(outputs, example.targets)


@contextmanager
def _still(model: Module) -> Iterator[None]:
    """Switches off what only training needs, such as dropout; and on again what was on."""
    parts = [part for part in (model, *(part for _, part in model.walk())) if part.training]
    for part in parts:
        part.training = False
    try:
        yield
    finally:
        for part in parts:
            part.training = True


def _keeping(parameters: Mapping[str, Value], history: History) -> Callback:
    """Keeps these parameters, and their gradients, at each step before its update."""

    def see(turn: Turn) -> None:
        if turn.phase == "backward":
            for name, p in parameters.items():
                history.parameters.setdefault(name, []).append(p.data)
                history.grads.setdefault(name, []).append(p.grad)

    return see


def _watched(model: Module, optimizer: Learner, watch: Sequence[str]) -> dict[str, Value]:
    """The parameters to record, by name."""
    parameters = dict(model.named_parameters())
    if set(parameters.values()).isdisjoint(optimizer.parameters):
        raise ValueError("the optimizer has no parameter of this model: give it those it has")
    for name in [watch] if isinstance(watch, str) else watch:
        if name not in parameters:
            some = ", ".join(list(parameters)[:6])
            raise ValueError(f"no parameter {name[:60]!r} to watch: they are {some}, ...")
    return {name: parameters[name] for name in ([watch] if isinstance(watch, str) else watch)}


def _check_continuation(
    history: History, watched: Mapping[str, Value], metrics: Mapping[str, Any], judged: bool
) -> None:
    kept = {*metrics, *(["val_loss", *(f"val_{name}" for name in metrics)] if judged else [])}
    if history.losses and (set(watched), kept) != (
        set(history.parameters),
        set(history.metrics) if history.epochs else kept,
    ):
        raise ValueError("a run goes on with the same parameters watched, and the same metrics")
