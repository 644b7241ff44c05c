"""Names in the package: one program for the longest name, or `train` with one for each length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fed_ours import hot, timed_training
from streams import RATE, Names, Order
from training import BETAS, EPSILON, imported
from workloads import (
    GPT_MATRICES,
    HEADS,
    VOCABULARY,
    WIDTH,
    Matrix,
    added,
    attention,
    matrix_times,
    normalized,
    take_matrix,
)

Node = Any


def gpt_loss(leaves: list[Node], tokens: Matrix, targets: Matrix, weights: list[Node]) -> Node:
    """The loss of W3 for the tokens of any name.

    tokens: for each place, a number for each token, 1 for that of the name and else 0. targets: the
    same for the token that follows, with the weight instead of 1. weights: of each place.
    """
    from tinygrad_edu import exp, log

    rest = iter(leaves)
    tokens_in, places, tokens_out, wq, wk, wv, wo, up, down = (
        take_matrix(rest, rows, columns) for rows, columns in GPT_MATRICES
    )
    keys: Matrix = []
    values: Matrix = []
    losses = []
    for hits, wanted, weight, place in zip(tokens, targets, weights, places):
        row = [sum(hit * x for hit, x in zip(hits, column)) for column in zip(*tokens_in)]
        xs = normalized(added(row, place))
        ys = normalized(xs)
        keys.append(matrix_times(wk, ys))
        values.append(matrix_times(wv, ys))
        xs = added(matrix_times(wo, attention(matrix_times(wq, ys), keys, values)), xs)
        ys = [y.relu() for y in matrix_times(up, normalized(xs))]
        xs = added(matrix_times(down, ys), xs)
        scores = matrix_times(tokens_out, xs)
        total = log(sum(exp(score) for score in scores))
        losses.append(weight * total - sum(t * score for t, score in zip(wanted, scores)))
    return sum(losses)


def gpt(leaves: list[Node], tokens: Sequence[Node]) -> Matrix:
    """The scores of the token that follows each of these tokens, as users write it."""
    from tinygrad_edu import take
    from tinygrad_edu.losses import softmax

    rest = iter(leaves)
    tokens_in, places, tokens_out, wq, wk, wv, wo, up, down = (
        take_matrix(rest, rows, columns) for rows, columns in GPT_MATRICES
    )
    keys: Matrix = []
    values: Matrix = []
    found: Matrix = []
    size = WIDTH // HEADS
    parts = [slice(start, start + size) for start in range(0, WIDTH, size)]
    for token, place in zip(tokens, places):
        xs = normalized(added(take(tokens_in, token), place))
        ys = normalized(xs)
        keys.append(matrix_times(wk, ys))
        values.append(matrix_times(wv, ys))
        query, read = matrix_times(wq, ys), []
        for part in parts:
            shares = softmax(
                [matrix_times([key[part]], query[part])[0] / size**0.5 for key in keys]
            )
            columns = zip(*(value[part] for value in values))
            read += [sum(share * x for share, x in zip(shares, column)) for column in columns]
        xs = added(matrix_times(wo, read), xs)
        ys = [y.relu() for y in matrix_times(up, normalized(xs))]
        xs = added(matrix_times(down, ys), xs)
        found.append(matrix_times(tokens_out, xs))
    return found


class Fed:
    """A begun run that is fed with one name after another: a row of a table."""

    name = "tinygrad_edu, begun and fed, padded, one-hot"
    exact = True

    def __init__(self, stream: Names) -> None:
        from tinygrad_edu import Value, compile

        np = imported("numpy")
        rows, sizes = stream.padded()
        longest = rows.shape[1] - 1
        weights = (np.arange(longest) < sizes[:, None]) / sizes[:, None]
        wanted = hot(rows[:, 1:], VOCABULARY) * weights.repeat(VOCABULARY, axis=1)
        self.table = np.concatenate([hot(rows[:, :-1], VOCABULARY), wanted, weights], axis=1)
        self._numbers = stream.numbers()
        self.leaves = [Value(x) for x in self._numbers]
        inputs = [Value(x) for x in self.table[0].tolist()]
        some = longest * VOCABULARY
        tokens, targets = (
            [part[at : at + VOCABULARY] for at in range(0, some, VOCABULARY)]
            for part in (inputs[:some], inputs[some : 2 * some])
        )
        loss = gpt_loss(self.leaves, tokens, targets, inputs[2 * some :])
        self.loss = compile(loss, self.leaves, inputs)
        self.reset()

    def reset(self) -> None:
        from tinygrad_edu.optim import Adam

        for p, x in zip(self.leaves, self._numbers):
            p.data = x
        self.run = self.loss.begin(Adam(self.leaves, RATE, BETAS, EPSILON), self.table[:1])

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of this name."""
        _, gradients = self.loss(self.table[first])
        return list(gradients)

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each name."""
        run, table = self.run, self.table
        for order in orders:
            for i in order:
                run.feed(table[i : i + 1])
                run.step()

    def parameters(self) -> list[float]:
        self.run.write()
        return [p.data for p in self.leaves]


class Train:
    """`train(..., compiled=True)` with tokens as inputs: it compiles each length once.

    step_seconds: of a step after the first epoch, as the schedule of the rate sees them go by.
    """

    name = "tinygrad_edu, train(..., compiled=True), a program for each length"
    exact = True

    def __init__(self, stream: Names) -> None:
        from tinygrad_edu import Value
        from tinygrad_edu.nn import Module

        class Gpt(Module):
            def __init__(self, leaves: list[Node]) -> None:
                self.w = leaves

            def forward(self, tokens: Sequence[Node]) -> Matrix:
                return gpt(self.w, tokens)

        self._numbers = stream.numbers()
        self.model = Gpt([Value(x) for x in self._numbers])
        self.data = [(tokens[:-1], tokens[1:]) for tokens in stream.words]
        self.step_seconds = 0.0
        self.reset()

    def reset(self) -> None:
        from tinygrad_edu.optim import Adam

        for p, x in zip(self.model.w, self._numbers):
            p.data = x
        self.adam = Adam(self.model.parameters(), RATE, BETAS, EPSILON)

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of this name, by the eager engine."""
        from tinygrad_edu.losses import cross_entropy

        tokens, targets = self.data[first[0]]
        self.adam.zero_grad()
        cross_entropy(self.model(tokens), targets).backward()
        return [p.grad for p in self.model.w]

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each name."""
        from tinygrad_edu.losses import cross_entropy

        self.step_seconds = timed_training(self.model, cross_entropy, self.data, self.adam, orders)

    def parameters(self) -> list[float]:
        return [p.data for p in self.model.w]


MAKERS: tuple[Callable[[Names], Any], ...] = (Fed, Train)


def contenders(stream: Names) -> list[Any]:
    """Both ways."""
    return [make(stream) for make in MAKERS]
