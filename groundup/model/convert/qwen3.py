"""The layout of Qwen3: RMSNorm, RoPE, QK-norm per head, grouped queries, SwiGLU, no biases. The family gpt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundup.model.config import ModelConfig
from groundup.model.convert.naming import reading, rename, renamed, require, token_ids, turned_round

MODEL_TYPE = "qwen3"
# What is fixed in the two ways of slowing rotations down: Llama 3.1's, and the defaults of YaRN.
LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0}
YARN = {
    "beta_fast": 32,
    "beta_slow": 1,
    "attention_factor": None,
    "mscale": None,
    "mscale_all_dim": None,
    "truncate": True,
}

# our name -> theirs; N stands for the layer.
NAMES = {
    "embedding.tokens.weight": "model.embed_tokens.weight",
    "embedding.head.weight": "lm_head.weight",
    "norm.weight": "model.norm.weight",
    "blocks.N.attention_norm.weight": "model.layers.N.input_layernorm.weight",
    "blocks.N.feedforward_norm.weight": "model.layers.N.post_attention_layernorm.weight",
    "blocks.N.attention.query.weight": "model.layers.N.self_attn.q_proj.weight",
    "blocks.N.attention.key.weight": "model.layers.N.self_attn.k_proj.weight",
    "blocks.N.attention.value.weight": "model.layers.N.self_attn.v_proj.weight",
    "blocks.N.attention.output.weight": "model.layers.N.self_attn.o_proj.weight",
    "blocks.N.attention.query_norm.weight": "model.layers.N.self_attn.q_norm.weight",
    "blocks.N.attention.key_norm.weight": "model.layers.N.self_attn.k_norm.weight",
    "blocks.N.feedforward.gate.weight": "model.layers.N.mlp.gate_proj.weight",
    "blocks.N.feedforward.up.weight": "model.layers.N.mlp.up_proj.weight",
    "blocks.N.feedforward.down.weight": "model.layers.N.mlp.down_proj.weight",
}


def fits(config: ModelConfig) -> bool:
    """The family gpt is this layout."""
    return config.family == "gpt"


def hf_name(name: str) -> str:
    """The Qwen3 name of one of the family gpt's parameters; KeyError for any other."""
    other = renamed(name, NAMES)
    if other is None:
        raise KeyError(name)
    return other


def to_hf(config: ModelConfig, special: Mapping[str, int]) -> dict[str, Any]:
    """``config.json``."""
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": MODEL_TYPE,
        **llama_like(config),
        "attention_bias": False,
        "use_sliding_window": False,
        **token_ids(special),
        "dtype": "float32",
    }


def llama_like(config: ModelConfig) -> dict[str, Any]:
    """What Qwen3 and Llama say alike."""
    return {
        "vocab_size": config.vocabulary_size,
        "hidden_size": config.width,
        "intermediate_size": config.feedforward_width,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": config.context_length,
        "rms_norm_eps": config.norm_epsilon,
        **write_rope(config),
        "tie_word_embeddings": config.tied,
        "attention_dropout": config.dropout,
        "initializer_range": 0.02,
        "use_cache": True,
    }


def write_rope(config: ModelConfig) -> dict[str, Any]:
    """Rotations, in both spellings: transformers 5 reads rope_parameters, older tools (vLLM, llama.cpp) the others."""
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": config.rope_theta}
    older: dict[str, Any] = {"rope_theta": config.rope_theta}
    if config.rope_scaling != "none":
        how = {"rope_type": config.rope_scaling, "factor": config.rope_factor}
        if config.rope_scaling != "linear":
            how["original_max_position_embeddings"] = config.rope_original
        rope |= how | (LLAMA3 if config.rope_scaling == "llama3" else {})
        older["rope_scaling"] = {key: value for key, value in rope.items() if key != "rope_theta"}
    return {**older, "rope_parameters": rope}


def from_hf(values: Mapping[str, Any], name: str) -> ModelConfig:
    """The config of such a config.json."""
    require(values, {"use_sliding_window": not values.get("use_sliding_window", False)}, name, "gpt")
    return ModelConfig(**read_llama_like(values, name, "gpt"))


def read_llama_like(values: Mapping[str, Any], name: str, family: str) -> dict[str, Any]:
    """The fields that Qwen3, Llama and their kin share."""
    asked = {
        "hidden_act": values.get("hidden_act", "silu") == "silu",
        "attention_bias": not values.get("attention_bias", False),
        "mlp_bias": not values.get("mlp_bias", False),
    }
    require(values, asked, name, family)
    with reading(name):
        num_heads = int(values["num_attention_heads"])
        return {
            "vocabulary_size": int(values["vocab_size"]),
            "depth": int(values["num_hidden_layers"]),
            "width": int(values["hidden_size"]),
            "num_heads": num_heads,
            "num_kv_heads": int(values.get("num_key_value_heads") or num_heads),
            "head_dim": int(values.get("head_dim") or values["hidden_size"] // num_heads),
            "feedforward_width": int(values["intermediate_size"]),
            "context_length": int(values["max_position_embeddings"]),
            "family": family,
            **read_rope(values, name, family),
            "norm_epsilon": float(values.get("rms_norm_eps", 1e-6)),
            "tied": bool(values.get("tie_word_embeddings", False)),
            "dropout": float(values.get("attention_dropout") or 0.0),
        }


def read_rope(values: Mapping[str, Any], name: str, family: str) -> dict[str, Any]:
    """Rotations, and how they were slowed down. ArtifactError for a way we do not compute."""
    rope = values.get("rope_parameters") or values.get("rope_scaling") or {}
    theta = float(rope.get("rope_theta") or values.get("rope_theta") or 10_000.0)
    kind = rope.get("rope_type", rope.get("type", "default"))
    fine = kind in ("default", "linear", "llama3", "yarn") and rope.get("partial_rotary_factor", 1.0) == 1.0
    if kind == "llama3":
        fine = all(rope.get(key, value) == value for key, value in LLAMA3.items())
    if kind == "yarn":
        fine = all(rope.get(key) in (None, value) for key, value in YARN.items())
    require({"rope_scaling": rope}, {"rope_scaling": fine}, name, family)
    if kind == "default":
        return {"rope_theta": theta}
    original = int(rope.get("original_max_position_embeddings") or values["max_position_embeddings"])
    stretched = {"rope_scaling": kind, "rope_factor": float(rope["factor"])}
    return {"rope_theta": theta, **stretched, "rope_original": 0 if kind == "linear" else original}


def export(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our tensors by their names."""
    return rename(weights, NAMES)


def take(weights: Mapping[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Their tensors by our names; a tied model's copy of the output matrix is left out."""
    kept = {name: t for name, t in weights.items() if not (config.tied and name == "lm_head.weight")}
    return rename(kept, turned_round(NAMES))
