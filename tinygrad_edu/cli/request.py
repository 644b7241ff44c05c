"""What the options of `render` ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from tinygrad_edu.analysis.zoom import parse
from tinygrad_edu.draw import picture
from tinygrad_edu.draw.view import View
from tinygrad_edu.drawable import (
    Calls,
    Direction,
    EdgeText,
    Fit,
    Form,
    Format,
    Hideable,
    Labels,
    Role,
)
from tinygrad_edu.errors import FormatError, ViewError
from tinygrad_edu.reading.slips import shown

__all__ = ["Request", "roles_of"]


class Request:
    """The arguments and the options of `render`, by their names; folder: that of --steps."""

    target: str
    assignments: Sequence[str]
    outputs: Sequence[str]
    format: Format | None
    edges: Sequence[EdgeText] | None
    hide: Sequence[Hideable] | None
    precision: int
    highlight: Sequence[str]
    roles: Sequence[list[tuple[str, Role]]]
    title: str | None
    no_legend: bool
    form: Form
    level: str | int | None
    calls: Calls | None
    direction: Direction | None
    theme: str
    labels: Labels | None
    fit: Fit
    size: tuple[int, int] | None
    scale: float
    by: Sequence[str]
    order: int | None
    update: float | None
    folder: str | None
    timeout: float
    insist: bool
    strict: bool
    worksheet: bool
    key: str | None

    def __init__(self, **options: Any) -> None:
        vars(self).update(options)

    def check(self) -> None:
        """ViewError or FormatError for options that do not go together, or that no picture has."""
        self._check_graphs()
        self._check_look()
        self._check_worksheet()
        if "html" in self.formats:
            self._check_page()
        _ = self.view, self.formats, self.role_of, self.depth

    def _check_graphs(self) -> None:
        if self.order is not None and not self.by:
            raise ViewError("--order needs a name to differentiate by: add --wrt NAME")
        if self.by and self.update is not None:
            raise ViewError("--wrt and --update make two different pictures: drop one of them")
        if self.by and self.level == "network":
            raise ViewError("--level network draws no derivatives as neurons: drop --wrt")
        if self.folder is None:
            return
        if self.by or self.update is not None:
            raise ViewError("--steps shows the passes of one graph: drop --wrt and --update")
        if self.level is not None:
            raise ViewError("--steps shows every value: drop --level")
        if self.outputs:
            raise ViewError("--steps writes to its own FOLDER: drop -o")

    def _check_worksheet(self) -> None:
        if self.worksheet and self.formats != ["html"]:
            raise ViewError("--worksheet makes one page: name its file, -o FILE.html")
        if self.worksheet and self.level not in (None, "node"):
            raise ViewError("--worksheet asks for the numbers of each node: drop --level")
        if self.key is None:
            return
        if not self.worksheet:
            raise ViewError("--key has the answers of a worksheet: add --worksheet, or drop it")
        name, ending = os.path.splitext(self.key)
        if ending.lower() not in (".txt", ".html"):
            raise ViewError(f"--key writes text or a page: --key {name[:60]}.txt or .html")
        if self.key in self.paths:
            raise ViewError("--key and -o name the same file: the key is for the teacher alone")

    def _check_page(self) -> None:
        """ViewError for an option that only a picture that stands still has."""
        more = {
            "wrt": self.by,
            "update": self.update is not None,
            "highlight": self.highlight,
            "calls": self.calls,
            "insist": self.insist,
        }
        asked_for = ("hide", "edges") if self.worksheet else ()
        for option in [*self.view.still, *(name for name, asked in more.items() if asked)]:
            if option not in asked_for:
                flag = "--no-legend" if option == "legend" else f"--{option}"
                advice = ", or add --worksheet" if option == "hide" else ""
                told = f"{flag} is for pictures, and not for a live page: drop it{advice}"
                raise ViewError(told)

    def _check_look(self) -> None:
        if self.no_legend and self.title:
            raise ViewError("--no-legend leaves the title out, too: drop it, or --title")
        if self.labels and "dot" not in self.formats:
            raise ViewError("--labels is for DOT text: add --format dot, or drop it")
        if self.calls and self.level in (None, "node", "network"):
            raise ViewError("--calls is for groups that are boxes: add --level layer, or drop it")
        if self.level == "network" and {None, "txt", "json"} & {*self.formats}:
            raise ViewError(
                "--level network is a picture, and no text: name a file, -o FILE.svg, or choose "
                "another level"
            )

    @property
    def paths(self) -> list[str]:
        """The files to write, `-` for standard output."""
        # as a file, standard output would be replaced, and earlier output would be lost
        return ["-" if output == "/dev/stdout" else output for output in self.outputs]

    @property
    def written(self) -> list[str]:
        """The files to write, the key of a worksheet among them."""
        return [*self.paths, *([] if self.key is None else [self.key])]

    @cached_property
    def view(self) -> View:
        """The view of the graph, as yet with no path that is highlighted."""
        return View(
            edges=self.edges,
            hide=self.hide or (),
            precision=self.precision,
            direction=self.direction or ("LR" if self.update is None else "TB"),
            theme=self.theme,
            form=self.form,
            fit=self.fit,
            size=self.size,
            scale=self.scale,
            legend=not self.no_legend,
            labels=self.labels or "html",
        )

    @cached_property
    def formats(self) -> list[Format | None]:
        """The format of each of the files, or of --steps; None for a drawing in the terminal."""
        if self.folder is not None:
            if self.format not in (None, "svg", "png", "pdf"):
                raise FormatError(f"--steps cannot write {self.format}: choose svg, png or pdf")
            return [self.format or "svg"]
        paths: list[str | None] = [*self.paths]
        return [_format(path, self.format) for path in paths or [None]]

    @cached_property
    def role_of(self) -> dict[str, Role]:
        """The role of each name; ViewError if a name has two."""
        return roles_of(pair for pairs in self.roles for pair in pairs)

    @cached_property
    def depth(self) -> str | int | None:
        """The level at which groups are collapsed; ViewError for an unknown one."""
        return self.level if self.level in (None, "network") else parse(self.level)

    def heading(self, typed: str | None) -> str | None:
        """The title of the picture; None for the formula of the graph.

        typed: the expression. It is the title if it is one line, and gives no hidden number away.
        """
        if self.title is None and typed is not None:
            secret = "leaves" in self.view.hide and "=" in typed
            if secret or "#" in typed or "\n" in typed.strip():
                return None
        return typed if self.title is None else self.title


def roles_of(given: Iterable[tuple[str, Role]]) -> dict[str, Role]:
    """The role of each name; ViewError if a name has two."""
    roles: dict[str, Role] = {}
    for name, role in given:
        if name in roles:
            raise ViewError(f"{shown(name)} has two roles: give it one")
        roles[name] = role
    return roles


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
