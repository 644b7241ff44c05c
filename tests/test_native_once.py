"""What no example changes, such as a penalty on the parameters, is computed once: numbers and cost.

The numbers are those of the eager engine, which adds the penalty to the loss of each example.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle, islice, pairwise
from math import inf, isfinite
from random import Random
from typing import Any

import pytest
from test_compiled import eager
from test_native import agree, batch_of, on_machine, totals, widths

from tinygrad_edu import Value, compile, maximum, sigmoid, sqrt, step, tanh, where
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, Adam, Optimizer

pytest.importorskip("llvmlite")
from test_native_safety import limits, run, words

from tinygrad_edu.compiler.native.binding.check_bytecode import check

__all__ = ["widths"]  # a fixture

COUNTS = (1, 7, 104, 105, 300)
PARAMETERS = 70  # with vectors of 4 doubles, more than a row of 52 lanes has

Graph = Callable[[list[Value], list[Value]], Value]  # of parameters and inputs


def line(ws: Sequence[Value], xs: Sequence[Value]) -> Value:
    """A part that examples change."""
    return tanh(ws[0] * xs[0] + ws[1] * xs[1] + ws[2])


def norms(ws: Sequence[Value]) -> list[Value]:
    """A norm for each ten parameters."""
    return [sqrt(sum(w * w for w in ws[i : i + 10])) for i in range(0, PARAMETERS, 10)]


PENALTIES: dict[str, Graph] = {
    "squares": lambda ws, xs: line(ws, xs) + 0.1 * sum(w * w for w in ws),
    "powers": lambda ws, xs: line(ws, xs) + 0.1 * sum(w**2 for w in ws[3:]),
    "sizes": lambda ws, xs: line(ws, xs) + 0.1 * sum(abs(w) for w in ws),
    "exp": lambda ws, xs: line(ws, xs) - 0.01 * sum(w.exp() for w in ws[::2]),
    "log": lambda ws, xs: line(ws, xs) - sum((w * w + 0.1).log() for w in ws[7:50]),
    "log of some": lambda ws, xs: line(ws, xs) - 0.1 * sum(w.log() for w in ws if w.data > 0),
    "entropy": lambda ws, xs: line(ws, xs) + sum(abs(w) * (abs(w) + 1).log() for w in ws),
    "one at a time": lambda ws, xs: sum((0.01 * w * w for w in ws), line(ws, xs)),
    "mean first": lambda ws, xs: line(ws, xs) / 7 + (0.1 / 7) * sum(w * w for w in ws),
    "own weights": lambda ws, xs: line(ws, xs) + sum(0.1 * i * w * w for i, w in enumerate(ws)),
    "own targets": lambda ws, xs: line(ws, xs) + sum((w - 0.1 * i) ** 2 for i, w in enumerate(ws)),
    "neighbours": lambda ws, xs: line(ws, xs) + sum((v - w) ** 2 for v, w in pairwise(ws)),
    "mirrored": lambda ws, xs: line(ws, xs) + sum(v * w.exp() for v, w in zip(ws, ws[::-1])),
    "a row apart": lambda ws, xs: line(ws, xs) + sum(v * w for v, w in zip(ws[3:], ws[11:])),
    "two rows": lambda ws, xs: line(ws, xs) + sum(v * w for v, w in zip(ws[3:11], ws[11:19])),
    "norms": lambda ws, xs: line(ws, xs) + 0.1 * sum(norms(ws)),
    "norm": lambda ws, xs: line(ws, xs) + 0.1 * sqrt(sum(w * w for w in ws)),
    "product": lambda ws, xs: line(ws, xs) * (1 + 0.01 * sum(w * w for w in ws)),
    "few": lambda ws, xs: line(ws, xs) * (ws[3] * ws[40]).exp() + ws[5] / (ws[59] * ws[59] + 1),
    "sums of few": lambda ws, xs: line(ws, xs) + ws[3] * ws[4] + sigmoid(ws[5] + ws[6]) / 2,
    "shared": lambda ws, xs: (lambda u: u * xs[0] + u.exp() * line(ws, xs) + u)(
        0.1 * sum(w * w for w in ws[:30])
    ),
    "shared twice": lambda ws, xs: sum(
        norm * norm.exp() * x for norm, x in zip(norms(ws), cycle(xs))
    ),
    "weights as functions": lambda ws, xs: tanh(
        sum(w.exp() * x for w, x in zip(ws[:20], cycle(xs))) * 0.1
    ),
    "softmax": lambda ws, xs: (lambda es: sum(e / sum(es) * x for e, x in zip(es, cycle(xs))))(
        [w.exp() for w in ws[:12]]
    ),
    "kinks": lambda ws, xs: line(ws, xs) + sum(maximum(w, 0.1) + w.relu() for w in ws),
    "masks": lambda ws, xs: line(ws, xs) + sum(where(step(w), w.log(), w * w) for w in ws),
    "masks of examples": lambda ws, xs: (
        line(ws, xs) + where(step(xs[0]), sum(w.log() for w in ws), 0.1 * sum(w * w for w in ws))
    ),
    "nothing else": lambda ws, xs: sum(w * w for w in ws) + 0 * xs[0],
    "no example": lambda ws, xs: sum(w * w * w for w in ws) + ws[0].exp(),
}


def leaves() -> tuple[list[Value], list[Value]]:
    """Parameters, both signs, and inputs."""
    random = Random(1)
    numbers = [random.uniform(0.2, 1.5) * random.choice((-1, 1)) for _ in range(PARAMETERS)]
    return [Value(x) for x in numbers], [Value(0.5), Value(-0.5)]


@pytest.mark.parametrize("name", PENALTIES)
def test_numbers_are_those_of_the_eager_engine(name: str, widths: int) -> None:
    """Loss, penalty and all gradients, for chunks that are full, and that are not."""
    ws, xs = leaves()
    y = PENALTIES[name](ws, xs)
    also = 0.5 * sum(w * w for w in ws[1:])
    rows = [[0.3 * i - 1, 0.7 - 0.2 * i] for i in range(7)]
    expected, sizes = batch_of(y, xs, ws, [also], rows)
    compiled = compile(y, ws, xs, also=also, backend="machine")
    for count in COUNTS:
        columns = [[*islice(cycle(column), count)] for column in zip(*rows)]
        found, by_machine = on_machine(compiled, *columns)
        wanted = totals(expected, count)
        assert agree(found, wanted, totals(sizes, count)), count
        assert by_machine == all(map(isfinite, wanted)), count


def test_leaves_that_are_neither_inputs_nor_parameters() -> None:
    """They have their present numbers, and no gradients."""
    (a, b, *ws), xs = leaves()
    y = line(ws, xs) + a * sum((w - b) ** 2 for w in ws)
    compiled = compile(y, ws, xs, backend="machine")
    for a.data in (0.1, 0.2):
        rows = [[0.1, 0.2], [0.3, 0.4]]
        expected, sizes = batch_of(y, xs, ws, [], rows)
        found, by_machine = on_machine(compiled, *zip(*rows))
        assert by_machine
        assert agree(found, totals(expected, 2), totals(sizes, 2))


@pytest.mark.parametrize("name", PENALTIES)
def test_a_single_example_without_inputs(name: str, widths: int) -> None:
    """Its lanes are repeated parts of the graph; the rest of them is lanes of a long sum, too."""
    ws, xs = leaves()
    y = PENALTIES[name](ws, xs)
    expected, sizes = eager(y, ws)
    found, by_machine = on_machine(compile(y, ws, backend="machine"))
    assert agree(found, expected, sizes)
    assert by_machine == all(map(isfinite, expected))


def test_a_penalty_in_the_branch_that_is_not_taken() -> None:
    """Its gradient stays away from that of a single example."""
    ws, _ = leaves()
    y = where(step(ws[0] - 9), sum((w - w.data).sqrt() * w for w in ws), ws[0] * ws[1])
    expected, sizes = eager(y, ws)
    found, by_machine = on_machine(compile(y, ws, backend="machine"))
    assert by_machine
    assert agree(found, expected, sizes)


def test_where_no_example_takes_a_branch_its_infinity_stays_away() -> None:
    """Its gradient is 0 without help of the eager engine."""
    w, x = Value(0.0), Value(1.0)
    compiled = compile(where(step(x), w.sqrt(), w - 4), [w], [x], backend="machine")
    assert on_machine(compiled, [-1.0] * 9) == ([-36.0, 9.0], True)
    assert on_machine(compiled, [1.0, *[-1.0] * 8]) == ([-32.0, inf], False)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize("count", [1, 7, 300])
@pytest.mark.parametrize(
    "name", ["squares", "neighbours", "a row apart", "two rows", "mirrored", "norms", "log of some"]
)
def test_training(name: str, count: int, optimizer: type[Optimizer], widths: int) -> None:
    """An optimizer moves a parameter after everybody has read it, in the last chunk only."""
    rows = [[*islice(cycle(column), count)] for column in ([0.3, -1, 0.5], [0.1, 0.2, 0.3, -0.4])]
    found = []
    for backend in ("machine", "python"):
        ws, xs = leaves()
        compiled = compile(PENALTIES[name](ws, xs), ws, xs, reduction="mean", backend=backend)
        history = compiled.train(optimizer(ws, 0.01), rows, epochs=5, progress=False)
        found.append([*history.losses, *(w.data for w in ws)])
    assert found[0] == pytest.approx(found[1], rel=1e-9)


# --- what it costs -------------------------------------------------------------------------------


def plan(n: int, layers: list[int], penalty: Callable[[Value], Value] | None, count: int) -> Any:
    """The plan of a network whose parameters all have this penalty."""
    model, inputs = MLP(n, layers, seed=1), [Value(0.5) for _ in range(n)]
    (score,) = model(inputs)
    if penalty is not None:
        score = score + 0.01 * sum(penalty(p) for p in model.parameters())
    step = compile(score, model.parameters(), inputs, backend="machine")
    return step.program().plan(count)


def instructions(plan: Any) -> int:
    code, at, found = words(plan).tolist(), 0, 0
    while code[at]:
        found, at = found + 1, at + code[at + 1]
    return found


@pytest.mark.parametrize("name", ["w**2", "exp", "abs", "log(1 + w**2)"])
def test_a_penalty_costs_a_few_instructions_for_each_row_of_parameters(
    name: str, widths: int
) -> None:
    """Not for each parameter, and not for each lane."""
    penalty: Callable[[Value], Value] = {
        "w**2": lambda w: w * w,
        "exp": Value.exp,
        "abs": abs,
        "log(1 + w**2)": lambda w: (1 + w * w).log(),
    }[name]
    for count in (1, 8, 30, 100):
        without, with_it = (plan(2, [16, 16, 1], p, count) for p in (None, penalty))
        rows = -(-with_it.size // with_it.lanes)
        assert instructions(with_it) - instructions(without) <= 3 * rows + 20


@pytest.mark.parametrize("name", PENALTIES)
def test_the_bytecode_stays_in_its_arena(name: str) -> None:
    """Every address that the machine uses, as `run` finds them."""
    ws, xs = leaves()
    compiled = compile(PENALTIES[name](ws, xs), ws, xs, backend="machine")
    for count in (7, 100):
        made = compiled.program().plan(count)
        table = words(made)
        check(table, *limits(made))
        assert max(run(table, *limits(made))) < made.fixed.size
