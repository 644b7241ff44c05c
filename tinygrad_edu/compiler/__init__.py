"""A loss becomes a tape, and the tape becomes Python, NumPy, machine code or a program.

What `compile(loss, wrt, inputs)` does, in order:

    record_function  calls the loss once to get its graph, if the loss is a Python function
    leaves           finds the leaves of `wrt` and `inputs`, by label too, and checks them
    recording        records the graph as a tape (`tape`)
    backends         has the three back ends; each makes its own form of the tape

What a call of the compiled loss does, in order:

    columns          makes a list of floats for each input
    backends         chooses the fastest back end for this number of examples, and runs it
    replay           runs the examples again with the eager engine, if a result is not finite

`compiled` has the function and the class that users see. `warn` makes a warning name the line of
the user. `languages` does something else: it turns a tape into the text of a program.

The loss relu(x*w + b) of one neuron, with w and b in `wrt` and x as the input, is a tape of six
slots. With machine code a call runs a few instructions on rows of examples (see `native.lowering`).
With NumPy it runs operations on arrays of examples, and with plain Python a loop over the examples
(see `tape.python_function`). The result is (sum of the losses, [sum of d / d w, sum of d / d b]).
"""
