"""The tape as machine code, in three rooms that can be read one at a time.

`lowering`: a tape becomes rows, and rows a table of instructions. `machine`: what instructions do,
and how a row of the table of operations becomes machine code. `binding`: both in memory, and run.
"""
