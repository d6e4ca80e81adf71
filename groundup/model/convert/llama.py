"""The layout of Llama (also SmolLM2): as Qwen3 without QK-norm. A config of the family custom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert import qwen3
from groundup.model.convert.naming import token_ids

MODEL_TYPE = "llama"
PARTS = {
    **{"norm": "rms", "norm_place": "pre", "position": "rope", "feedforward": "swiglu", "bias": False},
    **{"qk_norm": False, "window": 0, "attention_softcap": 0.0, "logit_softcap": 0.0, "num_experts": 0},
    **{"qk_norm_whole": False, "global_every": 0, "nope_every": 0},
}

export, take = qwen3.export, qwen3.take


def fits(config: ModelConfig) -> bool:
    """A custom model of exactly these parts."""
    return config.family == "custom" and all(getattr(config, name) == value for name, value in PARTS.items())


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": MODEL_TYPE,
        **qwen3.llama_like(config),
        "attention_bias": False,
        "mlp_bias": False,
        **token_ids(special),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    return ModelConfig(**{**qwen3.read_llama_like(values, name, "custom"), **PARTS})
