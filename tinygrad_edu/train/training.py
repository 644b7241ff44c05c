"""`train` runs the Loop to its end, eager or compiled, and returns a History."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
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
from tinygrad_edu.train.by_shape import ByShape, of_one_shape
from tinygrad_edu.train.compiled_run import (
    Compiled,
    compiled_loss,
    shape_of,
    straight_on,
)
from tinygrad_edu.train.fed import in_batches
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
from tinygrad_edu.trees import numbers

__all__ = ["ask_targets", "loss_below", "no_better", "train"]


_KINDS = 1000  # most different targets that are checked one by one, as classes


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
    """This runs the Loop and returns its History.

    loss, data, batch_size, reduction, seed: as for `loop`. epochs: the total number, including
    those in `history`. validation: other data; after each epoch the History gets their `val_loss`
    and `val_...` metrics, with dropout off. metrics: "accuracy", names of losses, or functions of
    outputs and target like the loss; the History has their means over the examples of an epoch.
    until: a criterion to stop earlier. A loss that is not finite also stops the run, before the
    update. watch: names of parameters; the History gets their numbers and gradients. callbacks:
    functions that are called with each `Turn`; they may clip gradients, draw or print. history: the
    History of an earlier run to continue. progress: shows the epochs and the loss, in a notebook,
    and on a terminal if the run is long.

    compiled: records the graph of one example, and runs it over all examples in each step (see
    `compile`). The model must not branch on its numbers. There are no Turns before "backward".
    Examples of several shapes, such as texts of several lengths, have a graph each, which is
    compiled once for each shape. It is faster to fill up texts to one length, with labels that
    `cross_entropy` ignores.
    Without batches, validation, watch and callbacks, the parameters get their numbers only at the
    end of the run, so `until` may read the History but not the model.

    A Ctrl-C raises KeyboardInterrupt, but never during an update: model, optimizer and history are
    those after a complete step. ValueError for an unknown name, a name that two parameters have, an
    optimizer of another model, or a history with other metrics or watched parameters.
    """
    if unknown:
        refuse("train()", unknown, [*signature(train).parameters][:-1])
    check_run(epochs, optimizer, until)
    examples = as_examples(data)
    per_epoch = steps_in_epoch(examples, batch_size)
    judged = None if validation is None else as_examples(validation)
    steps_in_epoch(examples if judged is None else judged)
    by_name = metrics_by_name(metrics, loss, examples)
    watched = _watched(model, optimizer, watch)
    history = History() if history is None else history
    _check_continuation(history, watched, by_name, judged is not None)
    history.model, history.examples, history.loss = model, examples, loss
    looks = [callbacks] if callable(callbacks) else [*callbacks]
    if watched:
        looks.insert(0, _keeping(watched, history))
    many = weighed(loss, [example.targets for example in (*examples, *(judged or []))])
    weighs = many is not None
    if 1 in (batch_size, len(examples)) and reduction == "mean" and judged is None:
        many = None  # the mean over the labels of a single example is what its loss is
    straight = not (looks or batch_size or judged or many)
    passes: Eager | Compiled
    if compiled:
        ask_targets(model, loss, examples)
        one, weights = many or (loss, [])
        over: Reduction = "sum" if many else reduction
        fs = [one, *by_name.values()]
        groups = of_one_shape(examples)
        straight = straight and len(groups) == 1
        parts = []
        for group in groups:
            some = [examples[i] for i in group]
            step, columns = compiled_loss(model, fs, some, optimizer.parameters, over)
            how: dict[str, Any] = {
                "weights": [weights[i] for i in group] if weights else [],
                "mean": reduction == "mean",
                "size": batch_size,
            }
            parts.append(Compiled(step, columns, optimizer, [*by_name], some, not straight, **how))
        passes = parts[0] if len(parts) == 1 else ByShape(parts, groups, examples, weights)
    else:
        passes = Eager(model, loss, examples, optimizer, reduction, by_name, bool(looks), weighs)
    share: float = sum(many[1][len(examples) :]) if many else len(judged or [])
    share = share if reduction == "mean" else 1
    judge = _judge(model, passes, judged, share) if judged is not None else None
    run = Run(history, epochs, until, progress, looks, judge)
    if straight and isinstance(passes, Compiled):
        return straight_on(run, passes)
    with run:
        if isinstance(passes, Compiled) and not callbacks:
            in_batches(run, passes, batch_size, seed, per_epoch, watched)
        elif isinstance(passes, Compiled):
            passes.observe(batch_size)
        if history.epochs < epochs and not history.stopped:
            steps = turns(passes, epochs, batch_size, seed, len(history.losses))
            with closing(steps):  # closed at once, for the sake of the garbage collector
                run.follow(steps, per_epoch)
    return history


def loss_below(bound: float) -> Criterion:
    """This returns a criterion: the loss of the last step is below `bound`."""
    return Criterion(f"loss below {bound:g}", lambda history: history.losses[-1] < bound)


def no_better(steps: int, of: str = "loss") -> Criterion:
    """This returns a criterion: the lowest loss of the run is at least `steps` steps old.

    of: a metric to use instead of the loss, such as "val_loss"; its steps are epochs. ValueError,
    during the run, for a metric that the History does not have.
    """
    best, at, seen = inf, 0, 0

    def holds(history: History) -> bool:
        nonlocal best, at, seen
        if of != "loss" and of not in history.metrics:
            kept = ", ".join(["loss", *history.metrics])
            raise ValueError(f"unknown metric {of!r:.60}: choose {kept}")
        row = history.losses if of == "loss" else history.metrics[of]
        for step in range(seen, len(row)):  # each number is compared once
            if row[step] < best:
                best, at = row[step], step
        seen = len(row)
        return seen - 1 - at >= steps

    what = "no better" if of == "loss" else f"{of} no better"
    return Criterion(f"{what} for {steps} steps", holds)


def _judge(
    model: Module, passes: Eager | Compiled, examples: list[Example], share: float
) -> Callable[[], Mapping[str, float]]:
    """Returns the function that computes the validation metrics after an epoch."""
    columns = passes.prepared(examples) if isinstance(passes, Compiled) else []

    def judge() -> Mapping[str, float]:
        if isinstance(passes, Compiled):  # it was recorded with dropout off
            loss, sums = passes.validated(columns, share)
        else:
            with _still(model):
                loss, sums = passes.validated(examples)
        means = {f"val_{name}": x / len(examples) for name, x in sums.items()}
        return {"val_loss": loss, **means}

    return judge


def ask_targets(model: Module, loss: Loss, examples: list[Example]) -> None:
    """Calls the loss for each number among the targets: a compiled loss cannot raise errors.

    An example is asked if its targets have a number, or it has a shape, that no other had before.
    """
    asked: list[Example] = []
    seen: set[str] = set()
    for example in examples:
        marks = {shape_of(example), *map(repr, numbers(example.targets))}
        if not marks <= seen:
            asked.append(example)
            seen |= marks
        if len(seen) > _KINDS:
            return  # the targets are numbers, not classes
    with no_grad(), _still(model):
        for group in of_one_shape(asked):
            outputs = model(asked[group[0]].inputs)
            for i in group:
                loss(outputs, asked[i].targets)


@contextmanager
def _still(model: Module) -> Iterator[None]:
    """Switches the training mode of all parts off inside of the block, and then back."""
    parts = [part for part in (model, *(part for _, part in model.walk())) if part.training]
    for part in parts:
        part.training = False
    try:
        yield
    finally:
        for part in parts:
            part.training = True


def _keeping(parameters: Mapping[str, Value], history: History) -> Callback:
    """Returns a callback that adds parameters and gradients to the history before each update."""

    def see(turn: Turn) -> None:
        if turn.phase == "backward":
            for name, p in parameters.items():
                history.parameters.setdefault(name, []).append(p.data)
                history.grads.setdefault(name, []).append(p.grad)

    return see


def _watched(model: Module, optimizer: Learner, watch: Sequence[str]) -> dict[str, Value]:
    """Returns the parameters to record, by name."""
    parameters = dict(model.named_parameters())
    if set(parameters.values()).isdisjoint(optimizer.parameters):
        raise ValueError("the optimizer has no parameter of this model: give it model.parameters()")
    for name in [watch] if isinstance(watch, str) else watch:
        if name not in parameters:
            some = ", ".join(list(parameters)[:6])
            raise ValueError(f"unknown parameter {name[:60]!r} in watch=: choose {some}, ...")
    return {name: parameters[name] for name in ([watch] if isinstance(watch, str) else watch)}


def _check_continuation(
    history: History, watched: Mapping[str, Value], metrics: Mapping[str, Any], judged: bool
) -> None:
    kept = {*metrics, *(["val_loss", *(f"val_{name}" for name in metrics)] if judged else [])}
    if history.losses and (set(watched), kept) != (
        set(history.parameters),
        set(history.metrics) if history.epochs else kept,
    ):
        raise ValueError(
            "the history has other metrics or watched parameters: continue it with the same ones"
        )
