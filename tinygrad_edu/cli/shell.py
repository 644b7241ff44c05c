"""The group of all commands: it imports a command when that is named, and tells its errors."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["LONGEST", "Group", "Late", "Main", "columns"]

LONGEST = 500  # characters of an error
_WIDEST = 100  # columns of a help
_EXAMPLE = '"x*w" --at x=2 --at w=3'


class Group(click.Group):
    """A group whose error for an unknown command lists its commands."""

    kind = "command"

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Returns the command of that name and its arguments; UsageError for an unknown one."""
        known = self.list_commands(ctx)
        if args[0] not in known and not ctx.resilient_parsing:
            raise click.UsageError(self.unknown(args[0], known), ctx)
        return super().resolve_command(ctx, args)

    def unknown(self, name: str, known: Sequence[str]) -> str:
        """Returns the message for an unknown command."""
        from tinygrad_edu.reading.options import unknown  # late, as all below: help needs none

        return unknown(self.kind, name, known)


class Late(Mapping[str, click.Command]):
    """Commands by name, each of which is imported when it is read.

    short: the line about each in the help. load: the function that imports a command.
    """

    def __init__(self, short: Mapping[str, str], load: Callable[[str], click.Command]) -> None:
        self.short, self.load = short, load

    def __getitem__(self, name: str) -> click.Command:
        if name not in self.short:
            raise KeyError(name)
        collects = gc.isenabled()
        gc.disable()  # it would look through what is imported several times, and find nothing
        try:
            return self.load(name)
        finally:
            if collects:
                gc.enable()

    def __iter__(self) -> Iterator[str]:
        return iter(self.short)

    def __len__(self) -> int:
        return len(self.short)

    def stubs(self) -> dict[str, click.Command]:
        """Returns commands that can do nothing, and have the same line in the help."""
        return {name: click.Command(name, help=text) for name, text in self.short.items()}


class Main(Group):
    """A group whose errors are one line on stderr, and exit code 2."""

    def __init__(self, name: str, late: Late, **how: Any) -> None:
        super().__init__(name, commands=cast(Any, late), **how)
        self.late = late

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the names of the commands, and a line about each."""
        click.Group(commands=self.late.stubs()).format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Returns the commands and the options that begin with the typed text."""
        from click.shell_completion import CompletionItem

        return [
            *(
                CompletionItem(name, help=stub.get_short_help_str())
                for name, stub in sorted(self.late.stubs().items())
                if name.startswith(incomplete)
            ),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """The command's exit code, given to the system unless `standalone_mode` is off."""
        run: Any = super().main
        if any(name.endswith("_COMPLETE") for name in os.environ):  # a shell asks
            from tinygrad_edu.cli import completion

            completion.install()
        # click itself would import all about archives to learn it
        extra.setdefault("terminal_width", max(50, min(columns(sys.stdout), _WIDEST) - 2))
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        try:
            code = run(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            from tinygrad_edu.draw.layout import one_line

            click.echo(f"Error: {one_line(_said(error), LONGEST)}", err=True)
            sys.exit(error.exit_code)
        except click.Abort:
            sys.exit(130)  # as a shell reports Ctrl-C
        except MemoryError:
            click.echo("Error: there is not enough memory: draw less", err=True)
            sys.exit(2)
        except OSError as error:  # of standard output: a file's is a Refusal
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more, at exit
            click.echo(f"Error: cannot write to standard output: {error.strerror}", err=True)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)

    def unknown(self, name: str, known: Sequence[str]) -> str:
        """The message for an unknown command."""
        from tinygrad_edu.reading.slips import shown

        if name == "help":
            return "unknown command 'help': write tinygrad-edu --help, or a command and --help"
        if re.search(r"[^\w-]", name) and name.isprintable():
            return f"unknown command {shown(name)}: write tinygrad-edu render {shown(name)}"
        return super().unknown(name, known)


def _said(error: click.ClickException) -> str:
    """The message of an error of click: what is wrong, and what to write instead."""
    from tinygrad_edu.reading.options import unknown
    from tinygrad_edu.reading.slips import shown

    context = getattr(error, "ctx", None)
    if isinstance(error, click.NoSuchOption) and context is not None:
        params = context.command.get_params(context)
        options = [param for param in params if isinstance(param, click.Option)]
        return unknown("option", error.option_name, [max(x.opts, key=len) for x in options])
    if isinstance(error, click.MissingParameter) and error.param is not None:
        if isinstance(error.param, click.Option):
            return "--wrt is missing: write a name, for example --wrt x"
        return f"TARGET is missing: write an expression, for example {_EXAMPLE}"
    extra = re.match(r"Got unexpected extra arguments? \((\S+)", error.format_message())
    return f"unexpected word {shown(extra[1].rstrip(')'))}" if extra else error.format_message()


def columns(stdout: TextIO | None) -> int:
    """The width of the terminal, in characters; 80 if nobody knows."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and len(told) < 10 and int(told):  # 0: unknown
        return int(told)
    try:
        return os.get_terminal_size(cast(TextIO, stdout).fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return 80
