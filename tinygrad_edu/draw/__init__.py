"""What people look at: DOT, SVG, PNG, PDF, JSON and text of a graph."""

__all__: list[str] = []
