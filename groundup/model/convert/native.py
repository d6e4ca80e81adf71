"""Our own layout, for mixes that nobody else has: config.json holds the ModelConfig, tensors keep our names.

Only groundup opens it; other tools name the unknown model_type and stop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert.naming import reading, token_ids

MODEL_TYPE = "groundup"


def fits(config: ModelConfig) -> bool:
    """Every config."""
    return True


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {"model_type": MODEL_TYPE, "config": config.to_dict(), **token_ids(special), "dtype": "float32"}


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    with reading(name):
        return ModelConfig.from_dict(values["config"])


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors under our names."""
    return dict(weights)


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors under our names."""
    return dict(weights)
