"""A training run that goes on step by step, with other examples whenever they come.

run = step.begin(optimizer, *first_batch)
for batch in batches:
    run.feed(*batch)
    losses.append(run.step())
run.write()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Protocol

from tinygrad_edu.compiler.columns import Column, Examples, Table
from tinygrad_edu.compiler.recording import Recording
from tinygrad_edu.compiler.tape.python_function import Columns, Sums
from tinygrad_edu.engine import Value
from tinygrad_edu.history import Learner

if TYPE_CHECKING:
    from tinygrad_edu.compiler.native.binding.program import Run

__all__ = ["Begun"]


class _Loss(Protocol):
    """The members of a `CompiledLoss` that a run uses."""

    wrt: list[Value]
    also: list[Value]
    graph: Recording

    @property
    def reduction(self) -> str: ...
    def columns(self, given: Sequence[Table], by_label: Mapping[str, Column], /) -> Examples: ...
    def used(self, columns: Columns, /) -> Columns: ...
    def run(self, columns: Columns, count: int, /) -> Sums: ...
    def start_training(self, optimizer: Learner, lists: Columns, count: int, /) -> Run | None: ...


class Begun:
    """A training run of a compiled loss; `CompiledLoss.begin` makes it.

    With machine code the numbers stay in the memory of the machine: the parameters and the
    optimizer have them after `write`. The other back ends write them in each step. also: the sums
    or means of `CompiledLoss.also` in the last step.
    """

    def __init__(
        self,
        loss: _Loss,
        optimizer: Learner,
        columns: Sequence[Table],
        by_label: Mapping[str, Column],
    ) -> None:
        self._loss, self._optimizer = loss, optimizer
        self._examples = loss.columns(columns, by_label)
        self._machine = self._started()
        self.also: list[float] = []

    def feed(self, *columns: Table, **by_label: Column) -> None:
        """Goes on with these examples, as many as there are. They are given as in a call."""
        self._examples = self._loss.columns(columns, by_label)
        if self._machine is not None:
            lists, count, _ = self._examples
            self._machine.feed(self._loss.used(lists), count, 1 / self._share())

    def step(self) -> float:
        """Makes a forward pass, a backward pass and an update, and returns the loss before it.

        Without an update, if the loss is not finite: then the parameters stay as they are.
        """
        machine = self._machine
        if machine is not None:
            before = machine.save()
            (found,) = machine.steps(1).tolist()
            if all(map(isfinite, found)) and machine.finite():
                return self._told(found)
            machine.restore(before)
            machine.write()
        sums, _ = self._loss.run(self._examples.columns, self._examples.examples)
        outputs = 1 + len(self._loss.also)
        loss = self._told(sums[:outputs])
        if isfinite(loss):
            share, slopes = self._share(), iter(sums[outputs:])
            for p in self._loss.wrt:
                if p not in self._loss.graph.per_example:
                    p.grad = next(slopes) / share
            self._optimizer.step()
        if machine is not None:
            self._machine = self._started()
        return loss

    def write(self) -> None:
        """Writes the present numbers to the parameters, their grads and the optimizer."""
        if self._machine is not None:
            self._machine.write()

    def _started(self) -> Run | None:
        lists, count, _ = self._examples
        return self._loss.start_training(self._optimizer, lists, count)

    def _share(self) -> int:
        """Returns the divisor of a sum over the examples."""
        return self._examples.examples if self._loss.reduction == "mean" else 1

    def _told(self, sums: Sequence[float]) -> float:
        share = self._share()
        loss, *self.also = (x / share for x in sums)
        return loss
