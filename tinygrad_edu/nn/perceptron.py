"""Networks of scalars: a neuron, a layer of neurons, a multi-layer perceptron.

Every parameter is a Value with a name, such as `layer1.neuron2.w[0]`, in a fixed order. The nodes
that a part computes belong to a group of the same name, so that a picture can be drawn by neuron or
by layer. Seeds decide all random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.functions import FUNCTIONS
from tinygrad_edu.groups import group
from tinygrad_edu.nn.init import Init, Seed, generator, xavier
from tinygrad_edu.nn.module import (
    Module,
    Number,
    Parameter,
    VectorModule,
    check_length,
    check_size,
)
from tinygrad_edu.ops import TABLE

__all__ = [
    "MLP",
    "XAVIER",
    "Activation",
    "Chain",
    "Layer",
    "Neuron",
    "function_of",
    "linear",
    "name_of",
]

Activation = str | Callable[[Value], Value]  # a name, or the function itself

XAVIER = xavier()


def linear(x: Value) -> Value:
    """Returns `x` itself."""
    return x


def function_of(activation: Activation) -> Callable[[Value], Value]:
    """This returns the activation as a function of one Value.

    activation: `linear`, the name of a row of the table with one operand, or the name of a function
    made of rows, such as gelu; or any function of one Value, such as your own operation.
    ValueError, with the list of names, for an unknown name; TypeError if it cannot be called.
    """
    known: dict[str, Any] = {"linear": linear}
    known |= {op.name: op for op in TABLE.values() if len(op.derivatives) == 1}
    known |= {name: function for name, (function, least, _) in FUNCTIONS.items() if least == 1}
    function = known.get(activation, None) if isinstance(activation, str) else activation
    if function is None:
        raise ValueError(f"unknown activation {activation!r}: choose {', '.join(known)}")
    if not callable(function):
        raise TypeError(
            f"an activation must be a name or a function, not {type(function).__name__}"
        )
    found: Callable[[Value], Value] = function
    return found


def name_of(activation: Activation) -> str:
    """This returns the name of the activation: that of its row or its function."""
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "f")


class Neuron(Module):
    """f(w[0]*x[0] + w[1]*x[1] + ... + b): one unit with its weights w and its bias b.

    seed: of its initial weights; the neurons of a layer share one generator, so they differ.
    """

    def __init__(
        self,
        inputs: int,
        activation: Activation = "tanh",
        *,
        init: Init = XAVIER,
        outputs: int = 1,
        seed: Seed = None,
    ) -> None:
        check_size("neuron", inputs)
        random = generator(seed)
        self.w = [Parameter(init(random, inputs, outputs)) for _ in range(inputs)]
        self.b = Parameter(0.0)
        self.activation = name_of(activation)
        self.function = function_of(activation)
        self.label()

    if TYPE_CHECKING:

        def __call__(self, xs: Sequence[Number]) -> Value: ...

    def forward(self, xs: Sequence[Number]) -> Value:
        check_length("neuron", xs, len(self.w))
        total = self.b
        for w, x in zip(self.w, xs):
            total = total + w * x
        result: Value = self.function(total)
        return result

    def about(self) -> str:
        return f"Neuron({len(self.w)}, {self.activation!r})"


class Layer(VectorModule):
    """Neurons side by side, which all get the same inputs."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation = "tanh",
        *,
        init: Init = XAVIER,
        seed: Seed = None,
    ) -> None:
        check_size("layer", inputs, outputs)
        random = generator(seed)
        self.neurons = [
            Neuron(inputs, activation, init=init, outputs=outputs, seed=random)
            for _ in range(outputs)
        ]
        self.inputs = inputs
        self.activation = name_of(activation)
        self.label()

    def forward(self, xs: Sequence[Number]) -> list[Value]:
        check_length("layer", xs, self.inputs)
        ys = []
        for k, neuron in enumerate(self.neurons, 1):
            with group(f"neuron{k}"):
                ys.append(neuron.forward(xs))
        return ys

    def about(self) -> str:
        return f"Layer({self.inputs}, {len(self.neurons)}, {self.activation!r})"


class Chain(Module):
    """Modules in sequence: each takes the outputs of the one before."""

    layers: Sequence[Any]

    def forward(self, xs: Any) -> Any:
        for i, layer in enumerate(self.layers, 1):
            with group(f"layer{i}"):
                xs = layer(xs)
        return xs

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def __getitem__(self, i: int) -> Any:
        return self.layers[i]


class MLP(Chain, VectorModule):
    """A multi-layer perceptron: layers in sequence.

    sizes: the number of neurons in each layer; the last layer gives the outputs. MLP(2, [16, 1])
    has two inputs, 16 hidden units and one output. activation: one for all layers, or a list with
    one for each. seed: of the initial weights; by default see `init.generator`.
    """

    def __init__(
        self,
        inputs: int,
        sizes: Sequence[int] = (),
        activation: Activation | Sequence[Activation] = "tanh",
        *,
        init: Init = XAVIER,
        seed: Seed = None,
    ) -> None:
        if not isinstance(sizes, list | tuple) or not sizes:
            raise ValueError(
                "an MLP takes the number of inputs and a list with the size of each layer: "
                "MLP(2, [16, 1])"
            )
        one = isinstance(activation, str) or callable(activation)
        names: list[Activation] = [activation] * len(sizes) if one else list(activation)  # type: ignore[arg-type, list-item]
        if len(names) != len(sizes):
            raise LengthError(
                f"{len(sizes)} layers and {len(names)} activations: give one for each"
            )
        random = generator(seed)
        self.layers = [
            Layer(before, size, name, init=init, seed=random)
            for before, size, name in zip([inputs, *sizes], sizes, names)
        ]
        self.inputs = inputs
        self.label()

    def forward(self, xs: Sequence[Number]) -> list[Value]:
        check_length("network", xs, self.inputs)
        ys: list[Value] = super().forward(xs)
        return ys

    def about(self) -> str:
        return f"MLP({self.inputs}, {[len(layer.neurons) for layer in self.layers]})"
