"""An optimizer's formula as machine code, from the graph that the optimizer records of itself."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu.engine import Value
from tinygrad_edu.native.arithmetic import CHEAP, COSTLY, LIBRARY
from tinygrad_edu.native.vector import Vector
from tinygrad_edu.ops import CONSTANT, TABLE
from tinygrad_edu.tape import Tape, record


def update(leaves: Sequence[Value], results: Sequence[Value], width: int, attributes: str) -> str:
    """The module of `update(arena, places, settings)`, which changes all parameters once.

    leaves: a parameter, its slope, what is kept for it; the rate and the number of the step, which
    are the settings. results: the parameter, and what is kept, afterwards. places: how many
    vectors there are, and where the parameters, slopes, and what is kept begin.
    """
    tape = record(results)
    own = {tape.leaves[x] for x in leaves[:-2] if x in tape.leaves}  # different in each lane
    for k, (a, b) in enumerate(zip(tape.a, tape.b)):
        if a in own or b in own:
            own.add(k)
    v = f"<{width} x double>"
    lines = ["%size = load i64, ptr %places"]
    pointers = []
    for i, _ in enumerate(leaves[:-2], 1):
        lines.append(f"%place{i} = getelementptr i64, ptr %places, i64 {i}")
        lines.append(f"%at{i} = load i64, ptr %place{i}")
        lines.append(f"%pointer{i} = getelementptr double, ptr %m, i64 %at{i}")
        pointers.append(f"%pointer{i}")
    slots: dict[int, Vector] = {}
    for i, leaf in enumerate(leaves[-2:]):
        lines.append(f"%setting{i} = getelementptr double, ptr %settings, i64 {i}")
        lines.append(f"%number{i} = load <1 x double>, ptr %setting{i}, align 8")
        if leaf in tape.leaves:
            slots[tape.leaves[leaf]] = Vector(lines, 1, f"%number{i}")
    _compute(tape, lines, slots, [k for k in range(len(tape)) if k not in own])
    for k, x in list(slots.items()):  # once for all lanes
        mask = f"<{width} x i32> zeroinitializer"
        name = x.line(f"shufflevector <1 x double> {x.name}, <1 x double> poison, {mask}").name
        slots[k] = Vector(lines, width, name)
    lines += ["br label %head", "head:", "%i = phi i64 [ 0, %entry ], [ %next, %body ]"]
    lines += ["%more = icmp slt i64 %i, %size", "br i1 %more, label %body, label %end", "body:"]
    lines.append(f"%offset = mul i64 %i, {width}")
    for i, (leaf, pointer) in enumerate(zip(leaves, pointers)):
        lines.append(f"%own{i} = getelementptr double, ptr {pointer}, i64 %offset")
        lines.append(f"%lanes{i} = load {v}, ptr %own{i}, align 8")
        if leaf in tape.leaves:
            slots[tape.leaves[leaf]] = Vector(lines, width, f"%lanes{i}")
    _compute(tape, lines, slots, [k for k in range(len(tape)) if k in own])
    for i, k in zip([0, *range(2, len(pointers))], tape.outputs):
        lines.append(f"store {v} {slots[k].name}, ptr %own{i}, align 8")
    lines += ["%next = add i64 %i, 1", "br label %head", "end:", "ret void"]
    declared = [
        f"declare double @{name}({', '.join(['double'] * len(TABLE[name].derivatives))})"
        for name in LIBRARY
    ]
    for w in {1, width}:
        kind = f"<{w} x double>"
        for name, n in {"fabs": 1, "sqrt": 1, "copysign": 2, "fmuladd": 3}.items():
            declared.append(f"declare {kind} @llvm.{name}.v{w}f64({', '.join([kind] * n)})")
    header = f"define void @update(ptr %m, ptr %places, ptr %settings) {attributes} {{"
    return "\n".join([*declared, header, "entry:", *lines, "}"])


def _compute(tape: Tape, lines: list[str], slots: dict[int, Vector], which: Sequence[int]) -> None:
    """Writes the instructions of these slots; their operands are there."""
    rows = {**CHEAP, **COSTLY}
    for k in which:
        if k in slots:
            continue
        if tape.ops[k] is CONSTANT:
            name = f"%constant{k}"
            lines.append(
                f"{name} = fadd <1 x double> {Vector(lines, 1, '').operand(tape.data[k])}, "
                f"{Vector(lines, 1, '').operand(-0.0)}"
            )
            slots[k] = Vector(lines, 1, name)
        else:
            operands = (slots[x] for x in (tape.a[k], tape.b[k]) if x >= 0)
            slots[k] = rows[tape.ops[k].name](*operands)
