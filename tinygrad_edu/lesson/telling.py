"""A running lesson: it prints in the terminal, and collects a page with its pictures."""

from __future__ import annotations

import json
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tinygrad_edu.compiler.backends import FAST, machine_code
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.errors import MissingError
from tinygrad_edu.files import write_whole
from tinygrad_edu.lesson.claims import Claim, table
from tinygrad_edu.lesson.page import Figure, Lines, Part, Played, Text, page
from tinygrad_edu.lesson.seeds import Job, processes, run_all
from tinygrad_edu.plots.canvas import save

__all__ = ["WIDEST", "Drawable", "Lesson"]

WIDEST = 100  # columns
_WIDTH = re.compile(r'<svg\b[^>]*? width="([\d.]+)pt"')
_KEPT = "unfinished.jsonl"


class Drawable(Protocol):
    """An object that can be saved as a picture or as a page, such as a `draw.picture.Picture`."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it, in the format of the ending of `path`."""


class Lesson:
    """The object that a lesson receives: its settings, and the methods to print and to draw.

    seed: the first seed. seeds: the number of seeds. quick: whether a class waits. out: the folder
    of the pictures and the page.
    """

    def __init__(self, title: str, seed: int, seeds: int, quick: bool, out: Path) -> None:
        self.title = title
        self.seed, self.seeds, self.quick, self.out = seed, seeds, quick, out
        self.parts: list[Part] = []
        self.claims: list[Claim] = []
        self._missing: set[str] = set()
        self._width = min(shutil.get_terminal_size().columns, WIDEST)
        out.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        """Prints a paragraph, and adds it to the page."""
        text = " ".join(text.split())
        self.parts.append(Text(text))
        print("\n" + textwrap.fill(text, self._width))

    def show(self, lines: str) -> None:
        """Prints lines with their layout, and adds them to the page."""
        self.parts.append(Lines(lines))
        print("\n" + textwrap.indent(lines, "  "))

    def picture(self, name: str, picture: Drawable, caption: str) -> None:
        """Adds a diagram to the page; without Graphviz, prints a message instead, once."""
        try:
            picture.save(self.out / f"{name}.svg")
        except LayoutError as error:
            self._miss("diagrams", error)
        else:
            self._place(name, caption)

    def play(self, name: str, make: Callable[[], Drawable], caption: str) -> None:
        """Adds a live page: the class plays it, and changes its numbers.

        Without Graphviz, a large graph has none; a message says so, once.
        """
        try:
            make().save(self.out / f"{name}.html")
        except LayoutError as error:
            self._miss("diagrams", error)
        else:
            self.parts.append(Played(f"{name}.html", caption))

    def plot(self, name: str, make: Callable[[], Any], caption: str) -> None:
        """Adds a plot to the page; without matplotlib, prints a message instead, once."""
        try:
            save(make(), self.out / f"{name}.svg")
        except MissingError as error:
            self._miss("plots", error)
        else:
            self._place(name, caption)

    def _place(self, name: str, caption: str) -> None:
        """Adds a picture, which has been saved, to the page."""
        head = (self.out / f"{name}.svg").read_text(encoding="utf-8")[:2_000]
        width = _WIDTH.search(head)
        self.parts.append(Figure(f"{name}.svg", caption, float(width[1]) if width else 0.0))

    def _miss(self, what: str, error: Exception | str) -> None:
        if what not in self._missing:
            self._missing.add(what)
            print(f"\n(no {what}: {error})")

    def claim(self, claim: Claim) -> None:
        """Adds a row to the table of claims at the end."""
        self.claims.append(claim)

    def run(self, function: Callable[..., Any], jobs: Sequence[Job], seconds: float) -> list[Any]:
        """function(*job) for each job, in several processes: see `seeds.run_all`.

        seconds: an estimate for one process alone; the lesson prints an estimate before it starts.
        """
        if not machine_code():
            self._miss("machine code", f"with it, this is much faster: {FAST}")
        n = processes()
        print(f"\n{len(jobs)} runs on {n} processor{'s' * (n > 1)}: about {_span(seconds / n)}.")
        return run_all(function, jobs, self.out / _KEPT)

    def interrupted(self) -> None:
        """Writes the page so far; the finished runs are already saved."""
        self._write()
        print(f"\nInterrupted. Finished runs are in {self.out}; the same command continues there.")

    def finish(self, file: Path | None = None) -> bool:
        """Prints the claims, writes them and the page; returns whether all claims hold."""
        print("\n" + table(self.claims, self._width))
        if file is not None:
            rows = [claim._asdict() for claim in self.claims]
            write_whole(file, (json.dumps(rows, indent=1) + "\n").encode())
        self._write()
        (self.out / _KEPT).unlink(missing_ok=True)
        print(f"\nThe pictures and the page are in {self.out}: open {self.out / 'index.html'}")
        return all(claim.holds is not False for claim in self.claims)

    def _write(self) -> None:
        text = page(self.title, self.parts, self.claims)
        write_whole(self.out / "index.html", text.encode())


def _span(seconds: float) -> str:
    """A time in words, such as `12 seconds`."""
    if seconds < 2:
        return "a second"
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
