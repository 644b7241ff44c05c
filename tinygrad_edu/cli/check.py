"""`tinygrad-edu check`: is the gradient right?"""

from __future__ import annotations

from collections.abc import Sequence

import click

from tinygrad_edu.analysis.check import compare
from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.cli.common import ExpressionCommand, at, reading, refusing, say
from tinygrad_edu.cli.target import argument, load_target
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import ExpressionError, ViewError
from tinygrad_edu.ops import LEAF
from tinygrad_edu.reading.rerun import rerun, used

__all__ = ["check"]


@click.command(cls=ExpressionCommand)
@argument
@at
@click.pass_context
def check(ctx: click.Context, target: str, assignments: Sequence[str]) -> None:
    """Compare the gradient of TARGET with differences of its values, name by name.

    TARGET is an expression, - or @FILE to read one, or FILE.py:NAME. The graph of a script's Value
    is computed again with other numbers. The exit code is 1 if a gradient differs. At a kink, as in
    relu(x) at 0, any gradient from the slope on the left to the slope on the right agrees. If there
    is no numerical derivative, nothing is compared.

    \b
    Example:
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
    """
    with refusing():
        given = load_target(target, assignments)
        with reading():
            value = given.value
            order = topological_order(value)
            leaves = [node for node in order if node.op is LEAF]
            if not leaves and given.text is not None:
                raise ExpressionError("no name to differentiate by: write one, such as x")
            if not leaves:
                raise ViewError("this Value was not computed from other Values: nothing to check")
            if given.text is not None:  # in the order in which they were typed
                typed = list(given.numbers)
                leaves.sort(key=lambda leaf: typed.index(leaf.label) if leaf.label in typed else -1)
            names = dict(zip(order, graph(value).names, strict=True))

            def again(*numbers: Value) -> Value:
                return rerun(value, numbers=dict(zip(leaves, numbers, strict=True)))[value]

            before = used(value)
            start = [before.get(leaf, leaf.data) for leaf in leaves]
            rows = compare(again, *start, names=[names[leaf] for leaf in leaves])
    width = max(4, *(len(row.name) for row in rows))
    say(f"{'name':<{width}}  {'analytic':>23}  {'numerical':>23}  verdict", given.stdout)
    for row in rows:
        numbers_of_row = f"{row.analytic!r:>23}  {row.numerical!r:>23}"
        say(f"{row.name:<{width}}  {numbers_of_row}  {row.verdict}", given.stdout)
    if any(row.verdict == "differs" for row in rows):
        ctx.exit(1)
