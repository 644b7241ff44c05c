"""Digits and letters in the package: by `train`, by a begun run that is fed, by an own loop."""

from __future__ import annotations

from collections.abc import Sequence
from time import process_time
from typing import Any

from streams import RATE, Order, Stream
from training import BETAS, EPSILON, imported


def network(stream: Stream) -> tuple[list[list[Any]], Any]:
    """The rows of the embedding, and the layers behind it."""
    from tinygrad_edu import Value
    from tinygrad_edu.nn import MLP

    rows, columns = stream.table
    table = [[Value(0.0) for _ in range(columns)] for _ in range(rows)]
    inputs, *sizes = stream.sizes
    return table, MLP(inputs, sizes, ["tanh", "linear"])


def compiled(stream: Stream, table: list[list[Any]], model: Any, one_hot: bool) -> Any:
    """The mean cross entropy of the network, compiled.

    one_hot: an index, of a row or of a class, is a number for each row or class; else it is itself.
    """
    from tinygrad_edu import Value, compile, take
    from tinygrad_edu.losses import cross_entropy

    targets = [Value(0.0) for _ in range(stream.sizes[-1] if one_hot else 1)]
    places = len(table) if one_hot and table else 1
    inputs = xs = [Value(0.0) for _ in range(stream.inputs.shape[1] * places)]
    if table and one_hot:
        spots = [inputs[at : at + places] for at in range(0, len(inputs), places)]
        xs = [sum(hit * x for hit, x in zip(hits, row)) for hits in spots for row in zip(*table)]
    elif table:
        xs = [x for index in inputs for x in take(table, index)]
    wanted: Any = targets if one_hot else targets[0]
    loss = cross_entropy(model(xs), wanted)
    leaves = [*(x for row in table for x in row), *model.parameters()]
    return compile(loss, leaves, [*inputs, *targets], reduction="mean")


def hot(classes: Any, size: int) -> Any:
    """Columns of 0 and 1 for a column of classes, or for each of several."""
    rows = imported("numpy").eye(size)[classes]
    return rows.reshape(len(classes), -1)


def timed_training(
    model: Any, loss: Any, data: Any, adam: Any, orders: Sequence[Order], size: int = 1
) -> float:
    """Trains for as many epochs, and returns the seconds of a step after the first epoch.

    A schedule of the rate sees the steps go by.
    """
    from tinygrad_edu.train import train

    first = -(-len(orders[0]) // size)
    last = first * len(orders) - 1
    clock = {first: 0.0, last: 0.0}

    def rate(step: int) -> float:
        if step in clock:
            clock[step] = process_time()
        return RATE

    adam.lr = rate
    train(
        model,
        loss,
        data,
        adam,
        epochs=len(orders),
        batch_size=size,
        compiled=True,
        progress=False,
    )
    return (clock[last] - clock[first]) / max(1, last - first)


class Ours:
    """What all ways have in common: the model, and an optimizer that begins again."""

    name = "tinygrad_edu"
    exact = True

    def __init__(self, stream: Stream, one_hot: bool = False) -> None:
        self.stream, (table, self.model) = stream, network(stream)
        self.table = table
        self.name += ", one-hot" if one_hot else ""
        self.xs = hot(stream.inputs, len(table)) if one_hot and table else stream.inputs
        self.ys = hot(stream.targets, stream.sizes[-1]) if one_hot else stream.targets
        self.loss = compiled(stream, table, self.model, one_hot)
        self.leaves = self.loss.wrt
        self.reset()

    def reset(self) -> None:
        from tinygrad_edu.optim import Adam

        for p, x in zip(self.leaves, self.stream.numbers(), strict=True):
            p.data = x
        self.adam = Adam(self.leaves, RATE, BETAS, EPSILON)

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of these examples."""
        _, gradients = self.loss(self.xs[first], self.ys[first])
        return list(gradients)

    def parameters(self) -> list[float]:
        return [p.data for p in self.leaves]


def with_table(table: list[list[Any]], behind: Any) -> Any:
    """The model whose inputs are indices of rows of a table."""
    from tinygrad_edu import take
    from tinygrad_edu.nn import Module

    class Rows(Module):
        def __init__(self) -> None:
            self.table, self.behind = table, behind

        def forward(self, indices: Any) -> Any:
            return self.behind([x for index in indices for x in take(self.table, index)])

    return Rows()


class Train(Ours):
    """`train(..., compiled=True)`, which shuffles by itself.

    step_seconds: of a step after the first epoch, as the schedule of the rate sees them go by.
    """

    def __init__(self, stream: Stream, one_hot: bool = False) -> None:
        super().__init__(stream, one_hot)
        if self.table:
            self.model = with_table(self.table, self.model)
        self.name = self.name.replace("tinygrad_edu", "tinygrad_edu, train(..., compiled=True)")
        self.step_seconds = 0.0

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch."""
        from tinygrad_edu.losses import cross_entropy

        data, size = (self.xs, self.ys), self.stream.batch
        self.step_seconds = timed_training(self.model, cross_entropy, data, self.adam, orders, size)


class Fed(Ours):
    """A begun run that is fed with a table of pixels and a column of classes, one for each step."""

    def __init__(self, stream: Stream, one_hot: bool = False) -> None:
        super().__init__(stream, one_hot)
        self.name = self.name.replace("tinygrad_edu", "tinygrad_edu, begun and fed")

    def reset(self) -> None:
        super().reset()
        some = slice(self.stream.batch)
        self.run = self.loss.begin(self.adam, self.xs[some], self.ys[some])

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch."""
        run, size, xs, ys = self.run, self.stream.batch, self.xs, self.ys
        if size == len(ys):  # it was fed when it began
            for _ in orders:
                run.step()
            return
        for order in orders:
            for k in range(0, len(order), size):
                now = order[k : k + size]
                run.feed(xs[now], ys[now])
                run.step()

    def parameters(self) -> list[float]:
        self.run.write()
        return super().parameters()


class Own(Ours):
    """A loop of the user: the loss and its gradients, and then a step of the optimizer."""

    def __init__(self, stream: Stream, one_hot: bool = False) -> None:
        super().__init__(stream, one_hot)
        self.name = self.name.replace("tinygrad_edu", "tinygrad_edu, step(...), optimizer.step()")

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch; one batch of all examples stays in order."""
        size, xs, ys = self.stream.batch, self.xs, self.ys
        whole = size == len(ys)
        for order in orders:
            for k in range(0, len(order), size):
                now = slice(None) if whole else order[k : k + size]
                _, gradients = self.loss(xs[now], ys[now])
                for p, g in zip(self.leaves, gradients):
                    p.grad = g
                self.adam.step()


def contenders(stream: Stream) -> list[Ours]:
    """All ways, with both kinds of targets; an own loop with a table has indices alone."""
    if stream.table[0]:
        return [Train(stream), Fed(stream), Fed(stream, True), Own(stream)]
    if stream.steps == 1:
        return [kind(stream, hot) for kind in (Fed, Own) for hot in (False, True)]
    return [kind(stream, hot) for kind in (Train, Fed, Own) for hot in (False, True)]
