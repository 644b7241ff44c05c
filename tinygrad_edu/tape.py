"""A graph as a tape (a Wengert list): instruction k makes the number of slot k from earlier slots.

The graph is a program: what is recorded once can be run again on other numbers, printed in other
languages (`emit`) and turned into machine code (`native`). First come the slots of the forward
pass, then those of the adjoints, recorded from the graph that the table's own rules make: no
printer and no machine knows a derivative. Constants are folded, equal instructions are one slot,
and what no output needs is not there. A tape has no branches: every `if` that Python took while
the graph was made is frozen in it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.engine import Value, adjoints, as_value, topological_order
from tinygrad_edu.errors import TapeError
from tinygrad_edu.ieee import total
from tinygrad_edu.ops import CONSTANT, LEAF, Op, less

NOWHERE = -1  # in place of a slot: an operand that is not there


class Tape:
    """Slot k: its row `ops[k]`, the slots `a[k]` and `b[k]` of its operands, and its number
    `data[k]` when it was recorded.

    ids: the id that a picture of the graph gives to the node, -1 for adjoints. labels: of slots
    that have one. leaves: the slot of each leaf. outputs: the slots of what was recorded.
    gradients: the slot of d outputs[0] / d x for each x of `wrt`. adjoints: the slot of d
    outputs[0] / d slot, by slot. forward: how many slots the forward pass has.
    """

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.a, self.b, self.ids = array("i"), array("i"), array("i")
        self.data = array("d")
        self.labels: dict[int, str] = {}
        self.leaves: dict[Value, int] = {}
        self.outputs: list[int] = []
        self.gradients: list[int] = []
        self.adjoints: dict[int, int] = {}
        self.forward = 0

    def __len__(self) -> int:
        return len(self.ops)

    def verify(self) -> None:
        """Raises TapeError unless every slot is defined before it is used."""
        for k, (op, a, b) in enumerate(zip(self.ops, self.a, self.b)):
            operands = len(op.derivatives)
            for place, x in enumerate((a, b)):
                if not (0 <= x < k if place < operands else x == NOWHERE):
                    raise TapeError(f"slot {k}, {op.name}: operand {place} is slot {x}")
        for k in (*self.outputs, *self.gradients):
            if not 0 <= k < len(self.ops):
                raise TapeError(f"an output is slot {k}, and there are {len(self.ops)}")

    def run(self, numbers: Mapping[Any, float] | None = None) -> array[float]:
        """The number of every slot; those of the leaves are as given, by Value or by label."""
        given = self._given(numbers or {})
        slots = array("d", self.data)
        for k, x in given.items():
            slots[k] = x
        for k, (op, a, b) in enumerate(zip(self.ops, self.a, self.b)):
            if a >= 0:
                operands = (slots[a],) if b < 0 else (slots[a], slots[b])
                slots[k] = total(op.value, *operands)
        return slots

    def replay(self, numbers: Mapping[Any, float] | None = None) -> tuple[list[Value], list[Value]]:
        """The forward pass as a graph again, made by the eager engine: all nodes, the outputs."""
        given = self._given(numbers or {})
        nodes: list[Value] = []
        for k in range(self.forward):
            op, x = self.ops[k], given.get(k, self.data[k])
            if op is LEAF:
                node = Value(x)
            elif op is CONSTANT:
                node = as_value(x)
            else:
                node = op(*(nodes[i] for i in (self.a[k], self.b[k]) if i >= 0))
            node.label = node.label or self.labels.get(k, "")
            nodes.append(node)
        return nodes, [nodes[k] for k in self.outputs]

    def _given(self, numbers: Mapping[Any, float]) -> dict[int, float]:
        called = {label: k for k, label in self.labels.items() if self.ops[k] is LEAF}
        given = {}
        for key, x in numbers.items():
            k = called.get(key) if isinstance(key, str) else self.leaves.get(key)
            if k is None:
                raise TapeError(f"no leaf of this tape is {key!r}: it has {', '.join(called)}")
            given[k] = float(x)
        return given


def record(outputs: Sequence[Value], wrt: Iterable[Value] = (), seed: Value | None = None) -> Tape:
    """The tape of `outputs`, and of the derivatives of the first of them by each of `wrt`.

    seed: the adjoint of that output, 1 if none is given; a leaf of its own stands for a weight.
    """
    tape, wrt = Tape(), list(wrt)
    pen = _Pen(tape)
    order = topological_order(*outputs)
    pen.write(order)
    tape.outputs = [pen.slot(y) for y in outputs]
    tape.forward = len(tape)
    if wrt:
        one = as_value(1.0) if seed is None else seed
        whole = order if len(outputs) == 1 else topological_order(outputs[0])
        found = adjoints(whole, wrt, one, _rules(whole))
        ends = [found[x] if x in found else as_value(0.0) for x in wrt]
        pen.write(topological_order(*ends, known=pen.slots))
        tape.gradients = [pen.slot(d) for d in ends]
        told = {x: d for x, d in found.items() if d in pen.slots or d.op is CONSTANT}
        tape.adjoints = {pen.slots[x]: pen.slot(d) for x, d in told.items()}
    return tape


class _Pen:
    """Writes the instructions of nodes on a tape, each once."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.slots: dict[Value, int] = {}
        self.constants: dict[str, int] = {}  # the slot of each number
        self.equal: dict[int, int] = {}  # the slot of each instruction, by all that it is
        self.kinds: dict[int, int] = {}  # of each row, by identity: as text, two may be the same

    def write(self, order: Iterable[Value]) -> None:
        """Appends an instruction for each node, operands first."""
        tape, slots, equal, kinds = self.tape, self.slots, self.equal, self.kinds
        rows, a, b, data = tape.ops, tape.a, tape.b, tape.data
        for i, node in enumerate(order):
            op, node_a, node_b = node.op, node.a, node.b
            ka = kb = NOWHERE
            if node_a is not None:
                if node_b is not None and (same := _nothing_done(op, node_a, node_b)) is not None:
                    slots[node] = self.slot(same)
                    continue
                ka = slots[node_a] if node_a in slots else self.slot(node_a)
                if node_b is not None:
                    kb = slots[node_b] if node_b in slots else self.slot(node_b)
                kind = kinds.setdefault(id(op), len(kinds))
                k = equal.setdefault((kind << 26 | ka) << 26 | kb + 1, len(rows))
            elif op is CONSTANT:
                continue  # until it is used
            else:
                k = tape.leaves[node] = len(rows)
            slots[node] = k
            if k == len(rows):
                rows.append(op)
                a.append(ka)
                b.append(kb)
                data.append(node._data)
                tape.ids.append(i)
                if node.label:
                    tape.labels[k] = str(node.label)

    def slot(self, node: Value) -> int:
        """The slot of a node that is written, or a constant."""
        if node in self.slots:
            return self.slots[node]
        k = self.constants.setdefault(repr(node._data), len(self.tape))
        if k == len(self.tape):
            tape = self.tape
            tape.ops.append(CONSTANT)
            tape.a.append(NOWHERE)
            tape.b.append(NOWHERE)
            tape.data.append(node._data)
            tape.ids.append(NOWHERE)
        return k


def _nothing_done(op: Op, a: Value, b: Value) -> Value | None:
    """The operand that is also the result, of x * 1, 1 * x, x / 1 and x**1; else None."""
    if b.op is CONSTANT and b._data == 1.0 and (op is ops.mul or op is ops.div or op is ops.power):
        return a
    return b if op is ops.mul and a.op is CONSTANT and a._data == 1.0 else None


def _rules(order: Sequence[Value]) -> Callable[[Value], tuple[Any, ...]]:
    """What gives `adjoints` a node's row, and the operands for its rules, whatever the numbers are.

    Where a result is nan, every local derivative is: so does nearly every gradient come out by
    itself, since nan spreads, to the output and back. What hides a nan from the output is `mask`
    and a power; a node that only they use says it itself.
    """
    hiding = {node for node in order if _hides(node)}
    if not hiding:
        return lambda n: (n.op, n, n.a, n.b)
    told = {x for node in order if node not in hiding for x in (node.a, node.b)} | {order[-1]}
    return lambda n: (n.op if n in told else _careful(n.op), n, n.a, n.b)


def _hides(node: Value) -> bool:
    """Whether its result can be a number where an operand is nan: nan**0, 1**nan, mask(0, nan)."""
    if node.op is not ops.power:
        return node.op is ops.mask
    exponent, base = node.b.op is CONSTANT, node.a.op is CONSTANT
    return not ((exponent and node.b._data != 0) or (base and node.a._data != 1))


def _careful(op: Op) -> Op:
    """The row with rules that are nan where the result is."""
    if len(op.derivatives) == 1:
        (da,) = op.derivatives
        return Op(op.name, op.value, lambda y, a: da(y, a) + less(y, y))
    da, db = op.derivatives
    return Op(
        op.name,
        op.value,
        lambda y, a, b: da(y, a, b) + less(y, y),
        lambda y, a, b: db(y, a, b) + less(y, y),
    )
