"""The compiler to machine code: a loss is recorded once, and then trained without Python.

    Tape --lowering--> bytecode --binding--> memory, bytecode, machine code --> numbers
                                   ^
    operations --machine--> LLVM code, compiled once for a width of vectors

`lowering` turns a tape, its derivatives included, into bytecode: a few instructions on whole rows
of numbers. `machine` writes the interpreter of that bytecode, and the operations of the table, as
LLVM code. `binding` compiles this code, holds the memory and calls it. Each of the three can be
read without the others. `lowering` begins with the terms that all of them use.
"""
