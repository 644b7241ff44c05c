"""What the options of all commands have in common.

An option is given once, or says that it may be given more often: none drops a value silently. A
value that means nothing is told what would. Words and file names complete with the Tab key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from glob import escape, glob
from math import inf
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from tinygrad_edu.reading.slips import ASSIGNED, shown
from tinygrad_edu.reading.vocabulary import nearest

__all__ = [
    "Group",
    "Level",
    "Named",
    "Number",
    "Once",
    "Whole",
    "Word",
    "Words",
    "files",
    "folders",
    "option",
    "unknown",
]


def unknown(what: str, word: str, known: Sequence[str]) -> str:
    """The sentence about a word that is none of the known ones."""
    return f"unknown {what} {shown(word)}{nearest(word, known)}: choose {', '.join(known)}"


def _refuse(param: click.Parameter | None, problem: str) -> NoReturn:
    raise click.UsageError(f"{_dashed(param)} {problem}")


def _dashed(param: click.Parameter | None) -> str:
    return max(param.opts, key=len) if param else ""


class Once(click.Option):
    """An option that can be given once: a second value is an error, where click has the last."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Has all values collected, if there is to be one."""
        multiple = self.multiple
        self.multiple = multiple or not (self.is_flag or self.count)
        try:
            super().add_to_parser(parser, ctx)
        finally:
            self.multiple = multiple

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """The one value."""
        values = opts.get(self.name or "")
        if isinstance(values, list) and not self.multiple:
            if len(values) > 1 and not ctx.resilient_parsing:
                told = " and ".join(map(shown, values[:2]))
                more = f": {self.type.all_at_once}" if isinstance(self.type, Words) else ""
                raise click.UsageError(f"{_dashed(self)} is given twice, {told}{more}")
            opts = {**opts, self.name or "": values[-1]}
        return super().consume_value(ctx, opts)


option = partial(click.option, cls=Once)


class Word(click.Choice):  # type: ignore[type-arg]  # which has no argument before click 8.2
    """One of some words, in capitals or not; `what` it is, by default what its option is called."""

    def __init__(self, words: Sequence[str], what: str = "") -> None:
        super().__init__(list(words), case_sensitive=False)
        self.what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word; UsageError says which there are."""
        for word in self.choices:
            if word.lower() == str(value).lower():
                return word
        what = self.what or _dashed(param).lstrip("-")
        raise click.UsageError(unknown(what, str(value), self.choices))

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The words that begin so, as they are written here."""
        begun = incomplete.lower()
        return [CompletionItem(word) for word in self.choices if word.lower().startswith(begun)]


class Words(click.ParamType):  # type: ignore[type-arg]
    """Some words with commas between them; `none` and `all` are words for both ends."""

    name = "words"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    @property
    def all_at_once(self) -> str:
        """What to write for several."""
        return f"write them with commas, such as {','.join(self.words[:2])}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The list of words; UsageError says which there are."""
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
        """The words that are not yet there."""
        given, comma, begun = incomplete.rpartition(",")
        there = given.split(",")
        words = self.words if comma else [*self.words, "all", "none"]
        return [
            CompletionItem(given + comma + word)
            for word in words
            if word.startswith(begun) and word not in there
        ]


class Named(click.ParamType):  # type: ignore[type-arg]
    """NAME=WORD or NAME,NAME=WORD, of some words, or several with commas; a list of pairs."""

    name = "named"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The names and the words; UsageError says which words there are."""
        if isinstance(value, list):
            return value
        pairs: list[tuple[str, str]] = []
        names: list[str] = []  # that wait for the word: w,b=parameter
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
            told = f"{shown(names[0])} has no =: write NAME={self.words[0]}, without blanks"
            _refuse(param, told)
        return pairs

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The words that can follow the =."""
        name, equals, begun = incomplete.rpartition("=")
        words = [word for word in self.words if word.startswith(begun)]
        return [CompletionItem(f"{name}={word}") for word in words] if equals else []


class Level(click.ParamType):  # type: ignore[type-arg]
    """How far groups are collapsed: a word, or a number, which is for the graph to judge."""

    name = "level"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The words that begin so."""
        return [CompletionItem(word) for word in self.words if word.startswith(incomplete)]


class Whole(click.IntRange):
    """A whole number from `min` to `max`, or from `min` on."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; UsageError says the range."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            to = "on" if self.max is None else f"to {self.max}"
            _refuse(param, f"is a whole number from {self.min} {to}, not {shown(str(value))}")


class Number(click.ParamType):  # type: ignore[type-arg]
    """A number above 0, and at most `most`; `what` it is, such as "a number of seconds"."""

    name = "float"

    def __init__(self, what: str, example: str, most: float = inf) -> None:
        self.what, self.example, self.most = what, example, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; UsageError says which ones there are."""
        try:
            x = float(value)
        except ValueError:
            x = 0.0
        if 0 < x <= self.most and x < inf:
            return x
        most = f" and at most {self.most:.0f}" if self.most < inf else ""
        _refuse(
            param,
            f"is {self.what} above 0{most}, such as {_dashed(param)} {self.example}, "
            f"not {shown(str(value))}",
        )


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """That the shell completes names of files; after @, which no shell does, the names."""
    if incomplete.startswith("@"):
        found = sorted(glob(f"{escape(incomplete[1:])}*"))
        return [CompletionItem(f"@{name}{os.sep * os.path.isdir(name)}") for name in found]
    return [CompletionItem(incomplete, type="file")]


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """That the shell completes names of folders."""
    return [CompletionItem(incomplete, type="dir")]


class Group(click.Group):
    """A group that says which commands there are."""

    kind = "command"

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command of that name, and its arguments."""
        known = self.list_commands(ctx)
        if args[0] not in known and not ctx.resilient_parsing:
            raise click.UsageError(self.unknown(args[0], known), ctx)
        return super().resolve_command(ctx, args)

    def unknown(self, name: str, known: Sequence[str]) -> str:
        """What is said of a command that there is not."""
        return unknown(self.kind, name, known)
