"""The command line: each command reads its options, calls the library once, and prints."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tinygrad_edu import check, expression
from tinygrad_edu.draw import picture, theme
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import ExpressionError, FormatError, NonFiniteError, ScriptError
from tinygrad_edu.script import load

_SCRIPT = re.compile(r"(?P<path>.+\.py):(?P<name>[^:/\\]*)", re.DOTALL)
_REFUSALS = (ExpressionError, FormatError, LayoutError, NonFiniteError, ScriptError, OSError)


class Refusal(click.ClickException):
    """A request that cannot be met: one line on stderr, and exit code 2."""

    exit_code = 2


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise Refusal(_one_line(_words(error))) from error


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot write {error.filename}: {error.strerror}: choose another place"
    return str(error)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class ExpressionCommand(click.Command):
    """A command whose TARGET may begin with `-`, as in `-x*w`, without being an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {name: p for p in self.params for name in (*p.opts, *p.secondary_opts)}
        options["--help"] = None
        protected, skip = [], 0
        for i, arg in enumerate(args):
            name, equals, _ = arg.partition("=")
            if skip:
                skip -= 1
            elif arg == "--":
                protected += args[i:]
                break
            elif name in options and name.startswith("--"):
                option = options[name]
                skip = int(not equals and option is not None and not getattr(option, "is_flag", 0))
            elif arg in options:
                skip = 1
            elif arg.startswith("-") and not re.fullmatch(r"--[a-z]+(-[a-z]+)*(=.*)?", arg):
                arg = " " + arg  # no option for click; the expression does not mind the blank
            protected.append(arg)
        return super().parse_args(ctx, protected)


_at = click.option(
    "--at",
    "assignments",
    multiple=True,
    metavar="NAME=NUMBER",
    help="The number of a name in the expression; once for each name.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tinygrad-edu", prog_name="tinygrad-edu")
def main() -> None:
    """See backpropagation: the value and the gradient of every node of a calculation.

    \b
    Try:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7

    \b
    Completion of commands and options, for bash (zsh, fish: likewise), in ~/.bashrc:
      eval "$(_TINYGRAD_EDU_COMPLETE=bash_source tinygrad-edu)"
    """


@main.command(cls=ExpressionCommand)
@click.argument("target")
@_at
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The file to write; - for standard output. Without it, the graph is drawn as text.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(picture.FORMATS),
    help="The format, where the ending of FILE does not say it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True, max=1e6),
    default=20.0,
    show_default=True,
    help="Seconds after which the layout is stopped.",
)
@click.option("--insist", is_flag=True, help="Lay out more than 5,000 shapes too.")
@click.option("--strict", is_flag=True, help="Make a nan or an infinity an error.")
def render(
    target: str,
    assignments: Sequence[str],
    output: str | None,
    format_: str | None,
    timeout: float,
    insist: bool,
    strict: bool,
) -> None:
    """Draw the graph of TARGET, with the value and the gradient of every node.

    TARGET is an expression, or FILE.py:NAME: then the script is RUN, as Python would, and the
    Value called NAME is drawn as the script left it. An expression is never run as Python.

    \b
    Examples:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7 -o neuron.svg
      tinygrad-edu render "-x**2" --at x=3
      tinygrad-edu render lesson.py:loss -o loss.png
      tinygrad-edu render "x*x" --at x=3 --format dot -o -
    """
    with _refusing():
        format_ = _format(output, format_)
        value = _target(target, assignments)
        if strict:
            check.check_finite(value)
        drawing = value.draw(timeout=timeout, insist=insist)
        if format_ is None:
            click.echo(drawing.text(**_terminal()), nl=False, color=True)
        else:
            data = drawing.render(format_)
            if output in (None, "-"):
                _write(data)
            else:
                picture.write_whole(output, data)
    _remark(drawing.note)
    if any(node.stale for node in drawing.graph.nodes):
        _remark("a leaf was set after the graph was computed; the graph holds its old value")
    bad = check.first_nonfinite(value)
    if bad is not None:
        _remark(check.nonfinite_message(bad))


@main.command("check", cls=ExpressionCommand)
@click.argument("expression_text", metavar="EXPR")
@_at
@click.pass_context
def check_(ctx: click.Context, expression_text: str, assignments: Sequence[str]) -> None:
    """Compare the gradient of EXPR with differences of its values, name by name.

    Exit code 1 if they differ. At a kink, such as relu(x) at 0, any slope between those to the
    left and to the right is right; where there is no numerical derivative, nothing is compared.

    \b
    Example:
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
    """
    with _refusing():
        numbers = expression.bindings(assignments)
        expression.expression(expression_text, numbers)
        if not numbers:
            raise ExpressionError("there is no name to differentiate by: write one, such as x")
        rows = check.compare(
            lambda *leaves: expression.evaluate(expression_text, dict(zip(numbers, leaves))),
            *numbers.values(),
            names=list(numbers),
        )
    width = max(len("name"), *(len(row.name) for row in rows))
    click.echo(f"{'name':<{width}}  {'analytic':>22}  {'numerical':>22}  verdict")
    for row in rows:
        click.echo(f"{row.name:<{width}}  {row.analytic!r:>22}  {row.numerical!r:>22}  {row.verdict}")
    if any(row.verdict == "differs" for row in rows):
        ctx.exit(1)
