"""Byte-level BPE through the `tokenizers` library (Rust): what training and encoding use. `bpe.py` is its readable twin.

Merges, ties and ids are the twin's: the tests compare them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, trainers

from groundup.tokenizer.kinds import KINDS, MIN_FREQUENCY, Kind, check_size
from groundup.tokenizer.pattern import PATTERN, byte_characters
from groundup.tokenizer.special import SPECIAL

SMALLEST = len(SPECIAL) + 256


def byte_level_pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    """Cut by the pattern, then write each byte as its printable character."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )


def train_bpe(texts: Iterable[str], vocabulary_size: int) -> tokenizers.Tokenizer:
    """Train byte-level BPE (Sennrich 2016 on bytes, as GPT-2) to exactly `vocabulary_size` entries.

    Raises DataError when the corpus does not hold enough pairs to merge.
    """
    check_size("bpe", vocabulary_size, SMALLEST)
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = byte_level_pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(byte_characters()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_batched(texts), trainer=trainer)
    return tokenizer


def _batched(texts: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    # The library counts one batch in parallel; single texts would leave the second core idle.
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


KINDS.register("bpe")(Kind(train_bpe, lossless=True))
