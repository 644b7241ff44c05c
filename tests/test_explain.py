"""Explanations: the numbers in them against exact fractions, their texts against hand-worked ones.

The derivative is, by definition, the sum over all paths of the products of local derivatives.
`exactly` adds that up in fractions, so the only errors are those of the floats explained. A sum
of terms that cancel cannot be more exact than its terms are: errors are measured against the sum
of the terms' sizes, `size`, which is at least the derivative's own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from fractions import Fraction
from functools import cache
from itertools import product
from math import inf, nan
from random import Random
from typing import Any, NamedTuple

import pytest
from conftest import differentiated, neuron, random_value
from hypothesis import given
from hypothesis import strategies as st
from test_random_graphs import DOMAIN, WEIGHTS
from test_table import MEANING

from tinygrad_edu import (
    TABLE,
    NumberError,
    Value,
    ViewError,
    explain,
    gradient,
    graph,
    group,
    log,
    mask,
    orders,
    sin,
    sqrt,
    step,
    tanh,
    topological_order,
    trace,
)
from tinygrad_edu.analysis.explain import FORMS, explanation
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.analysis.paths import MOST_PATHS, Chain
from tinygrad_edu.engine import as_value
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.reading.expression import expression
from tinygrad_edu.rows.ieee import same, total

GRAPHS = 60
ROWS = list(TABLE.values())


def random_dag(random: Random, operations: int, groups: Sequence[str] = ("",)) -> Value:
    """A graph of finite numbers in which every value is used, many more than once.

    Each value is made in one of `groups`, and its label, which no other has, is n0, n1, ...
    """
    nodes: list[Value] = []
    reach = random.choice([2, 4, 8])  # how far back operands are at most; 2 makes many paths
    weights = [w * 6 if len(op.derivatives) > reach / 2 else w for op, w in zip(ROWS, WEIGHTS)]

    def made(f: Any, *args: Any) -> None:
        name = random.choice(groups)
        with group(name) if name else nullcontext():
            nodes.append(f(*args))

    for _ in range(random.randint(1, 4)):
        made(Value, random.uniform(-2, 2))
    while operations:
        (op,) = random.choices(ROWS, weights)
        args: list[Any] = [random.choice(nodes[-reach:]) for _ in op.derivatives]
        if len(args) == 2 and random.random() < 0.2:
            args[random.randrange(2)] = random.choice([2.0, -0.5, random.uniform(0.2, 3)])
        numbers = [float(x) for x in args]
        y = op(*numbers)
        slopes = [total(rule, y, *numbers) for rule in op.derivatives]
        smooth = DOMAIN.get(op.name, lambda *_: True)(*numbers) and all(map(math.isfinite, slopes))
        if smooth and abs(y) < 20 and not (op.kink and op.kink[0](*numbers)):
            made(op, *args)
            operations -= 1
    used = {x for node in nodes for x in node.args}
    unused = [node for node in nodes if node not in used]
    for x in unused[1:]:
        made(lambda a, b: a + b, unused[0], x)
        unused[0] = nodes[-1]
    for i, node in enumerate(topological_order(unused[0])):
        node.label = f"n{i}"
    return unused[0]


class Exact(NamedTuple):
    derivative: Fraction
    size: Fraction  # of its terms: the sum of what they are without their signs


def exactly(g: Graph, x: int) -> Exact:
    """The derivative of the output by x, the local derivatives taken as they are."""
    sums = {g.output.id: Exact(Fraction(1), Fraction(1))}
    for edge in sorted(g.edges, key=lambda edge: -edge.target):
        if edge.local is not None and edge.target in sums:
            above, before = sums[edge.target], sums.get(edge.source, Exact(Fraction(), Fraction()))
            local = Fraction(edge.local)
            sums[edge.source] = Exact(
                before.derivative + above.derivative * local, before.size + above.size * abs(local)
            )
    return sums.get(x, Exact(Fraction(), Fraction()))


def close(found: float, exact: Exact) -> bool:
    """To a part in 1e14 of the terms, so to 1e-12 where the terms hardly cancel."""
    return abs(Fraction(found) - exact.derivative) <= exact.size * Fraction("1e-14")


def ways(y: Value, x: Value) -> int:
    """How many paths lead from y to x."""
    counts: dict[Value, int] = {}
    for node in topological_order(y):
        counts[node] = 1 if node is x else sum(counts[a] for _, a in passed(node))
    return counts[y]


def passed(y: Value) -> Iterator[tuple[int, Value]]:
    """The operands that something is passed on to, and which they are."""
    for i, a in enumerate(y.args):
        masked = y.op is mask and (i == 0 or y.args[0].data == 0)
        if a.op is not CONSTANT and not masked:
            yield i, a


def doublings(times: int) -> tuple[Value, Value]:
    """A graph with 2**times paths from y to x."""
    x = y = Value(1.5, label="x")
    for _ in range(times):
        y = y + y
    y.label = "y"
    return y, x


def in_all_forms(y: Value, x: Value, places: int = 4) -> list[str]:
    return [explain(y, x, places).form(form) for form in FORMS]


def differentiable(y: Value) -> list[Value]:
    return [x for x in topological_order(y) if x.op is not CONSTANT]


@cache
def chains() -> list[tuple[Value, Value, Chain]]:
    """Of so many random graphs, y, every x that it may be differentiated by, and the chain."""
    found = []
    for seed in range(GRAPHS):
        random = Random(seed)
        y = differentiated(random_dag(random, random.randint(2, 24)))
        found += [(y, x, explain(y, x).chain) for x in differentiable(y)]
    return found


# --- numbers -------------------------------------------------------------------------------------


def test_the_total_is_the_gradient() -> None:
    """That of backward(), that of gradient() and the exact sum."""
    relative = 0
    for _, x, chain in chains():
        exact = exactly(chain.graph, chain.x.id)
        assert close(chain.total, exact)
        assert close(x.grad, exact)
        if exact.size < 50 * abs(exact.derivative):
            assert chain.total == pytest.approx(x.grad, rel=1e-12, abs=0)
            relative += 1
    assert relative > 0.8 * len(chains())
    for seed in range(GRAPHS):
        y = random_dag(Random(seed), 10)
        leaves = [x for x in differentiable(y) if not x.args]
        for x, derivative in zip(leaves, gradient(y, leaves)):
            found = explain(y, x).chain
            assert close(derivative.data, exactly(found.graph, found.x.id))


def test_a_path_leads_from_y_to_x_and_its_product_is_that_of_its_local_derivatives() -> None:
    listed = 0
    for y, x, chain in chains():
        order = topological_order(y)
        assert len({path.passings for path in chain.paths}) == len(chain.paths)
        for path in chain.paths:
            at = y
            for p in path.passings:
                assert order[p.target] is at
                at = at.args[p.operand]
                assert order[p.source] is at
            assert at is x
            assert path.product == math.prod(p.local for p in path.passings)
        assert chain.total == sum(path.product for path in chain.paths) or not chain.paths
        listed += len(chain.paths)
    assert listed > 600


def test_paths_are_counted_and_listed_up_to_a_limit() -> None:
    beyond = 0
    for y, x, chain in chains():
        assert chain.count == ways(y, x)
        listed = chain.count if 0 < chain.count <= MOST_PATHS and y is not x else 0
        assert len(chain.paths) == listed
        beyond += chain.count > MOST_PATHS
    assert beyond > 15


def test_every_multiplication_on_the_way_is_told_and_no_other() -> None:
    for y, x, chain in chains():
        order = topological_order(y)
        reached, leads = {y}, set[Value]()
        for node in reversed(order):
            reached |= {a for _, a in passed(node)} if node in reached else set()
        for node in order:
            if node in reached and (node is x or any(a in leads for _, a in passed(node))):
                leads.add(node)
        edges = {(node, i) for node in leads for i, a in passed(node) if a in leads}
        edges = {(order.index(node), i) for node, i in edges if node is not x}
        assert {(p.target, p.operand) for p in chain.passings} == edges
        assert len(chain.passings) == len(edges)


@pytest.mark.quick
def test_sixty_four_paths_are_listed_and_sixty_five_are_not() -> None:
    y, x = doublings(6)
    chain = explain(y, x).chain
    assert (chain.count, len(chain.paths), chain.total) == (64, 64, 64)
    assert "along 64 paths:" in explain(y, x).text()
    assert "64 paths lead from x to y" in explain(y, x).words()
    more = y + x
    more.label = "more"
    chain = explain(more, x).chain
    assert (chain.count, chain.paths, chain.total) == (65, (), 65)
    for form in ("text", "words"):
        assert "65 paths are too many to list" in explain(more, x).form(form)


def test_a_million_million_paths_are_summed_without_listing_them() -> None:
    y, x = doublings(40)
    explanation = explain(y, x, precision=17)
    text, words, latex = (explanation.form(form) for form in FORMS)
    assert explanation.chain.count == 2**40
    assert explanation.chain.total == 2.0**40
    assert explanation.chain.paths == ()
    assert text.startswith("d y / d x = 1099511627776\n")
    assert text.endswith("= 549755813888 * 1 + 549755813888 * 1 = 1099511627776")
    assert "1,099,511,627,776 paths are too many" in text
    assert "1,099,511,627,776 paths are too many" in words
    assert words.endswith("in all 1099511627776.")
    assert latex.endswith("= 1099511627776\n\\end{aligned}")
    for told in (text, words, latex):
        assert len(told.splitlines()) < 100


@given(st.lists(st.sampled_from("+*-"), min_size=1, max_size=60), st.floats(0.5, 1.5))
def test_a_value_used_twice_at_every_step_has_twice_as_many_paths(signs: str, at: float) -> None:
    x = y = Value(at, label="x")
    for sign in signs:
        y = {"+": lambda y: y + y, "*": lambda y: y * y, "-": lambda y: y - y}[sign](y)
    chain = explain(y, x).chain
    assert chain.count == 2 ** len(signs)
    assert bool(chain.paths) == (len(signs) <= 6)
    y.backward()
    exact = exactly(chain.graph, chain.x.id)
    assert math.isclose(chain.total, x.grad, rel_tol=1e-12) or close(chain.total, exact)


def test_a_graph_that_is_explained_stays_as_it_is() -> None:
    for seed in range(100):
        y = random_value(Random(seed), 10)
        nodes = topological_order(y)
        before = [(repr(x.data), repr(x.grad), x.label, x.group) for x in nodes]
        for x in differentiable(y):
            in_all_forms(y, x)
        assert [(repr(x.data), repr(x.grad), x.label, x.group) for x in nodes] == before


def test_no_grad_is_used() -> None:
    """The explanation before backward(), after it and after it once more is one."""
    y = random_dag(Random(1), 12)
    x = differentiable(y)[0]
    before = in_all_forms(y, x)
    y.backward()
    assert in_all_forms(y, x) == before
    y.backward()
    x.grad = 1e6
    assert in_all_forms(y, x) == before


def test_a_graph_as_data_is_explained_as_its_values_are() -> None:
    y = random_dag(Random(2), 12)
    for i, x in enumerate(topological_order(y)):
        if x.op is not CONSTANT:
            assert explanation(graph(y), i).text() == explain(y, x).text()


# --- the corners ---------------------------------------------------------------------------------


def test_by_itself_the_output_changes_as_much() -> None:
    y = Value(2.0, label="a") * 3
    y.label = "y"
    chain = explain(y, y).chain
    assert (chain.total, chain.count, chain.paths, chain.passings) == (1, 1, (), ())
    assert explain(y, y).text() == "d y / d y = 1\n  y is y"
    assert explain(y, y).words() == "y is y itself: it changes just as much."
    assert explain(y, y).latex() == r"\frac{d y}{d y} = 1"


def test_what_has_no_part_in_the_output() -> None:
    """A stranger, one whose label is in the graph, and what was computed from the output."""
    a, stranger = Value(2.0, label="a"), Value(5.0, label="s")
    y = a * 3
    y.label = "y"
    later = y * 2
    later.label = "later"
    for x, called in ((stranger, "s"), (later, "later")):
        chain = explain(y, x).chain
        assert (chain.total, chain.count, chain.paths) == (0, 0, ())
        assert chain.x.label == called
        assert chain.y.label == "y"
        assert explain(y, x).text() == f"d y / d {called} = 0\n  y does not depend on {called}"
        assert explain(y, x).words() == (
            f"y does not depend on {called}: when {called} changes, y does not change."
        )
        assert explain(y, x).latex().endswith(" = 0")
    namesake = Value(1.0, label="a")
    assert explain(y, namesake).chain.total == 0
    assert explain(y, a).chain.total == 3
    assert explain(y, namesake).text().endswith("y does not depend on v0")


def test_a_value_that_acts_on_nothing_because_its_derivative_is_zero_does_take_part() -> None:
    x = Value(-1.0, label="x")
    explanation = explain(x.relu(), x)
    assert (explanation.chain.total, explanation.chain.count) == (0, 1)
    assert "along the only path" in explanation.text()


def test_nothing_is_differentiated_by_a_constant() -> None:
    x = Value(2.0, label="x")
    y = x * 3
    three = y.args[1]
    with pytest.raises(ViewError, match="3 is a constant"):
        explain(y, three)
    with pytest.raises(ViewError, match="constant"):
        explain(y, as_value(7.0))
    with pytest.raises(ViewError, match="constant"):
        explanation(graph(y), 1)


@pytest.mark.parametrize("pair", [(1.0, Value(1.0)), (1.0, "x"), (Value(1.0), None)])
def test_only_values_can_be_explained(pair: Any) -> None:
    with pytest.raises(NumberError, match="expected a Value"):
        explain(*pair)


def test_there_are_three_forms() -> None:
    explanation = explain(*doublings(1))
    assert str(explanation) == repr(explanation) == explanation.text() == explanation.form("text")
    with pytest.raises(ViewError, match=r"unknown form 'poem': choose text, words, latex"):
        explanation.form("poem")
    bundle = explanation._repr_mimebundle_()
    assert bundle == {
        "text/plain": explanation.text(),
        "text/latex": f"$$\n{explanation.latex()}\n$$",
    }


def test_an_inner_value_is_differentiated_by_as_a_leaf_is() -> None:
    a = Value(2.0, label="a")
    h = a * a
    h.label = "h"
    y = h * h + h
    y.label = "y"
    chain = explain(y, h).chain
    assert [path.product for path in chain.paths] == [4, 4, 1]
    assert chain.total == 9
    assert "a" not in explain(y, h).text().split()  # what h is made of is not asked for


def test_the_sides_of_an_operand_used_twice_are_told_apart() -> None:
    x = Value(3.0, label="x")
    y = x - x
    y.label = "y"
    text, words, latex = in_all_forms(y, x)
    assert "local derivative by x (left): 1;  by x (right): -1" in text
    assert text.endswith("sum: 1 + (-1) = 0")
    assert "as x (left)" in words
    assert "as x (right)" in words
    assert r"\Big|_{\text{left}}" in latex
    assert r"\Big|_{\text{right}}" in latex
    chain = explain(x**x, x).chain  # 3**3 = 27, by the base 27, by the exponent 27 log 3
    assert [path.product for path in chain.paths] == [27, pytest.approx(27 * math.log(3))]


def test_what_is_no_name_or_not_the_only_one_is_called_by_its_number() -> None:
    a, b, c = Value(2.0, label="learning rate"), Value(3.0, label="x"), Value(4.0, label="x")
    y = a * b + c
    y.label = "#$%"
    assert explain(y, a).text().startswith("d v4 / d v0 = 3\n\nwhere\n  v4 = v2 + v3 = 10;")
    assert explain(y, b).text().startswith("d v4 / d v1 = 2")
    assert explain(y, c).text().startswith("d v4 / d v3 = 1")
    for told in in_all_forms(y, a):
        assert "rate" not in told
        assert "#" not in told
    taken = Value(1.0, label="v1") * Value(2.0)
    assert "v1_" in explain(taken, taken.args[1]).text()


@given(st.lists(st.text(max_size=12), min_size=5, max_size=5))
def test_any_labels_can_be_explained(labels: list[str]) -> None:
    a, b, c = (Value(x, label=label) for x, label in zip((2.0, 3.0, 4.0), labels))
    h = a * b
    y = h + c * a
    h.label, y.label = labels[3:]
    assert explain(y, a).chain.total == 7
    for told in in_all_forms(y, a):
        assert told.isprintable() or "\n" in told


def test_what_is_not_finite_is_told_node_by_node() -> None:
    x = Value(0.0, label="x")
    y = log(x) * x
    y.label = "y"
    y.backward()
    assert math.isnan(x.grad)
    explanation = explain(y, x)
    assert explanation.chain.paths == ()
    assert explanation.chain.count == 2
    text, words, latex = in_all_forms(y, x)
    assert text.startswith("d y / d x = nan")
    assert "Not every number on the paths is finite" in text
    assert "Not every number on the paths is finite" in words
    assert r"\text{undefined}" in latex
    root = sqrt(x)
    root.label = "root"
    assert explain(root, x).chain.total == inf
    assert r"= \infty" in explain(root, x).latex()


@pytest.mark.parametrize("special", [nan, inf, -inf, 1e308, 5e-324, -0.0])
def test_a_number_at_the_end_of_the_floats_has_the_gradient_of_backward(special: float) -> None:
    x, b = Value(special, label="x"), Value(2.0, label="b")
    for y in (x * b + x, x * x * x, x / b - b / x, (x - x) * b, x.tanh() + x.relu(), b**x):
        y.zero_grad()
        y.backward()
        for leaf in (x, b):
            if leaf in topological_order(y):
                total = explain(y, leaf).chain.total
                assert total == leaf.grad or (math.isnan(total) and math.isnan(leaf.grad))
                in_all_forms(y, leaf)


def test_where_backward_gives_what_is_not_finite_so_does_an_explanation() -> None:
    """An adjoint may be infinite though each product along a path is not."""
    wrong = 0
    for seed in range(500):
        y = random_value(Random(seed), 8)
        y.zero_grad()
        y.backward()
        for x in differentiable(y):
            total = explain(y, x).chain.total
            if not (math.isfinite(total) and math.isfinite(x.grad)):
                assert same(total, x.grad), (seed, total, x)
                wrong += 1
    assert wrong > 200


def test_an_adjoint_that_overflows_is_not_explained_away() -> None:
    x = Value(1.0, label="x")
    h = x * 0.0
    y = h * 1e308 + h * 1e308  # d y / d h is inf, and inf * 0 is nan
    y.backward()
    assert math.isnan(x.grad)
    assert math.isnan(explain(y, x).chain.total)


def test_a_long_chain_is_no_recursion_error() -> None:
    x = y = Value(0.5, label="x")
    for _ in range(5_000):
        y = -y
    explanation = explain(y, x)
    assert explanation.chain.total == 1
    assert len(explanation.chain.paths[0].passings) == 5_000
    for form in FORMS:
        assert explanation.form(form)


# --- texts, computed again ------------------------------------------------------------------------


def test_whoever_computes_what_is_written_gets_what_is_said() -> None:
    """Python reads every formula in a text, the names as numbers, and every number behind it."""
    read = 0
    for seed in range(GRAPHS):
        y = random_dag(Random(seed), 10)
        g = graph(y)
        names: dict[str, Any] = {node.label: node.data for node in g.nodes}
        names |= TABLE | MEANING

        def agree(told: str, names: dict[str, Any] = names) -> int:
            formulas = re.split(", because | by convention", told)[0].split(" = ")
            values = [eval(formula, {"__builtins__": {}}, names) for formula in formulas]
            assert values == pytest.approx([values[-1]] * len(values), rel=1e-9, abs=1e-9)
            return len(values)

        for x in differentiable(y)[:3]:
            for row in explain(y, x, precision=17).text().splitlines():
                if row.startswith(("     ", "sum: ")):  # a path as a product; the sum of all
                    read += agree(row.removeprefix("sum: ").strip())
                elif re.match("  n[0-9]", row):  # a definition, then its local derivatives
                    made, _, rules = row.partition(";  local derivative ")
                    read += agree(made.strip().partition(" = ")[2])
                    for told in rules.split(";  "):
                        read += agree(told.partition(": ")[2])
    assert read > 3_000


# --- texts, worked by hand -----------------------------------------------------------------------


def line() -> tuple[Value, Value]:
    """L = (a*b + c) * f at 2, -3, 10, -2, and a: d L / d a = f * b = -2 * -3 = 6."""
    a, b, c, f = (
        Value(x, label=name) for name, x in {"a": 2.0, "b": -3.0, "c": 10.0, "f": -2.0}.items()
    )
    e = a * b
    d = e + c
    y = d * f
    e.label, d.label, y.label = "e", "d", "L"
    return y, a


def parabola() -> tuple[Value, Value]:
    """y = x*x + 3*x at 2: d y / d x = 2*x + 3 = 7."""
    x = Value(2.0, label="x")
    s, t = x * x, 3 * x
    y = s + t
    s.label, t.label, y.label = "s", "t", "y"
    return y, x


@pytest.mark.quick
def test_the_line_in_numbers() -> None:
    assert explain(*line()).text() == (
        """\
d L / d a = 6

where
  L = d * f = -8;  local derivative by d: f = -2
  d = e + c = 4;  local derivative by e: 1
  e = a * b = -6;  local derivative by a: b = -3

along the only path:
  1. L <- d <- e <- a
     f * 1 * b = (-2) * 1 * (-3) = 6"""
    )


def test_the_line_in_words() -> None:
    assert explain(*line()).words() == (
        """\
When a grows by a little, L changes 6 times as much.
Why? One path leads from a to L.
Step by step: e = a * b changes -3 times (b) as much as a; \
d = e + c changes by the same amount as e; \
L = d * f changes -2 times (f) as much as d. In all: -3 times 1 times -2 is 6."""
    )


def test_the_parabola_in_numbers() -> None:
    assert explain(*parabola()).text() == (
        """\
d y / d x = 7

where
  y = s + t = 10;  local derivative by s: 1;  by t: 1
  t = 3 * x = 6;  local derivative by x: 3
  s = x * x = 4;  local derivative by x (left): x = 2;  by x (right): x = 2

along 3 paths:
  1. y <- s <- x
     1 * x = 1 * 2 = 2
  2. y <- s <- x
     1 * x = 1 * 2 = 2
  3. y <- t <- x
     1 * 3 = 3
sum: 2 + 2 + 3 = 7"""
    )


@pytest.mark.quick
def test_the_parabola_in_words() -> None:
    assert explain(*parabola()).words() == (
        """\
When x grows by a little, y changes 7 times as much.
Why? 3 paths lead from x to y.
Path 1: s = x * x changes 2 times (x) as much as x (left); \
y = s + t changes by the same amount as s. In all: 2 times 1 is 2.
Path 2: s = x * x changes 2 times (x) as much as x (right); \
y = s + t changes by the same amount as s. In all: 2 times 1 is 2.
Path 3: t = 3 * x changes 3 times as much as x; \
y = s + t changes by the same amount as t. In all: 3 times 1 is 3.
The paths act at the same time, so they add up: 2, 2, 3 make 7."""
    )


@pytest.mark.quick
def test_the_parabola_in_mathematics() -> None:
    through_s = r"\frac{\partial y}{\partial s} \cdot \frac{\partial s}{\partial x}\Big|"
    through_t = r"\frac{\partial y}{\partial t} \cdot \frac{\partial t}{\partial x}"
    assert explain(*parabola()).latex().splitlines() == [
        r"\begin{aligned}",
        r"\frac{d y}{d x} &= "
        + rf"{through_s}_{{\text{{left}}}} + {through_s}_{{\text{{right}}}} + {through_t} \\",
        r"&= 1 \cdot x + 1 \cdot x + 1 \cdot 3 \\",
        r"&= 1 \cdot 2 + 1 \cdot 2 + 1 \cdot 3 \\",
        r"&= 2 + 2 + 3 \\",
        r"&= 7",
        r"\end{aligned}",
    ]


def test_the_line_in_mathematics() -> None:
    assert explain(*line()).latex().splitlines() == [
        r"\begin{aligned}",
        r"\frac{d L}{d a} &= \frac{\partial L}{\partial d} \cdot "
        r"\frac{\partial d}{\partial e} \cdot \frac{\partial e}{\partial a} \\",
        r"&= f \cdot 1 \cdot b \\",
        r"&= \left(-2\right) \cdot 1 \cdot \left(-3\right) \\",
        r"&= 6",
        r"\end{aligned}",
    ]


@pytest.mark.quick
def test_the_neuron_of_the_lecture() -> None:
    """o = tanh(n) = 0.7071, so 1 - o**2 = 0.5; and w1 is multiplied by x1 = 2."""
    o = neuron()
    w1 = next(x for x in topological_order(o) if x.label == "w1")
    explanation = explain(o, w1)
    assert explanation.chain.total == pytest.approx(1.0, rel=1e-12)
    assert explanation.chain.count == 1
    text, words, latex = in_all_forms(o, w1)
    local = "local derivative by n: 1 - o**2 = 1 - 0.7071**2 = 0.5000\n"
    assert f"o = tanh(n) = 0.7071;  {local}" in text
    assert "= (1 - o**2) * 1 * 1 * x1" not in text
    assert text.endswith("(1 - o**2) * 1 * 1 * x1 = 0.5000 * 1 * 1 * 2 = 1.0000")
    assert words.endswith("In all: 2 times 1 times 1 times 0.5000 is 1.0000.")
    assert "o = tanh(n) changes 0.5000 times (1 - o**2) as much as n" in words
    assert r"&= \left(1 - {o}^{2}\right) \cdot 1 \cdot 1 \cdot x_{1} \\" in latex
    assert latex.endswith("&= 0.5000 \\cdot 1 \\cdot 1 \\cdot 2 \\\\\n&= 1.0000\n\\end{aligned}")


def test_words_say_about_where_the_numbers_shown_do_not_compute_exactly() -> None:
    """A pocket calculator has 2 * 0.42 = 0.84, not 0.8399; and 0.3333 + 0.3333 + 1 = 1.6666."""
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(7.0, label="b")
    y = tanh(x * w + b)
    assert explain(y, w).words().endswith("In all: 2 times 1 times 0.4200 is about 0.8399.")
    assert explain(y, w, precision=2).words().endswith("2 times 1 times 0.42 is 0.84.")
    assert explain(x * w * b, w).words().endswith("In all: 2 times 7 is 14.")
    third = w / 3 + w / 3 + w
    assert explain(third, w).words().endswith("0.3333, 0.3333, 1 make about 1.6667.")
    assert explain(w / 4 + w, w).words().endswith("0.25, 1 make 1.25.")


def test_a_minus_is_explained() -> None:
    x = Value(2.0, label="x")
    y = -x
    y.label = "y"
    assert (
        explain(y, x)
        .words()
        .startswith("When x grows by a little, y changes by the same amount, the other way.")
    )


def test_places_round_what_is_shown_and_nothing_else() -> None:
    x = Value(1.0, label="x")
    y = x / 3
    y.label = "y"
    assert explain(y, x, 2).text().startswith("d y / d x = 0.33\n")
    assert "= 0.33" in explain(y, x, 2).text().splitlines()[3]
    assert "changes 0.33 times" in explain(y, x, 2).words()
    assert "changes 0.333333 times" in explain(y, x, 6).words()
    assert explain(y, x, 2).chain == explain(y, x, 6).chain


def test_a_value_that_is_used_directly_and_through_another_has_a_total_and_a_partial() -> None:
    """y = x*s with s = sin(x): the total dy/dx is no sum of itself and something else."""
    x = Value(0.5, label="x")
    s = sin(x)
    s.label = "s"
    y = x * s
    y.label = "y"
    text, _, latex = in_all_forms(y, x)
    whole, _, parts = latex.removeprefix("\\begin{aligned}\n").partition(" &= ")
    assert whole == r"\frac{d y}{d x}"
    assert parts.startswith(r"\frac{\partial y}{\partial x} + \frac{\partial y}{\partial s} \cdot")
    assert text.count("d y / d x") == 1


# What is said of the local derivative by the first name, then by the second.
SAID = {
    ("2**x", "x=3"): ["v2 * log(2) = 8 * log(2) = 5.5452"],
    ("x**n", "x=3", "n=2"): [
        "n * x**(n - 1) = 2 * 3**(2 - 1) = 6",
        "v2 * log(x) = 9 * log(3) = 9.8875",
    ],
    ("x**2", "x=3"): ["2 * x = 2 * 3 = 6"],
    ("x**3", "x=2"): ["3 * x**2 = 3 * 2**2 = 12"],
    ("x**1", "x=2"): ["1"],
    ("x**0", "x=2"): ["0"],
    ("x**0.7", "x=2"): ["0.7 * x**-0.3 = 0.7 * 2**-0.3 = 0.5686"],
    ("x**-1", "x=2"): ["-x**-2 = -2**-2 = -0.25"],
    ("x / 3", "x=1"): ["1 / 3 = 0.3333"],
    ("log2(x)", "x=4"): ["1 / (x * log(2)) = 1 / (4 * log(2)) = 0.3607"],
    ("hypot(a, b)", "a=3", "b=4"): ["a / v2 = 3 / 5 = 0.6", "b / v2 = 4 / 5 = 0.8"],
    ("tanh(x)", "x=20"): ["1 - v1**2 = 1.699e-17"],
    ("sigmoid(x)", "x=40"): ["v1 * (1 - v1) = 4.248e-18"],
    ("max(a, b)", "a=2", "b=-3"): ["1, because a > b", "0, because a > b"],
    ("max(a, b)", "a=-3", "b=2"): ["0, because a < b", "1, because a < b"],
    ("min(a, b)", "a=2", "b=-3"): ["0, because a > b", "1, because a > b"],
    ("max(0, a)", "a=2"): ["1, because a > 0"],
    ("relu(x)", "x=-1"): ["0, because x < 0"],
    ("relu(x)", "x=2"): ["1, because x > 0"],
    ("abs(x)", "x=-2"): ["-1, because x < 0"],
    ("floor(x)", "x=2.5"): ["0"],
    ("less(a, b)", "a=2", "b=3"): ["0", "0"],
}
IN_BOTH = "0 in both where both numbers are 0"
HALF = "0.5, because a = b (by convention: 1/2 in each where both numbers are equal)"
AT_ZERO = "0, because x = 0 (by convention: 0 where the number is 0)"
POWER = (
    "0 by convention: 0 in the base where the exponent is 0; 0 in the exponent where the base is 0 "
    "and the exponent is not below 0"
)
AGREED = {
    ("x**0", "x=0"): [POWER],
    ("x**n", "x=0", "n=0"): [POWER, POWER],
    ("x**n", "x=0", "n=2"): ["n * x**(n - 1) = 2 * 0**(2 - 1) = 0", POWER],
    ("hypot(a, b)", "a=0", "b=0"): [f"0 by convention: {IN_BOTH}"] * 2,
    ("max(a, b)", "a=2", "b=2"): [HALF, HALF],
    ("relu(x)", "x=0"): [AT_ZERO],
    ("abs(x)", "x=0"): [AT_ZERO],
    ("floor(x)", "x=2"): ["0 by convention: 0 everywhere, also at whole numbers"],
}


@pytest.mark.parametrize("said", [*SAID, *AGREED], ids=" ".join)
def test_a_guard_is_shown_only_where_it_acts(said: tuple[str, ...]) -> None:
    written, *numbers = said
    at = {word[0]: float(word[2:]) for word in numbers}
    y = expression(written, at)
    for x, told in zip(at, {**SAID, **AGREED}[said], strict=False):
        leaf = next(node for node in topological_order(y) if node.label == x)
        _, _, line = explain(y, leaf).text().partition(f";  local derivative by {x}: ")
        assert line.partition("\n")[0] == told
        assert f"local derivative {told}; contribution" in str(trace(y))


def test_what_a_mask_keeps_out_is_said() -> None:
    x = Value(-3.0, label="x")
    y = mask(step(x), sqrt(x)) + 2 * x
    explanation = explain(y, x)
    assert explanation.chain.total == 2
    assert explanation.chain.count == 1
    text, words, _ = in_all_forms(y, x)
    assert text.splitlines()[-2:] == [
        "not through v1: v3 = mask(v1, v2) only tests whether it is 0",
        "not through v2: v3 = mask(v1, v2) keeps it out, because v1 = 0",
    ]
    assert "(Not through v2: v3 = mask(v1, v2) keeps it out, because v1 = 0.)" in words
    c = Value(0.0, label="c")
    text, words, latex = in_all_forms(mask(c, x), x)
    assert text == "d v2 / d x = 0\n  not through x: v2 = mask(c, x) keeps it out, because c = 0"
    assert words.startswith("Here v2 does not depend on x")
    assert latex == r"\frac{d v_{2}}{d x} = 0"
    c = Value(2.0, label="c")
    assert "local derivative by x: 1, because c is not 0" in explain(mask(c, x), x).text()


def test_names_that_no_label_shows_are_told_in_mathematics() -> None:
    a, b = Value(2.0, label="a"), Value(3.0)
    y = tanh(a * b) * 2
    y.label = "y"
    assert explain(y, a).latex().splitlines()[2:6] == [
        r"&\quad\text{where } v_{3} = \tanh\left(v_{2}\right) = 1.0000 \\",
        r"&\quad\text{where } v_{2} = a \cdot v_{1} = 6 \\",
        r"&\quad\text{where } v_{1} = 3 \\",
        r"&= 2 \cdot \left(1 - {v_{3}}^{2}\right) \cdot v_{1} \\",
    ]


def test_at_a_kink_and_nowhere_else_the_words_say_that_the_slope_is_agreed_upon() -> None:
    """A kink is where a step to the left and one to the right have two slopes, or it is a jump.

    Left out: where a step leaves the domain, where the angle of atan2 jumps, and masks, whose
    condition has no derivative.
    """
    found, h = Counter[str](), 1e-7
    for op in TABLE.values():
        for at in product((-1.0, 0.0, 0.5, 1.0), repeat=len(op.derivatives)):
            slopes = []
            for i, x in enumerate(at):
                left, right = (op(*at[:i], x + step, *at[i + 1 :]) for step in (-h, h))
                slopes.append(((op(*at) - left) / h, (right - op(*at)) / h))
            kink = any(abs(left - right) > 1e-2 or left > 0.3 / h for left, right in slopes)
            apart = (op is mask and 0 in at) or (op.name == "atan2" and at[0] == 0 >= at[1])
            if not apart and all(math.isfinite(x) for pair in slopes for x in pair):
                xs = [Value(x) for x in at]
                told = explain(op(*xs), xs[-1]).words()
                assert kink == ("has a kink here: its local derivative is a conv" in told), (op, at)
                found[op.name] += kink
    assert found.keys() >= {"less", "max", "min", "abs", "relu", "step", "sign", "floor", "ceil"}


def test_what_is_undefined_or_infinite_is_said_so() -> None:
    n, z = Value(-1.0, label="n"), Value(0.0, label="z")
    assert explain(log(n), n).words().startswith("How v1 changes with n is undefined.")
    told = explain(sqrt(z), z).words()
    assert told.startswith("Here v1 changes infinitely fast with z: d v1 / d z is inf.")


def test_more_paths_than_numbers_have_digits_for() -> None:
    x = y = Value(1.0, label="x")
    for _ in range(15_000):
        y = y + y
    assert explain(y, x).chain.count == 2**64
    assert "More than 2**64 paths" in explain(y, x).words()


def test_a_prompt_shows_no_more_than_can_be_read() -> None:
    x = y = Value(1.0, label="x")
    for _ in range(1_000):
        y = tanh(y)
    assert len(repr(explain(y, x)).splitlines()) == 201
    assert len(explain(y, x).text().splitlines()) > 1_000
    assert len(repr(orders(y)).splitlines()) == 201


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        (
            "y = x + 3",
            "y changes by the same amount.",
            "y = x + 3 changes by the same amount as x.",
        ),
        (
            "y = 3 - x",
            "y changes by the same amount, the other way.",
            "y = 3 - x changes by the same amount as x, the other way.",
        ),
        ("y = x * 0", "y does not change.", "y = x * 0 does not change with x."),
        (
            "y = x * x",
            "y changes 2 times as much.",
            "y = x * x changes by the same amount (x) as x (left)",
        ),
        ("y = x / 4", "y changes 0.25 times as much.", "y = x / 4 changes 0.25 times"),
        ("y = 2*x - 2*x", "y does not change.", "v2 = 2 * x changes 2 times as much as x"),
    ],
)
def test_a_slope_of_one_of_minus_one_and_of_nothing_in_words(
    text: str, whole: str, part: str
) -> None:
    y = expression(text, {"x": 1.0})
    x = next(node for node in topological_order(y) if node.label == "x")
    told = explain(y, x).words()
    assert told.startswith(f"When x grows by a little, {whole}")
    assert part in told
    assert " 1 times as" not in told
    assert "-1 times as" not in told
    assert " 0 times as" not in told
