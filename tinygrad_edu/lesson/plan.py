"""The plan of a lesson: what it asks, how long a class needs, and one line to break."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Mistake", "Plan"]


class Mistake(NamedTuple):
    """A line of code to change, and the experiment whose claim then fails.

    file: from the root of the repository. line: a part of one line, which the file has once.
    instead: what the class writes in its place. fails: the experiment, as the table names it.
    """

    file: str
    line: str
    instead: str
    fails: str


class Plan(NamedTuple):
    """What a teacher needs to know before the lesson.

    question: the question of the lesson. minutes: for a class, with discussion. look: what to look
    at. ask: questions for the class. mistake: a line to break. read: literature, a line each.
    follows: the name of the next lesson, '' for the last.
    """

    question: str
    minutes: int
    look: str
    ask: Sequence[str]
    mistake: Mistake
    read: Sequence[str]
    follows: str = ""
