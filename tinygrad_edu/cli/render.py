"""`tinygrad-edu render`: the graph of an expression, or of a script's Value, as a picture."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from tinygrad_edu.analysis.graph import ROLES
from tinygrad_edu.analysis.zoom import CALLS, WORDS
from tinygrad_edu.cli.common import (
    ExpressionCommand,
    at,
    deliver,
    precision_option,
    reading,
    refusing,
    terminal,
    unwritable,
)
from tinygrad_edu.cli.request import Request
from tinygrad_edu.cli.shell import LONGEST
from tinygrad_edu.cli.subject import Subject, subject
from tinygrad_edu.cli.target import Target, argument, load_target
from tinygrad_edu.draw import picture
from tinygrad_edu.draw.layout import one_line
from tinygrad_edu.draw.theme import THEMES
from tinygrad_edu.draw.view import DIRECTIONS, EDGES, FITS, FORMS, HIDEABLE, LABELS, SCALES, SIDES
from tinygrad_edu.errors import ViewError
from tinygrad_edu.files import write_whole
from tinygrad_edu.reading.options import (
    Level,
    Named,
    Number,
    Size,
    Whole,
    Word,
    Words,
    files,
    folders,
    option,
)
from tinygrad_edu.reading.slips import shown

__all__ = ["render"]

_FRAME = re.compile(r"step-\d+\.(svg|png|pdf)")
# the sections of the help
_SAID = "What the picture says"
_LOOK = "How it looks"
_PAGE = "Slides and pages"
_MORE = "More than one graph"
_ASK = "Worksheets"
_LARGE = "Large graphs"


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
@precision_option
@option("--strict", is_flag=True, help="Make a nan or an infinity an error.")
@option(
    "--edges",
    type=Words(EDGES),
    metavar="WHAT,...",
    help=f"The text on the edges: {', '.join(EDGES)}; or all, or none.  "
    "[default: local,contribution; none in text]",
    section=_SAID,
)
@option(
    "--hide",
    type=Words(HIDEABLE),
    metavar="WHAT,...",
    help=f"Leave these blank, for a worksheet: {', '.join(HIDEABLE)}.",
    section=_SAID,
)
@option(
    "--highlight",
    multiple=True,
    metavar="NAME,...",
    help="Highlight the paths from these names to the output.",
    section=_SAID,
)
@option(
    "--role",
    "roles",
    multiple=True,
    type=Named(ROLES),
    metavar="NAME=ROLE,...",
    help="Draw a name as an input, a parameter or the loss.",
    section=_SAID,
)
@option(
    "--title",
    metavar="TEXT",
    section=_SAID,
    help="The line above the picture, or '' for none.  [default: the expression as you typed it, "
    "or its formula]",
)
@option(
    "--no-legend",
    is_flag=True,
    section=_SAID,
    help="Leave out the title and the legend, which says what lines and colours mean.",
)
@option(
    "--form",
    type=Word(FORMS),
    default="compact",
    show_default=True,
    section=_LOOK,
    help="Draw an operation as one box with its operands (compact), or as a circle before the box "
    "of its result (circles).",
)
@option(
    "--level",
    type=Level(["node", *WORDS, "network"]),
    metavar="LEVEL",
    help="Draw each group as one box: node, neuron, layer, or the number of parts of a group's "
    "name that are kept (layer1/neuron3 has two parts); 0 draws one box. network draws neurons as "
    "circles, with the weights on the lines between them.",
    section=_LOOK,
)
@option(
    "--calls",
    type=Word(CALLS),
    help="Draw a group that is entered several times as one box for each call: where it uses what "
    "it computed before (sequence), or always (apart); together draws equal calls as one box x N.  "
    "[default: sequence]",
    section=_LOOK,
)
@option(
    "--direction",
    type=Word(DIRECTIONS),
    help="Draw from left to right (LR) or from top to bottom (TB).  [default: LR; TB with "
    "--update]",
    section=_LOOK,
)
@option(
    "--theme",
    type=Word(list(THEMES)),
    default="light",
    show_default=True,
    help="Colours.",
    section=_LOOK,
)
@option(
    "--labels",
    type=Word(LABELS),
    section=_LOOK,
    help="In DOT text, write labels as HTML, or plain for programs that do not read HTML in DOT.  "
    "[default: html]",
)
@option(
    "--fit",
    type=Word(FITS),
    default="16:9",
    show_default=True,
    section=_PAGE,
    help="Break a long picture into rows, so that its letters are large on a slide of this shape "
    "or on a page; none breaks nothing.",
)
@option(
    "--size",
    type=Size(*SIDES),
    metavar="WIDTHxHEIGHT",
    section=_PAGE,
    help="Make the picture exactly so many pixels large, such as 1280x720, with paper around it; "
    "A4 is 1123x794. It is then broken into rows for this shape.  [default: as large as the "
    "drawing]",
)
@option(
    "--scale",
    type=Number("a factor", "2", SCALES[1], SCALES[0]),
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    section=_PAGE,
    help="Make the picture so many times larger.",
)
@option(
    "--wrt",
    "by",
    multiple=True,
    metavar="NAME,...",
    help="Draw the derivatives by these names in the same picture.",
    section=_MORE,
)
@option(
    "--order",
    type=Whole(1, 6),
    help="The highest order of derivative for --wrt.  [default: 1]",
    section=_MORE,
)
@option(
    "--update",
    type=Number("a rate", "0.1"),
    metavar="RATE",
    help="Draw the graph before and after one step of gradient descent, which changes only "
    "parameters: the names with --role NAME=parameter, else the parameters of a script's models "
    "and optimizers, else the only name that can be one.",
    section=_MORE,
)
@option(
    "--steps",
    "folder",
    metavar="FOLDER",
    shell_complete=folders,
    help="Write a numbered picture for each step of both passes, and steps.svg, which plays them.",
    section=_MORE,
)
@option(
    "--worksheet",
    is_flag=True,
    help="Make FILE.html a worksheet: it asks for what --hide hides, and marks the answers.  "
    "[default for --hide: values,grads]",
    section=_ASK,
)
@option(
    "--key",
    metavar="FILE",
    shell_complete=files,
    help="Write the answers of the worksheet to this file, .txt or .html: the worksheet itself "
    "does not have them.",
    section=_ASK,
)
@option(
    "--timeout",
    type=Number("a number of seconds", "20", 1e6),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop the layout after this time.",
    section=_LARGE,
)
@option(
    "--insist",
    is_flag=True,
    help=f"Do not collapse groups in a graph of more than {picture.MANY_SHAPES:,} shapes; also "
    f"draw more than {picture.MOST_SHAPES:,} shapes, or more than {picture.MOST_EVENTS} steps.",
    section=_LARGE,
)
def render(**options: Any) -> None:
    """Draw the graph of TARGET, with the value and the gradient of every node.

    TARGET is an expression, - to read one from standard input, @FILE to read one from a file, or
    FILE.py:NAME. An expression is never run as code. It may begin with definitions, s = x*w; the
    node then has the label s, and can be used twice. x = 2 gives x a number, as --at does.

    With FILE.py:NAME, the script is RUN, as Python would run it. The picture shows the Value NAME
    as the script left it, or all Values of the list NAME. A Value without a label is labelled with
    the name of its variable. If the script did not compute gradients, they are computed. With --at,
    the graph is computed again.

    A FILE.html is a live page, which works offline: it plays both passes, step by step, and every
    number can be changed. With --worksheet, it asks for numbers instead.

    \b
    Examples:
      tinygrad-edu render "tanh(x*w + b)" --at x=2 --at w=-3 --at b=7 -o neuron.svg
      tinygrad-edu render "x = 2; w = 3; s = x*w; s*s + s" --edges formula,contribution
      tinygrad-edu render "x**3" --at x=2 --wrt x --order 2 -o derivatives.svg
      tinygrad-edu render "(x*w - 1)**2" --at x=2,w=3 --hide values,grads -o sheet.pdf
      tinygrad-edu render "(x*w - 1)**2" --at x=2,w=3 --role w=parameter --update 0.1
      tinygrad-edu render "tanh(x*w)" --at x=1 --at w=2 --steps slides
      tinygrad-edu render "tanh(x*w)" --at x=1,w=2 --size 1280x720 --title "One neuron" -o y.png
      tinygrad-edu render lesson.py:loss --level layer -o loss.png
      tinygrad-edu render "tanh(x*w + b)" --at x=2,w=-3,b=7 -o neuron.html
      tinygrad-edu render "x*w + x" --at x=2,w=3 --worksheet -o sheet.html --key key.txt
    """
    request = Request(**options)
    with refusing():
        request.check()
        given = load_target(request.target, request.assignments, outputs=request.written)
        with reading():
            what = subject(request, given)
            view = replace(request.view, highlight=given.names(request.highlight, what.whole))
            drawing = picture.Picture(
                what.whole,
                view,
                level=request.depth,
                calls=request.calls or "sequence",
                before=what.before,
                title=request.heading(given.text),
                timeout=request.timeout,
                insist=request.insist,
            )
            remarks = what.remarks(request, given)  # before the layout, which may take long
            write, notes = _made(request, given, what, drawing)
        write()
    # remarks may give away what is hidden; notes are about the drawing itself
    for remark in [*notes, *([] if view.hide or request.worksheet else remarks)]:
        click.echo(f"Note: {one_line(remark, LONGEST)}", err=True)


_Made = tuple[Callable[[], None], list[str]]  # what writes the drawing, and notes on it


def _made(request: Request, given: Target, what: Subject, drawing: picture.Picture) -> _Made:
    """The whole drawing, as yet unwritten: nothing is written if one of the files fails."""
    if request.folder is not None:
        return _steps(request, request.folder, given, what, drawing)
    if request.worksheet:
        return _sheet(request, given, what, drawing)
    if request.formats == [None]:
        written = drawing.text(**terminal(given.stdout))
        return lambda: click.echo(written, file=given.stdout, nl=False, color=True), []
    data, notes = [], []
    for each in request.formats:
        data.append(drawing.render(each or "svg"))
        notes.append(drawing.note)

    def write() -> None:
        for picture_, path in zip(data, request.paths or ["-"]):
            deliver(picture_, path, given.stdout)

    return write, list(filter(None, dict.fromkeys(notes)))


def _sheet(request: Request, given: Target, what: Subject, drawing: picture.Picture) -> _Made:
    """The worksheet of --worksheet, and its key."""
    from tinygrad_edu.live.page import page  # late, so that a picture comes fast

    made = page(
        what.whole,
        title=drawing.title,
        precision=request.precision,
        direction=drawing.view.direction,
        theme=request.view.page_theme,
        timeout=request.timeout,
        worksheet=True,
        hide=request.hide or (),
        edges=request.edges,
    )

    def write() -> None:
        if request.key is not None:
            key = made.key(html=request.key.lower().endswith(".html"))
            deliver(key.encode("utf-8", "replace"), request.key, given.stdout)
        deliver(made.html.encode("utf-8", "replace"), (request.paths or ["-"])[0], given.stdout)

    return write, []


def _steps(
    request: Request, folder: str, given: Target, what: Subject, drawing: picture.Picture
) -> _Made:
    """The pictures of --steps, and the film of them."""
    from tinygrad_edu.analysis.trace import trace_of  # late, so that one picture comes fast
    from tinygrad_edu.draw import film

    notes: list[str] = []
    made = film.files(
        trace_of(what.whole, request.precision),
        drawing.view,
        request.formats[0] or "svg",
        title=drawing.title,
        timeout=request.timeout,
        insist=request.insist,
        notes=notes,
    )
    given.keep([os.path.join(folder, name) for name in made])
    return lambda: _deliver_all(made, folder), notes


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
