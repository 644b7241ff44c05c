"""A graph as DOT text, the language of Graphviz: the same graph is always the same text.

A value is a box of its label, its number and its gradient; an operation is a circle between the
values it takes and the value it makes.
"""

from __future__ import annotations

from html import escape

import graphviz

from tinygrad_edu.draw import theme
from tinygrad_edu.graph import Graph, Node

# Where the operands may be exchanged, nobody needs to be told which is which.
_SYMMETRIC = {"add", "mul", "max", "min"}

_LONGEST = 15_000  # bytes of a label; Graphviz reads 16,384


def dot(graph: Graph) -> str:
    """The DOT text of the graph."""
    digraph = graphviz.Digraph(
        "tinygrad_edu",
        graph_attr={
            "rankdir": "LR",
            "bgcolor": theme.PAPER,
            "ordering": "in",
            "nodesep": "0.3",
            "ranksep": "0.4",
        },
        node_attr={"fontname": theme.FONT, "fontsize": str(theme.FONT_SIZE), "color": theme.LINE},
        edge_attr={"fontname": theme.FONT, "fontsize": str(theme.SMALL_SIZE), "color": theme.LINE},
    )
    digraph.node_attr["fontcolor"] = digraph.edge_attr["fontcolor"] = theme.INK
    for node in graph.nodes:
        output = theme.OUTPUT if node is graph.output else {}
        kind = f"{node.kind} output" if output else node.kind
        style = {**theme.NODE[node.kind], **output, "class": kind, "tooltip": _tooltip(node)}
        digraph.node(f"n{node.id}", _label(node), id=f"n{node.id}", **style)
        if node.args:
            circle = {"id": f"op{node.id}", "class": "operator", "tooltip": node.op}
            size = theme.FONT_SIZE if node.symbol.isidentifier() else theme.SYMBOL_SIZE
            symbol = f'<<FONT POINT-SIZE="{size}">{_text(node.symbol)}</FONT>>'
            digraph.node(f"op{node.id}", symbol, **circle, **theme.OPERATOR)
            digraph.edge(f"op{node.id}", f"n{node.id}", id=f"e{node.id}", tooltip="result")
        for operand, source in enumerate(node.args):
            named = len(node.args) == 2 and node.op not in _SYMMETRIC
            side = theme.SIDE[operand] if named else {}
            ids = {"id": f"e{source}_{node.id}_{operand}", "tooltip": f"operand {operand}"}
            digraph.edge(f"n{source}", f"op{node.id}", **ids, **side)
    return str(digraph.source)


def drawn(graph: Graph) -> int:
    """How many shapes the picture has: the values and the operations."""
    return len(graph.nodes) + sum(node.kind == "operation" for node in graph.nodes)


def _label(node: Node) -> str:
    """The node's text as a Graphviz table: its name, its value, its gradient, a row each."""
    rows = []
    if node.label:
        label = _text(node.label)
        rows.append(f'<FONT POINT-SIZE="{theme.LABEL_SIZE}"><B>{label}</B></FONT>')
    if node.kind == "constant":
        rows.append(theme.number(node.data))
    else:
        rows.append(_captioned("value", theme.number(node.data), theme.INK))
    if node.grad is not None:
        rows.append(_captioned("grad", theme.number(node.grad), theme.GRAD))
    if node.stale:
        rows.append(f'<FONT COLOR="{theme.WARNING}"><B>set after use</B></FONT>')
    cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
    return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>'


def _captioned(caption: str, number: str, color: str) -> str:
    small = f'<FONT POINT-SIZE="{theme.SMALL_SIZE}" COLOR="{theme.QUIET}">{caption}</FONT>'
    return f'{small} <FONT COLOR="{color}">{number}</FONT>'


def _text(text: str) -> str:
    """What a person wrote, as Graphviz will show it: it decodes &amp; and expands \\N and \\G."""
    written = escape(theme.printable(text)).replace("\\", "\\\\")
    if len(written.encode()) <= _LONGEST:
        return written
    return _text(text[: _LONGEST // 8] + "...")  # &quot; has 6 bytes, no character has more


def _tooltip(node: Node) -> str:
    grad = "" if node.grad is None else f", grad {node.grad!r}"
    return f"{node.kind}: {node.data!r}{grad}"
