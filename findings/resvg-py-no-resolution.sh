#!/usr/bin/env bash
# resvg-py refuses every SVG whose size is in points, inches or millimetres, unless it is told a dpi.
#
# Its argument dpi has the default 0, which reaches resvg as it is: one inch is then 0 pixels wide,
# and the error says that the SVG has an invalid size. With dpi=96, the CSS resolution that resvg's
# own command assumes, 72pt are 96 pixels. A size in pixels, or without a unit, needs no dpi. So the
# drawings of Graphviz, matplotlib and Inkscape, whose sizes are in points or millimetres, look
# broken, while those of most web tools are fine.
#
# Seen with resvg-py 0.5.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet resvg-py==0.5.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import resvg_py

SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{0}" viewBox="0 0 72 72">'
    '<rect width="72" height="72" fill="red"/></svg>'
)


def width(size, **how):
    """The pixels of the PNG from side to side, or the words of the error."""
    try:
        png = bytes(resvg_py.svg_to_bytes(svg_string=SQUARE.format(size), **how))
    except ValueError as error:
        return str(error)
    return int.from_bytes(png[16:20], "big")


print("resvg-py", version("resvg-py"))
for size in ("72", "72px", "72pt", "1in", "25.4mm", "6pc"):
    plain, told = width(size), width(size, dpi=96)
    print(f"{size}: {plain}; with dpi=96: {told}")
    in_pixels = size in ("72", "72px")
    assert plain == (72 if in_pixels else "SVG has an invalid size"), plain
    assert told == (72 if in_pixels else 96), told
PYTHON
