"""A computation as plain data, the source of every picture, explanation, text and file of it.

As JSON, `Graph.to_json`, version 1:

    {"format": "tinygrad-edu graph", "version": 1, "outputs": [ID],
     "nodes": [{"id": 0, "kind": "leaf", "label": "x", "group": "", "role": "", "op": "",
                "args": [], "data": 2.0, "grad": -0.5, "stale": false, "holds": 1,
                "calls": []}, ...],
     "edges": [{"source": 0, "target": 2, "operand": 0, "local": -3.0, "contribution": -0.5,
                "uses": 1}, ...]}

`id` counts the nodes in the order of evaluation, from left to right, operands first. `kind` is
`leaf`, `constant`, `operation`, or `group` (see `zoom`), which holds several values and has a
number only if a single value leaves it. `op` is the name of a row of the table. `args` are the ids
of the operands in order; an operand used twice is there twice. `grad` is null on constants, and on
all nodes before `backward()`. `stale` marks a leaf that was set after the graph was computed from
it. `calls` has a number for each part of the path `group`: 1 if the node was made when that group
was entered for the first time, 2 for the second. An edge is one use of a value: `local` is
d target / d source along this edge alone, and `contribution` is its share in the gradient of the
source. Numbers are exact; JSON has no nan and infinities, so they are "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import isfinite, nan
from typing import Any, Literal, NamedTuple, get_args

from tinygrad_edu.chain_rule import sweep
from tinygrad_edu.drawable import Drawable, K, Role, Roles
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import NumberError, ViewError
from tinygrad_edu.ops import CONSTANT
from tinygrad_edu.rows.formula import format_number, latex_names
from tinygrad_edu.rows.ieee import number, same, total
from tinygrad_edu.rows.op import Op, defined

__all__ = [
    "ROLES",
    "Edge",
    "Graph",
    "Node",
    "Passing",
    "backward_pass",
    "differentiated",
    "graph",
    "jsonable",
    "mark",
]

ROLES: tuple[Role, ...] = get_args(Role)
Kind = Literal["leaf", "constant", "operation", "group"]
_NAME = re.compile(r"[^\W\d][\w.\[\]']*")  # a label that can stand in a formula


class Node(NamedTuple):
    """One value of a graph: a leaf, a constant, the result of an operation; or a group of values.

    used: the operands' numbers when it was computed. role: one of ROLES, or ''. holds: the number
    of values in a group. marked: whether `mark` has marked it. calls: for each part of the path
    `group`, which entering of that group it was made in, counted from 1 among those of the graph;
    () if nobody knows.
    """

    id: int
    kind: Kind
    label: str
    op: Op
    args: tuple[int, ...]
    used: tuple[float, ...]
    data: float | None
    grad: float | None
    stale: bool = False
    group: str = ""
    role: Role | Literal[""] = ""
    holds: int = 1
    marked: bool = False
    calls: tuple[int, ...] = ()


class Edge(NamedTuple):
    """One use of a value: `source` is operand number `operand` (0, 1) of `target`.

    local: d target / d source along this edge, None for a constant or into a group.
    contribution: the adjoint of target * local, the share of this edge in the gradient of source;
    None before `backward()`. uses: the number of edges that this edge between groups stands for.
    """

    source: int
    target: int
    operand: int
    local: float | None
    contribution: float | None
    uses: int = 1


class Passing(NamedTuple):
    """One multiplication of the backward pass: from `target` to `source`, its operand `operand`.

    adjoint: d output / d target. local: d target / d source along this edge. contribution: their
    product. before: the sum of the earlier contributions to source, None for the first. running:
    the sum including this one; after the last contribution, it is the gradient.
    """

    source: int
    target: int
    operand: int
    adjoint: float
    local: float
    contribution: float
    before: float | None
    running: float


@dataclass(frozen=True, repr=False)
class Graph(Drawable):
    """The nodes in order of evaluation, an output last; `outputs` are the ids of all outputs."""

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    bundles: tuple[Edge, ...] | None = None  # the edges between collapsed groups

    def __repr__(self) -> str:
        return repr(self.draw())

    @property
    def output(self) -> Node:
        """The last output: the node whose derivatives `backward_pass` computes."""
        return self.nodes[self.outputs[-1]]

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """Every use of a value, sorted by target and operand: `a * a` has two edges."""
        return tuple(self._edges()) if self.bundles is None else self.bundles

    def _edges(self) -> Iterator[Edge]:
        if self.output.grad is None:
            for node in self.nodes:
                for operand, local in enumerate(self.local_derivatives(node)):
                    yield Edge(node.args[operand], node.id, operand, local, None)
            return
        arrived = {(p.target, p.operand): p for p in backward_pass(self, self.output.grad)}
        for node in self.nodes:
            locals_ = self.local_derivatives(node)
            for operand, (source, local) in enumerate(zip(node.args, locals_)):
                p = arrived.get((node.id, operand))  # None behind a mask of 0
                nothing = None if local is None else 0.0
                yield Edge(source, node.id, operand, local, p.contribution if p else nothing)

    def local_derivatives(self, node: Node) -> tuple[float | None, ...]:
        """Returns d node / d operand for each operand: None by a constant, nan for a nan result."""
        y = nan if node.data is None else node.data
        rules = defined(node.op, y).derivatives
        return tuple(
            None if self.nodes[source].kind == "constant" else total(rule, y, *node.used)
            for source, rule in zip(node.args, rules)
        )

    @cached_property
    def labels(self) -> Counter[str]:
        """The number of nodes with each label."""
        return Counter(node.label for node in self.nodes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each node in formulas.

        It is the label, if that is a valid name and no other node has it; else the number of a
        constant, or v0, v1, ... by the id.
        """
        count = self.labels
        taken = set(count)
        called = []
        for node in self.nodes:
            name = node.label
            if count[name] != 1 or not _NAME.fullmatch(name):
                name = f"v{node.id}"
                while name in taken:
                    name += "_"
                if node.kind == "constant" and node.data is not None:
                    name = format_number(node.data)
            called.append(name)
        return tuple(called)

    @cached_property
    def latex_names(self) -> tuple[str, ...]:
        """The names as LaTeX; different names stay different."""
        written = latex_names(self.names)
        return tuple(written[name] for name in self.names)

    def find(self, name: str) -> Node:
        """This returns the node with that label or name; ViewError unless there is exactly one."""
        found = [node for node in self.nodes if node.label == name != ""]
        found = found or [node for node in self.nodes if self.names[node.id] == name]
        if len(found) == 1:
            return found[0]
        known = [name for name, node in zip(self.names, self.nodes) if node.kind != "constant"]
        clipped = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        choose = f"choose {clipped}" if known else "the graph is a constant, without names"
        if found:
            raise ViewError(f"{len(found)} nodes have the name {name[:60]!r}: {choose}")
        raise ViewError(f"unknown name {name[:60]!r}: {choose}")

    def to_json(self) -> str:
        """Returns the graph as JSON, a line for each node and edge: see the top of this file."""
        nodes = []
        for node in self.nodes:
            row: dict[str, Any] = {"id": node.id, "kind": node.kind, "label": node.label}
            row |= {"group": node.group, "role": node.role}
            row |= {"op": node.op.name if node.op else "", "args": node.args}
            row |= {"data": jsonable(node.data), "grad": jsonable(node.grad)}
            row |= {"stale": node.stale, "holds": node.holds, "calls": node.calls}
            nodes.append(json.dumps(row, allow_nan=False))
        edges = [
            json.dumps({name: jsonable(x) for name, x in edge._asdict().items()}, allow_nan=False)
            for edge in self.edges
        ]
        head = f'"format": "tinygrad-edu graph", "version": 1, "outputs": {list(self.outputs)}'
        rows = [
            f'{name}": [\n' + ",\n".join(lines) + "\n]"
            for name, lines in (('"nodes', nodes), ('"edges', edges))
        ]
        return f"{{{head}, {', '.join(rows)}}}\n"


def mark(graph: Graph, names: Iterable[str]) -> Graph:
    """Returns the graph with every node marked on a path from one of these names to an output.

    ViewError for a name that belongs to no node, or to several.
    """
    marked = {graph.find(name).id for name in names}
    if not marked:
        return graph
    for node in graph.nodes:  # operands come first
        if not marked.isdisjoint(node.args):
            marked.add(node.id)
    nodes = tuple(node._replace(marked=node.id in marked) for node in graph.nodes)
    return Graph(nodes, graph.outputs, graph.bundles)


def jsonable(x: float | None) -> Any:
    """Returns `x` for JSON: nan and infinities become "nan", "inf" and "-inf"."""
    return x if x is None or isfinite(x) else str(x)


def backward_pass(graph: Graph, seed: float = 1.0) -> list[Passing]:
    """Returns every multiplication of the backward pass from the output, whose adjoint is `seed`.

    The order and the sums are those of `Value.backward`; no grad is read or set.
    """
    passings: list[Passing] = []
    arrived = {graph.output.id: seed}

    def look(i: int) -> tuple[Op, tuple[int, ...], tuple[float, ...]]:
        node = graph.nodes[i]
        y = nan if node.data is None else node.data
        return defined(node.op, y), node.args, (y, *node.used)

    def tell(target: int, operand: int, local: float, contribution: float, was: Any) -> None:
        source = graph.nodes[target].args[operand]
        running = contribution if was is None else was + contribution
        p = Passing(source, target, operand, arrived[target], local, contribution, was, running)
        arrived[source] = running
        passings.append(p)

    nodes = range(graph.output.id, -1, -1)
    sweep(nodes, seed, lambda i: graph.nodes[i].kind != "constant", look, total, tell)
    return passings


def differentiated(graph: Graph) -> Graph:
    """Returns the graph with the gradients of a new `backward()` from its output, starting at 0."""
    grads = {node.id: 0.0 for node in graph.nodes if node.kind != "constant"}
    grads[graph.output.id] = 1.0
    grads |= {p.source: p.running for p in backward_pass(graph)}
    nodes = tuple(node._replace(grad=grads.get(node.id)) for node in graph.nodes)
    return Graph(nodes, graph.outputs[-1:])


def graph(root: Value, *more: Value, roles: Roles[K] | None = None) -> Graph:
    """This returns the graph of the roots with its present numbers; the last root is its output.

    Nodes have no gradients if the output's grad is 0, because no `backward()` has run, or if there
    are several roots, because each root has its own gradients. roles: `input`, `parameter` or
    `loss` for nodes, given as Values or by their labels. NumberError if a root is not a Value, or
    a grad is not a number; ViewError for an unknown role or label.
    """
    roots = (root, *more)
    for value in roots:
        if not isinstance(value, Value):
            raise NumberError(f"expected a Value, not {type(value).__name__}")
    order = _order(roots)
    ids = {node: i for i, node in enumerate(order)}
    has_grads = len(roots) == 1 and roots[0].grad != 0.0
    parts = _roles(order, roles or {})
    calls = _calls(order)
    stale = {
        x
        for node in order
        for x, then in ((node.a, node.a_data), (node.b, node.b_data))
        if x is not None and x._data is not then and not same(x._data, then)
    }
    return Graph(
        tuple(
            Node(
                id=i,
                kind="operation" if node.op else "constant" if node.op is CONSTANT else "leaf",
                label="" if node.label is None else str(node.label),
                op=node.op,
                args=tuple(ids[x] for x in node.args),
                used=(node.a_data, node.b_data)[: len(node.args)],
                data=node.data,
                grad=number(node.grad) if has_grads and node.op is not CONSTANT else None,
                stale=node in stale,
                group=node.group,
                role=parts.get(node, ""),
                calls=calls[getattr(node.group, "entered", ())],
            )
            for i, node in enumerate(order)
        ),
        tuple(ids[root] for root in roots),
    )


def _calls(order: Sequence[Value]) -> dict[tuple[int, ...], tuple[int, ...]]:
    """Returns the field `calls` of a node for the blocks that it was made in."""
    paths = {getattr(node.group, "entered", ()): node.group for node in order}
    blocks: dict[str, set[int]] = {}
    prefixes = {}
    for entered, path in paths.items():
        parts = path.split("/") if entered else []
        prefixes[entered] = list(accumulate(parts, "{}/{}".format))
        for prefix, block in zip(prefixes[entered], entered):
            blocks.setdefault(prefix, set()).add(block)
    ranks = {
        (prefix, block): rank
        for prefix, entered in blocks.items()
        for rank, block in enumerate(sorted(entered), 1)
    }
    return {entered: tuple(ranks[x] for x in zip(prefixes[entered], entered)) for entered in paths}


def _order(roots: Sequence[Value]) -> list[Value]:
    """Returns the nodes of all graphs once, operands first; the last root last, if possible."""
    if len(roots) == 1:
        return topological_order(roots[0])
    return list(dict.fromkeys(node for root in roots for node in topological_order(root)))


def _roles(order: Sequence[Value], roles: Roles[K]) -> dict[Value, Role]:
    labelled: dict[Any, list[Value]] = {}
    for node in order if roles else ():
        labelled.setdefault(node.label, []).append(node)
    known = set(order) if roles else set()
    found: dict[Value, Role] = {}
    for key, role in roles.items():
        if role not in ROLES:
            raise ViewError(f"unknown role {role[:60]!r}: choose {', '.join(ROLES)}")
        nodes = (
            labelled.get(key or None, [])
            if isinstance(key, str)
            else [key]
            if isinstance(key, Value) and key in known
            else []
        )
        if not nodes:
            names = ", ".join(str(label) for label in list(labelled)[:20] if label)
            choose = f"choose {names}" if names else "no node has a label"
            raise ViewError(f"unknown name {str(key)[:60]!r}: {choose}")
        found.update(dict.fromkeys(nodes, role))
    return found
