"""The [tokenizer] table of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from groundup.core.recipe import Options

NUM_BYTE_TOKENS = 288  # 32 special tokens and 256 bytes


class TokenizerOptions(Options):
    """How text becomes tokens."""

    kind: Literal["bpe", "wordpiece", "unigram", "characters", "bytes"] = Field(
        "bpe", description="how the vocabulary is found; byte-level BPE as GPT-2 to Qwen3"
    )
    # 8,192: keeps the tied embedding of a 10M model below a third of it (MiniMind: 6,400 at 26M; nanochat: 32,768
    # at 560M). With kind = "bytes" it is 288, given by the kind.
    vocabulary_size: int = Field(
        8192, ge=NUM_BYTE_TOKENS, le=1_000_000, description="tokens in all, special ones included"
    )
    from_: Path | None = Field(
        None, alias="from", description="a folder with a trained tokenizer (Hugging Face files): nothing is trained"
    )
    # 50 MB: 12 s of training on 2 cores; more text hardly moves 8,192 merges (taste, after nanochat's 2e9 for 32,768).
    sample_bytes: int = Field(
        50_000_000, ge=10_000, description="train on at most so many bytes of text, an even sample"
    )
    trace: bool = Field(True, description="index the training tokens, so that answers can be traced to their sources")

    @model_validator(mode="before")
    @classmethod
    def _size_of_bytes(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("kind") == "bytes":
            size = values.get("vocabulary_size", NUM_BYTE_TOKENS)
            if size != NUM_BYTE_TOKENS:
                raise ValueError(f"kind = 'bytes' has {NUM_BYTE_TOKENS} tokens, not {size}; leave vocabulary_size out")
            return {**values, "vocabulary_size": NUM_BYTE_TOKENS}
        return values
