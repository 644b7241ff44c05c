"""What a typed expression means, and what each mistake in one is told."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from math import inf, isfinite, isnan, nan
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tinygrad_edu import TABLE, Value, topological_order
from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.reading.expression import FUNCTIONS, LONGEST, bindings, expression, leaves
from tinygrad_edu.reading.vocabulary import INSTEAD

pytestmark = pytest.mark.quick


def number(text: str, **numbers: float | Value) -> float:
    return expression(text, numbers).data


def error(call: Callable[..., object], *args: Any) -> str:
    """The sentence that an ExpressionError says, which can always be shown as it is."""
    with pytest.raises(ExpressionError) as caught:
        call(*args)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert sentence
    return sentence


def names(root: Value) -> list[str]:
    return [node.label or str(node.op) or str(node.data) for node in topological_order(root)]


# Meaning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7),
        ("(1 + 2)*3", 9),
        ("8 - 4 - 2", 2),
        ("8 - (4 - 2)", 6),
        ("8/4/2", 1),
        ("8/(4/2)", 4),
        ("8/4*2", 4),
        ("2**3**2", 512),
        ("(2**3)**2", 64),
        ("-2**2", -4),
        ("(-2)**2", 4),
        ("2**-1", 0.5),
        ("2**-2**2", 2**-4),
        ("-2**-2", -0.25),
        ("2*-3", -6),
        ("2--3", 5),
        ("2 - -3", 5),
        ("- - 2", 2),
        ("---2", -2),
        ("+-+2", -2),
        ("+2", 2),
        ("-3*2", -6),
        ("-(3 - 5)", 2),
        ("x**2*3", 12),
        ("3*x**2", 12),
        ("-x**2", -4),
        ("2*x + 3*x", 10),
        ("max(x, 3) - min(x, 3)", 1),
        ("abs(-x)", 2),
        ("((((x))))", 2),
        ("\t ( x ) ", 2),
        ("\n x \n", 2),
    ],
)
def test_brackets_and_signs_mean_what_they_mean_in_python(text: str, expected: float) -> None:
    assert number(text, **({"x": 2.0} if "x" in text.replace("max", "") else {})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3.0),
        ("3.", 3.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E-3", 0.001),
        ("1_000", 1000.0),
        ("0x10", 16.0),
        ("0b11", 3.0),
        ("0o17", 15.0),
        ("00", 0.0),
        ("1e999", inf),
        ("-1e999", -inf),
        ("1e-999", 0.0),
        ("9**9**9", inf),
        ("9**9**9**9", inf),
        ("9" * 4000, inf),
        ("9" * 9990 + ".0", inf),
        ("0." + "1" * 9000, 1 / 9),
        ("0x" + "f" * 9000, inf),
        ("9007199254740993", 9007199254740992.0),
        ("1/3", 1 / 3),
        ("1e308*10", inf),
        ("1e999 - 1e999", nan),
        ("0/0", nan),
        ("1/0", inf),
        ("0**0", 1.0),
        ("(-8)**(1/3)", nan),
    ],
)
def test_numbers_are_floats_from_the_start(text: str, expected: float) -> None:
    found = expression(text, {})
    assert type(found.data) is float
    assert found.data == expected or (isnan(found.data) and isnan(expected))
    assert found.args == ()


UNARY = ("exp", "log", "sqrt", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "abs")
REFERENCE: dict[str, Callable[..., Any]] = {
    **{name: getattr(math, "fabs" if name == "abs" else name) for name in UNARY},
    "max": lambda a, b: nan if isnan(a) or isnan(b) else max(a, b),
    "min": lambda a, b: nan if isnan(a) or isnan(b) else min(a, b),
}

# pairs: what is typed, and the same with every number a float, for Python itself to compute
_atoms = st.one_of(
    st.sampled_from(["x", "y", "alpha", "é"]).map(lambda name: (name, name)),
    st.integers(0, 99).map(lambda i: (str(i), f"{i}.0")),
    st.floats(0, 1e6).map(lambda x: (repr(x), repr(x))),
)


def _combined(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def joined(parts: tuple[Any, ...], form: str) -> tuple[str, str]:
        return form.format(*(p[0] for p in parts)), form.format(*(p[1] for p in parts))

    binary = [
        f"{left}{op}{right}"
        for op in ("+", " - ", "*", "/ ", "**")
        for left, right in (("{}", "{}"), ("({})", "{}"), ("{}", "({})"), ("({})", "({})"))
    ]
    one = ["-{}", "+{}", "- ({})", "({})", *(f"{name}({{}})" for name in UNARY)]
    two = [*binary, "max({}, {})", "min({},{})"]
    return st.one_of(
        st.tuples(st.tuples(inner), st.sampled_from(one)).map(lambda t: joined(*t)),
        st.tuples(st.tuples(inner, inner), st.sampled_from(two)).map(lambda t: joined(*t)),
    )


@settings(max_examples=100)
@given(
    st.recursive(_atoms, _combined, max_leaves=12),
    st.tuples(*[st.floats(-5, 5, allow_nan=False)] * 4),
)
def test_an_expression_has_the_value_that_python_gives_it(
    texts: tuple[str, str], numbers: tuple[float, ...]
) -> None:
    typed, reference = texts
    every = dict(zip(("x", "y", "alpha", "é"), numbers, strict=True))
    code = compile(reference, "reference", "eval")
    used = {name: x for name, x in every.items() if name in code.co_names}
    found = expression(typed, used).data
    try:
        expected = eval(code, {**REFERENCE, **used})
    except (ArithmeticError, TypeError, ValueError):  # Python gives up: the floats of IEEE do not
        assert type(found) is float
        return
    if isinstance(expected, complex) or isnan(expected):
        assert isnan(found)
    else:
        assert found == expected, (typed, used)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_of_the_table_can_be_typed(name: str) -> None:
    function, count, _ = FUNCTIONS[name]
    operands = getattr(function, "example", ()) or [0.3, 0.7, 0.9][:count]
    typed = expression(f"{name}({', '.join('xyz'[:count])})", dict(zip("xyz", operands)))
    assert typed.op is TABLE.get(name, typed.op)
    assert typed.data == function(*operands)


def test_the_functions_are_the_rows_that_are_no_operators() -> None:
    assert set(TABLE) - set(FUNCTIONS) <= {"add", "sub", "mul", "div", "pow", "neg"}
    assert {"tanh", "exp", "log", "relu", "sigmoid", "max", "min", "abs"} <= set(FUNCTIONS)
    assert {"add", "sub", "mul", "div", "pow"}.isdisjoint(FUNCTIONS)


# The graph that is made


def test_a_name_is_one_leaf_however_often_it_is_used() -> None:
    y = expression("x*x + x", {"x": 3})
    square, x = y.args
    assert square.args == (x, x)
    assert (x.label, x.data, x.args) == ("x", 3.0, ())
    y.backward()
    assert x.grad == 7.0


def test_a_name_alone_is_its_leaf() -> None:
    x = expression("x", {"x": -0.5})
    assert (x.label, x.data, x.args) == ("x", -0.5, ())


def test_a_given_value_is_used_as_it_is() -> None:
    given_one = Value(2.0, label="elsewhere")
    y = expression("x*w", {"x": given_one, "w": 3})
    assert y.args[0] is given_one
    assert given_one.label == "elsewhere"
    assert y.args[1].label == "w"


def test_plus_makes_no_node() -> None:
    given_one = Value(2.0)
    assert expression("+x", {"x": given_one}) is given_one


def test_nodes_come_in_the_order_in_which_they_are_read() -> None:
    numbers = dict.fromkeys("zyxwv", 1.0)
    assert names(expression("x*y + z*(v - w)", numbers)) == list("xy*zvw-*+")
    assert names(expression("max(y, x) / w - tanh(v)*z", numbers)) == [
        *("y", "x", "max", "w", "/", "v", "tanh", "z", "*", "-")
    ]


def test_operands_keep_their_sides() -> None:
    for text in ("a - b", "a/b", "a**b", "max(a, b)", "mask(a, b)"):
        y = expression(text, {"b": 2, "a": 1})
        assert [x.label for x in y.args] == ["a", "b"]
        assert [edge.operand for edge in graph(y).edges] == [0, 1]


def test_what_holds_no_name_is_one_constant() -> None:
    y = expression("2*3 + tanh(0) - max(1, 2)", {})
    assert (y.data, y.args, y.label) == (4.0, (), "")
    assert graph(y).output.kind == "constant"


def test_a_number_beside_a_name_is_a_constant() -> None:
    assert [node.kind for node in graph(expression("2*x", {"x": 1})).nodes] == [
        *("constant", "leaf", "operation")
    ]


def test_names_are_normalised_as_python_does() -> None:
    assert number("ｘ*ℯ", **bindings(["x=2", "e=3"])) == 6
    assert number("x*e", **bindings(["ｘ=2", "ℯ=3"])) == 6
    assert number("ｔａｎｈ(x)", x=1.0) == math.tanh(1.0)


@pytest.mark.parametrize("name", ["é", "漢字", "_", "x_1", "X", "ß", "match", "Δx", "x" * 60])
def test_names_may_be_any_that_python_has(name: str) -> None:
    assert number(f"2*{name}", **bindings([f"{name}=3"])) == 6


@pytest.mark.parametrize("depth", [10, 100, 150])
def test_deep_nesting_is_read_as_far_as_pythons_parser_goes(depth: int) -> None:
    assert number("(" * depth + "x" + ")" * depth, x=2) == 2
    assert number("-" * depth + "x", x=2) == 2
    assert number("x**" * depth + "1", x=1) == 1
    assert number("x" + " + x" * (10 * depth), x=1) == 1 + 10 * depth


def test_the_longest_expression_is_read() -> None:
    text = "x" + " " * (LONGEST - 3) + "+1"
    assert len(text) == LONGEST
    assert number(text, x=1) == 2
    assert "more than 10000" in error(expression, text + " ", {"x": 1})


# Definitions


def test_a_definition_is_one_shared_node() -> None:
    y = expression("c = a+b; d = a*b; c + c*d", {"a": 2, "b": 3})
    assert y.data == 5 + 5 * 6
    c, product = y.args
    assert product.args == (c, product.args[1])
    assert (c.label, product.args[1].label, y.label) == ("c", "d", "")
    assert names(y) == ["a", "b", "c", "d", "*", "+"]
    y.backward()
    a, b = c.args
    assert (a.grad, b.grad) == (7 + 5 * 3, 7 + 5 * 2)  # y = (a+b) * (1 + a*b)


def test_the_same_without_names_is_computed_twice() -> None:
    y = expression("(a+b) + (a+b)*(a*b)", {"a": 2, "b": 3})
    assert (y.data, len(names(y))) == (35, 7)


@pytest.mark.parametrize(
    "text",
    [
        "c = a+b; d = a*b; c + c*d",
        "c=a+b;d=a*b;c+c*d",
        "c = a+b\nd = a*b\nc + c*d",
        "\n\nc = a+b  # a sum\n\nd = a*b\nc + c*d;\n",
        "c = a+b\r\nd = a*b\r\nc + c*d\r\n",
        "c = (a+\n  b)\nd = a*b; c + c*d",
        "ｃ = a+b; d = a*b; c + ｃ*d",
    ],
)
def test_definitions_stand_on_one_line_or_on_several(text: str) -> None:
    y = expression(text, {"a": 2, "b": 3})
    assert y.data == 35
    assert names(y) == ["a", "b", "c", "d", "*", "+"]


def test_lines_may_be_indented_alike() -> None:
    assert number("\n  c = a+b\n  c*c\n", a=1, b=2) == 9


def test_without_an_expression_after_it_the_last_definition_is_the_result() -> None:
    y = expression("c = a+b; L = c*c", {"a": 2, "b": 3})
    assert (y.data, y.label) == (25, "L")
    assert expression("c = a+b; d = c*c; d", {"a": 2, "b": 3}).label == "d"


def test_a_definition_as_another_name_is_the_same_node() -> None:
    y = expression("c = a; d = c; d*c", {"a": 3})
    assert y.args[0] is y.args[1]
    assert (y.args[0].label, y.data) == ("a", 9)
    assert expression("c = a", {"a": 3}).label == "a"


@pytest.mark.parametrize("text", ["d = +x; d*x", "d = ++x; d*x", "d = +(x); x*d"])
def test_a_plus_does_not_take_a_name_away(text: str) -> None:
    given_one = Value(3.0, label="x")
    y = expression(text, {"x": given_one})
    assert y.data == 9
    assert given_one.label == "x"


def test_a_definition_that_is_a_plain_number_is_a_leaf() -> None:
    y = expression("c = 2*3; d = -pi/2; c*x + d", {"x": 1})
    y.backward()
    nodes = {node.label: node for node in graph(y).nodes}
    assert [nodes[name].kind for name in "cdx"] == ["leaf"] * 3
    assert [(nodes[name].data, nodes[name].grad) for name in "cx"] == [(6, 1), (1, 6)]
    assert nodes["d"].data == -math.pi / 2
    assert expression("x = 2", {}).data == 2


def test_a_number_that_is_given_replaces_a_defined_one() -> None:
    text = "x = 2; w = 3; y = x*w"
    assert (number(text), number(text, w=4), number(text, w=4, x=5)) == (6, 8, 20)
    assert leaves(text, {"w": 4.0}) == {"x": 2.0, "w": 4.0}
    assert leaves("c = a*b; x = 1; c + x", {"a": 5.0}) == {"a": 5.0, "b": None, "x": 1.0}
    given_one = Value(4.0, label="w")
    assert given_one in topological_order(expression(text, {"w": given_one}))


@pytest.mark.parametrize("name", ["e", "pi", "π"])
def test_a_constant_has_a_name_unless_somebody_takes_it(name: str) -> None:
    constant = math.e if name == "e" else math.pi
    y = expression(f"{name}*x", {"x": 2})
    assert (y.data, y.args[0].label, graph(y).nodes[0].kind) == (constant * 2, name, "constant")
    assert number(f"{name}*x", x=2, **{name: 3}) == 6
    assert number(f"{name} = 3*x; {name} + 1", x=2) == 7
    assert leaves(f"{name}*x") == {"x": None}


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        *(("ln(x)", "log(x)"), ("ReLU(x)", "relu(x)"), ("σ(x)", "sigmoid(x)")),
        *(("sigma(x)", "sigmoid(x)"), ("TANH(x)", "tanh(x)"), ("Sigmoid(x)", "sigmoid(x)")),
        *(("np.tanh(x)", "tanh(x)"), ("math.sqrt(x)", "sqrt(x)"), ("torch.exp(x)", "exp(x)")),
        *(("F.relu(x)", "relu(x)"), ("math.pi*x", "pi*x"), ("np.e**x", "e**x")),
        *(("torch.nn.functional.softplus(x)", "softplus(x)"), ("pow(x, 2)", "x**2")),
        *(("math.pow(x, 2)", "x**2"), ("np.maximum(x, 2)", "max(x, 2)"), ("+x", "x")),
        *(("arctan(x)", "atan(x)"), ("np.arcsinh(x)", "asinh(x)"), ("GELU(x)", "gelu(x)")),
    ],
)
def test_other_names_of_functions_and_constants(typed: str, plain: str) -> None:
    assert number(typed, x=0.5) == number(plain, x=0.5)


def test_what_is_defined_by_a_given_value_is_shared_with_it() -> None:
    given_one = Value(2.0, label="elsewhere")
    y = expression("s = x*x; s + s", {"x": given_one})
    y.backward()
    assert given_one.grad == 8.0
    assert given_one.label == "elsewhere"


def test_a_thousand_definitions() -> None:
    text = "; ".join(f"x{i} = x{i - 1}*1" for i in range(1, 501))
    assert number(text, x0=3) == 3


# Numbers by name


def test_numbers_come_in_the_order_in_which_they_are_given() -> None:
    assert list(bindings(["w=-3", "x=2", "b=1e-1"]).items()) == [("w", -3), ("x", 2), ("b", 0.1)]
    assert bindings([]) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2.0),
        ("-3", -3.0),
        ("+3", 3.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-3", 0.001),
        ("-1E5", -1e5),
        ("1_000", 1000.0),
        (" 7 ", 7.0),
        ("\t7\n", 7.0),
        ("-0.0", 0.0),
        ("5e-324", 5e-324),
        ("1e-999", 0.0),
        ("1e999", inf),
        ("-1e999", -inf),
        ("inf", inf),
        ("-Infinity", -inf),
        ("nan", nan),
        ("9" * 100_000, inf),
        ("0." + "1" * 100_000, 1 / 9),
    ],
)
def test_a_number_is_what_python_reads_as_a_float(text: str, expected: float) -> None:
    for assignment in (f"x={text}", f" x = {text}"):
        (found,) = bindings([assignment]).values()
        assert found == expected or (isnan(found) and isnan(expected))


# Every mistake has its own sentence


def test_a_name_without_a_number() -> None:
    assert error(expression, "x", {}) == "'x' has no number: add --at x=NUMBER"


def test_every_name_without_a_number_is_told_at_once_in_a_line_to_paste() -> None:
    assert error(expression, "w1*x1 + w2*x2 + b", {"x2": 1}) == (
        "'w1', 'x1', 'w2', 'b' have no number: "
        "add --at w1=NUMBER --at x1=NUMBER --at w2=NUMBER --at b=NUMBER"
    )
    assert error(expression, "c = a*b; c*c", {"a": 1}) == "'b' has no number: add --at b=NUMBER"
    many = error(expression, "+".join(f"x{i}" for i in range(100)), {})
    assert re.fullmatch(r"'x0', .* and \d+ more have no number: add --at x0=NUMBER .* \.\.\.", many)
    assert len(many) < 500


def test_a_name_that_is_nearly_one_with_a_number() -> None:
    sentence = error(expression, "weigth*x", {"weight": 1, "x": 2})
    assert sentence.startswith("'weigth' has no number (did you mean weight?): ")


def test_a_number_without_a_use() -> None:
    assert error(expression, "x", {"x": 1, "q": 2}) == "q has a number but is not in the expression"


def test_a_number_whose_name_is_nearly_one_in_the_expression() -> None:
    sentence = error(expression, "weight*2", {"weight": 1, "wieght": 2})
    assert sentence == "wieght has a number but is not in the expression (did you mean weight?)"


def test_a_name_with_two_numbers() -> None:
    assert error(bindings, ["x=1", "x=1"]) == "x has two numbers: give it one"
    assert error(bindings, ["x=1", " ｘ = 2"]) == "x has two numbers: give it one"


@pytest.mark.parametrize("assignment", ["x", "", "x 1", "x:1", "3", "--at"])
def test_an_assignment_without_an_equals_sign(assignment: str) -> None:
    sentence = error(bindings, [assignment])
    assert sentence == f"{assignment!r} has no =: write NAME=NUMBER, such as x=2"


NO_NUMBERS = [
    "1 2", "a", "x", "-", ".", "1__0", "1j", "1e", "1f", "1k", "1.5.2", "True", "None", "1%", "$1",
    "=1", "1=2", "1;2", "'1'", "[1]", "__import__('os')", "x*2", "tanh", "1,5,6", "1/",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_number_that_is_none(text: str) -> None:
    such = "such as x=-0.5, x=1e-3 or x=pi/2"
    assert error(bindings, [f"x={text}"]) == f"{text!r} is not a number: write x=NUMBER, {such}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1,5", "with a point, x=1.5"),
        ("-0,25", "with a point, x=-0.25"),
        ("−1", "x=NUMBER; − (character 1) is not understood: write -"),
        ("–1", "x=NUMBER; – (character 1) is not understood: write -"),
        ("½", "write 1/2"),
        ("2²", "write **2"),
        ("∞", "write 1e999"),
        ("2×3", "write *"),
    ],
)
def test_a_number_as_it_is_printed_elsewhere(text: str, words: str) -> None:
    sentence = error(bindings, [f"x={text}"])
    assert sentence.startswith(f"{text!r} is not a number: write x=NUMBER")
    assert sentence.endswith(words)


def test_a_number_that_is_not_there() -> None:
    assert error(bindings, ["x="]) == "x has no number: write x=NUMBER, without blanks around ="


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("1/2", 0.5), ("-1/4", -0.25), ("2**3", 8.0), ("--1", 1.0), ("0x10", 16.0)),
        *(("pi", math.pi), ("-pi/2", -math.pi / 2), ("2*e", 2 * math.e), ("sqrt(2)", 2**0.5)),
        *(("math.pi", math.pi), ("1/0", inf), ("exp(1)", math.e)),
    ],
)
def test_a_number_may_be_computed(text: str, expected: float) -> None:
    assert bindings([f"x={text}"]) == {"x": pytest.approx(expected)}


def test_several_numbers_in_one_text() -> None:
    assert bindings(["x=2,w=-3", "b=atan2(1, 2)"]) == {"x": 2, "w": -3, "b": math.atan2(1, 2)}
    assert bindings(["x=2; w=-3"]) == {"x": 2, "w": -3}
    assert error(bindings, ["x=2 w=3"]).endswith("; separate several by commas, x=2,w=3")
    assert bindings(["x=2, w = -3 ,b=max(1, 7)"]) == {"x": 2, "w": -3, "b": 7}
    assert "'1,5' is not a number" in error(bindings, ["x=1,5,w=2"])
    assert error(bindings, ["x=2,x=3"]) == "x has two numbers: give it one"


NO_NAMES = [
    "", "x y", "2", "2x", "x-y", "x.y", "x;", "x:", "x,", "x!", "'x'", "(x)", "x[0]", "*x", "-x",
    "--x", "$x", "x\\", "x²", "½", "∂", "×",
    "x" * 61,
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_is_none(name: str) -> None:
    assert "is not a name: a letter, then letters, digits and _" in error(bindings, [f"{name}=1"])


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_as_the_name_of_a_number(name: str) -> None:
    sentence = error(bindings, [f"{name}=1"])
    assert sentence == f"{name} is a function: it cannot be the name of a number"


@pytest.mark.parametrize("name", ["lambda", "if", "None", "True", "in", "await", "async", "not"])
def test_a_reserved_word_as_a_name(name: str) -> None:
    assert error(bindings, [f"{name}=1"]) == f"{name} is a reserved word: choose another name"


@pytest.mark.parametrize("text", ["tanh", "tanh + 1", "2*tanh", "tanh(exp)", "-tanh"])
def test_a_function_without_brackets(text: str) -> None:
    name = "exp" if "exp" in text else "tanh"
    assert error(expression, text, {}) == (
        f"{name!r} (character {text.index(name) + 1}) is a function: write {name}(a)"
    )


def test_a_function_of_two_without_brackets() -> None:
    assert error(expression, "max", {}) == "'max' (character 1) is a function: write max(a, b)"


@pytest.mark.parametrize(
    ("text", "usage"),
    [
        ("tanh()", "tanh (character 1) takes 1, not 0, arguments: write tanh(a)"),
        ("tanh(1, 2)", "tanh (character 1) takes 1, not 2, arguments: write tanh(a)"),
        ("max()", "max (character 1) takes 2, not 0, arguments: write max(a, b)"),
        ("min(1, 2, 3)", "min (character 1) takes 2, not 3, arguments: write min(a, b)"),
    ],
)
def test_a_wrong_number_of_arguments(text: str, usage: str) -> None:
    assert error(expression, text, {}) == usage


def test_one_argument_too_few() -> None:
    assert error(expression, "max(1)", {}).endswith(": write max(a, b)")


@pytest.mark.parametrize("text", ["tanh(a=1)", "tanh(*x)", "tanh(**x)", "tanh(1, a=2)"])
def test_arguments_that_are_not_plain(text: str) -> None:
    assert error(expression, text, {"x": 1}) == (
        "tanh (character 1) takes plain arguments only: write tanh(a)"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tnah", "tanh"),
        ("tanhh", "tanh"),
        ("sigmoyd", "sigmoid"),
        ("sqr", "sqrt"),
        ("softpls", "softplus"),
        ("maxx", "max"),
    ],
)
def test_a_function_that_is_nearly_one(typed: str, meant: str) -> None:
    sentence = error(expression, f"{typed}(1)", {})
    suggestion = sentence.partition("(did you mean ")[2].partition("?)")[0]
    assert sentence.startswith(f"unknown function {typed!r} at character 1 (did you mean ")
    assert meant in suggestion.split(" or ")


def test_a_function_that_is_none() -> None:
    sentence = error(expression, "quux(1)", {})
    assert sentence.startswith("unknown function 'quux' at character 1: choose abs, acos, ")
    assert all(name in sentence for name in FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("x^2", "is written **"),
        ("x//2", "write floor(x/2)"),
        ("x%2", "write x - 2*floor(x/2)"),
        ("x@x", "is written *"),
    ],
)
def test_an_operator_of_another_kind(text: str, instead: str) -> None:
    sentence = error(expression, text, {"x": 1})
    assert sentence.startswith(text[1:-1])
    assert sentence.endswith(instead)


@pytest.mark.parametrize("text", ["x*w, x=2", "x:=2", "2 = x", "x+w = 2", "x = "])
def test_an_equals_sign_that_defines_no_name(text: str) -> None:
    sentence = error(expression, text, {"x": 1, "w": 1})
    assert " has an = that defines no name: c = a+b defines one, and " in sentence
    assert sentence.endswith("numbers stand beside the expression, --at NAME=NUMBER")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "x += 1",
            "'x += 1' (character 1) changes x: give the result a name of its own, y = x + 1",
        ),
        ("c = d = x", "defines several names: write d = x; c = d"),
        ("c, d = x, x", "defines several names: write a = ...; b = ..., one after the other"),
        ("[c] = x", "defines several names"),
        ("c.d = x", "defines no name: 'c.d' is none, write c = a+b"),
        ("x[0] = 1", "defines no name: 'x[0]' is none, write c = a+b"),
        ("*c, = x", "defines several names"),
        ("c: d = x", "has a colon: a definition is a name, = and an expression, c = a+b"),
        ("c: d", "has a colon"),
        ("c = x; c += 1", "'c += 1' (character 8) changes c"),
        ("c = x\nc += 1", "'c += 1' (line 2, character 1) changes c"),
        (
            "import os",
            "'import os' (character 1) is not needed: functions such as tanh(x) are known",
        ),
        ("from os import path", "is not needed"),
        ("import os; x", "is not needed"),
        ("def f(x): return x", "is a function of your own: write what it computes, y = a + b"),
        (
            "f(x) = x**2",
            "'f(x) = x**2' is a function of your own: write what it computes, f = x**2",
        ),
        ("x=2, w=3, x*w", "has commas: definitions stand apart by ; as in x = 2; w = 3; x*w"),
        ("if x: c = x", "is a choice: write where(step(x), a, b) for a if x > 0 else b"),
        ("while x: c = x", "is a loop: write its terms one by one, a + b + c"),
        ("for c in x: c", "is a loop"),
        ("try: c = x\nfinally: c", "is a statement of Python: write definitions such as c = a+b"),
        *(
            (text, "is a statement of Python: write definitions such as c = a+b, and a result")
            for text in (
                *("class C: c = x", "del x", "pass", "c = x; pass", "assert x", "global x"),
                *("with x as c: c", "raise x"),
            )
        ),
    ],
)
def test_a_statement_that_is_no_definition(text: str, words: str) -> None:
    assert words in error(expression, text, {"x": 1})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x > 0", "'x > 0' (character 1) is a comparison: write less(0, x)"),
        ("2*(x < w)", "'x < w' (character 4) is a comparison: write less(x, w)"),
        ("x >= 0", "'x >= 0' (character 1) is a comparison: write 1 - less(x, 0)"),
        ("0 < x < w", "is a comparison: write less(0, x) * less(x, w)"),
        ("x != w", "is a comparison: write less(x, w) + less(w, x)"),
        ("y == x*w", "'y == x*w' (character 1) has two =: a definition has one, y = x*w"),
        ("x and w", "'x and w' (character 1) is a condition: write mask(x, w)"),
        ("x > 0 or w", "is a condition: write either(less(0, x), w)"),
        ("not x", "is a condition: write 1 - x"),
        ("x if x > 0 else w", "is a choice: write where(less(0, x), x, w)"),
        ("[x, w]", "'[x, w]' (character 1) is a list, and an expression is one number: write one"),
        ("[x for x in w]", "is a loop: write its terms one by one, a + b + c"),
        ("'x*w'", "(character 1) is a text: leave the quotes out"),
        ("f'{x}'", "is a text: leave the quotes and the braces out"),
        ("x*w, x+w", "has a comma, and an expression is one number: draw x*w or x+w alone"),
        ("x*1,5", "(character 1) has a comma: a decimal has a point, x*1.5"),
        ("3,14*x + 0,5", "has a comma: a decimal has a point, 3.14*x + 0.5"),
        ("lambda*x", "lambda (character 1) is a reserved word: choose another name"),
        ("x*in", "in (character 3) is a reserved word: choose another name"),
        ("sin x", "; sin x is written sin(x)"),
        ("x(w + 1)", "'x' (character 1) is a number, not a function: write x*(w + 1)"),
        ("2(x + 1)", "'2(x + 1)' (character 1) is not a call: write 2*(x + 1)"),
        ("(x + 1)(w + 2)", "(character 1) is not a call: write (x + 1)*(w + 2)"),
        ("k(x + 1)", "unknown function 'k' at character 1: write k*(x + 1) for a product"),
        ("x.tanh()", "'x.tanh()' (character 1) calls a method: write tanh(x)"),
        ("x.data", "'x.data' (character 1) has an attribute, .data: write x"),
        ("np.tanh", "(character 1) is a function: write tanh(x)"),
        ("np.cosine(x)", "unknown function 'cosine'"),
        ("x[0]", "'x[0]' (character 1) has an index, as no name has: write x0 or x_0"),
        ("|x|", "'|x|' is not understood: write abs(x)"),
        ("2 + |x - w|*x", "'|x - w|' is not understood: write abs(x - w)"),
        ("x | w", "| (character 3) is not an operation here"),
        ("x & w", "& (character 3) is not an operation here: and is written mask(a, b)"),
        ("x^2", "^ (character 2) is not an operation here: a power is written **"),
        ("softmax(x)", "'softmax' at character 1: write exp(a) / (exp(a) + exp(b))"),
        ("square(x)", "unknown function 'square' at character 1: write a**2"),
        ("x!", "(! is not an operation)"),
        ("True", "is not a number: write 1"),
        ("1j", "is not a real number: write one, such as 0.5"),
        ("(d := x)", "is a definition: put it first, d = x"),
        ("lambda: x", "is a function of your own: write what it computes, x"),
        ("2x", "; 2x is written 2*x"),
        ("x w", "; x w is written x*w"),
        ("x*(w", "at character 3 ('(' was never closed)"),
        ("tanh(x", "at character 5 ('(' was never closed)"),
        ("s = x\ns*(2 + ", "at line 2, character 3 ('(' was never closed)"),
        ("x×w", "× (character 2) is not understood: write *"),
        ("x ≤ w", "≤ (character 3) is not understood: write 1 - less(b, a) for a ≤ b"),
        ("√x", "√ (character 1) is not understood: write sqrt()"),
        ("“x”", "“ (character 1) is not understood: leave it out"),
    ],
)
def test_what_is_no_arithmetic_is_named_with_what_to_write(text: str, sentence: str) -> None:
    told = error(expression, text, {"x": 1, "w": 1})
    assert sentence in told
    told = error(expression, f"c = {text}; c", {"x": 1, "w": 1})
    if text.count("\n") == 0 and "closed" not in sentence:  # elsewhere, and the same
        assert sentence.partition("(character")[2].partition(")")[2] in told


def test_what_to_write_can_be_written() -> None:
    """Every formula in place of a function is an expression."""
    for name, formula in INSTEAD.items():
        text = formula.partition(" or ")[0]
        assert isfinite(number(text, **dict.fromkeys(leaves(text), 0.25))), name


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_as_the_name_of_a_definition(name: str) -> None:
    sentence = error(expression, f"{name} = x; {name} + 1", {"x": 1})
    assert sentence == f"{name} is a function: it cannot be the name of a number"


@pytest.mark.parametrize("text", ["x; x", "x*x; x", "x\nx", "c = x; c*c; c", "2; c = x; c"])
def test_an_expression_before_the_last_needs_a_name(text: str) -> None:
    sentence = error(expression, text, {"x": 1})
    assert "has no name, and only the last of several expressions is the result" in sentence
    assert sentence.endswith("give the others names, c = a+b")


@pytest.mark.parametrize("text", ["c = x; c = 2*x; c", "c = x; c = c + 1", "ｃ = x; c = x"])
def test_a_name_that_is_defined_twice(text: str) -> None:
    sentence = error(expression, text, {"x": 1})
    assert sentence == "c is defined twice: choose another name for one of them"


@pytest.mark.parametrize("text", ["x = 2*w; x*x", "x = x + 1", "c = x; x = c"])
def test_a_name_with_a_number_and_a_definition(text: str) -> None:
    sentence = error(expression, text, {"x": 1, "w": 1} if "w" in text else {"x": 1})
    assert sentence == "x has a number and a definition: choose another name for one of them"


@pytest.mark.parametrize("text", ["c = a+b; d = a*b; d", "c = a; a*b", "d = a*b; c = a; d"])
def test_a_definition_without_a_use(text: str) -> None:
    sentence = error(expression, text, {"a": 1, "b": 1})
    assert sentence.startswith("c is defined but is not in the expression")


@pytest.mark.parametrize("text", ["d = c*2; c = a; d", "c = c + a"])
def test_a_definition_that_is_used_before_it(text: str) -> None:
    assert error(expression, text, {"a": 1}) == "c is used before it is defined: define it first"


def test_a_number_without_a_use_beside_definitions() -> None:
    sentence = error(expression, "c = a*a; c + 1", {"a": 1, "q": 2})
    assert sentence == "q has a number but is not in the expression"


@pytest.mark.parametrize(
    "text", ["s = 2x; s*s", "s = x w; s*s", "s = (x; s*s", "s = x^2; s*s", "s = x*; s"]
)
def test_a_slip_beside_a_definition_is_told_as_it_is_without(text: str) -> None:
    sentence = error(expression, text, {"x": 1, "w": 1})
    assert "defines no name" not in sentence
    assert "*" in sentence


@pytest.mark.parametrize("text", ["", " ", "\n", "\t \n"])
def test_nothing_at_all(text: str) -> None:
    assert error(expression, text, {}).startswith("the expression is empty: write numbers, names")


@pytest.mark.parametrize("text", ["2x", "x y", "x 2", "3(x)y", "2 x + 1", "tanh(2 x)"])
def test_a_forgotten_operator_is_shown_one(text: str) -> None:
    assert "*" in error(expression, text, {"x": 1})


def test_what_is_too_long_is_not_read() -> None:
    sentence = error(expression, "(" * (LONGEST + 1), {})
    assert sentence.startswith("the expression has 10001 characters, more than 10000: ")
    assert "FILE.py:NAME" in sentence


def test_what_is_echoed_is_clipped_and_clean() -> None:
    assert error(expression, "q" * 1000, {}).count("q") <= 130
    assert error(expression, "(" * 150 + "\x1b[31m", {}).count("(") <= 70
    assert error(bindings, ["x=" + "1" * 1000 + "q"]).count("1") <= 65


# Any text

PIECES = [
    "x", "2", "1e9", "tanh", "max", "(", ")", ",", "+", "-", "*", "/", "**", "lambda", "if",
    "else", "for", "in", "not", "and", "await", "yield", "f'", "'", '"', " ", "c", "=", ";", "\n",
]  # fmt: skip


def or_error(call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(*args)
    except ExpressionError as problem:
        return problem


def is_sentence(found: Any) -> bool:
    return isinstance(found, ExpressionError) and str(found).isprintable() and len(str(found)) < 500


@settings(max_examples=100)
@given(
    st.one_of(
        st.text(max_size=30),
        st.text("xy12.e_+-*/^%()[]{},:;=<>!&|~@'\"\\ \n\tfλ", max_size=30),
        st.lists(st.sampled_from(PIECES), max_size=15).map("".join),
    )
)
@example("0\x1fA")
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    found = or_error(expression, text, {"x": Value(2.0)})
    assert is_sentence(found) or type(found.data) is float


@settings(deadline=None)
@given(st.lists(st.one_of(st.text(max_size=12), st.text("xy=12.e-_ ", max_size=8)), max_size=4))
def test_any_texts_are_numbers_by_name_or_an_expression_error(texts: list[str]) -> None:
    found = or_error(bindings, texts)
    if not is_sentence(found):
        assert len(found) >= len(texts)
        assert all(name.isidentifier() and type(x) is float for name, x in found.items())
