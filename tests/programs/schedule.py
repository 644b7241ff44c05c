"""Learning rate schedules: the rate of each step, and where it leads."""

from tinygrad_edu import Value, optim
from tinygrad_edu.optim import lr_scheduler

for schedule, how in (
    (lr_scheduler.StepLR, {"step_size": 3, "gamma": 0.5}),
    (lr_scheduler.LinearLR, {"start_factor": 0.1, "total_iters": 4}),
    (lr_scheduler.CosineAnnealingLR, {"T_max": 8, "eta_min": 0.01}),
):
    x = Value(5.0)
    optimizer = optim.SGD([x], lr=0.2, momentum=0.8, nesterov=True)
    scheduler, rates = schedule(optimizer, **how), []
    for _ in range(8):
        loss = (x - 1) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates += scheduler.get_last_lr()
        scheduler.step()
    print(schedule.__name__, [round(rate, 4) for rate in rates], f"x {x.item():.6f}")
