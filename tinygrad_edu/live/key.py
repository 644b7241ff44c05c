"""The key of a worksheet, for the teacher: each question with its answer and its formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tinygrad_edu.draw.theme import printable
from tinygrad_edu.live.questions import Question
from tinygrad_edu.rows.formula import rounded

__all__ = ["key"]


def key(asked: Sequence[Question], title: str, precision: int, html: bool = False) -> str:
    """This returns the key as text, or as an HTML page.

    Below each answer are the wrong ones that the page knows, and what it says to them.
    """
    if html:
        return "\n".join(_page(asked, title, precision))
    return "\n".join([f"Key of the worksheet {title}".rstrip(), *_lines(asked, precision), ""])


def _lines(asked: Sequence[Question], precision: int) -> Iterator[str]:
    for i, question in enumerate(asked, 1):
        answer = rounded(question.right, precision)
        yield ""
        yield f"{i}. {question.kind} of {question.of} = {answer}"
        yield f"   {question.formula}"
        for wrong in question.wrong:
            yield f"   not {rounded(wrong.answer, precision)}: {wrong.reason}"


def _page(asked: Sequence[Question], title: str, precision: int) -> Iterator[str]:
    heading = escape(printable(f"Key of the worksheet {title}".rstrip()))
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{heading}</title>\n</head>\n<body>\n<h1>{heading}</h1>\n<ol>"
    for question in asked:
        name, formula = (escape(printable(x)) for x in (question.of, question.formula))
        answer = rounded(question.right, precision)
        yield f"<li>{question.kind} of <b>{name}</b> = <b>{answer}</b><br>{formula}\n<ul>"
        for wrong in question.wrong:
            told = escape(printable(wrong.reason))
            yield f"<li>not {rounded(wrong.answer, precision)}: {told}</li>"
        yield "</ul></li>"
    yield "</ol>\n</body>\n</html>\n"
