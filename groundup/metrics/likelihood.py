"""How well a language model foresees text. Log-likelihoods are natural logarithms."""

from __future__ import annotations

import math


def perplexity(log_likelihood: float, num_tokens: int) -> float:
    """exp(-log-likelihood / tokens). Compares models of the same tokenizer only; inf where it overflows."""
    if num_tokens <= 0:
        raise ValueError("perplexity needs at least one token")
    exponent = -log_likelihood / num_tokens
    return math.exp(exponent) if exponent < 709 else math.inf  # exp(709.8) is the largest float


def bits_per_byte(log_likelihood: float, num_bytes: int) -> float:
    """-log2 p(text) / UTF-8 bytes of the text. Compares models whatever their tokenizers (The Pile, Gao 2020)."""
    if num_bytes <= 0:
        raise ValueError("bits per byte needs at least one byte")
    return -log_likelihood / math.log(2) / num_bytes
