"""The numbers and the words of a live page are those of the package, in two engines of JavaScript.

The page's own files run here, on random graphs over every row of the table, at points with special
numbers, and on texts of numbers. QuickJS and node compute elementary functions with other last
digits than Python, so numbers agree to 1e-12 of their size, which is that of all contributions.
"""

from __future__ import annotations

import json
import math
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import SPECIAL, neuron, random_value
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import (
    TABLE,
    Op,
    Value,
    clip,
    gelu,
    graph,
    hypot,
    leaky_relu,
    losses,
    maximum,
    minimum,
    relu,
    sigmoid,
    silu,
    step,
    take,
    where,
)
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.analysis.notation import number as number_of
from tinygrad_edu.analysis.trace import trace_of
from tinygrad_edu.draw.view import View
from tinygrad_edu.engine import as_value
from tinygrad_edu.live.page import _data, recomputed
from tinygrad_edu.live.rows import rows
from tinygrad_edu.rows.formula import rounded

WEB = Path(tinygrad_edu.__file__).parent / "live" / "web"
ROWS = list(TABLE.values())
COUNT, POINTS = 500, 3

# Numbers go in and out as their bits: QuickJS reads and writes some with another last digit.
BITS = """
const words32 = new Uint32Array(2), double = new Float64Array(words32.buffer);
const number = (text) => {
  words32[1] = parseInt(text.slice(0, 8), 16);
  words32[0] = parseInt(text.slice(8), 16);
  return double[0];
};
const bits = (x) => {
  double[0] = x === x ? x : NaN; // of one sign
  return [words32[1], words32[0]].map((word) => word.toString(16).padStart(8, "0")).join("");
};
"""


def bits(x: float) -> str:
    return struct.pack(">d", x).hex()


def number(text: str) -> float:
    (x,) = struct.unpack(">d", bytes.fromhex(text))
    return float(x)


def source(ops: Sequence[Op] = ROWS) -> str:
    """The script of a page, as far as it knows nothing of a document."""
    files = (WEB / f"{name}.js" for name in ("numbers", "graph", "words"))
    return rows(ops) + "".join(file.read_text("utf-8") for file in files) + BITS


Run = Callable[[str], Any]


def in_node(script: str) -> Any:
    """What the function `answer` of a script returns, in node."""
    script = f'(() => {{ "use strict"; {script}\nconsole.log(JSON.stringify(answer())); }})();'
    done = subprocess.run(["node"], input=script, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def in_quickjs(script: str) -> Any:
    """The same in QuickJS."""
    engine = pytest.importorskip("quickjs").Context()
    script = f'(() => {{ "use strict"; {script}\nreturn JSON.stringify(answer()); }})()'
    return json.loads(engine.eval(script))


@pytest.fixture(scope="module", params=["node", "quickjs"])
def run(request: pytest.FixtureRequest) -> Run:
    return in_node if request.param == "node" else in_quickjs


ENGINES = pytest.mark.machine


def asked(run: Run, questions: Any, answer: str, ops: Sequence[Op] = ROWS) -> Any:
    """What the JavaScript function `answer` returns for these questions."""
    text = json.dumps(questions)
    return run(
        f"{source(ops)}\nconst questions = {text};\nconst answer = () => ({answer})(questions);"
    )


# --- numbers as text -----------------------------------------------------------------------------


def numbers() -> list[float]:
    """Special ones, ties, powers of ten and their neighbours, and random bits."""
    random = Random(3)
    found = [
        *SPECIAL,
        2.0**-44,
        9007199254740993.0,
        0.5,
        1.5,
        2.5,
        0.125,
        0.375,
        1e21,
        1e22,
        5e-324,
    ]
    found += [k / 2**e for k in range(1, 400, 3) for e in (1, 2, 3, 5, 8, 12, 17)]
    found += [(2 * k + 1) * 5.0 * 10**e for k in range(6) for e in range(18)]
    for e in range(-25, 26):
        for x in (10.0**e, 9.99995 * 10.0**e, 9.5 * 10.0**e, 0.99995 * 10.0**e):
            found += [x, math.nextafter(x, 0.0), math.nextafter(x, inf)]
    found += [random.uniform(-100, 100) for _ in range(500)]
    found += [round(random.uniform(-100, 100), random.randrange(6)) for _ in range(500)]
    found += [number(random.randbytes(8).hex()) for _ in range(1500)]
    return [*found, *(-x for x in found)]


ROUNDED = "(all) => all.map(([x, precision]) => rounded(number(x), precision))"


@ENGINES
def test_numbers_are_written_as_python_writes_them(run: Run) -> None:
    most = 18 if run is in_node else 13  # QuickJS itself writes a digit too many now and then
    pairs = [(x, precision) for x in numbers() for precision in range(most)]
    told = asked(run, [(bits(x), precision) for x, precision in pairs], ROUNDED)
    wrong = [
        (x, precision, text)
        for (x, precision), text in zip(pairs, told, strict=True)
        if text != rounded(x, precision)
    ]
    assert not wrong, f"{len(wrong)} of {len(pairs)}, first {wrong[:5]}"


@ENGINES
def test_any_number_is_written_as_python_writes_it() -> None:
    pairs: list[tuple[float, int]] = []

    @given(st.lists(st.tuples(st.floats(), st.integers(0, 17)), min_size=20))
    def draw(some: list[tuple[float, int]]) -> None:
        pairs.extend(some)

    draw()
    assert len(pairs) > 2000
    told = asked(in_node, [(bits(x), precision) for x, precision in pairs], ROUNDED)
    assert told == [rounded(x, precision) for x, precision in pairs]


# --- both passes ---------------------------------------------------------------------------------

PASSES = """(all) => all.flatMap(([data, points]) => {
  const graph = new Graph(data);
  return points.map((point) => {
    for (const [leaf, x] of point) graph.value[leaf] = number(x);
    graph.run();
    const last = graph.moment(graph.events.length);
    const lines = graph.events.map((_, i) => eventLine(graph, data, i));
    return {
      value: [...graph.value].map(bits), grad: [...graph.grad].map(bits),
      moment: [...last.grad].map(bits), known: [...last.hasGrad], passed: [...last.passed],
      passes: [...graph.passes], contribution: [...graph.contribution].map(bits),
      first: graph.firstNonfinite(), lines: [givenLine(graph, data), ...lines],
      events: graph.events.map((event) => [event.phase, event.node, event.edge]),
    };
  });
})"""


def data_of(g: Graph, precision: int = 4, ops: Sequence[Op] = ROWS) -> dict[str, Any]:
    return _data(g, ops, View(precision=precision), "", ())


def at_points(y: Value, points: Sequence[Sequence[float]]) -> Iterator[Graph]:
    """The graph at some points, each with as many numbers as there are leaves."""
    g = graph(y)
    for point in points:
        numbers = iter(point)
        nodes = tuple(
            node._replace(data=next(numbers)) if node.kind == "leaf" else node for node in g.nodes
        )
        yield recomputed(Graph(nodes, g.outputs))


def ask(run: Run, cases: Sequence[Sequence[Graph]], **given: Any) -> Iterator[tuple[Graph, Any]]:
    """Each graph of each case, a graph at some points, and what the engine says of it."""
    questions = []
    for graphs in cases:
        points = [
            [(node.id, bits(number_of(node))) for node in g.nodes if node.kind == "leaf"]
            for g in graphs
        ]
        questions.append((data_of(graphs[0], **given), points))
    told = asked(run, questions, PASSES, given.get("ops", ROWS))
    yield from zip([g for graphs in cases for g in graphs], told, strict=True)


def random_cases() -> list[list[Graph]]:
    """Random graphs at points of special and other numbers, with each row of the table."""
    found = []
    for seed in range(COUNT):
        random = Random(seed)
        y = random_value(random, random.randint(1, 12))
        leaves = sum(node.kind == "leaf" for node in graph(y).nodes)
        points = [
            [
                random.choice([*SPECIAL, *(random.uniform(-3, 3) for _ in range(20))])
                for _ in range(leaves)
            ]
            for _ in range(POINTS)
        ]
        found.append(list(at_points(y, points)))
    assert {node.op for graphs in found for node in graphs[0].nodes} >= set(ROWS)
    return found


@pytest.fixture(scope="module")
def cases() -> list[list[Graph]]:
    return random_cases()


def agree(found: Sequence[str], expected: Sequence[float | None], sizes: Sequence[float]) -> bool:
    """A constant has no gradient, and the page has 0 there."""
    pairs = zip(map(number, found), (e or 0.0 for e in expected), sizes, strict=True)
    return all(x == e or (x != x and e != e) or abs(x - e) <= 1e-12 * size for x, e, size in pairs)


@ENGINES
def test_both_passes_have_the_numbers_and_the_order_of_the_package(
    run: Run, cases: list[list[Graph]]
) -> None:
    odd = 0
    for g, told in ask(run, cases):
        events = trace_of(g)
        edges = [e.passing and 2 * e.passing.target + e.passing.operand for e in events]
        assert told["events"] == [
            [e.phase, e.node, -1 if edge is None else edge] for e, edge in zip(events, edges)
        ]
        values = [node.data or 0.0 for node in g.nodes]
        grads = [node.grad for node in events.graph.nodes]
        sizes, contributions = [abs(x or 0.0) for x in grads], [0.0] * 2 * len(values)
        for event, edge in zip(events, edges):
            if event.passing is not None and edge is not None:
                contributions[edge] = event.passing.contribution
                sizes[event.node] = max(sizes[event.node], 0) + abs(event.passing.contribution)
        assert agree(told["value"], values, [*map(abs, values)])
        assert agree(told["grad"], grads, sizes)
        assert told["moment"] == told["grad"]
        assert told["known"] == [node.kind != "constant" for node in g.nodes]
        each = [sizes[i] for node in g.nodes for i in (*node.args, 0, 0)[:2]]
        assert agree(told["contribution"], contributions, each)
        passed = {edge for edge in edges if edge is not None}
        assert told["passes"] == told["passed"] == [i in passed for i in range(len(contributions))]
        assert told["first"] == next((i for i, x in enumerate(values) if x - x != 0), -1)
        odd += told["first"] >= 0
    assert COUNT / 2 < odd < COUNT * POINTS - COUNT / 2  # so that both sorts are among them


MOMENTS = """([data]) => {
  const graph = new Graph(data);
  graph.run();
  return [...graph.events, 0].map((_, p) => {
    const { known, grad, hasGrad, passed } = graph.moment(p);
    return [[...known], [...grad].map(bits), [...hasGrad], [...passed]];
  });
}"""


@ENGINES
def test_at_each_moment_is_known_what_the_events_before_it_told(run: Run) -> None:
    for y in (neuron(), *(random_value(Random(seed), 12) for seed in range(5))):
        g = recomputed(graph(y))
        events = list(trace_of(g))
        told = asked(run, [data_of(g)], MOMENTS)
        assert len(told) == len(events) + 1
        known = [not node.op for node in g.nodes]
        grad, passed, has = [0.0] * len(known), [False] * 2 * len(known), [False] * len(known)
        for event, moment in zip([None, *events], told, strict=True):
            if event is not None and event.phase == "forward":
                known[event.node] = True
            elif event is not None and event.running is not None:
                grad[event.node], has[event.node] = event.running, True
                if event.passing is not None:
                    passed[2 * event.passing.target + event.passing.operand] = True
            if event is events[-1]:
                has = [node.kind != "constant" for node in g.nodes]
            assert [moment[0], moment[2], moment[3]] == [known, has, passed]
            assert agree(moment[1], grad, [max(1.0, abs(x)) for x in grad])


# --- words ---------------------------------------------------------------------------------------

NUMBERS = (nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.5, 3.0, 1e300, 5e-324, 27.3)


def read_out(run: Run, cases: Sequence[Sequence[Graph]], precision: int = 4, **given: Any) -> int:
    """How many lines are not those of the package, in graphs whose numbers are to the last bit."""
    others = 0
    for g, told in ask(run, cases, precision=precision, **given):
        events = trace_of(g, precision)
        lines = list(events.lines())
        assert len(lines) == len(told["lines"])
        if lines != told["lines"]:
            numbers = [(node.data, node.grad or 0.0) for node in events.graph.nodes]
            found = zip(map(number, told["value"]), map(number, told["grad"]))
            assert repr(numbers) != repr([*found]), [
                pair for pair in zip(lines, told["lines"]) if pair[0] != pair[1]
            ]
            others += 1
    return others


@ENGINES
@pytest.mark.parametrize("precision", [0, 4, 9])
def test_every_event_is_told_as_the_package_tells_it(
    run: Run, cases: list[list[Graph]], precision: int
) -> None:
    assert read_out(run, cases if precision == 4 else cases[:100], precision) <= 5


@ENGINES
def test_each_row_is_told_at_each_number_beside_each_constant(run: Run) -> None:
    """Kinks, ties, masks that hide, formulas that a constant makes shorter."""
    found = []
    for op in ROWS:
        x, z = Value(1.0, label="x"), Value(1.0)
        if len(op.derivatives) == 1:
            found.append([*at_points(op(x), [[a] for a in NUMBERS])])
            continue
        found.append([*at_points(op(x, x), [[a] for a in NUMBERS])])
        found.append([*at_points(op(x, z), [[a, b] for a in NUMBERS for b in NUMBERS])])
        for c in NUMBERS:
            for y in (op(x, c), op(c, x)):
                if y.op:  # the result of a mask may be a constant
                    found.append([*at_points(y, [[a] for a in {*NUMBERS[3:11], c}])])
    assert read_out(run, found) <= 3


@ENGINES
def test_functions_made_of_rows_and_constants_with_a_label_are_told(run: Run) -> None:
    x, z, c, d = Value(1.0, label="x"), Value(1.0), as_value(-2.0), as_value(0.0)
    c.label, d.label = "c", "not a name"
    values = [
        where(step(x), x * c, z**3),
        clip(x * z, -1, 1) + relu(x - 1),
        gelu(x) * silu(z) / c,
        take([x, z, c], x * 0) - leaky_relu(z) + x**c + c**x + d * x - (x - d) ** z,
        losses.cross_entropy([x, z, x * z], 1),
        Value(3.0),
        c * 1.0 + x * x,
    ]
    points = [[a, b] for a in NUMBERS[3:12] for b in NUMBERS[3:12]]
    found = [[*at_points(y, points)] for y in values]
    assert read_out(run, found) <= 10


def own_operations() -> list[Op]:
    return [
        Op("cube", lambda a: a**3, lambda y, a: 3 * a**2),
        Op("swish", lambda a: a * sigmoid(a), lambda y, a: y + sigmoid(a) * (1 - y)),
        Op(
            "leak",
            lambda a: maximum(a, a / 8),
            lambda y, a: where(step(a), 1, 0.125),
            kink=(lambda a: a == 0, "1/8 where the number is 0"),
        ),
        Op(
            "far",
            lambda a, b: hypot(a, b) - b,
            lambda y, a, b: a / (y + b),
            lambda y, a, b: -y / (y + b),
        ),
    ]


@ENGINES
def test_operations_of_ones_own_are_computed_and_told(run: Run) -> None:
    own = own_operations()
    x, z = Value(1.0, label="x"), Value(1.0, label="z")
    values = [op(x) if len(op.derivatives) == 1 else op(x, z) for op in own]
    finite = [a for a in NUMBERS if abs(a) < 1e9]
    found = [[*at_points(y, [[a, b] for a in finite for b in finite])] for y in values]
    assert read_out(run, found, ops=own) == 0


@ENGINES
def test_a_rule_that_compares_what_a_page_cannot_foresee_is_told_in_numbers(run: Run) -> None:
    """The situation knows that x is above 0, not whether it is above 1, or at a kink there."""
    least = Op("least", lambda a: minimum(a, 1), lambda y, a: step(1 - a), kink=(is_2, "0 there"))
    y = least(Value(0.5, label="x"))
    lines = [
        told["lines"][-1] for _, told in ask(run, [[*at_points(y, [[0.5], [2]])]], ops=[least])
    ]
    assert lines == [
        f"backward  v1 -> x: local derivative {d}; contribution 1 * {d} = {d}; grad x = {d}"
        for d in (1, 0)
    ]


def is_2(a: float) -> bool:
    return a == 2


# --- text as numbers -----------------------------------------------------------------------------


@ENGINES
def test_what_is_typed_is_read(run: Run) -> None:
    good = {
        "2": 2, " -.5 ": -0.5, "1e-3": 1e-3, "1/3": 1 / 3, "-pi/2": -math.pi / 2, "inf": inf,
        "-inf": -inf, "NaN": nan, "+7.": 7, "1 000": 1000, "\u22123": -3, "1E5": 1e5, "1/0": inf,
        "-0": -0.0, "e": math.e, "1e400": inf,
    }  # fmt: skip
    bad = {
        "": "missing", "  ": "missing", "1,5": "comma", "x": "such as", "1/": "such as",
        "1//2": "such as", "1/2/3": "such as", "--1": "such as", "0x10": "such as", ".": "such as",
        "1e": "such as", "constructor": "such as", "1;2": "such as",
    }  # fmt: skip
    answer = """(all) => all.map((text) => {
      const { value, reason } = parse(text);
      return [bits(value), reason];
    })"""
    told = asked(run, [*good, *bad], answer)
    for (text, reason), x in zip(told, good.values()):
        assert reason == ""
        assert repr(number(text)) == repr(float(x))
    for (text, reason), word in zip(told[len(good) :], bad.values(), strict=True):
        assert math.isnan(number(text))
        assert word in reason
