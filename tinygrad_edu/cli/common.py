"""What commands share: their errors, the expression they are given, the terminal they write to."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

import click

from tinygrad_edu.draw.layout import LayoutError, one_line
from tinygrad_edu.draw.text import fold
from tinygrad_edu.engine import Value
from tinygrad_edu.errors import (
    ExpressionError,
    FormatError,
    NonFiniteError,
    ScriptError,
    StaleError,
    ViewError,
)
from tinygrad_edu.expression import bindings, expression, names, shown
from tinygrad_edu.files import write_whole
from tinygrad_edu.script import load, own_stdout

__all__ = [
    "LONGEST",
    "SCRIPT",
    "ExpressionCommand",
    "Main",
    "Refusal",
    "at",
    "deliver",
    "listed",
    "places",
    "reading",
    "refusing",
    "say",
    "target_value",
    "terminal",
    "unwritable",
]

SCRIPT = re.compile(r"(.+\.py):(\w*)", re.DOTALL)
LONGEST = 500  # characters of an error
_REFUSALS = (
    ExpressionError,
    FormatError,
    LayoutError,
    NonFiniteError,
    ScriptError,
    ViewError,
)
_UNREADABLE = ArithmeticError, AttributeError, LookupError, StaleError, TypeError, ValueError
# What click's own errors leave unsaid.
_HINTS = {
    "unexpected extra argument": " Put the expression in quotes, and --at before each NAME=NUMBER.",
    "No such command": ' An expression is drawn by: tinygrad-edu render "x*w" --at x=2 --at w=3',
    "Missing option '--wrt'": " Whose gradient is to be explained? For example: --wrt x",
    "No such option": " See --help. Numbers are given by --at NAME=NUMBER.",
    "Missing argument": ' For example: "x*w" --at x=2 --at w=3',
}


class Refusal(click.ClickException):
    """A request that cannot be met."""

    exit_code = 2


@contextmanager
def refusing() -> Iterator[None]:
    try:
        yield
    except _REFUSALS as error:
        raise Refusal(str(error)) from error


@contextmanager
def reading() -> Iterator[None]:
    """Refuses a graph that a script has made unreadable; what is typed cannot."""
    try:
        yield
    except _REFUSALS:
        raise
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        StaleError,
    ) as error:
        problem = f"this graph cannot be read: {error}; did the script change its nodes?"
        raise Refusal(problem) from error


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
            click.echo(f"Error: {one_line(message, LONGEST - len(hint))}{hint}", err=True)
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


at = click.option(
    "--at",
    "assignments",
    multiple=True,
    metavar="NAME=NUMBER",
    help="The number of a name in the expression; once for each name.",
)


places = click.option(
    "--precision",
    type=click.IntRange(0, 17),
    default=4,
    show_default=True,
    help="How many decimals numbers are shown with, or digits below 1.",
)


def target_value(
    target: str,
    assignments: Sequence[str],
    default: float | None = None,
    output: str | None = None,
) -> tuple[Value, TextIO]:
    """What is to be drawn, and where standard output is.

    The typed expression, differentiated; or a script's Value, as the script left it. default: of
    names that have no number. output: the file that will be written, which is not the script.
    """
    script = SCRIPT.fullmatch(target.strip())
    if script:
        if assignments:
            raise ExpressionError("--at goes with an expression: a script sets its own numbers")
        if output is not None and _same_file(output, script[1]):
            raise ScriptError(
                f"{shown(output)[1:-1]} is the script itself, which would be lost: "
                "choose another place"
            )
        stdout = own_stdout()
        return load(script[1], script[2]), stdout
    if re.search(r"\.py(:|$)", target.strip()):
        raise ExpressionError(
            "a script is drawn as FILE.py:NAME, with the name of one of its Values"
        )
    numbers = {} if default is None else dict.fromkeys(names(target), default)
    value = expression(target, numbers | bindings(assignments))
    value.backward()
    return value, sys.stdout


def _same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)  # by whatever name or link
    except (OSError, ValueError):  # one of them is not there, or is no name: others will say so
        return False


def terminal(stdout: TextIO) -> dict[str, Any]:
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
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 10:
        return int(columns)
    try:
        return os.get_terminal_size(stdout.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return 80


def say(text: str, stdout: TextIO, *, folded: bool = True) -> None:
    """Prints lines of text, folded where they are wider than the terminal."""
    how = terminal(stdout)
    width = how["width"] if folded else sys.maxsize
    for line in text.split("\n"):
        for part in fold(line, width, unicode=how["unicode"]):
            click.echo(part, file=stdout)


def listed(words: str | None, every: Sequence[str]) -> list[str] | None:
    """The words of a list typed with commas; `none` and `all` are words for both ends."""
    if words is None:
        return None
    if words in ("none", "all"):
        return list(every) if words == "all" else []
    return [word.strip() for word in words.split(",")]


def deliver(data: bytes, output: str | None, stdout: TextIO) -> None:
    """Writes to a file, whole or not at all, or to standard output."""
    if output is None or output == "-":
        stdout.buffer.write(data)
        stdout.flush()
        return
    try:
        write_whole(output, data)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unwritable(output, error) from error


def unwritable(path: str, error: Exception) -> Refusal:
    """The refusal to write there."""
    reason = getattr(error, "strerror", None) or str(error)
    return Refusal(f"cannot write {shown(path)[1:-1]}: {reason}; choose another place")
