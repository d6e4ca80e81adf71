"""Packing: nothing is lost, rows begin at documents, the place in the data restores the very next batch."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import DataError
from groundup.pretrain import batches as room
from groundup.pretrain.batches import PackedBatches, pack
from groundup.train.objectives import IGNORE


class Shards:
    """Documents of given lengths; token = its place, so that every token tells where it is from."""

    def __init__(self, lengths):
        self.borders = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.tokens = np.arange(self.borders[-1], dtype=np.uint16)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=60), st.integers(2, 25))
def test_every_token_is_in_exactly_one_row(lengths, room_size):
    borders = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    rows = pack(list(itertools.pairwise(borders.tolist())), room_size)
    tokens = sorted(token for row in rows for start, end in row for token in range(start, end))
    assert tokens == list(range(sum(lengths)))
    assert all(0 < sum(end - start for start, end in row) <= room_size for row in rows)
    assert all(sum(end - start for start, end in row) == room_size for row in rows[:-1])


def test_most_rows_begin_at_a_document_and_few_documents_are_cut():
    generator = np.random.default_rng(0)
    lengths = generator.integers(40, 120, 2000)
    borders = np.concatenate([[0], np.cumsum(lengths)])
    rows = pack(list(itertools.pairwise(borders.tolist())), 257)
    starts = set(borders.tolist())
    assert np.mean([row[0][0] in starts for row in rows]) > 0.9
    whole = sum(1 for row in rows for start, end in row if start in starts and end in starts)
    assert whole / 2000 > 0.7


def take(batches, count):
    return [batches.next()["ids_BT"] for _ in range(count)]


@pytest.mark.parametrize("at", [0, 1, 5, 17])
def test_a_restored_place_gives_the_very_next_batches(at, monkeypatch):
    monkeypatch.setattr(room, "BLOCK_DOCUMENTS", 7)  # several blocks and epochs on the way
    shards = Shards([9, 4, 30, 2, 17, 5, 8, 12, 3, 21, 6, 40])
    one = PackedBatches(shards, batch_size=3, context_length=10, seed=1)
    take(one, at)
    state = one.state()
    two = PackedBatches(shards, batch_size=3, context_length=10, seed=1)
    two.restore(state)
    assert all(torch.equal(a, b) for a, b in zip(take(one, 12), take(two, 12), strict=True))


def test_the_seed_and_the_epoch_decide_the_order():
    shards = Shards([10] * 30)
    first, same, other = (PackedBatches(shards, batch_size=15, context_length=9, seed=seed) for seed in (1, 1, 2))
    epoch_one = take(first, 2)
    assert all(torch.equal(a, b) for a, b in zip(epoch_one, take(same, 2), strict=True))
    assert not torch.equal(epoch_one[0], take(other, 1)[0])
    assert not torch.equal(epoch_one[0], take(first, 1)[0])


def test_targets_are_one_ahead_and_the_rest_of_a_short_row_does_not_count():
    shards = Shards([6, 3, 2, 9])
    batch = PackedBatches(shards, batch_size=1, context_length=19, seed=1).next()
    ids, targets = batch["ids_BT"][0], batch["targets_BT"][0]
    assert torch.equal(ids[1:], targets[:-1])
    short = PackedBatches(Shards([6, 5, 5]), batch_size=1, context_length=11, seed=1)
    rows = [short.next() for _ in range(2)]
    counts = sorted(int((row["targets_BT"] != IGNORE).sum()) for row in rows)
    assert counts == [3, 11]


def test_document_numbers_change_at_every_border():
    shards = Shards([6, 3, 2, 9])
    batch = PackedBatches(shards, batch_size=1, context_length=19, seed=1, document_mask=True).next()
    jumps = (batch["ids_BT"][0, 1:] != batch["ids_BT"][0, :-1] + 1).nonzero().flatten()
    changes = (batch["documents_BT"][0, 1:] != batch["documents_BT"][0, :-1]).nonzero().flatten()
    assert set(jumps.tolist()) <= set(changes.tolist())
    assert len(changes) == 3


def test_too_few_tokens_for_one_batch_is_said_with_the_repair():
    with pytest.raises(DataError, match=r"lower pretrain\.batch_size"):
        PackedBatches(Shards([20]), batch_size=4, context_length=10, seed=1)


def test_a_place_of_other_tokens_is_refused():
    state = PackedBatches(Shards([50]), batch_size=1, context_length=10, seed=1).state()
    with pytest.raises(DataError, match="50 tokens"):
        PackedBatches(Shards([60]), batch_size=1, context_length=10, seed=1).restore(state)
