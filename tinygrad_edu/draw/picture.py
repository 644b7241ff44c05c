"""A picture in all its formats, for a file or a notebook."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import inf
from types import ModuleType
from typing import Any, get_args

from tinygrad_edu.analysis.graph import Graph, graph, mark
from tinygrad_edu.analysis.zoom import CALLS, zoom
from tinygrad_edu.draw.aloud import aloud, title
from tinygrad_edu.draw.arrange import least_size
from tinygrad_edu.draw.compose import compose, laid_out, letters, single, too_small
from tinygrad_edu.draw.heading import said
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.scene import Box, Link, Scene, Sketch
from tinygrad_edu.draw.sketch import Panel, drawn, sketch
from tinygrad_edu.draw.svg import fitting, svg
from tinygrad_edu.draw.view import BLANK, View
from tinygrad_edu.drawable import Calls, Format, K, Roles, mime
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import FormatError, ViewError
from tinygrad_edu.files import write_whole
from tinygrad_edu.hooks import pages

__all__ = [
    "DEFAULT",
    "FORMATS",
    "MANY_SHAPES",
    "MOST_EVENTS",
    "MOST_SHAPES",
    "TITLES",
    "Picture",
    "draw",
    "format_of",
    "painted",
    "panels",
]

FORMATS: tuple[Format, ...] = get_args(Format)
TITLES = ("before", "after")
DEFAULT = View()
MANY_SHAPES = 1_500  # more shapes than people want to look at
MOST_EVENTS = 300  # of a film: more than that nobody can watch
MOST_SHAPES = 5_000  # take seconds; ten times as many take an hour, and nobody can read them
_MOST_LINES = 200  # of text in a notebook
_MOST_PAINTED = 40  # boxes of a picture that costs little as PNG, too


class Picture:
    """A picture of a graph: `save("y.svg")`, `dot`, `text()`; a notebook shows it by itself.

    note: remarks on the last drawing, for example that a PNG was scaled; usually ''.
    """

    def __init__(
        self,
        graph: Graph,
        view: View = DEFAULT,
        *,
        level: str | int | None = None,
        calls: Calls = "sequence",
        before: Graph | None = None,
        title: str | None = None,
        timeout: float = 20.0,
        insist: bool = False,
    ) -> None:
        if not 0 < timeout < inf:
            raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
        graphs = [mark(g, view.highlight) for g in (before, graph) if g is not None]
        self.whole, self.level = graph, level
        self.textbook = level == "network"
        self.graphs = graphs
        if level is not None and not self.textbook:
            self.graphs = [zoom(g, level, calls) for g in graphs]
        if self.textbook:
            if view.highlight:
                raise ViewError("level network draws no paths: drop highlight, or the level")
            for each in self.graphs:
                _textbook(each, view)  # which refuses a graph without a neuron
        if calls not in CALLS:
            raise ViewError(f"unknown calls {str(calls)[:60]!r}: choose {', '.join(CALLS)}")
        self.calls = calls
        self.collapses = level is None and not insist
        self.view = view
        if title is not None and not isinstance(title, str):
            raise ViewError(f"title must be a text, not {str(title)[:60]}")
        self.title = None if title is None else " ".join(title.split())
        self.timeout = timeout
        self.insist = insist
        self.note = ""

    @property
    def graph(self) -> Graph:
        """The graph of the picture; with an update, the graph after it."""
        return self.graphs[-1]

    @property
    def dot(self) -> str:
        """The picture as DOT text, for Graphviz."""
        from tinygrad_edu.draw.dot import dot  # late, so that an SVG comes fast

        drawn = panels(self.graphs)
        named = zip(drawn, _prefixes(len(drawn)))
        sketches = [self._sketch(panel).named(prefix) for panel, prefix in named]
        return dot([(made, panel.title) for made, panel in zip(sketches, drawn)], self.view)

    def _sketch(self, panel: Panel) -> Sketch:
        if self.textbook:
            return _textbook(panel.graph, self.view)
        return sketch(panel, self.view)

    @property
    def alt(self) -> str:
        """The text of the graph, in order, for people who cannot see it; the SVG contains it."""
        return self._aloud(self.graphs)

    def _aloud(self, graphs: Sequence[Graph]) -> str:
        said = [aloud(graph, self.view) for graph in graphs]
        return said[0] if len(said) == 1 else f"Before: {said[0]} After: {said[1]}"

    def text(self, *, width: int = 0, unicode: bool = True, color: bool = False) -> str:
        """The graph drawn in characters, no wider than `width` columns (0: the terminal's)."""
        if not width:
            import shutil  # late, so that an SVG comes fast

        width = width or shutil.get_terminal_size().columns
        return self._text(width=width, unicode=unicode, color=color)

    def _text(self, **how: Any) -> str:
        from tinygrad_edu.draw import text  # late, so that an SVG comes fast

        view = replace(self.view, edges=self.view.edges or ())
        drawings = [text.text(p.graph, view, was=p.was, **how) for p in panels(self.graphs)]
        if len(drawings) == 1:
            return drawings[0]
        width = how.get("width", 80)
        titles = (f"{title}:"[:width] for title in TITLES)
        return "\n".join(f"{title}\n{drawing}" for title, drawing in zip(titles, drawings))

    def render(self, format: Format) -> bytes:
        """The picture in one of FORMATS, as bytes.

        FormatError (a ValueError) for another format. LayoutError if there is no Graphviz, if it
        fails or takes more than `timeout` seconds, or if there are more than MOST_SHAPES shapes
        and `insist` is off. With more than MANY_SHAPES shapes, groups are collapsed, unless a level
        was given. DOT, JSON and text need no Graphviz and have no limit.
        """
        if format == "dot":
            return self.dot.encode("utf-8", "replace")
        if format == "json":
            if self.view.hide:
                raise ViewError("json contains every number: to hide some, choose another format")
            return self._json().encode()
        if format == "txt":
            return self._text().encode("utf-8", "replace")
        if format == "html":
            return self._page()
        if format not in FORMATS:
            raise FormatError(f"unknown format {format!r}: choose {', '.join(FORMATS)}")
        graphs, remark = self._legible()
        if format == "png":
            self._check_png(graphs)
        scene, how = self._scene(graphs)
        notes = [remark, how, too_small(scene, self.view, partial(self._helps, bool(remark)))]
        if format == "svg":
            data = self._svg(scene, graphs).encode()
        elif format == "pdf":
            heading = title(graphs[-1], self.view)
            data = _paper().pdf(scene, heading, self.timeout, self.view.size, self.view.scale)
        else:
            data, scaled = _paper().png(scene, self.timeout, self.view.size, self.view.scale)
            notes.insert(0, scaled)
        self.note = "; ".join(filter(None, notes))
        return data

    def _page(self) -> bytes:
        """The live page; ViewError for what only a picture that stands still can show."""
        view = self.view
        more = {"before": len(self.graphs) > 1, "level": isinstance(self.level, int)}
        for option in [*view.still, *(name for name, asked in more.items() if asked)]:
            raise ViewError(f"{option} is for pictures, and not for a live page: drop it")
        made: bytes = pages[-1](
            self.whole,
            title=self.title,
            precision=view.precision,
            direction=view.direction,
            theme=view.page_theme,
            level=self.level,
            timeout=self.timeout,
        ).html.encode("utf-8", "replace")
        return made

    def _svg(self, scene: Scene, graphs: Sequence[Graph]) -> str:
        heading = title(graphs[-1], self.view)
        return svg(scene, heading, self._aloud(graphs), self.view.size, self.view.scale)

    def _scene(self, graphs: Sequence[Graph]) -> tuple[Scene, str]:
        """(the whole picture, a remark on its layout)."""
        drawn = panels(graphs)
        sketches = [self._sketch(panel) for panel in drawn]
        names = [_parts(made) for made in sketches]
        if all(each == names[0] for each in names):  # the same graph with other numbers
            shared = laid_out(sketches, self.view, self.timeout)
            layouts = [shared] * len(sketches)
        else:
            layouts = [laid_out([made], self.view, self.timeout) for made in sketches]
        heading = self.title if self.title is not None else said(graphs[-1], self._blanks())
        scenes = []
        for share in [(1.0, 1.0)] if len(drawn) == 1 else [(0.5, 1.0), (1.0, 0.5)]:
            placed = [
                (single(made, where, self.view, share).named(prefix), panel.title)
                for made, where, panel, prefix in zip(
                    sketches, layouts, drawn, _prefixes(len(drawn))
                )
            ]
            scenes.append(compose(placed, self.view, heading if self.view.legend else ""))
        return max(scenes, key=letters), layouts[0].remark

    def _helps(self, collapsed: bool) -> list[str]:
        """The levels that make the letters larger, as options of the shell."""
        groups = not collapsed and any(node.group for graph in self.graphs for node in graph.nodes)
        helps = ["--level neuron"] if groups and self.collapses else []
        return [*helps, "--level network"] if self._has_network() else helps

    def _has_network(self) -> bool:
        if self.textbook:
            return False  # it is drawn already
        try:
            _textbook(self.graph, self.view)
        except ViewError:
            return False
        return True

    def _blanks(self) -> dict[int, str]:
        """The leaves that a formula can only name by their numbers, which are hidden."""
        if "leaves" not in self.view.hide:
            return {}
        leaves = (node for node in self.graph.nodes if node.kind == "leaf" and not node.label)
        return {node.id: BLANK for node in leaves}

    def _check_png(self, graphs: Sequence[Graph]) -> None:
        """LayoutError before the layout if a PNG can only be too large to be read."""
        if self.view.size:
            _paper().check_pixels(self.view.size)
            return
        rows = self.view.fit != "none" and not self.textbook
        for each in graphs:
            width, height = least_size(self._sketch(Panel(each)), self.view.direction, rows)
            _paper().check_size(width * self.view.scale, height * self.view.scale)

    def _legible(self) -> tuple[list[Graph], str]:
        """(graphs to draw, a remark if they were collapsed)."""
        shapes = self._shapes(self.graphs)
        if self.textbook:
            return self.graphs, ""
        grouped = any(node.group for graph in self.graphs for node in graph.nodes)
        if self.collapses and shapes > MANY_SHAPES and grouped:
            for level in ("neuron", "layer"):
                graphs = [zoom(graph, level, self.calls) for graph in self.graphs]
                fewer = self._shapes(graphs)
                if fewer <= MANY_SHAPES:
                    remark = f"{shapes} shapes were collapsed to {fewer}, by {level}"
                    return graphs, f"{remark}: choose another level (--level), or insist (--insist)"
        if shapes > MOST_SHAPES and not self.insist:
            raise LayoutError(
                f"{shapes} shapes are more than the {MOST_SHAPES} that can be laid out in seconds "
                "and read: save as .dot, .json or .txt, name groups to collapse, draw less, "
                "or insist (--insist)",
                "too large",
            )
        return self.graphs, ""

    def _shapes(self, graphs: Sequence[Graph]) -> int:
        return sum(drawn(graph, self.view.form) for graph in graphs)

    def _json(self) -> str:
        texts = [graph.to_json() for graph in self.graphs]
        return texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]\n"

    def save(self, path: str | os.PathLike[str], format: Format | None = None) -> None:
        """Writes the picture to `path`, in `format`, or in the format of the path's ending.

        The file is written completely or not at all.
        """
        write_whole(path, self.render(format or format_of(path)))

    def __repr__(self) -> str:
        from tinygrad_edu.draw import text  # late, so that an SVG comes fast

        view = replace(self.view, edges=self.view.edges or ())
        drawings = [text.text(graph, view, most=_MOST_LINES) for graph in self.graphs]
        return "\n".join(drawings).rstrip("\n")

    def mimebundle(self, plain: str) -> dict[str, str]:
        """The data for a notebook: SVG, and PNG of a small picture, which needs no trust to show.

        Or `plain` and the reason why there is no picture.
        """
        try:
            graphs, _ = self._legible()
            scene, _ = self._scene(graphs)
            drawn = fitting(self._svg(scene, graphs))
        except Exception as error:  # showing a cell must not fail
            return {"text/plain": f"{plain}\n({error})"}
        return {"image/svg+xml": drawn, **painted(scene, self.timeout), "text/plain": plain}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.mimebundle(repr(self))

    def _mime_(self) -> tuple[str, str]:
        return mime(self)


def painted(scene: Scene, timeout: float) -> dict[str, str]:
    """This returns a small scene as PNG for a notebook, in its size on the screen; {} if it cannot.

    An untrusted notebook shows no SVG.
    """
    if len(scene.boxes) > _MOST_PAINTED:
        return {}
    pixels = scene.width * 96 // 72, scene.height * 96 // 72
    try:
        data, _ = _paper().png(scene, timeout, pixels)
    except Exception:  # there is the SVG
        return {}
    from base64 import b64encode  # late, so that an SVG comes fast

    return {"image/png": b64encode(data).decode()}


def _paper() -> ModuleType:
    from tinygrad_edu.draw import paper  # late, so that an SVG comes fast

    return paper


def _textbook(graph: Graph, view: View) -> Sketch:
    from tinygrad_edu.draw.textbook import textbook  # late, so that an SVG comes fast

    return textbook(graph, view)


def _prefixes(count: int) -> list[str]:
    """What the names of each of several graphs in one picture begin with."""
    return [""] if count == 1 else [f"p{i}_" for i in range(count)]


def _parts(sketch: Sketch) -> list[str]:
    parts: list[Box | Link] = [*sketch.boxes, *sketch.links]
    return [part.name for part in parts]


def panels(graphs: Sequence[Graph]) -> list[Panel]:
    """One panel without a title, or two panels, before and after, with the changes marked."""
    if len(graphs) == 1:
        return [Panel(graphs[0])]
    before, after = graphs
    same = [n[:5] for n in before.nodes] == [n[:5] for n in after.nodes]  # all but the numbers
    return [Panel(before, TITLES[0]), Panel(after, TITLES[1], before if same else None)]


def draw(
    what: Value | Graph,
    *,
    before: Value | Graph | None = None,
    roles: Roles[K] | None = None,
    level: str | int | None = None,
    calls: Calls = "sequence",
    title: str | None = None,
    timeout: float = 20.0,
    insist: bool = False,
    highlight: Sequence[Value | str] = (),
    **view: Any,
) -> Picture:
    """The picture of a graph, or of the current graph of a Value.

    before: the same graph before an update, which is shown beside it. roles: see `graph`. level,
    calls: see `zoom`. title: the line above the picture, by default the formula of the output.
    timeout: the seconds that Graphviz may take. insist: do not collapse more than MANY_SHAPES
    shapes, and draw more than MOST_SHAPES. highlight: Values or names. The other options are those
    of a View: edges, hide, precision, direction, theme, form, fit, size, scale, legend, labels.
    """
    whole = _graph(what, roles)
    return Picture(
        whole,
        View(highlight=_names(highlight, what, whole), **view),
        level=level,
        calls=calls,
        before=None if before is None else _graph(before, roles),
        title=title,
        timeout=timeout,
        insist=insist,
    )


def _names(highlight: Any, what: Value | Graph, whole: Graph) -> Any:
    """The names to highlight, with the name of each Value; ViewError if it is not in the graph."""
    given = [highlight] if isinstance(highlight, Value) else highlight
    if isinstance(given, str) or isinstance(what, Graph):
        return given  # a View says what is wrong with it
    ids = {x: i for i, x in enumerate(topological_order(what))}
    for x in given:
        if isinstance(x, Value) and x not in ids:
            raise ViewError(f"{x!r} is not in this graph: highlight a node of the graph")
    return [whole.names[ids[x]] if isinstance(x, Value) else x for x in given]


def _graph(what: Value | Graph, roles: Roles[K] | None) -> Graph:
    return what if isinstance(what, Graph) else graph(what, roles=roles)


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format for the ending of a file name; FormatError if there is none."""
    # a name that ends in a slash is refused as a folder, not for its ending
    ending = os.path.splitext(os.fspath(path).rstrip(f"/{os.sep}"))[1].lower().removeprefix(".")
    if ending not in FORMATS:
        endings = ", ".join(f".{format}" for format in FORMATS)
        problem = f"unknown ending .{ending[:20]}" if ending else "the file name has no ending"
        raise FormatError(f"{problem}: choose {endings}")
    return ending
