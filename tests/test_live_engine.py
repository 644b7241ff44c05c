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
from math import inf
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import SPECIAL, random_value
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import TABLE, Op, Value, graph
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.draw.view import View
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
  double[0] = x;
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
    for (const [leaf, x] of point) graph.set(leaf, number(x));
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
            [(node.id, bits(node.data or 0.0)) for node in g.nodes if node.kind == "leaf"]
            for g in graphs
        ]
        questions.append((data_of(graphs[0], **given), points))
    told = asked(run, questions, PASSES, given.get("ops", ROWS))
    yield from zip([g for graphs in cases for g in graphs], told, strict=True)


@pytest.fixture(scope="module")
def cases() -> list[list[Graph]]:
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
