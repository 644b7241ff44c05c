"""Credit: whose fault is it? Every hidden unit has an error signal.

There is no target for a hidden unit. Its error signal is d error / d answer: how the error would
change if the unit answered a little more. We can test this: the lesson changes the answer by hand
and computes the error again. And what happens if the unit is removed?
"""

from __future__ import annotations

from math import atanh, inf, tanh
from random import Random
from statistics import correlation

from tinygrad_edu import Value, gradient
from tinygrad_edu.analysis.check import central_difference
from tinygrad_edu.data import Example, gate
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.weights import Weights
from tinygrad_edu.lesson.claims import Claim, bounded, share
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP
from tinygrad_edu.nn.init import uniform

__all__ = ["main"]

XOR = gate("xor")
HIDDEN = 3
INIT = 0.3  # as in 1986
LARGER = (1.0, 2.0)
SOURCE = "RHW 1986, eq. 7"  # Rumelhart, Hinton and Williams, Nature 323
STEP = 1e-6  # of a hidden unit's answer
STEPS = [10.0**-k for k in range(2, 12)]
SEEDS = 200
QUICK = 50


@command(seeds=SEEDS, quick=QUICK)
def main(lesson: Lesson) -> None:
    error_signals(lesson)
    every_weight(lesson)
    knocked_out(lesson)


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


def signals(model: MLP, example: Example) -> list[float]:
    """d error / d answer of each hidden unit, by backpropagation."""
    hidden = model.layers[0](example.inputs)
    error = half_squared_error(model.layers[1](hidden), example.targets)
    return [signal.data for signal in gradient(error, hidden)]


def error_signals(lesson: Lesson) -> None:
    """Compares the error signal of each hidden unit with a change of its answer by hand."""
    rows = ["example   unit   answers   signal    by hand"]
    pairs, off = [], 0.0
    for seed in range(lesson.seed, lesson.seed + lesson.seeds):
        model = network(seed)
        for example in XOR:
            hidden, found = answers(model, example), signals(model, example)
            for j in range(HIDDEN):

                def along(
                    h: float, j: int = j, example: Example = example, model: MLP = model
                ) -> float:
                    said = answers(model, example)
                    return error_if(model, example, [*said[:j], h, *said[j + 1 :]])

                by_hand = central_difference(along, hidden[j], STEP)
                pairs.append((by_hand, found[j]))
                off = max(off, abs(by_hand - found[j]))
                if seed == lesson.seed:
                    name = f"{example.inputs[0]:g} {example.inputs[1]:g}"
                    row = f"{name}      {j + 1}   {hidden[j]:8.4f} {found[j]:9.5f}  {by_hand:9.5f}"
                    rows.append(row)
    lesson.say(
        "A 2-3-1 network before training, on exclusive or. The table shows the error signal of "
        "each hidden unit. The last column is the same derivative by hand: the answer of the unit "
        f"is changed by {STEP:g} in both directions, and the difference of the errors is divided "
        "by the difference of the answers."
    )
    lesson.show("\n".join(rows))
    picture_of_one(lesson)
    claim = f"signals and derivatives by hand: largest error of {len(pairs)}"
    lesson.claim(bounded(claim, SOURCE, off, high=1e-9))
    lesson.plot(
        "3-signals",
        lambda: charts.scatter(
            {"": pairs[:: max(1, len(pairs) // 300)]},
            "by hand: difference of the error",
            "backpropagation: error signal",
            diagonal=True,
        ),
        "A point for each hidden unit and example: both methods give the same number.",
    )


def picture_of_one(lesson: Lesson) -> None:
    """The second example in the first network, as a diagram of units and as a graph."""
    model, example = network(lesson.seed), XOR[1]
    found = signals(model, example)
    said = {f"layer1.neuron{j + 1}": ("signal", f"{x:.5f}") for j, x in enumerate(found)}
    lesson.picture(
        "1-units",
        Weights(model, ["x1 = 0", "x2 = 1"], ["y"], said),
        "Example 01, with the target 1. The signal of a hidden unit is the signal of the output, "
        "times the weight between them.",
    )
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(example.inputs, 1)]
    outputs = model(inputs)
    outputs[0].label = "y"
    error = half_squared_error(outputs, example.targets)
    error.label = "error"
    error.backward()
    lesson.play(
        "2-network",
        lambda: error.page(level="network", precision=3, roles={error: "loss"}),
        "The same with the error after the output, and the gradient of each weight below it.",
    )


def every_weight(lesson: Lesson) -> None:
    """The U-curve: the error of central differences for all weights, for each step."""
    model = network(lesson.seed)
    parameters = model.parameters()

    def error() -> Value:
        losses = [half_squared_error(model(example.inputs), example.targets) for example in XOR]
        return sum(losses[1:], losses[0])

    slopes = [slope.data for slope in gradient(error(), parameters)]
    worst = []
    for step in STEPS:
        off = 0.0
        for p, slope in zip(parameters, slopes):
            x = p.data

            def along(z: float, p: Value = p) -> float:
                p.data = z
                return error().data

            off = max(off, abs(central_difference(along, x, step) - slope))
            p.data = x
        worst.append((step, off))
    best = min(worst, key=lambda pair: pair[1])
    lesson.say(
        f"The same test for all {len(parameters)} weights and biases, with several steps. A wide "
        "step is wrong because the error is curved, a narrow step because of rounding. The best "
        f"step is {best[0]:g}, with an error of at most {best[1]:.1e}. Backpropagation needs no "
        "step."
    )
    lesson.show("\n".join(f"step {step:6.0e}   largest error {off:.1e}" for step, off in worst))
    claim = "all weights: error at the bottom of the U"
    lesson.claim(bounded(claim, "rounding", best[1], high=1e-10))
    lesson.plot(
        "4-steps",
        lambda: charts.lines({"error": worst}, "step", "largest error", log="xy"),
        "The largest error of a central difference, for each step.",
    )


def silenced(model: MLP, j: int) -> tuple[float, float]:
    """The change of the error without hidden unit j: (predicted by the signals, measured)."""
    predicted = measured = 0.0
    for example in XOR:
        hidden = answers(model, example)
        predicted -= hidden[j] * signals(model, example)[j]
        without = [*hidden[:j], 0.0, *hidden[j + 1 :]]
        measured += error_if(model, example, without) - error_if(model, example, hidden)
    return predicted, measured


def knocked_out(lesson: Lesson) -> None:
    """The change of the error if a unit is silenced: predicted by the signals, and measured."""
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    pairs = {
        init: [silenced(network(seed, init), j) for seed in seeds for j in range(HIDDEN)]
        for init in (INIT, *LARGER)
    }
    r = {init: correlation(*zip(*some)) for init, some in pairs.items()}
    n = len(pairs[INIT])
    agree = sum((a > 0) == (b > 0) for a, b in pairs[INIT])
    lesson.say(
        "A signal predicts the effect of a small change. If a unit is silenced, its answer falls "
        "to 0. This change is not small, so signal times answer is only a first guess at the "
        f"effect. For {n} units the guess is good: the correlation r is {r[INIT]:.3f}. (A program "
        "with NumPy had r = 0.970; the range of its first weights is not recorded.) But the guess "
        f"is not exact: for {n - agree} units even the sign is wrong. The gradient is the marginal "
        "contribution of a unit, not its total contribution. With larger weights, the guess is "
        "worse."
    )
    source = "first order"
    few = lesson.seeds < QUICK
    slack = 2.33 / (n - 3) ** 0.5 if n > 3 else inf  # chance with n units (Fisher 1921)
    low = tanh(atanh(0.95) - slack) if few else 0.95
    lesson.claim(bounded("silenced units: predicted against measured, r", source, r[INIT], low))
    claim = "silenced units: the predicted sign is right"
    lesson.claim(share(claim, source, agree, n, 0.88, 0.995, of=HIDDEN * QUICK))
    for init in LARGER:
        claim = f"r, first weights from -{init:g} to {init:g}"
        less = None if few else r[init] < r[INIT]
        lesson.claim(Claim(claim, source, "less", f"{r[init]:.3f}", less))
    lesson.plot(
        "5-silenced",
        lambda: charts.scatter(
            {f"weights to {init:g}": some for init, some in reversed(pairs.items()) if init < 2},
            "predicted by the signals",
            "change of the error",
            diagonal=True,
        ),
        "The effect of silencing a unit. For a point on the line, the prediction is exact.",
    )


if __name__ == "__main__":
    main()
