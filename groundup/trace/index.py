"""A suffix array over an array of tokens: where does this span stand, verbatim, and how often?

The suffix array lists all positions in the lexicographic order of what follows them (Manber and Myers 1990); every
span's occurrences are then neighbours, found by two binary searches. Construction is divsufsort (Mori), which sorts
bytes: tokens are written as fixed-width big-endian numbers, whose byte order is their order, and only suffixes that
begin on a token are kept. `maximal_spans` is the question of OLMoTrace (Liu et al. 2025): which parts of a text stand
verbatim in the training data?

Files: ``suffixes.npy`` (int32, int64 above 2^31 tokens; memory-mapped) and ``index.json``.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup.core.errors import ArtifactError, DataError
from groundup.core.files import atomic_writer, read_json, write_json

FORMAT = 1
_SAMPLE = 65_536  # tokens at each end whose checksum tells that an index belongs to other tokens
_CHUNK = 64  # tokens compared at a time: most comparisons end within the first chunk


def build(tokens: np.ndarray, folder: Path) -> None:
    """Write the index of `tokens` (one dimension, integers >= 0) into `folder`.

    Memory: about 11 bytes a token for 16-bit tokens. Raises DataError for negative or too large numbers.
    """
    if len(tokens) and int(tokens.min()) < 0:
        raise DataError("Only integers from 0 on can be indexed.")
    largest = int(tokens.max()) if len(tokens) else 0
    if largest >= 2**32:
        raise DataError(f"Integers up to 2^32 - 1 can be indexed; {largest} came.")
    width = next(bytes_ for bytes_ in (1, 2, 3, 4) if largest < 256**bytes_)
    suffixes = _suffix_array(tokens, width)
    small = len(tokens) < 2**31
    with atomic_writer(folder / "suffixes.npy") as file:
        np.save(file, suffixes.astype(np.int32 if small else np.int64, copy=False), allow_pickle=False)
    write_json(
        folder / "index.json",
        {"format": FORMAT, "tokens": len(tokens), "largest": largest, "checksum": _checksum(tokens)},
    )


def _suffix_array(tokens: np.ndarray, width: int) -> np.ndarray:
    if len(tokens) == 0:
        return np.empty(0, dtype=np.int32)
    from pydivsufsort import divsufsort

    # (n,) -> (n, 4) big-endian bytes -> the last `width` of each
    as_bytes = tokens.astype(">u4").view(np.uint8).reshape(-1, 4) if width > 2 else None
    if as_bytes is not None:
        data = np.ascontiguousarray(as_bytes[:, 4 - width :]).ravel()
    else:
        data = tokens.astype(">u2" if width == 2 else np.uint8).view(np.uint8)
    found = divsufsort(data)
    if width == 1:
        return found
    # A byte suffix that begins on a token keeps its place among the others that do.
    found = found[found % width == 0]
    found //= width
    return found


@dataclass(frozen=True)
class Span:
    """tokens[start:end] of a query stand verbatim in the indexed tokens, `count` times."""

    start: int
    end: int
    count: int

    def __len__(self) -> int:
        return self.end - self.start


class SuffixIndex:
    """An opened index. Queries are lists of integers; nothing is loaded into memory but the pages looked at."""

    def __init__(self, suffixes: np.ndarray, tokens: np.ndarray) -> None:
        # Plain views of the maps: slicing a np.memmap itself costs ten times as much (and nothing is copied).
        self.suffixes = np.asarray(suffixes)
        self.tokens = np.asarray(tokens)

    @classmethod
    def open(cls, folder: Path, tokens: np.ndarray) -> SuffixIndex:
        """Open the index of these tokens. Raises ArtifactError when it is missing, damaged or of other tokens."""
        about = read_json(folder / "index.json")
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise ArtifactError(f"{folder / 'index.json'} is no trace index of format {FORMAT}.")
        if about.get("tokens") != len(tokens) or about.get("checksum") != _checksum(tokens):
            raise ArtifactError(
                f"{folder} is the index of other tokens ({about.get('tokens')} of them; came {len(tokens)}).",
                repair="Make it again with: --again tokenizer",
            )
        try:
            suffixes = np.load(folder / "suffixes.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{folder / 'suffixes.npy'} cannot be read: {error}.") from None
        if suffixes.shape != (len(tokens),):
            raise ArtifactError(f"{folder / 'suffixes.npy'} has shape {suffixes.shape}, expected ({len(tokens)},).")
        return cls(suffixes, tokens)

    def count(self, span: Sequence[int]) -> int:
        """How often the span stands in the tokens; overlapping occurrences count. The empty span counts 0."""
        low, high = self._range(span)
        return high - low

    def find(self, span: Sequence[int], limit: int | None = None) -> list[int]:
        """Positions where the span begins, in rising order; with a limit, the `limit` first in suffix order, sorted."""
        low, high = self._range(span)
        if limit is not None:
            high = min(high, low + max(0, limit))
        return sorted(int(place) for place in self.suffixes[low:high])

    def longest_match(self, ids: Sequence[int], start: int = 0) -> int:
        """The largest n such that ids[start : start + n] stands in the tokens."""
        query = _query(ids)[start:]
        place, _ = self._search(query, after=False)
        # The longest match is with one of the two neighbours of the place where the query would be sorted in.
        neighbours = [at for at in (place - 1, place) if 0 <= at < len(self.suffixes)]
        return max((self._common(int(self.suffixes[at]), query, 0) for at in neighbours), default=0)

    def maximal_spans(self, ids: Sequence[int], min_length: int = 1) -> list[Span]:
        """All spans of `ids` found verbatim that cannot be made longer to either side; rarest first, then longest.

        min_length: shorter spans are left out.
        """
        spans = []
        reached = 0  # the ends of the longest matches never go back: what follows a match's first token matches too
        for start in range(len(ids)):
            end = start + self.longest_match(ids, start)
            if end > reached and end - start >= max(1, min_length):
                spans.append(Span(start, end, self.count(ids[start:end])))
            reached = max(reached, end)
        return sorted(spans, key=lambda span: (span.count, -len(span), span.start))

    def _range(self, span: Sequence[int]) -> tuple[int, int]:
        query = _query(span)
        if len(query) == 0:
            return 0, 0
        low, common = self._search(query, after=False)
        if common < len(query):
            return low, low
        return low, self._search(query, after=True)[0]

    def _search(self, query: np.ndarray, *, after: bool) -> tuple[int, int]:
        """The first place whose suffix is >= the query (after: > it and does not begin with it).

        Also how many tokens of the query the suffix at that place begins with (0 at the end). Keeps the
        lengths already known to agree with both bounds, so that no token is compared twice (Manber and Myers).
        """
        low, high = 0, len(self.suffixes)
        common_low = common_high = 0
        while low < high:
            middle = (low + high) // 2
            position = int(self.suffixes[middle])
            common = self._common(position, query, min(common_low, common_high))
            if common == len(query):
                smaller = after
            elif position + common >= len(self.tokens):
                smaller = True  # the suffix ended first
            else:
                smaller = int(self.tokens[position + common]) < int(query[common])
            if smaller:
                low, common_low = middle + 1, common
            else:
                high, common_high = middle, common
        return low, common_high if low < len(self.suffixes) else 0

    def _common(self, position: int, query: np.ndarray, known: int) -> int:
        """How many tokens of the query stand at `position`; the first `known` are known to."""
        if known < len(query) and position + known < len(self.tokens) and self.tokens[position + known] != query[known]:
            return known  # most comparisons end here, without slicing
        while known < len(query):
            here = self.tokens[position + known : position + min(known + _CHUNK, len(query))]
            there = query[known : known + len(here)]
            if len(here) == 0:
                return known
            differ = np.flatnonzero(here != there)
            if len(differ):
                return known + int(differ[0])
            known += len(here)
        return known


def _query(ids: Sequence[int]) -> np.ndarray:
    return np.asarray(ids, dtype=np.int64)


def _checksum(tokens: np.ndarray) -> int:
    ends = np.concatenate([tokens[:_SAMPLE], tokens[-_SAMPLE:]]).astype("<i8")
    return zlib.crc32(ends.tobytes())
