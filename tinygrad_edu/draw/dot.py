"""A picture as DOT text, the language of Graphviz, for other programs: the same every time.

The font is one that the Graphvizes of browsers know; a list of fonts they would measure as Times.
Labels are HTML-like, which Graphviz itself reads, or plain, for the other readers of DOT.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

from tinygrad_edu.draw import theme
from tinygrad_edu.draw.scene import Box, Line, Link, Sketch, Span
from tinygrad_edu.draw.view import View

__all__ = ["HEADS", "SHAPES", "dot", "marked"]

_FONT = "Helvetica"
_LONGEST = 15_000  # bytes of a label; Graphviz reads at most 16,384
_AMPERSAND = partial(re.compile(r"&(?=#?\w+;)").sub, "&amp;")  # that begins an entity
SHAPES = {
    "box": {"shape": "box", "style": "filled"},
    "round": {"shape": "box", "style": "rounded,filled"},
    "octagon": {"shape": "octagon", "style": "filled"},
    "stack": {"shape": "box3d", "style": "filled"},
    "circle": {"shape": "circle", "style": "filled", "margin": "0.02"},
    "oval": {"shape": "ellipse", "style": "filled"},
}
HEADS = {"full": "normal", "hollow": "empty", "ring": "odot", "square": "box", "": "none"}


def dot(sketches: Sequence[tuple[Sketch, str]], view: View) -> str:
    """This returns the DOT text of sketches, each with its title, in a cluster if it has one."""
    colors = view.colors
    import graphviz  # late, so that an SVG comes fast

    digraph = graphviz.Digraph(
        "tinygrad_edu",
        graph_attr={
            "rankdir": view.direction,
            "bgcolor": colors.paper,
            "ordering": "in",
            "nodesep": "0.3",
            "ranksep": "0.4",
            "fontname": _FONT,
            "fontsize": str(theme.NUMBER),
            "fontcolor": colors.ink,
        },
        node_attr={"fontname": _FONT, "fontsize": str(theme.NUMBER), "fontcolor": colors.ink},
        edge_attr={"fontname": _FONT, "fontsize": str(theme.NUMBER), "fontcolor": colors.quiet},
    )
    for i, (sketch, title) in enumerate(sketches):
        if not title:
            _add(digraph, sketch, view)
            continue
        with digraph.subgraph(name=f"cluster_{i}") as cluster:
            label = _text(title) if view.labels == "plain" else f"<<B>{_text(title)}</B>>"
            cluster.attr(label=label, color=colors.line, style="rounded", margin="12")
            _add(cluster, sketch, view)
    return str(digraph.source)


def _add(digraph: Any, sketch: Sketch, view: View) -> None:
    written = _plain if view.labels == "plain" else _table
    for box in sketch.boxes:
        digraph.node(box.name, written(box.lines), **_box(box))
    for link in sketch.links:
        label = {"label": written(link.label)} if link.label else {}
        digraph.edge(link.tail, link.head, **label, **_link(link))


def _box(box: Box) -> dict[str, str]:
    look = {"id": box.name, **SHAPES[box.shape], "color": box.color, "fillcolor": box.fill}
    if box.dash:  # an outline of the same shape, without its fill
        look["style"] = look["style"].replace("filled", box.dash)
    if box.pen != 1:
        look["penwidth"] = f"{box.pen:g}"
    if box.double:
        look["peripheries"] = "2"
    return look | {"class": box.kind, "tooltip": _text(box.tooltip)}


def _link(link: Link) -> dict[str, str]:
    look = {"id": link.name, "tooltip": _text(link.tooltip), "class": link.kind}
    look["color"] = f"{link.color}:{link.color}" if link.double else link.color
    look["penwidth"] = f"{link.pen:g}"
    look["arrowhead"] = HEADS[link.arrow]
    if link.arrow == "hollow":  # a thick outline must not fill the hollow head
        look["arrowsize"] = f"{max(1, link.pen / 2.6):.2f}"
    return look | ({"style": link.dash} if link.dash else {})


def _table(lines: Sequence[Line]) -> str:
    cells = "".join(f"<TR><TD>{''.join(map(marked, line))}</TD></TR>" for line in lines)
    return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>' if cells else ""


def _plain(lines: Sequence[Line]) -> str:
    """The text of each line, escaped as little as possible: other programs decode nothing."""
    import graphviz

    said = ("".join(span.text for span in line) for line in lines)
    written: str = graphviz.nohtml("\\n".join(_text(line, _AMPERSAND) for line in said))
    return written


def marked(span: Span) -> str:
    """This returns the text in its size and colour, as an HTML-like label of Graphviz."""
    text = _text(span.text)
    text = f"<B>{text}</B>" if span.bold else text
    return f'<FONT POINT-SIZE="{span.size}" COLOR="{span.color}">{text}</FONT>'


def _text(text: str, escaped: Callable[[str], str] = escape) -> str:
    """The text, escaped so that Graphviz shows it: it decodes &amp; and expands \\N and \\G."""
    written = escaped(theme.printable(text)).replace("\\", "\\\\")
    if len(written.encode("utf-8", "replace")) <= _LONGEST:
        return written
    return _text(text[: _LONGEST // 8] + "...", escaped)  # no character has more than 6 bytes
