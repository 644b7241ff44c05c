"""Completion with the Tab key in Bash.

Bash breaks words at signs such as = and : (COMP_WORDBREAKS). It passes `--role w=p` as the four
words --role, w, = and p, and it replaces only the last piece. This module joins the pieces, and
cuts each completion to the part after the last break.
"""

from __future__ import annotations

from typing import Any

from click.shell_completion import BashComplete, CompletionItem, add_completion_class

__all__ = ["Bash", "install"]


class Bash(BashComplete):
    """Completion in Bash, of words as they were typed."""

    kept = ""  # the part of the last word that Bash leaves as it is

    def get_completion_args(self) -> tuple[list[str], str]:
        """This returns (words before the last one, last word), with all pieces joined."""
        args, incomplete = super().get_completion_args()
        words: list[str] = []
        goes_on = False  # whether the next piece belongs to the last word
        for piece in [*args, incomplete]:
            joins = piece in ("=", ":") and bool(words)
            if joins:
                self.kept = words[-1] + piece
            elif not goes_on:
                self.kept = ""
            if joins or goes_on:
                words[-1] += piece
            else:
                words.append(piece)
            goes_on = joins or piece == "@"  # Bash makes @ a separate piece, but replaces it, too
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """This returns the texts that can replace the last piece."""
        found = super().get_completions(args, incomplete)
        for item in found:
            item.value = str(item.value).removeprefix(self.kept)
        return found


def install() -> None:
    """Makes click complete with `Bash`."""
    add_completion_class(Bash)
