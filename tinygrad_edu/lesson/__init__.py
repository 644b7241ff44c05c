"""What all lessons of `demos/` share: their claims, their seeds, their page, their options."""

__all__: list[str] = []
