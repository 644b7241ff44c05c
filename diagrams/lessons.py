"""Networks of the lessons, each on one example: `lessons.py:learned`, `:credit`, ..."""

from tinygrad_edu import Value
from tinygrad_edu.data import PEOPLE, RELATIONS, family_facts
from tinygrad_edu.demos.laboratory.families import CASES, PRINTED
from tinygrad_edu.demos.laboratory.families import begin as begin_families
from tinygrad_edu.demos.laboratory.trial import Trial, begin, learn
from tinygrad_edu.groups import group
from tinygrad_edu.losses import half_squared_error

XOR = Trial("xor", 2, rate=0.5, alpha=0.9, init=0.3, epochs=2_000)
SYMMETRY = Trial("symmetry", 2, rate=0.05, alpha=0.9, init=0.3, epochs=5_000, margin=0.3)
WIDER, DIRECT = XOR._replace(hidden=3), XOR._replace(hidden=1, direct=True)


def error(trial: Trial, epochs: int, example: int = 1) -> Value:
    """The network of seed 0 after that many epochs: its error on one example, by default on 01."""
    model, examples = begin(trial, 0)
    if epochs:
        learn(trial, 0, epochs)
        for p in model.parameters():
            p.data = round(p.data, 4)  # the digits after these are the processor's
    model.label()
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(examples[example].inputs, 1)]
    outputs = model(inputs)
    outputs[0].label = "y"
    result = half_squared_error(outputs, examples[example].targets)
    result.label = "error"
    model.zero_grad()  # one network serves all trials of a process
    result.backward()
    return result


def aunt() -> Value:
    """The error on `Colin has aunt` of the family network before training (printed recipe)."""
    model = begin_families(PRINTED, 0)
    model.label()
    which = [(PEOPLE[f.person], f.relation) for f in family_facts()].index(("Colin", "aunt"))
    names = [*PEOPLE, *RELATIONS]
    with group("question"):
        inputs = [Value(x, label=name) for x, name in zip(CASES[which].inputs, names)]
    outputs = model(inputs)
    with group("error"):
        result = half_squared_error(outputs, CASES[which].targets)
    model.zero_grad()
    result.backward()
    return result


credit = error(WIDER, 0)
learned = error(XOR, 2_000)
direct = error(DIRECT, 2_000)
symmetry = error(SYMMETRY, 2_000, example=0b101101)
families = aunt()
