"""The workloads as micrograd and our eager engine train them: a new graph for every step."""

from __future__ import annotations

from typing import Any

from peers import ENGINES
from training import ALPHA, BETAS, EPSILON, RATES, Contender, updates
from workloads import Workload


class Micrograd:
    """Built, differentiated and updated in Python."""

    name = "micrograd"
    engine = "micrograd"
    steps = 1

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.Value = ENGINES[self.engine]().Value
        self.reset()

    def reset(self) -> None:
        self.leaves = self.workload.parameters(self.Value)
        self._update = updates(self.workload.name)

    def gradients(self) -> list[float]:
        for p in self.leaves:
            p.grad = 0.0
        self.workload.loss(self.Value, self.leaves).backward()
        return [p.grad for p in self.leaves]

    def train(self, steps: int) -> None:
        for _ in range(steps):
            gradients = self.gradients()
            for p, number in zip(self.leaves, self._update(self.parameters(), gradients)):
                p.data = number

    def parameters(self) -> list[float]:
        return [p.data for p in self.leaves]


class Eager(Micrograd):
    """Ours, with our optimizers."""

    name = "tinygrad_edu, eager"
    engine = "tinygrad_edu"

    def reset(self) -> None:
        super().reset()
        self._optimizer = optimizer(self.workload.name, self.leaves)

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.gradients()
            self._optimizer.step()


def optimizer(name: str, leaves: list[Any], decay: float = 0.0) -> Any:
    """The optimizer of a workload; `decay` is added to the gradients, times the weights."""
    from tinygrad_edu import optim

    rate = RATES[name]
    if name == "W1":
        return optim.SGD(leaves, rate, weight_decay=decay)
    if name == "W2":
        return optim.Momentum(leaves, rate, ALPHA)
    return optim.Adam(leaves, rate, BETAS, EPSILON)


def contenders(workload: Workload) -> list[Contender]:
    """Both engines."""
    return [Micrograd(workload), Eager(workload)]
