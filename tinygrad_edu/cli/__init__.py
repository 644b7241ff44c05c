"""The command line: each command reads its options, calls the library and prints the result."""

from __future__ import annotations

import gc

_collects = gc.isenabled()
gc.disable()  # it would look through what is imported several times, and find nothing
import click  # noqa: E402

from tinygrad_edu import __version__  # noqa: E402
from tinygrad_edu.cli.shell import Late, Main  # noqa: E402

if _collects:
    gc.enable()

__all__ = ["main"]

# The line about each command in the help, which needs no other file; a test holds them together.
_SHORT = {
    "check": "Compare the gradient of TARGET with differences of its values, name by name.",
    "compile": "Write TARGET and its gradient as a program, or as a table to follow with a finger.",
    "explain": "Explain d TARGET / d NAME: every path as a product of local derivatives, "
    "and their sum.",
    "orders": "Show the gradients of TARGET for the right order of visits, "
    "and for two wrong orders.",
    "render": "Draw the graph of TARGET, with the value and the gradient of every node.",
    "step": "Go through the forward and the backward pass of TARGET, one step for each key.",
    "demo": "Run a lesson, or list the lessons.",
}


def _load(name: str) -> click.Command:
    match name:
        case "check":
            from tinygrad_edu.cli import check

            return check.check
        case "compile":
            from tinygrad_edu.cli import compile

            return compile.compile
        case "demo":
            from tinygrad_edu.cli import demo

            return demo.demo
        case "explain":
            from tinygrad_edu.cli import explain

            return explain.explain
        case "orders":
            from tinygrad_edu.cli import orders

            return orders.orders
        case "render":
            from tinygrad_edu.cli import render

            return render.render
        case _:
            from tinygrad_edu.cli import step

            return step.step


@click.group(
    cls=Main,
    late=Late(_SHORT, _load),
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="tinygrad-edu")
@click.pass_context
def main(ctx: click.Context) -> None:
    """See backpropagation: the value and the gradient of every node of a calculation.

    \b
    Examples:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
      tinygrad-edu explain "tanh(x*w + b)" --wrt w --at x=2 --at w=-3 --at b=7
      tinygrad-edu step "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
      tinygrad-edu compile "tanh(x*w + b)" --wrt w --to python

    \b
    The Tab key completes commands and options with this line in ~/.bashrc (zsh_source in ~/.zshrc):
      eval "$(_TINYGRAD_EDU_COMPLETE=bash_source tinygrad-edu)"
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
