"""The small data sets of the lessons, made by rules and a seed: the same numbers everywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, product
from math import cos, frexp, inf, isfinite, pi, sin, sqrt
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tinygrad_edu.habits.hints import elsewhere
from tinygrad_edu.habits.keywords import strict

__all__ = [
    "BINARY",
    "BIPOLAR",
    "CHILDREN",
    "COUPLES",
    "ENGLISH",
    "GATES",
    "ITALIAN",
    "MEN",
    "MOST_BITS",
    "PEOPLE",
    "PLACES",
    "RELATIONS",
    "SOFT",
    "Bits",
    "Coding",
    "Example",
    "Fact",
    "Point",
    "SplitMix64",
    "T",
    "addition",
    "as_examples",
    "boolean",
    "digits",
    "edges",
    "encoder",
    "family_facts",
    "family_trees",
    "gate",
    "iris",
    "moons",
    "negation",
    "parity",
    "rings",
    "shuffled",
    "spirals",
    "split",
    "symmetry",
]

Coding = tuple[float, float]  # the number for 0 (off, no) and the number for 1 (on, yes)
BINARY: Coding = (0.0, 1.0)
BIPOLAR: Coding = (-1.0, 1.0)
SOFT: Coding = (0.1, 0.9)  # targets that a logistic unit reaches with finite weights

# The outputs at inputs 00, 01, 10, 11.
GATES = {"and": "0001", "or": "0111", "xor": "0110", "nand": "1110", "nor": "1000", "xnor": "1001"}
PLACES = 6  # decimals of a coordinate: fewer than those in which machines' sin differs
MOST_BITS = 16  # 2**16 patterns are 65,536 examples

T = TypeVar("T")
Bits = tuple[int, ...]
Point = tuple[float, ...]


class Example(NamedTuple):
    """One example: the inputs of a network, and the targets that its outputs should reach.

    Both are a number, or numbers in a tuple, a list, or lists of lists.
    """

    inputs: Any
    targets: Any


def as_examples(data: Any) -> list[Example]:
    """This returns the examples of a data set in one of the usual forms.

    data: pairs of inputs and target, in a list or any other iterable; or a tuple (X, y) of lists
    or arrays with one example in each row. Inputs and targets are numbers, or lists, tuples and
    arrays of numbers; arrays become lists, whose integers stay integers. TypeError or ValueError
    for other data, with the index of the wrong example.
    """
    if isinstance(data, tuple) and len(data) == 2 and not any(isinstance(x, Example) for x in data):
        xs, ys = (list(_plain(part, "(X, y)")) for part in data)
        if len(xs) != len(ys):
            raise ValueError(f"{len(xs)} rows of inputs and {len(ys)} targets: give one for each")
        return [*map(Example, xs, ys)]
    elif isinstance(data, str | bytes | dict) or not hasattr(data, "__iter__"):
        raise TypeError(f"{_DATA}, not {type(data).__name__}")
    elif getattr(data, "ndim", 0):
        raise TypeError(f"{_DATA}, not one array: give (X, y)")
    else:
        pairs: list[Any] = list(data)
    if {*map(type, pairs)} <= _ROWS and {*map(len, pairs)} == {2}:
        inputs, targets = zip(*pairs)
        if _are_plain(inputs) and _are_plain(targets):
            return [*map(Example, inputs, targets)]
    return [x if type(x) is Example else _example(i, x) for i, x in enumerate(pairs)]


_EXACT = ("float64", "float32", "int64", "int32", "uint8")  # types of arrays
_NUMBERS, _ROWS = {float, int}, {list, tuple}
_DATA = "data are pairs of inputs and target, or (X, y)"


def _are_plain(rows: Sequence[Any]) -> bool:
    """Returns whether these are numbers of Python, or lists and tuples of such numbers."""
    kinds = {*map(type, rows)}
    if not kinds <= _ROWS:
        return kinds <= _NUMBERS
    return {*map(type, chain.from_iterable(rows))} <= _NUMBERS


def _example(i: int, pair: Any) -> Example:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise TypeError(f"{_DATA}; example {i} is {pair!r:.60}")
    inputs, targets = (_plain(part, f"example {i}") for part in pair)
    return Example(inputs, targets)


def _plain(x: Any, where: str) -> Any:
    """Returns `x` as Python's numbers, in lists and tuples."""
    if hasattr(x, "to_numpy"):  # a table of pandas or polars
        x = x.to_numpy()
    if hasattr(x, "tolist"):
        done = getattr(x, "dtype", None) in _EXACT
        x = x.tolist()
        if done:  # the numbers of the array are Python's now
            return x
    if isinstance(x, list | tuple):
        kinds = set(map(type, x))
        return x if kinds <= _NUMBERS else type(x)(_plain(part, where) for part in x)
    if not isinstance(x, Real):
        raise TypeError(f"{where} contains {x!r:.60}, which is not a number")
    return int(x) if isinstance(x, Integral) else float(x)


# --- random numbers -------------------------------------------------------------------------------


class SplitMix64:
    """A generator of random numbers that are the same on every machine and in every Python version.

    Steele, Lea and Flood, Fast splittable pseudorandom number generators (OOPSLA 2014), with the
    constants of Vigna's splitmix64.c. Its state is one 64-bit number, which starts as the seed.
    """

    def __init__(self, seed: int) -> None:
        self.state = _whole("seed", seed, 0, 2**64 - 1)

    def bits(self) -> int:
        """This returns the next 64 random bits as a whole number, 0 to 2**64 - 1."""
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """This returns a random number from low to high, one of 2**53 equally likely numbers."""
        return low + (high - low) * ((self.bits() >> 11) * 2.0**-53)

    def gauss(self, mean: float = 0.0, deviation: float = 1.0) -> float:
        """This returns a normal random number, by the polar method (Marsaglia and Bray 1964)."""
        while True:
            u, v = self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0)
            s = u * u + v * v
            if 0.0 < s < 1.0:
                return mean + deviation * u * sqrt(-2.0 * _log(s) / s)

    def below(self, n: int) -> int:
        """This returns a random whole number from 0 to n - 1, all equally likely."""
        fair = 2**64 - 2**64 % _whole("n", n, 1, 2**64)  # a multiple of n: no remainder is favoured
        while (bits := self.bits()) >= fair:
            pass
        return bits % n


def _log(x: float) -> float:
    """Returns log(x) for x > 0, by + - * / alone, which give the same digits on every machine.

    log((1 + z)/(1 - z)) = 2*(z + z**3/3 + z**5/5 + ...), with z between -1/3 and 0 here.
    """
    fraction, exponent = frexp(x)
    z = (fraction - 1.0) / (fraction + 1.0)
    series = 0.0
    for k in range(33, 0, -2):
        series = series * z * z + 1.0 / k
    return exponent * 0.6931471805599453 + 2.0 * z * series


def shuffled(examples: Sequence[T], seed: int) -> list[T]:
    """This returns the examples in a random order (Fisher and Yates 1938, Durstenfeld 1964)."""
    rng, order = SplitMix64(seed), list(examples)
    numpy = sys.modules.get("numpy")  # which makes the same numbers, if somebody has loaded it
    places = _places(numpy, seed, len(order)) if numpy else ()
    for i, j in zip(range(len(order) - 1, 0, -1), places or _drawn(rng, len(order))):
        order[i], order[j] = order[j], order[i]
    return order


def _drawn(rng: SplitMix64, count: int) -> Iterator[int]:
    """Yields rng.below(i + 1) for each place i of a list, from the last to the second."""
    fair = 2**64 - count  # bits below it favour no remainder; `below` asks more exactly
    for i in range(count - 1, 0, -1):
        z = rng.state = (rng.state + 0x9E3779B97F4A7C15) % 2**64  # as in `bits`; calls cost more
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        z ^= z >> 31
        while z >= fair and z >= 2**64 - 2**64 % (i + 1):
            z = rng.bits()
        yield z % (i + 1)


def _places(numpy: Any, seed: int, count: int) -> list[int]:
    """Returns the numbers of `_drawn` from an array; [] if one of them has to be drawn again."""
    u = numpy.uint64
    z = numpy.arange(1, count, dtype=u) * u(0x9E3779B97F4A7C15) + u(seed)  # modulo 2**64
    z = (z ^ z >> u(30)) * u(0xBF58476D1CE4E5B9)
    z = (z ^ z >> u(27)) * u(0x94D049BB133111EB)
    z ^= z >> u(31)
    if (z >= u(2**64 - max(count, 1))).any():
        return []
    places: list[int] = (z % numpy.arange(count, 1, -1, dtype=u)).tolist()
    return places


def split(examples: Sequence[T], share: float, seed: int) -> tuple[list[T], list[T]]:
    """This returns two shuffled lists: round(share * len(examples)) of them, and the others."""
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share must be a number from 0 to 1, not {share!r}")
    order = shuffled(examples, seed)
    first = round(share * len(order))
    return order[:first], order[first:]


# --- patterns of bits: every pattern once, in counting order -------------------------------------


def boolean(table: str, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns the 2**n examples of a Boolean function: n bits -> 1 bit.

    table: the outputs in counting order of the inputs: "0110" is 0, 1, 1, 0 at 00, 01, 10, 11.
    """
    n = len(table).bit_length() - 1
    if n < 1 or len(table) != 2**n or set(table) - {"0", "1"}:
        raise ValueError(f"a truth table must be 2, 4, 8, 16 ... digits 0 or 1, not {table!r}")
    return _patterns(n, lambda bits: (int(table[_number(bits)]),), inputs, targets)


def gate(name: str, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns the 4 examples of a logic gate: 2 bits -> 1 bit. name: a key of GATES."""
    if name not in GATES:
        raise ValueError(f"unknown gate {name!r}; choose {', '.join(GATES)}")
    return boolean(GATES[name], inputs, targets)


@strict
def parity(n: int = 4, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns 2**n examples: n bits -> 1 if the number of ones is odd. PDP vol. 1 ch. 8."""
    return _patterns(n, lambda bits: (sum(bits) % 2,), inputs, targets)


@strict
def symmetry(n: int = 6, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns 2**n examples: n bits -> 1 if they are their own mirror image.

    With n = 6, Fig. 1 of Rumelhart, Hinton and Williams, Nature 323 (1986) 533-536.
    """
    return _patterns(n, lambda bits: (int(bits == bits[::-1]),), inputs, targets)


def negation(n: int = 3, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns 2**(n+1) examples: a flag and n bits -> those n bits, inverted if the flag is 1.

    PDP vol. 1 ch. 8, 1986, with n = 3.
    """
    _whole("n", n, 1, MOST_BITS - 1)
    return _patterns(n + 1, lambda bits: tuple(bits[0] ^ bit for bit in bits[1:]), inputs, targets)


def addition(n: int = 2, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns 4**n examples: two numbers of n bits -> their sum in n + 1 bits, highest first.

    PDP vol. 1 ch. 8, 1986, with n = 2.
    """
    _whole("n", n, 1, MOST_BITS // 2)

    def rule(bits: Bits) -> Bits:
        total = _number(bits[:n]) + _number(bits[n:])
        return tuple(total >> place & 1 for place in range(n, -1, -1))

    return _patterns(2 * n, rule, inputs, targets)


@strict
def encoder(n: int = 8, inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns n examples: n bits, one of them on -> the same bits.

    A hidden layer of fewer units must find a code for them. With n = 8 and 3 hidden units, PDP
    vol. 1 ch. 8, 1986, after Ackley, Hinton and Sejnowski 1985.
    """
    ones = range(_whole("n", n, 2, 1024))
    return [Example(_one_hot(i, n, inputs), _one_hot(i, n, targets)) for i in ones]


# --- points of the plane: two classes in turn, 0 and 1 -------------------------------------------


@strict
def moons(
    n: int = 100, noise: float = 0.1, seed: int = 0, targets: Coding = BINARY
) -> list[Example]:
    """This returns n points of two interleaved half circles of radius 1: x, y -> class 0 or 1.

    Class 0 is the upper half around (0, 0), class 1 the lower half around (1, 0.5), the points at
    equal distances as in scikit-learn's make_moons. n: even, 4 or more. noise: its standard
    deviation.
    """
    points: list[Point] = []
    for i in range(half := _half(n)):
        x, y = _on_circle(0.5 * i / (half - 1))
        points += [(x, y), (1.0 - x, 0.5 - y)]
    return _noisy(points, noise, seed, targets)


@strict
def rings(
    n: int = 100, noise: float = 0.05, seed: int = 0, targets: Coding = BINARY, inner: float = 0.5
) -> list[Example]:
    """This returns n points of two circles around (0, 0): x, y -> class 0 or 1.

    Class 0 has radius 1, class 1 has radius `inner`. The points are at equal distances, as in
    scikit-learn's make_circles. n: even, 4 or more. noise: its standard deviation.
    """
    if not 0.0 < inner < 1.0:
        raise ValueError(f"inner must be a radius between 0 and 1, not {inner!r}")
    points: list[Point] = []
    for i in range(half := _half(n)):
        x, y = _on_circle(i / half)
        points += [(x, y), (inner * x, inner * y)]
    return _noisy(points, noise, seed, targets)


@strict
def spirals(
    n: int = 194,
    noise: float = 0.0,
    seed: int = 0,
    targets: Coding = BINARY,
    turns: float = 3.0,
) -> list[Example]:
    """This returns n points of two interleaved spirals: x, y -> class 0 or 1.

    The radius falls from 6.5 to 0.5. The defaults give the benchmark of Lang and Witbrock, Learning
    to tell two spirals apart (1988), by Wieland's rule. Class 0 is class 1 after half a turn.
    n: even, 4 or more.
    """
    if not 0.0 < turns < inf:
        raise ValueError(f"turns must be a finite number above 0, not {turns!r}")
    points: list[Point] = []
    for i in range(half := _half(n)):
        along = i / (half - 1)
        radius = 6.5 - 6.0 * along
        y, x = _on_circle(turns * along)  # the benchmark starts at the top and goes clockwise
        points += [(-radius * x, -radius * y), (radius * x, radius * y)]
    return _noisy(points, noise, seed, targets)


# --- two families --------------------------------------------------------------------------------

# fmt: off
ENGLISH = [
    "Christopher", "Penelope", "Andrew", "Christine", "Margaret", "Arthur",
    "Victoria", "James", "Jennifer", "Charles", "Colin", "Charlotte",
]
ITALIAN = [
    "Roberto", "Maria", "Pierro", "Francesca", "Gina", "Emilio",
    "Lucia", "Marco", "Angela", "Tomaso", "Alfonso", "Sophia",
]
RELATIONS = [
    "father", "mother", "husband", "wife", "son", "daughter",
    "uncle", "aunt", "brother", "sister", "nephew", "niece",
]
# fmt: on
PEOPLE = [*ENGLISH, *ITALIAN]  # the trees are alike: counterparts have the same index
COUPLES = ((0, 1), (2, 3), (5, 4), (7, 6), (9, 8))  # indices of husband and wife
CHILDREN = {(0, 1): (5, 6), (2, 3): (7, 8), (7, 6): (10, 11)}  # a son and a daughter of each couple
MEN = {*(husband for husband, _ in COUPLES), *(son for son, _ in CHILDREN.values())}


class Fact(NamedTuple):
    """A person, a relation such as "aunt", and that person's aunts, as indices in PEOPLE."""

    person: int
    relation: str
    answers: tuple[int, ...]


def family_facts() -> list[Fact]:
    """This returns the 104 facts about two families of 12, by person (Fig. 2 of the paper below).

    Rumelhart, Hinton and Williams, Nature 323 (1986), 533-536, after Hinton, Learning distributed
    representations of concepts (1986). An uncle's wife is an aunt, and an aunt's husband an uncle.
    """
    facts = []
    for person, relation in product(range(len(PEOPLE)), RELATIONS):
        tree, place = divmod(person, len(ENGLISH))
        found = tuple(sorted(_related(place, relation)))
        if found:
            facts.append(Fact(person, relation, tuple(tree * len(ENGLISH) + x for x in found)))
    return facts


def _related(place: int, relation: str) -> set[int]:
    """Returns the relatives of person `place` in that relation, as indices in one tree."""
    spouses = {x: {y} for pair in COUPLES for x, y in (pair, pair[::-1])}

    def all_of(relatives: Callable[[int], set[int]], people: set[int]) -> set[int]:
        return {x for person in people for x in relatives(person)}

    def spouse(x: int) -> set[int]:
        return spouses.get(x, set())

    def parents(x: int) -> set[int]:
        return {p for pair, born in CHILDREN.items() if x in born for p in pair}

    def children(x: int) -> set[int]:
        return {c for pair, born in CHILDREN.items() if x in pair for c in born}

    def siblings(x: int) -> set[int]:
        return all_of(children, parents(x)) - {x}

    def uncles(x: int) -> set[int]:
        own = all_of(siblings, parents(x))
        return own | all_of(spouse, own)

    def nephews(x: int) -> set[int]:
        return all_of(children, all_of(siblings, {x} | spouse(x)))

    kin = (parents, spouse, children, uncles, siblings, nephews)
    which = RELATIONS.index(relation)  # relations come in pairs: a man's, a woman's
    return {x for x in kin[which // 2](place) if (x in MEN) == (which % 2 == 0)}


def family_trees(inputs: Coding = BINARY, targets: Coding = BINARY) -> list[Example]:
    """This returns the examples of `family_facts`: 24 + 12 one-hot inputs -> 24 targets.

    The inputs are a person and a relation; the targets mark every person that is right.
    """
    examples = []
    for person, relation, answers in family_facts():
        given = _one_hot(person, len(PEOPLE), inputs)
        given += _one_hot(RELATIONS.index(relation), len(RELATIONS), inputs)
        wanted = _coded(tuple(int(x in answers) for x in range(len(PEOPLE))), targets)
        examples.append(Example(given, wanted))
    return examples


# --- images --------------------------------------------------------------------------------------

# The direction across an edge, in columns and rows, for the edges vertical, horizontal, / and \.
_ACROSS = (1.0, 0.0), (0.0, 1.0), (sqrt(0.5), sqrt(0.5)), (sqrt(0.5), -sqrt(0.5))


def edges(
    n: int = 400,
    noise: float = 0.1,
    seed: int = 0,
    targets: Coding = BINARY,
    size: int = 6,
) -> list[Example]:
    r"""This returns n images of one edge between dark and light: size*size pixels -> its direction.

    The pixels are row by row; the four targets are vertical, horizontal, / and \ in turn. For each
    image, random numbers choose the position of the edge, the light side, the mean of both sides
    (-0.5 to 0.5), their difference (0.5 to 1) and the noise of each pixel. size: 3 to 64.
    """
    middle = (_whole("size", size, 3, 64) - 1) / 2.0
    rng, examples = SplitMix64(seed), []
    for i in range(_whole("n", n, 1)):
        across, down = _ACROSS[i % 4]
        place = rng.uniform(-0.5, 0.5) * (size - 3)  # so that both sides are in the image
        mean, height = rng.uniform(-0.5, 0.5), rng.uniform(0.5, 1.0)
        step = height / 2.0 if rng.below(2) else -height / 2.0
        beyond = (
            across * (column - middle) + down * (row - middle) > place
            for row, column in product(range(size), repeat=2)
        )
        image = tuple(mean + step if side else mean - step for side in beyond)
        examples.append(Example(_moved(image, noise, rng), _one_hot(i % 4, 4, targets)))
    return examples


# --- sets that scikit-learn ships ----------------------------------------------------------------


@strict
def iris(targets: Coding = BINARY) -> list[Example]:
    """This returns 150 flowers: 4 lengths in cm, 0.1 to 7.9 -> one of 3 species. Fisher 1936.

    ModuleNotFoundError without scikit-learn, which ships the numbers.
    """
    return _shipped(_scikit_learn().load_iris, 1.0, 3, targets)


@strict
def digits(targets: Coding = BINARY) -> list[Example]:
    """This returns 1,797 handwritten digits: 8*8 pixels, 0 to 1, row by row -> one of 10 digits.

    From the UCI repository, Alpaydin and Kaynak 1998. ModuleNotFoundError without scikit-learn.
    """
    return _shipped(_scikit_learn().load_digits, 16.0, 10, targets)


def _scikit_learn() -> Any:
    try:
        from sklearn import datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error}: iris and digits come with scikit-learn, `pip install scikit-learn`",
            name=error.name,
        ) from None
    return datasets


def _shipped(load: Callable[..., Any], most: float, classes: int, targets: Coding) -> list[Example]:
    rows, answers = load(return_X_y=True)
    return [
        Example(tuple(float(x) / most for x in row), _one_hot(int(answer), classes, targets))
        for row, answer in zip(rows, answers)
    ]


# --- helpers -------------------------------------------------------------------------------------


def _patterns(
    n: int, rule: Callable[[Bits], Bits], inputs: Coding, targets: Coding
) -> list[Example]:
    """Returns an example for each pattern of n bits; its target is rule(bits)."""
    patterns = product((0, 1), repeat=_whole("n", n, 1, MOST_BITS))
    return [Example(_coded(bits, inputs), _coded(rule(bits), targets)) for bits in patterns]


def _number(bits: Bits) -> int:
    """Returns the number whose binary digits are `bits`, the highest first."""
    return sum(bit << place for place, bit in enumerate(reversed(bits)))


def _one_hot(which: int, n: int, coding: Coding) -> Point:
    return _coded(tuple(int(i == which) for i in range(n)), coding)


def _coded(bits: Bits, coding: Coding) -> Point:
    if len(coding) != 2 or coding[0] == coding[1] or not all(map(isfinite, coding)):
        raise ValueError(f"a coding must be two different numbers, for 0 and for 1, not {coding!r}")
    return tuple(float(coding[bit]) for bit in bits)


def _on_circle(turns: float) -> Point:
    """Returns the point of the unit circle `turns` turns from (1, 0), counterclockwise."""
    return cos(2.0 * pi * turns), sin(2.0 * pi * turns)


def _noisy(points: list[Point], noise: float, seed: int, targets: Coding) -> list[Example]:
    """Returns the points with noise, as examples of class 0 and class 1 in turn."""
    rng = SplitMix64(seed)
    return [
        Example(_moved(point, noise, rng), _coded((i % 2,), targets))
        for i, point in enumerate(points)
    ]


def _moved(point: Point, noise: float, rng: SplitMix64) -> Point:
    """Returns the point plus Gaussian noise of that standard deviation, rounded."""
    if not 0.0 <= noise < inf:
        raise ValueError(f"noise must be a standard deviation, 0 or more, not {noise!r}")
    return tuple(round(x + rng.gauss(0.0, noise), PLACES) + 0.0 for x in point)  # + 0.0: no -0.0


def _half(n: int) -> int:
    if _whole("n", n, 4) % 2:
        raise ValueError(f"n must be even, half for each class, not {n!r}")
    return n // 2


def _whole(name: str, value: int, least: int, most: float = inf) -> int:
    if not isinstance(value, int) or not least <= value <= most:
        upto = " up" if most == inf else f" to {most}"
        raise ValueError(f"{name} must be a whole number from {least}{upto}, not {value!r}")
    return value


_ELSEWHERE = {  # names from other libraries
    "shuffle": "shuffled(examples, seed=0)",
    "circles": "rings()",
    "make_spirals": "spirals()",
    "spiral": "spirals()",
    "xor": "gate('xor')",
    "XOR": "gate('xor')",
    "mnist": "digits(), 8 pixels high",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        elsewhere(name, _ELSEWHERE, __name__)
