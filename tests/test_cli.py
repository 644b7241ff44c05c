"""The command line when all is well: what each command prints, writes, notes and returns."""

from __future__ import annotations

import codecs
import html
import json
import os
import re
import shlex
import subprocess
import sys
import unicodedata
from importlib.metadata import entry_points, version
from itertools import pairwise
from math import tanh
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click
import pytest
from click.testing import CliRunner, Result
from conftest import posix

import tinygrad_edu
from tinygrad_edu.cli import main

SVG = "{http://www.w3.org/2000/svg}"
AT = ("--at", "x=2", "--at", "w=-3", "--at", "b=7")
NEURON = ("render", "tanh(x*w + b)", *AT)
SCRIPT = """\
from tinygrad_edu import Value
x = Value(3.0, label="x")
loss = x * x
loss.label = "loss"
"""
BACKWARD = f"{SCRIPT}loss.backward()\n"
DRAWN = """\
tanh = 0.7616  grad 1
└─ + = 1  grad 0.4200
   ├─ * = -6  grad 0.4200
   │  ├─ x = 2  grad -1.2599
   │  └─ w = -3  grad 0.8399
   └─ b = 7  grad 0.4200
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and a terminal of 80 columns that knows Unicode."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "TINYGRAD_EDU_DOT", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(main, list(args), prog_name="tinygrad-edu", catch_exceptions=False)


def output(*args: str) -> str:
    """What a command prints that succeeds and has nothing to remark."""
    result = run(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def remark(*args: str) -> str:
    """The one remark on stderr of a command that succeeds."""
    result = run(*args)
    assert result.exit_code == 0
    assert result.stdout
    assert result.stderr.startswith("Note: ")
    assert result.stderr.endswith("\n")
    assert result.stderr[:-1].isprintable()
    return result.stderr.removeprefix("Note: ").rstrip("\n")


def no_fonts(result: Result) -> bool:
    """Whether a machine without fonts said so, in place of a PNG or a PDF full of boxes."""
    return result.exit_code == 2 and "no font" in result.stderr


def process(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own; a variable that is set to '' is left out."""
    every = {**os.environ, **env}
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", *args],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={name: value for name, value in every.items() if value or name not in env},
    )


# Help

COMMANDS: dict[tuple[str, ...], click.Command] = {
    (): main,
    **{(name,): command for name, command in main.commands.items()},
}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(command: tuple[str, ...], flag: str) -> None:
    text = output(*command, flag)
    assert text.startswith(f"Usage: {' '.join(('tinygrad-edu', *command))} ")
    assert "Example" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_nothing_at_all_shows_the_help() -> None:
    assert output() == output("--help")


def test_every_option_has_help() -> None:
    for command in COMMANDS.values():
        options = [p for p in command.params if isinstance(p, click.Option)]
        assert all(option.help for option in options), command.name


EXAMPLES = [
    shlex.split(line)
    for command in COMMANDS.values()
    for line in (command.help or "").splitlines()
    if line.strip().startswith("tinygrad-edu ")
]


@pytest.mark.parametrize("words", EXAMPLES, ids=" ".join)
def test_the_examples_in_the_help_run(words: list[str], folder: Path) -> None:
    (folder / "lesson.py").write_text(re.sub(r"\by\b", "loss", GROUPS))
    result = run(*words[1:])
    if not no_fonts(result):
        steps = "Note: 6 steps and steps.svg are in 'slides'\n" if "--steps" in words else ""
        assert (result.exit_code, result.stderr) == (0, steps)
        written = [word for before, word in pairwise(words) if before == "-o" and word != "-"]
        written += ["slides/step-006.svg", "slides/steps.svg"] if steps else []
        assert all((folder / name).stat().st_size > 100 for name in written)
        assert result.stdout or written


def test_every_command_has_an_example() -> None:
    assert {name for words in EXAMPLES for name in words if name in main.commands} == set(
        main.commands
    )
    for name, command in main.commands.items():
        assert f"tinygrad-edu {name} " in (command.help or "")


def test_the_help_says_that_a_script_is_run() -> None:
    assert "is RUN" in output("render", "--help")


def test_version() -> None:
    assert output("--version") == f"tinygrad-edu, version {tinygrad_edu.__version__}\n"
    assert version("tinygrad-edu") == tinygrad_edu.__version__


def test_the_installed_command_is_this_one() -> None:
    (script,) = entry_points(group="console_scripts", name="tinygrad-edu")
    assert script.load() is main


# The drawing in the terminal


def test_without_a_file_the_graph_is_drawn_as_text() -> None:
    assert output(*NEURON) == DRAWN


def test_it_is_the_same_from_a_process() -> None:
    done = process(*NEURON)
    assert (done.returncode, done.stdout, done.stderr) == (0, DRAWN, "")


def test_an_expression_without_names_is_its_number() -> None:
    assert output("render", "2*3 + 1") == "7\n"


def test_a_script_s_value_is_drawn_as_the_script_left_it(folder: Path) -> None:
    (folder / "lesson.py").write_text(BACKWARD)
    assert output("render", "lesson.py:loss").startswith("loss (*) = 9  grad 1\n├─ x = 3  grad 6")
    assert output("render", "lesson.py:x").startswith("x = 3")
    assert output("render", f"{folder / 'lesson.py'}:loss") == output("render", "lesson.py:loss")


def test_a_script_runs_as_python_would_run_it(folder: Path) -> None:
    (folder / "lessons").mkdir()
    (folder / "lessons" / "beside.py").write_text("from tinygrad_edu import Value\nx = Value(3.0)")
    (folder / "lessons" / "lesson.py").write_text(
        "import sys\nfrom beside import x\n"
        "assert sys.argv == [__file__]\n"
        "if __name__ == '__main__':\n    y = x\n"
    )
    argv, path = list(sys.argv), list(sys.path)
    assert output("render", "lessons/lesson.py:y") == "x = 3\n"
    assert (sys.argv, sys.path) == (argv, path)
    del sys.modules["beside"]


def columns(line: str) -> int:
    """The columns of a terminal that a line takes."""
    return sum(
        0
        if unicodedata.combining(c) or unicodedata.category(c) == "Cf"
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in line
    )


@pytest.mark.parametrize("language", ["C.UTF-8", "C"])
def test_no_line_is_wider_than_the_terminal(
    language: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", language)
    (folder / "wide.py").write_text(
        "from tinygrad_edu import Value\n"
        "y = x = Value(1.23456e-99, label='漢字 e\u0301\u0301 a rather long label 漢字漢字漢字')\n"
        "for i in range(40):\n    y = y * x + 1e99\n    y.label = f'step {i} of the row'\n"
        "y.backward()\n",
        encoding="utf-8",
    )
    for width in (*range(20, 30), *range(30, 201, 17)):
        monkeypatch.setenv("COLUMNS", str(width))
        for target in (("wide.py:y",), (f"tanh({'-' * 30}x*w + b)", *AT)):
            lines = run("render", *target).stdout.split("\n")
            assert max(map(columns, lines)) <= width
            assert language == "C.UTF-8" or all(map(str.isascii, lines))


def test_a_wide_terminal_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = []
    for width in (40, 80, 160):
        monkeypatch.setenv("COLUMNS", str(width))
        widths.append(max(map(len, output("render", "-" * 60 + "x", "--at", "x=1").split("\n"))))
    assert widths == sorted(set(widths))


@posix
@pytest.mark.parametrize("env", [{"LANG": ""}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_a_plain_terminal_is_drawn_on_in_ascii(env: dict[str, str], folder: Path) -> None:
    (folder / "lesson.py").write_text(BACKWARD.replace('"loss"', '"\u2207é"'), encoding="utf-8")
    done = process("render", "lesson.py:loss", **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("\\u2207\\xe9 (*) = 9  grad 1\n|- x = 3  grad 6")


# Colour, on a real terminal


def terminal(*args: str, width: int = 80, stderr: int | None = None, **env: str) -> str:
    """What the command shows on a terminal of that many columns."""
    import fcntl
    import pty
    import struct
    import termios

    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    every = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "", **env}
    started = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", *args],
        stdin=its,
        stdout=its,
        stderr=its if stderr is None else stderr,
        env={name: value for name, value in every.items() if value or name in ("NO_COLOR",)},
    )
    os.close(its)
    shown = b""
    try:
        while read := os.read(ours, 65536):
            shown += read
    except OSError:  # what Linux says at the end
        pass
    os.close(ours)
    started.wait(60)
    return codecs.decode(shown, "utf-8").replace("\r\n", "\n")


def plain(shown: str) -> str:
    return re.sub(r"\033\[\d+m", "", shown)


@posix
def test_a_terminal_shows_colour() -> None:
    shown = terminal(*NEURON)
    assert "\033[" in shown
    assert plain(shown) == DRAWN
    assert shown.count("\033[0m") * 2 == len(re.findall(r"\033\[\d+m", shown))
    colors = {plain(line): set(re.findall(r"\033\[\d+m", line)) for line in shown.splitlines()}
    negative = colors["   │  ├─ x = 2  grad -1.2599"]
    positive = colors["   │  └─ w = -3  grad 0.8399"]
    assert negative - positive
    assert positive - negative


@posix
def test_a_plain_terminal_has_colour_but_no_boxes() -> None:
    shown = terminal(*NEURON, LANG="C", NO_COLOR="")  # which asks for nothing
    assert "\033[" in shown
    assert shown.isascii()


@posix
@pytest.mark.parametrize("env", [{"NO_COLOR": "0"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_that_wants_no_colour_gets_none(env: dict[str, str]) -> None:
    assert terminal(*NEURON, **env) == DRAWN


@posix
@pytest.mark.parametrize(("width", "says"), [(33, ""), (132, ""), (200, "50")])
def test_the_width_of_the_terminal_counts_unless_columns_is_set(width: int, says: str) -> None:
    shown = plain(terminal("render", f"tanh({'-' * 99}x)", "--at=x=1", width=width, COLUMNS=says))
    limit = int(says or width)
    assert limit / 2 < max(map(columns, shown.split("\n"))) <= limit


@posix
@pytest.mark.parametrize(
    ("width", "stderr"), [(40, None), (120, subprocess.DEVNULL)], ids=["seen", "not seen"]
)
def test_the_width_of_the_terminal_counts_for_scripts_too(
    width: int, stderr: int | None, folder: Path
) -> None:
    (folder / "lesson.py").write_text(
        "from tinygrad_edu import Value\ny = Value(1.0, label='x' * 300) * 2\ny.backward()\n"
    )
    shown = plain(terminal("render", "lesson.py:y", width=width, stderr=stderr))
    assert max(map(columns, shown.split("\n"))) == width


@posix
@pytest.mark.parametrize(("format", "more"), [("png", []), ("pdf", ["-o", "-"])], ids=str)
def test_a_terminal_is_spared_what_is_no_text(format: str, more: list[str]) -> None:
    shown = terminal(*NEURON, "--format", format, *more)
    assert shown == f"Error: a terminal cannot show {format}: name a file, -o FILE.{format}\n"


@posix
@pytest.mark.parametrize("format", ["svg", "txt"])
def test_a_terminal_may_show_a_format_that_is_text(format: str) -> None:
    shown = terminal(*NEURON, "--format", format)
    assert "\033" not in shown
    assert shown == output(*NEURON, "--format", format)


def test_what_is_not_a_terminal_gets_no_escape_codes() -> None:
    assert "\033" not in output(*NEURON)
    assert "\033" not in process(*NEURON, FORCE_COLOR="1", TERM="xterm-256color").stdout


# Files


def check_format(data: bytes, format: str) -> None:
    """That the data are a picture of the neuron in that format."""
    if format in ("png", "pdf"):
        assert data.startswith({"png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}[format])
        return
    text = data.decode()
    if format == "svg":
        words = {"".join(x.itertext()) for x in ElementTree.fromstring(data).iter(f"{SVG}text")}
        boxes = {"x", "w", "b", "x·w", "x·w + b", "tanh(…)"}
        assert boxes | {"0.7616", "-1.2599", "0.8399", "0.4200", "tanh(x*w + b)"} <= words
    elif format == "json":
        assert json.loads(text)["nodes"][-1]["op"] == "tanh"
    elif format == "txt":
        assert text == DRAWN
    elif format == "html":
        assert text.startswith("<!DOCTYPE html>")
    else:
        assert text.startswith("digraph")
        assert text.endswith("}\n")


FORMATS = ("svg", "png", "pdf", "html", "dot", "json", "txt")


@pytest.mark.parametrize("format", FORMATS)
def test_the_format_follows_the_ending_of_the_file(format: str, folder: Path) -> None:
    for name in (f"neuron.{format}", f"Neuron.old.{format.upper()}"):
        result = run(*NEURON, "-o", name)
        if not no_fonts(result):
            assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
            check_format((folder / name).read_bytes(), format)


@pytest.mark.parametrize("format", FORMATS)
def test_the_format_may_be_said(format: str, folder: Path) -> None:
    said = run(*NEURON, "-o", "neuron", "--format", format.upper())
    printed = run(*NEURON, "--format", format)
    if not no_fonts(said):
        assert (said.exit_code, said.stdout, said.stderr) == (0, "", "")
        check_format((folder / "neuron").read_bytes(), format)
        check_format(printed.stdout_bytes, format)


def test_standard_output_is_svg_unless_said() -> None:
    check_format(output(*NEURON, "-o", "-").encode(), "svg")
    for format in ("svg", "dot", "json", "txt"):
        printed = output(*NEURON, "-o", "-", "--format", format)
        check_format(printed.encode(), format)
        assert printed == output(*NEURON, "--format", format)


def test_standard_output_has_the_very_bytes(folder: Path) -> None:
    output(*NEURON, "-o", "neuron.txt")
    words = [sys.executable, "-m", "tinygrad_edu", *NEURON, "-o", "-", "--format", "txt"]
    printed = subprocess.run(words, stdout=subprocess.PIPE, timeout=60).stdout
    assert printed == (folder / "neuron.txt").read_bytes()


def test_an_ending_and_the_same_format_agree(folder: Path) -> None:
    output(*NEURON, "-o", "neuron.DOT", "--format", "dot")
    output(*NEURON, "-o", "neuron.data", "--format", "json")
    check_format((folder / "neuron.data").read_bytes(), "json")


def test_a_timeout_and_insistence_are_passed_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinygrad_edu.draw.picture.MOST_SHAPES", 50)
    (folder / "large.py").write_text(
        "from tinygrad_edu import Value\ny = x = Value(1.0)\n"
        "for i in range(60):\n    y = y + x\ny.backward()\n"
    )
    too_large = run("render", "large.py:y", "-o", "y.svg")
    assert too_large.exit_code == 2
    assert "--insist" in too_large.stderr
    insisted = run("render", "large.py:y", "-o", "y.svg", "--insist", "--timeout", "0.001")
    assert insisted.exit_code == 2
    assert "within 0.001 s" in insisted.stderr
    assert output("render", "large.py:y", "-o", "y.dot") == ""
    assert len(output("render", "large.py:y").splitlines()) > 60


# Remarks


@pytest.mark.parametrize(
    ("expression", "at", "words"),
    [
        ("log(x)", "0", "log(0) is -inf"),
        ("1/x + 1", "0", "1 / 0 is inf"),
        ("tanh(sqrt(x)) + 1", "-1", "sqrt(-1) is nan"),
        ("exp(x)", "1000", "exp(1000) is inf"),
        ("x + 1", "nan", "nan"),
        ("sqrt(x*x)", "0", "the derivative of sqrt(0)"),
        ("x**0.5", "0", "the derivative of 0**0.5"),
    ],
)
def test_the_first_number_that_is_not_finite_is_named(expression: str, at: str, words: str) -> None:
    args = ("render", expression, "--at", f"x={at}")
    assert words in remark(*args)
    assert words in remark(*args, "--format", "json")
    strict = run(*args, "--strict")
    assert (strict.exit_code, strict.stdout) == (2, "")
    assert strict.stderr.startswith("Error: ")
    assert words in strict.stderr


def test_strict_has_nothing_against_finite_numbers() -> None:
    assert output(*NEURON, "--strict") == DRAWN


def test_a_script_that_did_not_call_backward_is_noted(folder: Path) -> None:
    (folder / "lesson.py").write_text(SCRIPT)
    assert remark("render", "lesson.py:loss") == (
        "the script did not call backward(): these are the gradients that it would compute"
    )
    nodes = json.loads(run("render", "lesson.py:loss", "--format", "json").stdout)["nodes"]
    assert [node["grad"] for node in nodes] == [6, 1]
    steps = run("render", "lesson.py:loss", "--steps", "slides")
    assert (steps.exit_code, "backward" in steps.stderr) == (0, False)


def test_a_gradient_that_is_not_finite_is_noted_if_the_script_did_not_compute_it(
    folder: Path,
) -> None:
    """sqrt'(0) is infinite: 0 times infinity is nan, and the picture shows it."""
    script = "from tinygrad_edu import Value, sqrt\nx = Value(0.0)\ny = sqrt(x*x)\n"
    (folder / "lesson.py").write_text(script)
    (folder / "after.py").write_text(f"{script}y.backward()\n")
    for name in ("lesson.py:y", "after.py:y"):
        result = run("render", name)
        assert "grad nan" in result.stdout
        assert "sqrt(0)" in result.stderr
        assert "is not finite" in result.stderr
        assert run("render", name, "--strict").exit_code == 2


def test_a_stale_graph_is_noted(folder: Path) -> None:
    (folder / "lesson.py").write_text(f"{BACKWARD}x.data = 5\n")
    assert "set after" in remark("render", "lesson.py:loss")
    assert "set after" in run("render", "lesson.py:loss").stdout
    assert "set after" in run("render", "lesson.py:loss", "--format", "svg").stdout


def test_what_a_script_prints_goes_to_stderr(folder: Path) -> None:
    (folder / "lesson.py").write_text(f"print('epoch 1')\n{BACKWARD}print('epoch 2')\n")
    result = run("render", "lesson.py:loss", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["nodes"][0]["label"] == "x"
    assert result.stderr == "epoch 1\nepoch 2\n"


def test_a_drawing_that_was_scaled_is_noted(folder: Path) -> None:
    (folder / "large.py").write_text(
        "from tinygrad_edu import Value\ny = Value(1.0)\nfor i in range(150):\n    y = y.tanh()\n"
        "y.backward()\n"
    )
    result = run("render", "large.py:y", "-o", "y.png", "--fit", "none")
    if not no_fonts(result):
        assert result.exit_code == 0
        assert re.fullmatch(r"Note: drawn at \d+ dpi, not 144, .*\n", result.stderr)


TANHS = f"{'tanh(' * 30}x{')' * 30}"  # a long chain, whose numbers are small on a slide


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_letters_that_a_class_cannot_read_are_noted_once(format: str, folder: Path) -> None:
    words = ("render", TANHS, "--at", "x=1")
    result = run(*words, "-o", f"y.{format}", "-o", f"again.{format}", "--hide", "values")
    if not no_fonts(result):
        said = (
            r"Note: on a slide of 1280x720, numbers are \d+\.\d pixels high, less than the 18 .*\n"
        )
        assert result.exit_code == 0
        assert re.fullmatch(said, result.stderr)
        assert "--edges none" in result.stderr


def test_letters_of_text_and_data_are_not_noted(folder: Path) -> None:
    words = ("render", TANHS, "--at", "x=1")
    assert output(*words).startswith("tanh")
    for format in ("txt", "dot", "json"):
        assert output(*words, "--format", format)
    assert output(*words, "-o", "y.svg", "--fit", "none") == "", "this is no slide"


def test_a_picture_without_graphviz_is_noted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYGRAD_EDU_DOT", "none")
    result = run(*NEURON, "-o", "neuron.svg", "--hide", "values")
    assert result.exit_code == 0
    assert re.fullmatch(r"Note: .*Graphviz.*\n", result.stderr)
    assert "tanh(x*w + b)" in texts_of((folder / "neuron.svg").read_text())
    steps = run(*NEURON, "--steps", "slides")
    assert steps.exit_code == 0
    assert re.fullmatch(r"Note: 9 steps .*\nNote: .*Graphviz.*\n", steps.stderr)


# check


def table(stdout: str) -> dict[str, tuple[float, float, str]]:
    head, *lines = stdout.splitlines()
    assert re.split(r"  +", head) == ["name", "analytic", "numerical", "verdict"]
    rows = [re.split(r"  +", line, maxsplit=3) for line in lines]
    return {name: (float(ours), float(theirs), verdict) for name, ours, theirs, verdict in rows}


def test_check_compares_the_gradient_name_by_name() -> None:
    rows = table(output("check", "tanh(x*w + b)", *AT))
    assert list(rows) == ["x", "w", "b"]
    slope = 0.41997434161402614
    for name, expected in {"x": -3 * slope, "w": 2 * slope, "b": slope}.items():
        analytic, numerical, verdict = rows[name]
        assert verdict == "agrees"
        assert analytic == pytest.approx(expected, rel=1e-14)
        assert numerical == pytest.approx(expected, rel=1e-8)


def test_check_keeps_its_columns_apart() -> None:
    name = "a_rather_long_name"
    rows = table(
        output("check", f"{name}*x*1e-200", "--at", f"{name}=-1.1e-100", "--at", "x=1.1e-9")
    )
    assert list(rows) == [name, "x"]


@pytest.mark.parametrize(
    ("expression", "at", "verdict"),
    [
        ("x*x", "3", "agrees"),
        ("0*x", "3", "agrees"),
        ("-x**2", "-1e-3", "agrees"),
        ("exp(x)", "700", "agrees"),
        ("x*1e-300", "1", "agrees"),
        ("abs(x)", "0", "agrees"),
        ("max(x, 0)", "0", "agrees"),
        ("relu(x)", "0", "kink"),
        ("relu(x) + abs(x)", "0", "kink"),
        ("log(x)", "0", "no numerical derivative"),
        ("log(x)", "-1", "no numerical derivative"),
        ("sqrt(x)", "0", "no numerical derivative"),
        ("1/x", "0", "no numerical derivative"),
        ("x*x", "nan", "no numerical derivative"),
        ("sqrt(x*x)", "0", "differs"),
        ("x/x", "0", "no numerical derivative"),
    ],
)
def test_check_has_a_verdict_and_its_exit_code(expression: str, at: str, verdict: str) -> None:
    result = run("check", expression, "--at", f"x={at}")
    assert table(result.stdout)["x"][2] == verdict
    assert result.exit_code == (1 if verdict == "differs" else 0)
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("expression", "at"),
    [("sin(x)", "1e10"), ("sin(1e9*x)", "1"), ("1 + exp(-x)", "50"), ("1 + 1e-20*x", "1")],
)
def test_check_does_not_blame_a_gradient_that_is_right(expression: str, at: str) -> None:
    assert run("check", expression, "--at", f"x={at}").exit_code == 0


def test_check_does_not_take_infinity_for_a_number() -> None:
    analytic, numerical, verdict = table(run("check", "sqrt(x*x)", "--at", "x=1e-300").stdout)["x"]
    assert (analytic, numerical) == (float("inf"), 0.0)
    assert verdict != "agrees"


def test_check_differs_in_one_name_is_exit_code_1() -> None:
    result = run("check", "sqrt(x*x) + w", "--at", "w=1", "--at", "x=0")
    assert result.exit_code == 1
    assert [verdict for _, _, verdict in table(result.stdout).values()] == ["agrees", "differs"]


def test_check_of_no_expression_is_exit_code_2() -> None:
    for args in (["x^2", "--at", "x=1"], ["3"], ["x"], ["x", "--at", "x=1", "--at", "w=1"]):
        result = run("check", *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: ")


def test_check_of_a_script_computes_its_graph_again(tmp_path: Path) -> None:
    script = tmp_path / "s.py"
    script.write_text(
        "import math\nfrom tinygrad_edu import Value, tanh\n"
        "from tinygrad_edu.compat.micrograd.engine import Value as V\n"
        "x = Value(2.0, 'x'); y = tanh(x * 0.3) * x\n"
        "a = V(0.5); b = V(math.tanh(a.data), (a,), 'tanh')\n"
        "b._backward = lambda: None\n"
    )
    analytic, numerical, verdict = table(output("check", f"{script}:y"))["x"]
    expected = tanh(0.6) + 2 * 0.3 * (1 - tanh(0.6) ** 2)
    assert (analytic, numerical) == (pytest.approx(expected), pytest.approx(expected))
    assert verdict == "agrees"
    result = run("check", f"{script}:b")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "_backward of its own" in result.stderr
    assert "gradcheck" in result.stderr


# What is shown: --edges, --hide, --precision, --direction, --theme, --highlight, --role

# L = (a*b + c) * f: dL/da = f*b = 6, dL/db = f*a = -4, dL/dc = f = -2, dL/df = a*b + c = 4.
LOSS = "L = (a*b + c) * f"
L = ("render", LOSS, "--at", "a=2", "--at", "b=-3", "--at", "c=10", "--at", "f=-2")
ALL_EDGES = """\
L (*) = -8  grad 1
├─ v4 (+) = 4  grad -2  (local f = -2; 1 * (-2) = -2)
│  ├─ v2 (*) = -6  grad -2  (local 1; (-2) * 1 = -2)
│  │  ├─ a = 2  grad 6  (local b = -3; (-2) * (-3) = +6)
│  │  └─ b = -3  grad -4  (local a = 2; (-2) * 2 = -4)
│  └─ c = 10  grad -2  (local 1; (-2) * 1 = -2)
└─ f = -2  grad 4  (local v4 = 4; 1 * 4 = +4)
"""


def texts_of(svg: str) -> list[str]:
    """The texts on the paper, without those that are only read aloud."""
    return ["".join(x.itertext()) for x in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def words_of(svg: str) -> set[str]:
    return {word for text in texts_of(svg) for word in text.replace("\xa0", " ").split()}


def test_edges_say_the_local_derivative_and_the_contribution() -> None:
    assert output(*L, "--edges", "all") == ALL_EDGES
    assert output(*L, "--edges", "formula,numbers,local,contribution") == ALL_EDGES
    plain = re.sub(r"  \(local.*\)|v\d \(|(?<=[+*])\)(?= = -?[46]  grad -2)", "", ALL_EDGES)
    assert output(*L) == output(*L, "--edges", "none") == plain


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ("formula", "(local b)"),
        ("numbers", "(local -3)"),
        ("local", "(local -3)"),
        ("contribution", "((-2) * (-3) = +6)"),
        ("formula,local", "(local b = -3)"),
        ("local,formula", "(local b = -3)"),
        (" local , contribution ", "(local -3; (-2) * (-3) = +6)"),
    ],
)
def test_an_edge_says_what_it_is_asked_for(edges: str, said: str) -> None:
    (line,) = [line for line in output(*L, "--edges", edges).splitlines() if " a = 2 " in line]
    assert line == f"│  │  ├─ a = 2  grad 6  {said}"


def test_numbers_in_a_formula() -> None:
    # tanh(1) = 0.7616, 1 - tanh(1)**2 = 0.42
    text = output(*NEURON, "--edges", "all")
    assert "(local 1 - v5**2 = 1 - 0.7616**2 = 0.4200; 1 * 0.4200 = +0.4200)" in text


def test_contributions_are_added_up_where_they_arrive() -> None:
    text = output("render", "x*x + 3*x", "--at", "x=2", "--edges", "contribution")
    assert "x = 2  grad 7 = 3 + 2 + 2  #0  (1 * 2 = +2)" in text
    assert text.endswith("x = 2  #0 above  (1 * 3 = +3)\n")


def test_a_picture_says_what_flows_back_along_its_edges() -> None:
    svg = output(*L, "-o", "-")
    assert {"local", "= 6", "= -4", "= 4", "= -2", "-3", "× -2"} <= {*texts_of(svg)}
    assert not {"= 6", "local"} & {*texts_of(output(*L, "-o", "-", "--edges", "none"))}
    assert {"b", "v4"} <= words_of(output(*L, "-o", "-", "--edges", "formula"))


@pytest.mark.parametrize(
    ("hide", "blank", "seen"),
    [
        ("leaves", ["a = ____", "b = ____", "c = ____", "f = ____"], ["L (*) = -8", "grad 6"]),
        ("values", ["L (*) = ____", "+ = ____", "* = ____"], ["a = 2", "grad 6"]),
        ("grads", ["grad ____"], ["a = 2", "L (*) = -8"]),
        ("values,grads", ["+ = ____  grad ____"], ["a = 2  grad ____"]),
        ("all", ["a = ____  grad ____", "L (*) = ____  grad ____"], []),
        ("none", [], ["a = 2  grad 6"]),
    ],
)
def test_what_is_hidden_is_a_blank(hide: str, blank: list[str], seen: list[str]) -> None:
    text = output(*L, "--hide", hide)
    assert all(words in text for words in blank + seen)
    numbers = {"leaves": "= 10", "values": "-8", "grads": "grad 6", "all": "[0-9]"}
    assert hide not in numbers or not re.search(numbers[hide], text)


@pytest.mark.parametrize(
    ("hide", "numbers"),
    [
        ("values", {"0.7616", "0.7615941559557649"}),
        ("grads", {"1.2599", "0.8399", "1.2599230248420783", "0.8399486832280523"}),
        ("edges", {"0.7616**2"}),
        ("all", {"0.7616", "1.2599", "0.8399", "0.41997434161402614"}),
    ],
)
def test_what_is_hidden_is_nowhere_in_the_file(hide: str, numbers: set[str]) -> None:
    words = NEURON
    for format in ("svg", "dot", "txt"):
        shown = html.unescape(output(*words, "--edges", "all", "--format", format))
        hidden = (*words, "--edges", "all", "--hide", hide, "--format", format)
        drawn = html.unescape(output(*hidden))
        assert "____" in drawn
        assert any(number in shown for number in numbers)
        assert not [number for number in numbers if number in drawn]


def test_hidden_leaves_are_nowhere_in_the_file() -> None:
    given = ("render", "5*(x*w)", "--at", "x=2.125", "--at", "w=-3.875", "--edges", "all")
    defined = ("render", "x = 2.125; w = -3.875; 5*(x*w)", "--edges", "all")
    for words in (given, defined):
        for format in ("svg", "dot", "txt"):
            drawn = output(*words, "--hide", "leaves", "--format", format)
            assert "2.125" not in drawn
            assert "3.875" not in drawn


@pytest.mark.parametrize(
    ("precision", "value"), [("0", "0.7"), ("1", "0.7"), ("4", "0.6667"), ("12", "0.666666666667")]
)
def test_the_precision_is_that_of_every_number(precision: str, value: str) -> None:
    words = ("render", "x/3", "--at", "x=2", "--precision", precision)
    assert output(*words).startswith(f"/ = {value}  grad 1\n")
    assert output(*words, "--format", "txt").startswith(f"/ = {value}  grad 1\n")
    assert value in words_of(output(*words, "-o", "-"))
    assert json.loads(output(*words, "--format", "json"))["nodes"][-1]["data"] == 2 / 3


def size(svg: str) -> tuple[float, float]:
    found = re.match(r'<svg [^>]*width="(\d+)pt" height="(\d+)pt"', svg)
    assert found
    return float(found[1]), float(found[2])


def test_the_direction_turns_the_picture() -> None:
    wide = output(*NEURON, "-o", "-")
    assert wide == output(*NEURON, "-o", "-", "--direction", "lr")
    tall = output(*NEURON, "-o", "-", "--direction", "TB", "--no-legend", "--fit", "none")
    assert size(wide)[0] > 2 * size(wide)[1]
    assert size(tall)[1] > size(tall)[0]


def test_a_theme_is_on_paper_of_its_own() -> None:
    papers = {}
    for theme in ("light", "dark", "print", "contrast"):
        svg = output("render", "x*w", "--at", "x=2", "--at", "w=3", "-o", "-", "--theme", theme)
        paper = re.search(r'<rect width="\d+" height="\d+" fill="(#\w{6})"/>', svg)
        assert paper
        papers[theme] = paper[1]
        grey = set(re.findall(r'"#(\w{6})"', svg))
        assert theme != "print" or {len({c[:2], c[2:4], c[4:]}) for c in grey} == {1}
    assert (papers["light"], papers["print"], papers["contrast"]) == (
        "#ffffff",
        *["#ffffff", "#000000"],
    )
    assert int(papers["dark"][1:3], 16) < 64


def test_the_paths_from_a_name_are_highlighted() -> None:
    words = ("render", "x*w + b", "--at", "x=2", "--at", "w=3", "--at", "b=1", "-o", "-")
    root = ElementTree.fromstring(output(*words, "--highlight", "x"))
    parts = {part.get("id", ""): part for part in root.iter(f"{SVG}g")}

    def faint(name: str) -> bool:
        return any(line.get("stroke-dasharray") for line in parts[name].iter())

    assert not any(map(faint, ("n0", "n2", "n4", "e0_2_0", "e2_4_0")))
    assert all(map(faint, ("n1", "n3", "e1_2_1", "e3_4_1")))
    both = ElementTree.fromstring(output(*words, "--highlight", "x", "--highlight", "b"))
    parts = {part.get("id", ""): part for part in both.iter(f"{SVG}g")}
    assert faint("n1")
    assert not faint("n3")


def test_roles_are_told() -> None:
    roles = ("--role", "x=input", "--role", " w = parameter ", "--role", "L=loss")
    words = ("render", "L = x*w", "--at", "x=2", "--at", "w=3", *roles)
    text = output(*words)
    assert text == "L (*) = 6  grad 1  loss\n├─ x = 2  grad 3  input\n└─ w = 3  grad 2  parameter\n"
    assert [node["role"] for node in json.loads(output(*words, "--format", "json"))["nodes"]] == [
        *("input", "parameter", "loss")
    ]
    assert {"input", "parameter", "loss"} <= words_of(output(*words, "-o", "-"))


# How much is shown: --level, --wrt, --order, --update

GROUPS = """\
from tinygrad_edu import Value, group
x = Value(2.0, label="x")
with group("layer1"):
    with group("neuron1"):
        a = x * 3
    with group("neuron2"):
        b = x * 4
with group("layer2"):
    y = a * b
y.backward()
"""  # y = 12*x*x = 48, dy/dx = 24*x = 48: 4*6 = 24 by the first neuron, 3*8 = 24 by the second


@pytest.mark.parametrize(
    ("levels", "boxes"),
    [
        (["node"], []),
        (["neuron", "2", "7"], ["layer1/neuron1", "layer1/neuron2", "layer2"]),
        (["layer", "1"], ["layer1", "layer2"]),
        (["0"], ["the calculation"]),
    ],
    ids=str,
)
def test_a_level_collapses_groups(levels: list[str], boxes: list[str], folder: Path) -> None:
    (folder / "groups.py").write_text(GROUPS)
    for level in levels:
        words = ("render", "groups.py:y", "--level", level)
        drawing = json.loads(output(*words, "--format", "json"))
        nodes = {node["id"]: node for node in drawing["nodes"]}
        assert [n["label"] for n in nodes.values() if n["kind"] == "group"] == boxes
        assert sum(node["holds"] for node in nodes.values()) == 6
        (x,) = [node for node in nodes.values() if node["label"] == "x"]
        edges = [edge for edge in drawing["edges"] if edge["source"] == x["id"]]
        assert sum(edge["contribution"] for edge in edges) == x["grad"] == 48
        assert sum(edge["uses"] for edge in edges) == 2
        assert nodes[drawing["outputs"][-1]]["data"] == 48
        text = output(*words)
        assert all(box in text for box in boxes)
        assert {part for box in boxes for part in box.split()} <= words_of(
            output(*words, "-o", "-")
        )


def test_derivatives_are_in_the_same_picture() -> None:
    # x**3 at 2: 8, 3*x**2 = 12, 6*x = 12, 6
    words = ("render", "x**3", "--at", "x=2", "--wrt", "x")
    assert output(*words) == output(*words, "--order", "1")
    heads = [part.splitlines()[0] for part in output(*words, "--order", "3").split("\n\n")]
    assert [head.split(" = ")[1] for head in heads] == ["8", "12", "12", "6"]
    drawing = json.loads(output(*words, "--order", "2", "--format", "json"))
    assert [drawing["nodes"][i]["data"] for i in drawing["outputs"]] == [8, 12, 12]
    assert [drawing["nodes"][i]["label"] for i in drawing["outputs"]] == ["y", "dy/dx", "d2y/dx2"]
    assert sum(node["label"] == "x" for node in drawing["nodes"]) == 1, "one x for all"
    assert {"dy/dx", "d2y/dx2", "12"} <= words_of(output(*words, "--order", "2", "-o", "-"))


def test_a_script_s_derivative_is_drawn_too(folder: Path) -> None:
    (folder / "lesson.py").write_text(SCRIPT)
    drawing = json.loads(output("render", "lesson.py:loss", "--wrt", "x", "--format", "json"))
    assert [drawing["nodes"][i]["data"] for i in drawing["outputs"]] == [9, 6]


def test_before_and_after_an_update() -> None:
    # (x*w - 1)**2 at 2, 3 is 25, its derivative by w 2*(6-1)*2 = 20, by x 30
    words = ("render", "(x*w - 1)**2", "--at", "x=2", "--at", "w=3", "--update", "0.1")
    before, after = output(*words, "--role", "w=parameter").split("\n\n")
    assert before.startswith("before:\n** = 25  grad 1\n")
    assert "w = 3  grad 20  parameter" in before
    assert after.startswith("after:\n** = 1 (was 25)  grad 1\n")
    assert "w = 1 (was 3)  grad 4  parameter" in after
    assert "x = 2  grad 2\n" in after
    every = output(*words, "--role", "w=parameter,x=parameter").partition("after:")[2]
    assert "x = -1 (was 2)  grad" in every  # 2 - 0.1*30
    assert "w = 1 (was 3)  grad" in every  # 3 - 0.1*20
    two = json.loads(output(*words, "--role", "w=parameter", "--format", "json"))
    assert [graph["nodes"][-1]["data"] for graph in two] == [25, 1]
    drawn = texts_of(output(*words, "--role", "w=parameter", "-o", "-"))
    assert {"before", "after"} <= {*drawn}
    after_was = [after for was, after in pairwise(drawn) if was == "was"]
    assert after_was == ["30", "3", "20", "6", "10", "5", "10", "25"]


# Steps: numbered pictures, and one that plays


def places(svg: str) -> list[tuple[str, str]]:
    """Where every box is."""
    root = ElementTree.fromstring(svg)
    parts = [g for g in root.iter(f"{SVG}g") if g.get("class", "").startswith("node")]
    shapes = [(g.get("id", ""), shape) for g in parts for shape in g.iter(f"{SVG}rect")]
    return [(name, f"{shape.get('x')} {shape.get('y')}") for name, shape in shapes]


def test_each_step_is_a_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("render", "tanh(x*w)", "--at", "x=1", "--at", "w=2")
    result = run(*words, "--steps", "deep/slides")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Note: 6 steps and steps.svg are in 'deep/slides'\n"
    files = sorted((folder / "deep" / "slides").iterdir())
    # 2 operations, the output, 1 edge to tanh and 2 to the product
    assert [file.name for file in files] == [
        *(f"step-00{i}.svg" for i in range(1, 7)),
        "steps.svg",
    ]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert {name for name, _ in places(texts[0])} == {"n0", "n1", "n2", "n3"}
    assert len({tuple(places(text)) for text in texts[:6]}) == 1, "nothing moves"
    assert len({size(text) for text in texts[:6]}) == 1
    monkeypatch.setenv("COLUMNS", "500")
    lines = output("step", *words[1:], "--all").splitlines()[1:]
    assert len(lines) == 6
    for text, line in zip(texts, lines):
        assert f"<desc>{' '.join(line.split())}</desc>" in " ".join(html.unescape(text).split())
    film = texts[-1]
    assert "@keyframes" in film
    assert "<script" not in film
    assert not re.search(r'(?:href|src)="(?!#)|url\(|@import', film)


def test_steps_may_be_png(folder: Path) -> None:
    words = ("render", "x*w", "--at", "x=1", "--at", "w=2", "--steps", "slides", "--format", "png")
    result = run(*words)
    if not no_fonts(result):
        assert result.exit_code == 0
        files = sorted((folder / "slides").iterdir())
        assert [file.name for file in files] == [
            *(f"step-00{i}.png" for i in range(1, 5)),
            "steps.svg",
        ]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in files[:-1])
        assert len({file.read_bytes()[16:24] for file in files[:-1]}) == 1, "all equally large"


def test_a_script_s_steps(folder: Path) -> None:
    (folder / "lesson.py").write_text(BACKWARD)
    result = run("render", "lesson.py:loss", "--steps", "slides", "--theme", "dark")
    assert (result.exit_code, result.stderr) == (
        0,
        "Note: 4 steps and steps.svg are in 'slides'\n",
    )
    assert len(list((folder / "slides").iterdir())) == 5


# It does what the library does


def test_render_and_the_library_draw_the_same() -> None:
    from tinygrad_edu.reading.expression import expression

    numbers: dict[str, Any] = {"x": 2, "w": -3, "b": 7}
    value = expression("tanh(x*w + b)", numbers)
    value.backward()
    drawing = value.draw()
    assert drawing.text(width=80) == output(*NEURON)
    for format in ("dot", "json", "txt"):
        assert drawing.render(format).decode() == output(*NEURON, "--format", format)
