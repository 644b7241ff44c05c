"""Pictures of a transformer: its parts, its loss, where its heads look, its letters in a plane."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median_low
from typing import Any

from tinygrad_edu.demos.laboratory.charts import Points
from tinygrad_edu.demos.laboratory.vowels import LETTERS, VOWELS
from tinygrad_edu.draw import theme as themes
from tinygrad_edu.draw.placement import Point
from tinygrad_edu.draw.scene import Box, Line, Link, Place, Placed, Scene, Span, room
from tinygrad_edu.draw.svg import svg
from tinygrad_edu.files import write_whole
from tinygrad_edu.plots.canvas import from_matplotlib, legend, new_figure, sheet

__all__ = ["Flow", "looks", "losses", "plane"]

_SIZE = 14  # of the text in plots
_EDGE = 8  # points of paper around the picture
_BOX, _HIGH, _STEP = 250, 40, 58  # the width and height of a box, and from one to the next
_SKIP = 54  # how far the line of an addition runs beside the boxes


class Flow:
    """The parts of a network from top to bottom, each with a note; some add what went in before.

    parts: (name, note). around: (first, last) parts of each stretch whose input is added to its
    output, by number.
    """

    title = "The parts of the network"

    def __init__(
        self,
        parts: Sequence[tuple[str, str]],
        around: Sequence[tuple[int, int]],
        look: str = "light",
    ) -> None:
        colors = themes.THEMES[look]
        self.alt = "; ".join(": ".join(part) for part in parts)
        left = _EDGE + _SKIP
        x = left + _BOX // 2
        boxes, notes = [], []
        words = [_line(note, colors) for _, note in parts]
        wide = max(room([line])[0] for line in words)
        at: list[Point] = [(x, _EDGE + _HIGH // 2 + i * _STEP) for i in range(len(parts))]
        for i, ((name, _), line, (_, y)) in enumerate(zip(parts, words, at)):
            fill = colors.leaf if name.startswith(("letter", "logit")) else colors.parameter
            text = (Span(name, themes.NUMBER, colors.ink, True),)
            box = Box(f"part{i}", "box", (text,), fill, colors.line, kind="part")
            boxes.append((box, Place(x, y, _BOX, _HIGH)))
            notes.append((line, Place(left + _BOX + 20 + wide // 2, y, wide, 0)))
        links = []
        for i in range(len(parts) - 1):
            a, b = (x, at[i][1] + _HIGH // 2), (x, at[i + 1][1] - _HIGH // 2)
            link = Link(f"link{i}", f"part{i}", f"part{i + 1}", colors.line, 2.0)
            links.append(Placed(link, ((a, a, b, b),), None))
        for first, last in around:
            start = at[first][1] - _STEP // 2
            links.append(_beside(first, last, left, start, at[last][1], colors))
        self.scene = Scene(
            left + _BOX + 20 + wide + _EDGE,
            at[-1][1] + _HIGH // 2 + _EDGE,
            colors.paper,
            colors.ink,
            tuple(boxes),
            tuple(links),
            tuple(notes),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture as SVG."""
        write_whole(path, svg(self.scene, self.title, self.alt).encode())


def _beside(first: int, last: int, left: int, start: int, end: int, colors: themes.Theme) -> Placed:
    """The line of an addition: from above the first part, beside the boxes, into the last one."""
    x, out = left + _BOX // 2, left - _SKIP + 10
    points: list[tuple[int, int]] = [(x, start), (out, start), (out, end), (left, end)]
    line = [points[0]]
    for a, b in pairwise(points):
        line += [a, b, b]
    link = Link(f"around{first}", f"part{first}", f"part{last}", colors.positive, 2.0)
    return Placed(link, (tuple(line),), None)


def _line(text: str, colors: themes.Theme) -> Line:
    return (Span(text, themes.NUMBER, colors.ink),)


# --- plots ----------------------------------------------------------------------------------------


def losses(
    runs: Mapping[str, Mapping[int, Sequence[float]]],
    levels: Mapping[str, float],
    *,
    theme: str = "light",
) -> Any:
    """The loss of runs against their steps, and the losses of tables as horizontal lines.

    runs: by kind, for each number of steps, the losses of the seeds. levels: by the title of a
    table.
    """
    figure, axes, colors = new_figure(theme, width=9.6)
    figure.set_size_inches(9.6, 5.2)
    inks = (colors.positive, colors.negative)
    for (name, by_steps), ink, mark in zip(runs.items(), inks, "os"):
        for steps, found in by_steps.items():
            axes.plot([steps] * len(found), found, mark, color=ink, alpha=0.4, markersize=6)
        middle = [(steps, median_low(found)) for steps, found in by_steps.items()]
        axes.plot(*zip(*middle), "-", color=ink, linewidth=2, marker=mark, label=name)
    last = max(steps for by_steps in runs.values() for steps in by_steps)
    first = min(steps for by_steps in runs.values() for steps in by_steps)
    axes.set_xscale("log")
    axes.set_xlim(first / 1.3, last * 6)
    for name, level in levels.items():
        axes.axhline(level, color=colors.quiet, linestyle=":", linewidth=1.5)
        axes.text(last * 5.7, level, name, va="bottom", ha="right", color=colors.ink, fontsize=13)
    ticks = sorted({steps for by_steps in runs.values() for steps in by_steps})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="steps of 8 names", ylabel="loss, in nats for each letter")
    legend(axes, colors)
    return figure


def looks(heads: Sequence[Sequence[Sequence[float]]], name: str, *, theme: str = "light") -> Any:
    """For each head, the shares of the letters up to each letter: a row for each letter."""
    figure, places, colors = sheet(theme, 1, len(heads), (3.1 * len(heads), 3.9))
    ends = [colors.paper, colors.positive]
    shades = from_matplotlib("colors").LinearSegmentedColormap.from_list("shades", ends)
    for k, (axes, rows) in enumerate(zip(places, heads), 1):
        n = len(rows)
        cells = [[*row, *[0.0] * (n - len(row))] for row in rows]
        axes.pcolormesh(range(n), range(n), cells, cmap=shades, vmin=0, vmax=1, shading="nearest")
        axes.set_xlim(-0.5, n - 0.5)
        axes.set_ylim(n - 0.5, -0.5)
        axes.set_aspect("equal")
        axes.set_xticks(range(n), name[:n])
        axes.set_yticks(range(n), name[:n])
        axes.set_title(f"head {k}", color=colors.ink, fontsize=_SIZE)
        axes.set_xlabel("looks at")
    places[0].set_ylabel("from")
    return figure


def plane(points: Points, names: str = LETTERS, *, theme: str = "light") -> Any:
    """The directions of the letters in a plane; vowels have a round frame."""
    figure, axes, colors = new_figure(theme, width=6.4)
    figure.set_size_inches(6.4, 5.6)
    for letter, (x, y) in zip(names, points):
        frame = {"boxstyle": "circle", "facecolor": colors.paper, "edgecolor": colors.negative}
        axes.text(
            x, y, letter, ha="center", va="center", fontsize=16, color=colors.ink,
            bbox={**frame, "linewidth": 2.5} if letter in VOWELS else None,
        )  # fmt: skip
    axes.set_xlim(-1.05, 1.05)
    axes.set_ylim(-1.05, 1.05)
    axes.set_xticks([-1, -0.5, 0, 0.5, 1])
    axes.set_yticks([-1, -0.5, 0, 0.5, 1])
    axes.set(xlabel="first axis", ylabel="second axis")
    return figure
