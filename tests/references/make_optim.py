"""Writes optim.json: what PyTorch's optimizers do in 100 steps on a problem of 3 parameters.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0
    /tmp/torch/bin/python tests/references/make_optim.py

Nothing of this package is imported here, and PyTorch nowhere else: schedules are written a second
time, as factors for LambdaLR. All numbers are doubles and nothing is random.
"""

from __future__ import annotations

import json
from math import cos, pi
from pathlib import Path

import torch

STEPS = 100
START = [-1.2, 1.5, 0.8]
PROBLEM = "(1 - x)**2 + 10 * (y - x*x)**2 + (z - x*y)**2 / 2 + z**4 / 10 + 3 * z"

SGD, RMS, ADAM, ADAMW = (
    torch.optim.SGD,
    torch.optim.RMSprop,
    torch.optim.Adam,
    torch.optim.AdamW,
)


def halving(step):  # step_decay(rate, 20, 0.5)
    return 0.5 ** (step // 20)


def falling(step):  # exponential(rate, 0.97)
    return 0.97**step


def wave(step):  # cosine(0.05, 80, 0.005)
    return 0.1 + 0.9 * (1 + cos(pi * min(step / 80, 1))) / 2


def warm(step):  # warm_up(10, cosine(0.05, 80, 0.005))
    return (step + 1) / 11 if step < 10 else wave(step - 10)


WAVE = ["cosine", 0.05, 80, 0.005]
WARM = ["warm_up", 10, WAVE]

# name: our class, our settings, PyTorch's class, its settings, its factor of the rate
CASES = {
    "descent": ("GradientDescent", {}, SGD, {}, None),
    "descent decay": (
        "GradientDescent",
        {"rate": 0.003, "decay": 0.3},
        SGD,
        {"lr": 0.003, "weight_decay": 0.3},
        None,
    ),
    "descent step_decay": (
        "GradientDescent",
        {"rate": ["step_decay", 0.01, 20, 0.5]},
        SGD,
        {"lr": 0.01},
        halving,
    ),
    "momentum": (
        "Momentum",
        {"rate": 0.002},
        SGD,
        {"lr": 0.002, "momentum": 0.9},
        None,
    ),
    "momentum decay": (
        "Momentum",
        {"rate": 0.002, "alpha": 0.8, "decay": 0.3},
        SGD,
        {"lr": 0.002, "momentum": 0.8, "weight_decay": 0.3},
        None,
    ),
    "momentum decoupled": (
        "Momentum",
        {"rate": 0.002, "decay": 0.3, "decoupled": True},
        SGD,
        {"lr": 0.002, "momentum": 0.9, "shrink": 0.3},
        None,
    ),
    "momentum exponential": (
        "Momentum",
        {"rate": ["exponential", 0.004, 0.97]},
        SGD,
        {"lr": 0.004, "momentum": 0.9},
        falling,
    ),
    "nesterov": (
        "Nesterov",
        {"rate": 0.002},
        SGD,
        {"lr": 0.002, "momentum": 0.9, "nesterov": True},
        None,
    ),
    "nesterov decay": (
        "Nesterov",
        {"rate": 0.002, "alpha": 0.8, "decay": 0.3},
        SGD,
        {"lr": 0.002, "momentum": 0.8, "weight_decay": 0.3, "nesterov": True},
        None,
    ),
    "rmsprop": ("RMSProp", {}, RMS, {}, None),
    "rmsprop decay": (
        "RMSProp",
        {"rate": 0.02, "beta": 0.9, "epsilon": 0.001, "decay": 0.3},
        RMS,
        {"lr": 0.02, "alpha": 0.9, "eps": 0.001, "weight_decay": 0.3},
        None,
    ),
    "rmsprop cosine": ("RMSProp", {"rate": WAVE}, RMS, {"lr": 0.05}, wave),
    "adam": ("Adam", {}, ADAM, {}, None),
    "adam decay": (
        "Adam",
        {"rate": 0.05, "betas": [0.8, 0.95], "epsilon": 0.001, "decay": 0.3},
        ADAM,
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 0.001, "weight_decay": 0.3},
        None,
    ),
    "adam warm_up": ("Adam", {"rate": WARM}, ADAM, {"lr": 0.05}, warm),
    "adamw": ("AdamW", {}, ADAMW, {}, None),
    "adamw decay": (
        "AdamW",
        {"rate": 0.05, "betas": [0.8, 0.95], "decay": 0.3},
        ADAMW,
        {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.3},
        None,
    ),
    "adamw cosine": (
        "AdamW",
        {"rate": WAVE, "decay": 0.3},
        ADAMW,
        {"lr": 0.05, "weight_decay": 0.3},
        wave,
    ),
}


def trajectory(optimizer, settings, factor):
    """x, y, z after each step.

    shrink: decoupled decay, which PyTorch's SGD lacks, done as its AdamW does it.
    Under a schedule, momentum is multiplied by (last rate / this rate), which turns PyTorch's
    rate * v into equation 9 of 1986, where the rate is inside of what is remembered.
    """
    settings = dict(settings)
    shrink = settings.pop("shrink", 0.0)
    parameters = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    made = optimizer(parameters, **settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(made, factor or (lambda step: 1.0))
    (group,) = made.param_groups
    alpha, last = group.get("momentum", 0.0), group["lr"]
    points = []
    for _ in range(STEPS):
        x, y, z = parameters
        made.zero_grad()
        error = (1 - x) ** 2 + 10 * (y - x * x) ** 2 + (z - x * y) ** 2 / 2 + z**4 / 10 + 3 * z
        error.backward()
        if factor and alpha:
            group["momentum"] = alpha * last / group["lr"]
        last = group["lr"]
        with torch.no_grad():
            for p in parameters:
                p.mul_(1 - last * shrink)
        made.step()
        schedule.step()
        points.append([p.item() for p in parameters])
    return points


cases = {
    name: {"kind": kind, "settings": ours, "points": trajectory(optimizer, theirs, factor)}
    for name, (kind, ours, optimizer, theirs, factor) in CASES.items()
}
made = {"torch": torch.__version__, "problem": PROBLEM, "start": START, "cases": cases}
text = json.dumps(made, allow_nan=False)
text = text.replace('"points": [[', '"points": [\n[').replace("], [", "],\n[")
(Path(__file__).parent / "optim.json").write_text(text.replace("]]}, ", "]]},\n") + "\n")
