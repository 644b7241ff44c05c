"""Machine code and its memory.

In the order in which a compiled loss needs them:

    library         compiles the interpreter, or reads it from a file of an earlier process
    check_bytecode  checks that bytecode reads and writes only inside of its arena
    parts           cuts large batches into parts, for several threads
    program         makes a plan for a number of examples, fills an arena, and calls the interpreter

For the neuron (relu(x*w + b) - t)**2 and 100 examples, on a processor with vectors of eight
doubles, the rows of a plan have 13 vectors, which are 104 lanes. The last four lanes are padding.
The arena has places for x, t, w and b, for every row and for the gradients. One call of `train`
copies the inputs into it, runs the bytecode, and repeats both for each step.
"""
