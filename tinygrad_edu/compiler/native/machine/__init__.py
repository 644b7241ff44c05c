"""The interpreter of bytecode as LLVM code: a writer of such code by Python's operators (`vector`),
the operations of the table (`arithmetic`), the instructions (`instructions`), and an optimizer's
update (`update`)."""
