"""Which function of `math` or `cmath` a frame is calling, read from its bytecode.

A frame knows the instruction that it is at. If it is a call, a walk back through the instructions
finds the one that put the callable on the stack; its name is looked up as the interpreter would
do it, and nothing of the user's is run. The text of the program is not needed.

Bytecode is nobody's interface: it differs from version to version. What is not understood, in
CPython from 3.10 to 3.15 or elsewhere, gives no answer and no error.
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
MOST = 2000  # instructions that are looked at on the way back from one call
PLACES = 1000  # of which it is remembered what they call

# Instructions that push nothing (by how their names begin), that end a straight run, and that go
# through what they are given.
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
    """The function of `math` or `cmath` that the frame is calling now, None if that is not known.

    Found by whatever name it has there, in a module, a variable, an attribute, a list, a
    dictionary or a `partial`, and where it was handed to `map`, `reduce` and the like.
    """
    if not UNDERSTOOD:
        return None
    try:
        code, at = frame.f_code, frame.f_lasti
        known = _known.get((id(code), at))
        if known is None:
            if len(_known) >= PLACES:
                _known.clear()
            # with the code, so that no other one has its id
            known = _known[id(code), at] = code, _Reader(code).expression(at)
        return _called(known[1], frame)
    except Exception:  # whatever it is, it is not a mistake in the user's program
        return None


def is_formatting(frame: FrameType) -> bool:
    """Whether the frame is at a `%`, which asks for a number only to write it into a text."""
    try:
        op = _Reader(frame.f_code).at(frame.f_lasti)
        return "MODULO" in op.opname or (op.opname == "BINARY_OP" and "%" in op.argrepr)
    except Exception:
        return False


def is_looked_at(frame: FrameType) -> bool:
    """Whether what the frame asks for is compared, written, printed or noted at once."""
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
    """Whether the frame is at `xs.index(x)` or `xs.remove(x)`, which find x itself or raise."""
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
    """The function of `math` that is called where `x` is evaluated."""
    if isinstance(x, _Iteration):
        return _mapped(x.of, frame)
    if not isinstance(x, _Call):
        return None
    callee = _value(x.function, frame)
    if callee is float:  # the most frequent case, made short
        return None
    function = _function(callee)
    if function is not None:
        return function
    # A function written in Python has a frame of its own. So this one is written in C, and asks a
    # Value for its number: it calls what it was handed, or goes through a map.
    found = (_function(_value(arg, frame)) or _mapped(arg, frame) for arg in x.args)
    return next(filter(None, found), None)


def _function(x: object) -> Any:
    while isinstance(x, partial):
        x = x.func
    return x if type(x) is BuiltinFunctionType and x in FUNCTIONS else None


def _mapped(x: _Expression, frame: FrameType) -> Any:
    """The function of `math` that a map applies, whether it is made here or was made before."""
    if isinstance(x, _Call):
        made_here = _value(x.function, frame) is map and x.args
        return _function(_value(x.args[0], frame)) if made_here else None
    value = _value(x, frame)
    return _function(value.__reduce__()[1][0]) if type(value) is map else None


def _value(x: _Expression, frame: FrameType) -> Any:
    """The value of an expression now, None where it would have to be computed."""
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
    """The attribute, without running anybody's `__getattr__` or property."""
    if type(x) is ModuleType:
        return vars(x).get(name)
    from inspect import getattr_static

    found = getattr_static(x, name, None)
    return found.__func__ if isinstance(found, staticmethod) else found


# --- from instructions to an expression -----------------------------------------------------------


class _Reader:
    """The instructions of a code, and what expression an instruction works on.

    Places on the stack are counted from its top, which is 1.
    """

    def __init__(self, code: CodeType) -> None:
        self.instructions, self.index, self.sources = _disassembled(code)

    def at(self, offset: int) -> Instruction:
        """The instruction at an offset."""
        return self.instructions[self.index[offset]]

    def expression(self, offset: int) -> _Expression:
        """The call or the iteration at an offset."""
        k = self.index[offset]
        if self.instructions[k].opname in _GO_THROUGH:
            return _Iteration(self.item(k, 1))
        return self.call(k)

    def call(self, k: int) -> _Expression:
        """The call that instruction k makes; of one with keywords, only the function."""
        if self.instructions[k - 1].opname == "PRECALL":  # 3.11 counts the arguments off there
            k -= 1
        op = self.instructions[k]
        name, count = op.opname, op.arg or 0
        after = VERSION >= (3, 13)  # where the callable lies under `self` or NULL, not above it
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
        """The expression whose value lies in a place of the stack before instruction k."""
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
        """The instructions that may have put there what lies in a place before instruction k.

        Each with the place that it had just after.
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
        """The instructions after which k may come, and by how much the stack grows at each."""
        from dis import HAVE_ARGUMENT, stack_effect

        for source, jump in self.sources.get(k, ()):
            op = self.instructions[source]
            argument = op.arg if op.opcode >= HAVE_ARGUMENT else None
            yield source, stack_effect(op.opcode, argument, jump=jump)


@lru_cache(maxsize=8)
def _disassembled(
    code: CodeType,
) -> tuple[list[Instruction], dict[int, int], dict[int, list[tuple[int, bool]]]]:
    """The instructions, the index of each by its offset, and after which each may come."""
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
    """How many places from the top hold what the instruction has put there."""
    name = op.opname
    if name in ("COPY", "SWAP", "DUP_TOP", "ROT_TWO", "ROT_THREE", "ROT_FOUR"):
        return 0  # they were there before: see _moved
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
    """The place, before the instruction, of what lies in a place after it."""
    name, depth = op.opname, op.arg or 1
    if name in ("COPY", "DUP_TOP"):
        return depth if place == 1 else place - 1
    if name == "SWAP":
        return {1: depth, depth: 1}.get(place, place)
    if name.startswith("ROT_"):
        depth = {"ROT_TWO": 2, "ROT_THREE": 3, "ROT_FOUR": 4}[name]
        return 1 if place == depth else place + 1 if place < depth else place
    return place - effect
