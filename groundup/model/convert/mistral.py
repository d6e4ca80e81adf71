"""The layout of Mistral: as Llama, with a window in every layer. A config of the family custom.

A Mistral without a window, or with one as long as its context, is a Llama, and is saved as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert import llama, qwen3
from groundup.model.convert.naming import token_ids

MODEL_TYPE = "mistral"
PARTS = {name: value for name, value in llama.PARTS.items() if name != "window"}

export, take = qwen3.export, qwen3.take


def fits(config: ModelConfig) -> bool:
    """A custom model of exactly these parts, with a window."""
    parts = all(getattr(config, name) == value for name, value in PARTS.items())
    return config.family == "custom" and parts and config.window > 0


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {
        "architectures": ["MistralForCausalLM"],
        "model_type": MODEL_TYPE,
        **qwen3.llama_like(config),
        "sliding_window": config.window,
        **token_ids(special),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    shape = qwen3.read_llama_like(values, name, "custom")
    window = int(values.get("sliding_window") or 0)
    return ModelConfig(**{**shape, **PARTS, "window": window if window < shape["context_length"] else 0})
