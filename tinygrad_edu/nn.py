"""Networks of scalars: a neuron, a layer of neurons, a multi-layer perceptron.

Every parameter is a Value with a name, such as `layer1.neuron2.w[0]`, in a fixed order. What a
part computes belongs to a group of the same name, so that a picture can be drawn by neuron or by
layer. Chance enters by seeds alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import LengthError
from tinygrad_edu.functions import FUNCTIONS
from tinygrad_edu.groups import group
from tinygrad_edu.init import Init, xavier
from tinygrad_edu.ops import TABLE

__all__ = [
    "MLP",
    "XAVIER",
    "Layer",
    "Module",
    "Neuron",
    "Number",
    "check_length",
    "check_size",
    "function_of",
    "parameter",
]

Number = Value | float
Activation = str | Callable[[Value], Value]  # a name, or what it is a name of

XAVIER = xavier()


class Module:
    """A part of a network: its attributes that are Values, Modules, or lists of them, in order.

    An item of the list `layers` is called `layer1`, `layer2`, ...; one of the list `w` of Values,
    `w[0]`, `w[1]`, ...
    """

    def named_parameters(self) -> dict[str, Value]:
        """Every parameter by its name, in order; one that occurs twice, by its first name."""
        first: dict[Value, str] = {}
        for name, value in self._named():
            first.setdefault(value, name)
        named = {name: value for value, name in first.items()}
        if len(named) < len(first):
            raise ValueError("two parameters have one name: give the lists and parts other names")
        return named

    def parameters(self) -> list[Value]:
        """Every parameter once, in order."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0."""
        for p in self.parameters():
            p.grad = 0.0

    def label(self) -> None:
        """Labels every parameter with its name, as pictures and files show it."""
        for name, value in self.named_parameters().items():
            value.label = name

    def train(self, on: bool = True) -> None:
        """Switches what only training needs, such as dropout, on or off in every part."""
        for part in (self, *(part for _, part in self.walk())):
            if hasattr(part, "training"):
                part.training = on

    def eval(self) -> None:
        """Switches what only training needs off."""
        self.train(False)

    def parts(self) -> Iterator[tuple[str, Module]]:
        """The Modules directly inside, by name."""
        for name, x in vars(self).items():
            if isinstance(x, Module):
                yield name, x
            elif isinstance(x, list | tuple):
                yield from (
                    (f"{name.removesuffix('s')}{i}", item)
                    for i, item in enumerate(x, 1)
                    if isinstance(item, Module)
                )

    def walk(self) -> Iterator[tuple[str, Module]]:
        """Every part, at any depth, by its whole name."""
        for name, part in self.parts():
            yield name, part
            yield from ((f"{name}.{inner}", deeper) for inner, deeper in part.walk())

    def _named(self) -> Iterator[tuple[str, Value]]:
        for name, x in vars(self).items():
            yield from _values(name, x)
        for name, part in self.parts():
            yield from ((f"{name}.{inner}", value) for inner, value in part._named())

    def __repr__(self) -> str:
        """What it is, a line for each part."""
        lines = [self.about()]
        for name, part in self.parts():
            first, *others = repr(part).splitlines()
            lines += [f"  {name}: {first}", *(f"  {line}" for line in others)]
        return "\n".join(lines)

    def about(self) -> str:
        """What it is, in one line."""
        return type(self).__name__

    def summary(self, *sample: Any) -> str:
        """A table of the parts: parameters and, if a sample is given, scalar nodes per sample.

        sample: what the module is called with, such as a list of numbers.
        """
        rows = [("part", "parameters")]
        rows += [(name, f"{len(part.parameters())}") for name, part in self.parts()]
        rows.append(("in all", f"{len(self.parameters())}"))
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {count:>10}" for name, count in rows]
        if sample:
            result = self(*sample)  # type: ignore[operator]
            nodes = {node for _, y in _values("", result) for node in topological_order(y)}
            lines.append(f"{len(nodes)} scalar nodes per sample")
        return "\n".join(lines)


def _values(name: str, x: Any) -> Iterator[tuple[str, Value]]:
    if isinstance(x, Value):
        yield name, x
    elif isinstance(x, list):
        for i, item in enumerate(x):
            if not isinstance(item, Module):
                yield from _values(f"{name}[{i}]", item)


def parameter(x: float) -> Value:
    """A number to be learned. It is in no group: a picture puts it where it is used."""
    value = Value(x)
    value.group = ""
    return value


def linear(x: Value) -> Value:
    """The number as it is."""
    return x


def function_of(activation: Activation) -> Callable[[Value], Value]:
    """Returns the activation as a function of one Value.

    activation: `linear`, the name of a row of the table with one operand or of a function made of
    rows, such as gelu; or an operation, such as one of your own, or any function of one Value.
    ValueError, which lists the names, for another name; TypeError for what cannot be called.
    """
    known: dict[str, Any] = {"linear": linear}
    known |= {op.name: op for op in TABLE.values() if len(op.derivatives) == 1}
    known |= {name: function for name, (function, least, _) in FUNCTIONS.items() if least == 1}
    function = known.get(activation, None) if isinstance(activation, str) else activation
    if function is None:
        raise ValueError(f"no activation {activation!r}: choose {', '.join(known)}")
    if not callable(function):
        raise TypeError(f"an activation is a name or a function, not {type(function).__name__}")
    found: Callable[[Value], Value] = function
    return found


def name_of(activation: Activation) -> str:
    """Returns what to call the activation: the name of a row, or of a function."""
    return activation if isinstance(activation, str) else getattr(activation, "__name__", "f")


def check_size(name: str, *sizes: Any) -> None:
    """Raises ValueError unless every size is a whole number, 1 or more."""
    for size in sizes:
        if type(size) is not int or size < 1:
            raise ValueError(f"the size of a {name} is a whole number, 1 or more, not {size!r}")


def check_length(name: str, xs: Sequence[Number], length: int) -> None:
    """Raises LengthError, with both numbers, unless there are `length` of them."""
    if len(xs) != length:
        raise LengthError(f"this {name} takes {length} inputs, and was given {len(xs)}")


class Neuron(Module):
    """f(w[0]*x[0] + w[1]*x[1] + ... + b): one unit, and everything it knows.

    random: where its weights come from; neurons side by side share it, and so differ.
    """

    def __init__(
        self,
        inputs: int,
        activation: Activation = "tanh",
        *,
        init: Init = XAVIER,
        outputs: int = 1,
        random: Random,
    ) -> None:
        check_size("neuron", inputs)
        self.w = [parameter(init(random, inputs, outputs)) for _ in range(inputs)]
        self.b = parameter(0.0)
        self.activation = name_of(activation)
        self.function = function_of(activation)
        self.label()

    def __call__(self, xs: Sequence[Number]) -> Value:
        check_length("neuron", xs, len(self.w))
        total = self.b
        for w, x in zip(self.w, xs):
            total = total + w * x
        result: Value = self.function(total)
        return result

    def about(self) -> str:
        return f"Neuron({len(self.w)}, {self.activation!r})"


class Layer(Module):
    """Neurons side by side, which all see the same inputs."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation = "tanh",
        *,
        init: Init = XAVIER,
        random: Random,
    ) -> None:
        check_size("layer", inputs, outputs)
        self.neurons = [
            Neuron(inputs, activation, init=init, outputs=outputs, random=random)
            for _ in range(outputs)
        ]
        self.inputs = inputs
        self.activation = name_of(activation)
        self.label()

    def __call__(self, xs: Sequence[Number]) -> list[Value]:
        check_length("layer", xs, self.inputs)
        ys = []
        for k, neuron in enumerate(self.neurons, 1):
            with group(f"neuron{k}"):
                ys.append(neuron(xs))
        return ys

    def about(self) -> str:
        return f"Layer({self.inputs}, {len(self.neurons)}, {self.activation!r})"


class MLP(Module):
    """A multi-layer perceptron: layers one after the other.

    sizes: the number of neurons of each layer, the last the outputs. activation: of all layers,
    or a list, one for each.
    """

    def __init__(
        self,
        inputs: int,
        sizes: Sequence[int],
        activation: Activation | Sequence[Activation] = "tanh",
        *,
        init: Init = XAVIER,
        seed: int = 0,
    ) -> None:
        if isinstance(sizes, int) or not sizes:
            raise ValueError("sizes is a list of one layer or more, such as [16, 16, 1]")
        one = isinstance(activation, str) or callable(activation)
        names: list[Activation] = [activation] * len(sizes) if one else list(activation)  # type: ignore[arg-type, list-item]
        if len(names) != len(sizes):
            raise LengthError(f"{len(sizes)} layers and {len(names)} activations: one for each")
        random = Random(seed)
        self.layers = [
            Layer(before, size, name, init=init, random=random)
            for before, size, name in zip([inputs, *sizes], sizes, names)
        ]
        self.inputs = inputs
        self.label()

    def __call__(self, xs: Sequence[Number]) -> list[Value]:
        check_length("network", xs, self.inputs)
        ys: Sequence[Any] = xs
        for i, layer in enumerate(self.layers, 1):
            with group(f"layer{i}"):
                ys = layer(ys)
        return list(ys)

    def about(self) -> str:
        return f"MLP({self.inputs}, {[len(layer.neurons) for layer in self.layers]})"
