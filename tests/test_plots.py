"""Plots show the numbers of the run, in the diagrams' colours; without matplotlib they say so."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tinygrad_edu.data import BIPOLAR, gate, moons
from tinygrad_edu.draw.theme import THEMES
from tinygrad_edu.errors import FormatError, MissingError, ViewError
from tinygrad_edu.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    half_squared_error,
    hinge_loss,
)
from tinygrad_edu.nn import MLP, Linear, Sequential, Tanh
from tinygrad_edu.optim import Adam, Momentum
from tinygrad_edu.plots import (
    KINDS,
    _grid,
    decision_boundary,
    gradient_sizes,
    hinton,
    loss_curve,
    plot,
    weight_paths,
)
from tinygrad_edu.plots.canvas import FORMATS, save
from tinygrad_edu.train import Data, History, Loss, train

POINTS = tuple(zip(*((x, int(t)) for x, (t,) in moons(20))))  # (X, y), of indices
WATCHED = ["layer1.neuron1.w[0]", "layer1.neuron1.w[1]"]


@cache
def run() -> History:
    m = MLP(2, [2, 1], "sigmoid", seed=3)
    learner = Momentum(m.parameters(), 0.5, 0.9)

    how: dict[str, Any] = {"watch": WATCHED, "metrics": ["accuracy"]}
    return train(m, half_squared_error, gate("xor"), learner, epochs=300, reduction="sum", **how)


@pytest.mark.quick
def test_without_matplotlib_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for kind in KINDS:
        with pytest.raises(MissingError, match=r"pip install 'tinygrad-edu\[plots\]'"):
            plot(run(), kind)


@pytest.mark.quick
def test_what_cannot_be_plotted_is_refused() -> None:
    with pytest.raises(ViewError, match="unknown plot 'pie': choose loss, boundary"):
        plot(run(), "pie")
    with pytest.raises(ViewError, match="unknown theme 'neon'"):
        plot(run(), "loss", theme="neon")
    with pytest.raises(ViewError, match="needs a history of one step"):
        plot(History())
    with pytest.raises(ViewError, match="that train\\(\\) has just made"):
        plot(History(losses=[1.0], epochs=1), "hinton")
    three = [example._replace(inputs=(*example.inputs, 1.0)) for example in gate("xor")]
    with pytest.raises(ViewError, match="needs two inputs"):
        decision_boundary(run().model, three)
    with pytest.raises(ViewError, match="two watched parameters"):
        weight_paths(run(), run().model, run().examples, run().loss, ["layer1.neuron1.b"])
    with pytest.raises(FormatError, match=r"unknown ending \.gif"):
        save(None, "x.gif")


@pytest.mark.machine
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_plot_in_every_theme_has_its_colours_and_can_be_read(kind: str, theme: str) -> None:
    from matplotlib.colors import to_hex

    figure, colors = plot(run(), kind, theme=theme), THEMES[theme]
    figure.canvas.draw()
    assert to_hex(figure.get_facecolor()) == colors.paper
    known = {colors.ink, colors.quiet, colors.negative}
    for axes in figure.axes:
        ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        minor = [*axes.get_xticklabels(minor=True), *axes.get_yticklabels(minor=True)]
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title, *ticks, *minor, *axes.texts):
            if text.get_text():
                assert to_hex(text.get_color()) in known
    assert any(axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes)


@pytest.mark.machine
def test_the_loss_curve_is_the_losses() -> None:
    curve, metric = loss_curve(run()).axes
    assert list(curve.lines[0].get_ydata()) == run().losses
    assert list(metric.lines[0].get_ydata()) == run().metrics["accuracy"]
    assert list(metric.lines[0].get_xdata()) == list(range(300))
    assert metric.lines[0].get_linestyle() != curve.lines[0].get_linestyle()


@pytest.mark.machine
def test_a_hinton_diagram_has_squares_in_proportion_full_where_positive() -> None:
    model = run().model
    first, second = hinton(model).axes
    assert (len(first.patches), len(second.patches)) == (6, 3)
    weights = [x.data for n in model.layers[0].neurons for x in [*n.w, n.b]]
    largest = max(abs(p.data) for p in model.parameters())
    for square, w in zip(first.patches, weights, strict=True):
        area = square.get_width() * square.get_height()
        assert area == pytest.approx(0.81 * abs(w) / largest)
        assert (square.get_facecolor()[3] == 1.0) == (w > 0)


@pytest.mark.machine
def test_a_path_goes_from_the_first_weights_to_the_last_and_changes_none() -> None:
    history = run()
    before = [p.data for p in history.model.parameters()]
    axes = weight_paths(history, history.model, history.examples, history.loss).axes[0]
    assert [p.data for p in history.model.parameters()] == before
    now = [dict(history.model.named_parameters())[name].data for name in WATCHED]
    path = axes.lines[0]
    for numbers, name, x in zip((path.get_xdata(), path.get_ydata()), WATCHED, now, strict=True):
        assert list(numbers) == [*history.parameters[name], x]


@pytest.mark.machine
def test_gradient_sizes_are_root_mean_squares() -> None:
    model = run().model
    (points,) = gradient_sizes(model).axes[0].lines
    for layer, size in zip(model.layers, points.get_ydata(), strict=True):
        grads = [p.grad for p in layer.parameters()]
        assert size == pytest.approx((sum(g * g for g in grads) / len(grads)) ** 0.5)


@pytest.mark.machine
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_plot_is_the_same_file(format: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(plot(run(), "boundary"), tmp_path / f"{name}.{format}")
    data = (tmp_path / f"a.{format}").read_bytes()
    assert data == (tmp_path / f"b.{format}").read_bytes()
    assert len(data) > 1_000


@pytest.mark.machine
@pytest.mark.parametrize(
    ("outputs", "loss", "data"),
    [
        (1, binary_cross_entropy_with_logits, moons(20)),
        (1, binary_cross_entropy_with_logits, POINTS),
        (1, hinge_loss, moons(20, targets=BIPOLAR)),
        (2, cross_entropy, POINTS),
        (2, cross_entropy, [(x, (1 - t, t)) for x, t in zip(*POINTS)]),
    ],
)
def test_a_boundary_of_logits_is_where_they_are_even(outputs: int, loss: Loss, data: Data) -> None:
    """At every point of the line; the map between the points of the grid is nearly linear."""
    m = Sequential(Linear(2, 4, seed=0), Tanh(), Linear(4, outputs, seed=1))
    history = train(m, loss, data, Adam(m.parameters(), 0.05), epochs=60, metrics="accuracy")
    (line,) = [c for c in plot(history, "boundary").axes[0].collections if hasattr(c, "levels")]
    points = [tuple(point) for path in line.get_paths() for point in path.vertices]
    assert len(points) > 20
    for point in points:
        (*others, last) = m.predict(list(map(float, point)))
        assert abs(last - (others[0] if others else 0.0)) < 0.1


@pytest.mark.machine
def test_a_boundary_of_three_classes_is_refused() -> None:
    with pytest.raises(ViewError, match="one output, or two for two classes"):
        decision_boundary(Linear(2, 3), POINTS)


def test_a_map_is_recorded_once_and_has_the_numbers_of_the_engine() -> None:
    model, calls = MLP(2, [3, 1], "tanh", seed=3), []

    def smooth(x: Any, y: Any) -> Any:
        calls.append(x)
        return model([x, y])[0]

    def branching(x: Any, y: Any) -> Any:
        return x * 2 if x > 0 else y

    def plain(x: Any, y: Any) -> Any:
        return float(x) - float(y)

    xs, ys = [-1.0, 0.5, 2.0], [0.25, 1.0]
    for value in (smooth, branching, plain):
        expected = [[float(value(x, y)) for x in xs] for y in ys]
        calls.clear()
        found = _grid(value, xs, ys)
        for row, others in zip(found, expected):
            assert row == pytest.approx(others, rel=1e-12)
        assert len(calls) == (value is smooth)
