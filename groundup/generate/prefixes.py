"""Keys and values of texts read before, so that the next question of a conversation reads only what is new.

Entries belong to an owner and are found by him alone: nobody learns from the time an answer takes what others asked.
They are compared token by token, never by a hash. The least recently used go when `max_bytes` are full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.generate.cache import KVCache

SHORTEST = 16  # tokens; a shorter beginning is read faster than it is looked up and copied; taste


@dataclass(frozen=True)
class Entry:
    """The text `ids`, read: one row of keys and values."""

    owner: str
    ids: tuple[int, ...]
    cache: KVCache


class Prefixes:
    """A bounded store of texts read. max_bytes 0 keeps nothing."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.hits = 0
        self.tokens_saved = 0
        self._entries: list[Entry] = []  # the least recently used first

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def num_bytes(self) -> int:
        """Memory held."""
        return sum(entry.cache.num_bytes for entry in self._entries)

    def keep(self, owner: str, ids: Sequence[int], cache: KVCache, row: int) -> None:
        """Keep the first len(ids) positions of a row. Entries that are beginnings of this one go."""
        if self.max_bytes == 0 or len(ids) < SHORTEST or cache.bytes_of(len(ids)) > self.max_bytes:
            return
        new = tuple(ids)
        self._entries = [one for one in self._entries if one.owner != owner or one.ids != new[: len(one.ids)]]
        self._entries.append(Entry(owner, new, cache.copy_of_row(row, len(new))))
        while self.num_bytes > self.max_bytes:
            self._entries.pop(0)

    def find(self, owner: str, ids: Sequence[int]) -> tuple[KVCache, int] | None:
        """The entry of this owner that shares the longest beginning with `ids`, and how many tokens that is.

        At most all but the last token: one must be read, so that the next can be chosen.
        """
        best, most = None, SHORTEST - 1
        for entry in self._entries:
            if entry.owner == owner:
                shared = _shared(entry.ids, ids, len(ids) - 1)
                if shared > most:
                    best, most = entry, shared
        if best is None:
            return None
        self._entries.remove(best)
        self._entries.append(best)
        self.hits += 1
        self.tokens_saved += most
        return best.cache, most


def _shared(a: Sequence[int], b: Sequence[int], limit: int) -> int:
    limit = min(limit, len(a), len(b))
    return next((place for place in range(limit) if a[place] != b[place]), limit)
