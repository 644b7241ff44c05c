"""The same graph from further away: groups of values become boxes, and numbers are conserved.

An edge between boxes carries the sum of the contributions on all the edges that it stands for,
so that what arrives at a value adds up to its gradient at every level.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.errors import ViewError
from tinygrad_edu.ops import LEAF

__all__ = ["WHOLE", "WORDS", "parse", "zoom"]

# A level by name: the part of a group's path that begins with this word, or else this many parts.
WORDS = {"layer": 1, "neuron": 2}
WHOLE = "the calculation"  # the box of what has no group, at level 0


def zoom(graph: Graph, level: str | int) -> Graph:
    """The graph with its groups collapsed as far as `level` says.

    level: `node`, nothing; `neuron` or `layer`, to the part of each group's path that begins with
    that word, or else to its first two parts or its first; or how many parts of a path are kept,
    0 for one box of all operations. A leaf outside of all groups that only one group uses, as a
    neuron does its weight, belongs to it. A box has a value and a grad if one value leaves it.
    ViewError for any other level.
    """
    level = parse(level)
    if level == "node":
        return graph
    box_of = _boxes(graph, level)
    members: dict[str | int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        members[box_of[node.id]].append(node)
    # by the last of their members: operands come first, unless two boxes feed each other
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
    """`level` as `zoom` takes it, a number also from text; ViewError if it is none."""
    if isinstance(level, str) and level.isdecimal() and len(level) < 4:
        level = int(level)
    if level in ("node", *WORDS) or (isinstance(level, int) and level >= 0):
        return level
    raise ViewError(f"unknown level {str(level)[:60]!r}: choose node, neuron, layer, 0, 1, 2, ...")


def _boxes(graph: Graph, level: str | int) -> dict[int, str | int]:
    """The box that each node is in: a path, or the node's own id where it is drawn as it is."""
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
    """The edges between boxes; `new` is the box of each node, by their numbers."""
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
    place: dict[int, int] = defaultdict(int)  # among the sources of a box
    for edge in sorted(bundles.values(), key=lambda edge: edge.target):
        if not isinstance(boxes[edge.target], int):
            edge = edge._replace(operand=place[edge.target])
            place[edge.target] += 1
        edges.append(edge)
    return edges
