"""Writes tinygrad_edu/draw/advances.py: how wide the fonts that pictures meet draw a character.

    apt-get install fonts-dejavu-core=2.37-6 fonts-liberation=1:1.07.4-11 \
        fonts-urw-base35=20200910-7 fonts-croscore=20201225-1 fonts-freefont-ttf=20120503-10 \
        fonts-noto-core=20201225-1 fonts-roboto-unhinted=2:0~20170802-3 fonts-open-sans=1.11-2
    pip install fonttools==4.68.0
    python tests/references/make_advances.py [FOLDER OF FONTS]

These are packages of Debian 12; the folder is /usr/share/fonts.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont

FONTS = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts")
TARGET = Path(__file__).parents[2] / "tinygrad_edu" / "draw" / "advances.py"

# regular and bold of the families that the table covers
FAMILIES = {
    "DejaVu Sans": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    "Liberation Sans": ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    "Nimbus Sans": ("NimbusSans-Regular.otf", "NimbusSans-Bold.otf"),
    "Arimo": ("Arimo-Regular.ttf", "Arimo-Bold.ttf"),
    "FreeSans": ("FreeSans.ttf", "FreeSansBold.ttf"),
    "Noto Sans": ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    "Roboto": ("Roboto-Regular.ttf", "Roboto-Bold.ttf"),
    "Open Sans": ("OpenSans-Regular.ttf", "OpenSans-Bold.ttf"),
}
# where a browser takes the signs from that a family lacks
SIGNS = ("NotoSansMath-Regular.ttf", "NotoSansSymbols-Bold.ttf", "NotoSansSymbols2-Regular.ttf")

KERNED = ("DFLT", "latn", "grek", "cyrl")
# What the table lists by character: letters, and the signs of pictures.
LETTERS = ((0x20, 0x7E), (0xA0, 0x17F), (0x370, 0x3FF), (0x400, 0x4FF))
PUNCTUATION = ((0x2010, 0x2027), (0x2030, 0x205E), (0x2070, 0x209C), (0x20A0, 0x20BF))
SYMBOLS = ((0x2100, 0x214F), (0x2190, 0x22FF), (0x2308, 0x230B), (0x2400, 0x2426))
SHAPES = ((0x25A0, 0x25FF), (0x27E6, 0x27EB), (0xFFFD, 0xFFFD))
# Those of them that a telephone draws as emoji, from emoji-data.txt of Unicode 15.
COLOURED = (0x203C, 0x2049, 0x2139, *range(0x2194, 0x219A), 0x21A9, 0x21AA)
COLOURED += (0x25AA, 0x25AB, 0x25B6, 0x25C0, *range(0x25FB, 0x25FF))
EMOJI = 1400  # Noto Color Emoji has 1245

# Other writing has one width for each of these ranges: its widest character in Noto Sans of that
# script, DejaVu Sans or FreeSans. What combines has none.
SCRIPTS = (
    (0x180, 0x2FF), (0x500, 0x58F), (0x590, 0x5FF), (0x600, 0x77F), (0x780, 0x8FF),
    (0x900, 0x97F), (0x980, 0xB7F), (0xB80, 0xBFF), (0xC00, 0xCFF), (0xD00, 0xD7F),
    (0xD80, 0xDFF), (0xE00, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x109F), (0x10A0, 0x10FF),
    (0x1200, 0x139F), (0x13A0, 0x13FF), (0x1400, 0x167F), (0x1680, 0x177F), (0x1780, 0x17FF),
    (0x1800, 0x18AF), (0x18B0, 0x1DBF), (0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x2150, 0x218F),
    (0x2300, 0x23FF), (0x2440, 0x259F), (0x27C0, 0x2BFF), (0x2C00, 0x2DFF), (0xA640, 0xABFF),
    (0xFB00, 0xFDFF), (0xFE70, 0xFEFE), (0x1D400, 0x1D7FF),
)  # fmt: skip
# Widths that no single font tells.
BY_RULE = (
    (0x300, 0x36F, 0),  # accents
    (0x200B, 0x200F, 0),  # joiners, and marks of direction
    (0x202A, 0x202E, 0),
    (0x2060, 0x206F, 0),
    (0x20D0, 0x20FF, 0),
    (0x1DC0, 0x1DFF, 0),
    (0xFE00, 0xFE0E, 0),  # variants of a glyph
    (0xFE0F, 0xFE0F, 800),  # makes an emoji of a character as narrow as a digit
    (0xFE20, 0xFE2F, 0),
    (0xFEFF, 0xFEFF, 0),
    (0x2600, 0x27BF, EMOJI),
    (0x2B1B, 0x2B1C, EMOJI),
    (0x2B50, 0x2B55, EMOJI),
    (0x2E3A, 0x2E3B, 2500),  # the longest dashes
    (0x1F000, 0x1FAFF, EMOJI),
    (0xE0000, 0xE01EF, 0),
)


class Font:
    """The advances of a font file in thousandths of an em, rounded up."""

    def __init__(self, name: str) -> None:
        self.file = next(iter(sorted(FONTS.rglob(name))))
        self.font = TTFont(self.file)
        self.cmap = self.font.getBestCmap()
        self.advances = {
            code: ceil(1000 * self.font["hmtx"][glyph][0] / self.font["head"].unitsPerEm)
            for code, glyph in self.cmap.items()
        }

    def pairs(self, codes: list[int]) -> Iterator[tuple[int, int, int]]:
        """Two characters that kerning moves apart, and how far: from the table GPOS."""
        table = self.font["GPOS"].table if "GPOS" in self.font else None
        scripts = (
            [x for x in table.ScriptList.ScriptRecord if x.ScriptTag in KERNED] if table else ()
        )
        used = {i for x in scripts for i in x.Script.DefaultLangSys.FeatureIndex}
        features = [table.FeatureList.FeatureRecord[i] for i in sorted(used)]
        kern = {i for x in features if x.FeatureTag == "kern" for i in x.Feature.LookupListIndex}
        glyphs = {code: self.cmap[code] for code in codes if code in self.cmap}
        for lookup in (table.LookupList.Lookup[i] for i in sorted(kern)):
            parts = [getattr(x, "ExtSubTable", x) for x in lookup.SubTable]
            parts = [(x, set(x.Coverage.glyphs)) for x in parts if x.LookupType == 2]
            for x, left in glyphs.items():
                mine = [part for part, covered in parts if left in covered]
                for y, right in glyphs.items() if mine else ():
                    values = next(filter(None, (pair(part, left, right) for part in mine)), ())
                    gain = sum(getattr(value, "XAdvance", 0) for value in values)
                    if gain > 0:
                        yield x, y, ceil(1000 * gain / self.font["head"].unitsPerEm)

    def kerned(self, codes: list[int]) -> dict[int, int]:
        """The advances, and with each the most that kerning moves its neighbours away.

        What a pair gains is added to that of the two which is a letter, or to the first.
        """
        before, after = dict.fromkeys(codes, 0), dict.fromkeys(codes, 0)
        for x, y, gain in self.pairs(codes):
            if chr(x).isalpha() or not chr(y).isalpha():
                after[x] = max(after[x], gain)
            else:
                before[y] = max(before[y], gain)
        return {x: self.advances[x] + before[x] + after[x] for x in codes if x in self.advances}


def pair(part: Any, left: str, right: str) -> tuple[Any, ...]:
    """The two values of a subtable for a pair of glyphs; none if it says nothing of them."""
    if part.Format == 1:
        of_left = part.PairSet[part.Coverage.glyphs.index(left)].PairValueRecord
        return next(((x.Value1, x.Value2) for x in of_left if x.SecondGlyph == right), ())
    of_left = part.Class1Record[part.ClassDef1.classDefs.get(left, 0)].Class2Record
    found = of_left[part.ClassDef2.classDefs.get(right, 0)]
    return found.Value1, found.Value2


def spread(ranges: tuple[tuple[int, int], ...]) -> list[int]:
    return [code for first, last in ranges for code in range(first, last + 1)]


def table(weights: list[int]) -> dict[int, int]:
    """The widest advance of each listed character; of bold text also the regular one, because a
    font without a bold face is made bold by the program that draws it.
    """
    letters = [code for code in spread(LETTERS) if chr(code).isprintable() or code in (0xA0, 0xAD)]
    codes = letters + spread(PUNCTUATION + SYMBOLS + SHAPES)
    arial = Font("Arimo-Regular.ttf").advances
    found: dict[int, int] = {}
    for names in FAMILIES.values():
        for weight in weights:
            font = Font(names[weight])
            for code, advance in (font.advances | font.kerned(letters)).items():
                found[code] = max(found.get(code, 0), advance)
    for name in SIGNS:
        advances = Font(name).advances
        for code in advances.keys() & set(spread(PUNCTUATION + SYMBOLS + SHAPES)):
            found[code] = max(found.get(code, 0), advances[code])
    for code in spread(SYMBOLS + SHAPES):
        if code not in arial:  # it may come from a Chinese font, where signs are square
            found[code] = max(found.get(code, 0), 1000)
    for code in COLOURED:
        found[code] = EMOJI
    return {code: found[code] for code in sorted(codes) if code in found}


def rows(advances: dict[int, int]) -> Iterator[str]:
    """Lines of at most 96 characters: the first code, and the advances from there on."""
    line, expected = "", -1
    codes = list(advances)
    i = 0
    while i < len(codes):
        code, n = codes[i], 1
        while (
            i + n < len(codes)
            and codes[i + n] == code + n
            and (advances[codes[i + n]] == advances[code])
        ):
            n += 1
        word = f" {advances[code]}" + (f"*{n}" if n > 1 else "")
        if code != expected or len(line + word) > 96:
            if line:
                yield line
            line = f"{code:04X}"
        line += word
        expected, i = code + n, i + n
    yield line


def classes() -> Iterator[str]:
    """Lines of code:width, for what the table does not list; a width holds until the next."""
    found: dict[int, int] = {}
    names = {file.name for file in FONTS.rglob("NotoS*-*.ttf")}  # Tibetan has serifs only
    scripts = {x for x in names if x.startswith(("NotoSans", "NotoSerifTibetan"))}
    scripts = {x for x in scripts if x.endswith(("-Regular.ttf", "-Bold.ttf"))}
    scripts = {x for x in scripts if not x.startswith(("NotoSansMono", "NotoSansDisplay"))}
    for name in chain(sorted(scripts), *FAMILIES.values()):
        for code, advance in Font(name).advances.items():
            found[code] = max(found.get(code, 0), advance)
    width: dict[int, int] = {}
    for first, last in SCRIPTS:
        here = {code: found[code] for code in range(first, last + 1) if code in found}
        usual = sorted(here.values())[len(here) * 49 // 50]
        most = max(x for x in here.values() if x <= 1.25 * usual)
        for code in range(first, last + 1):
            joins = unicodedata.category(chr(code)) in ("Mn", "Me", "Cf")
            none = joins and here.get(code, 1) == 0
            width[code] = 0 if none else 50 * ceil(max(most, here.get(code, 0)) / 50)
    for first, last, advance in BY_RULE:
        width |= dict.fromkeys(range(first, last + 1), advance)
    line, before = "", 0
    listed = {*spread(LETTERS + PUNCTUATION + SYMBOLS + SHAPES)}
    for code in [0, *sorted({*width, *(last + 1 for last in width)})]:
        if code not in listed and width.get(code, 1000) != before:
            before = width.get(code, 1000)
            word = f"{code:04X}:{before}"
            if len(f"{line} {word}") > 96:
                yield line
                line = ""
            line = f"{line} {word}".strip()
    yield line


HEAD = '''"""The widest advances of the fonts that draw/measure.py names, in thousandths of an em.

Written by tests/references/make_advances.py, which names the fonts and their versions. A line of
`REGULAR` and `BOLD` is the first character's code and the advances from there on, `600*3` for
600 600 600. `CLASSES` has what is not listed: from a code on, up to the next one, a width.
"""

from __future__ import annotations

__all__ = ["BOLD", "CLASSES", "REGULAR"]
'''

parts = {"REGULAR": rows(table([0])), "BOLD": rows(table([0, 1])), "CLASSES": classes()}
text = HEAD
for name, lines in parts.items():
    body = "\n".join(lines)
    text += f'\n{name} = """\n{body}\n"""\n'
TARGET.write_text(text, encoding="utf-8")
