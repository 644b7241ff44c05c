"""Code that all commands share: errors, how arguments are read, output to the terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import click

from tinygrad_edu.cli.shell import columns
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.errors import (
    ExpressionError,
    FormatError,
    NonFiniteError,
    ScriptError,
    StaleError,
    ViewError,
)
from tinygrad_edu.files import write_whole
from tinygrad_edu.reading.options import Whole, Words, option
from tinygrad_edu.reading.slips import shown

__all__ = [
    "ExpressionCommand",
    "Refusal",
    "at",
    "deliver",
    "precision_option",
    "reading",
    "refusing",
    "say",
    "terminal",
    "unwritable",
]

_REFUSALS = (
    ExpressionError,
    FormatError,
    LayoutError,
    NonFiniteError,
    ScriptError,
    ViewError,
)
_UNREADABLE = ArithmeticError, AttributeError, LookupError, StaleError, TypeError, ValueError


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
    """Turns the errors of a graph that a script has damaged into a Refusal."""
    try:
        yield
    except _REFUSALS:
        raise
    except _UNREADABLE as error:
        problem = f"this graph cannot be read: {error}; did the script change its nodes?"
        raise Refusal(problem) from error


def _is_option(param: click.Parameter) -> bool:
    return isinstance(param, click.Option)


class ExpressionCommand(click.Command):
    """A command whose first argument is an expression, which may begin with `-`, as in `-x*w`.

    If no argument is clearly the expression, it is the first one that is not exactly an option.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The result of click's `parse_args`, with such an expression marked as no option."""
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
                break  # this is the expression; click judges all others that begin with `-`
            elif not equals:  # --fromat=dot is a misspelled option: an expression has no =
                dashed.append(i)
        else:
            # -oy.svg is an option with its value, unless no other argument can be the expression
            for i in [i for i in dashed if args[i][:2] not in takes_value][:1] or dashed[:1]:
                # with a space in front, click sees no option, and an expression stays the same
                args = [*args[:i], " " + args[i], *args[i + 1 :]]
        ctx.allow_extra_args = True
        extra = super().parse_args(ctx, self._long(ctx, args, takes_value))
        if extra and not ctx.resilient_parsing:
            raise click.UsageError(self._superfluous(ctx, args, extra), ctx)
        return extra

    def _long(self, ctx: click.Context, args: list[str], takes_value: dict[str, bool]) -> list[str]:
        """Returns the arguments with --output for -o: click takes milliseconds for a short one."""
        long = {name: max(p.opts, key=len) for p in self.get_params(ctx) for name in p.opts}
        words, i = list(args), 0
        while i < len(words) and words[i] != "--":
            if words[i] in takes_value:
                words[i] = long[words[i]]
            i += 2 if takes_value.get(words[i]) else 1
        return words

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the help of the options, in their sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if _is_option(param) else None
            if record is not None:
                sections.setdefault(getattr(param, "section", "Options"), []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)

    def _superfluous(self, ctx: click.Context, args: list[str], extra: list[str]) -> str:
        """The message for an unexpected word; its position shows what was probably meant."""
        word = extra[0]
        place = len(args) - 1 - args[::-1].index(word) if word in args else 0
        before = args[place - 1] if place else ""
        owner = args[place - 2] if place > 1 else ""
        told = f"unexpected word {shown(word)}"
        named = [p for p in self.get_params(ctx) if owner in p.opts]
        if word.startswith("=") or before.endswith("="):
            joined = f"{before}{word}{extra[1] if word == '=' and len(extra) > 1 else ''}"
            return f"{told}: write {joined[:60]}, without blanks around ="
        if named and isinstance(named[0].type, Words):
            return f"{told}: write {owner} {before},{word[:60]}, with a comma"
        target = str(ctx.params.get("target", "")).strip()
        if re.fullmatch(r".+\.py", target) and re.fullmatch(r"[^\W\d]\w*", word):
            return f"{told}: write {target[:60]}:{word[:60]}"
        if re.fullmatch(r"[^\W\d]\w*=.+", word):
            return f"{told}: write --at before it, --at {word[:60]}"
        return f"{told}: put the expression in quotes, and --at before each NAME=NUMBER"


at = option(
    "--at",
    "assignments",
    multiple=True,
    metavar="NAME=NUMBER,...",
    help="The number of a name, such as x=2, w=-0.5 or b=pi/2; in a script, of one of its leaves.",
)


precision_option = option(
    "--precision",
    type=Whole(0, 17),
    default=4,
    show_default=True,
    help="The number of decimals shown; below 1, the number of digits.",
)


def terminal(stdout: TextIO) -> dict[str, Any]:
    """The abilities of the terminal: its width, characters beyond ASCII, and colour."""
    language = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG", "")
    if language == "C.UTF-8" and os.environ.get("LC_CTYPE") == language:
        # Python itself sets C.UTF-8 if the locale is C (PEP 538)
        language = os.environ.get("LANG", "")
    plain = os.name == "posix" and language in ("", "C", "POSIX")
    terminal = stdout.isatty() and os.environ.get("TERM") != "dumb"
    return {
        "width": columns(stdout),
        "unicode": not plain and (stdout.encoding or "").lower().startswith("utf"),
        "color": terminal and not os.environ.get("NO_COLOR"),
    }


def say(text: str, stdout: TextIO | None, *, folded: bool = True) -> None:
    """Prints lines of text; `folded` breaks lines that are wider than the terminal."""
    if stdout is None:
        raise Refusal("standard output is closed: open it, or write to a file")
    from tinygrad_edu.draw.text import fold  # late, so that an SVG comes fast

    how = terminal(stdout)
    width = how["width"] if folded else sys.maxsize
    for line in text.split("\n"):
        for part in fold(line, width, unicode=how["unicode"]):
            click.echo(part, file=stdout)


def deliver(data: bytes, output: str | None, stdout: TextIO | None) -> None:
    """Writes to standard output, or to a file, which is written completely or not at all."""
    if output is None or output == "-":
        if stdout is None:
            raise Refusal("standard output is closed: name a file, -o FILE")
        stdout.buffer.write(data)
        stdout.flush()
        return
    try:
        write_whole(output, data)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unwritable(output, error) from error


def unwritable(path: str, error: Exception) -> Refusal:
    """The error that says why this path cannot be written."""
    reason = getattr(error, "strerror", None) or str(error)
    return Refusal(f"cannot write {shown(path)[1:-1]}: {reason}; choose another place")
