"""Bytes: every UTF-8 byte is one token, nothing is learned. The baseline of all the others (ByT5, Xue et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models

from groundup.core.errors import RecipeError
from groundup.tokenizer.fast import SMALLEST, byte_level_pre_tokenizer
from groundup.tokenizer.kinds import KINDS, Kind
from groundup.tokenizer.pattern import byte_characters
from groundup.tokenizer.special import SPECIAL


def train_bytes(texts: Iterable[str], vocabulary_size: int = SMALLEST) -> tokenizers.Tokenizer:
    """A tokenizer of the special tokens and the 256 bytes; `texts` are not read."""
    if vocabulary_size != SMALLEST:
        raise RecipeError(
            f"A tokenizer of kind 'bytes' has {SMALLEST} tokens, not {vocabulary_size}.",
            repair="Leave vocabulary_size out.",
        )
    names = [*SPECIAL, *byte_characters()]
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab={name: place for place, name in enumerate(names)}, merges=[]))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.pre_tokenizer = byte_level_pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


KINDS.register("bytes")(Kind(train_bytes, lossless=True))
