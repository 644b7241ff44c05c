"""Who may import whom: the imports of every file are read, those inside functions too."""

from __future__ import annotations

import ast
import cmath
import doctest
import importlib
import math
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

import tinygrad_edu

# The house. A room is a folder, or a file beside the door; the files of a folder are in the nearest
# room above them. A room imports from itself and from lines above its own. "." is the door,
# tinygrad_edu/__init__.py, which alone may import later, in a function.
HOUSE = """
    errors files groups hooks
    drawable rows
    ops
    functions chain_rule unrolled
    habits
    engine data
    trees history compiler.tape
    losses optim reading analysis
    compiler.languages compiler.native draw
    compiler nn
    train
    saving plots live
    compat
    .
    lesson
    demos
    cli
    __main__
"""
FLOOR = {
    name.strip("."): floor for floor, line in enumerate(HOUSE.split("\n")) for name in line.split()
}
# What is imported in these rooms or files only, besides the rest of the standard library.
ONLY = {
    "click": ["cli", "lesson.command", "reading.options", "train.progress"],
    "graphviz": [
        "draw.arrange",
        "draw.dot",
        "draw.paper",
    ],
    "matplotlib": ["plots.canvas"],
    "sklearn": ["data", "demos.laboratory.photographs"],
    "names": ["demos.laboratory.first_names"],
    "IPython": ["train.progress"],  # late, in a notebook
    "pygraphviz": [],  # it holds the interpreter and ignores Ctrl-C: in a process of its own only
    "subprocess": ["draw.child", "draw.layout"],
    "multiprocessing": ["lesson.workers"],
    "distributed": ["lesson.workers"],
    "runpy": ["reading.script"],
    "importlib": ["compiler.backends", "draw.layout"],  # find_spec, which imports nothing
    "llvmlite": ["compiler.native.binding.library"],
    "numpy": [
        "habits.arrays",
        "trees",
        "compiler.tape.python_function",
        "compiler.tape.tables",
        "compiler.native.binding.check_bytecode",
        "compiler.native.binding.program",
    ],
    "typing_extensions": ["rows.op"],  # which type checkers bring along; nobody else looks
}
NEVER = {"eval", "exec", "__import__", "import_module"}  # they would hide an import from this test

PACKAGE = Path(tinygrad_edu.__file__).parent
ROOT = PACKAGE.parent


def name_of(file: Path) -> str:
    """`draw.theme` of tinygrad_edu/draw/theme.py; the lessons' files are `demos. ...`."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == PACKAGE.name else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(file): file for top in (PACKAGE, ROOT / "demos") for file in top.rglob("*.py")}


def room_of(name: str) -> str:
    """The nearest room of HOUSE that the file is in: itself, or a folder above it."""
    while name and name not in FLOOR:
        name = name.rpartition(".")[0]
    return name


def statements(name: str) -> Iterator[ast.AST]:
    """All of a file but, for the door, what stands in functions or under `if TYPE_CHECKING`."""
    pending: list[ast.AST] = [ast.parse(FILES[name].read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        yield node
        late = isinstance(node, ast.FunctionDef) or (
            isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        )
        if not (late and name == ""):
            pending += ast.iter_child_nodes(node)


def imported(name: str) -> Iterator[str]:
    """Absolute names of modules: `tinygrad_edu.draw.theme`, `collections.abc`."""
    for node in statements(name):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports by dots; write the whole name"
            for alias in node.names:
                part = f"{node.module}.{alias.name}".removeprefix("tinygrad_edu.")
                yield f"tinygrad_edu.{part}" if part in FILES else str(node.module)


def ours(name: str) -> set[str]:
    """The files of this package that a file imports."""
    found = {x for x in imported(name) if x.split(".")[0] == "tinygrad_edu"}
    return {x.removeprefix("tinygrad_edu").removeprefix(".") for x in found} - {name}


def test_the_house_has_few_lines_and_every_room_is_there() -> None:
    assert len(HOUSE.split("\n")) - 2 <= 20
    assert {room for room in FLOOR if room not in FILES} == set()
    assert {name for name in FILES if room_of(name) == "" and name} == set()


def test_nobody_imports_from_above() -> None:
    for name in FILES:
        room = room_of(name)
        for other in map(room_of, ours(name)):
            assert other == room or FLOOR[other] < FLOOR[room], f"{name} imports {other}"


def test_no_files_import_each_other_in_a_circle() -> None:
    assert list(TopologicalSorter({name: ours(name) for name in FILES}).static_order())


def importable() -> list[str]:
    """The files that this test may import; two need llvmlite, which an extra installs."""
    without = () if find_spec("llvmlite") else ("compiler.native.binding",)
    return sorted(name for name in set(FILES) - {"__main__"} if not name.startswith(without))


def test_no_module_is_shadowed_by_a_function() -> None:
    """`import tinygrad_edu.analysis.trace as t` gives the module: nothing else has its name."""
    for name in importable():
        above, _, last = f"tinygrad_edu.{name}".rstrip(".").rpartition(".")
        if name and not name.startswith("demos."):
            importlib.import_module(f"tinygrad_edu.{name}")
            assert getattr(importlib.import_module(above), last) is sys.modules[f"{above}.{last}"]


def test_what_comes_from_outside_is_imported_in_one_place() -> None:
    for name in FILES:
        for library in {other.split(".")[0] for other in imported(name)} - {"tinygrad_edu"}:
            if library in ONLY:
                places = [f"{place}." for place in ONLY[library]]
                assert f"{name}.".startswith(tuple(places)), f"{name} imports {library}"
            else:
                assert library in sys.stdlib_module_names, f"{name} imports {library}"


def test_nobody_runs_text_or_imports_behind_the_back_of_these_tests() -> None:
    for name in FILES:
        for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
            called = getattr(node, "id", None) or getattr(node, "attr", None)
            assert called not in NEVER, f"{name} uses {called}, line {node.lineno}"


def test_text_becomes_code_in_one_room_only() -> None:
    """Where rows and tapes become functions; the text holds no name of the user's."""
    files = [name for name in FILES if " FunctionType(" in FILES[name].read_text(encoding="utf-8")]
    assert files == ["rows.source"]


def test_every_file_says_what_it_exports() -> None:
    """By `import *` nobody gets what a file only uses: `exp` of `math` in place of ours."""
    for name in FILES:
        tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
        only_words = FILES[name].name == "__init__.py" and len(tree.body) == 1
        made: set[str] = set()
        found: set[str] = set()
        late = [x for node in tree.body if isinstance(node, ast.If) for x in node.body]  # the door
        for node in [*tree.body, *late]:
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
        assert ("__all__" not in made) == only_words, name
        assert found <= made, f"{name} exports what it has not made"


def test_no_star_replaces_a_function_of_ours_by_one_of_math() -> None:
    for name in importable():
        module = importlib.import_module(f"tinygrad_edu.{name}".rstrip("."))
        theirs = [*vars(math).values(), *vars(cmath).values()]
        exported = {name: getattr(module, name) for name in getattr(module, "__all__", ())}
        assert not [name for name, x in exported.items() if callable(x) and x in theirs]


MAP = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_the_map_shows_the_house() -> None:
    """Its table has the rooms of HOUSE, in that order, and no others."""
    table = MAP.partition("## The rooms")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    found = [
        name.strip(".").strip("/").replace("/", ".")
        for name in re.findall("`(.*?)`", "".join(cells))
    ]
    assert sorted(found) == sorted(set(FLOOR) - {"__main__"})
    assert [FLOOR[room] for room in found] == sorted(FLOOR[room] for room in found)


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w.]+/)*[\w.]+\.(?:py|md)|(?:[\w.]+/)+)`", text)
    files = [file for file in named if not file.startswith("FILE")]
    missing = [x for x in files if not any((top / x).exists() for top in (ROOT, PACKAGE))]
    assert files
    assert not missing


def test_the_sessions_of_the_map_print_what_they_say() -> None:
    test = doctest.DocTestParser().get_doctest(MAP, {}, "ARCHITECTURE.md", None, 0)
    assert test.examples
    report: list[str] = []
    doctest.DocTestRunner().run(test, out=report.append)
    assert not report
