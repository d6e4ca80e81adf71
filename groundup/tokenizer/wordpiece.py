"""WordPiece, BERT's tokenizer: words split at blanks and punctuation, then the longest known piece first.

Pieces inside a word begin with "##". Lossy: blanks are not kept, and words with unknown letters become <|unk|>.
Follows Devlin et al. 2019 (cased); trained by merges like BPE, as the `tokenizers` library does.
"""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from groundup.tokenizer.kinds import KINDS, MIN_FREQUENCY, Kind, check_size
from groundup.tokenizer.special import SPECIAL, UNKNOWN

MAX_ALPHABET = 1000  # letters kept, the most frequent; BERT's and the library's default


def train_wordpiece(texts: Iterable[str], vocabulary_size: int) -> tokenizers.Tokenizer:
    """Train WordPiece to `vocabulary_size` entries."""
    check_size("wordpiece", vocabulary_size, len(SPECIAL) + 64)
    tokenizer = tokenizers.Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=list(SPECIAL),
        limit_alphabet=min(MAX_ALPHABET, (vocabulary_size - len(SPECIAL)) // 2),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return tokenizer


KINDS.register("wordpiece")(Kind(train_wordpiece, lossless=False))
