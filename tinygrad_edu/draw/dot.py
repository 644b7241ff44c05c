"""A graph as DOT text, the language of Graphviz: the same graph always gives the same text.

A value is a box with its label, its number and its gradient. An operation is a circle between its
operands and its result. An edge from an operand to an operation shows the local derivative, and
what flows back along the edge: adjoint * local derivative = contribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import isfinite, isinf

import graphviz

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.analysis.notation import SIDES, derivative, derivative_in_numbers, reason, rule
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.view import BLANK, MOST_LABELS, View, arriving, kept_out, unlabelled

__all__ = ["Attributes", "Moment", "Panel", "Placement", "dot", "drawn"]

_LONGEST = 15_000  # bytes of a label; Graphviz reads at most 16,384
_WRAP = 28  # characters of a label on one line

# With many edges, and more than two per box, which only groups have, edges need space to spread
# from side to side. Then Graphviz need not search for the best positions, which takes five times as
# long.
_FAN_SIDES = {
    "LR": {"tailport": "e", "headport": "w"},
    "TB": {"tailport": "s", "headport": "n"},
}
_FAN = {"ranksep": "2", "nslimit": "1", "nslimit1": "1", "mclimit": "0.1"}

Attributes = Mapping[str, str]
Placement = Mapping[str, Attributes]  # positions from a layout, by id


@dataclass(frozen=True)
class Moment:
    """A moment of a forward or backward pass: the numbers known so far, and the current event.

    data: the nodes whose numbers are known. grads: the gradients so far. passed: the edges, as
    (target, operand), that have passed their contributions. now: the ids of highlighted parts.
    """

    data: frozenset[int]
    grads: Mapping[int, float]
    passed: frozenset[tuple[int, int]]
    now: frozenset[str]


@dataclass(frozen=True)
class Panel:
    """One graph of a picture, with a title if the picture has several graphs.

    was: the same graph before an update; where a number has changed, the old one is shown, too.
    """

    graph: Graph
    title: str = ""
    was: Graph | None = None


def dot(
    panels: Sequence[Panel],
    view: View,
    moment: Moment | None = None,
    placement: Placement | None = None,
    caption: Sequence[str] = (),
) -> str:
    """The DOT text of the picture.

    placement: all positions, from the layout of the same picture at another moment, and the
    position of the caption. caption: its lines.
    """
    colors = view.colors
    fan = any(
        len(panel.graph.edges) > max(MOST_LABELS, 2 * len(panel.graph.nodes)) for panel in panels
    )
    digraph = graphviz.Digraph(
        "tinygrad_edu",
        graph_attr={
            "rankdir": view.direction,
            "bgcolor": colors.paper,
            "ordering": "in",
            "nodesep": "0.3",
            "ranksep": "0.4",
            "fontname": theme.FONT,
            "fontsize": str(theme.LABEL_SIZE),
            "fontcolor": colors.ink,
            **(_FAN if fan else {}),
        },
        node_attr={
            "fontname": theme.FONT,
            "fontsize": str(theme.FONT_SIZE),
            "color": colors.line,
            "fontcolor": colors.ink,
        },
        edge_attr={
            "fontname": theme.FONT,
            "fontsize": str(theme.EDGE_SIZE),
            "color": colors.line,
            "fontcolor": colors.quiet,
            "labelfontcolor": colors.quiet,
            **(_FAN_SIDES[view.direction] if fan else {}),
        },
    )
    for i, panel in enumerate(panels):
        prefix = f"p{i}_" if len(panels) > 1 else ""
        drawing = _Drawing(panel, view, moment, placement or {}, prefix)
        if not panel.title:
            drawing.draw(digraph)
            continue
        with digraph.subgraph(name=f"cluster_{i}") as cluster:
            title = f"<<B>{_text(panel.title)}</B>>"
            cluster.attr(label=title, color=colors.line, style="rounded", margin="12")
            drawing.draw(cluster)
    if placement:
        for corner in ("corner0", "corner1"):  # so that all frames have the same size
            digraph.node(corner, "", shape="point", style="invis", **placement[corner])
        said = f'<FONT POINT-SIZE="{theme.LABEL_SIZE}">{"<BR/>".join(map(_text, caption))}</FONT>'
        digraph.node("caption", f"<{said}>", id="caption", shape="plain", **placement["caption"])
    return str(digraph.source)


def drawn(graph: Graph) -> int:
    """The number of shapes in the picture: values and operations."""
    return len(graph.nodes) + sum(node.kind == "operation" for node in graph.nodes)


@dataclass
class _Drawing:
    panel: Panel
    view: View
    moment: Moment | None
    placement: Placement
    prefix: str
    said: Sequence[str] = field(init=False)
    largest: float = field(init=False)
    arriving: Mapping[int, list[Edge]] = field(init=False)
    named: Mapping[int, str] = field(init=False)

    def __post_init__(self) -> None:
        graph = self.panel.graph
        self.said = self.view.said(graph)
        sizes = [abs(e.contribution) for e in graph.edges if e.contribution is not None]
        self.largest = max(filter(isfinite, sizes), default=0.0)
        self.arriving = arriving(graph)
        self.named = unlabelled(graph, ["formula"] if self.moment else self.said)

    def draw(self, digraph: graphviz.Digraph) -> None:
        edges: dict[int, list[Edge]] = {}
        for edge in self.panel.graph.edges:
            edges.setdefault(edge.target, []).append(edge)
        for node in self.panel.graph.nodes:
            name = f"{self.prefix}n{node.id}"
            self._node(digraph, name, self._label(node), self._style(node))
            circle = name
            if node.kind == "operation":
                circle = f"{self.prefix}op{node.id}"
                self._operator(digraph, circle, node)
                result = f"{self.prefix}e{node.id}"
                look = self._pen(node.id, node.id)
                attributes = {"id": result, "tooltip": "result", **look}
                digraph.edge(circle, name, **attributes, **self.placement.get(result, {}))
            for edge in edges.get(node.id, []):
                self._edge(digraph, f"{self.prefix}n{edge.source}", circle, edge)

    def _node(self, digraph: graphviz.Digraph, name: str, label: str, style: Attributes) -> None:
        now = self._now(name)
        digraph.node(name, label, id=name, **{**style, **now}, **self.placement.get(name, {}))

    def _operator(self, digraph: graphviz.Digraph, name: str, node: Node) -> None:
        size = theme.FONT_SIZE if str(node.op).isidentifier() else theme.SYMBOL_SIZE
        symbol = f'<<FONT POINT-SIZE="{size}">{_text(str(node.op))}</FONT>>'
        style = {"class": "operator", "tooltip": node.op.name, **theme.OPERATOR}
        style |= {"fillcolor": self.view.colors.operator, **self._pen(node.id, node.id)}
        self._node(digraph, name, symbol, style)

    def _style(self, node: Node) -> dict[str, str]:
        """The shape and the colours of a node."""
        output = node.id in self.panel.graph.outputs
        fill = getattr(self.view.colors, node.role or ("output" if output else node.kind))
        words = [node.kind, *([node.role] if node.role else []), *(["output"] if output else [])]
        style = {**theme.NODE[node.kind], **(theme.OUTPUT if output else {}), "fillcolor": fill}
        style |= {"class": " ".join(words), "tooltip": self._tooltip(node)}
        pen = self._pen(node.id, node.id)
        if "style" in pen:  # not on the path: an outline of the same shape, without its fill
            pen["style"] = style["style"].replace("filled", pen["style"])
        return style | pen

    def _label(self, node: Node) -> str:
        """The node's text as a Graphviz table, with a row each for name, value and gradient."""
        colors = self.view.colors
        rows = []
        title = " ".join(filter(None, (node.label, self.named.get(node.id))))
        if title:
            label = _wrapped(title, _WRAP)
            rows.append(f'<FONT POINT-SIZE="{theme.LABEL_SIZE}"><B>{label}</B></FONT>')
        if node.role:
            rows.append(self._small(node.role))
        if node.kind == "group":
            rows.append(self._small(f"{node.holds} value{'s' * (node.holds > 1)} inside"))
        data, grad = self.view.data(node), self.view.grad(node)
        moment = self.moment
        if moment and node.op and node.id not in moment.data:
            data = "?"
        if data:
            caption = "" if node.kind == "constant" else "value"
            rows.append(self._captioned(caption, data, colors.ink, self._was(node, "data")))
        terms = "" if node.grad is None else self.view.sum(node.grad, self.arriving[node.id])
        if moment and node.kind != "constant":
            grad = self.view.number(moment.grads[node.id]) if node.id in moment.grads else "?"
            passed = moment.passed
            sofar = [e for e in self.arriving[node.id] if (e.target, e.operand) in passed]
            terms = terms and (self.view.sum(None, sofar, len(self.arriving[node.id])) or "?")
        if grad:
            rows.append(self._captioned("grad", grad, colors.grad, self._was(node, "grad")))
        if terms:
            rows.append(self._small(f"= {terms}"))
        if node.stale:
            rows.append(f'<FONT COLOR="{colors.warning}"><B>set after use</B></FONT>')
        cells = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
        return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>'

    def _was(self, node: Node, what: str) -> str:
        """The number before the update, if it has changed."""
        if self.panel.was is None:
            return ""
        before = self.panel.was.nodes[node.id]
        show = getattr(self.view, what)
        return f" (was {show(before)})" if show(before) != show(node) else ""

    def _captioned(self, caption: str, number: str, color: str, more: str = "") -> str:
        said = f'<FONT COLOR="{color}">{number}</FONT>'
        said = f"{self._small(caption)} {said}" if caption else said
        return f"{said}{self._small(more)}" if more else said

    def _small(self, text: str) -> str:
        quiet = self.view.colors.quiet
        return f'<FONT POINT-SIZE="{theme.SMALL_SIZE}" COLOR="{quiet}">{_text(text)}</FONT>'

    def _edge(self, digraph: graphviz.Digraph, tail: str, head: str, edge: Edge) -> None:
        name = f"{self.prefix}e{edge.source}_{edge.target}_{edge.operand}"
        attributes = {"id": name, "tooltip": self._edge_tooltip(edge), "class": "use"}
        x = self.view.contribution(edge)
        if self.moment and (edge.target, edge.operand) not in self.moment.passed:
            x = None
        if x is not None:
            sign = theme.sign(x)
            size = 1.0 if isinf(x) else abs(x) / self.largest if self.largest and x == x else 0.0
            width = theme.THINNEST + (theme.WIDEST - theme.THINNEST) * size
            attributes |= theme.EDGE[sign]
            color = self.view.colors.sign(x)
            attributes["color"] = f"{color}:{color}" if sign == "undefined" else color  # two lines
            attributes["penwidth"] = f"{width:.2f}"
            if sign == "negative":  # a thick outline must not fill the hollow head
                attributes["arrowsize"] = f"{max(1, width / 2.6):.2f}"
            attributes["class"] += f" {sign}"
        label = self._edge_label(edge)
        if label:
            if self.said:
                attributes["label"] = label
            else:  # with `label`, Graphviz would make space for one at every edge
                attributes |= {"headlabel": label, **theme.SIDE[edge.operand]}
        attributes |= self._pen(edge.source, edge.target) | self._now(name)
        digraph.edge(tail, head, **attributes, **self.placement.get(name, {}))

    def _edge_label(self, edge: Edge) -> str:
        """The operand and its local derivative, and below them the adjoint and the contribution."""
        moment, target = self.moment, self.panel.graph.nodes[edge.target]
        passed = not moment or (edge.target, edge.operand) in moment.passed
        told = []
        if len(target.args) == 2 and target.op and not target.op.commutes:
            told.append(SIDES[edge.operand])
        local = self.view.local(self.panel.graph, edge, self.said)
        if local:
            told.append(f"local {'?' if moment and target.id not in moment.data else local}")
        rows = [_text(": ".join(told))] if told else []
        added = self.view.added(edge) if "contribution" in self.said else ""
        if added:
            x = self.view.contribution(edge)
            color = self.view.colors.sign(x) if passed and x is not None else self.view.colors.quiet
            adjoint = self.view.adjoint(self.panel.graph, edge)
            if moment:
                adjoint = self.view.number(moment.grads[edge.target]) if passed else "?"
            times = f"&#215; {adjoint} = " if local and adjoint else ""
            if edge.uses > 1:
                times = f"{edge.uses} edges, sum "
            elif x is not None and kept_out(edge):
                times = "kept out by a mask: "
            rows.append(f'{times}<FONT COLOR="{color}"><B>{added if passed else "?"}</B></FONT>')
        if rows and self.view.direction == "LR":  # keep away from a thick line
            rows.append(f'<FONT POINT-SIZE="{theme.GAP}"> </FONT>')
        elif rows:
            rows = [f"&#160;&#160;{row}" for row in rows]
        return f"<{'<BR/>'.join(rows)}>" if rows else ""

    def _pen(self, source: int, target: int) -> dict[str, str]:
        """Thick lines on a highlighted path, thin dotted lines elsewhere."""
        if not self.view.highlight:
            return {}
        nodes = self.panel.graph.nodes
        if nodes[source].marked and nodes[target].marked:
            return {"color": self.view.colors.highlight, "penwidth": "3"}
        return {"color": self.view.colors.line, "penwidth": "0.5", "style": "dotted"}

    def _now(self, name: str) -> dict[str, str]:
        if self.moment and name in self.moment.now:
            return {"color": self.view.colors.highlight, "penwidth": "5"}
        return {}

    def _tooltip(self, node: Node) -> str:
        if self.moment:  # the number may not be known yet
            return node.kind
        data, grad = self.view.data(node), self.view.grad(node)
        exact = [repr(x) for x in (node.data, node.grad)]
        data, grad = (t if t in ("", BLANK) else x for t, x in zip((data, grad), exact))
        return _text(f"{node.kind}: {data}" + (f", grad {grad}" if grad else ""))

    def _edge_tooltip(self, edge: Edge) -> str:
        """All facts about the edge, with exact numbers, also those that the label does not show."""
        graph, hide = self.panel.graph, set(self.view.hide)
        target = graph.nodes[edge.target]
        told = [f"operand {edge.operand}"]
        if not target.op:
            told = [f"{edge.uses} edge{'s' * (edge.uses > 1)}"]
        if self.moment:
            return told[0]
        if edge.local is not None and not hide & {"edges", "leaves", "values"}:
            general = rule(target.op, edge.operand)
            here = [
                derivative(graph, target, edge.operand, self.view.precision),
                derivative_in_numbers(graph, target, edge.operand, self.view.precision),
                repr(edge.local),
            ]
            told.append(f"local derivative {general}" if general else "local derivative")
            why = reason(graph, target, edge.operand, convention=True)
            told.append("here " + " = ".join(filter(None, dict.fromkeys(here))) + why)
        if self.view.contribution(edge) is not None:
            why = ", kept out by a mask" if kept_out(edge) else ""
            told.append(f"contribution {edge.contribution!r}{why}")
        return _text(", ".join(told))


def _text(text: str) -> str:
    """The text, escaped so that Graphviz shows it: it decodes &amp; and expands \\N and \\G."""
    written = escape(theme.printable(text)).replace("\\", "\\\\")
    if len(written.encode("utf-8", "replace")) <= _LONGEST:
        return written
    return _text(text[: _LONGEST // 8] + "...")  # &quot; has 6 bytes, no character has more


def _wrapped(text: str, width: int) -> str:
    """A label on as many lines as it needs, broken only at spaces."""
    if not width < len(text) < 40 * width or not text.strip():
        return _text(text)
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        if lines[-1].strip() and len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return "<BR/>".join(map(_text, lines))
