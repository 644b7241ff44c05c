"""`tinygrad-edu demo`: the lessons, by name."""

from __future__ import annotations

from collections.abc import Mapping

import click

from tinygrad_edu.cli.shell import Group

__all__ = ["Demos", "demo"]


class Demos(Group):
    """The lessons; they are imported only when they are needed."""

    kind = "lesson"

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_lessons())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _lessons().get(name)


def _lessons() -> Mapping[str, click.Command]:
    from tinygrad_edu.demos import LESSONS  # late: a picture needs none of them

    return {str(lesson.name): lesson for lesson in LESSONS}


@click.group(
    cls=Demos, invoke_without_command=True, short_help="Run a lesson, or list the lessons."
)
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Run a lesson: it tells its story, draws pictures, and says whether its claims hold.

    Without a NAME, list the lessons. All lessons have the same options: see demo NAME --help.

    \b
    Example:
      tinygrad-edu demo the_wall --quick --out the_wall
    """
    if ctx.invoked_subcommand is None:
        for name, lesson in _lessons().items():
            click.echo(f"{name:<14} {lesson.short_help}")
