"""micrograd's modules `engine` and `nn`, with `trace` and `draw_dot` of its lecture: README.md."""

from __future__ import annotations

from tinygrad_edu.compat.micrograd import engine, nn
from tinygrad_edu.compat.micrograd.draw import draw_dot, trace

__all__ = ["draw_dot", "engine", "nn", "trace"]
