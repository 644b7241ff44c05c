"""micrograd's surface, `engine` and `nn`, with its lecture's `trace` and `draw_dot`: README.md."""

from __future__ import annotations

from tinygrad_edu.compat.micrograd import engine, nn
from tinygrad_edu.compat.micrograd.draw import draw_dot, trace

__all__ = ["draw_dot", "engine", "nn", "trace"]
