"""Two networks of tanh neurons, whose neurons and layers are groups: `network.py:xor`, `:wide`."""

from random import Random

from tinygrad_edu import Value, group, tanh


def network(sizes: list[int], inputs: list[float], target: float, random: Random) -> Value:
    """The squared error of a network with random weights on one example."""
    layer = [Value(x, label=f"x{i}") for i, x in enumerate(inputs, 1)]
    for depth, size in enumerate(sizes, 1):
        outputs = []
        for k in range(1, size + 1):
            with group(f"layer{depth}/neuron{k}"):
                total = Value(0.1, label="b")
                for x in layer:
                    total = total + x * Value(round(random.uniform(-1, 1), 2), label="w")
                outputs.append(tanh(total))
        layer = outputs
    layer[0].label = "y"
    error = (layer[0] - target) ** 2
    error.label = "error"
    error.backward()
    return error


xor = network([2, 1], [1, 0], target=1, random=Random(4))
wide = network([16, 16, 1], [1, 0], target=1, random=Random(4))
