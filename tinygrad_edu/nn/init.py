"""How weights begin: each function makes a rule that draws one weight.

A rule is given a `random.Random` and the numbers of inputs and outputs of the layer. It only
calls `random()`, whose numbers Python promises never to change for a seed.
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

_seeds = count()  # of what is made without a seed


def generator(seed: Seed = None) -> Random:
    """This returns the generator of random numbers of that seed; a generator given is returned.

    Without a seed it is 0 for the first that asks in a process, 1 for the next, and so on: two
    networks differ, and a program does the same each time. TypeError for a seed that is none.
    """
    if isinstance(seed, Random):
        return seed
    if seed is None:
        return Random(next(_seeds))
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(f"a seed is a whole number or a random.Random, not {seed!r:.60}")
    return Random(seed.__index__())


def manual_seed(seed: int) -> None:
    """Begins anew: what is made without a seed has `seed`, then `seed + 1`, and so on."""
    global _seeds
    generator(seed)
    _seeds = count(seed)


def uniform(r: float) -> Init:
    """Uniform in (-r, r): 0.3 is that of Rumelhart, Hinton and Williams 1986."""
    return lambda random, inputs, outputs: _between(random, r)


def linear_default() -> Init:
    """Uniform in (-r, r) with r = 1 / sqrt(inputs): weights and biases of PyTorch's Linear."""
    return lambda random, inputs, outputs: _between(random, 1 / sqrt(inputs))


def xavier(gain: float = 1.0) -> Init:
    """Uniform with variance gain**2 * 2 / (inputs + outputs), which keeps both passes' size.

    For tanh and the like: Glorot and Bengio 2010, equation 16.
    """
    return lambda random, inputs, outputs: _between(random, gain * sqrt(6 / (inputs + outputs)))


def he() -> Init:
    """Normal with variance 2 / inputs, because relu lets half through: He et al. 2015, eq. 10."""
    return lambda random, inputs, outputs: _normal(random) * sqrt(2 / inputs)


def normal(deviation: float) -> Init:
    """Normal with that standard deviation; 0.02 is GPT-2's, 1 that of PyTorch's Embedding."""
    return lambda random, inputs, outputs: _normal(random) * deviation


def _between(random: Random, r: float) -> float:
    return r * (2 * random.random() - 1)


def _normal(random: Random) -> float:
    """A standard normal number, from two uniform ones (Box and Muller 1958)."""
    radius = sqrt(-2 * log(1 - random.random()))  # never log(0)
    return radius * cos(2 * pi * random.random())


_ELSEWHERE = {  # of PyTorch, Keras and JAX
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
