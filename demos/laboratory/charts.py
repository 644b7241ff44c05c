"""Plots of a lesson's numbers: lines, points, surfaces, results of runs, grids; see `canvas`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from math import dist
from typing import Any

from tinygrad_edu.data import Example
from tinygrad_edu.plots import surface
from tinygrad_edu.plots.canvas import STYLES, from_matplotlib, legend, new_figure, sheet

__all__ = [
    "Points",
    "bars",
    "fates",
    "fold",
    "grid",
    "kinds",
    "lines",
    "scatter",
    "shares",
    "squares",
    "surfaces",
    "tables",
]

Points = Sequence[tuple[float, float]]
_SIZE = 14  # of the text beside the axes
_MARKS = "osD^v*"  # different marks, for people who cannot see the colours


def lines(
    series: Mapping[str, Points],
    x: str,
    y: str,
    *,
    log: str = "",
    marks: Mapping[str, float] | None = None,
    level: float | None = None,
    dots: bool = True,
    theme: str = "light",
) -> Any:
    """A line for each of the named series of points.

    x, y: titles of the axes. log: "x", "y" or "xy", the axes with a logarithmic scale. marks:
    vertical lines by their titles. level: a horizontal line. dots: whether points have marks.
    """
    figure, axes, colors = new_figure(theme)
    inks = [colors.positive, colors.negative, colors.highlight, colors.quiet, colors.ink]
    for style, mark, ink, (name, points) in zip(
        cycle(STYLES), cycle(_MARKS), cycle(inks), series.items()
    ):
        xs, ys = zip(*points)
        axes.plot(xs, ys, style, marker=mark if dots else "", color=ink, label=name, linewidth=2)
    for k, (name, at) in enumerate((marks or {}).items()):  # the names are on both sides in turn
        side = -1 if k % 2 == 0 else 1
        axes.axvline(at, color=colors.quiet, linestyle="--")
        axes.annotate(
            name,
            (at, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(6 * side, -6),
            textcoords="offset points",
            rotation=90,
            va="top",
            ha="right" if side < 0 else "left",
            color=colors.ink,
            fontsize=_SIZE,
        )
    if level is not None:
        axes.axhline(level, color=colors.quiet, linestyle=":")
    for axis in log:
        getattr(axes, f"set_{axis}scale")("log")
    axes.set(xlabel=x, ylabel=y)
    if len(series) > 1:
        legend(axes, colors)
    return figure


def scatter(
    series: Mapping[str, Points], x: str, y: str, *, diagonal: bool = False, theme: str = "light"
) -> Any:
    """Points, with a different mark for each named series. diagonal: adds the line y = x."""
    figure, axes, colors = new_figure(theme)
    inks = [colors.positive, colors.negative, colors.highlight]
    if diagonal:
        axes.axline((0, 0), slope=1, color=colors.quiet, linestyle=":")
    for mark, ink, (name, points) in zip(cycle(_MARKS), cycle(inks), series.items()):
        xs, ys = zip(*points)
        axes.plot(xs, ys, mark, color=ink, markerfacecolor="none", markersize=6, label=name)
    axes.set(xlabel=x, ylabel=y)
    if len(series) > 1:
        legend(axes, colors)
    return figure


def bars(
    series: Mapping[str, Sequence[float]],
    names: Sequence[str],
    x: str,
    y: str,
    most: float,
    *,
    theme: str = "light",
) -> Any:
    """A bar for each number of each named series, beside each other at each of the names.

    most: the end of the scale, above and below 0, so that several plots have the same scale.
    """
    figure, axes, colors = new_figure(theme, width=8.4)
    inks = [colors.positive, colors.negative, colors.highlight]
    wide = 0.8 / len(series)
    for k, (ink, hatch, (name, numbers)) in enumerate(
        zip(cycle(inks), cycle(("", "///", "...")), series.items())
    ):
        places = [i - 0.4 + wide * (k + 0.5) for i in range(len(names))]
        look = {"color": ink} if not hatch else {"facecolor": colors.paper, "edgecolor": ink}
        axes.bar(places, numbers, 0.86 * wide, hatch=hatch, label=name, **look)
    axes.axhline(0, color=colors.quiet)
    axes.set_ylim(-most, most)
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel=x, ylabel=y)
    legend(axes, colors)
    return figure


def surfaces(
    models: Sequence[tuple[str, Callable[[float, float], float], float]],
    examples: Sequence[Sequence[Example]],
    *,
    theme: str = "light",
) -> Any:
    """Functions of the plane, side by side, each with its own examples.

    models: (title, function, level at which a line is drawn).
    """
    figure, places, colors = new_figure(theme, len(models))
    for place, (title, function, level), those in zip(places, models, examples):
        surface(place, function, those, colors, True, level)
        place.set_title(title, color=colors.ink, fontsize=_SIZE)
    return figure


def fold(
    function: Callable[[Any, Any], Any],
    examples: Sequence[Example],
    points: Mapping[str, tuple[float, float]],
    line: Sequence[float],
    on: Sequence[str],
    *,
    theme: str = "light",
) -> Any:
    """The plane of two inputs, and where two hidden units put its four corners.

    function: the output over the plane. points: the answers of both hidden units by example. on:
    the names of the points that are filled. line: (a, b, c) of the line a*h1 + b*h2 + c = 0, at
    which the output is 0.5. The axes are always the same, so that pictures can be compared.
    """
    figure, (plane, hidden), colors = new_figure(theme, 2)
    surface(plane, function, examples, colors, True, 0.5)
    plane.set_title("the output over the inputs", color=colors.ink, fontsize=_SIZE)
    for name, place in sorted(points.items(), key=lambda named: named[0] not in on):
        mark, ink = ("s", colors.positive) if name in on else ("o", colors.negative)
        fill = ink if name in on else "none"
        hidden.plot(*place, mark, color=ink, markerfacecolor=fill, markersize=11, markeredgewidth=2)
    for (px, py), names in _together(points):
        hidden.annotate(
            ", ".join(names),
            (px, py),
            xytext=(-9 if px > 0.6 else 9, -18 if py > 0.6 else 7),
            textcoords="offset points",
            ha="right" if px > 0.6 else "left",
            color=colors.ink,
            fontsize=_SIZE,
        )
    a, b, c = line
    size = (a * a + b * b) ** 0.5
    if size > 0:  # the point of the line that is nearest to 0, and its direction
        x, y = -a * c / size**2, -b * c / size**2
        hidden.axline((x, y), (x - b / size, y + a / size), color=colors.ink, linewidth=2)
    hidden.set_xlim(-0.15, 1.15)
    hidden.set_ylim(-0.15, 1.15)
    hidden.set_aspect("equal")
    hidden.set_title("the four examples", color=colors.ink, fontsize=_SIZE)
    hidden.set(xlabel="answer of hidden unit 1", ylabel="answer of hidden unit 2")
    plane.set_aspect("equal")
    return figure


def _together(
    points: Mapping[str, tuple[float, float]],
) -> list[tuple[tuple[float, float], list[str]]]:
    """Names whose points lie so close that they need one label, with the place of the first."""
    found: list[tuple[tuple[float, float], list[str]]] = []
    for name, place in points.items():
        near = [names for at, names in found if dist(at, place) < 0.12]
        if near:
            near[0].append(name)
        else:
            found.append((place, [name]))
    return found


def fates(
    groups: Mapping[str, Sequence[float | None]],
    y: str,
    *,
    never: str,
    told: Mapping[str, float] | None = None,
    theme: str = "light",
) -> Any:
    """A point for each run of each group, at its number; a run without a number is above a line.

    A bar is the median; runs without a number count as longer. never: their title. told: numbers
    that somebody has reported, by group; each is a diamond.
    """
    figure, axes, colors = new_figure(theme, width=max(6.4, 1.6 * len(groups)))
    known = [x for row in groups.values() for x in row if x is not None] or [1.0]
    least = max(min(known), 1)
    room = max(1.35, (max(known) / least) ** 0.08)  # a line of text, on the logarithmic scale
    top = room**2 * max(known)
    for k, row in enumerate(groups.values()):
        there = sorted(x for x in row if x is not None)
        across = [k - 0.3 + 0.6 * ((i * 0.618034) % 1) for i in range(len(row))]
        axes.plot(across[: len(there)], there, "o", color=colors.positive, alpha=0.45, markersize=5)
        lost = len(row) - len(there)
        axes.plot(across[:lost], [top] * lost, "X", color=colors.negative, markersize=7)
        axes.text(
            k,
            room**0.7 * top,
            f"{lost} of {len(row)}",
            ha="center",
            color=colors.ink,
            fontsize=_SIZE,
        )
        middle = (len(row) - 1) // 2  # the lower one of two, as in the claims
        if middle < len(there):
            axes.plot([k - 0.35, k + 0.35], [there[middle]] * 2, color=colors.ink, lw=3)
        for number in (number for name, number in (told or {}).items() if name == list(groups)[k]):
            axes.plot(k, number, "D", color=colors.highlight, markersize=11)
    axes.axhline(room * max(known), color=colors.quiet, linestyle=":")
    axes.set_yscale("log")
    ticks = [n * 10**k for k in range(7) for n in (1, 2, 5)]
    ticks = [tick for tick in ticks if least / 1.5 < tick <= max(known)]
    axes.set_yticks([*ticks, top], [*(f"{tick:,}" for tick in ticks), never])
    axes.minorticks_off()
    axes.set_ylim(least / room, room**2 * top)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set_ylabel(y)
    return figure


def kinds(
    panels: Sequence[tuple[str, Mapping[str, Sequence[tuple[float, str]]]]],
    x: str,
    y: str,
    level: tuple[float, str] | None = None,
    *,
    log: bool = True,
    counted: bool = True,
    across: bool = False,
    theme: str = "light",
) -> Any:
    """Points in columns, with a different mark for each kind of point; panels are below each other.

    panels: (title, points by column); a point is (number, kind). level: (number, title) of a line.
    log: whether the scale is logarithmic. counted: writes the number of points below each column.
    across: panels are side by side.
    """
    rows, columns_ = (1, len(panels)) if across else (len(panels), 1)
    size = (6.4 * len(panels), 5.2) if across else (9.6, 4.6 * len(panels))
    figure, places, colors = sheet(theme, rows, columns_, size)
    every = [number for _, those in panels for row in those.values() for number, _ in row]
    named = dict.fromkeys(k for _, columns in panels for row in columns.values() for _, k in row)
    inks = [colors.positive, colors.negative, colors.highlight, colors.quiet]
    for place, (title, columns) in zip(places, panels):
        for mark, ink, kind in zip("o^Xs", inks, named):
            points = [
                (c - 0.32 + 0.64 * ((i * 0.618034) % 1), number)
                for c, row in enumerate(columns.values())
                for i, (number, its) in enumerate(sorted(row))
                if its == kind
            ]
            look = {"color": ink, "markerfacecolor": ink if mark == "X" else "none"}
            if points:
                place.plot(*zip(*points), mark, label=kind, markersize=6, **look)
        if level is not None:
            place.axhline(level[0], color=colors.quiet, linestyle="--", label=level[1])
        if log:
            place.set_yscale("log")
            place.set_ylim(min(every) / 1.3, 1.3 * max(every))
            wide = max(every) > 2_000 * min(every)
            ticks = [n * 10.0**k for k in range(-6, 7) for n in ((1,) if wide else (1, 2, 5))]
            ticks = [t for t in ticks if min(every) / 1.2 < t < 1.2 * max(every)]
            place.set_yticks(ticks, [f"{t:,g}" for t in ticks])
            place.minorticks_off()
        place.set_xlim(-0.6, len(columns) - 0.4)
        heads = [f"{name}\n{len(row)}" if counted else name for name, row in columns.items()]
        place.set_xticks(range(len(columns)), heads)
        place.set_ylabel(y)
        place.set_title(title, color=colors.ink, fontsize=_SIZE)
        legend(place, colors)
    if across:
        figure.supxlabel(x, color=colors.ink, fontsize=_SIZE)
    else:
        places[-1].set_xlabel(x)
    return figure


def grid(
    rows: Sequence[Sequence[float]],
    x: str,
    y: str,
    columns: Sequence[str] = (),
    names: Sequence[str] = (),
    *,
    theme: str = "light",
) -> Any:
    """Numbers from 0 to 1 as a table; a larger number has a darker shade."""
    figure, axes, colors = new_figure(theme)
    for r, row in enumerate(rows):
        for c, number in enumerate(row):
            axes.fill_between(
                [c - 0.5, c + 0.5], r - 0.5, r + 0.5, color=colors.positive, alpha=0.75 * number
            )
            axes.text(
                c, r, f"{number:.2f}", ha="center", va="center", color=colors.ink, fontsize=_SIZE
            )
    axes.set_xlim(-0.5, len(rows[0]) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(rows[0])), columns or [str(c + 1) for c in range(len(rows[0]))])
    axes.set_yticks(range(len(rows)), names or [str(r + 1) for r in range(len(rows))])
    axes.set(xlabel=x, ylabel=y)
    return figure


def shares(
    rows: Mapping[str, Mapping[str, tuple[int, int]]], x: str, *, theme: str = "light"
) -> Any:
    """A bar for each row and each kind in it, from (count, total), which is also written."""
    figure, axes, colors = new_figure(theme)
    kinds_there = list(dict.fromkeys(kind for row in rows.values() for kind in row))
    figure.set_size_inches(10.4, 1.2 + 0.21 * len(rows) * len(kinds_there))
    inks = [colors.positive, colors.negative, colors.highlight]
    height = 0.8 / len(kinds_there)
    for k, (kind, ink, hatch) in enumerate(zip(kinds_there, inks, ("", "///", "..."))):
        for r, row in enumerate(rows.values()):
            count, n = row.get(kind, (0, 0))
            at = r - 0.4 + height * (k + 0.5)
            look = {"color": ink} if not hatch else {"facecolor": colors.paper, "edgecolor": ink}
            axes.barh(
                at, count / n if n else 0, 0.86 * height, hatch=hatch, label=kind if not r else "",
                **look,
            )  # fmt: skip
            axes.text(
                (count / n if n else 0) + 0.01, at, f"{count} of {n}", va="center",
                color=colors.ink, fontsize=11,
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(0, 1.14)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axes.set_xticks(ticks, [f"{t:.0%}" for t in ticks])
    axes.set_xlabel(x)
    if len(kinds_there) > 1:
        legend(axes, colors)
    return figure


def squares(
    panels: Sequence[tuple[str, Sequence[Sequence[float]]]],
    above: Sequence[str],
    below: Sequence[str],
    *,
    largest: float = 0.0,
    theme: str = "light",
) -> Any:
    """Rows of weights as squares, a panel for each unit: full if positive, hollow if negative.

    The area is the size, relative to `largest`, or to the largest of the panel if that is 0; a
    square is at most as large as its place. panels: (title, rows), in two columns. above, below:
    titles of the columns, above the first panels and below the last ones.
    """
    columns = min(2, len(panels))
    high = -(-len(panels) // columns)
    wide, deep = len(panels[0][1][0]) + 3.2, len(panels[0][1]) + 0.7  # of a panel with its title
    figure, (axes,), colors = sheet(theme, 1, 1, (0.46 * wide * columns, 0.46 * deep * high + 2.2))
    rectangle = from_matplotlib("patches").Rectangle
    for k, (title, rows) in enumerate(panels):
        left, top = wide * (k % columns), deep * (k // columns)
        whole = largest or max(abs(x) for row in rows for x in row) or 1.0
        for r, row in enumerate(rows):
            for c, x in enumerate(row):
                side = 0.88 * min(abs(x) / whole, 1.0) ** 0.5
                color = colors.positive if x > 0 else colors.negative
                corner = left + c - side / 2, top + r - side / 2
                fill = color if x > 0 else "none"
                look = {"facecolor": fill, "edgecolor": color, "linewidth": 1.6}
                axes.add_artist(rectangle(corner, side, side, **look))
        right, bottom = left + len(rows[0]) - 0.4, top + len(rows) - 0.4
        across, down = (
            [left - 0.6, right, right, left - 0.6],
            [top - 0.6, top - 0.6, bottom, bottom],
        )
        axes.plot([*across, across[0]], [*down, down[0]], color=colors.line, linewidth=1)
        write = {"color": colors.ink, "fontsize": 12}
        axes.text(left - 0.8, (top + bottom) / 2, title, ha="right", va="center", **write)
        for c in range(len(rows[0])):
            if k < columns:
                axes.text(left + c, top - 0.7, above[c], rotation=60, va="bottom", **write)
            if k >= len(panels) - columns:
                axes.text(
                    left + c, bottom + 0.1, below[c], rotation=60, ha="right", va="top", **write
                )
    figure.set_layout_engine("none")  # one axes without ticks needs no time to fit
    axes.set_position((0, 0, 1, 1))
    axes.set_xlim(-3, wide * columns - 2.6)
    axes.set_ylim(deep * high + 1.7, -3)
    axes.set_aspect("equal")
    axes.axis("off")
    return figure


def tables(
    panels: Sequence[tuple[str, Sequence[Sequence[float]], Sequence[str]]],
    *,
    theme: str = "light",
) -> Any:
    """Square tables of numbers as shades, side by side; the largest number is the darkest.

    panels: (title, rows, names of the rows and columns).
    """
    figure, places, colors = sheet(theme, 1, len(panels), (6.0 * len(panels), 6.4))
    most = max(x for _, rows, _ in panels for row in rows for x in row) or 1.0
    shades = from_matplotlib("colors").LinearSegmentedColormap.from_list(
        "sizes", [colors.paper, colors.positive]
    )
    for place, (title, rows, names) in zip(places, panels):
        place.imshow(rows, cmap=shades, vmin=0, vmax=most)
        place.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=11)
        place.set_yticks(range(len(names)), names, fontsize=11)
        place.set_title(title, color=colors.ink, fontsize=_SIZE)
    return figure
