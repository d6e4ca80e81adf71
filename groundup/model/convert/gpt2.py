"""The layout of GPT-2: LayerNorm before, learned positions, tanh GELU, biases, tied. A config of the family custom.

Its matrices lie transposed (in, out), and query, key and value are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert.naming import LAYER, reading, rename, require, token_ids, turned_round

MODEL_TYPE = "gpt2"
PARTS = {
    **{"norm": "layer", "norm_place": "pre", "position": "learned", "feedforward": "gelu_tanh", "bias": True},
    **{"qk_norm": False, "window": 0, "attention_softcap": 0.0, "logit_softcap": 0.0, "num_experts": 0, "tied": True},
    **{"qk_norm_whole": False, "global_every": 0, "nope_every": 0},
}
NAMES = {
    "embedding.tokens.weight": "transformer.wte.weight",
    "place.embedding.weight": "transformer.wpe.weight",
    **{f"norm.{part}": f"transformer.ln_f.{part}" for part in ("weight", "bias")},
    **{
        f"blocks.N.{ours}.{part}": f"transformer.h.N.{theirs}.{part}"
        for ours, theirs in (
            ("attention_norm", "ln_1"),
            ("attention.output", "attn.c_proj"),
            ("feedforward_norm", "ln_2"),
            ("feedforward.up", "mlp.c_fc"),
            ("feedforward.down", "mlp.c_proj"),
        )
        for part in ("weight", "bias")
    },
}
TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
JOINED = ("query", "key", "value")


def fits(config: ModelConfig) -> bool:
    """A custom model of exactly these parts, with as many key/value heads as heads."""
    square = config.num_kv_heads == config.num_heads and config.num_heads * config.head_dim == config.width
    parts = all(getattr(config, name) == value for name, value in PARTS.items())
    return config.family == "custom" and square and parts


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": MODEL_TYPE,
        "vocab_size": config.vocabulary_size,
        "n_positions": config.context_length,
        "n_embd": config.width,
        "n_layer": config.depth,
        "n_head": config.num_heads,
        "n_inner": config.feedforward_width,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": config.norm_epsilon,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), config.dropout),
        "tie_word_embeddings": True,
        **token_ids(special),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    asked = {
        "activation_function": values.get("activation_function", "gelu_new") in ("gelu_new", "gelu_pytorch_tanh"),
        "scale_attn_weights": values.get("scale_attn_weights", True),
        "scale_attn_by_inverse_layer_idx": not values.get("scale_attn_by_inverse_layer_idx", False),
        "add_cross_attention": not values.get("add_cross_attention", False),
        "tie_word_embeddings": values.get("tie_word_embeddings", True),
    }
    require(values, asked, name, "custom")
    with reading(name):
        width, num_heads = int(values["n_embd"]), int(values["n_head"])
        shape: dict[str, Any] = {
            "vocabulary_size": int(values["vocab_size"]),
            "depth": int(values["n_layer"]),
            "width": width,
            "num_heads": num_heads,
            "num_kv_heads": num_heads,
            "head_dim": width // num_heads,
            "feedforward_width": int(values.get("n_inner") or 4 * width),
            "context_length": int(values["n_positions"]),
            "norm_epsilon": float(values.get("layer_norm_epsilon", 1e-5)),
            "dropout": float(values.get("resid_pdrop") or 0.0),
        }
    return ModelConfig(family="custom", **{**shape, **PARTS})


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors by their names, joined and transposed."""
    import torch

    found = dict(weights)
    for layer in range(config.depth):
        for part in ("weight", "bias"):
            pieces = [found.pop(f"blocks.{layer}.attention.{name}.{part}") for name in JOINED]
            found[f"transformer.h.{layer}.attn.c_attn.{part}"] = torch.cat(pieces)
    return {name: _transpose(name, tensor) for name, tensor in rename(found, NAMES).items()}


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Their tensors by our names. The first weights published lack the prefix and hold the causal mask: both are met."""
    found: dict[str, Any] = {}
    for name, tensor in weights.items():
        full = name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}"
        if full == "lm_head.weight" or full.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        tensor = _transpose(full, tensor)
        layer = LAYER.search(full)
        if ".attn.c_attn." in full and layer and len(tensor) == 3 * config.width:
            part = full.rsplit(".", 1)[1]
            for ours, piece in zip(JOINED, tensor.split(config.width), strict=True):
                found[f"blocks.{layer.group()}.attention.{ours}.{part}"] = piece
        else:
            found[full] = tensor
    return rename(found, turned_round(NAMES))


def _transpose(name: str, tensor: Any) -> Any:
    return tensor.T.contiguous() if name.endswith(TRANSPOSED) else tensor
