"""The compiler to machine code: a loss is recorded once, and then trained without Python.

    tape --lowering--> bytecode --+
                                  +--binding--> a run in memory --> numbers
    table --machine--> LLVM code -+

1. `lowering` turns a tape into bytecode, derivatives included. The bytecode is a list of a few
   instructions, and each works on whole rows of numbers.
2. `machine` writes an interpreter of such bytecode as LLVM code, with the operations of the table.
   It knows no graph, so it is compiled once for each length of rows.
3. `binding` compiles the LLVM code, holds the memory and calls the interpreter.

Each of the three can be read without the others. The docstring of `lowering` defines the terms that
all of them use, and shows what becomes of one neuron.
"""
