"""Batches: every row once an epoch, also where rows of like length share a batch; the place is all there is to resume."""

from __future__ import annotations

import pytest
import torch

from groundup.finetune.batches import Shuffled

LENGTHS = [1 + (7 * n) % 60 for n in range(103)]


def stream(lengths: list[int] | None) -> Shuffled:
    return Shuffled(103, 8, 1, lambda rows: {"rows": torch.tensor(list(rows))}, lengths)


def rows_of(data: Shuffled, count: int) -> list[list[int]]:
    return [data.next()["rows"].tolist() for _ in range(count)]


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_every_epoch_shows_every_row_once(lengths):
    shown = [row for batch in rows_of(stream(lengths), 103) for row in batch]
    epochs = [shown[start : start + 103] for start in range(0, len(shown), 103)]
    assert all(sorted(epoch) == list(range(103)) for epoch in epochs) and epochs[0] != epochs[1]


def test_rows_of_like_length_share_batches_in_every_epoch():
    def filled_up(batches: list[list[int]]) -> float:
        padded = sum(len(batch) * max(LENGTHS[row] for row in batch) for batch in batches)
        return padded / sum(LENGTHS[row] for batch in batches for row in batch)

    together, apart = rows_of(stream(LENGTHS), 39), rows_of(stream(None), 39)
    assert filled_up(together) < 1.2 < 1.6 < filled_up(apart)
    firsts = [LENGTHS[batch[0]] for batch in together[:12]]
    assert firsts != sorted(firsts), "the batches themselves come in a random order"


def test_a_continued_stream_gives_the_same_rows():
    whole = rows_of(stream(LENGTHS), 30)
    again = stream(LENGTHS)
    again.restore({"place": 20 * 8})
    assert rows_of(again, 10) == whole[20:]
