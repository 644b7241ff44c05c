"""Code that all lessons in `demos/` share: claims, seeds, the page, and the options."""

__all__: list[str] = []
