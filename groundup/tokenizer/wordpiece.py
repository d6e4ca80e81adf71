"""WordPiece, BERT's tokenizer: words split at blanks and punctuation, then the longest known piece first.

Pieces inside a word begin with "##". Lossy: blanks are not kept, and a word with an unknown letter becomes <|unk|>.
Follows Devlin et al. 2019 (cased); trained by merges like BPE, as the `tokenizers` library does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from groundup.tokenizer.kinds import KINDS, MIN_FREQUENCY, Kind, check_size
from groundup.tokenizer.special import SPECIAL, UNKNOWN

MAX_ALPHABET = 1000  # letters kept, the most frequent; BERT's and the library's default


def train_wordpiece(texts: Iterable[str], vocabulary_size: int) -> tokenizers.Tokenizer:
    """Train WordPiece to `vocabulary_size` entries."""
    check_size("wordpiece", vocabulary_size, len(SPECIAL) + 64)
    normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    kept = [normalizer.normalize_str(text) for text in texts]
    letters = Counter(letter for text in kept for letter in text if not letter.isspace())
    room = min(MAX_ALPHABET, (vocabulary_size - len(SPECIAL)) // 4)
    alphabet = sorted(sorted(letters, key=lambda letter: (-letters[letter], letter))[:room])
    # The library numbers "##a", "##b" ... as it meets them in a hash table, anew on every run, and ties between
    # merges follow the numbers. Handing in both forms of every letter as "special" fixes the numbers.
    reserved = [*SPECIAL, *alphabet, *(f"##{letter}" for letter in alphabet)]
    teacher = tokenizers.Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    teacher.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=MIN_FREQUENCY,
        special_tokens=reserved,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    letters_only = set(alphabet)
    teacher.train_from_iterator(("".join(c if c in letters_only else " " for c in text) for text in kept), trainer)
    vocabulary = teacher.get_vocab(with_added_tokens=True)

    tokenizer = tokenizers.Tokenizer(models.WordPiece(vocab=vocabulary, unk_token=UNKNOWN))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    return tokenizer


KINDS.register("wordpiece")(Kind(train_wordpiece, lossless=False))
