"""The machine: an interpreter of bytecode for graphs of any shape, written as LLVM code.

Its memory is one arena of floats: doubles, or singles on request. A row is `vectors` vectors of
`width` lanes. A uniform number (a parameter, a constant, one lane of a row), called u, has an
address in the arena, too. The bytecode is a list of int32. An instruction is its code, its length,
and then addresses, steps and counts; addresses and steps count floats. The instructions are

    DOTS         row = epilogue(init + sum of u * row + sum of u * u + sum of row * row),
                 for J rows at a time. Nearly all the work is done here.
    ELEMENTWISE  an operation of the table, lane by lane
    REDUCE       eight sums over all lanes of row * row, or 16, or 24: gradients of parameters
    GATHER       numbers from anywhere, side by side
    TRANSPOSE    eight rows as eight columns
    UPDATE       the optimizer moves some parameters
    0            the end

The code does not depend on a graph. It is compiled once for a width, a number of vectors and a type
of floats.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, repeat
from math import inf

from tinygrad_edu.compiler.native.machine.arithmetic import PAIRS
from tinygrad_edu.compiler.native.machine.llvm import (
    SIZES,
    Code,
    Pointer,
    Vector,
    muladd,
    when,
    written,
)
from tinygrad_edu.ops import TABLE, relu

__all__ = [
    "BLOCK",
    "DOTS",
    "ELEMENTWISE",
    "EPILOGUES",
    "GATHER",
    "HEAD",
    "MOST_HUBS",
    "OPS",
    "PLAIN",
    "REDUCE",
    "RELU",
    "TIMES",
    "TIMES_STEP",
    "TRANSPOSE",
    "UPDATE",
    "Epilogue",
    "hubs",
    "machine",
    "outputs",
    "wide",
]

BLOCK = 8  # sums in a REDUCE, and parameters in a block, for every width
OPS = [*TABLE, *map(" and ".join, PAIRS)]  # the operations of ELEMENTWISE
MOST_HUBS = 3
HEAD = 15  # the number of int32 before the lists of DOTS
GATHER, REDUCE, TRANSPOSE, UPDATE = 1, 2, 5, 6  # codes; REDUCE + i makes 8 + 8 * i sums
DOTS, ELEMENTWISE = 8, 16  # DOTS + i makes outputs(...)[i] rows, ELEMENTWISE + k applies OPS[k]


@dataclass(frozen=True, eq=False, slots=True)
class Epilogue:
    """The operation of DOTS on a finished sum x. reads_row: whether it needs a row y."""

    apply: Callable[[Vector, Vector], Vector]
    reads_row: bool = False


PLAIN = Epilogue(lambda x, _: x)
RELU = Epilogue(lambda x, _: written(relu)(x))
TIMES = Epilogue(lambda x, y: x * y, reads_row=True)
# y is a result of relu: where it is not above 0, it is 0 or nan, so x * y is x * step(y)
TIMES_STEP = Epilogue(lambda x, y: when(y > 0.0, x, x * y), reads_row=True)
EPILOGUES = (PLAIN, RELU, TIMES, TIMES_STEP)  # in bytecode, the place in this tuple


def outputs(vectors: int, registers: int) -> list[int]:
    """Returns the numbers of rows that DOTS can compute at a time; their sums are in registers."""
    return [j for j in (1, 2, 4, 8, 16) if j == 1 or j * vectors <= registers - 5]


def hubs(registers: int) -> int:
    """Returns the most hubs that REDUCE has, so that sums, hubs and a row stay in registers."""
    return min((registers - 1) // (BLOCK + 1), MOST_HUBS)


def wide(width: int, real: str = "double") -> str:
    """Returns attributes of functions, without which LLVM would halve the widest vectors."""
    bits = 8 * SIZES[real] * width
    return f'nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


def machine(
    width: int,
    vectors: int,
    registers: int,
    missing: Collection[str] = (),
    real: str = "double",
) -> str:
    """Returns the LLVM module with the instructions, `run`, `train`, `parts` and `forward`.

    width: floats in a vector of the processor, 2, 4, 8 or 16. vectors: vectors in a row. registers:
    vectors that the processor holds. missing: operations that are left out; no bytecode uses them.
    real: the type of the floats, "double" or "float".
    """
    code = _Machine(width, vectors, real)
    sums = {REDUCE + i: f"reduce{i + 1}" for i in range(hubs(registers))}
    calls = {GATHER: "gather", **sums, TRANSPOSE: "transpose"}
    for i, j in enumerate(outputs(vectors, registers)):
        code.dots(j)
        calls[DOTS + i] = f"dots{j}"
    for k, name in enumerate(OPS):
        if name not in missing:
            code.elementwise(name)
            calls[ELEMENTWISE + k] = f"elementwise_{k}"
    code.gather()
    for i, _ in enumerate(sums):
        code.reduce(i + 1)
    code.transpose()
    code.run(calls)
    code.train()
    code.parts()
    code.forward()
    return code.text()


class _Machine(Code):
    """Writes a function for each instruction.

    The parameters of each are `m`, the arena, and `t`, the int32 of the instruction. The docstrings
    name these int32 in their order. An instruction that computes several rows has the first address
    of each kind and a step, the distance to the next address of this kind.
    """

    def __init__(self, width: int, vectors: int, real: str) -> None:
        super().__init__(wide(width, real), real=real)
        self.width, self.lanes = width, width * vectors

    def row(self, at: Pointer) -> list[Pointer]:
        """Returns the addresses of the vectors of a row."""
        return [at + c for c in range(0, self.lanes, self.width)]

    def dots(self, j: int) -> None:
        """Codes DOTS, DOTS + 1, ...: J rows, which are sums over the same rows with different u's.

        code, length, out, out_step, init, init_step, count, u_step, epilogue, other, other_step,
        uu, rr, a_step, b_step; then `count` pairs (u, row), `uu` pairs (u, u) and `rr` pairs
        (row a, row b). init: the first number of each sum. other: the row that the epilogue
        reads. There are pairs (u, u) only if J is 1.
        """
        width = self.width
        with self.function(f"internal void @dots{j}(real* m, i32* t)") as ((m, t), _):
            out, out_step, init, init_step, count, u_step, *more = (t[k] for k in range(2, HEAD))
            epilogue, other, other_step, uu, rr, a_step, b_step = more

            def along(at: Vector, step: Vector) -> Iterable[Pointer]:
                """Returns the J addresses. A base serves four of them, which saves registers."""
                fourths = accumulate(repeat(step * 4, (j - 1) // 4), operator.add, initial=m + at)
                return [x + step * i for x in fourths for i in range(min(j, 4))]

            def places(at: Vector, step: Vector) -> list[Pointer]:
                """Returns the first vectors of the J rows, then the second vectors, and so on."""
                return [x for c in zip(*map(self.row, along(at, step))) for x in c]

            def pair(i: Vector) -> tuple[Vector, Vector]:
                at = t + HEAD + i * 2
                return at[0], at[1]

            def scalars(i: Vector, s: Vector) -> list[Vector]:
                a, b = pair(count + i)
                return [muladd(m[a], m[b], s)]

            def uniform(i: Vector, *sums: Vector) -> list[Vector]:
                u, row = pair(i)
                us = [at[0].splat(width) for at in along(u, u_step)]
                xs = (at.vector(width) for at in self.row(m + row))  # J sums share it
                pairs = ((u, x) for x in xs for u in us)
                return [muladd(u, x, s) for (u, x), s in zip(pairs, sums)]

            def both(i: Vector, *sums: Vector) -> list[Vector]:
                a, b = pair(count + uu + i)
                xs, ys = places(a, a_step), places(b, b_step)
                return [
                    muladd(x.vector(width), y.vector(width), s) for x, y, s in zip(xs, ys, sums)
                ]

            begun = [at[0] for at in along(init, init_step)]
            if j == 1:
                begun = self.loop(uu, begun, scalars)
            sums = [x.splat(width) for x in begun] * (self.lanes // width)
            sums = self.loop(count, sums, uniform)
            if self.lanes * j > width:
                sums = self.loop(rr, sums, both)
            else:  # four partial sums in turn, because they do not wait for each other
                zero = sums[0].constant(-0.0)
                a, b, c, d = self.loop(
                    rr, [*sums, zero, zero, zero], lambda i, s, *rest: [*rest, *both(i, s)]
                )
                sums = [(a + b) + (c + d)]

            def store(last: Epilogue) -> None:
                beside = places(other, other_step)
                for s, at, y in zip(sums, places(out, out_step), beside):
                    at.store(last.apply(s, y.vector(width) if last.reads_row else s))

            self.cases(epilogue, {k: partial(store, x) for k, x in enumerate(EPILOGUES)})

    def gather(self) -> None:
        """Code GATHER: numbers from anywhere, side by side.

        code, length, out, count; then 8 * count addresses of numbers.
        """
        with self.function("internal void @gather(real* m, i32* t)") as ((m, t), _):
            out, eights = t[2], t[3]

            def eight(i: Vector) -> None:
                for k in range(BLOCK):
                    (m + out + i * BLOCK + k).store(m[(t + 4 + i * BLOCK)[k]])

            self.loop(eights, [], eight)

    def elementwise(self, name: str) -> None:
        """Codes ELEMENTWISE, ELEMENTWISE + 1, ...: one operation, `count` times.

        code, length, out, count, a, a_step, b, b_step. The results are side by side. A pair of
        operations on `a` has a second result, which goes to `b`. Two vectors are computed at a
        time, because they do not wait for each other. With an odd count the last pair overlaps the
        one before. Operands that are side by side, too, are one long row.
        """
        value, _, slope = name.partition(" and ")
        pair = PAIRS.get((value, slope))
        operands = 1 if pair else len(TABLE[name].derivatives)
        size = min(self.lanes, 2 * self.width)
        header = f"internal void @elementwise_{OPS.index(name)}(real* m, i32* t)"
        with self.function(header) as ((m, t), _):
            out, count, a, a_step, b, b_step = (t[k] for k in range(2, 8))

            beside = a_step.equals(self.lanes) & b_step.equals(self.lanes)
            rows, lanes = when(beside, 1, count), when(beside, count * self.lanes, self.lanes)
            last, pieces = lanes - size, (lanes + (size - 1)) >> (size.bit_length() - 1)

            def one(i: Vector) -> None:
                places = [m + a + i * a_step, m + b + i * b_step][:operands]
                to, second_to = m + out + i * self.lanes, m + b + i * b_step

                def some(k: Vector) -> None:
                    c = when(k * size > last, last, k * size)
                    xs = [(at + c).vector(size) for at in places]
                    if pair:
                        result, second = pair(*xs)
                        (second_to + c).store(second)
                    else:
                        result = written(TABLE[name])(*xs)
                    (to + c).store(result)

                self.loop(pieces, [], some)

            self.loop(rows, [], one)

    def reduce(self, hubs: int) -> None:
        """Codes REDUCE, REDUCE + 1, ...: eight sums over all lanes for each hub, in the arena.

        code, length, count, for each hub the address of eight sums; then for each of `count` terms
        a row for each hub, and eight more. A sum adds up hub * row over lanes and terms. With
        several hubs, the eight rows are read only once.
        """
        width, size = self.width, BLOCK + hubs
        with self.function(f"internal void @reduce{hubs}(real* m, i32* t)") as ((m, t), _):
            terms, *outs = (t[k] for k in range(2, 3 + hubs))

            def term(i: Vector, *sums: Vector) -> Sequence[Vector]:
                these, found = t + (3 + hubs) + i * size, list(sums)
                for at in zip(*(self.row(m + these[k]) for k in range(size))):
                    factors = [x.vector(width) for x in at[:hubs]]
                    for k, place in enumerate(at[hubs:]):  # one row at a time stays in a register
                        x = place.vector(width)
                        for h, hub in enumerate(factors):
                            found[h * BLOCK + k] = muladd(hub, x, found[h * BLOCK + k])
                return found

            zero = Vector(self, "zeroinitializer", width=width)
            sums = self.loop(terms, [zero] * BLOCK * hubs, term)
            some = min(width, BLOCK)
            for k in range(0, BLOCK * hubs, some):
                at = m + outs[k // BLOCK] + k % BLOCK
                at.store(at.vector(some) + _across(sums[k : k + some]))

    def transpose(self) -> None:
        """Code TRANSPOSE: row k of the result is lane k of each of eight rows.

        code, length, out, eight rows of eight lanes. Three rounds exchange lanes between rows: one
        lane at a time, then two neighbours at a time, then four.
        """
        with self.function("internal void @transpose(real* m, i32* t)") as ((m, t), _):
            out, rows = m + t[2], [(m + t[3 + k]).vector(BLOCK) for k in range(BLOCK)]
            for half in (1, 2, 4):
                low = [i if not i & half else BLOCK + i - half for i in range(BLOCK)]
                for k in (k for k in range(BLOCK) if not k & half):
                    a, b = rows[k], rows[k + half]
                    rows[k] = a.shuffled(b, low)
                    rows[k + half] = a.shuffled(b, [i + half for i in low])
            for k, row in enumerate(rows):
                (out + k * BLOCK).store(row)

    def run(self, calls: dict[int, str]) -> None:
        """Runs the instructions of the bytecode, up to code 0.

        Code UPDATE: if `update` is not null, it changes `count` blocks of eight parameters: block
        `first`, block `first` + `step`, and so on. code, length, first, count, step.
        """
        header = "void @run(real* m, i32* bytecode, ptr update, i64* places, real* settings)"
        with self.function(header) as ((m, _, *given), (update,)):
            t = Pointer(self, "%t", "i32")

            def change() -> None:
                call = partial(self.call, "%update", m, *given, t[2], t[3], t[4])
                self.cases(update.equals(0), {0: call})

            bodies = {k: partial(self.call, f"@{name}", m, t) for k, name in calls.items()}
            self.do("br label %next")
            self.start("next")
            place = len(self.lines)  # the phi line comes here; it needs a name that is made below
            self.cases(t[0], {**bodies, UPDATE: change}, "end")
            ends = f"[ %bytecode, %entry ], [ {(t + t[1]).name}, %{self.block} ]"
            self.lines.insert(place, f"%t = phi ptr {ends}")
            self.do("br label %next")
            self.start("end")

    def train(self) -> None:
        """Makes `steps` training steps, and returns their number.

        It stops early after a step whose first output is not finite. Examples come in chunks; a
        chunk fills one row of each input. plan: eight numbers: the address of a chunk's inputs,
        their count, the count of chunks; the address of the floats that each step sets to 0, their
        count; the address of the outputs, their count; the count of settings in a step. columns:
        the inputs of all chunks. losses: memory for the outputs of each step. update: null, or the
        function of an `Update`; it moves the parameters during the last chunk. places, settings:
        its arguments.
        """
        data = "real* m, i32* bytecode, i64* plan, real* columns, real* losses, i64 steps"
        header = f"i64 @train({data}, ptr update, i64* places, real* settings)"
        with self.function(header) as (pointers, (steps, update)):
            m, bytecode, plan, columns, losses, places, settings = pointers
            to, size, chunks, zero, zeroed, sums, outputs, each = (plan[k] for k in range(8))
            no, fill = Vector(self, "false", "i1"), Vector(self, "0", "i8")

            def step(s: Vector) -> None:
                def chunk(c: Vector) -> None:
                    self.copy(m + to, columns + c * size, moved)
                    last = when((c + 1).equals(chunks), update, 0)
                    self.call("@run", m, bytecode, last, places, settings + s * each)

                self.call("@llvm.memset.p0.i64", m + zero, fill, zeroed * SIZES[self.real], no)
                moved = when((s > 0) & chunks.equals(1), 0, size)  # a single chunk is copied once
                self.loop(chunks, [], chunk)
                self.copy(losses + s * outputs, m + sums, outputs)
                self.cases(abs(m[sums]) < inf, {0: lambda: self.leave(s + 1)})

            self.loop(steps, [], step)
            self.leave(steps)

    def parts(self) -> None:
        """Makes the passes over some parts of the chunks, without an update.

        Parts `first`, `first` + 1, ... up to `last` - 1. plan, columns: as for `train`; plan has
        two more numbers: the address of the gradients, and their count. found: memory for the
        outputs and then the gradients of each part. begins: the first chunk of each part, and the
        end of the last part. none: null, because nothing is updated.
        """
        data = "real* m, i32* bytecode, i64* plan, real* columns, real* found, i64* begins"
        header = f"void @parts({data}, i64 first, i64 last, ptr none)"
        with self.function(header) as (pointers, (first, last, none)):
            m, bytecode, plan, columns, found, begins = pointers
            to, size, _, zero, zeroed, sums, outputs, _, slopes, gradients = (
                plan[k] for k in range(10)
            )
            no, fill = Vector(self, "false", "i1"), Vector(self, "0", "i8")

            def part(i: Vector) -> None:
                k = first + i
                begin, end = begins[k], begins[k + 1]

                def chunk(c: Vector) -> None:
                    self.copy(m + to, columns + (begin + c) * size, size)
                    self.call("@run", m, bytecode, none, plan, columns)

                self.call("@llvm.memset.p0.i64", m + zero, fill, zeroed * SIZES[self.real], no)
                self.loop(end - begin, [], chunk)
                into = found + k * (outputs + gradients)
                self.copy(into, m + sums, outputs)
                self.copy(into + outputs, m + slopes, gradients)

            self.loop(last - first, [], part)

    def forward(self) -> None:
        """Runs the bytecode of a forward pass, and keeps the outputs of each chunk.

        plan, columns: as for `train`, but the count of outputs is their floats, a row for each.
        found: memory for the outputs of all chunks. none: null, because nothing is updated.
        """
        data = "real* m, i32* bytecode, i64* plan, real* columns, real* found"
        header = f"void @forward({data}, ptr none)"
        with self.function(header) as ((m, bytecode, plan, columns, found), (none,)):
            to, size, chunks, _, _, rows, outputs = (plan[k] for k in range(7))

            def chunk(c: Vector) -> None:
                self.copy(m + to, columns + c * size, size)
                self.call("@run", m, bytecode, none, plan, columns)
                self.copy(found + c * outputs, m + rows, outputs)

            self.loop(chunks, [], chunk)

    def copy(self, to: Pointer, source: Pointer, floats: Vector) -> None:
        """Copies so many floats."""
        no = Vector(self, "false", "i1")
        self.call("@llvm.memcpy.p0.p0.i64", to, source, floats * SIZES[self.real], no)


def _across(vectors: Sequence[Vector]) -> Vector:
    """Returns one vector: lane k is the sum of all lanes of vector k.

    Each round adds one half of the lanes to the other half: those of two vectors, which become one,
    or of a single vector, which has more lanes than there were vectors.
    """
    found, half = list(vectors), vectors[0].width // 2
    while half:
        pairs = [*zip(found[::2], found[1::2])] or [(found[0], found[0])]
        low = [i for i in range(vectors[0].width * min(len(found), 2)) if not i & half]
        high = [i + half for i in low]
        found = [a.shuffled(b, low) + a.shuffled(b, high) for a, b in pairs]
        half //= 2
    return found[0]
