#!/usr/bin/env bash
# CairoSVG draws garbled letters where an SVG asks for text-rendering="geometricPrecision".
#
# The attribute asks a viewer to place letters without rounding, and nothing more. CairoSVG turns it
# into Cairo's best antialiasing for text. A picture in memory then gets letters that are cut off and
# stretched to three times their width, as if each of the three colours of a pixel were a pixel.
# optimizeSpeed and optimizeLegibility draw whole letters. Nothing is reported.
#
# Seen with CairoSVG 2.9.1, cairocffi 1.7.1, Cairo 1.16.0 of Debian 12 and DejaVu Sans, at every
# scale: pixels change by 1.3 times the ink of the text, by less than a quarter with the other two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cairosvg==2.9.1 cairocffi==1.7.1 pillow==12.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import io

import cairocffi
import cairosvg
from PIL import Image

TEXT = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="60"{}>'
    '<rect width="400" height="60" fill="#fff"/>'
    '<text x="10" y="40" font-size="22" font-family="DejaVu Sans">0.4200 gradient</text></svg>'
)


def pixels(rendering, scale):
    """How dark each pixel is, 0 to 255."""
    attribute = f' text-rendering="{rendering}"' if rendering else ""
    png = cairosvg.svg2png(bytestring=TEXT.format(attribute).encode(), scale=scale)
    return [255 - x for x in Image.open(io.BytesIO(png)).convert("L").tobytes()]


print("CairoSVG", cairosvg.__version__, "Cairo", cairocffi.cairo_version_string())
for scale in (1, 2, 3):
    plain = pixels("", scale)
    assert sum(plain) > 100_000, "there is no font"
    for rendering in ("optimizeSpeed", "optimizeLegibility", "geometricPrecision"):
        other = pixels(rendering, scale)
        change = sum(abs(a - b) for a, b in zip(plain, other)) / sum(plain)
        print(f"scale {scale}, {rendering}: pixels change by {change:.2f} of the ink")
        garbled = rendering == "geometricPrecision"
        assert (change > 1) if garbled else (change < 0.3), change
PYTHON
