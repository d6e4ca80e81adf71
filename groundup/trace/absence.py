"""Is a deleted document really gone? What of it still stands in the training tokens, and the longest of it.

A document counts as gone when none of its spans of `window` tokens stands in the index any more. Shorter spans stand
in almost any text ("one of the"), so they prove nothing; the longest common span is reported beside, and where others
hold the same text (a quotation), it is found here too: that is the truth about the tokens, and deleting it there as
well is a decision for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.trace.index import SuffixIndex

WINDOW = 50  # tokens; the span of Carlini et al. 2023 for "memorised"


@dataclass(frozen=True)
class Absence:
    """What is left of a document. windows: spans of `window` tokens it has (1 when it is shorter), found: of these."""

    document: str  # SHA-256 of its tokens, so that the certificate names it without holding it
    tokens: int
    window: int
    windows: int
    found: int
    longest: int
    longest_at: int  # where the longest common span begins in the document

    @property
    def gone(self) -> bool:
        """True when no window stands in the index."""
        return self.found == 0


def absence(index: SuffixIndex, ids: Sequence[int], window: int = WINDOW) -> Absence:
    """Look every span of the document up. A document shorter than `window` is looked up as a whole.

    Raises ValueError for an empty document: it stands everywhere and nowhere.
    """
    if not len(ids):
        raise ValueError("an empty document cannot be looked up")
    width = min(window, len(ids))
    starts = range(len(ids) - width + 1)
    lengths = [index.longest_match(ids, start) for start in range(len(ids))]
    longest_at = int(np.argmax(lengths))
    return Absence(
        document=hashlib.sha256(np.asarray(ids, dtype="<i8").tobytes()).hexdigest(),
        tokens=len(ids),
        window=width,
        windows=len(starts),
        found=sum(lengths[start] >= width for start in starts),
        longest=lengths[longest_at],
        longest_at=longest_at,
    )
