"""Layout engines: real processes, the broken ones included; which engine, which error, in time."""

from __future__ import annotations

import gc
import json
import os
import shlex
import signal
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import REAL_PATH, RUN_A_PROCESS, linux, posix, skip_if_ignored

from tinygrad_edu import Value, sin, tanh
from tinygrad_edu.draw import layout as module
from tinygrad_edu.draw.layout import LayoutError, layout, places

ROOT = Path(__file__).parents[1]
DOT = 'digraph { a [label="tanh \N{PARTIAL DIFFERENTIAL}"]; b [label=<x &lt; <B>y</B>>]; a -> b }'
HANGS = "time.sleep(10**6)"  # a test that waits for it does not end


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH on which nothing is installed but what a test puts there, and real processes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("TINYGRAD_EDU_DOT", raising=False)
    monkeypatch.setattr(module, "_run", RUN_A_PROCESS)
    return folder


@pytest.fixture
def system_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", REAL_PATH)


@pytest.fixture
def no_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}/none</dir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))


@pytest.fixture
def fake_dot(bin_folder: Path) -> Callable[..., Path]:
    """Put a `dot` on the PATH that answers `dot -V` well and then runs a few lines of Python."""

    def write(body: str, version: str = "sys.exit(0)") -> Path:
        program, script = bin_folder / "dot", bin_folder / "dot.py"
        script.write_text(
            "import fcntl, os, subprocess, sys, time\n"
            f"if sys.argv[1] == '-V': {version}\n"
            f"here = {str(bin_folder)!r}\n"
            f"{body}\n"
        )
        command = shlex.join([sys.executable, "-I", str(script)])
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
        return program

    return write


def error_of(dot: str = DOT, format: str = "svg", timeout: float = 20.0) -> LayoutError:
    with pytest.raises(LayoutError) as caught:
        layout(dot, format, timeout)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= 400
    return caught.value


def texts(svg: bytes) -> set[str]:
    return {"".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if "text" in e.tag}


def png_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[16:24])
    return width, height


# --- pygraphviz, which the package depends on ----------------------------------------------------


def test_svg_has_every_label_whole() -> None:
    assert {"tanh \N{PARTIAL DIFFERENTIAL}", "x < ", "y"} <= texts(layout(DOT))


def test_json0_is_the_layout_alone() -> None:
    laid_out = json.loads(layout(DOT, "json0"))
    assert [thing["name"] for thing in laid_out["objects"]] == ["a", "b"]
    assert all({"pos", "width", "height"} <= set(thing) for thing in laid_out["objects"])
    (edge,) = laid_out["edges"]
    assert edge["pos"].startswith("e,")
    assert len(laid_out["bb"].split(",")) == 4


PLACED = """digraph {
    a [pos="27,18" width=0.75 height=0.5]; b [pos="327,118" width=0.75 height=0.5]
    a -> b [pos="e,300,100 50,20 100,40 200,80 290,98"]
}"""


def centres(svg: bytes) -> list[tuple[float, float]]:
    shapes = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}ellipse")
    return [(float(shape.get("cx", "")), float(shape.get("cy", ""))) for shape in shapes]


def test_what_is_placed_stays_in_its_place() -> None:
    (ax, ay), (bx, by) = centres(layout(PLACED, placed=True))
    assert (bx - ax, by - ay) == (300, -100)
    (ax, _), (bx, _) = centres(layout(PLACED))
    assert bx - ax != 300


def test_a_layout_can_be_drawn_as_it_was_laid_out() -> None:
    text = 'digraph { rankdir=LR; a -> b; a -> c; c -> b [label="w"]; }'
    places = {thing["name"]: thing["pos"] for thing in json.loads(layout(text, "json0"))["objects"]}
    again = "digraph { " + "; ".join(f'{n} [pos="{p}"]' for n, p in places.items()) + " }"
    assert sum(centres(layout(again, placed=True)), ()) == pytest.approx(
        sum(centres(layout(text)), ()), abs=4
    )


@pytest.mark.machine
@pytest.mark.usefixtures("system_dot")
def test_the_systems_dot_keeps_what_is_placed_too() -> None:
    (ax, ay), (bx, by) = centres(layout(PLACED, placed=True))
    assert (bx - ax, by - ay) == (300, -100)
    assert json.loads(layout(DOT, "json0"))["objects"]


def laid_out(boxes: dict[str, str], edges: dict[int, str]) -> str:
    """An answer of Graphviz in the format json0, on a page of 300 x 200 points."""
    answer = {
        "bb": "0,0,300,200",
        "objects": [{"name": name, "pos": pos} for name, pos in boxes.items()],
        "edges": [{"id": str(i), "pos": pos} for i, pos in edges.items()],
    }
    return f"print({json.dumps(json.dumps(answer))})"


@posix
def test_places_are_whole_points_from_the_top_left_corner(fake_dot: Callable[..., Path]) -> None:
    boxes = {"a": "27,18", "b": "100.4,181.6"}
    edges = {1: "20,20.4 30,40 50,60 70,80", 0: "0,200 1,2 3,4 300,0;300,0 5,6 7,8 9,10"}
    fake_dot(laid_out(boxes, edges))
    width, height, centres, curves = places("digraph { }", 3)
    assert (width, height) == (300, 200)
    assert centres == {"a": (27, 182), "b": (100, 18)}
    whole = [(0, 0), (1, 198), (3, 196), (300, 200), (5, 194), (7, 192), (9, 190)]
    # Edges have the numbers of their ids, in whatever order they come; one was left out.
    assert list(map(list, curves)) == [whole, [(20, 180), (30, 160), (50, 140), (70, 120)], []]


def test_places_of_a_chain_are_in_a_row() -> None:
    look = 'node [shape=box width=1 height=0.5 label="" fixedsize=true]; edge [dir=none]'
    text = f"digraph {{ rankdir=LR ranksep=1; {look}; a -> b [id=0]; b -> c [id=1] }}"
    width, height, centres, curves = places(text, 2)
    # three boxes of 72 points and two gaps of 72
    assert (width, height) == (5 * 72, 36)
    assert centres == {"a": (36, 18), "b": (180, 18), "c": (324, 18)}
    assert [len(curve) % 3 for curve in curves] == [1, 1]
    assert {y for curve in curves for _, y in curve} == {18}


@pytest.mark.machine
def test_a_png_of_what_is_placed() -> None:
    narrow, wide = layout(PLACED, "png", placed=True), layout(PLACED, "png")
    assert png_size(narrow)[0] == pytest.approx((354 + 8) / 72 * 96, abs=8)
    assert png_size(wide) != png_size(narrow)


@pytest.mark.parametrize("format", ["json", "dot", "plain", "svg:cairo", "", "SVG"])
def test_a_format_that_is_none_of_its_own(format: str) -> None:
    for placed in (False, True):
        with pytest.raises(ValueError, match="format must be svg, png or pdf"):
            layout(DOT, format, placed=placed)


def test_what_is_placed_is_drawn_in_time() -> None:
    with pytest.raises(LayoutError, match="did not finish within 1e-09 s") as caught:
        layout(PLACED, timeout=1e-9, placed=True)
    assert caught.value.reason == "timeout"


def test_same_dot_gives_same_svg() -> None:
    assert layout(DOT) == layout(DOT)


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_a_picture_has_letters_or_the_error_names_the_package_to_install(format: str) -> None:
    try:
        data = layout(DOT, format)
    except LayoutError as caught:
        error = caught
    else:
        assert data.startswith(module.MARK[format])
        return
    assert error.reason == "no fonts"
    assert "fonts-dejavu-core" in str(error)


@pytest.mark.machine
def test_with_fonts_there_are_png_and_pdf() -> None:
    assert layout(DOT, "png").startswith(b"\x89PNG")
    assert layout(DOT, "pdf").startswith(b"%PDF")


def test_threads() -> None:
    results: list[bytes] = []
    threads = [threading.Thread(target=lambda: results.append(layout(DOT))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_lone_surrogates_are_replaced() -> None:
    assert "a?b" in texts(layout('digraph { "a\ud800b" }'))


def test_text_that_is_a_file_name_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x.dot").write_text(DOT)
    assert "syntax error" in str(error_of(str(tmp_path / "x.dot")))


def test_a_large_drawing_goes_through_the_pipes() -> None:
    nodes = "; ".join(f'n{i} [label="{"w" * 1000}"]' for i in range(150))
    assert len(texts(layout(f"digraph {{ {nodes} }}"))) == 1


@pytest.mark.parametrize(
    ("dot", "words"),
    [
        ("digraph { a ->", "syntax error in line 1"),
        ("digraph { a [label=<<b>x</i>>] }", "mismatched tag"),
        ('digraph { a [shape=record label="{a|"] }', "bad label format"),
        ("", "bad input data"),
    ],
)
def test_bad_dot_fails_in_graphviz_own_words(dot: str, words: str) -> None:
    error = error_of(dot)
    assert (error.reason, error.engine) == ("failed", "pygraphviz")
    assert words in str(error)
    assert "Traceback" not in str(error)
    assert "ontconfig" not in str(error)


def test_files_of_the_user_are_not_imported_in_place_of_the_library(tmp_path: Path) -> None:
    for name in ("graphviz", "pygraphviz", "shlex", "_graphviz"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    code = (
        "import sys; from tinygrad_edu.draw.layout import layout;"
        "print(layout('digraph { a }').decode());"
        "assert 'pygraphviz' not in sys.modules; assert 'graphviz' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in done.stdout


def test_pygraphviz_is_found_where_only_the_parent_looks() -> None:
    spec = find_spec("pygraphviz")
    assert spec
    assert spec.origin
    folders = [str(ROOT), str(Path(spec.origin).parents[1])]
    code = (
        f"import sys; sys.path += {folders!r};"
        "from tinygrad_edu.draw.layout import layout; print(layout('digraph { a }').decode())"
    )
    python = getattr(sys, "_base_executable", sys.executable)  # outside the virtual environment
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True)
    assert "<svg" in done.stdout, done.stderr


# --- which engine --------------------------------------------------------------------------------


def test_none_turns_pictures_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    error = error_of()
    assert (error.reason, error.engine) == ("missing", "")
    assert "TINYGRAD_EDU_DOT" in str(error)
    assert ".dot" in str(error)
    assert ".txt" in str(error)


def test_an_override_that_is_not_there_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = tmp_path / "notes\x1b.txt"
    plain.write_text("not executable")
    for path in (tmp_path / "nowhere", plain, tmp_path):
        monkeypatch.setenv("TINYGRAD_EDU_DOT", str(path))
        error = error_of()
        assert error.reason == "failed", "what somebody asked for is not left out in silence"
        assert "TINYGRAD_EDU_DOT" in str(error)


@posix
def test_an_override_that_is_no_program_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "mydot"
    program.write_bytes(b"\x00\x01not a program")
    program.chmod(0o755)
    monkeypatch.setenv("TINYGRAD_EDU_DOT", str(program))
    error = error_of()
    assert error.reason == "failed"
    assert "TINYGRAD_EDU_DOT" in str(error)


@posix
def test_the_override_comes_before_the_path(
    monkeypatch: pytest.MonkeyPatch, fake_dot: Callable[..., Path], tmp_path: Path
) -> None:
    mine = fake_dot("print('<svg>mine</svg>')").rename(tmp_path / "mydot")
    monkeypatch.setenv("TINYGRAD_EDU_DOT", str(mine))
    assert layout(DOT) == b"<svg>mine</svg>\n"


@posix
def test_dot_comes_before_pygraphviz_and_reads_only_its_input(
    fake_dot: Callable[..., Path], bin_folder: Path
) -> None:
    fake_dot("print('<svg>', sys.argv[1:], sys.stdin.read(), '</svg>')")
    assert layout("graph { \N{PARTIAL DIFFERENTIAL} }").decode() == (
        "<svg> ['-Kdot', '-Tsvg'] graph { \N{PARTIAL DIFFERENTIAL} } </svg>\n"
    )
    assert sorted(os.listdir(bin_folder)) == ["dot", "dot.py"]


@posix
@pytest.mark.parametrize("version", ["sys.exit(1)", "os.abort()", HANGS])
def test_a_broken_dot_is_passed_over(fake_dot: Callable[..., Path], version: str) -> None:
    fake_dot(version, version)
    assert "tanh \N{PARTIAL DIFFERENTIAL}" in texts(layout(DOT))


@posix
def test_a_hanging_dot_leaves_pygraphviz_half_of_a_short_time(
    fake_dot: Callable[..., Path],
) -> None:
    fake_dot(HANGS, version=HANGS)
    assert layout(DOT, timeout=2)


@posix
def test_a_dot_that_draws_is_asked_nothing_else(fake_dot: Callable[..., Path]) -> None:
    """A second process would take as long as the layout of a small graph."""
    fake_dot("print('<svg>drawn</svg>')", version=HANGS)
    assert layout(DOT) == b"<svg>drawn</svg>\n"


@posix
def test_a_dot_that_is_no_program_is_passed_over(bin_folder: Path) -> None:
    (bin_folder / "dot").write_bytes(b"\x00\x01not a program")
    (bin_folder / "dot").chmod(0o755)
    assert layout(DOT).count(b"<svg") == 1


@posix
def test_a_dot_in_the_working_directory_is_not_run(
    fake_dot: Callable[..., Path], bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot("print('<svg>planted</svg>')")
    monkeypatch.chdir(bin_folder)
    monkeypatch.setenv("PATH", f".{os.pathsep}")
    assert b"planted" not in layout(DOT)


def test_no_engine_at_all() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tinygrad_edu.draw.layout import layout, LayoutError\n"
        "try: layout('digraph { a }')\n"
        "except LayoutError as error: print(error.reason, error.engine, error)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT)], capture_output=True, text=True
    )
    assert done.stdout.startswith("missing  no picture, because Graphviz is not installed;")
    assert "graphviz.org" in done.stdout
    assert ".dot" in done.stdout
    assert ".txt" in done.stdout


# --- engines that fail ---------------------------------------------------------------------------


@posix
def test_the_words_of_a_failing_dot_are_passed_on_in_one_clean_line(
    fake_dot: Callable[..., Path],
) -> None:
    fake_dot(
        "print('<svg>half')\n"
        "sys.stderr.write('Fontconfig warning: noise\\nError: bad\\x1b[31m thing\\nin line 7\\n')\n"
        "sys.stderr.write('x' * 100_000)\n"
        "sys.exit(3)"
    )
    error = error_of()
    assert (error.reason, error.engine) == ("failed", "dot")
    assert "Error: bad [31m thing in line 7 xxx" in str(error)
    assert "noise" not in str(error)
    assert str(error).endswith("needs no Graphviz")


@posix
@pytest.mark.parametrize(
    ("body", "format"),
    [
        ("", "svg"),
        ("print('garbage')", "svg"),
        ("sys.exit(1)", "png"),
        ("os.abort()", "svg"),
        ("os.write(1, bytes(256))", "pdf"),
        ("print('graph <svg> %PDF'); sys.exit(3)", "svg"),
        ("print('graph <svg> %PDF'); sys.exit(3)", "pdf"),
    ],
)
def test_only_a_picture_is_taken_for_one(
    fake_dot: Callable[..., Path], body: str, format: str
) -> None:
    fake_dot(body)
    error = error_of(format=format)
    assert (error.reason, error.engine) == ("failed", "dot")


@posix
def test_a_dot_that_reads_nothing(
    fake_dot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_dot("print('<svg/>')")
    complaints: list[object] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    assert layout("x" * 10_000_000) == b"<svg/>\n"
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(5)
    assert not complaints


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_timeout_must_be_positive_and_finite(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        layout(DOT, timeout=timeout)


def test_a_very_long_timeout() -> None:
    assert layout(DOT, timeout=1e300)


def test_format_must_be_known() -> None:
    with pytest.raises(ValueError, match="svg, png or pdf"):
        layout(DOT, "exe; rm")


def test_pygraphviz_is_stopped_in_time() -> None:
    edges = "; ".join(f"{i} -> {j}" for i in range(120) for j in range(i))  # it takes minutes
    error = error_of(f"digraph {{ {edges} }}", timeout=0.3)
    assert (error.reason, error.engine) == ("timeout", "pygraphviz")
    assert "0.3 s" in str(error)


CHILD_HANGS = (  # it holds a lock and the pipes until it is dead
    "code = 'import fcntl, os, sys, time; f = open(sys.argv[1], \"w\");'\n"
    "code += 'fcntl.flock(f, fcntl.LOCK_EX); os.{leave}; print(1, file=f, flush=True);'\n"
    "code += 'time.sleep({seconds})'\n"
    "child = subprocess.Popen([sys.executable, '-I', '-c', code, here + '/lock'])\n"
    "{then}"
)


def locked(path: Path) -> bool:
    if sys.platform == "win32":
        raise NotImplementedError
    import fcntl

    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def wait_until_free(lock: Path) -> None:
    """The system takes a while to end a process that was killed."""
    for _ in range(500):
        if not locked(lock):
            return
        time.sleep(0.01)
    raise AssertionError("it still holds its lock")


@posix
@pytest.mark.parametrize("dot", [DOT, "x" * 1_000_000])
def test_a_hanging_dot_is_killed_in_time(fake_dot: Callable[..., Path], dot: str) -> None:
    fake_dot(HANGS)
    error = error_of(dot, timeout=2)
    assert (error.reason, error.engine) == ("timeout", "dot")


@posix
def test_a_timeout_leaves_no_pipe_open(fake_dot: Callable[..., Path]) -> None:
    fake_dot(HANGS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        error_of(timeout=2)
        gc.collect()
    assert not caught


@posix
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_the_timeout_is_for_the_whole_call(fake_dot: Callable[..., Path], format: str) -> None:
    fake_dot(
        "time.sleep(0.5)\n"
        "print('graph <svg width=\"9pt\" height=\"9pt\"> %PDF') if sys.argv[2] != '-Tpng' else 0\n"
        f"{HANGS} if sys.argv[2] != '-Tplain' else 0"
    )
    assert error_of(format=format, timeout=1.5).reason == "timeout"


@posix
@pytest.mark.parametrize("then", ["child.wait()", "print('<svg/>')"])
def test_the_children_of_a_dot_are_killed_with_it(
    fake_dot: Callable[..., Path], bin_folder: Path, then: str
) -> None:
    fake_dot(CHILD_HANGS.format(leave="getpid()", seconds=60, then=then))
    assert error_of(timeout=1.5).reason == "timeout"
    assert (bin_folder / "lock").read_text() == "1\n"
    wait_until_free(bin_folder / "lock")


@posix
def test_a_grandchild_that_escapes_with_the_pipes_does_not_hold_up_the_answer(
    fake_dot: Callable[..., Path], bin_folder: Path
) -> None:
    fake_dot(CHILD_HANGS.format(leave="setsid()", seconds=6, then="child.wait()"))
    assert error_of("x" * 1_000_000, timeout=1.5).reason == "timeout"
    assert locked(bin_folder / "lock")


@posix
def test_ctrl_c_kills_the_engine_too(fake_dot: Callable[..., Path], bin_folder: Path) -> None:
    fake_dot(CHILD_HANGS.format(leave="getpid()", seconds=60, then="child.wait()"))
    code = "from tinygrad_edu.draw.layout import layout; layout('digraph { a }')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    python = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True
    )
    lock = bin_folder / "lock"
    while not lock.exists() or not lock.read_text():
        assert python.poll() is None
        time.sleep(0.01)
    python.send_signal(signal.SIGINT)
    _, words = python.communicate(timeout=5)
    assert "KeyboardInterrupt" in words
    wait_until_free(lock)


@linux
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGINT])
def test_the_engine_ends_with_its_parent(
    fake_dot: Callable[..., Path], bin_folder: Path, how: signal.Signals
) -> None:
    skip_if_ignored(how)
    fake_dot(
        "f = open(here + '/lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        f"print(1, file=f, flush=True)\n{HANGS}"
    )
    code = "from tinygrad_edu.draw.layout import layout; layout('digraph { a }')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    python = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE)
    lock = bin_folder / "lock"
    while not lock.exists() or not lock.read_text():
        assert python.poll() is None
        time.sleep(0.01)
    python.send_signal(how)
    python.communicate(timeout=5)
    wait_until_free(lock)


WITHOUT_END = {  # what an engine does, and the reasons that the error may have
    "prints": ("while True: sys.stdout.write('x' * 65536)", {"failed"}),
    "complains": ("while True: sys.stderr.write('x' * 65536)", {"failed"}),
    "allocates": ("x = []\nwhile True: x.append(bytearray(2**26))", {"failed", "timeout"}),
    "forks": ("while True: os.fork() or time.sleep(60); time.sleep(0.01)", {"timeout"}),
}


@linux
@pytest.mark.machine
@pytest.mark.parametrize("name", WITHOUT_END)
def test_an_engine_without_end_takes_no_memory_here_and_is_ended(
    fake_dot: Callable[..., Path], name: str
) -> None:
    """This process stays under 300 MB, and has an answer in time."""
    body, reasons = WITHOUT_END[name]
    fake_dot(body)
    code = (
        "import re\n"
        "from tinygrad_edu.draw.layout import LayoutError, layout\n"
        "try:\n    layout('digraph { a }', timeout=4.0)\n"
        "except LayoutError as error:\n    print(error.reason)\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    said, megabytes = done.stdout.split()
    assert said in reasons
    assert int(megabytes) < 300


@linux
def test_a_library_that_the_system_lacks_is_named_and_small_graphs_are_drawn_without(
    tmp_path: Path,
) -> None:
    """A bare container has pygraphviz' wheel, but not all of the libraries that it needs."""
    package = tmp_path / "pygraphviz"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_graphviz.py").write_text(
        "raise ImportError('libgobject-2.0.so.0: cannot open shared object file: No such file')"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}", "PATH": ""}
    command = [sys.executable, "-m", "tinygrad_edu", "render", "x*w", "--at", "x=2", "--at", "w=3"]
    drawn, refused = (
        subprocess.run(
            [*command, "-o", str(tmp_path / f"y.{kind}")],
            env=environment,
            capture_output=True,
            text=True,
        )
        for kind in ("svg", "png")
    )
    assert drawn.returncode == 0
    assert (tmp_path / "y.svg").read_text().count("<svg") == 1
    assert "the system lacks libgobject-2.0.so.0, which pygraphviz needs" in drawn.stderr
    assert refused.returncode == 2
    assert "apt-get install graphviz" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


# --- fonts -------------------------------------------------------------------------------------


@linux
@pytest.mark.usefixtures("no_fonts")
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_without_fonts_the_error_says_what_to_install(format: str) -> None:
    error = error_of(format=format)
    assert error.reason == "no fonts"
    assert error.engine == "pygraphviz"
    assert "fonts-dejavu-core" in str(error)
    assert ".svg" in str(error)


@pytest.mark.usefixtures("no_fonts")
def test_without_fonts_an_svg_has_its_text() -> None:
    assert "tanh \N{PARTIAL DIFFERENTIAL}" in texts(layout(DOT))


# --- what depends on the machine -----------------------------------------------------------------


@linux
@pytest.mark.machine
def test_a_monospaced_font_is_a_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fonts = sorted(Path("/usr/share/fonts").rglob("*Mono*.ttf"))
    assert fonts, "install fonts-dejavu-core, or deselect the tests marked machine"
    (tmp_path / "mono.ttf").symlink_to(fonts[0])
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}</dir></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    assert layout(DOT, "png")


@pytest.mark.machine
@pytest.mark.usefixtures("system_dot")
def test_system_dot_draws_the_same_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = layout(DOT)
    monkeypatch.setenv("PATH", "")
    assert texts(drawn) == texts(layout(DOT))


@pytest.mark.machine
@pytest.mark.usefixtures("system_dot")
@pytest.mark.parametrize("dot", ["digraph { a ->", "digraph { a [label=<<b>x</i>>] }"])
def test_system_dot_refuses_bad_dot(dot: str) -> None:
    error = error_of(dot)
    assert (error.reason, error.engine) == ("failed", "dot")


@linux
@pytest.mark.machine
@pytest.mark.usefixtures("system_dot", "no_fonts")
@pytest.mark.parametrize("format", ["png", "pdf"])
def test_system_dot_without_fonts(format: str) -> None:
    error = error_of(format=format)
    assert (error.reason, error.engine) == ("no fonts", "dot")


STEPS: dict[str, Callable[[Value, Value, Value], Value]] = {
    "tanh(w*y + w*x + w)": lambda y, x, w: tanh(w * y + w * x + w),
    "Newton's step": lambda y, x, w: y - (y * y - x) / (2 * y),
    "y*x + w": lambda y, x, w: y * x + w,
    "tanh(y*1.1) + x": lambda y, x, w: tanh(y * 1.1) + x,
    "sin(y) + x": lambda y, x, w: sin(y) + x,
}


@pytest.mark.parametrize("name", STEPS)
def test_a_recurrence_of_forty_steps_is_laid_out_in_the_time_that_a_picture_has(
    name: str, tmp_path: Path
) -> None:
    """One leaf used at each step of a chain: without limits, Graphviz searches for minutes."""
    x, w, y = Value(0.3, label="x"), Value(0.7, label="w"), Value(0.5, label="y0")
    for _ in range(40):
        y = STEPS[name](y, x, w)
    y.draw().save(tmp_path / "y.svg")
    assert (tmp_path / "y.svg").read_text().endswith("</svg>\n")
