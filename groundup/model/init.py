"""First weights, drawn from one seeded generator in the order of the state dict: the same on every machine.

Matrices that read the stream: normal with std 1/sqrt(fan in), so that activations keep their size. Matrices that
write to it (attention output, feed-forward down): zero, so that every block starts as the identity (nanochat;
Zhang et al. 2019). Embedding: std 0.02 (GPT-2), which with a tied head gives first logits near 0.25 and a first
loss near ln V. Norms: one. Biases: zero.

The encoder-decoders scale their embeddings and need others: the original 1/sqrt(D) (its code), T5 std 1 and queries
smaller by sqrt(K), since it does not divide the scores (Raffel et al. 2020, Mesh TensorFlow).
speedrun: see families/speedrun.py for the numbers that are neither drawn nor one.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from groundup.core.randomness import seed_for
from groundup.model.config import ModelConfig

EMBEDDING_STD = 0.02  # GPT-2
HEAD_STD = 0.001  # of an untied output matrix: the first guess is that all words are as likely (nanochat)
WRITERS = ("attention.output.weight", ".down.weight")


@torch.no_grad()
def initialize(module: nn.Module, config: ModelConfig, seed: int) -> None:
    """Fill all parameters of `module` in place."""
    generator = torch.Generator().manual_seed(seed_for(seed, "weights"))
    for name, parameter in module.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif parameter.dim() < 2:
            parameter.fill_(1.0)
        elif name.endswith(WRITERS):
            parameter.zero_()
        else:
            parameter.normal_(0.0, std_of(name, parameter, config), generator=generator)
    rest: Any = getattr(module, "first_values", None)
    if rest is not None:
        rest()


def std_of(name: str, parameter: nn.Parameter, config: ModelConfig) -> float:
    """The standard deviation of a matrix's first numbers."""
    if name == "embedding.tokens.weight" and config.family == "encoder_decoder":
        return 1.0 if config.position == "relative" else config.width**-0.5
    if name.endswith("value_embedding.weight"):  # as large as the values it is added to
        return config.width**-0.5
    if name == "embedding.head.weight" and config.family == "speedrun":
        return HEAD_STD
    if "embedding" in name:
        return EMBEDDING_STD
    if config.position == "relative" and config.family == "encoder_decoder" and name.endswith("query.weight"):
        return float((parameter.shape[1] * config.head_dim) ** -0.5)
    return float(parameter.shape[1] ** -0.5)
