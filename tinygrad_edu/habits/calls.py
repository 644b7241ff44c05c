"""Finds the function of `math` or `cmath` that a frame is calling, from its bytecode.

A frame knows its current instruction. If that is a call, a walk back through the instructions
finds the one that put the callable on the stack. This module looks its name up as the interpreter
would, and runs no code of the user. It does not need the source text.

Bytecode is not a stable interface: it differs between versions. Bytecode that this module does not
understand, in CPython 3.10 to 3.15 or another Python, gives no answer and no error.
"""

from __future__ import annotations

import cmath
import math
import sys
from collections.abc import Iterator
from functools import lru_cache, partial
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Union

if TYPE_CHECKING:
    from dis import Instruction

__all__ = [
    "FUNCTIONS",
    "MOST",
    "PLACES",
    "UNDERSTOOD",
    "VERSION",
    "function_of_math",
    "is_formatting",
    "is_looked_at",
    "is_searched",
]

FUNCTIONS = frozenset(
    function
    for module in (math, cmath)
    for function in vars(module).values()
    if type(function) is BuiltinFunctionType
)
VERSION = sys.version_info[:2]
UNDERSTOOD = sys.implementation.name == "cpython" and (3, 10) <= VERSION <= (3, 15)
MOST = 2000  # most instructions examined on the way back from one call
PLACES = 1000  # places in programs whose function is cached

# Instructions that push nothing (by the start of their names), that end a straight run, and that
# iterate over an object.
_PUSH_NOTHING = (
    *("CACHE", "COPY_FREE_VARS", "DELETE_", "DICT_MERGE", "DICT_UPDATE", "END_FOR", "EXTENDED_ARG"),
    *("JUMP", "KW_NAMES", "LIST_APPEND", "LIST_EXTEND", "MAKE_CELL", "MAP_ADD", "NOP", "NOT_TAKEN"),
    *("POP_", "PRECALL", "RESUME", "SETUP_", "SET_ADD", "SET_UPDATE", "STORE_"),
)
_END = (
    *("INTERPRETER_EXIT", "JUMP_ABSOLUTE", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"),
    *("JUMP_FORWARD", "RAISE_VARARGS", "RERAISE", "RETURN_CONST", "RETURN_VALUE"),
)
_NOTES = ("append", "print", "isfinite", "isnan", "isinf")
_GO_THROUGH = ("FOR_ITER", "LIST_EXTEND", "SET_UPDATE", "UNPACK_SEQUENCE")


class _Name(NamedTuple):
    name: str
    local: bool


class _Constant(NamedTuple):
    value: object


class _Attribute(NamedTuple):
    of: _Expression
    name: str


class _Item(NamedTuple):
    of: _Expression
    key: _Expression


class _Call(NamedTuple):
    function: _Expression
    args: tuple[_Expression, ...]


class _Iteration(NamedTuple):
    of: _Expression


_Expression = Union[_Name, _Constant, _Attribute, _Item, _Call, _Iteration, None]  # noqa: UP007
_known: dict[tuple[int, int], tuple[CodeType, _Expression]] = {}


def function_of_math(frame: FrameType) -> Any:
    """Returns the function of `math` or `cmath` that the frame is calling now, None if unknown.

    It can stand in a module, a variable, an attribute, a list, a dictionary or a `partial`, or be
    an argument of `map`, `reduce` and the like.
    """
    if not UNDERSTOOD:
        return None
    try:
        code, at = frame.f_code, frame.f_lasti
        known = _known.get((id(code), at))
        if known is None:
            if len(_known) >= PLACES:
                _known.clear()
            # keeps the code alive, so that its id stays unique
            known = _known[id(code), at] = code, _Reader(code).expression(at)
        return _called(known[1], frame)
    except Exception:  # a failure here is not the user's mistake
        return None


def is_formatting(frame: FrameType) -> bool:
    """Whether the frame is at a `%` that formats text, and so only prints the number."""
    try:
        op = _Reader(frame.f_code).at(frame.f_lasti)
        return "MODULO" in op.opname or (op.opname == "BINARY_OP" and "%" in op.argrepr)
    except Exception:
        return False


def is_looked_at(frame: FrameType) -> bool:
    """Whether the frame only compares, formats, prints or stores the number that it reads."""
    try:
        reader = _Reader(frame.f_code)
        k = reader.index[frame.f_lasti]
        for i in range(k + 1, min(k + 12, len(reader.instructions))):
            name = reader.instructions[i].opname
            if name.startswith(("COMPARE", "FORMAT", "CONTAINS", "IS_OP")):
                return True
            if name in ("CALL", "CALL_FUNCTION", "CALL_METHOD", "CALL_KW", "CALL_FUNCTION_KW"):
                made = reader.call(i)
                called = made.function if isinstance(made, _Call) else None
                if isinstance(called, _Name | _Attribute) and called.name in _NOTES:
                    return True
                if not isinstance(called, _Name) or called.name not in ("abs", "float"):
                    return False
            elif not name.startswith(("LOAD_", "CACHE", "PRECALL", "COPY", "KW_NAMES", "PUSH_")):
                return False
    except Exception:
        pass
    return False


def is_searched(frame: FrameType, x: object) -> bool:
    """Whether the frame is at `xs.index(x)` or `xs.remove(x)`, where identity is the right test."""
    try:
        found = _Reader(frame.f_code).expression(frame.f_lasti)
    except Exception:
        return False
    if not isinstance(found, _Call) or not found.args:
        return False
    called = found.function
    name = called.name if isinstance(called, _Attribute) else ""
    name = name or getattr(_value(called, frame), "__name__", "")
    return name in ("index", "remove") and _value(found.args[0], frame) is x


# --- from an expression to its value in a frame ---------------------------------------------------


def _called(x: _Expression, frame: FrameType) -> Any:
    """Returns the function of `math` that evaluating `x` calls."""
    if isinstance(x, _Iteration):
        return _mapped(x.of, frame)
    if not isinstance(x, _Call):
        return None
    callee = _value(x.function, frame)
    if callee is float:  # a shortcut for the most frequent case
        return None
    function = _function(callee)
    if function is not None:
        return function
    # A function written in Python has a frame of its own, so this function is written in C. It
    # reads the number of a Value because it calls an argument or iterates over a map.
    found = (_function(_value(arg, frame)) or _mapped(arg, frame) for arg in x.args)
    return next(filter(None, found), None)


def _function(x: object) -> Any:
    while isinstance(x, partial):
        x = x.func
    return x if type(x) is BuiltinFunctionType and x in FUNCTIONS else None


def _mapped(x: _Expression, frame: FrameType) -> Any:
    """Returns the function of `math` that a map applies, made in this expression or before it."""
    if isinstance(x, _Call):
        made_here = _value(x.function, frame) is map and x.args
        return _function(_value(x.args[0], frame)) if made_here else None
    value = _value(x, frame)
    return _function(value.__reduce__()[1][0]) if type(value) is map else None


def _value(x: _Expression, frame: FrameType) -> Any:
    """Returns the present value of an expression, None if code would have to run for it."""
    if isinstance(x, _Name):
        name = x.name
        if x.local and name in frame.f_locals:
            return frame.f_locals[name]
        scope = frame.f_globals
        return scope[name] if name in scope else frame.f_builtins.get(name)
    if isinstance(x, _Constant):
        return x.value
    if isinstance(x, _Attribute):
        return _attribute(_value(x.of, frame), x.name)
    if isinstance(x, _Item):
        items, key = _value(x.of, frame), _value(x.key, frame)
        plain = type(items) in (dict, list, tuple) and type(key) in (str, int)
        return items[key] if plain else None
    if isinstance(x, _Call):
        function = _value(x.function, frame)
        if function is partial:
            return _value(x.args[0], frame)
        if function is getattr:
            return _attribute(*(_value(arg, frame) for arg in x.args[:2]))
    return None


def _attribute(x: object, name: str) -> Any:
    """Returns the attribute without running a `__getattr__` or a property."""
    if type(x) is ModuleType:
        return vars(x).get(name)
    from inspect import getattr_static

    found = getattr_static(x, name, None)
    return found.__func__ if isinstance(found, staticmethod) else found


# --- from instructions to an expression -----------------------------------------------------------


class _Reader:
    """The instructions of a code object, and the expressions that they work on.

    Positions on the stack count from its top, which is 1.
    """

    def __init__(self, code: CodeType) -> None:
        self.instructions, self.index, self.sources = _disassembled(code)

    def at(self, offset: int) -> Instruction:
        """Returns the instruction at an offset."""
        return self.instructions[self.index[offset]]

    def expression(self, offset: int) -> _Expression:
        """Returns the call or the iteration at an offset."""
        k = self.index[offset]
        if self.instructions[k].opname in _GO_THROUGH:
            return _Iteration(self.item(k, 1))
        return self.call(k)

    def call(self, k: int) -> _Expression:
        """Returns the call that instruction k makes; if it has keywords, only the function."""
        if self.instructions[k - 1].opname == "PRECALL":  # in 3.11 this instruction precedes a call
            k -= 1
        op = self.instructions[k]
        name, count = op.opname, op.arg or 0
        after = VERSION >= (3, 13)  # from 3.13 on the callable lies below `self` or NULL
        if name == "CALL_FUNCTION_EX":
            above = 2 if VERSION >= (3, 14) else 1 + (count & 1)
            return _Call(self.item(k, above + 1 + after), ())
        if name in ("CALL_KW", "CALL_FUNCTION_KW"):
            return _Call(self.item(k, count + 2 + after), ())
        if name not in ("CALL", "PRECALL", "CALL_FUNCTION", "CALL_METHOD"):
            return None
        before = [op.opname for op in self.instructions[max(0, k - 2) : k]]
        places = () if "KW_NAMES" in before else range(count, 0, -1)
        return _Call(self.item(k, count + 1 + after), tuple(self.item(k, i) for i in places))

    def item(self, k: int, place: int) -> _Expression:
        """Returns the expression whose value is at position `place` before instruction k."""
        origins = set(self.origins(k, place))
        if len(origins) != 1:  # it depends on a branch
            return None
        k, place = origins.pop()
        op = self.instructions[k]
        name = op.opname
        if name.startswith(("LOAD_FAST", "STORE_FAST_LOAD_FAST")):
            names = op.argval if isinstance(op.argval, tuple) else (op.argval,)
            return _Name(names[-place], local=True)
        if name in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF"):
            return _Name(op.argval, local=name != "LOAD_GLOBAL")
        if name in ("LOAD_CONST", "LOAD_SMALL_INT"):
            return _Constant(op.argval)
        if name in ("LOAD_ATTR", "LOAD_METHOD"):
            return _Attribute(self.item(k, 1), op.argval)
        if name == "BINARY_SUBSCR" or (name == "BINARY_OP" and op.argrepr == "[]"):
            return _Item(self.item(k, 2), self.item(k, 1))
        if name == "GET_ITER":
            return self.item(k, 1)
        return self.call(k)

    def origins(self, k: int, place: int) -> Iterator[tuple[int, int]]:
        """Yields the instructions that may have pushed the value at position `place` before k.

        Each comes with the position of the value just after that instruction.
        """
        seen = {(k, place)}
        pending = [(k, place)]
        while pending:
            k, place = pending.pop()
            for source, effect in self.before(k):
                op = self.instructions[source]
                if place <= _pushed(op, effect):
                    yield source, place
                    continue
                state = source, _moved(op, place, effect)
                if state not in seen:
                    seen.add(state)
                    pending.append(state)
            if len(seen) > MOST:
                raise ValueError("too many instructions")

    def before(self, k: int) -> Iterator[tuple[int, int]]:
        """Yields the possible predecessors of instruction k, and how much each grows the stack."""
        from dis import HAVE_ARGUMENT, stack_effect

        for source, jump in self.sources.get(k, ()):
            op = self.instructions[source]
            argument = op.arg if op.opcode >= HAVE_ARGUMENT else None
            yield source, stack_effect(op.opcode, argument, jump=jump)


@lru_cache(maxsize=8)
def _disassembled(
    code: CodeType,
) -> tuple[list[Instruction], dict[int, int], dict[int, list[tuple[int, bool]]]]:
    """Returns the instructions, their indices by offset, and the predecessors of each."""
    import dis  # late: importing the package stays fast

    instructions = list(dis.get_instructions(code))
    index = {op.offset: k for k, op in enumerate(instructions)}
    jumps = {*dis.hasjrel, *dis.hasjabs}
    sources: dict[int, list[tuple[int, bool]]] = {}
    for k, op in enumerate(instructions):
        if op.opname not in _END:
            sources.setdefault(k + 1, []).append((k, False))
        if op.opcode in jumps:
            sources.setdefault(index[op.argval], []).append((k, True))
    return instructions, index, sources


def _pushed(op: Instruction, effect: int) -> int:
    """Returns the number of positions from the top that the instruction has pushed."""
    name = op.opname
    if name in ("COPY", "SWAP", "DUP_TOP", "ROT_TWO", "ROT_THREE", "ROT_FOUR"):
        return 0  # it only moves values: see _moved
    if name.startswith("STORE_FAST_LOAD_FAST"):
        return 1
    if name.startswith(_PUSH_NOTHING):
        return 0
    if name.startswith("UNPACK_"):
        return effect + 1
    if name.startswith(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")):
        return 2 if name == "LOAD_METHOD" or (VERSION >= (3, 12) and (op.arg or 0) & 1) else 1
    return max(1, effect) if name.startswith("LOAD_") else 1


def _moved(op: Instruction, place: int, effect: int) -> int:
    """Returns the position before the instruction of the value at position `place` after it."""
    name, depth = op.opname, op.arg or 1
    if name in ("COPY", "DUP_TOP"):
        return depth if place == 1 else place - 1
    if name == "SWAP":
        return {1: depth, depth: 1}.get(place, place)
    if name.startswith("ROT_"):
        depth = {"ROT_TWO": 2, "ROT_THREE": 3, "ROT_FOUR": 4}[name]
        return 1 if place == depth else place + 1 if place < depth else place
    return place - effect
