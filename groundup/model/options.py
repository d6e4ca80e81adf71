"""The [model] table of the recipe. What is left out, `presets.resolve` fills in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options
from groundup.model.shapes import shape_of


class ModelOptions(Options):
    """What the model is. `depth` alone is enough: width, heads and context follow from it (see presets.from_depth).

    What cannot be mixed is refused by `model.rules` before any work, with the rule and the repair.
    """

    # gpt: the layout that transformers, vLLM and llama.cpp all know
    family: Literal["gpt", "bert", "encoder_decoder", "speedrun", "custom"] = "gpt"
    preset: str | None = None  # a published shape by name: "gpt2", "bert-base", "t5-small" ...; single keys overrule it
    depth: int | None = Field(default=None, ge=1, le=256)  # layers; None: the plan of the budget decides
    width: int | None = Field(default=None, ge=8)  # size of the residual stream
    num_heads: int | None = Field(default=None, ge=1)  # query heads
    num_kv_heads: int | None = Field(default=None, ge=1)  # key/value heads, a divisor of num_heads
    head_dim: int | None = Field(default=None, ge=2)  # even, since RoPE turns pairs
    feedforward_width: int | None = Field(default=None, ge=8)  # inner size of SwiGLU; None: 8/3 of the width
    context_length: int | None = Field(default=None, ge=8)  # tokens the model is trained to look back on
    rope_theta: float | None = Field(
        default=None, gt=1
    )  # slowest rotation; None: 10,000, or 100,000 from context 2,048
    tied: bool | None = None  # one matrix for input and output embedding; None: as the preset (tied)
    dropout: float = Field(default=0.0, ge=0, lt=1)  # 0: modern practice where data is not repeated many times
    # Parts, by the names in model/layers; None: as the family (or preset) has them. gpt and bert fix them all.
    norm: str | None = None  # "rms", "rms_bare", "layer", "layer_unbiased", "none"
    norm_place: str | None = None  # "pre", "post", "branch" (norm of what is added: OLMo 2)
    position: str | None = None  # "rope", "learned", "sinusoidal", "alibi", "relative", "none"
    feedforward: str | None = None  # "swiglu", "geglu", "geglu_exact", "gelu", "gelu_tanh", "relu", "relu2"
    bias: bool | None = None  # of the linear layers
    qk_norm: bool | None = None  # norm queries and keys per head
    qk_norm_whole: bool | None = None  # over all heads at once instead (OLMo 2)
    window: int | None = Field(default=None, ge=0)  # tokens looked back on; 0: all
    global_every: int | None = Field(default=None, ge=0)  # with a window: each n-th layer sees everything; 0: none
    nope_every: int | None = Field(default=None, ge=0)  # rope: each n-th layer has no positions (SmolLM3: 4); 0: none
    rope_scaling: str | None = None  # "linear", "llama3", "yarn": for a context rope_factor times rope_original
    rope_factor: float | None = Field(default=None, ge=1)
    rope_original: int | None = Field(default=None, ge=1)
    attention_softcap: float | None = Field(default=None, ge=0)  # 0: none; Gemma 2 has 50
    logit_softcap: float | None = Field(default=None, ge=0)  # 0: none; nanochat has 15
    num_experts: int | None = Field(default=None, ge=0)  # feed-forwards to choose from; 0: one for all
    experts_per_token: int | None = Field(default=None, ge=1)  # Mixtral has 2
    # speedrun: its ingredients, to leave some out or try others; None: those that paid (model.presets.SPEEDRUN)
    extras: list[str] | None = None
    decoder_depth: int | None = Field(default=None, ge=1)  # encoder_decoder only; None: as deep as the encoder
    from_: str | None = Field(default=None, alias="from")  # "hf:owner/name" or a model folder: start from given weights

    @model_validator(mode="after")
    def _from_stands_alone(self) -> ModelOptions:
        shaped = [
            name for name in self.model_fields_set if name not in ("from_", "family", "dropout", "context_length")
        ]
        if self.from_ is not None and shaped:
            raise ValueError(f"'from' brings its own shape; leave out: {', '.join(sorted(shaped))}")
        return self

    @property
    def family_meant(self) -> str:
        """The family that is named, else the preset's."""
        if self.preset and "family" not in self.model_fields_set:
            return str(shape_of(self.preset)["family"])
        return self.family

    @property
    def writes_text(self) -> bool:
        """True for a model that goes on a text: what chat needs. Encoders (bert) and encoder-decoders do not."""
        return self.family_meant not in ("bert", "encoder_decoder")
