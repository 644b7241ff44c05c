"""Machine code gives the eager engine's answers: rows, random graphs, networks, repeated structure.

Every test runs with the vectors of this processor or, where `widths` is asked for, of 2, 4 and 8
doubles: those that the processor lacks are taken apart by the compiler, and are as right.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from math import inf, isfinite, isnan, nan
from random import Random
from typing import Any

import pytest
from conftest import random_value
from test_compiled import EXAMPLES, NETWORKS, ROWS, SPECIAL, eager, quiet, rebuilt
from test_random_graphs import big_random_programs, graph

from tinygrad_edu import TABLE, Op, Value, compile, mask, maximum, tanh
from tinygrad_edu.engine import topological_order
from tinygrad_edu.nn.layers import LayerNorm, Linear, RMSNorm
from tinygrad_edu.nn.transformer import Block, Head
from tinygrad_edu.ops import CONSTANT, LEAF, either
from tinygrad_edu.optim import SGD

pytest.importorskip("llvmlite")
from tinygrad_edu.compiler.native.binding import program
from tinygrad_edu.compiler.native.lowering.normal_form import normal_form
from tinygrad_edu.compiler.native.lowering.vectorize import packs
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK

TOLERANCE = 1e-10  # sums are made in another order
COUNTS = (1, 3, 8, 9, 100, 105, 1000)
REGISTERS = {2: 16, 4: 16, 8: 32}


@pytest.fixture(params=REGISTERS, ids=lambda width: f"{width} doubles")
def widths(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The processor has vectors of so many doubles."""
    width: int = request.param
    monkeypatch.setattr(program, "processor", lambda: (width, REGISTERS[width]))
    return width


def agree(found: Sequence[float], expected: Sequence[float], sizes: Sequence[float]) -> bool:
    return all(
        x == e or (x != x and e != e) or abs(x - e) <= TOLERANCE * size
        for x, e, size in zip(found, expected, sizes, strict=True)
    )


def on_machine(step: Any, *columns: Any) -> tuple[list[float], bool]:
    """Value, `also` and gradients, and whether machine code gave them: else the eager engine did,
    because they are not finite."""
    lists, count, _ = step.columns(columns)
    assert step.chosen(count) == "machine"
    own = step.program().run([lists[i] for i in step.graph.used], count).tolist()
    if all(map(isfinite, own)) and step.reduction == "sum":
        value, slopes, *also = quiet(step, *columns)
        assert [value, *(also[0] if also else []), *slopes] == own
        return own, True
    value, slopes, *also = quiet(step, *columns)
    return [value, *(also[0] if also else []), *slopes], all(map(isfinite, own))


def check(y: Value, leaves: Sequence[Value], own: bool = True) -> bool:
    """One example agrees with the eager engine; `own`: and needed no help of it."""
    expected, sizes = eager(y, leaves)
    found, by_machine = on_machine(compile(y, leaves, backend="machine"))
    assert agree(found, expected, sizes)
    assert by_machine or not own
    return by_machine


def reached(y: Value) -> list[Value]:
    """The leaves that `y` is made of."""
    return [x for x in topological_order(y) if x.op is LEAF]


# --- rows of the table ---------------------------------------------------------------------------


def points(op: Op) -> list[tuple[float, ...]]:
    """Numbers for its operands: every corner, and some in between."""
    random, count = Random(1), len(op.derivatives)
    found = [(a, b) for a in SPECIAL for b in SPECIAL] if count == 2 else [(a,) for a in SPECIAL]
    return found + [tuple(random.uniform(-3, 3) for _ in range(count)) for _ in range(20)]


@ROWS
def test_every_row_at_every_corner(op: Op, widths: int) -> None:
    """Within a larger expression, nan and infinity included."""
    leaves = [Value(0.5, label=name) for name in "ab"[: len(op.derivatives)]]
    step = compile(op(*leaves) * 0.75, leaves, backend="machine")
    for xs in points(op):
        new = [Value(x) for x in xs]
        expected, sizes = eager(op(*new) * 0.75, new)
        for leaf, x in zip(leaves, xs, strict=True):
            leaf.data = x
        found, by_machine = on_machine(step)
        assert agree(found, expected, sizes), xs
        assert by_machine == all(map(isfinite, expected)), xs


@ROWS
def test_every_row_in_batches(op: Op, widths: int) -> None:
    """The operands are inputs times parameters; of all points, of those with finite answers, and
    of so few that rows are filled up."""
    names = "ab"[: len(op.derivatives)]
    xs, ws = [Value(0.5, label=x) for x in names], [Value(1.0) for _ in names]
    y = op(*(x * w for x, w in zip(xs, ws, strict=True))) * 0.75
    step = compile(y, ws, xs, backend="machine")
    rows: list[tuple[Any, list[float], list[float]]] = []
    for numbers in points(op):
        for x, number in zip(xs, numbers, strict=True):
            x.data = number
        again, new, leaves = rebuilt(y)
        at = [new[leaves.index(w)] for w in ws]
        rows.append((numbers, *eager(again, at)))
    finite = [row for row in rows if all(map(isfinite, row[1]))]
    for some in (rows, finite, finite[:3], finite[-9:]):
        numbers, expected, sizes = (
            [*zip(*column, strict=True)] for column in zip(*some, strict=True)
        )
        found, by_machine = on_machine(step, *numbers)
        assert agree(found, [*map(sum, expected)], [*map(sum, sizes)])
        assert by_machine or some is rows


@pytest.mark.parametrize("count", [1, 9])
def test_operations_of_ones_own_are_left_to_others(count: int) -> None:
    cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)
    other = Op("exp", lambda a, b: a / b, lambda y, a, b: 1 / b, lambda y, a, b: -y / b)
    x, w = Value(2.0), Value(4.0)
    step = compile(cube(x) * w + other(x, w), [w], [x], backend="machine")
    assert step.chosen(count) == "numpy"
    value, (slope,) = step([2.0] * count)
    assert (value, slope) == (count * (32 + 0.5), count * (8 - 0.125))


# --- random graphs -------------------------------------------------------------------------------


def test_random_graphs_with_special_numbers() -> None:
    """Finite answers are the machine's own; many others are a nan or an infinity."""
    finite = 0
    for seed in range(200):
        random = Random(seed)
        again, new, _ = rebuilt(random_value(random, random.randint(1, 30), labels=("",)))
        expected, sizes = eager(again, new)
        step = compile(again, new, backend="machine")
        found, by_machine = on_machine(step)
        assert agree(found, expected, sizes), seed
        assert by_machine == all(map(isfinite, expected)), seed
        finite += by_machine
    assert 80 < finite < 180


def test_big_random_graphs() -> None:
    """Those that lose few digits."""
    for source, _ in big_random_programs()[:20]:
        check(*graph(source))


def test_small_random_graphs_at_every_width(widths: int) -> None:
    finite = 0
    for seed in range(1000, 1040):
        random = Random(seed)
        again, new, _ = rebuilt(random_value(random, random.randint(1, 30), labels=("",)))
        finite += check(again, new, own=False)
    assert finite > 20


def test_what_x_over_x_leaves_is_0() -> None:
    """Its two contributions cancel; a product that is not rounded before it is added would show."""
    x, w = Value(3.7), Value(0.1)
    y = (x * w) / (x * w)
    again = tanh(x * w)
    assert compile(y * w, [x], backend="machine")() == (y.data * w.data, [0.0])
    assert compile(again / again * w.exp(), [x, w], backend="machine")()[1][0] == 0.0
    scale, more = Value(0.3), maximum(again.exp() * again.atan(), 5.0)
    y = (again / again) * scale.exp() + more  # whose derivative, which comes first, is 0
    assert compile(y, [x, w], backend="machine")()[1] == [0.0, 0.0]
    step = compile(again / again * 0.3, [w], [x], backend="machine")
    assert step([3.7, 0.11, -5.0, 1e-3])[1] == [0.0]


# --- batches -------------------------------------------------------------------------------------


def batch_of(
    y: Value, inputs: Sequence[Value], wrt: Sequence[Value], also: Sequence[Value], rows: Any
) -> tuple[list[list[float]], list[list[float]]]:
    """For each row of numbers for the inputs, value, also, gradients; and their sizes."""
    found, sizes = [], []
    kept = [x.data for x in inputs]
    for row in rows:
        for x, number in zip(inputs, row, strict=True):
            x.data = number
        new: dict[Value, Value] = {}
        for node in topological_order(y, *also):
            if node.op is LEAF:
                new[node] = Value(node.data)
            else:
                new[node] = node if node.op is CONSTANT else node.op(*(new[x] for x in node.args))
        more = [new[z].data for z in also]
        by = [
            new[x] if x in new else Value(x.data) for x in wrt
        ]  # what does not matter is not there
        (value, *slopes), (size, *others) = eager(new[y], by)
        found.append([value, *more, *slopes])
        sizes.append([size, *map(abs, more), *others])
    for x, number in zip(inputs, kept, strict=True):
        x.data = number
    return found, sizes


def totals(rows: Sequence[Sequence[float]], count: int) -> list[float]:
    """Sums over so many rows, which are these again and again."""
    return [sum(column) for column in zip(*islice(cycle(rows), count), strict=True)]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_batches_of_random_graphs(reduction: str) -> None:
    """Some leaves are inputs, some inputs do nothing, one more Value is added up; the examples
    are seven, again and again, so that each is in every lane."""
    finite = 0
    for seed in range(16):
        random = Random(seed)
        y = random_value(random, 12, labels=("",))
        leaves = reached(y)
        inputs = [*leaves[: len(leaves) // 2], Value(1.0)]
        wrt = [x for x in leaves if x not in inputs]
        also = y * 0.5 + sum(wrt, Value(1.0)) * 0.25
        rows = [[random.uniform(-3, 3) for _ in inputs] for _ in range(7)]
        expected, sizes = batch_of(y, inputs, wrt, [also], rows)
        step = compile(y, wrt, inputs, also=also, reduction=reduction, backend="machine")
        for count in COUNTS:
            scale = 1 / count if reduction == "mean" else 1.0
            columns = [[*islice(cycle(column), count)] for column in zip(*rows, strict=True)]
            found, by_machine = on_machine(step, *columns)
            wanted = [x * scale for x in totals(expected, count)]
            assert agree(found, wanted, [x * scale for x in totals(sizes, count)]), (seed, count)
            assert by_machine == all(map(isfinite, wanted)), (seed, count)
            finite += by_machine
    assert finite > 40


@pytest.mark.parametrize("count", COUNTS)
def test_the_size_of_a_batch(count: int, widths: int) -> None:
    """Each example counts once, and what fills the last row does not count."""
    x, w = Value(1.0), Value(0.5)
    step = compile((x * w).exp() / w, [w], [x], also=x + 0, backend="machine")
    xs = [3 * (i % 11) / 11 - i % 2 for i in range(count)]
    (value, slope, total) = (
        sum(column)
        for column in zip(
            *((2 * y, (2 * x - 4) * y, x) for x, y in ((x, Value(x / 2).exp().data) for x in xs)),
            strict=True,
        )
    )
    found = step(xs)
    assert [found[0], *found[1], *found[2]] == pytest.approx([value, slope, total], rel=1e-12)


# --- networks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, reduction: str) -> None:
    """One example, and batches, after the parameters have changed."""
    build, parameters = NETWORKS[name]
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate([0.1, 0.2, 0.3, 1.0, 0.5])]
    loss = build(inputs[:3], inputs[3:])
    also = loss * 2
    step = compile(loss, parameters, inputs, reduction=reduction, also=also, backend="machine")
    rows = [[*xs, *ts] for xs, ts in EXAMPLES]
    kept = [p.data for p in parameters]
    try:
        for shift in (0.0, 0.1):
            for p, x in zip(parameters, kept, strict=True):
                p.data = x + shift
            expected, sizes = batch_of(loss, inputs, parameters, [also], rows)
            for count in COUNTS:
                scale = 1 / count if reduction == "mean" else 1.0
                columns = [[*islice(cycle(column), count)] for column in zip(*rows, strict=True)]
                found, by_machine = on_machine(step, *columns)
                wanted = [x * scale for x in totals(expected, count)]
                assert agree(found, wanted, [x * scale for x in totals(sizes, count)])
                assert by_machine
    finally:
        for p, x in zip(parameters, kept, strict=True):
            p.data = x


# --- graphs with repeated structure --------------------------------------------------------------


def some(random: Random, *_: Any) -> float:
    return random.uniform(-1, 1)


def numbers(random: Random, count: int) -> list[Value]:
    return [Value(random.uniform(-1, 1)) for _ in range(count)]


def sequence(random: Random, length: int, size: int = 4) -> list[list[Value]]:
    return [numbers(random, size) for _ in range(length)]


def distance(vectors: Sequence[Sequence[Value]]) -> Value:
    """The squared error of vectors that are to be 0, 0.1, 0.2, ..."""
    squares = [(x - 0.1 * i) ** 2 for vector in vectors for i, x in enumerate(vector)]
    return sum(squares[1:], squares[0])


def transformer(random: Random, length: int) -> Value:
    block = Block(2, 1, hidden=3, norm=RMSNorm, init=some, seed=length)
    return distance(block(sequence(random, length, 2)))


def two_blocks(random: Random, length: int) -> Value:
    blocks = [Block(4, 2, hidden=5, norm=LayerNorm, init=some, seed=seed) for seed in (1, 2)]
    return distance(blocks[1](blocks[0](sequence(random, length))))


def attention_to_all(random: Random, length: int) -> Value:
    """Each position looks at all others, later ones too."""
    head, xs = Head(4, 3, init=some, seed=random), sequence(random, length)
    queries, keys, values = ([f(x) for x in xs] for f in (head.query, head.key, head.value))
    return distance([head.attend(query, keys, values) for query in queries])


def convolutions(random: Random, length: int) -> Value:
    """Two, one after the other, of numbers in a row."""

    def convolved(xs: Sequence[Value], weights: Sequence[Value]) -> list[Value]:
        *ws, bias = weights
        return [
            sum((w * x for w, x in zip(ws, xs[i:])), bias) for i in range(len(xs) - len(ws) + 1)
        ]

    first, second = numbers(random, 4), numbers(random, 3)
    hidden = [x.relu() for x in convolved(numbers(random, length + 3), first)]
    return distance([[tanh(x) for x in convolved(hidden, second)]])


def recurrent(random: Random, length: int, every: bool = True) -> Value:
    """Each step needs the one before: the same sums of the same parameters, but no lanes."""
    on, new = Linear(3, 3, init=some, seed=random), Linear(4, 3, init=some, seed=random)
    states = [numbers(random, 3)]
    for x in sequence(random, length):
        states.append([tanh(a + b) for a, b in zip(on(states[-1]), new(x), strict=True)])
    return distance(states if every else states[-1:])


def recurrent_at_its_end(random: Random, length: int) -> Value:
    return recurrent(random, length, every=False)


def layers(random: Random, length: int) -> Value:
    """So many, with the same weights, of five vectors."""
    linear, xs = Linear(4, 4, init=some, seed=random), sequence(random, 5)
    for _ in range(length):
        xs = [[tanh(y) for y in linear(x)] for x in xs]
    return distance(xs)


def ring(random: Random, length: int) -> Value:
    """Of each and the two before it, round and round: lanes that are others' lanes, turned."""
    linear, xs = (
        Linear(3, 1, init=some, seed=random),
        [tanh(x * x) for x in numbers(random, length)],
    )
    return distance([linear([xs[(i - 2) % length], xs[i - 1], x]) for i, x in enumerate(xs)])


def mixed(random: Random, length: int) -> Value:
    """The same weights of other operations at each place."""
    names = ("tanh", "sin", "atan", "sigmoid")
    linear = Linear(3, 3, init=some, seed=random)
    xs = sequence(random, length, 3)
    return distance(
        [linear([TABLE[names[(i + j) % 4]](x) for j, x in enumerate(v)]) for i, v in enumerate(xs)]
    )


REPEATED: list[Callable[[Random, int], Value]] = [
    transformer,
    two_blocks,
    attention_to_all,
    convolutions,
    recurrent,
    recurrent_at_its_end,
    layers,
    ring,
    mixed,
]


def lengths(build: Callable[..., Value]) -> Sequence[int]:
    """1 to 20 tokens of a transformer; of others, what is around whole vectors."""
    if build is transformer:
        return range(1, 21)
    return (2, 5, 9) if build is two_blocks else (1, 2, 3, 5, 8, 9, 13, 17)


@pytest.mark.parametrize("build", REPEATED)
def test_repeated_structure(build: Callable[..., Value]) -> None:
    """By parameters and by what is given."""
    for length in lengths(build):
        y = build(Random(length), length)
        check(y, reached(y))


@pytest.mark.parametrize("build", REPEATED)
def test_repeated_structure_at_every_width(build: Callable[..., Value], widths: int) -> None:
    for length in (3, widths + 1):
        y = build(Random(length), length)
        check(y, reached(y))


@pytest.mark.parametrize("build", REPEATED)
def test_repeated_structure_in_batches(build: Callable[..., Value]) -> None:
    y = build(Random(0), 5)
    leaves = reached(y)
    inputs, wrt = leaves[:3], leaves[3:]
    rows = [[0.1 * i + k for i, _ in enumerate(inputs)] for k in range(3)]
    step = compile(y, wrt, inputs, backend="machine")
    expected, sizes = batch_of(y, inputs, wrt, [], rows)
    for count in (3, 17):
        columns = [[*islice(cycle(column), count)] for column in zip(*rows, strict=True)]
        found, by_machine = on_machine(step, *columns)
        assert by_machine
        assert agree(found, totals(expected, count), totals(sizes, count))


def random_repetition(random: Random) -> Value:
    """A small random function of parameters and numbers, called again and again: on each part, on
    each and the one before, on each and its own last results; and so on the results, in layers."""
    own = random.choice(
        [["tanh", "sigmoid", "sin", "neg", "atan"], ["tanh", "relu", "abs", "step"]]
    )
    two = random.choice(
        [["add", "sub", "mul", "mul"], ["add", "mul", "max", "min", "mask", "less"]]
    )
    parameters = numbers(random, random.randint(1, 6))
    length, size, results = random.randint(2, 20), random.randint(1, 3), random.randint(1, 3)
    before, chained = random.random() < 0.5, random.random() < 0.4
    rows = sequence(random, length, size)
    for _ in range(random.randint(1, 3)):
        used = random.sample(parameters, random.randint(1, len(parameters)))
        program: list[tuple[str, list[int]]] = []
        new: list[list[Value]] = []
        for t, row in enumerate(rows):
            xs = [*row, *(rows[t - 1] if before and t else row)]
            if chained:
                xs += new[-1] if new else [parameters[0]] * results
            products = [x * w for x, w in zip(xs, cycle(used))]
            nodes = [*used, *xs, sum(products[1:], products[0])]
            if not program:
                first, last = len(nodes), len(nodes) + random.randint(results, 8)
                program.append((random.choice(own), [first - 1]))  # of the sum
                for n in range(first + 1, last):
                    name = random.choice([*own, *two, *two])
                    operands = [random.randrange(n) for _ in TABLE[name].derivatives]
                    program.append((name, operands))
                program.append(("add", [first, last - 1]))
            for name, operands in program:
                nodes.append(TABLE[name](*(nodes[i] for i in operands)))
            new.append(nodes[-results:])
        rows = new
    return distance(rows)


def test_random_repetitions(widths: int) -> None:
    """What is alike is found in any disguise, or not found, and the answer is right: of the last
    node, of one in its midst, by all leaves, and by those that more than one position shares."""
    packed = 0
    for seed in range(20):
        random = Random(seed)
        y = random_repetition(random)
        inner = [node for node in topological_order(y) if node.args]
        for end in (y, random.choice(inner)):
            leaves = reached(end)
            uses = Counter(x for node in topological_order(end) for x in node.args)
            shared = [x for x in leaves if uses[x] >= max(uses.values()) / 2]
            for wrt in (leaves, shared):
                for leaf in leaves:
                    leaf.grad = 0.0
                expected, sizes = eager(end, wrt)
                step = compile(end, wrt, backend="machine")
                found, by_machine = on_machine(step)
                assert agree(found, expected, sizes), seed
                assert by_machine == all(map(isfinite, expected)), seed
                tape = step.recorded
                slots = [tape.leaves[x] for x in wrt]
                groups = packs(normal_form(tape, tape.outputs), slots, BLOCK)
                packed += any(len(group) > 1 for group in groups)
    assert packed > 2


POLES = {
    "sqrt": lambda s: s.sqrt(),
    "log": lambda s: s.log(),
    "1 / s": lambda s: 1 / s,
    "s**1.5": lambda s: s**1.5,
    "s**-2.5": lambda s: s**-2.5,
    "exp": lambda s: (s * 100).exp(),
}


@pytest.mark.parametrize("pole", POLES.values(), ids=POLES)
def test_a_position_that_a_function_is_not_applied_at(pole: Callable[[Value], Value]) -> None:
    """What the function would give there, infinite or nan, is in no number."""
    pairs = [(-1.0, -1.0), (1.0, 2.0), (2.0, 2.0), (0.0, 0.0), (3.0, 0.0), (900.0, 900.0)]
    for where in ([1], [1, 2], [4, 2, 1]):
        v, w = Value(1.0), Value(2.0)
        sums = [v * Value(a) + w * Value(b) for a, b in pairs]
        terms = [pole(s) if i in where else s * s for i, s in enumerate(sums)]
        check(sum(terms[1:], terms[0]), [v, w])


def test_the_output_may_be_one_of_those_that_are_alike() -> None:
    random = Random(1)
    v, w = Value(0.3), Value(-0.7)
    alike = [tanh(v * Value(random.random()) + w * Value(random.random())) for _ in range(5)]
    for y in alike:
        v.grad = w.grad = 0.0
        expected, sizes = eager(y, [v, w])
        step = compile(y, [v, w], also=alike, backend="machine")
        value, gradients, found = step()
        assert agree([value, *gradients], expected, sizes)
        assert found == pytest.approx([z.data for z in alike], rel=1e-14)


def test_what_is_filled_in_changes_nothing_else() -> None:
    """The sign of -0; a base that one exponent bears, and another does not; a hidden nan."""
    v, u = Value(1.0), Value(0.5)
    zeros = [Value(x) * Value(1.0) for x in (-0.0, 1.0, 1.0)]
    check(sum(((v * (1 / x).atan() + u * x).tanh() for x in zeros), Value(0.0)), [v, u])
    v, w = Value(1.0), Value(0.5)
    s = [v * Value(x) + w * Value(1.0) for x in (-1.5, *[1.0] * 7)]
    check(sum((x**3 for x in s), s[1] ** 0.7 + s[2] ** 0.7), [v, w])
    v, w = Value(1.0), Value(0.5)
    s = [v * Value(x) + w * Value(1.0) for x in (-1.0, 1.0, 2.0)]
    check(s[0] * s[0] + sum((x * x + x ** x.log() for x in s[1:]), Value(0.0)), [v, w])


def test_the_same_after_an_infinity_that_was_hidden() -> None:
    """-0 and infinities are told apart as the engine does, where the answer is finite."""
    v, x = Value(2.0), Value(1.0)
    mask = TABLE["mask"]
    for y, number in (
        (v * tanh(x**-0.5), -0.0),
        (v * mask(x.log() ** -0.5, x + 3), 0.0),
        (v * (1 / -x).atan(), 0.0),
        (v * ((x / Value(0.0)).atan() + 2 * (x / Value(-0.0)).atan()), 1.0),
    ):
        expected = compile(y, v, x, backend="python")([number] * 3)
        assert compile(y, v, x, backend="machine")([number] * 3) == expected


HIDE: list[Callable[[Value, Value], Value]] = [
    lambda c, y: y**c,
    lambda c, y: either(c + 1, y),
    lambda c, y: mask(c + 1, y) ** c,
    lambda c, y: mask(c, y) + y**c,
]


@pytest.mark.parametrize("hide", HIDE)
def test_a_nan_that_the_output_does_not_show_is_in_the_gradient(hide: Any) -> None:
    c, x, z = Value(0.0), Value(-1.0), Value(2.0)
    alone = compile(hide(c, x.log()), x, backend="machine")
    of_many = compile(hide(c, (x * z).log()), z, x, backend="machine")
    for step, columns in ((alone, []), (of_many, [[-1.0] * 9])):
        assert isnan(quiet(step, *columns)[1][0])


def test_a_nan_that_a_mask_keeps_out_is_not() -> None:
    """It is not even run again: all that the machine says is finite, and right."""
    c, x, z = Value(0.0), Value(-1.0), Value(2.0)
    alone = compile(mask(c, x.log()) + x, x, backend="machine")
    of_many = compile(mask(c, (x * z).log()) + z, z, x, backend="machine")
    for step, columns, slope in ((alone, [], 1.0), (of_many, [[-1.0] * 9], 9.0)):
        (_, *slopes), by_machine = on_machine(step, *columns)
        assert (slopes, by_machine) == ([slope], True)


def test_a_kink_is_met_where_the_engine_meets_it() -> None:
    """A mean of three equal numbers is that number: no reciprocal of 3 is rounded."""
    a, b, c = (Value(0.3) for _ in range(3))
    mean = (a + b + c) / 3
    check((a - mean).relu() + (b - mean) * 0.5, [a, b, c])


@pytest.mark.parametrize("exponent", [-2.0, -1.5, -1.0, -0.5, 0.5, 1.5, 2.0])
@pytest.mark.parametrize("number", [0.0, 1e-300, 0.7, 1e155, inf])
def test_powers_that_are_products(exponent: float, number: float) -> None:
    x, w = Value(number), Value(1.0)
    expected, sizes = eager((x * w) ** exponent, [x, w])
    found, by_machine = on_machine(compile((x * w) ** exponent, [x, w], backend="machine"))
    assert agree(found, expected, sizes)
    assert by_machine == all(map(isfinite, expected))


@pytest.mark.parametrize("build", [*REPEATED, random_repetition])
def test_no_parameter_changes_before_its_last_reader(build: Callable[..., Value]) -> None:
    """The gradients of a step that changes them are, to the bit, those of one that does not."""
    for seed in range(3, 9) if build in REPEATED else range(100):
        y = build(Random(seed), *([seed] if build in REPEATED else []))
        leaves = reached(y)
        machine = compile(y, leaves, backend="machine").program()
        found = machine.run([], 1).tolist()
        if all(map(isfinite, found[1:])):
            run = machine.training([], 1, False, SGD(leaves, 0.37))
            assert [*run.steps(1)[0].tolist(), *run.gradients()] == found


def test_the_same_after_the_parameters_have_changed() -> None:
    """A step keeps no numbers: those of the leaves are looked at in each call."""
    y = transformer(Random(3), 6)
    leaves = reached(y)
    step = compile(y, leaves, backend="machine")
    for shift in (0.5, -0.25):
        for x in leaves:
            x.data += shift
        again, new, old = rebuilt(y)
        assert old == leaves
        expected, sizes = eager(again, new)
        found, _ = on_machine(step)
        assert agree(found, expected, sizes)


def test_nan_and_infinity_are_reported_as_ever() -> None:
    """The machine's numbers are not finite, so the eager engine is asked."""
    x, w = Value(2.0, "x"), Value(3.0, "w")
    step = compile((x * w).log(), [w], [x], backend="machine")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value, (slope,) = step([1.0, 2.0, -1.0])
    assert [str(warning.message) for warning in caught] == ["example 2: log(-3) is nan"]
    assert value != value
    assert slope != slope
    assert step([0.0, 1.0])[0] == -inf
    assert step([nan])[0] != 0
    assert step([1.0])[0] == pytest.approx(1.0986122886681098)


@pytest.mark.parametrize("count", [1, 8, 100])
def test_constants_and_leaves_may_be_wanted_too(count: int, widths: int) -> None:
    """Added up like all else, and a dozen of them."""
    x, w, unused = Value(2.0), Value(3.0), Value(4.0)
    y = x * w * 2.0
    also = [(w * 2).args[1], w, x, unused, y, Value(5.0) * 0 + 7, *(x * float(i) for i in range(8))]
    step = compile(y, [w, unused], x, also=also, backend="machine")
    value, gradients, found = step([2.0] * count)
    assert (value, gradients) == (count * 12.0, [count * 4.0, 0.0])
    wanted = [2.0, 3.0, 2.0, 4.0, 12.0, 7.0, *(2.0 * i for i in range(8))]
    assert found == [count * z for z in wanted]
    assert compile((w * 2).args[1], w, backend="machine")() == (2.0, [0.0])
    assert compile((w * 2).args[1], w, x, backend="machine")([1.0, 1.0]) == (4.0, [0.0])
    assert compile(w, [w], [x], backend="machine")([1.0] * count) == (3.0 * count, [1.0 * count])
