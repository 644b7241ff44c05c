"""Credit: whose fault is it? Every hidden unit has an error signal.

There is no target for a hidden unit. Its error signal is d error / d answer: how the error would
change if the unit answered a little more. We can test this: the lesson changes the answer by hand
and computes the error again. And what happens if the unit is removed?
"""

from __future__ import annotations

from functools import partial
from math import exp
from random import Random
from statistics import correlation
from typing import NamedTuple

from tinygrad_edu import Value, gradient
from tinygrad_edu.analysis.check import central_difference
from tinygrad_edu.data import Example, gate
from tinygrad_edu.demos.laboratory import charts, equations, expected, trial
from tinygrad_edu.demos.laboratory.differences import apart
from tinygrad_edu.demos.laboratory.sources import BACK
from tinygrad_edu.demos.laboratory.trial import End, Trial
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import bounded, falling, middle, mostly, share
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson, line_of
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.nn.init import uniform
from tinygrad_edu.rows.formula import equals, rounded

__all__ = ["main"]

XOR = gate("xor")
NAMES = [f"{x.inputs[0]:g} {x.inputs[1]:g}" for x in XOR]
HIDDEN = 3
UNITS = [f"unit {j}" for j in range(1, HIDDEN + 1)]
INIT = 0.3  # as in 1986
RANGES = (INIT, 1.0, 2.0)  # of the first weights
TRIAL = Trial("xor", HIDDEN, 0.5, 0.9, INIT, 200_000)
SEED = 1  # of the network in the pictures: its three units have three different tasks
MOMENTS = (0, 100, 150, 200, 225, 250, 275, 300, 400, 700, 2_000)  # epochs
TRAINED = 20  # the largest number of networks that are trained
STEP = 1e-6  # of a hidden unit's answer
MORE = 0.01  # a change of it that one can see
BLOCK = 5  # networks, of whose units there is one correlation
PLAN = Plan(
    question="Which hidden unit is responsible for the error, if nobody says what a hidden unit "
    "should answer?",
    minutes=25,
    look="signals by backpropagation and by hand; the signals while the network learns; silenced "
    "units",
    ask=[
        "Is a unit with a signal of 0 useless?",
        "Why does the weight to the output decide which unit gets the blame?",
    ],
    mistake=Mistake(
        "tinygrad_edu/ops.py",
        "lambda y, a: bell(a),",
        "lambda y, a: 1.0,",
        "backward() against the equations, largest relative error",
    ),
    read=[
        "Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, "
        "Nature 323 (1986), 533-536",
    ],
    follows="pdp_set",
)


@command(plan=PLAN, seeds=200, quick=50, takes="about 4 seconds")
def main(lesson: Lesson) -> None:
    gradient_is_right(lesson)
    blame(lesson)
    by_changing(lesson)
    learning(lesson)
    useless(lesson)
    guessing(lesson)
    check(lesson)


def network(seed: int, init: float = INIT) -> MLP:
    """An untrained 2-3-1 network, with weights and biases from -init to init."""
    model = MLP(2, [HIDDEN, 1], "sigmoid")
    draw, random = uniform(init), Random(seed)
    for p in model.parameters():
        p.data = draw(random, 2, HIDDEN)
    return model


def answers(model: MLP, example: Example) -> list[float]:
    """The answers of the hidden units to the example."""
    return [h.data for h in model.layers[0](example.inputs)]


def error_if(model: MLP, example: Example, hidden: list[float]) -> float:
    """The error on the example if the hidden units had these answers."""
    return half_squared_error(model.layers[1](hidden), example.targets).data


def error_of(model: MLP) -> Value:
    """The error on all four examples."""
    errors = [half_squared_error(model(example.inputs), example.targets) for example in XOR]
    return sum(errors[1:], errors[0])


def signals(model: MLP, example: Example) -> list[float]:
    """d error / d answer of each hidden unit, by backpropagation."""
    hidden = model.layers[0](example.inputs)
    error = half_squared_error(model.layers[1](hidden), example.targets)
    return [signal.data for signal in gradient(error, hidden)]


class Back(NamedTuple):
    """The derivatives of the error on one example, by the equations of 1986.

    y: the answer of the output. by_y, by_x: by this answer, and by the sum x of which it is the
    logistic function. by_h: by the answer of each hidden unit. slopes: by each parameter.
    """

    y: float
    by_y: float
    by_x: float
    by_h: list[float]
    slopes: list[float]


def logistic(x: float) -> float:
    """Equation 2."""
    return 1 / (1 + exp(-x))


def by_equations(model: MLP, example: Example) -> Back:
    """The derivatives by the equations alone: floats, and no rule of this package."""
    numbers = [p.data for p in model.parameters()]  # of each unit the weights, then the bias
    units = [numbers[i : i + 3] for i in range(0, 3 * HIDDEN, 3)]
    *weights, bias = numbers[3 * HIDDEN :]
    (a, b), (d,) = example.inputs, example.targets
    hidden = [logistic(a * wa + b * wb + own) for wa, wb, own in units]
    y = logistic(sum(h * w for h, w in zip(hidden, weights)) + bias)
    by_y = y - d
    by_x = by_y * y * (1 - y)
    by_w = [by_x * h for h in hidden]
    by_h = [by_x * w for w in weights]
    sums = [signal * h * (1 - h) for signal, h in zip(by_h, hidden)]  # equation 5 once more
    slopes = [slope for s in sums for slope in (s * a, s * b, s)]
    return Back(y, by_y, by_x, by_h, [*slopes, *by_w, by_x])


def off(found: list[float], expected: list[float]) -> float:
    """The largest difference, relative to the largest expected number."""
    largest = max(map(abs, expected)) or 1.0
    return max(abs(a - b) for a, b in zip(found, expected)) / largest


def gradient_is_right(lesson: Lesson) -> None:
    """Claims that the gradient is what differences and the equations give, and pins one run."""
    model = network(SEED, 1.0)
    found = [slope.data for slope in gradient(error_of(model), model.parameters())]
    claim = f"{len(found)} gradients against differences, largest relative error"
    worst = apart(lambda: error_of(model), model.parameters(), found)
    lesson.claim(bounded(claim, worst, high=1e-6))
    eager = compiled = 0.0
    for seed in range(lesson.seed, lesson.seed + lesson.seeds):
        model = network(seed, 1.0)
        rows = [by_equations(model, example).slopes for example in XOR]
        by_hand = [sum(column) for column in zip(*rows)]
        error = error_of(model)
        error.backward()
        eager = max(eager, off([p.grad for p in model.parameters()], by_hand))
        trial.network(TRIAL, [p.data for p in model.parameters()])
        program, columns = trial.compiled(TRIAL)
        compiled = max(compiled, off(program(*columns)[1], by_hand))
    claim = "backward() against the equations, largest relative error"
    lesson.claim(bounded(claim, eager, high=1e-9, reports=BACK))
    claim = "compiled gradient against the equations, largest relative error"
    lesson.claim(bounded(claim, compiled, high=1e-9, reports=BACK))
    epochs = End(*trial.end(TRIAL, SEED)).epochs
    claim = f"XOR 2-3-1, seed {SEED}: epochs until learned"
    lesson.pin(claim, epochs, expected.pin(f"xor-3 seed {SEED}"))


def product(*factors: float) -> str:
    """A multiplication with four digits; `≈` says that the rounded factors give another number."""
    made = result = 1.0
    shown = []
    for x in factors:
        shown.append(rounded(x))
        made, result = made * float(shown[-1]), result * x
    signed = [f"({x})" if x.startswith("-") else x for x in shown]
    return f"{' * '.join(signed)} {equals(made, rounded(result))} {rounded(result)}"


def blame(lesson: Lesson) -> None:
    """The signals of one network for one example, with the equations and their arithmetic."""
    lesson.section("Who should have answered something else?")
    model, example = network(SEED), XOR[1]
    back = by_equations(model, example)
    hidden, found = answers(model, example), signals(model, example)
    output = model.layers[1].neurons[0]
    weights = [w.data for w in output.w]
    lesson.say(
        "Two inputs a and b, three hidden units, one output y: a network for exclusive or, before "
        "training. In the example a = 0, b = 1 the target is d = 1. The output is "
        f"{rounded(back.y)}. For the output we know what would be better. But what should the "
        "hidden units have answered?"
    )
    shown = [[("answer", rounded(h))] for h in hidden]
    told = {f"layer1.neuron{j}": lines for j, lines in enumerate(shown, 1)}
    lesson.picture(
        "1-units",
        Weights(model, ["a = 0", "b = 1"], ["y"], told | _output(back, False), precision=4),
        "The network and its answers.",
    )
    with lesson.predict(
        "Which hidden unit should have answered more, and which one less? Which one matters most?"
    ):
        lesson.say(
            "The signal of a unit is d error / d answer. A negative signal says: the error falls "
            "if the unit answers a little more. The signals go back from the output, by four "
            "equations. In them, x is the sum in a unit, before the logistic function; y is its "
            "answer. In the code, `by_y` is ∂E/∂y of the output, and so on; `by_h` is the signals "
            "of the hidden units, and `weights` the weights from them to the output."
        )
        lesson.equations(
            equations.NATURE,
            equations.rows(
                eq4=line_of(by_equations, "by_y = "),
                eq5=line_of(by_equations, "by_x = "),
                eq6=line_of(by_equations, "by_w = "),
                eq7=line_of(by_equations, "by_h = "),
            ),
        )
        lesson.show(
            f"by_y = {rounded(back.y)} - {example.targets[0]:g} = {rounded(back.by_y)}\n"
            f"by_x = {product(back.by_y, back.y, 1 - back.y)}\n"
            + "\n".join(
                f"signal of {unit} = {product(back.by_x, w)}" for unit, w in zip(UNITS, weights)
            )
        )
        told = {
            f"layer1.neuron{j}": [*lines, ("signal", rounded(x))]
            for j, (lines, x) in enumerate(zip(shown, found), 1)
        }
        lesson.picture(
            "2-signals",
            Weights(model, ["a = 0", "b = 1"], ["y"], told | _output(back, True), precision=4),
            "The signal of a hidden unit is the signal of the output, times y (1 - y), times the "
            "weight between them.",
        )
        wishes = [f"{u} {'more' if x < 0 else 'less'}" for u, x in zip(UNITS, found)]
        most = max(range(HIDDEN), key=lambda j: abs(found[j]))
        lesson.say(
            f"So the error falls if these units answer: {', '.join(wishes)}. The signal of "
            f"{UNITS[most]} is the largest in size, because its weight to the output is. The other "
            "two factors are the same for all units."
        )
        inputs = [Value(x, label=name) for x, name in zip(example.inputs, "ab")]
        outputs = model(inputs)
        outputs[0].label = "y"
        error = half_squared_error(outputs, example.targets)
        error.label = "error"
        lesson.play(
            "3-network",
            lambda: error.page(level="network", precision=3, roles={error: "loss"}),
            "The same network, with the error after the output. neuron1 is unit 1, and so on. The "
            "grad of a unit is its signal; the grad on an arrow belongs to the weight.",
        )


def _output(back: Back, whole: bool) -> dict[str, list[tuple[str, str]]]:
    """The lines of the output in the picture."""
    lines = [("answer", rounded(back.y))]
    if whole:
        slope = back.y * (1 - back.y)
        lines += [("signal", rounded(back.by_y)), ("y (1 - y)", rounded(slope))]
    return {"layer2.neuron1": lines}


def along(model: MLP, example: Example, j: int, h: float) -> float:
    """The error on the example if hidden unit j answers h."""
    said = answers(model, example)
    return error_if(model, example, [*said[:j], h, *said[j + 1 :]])


def by_changing(lesson: Lesson) -> None:
    """Compares the signal of each hidden unit with a change of its answer."""
    lesson.section("Without the chain rule: change an answer")
    model, example = network(SEED), XOR[1]
    hidden, signal = answers(model, example), signals(model, example)[0]
    lesson.say(
        f"The answer of unit 1 was {hidden[0]:.4f}, and its signal {rounded(signal)}. Now we "
        f"change the answer by hand, to {hidden[0] + MORE:.4f}; everything else stays as it was."
    )
    with lesson.predict(f"By how much does the error change if unit 1 answers {MORE:g} more?"):
        before = error_if(model, example, hidden)
        after = along(model, example, 0, hidden[0] + MORE)
        lesson.say(
            f"The signal says: by about {rounded(signal)} * {MORE:g} = {signal * MORE:.6f}. The "
            f"error was {before:.6f}, and is {after:.6f}: a change of {after - before:.6f}."
        )
    rows = ["example   unit   answer    signal     by changing"]
    pairs = []
    for seed in (SEED, *range(lesson.seed, lesson.seed + lesson.seeds)):
        model = network(seed)
        for name, example in zip(NAMES, XOR):
            hidden, found = answers(model, example), signals(model, example)
            for j in range(HIDDEN):
                by_hand = central_difference(partial(along, model, example, j), hidden[j], STEP)
                pairs.append((by_hand, found[j]))
                if len(rows) <= HIDDEN * len(XOR):
                    row = f"{name}       {j + 1}    {hidden[j]:8.4f}  {found[j]:9.5f}"
                    rows.append(f"{row}   {by_hand:9.5f}")
    lesson.say(
        f"The same for all units and examples, with a change of {STEP:g} in both directions: the "
        "difference of the errors is divided by the difference of the answers."
    )
    lesson.show("\n".join(rows))
    lesson.plot(
        "4-signals",
        lambda: charts.scatter(
            {"": pairs[:: max(1, len(pairs) // 300)]},
            "by changing the answer",
            "signal by backpropagation",
            diagonal=True,
        ),
        f"A point for each unit and example, from {lesson.seeds + 1} networks. On the line, both "
        "methods give the same number.",
    )
    claim = f"{len(pairs):,} signals against changed answers, largest error"
    lesson.claim(bounded(claim, max(abs(a - b) for a, b in pairs), high=1e-9))


def after(epochs: int, seed: int) -> MLP:
    """The network of that seed after so many epochs of training."""
    model = network(seed)
    if epochs:
        numbers = trial.after_all(TRIAL._replace(epochs=epochs), seed)
        for p, x in zip(model.parameters(), numbers):
            p.data = x
    return model


def largest(model: MLP) -> float:
    """The size of the largest signal of a hidden unit, over all examples."""
    return max(abs(x) for example in XOR for x in signals(model, example))


def learning(lesson: Lesson) -> None:
    """The signals while the network learns."""
    lesson.section("The signals while the network learns")
    lesson.say(
        f"Now the network learns all four examples, with the rate {TRIAL.rate:g} and the momentum "
        f"{TRIAL.alpha:g}. In each epoch, every weight follows its gradient, which eq. 6 makes "
        "from the signals."
    )
    models = [after(epochs, SEED) for epochs in MOMENTS]
    sizes = [largest(model) for model in models]
    errors = [error_of(model).data for model in models]
    found = [[signals(model, example) for example in XOR] for model in models]
    with lesson.predict("Do the signals of the hidden units grow or shrink while it learns?"):
        lesson.moments(
            "5-learning",
            "epoch",
            [
                (
                    f"epoch {epochs:,}: error {error:.4f}",
                    partial(
                        charts.bars,
                        dict(zip(UNITS, zip(*rows))),
                        NAMES,
                        "example (inputs a and b)",
                        "signal",
                        1.05 * max(sizes),
                    ),
                )
                for epochs, error, rows in zip(MOMENTS, errors, found)
            ],
            "The signals of the three hidden units for the four examples.",
        )
        lesson.show(
            "\n".join(
                f"epoch {epochs:5,}   error {error:.4f}   largest signal {size:.4f}"
                for epochs, error, size in zip(MOMENTS, errors, sizes)
            )
        )
        top = max(range(len(MOMENTS)), key=lambda i: sizes[i])
        first = (
            f"They grow first, until about epoch {MOMENTS[top]}: the weights to the output grow, "
            "and a signal contains such a weight. "
            if sizes[top] > 1.5 * sizes[0] and top < len(MOMENTS) - 1
            else ""
        )
        shrunk = sizes[-1] < sizes[0] / 2
        last = (
            f"In the end they are small, at most {sizes[-1]:.4f}: the output is near its target, "
            "and a signal contains the factor y - d."
            if shrunk
            else f"In the end the largest is {sizes[-1]:.4f}: the network has not learned it all."
        )
        lesson.say(first + last)


def silenced(model: MLP, j: int) -> tuple[float, float]:
    """The change of the error without hidden unit j: (predicted by the signals, measured)."""
    predicted = measured = 0.0
    for example in XOR:
        hidden = answers(model, example)
        predicted -= hidden[j] * signals(model, example)[j]
        measured += along(model, example, j, 0.0) - error_if(model, example, hidden)
    return predicted, measured


def needed(model: MLP) -> bool:
    """Whether some example is wrong if a certain hidden unit is silenced."""
    wrong = 1 / 8  # error of an example whose output is 0.5
    return any(
        along(model, example, j, 0.0) >= wrong for j in range(HIDDEN) for example in XOR
    ) and all(error_if(model, example, answers(model, example)) < wrong for example in XOR)


def useless(lesson: Lesson) -> None:
    """Silences the units of the trained network, whose signals are almost 0."""
    lesson.section("Is a unit with a signal of 0 useless?")
    model = after(MOMENTS[-1], SEED)
    error, most = error_of(model).data, largest(model)
    lesson.say(
        f"After {MOMENTS[-1]:,} epochs, no signal is larger than {most:.4f}, and the error on all "
        f"four examples is {error:.4f}. Now we silence one hidden unit: its answer is 0, whatever "
        "the inputs are."
    )
    with lesson.predict("The signals are almost 0. What does the error do without unit 1? 2? 3?"):
        found = [silenced(model, j)[1] for j in range(HIDDEN)]
        rows = [
            f"without {unit}: error {error + more:.4f}, {more:+.4f}"
            for unit, more in zip(UNITS, found)
        ]
        lesson.show("\n".join([f"whole network:  error {error:.4f}", *rows]))
        best, least = (
            max(range(HIDDEN), key=found.__getitem__),
            min(range(HIDDEN), key=found.__getitem__),
        )
        contrast = (
            f"No. Without {UNITS[best]} the error is {(error + found[best]) / error:,.0f} times as "
            f"large. Without {UNITS[least]} it changes by only {found[least]:.4f}. The signals do "
            "not tell them apart: all are almost 0. "
            if found[best] > 0.1 and abs(found[least]) < 0.1 * found[best]
            else "The signals do not say it: all are almost 0. "
            if found[best] > 0.1
            else "In this network no unit is needed much. "
        )
        lesson.say(
            f"{contrast}A signal of 0 says that a small change of the answer does not change the "
            "error. It says nothing about a large change. At the bottom of a valley the ground is "
            "flat, too."
        )
    jobs = range(lesson.seed, lesson.seed + min(lesson.seeds, TRAINED))
    ends = lesson.run(
        trial.after_all,
        [(TRIAL._replace(epochs=MOMENTS[-1]), seed) for seed in jobs],
        trial.seconds(TRIAL, MOMENTS[-1]) * len(jobs),
    )
    shrunk = wanted = 0
    for seed, numbers in zip(jobs, ends):
        model = network(seed)
        start = largest(model)
        for p, x in zip(model.parameters(), numbers):
            p.data = x
        shrunk += largest(model) < start
        wanted += needed(model)
    n = len(jobs)
    lesson.say(
        f"We trained {n} networks for {MOMENTS[-1]:,} epochs. In {shrunk} of them the largest "
        f"signal is below that of the first epoch. And {wanted} have all four examples right, but "
        "not without a certain unit."
    )
    lesson.claim(mostly("trained: the largest signal is below its start", shrunk, n))
    lesson.claim(mostly("trained: all right, but not without a certain unit", wanted, n))


def related(pairs: list[tuple[float, float]]) -> float:
    """The correlation of the two numbers of each pair; 0 if one of them is always the same."""
    first, second = zip(*pairs)
    return correlation(first, second) if len({*first}) > 1 and len({*second}) > 1 else 0.0


def guessing(lesson: Lesson) -> None:
    """The change of the error if a unit is silenced: predicted by the signals, and measured."""
    lesson.section("How far does a signal see?")
    lesson.say(
        "Before training the signals are not 0. Then they give a guess at the effect of silencing "
        "a unit: its answer h falls to 0, which is a change of -h, so the error should change by "
        "-h * signal, added up over the examples."
    )
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    pairs = {
        init: [[silenced(network(seed, init), j) for j in range(HIDDEN)] for seed in seeds]
        for init in RANGES
    }
    r = {
        init: [
            related([pair for each in some[i : i + BLOCK] for pair in each])
            for i in range(0, len(some) - BLOCK + 1, BLOCK)
        ]
        for init, some in pairs.items()
    }
    n = len(seeds)
    agree = sum(all((a > 0) == (b > 0) for a, b in each) for each in pairs[INIT])
    units = [pair for each in pairs[INIT] for pair in each]
    wrong = sum((a > 0) != (b > 0) for a, b in units)
    with lesson.predict(
        "A change to 0 is not small. Is the guess good? Is it better or worse if the first weights "
        "are larger?"
    ):
        lesson.plot(
            "6-silenced",
            lambda: charts.scatter(
                {
                    f"first weights to {init:g}": [pair for each in pairs[init] for pair in each]
                    for init in (1.0, INIT)
                },
                "predicted by the signals",
                "change of the error",
                diagonal=True,
            ),
            "The effect of silencing a unit. For a point on the line, the guess is exact.",
        )
        lesson.say(
            f"Of {len(units)} units, {len(units) - wrong} have the right sign, {wrong} the wrong "
            f"one. In {agree} of {n} networks all three signs are right. The signal of a unit is "
            "its marginal contribution, not its whole contribution: it is right for small changes."
        )
        if r[INIT]:
            medians = {init: sorted(found)[(len(found) - 1) // 2] for init, found in r.items()}
            told = "; ".join(f"first weights to {init:g}: {x:.3f}" for init, x in medians.items())
            worse = medians[RANGES[-1]] < medians[INIT]
            lesson.say(
                "The correlation r of guess and effect is 1 if all points are on a rising line. In "
                f"groups of {BLOCK} networks, its median is: {told}. "
                + ("With larger weights the guess is worse." if worse else "")
            )
    known = expected.scored(f"credit {INIT:g} signs", HIDDEN, HIDDEN)
    claim = "silenced: networks with all three signs predicted"
    lesson.claim(share(claim, agree, n, known))
    if r[INIT]:
        for init in RANGES:
            claim = f"silenced, first weights to {init:g}: median r in groups of {BLOCK}"
            sample = expected.sample(f"credit {init:g} r, blocks of {BLOCK}")
            lesson.claim(middle(claim, r[init], sample))
        claim = f"r if the first weights go to {', '.join(f'{x:g}' for x in RANGES)}"
        lesson.claim(falling(claim, [r[init] for init in RANGES]))


def check(lesson: Lesson) -> None:
    """Questions that the page answers."""
    lesson.check(
        "The output has by_x = -0.2, and the weight from a hidden unit to it is -3. What is the "
        "signal of the hidden unit? Should it answer more or less?",
        "-0.2 * (-3) = 0.6. The signal is positive, so the error falls if the unit answers less.",
    )
    lesson.check(
        "A hidden unit has the weight 0 to the only output. What is its signal?",
        "0, for every example: eq. 7 multiplies by this weight.",
    )
    lesson.check(
        "Is a unit with a signal of 0 useless?",
        "Not always. The signal tells the effect of a small change only. In a trained network all "
        "signals are almost 0, also those of units without which it fails.",
    )
    lesson.check(
        "Which two factors make the signals small when the output is near its target, and which "
        "one can make them large?",
        "y - d and y (1 - y) are small then. The weight to the output can be large.",
    )


if __name__ == "__main__":
    main()
