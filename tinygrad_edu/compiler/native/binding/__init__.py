"""Machine code and its memory: a check that bytecode stays in its arena (`check`), code in memory
and in files (`library`), and the runs of a compiled loss (`program`)."""
