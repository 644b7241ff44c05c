"""An optimizer's update as machine code, made from the recorded graph of one update."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.compiler.native.machine.interpreter import BLOCK
from tinygrad_edu.compiler.native.machine.llvm import Code, Vector, written
from tinygrad_edu.compiler.tape.python_function import array_function, python_function
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.engine import Value
from tinygrad_edu.ops import CONSTANT, LEAF

__all__ = ["FEW", "Update"]

FEW = 8  # up to this number of steps a Python loop is faster than NumPy


class Update:
    """One update of the parameters. `text` is the LLVM module with the function

        update(m, places, settings, first, count, step)

    which updates `count` blocks of eight parameters: block `first`, block `first` + `step`, and so
    on. places: the first addresses of the parameters, their gradients, and each state of the
    optimizer. settings: the numbers for this step, one from each list that the method `settings`
    returns. ahead: a constant rate, the number of a step, and such numbers from this step on, for
    whoever calls the function.
    """

    def __init__(
        self,
        leaves: Sequence[Value],
        results: Sequence[Value],
        width: int,
        attributes: str,
        real: str = "double",
    ) -> None:
        """leaves: a parameter, its gradient, its states, the learning rate, the step's number.
        results: the new parameter and the new states. width: of the processor's vectors, in floats
        of the type `real`.
        """
        width = min(width, BLOCK)
        *places, rate, steps = leaves
        tape = record(results)
        # slots that differ from parameter to parameter
        own = {tape.leaves[x] for x in places if x in tape.leaves}
        read = set(tape.outputs)
        for k, operands in enumerate(zip(tape.a, tape.b)):
            if not own.isdisjoint(operands):
                own.add(k)
                read.update(x for x in operands if x >= 0)
        self.common = sorted(k for k in read - own if tape.ops[k] is not CONSTANT)
        self.ahead: tuple[float, int, Sequence[Sequence[float]]] = (0.0, 0, ())
        self.given = [x in tape.leaves for x in (rate, steps)]
        read_too = [tape.leaves[x] for x in (rate, steps) if x in tape.leaves]
        self.others = [0.0 for k, op in enumerate(tape.ops) if op is LEAF and k not in read_too]
        self.run = python_function(tape, read_too, [], self.common, arrays=False, exact=True)
        self.run_arrays = array_function(tape, read_too, self.common)
        code = Code(attributes, " contract", real)
        header = (
            "void @update(real* m, i64* places, real* settings, i64 first, i64 count, i64 step)"
        )
        with code.function(header) as ((m, at, settings), (first, count, apart)):
            begins = [m + at[i] + first * BLOCK for i, _ in enumerate(places)]
            given = {k: settings[i].splat(width) for i, k in enumerate(self.common)}

            def change(i: Vector) -> None:
                for c in range(0, BLOCK, width):
                    own_at = [begin + i * apart * BLOCK + c for begin in begins]
                    slots = given | {
                        tape.leaves[leaf]: x.vector(width)
                        for leaf, x in zip(places, own_at)
                        if leaf in tape.leaves
                    }
                    for k in sorted((own | read) - slots.keys()):
                        if tape.ops[k] is CONSTANT:
                            slots[k] = Vector(code, "", width=width).constant(tape.data[k])
                        else:
                            operands = (slots[x] for x in (tape.a[k], tape.b[k]) if x >= 0)
                            slots[k] = written(tape.ops[k])(*operands)
                    for x, k in zip([own_at[0], *own_at[2:]], tape.outputs):
                        x.store(slots[k])

            code.loop(count, [], change)
        self.text = code.text()

    def settings(self, rates: Sequence[float], steps: Sequence[float]) -> Sequence[Sequence[float]]:
        """Returns the scalars that all parameters share, such as the rate and bias corrections.

        There is a sequence for each scalar, with its numbers at these steps. rates, steps: lists,
        or arrays if there are more than FEW.
        """
        columns = [x for x, is_read in zip((rates, steps), self.given) if is_read]
        if columns and len(rates) > FEW:
            return self.run_arrays(columns, self.others)
        return self.run(columns, self.others, len(rates))[1]

    @property
    def reads_step(self) -> bool:
        """Whether the scalars differ from step to step even if the rate is constant."""
        return self.given[1]
