"""Writes a node of a graph and its local derivatives: in names, in numbers, in LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import isclose, isfinite, isnan
from typing import Any

from tinygrad_edu.analysis.graph import Graph, Node, Passing
from tinygrad_edu.ops import add, div, either, less, mask, mul, neg, power, sign, step, sub
from tinygrad_edu.rows import ieee
from tinygrad_edu.rows.formula import (
    ATOM,
    Formula,
    Latex,
    School,
    derivative_formulas,
    format_number,
    latex_number,
    numeral,
    rounded,
)
from tinygrad_edu.rows.ieee import same, total
from tinygrad_edu.rows.op import Op
from tinygrad_edu.rows.symbolic import Symbolic

__all__ = [
    "SIDES",
    "Here",
    "applied",
    "because",
    "called",
    "clipped",
    "derivative",
    "derivative_in_numbers",
    "formula_here",
    "local_derivative",
    "name",
    "number",
    "operation",
    "operation_in_numbers",
    "rule",
    "shown",
    "side",
]

SIDES = ("left", "right")


def name(graph: Graph, node: Node, cls: type[Formula] = Formula) -> Formula:
    """Returns a node as a formula: the number of a constant, the name of any other node."""
    if _is_number(graph, node):
        return cls(number(node))
    return cls((graph.latex_names if cls is Latex else graph.names)[node.id])


def operation(graph: Graph, node: Node, cls: type[Formula] = Formula) -> str:
    """Returns the operation of the node with the names of its operands: `a * b`."""
    return str(node.op(*(name(graph, graph.nodes[i], cls) for i in node.args)))


def operation_in_numbers(node: Node, precision: int) -> str:
    """Returns the operation of the node with the numbers of its operands: `2 * -3`."""
    return str(node.op(*(numeral(x, precision) for x in node.used)))


def applied(
    graph: Graph,
    node: Node,
    written: type[Formula] = School,
    most: int = 10,
    named: bool = False,
) -> str:
    """Returns the operation of the node on its operands, as a title: `x·w + b`, `tanh(…)`, `a²`.

    An operand is its label, or the number of a constant. An operation without a label is written
    out if that needs no other such operation, and if the title then has at most `most` characters;
    else it is an ellipsis. named: it has its name in the graph instead, such as v2. '' for a node
    without an operation.
    """
    if not node.op:
        return ""
    operands = [(graph.nodes[i], called(graph.nodes[i], written)) for i in node.args]

    def title(other: Callable[[Node], Formula]) -> str:
        return str(node.op(*(other(x) if known is None else known for x, known in operands)))

    if named:
        return title(lambda x: written(graph.names[x.id]))
    text = title(lambda x: _written_out(graph, x, written))
    return text if len(text) <= most else title(lambda x: written("…"))


def called(node: Node, written: type[Formula]) -> Formula | None:
    """Returns the label of a node, or the number of a constant, or None, as a formula."""
    if node.label:
        return written(node.label, ATOM if _ONE_WORD.fullmatch(node.label) else 0)
    if node.kind != "constant":
        return None
    x = number(node)
    return written(x) if len(format_number(x)) <= _LONG else numeral(x, 4, written)


def _written_out(graph: Graph, node: Node, written: type[Formula]) -> Formula:
    """Returns the operation of a node if all of its operands are known, else an ellipsis."""
    operands = []
    for i in node.args:
        known = called(graph.nodes[i], written)
        if known is None:
            return written("…")
        operands.append(known)
    made: Formula = node.op(*operands) if node.op else written("…")
    return made


_ONE_WORD = re.compile(r"[^\s+*·/^()⁻⁰¹²³⁴⁵⁶⁷⁸⁹-]*")  # a label without operators needs no brackets
_LONG = 8  # a number with more characters is rounded


class Here(Symbolic):
    """A formula and its number at this point of a graph.

    The number makes the formula shorter: it omits a guard that has no effect, replaces a comparison
    by its outcome (`because` has the reasons), and computes operations on constants, with 0 and
    with 1: `2 * x`, not `2 * x**(2 - 1)`.
    """

    __slots__ = ("because", "constant", "number", "place", "text")

    def __init__(
        self,
        text: Formula,
        number: float,
        constant: bool = False,
        because: Sequence[str] = (),
        place: int = 2,
    ) -> None:
        self.text, self.number, self.constant = text, number, constant
        self.because, self.place = tuple(dict.fromkeys(because)), place

    def __str__(self) -> str:
        return str(self.text)

    def _known(self) -> float | None:
        return self.number if self.constant else None

    def _lift(self, x: Any) -> Here:
        return x if isinstance(x, Here) else Here(type(self.text)(float(x)), float(x), True)

    def _apply(self, op: Any, /, *args: Any) -> Here:
        xs = [self._lift(x) for x in args]
        number = total(op.value, *(x.number for x in xs))
        because = [reason for x in xs for reason in x.because]
        a, b = xs[0], xs[-1]
        if op in (less, step, sign):
            return self._decided(
                number, [*because, _compared(a, b if op is less else self._lift(0))]
            )
        if op is mask:
            passes = f"{a} is not 0" if a.number else f"{a} = 0"
            because = because if a.constant else [*because, passes]
            return (
                Here(b.text, number, b.constant, because) if a.number else self._decided(0, because)
            )
        if op is either:
            return self._decided(number, because)
        short = _shortened(op, a, b)
        if short is not None:
            return Here(short.text, number, short.constant, because)
        brief = op is not div or because or number == ieee.floor(number)  # not 0.3333 for 1 / 3
        if op in _ARITHMETIC and brief and a.constant and b.constant:
            return self._decided(float(f"{number:.15g}"), because)  # 0.7 - 1 is -0.3
        return Here(op(*(x.text for x in xs)), number, False, because)

    def _decided(self, number: float, because: Sequence[str]) -> Here:
        return Here(type(self.text)(float(number)), number, True, because)


_ARITHMETIC = (add, sub, mul, div, neg)


def _shortened(op: Op, a: Here, b: Here) -> Here | None:
    """Returns the shorter form of an operation with 0 or 1; None if no operand is 0 or 1."""
    first, second = a._known(), b._known()
    if (op in (add, sub) and second == 0) or (op in (div, power) and second == 1):
        return a
    if op is add and first == 0:
        return b
    if op is power and second == 0:
        return a._lift(1)
    if op is mul:
        for factor, x in ((first, b), (second, a)):
            if factor == 1 or (factor == -1 and not x.constant):
                return x if factor == 1 else -x
            if factor == 0 and isfinite(x.number):
                return a._lift(0)
    return None


def _compared(a: Here, b: Here) -> str:
    """Returns the true comparison of two numbers, a constant last: `a > b`, `x < 0`."""
    if (a.constant, a.place) > (b.constant, b.place):
        a, b = b, a
    return f"{a} {'<' if a.number < b.number else '>' if a.number > b.number else '='} {b}"


def derivative(
    graph: Graph, target: Node, operand: int, precision: int, written: type[Formula] = Formula
) -> str:
    """Returns the local derivative of `target` by that operand, in names: `1 - v3**2`.

    '' if it is nan, if it is a convention, or if there is no formula, because a user's rule
    branches on its numbers.
    """
    made = _in_names(graph, target, operand, written)
    return "" if made is None else _text(made, precision)


def derivative_in_numbers(
    graph: Graph, target: Node, operand: int, precision: int, written: type[Formula] = Formula
) -> str:
    """Returns the local derivative of `target` with numbers instead of names: `1 - 0.76**2`.

    '' also if the rounded numbers would give another result: the derivative of tanh is not 0 where
    its result is rounded to 1.
    """
    args = [
        Here(numeral(x, precision, written), x, place=i)
        if not _is_number(graph, graph.nodes[j])
        else Here(written(x), x, True)
        for i, (j, x) in enumerate(zip(target.args, target.used))
    ]
    y = number(target)
    made = _rule(target, operand, Here(numeral(y, precision, written), y), args)
    if made is None:
        return ""
    reads = target.op.reads[operand]
    if reads is not target.op.derivatives[operand]:
        seen = (float(rounded(x, precision)) for x in (y, *target.used))
        made_of, x = float(total(reads, *seen)), _local(target, operand)
        if not (same(made_of, x) or isclose(made_of, x, rel_tol=0.1)):
            return ""
    return _text(made, precision)


def reason(graph: Graph, target: Node, operand: int, convention: bool = False) -> str:
    """Returns the reason for the number of a local derivative, as text to append to it, or ''.

    `, because a > b` if a comparison decided, ` by convention` at a kink. convention: whether to
    state the convention at a kink.
    """
    if isnan(number(target)):
        return ""
    made = _in_names(graph, target, operand, Formula)
    kink = target.op.kink
    at_kink = kink is not None and (made is None or kink[0](*target.used))
    return because(target.op, made, at_kink, convention)


def because(op: Op, made: Here | None, at_kink: bool, convention: bool) -> str:
    """Returns the reason for the number of a derivative whose formula is `made`, as `reason`."""
    said = f", because {' and '.join(made.because)}" if made is not None and made.because else ""
    if op.kink is None or not at_kink:
        return said
    if said:
        return f"{said} (by convention: {op.kink[1]})" if convention else said
    return " by convention" + (f": {op.kink[1]}" if convention else "")


def _in_names(graph: Graph, target: Node, operand: int, cls: type[Formula]) -> Here | None:
    args = []
    for i, (j, x) in enumerate(zip(target.args, target.used)):
        node = graph.nodes[j]
        args.append(Here(name(graph, node, cls), x, _is_number(graph, node), place=i))
    return _rule(target, operand, Here(name(graph, target, cls), number(target)), args)


def _rule(target: Node, operand: int, y: Here, args: Sequence[Here]) -> Here | None:
    """Returns the formula of the rule here; None if there is none, or if its number differs."""
    if isnan(number(target)):
        return None
    made = formula_here(target.op, operand, y, args)
    if made is None:
        return None
    x = _local(target, operand)
    wrong = target.op.kink and not (made.number == x or isclose(made.number, x, rel_tol=1e-6))
    return None if wrong else made


def formula_here(op: Op, operand: int, y: Here, args: Sequence[Here]) -> Here | None:
    """Returns the textbook form of a rule here; None if it cannot be a formula."""
    try:
        return y._lift(op.reads[operand](y, *args))
    except Exception:  # a user's rule may raise anything
        return None


def _local(target: Node, operand: int) -> float:
    return float(total(target.op.derivatives[operand], number(target), *target.used))


def _text(made: Here, precision: int) -> str:
    """Returns the formula as text; a plain number is rounded like all numbers."""
    return shown(made.number, precision, type(made.text)) if made.constant else str(made)


def local_derivative(graph: Graph, p: Passing, precision: int) -> str:
    """Returns the local derivative in names, in numbers and rounded: `1 - y**2 = 1 - 0**2 = 1`."""
    target = graph.nodes[p.target]
    named = derivative(graph, target, p.operand, precision)
    numbers = derivative_in_numbers(graph, target, p.operand, precision)
    formulas = " = ".join(filter(None, dict.fromkeys([named, numbers, shown(p.local, precision)])))
    return formulas + reason(graph, target, p.operand, convention=True)


def rule(op: Op, operand: int, written: type[Formula] = Formula) -> str:
    """Returns the local derivative of an operation in y, a and b: `1 - y**2`; '' without one.

    As school writes it, '' also for a rule that compares numbers: no class reads `less(b, a)`.
    """
    try:
        text = derivative_formulas(op, written)[operand]
    except Exception:  # a user's rule may raise anything
        return ""
    return "" if written is School and _COMPARES.search(text) else text


_COMPARES = re.compile(rf"\b({'|'.join(op.name for op in (less, step, sign, mask, either))})\(")


def side(target: Node, p: Passing) -> str:
    """Returns the side of the operand, as " (left)", if both operands are one node; else ''."""
    return f" ({SIDES[p.operand]})" if target.args.count(p.source) > 1 else ""


def shown(x: float, precision: int, cls: type[Formula] = Formula) -> str:
    """Returns the rounded number, as text or as LaTeX."""
    text = rounded(x, precision)
    return latex_number(text) if cls is Latex else text


def clipped(text: str, most: int = 200) -> str:
    """Returns the first lines of a text, and the number of the other lines."""
    lines = text.split("\n")
    if len(lines) <= most:
        return text
    return "\n".join([*lines[:most], f"... and {len(lines) - most} lines more"])


def number(node: Node) -> float:
    """Returns the number of a node that is not a group."""
    assert node.data is not None
    return node.data


def _is_number(graph: Graph, node: Node) -> bool:
    """Whether the node is a constant without a label."""
    return node.kind == "constant" and graph.names[node.id] != node.label
