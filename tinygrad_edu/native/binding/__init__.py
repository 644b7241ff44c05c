"""Whether a table stays in its arena (`check`), code in memory and in files (`library`), and what
a compiled loss runs (`program`)."""
