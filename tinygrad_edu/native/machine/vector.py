"""LLVM's language, written by Python's operators, one instruction for each operation.

Where floats give a number, and Formulas text, a `Vector` gives machine code, for all of its lanes
at once. If `a` is one of two lanes, `a * 2 + 1` writes

    %v1 = fmul <2 x double> %a, <double 0x4000000000000000, double 0x4000000000000000>
    %v2 = fadd <2 x double> %v1, <double 0x3ff0000000000000, double 0x3ff0000000000000>

One of width 0 is no vector but one number. A `Pointer` is where numbers lie, `m[i + 8]` one there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_edu.symbolic import TABLE

__all__ = ["WRITERS", "Code", "Pointer", "Vector", "bits", "muladd", "when"]

# How rows of the table are written for vectors, by their names; `arithmetic` fills it.
WRITERS: dict[str, Callable[..., Any]] = {}


class Code:
    """A module of functions with these attributes, as it is written, line by line.

    flags: what LLVM may do in floats' arithmetic; with " contract", round a * b + c only once.
    """

    def __init__(self, attributes: str = "", flags: str = "") -> None:
        self.attributes, self.flags, self.lines = attributes, flags, list[str]()
        self.called, self.defined = dict[str, str](), set[str]()  # declarations, names
        self.names, self.block = 0, ""

    def text(self) -> str:
        """The module, in which functions of elsewhere are declared."""
        declared = (x for f, x in self.called.items() if f[0] == "@" and f not in self.defined)
        return "\n".join([*declared, *self.lines, ""])

    def name(self, kind: str = "%v") -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def do(self, line: str) -> None:
        self.lines.append(line)

    def start(self, block: str) -> None:
        self.do(f"{block}:")
        self.block = block

    @contextmanager
    def function(self, header: str) -> Iterator[Any]:
        """What is written in it is the body. Given are the parameters; `double* m` is a Pointer."""
        head, _, parameters = header[:-1].partition("(")
        given: list[Vector | Pointer] = []
        for kind, name in map(str.split, parameters.split(", ")):
            is_vector = kind[-1] != "*"
            given.append((Vector if is_vector else Pointer)(self, f"%{name}", kind.rstrip("*")))
        self.defined.add(head.split()[-1])
        self.do(f"define {head}({_typed(given)}) {self.attributes} {{")
        self.start("entry")
        yield given
        self.do("ret void" if "void" in head else "unreachable")
        self.do("}")

    def leave(self, x: Vector) -> None:
        """Returns `x`; what is written after it is not reached, unless another block begins."""
        self.do(f"ret {_typed([x])}")
        self.start(self.name("b"))

    def calling(self, result: str, function: str, args: Sequence[Vector | Pointer]) -> str:
        """A call as it stands in a line."""
        self.called[function] = f"declare {result} {function}({', '.join(x.type for x in args)})"
        return f"call {result} {function}({_typed(args)})"

    def call(self, function: str, *args: Vector | Pointer) -> None:
        """Calls what gives nothing."""
        self.do(self.calling("void", function, args))

    def loop(
        self, count: Vector, first: Sequence[Vector], body: Callable[..., Sequence[Vector] | None]
    ) -> list[Vector]:
        """Does `body(i, *carried)` for i from 0 to below count; what it gives is carried on.

        first: what is carried at first; the last is returned.
        """
        before, head, inside, after = self.block, self.name("b"), self.name("b"), self.name("b")
        begun = [count.constant(0), *first]
        names = [Vector(self, self.name(), x.kind, x.width) for x in begun]
        self.do(f"br label %{head}")
        self.start(head)
        place = len(self.lines)  # of what is known when the body is written
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
        """Does the body of that number; without one, nothing, or what block `other` does."""
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
        how = f"fcmp {floats}" if a.kind == "double" else f"icmp {integers}"
        return a.line(f"{how} {a.type} {a.name}, {a.of(b).name}", "i1")

    return compared


class Vector:
    """A vector in a function that is being written: its name there, and the kind of its lanes.

    They are floats ("double"), their 64 bits as an integer that wraps round ("i64"), or what a
    comparison says ("i1"). width: 0 if it is one of these, or an address ("ptr"), and no vector.
    """

    def __init__(self, code: Code, name: str, kind: str = "double", width: int = 0) -> None:
        self.code, self.name, self.kind, self.width = code, name, kind, width
        self.type = f"<{width} x {kind}>" if width else kind

    def _apply(self, op: Any, /, *args: Any) -> Any:
        """A row of the table of vectors: as WRITERS has it, or made of other rows, as it says."""
        return WRITERS.get(op.name, op.value)(*map(self.of, args))

    def _known(self) -> None:
        return None

    def _choose(self, x: Any, y: Any) -> Vector:
        return when(self, x, y)

    def _compare(self, sign: str, other: Any) -> Vector:
        return self.equals(other)  # the other signs are operators

    def __bool__(self) -> bool:
        raise TypeError("what a Vector is, only a run tells: Python cannot ask")

    def line(self, text: str, kind: str = "", width: int | None = None) -> Vector:
        """The result of one more line of the function."""
        name = self.code.name()
        self.code.do(f"{name} = {text}")
        return Vector(self.code, name, kind or self.kind, self.width if width is None else width)

    def write(self, name: str, *args: Vector | float) -> Vector:
        """The result of an instruction on vectors like this one; those of floats begin with f."""
        name = f"f{name}{self.code.flags}" if self.kind == "double" else name
        return self.line(f"{name} {self.type} {', '.join(self.of(x).name for x in args)}")

    def call(self, function: str, *args: Vector | float) -> Vector:
        """The result of a function of vectors like this one."""
        return self.line(self.code.calling(self.type, function, [*map(self.of, args)]))

    def intrinsic(self, name: str, *args: Vector | float) -> Vector:
        """The result of a function that LLVM brings along."""
        return self.call(f"@llvm.{name}.{f'v{self.width}' if self.width else ''}f64", *args)

    def cast(self, kind: str) -> Vector:
        """The same bits as another kind."""
        to = Vector(self.code, "", kind, self.width)
        return to.line(f"bitcast {_typed([self])} to {to.type}")

    def of(self, x: Vector | float) -> Vector:
        """`x`, or that number as a vector like this one."""
        return x if isinstance(x, Vector) else self.constant(x)

    def constant(self, x: float) -> Vector:
        """That number in every lane."""
        lane = f"0x{bits(x):016x}" if self.kind == "double" else "null" if self.kind == "ptr" else x
        lanes = f"<{', '.join([f'{self.kind} {lane}'] * self.width)}>"
        return Vector(self.code, lanes if self.width else f"{lane}", self.kind, self.width)

    def shuffled(self, other: Vector, lanes: Sequence[int]) -> Vector:
        """These lanes of both, of which the other's are counted on from this one's."""
        mask = f"<{len(lanes)} x i32> <{', '.join(f'i32 {i}' for i in lanes)}>"
        return self.line(f"shufflevector {_typed([self, other])}, {mask}", width=len(lanes))

    def splat(self, width: int) -> Vector:
        """One number in every lane."""
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

    def __pow__(self, b: Vector | float) -> Any:
        return self._apply(TABLE["pow"], self, b)

    def __rpow__(self, a: float) -> Any:
        return self._apply(TABLE["pow"], a, self)

    __lshift__, __rshift__ = _infix("shl"), _infix("lshr")
    __and__, __or__ = _infix("and"), _infix("or")

    def __neg__(self) -> Vector:
        return self.write("neg", self)

    def __abs__(self) -> Vector:
        return self.intrinsic("fabs", self)


class Pointer:
    """Where numbers lie: doubles, i64, or i32, which become i64 when they are read."""

    type = "ptr"

    def __init__(self, code: Code, name: str, kind: str = "double") -> None:
        self.code, self.name, self.kind = code, name, kind

    def __add__(self, i: Vector | int) -> Pointer:
        if isinstance(i, int) and i == 0:
            return self
        index = Vector(self.code, "", "i64").of(i)
        at = index.line(f"getelementptr {self.kind}, ptr {self.name}, {_typed([index])}")
        return Pointer(self.code, at.name, self.kind)

    def __getitem__(self, i: Vector | int) -> Vector:
        """The number there, that many further."""
        x = (self + i).vector(0)
        return x.line(f"sext i32 {x.name} to i64", "i64") if x.kind == "i32" else x

    def vector(self, width: int) -> Vector:
        """The numbers from there on, of which none need be where a whole vector may begin."""
        like = Vector(self.code, "", self.kind, width)
        aligned = ", align 8" if width else ""
        return like.line(f"load {like.type}, ptr {self.name}{aligned}")

    def store(self, x: Vector) -> None:
        self.code.do(f"store {_typed([x, self])}, align 8")


def muladd(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """a * b + c, and rounded only once where the machine can."""
    return a.intrinsic("fmuladd", a, b, c)


def when(condition: Vector, x: Vector | float, y: Vector | float) -> Vector:
    """`x` in the lanes where the condition holds, else `y`; of two numbers, floats."""
    like = x if isinstance(x, Vector) else y
    if not isinstance(like, Vector):
        like = Vector(condition.code, "", width=condition.width)
    return like.line(f"select {_typed([condition, like.of(x), like.of(y)])}")


def bits(x: float) -> int:
    """The 64 bits of a float, as an integer."""
    return int.from_bytes(struct.pack(">d", x), "big")
