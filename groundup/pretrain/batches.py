"""Batches for pretraining: documents packed into rows, shuffled by seed, resumable at any batch.

Rows begin at the start of a document where one fits, and are filled by best fit: the longest piece that still fits,
again and again; when nothing fits, the shortest piece is cut and its rest goes back to be placed (nothing is thrown
away, unlike nanochat's loader). Every epoch is another order of the documents, packed block by block.

The place in the data is (epoch, block, row): the packing of a block follows from seed, epoch and block, so that a
place restores the packing buffer too.

B batch, T context length; a row is T + 1 tokens, since targets are one ahead.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random
from groundup.pretrain.gaps import Gaps
from groundup.train.objectives import IGNORE

BLOCK_DOCUMENTS = 4096  # documents packed together: enough choice for tight rows, a fraction of a second of work

Piece = tuple[int, int]  # from token, to token (of the whole split)


class Shards(Protocol):
    """What we need of `tokenizer.shards.TokenShards`."""

    @property
    def tokens(self) -> np.ndarray: ...

    @property
    def borders(self) -> np.ndarray: ...


def pack(pieces: list[Piece], length: int) -> list[list[Piece]]:
    """Rows of at most `length` tokens that hold every token of `pieces` once; only the last rows may be shorter."""
    # (size, place in the order) sorted by size; ties go to the earlier one, so the packing is a function of its input.
    order = list(pieces)
    waiting = sorted((end - start, -place) for place, (start, end) in enumerate(order))
    rows: list[list[Piece]] = []
    while waiting:
        row: list[Piece] = []
        room = length
        while room and waiting:
            fits = bisect.bisect_right(waiting, (room, 1)) - 1
            # Nothing fits: cut the shortest to fill an open row, the longest to fill an empty one.
            size, place = waiting.pop(fits if fits >= 0 else (0 if row else -1))
            start, end = order[-place]
            if size > room:
                order.append((start + room, end))
                bisect.insort(waiting, (size - room, -(len(order) - 1)))
                end = start + room
            row.append((start, end))
            room -= end - start
        rows.append(row)
    return rows


def batch_of(rows: list[list[np.ndarray]], context_length: int, document_mask: bool) -> dict[str, Tensor]:
    """Rows of texts as a batch; of a row that is too long (gaps make it so) the end is cut off."""
    B, T = len(rows), context_length
    ids_BT = np.zeros((B, T), dtype=np.int64)
    targets_BT = np.full((B, T), IGNORE, dtype=np.int64)
    documents_BT = np.full((B, T), -1, dtype=np.int64)
    for b, texts in enumerate(rows):
        row = np.concatenate(texts).astype(np.int64)[: T + 1]
        numbers = np.repeat(np.arange(len(texts)), [len(text) for text in texts])[: T + 1]
        ids_BT[b, : min(T, len(row))] = row[:T]
        targets_BT[b, : len(row) - 1] = row[1:]
        documents_BT[b, : min(T, len(row))] = numbers[:T]
    batch = {"ids_BT": torch.from_numpy(ids_BT), "targets_BT": torch.from_numpy(targets_BT)}
    if document_mask:
        batch["documents_BT"] = torch.from_numpy(documents_BT)
    return batch


class PackedBatches:
    """An endless stream of {"ids_BT", "targets_BT"} (and "documents_BT"), int64, over a split of token shards."""

    def __init__(
        self,
        shards: Shards,
        *,
        batch_size: int,
        context_length: int,
        seed: int,
        document_mask: bool = False,
        gaps: Gaps | None = None,
    ) -> None:
        """gaps: some documents are learned with a gap (gaps.py). DataError when the split does not fill one batch."""
        self.tokens, self.borders = shards.tokens, np.asarray(shards.borders)
        self.batch_size, self.context_length, self.seed = batch_size, context_length, seed
        self.document_mask, self.gaps = document_mask, gaps
        needed = batch_size * (context_length + 1)
        if len(self.tokens) < needed:
            raise DataError(
                f"The {len(self.tokens):,} training tokens do not fill one batch of {batch_size} x {context_length}.",
                repair="Collect more documents, or lower pretrain.batch_size or model.context_length.",
            )
        self.num_blocks = max(1, -(-(len(self.borders) - 1) // BLOCK_DOCUMENTS))
        self.epoch = self.block = self.row = 0
        self._packed: tuple[int, int] | None = None
        self._rows: list[list[Piece]] = []
        self._order: tuple[int, np.ndarray] | None = None

    def next(self) -> dict[str, Tensor]:
        """The next batch; an epoch that ends goes on into the next one."""
        return batch_of(self.next_texts(self.batch_size), self.context_length, self.document_mask)

    def next_texts(self, count: int) -> list[list[np.ndarray]]:
        """The next `count` rows as the tokens of their documents, some of these with a gap."""
        place = (self.epoch, self.block, self.row)
        rows = [[self.tokens[start:end] for start, end in self._next_row()] for _ in range(count)]
        if self.gaps is None:
            return rows
        random = numpy_random(self.seed, "gaps", *place)
        return [[self.gaps.open(text, random) for text in row] for row in rows]

    def next_rows(self) -> list[list[Piece]]:
        """The rows of the next batch as pieces of the split's tokens: for objectives that make their own of them."""
        return [self._next_row() for _ in range(self.batch_size)]

    def state(self) -> dict[str, Any]:
        """The place in the data: plain numbers."""
        return {"epoch": self.epoch, "block": self.block, "row": self.row, "tokens": len(self.tokens)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go to a place `state` named. DataError when it is of other tokens."""
        if state["tokens"] != len(self.tokens):
            raise DataError(f"The checkpoint was trained on {state['tokens']:,} tokens, here are {len(self.tokens):,}.")
        self.epoch, self.block, self.row = state["epoch"], state["block"], state["row"]

    def _next_row(self) -> list[Piece]:
        rows = self._rows_of(self.epoch, self.block)
        while self.row >= len(rows):
            self.row, self.block = 0, self.block + 1
            if self.block >= self.num_blocks:
                self.block, self.epoch = 0, self.epoch + 1
            rows = self._rows_of(self.epoch, self.block)
        row = rows[self.row]
        self.row += 1
        return row

    def _rows_of(self, epoch: int, block: int) -> list[list[Piece]]:
        if self._packed != (epoch, block):
            if self._order is None or self._order[0] != epoch:
                documents = numpy_random(self.seed, "documents", epoch).permutation(len(self.borders) - 1)
                self._order = (epoch, documents)
            chosen = self._order[1][block * BLOCK_DOCUMENTS : (block + 1) * BLOCK_DOCUMENTS]
            pieces = [(int(self.borders[d]), int(self.borders[d + 1])) for d in chosen]
            rows = pack([piece for piece in pieces if piece[1] > piece[0]], self.context_length + 1)
            # A row of one token has no target; and packing sorted by size must not become the order of learning.
            rows = [row for row in rows if sum(end - start for start, end in row) > 1]
            shuffled = numpy_random(self.seed, "rows", epoch, block).permutation(len(rows))
            self._rows, self._packed = [rows[i] for i in shuffled], (epoch, block)
        return self._rows
