"""Step -> share of the peak learning rate, in [0, 1]. One shape for all groups of parameters.

wsd: warm-up, stable, linear decay (Hu et al. 2024, Haegele et al. 2024). cosine: Loshchilov and Hutter 2017.
linear: straight down after warm-up (BERT). inverse_sqrt: Vaswani et al. 2017, section 5.3.
"""

from __future__ import annotations

import math

from groundup.train.options import OptimizerOptions


def schedule(options: OptimizerOptions, step: int, steps: int) -> float:
    """The share at `step` (0 is the first) of a run of `steps`. The first step already moves, the last one still."""
    warmup = min(options.warmup_steps, steps // 5)
    rise = min(1.0, (step + 1) / (warmup + 1))
    after = max(0, step - warmup)
    span = max(1, steps - 1 - warmup)
    low = options.final_share
    if options.schedule == "inverse_sqrt":
        return rise * math.sqrt((warmup + 1) / (max(step, warmup) + 1))
    if options.schedule == "cosine":
        fall = (1 + math.cos(math.pi * min(1.0, after / span))) / 2
    elif options.schedule == "linear":
        fall = 1 - min(1.0, after / span)
    else:
        decay = max(1, round(options.decay_share * steps)) if options.decay_share else 0
        fall = min(1.0, (steps - 1 - step) / decay) if decay else 1.0
        fall = max(0.0, fall)
    return rise * (low + (1 - low) * fall)
