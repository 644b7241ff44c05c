"""`tinygrad-edu compile`: tables and programs at the shell, and what is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_emit import in_its_own, in_this_process

import tinygrad_edu
from tinygrad_edu.cli import main
from tinygrad_edu.compiler.languages import program
from tinygrad_edu.compiler.tape.table import table
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.reading.expression import expression

AT = ("--at", "x=2", "--at", "w=-3", "--at", "b=7")
NEURON = "tanh(x*w + b)"
SCRIPT = """\
from tinygrad_edu import Value, Op
x, w = Value(3.0, label="x"), Value(0.5)
loss = x * w + x
own = Op("own", abs, lambda y, a: 1.0)(x)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and a terminal of 80 columns that knows Unicode."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "LC_ALL", "LC_CTYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "lesson.py").write_text(SCRIPT)
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(main, ["compile", *args], prog_name="tinygrad-edu")


def output(*args: str) -> str:
    result = run(*args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def recorded(text: str, **numbers: float) -> tuple[Any, list[Any]]:
    y = expression(text, numbers)
    leaves = list(record([y]).leaves)
    return record([y], leaves), leaves


@pytest.mark.quick
def test_a_table_is_the_librarys() -> None:
    tape, _ = recorded(NEURON, x=2, w=-3, b=7)
    assert output(NEURON, *AT) == output(NEURON, *AT, "--to", "table") == table(tape)
    assert output(NEURON, *AT, "--precision", "2") == table(tape, precision=2)


@pytest.mark.quick
@pytest.mark.parametrize("language", ["python", "c", "javascript"])
def test_a_program_is_the_librarys(language: str, folder: Path) -> None:
    tape, leaves = recorded(NEURON, x=2, w=-3, b=7)
    text = program(tape, leaves, language)
    assert output(NEURON, *AT, "--to", language) == text
    assert output(NEURON, *AT, "--to", language.upper(), "-o", "-") == text
    assert output(NEURON, *AT, "--to", language, "-o", "made") == ""
    assert (folder / "made").read_text() == text
    assert sorted(os.listdir(folder)) == ["lesson.py", "made"]


def test_numbers_may_be_left_out() -> None:
    shown = output(NEURON)
    assert shown.startswith("id  name  formula\n0   x     given\n")
    some = run(NEURON, "--at", "x=2")
    assert "number" not in some.stdout
    assert some.stderr == (
        "Note: no numbers are shown, because w, b have none: add --at w=NUMBER --at b=NUMBER\n"
    )
    assert "given = [2, None, None]" in output(NEURON, "--at", "x=2", "--to", "python")
    assert "given = [None, None]" in output("c = a*x; c + c", "--to", "python")


def test_one_differentiates_by_what_one_names() -> None:
    lines = output(NEURON, *AT, "--wrt", "w", "--wrt", "x").splitlines()
    assert [line.split()[1] for line in lines[7:]] == ["d_v5", "d_v4", "d_v2", "d_x", "d_w"]
    text = output(NEURON, "--wrt", "w", "--to", "javascript")
    assert 'results = ["v5", "d_w"]' in text


def test_a_script_is_compiled_as_it_left_its_value() -> None:
    shown = output("lesson.py:loss")
    lines = [line.split() for line in shown.splitlines()]
    assert lines[:3] == [
        ["id", "name", "formula", "number"],
        ["0", "x", "given", "3"],
        ["1", "w", "given", "0.5"],
    ]
    assert "d_w" in output("lesson.py:loss", "--wrt", "w")
    assert "given = [3, 0.5]" in output("lesson.py:loss", "--to", "python")


@pytest.mark.parametrize(
    ("file", "language"),
    [("n.py", "python"), ("n.C", "c"), ("n.js", "javascript"), ("n.cjs", "javascript")],
)
def test_the_ending_says_the_language(file: str, language: str, folder: Path) -> None:
    for more in ([], ["--to", language]):
        assert output(NEURON, *AT, *more, "-o", file) == ""
        assert (folder / file).read_text() == output(NEURON, *AT, "--to", language)
    for other in ("n.txt", "n"):
        assert output(NEURON, *AT, "-o", other) == ""
        assert (folder / other).read_text() == output(NEURON, *AT)
    assert "unknown ending .log: choose .py, .c" in run(NEURON, *AT, "-o", "n.log").stderr


def test_an_es_module_exports(folder: Path) -> None:
    output("(a*b + c)*f", "-o", "n.mjs")
    assert "export { f_, f_ as default };" in (folder / "n.mjs").read_text()


def test_arguments_come_in_the_order_of_the_expression() -> None:
    shown = output("s = x*w; b + s + mask(0, q)", "--to", "python", "--at", "q=7")
    assert "def f(x, w, b, q):" in shown
    assert "given = [None, None, None, 7]" in shown
    assert 'results = ["v6", "d_x", "d_w", "d_b", "d_q"]' in shown
    assert "d_q" in output("b + mask(0, q)", "--to", "python", "--wrt", "q")


@pytest.mark.parametrize("command", ["compile", "render"])
def test_the_script_is_not_written_over(command: str, folder: Path) -> None:
    """By whatever name it goes."""
    places = ["lesson.py", "./lesson.py", str(folder / "lesson.py"), "again.py"]
    os.link("lesson.py", "again.py")
    if os.name == "posix":
        os.symlink("lesson.py", "link.py")
        places.append("link.py")
    if os.path.exists("LESSON.PY"):
        places.append("LESSON.PY")
    more = ["--format", "svg"] if command == "render" else []
    for place in places:
        result = CliRunner().invoke(main, [command, "lesson.py:loss", *more, "-o", place])
        assert result.exit_code == 2
        assert "is read by this command, and would be lost" in result.stderr
        assert (result.stderr.count("\n"), result.stdout) == (1, "")
    assert (folder / "lesson.py").read_text() == SCRIPT


def test_a_table_goes_to_a_file_as_it_is_and_to_a_narrow_terminal_folded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    shown = output("tanh(alpha*beta + gamma)")
    assert max(map(len, shown.splitlines())) <= 24
    assert output("tanh(alpha*beta + gamma)", "-o", "t.txt") == ""
    text = (folder / "t.txt").read_text()
    assert text.split() == shown.split()
    assert max(map(len, text.splitlines())) > 24


def test_a_terminal_without_unicode_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C")
    assert "\\u03b7" in output("η * 2")
    assert output("η * 2", "--to", "python").count("η") > 1


def test_the_program_runs(folder: Path) -> None:
    assert output(NEURON, *AT, "--wrt", "w", "--to", "python", "-o", "neuron.py") == ""
    where = os.path.dirname(os.path.dirname(tinygrad_edu.__file__))
    done = subprocess.run(
        [sys.executable, "neuron.py"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": where},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "v5 0.7615941559557649\nd_w 0.839948683228052\n"


RUN = {"python": "py", "javascript": "js", "javascript module": "mjs", "c": "c"}


@pytest.mark.parametrize("language", RUN)
def test_a_program_without_numbers_asks_for_them(language: str, folder: Path) -> None:
    def made(*args: str) -> list[str]:
        file = f"made.{RUN[language]}"
        assert output(*args, "-o", file) == ""
        if language == "python":
            return [sys.executable, file]
        tool = shutil.which("cc" if language == "c" else "node")
        if tool is None:
            pytest.skip(f"there is nothing to run {language}")
        if language != "c":
            return [tool, file]
        subprocess.run([tool, "-Wall", "-Wextra", "-Werror", file, "-lm"], check=True)
        return ["./a.out"]

    def answer(command: list[str], *words: str) -> tuple[int, str, str]:
        if language == "python":
            return in_this_process((folder / command[1]).read_text(encoding="utf-8"), *words)
        return in_its_own(command, *words)

    command = made("x*w + b*0")
    for words, lacking in (([], "x"), (["w=2", "b=1"], "x"), (["1", "2"], "b")):
        code, told, error = answer(command, *words)
        assert (code, told) == (2, "")
        assert re.fullmatch(rf"{lacking} has no number; usage: .+ x w b\n", error)
    assert answer(command, "2", "b=7", "w=3")[:2] == (0, "v6 6\nd_x 3\nd_w 2\nd_b 0\n")
    command = made("x*w", "--at", "w=3")
    assert answer(command)[2].startswith("x has no number; usage: ")
    assert answer(command, "2") == (0, "v2 6\nd_x 3\nd_w 2\n", "")
    assert "Where a number is left out, it is this one: w=3.0" in "".join(
        (folder / f"made.{RUN[language]}").read_text().splitlines()[:5]
    )
    assert answer(made("x = 2; y = 3*x")) == (0, "y 6\nd_x 3\n", "")


@pytest.mark.quick
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["x*", "--to", "c"], "cannot read 'x*'"),
        (["x*w", "--wrt", "z"], "unknown name 'z': choose x, w"),
        (["c = x*w; c*c", "--wrt", "c"], "'c' is computed: differentiate by one of x, w"),
        (["x*w", "--wrt", "x", "--wrt", "x"], "--wrt has the same name twice"),
        (["x*w", "--at", "y=2"], "y has a number but is not in the expression"),
        (["x*w", "--at", "x=one"], "'one' is not a number"),
        (["f(x)"], "unknown function 'f' at character 1: write f*(x)"),
        (
            ["x*w", "--to", "fortran"],
            "unknown language 'fortran': choose python, c, javascript, table",
        ),
        (["x*w", "--to", "c", "-o", "n.py"], "the ending .py and --to c disagree"),
        (["x*w", "--to", "table", "-o", "n.js"], "the ending .js and --to table disagree"),
        (["x*w", "--to", "python", "-o", "n.txt"], "the ending .txt and --to python disagree"),
        (["x*w", "-o", "no/such/folder"], "cannot write no/such/folder"),
        (["lesson.py:nothing"], "defines no 'nothing'"),
        (["lesson.py:loss", "--at", "q=1"], "unknown name 'q': choose x, w"),
        (["lesson.py:own", "--to", "c"], "own is an operation of your own"),
        ([""], "the expression is empty"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(args: list[str], words: str, folder: Path) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert result.stderr.startswith("Error: ")
    assert (result.stderr.count("\n"), result.stdout) == (1, "")
    assert os.listdir(folder) == ["lesson.py"]
