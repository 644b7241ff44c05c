"""The progress of a long run: a bar on a terminal, a line in a notebook."""

from __future__ import annotations

import html
import sys
import time
from typing import Any

__all__ = ["Bar"]


class Bar:
    """Shows the progress and the present loss of a run on a terminal or in a notebook.

    On a terminal, the bar appears after one second. In a notebook, a line changes in place, at most
    ten times a second, and stays after the run.
    """

    def __init__(self, length: int, label: str, wanted: bool = True) -> None:
        self.length, self.label = length, label
        self.notebook = wanted and _in_notebook()
        self.terminal = wanted and not self.notebook and _on_terminal()
        self.shown = time.monotonic() - (1 if self.notebook else 0)
        self.bar: Any = None
        self.line: Any = None
        self.last: _Line | None = None

    def show(self, done: int, loss: float | None = None) -> None:
        """Shows the number of steps or epochs done, and the loss of the last step."""
        if self.notebook:
            self.last = _Line(done, self.length, self.label, loss)
            if time.monotonic() - self.shown > 0.1:
                self._display(self.last)
        elif self.terminal:
            self._draw(done, loss)

    def _draw(self, done: int, loss: float | None) -> None:
        if self.bar is None and time.monotonic() - self.shown > 1:
            import click  # late, so that importing the package stays fast

            self.bar = click.progressbar(
                length=self.length,
                label=self.label,
                file=sys.stderr,
                item_show_func=lambda loss: None if loss is None else f"loss {loss:.4g}",
            )
        if self.bar is not None:
            self.bar.update(done - self.bar.pos, loss)

    def _display(self, line: _Line) -> None:
        from IPython.display import display  # a notebook has IPython

        self.shown, self.last = time.monotonic(), None
        if self.line is None:
            self.line = display(line, display_id=True)
        else:
            self.line.update(line)

    def end(self) -> None:
        """Ends the display after the run."""
        if self.bar is not None:
            self.bar.render_finish()
        if self.last is not None:
            self._display(self.last)


class _Line:
    """The line in a notebook: a bar and text, or text alone without HTML."""

    def __init__(self, done: int, length: int, label: str, loss: float | None) -> None:
        self.done, self.length = done, length
        self.text = f"{done} of {length} {label}"
        if loss is not None:
            self.text += f", loss {loss:.4g}"

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        text = html.escape(self.text)
        return f'<progress value="{self.done}" max="{self.length}"></progress> {text}'


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _in_notebook() -> bool:
    """Whether a notebook's kernel runs this program, so that its frontend can display objects."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    return getattr(shell, "kernel", None) is not None
