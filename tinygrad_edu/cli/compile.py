"""`tinygrad-edu compile`: a graph and its gradient as a program, or as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import click

from tinygrad_edu.cli.common import (
    SCRIPT,
    ExpressionCommand,
    at,
    deliver,
    places,
    reading,
    refusing,
    say,
    target_value,
)
from tinygrad_edu.emit import table
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import ViewError
from tinygrad_edu.expression import bindings, names
from tinygrad_edu.graph import graph
from tinygrad_edu.languages import LANGUAGES, Language, program
from tinygrad_edu.ops import LEAF
from tinygrad_edu.tape import record


@click.command(cls=ExpressionCommand)
@click.argument("target")
@at
@click.option(
    "--wrt",
    "by",
    multiple=True,
    metavar="NAME",
    help="Differentiate by this name; once for each.  [default: every name]",
)
@click.option(
    "--to",
    type=click.Choice([*LANGUAGES, "table"], case_sensitive=False),
    default="table",
    show_default=True,
    help="A program in this language, or the tape line by line.",
)
@click.option(
    "-o", "--output", metavar="FILE", help="The file to write.  [default: standard output]"
)
@places
def compile(
    target: str,
    assignments: Sequence[str],
    by: Sequence[str],
    to: Language | Literal["table"],
    output: str | None,
    precision: int,
) -> None:
    """Write TARGET and its gradient as a program, or as a table to follow with a finger.

    TARGET is an expression, or FILE.py:NAME. In a table, the lines of the forward pass come first,
    then those of the adjoints: d_x is d TARGET / d x. A program takes its numbers from its command
    line. Numbers may be left out: then they are 1 in a program, and a table shows none.

    \b
    Examples:
      tinygrad-edu compile "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
      tinygrad-edu compile "tanh(x*w + b)" --wrt w --to python
      tinygrad-edu compile "tanh(x*w + b)" --to c -o neuron.c
    """
    if output == "/dev/stdout":
        output = "-"  # as a file it would be replaced, with all that was written to it before
    with refusing():
        value, stdout = target_value(target, assignments, default=1.0)
        with reading():
            wrt = _leaves(value, by)
            tape = record([value], wrt)
            whole = bool(SCRIPT.fullmatch(target.strip())) or not (
                set(names(target)) - set(bindings(assignments))
            )
            text = table(tape, whole, precision) if to == "table" else program(tape, wrt, to)
        if to == "table" and output in (None, "-"):
            say(text.rstrip("\n"), stdout)
        else:
            deliver(text.encode(), output, stdout)


def _leaves(value: Value, by: Sequence[str]) -> list[Value]:
    """The leaves of these names; all of them if there are none."""
    nodes = topological_order(value)
    leaves = [node for node in nodes if node.op is LEAF]
    if not by:
        return leaves
    whole = graph(value)
    found = [nodes[whole.find(name).id] for name in by]
    for name, node in zip(by, found):
        if node.op is not LEAF:
            names = ", ".join(whole.names[nodes.index(leaf)] for leaf in leaves[:20])
            raise ViewError(f"{name[:60]!r} is computed: differentiate by one of {names}")
    if len(set(found)) < len(found):
        raise ViewError("--wrt names one thing twice: name each once")
    return found
