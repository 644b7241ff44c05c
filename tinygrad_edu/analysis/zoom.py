"""The same graph with less detail: groups of values become boxes, and sums stay the same.

An edge between boxes carries the sum of the contributions of all edges that it stands for, so that
the contributions to a value add up to its gradient at every level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.errors import ViewError
from tinygrad_edu.ops import LEAF

__all__ = ["WHOLE", "WORDS", "parse", "zoom"]

# For each name: the first word of the last part of a path to keep, or else the number of parts.
WORDS = {"layer": 1, "neuron": 2}
WHOLE = "the calculation"  # the box for nodes without a group, at level 0


def zoom(graph: Graph, level: str | int) -> Graph:
    """This returns the graph with its groups collapsed to boxes.

    level: `node` collapses nothing. `neuron` and `layer` keep each group's path up to the part that
    begins with that word, or else its first two parts or first part. A number keeps so many parts;
    0 gives one box of all operations. A leaf without a group that only one group uses, such as the
    weight of a neuron, belongs to that group. A box has a value and a grad if a single value leaves
    it. ViewError for any other level.
    """
    level = parse(level)
    if level == "node":
        return graph
    box_of = _boxes(graph, level)
    members: dict[str | int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        members[box_of[node.id]].append(node)
    # in the order of their last members: operands first, unless two boxes use each other
    boxes = sorted(members, key=lambda box: members[box][-1].id)
    ids = {box: i for i, box in enumerate(boxes)}
    leaving: dict[str | int, set[int]] = defaultdict(set)
    for i in graph.outputs:
        leaving[box_of[i]].add(i)
    for edge in graph.edges:
        if box_of[edge.source] != box_of[edge.target]:
            leaving[box_of[edge.source]].add(edge.source)
    edges = _bundles(graph, {node.id: ids[box_of[node.id]] for node in graph.nodes}, boxes)
    args: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        args[edge.target].append(edge.source)
    nodes = []
    for i, box in enumerate(boxes):
        if isinstance(box, int):
            nodes.append(graph.nodes[box]._replace(id=i, args=tuple(args[i])))
            continue
        only = graph.nodes[min(leaving[box])] if len(leaving[box]) == 1 else None
        nodes.append(
            Node(
                id=i,
                kind="group",
                label=box,
                op=LEAF,
                args=tuple(args[i]),
                used=(),
                data=only.data if only else None,
                grad=only.grad if only else None,
                stale=any(node.stale for node in members[box]),
                group=box,
                holds=sum(node.holds for node in members[box]),
                marked=any(node.marked for node in members[box]),
            )
        )
    outputs = tuple(dict.fromkeys(ids[box_of[i]] for i in graph.outputs))
    return Graph(tuple(nodes), outputs, tuple(edges))


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


def _boxes(graph: Graph, level: str | int) -> dict[int, str | int]:
    """Returns the box of each node: a path, or the node's own id if it stays a node."""
    users: dict[int, set[str]] = defaultdict(set)
    for node in graph.nodes:
        for source in node.args:
            users[source].add(node.group)
    boxes: dict[int, str | int] = {}
    for node in graph.nodes:
        group = node.group
        if not group and not node.op and node.role != "input" and len(users[node.id]) == 1:
            group = min(users[node.id])
        inside = level == 0 and (group or node.op or node.kind == "constant")
        boxes[node.id] = WHOLE if inside else _cut(group, level) or node.id
    return boxes


def _cut(path: str, level: str | int) -> str:
    parts = path.split("/")
    if isinstance(level, int):
        return "/".join(parts[:level])
    named = [i for i, part in enumerate(parts) if part.lower().startswith(level)]
    return "/".join(parts[: named[0] + 1 if named else WORDS[level]])


def _bundles(graph: Graph, new: dict[int, int], boxes: Sequence[str | int]) -> list[Edge]:
    """Returns the edges between boxes; `new` maps the id of a node to the id of its box."""
    bundles: dict[tuple[int, int, int], Edge] = {}
    for edge in graph.edges:
        source, target = new[edge.source], new[edge.target]
        if source == target:
            continue
        if isinstance(boxes[target], int):
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
        if not isinstance(boxes[edge.target], int):
            edge = edge._replace(operand=place[edge.target])
            place[edge.target] += 1
        edges.append(edge)
    return edges
