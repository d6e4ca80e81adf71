"""Gopher's repetition rules (Rae et al. 2021, table A1): lines, paragraphs and n-grams that come again and again.

Shares are of the characters of the text. As in the paper, the most frequent 2- to 4-gram counts all its occurrences,
a duplicate 5- to 10-gram every occurrence but the first, without counting a character twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

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
    tops = rule.max_top_ngram
    duplicates = rule.max_duplicate_ngrams
    for n, grams in _repeated(words, 2, max((*tops, *duplicates), default=0)):
        share = top_share(grams, n, size) if n in tops else 0.0
        if n in tops and share > tops[n]:
            return "top_ngram", f"one {n}-gram is {share:.0%} of the text"
        share = duplicate_share(grams, n, size) if n in duplicates else 0.0
        if n in duplicates and share > duplicates[n]:
            return "duplicate_ngrams", f"duplicate {n}-grams are {share:.0%} of the text"
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


Gram = tuple[str, ...]


def _repeated(words: list[str], first: int, last: int) -> Iterator[tuple[int, list[tuple[int, Gram]]]]:
    """For n = first .. last: (n, the (place, n-gram) of all n-grams that come twice or more, in order).

    An n-gram comes twice only where both (n-1)-grams in it do, so each n looks at what the one before left. Ends
    where nothing is left: longer n-grams cannot repeat either.
    """
    grams = list(zip(*(words[i:] for i in range(first)), strict=False))
    counts = Counter(grams)
    kept = [(place, gram) for place, gram in enumerate(grams) if counts[gram] > 1]
    for n in range(first, last + 1):
        if not kept:
            return
        yield n, kept
        longer = [
            (place, (*gram, following[-1]))
            for (place, gram), (after, following) in pairwise(kept)
            if after == place + 1
        ]
        counts = Counter(gram for _, gram in longer)
        kept = [item for item in longer if counts[item[1]] > 1]


def top_share(grams: list[tuple[int, Gram]], n: int, size: int) -> float:
    """The most frequent n-gram's share of `size` characters; the first one where several are as frequent."""
    counts = Counter(gram for _, gram in grams)
    gram, count = max(counts.items(), key=lambda item: item[1])
    return count * (sum(map(len, gram)) + n - 1) / size


def duplicate_share(grams: list[tuple[int, Gram]], n: int, size: int) -> float:
    """The share of `size` characters in n-grams that came before; a word counts once."""
    seen: set[Gram] = set()
    free = characters = 0
    for place, gram in grams:
        if place < free:
            continue
        if gram in seen:
            characters += sum(map(len, gram))
            free = place + n
        else:
            seen.add(gram)
    return characters / size
