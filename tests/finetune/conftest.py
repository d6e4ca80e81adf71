"""A tiny model folder (2 layers, width 32) with a bytes tokenizer, and a few examples in sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundup.core.example import Example
from groundup.model import build, bundle
from groundup.model.config import ModelConfig
from groundup.tokenizer import Tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["tiny"], kind="bytes")


@pytest.fixture(scope="session")
def model_folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    module = build(ModelConfig(tokenizer.vocabulary_size, 2, 32, 4, 2, 8, 64, 64), seed=1)
    bundle.save(folder, module, tokenizer)
    return folder


def turns(*contents: str) -> list[dict[str, str]]:
    """User and assistant in turn."""
    return [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(contents)]


@pytest.fixture
def examples() -> list[Example]:
    """120 small conversations; some fall into each split."""
    colours = ("red", "blue", "green", "black")
    return [Example("chat", messages=turns(f"colour {n}?", colours[n % 4]), source="toy") for n in range(120)]


@pytest.fixture(scope="session")
def bert_folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from groundup.model.options import ModelOptions
    from groundup.model.presets import resolve

    folder = tmp_path_factory.mktemp("bert")
    shape = ModelOptions(family="bert", depth=2, width=32, num_heads=2, context_length=64)
    bundle.save(folder, build(resolve(shape, tokenizer.vocabulary_size), seed=1), tokenizer)
    return folder


@pytest.fixture(scope="session")
def encoder_decoder_folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from groundup.model.options import ModelOptions
    from groundup.model.presets import resolve

    folder = tmp_path_factory.mktemp("encoder_decoder")
    shape = ModelOptions(
        family="encoder_decoder", position="relative", depth=2, width=32, num_heads=2, context_length=64
    )
    bundle.save(folder, build(resolve(shape, tokenizer.vocabulary_size), seed=1), tokenizer)
    return folder
