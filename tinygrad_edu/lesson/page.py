"""The page of a lesson: HTML which loads nothing from outside its folder.

Scripts are only in the live pages that it shows, each in a frame of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from tinygrad_edu.lesson.claims import HEAD, Claim

__all__ = ["SMALLEST", "Figure", "Lines", "Part", "Played", "Text", "page"]

_LOOK = """
:root { color-scheme: light; }
body { font: 1.1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  margin: 0 auto; padding: 1rem; max-width: 72rem; }
p, figcaption { max-width: 46rem; }
h1 { line-height: 1.2; }
pre { overflow-x: auto; background: #f4f4f4; padding: .75rem; font-size: .9rem; }
figure { margin: 2rem 0; }
figure iframe { display: block; width: 100%; height: 46rem; max-height: 95vh;
  border: 1px solid #595959; }
figure a.alone { display: inline; }
figure a { display: block; overflow-x: auto; }
figure img { display: block; max-width: 100%; height: auto; margin: auto; }
figcaption { color: #4d4d4d; margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: 1rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem;
  border-bottom: 1px solid #bbb; }
.NO { font-weight: bold; color: #b00020; }
@media (max-width: 45rem) {
  h1 { font-size: 1.5rem; }
  thead { display: none; }
  tr { display: block; border-bottom: 2px solid #595959; padding: .4rem 0; }
  td { display: flex; border: 0; padding: .1rem 0; }
  td::before { content: attr(data-head); flex: 0 0 6.5rem; color: #4d4d4d; }
}
"""
SMALLEST = 0.6  # a picture shrinks at most to this share of its width; then it scrolls sideways


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Lines(NamedTuple):
    """Lines that keep their layout, such as a table of numbers."""

    text: str


class Figure(NamedTuple):
    """A picture in the same folder. width: the picture's own width, in points."""

    file: str
    caption: str
    width: float


class Played(NamedTuple):
    """A live page in the same folder, which is shown in the lesson's page."""

    file: str
    caption: str


Part = Text | Lines | Figure | Played


def page(title: str, parts: Sequence[Part], claims: Sequence[Claim]) -> str:
    """The HTML of the page: the title, the parts in order, and the table of claims."""
    body = "\n".join(_part(part) for part in parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{_LOOK}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
<h2>Claims and measurements</h2>
{_table(claims)}
</body>
</html>
"""


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return f"<p>{escape(part.text)}</p>"
    if isinstance(part, Lines):
        return f"<pre>{escape(part.text)}</pre>"
    file, caption = escape(part.file), escape(part.caption)
    if isinstance(part, Played):
        frame = f'<iframe src="{file}" title="{caption}" loading="lazy"></iframe>'
        alone = f'<a class="alone" href="{file}">Open it in a window of its own</a>'
        return f"<figure>{frame}<figcaption>{caption} {alone}</figcaption></figure>"
    least = f"min-width: {SMALLEST * part.width:.0f}pt"
    image = f'<img src="{file}" alt="{caption}" style="{least}">'
    return f'<figure><a href="{file}">{image}</a><figcaption>{caption}</figcaption></figure>'


def _table(claims: Sequence[Claim]) -> str:
    head = "".join(f"<th>{name}</th>" for name in HEAD)
    rows = []
    for claim in claims:
        cells = claim.cells()
        row = [f'<td data-head="{h}">{escape(c)}</td>' for h, c in zip(HEAD[:-1], cells)]
        row.append(f'<td data-head="{HEAD[-1]}" class="{cells[-1]}">{cells[-1]}</td>')
        rows.append(f"<tr>{''.join(row)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
