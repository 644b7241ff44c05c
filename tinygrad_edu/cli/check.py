"""`tinygrad-edu check`: is the gradient right?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from tinygrad_edu.check import compare
from tinygrad_edu.cli.common import (
    SCRIPT,
    ExpressionCommand,
    at,
    reading,
    refusing,
    say,
    target_value,
)
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import ExpressionError, ViewError
from tinygrad_edu.expression import bindings
from tinygrad_edu.graph import graph
from tinygrad_edu.op import nothing
from tinygrad_edu.ops import LEAF

__all__ = ["check"]


@click.command(cls=ExpressionCommand)
@click.argument("target")
@at
@click.pass_context
def check(ctx: click.Context, target: str, assignments: Sequence[str]) -> None:
    """Compare the gradient of TARGET with differences of its values, name by name.

    TARGET is an expression, or FILE.py:NAME, whose graph is computed again on other numbers.
    Exit code 1 if they differ. At a kink, such as relu(x) at 0, any slope between those to the
    left and to the right will do; where there is no numerical derivative, nothing is compared.

    \b
    Example:
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
    """
    with refusing():
        value, stdout = target_value(target, assignments)
        with reading():
            order = topological_order(value)
            leaves = [node for node in order if node.op is LEAF]
            if not leaves and not SCRIPT.fullmatch(target.strip()):
                raise ExpressionError("there is no name to differentiate by: write one, such as x")
            if not leaves:
                raise ViewError("this Value was not computed from other Values: nothing to check")
            typed = list(bindings(assignments))  # in whose order they are told
            leaves.sort(key=lambda leaf: typed.index(leaf.label) if leaf.label in typed else -1)
            names = dict(zip(order, graph(value).names, strict=True))
            again = _again(order, leaves, names)
            numbers = [leaf.data for leaf in leaves]
            rows = compare(again, *numbers, names=[names[leaf] for leaf in leaves])
    width = max(4, *(len(row.name) for row in rows))
    say(f"{'name':<{width}}  {'analytic':>23}  {'numerical':>23}  verdict", stdout)
    for row in rows:
        numbers_of_row = f"{row.analytic!r:>23}  {row.numerical!r:>23}"
        say(f"{row.name:<{width}}  {numbers_of_row}  {row.verdict}", stdout)
    if any(row.verdict == "differs" for row in rows):
        ctx.exit(1)


def _again(
    order: Sequence[Value], leaves: Sequence[Value], names: dict[Value, str]
) -> Callable[..., Value]:
    """The graph as a function of its leaves."""
    for node in order:
        if node.args and node.op.value is nothing:
            raise ViewError(
                f"{names[node]} ({node.op.name}) has a _backward of its own, and no function to "
                "compute it again from other numbers: in Python, gradcheck(f, ...) checks it"
            )

    def again(*given: Value) -> Value:
        made = dict(zip(leaves, given, strict=True))
        for node in order:
            if node not in made:
                made[node] = node.op(*(made[x] for x in node.args)) if node.args else node
        return made[order[-1]]

    return again
