"""`python -m tinygrad_edu` is the command `tinygrad-edu`."""

from tinygrad_edu.cli import main

if __name__ == "__main__":
    main(prog_name="tinygrad-edu")
