"""An endless, resumable stream of batches over rows: every epoch in a new order. State: rows given so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random


class Shuffled:
    """Batches of `batch_size` rows; `batch_of` makes tensors of row numbers."""

    def __init__(
        self, num_rows: int, batch_size: int, seed: int, batch_of: Callable[[Sequence[int]], dict[str, Tensor]]
    ) -> None:
        if num_rows == 0:
            raise DataError("There is no example to learn from.")
        self._num_rows = num_rows
        self._batch_size = batch_size
        self._seed = seed
        self._batch_of = batch_of
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
            order = numpy_random(self._seed, "order of conversations", epoch).permutation(self._num_rows)
            self._order = (epoch, order)
        return int(self._order[1][index])
