"""Data sets: each computed here once more, in another way, and what a reader would check by eye."""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import combinations, pairwise
from math import atan2, cos, hypot, inf, isclose, isfinite, log, nan, nextafter, pi, sin
from statistics import NormalDist, fmean, pstdev
from types import ModuleType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_edu import data
from tinygrad_edu.data import (
    BINARY,
    BIPOLAR,
    GATES,
    SOFT,
    Example,
    SplitMix64,
    addition,
    boolean,
    digits,
    edges,
    encoder,
    gate,
    iris,
    moons,
    negation,
    parity,
    rings,
    shuffled,
    spirals,
    split,
    symmetry,
)

Maker = Callable[..., list[Example]]

PATTERNS: dict[str, tuple[Maker, int, int, int]] = {  # examples, inputs, targets
    **{name: (partial(gate, name), 4, 2, 1) for name in GATES},
    "boolean": (partial(boolean, "01101001"), 8, 3, 1),
    "parity": (parity, 16, 4, 1),
    "symmetry": (symmetry, 64, 6, 1),
    "negation": (negation, 16, 4, 3),
    "addition": (addition, 16, 4, 3),
    "encoder": (encoder, 8, 8, 8),
}
SEEDED: dict[str, tuple[Maker, int, int, int]] = {
    "moons": (moons, 100, 2, 1),
    "rings": (rings, 100, 2, 1),
    "spirals": (partial(spirals, noise=0.1), 194, 2, 1),
    "edges": (edges, 400, 36, 4),
}
PLANE = {"moons": moons, "rings": rings, "spirals": spirals}
EVERY = {**PATTERNS, **SEEDED}
every = pytest.mark.parametrize("name", EVERY)
seeded = pytest.mark.parametrize("name", SEEDED)
plane = pytest.mark.parametrize("name", PLANE)
seeds = st.integers(0, 2**64 - 1)


def text(numbers: tuple[float, ...]) -> str:
    """Bits, written one after the other."""
    assert set(numbers) <= {0.0, 1.0}
    return "".join(str(int(x)) for x in numbers)


def table(examples: list[Example]) -> dict[str, str]:
    return {text(example.inputs): text(example.targets) for example in examples}


# --- the generator -------------------------------------------------------------------------------


def test_the_generator_gives_the_published_numbers() -> None:
    """Those of splitmix64.c at seed 1234567, as Rosetta Code prints them, and at seed 0."""
    rng = SplitMix64(1234567)
    assert [rng.bits() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    rng = SplitMix64(0)
    assert [rng.bits() for _ in range(3)] == [
        0xE220A8397B1DCDAF,
        0x6E789E6AA1B965F4,
        0x06C45D188009454F,
    ]


def test_what_is_made_of_its_bits_never_changes() -> None:
    rng = SplitMix64(1986)
    assert [rng.uniform() for _ in range(3)] == [
        0.414975995735656,
        0.2609242895790208,
        0.31266061072778517,
    ]
    rng = SplitMix64(1986)
    assert [rng.gauss() for _ in range(4)] == [
        -0.5519242357937221,
        -0.4420147491185955,
        -0.35910979214453587,
        0.31514408021264007,
    ]
    rng = SplitMix64(1986)
    assert [rng.below(6) for _ in range(9)] == [3, 1, 2, 4, 5, 0, 2, 0, 1]
    assert shuffled(range(10), 1986) == [2, 8, 4, 0, 3, 7, 5, 6, 9, 1]
    assert split(range(5), 0.5, 1) == ([2, 1], [4, 3, 0])
    assert moons(4, seed=1) == [
        Example((1.042945, 0.045646), (0.0,)),
        Example((-0.032684, 0.605552), (1.0,)),
        Example((-1.066437, -0.150755), (0.0,)),
        Example((1.752021, 0.47646), (1.0,)),
    ]
    first_row = (-0.279653, -0.141417, -0.313406, 0.587778, 0.490553, 0.714992)
    assert edges(1, seed=1)[0].inputs[:6] == first_row


@given(seeds)
def test_normal_numbers_are_those_of_the_polar_method(seed: int) -> None:
    rng, ours = SplitMix64(seed), SplitMix64(seed)
    for _ in range(5):
        s = 1.0
        while s >= 1.0 or s == 0.0:
            u, v = (2.0 * (rng.bits() // 2**11) / 2**53 - 1.0 for _ in range(2))
            s = u**2 + v**2
        assert isclose(ours.gauss(10.0, 3.0), 10.0 + 3.0 * u * (-2.0 * log(s) / s) ** 0.5)


@given(st.floats(2.0**-104, 1.0, exclude_max=True) | st.floats(0.99, 1.0, exclude_max=True))
def test_our_logarithm_is_right_to_its_last_digits(x: float) -> None:
    """2**-104 is the smallest sum of squares that the polar method meets."""
    assert isclose(data._log(x), log(x), rel_tol=1e-15)


def test_no_function_that_differs_between_machines_is_used_for_normal_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python promises IEEE's + - * / and sqrt; log, exp, sin and cos are the C library's."""
    for name in ("log", "sin", "cos", "exp"):
        monkeypatch.delattr(data, name, raising=False)
        monkeypatch.delattr(math, name)
    assert isfinite(SplitMix64(3).gauss())


def test_normal_numbers_are_normally_distributed() -> None:
    rng, n = SplitMix64(5), 20_000
    drawn = sorted(rng.gauss(-1.0, 2.0) for _ in range(n))
    normal = NormalDist(-1.0, 2.0)
    distance = max(abs(normal.cdf(x) - i / n) for i, x in enumerate(drawn))
    assert distance < 1.63 / n**0.5  # Kolmogorov and Smirnov: 99 of 100 seeds


def test_uniform_numbers_fill_their_range_evenly() -> None:
    rng, n = SplitMix64(5), 20_000
    drawn = sorted(rng.uniform(-3.0, 5.0) for _ in range(n))
    assert -3.0 <= drawn[0] < -2.99
    assert 4.99 < drawn[-1] <= 5.0
    assert max(abs((x + 3.0) / 8.0 - i / n) for i, x in enumerate(drawn)) < 1.63 / n**0.5


@pytest.mark.parametrize("n", [1, 2, 6, 10])
def test_whole_numbers_are_equally_likely(n: int) -> None:
    rng = SplitMix64(7)
    counts = Counter(rng.below(n) for _ in range(1000 * n))
    assert set(counts) == set(range(n))
    assert all(abs(count - 1000) < 130 for count in counts.values())  # 4 deviations


def test_no_whole_number_is_likelier_because_of_remainders() -> None:
    """2**64 % (3 * 2**62) is 2**62: without rejection half of all would be in the first third."""
    rng, n = SplitMix64(11), 3 * 2**62
    drawn = [rng.below(n) for _ in range(3000)]
    assert all(0 <= x < n for x in drawn)
    assert abs(sum(x < n // 3 for x in drawn) - 1000) < 110


# --- order and parts -----------------------------------------------------------------------------


@given(st.lists(st.integers()), seeds)
def test_shuffling_keeps_every_example_once(examples: list[int], seed: int) -> None:
    before = list(examples)
    assert Counter(shuffled(examples, seed)) == Counter(examples)
    assert shuffled(examples, seed) == shuffled(tuple(examples), seed)
    assert examples == before


def test_every_order_is_equally_likely() -> None:
    counts = Counter("".join(shuffled("abc", seed)) for seed in range(6000))
    assert len(counts) == 6
    assert all(abs(count - 1000) < 120 for count in counts.values())


@given(st.lists(st.integers()), st.floats(0.0, 1.0), seeds)
def test_the_parts_of_a_split_are_the_examples(
    examples: list[int], share: float, seed: int
) -> None:
    first, rest = split(examples, share, seed)
    assert first + rest == shuffled(examples, seed)
    assert abs(len(first) - share * len(examples)) <= 0.5


def test_the_split_of_the_family_trees_leaves_four() -> None:
    first, rest = split(range(104), 100 / 104, 0)
    assert (len(first), len(rest)) == (100, 4)
    assert len({tuple(split(range(104), 100 / 104, seed)[1]) for seed in range(50)}) == 50


# --- all sets ------------------------------------------------------------------------------------


@every
def test_number_and_shape_of_the_examples(name: str) -> None:
    make, examples, inputs, targets = EVERY[name]
    made = make()
    assert len(made) == examples
    assert len({example.inputs for example in made}) == examples, "all inputs are different"
    assert {(len(example.inputs), len(example.targets)) for example in made} == {(inputs, targets)}
    for example in made:
        assert type(example) is Example
        assert {type(x) for x in (*example.inputs, *example.targets)} == {float}
        assert "-0.0" not in map(repr, (*example.inputs, *example.targets))


@every
@given(data=st.data())
@settings(max_examples=20)
def test_targets_have_the_coding_that_was_asked_for(name: str, data: st.DataObject) -> None:
    off, on = data.draw(st.tuples(*[st.floats(-9, 9)] * 2) | st.sampled_from([BIPOLAR, SOFT]))
    assume(off != on)
    make = partial(EVERY[name][0], **({"n": 8} if name in SEEDED else {}))
    for example, coded in zip(make(), make(targets=(off, on))):
        assert coded.inputs == example.inputs
        assert coded.targets == tuple(on if target else off for target in example.targets)


@pytest.mark.parametrize("name", PATTERNS)
def test_inputs_have_the_coding_that_was_asked_for(name: str) -> None:
    make = PATTERNS[name][0]
    for example, coded in zip(make(), make(inputs=BIPOLAR)):
        assert coded.inputs == tuple(2.0 * x - 1.0 for x in example.inputs)
        assert coded.targets == example.targets


@pytest.mark.parametrize("name", sorted(PATTERNS.keys() - {"encoder"}))
def test_patterns_are_all_there_in_counting_order(name: str) -> None:
    numbers = [int(text(example.inputs), 2) for example in PATTERNS[name][0]()]
    assert numbers == list(range(len(numbers)))


# --- patterns of bits ----------------------------------------------------------------------------


def test_the_gates_are_pythons_operators() -> None:
    rules: dict[str, Callable[[int, int], int]] = {
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "xor": lambda a, b: a ^ b,
        "nand": lambda a, b: 1 - (a & b),
        "nor": lambda a, b: 1 - (a | b),
        "xnor": lambda a, b: int(a == b),
    }
    assert rules.keys() == GATES.keys()
    for name, rule in rules.items():
        assert table(gate(name)) == {f"{a}{b}": str(rule(a, b)) for a in (0, 1) for b in (0, 1)}


@given(st.integers(1, 6).flatmap(lambda n: st.text("01", min_size=2**n, max_size=2**n)))
def test_a_truth_table_says_every_output(outputs: str) -> None:
    assert "".join(text(example.targets) for example in boolean(outputs)) == outputs


@pytest.mark.parametrize("n", [1, 2, 5])
def test_parity_changes_with_every_bit(n: int) -> None:
    answers = table(parity(n))
    assert answers["0" * n] == "0"
    assert sum(map(int, answers.values())) == 2 ** (n - 1)
    for a, b in combinations(answers, 2):
        if sum(x != y for x, y in zip(a, b)) == 1:
            assert answers[a] != answers[b]


def test_parity_of_two_bits_is_xor() -> None:
    assert parity(2) == gate("xor")


@pytest.mark.parametrize(("n", "alike"), [(1, 2), (2, 2), (3, 4), (6, 8), (7, 16)])
def test_symmetric_patterns_read_the_same_backwards(n: int, alike: int) -> None:
    answers = table(symmetry(n))
    assert all((answer == "1") == (bits == bits[::-1]) for bits, answer in answers.items())
    assert list(answers.values()).count("1") == alike


def test_the_56_patterns_of_1986_that_are_not_symmetric() -> None:
    """A network that always says no has 56 of 64 right, the plateau of the lesson."""
    assert sum(example.targets == (0.0,) for example in symmetry()) == 56


@pytest.mark.parametrize("n", [1, 3])
def test_the_flag_inverts_the_other_bits(n: int) -> None:
    answers = table(negation(n))
    inverted = str.maketrans("01", "10")
    for bits, answer in answers.items():
        assert answer == (bits[1:].translate(inverted) if bits[0] == "1" else bits[1:])
    assert len(answers) == 2 ** (n + 1)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_sums(n: int) -> None:
    answers = table(addition(n))
    for bits, answer in answers.items():
        assert int(bits[:n], 2) + int(bits[n:], 2) == int(answer, 2)
        assert len(answer) == n + 1
    assert len(answers) == 4**n


@pytest.mark.parametrize("n", [2, 8, 33])
def test_an_encoder_repeats_what_it_is_shown(n: int) -> None:
    answers = table(encoder(n))
    assert list(answers) == [f"{2**i:0{n}b}"[::-1] for i in range(n)]
    assert all(bits == answer for bits, answer in answers.items())


# --- points of the plane -------------------------------------------------------------------------


@seeded
@given(seed=seeds)
@settings(max_examples=20)
def test_a_seed_says_everything(name: str, seed: int) -> None:
    make = partial(SEEDED[name][0], 8)
    assert repr(make(seed=seed)) == repr(make(seed=seed))
    other = make(seed=seed ^ 1)
    assert all(a.inputs != b.inputs for a, b in zip(make(seed=seed), other))
    assert [example.targets for example in make(seed=seed)] == [
        example.targets for example in other
    ]


@plane
@pytest.mark.parametrize("n", [4, 10, 194])
def test_the_classes_come_in_turn(name: str, n: int) -> None:
    assert [example.targets for example in PLANE[name](n)] == [(0.0,), (1.0,)] * (n // 2)


@plane
@pytest.mark.parametrize("off", [-inf, inf])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_last_digit_of_the_machines_sine_changes_nothing(
    name: str, off: float, noise: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = PLANE[name](noise=noise)
    monkeypatch.setattr(data, "sin", lambda x: nextafter(sin(x), off))
    monkeypatch.setattr(data, "cos", lambda x: nextafter(cos(x), -off))
    assert repr(PLANE[name](noise=noise)) == repr(before)


@plane
def test_noise_has_the_deviation_that_was_asked_for(name: str) -> None:
    clean, noisy = (PLANE[name](2000, noise=noise, seed=4) for noise in (0.0, 0.2))
    moves = [b - a for c, d in zip(clean, noisy) for a, b in zip(c.inputs, d.inputs)]
    assert abs(fmean(moves)) < 0.02
    assert abs(pstdev(moves) - 0.2) < 0.01


def of_class(examples: list[Example], target: float) -> list[tuple[float, float]]:
    return [
        (example.inputs[0], example.inputs[1])
        for example in examples
        if example.targets == (target,)
    ]


def test_moons_are_half_circles_that_reach_into_each_other() -> None:
    upper, lower = (of_class(moons(200, noise=0.0), target) for target in (0.0, 1.0))
    assert all(abs(hypot(x, y) - 1.0) < 2e-6 for x, y in upper)
    assert all(y >= 0.0 for _, y in upper)
    assert all(abs(hypot(x - 1.0, y - 0.5) - 1.0) < 2e-6 for x, y in lower)
    assert all(y <= 0.5 for _, y in lower)
    assert (upper[0], upper[-1]) == ((1.0, 0.0), (-1.0, 0.0))
    assert (lower[0], lower[-1]) == ((0.0, 0.5), (2.0, 0.5))
    for moon in (upper, lower):
        gaps = [math.dist(a, b) for a, b in pairwise(moon)]
        assert max(gaps) - min(gaps) < 1e-5


def test_moons_lie_near_their_half_circles() -> None:
    far = [abs(hypot(x, y) - 1.0) for x, y in of_class(moons(400, noise=0.1, seed=2), 0.0)]
    assert 0.06 < fmean(far) < 0.1  # 0.08 = 0.1 * sqrt(2/pi), of the noise across the curve
    assert max(far) < 0.45


def test_rings_have_their_radii() -> None:
    outer, inner = (of_class(rings(60, noise=0.0, inner=0.3), target) for target in (0.0, 1.0))
    assert all(abs(hypot(x, y) - 1.0) < 2e-6 for x, y in outer)
    assert all(abs(hypot(x, y) - 0.3) < 2e-6 for x, y in inner)
    for ring in (outer, inner):
        angles = [atan2(y, x) % (2.0 * pi) for x, y in ring]
        assert all(
            isclose(angle, 2.0 * pi * i / 30, abs_tol=1e-5) for i, angle in enumerate(angles)
        )


def test_the_two_spirals_are_those_of_the_benchmark() -> None:
    """The rule as in Wieland's program: 97 pairs at angle i*pi/16 and radius 6.5*(104 - i)/104."""
    examples = spirals()
    for i in range(97):
        radius, angle = 6.5 * (104 - i) / 104, i * pi / 16
        x, y = radius * sin(angle), radius * cos(angle)
        assert examples[2 * i + 1].inputs == pytest.approx((x, y), abs=1e-6)
        assert examples[2 * i].inputs == pytest.approx((-x, -y), abs=1e-6)


@pytest.mark.parametrize("turns", [0.75, 1.0, 3.0, 4.5])
def test_spirals_turn_as_often_as_said_and_shrink(turns: float) -> None:
    for target in (0.0, 1.0):
        points = of_class(spirals(400, turns=turns), target)
        angles = [atan2(y, x) for x, y in points]
        steps = [(a - b) % (2.0 * pi) for a, b in pairwise(angles)]  # clockwise
        assert isclose(sum(steps), 2.0 * pi * turns, abs_tol=1e-4)
        radii = [hypot(x, y) for x, y in points]
        assert radii == sorted(radii, reverse=True)
        assert (radii[0], radii[-1]) == pytest.approx((6.5, 0.5), abs=2e-6)


def test_on_every_ray_from_the_middle_the_spirals_take_turns() -> None:
    rays: dict[int, list[tuple[float, float]]] = {}
    for example in spirals():
        x, y = example.inputs
        direction = round(atan2(y, x) / (pi / 16)) % 32
        rays.setdefault(direction, []).append((hypot(x, y), example.targets[0]))
    assert len(rays) == 32
    for ray in rays.values():
        classes = [target for _, target in sorted(ray)]
        assert len(classes) >= 6
        assert all(a != b for a, b in pairwise(classes))


# --- images --------------------------------------------------------------------------------------


def test_the_directions_come_in_turn() -> None:
    directions = ["1000", "0100", "0010", "0001"] * 100
    assert [text(example.targets) for example in edges()] == directions


@given(seeds, st.integers(3, 9))
def test_an_edge_has_two_sides_and_one_direction(seed: int, size: int) -> None:
    shifts = {"1000": (1, 0), "0100": (0, 1), "0010": (1, -1), "0001": (1, 1)}  # rows, columns
    for example in edges(8, noise=0.0, seed=seed, size=size):
        pixels = [example.inputs[size * row : size * (row + 1)] for row in range(size)]
        dark, light = sorted(set(example.inputs))
        assert light - dark + 2e-6 >= 0.5
        assert light - dark - 2e-6 <= 1.0
        assert -0.5 <= (dark + light) / 2.0 <= 0.5
        for direction, (down, right) in shifts.items():
            constant = all(
                pixels[row][column] == pixels[row + down][column + right]
                for row in range(size - down)
                for column in range(max(0, -right), size - max(0, right))
            )
            assert constant == (direction == text(example.targets))


def test_either_side_of_an_edge_is_light_and_it_is_in_all_places() -> None:
    found: Counter[tuple[bool, int]] = Counter()
    for example in edges(2000, noise=0.0, seed=3)[::4]:
        row = example.inputs[:6]
        found[row[0] < row[-1], sum(x == row[0] for x in row)] += 1
    lights = sum(count for (light, _), count in found.items() if light)
    assert 200 < lights < 300
    places: Counter[int] = Counter()
    for (_, place), count in found.items():
        places[place] += count
    assert set(places) == {2, 3, 4}
    assert all(125 < count < 210 for count in places.values())  # 167 of 500, by 4 deviations


def test_an_image_depends_on_its_own_place_only_and_keeps_its_edge_under_noise() -> None:
    assert edges(10, seed=9) == edges(30, seed=9)[:10]
    clean, noisy = (edges(200, noise=noise, seed=9) for noise in (0.0, 0.1))
    moves = [b - a for c, d in zip(clean, noisy) for a, b in zip(c.inputs, d.inputs)]
    assert abs(fmean(moves)) < 0.005
    assert abs(pstdev(moves) - 0.1) < 0.005
    assert all(len(set(example.inputs)) == 2 for example in clean)


# --- bad arguments -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: SplitMix64(-1),
            "seed must be a whole number from 0 to 18446744073709551615, not -1",
        ),
        (lambda: SplitMix64(2**64), "seed must be a whole number from 0 to"),
        (lambda: SplitMix64(1.0), "not 1.0"),  # type: ignore[arg-type]
        (lambda: SplitMix64("1"), "not '1'"),  # type: ignore[arg-type]
        (lambda: SplitMix64(0).below(0), "n must be a whole number from 1"),
        (lambda: shuffled([1, 2], -1), "seed must be"),
        (lambda: split([1, 2], 1.5, 0), "share must be a number from 0 to 1, not 1.5"),
        (lambda: split([1, 2], nan, 0), "not nan"),
        (lambda: gate("but"), "unknown gate 'but'; choose and, or, xor, nand, nor, xnor"),
        (lambda: boolean(""), "a truth table must be 2, 4, 8, 16 ... digits 0 or 1, not ''"),
        (lambda: boolean("1"), "not '1'"),
        (lambda: boolean("011"), "not '011'"),
        (lambda: boolean("0112"), "not '0112'"),
        (lambda: parity(0), "n must be a whole number from 1 to 16, not 0"),
        (lambda: parity(17), "not 17"),
        (lambda: symmetry(2.0), "not 2.0"),  # type: ignore[arg-type]
        (lambda: negation(16), "n must be a whole number from 1 to 15, not 16"),
        (lambda: addition(9), "n must be a whole number from 1 to 8, not 9"),
        (lambda: addition(-1), "not -1"),
        (lambda: encoder(1), "n must be a whole number from 2 to 1024, not 1"),
        (lambda: parity(2, inputs=(1.0, 1.0)), "a coding must be two different numbers"),
        (lambda: moons(targets=(0.0, nan)), "a coding must be two different numbers"),
        (lambda: edges(targets=(0, 1, 2)), "not (0, 1, 2)"),  # type: ignore[arg-type]
        (lambda: moons(5), "n must be even, half for each class, not 5"),
        (lambda: rings(2), "n must be a whole number from 4 up, not 2"),
        (lambda: spirals(97), "n must be even"),
        (lambda: moons(noise=-0.1), "noise must be a standard deviation, 0 or more, not -0.1"),
        (lambda: rings(noise=nan), "not nan"),
        (lambda: edges(noise=inf), "not inf"),
        (lambda: rings(inner=1.0), "inner must be a radius between 0 and 1, not 1.0"),
        (lambda: spirals(turns=0.0), "turns must be a finite number above 0, not 0.0"),
        (lambda: spirals(turns=inf), "not inf"),
        (lambda: edges(0), "n must be a whole number from 1 up, not 0"),
        (lambda: edges(size=2), "size must be a whole number from 3 to 64, not 2"),
    ],
)
def test_a_bad_argument_is_an_error_that_says_what_would_be_right(
    call: Callable[[], object], says: str
) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


# --- sets that scikit-learn ships ----------------------------------------------------------------


@pytest.mark.parametrize("read", [iris, digits])
def test_without_scikit_learn_one_line_says_what_to_install(
    read: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        read()
    message = str(caught.value)
    assert "pip install scikit-learn" in message
    assert "\n" not in message
    assert caught.value.name == "sklearn"
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


def scikit_learn(monkeypatch: pytest.MonkeyPatch, **loaders: Any) -> None:
    """Puts a module of that name in the place of the real one."""
    package, datasets = ModuleType("sklearn"), ModuleType("sklearn.datasets")
    package.datasets = datasets  # type: ignore[attr-defined]
    for name, load in loaders.items():
        setattr(datasets, name, load)
    monkeypatch.setitem(sys.modules, "sklearn", package)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", datasets)


def test_what_scikit_learn_ships_becomes_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    flowers = numpy.array([[5.1, 3.5, 1.4, 0.2], [5.9, 3.0, 5.1, 1.8]]), numpy.array([0, 2])
    image = numpy.arange(64.0).reshape(1, 64) % 17.0, numpy.array([9])

    def load_iris(*, return_X_y: bool) -> Any:
        assert return_X_y
        return flowers

    def load_digits(*, return_X_y: bool) -> Any:
        assert return_X_y
        return image

    scikit_learn(monkeypatch, load_iris=load_iris, load_digits=load_digits)
    assert iris() == [
        Example((5.1, 3.5, 1.4, 0.2), (1.0, 0.0, 0.0)),
        Example((5.9, 3.0, 5.1, 1.8), (0.0, 0.0, 1.0)),
    ]
    assert iris(SOFT)[1].targets == (0.1, 0.1, 0.9)
    (example,) = digits(BIPOLAR)
    assert example.inputs == tuple(i % 17 / 16 for i in range(64))
    assert max(example.inputs) == BINARY[1]
    assert example.targets == (-1.0,) * 9 + (1.0,)
    assert {type(x) for c in (*iris(), example) for x in (*c.inputs, *c.targets)} == {float}


@pytest.mark.machine
def test_the_real_sets() -> None:
    assert [len(iris()), len(digits())] == [150, 1797]
    assert Counter(example.targets.index(1.0) for example in iris()) == {0: 50, 1: 50, 2: 50}
    assert {x for example in digits() for x in example.inputs} == {i / 16 for i in range(17)}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_an_order_is_the_same_whether_numpy_makes_it_or_not(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numpy")
    seeds = (0, 7, 2**32 + 1, 2**64 - 1)
    found = [shuffled(range(count), seed) for seed in seeds]
    monkeypatch.delitem(sys.modules, "numpy")
    assert [shuffled(range(count), seed) for seed in seeds] == found
