"""The same graph with less detail: groups of values become boxes, and sums stay the same.

An edge between boxes carries the sum of the contributions of all edges that it stands for, so that
the contributions to a value add up to its gradient at every level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, get_args

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.drawable import Calls
from tinygrad_edu.errors import ViewError
from tinygrad_edu.ops import LEAF

if TYPE_CHECKING:
    from tinygrad_edu.analysis.calls import Box

__all__ = ["CALLS", "WHOLE", "WORDS", "parse", "zoom", "zoomed"]

CALLS: tuple[Calls, ...] = get_args(Calls)
# For each name: the first word of the last part of a path to keep, or else the number of parts.
WORDS = {"layer": 1, "neuron": 2}
WHOLE = "the calculation"  # the box for nodes without a group, at level 0


def zoom(graph: Graph, level: str | int, calls: Calls = "sequence") -> Graph:
    """This returns the graph with its groups collapsed to boxes, which never form a circle.

    level: `node` collapses nothing. `neuron` and `layer` keep each group's path up to the part that
    begins with that word, or else its first two parts or first part. A number keeps so many parts;
    0 gives one box of all operations. A leaf without a group that only one group uses, such as the
    weight of a neuron, belongs to that group. A box has a value and a grad if a single value leaves
    it.
    calls: when a group that is entered several times has several boxes, such as `cell call 2`.
    `sequence`: where it uses what it has computed before, as in a recurrent network; a batch of
    examples is one box. `apart`: for each call. `together`: as `apart`, but equal calls, and groups
    whose names differ by a number only, are one box, such as `cell x 12`, if that makes no circle.
    Inputs, states and weights of a group with several calls stay outside.
    ViewError for any other level or `calls`.
    """
    return zoomed(graph, level, calls)[0]


def zoomed(
    graph: Graph, level: str | int, calls: Calls = "sequence"
) -> tuple[Graph, dict[int, int]]:
    """This returns the same as `zoom`, and for each node the id of its box."""
    level = parse(level)
    if calls not in CALLS:
        raise ViewError(f"unknown calls {str(calls)[:60]!r}: choose {', '.join(CALLS)}")
    if level == "node":
        return graph, {node.id: node.id for node in graph.nodes}
    from tinygrad_edu.analysis.calls import boxes, ordered  # late, so that a picture comes fast

    box_of = boxes(graph, partial(_cut, level=level), calls) if level else _whole(graph)
    places: dict[int, Box | int] = {node.id: box_of.get(node.id, node.id) for node in graph.nodes}
    members: dict[Box | int, list[Node]] = defaultdict(list)
    operands: dict[Box | int, set[Box | int]] = defaultdict(set)
    for node in graph.nodes:
        place = places[node.id]
        members[place].append(node)
        operands[place] |= {places[i] for i in node.args} - {place}
    order = ordered(operands, lambda place: members[place][-1].id)
    ids = {place: i for i, place in enumerate(order)}
    leaving: dict[Box | int, set[int]] = defaultdict(set)
    for i in graph.outputs:
        leaving[places[i]].add(i)
    for edge in graph.edges:
        if places[edge.source] != places[edge.target]:
            leaving[places[edge.source]].add(edge.source)
    new = {i: ids[place] for i, place in places.items()}
    edges = _bundles(graph, new, order)
    args: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        args[edge.target].append(edge.source)
    nodes = []
    for i, place in enumerate(order):
        if isinstance(place, int):
            nodes.append(graph.nodes[place]._replace(id=i, args=tuple(args[i])))
            continue
        inside = members[place]
        only = graph.nodes[min(leaving[place])] if len(leaving[place]) == 1 else None
        made = next((node for node in inside if node.group and node.args), inside[0])
        nodes.append(
            Node(
                id=i,
                kind="group",
                label=place.name,
                op=LEAF,
                args=tuple(args[i]),
                used=(),
                data=only.data if only else None,
                grad=only.grad if only else None,
                stale=any(node.stale for node in inside),
                group=place.path,
                holds=sum(node.holds for node in inside),
                marked=any(node.marked for node in inside),
                calls=made.calls[: place.path.count("/") + 1],
            )
        )
    outputs = tuple(dict.fromkeys(ids[places[i]] for i in graph.outputs))
    return Graph(tuple(nodes), outputs, tuple(edges)), new


def parse(level: str | int) -> str | int:
    """Returns `level` with digits as a number; ViewError for an unknown level."""
    if isinstance(level, str) and level.isdecimal() and len(level) < 4:
        level = int(level)
    if level in ("node", *WORDS) or (isinstance(level, int) and level >= 0):
        return level
    if level == "network":
        raise ViewError("a network is drawn, and not collapsed: write y.draw(level='network')")
    words = "node, neuron, layer, network, 0, 1, 2, ..."
    raise ViewError(f"unknown level {str(level)[:60]!r}: choose {words}")


def _whole(graph: Graph) -> dict[int, Box]:
    """Returns one box for all nodes but the leaves without a group."""
    from tinygrad_edu.analysis.calls import Box, homes

    return {
        node.id: Box(WHOLE, WHOLE, 0)
        for node, home in zip(graph.nodes, homes(graph))
        if home or node.op or node.kind == "constant"
    }


def _cut(path: str, level: str | int) -> str:
    parts = path.split("/")
    if isinstance(level, int):
        return "/".join(parts[:level])
    named = [i for i, part in enumerate(parts) if part.lower().startswith(level)]
    return "/".join(parts[: named[0] + 1 if named else WORDS[level]])


def _bundles(graph: Graph, new: dict[int, int], order: Sequence[Box | int]) -> list[Edge]:
    """Returns the edges between boxes; `new` maps the id of a node to the id of its box."""
    bundles: dict[tuple[int, int, int], Edge] = {}
    for edge in graph.edges:
        source, target = new[edge.source], new[edge.target]
        if source == target:
            continue
        if isinstance(order[target], int):
            bundles[source, target, edge.operand] = edge._replace(source=source, target=target)
        elif (source, target, -1) not in bundles:
            bundles[source, target, -1] = Edge(
                source, target, 0, None, edge.contribution, edge.uses
            )
        else:
            bundle = bundles[source, target, -1]
            parts = [x for x in (bundle.contribution, edge.contribution) if x is not None]
            added = sum(parts) if parts else None
            more = bundle._replace(contribution=added, uses=bundle.uses + edge.uses)
            bundles[source, target, -1] = more
    edges = []
    place: dict[int, int] = defaultdict(int)  # the operand index of the next source of a box
    for edge in sorted(bundles.values(), key=lambda edge: edge.target):
        if not isinstance(order[edge.target], int):
            edge = edge._replace(operand=place[edge.target])
            place[edge.target] += 1
        edges.append(edge)
    return edges
