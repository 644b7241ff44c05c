"""The memory of a compiled loss, and the calls of its machine code.

The arena has doubles, or singles ("float32") on request. Numbers that come from outside are rounded
when they are laid in, and those that go outside are doubles again.

Addresses stay valid: the interpreter is never freed, and a run holds the code of its update. The
bytecode is checked when it is made and cannot be changed afterwards, and a run writes nothing but
floats in its arena.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from tinygrad_edu.compiler.native.binding.check_bytecode import check
from tinygrad_edu.compiler.native.binding.library import (
    Library,
    library,
    missing,
    processor,
    rows_with_c,
)
from tinygrad_edu.compiler.native.binding.parts import begins_of_parts, is_large, on_threads
from tinygrad_edu.compiler.native.lowering.lower import lower, lower_forward
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK, hubs, outputs, wide
from tinygrad_edu.compiler.native.machine.optimizer_update import FEW, Update
from tinygrad_edu.compiler.tape.tables import Tables
from tinygrad_edu.compiler.tape.tape import Tape, no_collection
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import MissingError

__all__ = ["VECTORS", "Optimizer", "Plan", "Program", "Run", "aligned"]

Floats: TypeAlias = npt.NDArray[np.float64 | np.float32]  # in an arena, one of them
Integers: TypeAlias = npt.NDArray[np.int64]
Addresses: TypeAlias = npt.NDArray[np.intp]
Places: TypeAlias = int | slice | tuple[slice | int, ...] | list[int] | Addresses
Column: TypeAlias = Sequence[float] | Floats  # the numbers of an input, one for each example

# Vectors in a row. The sums of two rows of 13 vectors fit into 32 registers, and the sums of two
# rows of 7 vectors fit into 16 registers.
VECTORS = (1, 2, 4, 7, 13)
LINE = 64  # bytes in a cache line
NOTHING, ONE_EXAMPLE = np.empty((0, 0, 0)), np.zeros((1, 1, 1))
_UPDATE = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 3)
REAL = {"float64": "double", "float32": "float"}  # types of NumPy, and of LLVM
MOST_KEPT = 2**23  # doubles of inputs that are kept between calls
AHEAD = 2**10  # steps whose scalars are computed at a time
LAID = 2**14  # doubles of batches that are laid out at a time
IN_ONE_GO = 2**18  # numbers; more of them are copied column by column, without a table between


class Optimizer(Protocol):
    """The members of an optimizer that machine code uses: see `optim.Optimizer`."""

    parameters: list[Value]
    steps: int

    @property
    def lr(self) -> float | Callable[[int], float]: ...
    def rate_at(self, step: int, /) -> float: ...
    def kept_rows(self) -> Sequence[float | Sequence[float] | Floats]: ...
    def keep(self, rows: Sequence[Floats], /) -> None: ...
    def recorded(self) -> tuple[list[Value], list[Value]] | None: ...
    def rule(self) -> Hashable: ...
    def own_step(self) -> bool: ...


class Plan:
    """The bytecode of a tape for rows of `vectors` vectors, and the addresses in its arena.

    forward: for the forward pass alone, which gives the outputs of each example.
    single: there is one example; lanes hold repeated parts of the graph instead of examples.
    numbers: the argument `plan` of `train` and `parts` (see `interpreter`). A run fills in two of
    the numbers: the number of chunks of examples, and the number of settings in a step. work: of a
    chunk, in vectors that instructions read. free: arenas and inputs that no run uses.
    """

    def __init__(self, program: Program, vectors: int, single: bool, forward: bool = False) -> None:
        self.dtype = program.dtype
        real, (width, registers) = REAL[self.dtype], program.vectors()
        width = min(width, BLOCK) if single else width
        tape, sizes = program.tape, outputs(vectors, registers)
        self.parameters, self.single = [] if forward else program.wrt, single
        self.inputs = [] if single else [x for x in program.inputs if x in tape.leaves]
        # a parameter that is not on the tape gets a slot, too: an optimizer may move it
        slots = {x: len(tape) + i for i, x in enumerate(self.parameters)} | tape.leaves
        known = {*program.inputs, *self.parameters}
        self.others = [x for x in tape.leaves if x not in known]
        self.lanes, self.outputs = width * vectors, len(tape.outputs)
        inputs = None if single else [slots[x] for x in self.inputs]
        wanted = [slots[x] for x in self.parameters]
        with ThreadPoolExecutor(1) as pool:  # compiles the interpreter at the same time
            with_c = not rows_with_c().isdisjoint(op.name for op in {*tape.ops})
            code = pool.submit(library, width, vectors, registers, with_c, real)
            if forward:
                low = lower_forward(tape, inputs or (), self.lanes, sizes, hubs(registers))
            else:
                low = lower(tape, wanted, inputs, self.lanes, sizes, hubs(registers))
            self.code = code.result()
        for name in low.operations & missing():  # derivatives may need such functions, too
            raise MissingError(f"this machine has no function for the operation {name}")
        places = low.layout
        self.bytecode = np.array(low.bytecode, np.int32).tobytes()  # bytes cannot be changed
        self.fixed = np.zeros(low.size, self.dtype)
        lay(self.fixed, list(low.numbers), list(low.numbers.values()))
        check(low.bytecode, self.fixed.size, self.lanes, sizes, low.blocks)
        self.at = _addresses(places.slots, slots, self.parameters)
        self.others_at = _addresses(places.slots, slots, self.others)
        same = [x for x in program.inputs if x not in self.inputs]  # of the single example
        self.inputs_at = _addresses(places.slots, slots, same)
        self.size = low.blocks * BLOCK
        self.parameters_at, self.gradients_at = places.parameters_at, places.gradients_at
        self.to_gradients = self.gradients_at - self.parameters_at
        self.gradients_of = self.at + self.to_gradients
        size = 0 if single else (len(self.inputs) + 2) * self.lanes
        doubles = self.outputs * (self.lanes if forward else 1)
        sums = (places.zero_at, places.zeroed, places.outputs_at, doubles)
        slopes = (places.gradients_at, self.size)
        self.numbers = np.array((places.inputs_at, size, 0, *sums, 0, *slopes), np.int64)
        self.work = len(low.bytecode) * vectors
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        types = (*[pointer] * 5, number, *[pointer] * 3)
        train = ctypes.CFUNCTYPE(number, *types)(self.code.address("train"))
        self.train: Callable[..., int] = train
        parts = ctypes.CFUNCTYPE(None, *[pointer] * 6, *[number] * 2, pointer)
        self.parts: Callable[..., None] = parts(self.code.address("parts"))
        ahead = ctypes.CFUNCTYPE(None, *[pointer] * 6)(self.code.address("forward"))
        self.forward: Callable[..., None] = ahead
        self.free: list[tuple[Floats, Floats]] = []

    def memory(self) -> tuple[Floats, Floats]:
        """Returns an arena and memory for inputs that no other run uses."""
        try:
            return self.free.pop()
        except IndexError:
            return aligned(self.fixed), NOTHING

    def give_back(self, arena: Floats, data: Floats) -> None:
        """Keeps this memory for the next run, because fresh memory costs as much as a step."""
        self.free.append((arena, data if data.size < MOST_KEPT else NOTHING))

    def on_threads(self, work: Callable[[int, int, int], None], arena: Floats, parts: int) -> None:
        """Calls work(address, first, last) until all parts are done, perhaps on several threads.

        address: of an arena. The calling thread works in the given one; every other thread in an
        arena of its own, which has the same leaves.
        """
        lent: list[tuple[Floats, Floats]] = []
        addresses = {0: arena.ctypes.data}  # made once: each takes a microsecond

        def span(worker: int, first: int, last: int) -> None:
            if worker not in addresses:
                lent.append(self.borrow(arena))
                addresses[worker] = lent[-1][0].ctypes.data
            work(addresses[worker], first, last)

        on_threads(span, parts)
        for memory in lent:
            self.give_back(*memory)

    def borrow(self, arena: Floats) -> tuple[Floats, Floats]:
        """Returns memory as `memory` does, with the leaves of that arena."""
        mine, data = self.memory()
        begin, end = self.parameters_at, self.parameters_at + self.size
        mine[begin:end] = arena[begin:end]
        mine[self.others_at] = arena[self.others_at]
        return mine, data

    def cut(self, chunks: int) -> Integers:
        """Returns the first chunk of each part of so many chunks, and their number."""
        return np.array(begins_of_parts(chunks, chunks * self.work), np.int64)

    def is_cut(self, chunks: int) -> bool:
        """Returns whether so many chunks have several parts."""
        return is_large(chunks, chunks * self.work)

    def columns(
        self, columns: Sequence[Column] | Floats, count: int, weight: float, old: Floats = NOTHING
    ) -> Floats:
        """Returns the inputs chunk by chunk; an example of weight 0 fills up the last chunk.

        columns: of `inputs`, in this order. weight: of each example in the gradients. old: memory
        that is used again if its size fits.
        """
        if self.single:
            return ONE_EXAMPLE
        chunks, inputs = -(-count // self.lanes), len(self.inputs)
        shape = (chunks, inputs + 2, self.lanes)
        data = old if old.shape == shape else np.empty(shape, self.dtype)
        whole, rest = divmod(count, self.lanes)
        end = whole * self.lanes
        k = 0
        for some in _tables(columns, count):
            here = slice(k, k := k + len(some))
            chunked = some[:, :end].reshape(len(some), whole, self.lanes)
            lay(data, np.s_[:whole, here], chunked.transpose(1, 0, 2))
            if rest:
                lay(data, np.s_[whole, here, :rest], some[:, end:])
                lay(data, np.s_[whole, here, rest:], some[:, :1])
        data[:, -2], data[:, -1] = weight, 1.0
        if rest:
            data[whole, -2:, rest:] = 0.0
        return data

    def batches(
        self, rows: Floats, batches: npt.NDArray[np.intp], weights: Sequence[float]
    ) -> Floats:
        """Returns the inputs of several batches, each as `columns` returns them.

        rows: of the data set, with a number for each of `inputs`. batches: indices, a row for each.
        """
        count, size = batches.shape
        chunks, inputs = -(-size // self.lanes), len(self.inputs)
        missing = chunks * self.lanes - size
        filling = np.repeat(batches[:, -1:], missing, axis=1)
        at = np.concatenate([batches, filling], axis=1).ravel()
        data = np.empty((count, chunks, inputs + 2, self.lanes), self.dtype)
        if inputs:
            chunked = rows.take(at, axis=0).reshape(count, chunks, self.lanes, inputs)
            lay(data, np.s_[:, :, :inputs], chunked.swapaxes(2, 3))
        data[:, :, -2], data[:, :, -1] = np.reshape(weights, (-1, 1, 1)), 1.0
        if missing:
            data[:, -1, -2:, -missing:] = 0.0
        return data


def _addresses(
    places: Mapping[int, int], slots: Mapping[Value, int], leaves: Sequence[Value]
) -> Addresses:
    return np.array([places[slots[x]] for x in leaves], np.intp)


def lay(arena: Floats, places: Places, numbers: Floats | Sequence[float]) -> None:
    """Sets the numbers at these places; one that is too large for singles is infinite there."""
    if arena.dtype == np.float64:
        arena[places] = numbers
        return
    with np.errstate(over="ignore"):  # the engine computes again what is not finite, and reports it
        arena[places] = numbers


def doubles(numbers: float | Sequence[float] | Floats) -> Floats:
    """Returns the numbers as an array. `struct` reads a list four times as fast as NumPy."""
    if isinstance(numbers, list):
        return np.frombuffer(struct.pack(f"{len(numbers)}d", *numbers))
    return np.asarray(numbers, float)


def _table(columns: Sequence[Column] | Floats) -> Floats:
    """Returns the columns as the rows of one array."""
    if isinstance(columns, list) and all(type(column) is list for column in columns):
        return doubles([*chain.from_iterable(columns)]).reshape(len(columns), -1)
    return np.asarray(columns, float)


def _tables(columns: Sequence[Column] | Floats, count: int) -> Iterator[Floats]:
    """Yields the columns as the rows of arrays, one below the other."""
    if isinstance(columns, Tables):
        yield from (part.T for part in columns.parts)
    elif isinstance(columns, np.ndarray) or 0 < count * len(columns) < IN_ONE_GO:
        yield _table(columns)
    else:
        yield from (_table([column]) for column in columns)


def aligned(numbers: Floats) -> Floats:
    """Returns a copy that begins at a cache line, so that no vector is in two cache lines."""
    line = LINE // numbers.itemsize
    space = np.empty(len(numbers) + line, numbers.dtype)
    skip = -space.ctypes.data // numbers.itemsize % line
    copy = space[skip : skip + len(numbers)]
    copy[:] = numbers
    return copy


class Program:
    """A loss in machine code. wrt: the leaves to differentiate by, which may not be inputs.

    dtype: "float64" for doubles, "float32" for singles.
    """

    def __init__(
        self, tape: Tape, wrt: Sequence[Value], inputs: Sequence[Value], dtype: str = "float64"
    ) -> None:
        self.tape, self.wrt, self.inputs = tape, list(wrt), list(inputs)
        self.dtype = dtype
        self.plans: dict[tuple[int, bool, bool], Plan] = {}
        self.updates: dict[Hashable, tuple[Update, Library]] = {}
        self.idle: list[Run] = []  # at most one run that has ended, with all that it had made

    def vectors(self) -> tuple[int, int]:
        """Returns (floats in a vector, vectors in registers) of this processor."""
        width, registers = processor()
        return (2 * width if self.dtype == "float32" else width), registers

    def plan(self, count: int, forward: bool = False, weighted: bool = False) -> Plan:
        """Returns the plan with the least work for `count` examples; at a tie, the longer rows.

        weighted: whether the weight of an example is not 1. For a single example it is always 1.
        """
        width, _ = self.vectors()

        def cost(vectors: int) -> tuple[int, int]:
            chunks = -(-count // (vectors * width))
            return chunks * (vectors + 2), -vectors

        single = count == 1 and not forward and not weighted
        key = (max(BLOCK // width, 1) if single else min(VECTORS, key=cost)), single, forward
        if key not in self.plans:
            with no_collection():
                self.plans[key] = Plan(self, *key)
        return self.plans[key]

    def run(self, columns: Sequence[Column], count: int) -> Floats:
        """Returns the outputs and then the gradients by `wrt`, each summed over the examples."""
        run = Run(self, columns, count, False)
        found = np.concatenate([run.steps(1)[0], run.arena[run.plan.gradients_of]], dtype=float)
        run.plan.give_back(run.arena, run.data)
        return found

    def each(self, columns: Sequence[Column], count: int) -> list[Floats]:
        """Returns an array for each output, with a number for each example, by a forward pass."""
        plan = self.plan(count, forward=True)
        arena, old = plan.memory()
        lay(arena, plan.others_at, doubles([x._data for x in plan.others]))
        data = plan.columns(columns, count, 1.0, old)
        found = np.empty((len(data), plan.outputs, plan.lanes), self.dtype)
        begins = plan.cut(len(data))

        def work(address: int, first: int, last: int) -> None:
            here, numbers = slice(begins[first], begins[last]), plan.numbers.copy()
            numbers[2] = here.stop - here.start
            given = (x.ctypes.data for x in (numbers, data[here], found[here]))
            plan.forward(address, plan.bytecode, *given, None)

        plan.on_threads(work, arena, len(begins) - 1)
        plan.give_back(arena, data)
        return [row.reshape(-1)[:count].astype(float, copy=False) for row in found.swapaxes(0, 1)]

    def training(
        self, columns: Sequence[Column], count: int, mean: bool, optimizer: Optimizer
    ) -> Run | None:
        """Returns a run in which the optimizer moves the parameters.

        None if the parameters of the optimizer are not those of `wrt`. mean: gradients are means
        over the examples; outputs are always sums.
        """
        try:
            run = self.idle.pop()  # so it belongs to this thread alone
        except IndexError:
            pass
        else:
            if run.fits(optimizer, self.plan(count)):
                run.again(self, optimizer, columns, count, mean)
                return run
        if self.wrt != optimizer.parameters and set(self.wrt) != set(optimizer.parameters):
            return None
        return Run(self, columns, count, mean, optimizer)

    def keep(self, run: Run) -> None:
        """Keeps a run that has ended, for the next one of the same optimizer or one like it.

        Nobody may use the run any more.
        """
        run.rest()
        self.idle[:] = [run]

    def knows(self, optimizer: Optimizer) -> bool:
        """Returns whether there is code already for the optimizer's formula."""
        return not optimizer.own_step() and optimizer.rule() in self.updates

    def update(self, optimizer: Optimizer) -> tuple[Update, Library]:
        """Returns the code of the optimizer's formula; its settings are constants in it."""
        key = optimizer.rule()
        if key not in self.updates:
            recorded, (width, _) = optimizer.recorded(), self.vectors()
            if recorded is None:
                raise TypeError(f"the formula of {type(optimizer).__name__} cannot be compiled")
            real = REAL[self.dtype]
            update = Update(*recorded, width, wide(width, real), real)
            self.updates[key] = update, Library(update.text)
        return self.updates[key]


Saved: TypeAlias = tuple[Plan, list[Floats], int]  # of a run: see `Run.save`


class Run:
    """A plan, its arena with the numbers, and the inputs. With an optimizer, it trains.

    kept: the addresses in the arena of each state of the optimizer, such as its velocities, in the
    order of the optimizer's parameters. pace: how many chunks of examples a call of `steps` can go
    through before anybody waits for it; 0 before that is known. laid: whether the arena has
    gradients that are not from the machine.
    """

    def __init__(
        self,
        program: Program,
        columns: Sequence[Column],
        count: int,
        mean: bool,
        optimizer: Optimizer | None = None,
    ) -> None:
        self.program, self.optimizer = program, optimizer
        self.rule = None if optimizer is None else optimizer.rule()
        self.order = [] if optimizer is None else list(optimizer.parameters)
        self.rows: Floats = np.empty((0, 0))
        self.pace = 0
        self._begin(program.plan(count))
        self.feed(columns, count, 1 / count if mean else 1.0)

    def _begin(self, plan: Plan) -> None:
        """Lays the present numbers of all leaves into the arena of a plan."""
        self.plan, optimizer = plan, self.optimizer
        self.arena, self.data = plan.memory()
        self.laid = False
        self.numbers = plan.numbers.copy()
        self.numbers[2] = len(self.data)
        self.update: int | None = None
        self.places = np.zeros(1, np.int64)
        self.kept: list[Addresses] = []
        if optimizer is not None:
            self._prepare(*self.program.update(optimizer), optimizer)
        self.read()
        arrays = (self.arena, self.numbers, self.data, self.places)
        self.pointers = [x.ctypes.data for x in arrays]  # made once: each takes a microsecond

    def read(self) -> None:
        """Lays the present numbers of all leaves, and the optimizer's states, into the arena."""
        plan, arena, optimizer = self.plan, self.arena, self.optimizer
        lay(arena, plan.at, doubles([p._data for p in plan.parameters]))
        lay(arena, plan.others_at, doubles([x._data for x in plan.others]))
        if optimizer is not None:
            for at, xs in zip(self.kept, optimizer.kept_rows()):
                lay(arena, at, doubles(xs))

    def fits(self, optimizer: Optimizer, plan: Plan) -> bool:
        """Returns whether this run, at rest, can go on with that optimizer and that plan."""
        same = self.plan is plan and self.order == optimizer.parameters
        return same and self.rule == optimizer.rule()

    def again(
        self,
        program: Program,
        optimizer: Optimizer,
        columns: Sequence[Column],
        count: int,
        mean: bool,
    ) -> None:
        """Begins anew, with other examples and the present numbers of all leaves and states."""
        self.program, self.optimizer = program, optimizer
        self.read()
        self.feed(columns, count, 1 / count if mean else 1.0)

    def rest(self) -> None:
        """Lets go of the program, the optimizer and large memory, until `again`."""
        del self.program  # which holds this run: without a circle, both are freed at once
        self.optimizer, self.rows = None, np.empty((0, 0))
        if self.data.size >= MOST_KEPT:
            self.data = NOTHING

    def feed(self, columns: Sequence[Column] | Floats, count: int, weight: float = 1.0) -> None:
        """Goes on with other examples, as many as there are.

        columns: of `Program.inputs`, as lists, arrays or a table. weight: of each example in the
        gradients; outputs are always sums.
        """
        if self.plan.single and (count != 1 or weight != 1):
            self._move(self.program.plan(count, weighted=weight != 1))
        plan = self.plan
        if plan.single:
            if isinstance(columns, np.ndarray):  # whose rows need not become objects
                lay(self.arena, plan.inputs_at, columns[:, 0])
            else:
                lay(self.arena, plan.inputs_at, [column[0] for column in columns])
        data = plan.columns(columns, count, weight, self.data)
        if data is not self.data:
            self.data, self.pointers[2] = data, data.ctypes.data
            self.numbers[2] = len(data)

    def _move(self, plan: Plan) -> None:
        """Goes on in the arena of another plan, with the same parameters and states."""
        numbers, kept = self.arena[self.plan.at], [self.arena[at] for at in self.kept]
        self._begin(plan)
        self.arena[plan.at] = numbers
        for at, xs in zip(self.kept, kept):
            self.arena[at] = xs

    def hold(self, columns: Sequence[Column]) -> None:
        """Prepares the columns of a data set, from which `take` takes examples."""
        self.rows = _table(columns).T.copy() if len(columns) else np.empty((0, 0))

    def take(self, now: Sequence[int], weight: float) -> None:
        """Goes on with the examples of these indices in the data set; see `feed`."""
        some = self.rows
        if isinstance(now, range):
            some = some[now.start : now.stop]
        elif some.size:
            some = some.take(now, axis=0)
        self.feed(some.T, len(now), weight)

    def follow(self, other: Run) -> None:
        """Goes on where a run of another program stands, with the same optimizer.

        The parameters and the states of the optimizer move from its arena into this one.
        """
        for at, there in zip([self.at, *self.kept], [other.at, *other.kept], strict=True):
            self.arena[at] = other.arena[there]

    def places_of(self, parameters: Sequence[Value]) -> Addresses:
        """Returns the places of these parameters, for `look`."""
        number = {p: i for i, p in enumerate(self.plan.parameters)}
        return np.array([number[p] for p in parameters], np.intp)

    def look(self, places: Addresses, gradients: bool = False) -> list[float]:
        """Returns the numbers of the parameters at these places, or their last gradients."""
        plan = self.plan
        at = plan.gradients_of if gradients else plan.at
        found: list[float] = self.arena[at[places]].tolist()
        return found

    def _prepare(self, update: Update, code: Library, optimizer: Optimizer) -> None:
        """Adds the optimizer's states to the arena, in the order of the parameters."""
        plan, self.formula = self.plan, update
        self.numbers[7] = len(update.common)
        self.update_code = code  # keeps the code in memory as long as this run
        self.update = code.address("update")
        states = len(optimizer.kept_rows())
        begins = [len(self.arena) + i * plan.size for i in range(states)]
        more = np.zeros(plan.size * states, plan.dtype)
        self.arena = aligned(np.concatenate([self.arena, more]))
        self.places = np.array([plan.parameters_at, plan.gradients_at, *begins], np.int64)
        at = plan.at
        if plan.parameters != self.order:
            number = {p: i for i, p in enumerate(plan.parameters)}
            at = at[[number[p] for p in self.order]]
        self.at, self.kept = at, [at - plan.parameters_at + begin for begin in begins]

    def steps(self, count: int, runs: Sequence[Run] = ()) -> Floats:
        """Makes up to `count` steps, and returns the outputs of each step.

        There are fewer steps if an output is not finite, or if a schedule of rates ends. runs: see
        `both_passes`.
        """
        plan, optimizer = self.plan, self.optimizer
        if optimizer is not None and count:
            settings = self._next_settings(optimizer, count)
            count = len(settings)
        else:
            settings = np.zeros((count, 2), plan.dtype)
        if len(runs) > 1 or plan.is_cut(len(self.data)):
            return self._steps_in_halves(settings, np.empty((count, plan.outputs)), runs)
        self._clear()
        found = np.empty((count, plan.outputs), plan.dtype)
        arena, *inputs, places = self.pointers
        more = (found.ctypes.data, count, self.update, places, settings.ctypes.data)
        done = plan.train(arena, plan.bytecode, *inputs, *more)
        if optimizer is not None:
            optimizer.steps += done
        return found[:done].astype(float, copy=False)

    def _clear(self) -> None:
        """Clears gradients that were laid into the arena.

        The machine does not: it never writes the gradient of a parameter that the graph lacks.
        """
        if self.laid:
            plan = self.plan
            here = slice(plan.gradients_at, plan.gradients_at + plan.size)
            self.arena[here] = plan.fixed[here]
            self.laid = False

    def _steps_in_halves(self, settings: Floats, found: Floats, runs: Sequence[Run]) -> Floats:
        """Makes the steps of these settings, and returns their outputs, which are in `found`.

        As `train` of the machine, it stops after a step whose first output is not finite.
        """
        optimizer = self.optimizer
        for k, now in enumerate(settings):
            found[k] = self.both_passes(runs)
            if optimizer is not None and self.update is not None:
                self._change(self.update, now)
                optimizer.steps += 1  # at once: a Ctrl-C may come between steps
            if not np.isfinite(found[k, 0]):
                return found[: k + 1]
        return found

    def _passes_in_parts(self, begins: Integers) -> Floats:
        """Makes both passes, lays the gradients into the arena, and returns the outputs.

        The sums of the parts are added in the order of the parts, whoever made them.
        """
        plan, parts = self.plan, len(begins) - 1
        sums = np.empty((parts, plan.outputs + plan.size), plan.dtype)
        given = [*self.pointers[1:3], sums.ctypes.data, begins.ctypes.data]

        def work(address: int, first: int, last: int) -> None:
            plan.parts(address, plan.bytecode, *given, first, last, None)

        plan.on_threads(work, self.arena, parts)
        total = sums[0]
        for row in sums[1:]:
            total += row
        begin = plan.gradients_at
        self.arena[begin : begin + plan.size] = total[plan.outputs :]
        outputs: Floats = total[: plan.outputs]
        return outputs

    def fed(self, batches: Sequence[Sequence[int]], weights: Sequence[float]) -> Floats:
        """Makes a step with each batch of the data set, and returns the outputs of each step.

        There are fewer steps if an output is not finite, if a schedule of rates ends, or if a batch
        is so large that threads share it. batches: indices of examples, as many in each. weights:
        for each batch, see `feed`.
        """
        optimizer = self.optimizer
        self.take(batches[0], weights[0])
        if len(batches) == 1 or optimizer is None or self.plan.is_cut(len(self.data)):
            return self.steps(1)
        self._clear()
        settings = self._next_settings(optimizer, len(batches))
        found = np.empty((len(settings), self.plan.outputs), self.plan.dtype)
        at, to = settings.ctypes.data, found.ctypes.data
        further, wide = settings.strides[0], found.strides[0]
        arena, numbers, _, places = self.pointers
        done = 0
        for data in self._laid(np.array(batches[: len(settings)]), weights):
            where = (to + done * wide, 1, self.update, places, at + done * further)
            if not self.plan.train(arena, self.plan.bytecode, numbers, data, *where):
                break
            done += 1
        optimizer.steps += done
        return found[:done].astype(float, copy=False)

    def _laid(self, batches: npt.NDArray[np.intp], weights: Sequence[float]) -> Iterator[int]:
        """Yields the address of the inputs of each batch, when the arena is ready for its step.

        So many are laid out at a time that they stay in a cache.
        """
        plan = self.plan
        many = max(LAID // max(self.data.size, 1), 1)
        for k in range(0, len(batches), many):
            some = batches[k : k + many]
            if plan.single:
                for row in self.rows.take(some[:, 0], axis=0):
                    lay(self.arena, plan.inputs_at, row)
                    yield self.pointers[2]
            else:
                laid = plan.batches(self.rows, some, weights[k : k + many])
                yield from range(laid.ctypes.data, laid.ctypes.data + laid.nbytes, laid.strides[0])

    def _next_settings(self, optimizer: Optimizer, count: int) -> Floats:
        """Returns a row of the scalars of the update for each of the next steps.

        There are fewer if a schedule of rates ends. Those of a constant rate are kept for the next
        calls and runs: to compute them may cost as much as a few steps.
        """
        rate, begin = optimizer.lr, optimizer.steps
        if callable(rate):
            return self._settings(_rates(optimizer, count), begin)
        known, first, kept = self.formula.ahead
        rows = cast(Floats, kept)
        if known != rate or not first <= begin <= first + len(rows) - count:
            goes_on = known == rate and begin == first + len(rows)
            many = max(count, AHEAD) if goes_on or not self.formula.reads_step else count
            first, rows = begin, self._same_rate(rate, begin, many)
            self.formula.ahead = rate, first, cast(Sequence[Sequence[float]], rows)
        some: Floats = rows[begin - first : begin - first + count]
        return some

    def _same_rate(self, rate: float, begin: int, count: int) -> Floats:
        if self.formula.reads_step:
            return self._settings([rate] * count, begin)
        return self._settings([rate], begin).repeat(count, axis=0)

    def _settings(self, rates: Sequence[float] | Floats, begin: int) -> Floats:
        """Returns a row of the scalars of the update for each step, from step `begin` on."""
        count, formula = len(rates), self.formula
        rows = np.empty((count, len(formula.common)), self.plan.dtype)
        steps: Sequence[float] = range(begin, begin + count)
        if count > FEW:  # as arrays, which are sequences of floats here
            rates, steps = (cast(Sequence[float], np.array(x, float)) for x in (rates, steps))
        numbers = formula.settings(cast(Sequence[float], rates), steps)
        for i, column in enumerate(numbers):
            lay(rows, np.s_[:, i], column)
        return rows

    def both_passes(self, runs: Sequence[Run] = ()) -> Floats:
        """Makes both passes without an update, and returns the outputs.

        runs: of programs with the same optimizer, this one among them. Each makes the passes over
        its examples, with the parameters of this one; the sums of outputs are returned, the sums of
        gradients come into this arena. They are added in the order of the runs.
        """
        if len(runs) > 1:
            return self._passes_of(runs)
        self._clear()
        begins = self.plan.cut(len(self.data))
        if len(begins) > 2:
            return self._passes_in_parts(begins)
        plan, most = self.plan, max(int(self.numbers[7]), 1)
        found, settings = np.empty(plan.outputs, plan.dtype), np.zeros(most, plan.dtype)
        arena, *inputs, places = self.pointers
        more = (found.ctypes.data, 1, None, places, settings.ctypes.data)
        plan.train(arena, plan.bytecode, *inputs, *more)
        return found

    def _passes_of(self, runs: Sequence[Run]) -> Floats:
        """Makes both passes in several runs: see `both_passes`."""
        numbers = self.arena[self.at]
        outputs, slopes = np.zeros(self.plan.outputs), np.zeros(len(numbers))
        for run in runs:
            if run is not self:
                run.arena[run.at] = numbers
            outputs += run.both_passes()
            slopes += run.arena[run.at + run.plan.to_gradients]
        lay(self.arena, self.at + self.plan.to_gradients, slopes)
        self.laid = True
        return outputs

    def change(self) -> None:
        """Makes the optimizer's update alone, but does not count it as a step."""
        optimizer = self.optimizer
        if optimizer is None or self.update is None:
            raise TypeError("a run without an optimizer has no update")
        (now,) = self._next_settings(optimizer, 1)
        self._change(self.update, now)

    def _change(self, update: int, settings: Floats) -> None:
        """Moves all parameters by their gradients.

        update: the address of the function. settings: its scalars for this step.
        """
        arena, *_, places = self.pointers
        blocks = self.plan.size // BLOCK
        _UPDATE(update)(arena, places, settings.ctypes.data, 0, blocks, 1)

    def save(self) -> Saved:
        """Returns everything that a run changes and the next step reads, for `restore`."""
        saved = [self.arena[at : at + self.plan.size].copy() for at in self._begins()]
        return self.plan, saved, 0 if self.optimizer is None else self.optimizer.steps

    def restore(self, saved: Saved) -> None:
        """Sets the numbers and the optimizer back to a state that this run has saved.

        Or one that a run of another program with the same parameters and optimizer has saved.
        """
        plan, arrays, steps = saved
        here, there = (x.at - x.parameters_at for x in (self.plan, plan))
        for at, numbers in zip(self._begins(), arrays):
            if plan is self.plan:
                self.arena[at : at + plan.size] = numbers
            else:  # of another run, or this one has moved in the meantime
                self.arena[at + here] = numbers[there]
        self.laid = True
        if self.optimizer is not None:
            self.optimizer.steps = steps

    def _begins(self) -> list[int]:
        """Returns the addresses of the parameters, of their gradients and of each state."""
        begins: list[int] = self.places.tolist()
        return begins if self.optimizer is not None else []

    @property
    def chunks(self) -> int:
        """How many chunks of examples a step goes through."""
        return len(self.data)

    def finite_rows(self, rows: Floats) -> int:
        """Returns how many rows there are before the first that is not finite."""
        finite = np.isfinite(rows)
        return len(rows) if finite.all() else int(finite.all(axis=1).argmin())

    def finite_gradients(self) -> bool:
        """Returns whether all gradients of the last step are finite."""
        return bool(np.isfinite(self.arena[self.plan.gradients_of]).all())

    def finite(self) -> bool:
        """Returns whether all parameters are finite."""
        plan = self.plan
        together = self.arena[plan.parameters_at : plan.parameters_at + plan.size]
        if np.isfinite(together).all():  # with the places that fill up blocks: the usual case
            return True
        return bool(np.isfinite(self.arena[plan.at]).all())

    def gradients(self) -> list[float]:
        """Returns the gradients of the last step, in the order of `wrt`."""
        found: list[float] = self.arena[self.plan.gradients_of].tolist()
        return found

    def write(self) -> None:
        """Writes the numbers of the arena to the parameters and the optimizer."""
        plan = self.plan
        numbers, gradients = self.arena[plan.at], self.arena[plan.gradients_of]
        # not by `tolist`: a float that is made when an old one is freed takes its place in memory
        for p, x, gradient in zip(plan.parameters, numbers.data, gradients.data):
            p._data = x
            p._grad = gradient
        if self.optimizer is not None:
            self.optimizer.keep([self.arena[at].astype(float, copy=False) for at in self.kept])

    def write_numbers(self) -> None:
        """Writes the same as `write`, but no gradients."""
        for p, x in zip(self.plan.parameters, self.arena[self.plan.at].data):
            p._data = x
        if self.optimizer is not None:
            self.optimizer.keep([self.arena[at].astype(float, copy=False) for at in self.kept])

    def write_gradients(self) -> None:
        """Writes the gradients of the last step to the parameters."""
        for p, gradient in zip(self.plan.parameters, self.arena[self.plan.gradients_of].data):
            p._grad = gradient

    def read_gradients(self) -> None:
        """Lays the present gradients of the parameters into the arena, for `change`."""
        grads = doubles([p._grad for p in self.plan.parameters])
        lay(self.arena, self.plan.gradients_of, grads)
        self.laid = True


def _rates(optimizer: Optimizer, count: int) -> list[float]:
    """Returns the rates of the next steps, from a schedule.

    There are fewer if the schedule raises an error. The next call meets the same error at its
    first step, and raises it.
    """
    rates = list[float]()
    try:
        for i in range(optimizer.steps, optimizer.steps + count):
            rates.append(optimizer.rate_at(i))
    except Exception:
        if not rates:
            raise
    return rates
