"""A running lesson: it prints in the terminal, and collects a page with its pictures."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tinygrad_edu.analysis.trace import Trace
from tinygrad_edu.compiler.backends import FAST, machine_code
from tinygrad_edu.draw.film import film
from tinygrad_edu.draw.layout import LayoutError
from tinygrad_edu.errors import MissingError
from tinygrad_edu.files import write_whole
from tinygrad_edu.lesson.claims import FAILS, Claim, equal, table
from tinygrad_edu.lesson.facts import Fact
from tinygrad_edu.lesson.page import Story, page
from tinygrad_edu.lesson.parts import (
    Check,
    Equations,
    Figure,
    Folded,
    Frames,
    Heading,
    Lines,
    Part,
    Played,
    Text,
)
from tinygrad_edu.lesson.plan import Plan
from tinygrad_edu.lesson.seeds import Job, run_all
from tinygrad_edu.lesson.workers import at_cluster, processes
from tinygrad_edu.plots.canvas import save

__all__ = ["CHANGED", "WIDEST", "Drawable", "Lesson", "line_of"]

WIDEST = 100  # columns
_SIZE = re.compile(r'<svg\b[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"')
_KEPT = "unfinished.jsonl"
CHANGED = "(this line has been changed)"


class Drawable(Protocol):
    """An object that can be saved as a picture or as a page, such as a `draw.picture.Picture`."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it, in the format of the ending of `path`."""


class Lesson:
    """The object that a lesson receives: its settings, and the methods to print and to draw.

    seed: the first seed. seeds: the number of seeds. quick: whether a class waits. out: the folder
    of the pictures and the page. name: as at the shell. plan: what a teacher needs to know.
    cluster: the address of the Dask scheduler whose workers make the runs; '' for this machine.
    """

    def __init__(
        self,
        title: str,
        seed: int,
        seeds: int,
        quick: bool,
        out: Path,
        *,
        name: str = "",
        plan: Plan | None = None,
        cluster: str = "",
    ) -> None:
        self.cluster, self.alone = cluster, True
        self.title, self.name, self.plan = title, name, plan
        self.seed, self.seeds, self.quick, self.out = seed, seeds, quick, out
        self.parts: list[Part] = []
        self.claims: list[Claim] = []
        self.checks: list[Check] = []
        self._missing: set[str] = set()
        self._width = min(shutil.get_terminal_size().columns, WIDEST)
        out.mkdir(parents=True, exist_ok=True)
        if plan:
            print("\n" + textwrap.fill(plan.question, self._width))

    def section(self, heading: str) -> None:
        """Begins a section of the page."""
        self.parts.append(Heading(heading))
        print(f"\n{heading}\n{'-' * len(heading)}")

    @contextmanager
    def predict(self, question: str) -> Iterator[None]:
        """What is told within it answers the question; on the page, it is folded away."""
        print("\n" + textwrap.fill(f"PREDICT  {question}", self._width))
        outside, self.parts = self.parts, []
        try:
            yield
        finally:
            outside.append(Folded(question, self.parts))
            self.parts = outside

    def say(self, text: str) -> None:
        """Prints a paragraph, and adds it to the page; code is between backticks."""
        text = " ".join(text.split())
        self.parts.append(Text(text))
        print("\n" + textwrap.fill(text, self._width))

    def show(self, lines: str) -> None:
        """Prints lines with their layout, and adds them to the page."""
        self.parts.append(Lines(lines))
        print("\n" + textwrap.indent(lines, "  "))

    def equations(self, source: str, rows: Sequence[tuple[int, str, str]]) -> None:
        """Adds a table of equations, each with the line of code that is it: see `line_of`."""
        self.parts.append(Equations(source, rows))
        lines = [f"({number}) {text}\n      {code}" for number, text, code in rows]
        print("\n" + textwrap.indent("\n".join(lines), "  "))

    def picture(self, name: str, picture: Drawable, caption: str) -> None:
        """Adds a diagram to the page; without Graphviz, prints a message instead, once."""
        figure = self._drawn(name, picture, caption)
        if figure:
            self.parts.append(figure)

    def plot(self, name: str, make: Callable[[], Any], caption: str) -> None:
        """Adds a plot to the page; without matplotlib, prints a message instead, once."""
        figure = self._plotted(name, make, caption)
        if figure:
            self.parts.append(figure)

    def moments(
        self,
        name: str,
        over: str,
        made: Sequence[tuple[str, Callable[[], Any]]],
        caption: str,
        *,
        diagrams: bool = False,
    ) -> None:
        """Adds pictures of the same thing at several moments, under one slider.

        over: what the slider moves over, such as `epoch`. made: (label, function that makes the
        plot or, with `diagrams`, the diagram) for each moment, in order. All should have the same
        axes and the same size, so that what moves is seen to move.
        """
        found = []
        for i, (label, make) in enumerate(made, 1):
            file, said = f"{name}-{i:02}", f"{caption} {label}"
            drawn = self._drawn(file, make(), said) if diagrams else self._plotted(file, make, said)
            figure = drawn and drawn._replace(alt=f"{label}: {drawn.alt}")
            if figure is None:
                return
            found.append((label, figure))
        self.parts.append(Frames(over, found, caption))

    def play(self, name: str, make: Callable[[], Drawable], caption: str) -> None:
        """Adds a live page: the class plays it, and changes its numbers.

        Without Graphviz, a large graph has none; a message says so, once.
        """
        if self._try(f"{name}.html", make):
            self.parts.append(Played(f"{name}.html", caption))

    def film(self, name: str, steps: Trace, caption: str) -> None:
        """Adds a film of the events of a graph; it plays, stops, and goes step by step."""
        try:
            text = film(steps)
        except LayoutError as error:
            self._miss("diagrams", error)
        else:
            size = _SIZE.search(text)
            assert size is not None
            whole = size[0].partition(" width=")[0] + ' width="100%" height="100%"'
            text = text.replace(size[0], whole, 1)  # as large as its frame, with its viewBox
            write_whole(self.out / f"{name}.svg", text.encode())
            self.parts.append(Played(f"{name}.svg", caption, float(size[1]) / float(size[2])))

    def _try(self, file: str, make: Callable[[], Drawable]) -> bool:
        try:
            make().save(self.out / file)
        except LayoutError as error:
            self._miss("diagrams", error)
            return False
        return True

    def _drawn(self, name: str, picture: Drawable, caption: str) -> Figure | None:
        if not self._try(f"{name}.svg", lambda: picture):
            return None
        alt = getattr(picture, "alt", "") or f"Diagram: {caption}"
        return Figure(f"{name}.svg", caption, self._size(name)[0], alt)

    def _plotted(self, name: str, make: Callable[[], Any], caption: str) -> Figure | None:
        try:
            figure = make()
            save(figure, self.out / f"{name}.svg")
        except MissingError as error:
            self._miss("plots", error)
            return None
        axes = [(place.get_xlabel(), place.get_ylabel()) for place in figure.axes]
        said = [f"{y} against {x}" for x, y in axes if x and y]
        alt = f"Plot of {'; '.join(dict.fromkeys(said))}" if said else f"Plot: {caption}"
        return Figure(f"{name}.svg", caption, self._size(name)[0], " ".join(alt.split()))

    def _size(self, name: str) -> tuple[float, float]:
        """The width and the height of a picture that has been saved, in points."""
        head = (self.out / f"{name}.svg").read_text(encoding="utf-8")[:2_000]
        size = _SIZE.search(head)
        return (float(size[1]), float(size[2])) if size else (0.0, 1.0)

    def _miss(self, what: str, error: Exception | str) -> None:
        if what not in self._missing:
            self._missing.add(what)
            print(f"\n(no {what}: {error})")

    def claim(self, claim: Claim) -> None:
        """Adds a row to the table of claims at the end."""
        self.claims.append(claim)

    def pin(
        self, experiment: str, measured: object, expected: object, reports: Fact | None = None
    ) -> None:
        """Claims the result of a single run, which another program found, to the last digit.

        It does not depend on --seed. It notices what is wrong by a thousandth.
        """
        self.claim(equal(experiment, measured, expected, reports))

    def check(self, question: str, answer: str) -> None:
        """Adds a question to the end of the page; its answer is folded away."""
        self.checks.append(Check(question, answer))

    def run(self, function: Callable[..., Any], jobs: Sequence[Job], seconds: float) -> list[Any]:
        """function(*job) for each job, by several workers at the same time: see `seeds.run_all`.

        seconds: an estimate for one process alone; the lesson prints an estimate before it starts.
        """
        if not machine_code():
            self._miss("machine code", f"with it, this is much faster: {FAST}")
        self.alone = False
        kept = self.out / _KEPT
        if not self.cluster:
            self._announce(len(jobs), processes(), "processor", seconds)
            return run_all(function, jobs, kept)
        with at_cluster(self.cluster) as (executor, workers):
            self._announce(len(jobs), workers, "worker", seconds)
            return run_all(function, jobs, kept, executor)

    def _announce(self, runs: int, n: int, worker: str, seconds: float) -> None:
        time = f": about {_span(seconds / n)}" if n else ""
        print(f"\n{runs} runs on {n} {worker}{'s' * (n != 1)}{time}.")

    def interrupted(self) -> None:
        """Writes the page so far; the finished runs are already saved."""
        self._write()
        print(f"\nInterrupted. Finished runs are in {self.out}; the same command continues there.")

    def finish(self, file: Path | None = None) -> bool:
        """Prints the claims, writes them and the page; returns whether no claim fails."""
        if self.claims:
            print("\n" + table(self.claims, self._width))
        if file is not None:
            rows = [
                dict(zip(("experiment", "report", "expect", "measured", "verdict"), claim.cells()))
                for claim in self.claims
            ]
            write_whole(file, (json.dumps(rows, indent=1) + "\n").encode())
        self._write()
        (self.out / _KEPT).unlink(missing_ok=True)
        if self.checks:
            print("\nCheck yourself; the answers are on the page.")
            for check in self.checks:
                print(textwrap.fill(f"- {check.question}", self._width, subsequent_indent="  "))
        print(f"\nThe pictures and the page are in {self.out}: open {self.out / 'index.html'}")
        return all(claim.verdict != FAILS for claim in self.claims)

    def _write(self) -> None:
        story = Story(self.name, self.title, self.plan, self.parts, self.claims, self.checks)
        write_whole(self.out / "index.html", page(story).encode())


def line_of(code: Any, fragment: str) -> str:
    """The one line of the source of a function, class or module that contains the fragment.

    CHANGED if there is no such line, or more than one: so what is printed is what runs. A class
    may change the line, and then the lesson should go on to the row that fails. Columns of a table
    become single spaces.
    """
    lines = inspect.getsource(code).splitlines()
    found = [" ".join(line.split()) for line in lines if fragment in line]
    return found[0] if len(found) == 1 else CHANGED


def _span(seconds: float) -> str:
    """A time in words, such as `12 seconds`."""
    if seconds < 2:
        return "a second"
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"
