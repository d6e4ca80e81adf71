"""The layout of OLMo 2: as Llama, but what a sub-layer adds is normed, not what it reads, and queries and keys are normed
over all heads at once. A config of the family custom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert import llama, qwen3
from groundup.model.convert.naming import rename, token_ids, turned_round

MODEL_TYPE = "olmo2"
PARTS = {**llama.PARTS, "norm_place": "branch", "qk_norm": True, "qk_norm_whole": True}
NAMES = {
    **qwen3.NAMES,
    "blocks.N.attention_norm.weight": "model.layers.N.post_attention_layernorm.weight",
    "blocks.N.feedforward_norm.weight": "model.layers.N.post_feedforward_layernorm.weight",
}


def fits(config: ModelConfig) -> bool:
    """A custom model of exactly these parts; its heads fill the width."""
    parts = all(getattr(config, name) == value for name, value in PARTS.items())
    return config.family == "custom" and parts and config.num_heads * config.head_dim == config.width


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    shared = {name: value for name, value in qwen3.llama_like(config).items() if name != "head_dim"}
    return {
        "architectures": ["Olmo2ForCausalLM"],
        "model_type": MODEL_TYPE,
        **shared,
        "attention_bias": False,
        **token_ids(special),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    return ModelConfig(**{**qwen3.read_llama_like(values, name, "custom"), **PARTS})


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors by their names."""
    return rename(weights, NAMES)


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Their tensors by our names; a tied model's copy of the output matrix is left out."""
    kept = {name: t for name, t in weights.items() if not (config.tied and name == "lm_head.weight")}
    return rename(kept, turned_round(NAMES))
