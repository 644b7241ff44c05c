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
    """Show the gradients of TARGET by the right order of visits, and by two wrong ones.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME: see `render --help`.
    Naive recursion goes from each node to its operands at once, pre-order search visits each node
    when it is first reached. Both are right on trees. They fail where a value that was computed
    is used more than once: name it, to use it twice.

    \b
    Example:
      tinygrad-edu orders "c = a+b; d = a*b; e = c+d; f = c*d; y = e+f" --at a=2 --at b=3
    """
    with refusing():
        given = load_target(target, assignments)
        with reading():
            told = str(compared(given.value, precision))
    say(told, given.stdout)
