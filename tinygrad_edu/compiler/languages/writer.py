"""The parts of a program, and the class that every language has: names, and a program's text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import ClassVar

from tinygrad_edu.ops import TABLE
from tinygrad_edu.rows.source import Source

__all__ = ["Parts", "Writer", "functions", "identifiers"]

_WIDTH = 96  # characters in a line of a comment
_MOST = 20  # names in an error message


@dataclass(frozen=True)
class Parts:
    """The parts of a program. Names and expressions are in its language already.

    name: of the function. arguments: the names of its arguments. The next four have an item for
    each argument. words: its name on the command line. numbers: its recorded number, in the
    language. given: the same number, as Python writes it. needed: whether it has no default.
    unused: arguments that no expression contains. lines: name and expression of each line, in
    order. value, gradient: the results, as expressions. by: the arguments of the derivatives.
    results: names for printing the value and the derivatives. undefined: the derivatives in case
    the value is nan. They are nan, too, except where a mask keeps nan out. before: name and
    expression of lines that `undefined` needs. helpers: definitions of the functions that the lines
    call. changed: each name that differs from the user's label, with this label.
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
        """A call of the function, and the order of its derivatives."""
        call = f"{self.name}({', '.join(self.arguments)})"
        return f"{call} and its derivatives by {', '.join(self.by) or 'nothing'}, in this order."

    @property
    def most(self) -> str:
        """The largest number of arguments on the command line, as text."""
        return f"{len(self.words)} number{'s' * (len(self.words) != 1)} at most"

    @property
    def all_undefined(self) -> bool:
        """Whether every derivative is nan where the value is."""
        return set(self.undefined) == {self.value}

    @property
    def choice(self) -> str:
        """The names of the arguments, in words."""
        few = ", ".join(self.words[:_MOST]) + ", ..." * (len(self.words) > _MOST)
        return f"choose one of {few}" if few else "it takes no numbers"

    def usage(self, command: str) -> str:
        """Returns two examples of the command: with numbers in order, and with numbers by name."""
        examples = [x.upper() if n else y for x, y, n in zip(self.words, self.given, self.needed)]
        words = " ".join([command, *examples])
        if not self.words:
            return words
        pairs = [f"{x}={y}" for x, y in zip(self.words, examples)]
        named = [pair for pair, n in zip(pairs, self.needed) if n] or pairs[-1:]
        return f"{words}    or, by name: {' '.join([command, *named])}"

    def missing(self, command: str) -> str:
        """Returns the end of an error message that begins with the name of a missing argument."""
        few = " ".join(self.words[:_MOST]) + " ..." * (len(self.words) > _MOST)
        return f" has no number; usage: {command} {few}"

    def defaults(self, nothing: str) -> str:
        """Returns the recorded number of each argument, and `nothing` for one that is needed."""
        return ", ".join(nothing if n else x for x, n in zip(self.numbers, self.needed))

    def refusal(self, template: str, command: str) -> str:
        """Returns the lines that refuse a missing argument; '' if every argument has a default."""
        if not any(self.needed):
            return ""
        return Template(template).substitute(
            missing=self.missing(command),
            needed=", ".join(str(int(n)) for n in self.needed),
            count=len(self.words),
        )

    def note(self) -> list[str]:
        """Returns lines of a comment: the defaults, and the names that were changed."""
        defaults = [f"{x}={y}" for x, y, n in zip(self.words, self.given, self.needed) if not n]
        changed = [f"{name} stands for {_harmless(label)}" for name, label in self.changed]
        return [
            *_listed("Where a number is left out, it is this one:", defaults),
            *_listed("Names that had to be changed:", changed),
        ]


class Writer:
    """One language: its expressions, the names that it allows, and the text of a program.

    key: its name in `LANGUAGES`. words: names that no argument may have. outer: more names that the
    function may not have. allowed: the pattern of a name.
    """

    kind: ClassVar[type[Source]]
    key: ClassVar[str]
    words: ClassVar[frozenset[str]]
    outer: ClassVar[frozenset[str]]
    allowed: ClassVar[re.Pattern[str]]

    def __init__(self) -> None:
        self._functions = functions(self.kind)

    def name(self, label: str) -> str:
        """Returns the label if it can be a name, with a _ if the language reserves it; else ''."""
        if not label.isidentifier() or not self.allowed.fullmatch(label):
            return ""
        return label + "_" * (label in self.words or label in self._functions)

    def write(self, parts: Parts) -> str:
        """Returns the text of the program."""
        raise NotImplementedError


def identifiers(text: str) -> frozenset[str]:
    """Returns the words of a program that are neither in a string nor in a comment."""
    bare = re.sub(r'"(?:\\.|[^"\\\n])*"|//.*|#.*|/\*.*?\*/', '""', text)
    return frozenset(re.findall(r"[^\W\d]\w*(?![\"\w])", bare))  # the f of f"..." is not a word


def functions(kind: type[Source]) -> frozenset[str]:
    """Returns the functions that rows of the table call in a language."""
    called: set[str] = set()
    for op in TABLE.values():
        text = str(op(*[kind(x) for x in "ab"[: len(op.derivatives)]]))
        called.update(re.findall(r"\w+(?=\()", text))
    return frozenset(called)


def _listed(title: str, parts: Sequence[str]) -> list[str]:
    """Returns lines of a comment: the title, then the parts with commas between them."""
    lines = [title] if parts else []
    for i, part in enumerate(parts):
        piece = part + "," * (i < len(parts) - 1)
        if len(lines[-1]) + len(piece) < _WIDTH:
            lines[-1] += " " + piece
        else:
            lines.append("  " + piece)
    return lines


def _harmless(label: str) -> str:
    """Returns the label with escapes, so that it cannot end a comment or a line in any language."""
    text = "".join(c if c.isprintable() and c not in "\\<" else _escaped(c) for c in label[:60])
    text = text.replace("*/", "*" + _escaped("/")).replace("/*", "/" + _escaped("*"))
    return f"'{text}'" + "..." * (len(label) > 60)


def _escaped(c: str) -> str:
    return c.encode("ascii", "backslashreplace").decode() if ord(c) > 127 else f"\\x{ord(c):02x}"
