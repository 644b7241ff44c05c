"""The README is true: its sessions are run, its table is the table of operations."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinygrad_edu.cli import main
from tinygrad_edu.formula import derivative_formulas, formula
from tinygrad_edu.ops import TABLE

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
    assert (tmp_path / "neuron.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("session", CONSOLE)
def test_commands_print_what_they_say(session, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    command, _, expected = session.partition("\n")
    words = shlex.split(command.removeprefix("$ tinygrad-edu"))
    assert CliRunner().invoke(main, words).output == expected


def test_the_table_of_operations_is_that_of_the_code():
    text = README.partition("<!-- the table of operations -->\n")[2].partition("<!-- end -->")[0]
    assert text == rows()


def test_the_picture_is_what_the_first_command_makes():
    command = next(line for line in README.splitlines() if "tinygrad-edu render" in line)
    words = shlex.split(command.partition("tinygrad-edu render")[2])
    words = [word for word in words if word not in ("-o", "neuron.svg")]
    made = CliRunner().invoke(main, ["render", *words, "--format", "dot"]).output
    assert made == (ROOT / "diagrams" / "neuron.dot").read_text(encoding="utf-8")
