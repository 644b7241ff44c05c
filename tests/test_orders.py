"""Orders: the right one beside two wrong ones, each implemented here once more, in another way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import pytest
from conftest import differentiated, random_value
from hypothesis import given
from hypothesis import strategies as st
from test_explain import doublings, line, random_dag

from tinygrad_edu import Value, mask, orders, topological_order
from tinygrad_edu.analysis.graph import Graph
from tinygrad_edu.analysis.orders import METHODS, MOST_VISITS, Orders
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.rows.ieee import same

GRAPHS = 400


def thread_68() -> Value:
    """The graph of micrograd's issue 68: y = (c + d) + c*d of c = a + b and d = a*b at 2 and 3.

    d y / d a = (1 + d) * 1 + (1 + c) * b = 7 + 18 = 25, and by b it is 7 + (1 + c) * a = 19.
    """
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    c = a + b
    d = a * b
    e = c + d
    f = c * d
    y = e + f
    c.label, d.label, e.label, f.label, y.label = "c", "d", "e", "f", "y"
    return y


def by_label(found: Orders, method: int) -> dict[str, float]:
    return {found.graph.nodes[i].label: grad for i, grad in found.runs[method].grads.items()}


class Micro:
    """A value as micrograd has it: it knows its operands, and how to pass on its gradient.

    Its operands are a list here, not a set, so that their order is known.
    """

    def __init__(self, data: float, children: tuple[Micro, ...] = ()) -> None:
        self.data, self.grad, self.children = data, 0.0, children
        self.pass_on: Callable[[], None] = lambda: None

    def __add__(self, other: Micro) -> Micro:
        out = Micro(self.data + other.data, (self, other))

        def pass_on() -> None:
            self.grad += out.grad
            other.grad += out.grad

        out.pass_on = pass_on
        return out

    def __mul__(self, other: Micro) -> Micro:
        out = Micro(self.data * other.data, (self, other))

        def pass_on() -> None:
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.pass_on = pass_on
        return out

    def recurse(self) -> None:
        self.pass_on()
        for child in self.children:
            child.recurse()

    def search(self, seen: set[Micro]) -> None:
        if self not in seen:
            seen.add(self)
            self.pass_on()
            for child in self.children:
                child.search(seen)

    def sort(self) -> None:
        order: list[Micro] = []
        seen: set[Micro] = set()

        def build(node: Micro) -> None:
            if node not in seen:
                seen.add(node)
                for child in node.children:
                    build(child)
                order.append(node)

        build(self)
        for node in reversed(order):
            node.pass_on()


BACKWARD: list[Callable[[Micro], None]] = [
    Micro.sort,
    Micro.recurse,
    lambda node: node.search(set()),
]


def sums_and_products(random: Random, operations: int) -> list[str | int]:
    """A graph as a list: + or * and the two places it takes, after three leaves."""
    program: list[str | int] = []
    for place in range(3, 3 + operations):
        sign = random.choice("+*")
        program += [sign, random.randrange(max(0, place - 4), place), random.randrange(place)]
    return program


def built(program: list[str | int], leaves: list[object]) -> list[object]:
    nodes = list(leaves)
    for i in range(0, len(program), 3):
        sign, a, b = program[i : i + 3]
        nodes.append(nodes[a] + nodes[b] if sign == "+" else nodes[a] * nodes[b])
    return nodes


@cache
def compared() -> list[Orders]:
    return [orders(random_dag(Random(seed), 10)) for seed in range(GRAPHS)]


# --- the answer to eight threads -----------------------------------------------------------------


def test_the_graph_of_thread_68() -> None:
    found = orders(thread_68())
    assert [run.method for run in found.runs] == list(METHODS)
    right, naive, pre_order = (by_label(found, i) for i in range(3))
    assert (right["a"], right["b"]) == (25, 19)
    assert (naive["a"], naive["b"]) == (29, 22)
    assert (pre_order["a"], pre_order["b"]) == (4, 3)
    assert right["c"] == naive["c"] == 7
    first = found.first_difference(found.runs[1])
    assert first is not None
    assert found.graph.nodes[first].label == "b"
    assert found.first_difference(found.runs[0]) is None


def test_the_graph_of_thread_68_as_it_is_told() -> None:
    """c has 1 of its 7 when recursion first comes by, from e, and passes it on at once."""
    assert str(orders(thread_68())) == (
        """\
node  topological  naive recursion  pre-order
y     1            1                1
f     1            1                1
e     1            1                1
d     6            6                6
c     7            7                7
b     19           22 *             3 *        <- the first that differs
a     25           29 *             4 *

naive recursion: wrong, first at b: 22, not 19; \
c passed on 1 before its gradient, 7, was complete
pre-order: wrong, first at b: 3, not 19; \
c passed on 1 before its gradient, 7, was complete

visits (! passed on before the gradient was complete, or once more):
topological      y f e d c b a
naive recursion  y e c! a b d! a b f c! a b d! a b
pre-order        y e c! a b d! f"""
    )


def test_a_graph_on_which_nobody_sees_the_mistake() -> None:
    y, _ = line()
    told = str(orders(y))
    assert told.count("every gradient is right on this graph") == 2
    assert "*" not in told
    assert "differs" not in told


# --- the numbers, from other implementations -----------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_all_three_give_the_numbers_of_micrograds_closures(seed: int) -> None:
    """Twenty graphs of sums and products each, whose numbers are whole, so sums are exact."""
    wrong = 0
    for i in range(20):
        random = Random(f"{seed} {i}")
        program = sums_and_products(random, random.randint(1, 9))
        numbers = [float(random.choice([-2, -1, 1, 2, 3])) for _ in range(3)]
        values = built(program, [Value(x) for x in numbers])
        order = topological_order(values[-1])
        found = orders(values[-1])
        for run, backward in zip(found.runs, BACKWARD):
            micros = built(program, [Micro(x) for x in numbers])
            micros[-1].grad = 1.0
            backward(micros[-1])
            grads = {value: micro.grad for value, micro in zip(values, micros)}
            assert run.grads == {i: grads[value] for i, value in enumerate(order)}
            assert run.finished
        wrong += found.first_difference(found.runs[1]) is not None
    assert wrong > 2


def test_the_topological_order_has_the_gradients_of_backward() -> None:
    for seed in range(GRAPHS):
        y = random_value(Random(seed), 12)
        found = orders(y).runs[0]
        y.zero_grad()
        y.backward()
        for i, x in enumerate(topological_order(y)):
            assert same(found.grads.get(i, 0.0), x.grad)


def ways(g: Graph) -> dict[int, int]:
    """By how many paths each node is reached from the output, where something passes."""
    found = dict.fromkeys(range(len(g.nodes)), 0) | {g.output.id: 1}
    for node in reversed(g.nodes):
        open_ = node.args[1:] if node.op is mask else node.args  # nothing goes to a condition
        assert node.op is not mask or node.used[0] != 0
        for x in open_:
            found[x] += found[node.id]
    return {i: n for i, n in found.items() if n and g.nodes[i].kind != "constant"}


def test_the_topological_order_visits_every_node_once_and_makes_no_mistake() -> None:
    left_out = 0
    for found in compared():
        run = found.runs[0]
        assert [visit.node for visit in run.visits] == sorted(ways(found.graph), reverse=True)
        left_out += sum(n.kind != "constant" for n in found.graph.nodes) - len(run.visits)
        assert all(same(visit.passed, run.grads[visit.node]) for visit in run.visits)
        assert not any(found.mistakes(run))
    assert left_out > 5  # what only conditions are made of


def test_pre_order_visits_every_node_once_and_recursion_once_for_every_path() -> None:
    for found in compared():
        assert found.runs[1].finished
        right = {visit.node for visit in found.runs[0].visits}
        for run in found.runs[1:]:
            assert {visit.node for visit in run.visits} == right
        assert len(found.runs[2].visits) == len(right)
        assert len(found.runs[1].visits) == sum(ways(found.graph).values())


def test_a_method_without_a_mistake_has_every_gradient_right() -> None:
    """And the first difference is the one nearest to the output: none above it differs."""
    wrong = 0
    for found in compared():
        for run in found.runs:
            first = found.first_difference(run)
            if not any(found.mistakes(run)):
                assert first is None
            right = found.runs[0].grads
            for i in range(len(right) if first is None else first + 1, len(found.graph.nodes)):
                if i in right:
                    assert run.grads[i] == pytest.approx(right[i], rel=1e-8, abs=0, nan_ok=True)
            if first is not None:
                assert run.grads[first] != right[first]
                wrong += 1
    assert wrong > GRAPHS / 2


@pytest.mark.quick
@given(st.integers(0, 10**6), st.integers(1, 40))
def test_on_a_tree_all_three_are_right(seed: int, operations: int) -> None:
    random = Random(seed)
    roots = [Value(random.uniform(-2, 2)) for _ in range(operations + 1)]
    while len(roots) > 1:
        a, b = (roots.pop(random.randrange(len(roots))) for _ in range(2))
        roots.append(random.choice([lambda a, b: a + b, lambda a, b: (a * b).tanh()])(a, b))
    y = differentiated(roots[0])
    found = orders(y)
    for run in found.runs:
        assert found.first_difference(run) is None
        assert not any(found.mistakes(run))
        grads = {i: x.grad for i, x in enumerate(topological_order(y)) if x.op is not CONSTANT}
        assert run.grads == grads


def test_no_grad_is_used_or_set() -> None:
    for seed in range(100):
        y = random_value(Random(seed), 10)
        nodes = topological_order(y)
        for x in nodes[::2]:
            x.grad = 123.0
        before = [(repr(x.data), repr(x.grad)) for x in nodes]
        y_grads = orders(y).runs[0].grads
        assert [(repr(x.data), repr(x.grad)) for x in nodes] == before
        y.zero_grad()
        assert repr(orders(y).runs[0].grads) == repr(y_grads)


# --- the ends of the world -----------------------------------------------------------------------


def test_recursion_along_2_to_the_40_paths_is_stopped_and_says_so() -> None:
    found = orders(doublings(40)[0])
    right, naive, pre_order = found.runs
    assert (right.finished, naive.finished, pre_order.finished) == (True, False, True)
    assert len(naive.visits) == MOST_VISITS
    assert right.grads[0] == 2.0**40
    told = str(found)
    assert f"naive recursion: stopped after {MOST_VISITS:,} visits, one for every path" in told
    assert "100,000 in all" in told
    assert "?" in told.splitlines()[1]
    assert "differs" not in told


def test_a_chain_of_5_000_is_no_recursion_error() -> None:
    x = y = Value(1.0, label="x")
    for _ in range(5_000):
        y = -y
    found = orders(y)
    for run in found.runs:
        assert run.finished
        assert run.grads[0] == 1
        assert len(run.visits) == 5_001
    told = str(found)
    assert told.count("every gradient is right on this graph") == 2
    assert told.count("5,001 in all") == 3
    assert x.grad == 0


def test_constants_and_single_values() -> None:
    x = Value(2.0, label="x")
    assert [run.grads for run in orders(x).runs] == [{0: 1.0}] * 3
    y = x * 3 + 4
    for run in orders(y).runs:
        assert [run.grads.get(i) for i in range(5)] == [3, None, 1, None, 1]
    y = x * x
    assert [run.grads[0] for run in orders(y).runs] == [4, 4, 4]


def test_places_are_decimals() -> None:
    y = Value(1.0, label="x") / 3
    y.label = "y"
    assert str(orders(y, precision=2)).splitlines()[2].split() == ["x", *["0.33"] * 3]


def test_labels_that_are_no_names_are_not_used() -> None:
    x = Value(2.0, label="learning rate")
    y = x * x + x
    assert "learning" not in str(orders(y))
    assert repr(orders(y)) == str(orders(y))
