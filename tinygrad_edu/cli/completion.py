"""The Tab key in Bash, which hands over `--role w=p` as the four words --role, w, = and p.

It breaks words at signs such as = and : (COMP_WORDBREAKS), and replaces the last piece alone. Here
the pieces are put together, and what was found is cut to what comes after the last break.
"""

from __future__ import annotations

from typing import Any

from click.shell_completion import BashComplete, CompletionItem

__all__ = ["Bash"]


class Bash(BashComplete):
    """Completion in Bash, of words as they were typed."""

    kept = ""  # the part of the last word that Bash leaves as it is

    def get_completion_args(self) -> tuple[list[str], str]:
        """This returns the words before the last one, and the last one, each whole."""
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
            goes_on = joins or piece == "@"  # which Bash breaks off, and replaces none the less
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
        """This returns what can stand in place of the last piece."""
        found = super().get_completions(args, incomplete)
        for item in found:
            item.value = str(item.value).removeprefix(self.kept)
        return found
