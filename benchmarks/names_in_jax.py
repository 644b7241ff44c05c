"""Names in JAX: one compiled function for the longest name, or one for each length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from adam_in_jax import Adam, Array
from in_jax import gpt_losses
from streams import Names, Order
from training import as_layers, flat, imported


class Jax(Adam):
    """The names are constants of the compiled function, which takes them in turn.

    each: whether each length has a function of its own; else marks behind a name fill it up, and do
    not count.
    """

    exact = True

    def __init__(self, stream: Names, each: bool) -> None:
        super().__init__(as_layers("W3", stream.numbers()))
        np = self.jax.numpy
        self.name = "JAX jit, float64, " + ("a function for each length" if each else "padded")
        self._each = each
        rows, sizes = stream.padded()
        self._host = sizes.tolist()
        self.rows, self.sizes = np.array(rows), np.array(sizes)
        self._steps: dict[int, Any] = {}

    def _loss(self, vector: Array, tokens: Array, size: Array) -> Array:
        np, losses = self.jax.numpy, gpt_losses(self.jax, self.split(vector), tokens)
        return np.sum(np.where(np.arange(len(losses)) < size, losses, 0.0)) / size

    def _made(self, longest: int, state: Array, made: Array, order: Array) -> tuple[Array, ...]:
        """The state after a step with the next name, and the loss before it."""
        i = order[made % len(order)]
        tokens, slopes = self.rows[i, : longest + 1], self.jax.value_and_grad(self._loss)
        return self.moved(state, made, lambda w: slopes(w, tokens, self.sizes[i]))

    def _step(self, size: int) -> Any:
        """The function for names of this size, compiled once."""
        size = size if self._each else self.rows.shape[1] - 1
        if size not in self._steps:
            self._steps[size] = self.jax.jit(partial(self._made, size), donate_argnums=(0, 1))
        return self._steps[size]

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of this name."""
        slopes = self.jax.jit(self.jax.grad(self._loss))
        i = first[0]
        return flat("W3", self.split(slopes(self._first, self.rows[i], self.sizes[i])))

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each name."""
        state, made = self.state, self.made
        for order in orders:
            at = self.jax.device_put(imported("numpy").array(order))
            for i in order:
                state, made, _loss = self._step(self._host[i])(state, made, at)
        self.state, self.made = state, made
        state.block_until_ready()

    def parameters(self) -> list[float]:
        return flat("W3", self.present())


MAKERS: tuple[Callable[[Names], Any], ...] = (partial(Jax, each=False), partial(Jax, each=True))


def contenders(stream: Names) -> list[Any]:
    """Both ways to handle lengths."""
    return [make(stream) for make in MAKERS]
