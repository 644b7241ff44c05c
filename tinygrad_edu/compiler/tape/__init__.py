"""The tape, a graph as a list of instructions, and the simplest programs made from it.

In the order in which they are used:

    tape             records a graph, and the rules of its derivatives, as a tape
    names            gives each slot a name
    lines            writes the slots as lines of text, `name = expression`
    table            shows these lines to readers
    python_function  makes a Python function from them, for many examples
    tables           has arrays of NumPy as the columns of such a function

One neuron, relu(x*w + b), is recorded with the leaves x, w and b in slots 0, 1 and 3. The other
slots of the forward pass are

    2 = mul(0, 1)    4 = add(2, 3)    5 = relu(4)

The derivative by w needs two more instructions. Slot 7 is the adjoint of the slots 4 and 2, slot 8
is the adjoint of w; slot 6, the adjoint of the output, is the constant 1.

    7 = step(4)      8 = mul(7, 0)

`lines` makes one line of the forward pass, relu(x * w + b), because each slot is used once.
"""
