"""What a picture looks like: every colour, shape and size, and how a number is written.

The kinds of node are told apart by shape as well as by colour, so that a photocopy will do.
Colours are Okabe and Ito's, which are told apart with any colour vision (jfly.uni-koeln.de).
"""

from __future__ import annotations

from math import isfinite

FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
FONT_SIZE = 16  # points, of numbers; labels are larger
LABEL_SIZE = 20
SMALL_SIZE = 12
SYMBOL_SIZE = 26  # of + and *, which have little ink

INK = "#1a1a1a"
QUIET = "#595959"  # captions: 7 to 1 against the fills below
LINE = "#595959"
PAPER = "#ffffff"
GRAD = "#8f3300"
WARNING = "#b00020"

# The attributes that Graphviz gives to each kind of node; the output gets OUTPUT on top.
NODE = {
    "leaf": {"shape": "box", "style": "filled", "fillcolor": "#dcecf7"},
    "constant": {"shape": "octagon", "style": "filled", "fillcolor": "#eeeeee"},
    "operation": {"shape": "box", "style": "rounded,filled", "fillcolor": "#fffbe6"},
}
OUTPUT = {"peripheries": "2", "penwidth": "2", "fillcolor": "#d9f2e6"}
OPERATOR = {"shape": "circle", "style": "filled", "fillcolor": "#ffffff", "margin": "0.02"}
# The name of an operand at the head of its edge, where the two cannot be exchanged.
SIDE = (
    {"headlabel": "left", "labelangle": "-40", "labeldistance": "2.2", "labelfontcolor": QUIET},
    {"headlabel": "right", "labelangle": "40", "labeldistance": "2.2", "labelfontcolor": QUIET},
)


def number(x: float) -> str:
    """The number for a reader: four decimals, or four digits where it is small or large."""
    if not isfinite(x):
        return str(x)
    if x == 0 or 1e-3 <= abs(x) < 1e7:
        text = f"{x:.4f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text
    return f"{x:.4g}"


def printable(label: str) -> str:
    """The label without what no picture can show: control characters, lone surrogates, U+FFFE."""
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
