"""The Loop: forward, loss, backward, update. One step with every number, then XOR is learned.

What is one turn of the loop that trains every network? A neuron with two weights takes one step,
phase by phase; then a 2-2-1 network learns exclusive or by the same loop, 638 times.

    python demos/the_loop.py --out the_loop
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tinygrad_edu import Value, graph, steps
from tinygrad_edu.data import Case, gate
from tinygrad_edu.errors import MissingError
from tinygrad_edu.losses import half_squared_error
from tinygrad_edu.nn import MLP, Neuron
from tinygrad_edu.optim import GradientDescent, Momentum
from tinygrad_edu.train import History, loop, loss_below, train

ONE_CASE = [Case(inputs=(1.0, -2.0), targets=(1.0,))]
TITLES = {
    "forward": "FORWARD   the values are filled in, from the inputs to the output",
    "loss": "LOSS      how wrong is it?",
    "backward": "BACKWARD  whose fault is it? a gradient for every number",
    "update": "UPDATE    every weight moves against its gradient",
}

KIND = {"forward": "forward", "loss": "forward", "backward": "backward"}  # of the events told


def one_step(out: Path) -> None:
    """One step of one neuron, phase by phase, every number told and each phase drawn."""
    neuron = Neuron(2, "sigmoid", random=Random(0))
    for p, x in zip(neuron.parameters(), (0.5, 0.25, 0.1)):
        p.data = x
    roles = dict.fromkeys(neuron.parameters(), "parameter")
    optimizer = GradientDescent(neuron.parameters(), rate=2.0)

    def network(inputs: Sequence[float]) -> list[Value]:
        return [neuron(inputs)]

    told, before = 0, None
    for i, turn in enumerate(loop(network, half_squared_error, ONE_CASE, optimizer, sweeps=1), 1):
        print(f"\n{TITLES[turn.phase]}")
        turn.outputs[0][0].label = "y"
        drawn = turn.outputs[0][0] if turn.loss is None else turn.loss
        if turn.loss is not None:
            turn.loss.label = "loss"
        if turn.phase == "update":
            outputs = network(ONE_CASE[0].inputs)
            again = half_squared_error(outputs, ONE_CASE[0].targets)
            outputs[0].label, again.label = "y", "loss"
            again.backward()
            for name, p in neuron.named_parameters().items():
                print(f"  {name} = {p.data:.4f}")
            print(f"  and the loss: {drawn.data:.4f} before, {again.data:.4f} now")
            picture = graph(again, roles=roles).draw(before=before, direction="TB")
        else:
            events = steps(drawn)
            lines = [events.line(event) for event in events if event.phase == KIND[turn.phase]]
            for line in lines[told:]:
                print(f"  {line.partition(' ')[2].strip()}")
            told = len(lines) if turn.phase == "forward" else 0
            before = graph(drawn, roles=roles)
            picture = before.draw()
        picture.save(out / f"{i}-{turn.phase}.svg")


def learn_xor(seed: int) -> tuple[MLP, History]:
    """A 2-2-1 network of sigmoids on exclusive or, with the momentum of 1986."""
    model = MLP(2, [2, 1], "sigmoid", seed=seed)
    learner = Momentum(model.parameters(), 0.5, 0.9)
    history = train(
        model, half_squared_error, gate("xor"), learner, sweeps=5_000, until=loss_below(0.001)
    )
    return model, history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("the_loop"), help="folder for pictures")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    print("One neuron, one step")
    one_step(arguments.out)
    model, history = learn_xor(arguments.seed)
    print(f"\nThe same loop, a 2-2-1 network, exclusive or: {history.stopped} after", end=" ")
    print(f"{history.sweeps} sweeps (it began at {history.losses[0]:.4f})")
    for case in gate("xor"):
        y = model(case.inputs)[0].data
        print(f"  {case.inputs} -> {y:.4f}, wanted {case.targets[0]:g}")
    try:
        from tinygrad_edu.draw.plots import plot, save

        save(plot(history, "loss"), arguments.out / "5-loss-curve.svg")
    except MissingError as error:
        print(f"\n(no loss curve: {error})")
    print(f"\nThe pictures are in {arguments.out}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
