"""Names in PyTorch: eager, each as long as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from in_torch import gpt_loss
from streams import RATE, Names, Order
from training import BETAS, EPSILON, as_layers, flat, imported


class Torch:
    """One name a step, with the fused form of Adam."""

    name = "PyTorch eager, float64, fused Adam"
    exact = True

    def __init__(self, stream: Names) -> None:
        self.torch = torch = imported("torch")
        torch.set_num_threads(1)
        self.words = [torch.tensor(tokens) for tokens in stream.words]
        arrays = as_layers("W3", stream.numbers())
        self._first = [torch.tensor(array, dtype=torch.float64) for array in arrays]
        self.reset()

    def reset(self) -> None:
        self.ws = [w.clone().requires_grad_() for w in self._first]
        self.adam = self.torch.optim.Adam(self.ws, lr=RATE, betas=BETAS, eps=EPSILON, fused=True)

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of this name."""
        loss = gpt_loss(self.torch, self.ws, self.words[first[0]])
        return flat("W3", self.torch.autograd.grad(loss, self.ws))

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each name."""
        adam, torch = self.adam, self.torch
        for order in orders:
            for i in order:
                adam.zero_grad()
                gpt_loss(torch, self.ws, self.words[i]).backward()
                adam.step()

    def parameters(self) -> list[float]:
        return flat("W3", [w.detach() for w in self.ws])


MAKERS: tuple[Callable[[Names], Any], ...] = (Torch,)


def contenders(stream: Names) -> list[Any]:
    """The one above."""
    return [make(stream) for make in MAKERS]
