"""Digits and letters in JAX: a compiled function makes a step, on one vector that is given away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from adam_in_jax import Adam, Array
from streams import Order, Stream
from training import imported


class Jax(Adam):
    """The examples are constants of the compiled function, which takes a batch of them by indices.

    Only the last step is waited for.
    """

    name = "JAX jit, float64, one call a step"
    exact = True

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream.arrays())
        jax, np, self.stream = self.jax, self.jax.numpy, stream
        self.xs, self.ys = np.array(stream.inputs), np.array(stream.targets)
        self._batch, self._steps = stream.batch, stream.steps
        self._whole, self._rest = divmod(len(stream.targets), stream.batch)
        self._slopes = jax.value_and_grad(self._loss)
        self._gradients = jax.jit(lambda w, at: self._slopes(w, self.xs[at], self.ys[at])[1])
        self._step = jax.jit(partial(self._made, stream.batch), donate_argnums=(0, 1))
        self._last = jax.jit(partial(self._made, self._rest), donate_argnums=(0, 1))

    def _loss(self, flat: Array, xs: Array, ys: Array) -> Array:
        np, jax = self.jax.numpy, self.jax
        *table, w1, b1, w2, b2 = self.split(flat)
        if table:
            xs = table[0][xs].reshape(len(xs), -1)
        logs = jax.nn.log_softmax(np.tanh(xs @ w1.T + b1) @ w2.T + b2)
        return -np.mean(np.take_along_axis(logs, ys[:, None], axis=1))

    def _made(self, size: int, state: Array, made: Array, order: Array) -> tuple[Array, ...]:
        """The state after a step with the next `size` examples, and the loss before it."""
        start = made % self._steps * self._batch
        at = self.jax.lax.dynamic_slice(order, (start,), (size,))
        return self.moved(state, made, lambda w: self._slopes(w, self.xs[at], self.ys[at]))

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of these examples."""
        flat = self._gradients(self._first, self.jax.numpy.array(first))
        return self.stream.flat(self.split(flat))

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
        return self.stream.flat(self.present())


def contenders(stream: Stream) -> list[Jax]:
    """The one above."""
    return [Jax(stream)]
