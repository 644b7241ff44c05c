"""The page: one HTML file with the graph, its numbers, and the programs that change them.

The file holds, as text: the picture of each level, a table of the numbers (both are there with
scripts off), the data of the graph as JSON, the rows of the table as JavaScript, and the files of
`web/`. A policy in its head forbids whatever else: it loads nothing, and sends nothing.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from tinygrad_edu.analysis.graph import Graph, Node, differentiated, graph, jsonable
from tinygrad_edu.analysis.notation import number
from tinygrad_edu.draw.aloud import aloud
from tinygrad_edu.draw.heading import said
from tinygrad_edu.draw.theme import THEMES, printable
from tinygrad_edu.draw.view import BLANK, View
from tinygrad_edu.drawable import K, Role, Roles
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import ViewError
from tinygrad_edu.files import write_whole
from tinygrad_edu.live.extras import Curve, Slider, extras
from tinygrad_edu.live.key import key
from tinygrad_edu.live.levels import Level, clearest, finer, levels
from tinygrad_edu.live.plane import controls, plane
from tinygrad_edu.live.rows import lanes, rows
from tinygrad_edu.live.training import RATE, Training, training
from tinygrad_edu.live.words import words
from tinygrad_edu.live.worksheet import HIDDEN, sheet
from tinygrad_edu.nn.module import Module
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import Op
from tinygrad_edu.train.passes import Data, Loss

__all__ = ["Page", "page"]

_WEB = Path(__file__).parent / "web"
# In the order in which they are read; a program needs no file that nothing in its page uses.
_SCRIPTS = (
    "numbers", "graph", "words", "parts", "picture", "play", "touch", "look", "share", "view",
    "train", "answers", "predict", "main",
)  # fmt: skip
_SHEET_SCRIPTS = ("numbers", "answers", "sheet")
# Of a plot, in 400 by 252: the axes, the place of the curves, and six texts, which curve() writes.
_PLOT = (
    '<path class="axis" d="M104 26V220H388"/><svg x="104" y="18" width="292" height="210" '
    'viewBox="104 18 292 210"></svg><text x="96" y="32" text-anchor="end"/><text x="96" y="220" '
    'text-anchor="end"/><text x="112" y="30"/><text x="104" y="242"/><text x="388" y="242" '
    'text-anchor="end"/><text x="246" y="242" text-anchor="middle"/>'
)
_VIEW = (
    '<figure><svg id="view" class="plot" viewBox="0 0 400 252" role="img">%%PLOT%%</svg></figure>'
)
# Of a page that trains: above the picture, so that one sees the map while one moves them.
_SLIDERS = '<div id="controls" class="bar live-only" role="group" aria-label="Sliders"></div>\n'
_ONLY = {"view": {"controls", "view"}, "train": {"train"}}  # for pages with such data
_ONE_OUTPUT = "a page plays one output: give the output whose gradients you want"
_HEIGHT = 760  # pixels of a page in a notebook
_ROOM = (840, 600)  # pixels for the picture, beside the numbers, on a projector of 1280x720
_REMARKS = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)


class Page:
    """A live page: `save("page.html")`; a notebook shows it by itself.

    html: its text, the same bytes on every machine.
    """

    def __init__(self, html: str, key: Callable[[bool], str] | None = None) -> None:
        self.html = html
        self._key = key

    def key(self, html: bool = False) -> str:
        """This returns the answers of a worksheet, as text or as an HTML page, for the teacher.

        ViewError if this is no worksheet.
        """
        if self._key is None:
            raise ViewError("only a worksheet has a key: make the page with worksheet=True")
        return self._key(html)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page to `path`, whole or not at all; ViewError unless it ends in .html."""
        name, ending = os.path.splitext(os.fspath(path))
        if ending.lower() not in (".html", ".htm"):
            raise ViewError(f"a page is an HTML file: write {name[:60]}.html")
        write_whole(path, self.html.encode("utf-8", "replace"))

    def __repr__(self) -> str:
        return f'a live page of {len(self.html.encode()):,} bytes: save("page.html")'

    def _repr_html_(self) -> str:
        return _framed(self.html)

    def _mime_(self) -> tuple[str, str]:
        return "text/html", self._repr_html_()


def _framed(html: str) -> str:
    """The page in a frame of its own, for a notebook: its style and its script stay inside."""
    return (
        f'<iframe srcdoc="{escape(html)}" sandbox="allow-scripts allow-downloads" '
        f'title="live page" width="100%" height="{_HEIGHT}" frameborder="0"></iframe>'
    )


def page(
    what: Value | Graph | Module,
    loss: Loss | None = None,
    data: Data | None = None,
    *,
    rate: float = RATE,
    threshold: float | None = None,
    title: str | None = None,
    precision: int = 4,
    direction: str = "LR",
    theme: str = "system",
    level: str | None = None,
    roles: Roles[K] | None = None,
    controls: Sequence[Slider] = (),
    view: Curve | None = None,
    timeout: float = 20.0,
    worksheet: bool = False,
    hide: Collection[str] = (),
    edges: Sequence[str] | None = None,
) -> Page:
    """This returns the live page of a graph: played event by event, with numbers to be changed.

    what: the output, or its graph. Or it is a model with a loss and data, as `train` takes them.
    Then the page shows the loss of one example, and trains the model on all of them, by gradient
    descent with this rate; errors are those of `training`. threshold: an output above it says yes,
    if the loss is one of your own.

    title: of the page, by default the formula of the output. precision: decimals. direction: LR or
    TB. theme: `system`, or one of the themes of pictures. level: the one shown first. roles: see
    `graph`. controls, view: sliders and a curve of a lesson's own; training goes on with the
    numbers of the sliders. timeout: the seconds that Graphviz may take. worksheet: a page that asks
    for hidden numbers, marks the answers, and plays nothing. hide: what it asks for, as a View has
    it; by default values and grads. edges: what its edges say. ViewError for several outputs, or
    for an unknown option.
    """
    more: dict[str, Any] = {}
    if not isinstance(what, Value | Graph):
        lesson = _lesson(what, loss, data, rate, threshold)
        given: dict[Any, Role] = {**lesson.roles, **(roles or {})}
        count = len(lesson.data["examples"])
        title = f"{what.about()}, trained on {count} examples" if title is None else title
        what, roles, more["train"] = lesson.loss, given, lesson.data
    elif any(x is not None for x in (loss, data, threshold)):
        kind = type(what).__name__
        raise TypeError(f"loss, data and threshold are for a page of a model, not of a {kind}")
    whole = what if isinstance(what, Graph) else graph(what, roles=roles)
    if len(whole.outputs) != 1:
        raise ViewError(_ONE_OUTPUT)
    if not isinstance(title, str | None):
        raise ViewError(f"title must be a text, not {title!r:.60}")
    if theme not in ("system", *THEMES):
        raise ViewError(f"unknown theme {str(theme)[:60]!r}: choose system, {', '.join(THEMES)}")
    if (hide or edges is not None) and not worksheet:
        raise ViewError("a live page shows every number: for hide or edges, add worksheet=True")
    if (controls or view is not None) and (worksheet or not isinstance(what, Value)):
        raise ViewError("controls and view are for the live page of a Value: drop them")
    look = View(precision=precision, direction=direction, legend=False, size=_ROOM)
    whole = differentiated(recomputed(whole))
    if worksheet:
        if more:
            raise ViewError("a worksheet trains nothing: give the loss of one example")
        if level not in (None, "node"):
            raise ViewError("a worksheet asks for the numbers of each node: drop the level")
        look = replace(look, hide=hide or HIDDEN, edges=edges)
        return _worksheet(whole, look, title, theme, timeout)
    if isinstance(what, Value):
        more |= extras(what, controls, view)
    heading = _heading(whole, title)
    return _assembled(whole, look, heading, theme, level or "", timeout, more)


def _lesson(
    what: Module, loss: Loss | None, data: Data | None, rate: float, threshold: float | None
) -> Training:
    """What a page needs to train a model; ViewError or TypeError for what is none."""
    if isinstance(what, list | tuple):
        raise ViewError(_ONE_OUTPUT)
    if loss is None and not isinstance(what, Module):
        raise TypeError(f"a page is made of a Value, a Graph or a model, not of {what!r:.60}")
    if loss is None or data is None:
        raise TypeError("a page of a model needs a loss and data: page(model, loss, (X, y))")
    return training(what, loss, data, rate, threshold)


def _heading(whole: Graph, title: str | None, blanks: Mapping[int, str] | None = None) -> str:
    """The title, else the formula of the output; where that is too long, the output's label."""
    large = whole.output.label or f"A graph of {len(whole.nodes)} nodes"
    formula = said(whole, blanks) or large
    return printable(formula if title is None else " ".join(title.split()))


def _worksheet(whole: Graph, view: View, title: str | None, theme: str, timeout: float) -> Page:
    """The page that asks for the hidden numbers."""
    nameless = (n.id for n in whole.nodes if n.kind == "leaf" and not n.label)
    heading = _heading(whole, title, dict.fromkeys(nameless, BLANK))
    made = sheet(whole, view, heading, timeout)
    digits = max(view.precision, 1)
    marks = {
        "TITLE": escape(heading),
        "THEME": theme,
        "PICTURE": made.svg,
        "QUESTIONS": made.listed,
        "DIGITS": f"{_count(view.precision, 'decimal')}; below 1, {_count(digits, 'digit')}",
        "DATA": _json(made.data),
    }
    script = _program(_SHEET_SCRIPTS, end="startSheet();\n")
    html = _filled("sheet.html", marks, script, _themes() + _read("sheet.css"))
    return Page(html, partial(key, made.asked, heading, view.precision))


def _count(n: int, what: str) -> str:
    return f"{n or 'no'} {what}{'s' * (n != 1)}"


def recomputed(graph: Graph) -> Graph:
    """This returns the graph with the numbers that its leaves give now."""
    nodes: list[Node] = []
    for node in graph.nodes:
        used = tuple(number(nodes[i]) for i in node.args)
        data = float(total(node.op.value, *used)) if node.op else node.data
        nodes.append(node._replace(data=data, used=used, grad=None, stale=False))
    return Graph(tuple(nodes), graph.outputs)


def _assembled(
    whole: Graph,
    view: View,
    heading: str,
    theme: str,
    level: str,
    timeout: float,
    more: Mapping[str, Any] | None = None,
) -> Page:
    """This returns the page of a graph with gradients. more: entries of its data."""
    made = levels(whole, view, heading, aloud(whole, view), timeout, level)
    ops = list(dict.fromkeys(node.op for node in whole.nodes if node.op))
    data = {**_data(whole, ops, view, heading, made), **(more or {})}
    data["theme"], data["level"] = theme, level or clearest(made, "train" in data)
    shown, above = data["level"], {"train", "controls"} <= {*data}
    pictures = [
        each.svg if each.name == shown else each.svg.replace("<svg ", "<svg hidden ", 1)
        for each in made
    ]
    marks = {
        "TITLE": escape(heading),
        "THEME": theme,
        "OUTPUT": escape(data["name"][whole.output.id]),
        "TRAIN": _training(data["train"], whole) if "train" in data else "",
        "PLOT": _PLOT,
        "SLIDERS": _SLIDERS if above else "",
        "CONTROLS": "" if above else '<div id="controls"></div>',
        "VIEW": _marked(_VIEW, {"PLOT": _PLOT}) if "view" in data else "",
        "LEVELS": "".join(f"<option>{each.name}" for each in made),
        "PICTURE": "\n".join(pictures),
        "NUMBERS": _table(whole, view),
        "DATA": _json(data),
    }
    files = [x for x in _SCRIPTS if x not in _ONLY or not _ONLY[x].isdisjoint(data)]
    script = _program(files, rows(ops) + (lanes(ops) if "train" in data else ""))
    return Page(_filled("page.html", marks, script, _themes() + _read("style.css")))


def _training(lesson: dict[str, Any], whole: Graph) -> str:
    """The part of a page that trains; its data get what they need for the axes."""
    lesson |= plane(lesson, whole)
    return _marked(_read("train.html"), {**controls(lesson, whole), "PLOT": _PLOT})


def _filled(name: str, marks: Mapping[str, str], script: str, style: str) -> str:
    """A file of `web/` with its marks replaced."""
    own = {"POLICY": _policy(script, style), "STYLE": style, "SCRIPT": script}
    return _marked(_read(name), {**marks, **own})


def _marked(text: str, marks: Mapping[str, str]) -> str:
    """A text with its marks replaced."""
    pieces = text.split("%%")  # text, mark, text, mark, ..., text
    return "".join(marks[x] if i % 2 else x for i, x in enumerate(pieces))


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _read(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _program(files: Sequence[str], start: str = "", end: str = "") -> str:
    """The whole script of a page, of which nothing is visible from outside."""
    return '(() => {\n"use strict";\n' + start + "".join(map(_script, files)) + end + "})();\n"


def _script(name: str) -> str:
    """A file of the page's program, without the comments that stand on lines of their own."""
    return _REMARKS.sub("", _read(f"{name}.js"))


def _policy(script: str, style: str) -> str:
    """What the browser may do with this page: run this script, use this style, and nothing else."""
    hashes = [b64encode(sha256(text.encode()).digest()).decode() for text in (script, style)]
    return (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "img-src blob: data:; base-uri 'none'; form-action 'none'"
    )


def _themes() -> str:
    """The colours of each theme as variables. A print has those of paper, whatever the theme is."""

    def rule(name: str) -> str:
        colors = "; ".join(f"--{field}: {x}" for field, x in THEMES[name]._asdict().items())
        scheme = "dark" if name in ("dark", "contrast") else "light"
        return f"{{ color-scheme: {scheme}; {colors} }}"

    return "\n".join(
        [
            f":root {rule('light')}",
            f"@media (prefers-color-scheme: dark) {{ :root {rule('dark')} }}",
            *(f':root[data-theme="{name}"] {rule(name)}' for name in THEMES),
            f"@media print {{ :root[data-theme] {rule('print')} }}\n",
        ]
    )


def _table(whole: Graph, view: View) -> str:
    """The numbers of all nodes as an HTML table, without the end tags that HTML does not need."""
    lines = [
        '<table id="numbers"><caption>Values and gradients</caption>',
        '<thead><tr><th scope="col">name</th><th scope="col">value</th>'
        '<th scope="col">gradient</th></tr></thead><tbody>',
    ]
    for node in whole.nodes:
        if node.kind != "constant":
            name = escape(printable(whole.names[node.id]))
            lines.append(
                f'<tr data-node="{node.id}"><th scope="row">{name}'
                f"<td>{view.data(node)}<td>{view.grad(node)}"
            )
    return "\n".join([*lines, "</tbody></table>"])


def _data(
    whole: Graph, ops: Sequence[Op], view: View, heading: str, made: Sequence[Level]
) -> dict[str, Any]:
    """The data of the page, as its script reads them."""
    numbers = {op: i for i, op in enumerate(ops)}
    nodes = whole.nodes
    return {
        "version": 1,
        "title": heading,
        "precision": view.precision,
        "ops": [op.name for op in ops],
        "op": [numbers.get(node.op, -1) for node in nodes],
        "a": [node.args[0] if node.args else -1 for node in nodes],
        "b": [node.args[1] if len(node.args) > 1 else -1 for node in nodes],
        "kind": "".join(node.kind[0] for node in nodes),
        "data": [jsonable(node.data) for node in nodes],
        "label": [printable(node.label) for node in nodes],
        "name": [printable(name) for name in whole.names],
        "role": [node.role for node in nodes],
        "group": [node.group for node in nodes],
        "output": whole.output.id,
        "moving": _moving(nodes),
        "words": words(whole, ops, view.precision),
        "levels": [
            {
                "name": x.name,
                "svg": f"level-{x.name}",
                "boxes": x.boxes,
                "links": x.links,
                "finer": finer(made, x),
            }
            for x in made
        ],
    }


def _moving(nodes: Sequence[Node]) -> list[int]:
    """The leaves that gradient descent moves at first: the parameters, else all but the inputs."""
    leaves = [node for node in nodes if node.kind == "leaf"]
    some = [node for node in leaves if node.role == "parameter"]
    return [node.id for node in some or leaves if node.role != "input"]
