"""A picture of a network as units and weights; a graph would show its computation instead."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import graphviz

from tinygrad_edu.draw import theme
from tinygrad_edu.draw.layout import layout
from tinygrad_edu.files import write_whole
from tinygrad_edu.nn import MLP

__all__ = ["THICKEST", "Weights"]

THICKEST = 7.0  # width of the line of the largest weight, in points
_FEW = 4  # up to this many units before a layer, the numbers are at the heads of the arrows


class Weights:
    """A picture of an MLP: a circle for each unit, with its bias, and an arrow for each weight.

    Line, colour and number show the sign and the size. inputs, outputs: their names. notes: extra
    lines of text for units, by name, such as `layer1.neuron2`.
    """

    def __init__(
        self,
        model: MLP,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        notes: Mapping[str, str] | None = None,
        look: str = "light",
    ) -> None:
        self.model = model
        self.inputs = list(inputs) or [f"x{i + 1}" for i in range(model.inputs)]
        self.outputs = list(outputs)
        self.notes = notes or {}
        self.colors = theme.THEMES[look]

    @property
    def dot(self) -> str:
        """The picture as DOT text, for Graphviz."""
        colors = self.colors
        many = len(self.inputs) > _FEW
        digraph = graphviz.Digraph(
            "tinygrad_edu",
            graph_attr={
                "rankdir": "LR",
                "bgcolor": colors.paper,
                "ranksep": "2.0",
                "nodesep": "0.6" if many else "0.35",
                "splines": "line",
                "ordering": "in",
            },
            node_attr={
                "fontname": theme.FONT,
                "fontsize": str(theme.NUMBER),
                "fontcolor": colors.ink,
                "color": colors.line,
                "style": "filled",
                "fillcolor": colors.operation,
                "shape": "circle",
                "fixedsize": "true",
                "width": "1.35",
            },
            edge_attr={"fontname": theme.FONT, "fontsize": str(theme.SMALL)},
        )
        before = [f"input{i}" for i in range(len(self.inputs))]
        for name, label in zip(before, self.inputs):
            look = {"shape": "box", "width": "0.9", "height": "0.5", "fillcolor": colors.leaf}
            digraph.node(name, graphviz.escape(label), **look)
        every = (n for layer in self.model.layers for unit in layer.neurons for n in unit.w)
        largest = max(abs(w.data) for w in every) or 1.0
        for i, layer in enumerate(self.model.layers, 1):
            last = layer is self.model.layers[-1]
            names = []
            for k, unit in enumerate(layer.neurons, 1):
                name = f"layer{i}.neuron{k}"
                names.append(name.replace(".", "_"))
                title = self.outputs[k - 1] if last and self.outputs else f"unit {k}"
                lines = [title, f"bias {unit.b.data:.2f}", self.notes.get(name, "")]
                fill = {"fillcolor": colors.output} if last else {}
                digraph.node(names[-1], graphviz.escape("\n".join(filter(None, lines))), **fill)
                at = "tail" if len(before) > _FEW else "head"  # the end with more room
                for tail, w in zip(before, unit.w):
                    self._edge(digraph, tail, names[-1], w.data, largest, at)
            before = names
        return str(digraph.source)

    def _edge(
        self, digraph: graphviz.Digraph, tail: str, head: str, w: float, largest: float, at: str
    ) -> None:
        color = self.colors.sign(w)
        width = theme.THINNEST + (THICKEST - theme.THINNEST) * abs(w) / largest
        look = {"color": color, "penwidth": f"{width:.2f}", "arrowsize": "0.7"}
        digraph.edge(
            f"{tail}:e" if at == "tail" else tail,
            head,
            labeldistance="5.5",
            labelangle="0",
            **{f"{at}label": _on_paper(f"{w:.{1 if largest > 2 else 2}f}", self.colors)},
            **{"style": theme.EDGE[theme.sign(w)][0] or "solid", **look},
        )

    @property
    def alt(self) -> str:
        """The weights as text, for people who cannot see the picture."""
        return "; ".join(f"{n} {p.data:.2f}" for n, p in self.model.named_parameters())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture as SVG; LayoutError if there is no Graphviz."""
        write_whole(path, layout(self.dot, "svg", 20.0))


def _on_paper(number: str, colors: theme.Theme) -> str:
    """The number on a background, so that it can be read on its line."""
    font = f'<FONT POINT-SIZE="{theme.SMALL}" COLOR="{colors.ink}">{number}</FONT>'
    table = f'<TABLE BORDER="0" CELLPADDING="0" CELLSPACING="0" BGCOLOR="{colors.paper}">'
    return f"<{table}<TR><TD>{font}</TD></TR></TABLE>>"
