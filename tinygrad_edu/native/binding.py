"""The binding: the machine made for this processor, and programs for it, with their memory.

The only importer of the compiler library. Machine code is made once for a process, or read from a
cache of files; it is never freed, so no address of it can go stale. A program's table is checked
when it is made and cannot be changed afterwards: all that a run is given are doubles in its arena.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import llvmlite
import numpy as np
from llvmlite import binding as llvm

from tinygrad_edu.engine import Value
from tinygrad_edu.native.arithmetic import LIBRARY
from tinygrad_edu.native.check import check
from tinygrad_edu.native.lower import Cycle, Lowering
from tinygrad_edu.native.machine import BLOCK, machine, wide
from tinygrad_edu.native.pack import Packed
from tinygrad_edu.native.update import update
from tinygrad_edu.tape import Tape, record

VECTORS = (1, 2, 4, 7, 13)  # lengths of rows, of which the one is chosen that fits best
MOST_BYTES = 1 << 28  # of an arena with rows longer than one vector


@cache
def processor() -> tuple[int, int]:
    """Doubles in a vector of this processor, and how many vectors its registers hold."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 8, 32
    if features.get("avx"):
        return 4, 16
    return 2, 32 if features.get("neon") else 16


class Library:
    """Machine code in memory: `function(name)` is one of its functions, called without the GIL."""

    def __init__(self, text: str) -> None:
        _prepare()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=1,
        )
        code = _cached(text) or _kept(text, _compiled(text, machine))
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    def address(self, name: str) -> int:
        found: int = self.engine.get_function_address(name)
        return found


@cache
def _prepare() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    for name in LIBRARY:
        llvm.add_symbol(name, ctypes.cast(getattr(library, name), ctypes.c_void_p).value)


def _compiled(text: str, machine: Any) -> bytes:
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=0)  # what is to be inlined, and no more
    llvm.create_pass_builder(machine, options).getModulePassManager().run(
        module, llvm.create_pass_builder(machine, options)
    )
    code: bytes = machine.emit_object(module)
    return code


@cache
def library(width: int, vectors: int, registers: int) -> Library:
    """The machine for rows of so many vectors."""
    return Library(machine(width, vectors, registers))


def _file(text: str) -> Path:
    """Where the code of this text, made for this processor by this compiler, is kept."""
    made = (text, llvmlite.__version__, llvm.get_host_cpu_name())
    made += (llvm.get_host_cpu_features().flatten(), llvm.get_default_triple())
    name = hashlib.sha256("\n".join(made).encode()).hexdigest()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "tinygrad-edu" / name


def _cached(text: str) -> bytes:
    """The code kept in an earlier process, b'' unless it is whole, and only this user's to write."""
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
    """`code`, for the next process in a file, if one can be written."""
    try:
        file = _file(text)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=file.parent, delete=False) as new:
            new.write(hashlib.sha256(code).digest() + code)
        os.replace(new.name, file)
    except (OSError, RuntimeError):
        pass  # then it is made again
    return code


class Plan:
    """A tape lowered for rows of `vectors` vectors: table, arenas, and where things are.

    single: for one example, whose inputs are uniform, and whose graph goes in lanes if it can.
    """

    def __init__(self, program: Program, vectors: int, single: bool) -> None:
        width, registers = processor()
        weight = Value(1.0)
        self.tape = tape = (
            program.tape if single else record(program.outputs, program.wrt, weight)
        )
        slots = tape.leaves
        inputs = [] if single else [x for x in program.inputs if x in slots]
        gradient = dict(zip(program.wrt, tape.gradients))
        self.whole = [x for x in program.wrt if x in set(inputs)]
        self.parameters = [x for x in program.wrt if x not in set(inputs)]
        # what the output does not depend on has a place, too: an optimizer may move it
        slots = {x: len(tape) + i for i, x in enumerate(self.parameters)} | tape.leaves
        known = {*inputs, *self.parameters, weight}
        self.others = [x for x in tape.leaves if x not in known]
        self.lanes = width * vectors
        self.inputs, self.single = inputs, single
        arguments = (
            tape,
            [slots[x] for x in self.parameters],
            [gradient[x] for x in self.parameters],
            [slots[x] for x in inputs],
            slots.get(weight),
            [gradient[x] for x in self.whole],
            width,
            vectors,
            registers,
        )
        low = Packed(*arguments) if single else Lowering(*arguments)
        self.low = low
        self.table = low.table.tobytes()
        self.fixed = np.zeros(low.size + self.lanes)
        self.fixed[list(low.numbers)] = list(low.numbers.values())
        self.at = np.array([low.addresses[slots[x]] for x in self.parameters], np.intp)
        self.gradients_at = self.at - low.parameters_at + low.gradients_at
        self.others_at = np.array([low.addresses[slots[x]] for x in self.others], np.intp)
        self.size = 0 if single else (len(inputs) + 1) * self.lanes
        self.told = len(tape.outputs)
        self.plan = np.array(
            (low.inputs_at, self.size, 0, low.sums_at, low.zeroed - low.sums_at, self.told,
             low.whole_at, len(self.whole) * self.lanes),
            np.int64,
        )
        check(low.table, self.fixed.size, self.lanes, low.sizes)
        self.code = library(width, vectors, registers)
        self.train = ctypes.CFUNCTYPE(
            ctypes.c_int64, *[ctypes.c_void_p] * 6, ctypes.c_int64, *[ctypes.c_void_p] * 3
        )(self.code.address("train"))
        self.free: list[Any] = []

    def arena(self) -> Any:
        """Memory for a run, of nobody else's while it lasts."""
        try:
            return self.free.pop()
        except IndexError:
            return aligned(self.fixed)

    def columns(self, columns: dict[Value, Any], count: int, mean: bool) -> Any:
        """The inputs, chunk by chunk; the last is filled up with an example that weighs nothing."""
        if self.single:
            return np.zeros((1, 1))
        chunks = -(-count // self.lanes)
        table = np.empty((len(self.inputs) + 1, chunks * self.lanes))
        for row, x in zip(table, self.inputs):
            row[:count] = columns[x]
            row[count:] = row[0]
        table[-1, :count] = 1 / count if mean else 1.0
        table[-1, count:] = 0.0
        chunked = table.reshape(len(table), chunks, self.lanes).transpose(1, 0, 2)
        return np.ascontiguousarray(chunked)


def aligned(numbers: Any) -> Any:
    """A copy that begins where a vector may: else each load of one would touch two lines."""
    space = np.empty(len(numbers) + BLOCK)
    skip = -space.ctypes.data // 8 % BLOCK
    copy = space[skip : skip + len(numbers)]
    copy[:] = numbers
    return copy


class Program:
    """The machine-code backend of a compiled step."""

    def __init__(
        self, tape: Tape, outputs: Sequence[Value], wrt: Sequence[Value], inputs: Sequence[Value]
    ) -> None:
        self.tape, self.outputs = tape, list(outputs)
        self.wrt, self.inputs = list(wrt), list(inputs)
        self.plans: dict[tuple[int, bool], Plan] = {}

    def plan(self, count: int) -> Plan:
        """For so many examples: the least padding, and then the longest rows."""
        width, _ = processor()
        single = count == 1

        def cost(vectors: int) -> tuple[int, int]:
            chunks = -(-count // (vectors * width))
            return chunks * (vectors + 2), -vectors

        vectors = min(VECTORS, key=cost)
        if (vectors, single) not in self.plans:
            try:
                plan = Plan(self, vectors, single)
            except Cycle:  # what seemed alike is one after the other: no lanes, then
                plan = Plan(self, vectors, False)
            self.plans[vectors, single] = plan
        return self.plans[vectors, single]

    def run(self, columns: Sequence[Any], count: int) -> tuple[list[float], list[float]]:
        """The outputs, and the gradients in the order of `wrt`, added up over the examples."""
        run = Run(self.plan(count), dict(zip(self.inputs, columns)), count, False)
        outputs = run.steps(1)[0].tolist()
        found = run.gradients()
        run.plan.free.append(run.arena)
        return outputs, [found.get(x, 0.0) for x in self.wrt]

    def training(
        self, columns: Sequence[Any], count: int, mean: bool, optimizer: Any
    ) -> Run | None:
        """A run in which the optimizer moves the parameters, None if it has others than the tape.

        mean: outputs and gradients are means over the examples.
        """
        plan = self.plan(count)
        if set(plan.parameters) != set(optimizer.parameters):
            return None
        return Run(plan, dict(zip(self.inputs, columns)), count, mean, optimizer)


class Run:
    """A plan, an arena with its numbers in it, and the columns; with an optimizer, a training."""

    def __init__(
        self,
        plan: Plan,
        columns: dict[Value, Any],
        count: int,
        mean: bool,
        optimizer: Any = None,
    ) -> None:
        self.plan, self.optimizer = plan, optimizer
        self.data = plan.columns(columns, count, mean)
        self.arena = plan.arena()
        self.arena[plan.at] = [p.data for p in plan.parameters]
        self.arena[plan.others_at] = [
            np.ravel(columns[p])[0] if p in columns else p.data for p in plan.others
        ]
        self.numbers = plan.plan.copy()
        self.numbers[2] = len(self.data)
        self.whole = np.empty(max(1, len(self.data) * len(plan.whole) * plan.lanes))
        self.update: Any = None
        if optimizer is not None:
            self._prepare(optimizer)

    def _prepare(self, optimizer: Any) -> None:
        plan, width = self.plan, processor()[0]
        leaves, results = optimizer.recorded()
        self.library = update_library(update(leaves, results, width, wide(width)))
        self.update = self.library.address("update")
        size = plan.low.blocks * BLOCK
        self.kept = optimizer.kept()
        begins = [len(self.arena) + i * size for i in range(len(self.kept))]
        self.arena = aligned(np.concatenate([self.arena, np.zeros(size * len(begins))]))
        places = [size // width, plan.low.parameters_at, plan.low.gradients_at, *begins]
        self.places = np.array(places, np.int64)
        number = {p: i for i, p in enumerate(optimizer.parameters)}
        self.order = [number[p] for p in plan.parameters]
        self.kept_at = [plan.at - plan.low.parameters_at + begin for begin in begins]
        for at, numbers in zip(self.kept_at, self.kept):
            self.arena[at] = [numbers[i] for i in self.order]

    def steps(self, count: int) -> Any:
        """The outputs of each of so many steps; fewer where the first is not finite, or rates end."""
        plan = self.plan
        settings: Any = None
        if self.optimizer is not None:
            begin = self.optimizer.steps
            rates: list[float] = []
            try:
                for i in range(begin, begin + count):
                    rates.append(self.optimizer.rate_at(i))
            except Exception:  # a schedule that ends: up to there, and then it is an error
                if not rates:
                    raise
            count = len(rates)
            settings = np.array([rates, range(begin, begin + count)], float).T.copy()
        told = np.empty((count, plan.told))
        done = plan.train(
            self.arena.ctypes.data,
            plan.table,
            self.numbers.ctypes.data,
            self.data.ctypes.data,
            self.whole.ctypes.data,
            told.ctypes.data,
            count,
            self.update,
            None if settings is None else self.places.ctypes.data,
            None if settings is None else settings.ctypes.data,
        )
        if self.optimizer is not None:
            self.optimizer.steps += done
        return told[:done]

    def save(self) -> tuple[Any, int]:
        """All that a run changes, for `restore`."""
        return self.arena.copy(), self.optimizer.steps

    def restore(self, saved: tuple[Any, int]) -> None:
        """Goes back to what was saved."""
        self.arena[:], self.optimizer.steps = saved

    def finite(self) -> bool:
        """Whether all parameters are."""
        return bool(np.isfinite(self.arena[self.plan.at]).all())

    def gradients(self) -> dict[Value, float]:
        """Of the last step, by what is no input."""
        plan = self.plan
        return dict(zip(plan.parameters, self.arena[plan.gradients_at].tolist()))

    def write(self) -> None:
        """Gives the parameters, and what the optimizer keeps for them, their numbers of now."""
        found = self.gradients()
        for p, x in zip(self.plan.parameters, self.arena[self.plan.at].tolist()):
            p.data, p.grad = x, found[p]
        for at, numbers in zip(self.kept_at, self.kept):
            for i, x in zip(self.order, self.arena[at].tolist()):
                numbers[i] = x


@cache
def update_library(text: str) -> Library:
    return Library(text)
