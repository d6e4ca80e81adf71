"""The longest match of every place of a text at once.

`SuffixIndex.longest_match` walks the suffix array for one place; a text of 300 tokens asks 300 times, and nearly all
of that time is Python's. Here all places take each step of their binary searches together, on arrays: what is compared
is a window of the text, wide enough for most matches; the few places that match all of it are searched again with a
wider one. The slow twin is `longest_match`, place by place.

Legend: N places, W tokens of a window.
"""

from __future__ import annotations

import numpy as np

FIRST_WIDTH = 16  # tokens compared at first: most matches end before; taste
WIDER = 4  # how much wider the window of the next round is; taste
CELLS = 1 << 20  # tokens gathered at a time: 8 MB
ENDED, OPEN = -1, -2  # the indexed tokens end here; the text ends here (below every token, so that it never matches)


def longest_matches(part: np.ndarray, tokens: np.ndarray, query: np.ndarray, known: int) -> np.ndarray:
    """(N,) for each place of `query` the most tokens from there on that stand in the tokens, at most `known` of them.

    part: one suffix array over the positions of `tokens`. known: how many tokens of a query its order knows.
    """
    found_N = np.zeros(len(query), dtype=np.int64)
    places_N = np.arange(len(query))
    width = min(FIRST_WIDTH, known)
    while len(places_N):
        for chunk in np.array_split(places_N, -(-len(places_N) * width // CELLS)):
            found_N[chunk] = _matches(part, tokens, _windows(query, chunk, width))
        # A whole window matched: the match may go on behind it.
        places_N = places_N[(found_N[places_N] == width) & (places_N + width < len(query))]
        if width == known:
            break
        width = min(width * WIDER, known)
    return found_N


def _windows(query: np.ndarray, places_N: np.ndarray, width: int) -> np.ndarray:
    """(N, W) the next `width` tokens of the text at each place, OPEN behind its end."""
    at_NW = places_N[:, None] + np.arange(width)
    return np.where(at_NW < len(query), query[np.minimum(at_NW, len(query) - 1)], OPEN)


def _matches(part: np.ndarray, tokens: np.ndarray, windows_NW: np.ndarray) -> np.ndarray:
    """(N,) the longest common beginning of each window with any suffix."""
    low_N = np.zeros(len(windows_NW), dtype=np.int64)
    high_N = np.full(len(windows_NW), len(part), dtype=np.int64)
    # The first suffix that is not smaller than the window; its two neighbours hold the longest match.
    while (open_N := low_N < high_N).any():
        middle_N = (low_N + high_N) // 2
        common_N, smaller_N = _compared(part, tokens, middle_N, windows_NW)
        low_N = np.where(open_N & smaller_N, middle_N + 1, low_N)
        high_N = np.where(open_N & ~smaller_N, middle_N, high_N)
    best_N = np.zeros(len(windows_NW), dtype=np.int64)
    for neighbour_N in (low_N - 1, low_N):
        there_N = (neighbour_N >= 0) & (neighbour_N < len(part))
        common_N, _ = _compared(part, tokens, neighbour_N, windows_NW)
        best_N = np.maximum(best_N, np.where(there_N, common_N, 0))
    return best_N


def _compared(
    part: np.ndarray, tokens: np.ndarray, ranks_N: np.ndarray, windows_NW: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many tokens the suffixes of these ranks share with their windows, and whether they sort before them."""
    width = windows_NW.shape[1]
    at_NW = part[np.clip(ranks_N, 0, len(part) - 1)].astype(np.int64)[:, None] + np.arange(width)
    held_NW = tokens[np.minimum(at_NW, len(tokens) - 1)].astype(np.int64)
    held_NW[at_NW >= len(tokens)] = ENDED
    differ_NW = held_NW != windows_NW
    first_N = np.where(differ_NW.any(axis=1), differ_NW.argmax(axis=1), width)
    rows_N, last_N = np.arange(len(first_N)), np.minimum(first_N, width - 1)
    return first_N, (first_N < width) & (held_NW[rows_N, last_N] < windows_NW[rows_N, last_N])
