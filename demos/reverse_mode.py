"""Reverse mode: one pass back; forward mode needs one for each input.

The chain rule can be read in two directions. Forward mode computes d node / d input, from one input
to the output. Reverse mode computes d output / d node, from the output to all inputs. Both give the
same numbers. How much work is each?
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import tanh as math_tanh
from random import Random

from tinygrad_edu import Value, graph, tanh, trace
from tinygrad_edu.analysis.check import central_difference
from tinygrad_edu.demos.laboratory import charts
from tinygrad_edu.demos.laboratory.modes import forward_mode, reverse_mode
from tinygrad_edu.demos.laboratory.sources import LINNAINMAA, WERBOS
from tinygrad_edu.drawable import Picture
from tinygrad_edu.lesson.claims import bounded, equal
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson, line_of

__all__ = ["main"]

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # inputs of the function
FEW = 16  # inputs of the functions that every seed computes
FIXED = (0.5, -1.0, 2.0)  # the inputs in the pictures
MILLION = 1_000_000
STEP = 1e-6  # of the differences that judge
STEPS = [10.0**-k for k in range(1, 14)]
PLAN = Plan(
    question="Why is one pass backward enough for all weights?",
    minutes=25,
    look="the paths of forward mode; the work against the number of inputs; the U of the "
    "differences",
    ask=["When would forward mode be better?", "Why is the smallest step not the best?"],
    mistake=Mistake(
        "demos/laboratory/modes.py",
        "adjoints[arg] = adjoints.get(arg, 0.0) + share",
        "adjoints[arg] = share",
        "reverse mode against the formulas by hand, largest error",
    ),
    read=[
        "Wengert, A simple automatic derivative evaluation program, Communications of the ACM 7 "
        "(1964), 463-464",
        "Linnainmaa, Taylor expansion of the accumulated rounding error, BIT 16 (1976), 146-160",
        "Werbos, Beyond Regression, dissertation, Harvard University (1974)",
        "Griewank and Walther, Evaluating Derivatives, 2nd edition, SIAM (2008)",
    ],
    follows="the_wall",
)


@command(plan=PLAN, seeds=20, quick=5, takes="about 2 seconds")
def main(lesson: Lesson) -> None:
    gradient_is_right(lesson)
    used_twice(lesson)
    both_modes(lesson)
    work(lesson)
    differences(lesson)
    history(lesson)
    check(lesson)


def gradient_is_right(lesson: Lesson) -> None:
    """Claims that the gradient of the function in the pictures is what differences give."""
    loss, inputs = function(FIXED)
    loss.backward()
    slopes = [
        central_difference(partial(along, list(FIXED), i), x.data, STEP)
        for i, x in enumerate(inputs)
    ]
    claim = "gradient against differences, largest relative error"
    lesson.claim(bounded(claim, off([x.grad for x in inputs], slopes), high=1e-6))


def used_twice(lesson: Lesson) -> None:
    """A node used several times receives several contributions; its gradient is their sum."""
    lesson.section("A number that is used more than once")
    x, w = Value(2.0, label="x"), Value(-1.5, label="w")
    s = x * w
    s.label = "s"
    y = s * s + s
    y.label = "y"
    y.backward()
    whole = graph(y)
    number = whole.find("s").id
    arriving = [edge.contribution or 0.0 for edge in whole.edges if edge.source == number]
    lesson.say("`s = x*w` is one node, and `y = s*s + s` uses it. Here x is 2 and w is -1.5.")
    with lesson.predict("How many contributions arrive at s in the pass back? What is their sum?"):
        lesson.film("1-film", trace(y), "Both passes, event by event.")
        lesson.say(
            f"{len(arriving)} contributions arrive at s, one along each edge that leaves it: "
            f"{', '.join(f'{x:g}' for x in arriving)}. The gradient of s is their sum, {s.grad:g}. "
            f"By hand: d(s*s + s)/ds = 2*s + 1 = 2*({s.data:g}) + 1 = {2 * s.data + 1:g}."
        )
        caption = "The same graph: change x or w, and play both passes."
        lesson.play("2-used-twice", y.page, caption)
    lesson.claim(equal("contributions to s, which is used three times", len(arriving), 3))
    lesson.claim(equal("gradient of s; by hand 2*s + 1", s.grad, 2 * s.data + 1))


def function(numbers: tuple[float, ...] | list[float]) -> tuple[Value, list[Value]]:
    """(loss, inputs): y1 = tanh(x1)*x1, y2 = tanh(y1 + x2)*x2, ...; loss = (last y - 1)**2."""
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(numbers, 1)]
    y = tanh(inputs[0]) * inputs[0]
    y.label = "y1"
    for i, x in enumerate(inputs[1:], 2):
        y = tanh(y + x) * x
        y.label = f"y{i}"
    loss = (y - 1) ** 2
    loss.label = "loss"
    return loss, inputs


def by_hand(numbers: tuple[float, ...] | list[float]) -> list[float]:
    """d loss / d input for each input, with the formulas of a textbook and nothing else.

    t = tanh(y + x) has the derivative 1 - t**2, so y' = t*x has the derivative (1 - t**2)*x by y,
    and (1 - t**2)*x + t by x.
    """
    y, slopes = 0.0, list[float]()
    for x in numbers:
        t = math_tanh(y + x)
        through = (1 - t * t) * x
        slopes = [slope * through for slope in slopes] + [through + t]
        y = t * x
    return [2 * (y - 1) * slope for slope in slopes]


def off(found: list[float], expected: list[float]) -> float:
    """The largest difference, relative to the largest expected number."""
    largest = max(map(abs, expected)) or 1.0
    return max(abs(a - b) for a, b in zip(found, expected)) / largest


def along(numbers: list[float], i: int, x: float) -> float:
    """The loss if input i is x."""
    return function([*numbers[:i], x, *numbers[i + 1 :]])[0].data


def both_modes(lesson: Lesson) -> None:
    """The same derivatives by both modes, and by ways that do not use the rules."""
    lesson.section("Two directions, the same numbers")
    loss, inputs = function(FIXED)
    lesson.say(
        "Our function takes any number of inputs: `y1 = tanh(x1)*x1`, `y2 = tanh(y1 + x2)*x2`, and "
        "so on. The loss is `(y - 1)**2` of the last y. Here are three inputs, 0.5, -1 and 2."
    )
    lesson.play("3-graph", loss.page, "Three inputs and one loss. Play the pass back.")
    lesson.say(
        "Reverse mode starts at the loss with the adjoint 1, and goes back along every edge once. "
        "Then each input has its derivative. Forward mode starts at one input with the tangent 1, "
        "and goes to the loss. It gives the derivative by this input only. Only nodes that depend "
        "on the input have a tangent; the other nodes cost nothing. This is what they do at an "
        "edge from the operand `arg` to the node:"
    )
    modes = {
        "forward mode": (forward_mode, "tangents[arg] *", "tangents[node] ="),
        "reverse mode": (reverse_mode, "adjoints[node] *", "adjoints[arg] ="),
    }
    lesson.show(
        "\n".join(
            f"{name}:  {line_of(mode, first)}\n{'':15}{line_of(mode, second)}"
            for name, (mode, first, second) in modes.items()
        )
    )
    paths = [forward_mode(loss, x)[1] for x in inputs]
    back = reverse_mode(loss)[1]
    with lesson.predict(
        "Forward mode starts at x1, then at x2, then at x3. Which pass is the longest?"
    ):
        lesson.moments(
            "4-paths",
            "input",
            [(f"{x.label}: {n} edges", partial(_path, loss, x)) for x, n in zip(inputs, paths)],
            "The edges that forward mode passes are thick. The number of the edges is above.",
            diagrams=True,
        )
        lesson.say(
            f"The pass from x1 has {paths[0]} edges, from x2 {paths[1]}, from x3 {paths[2]}: "
            f"{sum(paths)} together. Reverse mode passes {back}."
        )
    worst = {"forward mode": 0.0, "reverse mode": 0.0, "backward()": 0.0}
    for seed in range(lesson.seed, lesson.seed + lesson.seeds):
        random = Random(seed)
        for n in (n for n in SIZES if n <= FEW):
            numbers = [random.uniform(-2, 2) for _ in range(n)]
            loss, inputs = function(numbers)
            loss.backward()
            adjoints, _ = reverse_mode(loss)
            ways = (
                [forward_mode(loss, x)[0] for x in inputs],
                [adjoints[x] for x in inputs],
                [x.grad for x in inputs],
            )
            for way, found in zip(worst, ways):
                worst[way] = max(worst[way], off(found, by_hand(numbers)))
    most = max(worst.values())
    same = "They agree up to rounding." if most < 1e-9 else "One of them is wrong."
    lesson.say(
        "Do both give the right numbers? We compare them, and `backward()`, with formulas that we "
        "wrote by hand, from a textbook and `math.tanh` alone. Relative to the largest derivative, "
        f"the largest difference is {most:.1g}. {same}"
    )
    for way, error in worst.items():
        claim = f"{way} against the formulas by hand, largest error"
        lesson.claim(bounded(claim, error, high=1e-12))


def _path(loss: Value, x: Value) -> Picture:
    return loss.draw(highlight=[x], title=f"Forward mode from {x.label}", edges=())


def edges_back(n: int) -> int:
    """The edges that reverse mode passes: 3 for x1, 5 for each other input, 2 for the loss."""
    return 3 + 5 * (n - 1) + 2


def edges_forward(n: int) -> int:
    """The edges that forward mode passes for all inputs.

    Input i has 3 edges in its own part (i = 1) or 4, 3 in each of the n - i parts after it, and 2
    in the loss. The sum is (3*n**2 + 9*n - 2) / 2.
    """
    return (3 * n * n + 9 * n - 2) // 2


def work(lesson: Lesson) -> None:
    """The number of edges that each mode passes, for more and more inputs."""
    lesson.section("The work")
    lesson.say("How many edges does each mode pass until every input has its derivative?")
    forward, reverse = list[tuple[float, float]](), list[tuple[float, float]]()
    rows, right = ["inputs  forward mode  reverse mode"], 0
    for n in SIZES:
        random = Random(n)
        loss, inputs = function([random.uniform(-2, 2) for _ in range(n)])
        ahead = sum(forward_mode(loss, x)[1] for x in inputs)
        back = reverse_mode(loss)[1]
        forward.append((n, ahead))
        reverse.append((n, back))
        rows.append(f"{n:6}  {ahead:12,}  {back:12,}")
        right += (ahead, back) == (edges_forward(n), edges_back(n))
    n, ahead, back = SIZES[-1], int(forward[-1][1]), int(reverse[-1][1])
    with lesson.predict(
        f"With twice as many inputs, how much more work has reverse mode? And forward mode? How "
        f"many edges do they pass with {n} inputs?"
    ):
        lesson.show("\n".join(rows))
        lesson.plot(
            "5-work",
            lambda: charts.lines(
                {"forward mode": forward, "reverse mode": reverse},
                "inputs",
                "edges passed",
                log="xy",
            ),
            "Both scales are logarithmic.",
        )
        lesson.say(
            "We can count without a computer, too. The part of y1 has 3 edges, each other part 5, "
            "and the loss 2. For n inputs, these are `5*n` edges, and reverse mode passes each "
            "once: twice as many inputs are twice the work. A pass of forward mode takes 3 or 4 "
            "edges in the part of its input, 3 in each later part, and 2 in the loss. All n passes "
            "take `(3*n**2 + 9*n - 2)/2`: twice as many inputs are about four times the work."
        )
        lesson.say(
            f"With {n} inputs, {n} full passes would take {n * back:,} edges. Forward mode takes "
            f"{ahead / (n * back):.0%} of them, because an input near the loss has a short way. "
            "This is only a factor: forward mode still needs n passes, and its work still grows "
            "with n**2."
        )
    lesson.say(
        f"With {MILLION:,} inputs, forward mode would pass {edges_forward(MILLION):,} edges, and "
        f"reverse mode {edges_back(MILLION):,}. A network has one loss and, often, more than a "
        "million weights. That is why one pass back trains it. It has a price: the numbers of the "
        "forward pass must be kept until the pass back has used them. Forward mode can forget a "
        "number after its last use."
    )
    lesson.claim(equal(f"{n} inputs: edges in reverse mode; 5*n", back, edges_back(n)))
    claim = f"{n} inputs: edges in forward mode; (3*n**2 + 9*n - 2)/2"
    lesson.claim(equal(claim, ahead, edges_forward(n)))
    claim = f"sizes, of {len(SIZES)}, at which both formulas are right"
    lesson.claim(equal(claim, right, len(SIZES)))


def differences(lesson: Lesson) -> None:
    """The slope between two points: which distance between them is the best?"""
    lesson.section("Without the chain rule")
    lesson.say(
        "A derivative by x is about (loss at x + step - loss at x - step) / (2 * step). This needs "
        "no rule, but two values of the loss for each input; and it is not exact."
    )
    worst = dict.fromkeys(STEPS, 0.0)
    for seed in range(lesson.seed, lesson.seed + lesson.seeds):
        random = Random(seed)
        numbers = [random.uniform(-2, 2) for _ in range(3)]
        loss, inputs = function(numbers)
        loss.backward()
        for i, x in enumerate(inputs):
            at: Callable[[float], float] = partial(along, numbers, i)
            for step in STEPS:
                error = abs(central_difference(at, x.data, step) - x.grad)
                worst[step] = max(worst[step], error)
    best = min(STEPS, key=lambda step: worst[step])
    wide, narrow = 1e-2, 1e-3
    ratio = worst[wide] / worst[narrow]
    with lesson.predict(f"Steps from {STEPS[0]:g} to {STEPS[-1]:.0e}: which one is the best?"):
        lesson.show("\n".join(f"step {step:6.0e}   error {worst[step]:.1e}" for step in STEPS))
        lesson.plot(
            "6-differences",
            lambda: charts.lines(
                {"error": [(step, worst[step]) for step in STEPS]},
                "step",
                "largest error",
                log="xy",
            ),
            f"The largest error of the derivatives of {lesson.seeds} functions with three inputs.",
        )
        lesson.say(
            f"The best step here is {best:.0e}, and its largest error is {worst[best]:.1g}. A wide "
            "step is wrong because the function is curved: theory says that a step ten times as "
            f"wide has an error a hundred times as large, and from {narrow:g} to {wide:g} we "
            f"measure {ratio:.1f}. A narrow step is wrong because of rounding: both values are "
            "nearly equal, and their difference has only a few right digits. The two errors meet "
            "near the cube root of the relative distance of floats, 6e-06."
        )
    lesson.claim(bounded("best step of a difference; the theory says 6e-06", best, 1e-7, 1e-4))
    claim = f"error at the step {wide:g} / error at {narrow:g}; in theory 100"
    lesson.claim(bounded(claim, ratio, 95, 105))


def history(lesson: Lesson) -> None:
    """Who had the idea, as far as we know."""
    lesson.section("Where it comes from")
    lesson.say("Reverse mode is older than the training of networks by it.")
    lesson.say(LINNAINMAA.line)
    lesson.say(WERBOS.line)


def check(lesson: Lesson) -> None:
    """Questions that the page answers."""
    lesson.check(
        "z = s*s*s uses s three times. How many contributions arrive at s, and what is the "
        "gradient of s?",
        "Three, one for each edge that leaves s. The gradient is their sum: 3*s**2.",
    )
    lesson.check(
        "A function has 1,000 inputs and one output. How many passes does each mode need for all "
        "derivatives?",
        "Forward mode needs 1,000 passes, one for each input. Reverse mode needs one.",
    )
    lesson.check(
        "A function has one input and 1,000 outputs. Which mode is better?",
        "Forward mode: one pass from the input gives the derivatives of all outputs. Reverse mode "
        "needs a pass for each output.",
    )
    lesson.check(
        "Why is the smallest step not the best for a difference?",
        "The two values are nearly equal. Their difference has few right digits, and the division "
        "by a small step enlarges this error.",
    )


if __name__ == "__main__":
    main()
