"""The layout of BERT with both of its heads (BertForPreTraining; BertForMaskedLM opens it too).

A bare encoder (BertModel, sentence-transformers) is opened too: its heads are then those of a model that never
learned to guess words, since nothing of the file says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert.naming import reading, rename, require, turned_round
from groundup.model.rules import BERT

MODEL_TYPE = "bert"
LAYER_NAMES = (
    ("attention.query", "attention.self.query"),
    ("attention.key", "attention.self.key"),
    ("attention.value", "attention.self.value"),
    ("attention.output", "attention.output.dense"),
    ("attention_norm", "attention.output.LayerNorm"),
    ("feedforward.up", "intermediate.dense"),
    ("feedforward.down", "output.dense"),
    ("feedforward_norm", "output.LayerNorm"),
)
OTHERS = (
    ("norm", "bert.embeddings.LayerNorm"),
    ("pooler", "bert.pooler.dense"),
    ("head.dense", "cls.predictions.transform.dense"),
    ("head.norm", "cls.predictions.transform.LayerNorm"),
    ("next_sentence", "cls.seq_relationship"),
)
NAMES = {
    "embedding.tokens.weight": "bert.embeddings.word_embeddings.weight",
    "place.embedding.weight": "bert.embeddings.position_embeddings.weight",
    "segment_embedding.weight": "bert.embeddings.token_type_embeddings.weight",
    "head.bias": "cls.predictions.bias",
    **{f"{ours}.{part}": f"{theirs}.{part}" for ours, theirs in OTHERS for part in ("weight", "bias")},
    **{
        f"blocks.N.{ours}.{part}": f"bert.encoder.layer.N.{theirs}.{part}"
        for ours, theirs in LAYER_NAMES
        for part in ("weight", "bias")
    },
}
# Copies of tied tensors, and a table of numbers that old files hold.
SPARE = ("cls.predictions.decoder.weight", "cls.predictions.decoder.bias", "bert.embeddings.position_ids")


def fits(config: ModelConfig) -> bool:
    """The family bert with learned positions is this layout."""
    return config.family == "bert" and config.position == "learned"


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {
        "architectures": ["BertForPreTraining"],
        "model_type": MODEL_TYPE,
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.num_heads,
        "intermediate_size": config.feedforward_width,
        "hidden_act": "gelu",
        "hidden_dropout_prob": config.dropout,
        "attention_probs_dropout_prob": config.dropout,
        "max_position_embeddings": config.context_length,
        "type_vocab_size": config.num_segments,
        "layer_norm_eps": config.norm_epsilon,
        "tie_word_embeddings": True,
        "pad_token_id": special.get("<|pad|>"),
        "dtype": "float32",
    }


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    asked = {
        "hidden_act": values.get("hidden_act", "gelu") == "gelu",
        "position_embedding_type": values.get("position_embedding_type", "absolute") == "absolute",
        "is_decoder": not values.get("is_decoder", False),
        "tie_word_embeddings": values.get("tie_word_embeddings", True),
    }
    require(values, asked, name, "bert")
    with reading(name):
        width, num_heads = int(values["hidden_size"]), int(values["num_attention_heads"])
        shape: dict[str, Any] = {
            "vocabulary_size": int(values["vocab_size"]),
            "depth": int(values["num_hidden_layers"]),
            "width": width,
            "num_heads": num_heads,
            "num_kv_heads": num_heads,
            "head_dim": width // num_heads,
            "feedforward_width": int(values["intermediate_size"]),
            "context_length": int(values["max_position_embeddings"]),
            "num_segments": int(values.get("type_vocab_size", 2)),
            "norm_epsilon": float(values.get("layer_norm_eps", 1e-12)),
            "dropout": float(values.get("hidden_dropout_prob") or 0.0),
        }
    return ModelConfig(family="bert", **{**BERT, **shape})


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors by their names."""
    return rename(weights, NAMES)


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Their tensors by our names, without the copies of tied ones."""
    # The first files published call a norm's weight and bias gamma and beta.
    plain = {
        name.replace(".gamma", ".weight").replace(".beta", ".bias"): tensor
        for name, tensor in weights.items()
        if name not in SPARE
    }
    if not any(name.startswith("bert.") for name in plain):
        plain = {f"bert.{name}" if not name.startswith("cls.") else name: tensor for name, tensor in plain.items()}
        plain = {name: tensor for name, tensor in plain.items() if name not in SPARE}
    found = rename(plain, turned_round(NAMES))
    return {**_untrained_heads(config), **found} if not any(name.startswith("head.") for name in found) else found


def _untrained_heads(config: ModelConfig) -> dict[str, Any]:
    """Heads that pass on what they get, and know nothing of what follows what."""
    import torch

    width = config.width
    return {
        "head.dense.weight": torch.eye(width),
        "head.dense.bias": torch.zeros(width),
        "head.norm.weight": torch.ones(width),
        "head.norm.bias": torch.zeros(width),
        "head.bias": torch.zeros(config.vocabulary_size),
        "next_sentence.weight": torch.zeros(2, width),
        "next_sentence.bias": torch.zeros(2),
        "pooler.weight": torch.eye(width),
        "pooler.bias": torch.zeros(width),
    }
