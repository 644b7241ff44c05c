"""The machine: a few instructions for tapes of any shape, written as LLVM code.

Its memory is one arena of doubles. A *row* is `vectors` vectors of `width` lanes: one number for
each example, or for each of the parts of a graph that are alike. What is the same in all lanes (a
parameter, a constant, one lane of a row) is just an address. An instruction is a run of int32 in a
table: its code, its length, addresses in doubles, counts. Nearly all the work is in one of them,

    DOTS    row = finish(init + sum of u * row + sum of u * u + sum of row * row), J at a time

the others are ROWS (a row of the table of operations), SUMS (eight sums over all lanes of row *
row: gradients of parameters), GATHER, TURN (rows as columns) and the end. The code knows nothing
of any graph: it is the same for all, made once for a width and a number of vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.native.arithmetic import arithmetic
from tinygrad_edu.ops import TABLE

BLOCK = 8  # sums made by one SUMS, whatever the width
OPS = list(TABLE)  # ROWS names a row of the table by its place here
FINISH = ("", "relu", "times", "times step", "times rest")  # what DOTS does to a sum at last
HEAD = 15  # int32 before the lists of DOTS
GATHER, SUMS, ROWS, TURN, DOTS = (
    1,
    2,
    4,
    5,
    6,
)  # codes; DOTS + i makes outputs(vectors)[i] rows at a time


def outputs(vectors: int, registers: int) -> list[int]:
    """How many rows DOTS may make at a time, 1 first: as many sums as fit the registers."""
    return [j for j in (1, 2, 4, 8) if j == 1 or j * vectors <= registers - 5]


class Code:
    """LLVM code as it is written, line by line; numbers and vectors are names or literals."""

    def __init__(self, width: int, vectors: int) -> None:
        self.width, self.vectors = width, vectors
        self.vector = f"<{width} x double>"
        self.ones = f"<{', '.join(['double 1.0'] * width)}>"
        self.lines: list[str] = []
        self.count = 0
        self.block = "entry"

    def name(self, kind: str = "%v") -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def do(self, line: str) -> None:
        self.lines.append(f"  {line}")

    def let(self, text: str) -> str:
        name = self.name()
        self.do(f"{name} = {text}")
        return name

    def start(self, block: str) -> None:
        self.lines.append(f"{block}:")
        self.block = block

    @contextmanager
    def function(self, header: str, attributes: str) -> Iterator[None]:
        self.lines.append(f"define {header} {attributes} {{")
        self.start("entry")
        yield
        self.lines.append("}")

    def number(self, table: str, place: Any) -> str:
        """The int32 at that place of the table, as i64."""
        at = self.let(f"getelementptr i32, ptr {table}, i64 {place}")
        return self.let(f"sext i32 {self.let(f'load i32, ptr {at}')} to i64")

    def address(self, offset: str, more: Any = 0) -> str:
        """Of a double of the arena `%m`."""
        at = self.let(f"getelementptr double, ptr %m, i64 {offset}")
        return self.let(f"getelementptr double, ptr {at}, i64 {more}") if more else at

    def load(self, at: str) -> str:
        return self.let(f"load {self.vector}, ptr {at}, align 8")

    def store(self, x: str, at: str) -> None:
        self.do(f"store {self.vector} {x}, ptr {at}, align 8")

    def scalar(self, at: str) -> str:
        return self.let(f"load double, ptr {at}, align 8")

    def splat(self, x: str) -> str:
        one = self.let(f"insertelement {self.vector} poison, double {x}, i64 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        return self.let(f"shufflevector {self.vector} {one}, {self.vector} poison, {zeros}")

    def call(self, name: str, *args: str, kind: str = "") -> str:
        kind = kind or self.vector
        return self.let(f"call {kind} @{name}({', '.join(f'{kind} {x}' for x in args)})")

    def fma(self, a: str, b: str, c: str, kind: str = "") -> str:
        suffix = "f64" if kind else f"v{self.width}f64"
        return self.call(f"llvm.fmuladd.{suffix}", a, b, c, kind=kind)

    def loop(
        self, count: str, carried: Sequence[tuple[str, str]], body: Callable[..., Sequence[str]]
    ) -> list[str]:
        """Does `body(i, *carried)` for i from 0 to below count; what it gives is carried on.

        carried: kinds and first values; the last values are returned.
        """
        before, head, inside, after = self.block, *(self.name("b") for _ in range(3))
        i, next_i = self.name(), self.name()
        names = [self.name() for _ in carried]
        self.do(f"br label %{head}")
        self.start(head)
        place = len(self.lines)  # of what is known when the body is written
        more = self.let(f"icmp slt i64 {i}, {count}")
        self.do(f"br i1 {more}, label %{inside}, label %{after}")
        self.start(inside)
        results = body(i, *names)
        self.do(f"{next_i} = add i64 {i}, 1")
        self.do(f"br label %{head}")
        kinds = [("i64", "0"), *carried]
        self.lines[place:place] = [
            f"  {name} = phi {kind} [ {first}, %{before} ], [ {result}, %{self.block} ]"
            for name, (kind, first), result in zip([i, *names], kinds, [next_i, *results])
        ]
        self.start(after)
        return names

    def cases(self, value: str, bodies: dict[int, Callable[[], None]]) -> None:
        """Does the body of that number; no body, nothing."""
        after, names = self.name("b"), {k: self.name("b") for k in bodies}
        table = " ".join(f"i64 {k}, label %{name}" for k, name in names.items())
        self.do(f"switch i64 {value}, label %{after} [ {table} ]")
        for k, body in bodies.items():
            self.start(names[k])
            body()
            self.do(f"br label %{after}")
        self.start(after)


def wide(width: int) -> str:
    """Attributes of functions of such vectors: without them the widest are taken apart."""
    bits = 64 * width
    return f'nounwind "prefer-vector-width"="{bits}" "min-legal-vector-width"="{bits}"'


def machine(width: int, vectors: int, registers: int) -> str:
    """The module: `run(arena, table)`, `train(...)`, and all that they call.

    width: doubles in a vector of the processor, 2, 4 or 8. registers: how many vectors it holds.
    """
    attributes = wide(width)
    code = Code(width, vectors)
    code.lines.append(arithmetic(width, attributes))
    code.lines.append("declare double @llvm.fmuladd.f64(double, double, double)")
    code.lines.append("declare double @llvm.fabs.f64(double)")
    code.lines.append("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    code.lines.append("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    sizes = outputs(vectors, registers)
    for j in sizes:
        _dots(code, j, attributes)
    _rows(code, attributes)
    _sums(code, 1, attributes)
    _sums(code, 2, attributes)
    _gather(code, attributes)
    _turn(code, attributes)
    _run(code, sizes, attributes)
    _train(code, attributes)
    return "\n".join(code.lines)


def _dots(code: Code, j: int, attributes: str) -> None:
    """Codes DOTS...: J rows at once, whose sums have the same u * rows, but other u's.

    code, length, out, step, init, step, count of u * row, step of u, finish, its row, step, count
    of u * u, count of row * row, steps of both; then pairs: (u, row), (u, u), (row, row). A step
    is how far apart the J addresses are. There is u * u only where J is 1.
    """
    v, n, w = code.vector, code.vectors, code.width
    with code.function(f"internal void @dots{j}(ptr %m, ptr %t)", attributes):
        head = [code.number("%t", k) for k in range(2, HEAD)]
        out, init, other = ([head[k], head[k + 1]] for k in (0, 2, 7))
        count, finish, uu, rr = head[4], head[6], head[9], head[10]
        pairs = code.let(f"getelementptr i32, ptr %t, i64 {HEAD}")

        def bases(step: int) -> list[str]:
            """The arena as each of the J sees it."""
            steps = (code.let(f"mul i64 {head[step]}, {i}") for i in range(1, j))
            return ["%m", *map(code.address, steps)]

        def along(at: str, bases: Sequence[str]) -> list[str]:
            return [code.let(f"getelementptr double, ptr {base}, i64 {at}") for base in bases]

        def further(at: str, c: int) -> str:
            return code.let(f"getelementptr double, ptr {at}, i64 {c * w}") if c else at

        def pair(i: str, skipped: str = "0") -> tuple[str, str]:
            first = code.let(f"shl i64 {code.let(f'add i64 {i}, {skipped}')}, 1")
            return code.number(pairs, first), code.number(pairs, code.let(f"add i64 {first}, 1"))

        def products(i: str, s: str) -> list[str]:
            a, b = (code.scalar(code.address(x)) for x in pair(i, count))
            return [code.fma(a, b, s, kind="double")]

        begun = [code.scalar(x) for x in along(init[0], bases(3))]
        if j == 1:
            begun = code.loop(uu, [("double", begun[0])], products)
        sums = [x for first in begun for x in [code.splat(first)] * n]

        def uniform(i: str, *sums: str) -> list[str]:
            u, row = pair(i)
            us = [code.splat(code.scalar(x)) for x in along(u, uniforms)]
            new = list(sums)
            for c in range(n):  # one vector of the row for all J: few registers at a time
                x = code.load(code.address(row, c * w))
                for k in range(j):
                    new[k * n + c] = code.fma(us[k], x, sums[k * n + c])
            return new

        def both(i: str, *sums: str) -> list[str]:
            a, b = pair(i, skipped)
            firsts, seconds = bases(11), bases(12)  # here: sums of many of these are rare
            new = list(sums)
            for k, (x, y) in enumerate(zip(along(a, firsts), along(b, seconds))):
                for c in range(n):
                    x_c, y_c = (code.load(further(at, c)) for at in (x, y))
                    new[k * n + c] = code.fma(x_c, y_c, sums[k * n + c])
            return new

        uniforms = bases(5)
        sums = code.loop(count, [(v, s) for s in sums], uniform)
        skipped = code.let(f"add i64 {count}, {uu}")
        sums = code.loop(rr, [(v, s) for s in sums], both)

        def stored(finished: Callable[[str, str], str] | None, reads: bool) -> Callable[[], None]:
            def body() -> None:
                beside = along(other[0], bases(8)) if reads else [""] * j
                for k, (to, by) in enumerate(zip(along(out[0], bases(1)), beside)):
                    for c in range(n):
                        x = sums[k * n + c]
                        y = code.load(further(by, c)) if reads else ""
                        code.store(finished(x, y) if finished else x, further(to, c))

            return body

        def times(x: str, y: str) -> str:
            return code.let(f"fmul {v} {x}, {y}")

        def rest(y: str) -> str:  # (1 - y) * y
            return times(code.let(f"fsub {v} {code.ones}, {y}"), y)

        code.cases(
            finish,
            {
                0: stored(None, False),
                1: stored(lambda x, _: code.call("row_relu", x), False),
                2: stored(times, True),
                3: stored(lambda x, y: times(x, code.call("row_step", y)), True),
                4: stored(lambda x, y: times(x, rest(y)), True),
            },
        )
        code.do("ret void")


def _rows(code: Code, attributes: str) -> None:
    """Code ROWS: code, length, out, count, place in OPS, a, step, b, step: so many rows, one after
    the other, each a row of the table of operations of rows a step apart."""
    with code.function("internal void @rows(ptr %m, ptr %t)", attributes):
        out, count, op, a, a_step, b, b_step = (code.number("%t", k) for k in range(2, 9))

        def each(name: str) -> Callable[[], None]:
            def one(i: str) -> list[str]:
                def along(base: str, step: str) -> str:
                    return code.let(f"add i64 {base}, {code.let(f'mul i64 {i}, {step}')}")

                operands = [along(a, a_step), along(b, b_step)][: len(TABLE[name].derivatives)]
                to = along(out, str(code.width * code.vectors))
                for c in range(0, code.width * code.vectors, code.width):
                    xs = [code.load(code.address(x, c)) for x in operands]
                    code.store(code.call(f"row_{name}", *xs), code.address(to, c))
                return []

            def body() -> None:
                code.loop(count, [], one)

            return body

        code.cases(op, {k: each(name) for k, name in enumerate(OPS)})
        code.do("ret void")


def _sums(code: Code, hubs: int, attributes: str) -> None:
    """Codes SUMS and SUMS + 1: eight sums over all lanes, or twice eight, added to the arena.

    code, length, count of terms, count of uniform terms, where each eight begin; for each term
    one row, or two, and eight more: the sums of row * row; for each uniform term a row and the
    first of eight u's: u * sum of row. Of twice eight, the other rows are the same: read once.
    """
    v, n, w = code.vector, code.vectors, code.width
    begin = 4 + hubs
    with code.function(f"internal void @sums{hubs}(ptr %m, ptr %t)", attributes):
        terms, uniform, *outs = (code.number("%t", k) for k in range(2, begin))

        def term(t: str, *sums: str) -> list[str]:
            first = code.let(f"add i64 {begin}, {code.let(f'mul i64 {t}, {BLOCK + hubs}')}")
            rows = [
                code.number("%t", code.let(f"add i64 {first}, {k}")) for k in range(BLOCK + hubs)
            ]
            new = list(sums)
            for c in range(n):
                common = [code.load(code.address(row, c * w)) for row in rows[:hubs]]
                for k, row in enumerate(rows[hubs:]):
                    other = code.load(code.address(row, c * w))
                    for h, x in enumerate(common):
                        new[h * BLOCK + k] = code.fma(x, other, new[h * BLOCK + k])
            return new

        sums = code.loop(terms, [(v, "zeroinitializer")] * BLOCK * hubs, term)
        totals = [_across(code, sums[k : k + w]) for k in range(0, BLOCK * hubs, w)]
        skipped = code.let(f"add i64 {begin}, {code.let(f'mul i64 {terms}, {BLOCK + hubs}')}")

        def scaled(t: str, *totals: str) -> list[str]:
            first = code.let(f"add i64 {skipped}, {code.let(f'shl i64 {t}, 1')}")
            row = code.number("%t", first)
            u = code.number("%t", code.let(f"add i64 {first}, 1"))
            x = code.load(code.address(row))
            for c in range(1, n):
                x = code.let(f"fadd {v} {x}, {code.load(code.address(row, c * w))}")
            x = _across(code, [x] * w)  # the sum, in every lane
            return [
                code.fma(x, code.load(code.address(u, k * w)), total)
                for k, total in enumerate(totals)
            ]

        if hubs == 1:
            totals = code.loop(uniform, [(v, total) for total in totals], scaled)
        for k, total in enumerate(totals):
            at = code.address(outs[k * w // BLOCK], k * w % BLOCK)
            code.store(code.let(f"fadd {v} {code.load(at)}, {total}"), at)
        code.do("ret void")


def _across(code: Code, vectors: Sequence[str]) -> str:
    """One vector with the sum of the lanes of each of `width` vectors, by halves."""
    v, w, size = code.vector, code.width, code.width
    found = list(vectors)
    while size > 1:
        half = size // 2
        low = [i for i in range(2 * w) if i % size < half]
        masks = ["<" + ", ".join(f"i32 {i + more}" for i in low) + ">" for more in (0, half)]
        found = [
            code.let(
                "fadd {} {}, {}".format(
                    v,
                    *(
                        code.let(f"shufflevector {v} {a}, {v} {b}, <{w} x i32> {mask}")
                        for mask in masks
                    ),
                )
            )
            for a, b in zip(found[::2], found[1::2])
        ]
        size = half
    return found[0]


def _gather(code: Code, attributes: str) -> None:
    """Code GATHER: code, length, out, count, then as many addresses: each number to its place."""
    with code.function("internal void @gather(ptr %m, ptr %t)", attributes):
        out, count = code.number("%t", 2), code.number("%t", 3)

        def one(i: str) -> list[str]:
            x = code.scalar(code.address(code.number("%t", code.let(f"add i64 {i}, 4"))))
            at = code.address(code.let(f"add i64 {out}, {i}"))
            code.do(f"store double {x}, ptr {at}, align 8")
            return []

        code.loop(count, [], one)
        code.do("ret void")


def _turn(code: Code, attributes: str) -> None:
    """Code TURN: code, length, out, eight rows: a row for each lane, of that lane of all eight.

    Of vectors of eight, in three exchanges; with others, GATHER does it.
    """
    with code.function("internal void @turn(ptr %m, ptr %t)", attributes):
        w = code.width
        rows = [code.load(code.address(code.number("%t", 3 + k))) for k in range(w)]
        for half in (h for h in (1, 2, 4) if h < w):
            low = ", ".join(f"i32 {i if not i & half else w + i - half}" for i in range(w))
            high = ", ".join(f"i32 {i + half if not i & half else w + i}" for i in range(w))
            for k in (k for k in range(w) if not k & half):
                pair = f"{code.vector} {rows[k]}, {code.vector} {rows[k + half]}"
                rows[k], rows[k + half] = (
                    code.let(f"shufflevector {pair}, <{w} x i32> <{mask}>") for mask in (low, high)
                )
        out = code.number("%t", 2)
        for k, row in enumerate(rows):
            code.store(row, code.address(out, k * w))
        code.do("ret void")


def _run(code: Code, sizes: Sequence[int], attributes: str) -> None:
    """Every instruction of a table, up to code 0."""
    calls = {GATHER: "gather", SUMS: "sums1", SUMS + 1: "sums2", ROWS: "rows", TURN: "turn"}
    calls |= {DOTS + i: f"dots{j}" for i, j in enumerate(sizes)}
    names = {k: code.name("b") for k in calls}
    with code.function("void @run(ptr %m, ptr %table)", attributes):
        code.do("br label %next")
        code.start("next")
        ends = "".join(f", [ %after{k}, %{name} ]" for k, name in names.items())
        code.do(f"%t = phi ptr [ %table, %entry ]{ends}")
        which = code.number("%t", 0)
        table = " ".join(f"i64 {k}, label %{name}" for k, name in names.items())
        code.do(f"switch i64 {which}, label %end [ {table} ]")
        for k, name in names.items():
            code.start(name)
            code.do(f"call void @{calls[k]}(ptr %m, ptr %t)")
            length = code.number("%t", 1)
            code.do(f"%after{k} = getelementptr i32, ptr %t, i64 {length}")
            code.do("br label %next")
        code.start("end")
        code.do("ret void")


def _train(code: Code, attributes: str) -> None:
    """`steps` turns of the Loop, or fewer: how many were made.

    plan, of i64: where the inputs of a chunk go, their doubles, how many chunks; where what begins
    at 0 is, how many doubles; where the outputs are, how many. columns: the inputs of all chunks.
    losses: room for the outputs of each step. update: null, or what moves the parameters, given the
    arena, places and the two settings of this step. It stops after a step whose first output is
    not finite.
    """
    names = ("to", "size", "chunks", "zero", "reach", "sums", "told")
    header = (
        "i64 @train(ptr %m, ptr %table, ptr %plan, ptr %columns, ptr %losses,"
        " i64 %steps, ptr %update, ptr %places, ptr %settings)"
    )
    with code.function(header, attributes):
        plan = {}
        for k, name in enumerate(names):
            at = code.let(f"getelementptr i64, ptr %plan, i64 {k}")
            plan[name] = code.let(f"load i64, ptr {at}")

        def bytes_of(doubles: str) -> str:
            return code.let(f"shl i64 {doubles}, 3")

        def part(base: str, i: str, size: str) -> str:
            offset = code.let(f"mul i64 {i}, {size}")
            return code.let(f"getelementptr double, ptr {base}, i64 {offset}")

        def copy(to: str, of: str, doubles: str) -> None:
            code.do(
                f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {of}, i64 {bytes_of(doubles)}, "
                "i1 false)"
            )

        sums, zero = code.address(plan["sums"]), code.address(plan["zero"])
        reach = bytes_of(plan["reach"])
        once = code.let(f"icmp eq i64 {plan['chunks']}, 1")

        def step(s: str, done: str) -> list[str]:
            code.do(f"call void @llvm.memset.p0.i64(ptr {zero}, i8 0, i64 {reach}, i1 false)")

            stay = code.let(f"icmp sgt i64 {s}, 0")  # of one chunk, the inputs are there
            stay = code.let(f"select i1 {stay}, i1 {once}, i1 false")
            size = code.let(f"select i1 {stay}, i64 0, i64 {plan['size']}")

            def chunk(c: str) -> list[str]:
                copy(code.address(plan["to"]), part("%columns", c, plan["size"]), size)
                code.do("call void @run(ptr %m, ptr %table)")
                return []

            code.loop(plan["chunks"], [], chunk)
            copy(part("%losses", s, plan["told"]), sums, plan["told"])
            after, moved = code.name("b"), code.name("b")
            code.do(f"br i1 %still, label %{after}, label %{moved}")
            code.start(moved)
            settings = part("%settings", s, "2")
            code.do(f"call void %update(ptr %m, ptr %places, ptr {settings})")
            code.do(f"br label %{after}")
            code.start(after)
            size = code.call("llvm.fabs.f64", code.scalar(sums), kind="double")
            finite = code.let(f"fcmp olt double {size}, 0x7FF0000000000000")
            go, end = code.name("b"), code.name("b")
            made = code.let(f"add i64 {done}, 1")
            code.do(f"br i1 {finite}, label %{go}, label %{end}")
            code.start(end)
            code.do(f"ret i64 {made}")
            code.start(go)
            return [made]

        code.do("%still = icmp eq ptr %update, null")
        (done,) = code.loop("%steps", [("i64", "0")], step)
        code.do(f"ret i64 {done}")
