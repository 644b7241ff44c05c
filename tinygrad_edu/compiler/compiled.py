"""compile(): a graph recorded once as a tape, to be run again and again on other numbers.

    fast = compile(loss, wrt=parameters, inputs=[x, target])
    value, gradients = fast(xs, targets)

The graph is that of one example. What is compiled runs it over as many as it is given, adds up the
value and the gradients, and takes all other leaves as they are at that moment. What Python decided
while the graph was made is frozen in it: every `if`, the length of every loop, every random draw.

The eager engine is the definition. Where a result is not finite, or Python's arithmetic raised,
the examples are run again by it, and its numbers count.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import chain
from math import isfinite
from types import FrameType, MappingProxyType
from typing import Any, Literal, get_args, overload

from tinygrad_edu.analysis.check import first_nonfinite, nonfinite_message
from tinygrad_edu.compiler.tape.loops import Columns, Run, function
from tinygrad_edu.compiler.tape.tape import Tape, no_collection, record
from tinygrad_edu.engine import Value, on_comparison, on_float
from tinygrad_edu.errors import (
    FrozenWarning,
    InnerNodeError,
    LengthError,
    MissingError,
    NonFiniteError,
    NonFiniteWarning,
    NumberError,
    SlowWarning,
    TapeError,
)
from tinygrad_edu.habits.calls import function_of_math, is_formatting
from tinygrad_edu.habits.leaving import QUESTIONS, advice, called, in_library, in_package
from tinygrad_edu.history import Criterion, History, Learner
from tinygrad_edu.ops import CONSTANT, LEAF, TABLE
from tinygrad_edu.rows.ieee import number

__all__ = [
    "BACKENDS",
    "FAST",
    "MANY",
    "OLDEST",
    "REDUCTIONS",
    "Backend",
    "Column",
    "CompiledLoss",
    "CompiledLossAlso",
    "Reduction",
    "compile",
    "machine_code",
    "trains",
]

Backend = Literal["auto", "python", "numpy", "machine"]
Reduction = Literal["sum", "mean"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
FAST = 'pip install "tinygrad-edu[fast]"'
OLDEST = (0, 45)  # llvmlite; what is older reads pointers in another way, and fails
MANY = 32  # examples from which arrays are faster than a loop; measured on MLPs, it is 20 to 40

Column = float | Iterable[float]  # a number, or a sequence of numbers, one for each example
Table = Column | Iterable[Iterable[float]]  # or rows of them, which are examples


def _not_yet(step: CompiledLoss, *run: Any, **how: Any) -> History:
    raise NotImplementedError("training comes with the package tinygrad_edu: import it first")


trains: list[Callable[..., History]] = [_not_yet]  # the last one does; it knows optimizers


@overload
def compile(
    loss: Value,
    wrt: Value | Iterable[Value] = (),
    inputs: Value | Iterable[Value] = (),
    *,
    reduction: Reduction = "sum",
    backend: Backend = "auto",
    strict: bool = False,
) -> CompiledLoss: ...
@overload
def compile(
    loss: Callable[..., Value],
    wrt: Value | str | Iterable[Value | str] = (),
    inputs: float | Iterable[float] = (),
    *,
    reduction: Reduction = "sum",
    backend: Backend = "auto",
    strict: bool = False,
) -> CompiledLoss: ...
@overload
def compile(
    loss: Value | Callable[..., Value],
    wrt: Value | str | Iterable[Value | str] = (),
    inputs: Value | float | Iterable[Value | float] = (),
    *,
    reduction: Reduction = "sum",
    also: Value | Iterable[Value],
    backend: Backend = "auto",
    strict: bool = False,
) -> CompiledLossAlso: ...
@overload
def compile(
    loss: Callable[..., Iterable[Value]],
    wrt: Value | str | Iterable[Value | str] = (),
    inputs: float | Iterable[float] = (),
    *,
    reduction: Reduction = "sum",
    also: Value | Iterable[Value] = (),
    backend: Backend = "auto",
    strict: bool = False,
) -> CompiledLossAlso: ...
def compile(
    loss: Value | Callable[..., Any],
    wrt: Value | str | Iterable[Value | str] = (),
    inputs: Value | float | Iterable[Value | float] = (),
    *,
    reduction: Reduction = "sum",
    also: Value | Iterable[Value] = (),
    backend: Backend = "auto",
    strict: bool = False,
) -> CompiledLoss:
    """This returns the graph of `loss`, one example's, compiled, to be run on any number of them.

    wrt: leaves to differentiate by, or their labels, or a model. inputs: leaves that get new
    numbers at each call, or their labels. reduction: "sum" or "mean" over the examples. also:
    Values of the same graph to be added up as well.
    backend: "python", "numpy", "machine", or the fastest that is installed. strict: a nan or an
    infinity is a NonFiniteError, not a warning.

    loss may be a function instead. It is called with Values of the numbers in `inputs`, which are
    labelled as its parameters are, and gives the loss, or a list of the loss and what else is
    wanted; wrt may name its parameters. Where it compares Values, or asks one for its number
    (`.data`, `float(x)`, `math.exp(x)`), a FrozenWarning says which line has decided once and for
    all: that cannot be recorded, `relu`, `less`, `where` and `exp(x)` can. What a Value is written
    into (`print(x)`, an f-string, `"%f" % x`) decides nothing, and nothing is said. What was drawn
    at random is frozen as well, and nobody notices. A graph that `gradient` made is a formula: 1/x,
    the derivative of log(x), has a value below 0 as well, where log(x) has none.
    """
    with no_collection():
        if isinstance(loss, Value):
            more = _list(also)
            kind = CompiledLossAlso if more else CompiledLoss
            leaves = [x for x in [*_list(wrt), *_list(inputs)] if not isinstance(x, str)]
            if len(leaves) < len(_list(wrt)) + len(_list(inputs)):
                leaves += [x for x in record([loss, *more]).leaves if x not in leaves]
            by, given = _by_label("wrt", wrt, leaves), _by_label("inputs", inputs, leaves)
            return kind(loss, by, given, reduction, more, backend, strict)
        if not callable(loss):
            text = ": a text is compiled by builtins.compile" if isinstance(loss, str) else ""
            raise NumberError(f"expected a Value or a function, not {type(loss).__name__}{text}")
        leaves = _arguments(loss, _list(inputs))
        results = _watched(loss, leaves)
        results = [results] if isinstance(results, Value) or not _many(results) else [*results]
        if not results or not all(isinstance(y, Value) for y in results):
            found = type(results[0]).__name__ if results else "nothing"
            raise NumberError(f"the function gives a Value, or several, not {found}: see tanh(x)")
        by = _by_label("wrt", wrt, leaves)
        more = [*results[1:], *_list(also)]
        kind = CompiledLossAlso if more else CompiledLoss
        return kind(results[0], by, leaves, reduction, more, backend, strict)


class CompiledLoss:
    """A compiled loss. Calling it gives its value and its gradients, in the order of `wrt`.

    Each input is given one number, or a column: a sequence with a number for each example, in order
    or by its label. Several inputs may be given as a table, an array or a list of rows, whose rows
    are examples: fast(X, y). A gradient is added up over the examples, but for an input that was
    given a sequence, which has one for each (so `gradients` is a list of what the call makes of
    it).
    recorded: the tape of the graph; tape: with the adjoints, too. It keeps no numbers:
    threads may share one.
    """

    def __init__(
        self,
        loss: Value,
        wrt: list[Any],
        inputs: list[Any],
        reduction: Reduction,
        also: list[Value],
        backend: Backend,
        strict: bool,
    ) -> None:
        _check_choice("backend", backend, BACKENDS)
        _check_choice("reduction", reduction, REDUCTIONS)
        for y in (loss, *also):
            if not isinstance(y, Value):
                raise NumberError(f"what is compiled is a Value, not {type(y).__name__}")
        self.wrt, self.inputs = _leaves("wrt", wrt), _leaves("inputs", inputs)
        self.loss, self.also = loss, also
        self.reduction, self.backend, self.strict = reduction, backend, strict
        self.recorded = record([loss, *also])
        given = set(self.inputs)
        self._others = [leaf for leaf in self.recorded.leaves if leaf not in given]
        # inputs that nothing depends on are not on the tape: their columns are not looked at
        self._used = [i for i, x in enumerate(self.inputs) if x in self.recorded.leaves]
        self._each = {x: None for x in self.wrt if x in given}
        own = [op for op in dict.fromkeys(self.recorded.ops) if op and TABLE.get(op.name) is not op]
        self._fits = not own  # the machine knows the table's rows alone
        if own:
            self.tape.verify()  # so that a rule of one's own that is none is an error here
        self._made: dict[tuple[str, bool], Run] = {}
        self._told = False
        self._program: Any = None
        self._arrays = _there("numpy")
        self._machines = machine_code()
        there = {"machine": self._machines, "numpy": self._arrays}
        if not there.get(backend, True):
            raise MissingError(f"{backend} is not installed: {FAST}")
        if backend == "auto" and not self._machines:
            _say_once(f"a compiled loss is much faster as machine code: {FAST}")

    @cached_property
    def tape(self) -> Tape:
        """The graph and its adjoints, recorded where they are asked for: not all backends do."""
        with no_collection():
            return record([self.loss, *self.also], self.wrt)

    def __repr__(self) -> str:
        inputs, wrt = len(self.inputs), len(self.wrt)
        return f"<a compiled loss of {len(self.recorded)} slots: {inputs} inputs, {wrt} wrt>"

    # A list for an input that was given a sequence, else a float: types cannot tell which is which.
    @overload
    def __call__(self, *columns: float, **by_label: float) -> tuple[float, list[float]]: ...
    @overload
    def __call__(self, *columns: Table, **by_label: Column) -> tuple[float, list[Any]]: ...
    def __call__(self, *columns: Table, **by_label: Column) -> tuple[float, list[Any]]:
        """Returns (value, gradients)."""
        return self._answer(columns, by_label)[:2]

    def _answer(
        self, columns: Sequence[Table], by_label: Mapping[str, Column]
    ) -> tuple[float, list[Any], list[float]]:
        """The value, the gradients, and the sums or means of `also`."""
        lists, count, single = self.columns(columns, by_label)
        sums, each = self.run(lists, count)
        scale = 1.0 / count if self.reduction == "mean" else 1.0
        sums = [x / count for x in sums] if self.reduction == "mean" else sums
        outputs = 1 + len(self.also)
        values, slopes, items = sums[:outputs], iter(sums[outputs:]), iter(each)
        gradients: list[Any] = []
        for x in self.wrt:
            if x not in self._each:
                gradients.append(next(slopes))
            elif x in single:
                gradients.append(sum(next(items)) * scale)
            else:
                gradients.append([d * scale for d in next(items)])
        return values[0], gradients, values[1:]

    def train(
        self,
        optimizer: Learner,
        columns: Sequence[Column],
        epochs: int,
        *,
        until: Criterion | None = None,
        history: History | None = None,
        progress: bool = True,
        counts: Sequence[str] = (),
    ) -> History:
        """Runs forward, backward and update `epochs` times over all examples.

        columns: as for a call. until, history, progress and counts are as of
        `train.train_compiled`.
        """
        how = {"until": until, "history": history, "progress": progress, "counts": counts}
        return trains[-1](self, optimizer, columns, epochs, **how)

    def outputs(self, *columns: Table, **by_label: Column) -> list[list[float]]:
        """The loss of each example, and the same of each of `also`: a forward pass alone."""
        lists, count, _ = self.columns(columns, by_label)
        run = self._function(self.chosen(count, True), True)
        try:
            _, items = run([lists[i] for i in self._used], self.others(), count)
            if all(map(isfinite, chain(*items))):
                return items
        except ArithmeticError:
            pass
        ends = []
        for i in range(count):
            ends.append(self._replayed(lists, i)[1])
            node = next((y for y in map(first_nonfinite, ends[-1]) if y is not None), None)
            if node is not None and not all(isfinite(y.data) for y in ends[-1]):
                self._report(f"example {i}: {nonfinite_message(node)}")
        return [[end.data for end in column] for column in zip(*ends)]

    def first_nonfinite(self, *columns: Table, **by_label: Column) -> tuple[int, Value] | None:
        """The first example in which a nan or an infinity is met, and the node that made it.

        The examples are run by the eager engine; see `check.first_nonfinite`, and
        `check.nonfinite_message` for a sentence about the node.
        """
        lists, count, _ = self.columns(columns, by_label)
        for i in range(count):
            node = _culprit(self._replayed(lists, i)[1])
            if node is not None:
                return i, node
        return None

    def run(self, columns: Columns, count: int) -> tuple[list[float], list[list[float]]]:
        """Sums: of the loss, of each of `also`, and of the gradients by what is no input.

        The second list has the gradients of each example by what is. columns: lists or arrays
        of floats, one for each input.
        """
        run = self._function(self.chosen(count), False)
        try:
            sums, each = run([columns[i] for i in self._used], self.others(), count)
            if all(map(isfinite, chain(sums, *each))):
                return sums, each
        except ArithmeticError:  # where Python's floats do not do as IEEE's
            pass
        return self._eagerly(columns, count)

    def others(self) -> list[float]:
        """The numbers that leaves other than inputs have now."""
        return [leaf._data for leaf in self._others]

    def chosen(self, count: int, forward: bool = False) -> str:
        """The backend for so many examples."""
        if self.backend in ("python", "numpy"):
            return self.backend
        # the machine gives sums, and nothing by example
        sums = not forward and not self._each
        if self._machines and self._fits and sums and self._has_code(count):
            return "machine"
        many = self.backend == "machine" or count >= MANY
        return "numpy" if self._arrays and many else "python"

    def _has_code(self, count: int) -> bool:
        """Whether there is machine code for this graph; if there is none, it is said why."""
        try:
            self.program().plan(count)
        except Exception as error:  # of the compiler, or of what it needs: others can do without
            self._fits = False
            _say_once(f"there is no machine code for this graph, which is slower now: {error}")
        return self._fits

    def _function(self, backend: str, forward: bool) -> Run:
        if (backend, forward) not in self._made:
            with no_collection():
                made = self._machine() if backend == "machine" else self._straight(backend, forward)
            self._made[backend, forward] = made
        return self._made[backend, forward]

    def _straight(self, backend: str, forward: bool) -> Run:
        tape = self.recorded if forward else self.tape
        inputs = [tape.leaves[self.inputs[i]] for i in self._used]
        if forward:
            return function(tape, inputs, [], tape.outputs, arrays=backend == "numpy")
        slopes = list(zip(self.wrt, tape.gradients))
        sums = [*tape.outputs, *(d for x, d in slopes if x not in self._each)]
        each = [d for x, d in slopes if x in self._each]
        return function(tape, inputs, sums, each, arrays=backend == "numpy")

    def program(self) -> Any:
        """The machine-code program of this loss."""
        if self._program is None:
            from tinygrad_edu.compiler.native.binding.program import Program

            used = [self.inputs[i] for i in self._used]
            self._program = Program(self.recorded, self.wrt, used)
        return self._program

    def _machine(self) -> Run:
        program = self.program()

        def run(columns: Any, others: Any, count: int) -> tuple[list[float], list[list[float]]]:
            outputs, gradients = program.run(columns, count)
            return [*outputs, *gradients], []

        return run

    def training(self, optimizer: Any, columns: Sequence[Column]) -> Any:
        """A run of the machine that goes on call by call, with the optimizer's updates in it.

        `steps(100)` makes so many and gives for each the sums of the loss and of `also`; fewer,
        where a loss is not finite. `write()` gives parameters and optimizer their numbers of then.
        None where there is no machine, or the optimizer has other parameters than the loss.
        """
        lists, count, _ = self.columns(columns)
        return self.begun(optimizer, lists, count)

    def begun(self, optimizer: Any, lists: Columns, count: int) -> Any:
        """As `training`, of lists of floats."""
        if self.chosen(count) != "machine" or not hasattr(optimizer, "recorded"):
            return None
        if optimizer.recorded() is None:
            kind = type(optimizer).__name__
            own = getattr(optimizer, "own_step", lambda: False)()
            _say_once(
                f"{kind} has a step() of its own, which is called: it is slower than a formula"
                if own
                else f"the formula of {kind} asks for numbers, cannot be compiled and is slower. "
                "Write sqrt(x) for math.sqrt(x), and where(step(x), a, b) for if"
            )
            return None
        mean = self.reduction == "mean"
        with no_collection():
            return self.program().training([lists[i] for i in self._used], count, mean, optimizer)

    def _replayed(self, columns: Columns, i: int) -> tuple[list[Value], list[Value]]:
        """Example `i` by the eager engine, backward pass included: its nodes and outputs."""
        numbers = dict(zip(self._others, self.others()))
        numbers |= {self.inputs[k]: float(columns[k][i]) for k in self._used}
        nodes, outputs = self.recorded.replay(numbers)
        outputs[0].backward()
        return nodes, outputs

    def _eagerly(self, columns: Columns, count: int) -> tuple[list[float], list[list[float]]]:
        sums = [0.0] * (1 + len(self.also) + len(self.wrt) - len(self._each))
        each: list[list[float]] = [[] for _ in self._each]
        for i in range(count):
            nodes, outputs = self._replayed(columns, i)
            slopes = {x: nodes[k].grad for x, k in self.recorded.leaves.items()}
            results = [y.data for y in outputs]
            results += [slopes.get(x, 0.0) for x in self.wrt if x not in self._each]
            sums = [total + x for total, x in zip(sums, results)]
            for items, x in zip(each, self._each):
                items.append(slopes.get(x, 0.0))
            if not all(map(isfinite, [*results, *(items[-1] for items in each)])):
                culprit = _culprit(outputs)
                if culprit is not None:
                    where = f"example {i}: " if self.inputs else ""
                    self._report(where + nonfinite_message(culprit))
        if not all(map(isfinite, sums)):
            self._report("a sum over the examples is not finite")
        return sums, each

    def _report(self, message: str) -> None:
        if self.strict:
            raise NonFiniteError(message)
        if not self._told:
            self._told = True
            warnings.warn(message, NonFiniteWarning, stacklevel=_outside())

    def columns(
        self, given: Sequence[Table], named: Mapping[str, Column] = MappingProxyType({})
    ) -> tuple[list[list[float]], int, set[Value]]:
        """A list for each input, how many examples there are, which inputs had one number."""
        by_input: dict[Value, Column] = {}
        for label, column in named.items():
            found = [x for x in self.inputs if x.label == label]
            if len(found) != 1:
                known = ", ".join(x.label for x in self.inputs if x.label)
                problem = f"{len(found)} inputs are" if found else "no input is"
                raise TapeError(f"{problem} called {label!r}; the labels are {known or 'none'}")
            by_input[found[0]] = column
        rest = [x for x in self.inputs if x not in by_input]
        parts = [column for part in _parts(given) for column in _columns(part)]
        if len(rest) != len(parts):
            raise LengthError(
                f"{len(rest)} inputs need a column of numbers each, and {len(parts)} are given; a "
                "table, whose rows are examples, has a column for each of its inputs"
            )
        by_input |= zip(rest, parts)
        columns = [_column(by_input[x]) for x in self.inputs]
        counts = {len(column) for column in columns if isinstance(column, list)} or {1}
        if len(counts) > 1:
            lengths = " and ".join(map(str, sorted(counts)))
            raise LengthError(f"columns of {lengths} numbers: give as many of each input")
        (count,) = counts
        if not count:
            raise LengthError("the columns are empty: give one example or more")
        single = {x for x, column in zip(self.inputs, columns) if isinstance(column, float)}
        lists = [[c] * count if isinstance(c, float) else c for c in columns]
        return lists, count, single


class CompiledLossAlso(CompiledLoss):
    """A compiled loss with `also`: calling it gives their sums, or means, as a third thing."""

    @overload  # type: ignore[override]  # three parts, where one without `also` gives two
    def __call__(
        self, *columns: float, **by_label: float
    ) -> tuple[float, list[float], list[float]]: ...
    @overload
    def __call__(
        self, *columns: Table, **by_label: Column
    ) -> tuple[float, list[Any], list[float]]: ...
    def __call__(self, *columns: Table, **by_label: Column) -> tuple[float, list[Any], list[float]]:
        """Returns (value, gradients, sums or means of `also`)."""
        return self._answer(columns, by_label)


def _parts(given: Any) -> Sequence[Any]:
    """What was given: one table, or columns and tables one after the other."""
    return [given] if getattr(given, "ndim", 0) == 2 or hasattr(given, "to_numpy") else given


def _columns(x: Any) -> Sequence[Column]:
    """The columns of a table: of a two-dimensional array, or of rows in a list; or the column."""
    if hasattr(x, "to_numpy"):
        x = x.to_numpy()
    if getattr(x, "ndim", 0) == 2:
        return list(x.T)
    if isinstance(x, list | tuple) and x and all(isinstance(row, list | tuple) for row in x):
        if len({len(row) for row in x}) > 1:
            raise LengthError("the rows of a table have as many numbers each, one for each input")
        return list(zip(*x))
    return [x]


def _column(x: Any) -> float | list[float]:
    """The number, or the numbers, as floats."""
    if hasattr(x, "tolist"):
        x = x.tolist()  # of an array, or of one of its numbers
    if not _many(x):
        return float(number(x))
    if isinstance(x, dict | set | frozenset):
        raise NumberError(f"a column is a list of numbers in order, not a {type(x).__name__}")
    items = list(x)
    return items if set(map(type, items)) == {float} else [float(number(item)) for item in items]


def _list(x: Any) -> list[Any]:
    """What was given as one thing or as several; the parameters of a model."""
    if callable(getattr(x, "parameters", None)):
        return list(x.parameters())
    if isinstance(x, Value | str) or not _many(x):
        return [x]
    return list(x)


def _by_label(what: str, given: Any, leaves: Sequence[Value]) -> list[Any]:
    """Leaves, where some may be given by their labels."""
    by_label: dict[str, list[Value]] = {}
    for leaf in leaves:
        if isinstance(leaf, Value):  # what is none is refused later
            by_label.setdefault(leaf.label, []).append(leaf)
    found = []
    for x in _list(given):
        if isinstance(x, str):
            named = by_label.get(x, [])
            if len(named) != 1:
                known = ", ".join(filter(None, by_label)) or "none"
                problem = f"{len(named)} leaves are" if named else "no leaf is"
                raise TapeError(f"{what}: {problem} called {x!r:.60}; the labels are {known:.300}")
            (x,) = named
        found.append(x)
    return found


def _many(x: Any) -> bool:
    return hasattr(x, "__iter__") and not isinstance(x, str | bytes)


def _check_choice(what: str, choice: str, every: Sequence[str]) -> None:
    if choice not in every:
        raise ValueError(f"unknown {what} {choice!r:.60}: choose {', '.join(every)}")


def _leaves(what: str, values: list[Any]) -> list[Value]:
    for x in values:
        if not isinstance(x, Value):
            raise NumberError(
                f"{what} is made of leaves, which are Values, of their labels, or of a model; "
                f"not of {x!r:.60}"
            )
        if x.op is CONSTANT:
            raise TapeError(f"{what} has a constant, {x.data!r}: make it a leaf, Value({x.data!r})")
        if x.op is not LEAF:
            raise InnerNodeError(f"{what} is made of leaves, and {x!r} was computed")
    if len(set(values)) < len(values):
        raise TapeError(f"{what} has one leaf twice: give each once")
    return values


def _culprit(outputs: list[Value]) -> Value | None:
    return next(filter(None, map(first_nonfinite, outputs)), None)


# --- a function instead of a graph ---------------------------------------------------------------


def _arguments(f: Callable[..., Any], numbers: list[Any]) -> list[Value]:
    """A leaf for each number, with the name of the parameter that it becomes."""
    from inspect import signature

    try:
        names = [p.name for p in signature(f).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    except (TypeError, ValueError):  # a function that does not say
        names = []
    names += [f"x{i}" for i in range(len(names), len(numbers))]
    return [_Given(x, label=name) for x, name in zip(numbers, names)]


class _Given(Value):
    """A number of the example. Eagerly it is often a float, of which `==` and `if` ask the size."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self._asked(self is other)

    def __ne__(self, other: object) -> bool:
        return self._asked(self is not other)

    def __bool__(self) -> bool:
        return self._asked(True)

    __hash__ = Value.__hash__

    def __index__(self) -> int:
        raise TypeError(
            "an input of what is compiled cannot be an index: the graph would have that one entry "
            "in it for ever. Give a number for each class, 1 for the one and 0 for the others, or "
            "do not compile"
        )

    def _asked(self, answer: bool) -> bool:
        notice = on_comparison.get()
        if notice is not None:
            notice()
        return answer


def _watched(f: Callable[..., Any], leaves: list[Value]) -> Any:
    """What `f` gives for the leaves; a warning for each line that has frozen something meanwhile.

    That is a line which compared Values, or asked one for its number.
    """
    places: dict[tuple[str, int], str] = {}

    def compared() -> None:
        frame = sys._getframe(_outside() - 1)
        places.setdefault((frame.f_code.co_filename, frame.f_lineno), _COMPARED)

    def asked(frame: FrameType) -> None:
        if in_package(frame) or is_formatting(frame):  # a loss may look for its largest logit
            return
        message = _asked_for_number(frame)
        while frame.f_back is not None and in_library(frame):  # `statistics` for somebody
            frame = frame.f_back
        places.setdefault((frame.f_code.co_filename, frame.f_lineno), message)

    comparisons, numbers = on_comparison.set(compared), on_float.set(asked)
    try:
        result = f(*leaves)
    finally:
        on_comparison.reset(comparisons)
        on_float.reset(numbers)
    for (file, line), message in places.items():
        warnings.warn_explicit(message, FrozenWarning, file, line)
    return result


_COMPARED = (
    "Values were compared here while the graph was recorded: the compiled loss has frozen "
    "that answer. Write relu, maximum, less or mask instead, or compile once for each case"
)


def _asked_for_number(frame: FrameType) -> str:
    function = function_of_math(frame)
    known = function is not None and function.__name__ not in QUESTIONS
    what = called(function) if known else "A Value"
    cure = advice(function) if known else "Compute with the Value itself, or compile for each case"
    was = "took a plain number" if known else "was asked for its number"
    return (
        f"{what} {was} here while the graph was recorded: the compiled loss has frozen it. {cure}"
    )


def _outside() -> int:
    """The `stacklevel`, as seen by its caller, of the first frame outside of this package."""
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and in_package(frame):
        depth, frame = depth + 1, frame.f_back
    return depth


# --- what is installed ---------------------------------------------------------------------------


def machine_code() -> bool:
    """Whether all is installed that machine code needs."""
    if not _there("numpy", "llvmlite", "tinygrad_edu.compiler.native"):
        return False
    try:
        major, minor = (int(x) for x in version("llvmlite").split(".")[:2])
    except (PackageNotFoundError, ValueError):  # it does not say
        return True
    return (major, minor) >= OLDEST


def _there(*packages: str) -> bool:
    """Whether they are installed; nothing is imported."""
    return all(find_spec(package) is not None for package in packages)


@cache
def _say_once(message: str) -> None:
    """Says what could be faster, once in a process."""
    warnings.warn(" ".join(message.split())[:400], SlowWarning, stacklevel=_outside())
