"""Which mixes of parts can be: each rule says what it is, what came, and the repair.

Names of parts are looked up in the registries of `layers/`, so that a new norm needs no line here. (That loads torch;
the family gpt, whose parts are fixed, is checked without.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundup.core.errors import RecipeError, near

if TYPE_CHECKING:
    from groundup.model.config import ModelConfig

COUNTS = ("vocabulary_size", "depth", "width", "num_heads", "num_kv_heads", "head_dim", "context_length")
# Families with a fixed layout: what they are made of. Everything else about them is size.
GPT = {"norm": "rms", "norm_place": "pre", "position": "rope", "feedforward": "swiglu", "bias": False, "qk_norm": True}
BERT = {
    **{"norm": "layer", "norm_place": "post", "position": "learned", "feedforward": "gelu", "bias": True},
    **{"qk_norm": False, "tied": True},
}
GATED = ("swiglu", "geglu")  # feed-forwards of three matrices instead of two
PLAIN = {"window": 0, "attention_softcap": 0.0, "logit_softcap": 0.0, "num_experts": 0}
FIXED: dict[str, dict[str, Any]] = {
    "gpt": {**GPT, **PLAIN, "decoder_depth": 0, "num_segments": 0},
    "bert": {**BERT, **PLAIN, "decoder_depth": 0},
    "encoder_decoder": {**PLAIN, "qk_norm": False, "num_segments": 0},
    "custom": {"decoder_depth": 0, "num_segments": 0},
}
REPAIRS = {
    "gpt": 'Leave it out, or take family = "custom", where it can be chosen.',
    "bert": 'Leave it out; the original BERT has one layout. For other mixes take family = "custom".',
    "encoder_decoder": "Leave it out: encoder and decoder of this version have none of it.",
    "custom": "Leave it out: the family custom is a decoder.",
}


def check(config: ModelConfig) -> None:
    """Raises RecipeError for a config that breaks a rule."""
    for name in COUNTS:
        if getattr(config, name) < 1:
            raise RecipeError(f"model.{name} must be at least 1, came {getattr(config, name)}.")
    if config.num_heads % config.num_kv_heads:
        fitting = (str(n) for n in range(1, config.num_heads + 1) if config.num_heads % n == 0)
        raise RecipeError(
            f"model.num_kv_heads must divide num_heads: {config.num_heads} cannot share {config.num_kv_heads}.",
            repair=f"Take one of: {', '.join(fitting)}.",
        )
    if config.family not in FIXED:
        raise RecipeError(f"Unknown model family '{config.family}'.", repair=near(config.family, FIXED))
    for name, value in FIXED[config.family].items():
        if getattr(config, name) != value:
            raise RecipeError(
                f"model.{name} = {getattr(config, name)!r} is not part of the family '{config.family}' ({value!r}).",
                repair=REPAIRS[config.family],
            )
    if config.position == "rope" and config.head_dim % 2:
        raise RecipeError(
            f"model.head_dim must be even (RoPE turns pairs), came {config.head_dim}.",
            repair="Choose width and num_heads so that width / num_heads is even.",
        )
    if config.family in ("custom", "encoder_decoder"):
        _check_parts(config)
    if config.family == "custom":
        _check_custom(config)
    if config.family == "encoder_decoder":
        _check_encoder_decoder(config)


def _check_parts(config: ModelConfig) -> None:
    from groundup.model.layers.feedforward import feedforwards
    from groundup.model.layers.norm import norms
    from groundup.model.layers.places import places

    for name, registry in (("norm", norms), ("position", places), ("feedforward", feedforwards)):
        if getattr(config, name) not in registry:
            raise RecipeError(
                f"model.{name}: unknown {registry.kind} '{getattr(config, name)}'.",
                repair=near(getattr(config, name), registry),
            )
    if config.norm_place not in ("pre", "post"):
        raise RecipeError(
            f"model.norm_place is where the norm stands, came '{config.norm_place}'.",
            repair=near(config.norm_place, ("pre", "post")),
        )
    if config.norm == "none" and config.norm_place == "post":
        raise RecipeError(
            'model.norm = "none" leaves nothing to place.', repair="Leave out norm_place, or choose a norm."
        )


def _check_custom(config: ModelConfig) -> None:
    if config.window < 0 or config.window > config.context_length:
        raise RecipeError(
            f"model.window must lie within the context of {config.context_length} tokens, came {config.window}.",
            repair="Lower it, raise context_length, or leave it out (every token sees all earlier ones).",
        )
    if config.num_experts == 1 or config.num_experts < 0:
        raise RecipeError(
            f"model.num_experts = {config.num_experts} leaves the router no choice.", repair="Take 2 or more, or 0."
        )
    if config.num_experts and not 1 <= config.experts_per_token <= config.num_experts:
        raise RecipeError(
            f"model.experts_per_token = {config.experts_per_token}, but there are {config.num_experts} experts.",
            repair=f"Take 1 to {config.num_experts}.",
        )
    for name in ("attention_softcap", "logit_softcap"):
        if getattr(config, name) < 0:
            raise RecipeError(f"model.{name} must be above 0 (or 0: none), came {getattr(config, name)}.")


def _check_encoder_decoder(config: ModelConfig) -> None:
    if config.position not in ("sinusoidal", "relative"):
        raise RecipeError(
            f"model.position = '{config.position}' is not made for the family 'encoder_decoder'.",
            repair='Take "sinusoidal" (the original Transformer) or "relative" (T5).',
        )
    if config.decoder_depth < 1:
        raise RecipeError(f"model.decoder_depth must be at least 1, came {config.decoder_depth}.")
    if config.num_kv_heads != config.num_heads:
        raise RecipeError(
            "model.num_kv_heads: encoder and decoder have one key/value head for each query head.",
            repair=f"Leave it out, or give {config.num_heads}.",
        )
    if config.position == "relative" and config.relative_buckets % 4:
        raise RecipeError(f"model.relative_buckets must be a multiple of 4, came {config.relative_buckets}.")
