"""`tinygrad-edu render`: the graph of an expression, or of a script's Value, as a picture."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isfinite

import click

from tinygrad_edu.analysis import check
from tinygrad_edu.analysis.derivatives import derivatives
from tinygrad_edu.analysis.graph import ROLES, Graph, backward_pass, differentiated, graph
from tinygrad_edu.analysis.trace import trace_of
from tinygrad_edu.analysis.zoom import WORDS, parse
from tinygrad_edu.cli.common import (
    LONGEST,
    ExpressionCommand,
    at,
    deliver,
    precision_option,
    reading,
    refusing,
    terminal,
    unwritable,
)
from tinygrad_edu.cli.target import Target, argument, load_target
from tinygrad_edu.draw import film, picture
from tinygrad_edu.draw.layout import one_line
from tinygrad_edu.draw.theme import THEMES
from tinygrad_edu.draw.view import DIRECTIONS, EDGES, HIDEABLE, View
from tinygrad_edu.drawable import Format, Role
from tinygrad_edu.engine import Value, topological_order
from tinygrad_edu.errors import FormatError, NonFiniteError, ViewError
from tinygrad_edu.files import write_whole
from tinygrad_edu.ops import LEAF
from tinygrad_edu.reading.options import (
    Level,
    Named,
    Number,
    Whole,
    Word,
    Words,
    files,
    folders,
    option,
)
from tinygrad_edu.reading.rerun import rerun, used
from tinygrad_edu.reading.slips import shown

__all__ = ["render"]

_NO_GROUP = 'no Value was computed in a group, such as with group("layer1/neuron1")'
_FRAME = re.compile(r"step-\d+\.(svg|png|pdf)")


@click.command(cls=ExpressionCommand)
@argument
@at
@option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    shell_complete=files,
    help="The file to write, or - for standard output; repeat it for more files. Without it, the "
    "graph is drawn as text.",
)
@option(
    "--format",
    type=Word(picture.FORMATS),
    help="The format of the output.  [default: from the ending of FILE]",
)
@option(
    "--edges",
    type=Words(EDGES),
    metavar="WHAT,...",
    help=f"The text on the edges: {', '.join(EDGES)}; or all, or none.  "
    "[default: local,contribution; none in text]",
)
@option(
    "--hide",
    type=Words(HIDEABLE),
    metavar="WHAT,...",
    help=f"Leave these blank, for a worksheet: {', '.join(HIDEABLE)}.",
)
@precision_option
@option(
    "--direction",
    type=Word(DIRECTIONS),
    help="Draw from left to right (LR) or from top to bottom (TB).  [default: LR; TB with "
    "--update]",
)
@option("--theme", type=Word(list(THEMES)), default="light", show_default=True, help="Colours.")
@option(
    "--highlight",
    multiple=True,
    metavar="NAME,...",
    help="Highlight the paths from these names to the output.",
)
@option(
    "--role",
    "roles",
    multiple=True,
    type=Named(ROLES),
    metavar="NAME=ROLE,...",
    help="Draw a name as an input, a parameter or the loss.",
)
@option(
    "--level",
    type=Level(["node", *WORDS]),
    metavar="LEVEL",
    help="Draw each group as one box: node, neuron, layer, or the number of parts of a group's "
    "name that are kept (layer1/neuron3 has two parts); 0 draws one box.",
)
@option(
    "--wrt",
    "by",
    multiple=True,
    metavar="NAME,...",
    help="Draw the derivatives by these names in the same picture.",
)
@option(
    "--order", type=Whole(1, 6), help="The highest order of derivative for --wrt.  [default: 1]"
)
@option(
    "--update",
    type=Number("a rate", "0.1"),
    metavar="RATE",
    help="Draw the graph before and after one step of gradient descent, which changes only "
    "parameters: the names with --role NAME=parameter, else the parameters of a script's models "
    "and optimizers, else the only name that can be one.",
)
@option(
    "--steps",
    "folder",
    metavar="FOLDER",
    shell_complete=folders,
    help="Write a numbered picture for each step of both passes, and steps.svg, which plays them.",
)
@option(
    "--timeout",
    type=Number("a number of seconds", "20", 1e6),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop the layout after this time.",
)
@option(
    "--insist",
    is_flag=True,
    help=f"Do not collapse groups in a graph of more than {picture.MANY_SHAPES:,} shapes; also "
    f"draw more than {picture.MOST_SHAPES:,} shapes, or more than {film.MOST_EVENTS} steps.",
)
@option("--strict", is_flag=True, help="Make a nan or an infinity an error.")
def render(
    target: str,
    assignments: Sequence[str],
    outputs: Sequence[str],
    format: Format | None,
    edges: Sequence[str] | None,
    hide: Sequence[str] | None,
    precision: int,
    direction: str | None,
    theme: str,
    highlight: Sequence[str],
    roles: Sequence[list[tuple[str, Role]]],
    level: str | int | None,
    by: Sequence[str],
    order: int | None,
    update: float | None,
    folder: str | None,
    timeout: float,
    insist: bool,
    strict: bool,
) -> None:
    """Draw the graph of TARGET, with the value and the gradient of every node.

    TARGET is an expression, - to read one from standard input, @FILE to read one from a file, or
    FILE.py:NAME. An expression is never run as code. It may begin with definitions, s = x*w; the
    node then has the label s, and can be used twice. x = 2 gives x a number, as --at does.

    With FILE.py:NAME, the script is RUN, as Python would run it. The picture shows the Value NAME
    as the script left it, or all Values of the list NAME. A Value without a label is labelled with
    the name of its variable. If the script did not compute gradients, they are computed. With --at,
    the graph is computed again.

    \b
    Examples:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7 -o neuron.svg
      tinygrad-edu render "x = 2; w = 3; s = x*w; s*s + s" --edges formula,contribution
      tinygrad-edu render "x**3" --at x=2 --wrt x --order 2 -o derivatives.svg
      tinygrad-edu render "(x*w - 1)**2" --at x=2,w=3 --hide values,grads -o sheet.pdf
      tinygrad-edu render "(x*w - 1)**2" --at x=2,w=3 --role w=parameter --update 0.1
      tinygrad-edu render "tanh(x*w)" --at x=1 --at w=2 --steps slides
      tinygrad-edu render lesson.py:loss --level layer -o loss.png
    """
    # as a file, standard output would be replaced, and earlier output would be lost
    paths = ["-" if output == "/dev/stdout" else output for output in outputs]
    with refusing():
        _compatible(paths, by, order, update, folder, level)
        view = View(
            edges=edges,
            hide=hide or (),
            precision=precision,
            direction=direction or ("LR" if update is None else "TB"),
            highlight=highlight,
            theme=theme,
        )
        if folder is not None and format not in (None, "svg", "png", "pdf"):
            raise FormatError(f"--steps cannot write {format}: choose svg, png or pdf")
        formats = [_format(path, format) for path in paths] or [_format(None, format)]
        role_of = _roles(pair for pairs in roles for pair in pairs)
        level = None if level is None else parse(level)
        given = load_target(target, assignments, outputs=paths)
        with reading():
            by = given.names(by)
            if role_of:
                plain = graph(*given.values)
                role_of = _roles((given.called(name, plain), x) for name, x in role_of.items())
            values, whole, before = _graphs(given, by, order or 1, update, role_of)
            view = replace(view, highlight=given.names(highlight, whole))
            drawing = picture.Picture(
                whole, view, level=level, before=before, timeout=timeout, insist=insist
            )
            remarks = list(_remarks(given, values, whole, folder is not None))
            if not (level in (None, "node", 0) or any(node.group for node in whole.nodes)):
                remarks.append(f"--level {level} changes nothing: {_NO_GROUP}")
            origin = _nonfinite(values, whole)
            if origin is not None:
                remarks.append(check.nonfinite_message(origin))
                if strict:
                    raise NonFiniteError(remarks[-1])
            if folder is not None:
                events = trace_of(whole, view.precision)
                made = film.files(events, view, format or "svg", timeout=timeout, insist=insist)
                given.keep([os.path.join(folder, name) for name in made])
            elif formats == [None]:
                written = drawing.text(**terminal(given.stdout))
            else:
                data, notes = [], []
                for each in formats:
                    data.append(drawing.render(each or "svg"))
                    notes.append(drawing.note)
                remarks = [*filter(None, dict.fromkeys(notes)), *remarks]
        if folder is not None:
            _deliver_all(made, folder)
        elif formats == [None]:
            click.echo(written, file=given.stdout, nl=False, color=True)
        else:
            for path, picture_ in zip(paths or ["-"], data):
                deliver(picture_, path, given.stdout)
    for remark in [] if view.hide else remarks:
        click.echo(f"Note: {one_line(remark, LONGEST)}", err=True)


def _compatible(
    paths: Sequence[str],
    by: Sequence[str],
    order: int | None,
    update: float | None,
    folder: str | None,
    level: str | int | None,
) -> None:
    """Refuses options that do not go together."""
    if order is not None and not by:
        raise ViewError("--order needs a name to differentiate by: add --wrt NAME")
    if by and update is not None:
        raise ViewError("--wrt and --update make two different pictures: drop one of them")
    if folder is not None:
        if by or update is not None:
            raise ViewError("--steps shows the passes of one graph: drop --wrt and --update")
        if level is not None:
            raise ViewError("--steps shows every value: drop --level")
        if paths:
            raise ViewError("--steps writes to its own FOLDER: drop -o")


def _roles(given: Iterable[tuple[str, Role]]) -> dict[str, Role]:
    roles: dict[str, Role] = {}
    for name, role in given:
        if name in roles:
            raise ViewError(f"{shown(name)} has two roles: give it one")
        roles[name] = role
    return roles


def _graphs(
    given: Target, by: Sequence[str], order: int, update: float | None, roles: Mapping[str, Role]
) -> tuple[list[Value], Graph, Graph | None]:
    """(outputs, graph to draw, graph before the update or None)."""
    if by:
        value = given.value
        if used(value):  # derivatives are computed from the numbers of the graph
            value = rerun(value, numbers={})[value]
        return [value], graph(*_derivatives(value, by, order), roles=roles), None
    whole = graph(*given.values, roles=roles)
    if len(given.values) == 1 and whole.output.grad is None and whole.output.op:
        whole = differentiated(whole)
    if update is None:
        return given.values, whole, None
    nodes = topological_order(given.value)
    moved = {
        nodes[i]: (whole.nodes[i].data or 0.0) - update * (whole.nodes[i].grad or 0.0)
        for i in _parameters(whole, given, nodes)
    }
    after = rerun(given.value, numbers=moved)[given.value]
    after.backward()
    return [after], graph(after, roles=roles), whole


def _parameters(whole: Graph, given: Target, nodes: Sequence[Value]) -> list[int]:
    """The ids of the leaves that an update changes; ViewError if they are not known."""
    leaves = [node.id for node in whole.nodes if node.kind == "leaf"]
    told = [node for node in whole.nodes if node.role == "parameter"]
    for node in told:
        if node.op is not LEAF:
            raise ViewError(
                f"{node.label} is computed, and --update changes only leaves: drop its role"
            )
    if told:
        return [node.id for node in told]
    maybe = [i for i in leaves if whole.nodes[i].role != "input"]
    known = given.learned()
    learned = [i for i in maybe if nodes[i] in known]
    if learned:
        return learned
    if len(maybe) == 1:
        return maybe
    if not maybe:
        raise ViewError("--update changes parameters, and this graph has none: drop it")
    names = [whole.names[i] for i in maybe]
    raise ViewError(
        f"--update: which of {', '.join(names[:20])} are parameters? Add --role "
        f"{names[0]}=parameter for each"
    )


def _derivatives(value: Value, names: Sequence[str], order: int) -> list[Value]:
    """The value, and its derivatives by each of these names."""
    nodes, whole = topological_order(value), graph(value)
    by = dict.fromkeys(nodes[whole.find(name).id] for name in names)
    return [value, *(y for x in by for y in derivatives(value, x, order)[1:])]


def _deliver_all(files: dict[str, bytes], folder: str) -> None:
    """Writes the files of --steps; ViewError if the folder has pictures of another run."""
    try:
        os.makedirs(folder, exist_ok=True)
        there = sorted(os.listdir(folder))
        strange = [name for name in there if _FRAME.fullmatch(name) and name not in files]
        if strange:
            raise ViewError(
                f"{shown(folder)} contains {strange[0]} of another run: choose another folder"
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
    click.echo(f"Note: {len(files) - 1} steps and steps.svg are in {shown(folder)}", err=True)


def _format(output: str | None, format: Format | None) -> Format | None:
    """The format to make, None for a drawing in the terminal."""
    if output is None or output == "-":
        if sys.stdout is None:
            raise FormatError("standard output is closed: name a file, -o FILE")
        if format in ("png", "pdf") and sys.stdout.isatty():
            raise FormatError(f"a terminal cannot show {format}: name a file, -o FILE.{format}")
        return format or ("svg" if output else None)
    if format is None:
        return picture.format_of(output)
    ending = os.path.splitext(output)[1].lower().removeprefix(".")
    if ending in picture.FORMATS and ending != format:
        raise FormatError(f"the ending .{ending} and --format {format} disagree: drop one of them")
    return format


def _remarks(
    given: Target, values: Sequence[Value], whole: Graph, both_passes: bool
) -> Iterator[str]:
    """Yields remarks for the reader of the picture, one sentence each."""
    fresh = given.text is None and values is given.values and not given.numbers
    if len(values) > 1:
        yield "each of the outputs has its own gradients: draw one output to see gradients"
    elif fresh and values[0].op and values[0].grad == 0 and not both_passes:
        yield "the script did not call backward(): these are the gradients that it would compute"
    if any(node.stale for node in whole.nodes):
        yield "a leaf was set after the graph was computed: the graph still uses its old number"


def _nonfinite(values: Sequence[Value], whole: Graph) -> Value | None:
    """The node with the first nan or infinity, also in the gradients that are drawn; or None."""
    for value in values:
        origin = check.first_nonfinite(value)
        if origin is not None:
            return origin
    if len(values) == len(whole.outputs) == 1 and whole.output.grad and not values[0].grad:
        nodes = topological_order(values[0])
        for p in backward_pass(whole):
            if isfinite(p.adjoint) and not isfinite(p.contribution):
                return nodes[p.target]
    return None
