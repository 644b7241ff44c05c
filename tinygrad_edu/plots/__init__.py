"""Plots of a training run, with matplotlib (the extra `plots`), in the colours of the diagrams.

Every plot is a matplotlib Figure, which a notebook shows; `canvas.save` writes it to a file.
`plot(history, kind)` makes each kind of plot in one call from a History.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import Any
from warnings import catch_warnings, simplefilter

from tinygrad_edu.compiler.compiled import compile
from tinygrad_edu.data import Example, as_examples
from tinygrad_edu.draw.theme import Theme
from tinygrad_edu.errors import FrozenWarning, NonFiniteWarning, ViewError
from tinygrad_edu.nn import MLP, Module, Neuron
from tinygrad_edu.plots.canvas import STYLES, dress, from_matplotlib, legend, new_figure
from tinygrad_edu.train import Data, History, Loss
from tinygrad_edu.train.metrics import Accuracy
from tinygrad_edu.trees import numbers, shape

__all__ = [
    "KINDS",
    "decision_boundary",
    "gradient_sizes",
    "hidden_maps",
    "hinton",
    "loss_curve",
    "plot",
    "surface",
    "weight_paths",
]

_FINE = 40  # points along each side of a map


def loss_curve(history: History, *, theme: str = "light") -> Any:
    """The loss of each step, on a logarithmic scale, and the metrics of each epoch."""
    _require(bool(history.losses), "a loss curve", "a history of one step or more")
    figure, axes, colors = new_figure(theme)
    if min(history.losses) > 0:
        axes.set_yscale("log")
    axes.plot(history.losses, color=colors.positive, label="loss")
    axes.set(xlabel="step", ylabel="loss")
    if history.metrics:
        other = axes.twinx()
        steps = len(history.losses) / max(history.epochs, 1)
        for style, (name, row) in zip(STYLES[1:] * len(history.metrics), history.metrics.items()):
            at = [(i + 1) * steps - 1 for i in range(len(row))]
            other.plot(at, row, style, color=colors.negative, label=name)
        other.set_ylabel(", ".join(history.metrics))
        dress(other, colors)
        legend(other, colors)
    return figure


def decision_boundary(
    model: Any, examples: Data, *, level: float | None = None, theme: str = "light"
) -> Any:
    """The first output over the plane of two inputs, with the line where it is `level`.

    If two outputs are two classes, the plot shows the second minus the first, and `level` is 0.
    examples: as in `train`. level: by default the middle of the targets; 0 for a logit. `plot`
    chooses it from the loss.
    """
    shown = as_examples(examples)
    _require(
        bool(shown) and all(shape(example.inputs) == [None, None] for example in shown),
        "a decision boundary",
        "two inputs",
    )
    with _still(model):
        count = len(list(numbers(model(shown[0].inputs))))
        targets = [tuple(numbers(example.targets)) for example in shown]
        classes = count == 2 and ({*targets} <= {(0,), (1,)} or {*targets} <= {(0, 1), (1, 0)})
        alike = classes or all(len(target) == count for target in targets)
        _require(alike, "a decision boundary", "one output, or two for two classes")

        def height(x: Any, y: Any) -> Any:
            first, *others = numbers(model([x, y]))
            return others[0] - first if classes else first

        marked = [Example(e.inputs, t[-1 if classes else 0]) for e, t in zip(shown, targets)]
        figure, axes, colors = new_figure(theme)
        level = 0.0 if classes and level is None else level
        surface(axes, height, marked, colors, True, level)
    return figure


def hidden_maps(model: MLP, examples: Sequence[Example], *, theme: str = "light") -> Any:
    """The answer of each unit of the first layer, over the plane of two inputs."""
    _require(all(len(example.inputs) == 2 for example in examples), "a map of units", "two inputs")
    _require(isinstance(model, MLP), "a map of units", "an MLP")
    units = model.layers[0].neurons
    figure, axes, colors = new_figure(theme, len(units))
    for k, (unit, place) in enumerate(zip(units, axes), 1):
        surface(place, partial(_unit, unit), examples, colors, line=False)
        place.set_title(f"hidden unit {k}", color=colors.ink)
    return figure


def hinton(model: MLP, *, theme: str = "light") -> Any:
    """A square for each weight, full if it is positive; its area is proportional to its size.

    Each neuron has a row, and its bias is last (Hinton diagrams, as in Rumelhart, Hinton and
    Williams).
    """
    _require(isinstance(model, MLP), "a Hinton diagram", "an MLP")
    figure, axes, colors = new_figure(theme, len(model.layers))
    rows = [[[w.data for w in n.w] + [n.b.data] for n in layer.neurons] for layer in model.layers]
    largest = max(abs(x) for layer in rows for row in layer for x in row) or 1.0
    patches = from_matplotlib("patches")
    for i, (layer, place) in enumerate(zip(rows, axes), 1):
        for r, row in enumerate(layer):
            for c, x in enumerate(row):
                side = 0.9 * (abs(x) / largest) ** 0.5
                corner = (c - side / 2, r - side / 2)
                color = colors.positive if x > 0 else colors.negative
                fill = color if x > 0 else "none"  # for people who cannot see the colours
                square = patches.Rectangle(
                    corner, side, side, facecolor=fill, edgecolor=color, linewidth=1.5
                )
                place.add_patch(square)
        place.set_xlim(-0.6, len(layer[0]) - 0.4)
        place.set_ylim(len(layer) - 0.4, -0.6)
        place.set_aspect("equal")
        inputs = [f"{k}" for k in range(1, len(layer[0]))]
        place.set_xticks(range(len(layer[0])), [*inputs, "b"])
        place.set_yticks(range(len(layer)), [f"{k}" for k in range(1, len(layer) + 1)])
        place.set(xlabel="from input", ylabel="to neuron")
        place.set_title(f"layer {i}", color=colors.ink)
    return figure


def gradient_sizes(model: Module, *, theme: str = "light") -> Any:
    """The root mean square of the current gradients in each part of the model."""
    figure, axes, colors = new_figure(theme)
    names, sizes = [], []
    for name, part in model.parts():
        grads = [p.grad for p in part.parameters()]
        names.append(name)
        sizes.append((sum(g * g for g in grads) / len(grads)) ** 0.5 if grads else 0.0)
    # points, because a bar would need a zero, which a logarithmic scale does not have
    axes.plot(names, sizes, "s--", color=colors.grad, markersize=14)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.margins(y=0.2)
    if all(size > 0 for size in sizes):
        axes.set_yscale("log")
    axes.set_ylabel("gradient, root mean square")
    return figure


def weight_paths(
    history: History,
    model: Any,
    examples: Sequence[Example],
    loss: Loss,
    names: Sequence[str] = (),
    *,
    theme: str = "light",
) -> Any:
    """The path of two watched parameters over the error; all other parameters stay the same.

    names: the names of the two; by default, the first two that were watched.
    """
    names = list(names) or list(history.parameters)[:2]
    watched = len(names) == 2 and all(name in history.parameters for name in names)
    _require(watched, "a path", "two watched parameters (train(..., watch=[...]))")
    figure, axes, colors = new_figure(theme)
    parameters = dict(model.named_parameters())
    first, second = (parameters[name] for name in names)
    now = first.data, second.data
    xs, ys = ([*history.parameters[name], x] for name, x in zip(names, now))

    def error(x: float, y: float) -> float:
        first.data, second.data = x, y
        return sum(loss(model(example.inputs), example.targets).data for example in examples)

    try:
        spans = [_span(row) for row in (xs, ys)]
        with _still(model):
            grid = [[error(x, y) for x in spans[0]] for y in spans[1]]
    finally:
        first.data, second.data = now
    lines = axes.contour(*spans, grid, levels=15, colors=colors.quiet, linewidths=0.8)
    axes.clabel(lines, fontsize=9, colors=colors.quiet)
    axes.plot(xs, ys, color=colors.negative, linewidth=2)
    axes.plot(xs[0], ys[0], "o", color=colors.negative, markersize=9, label="beginning")
    axes.plot(xs[-1], ys[-1], "X", color=colors.negative, markersize=11, label="end")
    axes.set(xlabel=names[0], ylabel=names[1])
    legend(axes, colors)
    return figure


def _of_run(history: History) -> tuple[Any, Any, Any]:
    known = history.model is not None and history.examples and history.loss is not None
    _require(bool(known), "this plot", "a history that train() has just made, not a loaded one")
    return history.model, history.examples, history.loss


def _boundary(model: Any, examples: Sequence[Example], loss: Loss, **how: Any) -> Any:
    """The decision boundary at the level of the loss: 0 for logits, for all targets."""
    if Accuracy.of(loss, examples).threshold == 0:
        how = {"level": 0.0, **how}
    return decision_boundary(model, examples, **how)


KINDS: dict[str, Callable[..., Any]] = {
    "loss": loss_curve,
    "boundary": lambda h, **how: _boundary(*_of_run(h), **how),
    "hidden": lambda h, **how: hidden_maps(*_of_run(h)[:2], **how),
    "hinton": lambda h, **how: hinton(_of_run(h)[0], **how),
    "gradients": lambda h, **how: gradient_sizes(_of_run(h)[0], **how),
    "paths": lambda h, **how: weight_paths(h, *_of_run(h), **how),
}


def plot(history: History, kind: str = "loss", *, theme: str = "light", **how: Any) -> Any:
    """A plot of the run in one call. kind: a name in KINDS. how: other options of that plot.

    ViewError for an unknown kind or theme.
    """
    if kind not in KINDS:
        raise ViewError(f"unknown plot {str(kind)[:60]!r}: choose {', '.join(KINDS)}")
    return KINDS[kind](history, theme=theme, **how)


def surface(
    axes: Any,
    value: Callable[[Any, Any], Any],
    examples: Sequence[Example],
    colors: Theme,
    line: bool,
    level: float | None = None,
) -> None:
    """Draws values over the plane in shades from the negative to the positive colour.

    value: a function of two numbers or Values. The examples are marks, by their targets. line:
    whether a line is drawn at `level`.
    """
    xs, ys = (_span([example.inputs[i] for example in examples]) for i in (0, 1))
    grid = _grid(value, xs, ys)
    flat = [z for row in grid for z in row]
    targets = [next(numbers(example.targets)) for example in examples]
    half = (min(targets) + max(targets)) / 2  # 0.5 between 0 and 1
    middle = half if level is None else level
    shades = from_matplotlib("colors").LinearSegmentedColormap.from_list(
        "signs", [colors.parameter, colors.paper, colors.leaf]
    )
    axes.pcolormesh(xs, ys, grid, cmap=shades, shading="nearest", rasterized=True)
    levels = (
        [middle] if line else [min(flat) + i * (max(flat) - min(flat)) / 6 for i in range(1, 6)]
    )
    if min(flat) < levels[0] < max(flat):
        width = 2.5 if line else 1.0
        lines = axes.contour(xs, ys, grid, levels=levels, colors=colors.ink, linewidths=width)
        axes.clabel(lines, fontsize=10, colors=colors.ink, fmt="%.2g")
    for (example, target), (mark, color) in product(
        zip(examples, targets), (("o", colors.negative), ("s", colors.positive))
    ):
        if (mark == "s") == (target > half):
            fill = color if mark == "s" else colors.paper
            style = {"color": color, "markerfacecolor": fill, "markeredgewidth": 2}
            axes.plot(*example.inputs, mark, markersize=9, **style)
    axes.set(xlabel="input 1", ylabel="input 2")


@contextmanager
def _still(model: Any) -> Iterator[None]:
    """A block in which the model is not in training, so it uses no random numbers."""
    walked = [model, *(part for _, part in model.walk())] if isinstance(model, Module) else []
    before = [(part, part.training) for part in walked if hasattr(part, "training")]
    for part, _ in before:
        part.training = False
    try:
        yield
    finally:
        for part, on in before:
            part.training = on


def _unit(unit: Neuron, x: Any, y: Any) -> Any:
    return unit([x, y])


def _grid(
    value: Callable[[Any, Any], Any], xs: Sequence[float], ys: Sequence[float]
) -> list[list[float]]:
    """Returns the numbers of `value` over the plane, a list for each y.

    It is recorded once and run for all points, unless it asks for numbers on its way. It runs in
    plain Python, whose digits are the same on every processor.
    """
    points = [(x, y) for y in ys for x in xs]
    try:
        with catch_warnings():
            simplefilter("error", FrozenWarning)
            simplefilter("ignore", NonFiniteWarning)
            step = compile(value, inputs=points[0], backend="python")
            flat: list[float] = step.outputs(*zip(*points))[0]
    except Exception:  # whatever is wrong with it, the engine says so, or it does not matter there
        flat = [float(value(x, y)) for x, y in points]
    return [flat[k : k + len(xs)] for k in range(0, len(flat), len(xs))]


def _span(xs: Sequence[float]) -> list[float]:
    """Evenly spaced numbers over the range of xs and a margin on both sides."""
    low, high = min(xs), max(xs)
    margin = 0.25 * (high - low) or 1.0
    step = (high - low + 2 * margin) / (_FINE - 1)
    return [low - margin + i * step for i in range(_FINE)]


def _require(holds: bool, what: str, needs: str) -> None:
    if not holds:
        raise ViewError(f"{what} needs {needs}")
