"""`backward` for numbers: the table, unrolled, with each rule in the place of its call.

`chain_rule.sweep` calls a rule for every edge. With plain floats, such calls take most of the time,
so the pass for numbers is printed from the table, a branch for each row, and compiled when it is
first needed: `print(unrolled.text())` shows it. The rules stay where they are, in `ops`.

The pass goes from the output back, and adds to the grad of every inner node. While it runs, the
slot `_adjoint` of a node is None for a constant, which needs no adjoint; `fresh`, the mark of this
pass, until the first contribution arrives; then the sum of the contributions. Such slots serve one
pass at a time. A second one, in another thread, has to keep its adjoints elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, nan
from operator import attrgetter
from threading import Lock
from typing import Protocol

from tinygrad_edu import ops
from tinygrad_edu.errors import NumberError
from tinygrad_edu.rows.op import TABLE, UNDEFINED, Op, Rule, one
from tinygrad_edu.rows.source import python, written

__all__ = ["Node", "backward_in_slots", "text"]


class Node(Protocol):
    """What the pass uses of a Value."""

    _adjoint: object
    _grad: float
    _data: float
    a_data: float
    b_data: float

    @property
    def op(self) -> Op: ...
    @property
    def a(self) -> Node | None: ...
    @property
    def b(self) -> Node | None: ...


Pass = Callable[[Iterable[Node], object], None]

_PASS = """\
def unrolled(nodes, fresh):
    for node in nodes:
        adjoint = node._adjoint
        if adjoint is fresh:
            continue  # it is behind a mask
        grad = node._grad
        node._grad = grad + adjoint if grad else adjoint
        y = node._data
        op = node.op if y == y else UNDEFINED
        if node.b is None:
{unary}
            else:
                call_rules(node, op, adjoint, fresh)
{binary}
        else:
            call_rules(node, op, adjoint, fresh)
"""
_EDGE = """\
x = node.{place}
before = x._adjoint
if before is not None:
{share}
    x._adjoint = share if before is fresh else before + share
"""
_NAMES = {"y": "y", "a": "node.a_data", "b": "node.b_data"}


def _call_rules(node: Node, op: Op, adjoint: float, fresh: object) -> None:
    """Sends contributions to the operands, by calling the rules of any operation."""
    at = (node._data, node.a_data, node.b_data)[: 2 if node.b is None else 3]
    for x, rule in ((node.a, op.da), (node.b, op.db)):
        before = None if x is None else x._adjoint
        if x is None or before is None:
            continue
        share = adjoint if rule is one else adjoint * rule(*at)
        if share.__class__ is not float:  # a rule of the user's gives anything
            if isinstance(share, complex):
                raise ArithmeticError
            share = float(share)
        x._adjoint = share if before is fresh else before + share  # type: ignore[operator]


_SHARED = {"UNDEFINED": UNDEFINED, "call_rules": _call_rules, "inf": inf, "nan": nan}


def _indented(text: str, depth: str) -> str:
    return "".join(depth + line for line in text.splitlines(keepends=True))


def _edge(place: str, op: Op, rule: Rule) -> tuple[str, dict[str, object]]:
    """Returns the lines for one operand, and what they call."""
    names = {name: _NAMES[name] for name in "yab"[: 1 + len(op.derivatives)]}
    found = written(rule, names)
    if found is None:
        raise LookupError
    lines, local, called = found
    share = "share = adjoint" if rule is one else f"share = adjoint * ({local})"
    return _EDGE.format(place=place, share=_indented("\n".join([*lines, share]), "    ")), called


def _branch(op: Op) -> tuple[str, dict[str, object]]:
    """Returns the lines for one row, and what they call; LookupError if a rule has no text."""
    if op is ops.mask:  # a condition has no derivative, and hides the other operand where it is 0
        lines = _indented(_EDGE.format(place="b", share="    share = adjoint"), "    ")
        return f"if node.a_data != 0:\n{lines}", {}
    lines, meaning = "", dict[str, object]()
    for place, rule in zip("ab", op.derivatives):
        edge, called = _edge(place, op, rule)
        lines += edge
        meaning |= called
    return lines, meaning


def _chain(count: int, depth: str, meaning: dict[str, object]) -> str:
    """Returns the branches for the rows of so many operands, and adds to `meaning` their names."""
    lines = []
    for op in TABLE.values():
        if len(op.derivatives) != count or op.__module__ != ops.__name__:
            continue  # a row of the user's has any name, and rules that may return anything
        try:
            branch, called = _branch(op)
        except LookupError:
            continue
        meaning |= {**called, f"row_{op.name}": op}
        lines.append(f"elif op is row_{op.name}:\n" + _indented(branch, "    "))
    return _indented("".join(lines), depth).rstrip("\n")


def text() -> str:
    """This returns the pass for numbers as Python, as `backward` runs it."""
    return _printed({})


def _printed(meaning: dict[str, object]) -> str:
    unary = _chain(1, " " * 12, meaning).replace("elif", "if", 1)
    return _PASS.format(unary=unary, binary=_chain(2, " " * 8, meaning))


_rules: list[tuple[Rule, ...]] = []
_pass: Pass | None = None
_rules_of = attrgetter("derivatives")
_slots = Lock()  # held by the pass that uses the slots


def _unrolled() -> Pass:
    """Returns the pass for numbers, printed again if somebody has changed a rule."""
    global _rules, _pass
    rules = [*map(_rules_of, TABLE.values())]
    if _pass is None or rules != _rules:
        meaning = dict(_SHARED)
        _pass, _rules = python(_printed(meaning), meaning), rules
    return _pass


def backward_in_slots(root: Node) -> bool:
    """This adds d root / d node to the grad of every node, and returns whether it could.

    It could not, and no grad has changed, if the root is a leaf, if another pass is using the slots
    (in another thread, or in this one, if a rule calls `backward`), or if Python's floats raise
    where IEEE 754 has a result. After any other error, the grads are as before, too.
    """
    if root.a is None or not _slots.acquire(blocking=False):
        return False
    try:
        fresh = object()
        inner, leaves, before = _laid_out(root, fresh)
        root._adjoint = 1.0
        try:
            _unrolled()(reversed(inner), fresh)
        except BaseException as error:
            for node in inner:
                node._grad = 0.0
            for node, grad in before:
                node._grad = grad
            if isinstance(error, ArithmeticError | NumberError):
                return False
            raise
        for node in leaves:
            adjoint = node._adjoint
            if isinstance(adjoint, float):
                node._grad = node._grad + adjoint if node._grad else adjoint
        return True
    finally:
        _slots.release()


def _laid_out(root: Node, fresh: object) -> tuple[list[Node], list[Node], list[tuple[Node, float]]]:
    """Returns the inner nodes, operands first, the leaves, and the grads that are not 0.

    The order is that of `topological_order`. The slots of all these nodes become `fresh`. The grads
    are those of inner nodes: leaves get theirs at the end, when nothing can fail.
    """
    inner: list[Node] = []
    leaves: list[Node] = []
    before: list[tuple[Node, float]] = []
    path: list[Node] = []
    node = root
    root._adjoint = fresh
    while True:
        x = node.a
        if x is not None and x._adjoint is not fresh and x._adjoint is not None:
            x._adjoint = fresh
            if x.a is not None:
                path.append(node)
                node = x
                continue
            leaves.append(x)
        while True:
            x = node.b
            if x is not None and x._adjoint is not fresh and x._adjoint is not None:
                x._adjoint = fresh
                if x.a is not None:
                    path.append(node)
                    node = x
                    break
                leaves.append(x)
            inner.append(node)
            if node._grad:
                before.append((node, node._grad))
            if not path:
                return inner, leaves, before
            node = path.pop()
