"""The [pretrain] table, and what the stage gets: that table and [model]."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options
from groundup.model.options import ModelOptions
from groundup.train.options import OptimizerOptions


class PretrainOptions(OptimizerOptions):
    """How the base model learns. `steps` and `tokens` left out: the budget's plan, else a share of the model's size."""

    objective: Literal["causal"] = "causal"  # predict the next token
    tokens: int | None = Field(default=None, ge=1)  # to train on in all; an alternative to steps
    document_mask: bool = (
        False  # True: packed documents cannot see each other; costs 15 % speed, gains little (nanochat)
    )
    validation_tokens: int = Field(default=65_536, ge=256)  # looked at each time: steady to about 0.01 bits per byte

    @model_validator(mode="after")
    def _one_length(self) -> PretrainOptions:
        if self.steps is not None and self.tokens is not None:
            raise ValueError("'steps' and 'tokens' both say how long to train; give one")
        return self


class PretrainStage(Options):
    """All that pretrain depends on: its own table and the model's."""

    pretrain: PretrainOptions = PretrainOptions()
    model: ModelOptions = ModelOptions()
