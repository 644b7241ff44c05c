"""`tinygrad-edu render`: the graph of an expression, or of a script's Value, as a picture."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import cast

import click

from tinygrad_edu import check
from tinygrad_edu.cli.common import (
    LONGEST,
    SCRIPT,
    ExpressionCommand,
    at,
    deliver,
    listed,
    places,
    reading,
    refusing,
    target_value,
    terminal,
    unwritable,
)
from tinygrad_edu.derivatives import derivatives
from tinygrad_edu.draw import film, picture
from tinygrad_edu.draw.layout import one_line
from tinygrad_edu.draw.theme import THEMES
from tinygrad_edu.draw.view import DIRECTIONS, EDGES, HIDEABLE, View
from tinygrad_edu.drawable import Format, Role
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import FormatError, ViewError
from tinygrad_edu.expression import after_update, bindings, shown
from tinygrad_edu.files import write_whole
from tinygrad_edu.graph import Graph, graph
from tinygrad_edu.trace import trace_of
from tinygrad_edu.zoom import parse

__all__ = ["render"]

_FRAME = re.compile(r"step-\d+\.(svg|png|pdf)")


def _seconds(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0 < value <= 1e6:
        raise click.BadParameter(f"{value} is no time to wait: seconds above 0, at most 1e6")
    return value


@click.command(cls=ExpressionCommand)
@click.argument("target")
@at
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
    "--edges",
    metavar="WHAT,...",
    help=f"What edges say, of {', '.join(EDGES)}; or all, or none.  "
    "[default: local,contribution; none in text]",
)
@click.option(
    "--hide",
    metavar="WHAT,...",
    help=f"What is left blank, for a worksheet, of {', '.join(HIDEABLE)}.",
)
@places
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS, case_sensitive=False),
    help="From left to right or from top to bottom.  [default: LR; TB with --update]",
)
@click.option(
    "--theme",
    type=click.Choice(list(THEMES), case_sensitive=False),
    default="light",
    show_default=True,
    help="Colours.",
)
@click.option(
    "--highlight",
    multiple=True,
    metavar="NAME",
    help="Make the paths from this input to the output stand out.",
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="NAME=ROLE",
    help="Say that a name is an input, a parameter or the loss.",
)
@click.option(
    "--level",
    metavar="LEVEL",
    help="Collapse groups to boxes: node, neuron, layer, or how many parts of their names "
    "(layer1/neuron3 has two) are kept; 0 for one box.",
)
@click.option("--wrt", metavar="NAME", help="Draw the derivatives by NAME in the same picture.")
@click.option(
    "--order",
    type=click.IntRange(1, 6),
    help="How many orders of derivative --wrt draws.  [default: 1]",
)
@click.option(
    "--update",
    type=float,
    metavar="RATE",
    help="Draw the graph before and after one step of gradient descent: of the parameters, if "
    "--role names some, or else of all names.",
)
@click.option(
    "--steps",
    "folder",
    metavar="FOLDER",
    help="Write a numbered picture of each step of both passes, and steps.svg, which plays them.",
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
@click.option(
    "--insist",
    is_flag=True,
    help=f"Draw more than {picture.MANY_SHAPES:,} shapes without collapsing their groups, more "
    f"than {picture.MOST_SHAPES:,} at all, and more than {film.MOST_EVENTS} steps.",
)
@click.option("--strict", is_flag=True, help="Make a nan or an infinity an error.")
def render(
    target: str,
    assignments: Sequence[str],
    output: str | None,
    format: Format | None,
    edges: str | None,
    hide: str | None,
    precision: int,
    direction: str | None,
    theme: str,
    highlight: Sequence[str],
    roles: Sequence[str],
    level: str | int | None,
    wrt: str | None,
    order: int | None,
    update: float | None,
    folder: str | None,
    timeout: float,
    insist: bool,
    strict: bool,
) -> None:
    """Draw the graph of TARGET, with the value and the gradient of every node.

    TARGET is an expression, or FILE.py:NAME. In that case the script is RUN, as Python would run
    it, and the Value called NAME is drawn as the script left it. An expression is never run.
    Definitions may come first: what has a name is labelled, and can be used twice.

    \b
    Examples:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7 -o neuron.svg
      tinygrad-edu render "s = x*w; s*s + s" --at x=2 --at w=3 --edges formula,contribution
      tinygrad-edu render "x**3" --at x=2 --wrt x --order 2 -o derivatives.svg
      tinygrad-edu render "(x*w - 1)**2" --at x=2 --at w=3 --hide values,grads -o sheet.pdf
      tinygrad-edu render "(x*w - 1)**2" --at x=2 --at w=3 --role w=parameter --update 0.1
      tinygrad-edu render "tanh(x*w)" --at x=1 --at w=2 --steps slides
      tinygrad-edu render lesson.py:loss --level layer -o loss.png
    """
    if output == "/dev/stdout":
        output = "-"  # as a file it would be replaced, with all that was written to it before
    with refusing():
        _compatible(target, output, wrt, order, update, folder, level)
        view = View(
            edges=listed(edges, EDGES),
            hide=listed(hide, HIDEABLE) or (),
            places=precision,
            direction=(direction or ("LR" if update is None else "TB")).upper(),
            highlight=highlight,
            theme=theme,
        )
        if folder is not None and format not in (None, "svg", "png", "pdf"):
            raise FormatError(f"the steps are pictures, svg, png or pdf, not {format}")
        format = (format or "svg") if folder is not None else _format(output, format)
        role_of = _roles(roles)
        level = None if level is None else parse(level)
        value, stdout = target_value(target, assignments, output=output)
        with reading():
            before = None
            if update is not None:
                before = graph(value, roles=role_of)
                names = [name for name in role_of if role_of[name] == "parameter"]
                value = after_update(target, value, bindings(assignments), update, names)
            roots = [value] if wrt is None else _derivatives(value, wrt, order or 1)
            whole = graph(*roots, roles=role_of)
            drawing = picture.Picture(
                whole, view, level=level, before=before, timeout=timeout, insist=insist
            )
            remarks = [] if view.hide else list(_remarks(value, whole))
            if strict:
                check.check_finite(value)
            if folder is not None:
                files = _steps(whole, view, format or "svg", timeout, insist)
            elif format is None:
                written = drawing.text(**terminal(stdout))
            else:
                data = drawing.render(format)
        if folder is not None:
            _deliver_all(files, folder)
        elif format is None:
            click.echo(written, file=stdout, nl=False, color=True)
        else:
            deliver(data, output, stdout)
    for remark in [drawing.note, *remarks] if drawing.note else remarks:
        click.echo(f"Note: {one_line(remark, LONGEST)}", err=True)


def _compatible(
    target: str,
    output: str | None,
    wrt: str | None,
    order: int | None,
    update: float | None,
    folder: str | None,
    level: str | int | None,
) -> None:
    """Refuses options that do not go together."""
    if order is not None and wrt is None:
        raise ViewError("--order says how many derivatives: say by which name, --wrt NAME")
    if wrt is not None and update is not None:
        raise ViewError("--wrt and --update make two different pictures: ask for one of them")
    if folder is not None:
        if wrt is not None or update is not None:
            raise ViewError("--steps shows the passes of one graph: drop --wrt and --update")
        if level is not None:
            raise ViewError("--steps shows every value: drop --level")
        if output is not None:
            raise ViewError("--steps writes to its own FOLDER: drop -o")
    if update is not None and not isfinite(update):
        raise ViewError(f"{update} is no rate: a small number, such as --update 0.1")
    if update is not None and SCRIPT.fullmatch(target.strip()):
        raise ViewError("--update goes with an expression: a script makes its own updates")


def _roles(assignments: Sequence[str]) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    for assignment in assignments:
        name, equals, role = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise ViewError(
                f"{shown(assignment)} has no =: write --role NAME=ROLE, such as x=input"
            )
        if name in roles:
            raise ViewError(f"{shown(name)} has two roles: give it one")
        roles[name] = cast(Role, role)  # `graph` refuses what is none
    return roles


def _derivatives(value: Value, name: str, order: int) -> list[Value]:
    whole = graph(value)
    found = whole.find(name).id
    node = topological_order(value)[found]
    return derivatives(value, node, order)


def _steps(whole: Graph, view: View, format: str, timeout: float, insist: bool) -> dict[str, bytes]:
    """A picture of each event and, all in one, the SVG that plays them, by file name."""
    return film.files(trace_of(whole, view.places), view, format, timeout=timeout, insist=insist)


def _deliver_all(files: dict[str, bytes], folder: str) -> None:
    """Writes the files of the steps, where those of another run would not come between."""
    try:
        os.makedirs(folder, exist_ok=True)
        there = sorted(os.listdir(folder))
        strange = [name for name in there if _FRAME.fullmatch(name) and name not in files]
        if strange:
            raise ViewError(
                f"{shown(folder)} holds {strange[0]} of other steps: name another folder"
            )
        for name in files:
            if os.path.isdir(os.path.join(folder, name)):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        for name, data in files.items():
            write_whole(os.path.join(folder, name), data)
    except (OSError, ValueError) as error:
        if isinstance(error, ViewError):
            raise
        raise unwritable(folder, error) from error
    click.echo(f"Note: {len(files) - 1} steps are in {shown(folder)}, and steps.svg", err=True)


def _format(output: str | None, format: Format | None) -> Format | None:
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


def _remarks(value: Value, whole: Graph) -> Iterator[str]:
    """What the reader of the picture should know, a sentence each."""
    if value.op and len(whole.outputs) == 1 and whole.output.grad is None:
        yield "there are no gradients to show: the script did not call backward() on it"
    if any(node.stale for node in whole.nodes):
        yield "a leaf was set after the graph was computed, which still holds its old number"
    origin = check.first_nonfinite(value)
    if origin is not None:
        yield check.nonfinite_message(origin)
