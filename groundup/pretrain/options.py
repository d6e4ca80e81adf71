"""The [pretrain] table, and what the stage gets: that table and [model]."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options
from groundup.model.options import ModelOptions
from groundup.train.options import OptimizerOptions


def model_in(place: Path) -> Path:
    """The model folder meant by `start`: a model folder, or a run's base model. The place itself where there is none."""
    places = (place, place / "4_pretrain" / "model", place / "model", place / "8_release")
    return next((folder for folder in places if (folder / "config.json").is_file()), place)


class ReplayOptions(Options):
    """replay = {from = "runs/old"}: rows of an earlier run's text among the new ones, against forgetting."""

    from_: Path = Field(alias="from")  # a run, or its 3_tokenizer; of the model's own tokenizer
    share: float = Field(
        default=0.1, gt=0, lt=1
    )  # of the rows; Ibrahim et al. 2024: 5 % for near text, 25 to 50 % for far


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

    start: Path | None = None  # a model folder or a run to go on from: [model] then says nothing about its shape
    replay: ReplayOptions | None = None  # causal, with start: what it learned from is shown again

    fill_in_the_middle: float = Field(default=0.0, ge=0, le=1)  # causal: share of the documents learned with a gap
    z_loss: float = Field(default=0.0, ge=0)  # causal: keeps logits from drifting; PaLM 1e-4, OLMo 1e-5; 0: none

    # masked, denoise: share of the tokens (Devlin 2019, Raffel 2020; ModernBERT and BART have 0.3)
    mask_share: float = Field(default=0.15, gt=0, lt=1)
    whole_word: bool = False  # masked: hide all tokens of a word together
    next_sentence: bool = False  # masked: rows of two texts; does the second follow the first? (the original BERT)
    span_length: float = Field(default=3.0, ge=1)  # denoise: tokens a span, on average (Raffel 2020)
    # denoise: what is written. "spans": what was cut out (T5); "text": the whole row, from one with <|mask|> for each cut
    # (BART's infilling, Lewis et al. 2020)
    denoise_target: Literal["spans", "text"] = "spans"
    examples: list[str] = []  # seq2seq: which, SOURCE:KIND
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)  # denoise, seq2seq; the original Transformer has 0.1

    @model_validator(mode="after")
    def _one_length(self) -> PretrainOptions:
        if self.steps is not None and self.tokens is not None:
            raise ValueError("'steps' and 'tokens' both say how long to train; give one")
        return self

    @model_validator(mode="after")
    def _replay_needs_a_start(self) -> PretrainOptions:
        if self.replay is not None and self.start is None:
            raise ValueError("'replay' is against forgetting and needs 'start', the model to go on from")
        return self


class PretrainStage(Options):
    """All that pretrain depends on: its own table and the model's."""

    pretrain: PretrainOptions = PretrainOptions()
    model: ModelOptions = ModelOptions()

    @model_validator(mode="after")
    def _start_brings_the_shape(self) -> PretrainStage:
        said = sorted(self.model.model_fields_set - {"family", "context_length"})
        if self.pretrain.start is not None and said:
            raise ValueError(f"pretrain.start brings its own shape; leave out of [model]: {', '.join(said)}")
        return self
