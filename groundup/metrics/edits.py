"""Edit distance (Levenshtein 1966): the fewest insertions, deletions and substitutions from one sequence to another."""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def edit_distance(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Between two texts (by characters) or two lists (by items). Time len(a) * len(b), memory len(b)."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def word_error_rate(gold: str, predicted: str) -> float:
    """Edits of words over the number of gold words (can exceed 1); blanks divide words."""
    words = gold.split()
    if not words:
        raise ValueError("the gold text has no words")
    return edit_distance(words, predicted.split()) / len(words)
