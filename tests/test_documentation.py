"""What `help` says of operations is true: its examples are run, its derivatives are the rows'."""

import doctest
import pydoc

import pytest

import tinygrad_edu
from tinygrad_edu import TABLE, Op, Value, ops, tanh
from tinygrad_edu.rows.formula import derivative_formulas

ROWS = pytest.mark.parametrize("op", TABLE.values(), ids=TABLE)


def told(what: object) -> str:
    return pydoc.plain(pydoc.render_doc(what))


@ROWS
def test_the_example_prints_what_it_says(op: Op) -> None:
    test = doctest.DocTestParser().get_doctest(op.__doc__ or "", vars(ops).copy(), op.name, "", 0)
    assert len(test.examples) == 1
    report: list[str] = []
    doctest.DocTestRunner().run(test, out=report.append)
    assert not report


@ROWS
def test_help_says_what_is_known_of_an_operation(op: Op) -> None:
    text = told(op)
    assert op.says in text
    assert op.kink is None or op.kink[1] in " ".join(text.split())
    for letter, rule in zip("ab", derivative_formulas(op)):
        assert f" / d {letter} = {rule}" in text


def test_help_of_methods_and_operators_is_that_of_the_row() -> None:
    assert "d tanh(a) / d a = 1 - y**2" in told(Value.tanh)
    assert "The sum of two numbers, written a + b." in told(Value.__add__)
    assert "The hyperbolic tangent" in told(Value)
    assert "The hyperbolic tangent" in told(tinygrad_edu)


@ROWS
def test_every_row_of_one_operand_is_a_method_with_the_same_help(op: Op) -> None:
    if len(op.derivatives) == 1 and op.precedence == 5:
        assert getattr(Value, op.name).__doc__ == op.__doc__


def test_the_whole_text_of_an_operation_of_ones_own() -> None:
    cube = Op("cube", lambda a: a**3, lambda y, a: 3 * a**2, says="The number three times a factor")
    assert cube.__doc__ == (
        """\
The number three times a factor.

d cube(a) / d a = 3 * a**2
Returns a float for a number, a Value for a Value.

>>> cube(0.5)
0.125"""
    )


def test_help_of_what_cannot_be_told_says_less() -> None:
    picky = Op("picky", lambda a: [][1], lambda y, a: 1.0 if a > 0 else 0.0)
    assert picky.__doc__ == (
        "The operation picky.\n\nReturns a float for a number, a Value for a Value."
    )


def test_nothing_foreign_comes_up_after_a_dot() -> None:
    known = {"commutes", "derivatives", "example", "kink", "latex", "name", "precedence", "reads"}
    known |= {"says", "spoken", "symbol", "value"}
    assert {name for name in dir(tanh) if not name.startswith("_")} == known
