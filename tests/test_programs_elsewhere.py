"""Emitted programs say the engine's numbers wherever they run: C libraries, JavaScript engines.

400 random expressions over every row of the table, at eight points each, of whose coordinates a
fifth are special. What is in one language goes through one process: functions of other names in
one C program, and all scripts on one page. An engine that is not there is skipped, but `cc`,
`node` and Chromium have to be.
"""

from __future__ import annotations

import io
import platform
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from math import copysign, inf, isinf, nan
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from test_browser import opened
from test_compiled import agree, eager, rebuilt

from tinygrad_edu import TABLE, Value
from tinygrad_edu.compiler.languages import program
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.reading.expression import expression

pytestmark = pytest.mark.machine

COUNT, POINTS, OPERATIONS = 400, 8, 6
SPECIAL = (0.0, -0.0, inf, -inf, nan, 1.0, -1.0, 700.0, -700.0, 1e-300, -1e-300, 1e300, 0.5, 40.0)


class Case(NamedTuple):
    """An expression, where it is asked, and what the engine answers; how large an error counts."""

    name: str
    y: Value
    leaves: list[Value]
    points: list[list[float]]
    answers: list[list[float]]
    sizes: list[list[float]]

    def program(self, language: str) -> str:
        return program(record([self.y], self.leaves), self.leaves, language, self.name)


def number(random: Random) -> float:
    return random.choice(SPECIAL) if random.random() < 0.2 else random.uniform(-3, 3)


def case(random: Random, name: str) -> Case:
    """Each operation takes one of the last results, so that most of them matter."""
    nodes = [Value(random.uniform(-3, 3), label) for label in ("x", "v1", "f")]
    for _ in range(random.randint(1, OPERATIONS)):
        op = random.choice(list(TABLE.values()))
        args: list[Any] = [random.choice(nodes[-4:]) for _ in op.derivatives]
        if len(args) == 2 and random.random() < 0.3:
            args[random.randrange(2)] = number(random)
        nodes.append(op(*args))
    y = nodes[-1]
    _, _, leaves = rebuilt(y)
    points, answers, sizes = [], [], []
    for _ in range(POINTS):
        point = [number(random) for _ in leaves]
        for leaf, x in zip(leaves, point):
            leaf.data = x
        again, new, _ = rebuilt(y)
        answer, size = eager(again, new)
        points.append(point)
        answers.append(answer)
        sizes.append(size)
    order = list(record([y], leaves).leaves)
    assert order == leaves
    return Case(name, y, leaves, points, answers, sizes)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    random = Random(20)
    found: list[Case] = []
    while len(found) < COUNT:
        made = case(random, f"p{len(found)}")
        if made.leaves:
            found.append(made)
    assert {op.name for c in found for op in record([c.y]).ops} >= set(TABLE)
    assert sum(answer[0] != answer[0] for c in found for answer in c.answers) > COUNT // 2
    return found


def hold(cases: list[Case], text: str) -> None:
    """Every answer in the text, one point a line, is the engine's."""
    lines = iter(text.split("\n"))
    wrong = [
        (str(record([c.y]).ops[-1].name), point, found, answer)
        for c in cases
        for point, answer, size in zip(c.points, c.answers, c.sizes)
        if not agree(found := [float(x) for x in next(lines).split()], answer, size)
    ]
    assert not wrong, f"{len(wrong)} of {COUNT * POINTS}, first {wrong[:3]}"


# --- Python --------------------------------------------------------------------------------------


def test_python(cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for c in cases:
        code = compile(c.program("python"), c.name, "exec")
        for point in c.points:
            monkeypatch.setattr(sys, "argv", [c.name, *map(repr, point)])
            with redirect_stdout(io.StringIO()) as out:
                exec(code, {"__name__": "__main__"})
            lines.append(" ".join(line.split()[1] for line in out.getvalue().splitlines()))
    hold(cases, "\n".join(lines))


# --- C -------------------------------------------------------------------------------------------


def literal(x: float) -> str:
    """A number in C and JavaScript, where INFINITY and NAN are known by these names."""
    if x != x:
        return "NAN"
    return ("-" if copysign(1, x) < 0 else "") + ("INFINITY" if isinf(x) else repr(abs(x)))


def together(cases: list[Case]) -> str:
    """One C program of all of them: what several bring along is there once."""
    shared: dict[str, None] = {}
    own, calls = [], []
    for c in cases:
        text = c.program("c").partition("#ifndef NO_MAIN")[0]
        head, name, body = text.partition(f"double {c.name}(")
        own.append(name + body)
        comment, _, rest = head.partition("*/\n")
        assert comment.startswith("/*")
        parts = re.split(r"^(?=static )", rest, flags=re.MULTILINE)
        shared |= dict.fromkeys(part.strip() + "\n" for part in parts)
        for point in c.points:
            passed = ", ".join([*map(literal, point), "g"])
            calls.append(f"    say({c.name}({passed}), g, {len(point)});\n")
    say = """
static void say(double value, const double *g, int size)
{
    printf("%.17g", value);
    for (int i = 0; i < size; i++)
        printf(" %.17g", g[i]);
    puts("");
}
"""
    main = f"int main(void)\n{{\n    double g[3];\n{''.join(calls)}    return 0;\n}}\n"
    return "".join([*shared, "\n#include <stdio.h>\n", *own, say, main])


def fused() -> bool:
    """Whether this processor multiplies and adds at once, as Intel's of 2013 do."""
    try:
        return " fma " in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    "compiler",
    [
        ["cc"],
        pytest.param(
            ["cc", "-march=haswell"],
            marks=pytest.mark.skipif(not fused(), reason="no such processor"),
        ),
        ["musl-gcc", "-static"],
        pytest.param(
            ["clang", "-march=haswell"],
            marks=pytest.mark.skipif(not fused(), reason="no such processor"),
        ),
    ],
    ids=" ".join,
)
def test_c(compiler: list[str], cases: list[Case], tmp_path: Path) -> None:
    if compiler[0] != "cc" and not shutil.which(compiler[0]):
        pytest.skip(f"no {compiler[0]}")
    (tmp_path / "all.c").write_text(together(cases))
    strict = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
    built = str(tmp_path / "all")
    subprocess.run(
        [*compiler, "-O2", *strict, str(tmp_path / "all.c"), "-o", built, "-lm"], check=True
    )
    hold(cases, subprocess.run([built], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("compiler", ["cc", "clang"])
def test_a_product_and_a_sum_are_rounded_twice(compiler: str, tmp_path: Path) -> None:
    """With one rounding, x*x - y*y of equal numbers would be -8.3e-19."""
    if compiler == "clang" and not shutil.which(compiler):
        pytest.skip("no clang")
    y = expression("x*x - y*y", {"x": 0.1, "y": 0.1})
    (tmp_path / "d.c").write_text(program(record([y]), [], "c"))
    for more in [[], ["-march=haswell"]] if platform.machine() in ("x86_64", "AMD64") else [[]]:
        listing = [compiler, "-O2", *more, "-S", "-o", "-", "d.c"]
        code = subprocess.run(listing, capture_output=True, text=True, check=True, cwd=tmp_path)
        assert not re.search(r"\bv?f(n?m(add|sub))", code.stdout)
        assert "mul" in code.stdout


# --- JavaScript ----------------------------------------------------------------------------------


def scripts(cases: list[Case]) -> str:
    """All of them, one after the other, as on one page, and `answers()`."""
    asked = [f"[{c.name}, [{', '.join(map(literal, point))}]]" for c in cases for point in c.points]
    return "".join(c.program("javascript") for c in cases) + (
        "const INFINITY = Infinity, NAN = NaN;\n"
        "const answers = () => [\n" + ",\n".join(asked) + "\n].map(([f, xs]) => {\n"
        "  const [value, gradient] = f(...xs);\n"
        '  return [value, ...gradient].map((x) => (Object.is(x, -0) ? "-0" : x)).join(" ");\n'
        '}).join("\\n");\n'
    )


def test_node(cases: list[Case], tmp_path: Path) -> None:
    (tmp_path / "all.js").write_text(scripts(cases))
    (tmp_path / "run.js").write_text(
        'const text = require("fs").readFileSync(process.argv[2], "utf-8");\n'
        'console.log(require("vm").runInThisContext(text + "answers()"));\n'
    )
    command = ["node", str(tmp_path / "run.js"), str(tmp_path / "all.js")]
    hold(cases, subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_spidermonkey(cases: list[Case], tmp_path: Path) -> None:
    if not shutil.which("gjs"):
        pytest.skip("no gjs")
    (tmp_path / "all.js").write_text(scripts(cases) + "print(answers());\n")
    done = subprocess.run(
        ["gjs", str(tmp_path / "all.js")], capture_output=True, text=True, check=True
    )
    hold(cases, done.stdout)


def test_quickjs(cases: list[Case]) -> None:
    engine = pytest.importorskip("quickjs").Context()
    hold(cases, engine.eval(scripts(cases) + "answers()"))


def test_a_browser(cases: list[Case], tmp_path: Path) -> None:
    """Two files on one page, one of them twice."""
    (tmp_path / "all.js").write_text(scripts(cases))
    (tmp_path / "one.js").write_text(cases[0].program("javascript"))
    page = tmp_path / "page.html"
    page.write_text(
        '<!doctype html><script src="one.js"></script><script src="one.js"></script>'
        '<script src="all.js"></script>'
    )
    with opened(tmp_path / "profile") as browser:
        browser.open(page)
        hold(cases, browser.say("answers()"))


@pytest.mark.parametrize("form", ["a.mjs", "module/a.js", "a.js", "a.cjs"])
def test_a_module_is_a_program_and_a_part_of_others(form: str, tmp_path: Path) -> None:
    """An ES module by its ending or by its folder; or CommonJS."""
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "package.json").write_text('{"type": "module"}')
    y = expression("Number*log(2.0*Math)", {"Number": 3, "Math": 0.5})
    tape = record([y], leaves := list(record([y]).leaves))
    text = program(tape, leaves, "javascript", module=form.endswith("mjs"))
    (tmp_path / form).write_text(text)
    use = {
        "a.mjs": 'import g, { f } from "./a.mjs"; if (g !== f) throw 1;',
        "module/a.js": 'import "./module/a.js";',  # as a script does: it defines f
        "a.js": 'const f = require("./a.js"); if (globalThis.f) throw 1;',
        "a.cjs": 'import f from "./a.cjs";',
    }[form]
    other = "use.cjs" if form == "a.js" else "use.mjs"
    (tmp_path / other).write_text(use + "console.log(JSON.stringify(f(2, 0.5)));\n")

    def node(*args: str) -> str:
        done = subprocess.run(
            ["node", *args], capture_output=True, text=True, check=True, cwd=tmp_path
        )
        return done.stdout

    assert node(other) == "[0,[0,4]]\n"
    assert node(form, "Math=0.5", "2") == "v5 0\nd_Number 0\nd_Math 4\n"
