"""A transformer that writes names letter by letter, and its runs.

The Writer sees the letters of a name so far, and gives logits for the letter that comes next. All
names are filled up to PLACES tokens, so that they share one graph; what is behind a name does not
count. A step has 8 names, in the order of a seed, and its loss is their mean.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from math import exp
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu import compile
from tinygrad_edu.compiler.backends import machine_code
from tinygrad_edu.compiler.compiled import CompiledLoss
from tinygrad_edu.data import shuffled
from tinygrad_edu.demos.laboratory.first_names import MARK, TOKENS, names, text_of, tokens
from tinygrad_edu.engine import Value, no_grad
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.groups import group
from tinygrad_edu.losses import cross_entropy, softmax
from tinygrad_edu.nn.init import normal
from tinygrad_edu.nn.layers import Embedding, Linear, RMSNorm, residual, total
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.transformer import Block
from tinygrad_edu.optim import Adam

__all__ = [
    "BATCH",
    "HEADS",
    "PLACES",
    "SIZE",
    "End",
    "Recipe",
    "Writer",
    "attention",
    "batches",
    "begin",
    "build",
    "columns",
    "compiled",
    "end",
    "held_out",
    "letters",
    "logits",
    "looks_back",
    "loss",
    "row",
    "seconds",
    "walk",
    "write",
]

SIZE, HEADS, HIDDEN = 16, 4, 64
PLACES = 12  # the mark and 11 letters, the longest name
BACK = 4  # tokens
SPREAD = 0.08  # the standard deviation of the first weights
RATE, BATCH = 0.01, 8
_TIMED = 200  # steps, for an estimate
IGNORED = -100  # a target that does not count


class Writer(Module):
    """Embeddings of tokens and places, one block with causal attention, and logits of tokens."""

    def __init__(self, size: int = SIZE, heads: int = HEADS, hidden: int = HIDDEN) -> None:
        random = Random(0)
        self.tokens = Embedding(TOKENS, size, seed=random)
        self.places = Embedding(PLACES, size, seed=random)
        self.block = Block(size, heads, hidden=hidden, norm=RMSNorm, seed=random)
        self.norm = RMSNorm(size)
        self.logits = Linear(size, TOKENS, bias=False, seed=random)
        self.label()

    def forward(self, seen: Sequence[Any]) -> list[list[Value]]:
        with group("embeddings"):
            xs = residual(self.tokens(seen), self.places(range(len(seen))))
        xs = self.block(xs)
        with group("logits"):
            return [self.logits(self.norm(x)) for x in xs]


class Recipe(NamedTuple):
    """How a Writer is trained.

    steps: of Adam, whose rate falls from RATE to 0 along a line. attention: without it, the output
    weights of the attention are 0 and do not learn, so each letter sees itself and its place alone.
    """

    steps: int
    attention: bool = True


def row(name: str) -> tuple[list[int], list[int]]:
    """(tokens that are seen, tokens that come next) of a name, filled up to PLACES."""
    found = tokens(name)
    rest = PLACES + 1 - len(found)
    return [*found[:-1], *[0] * rest], [*found[1:], *[IGNORED] * rest]


def loss(outputs: Any, targets: Any) -> Value:
    """The loss of one name in nats: the sum over its letters and the mark behind them."""
    with group("loss"):
        return cross_entropy(outputs, targets, ignore_index=IGNORED, reduction="sum")


@cache
def build() -> Writer:
    """The Writer that all runs of a process share."""
    return Writer()


@cache
def compiled(attention: bool = True) -> CompiledLoss:
    """The mean loss of some names; the inputs are the numbers of `row`.

    attention: as in a Recipe. Without it, some parameters do not learn.
    """
    model = build()

    def one(*leaves: Value) -> Value:
        return loss(model(leaves[:PLACES]), leaves[PLACES:])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)  # a lesson has its own message
        return compile(one, _learning(attention), _flat(MARK), reduction="mean")


def _learning(attention: bool) -> list[Value]:
    """The parameters that learn."""
    model = build()
    still = set() if attention else {*chain(*model.block.attention.output.weight)}
    return [p for p in model.parameters() if p not in still]


@cache
def _flat(name: str) -> list[float]:
    return [float(x) for x in chain(*row(name))]


def columns(some: Sequence[str]) -> list[list[float]]:
    """The columns of these names for `compiled`."""
    return [list(column) for column in zip(*map(_flat, some))]


def begin(recipe: Recipe, seed: int) -> Writer:
    """The Writer with the first weights of the seed; all calls return the same object."""
    model, draw, random = build(), normal(SPREAD), Random(seed)
    for name, p in model.named_parameters():
        if "norm" in name:
            p.data = 1.0
        elif name.endswith(".b") or ".bias" in name:
            p.data = 0.0
        else:
            p.data = draw(random, 0, 0)
    if not recipe.attention:
        for p in chain(*model.block.attention.output.weight):
            p.data = 0.0
    return model


def batches(seed: int) -> Iterator[list[str]]:
    """Yields the names of one step after the other; each epoch has another order."""
    words, epoch = names().training, 0
    while True:
        order = shuffled(words, (seed << 32) + epoch)
        for at in range(0, len(order) - BATCH + 1, BATCH):
            yield order[at : at + BATCH]
        epoch += 1


def walk(recipe: Recipe, seed: int, moments: Sequence[int]) -> Iterator[Writer]:
    """Yields the Writer after each of these numbers of steps."""
    model, steps = begin(recipe, seed), recipe.steps
    program = compiled(recipe.attention)
    optimizer = Adam(program.wrt, lr=lambda step: RATE * (1 - step / steps))
    stream, run, made = batches(seed), None, 0
    for moment in moments:
        while made < moment:
            batch = columns(next(stream))
            if run is None:
                run = program.begin(optimizer, *batch)
            else:
                run.feed(*batch)
            run.step()
            made += 1
        if run is not None:
            run.write()
        yield model


def held_out() -> float:
    """The loss of the Writer on the held-out names, in nats for each letter."""
    words = names().held_out
    losses, *_ = compiled().outputs(*columns(words))
    return sum(losses) / sum(len(word) + 1 for word in words)


class End(NamedTuple):
    """The end of a run. held_out: its loss. tokens: the embeddings of the tokens."""

    held_out: float
    tokens: list[list[float]]


def end(recipe: Sequence[Any], seed: int) -> End:
    """The end of the run of that seed."""
    recipe = Recipe(*recipe)
    (model,) = walk(recipe, seed, [recipe.steps])
    return End(held_out(), letters(model))


def seconds(recipe: Recipe) -> float:
    """An estimate of the seconds that one run takes on this machine, without its compilation."""
    first = [0, 1, _TIMED + 1] if machine_code() else [0, 1, 2]
    times = [time.perf_counter() for _ in walk(recipe, 0, first)]
    return (times[2] - times[1]) / (first[2] - first[1]) * recipe.steps


# --- what a trained Writer does -------------------------------------------------------------------


@cache
def _forward() -> CompiledLoss:
    model = build()

    def every(*seen: Value) -> list[Value]:
        return list(chain(*model(seen)))

    return compile(every, (), [0.0] * PLACES)


def logits(some: Sequence[Sequence[int]]) -> list[list[list[float]]]:
    """For each row of tokens, for each place, the logits of the token that comes next."""
    rows = [[*row, *[0] * (PLACES - len(row))] for row in some]
    found = _forward().outputs(*(list(map(float, column)) for column in zip(*rows)))
    each = [list(numbers) for numbers in zip(*found)]
    return [
        [numbers[at : at + TOKENS] for at in range(0, TOKENS * len(tokens), TOKENS)]
        for numbers, tokens in zip(each, some)
    ]


def write(count: int, seed: int, temperature: float = 1.0) -> list[str]:
    """Names that the Writer writes, each letter drawn from the probabilities it gives.

    temperature: the logits are divided by it; below 1, the probable letters become more probable.
    """
    random, rows = Random(seed), [[0] for _ in range(count)]
    for _ in range(PLACES - 1):
        for tokens_, numbers in zip(rows, logits(rows)):
            top = max(numbers[-1])
            weights = [exp((x - top) / temperature) for x in numbers[-1]]
            (drawn,) = random.choices(range(TOKENS), weights)
            if len(tokens_) == 1 or tokens_[-1]:  # else the name has ended
                tokens_.append(drawn)
            else:
                tokens_.append(0)
    return [text_of(tokens_[1:]).partition(MARK)[0] for tokens_ in rows]


def attention(name: str) -> list[list[list[float]]]:
    """For each head, for each token of a name, the shares of the tokens up to it."""
    model, seen = build(), tokens(name)[:-1]
    with no_grad():
        xs = residual(model.tokens(seen), model.places(range(len(seen))))
        ys = [model.block.norm1(x) for x in xs]
        heads = []
        for head in model.block.attention.heads:
            queries, keys = [head.query(y) for y in ys], [head.key(y) for y in ys]
            rows = []
            for t, query in enumerate(queries):
                scores = [
                    total([q * k for q, k in zip(query, key)]) / head.width**0.5
                    for key in keys[: t + 1]
                ]
                rows.append([share.data for share in softmax(scores)])
            heads.append(rows)
    return heads


def letters(model: Writer) -> list[list[float]]:
    """The embeddings of the tokens."""
    return [[p.data for p in vector] for vector in model.tokens.weight]


def looks_back() -> tuple[int, list[list[float]]]:
    """(number of places, by head the mean shares of the BACK last tokens) in held-out names.

    Each of these places has at least as many tokens before it.
    """
    sums, count = [[0.0] * BACK for _ in range(HEADS)], 0
    for word in [word for word in names().held_out if len(word) >= BACK][:50]:
        heads = attention(word)
        for t in range(BACK, len(word) + 1):
            count += 1
            for row, shares in zip(sums, heads):
                for distance in range(BACK):
                    row[distance] += shares[t][t - distance]
    return count, [[x / count for x in row] for row in sums]
