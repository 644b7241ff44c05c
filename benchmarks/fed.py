"""How long a training step takes when the examples change from step to step.

    python benchmarks/fed.py --rounds 11 --out fed.md

Digits and letters in batches of 32, shuffled; a transformer that gets one name in each step; all
digits at once; then single calls: the forward pass alone, and columns that are arrays of 10^5
examples. The peers are PyTorch, eager, and JAX, compiled, both in float64 with matrices. Who is
not installed is left out, and named.

In each round everybody runs once, in an order that rotates, with the garbage collector off and on
one thread. Times are of the processor (`process_time`), and ratios are taken within the round:
their medians are what to quote. Before anything is timed, the gradients, and the parameters after
three steps, are compared with those of the package's step.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, Protocol

import fed_calls
import fed_in_jax
import fed_in_torch
import fed_ours
import names_in_jax
import names_in_torch
import names_ours
from compiled import ONE_THREAD, number, vectors, versions
from eager import TOLERANCE, collector, count, largest_difference, processor, table, tell
from streams import CHECKED_STEPS, Names, Order, Stream, digits, letters, transformer

Kinds = dict[str, Any]  # modules with a function `contenders`
BATCHES: Kinds = {"tinygrad_edu": fed_ours, "PyTorch": fed_in_torch, "JAX": fed_in_jax}
NAMES: Kinds = {"tinygrad_edu": names_ours, "PyTorch": names_in_torch, "JAX": names_in_jax}
REFERENCES = {"PyTorch": "PyTorch eager, float64", "JAX": "JAX jit, float64"}

Samples = dict[str, list[float]]  # seconds for a step, one for each round
Data = Stream | Names
Timer = Callable[[], float]


class Contender(Protocol):
    """One way to train on a stream."""

    name: str
    exact: bool  # whether it must agree with the others

    def reset(self) -> None:
        """The parameters as they were at first, and nothing remembered of earlier steps."""

    def gradients(self, first: Order) -> list[float]:
        """The derivatives of the loss of these examples, where the parameters are at first."""

    def epochs(self, orders: Sequence[Order]) -> None:
        """A step for each batch of each epoch."""

    def parameters(self) -> list[float]:
        """What the steps have made of the parameters."""


# ---------------------------------------------------------------------------------------------
# the same answer first


def contenders(kinds: Kinds, stream: Data) -> tuple[list[Contender], list[str]]:
    """Everybody who can run here, and who cannot, with the reason."""
    found: list[Contender] = []
    missing = []
    for kind, module in kinds.items():
        try:
            found += module.contenders(stream)
        except ImportError as error:
            missing.append(f"{kind} ({error})")
    return found, missing


def check(kinds: Kinds, stream: Data, epochs: int) -> float:
    """How far the contenders are from the first; the program ends if one is too far."""
    everybody, _ = contenders(kinds, stream)
    first, answers = list(range(stream.batch)), []
    for contender in (x for x in everybody if x.exact):
        gradients = contender.gradients(first)
        contender.reset()
        contender.epochs(stream.orders(epochs))
        answers.append((contender.name, gradients, contender.parameters()))
    _, gradients, parameters = answers[0]
    worst = 0.0
    for name, ours, after in answers[1:]:
        differences = largest_difference(ours, gradients), largest_difference(after, parameters)
        if not max(differences) <= TOLERANCE:  # written so that nan fails too
            sys.exit(f"{name}: gradients and parameters are {differences} off")
        worst = max(worst, *differences)
    return worst


# ---------------------------------------------------------------------------------------------
# time


def seconds(task: Callable[[], object]) -> float:
    """What one call takes of the processor."""
    start = process_time()
    task()
    return process_time() - start


def timer(contender: Contender, orders: Sequence[Order], steps: int) -> Timer:
    """Returns a function that times some epochs, without what a call of `train` begins with."""

    def sample() -> float:
        contender.reset()
        if isinstance(contender, fed_ours.Train | names_ours.Train):
            contender.epochs([*orders, *orders])
            return contender.step_seconds
        return seconds(lambda: contender.epochs(orders)) / steps / len(orders)

    return sample


def measured(timers: dict[str, Timer], rounds: int, slow: Container[str] = ()) -> Samples:
    """All in turn, `rounds` times, each round beginning with another one; the slow ones once."""
    names, samples = list(timers), {name: list[float]() for name in timers}
    for name, timer in timers.items():
        if name not in slow:
            timer()  # compiles what there is to compile
    gc.collect()
    gc.freeze()  # what exists by now need not be looked through between the samples
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            if not turn or name not in slow:
                with collector(enabled=False):
                    samples[name].append(timers[name]())
    gc.unfreeze()
    return samples


# ---------------------------------------------------------------------------------------------
# the report


def best(samples: Samples, begins: str) -> str:
    """The quickest of those whose names begin so, or nothing."""
    names = [name for name in samples if name.startswith(begins)]
    return min(names, key=lambda name: median(samples[name]), default="")


def row(samples: Samples, name: str, references: Sequence[str]) -> list[str]:
    """One line of the table."""
    cells = [name, number(1e6 * median(samples[name])), number(1e6 * min(samples[name]))]
    for reference in references:
        ratios = sorted(other / own for own, other in zip(samples[name], samples[reference]))
        low, high = number(ratios[0]), number(ratios[-1])
        cells.append(f"**{number(median(ratios))}** ({low}-{high})")
    return cells


def rows(samples: Samples, begins: dict[str, str] = REFERENCES) -> str:
    """The table of all contenders, the quickest first."""
    found = {short: best(samples, begin) for short, begin in begins.items()}
    kept = {short: name for short, name in found.items() if name}
    header = ["step", "us", "quietest", *(f"times as fast as {short}" for short in kept)]
    order = sorted(samples, key=lambda name: median(samples[name]))
    return table(header, [row(samples, name, list(kept.values())) for name in order])


def trained(kinds: Kinds, stream: Data, checked: Data, epochs: int, options: Any) -> str:
    """The section about one stream; `epochs` are timed together."""
    worst = check(kinds, checked, CHECKED_STEPS // checked.steps)
    everybody, missing = contenders(kinds, stream)
    orders = stream.orders(epochs)
    timers = {x.name: timer(x, orders, stream.steps) for x in everybody}
    slow = [x.name for x in everybody if isinstance(x, names_ours.Train)]  # compiles each time
    found = rows(measured(timers, options.rounds, slow))
    facts = (
        f"{len(stream.numbers()):,} parameters; gradients, and parameters after {CHECKED_STEPS} "
        f"steps, agree within {worst:.0e}."
    )
    left_out = f"\n\nLeft out: {'; '.join(missing)}." if missing else ""
    return f"## {stream.title}\n\n{facts}\n\n{found}{left_out}"


def batches(options: Any) -> str:
    """Digits in batches of 32."""
    return trained(BATCHES, digits(), digits().checked(), 3, options)


def whole(options: Any) -> str:
    """All digits in each step."""
    return trained(BATCHES, digits(0), digits(0), 10, options)


def three_letters(options: Any) -> str:
    """The next letter after three, in batches of 32."""
    return trained(BATCHES, letters(), letters().checked(), 1, options)


def one_name(options: Any) -> str:
    """A name in each step."""
    return trained(NAMES, transformer(), transformer().checked(), 1, options)


def training(options: Any) -> str:
    """All names once, from new objects to the parameters after the last step."""
    stream, lines = transformer(), []
    makers = [make for module in NAMES.values() for make in module.MAKERS]
    for make in makers:
        with collector(enabled=False):
            start = process_time()
            contender: Contender = make(stream)
            contender.reset()
            contender.epochs(stream.orders(1))
            contender.parameters()
            lines.append([contender.name, f"{process_time() - start:.2f}"])
    found = table(["training", "seconds"], lines)
    return f"## All {stream.steps:,} names once, compilation included\n\n{found}"


def calls(options: Any) -> str:
    """Single calls, beside the step of a begun run with the same examples."""
    found = []
    for title, timers in fed_calls.groups():
        step = next(iter(timers))
        samples = measured(timers, options.rounds)
        found.append(f"### {title}\n\n{rows(samples, {'the step': step})}")
    return "## Calls\n\n" + "\n\n".join(found)


SECTIONS = {
    "batches": batches,
    "names": one_name,
    "training": training,
    "letters": three_letters,
    "whole": whole,
    "calls": calls,
}


def heading(options: Any) -> str:
    """What was run where."""
    return (
        f"# Training steps that are fed\n\n{processor()}, {vectors()}; "
        f"{platform.python_implementation()} {platform.python_version()}; {versions()}.\n"
        f"{options.rounds} rounds; float64 unless said, one thread, collector off; time of the "
        "processor. `times as fast`: the median of the ratios within each round, and the smallest "
        "and largest of them."
    )


def arguments() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=count, default=11, help="quote 7 or more")
    parser.add_argument(
        "--section", choices=SECTIONS, action="append", help="may be repeated; default: all"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the report there too")
    return parser.parse_args()


def report(options: Any) -> Iterator[str]:
    """The sections of the report, each as soon as it has been measured."""
    yield heading(options)
    for name in options.section or SECTIONS:
        yield SECTIONS[name](options)


def main() -> None:
    options = arguments()
    os.environ.update(ONE_THREAD)  # all that reads this is imported later
    tell(report(options), options.out)


if __name__ == "__main__":
    main()
