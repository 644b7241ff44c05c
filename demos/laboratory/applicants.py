"""Applicants, the labels that somebody gave them, and a network that learns the labels.

An applicant has two numbers. In the world of biased labels they are a skill, from -1 to 1, and a
group, -1 for A and 1 for B; skill above 0 is qualified. In the world of two clues both are signs,
-1 or 1, which agree with the truth in a part of the applicants.

The seed of a run draws the first weights, and then all numbers of the applicants, with Python's
`random()`; so another program can make the same run.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from math import exp
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu.compiler.compiled import CompiledLoss, compile
from tinygrad_edu.demos.laboratory.differences import apart, backward
from tinygrad_edu.demos.laboratory.trial import measured
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.history import History
from tinygrad_edu.losses import binary_cross_entropy_with_logits
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.nn.module import Number
from tinygrad_edu.nn.perceptron import MLP, Neuron
from tinygrad_edu.optim import Adam

__all__ = [
    "BINS",
    "CORE",
    "CORNERS",
    "FRESH",
    "HIDDEN",
    "RATE",
    "STEPS",
    "TRAINED",
    "Applicant",
    "Clues",
    "Counts",
    "Judge",
    "Unit",
    "Verdicts",
    "begin",
    "biased",
    "clues",
    "compiled",
    "drawn",
    "error",
    "learn",
    "logits",
    "off",
    "on_clues",
    "on_labels",
    "probability",
    "restore",
    "restored",
    "seconds",
]

HIDDEN = 4
RATE, STEPS = 0.07, 400  # of Adam
TRAINED, FRESH = 400, 1_000  # applicants: those with labels to learn, and new ones
BINS = 10  # of the probability
CORNERS = ((-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0))
CORE = 0.9  # how often the clue agrees with the truth that is the same in every world

Draw = tuple[float, float, float]


class Applicant(NamedTuple):
    """The two inputs of the network, the truth (1: qualified) and the label (1: approved)."""

    inputs: tuple[float, float]
    truth: int
    label: int


# --- the network ----------------------------------------------------------------------------------


class Unit(Neuron):
    """A neuron that adds its bias last: (w[0]*x[0] + w[1]*x[1]) + b."""

    def forward(self, xs: Sequence[Number]) -> Value:
        total: Value = self.function(self.weighed(xs) + self.b)
        return total

    def weighed(self, xs: Sequence[Number]) -> Value:
        """The sum before the bias; with two inputs, exchanging both pairs changes no bit of it."""
        total = self.w[0] * xs[0]
        for w, x in zip(self.w[1:], xs[1:]):
            total = total + w * x
        return total


class Judge(MLP):
    """A 2-4-1 network with hidden units of tanh; its output is a logit.

    unit: the class of its neurons.
    """

    def __init__(self, unit: type[Neuron] = Unit) -> None:
        super().__init__(2, [HIDDEN, 1], ["tanh", "linear"], seed=0)
        for layer in self.layers:
            size = len(layer.neurons[0].w)
            layer.neurons = [unit(size, layer.activation, seed=0) for _ in layer.neurons]
        self.label()


def begin(model: MLP, seed: int, exchanged: bool = False) -> Random:
    """Gives the network the first weights of a seed; returns the generator for what comes next.

    exchanged: every hidden unit has its two weights exchanged.
    """
    random, draw = Random(seed), uniform(1.0)
    for p in model.parameters():
        p.data = draw(random, 0, 0)
    if exchanged:
        for unit in model.layers[0].neurons:
            one, other = unit.w
            one.data, other.data = other.data, one.data
    return random


def restored(model: MLP, parameters: Sequence[float]) -> MLP:
    """The network, with those parameters."""
    for p, x in zip(model.parameters(), parameters, strict=True):
        p.data = x
    return model


def probability(z: float) -> float:
    """The logistic function of a logit."""
    return 1 / (1 + exp(-z)) if z > -700 else 0.0


# --- the applicants -------------------------------------------------------------------------------


def drawn(random: Random, n: int) -> list[Draw]:
    """The random numbers of n applicants, three for each."""
    return [(random.random(), random.random(), random.random()) for _ in range(n)]


def biased(draws: Sequence[Draw], bias: float) -> list[Applicant]:
    """Applicants with a skill and a group; qualified ones of group B were refused with the bias."""
    found = []
    for a, b, luck in draws:
        skill, group_ = 2 * a - 1, -1.0 if b < 0.5 else 1.0
        truth = int(skill > 0)
        refused = group_ > 0 and luck < bias
        found.append(Applicant((skill, group_), truth, 0 if refused else truth))
    return found


def clues(draws: Sequence[Draw], agrees: float) -> list[Applicant]:
    """Applicants with two clues. agrees: how often the second one agrees with the truth."""
    found = []
    for a, b, c in draws:
        truth = int(a < 0.5)
        sign = 2.0 * truth - 1
        first, second = sign if b < CORE else -sign, sign if c < agrees else -sign
        found.append(Applicant((first, second), truth, truth))
    return found


def columns_of(people: Sequence[Applicant]) -> list[list[float]]:
    """The columns of a compiled run: both inputs, and the labels."""
    rows = [(*one.inputs, float(one.label)) for one in people]
    return [list(column) for column in zip(*rows)]


# --- the runs -------------------------------------------------------------------------------------


@cache
def compiled() -> tuple[Judge, CompiledLoss]:
    """(network, compiled loss), for all runs of a process.

    The logit and the sums before the biases are outputs, too. So machine code computes each of
    these sums by itself; else it would add the bias wherever that is fastest.
    """
    model = Judge()
    hidden, (output,) = (layer.neurons for layer in model.layers)
    x0, x1, t = (Value(0.0, label=name) for name in ("x0", "x1", "t"))
    sums = [unit.weighed([x0, x1]) for unit in hidden]
    logit = output([unit.function(total + unit.b) for unit, total in zip(hidden, sums)])
    loss = binary_cross_entropy_with_logits(logit, t)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)  # a lesson has its own message
        step = compile(loss, model.parameters(), [x0, x1, t], reduction="mean", also=[logit, *sums])
    return model, step


def learn(people: Sequence[Applicant], steps: int = STEPS, rate: float = RATE) -> History:
    """Trains the network of `compiled` from its present weights, with Adam on the mean loss."""
    model, program = compiled()
    names = ["logit", *(f"sum {i + 1}" for i in range(HIDDEN))]
    return program.train(
        Adam(model.parameters(), rate),
        columns_of(people),
        steps,
        counts=names,
        progress=False,
    )


def logits(people: Sequence[Applicant]) -> list[float]:
    """What the network of `compiled` answers with its present weights."""
    found: list[float] = compiled()[1].outputs(*columns_of(people))[1] if people else []
    return found


class Counts(NamedTuple):
    """Applicants of one kind: how many, and the sums of labels, probabilities and hard decisions.

    truths: how many of them are qualified.
    """

    number: int
    labels: int
    truths: int
    learned: float
    approved: int

    def part(self, what: str) -> float:
        """That sum, for each applicant."""
        total: float = getattr(self, what)
        return total / self.number if self.number else 0.0


def counts(people: Sequence[Applicant], zs: Sequence[float]) -> Counts:
    """The counts of some applicants with their logits; a hard decision approves above 0."""
    return Counts(
        len(people),
        sum(one.label for one in people),
        sum(one.truth for one in people),
        sum(map(probability, zs)),
        sum(z > 0 for z in zs),
    )


class Verdicts(NamedTuple):
    """A run in the world of biased labels.

    a, b: of the qualified applicants of both groups that it has learned from. labels, truths: the
    part of all of these applicants for whom the hard decision is the label, or the truth. bins: for
    both groups, the new applicants by their probability, from 0 to 0.1 and so on.
    """

    a: Counts
    b: Counts
    labels: float
    truths: float
    bins: tuple[list[Counts], list[Counts]]
    parameters: list[float]


def on_labels(bias: float, seed: int, blind: bool = False, asked: int = 0) -> Verdicts:
    """A run on biased labels.

    blind: the network sees the group 0 for everybody. asked: the number of new applicants.
    """
    model, _ = compiled()
    random = begin(model, seed)
    seen, new = (biased(drawn(random, n), bias) for n in (TRAINED, asked))
    shown = [[hidden(one) if blind else one for one in people] for people in (seen, new)]
    learn(shown[0])
    before, after = map(logits, shown)
    a, b = (_counted(picked(seen, before, side, qualified=True)) for side in (-1, 1))
    decided = [z > 0 for z in before]
    labels, truths = (
        sum(y == said for y, said in zip(decided, those)) / len(seen)
        for those in ([one.label for one in seen], [one.truth for one in seen])
    )
    bins = []
    for side in (-1, 1):
        found = picked(new, after, side)
        places = [min(int(BINS * probability(z)), BINS - 1) for _, z in found]
        bins.append([_counted([x for x, at in zip(found, places) if at == k]) for k in range(BINS)])
    parameters = [p.data for p in model.parameters()]
    return Verdicts(a, b, labels, truths, (bins[0], bins[1]), parameters)


def picked(
    people: Sequence[Applicant], zs: Sequence[float], side: int, qualified: bool = False
) -> list[tuple[Applicant, float]]:
    """The applicants of one group, with their logits."""
    pairs = zip(people, zs, strict=True)
    return [(x, z) for x, z in pairs if x.inputs[1] * side > 0 and (x.truth or not qualified)]


def _counted(pairs: Sequence[tuple[Applicant, float]]) -> Counts:
    return counts([one for one, _ in pairs], [z for _, z in pairs])


def hidden(one: Applicant) -> Applicant:
    """The applicant, without the group."""
    return one._replace(inputs=(one.inputs[0], 0.0))


def restore(row: Sequence[Any]) -> Verdicts:
    """The run that a file of results has as lists."""
    a, b, labels, truths, bins, parameters = row
    one, other = ([Counts(*x) for x in side] for side in bins)
    return Verdicts(Counts(*a), Counts(*b), labels, truths, (one, other), parameters)


def error(bins: Sequence[Counts], what: str) -> float:
    """The calibration error: how far the mean probability of a bin is from the rate, on average."""
    total = sum(one.number for one in bins)
    return sum(abs(one.learned - getattr(one, what)) for one in bins) / total if total else 0.0


class Clues(NamedTuple):
    """A run in the world of two clues.

    seen: right decisions about the applicants that it has learned from. worlds: the right ones
    about the new applicants, for each of the worlds. answers: probabilities for the CORNERS.
    """

    seen: int
    worlds: list[int]
    answers: list[float]


def on_clues(agrees: float, seed: int, worlds: Sequence[float]) -> Clues:
    """A run where the second clue agrees that often. worlds: how often it agrees later."""
    random = begin(compiled()[0], seed)
    draws, later = (drawn(random, n) for n in (TRAINED, FRESH))
    seen = clues(draws, agrees)
    learn(seen)
    scores = [right(people) for people in (seen, *(clues(later, r) for r in worlds))]
    corners = [Applicant(corner, 0, 0) for corner in CORNERS]
    return Clues(scores[0], scores[1:], [probability(z) for z in logits(corners)])


def right(people: Sequence[Applicant]) -> int:
    """How many hard decisions are the truth."""
    return sum((z > 0) == bool(one.truth) for one, z in zip(people, logits(people)))


def seconds(runs: int) -> float:
    """An estimate of the seconds that so many runs take on this machine."""
    time: float = measured(lambda n: [on_labels(0.5, 0) for _ in range(n)], runs)
    return time


def off(seed: int) -> tuple[float, float]:
    """(error of `backward()`, error of the compiled gradient) against differences of the loss."""
    model, program = compiled()
    people = biased(drawn(begin(model, seed), 20), 0.3)
    parameters = model.parameters()
    columns = columns_of(people)

    def mean() -> Value:
        losses = [
            binary_cross_entropy_with_logits(model(one.inputs), float(one.label)) for one in people
        ]
        return sum(losses[1:], losses[0]) / len(losses)

    eager = backward(mean(), parameters)
    return apart(mean, parameters, eager), apart(mean, parameters, program(*columns)[1])
