"""A watermark in what a model writes (Kirchenbauer et al. 2023, arXiv:2301.10226): the text shows who wrote it.

The `width` tokens before a place and a secret key choose a share of the vocabulary, the green list; green tokens get
`push` added to their logits. A text that is not watermarked holds green tokens at that share; how improbable its count
would then be is an exact binomial p-value, without any model at hand.

The list is integer arithmetic on the processor (keyed BLAKE2b, then SplitMix64 for each token), never a device's random
numbers: the same key gives the same bits on every device and version of every library. Repeated (context, token)
pairs count once, since they repeat one draw, not a new one.

What it costs and what it stands: tokens of low entropy cannot be pushed, so that formulaic text needs more of them;
rewriting removes it, copying does not. The key must stay secret: whoever has it can find or forge the mark.

Legend: V vocabulary, N places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from groundup.core.errors import UsageError
from groundup.metrics.intervals import binomial_tail

SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, the step of SplitMix64 (Steele et al. 2014)


@dataclass(frozen=True)
class Detected:
    """What a text shows. green of scored places; p: how often a text without the mark has as many. marks_N: per token,
    True green, False red, None not scored (too early, or a repetition)."""

    green: int
    scored: int
    p: float
    marks_N: list[bool | None]

    @property
    def share(self) -> float:
        """Green of scored; 0 where nothing was."""
        return self.green / max(1, self.scored)


@dataclass(frozen=True)
class Watermark:
    """A key and how strongly it marks. UsageError for a share or width outside its rule."""

    key: bytes = field(repr=False)
    green_share: float = 0.25  # gamma; with delta 2 the advice of the authors' repository
    push: float = 2.0  # delta, in nats
    # Tokens that choose the list. 1 is easily learned from many texts, 4 is lost to few changed words: a changed token
    # spoils width + 1 places.
    width: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.green_share < 1 or not 1 <= self.width <= 8 or not self.key:
            raise UsageError("A watermark needs a key, a green share between 0 and 1, and a width of 1 to 8 tokens.")

    def green_mask(self, before: Sequence[int], vocabulary_size: int) -> np.ndarray | None:
        """(V,) bool: which tokens are green after these; None while there are fewer than `width`."""
        if len(before) < self.width:
            return None
        return self._hashes(before[len(before) - self.width :], np.arange(vocabulary_size)) < self._threshold

    def detect(self, ids: Sequence[int]) -> Detected:
        """Look for the mark in the tokens of a text."""
        marks: list[bool | None] = [None] * len(ids)
        seen: set[tuple[int, ...]] = set()
        for place in range(self.width, len(ids)):
            pair = tuple(ids[place - self.width : place + 1])
            if pair not in seen:
                seen.add(pair)
                marks[place] = bool(self._hashes(pair[:-1], np.array([pair[-1]]))[0] < self._threshold)
        scored = [mark for mark in marks if mark is not None]
        p = binomial_tail(sum(scored), len(scored), self.green_share) if scored else 1.0
        return Detected(sum(scored), len(scored), p, marks)

    @property
    def _threshold(self) -> np.uint64:
        return np.uint64(int(self.green_share * 2**64))

    def _hashes(self, context: Sequence[int], tokens: np.ndarray) -> np.ndarray:
        """One 64-bit number a token, keyed by the context."""
        said = np.asarray(context, dtype="<u4").tobytes()
        seed = int.from_bytes(hashlib.blake2b(said, key=self.key[:64], digest_size=8).digest(), "little")
        x = np.uint64(seed) + (tokens.astype(np.uint64) + np.uint64(1)) * SPREAD  # wraps around, as it should
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
