"""The layout of SmolLM3: as Llama, with every n-th layer free of positions (Yang et al. 2025, "NoPE"). Family custom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert import llama, qwen3
from groundup.model.convert.naming import require, token_ids

MODEL_TYPE = "smollm3"
PARTS = {name: value for name, value in llama.PARTS.items() if name != "nope_every"}

export, take = qwen3.export, qwen3.take


def fits(config: ModelConfig) -> bool:
    """A custom model of exactly these parts, with layers free of positions."""
    parts = all(getattr(config, name) == value for name, value in PARTS.items())
    return config.family == "custom" and parts and config.nope_every > 0


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {
        "architectures": ["SmolLM3ForCausalLM"],
        "model_type": MODEL_TYPE,
        **qwen3.llama_like(config),
        "attention_bias": False,
        "mlp_bias": False,
        "use_sliding_window": False,
        "sliding_window": None,
        "no_rope_layer_interval": config.nope_every,
        "no_rope_layers": _turning(config.nope_every, config.depth),
        **token_ids(special),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json. ArtifactError for layers without positions that do not come every n-th."""
    shape = qwen3.read_llama_like(values, name, "custom")
    depth = shape["depth"]
    listed = values.get("no_rope_layers") or _turning(int(values.get("no_rope_layer_interval") or 4), depth)
    turning = [int(bool(one)) for one in listed[:depth]]
    nope_every = turning.index(0) + 1 if 0 in turning else 0
    rules = {
        "use_sliding_window": not values.get("use_sliding_window", False),
        "no_rope_layers": turning == _turning(nope_every, depth),
    }
    require(values, rules, name, "custom")
    return ModelConfig(**{**shape, **PARTS, "nope_every": nope_every})


def _turning(nope_every: int, depth: int) -> list[int]:
    """1 for the layers that turn queries and keys, 0 for those without positions."""
    return [int(not nope_every or layer % nope_every != nope_every - 1) for layer in range(depth)]
