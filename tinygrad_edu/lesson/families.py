"""The family trees of 1986: the network, the recipes, and one run of a recipe for one seed.

Rumelhart, Hinton and Williams, Nature 323 (1986), 533-536: who is Colin's aunt? A person and a
relation go through a layer of 6 units each, then through 12 and 6, and 24 persons come out. Of the
104 cases, 100 are learned, and 4 held out, which each seed draws anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from math import exp
from random import Random
from typing import Any, NamedTuple

from tinygrad_edu.compiled import Step, compile
from tinygrad_edu.data import ENGLISH, MEN, PEOPLE, RELATIONS, Case, family_trees, shuffled
from tinygrad_edu.engine import Value
from tinygrad_edu.groups import group
from tinygrad_edu.init import uniform
from tinygrad_edu.lesson.trial import right
from tinygrad_edu.losses import half_squared_error, softmax_cross_entropy
from tinygrad_edu.nn import Layer, Module, Number
from tinygrad_edu.ops import maximum, step
from tinygrad_edu.optim import Adam, Momentum, Optimizer
from tinygrad_edu.train import Criterion, History

CASES = family_trees()
HELD_OUT = 4
DEAD_ZONE = 0.2  # an error smaller than this is taken for none
BEGINNING = 20  # sweeps, with a lower rate and less momentum
# What might be found in the units that see the person; None: of nobody's side.
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

    last: what the 24 outputs are, `linear` where a softmax follows.
    """

    def __init__(self, last: str = "sigmoid") -> None:
        random, people = Random(0), len(PEOPLE)
        self.person = Layer(people, 6, "sigmoid", random=random)
        self.relation = Layer(len(RELATIONS), 6, "sigmoid", random=random)
        self.centre = Layer(12, 12, "sigmoid", random=random)
        self.narrow = Layer(12, 6, "sigmoid", random=random)
        self.answer = Layer(6, people, last, random=random)
        self.label()

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
    """What is the same for every seed.

    init: every weight and bias is drawn from -init to init. slow, rate: of the first 20 sweeps
    and of the others; momentum is 0.5, then 0.9. decay: the part of itself that every weight
    and bias loses in a sweep. adam: Adam, with a softmax and its cross-entropy, all at that rate.
    """

    init: float
    slow: float
    rate: float
    decay: float
    sweeps: int
    adam: bool = False


# Nature 323, caption of Fig. 4, but for the range of the first weights, which it does not give:
# 0.3 is that of Fig. 1.
PRINTED = Recipe(0.3, 0.005, 0.01, 0.002, 1_500)
WORKING = Recipe(1.0, 0.025, 0.05, 0.0002, 1_500)  # "recipe A"
PATIENT = Recipe(1.0, 0.025, 0.05, 0.0005, 6_000)  # "recipe B"
MODERN = Recipe(1.0, 0.03, 0.03, 0.0, 1_500, adam=True)


def ranked(outputs: Sequence[Value], targets: Sequence[float]) -> Value:
    """1 if all the right answers are above all the wrong ones, else 0."""
    far = 1e6  # above every output
    least, most = outputs[0] * -1 - far * (1 - targets[0]), outputs[0] - far * targets[0]
    for y, d in zip(outputs[1:], targets[1:]):
        least, most = maximum(least, y * -1 - far * (1 - d)), maximum(most, y - far * d)
    result: Value = step(-least - most)
    return result


@cache
def compiled(adam: bool) -> tuple[FamilyNetwork, Step]:
    """The network and its step, which also counts the right and the ranked; one for all seeds."""
    model = FamilyNetwork("linear" if adam else "sigmoid")
    inputs = [Value(x) for x in CASES[0].inputs]
    targets = [Value(x) for x in CASES[0].targets]
    outputs = model(inputs)
    loss = half_squared_error(outputs, targets, DEAD_ZONE)
    if adam:  # two right answers share the probability
        answers = sum(targets[1:], targets[0])
        loss = softmax_cross_entropy(outputs, [d / answers for d in targets])
    also = [right(outputs, targets), ranked(outputs, targets)]
    return model, compile(loss, model.parameters(), [*inputs, *targets], also=also)


def columns(cases: Sequence[Case]) -> list[tuple[float, ...]]:
    """The numbers of all cases for each input of the step."""
    return list(zip(*([*case.inputs, *case.targets] for case in cases)))


def parted(seed: int) -> tuple[list[int], list[int]]:
    """The places of the cases that are learned, and of those held out."""
    order = shuffled(range(len(CASES)), seed)
    return sorted(order[HELD_OUT:]), sorted(order[:HELD_OUT])


def begin(recipe: Recipe, seed: int) -> FamilyNetwork:
    """The network as it is before the first sweep; it is the same one for all seeds."""
    model, _ = compiled(recipe.adam)
    draw, random = uniform(recipe.init), Random(seed)
    return network(recipe, [draw(random, 0, 0) for _ in model.parameters()])


def network(recipe: Recipe, parameters: Sequence[float]) -> FamilyNetwork:
    """The network with those parameters; it is the same one for all of them."""
    model, _ = compiled(recipe.adam)
    for p, x in zip(model.parameters(), parameters):
        p.data = x
    return model


def optimizers(recipe: Recipe, parameters: Sequence[Value]) -> list[tuple[int, Optimizer]]:
    """Each with the sweep at which it ends."""
    if recipe.adam:
        return [(recipe.sweeps, Adam(parameters, recipe.rate))]

    def momentum(rate: float, alpha: float) -> Momentum:  # decoupled decay is rate * decay
        return Momentum(parameters, rate, alpha, recipe.decay / rate, decoupled=True)

    return [(BEGINNING, momentum(recipe.slow, 0.5)), (recipe.sweeps, momentum(recipe.rate, 0.9))]


def learn(recipe: Recipe, seed: int, sweeps: int = 0, until: Criterion | None = None) -> History:
    """A run from its beginning; sweeps: how many, unless as many as the recipe says."""
    model, step = begin(recipe, seed), compiled(recipe.adam)[1]
    cases = columns([CASES[i] for i in parted(seed)[0]])
    history, last = History(), []
    for end, optimizer in optimizers(recipe, model.parameters()):
        if isinstance(optimizer, Momentum):
            optimizer.last[:] = last or optimizer.last  # the last change goes on
            last = optimizer.last
        end = min(end, sweeps or recipe.sweeps)
        go_on = {"counts": COUNTS, "history": history, "progress": False}
        if not history.stopped or history.stopped.endswith("sweeps"):
            step.train(optimizer, cases, end, until=until, **go_on)
    return history


class End(NamedTuple):
    """How a run ended.

    right, ranked: 1 for each of the 104 cases that is. all_right, all_ranked: the first sweep
    before which all that are learned were, None if there was none. parameters: at the end.
    """

    right: list[int]
    ranked: list[int]
    all_right: int | None
    all_ranked: int | None
    parameters: list[float]

    def learned(self, seed: int) -> int:
        """How many of the cases that were shown are right."""
        return sum(self.right[i] for i in parted(seed)[0])

    def held_out(self, seed: int, how: str = "right") -> int:
        """How many of those held out are right, or ranked right."""
        flags: list[int] = getattr(self, how)
        return sum(flags[i] for i in parted(seed)[1])


def end(recipe: Sequence[Any], seed: int) -> End:
    """How the run of that seed ends."""
    recipe = Recipe(*recipe)
    metrics = learn(recipe, seed).metrics
    model, step = compiled(recipe.adam)
    _, rights, ranks = step.outputs(*columns(CASES))
    first = [
        metrics[name].index(len(CASES) - HELD_OUT)
        if len(CASES) - HELD_OUT in metrics[name]
        else None
        for name in COUNTS
    ]
    numbers = [p.data for p in model.parameters()]
    return End([int(x) for x in rights], [int(x) for x in ranks], *first, numbers)


def seconds(recipe: Recipe) -> float:
    """About what one run takes here."""
    learn(recipe, 0, 1)  # in which it is compiled
    times = []
    for n in (1, 6):
        began = time.perf_counter()
        learn(recipe, 0, n)
        times.append(time.perf_counter() - began)
    return times[0] + max(times[1] - times[0], 0.0) / 5 * recipe.sweeps


class Pull(NamedTuple):
    """The weights of a layer, root mean square: their gradients, themselves, and two changes.

    push: what a gradient that stayed would change in a sweep, momentum included. pull: what decay
    takes away.
    """

    gradient: float
    weight: float
    push: float
    pull: float


def pulls(recipe: Recipe, seed: int, sweeps: int) -> dict[str, Pull]:
    """For each layer, after so many sweeps."""
    if sweeps:
        learn(recipe, seed, sweeps)
    else:
        begin(recipe, seed)
    model, step = compiled(recipe.adam)
    _, found, _ = step(*columns([CASES[i] for i in parted(seed)[0]]))
    gradients = dict(zip(model.parameters(), found))
    rate = recipe.slow / 0.5 if sweeps < BEGINNING else recipe.rate / 0.1
    result = {}
    for name, layer in model.parts():
        ws = [w for neuron in layer.neurons for w in neuron.w]
        g, w = _size([gradients[w] for w in ws]), _size([w.data for w in ws])
        result[name] = Pull(g, w, rate * g, recipe.decay * w)
    return result


def _size(xs: Sequence[float]) -> float:
    return float(sum(x * x for x in xs) / len(xs)) ** 0.5


def weights(parameters: Sequence[float]) -> list[list[float]]:
    """Of each of the six units that see the person, its weights from the 24 of them."""
    people = len(PEOPLE)
    return [list(parameters[k * (people + 1) :][:people]) for k in range(6)]


def code(parameters: Sequence[float]) -> list[list[float]]:
    """What those six units answer to each person."""
    people = len(PEOPLE)
    rows = []
    for k, ws in enumerate(weights(parameters)):
        bias = parameters[k * (people + 1) + people]
        rows.append([1 / (1 + exp(-w - bias)) for w in ws])
    return [list(row) for row in zip(*rows)]
