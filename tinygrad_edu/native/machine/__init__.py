"""LLVM's language written by Python's operators (`vector`), in it the rows of the table of
operations (`arithmetic`), the instructions of the machine (`instructions`), and an optimizer's
formula (`update`)."""
