"""What every language is asked for: which names are legal, and the text of a program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tinygrad_edu.ops import TABLE
from tinygrad_edu.rows.source import Source

__all__ = ["Parts", "Writer", "functions", "identifiers"]

_WIDTH = 96  # of a comment
_MOST = 20  # names in an error


@dataclass(frozen=True)
class Parts:
    """What a program is made of. Names and expressions are already in its language.

    name: of the function. arguments: what it takes, with their recorded `numbers`; `words` is
    what the command line calls them, and `needed` says which have no number by default. unused:
    arguments that no expression contains. lines: name and expression of each line, in order.
    value, gradient: the results, as expressions. by: what is differentiated by. results: what the
    results are called when they are printed. undefined: the derivatives where the value is nan:
    nan, too, but for what a mask keeps out. before: name and expression of lines for that.
    helpers: the functions that the lines call. changed: names that had to be changed, each with
    what it stands for.
    """

    name: str
    arguments: Sequence[str]
    words: Sequence[str]
    numbers: Sequence[str]
    given: Sequence[str]
    needed: Sequence[bool]
    unused: Sequence[str]
    lines: Sequence[tuple[str, str]]
    value: str
    gradient: Sequence[str]
    by: Sequence[str]
    results: Sequence[str]
    undefined: Sequence[str]
    before: Sequence[tuple[str, str]]
    helpers: str
    changed: Sequence[tuple[str, str]]

    @property
    def title(self) -> str:
        """The function, and in which order its derivatives come."""
        call = f"{self.name}({', '.join(self.arguments)})"
        return f"{call} and its derivatives by {', '.join(self.by) or 'nothing'}, in this order."

    @property
    def most(self) -> str:
        """How many numbers the command line may give, in words."""
        return f"{len(self.words)} number{'s' * (len(self.words) != 1)} at most"

    @property
    def all_undefined(self) -> bool:
        """Whether every derivative is nan where the value is."""
        return set(self.undefined) == {self.value}

    @property
    def choice(self) -> str:
        """Which names the command line may give numbers to, in words."""
        few = ", ".join(self.words[:_MOST]) + ", ..." * (len(self.words) > _MOST)
        return f"choose one of {few}" if few else "it takes no numbers"

    def usage(self, command: str) -> str:
        """The command with the recorded numbers, and with one of them by its name."""
        told = [x.upper() if n else y for x, y, n in zip(self.words, self.given, self.needed)]
        words = " ".join([command, *told])
        if not self.words:
            return words
        pairs = [f"{x}={y}" for x, y in zip(self.words, told)]
        named = [pair for pair, n in zip(pairs, self.needed) if n] or pairs[-1:]
        return f"{words}    or, by name: {' '.join([command, *named])}"

    def missing(self, command: str) -> str:
        """What is said after the name of an argument that has no number."""
        few = " ".join(self.words[:_MOST]) + " ..." * (len(self.words) > _MOST)
        return f" has no number; usage: {command} {few}"

    def note(self) -> list[str]:
        """Which numbers are defaults and which names were changed, in lines of a comment."""
        defaults = [f"{x}={y}" for x, y, n in zip(self.words, self.given, self.needed) if not n]
        changed = [f"{name} stands for {_harmless(label)}" for name, label in self.changed]
        return [
            *_listed("Where a number is left out, it is this one:", defaults),
            *_listed("Names that had to be changed:", changed),
        ]


class Writer:
    """One language: how it writes rows, which names it allows, what a program looks like."""

    kind: ClassVar[type[Source]]
    key: ClassVar[str]  # among `LANGUAGES`
    words: ClassVar[frozenset[str]]  # that no number may be called
    outer: ClassVar[frozenset[str]]  # that no function may be called besides
    allowed: ClassVar[re.Pattern[str]]

    def __init__(self) -> None:
        self._functions = functions(self.kind)

    def name(self, label: str) -> str:
        """The label if it can be a name, with a _ if it is a word of the language; else ''."""
        if not label.isidentifier() or not self.allowed.fullmatch(label):
            return ""
        return label + "_" * (label in self.words or label in self._functions)

    def write(self, parts: Parts) -> str:
        """The text of the program."""
        raise NotImplementedError


def identifiers(text: str) -> frozenset[str]:
    """The words of a program's text that are neither in a string nor in a comment."""
    bare = re.sub(r'"(?:\\.|[^"\\\n])*"|//.*|#.*|/\*.*?\*/', '""', text)
    return frozenset(re.findall(r"[^\W\d]\w*(?![\"\w])", bare))  # but the f of f"..."


def functions(kind: type[Source]) -> frozenset[str]:
    """The functions that the rows of the table call in a language."""
    called: set[str] = set()
    for op in TABLE.values():
        text = str(op(*[kind(x) for x in "ab"[: len(op.derivatives)]]))
        called.update(re.findall(r"\w+(?=\()", text))
    return frozenset(called)


def _listed(title: str, parts: Sequence[str]) -> list[str]:
    """The parts with commas between them, after their title, in lines of a comment."""
    lines = [title] if parts else []
    for i, part in enumerate(parts):
        said = part + "," * (i < len(parts) - 1)
        if len(lines[-1]) + len(said) < _WIDTH:
            lines[-1] += " " + said
        else:
            lines.append("  " + said)
    return lines


def _harmless(label: str) -> str:
    """The label as a comment may hold it, in any language: on one line, and no end of a comment."""
    text = "".join(c if c.isprintable() and c not in "\\<" else _escaped(c) for c in label[:60])
    text = text.replace("*/", "*" + _escaped("/")).replace("/*", "/" + _escaped("*"))
    return f"'{text}'" + "..." * (len(label) > 60)


def _escaped(c: str) -> str:
    return c.encode("ascii", "backslashreplace").decode() if ord(c) > 127 else f"\\x{ord(c):02x}"
