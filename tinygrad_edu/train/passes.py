"""The Loop: forward, loss, backward, update, over and over, with every phase in sight.

`loop` stops after each phase, so that a lesson can look at anything and draw it. An epoch is one
pass over all examples, a step is one update: with batches, an epoch has several steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args

from tinygrad_edu.compiler.compiled import REDUCTIONS, Reduction
from tinygrad_edu.data import Example, as_examples, shuffled
from tinygrad_edu.engine import Value
from tinygrad_edu.history import Learner
from tinygrad_edu.losses import weighed
from tinygrad_edu.rows.ieee import number

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
Loss = Callable[[Any, Any], Value]  # of a model's outputs and the target of an example
Metric = Callable[[Any, Any], Any]  # of the same; it gives a number, or a Value


class Turn(NamedTuple):
    """Where the Loop stands, after one phase of a step.

    phase: of PHASES. epoch, step: counted from 0. examples: those of this step. outputs: what the
    model said to each; none in a compiled run, which has the last two phases only. loss: the sum
    or the mean over the examples, None after `forward`. metrics: the sum of each over the
    examples, from the phase of the loss on.
    """

    phase: Phase
    epoch: int
    step: int
    examples: Sequence[Example]
    outputs: Sequence[Any]
    loss: Value | None
    metrics: Mapping[str, float] = {}


class Passes(Protocol):
    """How one step is made: by the eager engine, or by a compiled loss."""

    count: int  # of examples

    def phases(self, epoch: int, step: int, now: Sequence[int]) -> Iterator[Turn]:
        """One step with the examples of these numbers, a Turn after each of its phases."""


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

    data: see `data.as_examples`. loss: a function of what the model gives for the inputs of one
    example, and of its target. batch_size: examples in a step, drawn anew in each epoch by `seed`;
    0 for all of them, in order. reduction: the "mean" of the loss over the examples of a step, or
    their "sum", which was that of 1986. start: the step to begin with. ValueError without examples.
    """
    passes = Eager(model, loss, as_examples(data), optimizer, reduction)
    return turns(passes, epochs, batch_size, seed, start)


def turns(
    passes: Passes, epochs: int, batch_size: int = 0, seed: int = 0, start: int = 0
) -> Iterator[Turn]:
    """This returns the Turns of these passes, in batches and epochs; see `loop`."""
    every = range(passes.count)
    per_epoch = steps_in_epoch(every, batch_size)
    size = batch_size or passes.count
    for epoch in range(start // per_epoch, epochs):
        order = shuffled(every, (seed << 32) + epoch) if batch_size else every
        for step in range(max(start, epoch * per_epoch), (epoch + 1) * per_epoch):
            first = (step % per_epoch) * size
            yield from passes.phases(epoch, step, order[first : first + size])


def steps_in_epoch(examples: Sequence[Any], batch_size: int = 0) -> int:
    """This returns how many steps an epoch has; ValueError without examples."""
    if not len(examples):
        raise ValueError("the data are empty: give one example or more")
    if type(batch_size) is not int or batch_size < 0:
        raise ValueError(
            f"batch_size is a whole number, or 0 for all examples at once, not {batch_size!r}"
        )
    return -(-len(examples) // (batch_size or len(examples)))


class Eager:
    """The passes of the engine: each step makes its graph anew."""

    def __init__(
        self,
        model: Callable[[Any], Any],
        loss: Loss,
        examples: Sequence[Example],
        optimizer: Learner,
        reduction: Reduction,
        metrics: Mapping[str, Metric] | None = None,
    ) -> None:
        if not callable(model):
            raise TypeError(f"{type(model).__name__} cannot be called with inputs")
        if reduction not in REDUCTIONS:
            raise ValueError(f"unknown reduction {reduction!r:.60}: choose {', '.join(REDUCTIONS)}")
        self.model, self.loss, self.examples = model, loss, examples
        self.optimizer, self.reduction, self.metrics = optimizer, reduction, metrics or {}
        self.count = len(examples)

    def phases(self, epoch: int, step: int, now: Sequence[int]) -> Iterator[Turn]:
        """One step, a Turn after each of its phases."""
        examples = [self.examples[i] for i in now]
        outputs = [self.model(example.inputs) for example in examples]
        yield Turn("forward", epoch, step, examples, outputs, None)
        total, told = self.judged(examples, outputs)
        yield Turn("loss", epoch, step, examples, outputs, total, told)
        for p in self.optimizer.parameters:  # also what this step does not use
            p.grad = 0.0
        total.zero_grad()
        total.backward()
        yield Turn("backward", epoch, step, examples, outputs, total, told)
        self.optimizer.step()
        yield Turn("update", epoch, step, examples, outputs, total, told)

    def judged(
        self, examples: Sequence[Example], outputs: Sequence[Any]
    ) -> tuple[Value, dict[str, float]]:
        """The loss of these outputs, and the sum of each metric."""
        many = weighed(self.loss, [example.targets for example in examples])
        loss, share = (self.loss, len(examples)) if many is None else (many[0], sum(many[1]))
        losses = [loss(y, example.targets) for y, example in zip(outputs, examples)]
        for y in losses:
            if not isinstance(y, Value):
                raise TypeError(
                    f"a loss gives a Value, computed from the outputs, not {type(y).__name__}"
                )
        total = sum(losses[1:], losses[0])
        if self.reduction == "mean" and share != 1:  # one loss is its own mean: no node for it
            total = total / share
        return total, {
            name: sum(_number(f(y, example.targets)) for y, example in zip(outputs, examples))
            for name, f in self.metrics.items()
        }

    def validated(self, examples: Sequence[Example]) -> tuple[float, dict[str, float]]:
        """The loss of other examples, and the sum of each metric; nothing is learned from them."""
        total, told = self.judged(examples, [self.model(example.inputs) for example in examples])
        return total.data, told


def _number(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(number(x))
