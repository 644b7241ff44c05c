#!/usr/bin/env bash
# CairoSVG draws the pieces of a centred text on top of each other.
#
# Where a <text> with text-anchor="middle" has several <tspan>s and no new x for any of them, the
# pieces follow each other, and the anchor moves the whole line. resvg does so. CairoSVG applies the
# anchor to each piece by itself: a piece begins where the one before it would end in a text that is
# not anchored, and is then moved back by half of its own width (by all of it with "end"). So a long
# piece lies on a short one before it, and the line is no longer in the middle.
#
# Seen with CairoSVG 2.9.1 and resvg-py 0.5.0, with DejaVu Sans, for a name of one letter and its
# formula: the formula begins 30 pixels before the name, and covers it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cairosvg==2.9.1 cairocffi==1.7.1 resvg-py==0.5.0 pillow==12.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io

import cairosvg
import resvg_py
from PIL import Image

TEXT = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="60">'
    '<rect width="400" height="60" fill="#fff"/>'
    '<text x="200" y="40" font-size="24" font-family="DejaVu Sans" text-anchor="{}">'
    '<tspan fill="#f00">h</tspan><tspan fill="#00f">=tanh(x)</tspan></text></svg>'
)


def by_cairosvg(svg):
    return cairosvg.svg2png(bytestring=svg.encode())


def by_resvg(svg):
    return bytes(resvg_py.svg_to_bytes(svg_string=svg))


def columns(png):
    """The first and the last column of pixels of the red and of the blue piece."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    places = {"red": [], "blue": []}
    for x in range(picture.width):
        for y in range(picture.height):
            r, g, b = picture.getpixel((x, y))
            if r - b > 100:
                places["red"].append(x)
            elif b - r > 100:
                places["blue"].append(x)
    return [(min(found), max(found)) for found in places.values()]


overlap = {}
for name, draw in (("CairoSVG", by_cairosvg), ("resvg", by_resvg)):
    for anchor in ("start", "middle", "end"):
        red, blue = columns(draw(TEXT.format(anchor)))
        overlap[name, anchor] = red[1] - blue[0]
        print(f"{name}, {anchor}: red {red}, blue {blue}, overlap {max(0, red[1] - blue[0])}")
for anchor in ("start", "middle", "end"):
    assert overlap["resvg", anchor] <= 0, overlap
assert overlap["CairoSVG", "start"] <= 0, overlap
assert overlap["CairoSVG", "middle"] > 10 and overlap["CairoSVG", "end"] > 30, overlap
PYTHON
