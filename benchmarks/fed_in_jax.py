"""Digits and letters in JAX: a compiled function makes a step, on one vector that is given away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from streams import RATE, Order, Stream
from training import BETAS, EPSILON, imported

Array = Any


class Jax:
    """The examples are constants of the compiled function, which takes a batch of them by indices.

    The state is one vector: the parameters, and both means of Adam. Only the last step is waited
    for.
    """

    name = "JAX jit, float64, one call a step"
    exact = True

    def __init__(self, stream: Stream) -> None:
        self.jax = jax = imported("jax")
        jax.config.update("jax_enable_x64", True)
        np = jax.numpy
        self.xs, self.ys = np.array(stream.inputs), np.array(stream.targets)
        arrays, self.stream = stream.arrays(), stream
        self._shapes = [array.shape for array in arrays]
        self._first = np.concatenate([array.ravel() for array in map(np.array, arrays)])
        self._batch, self._steps = stream.batch, stream.steps
        self._whole, self._rest = divmod(len(stream.targets), stream.batch)
        self._slopes = jax.value_and_grad(self._loss)
        self._gradients = jax.jit(lambda w, at: self._slopes(w, self.xs[at], self.ys[at])[1])
        self._step = jax.jit(partial(self._made, stream.batch), donate_argnums=(0, 1))
        self._last = jax.jit(partial(self._made, self._rest), donate_argnums=(0, 1))
        self.reset()

    def reset(self) -> None:
        np = self.jax.numpy
        nothing = np.zeros_like(self._first)
        self.state = np.concatenate([self._first, nothing, nothing])
        self.made = np.array(0)

    def _matrices(self, flat: Array) -> list[Array]:
        arrays, at = [], 0
        for shape in self._shapes:
            size = shape[0] * (shape[1] if len(shape) > 1 else 1)
            arrays.append(flat[at : at + size].reshape(shape))
            at += size
        return arrays

    def _loss(self, flat: Array, xs: Array, ys: Array) -> Array:
        np, jax = self.jax.numpy, self.jax
        *table, w1, b1, w2, b2 = self._matrices(flat)
        if table:
            xs = table[0][xs].reshape(len(xs), -1)
        logs = jax.nn.log_softmax(np.tanh(xs @ w1.T + b1) @ w2.T + b2)
        return -np.mean(np.take_along_axis(logs, ys[:, None], axis=1))

    def _made(self, size: int, state: Array, made: Array, order: Array) -> tuple[Array, ...]:
        """The state after a step with the next `size` examples, and the loss before it."""
        np, jax = self.jax.numpy, self.jax
        start = made % self._steps * self._batch
        at = jax.lax.dynamic_slice(order, (start,), (size,))
        w, mean, square = np.split(state, 3)
        loss, g = self._slopes(w, self.xs[at], self.ys[at])
        made = made + 1
        beta1, beta2 = BETAS
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        scale, unbias = RATE / (1 - beta1**made), 1 / (1 - beta2**made)
        w = w - scale * mean / (np.sqrt(square * unbias) + EPSILON)
        return np.concatenate([w, mean, square]), made, loss

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of these examples."""
        flat = self._gradients(self._first, self.jax.numpy.array(first))
        return self.stream.flat(self._matrices(flat))

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch."""
        np = imported("numpy")
        state, made, step = self.state, self.made, self._step
        for order in orders:
            at = self.jax.device_put(np.array(order))
            for _ in range(self._whole):
                state, made, _loss = step(state, made, at)
            if self._rest:
                state, made, _loss = self._last(state, made, at)
        self.state, self.made = state, made
        state.block_until_ready()

    def parameters(self) -> list[float]:
        return self.stream.flat(self._matrices(self.jax.numpy.split(self.state, 3)[0]))


def contenders(stream: Stream) -> list[Jax]:
    """The one above."""
    return [Jax(stream)]
