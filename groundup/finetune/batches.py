"""An endless, resumable stream of batches over rows: every epoch in a new order. State: rows given so far.

Rows of like length can share batches, so that little is computed on what only fills rows up: 6,147 film sentences of up to 84
tokens in batches of 32 (MiniLM's tokenizer) take 1.03 times their own tokens instead of 1.93 times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random

POOL_BATCHES = 50  # rows are sorted by length among so many batches: the order stays nearly random; taste


class Shuffled:
    """Batches of `batch_size` rows; `batch_of` makes tensors of row numbers. lengths: of each row, to batch the like."""

    def __init__(
        self,
        num_rows: int,
        batch_size: int,
        seed: int,
        batch_of: Callable[[Sequence[int]], dict[str, Tensor]],
        lengths: Sequence[int] | None = None,
    ) -> None:
        if num_rows == 0:
            raise DataError("There is no example to learn from.")
        self._num_rows = num_rows
        self._batch_size = batch_size
        self._seed = seed
        self._batch_of = batch_of
        self._lengths = None if lengths is None else np.asarray(lengths)
        self._place = 0
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    @property
    def num_rows(self) -> int:
        """How many there are: private training draws them by number (train.dp)."""
        return self._num_rows

    def rows(self, numbers: Sequence[int]) -> dict[str, Tensor]:
        """The rows of these numbers, as a batch."""
        return self._batch_of(numbers)

    def next(self) -> dict[str, Tensor]:
        """The next batch."""
        rows = [self._row_at(self._place + offset) for offset in range(self._batch_size)]
        self._place += self._batch_size
        return self._batch_of(rows)

    def state(self) -> dict[str, Any]:
        """The place in the data."""
        return {"place": self._place}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self._place = int(state["place"])

    def _row_at(self, place: int) -> int:
        epoch, index = divmod(place, self._num_rows)
        if self._order[0] != epoch:
            random = numpy_random(self._seed, "order of conversations", epoch)
            order = random.permutation(self._num_rows)
            self._order = (epoch, order if self._lengths is None else self._alike(order, epoch, random))
        return int(self._order[1][index])

    def _alike(self, order: np.ndarray, epoch: int, random: np.random.Generator) -> np.ndarray:
        """The same rows; those of like length together, batch by batch, the batches in a random order."""
        assert self._lengths is not None
        size = self._batch_size
        begun = -epoch * self._num_rows % size  # rows that complete the last batch of the epoch before
        found = [order[:begun]]
        for start in range(begun, len(order), size * POOL_BATCHES):
            pool = order[start : start + size * POOL_BATCHES]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            full = len(pool) // size * size
            batches = pool[:full].reshape(-1, size)
            found += [random.permutation(batches).reshape(-1), pool[full:]]
        return np.concatenate(found)
