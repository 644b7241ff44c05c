"""The workloads in the package itself, compiled: one example's graph, run over columns of numbers.

This file is the only one that knows how `tinygrad_edu.compile` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from as_graphs import optimizer
from training import STEPS, Columns, Contender, family_columns, imported, moons_columns
from workloads import (
    DECAY,
    Workload,
    family_layers,
    hinge,
    moons_layers,
    penalty,
    squared_error,
)

BACKENDS = {"machine": STEPS, "numpy": 20, "python": 2}  # and how many steps are timed

Node = Any
Problem = tuple[Node, list[Node], Columns, str]  # the loss, its inputs, their numbers, reduction


def example(name: str, leaves: list[Node], inside: bool = False) -> Problem:
    """The graph of one example of W1 or W2; `inside`: with the penalty of W1 in it."""
    from tinygrad_edu import Value

    if name == "W1":
        columns = moons_columns()
        x, y, opposite = inputs = [Value(column[0]) for column in columns]
        loss = hinge(moons_layers(leaves), [x, y], opposite)
        return (loss + penalty(leaves) if inside else loss), inputs, columns, "mean"
    ins, targets = family_columns()
    columns = ins + targets
    inputs = [Value(column[0]) for column in columns]
    persons, relations, wanted = inputs[:24], inputs[24:36], inputs[36:]
    loss = 0.5 * squared_error(family_layers(leaves), persons, relations, wanted)
    return loss, inputs, columns, "sum"


def compiled(
    workload: Workload, leaves: list[Node], backend: str, inside: bool = False
) -> tuple[Any, Columns]:
    """The compiled step and the columns it is called with."""
    from tinygrad_edu import Value

    compile_ = imported("tinygrad_edu").compile
    if workload.name == "W3":  # one name, whose letters are part of the graph
        loss = workload.loss(Value, leaves)
        return compile_(loss, wrt=leaves, inputs=[], backend=backend), []
    loss, inputs, columns, reduction = example(workload.name, leaves, inside)
    step = compile_(loss, wrt=leaves, inputs=inputs, reduction=reduction, backend=backend)
    return step, columns


class Compiled:
    """Full steps inside of one call of `train`, with all that begins and ends it."""

    def __init__(self, workload: Workload, backend: str = "machine", inside: bool = False) -> None:
        from tinygrad_edu import Value

        self.name = f"tinygrad_edu, {backend}" + (", penalty in the graph" if inside else "")
        self.steps = BACKENDS[backend]
        self.workload = workload
        self.leaves = workload.parameters(Value)
        self._numbers = workload.numbers()
        self._decay = 2 * DECAY if workload.name == "W1" and not inside else 0.0
        self._step, self._columns = compiled(workload, self.leaves, backend, inside)
        self._step(*self._columns)  # which needs the libraries, if that did not
        self.reset()

    def reset(self) -> None:
        for p, number in zip(self.leaves, self._numbers):
            p.data = number
        self._optimizer = optimizer(self.workload.name, self.leaves, self._decay)

    def gradients(self) -> list[float]:
        _, gradients = self._step(*self._columns)
        return [g + self._decay * p.data for g, p in zip(gradients, self.leaves)]

    def train(self, steps: int) -> Sequence[float]:
        history = self._step.train(self._optimizer, self._columns, epochs=steps, progress=False)
        losses: Sequence[float] = history.losses
        return losses

    def parameters(self) -> list[float]:
        return [p.data for p in self.leaves]


class Begun(Compiled):
    """A run that is begun before, and goes on by a call for all steps, or for each."""

    def __init__(self, workload: Workload, inside: bool = False, each: bool = False) -> None:
        self._each = each
        super().__init__(workload, inside=inside)
        self.name += ", a call for each" if each else ", begun"

    def reset(self) -> None:
        super().reset()
        self._run = self._step.training(self._optimizer, self._columns)

    def train(self, steps: int) -> Sequence[float]:
        if self._each:
            return [self._run.steps(1)[0, 0] for _ in range(steps)]
        losses: Sequence[float] = self._run.steps(steps)[:, 0]
        return losses

    def parameters(self) -> list[float]:
        self._run.write()
        return super().parameters()


class Stepped(Compiled):
    """Loss and gradients by a call, and then the optimizer's own `step()`, in Python."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.name += " and optimizer.step()"
        self.steps = 10

    def train(self, steps: int) -> Sequence[float]:
        losses = []
        for _ in range(steps):
            loss, gradients = self._step(*self._columns)
            losses.append(loss)
            for p, g in zip(self.leaves, gradients):
                p.grad = g
            self._optimizer.step()
        return losses


def contenders(workload: Workload) -> list[Contender]:
    """Every back end, and for machine code the other ways to write or call the same step."""
    if not hasattr(imported("tinygrad_edu"), "compile"):
        raise ImportError("tinygrad_edu has no compile")
    ways: list[Callable[[], Contender]] = [partial(Compiled, workload, kind) for kind in BACKENDS]
    ways += [partial(Begun, workload), partial(Begun, workload, each=True)]
    ways.append(partial(Stepped, workload))
    if workload.name == "W1":
        ways.append(partial(Begun, workload, inside=True))
    found: list[Contender] = []
    reasons = []
    for way in ways:
        try:
            found.append(way())
        except ImportError as error:  # a back end whose library is not installed
            reasons.append(str(error))
    if not found:
        raise ImportError("; ".join(reasons))
    return found
