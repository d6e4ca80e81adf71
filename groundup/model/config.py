"""One frozen description of a model, shared by all families.

`to_dict` / `from_dict` round-trip everything. `to_hf` / `from_hf` go through the layout that fits (`model/convert`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from groundup.core.errors import ArtifactError
from groundup.model.rules import check


@dataclass(frozen=True)
class ModelConfig:
    """All that fixes a model's shape. Made by `presets.resolve` or read from a model folder.

    The fields from `norm` on are fixed for the family gpt (their defaults describe it) and chosen in the others. Each
    has a default that leaves older config files what they were.
    Raises RecipeError for a mix that cannot be (see rules.py).
    """

    vocabulary_size: int
    depth: int  # layers (encoder_decoder: of the encoder)
    width: int  # size of the residual stream
    num_heads: int  # query heads
    num_kv_heads: int  # key/value heads
    head_dim: int
    feedforward_width: int  # inner size of the feed-forward (of each expert)
    context_length: int  # tokens
    family: str = "gpt"
    rope_theta: float = 10_000.0  # Su et al. 2021; enough for short contexts
    norm_epsilon: float = 1e-6  # Qwen3, Llama
    tied: bool = True
    dropout: float = 0.0
    norm: str = "rms"  # a name of layers.norm
    # "pre": before each sub-layer; "post": after it was added (the original); "branch": between the two (OLMo 2)
    norm_place: str = "pre"
    position: str = "rope"  # a name of layers.places
    feedforward: str = "swiglu"  # a name of layers.feedforward
    bias: bool = False  # linear layers of the blocks add one
    qk_norm: bool = True  # queries and keys are normed per head
    qk_norm_whole: bool = False  # over all heads at once instead (OLMo 2)
    window: int = 0  # tokens a query looks back on, itself included; 0: all (bert: half of it to each side)
    global_every: int = 0  # with a window, each n-th layer looks at everything; 0: none does
    nope_every: int = 0  # each n-th layer knows no positions (SmolLM3: 4); 0: all do
    rope_scaling: str = "none"  # a name of layers.position: how rotations were slowed down for a longer context
    rope_factor: float = 1.0  # how many times longer
    rope_original: int = 0  # than this context
    local_theta: float = 10_000.0  # bert with a window: rope_theta of the layers that have it (ModernBERT)
    attention_softcap: float = 0.0  # scores are squashed to +- this by tanh (Gemma 2); 0: not
    logit_softcap: float = 0.0  # logits likewise
    num_experts: int = 0  # feed-forwards a layer chooses from; 0: one for all
    experts_per_token: int = 2  # that each token passes (Mixtral)
    decoder_depth: int = 0  # encoder_decoder: layers of the decoder
    num_segments: int = 0  # bert: kinds of sentence that are told apart
    relative_buckets: int = 32  # T5: distances told apart ...
    relative_distance: int = 128  # ... up to this one
    extras: tuple[str, ...] = ()  # speedrun: its ingredients beyond the fields above, by name

    def __post_init__(self) -> None:
        object.__setattr__(self, "extras", tuple(self.extras))  # JSON gives a list
        check(self)

    @property
    def cache_layers(self) -> int:
        """Layers of a key-value cache: one for each layer, and one for what else is remembered (see families/speedrun)."""
        return self.depth + (1 if {"bigrams", "smear"} & set(self.extras) else 0)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` gives the same config back."""
        return {**asdict(self), "extras": list(self.extras)}

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
        """``config.json`` in the layout that fits. special: token name -> id, for the start, end and pad ids."""
        from groundup.model.convert import layout_for

        config: dict[str, Any] = layout_for(self).to_hf(self, special or {})
        return config

    @classmethod
    def from_hf(cls, values: Mapping[str, Any], *, name: str = "config.json") -> ModelConfig:
        """The config of a ``config.json``; anything it asks for that we do not compute is an ArtifactError."""
        from groundup.model.convert import layout_named

        config: ModelConfig = layout_named(values.get("model_type"), name).from_hf(values, name)
        return config
