"""A picture of a network as units and weights; a graph would show its computation instead."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from tinygrad_edu.draw import theme
from tinygrad_edu.draw.compose import compose, laid_out, single
from tinygrad_edu.draw.scene import Box, Line, Link, Scene, Sketch, Span
from tinygrad_edu.draw.svg import svg
from tinygrad_edu.draw.textbook import weighed
from tinygrad_edu.draw.view import View
from tinygrad_edu.files import write_whole
from tinygrad_edu.nn import MLP

__all__ = ["Weights"]

_SECONDS = 20.0  # that a layout may take


class Weights:
    """A picture of an MLP: a circle for each unit, with its bias, and an arrow for each weight.

    Line, colour and number show the sign and the size. inputs, outputs: their names. notes: more
    lines for units, as (caption, number), by name, such as `layer1.neuron2`. precision: decimals.
    """

    def __init__(
        self,
        model: MLP,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        notes: Mapping[str, Sequence[tuple[str, str]]] | None = None,
        look: str = "light",
        precision: int = 2,
    ) -> None:
        self.model = model
        self.inputs = list(inputs) or [f"x{i + 1}" for i in range(model.inputs)]
        self.outputs = list(outputs)
        self.notes = notes or {}
        self.view = View(precision=precision, theme=look)

    @property
    def sketch(self) -> Sketch:
        """The inputs, the units and the weights, without places."""
        colors = self.view.colors
        before = [f"input{i}" for i in range(len(self.inputs))]
        boxes = [
            Box(name, "box", ((_bold(label, colors),),), colors.leaf, colors.line, kind="input")
            for name, label in zip(before, self.inputs)
        ]
        links: list[Link] = []
        every = (n for layer in self.model.layers for unit in layer.neurons for n in unit.w)
        largest = max(abs(w.data) for w in every) or 1.0
        for i, layer in enumerate(self.model.layers, 1):
            last = layer is self.model.layers[-1]
            names = []
            for k, unit in enumerate(layer.neurons, 1):
                name = f"layer{i}.neuron{k}"
                names.append(name.replace(".", "_"))
                title = self.outputs[k - 1] if last and self.outputs else f"unit {k}"
                lines = tuple(self._lines(name, title, unit.b.data))
                fill = colors.output if last else colors.operation
                boxes.append(Box(names[-1], "circle", lines, fill, colors.line, kind="neuron"))
                for tail, w in zip(before, unit.w):
                    said = ((Span(self.view.number(w.data), theme.NUMBER, colors.ink),),)
                    link = Link(f"{tail}_{names[-1]}", tail, names[-1], colors.line, label=said)
                    links.append(weighed(link, w.data, largest, colors))
            before = names
        return Sketch(tuple(boxes), tuple(links), network=True)

    def _lines(self, name: str, title: str, bias: float) -> Iterator[Line]:
        """Yields the lines of a unit."""
        colors = self.view.colors
        yield (_bold(title, colors),)
        told = [("bias", self.view.number(bias)), *self.notes.get(name, ())]
        for caption, number in told:
            yield (
                Span(f"{caption} ", theme.SMALL, colors.quiet),
                Span(number, theme.NUMBER, colors.ink),
            )

    @property
    def scene(self) -> Scene:
        """The whole picture; LayoutError if it cannot be laid out."""
        sketch = self.sketch
        layout = laid_out([sketch], self.view, _SECONDS)
        return compose([(single(sketch, layout, self.view), "")], self.view)

    @property
    def alt(self) -> str:
        """The weights as text, for people who cannot see the picture."""
        number = self.view.number
        return "; ".join(f"{name} {number(p.data)}" for name, p in self.model.named_parameters())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture as SVG; LayoutError if it cannot be laid out."""
        sizes = [self.model.inputs, *(len(layer.neurons) for layer in self.model.layers)]
        title = f"Weights of a {'-'.join(map(str, sizes))} network"
        write_whole(path, svg(self.scene, title, self.alt).encode())


def _bold(text: str, colors: theme.Theme) -> Span:
    return Span(text, theme.NUMBER, colors.ink, True)
