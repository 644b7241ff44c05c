"""Big random graphs, differentiated by the engine and, independently, to 50 digits.

The reference knows nothing of the table's rules: a local derivative is a difference quotient of
an operation's values (`REFERENCE`) with a step of 1e-55, in numbers of 110 digits. A graph that
loses more than four digits is left out, and it is the reference that says so: all its results
are rounded at random to 25 digits, and the digits that change in the answers are counted (Parker
1997, Monte Carlo arithmetic).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest
from mpmath import mp, mpf
from test_table import REFERENCE

from tinygrad_edu import TABLE, Value

GRAPHS = 200
MOST_NODES, MOST_VARIABLES, MOST_LEVELS = 400, 12, 60
WORKING_DIGITS, STEP = 110, mpf(10) ** -55
ROUNDING = mpf(10) ** -25
MOST_DIGITS_LOST = 4

# Where an operation is differentiable and its result is of a size to go on with.
DOMAIN = {
    "div": lambda a, b: abs(b) > 0.1,
    "pow": lambda a, b: 0.1 < a < 5 and abs(b) < 3,
    "max": lambda a, b: abs(a - b) > 1e-6,
    "min": lambda a, b: abs(a - b) > 1e-6,
    "mask": lambda a, b: True,
    "abs": lambda a: abs(a) > 1e-6,
    "step": lambda a: abs(a) > 1e-6,
    "relu": lambda a: abs(a) > 1e-6,
    "exp": lambda a: abs(a) < 3,
    "log": lambda a: 0.1 < a,
    "sqrt": lambda a: 0.01 < a,
    "tan": lambda a: abs(a) < 1.4,
    "sinh": lambda a: abs(a) < 3,
    "cosh": lambda a: abs(a) < 3,
    "tanh": lambda a: abs(a) < 3,
    "sigmoid": lambda a: abs(a) < 6,
    "softplus": lambda a: abs(a) < 6,
}


@dataclass
class Program:
    """A graph as a straight list: variables first, then operations on earlier entries."""

    variables: list[float]
    operations: list[tuple[str, tuple[int, ...]]]

    def levels(self) -> int:
        depth = [0] * len(self.variables)
        for _, args in self.operations:
            depth.append(1 + max(depth[i] for i in args))
        return depth[-1]


def random_program(random: Random) -> Program:
    """Operands are mostly recent results, so that graphs are deep, and used more than once."""
    variables = [random.uniform(-2, 2) for _ in range(random.randint(1, MOST_VARIABLES))]
    operations: list[tuple[str, tuple[int, ...]]] = []
    numbers, depth = list(variables), [0] * len(variables)
    size = random.randint(20, MOST_NODES)
    while len(numbers) < size:
        name = random.choice(list(TABLE))
        args = tuple(_operand(random, len(numbers)) for _ in TABLE[name].derivatives)
        xs = [numbers[i] for i in args]
        deeper = 1 + max(depth[i] for i in args)
        if deeper > MOST_LEVELS or not DOMAIN.get(name, lambda *xs: True)(*xs):
            continue
        number = float(REFERENCE[name](*map(mpf, xs)))
        if abs(number) > 20 or (number == 0 and random.random() < 0.8):
            continue
        operations.append((name, args))
        numbers.append(number)
        depth.append(deeper)
    return Program(variables, operations)


def _operand(random: Random, count: int) -> int:
    return max(0, count - 1 - int(random.expovariate(1 / 6))) if random.random() < 0.7 else random.randrange(count)


def exactly(program: Program, rounding: Random | None = None) -> list[mpf]:
    """The value and the gradient by each variable, in WORKING_DIGITS digits.

    rounding: changes every result by up to a part in 1e25 either way.
    """

    def rounded(x: mpf) -> mpf:
        return x if rounding is None else x * (1 + ROUNDING * rounding.uniform(-1, 1))

    numbers = [rounded(mpf(x)) for x in program.variables]
    slopes = []
    for name, args in program.operations:
        f, xs = REFERENCE[name], [numbers[i] for i in args]
        y = f(*xs)
        slopes.append([rounded((_stepped(f, xs, i) - y) / STEP) for i in range(len(xs))])
        numbers.append(rounded(y))
    adjoints = [mpf(0)] * len(numbers)
    adjoints[-1] = mpf(1)
    for k in reversed(range(len(program.operations))):
        place = len(program.variables) + k
        for i, slope in zip(program.operations[k][1], slopes[k], strict=True):
            adjoints[i] = rounded(adjoints[i] + rounded(adjoints[place] * slope))
    return [numbers[-1], *adjoints[: len(program.variables)]]


def _stepped(f, xs: list[mpf], i: int) -> mpf:
    return f(*xs[:i], xs[i] + STEP, *xs[i + 1 :])


def digits_lost(program: Program, exact: list[mpf], random: Random) -> float:
    changed = exactly(program, random)
    growth = max((abs(b / a - 1) if a else abs(b)) / ROUNDING for a, b in zip(exact, changed, strict=True))
    return float(mp.log10(growth + 1))


def engine(program: Program) -> list[float]:
    leaves = [Value(x) for x in program.variables]
    nodes = list(leaves)
    for name, args in program.operations:
        nodes.append(TABLE[name](*(nodes[i] for i in args)))
    nodes[-1].backward()
    return [nodes[-1].data, *(x.grad for x in leaves)]


def programs(count: int, seed: int) -> Iterator[tuple[Program, list[mpf]]]:
    """Random programs that lose few digits, with their exact answers."""
    random = Random(seed)
    while count:
        program = random_program(random)
        exact = exactly(program)
        if digits_lost(program, exact, random) <= MOST_DIGITS_LOST:
            count -= 1
            yield program, exact


def worst_error(found: list[float], exact: list[mpf]) -> float:
    """The largest relative error; absolute where the answer is 0."""
    return max(float(abs(x - e) / abs(e) if e else abs(x)) for x, e in zip(found, exact, strict=True))
if __name__ == "__main__":
    import sys, time
    from collections import Counter
    t=time.time(); n=int(sys.argv[1]); seed=int(sys.argv[2])
    worst=0; rows=Counter(); sizes=[]; depths=[]; zeros=tot=0
    with mp.workdps(WORKING_DIGITS):
        random = Random(seed); made=0; kept=0
        while kept<n:
            p=random_program(random); made+=1
            ex=exactly(p)
            if digits_lost(p,ex,random)>MOST_DIGITS_LOST: continue
            kept+=1
            e=worst_error(engine(p),ex)
            worst=max(worst,e)
            rows.update(name for name,_ in p.operations); sizes.append(len(p.variables)+len(p.operations)); depths.append(p.levels()); zeros+=sum(x==0 for x in ex[1:]); tot+=len(ex)-1
    print(n,made,worst,max(sizes),sum(sizes)/n,max(depths),sum(depths)/n,zeros,tot,min(rows.values()),len(rows),rows,time.time()-t)
