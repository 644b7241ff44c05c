"""A lesson as a command: the options that all of them have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import click

from tinygrad_edu.lesson.telling import Lesson

__all__ = ["FILE", "FOLDER", "command"]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


def command(
    *, seeds: int = 1, quick: int = 1, seed: int = 0, takes: str = "a few seconds"
) -> Callable[[Callable[[Lesson], None]], click.Command]:
    """Makes a command of a function that tells a lesson.

    Its name is that of the function's file, and its words are those of the file's docstring.
    seeds: how many a whole run has. quick: how many for a class that waits. seed: the first. takes:
    how long, '' if the lesson says so itself.
    """

    def decorate(tell: Callable[[Lesson], None]) -> click.Command:
        name = Path(inspect.getfile(tell)).stem
        said = inspect.cleandoc(tell.__globals__["__doc__"])
        title = said.partition("\n")[0].removesuffix(".")

        @click.command(
            name,
            short_help=title,
            help=f"{said}\n\nExit code 1 if a claim does not hold.",
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        @click.option(
            "--seed", type=click.IntRange(min=0), default=seed, show_default=True, help="The first."
        )
        @click.option(
            "--seeds",
            "n",
            type=click.IntRange(min=1),
            help=f"How many: {seeds}, or {quick} with --quick, unless you say.",
        )
        @click.option(
            "--out",
            type=FOLDER,
            default=Path(name),
            show_default=True,
            help="The folder for the pictures and the page.",
        )
        @click.option("--quick", "quickly", is_flag=True, help="For a class that waits.")
        @click.option("--json", "file", type=FILE, help="Also write the table of claims here.")
        def run(seed: int, n: int | None, out: Path, quickly: bool, file: Path | None) -> None:
            print(f"{title}\n\nThis takes {takes}." if takes else title)
            try:
                lesson = Lesson(title, seed, n or (quick if quickly else seeds), quickly, out)
                try:
                    tell(lesson)
                except KeyboardInterrupt:
                    lesson.interrupted()
                    sys.exit(130)  # as a shell reports Ctrl-C
                held = lesson.finish(file)
            except OSError as error:
                raise _Unwritable(f"cannot write {error.filename}: {error.strerror}") from error
            click.get_current_context().exit(0 if held else 1)

        return run

    return decorate


class _Unwritable(click.ClickException):
    exit_code = 2
