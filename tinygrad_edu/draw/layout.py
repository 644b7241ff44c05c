"""From DOT to a picture, by a process of its own.

An *engine* is the beginning of a command line that understands the flags of Graphviz' `dot`. The
first engine that exists is used: the program that TINYGRAD_EDU_DOT names, then the `dot` on the
PATH, then pygraphviz. If an engine hangs or crashes, this interpreter does not.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

from tinygrad_edu.draw.child import Done, run
from tinygrad_edu.draw.placement import Placement, Point

__all__ = [
    "ANSWER_SECONDS",
    "FONT_PROBE",
    "INSTEAD",
    "LONGEST_SECONDS",
    "MARK",
    "NOISE",
    "OVERRIDE",
    "PYGRAPHVIZ",
    "LayoutError",
    "layout",
    "one_line",
    "places",
]

OVERRIDE = "TINYGRAD_EDU_DOT"
ANSWER_SECONDS = 3.0  # for `dot -V`, which takes 0.01 where it works
LONGEST_SECONDS = 1e6  # poll() overflows at about 2e6

MARK = {
    "svg": b"<svg",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "plain": b"graph ",
    "json0": b"{",
}
NOISE = re.compile(
    r"Fontconfig |Warning: node .* too small for label|Warning: graph has \d+ nodes|.*-WARNING \*\*"
)
INSTEAD = "or save as .dot or .txt, which needs no Graphviz"

# Three labels of twenty characters. They have equal widths only if there is no font, and every
# character is the same empty box. In a font, W is wider than i, or the accents join their letters.
FONT_PROBE = "graph { node [shape=box]; " + "; ".join(["W" * 20, "i" * 20, "e\u0301" * 10]) + " }"

# In a separate process, because pygraphviz blocks the interpreter and ignores Ctrl-C. With -I, so
# that it does not import a graphviz.py or pygraphviz.py of the user, and -S, which is faster. The
# bindings to Graphviz alone are imported, not the rest of pygraphviz, which takes half of the time;
# on Windows, its __init__ says where the libraries are.
PYGRAPHVIZ = """\
import os, sys
folder, algorithm, format = sys.argv[1:]
sys.path.append(folder)
try:
    if sys.platform != "win32":
        package = sys.modules["pygraphviz"] = type(sys)("pygraphviz")
        package.__path__ = [os.path.join(folder, "pygraphviz")]
    from pygraphviz import _graphviz
    if not hasattr(_graphviz, "gvContextWithBuiltins"):
        sys.exit("pygraphviz 2 is needed")
    context, graph = _graphviz.gvContextWithBuiltins(), _graphviz.agread(sys.stdin, None)
    if _graphviz.gvLayout(context, graph, algorithm[2:].encode()):
        sys.exit("the layout failed")
    failed, drawn = _graphviz.gvRenderData(context, graph, format[2:].encode())
    if failed:
        sys.exit("the picture failed")
    sys.stdout.buffer.write(drawn)
except ImportError as error:
    sys.exit("no library: " + str(error))
except Exception as error:
    sys.exit(str(error))
"""
_NO_LIBRARY = re.compile(r"no library: (?P<which>[^:]*)")


class LayoutError(RuntimeError):
    """The reason why there is no picture, and what to do, in one line.

    reason: "missing", "timeout", "failed", "too large" or "no fonts". engine: its name, or ''.
    cause: if Graphviz is missing, why.
    """

    def __init__(
        self, message: str, reason: str = "failed", engine: str = "", cause: str = ""
    ) -> None:
        super().__init__(one_line(message, 400))
        self.reason, self.engine, self.cause = reason, engine, cause


class _Engine(NamedTuple):
    name: str
    command: list[str]


def layout(dot: str, format: str = "svg", timeout: float = 20.0, *, placed: bool = False) -> bytes:
    """This returns the graph that `dot` describes as svg, png, pdf, or json0, its layout alone.

    placed: `dot` has all positions, so none is computed. LayoutError if there is no Graphviz, if
    it fails, if it takes more than `timeout` seconds, or if this machine has no font, which a png
    and a pdf need. ValueError for another format, and for a `timeout` that is not positive.
    """
    if format not in ("svg", "png", "pdf", "json0"):
        raise ValueError(f"format must be svg, png or pdf, not {format!r}")
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout must be a positive number of seconds, not {timeout!r}")
    deadline = time.monotonic() + min(timeout, LONGEST_SECONDS)
    algorithm, engine = "nop2" if placed else "dot", _find_engine()
    try:
        try:
            return _drawn(engine, format, dot, deadline, algorithm)
        except LayoutError as error:  # only now is it asked whether it works at all
            path = engine.command[0]
            if engine.name != "dot" or (error.reason != "silent" and _answers(path, deadline)):
                raise
        engine = _find_engine(broken=path)
        return _drawn(engine, format, dot, deadline, algorithm)
    except subprocess.TimeoutExpired:
        problem = f"{engine.name} did not finish within {timeout:g} s; draw less, allow more time"
        raise LayoutError(f"{problem}, {INSTEAD}", "timeout", engine.name) from None


def places(dot: str, edges: int, timeout: float = 20.0) -> Placement:
    """This returns where Graphviz puts the nodes and the edges of `dot`, in whole points.

    Every node has a fixed size; edge number i of `edges` has the id i and no arrow head.
    LayoutError as in `layout`.
    """
    drawing = json.loads(layout(dot, "json0", timeout))
    _, _, right, top = map(float, drawing["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")
        return round(float(x)), round(top - float(y))

    boxes = {thing["name"]: point(thing["pos"]) for thing in drawing.get("objects", [])}
    curves: list[Sequence[Point]] = [()] * edges
    for thing in drawing.get("edges", []):
        first, *more = ([*map(point, part.split())] for part in thing["pos"].split(";"))
        # where Graphviz cut the curve, a part begins at the end of the part before
        curves[int(thing["id"])] = sum((part[1:] for part in more), first)
    return Placement(round(right), round(top), boxes, curves)


def _drawn(engine: _Engine, format: str, dot: str, deadline: float, algorithm: str) -> bytes:
    if format in ("png", "pdf"):
        _require_fonts(engine, format, deadline)
    return _draw(engine, format, dot, deadline, algorithm)


def _find_engine(broken: str = "") -> _Engine:
    """The first engine that exists. broken: the `dot` on the PATH, if it does not work."""
    override = os.environ.get(OVERRIDE, "")
    if override == "none":
        problem = f"{OVERRIDE}=none turned Graphviz off"
        message = f"no picture, because {problem}; unset it, {INSTEAD}"
        raise LayoutError(message, "missing", cause=problem)
    if override:
        if path := _which(override):
            return _Engine(OVERRIDE, [path])
        problem = f"{OVERRIDE} is {override[:100]!r}, which is not a program; correct or unset it"
        raise LayoutError(f"{problem}, {INSTEAD}", "failed", OVERRIDE)
    if sys.platform == "emscripten":  # Python in a browser
        problem = "no program can be started here"
        message = f"no picture, because {problem}; save as .svg of a smaller graph, {INSTEAD}"
        raise LayoutError(message, "missing", cause=problem)
    path = _which("dot")
    # Windows, or an empty entry of the PATH, may find it in the current folder: do not trust it.
    if path and os.path.isabs(path) and path != broken:
        return _Engine("dot", [path])
    if folder := _pygraphviz_folder():
        return _Engine("pygraphviz", [sys.executable, "-I", "-S", "-c", PYGRAPHVIZ, folder])
    problem = f"{path} does not work" if path else "Graphviz is not installed"
    advice = f"install it (graphviz.org/download), {INSTEAD}"
    raise LayoutError(f"no picture, because {problem}; {advice}", "missing", cause=problem)


def _which(program: str) -> str | None:
    """The path of a program that can be run, found on the PATH unless it names its folder."""
    if sys.platform == "win32":  # a name has several endings there
        import shutil  # late, for it imports all about archives

        return shutil.which(program)
    folders = [""] if os.path.dirname(program) else os.get_exec_path()
    paths = [os.path.join(folder, program) for folder in folders]
    return next((x for x in paths if os.path.isfile(x) and os.access(x, os.X_OK)), None)


def _answers(path: str, deadline: float) -> bool:
    seconds = min(ANSWER_SECONDS, (deadline - time.monotonic()) / 2)
    try:
        return _run([path, "-V"], b"", seconds).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _pygraphviz_folder() -> str:
    """The folder in which pygraphviz is installed, or ''."""
    if not sys.executable or getattr(sys, "frozen", False):  # there is no `python -c`
        return ""
    spec = find_spec("pygraphviz")
    if spec is not None and spec.origin and spec.submodule_search_locations:
        return os.path.dirname(os.path.dirname(spec.origin))
    # a file of the user may have this name
    return next((at for at in sys.path if os.path.isdir(os.path.join(at, "pygraphviz"))), "")


def _require_fonts(engine: _Engine, format: str, deadline: float) -> None:
    if sys.platform in ("win32", "darwin"):  # never without fonts
        return
    rows = [line.split() for line in _draw(engine, "plain", FONT_PROBE, deadline).splitlines()]
    if len({tuple(row[4:5]) for row in rows if row[:1] == [b"node"]}) == 1:  # their widths
        advice = "install one (Debian, Ubuntu: apt-get install fonts-dejavu-core) or save as .svg"
        problem = f"this machine has no font, which a {format} needs"
        raise LayoutError(f"{problem}; {advice}", "no fonts", engine.name)


def _draw(engine: _Engine, format: str, dot: str, deadline: float, algorithm: str = "dot") -> bytes:
    command = [*engine.command, f"-K{algorithm}", f"-T{format}"]
    try:
        doubted = engine.command if engine.name == "dot" else []
        done = _run(command, dot.encode("utf-8", "replace"), deadline - time.monotonic(), *doubted)
    except OSError as error:
        problem = f"{engine.name} does not start ({error.strerror}); repair it"
        raise LayoutError(f"{problem}, {INSTEAD}", "failed", engine.name) from error
    lines = done.stderr[:10_000].decode("utf-8", "replace").splitlines()
    lines = [line for line in lines if not NOISE.match(line)]
    # Where `dot` refuses a label, pygraphviz leaves it out and reports success.
    refused = done.returncode != 0 or any(line.startswith("Error:") for line in lines)
    if MARK[format] in done.stdout and not refused:
        return done.stdout
    if lacks := _NO_LIBRARY.match(lines[0] if lines else ""):
        problem = f"the system lacks {one_line(lacks['which'], 80)}, which pygraphviz needs"
        advice = "install Graphviz (Debian, Ubuntu: apt-get install graphviz)"
        message = f"no picture, because {problem}; {advice}, {INSTEAD}"
        raise LayoutError(message, "missing", engine.name, cause=problem)
    words = one_line(" ".join(lines), 200) or f"no {format} came back (exit {done.returncode})"
    problem = f"{engine.name} cannot draw this: {words}; correct it"
    raise LayoutError(f"{problem}, {INSTEAD}", "failed", engine.name)


def _run(command: list[str], data: bytes, seconds: float, doubted: str = "") -> Done:
    """The result of the command with `data` as its input; see `child.run`.

    doubted: the path of a `dot`; if it takes long, and does not even say its version, LayoutError,
    "silent".
    """
    deadline = time.monotonic() + seconds

    def doubt() -> None:
        if doubted and not _answers(doubted, deadline):
            raise LayoutError("dot does not answer", "silent", "dot")

    return run(command, data, seconds, doubt)


def one_line(text: str, most: int) -> str:
    """The text on one line, without control characters, cut after `most` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 3] + "..."
