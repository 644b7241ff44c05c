"""Big random graphs, differentiated by the engine and, independently, to 50 digits.

The reference knows nothing of the table's rules: a local derivative is a difference quotient of
an operation's values (`REFERENCE`) with a step of 1e-55, in numbers of 110 digits. A graph that
loses more than four digits is left out, and it is the reference that says so: all its results
are changed at random in the 25th digit, and what that does to the answers is looked at (Monte
Carlo arithmetic, Parker 1997).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from mpmath import mp, mpf
from references import REFERENCE

from tinygrad_edu import TABLE, Value, gradient

GRAPHS, SEED = 50, 1986
MOST_NODES, MOST_VARIABLES, MOST_LEVELS = 400, 12, 60
WORKING_DIGITS, STEP = 110, mpf("1e-55")
ROUNDING, MOST_DIGITS_LOST = mpf("1e-25"), 4

# Where an operation has a derivative, and a result of a size to go on with.
DOMAIN: dict[str, Callable[..., bool]] = {
    "div": lambda a, b: abs(b) > 0.1,
    "pow": lambda a, b: 0.1 < a < 5 and abs(b) < 3,
    "max": lambda a, b: abs(a - b) > 1e-6,
    "min": lambda a, b: abs(a - b) > 1e-6,
    "less": lambda a, b: abs(a - b) > 1e-6,
    "mask": lambda c, x: abs(c) > 1e-6,
    "either": lambda a, b: abs(a) > 1e-6 or abs(b) > 1e-6,
    "abs": lambda a: abs(a) > 1e-6,
    "sign": lambda a: abs(a) > 1e-6,
    "step": lambda a: abs(a) > 1e-6,
    "equal": lambda a, b: abs(a - b) > 1e-6,
    "relu": lambda a: abs(a) > 1e-6,
    "floor": lambda a: abs(a - round(a)) > 1e-6,
    "ceil": lambda a: abs(a - round(a)) > 1e-6,
    "exp": lambda a: abs(a) < 3,
    "exp2": lambda a: abs(a) < 4,
    "expm1": lambda a: abs(a) < 3,
    "log": lambda a: a > 0.1,
    "log2": lambda a: a > 0.1,
    "log10": lambda a: a > 0.1,
    "log1p": lambda a: a > -0.9,
    "sqrt": lambda a: a > 0.01,
    "asin": lambda a: abs(a) < 0.95,
    "acos": lambda a: abs(a) < 0.95,
    "atanh": lambda a: abs(a) < 0.95,
    "circle": lambda a: abs(a) < 0.95,
    "acosh": lambda a: a > 1.05,
    "atan2": lambda a, b: a * a + b * b > 0.01 and (abs(a) > 1e-6 or b > 0),
    "hypot": lambda a, b: a * a + b * b > 0.01,
    "erf": lambda a: abs(a) < 2,
    "bell": lambda a: abs(a) < 6,
    "sech2": lambda a: abs(a) < 3,
    "tan": lambda a: abs(a) < 1.4,
    "sinh": lambda a: abs(a) < 3,
    "cosh": lambda a: abs(a) < 3,
    "tanh": lambda a: abs(a) < 3,
    "sigmoid": lambda a: abs(a) < 6,
    "softplus": lambda a: abs(a) < 6,
}
FLAT = (  # they send nothing back to some operand
    *("step", "sign", "floor", "ceil", "less", "equal", "either", "mask", "max", "min", "relu"),
)
# Rows whose operand has to be in a narrow range are met more often, so that enough are left.
NARROW = ("asin", "acos", "acosh", "atanh", "circle")
WEIGHTS = [1 if name in FLAT else 8 if name in NARROW else 4 for name in TABLE]


@dataclass
class Program:
    """A graph as a straight list: variables first, then operations on earlier places."""

    variables: list[float]
    operations: list[tuple[str, tuple[int, ...]]]

    def __len__(self) -> int:
        return len(self.variables) + len(self.operations)

    def levels(self) -> int:
        depth = [0] * len(self.variables)
        for _, args in self.operations:
            depth.append(1 + max(depth[i] for i in args))
        return depth[-1]


def random_program(random: Random) -> Program:
    """Every variable and every result is used, many more than once; the last is the output."""
    variables = [random.uniform(-2, 2) for _ in range(random.randint(1, MOST_VARIABLES))]
    program = Program(variables, [])
    numbers, depth = list(variables), [0] * len(variables)
    unused = list(range(len(variables)))
    size = random.randint(len(variables) + 1, MOST_NODES)
    reach = random.choice([2, 10, 100])  # how far back operands are, on average: deep or broad

    def place() -> int:
        among = random.choice([unused, range(len(numbers))])
        back = int(random.expovariate(1 / reach))
        return among[-1 - back] if back < len(among) else random.choice(among)

    def append(name: str, args: tuple[int, ...]) -> None:
        program.operations.append((name, args))
        numbers.append(float(REFERENCE[name](*(mpf(numbers[i]) for i in args))))
        depth.append(1 + max(depth[i] for i in args))
        unused[:] = [i for i in unused if i not in args] + [len(numbers) - 1]

    for _ in range(5 * size):
        if len(numbers) + len(unused) >= size:
            break
        (name,) = random.choices(list(TABLE), WEIGHTS)
        args = tuple(place() for _ in TABLE[name].derivatives)
        xs = [numbers[i] for i in args]
        deep = any(depth[i] >= MOST_LEVELS - 10 for i in args)
        if deep or not DOMAIN.get(name, lambda *xs: True)(*xs):
            continue
        if abs(REFERENCE[name](*map(mpf, xs))) < 20:
            append(name, args)
    while len(unused) > 1:
        append("add", (unused[0], unused[1]))
    return program


def exactly(program: Program, rounding: Random | None = None) -> list[mpf]:
    """The value, and the gradient by each variable.

    rounding: changes each result on the way by up to a part in 1e25.
    """

    def rounded(x: mpf) -> mpf:
        return x if rounding is None else x * (1 + ROUNDING * rounding.uniform(-1, 1))

    numbers = [mpf(x) for x in program.variables]
    slopes = []
    for name, args in program.operations:
        f, xs = REFERENCE[name], [numbers[i] for i in args]
        y = f(*xs)
        stepped = [f(*xs[:i], xs[i] + STEP, *xs[i + 1 :]) for i in range(len(xs))]
        slopes.append([rounded((beside - y) / STEP) for beside in stepped])
        numbers.append(rounded(y))
    adjoints = [mpf(0)] * (len(program) - 1) + [mpf(1)]
    places = range(len(program.variables), len(program))
    backwards = reversed([*zip(places, program.operations, slopes, strict=True)])
    for place, (_, args), local in backwards:
        for i, slope in zip(args, local, strict=True):
            adjoints[i] = rounded(adjoints[i] + rounded(adjoints[place] * slope))
    return [numbers[-1], *adjoints[: len(program.variables)]]


def digits_lost(program: Program, exact: list[mpf], random: Random) -> float:
    """How many digits fewer than a single result has the worst answer, when all are rounded."""
    changed = exactly(program, rounding=random)
    return float(mp.log10(worst_error(changed, exact) / ROUNDING + 1))


def worst_error(found: list[mpf] | list[float], exact: list[mpf]) -> float:
    """The largest relative error; absolute where the answer is 0."""
    return max(float(abs(x - e) / (abs(e) or 1)) for x, e in zip(found, exact, strict=True))


def random_programs(count: int, seed: int) -> Iterator[tuple[Program, list[mpf]]]:
    """So many programs that lose few digits, with their exact answers."""
    random = Random(seed)
    while count:
        program = random_program(random)
        exact = exactly(program)
        if digits_lost(program, exact, random) <= MOST_DIGITS_LOST:
            count -= 1
            yield program, exact


@cache
def big_random_programs() -> list[tuple[Program, list[mpf]]]:
    """Those of this file, made once for all that ask."""
    with mp.workdps(WORKING_DIGITS):
        return list(random_programs(GRAPHS, SEED))


def graph(program: Program) -> tuple[Value, list[Value]]:
    """The output and the variables."""
    nodes = [Value(x) for x in program.variables]
    for name, args in program.operations:
        nodes.append(TABLE[name](*(nodes[i] for i in args)))
    return nodes[-1], nodes[: len(program.variables)]


def test_big_random_graphs_have_the_gradients_of_the_reference() -> None:
    """To 1e-10, by backward() and by gradient(); and the graphs are as big as they claim."""
    sizes, levels, rows = [], [], Counter[str]()
    with mp.workdps(WORKING_DIGITS):
        for program, exact in big_random_programs():
            y, leaves = graph(program)
            y.backward()
            assert worst_error([y.data, *(x.grad for x in leaves)], exact) < 1e-10
            derivatives = [derivative.data for derivative in gradient(y, leaves)]
            assert worst_error(derivatives, exact[1:]) < 1e-10
            sizes.append(len(program))
            levels.append(program.levels())
            rows.update(name for name, _ in program.operations)
    assert max(sizes) > 0.9 * MOST_NODES
    assert 0.8 * MOST_LEVELS < max(levels) <= MOST_LEVELS
    assert all(rows[name] > GRAPHS / 2 for name in TABLE)
