"""Unigram (Kudo 2018): start from many pieces, drop those the likelihood misses least; T5's kind of vocabulary.

Ours works on bytes behind the same pattern as BPE, not on SentencePiece's blanks-as-letters: so nothing is unknown,
decode(encode(text)) is the text, and training does not slow down on long lines without blanks.
"""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, trainers

from groundup.tokenizer.fast import SMALLEST, byte_level_pre_tokenizer
from groundup.tokenizer.kinds import KINDS, Kind, check_size
from groundup.tokenizer.pattern import byte_characters
from groundup.tokenizer.special import SPECIAL


def train_unigram(texts: Iterable[str], vocabulary_size: int) -> tokenizers.Tokenizer:
    """Train Unigram by expectation maximisation and pruning to `vocabulary_size` pieces."""
    check_size("unigram", vocabulary_size, SMALLEST)
    tokenizer = tokenizers.Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = byte_level_pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(byte_characters()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return tokenizer


KINDS.register("unigram")(Kind(train_unigram, lossless=True))
