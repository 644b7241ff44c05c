"""Runs of a compiled loss: its passes and its updates, on any backend.

If nothing observes single steps, machine code makes many epochs in one call, updates included. Else
there is a Turn after each backward pass and each update, as in the eager Loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from math import nan
from typing import Any

from tinygrad_edu import optim
from tinygrad_edu.compiler.columns import Column
from tinygrad_edu.compiler.compiled import CompiledLoss, Reduction, compile
from tinygrad_edu.compiler.tape.python_function import Columns, as_arrays, as_lists
from tinygrad_edu.data import Example
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.history import Criterion, History, Learner
from tinygrad_edu.optim.at_once import compiled
from tinygrad_edu.train.halves import Halves
from tinygrad_edu.train.kept_code import with_kept_code
from tinygrad_edu.train.passes import Loss, Turn, steps_in_epoch, turns
from tinygrad_edu.train.run import Run, check_run
from tinygrad_edu.trees import like, numbers, shape

__all__ = [
    "Compiled",
    "columns_of",
    "compiled_loss",
    "one_example",
    "shape_of",
    "straight_on",
    "train_compiled",
]


_PLAIN = {float, int}


class Compiled:
    """The passes of a compiled loss over columns of numbers.

    names: of the metrics, which are the last values of `also`. looked: whether a callback reads or
    changes the gradients of each step. weights: of the examples, if they differ; the loss is then
    a sum, and with `mean` it is divided by the sum of the weights. size: of a batch; 0 without
    batches. ValueError if the loss does not differentiate by all parameters.
    """

    def __init__(
        self,
        step: CompiledLoss,
        columns: Sequence[Column],
        optimizer: Learner,
        names: Sequence[str],
        examples: Sequence[Example] = (),
        looked: bool = False,
        weights: Sequence[float] = (),
        mean: bool = False,
        size: int = 0,
    ) -> None:
        if not _differentiates(step, optimizer.parameters):
            raise ValueError(
                "the loss does not differentiate by all parameters: compile it with them as wrt="
            )
        if len(names) != len(step.also):
            raise LengthError(
                f"{len(step.also)} values in also=, {len(names)} names in counts=: name each"
            )
        self.step, self.optimizer, self.names, self.looked = step, optimizer, names, looked
        self.examples, self.weights, self.mean = examples, weights, mean
        self.lists, self.count, _ = step.columns(columns)
        self.arrays = step.chosen(min(size, self.count) or self.count) == "numpy"
        self.update: Callable[[list[float]], None] | None = None
        self.slopes: list[float] = []

    halves: Halves | None = None  # of the steps between Turns, if the machine makes them

    @cached_property
    def given(self) -> Columns:
        """The columns as the back end of a Turn wants them."""
        return as_arrays(self.lists) if self.arrays else as_lists(self.lists)

    @cached_property
    def places(self) -> list[int]:
        """The places of the gradients in the sums of a run, behind the loss."""
        per_example, also = self.step.graph.per_example, len(self.step.also)
        slots = {x: i for i, x in enumerate(x for x in self.step.wrt if x not in per_example)}
        return [also + slots[p] for p in self.optimizer.parameters]

    def phases(self, epoch: int, step: int, now: Sequence[int]) -> Iterator[Turn]:
        """Yields a Turn after the backward pass of a step and one after its update."""
        examples = self.examples
        if len(now) < self.count or not isinstance(now, range):
            examples = [examples[i] for i in now] if examples else ()
        share, halves = self.share(now), self.halves
        sums = None if halves is None else halves.passes(now, share)
        if sums is None:
            sums, halves = self.sums(now), None
            rest, at = sums[1:], self.places
            self.slopes = [rest[i] / share for i in at] if share != 1 else [rest[i] for i in at]
            if self.looked:
                self.write()
        loss, *rest = sums
        metrics, total = dict(zip(self.names, rest)), Value(loss / share)
        yield Turn("backward", epoch, step, examples, (), total, metrics)
        if halves is None or not halves.update():
            if self.looked:
                self.slopes = [p.grad for p in self.optimizer.parameters]
            if self.update is None:  # machine code updates by itself
                self.update = _update(self.optimizer, self.arrays)
            self.update(self.slopes)
        yield Turn("update", epoch, step, examples, (), total, metrics)

    def sums(self, now: Sequence[int]) -> list[float]:
        """Returns the sums over these examples of the loss, of `also` and of the gradients."""
        given: Any = self.given
        if len(now) < self.count or not isinstance(now, range):
            given = [c[now] if self.arrays else [c[i] for i in now] for c in given]
        sums, _ = self.step.run(given, len(now))
        return sums

    def begun(self, first: Sequence[int]) -> Any:
        """Returns a run of the machine that holds all examples; None if there is none.

        first: the examples of the first step. They are the first in the order of the columns.
        """
        columns = [column[: len(first)] for column in self.lists]
        machine = self.step.start_training(self.optimizer, columns, len(first))
        if machine is not None:
            machine.hold(self.step.used(self.lists))
        return machine

    def keep(self, machine: Any) -> None:
        """Keeps a run of `begun` that has ended, for the next one."""
        self.step.keep(machine)

    def observe(self, size: int) -> None:
        """Lets the machine make the halves of a step between Turns. size: of a batch, or 0."""
        machine = self.begun(range(size or self.count))
        self.halves = None if machine is None else Halves(machine, self.optimizer)

    def share(self, now: Sequence[int]) -> float:
        """Returns the divisor of a sum over these examples."""
        if self.weights:
            return sum(self.weights[i] for i in now) if self.mean else 1
        return len(now) if self.step.reduction == "mean" else 1

    def write(self) -> None:
        """Writes the gradients of the last step to the parameters."""
        for p, slope in zip(self.optimizer.parameters, self.slopes):
            p.grad = slope

    def prepared(self, examples: Sequence[Example]) -> Any:
        """Returns the columns of validation examples, of which each epoch wants the outputs."""
        columns = columns_of(examples)
        floats = self.step.chosen(len(columns[0]) if columns else 1, forward=True) == "python"
        return columns if floats else as_arrays(columns)

    def validated(self, columns: Any, share: float) -> tuple[float, dict[str, float]]:
        """Returns the loss of validation examples and the sum of each metric.

        share: the divisor of the sum of their losses.
        """
        losses, *counted = self.step.outputs(*columns)
        loss = sum(losses) / share if share else nan
        return loss, {name: sum(xs) for name, xs in zip(self.names, counted)}


def _differentiates(step: CompiledLoss, parameters: list[Value]) -> bool:
    """Returns whether the loss sums up gradients by all these parameters."""
    per_example = step.graph.per_example
    if step.wrt == parameters and not per_example:  # the same Values: nothing to look up
        return True
    return {*parameters} <= {x for x in step.wrt if x not in per_example}


def train_compiled(
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
    """This returns the History of a run of a compiled loss over all examples.

    columns: the inputs, as in a call of the loss. counts: names for the values of `also`, whose
    sums become metrics. The other arguments are those of `train`. ValueError if the loss does not
    differentiate by all parameters.
    """
    check_run(epochs, optimizer, until)
    passes = Compiled(step, columns, optimizer, counts)
    run = Run(History() if history is None else history, epochs, until, progress)
    return straight_on(run, passes)


def straight_on(run: Run, passes: Compiled) -> History:
    """Makes a run without observers of single steps: with machine code, many steps in one call."""
    history, step = run.history, passes.step
    with run:
        try:
            machine = step.start_training(passes.optimizer, passes.lists, passes.count)
            if machine is not None:
                share = passes.count if step.reduction == "mean" else 1
                _on_machine(machine, run, share, passes)
            if history.epochs < run.epochs and not history.stopped:
                run.follow(turns(passes, run.epochs, start=history.epochs), 1)
        finally:
            passes.write()
    return history


def _on_machine(machine: Any, run: Run, share: int, passes: Compiled) -> None:
    """Continues the run in calls of many epochs, until its end or a number that is not finite.

    A call is short enough for a Ctrl-C, and for the bar. If the criterion holds inside of a call,
    the epochs up to there run again from the start of the call, with the same numbers. So a run
    with a criterion begins with short calls: one that ends early has few epochs to repeat.
    """
    history = run.history
    names, examples = passes.names, len(passes.examples) or 1
    divisors = [share, *[examples] * len(names)]
    size = 1 if run.until else max(machine.pace // machine.chunks, 1)
    try:
        while history.epochs < run.epochs and not history.stopped:
            run.patience.begin()
            before, began = machine.save(), time.monotonic()
            rows = machine.steps(min(size, run.epochs - history.epochs))
            good = machine.finite_rows(rows)
            finite = good == len(rows) and machine.finite()
            good = good if finite or good < len(rows) else 0
            first = history.epochs
            losses, *counted = ((row / by).tolist() for row, by in zip(rows[:good].T, divisors))
            try:
                if run.until is None:
                    run.keep_all(losses, dict(zip(names, counted)))
                else:
                    for loss, *epoch in zip(losses, *counted):
                        history.losses.append(loss)
                        run.keep(dict(zip(names, epoch)))
                        if history.stopped:
                            break
            finally:
                made = history.epochs - first
                if made < len(rows):
                    machine.restore(before)
                    machine.steps(made)
            if not finite and not history.stopped:
                return  # the eager engine handles a number that is not finite
            if len(rows) == size and time.monotonic() - began < 0.01:
                size *= 8
            run.bar.show(history.epochs, history.losses[-1])
            run.patience.end()
    finally:
        machine.write()
    machine.pace = size * machine.chunks
    passes.step.keep(machine)


def _update(optimizer: Learner, arrays: bool) -> Callable[[list[float]], None]:
    """Returns a compiled `optimizer.step()` for gradients in a list, by the optimizer's formula."""
    parameters = optimizer.parameters
    recorded = optimizer.recorded() if isinstance(optimizer, optim.Optimizer) else None
    if recorded is None or not isinstance(optimizer, optim.Optimizer):

        def plainly(slopes: list[float]) -> None:
            for p, slope in zip(parameters, slopes):
                p.grad = slope
            optimizer.step()

        return plainly
    formula = compiled(recorded, arrays)
    learner, kept = optimizer, optimizer.kept()

    def update(slopes: list[float]) -> None:
        settings = {"lr": learner.rate_now(), "steps": float(learner.steps)}
        columns = [[p._data for p in parameters], slopes, *kept]
        data, *after = formula(columns, settings)
        for p, x in zip(parameters, data):
            p._data = x
        for old, new in zip(kept, after):
            old[:] = new
        learner.steps += 1

    return update


def compiled_loss(
    model: Any,
    fs: Sequence[Loss],
    examples: Sequence[Example],
    parameters: list[Value],
    reduction: Reduction = "sum",
) -> tuple[CompiledLoss, list[list[float]]]:
    """This returns the compiled loss of one example, and the columns of all examples.

    fs: the loss and the metrics. Errors are those of `one_example`.
    """
    one, columns = one_example(model, fs, examples)
    step = compile(one, parameters, [column[0] for column in columns], reduction=reduction)
    return with_kept_code(model, step), columns


def one_example(
    model: Any, fs: Sequence[Loss], examples: Sequence[Example]
) -> tuple[Callable[..., list[Any]], list[list[float]]]:
    """This returns a function that is the graph of one example, and the columns of all examples.

    The function takes a leaf for each column, and gives the values of `fs`. ValueError for a model
    with active dropout, LengthError if the examples have different shapes.
    """
    steps_in_epoch(examples)
    for _, part in model.walk():
        if getattr(part, "training", False) and getattr(part, "p", 0):
            raise ValueError(
                "a compiled run cannot draw random numbers for dropout: call model.eval()"
            )
    first = tuple(examples[0])

    def one(*leaves: Any) -> list[Any]:
        inputs, targets = like(first, iter(leaves))
        outputs = model(inputs)
        return [f(outputs, targets) for f in fs]

    return one, columns_of(examples)


def shape_of(example: Example) -> str:
    """This returns the shape of the inputs and the targets, as text."""
    return " and ".join(map(_shape_of, example))


def _shape_of(x: Any) -> str:
    """Returns the shape as text; that of a row of numbers without a look at each of them."""
    if type(x) in (list, tuple) and {*map(type, x)} <= _PLAIN:
        return str([None] * len(x))
    return str(shape(x))


def columns_of(examples: Sequence[Example]) -> list[list[float]]:
    """This returns a column for each input and each target; LengthError for different shapes."""
    parts = [_columns_of_rows([example[k] for example in examples]) for k in (0, 1)]
    if examples and None not in parts:
        return [column for columns in parts for column in columns or ()]
    if len({*map(shape_of, examples)}) > 1:
        raise LengthError(
            "a compiled run needs examples of the same shape: give each as many inputs and targets"
        )
    rows = [[float(x) for x in numbers(tuple(example))] for example in examples]
    return [list(column) for column in zip(*rows)]


def _columns_of_rows(rows: Sequence[Any]) -> list[list[float]] | None:
    """Returns the columns of plain rows of one length, or of plain numbers.

    None for anything else, such as rows of rows, which takes longer.
    """
    kinds = {*map(type, rows)}
    if kinds <= _PLAIN:
        return [[*map(float, rows)]]
    if not kinds <= {list, tuple} or len({*map(len, rows)}) > 1:
        return None
    columns = [*zip(*rows)]
    kinds_of_columns = [{*map(type, column)} for column in columns]
    if not all(kinds <= _PLAIN for kinds in kinds_of_columns):
        return None
    return [
        [*column] if kinds == {float} else [*map(float, column)]
        for column, kinds in zip(columns, kinds_of_columns)
    ]
