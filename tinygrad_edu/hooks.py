"""What lower rooms offer and higher rooms do: the door, `__init__.py`, adds the functions.

Python runs the door before any other file of the package, so the last entry of each list is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["draws", "import_lines", "pages", "plays", "trains"]

draws: list[Callable[..., Any]] = []  # makes the Picture of `Value.draw`
pages: list[Callable[..., Any]] = []  # makes the Page of `Value.page`
plays: list[Callable[..., dict[str, str]]] = []  # makes a notebook's bundle of a Trace
trains: list[Callable[..., Any]] = []  # runs `CompiledLoss.train`, and gives its History
import_lines: list[Callable[[str], str]] = []  # the import statement of a public name, or ""
