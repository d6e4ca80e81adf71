"""One frozen description of a model, shared by all families, and its two JSON forms.

`to_dict` / `from_dict` round-trip everything. `to_hf` writes the ``config.json`` of the Hugging Face layout
(Qwen3: RMSNorm, RoPE, QK-norm per head, grouped queries, SwiGLU, no biases) that other tools open; `from_hf` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from groundup.core.errors import ArtifactError, RecipeError


@dataclass(frozen=True)
class ModelConfig:
    """All numbers that fix a model's shape. Made by `presets.resolve` or read from a model folder."""

    vocabulary_size: int
    depth: int  # layers
    width: int  # size of the residual stream
    num_heads: int  # query heads
    num_kv_heads: int  # key/value heads
    head_dim: int
    feedforward_width: int  # inner size of the feed-forward
    context_length: int  # tokens
    family: str = "gpt"
    rope_theta: float = 10_000.0  # Su et al. 2021; enough for short contexts
    norm_epsilon: float = 1e-6  # Qwen3, Llama
    tied: bool = True
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("vocabulary_size", "depth", "width", "num_heads", "num_kv_heads", "head_dim", "context_length"):
            if getattr(self, name) < 1:
                raise RecipeError(f"model.{name} must be at least 1, came {getattr(self, name)}.")
        if self.num_heads % self.num_kv_heads:
            raise RecipeError(
                f"model.num_kv_heads must divide num_heads: {self.num_heads} cannot share {self.num_kv_heads}.",
                repair=f"Take one of: {', '.join(str(n) for n in range(1, self.num_heads + 1) if self.num_heads % n == 0)}.",
            )
        if self.head_dim % 2:
            raise RecipeError(f"model.head_dim must be even (RoPE turns pairs), came {self.head_dim}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` gives the same config back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelConfig:
        """The config of `to_dict`'s values; unknown or missing names are an ArtifactError."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise ArtifactError(f"A model config holds unknown names: {', '.join(unknown)}.")
        try:
            return cls(**values)
        except TypeError as error:
            raise ArtifactError(f"A model config is incomplete: {error}.") from None

    def to_hf(self, special: Mapping[str, int] | None = None) -> dict[str, Any]:
        """``config.json`` in the Qwen3 layout. special: token name -> id, for the start, end and pad ids."""
        special = special or {}
        start = special.get("<|endoftext|>")
        return {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "vocab_size": self.vocabulary_size,
            "hidden_size": self.width,
            "intermediate_size": self.feedforward_width,
            "num_hidden_layers": self.depth,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "max_position_embeddings": self.context_length,
            "rms_norm_eps": self.norm_epsilon,
            # Both spellings: transformers 5 reads rope_parameters, older tools (vLLM, llama.cpp) rope_theta.
            "rope_theta": self.rope_theta,
            "rope_parameters": {"rope_type": "default", "rope_theta": self.rope_theta},
            "tie_word_embeddings": self.tied,
            "attention_bias": False,
            "attention_dropout": self.dropout,
            "initializer_range": 0.02,
            "use_cache": True,
            "use_sliding_window": False,
            "bos_token_id": start,
            "eos_token_id": special.get("<|end|>", start),
            "pad_token_id": special.get("<|pad|>"),
            "dtype": "float32",
        }

    @classmethod
    def from_hf(cls, values: Mapping[str, Any], *, name: str = "config.json") -> ModelConfig:
        """The config of a Qwen3 ``config.json``; anything it asks for that we do not compute is an ArtifactError."""
        kind = values.get("model_type")
        if kind != "qwen3":
            raise ArtifactError(
                f"{name}: model_type is '{kind}'; this version opens 'qwen3'.",
                repair="Convert the model to the Qwen3 layout, or start from another one.",
            )
        rope = values.get("rope_parameters") or values.get("rope_scaling") or {}
        asked = {
            "hidden_act": values.get("hidden_act", "silu") == "silu",
            "attention_bias": not values.get("attention_bias", False),
            "use_sliding_window": not values.get("use_sliding_window", False),
            "rope_scaling": rope.get("rope_type", rope.get("type", "default")) == "default",
        }
        for key, fine in asked.items():
            if not fine:
                raise ArtifactError(
                    f"{name}: '{key}' = {values.get(key, rope)!r} is not supported for the family 'gpt'."
                )
        try:
            num_heads = int(values["num_attention_heads"])
            return cls(
                vocabulary_size=int(values["vocab_size"]),
                depth=int(values["num_hidden_layers"]),
                width=int(values["hidden_size"]),
                num_heads=num_heads,
                num_kv_heads=int(values.get("num_key_value_heads") or num_heads),
                head_dim=int(values.get("head_dim") or values["hidden_size"] // num_heads),
                feedforward_width=int(values["intermediate_size"]),
                context_length=int(values["max_position_embeddings"]),
                rope_theta=float(rope.get("rope_theta") or values.get("rope_theta") or 10_000.0),
                norm_epsilon=float(values.get("rms_norm_eps", 1e-6)),
                tied=bool(values.get("tie_word_embeddings", False)),
                dropout=float(values.get("attention_dropout") or 0.0),
            )
        except KeyError as error:
            raise ArtifactError(f"{name}: {error} is missing.") from None
        except (TypeError, ValueError) as error:
            raise ArtifactError(f"{name} holds a value that is no number: {error}.") from None
