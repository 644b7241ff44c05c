"""Graphviz' SVG made fit for a page: it says what it shows, and asks for nothing from outside."""

from __future__ import annotations

import re
from html import escape

from tinygrad_edu.draw import theme

__all__ = ["finished", "fitting"]

# The DTD is fetched by some readers; comments repeat the names of nodes.
_ASIDE = re.compile(r"<!DOCTYPE[^>]*>\s*|<!--.*?-->\s*", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')
_START = re.compile(r"<svg\b[^>]*>")


def finished(svg: bytes, title: str, description: str) -> bytes:
    """The SVG with a role, a title and a description, for those who do not see it.

    They have no ids: pages show several pictures, and would mix up who is described by what.
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
    """The SVG as wide as the page where it is wider than that, and never cut off."""
    return _SIZE.sub(r'\1 width="100%" style="max-width: \2pt; height: auto"', svg, count=1)
