"""The family trees of 1986: the network, the recipes, and one run of a recipe for one seed.

Rumelhart, Hinton and Williams, Nature 323 (1986), 533-536: who is Colin's aunt? The inputs are a
person and a relation. Each goes through a layer of 6 units, then both through 12 and 6 units, and
the output is one unit for each of 24 persons. Of the 104 examples, 100 are for training, and 4 are
held out; each seed holds out another 4.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from functools import cache, partial
from math import exp, fsum, sqrt
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu.compiler.compiled import CompiledLoss
from tinygrad_edu.data import ENGLISH, MEN, PEOPLE, RELATIONS, family_trees, shuffled
from tinygrad_edu.demos.laboratory.trial import measured, right
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import SlowWarning
from tinygrad_edu.groups import group
from tinygrad_edu.losses import cross_entropy, half_squared_error
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.nn.module import Module, Number
from tinygrad_edu.nn.perceptron import Layer
from tinygrad_edu.ops import maximum, step
from tinygrad_edu.optim import Adam, Momentum, Optimizer
from tinygrad_edu.train import History, compiled_loss

__all__ = [
    "BEGINNING",
    "BRANCH",
    "CASES",
    "COUNTS",
    "DEAD_ZONE",
    "FEATURES",
    "GENERATION",
    "HELD_OUT",
    "MODERN",
    "PATIENT",
    "PRINTED",
    "SEX",
    "TRAINED",
    "WORKING",
    "End",
    "FamilyNetwork",
    "Pull",
    "Recipe",
    "begin",
    "code",
    "compiled",
    "ends",
    "learn",
    "learned_examples",
    "network",
    "off",
    "optimizers",
    "pulls",
    "ranked",
    "seconds",
    "shared",
    "size",
    "sizes",
    "split",
    "walk",
    "weights",
]

CASES = family_trees()
HELD_OUT = 4
TRAINED = len(CASES) - HELD_OUT
DEAD_ZONE = 0.2  # an error smaller than this counts as 0
BEGINNING = 20  # first epochs, with a lower rate and less momentum
# Features that the units that see the person may represent. None: the person has no branch.
GENERATION = (1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3)
BRANCH = (-1, -1, 1, 1, -1, -1, -1, 1, 1, 1, None, None)  # Christopher's side, or Andrew's
SEX = tuple(int(place in MEN) for place in range(len(ENGLISH)))
FEATURES: dict[str, tuple[int | None, ...]] = {
    "nationality": (0,) * len(ENGLISH) + (1,) * len(ENGLISH),
    "generation": GENERATION * 2,
    "branch": BRANCH * 2,
    "sex": SEX * 2,
}
COUNTS = ["right", "ranked"]


class FamilyNetwork(Module):
    """24 persons and 12 relations -> 6 + 6 -> 12 -> 6 -> 24 persons, logistic.

    last: the activation of the 24 outputs; `linear` if a softmax follows.
    """

    def __init__(self, last: str = "sigmoid") -> None:
        random, people = Random(0), len(PEOPLE)
        self.person = Layer(people, 6, "sigmoid", seed=random)
        self.relation = Layer(len(RELATIONS), 6, "sigmoid", seed=random)
        self.centre = Layer(12, 12, "sigmoid", seed=random)
        self.narrow = Layer(12, 6, "sigmoid", seed=random)
        self.answer = Layer(6, people, last, seed=random)
        self.label()

    def layers(self) -> dict[str, Layer]:
        """The layers by name, in order."""
        return {name: part for name, part in self.parts() if isinstance(part, Layer)}

    def __call__(self, xs: Sequence[Number]) -> list[Value]:
        with group("person"):
            persons = self.person(xs[: len(PEOPLE)])
        with group("relation"):
            relations = self.relation(xs[len(PEOPLE) :])
        with group("centre"):
            centre = self.centre([*persons, *relations])
        with group("narrow"):
            narrow = self.narrow(centre)
        with group("answer"):
            return self.answer(narrow)


class Recipe(NamedTuple):
    """A recipe, the same for every seed.

    init: every first weight and bias is random, from -init to init. slow, rate: the learning rate
    of the first 20 epochs, and of the others; the momentum is 0.5, then 0.9. decay: the share of
    itself that every weight and bias loses in an epoch. adam: use Adam with the rate `rate`, a
    softmax and its cross-entropy.
    """

    init: float
    slow: float
    rate: float
    decay: float
    epochs: int
    adam: bool = False


# Nature 323, caption of Fig. 4. It does not state the range of the first weights; 0.3 is the range
# of Fig. 1.
PRINTED = Recipe(0.3, 0.005, 0.01, 0.002, 1_500)
WORKING = Recipe(1.0, 0.025, 0.05, 0.0002, 1_500)  # "recipe A"
PATIENT = Recipe(1.0, 0.025, 0.05, 0.0005, 6_000)  # "recipe B"
MODERN = Recipe(1.0, 0.03, 0.03, 0.0, 1_500, adam=True)


def ranked(outputs: Sequence[Value], targets: Sequence[float]) -> Value:
    """1 if all right answers are above all wrong answers, else 0."""
    far = 1e6  # above every output
    least, most = outputs[0] * -1 - far * (1 - targets[0]), outputs[0] - far * targets[0]
    for y, d in zip(outputs[1:], targets[1:]):
        least, most = maximum(least, y * -1 - far * (1 - d)), maximum(most, y - far * d)
    result: Value = step(-least - most)
    return result


def shared(outputs: Sequence[Value], targets: Sequence[float]) -> Value:
    """The cross-entropy of a softmax: two right answers share the probability."""
    total = targets[0]
    for d in targets[1:]:
        total = total + d
    return cross_entropy(outputs, [d / total for d in targets])


@cache
def compiled(adam: bool) -> tuple[FamilyNetwork, CompiledLoss, list[list[float]]]:
    """(network, compiled loss with `right` and `ranked`, columns of all examples).

    All seeds of a process share one network.
    """
    model = FamilyNetwork("linear" if adam else "sigmoid")
    loss = shared if adam else partial(half_squared_error, dead_zone=DEAD_ZONE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowWarning)  # a lesson has its own message
        return model, *compiled_loss(model, [loss, right, ranked], CASES, model.parameters())


def learned_examples(recipe: Recipe, seed: int) -> list[list[float]]:
    """The columns of the training examples."""
    _, _, columns = compiled(recipe.adam)
    return [[column[i] for i in split(seed)[0]] for column in columns]


def split(seed: int) -> tuple[list[int], list[int]]:
    """(indices of the training examples, indices of the held-out examples)."""
    order = shuffled(range(len(CASES)), seed)
    return sorted(order[HELD_OUT:]), sorted(order[:HELD_OUT])


def begin(recipe: Recipe, seed: int) -> FamilyNetwork:
    """The network with the first weights of the seed; all calls return the same network object."""
    model, _, _ = compiled(recipe.adam)
    draw, random = uniform(recipe.init), Random(seed)
    return network(recipe, [draw(random, 0, 0) for _ in model.parameters()])


def network(recipe: Recipe, parameters: Sequence[float]) -> FamilyNetwork:
    """The network with those parameters; all calls return the same network object."""
    model, _, _ = compiled(recipe.adam)
    for p, x in zip(model.parameters(), parameters):
        p.data = x
    return model


def optimizers(recipe: Recipe, parameters: Sequence[Value]) -> list[tuple[int, Optimizer]]:
    """(last epoch, optimizer) for each part of the run."""
    if recipe.adam:
        return [(recipe.epochs, Adam(parameters, recipe.rate))]

    def momentum(rate: float, alpha: float) -> Momentum:  # decoupled decay is rate * decay
        return Momentum(parameters, rate, alpha, recipe.decay / rate)

    return [(BEGINNING, momentum(recipe.slow, 0.5)), (recipe.epochs, momentum(recipe.rate, 0.9))]


def walk(recipe: Recipe, seed: int, moments: Sequence[int]) -> Iterator[History]:
    """Yields the history of a run at each of the moments, which are numbers of epochs."""
    model, (_, step, _) = begin(recipe, seed), compiled(recipe.adam)
    examples = learned_examples(recipe, seed)
    history, last = History(), list[float]()
    phases = optimizers(recipe, model.parameters())
    for moment in moments:
        for end, optimizer in phases:
            if history.epochs < min(end, moment):
                if isinstance(optimizer, Momentum):
                    (changes,) = optimizer.kept()
                    changes[:] = last or changes  # momentum continues across the two phases
                    last = changes
                epochs = min(end, moment)
                step.train(
                    optimizer, examples, epochs, counts=COUNTS, history=history, progress=False
                )
        yield history


def learn(recipe: Recipe, seed: int, epochs: int = 0) -> History:
    """The history of a run. epochs: 0 means the number in the recipe."""
    (history,) = walk(recipe, seed, [epochs or recipe.epochs])
    return history


class End(NamedTuple):
    """A run at one moment.

    right, ranked: for each of the 104 examples, 1 if it is right, or ranked right, else 0.
    all_right, all_ranked: the first epoch at which all training examples are, or None if they were
    not yet. parameters: at that moment.
    """

    right: list[int]
    ranked: list[int]
    all_right: int | None
    all_ranked: int | None
    parameters: list[float]

    def learned(self, seed: int) -> int:
        """How many of the training examples are right."""
        return sum(self.right[i] for i in split(seed)[0])

    def held_out(self, seed: int, how: str = "right") -> int:
        """How many of the held-out examples are right, or ranked right."""
        flags: list[int] = getattr(self, how)
        return sum(flags[i] for i in split(seed)[1])


def ends(recipe: Sequence[Any], seed: int, moments: Sequence[int] = ()) -> list[End]:
    """The run of that seed at each of the moments, by default at the end of the recipe alone."""
    recipe = Recipe(*recipe)
    model, step, columns = compiled(recipe.adam)
    found = []
    for history in walk(recipe, seed, moments or [recipe.epochs]):
        _, rights, ranks = step.outputs(*columns)
        counts = [history.metrics.get(name, []) for name in COUNTS]
        first = [row.index(TRAINED) if TRAINED in row else None for row in counts]
        right, ranked = ([int(x) for x in row] for row in (rights, ranks))
        numbers = [p.data for p in model.parameters()]
        found.append(End(right, ranked, first[0], first[1], numbers))
    return found


def seconds(recipe: Recipe) -> float:
    """An estimate of the seconds that one run takes on this machine."""
    time: float = measured(lambda n: learn(recipe, 0, n), recipe.epochs)
    return time


class Pull(NamedTuple):
    """Root mean squares over the weights of a layer.

    gradient, weight: of the gradients and of the weights. push: of the changes by the gradient in
    one epoch, with momentum, if the gradient stayed the same. pull: of the changes by decay.
    """

    gradient: float
    weight: float
    push: float
    pull: float


def pulls(recipe: Recipe, seed: int, moment: int, parameters: Sequence[float]) -> dict[str, Pull]:
    """The Pull of each layer, by its name, at a moment of a run that has those parameters."""
    model, (_, step, _) = network(recipe, parameters), compiled(recipe.adam)
    _, found, *_ = step(*learned_examples(recipe, seed))
    gradients = dict(zip(model.parameters(), found))
    rate = recipe.slow / 0.5 if moment < BEGINNING else recipe.rate / 0.1
    rows = {}
    for name, layer in model.layers().items():
        ws = [w for neuron in layer.neurons for w in neuron.w]
        g, w = size([gradients[w] for w in ws]), size([w.data for w in ws])
        rows[name] = Pull(g, w, rate * g, recipe.decay * w)
    return rows


def sizes(model: FamilyNetwork) -> list[float]:
    """The root mean square of the weights of each layer."""
    return [size([w.data for n in one.neurons for w in n.w]) for one in model.layers().values()]


def off(recipe: Recipe, seed: int, change: float = 1e-4) -> float:
    """The error of the compiled gradient against central differences, for the first weights.

    It is the length of the error over the length of the gradient, in the layer where this is
    largest.
    """
    model, (_, step, _) = begin(recipe, seed), compiled(recipe.adam)
    examples = learned_examples(recipe, seed)
    _, found, *_ = step(*examples)
    gradients = dict(zip(model.parameters(), found))

    def loss(p: Value, x: float) -> float:
        before, p.data = p.data, x
        total = fsum(step.outputs(*examples)[0])
        p.data = before
        return total

    worst = 0.0
    for layer in model.layers().values():
        ps = layer.parameters()
        slopes = [(loss(p, p.data + change) - loss(p, p.data - change)) / (2 * change) for p in ps]
        error = size([gradients[p] - slope for p, slope in zip(ps, slopes)])
        worst = max(worst, error / size(slopes))
    return worst


def size(xs: Sequence[float]) -> float:
    """The root mean square."""
    return sqrt(sum(x * x for x in xs) / len(xs))


def weights(parameters: Sequence[float]) -> list[list[float]]:
    """For each of the six units that see the person, its weights from the 24 persons."""
    people = len(PEOPLE)
    return [list(parameters[k * (people + 1) :][:people]) for k in range(6)]


def code(parameters: Sequence[float]) -> list[list[float]]:
    """For each person, the answers of those six units."""
    people = len(PEOPLE)
    rows = []
    for k, ws in enumerate(weights(parameters)):
        bias = parameters[k * (people + 1) + people]
        rows.append([1 / (1 + exp(-w - bias)) for w in ws])
    return [list(row) for row in zip(*rows)]
