"""The [pretrain] table, and what the stage gets: that table and [model]."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options
from groundup.model.options import ModelOptions
from groundup.train.options import OptimizerOptions


class PretrainOptions(OptimizerOptions):
    """How the base model learns. `steps` and `tokens` left out: the budget's plan, else a share of the model's size."""

    # causal: the next token; masked: hidden words; denoise: spans cut out; seq2seq: an example's target. None: the
    # family's own (gpt, custom: causal; bert: masked; encoder_decoder: denoise)
    objective: Literal["causal", "masked", "denoise", "seq2seq"] | None = None
    tokens: int | None = Field(default=None, ge=1)  # to train on in all; an alternative to steps
    document_mask: bool = (
        False  # True: packed documents cannot see each other; costs 15 % speed, gains little (nanochat)
    )
    validation_tokens: int = Field(default=65_536, ge=256)  # looked at each time: steady to about 0.01 bits per byte

    mask_share: float = Field(default=0.15, gt=0, lt=1)  # masked, denoise: of the tokens (Devlin 2019, Raffel 2020)
    whole_word: bool = False  # masked: hide all tokens of a word together
    next_sentence: bool = False  # masked: rows of two texts; does the second follow the first? (the original BERT)
    span_length: float = Field(default=3.0, ge=1)  # denoise: tokens a span, on average (Raffel 2020)
    examples: list[str] = []  # seq2seq: which, SOURCE:KIND
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)  # denoise, seq2seq; the original Transformer has 0.1

    @model_validator(mode="after")
    def _one_length(self) -> PretrainOptions:
        if self.steps is not None and self.tokens is not None:
            raise ValueError("'steps' and 'tokens' both say how long to train; give one")
        return self


class PretrainStage(Options):
    """All that pretrain depends on: its own table and the model's."""

    pretrain: PretrainOptions = PretrainOptions()
    model: ModelOptions = ModelOptions()
