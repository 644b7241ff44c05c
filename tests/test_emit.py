"""A tape as text: the table, and programs in Python, C and JavaScript with the same answers."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import random_value
from mpmath import mp
from test_compiled import EXAMPLES, NETWORKS, agree, eager, rebuilt
from test_random_graphs import WORKING_DIGITS, graph, random_programs

import tinygrad_edu
from tinygrad_edu import TABLE, Op, Value, gradient, tanh
from tinygrad_edu.compiler import languages as languages_docs
from tinygrad_edu.compiler import tape as tape_docs
from tinygrad_edu.compiler.languages import LANGUAGES, program
from tinygrad_edu.compiler.tape import python_function
from tinygrad_edu.compiler.tape.table import table
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.engine import topological_order
from tinygrad_edu.errors import FormatError, TapeError
from tinygrad_edu.ops import LEAF, add, less, log, mask, mul
from tinygrad_edu.reading.expression import expression
from tinygrad_edu.reading.expression import leaves as leaves_of

ENDINGS = {"c": "c", "javascript": "js"}
EVERY = [
    pytest.param("python"),
    pytest.param("c", marks=pytest.mark.machine),
    pytest.param("javascript", marks=pytest.mark.machine),
]


def typed(text: str, **numbers: float) -> tuple[Value, list[Value]]:
    y = expression(text, numbers)
    return y, [node for node in topological_order(y) if node.op is LEAF]


def printed(text: str, language: str = "python", **numbers: float) -> str:
    y, leaves = typed(text, **numbers)
    return program(record([y], leaves), leaves, language)


Run = Callable[..., tuple[int, str, str]]  # words -> exit code, standard output and error


def in_this_process(text: str, *words: str) -> tuple[int, str, str]:
    """What a process of its own would give for a Python program, in a hundredth of the time."""
    out, err, code = StringIO(), StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["program.py", *words])
        try:
            exec(text, {"__name__": "__main__"})
        except SystemExit as end:
            code = int(end.code or 0)
    return code, out.getvalue(), err.getvalue()


def in_its_own(command: list[str], *words: str) -> tuple[int, str, str]:
    env = {**os.environ, "PYTHONPATH": str(Path(tinygrad_edu.__file__).parents[1])}
    done = subprocess.run([*command, *words], capture_output=True, text=True, env=env)
    return done.returncode, done.stdout, done.stderr


class Runner:
    """Writes programs, builds them, and gives what runs them."""

    def __init__(self, folder: Path, language: str) -> None:
        self.folder, self.language, self.count = folder, language, 0

    def __call__(self, text: str) -> Run:
        if self.language == "python":
            return partial(in_this_process, text)
        self.count += 1
        file = self.folder / f"p{self.count}.{ENDINGS[self.language]}"
        file.write_text(text, encoding="utf-8")
        if self.language == "javascript":
            return partial(in_its_own, ["node", str(file)])
        built = str(file.with_suffix(""))
        how = ["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic"]
        subprocess.run(["cc", *how, str(file), "-o", built, "-lm"], check=True)
        return partial(in_its_own, [built])


@pytest.fixture
def runner(tmp_path: Path, request: pytest.FixtureRequest) -> Runner:
    return Runner(tmp_path, request.getfixturevalue("language"))


def outcome(run: Run, words: Sequence[float | str] = ()) -> dict[str, float]:
    """What the program prints, by name."""
    code, out, err = run(*(x if isinstance(x, str) else repr(x) for x in words))
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    return {name: float(x) for name, x in lines}


def answers(runner: Runner, text: str, points: Sequence[Sequence[float]]) -> list[list[float]]:
    """What the program prints for each of the points; Node, which is slow to start, starts once."""
    run = runner(text)
    if runner.language != "javascript":
        return [list(outcome(run, point).values()) for point in points]
    called = f"require({json.dumps(run.args[0][1])})"
    given = json.dumps([[repr(x).replace("inf", "Infinity") for x in point] for point in points])
    script = f"for (const p of {given}) console.log({called}(...p.map(Number)).flat().join(' '))"
    lines = subprocess.check_output(["node", "-e", script], text=True).splitlines()
    return [[float(x) for x in line.split()] for line in lines]


def check(runner: Runner, y: Value, points: Sequence[Sequence[float]]) -> None:
    """The program's answers at these numbers are the eager engine's."""
    _, _, leaves = rebuilt(y)
    tape = record([y], leaves)
    kept = [leaf.data for leaf in leaves]
    given, wanted = [], []
    for point in points:
        for leaf, x in zip(leaves, point, strict=True):
            leaf.data = x
        again, new, _ = rebuilt(y)
        given.append([leaf.data for leaf in tape.leaves])
        wanted.append(eager(again, new))
    for leaf, x in zip(leaves, kept, strict=True):
        leaf.data = x
    found = answers(runner, program(tape, leaves, runner.language), given)
    for point, numbers, (expected, sizes) in zip(points, found, wanted, strict=True):
        assert agree(numbers, expected, sizes), point


@pytest.mark.parametrize("language", EVERY)
@pytest.mark.parametrize("op", list(TABLE.values()), ids=list(TABLE))
def test_every_row(op: Op, language: str, runner: Runner) -> None:
    """With its derivative and that one's derivative, at corners and elsewhere."""
    random = Random(3)
    count = len(op.derivatives)
    leaves = [Value(0.5 + i / 4, label=name) for i, name in enumerate("ab"[:count])]
    y = op(*leaves)
    first = gradient(y, leaves)
    whole = sum(first, y) * 0.5
    points: list[Any] = [[random.uniform(0.1, 3) for _ in leaves] for _ in range(3)]
    points += [[x] * count for x in (nan, inf, -inf, 0.0, -0.0, -1.0, 800.0, -800.0)]
    points += [[1.0, nan], [nan, 0.0], [-1.0, inf], [0.0, -1.0]] if count == 2 else []
    check(runner, y, points)
    check(runner, whole, points[:3])


@pytest.mark.parametrize("language", EVERY)
def test_random_graphs(language: str, runner: Runner) -> None:
    """At three points other than the recorded one."""
    for seed in range(6):
        random = Random(seed)
        y = random_value(random, 20, labels=("", "x", "if", "v1", "d_x", "max", "gradient", "W1"))
        _, _, leaves = rebuilt(y)
        if language == "python":
            check(runner, y, [[random.uniform(0.5, 2) for _ in leaves] for _ in range(3)])
    with mp.workdps(WORKING_DIGITS):
        for source, _ in random_programs(6, 5):
            y, _ = graph(source)
            _, _, leaves = rebuilt(y)
            points = [[leaf.data * (1 + i * 1e-3) for leaf in leaves] for i in (-1, 1, 2)]
            check(runner, y, points)


@pytest.mark.parametrize("language", EVERY)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, language: str, runner: Runner) -> None:
    build, _ = NETWORKS[name]
    xs, ts = EXAMPLES[0]
    y = build([Value(x) for x in xs], [Value(t) for t in ts])
    random = Random(1)
    _, _, leaves = rebuilt(y)
    check(runner, y, [[x.data + random.uniform(-0.1, 0.1) for x in leaves] for _ in range(3)])


@pytest.mark.parametrize("language", EVERY)
def test_without_arguments_the_numbers_are_those_recorded(language: str, runner: Runner) -> None:
    run = runner(printed("y = tanh(x*w + b)", language, x=2, w=-3, b=7))
    y, leaves = typed("tanh(x*w + b)", x=2, w=-3, b=7)
    y.backward()
    expected = {"y": y.data, **{f"d_{leaf.label}": leaf.grad for leaf in leaves}}
    assert outcome(run) == pytest.approx(expected, rel=1e-15)
    changed = outcome(run, [0.5])  # the others stay
    assert changed == pytest.approx(outcome(run, [0.5, -3, 7]), rel=1e-15)
    assert changed != outcome(run)


@pytest.mark.parametrize("language", EVERY)
def test_graphs_of_next_to_nothing(language: str, runner: Runner) -> None:
    x = Value(2.0, "x")
    assert outcome(runner(program(record([x], [x]), [x], language))) == {"value": 2.0, "d_x": 1.0}
    unused = Value(3.0, "unused")
    text = program(record([x + 1], [unused]), [unused], language)
    assert list(outcome(runner(text)).values()) == [3.0, 0.0]
    assert outcome(runner(program(record([x * 3]), [], language))) == {"v2": 6.0}
    constant = (x * 0 + 1).args[1]
    assert outcome(runner(program(record([constant]), [], language))) == {"value": 1.0}
    for number in (nan, inf, -inf, -0.0, 1e300, -1e-300):
        y = x * number + Value(number)
        assert repr(next(iter(outcome(runner(program(record([y]), [], language))).values()))) in (
            repr(y.data),
            repr(-y.data) if number != number else "",
        )


@pytest.mark.parametrize("language", EVERY)
def test_long_sums_and_deep_graphs(language: str, runner: Runner) -> None:
    x = Value(1.0, "x")
    y = x
    for _ in range(400):
        y = tanh(y * 1.01 + 0.01)
    leaves = [Value(float(i)) for i in range(300)]
    check(runner, sum(leaves, y), [[0.5 + i / 7 for i in range(301)]])


RESERVED = {
    "python": "if lambda maximum tanh inf f gradient".split(),
    "c": "double int NAN M_PI EOF unix errno tanh fabs f y1 gamma div AT gradient".split(),
    "javascript": "var function await eval arguments tanh null f".split(),
}


@pytest.mark.parametrize("language", EVERY)
def test_names_that_mean_something_else_are_not_used(language: str, runner: Runner) -> None:
    odd = ["", "v7", "t3", "d_x", "x y", "x;", '"', "*/", "\n", "η", "layer1.w[0]", "_x", "1x"]
    names = [*RESERVED[language], *odd, "x", "x"]
    leaves = [Value(0.1 * i, label=name) for i, name in enumerate(names, 1)]
    y = leaves[0]
    for leaf in leaves[1:]:
        y = tanh(y * leaf)
    check(runner, y, [[0.9 - i / 40 for i, _ in enumerate(names)]])


def test_a_label_is_the_name_where_it_can_be() -> None:
    y, leaves = typed("η*layer + W1 * L", **{"η": 1, "layer": 2, "W1": 3, "L": 4})
    y.label = "loss"
    assert "def f(η, layer, W1, L):" in program(record([y], leaves), leaves, "python")
    c = program(record([y], leaves), leaves, "c", "net")
    assert "double net(double v0, double layer, double W1, double L, double gradient[])" in c
    assert "v0 stands for 'η'" in c
    assert '{"loss", "d_η", "d_layer", "d_W1", "d_L"}' in c


USERS = {
    "v1 + 10*v0": ["v1", "v0"],
    "v1*h1 + v2*h2": ["v1", "h1", "v2", "h2"],
    "(a*b + c)*f": ["a", "b", "c", "f"],
    "d_x = t9*x; d_x*gradient + given*names": ["t9", "x", "gradient", "given", "names"],
    "Number*Math + module*require + process*console": (
        ["Number", "Math", "module", "require", "process", "console"]
    ),
    "XY*LR + _a*MSE + y1*index": ["XY", "LR", "_a", "MSE", "y1", "index"],
}


@pytest.mark.parametrize("language", EVERY)
@pytest.mark.parametrize("text", USERS)
def test_the_names_of_the_user_are_kept(text: str, language: str, runner: Runner) -> None:
    """In the function, where it prints, and where it is told numbers; ours make way."""
    numbers = {name: 0.5 + i for i, name in enumerate(USERS[text])}
    y, _ = typed(text, **numbers)
    tape = record([y], leaves := list(record([y]).leaves))
    by_order = sorted(leaves, key=lambda leaf: USERS[text].index(leaf.label))
    code = program(tape, leaves, language, arguments=by_order)
    shown = {line.split()[1] for line in table(tape).splitlines()[1:]}
    assert set(USERS[text]) <= shown
    double = "double " if language == "c" else ""
    assert f"({', '.join(double + name for name in USERS[text])}" in code.partition("return")[0]
    assert "stands for" not in code
    y.backward()
    run = runner(code)
    found = outcome(run)
    slopes = {name.removeprefix("d_").rstrip("_"): x for name, x in list(found.items())[1:]}
    assert slopes == pytest.approx({leaf.label: leaf.grad for leaf in leaves}, rel=1e-15)
    last = USERS[text][-1]
    assert outcome(run, [f"{last}=0.125", 0.25]) == outcome(
        run, [0.25, *list(numbers.values())[1:-1], 0.125]
    )


@pytest.mark.parametrize("language", EVERY)
def test_a_name_that_had_to_be_changed_is_told(language: str, runner: Runner) -> None:
    word = {"python": "lambda", "c": "double", "javascript": "let"}[language]
    a, b, c = Value(2.0, word), Value(3.0, '*/ x\n"\\'), Value(4.0, "exp")
    text = program(record([a * b * c], [a, b, c]), [a, b, c], language)
    assert f"{word}_ stands for '{word}'" in text
    assert "exp_ stands for 'exp'" in text
    assert "v1 stands for '*\\x2f x\\x0a\"\\x5c'" in text
    found = outcome(runner(text), ["exp=5"])
    assert found == {"v4": 30.0, f"d_{word}": 15.0, "d_v1": 10.0, "d_exp": 6.0}


WORDS = [
    ["abc"], ["1", "2", "3"], ["q=3"], [""], ["x="], ["=1"], ["0x10"], ["1_0"], [" 1"], ["1\n"],
    ["x=1\n2"], ["nan(1)"], ["1e"], ["."], ["infin"], ["\uff11"], ["1", "x=2"], ["x=1", "x=1"],
    ["x=1=2"], ["--help"],
]  # fmt: skip
READ = {
    "inf": inf, "-INF": -inf, "Infinity": inf, "+nan": nan, "-NaN": nan, "1e400": inf, "-0": -0.0,
    ".5": 0.5, "5.": 5.0, "1E-3": 0.001,
}  # fmt: skip


@pytest.mark.machine
def test_all_languages_refuse_the_same_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "p.py"
    file.write_text(printed("x*w", x=2, w=1), encoding="utf-8")
    runs: list[Run] = [partial(in_its_own, [sys.executable, str(file)])]
    runs += [
        Runner(tmp_path, language)(printed("x*w", language, x=2, w=1)) for language in LANGUAGES
    ]
    for words in WORDS:
        found = {run(*words) for run in runs}
        assert len(found) == 1, (words, found)
        (code, out, err), *_ = found
        assert (code, out, err.count("\n"), err[-1:]) == (2, "", 1, "\n"), words
    for text, x in READ.items():
        found = {run(text) for run in runs}
        assert len(found) == 1, (text, found)
        (code, out, err), *_ = found
        assert (code, err) == (0, "")
        value = float(out.split()[1])
        assert repr(value) == repr(x), text
    assert runs[0]("abc") == (2, "", "abc is not a number\n")
    assert runs[0]("-0")[1] == "v2 -0\nd_x 1\nd_w -0\n"


@pytest.mark.parametrize("language", EVERY)
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("less(x, y)", [nan, 1]),
        ("step(x)", [nan]),
        ("x - x", [nan]),
        ("0*x", [inf]),
        ("less(sqrt(y) + x, 1)", [-1, 1]),
        ("step(log(x))", [-1]),
        ("less(x, 1)*y", [nan, 2]),
        ("x/w + log(z)", [1, inf, -1]),
        ("mask(0, q) + log(x)", [1, -1]),
    ],
)
def test_where_the_value_is_nan_every_derivative_is(
    text: str, numbers: list[float], language: str, runner: Runner
) -> None:
    names = list(leaves_of(text))
    y, leaves = typed(text, **dict.fromkeys(names, 1.0))
    leaves += [Value(1.0, name) for name in names if name not in {x.label for x in leaves}]
    takes = sorted(leaves, key=lambda leaf: names.index(leaf.label))
    code = program(record([y], takes), takes, language, arguments=takes)
    _, out, _ = runner(code)(*map(repr, numbers))
    assert [line.split()[1] for line in out.splitlines()] == ["nan"] * (1 + len(takes))


@pytest.mark.parametrize("language", EVERY)
@pytest.mark.parametrize(("text", "a"), [("y = a**log(x)", 1.0), ("y = log(x)**a", 0.0)])
def test_a_nan_that_a_power_hides_is_in_the_derivatives(
    text: str, a: float, language: str, runner: Runner
) -> None:
    """1**nan and nan**0 are 1, but nothing is known of their slopes."""
    run = runner(printed(text, language, a=2, x=3))
    assert repr(outcome(run, [f"a={a}", "x=-1"])) in (
        "{'y': 1.0, 'd_a': nan, 'd_x': nan}",
        "{'y': 1.0, 'd_x': nan, 'd_a': nan}",
    )


@pytest.mark.machine
def test_no_macro_of_math_h_is_a_name_in_c() -> None:
    """Nor of what a compiler has anyway; what ends in ( is only a macro where it is called."""
    listing = ["cc", "-dM", "-E", "-include", "math.h", "-xc", os.devnull]
    text = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    macros = re.findall(r"^#define ([A-Za-z]\w*) \S", text, re.MULTILINE)
    assert len(macros) > 20
    for macro in macros:
        x = Value(2.0, macro)
        assert f"stands for '{macro}'" in program(record([x * 2], [x]), [x], "c")


def test_a_nan_goes_back_through_masks_as_in_the_engine() -> None:
    """Not to what a mask keeps out, and to its condition where its own result is nan."""
    random = Random(13)
    seen = Counter[str]()
    for _ in range(300):
        leaves = [Value(1.0, name) for name in "xyz"]
        nodes: list[Value] = list(leaves)
        for op in random.choices([mask, mask, add, mul, log, less], k=random.randint(2, 7)):
            nodes.append(op(*(random.choice(nodes[-4:]) for _ in op.derivatives)))
        _, _, given = rebuilt(nodes[-1])
        meaning: dict[str, Any] = {"__name__": "lesson"}
        exec(program(record([nodes[-1]], given), given, "python"), meaning)
        for _ in range(8):
            for x in given:
                x.data = random.choice([0.0, 1.0, 2.0, -1.0, nan])
            again, new, _ = rebuilt(nodes[-1])
            wanted, _ = eager(again, new)
            value, slopes = meaning["f"](**{x.label: x.data for x in given})
            if wanted[0] != wanted[0]:
                undefined = [x != x for x in [value, *slopes]]
                assert undefined == [x != x for x in wanted], ([value, *slopes], wanted)
                seen.update("nan" if x else "0" for x in undefined)
    assert min(seen["nan"], seen["0"]) > 50, "both are asked for"


def test_what_is_not_used_is_not_there() -> None:
    plain = printed("x*w + 1", "c", x=1, w=2)
    assert "static" not in plain.partition("#ifndef")[0]
    assert "static double relu(double a) { return (a <= 0.0 ? 0.0 : a); }" in printed(
        "relu(x)", "c", x=1
    )
    assert "Math" not in printed("x*w + 1", "javascript", x=1, w=2)
    alone = printed("x*w + 1", x=1, w=2).partition("if __name__")[0]
    assert re.findall(r"^(?:from|import) \w.*", alone, re.M) == [
        "from tinygrad_edu.rows.ieee import total_program  # its arithmetic never raises"
    ]


@pytest.mark.quick
def test_printed_python_is_read_at_a_glance() -> None:
    function = printed("tanh(x*w + b)", x=2, w=-3, b=7).partition("def ")[2].partition("\n\n")[0]
    assert function == (
        "f(x, w, b):\n"
        "    v4 = x * w + b\n"
        "    v5 = tanh(v4)\n"
        "    d_v4 = sech2(v4)\n"
        "    d_x = d_v4 * w\n"
        "    d_w = d_v4 * x\n"
        "    if v5 != v5:  # undefined, and so is every derivative\n"
        "        return v5, [v5] * 3\n"
        "    return v5, [d_x, d_w, d_v4]"
    )
    lines = [line for name in NETWORKS for line in _network(name).splitlines()]
    assert max(len(line) for line in lines if re.match(r"    [vtd_]+\d+ = ", line)) < 170


def _network(name: str) -> str:
    build, parameters = NETWORKS[name]
    y = build([Value(x) for x in EXAMPLES[0][0]], [Value(t) for t in EXAMPLES[0][1]])
    return program(record([y], parameters[:3]), parameters[:3], "python")


@pytest.mark.quick
def test_printed_python_takes_floats_and_values_alike() -> None:
    text = printed("max(x, w)**2 + abs(x)", x=2, w=-3)
    names: dict[str, Any] = {"__name__": "lesson"}
    exec(text, names)
    value, gradient_ = names["f"](0.5, -1.0)
    assert (value, gradient_) == (0.75, [2.0, 0.0])
    x, w = Value(0.5), Value(-1.0)
    graph_, slopes = names["f"](x, w)
    assert isinstance(graph_, Value)
    assert (graph_.data, [slope.data for slope in slopes]) == (0.75, [2.0, 0.0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_operation_of_ones_own_is_written_or_refused_in_one_line(language: str) -> None:
    x = Value(2.0, "x")
    y = Op("exp", lambda a: a * (1 + a), lambda y, a: 1 + 2 * a)(x)
    text = program(record([y], [x]), [x], language)
    assert re.search(r"x \* \(1(\.0)? \+ x\)", text)
    x = Value(2.0)
    y = Op("exp", math.lgamma, lambda y, a: 1.0)(x)
    with pytest.raises(FormatError, match="exp is an operation of your own") as caught:
        program(record([y], [x]), [x], language)
    assert "\n" not in str(caught.value)
    assert "exp(v0)" in table(record([y], [x]))


@pytest.mark.parametrize("language", EVERY)
def test_an_operation_of_ones_own_that_is_made_of_others_runs(
    language: str, runner: Runner
) -> None:
    """As what it is made of, whatever it is called."""
    rules = (lambda y, a, b: (1 - tanh(a) ** 2) * b, lambda y, a, b: tanh(a))
    own = Op("exp", lambda a, b: tanh(a) * b + 1, *rules)
    a, b = Value(0.3, label="a"), Value(-2.0, label="b")
    check(runner, own(a * b, b), [[0.3, -2.0], [1.5, 0.25], [-4.0, 3.0]])


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.quick
def test_the_table_of_a_neuron() -> None:
    y, leaves = typed("tanh(x*w + b)", x=2, w=-3, b=7)
    assert table(record([y], leaves)) == (
        "id  name  formula    number\n"
        "0   x     given      2\n"
        "1   w     given      -3\n"
        "2   v2    x * w      -6\n"
        "3   b     given      7\n"
        "4   v4    v2 + b     1\n"
        "5   v5    tanh(v4)   0.7616\n"
        "5   d_v5  1          1\n"
        "4   d_v4  sech2(v4)  0.4200\n"
        "3   d_b   d_v4       0.4200\n"
        "2   d_v2  d_v4       0.4200\n"
        "0   d_x   d_v4 * w   -1.2599\n"
        "1   d_w   d_v4 * x   0.8399\n"
    )


def test_a_label_that_two_leaves_have_names_neither() -> None:
    """A tape runs with numbers by label, unless it is a guess which leaf is meant."""
    x, twin, w = Value(1.0, "x"), Value(2.0, "x"), Value(3.0, "w")
    tape = record([x * twin + w])
    assert tape.run({"w": 5.0})[tape.outputs[0]] == 7.0
    for label in ("x", "nobody"):
        with pytest.raises(TapeError, match=f"no single leaf .* '{label}'"):
            tape.run({label: 5.0})


def test_numbers_in_a_table_belong_together() -> None:
    """Also where a leaf was set after the graph was computed."""
    y, (x, w) = typed("x*w", x=2, w=3)
    x.data = 5.0
    lines = table(record([y], [x, w])).splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["5", "3", "15", "1", "5", "3"]


def test_the_table_without_numbers_and_with_few_decimals() -> None:
    y, leaves = typed("s = x*w; s*s", x=2, w=0.123456)
    assert "number" not in table(record([y], leaves), numbers=False)
    assert re.search(r"^1 +w +given +0.12$", table(record([y], leaves), precision=2), re.MULTILINE)
    assert table(record([Value(2.0, "x")])) == "id  name  formula  number\n0   x     given    2\n"


def test_every_line_of_a_table_is_made_of_lines_above_it() -> None:
    """And its number is what its formula gives."""
    meaning: dict[str, Any] = {op.name: op for op in TABLE.values()}
    random = Random(9)
    with mp.workdps(WORKING_DIGITS):
        for source, _ in random_programs(5, 77):
            y, leaves = graph(source)
            for leaf in leaves:
                leaf.label = random.choice(["", f"n{random.randrange(99)}"])
            known: dict[str, Any] = {}
            for line in table(record([y], leaves), precision=17).splitlines()[1:]:
                name, _, rest = line[line.index(" ") :].strip().partition(" ")
                formula, _, number = rest.strip().rpartition("  ")
                if formula.strip() != "given":
                    made = eval(formula.replace("pow", "pow_"), meaning, known)
                    assert float(made) == pytest.approx(float(number), rel=1e-9, abs=1e-12)
                known[name] = float(number)
            assert len([name for name in known if name.startswith("d_")]) > len(leaves)


def test_no_two_lines_of_a_table_have_one_name() -> None:
    """Labels may be like the names that are made: v2, d_v2, t5."""
    v1, v2, d_v2 = Value(1.0, label="v1"), Value(2.0, label="v2"), Value(3.0, label="d_v2")
    y = tanh(v2 * v1 + d_v2 * v2) * v1
    text = table(record([y], [v1, v2, d_v2]))
    called = [line.split()[1] for line in text.splitlines()[1:]]
    assert len(set(called)) == len(called) > 10


# --- the neuron in the docstrings of the compiler ------------------------------------------------


def shown(text: str) -> list[str]:
    """The indented lines of a docstring, without blanks and dots."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def test_the_neuron_in_the_docstrings_is_what_the_compiler_makes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, w, b = Value(2.0, "x"), Value(0.5, "w"), Value(1.0, "b")
    y = (x * w + b).relu()
    both = record([y], [w])
    lines = " ".join(shown(tape_docs.__doc__ or ""))
    for k, op in enumerate(both.ops):
        if op.derivatives:
            assert f"{k} = {op.name}({', '.join(map(str, both.operands(k)))})" in lines

    text = program(both, [w], "c")
    lines = shown((languages_docs.__doc__ or "").partition(" in C\n")[2])
    assert [line for line in lines if line != "..." and line not in text] == []

    texts: list[str] = []
    monkeypatch.setattr(python_function, "python", lambda text, _: texts.append(text))
    tape = record([y])
    python_function.python_function(tape, [tape.leaves[x]], tape.outputs, [], False)
    loop = (python_function.__doc__ or "").partition("the loop is\n")[2]
    written = [line.strip() for line in texts[0].splitlines()]
    assert [line for line in shown(loop) if line not in written] == []
