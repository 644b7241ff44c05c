"""Questions about a graph: what it is, why a gradient is this number, whether it is right."""
