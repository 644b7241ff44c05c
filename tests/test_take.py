"""`take(table, index)` with an index that is an input: beside `table[i]`, the list's own way."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from random import Random
from typing import Any, NamedTuple

import pytest
from test_emit import EVERY, Runner, answers

from tinygrad_edu import Value, compile, gradcheck, relu, sin, take, tanh
from tinygrad_edu.compiler.languages import program
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.errors import LengthError
from tinygrad_edu.losses import cross_entropy, mse_loss
from tinygrad_edu.nn import Embedding, Linear, Module
from tinygrad_edu.optim import SGD, Adam
from tinygrad_edu.train import train

# Without machine code, whichever test is the first to compile is told that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")

BACKENDS = pytest.mark.parametrize("backend", ["python", "numpy", "machine"])
NEEDS = {"numpy": "numpy", "machine": "llvmlite"}
PROGRAMS = 200


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name in NEEDS and not find_spec(NEEDS[name]):
        pytest.skip(f"{NEEDS[name]} is not installed")
    return name


@pytest.fixture
def runner(tmp_path: Any, language: str) -> Runner:
    return Runner(tmp_path, language)


class Case(NamedTuple):
    """A random program. f: takes indices, then one number. sizes: of the tables, by index."""

    f: Callable[..., Value]
    leaves: list[Value]
    sizes: list[int]


def case(seed: int) -> Case:
    """Tables of leaves and of computed Values, of numbers and of vectors, some taken from twice."""
    random = Random(seed)
    leaves: list[Value] = []

    def leaf() -> Value:
        leaves.append(Value(random.uniform(-1.5, 1.5)))
        return leaves[-1]

    sizes = [random.randint(1, 6) for _ in range(random.randint(1, 3))]
    widths = [random.choice([0, 1, 3]) for _ in sizes]
    tables = [
        [leaf() if not width else [leaf() for _ in range(width)] for _ in range(size)]
        for size, width in zip(sizes, widths)
    ]
    shared, bias = leaf(), leaf()
    computed = random.random() < 0.5
    functions = [random.choice([tanh, sin, relu]) for _ in range(6)]
    logits = [leaf() for _ in range(sizes[0])] if random.random() < 0.3 else []

    def f(*given: Any, pick: Callable[[Any, Any], Any] = take) -> Value:
        *indices, x = given
        total = bias * x
        for n, (table, i) in enumerate(zip(tables, indices)):
            if computed and not widths[n]:
                table = [functions[k](entry * x + shared) for k, entry in enumerate(table)]
            entry = pick(table, i)
            for d, number in enumerate(entry if isinstance(entry, list) else [entry]):
                total = functions[(n + d) % 6](total) * number + number * shared
        if logits:
            total = total + cross_entropy([z * x for z in logits], indices[0])
        return total

    return Case(f, leaves, sizes)


def given(sizes: Sequence[int], random: Random, count: int) -> list[list[float]]:
    """A column for each index, and one of numbers."""
    columns = [[float(random.randrange(size)) for _ in range(count)] for size in sizes]
    return [*columns, [random.uniform(-2, 2) for _ in range(count)]]


def eagerly(made: Case, examples: Sequence[Sequence[float]]) -> tuple[float, list[float]]:
    """The sum over the examples and its gradients, by list[i] and the eager engine."""
    for p in made.leaves:
        p.grad = 0.0
    total = 0.0
    for *indices, x in examples:
        y = made.f(*map(int, indices), x, pick=lambda table, i: table[i])
        y.backward()
        total += y.data
    return total, [p.grad for p in made.leaves]


@pytest.mark.parametrize("backend", ["python", "numpy", "machine"], indirect=True)
def test_random_programs_with_indices_agree_with_a_list_s_own_index(backend: str) -> None:
    for seed in range(PROGRAMS):
        made, random = case(seed), Random(seed)
        columns = given(made.sizes, random, random.choice([1, 3, 20]))
        step = compile(made.f, made.leaves, [0.0] * len(columns), backend=backend)  # type: ignore[call-overload]
        value, slopes = step(*columns)
        wanted, expected = eagerly(made, [*zip(*columns)])
        assert value == pytest.approx(wanted, rel=1e-12, abs=1e-12), seed
        assert slopes == pytest.approx(expected, rel=1e-11, abs=1e-12), seed


@pytest.mark.parametrize("language", EVERY)
def test_programs_in_other_languages_take_the_same_entries(runner: Runner, language: str) -> None:
    for seed in range(PROGRAMS):
        made, random = case(seed), Random(seed)
        example = [column[0] for column in given(made.sizes, random, 1)]
        inputs = [Value(x) for x in example]
        y = made.f(*inputs)
        text = program(
            record([y], made.leaves), made.leaves, language, arguments=[*inputs, *made.leaves]
        )
        point = [*example, *(p.data for p in made.leaves)]
        value, *slopes = answers(runner, text, [point])[0]
        wanted, expected = eagerly(made, [example])
        assert value == pytest.approx(wanted, rel=1e-12, abs=1e-12), seed
        assert slopes == pytest.approx(expected, rel=1e-11, abs=1e-12), seed


@pytest.mark.parametrize("language", EVERY)
def test_a_program_says_nan_for_an_index_outside_of_the_table(
    runner: Runner, language: str
) -> None:
    i, table = Value(1.0, "i"), [Value(2.0), Value(3.0)]
    text = program(record([take(table, i) * 5], table), table, language, arguments=[i, *table])
    found = answers(runner, text, [[x, 2.0, 3.0] for x in (0, 1, 2, -1, 0.5, 1e300)])
    assert [row[0] for row in found[:2]] == [10, 15]
    assert all(value != value for value, *_ in found[2:])


@pytest.mark.parametrize("backend", ["python", "numpy", "machine"], indirect=True)
@pytest.mark.parametrize("wrong", [4.0, -1.0, 1.5, 1e300])
def test_an_index_outside_of_the_table_is_an_error_that_names_it(
    backend: str, wrong: float
) -> None:
    table = [Value(float(k)) for k in range(4)]
    step = compile(lambda word: take(table, word) ** 2, table, [0.0], backend=backend)  # type: ignore[call-overload]
    message = rf"example 2: the index word must be a whole number from 0 to 3, not {wrong:g}$"
    for ask in (step, step.outputs, lambda xs: step.train(SGD(table, 0.1), [xs], 3)):
        with pytest.raises(IndexError, match=message.replace("+", r"\+")):
            ask([0.0, 3.0, wrong, 1.0])
    run = step.begin(SGD(table, 0.1), [0.0, 1.0, 2.0])
    run.step()
    run.feed([0.0, 1.0, wrong])
    with pytest.raises(IndexError, match="the index word"):
        run.step()
    assert all(p.data == p.data for p in table)


def test_a_number_as_an_index_is_that_of_the_list() -> None:
    table = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    assert take(table, 1) is table[1]
    assert take(table, 1.0) is table[1]
    assert take([5.0, 6.0], True) == 6.0


@pytest.mark.parametrize(
    ("table", "index", "error", "message"),
    [
        ([1.0, 2.0], 2, IndexError, "a whole number from 0 to 1, not 2"),
        ([1.0, 2.0], -1, IndexError, "a whole number from 0 to 1, not -1"),
        ([1.0, 2.0], Value(2.0, "word"), IndexError, "the index word must be .* to 1, not 2"),
        ([1.0, 2.0], Value(0.5), IndexError, "to 1, not 0.5"),
        ([1.0, 2.0], 0.5, TypeError, "must be a whole number, not 0.5"),
        ([1.0, 2.0], "1", TypeError, "must be a whole number, not '1'"),
        ([1.0, 2.0], float("nan"), TypeError, "must be a whole number, not nan"),
        ([], 0, LengthError, "the table is empty"),
        ([[1.0], [1.0, 2.0]], Value(0.0), LengthError, "entries .* have different lengths"),
        ([[1.0], 2.0], Value(0.0), LengthError, "entries .* have different lengths"),
    ],
)
def test_a_wrong_index_or_table_is_told(
    table: Any, index: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        take(table, index)


def test_the_gradient_goes_to_the_entry_and_infinite_neighbours_do_not_matter() -> None:
    table = [Value(float("inf")), Value(3.0), Value(float("nan"))]
    index = Value(1.0)
    y = take(table, index) ** 2
    y.backward()
    assert (y.data, [p.grad for p in table], index.grad) == (9.0, [0.0, 6.0, 0.0], 0.0)
    assert gradcheck(lambda a, b: take([a, b], Value(1.0)) * a, 2.0, 3.0)


class Names(Module):
    """Bengio et al. (2003), small: the vectors of two letters, a layer, the logits of the next."""

    def __init__(self) -> None:
        self.letters = Embedding(5, 3, seed=1)
        self.inner = Linear(6, 4, seed=2)
        self.outer = Linear(4, 5, seed=3)

    def forward(self, xs: Any) -> Any:
        first, second = (self.letters(x) for x in xs)
        return self.outer([tanh(z) for z in self.inner([*first, *second])])


@pytest.mark.parametrize("batch_size", [0, 4])
def test_a_model_with_an_embedding_trains_compiled_as_it_does_eagerly(batch_size: int) -> None:
    random = Random(0)
    data = [([random.randrange(5), random.randrange(5)], random.randrange(5)) for _ in range(12)]

    def losses(compiled: bool) -> list[float]:
        model = Names()
        optimizer = Adam(model.parameters(), 0.05)
        how: dict[str, Any] = {"batch_size": batch_size, "progress": False}
        run = train(model, cross_entropy, data, optimizer, epochs=5, compiled=compiled, **how)
        return run.losses

    assert losses(True) == pytest.approx(losses(False), rel=1e-11)


def test_a_list_s_own_index_says_what_to_write() -> None:
    table = [[Value(0.5)], [Value(-0.5)]]
    with pytest.raises(TypeError, match=r"Write take\(table, x\) for table\[x\]"):
        compile(lambda i: mse_loss(table[i], [1.0]), wrt=[], inputs=[0.0])
    i = Value(0.0, "i")
    with pytest.raises(TypeError, match=r"take\(table, x\)"):
        table[i]  # type: ignore[call-overload]


def test_ignored_labels_cost_no_products() -> None:
    """A mask around the loss masks rows, not each gradient: their number is that of the rows."""
    pytest.importorskip("llvmlite")
    ws = [[Value(0.1 * i - 0.2 * j) for i in range(20)] for j in range(10)]
    flat = [w for row in ws for w in row]

    def f(label: Any, *xs: Any) -> Value:
        logits = [sum((w * x for w, x in zip(row, xs)), Value(0.0)) for row in ws]
        return cross_entropy(logits, label)

    step = compile(f, flat, [0.0] * 21)
    columns = [[1.0, 2.0, -100.0], *([0.5, -1.0, 2.0] for _ in range(20))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, _ = step(*columns)
    assert value == pytest.approx(compile(f, flat, [0.0] * 21, backend="python")(*columns)[0])  # type: ignore[call-overload]
    rows = len(step.program().plan(3).bytecode) // 4
    assert rows < 6000


def test_rows_of_logits_become_lanes_of_one_row() -> None:
    """The chain of a softmax has the order of the logits, whatever their numbers are."""
    pytest.importorskip("llvmlite")

    def code(*numbers: float) -> bytes:
        ws = [[Value(0.1), Value(0.2), Value(0.3)], [Value(0.4), Value(0.5), Value(0.6)]]

        def f(*labels: Any) -> Value:
            rows = [[sum((w * x for w in row), Value(0.0)) for row in zip(*ws)] for x in numbers]
            return sum((cross_entropy(row, t) for row, t in zip(rows, labels)), Value(0.0))

        step = compile(f, [w for row in ws for w in row], [0.0] * len(numbers))
        return step.program().plan(1).bytecode

    assert len(code(0.5, -1.0, 2.0, 3.0)) < 1.5 * len(code(0.5, 0.5))
