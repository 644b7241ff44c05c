"""The Loop: one step, every number; then a network learns exclusive or.

What is one turn of the loop that trains every network? A neuron with two weights takes one step,
phase by phase. How large may a step be? Then a 2-2-1 network learns exclusive or by many turns of
the same loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tinygrad_edu import Value, gradient, graph, plots, trace
from tinygrad_edu.analysis.check import numerical_gradient
from tinygrad_edu.data import Example, gate
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.drawable import Role
from tinygrad_edu.lesson.claims import bounded
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.telling import Lesson
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.optim import SGD, Momentum
from tinygrad_edu.train import History, loop, loss_below, train

__all__ = ["main"]

ONE_CASE = [Example(inputs=(1.0, -2.0), targets=(1.0,))]
BEGINNING = (0.5, 0.25, 0.1)  # w[0], w[1], b
XOR = gate("xor")
TITLES = {
    "forward": "FORWARD   every value is computed, from the inputs to the output",
    "loss": "LOSS      how wrong is the output?",
    "backward": "BACKWARD  whose fault is it? Every number gets a gradient",
    "update": "UPDATE    every weight moves against its gradient",
}
KIND = {"forward": "forward", "loss": "forward", "backward": "backward"}  # the events to show
SOURCE = "RHW 1986"  # Rumelhart, Hinton and Williams, Nature 323
PLACES = 200  # equal parts of a step; the curvature is measured at their ends


@command(seeds=20, quick=5, seed=3)
def main(lesson: Lesson) -> None:
    one_step(lesson)
    largest_step(lesson)
    learn_xor(lesson)


def neuron(activation: str) -> Neuron:
    """A neuron that begins at BEGINNING."""
    one = Neuron(2, activation, seed=0)
    for p, x in zip(one.parameters(), BEGINNING):
        p.data = x
    return one


def one_step(lesson: Lesson) -> None:
    """One step of one neuron, phase by phase, with every number and a picture of each phase."""
    lesson.say("One neuron, one step: y = sigmoid(w[0]*x[0] + w[1]*x[1] + b), and y should be 1.")
    unit = neuron("sigmoid")
    roles: dict[Value, Role] = dict.fromkeys(unit.parameters(), "parameter")
    optimizer = SGD(unit.parameters(), lr=2.0)

    def network(inputs: Sequence[float]) -> list[Value]:
        return [unit(inputs)]

    told, before = 0, None
    for i, turn in enumerate(loop(network, half_squared_error, ONE_CASE, optimizer, epochs=1), 1):
        turn.outputs[0][0].label = "y"
        drawn = turn.outputs[0][0] if turn.loss is None else turn.loss
        if turn.loss is not None:
            turn.loss.label = "loss"
        if turn.phase == "update":
            outputs = network(ONE_CASE[0].inputs)
            again = half_squared_error(outputs, ONE_CASE[0].targets)
            outputs[0].label, again.label = "y", "loss"
            optimizer.zero_grad()
            again.backward()
            lines = [f"{name} = {p.data:.4f}" for name, p in unit.named_parameters()]
            lines.append(f"the loss: {drawn.data:.4f} before, {again.data:.4f} now")
            picture = graph(again, roles=roles).draw(before=before, level="network")
        else:
            if turn.phase == "backward":
                check_gradient(lesson, [p.grad for p in unit.parameters()])
            events = trace(drawn)
            lines = [events.line(event) for event in events if event.phase == KIND[turn.phase]]
            lines = [line.partition(" ")[2].strip() for line in lines]
            lines, told = lines[told:], len(lines) if turn.phase == "forward" else 0
            before = graph(drawn, roles=roles)
            picture = before.draw()
        lesson.show("\n  ".join([TITLES[turn.phase], *lines]))
        lesson.picture(f"{i}-{turn.phase}", picture, TITLES[turn.phase].partition(" ")[2].strip())


def check_gradient(lesson: Lesson, grads: Sequence[float]) -> None:
    """Claims that the gradients agree with numerical differences, which use no chain rule."""

    def error(*numbers: Value) -> Value:
        unit = Neuron(2, "sigmoid", seed=0)
        unit.w, unit.b = list(numbers[:2]), numbers[2]
        return half_squared_error([unit(ONE_CASE[0].inputs)], ONE_CASE[0].targets)

    slopes = numerical_gradient(error, *BEGINNING)
    worst = max(abs(grad - slope) for grad, slope in zip(grads, slopes))
    claim = "gradient against differences, largest error"
    lesson.claim(bounded(claim, "calculus", worst, high=1e-9))


def largest_step(lesson: Lesson) -> None:
    """A small step lowers the error. How small is small?"""
    unit = neuron("linear")

    def straight(rate: float) -> float:
        return error_after(unit.parameters(), lambda xs: [unit(xs)], ONE_CASE, rate)

    bound = 2 / (1 + sum(x * x for x in ONE_CASE[0].inputs))
    found = first_rise(straight, bound / 100)
    lesson.say(
        "How large may a step be? For a neuron without the sigmoid, the error along the step is a "
        f"parabola, and every step with a rate below 2 / (1 + x.x) = {bound:.4f} lowers the error. "
        f"The lesson tries rates and finds the bound {found:.4f}."
    )
    off = abs(found / bound - 1)
    claim = "one neuron: bound of the rate, relative error from 2/(1 + x.x)"
    lesson.claim(bounded(claim, "algebra", off, high=1e-9))
    loss = half_squared_error([unit(ONE_CASE[0].inputs)], ONE_CASE[0].targets)
    loss.label = "loss"
    lesson.play(
        "5-neuron",
        lambda: loss.page(roles=dict.fromkeys(unit.parameters(), "parameter")),
        f"This neuron in your hands. Take gradient steps with a rate below {bound:.4f}, then with "
        "one above it: the loss falls, then it grows without end.",
    )

    pairs = []
    for seed in range(lesson.seed, lesson.seed + lesson.seeds):
        model = MLP(2, [2, 1], "sigmoid", seed=seed)
        rise = first_rise(partial(error_after, model.parameters(), model, XOR), 1e-3)
        pairs.append((rise, safe_rate(model, rise)))
    (rise, safe), ratio = pairs[0], min(rise / safe for rise, safe in pairs)
    model = MLP(2, [2, 1], "sigmoid", seed=lesson.seed)
    lesson.say(
        "For a network on exclusive or, the error along the step is not a parabola. But its "
        "curvature has a largest value L, and every rate below 2 |gradient|^2 / L lowers the "
        f"error. For seed {lesson.seed} this bound is {safe:.3g}; the first rate that raises the "
        f"error is {rise:.3g}."
    )
    claim = f"XOR, {lesson.seeds} seeds: smallest (first rate that raises the error) / bound"
    lesson.claim(bounded(claim, "Taylor's theorem", ratio, low=1.0))
    rates = [rise * 1.5 * i / 60 for i in range(61)]
    lesson.plot(
        "5-rates",
        lambda: charts.lines(
            {
                "error": [
                    (rate, error_after(model.parameters(), model, XOR, rate)) for rate in rates
                ]
            },
            "rate of the one step",
            "error after it",
            marks={"surely lower": safe, "as before": rise},
            level=error_after(model.parameters(), model, XOR, 0.0),
            dots=False,
        ),
        "The error after one step, for every rate. Left of the first line it is always lower than "
        "before the step.",
    )


def error_of(model: Callable[[Sequence[float]], list[Value]], examples: Sequence[Example]) -> Value:
    losses = [half_squared_error(model(example.inputs), example.targets) for example in examples]
    return sum(losses[1:], losses[0])


def error_after(
    parameters: Sequence[Value],
    model: Callable[[Sequence[float]], list[Value]],
    examples: Sequence[Example],
    rate: float,
) -> float:
    """The error after one step of that rate; afterwards the parameters are as before."""
    error = error_of(model, examples)
    before = [p.data for p in parameters]
    for p, slope in zip(parameters, gradient(error, parameters)):
        p.data -= rate * slope.data
    after = error_of(model, examples).data
    for p, x in zip(parameters, before):
        p.data = x
    return after


def first_rise(after: Callable[[float], float], rate: float) -> float:
    """The smallest rate, searched upward from `rate`, for which a step fails to lower the error."""
    before, low = after(0.0), 0.0
    while after(rate) < before:
        low, rate = rate, 1.05 * rate
    for _ in range(60):
        middle = (low + rate) / 2
        low, rate = (middle, rate) if after(middle) < before else (low, middle)
    return rate


def safe_rate(model: MLP, rise: float) -> float:
    """2 |gradient|^2 / L, where L is the largest curvature along a step of the rate `rise`."""
    slopes = [slope.data for slope in gradient(error_of(model, XOR), model.parameters())]
    moved = MLP(2, [2, 1], "sigmoid")
    curvatures = []
    for i in range(PLACES + 1):
        rate = Value(rise * i / PLACES)
        numbers = iter(zip(model.parameters(), slopes))
        for layer in moved.layers:
            for unit in layer.neurons:
                here = [p.data - rate * slope for p, slope in (next(numbers) for _ in range(3))]
                unit.w, unit.b = here[:2], here[2]
        (slope,) = gradient(error_of(moved, XOR), [rate])
        (curvature,) = gradient(slope, [rate])
        curvatures.append(abs(curvature.data))
    return 2 * sum(slope * slope for slope in slopes) / max(curvatures)


def learn_xor(lesson: Lesson) -> None:
    """A 2-2-1 network of sigmoids learns exclusive or, with the momentum of 1986."""
    model = MLP(2, [2, 1], "sigmoid", seed=lesson.seed)
    learner = Momentum(model.parameters(), 0.5, 0.9)
    history: History = train(
        model,
        half_squared_error,
        XOR,
        learner,
        epochs=5_000,
        reduction="sum",
        until=loss_below(0.001),
    )
    lesson.say(
        f"The same loop trains a 2-2-1 network on exclusive or: {history.stopped} after "
        f"{history.epochs} epochs (the first loss was {history.losses[0]:.4f}). An epoch is one "
        "pass over all examples; the paper of 1986 calls it a sweep."
    )
    answers = [(example, model(example.inputs)[0].data) for example in XOR]
    lesson.show("\n".join(f"{c.inputs} -> {y:.4f}, target {c.targets[0]:g}" for c, y in answers))
    left = history.losses[-1] / history.losses[0]
    lesson.claim(
        bounded(f"XOR, seed {lesson.seed}: last loss / first loss", SOURCE, left, high=0.9)
    )
    lesson.plot("6-loss-curve", lambda: plots.plot(history, "loss"), "The loss at each step.")


if __name__ == "__main__":
    main()
