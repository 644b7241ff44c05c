"""Machine code in memory: compiled once in a process, or read from a cache of files.

No other file calls llvmlite or looks up functions of C. llvmlite has no types, so its objects are
Any in this file.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import llvmlite
from llvmlite import binding as llvm

from tinygrad_edu.compiler.native.machine.arithmetic import LIBRARY
from tinygrad_edu.compiler.native.machine.interpreter import machine
from tinygrad_edu.ops import TABLE

__all__ = ["Library", "function_of_c", "library", "missing", "processor", "rows_with_c"]


@cache
def processor() -> tuple[int, int]:
    """Returns (doubles in a vector, vectors in registers) of this processor."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 8, 32
    if features.get("avx"):
        return 4, 16
    return 2, 32 if features.get("neon") else 16


class Library:
    """The machine code of an LLVM module, in memory as long as this object lives."""

    def __init__(self, text: str) -> None:
        _prepare()
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=1,
        )
        code = _cached(text) or _kept(text, _compiled(text, target))
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    def address(self, name: str) -> int:
        """Returns the address of a function of the module."""
        found: int = self.engine.get_function_address(name)
        return found


@cache
def library(
    width: int, vectors: int, registers: int, with_c: bool, real: str = "double"
) -> Library:
    """Returns the interpreter for rows of so many vectors. It is never freed.

    width: floats of the type `real` in a vector. with_c: whether it has the operations that call
    functions of C. Most graphs have no such operation, and without them the interpreter is compiled
    faster.
    """
    without = missing() if with_c else rows_with_c()
    return Library(machine(width, vectors, registers, without, real))


def function_of_c(name: str) -> int | None:
    """Returns the address of C's function of that name, None if this machine has none."""
    c = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    function = getattr(c, name, None)
    return function and ctypes.cast(function, ctypes.c_void_p).value


@cache
def rows_with_c() -> frozenset[str]:
    """Returns the operations that call functions of C, except powers, which most graphs have.

    If a graph has no such operation, then its derivatives have none either.
    """
    return _rows_with({*LIBRARY} - {"pow"})


@cache
def missing() -> frozenset[str]:
    """Returns the operations that call functions which the C library of this machine lacks."""
    return _rows_with([name for name in LIBRARY if function_of_c(name) is None])


def _rows_with(functions: Iterable[str]) -> frozenset[str]:
    """Returns the operations that use one of these functions."""
    without = {*functions}
    made_of = {
        name: {name} if op.traced is None else {getattr(x.op, "name", "") for x in op.traced.uses()}
        for name, op in TABLE.items()
    }
    return frozenset(name for name, parts in made_of.items() if not without.isdisjoint(parts))


@cache
def _prepare() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name in {*LIBRARY} - missing():
        llvm.add_symbol(name, function_of_c(name))


def _compiled(text: str, target: Any) -> bytes:
    """Returns the object file of an LLVM module."""
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=0)  # inlines few functions
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    code: bytes = target.emit_object(module)
    return code


def _file(text: str) -> Path:
    """Returns the cache file of a module, for this processor and this version of llvmlite."""
    made = [text, llvmlite.__version__, llvm.get_host_cpu_name()]
    made += [llvm.get_host_cpu_features().flatten(), llvm.get_default_triple()]
    name = hashlib.sha256("\n".join(made).encode()).hexdigest()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "tinygrad-edu" / name


def _cached(text: str) -> bytes:
    """Returns the code that an earlier process wrote; b"" if there is none, or it is damaged.

    A file counts only if this user owns it and nobody else may write it.
    """
    try:
        file = _file(text)
        for path in (file.parent, file):
            status = path.lstat()
            if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & 0o022):
                return b""
        kept = file.read_bytes()
    except (OSError, RuntimeError):
        return b""
    return kept[32:] if hashlib.sha256(kept[32:]).digest() == kept[:32] else b""


def _kept(text: str, code: bytes) -> bytes:
    """Writes `code` to a file for the next process, if that is possible, and returns it."""
    try:
        file = _file(text)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=file.parent, delete=False) as new:
            try:
                new.write(hashlib.sha256(code).digest() + code)
                new.close()
                os.replace(new.name, file)
            except OSError:
                os.unlink(new.name)
                raise
    except (OSError, RuntimeError):
        pass  # the next process compiles it again
    return code
