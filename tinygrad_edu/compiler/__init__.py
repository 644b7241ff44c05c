"""A loss becomes a tape, and the tape becomes Python, NumPy, machine code or a program."""
