"""The tape as machine code, in three rooms that can be read one at a time.

Lowering: a tape's normal form (`form`), rows (`rows`) for many examples (`lower`) or for one whose
graph repeats itself (`packs`, `pack`), and their instructions (`schedule`). The machine: what these
do (`machine`), on the rows of the table (`vector`, `arithmetic`) and optimizers (`update`). The
binding: both, in memory, checked (`check`), and run (`binding`).
"""
