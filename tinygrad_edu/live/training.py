"""What a page needs to train a model: the graph of one example, and the numbers of all examples.

The entry `train` of the page's data has:

    inputs, targets: nodes that get the numbers of an example; -1 for one that nothing depends on
    parameters, outputs: nodes
    examples: for each, the numbers of its inputs and then of its targets
    weights: of the examples in the mean
    classes: of the examples, as their targets say; 0 and 1 for no and yes
    rate: of gradient descent
    kind: how outputs are read. "largest": the largest one names the class. "yes": the output says
        yes above `threshold`, and the target above `middle`. "number": it is a number, and
        `middle` is the middle of the targets.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

from tinygrad_edu import losses
from tinygrad_edu.compiler.record_function import record_function
from tinygrad_edu.data import Example, as_examples
from tinygrad_edu.drawable import Role
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import NumberError
from tinygrad_edu.losses import weighed
from tinygrad_edu.nn.module import Module
from tinygrad_edu.train.compiled_run import one_example
from tinygrad_edu.train.metrics import Accuracy
from tinygrad_edu.train.passes import Data, Loss
from tinygrad_edu.train.training import ask_targets
from tinygrad_edu.trees import numbers

__all__ = ["MOST", "RATE", "Training", "training"]

MOST = 2000  # examples: with more, a step takes so long that the page stands still
RATE = 0.1
_PARAMETER: Role = "parameter"
_OF_CLASSES = (losses.cross_entropy, losses.nll_loss)


class Training(NamedTuple):
    """The loss of the first example, the roles of its nodes, and the entry `train` of the data."""

    loss: Value
    roles: dict[Value, Role]
    data: dict[str, Any]


def training(
    model: Module, loss: Loss, data: Data, rate: float = RATE, threshold: float | None = None
) -> Training:
    """This returns what a page needs to train `model` on `data` by gradient descent.

    model, loss, data: as for `train`. The page makes the mean of the loss over the examples small.
    rate: of the descent, which the reader can change. threshold: of an output that says yes, if the
    loss is not one whose threshold is known. TypeError if `model` is no Module.
    NumberError for a rate or an example that is not finite, and for a loss that is no function, or
    whose result for one example is not one Value; LengthError for examples of several shapes;
    ValueError for more than MOST examples, for active dropout, and for a loss that depends on no
    output or no parameter.
    """
    if not isinstance(model, Module):
        kind = type(model).__name__
        raise TypeError(f"a page trains a model such as MLP(2, [16, 1]), not an object of {kind}")
    if not callable(loss):
        kind = type(loss).__name__
        raise NumberError(
            f"the loss must be a function of the outputs and the target of one example, not {kind}"
        )
    for name, x in (("rate", rate), ("threshold", 0.0 if threshold is None else threshold)):
        if not (isinstance(x, int | float) and isfinite(x)):
            raise NumberError(f"{name} must be a finite number, not {x!r:.60}")
    examples = as_examples(data)
    if len(examples) > MOST:
        raise ValueError(
            f"a page trains on {MOST:,} examples at most, not {len(examples):,}: give a part of "
            f"them, such as shuffled(examples, seed=0)[:{MOST}]"
        )
    outputs: list[Any] = []

    def judged(ys: Any, target: Any) -> Value:
        outputs[:] = numbers(ys)
        found = loss(ys, target)
        if not isinstance(found, Value):
            raise NumberError(
                "the loss of one example must be one Value, the mean over a batch is up to the "
                f"page: the loss returned {type(found).__name__}"
            )
        return found

    many = weighed(loss, [example.targets for example in examples])
    one, columns = one_example(model, [judged], examples)
    rows = [list(row) for row in zip(*columns)]
    _check_finite(rows)
    ask_targets(model, loss, examples)
    leaves, (root,) = record_function(one, [column[0] for column in columns])
    count = len([*numbers(examples[0].inputs)])
    inputs, targets = leaves[:count], leaves[count:]
    answers = [y for y in outputs if isinstance(y, Value)]
    named = [y for y in answers if y.op and not y.label]
    for name, some in (("x", inputs), ("t", targets), ("y", named)):
        for i, node in enumerate(some, 1):
            node.label = f"{name}{i}" if len(some) > 1 else name
    if not root.label:
        root.label = "loss"
    ids = {node: i for i, node in enumerate(topological_order(root))}
    parameters = [p for p in model.parameters() if p in ids]
    if not parameters:
        raise ValueError("the loss depends on no parameter of the model: there is nothing to train")
    used = [ids[y] for y in answers if y in ids]
    if not used:
        raise ValueError("the loss depends on no output of the model: use its first argument")
    roles: dict[Value, Role] = {x: "input" for x in inputs if x in ids}
    roles |= {**dict.fromkeys(parameters, _PARAMETER), root: "loss"}
    table: dict[str, Any] = {
        "inputs": [ids.get(x, -1) for x in inputs],
        "targets": [ids.get(x, -1) for x in targets],
        "parameters": [ids[p] for p in parameters],
        "outputs": used,
        "examples": rows,
        "weights": [1] * len(rows) if many is None else many[1],
        "rate": rate,
    }
    return Training(root, roles, table | _reading(loss, examples, len(used), threshold))


def _check_finite(rows: list[list[float]]) -> None:
    for i, row in enumerate(rows):
        for x in row:
            if not isfinite(x):
                raise NumberError(f"example {i} contains {x}: a page needs finite numbers")


def _reading(
    loss: Any, examples: list[Example], outputs: int, threshold: float | None
) -> dict[str, Any]:
    """Returns how outputs are read: see the top of this file."""
    found = Accuracy.of(loss, examples)
    rows = [[*numbers(example.targets)] for example in examples]
    flat = [float(x) for row in rows for x in row]
    middle = found.middle if found.middle is not None else (min(flat) + max(flat)) / 2
    sides = [int(any(t > middle for t in row[:1])) for row in rows]
    named = getattr(loss, "func", loss) in _OF_CLASSES
    if outputs > 1 and (named or _one_hot(rows, outputs)):
        largest = [row.index(max(row)) if len(row) > 1 else int(row[0]) for row in rows]
        return {"kind": "largest", "threshold": 0.0, "middle": middle, "classes": largest}
    if threshold is None and found.middle is not None:
        threshold = found.threshold
    if outputs == 1 and threshold is not None:
        return {"kind": "yes", "threshold": threshold, "middle": middle, "classes": sides}
    return {"kind": "number", "threshold": middle, "middle": middle, "classes": sides}


def _one_hot(rows: list[list[float]], outputs: int) -> bool:
    """Whether each target marks one of the outputs by a number larger than all others."""
    return all(len(row) == outputs and sorted(row)[-1] > sorted(row)[-2] for row in rows) and (
        len({x for row in rows for x in row}) == 2
    )
