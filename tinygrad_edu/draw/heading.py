"""The line above a picture: the output and its formula."""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.analysis.notation import called, name
from tinygrad_edu.rows.formula import Formula, School

__all__ = ["said"]

_MOST = 60  # characters
_MOST_OPERATIONS = 20


def said(graph: Graph, names: Mapping[int, str] | None = None) -> str:
    """This returns the output and its formula, `y = tanh(x·w + b)`; '' for a leaf or a long one.

    A node with a label is called by it, the others are written out. names: of more nodes, by id.
    """
    known = names or {}
    output = graph.output
    if output.kind != "operation" or len(graph.outputs) > 1:
        return ""
    written: dict[int, Formula] = {}
    wanted = [output.id]
    while wanted:
        node = graph.nodes[wanted[-1]]
        missing = [i for i in node.args if i not in written] if _open(node, output, known) else []
        if missing:
            wanted += missing
            if len(wanted) + len(written) > 4 * _MOST_OPERATIONS:
                return ""
            continue
        wanted.pop()
        if node.id in known and node is not output:
            written[node.id] = School(known[node.id])
        elif _open(node, output, known):
            written[node.id] = node.op(*(written[i] for i in node.args))
        else:
            written[node.id] = _leaf(graph, node)
        if len(str(written[node.id])) > _MOST:
            return ""
    formula = str(written[output.id])
    return f"{output.label} = {formula}" if output.label else formula


def _open(node: Node, output: Node, known: Mapping[int, str]) -> bool:
    """Whether the operation of the node is written out."""
    if node.kind != "operation":
        return False
    return node is output or not (node.label or node.id in known)


def _leaf(graph: Graph, node: Node) -> Formula:
    known = called(node, School)
    if known is not None:
        return known
    return name(graph, node, School) if node.data is None else School(node.data)
