"""The workloads in PyTorch, eager, with matrices of float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from training import (
    ALPHA,
    BETAS,
    EPSILON,
    RATES,
    STEPS,
    Contender,
    as_layers,
    family_columns,
    flat,
    imported,
    moons_columns,
)
from workloads import DECAY, HEADS, WIDTH, Workload, name_tokens

Tensor = Any
Tensors = Sequence[Tensor]


def gpt_loss(torch: Any, p: Tensors, tokens: Tensor) -> Tensor:
    """The loss of W3 for the tokens of any name."""
    linear, size = torch.nn.functional.linear, len(tokens) - 1
    tokens_in, places, tokens_out, wq, wk, wv, wo, up, down = p
    later = _later(torch, size)

    def normalized(x: Tensor) -> Tensor:
        return x * ((x * x).mean(dim=1, keepdim=True) + 1e-5).rsqrt()

    x = normalized(tokens_in[tokens[:-1]] + places[:size])
    y = normalized(x)
    q, k, v = (linear(y, w).view(size, HEADS, -1).transpose(0, 1) for w in (wq, wk, wv))
    scores = q @ k.transpose(1, 2) / (WIDTH // HEADS) ** 0.5 + later
    read = (scores.softmax(dim=2) @ v).transpose(0, 1).reshape(size, WIDTH)
    x = linear(read, wo) + x
    x = linear(linear(normalized(x), up).relu(), down) + x
    return torch.nn.functional.cross_entropy(linear(x, tokens_out), tokens[1:])


@cache
def _later(torch: Any, size: int) -> Tensor:
    """What hides later positions from a position."""
    return torch.full((size, size), -torch.inf, dtype=torch.float64).triu(1)


def losses(torch: Any) -> dict[str, Callable[[Tensors], Tensor]]:
    """The loss of each workload, as a function of its matrices."""
    linear = torch.nn.functional.linear

    def tensor(numbers: Any) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float64)

    x, y, opposite = (tensor(column) for column in moons_columns())
    points = torch.stack([x, y], dim=1)
    inputs, targets = (tensor(columns).T.contiguous() for columns in family_columns())
    persons, relations = inputs[:, :24].contiguous(), inputs[:, 24:].contiguous()
    tokens = torch.tensor(name_tokens())

    def moons_loss(p: Tensors) -> Tensor:
        h = linear(points, p[0], p[1]).relu()
        h = linear(h, p[2], p[3]).relu()
        hinges = (1 + opposite * linear(h, p[4], p[5])[:, 0]).relu()
        return hinges.mean() + DECAY * sum((w * w).sum() for w in p)

    def family_loss(p: Tensors) -> Tensor:
        codes = linear(persons, p[0], p[1]), linear(relations, p[2], p[3])
        h = torch.cat(codes, dim=1).sigmoid()
        for w, b in zip(p[4::2], p[5::2]):
            h = linear(h, w, b).sigmoid()
        return 0.5 * ((h - targets) ** 2).sum()

    def name_loss(p: Tensors) -> Tensor:
        return gpt_loss(torch, p, tokens)

    return {"W1": moons_loss, "W2": family_loss, "W3": name_loss}


class Torch:
    """Gradients by autograd, updates in place on all matrices together.

    `torch.optim` makes the same steps more slowly, except for Adam, whose fused form is used.
    """

    name = "PyTorch eager, matrices"
    steps = STEPS

    def __init__(self, workload: Workload) -> None:
        self.torch = torch = imported("torch")
        torch.set_num_threads(1)
        self.workload = workload
        self._loss = losses(torch)[workload.name]
        arrays = as_layers(workload.name, workload.numbers())
        self._first = [torch.tensor(array, dtype=torch.float64) for array in arrays]
        self.ws = [w.clone().requires_grad_() for w in self._first]
        self.reset()

    def reset(self) -> None:
        torch = self.torch
        with torch.no_grad():
            for w, first in zip(self.ws, self._first):
                w.copy_(first)
        self.last = [torch.zeros_like(w) for w in self._first]
        rate = RATES[self.workload.name]
        self.adam = torch.optim.Adam(self.ws, lr=rate, betas=BETAS, eps=EPSILON, fused=True)

    def slopes(self) -> Tensors:
        """The gradients, matrix by matrix."""
        found: Tensors = self.torch.autograd.grad(self._loss(self.ws), self.ws)
        return found

    def gradients(self) -> list[float]:
        return flat(self.workload.name, self.slopes())

    def train(self, steps: int) -> None:
        name, torch = self.workload.name, self.torch
        rate = RATES[name]
        for _ in range(steps):
            if name == "W3":
                self.adam.zero_grad()
                self._loss(self.ws).backward()
                self.adam.step()
                continue
            gs = self.slopes()
            with torch.no_grad():
                if name == "W1":
                    torch._foreach_add_(self.ws, gs, alpha=-rate)
                else:
                    torch._foreach_mul_(self.last, ALPHA)
                    torch._foreach_add_(self.last, gs, alpha=-rate)
                    torch._foreach_add_(self.ws, self.last)

    def parameters(self) -> list[float]:
        return flat(self.workload.name, self.ws)


def contenders(workload: Workload) -> list[Contender]:
    """The one above."""
    return [Torch(workload)]
