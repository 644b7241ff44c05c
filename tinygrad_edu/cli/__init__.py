"""The command line: each command reads its options, calls the library and prints the result."""

from __future__ import annotations

import click
from click.shell_completion import add_completion_class

from tinygrad_edu import __version__
from tinygrad_edu.cli import check, compile, demo, explain, orders, render, step
from tinygrad_edu.cli.common import Main
from tinygrad_edu.cli.completion import Bash

__all__ = ["main"]

add_completion_class(Bash)


@click.group(
    cls=Main,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
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


main.add_command(render.render)
main.add_command(explain.explain)
main.add_command(step.step)
main.add_command(orders.orders)
main.add_command(check.check)
main.add_command(compile.compile)
main.add_command(demo.demo)
