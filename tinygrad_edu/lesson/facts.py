"""What a source says, in one line, so that no row of a table credits it with more."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Fact"]


class Fact(NamedTuple):
    """A statement of a source.

    source: the publication. place: the page, figure or equation. says: what it says there, in a
    sentence, with its numbers. report: the same in a few words, for a cell of the table of claims.
    second_hand: where we read it, if we did not read it in the source; '' if we did.
    """

    source: str
    place: str
    says: str
    report: str
    second_hand: str = ""

    @property
    def cell(self) -> str:
        """The report with its place."""
        return f"{self.report} ({self.place})"

    @property
    def line(self) -> str:
        """The fact as a line of the list of sources."""
        known = f" (Read in {self.second_hand}, not in the source itself.)"
        return f"{self.source}, {self.place}: {self.says}{known if self.second_hand else ''}"
