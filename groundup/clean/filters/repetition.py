"""Gopher's repetition rules (Rae et al. 2021, table A1): lines, paragraphs and n-grams that come again and again.

Shares are of the characters of the text. As in the paper, the most frequent 2- to 4-gram counts all its occurrences,
a duplicate 5- to 10-gram every occurrence but the first, without counting a character twice.
"""

from __future__ import annotations

from collections import Counter

from groundup.clean.filters.measure import FILTERS, Measured, Reason
from groundup.clean.options import QualityOptions

MAX_WORDS = 10_000  # n-grams of a longer text are judged by its first words: repetition shows early, memory is bounded

MIN_WORDS = 50  # the paper drops shorter texts before; in them a name that comes three times is a large share


@FILTERS.register("repetition")
def repetition(measured: Measured, options: QualityOptions) -> Reason | None:
    """Repeated lines, paragraphs, n-grams."""
    rule = options.repetition
    if not measured.is_book:
        checks = (
            ("duplicate_lines", measured.lines, rule.max_duplicate_lines, rule.max_duplicate_line_characters),
            (
                "duplicate_paragraphs",
                measured.paragraphs,
                rule.max_duplicate_paragraphs,
                rule.max_duplicate_paragraph_characters,
            ),
        )
        for reason, pieces, max_share, max_characters in checks:
            share, characters = duplicate_shares(pieces)
            # Markdown repeats fences, tags and table rules: there only the characters count
            if (share > max_share and measured.kind != "markdown") or characters > max_characters:
                return reason, f"{share:.0%} of them, {characters:.0%} of the characters"
    words = measured.words[:MAX_WORDS]
    if len(words) < MIN_WORDS or measured.is_unspaced:
        return None
    size = len(measured.text) if len(words) == len(measured.words) else sum(map(len, words)) + len(words)
    for n, limit in rule.max_top_ngram.items():
        share = top_ngram_share(words, n, size)
        if share > limit:
            return "top_ngram", f"one {n}-gram is {share:.0%} of the text"
    for n, limit in sorted(rule.max_duplicate_ngrams.items()):
        share = duplicate_ngram_share(words, n, size)
        if share > limit:
            return "duplicate_ngrams", f"duplicate {n}-grams are {share:.0%} of the text"
        if share == 0:
            break  # no n-gram comes twice, so no longer one does
    return None


def duplicate_shares(pieces: list[str]) -> tuple[float, float]:
    """(share of pieces that are copies of an earlier one, their share of the characters)."""
    if len(pieces) < 2 or len(set(pieces)) == len(pieces):
        return 0.0, 0.0
    seen: set[str] = set()
    copies = characters = 0
    for piece in pieces:
        if piece in seen:
            copies += 1
            characters += len(piece)
        seen.add(piece)
    return copies / len(pieces), characters / max(1, sum(map(len, pieces)))


def top_ngram_share(words: list[str], n: int, size: int) -> float:
    """The most frequent n-gram's share of `size` characters; 0 when none comes twice."""
    if len(words) <= n:
        return 0.0
    counts = Counter(zip(*(words[i:] for i in range(n)), strict=False))
    count = max(counts.values())
    if count < 2:
        return 0.0
    gram = next(gram for gram, times in counts.items() if times == count)
    return count * (sum(map(len, gram)) + n - 1) / size


def duplicate_ngram_share(words: list[str], n: int, size: int) -> float:
    """The share of `size` characters in n-grams that came before; a word counts once."""
    grams = list(zip(*(words[i:] for i in range(n)), strict=False))
    if len(set(grams)) == len(grams):
        return 0.0
    seen: set[tuple[str, ...]] = set()
    place = characters = 0
    while place < len(grams):
        gram = grams[place]
        if gram in seen:
            characters += sum(map(len, gram))
            place += n
        else:
            seen.add(gram)
            place += 1
    return characters / size
