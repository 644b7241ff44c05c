"""What networks are built of besides neurons: linear maps, tables, norms, dropout, residuals."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tinygrad_edu.engine import Value, as_value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.init import Init, normal
from tinygrad_edu.nn import Module, check_length, check_size, parameter

__all__ = ["SMALL", "Dropout", "Embedding", "LayerNorm", "Linear", "RMSNorm", "residual", "total"]

SMALL = normal(0.02)  # as in GPT-2


class Linear(Module):
    """y = W x + b, or W x: `outputs` weighted sums of `inputs` numbers."""

    def __init__(
        self, inputs: int, outputs: int, random: Random, init: Init, bias: bool = True
    ) -> None:
        check_size("linear map", inputs, outputs)
        self.w = [
            [parameter(init(random, inputs, outputs)) for _ in range(inputs)]
            for _ in range(outputs)
        ]
        self.b = [parameter(0.0) for _ in range(outputs)] if bias else []
        self.label()

    def __call__(self, xs: Sequence[Value]) -> list[Value]:
        check_length("linear map", xs, len(self.w[0]))
        ys = [total([w * x for w, x in zip(row, xs)]) for row in self.w]
        return residual(ys, self.b) if self.b else ys

    def about(self) -> str:
        return f"Linear({len(self.w[0])}, {len(self.w)}, bias={bool(self.b)})"


class Embedding(Module):
    """A table of vectors, one for each of `count` things; calling it with an index looks one up."""

    def __init__(
        self,
        count: int,
        size: int,
        *,
        init: Init = SMALL,
        random: Random,
    ) -> None:
        check_size("table", count, size)
        self.table = [
            [parameter(init(random, count, size)) for _ in range(size)] for _ in range(count)
        ]
        self.label()

    def __call__(self, index: int) -> list[Value]:
        if not 0 <= index < len(self.table):
            raise IndexError(f"no vector {index}: this embedding has 0 to {len(self.table) - 1}")
        return list(self.table[index])

    def about(self) -> str:
        return f"Embedding({len(self.table)}, {len(self.table[0])})"


class LayerNorm(Module):
    """g * (x - mean) / sqrt(variance + epsilon) + b, of one vector (Ba, Kiros and Hinton 2016)."""

    def __init__(self, size: int, *, epsilon: float = 1e-5) -> None:
        check_size("norm", size)
        self.g = [parameter(1.0) for _ in range(size)]
        self.b = [parameter(0.0) for _ in range(size)]
        self.epsilon = epsilon
        self.label()

    def __call__(self, xs: Sequence[Value]) -> list[Value]:
        check_length("norm", xs, len(self.g))
        mean = total(xs) / len(xs)
        centred = [x - mean for x in xs]
        scale = (total([x * x for x in centred]) / len(xs) + self.epsilon) ** -0.5
        return [g * (x * scale) + b for g, x, b in zip(self.g, centred, self.b)]

    def about(self) -> str:
        return f"LayerNorm({len(self.g)}, epsilon={self.epsilon})"


class RMSNorm(Module):
    """g * x / sqrt(mean of x**2 + epsilon), of one vector (Zhang and Sennrich 2019)."""

    def __init__(self, size: int, *, epsilon: float = 1e-5) -> None:
        check_size("norm", size)
        self.g = [parameter(1.0) for _ in range(size)]
        self.epsilon = epsilon
        self.label()

    def __call__(self, xs: Sequence[Value]) -> list[Value]:
        check_length("norm", xs, len(self.g))
        scale = (total([x * x for x in xs]) / len(xs) + self.epsilon) ** -0.5
        return [g * (x * scale) for g, x in zip(self.g, xs)]

    def about(self) -> str:
        return f"RMSNorm({len(self.g)}, epsilon={self.epsilon})"


class Dropout(Module):
    """While training, each input is left out with that probability, the others scaled up for it.

    (Srivastava et al. 2014, in the inverted form.) Its chance comes from a seed of its own.
    """

    def __init__(self, probability: float, *, seed: int) -> None:
        if not 0 <= probability < 1:
            raise ValueError(f"a probability is 0 or more, and here below 1, not {probability!r}")
        self.probability = probability
        self.training = True
        self.seed = seed
        self.go_on(0)

    def __call__(self, xs: Sequence[Value]) -> list[Value]:
        if not self.training or not self.probability:
            return list(xs)
        kept = 1 - self.probability
        self.drawn += len(xs)
        return [x * (1 / kept) if self._random.random() < kept else as_value(0.0) for x in xs]

    def go_on(self, drawn: int) -> None:
        """Continues its chance after so many inputs, as a run that is loaded does."""
        self._random = Random(self.seed)
        self.drawn = drawn
        for _ in range(drawn):
            self._random.random()

    def about(self) -> str:
        return f"Dropout({self.probability})"


def residual(xs: Sequence[Value], ys: Sequence[Value]) -> list[Value]:
    """x + y, element by element: what a block adds to what it was given (He et al. 2016)."""
    if len(xs) != len(ys):
        raise LengthError(f"{len(xs)} and {len(ys)} numbers cannot be added one by one")
    return [x + y for x, y in zip(xs, ys)]


def total(xs: Sequence[Value]) -> Value:
    """The sum, from left to right, without a 0 to begin with."""
    result = xs[0]
    for x in xs[1:]:
        result = result + x
    return result
