"""Figures of matplotlib (the extra `plots`) for all plots, in the colours of the diagrams."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import Any

from tinygrad_edu.draw.theme import THEMES, Theme
from tinygrad_edu.errors import FormatError, MissingError, ViewError
from tinygrad_edu.files import write_whole

__all__ = ["FORMATS", "STYLES", "dress", "from_matplotlib", "legend", "new_figure", "save", "sheet"]

FORMATS = ("svg", "png", "pdf")
STYLES = ("-", "--", ":", "-.")  # different lines, for people who cannot see the colours
_LETTERS = {"font.family": "DejaVu Sans", "font.size": 14}  # the font that comes with matplotlib


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Writes the plot as svg, png or pdf, by the ending of `path`; always with the same bytes."""
    ending = os.path.splitext(os.fspath(path))[1].lower().removeprefix(".")
    if ending not in FORMATS:
        raise FormatError(f"unknown ending .{ending[:20]}: choose .svg, .png, .pdf")
    data = io.BytesIO()
    with from_matplotlib("rc_context")({"svg.hashsalt": "tinygrad-edu", **_LETTERS}):
        undated = {"Date": None} if ending == "svg" else {}
        undated = {"CreationDate": None} if ending == "pdf" else undated
        figure.savefig(data, format=ending, metadata=undated, dpi=144)
    write_whole(path, data.getvalue())


def from_matplotlib(name: str) -> Any:
    """The attribute `name` of matplotlib; MissingError if it is not installed."""
    try:
        import matplotlib
        import matplotlib.figure
        import matplotlib.patches
    except ImportError:
        raise MissingError(
            "plots need matplotlib: pip install 'tinygrad-edu[plots]', or pip install matplotlib"
        ) from None
    return getattr(matplotlib, name)


def new_figure(theme: str, columns: int = 0, width: float = 6.4) -> tuple[Any, Any, Theme]:
    """(figure, axes, colours). axes: a list if columns are given. width: in inches."""
    if theme not in THEMES:
        raise ViewError(f"unknown theme {theme[:60]!r}: choose {', '.join(THEMES)}")
    colors = THEMES[theme]
    with from_matplotlib("rc_context")(_LETTERS):
        size = (4.2 * columns if columns else width, 4.6)
        figure = from_matplotlib("figure").Figure(figsize=size, layout="constrained")
        figure.set_facecolor(colors.paper)
        figure._repr_png_ = partial(_png, figure)  # a notebook shows it by itself
        axes = figure.subplots(1, max(columns, 1), squeeze=False)[0]
    for place in axes:
        dress(place, colors)
    return figure, list(axes) if columns else axes[0], colors


def _png(figure: Any) -> bytes:
    """The figure as PNG, in its size on the screen."""
    data = io.BytesIO()
    with from_matplotlib("rc_context")(_LETTERS):
        figure.savefig(data, format="png", dpi=96)
    return data.getvalue()


def sheet(theme: str, rows: int, columns: int, size: tuple[float, float]) -> tuple[Any, Any, Theme]:
    """(figure, axes row by row, colours). size: in inches."""
    figure, _, colors = new_figure(theme)
    with from_matplotlib("rc_context")(_LETTERS):
        figure.clear()
        figure.set_size_inches(*size)
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for place in axes:
        dress(place, colors)
    return figure, axes, colors


def dress(axes: Any, colors: Theme) -> None:
    axes.set_facecolor(colors.paper)
    axes.tick_params(which="both", colors=colors.ink)
    for name in ("xaxis", "yaxis"):
        getattr(axes, name).label.set_color(colors.ink)
    for spine in axes.spines.values():
        spine.set_color(colors.line)


def legend(axes: Any, colors: Theme) -> None:
    axes.legend(facecolor=colors.paper, edgecolor=colors.line, labelcolor=colors.ink)
