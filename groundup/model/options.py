"""The [model] table of the recipe. What is left out, `presets.resolve` fills in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options


class ModelOptions(Options):
    """What the model is. `depth` alone is enough: width, heads and context follow from it (see presets.from_depth)."""

    family: Literal["gpt"] = "gpt"  # the layout that transformers, vLLM and llama.cpp all know
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
    from_: str | None = Field(default=None, alias="from")  # "hf:owner/name" or a model folder: start from given weights

    @model_validator(mode="after")
    def _from_stands_alone(self) -> ModelOptions:
        shaped = [
            name for name in self.model_fields_set if name not in ("from_", "family", "dropout", "context_length")
        ]
        if self.from_ is not None and shaped:
            raise ValueError(f"'from' brings its own shape; leave out: {', '.join(sorted(shaped))}")
        return self
