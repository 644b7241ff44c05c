"""Who may import whom: the imports of every file are read, those inside functions too."""

from __future__ import annotations

import ast
import cmath
import importlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

import tinygrad_edu

# A room (a file) imports from rows above its own, never from its own row or below. "" and "draw"
# are the façades, each an __init__.py; only "" may do otherwise, in a function, to be late.
ROOMS = [
    [
        "calls",
        "drawable",
        "errors",
        "files",
        "groups",
        "keywords",
        "patience",
        "progress",
        "schedules",
    ],
    ["ieee", "symbolic"],
    ["formula", "kinks", "terms"],
    ["documentation", "source"],
    ["op"],
    ["leaving", "ops"],
    ["functions", "sweep"],
    ["arrays"],
    ["habits"],
    ["imports"],
    ["data", "differences", "engine", "init", "vocabulary"],
    ["finite", "naming", "slips", "trees"],
    [
        "check",
        "derivatives",
        "expression",
        "history",
        "graph",
        "losses",
        "lr_scheduler",
        "optim",
        "options",
        "rerun",
        "script",
        "tape",
        "transforms",
    ],
    ["emit", "native.machine.vector"],
    ["native.machine.arithmetic", "straight"],
    ["native.machine.instructions"],
    ["native.machine.update"],
    ["native.machine"],
    ["native.lowering.nodes"],
    ["native.lowering.form", "native.lowering.packs", "native.lowering.program"],
    ["native.lowering.forward", "native.lowering.fuse", "native.lowering.sums"],
    ["native.lowering.backward", "native.lowering.blocks"],
    ["native.lowering.layout"],
    ["native.lowering.schedule"],
    ["native.lowering.lower"],
    ["native.lowering"],
    ["native.binding.check", "native.binding.library"],
    ["native.binding.program"],
    ["native.binding"],
    ["native"],
    ["languages.prelude"],
    ["languages.forms", "languages.language", "languages.undefined"],
    ["languages.c", "languages.javascript", "languages.python"],
    ["languages"],
    ["compiled"],
    ["loop", "module"],
    ["metrics", "run"],
    ["compiled_run", "perceptron"],
    ["train"],
    ["layers"],
    ["saving", "transformer"],
    ["nn"],
    ["paths", "written", "zoom"],
    ["explain", "orders", "trace"],
    ["draw.theme"],
    ["draw.view"],
    ["draw.aloud", "draw.dot", "draw.layout", "draw.svg", "draw.text"],
    ["draw.canvas", "draw.film", "draw.families", "draw.picture", "draw.weights"],
    ["draw.plots"],
    ["draw.charts"],
    ["draw"],
    ["compat.micrograd.engine"],
    ["compat.micrograd.draw", "compat.micrograd.nn"],
    ["compat.micrograd"],
    ["compat"],
    [""],
    ["lesson"],
    ["lesson.claims", "lesson.codes", "lesson.seeds", "lesson.trial"],
    ["lesson.families", "lesson.page"],
    ["lesson.telling"],
    ["lesson.command"],
    ["demos.the_loop", "demos.reverse_mode", "demos.the_wall"],
    ["demos.hidden_units", "demos.credit", "demos.pdp_set"],
    ["demos.symmetry", "demos.family_trees"],
    ["demos"],
    ["cli.common", "cli.completion"],
    ["cli.target"],
    [
        *(f"cli.{n}" for n in ("check", "compile", "demo", "explain", "orders", "render", "step")),
    ],
    ["cli"],
    ["__main__"],
]
# What is imported in these rooms and in no other, besides the rest of the standard library.
ONLY = {
    "click": [
        "cli",
        "progress",  # late, for its bar
        "lesson.command",
        "options",
        *(
            f"cli.{n}"
            for n in (
                *("check", "common", "compile", "completion", "demo", "explain", "orders"),
                *("render", "step", "target"),
            )
        ),
    ],
    "graphviz": ["draw.dot", "draw.families", "draw.weights"],
    "matplotlib": ["draw.canvas"],
    "sklearn": ["data"],
    "IPython": ["progress"],  # late, in a notebook
    "pygraphviz": [],  # it holds the interpreter and ignores Ctrl-C: in a process of its own only
    "subprocess": ["draw.layout"],
    "multiprocessing": ["lesson.seeds"],
    "runpy": ["script"],
    "importlib": ["compiled", "draw.layout"],  # find_spec, which imports nothing
    "llvmlite": ["native.binding.library"],
    "numpy": ["arrays", "straight", "trees", "native.binding.program"],
    "typing_extensions": ["op"],  # which type checkers bring along; nobody else looks
}
NEVER = {"eval", "exec", "__import__", "import_module"}  # they would hide an import from this test
LATE = {"click", "graphviz", "pygraphviz", "numpy", "matplotlib", "llvmlite", "subprocess"}

PACKAGE = Path(tinygrad_edu.__file__).parent
RANK = {room: rank for rank, row in enumerate(ROOMS) for room in row}


DEMOS = PACKAGE.parent / "demos"  # the package tinygrad_edu.demos, once it is installed


def room_of(file: Path, root: Path = PACKAGE) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {room_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}
FILES |= {room_of(file, DEMOS.parent): file for file in sorted(DEMOS.glob("*.py"))}
EVERY_ROOM = pytest.mark.parametrize("room", FILES, ids=lambda room: room or "tinygrad_edu")


def statements(room: str) -> Iterator[ast.AST]:
    """All of a file but, for the façade, what stands in functions or under `if TYPE_CHECKING`."""
    pending: list[ast.AST] = [ast.parse(FILES[room].read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        yield node
        late = isinstance(node, ast.FunctionDef) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        )
        if not (late and room == ""):
            pending += ast.iter_child_nodes(node)


def imported(room: str) -> Iterator[str]:
    """Absolute names of modules: `tinygrad_edu.draw.theme`, `collections.abc`."""
    package = ["tinygrad_edu", *room.split(".")]
    if FILES[room].name != "__init__.py":
        package.pop()
    package = [part for part in package if part]
    for node in statements(room):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            for name in node.names:
                part = f"{module}.{name.name}".removeprefix("tinygrad_edu.")
                yield f"tinygrad_edu.{part}" if part in FILES else module


def test_every_file_has_its_room() -> None:
    """A new file is put into ROOMS first: what may it know, and who may know it?"""
    assert set(FILES) == set(RANK)


def test_every_folder_is_in_the_wheel() -> None:
    config = ConfigParser()
    config.read(PACKAGE.parent / "setup.cfg", encoding="utf-8")
    rooms = [room for room, file in FILES.items() if file.name == "__init__.py"]
    folders = {".".join(filter(None, ["tinygrad_edu", room])) for room in rooms}
    assert set(config["options"]["packages"].split()) == folders


@EVERY_ROOM
def test_nobody_imports_from_below(room: str) -> None:
    for name in imported(room):
        if name.split(".")[0] == "tinygrad_edu":
            other = name.removeprefix("tinygrad_edu").removeprefix(".")
            assert RANK[other] < RANK[room], f"{room} imports {name}"


@EVERY_ROOM
def test_what_comes_from_outside_is_imported_in_one_place(room: str) -> None:
    for name in {name.split(".")[0] for name in imported(room)} - {"tinygrad_edu"}:
        if name in ONLY:
            assert room in ONLY[name], f"{room} imports {name}"
        else:
            assert name in sys.stdlib_module_names, f"{room} imports {name}"


@EVERY_ROOM
def test_nobody_runs_text_or_imports_behind_the_back_of_these_tests(room: str) -> None:
    for node in ast.walk(ast.parse(FILES[room].read_text(encoding="utf-8"))):
        name = getattr(node, "id", None) or getattr(node, "attr", None)
        assert name not in NEVER, f"{room} uses {name}, line {node.lineno}"


def test_text_becomes_code_in_one_room_only() -> None:
    """Where rows and tapes become functions; the text holds no name of the user's."""
    rooms = [room for room in FILES if " FunctionType(" in FILES[room].read_text(encoding="utf-8")]
    assert rooms == ["source"]


# Rooms that have nothing of their own.
SILENT = {"native", "native.binding", "native.lowering", "native.machine"}


@EVERY_ROOM
def test_every_file_says_what_it_exports(room: str) -> None:
    """By `import *` nobody gets what a file only uses: `exp` of `math` in place of ours."""
    tree = ast.parse(FILES[room].read_text(encoding="utf-8"))
    made: set[str] = set()
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {x.id for t in targets for x in ast.walk(t) if isinstance(x, ast.Name)}
            made |= names
            if "__all__" in names and isinstance(node.value, ast.List):
                names = (x for x in node.value.elts if not isinstance(x, ast.Starred))
                found = set(map(ast.literal_eval, names))  # * is for the rows of the table
        elif isinstance(node, ast.ImportFrom):
            ours = str(node.module).split(".")[0] == "tinygrad_edu"
            made |= {name.name for name in node.names if ours}  # what is handed on
    assert ("__all__" not in made) == (room in SILENT)
    assert found <= made, f"{room} exports what it has not made"


@pytest.mark.parametrize("room", sorted(set(FILES) - SILENT))
def test_no_star_replaces_a_function_of_ours_by_one_of_math(room: str) -> None:
    if room.startswith("native.binding"):
        pytest.importorskip("llvmlite")
    names = vars(importlib.import_module(f"tinygrad_edu.{room}".rstrip(".")))
    theirs = [*vars(math).values(), *vars(cmath).values()]
    exported = {name: names[name] for name in names["__all__"]}
    assert not [name for name, x in exported.items() if callable(x) and x in theirs]


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = "import json, sys, tinygrad_edu; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )
    loaded = json.loads(done.stdout)
    assert "tinygrad_edu.engine" in loaded
    assert not LATE & {name.split(".")[0] for name in loaded}
    drawing = ("tinygrad_edu.draw.", "tinygrad_edu.cli.")
    assert not [name for name in loaded if f"{name}.".startswith(drawing)]
