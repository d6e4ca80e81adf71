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
TRANSFORMER = {  # Vaswani et al. 2017
    **{"family": "encoder_decoder", "position": "sinusoidal", "context_length": 512},
    **{"feedforward": "relu", "norm_place": "post"},
}
T5 = {"family": "encoder_decoder", "position": "relative", "head_dim": 64, "context_length": 512, "dropout": 0.1}
T5_V11 = {**T5, "feedforward": "geglu", "tied": False}  # Shazeer 2020; the version "1.1"
MODERN_BERT = {
    **{"family": "bert", "position": "rope", "context_length": 8192, "window": 128, "global_every": 3},
    "rope_theta": 160_000.0,
}
LLAMA = {"family": "custom", "qk_norm": False, "tied": False, "context_length": 2048, "norm_epsilon": 1e-6}
LLAMA2 = {**LLAMA, "context_length": 4096, "norm_epsilon": 1e-5}
LLAMA3 = {**LLAMA, "num_kv_heads": 8, "context_length": 8192, "rope_theta": 5e5, "norm_epsilon": 1e-5}
LLAMA32 = {  # Llama 3.2: tied, made for 131,072 tokens from 8,192
    **{**LLAMA3, "tied": True, "context_length": 131_072},
    **{"rope_scaling": "llama3", "rope_factor": 32.0, "rope_original": 8192},
}
MISTRAL = {**LLAMA, "num_kv_heads": 8, "context_length": 32_768, "window": 4096, "norm_epsilon": 1e-5}
SMOLLM2 = {**LLAMA, "tied": True, "rope_theta": 100_000.0, "context_length": 8192, "norm_epsilon": 1e-5}
SMOLLM3 = {**LLAMA, "tied": True, "rope_theta": 5e6, "context_length": 65_536, "nope_every": 4, "norm_epsilon": 1e-6}
QWEN3 = {"family": "gpt", "head_dim": 128, "context_length": 40_960, "rope_theta": 1e6, "num_kv_heads": 8}
QWEN3_LARGE = {**QWEN3, "tied": False}
OLMO2 = {
    **{"family": "custom", "norm_place": "branch", "qk_norm": True, "qk_norm_whole": True, "tied": False},
    **{"context_length": 4096, "rope_theta": 5e5, "norm_epsilon": 1e-6},
}


def _shape(base: dict[str, Any], depth: int, width: int, heads: int, inner: int, **more: Any) -> dict[str, Any]:
    sizes = {"depth": depth, "width": width, "num_heads": heads, "feedforward_width": inner}
    return {"num_kv_heads": heads, **base, **sizes, **more}


SHAPES: dict[str, dict[str, Any]] = {
    "gpt2": _shape(GPT2, 12, 768, 12, 3072),
    "gpt2-medium": _shape(GPT2, 24, 1024, 16, 4096),
    "gpt2-large": _shape(GPT2, 36, 1280, 20, 5120),
    "gpt2-xl": _shape(GPT2, 48, 1600, 25, 6400),
    "gpt3-125m": _shape(GPT3, 12, 768, 12, 3072),
    "gpt3-350m": _shape(GPT3, 24, 1024, 16, 4096),
    "gpt3-760m": _shape(GPT3, 24, 1536, 16, 6144),
    # The table gives 24 heads of 128 for a width of 2,048; 16 fill it.
    "gpt3-1.3b": _shape(GPT3, 24, 2048, 16, 8192),
    "gpt3-2.7b": _shape(GPT3, 32, 2560, 32, 10_240),
    "gpt3-6.7b": _shape(GPT3, 32, 4096, 32, 16_384),
    # 40 heads of 128 do not fill the table's width of 5,140.
    "gpt3-13b": _shape(GPT3, 40, 5120, 40, 20_480),
    "gpt3-175b": _shape(GPT3, 96, 12_288, 96, 49_152),
    "bert-tiny": _shape(BERT, 2, 128, 2, 512),  # Turc et al. 2019, the smallest of their grid
    "bert-base": _shape(BERT, 12, 768, 12, 3072),
    "bert-large": _shape(BERT, 24, 1024, 16, 4096),
    "modernbert-base": _shape(MODERN_BERT, 22, 768, 12, 1152),
    "modernbert-large": _shape(MODERN_BERT, 28, 1024, 16, 2624),
    "transformer-base": _shape(TRANSFORMER, 6, 512, 8, 2048, dropout=0.1),
    "transformer-big": _shape(TRANSFORMER, 6, 1024, 16, 4096, dropout=0.3),
    "t5-small": _shape(T5, 6, 512, 8, 2048),
    "t5-base": _shape(T5, 12, 768, 12, 3072),
    "t5-large": _shape(T5, 24, 1024, 16, 4096),
    "t5-3b": _shape(T5, 24, 1024, 32, 16_384, head_dim=128),
    "t5-11b": _shape(T5, 24, 1024, 128, 65_536, head_dim=128),
    "t5-v1.1-small": _shape(T5_V11, 8, 512, 6, 1024),
    "t5-v1.1-base": _shape(T5_V11, 12, 768, 12, 2048),
    "t5-v1.1-large": _shape(T5_V11, 24, 1024, 16, 2816),
    "llama-7b": _shape(LLAMA, 32, 4096, 32, 11_008),
    "llama-13b": _shape(LLAMA, 40, 5120, 40, 13_824),
    "llama-65b": _shape(LLAMA, 80, 8192, 64, 22_016),
    "llama2-7b": _shape(LLAMA2, 32, 4096, 32, 11_008),
    "llama2-70b": _shape(LLAMA2, 80, 8192, 64, 28_672, num_kv_heads=8),
    "llama3-8b": _shape(LLAMA3, 32, 4096, 32, 14_336, num_kv_heads=8),
    "llama3-70b": _shape(LLAMA3, 80, 8192, 64, 28_672, num_kv_heads=8),
    "llama3-405b": _shape(LLAMA3, 126, 16_384, 128, 53_248, num_kv_heads=8),
    "llama3.2-1b": _shape(LLAMA32, 16, 2048, 32, 8192, num_kv_heads=8),
    "llama3.2-3b": _shape(LLAMA32, 28, 3072, 24, 8192, num_kv_heads=8),
    "mistral-7b": _shape(MISTRAL, 32, 4096, 32, 14_336, num_kv_heads=8),
    "olmo2-1b": _shape(OLMO2, 16, 2048, 16, 8192),
    "olmo2-7b": _shape(OLMO2, 32, 4096, 32, 11_008),
    "smollm2-135m": _shape(SMOLLM2, 30, 576, 9, 1536, num_kv_heads=3),
    "smollm2-360m": _shape(SMOLLM2, 32, 960, 15, 2560, num_kv_heads=5),
    "smollm2-1.7b": _shape(SMOLLM2, 24, 2048, 32, 8192, rope_theta=130_000.0),
    "smollm3-3b": _shape(SMOLLM3, 36, 2048, 16, 11_008, num_kv_heads=4),
    "qwen3-0.6b": _shape(QWEN3, 28, 1024, 16, 3072, num_kv_heads=8),
    "qwen3-1.7b": _shape(QWEN3, 28, 2048, 16, 6144, num_kv_heads=8),
    "qwen3-4b": _shape(QWEN3, 36, 2560, 32, 9728, num_kv_heads=8),
    "qwen3-8b": _shape(QWEN3_LARGE, 36, 4096, 32, 12_288, num_kv_heads=8),
    "qwen3-14b": _shape(QWEN3_LARGE, 40, 5120, 40, 17_408, num_kv_heads=8),
    "qwen3-32b": _shape(QWEN3_LARGE, 64, 5120, 64, 25_600, num_kv_heads=8),
}


def shape_of(name: str) -> dict[str, Any]:
    """The fields of a published shape, or a RecipeError with the nearest name."""
    if name not in SHAPES:
        raise RecipeError(f"model.preset: unknown shape '{name}'.", repair=near(name, SHAPES))
    return dict(SHAPES[name])
