"""`tinygrad-edu compile`: a graph and its gradient as a program, or as a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
from tinygrad_edu.errors import FormatError, ViewError
from tinygrad_edu.expression import bindings, names
from tinygrad_edu.graph import graph
from tinygrad_edu.languages import LANGUAGES, Language, program
from tinygrad_edu.ops import LEAF
from tinygrad_edu.tape import record

__all__ = ["compile"]

Kind = Language | Literal["table"]
_ENDINGS: dict[str, Kind] = {
    ".py": "python",
    ".c": "c",
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".txt": "table",
}


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
    help="A program in this language, or the tape line by line.  [default: what the ending of FILE "
    "says, .py, .c, .js, .mjs or .txt; else table]",
)
@click.option(
    "-o", "--output", metavar="FILE", help="The file to write.  [default: standard output]"
)
@places
def compile(
    target: str,
    assignments: Sequence[str],
    by: Sequence[str],
    to: Kind | None,
    output: str | None,
    precision: int,
) -> None:
    """Write TARGET and its gradient as a program, or as a table to follow with a finger.

    TARGET is an expression, or FILE.py:NAME. In a table, the lines of the forward pass come first,
    then those of the adjoints: d_x is d TARGET / d x. A program takes its numbers from its command
    line, in the order in which TARGET names them, or as NAME=NUMBER. Numbers may be left out: then
    they are 1 in a program, and a table shows none.

    \b
    Examples:
      tinygrad-edu compile "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
      tinygrad-edu compile "tanh(x*w + b)" --wrt w --to python
      tinygrad-edu compile "tanh(x*w + b)" -o neuron.c
    """
    if output == "/dev/stdout":
        output = "-"  # as a file it would be replaced, with all that was written to it before
    with refusing():
        kind, module = _kind(to, output)
        value, stdout = target_value(target, assignments, default=1.0, output=output)
        with reading():
            typed = not SCRIPT.fullmatch(target.strip())
            takes = _arguments(value, target, bindings(assignments)) if typed else _leaves(value)
            wrt = _named(value, by, takes) if by else takes
            tape = record([value], wrt)
            whole = not typed or not set(names(target)) - set(bindings(assignments))
            if kind == "table":
                text = table(tape, whole, precision)
            else:
                text = program(tape, wrt, kind, arguments=takes, module=module)
        if kind == "table" and output in (None, "-"):
            say(text.rstrip("\n"), stdout)
        else:
            deliver(text.encode(), output, stdout)


def _kind(to: Kind | None, output: str | None) -> tuple[Kind, bool]:
    """The language that is wanted, and whether it is an ES module that is."""
    ending = os.path.splitext(output or "")[1].lower()
    said = _ENDINGS.get(ending)
    if to is not None and said not in (None, to.lower()):
        raise FormatError(f"the ending {ending} and --to {to} disagree: drop one of them")
    if to is None and said is None and ending:
        known = ", ".join(_ENDINGS)
        raise FormatError(f"the ending {ending} names no language: write one of {known}, or --to")
    return to or said or "table", ending == ".mjs"


def _leaves(value: Value) -> list[Value]:
    return [node for node in topological_order(value) if node.op is LEAF]


def _arguments(value: Value, text: str, numbers: Mapping[str, float]) -> list[Value]:
    """A leaf for each name, in the order of the expression, also where nothing depends on it."""
    leaves = {leaf.label: leaf for leaf in _leaves(value)}
    return [leaves.get(name) or Value(numbers.get(name, 1.0), name) for name in names(text)]


def _named(value: Value, by: Sequence[str], takes: Sequence[Value]) -> list[Value]:
    """The leaves of these names; nothing may depend on some of those that a program takes."""
    nodes = topological_order(value)
    leaves = _leaves(value)
    whole = graph(value)
    idle = {leaf.label: leaf for leaf in takes if leaf not in leaves}
    found = [idle.get(name) or nodes[whole.find(name).id] for name in by]
    for name, node in zip(by, found):
        if node.op is not LEAF:
            names = ", ".join(whole.names[nodes.index(leaf)] for leaf in leaves[:20])
            raise ViewError(f"{name[:60]!r} is computed: differentiate by one of {names}")
    if len(set(found)) < len(found):
        raise ViewError("--wrt names one thing twice: name each once")
    return found
