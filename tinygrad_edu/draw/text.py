"""A graph as lines of text: the output is at the top, and operands are below their result.

    * = 8  grad 1
    ├─ + = 4  grad 2
    │  ├─ a = 2  grad 6  #0
    │  └─ b = 2  grad 2
    └─ a = 2  #0 above

A value that is used more than once is written in full the first time, with a number such as #0;
later lines refer to the number. On request, a line also has the text of the edge to the line above
it, in brackets: the local derivative, and adjoint * local = contribution.
If a branch is too deep for the width, it continues further down, from the left margin. So no graph
is too deep or too wide.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, islice

from tinygrad_edu.analysis.graph import Edge, Graph, Node
from tinygrad_edu.draw import theme
from tinygrad_edu.draw.view import View, arriving, kept_out, unlabelled

__all__ = ["PLAIN", "columns", "fold", "text"]

_UNICODE = {"branch": "├─ ", "last": "└─ ", "bar": "│  ", "gap": "   ", "cut": "…"}
_ASCII = {"branch": "|- ", "last": "`- ", "bar": "|  ", "gap": "   ", "cut": "..."}
_INDENT = 3  # columns for each level
_CONTENT = 40  # columns that the text of a line needs

_BOLD, _GREEN, _RED, _FAINT, _PLAIN = "\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m"

_ESCAPE = re.compile("\033\\[\\d*m")
PLAIN = View(edges=())

_EMOJI_SIGN = "\ufe0f"  # may make the character before it one column wider
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


def text(
    graph: Graph,
    view: View = PLAIN,
    *,
    width: int = 80,
    unicode: bool = True,
    color: bool = False,
    most: int = 0,
    was: Graph | None = None,
) -> str:
    """The drawing; no line is wider than `width` columns, and each one ends with a newline.

    unicode: whether to use box characters; if not, the text is ASCII. color: whether terminal
    colours show the signs of gradients. most: the number of lines to show, 0 for all. was: the same
    graph before an update; where a value has changed, the old one is shown, too.
    """
    pen = _Pen(graph, view, max(width, 1), _UNICODE if unicode else _ASCII, color, was)
    written = pen.lines()
    lines = list(islice(written, most or None))
    if most and next(written, None) is not None:
        lines.append(_clip(f"... of {len(graph.nodes)} values in all", width, ""))
    return "\n".join(lines) + "\n"


class _Pen:
    def __init__(
        self,
        graph: Graph,
        view: View,
        width: int,
        box: dict[str, str],
        color: bool,
        was: Graph | None,
    ) -> None:
        self.graph, self.view, self.width, self.box = graph, view, width, box
        self.color, self.was = color, was
        edges = graph.edges if view.edges else ()
        self.edges = {(edge.target, edge.operand): edge for edge in edges}
        self.arriving = arriving(graph) if view.edges else {}
        self.named = unlabelled(graph, view.edges) if view.edges else {}

    def lines(self) -> Iterator[str]:
        nodes, width, box = self.graph.nodes, self.width, self.box
        uses = Counter(source for node in nodes for source in node.args)
        uses.update(self.graph.outputs)
        numbered = {i for i, count in uses.items() if count > 1}  # other lines refer to these
        deepest = max(1, (width - _CONTENT) // _INDENT)
        written: set[int] = set()
        starts = list(self.graph.outputs)  # begin at the left margin; deep branches are added
        for place, start in enumerate(starts):
            if start in written and place >= len(self.graph.outputs):
                continue
            if written:
                yield ""
            waiting: list[tuple[int, str, str, int, Edge | None]] = [(start, "", "", 0, None)]
            while waiting:
                i, lead, margin, depth, edge = waiting.pop()
                node = nodes[i]
                again = i in written
                later = depth >= deepest and bool(node.args) and not again
                if later:
                    numbered.add(i)
                    starts.append(i)
                where = " above" if again else " below" if later else ""
                mark = f"  #{i}{where}" if i in numbered else ""
                said = self._edge(edge) if edge else ""
                line = lead[:width]
                if len(lead) < width:
                    line += self._content(node, width - len(lead), mark)
                beside = columns(_ESCAPE.sub("", line)) + columns(said) + 2 <= width
                yield f"{line}  {said}" if said and beside else line
                if said and not beside:  # on the line below, cut to the width
                    yield _clip(f"{margin}   {said}", width, box["cut"])
                if again or later:
                    continue
                written.add(i)
                for operand, source in reversed(list(enumerate(node.args))):
                    last = operand == len(node.args) - 1
                    branch, below = ("last", "gap") if last else ("branch", "bar")
                    bars = margin + box[branch], margin + box[below]
                    use = self.edges.get((i, operand))
                    waiting.append((source, *bars, depth + 1, use))

    def _content(self, node: Node, room: int, mark: str) -> str:
        """The text of a value, in at most `room` columns."""
        name = " ".join(filter(None, (node.label, self.named.get(node.id))))
        if node.op:
            name = f"{name} ({node.op})" if name else str(node.op)
        name = theme.printable(name)
        if self.box is _ASCII:
            name = name.encode("ascii", "backslashreplace").decode()
        data, grad = self.view.data(node), self.view.grad(node)
        number = f" = {data}" if name and data else data
        if self.was is not None and not mark.endswith("above"):
            before = self.view.data(self.was.nodes[node.id])
            number += f" (was {before})" if before != data else ""
        if node.kind == "group":
            number += f"  ({node.holds} value{'s' * (node.holds > 1)})"
        grad = f"  grad {grad}" if grad and not mark.endswith("above") else ""
        if terms := grad and self.view.sum(node.grad, self.arriving.get(node.id, [])):
            grad += f" = {terms}"
        role = f"  {node.role}" if node.role else ""
        role += "  (on the path)" if node.marked else ""
        stale = node.stale and not mark.endswith("above")  # written only the first time
        mark = role + (" (set after use)" if stale else "") + mark
        room -= columns(number + grad + mark)
        cut = self.box["cut"]
        if room < min(columns(name), len(cut) + 1):  # too narrow even for the numbers
            return _clip(name + number + grad + mark, room + columns(number + grad + mark), cut)
        name = _clip(name, room, cut)
        if self.color:
            sign = (node.grad or 0.0) if "grads" not in self.view.hide else 0.0
            tint = _GREEN if sign > 0 else _RED if sign < 0 else _FAINT
            name, grad = f"{_BOLD}{name}{_PLAIN}", f"{tint}{grad}{_PLAIN}"
        return name + number + grad + mark

    def _edge(self, edge: Edge) -> str:
        """The text of the edge to the line above: `(local w = -3; 0.4200 * (-3) = -1.2599)`."""
        said = self.view.edges or ()
        local = self.view.local(self.graph, edge, said)
        told = [f"local {local}"] if local else []
        added = self.view.added(edge) if "contribution" in said else ""
        if added:
            factors = [
                self.view.adjoint(self.graph, edge),
                self.view.local(self.graph, edge, ["local"]),
            ]
            told_factors = (f"({x})" if x.startswith("-") else x for x in factors)
            product = " * ".join(told_factors) + " = " if all(factors) else ""
            if edge.uses > 1:
                product = f"{edge.uses} edges, sum "
            elif kept_out(edge) and self.view.contribution(edge) is not None:
                product = "kept out by a mask: "
            told.append(product + added)
        line = f"({'; '.join(told)})" if told else ""
        return line.encode("ascii", "backslashreplace").decode() if self.box is _ASCII else line


def fold(line: str, width: int, *, unicode: bool = True) -> list[str]:
    """The line, broken at spaces into lines of at most `width` columns; later ones are indented.

    unicode: if False, characters beyond ASCII become escapes.
    """
    line = theme.printable(line)
    if not unicode:
        line = line.replace("\u2248", "~").encode("ascii", "backslashreplace").decode()
    ends = [0, *accumulate(map(columns, line))]  # the column at which each letter ends
    margin = len(line) - len(line.lstrip())
    lines: list[str] = []
    start, indent = 0, ""
    while len(indent) + ends[-1] - ends[start] > width:
        stop = bisect_right(ends, ends[start] + width - len(indent)) - 1
        blank = line.rfind(" ", max(start, margin) + 1, stop + 1)
        stop = max(blank if blank > 0 else stop, start + 1)
        lines.append(indent + line[start:stop])
        start = stop + (blank > 0)
        indent = " " * min(margin + 4, width // 2)
    return [*lines, indent + line[start:]]


def columns(line: str) -> int:
    """The number of columns that the line takes in a terminal; where terminals differ, the most."""
    return len(line) if line.isascii() else sum(map(_columns, line))


def _columns(c: str) -> int:
    if (unicodedata.category(c) in ("Mn", "Me") and c != _EMOJI_SIGN) or c in _INVISIBLE:
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def _clip(line: str, room: int, cut: str) -> str:
    if columns(line) <= room:
        return line
    kept, taken = 0, len(cut)
    for c in line:
        taken += columns(c)
        if taken > room:
            break
        kept += 1
    return (line[:kept] + cut)[: max(room, 0)]
