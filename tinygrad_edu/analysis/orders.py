"""Why backpropagation needs a topological order: the right order beside two wrong ones.

All three start at the output. A visit to a node passes its contributions on to its operands.
- topological: it visits a node once, after all nodes that use it;
- naive recursion: after each visit it visits the operands, so a shared node passes its gradient on
  before it is complete, and then once more;
- pre-order search: it visits a node once, when it first reaches it, and never passes later
  contributions on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import nan
from typing import Literal, NamedTuple, get_args

from tinygrad_edu.analysis.graph import Graph, graph
from tinygrad_edu.analysis.notation import clipped
from tinygrad_edu.chain_rule import cut
from tinygrad_edu.engine import Value
from tinygrad_edu.rows.formula import check_precision, rounded
from tinygrad_edu.rows.op import defined

__all__ = ["METHODS", "MOST_VISITS", "Orders", "Run", "Visit", "orders", "orders_of"]

Method = Literal["topological", "naive recursion", "pre-order"]
METHODS: tuple[Method, ...] = get_args(Method)
MOST_VISITS = 100_000  # for naive recursion, which makes one visit for each path
_SHOWN = 40  # most visits in a list


class Visit(NamedTuple):
    """One visit to a node, with the gradient that it passed on."""

    node: int
    passed: float


class Run(NamedTuple):
    """The run of one method: its visits in order, and the gradients of the nodes after them.

    finished: False if it was stopped after MOST_VISITS.
    """

    method: Method
    visits: tuple[Visit, ...]
    grads: dict[int, float]
    finished: bool = True


@dataclass(frozen=True, repr=False)
class Orders:
    """The runs of the three methods on one graph, in the order of METHODS, the right one first."""

    graph: Graph
    runs: tuple[Run, ...]
    precision: int = 4

    def first_difference(self, run: Run) -> int | None:
        """This returns the first node with a wrong gradient, from the output back, or None."""
        right = self.runs[0].grads
        for node in reversed(self.graph.nodes):
            if node.id in right and _differ(right[node.id], run.grads.get(node.id, 0.0)):
                return node.id
        return None

    def mistakes(self, run: Run) -> Iterator[bool]:
        """This yields for each visit whether it passed on an incomplete gradient or came again."""
        right, seen = self.runs[0].grads, set()
        for i, passed in run.visits:
            leaf = not self.graph.nodes[i].args  # it has no operands
            yield not leaf and (i in seen or _differ(passed, right[i]))
            seen.add(i)

    def __str__(self) -> str:
        return "\n".join([*self._table(), "", *self._verdicts(), "", *self._visits()])

    def __repr__(self) -> str:
        return clipped(str(self))

    def _table(self) -> list[str]:
        """Returns the gradients by each method, with * at wrong ones and a note at the first."""
        rows = [["node", *METHODS]]
        firsts = {self.first_difference(run) for run in self.runs[1:] if run.finished} - {None}
        for node in reversed(self.graph.nodes):
            if node.id in self.runs[0].grads:
                right = self.runs[0].grads[node.id]
                cells = [self.graph.names[node.id], rounded(right, self.precision)]
                for run in self.runs[1:]:
                    grad = run.grads.get(node.id, 0.0)
                    mark = " *" if _differ(grad, right) else ""
                    cells.append(rounded(grad, self.precision) + mark if run.finished else "?")
                rows.append([*cells, "<- the first that differs"] if node.id in firsts else cells)
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0])).rstrip()
            for row in rows
        ]

    def _verdicts(self) -> list[str]:
        """Returns the first wrong gradient of each wrong order, and the visit that caused it."""
        lines = []
        for run in self.runs[1:]:
            first = self.first_difference(run)
            if not run.finished:
                verdict = f"stopped after {MOST_VISITS:,} visits, one for every path to a node"
            elif first is None:
                verdict = "every gradient is right on this graph"
            else:
                wrong, right = run.grads.get(first, 0.0), self.runs[0].grads[first]
                verdict = (
                    f"wrong, first at {self.graph.names[first]}: {rounded(wrong, self.precision)}, "
                    f"not {rounded(right, self.precision)}; {self._cause(run)}"
                )
            lines.append(f"{run.method}: {verdict}")
        return lines

    def _cause(self, run: Run) -> str:
        """Returns the first visit with a mistake, as a sentence."""
        wrong = (visit for visit, mistake in zip(run.visits, self.mistakes(run)) if mistake)
        visit = next(wrong, None)
        if visit is None:
            return "the sums cancel, and rounding differs"
        name, whole = self.graph.names[visit.node], self.runs[0].grads[visit.node]
        passed = rounded(visit.passed, self.precision)
        if not _differ(visit.passed, whole):
            return f"{name} passed on its gradient, {passed}, more than once"
        return (
            f"{name} passed on {passed} before its gradient, {rounded(whole, self.precision)}, "
            "was complete"
        )

    def _visits(self) -> list[str]:
        """Returns the nodes in the order of their visits; ! marks a mistake."""
        lines = ["visits (! passed on before the gradient was complete, or once more):"]
        width = max(map(len, METHODS))
        for run in self.runs:
            pairs = islice(zip(run.visits, self.mistakes(run)), _SHOWN)
            names = [f"{self.graph.names[visit.node]}{'!' * mistake}" for visit, mistake in pairs]
            more = f" ... {len(run.visits):,} in all" if len(run.visits) > _SHOWN else ""
            lines.append(f"{run.method.ljust(width)}  {' '.join(names)}{more}")
        return lines


def orders(y: Value, precision: int = 4) -> Orders:
    """This returns the gradients of the graph of `y` by the right order and by two wrong ones.

    precision: decimals of the printed numbers. No grad is read or set.
    """
    return orders_of(graph(y), precision)


def orders_of(graph: Graph, precision: int = 4) -> Orders:
    """Returns the three methods on that graph."""
    check_precision(precision)
    runs = _topological(graph), _naive(graph), _pre_order(graph)
    return Orders(graph, runs, precision)


def _topological(graph: Graph) -> Run:
    order = [node.id for node in reversed(graph.nodes)]
    return _visit(METHODS[0], graph, order)


def _pre_order(graph: Graph) -> Run:
    order: dict[int, None] = {}
    waiting = [graph.output.id]
    while waiting:
        i = waiting.pop()
        if i not in order:
            order[i] = None
            waiting += [x for x, _ in reversed(_open(graph, i))]
    return _visit(METHODS[2], graph, list(order))


def _naive(graph: Graph) -> Run:
    visits: list[Visit] = []
    grads = {graph.output.id: 1.0}
    waiting = [graph.output.id]
    while waiting and len(visits) < MOST_VISITS:
        i = waiting.pop()
        visits.append(Visit(i, grads[i]))
        _pass_on(graph, i, grads)
        waiting += [x for x, _ in reversed(_open(graph, i))]
    return Run(METHODS[1], tuple(visits), grads, not waiting)


def _visit(method: Method, graph: Graph, order: list[int]) -> Run:
    """Returns a run with one visit to each node except constants, in that order."""
    visits: list[Visit] = []
    grads = {graph.output.id: 1.0}
    for i in order:
        if i in grads:
            visits.append(Visit(i, grads[i]))
            _pass_on(graph, i, grads)
    return Run(method, tuple(visits), grads)


def _pass_on(graph: Graph, i: int, grads: dict[int, float]) -> None:
    """Adds the node's contributions, with its present gradient, to its operands."""
    for source, local in _open(graph, i):
        contribution = grads[i] * local
        grads[source] = grads[source] + contribution if source in grads else contribution


def _open(graph: Graph, i: int) -> list[tuple[int, float]]:
    """Returns the operands that get contributions from a node, with its local derivatives."""
    node = graph.nodes[i]
    op = defined(node.op, nan if node.data is None else node.data)
    return [
        (source, local)
        for place, (source, local) in enumerate(zip(node.args, graph.local_derivatives(node)))
        if local is not None and not cut(op, place, node.used[0])
    ]


def _differ(a: float, b: float) -> bool:
    """Whether two gradients differ by more than another order of additions can explain."""
    return not (a == b or abs(a - b) <= 1e-9 * max(abs(a), abs(b)) or (a != a and b != b))
