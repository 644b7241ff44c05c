"""The page of a lesson: HTML which loads nothing from outside its folder.

All of it can be read without a script. The one script, `web/page.js`, puts pictures under a slider;
live pages have scripts of their own, each in a frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from tinygrad_edu.lesson.claims import FAILS, HEAD, Claim
from tinygrad_edu.lesson.parts import (
    Check,
    Equations,
    Figure,
    Folded,
    Frames,
    Heading,
    Lines,
    Part,
    Played,
    Text,
)
from tinygrad_edu.lesson.plan import Plan

__all__ = ["SMALLEST", "Story", "page"]

SMALLEST = 0.6  # a picture shrinks at most to this share of its width; then it scrolls sideways
_WEB = Path(__file__).parent / "web"
_PX = 96 / 72  # CSS pixels of a point


class Story(NamedTuple):
    """All that a page shows. name: of the lesson, as at the shell. plan: None without a plan."""

    name: str
    title: str
    plan: Plan | None
    parts: Sequence[Part]
    claims: Sequence[Claim]
    checks: Sequence[Check]


def page(story: Story) -> str:
    """This returns the HTML of the page, from the question to the next lesson."""
    sections = [_contents(story), *map(_part, story.parts), *_end(story)]
    body = "\n".join(filter(None, sections))
    moving = 'class="frames"' in body
    script = f"<script>\n{_web('page.js')}</script>\n" if moving else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(story.title)}</title>
<style>
{_web("page.css")}{_signs(body)}</style>
</head>
<body>
<main>
<h1>{escape(story.title)}</h1>
{body}
</main>
{script}</body>
</html>
"""


def _web(name: str) -> str:
    return (_WEB / name).read_text(encoding="utf-8")


def _signs(body: str) -> str:
    """For each picture, the width of a window below which a sign says that it scrolls sideways."""
    widths = sorted(set(map(int, re.findall(r'class="wide least-(\d+)"', body))))
    return "".join(
        f"@media screen and (max-width: {w + 40}px) {{ .least-{w} .sign {{ display: block; }} }}\n"
        for w in widths
    )


def _contents(story: Story) -> str:
    """The question, what a teacher needs to know, and links to the sections."""
    lines = []
    if story.plan:
        ask = "".join(f"<li>{_inline(question)}</li>" for question in story.plan.ask)
        lines.append(
            f'<p class="question">{_inline(story.plan.question)}</p>\n<div class="teacher">\n'
            f"<p>For a class: {story.plan.minutes} minutes, with discussion. Look at "
            f"{_inline(story.plan.look)}. Ask the class:</p>\n<ul>{ask}</ul>\n</div>"
        )
    heads = [part.text for part in story.parts if isinstance(part, Heading)]
    if heads:
        links = "".join(f'<li><a href="#{_id(h)}">{escape(h)}</a></li>' for h in heads)
        lines.append(f'<nav aria-label="Sections">\n<ol>{links}</ol>\n</nav>')
    return "\n".join(lines)


def _id(heading: str) -> str:
    return "-".join(re.findall(r"\w+", heading.lower()))


def _inline(text: str) -> str:
    """The text as HTML; what is between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _part(part: Part) -> str:
    match part:
        case Heading(text):
            return f'<h2 id="{_id(text)}">{escape(text)}</h2>'
        case Text(text):
            return f"<p>{_inline(text)}</p>"
        case Lines(text):
            return f'<pre tabindex="0">{escape(text)}</pre>'
        case Folded(question, parts):
            inner = "\n".join(map(_part, parts))
            ask = f"<b>Predict first</b> {_inline(question)}"
            return f'<details class="predict"><summary>{ask}</summary>\n{inner}\n</details>'
        case Played():
            return _played(part)
        case Frames():
            return _frames(part)
        case Equations():
            return _equations(part)
        case _:
            return (
                f"<figure>{_picture(part)}<figcaption>{_inline(part.caption)}</figcaption></figure>"
            )


def _picture(figure: Figure) -> str:
    """A picture that scrolls sideways if it cannot be as small as the window, and says so."""
    least = SMALLEST * figure.width * _PX
    file, alt = escape(figure.file), escape(figure.alt)
    image = f'<img src="{file}" alt="{alt}" style="min-width: {least:.0f}px">'
    sign = '<span class="sign">This picture goes on to the right: scroll it sideways.</span>'
    return (
        f'<div class="wide least-{least:.0f}"><div class="picture" tabindex="0" role="group" '
        f'aria-label="Picture">{image}</div>{sign}'
        f'<a class="alone" href="{file}">Open the picture alone</a></div>'
    )


def _played(part: Played) -> str:
    file, caption = escape(part.file), escape(part.caption)
    film = f' class="film" style="aspect-ratio: {part.ratio:.4g}"' if part.ratio else ""
    frame = f'<iframe src="{file}" title="{caption}" loading="lazy"{film}></iframe>'
    alone = f'<a class="alone" href="{file}">Open it in a window of its own</a>'
    return f"<figure>{frame}<figcaption>{_inline(part.caption)} {alone}</figcaption></figure>"


def _frames(part: Frames) -> str:
    moments = "\n".join(
        f'<div class="frame"><p>{escape(label)}</p>{_picture(figure)}</div>'
        for label, figure in part.moments
    )
    return (
        f'<figure><div class="frames" data-over="{escape(part.over)}">\n<div class="all">\n'
        f"{moments}\n</div>\n</div><figcaption>{_inline(part.caption)}</figcaption></figure>"
    )


def _equations(part: Equations) -> str:
    rows = "".join(
        f"<tr><td>{number}</td><td>{_mathematics(text)}</td><td><code>{escape(code)}</code></td></tr>"
        for number, text, code in part.rows
    )
    head = f"<th>No.</th><th>{escape(part.source)}</th><th>The code that is it</th>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _mathematics(text: str) -> str:
    """The equation as HTML; letters after `_` are below the line."""
    return re.sub(r"_(\w+)", r"<sub>\1</sub>", escape(text))


def _end(story: Story) -> list[str]:
    """What every lesson ends with: break it, the claims, their sources, the check, what to read."""
    parts = []
    if story.plan:
        wrong = story.plan.mistake
        parts.append(
            '<h2 id="break-it">Break it</h2>\n<p>A check is worth something if it can fail. In '
            f"<code>{escape(wrong.file)}</code>, change</p>\n"
            f'<pre tabindex="0">{escape(wrong.line)}</pre>\n<p>to</p>\n'
            f'<pre tabindex="0">{escape(wrong.instead)}</pre>\n<p>and run '
            f"<code>python demos/{escape(story.name)}.py --quick</code> again. The table then says "
            f"<b>fails</b> in the row “{escape(wrong.fails)}”.</p>"
        )
    parts.append(f'<h2 id="claims">Claims and measurements</h2>\n{_table(story.claims)}')
    facts = sorted({claim.reports for claim in story.claims if claim.reports})
    if facts:
        lines = "".join(f"<li>{_inline(fact.line)}</li>" for fact in facts)
        parts.append(f'<h2 id="sources">What the sources say</h2>\n<ul>{lines}</ul>')
    if story.checks:
        lines = "\n".join(
            f'<details class="check"><summary>{_inline(check.question)}</summary>'
            f"<p>{_inline(check.answer)}</p></details>"
            for check in story.checks
        )
        parts.append(f'<h2 id="check">Check yourself</h2>\n{lines}')
    if story.plan:
        read = "".join(f"<li>{_inline(line)}</li>" for line in story.plan.read)
        parts.append(f'<h2 id="read">To read</h2>\n<ul>{read}</ul>')
        if story.plan.follows:
            follows = escape(story.plan.follows)
            parts.append(f"<p>The next lesson: <code>tinygrad-edu demo {follows}</code></p>")
    return parts


def _table(claims: Sequence[Claim]) -> str:
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    rows = []
    for claim in claims:
        cells = claim.cells()
        row = [f'<td data-head="{h}">{escape(c)}</td>' for h, c in zip(HEAD[:-1], cells)]
        look = "fails" if claim.verdict == FAILS else "verdict"
        row.append(f'<td data-head="{HEAD[-1]}" class="{look}">{cells[-1]}</td>')
        rows.append(f"<tr>{''.join(row)}</tr>")
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table class="claims">{table}</table>'
