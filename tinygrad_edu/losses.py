"""How wrong is it? Losses of outputs (Values) against targets (numbers), one case at a time.

Targets may be Values too, as where a loss is compiled: then nobody asks what number they are.

Those that begin with logits are stable however large they are: they are made of `softplus`,
which never overflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.ops import exp, mask, relu, softplus, step

__all__ = [
    "binary_cross_entropy",
    "half_squared_error",
    "hinge",
    "log_sum_exp",
    "mean_squared_error",
    "softmax",
    "softmax_cross_entropy",
]


def half_squared_error(
    outputs: Sequence[Value], targets: Sequence[Value | float], dead_zone: float = 0.0
) -> Value:
    """E = 1/2 * sum of (y - d)**2 (Rumelhart, Hinton and Williams 1986, equation 3).

    dead_zone: an error smaller than this counts as none, 0.2 in their family trees. LengthError
    unless there are as many targets as outputs.
    """
    terms = []
    for y, d in _pairs(outputs, targets):
        error = y - d
        square = error**2
        terms.append(mask(step(abs(error) - dead_zone), square) if dead_zone else square)
    return sum(terms[1:], terms[0]) / 2


def mean_squared_error(outputs: Sequence[Value], targets: Sequence[Value | float]) -> Value:
    """The mean of (y - d)**2; LengthError unless there are as many targets as outputs."""
    squares = [(y - d) ** 2 for y, d in _pairs(outputs, targets)]
    return sum(squares[1:], squares[0]) / len(squares)


def hinge(score: Value | Sequence[Value], label: Value | float | Sequence[Value | float]) -> Value:
    """max(0, 1 - label * score), for a label of -1 or 1: no loss beyond the margin of 1.

    Lists of one score and one label will do, as a network and a case have them.
    """
    y, d = _only(score, label)
    if not isinstance(d, Value) and d not in (-1, 1):
        raise ValueError(f"the label of a hinge loss is -1 or 1, not {d!r}")
    result: Value = relu(1 - d * y)
    return result


def binary_cross_entropy(
    logit: Value | Sequence[Value], target: Value | float | Sequence[Value | float]
) -> Value:
    """-log of the probability sigmoid(logit) that was given to the target, 0 or 1, in nats.

    As t * softplus(-z) + (1 - t) * softplus(z), which never overflows. A target between 0 and 1 is
    a probability itself. Lists of one logit and one target will do.
    """
    z, t = _only(logit, target)
    if not isinstance(t, Value):
        if not 0 <= t <= 1:
            raise ValueError(f"the target is a probability, 0 to 1, not {t!r}")
        if t in (0, 1):
            certain: Value = softplus(-z if t else z)
            return certain
    mean: Value = t * softplus(-z) + (1 - t) * softplus(z)
    return mean


def softmax_cross_entropy(logits: Sequence[Value], label: int | Sequence[Value | float]) -> Value:
    """-log of the probability that softmax(logits) gives to the label, the index of one, in nats.

    A list of probabilities, such as one-hot targets, is a label too: the mean over them. IndexError
    for a label that is no index, LengthError unless there is a probability for each logit.
    """
    if not isinstance(label, int):
        total = log_sum_exp(logits)
        pairs = _pairs(logits, label)
        terms = [t * (total - z) for z, t in pairs if isinstance(t, Value) or t]
        return sum(terms[1:], terms[0])
    if not 0 <= label < len(logits):
        raise IndexError(f"the label is an index, 0 to {len(logits) - 1}, not {label!r}")
    return log_sum_exp(logits) - logits[label]


def softmax(logits: Sequence[Value]) -> list[Value]:
    """Probabilities in proportion to exp(logit); they add up to 1."""
    total = log_sum_exp(logits)
    return [exp(logit - total) for logit in logits]


def log_sum_exp(values: Sequence[Value]) -> Value:
    """log(sum of exp(value)), without overflow: log(e**a + e**b) = a + softplus(b - a)."""
    first, *others = sorted(values, key=lambda value: -value.data)  # the largest first: exact
    total = first
    for value in others:
        total = total + softplus(value - total)
    return total


def _only(*given: Any) -> Any:
    """The items of lists of one; what is no list, as it is."""
    lists = [x if isinstance(x, list | tuple) else [x] for x in given]
    for x in lists:
        if len(x) != 1:
            raise LengthError(f"this loss is of one output and one target, not of {len(x)}")
    return [x[0] for x in lists]


def _pairs(
    outputs: Value | Sequence[Value], targets: Sequence[Value | float]
) -> list[tuple[Value, Value | float]]:
    outputs = [outputs] if isinstance(outputs, Value) else outputs
    if len(outputs) != len(targets) or not outputs:
        raise LengthError(f"{len(outputs)} outputs and {len(targets)} targets: give one for each")
    return list(zip(outputs, targets))
