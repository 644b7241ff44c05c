"""Turns a typed expression, `tanh(x*w + b)`, into Values. No typed text is ever run as Python.

Python's parser makes the syntax tree, and an allow-list has the nodes that are valid here. Every
other node is an ExpressionError: one line that says what to write.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

from tinygrad_edu import ops
from tinygrad_edu.engine import Value, as_value
from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.reading.slips import (
    ASSIGNED,
    GRAMMAR,
    SHOWN,
    Typed,
    called,
    dotted,
    not_a_definition,
    refusal,
    shown,
    unreadable,
    unwritten,
)
from tinygrad_edu.reading.vocabulary import CONSTANTS, FUNCTIONS, MODULES, function, nearest
from tinygrad_edu.rows.op import Op

__all__ = ["FUNCTIONS", "LONGEST", "bindings", "expression", "leaves", "shown"]

LONGEST = 10_000  # characters; nobody types a longer expression
_BINARY: dict[type[ast.AST], Op] = {
    ast.Add: ops.add,
    ast.Sub: ops.sub,
    ast.Mult: ops.mul,
    ast.Div: ops.div,
    ast.Pow: ops.power,
}
_ENDLESS = re.compile(r"(?<![\w.])[1-9]\d{4300,}(?![\w.])")  # more digits than Python reads


def bindings(
    assignments: Iterable[str], name_of: Callable[[str], str] | None = None
) -> dict[str, float]:
    """Returns the numbers of texts NAME=NUMBER, by name, in order; ExpressionError for others.

    A text can have several, `x=2,w=-3`, and a number can be computed, `w=-pi/2`. name_of: turns the
    text before the = into a name; by default, it must be a name that an expression can contain.
    """
    numbers: dict[str, float] = {}
    for assignment in (part for text in assignments for part in ASSIGNED.split(text)):
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ExpressionError(f"{shown(assignment)} has no =: write NAME=NUMBER, such as x=2")
        name = (name_of or _name)(name)
        number = _number(name, text)
        if name in numbers:
            raise ExpressionError(f"{name} has two numbers: give it one")
        numbers[name] = number
    return numbers


def _number(name: str, text: str) -> float:
    """Returns the number of the text after NAME=."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        if leaves(text):
            raise ExpressionError("it has names")
        return expression(text, {})._data
    except ExpressionError:
        name = shown(name)[1:-1]
        wrong = f"{shown(text)} is not a number: write {name}=NUMBER"
        if re.fullmatch(r"[-+]?\d+,\d+", text):
            wrong = f"{wrong} with a point, {name}={text.replace(',', '.')[:SHOWN]}"
        elif unwritten(Typed(text)):
            wrong = f"{wrong}; {unwritten(Typed(text))}"
        elif re.search(r"\s[^\W\d]\w*\s*=", text):
            wrong = f"{wrong}; separate several by commas, x=2,w=3"
        elif not text:
            wrong = f"{name} has no number: write {name}=NUMBER, without blanks around ="
        else:
            wrong = f"{wrong}, such as {name}=-0.5, {name}=1e-3 or {name}=pi/2"
        raise ExpressionError(wrong) from None


def _name(text: str) -> str:
    """Returns the name in the form of Python's parser; ExpressionError if it is not a name."""
    name = unicodedata.normalize("NFKC", text)
    if not text.isidentifier() or len(text) > SHOWN:
        raise ExpressionError(
            f"{shown(text)} is not a name: a letter, then letters, digits and _, {SHOWN} at most"
        )
    if name in FUNCTIONS:
        raise ExpressionError(f"{name} is a function: it cannot be the name of a number")
    if keyword.iskeyword(name):
        raise ExpressionError(f"{name} is a reserved word: choose another name")
    return name


class _Statement(NamedTuple):
    """A definition, or, without a name, the result; `fixed` marks a plain number."""

    name: str
    tree: ast.expr
    fixed: bool


def leaves(text: str, numbers: Mapping[str, float] | None = None) -> dict[str, float | None]:
    """Returns the names of leaves, in the order of their first use, with their numbers.

    They are the names without a definition, and those defined as a plain number. The number is None
    for a name that has neither a definition nor a number in `numbers`.
    """
    given = numbers or {}
    statements = _parse(text, given)
    plain = {s.name: s.tree for s in statements if s.fixed}
    computed = {s.name for s in statements if not s.fixed} | (
        CONSTANTS.keys() - plain - given.keys()
    )
    found: dict[str, float | None] = {}
    for name, tree, fixed in statements:
        for x in [*([name] if fixed else []), *(node.id for node in _names(tree))]:
            if x in plain:
                found[x] = given.get(x, as_value(_evaluate(plain[x], {}, set()))._data)
            elif x not in computed:
                found[x] = given.get(x)
    return found


def expression(text: str, numbers: Mapping[str, float | Value]) -> Value:
    """Returns the typed expression as a Value; `numbers` has a number or a Value for each name.

    A number becomes a leaf with the name as its label; a Value is used itself. Definitions can come
    first, `c = a + b; d = a*b; c + c*d`: each becomes one node with the name as its label, however
    often it is used. Without a final expression, the last definition is the result. A definition as
    a plain number, `x = 2`, is a leaf, whose number `numbers` can replace. ExpressionError for text
    that is not arithmetic, a name without a number, or a number without a use. Numbers in the text
    are floats: 9**9**9 is inf at once.
    """
    statements = _parse(text, numbers)
    known = {*numbers, *CONSTANTS, *(statement.name for statement in statements)}
    found = (node.id for statement in statements for node in _names(statement.tree))
    lacking = list(dict.fromkeys(name for name in found if name not in known))
    if lacking:
        raise ExpressionError(_lacking(lacking, numbers))
    values = {
        name: x if isinstance(x, Value) else Value(x, label=name) for name, x in numbers.items()
    }
    used: set[str] = set()
    defined = {statement.name for statement in statements}
    for statement in statements:
        name, tree, fixed = statement
        for node in _names(tree):
            if node.id in defined and node.id not in values:
                raise ExpressionError(f"{node.id} is used before it is defined: define it first")
        if name in numbers and fixed:
            continue
        if name in values:
            again = "has a number and a definition" if name in numbers else "is defined twice"
            raise ExpressionError(f"{name} {again}: choose another name for one of them")
        result = as_value(_evaluate(tree, values, used))
        if name and fixed:
            result = Value(result._data)
        if name:
            if result not in values.values():  # c = a is a second name for a
                result.label = name
            values[name] = result
    last = statements[-1].name
    for name in values:
        if name not in used and name != last:
            what = "has a number" if name in numbers else "is defined"
            raise ExpressionError(
                f"{name} {what} but is not in the expression{nearest(name, used)}"
            )
    return values[last] if last else result


def _lacking(names: list[str], given: Iterable[str]) -> str:
    """Returns the message for names without a number, with options to paste."""
    quoted = [shown(name) for name in names]
    adds = [f"--at {name[1:-1]}=NUMBER" for name in quoted]
    count = 1
    while count < len(quoted) and len("".join(quoted[: count + 1] + adds[: count + 1])) < 350:
        count += 1
    more = len(quoted) - count
    verb = "has" if len(quoted) == 1 else "have"
    near = nearest(names[0], given) if len(names) == 1 else ""
    others, dots = (f" and {more} more", " ...") if more else ("", "")
    return (
        f"{', '.join(quoted[:count])}{others} {verb} no number{near}: "
        f"add {' '.join(adds[:count])}{dots}"
    )


def _parse(text: str, numbers: Iterable[str] = ()) -> list[_Statement]:
    """Returns the statements of the text; ExpressionError unless all of it is arithmetic."""
    typed = _typed(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(_ENDLESS.sub(lambda m: "1e999".ljust(len(m[0])), typed.text)).body
    except SyntaxError as error:
        raise ExpressionError(unreadable(typed, error)) from None
    except (MemoryError, RecursionError):
        raise ExpressionError(
            "the expression is nested too deeply: build it in Python and draw FILE.py:NAME"
        ) from None
    except ValueError:
        raise ExpressionError(f"{shown(text)} has characters that cannot be read") from None
    if not body:
        raise ExpressionError(f"the expression is empty: write {GRAMMAR}")
    pairs = [_definition(statement, typed) for statement in body]
    known = {*numbers, *(name for name, _ in pairs)}
    plain = CONSTANTS.keys() - known
    statements = [
        _Statement(name, tree, bool(name) and all(node.id in plain for node in _names(tree)))
        for name, tree in pairs
    ]
    for statement in statements:
        _check(statement.tree, typed, known.__contains__)
    for node, statement in zip(body[:-1], statements):
        if not statement.name:
            raise ExpressionError(
                f"{typed.named(node)} has no name, and only the last of several expressions is the "
                "result: give the others names, c = a+b"
            )
    return statements


def _typed(text: str) -> Typed:
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(text)} characters, more than {LONGEST}: "
            "build it in Python instead, and draw FILE.py:NAME"
        )
    if not text.strip():
        raise ExpressionError(f"the expression is empty: write {GRAMMAR}")
    typed = Typed(text)
    sign = unwritten(typed)
    if sign:
        raise ExpressionError(sign)
    return typed


def _definition(statement: ast.stmt, typed: Typed) -> tuple[str, ast.expr]:
    """Returns the defined name, '' without one, and the expression."""
    if isinstance(statement, ast.Expr):
        return "", statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return _name(target.id), statement.value
    raise ExpressionError(not_a_definition(statement, typed))


def _names(tree: ast.expr) -> Iterator[ast.Name]:
    """Yields the names that stand for numbers, from left to right."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            yield node
        elif isinstance(node, ast.expr):
            waiting.extend(reversed(_operands(node)))


def _operands(node: ast.expr) -> list[ast.expr]:
    """Returns the operands of an operation, as nodes of the syntax tree."""
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    return node.args if isinstance(node, ast.Call) else []


def _check(tree: ast.expr, typed: Typed, is_number: Callable[[str], bool]) -> None:
    """Raises ExpressionError for the first node that is not arithmetic."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        wrong = "" if _constant(node) else refusal(node, typed, is_number)
        if wrong:
            raise ExpressionError(wrong)
        waiting.extend(reversed(_operands(node)))


def _constant(node: ast.expr) -> str:
    """Returns the name of a constant, such as pi for `math.pi`; '' for any other node."""
    if isinstance(node, ast.Attribute) and dotted(node.value) in MODULES:
        return node.attr if node.attr in CONSTANTS else ""
    return ""


def _evaluate(tree: ast.expr, values: Mapping[str, Value], used: set[str]) -> Value | float:
    """Returns the Value of the tree. It uses a list instead of recursion, for deep trees."""
    waiting: list[ast.expr | tuple[Callable[..., Any], int]] = [tree]
    done: list[Value | float] = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            op, count = node
            args = done[len(done) - count :]
            del done[len(done) - count :]
            done.append(op(*args))
            continue
        operands = _operands(node)
        operation = _operation(node)
        if operation is not None:
            waiting.append((operation, len(operands)))
        elif not operands:
            done.append(_atom(node, values, used))
        waiting.extend(reversed(operands))
    return done[0]


def _operation(node: ast.expr) -> Callable[..., Any] | None:
    """Returns the operation of a node, None for +x and for x alone."""
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        return ops.neg if isinstance(node.op, ast.USub) else None
    if isinstance(node, ast.Call):
        known = function(called(node) or "")
        assert known is not None
        return known.apply
    return None


def _atom(node: ast.expr, values: Mapping[str, Value], used: set[str]) -> Value | float:
    """Returns the Value of a name, or a number."""
    if isinstance(node, ast.Constant):
        number: Any = node.value
        try:
            return float(number)
        except OverflowError:
            return inf
    name = node.id if isinstance(node, ast.Name) else _constant(node)
    if isinstance(node, ast.Name) and name in values:
        used.add(name)
        return values[name]
    constant = as_value(CONSTANTS[name])
    constant.label = name
    return constant
