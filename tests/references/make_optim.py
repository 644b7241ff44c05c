"""Writes optim.json: what PyTorch's optimizers do in 100 steps on a problem of 3 parameters.

    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0
    /tmp/torch/bin/python tests/references/make_optim.py

And the rates of its schedules, and what its clipping leaves of gradients. Nothing of this package
is imported here, and PyTorch nowhere else. All numbers are doubles and nothing is random. Names
and settings are PyTorch's, but for `Momentum`, whose stored path is equation 9 of 1986: PyTorch's
SGD with a momentum that is multiplied by (last rate / this rate).
"""

from __future__ import annotations

import json
from math import cos, pi
from pathlib import Path

import torch
from torch.optim import lr_scheduler

STEPS = 100
START = [-1.2, 1.5, 0.8]
PROBLEM = "(1 - x)**2 + 10 * (y - x*x)**2 + (z - x*y)**2 / 2 + z**4 / 10 + 3 * z"


def halving(step):  # step_decay(lr, 20, 0.5)
    return 0.5 ** (step // 20)


def falling(step):  # exponential(lr, 0.97)
    return 0.97**step


def wave(step):  # cosine(0.05, 80, 0.005)
    return 0.1 + 0.9 * (1 + cos(pi * min(step / 80, 1))) / 2


def warm(step):  # warm_up(10, cosine(0.05, 80, 0.005))
    return (step + 1) / 11 if step < 10 else wave(step - 10)


WAVE = ["cosine", 0.05, 80, 0.005]
WARM = ["warm_up", 10, WAVE]
MOST = {"lr": 0.05, "betas": [0.8, 0.95], "eps": 0.001, "weight_decay": 0.3}

# name: class, settings, and PyTorch's factor of the rate where ours is a function
CASES = {
    "descent": ("SGD", {}, None),
    "descent decay": ("SGD", {"lr": 0.003, "weight_decay": 0.3}, None),
    "descent step_decay": ("SGD", {"lr": ["step_decay", 0.01, 20, 0.5]}, halving),
    "momentum": ("SGD", {"lr": 0.002, "momentum": 0.9}, None),
    "momentum decay": ("SGD", {"lr": 0.002, "momentum": 0.8, "weight_decay": 0.3}, None),
    "momentum dampening": ("SGD", {"lr": 0.002, "momentum": 0.8, "dampening": 0.4}, None),
    "momentum exponential": ("SGD", {"lr": ["exponential", 0.004, 0.97], "momentum": 0.9}, falling),
    "nesterov": ("SGD", {"lr": 0.002, "momentum": 0.9, "nesterov": True}, None),
    "nesterov decay": (
        "SGD",
        {"lr": 0.002, "momentum": 0.8, "weight_decay": 0.3, "nesterov": True},
        None,
    ),
    "1986": ("Momentum", {"lr": 0.002}, None),
    "1986 decay": ("Momentum", {"lr": 0.002, "decay": 0.3}, None),
    "1986 exponential": ("Momentum", {"lr": ["exponential", 0.004, 0.97]}, falling),
    "rmsprop": ("RMSprop", {}, None),
    "rmsprop decay": (
        "RMSprop",
        {"lr": 0.02, "alpha": 0.9, "eps": 0.001, "weight_decay": 0.3},
        None,
    ),
    "rmsprop cosine": ("RMSprop", {"lr": WAVE}, wave),
    "rmsprop momentum": ("RMSprop", {"lr": 0.003, "momentum": 0.7}, None),
    "rmsprop centered": ("RMSprop", {"lr": 0.003, "alpha": 0.8, "centered": True}, None),
    "adagrad": ("Adagrad", {}, None),
    "adagrad decay": ("Adagrad", {"lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.3}, None),
    "adam": ("Adam", {}, None),
    "adam decay": ("Adam", MOST, None),
    "adam warm_up": ("Adam", {"lr": WARM}, warm),
    "adamw": ("AdamW", {}, None),
    "adamw decay": ("AdamW", MOST, None),
    "adamw cosine": ("AdamW", {"lr": WAVE, "weight_decay": 0.3}, wave),
}
BASES = {"step_decay": 1, "exponential": 1, "cosine": 1, "warm_up": 2}


def base(lr):
    """The first number of a schedule's settings."""
    while isinstance(lr, list):
        lr = lr[BASES[lr[0]]]
    return lr


def trajectory(kind, settings, factor):
    """x, y, z after each step."""
    settings, shrink, old = dict(settings), 0.0, kind == "Momentum"
    if old:
        shrink = settings.pop("decay", 0.0)
        kind, settings["momentum"] = "SGD", settings.pop("alpha", 0.9)
    if "lr" in settings:
        settings["lr"] = base(settings["lr"])
    parameters = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    made = getattr(torch.optim, kind)(parameters, **settings)
    schedule = lr_scheduler.LambdaLR(made, factor or (lambda step: 1.0))
    (group,) = made.param_groups
    alpha, last = group.get("momentum", 0.0), group["lr"]
    points = []
    for _ in range(STEPS):
        x, y, z = parameters
        made.zero_grad()
        error = (1 - x) ** 2 + 10 * (y - x * x) ** 2 + (z - x * y) ** 2 / 2 + z**4 / 10 + 3 * z
        error.backward()
        if old:
            group["momentum"] = alpha * last / group["lr"]
        last = group["lr"]
        with torch.no_grad():
            for p in parameters:
                p.mul_(1 - last * shrink)
        made.step()
        schedule.step()
        points.append([p.item() for p in parameters])
    return points


SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 2, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 4]}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 2}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.6, "total_iters": 4}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 4, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 4}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 0.1}),
]
CLIPPED = [
    ([3.0, 4.0], 1.0, 2.0),
    ([3.0, 4.0], 5.0, 2.0),
    ([3.0, 4.0], 6.0, 2.0),
    ([3.0, -4.0, 1.0], 1.0, 1.0),
    ([3.0, -4.0, 1.0], 2.0, float("inf")),
    ([0.0, 0.0], 1.0, 2.0),
    ([3e-7, 4e-7], 1e-7, 2.0),
]


def rates(kind, settings):
    """The rates of 12 steps, from a first rate of 0.8."""
    made = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.8)
    schedule, found = getattr(lr_scheduler, kind)(made, **settings), []
    for _ in range(12):
        found.append(schedule.get_last_lr()[0])
        made.step()
        schedule.step()
    return found


def clipped(grads, most, norm_type):
    """The norm before, and the gradients after."""
    ps = [torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in grads]
    for p, g in zip(ps, grads):
        p.grad = torch.tensor(g, dtype=torch.float64)
    norm = torch.nn.utils.clip_grad_norm_(ps, most, norm_type)
    return [norm.item(), [p.grad.item() for p in ps]]


cases = {
    name: {"kind": kind, "settings": settings, "points": trajectory(kind, settings, factor)}
    for name, (kind, settings, factor) in CASES.items()
}
made = {
    "torch": torch.__version__,
    "problem": PROBLEM,
    "start": START,
    "schedules": [[kind, settings, rates(kind, settings)] for kind, settings in SCHEDULES],
    "clipped": [[*row, *clipped(*row)] for row in CLIPPED if row[2] != float("inf")],
    "clipped by the largest": [
        [*row[:2], *clipped(*row)] for row in CLIPPED if row[2] == float("inf")
    ],
    "cases": cases,
}
text = json.dumps(made, allow_nan=False)
text = text.replace('"points": [[', '"points": [\n[').replace("], [", "],\n[")
(Path(__file__).parent / "optim.json").write_text(text.replace("]]}, ", "]]},\n") + "\n")
