"""From options to a config. `from_depth` is the one dial: one number gives a balanced shape.

Origins: at 8 layers and more the shape follows nanochat (width 64 x depth); below that such widths starve the
depth or waste a CPU, so narrower ones were chosen: depth 4-5 with width 128-160 trains about 2.5M tokens in
three minutes on two cores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from groundup.core.errors import RecipeError
from groundup.model.config import ModelConfig
from groundup.model.options import ModelOptions
from groundup.model.rules import BERT, GATED, MODERN_BERT
from groundup.model.shapes import shape_of

MODERN_WINDOW = 128  # tokens a local layer of the modern BERT sees (Warner et al. 2024)
# What the family speedrun is made of where the recipe does not say: nanochat's choices, to be confirmed or thrown out by
# `python -m benchmarks.ablate` (docs/log.md has what was measured here).
SPEEDRUN: dict[str, Any] = {
    **{"norm": "rms_bare", "feedforward": "relu2", "qk_norm": True, "logit_softcap": 15.0, "tied": False},
    "extras": ["embedding_norm", "value_embeddings", "residual_scalars", "backout", "smear", "bigrams"],
}
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
    shares = given.get("family", "gpt") in ("gpt", "custom", "speedrun")
    halve = shares and depth >= 8 and num_heads % 2 == 0 and num_heads > 1
    num_kv_heads = given.get("num_kv_heads") or (num_heads // 2 if halve else num_heads)
    context_length = given.get("context_length") or _context(depth)
    shape = {
        "vocabulary_size": vocabulary_size,
        "depth": depth,
        "width": width,
        "num_heads": num_heads,
        "num_kv_heads": num_kv_heads,
        "head_dim": head_dim,
        "feedforward_width": given.get("feedforward_width") or _inner(width, given.get("feedforward", "swiglu")),
        "context_length": context_length,
        # 10,000: the RoPE paper; 100,000 from 2,048 tokens on: nanochat.
        "rope_theta": given.get("rope_theta") or (10_000.0 if context_length < 2048 else 100_000.0),
    }
    rest = {name: value for name, value in given.items() if name not in shape}
    return ModelConfig(**{**shape, **rest})


def resolve(options: ModelOptions, vocabulary_size: int) -> ModelConfig:
    """The config of the [model] table for a tokenizer of `vocabulary_size` tokens.

    Raises RecipeError for shapes and mixes that cannot be (heads that do not divide, a part the family does not have).
    """
    if options.from_ is not None:
        raise RecipeError(
            "model.from brings its own shape and tokenizer; it is loaded, not resolved.",
            repair="Load it with model.bundle.load.",
        )
    table = {
        name: value for name, value in options.model_dump(exclude={"preset", "from_"}).items() if value is not None
    }
    preset = shape_of(options.preset) if options.preset is not None else {}
    for name in ("family", "dropout"):  # these have defaults in the table, which must not overrule a preset
        if name in preset and name not in options.model_fields_set:
            del table[name]
    given = {**preset, **table}
    if "width" in table and "head_dim" not in table:  # another width has other heads
        given.pop("head_dim", None)
    depth = given.setdefault("depth", DEFAULT_DEPTH)
    given.setdefault("context_length", _context(depth))
    fields = {**parts_of(given), **given}
    del fields["depth"]
    return from_depth(depth, vocabulary_size, **fields)


def parts_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the family has where the table does not say: fields that are not in `given` (which has a depth)."""
    family = given.get("family", "gpt")
    parts: dict[str, Any] = {}
    if family == "bert" and given.get("position") == "rope":  # Warner et al. 2024
        parts = {**MODERN_BERT, "norm_epsilon": 1e-5, "rope_theta": 160_000.0}
        if given.get("context_length", 0) > MODERN_WINDOW and given.get("window") is None:
            parts |= {"window": MODERN_WINDOW, "global_every": 3}
    elif family == "bert":  # Devlin et al. 2019
        parts = {**BERT, "num_segments": 2, "norm_epsilon": 1e-12}
    elif family == "speedrun":
        parts = speedrun_parts(given)
    elif family == "encoder_decoder" and given.get("position") == "relative":  # Raffel et al. 2020
        parts = {"norm": "rms", "norm_place": "pre", "feedforward": "relu", "bias": False, "qk_norm": False}
    elif family == "encoder_decoder":  # Vaswani et al. 2017
        parts = {"norm": "layer", "norm_place": "post", "position": "sinusoidal", "feedforward": "relu"}
        parts |= {"bias": True, "qk_norm": False, "norm_epsilon": 1e-6}
    if family == "encoder_decoder":
        parts["decoder_depth"] = given["depth"]
    return {name: value for name, value in parts.items() if given.get(name) is None}


def speedrun_parts(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ingredients of the family speedrun."""
    parts = dict(SPEEDRUN)
    context = given.get("context_length")
    if context and given.get("window") is None:  # three layers of four look back a quarter of the context (nanochat)
        parts |= {"window": max(8, context // 4), "global_every": 4}
    return parts


def _context(depth: int) -> int:
    return 256 if depth <= 6 else 1024 if depth < 12 else 2048


def _head_dim(width: int, depth: int) -> int:
    wanted = 32 if depth < 8 else 64 if depth < 16 else 128
    return wanted if width % wanted == 0 else math.gcd(width, wanted) if math.gcd(width, wanted) >= 8 else width


def _inner(width: int, feedforward: str) -> int:
    """4 x width in a plain pair of matrices; 8/3 x gives a gate's three the same size (Shazeer 2020)."""
    return _round_up(width * 8 / 3, 32 if width < 512 else 128) if feedforward in GATED else 4 * width


def _round_up(value: float, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple
