"""How fast this machine trains a model: real steps (forward, backward, clip, update) on random tokens, timed.

The budget turns the answer into a number of steps before a run starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from groundup.model.config import ModelConfig
from groundup.model.device import autocast, settle_precision
from groundup.model.families import build
from groundup.train.objectives import IGNORE, Objective, Targets, causal, masked
from groundup.train.optim import make_optimizer
from groundup.train.options import OptimizerOptions

WARM_UP_STEPS = 2  # the first steps allocate memory and choose kernels
LEAST_STEPS = 3


def measure(config: ModelConfig, options: OptimizerOptions, *, seconds: float = 2.5, device: str = "auto") -> float:
    """Tokens per second of training `config` with `options`, over about `seconds`; of the steps, the fastest
    quarter counts: what else a machine does at the moment of measuring only slows them."""
    module: Any = build(config, seed=0, device=device)
    optimizer = make_optimizer(module, options)
    generator = torch.Generator().manual_seed(0)
    shape = (options.batch_size, config.context_length + 1)
    place = next(module.parameters()).device
    precision = settle_precision(options.precision, place)
    objective, batch_of = work_of(config)
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < WARM_UP_STEPS + LEAST_STEPS or time.perf_counter() - start < seconds:
        ids = torch.randint(config.vocabulary_size, shape, generator=generator).to(place)
        before = time.perf_counter()
        for _ in range(options.accumulate):
            with autocast(precision, place):
                made = objective(module, batch_of(ids))
            (made.loss / made.count).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), options.clip or float("inf"))
        optimizer.step(0.1)
        optimizer.zero_grad()
        if place.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - before)
    typical = sorted(times[WARM_UP_STEPS:])[(len(times) - WARM_UP_STEPS) // 4]
    return options.batch_size * options.accumulate * config.context_length / typical


def work_of(config: ModelConfig) -> tuple[Objective, Callable[[Tensor], dict[str, Tensor]]]:
    """The objective of a family, and its batch from random ids (B, T + 1)."""
    if config.family == "bert":  # about every seventh word is hidden
        return masked, lambda ids: {"ids_BT": ids[:, :-1], "targets_BT": ids[:, :-1].where(ids[:, 1:] % 7 == 0, IGNORE)}
    if config.family == "encoder_decoder":  # about as much is written as is hidden: a fifth of the source
        cut = max(1, config.context_length // 5)
        return Targets(), lambda ids: {
            "source_BS": ids[:, :-1],
            "ids_BT": ids[:, :cut],
            "targets_BT": ids[:, 1 : cut + 1],
        }
    return causal, lambda ids: {"ids_BT": ids[:, :-1], "targets_BT": ids[:, 1:]}
