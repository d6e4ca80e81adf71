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
    **{"qk_norm": False, "tied": True, "window": 0, "global_every": 0},
}
MODERN_BERT = {
    **{"norm": "layer_unbiased", "norm_place": "pre", "position": "rope", "feedforward": "geglu_exact", "bias": False},
    **{"qk_norm": False, "tied": True, "num_segments": 0},
}
SPEEDRUN = {"norm_place": "pre", "position": "rope", "bias": False, "nope_every": 0}
NORM_PLACES = ("pre", "post", "branch")
GATED = ("swiglu", "geglu", "geglu_exact")  # feed-forwards of three matrices instead of two
PLAIN = {
    **{"attention_softcap": 0.0, "logit_softcap": 0.0, "num_experts": 0, "qk_norm_whole": False, "nope_every": 0},
    "extras": (),
}
UNSLOWED = {"rope_scaling": "none"}
ONE_REACH = {"window": 0, "global_every": 0}  # every layer sees everything
DECODER = {"decoder_depth": 0, "num_segments": 0}
FIXED: dict[str, dict[str, Any]] = {
    "gpt": {**GPT, **PLAIN, **ONE_REACH, **DECODER},
    "bert": {**BERT, **PLAIN, **UNSLOWED, "decoder_depth": 0},
    "modern bert": {**MODERN_BERT, **PLAIN, **UNSLOWED, "decoder_depth": 0},
    "encoder_decoder": {**PLAIN, **ONE_REACH, **UNSLOWED, "qk_norm": False, "num_segments": 0},
    "speedrun": {
        **{**SPEEDRUN, **UNSLOWED, **DECODER},
        **{"attention_softcap": 0.0, "num_experts": 0, "qk_norm_whole": False},
    },
    "custom": {**DECODER, "extras": ()},
}
REPAIRS = {
    "gpt": 'Leave it out, or take family = "custom", where it can be chosen.',
    "bert": 'Leave it out; the original BERT has one layout. position = "rope" makes a modern one; for other mixes take '
    'family = "custom".',
    "modern bert": 'Leave it out; this is ModernBERT\'s layout. position = "learned" makes the original BERT.',
    "encoder_decoder": "Leave it out: encoder and decoder of this version have none of it.",
    "speedrun": 'Leave it out; for other mixes take family = "custom".',
    "custom": 'Leave it out: the family custom is a decoder; extras are for family = "speedrun".',
}
# What speedrun can have beyond the common fields; families/speedrun.py says what each one is.
EXTRAS = ("embedding_norm", "value_embeddings", "bigrams", "smear", "residual_scalars", "backout", "sharp")


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
    kind = "modern bert" if is_modern_bert(config) else config.family
    for name, value in FIXED[kind].items():
        if getattr(config, name) != value:
            raise RecipeError(
                f"model.{name} = {getattr(config, name)!r} is not part of the family '{config.family}' ({value!r}).",
                repair=REPAIRS.get(kind, "Leave it out."),
            )
    if config.position == "rope" and config.head_dim % 2:
        raise RecipeError(
            f"model.head_dim must be even (RoPE turns pairs), came {config.head_dim}.",
            repair="Choose width and num_heads so that width / num_heads is even.",
        )
    if config.family in ("custom", "encoder_decoder", "speedrun"):
        _check_parts(config)
    if config.family == "custom":
        _check_custom(config)
    _check_reach(config)
    if config.family == "speedrun":
        _check_speedrun(config)
    if config.rope_scaling != "none":
        _check_rope(config)
    unknown = [name for name in config.extras if name not in EXTRAS]
    if unknown:
        raise RecipeError(f"model.extras: speedrun has no '{unknown[0]}'.", repair=near(unknown[0], EXTRAS))
    if config.family == "encoder_decoder":
        _check_encoder_decoder(config)


def _check_speedrun(config: ModelConfig) -> None:
    if config.head_dim < 4:
        raise RecipeError(f"model.head_dim must be at least 4 for the family 'speedrun', came {config.head_dim}.")
    if config.dropout:
        raise RecipeError(
            "model.dropout is not part of the family 'speedrun'.", repair='Leave it out, or take family = "custom".'
        )


def is_modern_bert(config: ModelConfig) -> bool:
    """The family bert with rotary positions has another layout than the original."""
    return config.family == "bert" and config.position == "rope"


def _check_reach(config: ModelConfig) -> None:
    """How far layers look."""
    if config.window < 0 or config.window > config.context_length:
        raise RecipeError(
            f"model.window must lie within the context of {config.context_length} tokens, came {config.window}.",
            repair="Lower it, raise context_length, or leave it out (every token sees all others).",
        )
    for name, needs in (("global_every", config.window > 0), ("nope_every", config.position == "rope")):
        if getattr(config, name) < 0 or (getattr(config, name) and not needs):
            raise RecipeError(
                f"model.{name} = {getattr(config, name)}, but "
                + ("there is no window." if name == "global_every" else "only rope leaves layers without positions."),
                repair="Leave it out" + (", or give window." if name == "global_every" else '; or position = "rope".'),
            )


def _check_rope(config: ModelConfig) -> None:
    from groundup.model.layers.position import slowed

    if config.rope_scaling not in slowed:
        raise RecipeError(
            f"model.rope_scaling: unknown way '{config.rope_scaling}'.", repair=near(config.rope_scaling, slowed)
        )
    if config.position != "rope" or config.rope_factor < 1:
        raise RecipeError(
            f"model.rope_scaling slows rotations down by model.rope_factor >= 1, came {config.rope_factor} with "
            f"position '{config.position}'.",
            repair='Give rope_factor and position = "rope", or leave rope_scaling out.',
        )
    if config.rope_scaling != "linear" and config.rope_original < 1:
        raise RecipeError(
            f"model.rope_scaling = '{config.rope_scaling}' needs the context it was made for.",
            repair="Give rope_original, the context length before it was stretched.",
        )


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
    if config.norm_place not in NORM_PLACES:
        raise RecipeError(
            f"model.norm_place is where the norm stands, came '{config.norm_place}'.",
            repair=near(config.norm_place, NORM_PLACES),
        )
    if config.norm == "none" and config.norm_place != "pre":
        raise RecipeError(
            'model.norm = "none" leaves nothing to place.', repair="Leave out norm_place, or choose a norm."
        )


def _check_custom(config: ModelConfig) -> None:
    if config.num_experts == 1 or config.num_experts < 0:
        raise RecipeError(
            f"model.num_experts = {config.num_experts} leaves the router no choice.", repair="Take 2 or more, or 0."
        )
    if config.num_experts and not 1 <= config.experts_per_token <= config.num_experts:
        raise RecipeError(
            f"model.experts_per_token = {config.experts_per_token}, but there are {config.num_experts} experts.",
            repair=f"Take 1 to {config.num_experts}.",
        )
    if config.qk_norm_whole and not config.qk_norm:
        raise RecipeError("model.qk_norm_whole says how qk_norm is taken.", repair="Give qk_norm = true too.")
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
    if config.norm_place == "branch":
        raise RecipeError(
            "model.norm_place = 'branch' is not made for the family 'encoder_decoder'.", repair="Take pre or post."
        )
    if config.position == "relative" and config.relative_buckets % 4:
        raise RecipeError(f"model.relative_buckets must be a multiple of 4, came {config.relative_buckets}.")
