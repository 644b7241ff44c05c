"""A transformer block on scalars: every parameter and every activation is a Value.

A sequence is a list of vectors, one for each position (token); a vector is a list of Values. At
each position a block has two parts, and adds the result of each part to its input: attention
combines the vectors of this and earlier positions, and a small network transforms the sum. The
order, norm first, is GPT-2's (Radford et al. 2019); attention is Vaswani et al. 2017, equation 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.engine import Value
from tinygrad_edu.groups import group
from tinygrad_edu.losses import softmax
from tinygrad_edu.nn.init import Init, Seed, generator
from tinygrad_edu.nn.layers import SMALL, LayerNorm, Linear, RMSNorm, residual, total
from tinygrad_edu.nn.module import Module, check_size
from tinygrad_edu.nn.perceptron import Layer

__all__ = ["Attention", "Block", "Head", "Vector"]

Vector = list[Value]


class Head(Module):
    """One attention head: the query of each position meets the keys and values of earlier ones."""

    def __init__(self, size: int, width: int, *, init: Init = SMALL, seed: Seed = None) -> None:
        random = generator(seed)
        self.query = Linear(size, width, bias=False, init=init, seed=random)
        self.key = Linear(size, width, bias=False, init=init, seed=random)
        self.value = Linear(size, width, bias=False, init=init, seed=random)
        self.width = width

    def forward(self, sequence: Sequence[Vector]) -> list[Vector]:
        queries = [self.query(x) for x in sequence]
        keys = [self.key(x) for x in sequence]
        values = [self.value(x) for x in sequence]
        return [
            self.attend(query, keys[: t + 1], values[: t + 1])  # causal: no later position
            for t, query in enumerate(queries)
        ]

    def attend(self, query: Vector, keys: list[Vector], values: list[Vector]) -> Vector:
        """This returns the mean of the values, weighted by softmax(query . key / sqrt(width))."""
        scores = [total([q * k for q, k in zip(query, key)]) / self.width**0.5 for key in keys]
        weights = softmax(scores)
        return [total([w * v[i] for w, v in zip(weights, values)]) for i in range(self.width)]


class Attention(Module):
    """Several heads side by side, then a linear map of all their outputs."""

    def __init__(self, size: int, heads: int, *, init: Init = SMALL, seed: Seed = None) -> None:
        check_size("block", size, heads)
        if size % heads:
            raise ValueError(
                f"{heads} heads cannot share {size} numbers: choose a divisor of {size}"
            )
        random = generator(seed)
        self.heads = [Head(size, size // heads, init=init, seed=random) for _ in range(heads)]
        self.output = Linear(size, size, init=init, seed=random)

    def forward(self, sequence: Sequence[Vector]) -> list[Vector]:
        answers = []
        for i, head in enumerate(self.heads, 1):
            with group(f"head{i}"):
                answers.append(head(sequence))
        joined = [[x for answer in answers for x in answer[t]] for t in range(len(sequence))]
        with group("output"):
            return [self.output(x) for x in joined]


class Block(Module):
    """x + attention(norm(x)), then x + network(norm(x)), at every position."""

    def __init__(
        self,
        size: int,
        heads: int,
        *,
        hidden: int = 0,
        activation: str = "relu",
        norm: type[LayerNorm] | type[RMSNorm] = LayerNorm,
        init: Init = SMALL,
        seed: Seed = None,
    ) -> None:
        check_size("block", size, heads)
        random = generator(seed)
        hidden = hidden or 4 * size
        self.norm1, self.norm2 = norm(size), norm(size)
        self.attention = Attention(size, heads, init=init, seed=random)
        self.wide = Layer(size, hidden, activation, init=init, seed=random)
        self.narrow = Layer(hidden, size, "linear", init=init, seed=random)
        self.label()

    def forward(self, sequence: Sequence[Vector]) -> list[Vector]:
        with group("attention"):
            answers = self.attention([self.norm1(x) for x in sequence])
        sequence = [residual(x, answer) for x, answer in zip(sequence, answers)]
        answers = []
        for x in sequence:
            with group("wide"):
                inner = self.wide(self.norm2(x))
            with group("narrow"):
                answers.append(self.narrow(inner))
        return [residual(x, answer) for x, answer in zip(sequence, answers)]
