"""The README is true: its sessions are run, its table is the table of operations."""

import ast
import doctest
import os
import re
import shlex
import subprocess
import sys
from math import tanh
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tinygrad_edu.cli import main
from tinygrad_edu.nn.init import manual_seed
from tinygrad_edu.ops import TABLE
from tinygrad_edu.rows.formula import derivative_formulas, formula

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", README, re.DOTALL)


def rows() -> str:
    """The rows of the README's table, as the table of operations says them."""
    lines = ["| name | y | d y / d a | d y / d b |", "|---|---|---|---|"]
    for op in TABLE.values():
        cells = [formula(op), *derivative_formulas(op), ""][:3]
        lines.append(" | ".join([f"| `{op.name}`", *(f"`{c}`" if c else "" for c in cells)]) + " |")
    return "\n".join(lines) + "\n"


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")
def test_python_sessions_print_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(README, {}, "README.md", None, 0)
    assert len(test.examples) > 20
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    runner.run(test, out=report.append)
    assert not report
    assert (tmp_path / "neuron.svg").read_text().startswith("<svg ")


@pytest.mark.parametrize("session", CONSOLE)
def test_commands_print_what_they_say(session, monkeypatch, tmp_path):
    """CI types them in a real shell, all of them and in order: see `.ci/readme`."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.chdir(tmp_path)
    parts = re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]
    if os.name == "nt" and not all(part.startswith("tinygrad-edu ") for part in parts):
        pytest.skip("these are words of a POSIX shell")
    for part in parts:
        command, _, expected = part.partition("\n")
        if command.startswith("tinygrad-edu "):
            done = CliRunner().invoke(main, shlex.split(command.removeprefix("tinygrad-edu")))
            assert done.output == expected
        else:  # a command of the shell, or of Python
            environment = {**os.environ, "PATH": os.path.dirname(sys.executable)}
            environment["PATH"] += os.pathsep + os.environ["PATH"]
            done = subprocess.run(
                command, shell=True, env=environment, capture_output=True, text=True, check=True
            )
            assert done.stdout == expected


def test_what_stands_beside_pytorch_runs_and_does_the_same(tmp_path, monkeypatch):
    """The right column, from top to bottom, after the imports above it."""
    monkeypatch.chdir(tmp_path)
    manual_seed(0)  # as in a new process
    before, _, rest = README.partition("<!-- PyTorch beside -->\n")
    session = before.rpartition("```pycon\n")[2].partition("```")[0]
    rows = re.findall(r"^\| `(.*)` \| `(.*)` \|$", rest.partition("<!-- end -->")[0], re.MULTILINE)
    assert len(rows) >= 12
    names: dict[str, Any] = {}
    exec("\n".join(line.removeprefix(">>> ") for line in session.splitlines()), names)
    found = {}
    for theirs, ours in rows:
        compile(theirs, "PyTorch's", "exec")
        *statements, last = ast.parse(ours).body
        exec(compile(ast.Module(statements, []), ours, "exec"), names)
        if isinstance(last, ast.Expr):
            found[ours] = eval(compile(ast.Expression(last.value), ours, "eval"), names)
        else:
            exec(compile(ast.Module([last], []), ours, "exec"), names)
    slope = tanh(2) + 2 * (1 - tanh(2) ** 2)
    assert found["z.backward(); x.grad"] == pytest.approx(slope)
    assert found["gradient(z, [x])"][0].data == pytest.approx(slope)
    assert names["scheduler"].get_last_lr() == [0.1]
    history = found[next(ours for _, ours in rows if ours.startswith("train("))]
    assert history.epochs == 99
    assert history.losses[-1] < 0.01
    answers = found["model.predict(X)"]
    assert [round(answer) for (answer,) in answers] == [0, 1, 1, 0]
    assert names["model"].predict(names["X"]) == answers  # saved and loaded


@pytest.mark.quick
def test_the_table_of_operations_is_that_of_the_code():
    text = README.partition("<!-- the table of operations -->\n")[2].partition("<!-- end -->")[0]
    assert text == rows(), f"put these lines there:\n{rows()}"


def test_the_picture_is_what_the_first_command_makes():
    """The gallery's picture of that name is what the gallery's command makes: test_diagrams."""
    gallery = (ROOT / "diagrams" / "README.md").read_text(encoding="utf-8")
    assert "](diagrams/neuron.svg)" in README.partition("```")[0]
    command = next(line for line in README.splitlines() if "tinygrad-edu render" in line)
    command = command[command.index("tinygrad-edu render") :].removesuffix("neuron.svg")
    assert f"\n{command}diagrams/neuron.svg\n" in gallery
