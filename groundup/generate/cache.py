"""The key-value cache: what attention has already computed for the tokens read so far, one row a request.

Rows may have different lengths. That needs no padding mask: row b's next token stands at position `lengths_B[b]`,
a query at position p sees the keys at positions <= p of its own row, and whatever lies behind a row's end is never
visible and is overwritten as the row grows. So one rule (`key position <= query position`) serves prefill, decoding,
rows of different lengths and rows that come and go.

`forward(model, ids_BT, cache)` is how the engine reads tokens. What a model uses of the cache (nothing else):
    cache.length                    int: positions held (of the longest row)
    cache.positions_BT, .mask_BTS   where the new tokens stand and what they may see (True); None while all rows are
                                    equally long: then both follow from `length`
    cache.update(layer, k, v)       stores k, v (B, H, T, K); returns all keys and values up to now (B, H, S, K)

Legend: B rows, T new tokens, S positions held after the update, H key-value heads, K width of a head, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from groundup.core.errors import UsageError


class KVCache:
    """Keys and values of every layer for `num_rows` rows; memory is allocated ahead and doubled when it is full.

    limit: no row may grow beyond it (the model's context length). `length` grows when the last layer was updated:
    during one forward pass all layers see the same length.
    """

    def __init__(
        self,
        num_layers: int,
        num_rows: int,
        num_kv_heads: int,
        head_width: int,
        *,
        limit: int,
        capacity: int = 64,  # positions allocated at first; taste
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.num_layers = num_layers
        self.num_rows = num_rows
        self.limit = limit
        shape = (num_layers, num_rows, num_kv_heads, min(capacity, limit), head_width)
        self._keys_LBHSK = torch.zeros(shape, device=device, dtype=dtype)
        self._values_LBHSK = torch.zeros(shape, device=device, dtype=dtype)
        self._lengths_B = torch.zeros(num_rows, dtype=torch.long, device=device)
        self.positions_BT: Tensor | None = None
        self.mask_BTS: Tensor | None = None
        self._lengths = [0] * num_rows  # the same on the host, so that a step on a GPU needs no synchronisation

    @property
    def lengths(self) -> list[int]:
        """Positions held, row by row."""
        return list(self._lengths)

    @property
    def is_uniform(self) -> bool:
        """Every row holds the same number of positions."""
        return len(set(self._lengths)) <= 1

    @property
    def length(self) -> int:
        """Positions held by the longest row."""
        return max(self._lengths, default=0)

    @property
    def num_bytes(self) -> int:
        """Memory allocated for keys and values."""
        return 2 * self._keys_LBHSK.numel() * self._keys_LBHSK.element_size()

    def bytes_of(self, length: int) -> int:
        """Memory that `length` positions of one row take."""
        num_layers, _, heads, _, width = self._keys_LBHSK.shape
        return 2 * num_layers * heads * length * width * self._keys_LBHSK.element_size()

    def copy_of_row(self, row: int, length: int) -> KVCache:
        """A cache of one row: the first `length` positions of `row`, in memory of its own."""
        copy = object.__new__(KVCache)
        copy.num_layers, copy.num_rows, copy.limit = self.num_layers, 1, self.limit
        copy._keys_LBHSK = self._keys_LBHSK[:, row : row + 1, :, :length].clone()
        copy._values_LBHSK = self._values_LBHSK[:, row : row + 1, :, :length].clone()
        copy._lengths_B = torch.tensor([length], device=self._lengths_B.device)
        copy.positions_BT = copy.mask_BTS = None
        copy._lengths = [length]
        return copy

    def expect(self, num_new: int) -> None:
        """Say that every row is about to read `num_new` tokens: sets `positions_BT` and `mask_BTS`."""
        if self.is_uniform:
            self.positions_BT = self.mask_BTS = None
            return
        device = self._lengths_B.device
        self.positions_BT = self._lengths_B[: self.num_rows, None] + torch.arange(num_new, device=device)
        keys_S = torch.arange(self.length + num_new, device=device)
        self.mask_BTS = keys_S <= self.positions_BT[:, :, None]

    def update(self, layer: int, k_BHTK: Tensor, v_BHTK: Tensor) -> tuple[Tensor, Tensor]:
        """Store the new keys and values of one layer behind each row's end; return all of them, (B, H, S, K)."""
        num_new = k_BHTK.shape[2]
        start = self.length
        end = start + num_new
        if layer == 0:
            self.reserve(self.num_rows, end)
        keys_BHSK = self._keys_LBHSK[layer, : self.num_rows]
        values_BHSK = self._values_LBHSK[layer, : self.num_rows]
        if self.positions_BT is None:
            keys_BHSK[:, :, start:end] = k_BHTK
            values_BHSK[:, :, start:end] = v_BHTK
        else:
            rows_B1 = torch.arange(self.num_rows, device=self._lengths_B.device)[:, None]
            at_BT = self.positions_BT
            # Two index tensors around a slice put the indexed axes first: (B, T, H, K).
            keys_BHSK[rows_B1, :, at_BT] = k_BHTK.transpose(1, 2)
            values_BHSK[rows_B1, :, at_BT] = v_BHTK.transpose(1, 2)
        if layer == self.num_layers - 1:
            self._lengths_B[: self.num_rows] += num_new
            self._lengths = [length + num_new for length in self._lengths]
        return keys_BHSK[:, :, :end], values_BHSK[:, :, :end]

    def set_lengths(self, lengths: Sequence[int]) -> None:
        """Say how many positions of each row count from now on (after a padded prefill, or to take tokens back)."""
        self._lengths = list(lengths)
        self._lengths_B[: self.num_rows] = torch.tensor(self._lengths, dtype=torch.long)

    def add_row(self, other: KVCache, other_row: int, length: int) -> int:
        """Copy the first `length` positions of a row of `other` into a new row; returns its number."""
        row = self.num_rows
        self.reserve(row + 1, length)
        self.num_rows += 1
        self._keys_LBHSK[:, row, :, :length] = other._keys_LBHSK[:, other_row, :, :length]
        self._values_LBHSK[:, row, :, :length] = other._values_LBHSK[:, other_row, :, :length]
        self.set_lengths([*self._lengths, length])
        return row

    def remove_row(self, row: int) -> None:
        """Take a row out; the last row moves into its place. With the last one the memory is given back."""
        last = self.num_rows - 1
        if row != last:
            length = self._lengths[last]
            self._keys_LBHSK[:, row, :, :length] = self._keys_LBHSK[:, last, :, :length]
            self._values_LBHSK[:, row, :, :length] = self._values_LBHSK[:, last, :, :length]
            self._lengths[row] = self._lengths[last]
        self.num_rows = last
        self.set_lengths(self._lengths[:last])
        if last == 0:
            self._keys_LBHSK = self._keys_LBHSK[:, :0].clone()
            self._values_LBHSK = self._values_LBHSK[:, :0].clone()

    def take(self, rows: Sequence[int]) -> KVCache:
        """A new cache of these rows, in this order (a row may come twice: many continuations of one prefix)."""
        index = torch.tensor(list(rows), dtype=torch.long, device=self._lengths_B.device)
        taken = object.__new__(KVCache)
        taken.num_layers, taken.num_rows, taken.limit = self.num_layers, len(rows), self.limit
        taken._keys_LBHSK = self._keys_LBHSK.index_select(1, index)
        taken._values_LBHSK = self._values_LBHSK.index_select(1, index)
        taken._lengths_B = self._lengths_B.index_select(0, index)
        taken.positions_BT = taken.mask_BTS = None
        taken._lengths = [self._lengths[row] for row in rows]
        return taken

    def reserve(self, num_rows: int, num_positions: int) -> None:
        """Make room for so many rows and positions (at least doubling what is too small), keeping what is held."""
        if num_positions > self.limit:
            raise UsageError(f"The model reads at most {self.limit} tokens; {num_positions} were asked for.")
        num_layers, rows, heads, positions, width = self._keys_LBHSK.shape
        if num_rows <= rows and num_positions <= positions:
            return
        new_rows = rows if num_rows <= rows else max(num_rows, 2 * rows)
        new_positions = positions if num_positions <= positions else min(self.limit, max(num_positions, 2 * positions))
        shape = (num_layers, new_rows, heads, new_positions, width)
        for name in ("_keys_LBHSK", "_values_LBHSK"):
            old = getattr(self, name)
            new = old.new_zeros(shape)
            new[:, :rows, :, :positions] = old
            setattr(self, name, new)
        self._lengths_B = torch.zeros(new_rows, dtype=torch.long, device=self._lengths_B.device)
        self.set_lengths(self._lengths)


def cache_for(model: Any, num_rows: int, capacity: int = 64, *, slack: int = 0) -> KVCache:
    """An empty cache of the right shape for a model of ours (read from `model.config` and its weights).

    slack: positions beyond the context length that filling on the right may use; nothing that counts stands there.
    """
    config = model.config
    weight = next(model.parameters())
    return KVCache(
        config.cache_layers,
        num_rows,
        config.num_kv_heads,
        config.head_dim,
        limit=config.context_length + slack,
        capacity=capacity,
        device=weight.device,
        dtype=weight.dtype,
    )


def forward(model: Any, ids_BT: Tensor, cache: KVCache) -> Tensor:
    """Hidden states (B, T, D) of the next tokens of each row; the cache grows by T positions in every row."""
    cache.expect(ids_BT.shape[1])
    hidden_BTD: Tensor = model(ids_BT, cache=cache)
    return hidden_BTD
