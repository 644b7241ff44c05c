"""The command line: each command reads its options, calls the library, and prints."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tinygrad_edu import __version__, check
from tinygrad_edu.draw import picture
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import ExpressionError, FormatError, NonFiniteError, ScriptError
from tinygrad_edu.expression import bindings, expression
from tinygrad_edu.script import load

_SCRIPT = re.compile(r"(.+\.py):(\w*)", re.DOTALL)
_LONGEST = 500  # characters of an error


class Refusal(click.ClickException):
    """A request that cannot be met."""

    exit_code = 2


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (ExpressionError, FormatError, LayoutError, NonFiniteError, ScriptError) as error:
        raise Refusal(str(error)) from error


class Main(click.Group):
    """A group whose errors are one line on stderr, and exit code 2."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """The command's exit code, given to the system unless `standalone_mode` is off."""
        run: Any = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        try:
            code = run(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            click.echo(f"Error: {_one_line(error.format_message())}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(130)  # as a shell reports Ctrl-C
        sys.exit(code if isinstance(code, int) else 0)


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


class ExpressionCommand(click.Command):
    """A command whose first argument may begin with `-`, as in `-x*w`, and still be no option.

    Where no argument is plainly the expression, the first that is not exactly an option is it.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What click makes of `args`, with such an expression set off from the options."""
        takes_value = {
            name: not option.is_flag
            for option in self.get_params(ctx)
            if isinstance(option, click.Option)
            for name in option.opts
        }
        dashed = None
        rest = iter(range(len(args)))
        for i in rest:
            name, equals, _ = args[i].partition("=")
            if args[i] in takes_value or (name in takes_value and name.startswith("--")):
                if takes_value[name] and not equals:
                    next(rest, None)
            elif not args[i].startswith("-") or args[i] in ("-", "--"):
                break  # there it is; whatever else begins with `-` is for click to judge
            elif dashed is None:
                dashed = i
        else:
            if dashed is not None:
                # a blank in front: no option for click, and nothing to an expression
                args = [*args[:dashed], " " + args[dashed], *args[dashed + 1 :]]
        return super().parse_args(ctx, args)


_at = click.option(
    "--at",
    "assignments",
    multiple=True,
    metavar="NAME=NUMBER",
    help="The number of a name in the expression; once for each name.",
)


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
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7

    \b
    To complete commands and options with the Tab key, in ~/.bashrc (zsh and fish likewise):
      eval "$(_TINYGRAD_EDU_COMPLETE=bash_source tinygrad-edu)"
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


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
    type=click.Choice(picture.FORMATS, case_sensitive=False),
    help="The format, where the ending of FILE does not say it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 1e6, min_open=True),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="The time after which the layout is stopped.",
)
@click.option("--insist", is_flag=True, help="Lay out more than 5,000 shapes too.")
@click.option("--strict", is_flag=True, help="Make a nan or an infinity an error.")
def render(
    target: str,
    assignments: Sequence[str],
    output: str | None,
    format: str | None,
    timeout: float,
    insist: bool,
    strict: bool,
) -> None:
    """Draw the graph of TARGET, with the value and the gradient of every node.

    TARGET is an expression, or FILE.py:NAME. In that case the script is RUN, as Python would run
    it, and the Value called NAME is drawn as the script left it. An expression is never run.

    \b
    Examples:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7 -o neuron.svg
      tinygrad-edu render "-x**2" --at x=3
      tinygrad-edu render lesson.py:loss -o loss.png
      tinygrad-edu render "x*x" --at x=3 --format dot -o -
    """
    with _refusing():
        format = _format(output, format)
        value = _value(target, assignments)
        if strict:
            check.check_finite(value)
        drawing: picture.Picture = value.draw(timeout=timeout, insist=insist)
        if format is None:
            click.echo(drawing.text(**_terminal()), nl=False, color=True)
        else:
            _deliver(drawing.render(format), output)
    for remark in _remarks(value, drawing):
        click.echo(f"Note: {_one_line(remark)}", err=True)


def _format(output: str | None, format: str | None) -> str | None:
    """The format to make, None for a drawing in the terminal."""
    if output is None or output == "-":
        if format in ("png", "pdf") and sys.stdout.isatty():
            raise FormatError(f"{format} is not for a terminal: name a file, -o FILE.{format}")
        return format or ("svg" if output else None)
    ending = output.lower().rpartition(".")[2]
    if format and ending in picture.FORMATS and ending != format:
        raise FormatError(f"the ending .{ending} and --format {format} disagree: drop one of them")
    return format or picture.format_of(output)


def _value(target: str, assignments: Sequence[str]) -> Value:
    """What is to be drawn: the typed expression, differentiated, or a script's Value."""
    script = _SCRIPT.fullmatch(target.strip())
    if script:
        if assignments:
            raise ExpressionError("--at goes with an expression: a script sets its own numbers")
        return load(script[1], script[2])
    if target.strip().endswith(".py"):
        raise ExpressionError(
            "a script is drawn as FILE.py:NAME, with the name of one of its Values"
        )
    value = expression(target, bindings(assignments))
    value.backward()
    return value


def _deliver(data: bytes, output: str | None) -> None:
    if output is None or output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        picture.write_whole(output, data)
    except OSError as error:
        raise Refusal(f"cannot write {output}: {error.strerror}; choose another place") from error


def _terminal() -> dict[str, Any]:
    """What the terminal allows: its width, whether it has more than ASCII, and colour."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG", "")
    if language == "C.UTF-8" and os.environ.get("LC_CTYPE") == language:
        # Python itself puts C.UTF-8 there where the locale is C (PEP 538)
        language = os.environ.get("LANG", "")
    plain = os.name == "posix" and language in ("", "C", "POSIX")
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return {
        "width": shutil.get_terminal_size().columns,
        "unicode": not plain and (sys.stdout.encoding or "").lower().startswith("utf"),
        "color": terminal and not os.environ.get("NO_COLOR"),
    }


def _remarks(value: Value, drawing: picture.Picture) -> Iterator[str]:
    """What the reader of the picture should know, a sentence each."""
    if drawing.note:
        yield drawing.note
    if value.op and drawing.graph.output.grad is None:
        yield "there are no gradients to show: the script did not call backward() on it"
    if any(node.stale for node in drawing.graph.nodes):
        yield "a leaf was set after the graph was computed, which still holds its old number"
    origin = check.first_nonfinite(value)
    if origin is not None:
        yield check.nonfinite_message(origin)


@main.command(name="check", cls=ExpressionCommand)
@click.argument("text", metavar="EXPR")
@_at
@click.pass_context
def check_command(ctx: click.Context, text: str, assignments: Sequence[str]) -> None:
    """Compare the gradient of EXPR with differences of its values, name by name.

    Exit code 1 if they differ. At a kink, such as relu(x) at 0, any slope between those to the
    left and to the right will do; where there is no numerical derivative, nothing is compared.

    \b
    Example:
      tinygrad-edu check "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7
    """
    with _refusing():
        numbers = bindings(assignments)
        expression(text, numbers)  # first of all: is it one?
        if not numbers:
            raise ExpressionError("there is no name to differentiate by: write one, such as x")
        rows = check.compare(
            lambda *leaves: expression(text, dict(zip(numbers, leaves, strict=True))),
            *numbers.values(),
            names=list(numbers),
        )
    width = max(4, *(len(row.name) for row in rows))
    click.echo(f"{'name':<{width}}  {'analytic':>23}  {'numerical':>23}  verdict")
    for row in rows:
        numbers_of_row = f"{row.analytic!r:>23}  {row.numerical!r:>23}"
        click.echo(f"{row.name:<{width}}  {numbers_of_row}  {row.verdict}")
    if any(row.verdict == "differs" for row in rows):
        ctx.exit(1)
