"""`tinygrad-edu orders`: why backpropagation needs a topological order."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tinygrad_edu.analysis.orders import orders as compared
from tinygrad_edu.cli.common import ExpressionCommand, at, precision_option, reading, refusing, say
from tinygrad_edu.cli.target import argument, load_target

__all__ = ["orders"]


@click.command(cls=ExpressionCommand)
@argument
@at
@precision_option
def orders(target: str, assignments: Sequence[str], precision: int) -> None:
    """Show the gradients of TARGET for the right order of visits, and for two wrong orders.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME: see `render --help`.
    Naive recursion goes from each node to its operands at once. Pre-order search visits each node
    when it first reaches it. Both are right on trees. They are wrong if a computed value is used
    more than once; give a value a name to use it twice.

    \b
    Example:
      tinygrad-edu orders "c = a+b; d = a*b; e = c+d; f = c*d; y = e+f" --at a=2 --at b=3
    """
    with refusing():
        given = load_target(target, assignments)
        with reading():
            told = str(compared(given.value, precision))
    say(told, given.stdout)
