"""`tinygrad-edu compile`: a graph and its gradient as a program, or as a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

import click

from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.cli.common import (
    ExpressionCommand,
    at,
    deliver,
    precision_option,
    reading,
    refusing,
    say,
)
from tinygrad_edu.cli.target import Target, argument, load_target
from tinygrad_edu.compiler.languages import LANGUAGES, Language, program
from tinygrad_edu.compiler.tape.table import table
from tinygrad_edu.compiler.tape.tape import record
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import FormatError, ViewError
from tinygrad_edu.ops import LEAF
from tinygrad_edu.reading.expression import leaves as leaves_of
from tinygrad_edu.reading.options import Word, files, option
from tinygrad_edu.reading.rerun import rerun, used

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
@argument
@at
@option(
    "--wrt",
    "by",
    multiple=True,
    metavar="NAME,...",
    help="Differentiate by these names.  [default: every name]",
)
@option(
    "--to",
    type=Word([*LANGUAGES, "table"], "language"),
    help="Write a program in this language, or the tape as a table.  [default: from the ending of "
    "FILE, .py, .c, .js, .mjs or .txt; else table]",
)
@option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    shell_complete=files,
    help="The file to write; repeat it for more files.  [default: standard output]",
)
@precision_option
def compile(
    target: str,
    assignments: Sequence[str],
    by: Sequence[str],
    to: Kind | None,
    outputs: Sequence[str],
    precision: int,
) -> None:
    """Write TARGET and its gradient as a program, or as a table to follow with a finger.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME: see `render --help`. In a
    table, the lines of the forward pass come first, then the lines of the adjoints: d_x is d TARGET
    / d x. A table shows numbers only if every name has one. A program takes its numbers from its
    command line, in the order of the names in TARGET or as NAME=NUMBER; the numbers given here are
    its defaults.

    \b
    Examples:
      tinygrad-edu compile "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
      tinygrad-edu compile "tanh(x*w + b)" --wrt w --to python
      tinygrad-edu compile "tanh(x*w + b)" -o neuron.c
    """
    # as a file, standard output would be replaced, and earlier output would be lost
    places = ["-" if output in ("/dev/stdout", "-") else output for output in outputs] or ["-"]
    with refusing():
        kinds = [_kind(to, place) for place in places]
        given = load_target(target, assignments, default=1.0, outputs=places)
        with reading():
            value = given.value
            if used(value):  # a program has one number for each name: that of the graph
                value = rerun(value, numbers={})[value]
            takes = _arguments(value, given)
            wrt = _named(value, given.names(by), takes) if by else takes
            needed = [leaf for leaf in takes if leaf.label in given.unset]
            tape = record([value], wrt)
            texts = [
                table(tape, not given.unset, precision)
                if kind == "table"
                else program(tape, wrt, kind, arguments=takes, needed=needed, module=module)
                for kind, module in kinds
            ]
        for place, text, (kind, _) in zip(places, texts, kinds):
            if kind == "table" and place == "-":
                say(text.rstrip("\n"), given.stdout)
            else:
                deliver(text.encode(), place, given.stdout)
    if given.numbers and given.unset and any(kind == "table" for kind, _ in kinds):
        add = " ".join(f"--at {name}=NUMBER" for name in given.unset[:20])
        verb = "have" if len(given.unset) > 1 else "has"
        names = ", ".join(given.unset[:20])
        click.echo(f"Note: no numbers are shown, because {names} {verb} none: add {add}", err=True)


def _kind(to: Kind | None, output: str) -> tuple[Kind, bool]:
    """(the language, whether the program is an ES module) for an output."""
    ending = os.path.splitext(output)[1].lower()
    said = _ENDINGS.get(ending)
    if to is not None and said not in (None, to.lower()):
        raise FormatError(f"the ending {ending} and --to {to} disagree: drop one of them")
    if to is None and said is None and ending:
        known = ", ".join(_ENDINGS)
        raise FormatError(f"unknown ending {ending}: choose {known}, or a language with --to")
    return to or said or "table", ending == ".mjs"


def _leaves(value: Value) -> list[Value]:
    return [node for node in topological_order(value) if node.op is LEAF]


def _arguments(value: Value, given: Target) -> list[Value]:
    """A leaf for each name, in the order of the expression, also for names without any effect."""
    if given.text is None:
        return _leaves(value)
    leaves = {leaf.label: leaf for leaf in _leaves(value)}
    names = leaves_of(given.text, given.numbers)
    return [leaves.get(name) or Value(1.0 if x is None else x, name) for name, x in names.items()]


def _named(value: Value, by: Sequence[str], takes: Sequence[Value]) -> list[Value]:
    """The leaves with the names `by`, also leaves that have no effect on the value."""
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
        raise ViewError("--wrt has the same name twice: write each name once")
    return found
