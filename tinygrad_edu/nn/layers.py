"""Parts of networks other than neurons: linear maps, embeddings, norms, dropout, sequences.

Names, arguments and initial weights are PyTorch's. With the argument `init`, a `Linear` or an
`Embedding` draws its weights by that rule, and its biases start at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

from tinygrad_edu.engine import Value, as_value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.functions import FUNCTIONS, gelu, leaky_relu, silu, take
from tinygrad_edu.nn.init import Init, Seed, generator, linear_default, normal
from tinygrad_edu.nn.module import (
    Module,
    Number,
    Parameter,
    VectorModule,
    check_length,
    check_size,
)
from tinygrad_edu.nn.perceptron import Chain, name_of
from tinygrad_edu.ops import relu, sigmoid, softplus, tanh
from tinygrad_edu.rows.op import Op

__all__ = [
    "GELU",
    "SMALL",
    "Dropout",
    "Embedding",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "residual",
    "total",
]

SMALL = normal(0.02)  # as in GPT-2
_LINEAR = linear_default()
_STANDARD = normal(1.0)


class Linear(VectorModule):
    """y = W x + b, or W x without bias: `out_features` weighted sums of `in_features` numbers.

    Weights and biases start uniform in +-1/sqrt(in_features), as in PyTorch.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: Init | None = None,
        seed: Seed = None,
    ) -> None:
        check_size("linear map", in_features, out_features)
        random, draw = generator(seed), init or _LINEAR
        self.weight = [
            [Parameter(draw(random, in_features, out_features)) for _ in range(in_features)]
            for _ in range(out_features)
        ]
        first = [0.0 if init else draw(random, in_features, 1) for _ in range(out_features * bias)]
        self.bias = [Parameter(x) for x in first]
        self.label()

    def forward(self, xs: Sequence[Value]) -> list[Value]:
        check_length("linear map", xs, len(self.weight[0]))
        ys = [total([w * x for w, x in zip(row, xs)]) for row in self.weight]
        return residual(ys, self.bias) if self.bias else ys

    def about(self) -> str:
        return f"Linear({len(self.weight[0])}, {len(self.weight)}, bias={bool(self.bias)})"


class Embedding(Module):
    """A table of `num_embeddings` vectors of `embedding_dim` numbers.

    Called with an index it returns that vector; with a list of indices, a list of vectors. An index
    may be the input of a compiled loss: see `take`. The numbers start standard normal, as in
    PyTorch. TypeError or IndexError for a wrong index.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        init: Init = _STANDARD,
        seed: Seed = None,
    ) -> None:
        check_size("embedding", num_embeddings, embedding_dim)
        random = generator(seed)
        self.weight = [
            [Parameter(init(random, num_embeddings, embedding_dim)) for _ in range(embedding_dim)]
            for _ in range(num_embeddings)
        ]
        self.label()

    def forward(self, index: Any) -> Any:
        if hasattr(index, "tolist"):
            index = index.tolist()
        if isinstance(index, list | tuple | range):
            return [self.forward(i) for i in index]
        return list(take(self.weight, index))

    def about(self) -> str:
        return f"Embedding({len(self.weight)}, {len(self.weight[0])})"


class LayerNorm(VectorModule):
    """weight * (x - mean) / sqrt(variance + eps) + bias, of one vector (Ba, Kiros, Hinton 2016)."""

    def __init__(self, size: int, eps: float = 1e-5) -> None:
        check_size("norm", size)
        self.weight = [Parameter(1.0) for _ in range(size)]
        self.bias = [Parameter(0.0) for _ in range(size)]
        self.eps = eps
        self.label()

    def forward(self, xs: Sequence[Value]) -> list[Value]:
        check_length("norm", xs, len(self.weight))
        mean = total(xs) / len(xs)
        centred = [x - mean for x in xs]
        scale = (total([x * x for x in centred]) / len(xs) + self.eps) ** -0.5
        return [g * (x * scale) + b for g, x, b in zip(self.weight, centred, self.bias)]

    def about(self) -> str:
        return f"LayerNorm({len(self.weight)}, eps={self.eps})"


class RMSNorm(VectorModule):
    """weight * x / sqrt(mean of x**2 + eps), of one vector (Zhang and Sennrich 2019).

    eps: PyTorch's default is 2.2e-16, the precision of a float; here it is that of LayerNorm.
    """

    def __init__(self, size: int, eps: float = 1e-5) -> None:
        check_size("norm", size)
        self.weight = [Parameter(1.0) for _ in range(size)]
        self.eps = eps
        self.label()

    def forward(self, xs: Sequence[Value]) -> list[Value]:
        check_length("norm", xs, len(self.weight))
        scale = (total([x * x for x in xs]) / len(xs) + self.eps) ** -0.5
        return [g * (x * scale) for g, x in zip(self.weight, xs)]

    def about(self) -> str:
        return f"RMSNorm({len(self.weight)}, eps={self.eps})"


class Dropout(VectorModule):
    """During training, sets each input to 0 with probability p, and divides the others by 1 - p.

    (Srivastava et al. 2014, in the inverted form.) Its random numbers have a seed of their own.
    With p = 1 all outputs are 0.
    """

    def __init__(self, p: float = 0.5, *, seed: Seed = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"p must be a probability, 0 to 1, not {p!r}")
        self.p = p
        self.seed = seed if isinstance(seed, int) else generator(seed).getrandbits(63)
        self.go_on(0)

    def forward(self, xs: Sequence[Value]) -> list[Value]:
        if not self.training or not self.p:
            return list(xs)
        kept = 1 - self.p
        self.drawn += len(xs)
        return [x * (1 / kept) if self._random.random() < kept else as_value(0.0) for x in xs]

    def go_on(self, drawn: int) -> None:
        """Restarts the random numbers and skips `drawn` of them, to continue a saved run."""
        self._random = generator(self.seed)
        self.drawn = drawn
        for _ in range(drawn):
            self._random.random()

    def about(self) -> str:
        return f"Dropout({self.p})"


class Sequential(Chain):
    """Modules in sequence: each takes the outputs of the one before.

    Called with the numbers of one example, or with one row for each of several examples. An
    operation, such as `tanh` or your own, can stand for a module that applies it to each number.
    """

    def __init__(self, *modules: Module | Op) -> None:
        for x in modules:
            if isinstance(x, type):
                raise TypeError(f"give a module, not a class: write {x.__name__}(...)")
            if not callable(x):
                raise TypeError(f"give modules one by one, as Linear(2, 1), Tanh(), not {x!r:.60}")
        self.layers = [_Each(x) if x in _OF_ONE or isinstance(x, Op) else x for x in modules]
        self.label()


class _Elementwise(VectorModule):
    """A module that applies a function to each number."""

    def function(self, x: Any) -> Value:
        raise NotImplementedError

    def __call__(self, xs: Any) -> Any:
        """This returns the function of a Value, of each of a list, or of each in several rows."""
        return as_value(self.function(xs)) if isinstance(xs, Number) else super().__call__(xs)

    def forward(self, xs: Sequence[Number]) -> list[Value]:
        return [as_value(self.function(x)) for x in xs]


_OF_ONE = [function for function, least, _ in FUNCTIONS.values() if least == 1]


class _Each(_Elementwise):
    """An operation as a module."""

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self.operation = function

    def function(self, x: Any) -> Value:
        return self.operation(x)

    def about(self) -> str:
        return name_of(self.operation)


class Identity(_Elementwise):
    """The identity: each number unchanged."""

    def function(self, x: Value) -> Value:
        return x


class Tanh(_Elementwise):
    """tanh(x) of each number."""

    def function(self, x: Value) -> Value:
        return tanh(x)


class Sigmoid(_Elementwise):
    """sigmoid(x) of each number."""

    def function(self, x: Value) -> Value:
        return sigmoid(x)


class ReLU(_Elementwise):
    """relu(x) of each number."""

    def function(self, x: Value) -> Value:
        return relu(x)


class LeakyReLU(_Elementwise):
    """x above 0 and negative_slope * x below, of each number."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def function(self, x: Value) -> Value:
        return leaky_relu(x, self.negative_slope)

    def about(self) -> str:
        return f"LeakyReLU({self.negative_slope})"


class GELU(_Elementwise):
    """gelu(x) of each number, exact."""

    def function(self, x: Value) -> Value:
        return gelu(x)


class SiLU(_Elementwise):
    """silu(x) = x * sigmoid(x) of each number."""

    def function(self, x: Value) -> Value:
        return silu(x)


class Softplus(_Elementwise):
    """softplus(x) = log(1 + exp(x)) of each number."""

    def function(self, x: Value) -> Value:
        return softplus(x)


@overload
def residual(xs: Sequence[Number], ys: Sequence[Number]) -> list[Value]: ...
@overload
def residual(xs: Sequence[Any], ys: Sequence[Any]) -> list[Any]: ...
def residual(xs: Sequence[Any], ys: Sequence[Any]) -> list[Any]:
    """This returns x + y, element by element: a residual connection (He et al. 2016).

    xs and ys are vectors, or sequences of vectors. LengthError if their lengths differ.
    """
    if len(xs) != len(ys):
        raise LengthError(
            f"cannot add {len(xs)} and {len(ys)} numbers: give lists of the same length"
        )
    # A list plus a list would be a longer list.
    return [residual(x, y) if isinstance(x, list | tuple) else x + y for x, y in zip(xs, ys)]


def total(xs: Sequence[Value]) -> Value:
    """Returns the sum from left to right, without a node for 0 + the first number."""
    result = xs[0]
    for x in xs[1:]:
        result = result + x
    return result
