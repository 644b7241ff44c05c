"""`tinygrad-edu explain`: why is a gradient the number it is?"""

from __future__ import annotations

from collections.abc import Sequence

import click

from tinygrad_edu.analysis.explain import FORMS, Form, explanation
from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.cli.common import ExpressionCommand, at, precision_option, reading, refusing, say
from tinygrad_edu.cli.target import argument, load_target
from tinygrad_edu.reading.options import Word, option

__all__ = ["explain"]


@click.command(cls=ExpressionCommand)
@argument
@option(
    "--wrt",
    "by",
    metavar="NAME,...",
    required=True,
    multiple=True,
    help="Explain the gradient of this node: a name, or v3 and so on for a node without a name.",
)
@at
@option(
    "--form",
    type=Word(FORMS),
    default="text",
    show_default=True,
    help="Explain with numbers (text), in plain words, or in LaTeX.",
)
@precision_option
def explain(
    target: str, by: Sequence[str], assignments: Sequence[str], form: Form, precision: int
) -> None:
    """Explain d TARGET / d NAME: every path as a product of local derivatives, and their sum.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME: see `render --help`. If there
    are more than 64 paths, the sum is explained node by node, as backward() computes it.

    \b
    Examples:
      tinygrad-edu explain "L = (a*b + c) * f" --wrt a --at a=2 --at b=-3 --at c=10 --at f=-2
      tinygrad-edu explain "x*x + 3*x" --wrt x --at x=2 --form words
    """
    with refusing():
        given = load_target(target, assignments)
        with reading():
            whole = graph(given.value)
            told = [
                explanation(whole, whole.find(x).id, precision).form(form) for x in given.names(by)
            ]
    say("\n\n".join(told), given.stdout, folded=form != "latex")
