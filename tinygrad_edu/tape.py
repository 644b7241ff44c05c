"""A graph as a tape (a Wengert list): instruction k makes the number of slot k from earlier slots.

The graph is a program: what is recorded once can be run again on other numbers, printed in other
languages (`emit`) and turned into machine code (`native`). First come the slots of the forward
pass, then those of the adjoints, recorded from the graph that the table's own rules make: no
printer and no machine knows a derivative. Constants are folded, equal instructions are one slot,
and what no output needs is not there. A tape has no branches: every `if` that Python took while
the graph was made is frozen in it.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import nan
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu.engine import Value, as_value, topological_order
from tinygrad_edu.errors import TapeError
from tinygrad_edu.formula import Symbolic
from tinygrad_edu.ieee import total
from tinygrad_edu.ops import CONSTANT, LEAF, Op, less, one

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
        called: dict[str, int | None] = {}
        for k, label in self.labels.items():
            if self.ops[k] is LEAF:
                called[label] = None if label in called else k
        given = {}
        for key, x in numbers.items():
            found = called.get(key) if isinstance(key, str) else self.leaves.get(key)
            if found is None:
                raise TapeError(f"{key!r} is not one leaf of this tape: it has {', '.join(called)}")
            given[found] = float(x)
        return given


def record(outputs: Sequence[Value], wrt: Iterable[Value] = (), seed: Value | None = None) -> Tape:
    """The tape of `outputs`, and of the derivatives of the first of them by each of `wrt`.

    seed: the adjoint of that output, 1 if none is given; a leaf of its own stands for a weight.
    """
    tape = Tape()
    pen = _Pen(tape)
    slots = pen.forward(topological_order(*outputs))
    tape.outputs = [slots[y] if y in slots else pen.constant(y._data) for y in outputs]
    tape.forward = len(tape)
    wrt = list(wrt)
    if wrt:
        begun = tape.outputs[0]
        one = pen.constant(1.0) if seed is None else pen.leaf(seed)
        tape.adjoints = pen.backward(begun, one, [slots[x] for x in wrt if x in slots])
        tape.gradients = [
            tape.adjoints[slots[x]] if slots.get(x) in tape.adjoints else pen.constant(0.0)
            for x in wrt
        ]
    return tape


class _Pen:
    """Writes instructions on a tape, each once."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.constants: dict[str, int] = {}  # the slot of each number
        self.numbers: dict[int, float] = {}  # the number of each slot that is a constant
        self.equal: dict[int, int] = {}  # the slot of each instruction, by all that it is
        self.kinds: dict[int, int] = {}  # of each row, by identity: as text, two may be the same

    def append(self, op: Op, data: float, ident: int = NOWHERE) -> int:
        """The slot of a leaf or a constant, a new one."""
        tape = self.tape
        if len(tape.data) < len(tape.ops):
            self.fill()
        tape.ops.append(op)
        tape.a.append(NOWHERE)
        tape.b.append(NOWHERE)
        tape.data.append(data)
        tape.ids.append(ident)
        return len(tape.ops) - 1

    def fill(self) -> None:
        """Says of the newest slots that they are of no node, and have no number yet."""
        missing = len(self.tape.ops) - len(self.tape.data)
        self.tape.data.extend([nan] * missing)
        self.tape.ids.extend([NOWHERE] * missing)

    def constant(self, x: float) -> int:
        k = self.constants.get(repr(x))
        if k is None:
            k = self.constants[repr(x)] = self.append(CONSTANT, x)
            self.numbers[k] = x
        return k

    def leaf(self, node: Value, ident: int = NOWHERE) -> int:
        k = self.tape.leaves[node] = self.append(LEAF, node._data, ident)
        if node.label:
            self.tape.labels[k] = str(node.label)
        return k

    def key(self, op: Op) -> int:
        """What the key of an instruction of this row begins with."""
        return self.kinds.setdefault(id(op), len(self.kinds)) << 52

    def write(self, op: Op, a: int, b: int = NOWHERE, *, simply: bool = True) -> int:
        """The slot of an operation, a new one if need be; simply: x * 1, x / 1, x**1 are x."""
        numbers = self.numbers
        if a in numbers or b in numbers:
            if a in numbers and (b < 0 or b in numbers):
                return self.constant(total(op.value, *(numbers[x] for x in (a, b) if x >= 0)))
            if (
                simply
                and numbers.get(b) == 1
                and (op is ops.mul or op is ops.div or op is ops.power)
            ):
                return a  # no operation
            if simply and op is ops.mul and numbers.get(a) == 1:
                return b
            if op is ops.mask and a in numbers:  # it will never change
                return b if numbers[a] else self.constant(0.0)
        tape = self.tape
        new = len(tape.ops)
        k = self.equal.setdefault(self.key(op) | a << 26 | b + 1, new)
        if k == new:
            tape.ops.append(op)
            tape.a.append(a)
            tape.b.append(b)
        return k

    def forward(self, order: Iterable[Value]) -> dict[Value, int]:
        """Writes the nodes, operands first, and gives their slots; a constant's when it is used."""
        tape, write, data = self.tape, self.write, self.tape.data
        slots: dict[Value, int] = {}
        for i, node in enumerate(order):
            a, b = node.a, node.b
            if a is not None:
                ka = slots[a] if a in slots else self.constant(a._data)
                kb = NOWHERE
                if b is not None:
                    kb = slots[b] if b in slots else self.constant(b._data)
                slots[node] = k = write(node.op, ka, kb, simply=False)
                if k == len(data):  # the first node in this slot
                    data.append(node._data)
                    tape.ids.append(i)
                    if node.label:
                        tape.labels[k] = str(node.label)
            elif node.op is not CONSTANT:
                slots[node] = self.leaf(node, i)
        return slots

    def backward(self, output: int, seed: int, wanted: Iterable[int]) -> dict[int, int]:
        """Writes the adjoints of all slots between the output and those wanted, and gives theirs.

        As `engine.gradient` goes, over slots instead of Values: the same rules, in the same order.
        """
        tape, numbers, setdefault = self.tape, self.numbers, self.equal.setdefault
        rows, a, b = tape.ops, tape.a.tolist(), tape.b.tolist()
        between = bytearray(len(rows) + 1)  # of which the last is of no slot
        for k in wanted:
            between[k] = 1
        for k in range(output + 1):
            if between[a[k]] or between[b[k]]:
                between[k] = 1

        def put(op: Op, key: int, x: int, y: int) -> int:  # `write`, where speed counts
            if x in numbers or y in numbers:
                return self.write(op, x, y)
            new = len(rows)
            k = setdefault(key | x << 26 | y + 1, new)
            if k == new:
                rows.append(op)
                tape.a.append(x)
                tape.b.append(y)
            return k

        mul, add = ops.mul, ops.add
        times, plus = self.key(mul), self.key(add)
        hidden = self.hidden(output)
        kinds: dict[int, list[str]] = {}  # of the rules of each row
        found = [NOWHERE] * (len(a) + 1)
        found[output] = seed
        for k in range(output, -1, -1):
            adjoint, x, y = found[k], a[k], b[k]
            if adjoint < 0 or x < 0 or not between[k]:
                continue
            op = rows[k]
            if id(op) not in kinds:
                kinds[id(op)] = [_kind(op, place) for place in range(len(op.derivatives))]
            simple = kinds[id(op)] if k not in hidden else ["more", "more"]
            for place, operand in enumerate((x, y)):
                if operand >= 0 and between[operand]:
                    kind = simple[place]
                    if kind == "one":
                        share = adjoint
                    else:
                        local = y if kind == "b" else x if kind == "a" else NOWHERE
                        if local < 0:
                            local = self.local(place, k, k in hidden)
                        share = put(mul, times, adjoint, local)
                    before = found[operand]
                    found[operand] = share if before < 0 else put(add, plus, before, share)
        self.fill()
        return {k: found[k] for k in range(output, -1, -1) if found[k] >= 0}

    def local(self, place: int, k: int, hidden: bool) -> int:
        """The slot of d k / d its operand of that place, by its rule."""
        tape = self.tape
        operands = [_Slot(self, x) for x in (k, tape.a[k], tape.b[k]) if x >= 0]
        local = tape.ops[k].derivatives[place](*operands)
        if hidden:
            local = local + less(operands[0], operands[0])
        return local.k if isinstance(local, _Slot) else self.constant(float(local))

    def hidden(self, output: int) -> set[int]:
        """The slots whose nan the output may not show, and their rules have to say.

        Where a result is nan, every local derivative is: so does nearly every gradient come out by
        itself, since nan spreads, to the output and back. What hides a nan from the output is
        `mask` and a power; a slot that only they use says it itself.
        """
        tape = self.tape
        hiding = {k for k, op in enumerate(tape.ops) if op in HIDE and self._hides(k)}
        if not hiding:
            return set()
        told = {output}
        for k in range(output + 1):
            if k not in hiding:
                told |= {tape.a[k], tape.b[k]}
        return set(range(output + 1)) - told

    def _hides(self, k: int) -> bool:
        """Whether it can be a number where an operand is nan: nan**0, 1**nan, mask(0, nan)."""
        base, exponent = (self.numbers.get(x) for x in (self.tape.a[k], self.tape.b[k]))
        if self.tape.ops[k] is not ops.power:
            return self.tape.ops[k] is ops.mask
        return not ((exponent is not None and exponent != 0) or (base is not None and base != 1))


HIDE = (ops.mask, ops.power)


def _kind(op: Op, place: int) -> str:
    """What a local derivative is: `one`, the operand `a` or `b`, or something to work out."""
    if op.derivatives[place] is one:
        return "one"
    marks = [object() for _ in range(1 + len(op.derivatives))]
    try:
        found = op.derivatives[place](*marks)
    except TypeError:  # it does arithmetic
        return "more"
    return next((name for name, mark in zip("yab", marks) if found is mark and name != "y"), "more")


class _Slot(Symbolic):
    """A slot, as a rule sees it: arithmetic on it writes instructions."""

    __slots__ = ("k", "pen")

    def __init__(self, pen: _Pen, k: int) -> None:
        self.pen, self.k = pen, k

    def _apply(self, op: Op, *args: Any) -> _Slot:
        slots = [x.k if isinstance(x, _Slot) else self.pen.constant(float(x)) for x in args]
        return _Slot(self.pen, self.pen.write(op, *slots))


@contextmanager
def no_collection() -> Iterator[None]:
    """No garbage collection meanwhile: a graph has no cycles for it to find.

    It would walk all nodes again and again as they become more, which takes longer than all else.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
