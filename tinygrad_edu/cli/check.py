"""`tinygrad-edu check`: is the gradient right?"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from tinygrad_edu.check import compare
from tinygrad_edu.cli.common import ExpressionCommand, at, refusing, say
from tinygrad_edu.errors import ExpressionError
from tinygrad_edu.expression import bindings, expression

__all__ = ["check"]


@click.command(cls=ExpressionCommand)
@click.argument("text", metavar="EXPR")
@at
@click.pass_context
def check(ctx: click.Context, text: str, assignments: Sequence[str]) -> None:
    """Compare the gradient of EXPR with differences of its values, name by name.

    Exit code 1 if they differ. At a kink, such as relu(x) at 0, any slope between those to the
    left and to the right will do; where there is no numerical derivative, nothing is compared.

    \b
    Example:
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
    """
    with refusing():
        numbers = bindings(assignments)
        expression(text, numbers)  # first of all: is it one?
        if not numbers:
            raise ExpressionError("there is no name to differentiate by: write one, such as x")
        rows = compare(
            lambda *leaves: expression(text, dict(zip(numbers, leaves, strict=True))),
            *numbers.values(),
            names=list(numbers),
        )
    width = max(4, *(len(row.name) for row in rows))
    say(f"{'name':<{width}}  {'analytic':>23}  {'numerical':>23}  verdict", sys.stdout)
    for row in rows:
        numbers_of_row = f"{row.analytic!r:>23}  {row.numerical!r:>23}"
        say(f"{row.name:<{width}}  {numbers_of_row}  {row.verdict}", sys.stdout)
    if any(row.verdict == "differs" for row in rows):
        ctx.exit(1)
