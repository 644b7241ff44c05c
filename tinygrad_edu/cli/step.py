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
@option("--all", "everything", is_flag=True, help="Do not wait for a key.")
@option("--json", "as_json", is_flag=True, help="The events as JSON, exactly.")
@precision_option
def step(
    target: str, assignments: Sequence[str], everything: bool, as_json: bool, precision: int
) -> None:
    """Walk through the forward and the backward pass of TARGET, a key at a time.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME: see `render --help`.
    Any key goes on, q ends. Where keys or lines do not come from or go to a terminal, nothing
    waits. For pictures of the steps, see `render --steps`.

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
            prompt = f"({i} of {len(events)}: any key goes on, q ends) "
            click.echo(
                prompt if len(prompt) < terminal(stdout)["width"] else ": ", err=True, nl=False
            )
            key = click.getchar()
            click.echo("\r\033[K", err=True, nl=False)
            if key in _END:
                return
        say(line, stdout)
