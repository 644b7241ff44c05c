"""The Loop: forward, loss, backward, update, repeated, with every phase visible.

`loop` pauses after each phase, so that a lesson can read and draw every number. An epoch is one
pass over all examples; a step is one update. With batches, an epoch has several steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Literal, NamedTuple, Protocol, get_args

from tinygrad_edu.compiler.compiled import REDUCTIONS, Reduction
from tinygrad_edu.compiler.tape.tape import no_collection
from tinygrad_edu.data import Example, as_examples, shuffled
from tinygrad_edu.engine import Value
from tinygrad_edu.history import Learner
from tinygrad_edu.losses import weighed
from tinygrad_edu.nn.module import Module
from tinygrad_edu.rows.ieee import number
from tinygrad_edu.train.large import warn_if_large

__all__ = [
    "PHASES",
    "Data",
    "Eager",
    "Loss",
    "Metric",
    "Passes",
    "Phase",
    "Turn",
    "loop",
    "steps_in_epoch",
    "turns",
]

Phase = Literal["forward", "loss", "backward", "update"]
PHASES: tuple[Phase, ...] = get_args(Phase)

Data = Iterable[Any]  # pairs of inputs and target, or (X, y): see `data.as_examples`
Loss = Callable[[Any, Any], Value]  # of the outputs and the target of an example
Metric = Callable[[Any, Any], Any]  # of the same; it returns a number or a Value


class Turn(NamedTuple):
    """The state of the Loop after one phase of a step.

    phase: one of PHASES. epoch, step: counted from 0. examples: the examples of this step. outputs:
    the model's outputs for each; empty in a compiled run, which has only the last two phases. loss:
    the sum or the mean over the examples, None after `forward`. metrics: the sum of each metric
    over the examples, empty after `forward`.
    """

    phase: Phase
    epoch: int
    step: int
    examples: Sequence[Example]
    outputs: Sequence[Any]
    loss: Value | None
    metrics: Mapping[str, float] = {}


class Passes(Protocol):
    """The interface that makes one step, with the eager engine or a compiled loss."""

    count: int  # number of examples

    def phases(self, epoch: int, step: int, now: Sequence[int]) -> Iterator[Turn]:
        """Yields a Turn after each phase of a step with the examples of these indices."""


def loop(
    model: Callable[[Any], Any],
    loss: Loss,
    data: Data,
    optimizer: Learner,
    *,
    epochs: int,
    batch_size: int = 0,
    reduction: Reduction = "mean",
    seed: int = 0,
    start: int = 0,
) -> Iterator[Turn]:
    """This returns the Loop: a Turn after each phase of each step, to the end of `epochs`.

    data: see `data.as_examples`. loss: a function of the outputs and the target of one example.
    batch_size: the examples in a step, shuffled in each epoch by `seed`; 0 for all of them, in
    order. reduction: "mean" or "sum" of the loss over the examples of a step; the papers of 1986
    use the sum. start: the number of the first step. ValueError without examples.
    A SlowWarning comes before a step would build a graph of more than ten million nodes.
    """
    passes = Eager(model, loss, as_examples(data), optimizer, reduction)
    return turns(passes, epochs, batch_size, seed, start)


def turns(
    passes: Passes, epochs: int, batch_size: int = 0, seed: int = 0, start: int = 0
) -> Generator[Turn, None, None]:
    """This yields the Turns of these passes, in batches and epochs; see `loop`."""
    every = range(passes.count)
    per_epoch = steps_in_epoch(every, batch_size)
    size = batch_size or passes.count
    for epoch in range(start // per_epoch, epochs):
        order = shuffled(every, (seed << 32) + epoch) if batch_size else every
        for step in range(max(start, epoch * per_epoch), (epoch + 1) * per_epoch):
            first = (step % per_epoch) * size
            yield from passes.phases(epoch, step, order[first : first + size])


def steps_in_epoch(examples: Sequence[Any], batch_size: int = 0) -> int:
    """This returns the number of steps in an epoch; ValueError without examples."""
    if not len(examples):
        raise ValueError("the data are empty: give one example or more")
    if type(batch_size) is not int or batch_size < 0:
        raise ValueError(
            "batch_size must be a whole number, 1 or more, or 0 for all examples at once, "
            f"not {batch_size!r:.60}"
        )
    return -(-len(examples) // (batch_size or len(examples)))


class Eager:
    """The passes of the eager engine: each step builds a new graph.

    Garbage collection is off while a phase builds or follows a graph: a graph has no cycles, but
    the collector would look at all of its nodes again and again. At every Turn it is on, or, if
    nobody is `watching` between the phases of a step, only after the step, which is faster.
    some: whether validation examples have weights that differ: see `losses.weighed`.
    """

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Loss,
        examples: Sequence[Example],
        optimizer: Learner,
        reduction: Reduction,
        metrics: Mapping[str, Metric] | None = None,
        watching: bool = True,
        some: bool = False,
    ) -> None:
        if not callable(model):
            raise TypeError(f"{type(model).__name__} cannot be called with inputs")
        if reduction not in REDUCTIONS:
            raise ValueError(f"unknown reduction {reduction!r:.60}: choose {', '.join(REDUCTIONS)}")
        self.model, self.loss, self.examples = model, loss, examples
        self.optimizer, self.reduction, self.metrics = optimizer, reduction, metrics or {}
        self.count = len(examples)
        self.watching = watching
        self.most = 1  # examples of one graph so far: the warning counts nodes only for more
        self.weighed = some or weighed(loss, [example.targets for example in examples]) is not None
        self.parameters = model.parameters() if isinstance(model, Module) else []

    def phases(self, epoch: int, step: int, now: Sequence[int]) -> Iterator[Turn]:
        """Yields a Turn after each phase of one step."""
        with nullcontext() if self.watching else no_collection():
            yield from self._phases(epoch, step, now)

    def _phases(self, epoch: int, step: int, now: Sequence[int]) -> Iterator[Turn]:
        examples = [self.examples[i] for i in now]
        with no_collection():
            outputs = self._outputs(examples, in_batches=True)
        yield Turn("forward", epoch, step, examples, outputs, None)
        with no_collection():
            total, metrics = self.judged(examples, outputs)
        yield Turn("loss", epoch, step, examples, outputs, total, metrics)
        with no_collection():
            for p in (*self.parameters, *self.optimizer.parameters):  # also those not used here
                p.grad = 0.0  # the other nodes are new
            total.backward()
        yield Turn("backward", epoch, step, examples, outputs, total, metrics)
        self.optimizer.step()
        yield Turn("update", epoch, step, examples, outputs, total, metrics)

    def _outputs(self, examples: Sequence[Example], in_batches: bool) -> list[Any]:
        """Returns the outputs for each example; warns after the first if the graph will be large.

        in_batches: whether smaller batches would help.
        """
        outputs = [self.model(example.inputs) for example in examples[:1]]
        if len(examples) > self.most:
            self.most = len(examples)
            shared = {*self.parameters, *self.optimizer.parameters}
            warn_if_large(outputs, shared, len(examples), in_batches)
        outputs += [self.model(example.inputs) for example in examples[1:]]
        return outputs

    def judged(
        self, examples: Sequence[Example], outputs: Sequence[Any]
    ) -> tuple[Value, dict[str, float]]:
        """Returns the loss of these outputs and the sum of each metric."""
        many = weighed(self.loss, [example.targets for example in examples], self.weighed)
        loss, share = (self.loss, len(examples)) if many is None else (many[0], sum(many[1]))
        losses = [loss(y, example.targets) for y, example in zip(outputs, examples)]
        for y in losses:
            if not isinstance(y, Value):
                raise TypeError(
                    f"a loss must return a Value computed from the outputs, not {type(y).__name__}"
                )
        total = sum(losses[1:], losses[0])
        if self.reduction == "mean" and share != 1:  # the mean of one loss needs no node
            total = total / share
        return total, {
            name: sum(_number(f(y, example.targets)) for y, example in zip(outputs, examples))
            for name, f in self.metrics.items()
        }

    def validated(self, examples: Sequence[Example]) -> tuple[float, dict[str, float]]:
        """Returns the loss of validation examples and the sum of each metric."""
        with no_collection():
            outputs = self._outputs(examples, in_batches=False)
            total, metrics = self.judged(examples, outputs)
        return total.data, metrics


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(number(x))
