"""Text that stands word for word in more than one place: the substring duplicates of Lee et al. 2022.

In: an index in one part, and a length. Out: the stretches whose every `min_length` tokens have already stood earlier
in the tokens; cutting them out leaves each repeated text once, where it stood first.

In a suffix array, equal beginnings are neighbours: two suffixes next to each other that agree on `min_length` tokens
belong to one group, and all but the first place of a group are repetitions. Compared in blocks, eight at a time, the
pairs that differ dropped early: no array of common lengths is built. `repeats_by_looking` is the slow, obvious twin.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundup.trace.index import SuffixIndex

BLOCK = 1 << 20  # neighbours compared at a time: some 30 MB


def repeats(index: SuffixIndex, min_length: int) -> list[tuple[int, int]]:
    """(start, end) of the repeated stretches, in rising order, without overlap.

    Memory: one byte a token and the places that repeat. Raises DataError for an index in several parts and ValueError
    for a length below 1.
    """
    if min_length < 1:
        raise ValueError(f"min_length must be 1 or more, came {min_length}")
    suffixes, tokens = index.suffixes, index.tokens
    if len(suffixes) < 2:
        return []
    same = np.zeros(len(suffixes), dtype=bool)  # agrees with the suffix before it
    for low in range(1, len(suffixes), BLOCK):
        high = min(len(suffixes), low + BLOCK)
        same[low:high] = _agree(tokens, suffixes[low - 1 : high - 1], suffixes[low:high], min_length)
    later: list[np.ndarray] = []
    borders = np.flatnonzero(same & ~np.roll(same, 1))  # where a run of equal neighbours begins
    ends = np.flatnonzero(same & ~np.append(same[1:], False))
    for first, last in zip(borders, ends, strict=True):
        group = np.sort(suffixes[first - 1 : last + 1])
        later.append(group[1:].astype(np.int64))
    return _joined(np.sort(np.concatenate(later)) if later else np.empty(0, dtype=np.int64), min_length)


def _agree(tokens: np.ndarray, before: np.ndarray, after: np.ndarray, length: int) -> np.ndarray:
    """Whether tokens[before[i] : + length] and tokens[after[i] : + length] are equal, for each i."""
    left, right = before.astype(np.int64), after.astype(np.int64)
    alive = np.flatnonzero(np.maximum(left, right) + length <= len(tokens))
    for offset in range(0, length, 8):
        if not len(alive):
            break
        for place in range(offset, min(offset + 8, length)):
            alive = alive[tokens[left[alive] + place] == tokens[right[alive] + place]]
    result = np.zeros(len(left), dtype=bool)
    result[alive] = True
    return result


def _joined(starts: np.ndarray, length: int) -> list[tuple[int, int]]:
    """Stretches of `length` from each start, those that touch joined."""
    if not len(starts):
        return []
    cuts = np.flatnonzero(np.diff(starts) > length) + 1
    firsts = starts[np.concatenate([[0], cuts])]
    lasts = starts[np.concatenate([cuts - 1, [len(starts) - 1]])]
    return [(int(first), int(last) + length) for first, last in zip(firsts, lasts, strict=True)]


def repeats_by_looking(tokens: Sequence[int], min_length: int) -> list[tuple[int, int]]:
    """The same by a table of all windows seen so far; for tests."""
    seen: set[tuple[int, ...]] = set()
    starts = []
    for start in range(len(tokens) - min_length + 1):
        window = tuple(int(token) for token in tokens[start : start + min_length])
        if window in seen:
            starts.append(start)
        seen.add(window)
    return _joined(np.array(starts, dtype=np.int64), min_length)
