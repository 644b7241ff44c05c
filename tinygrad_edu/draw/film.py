"""The events of both passes as pictures: one for each event, and one SVG that plays them.

All pictures share one layout, made for the widest numbers, so that nothing jumps. A part that looks
the same in several pictures is written once. A viewer that plays no animation shows the last one:
of all ways to hide a part, `opacity` and `visibility` together are what every viewer obeys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from os import cpu_count
from typing import Any
from zlib import crc32

from tinygrad_edu.analysis.trace import Trace
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.compose import compose, laid_out, single
from tinygrad_edu.draw.heading import said
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.paper import pdf, png
from tinygrad_edu.draw.scene import Box, Line, Place, Scene, Span, wide
from tinygrad_edu.draw.sketch import Moment, Panel, sketch
from tinygrad_edu.draw.svg import box, document, link, svg, text
from tinygrad_edu.draw.theme import Theme
from tinygrad_edu.draw.view import View
from tinygrad_edu.drawable import Format
from tinygrad_edu.errors import ViewError

__all__ = ["DEFAULT", "MOST_EVENTS", "SECONDS", "animated", "files", "film", "scenes"]

DEFAULT = View()
MOST_EVENTS = 300
SECONDS = 2.5  # for each picture of the animation

_WIDTH = 720  # least width in points: captions need space
_LINE = 32  # the height of a line of the caption, in points


def scenes(steps: Trace, view: View, *, timeout: float = 20.0, insist: bool = False) -> list[Scene]:
    """This returns a picture for each event, in order.

    timeout: the seconds for the layout. LayoutError for more than MOST_EVENTS events, unless
    `insist` is on. ViewError if the view hides or highlights something: the steps show every
    number, and highlight the current event.
    """
    if view.hide or view.highlight:
        raise ViewError("steps show every number and highlight each event: drop hide and highlight")
    if len(steps) > MOST_EVENTS and not insist:
        problem = f"{len(steps)} events are more than the {MOST_EVENTS} that people can watch"
        raise LayoutError(f"{problem}: draw less, or insist (--insist)", "too large")
    moments = list(_moments(steps))
    panel = Panel(steps.graph)
    widest = sketch(panel, view, _widest(steps, moments, view))
    layout = laid_out([widest], view, timeout)
    title = said(steps.graph) if view.legend else ""
    drawn = single(widest, layout, view)
    captions = [
        _broken(steps.line(event), max(drawn.width, _WIDTH), view.colors) for event in steps
    ]
    rows = max(map(len, captions))
    whole = compose([(drawn, "")], view, title, least=_WIDTH, below=rows * _LINE)
    top = whole.height - rows * _LINE
    made = []
    for moment, lines in zip(moments, captions):
        now = sketch(panel, view, moment)
        boxes = tuple((box, place) for box, (_, place) in zip(now.boxes, whole.boxes))
        links = tuple(old._replace(link=link) for link, old in zip(now.links, whole.links))
        caption = tuple(
            (line, Place(whole.width // 2, top + _LINE * i + _LINE // 2 - 4, whole.width, 0))
            for i, line in enumerate(lines)
        )
        rest = whole.links[len(links) :]  # of the legend
        made.append(replace(whole, boxes=boxes, links=links + rest, captions=caption))
    return made


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
        back = event.phase == "backward"
        yield Moment(frozenset(data), dict(grads), frozenset(passed), frozenset(now), back)


def _widest(steps: Trace, moments: Sequence[Moment], view: View) -> Moment:
    """An artificial Moment: all numbers are known, and each gradient has its most letters."""
    grads: dict[int, float] = {}
    for moment in moments:
        for node, grad in moment.grads.items():
            if node not in grads or len(view.number(grad)) > len(view.number(grads[node])):
                grads[node] = grad
    data = frozenset(node.id for node in steps.graph.nodes)
    return Moment(data, grads, moments[-1].passed, frozenset())


def _broken(caption: str, width: int, colors: Theme) -> list[Line]:
    """The caption on lines that are no wider than the picture, broken at blanks."""

    def line(text: str) -> Line:
        return (Span(text, theme.NUMBER, colors.ink),)

    first, *words = caption.split(" ")
    lines = [first]
    for word in words:
        if wide(line(f"{lines[-1]} {word}")) > width:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return list(map(line, lines))


def animated(pictures: Sequence[Scene], steps: Trace) -> str:
    """This returns one SVG that plays the pictures for ever, without a script.

    Its links stop it, step, and slow it down: the address of a picture holds all animations at its
    moment. For readers who prefer less motion (`prefers-reduced-motion`), it stands still at the
    last picture, and can be stepped through.
    """
    count = len(pictures)
    runs: list[list[tuple[int, int, str]]] = []  # for each part: (first picture, end, drawing)
    for parts in zip(*map(_parts, pictures)):
        runs.append([])
        for i, (write, part) in enumerate(parts):
            same = i and part == parts[i - 1][1]
            drawn = runs[-1][-1][2] if same else write(part)
            start = i
            if runs[-1] and runs[-1][-1][2] == drawn:
                start = runs[-1].pop()[0]
            runs[-1].append((start, i + 1, drawn))
    everything = "".join(drawn for kept in runs for _, _, drawn in kept)
    name = f"f{crc32(everything.encode()):x}"  # a page may show another film
    spans = {(start, end) for kept in runs for start, end, _ in kept}
    body = [
        drawn
        if (start, end) == (0, count)
        else f'<g class="{name} {name}-{start}-{end}"{"" if end == count else _HIDDEN}>{drawn}</g>'
        for kept in runs
        for start, end, drawn in kept
    ]
    spans |= {(i, i + 1) for i in range(count)}  # of the controls
    marks = "".join(f'<g id="{name}-{i}"/>' for i in (*range(count), "slow", "play"))
    controls = [_controls(name, i, pictures[0]) for i in range(count)]
    style = _style(name, sorted(spans - {(0, count)}), count)
    title, told = "The forward and the backward pass, step by step", ". ".join(steps.lines())
    first = replace(pictures[0], height=pictures[0].height + _LINE)
    return document(first, [style, marks, *body, *controls], title, told)


_HIDDEN = ' opacity="0" visibility="hidden"'
_Part = tuple[Callable[[Any], str], Any]


def _parts(scene: Scene) -> Iterator[_Part]:
    """Yields how each part is written, and the part: the same number of them for each picture."""
    for placed in scene.links:
        yield link, placed
    for each in scene.boxes:
        yield _box, each
    for note in scene.notes:
        yield _note, [note]
    yield _note, scene.captions


def _box(part: tuple[Box, Place]) -> str:
    return box(*part)


def _note(lines: Sequence[tuple[Line, Place]]) -> str:
    return "".join(text(line, place) for line, place in lines)


def _controls(name: str, i: int, scene: Scene) -> str:
    """The links below picture `i`; a viewer that plays no animation does not show them."""
    targets = {
        "\u25c0 back": max(i - 1, 0),
        "stop": i,
        "step \u25b6": i + 1,
        "play": "play",
        "slow": "slow",
    }
    y, step = scene.height + _LINE // 2 - 4, 110
    x = scene.width // 2 - step * (len(targets) - 1) // 2
    written = []
    for k, (word, target) in enumerate(targets.items()):
        line = (Span(word, theme.SMALL + 3, scene.ink),)
        said = text(line, Place(x + k * step, y, step, 0))
        area = f'<rect x="{x + k * step - 50}" y="{y - 12}" width="100" height="24" rx="8" '
        area += f'fill="{scene.paper}" stroke="{scene.ink}"/>'
        written.append(f'<a href="#{name}-{target}">{area}{said}</a>')
    return f'<g class="{name} {name}-{i}-{i + 1}"{_HIDDEN}>{"".join(written)}</g>'


def _style(name: str, spans: Sequence[tuple[int, int]], count: int) -> str:
    whole = SECONDS * count
    shown, hidden = "visibility:visible;opacity:1", "visibility:hidden;opacity:0"
    rules = [f".{name}{{animation:0s step-end infinite;animation-duration:{whole:g}s}}"]
    for start, end in spans:
        points = [] if start == 0 else [f"0%{{{hidden}}}"]
        points.append(f"{100 * start / count:.4f}%{{{shown}}}")
        points += [] if end == count else [f"{100 * end / count:.4f}%{{{hidden}}}"]
        rules.append(f"@keyframes {name}-{start}-{end}{{{''.join(points)}}}")
        rules.append(f".{name}-{start}-{end}{{animation-name:{name}-{start}-{end}}}")
    held = "animation-play-state:paused;animation-delay:"
    last = SECONDS * (count - 0.5)
    rules.append(f"@media (prefers-reduced-motion:reduce){{.{name}{{{held}-{last:g}s}}}}")
    for i in range(count):
        rules.append(f"#{name}-{i}:target~.{name}{{{held}-{SECONDS * (i + 0.5):g}s}}")
    rules.append(f"#{name}-slow:target~.{name}{{animation-duration:{3 * whole:g}s}}")
    return "<style>\n" + "\n".join(rules) + "\n</style>"


def film(steps: Trace, view: View = DEFAULT, **how: Any) -> str:
    """This returns the SVG that plays the steps; `how`: see `scenes`."""
    return animated(scenes(steps, view, **how), steps)


def files(
    steps: Trace, view: View, format: Format, *, timeout: float = 20.0, insist: bool = False
) -> dict[str, bytes]:
    """This returns the files by name: step-001, step-002, ..., and steps.svg, which plays them."""
    pictures = scenes(steps, view, timeout=timeout, insist=insist)
    captions = [steps.line(event) for event in steps]

    def write(numbered: tuple[Scene, str]) -> bytes:
        scene, caption = numbered
        if format == "svg":
            return svg(scene, caption, caption).encode()
        if format == "pdf":
            return pdf(scene, caption, timeout)
        return png(scene, timeout)[0]

    if format == "svg":
        made = list(map(write, zip(pictures, captions)))
    else:  # each is painted by a process of its own
        with ThreadPoolExecutor(cpu_count()) as pool:
            made = list(pool.map(write, zip(pictures, captions)))
    digits = max(3, len(str(len(steps))))
    named = {f"step-{i:0{digits}}.{format}": data for i, data in enumerate(made, 1)}
    return {**named, "steps.svg": animated(pictures, steps).encode()}
