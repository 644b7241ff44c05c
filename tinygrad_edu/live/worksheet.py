"""A worksheet: numbers of the picture are blank, and the page marks what a student types.

The file has no hidden number. It has salted hashes: of each right answer, and of the answers that
usual mistakes give. A program that tries all numbers finds them: this deters, and does not secure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from html import escape
from itertools import groupby
from typing import Any, NamedTuple

from tinygrad_edu.analysis.graph import Graph, Node
from tinygrad_edu.draw import svg
from tinygrad_edu.draw.aloud import aloud
from tinygrad_edu.draw.aloud import title as title_of
from tinygrad_edu.draw.compose import compose, laid_out, single
from tinygrad_edu.draw.sketch import Panel, sketch
from tinygrad_edu.draw.theme import printable
from tinygrad_edu.draw.view import BLANK, View
from tinygrad_edu.live.levels import Live
from tinygrad_edu.live.questions import Question, accepted, named, near, questions

__all__ = ["HIDDEN", "Sheet", "hashed", "sheet"]

HIDDEN = ("values", "grads")  # what a worksheet asks for, if nobody chooses
_SLOTS = {"value": "value", "gradient": "grad", "local derivative": "local"}
_LENGTH = 20  # hexadecimal digits of a hash that the file keeps


class _Still(Live):
    """The view of a worksheet, whose only texts that change are the blanks that are filled in."""

    @property
    def live(self) -> bool:
        return False

    def slot(self, name: str) -> str:
        return name if name in _SLOTS.values() else ""


class _Filled(_Still):
    """The same with a long number in each blank, so that there is room for it."""

    def data(self, node: Node) -> str:
        return self._long(super().data(node))

    def grad(self, node: Node) -> str:
        return self._long(super().grad(node))

    def _long(self, text: str) -> str:
        return f"-12.{'3' * self.precision}" if text == BLANK else text


class Sheet(NamedTuple):
    """The parts of a worksheet's page.

    svg: the picture with blanks. listed: the questions, as HTML. data: what marks the answers.
    asked: the questions with their answers, for the key.
    """

    svg: str
    listed: str
    data: dict[str, Any]
    asked: Sequence[Question]


def sheet(whole: Graph, view: View, title: str, timeout: float) -> Sheet:
    """This returns the parts of the page of a graph with gradients.

    view: its `hide` says what is asked. title: of the page. ViewError if there are no questions or
    too many; LayoutError if the picture cannot be laid out.
    """
    whole = named(whole)
    asked = questions(whole, view.hide, view.precision)
    if view.edges is None:
        view = replace(view, edges=_edges(view))
    seed = repr((title, [(str(n.op), n.args, n.label) for n in whole.nodes], sorted(view.hide)))
    data = _data(asked, view.precision, seed)
    return Sheet(_picture(whole, view, timeout), "\n".join(_listed(asked)), data, asked)


def _picture(whole: Graph, view: View, timeout: float) -> str:
    """The picture with blanks, as SVG."""
    still, filled = _Still.of(view), _Filled.of(view)
    blank = sketch(Panel(whole), still)
    layout = laid_out([blank, sketch(Panel(whole), filled)], still, timeout)
    scene = compose([(single(blank, layout, still), "")], still)
    return svg.svg(scene, title_of(whole, still), aloud(whole, still))


def _edges(view: View) -> tuple[str, ...]:
    """The text on edges: nothing that is blank and not asked."""
    hidden = {"leaves", "values"} & {*view.hide}
    return () if hidden and "edges" not in view.hide else ("local",)


def _listed(asked: Iterable[Question]) -> Iterator[str]:
    """The questions as HTML: a list for each kind."""
    i = 0
    for kind, group in groupby(asked, lambda question: question.kind):
        yield f'<h2>{kind.capitalize()}s</h2>\n<ol start="{i + 1}">'
        for question in group:
            name = escape(printable(question.of))
            yield (
                f'<li><label for="answer-{i}">{kind} of <b>{name}</b></label> '
                f'<input id="answer-{i}" autocomplete="off" autocapitalize="off" '
                f'spellcheck="false" aria-describedby="mark-{i}">'
                f'<output id="mark-{i}" for="answer-{i}"></output></li>'
            )
            i += 1
        yield "</ol>"


def hashed(salt: str, text: str) -> str:
    """This returns the hash of an answer, as the page's script computes it."""
    return sha256(f"{salt}:{text}".encode()).hexdigest()[:_LENGTH]


def _data(asked: Sequence[Question], precision: int, seed: str) -> dict[str, Any]:
    """What the script needs to mark answers: reasons, and for each question hashes."""
    reasons = list(dict.fromkeys(wrong.reason for each in asked for wrong in each.wrong))
    places = {reason: i for i, reason in enumerate(reasons)}
    items = []
    for i, question in enumerate(asked):
        # from what the page shows anyway: a salt must tell nothing, and be the same next time
        salt = sha256(f"{seed} {i}".encode()).hexdigest()[:16]
        right = [hashed(salt, text) for text in accepted(question.right, precision)]
        wrong = [
            [hashed(salt, near(each.answer, precision)[0]), places[each.reason]]
            for each in question.wrong
        ]
        part = {"part": question.part, "slot": _SLOTS[question.kind]}
        items.append({**part, "salt": salt, "right": right, "wrong": sorted(wrong)})
    return {
        "version": 1,
        "precision": precision,
        "length": _LENGTH,
        "reasons": [printable(reason) for reason in reasons],
        "questions": items,
    }
