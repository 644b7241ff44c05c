"""Formulas: brackets where Python needs them, and nowhere else."""

from __future__ import annotations

import ast
import math
import operator
import re
import unicodedata
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import TABLE, Op, Value, explain, maximum, ops, tanh
from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.analysis.notation import derivative, derivative_in_numbers, reason, rule
from tinygrad_edu.rows.formula import (
    Formula,
    Latex,
    School,
    derivative_formulas,
    format_number,
    formula,
    latex_name,
    latex_names,
    latex_number,
    numeral,
    rounded,
)
from tinygrad_edu.rows.ieee import IEEE

OPERATORS = {
    "+": (operator.add, ast.Add),
    "-": (operator.sub, ast.Sub),
    "*": (operator.mul, ast.Mult),
    "/": (operator.truediv, ast.Div),
    "**": (operator.pow, ast.Pow),
}
SYMBOL = {node: symbol for symbol, (_, node) in OPERATORS.items()}
NUMBERS = {"a": 0.7, "b": -1.3, "c": 0.0}

# Trees are what Python would read: ("*", "a", ("neg", "b")). A number is a leaf, too.
LEAVES = st.sampled_from("abc") | st.sampled_from([0.0, 1.0, 2.0, 0.5, 1e16, 1e-7, 3e200])
TREES = st.recursive(
    LEAVES,
    lambda tree: st.one_of(
        st.tuples(st.sampled_from(list(OPERATORS)), tree, tree),
        st.tuples(st.sampled_from(["neg", "abs", "tanh"]), tree),
        st.tuples(st.just("max"), tree, tree),
    ),
    max_leaves=12,
)


def apply(tree: Any, leaf: Any) -> Any:
    """The tree computed by Python's operators and the functions of the table, from its leaves."""
    if not isinstance(tree, tuple):
        return leaf(tree)
    name, *args = tree[0], *(apply(arg, leaf) for arg in tree[1:])
    if name in OPERATORS:
        return OPERATORS[name][0](*args)
    return {"neg": operator.neg, "abs": abs}.get(name, TABLE.get(name))(*args)


def tree_of(node: ast.expr, symbols: dict[Any, str] = SYMBOL) -> Any:
    """What Python reads."""
    if isinstance(node, ast.BinOp):
        operands = tree_of(node.left, symbols), tree_of(node.right, symbols)
        return symbols[type(node.op)], *operands
    if isinstance(node, ast.UnaryOp):
        assert isinstance(node.op, ast.USub)
        return "neg", tree_of(node.operand, symbols)
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return node.func.id, *(tree_of(x, symbols) for x in node.args)
    return node.id if isinstance(node, ast.Name) else float(ast.literal_eval(node))


def read(text: str) -> Any:
    return tree_of(ast.parse(text, mode="eval").body)


def number(leaf: str | float) -> IEEE:
    return IEEE(NUMBERS.get(leaf, leaf))


@given(TREES)
@settings(deadline=None, max_examples=300)
def test_python_reads_the_formula_that_was_written(tree: Any) -> None:
    """The same operations in the same order, hence the same float to the last bit."""
    written = str(apply(tree, Formula))
    assert read(written) == tree
    assert repr(apply(read(written), number)) == repr(apply(tree, number))


@given(TREES)
@settings(deadline=None)
def test_no_bracket_is_superfluous(tree: Any) -> None:
    """Without any one pair, Python would read something else, or nothing."""
    text = str(apply(tree, Formula))
    for start, character in enumerate(text):
        if character == "(" and not text[:start].endswith(("abs", "tanh", "max")):
            end = closing(text, start)
            without = text[:start] + text[start + 1 : end] + text[end + 1 :]
            assert read(without) != tree, without


def closing(text: str, start: int) -> int:
    depth = 0
    for end in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        if depth == 0:
            return end
    raise AssertionError(f"no bracket closes number {start} of {text}")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (lambda a, b, c: a - (b - c), "a - (b - c)"),
        (lambda a, b, c: (a - b) - c, "a - b - c"),
        (lambda a, b, c: a + (b + c), "a + (b + c)"),
        (lambda a, b, c: a / (b * c), "a / (b * c)"),
        (lambda a, b, c: a / b * c, "a / b * c"),
        (lambda a, b, c: (a**b) ** c, "(a**b)**c"),
        (lambda a, b, c: a**b**c, "a**b**c"),
        (lambda a, b, c: (-a) ** 2, "(-a)**2"),
        (lambda a, b, c: -(a**2), "-a**2"),
        (lambda a, b, c: a ** (-b), "a**-b"),
        (lambda a, b, c: ops.neg(-a), "--a"),
        (lambda a, b, c: -(a * b), "-(a * b)"),
        (lambda a, b, c: -a * b, "-a * b"),
        (lambda a, b, c: a * -b, "a * -b"),
        (lambda a, b, c: abs(a - b), "abs(a - b)"),
        (lambda a, b, c: maximum(a, tanh(b + c)), "max(a, tanh(b + c))"),
        (lambda a, b, c: 2 * a - 1.5, "2 * a - 1.5"),
        (lambda a, b, c: 1 / (3 - (2 ** (1 + a))), "1 / (3 - 2**(1 + a))"),
        (lambda a, b, c: Formula(-2.0) ** a, "(-2)**a"),
        (lambda a, b, c: a - -2.0, "a - -2"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_brackets_by_example(written: Any, text: str) -> None:
    assert str(written(Formula("a"), Formula("b"), Formula("c"))) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_a_number_is_the_shortest_text_that_reads_back_as_it(x: float) -> None:
    text = format_number(x)
    assert float(text) == x
    assert math.copysign(1.0, float(text)) == math.copysign(1.0, x)
    assert len(text) <= len(repr(x))
    assert not text.endswith(".0")


def test_a_formula_is_neither_true_nor_false() -> None:
    """So that a rule with an `if` in it fails at once."""
    with pytest.raises(TypeError, match=r"a \+ 1 is a formula, neither true nor false"):
        bool(Formula("a") + 1)
    with pytest.raises(TypeError):
        assert Formula("a") < 1


def test_a_formula_shows_its_text() -> None:
    assert f"{Formula('a') / 2}" == "a / 2"
    assert repr(Formula("a") / 2) == "Formula('a / 2')"


def test_rows_read_as_in_a_textbook() -> None:
    read_out = {name: [formula(op), *derivative_formulas(op)] for name, op in TABLE.items()}
    assert read_out["mul"] == ["a * b", "b", "a"]
    assert read_out["sub"] == ["a - b", "1", "-1"]
    assert read_out["div"] == ["a / b", "1 / b", "-y / b"]
    assert read_out["neg"] == ["-a", "-1"]
    assert read_out["tanh"] == ["tanh(a)", "1 - y**2"]
    assert read_out["sigmoid"] == ["sigmoid(a)", "y * (1 - y)"]
    assert read_out["sqrt"] == ["sqrt(a)", "1 / (2 * y)"]
    assert read_out["max"][0] == "max(a, b)"


def test_ones_own_operation_has_formulas_as_well() -> None:
    cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2)
    assert [formula(cube), *derivative_formulas(cube)] == ["cube(a)", "3 * a**2"]


def test_an_operator_with_a_symbol_of_its_own_is_written_as_a_function() -> None:
    dot = Op("dot", lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: a, symbol="@")
    assert read(formula(dot)) == ("dot", "a", "b")
    assert str(dot(Value(2.0), 3.0).op) == "@"


# --- numbers in formulas -------------------------------------------------------------------------


def test_a_negative_number_in_a_formula_has_its_brackets() -> None:
    assert str(numeral(-2.5, 4) ** numeral(2.0, 4)) == "(-2.5)**2"
    assert str(numeral(2.0, 4) ** numeral(-2.5, 4)) == "2**(-2.5)"
    assert str(numeral(1 / 3, 2) - numeral(-1.0, 2)) == "0.33 - (-1)"
    assert str(numeral(-1.0, 2) + numeral(2.0, 2)) == "-1 + 2"
    assert str(numeral(-0.0, 4) ** numeral(2.0, 4)) == "0**2"


def without_sign_of_zero(x: float) -> float:
    return x + 0.0  # -0.0 is written as 0


@pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)
@given(st.floats(-3, 3).map(without_sign_of_zero), st.floats(-3, 3).map(without_sign_of_zero))
@settings(max_examples=30)
def test_the_formula_of_a_local_derivative_computes_it(op: Op, a: float, b: float) -> None:
    """In names exactly; with the numbers put in as exactly as 17 places say them."""
    y = op(*(Value(x, label=name) for x, name in zip((a, b)[: len(op.derivatives)], "ab")))
    y.label = "y"
    g = graph(y)
    known = {**TABLE, "a": IEEE(a), "b": IEEE(b), "y": IEEE(y.data)}
    for edge in g.edges:
        assert edge.local is not None
        named = derivative(g, g.output, edge.operand, 17)
        if not named:
            assert math.isnan(edge.local) or "convention" in reason(g, g.output, edge.operand)
            continue
        if all(x == 0 or abs(x) > 1e-100 for x in (a, b)):  # or else a**2 underflows
            assert_close(eval(named, {"nan": math.nan, **known}), edge.local)
        if all(x == 0 or abs(x) > 0.1 for x in (a, b)):
            numbers = derivative_in_numbers(g, g.output, edge.operand, 17)
            node = ast.parse(numbers, mode="eval")
            code = compile(ast.fix_missing_locations(InIEEE().visit(node)), "", "eval")
            computed = eval(code, {"nan": math.nan, "inf": math.inf, "IEEE": IEEE, **known})
            assert_close(computed, edge.local)


class InIEEE(ast.NodeTransformer):
    """Every number of a formula as an IEEE, which divides by 0 as the table does."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Call(ast.Name("IEEE", ast.Load()), [ast.Constant(float(node.value))], [])


def assert_close(x: float, expected: float) -> None:
    both_nan = math.isnan(x) and math.isnan(expected)
    assert both_nan or math.isclose(float(x), expected, rel_tol=1e-9, abs_tol=1e-9)


PLACES = st.integers(0, 17)
MANY = st.floats() | st.builds(
    lambda k, e: k * 10.0**e, st.integers(-9999, 9999), st.integers(-9, 9)
)


def unit(text: str) -> Fraction:
    """One unit of the last digit that the text shows: 0.0001 for 0.4200, 1e+04 for 1.235e+07."""
    mantissa, _, exponent = text.partition("e")
    return Fraction(10) ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def digits(text: str) -> int:
    """How many digits the text shows from the first that is not 0."""
    return len(text.partition("e")[0].lstrip("-0.").replace(".", ""))


@given(MANY, PLACES)
def test_a_number_is_within_half_a_unit_of_its_last_digit(x: float, places: int) -> None:
    text = rounded(x, places)
    if not math.isfinite(x):
        assert text == str(x)
        return
    assert abs(Fraction(text) - Fraction(repr(x))) <= unit(text) / 2


@given(MANY, PLACES)
def test_a_number_that_was_rounded_keeps_every_digit(x: float, places: int) -> None:
    """So a text with fewer is the number itself, and a calculator computes with it."""
    text = rounded(x, places)
    if not math.isfinite(x) or Fraction(text) == Fraction(repr(x)):
        return
    if 1 <= abs(float(text)) < 1e7 or 1 <= abs(x) < 1e7:
        assert len(text.partition(".")[2]) == places
    else:
        assert digits(text) == max(places, 1)


@given(MANY, PLACES)
def test_a_number_that_was_not_rounded_keeps_no_zero(x: float, places: int) -> None:
    text = rounded(x, places)
    if math.isfinite(x) and Fraction(text) == Fraction(repr(x)):
        mantissa = text.partition("e")[0]
        assert "." not in mantissa or not mantissa.endswith(("0", "."))


@pytest.mark.quick
@pytest.mark.parametrize(
    ("x", "places", "text"),
    [
        (0.41997434161402614, 4, "0.4200"),
        (2.99999, 4, "3.0000"),
        (0.99999, 4, "1.0000"),
        (1.00001, 4, "1.0000"),
        (0.97, 1, "1.0"),
        (0.97, 0, "1"),
        (0.42, 0, "0.4"),
        (1.6458, 0, "2"),
        (1.26, 4, "1.26"),
        (1.2599230248420783, 2, "1.26"),
        (0.1, 4, "0.1"),
        (0.1, 17, "0.1"),
        (0.1 + 0.2, 4, "0.3000"),
        (0.00001, 4, "1e-05"),
        (0.000010001, 4, "1.000e-05"),
        (0.000012, 1, "1e-05"),
        (123456.0, 4, "123456"),
        (1e7, 4, "1e+07"),
        (12000000.0, 4, "1.2e+07"),
        (12000400.0, 4, "1.200e+07"),
        (12000400.0, 8, "12000400"),
        (12000400.2, 8, "12000400"),
        (1e23, 17, "1e+23"),
    ],
)
def test_zeros_say_that_a_number_was_rounded(x: float, places: int, text: str) -> None:
    assert rounded(x, places) == text
    assert rounded(-x, places) == f"-{text}"


# --- as school writes ----------------------------------------------------------------------------

# Python's operators that bind like those of school, where a product binds before a quotient.
IN_SCHOOL = {ast.LShift: "+", ast.RShift: "-", ast.Add: "/", ast.Mult: "*", ast.Pow: "**"}


def read_in_school(text: str) -> Any:
    for theirs, python in ((" / ", " \0 "), (" + ", " << "), (" - ", " >> "), ("\0", "+")):
        text = text.replace(theirs, python)
    text = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"**{unicodedata.normalize('NFKC', m[0])}", text)
    text = text.replace("\N{MINUS SIGN}", "-").replace("·", "*").replace("^", "**")
    return tree_of(ast.parse(text, mode="eval").body, IN_SCHOOL)


@given(TREES)
@settings(max_examples=1000)
def test_what_school_writes_has_the_same_number(tree: Any) -> None:
    """Only the place of a minus sign may differ: -(a·b) is written -a·b."""
    text = str(apply(tree, School))
    assert "**" not in text
    assert "--" not in text
    assert repr(apply(read_in_school(text), number)) == repr(apply(tree, number)), text


@given(TREES)
@settings(max_examples=1000)
def test_no_pair_of_brackets_is_superfluous_in_school(tree: Any) -> None:
    """Without it another number is read; but readers want a / (b·c), a^(b²), a - (-b), (1e-05)²."""
    text = str(apply(tree, School))
    for start, character in enumerate(text):
        if character == "(" and not text[:start].endswith(("abs", "tanh", "max")):
            end = closing(text, start)
            inside, without = text[start + 1 : end], text[:start] + text[start + 1 : end]
            if not (inside.startswith("-") or "e" in inside or text[:start].endswith((" / ", "^"))):
                assert read_in_school(without + text[end + 1 :]) != read_in_school(text), text


@pytest.mark.quick
@pytest.mark.parametrize(
    ("written", "text"),
    [
        (lambda a, b: 2 * a * b, "2·a·b"),
        (lambda a, b: a * (b * a), "a·(b·a)"),
        (lambda a, b: a**2 + b, "a² + b"),
        (lambda a, b: a**-1, "a⁻¹"),
        (lambda a, b: a**10, "a¹⁰"),
        (lambda a, b: a**0.5, "a^0.5"),
        (lambda a, b: a**-0.5, "a^(-0.5)"),
        (lambda a, b: 2 ** (a + 1), "2^(a + 1)"),
        (lambda a, b: a**b**2, "a^(b²)"),
        (lambda a, b: (a**2) ** 3, "(a²)³"),
        (lambda a, b: (-a) ** 2, "(-a)²"),
        (lambda a, b: -(a**2), "-a²"),
        (lambda a, b: (a * b) ** 2, "(a·b)²"),
        (lambda a, b: School(-3.0) ** 2, "(-3)²"),
        (lambda a, b: School(1e-5) ** 2, "(1e-05)²"),
        (lambda a, b: a / b / 2, "a / b / 2"),
        (lambda a, b: a / (b * 2), "a / (b·2)"),
        (lambda a, b: a * b / 2, "a·b / 2"),
        (lambda a, b: (a / b) * 2, "(a / b)·2"),
        (lambda a, b: 1 - a / b, "1 - a / b"),
        (lambda a, b: a * -2.0, "a·(-2)"),
        (lambda a, b: a - -2.0, "a - (-2)"),
        (lambda a, b: a * -b, "a·(-b)"),
        (lambda a, b: ops.neg(-a), "-(-a)"),
        (lambda a, b: -a / b, "-a / b"),
        (lambda a, b: -(a + b), "-(a + b)"),
        (lambda a, b: a * (1 - a), "a·(1 - a)"),
        (lambda a, b: ops.sqrt(a * b), "sqrt(a·b)"),
        (lambda a, b: maximum(a, b + 1), "max(a, b + 1)"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_school_by_example(written: Any, text: str) -> None:
    assert str(written(School("a"), School("b"))) == text


def test_ones_own_operation_in_school_is_a_call() -> None:
    mine = Op("twice", lambda a: 2 * a, lambda y, a: 2.0, symbol="2x")
    dot = Op("dot", lambda a, b: a * b, lambda y, a, b: b, lambda y, a, b: a, symbol="*")
    assert str(mine(School("a"))) == "twice(a)"
    assert str(dot(School("a"), School("b"))) == "dot(a, b)"


@pytest.mark.parametrize(
    ("name", "made", "rules"),
    [
        ("pow", "2·a", "b·a^(b - 1)"),
        ("tanh", "1 - y²", "1 - y²"),
        ("sigmoid", "y·(1 - y)", "y·(1 - y)"),
        ("log", "1 / a", "1 / a"),
        ("max", "0.5", ""),
        ("min", "0.5", ""),
        ("relu", "1", ""),
        ("abs", "1", ""),
        ("hypot", "a / y", "a / y"),
    ],
)
def test_a_local_derivative_as_school_writes_it(name: str, made: str, rules: str) -> None:
    """Where a comparison decided, it is the number; `reason` says why."""
    op, a = TABLE[name], Value(2.0, label="a")
    y = op(*[a, Value(2.0, label="b") if name == "hypot" else 2.0][: len(op.derivatives)])
    y.label = "y"
    g = graph(y)
    assert derivative(g, g.output, 0, 4, School) == made
    assert rule(op, 0, School) == rules


def test_ones_own_rule_that_compares_has_its_outcome_in_pictures() -> None:
    """Its row decides, not its name; where its outcome has names, they are said."""
    bend = Op("bend", lambda a: ops.relu(a) * a, lambda y, a: 2 * (ops.step(a) * a))
    assert rule(bend, 0, School) == ""
    assert rule(bend, 0) == "2 * (step(a) * a)"
    for x, made in ((4.0, "2·a"), (-4.0, "0")):
        y = bend(Value(x, label="a"))
        y.label = "y"
        g = graph(y)
        assert derivative(g, g.output, 0, 4, School) == made
        assert "because" in reason(g, g.output, 0)


# --- LaTeX ---------------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize(
    ("written", "text"),
    [
        (lambda a, b: a / b, r"\frac{a}{b}"),
        (lambda a, b: (a / b) ** 2, r"{\left(\frac{a}{b}\right)}^{2}"),
        (lambda a, b: -a / b + 1, r"\frac{-a}{b} + 1"),
        (lambda a, b: a - (b - a), r"a - \left(b - a\right)"),
        (lambda a, b: 2 * a * b, r"2 \cdot a \cdot b"),
        (lambda a, b: (-a) ** 2, r"{\left(-a\right)}^{2}"),
        (lambda a, b: -(a**2), r"-{a}^{2}"),
        (lambda a, b: a**b**2, r"{a}^{{b}^{2}}"),
        (lambda a, b: (a**b) ** 2, r"{\left({a}^{b}\right)}^{2}"),
        (lambda a, b: a ** (b + 1), r"{a}^{b + 1}"),
        (lambda a, b: ops.exp(a + b) ** 2, r"{\left(e^{a + b}\right)}^{2}"),
        (lambda a, b: ops.sqrt(a + b), r"\sqrt{a + b}"),
        (lambda a, b: abs(a - b), r"\left|a - b\right|"),
        (lambda a, b: tanh(a), r"\tanh\left(a\right)"),
        (lambda a, b: maximum(a, b + 1), r"\max\left(a, b + 1\right)"),
        (lambda a, b: a * 1e-7, r"a \cdot \left(1 \times 10^{-7}\right)"),
        (lambda a, b: 1e300**a, r"{\left(1 \times 10^{300}\right)}^{a}"),
        (lambda a, b: a * -2.5, r"a \cdot -2.5"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
def test_latex_by_example(written: Any, text: str) -> None:
    assert str(written(Latex("a"), Latex("b"))) == text


@given(TREES)
@settings(max_examples=100)
def test_every_bracket_of_latex_is_closed(tree: Any) -> None:
    text = str(apply(tree, Latex))
    assert text.count(r"\left") == text.count(r"\right")
    depth = 0
    for c in text:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x", "x"),
        ("x1", "x_{1}"),
        ("w_12", "w_{12}"),
        ("loss", r"\text{loss}"),
        ("a_b", r"\text{a\_b}"),
        ("x'", r"\text{x'}"),
        ("100%", r"\text{100\%}"),
        ("#$&{}", r"\text{\#\$\&\{\}}"),
        ("\\input{x}", r"\text{\textbackslash{}input\{x\}}"),
        ("^~", r"\text{\textasciicircum{}\textasciitilde{}}"),
    ],
)
def test_nothing_in_a_name_is_a_command(name: str, text: str) -> None:
    assert latex_name(name) == text


@given(st.sets(st.from_regex(r"[vwxθ](_|\.|')?[01]{0,2}_?", fullmatch=True), max_size=20))
def test_different_names_of_a_graph_are_different_in_latex(names: set[str]) -> None:
    written = latex_names(names)
    assert written.keys() == names
    assert len({*written.values()}) == len(names)


def test_names_that_look_alike_keep_their_underscore() -> None:
    assert latex_names(["x1", "w_1", "w1"]) == {"x1": "x_{1}", "w1": "w_{1}", "w_1": r"\text{w\_1}"}
    assert latex_names(["w_", "w"]) == {"w": "w", "w_": r"\text{w\_}"}
    a, b = Value(2.0, label="w_"), Value(-3.0, label="w")
    assert explain(a * b, a).latex().splitlines()[-3:] == [r"&= w \\", "&= -3", r"\end{aligned}"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.5", "0.5"),
        ("-3", "-3"),
        ("1e-05", r"1 \times 10^{-5}"),
        ("-1.5e+300", r"-1.5 \times 10^{300}"),
        ("inf", r"\infty"),
        ("-inf", r"-\infty"),
        ("nan", r"\text{undefined}"),
    ],
)
def test_numbers_in_latex(number: str, text: str) -> None:
    assert latex_number(number) == text


def test_ones_own_operation_in_latex() -> None:
    mine = Op("my_op", lambda a: a, lambda y, a: 1.0)
    assert str(mine(Latex("a"))) == r"\operatorname{my\_op}\left(a\right)"
