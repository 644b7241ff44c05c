"""Losses: how wrong outputs are, compared with targets. Names and meanings are PyTorch's.

Outputs and targets are numbers, Values, or lists, tuples and arrays of them, for one example or
several. A loss is one Value: the mean of all terms, or their sum with `reduction="sum"`; "none"
gives each term by itself. Targets may be Values too, as in a compiled loss: then no branch of
Python depends on their numbers.

Losses of logits are made of `softplus`, which never overflows, so they accept logits of any size.
`half_squared_error` is the loss of 1986; `hinge_loss` is the loss of support vector machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import isfinite
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, overload

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import LengthError
from tinygrad_edu.functions import take, where
from tinygrad_edu.habits.hints import elsewhere
from tinygrad_edu.ops import equal, exp, less, log, log1p, mask, minimum, relu, softplus, step
from tinygrad_edu.trees import is_tree, like, numbers, shape

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "half_squared_error",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "log_softmax",
    "logsumexp",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
    "softmax",
    "weighed",
]

Numbers = Value | float | Iterable[Any]
Classes = int | Iterable[Any]  # indices, or probabilities
Weights = Sequence[float] | None
One = Literal["mean", "sum"]
Each = Literal["none"]


@overload
def mse_loss(input: Numbers, target: Numbers, *, reduction: One = ...) -> Value: ...
@overload
def mse_loss(input: Numbers, target: Numbers, *, reduction: Each) -> Any: ...
def mse_loss(input: Numbers, target: Numbers, *, reduction: str = "mean") -> Any:
    """This returns the mean of (y - d)**2 over all outputs y and targets d.

    LengthError unless the targets have the shape of the outputs.
    """
    return _elementwise(lambda y, d: (y - d) ** 2, input, target, reduction)


@overload
def l1_loss(input: Numbers, target: Numbers, *, reduction: One = ...) -> Value: ...
@overload
def l1_loss(input: Numbers, target: Numbers, *, reduction: Each) -> Any: ...
def l1_loss(input: Numbers, target: Numbers, *, reduction: str = "mean") -> Any:
    """This returns the mean of |y - d|; errors as for `mse_loss`."""
    return _elementwise(lambda y, d: abs(y - d), input, target, reduction)


@overload
def huber_loss(
    input: Numbers, target: Numbers, *, reduction: One = ..., delta: float = ...
) -> Value: ...
@overload
def huber_loss(input: Numbers, target: Numbers, *, reduction: Each, delta: float = ...) -> Any: ...
def huber_loss(
    input: Numbers, target: Numbers, *, reduction: str = "mean", delta: float = 1.0
) -> Any:
    """This returns the mean of (y - d)**2 / 2 for errors up to delta, of a straight line beyond.

    The line is delta * (|y - d| - delta / 2), which continues the square with the same slope
    (Huber 1964). ValueError unless delta > 0; other errors as for `mse_loss`.
    """
    if not delta > 0:
        raise ValueError(f"delta must be above 0, not {delta!r}")

    def one(y: Any, d: Any) -> Any:
        error = abs(y - d)
        square = minimum(error, delta)
        return square * (error - square / 2)

    return _elementwise(one, input, target, reduction)


@overload
def smooth_l1_loss(
    input: Numbers, target: Numbers, *, reduction: One = ..., beta: float = ...
) -> Value: ...
@overload
def smooth_l1_loss(
    input: Numbers, target: Numbers, *, reduction: Each, beta: float = ...
) -> Any: ...
def smooth_l1_loss(
    input: Numbers, target: Numbers, *, reduction: str = "mean", beta: float = 1.0
) -> Any:
    """This returns `huber_loss` with delta = beta, divided by beta; with beta = 0, `l1_loss`."""
    if beta == 0:
        return _elementwise(lambda y, d: abs(y - d), input, target, reduction)
    each = huber_loss(input, target, reduction="none", delta=beta)
    return _reduced([x / beta for x in numbers(each)], reduction, each)


@overload
def binary_cross_entropy(input: Numbers, target: Numbers, *, reduction: One = ...) -> Value: ...
@overload
def binary_cross_entropy(input: Numbers, target: Numbers, *, reduction: Each) -> Any: ...
def binary_cross_entropy(input: Numbers, target: Numbers, *, reduction: str = "mean") -> Any:
    """This returns the mean of -(t * log(p) + (1 - t) * log(1 - p)), in nats, of probabilities p.

    No logarithm goes below -100, as in PyTorch, so a term costs 100 at most. There the gradient is
    0; `binary_cross_entropy_with_logits` has a useful gradient everywhere. ValueError if a p or a t
    is not a probability; LengthError as for `mse_loss`.
    """

    def one(p: Any, t: Any) -> Any:
        if not 0 <= _number(p) <= 1:
            raise ValueError(
                f"binary_cross_entropy takes probabilities, 0 to 1, and {_number(p)!r} is not one; "
                "binary_cross_entropy_with_logits takes logits"
            )
        return -_by_target(t, lambda: _above(p, log(p)), lambda: _above(1 - p, log1p(-p)))

    return _elementwise(one, input, target, reduction)


@overload
def binary_cross_entropy_with_logits(
    input: Numbers, target: Numbers, *, reduction: One = ..., pos_weight: float = ...
) -> Value: ...
@overload
def binary_cross_entropy_with_logits(
    input: Numbers, target: Numbers, *, reduction: Each, pos_weight: float = ...
) -> Any: ...
def binary_cross_entropy_with_logits(
    input: Numbers, target: Numbers, *, reduction: str = "mean", pos_weight: float = 1.0
) -> Any:
    """This returns the mean of -log of the probability that sigmoid(z) gives the target, in nats.

    It is t * softplus(-z) + (1 - t) * softplus(z), which never overflows. A target t is 0, 1, or a
    probability between them. pos_weight multiplies the first term, to give rare ones more weight.
    ValueError if a target is not a probability; LengthError as for `mse_loss`.
    """

    def one(z: Any, t: Any) -> Any:
        return _by_target(t, lambda: _times(pos_weight, softplus(-z)), lambda: softplus(z))

    return _elementwise(one, input, target, reduction)


@overload
def cross_entropy(
    input: Iterable[Any], target: Classes, weight: Weights = ..., *, reduction: One = ...,
    ignore_index: int = ..., label_smoothing: float = ...
) -> Value: ...  # fmt: skip
@overload
def cross_entropy(
    input: Iterable[Any], target: Classes, weight: Weights = ..., *, reduction: Each,
    ignore_index: int = ..., label_smoothing: float = ...
) -> Any: ...  # fmt: skip
def cross_entropy(
    input: Iterable[Any], target: Classes, weight: Weights = None, *, reduction: str = "mean",
    ignore_index: int = -100, label_smoothing: float = 0.0
) -> Any:  # fmt: skip
    """This returns the mean of -log of the probability that softmax gives to the target, in nats.

    input: the logits of one example, or a row of logits for each example. target: the index of the
    right class, one for each row; or a probability for each logit, such as one-hot targets. weight:
    a factor for each class; the mean then divides by the sum of the targets' weights, or, for
    probabilities, by the number of examples. ignore_index: a target that does not count.
    label_smoothing: the part of the target that is spread evenly over all classes, 0 to 1.

    IndexError for an index out of range, LengthError for too few or too many numbers, ValueError
    for a smoothing out of range.
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be a number from 0 to 1, not {label_smoothing!r}")
    k, smooth = 1.0 - label_smoothing, label_smoothing

    def one(logits: list[Any], label: Any) -> tuple[Any, Any]:
        total = _logsumexp(logits)
        if not is_tree(label):
            share = _weight(weight, label, len(logits))
            loss = _times(_times(k, share), total - _entry(logits, label))
            if smooth:
                spread = [
                    _times(smooth / len(logits) * _weight(weight, c, len(logits)), total - z)
                    for c, z in enumerate(logits)
                ]
                loss = _sum([loss, *spread])
            return loss, share
        terms = []
        for c, (z, t) in enumerate(_pairs(logits, label)):
            if smooth:
                t = k * t + smooth / len(logits)
            if isinstance(t, Value) or t:
                terms.append(_times(t, _times(_weight(weight, c, len(logits)), total - z)))
        return _sum(terms) if terms else Value(0.0), 1.0

    return _classes(one, input, target, ignore_index, reduction)


@overload
def nll_loss(
    input: Iterable[Any], target: Classes, weight: Weights = ..., *, reduction: One = ...,
    ignore_index: int = ...
) -> Value: ...  # fmt: skip
@overload
def nll_loss(
    input: Iterable[Any], target: Classes, weight: Weights = ..., *, reduction: Each,
    ignore_index: int = ...
) -> Any: ...  # fmt: skip
def nll_loss(
    input: Iterable[Any], target: Classes, weight: Weights = None, *, reduction: str = "mean",
    ignore_index: int = -100
) -> Any:  # fmt: skip
    """This returns the mean of minus the log-probability of the target.

    input: log-probabilities, such as those of `log_softmax`; they are not checked. target: an
    index. Other arguments and errors are those of `cross_entropy`, which equals
    nll_loss(log_softmax(input), target).
    """

    def one(logs: list[Any], label: Any) -> tuple[Any, Any]:
        share = _weight(weight, label, len(logs))
        return _times(share, -_entry(logs, label)), share

    return _classes(one, input, target, ignore_index, reduction)


@overload
def hinge_loss(input: Numbers, target: Numbers, *, reduction: One = ...) -> Value: ...
@overload
def hinge_loss(input: Numbers, target: Numbers, *, reduction: Each) -> Any: ...
def hinge_loss(input: Numbers, target: Numbers, *, reduction: str = "mean") -> Any:
    """This returns the mean of max(0, 1 - d * y): a term is 0 if d * y is 1 or more.

    The label d is -1 or 1; ValueError for any other. LengthError as for `mse_loss`.
    """

    def one(y: Any, d: Any) -> Any:
        if not isinstance(d, Value) and d not in (-1, 1):
            raise ValueError(f"the label of a hinge loss must be -1 or 1, not {d!r}")
        return relu(1 - d * y)

    return _elementwise(one, input, target, reduction)


def half_squared_error(outputs: Numbers, targets: Numbers, dead_zone: float = 0.0) -> Value:
    """This returns E = 1/2 * the sum of (y - d)**2 (Rumelhart, Hinton and Williams 1986, eq. 3).

    dead_zone: a smaller error counts as 0; it is 0.2 for the family trees of the paper. LengthError
    unless there are as many targets as outputs.
    """
    terms = []
    for y, d in _pairs(outputs, targets):
        error = y - d
        square = error**2
        terms.append(mask(step(abs(error) - dead_zone), square) if dead_zone else square)
    total: Value = _sum(terms) / 2
    return total


def softmax(logits: Iterable[Any], dim: int = -1) -> list[Any]:
    """This returns probabilities proportional to exp(logit), which add up to 1 in each row.

    dim: the last dimension, as -1 or its number, for code from PyTorch; ValueError for another.
    """
    return _by_row(lambda row, total: [exp(z - total) for z in row], logits, dim)


def log_softmax(logits: Iterable[Any], dim: int = -1) -> list[Any]:
    """This returns the logarithms of `softmax`; they are finite even where softmax rounds to 0."""
    return _by_row(lambda row, total: [z - total for z in row], logits, dim)


def logsumexp(values: Iterable[Any]) -> Value:
    """This returns log(sum of exp(value)), without overflow.

    It adds one value at a time: log(e**a + e**b) = a + softplus(b - a).
    """
    total = _logsumexp(values)
    return total if isinstance(total, Value) else Value(total)


def _logsumexp(values: Iterable[Any]) -> Any:
    """Like `logsumexp`, but floats give a float.

    The order is the given one, so that rows of logits have graphs of the same form, which machine
    code computes side by side. Infinities are sorted: a sum that begins with -inf would become nan.
    """
    row = _row(values)
    if not all(isfinite(_number(x)) for x in row):
        row = sorted(row, key=lambda x: -_number(x))
    first, *others = row
    total = first
    for x in others:
        total = total + softplus(x - total)
    return total


def weighed(
    loss: Any, targets: Iterable[Any], some: bool = False
) -> tuple[Any, list[float]] | None:
    """This returns (weighted loss of one example, weight of each target) for a weighted mean.

    some: whether other targets of the same run have other weights. None if all examples have the
    same weight. Only `cross_entropy` and `nll_loss` can have other
    weights: by `partial(cross_entropy, weight=...)`, or 0 for targets to ignore.
    """
    f: Any = loss
    how: dict[str, Any] = {}
    while isinstance(f, partial):
        f, how = f.func, {**f.keywords, **how}
    weight, ignored = how.get("weight"), how.get("ignore_index", -100)
    if f not in (cross_entropy, nll_loss) or how.get("reduction", "mean") != "mean":
        return None
    labels = [list(numbers(t)) for t in targets]
    known = any(x == ignored for row in labels for x in row)
    are_indices = all(isinstance(x, Integral) for row in labels for x in row)
    if not are_indices or (weight is None and not known and not some):
        return None
    each = [
        sum(_weight(weight, x, len(weight or [])) for x in row if x != ignored) for row in labels
    ]
    return partial(f, **{**how, "reduction": "sum"}), [float(x) for x in each]


def _elementwise(
    one: Callable[[Any, Any], Any], input: Numbers, target: Numbers, reduction: str
) -> Any:
    return _reduced([one(y, d) for y, d in _pairs(input, target)], reduction, input)


def _classes(
    one: Callable[[list[Any], Any], tuple[Any, Any]],
    input: Any,
    target: Any,
    ignored: int,
    reduction: str,
) -> Any:
    """Returns the reduced loss of one example's logits, or of one row of logits for each example.

    one: gives the loss of a row and its weight in the mean.
    """
    rows = list(input)
    single = not rows or not is_tree(rows[0])
    if single:
        rows, target = [rows], [target]
    labels = list(target) if is_tree(target) else [target]
    if len(labels) != len(rows):
        raise LengthError(f"{len(rows)} rows and {len(labels)} targets: give one for each row")
    each: list[Any] = []
    shares: list[Any] = []
    for row, label in zip(rows, labels):
        counts = is_tree(label) or isinstance(label, Value) or label != ignored
        counted = None
        if isinstance(label, Value):  # an input of a compiled loss
            counted = 1 - equal(label, ignored)
            label = mask(counted, label)  # an ignored label is no index, so 0 stands for it
        loss, share = one(_row(row), label) if counts else (Value(0.0), 0.0)
        if counted is not None:
            loss = mask(counted, loss)
            if isinstance(share, Value) or len(rows) > 1:
                share = mask(counted, share)
        each.append(loss)
        shares.append(share)
    if reduction == "mean" and any(isinstance(x, Value) or x != 1.0 for x in shares):
        total = _sum(shares)
        mean = _sum(each) / (total if isinstance(total, Value) or total else float("nan"))
        return mean if isinstance(mean, Value) else Value(mean).detach()
    return _reduced(each, reduction, each[0] if single else each)


def _reduced(each: list[Any], reduction: str, outputs: Any) -> Any:
    if reduction == "none":
        return like(outputs, iter(each))
    if reduction not in ("mean", "sum"):
        raise ValueError(f"unknown reduction {reduction!r}; choose mean, sum or none")
    total = _sum(each)
    if reduction == "mean" and len(each) > 1:
        total = total / len(each)
    return total if isinstance(total, Value) else Value(total).detach()  # floats have no graph


def _pairs(outputs: Any, targets: Any) -> list[tuple[Any, Any]]:
    """Returns pairs of output and target. A list of one number matches a plain number."""
    ys, ds = list(numbers(outputs)), list(numbers(targets))
    for x in (*ys, *ds):
        if not isinstance(x, Value | float | int) and not hasattr(x, "__float__"):
            raise TypeError(f"outputs and targets must be numbers or Values, not {x!r}")
    alike = len(ys) == len(ds) == 1 or shape(outputs) == shape(targets)
    if len(ys) != len(ds) or not ys:
        raise LengthError(f"{len(ys)} outputs and {len(ds)} targets: give one for each")
    if not alike:
        raise LengthError(
            f"the outputs are {_size(outputs)} and the targets {_size(targets)}: give targets of "
            "the same shape"
        )
    return list(zip(ys, ds))


def _size(x: Any) -> str:
    """Returns the shape as text, such as 3x1."""
    sizes = []
    while is_tree(x) and not isinstance(x, dict) and len(x):
        sizes.append(str(len(x)))
        x = x[0]
    return "x".join(sizes) or "one number"


def _by_row(
    of: Callable[[list[Any], Any], list[Any]], logits: Iterable[Any], dim: int
) -> list[Any]:
    rows = list(logits)
    inner = bool(rows) and is_tree(rows[0])
    if not isinstance(dim, int) or dim < -1 or (dim == 0 if inner else dim > 0):
        raise ValueError("softmax works on each row, the last dimension: leave dim out")
    if inner:
        return [_by_row(of, row, max(dim - 1, -1)) for row in rows]
    return of(rows, logsumexp(rows))


def _row(values: Iterable[Any]) -> list[Any]:
    row = list(values)
    if not row:
        raise LengthError("the list of logits is empty: give one logit for each class")
    return row


def _sum(terms: Sequence[Any]) -> Any:
    """Returns the sum, without a node for 0 + the first term."""
    return sum(terms[1:], terms[0])


def _times(factor: Any, x: Any) -> Any:
    """Returns factor * x, without a node if the factor is 1."""
    return x if not isinstance(factor, Value) and factor == 1 else factor * x


def _number(x: Any) -> float:
    """Returns the number, to check it or to sort by it."""
    return x.data if isinstance(x, Value) else float(x)


def _by_target(t: Any, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
    """Returns t * yes() + (1 - t) * no() for a probability t; does not compute a term times 0."""
    if not isinstance(t, Value):
        if not 0 <= t <= 1:
            raise ValueError(f"the target must be a probability from 0 to 1, not {t!r}")
        if t in (0, 1):
            return yes() if t else no()
    return t * yes() + (1 - t) * no()


def _above(p: Any, logarithm: Any) -> Any:
    """Returns the logarithm of p, or the constant -100 if the logarithm is less."""
    return where(less(exp(-100.0), p), logarithm, -100.0)


def _weight(weight: Sequence[float] | None, label: Any, classes: int) -> Any:
    if weight is None:
        return 1.0
    if len(weight) != classes:
        raise LengthError(f"{len(weight)} weights for {classes} classes: give one for each")
    return _entry([float(x) for x in weight], label)


def _entry(xs: Sequence[Any], label: Any) -> Any:
    """Returns the entry of class `label`.

    A label that is a Value is an input of a compiled loss: see `take`.
    """
    if isinstance(label, Value):
        return take(xs, label)
    if not isinstance(label, Integral):
        raise TypeError(
            f"a target must be the index of a class or a list of probabilities, not {label!r}"
        )
    if not 0 <= int(label) < len(xs):
        raise IndexError(f"the label must be an index from 0 to {len(xs) - 1}, not {label!r}")
    return xs[int(label)]


_ELSEWHERE = {  # names from other libraries
    "MSELoss": "mse_loss",
    "mse": "mse_loss",
    "mean_squared_error": "mse_loss",
    "L1Loss": "l1_loss",
    "mean_absolute_error": "l1_loss",
    "HuberLoss": "huber_loss",
    "huber": "huber_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "BCELoss": "binary_cross_entropy",
    "log_loss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "sigmoid_binary_cross_entropy": "binary_cross_entropy_with_logits",
    "CrossEntropyLoss": "cross_entropy",
    "softmax_cross_entropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "bce_loss": "binary_cross_entropy",
    "bce_with_logits_loss": "binary_cross_entropy_with_logits",
    "sparse_categorical_crossentropy": "cross_entropy",
    "softmax_cross_entropy_with_logits": "cross_entropy",
    "cross_entropy_loss": "cross_entropy",
    "l2_loss": "mse_loss",
    "mae": "l1_loss",
    "mae_loss": "l1_loss",
    "bce_with_logits": "binary_cross_entropy_with_logits",
    "bce": "binary_cross_entropy",
    "NLLLoss": "nll_loss",
    "LogSoftmax": "log_softmax",
    "log_sum_exp": "logsumexp",
    "hinge": "hinge_loss",
    "hinge_embedding_loss": "hinge_loss",
}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _ELSEWHERE, __name__)
