"""Replay: rows of the pretraining text between conversations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from groundup.finetune.conversations import Conversation, pack
from groundup.finetune.replay import has_text, with_replay
from groundup.tokenizer.shards import ShardWriter

START, SIZE = 9, 6


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A tokenizer stage whose training text is eight documents of 5 tokens, each 9 1 2 3 4."""
    with ShardWriter(tmp_path / "tokens", vocabulary_size=10, start_id=START) as writer:
        for number in range(8):
            writer.add("train", [1, 2, 3, 4], num_bytes=4, id=str(number))
        writer.add("validation", [5, 5], num_bytes=2, id="held out")
    return tmp_path


def packed_rows(count: int):
    return pack([Conversation([7] * SIZE, [True] * SIZE)] * count, SIZE, pad_id=0)


def test_replay_adds_its_share_of_rows_and_keeps_the_conversations(text: Path) -> None:
    before = packed_rows(4)
    after = with_replay(before, text, 0.5, seed=1)
    assert after.num_rows == 8
    assert np.array_equal(after.ids_RL[:4], before.ids_RL) and np.array_equal(after.learn_RL[:4], before.learn_RL)
    assert set(np.unique(after.ids_RL[4:])) <= {START, 1, 2, 3, 4}, "training text only"
    assert after.learn_RL[4:].all(), "every token of plain text is learned"


def test_replayed_documents_do_not_see_each_other(text: Path) -> None:
    after = with_replay(packed_rows(4), text, 0.5, seed=1)
    for ids_L, documents_L in zip(after.ids_RL[4:], after.documents_RL[4:], strict=True):
        assert documents_L[0] == 0
        assert np.array_equal(np.diff(documents_L) == 1, ids_L[1:] == START), "a new number at every border"


def test_replay_takes_no_more_than_there_is(text: Path) -> None:
    assert with_replay(packed_rows(40), text, 0.5, seed=1).num_rows == 40 + 8 * 5 // SIZE
    assert not has_text(None) and not has_text(text / "nowhere") and has_text(text)
