"""Digits and letters in PyTorch: eager, with matrices, and with the forms of Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams import RATE, Order, Stream
from training import BETAS, EPSILON, imported


class Torch:
    """The examples are put into their order once in an epoch; a batch is then a view of them."""

    def __init__(self, stream: Stream, kind: str = "float64", adam: str = "fused") -> None:
        self.torch = torch = imported("torch")
        torch.set_num_threads(1)
        self.name = f"PyTorch eager, {kind}, {adam} Adam"
        self.exact = kind == "float64"
        self._adam, self._size = {adam: True}, stream.batch
        self._type = getattr(torch, kind)
        self.stream, kept = stream, torch.int64 if stream.table[0] else self._type
        self.xs = torch.tensor(stream.inputs, dtype=kept)
        self.ys = torch.tensor(stream.targets, dtype=torch.int64)
        self._first = [torch.tensor(array, dtype=self._type) for array in stream.arrays()]
        self.reset()

    def reset(self) -> None:
        self.ws = [w.clone().requires_grad_() for w in self._first]
        how: dict[str, Any] = {"lr": RATE, "betas": BETAS, "eps": EPSILON, **self._adam}
        self.adam = self.torch.optim.Adam(self.ws, **how)

    def _loss(self, xs: Any, ys: Any) -> Any:
        functional = self.torch.nn.functional
        *table, w1, b1, w2, b2 = self.ws
        if table:
            xs = functional.embedding(xs, table[0]).flatten(1)
        logits = functional.linear(functional.linear(xs, w1, b1).tanh(), w2, b2)
        return functional.cross_entropy(logits, ys)

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of these examples."""
        loss = self._loss(self.xs[first], self.ys[first])
        return self.stream.flat(self.torch.autograd.grad(loss, self.ws))

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch."""
        adam, loss = self.adam, self._loss
        for order in orders:
            xs, ys = self.xs, self.ys
            if self._size < len(ys):
                at = self.torch.tensor(order)
                xs, ys = xs[at], ys[at]
            for some, right in zip(xs.split(self._size), ys.split(self._size)):
                adam.zero_grad()
                loss(some, right).backward()
                adam.step()

    def parameters(self) -> list[float]:
        return self.stream.flat([w.detach() for w in self.ws])


def contenders(stream: Stream) -> list[Torch]:
    """Two forms of Adam, and float32 for information."""
    return [Torch(stream), Torch(stream, adam="foreach"), Torch(stream, "float32")]
