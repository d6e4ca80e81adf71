"""The layout of ModernBERT (ModernBertForMaskedLM): the family bert with rotary positions.

Query, key and value are one matrix there, gate and up another. The first of every n layers is global.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert.naming import LAYER, reading, rename, require, turned_round
from groundup.model.rules import MODERN_BERT, is_modern_bert

MODEL_TYPE = "modernbert"
NAMES = {
    "embedding.tokens.weight": "model.embeddings.tok_embeddings.weight",
    "embedding_norm.weight": "model.embeddings.norm.weight",
    "norm.weight": "model.final_norm.weight",
    "head.dense.weight": "head.dense.weight",
    "head.norm.weight": "head.norm.weight",
    "head.bias": "decoder.bias",
    **{
        f"blocks.N.{ours}.weight": f"model.layers.N.{theirs}.weight"
        for ours, theirs in (
            ("attention_norm", "attn_norm"),
            ("attention.output", "attn.Wo"),
            ("feedforward_norm", "mlp_norm"),
            ("feedforward.down", "mlp.Wo"),
        )
    },
}
JOINED = {  # theirs -> ours, one below the other
    "attn.Wqkv": ("attention.query", "attention.key", "attention.value"),
    "mlp.Wi": ("feedforward.gate", "feedforward.up"),
}
GLOBAL, LOCAL = "full_attention", "sliding_attention"


def fits(config: ModelConfig) -> bool:
    """The family bert with rotary positions, whose heads fill the width."""
    return is_modern_bert(config) and config.num_heads * config.head_dim == config.width


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``. Both spellings: layer_types and rope_parameters (transformers 5), and the published files' own."""
    start, end = special.get("<|cls|>"), special.get("<|sep|>")
    return {
        "architectures": ["ModernBertForMaskedLM"],
        "model_type": MODEL_TYPE,
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.feedforward_width,
        "hidden_activation": "gelu",
        "classifier_activation": "gelu",
        "max_position_embeddings": config.context_length,
        "norm_eps": config.norm_epsilon,
        "local_attention": config.window or 2 * config.context_length,
        "global_attn_every_n_layers": config.global_every if config.window else 1,
        "layer_types": _kinds(config.window, config.global_every, config.depth),
        "global_rope_theta": config.rope_theta,
        "local_rope_theta": config.local_theta,
        "rope_parameters": {
            GLOBAL: {"rope_type": "default", "rope_theta": config.rope_theta},
            LOCAL: {"rope_type": "default", "rope_theta": config.local_theta},
        },
        **dict.fromkeys(("attention_dropout", "embedding_dropout", "mlp_dropout"), config.dropout),
        "tie_word_embeddings": True,
        "pad_token_id": special.get("<|pad|>"),
        **{"bos_token_id": start, "cls_token_id": start, "eos_token_id": end, "sep_token_id": end},
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    biases = ("norm_bias", "attention_bias", "mlp_bias", "classifier_bias")
    asked = {
        "hidden_activation": values.get("hidden_activation", "gelu") == "gelu",
        "classifier_activation": values.get("classifier_activation", "gelu") == "gelu",
        "decoder_bias": values.get("decoder_bias", True),
        "tie_word_embeddings": values.get("tie_word_embeddings", True),
        **{bias: not values.get(bias, False) for bias in biases},
    }
    require(values, asked, name, "bert")
    rope = values.get("rope_parameters") or {}
    plain = all(part.get("rope_type", "default") == "default" for part in rope.values() if isinstance(part, dict))
    require(values, {"rope_parameters": plain}, name, "bert")
    with reading(name):
        width, num_heads, depth = (
            int(values[key]) for key in ("hidden_size", "num_attention_heads", "num_hidden_layers")
        )
        window = int(values.get("local_attention", 128))
        every = int(values.get("global_attn_every_n_layers") or 3)
        kinds = values.get("layer_types") or _kinds(window, every, depth)
        found = [layer for layer in range(1, depth) if kinds[layer] == GLOBAL]
        if LOCAL not in kinds:
            window, every = 0, 0
        else:
            every = found[0] if found else depth
        require(values, {"layer_types": list(kinds) == _kinds(window, every, depth)}, name, "bert")
        shape: dict[str, Any] = {
            "vocabulary_size": int(values["vocab_size"]),
            "depth": depth,
            "width": width,
            "num_heads": num_heads,
            "num_kv_heads": num_heads,
            "head_dim": width // num_heads,
            "feedforward_width": int(values["intermediate_size"]),
            "context_length": int(values["max_position_embeddings"]),
            "norm_epsilon": float(values.get("norm_eps", 1e-5)),
            "dropout": float(values.get("mlp_dropout") or 0.0),
            "window": window,
            "global_every": every,
            "rope_theta": _theta(values, GLOBAL, "global_rope_theta", 160_000.0),
            "local_theta": _theta(values, LOCAL, "local_rope_theta", 10_000.0),
        }
    return ModelConfig(family="bert", **{**MODERN_BERT, **shape})


def _kinds(window: int, every: int, depth: int) -> list[str]:
    return [LOCAL if window and not (every and layer % every == 0) else GLOBAL for layer in range(depth)]


def _theta(values: Mapping[str, Any], kind: str, older: str, usual: float) -> float:
    rope = values.get("rope_parameters") or {}
    return float((rope.get(kind) or {}).get("rope_theta") or values.get(older) or usual)


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors by their names, joined."""
    import torch

    found = dict(weights)
    for layer in range(config.depth):
        for theirs, ours in JOINED.items():
            pieces = [found.pop(f"blocks.{layer}.{name}.weight") for name in ours]
            found[f"model.layers.{layer}.{theirs}.weight"] = torch.cat(pieces)
    return rename(found, NAMES)


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Their tensors by our names, taken apart; without the copy of the tied matrix."""
    found: dict[str, Any] = {}
    for name, tensor in weights.items():
        layer = LAYER.search(name)
        ours = next((pieces for theirs, pieces in JOINED.items() if name.endswith(f".{theirs}.weight")), None)
        if ours and layer and len(tensor) % len(ours) == 0:
            for piece, part in zip(ours, tensor.chunk(len(ours)), strict=True):
                found[f"blocks.{layer.group()}.{piece}.weight"] = part
        elif name != "decoder.weight":
            found[name] = tensor
    return rename(found, turned_round(NAMES))
