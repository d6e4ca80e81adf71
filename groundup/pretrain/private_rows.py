"""Rows for pretraining with differential privacy: one document is one row, so that what is protected is a document.

A document longer than the context gives its beginning only: if it gave several rows, the promise for it would be weaker
by as many times. `left_out` tells the share of the tokens that are not learned from for that reason. Rows are asked for
by number (train.dp.sampling draws them); the step is the place, so there is no state.

B batch, T context length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.core.errors import DataError
from groundup.pretrain.batches import Shards
from groundup.train.objectives import IGNORE


class DocumentRows:
    """{"ids_BT", "targets_BT"} of documents by number; the rest of a row is filled up and not counted."""

    def __init__(self, shards: Shards, *, context_length: int) -> None:
        self.tokens, borders = shards.tokens, np.asarray(shards.borders)
        self.context_length = context_length
        sizes = np.diff(borders)
        documents = np.flatnonzero(sizes > 1)  # one token has no next one
        self.starts, self.sizes = borders[:-1][documents], sizes[documents]
        kept = np.minimum(self.sizes, context_length + 1).sum()
        self.left_out = float(1 - kept / max(1, self.sizes.sum()))

    @property
    def num_rows(self) -> int:
        """Documents that can be learned from."""
        return len(self.starts)

    def rows(self, numbers: list[int]) -> dict[str, Tensor]:
        """The documents of these numbers, as a batch."""
        ids_BT = np.zeros((len(numbers), self.context_length), dtype=np.int64)
        targets_BT = np.full_like(ids_BT, IGNORE)
        for b, number in enumerate(numbers):
            start, size = int(self.starts[number]), min(int(self.sizes[number]), self.context_length + 1)
            row = self.tokens[start : start + size].astype(np.int64)
            ids_BT[b, : size - 1], targets_BT[b, : size - 1] = row[:-1], row[1:]
        return {"ids_BT": torch.from_numpy(ids_BT), "targets_BT": torch.from_numpy(targets_BT)}

    def next(self) -> dict[str, Tensor]:
        """Private training draws rows by number; nobody walks through them in order."""
        raise DataError("Documents are drawn one by one here: train with pretrain.dp.")

    def state(self) -> dict[str, Any]:
        """How many there are: a checkpoint is of these documents or of others."""
        return {"rows": self.num_rows}

    def restore(self, state: Mapping[str, Any]) -> None:
        """DataError when the checkpoint is of other documents."""
        if state["rows"] != self.num_rows:
            raise DataError(f"The checkpoint was trained on {state['rows']:,} documents, here are {self.num_rows:,}.")
