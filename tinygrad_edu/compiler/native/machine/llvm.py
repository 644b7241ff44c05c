"""A writer of LLVM code: each operation of Python on a `Vector` writes one line.

The same expression computes a number from floats, and writes code from `Vector`s. The code computes
all lanes at once. If `a` is a vector of two lanes, `a * 2 + 1` writes

    %v1 = fmul <2 x double> %a, <double 0x4000000000000000, double 0x4000000000000000>
    %v2 = fadd <2 x double> %v1, <double 0x3ff0000000000000, double 0x3ff0000000000000>

A `Vector` of width 0 stands for a single number. A `Pointer` is an address of numbers: `m[i + 8]`
loads one of them. The floats are doubles, or singles ("float"), which are half as long.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import copysign, inf

from tinygrad_edu.rows.op import TABLE, Op

__all__ = ["SIZES", "WRITERS", "Code", "Pointer", "Vector", "bits", "muladd", "when", "written"]

SIZES = {"double": 8, "float": 4}  # bytes of a float, by its type in LLVM

# The functions that write operations, by the name of the operation; `arithmetic` adds them.
WRITERS: dict[str, Callable[..., Vector]] = {}


class Code:
    """An LLVM module that is written line by line.

    attributes: of its functions. flags: LLVM's freedom with floats; " contract" allows it to round
    a * b + c once instead of twice. real: the type of its floats, "double" or "float".
    """

    def __init__(self, attributes: str = "", flags: str = "", real: str = "double") -> None:
        self.attributes, self.flags, self.lines = attributes, flags, list[str]()
        self.real = real
        self.called, self.defined = dict[str, str](), set[str]()  # declarations; names
        self.names, self.block = 0, ""

    def text(self) -> str:
        """Returns the module. It begins with declarations of functions that it does not define."""
        declared = (x for f, x in self.called.items() if f[0] == "@" and f not in self.defined)
        return "\n".join([*declared, *self.lines, ""])

    def name(self, kind: str = "%v") -> str:
        """Returns a new name."""
        self.names += 1
        return f"{kind}{self.names}"

    def do(self, line: str) -> None:
        """Writes a line."""
        self.lines.append(line)

    def start(self, block: str) -> None:
        """Begins a block: lines to which a branch can go."""
        self.do(f"{block}:")
        self.block = block

    @contextmanager
    def function(self, header: str) -> Iterator[tuple[list[Pointer], list[Vector]]]:
        """Defines a function. The lines that the `with` block writes are its body.

        header: for example "void @f(real* m, i64 n)"; real* is an address of floats. Yields
        (pointers, others): the parameters whose types end in *, and the other ones.
        """
        head, _, parameters = header[:-1].partition("(")
        given: list[Vector | Pointer] = []
        for kind, name in map(str.split, parameters.split(", ")):
            make = Vector if kind[-1] != "*" else Pointer
            kind = kind.rstrip("*")
            given.append(make(self, f"%{name}", self.real if kind == "real" else kind))
        self.defined.add(head.split()[-1])
        self.do(f"define {head}({_typed(given)}) {self.attributes} {{")
        self.start("entry")
        yield (
            [x for x in given if isinstance(x, Pointer)],
            [x for x in given if isinstance(x, Vector)],
        )
        self.do("ret void" if "void" in head else "unreachable")
        self.do("}")

    def leave(self, x: Vector) -> None:
        """Writes a return of `x`, and begins a new block."""
        self.do(f"ret {_typed([x])}")
        self.start(self.name("b"))

    def calling(self, result: str, function: str, args: Sequence[Vector | Pointer]) -> str:
        """Returns the text of a call."""
        self.called[function] = f"declare {result} {function}({', '.join(x.type for x in args)})"
        return f"call {result} {function}({_typed(args)})"

    def call(self, function: str, *args: Vector | Pointer) -> None:
        """Writes a call of a function that returns nothing."""
        self.do(self.calling("void", function, args))

    def loop(
        self, count: Vector, first: Sequence[Vector], body: Callable[..., Sequence[Vector] | None]
    ) -> list[Vector]:
        """Writes a loop over i from 0 to count - 1, and returns the values after it.

        body: writes one round; it is called with i and the values, and returns the next values.
        first: the values before the first round.
        """
        before, head, inside, after = self.block, self.name("b"), self.name("b"), self.name("b")
        begun = [count.constant(0), *first]
        names = [Vector(self, self.name(), x.kind, x.width) for x in begun]
        self.do(f"br label %{head}")
        self.start(head)
        place = len(self.lines)  # the phi lines need names of lines below
        self.do(f"br i1 {(names[0] < count).name}, label %{inside}, label %{after}")
        self.start(inside)
        given = body(*names) or ()
        results = [names[0] + 1, *given]
        self.do(f"br label %{head}")
        self.lines[place:place] = [
            f"{z.name} = phi {x.type} [ {x.name}, %{before} ], [ {y.name}, %{self.block} ]"
            for x, y, z in zip(begun, results, names)
        ]
        self.start(after)
        return names[1:]

    def cases(self, value: Vector, bodies: dict[int, Callable[[], None]], other: str = "") -> None:
        """Writes a switch that runs the body of `value`.

        If `value` has no body, the code goes on at the label `other`, or after the switch.
        """
        after, names = self.name("b"), {k: self.name("b") for k in bodies}
        table = " ".join(f"{value.type} {k}, label %{name}" for k, name in names.items())
        self.do(f"switch {_typed([value])}, label %{other or after} [ {table} ]")
        for k, body in bodies.items():
            self.start(names[k])
            body()
            self.do(f"br label %{after}")
        self.start(after)


def _typed(xs: Sequence[Vector | Pointer]) -> str:
    return ", ".join(f"{x.type} {x.name}" for x in xs)


def _infix(name: str) -> Callable[[Vector, Vector | float], Vector]:
    return lambda a, b: a.write(name, a, b)


def _reflected(name: str) -> Callable[[Vector, float], Vector]:
    return lambda b, a: b.write(name, a, b)


def _compared(floats: str, integers: str) -> Callable[[Vector, Vector | float], Vector]:
    def compared(a: Vector, b: Vector | float) -> Vector:
        how = f"fcmp {floats}" if a.kind in SIZES else f"icmp {integers}"
        return a.line(f"{how} {a.type} {a.name}, {a.of(b).name}", "i1")

    return compared


class Vector:
    """The result of a line of code.

    name: its name in the code. kind: the type of its lanes: floats ("double" or "float"; the type
    of the module's floats is the default), 64-bit integers that wrap around ("i64"), or results of
    a comparison ("i1"). width: the number of lanes; 0 for a single number, or an address ("ptr").
    real: the type of the floats of which it is one, or from which it was computed.
    """

    def __init__(
        self, code: Code, name: str, kind: str = "", width: int = 0, real: str = ""
    ) -> None:
        self.code, self.name, self.kind, self.width = code, name, kind or code.real, width
        self.type = f"<{width} x {self.kind}>" if width else self.kind
        self.real = self.kind if self.kind in SIZES else real or code.real

    def _apply(self, op: Op, /, *args: Vector | float) -> Vector:
        """Writes an operation of the table: by its writer, or as a sequence of other operations."""
        return written(op)(*map(self.of, args))

    def _known(self) -> None:
        return None

    def _choose(self, x: Vector | float, y: Vector | float) -> Vector:
        return when(self, x, y)

    def _compare(self, sign: str, other: Vector | float) -> Vector:
        return self.equals(other)  # the other signs never come here: they are operators

    def __bool__(self) -> bool:
        raise TypeError("a Vector has no numbers until the code runs: write when() in place of if")

    def line(self, text: str, kind: str = "", width: int | None = None) -> Vector:
        """Writes a line that computes something, and returns its result."""
        name = self.code.name()
        self.code.do(f"{name} = {text}")
        width = self.width if width is None else width
        return Vector(self.code, name, kind or self.kind, width, self.real)

    def write(self, name: str, *args: Vector | float) -> Vector:
        """Writes an instruction on operands like this vector; for floats, f precedes its name."""
        name = f"f{name}{self.code.flags}" if self.kind in SIZES else name
        return self.line(f"{name} {self.type} {', '.join(self.of(x).name for x in args)}")

    def call(self, function: str, *args: Vector | float) -> Vector:
        """Writes a call of a function whose arguments and result are like this vector."""
        return self.line(self.code.calling(self.type, function, [*map(self.of, args)]))

    def intrinsic(self, name: str, *args: Vector | float) -> Vector:
        """Writes a call of a function that is part of LLVM."""
        lanes = f"v{self.width}" if self.width else ""
        return self.call(f"@llvm.{name}.{lanes}f{8 * SIZES[self.kind]}", *args)

    def cast(self, kind: str) -> Vector:
        """Returns the same bits, taken as another kind."""
        return self._turned("bitcast", kind)

    def rounded(self, kind: str) -> Vector:
        """Returns the same numbers as floats of another type; singles are rounded."""
        return self._turned("fpext" if SIZES[kind] > SIZES[self.kind] else "fptrunc", kind)

    def _turned(self, how: str, kind: str) -> Vector:
        to = Vector(self.code, "", kind, self.width, self.real)
        return to.line(f"{how} {_typed([self])} to {to.type}")

    def of(self, x: Vector | float) -> Vector:
        """Returns `x` itself, or a number as a vector like this one."""
        return x if isinstance(x, Vector) else self.constant(x)

    def constant(self, x: float) -> Vector:
        """Returns a vector like this one with that number in every lane."""
        lane = f"{x}" if self.kind != "ptr" else "null"
        if self.kind in SIZES:
            lane = f"0x{bits(single(x) if self.kind == 'float' else x):016x}"
        lanes = f"<{', '.join([f'{self.kind} {lane}'] * self.width)}>"
        return Vector(self.code, lanes if self.width else f"{lane}", self.kind, self.width)

    def shuffled(self, other: Vector, lanes: Sequence[int]) -> Vector:
        """Returns a vector of these lanes; the first lane of `other` has the number `width`."""
        mask = f"<{len(lanes)} x i32> <{', '.join(f'i32 {i}' for i in lanes)}>"
        return self.line(f"shufflevector {_typed([self, other])}, {mask}", width=len(lanes))

    def splat(self, width: int) -> Vector:
        """Returns a vector with this number in every lane."""
        empty = Vector(self.code, "poison", self.kind, width)
        one = empty.line(f"insertelement {_typed([empty, self])}, i64 0")
        return one.shuffled(empty, [0] * width)

    __add__, __radd__ = _infix("add"), _reflected("add")
    __sub__, __rsub__ = _infix("sub"), _reflected("sub")
    __mul__, __rmul__ = _infix("mul"), _reflected("mul")
    __truediv__, __rtruediv__ = _infix("div"), _reflected("div")
    __lt__, __le__ = _compared("olt", "slt"), _compared("ole", "sle")
    __gt__, __ge__ = _compared("ogt", "sgt"), _compared("oge", "sge")
    equals = _compared("oeq", "eq")

    def __pow__(self, b: Vector | float) -> Vector:
        return self._apply(TABLE["pow"], self, b)

    def __rpow__(self, a: float) -> Vector:
        return self._apply(TABLE["pow"], a, self)

    __lshift__, __rshift__ = _infix("shl"), _infix("lshr")
    __and__, __or__ = _infix("and"), _infix("or")

    def __neg__(self) -> Vector:
        return self.write("neg", self)

    def __abs__(self) -> Vector:
        return self.intrinsic("fabs", self)


class Pointer:
    """An address of numbers: floats, i64, or i32. An i32 that is read becomes an i64."""

    type = "ptr"

    def __init__(self, code: Code, name: str, kind: str) -> None:
        self.code, self.name, self.kind = code, name, kind

    def __add__(self, i: Vector | int) -> Pointer:
        if isinstance(i, int) and i == 0:
            return self
        index = Vector(self.code, "", "i64").of(i)
        at = index.line(f"getelementptr {self.kind}, ptr {self.name}, {_typed([index])}")
        return Pointer(self.code, at.name, self.kind)

    def __getitem__(self, i: Vector | int) -> Vector:
        """Loads the number that is `i` places after this address."""
        x = (self + i).vector(0)
        return x.line(f"sext i32 {x.name} to i64", "i64") if x.kind == "i32" else x

    def vector(self, width: int) -> Vector:
        """Loads `width` numbers from this address on. Any number may be the first."""
        like = Vector(self.code, "", self.kind, width)
        aligned = f", align {SIZES.get(self.kind, 8)}" if width else ""
        return like.line(f"load {like.type}, ptr {self.name}{aligned}")

    def store(self, x: Vector) -> None:
        """Writes a store of `x` to this address."""
        self.code.do(f"store {_typed([x, self])}, align {SIZES.get(x.kind, 8)}")


def muladd(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """Returns a * b + c, rounded only once if the processor can do that."""
    return a.intrinsic("fmuladd", a, b, c)


def when(condition: Vector, x: Vector | float, y: Vector | float) -> Vector:
    """Returns `x` in the lanes where the condition holds, and `y` in the others."""
    like = x if isinstance(x, Vector) else y
    if not isinstance(like, Vector):
        like = Vector(condition.code, "", condition.real, condition.width)
    return like.line(f"select {_typed([condition, like.of(x), like.of(y)])}")


def written(op: Op) -> Callable[..., Vector]:
    """Returns the function that writes an operation of the table for vectors."""
    value: Callable[..., Vector | float] = op.value

    def as_made_of_others(*args: Vector) -> Vector:
        result = value(*args)
        return result if isinstance(result, Vector) else args[0].constant(result)

    return WRITERS.get(op.name, as_made_of_others)


def single(x: float) -> float:
    """Returns the float rounded to single precision; an infinity if it is too large."""
    try:
        rounded: float = struct.unpack("f", struct.pack("f", x))[0]
    except OverflowError:
        return copysign(inf, x)
    return rounded


def bits(x: float, kind: str = "double") -> int:
    """Returns the bits of a float as an integer: 64, or the 32 of a single."""
    return int.from_bytes(struct.pack(">d" if kind == "double" else ">f", x), "big")
