"""Plots for the lesson about indifference: decisions, calibration, a town, and a climb."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

from tinygrad_edu.data import Example
from tinygrad_edu.demos.laboratory.charts import Points
from tinygrad_edu.plots.canvas import STYLES, legend, new_figure, sheet

__all__ = ["calibration", "climb", "decisions", "spread", "town"]

_SIZE = 14  # of the text beside the axes
_MARKS = "os^D"
_BETWEEN = 0.09  # two axes, of the width of the figure


def spread(
    series: Mapping[str, Points], runs: Points, x: str, y: str, *, theme: str = "light"
) -> Any:
    """A line for each of the named series, and a small point for each run, which belongs to the
    last series."""
    figure, axes, colors = new_figure(theme, width=8.4)
    inks = [colors.quiet, colors.positive, colors.negative]
    beside = [0.012 * (2 * ((i * 0.618034) % 1) - 1) for i in range(len(runs))]
    places, heights = [at + side for (at, _), side in zip(runs, beside)], [y for _, y in runs]
    axes.plot(places, heights, "o", color=colors.negative, alpha=0.3, markersize=4)
    for style, mark, ink, (name, points) in zip(STYLES, _MARKS, inks, series.items()):
        axes.plot(*zip(*points), style, marker=mark, color=ink, label=name, linewidth=2.5)
    axes.set(xlabel=x, ylabel=y)
    axes.set_ylim(-0.04, 1.04)
    legend(axes, colors)
    return figure


def decisions(
    curves: Mapping[str, Points], title: str, x: str, y: str, *, theme: str = "light"
) -> Any:
    """A curve of a probability for each of the names, and the line at 0.5, above which is a yes."""
    figure, axes, colors = new_figure(theme, width=8.4)
    for style, ink, (name, points) in zip(
        STYLES, (colors.positive, colors.negative), curves.items()
    ):
        axes.plot(*zip(*points), style, color=ink, label=name, linewidth=3)
    axes.axhline(0.5, color=colors.ink, linestyle=":", label="approved above")
    axes.set_ylim(-0.04, 1.04)
    axes.set(xlabel=x, ylabel=y)
    axes.set_title(title, color=colors.ink, fontsize=_SIZE)
    _placed(figure, 0.1, 0.98)
    axes.legend(
        facecolor=colors.paper, edgecolor=colors.line, labelcolor=colors.ink, loc="upper left"
    )
    return figure


def calibration(
    panels: Sequence[tuple[str, Mapping[str, Sequence[tuple[float, float, int]]]]],
    x: str,
    y: str,
    *,
    theme: str = "light",
) -> Any:
    """For each panel: (probability, rate, number) of bins, with the diagonal.

    The area of a mark is the number of applicants, but no mark is smaller than one can see.
    """
    most = max(n for _, series in panels for row in series.values() for *_, n in row)
    figure, places, colors = sheet(theme, 1, len(panels), (5.2 * len(panels), 5.0))
    for place, (title, series) in zip(places, panels):
        place.axline((0, 0), slope=1, color=colors.quiet, linestyle=":")
        for mark, style, ink, (name, points) in zip(
            _MARKS, STYLES, (colors.positive, colors.negative), series.items()
        ):
            xs, ys, numbers = zip(*points)
            areas = [max(700 * n / most, 25) for n in numbers]
            place.plot(xs, ys, style, color=ink, linewidth=1)
            look = {"edgecolor": ink, "facecolor": "none", "linewidth": 2}
            place.scatter(xs, ys, areas, marker=mark, **look)
            place.plot([], [], style, marker=mark, color=ink, markerfacecolor="none", label=name)
        place.set_xlim(-0.08, 1.08)
        place.set_ylim(-0.08, 1.08)
        place.set_aspect("equal")
        place.set(xlabel=x, ylabel=y)
        place.set_title(title, color=colors.ink, fontsize=_SIZE)
        legend(place, colors)
    return figure


def town(
    people: Sequence[Example], line: Sequence[float], title: str, *, theme: str = "light"
) -> Any:
    """The applicants on the plane of place and score, and the line above which all are approved.

    line: (w, v, b) of w*place + v*score + b = 0, with v above 0. A full square is qualified. A
    cross is on a decision that differs from the truth.
    """
    figure, axes, colors = new_figure(theme, width=8.4)
    w, v, b = line
    wide, high = 1.15, 1.75
    ends = [-wide, wide]
    border = [-(w * x + b) / v for x in ends]
    axes.fill_between(ends, border, high, color=colors.positive, alpha=0.12)
    axes.fill_between(ends, -high, border, color=colors.negative, alpha=0.1)
    axes.plot(ends, border, color=colors.ink, linewidth=2.5)
    axes.text(-1.1, high - 0.25, "approved", color=colors.ink, fontsize=_SIZE)
    axes.text(-1.1, 0.1 - high, "refused", color=colors.ink, fontsize=_SIZE)
    for (place, score), (truth, *_) in people:
        mark, ink = ("s", colors.positive) if truth else ("o", colors.negative)
        fill = ink if truth else colors.paper
        axes.plot(
            place, score, mark, color=ink, markerfacecolor=fill, markersize=8, markeredgewidth=2
        )
        if (w * place + v * score + b > 0) != (truth > 0):
            axes.plot(place, score, "x", color=colors.ink, markersize=17, markeredgewidth=2.5)
    axes.axvline(0, color=colors.quiet, linestyle=":")
    axes.set(xlabel="place, from west to east", ylabel="score", xlim=ends, ylim=(-high, high))
    axes.set_title(title, color=colors.ink, fontsize=_SIZE)
    _placed(figure, 0.1, 0.98)
    return figure


def climb(
    path: Points,
    heights: Mapping[str, Sequence[float]],
    height: Callable[[float, float], float],
    arrows: Mapping[str, tuple[float, float]],
    whole: int,
    *,
    theme: str = "light",
) -> Any:
    """Left: the path on a map of a height, and arrows from its end. Right: heights of each step.

    whole: the number of steps of the longest path, so that all pictures have the same axes.
    """
    figure, (plane, lines), colors = sheet(theme, 1, 2, (10.8, 4.8))
    xs, ys = [i / 20 * 1.1 for i in range(41)], [i / 20 for i in range(38)]
    grid = [[height(x, y) for x in xs] for y in ys]
    levels = [-1.5, -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 0.95]
    marks = plane.contour(xs, ys, grid, levels=levels, colors=colors.quiet, linewidths=1)
    plane.clabel(marks, fontsize=11, colors=colors.ink, fmt="%g")
    plane.plot(*zip(*path), "-", color=colors.ink, linewidth=2.5)
    plane.plot(*path[-1], "o", color=colors.ink, markersize=8)
    inks = colors.negative, colors.positive
    for ink, (name, (dx, dy)) in zip(inks, arrows.items()):
        (x, y), wide = path[-1], 0.35
        look = {"arrowstyle": "-|>", "color": ink, "linewidth": 3, "mutation_scale": 18}
        plane.annotate("", (x + wide * dx, y + wide * dy), (x, y), arrowprops=look)
        plane.plot([], [], color=ink, linewidth=3, label=name)
    plane.set(xlabel="a", ylabel="e", xlim=(0, 2.2), ylim=(0, 1.85))
    plane.set_title("the truth as a map", color=colors.ink, fontsize=_SIZE)
    legend(plane, colors)
    for style, ink, (name, ys_) in zip(cycle(STYLES), inks, heights.items()):
        lines.plot(range(len(ys_)), ys_, style, color=ink, label=name, linewidth=2.5)
        lines.plot(len(ys_) - 1, ys_[-1], "o", color=ink, markersize=8)
    lines.axhline(0, color=colors.quiet, linestyle=":")
    lines.set(xlabel="step", ylabel="height", xlim=(-2, whole + 2), ylim=(-0.25, 2.3))
    legend(lines, colors)
    _placed(figure, 0.07, 0.98)
    return figure


def _placed(figure: Any, left: float, right: float) -> None:
    """Fixes the places of the axes, which takes no time, unlike fitting them to their texts."""
    figure.set_layout_engine("none")
    wide = (right - left + _BETWEEN) / len(figure.axes)
    for k, place in enumerate(figure.axes):
        place.set_position((left + k * wide, 0.15, wide - _BETWEEN, 0.74))
