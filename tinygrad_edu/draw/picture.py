"""A picture in all its formats, and how it gets into a file or a notebook."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
from math import inf
from pathlib import Path
from typing import Any

from tinygrad_edu.draw import text
from tinygrad_edu.draw.dot import dot, drawn
from tinygrad_edu.draw.layout import LayoutError, layout
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import FormatError
from tinygrad_edu.graph import Graph, graph

FORMATS = ("svg", "png", "pdf", "dot", "json", "txt")
MOST_SHAPES = 5_000  # laid out in seconds; ten times as many take an hour, and cannot be read
_MOST_LINES = 200  # of text in a notebook
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change line ends
_SVG_SIZE = re.compile(r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"')


class Picture:
    """A graph to look at: `save("y.svg")`, `dot`, `text()`; a notebook shows it by itself.

    note: a remark of the last drawing for its reader, such as that a PNG was scaled; mostly ''.
    """

    def __init__(self, graph: Graph, *, timeout: float = 20.0, insist: bool = False) -> None:
        if not 0 < timeout < inf:
            raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
        self.graph = graph
        self.timeout = timeout
        self.insist = insist
        self.note = ""

    @property
    def dot(self) -> str:
        """The picture as DOT text, for Graphviz."""
        return dot(self.graph)

    def text(self, *, width: int = 0, unicode: bool = True, color: bool = False) -> str:
        """The graph drawn in characters, no wider than `width` columns (0: the terminal's)."""
        width = width or shutil.get_terminal_size().columns
        return text.text(self.graph, width=width, unicode=unicode, color=color)

    def render(self, format: str) -> bytes:
        """The picture in one of FORMATS.

        FormatError (a ValueError) for another; LayoutError if there is no Graphviz, if it fails
        or takes more than `timeout` seconds, or if there are more than MOST_SHAPES to draw and
        nobody insists. DOT, JSON and text need no Graphviz and have no limit.
        """
        if format == "dot":
            return self.dot.encode("utf-8", "replace")
        if format == "json":
            return self.graph.to_json().encode()
        if format == "txt":
            return text.text(self.graph).encode("utf-8", "replace")
        if format not in FORMATS:
            raise FormatError(f"no format {format!r}: choose one of {', '.join(FORMATS)}")
        shapes = drawn(self.graph)
        if shapes > MOST_SHAPES and not self.insist:
            raise LayoutError(
                f"{shapes} shapes are more than the {MOST_SHAPES} that can be laid out in seconds "
                "and read: save as .dot, .json or .txt, draw less, or insist (--insist)",
                "too large",
            )
        drawing = layout(self.dot, format, self.timeout)
        self.note = drawing.note
        return drawing.data

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Writes the picture to `path`, in the format of its ending unless `format` says another.

        The file appears whole or not at all.
        """
        write_whole(path, self.render(format or format_of(path)))

    def __repr__(self) -> str:
        return text.text(self.graph, most=_MOST_LINES).rstrip("\n")

    def mimebundle(self, plain: str) -> dict[str, str]:
        """What a notebook shows: the SVG, or `plain` and the reason why there is none."""
        try:
            svg = self.render("svg").decode()
        except LayoutError as error:
            return {"text/plain": f"{plain}\n({error})"}
        # As wide as the notebook where it is wider than that, and never cut off.
        scaled = _SVG_SIZE.sub(r'\1 width="100%" style="max-width: \2pt; height: auto"', svg, 1)
        return {"image/svg+xml": scaled, "text/plain": plain}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.mimebundle(repr(self))


def draw(value: Value, *, timeout: float = 20.0, insist: bool = False) -> Picture:
    """The picture of the graph that `value` was computed by, as it is now.

    timeout: seconds that the layout may take. insist: lay out more than MOST_SHAPES too.
    """
    return Picture(graph(value), timeout=timeout, insist=insist)


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that a file name's ending stands for; FormatError if it stands for none."""
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        endings = ", ".join(f".{format}" for format in FORMATS)
        problem = f"the ending .{ending[:20]}" if ending else "a name without an ending"
        raise FormatError(f"{problem} says no format: use one of {endings}")
    return ending


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes the file so that nobody ever sees half of it: a neighbour is written, then renamed.

    A link is followed, and a file that is there keeps its permissions. OSError as from `open`.
    """
    if os.fspath(path).endswith(("/", os.sep)):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    mode = None
    with contextlib.suppress(FileNotFoundError):
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.W_OK):
            with open(path, "wb") as file:  # a device or a pipe; a folder or no right: OSError
                file.write(data)
            return
        mode = stat.S_IMODE(status.st_mode)
    target = os.path.realpath(path)
    neighbour = os.path.join(os.path.dirname(target), f".tinygrad-edu-{secrets.token_hex(8)}")
    try:
        handle = os.open(neighbour, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)
    except OSError as error:
        error.filename = os.fspath(path)  # the name that the caller knows
        raise
    try:
        with open(handle, "wb") as file:
            file.write(data)
        if mode is not None:
            os.chmod(neighbour, mode)
        os.replace(neighbour, target)
    except BaseException:
        os.unlink(neighbour)
        raise
