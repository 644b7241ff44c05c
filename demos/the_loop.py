"""The Loop: one step, every number; then a network learns exclusive or.

What is one turn of the loop that trains every network? A neuron with two weights takes one step,
phase by phase. How large may a step be? Then a 2-2-1 network learns exclusive or by many turns of
the same loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinygrad_edu import Value, chain_rule, gradient, graph, ops, trace
from tinygrad_edu.data import Example, gate
from tinygrad_edu.demos.laboratory import charts, equations
from tinygrad_edu.demos.laboratory.differences import apart
from tinygrad_edu.demos.laboratory.names import named
from tinygrad_edu.drawable import Role
from tinygrad_edu.lesson.claims import bounded, share
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson, line_of
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.optim import SGD, Momentum, methods
from tinygrad_edu.train import History, compiled_loss, loop, loss_below, train

__all__ = ["main"]

ONE_CASE = [Example(inputs=(1.0, -2.0), targets=(1.0,))]
BEGINNING = (0.5, 0.25, 0.1)  # w[0], w[1], b
RATE = 2.0  # of the one step
NAMES = ("p", "r", "q", "s", "y", "e", "square", "loss")  # of the operations, in order
STRAIGHT = ("p", "r", "q", "y", "e", "square", "loss")  # without the sigmoid
XOR = gate("xor")
TITLES = {
    "forward": "FORWARD   every value is computed, from the inputs to the output",
    "loss": "LOSS      how wrong is the output?",
    "backward": "BACKWARD  the chain rule gives every number a gradient",
    "update": "UPDATE    every parameter moves against its gradient",
}
KIND = {"forward": "forward", "loss": "forward", "backward": "backward"}  # the events to show
PLACES = 200  # equal parts of a step; the curvature is measured at their ends
SMALL = 1e-3  # a rate at which the loss falls as its gradient says, to a per cent
RATE_XOR, MOMENTUM_XOR, ENOUGH = 0.5, 0.9, 0.001
PATIENCE = 200_000  # epochs
LIMIT = f"within {PATIENCE:,} epochs"
SHOWN = 3  # runs in the plot of the loss
WIDE = 1e-2  # the step of a second difference

# A NumPy program without this package found these numbers. Its first weights of a network are those
# of the seed: Glorot's range from `random.Random(seed)`, neuron by neuron, and biases of 0.
PINS = {
    "gradient": "-0.1185, 0.2369, -0.1185",
    "parameters": "0.7369, -0.2238, 0.3369",
    "gradient after": "-0.02637, 0.05274, -0.02637",
    "rates, seed 3": "5.218, 5.514",
    "epochs, seed 3": 638,
    "outputs, seed 3": "0.0224, 0.9790, 0.9744, 0.0200",
}
LEARNED = (1_647, 2_000)  # of the seeds from 1,000,000 on, within PATIENCE

PLAN = Plan(
    question="What is one turn of the loop that trains every network?",
    minutes=20,
    look="the film of the phases; the update as arithmetic; the loss for every rate",
    ask=[
        "In which direction does `w[1]` move, and why does `w[0]` move in the other?",
        "What happens if the rate is ten times as large?",
    ],
    mistake=Mistake(
        file="tinygrad_edu/optim/methods.py",
        line="return p - lr * _pulled(g, p, weight_decay)",
        instead="return p + lr * _pulled(g, p, weight_decay)",
        fails="one neuron: loss after the step / loss before it",
    ),
    read=[
        "D. E. Rumelhart, G. E. Hinton, R. J. Williams: Learning representations by "
        "back-propagating errors. Nature 323 (1986), 533-536.",
        "M. Nielsen: Neural Networks and Deep Learning (2015), chapters 1 and 2; a free book on "
        "the web.",
        "A. Karpathy: The spelled-out intro to neural networks and backpropagation: building "
        "micrograd (2022); a lecture on video.",
    ],
    follows="reverse_mode",
)


@command(plan=PLAN, seeds=20, quick=5, seed=3, takes="about 2 seconds")
def main(lesson: Lesson) -> None:
    one_step(lesson)
    largest_step(lesson)
    learn_xor(lesson)
    the_equations(lesson)


def neuron(activation: str) -> Neuron:
    """A neuron that begins at BEGINNING."""
    one = Neuron(2, activation, seed=0)
    for p, x in zip(one.parameters(), BEGINNING):
        p.data = x
    return one


def digits(numbers: Sequence[float]) -> str:
    """The numbers with four significant digits."""
    return ", ".join(f"{x:#.4g}" for x in numbers)


def moved(x: float, grad: float, rate: float = RATE) -> str:
    """The update of x as arithmetic; `≈` if the rounded gradient gives another last digit."""
    shown = f"{grad:.4f}" if grad >= 0 else f"({grad:.4f})"
    same = f"{x - rate * float(f'{grad:.4f}'):.4f}" == f"{x - rate * grad:.4f}"
    return f"{x:g} - {rate:g} x {shown} {'=' if same else '≈'}"


def fixed(numbers: Sequence[float]) -> str:
    """The numbers with four decimals."""
    return ", ".join(f"{x:.4f}" for x in numbers)


def one_step(lesson: Lesson) -> None:
    """One step of one neuron, phase by phase, with every number."""
    lesson.section("One step, every number")
    lesson.say(
        "A neuron has two weights and a bias: `y = sigmoid(b + w[0]*x[0] + w[1]*x[1])`. Its inputs "
        "are x[0] = 1 and x[1] = -2, and y should be 1. One turn of the loop has four phases: "
        "forward, loss, backward, update. The update here is gradient descent with the rate "
        f"{RATE:g}: a parameter p becomes `p - {RATE:g} x grad p`."
    )
    unit = neuron("sigmoid")
    parameters = unit.parameters()
    begin = ", ".join(f"{name} = {p.data}" for name, p in unit.named_parameters())
    roles: dict[Value | str, Role] = dict.fromkeys(parameters, "parameter")

    def network(inputs: Sequence[float]) -> list[Value]:
        xs = [Value(x, label=f"x[{i}]") for i, x in enumerate(inputs)]
        return [named(unit(xs), NAMES)]

    def error() -> Value:
        loss = half_squared_error(network(ONE_CASE[0].inputs), ONE_CASE[0].targets)
        named(loss, NAMES)
        return loss

    with lesson.predict(
        f"The neuron begins with {begin}. In which direction does w[1] move? And why does w[0] "
        "move in the other?"
    ):
        told, shown, stills = 0, list[str](), list[tuple[str, Callable[[], Any]]]()
        for turn in loop(network, half_squared_error, ONE_CASE, SGD(parameters, RATE), epochs=1):
            if turn.phase == "update":
                break
            drawn = named(turn.outputs[0][0] if turn.loss is None else turn.loss, NAMES)
            events, now = trace(drawn), graph(drawn, roles=roles)
            lines = [events.line(event) for event in events if event.phase == KIND[turn.phase]]
            lines = [line.partition(" ")[2].strip() for line in lines]
            lines, told = lines[told:], len(lines) if turn.phase == "forward" else 0
            lines = [line.replace("local derivative", "local") for line in lines]
            shown.append("\n  ".join([TITLES[turn.phase], *lines]))
            stills.append((turn.phase, now.draw))
            if turn.phase == "backward":
                old, grads = [p.data for p in parameters], [p.grad for p in parameters]
                off = apart(error, parameters, grads)
        again = error()
        again.zero_grad()
        again.backward()
        moves = list(zip(unit.named_parameters(), old, grads))
        lines = [f"{n} := {moved(x, g)} {p.data:.4f}" for (n, p), x, g in moves]
        lines.append(f"loss: {drawn.data:.4f} before the step, {again.data:.4f} after it")
        shown.append("\n  ".join([TITLES["update"], *lines]))
        lesson.film("1-film", events, "The phases forward, loss and backward, event by event.")
        for phase in shown:
            lesson.show(phase)
        stills.append(
            ("update", lambda: graph(again, roles=roles).draw(before=now, level="network"))
        )
        lesson.say(
            "A parameter moves against its gradient. "
            + " ".join(
                f"The grad of {n} is {'positive' if g > 0 else 'negative'}, so {n} becomes "
                f"{'smaller' if p.data < x else 'larger'}."
                for (n, p), x, g in moves
                if g
            )
            + " The grads of w[0] and w[1] have the same factor, grad s; the local derivatives "
            "are x[0] = 1 and x[1] = -2, and these have different signs. The inputs get "
            "grads, too, but they are given: no update changes them."
        )
        lesson.moments(
            "2-phases",
            "phase",
            stills,
            "The numbers after each phase. In the last one, the gradients are those after the "
            "step: they were set to 0 before the second backward.",
            diagrams=True,
        )
    claim = "one neuron: gradient against differences, largest error"
    lesson.claim(bounded(claim, off, high=1e-6))
    lesson.pin("one neuron: gradient", digits(grads), PINS["gradient"])
    new = digits([p.data for p in parameters])
    lesson.pin("one neuron: parameters after the step", new, PINS["parameters"])
    new = digits([p.grad for p in parameters])
    lesson.pin("one neuron: gradient after the step", new, PINS["gradient after"])
    claim = "one neuron: loss after the step / loss before it"
    lesson.claim(bounded(claim, again.data / drawn.data, 0, 0.999))
    w0 = f"{moved(old[0], grads[0], 0.1)} {old[0] - 0.1 * grads[0]:.4f}"
    lesson.check("The rate is 0.1 instead of 2. What is w[0] after the step?", f"w[0] := {w0}.")
    lesson.check(
        "Which box of the film gets the first gradient, and which number is it?",
        "The loss; its gradient is 1, because d loss / d loss = 1.",
    )


def largest_step(lesson: Lesson) -> None:
    """A small step lowers the loss. How small is small?"""
    lesson.section("How large may a step be?")
    unit = neuron("linear")
    xs = ONE_CASE[0].inputs
    bound = 2 / (1 + sum(x * x for x in xs))
    found = first_rise(partial(error_after, unit, ONE_CASE), bound / 100)
    lesson.say(
        "A neuron without the sigmoid has the same inputs, weights and target. Along its step, the "
        "loss is a parabola."
    )
    with lesson.predict(
        "Does this neuron's loss fall with the rate 2? Which rates lower the loss?"
    ):
        after = error_after(unit, ONE_CASE, RATE)
        lesson.say(
            "Every rate below `2 / (1 + x[0]^2 + x[1]^2)` lowers the loss: below "
            f"{bound:.4f}. The lesson tries rates, and the first one that does not lower the loss "
            f"is {found:.4f}. With the rate 2, the loss goes from "
            f"{error_of(unit, ONE_CASE).data:.4f} to {after:.4f}."
        )
        loss = named(half_squared_error([unit(xs)], ONE_CASE[0].targets), STRAIGHT)
        roles: dict[Value | str, Role] = dict.fromkeys(unit.parameters(), "parameter")
        lesson.play(
            "3-neuron",
            lambda: loss.page(roles=roles),
            f"This neuron as a live page. Take steps with a rate below {bound:.4f}: the loss "
            "falls. Take steps with a rate above it: the loss grows.",
        )
    claim = "linear neuron: bound of the rate, relative to 2/(1 + x.x)"
    lesson.claim(bounded(claim, found / bound, 0.99999, 1.00001))
    lesson.check(
        "A linear neuron has the inputs 1 and -2. Does a step with the rate 0.4 lower its loss?",
        f"No: 0.4 is above 2 / (1 + 1 + 4) = {bound:.4f}.",
    )
    network_step(lesson)


def network_step(lesson: Lesson) -> None:
    """The loss of networks on exclusive or along their first step."""
    seeds = [*range(lesson.seed, lesson.seed + lesson.seeds)]
    model = network_of(lesson.seed)
    rise = first_rise(partial(error_after, model, XOR), SMALL)
    safe, _ = safe_rate(model, rise)
    lesson.say(
        "For a network on exclusive or, the loss along the step is not a parabola. But its "
        "curvature has a largest value L on the way, and a step that stays below the rate "
        "`2 |gradient|^2 / L` lowers the loss (Taylor's theorem). For the 2-2-1 network of seed "
        f"{lesson.seed}, this bound is {safe:.4g}. The first rate that does not lower the loss is "
        f"{rise:.4g}{f', {rise / safe:.4f} times the bound' if safe else ''}."
    )
    rates = [rise * 1.5 * i / 60 for i in range(61)]
    lesson.plot(
        "4-rates",
        lambda: charts.lines(
            {"loss": [(rate, error_after(model, XOR, rate)) for rate in rates]},
            "rate of the one step",
            "loss after it",
            marks={"bound": safe, "as before": rise},
            level=error_of(model, XOR).data,
            dots=False,
        ),
        "The loss of the network after one step, for every rate. The dotted line is the loss "
        "before the step. Left of the line `bound`, the loss after the step is always lower.",
    )
    offs, bends, falls = [], [], []
    for seed in seeds:
        model = network_of(seed)
        parameters, loss = model.parameters(), partial(error_of, model, XOR)
        for p in parameters:
            p.grad = 0.0
        before = loss()
        before.backward()
        grads = [p.grad for p in parameters]
        program, columns = compiled_loss(model, [half_squared_error], XOR, parameters)
        _, slopes = program(*columns)
        offs += [apart(loss, parameters, grads), apart(loss, parameters, slopes)]
        bends.append(safe_rate(model, SMALL, places=1)[1])
        SGD(parameters, SMALL).step()
        falls.append((before.data - loss().data) / (SMALL * (sum(g * g for g in grads) or 1)))
    n = f"XOR, {len(seeds)} seeds"
    claim = f"{n}: gradient (eager, compiled) against differences"
    lesson.claim(bounded(claim, max(offs), high=1e-6))
    claim = f"{n}: curvature by the chain rule against differences"
    lesson.claim(bounded(claim, max(bends), high=1e-3))
    claim = f"{n}: fall of the loss / (rate x |gradient|^2)"
    lesson.claim(bounded(claim, max(falls, key=lambda fall: abs(fall - 1)), 0.98, 1.02))
    model = network_of(3)
    rise = first_rise(partial(error_after, model, XOR), SMALL)
    both = digits([safe_rate(model, rise)[0], rise])
    lesson.pin("XOR, seed 3: bound of the rate, first rate above", both, PINS["rates, seed 3"])


def network_of(seed: int) -> MLP:
    """The 2-2-1 network of a seed."""
    return MLP(2, [2, 1], "sigmoid", seed=seed)


def error_of(model: Callable[[Any], Any], examples: Sequence[Example]) -> Value:
    """The sum of the losses of the examples."""
    losses = []
    for example in examples:
        y = model(example.inputs)
        losses.append(half_squared_error(y if isinstance(y, list) else [y], example.targets))
    return sum(losses[1:], losses[0])


def error_after(model: Neuron | MLP, examples: Sequence[Example], rate: float) -> float:
    """The loss after one step of that rate; afterwards the parameters are as before."""
    parameters = model.parameters()
    before = [p.data for p in parameters]
    for p, slope in zip(parameters, gradient(error_of(model, examples), parameters)):
        p.data -= rate * slope.data
    after = error_of(model, examples).data
    for p, x in zip(parameters, before):
        p.data = x
    return after


def first_rise(after: Callable[[float], float], rate: float) -> float:
    """The smallest rate, searched upward from `rate`, for which a step fails to lower the loss."""
    before, low = after(0.0), 0.0
    while after(rate) < before:
        low, rate = rate, 1.05 * rate
    for _ in range(60):
        middle = (low + rate) / 2
        low, rate = (middle, rate) if after(middle) < before else (low, middle)
    return rate


def safe_rate(model: MLP, rise: float, places: int = PLACES) -> tuple[float, float]:
    """(2 |gradient|^2 / L, distance) for the largest curvature L along a step of the rate `rise`.

    distance: of the curvatures, by the chain rule twice, from second differences, relative to L.
    """
    slopes = [slope.data for slope in gradient(error_of(model, XOR), model.parameters())]
    by = dict(zip(model.parameters(), slopes))
    other = network_of(0)

    def at(rate: Value) -> Value:
        for layer, old in zip(other.layers, model.layers):
            for unit, before in zip(layer.neurons, old.neurons):
                unit.w = [w.data - rate * by.get(w, 0.0) for w in before.w]
                unit.b = before.b.data - rate * by.get(before.b, 0.0)
        return error_of(other, XOR)

    curvatures, off = [], 0.0
    for i in range(places + 1):
        rate = Value(rise * i / places)
        (slope,) = gradient(at(rate), [rate])
        (curvature,) = gradient(slope, [rate])
        curvatures.append(abs(curvature.data))
        if i in (0, places):
            low, here, high = (at(Value(rate.data + d)).data for d in (-WIDE, 0.0, WIDE))
            off = max(off, abs(curvature.data - (low - 2 * here + high) / WIDE**2))
    largest = max(curvatures) or 1.0
    return 2 * sum(slope * slope for slope in slopes) / largest, off / largest


def learn_xor(lesson: Lesson) -> None:
    """2-2-1 networks of sigmoids learn exclusive or, with the momentum of 1986."""
    lesson.section("The same loop learns exclusive or")
    lesson.say(
        "The same loop trains a 2-2-1 network on exclusive or. The loss is now the sum over four "
        f"examples; the update is momentum: equation 9 below with the rate {RATE_XOR} and the "
        f"momentum {MOMENTUM_XOR}. An epoch is one pass over all examples, with one update at its "
        f"end; the paper of 1986 calls it a sweep. The network has learned when the loss is below "
        f"{ENOUGH}."
    )
    seeds = [*range(lesson.seed, lesson.seed + lesson.seeds)]
    runs = {seed: xor_run(seed) for seed in dict.fromkeys([*seeds, 3])}
    took = {seed: learned(history) for seed, (_, history) in runs.items()}
    with lesson.predict(
        f"After how many epochs has the network of seed {lesson.seed} learned? Does every seed "
        "learn?"
    ):
        epochs, outputs = took[lesson.seed], runs[lesson.seed][0]
        first, last = (runs[lesson.seed][1].losses[i] for i in (0, -1))
        what = f"learns it in {epochs:,} epochs" if epochs else f"has not learned {LIMIT}"
        lesson.say(
            f"The network of seed {lesson.seed} {what}. Its first loss is {first:.4f}, its last "
            f"one {last:.4g}."
        )
        lesson.show(
            "\n".join(
                f"({example.inputs[0]:g}, {example.inputs[1]:g}) -> {y:.4f}, target "
                f"{example.targets[0]:g}"
                for example, y in zip(XOR, outputs)
            )
        )
        there = [n for seed in seeds if (n := took[seed]) is not None]
        stuck = [seed for seed in seeds if took[seed] is None]
        told = f"Of the seeds {seeds[0]} to {seeds[-1]}, {len(there)} of {len(seeds)} learn"
        told += f", in {min(there):,} to {max(there):,} epochs." if there else "."
        if stuck:
            outputs, history = runs[stuck[0]]
            told += (
                f" The loss of seed{'s' * (len(stuck) > 1)} {', '.join(map(str, stuck))} is not "
                f"below {ENOUGH} {LIMIT}. Seed {stuck[0]} ends with the loss "
                f"{history.losses[-1]:.4f} and the outputs {fixed(outputs)}."
            )
        told += (
            f" Another program tried {LEARNED[1]:,} seeds: {LEARNED[0]:,} of them learn {LIMIT}. "
            "The lesson `hidden_units` looks at networks that do not."
        )
        lesson.say(told)
        lesson.plot(
            "5-losses",
            lambda: charts.lines(
                {f"seed {seed}": thinned(runs[seed][1].losses) for seed in seeds[:SHOWN]},
                "epoch",
                "loss",
                log="x",
                dots=False,
            ),
            "The loss at each epoch, for the first seeds.",
        )
    lesson.pin("XOR, seed 3: epochs until the loss is small", took[3], PINS["epochs, seed 3"])
    lesson.pin("XOR, seed 3: outputs then", fixed(runs[3][0]), PINS["outputs, seed 3"])
    claim = f"XOR: the loss is below {ENOUGH} {LIMIT}"
    lesson.claim(share(claim, len(there), len(seeds), LEARNED))
    lesson.check(
        "What are the rule, the rate and the momentum for exclusive or?",
        f"Momentum (equation 9), the rate {RATE_XOR}, and the momentum {MOMENTUM_XOR}.",
    )


def xor_run(seed: int) -> tuple[list[float], History]:
    """(outputs for the four examples, history) of the run of a seed."""
    model = network_of(seed)
    history: History = train(
        model,
        half_squared_error,
        XOR,
        Momentum(model.parameters(), RATE_XOR, MOMENTUM_XOR),
        epochs=PATIENCE,
        reduction="sum",
        until=loss_below(ENOUGH),
        compiled=True,
        progress=False,
    )
    return [model(example.inputs)[0].data for example in XOR], history


def learned(history: History) -> int | None:
    """The epochs until the loss was small, or None."""
    return history.epochs if history.losses[-1] < ENOUGH else None


def thinned(losses: Sequence[float]) -> list[tuple[float, float]]:
    """(epoch, loss) of at most some hundred epochs, which are denser at the beginning."""
    places = dict.fromkeys(int(1.02**i) for i in range(1_000))
    return [(i, losses[i - 1]) for i in places if i <= len(losses)]


def the_equations(lesson: Lesson) -> None:
    """Equations 1 to 9 of 1986, beside the code that has just run."""
    lesson.section("Nine equations of 1986")
    lesson.say(
        "The paper of 1986 needs nine equations for the loop. Unit i feeds unit j; x is here what "
        "enters a unit, y what leaves it, d the target, E the loss, c an example. Beside each "
        "equation is a line of the package that is it. Equations 4 to 6 come from local "
        "derivatives, which the chain rule multiplies; equation 7 adds up what comes from several "
        "units. `reads` is the textbook form of a rule; the rule beside it keeps more digits."
    )
    lesson.equations(
        equations.NATURE,
        equations.rows(
            eq1=line_of(Neuron.forward, "w * x"),
            eq2=line_of(ops, 'row("sigmoid"'),
            eq3=line_of(half_squared_error, "/ 2"),
            eq4=line_of(ops, "b * a**(b - 1)"),
            eq5=line_of(ops, "y * (1 - y)"),
            eq6=line_of(ops, 'row("mul"'),
            eq7=line_of(chain_rule.joined, "both = x + y"),
            eq8=line_of(methods, "p - lr * _pulled"),
            eq9=line_of(Momentum, "-lr * g + alpha"),
        ),
    )


if __name__ == "__main__":
    main()
