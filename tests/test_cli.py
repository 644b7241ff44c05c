"""The command line when all is well: what each command prints, writes, notes and returns."""

from __future__ import annotations

import codecs
import json
import os
import re
import shlex
import subprocess
import sys
import unicodedata
from importlib.metadata import entry_points, version
from itertools import pairwise
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
└─ + = 1  grad 0.42
   ├─ * = -6  grad 0.42
   │  ├─ x = 2  grad -1.2599
   │  └─ w = -3  grad 0.8399
   └─ b = 7  grad 0.42
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
    (folder / "lesson.py").write_text(BACKWARD)
    result = run(*words[1:])
    if not no_fonts(result):
        assert (result.exit_code, result.stderr) == (0, "")
        written = [word for before, word in pairwise(words) if before == "-o" and word != "-"]
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


# Completion with the Tab key


@posix
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(shell: str) -> None:
    done = process(_TINYGRAD_EDU_COMPLETE=f"{shell}_source")
    assert done.returncode == 0
    assert "_TINYGRAD_EDU_COMPLETE" in done.stdout
    assert f"{shell}_complete" in done.stdout
    assert "_TINYGRAD_EDU_COMPLETE=bash_source" in output("--help")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("tinygrad-edu ", {"render", "check"}),
        ("tinygrad-edu re", {"render"}),
        ("tinygrad-edu render --fo", {"--format"}),
        ("tinygrad-edu render x --format ", {"svg", "png", "pdf", "dot", "json", "txt"}),
        ("tinygrad-edu render -x*w --format p", {"png", "pdf"}),
        ("tinygrad-edu check --a", {"--at"}),
    ],
)
def test_words_are_completed(typed: str, completed: set[str]) -> None:
    words = typed.split(" ")
    done = process(
        _TINYGRAD_EDU_COMPLETE="bash_complete",
        COMP_WORDS=" ".join(word for word in words if word),
        COMP_CWORD=str(len(words) - 1),
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == completed
    assert done.stderr == ""


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
    assert output("render", "lessons/lesson.py:y") == "3\n"
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
    for width in range(20, 201):
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
@pytest.mark.parametrize(
    "env",
    [
        {"LANG": "C"},
        {"LANG": "POSIX"},
        {"LANG": ""},
        {"LC_ALL": "C", "LANG": "en_US.UTF-8"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=str,
)
def test_a_plain_terminal_is_drawn_on_in_ascii(env: dict[str, str], folder: Path) -> None:
    (folder / "lesson.py").write_text(BACKWARD.replace('"loss"', '"\u2207é"'), encoding="utf-8")
    done = process("render", "lesson.py:loss", **env)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
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


@posix
def test_the_sign_of_a_gradient_has_a_colour() -> None:
    lines = terminal(*NEURON).splitlines()
    colors = {plain(line): set(re.findall(r"\033\[\d+m", line)) for line in lines}
    negative = colors["   │  ├─ x = 2  grad -1.2599"]
    positive = colors["   │  └─ w = -3  grad 0.8399"]
    assert negative - positive
    assert positive - negative


@posix
@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"NO_COLOR": "0"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_that_wants_no_colour_gets_none(env: dict[str, str]) -> None:
    assert terminal(*NEURON, **env) == DRAWN


@posix
def test_an_empty_no_color_is_none() -> None:
    assert "\033[" in terminal(*NEURON, NO_COLOR="")


@posix
@pytest.mark.parametrize("width", [20, 33, 50, 80, 132])
def test_the_width_of_the_terminal_counts(width: int) -> None:
    shown = plain(terminal("render", f"tanh({'-' * 20}x*w + b)", *AT, width=width))
    assert max(map(columns, shown.split("\n"))) <= width
    assert "tanh" in shown or "ta" in shown


@posix
@pytest.mark.parametrize("width", [40, 120])
@pytest.mark.parametrize("stderr", [None, subprocess.DEVNULL], ids=["seen", "not seen"])
def test_the_width_of_the_terminal_counts_for_scripts_too(
    width: int, stderr: int | None, folder: Path
) -> None:
    (folder / "lesson.py").write_text(
        "from tinygrad_edu import Value\ny = Value(1.0, label='x' * 300) * 2\ny.backward()\n"
    )
    shown = plain(terminal("render", "lesson.py:y", width=width, stderr=stderr))
    assert max(map(columns, shown.split("\n"))) == width


@posix
def test_columns_count_for_more_than_the_terminal() -> None:
    expression = f"{'-' * 30}x"
    narrow = plain(terminal("render", expression, "--at", "x=1", width=200, COLUMNS="50"))
    assert max(map(columns, narrow.split("\n"))) <= 50


@posix
def test_a_plain_terminal_has_colour_but_no_boxes() -> None:
    shown = terminal(*NEURON, LANG="C")
    assert "\033[" in shown
    assert shown.isascii()


@posix
@pytest.mark.parametrize("format", ["png", "pdf"])
@pytest.mark.parametrize("more", [[], ["-o", "-"]], ids=str)
def test_a_terminal_is_spared_what_is_no_text(format: str, more: list[str]) -> None:
    shown = terminal(*NEURON, "--format", format, *more)
    assert shown == f"Error: {format} is not for a terminal: name a file, -o FILE.{format}\n"


@posix
@pytest.mark.parametrize("format", ["svg", "dot", "json", "txt"])
def test_a_terminal_may_show_a_format_that_is_text(format: str) -> None:
    shown = terminal(*NEURON, "--format", format)
    assert "\033" not in shown
    assert shown == process(*NEURON, "--format", format).stdout


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
        assert {"x", "w", "b", "tanh", "*", "+", "0.7616", "-1.2599", "0.8399", "0.42"} <= words
    elif format == "json":
        assert json.loads(text)["nodes"][-1]["op"] == "tanh"
    elif format == "txt":
        assert text == DRAWN
    else:
        assert text.startswith("digraph")
        assert text.endswith("}\n")


FORMATS = ("svg", "png", "pdf", "dot", "json", "txt")


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
    for format in ("dot", "json", "txt"):
        output(*NEURON, "-o", f"neuron.{format}")
        words = [sys.executable, "-m", "tinygrad_edu", *NEURON, "-o", "-", "--format", format]
        printed = subprocess.run(words, stdout=subprocess.PIPE, timeout=60).stdout
        assert printed == (folder / f"neuron.{format}").read_bytes()


def test_an_ending_and_the_same_format_agree(folder: Path) -> None:
    output(*NEURON, "-o", "neuron.DOT", "--format", "dot")
    output(*NEURON, "-o", "neuron.data", "--format", "json")
    check_format((folder / "neuron.data").read_bytes(), "json")


def test_a_timeout_and_insistence_are_passed_on(folder: Path) -> None:
    (folder / "large.py").write_text(
        "from tinygrad_edu import Value\ny = x = Value(1.0)\n"
        "for i in range(2600):\n    y = y + x\ny.backward()\n"
    )
    too_large = run("render", "large.py:y", "-o", "y.svg")
    assert too_large.exit_code == 2
    assert "--insist" in too_large.stderr
    insisted = run("render", "large.py:y", "-o", "y.svg", "--insist", "--timeout", "0.05")
    assert insisted.exit_code == 2
    assert "within 0.05 s" in insisted.stderr
    assert output("render", "large.py:y", "-o", "y.dot") == ""
    assert len(output("render", "large.py:y").splitlines()) > 2600


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
    assert "did not call backward()" in remark("render", "lesson.py:loss")
    assert "grad" not in run("render", "lesson.py:loss").stdout
    nodes = json.loads(run("render", "lesson.py:loss", "--format", "json").stdout)["nodes"]
    assert [node["grad"] for node in nodes] == [None, None]


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
    result = run("render", "large.py:y", "-o", "y.png")
    if not no_fonts(result):
        assert result.exit_code == 0
        assert re.fullmatch(r"Note: drawn at \d+ dpi, not 144, .*\n", result.stderr)


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
    assert process("check", "sqrt(x*x)", "--at", "x=0").returncode == 1


def test_check_of_no_expression_is_exit_code_2() -> None:
    for args in (["x^2", "--at", "x=1"], ["3"], ["x"], ["x", "--at", "x=1", "--at", "w=1"]):
        result = run("check", *args)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: ")


# It does what the library does


def test_render_and_the_library_draw_the_same() -> None:
    from tinygrad_edu.expression import expression

    numbers: dict[str, Any] = {"x": 2, "w": -3, "b": 7}
    value = expression("tanh(x*w + b)", numbers)
    value.backward()
    drawing = value.draw()
    assert drawing.text(width=80) == output(*NEURON)
    for format in ("dot", "json", "txt"):
        assert drawing.render(format).decode() == output(*NEURON, "--format", format)
