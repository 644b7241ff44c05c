"""Fifty-four deliberate mistakes: which lesson notices which, by a row that fails?

    python tests/lessons/mutations.py [--lesson NAME] [--mutation WORD] [--all] [--jobs 2]

Each mistake is a change of the text of the package, or of the lessons' laboratory, in a copy of
both. There a lesson runs as a class runs it, with --quick. The table says how many rows fail; `!`
is a crash, and `t` a run that was stopped after PATIENCE seconds: neither counts as noticed.
Without --all, a mistake that one lesson has noticed is not tried on the others.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import judge

__all__ = ["MUTATIONS", "TELLING", "Edit", "Mutation", "changed", "copy", "failing"]

ROOT = Path(__file__).parents[2]
PATIENCE = 240  # seconds
LESSONS = "the_loop reverse_mode the_wall hidden_units credit pdp_set symmetry family_trees".split()
LESSONS += ["indifference", "transformer"]
TRAINED = "hidden_units pdp_set symmetry family_trees"
ALL = "credit the_loop reverse_mode the_wall " + TRAINED


class Edit(NamedTuple):
    """A part of one line of a file, which the file has once, and what takes its place."""

    file: str
    old: str
    new: str


class Mutation(NamedTuple):
    """A mistake. lessons: where it can matter, the quickest first."""

    lessons: str
    edits: Sequence[Edit]


def _in(file: str, *changes: tuple[str, str]) -> list[Edit]:
    return [Edit(file, old, new) for old, new in changes]


OPS, NEURON = "tinygrad_edu/ops.py", "tinygrad_edu/nn/perceptron.py"
METHODS, INIT = "tinygrad_edu/optim/methods.py", "tinygrad_edu/nn/init.py"
DATA, LOSSES = "tinygrad_edu/data.py", "tinygrad_edu/losses.py"
TRIAL, FAMILIES = "demos/laboratory/trial.py", "demos/laboratory/families.py"
APPLICANTS, OBJECTIVES = "demos/laboratory/applicants.py", "demos/laboratory/objectives.py"
INDIFFERENCE = "demos/indifference.py"
BLOCK, LAYERS = "tinygrad_edu/nn/transformer.py", "tinygrad_edu/nn/layers.py"
WRITER, NAMES = "demos/laboratory/writer.py", "demos/laboratory/first_names.py"
BELL, DRAWN = "lambda y, a: bell(a),", "return r * (2 * random.random() - 1)"
SOFTPLUS = 'lambda y, a: sigmoid(a), says="log(1 + exp(a)), a smooth relu"'
POWER = "lambda y, a, b: unless_0_times_inf(b, a**(b - 1)),"
CHANGE = "last = -lr * g + alpha * last"
FACTS = "found = tuple(sorted(_related(place, relation)))"

MUTATIONS: dict[str, Mutation] = {
    # --- rules of the table
    "sigmoid rule x 1.05": Mutation(ALL, _in(OPS, (BELL, "lambda y, a: 1.05 * bell(a),"))),
    "sigmoid rule x 1.001": Mutation(ALL, _in(OPS, (BELL, "lambda y, a: 1.001 * bell(a),"))),
    "tanh rule x 1.05": Mutation(
        "reverse_mode indifference",
        _in(OPS, ("lambda y, a: sech2(a),", "lambda y, a: 1.05 * sech2(a),")),
    ),
    "mul by a x 1.05": Mutation(
        ALL,
        _in(OPS, ("operator.mul,  lambda y, a, b: b,", "operator.mul, lambda y, a, b: 1.05 * b,")),
    ),
    "mul by b x 1.05": Mutation(
        ALL, _in(OPS, ('lambda y, a, b: a,     symbol="*"', 'lambda y, a, b: 1.05 * a, symbol="*"'))
    ),
    "add by a 0.95": Mutation(
        ALL, _in(OPS, ("operator.add,  one,", "operator.add,  lambda y, a, b: 0.95,"))
    ),
    "add by b 0.95": Mutation(
        ALL, _in(OPS, ('one,                   symbol="+"', 'lambda y, a, b: 0.95, symbol="+"'))
    ),
    "sub by b -0.95": Mutation(
        ALL, _in(OPS, ('lambda y, a, b: -1.0,  symbol="-"', 'lambda y, a, b: -0.95, symbol="-"'))
    ),
    "power by a x 1.05": Mutation(
        ALL, _in(OPS, (POWER, "lambda y, a, b: 1.05 * unless_0_times_inf(b, a**(b - 1)),"))
    ),
    "neg -0.95": Mutation(
        "the_wall the_loop reverse_mode credit family_trees",
        _in(OPS, ("operator.neg,  lambda y, a: -1.0,", "operator.neg,  lambda y, a: -0.95,")),
    ),
    "softplus rule x 1.05": Mutation(
        "indifference family_trees",
        _in(OPS, (SOFTPLUS, SOFTPLUS.replace("sigmoid(a)", "1.05 * sigmoid(a)"))),
    ),
    # --- the engine
    "overwrites instead of accumulating": Mutation(
        ALL,
        [
            Edit(
                "tinygrad_edu/chain_rule.py",
                "(adjoint, guard) if before is None else joined(before, (adjoint, guard))",
                "adjoint, guard",
            ),
            Edit(
                "tinygrad_edu/unrolled.py",
                '    x._adjoint = share if before is fresh else before + share\n"',
                '    x._adjoint = share\n"',
            ),
        ],
    ),
    # --- the optimizers
    "momentum on the wrong side": Mutation(
        TRAINED, _in(METHODS, (CHANGE, "last = -lr * g - alpha * last"))
    ),
    "no momentum": Mutation(TRAINED, _in(METHODS, (CHANGE, "last = -lr * g + 0 * last"))),
    "rate times (1 - alpha)": Mutation(
        TRAINED, _in(METHODS, (CHANGE, "last = -lr * (1 - alpha) * g + alpha * last"))
    ),
    "momentum 0.855 for 0.9": Mutation(
        TRAINED, _in(METHODS, (CHANGE, "last = -lr * g + 0.95 * alpha * last"))
    ),
    "descent goes uphill": Mutation(
        "the_loop the_wall reverse_mode credit " + TRAINED,
        _in(METHODS, ("return p - lr * _pulled(g, p, weight_decay)", "return p + lr * g")),
    ),
    "rate x 1.05": Mutation(
        ALL,
        _in(
            "tinygrad_edu/optim/optimizer.py",
            ('callable(lr) else within("lr", lr)', 'callable(lr) else 1.05 * within("lr", lr)'),
        ),
    ),
    "Adam without its correction": Mutation(
        "indifference family_trees",
        _in(
            METHODS,
            ("corrected = mean * (1 / (1 - beta1**t))", "corrected = mean"),
            ("typical = sqrt(square * (1 / (1 - beta2**t))) + eps", "typical = sqrt(square) + eps"),
        ),
    ),
    "decay is ignored": Mutation(
        "family_trees",
        _in(METHODS, ("return (p - lr * (decay * p) if decay else p) + last", "return p + last")),
    ),
    "dead zone is ignored": Mutation(
        "family_trees",
        _in(LOSSES, ("square) if dead_zone else square", "square) if 0 else square")),
    ),
    # --- the loss
    "loss without its 1/2": Mutation(
        ALL, _in(LOSSES, ("total: Value = _sum(terms) / 2", "total: Value = _sum(terms)"))
    ),
    "mean instead of sum over the examples": Mutation(
        TRAINED,
        _in(
            "tinygrad_edu/train/compiled_run.py",
            ('reduction: Reduction = "sum",', 'reduction: Reduction = "mean",'),
        ),
    ),
    # --- the first weights
    "first weights x 10": Mutation(ALL, _in(INIT, (DRAWN, f"{DRAWN} * 10"))),
    "first weights x 2": Mutation(ALL, _in(INIT, (DRAWN, f"{DRAWN} * 2"))),
    "first weights on one side of 0": Mutation(
        ALL, _in(INIT, (DRAWN, "return r * random.random()"))
    ),
    "first weights all 0": Mutation(ALL, _in(INIT, (DRAWN, f"{DRAWN} * 0"))),
    "every seed is the same": Mutation(
        TRAINED,
        _in(
            TRIAL,
            (
                "random = uniform(trial.init), Random(seed)",
                "random = uniform(trial.init), Random(0)",
            ),
        )
        + _in(FAMILIES, ("uniform(recipe.init), Random(seed)", "uniform(recipe.init), Random(0)")),
    ),
    # --- the tasks
    "XOR is OR": Mutation(
        "the_wall the_loop credit hidden_units pdp_set",
        _in(DATA, ('"xor": "0110"', '"xor": "0111"')),
    ),
    "parity forgets a bit": Mutation(
        "pdp_set hidden_units", _in(DATA, ("(sum(bits) % 2,)", "(sum(bits[1:]) % 2,)"))
    ),
    "addition without carry": Mutation(
        "pdp_set",
        _in(
            DATA, ("_number(bits[:n]) + _number(bits[n:])", "_number(bits[:n]) ^ _number(bits[n:])")
        ),
    ),
    "encoder shifted by one": Mutation(
        "pdp_set",
        _in(DATA, ("_one_hot(i, n, targets)) for i", "_one_hot((i + 1) % n, n, targets)) for i")),
    ),
    "symmetry forgets a pair": Mutation(
        "symmetry", _in(DATA, ("int(bits == bits[::-1])", "int(bits[1:-1] == bits[-2:0:-1])"))
    ),
    "aunts and uncles without spouses": Mutation(
        "family_trees", _in(DATA, ("return own | all_of(spouse, own)", "return own"))
    ),
    "Colin's mother is Penelope": Mutation(
        "family_trees",
        _in(
            DATA,
            (FACTS, f"{FACTS}; found = (1,) if (person, relation) == (10, 'mother') else found"),
        ),
    ),
    # --- the networks and the runs
    "biases do not learn": Mutation(
        "the_loop the_wall " + TRAINED,
        [
            *_in(
                "tinygrad_edu/optim/optimizer.py",
                (
                    "self.parameters = list(parameters)",
                    'self.parameters = [p for p in parameters if p.label.split(".")[-1] != "b"]',
                ),
            ),
            *_in(
                TRIAL,
                (
                    "    return parameters",
                    '    return [p for p in parameters if p.label.split(".")[-1] != "b"]',
                ),
            ),
            *_in(
                FAMILIES,
                (
                    "CASES, model.parameters())",
                    'CASES, [p for p in model.parameters() if p.label.split(".")[-1] != "b"])',
                ),
            ),
        ],
    ),
    "hidden layer is linear": Mutation(
        "credit the_loop hidden_units pdp_set symmetry",
        _in(
            NEURON,
            (
                "zip([inputs, *sizes], sizes, names)",
                "zip([inputs, *sizes], sizes, ['linear'] * (len(names) - 1) + names[-1:])",
            ),
        ),
    ),
    "held-out facts are trained on": Mutation(
        "family_trees", _in(FAMILIES, ("sorted(order[HELD_OUT:])", "sorted(order)"))
    ),
    "`right` looks at one output": Mutation(
        "pdp_set family_trees",
        _in(
            TRIAL,
            ("for y, d in zip(outputs, targets)]", "for y, d in [*zip(outputs, targets)][:1]]"),
        ),
    ),
    "margin is ignored": Mutation(
        "symmetry pdp_set hidden_units",
        _in(TRIAL, ("(2 * d - 1) - margin)", "(2 * d - 1))")),
    ),
    "epochs off by one": Mutation(
        "hidden_units symmetry pdp_set the_loop",
        _in(TRIAL, ("history.epochs - 1 if learned", "history.epochs if learned")),
    ),
    # --- applicants and objectives
    "a neuron adds its bias first": Mutation(
        "indifference",
        _in(APPLICANTS, ("self.function(self.weighed(xs) + self.b)", "super().forward(xs)")),
    ),
    "all applicants are the same for every seed": Mutation(
        "indifference",
        _in(
            APPLICANTS,
            ("random, draw = Random(seed), uniform(1.0)", "random, draw = Random(0), uniform(1.0)"),
        ),
    ),
    "group A is refused, too": Mutation(
        "indifference",
        _in(APPLICANTS, ("refused = group_ > 0 and luck < bias", "refused = luck < bias")),
    ),
    "labels are the truth": Mutation(
        "indifference", _in(APPLICANTS, ("truth, 0 if refused else truth", "truth, truth"))
    ),
    "approved above 0.6": Mutation(
        "indifference", _in(APPLICANTS, ("sum(z > 0 for z in zs)", "sum(z > 0.4 for z in zs)"))
    ),
    "calibration of the other group": Mutation(
        "indifference", _in(APPLICANTS, ("picked(new, after, side)", "picked(new, after, -side)"))
    ),
    "the reversed world is the same world": Mutation(
        "indifference",
        _in(INDIFFERENCE, ("return [agrees, 1 - agrees]", "return [agrees, agrees]")),
    ),
    "the core is never wrong": Mutation("indifference", _in(APPLICANTS, ("b < CORE", "b < 1"))),
    "the proxy is honest": Mutation(
        "indifference", _in(INDIFFERENCE, ("BAIT = 1.5", "BAIT = 0.0"))
    ),
    "the ascent goes down": Mutation(
        "indifference", _in(INDIFFERENCE, ("(-reached).backward()", "reached.backward()"))
    ),
    "the corpus knows Canberra": Mutation(
        "indifference",
        _in(INDIFFERENCE, ('"Canberra": 6, "Sydney": 14', '"Canberra": 14, "Sydney": 6')),
    ),
    "a false approval costs a fifth": Mutation(
        "indifference",
        _in(OBJECTIVES, ("of_approval * (1 - target)", "0.2 * of_approval * (1 - target)")),
    ),
    "the east is the west": Mutation(
        "indifference", _in(OBJECTIVES, ("< BIAS and place > 0", "< BIAS and place < 0"))
    ),
    # --- the transformer
    "exp rule x 1.05": Mutation(
        "transformer", _in(OPS, ("lambda y, a: y,", "lambda y, a: 1.05 * y,"))
    ),
    "attention looks ahead": Mutation(
        "transformer", _in(BLOCK, ("keys[: t + 1], values[: t + 1]", "keys, values"))
    ),
    "scores are divided by the width": Mutation(
        "transformer", _in(BLOCK, ("/ self.width**0.5 for", "/ self.width for"))
    ),
    "nothing is added past the heads": Mutation(
        "transformer",
        _in(
            BLOCK,
            (
                "sequence = [residual(x, answer) for x, answer in",
                "sequence = [answer for _, answer in",
            ),
        ),
    ),
    "the norm divides by the sum": Mutation(
        "transformer",
        _in(
            LAYERS,
            (
                "scale = (total([x * x for x in xs]) / len(xs) +",
                "scale = (total([x * x for x in xs]) +",
            ),
        ),
    ),
    "places have no embeddings": Mutation(
        "transformer",
        _in(WRITER, ("self.places(range(len(seen)))", "self.places([0] * len(seen))")),
    ),
    "what is behind a name counts": Mutation(
        "transformer", _in(WRITER, ("[*found[1:], *[IGNORED] * rest]", "[*found[1:], *[0] * rest]"))
    ),
    "every seed has the same batches": Mutation(
        "transformer", _in(WRITER, ("(seed << 32) + epoch", "epoch"))
    ),
    "held-out names are trained on": Mutation(
        "transformer", _in(NAMES, ("Split(order[HELD_OUT:], order", "Split(order, order"))
    ),
    "a table forgets the beginning": Mutation(
        "transformer",
        _in(NAMES, ("for i in range(start, len(text))", "for i in range(start + 1, len(text))")),
    ),
}
TELLING = {  # three for each lesson, which CI tries
    "the_loop": ("sigmoid rule x 1.001", "descent goes uphill", "XOR is OR"),
    "reverse_mode": ("tanh rule x 1.05", "mul by a x 1.05", "overwrites instead of accumulating"),
    "the_wall": ("sigmoid rule x 1.001", "descent goes uphill", "XOR is OR"),
    "hidden_units": ("sigmoid rule x 1.001", "rate x 1.05", "epochs off by one"),
    "credit": ("sigmoid rule x 1.001", "loss without its 1/2", "XOR is OR"),
    "pdp_set": ("addition without carry", "encoder shifted by one", "first weights x 2"),
    "symmetry": ("margin is ignored", "momentum 0.855 for 0.9", "every seed is the same"),
    "family_trees": ("dead zone is ignored", "decay is ignored", "Colin's mother is Penelope"),
    "indifference": ("tanh rule x 1.05", "a neuron adds its bias first", "labels are the truth"),
    "transformer": (
        "attention looks ahead",
        "scores are divided by the width",
        "held-out names are trained on",
    ),
}


def copy(to: Path) -> Path:
    """A copy of the package and the lessons, in which a line may be wrong."""
    for folder in ("tinygrad_edu", "demos"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, to / folder, ignore=leave)
    return to


def changed(root: Path, edits: Sequence[Edit]) -> None:
    """Makes the edits in a copy. ValueError if a file has the old text never, or more than once."""
    for file, old, new in edits:
        text = (root / file).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{file} has {old!r} {text.count(old)} times, not once")
        (root / file).write_text(text.replace(old, new), encoding="utf-8")


def failing(root: Path, lesson: str, *options: str) -> tuple[list[str], str]:
    """(experiments that fail, '') of a quick run in a copy; '!' or 't' if there was no table."""
    out = root / "out" / lesson
    command = [sys.executable, str(root / "demos" / f"{lesson}.py"), "--quick", "--out", str(out)]
    command += ["--json", str(root / f"{lesson}.json"), *options]
    paths = {"PYTHONPATH": str(root), "XDG_CACHE_HOME": str(root.parent / "cache")}
    env = {**os.environ, **paths, "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command, cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)  # the lesson, and the processes of its runs
        process.communicate()
        return [], "t"
    table = root / f"{lesson}.json"
    if not table.exists():
        return [], "!"
    return judge.failing(table), ""


def tried(work: Path, name: str, lessons: Sequence[str], every: bool) -> dict[str, str]:
    """For each lesson on which the mistake was tried: number of failing rows, or a sign."""
    found = {}
    root = copy(work / "".join(c if c.isalnum() else "-" for c in name))
    changed(root, MUTATIONS[name].edits)
    for lesson in MUTATIONS[name].lessons.split():
        if lesson in lessons:
            rows, sign = failing(root, lesson)
            found[lesson] = sign or str(len(rows))
            said = f": {rows[0]}" if rows else ""
            print(f"  {name} | {lesson}: {found[lesson]}{said}", file=sys.stderr, flush=True)
            if rows and not every:
                break
    shutil.rmtree(root)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lesson", action="append", choices=LESSONS)
    parser.add_argument("--mutation", default="", help="only those whose name has this word")
    parser.add_argument("--all", action="store_true", help="every lesson that it can matter for")
    parser.add_argument("--jobs", type=int, default=2, help="how many at the same time")
    asked = parser.parse_args()
    lessons = asked.lesson or [x for x in LESSONS if (ROOT / "demos" / f"{x}.py").exists()]
    names = [name for name in MUTATIONS if asked.mutation.lower() in name.lower()]
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(asked.jobs) as executor:
        made = executor.map(lambda name: tried(Path(work), name, lessons, asked.all), names)
        table = dict(zip(names, made))
    print(f"{'mutation':40}" + "".join(f"{lesson[:8]:>9}" for lesson in lessons))
    for name, found in table.items():
        print(f"{name:40}" + "".join(f"{found.get(lesson, '·'):>9}" for lesson in lessons))
    noticed = sum(any(x.isdigit() and x != "0" for x in found.values()) for found in table.values())
    print(f"{noticed} of {len(names)} are noticed by at least one lesson.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
