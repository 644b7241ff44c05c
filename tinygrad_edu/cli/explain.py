"""`tinygrad-edu explain`: why is a gradient the number it is?"""

from __future__ import annotations

from collections.abc import Sequence

import click

from tinygrad_edu.cli.common import (
    ExpressionCommand,
    at,
    places,
    reading,
    refusing,
    say,
    target_value,
)
from tinygrad_edu.explain import FORMS, Form, explanation
from tinygrad_edu.graph import graph

__all__ = ["explain"]


@click.command(cls=ExpressionCommand)
@click.argument("target")
@click.option(
    "--wrt",
    metavar="NAME",
    required=True,
    help="Whose gradient to explain: a name, or v3 and so on for what has none.",
)
@at
@click.option(
    "--form",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="With numbers, in plain words, or as LaTeX mathematics.",
)
@places
def explain(target: str, wrt: str, assignments: Sequence[str], form: Form, precision: int) -> None:
    """Explain d TARGET / d NAME: every path as a product of local derivatives, and their sum.

    TARGET is an expression, or FILE.py:NAME. Where there are more than 64 paths, the sum is told
    node by node, as backward() computes it.

    \b
    Examples:
      tinygrad-edu explain "L = (a*b + c) * f" --wrt a --at a=2 --at b=-3 --at c=10 --at f=-2
      tinygrad-edu explain "x*x + 3*x" --wrt x --at x=2 --form words
    """
    with refusing():
        value, stdout = target_value(target, assignments)
        with reading():
            whole = graph(value)
            explained = explanation(whole, whole.find(wrt).id, precision).form(form)
    say(explained, stdout, folded=form != "latex")
