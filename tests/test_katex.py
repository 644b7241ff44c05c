"""The LaTeX of explanations, read by KaTeX itself under node, all expressions in one process.

KaTeX is told to throw at what it cannot read, and at what it reads but LaTeX would not (`strict`).
It is strict about all but one thing: a character whose width it has to guess, as that of a Greek
letter in a label, which it draws nevertheless.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from math import inf, nan
from random import Random
from unicodedata import normalize

import pytest
from conftest import random_value
from test_explain import differentiable, doublings, line, parabola, random_dag

from tinygrad_edu import TABLE, Op, Value, explain
from tinygrad_edu.engine import as_value
from tinygrad_edu.rows.formula import latex_name, latex_names, latex_number, rounded

pytestmark = pytest.mark.machine

ADVICE = "`npm install katex`, and set NODE_PATH to the folder node_modules it made"

# For each expression what a reader sees, the text of its MathML, or why KaTeX refuses it.
PROGRAM = """
const katex = require("katex");
const guessed = ["unknownSymbol", "symbolNotInFont"];
const strict = (code) => guessed.includes(code) ? "ignore" : "error";
const options = { displayMode: true, throwOnError: true, strict };
const expressions = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(expressions.map((expression) => {
    try {
        const drawn = katex.renderToString(expression, options);
        return ["read", drawn.slice(drawn.indexOf("<math"), drawn.indexOf("</math>"))];
    } catch (error) {
        return ["refused", String(error)];
    }
})));
"""

SPECIAL = (nan, inf, -inf, 0.0, -0.0, 1e-30, -1e-30, 5e-324, 1e300, -2.5, 1 / 3, 12345678.9, 2.0)
NAMES = (  # labels that can stand in a formula
    *("x", "x1", "x_1", "x_12", "_", "__x__", "a_b_c", "w[0]", "w[0][1]", "x'", "f''", "a.b", "x."),
    *("learning_rate", "pi", "frac", "begin", "text", "é", "ß", "größe", "имя", "名前", "변수"),
    *("α", "αβ", "θ1", "ℝ", "ª", "x²", "x₁", "𝑥", "ﬁ", "x" * 1000, "[[".join("ab"), "x]"),
)
ALIKE = ("w", "w_", "w1", "w_1", "w_01", "w1_", "v0", "v_0", "θ", "θ_", "θ1", "θ_1", "theta", "x_1")
HOSTILE = (  # labels that are called v0, v1, ... there
    *(
        "#",
        "$",
        "%",
        "&",
        "_",
        "{",
        "}",
        "~",
        "^",
        "\\",
        "#$%&_{}~^\\",
        "$$",
        "\\\\",
        "\\frac{1}{2}",
    ),
    *("\\end{aligned}", "\\text{", "}}}", "{{{", "x^2_3", "%comment", "a & b", "a \\\\ b", "<b>"),
    *("", " ", "  two  blanks  ", "learning rate", "tab\there", "line\nbreak", "nul\0", "\x7f"),
    *(
        "😀",
        "👩‍👩‍👧",
        "مرحبا",
        "שלום",
        "e\u0301",
        "\u202e",
        "\u200b",
        "\ud800",
        "\U0010ffff",
        "a" * 5000,
    ),
    *("1", "-1", "1e-5", "nan", "inf", "#" * 3000, "\\" * 3000, "'", '"', "`", "--", "<<", "?`"),
)


def unusual() -> list[Op]:
    """Operations of one's own whose rules name themselves."""
    ops = []
    for name in ("own", "my_own", "_", "__", "x1", "frac", "Erf"):
        op = Op(name, lambda a: a, lambda y, a, name=name: ops[[*map(str, ops)].index(name)](a) + y)
        ops.append(op)
    return ops


def explained(y: Value) -> Iterator[str]:
    for x in differentiable(y):
        yield explain(y, x).latex()


def rows() -> Iterator[str]:
    """Each operation of the table differentiated by each operand, the others constants or not."""
    for op in TABLE.values():
        for number in (*SPECIAL, 0.5):
            operands = [Value(number if i else 0.5, f"x{i}") for i in range(len(op.derivatives))]
            for i in range(len(operands)):
                yield explain(op(*operands), operands[i]).latex()
                yield explain(op(*reversed(operands)), operands[i]).latex()
                if len(operands) == 2:
                    for args in ([operands[i], number], [number, operands[i]]):
                        yield explain(op(*args), operands[i]).latex()
                yield explain(op(*[operands[i]] * len(operands)), operands[i]).latex()
                inner = op(*operands)
                yield explain(op(*[inner] * len(operands)) / 3, operands[i], precision=17).latex()


def labelled(label: str) -> Iterator[str]:
    """Of leaves, of operations and of constants of that label."""
    x, c, other = Value(2.0, label), as_value(3.0), Value(0.5, "x")
    c.label = label
    y = (x * c).tanh() ** other - x / c
    yield from explained(y)
    x.label, y.label = "", label
    yield from explained(y)
    inner = other * other
    inner.label = label
    yield from explained(inner.exp() + inner * 2.0**-80)


def numbers() -> Iterator[str]:
    for number in SPECIAL:
        x, w = Value(number, "x"), Value(-1e-30, "w")
        for y in (x * w, x / w, w / x, x**w, w**x, -x * x, (x - w).exp(), x.log() + x.sqrt()):
            yield from explained(y)
        for places in (0, 1, 4, 17):
            yield explain(x * number, x, places).latex()
            yield latex_number(rounded(number, places))
            yield f"{{{latex_number(rounded(number, places))}}}^{{2}}"


def node_by_node() -> Iterator[str]:
    for times in (7, 40):
        y, x = doublings(times)
        yield explain(y, x).latex()
        yield explain((y * x).tanh() - y, x).latex()


@cache
def expressions() -> dict[str, list[str]]:
    """What KaTeX is to read, by what it is about."""
    graphs = [random_dag(Random(seed), Random(seed).randint(1, 25)) for seed in range(150)]
    wild = [random_value(Random(seed), 10, (*NAMES, *HOSTILE)) for seed in range(150)]
    return {
        "worked by hand": [explain(*pair()).latex() for pair in (line, parabola)],
        "random graphs": [explain(y, differentiable(y)[0]).latex() for y in graphs],
        "random graphs of any numbers": [
            explain(y, x).latex() for y in wild for x in differentiable(y)[:1]
        ],
        "rows of the table": list(rows()),
        "operations of one's own": [
            latex for op in unusual() for latex in explained(op(op(Value(2.0, "x"))))
        ],
        "names": [latex for name in NAMES for latex in labelled(name)],
        "hostile labels": [latex for label in HOSTILE for latex in labelled(label)],
        "single names": [latex_name(name) for name in NAMES],
        "names side by side": [*latex_names({*NAMES, *ALIKE}).values()],
        "numbers": list(numbers()),
        "node by node": list(node_by_node()),
        "nonsense": [r"\frac{1", r"\nosuch", "a_b_c", "}", "#", "x & y", "é", r"\left(x"],
    }


@cache
def answers() -> dict[str, list[tuple[str, str]]]:
    """What KaTeX answers, by what it was about."""
    node = shutil.which("node")
    if not node:
        pytest.fail(f"node is not on this machine: install it, then {ADVICE}")
    if subprocess.run([node, "-e", "require('katex')"], capture_output=True).returncode:
        pytest.fail(f"node does not find KaTeX: {ADVICE}")
    asked = expressions()
    text = json.dumps([latex for group in asked.values() for latex in group])
    done = subprocess.run(
        [node, "-e", PROGRAM], input=text, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    answered = iter(json.loads(done.stdout))
    return {about: [tuple(next(answered)) for _ in group] for about, group in asked.items()}


def seen(mathml: str) -> str:
    """The text that is displayed."""
    without = re.sub(r"<annotation.*?</annotation>", "", mathml, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "", without)).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("about", "least"),
    [
        ("worked by hand", 2),
        ("random graphs", 150),
        ("random graphs of any numbers", 140),
        ("rows of the table", 1000),
        ("operations of one's own", 20),
        ("names", 100),
        ("hostile labels", 100),
        ("single names", 20),
        ("names side by side", 20),
        ("numbers", 300),
        ("node by node", 4),
    ],
)
def test_katex_reads_every_explanation(about: str, least: int) -> None:
    read = list(zip(expressions()[about], answers()[about]))
    assert len(read) >= least
    refused = [(latex, why) for latex, (answer, why) in read if answer != "read"]
    assert not refused, f"{len(refused)} refused, the first: {refused[0]}"


def test_katex_refuses_what_is_no_latex() -> None:
    """So that the test above can fail."""
    assert [answer for answer, _ in answers()["nonsense"]] == ["refused"] * 8


def test_a_reader_sees_the_names_as_they_are() -> None:
    """x1 and x_1 as x with an index, all else letter for letter, but for a typographic quote.

    KaTeX draws an accent above its letter, a double-struck R in a font of its own, and so on:
    names with what Unicode takes for such a variant are left out.
    """
    for name, (_, mathml) in zip(NAMES, answers()["single names"]):
        if normalize("NFKD", name) != name:
            continue
        shown = seen(mathml).replace("’", "'").replace("”", "''")
        index = re.fullmatch(r"([A-Za-z])_?([0-9]*)", name)
        assert shown == (index[1] + index[2] if index else name)


def test_a_reader_sees_the_chain_rule() -> None:
    (_, mathml), _ = answers()["worked by hand"]
    assert seen(mathml).replace(" ", "") == "dLda=∂L∂d⋅∂d∂e⋅∂e∂a=f⋅1⋅b=(−2)⋅1⋅(−3)=6"


def test_hostile_labels_are_not_in_the_mathematics() -> None:
    for latex in expressions()["hostile labels"]:
        assert "comment" not in latex
        assert "😀" not in latex
        assert latex.count(r"\end{aligned}") <= 1
