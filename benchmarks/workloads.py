"""Three losses to time an engine with, written so that any `Value` class can run them.

A workload uses only `+ - * /`, `**number`, `.relu() .exp() .log() .sigmoid()` and `.data`, so that
every engine is given the same source text and the same numbers. Nodes are counted as micrograd
makes them, constants included; "ns per node" is then comparable whatever an engine does inside.

| name | what it is                                  | parameters | nodes in micrograd |
|------|---------------------------------------------|-----------:|-------------------:|
| W1   | micrograd's demo: two moons, hinge loss     |        337 |             65,818 |
| W2   | the family trees of Nature 323:533 (1986)   |        630 |            131,035 |
| W3   | a transformer as small as microgpt's        |      4,192 |             68,051 |

Names: `Value` is the class under test, `node` one of its instances, `parameters` a flat list of
leaves, `w` a weight, `x` an input of a unit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise
from typing import Any

Node = Any  # each engine brings its own class; they share operators, not a base
Unit = tuple[list[Node], Node]  # the weights of one unit, and its bias
Matrix = list[list[Node]]

SEED = 1986


@dataclass(frozen=True)
class Workload:
    """A loss and the numbers that its parameters start from."""

    name: str
    title: str
    numbers: Callable[[], list[float]]
    loss: Callable[[type, list[Node]], Node]

    def parameters(self, Value: type) -> list[Node]:
        """Fresh leaves of `Value`, with the same numbers for every engine."""
        return [Value(number) for number in self.numbers()]

    def build(self, Value: type) -> tuple[Node, list[Node]]:
        """The loss as a graph, and the parameters to look for gradients in."""
        parameters = self.parameters(Value)
        return self.loss(Value, parameters), parameters


# ---------------------------------------------------------------------------------------------
# layers


def take_layer(parameters: Iterator[Node], inputs: int, outputs: int) -> list[Unit]:
    """The next `outputs` units, each `inputs` weights and then a bias."""
    return [(list(islice(parameters, inputs)), next(parameters)) for _ in range(outputs)]


def take_matrix(parameters: Iterator[Node], rows: int, columns: int) -> Matrix:
    """The next `rows * columns` parameters, row by row."""
    return [list(islice(parameters, columns)) for _ in range(rows)]


def weighted_sum(unit: Unit, inputs: Sequence[Node]) -> Node:
    """The bias plus the sum of weight times input."""
    weights, bias = unit
    return sum((w * x for w, x in zip(weights, inputs)), bias)


def logistic_layer(layer: list[Unit], inputs: Sequence[Node]) -> list[Node]:
    """Logistic units; the logistic function is one primitive in every engine."""
    return [weighted_sum(unit, inputs).sigmoid() for unit in layer]


def matrix_times(matrix: Matrix, vector: Sequence[Node]) -> list[Node]:
    """One dot product per row, without biases."""
    return [sum(w * x for w, x in zip(row, vector)) for row in matrix]


def added(xs: Iterable[Node], ys: Iterable[Node]) -> list[Node]:
    """The two vectors added place by place."""
    return [x + y for x, y in zip(xs, ys)]


# ---------------------------------------------------------------------------------------------
# W1: two moons

POINTS = 100  # as in micrograd's demo notebook
NOISE = 0.1  # standard deviation of each coordinate, the same notebook
SIZES = (2, 16, 16, 1)  # inputs, two hidden layers, one score
DECAY = 1e-4  # the notebook's L2 penalty per squared parameter


@cache
def moons() -> list[tuple[tuple[float, float], float]]:
    """Points on two interleaved half circles of radius 1, and the moon each is on: -1 or 1."""
    rng = random.Random(SEED)
    points = []
    for i in range(POINTS):
        angle = math.pi * (i // 2) / (POINTS // 2 - 1)
        x, y = math.cos(angle), math.sin(angle)
        side = -1.0 if i % 2 else 1.0
        if side > 0:  # the lower moon is the upper one turned round and moved under it
            x, y = 1.0 - x, 0.5 - y
        points.append(((x + rng.gauss(0, NOISE), y + rng.gauss(0, NOISE)), side))
    return points


def moons_numbers() -> list[float]:
    """Weights from U(-1, 1) and biases 0, which is how micrograd starts."""
    rng = random.Random(SEED)
    numbers = []
    for inputs, outputs in pairwise(SIZES):
        for _ in range(outputs):
            numbers += [rng.uniform(-1, 1) for _ in range(inputs)] + [0.0]
    return numbers


def moons_layers(parameters: Iterable[Node]) -> list[list[Unit]]:
    """The three layers that the parameters are."""
    rest = iter(parameters)
    return [take_layer(rest, i, o) for i, o in pairwise(SIZES)]


def hinge(layers: list[list[Unit]], xs: Sequence[Node], opposite: Node) -> Node:
    """The loss of one point; `opposite` is the other moon, -1 or 1."""
    *hidden, last = layers
    for layer in hidden:
        xs = [weighted_sum(unit, xs).relu() for unit in layer]
    return (1 + opposite * weighted_sum(last[0], xs)).relu()


def penalty(parameters: Iterable[Node]) -> Node:
    """What large parameters cost: the L2 penalty."""
    return DECAY * sum(p * p for p in parameters)


def moons_loss(Value: type, parameters: list[Node]) -> Node:
    """The mean hinge loss over all points, plus the L2 penalty."""
    layers = moons_layers(parameters)
    hinges = [hinge(layers, [Value(x) for x in point], -side) for point, side in moons()]
    return sum(hinges) * (1.0 / len(hinges)) + penalty(parameters)


# ---------------------------------------------------------------------------------------------
# W2: family trees. Rumelhart, Hinton, Williams, "Learning representations by back-propagating
# errors", Nature 323:533-536 (1986), figures 2 to 4.

PERSONS = 12  # in one tree; the second tree has the same shape
COUPLES = ((0, 1), (2, 3), (5, 4), (7, 6), (9, 8))  # husband, wife
CHILDREN = {(0, 1): (5, 6), (2, 3): (7, 8), (7, 6): (10, 11)}  # of a couple
MEN = {0, 2, 5, 7, 9, 10}
PARENTS = {child: couple for couple, children in CHILDREN.items() for child in children}
SPOUSE = {a: b for couple in COUPLES for a, b in (couple, couple[::-1])}
RELATIONS = (
    ("father", "mother"),
    ("husband", "wife"),
    ("son", "daughter"),
    ("uncle", "aunt"),
    ("brother", "sister"),
    ("nephew", "niece"),
)
TRAINED = 100  # of the 104 examples; the paper holds four back

# inputs -> outputs: person code, relation code, both together, code of the answer, answer
FAMILY_LAYERS = ((24, 6), (12, 6), (12, 12), (12, 6), (6, 24))


def spouses(people: Iterable[int]) -> set[int]:
    """Whoever is married to one of `people`."""
    return {SPOUSE[person] for person in people if person in SPOUSE}


def siblings(people: Iterable[int]) -> set[int]:
    """Whoever has the parents of one of `people`, without that one."""
    return {
        other
        for person in people
        for other, couple in PARENTS.items()
        if other != person and couple == PARENTS.get(person)
    }


def children(people: Iterable[int]) -> set[int]:
    """Whoever has one of `people` as a parent."""
    return {child for child, couple in PARENTS.items() if set(couple) & set(people)}


def relatives(person: int) -> list[set[int]]:
    """The relatives of one person, one set for each pair in `RELATIONS`."""
    parents = set(PARENTS.get(person, ()))
    uncles = siblings(parents)
    in_laws = siblings(spouses([person]))
    return [
        parents,
        spouses([person]),
        children([person]),
        uncles | spouses(uncles),
        siblings([person]),
        children(siblings([person]) | in_laws),
    ]


@cache
def family_examples() -> list[tuple[int, int, set[int]]]:
    """All 104 examples: a person, a relation, and everybody who is a right answer."""
    examples = []
    for tree in range(2):
        for person in range(PERSONS):
            for pair, people in enumerate(relatives(person)):
                for relation, found in ((2 * pair, people & MEN), (2 * pair + 1, people - MEN)):
                    if found:
                        answers = {tree * PERSONS + answer for answer in found}
                        examples.append((tree * PERSONS + person, relation, answers))
    return examples


@cache
def training_examples() -> list[tuple[int, int, set[int]]]:
    """The examples that the network is trained on, drawn once."""
    return random.Random(SEED).sample(family_examples(), TRAINED)


def family_numbers() -> list[float]:
    """Weights and biases from U(-1, 1)."""
    rng = random.Random(SEED)
    size = sum((inputs + 1) * outputs for inputs, outputs in FAMILY_LAYERS)
    return [rng.uniform(-1, 1) for _ in range(size)]


def one_hot(places: Container[int], size: int, off: Node, on: Node) -> list[Node]:
    """`size` times `off`, but `on` at the given places."""
    return [on if i in places else off for i in range(size)]


def family_layers(parameters: Iterable[Node]) -> list[list[Unit]]:
    """The five layers that the parameters are."""
    rest = iter(parameters)
    return [take_layer(rest, inputs, outputs) for inputs, outputs in FAMILY_LAYERS]


def squared_error(
    layers: list[list[Unit]],
    persons: Sequence[Node],
    relations: Sequence[Node],
    targets: Sequence[Node],
) -> Node:
    """The squared error of one example, summed over the answers."""
    person_code, relation_code, *rest = layers
    ys = logistic_layer(person_code, persons) + logistic_layer(relation_code, relations)
    for layer in rest:
        ys = logistic_layer(layer, ys)
    return sum((y - target) ** 2 for y, target in zip(ys, targets))


def family_loss(Value: type, parameters: list[Node]) -> Node:
    """Half the squared error over the training examples (equation 3 of the paper).

    The inputs are dense: every 0 of a one-hot vector is multiplied like the 1 is.
    """
    layers = family_layers(parameters)
    off, on = Value(0.0), Value(1.0)
    errors = []
    for person, relation, answers in training_examples():
        persons = one_hot([person], 2 * PERSONS, off, on)
        relations = one_hot([relation], 2 * len(RELATIONS), off, on)
        targets = one_hot(answers, 2 * PERSONS, 0.0, 1.0)
        errors.append(squared_error(layers, persons, relations, targets))
    return 0.5 * sum(errors)


# ---------------------------------------------------------------------------------------------
# W3: a transformer with the shape of Karpathy's microgpt (2026)

VOCABULARY = 27  # the letters, and one mark for both the beginning and the end of a name
BLOCK = 16  # positions that have an embedding
WIDTH = 16  # numbers per position
HEADS = 4  # of WIDTH / HEADS numbers each
HIDDEN = 4 * WIDTH  # units of the relu layer
SPREAD = 0.08  # standard deviation of the first weights, as in microgpt
MARK = VOCABULARY - 1
NAME = "matilda"  # 8 tokens to predict: 7 letters and the end

# rows, columns: token and position embeddings, scores of the next token; query, key, value and
# output of the attention; the two matrices of the relu layer
GPT_MATRICES = (
    (VOCABULARY, WIDTH),
    (BLOCK, WIDTH),
    (VOCABULARY, WIDTH),
    (WIDTH, WIDTH),
    (WIDTH, WIDTH),
    (WIDTH, WIDTH),
    (WIDTH, WIDTH),
    (HIDDEN, WIDTH),
    (WIDTH, HIDDEN),
)


def gpt_numbers() -> list[float]:
    """All weights normal, with mean 0."""
    rng = random.Random(SEED)
    return [rng.gauss(0, SPREAD) for _ in range(sum(r * c for r, c in GPT_MATRICES))]


def normalized(xs: list[Node]) -> list[Node]:
    """RMSNorm: the vector divided by the root of its mean square."""
    mean_square = sum(x * x for x in xs) / len(xs)
    scale = (mean_square + 1e-5) ** -0.5
    return [x * scale for x in xs]


def softmax(scores: list[Node]) -> list[Node]:
    """Probabilities; the largest score is subtracted so that `exp` cannot overflow."""
    largest = max(score.data for score in scores)
    exps = [(score - largest).exp() for score in scores]
    total = sum(exps)
    return [e / total for e in exps]


def attention(query: list[Node], keys: Matrix, values: Matrix) -> list[Node]:
    """What one position reads from itself and the positions before it, head after head."""
    size = WIDTH // HEADS
    read = []
    for part in (slice(start, start + size) for start in range(0, WIDTH, size)):
        scores = [sum(q * k for q, k in zip(query[part], key[part])) / size**0.5 for key in keys]
        shares = softmax(scores)
        columns = zip(*(value[part] for value in values))
        read += [sum(share * x for share, x in zip(shares, column)) for column in columns]
    return read


def name_tokens() -> list[int]:
    """The letters of the name as numbers, between two marks."""
    return [MARK, *(ord(letter) - ord("a") for letter in NAME), MARK]


def gpt_loss(Value: type, parameters: list[Node]) -> Node:
    """The mean cross entropy of the letters of one name, and of its end."""
    rest = iter(parameters)
    tokens_in, places, tokens_out, wq, wk, wv, wo, up, down = (
        take_matrix(rest, rows, columns) for rows, columns in GPT_MATRICES
    )
    tokens = name_tokens()
    keys: Matrix = []
    values: Matrix = []
    losses = []
    for place, (token, following) in enumerate(pairwise(tokens)):
        xs = normalized(added(tokens_in[token], places[place]))
        ys = normalized(xs)
        keys.append(matrix_times(wk, ys))
        values.append(matrix_times(wv, ys))
        xs = added(matrix_times(wo, attention(matrix_times(wq, ys), keys, values)), xs)
        ys = [y.relu() for y in matrix_times(up, normalized(xs))]
        xs = added(matrix_times(down, ys), xs)
        losses.append(-softmax(matrix_times(tokens_out, xs))[following].log())
    return sum(losses) * (1.0 / len(losses))


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "micrograd's demo, MLP 2-16-16-1, 100 points", moons_numbers, moons_loss),
        Workload("W2", "family trees, 100 examples", family_numbers, family_loss),
        Workload("W3", "a transformer as small as microgpt's", gpt_numbers, gpt_loss),
    )
}
