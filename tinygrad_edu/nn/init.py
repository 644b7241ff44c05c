"""Initial weights: each function returns a rule that draws one weight.

A rule takes a `random.Random` and the numbers of inputs and outputs of the layer. It calls only
`random()`, whose numbers for a seed Python promises never to change.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from math import cos, log, pi, sqrt
from random import Random
from typing import TYPE_CHECKING, Any

from tinygrad_edu.habits.hints import elsewhere

__all__ = [
    "Init",
    "Seed",
    "generator",
    "he",
    "linear_default",
    "manual_seed",
    "normal",
    "uniform",
    "xavier",
]

Init = Callable[[Random, int, int], float]
Seed = int | Random | None

_seeds = count()  # for calls without a seed


def generator(seed: Seed = None) -> Random:
    """This returns a generator of random numbers with that seed; a generator is returned as it is.

    Without a seed, the first call in a process gets seed 0, the next seed 1, and so on: networks
    differ, and each run of a program is the same. TypeError for any other seed.
    """
    if isinstance(seed, Random):
        return seed
    if seed is None:
        return Random(next(_seeds))
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"a seed must be a whole number or a random.Random, not {seed!r:.60}")
    return Random(seed.__index__())


def manual_seed(seed: int) -> None:
    """Sets the seeds of the next calls without a seed: `seed`, `seed + 1`, and so on."""
    global _seeds
    generator(seed)
    _seeds = count(seed)


def uniform(r: float) -> Init:
    """Uniform in (-r, r); Rumelhart, Hinton and Williams 1986 used r = 0.3."""
    return lambda random, inputs, outputs: _between(random, r)


def linear_default() -> Init:
    """Uniform in (-r, r) with r = 1 / sqrt(inputs): weights and biases of PyTorch's Linear."""
    return lambda random, inputs, outputs: _between(random, 1 / sqrt(inputs))


def xavier(gain: float = 1.0) -> Init:
    """Uniform with variance gain**2 * 2 / (inputs + outputs) (Glorot, Bengio 2010, equation 16).

    With tanh and similar activations, it keeps the size of numbers in both passes about equal.
    """
    return lambda random, inputs, outputs: _between(random, gain * sqrt(6 / (inputs + outputs)))


def he() -> Init:
    """Normal with variance 2 / inputs, for relu, which passes half (He et al. 2015, eq. 10)."""
    return lambda random, inputs, outputs: _normal(random) * sqrt(2 / inputs)


def normal(deviation: float) -> Init:
    """Normal with that standard deviation: 0.02 as in GPT-2, 1 as in PyTorch's Embedding."""
    return lambda random, inputs, outputs: _normal(random) * deviation


def _between(random: Random, r: float) -> float:
    return r * (2 * random.random() - 1)


def _normal(random: Random) -> float:
    """A standard normal number, from two uniform ones (Box and Muller 1958)."""
    radius = sqrt(-2 * log(1 - random.random()))  # 1 - random() is never 0
    return radius * cos(2 * pi * random.random())


_ELSEWHERE = {  # names from PyTorch, Keras and JAX
    **dict.fromkeys(
        ("xavier_uniform_", "xavier_uniform", "glorot_uniform"), "Linear(2, 3, init=xavier())"
    ),
    **dict.fromkeys(("xavier_normal_", "glorot_normal"), "Linear(2, 3, init=normal(deviation))"),
    **dict.fromkeys(
        ("kaiming_normal_", "kaiming_normal", "he_normal", "kaiming"), "Linear(2, 3, init=he())"
    ),
    **dict.fromkeys(("kaiming_uniform_", "he_uniform"), "Linear(2, 3, init=uniform(r))"),
    **dict.fromkeys(("uniform_", "random_uniform"), "Linear(2, 3, init=uniform(r))"),
    **dict.fromkeys(
        ("normal_", "trunc_normal_", "random_normal"), "Linear(2, 3, init=normal(0.02))"
    ),
    **dict.fromkeys(("zeros_", "zeros"), "for p in model.parameters(): p.data = 0.0"),
    **dict.fromkeys(("ones_", "ones"), "for p in model.parameters(): p.data = 1.0"),
    **dict.fromkeys(("constant_", "constant"), "for p in model.parameters(): p.data = 0.5"),
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _ELSEWHERE, __name__)
