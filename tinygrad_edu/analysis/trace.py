"""The forward and the backward pass in slow motion, event by event.

In the forward pass, an event computes the number of one operation. In the backward pass, the first
event gives the output its adjoint, 1; every other event is one multiplication along one edge:
adjoint * local derivative is a contribution, which is added to the gradient of the operand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tinygrad_edu.analysis.graph import (
    Graph,
    Passing,
    backward_pass,
    differentiated,
    graph,
    jsonable,
)
from tinygrad_edu.analysis.notation import (
    clipped,
    local_derivative,
    number,
    operation,
    operation_in_numbers,
    side,
)
from tinygrad_edu.drawable import mime
from tinygrad_edu.engine import Value
from tinygrad_edu.hooks import plays
from tinygrad_edu.rows.formula import check_precision, equals, numeral, rounded
from tinygrad_edu.rows.ieee import total

__all__ = ["Event", "Trace", "trace", "trace_of"]


class Event(NamedTuple):
    """One event of a pass.

    phase: `forward` or `backward`. node: the id of the node that gets its number, or a contribution
    to its gradient. op: the name of the operation. operands: the ids of its operands. data: the
    number of `node`. Backward only: `passing`, the multiplication, None for the first event;
    `running`, the gradient of `node` after the event.
    """

    phase: Literal["forward", "backward"]
    node: int
    op: str
    operands: tuple[int, ...]
    data: float
    running: float | None = None
    passing: Passing | None = None


@dataclass(frozen=True, repr=False)
class Trace:
    """The events of both passes, in order, and the graph after them.

    The gradients are those of a new `backward()`, starting at 0.
    """

    graph: Graph
    events: tuple[Event, ...]
    precision: int = 4

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return clipped(str(self))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return plays[-1](self)

    def _mime_(self) -> tuple[str, str]:
        return mime(self)

    def lines(self) -> Iterator[str]:
        """This yields a line with the numbers of the leaves, then a line for each event."""
        yield self.given()
        yield from map(self.line, self.events)

    def given(self) -> str:
        """This returns the line with the numbers that exist before the first event."""
        used: dict[int, dict[float, None]] = {}  # the numbers of each node when it was used
        for node in self.graph.nodes:
            for source, then in zip(node.args, node.used):
                used.setdefault(source, {})[then] = None
        numbers = [
            f"{self.graph.names[node.id]} = "
            + " and ".join(map(self._rounded, used.get(node.id, [number(node)])))
            + (f" (set to {self._rounded(number(node))} after use)" if node.stale else "")
            for node in self.graph.nodes
            if node.kind == "leaf"
        ]
        return "given     " + (", ".join(numbers) or "no leaf")

    def line(self, event: Event) -> str:
        """This returns the line of the event, in names and in numbers."""
        node = self.graph.nodes[event.node]
        name = self.graph.names[node.id]
        if event.phase == "forward":
            made = operation(self.graph, node), operation_in_numbers(node, self.precision)
            shown = self._rounded(event.data)
            seen = (float(self._rounded(x)) for x in node.used)
            sign = equals(float(total(node.op.value, *seen)), shown, self.precision)
            return f"forward   {name} = {' = '.join(made)} {sign} {shown}"
        passing = event.passing
        if passing is None:
            return f"backward  {name} is the output: d {name} / d {name} = 1, grad {name} = 1"
        target = self.graph.nodes[passing.target]
        adjoint, local = (numeral(x, self.precision) for x in (passing.adjoint, passing.local))
        added, grad = self._rounded(passing.contribution), self._rounded(passing.running)
        made_of = float(self._rounded(passing.adjoint)) * float(self._rounded(passing.local))
        sign = equals(made_of, added, self.precision)
        if passing.before is not None:
            before, added_ = (
                numeral(x, self.precision) for x in (passing.before, passing.contribution)
            )
            made_of = float(self._rounded(passing.before)) + float(added)
            grad = f"{before + added_} {equals(made_of, grad, self.precision)} {grad}"
        return (
            f"backward  {self.graph.names[target.id]} -> {name}{side(target, passing)}: "
            f"local derivative {local_derivative(self.graph, passing, self.precision)}; "
            f"contribution {adjoint * local} {sign} {added}; grad {name} = {grad}"
        )

    def _rounded(self, x: float) -> str:
        return rounded(x, self.precision)

    def to_json(self) -> str:
        """This returns the events as JSON, one in each line; ids are those of the graph's JSON."""
        rows = []
        for event in self.events:
            row: dict[str, Any] = {"phase": event.phase, "node": event.node, "op": event.op}
            row |= {"operands": event.operands, "data": jsonable(event.data)}
            if event.passing is not None:
                numbers = event.passing._asdict().items()
                row |= {name: jsonable(x) for name, x in numbers if name != "source"}
            elif event.phase == "backward":
                row["running"] = jsonable(event.running)
            rows.append(json.dumps(row, allow_nan=False))
        return "[\n" + ",\n".join(rows) + "\n]\n"


def trace(y: Value, precision: int = 4) -> Trace:
    """This returns the forward and the backward pass from `y` as a list of events.

    precision: decimals of the numbers in its lines. The numbers are those with which the graph was
    computed; no grad is set.
    """
    return trace_of(graph(y), precision)


def trace_of(graph: Graph, precision: int = 4) -> Trace:
    """Returns the events of the graph."""
    check_precision(precision)
    passings = backward_pass(graph)
    graph = differentiated(graph)
    events = [
        Event("forward", node.id, node.op.name, node.args, number(node))
        for node in graph.nodes
        if node.op
    ]
    output = graph.output
    name = output.op.name if output.op else ""
    events.append(Event("backward", output.id, name, output.args, number(output), 1.0))
    for passing in passings:
        target = graph.nodes[passing.target]
        events.append(
            Event(
                "backward",
                passing.source,
                target.op.name,
                target.args,
                target.used[passing.operand],
                passing.running,
                passing,
            )
        )
    return Trace(graph, tuple(events), precision)
