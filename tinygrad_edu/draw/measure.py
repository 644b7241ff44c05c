"""How wide a text is, at most, wherever a picture is looked at.

A viewer draws text with the fonts of its own machine. So a box must have room for the widest of
the families that the font list of `theme` becomes: those with the widths of Helvetica and Arial
(Liberation Sans, Nimbus Sans, Arimo, FreeSans), DejaVu Sans, Noto Sans, Roboto and Open Sans,
with their kerning. They are measured by tests/references/make_advances.py; no font is needed here.
DejaVu Sans is nearly always the widest of them. Families that are wider still are left out, since
room for them makes all letters smaller: Verdana, and fonts of user interfaces, such as Inter and
Cantarell, whose minus sign on the keyboard is wider by a quarter and a sixth, and Lato.

Letters of the Latin, Greek and Cyrillic scripts and the signs of pictures are measured one by one.
All others have the width of their class:

* 0: marks that combine (with what stands before), joiners (ZWJ), marks of direction, variants;
  U+FE0F 0.8 em, because it makes an emoji of a digit
* 1 em: Chinese, Japanese and Korean; what no font has, whose box is narrower; signs that Arial
  lacks have at least that, because they may come from a Chinese font
* 1.4 em: emoji, and signs that a telephone draws as emoji, such as U+25B6 and U+2194
* Arabic, Hebrew, Indic scripts, Thai and the rest: their widest character, ligatures aside, so
  that words come out too wide, Arabic ones by a half or more

A mark with nothing before it may be drawn on a dotted circle, which is not measured. A viewer that
rounds each advance to whole pixels (Chromium on Linux, unless the SVG says
text-rendering="geometricprecision") is outside of this measure.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from tinygrad_edu.draw.advances import BOLD, CLASSES, REGULAR

__all__ = ["ASCENT", "DESCENT", "LINE", "width"]

# The ink of a line, above and below its baseline, in units of the font size: the most that a
# family needs for ASCII, the signs of pictures and accents on small letters (0.916 for the root
# of Nimbus Sans and FreeSans, 0.242 for the bar of Open Sans), and about DejaVu Sans' own line.
# An accent on a capital may reach 0.04 higher. Capitals and digits, 0.69 to 0.74 high, are in the
# middle of such a line in every family, to 0.03.
ASCENT = 0.93
DESCENT = 0.245
LINE = ASCENT + DESCENT


class _Advances(dict[str, int]):
    """Advances by character, in thousandths of an em, looked up when first asked for."""

    def __init__(self, rows: str) -> None:
        self.rows = rows.split("\n")[1:-1]
        self.starts = [int(row.split()[0], 16) for row in self.rows]

    def __missing__(self, char: str) -> int:
        self[char] = found = self._listed(ord(char))
        return found

    def _listed(self, code: int) -> int:
        row = bisect_right(self.starts, code) - 1
        at = self.starts[row] if row >= 0 else code
        for run in self.rows[row].split()[1:] if row >= 0 else ():
            advance, _, times = run.partition("*")
            at += int(times or 1)
            if code < at:
                return int(advance)
        return _class(code)


def _class(code: int) -> int:
    return _WIDTHS[bisect_right(_STARTS, code) - 1]


_CLASSES = [word.split(":") for word in CLASSES.split()]
_STARTS = [int(start, 16) for start, _ in _CLASSES]
_WIDTHS = [int(advance) for _, advance in _CLASSES]
_REGULAR, _BOLD = _Advances(REGULAR), _Advances(BOLD)


@lru_cache(maxsize=1 << 14)
def _thousandths(text: str, bold: bool) -> int:
    return sum(map((_BOLD if bold else _REGULAR).__getitem__, text))


def width(text: str, size: float, bold: bool = False) -> float:
    """This returns the width of the text in points, at `size` points, in the widest family.

    The text is one line. None of the families named above draws it wider.
    """
    return _thousandths(text, bold) * size / 1000
