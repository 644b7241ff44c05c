"""compile(): a graph, recorded once, that runs again and again with new numbers.

    fast = compile(loss, wrt=parameters, inputs=[x, target])
    value, gradients = fast(xs, targets)

The graph is that of one example. The compiled loss runs it for any number of examples and adds up
the values and the gradients. Leaves that are not inputs have the numbers that they have at the time
of the call. Python's decisions during the recording are frozen in the graph: every `if`, the length
of every loop, every random draw.

The eager engine is the definition. Where a result is not finite, or Python's arithmetic raised an
error, the engine runs the examples again, and the call returns the numbers of the engine.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard, get_args, overload

from tinygrad_edu.compiler.backends import (
    BACKENDS,
    PRECISIONS,
    BackendName,
    Backends,
    Precision,
)
from tinygrad_edu.compiler.begun import Begun
from tinygrad_edu.compiler.columns import Column, Examples, Table, columns_of_inputs
from tinygrad_edu.compiler.leaves import as_list, by_label, check_leaves
from tinygrad_edu.compiler.record_function import Function, record_function
from tinygrad_edu.compiler.recording import Recording
from tinygrad_edu.compiler.replay import nonfinite_node, outputs_eagerly, run_eagerly
from tinygrad_edu.compiler.tape.python_function import Columns, Sums, are_finite, floats
from tinygrad_edu.compiler.tape.tape import Tape, no_collection, record
from tinygrad_edu.compiler.warn import outside, say_once
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import NonFiniteError, NonFiniteWarning, NumberError
from tinygrad_edu.history import Criterion, History, Learner
from tinygrad_edu.hooks import trains

if TYPE_CHECKING:
    from tinygrad_edu.compiler.native.binding import program as native

__all__ = ["REDUCTIONS", "CompiledLoss", "CompiledLossAlso", "Reduction", "compile"]

Reduction = Literal["sum", "mean"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)

# A float; or a list of floats, for an input to which the call gave a sequence. A type cannot
# express this choice, and users should not have to check it at each call, so the type is Any.
Gradient: TypeAlias = Any


@overload
def compile(
    loss: Value,
    wrt: Value | Iterable[Value] = (),
    inputs: Value | Iterable[Value] = (),
    *,
    reduction: Reduction = "sum",
    backend: BackendName = "auto",
    precision: Precision = "float64",
    strict: bool = False,
) -> CompiledLoss: ...
@overload
def compile(
    loss: Callable[..., Value],
    wrt: Value | str | Iterable[Value | str] = (),
    inputs: float | Iterable[float] = (),
    *,
    reduction: Reduction = "sum",
    backend: BackendName = "auto",
    precision: Precision = "float64",
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
    backend: BackendName = "auto",
    precision: Precision = "float64",
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
    backend: BackendName = "auto",
    precision: Precision = "float64",
    strict: bool = False,
) -> CompiledLossAlso: ...
def compile(
    loss: Value | Function,
    wrt: Value | str | Iterable[Value | str] = (),
    inputs: Value | float | Iterable[Value | float] = (),
    *,
    reduction: Reduction = "sum",
    also: Value | Iterable[Value] = (),
    backend: BackendName = "auto",
    precision: Precision = "float64",
    strict: bool = False,
) -> CompiledLoss:
    """Returns `loss`, the graph of one example, compiled for any number of examples.

    wrt: leaves to differentiate by, or their labels, or a model. inputs: leaves that get new
    numbers at each call, or their labels. reduction: "sum" or "mean" over the examples. also: more
    Values of the same graph to be added up.
    backend: "python", "numpy", "machine", or "auto" for the fastest that is installed. strict: a
    nan or an infinity raises a NonFiniteError, and is not only a warning.

    precision: "float64", or "float32" for machine code in single precision, which has half the
    memory and about twice the speed. All numbers are rounded to 7 digits when they are laid into
    the machine, in it, and nowhere else: results are Python's floats. Gradients agree with those of
    doubles to about 1e-5 of the largest one, unless the graph loses digits by subtraction. Numbers
    below 1e-38 become 0. Numbers above 3e38 are infinite, so the engine runs the examples again, in
    doubles; this is slow. A comparison of numbers that agree to 7 digits may come out otherwise.
    PrecisionError for "float32" with the back ends "python" and "numpy", for operations of your
    own and for gradients by inputs, MissingError without the extra `fast`.

    loss may be a function instead. It is called once, with a Value for each number in `inputs`.
    Each Value has the name of its parameter as its label. It returns the loss, or a list of the
    loss and more Values to be added up; wrt may name its parameters. A FrozenWarning names each
    line in it that compared Values, or asked one for its number (`.data`, `float(x)`,
    `math.exp(x)`): the answer is frozen in the graph. Use `relu`, `less`, `where` and `exp(x)`,
    which are recorded. There is no warning when a Value becomes text (`print(x)`, an f-string,
    `"%f" % x`), because text decides nothing. A random draw is frozen, too, without a warning. A
    graph that `gradient` made has only the formula of the derivative: for log(x) this is 1/x, which
    has a value even for x below 0, where log(x) has none.
    """
    with no_collection():
        wanted, variable, more = as_list(wrt), as_list(inputs), as_list(also)
        leaves: Sequence[object]
        if isinstance(loss, Value):
            outputs = [loss, *more]
            leaves = [x for x in [*wanted, *variable] if not isinstance(x, str)]
            if len(leaves) < len(wanted) + len(variable):
                values = [y for y in outputs if isinstance(y, Value)]
                leaves = [*leaves, *(x for x in record(values).leaves if x not in leaves)]
            by = by_label("wrt", wanted, leaves)
            given: Sequence[object] = by_label("inputs", variable, leaves)
        elif callable(loss):
            given, results = record_function(loss, variable)
            outputs, by = [*results, *more], by_label("wrt", wanted, given)
        else:
            text = ": a text is compiled by builtins.compile" if isinstance(loss, str) else ""
            raise NumberError(f"expected a Value or a function, not {type(loss).__name__}{text}")
        kind = CompiledLossAlso if len(outputs) > 1 else CompiledLoss
        return kind(outputs, by, given, reduction, backend, strict, precision)


class CompiledLoss:
    """A compiled loss. A call gives its value, and its gradients in the order of `wrt`.

    Each input gets one number, or a column: a sequence with a number for each example. Columns are
    given in order or by label. A table gives several columns at once: it is an array or a list of
    rows, with a row for each example, as in fast(X, y). A gradient is the sum or mean over the
    examples. If an input gets a sequence, the gradient by this input is a list with a number for
    each example; so the type of a gradient is Any.
    recorded: the tape of the graph. tape: the same with the adjoints. Threads may share the object:
    it keeps no numbers of a call. It does keep the memory of a run of `train` for the next run,
    which begins with the present numbers as if that memory were new.
    """

    def __init__(
        self,
        outputs: Sequence[object],
        wrt: Sequence[object],
        inputs: Sequence[object],
        reduction: Reduction,
        backend: BackendName,
        strict: bool,
        precision: Precision = "float64",
    ) -> None:
        _check_choice("backend", backend, BACKENDS)
        _check_choice("precision", precision, PRECISIONS)
        _check_choice("reduction", reduction, REDUCTIONS)
        values = [y for y in outputs if isinstance(y, Value)]
        for y in outputs:
            if not isinstance(y, Value):
                raise NumberError(f"only a Value can be compiled, not {type(y).__name__}")
        self.wrt, self.inputs = check_leaves("wrt", wrt), check_leaves("inputs", inputs)
        self.loss, *self.also = values
        self.reduction, self.backend, self.strict = reduction, backend, strict
        self.precision = precision
        self.graph = Recording(values, self.wrt, self.inputs)
        self.backends = Backends(self.graph, backend, precision)
        self._has_reported = False

    @property
    def recorded(self) -> Tape:
        """The tape of the graph, without adjoints."""
        return self.graph.forward

    @property
    def tape(self) -> Tape:
        """The tape of the graph and its adjoints."""
        return self.graph.tape

    def __repr__(self) -> str:
        inputs, wrt = len(self.inputs), len(self.wrt)
        return f"<a compiled loss of {len(self.recorded)} slots: {inputs} inputs, {wrt} wrt>"

    @overload
    def __call__(self, *columns: float, **by_label: float) -> tuple[float, list[float]]: ...
    @overload
    def __call__(self, *columns: Table, **by_label: Column) -> tuple[float, list[Gradient]]: ...
    def __call__(self, *columns: Table, **by_label: Column) -> tuple[float, list[Gradient]]:
        """Returns (value, gradients)."""
        value, gradients, _ = self._answer(columns, by_label)
        return value, gradients

    def _answer(
        self, columns: Sequence[Table], by_label: Mapping[str, Column]
    ) -> tuple[float, list[Gradient], list[float]]:
        """Returns the value, the gradients, and the sums or means of `also`."""
        lists, count, single = self.columns(columns, by_label)
        totals, per_example = self._sums(lists, count)
        scale = 1.0 / count if self.reduction == "mean" else 1.0
        sums = floats(totals, count if self.reduction == "mean" else 1)
        outputs = 1 + len(self.also)
        values: list[float] = sums[:outputs]
        gradients: list[Gradient] = sums[outputs:]
        if not per_example:
            return values[0], gradients, values[1:]
        slopes, items = iter(gradients), iter(per_example)
        gradients = []
        for x in self.wrt:
            if x not in self.graph.per_example:
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
        """Runs the forward pass, the backward pass and the update `epochs` times, each time over
        all examples, and returns the History.

        columns: as in a call. until, history, progress, counts: see `train.train_compiled`.
        """
        run: History = trains[-1](
            self,
            optimizer,
            columns,
            epochs,
            until=until,
            history=history,
            progress=progress,
            counts=counts,
        )
        return run

    def outputs(self, *columns: Table, **by_label: Column) -> list[list[float]]:
        """Returns the loss of each example, and each of `also`, by a forward pass alone.

        There is a list for each of them, with a number for each example.
        """
        lists, count, _ = self.columns(columns, by_label)
        backend = self.backends.choose(self.backend, count, forward=True)
        try:
            found = backend.outputs(self.used(lists), count)
            if all(map(are_finite, found)):
                return [*map(floats, found)]
        except ArithmeticError:
            pass
        return outputs_eagerly(self.graph, lists, count, self._report)

    def first_nonfinite(self, *columns: Table, **by_label: Column) -> tuple[int, Value] | None:
        """Returns the first example in which a node is not finite, and this node.

        The eager engine runs the examples; see `check.first_nonfinite`, and
        `check.nonfinite_message` for a sentence about the node.
        """
        lists, count, _ = self.columns(columns, by_label)
        return nonfinite_node(self.graph, lists, count)

    def run(self, columns: Columns, count: int) -> tuple[list[float], list[list[float]]]:
        """Returns (totals, per_example), in lists.

        totals: the loss, each of `also`, and the gradients by leaves that are not inputs, all added
        up over the examples. per_example: for each input in `wrt`, the gradients of the examples.
        columns: a list or an array of floats for each input.
        """
        totals, per_example = self._sums(columns, count)
        return floats(totals), per_example

    def _sums(self, columns: Columns, count: int) -> Sums:
        """Returns the same as `run`, but the totals may be an array."""
        backend = self.backends.choose(self.backend, count)
        try:
            totals, per_example = backend.run(self.used(columns), count)
            if all(map(are_finite, (totals, *per_example))):
                return totals, per_example
        except ArithmeticError:  # Python raises an error for some results that IEEE 754 defines
            pass
        return run_eagerly(self.graph, columns, count, self._report)

    def used(self, columns: Columns) -> Columns:
        """Returns the columns of the inputs that are in the graph."""
        if len(self.graph.used) == len(self.inputs):
            return columns  # perhaps a table, which stays one
        return [columns[i] for i in self.graph.used]

    def chosen(self, count: int, forward: bool = False) -> str:
        """Returns the name of the back end for this number of examples.

        forward: for a call of `outputs`.
        """
        return self.backends.choose(self.backend, count, forward).name

    def program(self) -> native.Program:
        """Returns the machine-code program of this loss."""
        return self.backends.machine.program

    def begin(self, optimizer: Learner, *columns: Table, **by_label: Column) -> Begun:
        """Returns a training run over these examples.

        `run.step()` makes a step and returns its loss. `run.feed(...)` goes on with other examples,
        of any number, given as in a call. `run.write()` writes the present numbers to the
        parameters and the optimizer: before it, machine code keeps them to itself.
        """
        return Begun(self, optimizer, columns, by_label)

    def training(self, optimizer: Learner, columns: Sequence[Column]) -> native.Run | None:
        """Returns a run of the machine that includes the optimizer's updates.

        `steps(100)` makes 100 steps, and returns the sums of the loss and of `also` for each step;
        it makes fewer steps if a loss is not finite. `write()` writes the present numbers to the
        parameters and the optimizer. None if there is no machine code, or if the optimizer has
        other parameters than the loss.
        """
        lists, count, _ = self.columns(columns)
        return self.start_training(optimizer, lists, count)

    def start_training(self, optimizer: Learner, lists: Columns, count: int) -> native.Run | None:
        """Returns the same as `training`, for columns of floats, as `columns` returns them."""
        if self.chosen(count) != "machine" or not _has_formula(optimizer):
            return None
        program = self.program()
        if not program.knows(optimizer) and optimizer.recorded() is None:
            say_once(_no_machine_code(optimizer))
            return None
        mean = self.reduction == "mean"
        with no_collection():
            return program.training(self.used(lists), count, mean, optimizer)

    def keep(self, run: native.Run) -> None:
        """Keeps a run of `start_training` that has ended, so that the next one begins sooner."""
        self.program().keep(run)

    def columns(
        self, given: Sequence[Table], by_label: Mapping[str, Column] = MappingProxyType({})
    ) -> Examples:
        """Returns a column of floats for each input, the number of examples, and the inputs that
        were given one number."""
        return columns_of_inputs(self.inputs, given, by_label)

    def _report(self, message: str) -> None:
        """Raises an error if the loss is strict; else warns, but only the first time."""
        if self.strict:
            raise NonFiniteError(message)
        if not self._has_reported:
            self._has_reported = True
            warnings.warn(message, NonFiniteWarning, stacklevel=outside())


class CompiledLossAlso(CompiledLoss):
    """A compiled loss with `also`: a call gives their sums, or means, as a third part."""

    @overload  # type: ignore[override]  # three parts, where a loss without `also` gives two
    def __call__(
        self, *columns: float, **by_label: float
    ) -> tuple[float, list[float], list[float]]: ...
    @overload
    def __call__(
        self, *columns: Table, **by_label: Column
    ) -> tuple[float, list[Gradient], list[float]]: ...
    def __call__(
        self, *columns: Table, **by_label: Column
    ) -> tuple[float, list[Gradient], list[float]]:
        """Returns (value, gradients, sums or means of `also`)."""
        return self._answer(columns, by_label)


def _check_choice(option: str, choice: str, choices: Sequence[str]) -> None:
    if choice not in choices:
        raise ValueError(f"unknown {option} {choice!r:.60}: choose {', '.join(choices)}")


def _has_formula(optimizer: Learner) -> TypeGuard[native.Optimizer]:
    """Returns whether the optimizer is made from a formula, as those of `optim` are."""
    return hasattr(optimizer, "recorded")


def _no_machine_code(optimizer: native.Optimizer) -> str:
    """Returns the reason why the formula of this optimizer cannot become machine code."""
    kind = type(optimizer).__name__
    if optimizer.own_step():
        return f"{kind} has a step() of its own, which is called: it is slower than a formula"
    return (
        f"the formula of {kind} asks for numbers, cannot be compiled and is slower. "
        "Write sqrt(x) for math.sqrt(x), and where(step(x), a, b) for if"
    )
