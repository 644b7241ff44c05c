"""A computation as plain data: what every picture, text and file of a graph is made from.

As JSON, `Graph.to_json`, version 1:

    {"format": "tinygrad-edu graph", "version": 1, "output": ID,
     "nodes": [{"id": 0, "kind": "leaf", "label": "x", "op": "", "args": [],
                "data": 2.0, "grad": -0.5, "stale": false}, ...]}

`id` counts the nodes as the expression is evaluated from left to right, operands first. `kind` is
`leaf`, `constant` or `operation`. `op` is the name of a row of the table, and `args` the ids of
its operands, in order, an operand used twice twice. `grad` is null where there is none: on
constants, and everywhere before `backward()`. `stale` says that a leaf was set after the graph
was computed from it. Numbers are exact; what JSON cannot say is "nan", "inf" or "-inf".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import isfinite
from typing import Any

from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.ieee import number, same
from tinygrad_edu.ops import CONSTANT


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a graph: a leaf, a constant, or the result of an operation."""

    id: int
    kind: str
    label: str
    op: str
    symbol: str
    args: tuple[int, ...]
    data: float
    grad: float | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """One use of a value: `source` is operand number `operand` (0, 1) of `target`."""

    source: int
    target: int
    operand: int


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes in order of computation, the output last."""

    nodes: tuple[Node, ...]

    @property
    def output(self) -> Node:
        """The node that everything else was computed for."""
        return self.nodes[-1]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every use of a value, by target and operand: `a * a` has two."""
        return tuple(
            Edge(source, node.id, operand)
            for node in self.nodes
            for operand, source in enumerate(node.args)
        )

    def to_json(self) -> str:
        """The graph as JSON text, a node a line (see the top of this file)."""
        rows = []
        for node in self.nodes:
            row: dict[str, Any] = {"id": node.id, "kind": node.kind, "label": node.label}
            row |= {"op": node.op, "args": node.args, "data": _jsonable(node.data)}
            row |= {"grad": _jsonable(node.grad), "stale": node.stale}
            rows.append(json.dumps(row, allow_nan=False))
        head = f'"format": "tinygrad-edu graph", "version": 1, "output": {self.output.id}'
        return f'{{{head}, "nodes": [\n' + ",\n".join(rows) + "\n]}\n"


def _jsonable(x: float | None) -> Any:
    return x if x is None or isfinite(x) else str(x)


def graph(root: Value) -> Graph:
    """The graph that `root` was computed by, as it is now.

    Where the output's grad is 0, nobody has computed gradients: then no node shows one.
    NumberError if somebody has set a grad to what is no number.
    """
    order = topological_order(root)
    ids = {node: i for i, node in enumerate(order)}
    has_grads = root.grad != 0.0
    stale = {
        x
        for node in order
        for x, then in zip(node.args, (node.a_data, node.b_data))
        if not same(x.data, then)
    }
    return Graph(
        tuple(
            Node(
                id=ids[node],
                kind="operation" if node.op else "constant" if node.op is CONSTANT else "leaf",
                label="" if node.label is None else str(node.label),
                op=node.op.name if node.op else "",
                symbol=str(node.op),
                args=tuple(ids[x] for x in node.args),
                data=node.data,
                grad=number(node.grad) if has_grads and node.op is not CONSTANT else None,
                stale=node in stale,
            )
            for node in order
        )
    )
