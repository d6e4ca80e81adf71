"""The families by name, and `build`: a config and a seed give a module with its first weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from groundup.core.registry import Registry
from groundup.model.rules import is_modern_bert

if TYPE_CHECKING:
    from groundup.model.config import ModelConfig

families: Registry[Callable[..., Any]] = Registry("model family")


@families.register("gpt")
def _gpt(config: ModelConfig) -> Any:
    from groundup.model.families.gpt import GPT

    return GPT(config)


@families.register("bert")
def _bert(config: ModelConfig) -> Any:
    from groundup.model.families.bert import BERT
    from groundup.model.families.modern_bert import ModernBERT

    return (ModernBERT if is_modern_bert(config) else BERT)(config)


@families.register("encoder_decoder")
def _encoder_decoder(config: ModelConfig) -> Any:
    from groundup.model.families.encoder_decoder import EncoderDecoder

    return EncoderDecoder(config)


@families.register("speedrun")
def _speedrun(config: ModelConfig) -> Any:
    from groundup.model.families.speedrun import Speedrun

    return Speedrun(config)


@families.register("custom")
def _custom(config: ModelConfig) -> Any:
    from groundup.model.families.custom import Custom

    return Custom(config)


def build(config: ModelConfig, seed: int, device: str = "cpu") -> Any:
    """A new module of the config's family, its weights drawn from `seed` (the same on every device), in train mode."""
    import torch

    from groundup.model.device import choose
    from groundup.model.init import initialize

    with torch.random.fork_rng(devices=[]):  # constructors of nn draw from the global generator; leave it untouched
        module = families.get(config.family)(config)
    initialize(module, config, seed)
    return module.to(choose(device))
