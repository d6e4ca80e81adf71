"""A learning rate for a model and its data, by trying: raise it geometrically, step by step, and watch the loss (Smith 2017).

The loss falls slowly at first, then fast, then it rises: what is wanted lies below where it is lowest. We take a quarter
of that, since a rate that still works for ten steps is too high for a thousand. All rates of the options rise together,
in the proportion they have to each other; the module is left as it was.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from groundup.model.device import autocast, settle_precision
from groundup.train.objectives import Objective
from groundup.train.optim import make_optimizer
from groundup.train.options import OptimizerOptions

SMOOTHING = 0.8  # of the loss over the steps; taste
HOPELESS = 1.5  # times the lowest loss so far: it has diverged
MARGIN = 4  # below the rate of the lowest loss; taste within the usual 3 to 10


class Stream(Protocol):
    """Where batches come from."""

    def next(self) -> Mapping[str, Tensor]: ...


@dataclass(frozen=True)
class Tried:
    """One step: the rate as a multiple of the options' rates, and the smoothed loss before it."""

    multiple: float
    loss: float


def find_rate(
    module: Any,
    batches: Stream,
    objective: Objective,
    options: OptimizerOptions,
    *,
    steps: int = 60,
    low: float = 1e-3,
    high: float = 30.0,
) -> tuple[float, list[Tried]]:
    """(by what to multiply the options' rates, all that was tried). low, high: the multiples tried first and last."""
    module = copy.deepcopy(module).train()
    optimizer = make_optimizer(module, options)
    device = next(module.parameters()).device
    precision = settle_precision(options.precision, device)
    tried: list[Tried] = []
    mean = weight = 0.0
    for step in range(steps):
        multiple = low * (high / low) ** (step / max(1, steps - 1))
        batch = {name: tensor.to(device) for name, tensor in batches.next().items()}
        optimizer.zero_grad()
        with autocast(precision, device):
            made = objective(module, batch)
        (made.loss / max(1, made.count)).backward()
        if options.clip:
            torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip)
        loss = float(made.loss.detach()) / max(1, made.count)
        if not math.isfinite(loss):
            break
        mean, weight = SMOOTHING * mean + (1 - SMOOTHING) * loss, SMOOTHING * weight + (1 - SMOOTHING)
        tried.append(Tried(multiple, mean / weight))
        if mean / weight > HOPELESS * min(one.loss for one in tried):
            break
        optimizer.step(multiple)
    return suggestion(tried), tried


def try_rates(run: Any) -> float:
    """What to multiply the rates of a training by that is about to begin; its data and random numbers stay untouched."""
    place = run.batches.state()
    with torch.random.fork_rng(devices=[run.device] if run.device.type == "cuda" else []):
        multiple, tried = find_rate(run.module, run.batches, run.objective, run.options)
    run.batches.restore(place)
    words = f"tried {len(tried)} rates: all are multiplied by {multiple:.3g}"
    run.log.note(f"  {words}", event=words, tried=[[round(one.multiple, 6), round(one.loss, 4)] for one in tried])
    return multiple


def suggestion(tried: Sequence[Tried]) -> float:
    """A quarter of the multiple at which the smoothed loss was lowest; 1 when nothing was tried."""
    return min(tried, key=lambda one: one.loss).multiple / MARGIN if tried else 1.0
