"""The events of both passes as pictures: one for each event, and one SVG that plays them.

All pictures have the same layout, made for the widest numbers, so that nothing jumps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from os import cpu_count
from textwrap import wrap
from typing import Any
from zlib import crc32

from tinygrad_edu.analysis.trace import Trace
from tinygrad_edu.draw.dot import Moment, Panel, Placement, dot
from tinygrad_edu.draw.layout import LayoutError, layout
from tinygrad_edu.draw.svg import finished, fitting
from tinygrad_edu.draw.theme import LABEL_SIZE, printable
from tinygrad_edu.draw.view import View
from tinygrad_edu.errors import ViewError

__all__ = ["DEFAULT", "MOST_EVENTS", "SECONDS", "animated", "files", "film", "frames"]

DEFAULT = View()
MOST_EVENTS = 300
SECONDS = 2.5  # for each picture of the animation

_WIDTH = 720.0  # least width in points: captions need space
_LETTER = 0.56 * LABEL_SIZE  # a little more than the average width of a letter, in points
_LINE = 1.3 * LABEL_SIZE

_BODY = re.compile(r"(<polygon [^>]*/>\n)(.*)(</g>\s*</svg>)", re.DOTALL)
_ID = re.compile(r'<g id="([^"]+)"')


def frames(
    steps: Trace, view: View, format: str = "svg", *, timeout: float = 20.0, insist: bool = False
) -> list[bytes]:
    """A picture for each event, in order, as svg, png or pdf.

    timeout: the seconds for each picture. LayoutError for more than MOST_EVENTS events, unless
    `insist` is on. ViewError if the view hides or highlights something: the steps show every
    number, and highlight the current event.
    """
    if view.hide or view.highlight:
        raise ViewError("steps show every number and highlight each event: drop hide and highlight")
    if len(steps) > MOST_EVENTS and not insist:
        problem = f"{len(steps)} events are more than the {MOST_EVENTS} that people can watch"
        raise LayoutError(f"{problem}: draw less, or insist (--insist)", "too large")
    captions = [steps.line(event) for event in steps]
    moments = list(_moments(steps))
    panel = [Panel(steps.graph)]
    widest = dot(panel, view, _widest(steps, moments, view))
    placement, letters = _placement(layout(widest, "json0", timeout).data, captions)

    def frame(numbered: tuple[Moment, str]) -> bytes:
        moment, caption = numbered
        text = dot(panel, view, moment, placement, wrap(caption, letters))
        data = layout(text, format, timeout, placed=True).data
        return finished(data, caption, caption) if format == "svg" else data

    with ThreadPoolExecutor(cpu_count()) as pool:
        return list(pool.map(frame, zip(moments, captions)))


def _moments(steps: Trace) -> Iterator[Moment]:
    """The Moment after each event: the numbers that are known."""
    nodes = steps.graph.nodes
    data = {node.id for node in nodes if not node.op}
    grads: dict[int, float] = {}
    passed: set[tuple[int, int]] = set()
    told = {event.node for event in steps if event.running is not None}
    arrive = {(e.passing.target, e.passing.operand) for e in steps if e.passing is not None}
    for event in steps:
        now = {f"n{event.node}"}
        if event.phase == "forward":
            data.add(event.node)
            uses = enumerate(nodes[event.node].args)
            now |= {f"e{source}_{event.node}_{operand}" for operand, source in uses}
            now.add(f"op{event.node}")
        elif event.running is not None:
            if event.passing is None:  # nodes that masks keep out have the gradient 0 at once
                grads = {node.id: 0.0 for node in nodes if node.id not in told}
                edges = ((n.id, operand) for n in nodes for operand in range(len(n.args)))
                passed = {edge for edge in edges if edge not in arrive}
            grads[event.node] = event.running
            if event.passing is not None:
                p = event.passing
                passed.add((p.target, p.operand))
                now |= {f"e{p.source}_{p.target}_{p.operand}", f"op{p.target}"}
        yield Moment(frozenset(data), dict(grads), frozenset(passed), frozenset(now))


def _widest(steps: Trace, moments: Sequence[Moment], view: View) -> Moment:
    """An artificial Moment: all numbers are known, and each gradient has its most letters."""
    grads: dict[int, float] = {}
    for moment in moments:
        for node, grad in moment.grads.items():
            if node not in grads or len(view.number(grad)) > len(view.number(grads[node])):
                grads[node] = grad
    data = frozenset(node.id for node in steps.graph.nodes)
    return Moment(data, grads, moments[-1].passed, frozenset())


def _placement(laid_out: bytes, captions: Sequence[str]) -> tuple[Placement, int]:
    """(positions of all parts, number of letters in a line of the caption)."""
    drawing = json.loads(laid_out)
    placement = {}
    for thing in drawing.get("objects", []):
        size = {name: thing[name] for name in ("pos", "width", "height")}
        placement[thing["id"]] = {**size, "fixedsize": "true"}
    for thing in drawing.get("edges", []):
        places = ("pos", "lp", "head_lp")
        placement[thing["id"]] = {name: thing[name] for name in places if name in thing}
    left, bottom, right, top = map(float, drawing["bb"].split(","))
    width, middle = max(right - left, _WIDTH), (left + right) / 2
    letters = int(width / _LETTER)
    height = _LINE * max(len(wrap(caption, letters)) for caption in captions)
    placement["corner0"] = {"pos": f"{middle - width / 2},{bottom - height - _LINE}"}
    placement["corner1"] = {"pos": f"{middle + width / 2},{top}"}
    placement["caption"] = {
        "pos": f"{middle},{bottom - height / 2 - _LINE / 2}",
        "width": f"{width / 72:.4f}",
        "height": f"{height / 72:.4f}",
        "fixedsize": "true",
    }
    return placement, letters


def animated(pictures: Sequence[bytes], steps: Trace) -> bytes:
    """SVG frames with the same layout, as one SVG that plays for ever, without a script.

    A part that is the same in several frames is written once. For readers who prefer less motion
    (`prefers-reduced-motion`), it does not play and shows the last frame.
    """
    texts = [picture.decode() for picture in pictures]
    count = len(texts)
    bodies = [match for text in texts if (match := _BODY.search(text))]
    if len(bodies) < count:
        raise LayoutError("Graphviz' SVG is not as expected: save the steps one by one")
    runs: dict[str, list[tuple[int, int, str]]] = {}  # by id: (first frame, end, drawing)
    for i, match in enumerate(bodies):
        for ident, drawn in _elements(match[2]):
            kept = runs.setdefault(ident, [])
            start = kept.pop()[0] if kept and kept[-1][2] == drawn else i
            kept.append((start, i + 1, drawn))
    name = f"f{crc32(b''.join(pictures)):x}"  # a page may show another film
    spans = sorted({(start, end) for kept in runs.values() for start, end, _ in kept})
    body = "".join(
        drawn if (start, end) == (0, count) else f'<g class="{name}-{start}-{end}">\n{drawn}</g>\n'
        for kept in runs.values()
        for start, end, drawn in kept
    )
    style = _style(name, [span for span in spans if span != (0, count)], count)
    match = bodies[-1]
    text = f"{texts[-1][: match.start()]}{style}{match[1]}{body}{match[3]}\n"
    title, told = "The forward and the backward pass, step by step", ". ".join(steps.lines())
    said = f"<title>{title}</title>\n<desc>{escape(printable(told), quote=False)}"
    return re.sub(r"<title>.*?</title>\n<desc>[^<]*", lambda _: said, text, count=1).encode()


def _elements(body: str) -> Iterator[tuple[str, str]]:
    """Yields (id, text) for each node and edge: a group of lines, which may contain groups."""
    lines: list[str] = []
    depth = 0
    for line in body.splitlines(keepends=True):
        lines.append(line)
        depth += line.count("<g ") - line.count("</g>")
        if depth == 0:
            drawn = "".join(lines)
            if match := _ID.match(drawn):
                yield match[1], drawn
            lines = []


def _style(film: str, spans: Sequence[tuple[int, int]], count: int) -> str:
    rules = []
    for start, end in spans:
        name = f"{film}-{start}-{end}"
        last = "visible" if end == count else "hidden"
        points = [] if start == 0 else ["0%{visibility:hidden}"]
        points.append(f"{100 * start / count:.4f}%{{visibility:visible}}")
        points += [] if end == count else [f"{100 * end / count:.4f}%{{visibility:hidden}}"]
        rules.append(f"@keyframes {name}{{{''.join(points)}}}")
        play = f"animation:{name} {SECONDS * count:g}s step-end infinite"
        rules.append(f".{name}{{visibility:{last};{play}}}")
    still = "@media (prefers-reduced-motion:reduce){g{animation:none!important}}"
    return "<style>\n" + "\n".join([*rules, still]) + "\n</style>\n"


def film(steps: Trace, view: View = DEFAULT, **how: Any) -> str:
    """The SVG that plays the steps and shrinks to the width of the page; `how`: see `frames`."""
    return fitting(animated(frames(steps, view, **how), steps).decode())


def files(steps: Trace, view: View, format: str, **how: Any) -> dict[str, bytes]:
    """The files by name: step-001, step-002, ... in the format, and steps.svg, which plays them."""
    pictures = frames(steps, view, format, **how)
    digits = max(3, len(str(len(steps))))
    named = {f"step-{i:0{digits}}.{format}": data for i, data in enumerate(pictures, 1)}
    if format != "svg":
        pictures = frames(steps, view, **how)
    return {**named, "steps.svg": animated(pictures, steps)}
