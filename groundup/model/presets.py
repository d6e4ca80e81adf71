"""From options to a config. `from_depth` is the one dial: one number gives a balanced shape.

Origins: at 8 layers and more the shape follows nanochat (width 64 x depth); below that such widths starve the
depth or waste a CPU, so narrower ones were chosen: depth 4-5 with width 128-160 trains about 2.5M tokens in
three minutes on two cores.
"""

from __future__ import annotations

import math
from typing import Any

from groundup.core.errors import RecipeError
from groundup.model.config import ModelConfig
from groundup.model.options import ModelOptions

DEFAULT_DEPTH = 4  # where neither recipe nor plan says: trains in minutes anywhere


def from_depth(depth: int, vocabulary_size: int, **changes: Any) -> ModelConfig:
    """A balanced default model of `depth` layers; `changes` overrule single fields of the config."""
    given = {name: value for name, value in changes.items() if value is not None}
    # 32 x depth up to 5 layers, 48 at 6-7, 64 from 8 on (nanochat's aspect ratio).
    width = given.get("width") or depth * (32 if depth <= 5 else 48 if depth <= 7 else 64)
    # Small heads for small models (enough of them to specialise), 128 where GPUs want it (nanochat, Qwen3).
    head_dim = given.get("head_dim") or (
        width // given["num_heads"] if "num_heads" in given else _head_dim(width, depth)
    )
    num_heads = given.get("num_heads") or max(1, width // head_dim)
    # Sharing keys and values pays in cache memory, which small models do not lack: full below depth 8, halved above.
    halve = depth >= 8 and num_heads % 2 == 0 and num_heads > 1
    num_kv_heads = given.get("num_kv_heads") or (num_heads // 2 if halve else num_heads)
    context_length = given.get("context_length") or (256 if depth <= 6 else 1024 if depth < 12 else 2048)
    shape = {
        "vocabulary_size": vocabulary_size,
        "depth": depth,
        "width": width,
        "num_heads": num_heads,
        "num_kv_heads": num_kv_heads,
        "head_dim": head_dim,
        # 8/3 x width gives SwiGLU's three matrices the size of a classic 4x pair (Shazeer 2020).
        "feedforward_width": given.get("feedforward_width") or _round_up(width * 8 / 3, 32 if width < 512 else 128),
        "context_length": context_length,
        # 10,000: the RoPE paper; 100,000 from 2,048 tokens on: nanochat.
        "rope_theta": given.get("rope_theta") or (10_000.0 if context_length < 2048 else 100_000.0),
    }
    rest = {name: value for name, value in given.items() if name not in shape}
    return ModelConfig(**{**shape, **rest})


def resolve(options: ModelOptions, vocabulary_size: int) -> ModelConfig:
    """The config of the [model] table for a tokenizer of `vocabulary_size` tokens.

    Raises RecipeError for shapes that cannot be (heads that do not divide, odd head size).
    """
    if options.from_ is not None:
        raise RecipeError(
            "model.from brings its own shape and tokenizer; it is loaded, not resolved.",
            repair="Load it with model.bundle.load.",
        )
    return from_depth(
        options.depth or DEFAULT_DEPTH,
        vocabulary_size,
        family=options.family,
        width=options.width,
        num_heads=options.num_heads,
        num_kv_heads=options.num_kv_heads,
        head_dim=options.head_dim,
        feedforward_width=options.feedforward_width,
        context_length=options.context_length,
        rope_theta=options.rope_theta,
        tied=options.tied,
        dropout=options.dropout,
    )


def _head_dim(width: int, depth: int) -> int:
    wanted = 32 if depth < 8 else 64 if depth < 16 else 128
    return wanted if width % wanted == 0 else math.gcd(width, wanted) if math.gcd(width, wanted) >= 8 else width


def _round_up(value: float, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple
