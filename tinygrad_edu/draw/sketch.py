"""What a picture of a graph says: the text and the look of every box and of every link.

In the compact form, an operation is one box with its operands in its title, its value and its
gradient, and a constant is only a number in such a title. In the other form, `circles`, an
operation is a circle between its operands and the box of its result, and a constant has a box.

A link from an operand to an operation shows the local derivative and what flows back along the
link: local derivative * adjoint = contribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite, isinf
from typing import NamedTuple, TypeVar

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.analysis.notation import (
    SIDES,
    applied,
    derivative,
    derivative_in_numbers,
    reason,
    rule,
)
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.scene import Box, Line, Link, Sketch, Span, broken, wide
from tinygrad_edu.draw.view import BLANK, MOST_LABELS, View, arriving, kept_out, unlabelled
from tinygrad_edu.rows.formula import School, equals

__all__ = ["Moment", "Panel", "drawn", "sketch"]

_P = TypeVar("_P", Box, Link)
_WIDEST_TITLE = 10 * theme.NUMBER  # points of a title on one line
_LONGEST = 1_000  # characters of a label


class Moment(NamedTuple):
    """A moment of a forward or backward pass: the numbers known so far, and the current event.

    data: the nodes whose numbers are known. grads: the gradients so far. passed: the edges, as
    (target, operand), that have passed their contributions. now: the ids of highlighted parts.
    back: whether the event belongs to the backward pass.
    """

    data: frozenset[int]
    grads: Mapping[int, float]
    passed: frozenset[tuple[int, int]]
    now: frozenset[str]
    back: bool = False


class Panel(NamedTuple):
    """One graph of a picture, with a title if the picture has several graphs.

    was: the same graph before an update; where a number has changed, the old one is shown, too.
    """

    graph: Graph
    title: str = ""
    was: Graph | None = None


def sketch(panel: Panel, view: View, moment: Moment | None = None) -> Sketch:
    """This returns the boxes and links of a graph, as they are at a moment, by default the end."""
    drawing = _Drawing(panel, view, moment)
    return Sketch(tuple(drawing.boxes()), tuple(drawing.links()))


def drawn(graph: Graph, form: str) -> int:
    """This returns the number of shapes in the picture."""
    if form == "circles":
        return len(graph.nodes) + sum(node.kind == "operation" for node in graph.nodes)
    return len(graph.nodes) - len(_in_titles(graph))


def _in_titles(graph: Graph) -> set[int]:
    """The constants without a box: all operations that use them have them in their titles."""
    constants = {n.id for n in graph.nodes if n.kind == "constant" and not n.label}
    if not constants:
        return constants
    shown = {i for node in graph.nodes if node.kind != "operation" for i in node.args}
    return constants - shown - set(graph.outputs)


def _equals(compute: Callable[[], float], shown: str, view: View) -> str:
    """The sign between numbers and the result that is shown."""
    try:
        return equals(compute(), shown.removeprefix("+"), view.precision)
    except ValueError:  # a blank, or not known yet
        return "="


class _Drawing:
    def __init__(self, panel: Panel, view: View, moment: Moment | None) -> None:
        self.panel, self.view, self.moment = panel, view, moment
        self.rules: dict[tuple[int, int], str] = {}  # by operation
        graph = panel.graph
        self.said = view.said(graph)
        sizes = [abs(e.contribution) for e in graph.edges if e.contribution is not None]
        self.largest = max(filter(isfinite, sizes), default=0.0)
        self.arriving = arriving(graph)
        self.named = unlabelled(graph, ["formula"] if self.moment else self.said)
        self.omitted = _in_titles(graph) if self.view.form == "compact" else set()

    def boxes(self) -> Iterator[Box]:
        """Yields the boxes, operands first."""
        for node in self.panel.graph.nodes:
            if node.id in self.omitted:
                continue
            if node.kind == "operation" and self.view.form == "circles":
                yield self._now(self._circle(node))
            yield self._now(self._box(node))

    def links(self) -> Iterator[Link]:
        """Yields the links, those into a box in the order of its operands."""
        edges: dict[int, list[Edge]] = {}
        for edge in self.panel.graph.edges:
            edges.setdefault(edge.target, []).append(edge)
        for node in self.panel.graph.nodes:
            head = f"n{node.id}"
            if node.kind == "operation" and self.view.form == "circles":
                result = Link(
                    f"e{node.id}",
                    f"op{node.id}",
                    head,
                    self.view.colors.line,
                    tooltip="result",
                )
                yield self._pen(self._now(result), node.id, node.id)
                head = f"op{node.id}"
            for edge in edges.get(node.id, []):
                if edge.source not in self.omitted:
                    yield self._link(head, edge)

    def _circle(self, node: Node) -> Box:
        colors = self.view.colors
        size = theme.NUMBER if str(node.op).isidentifier() else theme.SYMBOL
        line = (Span(theme.printable(str(node.op)), size, colors.ink),)
        box = Box(
            f"op{node.id}", "circle", (line,), colors.operator, colors.line,
            kind="operator", tooltip=node.op.name,
        )  # fmt: skip
        return self._pen(box, node.id, node.id)

    def _box(self, node: Node) -> Box:
        output = node.id in self.panel.graph.outputs
        colors = self.view.colors
        kinds = [node.kind, *([node.role] if node.role else []), *(["output"] if output else [])]
        box = Box(
            f"n{node.id}",
            theme.SHAPE[node.kind],
            tuple(self._lines(node)),
            getattr(colors, node.role or ("output" if output else node.kind)),
            colors.line,
            2.0 if output else 1.0,
            double=output,
            kind=" ".join(kinds),
            tooltip=self._tooltip(node),
        )
        return self._pen(box, node.id, node.id)

    def _lines(self, node: Node) -> Iterator[Line]:
        """Yields a line each for name, role, value and gradient."""
        colors, moment, view = self.view.colors, self.moment, self.view
        yield from self._title(node)
        if node.role:
            yield (Span(node.role, theme.SMALL, colors.quiet),)
        if node.kind == "group":
            yield (
                Span(str(node.holds), theme.NUMBER, colors.quiet),
                Span(f" value{'s' * (node.holds > 1)} inside", theme.SMALL, colors.quiet),
            )
        data, grad = view.data(node), view.grad(node)
        if moment and node.op and node.id not in moment.data:
            data = "?"
        if data:
            caption = "" if node.kind == "constant" else "value"
            slot = "" if node.kind == "constant" else "value"
            yield self._captioned(caption, data, colors.ink, slot)
            yield from self._was(node, "data")
        terms = [] if node.grad is None else view.terms(node.grad, self.arriving[node.id])
        if moment and node.kind != "constant":
            grad = view.number(moment.grads[node.id]) if node.id in moment.grads else "?"
            passed = moment.passed
            sofar = [e for e in self.arriving[node.id] if (e.target, e.operand) in passed]
            known = view.terms(None, sofar, len(self.arriving[node.id])) if terms else []
            terms = known + ["?"] * (len(terms) - len(known))  # as many lines as in the end
        if grad:
            yield self._captioned("grad", grad, colors.grad, "grad")
            yield from self._was(node, "grad")
        about = _equals(lambda: sum(float(term.strip("()")) for term in terms), grad, view)
        for i, (sign, term) in enumerate(zip([about, *"+" * len(terms)], terms)):
            slot = view.slot(f"term{i}")
            yield (Span(f"{sign} {term}", theme.NUMBER, colors.quiet, slot=slot),)
        if node.stale:
            yield (Span("set after use", theme.SMALL, colors.warning, True),)

    def _title(self, node: Node) -> Iterator[Line]:
        """Yields the lines of the title: the label, and what the operation is applied to."""
        label = " ".join(filter(None, (node.label, self.named.get(node.id))))
        label = theme.printable(label[:_LONGEST] + "..." * (len(label) > _LONGEST))
        what = ""
        if node.kind == "operation" and self.view.form == "compact":
            what = theme.printable(applied(self.panel.graph, node, named=bool(self.named)))
            what = f"= {what}" if label else what
        look = Span("", theme.NUMBER, self.view.colors.ink, True)
        lines: list[Line] = broken(label, look, _WIDEST_TITLE) if label else [()]
        plain = (Span(f" {what}" if label else what, theme.NUMBER, self.view.colors.ink),)
        if what and wide((*lines[-1], *plain)) <= _WIDEST_TITLE:
            lines[-1] = (*lines[-1], *plain)
        elif what:
            lines.append((plain[0]._replace(text=what),))
        yield from filter(None, lines)

    def _was(self, node: Node, what: str) -> Iterator[Line]:
        """Yields the number before the update, if it has changed."""
        if self.panel.was is None:
            return
        before = self.panel.was.nodes[node.id]
        show = getattr(self.view, what)
        if show(before) != show(node):
            yield self._captioned("was", show(before), self.view.colors.quiet)

    def _captioned(self, caption: str, number: str, color: str, slot: str = "") -> Line:
        said = Span(number, theme.NUMBER, color, slot=self.view.slot(slot))
        if not caption:
            return (said,)
        return (Span(f"{caption} ", theme.SMALL, self.view.colors.quiet), said)

    def _link(self, head: str, edge: Edge) -> Link:
        colors, moment = self.view.colors, self.moment
        x = self.view.contribution(edge)
        if moment and (edge.target, edge.operand) not in moment.passed:
            x = None
        sign = "" if x is None else theme.sign(x)
        # on a highlighted path, lines say only where it is
        dash, arrow = theme.EDGE[sign] if sign and not self.view.highlight else ("", "full")
        link = Link(
            f"e{edge.source}_{edge.target}_{edge.operand}",
            f"n{edge.source}",
            head,
            colors.line if x is None else colors.sign(x),
            theme.THINNEST if x is None else self._width(x),
            dash,
            arrow,
            bool(sign) and moment is not None and moment.back,  # the gradient flows back
            sign == "undefined" and not self.view.live,
            colors.paper,
            tuple(self._label(edge)),
            f"use {sign}".rstrip(),
            self._link_tooltip(edge),
            self.view.live,
        )
        return self._now(self._pen(link, edge.source, edge.target))

    def _width(self, x: float) -> float:
        """The width of the line of a contribution, in points."""
        share = 1.0 if isinf(x) else abs(x) / self.largest if self.largest and x == x else 0.0
        return round(theme.THINNEST + (theme.WIDEST - theme.THINNEST) * share, 2)

    def _label(self, edge: Edge) -> Iterator[Line]:
        """Yields the local derivative, times the adjoint, and the contribution."""
        moment, view, target = self.moment, self.view, self.panel.graph.nodes[edge.target]
        colors = view.colors
        passed = not moment or (edge.target, edge.operand) in moment.passed
        side = self._side(edge)
        said = view.forms(self.panel.graph, edge, self.said, School)
        if moment and said and target.id not in moment.data:
            said = ["?"] * len(said)
        if side and not said:
            yield (Span(side, theme.SMALL, colors.quiet),)
        for i, text in enumerate(said):
            caption = "= " if i else f"{side} local ".lstrip()
            if len(said) > 1 and not i:
                yield (Span(caption.rstrip(), theme.SMALL, colors.quiet),)
                caption = ""
            size = theme.NUMBER if caption == "= " else theme.SMALL
            yield (
                *([Span(caption, size, colors.quiet)] if caption else []),
                Span(theme.printable(text), theme.NUMBER, colors.quiet, slot=view.slot("local")),
            )
        added = view.added(edge) if "contribution" in self.said else ""
        if not added:
            return
        x = view.contribution(edge)
        adjoint = view.adjoint(self.panel.graph, edge)
        if moment:
            adjoint = view.number(moment.grads[edge.target]) if passed else "?"
        sign = "= "
        if edge.uses > 1:
            yield (
                Span(str(edge.uses), theme.NUMBER, colors.quiet),
                Span(" edges, sum", theme.SMALL, colors.quiet),
            )
        elif x is not None and kept_out(edge) and not view.live:
            yield (Span("kept out by a mask", theme.SMALL, colors.quiet),)
        elif said and adjoint:
            times = Span(f"\u00d7 {adjoint}", theme.NUMBER, colors.quiet, slot=view.slot("times"))
            yield (times,)
            local = "" if edge.local is None else view.number(edge.local)
            sign = f"{_equals(lambda: float(local) * float(adjoint), added, view)} "
        else:
            sign = ""
        color = colors.sign(x) if passed and x is not None else colors.quiet
        added = added.removeprefix("+") if sign else added
        told = f"{sign}{added if passed else '?'}"
        yield (Span(told, theme.NUMBER, color, slot=view.slot("sum")),)

    def _side(self, edge: Edge) -> str:
        """`left` or `right` where the title does not tell the operands apart."""
        graph = self.panel.graph
        target = graph.nodes[edge.target]
        if not (len(target.args) == 2 and target.op and not target.op.commutes):
            return ""
        if self.view.form == "compact":
            names = {graph.nodes[i].label or self.named.get(i, "") for i in target.args}
            if len(names) == 2 or any(i in self.omitted for i in target.args):
                return ""
        return SIDES[edge.operand]

    def _pen(self, part: _P, source: int, target: int) -> _P:
        """Thick lines on a highlighted path, thin dotted lines elsewhere."""
        if not self.view.highlight:
            return part
        nodes = self.panel.graph.nodes
        if nodes[source].marked and nodes[target].marked:
            return part._replace(color=self.view.colors.highlight, pen=3.0)
        return part._replace(color=self.view.colors.line, pen=0.5, dash="dotted")

    def _now(self, part: _P) -> _P:
        """The parts of the current event stand out."""
        moment = self.moment
        if not moment or part.name not in moment.now:
            return part
        return part._replace(color=self.view.colors.highlight, pen=5.0)

    def _tooltip(self, node: Node) -> str:
        if self.view.live:  # the page itself says it, and says it of the present numbers
            return ""
        if self.moment:  # the number may not be known yet
            return node.kind
        data, grad = self.view.data(node), self.view.grad(node)
        exact = [repr(x) for x in (node.data, node.grad)]
        data, grad = (t if t in ("", BLANK) else x for t, x in zip((data, grad), exact))
        # no colon after the first word: DOMPurify 3.5 would take it for the scheme of an address
        return f"{node.kind} {data}" + (f", grad {grad}" if grad else "")

    def _link_tooltip(self, edge: Edge) -> str:
        """All facts about the edge, with exact numbers, also those that the label does not show."""
        if self.view.live:
            return ""
        graph, hide = self.panel.graph, set(self.view.hide)
        target = graph.nodes[edge.target]
        told = [f"operand {edge.operand}"]
        if not target.op:
            told = [f"{edge.uses} edge{'s' * (edge.uses > 1)}"]
        if self.moment:
            return told[0]
        if edge.local is None or hide & {"edges", "leaves", "values"}:
            pass
        elif len(graph.edges) > MOST_LABELS:  # formulas of thousands of edges take their time
            told.append(f"local derivative {edge.local!r}")
        else:
            which = id(target.op), edge.operand
            if which not in self.rules:
                self.rules[which] = rule(target.op, edge.operand)
            general = self.rules[which]
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
        return theme.printable(", ".join(told))
