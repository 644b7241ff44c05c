"""What a process loads: a name, or a command, imports what it needs and nothing else."""

from __future__ import annotations

import ast
import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu
from tinygrad_edu.cli import main

DOOR = Path(tinygrad_edu.__file__)
HEAVY = {"click", "graphviz", "pygraphviz", "numpy", "matplotlib", "llvmlite", "subprocess"}
HEAVY |= {"IPython", "sklearn", "multiprocessing"}
DEAR = {"decimal", "difflib", "json", "random", "textwrap", "traceback"}  # what few users need


def loaded(program: str, *arguments: str) -> set[str]:
    """The modules in a new process after the program, beyond those of an empty one."""
    text = f"import sys\nbefore = set(sys.modules)\ntry:\n    {program}\nexcept SystemExit: pass\n"
    text += "print('\\n', *sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(DOOR.parent.parent)},
    )
    return set(done.stdout.splitlines()[-1].split())


def ours(modules: set[str]) -> set[str]:
    """The files of the package among them, without `tinygrad_edu.`."""
    return {name.partition(".")[2] for name in modules if name.startswith("tinygrad_edu.")}


def test_the_package_alone_loads_next_to_nothing() -> None:
    found = loaded("import tinygrad_edu")
    assert ours(found) == {"habits", "habits.imports", "hooks"}
    assert not {name.split(".")[0] for name in found} & (HEAVY | DEAR | {"ast", "inspect"})


def test_a_value_loads_the_table_and_the_engine() -> None:
    found = loaded("from tinygrad_edu import Value, relu, where, group, no_grad, TABLE")
    assert {"engine", "ops"} <= ours(found)
    assert not {name.split(".")[0] for name in found} & (HEAVY | DEAR)
    rooms = {name.split(".")[0] for name in ours(found)}
    assert not rooms & {"analysis", "compiler", "draw", "history", "nn", "reading"}


@pytest.mark.parametrize(
    ("name", "room"),
    [("graph", "analysis"), ("explain", "analysis"), ("compile", "compiler"), ("nn", "nn")],
)
def test_another_name_loads_its_own_room(name: str, room: str) -> None:
    rooms = {each.split(".")[0] for each in ours(loaded(f"from tinygrad_edu import {name}"))}
    assert room in rooms
    assert not rooms & ({"compiler", "draw", "nn", "plots", "reading", "train"} - {room})


def test_help_loads_no_command() -> None:
    found = loaded("from tinygrad_edu.cli import main; main()", "--help")
    assert ours(found) == {"habits", "habits.imports", "hooks", "cli", "cli.shell"}
    found -= loaded("import click")  # which imports other modules in each version of Python
    assert not found & (HEAVY | DEAR | {"shutil"}) - {"textwrap"}


def test_an_svg_loads_what_draws_it(tmp_path: Path) -> None:
    """A budget of modules: they are most of the time of a small picture at the shell."""
    words = ["render", "tanh(x*w + b)", "--at", "x=2,w=-3,b=7", "-o", str(tmp_path / "y.svg")]
    found = loaded("from tinygrad_edu.cli import main; main()", *words)
    assert (tmp_path / "y.svg").exists()
    assert len(ours(found)) <= 66
    rooms = {name.split(".")[0] for name in ours(found)}
    assert not rooms & {"compiler", "data", "demos", "history", "lesson", "losses", "nn", "optim"}
    late = "calls check differences explain network orders paths trace transforms"
    assert not ours(found) & {f"analysis.{name}" for name in late.split()}
    late = "columns dot film layered paper text textbook"
    assert not ours(found) & {f"draw.{name}" for name in late.split()}
    assert not found & (HEAVY | DEAR | {"base64", "glob", "shutil"}) - {
        *("click", "json", "subprocess")  # Graphviz is a process, and answers in JSON
    }


@pytest.mark.parametrize("name", sorted(main.commands))
def test_the_line_about_a_command_is_that_of_its_own_help(name: str) -> None:
    """Under a width of 60 columns, click cuts some of them."""
    stub = main.late.stubs()[name]
    for limit in range(45, 100):
        assert stub.get_short_help_str(limit) == main.commands[name].get_short_help_str(limit)


def test_no_other_name_is_a_command() -> None:
    assert main.commands.get("nothing") is None
    assert "nothing" not in main.commands
    assert len(main.commands) == len([*main.commands]) == 7


# The door


def test_every_name_is_what_type_checkers_see() -> None:
    """The names imported under TYPE_CHECKING are those that the door gives, from the same files."""
    tree = ast.parse(DOOR.read_text(encoding="utf-8"))
    (block,) = (
        node for node in tree.body if isinstance(node, ast.If) and "TYPE_C" in ast.unparse(node)
        and isinstance(node.test, ast.Name)
    )  # fmt: skip
    seen = {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {*tinygrad_edu.__all__} <= seen.keys()
    for name in tinygrad_edu.__all__:
        assert getattr(tinygrad_edu, name) is getattr(importlib.import_module(seen[name]), name)


def test_a_star_and_dir_give_every_name() -> None:
    names = "sorted(names.keys() - {'__builtins__'})"
    program = f"names = {{}}; exec('from tinygrad_edu import *', names); print({names})"
    for text in (program, "import tinygrad_edu as t; print(sorted({*dir(t)} & {*t.__all__}))"):
        done = subprocess.run(
            [sys.executable, "-c", text],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(DOOR.parent.parent)},
        )
        assert ast.literal_eval(done.stdout) == sorted(tinygrad_edu.__all__)


@pytest.mark.parametrize("file", ["engine", "ops", "errors", "rows", "analysis", "compiler"])
def test_a_file_is_there_without_an_import_of_its_own(file: str) -> None:
    """As before names were loaded late: `import tinygrad_edu; tinygrad_edu.ops`."""
    assert file in ours(loaded(f"import tinygrad_edu; tinygrad_edu.{file}"))
    assert file in ours(loaded(f"from tinygrad_edu import {file}"))


def test_functions_and_values_are_pickled_by_a_process_that_has_loaded_nothing() -> None:
    data = pickle.dumps([tinygrad_edu.tanh, tinygrad_edu.Value(2.0), tinygrad_edu.explain])
    found = loaded(f"import pickle; x = pickle.loads({data!r}); assert x[1].data == 2.0")
    assert "engine" in ours(found)
