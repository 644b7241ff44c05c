"""A scene as PNG and PDF: Graphviz paints what is already placed, in the fonts of this machine.

Each line of text is a shapeless node in the middle of its place. A PNG says its resolution, so that
slides and documents show the drawing in its real size; a PDF is as large as the drawing, has a
title, and no date, so that two runs give the same bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from zlib import crc32

from tinygrad_edu.draw import theme
from tinygrad_edu.draw.dot import HEADS, SHAPES, marked
from tinygrad_edu.draw.layout import LayoutError, layout
from tinygrad_edu.draw.scene import Box, Line, Place, Placed, Scene, stacked
from tinygrad_edu.draw.svg import arrow

__all__ = ["LEGIBLE_DPI", "PNG_DPI", "check_pixels", "check_size", "pdf", "png"]

PNG_DPI = 144.0  # crisp on a slide
LEGIBLE_DPI = 36.0  # numbers of 22 points are 11 pixels high
MOST_PIXELS = 40_000_000  # need 160 MB of memory
MOST_PIXELS_A_SIDE = 32_000  # Cairo shrinks a picture with a side above 32767, without a message
_DATE = re.compile(rb"/CreationDate \(([^)]*)\)")
_TRAILER = re.compile(
    rb"trailer\s*<< /Size (\d+)\s+/Root (\d+ \d+ R)\s+/Info (\d+) 0 R\s*>>\s*startxref\s*(\d+)"
)


def check_size(width: float, height: float) -> float:
    """This returns the resolution, in dots per inch, of a PNG of so many points.

    It is PNG_DPI, or less for a large picture; LayoutError below LEGIBLE_DPI.
    """
    by_area = 72 * math.sqrt(MOST_PIXELS / (width * height))
    by_side = 72 * MOST_PIXELS_A_SIDE / max(width, height)
    dpi = min(PNG_DPI, math.floor(min(by_area, by_side)))
    if dpi < LEGIBLE_DPI:
        points = f"{width:.0f} x {height:.0f} points"
        problem = f"{points} are too large for a legible png; draw less, or save as .svg or .pdf"
        raise LayoutError(problem, "too large")
    return dpi


def check_pixels(size: tuple[int, int] | None) -> None:
    """LayoutError if a PNG of this size needs too much memory."""
    if size and size[0] * size[1] > MOST_PIXELS:
        pixels = f"{size[0]}x{size[1]}"
        problem = f"{pixels} are more than the {MOST_PIXELS:,} pixels that a png can have here"
        raise LayoutError(f"{problem}: choose a smaller size, or save as .svg or .pdf", "too large")


def png(
    scene: Scene, timeout: float, size: tuple[int, int] | None = None, scale: float = 1.0
) -> tuple[bytes, str]:
    """This returns the picture as PNG, and a remark if its resolution is not PNG_DPI.

    size: its width and height in pixels. LayoutError if it is too large to be read.
    """
    check_pixels(size)
    if size:  # pixels mean 96 to an inch, as in a web page
        dpi, zoom, note = 96.0, _zoom(scene, size), ""
    else:
        dpi = check_size(scene.width * scale, scene.height * scale)
        zoom = scale * dpi / 72
        size = round(scene.width * zoom), round(scene.height * zoom)
        note = "" if dpi == PNG_DPI else _scaled(scene, scale, dpi)
    return _with_resolution(layout(_dot(scene, size, zoom), "png", timeout, placed=True), dpi), note


def _scaled(scene: Scene, scale: float, dpi: float) -> str:
    points = f"{scene.width * scale:.0f} x {scene.height * scale:.0f} points"
    told = f"drawn at {dpi:g} dpi, not {PNG_DPI:g}, because it measures {points}"
    return f"{told}; svg and pdf are sharp"


def _zoom(scene: Scene, page: tuple[float, float]) -> float:
    """How many times larger the scene is if it fills a page."""
    return min(page[0] / scene.width, page[1] / scene.height)


def _with_resolution(data: bytes, dpi: float) -> bytes:
    """The PNG with a pHYs chunk, right after its header: pixels for each metre."""
    per_metre = round(dpi / 0.0254).to_bytes(4, "big")
    body = b"pHYs" + per_metre * 2 + b"\1"
    chunk = (9).to_bytes(4, "big") + body + crc32(body).to_bytes(4, "big")
    start = data.index(b"IHDR") + 4 + 13 + 4
    return data[:start] + chunk + data[start:]


def pdf(
    scene: Scene,
    title: str,
    timeout: float,
    size: tuple[int, int] | None = None,
    scale: float = 1.0,
) -> bytes:
    """This returns the picture as PDF: a page as large as the drawing, with a title.

    size: the width and the height of the page in pixels, 96 to an inch.
    """
    page = (scene.width * scale, scene.height * scale)
    if size:
        page = (size[0] * 0.75, size[1] * 0.75)  # points
        scale = _zoom(scene, page)
    data = layout(_dot(scene, page, scale), "pdf", timeout, placed=True)
    data = _DATE.sub(_undated, data)
    found = _TRAILER.search(data, data.rfind(b"trailer"))
    if found is None:  # a Cairo that writes its tables in another way: the picture is right
        return data
    count, root, info, before = (x.decode() for x in found.groups())
    text = ("\ufeff" + theme.printable(title)).encode("utf-16-be").hex()
    start = len(data)
    added = f"{info} 0 obj\n<< /Title <{text}> /Producer (cairo) >>\nendobj\n"
    table = start + len(added)
    added += f"xref\n0 1\n0000000000 65535 f \n{info} 1\n{start:010} 00000 n \n"
    added += f"trailer\n<< /Size {count} /Root {root} /Info {info} 0 R /Prev {before} >>\n"
    added += f"startxref\n{table}\n%%EOF\n"
    return data + added.encode()


def _undated(found: re.Match[bytes]) -> bytes:
    return found[0].replace(found[1], b"D:20000101000000Z".ljust(len(found[1]))[: len(found[1])])


def _dot(scene: Scene, page: tuple[float, float], zoom: float) -> str:
    """The scene as DOT text in which everything is placed, in the middle of a page.

    page: its width and height in pixels of a PNG, in points of a PDF. zoom: how many times larger
    than in the scene everything is.
    """
    middle = f"{scene.width / 2},{scene.height / 2}"
    import graphviz  # late, so that an SVG comes fast

    digraph = graphviz.Digraph(
        graph_attr={
            "bgcolor": scene.paper,
            "margin": "0",
            "pad": "0",
            "dpi": "72",
            "notranslate": "true",
            "viewport": f"{page[0]:.2f},{page[1]:.2f},{zoom:.9g},{middle}",
        },
        node_attr={"fontname": theme.FONT, "label": "", "fixedsize": "true"},
        edge_attr={"arrowtail": "normal"},
    )
    digraph.node("corner", shape="none", width="0", height="0", pos="0,0")
    for i, frame in enumerate(scene.frames):
        look = {"shape": "box", "style": "rounded", "color": frame.color}
        digraph.node(f"frame{i}", **look, **_place(scene, frame.place))
    for link in scene.links:
        for attributes in _pieces(scene, link):
            digraph.edge("corner", "corner", **attributes)
    for box, place in scene.boxes:
        if box.double:  # Graphviz draws the second outline around the first
            place = place._replace(width=place.width - 8, height=place.height - 8)
        digraph.node(f"box_{box.name}", **_look(box), **_place(scene, place))
    texts = [text for text in _texts(scene) if text[0]]
    for i, (line, x, y) in enumerate(texts):
        label = "".join(map(marked, line))
        at = {"pos": _at(scene, x, y), "width": "0.01", "height": "0.01", "fixedsize": "shape"}
        digraph.node(f"text{i}", f"<{label}>", shape="none", **at)
    return str(digraph.source)


def _look(box: Box) -> dict[str, str]:
    look = {**SHAPES[box.shape], "color": box.color, "fillcolor": box.fill}
    if box.dash:
        look["style"] += f",{box.dash}"
    return look | {"penwidth": f"{box.pen:g}", "peripheries": "2" if box.double else "1"}


def _place(scene: Scene, place: Place) -> dict[str, str]:
    x, y, width, height = place
    size = {"width": f"{width / 72:.6f}", "height": f"{height / 72:.6f}"}
    return {"pos": _at(scene, x, y), **size}


def _at(scene: Scene, x: float, y: float) -> str:
    return f"{x:g},{scene.height - y:g}"


def _pieces(scene: Scene, placed: Placed) -> Iterator[dict[str, str]]:
    """Yields the attributes of each piece of a link, and of its heads, which have thin outlines."""
    link = placed.link
    color = f"{link.color}:{link.color}" if link.double else link.color
    look = {"color": color, "penwidth": f"{link.pen:g}", "style": link.dash or "solid"}
    curves, base, tip, length = arrow(placed)
    for curve in curves:
        points = " ".join(_at(scene, x, y) for x, y in curve)
        yield {"pos": points, "dir": "none", **look}
    if tip:
        at = " ".join([_at(scene, *base)] * 4)
        look = {"color": link.color, "arrowsize": f"{length / 10:g}", "penwidth": "1.5"}
        yield {"pos": f"e,{_at(scene, *tip)} {at}", "arrowhead": HEADS[link.arrow], **look}


def _texts(scene: Scene) -> Iterator[tuple[Line, float, float]]:
    for frame in scene.frames:
        place = frame.title_place
        yield frame.title, place.x, place.y
    for box, place in scene.boxes:
        place = box.inner(place)
        yield from ((line, place.x, y) for line, y in stacked(box.lines, place))
    for link, _, place_of in scene.links:
        if place_of:
            yield from ((line, place_of.x, y) for line, y in stacked(link.label, place_of))
    for line, place in (*scene.notes, *scene.captions):
        yield line, place.x, place.y
