"""A lesson as a command, with the options that all lessons have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path

import click

from tinygrad_edu.errors import MissingError
from tinygrad_edu.lesson.plan import Plan
from tinygrad_edu.lesson.seeds import LostError, OtherCodeError
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.lesson.workers import ClusterError
from tinygrad_edu.reading.options import Whole, files, folders, option

__all__ = ["FILE", "FOLDER", "command"]

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


def command(
    *,
    plan: Plan | None = None,
    seeds: int = 1,
    quick: int = 1,
    seed: int = 0,
    takes: str,
) -> Callable[[Callable[[Lesson], None]], click.Command]:
    """A decorator that makes a command from the function of a lesson.

    The command has the name of the function's file, and its help is the docstring of the file.
    plan: for the page; it becomes the attribute `plan` of the command.
    seeds: the number of seeds in a full run. quick: the number with --quick. seed: the first seed.
    takes: the time that the lesson takes with the extras, without its runs, whose time it prints.
    """

    def decorate(tell: Callable[[Lesson], None]) -> click.Command:
        name = Path(inspect.getfile(tell)).stem
        said = inspect.cleandoc(tell.__globals__["__doc__"])
        title = said.partition("\n")[0].removesuffix(".")

        @click.command(
            name,
            short_help=title,
            help=f"{said}\n\nThe exit code is 1 if a claim fails.",
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        @option("--seed", type=Whole(min=0), default=seed, show_default=True, help="First seed.")
        @option(
            "--seeds",
            "n",
            type=Whole(min=1),
            help=f"Number of seeds.  [default: {seeds}; {quick} with --quick]",
        )
        @option(
            "--out",
            type=FOLDER,
            shell_complete=folders,
            default=Path(name),
            show_default=True,
            help="The folder for the pictures and the page.",
        )
        @option("--quick", "quickly", is_flag=True, help="Use few seeds, while a class waits.")
        @option(
            "--json",
            "file",
            type=FILE,
            shell_complete=files,
            help="Also write the table of claims to this file.",
        )
        @option(
            "--cluster",
            metavar="ADDRESS",
            default="",
            help="Let the workers of this Dask scheduler make the runs, such as tcp://HOST:8786.",
        )
        def run(
            seed: int, n: int | None, out: Path, quickly: bool, file: Path | None, cluster: str
        ) -> None:
            print(f"{title}\n\nThis takes {takes}.")
            try:
                n = n or (quick if quickly else seeds)
                lesson = Lesson(title, seed, n, quickly, out, name=name, plan=plan, cluster=cluster)
                try:
                    tell(lesson)
                except KeyboardInterrupt:
                    lesson.interrupted()
                    sys.exit(130)  # as a shell reports Ctrl-C
                if cluster and lesson.alone:
                    print("\nThis lesson makes no runs of many seeds, so it asked no cluster.")
                held = lesson.finish(file)
            except (ClusterError, LostError, MissingError, OtherCodeError) as error:
                raise _Failed(str(error)) from error
            except OSError as error:
                what = f"cannot write {error.filename}: " if error.filename else ""
                reason = error.strerror or error
                raise _Failed(f"{what}{reason}; choose another place") from error
            click.get_current_context().exit(0 if held else 1)

        run.plan = plan  # type: ignore[attr-defined]  # for the list of lessons in demos/README.md
        return run

    return decorate


class _Failed(click.ClickException):
    exit_code = 2
