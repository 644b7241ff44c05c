"""`tinygrad-edu step`: the forward and the backward pass, one event after the other."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from tinygrad_edu.analysis.trace import trace
from tinygrad_edu.cli.common import (
    ExpressionCommand,
    at,
    deliver,
    precision_option,
    reading,
    refusing,
    say,
    terminal,
)
from tinygrad_edu.cli.target import argument, load_target
from tinygrad_edu.reading.options import option

__all__ = ["step"]

_END = ("q", "Q", "\x1b", "\x03", "\x04")


@click.command(cls=ExpressionCommand)
@argument
@at
@option("--all", "everything", is_flag=True, help="Print all steps; do not wait for a key.")
@option("--json", "as_json", is_flag=True, help="Print the events as JSON, with exact numbers.")
@precision_option
def step(
    target: str, assignments: Sequence[str], everything: bool, as_json: bool, precision: int
) -> None:
    """Go through the forward and the backward pass of TARGET, one step for each key.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME: see `render --help`.
    Any key shows the next step, and q ends. The command does not wait if its input or its output is
    not a terminal. For pictures of the steps, see `render --steps`.

    \b
    Example:
      tinygrad-edu step "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
    """
    with refusing():
        given = load_target(target, assignments)
        stdout = given.stdout
        with reading():
            events = trace(given.value, precision)
            lines = list(events.lines())
    if as_json:
        deliver(events.to_json().encode(), None, stdout)
        return
    say(lines[0], stdout)
    waits = not everything and sys.stdin is not None and sys.stdin.isatty() and stdout.isatty()
    for i, line in enumerate(lines[1:], 1):
        if waits:
            prompt = f"({i} of {len(events)}: any key continues, q ends) "
            click.echo(
                prompt if len(prompt) < terminal(stdout)["width"] else ": ", err=True, nl=False
            )
            key = click.getchar()
            click.echo("\r\033[K", err=True, nl=False)
            if key in _END:
                return
        say(line, stdout)
