"""Compiled runs over examples of several shapes, such as texts of several lengths.

The graph of an example depends on its shape. So each shape is compiled once, and kept. A step adds
up the gradients of all shapes in its batch: the machine makes the passes of each shape in the
memory of its program, and the update in one of them. From there the parameters move on to the
memory of the programs that are used next. With one example in a batch, passes and update are one
call of the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

from tinygrad_edu.data import Example
from tinygrad_edu.train.compiled_run import Compiled, shape_of

__all__ = ["ByShape", "Machines", "of_one_shape"]


def of_one_shape(examples: Sequence[Example]) -> list[list[int]]:
    """This returns the places of the examples of each shape, in order."""
    groups: dict[str, list[int]] = {}
    for i, example in enumerate(examples):
        groups.setdefault(shape_of(example), []).append(i)
    return [*groups.values()]


class ByShape(Compiled):
    """The passes of several compiled losses, one for each shape of the examples.

    parts: the passes of each shape. groups: the places of its examples among all. The other
    arguments are those of `Compiled`.
    """

    def __init__(
        self,
        parts: Sequence[Compiled],
        groups: Sequence[Sequence[int]],
        examples: Sequence[Example],
        weights: Sequence[float],
    ) -> None:
        first = parts[0]
        self.parts, self.groups = parts, groups
        self.step, self.optimizer, self.names = first.step, first.optimizer, first.names
        self.looked, self.mean, self.arrays = first.looked, first.mean, first.arrays
        self.examples, self.weights, self.count = examples, weights, len(examples)
        self.update, self.slopes = None, []
        self.at = {i: (k, j) for k, group in enumerate(groups) for j, i in enumerate(group)}

    def split(self, now: Sequence[int]) -> dict[int, list[int]]:
        """This returns, for the shapes among these examples, their places in the parts."""
        found: dict[int, list[int]] = {}
        for i in now:
            k, j = self.at[i]
            found.setdefault(k, []).append(j)
        return found

    def sums(self, now: Sequence[int]) -> list[float]:
        """This returns the sums over these examples: see `Compiled.sums`."""
        each = [self.parts[k].sums(places) for k, places in self.split(now).items()]
        return [sum(xs) for xs in zip(*each)]

    def begun(self, first: Sequence[int]) -> Machines | None:
        """This returns a run of the machine for all shapes; None if a shape has none.

        first: as many indices as a step has examples.
        """
        runs = list[Any]()
        for part, group in zip(self.parts, self.groups):
            count = -(-len(first) * len(group) // self.count)  # of this shape in a usual batch
            least = min(len(first), len(group), 2)  # a batch, not the graph of a single example
            run = part.begun(range(max(count, least)))
            if run is None:
                return None
            runs.append(run)
        return Machines(self, runs)

    def keep(self, machine: Machines) -> None:
        """Lets each loss keep its run."""
        for part, run in zip(self.parts, machine.runs):
            part.keep(run)

    def prepared(self, examples: Sequence[Example]) -> list[tuple[Compiled, Any]]:
        """This returns validation examples by shape; ValueError for a shape that is not known."""
        known = {shape_of(self.examples[group[0]]): k for k, group in enumerate(self.groups)}
        found = []
        for group in of_one_shape(examples):
            some = [examples[i] for i in group]
            k = known.get(shape_of(some[0]))
            if k is None:
                raise ValueError(
                    "a compiled run needs validation examples of the same shapes as its examples"
                )
            found.append((self.parts[k], self.parts[k].prepared(some)))
        return found

    def validated(self, prepared: Any, share: float) -> tuple[float, dict[str, float]]:
        """This returns the loss of validation examples and the sum of each metric."""
        each = [part.validated(columns, 1.0) for part, columns in prepared]
        loss = sum(loss for loss, _ in each) / share if share else nan
        return loss, {name: sum(sums[name] for _, sums in each) for name in self.names}


class Machines:
    """The runs of the machine for each shape, as one run; see `native.Run`.

    now: the run whose memory has the present parameters and the states of the optimizer. It makes
    the updates, and does everything that is not written here. used: the runs for the shapes of this
    step, in the order of their first examples.
    """

    def __init__(self, passes: ByShape, runs: Sequence[Any]) -> None:
        self.passes, self.runs = passes, runs
        self.now: Any = runs[0]
        self.used: list[Any] = [self.now]

    def take(self, now: Sequence[int], weight: float) -> None:
        """Goes on with the examples of these indices."""
        self.used = []
        for k, places in self.passes.split(now).items():
            run = self.runs[k]
            run.take(places, weight)
            self.used.append(run)
        if self.now not in self.used:
            self.used[0].follow(self.now)
            self.now = self.used[0]

    def read(self) -> None:
        """Lays the present numbers of all leaves and states into the memory of each shape."""
        for run in self.used:
            run.read()

    def steps(self, count: int) -> Any:
        """Makes steps over the examples of all shapes."""
        return self.now.steps(count, self.used)

    def both_passes(self) -> Any:
        """Makes both passes over the examples of all shapes."""
        return self.now.both_passes(self.used)

    def fed(self, batches: Sequence[Sequence[int]], weights: Sequence[float]) -> Any:
        """Makes a step with the first batch, and returns its outputs.

        The next one may be in the memory of another program.
        """
        self.take(batches[0], weights[0])
        return self.steps(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)
