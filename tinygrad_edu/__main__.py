"""`python -m tinygrad_edu` is the command `tinygrad-edu`."""

from tinygrad_edu.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main(prog_name="tinygrad-edu")
