"""What a person types, `tanh(x*w + b)`, as Values. Nothing typed is ever run as Python.

Python's parser makes the syntax tree, an allow-list says which of its nodes mean something here,
and everything else is an ExpressionError: one line that says what would have been right.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from math import inf
from typing import Any

from tinygrad_edu import functions, ops
from tinygrad_edu.engine import Value, as_value, topological_order
from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.formula import ATOM
from tinygrad_edu.op import Op

__all__ = [
    "FUNCTIONS",
    "LONGEST",
    "SHOWN",
    "after_update",
    "bindings",
    "expression",
    "names",
    "shown",
]

LONGEST = 10_000  # characters; what is longer was not typed
SHOWN = 60  # characters of what was typed are echoed

# The functions that can be typed: what they do, the least and the greatest number of arguments.
FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    **{
        name: (op, len(op.derivatives), len(op.derivatives))
        for name, op in ops.TABLE.items()
        if op.precedence == ATOM
    },
    **functions.FUNCTIONS,
}
# Other names of theirs, where they are called; as the name of a number each is free.
_ALIASES = {"ln": "log", "ReLU": "relu", "σ": "sigmoid", "logistic": "sigmoid", "swish": "silu"}
_ALIASES |= {"maximum": "max", "minimum": "min", "absolute": "abs", "sgn": "sign"}
_ALIASES |= {f"arc{name[1:]}": name for name in FUNCTIONS if re.match("a(sin|cos|tan)", name)}
_TYPED = {name: FUNCTIONS[alias] for name, alias in _ALIASES.items()}
_TYPED["pow"] = (ops.power, 2, 2)
_TYPED |= FUNCTIONS
CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e}  # unless a number of that name is given
_BINARY: dict[type[ast.AST], Op] = {
    ast.Add: ops.add,
    ast.Sub: ops.sub,
    ast.Mult: ops.mul,
    ast.Div: ops.div,
    ast.Pow: ops.power,
}
_GRAMMAR = "numbers, names, + - * / **, brackets and functions such as tanh(x)"
_INSTEAD: dict[type[ast.AST], str] = {
    ast.BitXor: "^ is no operation here: a power is written **",
    ast.FloorDiv: "// has no derivative: division is written /",
    ast.Mod: "% is no operation here: division is written /",
    ast.Tuple: f"a decimal has a point, not a comma: write {_GRAMMAR}",
    ast.MatMult: "@ is no operation here: multiplication is written *",
}
# What slides and word processors put in place of an operator.
_SIGNS = {"\N{MULTIPLICATION SIGN}": "*", "\N{MIDDLE DOT}": "*", "\N{DOT OPERATOR}": "*"}
_SIGNS |= {"\N{DIVISION SIGN}": "/", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-"}
_SIGNS |= {
    "\N{SUPERSCRIPT TWO}": "**2",
    "\N{SUPERSCRIPT THREE}": "**3",
    "\N{SQUARE ROOT}": "sqrt()",
}


def shown(text: str) -> str:
    """The text as it may be echoed: on one line, clipped, without control characters."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:SHOWN])
    return repr(clean + "..." if len(text) > SHOWN else clean)


def bindings(assignments: Iterable[str]) -> dict[str, float]:
    """The numbers of `NAME=NUMBER` texts, by name, in order; ExpressionError says which is off."""
    numbers: dict[str, float] = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ExpressionError(f"{shown(assignment)} has no =: write NAME=NUMBER, such as x=2")
        name = _name(name)
        if name in numbers:
            raise ExpressionError(f"{name} is bound twice: give it one number")
        try:
            numbers[name] = float(text)
        except ValueError:
            raise ExpressionError(
                f"{shown(text)} is not a number: write {name}=NUMBER, such as {name}=-0.5 or 1e-3"
            ) from None
    return numbers


def _name(text: str) -> str:
    """The name as Python's parser will have it, or an ExpressionError if it can be none."""
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


def names(text: str) -> list[str]:
    """The names that need a number, in the order in which they come up."""
    statements = _parse(text)
    defined = {_definition(statement)[0] for statement in statements}
    found = [
        (node.lineno, node.col_offset, node.id)
        for statement in statements
        for node in ast.walk(_definition(statement)[1])
        if isinstance(node, ast.Name)
    ]
    known = {*defined, *_TYPED, *CONSTANTS}
    return list(dict.fromkeys(x for *_, x in sorted(found) if x not in known))


def expression(text: str, numbers: Mapping[str, float | Value]) -> Value:
    """The typed expression as a Value; `numbers` says what each name in it stands for.

    A number becomes a leaf that is labelled with its name; a Value is used as it is. Definitions
    may come first, `c = a + b; d = a*b; c + c*d`: a name that is used twice is one shared node,
    labelled with it, and the last of them is the result, if nothing follows.
    ExpressionError for what is not arithmetic, a name without a number, a number without a use.
    Numbers in the text are floats from the start: 9**9**9 is inf at once.
    """
    statements = _parse(text)
    values = {
        name: x if isinstance(x, Value) else Value(x, label=name) for name, x in numbers.items()
    }
    used: set[str] = set()
    last = ""
    defined = {_definition(statement)[0] for statement in statements}
    for statement in statements:
        name, tree = _definition(statement)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in defined and node.id not in values:
                raise ExpressionError(f"{node.id} is used before it is defined: define it first")
        result = as_value(_evaluate(tree, values, used))
        if statement is not statements[-1] and not name:
            raise ExpressionError(
                "only the last of several expressions is the result: give the others names, c = a+b"
            )
        if name in values:
            again = "has a number and a definition" if name in numbers else "is defined twice"
            raise ExpressionError(f"{name} {again}: choose another name for one of them")
        if name:
            if result not in values.values():  # c = a is another name for a
                result.label = name
            values[name] = result
            last = name
    for name in values:
        if name not in used and name != (last if _definition(statements[-1])[0] else ""):
            what = "has a number" if name in numbers else "is defined"
            raise ExpressionError(
                f"{name} {what} but is not in the expression{_nearest(name, used)}"
            )
    return result


def after_update(
    text: str, y: Value, numbers: Mapping[str, float], rate: float, names: Iterable[str] = ()
) -> Value:
    """The same expression, and its gradients, after one step of gradient descent.

    y: the expression before, with gradients. names: which numbers change, all if there are none:
    each by -rate times its gradient. ExpressionError for a name that has no number.
    """
    grads = {node.label: node.grad for node in topological_order(y)}
    changed = dict(numbers)
    for name in list(names) or list(numbers):
        if name not in changed:
            raise ExpressionError(f"{shown(name)} has no number to update{_nearest(name, numbers)}")
        changed[name] -= rate * grads.get(name, 0.0)  # nothing depends on it: mask(0, x)
    after = expression(text, changed)
    after.backward()
    return after


def _definition(statement: ast.stmt) -> tuple[str, ast.expr]:
    """The name that is defined, '' where there is none, and the expression."""
    if isinstance(statement, ast.Expr):
        return "", statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return _name(target.id), statement.value
    raise ExpressionError(
        f"a definition is a name, = and an expression, such as c = a+b; otherwise write {_GRAMMAR}"
    )


def _parse(text: str) -> list[ast.stmt]:
    if len(text) > LONGEST:
        raise ExpressionError(
            f"the expression has {len(text)} characters, {LONGEST} are the most: "
            "build it in Python instead, and draw FILE.py:NAME"
        )
    if not text.strip():
        raise ExpressionError(f"the expression is empty: write {_GRAMMAR}")
    for sign, right in _SIGNS.items():
        if sign in text:
            raise ExpressionError(f"{sign} is not understood: write {right}")
    # lines may be indented as one likes: there are no blocks
    lines = "\n".join(line.strip() for line in text.strip().split("\n"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            statements = ast.parse(lines).body
    except SyntaxError as error:
        raise ExpressionError(_syntax(lines, error)) from None
    except (MemoryError, RecursionError):
        raise ExpressionError(
            "the expression is nested too deeply: build it in Python and draw FILE.py:NAME"
        ) from None
    except ValueError:
        raise ExpressionError(f"{shown(text)} has characters that cannot be read") from None
    if not statements:
        raise ExpressionError(f"the expression is empty: write {_GRAMMAR}")
    return statements


def _syntax(text: str, error: SyntaxError) -> str:
    around = text[max(error.offset or 0, 2) - 2 :][:3]  # where the parser stopped, and beside it
    if re.search("assign|'='", error.msg) or "=" in around:
        return (
            f"{shown(text)} has an = that defines no name: c = a+b defines one, and numbers "
            "stand beside the expression, --at NAME=NUMBER"
        )
    if "nested" in error.msg:
        return f"{shown(text)} has brackets nested too deeply: use fewer"
    where = f" at character {error.offset}" if error.offset else ""
    telling = re.search(
        "never closed|unmatched|does not match|invalid character|null bytes", error.msg
    )
    why = f" ({error.msg})" if telling else ""
    return f"cannot read {shown(text)}{where}{why}: write {_GRAMMAR}; 2x is written 2*x"


def _evaluate(tree: ast.expr, leaves: Mapping[str, Value], used: set[str]) -> Value | float:
    """The tree's Value, operands before operations, with the tree itself kept on a list."""
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
        operation, operands = _operation(node)
        if operation is not None:
            waiting.append((operation, len(operands)))
        elif not operands:
            done.append(_atom(node, leaves))
            if isinstance(node, ast.Name):
                used.add(node.id)
        waiting.extend(reversed(operands))
    return done[0]


def _operation(node: ast.expr) -> tuple[Callable[..., Any] | None, list[ast.expr]]:
    """The operation that a node asks for and its operands; +x has no operation, x neither."""
    if isinstance(node, ast.BinOp):
        op = _BINARY.get(type(node.op))
        if op is None:
            raise ExpressionError(_refusal(node.op))
        return op, [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return ops.neg if isinstance(node.op, ast.USub) else None, [node.operand]
    if isinstance(node, ast.Call):
        return _function(node), node.args
    return None, []


def _function(call: ast.Call) -> Callable[..., Any]:
    if not isinstance(call.func, ast.Name):
        times = "2(x) is written 2*(x); " if isinstance(call.func, ast.Constant) else ""
        raise ExpressionError(times + _refusal(call.func))
    name = call.func.id
    if name not in _TYPED:
        raise ExpressionError(
            f"{shown(name)} is not a function{_nearest(name, _TYPED)}; the functions are "
            f"{', '.join(sorted(FUNCTIONS))}"
        )
    if call.keywords or any(isinstance(arg, ast.Starred) for arg in call.args):
        raise ExpressionError(f"{name} takes plain arguments only: {_usage(name)}")
    function, least, most = _TYPED[name]
    if not least <= len(call.args) <= most:
        right = f"{least} or {most}" if least < most else str(least)
        given = len(call.args)
        raise ExpressionError(f"{name} takes {right}, not {given}, arguments: write {_usage(name)}")
    return function


def _usage(name: str) -> str:
    return f"{name}({', '.join('abc'[: _TYPED[name][1]])})"


def _atom(node: ast.expr, leaves: Mapping[str, Value]) -> Value | float:
    if isinstance(node, ast.Constant) and type(node.value) is float:
        return node.value
    if isinstance(node, ast.Constant) and type(node.value) is int:
        try:
            return float(node.value)
        except OverflowError:
            return inf
    if not isinstance(node, ast.Name):
        raise ExpressionError(_refusal(node))
    if node.id in leaves:
        return leaves[node.id]
    if node.id in CONSTANTS:
        constant = as_value(CONSTANTS[node.id])
        constant.label = node.id
        return constant
    if node.id in FUNCTIONS:
        raise ExpressionError(f"{node.id} is a function: write {_usage(node.id)}")
    bound = f"; bound so far: {', '.join(leaves)}" if leaves else ""
    raise ExpressionError(
        f"{shown(node.id)} has no number{_nearest(node.id, leaves)}: add --at "
        f"{shown(node.id)[1:-1]}=NUMBER{bound}"
    )


def _refusal(node: ast.AST) -> str:
    return _INSTEAD.get(type(node), f"an expression is made of {_GRAMMAR}, and of nothing else")


def _nearest(name: str, names: Iterable[str]) -> str:
    matches = get_close_matches(name, names, 2)
    return f" (did you mean {' or '.join(matches)}?)" if matches else ""
