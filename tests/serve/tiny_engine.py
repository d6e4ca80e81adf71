"""A random model of 2 layers behind the real engine: whatever keeps to a form here, the form made it keep."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import torch

from groundup.generate import Engine
from groundup.model.config import ModelConfig
from groundup.model.families.gpt import GPT
from groundup.serve.speaker import EngineSpeaker
from groundup.tokenizer import Tokenizer


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["once there was a fox in the old mill"] * 3, kind="bpe", vocabulary_size=310)


def speaker(_: Path | None = None, *, prefix_bytes: int = 10**6) -> EngineSpeaker:
    torch.manual_seed(1)
    model = GPT(ModelConfig(tokenizer().vocabulary_size, 2, 32, 4, 2, 8, 64, 512)).eval()
    bundle = SimpleNamespace(model=model, tokenizer=tokenizer())
    return EngineSpeaker(Engine(bundle), bundle, prefix_bytes=prefix_bytes)
