"""What both JAX peers share: one flat vector that is given away, and Adam on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams import RATE
from training import BETAS, EPSILON, imported

Array = Any


class Adam:
    """The parameters and both means of Adam, as one vector in double precision.

    arrays: the first parameters, as arrays or lists of rows. made: how many steps were made.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self.jax = imported("jax")
        self.jax.config.update("jax_enable_x64", True)
        np = self.jax.numpy
        first = [np.array(array) for array in arrays]
        self._shapes = [array.shape for array in first]
        self._first = np.concatenate([array.ravel() for array in first])
        self.reset()

    def reset(self) -> None:
        np = self.jax.numpy
        nothing = np.zeros_like(self._first)
        self.state = np.concatenate([self._first, nothing, nothing])
        self.made = np.array(0)

    def split(self, flat: Array) -> list[Array]:
        """The parameters in their shapes."""
        arrays, at = [], 0
        for shape in self._shapes:
            size = shape[0] * (shape[1] if len(shape) > 1 else 1)
            arrays.append(flat[at : at + size].reshape(shape))
            at += size
        return arrays

    def moved(self, state: Array, made: Array, slopes: Any) -> tuple[Array, ...]:
        """The state after a step, its number, and the loss before it.

        slopes: gives the loss and its gradient.
        """
        np = self.jax.numpy
        w, mean, square = np.split(state, 3)
        loss, g = slopes(w)
        made = made + 1
        beta1, beta2 = BETAS
        mean = beta1 * mean + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g * g
        scale, unbias = RATE / (1 - beta1**made), 1 / (1 - beta2**made)
        w = w - scale * mean / (np.sqrt(square * unbias) + EPSILON)
        return np.concatenate([w, mean, square]), made, loss

    def present(self) -> list[Array]:
        """The present parameters."""
        return self.split(self.jax.numpy.split(self.state, 3)[0])
