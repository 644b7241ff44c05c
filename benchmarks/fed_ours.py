"""Digits in the package itself: by `train`, by a begun run that is fed, and by an own loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streams import DIGITS, RATE, Order, Stream, layer_numbers
from training import BETAS, EPSILON, imported


def network() -> Any:
    """The network 64-32-10 with the numbers that all contenders begin with."""
    from tinygrad_edu.nn import MLP

    model = MLP(DIGITS[0], list(DIGITS[1:]), ["tanh", "linear"])
    for p, x in zip(model.parameters(), layer_numbers(DIGITS), strict=True):
        p.data = x
    return model


def compiled(model: Any, one_hot: bool = False) -> Any:
    """The mean cross entropy, compiled: its inputs are the pixels and the target.

    one_hot: the target is a number for each class, else the class itself.
    """
    from tinygrad_edu import Value, compile
    from tinygrad_edu.losses import cross_entropy

    pixels = [Value(0.0) for _ in range(DIGITS[0])]
    targets = [Value(0.0) for _ in range(DIGITS[-1])] if one_hot else [Value(0.0)]
    wanted: Any = targets if one_hot else targets[0]
    loss = cross_entropy(model(pixels), wanted)
    return compile(loss, model.parameters(), [*pixels, *targets], reduction="mean")


class Ours:
    """What all ways have in common: the model, and an optimizer that begins again."""

    name = "tinygrad_edu"
    exact = True

    def __init__(self, stream: Stream, one_hot: bool = False) -> None:
        self.stream, self.model = stream, network()
        self.name += ", one-hot targets" if one_hot else ""
        self.xs = stream.inputs
        self.ys = imported("numpy").eye(DIGITS[-1])[stream.targets] if one_hot else stream.targets
        self.leaves = self.model.parameters()
        self.loss = compiled(self.model, one_hot)
        self.reset()

    def reset(self) -> None:
        from tinygrad_edu.optim import Adam

        for p, x in zip(self.leaves, layer_numbers(DIGITS)):
            p.data = x
        self.adam = Adam(self.leaves, RATE, BETAS, EPSILON)

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of these examples."""
        _, gradients = self.loss(self.xs[first], self.ys[first])
        return list(gradients)

    def parameters(self) -> list[float]:
        return [p.data for p in self.leaves]


class Train(Ours):
    """`train(..., compiled=True)`, which shuffles by itself."""

    name = "tinygrad_edu, train(..., compiled=True)"

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch."""
        from tinygrad_edu.losses import cross_entropy
        from tinygrad_edu.train import train

        train(
            self.model,
            cross_entropy,
            (self.xs, self.ys),
            self.adam,
            epochs=len(orders),
            batch_size=self.stream.batch,
            compiled=True,
            progress=False,
        )


class Fed(Ours):
    """A begun run that is fed with a table of pixels and a column of classes, one for each step."""

    name = "tinygrad_edu, begun and fed"

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

    name = "tinygrad_edu, own loop: step(...), optimizer.step()"

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
    """All ways, with both kinds of targets."""
    if stream.steps == 1:
        return [kind(stream, hot) for kind in (Fed, Own) for hot in (False, True)]
    return [kind(stream, hot) for kind in (Train, Fed, Own) for hot in (False, True)]
