"""How far a long run is, for whoever sits before a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

__all__ = ["Bar"]


class Bar:
    """A progress bar, once a second has passed; none where nobody would see it."""

    def __init__(self, length: int, label: str, wanted: bool = True) -> None:
        self.length = length
        self.label = label
        self.wanted = wanted and sys.stderr is not None and sys.stderr.isatty()
        self.began = time.monotonic()
        self.bar: Any = None

    def show(self, done: int) -> None:
        if self.bar is None and self.wanted and time.monotonic() - self.began > 1:
            import click  # late, so that importing the package stays fast

            self.bar = click.progressbar(length=self.length, label=self.label, file=sys.stderr)
        if self.bar is not None:
            self.bar.update(done - self.bar.pos)

    def end(self) -> None:
        if self.bar is not None:
            self.bar.render_finish()
