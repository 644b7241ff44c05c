"""What mypy and pyright say of programs of users: right ones are clean, mistakes are found."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from dataclasses import is_dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import tinygrad_edu
from tinygrad_edu import TABLE, Value

ROOT = Path(tinygrad_edu.__file__).parent.parent
# Checkers do not find what was installed as editable: they are told where the repository is.
EDITABLE = (ROOT / "setup.cfg").exists()
HEAD = """
from typing import TYPE_CHECKING
from tinygrad_edu import Op, Value, compile, explain, gradcheck, gradient, graph, mask
from tinygrad_edu import clip, gelu, maximum, orders, trace, tanh, where
from tinygrad_edu.analysis.check import check_finite, first_nonfinite
from tinygrad_edu.drawable import Picture
from tinygrad_edu.losses import mse_loss
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import SGD, Adam, Momentum
from tinygrad_edu.train import History, loss_below, no_better, train
if TYPE_CHECKING:
    from typing_extensions import assert_type
x, w = Value(2.0, label="x"), Value(0.5, label="w")
"""
# Programs that are right: (what it is about, its text).
RIGHT = {
    "functions": """
assert_type(tanh(x), Value)
assert_type(tanh(0.5), float)
assert_type(tanh(1), float)
assert_type(maximum(x, 1), Value)
assert_type(maximum(1.0, x), Value)
assert_type(maximum(1.0, 2.0), float)
""",
    "functions made of rows": """
assert_type(where(x, w, 0.0), Value)
assert_type(where(1.0, 2.0, x), Value)
assert_type(where(1.0, 2.0, 3.0), float)
assert_type(clip(x, 0, 1) + clip(x, w, 1.0), Value)
assert_type(clip(2.0, 0.0, 1.0), float)
assert_type(gelu(x), Value)
assert_type(gelu(0.5), float)
""",
    "operators": """
for y in (x + 1, 1 - x, x * w, x / 2, 1 / x, x**2, 2**x, -x, abs(x), sum([x, w], Value(0.0))):
    assert_type(y, Value)
assert_type(x < 1, bool)
""",
    "methods": """
y = (x.tanh() + x.asinh()).relu()
assert_type(y, Value)
y.backward()
assert_type(x.grad + x.data, float)
assert_type(y.args, tuple[Value, ...])
""",
    "pictures": """
picture = x.draw(edges=["local"], hide={"grads"}, direction="TB", theme="dark", level="layer")
assert_type(picture, Picture)
picture.save("x.svg")
assert_type(picture.text(width=60) + picture.dot, str)
graph(x, roles={x: "input", "w": "parameter"}).draw(level=1, before=x).render("svg")
x.draw(form="circles", fit="4:3", size=(1280, 720), title="x", legend=False, labels="plain")
x.draw(level="network", fit="none", scale=2, title=None)
noted: str = picture.note
""",
    "gradients": """
(slope,) = gradient(x**3, [x])
assert_type(slope, Value)
assert_type(gradient(slope, [x, w]), list[Value])
""",
    "explanations": """
print(explain(x * w, w).words(), explain(x * w, w).form("latex"))
for event in trace(x * w):
    if event.phase == "backward" and event.passing is not None:
        assert_type(event.passing.adjoint, float)
print(orders(x * w))
""",
    "a compiled graph": """
step = compile(tanh(x * w), wrt=[w], inputs=[x], backend="python")
assert_type(step(1.0), tuple[float, list[float]])
value, gradients = step([1.0, 2.0])
w.data -= 0.1 * gradients[0]
assert_type(value, float)
assert_type(step.outputs([1.0, 2.0]), list[list[float]])
""",
    "a compiled graph with more results": """
value, gradients, more = compile(x * w, [w], [x], also=[x + w], reduction="mean")(1.0)
assert_type(more, list[float])
""",
    "a compiled network": """
from tinygrad_edu import losses
target = Value(0.0, label="target")
for loss in (losses.half_squared_error, losses.mse_loss):
    assert_type(loss([tanh(x * w)], [target]) + loss([x], [1]) + loss([x], [0.5]), Value)
assert_type(losses.binary_cross_entropy_with_logits(x, target), Value)
assert_type(losses.hinge_loss([x], [target]), Value)
assert_type(losses.cross_entropy([x, w], [target, 1 - target]), Value)
""",
    "a compiled function": """
def loss(a: Value, b: Value) -> Value:
    return a * b

def both(a: Value, b: Value) -> list[Value]:
    return [a * b, a]

value, gradients = compile(loss, ["a", "b"], [1.0, 2.0])(3.0, b=4.0)
value, gradients, more = compile(both, "a", [1.0, 2.0])(3.0, 4.0)
assert_type(gradcheck(loss, 1.0, 2.0), bool)
""",
    "training": """
step = compile((x * w - 1) ** 2, [w], [x])
history = step.train(Momentum([w], 0.1, 0.9), [[1.0, 2.0]], 10, until=loss_below(0.1))
assert_type(history, History)
assert_type(history.losses[-1], float)
""",
    "training a model": """
model = MLP(2, [3, 1])
data = [([0.0, 1.0], 1.0), ([1.0, 1.0], 0.0)]
history = train(
    model, mse_loss, data, SGD(model.parameters(), lr=0.1, momentum=0.9), epochs=2, batch_size=1,
    validation=data, metrics=["accuracy"], until=no_better(2, "val_loss"),
)
assert_type(history, History)
train(model, mse_loss, data, Adam(model.parameters()), epochs=1, callbacks=lambda turn: print(turn))
assert_type(compile(lambda a, b: mse_loss(model([a, b]), 1.0), wrt=model, inputs=[0.0, 0.0])(
    [[1.0, 2.0], [2.0, 3.0]]
)[0], float)
""",
    "operations of one's own": """
cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2, symbol="^3", latex="%s^3")
assert_type(cube(x), Value)
assert_type(cube(2.0), float)

def area(a: Value, b: Value) -> Value:
    return a * b

rectangle = Op("rectangle", area, lambda y, a, b: b, lambda y, a, b: a, commutes=True)
assert_type(rectangle(x, 2.0), Value)
gradcheck(cube, 2.0)
""",
    "finite or not": """
assert_type(check_finite(x), Value)
node = first_nonfinite(x)
if node is not None:
    assert_type(node.label, str)
""",
}
# Programs with one mistake each, in their last line.
WRONG = {
    "an attribute that a Value has not": "tanh(x).foo",
    "an attribute that a float has not": "tanh(0.5).data",
    "one operand too many": "tanh(x, w)",
    "one operand too few": "mask(x)",
    "text for a number": "x + 'a'",
    "a method that a Value has not": "x.asinh().backwards()",
    "a theme that there is not": "x.draw(theme='drak')",
    "a method that a picture has not": "graph(x).draw().sav('x.svg')",
    "a backend that there is not": "compile(x * w, [w], backend='cuda')",
    "two results taken for three": "value, gradients, more = compile(x * w, [w], [x])(1.0)",
    "an option that training has not": "compile(x, [x]).train(Momentum([x], 1), [], 9, unti=None)",
    "an option the Loop has not": "train(MLP(2, [1]), mse_loss, [], SGD([x]), epochs=1, men=1)",
    "an option of an optimizer": "SGD([x], learning_rate=0.1)",
    "a rule that takes too few": "Op('cube', lambda a: a**3, lambda a: 3 * a)",
    # and more of the kind
    "what a gradient has not": "gradient(x * w, [w])[0].foo",
    "what the value of a step has not": "compile(x * w, [w], [x])([1.0, 2.0])[0].foo",
    "a gradient is a float": "compile(x * w, [w], [x])(1.0)[1][0].data",
    "a reduction that there is not": "compile(x * w, [w], reduction='average')",
    "a column of text": "compile(x * w, [w], [x])('1')",
    "what edges do not say": "x.draw(edges=['formulas'])",
    "a direction that there is not": "x.draw(direction='RL')",
    "what cannot be hidden": "x.draw(hide=['grad'])",
    "a level that there is not": "x.draw(level='layers')",
    "a form of boxes that there is not": "x.draw(form='circle')",
    "a page that there is not": "x.draw(fit='3:2')",
    "a size that is text": "x.draw(size='1280x720')",
    "labels that there are not": "x.draw(labels='text')",
    "a role that there is not": "graph(x, roles={'x': 'inputs'})",
    "a format that there is not": "x.draw().save('x', 'jpg')",
    "a form that there is not": "explain(x * w, w).form('words and numbers')",
    "no Value to explain by": "explain(x * w, 0.5)",
    "a value that is text": "Op('cube', lambda a: 'a', lambda y, a: 3 * a)",
    "an option that a row has not": "Op('cube', lambda a: a, lambda y, a: 1.0, smybol='^3')",
    "an own operation of one operand": "Op('cube', lambda a: a, lambda y, a: 1.0)(x, w)",
    "text for an operand": "maximum(x, 'a')",
    "text for a leaf": "Value('2')",
    "text for a branch": "where(x, w, 'a')",
    "a bound too few": "clip(x, 0.0)",
    "an attribute that a function's number has not": "gelu(0.5).data",
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each program as a file: right0.py, ..., wrong0.py, ..., and every row."""
    folder = tmp_path_factory.mktemp("programs")
    for name, texts in (("right", RIGHT), ("wrong", WRONG)):
        for i, text in enumerate(texts.values()):
            (folder / f"{name}{i}.py").write_text(HEAD + text)
    (folder / "rows.py").write_text(HEAD + every_row())
    return folder


def every_row() -> str:
    """Each function that the package has for a row, and each method, with its type."""
    lines = []
    for op in TABLE.values():
        operands = ["x", "w"][: len(op.derivatives)]
        if hasattr(tinygrad_edu, op.__name__) and op.__name__ != "pow":
            lines.append(f"from tinygrad_edu import {op.__name__}")
            lines.append(f"assert_type({op.__name__}({', '.join(operands)}), Value)")
            numbers = ", ".join("0.5" for _ in operands)
            lines.append(f"assert_type({op.__name__}({numbers}), float)")
        if len(operands) == 1:
            lines.append(f"assert_type(x.{op.name}(), Value)")
    return "\n".join(lines) + "\n"


def test_every_row_is_imported_by_its_name() -> None:
    """What comes into the package at run time alone, type checkers do not know."""
    text = (ROOT / "tinygrad_edu" / "__init__.py").read_text(encoding="utf-8")
    named = text.partition("from tinygrad_edu.ops import (")[2].partition(")")[0]
    called = {
        op.__name__ for op in TABLE.values() if getattr(tinygrad_edu, op.__name__, None) is op
    }
    assert called == {name.strip() for name in named.split(",")} - {"TABLE", ""}
    assert "asinh" in called


@pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.SlowWarning")
def test_every_program_but_the_wrong_ones_runs(programs: Path, monkeypatch) -> None:
    monkeypatch.chdir(programs)
    for i, (name, text) in enumerate(RIGHT.items()):
        if name not in ("pictures",):  # which need Graphviz
            start = HEAD.replace("if TYPE_CHECKING:", "if True:")
            start = start.replace("from typing_extensions import assert_type", "pass")
            code = f"assert_type = lambda value, kind: value\n{start}{text}"
            scope = {"__name__": f"right{i}"}
            exec(compile(code, f"right{i}.py", "exec"), scope)
            assert isinstance(scope["x"], Value)


def failing(lines: list[tuple[str, int]], programs: Path) -> dict[str, set[int]]:
    """The lines with errors of each program that has some."""
    found: dict[str, set[int]] = {}
    for file, line in lines:
        path = Path(file)
        if not path.is_absolute():
            path = programs / path
        if path.resolve().parent == programs.resolve():
            found.setdefault(path.stem, set()).add(line)
    return found


def judge(found: dict[str, set[int]]) -> None:
    """The right programs are clean, and of the others the last line is found, and no other."""
    last = HEAD.count("\n") + 1
    assert found == {f"wrong{i}": {last} for i, _ in enumerate(WRONG)}


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is in the extra dev")
def test_mypy_finds_every_mistake_and_nothing_else(programs: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--no-error-summary"]
    done = subprocess.run(
        [*command, "--config-file", os.devnull, "--output", "json", str(programs)],
        capture_output=True,
        text=True,
        env={**os.environ, **({"MYPYPATH": str(ROOT)} if EDITABLE else {})},
        check=False,
        cwd=programs,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [(x["file"], x["line"]) for x in told if x["severity"] == "error"]
    assert errors, done.stderr
    judge(failing(errors, programs))


CORE = ("ops", "rows.op", "engine unrolled", "optim.optimizer optim.methods")
FOLDER = ROOT / "tinygrad_edu" / "compiler"
COMPILER = [file for file in FOLDER.rglob("*.py") if file.name != "__init__.py"]
# How often a file of the compiler says Any: at the edge to llvmlite, which has no types, and for
# the gradients of a call, whose types depend on what the user gives for the inputs.
EDGES = {"compiled.py": 1, "native/binding/library.py": 1}


@pytest.fixture(scope="module")
def anys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    """By mypy's own count: of each module the expressions whose type is Any or has an Any in it,
    and all expressions."""
    if find_spec("mypy") is None or not EDITABLE:
        pytest.skip("mypy is in the extra dev, and counts what is in the repository")
    folder = tmp_path_factory.mktemp("anys")
    report = ["--no-incremental", "--follow-imports=silent", "--any-exprs-report", str(folder)]
    core = [f"tinygrad_edu/{name.replace('.', '/')}.py" for name in " ".join(CORE).split()]
    files = [*core, *map(str, COMPILER)]
    subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, *report, *files],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    rows = [line.split() for line in (folder / "any-exprs.txt").read_text().splitlines()]
    return {row[0]: (int(row[1]), int(row[2])) for row in rows if row[0].startswith("tinygrad")}


def test_hardly_an_expression_is_any_in_the_table_the_engine_and_optim(anys: Any) -> None:
    for names in CORE:
        found = [anys[f"tinygrad_edu.{name}"] for name in names.split()]
        some, count = map(sum, zip(*found))
        assert count > 500, names
        assert some < 0.03 * count, (names, some, count)


def test_the_compiler_says_any_at_its_edges_only() -> None:
    found = {}
    for file in FOLDER.rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        count = sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes)
        if count:
            found[file.relative_to(FOLDER).as_posix()] = count
    assert found == EDGES


def test_hardly_an_expression_is_any_in_the_compiler(anys: Any) -> None:
    """By folder. In those that apply a row to text or to NumPy's arrays, a row returns Any."""
    limits = {"native": 0.02, "tape": 0.07, "languages": 0.05, "": 0.1}
    for folder, limit in limits.items():
        found = (FOLDER / folder).glob("**/*.py" if folder else "*.py")
        files = [x for x in found if x in COMPILER and str(x.relative_to(FOLDER)) not in EDGES]
        names = [".".join(x.relative_to(ROOT).with_suffix("").parts) for x in files]
        some, count = map(sum, zip(*(anys[name] for name in names)))
        assert count > 500, (folder, count)
        assert some < limit * count, (folder, some, count)


def test_every_node_of_the_compiler_is_frozen() -> None:
    """A pass cannot change the result of another: nodes are frozen dataclasses or tuples."""
    pytest.importorskip("llvmlite")
    from tinygrad_edu.compiler.native.lowering import nodes

    kinds = [x for x in vars(nodes).values() if getattr(x, "__module__", "") == nodes.__name__]
    kinds = [kind for kind in kinds if isinstance(kind, type)]
    assert {"Row", "Number", "Lane", "Sum", "Call", "Dots", "Zero"} <= {x.__name__ for x in kinds}
    for kind in kinds:
        is_frozen = is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore
        assert is_frozen or issubclass(kind, tuple), kind
        assert "__slots__" in vars(kind), kind


HANDLED = """
from tinygrad_edu.compiler.native.lowering.nodes import *

def kind(x: {union}) -> str:
    {branches}
    assert_never(x)
"""


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is in the extra dev")
@pytest.mark.parametrize(
    ("union", "kinds"),
    [
        ("Node", ["Sum", "Total", "Call"]),
        ("Operand", ["Row", "int", "Number", "Lane"]),
        (
            "Definition",
            "Given Pattern Dots Apply Slope Gather Column LaneSums Beside Zero".split(),
        ),
    ],
)
def test_mypy_notices_a_kind_of_node_that_is_not_handled(
    union: str, kinds: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("llvmlite")
    for i, handled in enumerate([kinds, kinds[1:], kinds[:-1]]):
        branches = "\n    ".join(f"if isinstance(x, {k}):\n        return '{k}'" for k in handled)
        text = HANDLED.format(union=union, branches=branches)
        (tmp_path / f"handled{i}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", os.devnull, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, **({"MYPYPATH": str(ROOT)} if EDITABLE else {})},
        check=False,
        cwd=tmp_path,
    )
    wrong = {line.partition(":")[0] for line in done.stdout.splitlines() if "assert_never" in line}
    assert wrong == {"handled1.py", "handled2.py"}, done.stdout


@pytest.mark.skipif(find_spec("pyright") is None, reason="pyright is in the extra dev")
@pytest.mark.machine
def test_pyright_finds_every_mistake_and_nothing_else(programs: Path) -> None:
    config = {"extraPaths": [str(ROOT)] * EDITABLE, "reportUnusedExpression": False}
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
    (programs / "pyrightconfig.json").write_text(json.dumps(config))
    done = subprocess.run(
        [*command, "--outputjson", "--project", str(programs)],
        capture_output=True,
        text=True,
        check=False,
        cwd=programs,
    )
    told = json.loads(done.stdout)["generalDiagnostics"]
    errors = [
        (x["file"], x["range"]["start"]["line"] + 1) for x in told if x["severity"] == "error"
    ]
    judge(failing(errors, programs))


def installed_as_editable() -> bool:
    """Whether this environment has this checkout, as `pip install --editable .` puts it there."""
    for found in distributions(name="tinygrad-edu"):
        where = json.loads(found.read_text("direct_url.json") or "{}")
        if where.get("dir_info", {}).get("editable") and where["url"] == ROOT.as_uri():
            return True
    return False


@pytest.mark.machine
@pytest.mark.skipif(not installed_as_editable(), reason="another checkout is installed, or none")
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_see_an_editable_install_by_themselves(checker: str, tmp_path: Path) -> None:
    """No path is told to them: they follow the line that the install has put into a .pth file."""
    pytest.importorskip(checker, reason="it is in the extra dev")
    text = "from tinygrad_edu import Value\ny = Value(2.0).tanh()\nreveal_type(y)\ny.nothing\n"
    (tmp_path / "user.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", checker, "user.py"],
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.endswith("PYTHONPATH")}
        | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
        check=False,
        cwd=tmp_path,
    )
    assert re.search(r'"(tinygrad_edu\.engine\.)?Value"', done.stdout), done.stdout
    assert re.search(r"nothing", done.stdout)
    assert "import" not in done.stdout
