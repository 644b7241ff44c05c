"""The types of the options of all commands.

An option can be given once, unless it allows more: none drops a value silently. The error for a
wrong value names the right ones. Words and file names complete with the Tab key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tinygrad_edu.reading.slips import ASSIGNED, shown
from tinygrad_edu.reading.vocabulary import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "Level",
    "Named",
    "Number",
    "Once",
    "Size",
    "Whole",
    "Word",
    "Words",
    "files",
    "folders",
    "option",
    "unknown",
]


def unknown(what: str, word: str, known: Sequence[str]) -> str:
    """Returns the message for an unknown word."""
    return f"unknown {what} {shown(word)}{nearest(word, known)}: choose {', '.join(known)}"


def _refuse(param: click.Parameter | None, problem: str) -> NoReturn:
    raise click.UsageError(f"{_dashed(param)} {problem}")


def _dashed(param: click.Parameter | None) -> str:
    return max(param.opts, key=len) if param else ""


def _item(text: str, type: str = "plain") -> CompletionItem:
    from click.shell_completion import CompletionItem  # late: it is slow, and only the Tab key asks

    return CompletionItem(text, type=type)


class Once(click.Option):
    """An option that can be given only once; click itself would take the last value.

    section: the heading above it in the help.
    """

    def __init__(self, *names: Any, section: str = "Options", **how: Any) -> None:
        super().__init__(*names, **how)
        self.section = section

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Makes click collect all values, to count them."""
        multiple = self.multiple
        self.multiple = multiple or not (self.is_flag or self.count)
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = multiple

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """Returns the only value; UsageError if there are more."""
        values = opts.get(self.name or "")
        if isinstance(values, list) and not self.multiple:
            if len(values) > 1 and not ctx.resilient_parsing:
                both = " and ".join(map(shown, values[:2]))
                more = f": {self.type.all_at_once}" if isinstance(self.type, Words) else ""
                raise click.UsageError(f"{_dashed(self)} is given twice, {both}{more}")
            opts = {**opts, self.name or "": values[-1]}
        return super().consume_value(ctx, opts)


option = partial(click.option, cls=Once)


class Word(click.Choice):  # type: ignore[type-arg]  # which has no argument before click 8.2
    """One of some words, in any case. what: the noun in its error, by default the option's name."""

    def __init__(self, words: Sequence[str], what: str = "") -> None:
        super().__init__(list(words), case_sensitive=False)
        self.what = what

    def get_metavar(self, *_: Any, **__: Any) -> str:
        """Returns the words as they are written; click itself would write `a4` for A4."""
        return f"[{'|'.join(self.choices)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the word; UsageError, with all words, for any other."""
        for word in self.choices:
            if word.lower() == str(value).lower():
                return word
        what = self.what or _dashed(param).lstrip("-")
        raise click.UsageError(unknown(what, str(value), self.choices))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Returns the words that begin with the typed text."""
        begun = incomplete.lower()
        return [_item(word) for word in self.choices if word.lower().startswith(begun)]


class Words(click.ParamType):  # type: ignore[type-arg]
    """A list of words with commas between them; `none` and `all` mean no word and all words."""

    name = "words"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    @property
    def all_at_once(self) -> str:
        """A hint how to write several words."""
        return f"write them with commas, such as {','.join(self.words[:2])}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the list of words; UsageError, with all words, for any other."""
        if isinstance(value, list):
            return value
        words = [word.strip() for word in value.split(",")]
        if words in (["none"], ["all"]):
            return self.words if words == ["all"] else []
        for word in words:
            if word in ("none", "all"):
                _refuse(param, f"{word} stands alone: write {word}, or the words without it")
            if word not in self.words:
                what = f"word of {_dashed(param)}"
                more = f"; {self.all_at_once}" if " " in word else ""
                raise click.UsageError(unknown(what, word, [*self.words, "all", "none"]) + more)
        return words

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Returns the words that the list does not have yet."""
        given, comma, begun = incomplete.rpartition(",")
        there = given.split(",")
        words = self.words if comma else [*self.words, "all", "none"]
        return [
            _item(given + comma + word)
            for word in words
            if word.startswith(begun) and word not in there
        ]


class Named(click.ParamType):  # type: ignore[type-arg]
    """A list of pairs from texts such as NAME=WORD or NAME,NAME=WORD; several with commas."""

    name = "named"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns pairs of name and word; UsageError, with all words, for an unknown word."""
        if isinstance(value, list):
            return value
        pairs: list[tuple[str, str]] = []
        names: list[str] = []  # names before their word, as in w,b=parameter
        for text in ASSIGNED.split(value):
            name, equals, word = (part.strip() for part in text.partition("="))
            names.append(name)
            if not equals:
                continue
            word, *more = (part.strip() for part in word.split(","))
            if word not in self.words:
                raise click.UsageError(unknown(_dashed(param).lstrip("-"), word, self.words))
            pairs += ((name, word) for name in names)
            names = more
        if names:
            problem = f"{shown(names[0])} has no =: write NAME={self.words[0]}, without blanks"
            _refuse(param, problem)
        return pairs

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Returns the words that can follow the =."""
        name, equals, begun = incomplete.rpartition("=")
        words = [word for word in self.words if word.startswith(begun)]
        return [_item(f"{name}={word}") for word in words] if equals else []


class Level(click.ParamType):  # type: ignore[type-arg]
    """The level of collapsed groups: a word, or a number that the graph will check."""

    name = "level"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Returns the words that begin with the typed text."""
        return [_item(word) for word in self.words if word.startswith(incomplete)]


class Size(click.ParamType):  # type: ignore[type-arg]
    """A width and a height in pixels, such as 1280x720, or the name of a page.

    least, most: the range of each.
    """

    name = "size"
    named: Mapping[str, tuple[int, int]] = {"A4": (1123, 794)}  # landscape, 96 pixels to an inch
    _WORDS = ("1280x720", "1920x1080", *named)

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns (width, height); UsageError, with an example, for any other text."""
        if isinstance(value, tuple):
            return value
        if value.upper() in self.named:
            return self.named[value.upper()]
        sides = re.findall(r"\d{1,9}", value)
        if re.fullmatch(r"\d{1,9}[xX×]\d{1,9}", value):
            size = int(sides[0]), int(sides[1])
            if all(self.least <= side <= self.most for side in size):
                return size
        meant = ""
        if len(sides) == 2 and "x" not in value.lower():
            meant = f" (did you mean {'x'.join(sides)}?)"
        _refuse(
            param,
            f"is a width and a height from {self.least} to {self.most:,} pixels, such as "
            f"{_dashed(param)} 1280x720, or A4, not {shown(value)}{meant}",
        )

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Returns the usual sizes that begin with the typed text."""
        return [_item(word) for word in self._WORDS if word.startswith(incomplete)]


class Whole(click.IntRange):
    """A whole number from `min` to `max`, or from `min` up."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the number; UsageError, with the range, for any other."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            to = "on" if self.max is None else f"to {self.max}"
            _refuse(param, f"is a whole number from {self.min} {to}, not {shown(str(value))}")


class Number(click.ParamType):  # type: ignore[type-arg]
    """A number above 0, or from `least` on, and at most `most`.

    what: the noun in errors, as "a number of seconds".
    """

    name = "float"

    def __init__(self, what: str, example: str, most: float = inf, least: float = 0.0) -> None:
        self.what, self.example, self.most, self.least = what, example, most, least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the number; UsageError, with the range, for any other."""
        try:
            x = float(value)
        except ValueError:
            x = 0.0
        if 0 < x <= self.most and self.least <= x < inf:
            return x
        least = f"of at least {self.least:g}" if self.least else "above 0"
        most = f" and at most {self.most:.0f}" if self.most < inf else ""
        _refuse(
            param,
            f"is {self.what} {least}{most}, such as {_dashed(param)} {self.example}, "
            f"not {shown(str(value))}",
        )


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Makes the shell complete file names; after @, returns the names, as shells do not."""
    if incomplete.startswith("@"):
        from glob import escape, glob

        found = sorted(glob(f"{escape(incomplete[1:])}*"))
        return [_item(f"@{name}{os.sep * os.path.isdir(name)}") for name in found]
    return [_item(incomplete, type="file")]


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Makes the shell complete names of folders."""
    return [_item(incomplete, type="dir")]
