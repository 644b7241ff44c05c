"""A graph as lines of text: the output on top, under each value the values it was made from.

    * = 8  grad 1
    ├─ + = 4  grad 2
    │  ├─ a = 2  grad 6  #0
    │  └─ b = 2  grad 2
    └─ a = 2  #0 above

What is used more than once is written out where it comes up first and has a number to refer to.
A branch that grows too deep for the width goes on further down, from the left margin: no graph
is too deep or too wide.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from tinygrad_edu.draw import theme
from tinygrad_edu.graph import Graph, Node

_UNICODE = {"branch": "├─ ", "last": "└─ ", "bar": "│  ", "gap": "   ", "cut": "…"}
_ASCII = {"branch": "|- ", "last": "`- ", "bar": "|  ", "gap": "   ", "cut": "..."}
_INDENT = 3  # columns for each level
_CONTENT = 40  # columns that a line needs for what it says

_BOLD, _GREEN, _RED, _FAINT, _PLAIN = "\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m"

_EMOJI_SIGN = "\ufe0f"  # can make the character before it a column wider
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


def text(
    graph: Graph, *, width: int = 80, unicode: bool = True, color: bool = False, most: int = 0
) -> str:
    """The drawing, no line wider than `width` columns, with a newline after each.

    unicode: draw with box characters; otherwise all is ASCII. color: mark the signs of gradients
    with terminal colours. most: lines to show, 0 for all.
    """
    written = _lines(graph, max(width, 1), _UNICODE if unicode else _ASCII, color)
    lines = list(islice(written, most or None))
    if most and next(written, None) is not None:
        lines.append(_clip(f"... of {len(graph.nodes)} values in all", width, ""))
    return "\n".join(lines) + "\n"


def _lines(graph: Graph, width: int, box: dict[str, str], color: bool) -> Iterator[str]:
    uses = Counter(source for node in graph.nodes for source in node.args)
    numbered = {i for i, count in uses.items() if count > 1}  # what a line elsewhere refers to
    deepest = max(1, (width - _CONTENT) // _INDENT)
    written: set[int] = set()
    starts = [graph.output.id]  # what begins at the left margin; deep branches are added
    for start in starts:
        if start in written:
            continue
        if written:
            yield ""
        waiting = [(start, "", "", 0)]
        while waiting:
            i, lead, margin, depth = waiting.pop()
            node = graph.nodes[i]
            again = i in written
            later = depth >= deepest and bool(node.args) and not again
            if later:
                numbered.add(i)
                starts.append(i)
            where = " above" if again else " below" if later else ""
            mark = f"  #{i}{where}" if i in numbered else ""
            if len(lead) < width:
                yield lead + _content(node, width - len(lead), mark, box, color)
            else:
                yield lead[:width]
            if again or later:
                continue
            written.add(i)
            for operand, source in reversed(list(enumerate(node.args))):
                last = operand == len(node.args) - 1
                branch, below = ("last", "gap") if last else ("branch", "bar")
                waiting.append((source, margin + box[branch], margin + box[below], depth + 1))


def _content(node: Node, room: int, mark: str, box: dict[str, str], color: bool) -> str:
    """What a line says of a value, in at most `room` columns."""
    name = node.label
    if node.symbol:
        name = f"{name} ({node.symbol})" if name else node.symbol
    name = theme.printable(name)
    if box is _ASCII:
        name = name.encode("ascii", "backslashreplace").decode()
    number = f" = {theme.number(node.data)}" if name else theme.number(node.data)
    referred = mark.endswith("above")
    grad = "" if node.grad is None or referred else f"  grad {theme.number(node.grad)}"
    mark = (" (set after use)" if node.stale else "") + mark
    room -= columns(number + grad + mark)
    if room < min(columns(name), len(box["cut"]) + 1):  # so narrow that even the numbers suffer
        return _clip(name + number + grad + mark, room + columns(number + grad + mark), box["cut"])
    name = _clip(name, room, box["cut"])
    if color:
        sign = node.grad or 0.0
        tint = _GREEN if sign > 0 else _RED if sign < 0 else _FAINT
        name, grad = f"{_BOLD}{name}{_PLAIN}", f"{tint}{grad}{_PLAIN}"
    return name + number + grad + mark


def columns(line: str) -> int:
    """How many columns of a terminal the line takes, or more where terminals differ."""
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
