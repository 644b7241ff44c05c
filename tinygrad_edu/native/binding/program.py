"""The binding: a compiled loss's program, its memory, and the calls of the machine code.

The machine is never freed, and a run keeps the code of its update: no address can go stale. A
program's table is checked when it is made and cannot be changed afterwards: all that a run is given
are doubles in its arena.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tinygrad_edu.engine import Value
from tinygrad_edu.errors import MissingError
from tinygrad_edu.native.binding.check import check
from tinygrad_edu.native.binding.library import Library, library, missing, processor, rows_with_c
from tinygrad_edu.native.lowering.lower import lower
from tinygrad_edu.native.machine.instructions import BLOCK, outputs, wide
from tinygrad_edu.native.machine.update import Update
from tinygrad_edu.tape import Tape, no_collection

__all__ = ["VECTORS", "Plan", "Program", "Run", "aligned"]

VECTORS = (1, 2, 4, 7, 13)  # lengths of rows: 13 and two rows' sums fill 32 registers, 7 half


class Plan:
    """A tape lowered for rows of `vectors` vectors: its table, and where things are in an arena.

    single: for one example, whose inputs are the same in all lanes: lanes are what is alike in its
    graph. numbers: the plan that the machine's `train` is given; a run sets how many chunks there
    are, and how many settings a step has. free: arenas that no run has now.
    """

    def __init__(self, program: Program, vectors: int, single: bool) -> None:
        width, registers = processor()
        tape, sizes = program.tape, outputs(vectors, registers)
        self.parameters, self.single = program.wrt, single
        self.inputs = [] if single else [x for x in program.inputs if x in tape.leaves]
        # what the output does not depend on has a place, too: an optimizer may move it
        slots = {x: len(tape) + i for i, x in enumerate(self.parameters)} | tape.leaves
        known = {*self.inputs, *self.parameters}
        self.others = [x for x in tape.leaves if x not in known]
        self.lanes, self.told = width * vectors, len(tape.outputs)
        inputs = None if single else [slots[x] for x in self.inputs]
        wanted = [slots[x] for x in self.parameters]
        with ThreadPoolExecutor(1) as pool:  # the first machine is compiled meanwhile
            with_c = not rows_with_c().isdisjoint(op.name for op in {*tape.ops})
            code = pool.submit(library, width, vectors, registers, with_c)
            low = lower(tape, wanted, inputs, self.lanes, sizes)
            self.code = code.result()
        for name in low.operations & missing():  # of the derivatives, too
            raise MissingError(f"this machine has no function for the operation {name}")
        places = low.layout
        self.bytecode = np.array(low.bytecode, np.int32).tobytes()  # which nobody can change
        self.fixed = np.zeros(low.size)
        self.fixed[list(low.numbers)] = list(low.numbers.values())
        check(low.bytecode, self.fixed.size, self.lanes, sizes, low.blocks)
        self.at, self.others_at = (
            np.array([places.slots[slots[x]] for x in leaves], np.intp)
            for leaves in (self.parameters, self.others)
        )
        self.size, self.begin = low.blocks * BLOCK, places.parameters_at
        self.slopes = places.gradients_at
        size = 0 if single else (len(self.inputs) + 2) * self.lanes
        sums = (places.zero_at, places.zeroed, places.outputs_at, self.told)
        self.numbers = np.array((places.inputs_at, size, 0, *sums, 0), np.int64)
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        types = (*[pointer] * 5, number, *[pointer] * 3)
        self.train = ctypes.CFUNCTYPE(number, *types)(self.code.address("train"))
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
        table = np.empty((len(self.inputs) + 2, chunks * self.lanes))
        for row, x in zip(table, self.inputs):
            row[:count] = columns[x]
            row[count:] = row[0]
        table[-2, :count], table[-1, :count] = 1 / count if mean else 1.0, 1.0
        table[-2:, count:] = 0.0
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
    """The machine-code backend of a compiled loss; wrt has no inputs."""

    def __init__(self, tape: Tape, wrt: Sequence[Value], inputs: Sequence[Value]) -> None:
        self.tape, self.wrt, self.inputs = tape, list(wrt), list(inputs)
        self.plans: dict[tuple[int, bool], Plan] = {}
        self.updates: dict[Any, tuple[Update, Library]] = {}

    def plan(self, count: int) -> Plan:
        """For so many examples: the least padding, and then the longest rows."""
        width, _ = processor()

        def cost(vectors: int) -> tuple[int, int]:
            chunks = -(-count // (vectors * width))
            return chunks * (vectors + 2), -vectors

        key = (BLOCK // width if count == 1 else min(VECTORS, key=cost)), count == 1
        if key not in self.plans:
            with no_collection():
                self.plans[key] = Plan(self, *key)
        return self.plans[key]

    def run(self, columns: Sequence[Any], count: int) -> tuple[list[float], list[float]]:
        """The outputs, and the gradients in the order of `wrt`, added up over the examples."""
        run = Run(self, columns, count, False)
        outputs = run.steps(1)[0].tolist()
        gradients = run.gradients()
        run.plan.free.append(run.arena)
        return outputs, gradients

    def training(
        self, columns: Sequence[Any], count: int, mean: bool, optimizer: Any
    ) -> Run | None:
        """A run in which the optimizer moves the parameters, None if it has others than `wrt`.

        mean: gradients are means over the examples; outputs are sums.
        """
        if set(self.wrt) != set(optimizer.parameters):
            return None
        return Run(self, columns, count, mean, optimizer)

    def update(self, optimizer: Any) -> tuple[Update, Library]:
        """The code of its formula; the settings are constants in it."""
        key = optimizer.rule()
        if key not in self.updates:
            (leaves, results), (width, _) = optimizer.recorded(), processor()
            update = Update(leaves, results, width, wide(width))
            self.updates[key] = update, Library(update.text)
        return self.updates[key]


class Run:
    """A plan, an arena with its numbers in it, and the columns; with an optimizer, a training."""

    def __init__(
        self,
        program: Program,
        columns: Sequence[Any],
        count: int,
        mean: bool,
        optimizer: Any = None,
    ) -> None:
        self.plan = plan = program.plan(count)
        self.optimizer = optimizer
        named = dict(zip(program.inputs, columns))
        self.data = plan.columns(named, count, mean)
        self.arena = plan.arena()
        self.arena[plan.at] = [p._data for p in plan.parameters]
        others = (np.ravel(named[x])[0] if x in named else x._data for x in plan.others)
        self.arena[plan.others_at] = list(others)
        self.numbers = plan.numbers.copy()
        self.numbers[2] = len(self.data)
        self.update: int | None = None
        self.places, self.kept = np.zeros(1, np.int64), list[Any]()
        if optimizer is not None:
            self._prepare(*program.update(optimizer), optimizer)
        arrays = (self.arena, self.numbers, self.data, self.places)
        self.pointers = [x.ctypes.data for x in arrays]  # which takes a microsecond each

    def _prepare(self, update: Update, code: Library, optimizer: Any) -> None:
        """Room after the arena for what the optimizer keeps, in the order of the parameters."""
        plan, self.formula = self.plan, update
        self.numbers[7] = len(update.common)
        self.update_code = code  # without it the machine code at that address would be gone
        self.update = code.address("update")
        kept = optimizer.kept()
        begins = [len(self.arena) + i * plan.size for i in range(len(kept))]
        self.arena = aligned(np.concatenate([self.arena, np.zeros(plan.size * len(kept))]))
        self.places = np.array([plan.begin, plan.slopes, *begins], np.int64)
        number = {p: i for i, p in enumerate(optimizer.parameters)}
        order = [number[p] for p in plan.parameters]
        self.kept = [(plan.at - plan.begin + at, order, xs) for at, xs in zip(begins, kept)]
        for at, order, xs in self.kept:
            self.arena[at] = [xs[i] for i in order]

    def steps(self, count: int) -> Any:
        """The outputs of each of so many steps, fewer where one is not finite, or rates end."""
        settings = np.zeros((count, 2))
        if self.optimizer is not None and count:
            rates, begin = self._rates(count), self.optimizer.steps
            count = len(rates)
            numbers = self.formula.settings(rates, range(begin, begin + count))
            settings = np.array(numbers).reshape(len(numbers), count).T.copy()
        told = np.empty((count, self.plan.told))
        arena, *inputs, places = self.pointers
        outputs = (told.ctypes.data, count, self.update, places, settings.ctypes.data)
        done = self.plan.train(arena, self.plan.bytecode, *inputs, *outputs)
        if self.optimizer is not None:
            self.optimizer.steps += done
        return told[:done]

    def _rates(self, count: int) -> list[float]:
        """Of the next steps, fewer where a schedule ends: it is an error when it is asked again."""
        optimizer, rates = self.optimizer, list[float]()
        if not callable(optimizer.lr):
            return [optimizer.lr] * count
        try:
            for i in range(optimizer.steps, optimizer.steps + count):
                rates.append(optimizer.rate_at(i))
        except Exception:
            if not rates:
                raise
        return rates

    def save(self) -> tuple[Any, int]:
        """All that a run changes, for `restore`."""
        return self.arena.copy(), self.optimizer.steps

    def restore(self, saved: tuple[Any, int]) -> None:
        """Goes back to what was saved."""
        self.arena[:], self.optimizer.steps = saved

    def finite(self) -> bool:
        """Whether all parameters are."""
        return bool(np.isfinite(self.arena[self.plan.at]).all())

    def gradients(self) -> list[float]:
        """Of the last step, in the order of `wrt`."""
        found: list[float] = self.arena[self.plan.at - self.plan.begin + self.plan.slopes].tolist()
        return found

    def write(self) -> None:
        """Gives the parameters, and what the optimizer keeps for them, their numbers of now."""
        numbers = self.arena[self.plan.at].tolist()
        for p, x, slope in zip(self.plan.parameters, numbers, self.gradients()):
            p._data, p._grad = x, slope
        for at, order, xs in self.kept:
            for i, x in zip(order, self.arena[at].tolist()):
                xs[i] = x
