"""The command line: each command reads its options, calls the library, and prints."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from tinygrad_edu import __version__, check
from tinygrad_edu.draw import picture
from tinygrad_edu.draw.layout import LayoutError, one_line
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import (
    ExpressionError,
    FormatError,
    NonFiniteError,
    ScriptError,
)
from tinygrad_edu.expression import bindings, expression, shown
from tinygrad_edu.script import load, own_stdout

_SCRIPT = re.compile(r"(.+\.py):(\w*)", re.DOTALL)
_LONGEST = 500  # characters of an error
_REFUSALS = (
    ExpressionError,
    FormatError,
    LayoutError,
    NonFiniteError,
    ScriptError,
)
# What click's own errors leave unsaid.
_HINTS = {
    "unexpected extra argument": " Put the expression in quotes, and --at before each NAME=NUMBER.",
    "No such command": ' An expression is drawn by: tinygrad-edu render "x*w" --at x=2 --at w=3',
    "Missing argument": ' For example: "x*w" --at x=2 --at w=3',
}


class Refusal(click.ClickException):
    """A request that cannot be met."""

    exit_code = 2


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
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
            message = error.format_message()
            hint = next((hint for words, hint in _HINTS.items() if words in message), "")
            click.echo(f"Error: {one_line(message, _LONGEST)}{hint}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(130)  # as a shell reports Ctrl-C
        except OSError as error:  # of standard output: a file's is a Refusal
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more, at exit
            click.echo(f"Error: cannot write to standard output: {error.strerror}", err=True)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)


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
        dashed = []
        rest = iter(range(len(args)))
        for i in rest:
            name, equals, _ = args[i].partition("=")
            if args[i] in takes_value or (name in takes_value and name.startswith("--")):
                if takes_value[name] and not equals:
                    next(rest, None)
            elif not args[i].startswith("-") or args[i] in ("-", "--"):
                break  # there it is; whatever else begins with `-` is for click to judge
            elif not equals:  # --fromat=dot is an option with a slip, an expression has no =
                dashed.append(i)
        else:
            # -oy.svg is an option with its value, unless there is no other that could be it
            for i in [i for i in dashed if args[i][:2] not in takes_value][:1] or dashed[:1]:
                # a blank in front: no option for click, and nothing to an expression
                args = [*args[:i], " " + args[i], *args[i + 1 :]]
        return super().parse_args(ctx, args)


def _seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0 < value <= 1e6:
        raise click.BadParameter(f"{value} is no time to wait: seconds above 0, at most 1e6")
    return value


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
    To complete commands and options with the Tab key, in ~/.bashrc (or zsh_source in ~/.zshrc):
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
    type=float,
    callback=_seconds,
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
    if output == "/dev/stdout":
        output = "-"  # as a file it would be replaced, with all that was written to it before
    with _refusing():
        format = _format(output, format)
        value, stdout = _value(target, assignments)
        try:
            drawing: picture.Picture = value.draw(timeout=timeout, insist=insist)
            remarks = list(_remarks(value, drawing))
        except (AttributeError, OverflowError, TypeError, ValueError) as error:  # by a script
            problem = f"this graph cannot be drawn: {error}; did the script change its nodes?"
            raise Refusal(problem) from error
        if strict:
            check.check_finite(value)
        if format is None:
            click.echo(drawing.text(**_terminal(stdout)), file=stdout, nl=False, color=True)
        else:
            _deliver(drawing.render(format), output, stdout)
    for remark in [drawing.note, *remarks] if drawing.note else remarks:
        click.echo(f"Note: {one_line(remark, _LONGEST)}", err=True)


def _format(output: str | None, format: str | None) -> str | None:
    """The format to make, None for a drawing in the terminal."""
    if output is None or output == "-":
        if sys.stdout is None:
            raise FormatError("standard output is closed: name a file, -o FILE")
        if format in ("png", "pdf") and sys.stdout.isatty():
            raise FormatError(f"{format} is not for a terminal: name a file, -o FILE.{format}")
        return format or ("svg" if output else None)
    if format is None:
        return picture.format_of(output)
    ending = os.path.splitext(output)[1].lower().removeprefix(".")
    if ending in picture.FORMATS and ending != format:
        raise FormatError(f"the ending .{ending} and --format {format} disagree: drop one of them")
    return format


def _value(target: str, assignments: Sequence[str]) -> tuple[Value, TextIO]:
    """What is to be drawn, and where standard output is.

    The typed expression, differentiated; or a script's Value, as the script left it.
    """
    script = _SCRIPT.fullmatch(target.strip())
    if script:
        if assignments:
            raise ExpressionError("--at goes with an expression: a script sets its own numbers")
        stdout = own_stdout()
        return load(script[1], script[2]), stdout
    if re.search(r"\.py(:|$)", target.strip()):
        raise ExpressionError(
            "a script is drawn as FILE.py:NAME, with the name of one of its Values"
        )
    value = expression(target, bindings(assignments))
    value.backward()
    return value, sys.stdout


def _deliver(data: bytes, output: str | None, stdout: TextIO) -> None:
    if output is None or output == "-":
        stdout.buffer.write(data)
        stdout.flush()
        return
    try:
        picture.write_whole(output, data)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise Refusal(
            f"cannot write {shown(output)[1:-1]}: {reason}; choose another place"
        ) from error


def _terminal(stdout: TextIO) -> dict[str, Any]:
    """What the terminal allows: its width, whether it has more than ASCII, and colour."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG", "")
    if language == "C.UTF-8" and os.environ.get("LC_CTYPE") == language:
        # Python itself puts C.UTF-8 there where the locale is C (PEP 538)
        language = os.environ.get("LANG", "")
    plain = os.name == "posix" and language in ("", "C", "POSIX")
    terminal = stdout.isatty() and os.environ.get("TERM") != "dumb"
    return {
        "width": _width(stdout),
        "unicode": not plain and (stdout.encoding or "").lower().startswith("utf"),
        "color": terminal and not os.environ.get("NO_COLOR"),
    }


def _width(stdout: TextIO) -> int:
    if os.environ.get("COLUMNS", "").isdecimal():
        return int(os.environ["COLUMNS"])
    try:
        return os.get_terminal_size(stdout.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return 80


def _remarks(value: Value, drawing: picture.Picture) -> Iterator[str]:
    """What the reader of the picture should know, a sentence each."""
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
