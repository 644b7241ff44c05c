"""The interpreter of bytecode, as LLVM code. Each file builds on those before it:

    llvm              writes LLVM code: each operation of Python on a `Vector` writes a line
    arithmetic        writes the operations of the table
    interpreter       writes a function for each instruction, and the loops that call them
    optimizer_update  writes the update of an optimizer, from its formula

For the neuron relu(x*w + b) the lowering needs one instruction, DOTS with RELU as its epilogue. For
each vector of examples its code does three things: it begins with b, it adds w * x, and it stores
relu of that.
"""
