"""The Loop: forward, loss, backward, update, over and over, with every phase in sight.

`loop` stops after each phase, so that a lesson can look at anything and draw it; `train` runs it
to its end and keeps a History. An epoch is one pass over all examples (the word of 1986), a step is
one update: with batches, an epoch has several.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import Any, Literal, NamedTuple, get_args

from tinygrad_edu import optim
from tinygrad_edu.compiled import Column, CompiledLoss, Reduction, compile
from tinygrad_edu.data import Example, as_examples, shuffled
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.history import Criterion as Criterion
from tinygrad_edu.history import History as History
from tinygrad_edu.history import Learner as Learner
from tinygrad_edu.ieee import number
from tinygrad_edu.module import Module
from tinygrad_edu.progress import Bar
from tinygrad_edu.straight import as_arrays, function
from tinygrad_edu.tape import record
from tinygrad_edu.trees import like, numbers, shape

__all__ = [
    "PHASES",
    "Count",
    "Criterion",
    "History",
    "Learner",
    "Loss",
    "Metric",
    "Turn",
    "loop",
    "loss_below",
    "no_better",
    "step_of",
    "steps_in_epoch",
    "train",
    "train_step",
]

Phase = Literal["forward", "loss", "backward", "update"]
PHASES: tuple[Phase, ...] = get_args(Phase)

Data = Iterable[Any]  # pairs of inputs and target, or (X, y): see `data.as_examples`
Loss = Callable[[Any, Any], Value]  # of a model's outputs and the target of an example
Metric = Callable[
    [Sequence[Any], Sequence[Example]], float
]  # of the outputs for all these examples
Count = Callable[[Any, Any], Value]  # as a loss: of one example, and made of Values


class Turn(NamedTuple):
    """Where the Loop stands, after one phase of a step.

    phase: of PHASES. epoch, step: counted from 0. examples: those of this step. outputs: what the
    model said to each. loss: the sum or the mean over the examples, None after `forward`.
    """

    phase: Phase
    epoch: int
    step: int
    examples: Sequence[Example]
    outputs: Sequence[Any]
    loss: Value | None


def loop(
    model: Callable[[Sequence[float]], Any],
    loss: Loss,
    data: Data,
    optimizer: Learner,
    *,
    epochs: int,
    batch_size: int = 0,
    reduction: Reduction = "sum",
    seed: int = 0,
    start: int = 0,
) -> Iterator[Turn]:
    """This returns the Loop: a Turn after each phase of each step, to the end of `epochs`.

    data: see `data.as_examples`. loss: a function of what the model gives for the inputs of one
    example, and of its target. batch_size: examples in a step, drawn anew in each epoch by `seed`;
    0 for all of them, in order. reduction: the "sum" over the examples, which was that of 1986, or
    the "mean". start: the step to begin with. ValueError without examples.
    """
    examples = as_examples(data)
    per_epoch = steps_in_epoch(examples, batch_size)
    _check_reduction(reduction)
    for epoch in range(start // per_epoch, epochs):
        order = shuffled(examples, (seed << 32) + epoch) if batch_size else examples
        size = batch_size or len(examples)
        for step in range(max(start, epoch * per_epoch), (epoch + 1) * per_epoch):
            first = (step % per_epoch) * size
            now = order[first : first + size]
            outputs = [model(example.inputs) for example in now]
            yield Turn("forward", epoch, step, now, outputs, None)
            losses = [loss(y, example.targets) for y, example in zip(outputs, now)]
            total = sum(losses[1:], losses[0])
            total = total / len(now) if reduction == "mean" else total
            yield Turn("loss", epoch, step, now, outputs, total)
            for p in optimizer.parameters:  # also what this step does not use
                p.grad = 0.0
            total.zero_grad()
            total.backward()
            yield Turn("backward", epoch, step, now, outputs, total)
            optimizer.step()
            yield Turn("update", epoch, step, now, outputs, total)


def steps_in_epoch(examples: Sequence[Example], batch_size: int = 0) -> int:
    """This returns how many steps an epoch has; ValueError without examples."""
    if not examples:
        raise ValueError("the data are empty: give one example or more")
    if type(batch_size) is not int or batch_size < 0:
        raise ValueError(
            f"batch_size is a whole number, or 0 for all examples at once, not {batch_size!r}"
        )
    return -(-len(examples) // (batch_size or len(examples)))


def _check_reduction(reduction: str) -> None:
    if reduction not in ("sum", "mean"):
        raise ValueError(f"reduction is 'sum' or 'mean', over the examples, not {reduction!r}")


def loss_below(bound: float) -> Criterion:
    """Stops when the loss of the last step is below `bound`."""
    return Criterion(f"loss below {bound:g}", lambda history: history.losses[-1] < bound)


def no_better(steps: int) -> Criterion:
    """Stops when the least loss of all is `steps` steps ago, or more."""
    best, at, seen = inf, 0, 0

    def holds(history: History) -> bool:
        nonlocal best, at, seen
        for step in range(seen, len(history.losses)):  # each is looked at once
            if history.losses[step] < best:
                best, at = history.losses[step], step
        seen = len(history.losses)
        return seen - 1 - at >= steps

    return Criterion(f"no better for {steps} steps", holds)


def train(
    model: Module,
    loss: Loss,
    data: Data,
    optimizer: Learner,
    *,
    epochs: int,
    until: Criterion | None = None,
    metrics: Mapping[str, Metric] | None = None,
    counts: Mapping[str, Count] | None = None,
    watch: Sequence[str] = (),
    batch_size: int = 0,
    reduction: Reduction = "sum",
    seed: int = 0,
    history: History | None = None,
    progress: bool = True,
    compiled: bool = False,
) -> History:
    """The History of a run of the Loop; with a history given, of its continuation.

    epochs: in all, those before included. until: stops earlier, as does a loss that is not finite.
    counts: metrics that are sums over the examples, such as how many are right, each a function of
    the outputs and targets of one example. watch: names of parameters to record, with their grads.
    progress: a bar on a terminal, if it takes long. compiled: the graph of one example is recorded,
    and run over all examples in each step (see `compile`), as long as Python decides nothing by the
    numbers; parameters get theirs when it ends, so a criterion looks at the history alone. data,
    batch_size, reduction and seed are as of `loop`.
    Ctrl-C is a KeyboardInterrupt as ever, but never in the middle of an update: model, optimizer
    and the history given are those after a whole number of steps. ValueError for a name that is
    none or that two have, an optimizer of another model, and a continuation that records something
    else.
    """
    _check(epochs, optimizer, until)
    _check_reduction(reduction)
    examples = as_examples(data)
    history = History() if history is None else history
    metrics, counts = metrics or {}, counts or {}
    if not counts.keys().isdisjoint(metrics):
        raise ValueError("a metric and a count have one name: give them two")
    if compiled and (batch_size or metrics or watch):
        raise ValueError("a compiled run takes counts, not batches, metrics and names to watch")
    metrics = {**metrics, **{name: _counted(count) for name, count in counts.items()}}
    watched = _watched(model, optimizer, watch)
    if history.losses and (set(watched), set(metrics)) != (
        set(history.parameters),
        set(history.metrics) if history.epochs else set(metrics),
    ):
        raise ValueError("a run goes on with the same parameters watched, and the same metrics")
    history.model, history.examples, history.loss, history.stopped = model, examples, loss, ""
    if compiled:
        fs = [loss, *counts.values()]
        step, columns = step_of(model, fs, examples, optimizer.parameters, reduction)
        go_on: dict[str, Any] = {"until": until, "history": history, "progress": progress}
        return train_step(step, optimizer, columns, epochs, counts=list(counts), **go_on)
    per_epoch, start = steps_in_epoch(examples, batch_size), len(history.losses)
    how: dict[str, Any] = {"epochs": epochs, "batch_size": batch_size, "reduction": reduction}
    how |= {"seed": seed, "start": start}
    seen: list[Any] = []
    told: list[Example] = []
    bar, patience = Bar(epochs, "epochs", progress), _Patience()
    try:
        for turn in loop(_callable(model), loss, examples, optimizer, **how):
            if turn.phase == "backward" and turn.loss is not None:
                patience.begin()  # from now on parameters change, and what is recorded
                row = turn.loss.data, {n: (p.data, p.grad) for n, p in watched.items()}
            if turn.phase != "update":
                continue
            history.losses.append(row[0])
            for name, (x, grad) in row[1].items():
                history.parameters.setdefault(name, []).append(x)
                history.grads.setdefault(name, []).append(grad)
            if metrics:
                seen += turn.outputs
                told += turn.examples
            if len(history.losses) % per_epoch == 0:
                for name, score in [(n, number(f(seen, told))) for n, f in metrics.items()]:
                    history.metrics.setdefault(name, []).append(score)
                history.epochs += 1
                seen, told = [], []
                bar.show(history.epochs)
                history.stopped = _reason(history, until)
            patience.end()
            if history.stopped:
                return history
        history.stopped = f"{epochs} epochs"
    except KeyboardInterrupt:
        history.stopped = "interrupted"
        raise
    finally:
        patience.leave()
        bar.end()
    return history


# --- compiled ------------------------------------------------------------------------------------


def train_step(
    step: CompiledLoss,
    optimizer: Learner,
    columns: Sequence[Column],
    epochs: int,
    *,
    until: Criterion | None = None,
    history: History | None = None,
    progress: bool = True,
    counts: Sequence[str] = (),
) -> History:
    """The History of a run of a compiled step over all examples: forward, backward, update.

    columns: as for a call of the step. counts: what the step's `also`, whose sums they are, are
    called in the metrics.
    All else is as of `train`. ValueError where the step does not differentiate by a parameter.
    """
    _check(epochs, optimizer, until)
    history = History() if history is None else history
    lists, count, _ = step.columns(columns)
    inputs = set(step.inputs)
    slots = {x: i for i, x in enumerate(x for x in step.wrt if x not in inputs)}
    if not set(optimizer.parameters) <= set(slots):
        raise ValueError("the step does not differentiate by all parameters: compile it with wrt=")
    if len(counts) != len(step.also):
        raise LengthError(f"{len(step.also)} values in also=, {len(counts)} counts: name each")
    machine = step.begun(optimizer, lists, count)
    arrays = step.chosen(count) == "numpy"
    given = as_arrays(lists) if arrays else lists
    share = count if step.reduce == "mean" else 1
    places = [len(step.also) + slots[p] for p in optimizer.parameters]
    update: Callable[[list[float]], None] | None = None
    slopes: list[float] = []
    bar, patience = Bar(epochs, "epochs", progress), _Patience()
    history.stopped = ""

    def keep(loss: float, counted: Sequence[float]) -> None:
        history.losses.append(loss)
        for name, x in zip(counts, counted):
            history.metrics.setdefault(name, []).append(x)
        history.epochs += 1
        history.stopped = _reason(history, until)

    try:
        if machine is not None:
            _on_machine(machine, epochs, share, history, keep, bar, patience)
        while history.epochs < epochs and not history.stopped:
            (loss, *rest), _ = step.run(given, count)
            slopes = [rest[i] / share for i in places] if share > 1 else [rest[i] for i in places]
            update = update or _update(optimizer, arrays)  # machine code has its own
            patience.begin()  # from now on parameters change, and what is recorded
            update(slopes)
            keep(loss / share, rest)
            bar.show(history.epochs)
            patience.end()
        history.stopped = history.stopped or f"{epochs} epochs"
    except KeyboardInterrupt:
        history.stopped = "interrupted"
        raise
    finally:
        for p, slope in zip(optimizer.parameters, slopes):
            p.grad = slope
        patience.leave()
        bar.end()
    return history


def _on_machine(
    machine: Any,
    epochs: int,
    share: int,
    history: History,
    keep: Callable[[float, Sequence[float]], None],
    bar: Bar,
    patience: _Patience,
) -> None:
    """Goes on in calls of many epochs each, up to the end or to a number that is not finite.

    A call is short enough for a Ctrl-C, and for the bar. Where a criterion holds inside of one, as
    many epochs as it took are made once more from where the call began: to the same numbers.
    """
    size = 1
    try:
        while history.epochs < epochs and not history.stopped:
            patience.begin()
            before, began = machine.save(), time.monotonic()
            told = machine.steps(min(size, epochs - history.epochs)).tolist()
            good = next((i for i, row in enumerate(told) if not all(map(isfinite, row))), len(told))
            finite = good == len(told) and machine.finite()
            good = good if finite or good < len(told) else 0
            first = history.epochs
            try:
                for loss, *counted in told[:good]:
                    keep(loss / share, counted)
                    if history.stopped:
                        break
            finally:
                made = history.epochs - first
                if made < len(told):
                    machine.restore(before)
                    machine.steps(made)
            if not finite and not history.stopped:
                return  # what is not finite, the eager engine decides
            if time.monotonic() - began < 0.01:
                size *= 8
            bar.show(history.epochs)
            patience.end()
    finally:
        machine.write()


def _update(optimizer: Learner, arrays: bool) -> Callable[[list[float]], None]:
    """What does `optimizer.step()` for gradients in a list, by its own formula, compiled."""
    parameters = optimizer.parameters
    recorded = optimizer.recorded() if isinstance(optimizer, optim.Optimizer) else None
    if recorded is None or not isinstance(optimizer, optim.Optimizer):

        def plainly(slopes: list[float]) -> None:
            for p, slope in zip(parameters, slopes):
                p.grad = slope
            optimizer.step()

        return plainly
    leaves, results = recorded
    tape = record(results)
    each = [tape.leaves[x] for x in leaves[:-2]]
    fixed = [x.label for x in tape.leaves if x in leaves[-2:]]
    run = function(tape, each, [], tape.outputs, arrays)
    learner, kept = optimizer, optimizer._kept.values()

    def update(slopes: list[float]) -> None:
        numbers = {"lr": learner.rate_now(), "steps": float(learner.steps)}
        columns = [[p._data for p in parameters], slopes, *kept]
        _, (data, *after) = run(columns, [numbers[label] for label in fixed], len(parameters))
        for p, x in zip(parameters, data):
            p._data = x
        for old, new in zip(kept, after):
            old[:] = new
        learner.steps += 1

    return update


def step_of(
    model: Any,
    fs: Sequence[Loss],
    examples: Sequence[Example],
    parameters: list[Value],
    reduction: Reduction = "sum",
) -> tuple[CompiledLoss, list[list[float]]]:
    """The compiled loss of one example, for the loss and the counts `fs`, and the columns."""
    steps_in_epoch(examples)
    for _, part in model.walk():
        if getattr(part, "training", False) and getattr(part, "p", 0):
            raise ValueError(
                "dropout draws anew for each example, and a compiled run cannot: call eval()"
            )
    if len({str(shape(tuple(example))) for example in examples}) > 1:
        raise LengthError(
            "a compiled run has as many inputs, and as many targets, in every example"
        )
    first = tuple(examples[0])
    rows = [[float(x) for x in numbers(tuple(example))] for example in examples]

    def one(*leaves: Any) -> list[Value]:
        inputs, targets = like(first, iter(leaves))
        outputs = model(inputs)
        return [f(outputs, targets) for f in fs]

    step = compile(one, parameters, rows[0], reduce=reduction)
    return step, [list(column) for column in zip(*rows)]


def _watched(model: Module, optimizer: Learner, watch: Sequence[str]) -> dict[str, Value]:
    """The parameters to record, by name."""
    parameters = dict(model.named_parameters())
    if set(parameters.values()).isdisjoint(optimizer.parameters):
        raise ValueError("the optimizer has no parameter of this model: give it those it has")
    for name in watch:
        if name not in parameters:
            some = ", ".join(list(parameters)[:6])
            raise ValueError(f"no parameter {name[:60]!r} to watch: they are {some}, ...")
    return {name: parameters[name] for name in watch}


def _counted(count: Count) -> Metric:
    """The metric that adds it up over the examples."""
    return lambda outputs, examples: sum(
        count(y, example.targets).data for y, example in zip(outputs, examples)
    )


def _check(epochs: Any, optimizer: Any, until: Any) -> None:
    """TypeError or ValueError unless they are what a run is given."""
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 0:
        raise ValueError(f"epochs is a whole number, 0 or more, not {epochs!r:.60}")
    if not hasattr(optimizer, "parameters"):
        raise TypeError(f"expected an optimizer, such as SGD(...), not {optimizer!r:.60}")
    if until is not None and not hasattr(until, "holds"):
        raise TypeError(f"until is a criterion, such as loss_below(0.1), not {until!r:.60}")


def _reason(history: History, until: Criterion | None) -> str:
    """Why to stop after this epoch; '' to go on."""
    if not isfinite(history.losses[-1]):
        return f"the loss is {history.losses[-1]} at step {len(history.losses) - 1}"
    return until.says if until is not None and until.holds(history) else ""


def _callable(model: Any) -> Callable[[Sequence[float]], Any]:
    if not callable(model):
        raise TypeError(f"{type(model).__name__} cannot be called with inputs")
    function: Callable[[Sequence[float]], Any] = model
    return function


class _Patience:
    """Lets a Ctrl-C wait between `begin` and `end`; a second one does not wait."""

    def __init__(self) -> None:
        self.busy = self.asked = False
        self.previous: Any = None
        here = threading.current_thread() is threading.main_thread()
        if here and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.previous = signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, number: int, frame: Any) -> None:
        if self.busy and not self.asked:
            self.asked = True
        else:
            raise KeyboardInterrupt

    def begin(self) -> None:
        self.busy = True

    def end(self) -> None:
        self.busy = False
        if self.asked:
            raise KeyboardInterrupt

    def leave(self) -> None:
        if self.previous is not None:
            signal.signal(signal.SIGINT, self.previous)
