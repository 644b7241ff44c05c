"""Names in JAX: one compiled function for the longest name, or one for each length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from in_jax import gpt_losses
from streams import RATE, Names, Order
from training import BETAS, EPSILON, as_layers, flat, imported

Array = Any


class Jax:
    """The names are constants of the compiled function, which takes them in turn.

    The state is one flat vector, the parameters and both means of Adam, which is given away. each:
    whether each length has a function of its own; else marks behind a name fill it up, and do not
    count.
    """

    exact = True

    def __init__(self, stream: Names, each: bool) -> None:
        self.jax = jax = imported("jax")
        jax.config.update("jax_enable_x64", True)
        np = jax.numpy
        self.name = "JAX jit, float64, " + ("a function for each length" if each else "padded")
        self._each = each
        rows, sizes = stream.padded()
        self._host = sizes.tolist()
        self.rows, self.sizes = np.array(rows), np.array(sizes)
        arrays = [np.array(array) for array in as_layers("W3", stream.numbers())]
        self._shapes = [array.shape for array in arrays]
        self._first = np.concatenate([array.ravel() for array in arrays])
        self._steps: dict[int, Any] = {}
        self.reset()

    def reset(self) -> None:
        np = self.jax.numpy
        nothing = np.zeros_like(self._first)
        self.state = np.concatenate([self._first, nothing, nothing])
        self.made = np.array(0)

    def _matrices(self, vector: Array) -> list[Array]:
        arrays, at = [], 0
        for rows, columns in self._shapes:
            arrays.append(vector[at : at + rows * columns].reshape(rows, columns))
            at += rows * columns
        return arrays

    def _loss(self, vector: Array, tokens: Array, size: Array) -> Array:
        np, losses = self.jax.numpy, gpt_losses(self.jax, self._matrices(vector), tokens)
        return np.sum(np.where(np.arange(len(losses)) < size, losses, 0.0)) / size

    def _made(self, longest: int, state: Array, made: Array, order: Array) -> tuple[Array, ...]:
        """The state after a step with the next name, and the loss before it."""
        np = self.jax.numpy
        i = order[made % len(order)]
        w, mean, square = np.split(state, 3)
        slopes = self.jax.value_and_grad(self._loss)
        loss, g = slopes(w, self.rows[i, : longest + 1], self.sizes[i])
        made = made + 1
        beta1, beta2 = BETAS
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        scale, unbias = RATE / (1 - beta1**made), 1 / (1 - beta2**made)
        w = w - scale * mean / (np.sqrt(square * unbias) + EPSILON)
        return np.concatenate([w, mean, square]), made, loss

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
        return flat("W3", self._matrices(slopes(self._first, self.rows[i], self.sizes[i])))

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
        return flat("W3", self._matrices(self.jax.numpy.split(self.state, 3)[0]))


MAKERS: tuple[Callable[[Names], Any], ...] = (partial(Jax, each=False), partial(Jax, each=True))


def contenders(stream: Names) -> list[Any]:
    """Both ways to handle lengths."""
    return [make(stream) for make in MAKERS]
