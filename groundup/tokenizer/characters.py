"""Characters: every character of the corpus is one token; a character never seen is spelled in its UTF-8 bytes.

The bytes are 256 tokens written <0x00> ... <0xFF> (SentencePiece's byte fallback), so nothing is unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from groundup.tokenizer.kinds import KINDS, Kind, check_size
from groundup.tokenizer.pattern import PATTERN
from groundup.tokenizer.special import SPECIAL

BYTE_NAMES = tuple(f"<0x{byte:02X}>" for byte in range(256))


def train_characters(texts: Iterable[str], vocabulary_size: int) -> tokenizers.Tokenizer:
    """The most frequent characters, at most so many that the vocabulary has `vocabulary_size` entries."""
    check_size("characters", vocabulary_size, len(SPECIAL) + len(BYTE_NAMES) + 1)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    room = vocabulary_size - len(SPECIAL) - len(BYTE_NAMES)
    kept = sorted(counts, key=lambda character: (-counts[character], character))[:room]
    names = [*SPECIAL, *BYTE_NAMES, *sorted(kept)]
    vocabulary = {name: place for place, name in enumerate(names)}
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    tokenizer.add_special_tokens(list(SPECIAL))
    # Without merges the cut changes no id; it keeps the library's work on long texts linear.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


KINDS.register("characters")(Kind(train_characters, lossless=True))
