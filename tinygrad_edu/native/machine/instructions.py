"""The machine: a few instructions for tapes of any shape, written as LLVM code.

Its memory is one arena of doubles. A *row* is `vectors` vectors of `width` lanes: one number for
each example, or for each of the parts of a graph that are alike. What is the same in all lanes (a
parameter, a constant, one lane of a row) is just an address. An instruction is a run of int32 in a
table: its code, its length, addresses in doubles, counts. Nearly all the work is in one of them,

    DOTS    row = finish(init + sum of u * row + sum of u * u + sum of row * row), J at a time

the others are ROWS (a row of the table of operations), SUMS (eight sums over all lanes of row *
row: gradients of parameters), UPDATE (some parameters change), GATHER, TURN (rows as columns) and
the end. The code knows nothing of any graph: it is the same for all, made once for a width and a
number of vectors.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import accumulate, product, repeat
from math import inf
from typing import Any

from tinygrad_edu.native.machine.arithmetic import PAIRS, written
from tinygrad_edu.native.machine.vector import Code, Pointer, Vector, muladd, when
from tinygrad_edu.ops import TABLE, relu, step

__all__ = [
    "BLOCK",
    "DOTS",
    "FINISH",
    "FINISHES",
    "GATHER",
    "HEAD",
    "OPS",
    "ROWS",
    "SUMS",
    "TURN",
    "UPDATE",
    "machine",
    "outputs",
    "wide",
]

BLOCK = 8  # sums of one SUMS, parameters that change together, whatever the width
OPS = [*TABLE, *map(" and ".join, PAIRS)]  # what ROWS can do
HEAD = 15  # int32 before the lists of DOTS
GATHER, SUMS, TURN, UPDATE = 1, 2, 4, 5  # codes; SUMS + 1 makes twice as many
DOTS, ROWS = 8, 16  # DOTS + i makes outputs(...)[i] rows at a time, ROWS + k is OPS[k]
# What DOTS does to a sum at last; where it is "times" something, that is of another row.
FINISHES: dict[str, Callable[[Vector, Vector], Vector]] = {
    "": lambda x, _: x,
    "relu": lambda x, _: written(relu)(x),
    "times": lambda x, y: x * y,
    "times step": lambda x, y: x * written(step)(y),
}
FINISH = tuple(FINISHES)


def outputs(vectors: int, registers: int) -> list[int]:
    """How many rows DOTS may make at a time, 1 first: as many sums as fit the registers."""
    return [j for j in (1, 2, 4, 8, 16) if j == 1 or j * vectors <= registers - 5]


def wide(width: int) -> str:
    """Attributes of functions of such vectors: without them the widest are taken apart."""
    bits = 64 * width
    return f'nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


def machine(width: int, vectors: int, registers: int, missing: Collection[str] = ()) -> str:
    """The module: `run(...)`, `train(...)`, and all that they call.

    width: doubles in a vector of the processor, 2, 4 or 8. registers: how many vectors it holds.
    missing: rows that this machine has no function for.
    """
    code = _Machine(width, vectors)
    calls = {GATHER: "gather", SUMS: "sums1", SUMS + 1: "sums2", TURN: "turn"}
    for i, j in enumerate(outputs(vectors, registers)):
        code.dots(j)
        calls[DOTS + i] = f"dots{j}"
    for k, name in enumerate(OPS):
        if name not in missing:
            code.rows(name)
            calls[ROWS + k] = f"rows_{k}"
    code.gather()
    code.sums(1)
    code.sums(2)
    code.turn()
    code.run(calls)
    code.train()
    return code.text()


class _Machine(Code):
    """A function for each instruction: of the arena, and where in the table it begins."""

    def __init__(self, width: int, vectors: int) -> None:
        super().__init__(wide(width))
        self.width, self.lanes = width, width * vectors

    def row(self, at: Pointer) -> list[Pointer]:
        """Where the vectors of a row are."""
        return [at + c for c in range(0, self.lanes, self.width)]

    def dots(self, j: int) -> None:
        """Codes DOTS...: J rows at once, whose sums have the same u * rows, but other u's.

        code, length, out, step, init, step, count of u * row, step of u, finish, its row, step,
        count of u * u, count of row * row, steps of both; then pairs: (u, row), (u, u), (row,
        row). A step is how far apart the J addresses are. There is u * u only where J is 1.
        """
        width = self.width
        with self.function(f"internal void @dots{j}(double* m, i32* t)") as (m, t):
            out, out_step, init, init_step, count, u_step, *more = (t[k] for k in range(2, HEAD))
            finish, other, other_step, uu, rr, a_step, b_step = more

            def along(at: Vector, step: Vector) -> Iterable[Pointer]:
                """The J addresses, from every fourth: few registers, and few additions."""
                fourths = accumulate(repeat(step * 4, (j - 1) // 4), operator.add, initial=m + at)
                return [x + step * i for x in fourths for i in range(min(j, 4))]

            def places(at: Vector, step: Vector) -> list[Pointer]:
                """Of J rows: the first vector of each, the second of each, ..."""
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
                xs = (at.vector(width) for at in self.row(m + row))  # each for all J: few at a time
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
            else:  # one sum, as four in turn, which do not wait for each other
                zero = sums[0].constant(-0.0)
                a, b, c, d = self.loop(
                    rr, [*sums, zero, zero, zero], lambda i, s, *rest: [*rest, *both(i, s)]
                )
                sums = [(a + b) + (c + d)]

            def store(name: str) -> None:
                beside = places(other, other_step)
                for s, at, y in zip(sums, places(out, out_step), beside):
                    at.store(FINISHES[name](s, y.vector(width) if "times" in name else s))

            self.cases(finish, {k: partial(store, name) for k, name in enumerate(FINISH)})

    def gather(self) -> None:
        """Code GATHER: code, length, out, count, then eight times as many addresses of numbers."""
        with self.function("internal void @gather(double* m, i32* t)") as (m, t):
            out, eights = t[2], t[3]

            def eight(i: Vector) -> None:
                for k in range(BLOCK):
                    (m + out + i * BLOCK + k).store(m[(t + 4 + i * BLOCK)[k]])

            self.loop(eights, [], eight)

    def rows(self, name: str) -> None:
        """Codes ROWS...: so many rows, one after the other, each of rows a step apart.

        code, length, out, count, a, step, b, step. Of a pair, b is where the second result goes.
        Two vectors at a time, which do not wait for
        each other; of an odd number the last two begin with one that was done.
        """
        pair = PAIRS.get(tuple(name.split(" and ")))  # type: ignore[arg-type]
        write: Any = pair or written(TABLE[name])
        operands = 1 if pair else len(TABLE[name].derivatives)
        size = min(self.lanes, 2 * self.width)
        last, pieces = self.lanes - size, Vector(self, f"{-(-self.lanes // size)}", "i64")
        with self.function(f"internal void @rows_{OPS.index(name)}(double* m, i32* t)") as (m, t):
            out, count, a, a_step, b, b_step = (t[k] for k in range(2, 8))

            def one(i: Vector) -> None:
                places = [m + a + i * a_step, m + b + i * b_step][:operands]
                to, beside = m + out + i * self.lanes, m + b + i * b_step

                def some(k: Vector) -> None:
                    c = when(k * size > last, last, k * size) if last else 0
                    made = write(*((at + c).vector(size) for at in places))
                    if pair:
                        made, second = made
                        (beside + c).store(second)
                    (to + c).store(made)

                self.loop(pieces, [], some) if last else some(i)

            self.loop(count, [], one)

    def sums(self, hubs: int) -> None:
        """Codes SUMS and SUMS + 1: eight sums over all lanes, or twice eight, added to the arena.

        code, length, count of terms, where each eight begin; for each term one row, the hub, or
        two, and eight more: the sums of hub * row. Of twice eight, the other rows are the same:
        read once.
        """
        width, size = self.width, BLOCK + hubs
        with self.function(f"internal void @sums{hubs}(double* m, i32* t)") as (m, t):
            terms, *outs = (t[k] for k in range(2, 3 + hubs))

            def term(i: Vector, *sums: Vector) -> Sequence[Vector]:
                these = t + (3 + hubs) + i * size
                for at in zip(*(self.row(m + these[k]) for k in range(size))):
                    xs = [x.vector(width) for x in at]
                    pairs = product(xs[:hubs], xs[hubs:])
                    sums = tuple(muladd(hub, x, s) for (hub, x), s in zip(pairs, sums))
                return sums

            zero = Vector(self, "zeroinitializer", width=width)
            sums = self.loop(terms, [zero] * BLOCK * hubs, term)
            for k in range(0, BLOCK * hubs, width):
                at = m + outs[k // BLOCK] + k % BLOCK
                at.store(at.vector(width) + _across(sums[k : k + width]))

    def turn(self) -> None:
        """Code TURN: code, length, out, eight rows of eight: as many rows, each of one lane of all.

        In three exchanges, of neighbours, of pairs and of fours.
        """
        with self.function("internal void @turn(double* m, i32* t)") as (m, t):
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
        """Every instruction of a table, up to code 0.

        Code UPDATE: code, length, first, count, step: so many blocks of eight parameters, from the
        first one on, a step apart, change, if `update` is not null.
        """
        header = "void @run(double* m, i32* table, ptr update, i64* places, double* settings)"
        with self.function(header) as (m, _, update, *given):
            t = Pointer(self, "%t", "i32")

            def change() -> None:
                call = partial(self.call, "%update", m, *given, t[2], t[3], t[4])
                self.cases(update.equals(0), {0: call})

            bodies = {k: partial(self.call, f"@{name}", m, t) for k, name in calls.items()}
            self.do("br label %next")
            self.start("next")
            place = len(self.lines)  # of what is known when the rest is written
            self.cases(t[0], {**bodies, UPDATE: change}, "end")
            ends = f"[ %table, %entry ], [ {(t + t[1]).name}, %{self.block} ]"
            self.lines.insert(place, f"%t = phi ptr {ends}")
            self.do("br label %next")
            self.start("end")

    def train(self) -> None:
        """`steps` turns of the Loop, or fewer: how many were made.

        plan: where the inputs of a chunk go, their doubles, how many chunks; where what begins at
        0 is, how many doubles; where the outputs are, how many; how many settings a step has.
        columns: the inputs of all chunks. losses: room for the outputs of each step. settings:
        those of each step. update: null, or what moves the parameters, in the last chunk: given
        the arena, places, the settings of this step, first, count and step. It stops after a step
        whose first output is not finite.
        """
        data = "double* m, i32* table, i64* plan, double* columns, double* losses, i64 steps"
        header = f"i64 @train({data}, ptr update, i64* places, double* settings)"
        with self.function(header) as (m, table, plan, columns, losses, steps, update, *given):
            places, settings = given
            to, size, chunks, zero, reach, sums, told, each = (plan[k] for k in range(8))
            no, fill = Vector(self, "false", "i1"), Vector(self, "0", "i8")

            def copy(to: Pointer, source: Pointer, doubles: Vector) -> None:
                self.call("@llvm.memcpy.p0.p0.i64", to, source, doubles * 8, no)

            def step(s: Vector) -> None:
                def chunk(c: Vector) -> None:
                    copy(m + to, columns + c * size, moved)
                    last = when((c + 1).equals(chunks), update, 0)
                    self.call("@run", m, table, last, places, settings + s * each)

                self.call("@llvm.memset.p0.i64", m + zero, fill, reach * 8, no)
                moved = when((s > 0) & chunks.equals(1), 0, size)  # one chunk stays where it is
                self.loop(chunks, [], chunk)
                copy(losses + s * told, m + sums, told)
                self.cases(abs(m[sums]) < inf, {0: lambda: self.leave(s + 1)})

            self.loop(steps, [], step)
            self.leave(steps)


def _across(vectors: Sequence[Vector]) -> Vector:
    """One vector with the sum of the lanes of each of `width` vectors, by halves."""
    found, half = list(vectors), len(vectors) // 2
    while half:
        low = [i for i in range(2 * len(vectors)) if not i & half]
        high = [i + half for i in low]
        found = [a.shuffled(b, low) + a.shuffled(b, high) for a, b in zip(found[::2], found[1::2])]
        half //= 2
    return found[0]
