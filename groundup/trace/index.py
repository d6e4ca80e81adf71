"""A suffix array over an array of tokens: where does this span stand, verbatim, and how often?

The suffix array lists all positions in the lexicographic order of what follows them (Manber and Myers 1990); every
span's occurrences are then neighbours, found by two binary searches. Construction is divsufsort (Mori), which sorts
bytes: tokens are written as fixed-width big-endian numbers, whose byte order is their order, and only suffixes that
begin on a token are kept. `maximal_spans` is the question of OLMoTrace (Liu et al. 2025): which parts of a text stand
verbatim in the training data?

Out of core: the tokens are cut into parts, and each part gets its own suffix array, over itself and the `OVERLAP` tokens
behind it; memory is that of one part. A query asks every part. Order beyond the overlap is not known at the end of a
part, so a longer query is narrowed by its first `OVERLAP` tokens and the places found are compared one by one.
A killed build goes on with the first part that is missing.

Files: ``suffixes-00000.npy`` ... (int32, int64 above 2^31 tokens; memory-mapped), one a part, and ``index.json``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.core.errors import ArtifactError, DataError
from groundup.core.files import atomic_writer, read_json, write_json
from groundup.trace.matches import longest_matches

FORMAT = 2
PART_TOKENS = 1 << 25  # 33 million: some 400 MB while a part of 16-bit tokens is sorted
OVERLAP = 1024  # tokens behind a part that its order still knows; longer queries are rare
_SAMPLE = 65_536  # tokens at each end whose checksum tells that an index belongs to other tokens
_CHUNK = 64  # tokens compared at a time: most comparisons end within the first chunk


def build(tokens: np.ndarray, folder: Path, *, part_tokens: int = PART_TOKENS) -> None:
    """Write the index of `tokens` (one dimension, integers >= 0; may be memory-mapped) into `folder`.

    Memory: about 11 bytes a token of one part for 16-bit tokens, 5 for bytes. Raises DataError for negative or too
    large numbers. If a build of the same tokens was cut off here, its finished parts are kept.
    """
    if len(tokens) and int(tokens.min()) < 0:
        raise DataError("Only integers from 0 on can be indexed.")
    largest = int(tokens.max()) if len(tokens) else 0
    if largest >= 2**32:
        raise DataError(f"Integers up to 2^32 - 1 can be indexed; {largest} came.")
    about = {
        "format": FORMAT,
        "tokens": len(tokens),
        "largest": largest,
        "checksum": _checksum(tokens),
        "part_tokens": part_tokens,
        "overlap": OVERLAP,
    }
    unfinished = folder / "unfinished.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not unfinished.is_file() or read_json(unfinished) != about:
        for left in folder.glob("suffixes*.npy"):
            left.unlink()
        (folder / "index.json").unlink(missing_ok=True)
        write_json(unfinished, about)
    width = next(bytes_ for bytes_ in (1, 2, 3, 4) if largest < 256**bytes_)
    small = len(tokens) < 2**31
    for number, (start, end) in enumerate(_parts(len(tokens), part_tokens)):
        path = folder / _name(number)
        if path.is_file():
            continue  # written whole or not at all
        suffixes = _suffix_array(tokens[start : min(end + OVERLAP, len(tokens))], width)
        if len(suffixes) > end - start:
            suffixes = suffixes[suffixes < end - start]
        suffixes = suffixes.astype(np.int32 if small else np.int64, copy=False)
        suffixes += start
        with atomic_writer(path) as file:
            np.save(file, suffixes, allow_pickle=False)
    write_json(folder / "index.json", about)
    unfinished.unlink()


def _parts(length: int, part_tokens: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each part; one empty part for no tokens."""
    for start in range(0, max(1, length), part_tokens):
        yield start, min(length, start + part_tokens)


def _name(number: int) -> str:
    return f"suffixes-{number:05d}.npy"


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

    def __init__(self, parts: Sequence[np.ndarray], tokens: np.ndarray, overlap: int = OVERLAP) -> None:
        """parts: the suffix array of each part. overlap: tokens of a query that every part's order knows."""
        # Plain views of the maps: slicing a np.memmap itself costs ten times as much (and nothing is copied).
        self.parts = [np.asarray(part) for part in parts]
        self.tokens = np.asarray(tokens)
        self.known = overlap if len(self.parts) > 1 else len(self.tokens) + 1

    @classmethod
    def open(cls, folder: Path, tokens: np.ndarray) -> SuffixIndex:
        """Open the index of these tokens. Raises ArtifactError when it is missing, damaged or of other tokens."""
        about = read_json(folder / "index.json")
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            raise ArtifactError(
                f"{folder / 'index.json'} is no trace index of format {FORMAT}.",
                repair="Make it again with: --again tokenizer",
            )
        if about.get("tokens") != len(tokens) or about.get("checksum") != _checksum(tokens):
            raise ArtifactError(
                f"{folder} is the index of other tokens ({about.get('tokens')} of them; came {len(tokens)}).",
                repair="Make it again with: --again tokenizer",
            )
        parts = [_opened(folder / _name(n), e - s) for n, (s, e) in enumerate(_parts_of(about, folder))]
        return cls(parts, tokens, int(about.get("overlap", OVERLAP)))

    @property
    def suffixes(self) -> np.ndarray:
        """The one suffix array of an index in one part. Raises DataError when there are several."""
        if len(self.parts) > 1:
            raise DataError(
                f"The index has {len(self.parts)} parts; this question needs all suffixes in one order.",
                repair=f"Build it with part_tokens = {len(self.tokens)} or more.",
            )
        return self.parts[0]

    def count(self, span: Sequence[int]) -> int:
        """How often the span stands in the tokens; overlapping occurrences count. The empty span counts 0."""
        query = _query(span)
        if len(query) > self.known:
            return len(self._places(query))
        return sum(high - low for low, high in (self._range(part, query) for part in self.parts))

    def find(self, span: Sequence[int], limit: int | None = None) -> list[int]:
        """Positions where the span begins, in rising order; with a limit, the first `limit` met, sorted."""
        query = _query(span)
        places = self._places(query, None if len(query) > self.known else limit)
        return sorted(places[: max(0, limit)] if limit is not None else places)

    def longest_match(self, ids: Sequence[int], start: int = 0) -> int:
        """The largest n such that ids[start : start + n] stands in the tokens."""
        query = _query(ids)[start:]
        return max((self._longest(part, query) for part in self.parts), default=0)

    def _longest(self, part: np.ndarray, query: np.ndarray) -> int:
        known = query[: self.known]
        place, _ = self._search(part, known, after=False)
        # The longest match is with one of the two neighbours of the place where the query would be sorted in.
        neighbours = [at for at in (place - 1, place) if 0 <= at < len(part)]
        best = max((self._common(int(part[at]), known, 0) for at in neighbours), default=0)
        if best < self.known or len(query) == best:
            return best
        low, high = self._range(part, known)  # the order says no more: compare all that agree so far
        return max(self._common(int(at), query, best) for at in part[low:high])

    def _longest_of_all(self, query: np.ndarray) -> list[int]:
        """`longest_match` of every place of the query: all of them at once, and beyond the known order one by one."""
        found = np.zeros(len(query), dtype=np.int64)
        for part in self.parts:
            if len(part) and len(query):
                found = np.maximum(found, longest_matches(part, self.tokens, query, min(self.known, len(query))))
        return [
            self.longest_match(query[start:].tolist()) if self.known <= length < len(query) - start else int(length)
            for start, length in enumerate(found)
        ]

    def maximal_spans(self, ids: Sequence[int], min_length: int = 1) -> list[Span]:
        """All spans of `ids` found verbatim that cannot be made longer to either side; rarest first, then longest.

        min_length: shorter spans are left out.
        """
        spans = []
        reached = 0  # the ends of the longest matches never go back: what follows a match's first token matches too
        for start, length in enumerate(self._longest_of_all(_query(ids))):
            end = start + length
            if end > reached and length >= max(1, min_length):
                spans.append(Span(start, end, self.count(ids[start:end])))
            reached = max(reached, end)
        return sorted(spans, key=lambda span: (span.count, -len(span), span.start))

    def _places(self, query: np.ndarray, limit: int | None = None) -> list[int]:
        """Where the query stands, in no order; at most `limit` places."""
        places: list[int] = []
        for part in self.parts:
            if limit is not None and len(places) >= limit:
                break
            low, high = self._range(part, query[: self.known])
            if limit is not None:
                high = min(high, low + limit - len(places))
            found = (int(at) for at in part[low:high])
            if len(query) > self.known:
                found = (at for at in found if self._common(at, query, self.known) == len(query))
            places += found
        return places

    def _range(self, part: np.ndarray, query: np.ndarray) -> tuple[int, int]:
        if len(query) == 0:
            return 0, 0
        low, common = self._search(part, query, after=False)
        if common < len(query):
            return low, low
        return low, self._search(part, query, after=True)[0]

    def _search(self, part: np.ndarray, query: np.ndarray, *, after: bool) -> tuple[int, int]:
        """The first place whose suffix is >= the query (after: > it and does not begin with it).

        Also how many tokens of the query the suffix at that place begins with (0 at the end). Keeps the
        lengths already known to agree with both bounds, so that no token is compared twice (Manber and Myers).
        """
        low, high = 0, len(part)
        common_low = common_high = 0
        while low < high:
            middle = (low + high) // 2
            position = int(part[middle])
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
        return low, common_high if low < len(part) else 0

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


def _parts_of(about: dict[str, Any], folder: Path) -> Iterator[tuple[int, int]]:
    try:
        return _parts(int(about["tokens"]), int(about["part_tokens"]))
    except (KeyError, TypeError, ValueError):
        raise ArtifactError(f"{folder / 'index.json'} does not say how the tokens were cut into parts.") from None


def _opened(path: Path, length: int) -> np.ndarray:
    """One part's suffix array, memory-mapped."""
    try:
        suffixes = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} cannot be read: {error}.", repair="Make it again with: --again tokenizer"
        ) from None
    if suffixes.shape != (length,):
        raise ArtifactError(f"{path} has shape {suffixes.shape}, expected ({length},).")
    return suffixes


def _query(ids: Sequence[int]) -> np.ndarray:
    return np.asarray(ids, dtype=np.int64)


def _checksum(tokens: np.ndarray) -> int:
    ends = np.concatenate([tokens[:_SAMPLE], tokens[-_SAMPLE:]]).astype("<i8")
    return zlib.crc32(ends.tobytes())
