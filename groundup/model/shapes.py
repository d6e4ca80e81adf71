"""Published shapes by name, for `[model] preset = "gpt2"`: what their papers and config files say. Single keys of the
[model] table overrule them; the vocabulary is the tokenizer's own.
"""

from __future__ import annotations

from typing import Any

from groundup.core.errors import RecipeError, near

# What all of one kind share.
GPT2 = {
    **{"family": "custom", "norm": "layer", "norm_epsilon": 1e-5, "position": "learned", "feedforward": "gelu_tanh"},
    **{"bias": True, "qk_norm": False, "context_length": 1024, "dropout": 0.1, "tied": True},
}
GPT3 = {**GPT2, "context_length": 2048, "dropout": 0.0}  # Brown et al. 2020, table 2.1; its sparse layers are left out
BERT = {"family": "bert", "context_length": 512, "dropout": 0.1}  # Devlin et al. 2019
TRANSFORMER = {"family": "encoder_decoder", "position": "sinusoidal", "context_length": 512}  # Vaswani et al. 2017
T5 = {"family": "encoder_decoder", "position": "relative", "head_dim": 64, "context_length": 512, "dropout": 0.1}
LLAMA = {"family": "custom", "qk_norm": False, "tied": False}
SMOLLM2 = {**LLAMA, "tied": True, "rope_theta": 100_000.0, "context_length": 8192, "norm_epsilon": 1e-5}
QWEN3 = {"family": "gpt", "head_dim": 128, "context_length": 40_960, "rope_theta": 1e6, "num_kv_heads": 8}


def _shape(base: dict[str, Any], depth: int, width: int, heads: int, inner: int, **more: Any) -> dict[str, Any]:
    sizes = {"depth": depth, "width": width, "num_heads": heads, "feedforward_width": inner}
    return {"num_kv_heads": heads, **base, **sizes, **more}


SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": _shape(GPT2, 12, 768, 12, 3072),
    "gpt2-medium": _shape(GPT2, 24, 1024, 16, 4096),
    "gpt2-large": _shape(GPT2, 36, 1280, 20, 5120),
    "gpt2-xl": _shape(GPT2, 48, 1600, 25, 6400),
    "gpt3-125m": _shape(GPT3, 12, 768, 12, 3072),
    "gpt3-1.3b": _shape(GPT3, 24, 2048, 16, 8192),
    "gpt3-13b": _shape(GPT3, 40, 5120, 40, 20_480),
    "gpt3-175b": _shape(GPT3, 96, 12_288, 96, 49_152),
    "bert-tiny": _shape(BERT, 2, 128, 2, 512),  # Turc et al. 2019, the smallest of their grid
    "bert-base": _shape(BERT, 12, 768, 12, 3072),
    "bert-large": _shape(BERT, 24, 1024, 16, 4096),
    "transformer-base": _shape(TRANSFORMER, 6, 512, 8, 2048, dropout=0.1),
    "transformer-big": _shape(TRANSFORMER, 6, 1024, 16, 4096, dropout=0.3),
    "t5-small": _shape(T5, 6, 512, 8, 2048),
    "t5-base": _shape(T5, 12, 768, 12, 3072),
    "t5-large": _shape(T5, 24, 1024, 16, 4096),
    "llama-7b": _shape(LLAMA, 32, 4096, 32, 11_008, context_length=2048),
    "llama3-8b": _shape(LLAMA, 32, 4096, 32, 14_336, num_kv_heads=8, context_length=8192, rope_theta=5e5),
    "smollm2-135m": _shape(SMOLLM2, 30, 576, 9, 1536, num_kv_heads=3),
    "smollm2-360m": _shape(SMOLLM2, 32, 960, 15, 2560, num_kv_heads=5),
    "qwen3-0.6b": _shape(QWEN3, 28, 1024, 16, 3072, num_kv_heads=8),
    "qwen3-4b": _shape(QWEN3, 36, 2560, 32, 9728, num_kv_heads=8),
}


def shape_of(name: str) -> dict[str, Any]:
    """The fields of a published shape, or a RecipeError with the nearest name."""
    if name not in SHAPES:
        raise RecipeError(f"model.preset: unknown shape '{name}'.", repair=near(name, SHAPES))
    return dict(SHAPES[name])
