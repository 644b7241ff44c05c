"""The back ends of a compiled loss: a Python loop, NumPy arrays, machine code; and the choice.

A new back end needs three things, all of them here: its name in `BackendName`, a class with the
members of `Backend`, and a condition in `Backends.choose`. The class is made from a `Recording`.
If all results of the class are finite, they must agree with those of the eager engine. If one of
them is not finite, `CompiledLoss` drops all of them and asks the eager engine (see `replay`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, cast, get_args

from tinygrad_edu.compiler.recording import Recording
from tinygrad_edu.compiler.tape.python_function import Columns, Run, Sums, python_function
from tinygrad_edu.compiler.tape.tape import no_collection
from tinygrad_edu.compiler.warn import say_once
from tinygrad_edu.errors import MissingError, PrecisionError

if TYPE_CHECKING:
    from tinygrad_edu.compiler.native.binding.program import Program

__all__ = [
    "BACKENDS",
    "FAST",
    "MANY",
    "OLDEST",
    "PRECISIONS",
    "Backend",
    "BackendName",
    "Backends",
    "MachineCode",
    "NumPyArrays",
    "Precision",
    "PythonLoop",
    "machine_code",
]

BackendName = Literal["auto", "python", "numpy", "machine"]  # "auto": the fastest installed one
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
Precision = Literal["float64", "float32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
FAST = 'pip install "tinygrad-edu[fast]"'
OLDEST = (0, 45)  # llvmlite; older versions write pointers in a different way, and fail
# With this number of examples, arrays become faster than a loop; measured on MLPs, it is 20 to 40.
MANY = 32


class Backend(Protocol):
    """One way to compute a loss and its gradients."""

    name: ClassVar[BackendName]

    def run(self, columns: Columns, count: int) -> Sums:
        """Returns (sums, lists) over `count` examples.

        sums: the loss, each of `also`, and the gradients by leaves that are not inputs; a list, or
        an array of floats. lists: the gradients of each example by `Recording.per_example`.
        columns: a list or an array of floats for each used input. All other leaves have their
        present numbers. If this raises an ArithmeticError, or if a result is not finite, the eager
        engine does the run again.
        """

    def outputs(self, columns: Columns, count: int) -> Columns:
        """Returns a list or an array for each output, with a number for each example."""


class PythonLoop:
    """A function of Python: a loop over the examples, with arithmetic of floats."""

    name: ClassVar[BackendName] = "python"
    arrays: ClassVar[bool] = False

    def __init__(self, graph: Recording) -> None:
        self.graph = graph

    def run(self, columns: Columns, count: int) -> Sums:
        return self._both_passes(columns, self.graph.numbers(), count)

    def outputs(self, columns: Columns, count: int) -> Columns:
        _, lists = self._forward_pass(columns, self.graph.numbers(), count)
        return lists

    @cached_property
    def _both_passes(self) -> Run:
        tape, by = self.graph.tape, self.graph.per_example
        slopes = list(zip(self.graph.wrt, tape.gradients))
        with no_collection():
            sums = [*tape.outputs, *(slot for x, slot in slopes if x not in by)]
            lists = [slot for x, slot in slopes if x in by]
            return python_function(tape, self._inputs(), sums, lists, self.arrays)

    @cached_property
    def _forward_pass(self) -> Run:
        tape = self.graph.forward
        with no_collection():
            return python_function(tape, self._inputs(), [], tape.outputs, self.arrays)

    def _inputs(self) -> list[int]:
        """Returns the slots of the used inputs, which are the same on both tapes."""
        leaves, inputs = self.graph.forward.leaves, self.graph.inputs
        return [leaves[inputs[i]] for i in self.graph.used]


class NumPyArrays(PythonLoop):
    """A function of Python without a loop: each operation takes arrays with all examples."""

    name: ClassVar[BackendName] = "numpy"
    arrays: ClassVar[bool] = True


class MachineCode:
    """Machine code, made by the package `native`. Its gradients are sums over examples."""

    name: ClassVar[BackendName] = "machine"

    def __init__(self, graph: Recording, precision: Precision = "float64") -> None:
        self.graph, self.precision = graph, precision
        self.possible = machine_code() and not graph.own_rows

    def can_run(self, count: int, forward: bool = False) -> bool:
        """Returns whether there is code for this number of examples."""
        differs = self.graph.per_example and not forward
        return self.possible and not differs and self._has_code(count, forward)

    def _has_code(self, count: int, forward: bool) -> bool:
        """Compiles, and returns whether that succeeded; if not, a warning says why."""
        try:
            self.program.plan(count, forward)
        except Exception as error:  # raised by llvmlite or the system; other back ends need neither
            if self.precision == "float32":
                raise PrecisionError(f'precision="float32" needs machine code: {error}') from error
            self.possible = False
            say_once(f"this graph runs without machine code, which is slower: {error}")
        return self.possible

    @cached_property
    def program(self) -> Program:
        """The program in machine code."""
        from tinygrad_edu.compiler.native.binding.program import Program

        inputs = [self.graph.inputs[i] for i in self.graph.used]
        return Program(self.graph.forward, self.graph.wrt, inputs, self.precision)

    def run(self, columns: Columns, count: int) -> Sums:
        return cast(Sequence[float], self.program.run(columns, count)), []

    def outputs(self, columns: Columns, count: int) -> Columns:
        return cast(Columns, self.program.each(columns, count))


class Backends:
    """The three back ends of one graph. MissingError if `asked` is not installed.

    precision: "float32" is for machine code alone; PrecisionError if the graph has none, so that
    nothing is computed in doubles unawares.
    """

    def __init__(
        self, graph: Recording, asked: BackendName, precision: Precision = "float64"
    ) -> None:
        self.graph, self.asked, self.precision = graph, asked, precision
        self.python, self.numpy, self.machine = (
            PythonLoop(graph),
            NumPyArrays(graph),
            MachineCode(graph, precision),
        )
        self.has_numpy = installed("numpy")
        has_machine_code = machine_code()
        there = {"numpy": self.has_numpy, "machine": has_machine_code}
        if not there.get(asked, True):
            raise MissingError(f"{asked} is not installed: {FAST}")
        if precision == "float32":
            _check_single(graph, asked, has_machine_code)
        if asked == "auto" and not has_machine_code:
            say_once(f"a compiled loss is much faster as machine code: {FAST}")

    def choose(self, asked: BackendName, count: int, forward: bool = False) -> Backend:
        """Returns the back end for this number of examples.

        asked: "python" and "numpy" are always obeyed; "machine" only if the graph has machine code.
        forward: for the outputs of each example, not for sums and gradients.
        """
        if asked in ("auto", "machine") and self.machine.can_run(count, forward):
            return self.machine
        if asked in ("python", "numpy"):
            return self.python if asked == "python" else self.numpy
        many = asked == "machine" or count >= MANY
        return self.numpy if self.has_numpy and many else self.python


def _check_single(graph: Recording, asked: BackendName, has_machine_code: bool) -> None:
    """Raises an error if this graph has no machine code, which single precision needs."""
    if not has_machine_code:
        raise MissingError(f'precision="float32" needs machine code: {FAST}')
    what = ""
    if asked not in ("auto", "machine"):
        what = f"the back end {asked} has doubles only"
    elif graph.own_rows:
        what = "an operation of your own has no machine code"
    elif graph.per_example:
        what = "gradients by inputs have no machine code"
    if what:
        raise PrecisionError(f'{what}: leave out precision="float32"')


def machine_code() -> bool:
    """Returns whether everything that machine code needs is installed."""
    if not installed("numpy", "llvmlite", "tinygrad_edu.compiler.native"):
        return False
    from importlib.metadata import PackageNotFoundError, version  # late, for it is slow

    try:
        major, minor = (int(x) for x in version("llvmlite").split(".")[:2])
    except (PackageNotFoundError, ValueError):  # a version without numbers: it may be new enough
        return True
    return (major, minor) >= OLDEST


def installed(*packages: str) -> bool:
    """Returns whether all these packages are installed, without importing them."""
    return all(find_spec(package) is not None for package in packages)
