"""Networks of the lessons, each on one case: `lessons.py:learned`, `:credit`, `:direct`."""

from tinygrad_edu import Value
from tinygrad_edu.lesson.trial import Trial, begin, learn
from tinygrad_edu.losses import half_squared_error

XOR = Trial("xor", 2, rate=0.5, alpha=0.9, init=0.3, sweeps=2_000)
WIDER, DIRECT = XOR._replace(hidden=3), XOR._replace(hidden=1, direct=True)


def error(trial: Trial, sweeps: int) -> Value:
    """The error on the case 01, which should give 1, of the network of seed 0 after the sweeps."""
    model, cases = begin(trial, 0)
    if sweeps:
        learn(trial, 0, sweeps)
        for p in model.parameters():
            p.data = round(p.data, 4)  # the digits after these are the processor's
    model.label()
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(cases[1].inputs, 1)]
    outputs = model(inputs)
    outputs[0].label = "y"
    result = half_squared_error(outputs, cases[1].targets)
    result.label = "error"
    result.backward()
    return result


credit = error(WIDER, 0)
learned = error(XOR, 2_000)
direct = error(DIRECT, 2_000)
