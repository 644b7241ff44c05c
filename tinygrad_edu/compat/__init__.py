"""Other libraries' surfaces over this engine: what was written for them runs here."""

__all__: list[str] = []
