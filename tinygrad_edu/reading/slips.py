"""Messages about mistakes in a typed expression: what is wrong, where, and what to write.

`unreadable` has the messages for texts that Python's parser cannot read. `refusal` has those for
texts that it can read but that are not arithmetic, and names the wrong part.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from collections.abc import Callable
from typing import Any

from tinygrad_edu.reading.vocabulary import FUNCTIONS, MODULES, every, function, instead, nearest

__all__ = [
    "ASSIGNED",
    "GRAMMAR",
    "SHOWN",
    "Typed",
    "called",
    "dotted",
    "not_a_definition",
    "refusal",
    "shown",
    "unreadable",
    "unwritten",
]

SHOWN = 60  # most characters of typed text in a message
ASSIGNED = re.compile(r"[,;](?=\s*[^\W\d][^\s,;=]*\s*=(?!=))")  # a comma with a NAME= after it
GRAMMAR = "numbers, names, + - * / **, brackets and functions such as tanh(x)"

# Signs that slides and word processors use in place of operators and numbers.
_SIGNS = {
    "\N{MULTIPLICATION SIGN}": "*",
    "\N{MIDDLE DOT}": "*",
    "\N{DOT OPERATOR}": "*",
    "\N{ASTERISK OPERATOR}": "*",
    "\N{DIVISION SIGN}": "/",
    "\N{DIVISION SLASH}": "/",
    "\N{FRACTION SLASH}": "/",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{SUPERSCRIPT TWO}": "**2",
    "\N{SUPERSCRIPT THREE}": "**3",
    "\N{SQUARE ROOT}": "sqrt()",
    "\N{INFINITY}": "1e999",
    "\N{VULGAR FRACTION ONE HALF}": "1/2",
    "\N{VULGAR FRACTION ONE QUARTER}": "1/4",
    "\N{LESS-THAN OR EQUAL TO}": "1 - less(b, a) for a \N{LESS-THAN OR EQUAL TO} b",
    "\N{GREATER-THAN OR EQUAL TO}": "1 - less(a, b) for a \N{GREATER-THAN OR EQUAL TO} b",
    "\N{NOT EQUAL TO}": "less(a, b) + less(b, a) for a \N{NOT EQUAL TO} b",
    "\N{LEFT DOUBLE QUOTATION MARK}": "",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "",
}
# Operators of Python that have no operation here: their sign, and what to write.
_OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.BitXor: ("^", "is not an operation here: a power is written **"),
    ast.FloorDiv: ("//", "is not an operation here: write floor({0}/{1})"),
    ast.Mod: ("%", "is not an operation here: write {0} - {1}*floor({0}/{1})"),
    ast.MatMult: ("@", "is not an operation here: multiplication is written *"),
    ast.BitOr: (
        "|",
        "is not an operation here: |x| is written abs(x), and or is written either(a, b)",
    ),
    ast.BitAnd: ("&", "is not an operation here: and is written mask(a, b)"),
    ast.LShift: ("<<", "is not an operation here: write x * 2**n"),
    ast.RShift: (">>", "is not an operation here: write x / 2**n"),
}
# Functions of Python that do not compute a number.
_PYTHONS = frozenset(name for name in dir(builtins) if name.islower())
_IDLE = {"eval", "exec", "float", "print", "repr", "str"}  # those that do not change a number
_COMPARED: dict[type[ast.AST], str] = {
    ast.Lt: "less({0}, {1})",
    ast.Gt: "less({1}, {0})",
    ast.LtE: "1 - less({1}, {0})",
    ast.GtE: "1 - less({0}, {1})",
    ast.NotEq: "less({0}, {1}) + less({1}, {0})",
    ast.IsNot: "less({0}, {1}) + less({1}, {0})",
}
_KINDS: dict[type[ast.AST], str] = {
    **dict.fromkeys(
        (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
        "is a loop: write its terms one by one, a + b + c",
    ),
    **dict.fromkeys(
        (ast.List, ast.Set, ast.Dict),
        "is a list, and an expression is one number: write one of them; a script can have several "
        "outputs, FILE.py:NAME",
    ),
    ast.Subscript: "has an index, as no name has: write x0 or x_0",
    ast.Starred: "begins with *, and nothing stands before it: write a number or a name there",
    ast.Await: "is for programs: leave await out",
    ast.Yield: "is for functions of Python: leave yield out",
    ast.YieldFrom: "is for functions of Python: leave yield out",
}
_STATEMENTS: dict[type[ast.AST], str] = {
    ast.Import: "is not needed: functions such as tanh(x) are known",
    ast.ImportFrom: "is not needed: functions such as tanh(x) are known",
    ast.FunctionDef: "is a function of your own: write what it computes, y = a + b",
    ast.If: "is a choice: write where(step(x), a, b) for a if x > 0 else b",
    ast.For: "is a loop: write its terms one by one, a + b + c",
    ast.While: "is a loop: write its terms one by one, a + b + c",
}


def shown(text: str) -> str:
    """Returns the text for a message: on one line, clipped, without control characters."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:SHOWN])
    return repr(clean + "..." if len(text) > SHOWN else clean)


class Typed:
    """A typed text, and the same text for Python's parser, without indentation."""

    def __init__(self, text: str) -> None:
        self.typed = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.lines = [line.strip() for line in self.typed]
        self.text = "\n".join(self.lines)
        self.coded = [line.encode("utf-8", "surrogatepass") for line in self.lines]

    def part(self, node: Any) -> str:
        """Returns the text of a node, on one line."""
        lines = self.coded[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return " ".join(b" ".join(lines).decode("utf-8", "surrogatepass").split())

    def place(self, line: int, column: int) -> str:
        """Returns a position (line and column, both from 0) in words."""
        margin = len(self.typed[line]) - len(self.typed[line].lstrip())
        place = f"character {margin + column + 1}"
        return place if sum(map(bool, self.lines)) < 2 else f"line {line + 1}, {place}"

    def where(self, node: Any) -> str:
        """Returns the position of a node in words."""
        before = self.coded[node.lineno - 1][: node.col_offset]
        return self.place(node.lineno - 1, len(before.decode("utf-8", "surrogatepass")))

    def named(self, node: Any) -> str:
        """Returns the text of a node and its position."""
        return f"{shown(self.part(node))} ({self.where(node)})"


def unwritten(typed: Typed) -> str:
    """Returns a message about the first special sign in the text; '' without one."""
    for i, line in enumerate(typed.lines):
        for column, sign in enumerate(line):
            if sign in _SIGNS:
                right = f"write {_SIGNS[sign]}" if _SIGNS[sign] else "leave it out"
                return f"{sign} ({typed.place(i, column)}) is not understood: {right}"
    return ""


def unreadable(typed: Typed, error: SyntaxError) -> str:
    """Returns the message for a text that Python's parser cannot read."""
    text = typed.text.strip()
    line = typed.lines[(error.lineno or 1) - 1] if (error.lineno or 1) <= len(typed.lines) else ""
    around = line[max(error.offset or 0, 2) - 2 :][:3]  # the characters where the parser stopped
    bars = re.search(r"\|([^|]+)\|", text)
    if bars:
        return f"{shown(bars[0])} is not understood: write abs({bars[1].strip()[:SHOWN]})"
    if re.search("assign|'='", error.msg) or "=" in around:
        if re.match(r"[^\W\d]\w*\s*=[^=]*,", line):
            return f"{shown(text)} has commas: definitions stand apart by ; as in x = 2; w = 3; x*w"
        own = re.match(r"([^\W\d]\w*)\([^()=]*\)\s*=(?!=)\s*(.*)", line)
        if own:
            return (
                f"{shown(own[0])} is a function of your own: write what it computes, "
                f"{own[1][:SHOWN]} = {own[2][:SHOWN]}"
            )
        return (
            f"{shown(text)} has an = that defines no name: c = a+b defines one, and numbers "
            "stand beside the expression, --at NAME=NUMBER"
        )
    if "nested" in error.msg:
        return f"{shown(text)} has brackets nested too deeply: use fewer"
    word = re.search(rf"(?<![\w.])({'|'.join(keyword.kwlist)})\s*([-+*/)=;]|$)", line)
    if word:
        where = typed.place(typed.lines.index(line), word.start())
        return f"{word[1]} ({where}) is a reserved word: choose another name"
    broken = _broken(typed)
    if broken:
        return f"cannot read {shown(text)}{broken}"
    offset = max((error.offset or 1) - 1, 0)
    place = f" at {typed.place(error.lineno - 1, offset)}" if error.lineno and line else ""
    telling = "never closed|unmatched|does not match|invalid character|null bytes|'else'"
    why = f" ({error.msg})" if re.search(telling, error.msg) else ""
    if re.match(r"\s*!", line[offset:]):
        why = " (! is not an operation)"
    return f"cannot read {shown(text)}{place}{why}: write {GRAMMAR}{_product(line)}"


def _broken(typed: Typed) -> str:
    """Returns a message about a single bracket or a missing operand; '' without one."""
    if typed.text.strip() == "@":
        return ": @ stands before the name of a file, which holds the expression: write @FILE"
    code = [line.partition("#")[0] for line in typed.lines]
    if any(sign in line for line in code for sign in "'\"[]{}"):
        return ""
    opened: list[str] = []
    for i, line in enumerate(code):
        for column, sign in enumerate(line):
            place = typed.place(i, column)
            if sign == "(":
                opened.append(place)
            elif sign == ")" and not opened:
                return f" at {place} (unmatched ')'): leave it out, or open a bracket by ("
            elif sign == ")":
                opened.pop()
    for i, line in enumerate(code):
        last = re.search(r"(\*\*|//|[-+*/%^@])\s*(?:$|[),;])", line)
        if last and not (opened and last.end() == len(line)):
            place = typed.place(i, last.start())
            return f" at {place} (nothing follows {last[1]}): write a number or a name after it"
        first = re.search(r"(?:^|[(,;=])\s*(\*\*|//|[*/%^@])", line)
        if first and not opened:
            place = typed.place(i, first.start(1))
            return f" at {place} (nothing stands before {first[1]}): write a number or a name there"
    if opened:
        return f" at {opened[-1]} ('(' was never closed): write a ) for it"
    return ""


def _product(line: str) -> str:
    """Returns a hint for a product with a missing `*`, after a semicolon; '' without one."""
    found = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)\s*((?![eEjJxXoObB]\d)[^\W\d]\w*)", line)
    found = found or re.search(r"(?<![\w.])([^\W\d]\w*)\s+([^\W\d]\w*|\d+)", line)
    if found is None or {"lambda", "if", "else", "for", "in", "import"} & set(found.groups()):
        return ""
    first, second = found[1][:SHOWN], found[2][:SHOWN]
    product = f"{first}({second})" if function(first) else f"{first}*{second}"
    typed = " ".join(found[0].split())  # a separator such as U+001F is a space, and unprintable
    return f"; {typed[:SHOWN]} is written {product}"


def refusal(node: ast.expr, typed: Typed, is_number: Callable[[str], bool]) -> str:
    """Returns the message for a node that is not arithmetic; '' for arithmetic.

    is_number: whether a name belongs to a number or a definition.
    """
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        sign, words = _OPERATORS[type(node.op)]
        sides = [_factor(x, typed) for x in (node.left, node.right)]
        if len("".join(sides)) > SHOWN:
            words, sides = f"{words} for x {sign} y", ["x", "y"]
        words = re.sub(r"\{(\d)\}", lambda found: sides[int(found[1])], words)
        return f"{sign} ({_sign_place(node, sign, typed)}) {words}"
    if isinstance(node, ast.Call):
        return _call(node, typed, is_number)
    if isinstance(node, ast.Constant):
        words = _constant(node.value, typed.part(node))
    elif isinstance(node, ast.Name):
        known = function(node.id) if node.id in FUNCTIONS else None
        words = f"is a function: write {known.usage}" if known else ""
    else:
        words = _words(node, typed)
    return words and f"{typed.named(node)} {words}"


def _factor(node: ast.expr, typed: Typed) -> str:
    """Returns the node's text, in brackets if it needs them as a factor."""
    part = typed.part(node)
    return part if isinstance(node, ast.Name | ast.Constant | ast.Call) else f"({part})"


def _sign_place(node: ast.BinOp, sign: str, typed: Typed) -> str:
    """Returns the position of the operator in words."""
    left = node.left
    line, column = (left.end_lineno or 1) - 1, left.end_col_offset or 0
    start = len(typed.lines[line].encode()[:column].decode())
    found = typed.lines[line].find(sign, start)
    return typed.place(line, found) if found >= 0 else typed.where(node)


def _constant(value: object, text: str) -> str:
    if type(value) in (int, float):
        return ""
    if isinstance(value, str):
        return "is a text: leave the quotes out"
    if isinstance(value, complex):
        return "is not a real number: write one, such as 0.5"
    if isinstance(value, bool):
        return f"is not a number: write {int(value)}"
    return f"is not a number: write {GRAMMAR}"


def _words(node: ast.expr, typed: Typed) -> str:
    """Returns the message for a node other than a constant, a name or a call; '' if it is right."""
    part = typed.part
    if isinstance(node, ast.BinOp):
        return ""
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.USub | ast.UAdd):
            return ""
        if isinstance(node.op, ast.Not):
            return f"is a condition: write 1 - {condition(node.operand, typed)}"
        return "has a ~, which is not an operation here: 1 - x is the opposite of a condition"
    if isinstance(node, ast.Compare):
        if isinstance(node.ops[0], ast.Eq) and isinstance(node.left, ast.Name):
            right = part(node.comparators[0])[:SHOWN]
            return f"has two =: a definition has one, {node.left.id} = {right}"
        return f"is a comparison: write {condition(node, typed)}"
    if isinstance(node, ast.BoolOp):
        name = "mask" if isinstance(node.op, ast.And) else "either"
        sides = [condition(x, typed) for x in node.values[:2]]
        return f"is a condition: write {name}({', '.join(sides)})"
    if isinstance(node, ast.IfExp):
        test = condition(node.test, typed)
        return f"is a choice: write where({test}, {part(node.body)}, {part(node.orelse)})"
    if isinstance(node, ast.Lambda):
        return f"is a function of your own: write what it computes, {part(node.body)[:SHOWN]}"
    if isinstance(node, ast.NamedExpr):
        return f"is a definition: put it first, {part(node.target)} = {part(node.value)[:SHOWN]}; "
    if isinstance(node, ast.JoinedStr):
        return "is a text: leave the quotes and the braces out"
    if isinstance(node, ast.Attribute):
        return _attribute(node, typed)
    if isinstance(node, ast.Tuple):
        return _tuple(node, typed)
    return _KINDS.get(type(node), f"is not arithmetic: write {GRAMMAR}")


def condition(node: ast.expr, typed: Typed) -> str:
    """Returns a comparison as a formula with the value 1 or 0; any other node as its text."""
    if not isinstance(node, ast.Compare):
        return typed.part(node)
    sides = [node.left, *node.comparators[:3]]  # three are enough for a hint
    forms = []
    for op, *pair in zip(node.ops, sides, sides[1:]):
        form = _COMPARED.get(type(op), "1 - either(less({0}, {1}), less({1}, {0}))")
        forms.append(form.format(*map(typed.part, pair)))
    return forms[0] if len(forms) == 1 else " * ".join(f"({x})" if " - " in x else x for x in forms)


def _attribute(node: ast.Attribute, typed: Typed) -> str:
    known = function(node.attr)
    if known:
        inside = "x" if dotted(node.value) in MODULES else typed.part(node.value)
        return f"is a function: write {known.name}({inside[:SHOWN]})"
    if dotted(node.value) in MODULES:
        return f"is not known here: write {GRAMMAR}"
    owner = typed.part(node.value)[:SHOWN] if isinstance(node.value, ast.Name) else GRAMMAR
    return f"has an attribute, .{node.attr[:SHOWN]}: write {owner}"


def dotted(node: ast.expr) -> str:
    """Returns the first part of a dotted name such as `torch.nn.functional`; '' otherwise."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _tuple(node: ast.Tuple, typed: Typed) -> str:
    parts = [typed.part(x) for x in node.elts]
    pointed = re.sub(r"(?<![\w.])(\d+),(?=\d)", r"\1.", typed.part(node))
    if pointed != typed.part(node):
        return f"has a comma: a decimal has a point, {pointed[:SHOWN]}"
    if not parts:
        return f"is nothing: write {GRAMMAR}"
    return (
        f"has a comma, and an expression is one number: draw "
        f"{' or '.join(x[:20] for x in parts[:3])} alone, or several outputs of a script, "
        "FILE.py:NAME"
    )


def _call(call: ast.Call, typed: Typed, is_number: Callable[[str], bool]) -> str:
    """Returns the message for a call, without checking its arguments."""
    while isinstance(call.func, ast.Call) and called(call.func) is None:
        call = call.func  # in x(0)(0)(0) the first call is wrong; Python 3.10 reads thousands
    name, arguments = called(call), ", ".join(map(typed.part, call.args))
    where = typed.where(call)
    if name is None:
        if isinstance(call.func, ast.Attribute):
            known, inner = function(call.func.attr), typed.part(call.func.value)
            if known:
                with_it = ", ".join(filter(None, [inner, arguments]))
                return f"{typed.named(call)} calls a method: write {known.name}({with_it[:SHOWN]})"
            return f"{typed.named(call.func)} {_attribute(call.func, typed)}"
        inner = typed.part(call.func)
        if isinstance(call.func, ast.Constant) and type(call.func.value) in (int, float):
            return f"{typed.named(call)} is not a call: write {inner}*({arguments[:SHOWN]})"
        return refusal(call.func, typed, is_number) or (
            f"{typed.named(call)} is not a call: write ({inner[:SHOWN]})*({arguments[:SHOWN]})"
        )
    known = function(name)
    product = f"write {name[:SHOWN]}*({arguments[:SHOWN]})"
    if isinstance(call.func, ast.Name) and is_number(name) and name not in FUNCTIONS:
        return f"{shown(name)} ({where}) is a number, not a function: {product}"
    if known is None:
        unknown = f"unknown function {shown(name)} at {where}"
        if instead(name):
            return f"{unknown}: write {instead(name)}"
        if len(name) < 3 and arguments:
            return f"{unknown}: {product} for a product"
        if name in _PYTHONS:
            alone = len(call.args) == 1 and name in _IDLE
            return (
                f"{name} ({where}) is a function of Python, and no arithmetic: "
                f"write {arguments[:SHOWN] if alone else GRAMMAR}"
            )
        return f"{unknown}{nearest(name, every())}: choose {', '.join(sorted(FUNCTIONS))}"
    if call.keywords or any(isinstance(x, ast.Starred) for x in call.args):
        return f"{name} ({where}) takes plain arguments only: write {known.usage}"
    if not known.least <= len(call.args) <= known.most:
        right = f"{known.least} or {known.most}" if known.least < known.most else str(known.least)
        return (
            f"{name} ({where}) takes {right}, not {len(call.args)}, arguments: write {known.usage}"
        )
    return ""


def called(call: ast.Call) -> str | None:
    """Returns the name of the called function without `np.` and the like; None without a name."""
    if isinstance(call.func, ast.Name):
        return call.func.id
    if isinstance(call.func, ast.Attribute) and dotted(call.func.value) in MODULES:
        return call.func.attr
    return None


def not_a_definition(statement: ast.stmt, typed: Typed) -> str:
    """Returns the message for a statement that defines no name."""
    part = typed.part
    words = _STATEMENTS.get(type(statement), "")
    if isinstance(statement, ast.AugAssign):
        name = part(statement.target)
        words = f"changes {name[:SHOWN]}: give the result a name of its own, y = {name[:SHOWN]} + 1"
    elif isinstance(statement, ast.AnnAssign):
        words = "has a colon: a definition is a name, = and an expression, c = a+b"
    elif isinstance(statement, ast.Assign):
        targets = statement.targets
        if len(targets) > 1:
            value, names = part(statement.value)[:SHOWN], [part(x)[:SHOWN] for x in targets]
            words = f"defines several names: write {names[-1]} = {value}; {names[0]} = {names[-1]}"
        elif isinstance(targets[0], ast.Tuple | ast.List):
            words = "defines several names: write a = ...; b = ..., one after the other"
        else:
            words = f"defines no name: {shown(part(targets[0]))} is none, write c = a+b"
    words = words or "is a statement of Python: write definitions such as c = a+b, and a result"
    return f"{typed.named(statement)} {words}"
