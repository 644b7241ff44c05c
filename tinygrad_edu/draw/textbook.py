"""A network as textbooks draw it: circles for neurons, and arrows for weights.

The line of a weight shows its sign and its size, its text the weight and its gradient. What comes
after the last neurons, such as a loss, is one box.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.analysis.network import Bias, Neuron, Weight, network
from tinygrad_edu.analysis.notation import applied
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.heading import said
from tinygrad_edu.draw.scene import Box, Line, Link, Sketch, Span
from tinygrad_edu.draw.theme import Theme
from tinygrad_edu.draw.view import BLANK, View

__all__ = ["textbook", "weighed"]

_WIDEST = 6.0  # the width of the line of the largest weight, in points
_MANY = 60  # weights, from which on their numbers are only in tooltips


def textbook(graph: Graph, view: View) -> Sketch:
    """This returns the network of a graph as a sketch; ViewError if it has no neuron."""
    drawing = _Drawing(graph, view)
    return Sketch(tuple(drawing.boxes()), tuple(drawing.links()), network=True)


def weighed(link: Link, x: float, largest: float, colors: Theme) -> Link:
    """This returns the link with the look of a weight `x`: colour and dash by sign, width by size.

    largest: the size of the largest weight of the picture.
    """
    sign, size = theme.sign(x), min(1.0, abs(x) / largest)
    return link._replace(
        color=colors.sign(x),
        pen=round(theme.THINNEST + (_WIDEST - theme.THINNEST) * size, 2),
        dash=theme.EDGE[sign][0],
        kind=f"weight {sign}",
    )


@dataclass
class _Drawing:
    graph: Graph
    view: View
    name_of: dict[int, str] = field(init=False)  # the box that stands for a node

    def __post_init__(self) -> None:
        self.network = network(self.graph)
        self.neurons = {neuron.output: neuron for neuron in self.network.neurons}
        inside = {i: n.output for n in self.network.neurons for i in n.inside}
        self.before = self._before()
        nodes = self.graph.nodes
        self.name_of = {}
        self.after: list[Node] = []
        targets = {*self.network.targets}
        for node in nodes:
            if node.id in inside:
                self.name_of[node.id] = f"n{inside[node.id]}"
            elif node.id in self.before or node.id in targets or node.kind == "leaf":
                self.name_of[node.id] = f"n{node.id}"
            else:
                self.after.append(node)
                self.name_of[node.id] = "after"
        sizes = [abs(w.data) for n in self.network.neurons for w in n.weights if w.data is not None]
        self.largest = max(sizes, default=0.0) or 1.0
        self.numbers = len(sizes) <= _MANY and (self.view.edges is None or bool(self.view.edges))

    def _before(self) -> set[int]:
        """The nodes outside of all neurons on which a neuron depends."""
        rest = {*self.network.rest}
        wanted = [w.source for n in self.network.neurons for w in n.weights]
        found: set[int] = set()
        while wanted:
            i = wanted.pop()
            if i in rest and i not in found:
                found.add(i)
                wanted += self.graph.nodes[i].args
        return found

    def boxes(self) -> Iterator[Box]:
        """Yields the boxes, operands first."""
        for node in self.graph.nodes:
            if node.id in self.neurons:
                yield self._circle(self.neurons[node.id])
            elif self.name_of[node.id] == f"n{node.id}":
                yield self._box(node)
        if self.after:
            yield self._after()

    def _circle(self, neuron: Neuron) -> Box:
        node, colors, view = self.graph.nodes[neuron.output], self.view.colors, self.view
        output = node.id in self.graph.outputs
        lines: list[Line] = []
        if neuron.name:
            lines.append((Span(theme.printable(neuron.name), theme.NUMBER, colors.ink, True),))
        if neuron.activation:
            lines.append((Span(neuron.activation, theme.SMALL + 3, colors.quiet),))
        lines += self._numbers(node)
        for i, bias in enumerate(neuron.biases):
            leaf = self.graph.nodes[bias.leaf]
            caption = Span("bias ", theme.SMALL, colors.quiet)
            number = _signed(view.data(leaf), bias.sign)
            told = Span(number, theme.NUMBER, colors.ink, slot=view.slot(f"bias{i}"))
            lines.append((caption, told))
        facts = [f"neuron {neuron.name}".rstrip(), *map(self._told, neuron.biases)]
        return Box(
            f"n{node.id}",
            "circle",
            tuple(lines),
            colors.output if output else colors.operation,
            colors.line,
            2.0 if output else 1.0,
            double=output,
            kind="neuron output" if output else "neuron",
            tooltip="" if view.hide or view.live else ", ".join(facts),
        )

    def _told(self, bias: Bias) -> str:
        return f"bias {bias.data!r}" + ("" if bias.grad is None else f", grad {bias.grad!r}")

    def _numbers(self, node: Node) -> Iterator[Line]:
        colors = self.view.colors
        numbers = (("value", self.view.data(node), colors.ink),
                   ("grad", self.view.grad(node), colors.grad))  # fmt: skip
        for caption, number, color in numbers:
            if number:
                small = Span(f"{caption} ", theme.SMALL, colors.quiet)
                yield (small, Span(number, theme.NUMBER, color, slot=self.view.slot(caption)))

    def _box(self, node: Node) -> Box:
        colors = self.view.colors
        inputs = self.before.union(self.network.inputs)
        kind = "target" if node.id in self.network.targets else "input" * (node.id in inputs)
        title = node.label or applied(self.graph, node)
        named = (
            [Span(f"{theme.printable(title)} ", theme.NUMBER, colors.ink, True)] if title else []
        )
        said_of = [Span(kind, theme.SMALL, colors.quiet)] if kind else []
        lines = [line for line in [(*named, *said_of), *self._numbers(node)] if line]
        fill = colors.constant if kind == "target" else colors.leaf
        return Box(
            f"n{node.id}",
            "box",
            tuple(lines),
            fill,
            colors.line,
            kind=f"{node.kind} {kind}".rstrip(),
        )

    def _after(self) -> Box:
        """What comes after the neurons: one box with the formula of the output."""
        colors, output = self.view.colors, self.graph.output
        names = {n.output: n.name or "the neuron" for n in self.network.neurons}
        title = said(self.graph, names) or output.label or "the rest"
        label, equals, formula = title.partition(" = ")
        lines: list[Line] = [
            (Span(theme.printable(label), theme.NUMBER, colors.ink, bool(equals)),)
        ]
        if equals:
            lines.append((Span(f"= {formula}", theme.NUMBER, colors.ink),))
        lines += self._numbers(output)
        return Box(
            "after", "round", tuple(lines), colors.output, colors.line, 2.0, double=True,
            kind="operation output",
        )  # fmt: skip

    def links(self) -> Iterator[Link]:
        """Yields the weights, and the links into and out of what is no neuron."""
        for node in self.graph.nodes:
            if node.id in self.neurons:
                for i, weight in enumerate(self.neurons[node.id].weights):
                    yield self._weight(weight, i)
        drawn = set()
        weighted = {i for n in self.network.neurons for i in n.inside}
        for node in self.graph.nodes:
            if node.id in weighted:
                continue
            for source in node.args:
                ends = self.name_of[source], self.name_of[node.id]
                if ends[0] != ends[1] and ends not in drawn:
                    drawn.add(ends)
                    yield Link("_".join(("e", *ends)), *ends, self.view.colors.line, kind="use")

    def _weight(self, weight: Weight, i: int) -> Link:
        colors, view = self.view.colors, self.view
        leaf = self.graph.nodes[weight.leaf]
        lines: list[Line] = []
        if self.numbers:
            number = _signed(view.data(leaf), weight.sign)
            lines.append((Span(number, theme.NUMBER, colors.ink, slot=view.slot("weight")),))
            if grad := _signed(view.grad(leaf), weight.sign):
                small = Span("grad ", theme.SMALL, colors.quiet)
                told_grad = Span(grad, theme.NUMBER, colors.grad, slot=view.slot("wgrad"))
                lines.append((small, told_grad))
        told = [f"weight {leaf.label}".rstrip(), repr(weight.data)]
        told += [] if weight.grad is None else [f"grad {weight.grad!r}"]
        link = Link(
            f"e{weight.source}_{weight.target}_{i}",
            self.name_of[weight.source],
            self.name_of[weight.target],
            colors.line,
            label=tuple(lines),
            kind="weight",
            tooltip="" if view.hide or view.live else ", ".join(told),
            live=view.live,
        )
        if "leaves" in view.hide or weight.data is None:
            return link
        return weighed(link, weight.data * weight.sign, self.largest, colors)


def _signed(number: str, sign: int) -> str:
    """The number with that sign before it: of minus a weight, if the weight is subtracted.

    Its gradient has the other sign, too. Nothing stands before a blank, a zero or a nan.
    """
    if sign > 0 or number in ("", BLANK, "0", "nan"):
        return number
    return number[1:] if number.startswith("-") else f"-{number}"
