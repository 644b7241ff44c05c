"""The look of pictures: every colour, shape and size.

A photocopy shows everything that a colour shows: the kind of a node is a shape, roles and stale
nodes have a word, and the sign of a contribution is a line and an arrow head. The colours are based
on those of Okabe and Ito, which people with any colour vision can distinguish
(jfly.uni-koeln.de/color); brown (orange in the dark), grey and blue are in order of lightness, too.
"""

from __future__ import annotations

from math import isnan
from typing import NamedTuple

from tinygrad_edu.draw.scene import Dash, Head, Shape

__all__ = [
    "EDGE",
    "FONT",
    "HEADING",
    "NUMBER",
    "SHAPE",
    "SMALL",
    "SYMBOL",
    "THEMES",
    "THINNEST",
    "WIDEST",
    "Theme",
    "printable",
    "sign",
]

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
# Sizes in points. Whatever carries a digit has the size of NUMBER at least: the smallest number
# decides whether a class can read a slide.
NUMBER = 22
SMALL = 13  # of words beside numbers
SYMBOL = 30  # of + and *, which are small characters
HEADING = 24  # of the picture's title, bold

THINNEST, WIDEST = 1.2, 4.0  # widths of edges in points, by the size of their contribution


class Theme(NamedTuple):
    """The colours of a theme, as #rrggbb.

    Text is drawn in `ink`, `quiet` (captions), `grad` and `warning` on `paper` and every fill;
    edge labels, on `paper`, also in `negative`, `zero`, `positive` and `undefined`.
    """

    paper: str
    ink: str
    quiet: str
    line: str
    grad: str
    warning: str
    highlight: str
    negative: str
    zero: str
    positive: str
    undefined: str
    leaf: str
    constant: str
    operation: str
    output: str
    group: str
    operator: str
    input: str
    parameter: str
    loss: str

    def fills(self) -> list[str]:
        """The background colours of the text in nodes."""
        kinds = [self.leaf, self.constant, self.operation, self.output, self.group]
        return [*kinds, self.operator, self.input, self.parameter, self.loss]

    def pairs(self) -> list[tuple[str, str]]:
        """(text colour, background colour) for every pair that can occur."""
        texts = [self.ink, self.quiet, self.grad, self.warning]
        signs = [self.negative, self.zero, self.positive, self.undefined]
        nodes = [(text, fill) for text in texts for fill in [self.paper, *self.fills()]]
        return nodes + [(text, self.paper) for text in signs]

    def sign(self, x: float | None) -> str:
        """The colour of a contribution."""
        if x is None:
            return self.line
        colors = {"positive": self.positive, "negative": self.negative, "zero": self.zero}
        return colors.get(sign(x), self.undefined)


THEMES: dict[str, Theme] = {
    "light": Theme(
        paper="#ffffff",
        ink="#1a1a1a",
        quiet="#4d4d4d",
        line="#595959",
        grad="#8f3300",
        warning="#b00020",
        highlight="#b8006b",
        negative="#802b00",
        zero="#5c5c5c",
        positive="#0077bb",
        undefined="#a8006b",
        leaf="#dcecf7",
        constant="#eeeeee",
        operation="#fffbe6",
        output="#d9f2e6",
        group="#ece4f5",
        operator="#ffffff",
        input="#dcecf7",
        parameter="#fbe9dc",
        loss="#d9f2e6",
    ),
    "dark": Theme(
        paper="#15181c",
        ink="#f5f5f5",
        quiet="#c8c8c8",
        line="#a8a8a8",
        grad="#ffc08a",
        warning="#ffb0b0",
        highlight="#ff9bd2",
        negative="#f08c3a",
        zero="#bdbdbd",
        positive="#a9dcff",
        undefined="#ff9bd2",
        leaf="#17344a",
        constant="#333538",
        operation="#2e3238",
        output="#123d2c",
        group="#362648",
        operator="#15181c",
        input="#17344a",
        parameter="#45280f",
        loss="#123d2c",
    ),
    "print": Theme(
        paper="#ffffff",
        ink="#000000",
        quiet="#000000",
        line="#000000",
        grad="#000000",
        warning="#000000",
        highlight="#000000",
        negative="#000000",
        zero="#000000",
        positive="#000000",
        undefined="#000000",
        leaf="#ffffff",
        constant="#ffffff",
        operation="#ffffff",
        output="#ffffff",
        group="#ffffff",
        operator="#ffffff",
        input="#ffffff",
        parameter="#ffffff",
        loss="#ffffff",
    ),
    "contrast": Theme(
        paper="#000000",
        ink="#ffffff",
        quiet="#ffffff",
        line="#ffffff",
        grad="#ffff00",
        warning="#ffb3b3",
        highlight="#ff80ff",
        negative="#ff9a3c",
        zero="#c9c9c9",
        positive="#c4ecff",
        undefined="#ff80ff",
        leaf="#00224d",
        constant="#262626",
        operation="#000000",
        output="#003319",
        group="#33004d",
        operator="#000000",
        input="#00224d",
        parameter="#402000",
        loss="#003319",
    ),
}

SHAPE: dict[str, Shape] = {
    "leaf": "box",
    "constant": "octagon",
    "operation": "round",
    "group": "stack",
}
# The line and the arrow head of an edge, by the sign of its contribution.
EDGE: dict[str, tuple[Dash, Head]] = {
    "positive": ("", "full"),
    "negative": ("dashed", "hollow"),
    "zero": ("dotted", "ring"),
    "undefined": ("", "square"),
}


def sign(x: float) -> str:
    """`positive`, `negative`, `zero` or `undefined`."""
    if isnan(x):
        return "undefined"
    return "positive" if x > 0 else "negative" if x < 0 else "zero"


def printable(label: str) -> str:
    """The label without characters that cannot be drawn: controls, lone surrogates, U+FFFE."""
    if label.isprintable():
        return label
    return "".join(map(_visible, label))


def _visible(c: str) -> str:
    code = ord(c)
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: a tab becomes U+2409
    if 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE:
        return "\N{REPLACEMENT CHARACTER}"
    return c
