"""Changes Graphviz' SVG for use in a page: adds a title and a description, and loads nothing."""

from __future__ import annotations

import re
from html import escape

from tinygrad_edu.draw import theme

__all__ = ["finished", "fitting"]

# Some readers load the DTD from the network; the comments only repeat the names of nodes.
_ASIDE = re.compile(r"<!DOCTYPE[^>]*>\s*|<!--.*?-->\s*", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')
_START = re.compile(r"<svg\b[^>]*>")


def finished(svg: bytes, title: str, description: str) -> bytes:
    """The SVG with a role, a title and a description, for people who cannot see it.

    These have no ids, because a page may show several pictures, and equal ids would mix them up.
    """
    text = _ASIDE.sub("", svg.decode())
    start = _START.search(text)
    if start is None:
        return svg
    said = "".join(
        f"<{tag}>{escape(theme.printable(words), quote=False)}</{tag}>\n"
        for tag, words in (("title", title), ("desc", description))
    )
    head = start[0][:-1] + ' role="img">'
    return f"{text[: start.start()]}{head}\n{said}{text[start.end() :].lstrip()}".encode()


def fitting(svg: str) -> str:
    """The SVG with a width that shrinks to the width of the page, so that nothing is cut off."""
    return _SIZE.sub(r'\1 width="100%" style="max-width: \2pt; height: auto"', svg, count=1)
