"""micrograd's `trace` and `draw_dot`, over this package's pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.compat.micrograd.engine import Ordered, Value, whole
from tinygrad_edu.files import write_whole

if TYPE_CHECKING:
    from tinygrad_edu.draw.picture import Picture
    from tinygrad_edu.drawable import Direction, Format

__all__ = ["Drawing", "draw_dot", "trace"]


def trace(root: Value) -> tuple[Ordered, Ordered]:
    """This returns two sets: the nodes from which `root` was computed, and the edges between them.

    An edge is a pair (operand, node).
    """
    nodes: dict[Any, None] = {}
    edges: dict[Any, None] = {}
    pending: list[Any] = [root]
    while pending:
        node = pending.pop()
        if node not in nodes:
            nodes[node] = None
            edges.update(dict.fromkeys((child, node) for child in node._prev))
            pending += reversed(list(node._prev))
    return Ordered(nodes), Ordered(edges)


def draw_dot(root: Value, format: Format = "svg", rankdir: Direction = "LR") -> Drawing:
    """This returns the picture of the graph of `root`: `draw_dot(y).render("y")`.

    format: "svg", "png", "pdf", "dot", "json" or "txt". rankdir: "LR" or "TB" (ViewError else).
    """
    from tinygrad_edu.draw.picture import Picture  # late, so that importing stays fast
    from tinygrad_edu.draw.view import View

    return Drawing(Picture(whole(graph(root)), View(direction=rankdir)), format)


class Drawing:
    """A picture with the interface of graphviz.Digraph: `source`, `format`, `render`, `pipe`."""

    def __init__(self, picture: Picture, format: Format) -> None:
        self.picture, self.format = picture, format

    @property
    def source(self) -> str:
        """The picture as DOT text."""
        return self.picture.dot

    def pipe(self, format: Format | None = None) -> bytes:
        """The picture as bytes; FormatError and LayoutError as from `Picture.render`."""
        return self.picture.render(format or self.format)

    def render(
        self,
        filename: str | os.PathLike[str] = "Digraph.gv",
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: Format | None = None,
    ) -> str:
        """Writes the picture to NAME.svg and its DOT text to NAME; returns the path of the picture.

        cleanup: writes no DOT text. view: shows the picture in the browser.
        """
        name = os.path.join(directory or "", filename)
        path = f"{name}.{format or self.format}"
        drawn = self.pipe(format)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if not cleanup:
            write_whole(name, self.source.encode("utf-8", "replace"))
        write_whole(path, drawn)
        if view:
            import webbrowser
            from pathlib import Path

            webbrowser.open(Path(path).absolute().as_uri())
        return path

    def __repr__(self) -> str:
        return repr(self.picture)

    def _repr_svg_(self) -> str | None:
        return self._repr_mimebundle_().get("image/svg+xml")  # None: a display must not fail

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.picture.mimebundle(repr(self))
