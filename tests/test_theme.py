"""The colours: that all can be read, by everybody, and that nothing is told by colour alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import pytest
from conftest import differentiated

from tinygrad_edu import Value, group, sqrt, tanh, trace
from tinygrad_edu.draw.film import scenes
from tinygrad_edu.draw.picture import draw
from tinygrad_edu.draw.scene import Box, Link, Scene
from tinygrad_edu.draw.svg import svg
from tinygrad_edu.draw.theme import EDGE, HEADING, NUMBER, SHAPE, SMALL, SYMBOL, THEMES, sign
from tinygrad_edu.draw.view import View

pytestmark = pytest.mark.quick

COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")
COLOURED = [name for name in THEMES if name != "print"]

# --- what eyes make of a colour ------------------------------------------------------------------

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
VISION: dict[str, Matrix] = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
}
XYZ: Matrix = (  # of linear sRGB
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
D65 = (0.95047, 1.0, 1.08883)


def linear(color: str) -> Triple:
    """Linear RGB of #rrggbb."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return r, g, b


def times(matrix: Matrix, v: Triple) -> Triple:
    x, y, z = (sum(a * b for a, b in zip(row, v)) for row in matrix)
    return x, y, z


def luminance(color: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    r, g, b = linear(color)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(color: str, vision: str = "normal") -> Triple:
    """CIELAB of the colour as it is seen: lightness, red against green, yellow against blue."""
    r, g, b = (min(1.0, max(0.0, c)) for c in times(VISION[vision], linear(color)))

    def f(t: float) -> float:
        return t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29

    x, y, z = (f(c / white) for c, white in zip(times(XYZ, (r, g, b)), D65))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(
    ("color", "known"),
    [
        ("#ffffff", (100, 0, 0)),
        ("#000000", (0, 0, 0)),
        ("#ff0000", (53.24, 80.09, 67.20)),
        ("#0000ff", (32.30, 79.19, -107.86)),
    ],
)
def test_lab_is_that_of_the_tables(color: str, known: Triple) -> None:
    assert lab(color) == pytest.approx(known, abs=0.02)


@pytest.mark.parametrize("vision", VISION)
def test_grey_is_grey_to_all_and_red_and_green_are_not_told_apart(vision: str) -> None:
    assert lab("#808080", vision) == pytest.approx(lab("#808080"), abs=0.01)
    apart = abs(lab("#c03030", vision)[1] - lab("#407000", vision)[1])
    assert (apart > 60) == (vision == "normal")


# --- pictures with every feature -----------------------------------------------------------------

EVERYTHING = ("formula", "numbers", "local", "contribution")
ROLES = {"x": "input", "a": "parameter", "y": "loss"}


def every_feature(number: float = 2.0) -> Value:
    """All kinds of node, a group, all signs of contribution, a leaf that was set after use."""
    x, w, a = (Value(n, label=label) for n, label in ((number, "x"), (-3.0, "w"), (0.5, "a")))
    c, d = Value(5.0, label="c"), Value(0.0, label="d")
    with group("layer1/neuron1"):
        h = tanh(x * w + x)
    y = h * 2 - a * 7 + c * 0 + sqrt(d) * 0
    y.label = "y"
    differentiated(y)
    x.data = 9.0
    return y


def learning() -> Value:
    """A neuron with a weight of each sign, and a target."""
    xs = [Value(n, label=f"x{i}") for i, n in enumerate((1.0, 2.0, 3.0))]
    with group("layer1/neuron1"):
        ws = [Value(n) for n in (0.5, -0.5, 0.0)]
        o = tanh(xs[0] * ws[0] + xs[1] * ws[1] + xs[2] * ws[2] + Value(0.25))
    return differentiated((o - Value(1.0, label="t")) ** 2)


@cache
def pictures(theme: str) -> tuple[Scene, ...]:
    """Pictures in which everything occurs that a picture can show."""
    y, before = every_feature(), every_feature(1.0)
    views: list[dict[str, Any]] = [
        {},
        {"form": "circles", "edges": []},
        {"form": "circles", "edges": EVERYTHING, "roles": ROLES},
        {"edges": EVERYTHING, "roles": ROLES},
        {"level": "neuron", "roles": ROLES},
        {"highlight": ["a"]},
        {"hide": ["leaves", "values", "grads", "edges"]},
        {"before": before},
    ]
    drawings = [draw(y, theme=theme, **view) for view in views]
    drawings.append(draw(learning(), theme=theme, level="network"))
    moments = scenes(trace(every_feature()), View(theme=theme))
    found = [drawing._scene(drawing.graphs)[0] for drawing in drawings]
    return (*found, moments[len(moments) // 4], moments[-len(moments) // 4])


def texts_on_backgrounds(scene: Scene) -> set[tuple[str, str]]:
    """The colour of every text, with what it stands on."""
    found = {(span.color, box.fill) for box, _ in scene.boxes for x in box.lines for span in x}
    lines = [line for placed in scene.links for line in placed.link.label]
    lines += [line for line, _ in (*scene.notes, *scene.captions)]
    lines += [frame.title for frame in scene.frames]
    return found | {(span.color, scene.paper) for line in lines for span in line}


def parts(scene: Scene) -> Iterator[Box | Link]:
    yield from (box for box, _ in scene.boxes)
    yield from (placed.link for placed in scene.links)


def written(scene: Scene) -> str:
    """The picture as SVG."""
    return svg(scene, "title", "description")


# --- contrast ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", THEMES)
def test_every_text_can_be_read_on_whatever_it_stands_on(name: str) -> None:
    for text, background in THEMES[name].pairs():
        assert contrast(text, background) >= 4.5, (text, background)


@pytest.mark.parametrize("name", THEMES)
def test_no_text_stands_on_anything_else(name: str) -> None:
    """What is checked above is all there is in a picture, and all of it is there."""
    theme = THEMES[name]
    found: set[tuple[str, str]] = set()
    for scene in pictures(name):
        assert scene.paper == theme.paper
        assert scene.ink == theme.ink
        found |= texts_on_backgrounds(scene)
    assert found <= set(theme.pairs())
    assert {background for _, background in found} == {theme.paper, *theme.fills()}
    assert {text for text, _ in found} == {text for text, _ in theme.pairs()}


@pytest.mark.parametrize("name", THEMES)
def test_every_line_can_be_seen(name: str) -> None:
    """WCAG asks for 3 where there is nothing to read."""
    theme = THEMES[name]
    for line in (theme.line, theme.highlight):
        for background in (theme.paper, *theme.fills()):
            assert contrast(line, background) >= 3, (line, background)


@pytest.mark.parametrize("name", THEMES)
def test_all_colours_are_those_of_the_theme(name: str) -> None:
    """Each colour of the theme occurs in some picture, and no other colour in any."""
    used = {color for scene in pictures(name) for color in COLOR.findall(written(scene))}
    assert used == set(THEMES[name])
    assert all(COLOR.fullmatch(color) for color in THEMES[name])


def test_the_themes_are_what_they_are_called() -> None:
    assert luminance(THEMES["light"].paper) > 0.9
    assert luminance(THEMES["dark"].paper) < 0.05
    for name in ("light", "dark"):
        assert len(set(THEMES[name])) > 12
    for text, background in THEMES["contrast"].pairs():
        assert contrast(text, background) >= 7, (text, background)  # WCAG's enhanced contrast


# --- the sign scale ------------------------------------------------------------------------------


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", COLOURED)
def test_the_sign_scale_is_in_order_for_every_colour_vision(name: str, vision: str) -> None:
    """From negative to positive lighter and lighter, and from yellowish to bluish."""
    theme = THEMES[name]
    negative, zero, positive = (
        lab(color, vision) for color in (theme.negative, theme.zero, theme.positive)
    )
    assert negative[0] + 5 < zero[0]
    assert zero[0] + 5 < positive[0]
    assert negative[2] > zero[2] + 5
    assert zero[2] > positive[2] + 5


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("name", COLOURED)
def test_no_two_signs_look_the_same(name: str, vision: str) -> None:
    theme = THEMES[name]
    colors = (theme.negative, theme.zero, theme.positive, theme.undefined)
    for one, other in combinations(colors, 2):
        difference = sum((a - b) ** 2 for a, b in zip(lab(one, vision), lab(other, vision))) ** 0.5
        assert difference > 5, (one, other)


@pytest.mark.parametrize(
    ("x", "name"),
    [
        (5e-324, "positive"),
        (float("inf"), "positive"),
        (-1e-300, "negative"),
        (0.0, "zero"),
        (-0.0, "zero"),
        (float("nan"), "undefined"),
    ],
)
def test_the_sign_of_a_contribution(x: float, name: str) -> None:
    assert sign(x) == name
    for theme in THEMES.values():
        assert theme.sign(x) == getattr(theme, name)
        assert theme.sign(None) == theme.line


# --- black and white -----------------------------------------------------------------------------

WORDS = ("input", "parameter", "loss", "set after use", "values inside", "target")


def said(part: Box | Link) -> list[str]:
    """The lines of text of a part."""
    lines = part.lines if isinstance(part, Box) else part.label
    return ["".join(span.text for span in line) for line in lines]


def look(part: Box | Link, shapes: dict[str, str]) -> tuple[Any, ...]:
    """How a part looks on a photocopy; of what it says, only what is no number.

    A link from a constant or an operator, to which nothing flows back, is told by where it begins.
    """
    if isinstance(part, Link):
        known = bool(re.search(r"\d|nan|inf", " ".join(said(part)[-1:])))
        begins = shapes.get(part.tail) in ("octagon", "circle")
        return part.dash, part.double, part.arrow, part.pen, known, begins
    told = [word for word in WORDS if any(word in text for text in said(part))]
    return part.dash, part.double, part.pen, part.shape, *told


def colours_of(part: Box | Link) -> tuple[str, str]:
    """Its line and, if it is a box, its fill."""
    return part.color, part.fill if isinstance(part, Box) else ""


def test_the_print_theme_is_black_and_white() -> None:
    for scene in pictures("print"):
        text = written(scene)
        assert set(COLOR.findall(text)) == {"#000000", "#ffffff"}
        colors = re.findall(r'(?:fill|stroke)="([^"]*)"', text)
        assert set(colors) <= {"#000000", "#ffffff", "none"}  # and no colours by name


def test_themes_differ_in_colours_only() -> None:
    for alike in zip(*(pictures(name) for name in THEMES), strict=True):
        assert len({COLOR.sub("#", written(scene)) for scene in alike}) == 1


@pytest.mark.parametrize("i", range(11))
def test_what_differs_in_colour_differs_on_a_photocopy(i: int) -> None:
    light, printed = (list(parts(pictures(name)[i])) for name in ("light", "print"))
    shapes = {part.name: part.shape for part in printed if isinstance(part, Box)}
    looks: dict[type, dict[tuple[str, str], set[Any]]] = {Box: {}, Link: {}}
    for in_light, in_print in zip(light, printed, strict=True):
        assert in_light.name == in_print.name
        by_colour = looks[type(in_light)].setdefault(colours_of(in_light), set())
        by_colour.add(look(in_print, shapes))
    for found in looks.values():
        for (one, some), (other, others) in combinations(found.items(), 2):
            assert not some & others, (one, other)


def test_the_pictures_have_something_to_tell_apart() -> None:
    """So that the test above cannot pass for want of colours."""
    theme = THEMES["light"]
    assert len(pictures("light")) == 11
    everything = [part for scene in pictures("light") for part in parts(scene)]
    fills = {part.fill for part in everything if isinstance(part, Box)}
    lines = {part.color for part in everything}
    signs = {theme.negative, theme.zero, theme.positive, theme.undefined}
    assert fills == set(theme.fills())
    assert lines == {theme.line, theme.highlight, *signs}
    arrows = {part.arrow for part in everything if isinstance(part, Link)}
    assert arrows == {"full", "hollow", "ring", "square"}
    assert {part.dash for part in everything} == {"", "dashed", "dotted"}


def test_kinds_have_shapes_and_signs_have_lines_and_arrow_heads_of_their_own() -> None:
    assert len(set(SHAPE.values())) == len(SHAPE) == 4
    assert len(set(EDGE.values())) == len({head for _, head in EDGE.values()}) == len(EDGE) == 4


def test_what_a_coloured_number_means_is_also_said() -> None:
    theme = THEMES["light"]
    starts = {
        theme.positive: r"([=≈] |\+)\d",
        theme.negative: r"([=≈] )?-\d",
        theme.zero: r"([=≈] )?0$",
        theme.undefined: r"([=≈] )?nan$",
        theme.warning: "set after use$",
        theme.grad: r"(grad |was )?(-?\d|nan$|inf$|\?$|_)",
    }
    seen = set()
    for scene in pictures("light"):
        lines = [line for box, _ in scene.boxes for line in box.lines]
        lines += [line for placed in scene.links for line in placed.link.label]
        for line in lines:
            for span in line:
                if span.color in starts:
                    seen.add(span.color)
                    assert re.match(starts[span.color], span.text), span
                if span.color == theme.grad:
                    assert line[0].text == "grad "
    assert seen == set(starts)


def test_sizes_are_those_that_a_class_can_read() -> None:
    """Whatever carries a digit has the size of a number: see test_scene."""
    assert (SMALL, NUMBER, HEADING, SYMBOL) == (13, 22, 24, 30)
