"""A tape as a table for readers: the id in a picture, the name, the formula and the number."""

from __future__ import annotations

from math import nan

from tinygrad_edu.compiler.tape.lines import lines
from tinygrad_edu.compiler.tape.names import free, names
from tinygrad_edu.compiler.tape.tape import Tape
from tinygrad_edu.ops import LEAF
from tinygrad_edu.rows.formula import rounded
from tinygrad_edu.rows.source import Source

__all__ = ["table"]

Cells = tuple[str, str, str, str]  # id, name, formula, number


def table(tape: Tape, numbers: bool = True, precision: int = 4) -> str:
    """Returns the tape as text: a head, then a line for each slot that readers look for.

    The forward pass comes first, then the adjoints: d_x is d output / d x. numbers: whether the
    last column has numbers. precision: the significant digits of numbers.
    """
    rows = _Rows(tape, precision)
    rows.forward()
    if not rows.cells:
        rows.output_alone()
    rows.adjoints()
    cells = [("id", "name", "formula", "number"), *rows.cells]
    if not numbers:
        cells = [(*row[:3], "") for row in cells]
    width = [max(map(len, column)) for column in zip(*cells)]
    return "".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, width)).rstrip() + "\n" for row in cells
    )


class _Rows:
    """The rows as they are written.

    own: the formula of each slot that has a line of its own. owners: for each slot that holds an
    adjoint, the slots that have this adjoint; equal adjoints share one slot.
    """

    def __init__(self, tape: Tape, precision: int) -> None:
        self.tape, self.precision, self.names = tape, precision, names(tape)
        ends = [*tape.outputs, *tape.gradients, *tape.adjoints.values()]
        kept = {*range(tape.forward), *tape.adjoints.values()}
        written, self.texts = lines(tape, Source, self.names.__getitem__, ends, kept=kept)
        self.own = {line.slot: line.text for line in written}
        self.owners: dict[int, list[int]] = {}
        for k, d in tape.adjoints.items():
            self.owners.setdefault(d, []).append(k)
        self.data = tape.run()
        self.taken = set(self.names)
        output = self.data[tape.outputs[0]]
        self.defined = output == output  # where the output is nan, no derivative is defined
        self.cells: list[Cells] = []

    def forward(self) -> None:
        """Writes the leaves, and the slots of the forward pass that have a line."""
        for k in range(self.tape.forward):
            if k in self.own or self.tape.ops[k] is LEAF:
                self._write(k, self.names[k], self.own.get(k, "given"), self.data[k])

    def output_alone(self) -> None:
        """Writes the output of a tape that has neither leaves nor operations."""
        k = self.tape.outputs[0]
        self.cells.append(("", "output", str(self.texts[k]), rounded(self.data[k], self.precision)))

    def adjoints(self) -> None:
        """Writes the adjoints: first constants and copies, then slots with a line of their own."""
        start = self.tape.forward
        copies = [d for d in self.owners if d not in self.own or d < start]
        for d in [*copies, *(k for k in self.own if k >= start)]:
            if d not in self.owners:
                number = self.data[d] if self.defined else nan
                self._write(d, self.names[d], self.own[d], number)
            for i, node in enumerate(self.owners.get(d, [])):
                has_line = i == 0 and d >= start
                name = self.names[d] if has_line else free(f"d_{self.names[node]}", self.taken)
                formula = self.own[d] if has_line and d in self.own else str(self.texts[d])
                is_known = self.defined or node == self.tape.outputs[0]
                self._write(node, name, formula, self.data[d] if is_known else nan)

    def _write(self, node: int, name: str, formula: str, number: float) -> None:
        """Writes a row. node: a slot; if it is of the forward pass, the row shows its id."""
        i = str(self.tape.ids[node]) if node < self.tape.forward else ""
        self.cells.append((i, name, formula, rounded(number, self.precision)))
