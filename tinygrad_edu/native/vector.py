"""Arithmetic that writes itself down as instructions of LLVM, one for each operation.

Where floats give a number, and Formulas text, a `Vector` gives machine code, for all of its lanes
at once. If `a` is one of two lanes, `a * 2 + 1` writes

    %v0 = fmul <2 x double> %a, <double 0x4000000000000000, double 0x4000000000000000>
    %v1 = fadd <2 x double> %v0, <double 0x3ff0000000000000, double 0x3ff0000000000000>

and a row of the table, called with it, a call of that row's function: so a rule can write itself.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from tinygrad_edu.ops import TABLE, Op


def _infix(name: str, kind: str = "") -> Callable[[Vector, Vector | float], Vector]:
    return lambda a, b: a.write(name, a, b, kind=kind)


def _reflected(name: str) -> Callable[[Vector, float], Vector]:
    return lambda b, a: b.write(name, a, b)


class Vector:
    """A vector in a function that is being written: its name there, and the kind of its lanes.

    They are floats ("double"), their 64 bits as an integer that wraps round ("i64"), or what a
    comparison says ("i1").
    """

    def __init__(self, lines: list[str], width: int, name: str, kind: str = "double") -> None:
        self.lines, self.width, self.name, self.kind = lines, width, name, kind
        self.type = f"<{width} x {kind}>"

    def __bool__(self) -> bool:
        raise TypeError("what a Vector is, only a run tells: a rule cannot ask")

    def line(self, text: str, kind: str = "") -> Vector:
        """The result of one more line of the function."""
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {text}")
        return Vector(self.lines, self.width, name, kind or self.kind)

    def write(self, name: str, *args: Vector | float, kind: str = "") -> Vector:
        """The result of an instruction on vectors like this one; those of floats begin with f."""
        f = "f" if self.kind == "double" else ""
        return self.line(f"{f}{name} {self.type} {', '.join(map(self.operand, args))}", kind)

    def call(self, function: str, *args: Vector | float) -> Vector:
        """The result of a function of vectors like this one."""
        operands = ", ".join(f"{self.type} {self.operand(x)}" for x in args)
        return self.line(f"call {self.type} @{function}({operands})")

    def intrinsic(self, name: str, *args: Vector | float) -> Vector:
        """The result of a function that LLVM brings along."""
        return self.call(f"llvm.{name}.v{self.width}f64", *args)

    def cast(self, kind: str) -> Vector:
        """The same bits as another kind."""
        return self.line(f"bitcast {self.type} {self.name} to <{self.width} x {kind}>", kind)

    def operand(self, x: Vector | float) -> str:
        """`x` as it stands in an instruction on this vector: a number is put in every lane."""
        if isinstance(x, Vector):
            return x.name
        lane = f"i64 {x}" if self.kind == "i64" else f"double 0x{bits(x):016x}"
        return f"<{', '.join([lane] * self.width)}>"

    def _apply(self, op: Op, *args: Vector | float) -> Vector:
        return self.call(f"row_{op.name}", *args)

    __add__, __radd__ = _infix("add"), _reflected("add")
    __sub__, __rsub__ = _infix("sub"), _reflected("sub")
    __mul__, __rmul__ = _infix("mul"), _reflected("mul")
    __truediv__, __rtruediv__ = _infix("div"), _reflected("div")
    __lt__, __le__ = _infix("cmp olt", "i1"), _infix("cmp ole", "i1")
    __gt__, __ge__ = _infix("cmp ogt", "i1"), _infix("cmp oge", "i1")
    __lshift__, __rshift__ = _infix("shl"), _infix("lshr")
    __and__, __or__ = _infix("and"), _infix("or")
    equals = _infix("cmp oeq", "i1")

    def __neg__(self) -> Vector:
        return self.write("neg", self)

    def __abs__(self) -> Vector:
        return self.intrinsic("fabs", self)

    def __pow__(self, b: Vector | float) -> Vector:
        return self * self if b == 2 else self._apply(TABLE["pow"], self, b)


def muladd(a: Vector, b: Vector | float, c: Vector | float) -> Vector:
    """a * b + c, and rounded only once where the machine can."""
    return a.intrinsic("fmuladd", a, b, c)


def when(condition: Vector, x: Vector | float, y: Vector | float) -> Vector:
    """`x` in the lanes where the condition holds, else `y`."""
    v = Vector(condition.lines, condition.width, "")
    either = f"{v.type} {v.operand(x)}, {v.type} {v.operand(y)}"
    return v.line(f"select {condition.type} {condition.name}, {either}")


def bits(x: float) -> int:
    """The 64 bits of a float, as an integer."""
    return int.from_bytes(struct.pack(">d", x), "big")
