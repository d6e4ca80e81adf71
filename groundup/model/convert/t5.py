"""The layout of T5 (ReLU, tied: the first; gated GELU, untied: 1.1): the family encoder_decoder with relative positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert.naming import reading, rename, require, turned_round

MODEL_TYPE = "t5"
PARTS = {"norm": "rms", "norm_place": "pre", "position": "relative", "bias": False, "qk_norm": False}
PROJECTIONS = {"relu": "relu", "geglu": "gated-gelu"}
ATTENTION = (("query", "q"), ("key", "k"), ("value", "v"), ("output", "o"))


def _names(gated: bool) -> dict[str, str]:
    names = {"embedding.tokens.weight": "shared.weight", "embedding.head.weight": "lm_head.weight"}
    for half, place in (("encoder", 1), ("decoder", 2)):  # place: of the feed-forward within a block
        block, inner = f"{half}.block.N.layer", f"DenseReluDense.wi{'_1' if gated else ''}"
        names |= {
            f"{half}.place.embedding.weight": f"{half}.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            f"{half}.norm.weight": f"{half}.final_layer_norm.weight",
            f"{half}.blocks.N.attention_norm.weight": f"{block}.0.layer_norm.weight",
            f"{half}.blocks.N.feedforward_norm.weight": f"{block}.{place}.layer_norm.weight",
            f"{half}.blocks.N.feedforward.gate.weight": f"{block}.{place}.DenseReluDense.wi_0.weight",
            f"{half}.blocks.N.feedforward.up.weight": f"{block}.{place}.{inner}.weight",
            f"{half}.blocks.N.feedforward.down.weight": f"{block}.{place}.DenseReluDense.wo.weight",
        }
        names |= {
            f"{half}.blocks.N.attention.{ours}.weight": f"{block}.0.SelfAttention.{theirs}.weight"
            for ours, theirs in ATTENTION
        }
    names |= {
        f"decoder.blocks.N.cross_attention.{ours}.weight": f"decoder.block.N.layer.1.EncDecAttention.{theirs}.weight"
        for ours, theirs in ATTENTION
    }
    names["decoder.blocks.N.cross_norm.weight"] = "decoder.block.N.layer.1.layer_norm.weight"
    return names


def fits(config: ModelConfig) -> bool:
    """An encoder-decoder of exactly these parts."""
    parts = all(getattr(config, name) == value for name, value in PARTS.items())
    return config.family == "encoder_decoder" and parts and config.feedforward in PROJECTIONS


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``. T5 starts every target with the padding token."""
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": MODEL_TYPE,
        "is_encoder_decoder": True,
        "vocab_size": config.vocabulary_size,
        "d_model": config.width,
        "d_kv": config.head_dim,
        "d_ff": config.feedforward_width,
        "num_layers": config.depth,
        "num_decoder_layers": config.decoder_depth,
        "num_heads": config.num_heads,
        "n_positions": config.context_length,
        "relative_attention_num_buckets": config.relative_buckets,
        "relative_attention_max_distance": config.relative_distance,
        "layer_norm_epsilon": config.norm_epsilon,
        "feed_forward_proj": PROJECTIONS[config.feedforward],
        "dropout_rate": config.dropout,
        "tie_word_embeddings": config.tied,
        "pad_token_id": special.get("<|pad|>", 0),
        "decoder_start_token_id": special.get("<|pad|>", 0),
        "eos_token_id": special.get("<|end|>", 1),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    kinds = {theirs: ours for ours, theirs in PROJECTIONS.items()}
    projection = values.get("feed_forward_proj", "relu")
    require(values, {"feed_forward_proj": projection in kinds}, name, "encoder_decoder")
    with reading(name):
        num_heads = int(values["num_heads"])
        shape: dict[str, Any] = {
            "vocabulary_size": int(values["vocab_size"]),
            "depth": int(values["num_layers"]),
            "decoder_depth": int(values.get("num_decoder_layers") or values["num_layers"]),
            "width": int(values["d_model"]),
            "num_heads": num_heads,
            "num_kv_heads": num_heads,
            "head_dim": int(values["d_kv"]),
            "feedforward_width": int(values["d_ff"]),
            "context_length": int(
                values.get("n_positions") or 512
            ),  # what T5 was trained with; it has no limit of its own
            "relative_buckets": int(values.get("relative_attention_num_buckets", 32)),
            "relative_distance": int(values.get("relative_attention_max_distance", 128)),
            "norm_epsilon": float(values.get("layer_norm_epsilon", 1e-6)),
            "dropout": float(values.get("dropout_rate") or 0.0),
            # transformers 5 writes tie_word_embeddings true even for 1.1; the scale tells the two apart.
            "tied": bool(values.get("scale_decoder_outputs", values.get("tie_word_embeddings", True))),
        }
    return ModelConfig(family="encoder_decoder", feedforward=kinds[projection], **{**PARTS, **shape})


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors by their names."""
    return rename(weights, _names(config.feedforward == "geglu"))


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Their tensors by our names, without the copies of the shared embedding."""
    spare = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"} | (
        {"lm_head.weight"} if config.tied else set()
    )
    kept = {name: tensor for name, tensor in weights.items() if name not in spare}
    return rename(kept, turned_round(_names(config.feedforward == "geglu")))
