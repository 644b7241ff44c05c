"""The colours: that all can be read, by everybody, and that nothing is told by colour alone."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from itertools import combinations
from typing import Any

import pytest
from conftest import differentiated

from tinygrad_edu import Value, graph, group, sqrt, tanh
from tinygrad_edu.draw.dot import Moment, Panel, dot
from tinygrad_edu.draw.theme import EDGE, NODE, THEMES, Theme, sign
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


@cache
def pictures(theme: str) -> tuple[str, ...]:
    """DOT texts in which everything occurs that a picture can show."""
    y, before = every_feature(), every_feature(1.0)
    g = graph(y, roles=ROLES)
    last = g.nodes[-1]
    use = next(edge for edge in g.edges if edge.target == last.id)
    moment = Moment(
        frozenset(node.id for node in g.nodes if node.id < 5 or not node.op) | {last.id},
        {last.id: 1.0, use.source: 1.0},
        frozenset({(use.target, use.operand)}),
        frozenset({f"n{use.source}", f"op{last.id}", f"e{use.source}_{last.id}_{use.operand}"}),
    )
    corners: dict[str, dict[str, str]] = {"corner0": {}, "corner1": {}, "caption": {}}
    return (
        y.draw(theme=theme).dot,
        y.draw(theme=theme, edges=[]).dot,
        y.draw(theme=theme, edges=EVERYTHING, roles=ROLES).dot,
        y.draw(theme=theme, level="neuron", roles=ROLES).dot,
        y.draw(theme=theme, highlight=["a"]).dot,
        y.draw(theme=theme, hide=["leaves", "values", "grads", "edges"]).dot,
        y.draw(theme=theme, before=before).dot,
        dot([Panel(g)], View(theme=theme), moment, corners, ["forward", "y = 3"]),
    )


def statements(source: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every node (`n0`), edge (`->`) and default (`node`) of a DOT text with its attributes."""
    for what, written in re.findall(r"^\t+(\w+(?: -> \w+)?) \[(.*)\]$", source, re.MULTILINE):
        found = re.findall(r'(\w+)=("[^"]*"|<.*?>(?= \w+=|$)|\S+)', written)
        name = "->" if "->" in what else what
        yield name, {key: value.strip('"') for key, value in found}


def texts_on_backgrounds(source: str, paper: str) -> set[tuple[str, str]]:
    """The colour of every text, with what it stands on."""
    defaults = {name: a for name, a in statements(source) if name in ("graph", "node", "edge")}
    found = {(defaults["graph"]["fontcolor"], paper)}  # the titles
    for name, a in statements(source):
        if name in defaults:
            continue
        kind = "edge" if name == "->" else "node"
        background = a["fillcolor"] if "filled" in a.get("style", "") else paper
        label = a.get("label", "") + a.get("headlabel", "")
        colors = set(re.findall('COLOR="(#\\w+)"', label)) | {defaults[kind]["fontcolor"]}
        if "headlabel" in a:
            colors.add(defaults["edge"]["labelfontcolor"])
        found |= {(color, background) for color in colors}
    return found


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
    for source in pictures(name):
        found |= texts_on_backgrounds(source, theme.paper)
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
    used = {color for source in pictures(name) for color in COLOR.findall(source)}
    assert used == set(dataclasses.astuple(THEMES[name]))
    assert all(COLOR.fullmatch(color) for color in dataclasses.astuple(THEMES[name]))


def test_the_themes_are_what_they_are_called() -> None:
    assert luminance(THEMES["light"].paper) > 0.9
    assert luminance(THEMES["dark"].paper) < 0.05
    for name in ("light", "dark"):
        assert len(set(dataclasses.astuple(THEMES[name]))) > 12
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

WORDS = ("input", "parameter", "loss", "set after use", "values inside")


def words_of(label: str) -> str:
    return unescape(re.sub("<[^>]*>", "\n", label))


def look(kind: str, a: dict[str, str]) -> tuple[Any, ...]:
    """How a node or an edge looks on a photocopy; of what it says, only what is no number."""
    pen = a.get("style", "solid"), a.get("penwidth", "1")
    said = words_of(a.get("label", ""))
    if kind == "->":
        flows = re.search(r"(?<=\n)(?:[+-]|0$|nan$)", said, re.MULTILINE)
        return (*pen, a.get("arrowhead", "normal"), flows and flows[0])
    told = [word for word in WORDS if re.search(rf"^(?:\d+ )?{word}$", said, re.MULTILINE)]
    return (*pen, a.get("shape"), a.get("peripheries", "1"), *told)


def colours_of(kind: str, a: dict[str, str], theme: Theme) -> tuple[str, str]:
    """Its line and, if it is a node that is filled, its fill."""
    filled = kind != "->" and "filled" in a.get("style", "")
    return a.get("color", theme.line), a["fillcolor"] if filled else theme.paper


def test_the_print_theme_is_black_and_white() -> None:
    for source in pictures("print"):
        assert set(COLOR.findall(source)) == {"#000000", "#ffffff"}
        assert not re.search(r'color="?[a-z]', source, re.IGNORECASE)  # nor colours by name


def test_themes_differ_in_colours_only() -> None:
    for sources in zip(*(pictures(name) for name in THEMES), strict=True):
        assert len({COLOR.sub("#", source) for source in sources}) == 1


@pytest.mark.parametrize("i", range(len(pictures("light"))))
def test_what_differs_in_colour_differs_on_a_photocopy(i: int) -> None:
    light, printed = (list(statements(pictures(name)[i])) for name in ("light", "print"))
    colours: dict[str, dict[tuple[str, str], set[Any]]] = {"->": {}, "node": {}}
    for (name, in_light), (same, in_print) in zip(light, printed, strict=True):
        assert name == same
        if name in ("graph", "node", "edge", "caption") or name.startswith("corner"):
            continue
        kind = name if name == "->" else "node"
        looks = colours[kind].setdefault(colours_of(kind, in_light, THEMES["light"]), set())
        looks.add(look(kind, in_print))
    for looks_by_colour in colours.values():
        for (one, looks), (other, others) in combinations(looks_by_colour.items(), 2):
            assert not looks & others, (one, other)


def test_the_pictures_have_something_to_tell_apart() -> None:
    """So that the test above cannot pass for want of colours."""
    theme = THEMES["light"]
    lines, fills = set(), set()
    for source in pictures("light"):
        for name, a in statements(source):
            if name not in ("graph", "node", "edge"):
                line, fill = colours_of(name, a, theme)
                lines.update(line.split(":"))  # two lines side by side
                fills.add(fill)
    assert fills == {theme.paper, *theme.fills()}
    signs = {theme.negative, theme.zero, theme.positive, theme.undefined}
    assert lines == {theme.line, theme.highlight, *signs}


def test_kinds_have_shapes_and_signs_have_lines_and_arrow_heads_of_their_own() -> None:
    assert len({(a["shape"], a["style"]) for a in NODE.values()}) == len(NODE) == 4
    assert len({a["style"] for a in EDGE.values()}) == len(EDGE) == 4
    assert len({a["arrowhead"] for a in EDGE.values()}) == 4


def test_what_a_coloured_number_means_is_also_said() -> None:
    theme = THEMES["light"]
    starts = {
        theme.positive: r"\+",
        theme.negative: "-",
        theme.zero: "0<",
        theme.undefined: "nan<",
        theme.warning: "set after use",
    }
    for source in pictures("light"):
        for color, start in starts.items():
            for said in re.findall(f'COLOR="{color}">(?:<B>)?([^>]*<)', source):
                assert re.match(start, said), said
        gradients = len(re.findall(f'COLOR="{theme.grad}"', source))
        captioned = len(re.findall(f'>grad</FONT> <FONT COLOR="{theme.grad}"', source))
        assert gradients == captioned
    assert all(color in "".join(pictures("light")) for color in (*starts, theme.grad))
