"""A tiny real model (2 layers, width 32) with loud random weights, so that its choices are far from ties."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from groundup.generate import Engine
from groundup.model.config import ModelConfig
from groundup.model.families.gpt import GPT
from groundup.tokenizer import Tokenizer


def loud(seed: int, vocabulary_size: int, context_length: int = 48) -> GPT:
    """A model whose logits differ by whole units."""
    config = ModelConfig(vocabulary_size, 2, 32, 4, 2, 8, 64, context_length)
    model = GPT(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return model


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["tiny"], kind="bytes")


@pytest.fixture(scope="session")
def bundle(tokenizer: Tokenizer) -> Any:
    return SimpleNamespace(model=loud(1, tokenizer.vocabulary_size), tokenizer=tokenizer)


@pytest.fixture
def engine(bundle: Any) -> Engine:
    return Engine(bundle)


@pytest.fixture
def prompts(tokenizer: Tokenizer) -> list[list[int]]:
    """Four prompts of four lengths."""
    return [tokenizer.encode(text) for text in ("once", "there was a fox", "o", "in the old mill")]
