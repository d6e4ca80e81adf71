"""How fast this machine trains a model: real steps (forward, backward, clip, update) on random tokens, timed.

The budget turns the answer into a number of steps before a run starts.
"""

from __future__ import annotations

import time
from typing import Any

import torch

from groundup.model.config import ModelConfig
from groundup.model.device import autocast, settle_precision
from groundup.model.families import build
from groundup.train.objectives import causal
from groundup.train.optim import make_optimizer
from groundup.train.options import OptimizerOptions

WARM_UP_STEPS = 2  # the first steps allocate memory and choose kernels
LEAST_STEPS = 3


def measure(config: ModelConfig, options: OptimizerOptions, *, seconds: float = 2.5, device: str = "auto") -> float:
    """Tokens per second of training `config` with `options`, over about `seconds`; the median of the steps."""
    module: Any = build(config, seed=0, device=device)
    optimizer = make_optimizer(module, options)
    generator = torch.Generator().manual_seed(0)
    shape = (options.batch_size, config.context_length + 1)
    place = next(module.parameters()).device
    precision = settle_precision(options.precision, place)
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < WARM_UP_STEPS + LEAST_STEPS or time.perf_counter() - start < seconds:
        ids = torch.randint(config.vocabulary_size, shape, generator=generator).to(place)
        before = time.perf_counter()
        for _ in range(options.accumulate):
            with autocast(precision, place):
                made = causal(module, {"ids_BT": ids[:, :-1], "targets_BT": ids[:, 1:]})
            (made.loss / made.count).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip or float("inf"))
        optimizer.step(0.1)
        optimizer.zero_grad()
        if place.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - before)
    typical = sorted(times[WARM_UP_STEPS:])[(len(times) - WARM_UP_STEPS) // 2]
    return options.batch_size * options.accumulate * config.context_length / typical
