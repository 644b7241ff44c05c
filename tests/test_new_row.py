"""A row of one line in the table is enough: everything else arrives by itself.

A copy of the package gets new rows at the end of its ops.py, and nothing else is changed in it.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mpmath import mp

import tinygrad_edu

PACKAGE = Path(tinygrad_edu.__file__).parent
LINES = {  # a function of libm, one made of rows, and the same with two operands
    "asinh": 'asinh = row("asinh", math.asinh, lambda y, a: 1 / sqrt(1 + a**2))',
    "softsign": (
        'softsign = row("softsign", lambda a: a / (1 + abs(a)), lambda y, a: (1 + abs(a))**-2)'
    ),
    "copysign": (
        'copysign = row("copysign", math.copysign, lambda y, a, b: sign(a) * sign(b), '
        "lambda y, a, b: 0.0)"
    ),
    "logaddexp": (
        'logaddexp = row("logaddexp", lambda a, b: maximum(a, b) + log1p(exp(-abs(a - b))), '
        "lambda y, a, b: exp(a - y), lambda y, a, b: exp(b - y))"
    ),
}
EXACT = {
    "asinh": mp.asinh,
    "softsign": lambda a: a / (1 + abs(a)),
    "copysign": lambda a, b: abs(a) * mp.sign(b),
    "logaddexp": lambda a, b: mp.log(mp.exp(a) + mp.exp(b)),
}
POINT = {1: (0.75,), 2: (0.75, -1.25)}
ROWS = pytest.mark.parametrize("name", LINES)


def count(name: str) -> int:
    return 2 if "y, a, b" in LINES[name] else 1


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, and the four rows in the package."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, folder / "tinygrad_edu")
    table = folder / "tinygrad_edu" / "ops.py"
    text = re.sub(r"(?m)^asinh .*(\n  .*)*\n", "", table.read_text(encoding="utf-8"))
    assert "asinh" not in re.findall(r'row\("(\w+)"', text)
    before, after = text.split("# fmt: on\n")
    lines = "\n".join(LINES.values())
    table.write_text(f"{before}{lines}\n# fmt: on\n{after}", encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=copy
    )


def answer(copy: Path, program: str) -> Any:
    """What a program gives that ends with the name `answer`."""
    done = run(copy, "-c", f"import json\n{program}\nprint(json.dumps(answer))")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def exact(name: str, *by: int) -> float:
    point = tuple(map(mp.mpf, POINT[count(name)]))
    with mp.workdps(40):
        orders = tuple(by.count(i) for i in range(len(point)))
        return float(mp.diff(EXACT[name], point, orders) if by else EXACT[name](*point))


def first_order(name: str) -> list[float]:
    return [exact(name), *(exact(name, i) for i in range(count(name)))]


def typed(name: str) -> tuple[str, list[str]]:
    """The row as a formula of the command line, and its options."""
    operands = "ab"[: count(name)]
    at = [word for n, v in zip(operands, POINT[count(name)]) for word in ("--at", f"{n}={v}")]
    return f"{name}({', '.join(operands)})", at


EVERYTHING = """
import pickle, pydoc, warnings
from importlib.util import find_spec
from click.testing import CliRunner
import tinygrad_edu as package
from tinygrad_edu import *
from tinygrad_edu.cli import main
from tinygrad_edu.rows.formula import derivative_formulas, formula

warnings.simplefilter("error")
name, point, text, at = {given!r}
op = getattr(package, name)
xs = [Value(x, label=n) for x, n in zip(point, "ab")]
y = op(*xs)
y.label = "y"
(first,) = gradient(y, xs[:1])
(second,) = gradient(first, xs[:1])
(third,) = gradient(second, xs[:1])
y.backward()
answer = dict(numbers=[y.data, op(*point), *(v.data for v in (first, second, third))])
answer["grads"] = [x.grad for x in xs]
answer["help"] = pydoc.render_doc(op, renderer=pydoc.plaintext)
answer["facts"] = [pickle.loads(pickle.dumps(op)) is op, name in package.__all__]
answer["method"] = hasattr(Value, name)
answer["explained"] = explain(y, xs[0]).text()
answer["latex"] = explain(y, xs[0]).latex()
answer["dot"] = y.draw().dot
answer["formulas"] = [formula(y.op), *derivative_formulas(y.op)]
answer["steps"] = {{}}
for backend, needs in dict(python="math", numpy="numpy", machine="llvmlite").items():
    if find_spec(needs):
        step = compile(y, xs, backend=backend)
        answer["steps"][backend] = [step.chosen(1), step()[0], *step()[1]]

def shell(*words):
    done = CliRunner().invoke(main, [*words])
    assert done.exit_code == 0, done.output
    return done.stdout

answer["rendered"] = shell("render", text, *at)
answer["table"] = shell("compile", text, *at)
answer["program"] = shell("compile", text, *at, "--to", "python")
"""


@pytest.fixture(scope="module")
def known(copy: Path) -> dict[str, Any]:
    """What a process says of each row, in which it is used in every way there is."""
    return {
        name: answer(copy, EVERYTHING.format(given=(name, POINT[count(name)], *typed(name))))
        for name in LINES
    }


@ROWS
def test_values_and_gradients_to_order_3(known: dict[str, Any], name: str) -> None:
    right = [exact(name), exact(name), *(exact(name, *[0] * n) for n in (1, 2, 3))]
    assert known[name]["numbers"] == pytest.approx(right, rel=1e-9, abs=1e-12)
    assert known[name]["grads"] == pytest.approx(first_order(name)[1:], rel=1e-12, abs=1e-12)


@ROWS
def test_it_is_a_method_and_a_function_and_helps(known: dict[str, Any], name: str) -> None:
    text = typed(name)[0]
    assert text in known[name]["help"]
    assert f"d {text} / d a = " in known[name]["help"]
    assert known[name]["facts"] == [True, True]
    assert known[name]["method"] == (count(name) == 1)


@ROWS
def test_it_is_explained_and_written(known: dict[str, Any], name: str) -> None:
    text, of = typed(name)[0], known[name]
    assert f"y = {text}" in of["explained"]
    assert re.search(r"\\frac\{(d|\\partial) y\}\{(d|\\partial) a\}", of["latex"])
    assert name in of["dot"]
    assert of["formulas"][0] == text
    assert len(of["formulas"]) == 1 + count(name)


@ROWS
@pytest.mark.parametrize("backend", ["python", "numpy", "machine"])
def test_every_back_end(known: dict[str, Any], name: str, backend: str) -> None:
    pytest.importorskip("numpy" if backend != "machine" else "llvmlite")
    chosen, *found = known[name]["steps"][backend]
    assert chosen == backend
    assert found == pytest.approx(first_order(name), rel=1e-12, abs=1e-12)


@ROWS
def test_the_shell_knows_it(known: dict[str, Any], name: str) -> None:
    assert known[name]["rendered"].startswith(f"{name} = ")
    assert typed(name)[0] in known[name]["table"]


def test_a_program_in_python_knows_it(copy: Path, known: dict[str, Any]) -> None:
    name = "logaddexp"
    check_printed(run(copy, "-c", known[name]["program"]).stdout, name)


def test_a_row_that_this_machine_has_no_function_for_falls_back_alone(copy: Path) -> None:
    pytest.importorskip("llvmlite")
    program = """
import warnings
from tinygrad_edu import *
xs = [Value(0.75)]
y = asinh(xs[0])
from tinygrad_edu.compiler.native.binding import library
asked = library.function_of_c
library.function_of_c = lambda name: None if name == "asinh" else asked(name)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    step, other = compile(y, xs, backend="machine"), compile(xs[0] * sin(xs[0]), xs[:1])
    answer = [step(), step.chosen(1), step()[0], other()[0], other.chosen(1)]
answer += [[str(x.message) for x in told]]
"""
    (value, _), chosen, _, other, machine, told = answer(copy, program)
    assert (value, other) == pytest.approx((math.asinh(0.75), 0.75 * math.sin(0.75)))
    assert (chosen, machine) == ("numpy", "machine")
    assert len(told) == 1
    assert "no function for the operation asinh" in told[0]


@pytest.mark.machine
@ROWS
def test_programs_in_other_languages(copy: Path, name: str) -> None:
    text, at = typed(name)
    for language, file, command in [
        ("c", "p.c", ["cc", "-Wall", "-Wextra", "-Werror", "p.c", "-lm", "-o", "p"]),
        ("javascript", "p.js", ["true"]),
    ]:
        to = ["--to", language, "-o", file]
        written = run(copy, "-m", "tinygrad_edu", "compile", text, *at, *to)
        if (name, language) == ("copysign", "javascript"):  # which Math does not have
            assert written.returncode == 2
            assert written.stderr.count("\n") == 1
            assert "copysign" in written.stderr
            continue
        assert written.returncode == 0, written.stderr
        subprocess.run(command, check=True, cwd=copy)
        program = ["./p"] if language == "c" else ["node", file]
        done = subprocess.run(program, capture_output=True, text=True, check=True, cwd=copy)
        check_printed(done.stdout, name)


def check_printed(text: str, name: str) -> None:
    """A value and its gradient, a name and a number a line."""
    numbers = [float(line.split()[1]) for line in text.splitlines()]
    assert numbers == pytest.approx(first_order(name), rel=1e-12, abs=1e-12)
