"""The events of both passes as pictures: one for each event, and one SVG that plays them.

All pictures share one layout, made for the widest numbers, so that nothing jumps. A part that looks
the same in several pictures is written once. A viewer that plays no animation shows the last one:
of all ways to hide a part, `opacity` and `visibility` together are what every viewer obeys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from os import cpu_count
from typing import Any
from zlib import crc32

from tinygrad_edu.analysis.trace import Trace
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.compose import compose, laid_out, single, too_small
from tinygrad_edu.draw.heading import said
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.draw.picture import MOST_EVENTS
from tinygrad_edu.draw.scene import Box, Line, Place, Scene, Span, broken
from tinygrad_edu.draw.sketch import Moment, Panel, sketch
from tinygrad_edu.draw.svg import box, document, link, svg, text
from tinygrad_edu.draw.view import View
from tinygrad_edu.drawable import Format
from tinygrad_edu.errors import ViewError

__all__ = ["DEFAULT", "MOST_EVENTS", "SECONDS", "animated", "files", "film", "scenes"]

DEFAULT = View()
SECONDS = 2.5  # for each picture of the animation

_WIDTH = 720  # least width in points: captions need space
_LINE = 32  # the height of a line of the caption, in points


def scenes(
    steps: Trace,
    view: View,
    *,
    title: str | None = None,
    timeout: float = 20.0,
    insist: bool = False,
    notes: list[str] | None = None,
) -> list[Scene]:
    """This returns a picture for each event, in order.

    title: the line above each, by default the formula of the output. timeout: the seconds for the
    layout. notes: a list that gets the remarks on the pictures. LayoutError for more than
    MOST_EVENTS events, unless `insist` is on. ViewError if the view hides or highlights something:
    the steps show every number, and highlight the current event.
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
    heading = said(steps.graph) if title is None else title
    drawn = single(widest, layout, view)
    look = Span("", theme.NUMBER, view.colors.ink)
    captions = [broken(steps.line(event), look, max(drawn.width, _WIDTH)) for event in steps]
    rows = max(map(len, captions))
    whole = compose(
        [(drawn, "")], view, heading if view.legend else "", least=_WIDTH, below=rows * _LINE
    )
    if notes is not None:
        notes += filter(None, (layout.remark, too_small(whole, view)))
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
        made.append(whole._replace(boxes=boxes, links=links + rest, captions=caption))
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


def animated(pictures: Sequence[Scene], steps: Trace, view: View = DEFAULT) -> str:
    """This returns one SVG that plays the pictures for ever, without a script.

    Links below the picture stop it, step on and back, and slow it down: the link that a page's
    address names says what is to be seen. For readers who prefer less motion
    (`prefers-reduced-motion`), it stands still at the last picture until they ask for more.
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
    title, told = "The forward and the backward pass, step by step", ". ".join(steps.lines())
    if count == 1:
        return document(pictures[0], [drawn for [(_, _, drawn)] in runs], title, told)
    everything = "".join(drawn for kept in runs for _, _, drawn in kept)
    name = f"f{crc32(everything.encode()):x}"  # a page may show another film
    body = [
        drawn
        if (start, end) == (0, count)
        else f"<g {_shown(name, start, end)}{'' if end == count else _HIDDEN}>{drawn}</g>"
        for kept in runs
        for start, end, drawn in kept
    ]
    lengths = sorted({1, *(end - start for kept in runs for start, end, _ in kept)} - {count})
    controls = [_controls(name, i, count, pictures[0]) for i in range(count)]
    whole = [f'<g class="{name}">{_style(name, lengths, count)}', *body, *controls, "</g>"]
    page = pictures[0]._replace(height=pictures[0].height + _LINE)
    role = "group"  # an "img" has no links
    return document(page, whole, title, told, view.size, view.scale, role)


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


def _shown(name: str, start: int, end: int, more: str = "") -> str:
    """The classes of what is to be seen from the picture `start` to the one before `end`."""
    return f'class="{name}x {name}l{end - start} {name}s{start}{more}"'


# The links: a word, its slot, what it is called, where it leads, and the mode when it is the target
# itself: held, running, or slow. It becomes the target, and has the focus, where another has led.
_LINKS = (
    ("\u25c0 back", 0, "back", "back", "h"),
    ("stop", 1, "play", "stop", "r"),
    ("play", 1, "stop", "play", "h"),
    ("step \u25b6", 2, "step", "step", "h"),
    ("slower", 3, "fast", "slow", "r"),
    ("faster", 3, "slow", "fast", "z"),
)
_SLOT = 110  # points from link to link
_BEGUN = 0.01  # of a picture's time: at its very beginning, Firefox shows the one before it, too


def _controls(name: str, i: int, count: int, scene: Scene) -> str:
    """The links below picture `i`; a viewer that plays no animation does not show them."""
    y = scene.height + _LINE // 2
    written = []
    for word, slot, here, there, mode in _LINKS:
        x = scene.width // 2 + round(_SLOT * (slot - 1.5))
        to = {"back": max(i - 1, 0), "step": min(i + 1, count - 1)}.get(there, i)
        line = (Span(word, theme.SMALL + 3, scene.ink),)
        # a browser scrolls to the top of the target: so it begins at the top of the picture
        inside = f'<path d="M{x} 0z"/><rect x="{x - 50}" y="{y - 12}" width="100" height="24" '
        inside += f'rx="8" fill="{scene.paper}" stroke="{scene.ink}"/>'
        shown = _shown(name, i, i + 1, f" {name}{mode} {name}{here}")
        head = f'<a id="{name}-{here}-{i}" href="#{name}-{there}-{to}" {shown}{_HIDDEN}>'
        written.append(f"{head}{inside}{text(line, Place(x, y, _SLOT, 0))}</a>")
    return "".join(written)


def _style(name: str, lengths: Sequence[int], count: int) -> str:
    """The style sheet: all parts have one animation for each length, and begin at their time.

    An animation goes on where it is while its name stays. So the modes have their own names.
    Python-Markdown ends a paragraph, and so the SVG, at a line that begins with <style>, and makes
    emphasis of stars, unless blanks surround them.
    """
    shown, hidden = "visibility:visible;opacity:1", "visibility:hidden;opacity:0"
    part = f".{name}x"

    def mode(letter: str) -> str:
        return f".{name}:has(.{name}{letter}:target)"

    def only(one: str, other: str, where: str) -> list[str]:
        """One of two links in the same slot is there."""
        shows = ((one, "inline"), (other, "none"))
        return [f"{where} .{name}{link}{{display:{how}}}" for link, how in shows]

    held, slow = mode("h"), mode("z")
    stands = "--half:.5;animation-play-state:paused"  # in the middle of a picture's time
    runs = f"--half:{_BEGUN};animation-play-state:running"
    begin = f"calc((var(--start) - var(--at) - var(--half) - {count}) * var(--each))"
    rules = [
        f"{part}{{--at:0;--half:{_BEGUN};--each:{SECONDS:g}s;animation:0s step-end infinite;"
        f"animation-duration:calc({count} * var(--each));animation-delay:{begin}}}",
        *only("play", "stop", f".{name}"),
        *only("fast", "slow", f".{name}"),
        f"@media (prefers-reduced-motion:reduce){{{part}{{--at:{count - 1};{stands}}}"
        f"{''.join(only('stop', 'play', f'.{name}'))}}}",
        f"{held} {part}{{{stands}}}",
        *only("stop", "play", held),
        f"{mode('r')} {part},{slow} {part}{{{runs}}}",
        *only("play", "stop", mode("r")),
        *only("play", "stop", slow),
        *only("slow", "fast", slow),
        f"{slow} {part}{{--each:{3 * SECONDS:g}s}}",
        f"{part}:focus-visible{{outline:none}}",
        f"{part}:focus-visible rect{{stroke-width:4}}",
    ]
    for i in range(count):
        rules.append(f".{name}s{i}{{--start:{i}}}")
        rules.append(f"{mode(f's{i}')} {part}{{--at:{i}}}")
    for length in lengths:
        points = f"0%{{{shown}}}{100 * length / count:.6f}%{{{hidden}}}"
        for where, letter in (("", "r"), (held, "h"), (slow, "z")):
            curve = f"{name}{letter}{length}"
            rules.append(f"@keyframes {curve}{{{points}}}")
            rules.append(f"{where} .{name}l{length}{{animation-name:{curve}}}".lstrip())
    return "<style>\n" + "\n".join(rules) + "</style>"


def film(steps: Trace, view: View = DEFAULT, **how: Any) -> str:
    """This returns the SVG that plays the steps; `how`: see `scenes`."""
    return animated(scenes(steps, view, **how), steps, view)


def files(
    steps: Trace, view: View, format: Format, *, timeout: float = 20.0, **how: Any
) -> dict[str, bytes]:
    """This returns the files by name: step-001, step-002, ..., and steps.svg, which plays them.

    how: see `scenes`.
    """
    from tinygrad_edu.draw.paper import pdf, png  # late, so that an SVG comes fast

    pictures = scenes(steps, view, timeout=timeout, **how)
    captions = [steps.line(event) for event in steps]

    def write(numbered: tuple[Scene, str]) -> bytes:
        scene, caption = numbered
        if format == "svg":
            return svg(scene, caption, caption, view.size, view.scale).encode()
        if format == "pdf":
            return pdf(scene, caption, timeout, view.size, view.scale)
        return png(scene, timeout, view.size, view.scale)[0]

    if format == "svg":
        made = list(map(write, zip(pictures, captions)))
    else:  # each is painted by a process of its own
        from concurrent.futures import ThreadPoolExecutor  # late, for it is slow

        with ThreadPoolExecutor(cpu_count()) as pool:
            made = list(pool.map(write, zip(pictures, captions)))
    digits = max(3, len(str(len(steps))))
    named = {f"step-{i:0{digits}}.{format}": data for i, data in enumerate(made, 1)}
    return {**named, "steps.svg": animated(pictures, steps, view).encode()}
