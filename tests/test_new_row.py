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


def given(name: str) -> str:
    """A program's first lines: the leaves `xs` and the result `y`."""
    return (
        "from tinygrad_edu import *\n"
        f"import tinygrad_edu as package\n"
        f"xs = [Value(x, label=n) for x, n in zip({POINT[count(name)]!r}, 'ab')]\n"
        f"y = package.{name}(*xs)\ny.label = 'y'\n"
    )


@ROWS
def test_values_and_gradients_to_order_3(copy: Path, name: str) -> None:
    program = f"""{given(name)}
answer = [y.data, package.{name}(*{POINT[count(name)]!r})]
(first,) = gradient(y, xs[:1])
(second,) = gradient(first, xs[:1])
(third,) = gradient(second, xs[:1])
y.backward()
answer += [xs[0].grad, first.data, second.data, third.data]
"""
    right = [exact(name), exact(name), *(exact(name, *[0] * n) for n in (1, 1, 2, 3))]
    assert answer(copy, program) == pytest.approx(right, rel=1e-9, abs=1e-12)


@ROWS
def test_it_is_a_method_and_a_function_and_helps(copy: Path, name: str) -> None:
    program = f"""{given(name)}
import pydoc, pickle
op = package.{name}
text = pydoc.render_doc(op, renderer=pydoc.plaintext)
answer = [text, pickle.loads(pickle.dumps(op)) is op, "{name}" in package.__all__]
answer += [hasattr(Value, "{name}")]
"""
    text, same, exported, method = answer(copy, program)
    operands = ", ".join("ab"[: count(name)])
    assert f"{name}({operands}" in text
    assert f"d {name}({operands}) / d a = " in text
    assert (same, exported, method) == (True, True, count(name) == 1)


@ROWS
def test_it_is_explained_and_written(copy: Path, name: str) -> None:
    program = f"""{given(name)}
from tinygrad_edu.rows.formula import derivative_formulas, formula
e = explain(y, xs[0])
answer = [e.text(), e.latex(), y.draw().dot, formula(y.op), derivative_formulas(y.op)]
"""
    text, latex, dot, formula, derivatives = answer(copy, program)
    operands = ", ".join("ab"[: count(name)])
    assert f"y = {name}({operands})" in text
    assert r"\frac{\partial y}{\partial a}" in latex or r"\frac{d y}{d a}" in latex
    assert name in dot
    assert formula == f"{name}({operands})"
    assert len(derivatives) == count(name)


@ROWS
@pytest.mark.parametrize("backend", ["python", "numpy", "machine"])
def test_every_back_end(copy: Path, name: str, backend: str) -> None:
    pytest.importorskip("numpy" if backend != "machine" else "llvmlite")
    program = f"""{given(name)}
import warnings; warnings.simplefilter("error")
step = compile(y, xs, backend="{backend}")
answer = [step.chosen(1), step()[0], *step()[1]]
"""
    right = [exact(name), *(exact(name, i) for i in range(count(name)))]
    chosen, *found = answer(copy, program)
    assert chosen == backend
    assert found == pytest.approx(right, rel=1e-12, abs=1e-12)


def test_a_row_that_this_machine_has_no_function_for_falls_back_alone(copy: Path) -> None:
    pytest.importorskip("llvmlite")
    program = f"""{given("asinh")}
import warnings
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


@ROWS
def test_the_shell_knows_it(copy: Path, name: str) -> None:
    at = [x for n, v in zip("ab", POINT[count(name)], strict=False) for x in ("--at", f"{n}={v}")]
    text = f"{name}({', '.join('ab'[: count(name)])})"
    shown = run(copy, "-m", "tinygrad_edu", "render", text, *at)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"{name} = ")
    table = run(copy, "-m", "tinygrad_edu", "compile", text, *at)
    assert text in table.stdout
    python = run(copy, "-m", "tinygrad_edu", "compile", text, *at, "--to", "python", "-o", "p.py")
    assert python.returncode == 0, python.stderr
    check_printed(run(copy, "p.py").stdout, name)


@pytest.mark.machine
@ROWS
def test_programs_in_other_languages(copy: Path, name: str) -> None:
    at = [x for n, v in zip("ab", POINT[count(name)], strict=False) for x in ("--at", f"{n}={v}")]
    text = f"{name}({', '.join('ab'[: count(name)])})"
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
    right = [exact(name), *(exact(name, i) for i in range(count(name)))]
    assert numbers == pytest.approx(right, rel=1e-12, abs=1e-12)
