"""Lowering: eight passes turn a tape into bytecode. Each reads one program and returns a new one.

The terms, here and in all of `native`:

    slot      an instruction of the tape, by its number
    lane      a place in a row. Each example has its own lane. If there is only one example, each
              repetition of a part of its graph has its own lane; a part may be, for instance, the
              computation for one position of a text
    padding   the lanes after the last example
    row       one number for each lane. A `Row` is only a name; a program says how it is computed
    uniform   an operand that is the same in all lanes, called u for short: a slot (for example of
              a parameter), a number, or one lane of a row, if all lanes use its number
    pack      similar nodes that become the lanes of one row
    hub       a row that is a factor in the products of several sums
    block     eight parameters whose gradients are in one row
    window    parameters that are side by side in the arena, and read as one row
    chunk     as many examples as a row has lanes
    arena     the memory of the machine, one array of doubles
    level     rows that do not need each other
    epilogue  an operation on a sum after its last product is added

The passes, in the order of `lower`:

    1 normal_form      tape -> normal form: sums of products, and calls of other operations
    2 vectorize        normal form -> groups of nodes; each group becomes a row
    3 forward          normal form and groups -> row program of the forward pass
    4 backward         row program -> row program with adjoints, written by the table's rules
    5 gradient_blocks  row program -> row program with the gradients of eight parameters in a row
    6 layout           row program -> addresses in the arena
    7 fuse             row program -> shorter row program
    8 schedule         row program and addresses -> bytecode

`once` has the part of the graph that no example changes, such as a penalty on the parameters. It
takes this part away after pass 1 and adds it after pass 5; its lanes are similar nodes, not
examples.

`nodes` has every kind of operand and node, `row_program` the program of the passes 3 to 8, and
`lane_sums` the sums over lanes in the passes 4 and 5.

An example. The loss (relu(x*w + b) - t)**2 is recorded with the slots x = s0, w = s1, b = s3,
t = s6 and the constant 2 = s8; w and b are parameters, x and t differ from example to example. Its
normal form:

    s4 = 1*s3 + s0*s1
    s5 = relu(s4)
    s7 = 1*s5 + -1*s6
    s9 = s7*s7

There are many examples, so each node becomes a row. The rows r0 to r3 are given: x, t, the weight
of each example in the gradient, and a row that is 1 for each example and 0 in padding. `forward`
adds

    r4 = 1*s3 + r0*s1
    r5 = relu(r4)
    r6 = 1*r5 + -1*r1
    r7 = r6*r6

`backward` adds the adjoints of r7, r6, r5 and r4. The adjoint of r7 is the weight r2. r6 is used
twice, so its adjoint is a sum of two products; r5 has the same adjoint, because r6 adds it with
factor 1:

    r8 = r6*r2 + r6*r2
    r9 = step(r5)
    r10 = r9*r8
    r11 = 1 in all lanes

The gradient of w is the sum of r10*r0 over all lanes, and the gradient of b is the sum of r10*r11.
The loss is the sum of r3*r7. The outputs become one row of sums, and `gradient_blocks` puts the
gradients into another row. A row has eight sums; those that are not needed have factors of 0:

    r12 = 0 in all lanes
    r13 = sums of r3 * [r7, r12, r12, r12, r12, r12, r12, r12]
    r14 = sums of r10 * [r0, r11, r12, r12, r12, r12, r12, r12]

`fuse` moves relu, step and the factor r9 into the instructions that compute the sums. It drops r4,
r8 and r9, because no other row reads them:

    r5 = relu(1*s3 + r0*s1)
    r6 = sub(r5, r1)
    r10 = (r6*r2 + r6*r2) * step(r5)

`schedule` writes seven instructions: DOTS, ELEMENTWISE, DOTS, DOTS, REDUCE, REDUCE, UPDATE.
"""
