"""A scene as SVG, which shows the same in every viewer and survives in a web page.

Every text is centred on its place and has room for the widest font of the list, so that no viewer's
font can push it out of its box. The first tag stands on one line, and signs that Markdown reads are
written as numbers: so the picture can be pasted into a page. Nothing is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import hypot

from tinygrad_edu.draw import theme
from tinygrad_edu.draw.measure import ASCENT, DESCENT, width
from tinygrad_edu.draw.placement import Point
from tinygrad_edu.draw.scene import (
    SHADE,
    Box,
    Frame,
    Line,
    Link,
    Place,
    Placed,
    Scene,
    Span,
    stacked,
)
from tinygrad_edu.draw.theme import printable

__all__ = ["arrow", "box", "document", "escaped", "fitting", "frame", "link", "svg", "text"]

HEAD = 10.0  # the length of an arrow head on a thin line, in points
LONGEST_HEAD = 13.0  # a little less than the shortest piece of a link
_WIDE = 800  # nearly the width of a cell in JupyterLab
_LEAST = 320  # pixels of a picture that is made to fit
# Signs with a meaning in XML, Markdown, its extensions, or the templates of web sites.
_SIGNS = {ord(c): f"&#{ord(c)};" for c in "&<>\"'*_`[]\\~^$|:{}#!@="}


@lru_cache(maxsize=1 << 12)  # captions and numbers come again and again
def escaped(words: str) -> str:
    """This returns the text for SVG, without signs that a program on its way could read."""
    return printable(words).translate(_SIGNS)


def svg(
    scene: Scene,
    title: str,
    description: str,
    size: tuple[int, int] | None = None,
    scale: float = 1.0,
) -> str:
    """This returns the picture as SVG text.

    title, description: for people who cannot see it. size: width and height in pixels. scale: how
    much larger it is than it was drawn, if there is no size.
    """
    parts = [
        *map(frame, scene.frames),
        *map(link, scene.links),
        *(box(x, place) for x, place in scene.boxes),
        *(text(line, place) for line, place in (*scene.notes, *scene.captions)),
    ]
    return document(scene, parts, title, description, size, scale)


def document(
    scene: Scene,
    parts: Sequence[str],
    title: str,
    description: str,
    size: tuple[int, int] | None = None,
    scale: float = 1.0,
    role: str = "img",
) -> str:
    """This returns the SVG of parts that are already written, on the paper of the scene.

    role: what it is for people who cannot see it.
    """
    left, top, width, height = 0, 0, scene.width, scene.height
    if size is None:
        across, down = (f"{_number(x * scale)}pt" for x in (width, height))
    else:  # as much paper around it as the sides ask for
        across, down = map(str, size)
        width = max(width, round(height * size[0] / size[1]))
        height = max(height, round(width * size[1] / size[0]))
        left, top = (scene.width - width) // 2, (scene.height - height) // 2
    # In small letters, which browsers read all the same: CairoSVG knows the word in mixed letters
    # alone, and garbles all text then (findings/cairosvg-precise-text.sh).
    first = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{across}" height="{down}" '
        f'viewBox="{left} {top} {width} {height}" role="{role}" text-anchor="middle" '
        f'font-family="{theme.FONT}" stroke-linejoin="round" '
        'text-rendering="geometricprecision">'
    )
    said = f"<title>{escaped(title)}</title>\n<desc>{escaped(description)}</desc>"
    at = f'x="{left}" y="{top}" ' if left or top else ""
    paper = f'<rect {at}width="{width}" height="{height}" fill="{scene.paper}"/>'
    return "\n".join([first, said, paper, *parts, "</svg>\n"])


def fitting(drawn: str) -> str:
    """This returns the SVG for a page, such as a notebook: in its own size, but not wider.

    JupyterLab and nbconvert show it as an image, which takes its size from the first tag alone. So
    a wide one, more than _WIDE pixels, asks for the width that there is.
    """
    start, _, rest = drawn.partition(' width="')
    across, _, rest = rest.partition('" height="')
    down, _, rest = rest.partition('"')
    pixels = float(across.removesuffix("pt")) * (96 / 72 if across.endswith("pt") else 1)
    # in a list of marimo, there is no width to fit into
    look = f"min-width: {min(pixels, _LEAST):.0f}px; height: auto"
    if pixels > _WIDE:
        return f'{start} width="100%" style="max-width: {across}; {look}"{rest}'
    return f'{start} width="{across}" height="{down}" style="max-width: 100%; {look}"{rest}'


def frame(frame: Frame) -> str:
    """This returns a frame and its title."""
    rect = _rect(frame.place, 12, f'fill="none" stroke="{frame.color}"')
    return f"<g>{rect}{text(frame.title, frame.title_place)}</g>"


def box(box: Box, place: Place, attributes: str = "") -> str:
    """This returns a box with its text. attributes: more of them for its group."""
    ink = f'stroke="{box.color}"{_pen(box.pen)}{_dash(box.dash, box.pen)}'
    shapes = _outline(box, place, f'fill="{box.fill}" {ink}')
    if box.double:
        inner = place._replace(width=place.width - 8, height=place.height - 8)
        shapes = _outline(box, place, f'fill="{box.fill}" {ink}')
        shapes += _outline(box, inner, f'fill="none" {ink}')
    return _group(box, "node", attributes, shapes + lines(box.lines, box.inner(place)))


def _outline(box: Box, place: Place, paint: str) -> str:
    x, y, width, height = place
    left, top, right, bottom = x - width // 2, y - height // 2, x + width // 2, y + height // 2
    if box.shape == "circle":
        return f'<circle cx="{x}" cy="{y}" r="{width // 2}" {paint}/>'
    if box.shape == "oval":
        return f'<ellipse cx="{x}" cy="{y}" rx="{width // 2}" ry="{height // 2}" {paint}/>'
    if box.shape == "octagon":
        c = 8  # the corner that is cut off
        points = [
            (left + c, top), (right - c, top), (right, top + c), (right, bottom - c),
            (right - c, bottom), (left + c, bottom), (left, bottom - c), (left, top + c),
        ]  # fmt: skip
        return f'<polygon points="{_points(points)}" {paint}/>'
    if box.shape == "stack":
        s = SHADE
        behind = [
            (left, top + s), (left + s, top), (right, top), (right, bottom - s),
            (right - s, bottom), (left, bottom),
        ]  # fmt: skip
        edges = f"M{left} {top + s}H{right - s}V{bottom}M{right - s} {top + s}L{right} {top}"
        paint_of_edges = paint.replace(f'fill="{box.fill}"', 'fill="none"')
        return f'<polygon points="{_points(behind)}" {paint}/><path d="{edges}" {paint_of_edges}/>'
    return _rect(place, 14 if box.shape == "round" else 0, paint)


def _rect(place: Place, corner: int, paint: str) -> str:
    x, y, width, height = place
    rx = f' rx="{corner}"' if corner else ""
    return (
        f'<rect x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}"{rx} '
        f"{paint}/>"
    )


def link(placed: Placed, attributes: str = "") -> str:
    """This returns a link: its line, its arrow heads and its text."""
    link = placed.link
    curves, base, tip, head = arrow(placed)
    fill, ink = ' fill="none"', f' stroke="{link.color}"'
    if link.live and not link.label:  # thousands of links, whose parts look alike
        attributes, fill, ink = f"{attributes}{fill}{ink}", "", ""
    path = "".join(map(_curve, curves))
    named = ' class="line"' if link.live else ""
    line = f'<path{named} d="{path}"{fill}{ink}{_pen(link.pen)}{_dash(link.dash, link.pen)}/>'
    if link.double:  # two thin lines: an outline around the line, without caps
        outer = f'<path d="{path}"{fill}{ink}{_pen(link.pen + 4)}/>'
        inner = f'<path d="{path}"{fill} stroke="{link.paper}"{_pen(link.pen + 1.4)}/>'
        line = outer + inner
    heads = ""
    if tip:
        if link.arrow in ("full", "square"):
            fill = f' fill="{link.color}"'
        named, pen, outline = "", _pen(1.5), _head(link.arrow, base, tip, head)
        if link.live:  # in units of its length: a page changes the outline, and not its place
            dx, dy = tip[0] - base[0], tip[1] - base[1]
            matrix = " ".join(map(_number, (dx, dy, -dy, dx, *base)))
            named = f' class="head" transform="matrix({matrix})"'
            pen = f' stroke-width="{1.5 / (hypot(dx, dy) or 1):.3f}"'
            outline = _head(link.arrow, (0, 0), (1, 0), 1)
        heads = f'<path{named} d="{outline}"{fill}{ink}{pen}/>'
    said = lines(link.label, placed.text) if placed.text else ""
    return _group(link, "edge", attributes, line + heads + said)


_Float = tuple[float, float]


def arrow(placed: Placed) -> tuple[list[list[_Float]], _Float, _Float | None, float]:
    """This returns the curves of a link up to its head, and the base, the tip and the length of it.

    The tip is None where the link has no head.
    """
    link = placed.link
    head = min(HEAD * max(1.0, link.pen / 2.6), LONGEST_HEAD)
    curves: list[list[_Float]] = [[*curve] for curve in placed.curves]
    end = curves[-1][-1]
    if not link.arrow:
        return curves, end, None, head
    if link.back:
        end = curves[0][0]
        curves[0] = _shorter(curves[0][::-1], head)[::-1]
        return curves, curves[0][0], end, head
    curves[-1] = _shorter(curves[-1], head)
    return curves, curves[-1][-1], end, head


def _shorter(curve: list[_Float], length: float) -> list[_Float]:
    """The curve without its last part, of that length: up to the base of an arrow head."""
    x, y = curve[-1]
    i = len(curve) - 2
    while i > 0 and _far(curve[i], curve[-1]) < length:
        i -= 1
    far = _far(curve[i], (x, y)) or 1.0
    dx, dy = (x - curve[i][0]) / far, (y - curve[i][1]) / far
    base = (x - dx * length, y - dy * length)
    whole = i - i % 3  # the piece that ends in the head begins here
    piece = curve[whole:]
    near = (base[0] - dx, base[1] - dy)
    if len(piece) < 4 or far < length:
        return [*curve[:-3], near, near, base] if far >= length else [near, near, near, base]
    second = piece[1] if _far(piece[1], (x, y)) >= length else near
    third = piece[2] if _far(piece[2], (x, y)) >= length else near
    return [*curve[: whole + 1], second, third, base]


def _far(a: _Float, b: _Float) -> float:
    return float(((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2) ** 0.5)


def _curve(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    told = " ".join([f"{_number(a)} {_number(b)}" for a, b in rest])
    return f"M{_number(x)} {_number(y)}C{told}"


def _head(kind: str, base: _Float, tip: _Float, length: float) -> str:
    """The outline of an arrow head from its base to its tip."""
    (bx, by), (x, y) = base, tip
    dx, dy = (x - bx) / length, (y - by) / length
    half = length * 0.4
    if kind == "ring":
        r = _number(length / 2)
        cx, cy = (x + bx) / 2 - length / 2, (y + by) / 2
        whole = _number(length)
        return f"M{_number(cx)} {_number(cy)}a{r} {r} 0 1 0 {whole} 0a{r} {r} 0 1 0 -{whole} 0z"
    left, right = (bx - dy * half, by + dx * half), (bx + dy * half, by - dx * half)
    corners = [left, (x, y), right]
    if kind == "square":
        corners = [left, (x - dy * half, y + dx * half), (x + dy * half, y - dx * half), right]
    return "M" + "L".join(f"{_number(a)} {_number(b)}" for a, b in corners) + "z"


def lines(said: Sequence[Line], place: Place) -> str:
    """This returns lines of text, one below the other, in the middle of their place."""
    return "".join([text(line, place, y) for line, y in stacked(said, place)])


def text(line: Line, place: Place, y: float | None = None) -> str:
    """This returns a line of text.

    A single span is centred on its place. Where two meet, a caption ends and its number begins, so
    that they stay together in a narrow font.
    """
    middle = place.y if y is None else y
    largest = max([span.size for span in line])
    # the baseline, such that the letters have the same room above and below
    base = round(middle + largest * (ASCENT - DESCENT) / 2)
    if len(line) == 1:
        return _span(line[0], place.x, base)
    # In a narrow font the longer part has more room to spare: a step towards it keeps the middle.
    rooms = [width(span.text, span.size, span.bold) for span in line]
    x = place.x - sum(rooms) / 2 + max(-4.0, min(4.0, 0.03 * (rooms[-1] - rooms[0])))
    written = []
    for i, (span, room) in enumerate(zip(line, rooms)):
        blank = width(" ", span.size, span.bold)
        if i == 0:
            gap = blank if span.text.endswith(" ") else 0.0
            written.append(_span(span, round(x + room - gap), base, "end"))
        else:
            gap = blank if span.text.startswith(" ") else 0.0
            written.append(_span(span, round(x + gap), base, "start"))
        x += room
    return "".join(written)


def _span(span: Span, x: int, y: int, anchor: str = "") -> str:
    bold = ' font-weight="bold"' if span.bold else ""
    at = f' text-anchor="{anchor}"' if anchor else ""
    look = f'font-size="{span.size}" fill="{span.color}"{bold}{at}'
    slot = f' data-slot="{span.slot}"' if span.slot else ""
    return f'<text{slot} x="{x}" y="{y}" {look}>{escaped(span.text.strip())}</text>'


def _group(part: Box | Link, what: str, attributes: str, inside: str) -> str:
    title = f"<title>{escaped(part.tooltip)}</title>" if part.tooltip else ""
    name = f' id="{part.name}"' if part.name else ""
    kind = f"{what} {part.kind}".rstrip()
    return f'<g{name} class="{kind}"{attributes}>{title}{inside}</g>'


def _pen(width: float) -> str:
    return "" if width == 1 else f' stroke-width="{_number(width)}"'


def _dash(dash: str, pen: float) -> str:
    if not dash:
        return ""
    lengths = (7, 4) if dash == "dashed" else (1.5, 4)
    more = pen * 0.8
    return f' stroke-dasharray="{_number(lengths[0] + more)} {_number(lengths[1] + more)}"'


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _number(x: float) -> str:
    """A coordinate with at most one decimal."""
    whole = int(x)
    if whole == x:  # nearly always, and much faster
        return str(whole)
    text = f"{x:.1f}"
    return text[:-2] if text.endswith(".0") else text
