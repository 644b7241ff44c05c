"""The rows of the table as JavaScript: the functions that compute a page's numbers.

The graph itself is data, a list of operations with their operands. So a page has one case for each
operation that it uses, however large its graph is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from tinygrad_edu.compiler.languages.expressions import JavaScript, helpers
from tinygrad_edu.errors import FormatError
from tinygrad_edu.ops import TABLE
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.source import dissolved
from tinygrad_edu.rows.terms import traced

__all__ = ["lanes", "rows"]


def rows(ops: Sequence[Op]) -> str:
    """This returns JavaScript: `forward`, `slopes`, `reads` and MASK for these operations.

    forward(op, a, b, v, from, to) computes the values v of the nodes `from` to `to`, the last one
    excluded. slopes(op, a, b, v, d, from, to) computes their local derivatives, d[2k] by the first
    operand of node k and d[2k + 1] by the second. An operation is its place in `ops`; -1 is a leaf.
    reads(op, place, y, a, b) is the textbook form of a local derivative, or undefined if that is
    the rule itself. MASK is the number of the row `mask`, or -1. FormatError for an operation of
    the user's own that is not made of rows of the table.
    """
    forward = "".join(
        _case(i, [f"v[k] = {_text(op, op.value, 'xz')};"]) for i, op in enumerate(ops)
    )
    slopes = "".join(_case(i, _slopes(op)) for i, op in enumerate(ops))
    reads = "".join(_reads(i, op) for i, op in enumerate(ops))
    text = "\n".join(
        [
            "// The operations of the table, printed for this page.",
            f"const MASK = {next((i for i, op in enumerate(ops) if op.name == 'mask'), -1)};",
            _function("forward", "", forward),
            _function("slopes", "d", slopes),
            f"function reads(op, place, y, a, b) {{\n  switch (2 * op + place) {{\n{reads}  }}\n"
            "  return undefined;\n}\n",
        ]
    )
    return (
        helpers("javascript", set(re.findall(r"[a-z]\w*(?=\()", forward + slopes + reads))) + text
    )


def lanes(ops: Sequence[Op]) -> str:
    """This returns JavaScript: the passes of `count` examples at once, for pages that train.

    Node k has its number of example j at v[k * size + j], so each operation is chosen once for all
    examples. forwardLanes(op, a, b, v, size, count, to) computes the nodes below `to`.
    backwardLanes(op, a, b, v, g, wanted, size, count, from) adds adjoints to g, from node `from`
    down, for operands that are wanted. An operand that is not there is -1 in a and b. If there is a
    `mask`, an adjoint of -0 says that nothing has come to this node, and no sum is -0.
    """
    masks = any(op.name == "mask" for op in ops)
    guard, more = ("if (h === 0 && 1 / h < 0) continue; ", " + 0") if masks else ("", "")
    ahead, back = [], []
    for i, op in enumerate(ops):
        value = _lane(f"v[r + j] = {_text(op, op.value, 'xz')};")
        ahead.append(f"      case {i}: {value} break;\n")
        back.append(f"      case {i}:\n")
        for operand, at, rule in zip("ab", "pq", op.derivatives):
            adds = f"h * ({_text(op, rule, 'xz')}){more}"
            if op.name == "mask":
                adds = "x === 0 ? -0 : h"
            if op.name != "mask" or operand == "b":
                lane = _lane(f"{guard}g[{at} + j] += {adds};")
                back.append(f"        if (wanted[{operand}[k]]) {lane}\n")
        back.append("        break;\n")
    nan = _lane(f"{guard}if (y !== y) g[r + j] = h + NaN;")  # all local derivatives are nan
    where = "const p = a[k] * size, q = b[k] * size, r = k * size;"
    return f"""\
function forwardLanes(op, a, b, v, size, count, to) {{
  for (let k = 0; k < to; k++) {{
    {where}
    switch (op[k]) {{
{"".join(ahead)}    }}
  }}
}}

function backwardLanes(op, a, b, v, g, wanted, size, count, from) {{
  let nans = false;
  for (let i = 0; i < v.length; i++) nans = nans || v[i] !== v[i];
  for (let k = from; k >= 0; k--) {{
    {where}
    if (nans && op[k] >= 0 && op[k] !== MASK) {nan}
    switch (op[k]) {{
{"".join(back)}    }}
  }}
}}
"""


def _lane(statement: str) -> str:
    """A loop over the lanes that reads what the statement uses: unused reads cost time, too."""
    reads = {"x": "v[p + j]", "z": "v[q + j]", "y": "v[r + j]", "h": "g[r + j]"}
    used = [f"{x} = {at}" for x, at in reads.items() if re.search(rf"\b{x}\b", statement)]
    return f"for (let j = 0; j < count; j++) {{ const {', '.join(used)}; {statement} }}"


def _text(op: Op, rule: Callable[..., object], names: str, y: str = "y") -> str:
    """The value or a rule of an operation, as JavaScript; an operation of the user's in rows."""
    operands = [JavaScript(x) for x in names[: len(op.derivatives)]]
    is_value, result = rule is op.value, JavaScript(y)
    if op is TABLE.get(op.name):
        return str(op(*operands) if is_value else result._of(rule(result, *operands)))
    letters = ("" if is_value else "y") + "ab"[: len(operands)]
    term = traced(rule, letters)
    if term is None:
        raise FormatError(
            f"{op.name} is an operation of your own that a page cannot compute: define its value "
            "and its rules by operators and functions of tinygrad_edu, without if"
        )
    given = dict(zip(letters, operands if is_value else [result, *operands]))
    return str(dissolved(term, given, lambda text: f"({text})"))


def _slopes(op: Op) -> Iterable[str]:
    """The statements for the local derivatives of node k; all are nan if its value is nan."""
    rules = [_text(op, rule, "xz") for rule in op.derivatives]
    if op.name == "mask":  # 0 by the condition, and by what a 0 there hides
        rules = ["0", "(x === 0 ? 0 : 1)"]
    return [f"{at} = y === y ? {rule} : NaN;" for at, rule in zip(("d[e]", "d[e + 1]"), rules)]


def _reads(i: int, op: Op) -> str:
    """The cases for those rules of an operation that a textbook writes in another form."""
    return "".join(
        f"    case {2 * i + place}: return {_text(op, read, 'ab')};\n"
        for place, (read, rule) in enumerate(zip(op.reads, op.derivatives))
        if read is not rule
    )


def _case(i: int, statements: Iterable[str]) -> str:
    return f"      case {i}: {' '.join(statements)} break;\n"


def _function(name: str, more: str, cases: str) -> str:
    arguments = ", ".join(filter(None, ["op", "a", "b", "v", more, "from", "to"]))
    own = ", y = v[k], e = 2 * k" if more else ""  # read once: a store to d may be one to v
    return f"""\
function {name}({arguments}) {{
  for (let k = from; k < to; k++) {{
    const x = v[a[k]], z = v[b[k]]{own};
    switch (op[k]) {{
{cases}    }}
  }}
}}
"""
