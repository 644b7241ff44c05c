"""micrograd's networks: the same weights from the same seed of `random`, the same repr."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from tinygrad_edu.compat.micrograd.engine import Value
from tinygrad_edu.groups import group

__all__ = ["MLP", "Layer", "Module", "Neuron"]


class Module:
    """An object with parameters, which can set their grads to 0."""

    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0

    def parameters(self) -> list[Any]:
        """Every parameter, in order: the weights, then the bias, of each neuron."""
        return []


class Neuron(Module):
    """A weighted sum and a bias, then relu unless `nonlin` is False."""

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Iterable[Any]) -> Any:
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)  # zip stops at the shorter one
        return act.relu() if self.nonlin else act

    def parameters(self) -> list[Any]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons with the same inputs; a call returns a list, or the Value of a single neuron."""

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Any) -> Any:
        out = []
        for i, neuron in enumerate(self.neurons, 1):
            with group(f"neuron{i}"):
                out.append(neuron(x))
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Any]:
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(n) for n in self.neurons)}]"


class MLP(Module):
    """Layers in sequence; the last one has no relu."""

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        sz = [nin, *nouts]
        self.layers = [
            Layer(sz[i], sz[i + 1], nonlin=i != len(nouts) - 1) for i in range(len(nouts))
        ]

    def __call__(self, x: Any) -> Any:
        for i, layer in enumerate(self.layers, 1):
            with group(f"layer{i}"):
                x = layer(x)
        return x

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
