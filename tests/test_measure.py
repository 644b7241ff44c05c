"""The measure of text: no family that a picture meets draws wider than it says."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.draw.measure import ASCENT, DESCENT, LINE, width

# Advances of regular and bold digits, from the fonts: DejaVu Sans 2.37 (table hmtx, 2048 units),
# Helvetica and Helvetica-Bold (Adobe's AFM files: "C 48 ; WX 556 ; N zero"), Noto Sans 2.001
# (1000 units), Roboto 2.137 and Open Sans 1.10 (2048 units).
DIGITS = [
    (1303 / 2048, 1425 / 2048),
    (556 / 1000, 556 / 1000),
    (572 / 1000, 572 / 1000),
    (1150 / 2048, 1175 / 2048),
    (1169 / 2048, 1169 / 2048),
]
# Helvetica's AFM again: these are wider there than in DejaVu Sans (1290, 1235 and 604 of 2048).
HELVETICA = {"E": 667, "P": 667, "J": 500, "Y": 667, "_": 556, "?": 556}

TEXTS = """
-1.2599|0.4200|1e-07|-2.25e-05|3.1415926535|nan|-inf|= 1 + 6 + 6|e1 = exp(z1)|z1 = w1·x1 + b|x^2 - 3*x|-Q-G
tanh(2 × 0.5)|L = (y − t)²|∂L/∂w₁₁ = −0.4200|∂L/∂x = 1.0 × −3.0|gradient 0.4200|softmax(z)[0] = 0.2447|w₁₀ ÷ w₂₃
parameter|input|multiplication|HIDDEN LAYER|output neuron 2|The quick brown fox jumps|WAVE TO AVATAR, LTY.|Ty. P. fi ffl
≤ 0.5 ≥ ≠ ≈ ± ∞|√(x) ∑ ∂ … ← → ↑ ↓|x⁻¹ xⁿ x²³⁺|ReLU'(z) = 1|y′ y″|C-C TT Ç- QQ «Æ|Größe ÄÄ Ö-|façade Übung Ő|Ťuk ľ Łódź
αβγ δΔ σ(z) Σ λ μ|θ ← θ − η∇L|Градиент УУ ЎЋ ЎТ|ΙϊΪΐ'ϊ"ϊ|if x > 0 else 0|a_b[3].c{d}|\\frac{1}{2}|100% @ #1 & $5|f' r' KY LÆ|
"""  # noqa: E501
FONTS = """
dejavu/DejaVuSans.ttf liberation/LiberationSans-Regular.ttf freefont/FreeSans.ttf
noto/NotoSans-Regular.ttf roboto/unhinted/RobotoTTF/Roboto-Regular.ttf
open-sans/OpenSans-Regular.ttf croscore/Arimo-Regular.ttf
dejavu/DejaVuSans-Bold.ttf liberation/LiberationSans-Bold.ttf freefont/FreeSansBold.ttf
noto/NotoSans-Bold.ttf roboto/unhinted/RobotoTTF/Roboto-Bold.ttf
open-sans/OpenSans-Bold.ttf croscore/Arimo-Bold.ttf
"""


@pytest.mark.parametrize(("regular", "bold"), DIGITS)
def test_a_digit_has_room_in_every_family(regular: float, bold: float) -> None:
    for digit in "0123456789":
        assert width(digit, 16) >= 16 * regular
        assert width(digit, 16, bold=True) >= 16 * bold


def test_a_digit_has_no_more_room_than_the_widest_family_needs() -> None:
    """Room costs size of letters: DejaVu Sans is the widest, to a thousandth of an em."""
    assert width("0", 1000) == pytest.approx(1000 * 1303 / 2048, abs=1)
    assert width("0", 1000, bold=True) == pytest.approx(1000 * 1425 / 2048, abs=1)
    assert width("-", 1000) == pytest.approx(1000 * 739 / 2048, abs=1)


@pytest.mark.parametrize("char", HELVETICA)
def test_what_is_wider_in_helvetica_has_its_room(char: str) -> None:
    assert width(char, 1000) >= HELVETICA[char]


@given(st.text(), st.text(), st.floats(0, 1e4), st.booleans())
def test_a_concatenation_is_as_wide_as_its_parts(a: str, b: str, size: float, bold: bool) -> None:
    parts = width(a, size, bold) + width(b, size, bold)
    assert width(a + b, size, bold) == pytest.approx(parts)
    assert width(a, size, bold) >= 0
    assert width(a, 2 * size, bold) == pytest.approx(2 * width(a, size, bold))
    assert width(a, size, bold=True) >= width(a, size)


@pytest.mark.parametrize(
    ("char", "least", "most"),
    [
        ("\N{COMBINING CIRCUMFLEX ACCENT}", 0, 0),
        ("\N{ZERO WIDTH JOINER}", 0, 0),
        ("\N{VARIATION SELECTOR-1}", 0, 0),
        ("\N{THAI CHARACTER MAI EK}", 0, 0),
        ("\N{ARABIC FATHA}", 0, 0),
        ("\N{CJK UNIFIED IDEOGRAPH-4E2D}", 1, 1),
        ("\N{HANGUL SYLLABLE GA}", 1, 1),
        ("\N{HIRAGANA LETTER A}", 1, 1),
        ("\N{FULLWIDTH DIGIT ONE}", 1, 1),
        ("\N{CJK UNIFIED IDEOGRAPH-20000}", 1, 1),
        ("\N{SNOWMAN}", 1.245, 1.4),  # Noto Color Emoji has 2550/2048
        ("\N{GRINNING FACE}", 1.245, 1.4),
        ("\N{BLACK RIGHT-POINTING TRIANGLE}", 1.245, 1.4),  # an emoji, too
        ("\N{LEFT RIGHT ARROW}", 1.245, 1.4),
        ("\N{NABLA}", 1, 1),  # not in Arial: perhaps from a Chinese font
        ("\N{RIGHTWARDS ARROW}", 1, 1),  # as in Arial: 2048/2048
        ("\N{SYMBOL FOR HORIZONTAL TABULATION}", 1, 1),
        ("\N{REPLACEMENT CHARACTER}", 1, 1.1),
        ("\N{ARABIC LETTER SAD}", 1.2, 1.45),
        ("\N{DEVANAGARI LETTER KA}", 0.8, 1.15),
        ("\N{THAI CHARACTER KO KAI}", 0.6, 1.05),
        ("\x07", 1, 1),
        ("\ue000", 1, 1),
        ("\U0010ffff", 1, 1),
    ],
)
def test_the_width_of_a_class(char: str, least: float, most: float) -> None:
    assert least <= width(char, 1) <= most


def test_the_longest_word_of_all_has_room() -> None:
    assert width("\N{ARABIC LIGATURE BISMILLAH AR-RAHMAN AR-RAHEEM}", 1) >= 7.88  # Noto Sans Arabic


def test_a_keycap_has_room_for_its_emoji() -> None:
    assert width("1\ufe0f\u20e3", 1) >= 1.245


def test_a_line_has_room_for_its_ink_and_capitals_in_its_middle() -> None:
    """From the fonts: capitals of Liberation Sans 1409/2048, a digit of DejaVu Sans 1520/2048; the
    highest ink is FreeSans' root, 0.916 em, the lowest Open Sans' bar, 0.242 em.
    """
    assert LINE == ASCENT + DESCENT
    middle = (ASCENT - DESCENT) / 2  # of the line, above the baseline
    for height in (1409 / 2048, 1520 / 2048):
        assert middle == pytest.approx(height / 2, abs=0.03)
    assert ASCENT >= 0.916
    assert DESCENT >= 0.242
    assert LINE < 1.2  # room costs size of letters


@pytest.mark.machine
@pytest.mark.skipif(not find_spec("PIL"), reason="Pillow is not installed")
@pytest.mark.parametrize("name", FONTS.split())
def test_no_font_of_this_machine_draws_wider(name: str) -> None:
    from PIL import ImageFont, features

    file = Path("/usr/share/fonts/truetype", name)
    if not file.exists():
        pytest.skip(f"{file} is not installed")
    raqm = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    font = ImageFont.truetype(str(file), 2048, layout_engine=raqm)  # where nothing is rounded
    small = ImageFont.truetype(str(file), 32)

    def look(char: str) -> bytes:
        return bytes(small.getmask(char))

    missing = look("\U0010fffe")
    for text in TEXTS.replace("\n", "|").split("|"):
        known = "".join(c for c in text if c == " " or look(c) != missing)
        assert font.getlength(known) <= width(known, 2048, bold="Bold" in name), known
