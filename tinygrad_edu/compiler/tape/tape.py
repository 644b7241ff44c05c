"""A graph as a tape (a Wengert list): instruction k computes slot k from earlier slots.

The tape is a program. It is recorded once. Then it can run with new numbers, be written in other
languages (`languages`) and become machine code (`native`). The slots of the forward pass come
first. The slots of the adjoints follow if they are wanted. The table's rules write them, so no code
generator knows a derivative. Constants are folded, equal instructions share a slot, and slots that
no output needs are left out. There are no branches: the tape has only the branch that Python chose.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import nan
from typing import TypeAlias, TypeVar

from tinygrad_edu.chain_rule import sweep
from tinygrad_edu.engine import Value, as_value, topological_order
from tinygrad_edu.errors import LeftGraphError, TapeError
from tinygrad_edu.ops import CONSTANT, LEAF, div, mask, mul, power
from tinygrad_edu.rows.ieee import total
from tinygrad_edu.rows.op import Op, Rule, telling
from tinygrad_edu.rows.symbolic import Symbolic

__all__ = ["MOST", "NOWHERE", "Tape", "hidden", "no_collection", "record"]

NOWHERE = -1  # the slot of an operand that an operation does not have
MOST = 1_000_000_007  # more slots than a tape can have; it is prime, to spread keys of dictionaries
Leaf = TypeVar("Leaf", bound=Value | str)  # a leaf, or its label


class Tape:
    """Slot k has the operation `ops[k]`, operands in slots `a[k]` and `b[k]`, the number `data[k]`.

    data: the numbers at the time of the recording. ids: the node's id in a picture of the graph, -1
    for adjoints. labels: by slot, where there is one. leaves: the slot of each leaf. outputs: the
    slots of the recorded Values. gradients: the slot of d outputs[0] / d x for each x of `wrt`.
    adjoints: by slot, the slot of d outputs[0] / d slot. forward: the number of slots of the
    forward pass.
    """

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.a, self.b, self.ids, self.data = array("i"), array("i"), array("i"), array("d")
        self.labels: dict[int, str] = {}
        self.leaves: dict[Value, int] = {}
        self.outputs: list[int] = []
        self.gradients: list[int] = []
        self.adjoints: dict[int, int] = {}
        self.forward = 0

    def __len__(self) -> int:
        return len(self.ops)

    def operands(self, k: int) -> tuple[int, ...]:
        """Returns the slots of the operands of slot k, in order."""
        a, b = self.a[k], self.b[k]
        return (a, b) if b >= 0 else (a,) if a >= 0 else ()

    def append(self, op: Op, a: int, b: int, data: float = nan, ident: int = NOWHERE) -> int:
        """Adds a slot and returns it."""
        self.ops.append(op)
        self.a.append(a)
        self.b.append(b)
        self.data.append(data)
        self.ids.append(ident)
        return len(self.ops) - 1

    def verify(self) -> None:
        """Raises TapeError if a slot is used before it is computed, or an output is missing."""
        for k, (op, *operands) in enumerate(zip(self.ops, self.a, self.b)):
            for place, x in enumerate(operands):
                if not (0 <= x < k if place < len(op.derivatives) else x == NOWHERE):
                    raise TapeError(f"slot {k}, {op.name}: operand {place} is slot {x}")
        for k in (*self.outputs, *self.gradients):
            if not 0 <= k < len(self.ops):
                raise TapeError(f"an output is slot {k}, and there are {len(self.ops)}")

    def run(self, numbers: Mapping[Leaf, float] | None = None) -> array[float]:
        """Returns the number of every slot.

        numbers: new numbers for leaves, by Value or by label.
        """
        slots = array("d", self.data)
        for k, x in self._given(numbers or {}).items():
            slots[k] = x
        for k, (op, a, b) in enumerate(zip(self.ops, self.a, self.b)):
            if a >= 0:
                slots[k] = total(op.value, *[slots[x] for x in (a, b) if x >= 0])
        return slots

    def replay(
        self, numbers: Mapping[Leaf, float] | None = None
    ) -> tuple[list[Value], list[Value]]:
        """Returns (nodes, outputs) of the forward pass, built again by the eager engine."""
        given = self._given(numbers or {})
        nodes: list[Value] = []
        for k in range(self.forward):
            op, x = self.ops[k], given.get(k, self.data[k])
            if op.derivatives:
                node = op(*(nodes[i] for i in self.operands(k)))
            else:
                node = Value(x) if op is LEAF else as_value(x)
            node.label = node.label or self.labels.get(k, "")
            nodes.append(node)
        return nodes, [nodes[k] for k in self.outputs]

    def _given(self, numbers: Mapping[Leaf, float]) -> dict[int, float]:
        """Returns the new numbers by slot."""
        called: dict[str, int | None] = {}
        for k, label in self.labels.items():
            if self.ops[k] is LEAF:
                called[label] = None if label in called else k
        given = {}
        for key, x in numbers.items():
            found = called.get(key) if isinstance(key, str) else self.leaves.get(key)
            if found is None:
                raise TapeError(
                    f"no single leaf of this tape is {key!r}; its labels are {', '.join(called)}"
                )
            given[found] = float(x)
        return given


def record(outputs: Sequence[Value], wrt: Iterable[Value] = ()) -> Tape:
    """Returns a tape of `outputs` and of the derivatives of the first output by each of `wrt`."""
    tape = Tape()
    pen = _Pen(tape)
    pen.forward(topological_order(*outputs))
    tape.outputs = [pen.slot(y) for y in outputs]
    tape.forward = len(tape)
    wanted = [pen.slots.get(x) for x in wrt]
    if wanted:
        tape.adjoints = found = pen.backward(tape.outputs[0], {k for k in wanted if k is not None})
        tape.gradients = [found[k] if k in found else pen.constant(0.0) for k in wanted]
    return tape


class _Pen:
    """Writes instructions on a tape, equal ones only once.

    slots: the slot of each node that is not a constant. constants: the slot of each number. equal:
    the slot of each instruction, by a key made from its operands.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.slots: dict[Value | None, int] = {None: NOWHERE}
        self.constants: dict[str, int] = {}
        self.equal: dict[int, int] = {}

    def constant(self, x: float) -> int:
        """Returns the slot of a number."""
        k = self.constants.setdefault(repr(x), len(self.tape))
        return k if k < len(self.tape) else self.tape.append(CONSTANT, NOWHERE, NOWHERE, x)

    def slot(self, x: Operand) -> int:
        """Returns the slot of a node or of a rule's result; writes a constant if it is new."""
        if isinstance(x, _Slot):
            return x.k
        k = self.slots.get(x) if isinstance(x, Value) else None
        return self.constant(float(x)) if k is None else k

    def forward(self, order: Iterable[Value]) -> None:
        """Writes the nodes, operands first, and folds constants as the engine does."""
        tape, slots, setdefault = self.tape, self.slots, self.equal.setdefault
        rows, put_a, put_b = tape.ops, tape.a.append, tape.b.append
        put_id, put_data = tape.ids.append, tape.data.append
        for ident, node in enumerate(order):  # written for speed: graphs have a million nodes
            op, x, y = node.op, node.a, node.b
            if op is CONSTANT:
                continue
            try:
                a, b = slots[x], slots[y]
            except KeyError:  # an operand is a constant
                a = NOWHERE if x is None else self.slot(x)
                b = NOWHERE if y is None else self.slot(y)
            k = new = len(rows)
            if x is None:
                tape.leaves[node] = k
            else:
                k = setdefault(a * MOST - b, new)
                if k != new and rows[k] is not op:
                    k = setdefault(id(op) * MOST**2 + a * MOST - b, new)
            slots[node] = k
            if k == new:
                rows.append(op)
                put_a(a)
                put_b(b)
                put_id(ident)
                put_data(node._data)
                if node.label:
                    tape.labels[k] = str(node.label)

    def write(self, op: Op, a: int, b: int = NOWHERE) -> int:
        """Returns the slot of an operation; writes the instruction if it is new.

        x * 1, x / 1 and x**1 are x, and x**0 is 1.
        """
        rows, data = self.tape.ops, self.tape.data
        x = data[a] if rows[a] is CONSTANT else None
        y = data[b] if b >= 0 and rows[b] is CONSTANT else None
        if x is not None and (b < 0 or y is not None):
            return self.constant(total(op.value, x) if y is None else total(op.value, x, y))
        if y == 1 and (op is mul or op is div or op is power):
            return a
        if y == 0 and op is power:
            return self.constant(1.0)
        if x == 1 and op is mul:
            return b
        new = len(rows)
        k = self.equal.setdefault(a * MOST - b, new)
        if k != new and rows[k] is not op:  # other operation, same operands
            k = self.equal.setdefault(id(op) * MOST**2 + a * MOST - b, new)
        return k if k < new else self.tape.append(op, a, b)

    def backward(self, output: int, wanted: set[int]) -> dict[int, int]:
        """Writes the adjoints of all slots between the output and the wanted ones.

        Returns the slot of each adjoint. The order is that of `engine.gradient`.
        """
        tape, hiding = self.tape, hidden(self.tape, output)
        between = bytearray(k in wanted for k in range(len(tape) + 1))  # the last is NOWHERE
        for k in range(output + 1):
            if between[tape.a[k]] or between[tape.b[k]]:
                between[k] = 1

        def look(k: int) -> tuple[Op, tuple[int, ...], list[_Slot]]:
            operands, op = tape.operands(k), tape.ops[k]
            if k in hiding:
                op = telling(op)
            return op, operands, [_Slot(self, x) for x in (k, *operands)]

        def apply(rule: Rule, *at: _Slot) -> _Slot | float:
            try:
                local: _Slot | float = rule(*at)
                return local
            except TypeError as error:  # a rule of the user's
                own = (op.name for op in dict.fromkeys(tape.ops) if rule in op.derivatives)
                name = next(own, "an operation")
                raise LeftGraphError(
                    f"{name}: a rule cannot be recorded ({error}): write it with operators and "
                    "functions of tinygrad_edu, and where(step(a), ...) in place of if"
                ) from error

        nodes = range(output, -1, -1)
        seed = _Slot(self, self.constant(1.0))
        found = sweep(nodes, seed, between.__getitem__, look, apply)
        return {k: found[k].k for k in nodes if k in found and between[k]}


class _Slot(Symbolic):
    """A slot as the operand of a rule: arithmetic on it writes instructions."""

    __slots__ = ("k", "pen")

    def __init__(self, pen: _Pen, k: int) -> None:
        self.pen, self.k = pen, k

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Slot):
            raise TypeError("a slot of a tape has no number yet: do not compare it with ==")
        return other.k == self.k

    def __hash__(self) -> int:
        return self.k

    def _apply(self, op: Op, /, *args: Operand) -> _Slot:
        return _Slot(self.pen, self.pen.write(op, *map(self.pen.slot, args)))

    def _known(self) -> float | None:
        tape = self.pen.tape
        return tape.data[self.k] if tape.ops[self.k] is CONSTANT else None

    def _lift(self, number: _Slot | float) -> _Slot:
        return number if isinstance(number, _Slot) else _Slot(self.pen, self.pen.slot(number))


Operand: TypeAlias = _Slot | Value | float


def hidden(tape: Tape, output: int) -> set[int]:
    """Returns the slots whose nan could be absorbed before the output, by `mask` or `1**nan`.

    The local derivatives of a result that is nan must be nan. Nearly always they become nan without
    help, because nan spreads to the output and back. An absorbing operation stops the nan. So if
    only such operations use a slot, its rules must make the local derivatives nan explicitly
    (`op.telling`). The second operand of a mask needs no such rule: where the mask keeps out the
    nan of this operand, it keeps out the derivatives, too.
    """
    hiding = set()
    for k, op in enumerate(tape.ops):
        if op.absorbs:
            operands = tape.a[k], tape.b[k]
            x, y = (tape.data[i] if tape.ops[i] is CONSTANT else None for i in operands)
            if op is not power or (x in (None, 1) and y in (None, 0)):  # 1**nan, nan**0
                hiding.add(k)
    if not hiding:
        return set()
    absorbed = {tape.a[k] for k in hiding} | {tape.b[k] for k in hiding if tape.ops[k] is not mask}
    shown = {x for k in range(output + 1) if k not in hiding for x in (tape.a[k], tape.b[k])}
    return absorbed - shown


@contextmanager
def no_collection() -> Iterator[None]:
    """Switches garbage collection off in a block that builds many objects without cycles."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
