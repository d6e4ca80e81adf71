"""First weights, drawn from one seeded generator in the order of the state dict: the same on every machine.

Matrices that read the stream: normal with std 1/sqrt(fan in), so that activations keep their size. Matrices that
write to it (attention output, feed-forward down): zero, so that every block starts as the identity (nanochat;
Zhang et al. 2019). Embedding: std 0.02 (GPT-2), which with a tied head gives first logits near 0.25 and a first
loss near ln V. Norms: one.
"""

from __future__ import annotations

import torch
from torch import nn

from groundup.core.randomness import seed_for
from groundup.model.config import ModelConfig

EMBEDDING_STD = 0.02  # GPT-2
WRITERS = ("attention.output.weight", "feedforward.down.weight")


@torch.no_grad()
def initialize(module: nn.Module, config: ModelConfig, seed: int) -> None:
    """Fill all parameters of `module` in place."""
    generator = torch.Generator().manual_seed(seed_for(seed, "weights"))
    for name, parameter in module.named_parameters():
        if parameter.dim() < 2:
            parameter.fill_(1.0)
        elif name.endswith(WRITERS):
            parameter.zero_()
        elif "embedding" in name:
            parameter.normal_(0.0, EMBEDDING_STD, generator=generator)
        else:
            parameter.normal_(0.0, parameter.shape[1] ** -0.5, generator=generator)
