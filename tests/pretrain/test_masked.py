"""Hidden words: the right share, whole words together, fixed at a place; pairs tell what follows what."""

import numpy as np
import pytest
import torch

from groundup.pretrain.masked import MaskedBatches, PairBatches
from groundup.pretrain.masking import Masking
from groundup.tokenizer import Tokenizer
from groundup.train.objectives import IGNORE
from tests.pretrain.test_stage import TEXTS


class Shards:
    """The texts as one split."""

    def __init__(self, tokenizer, texts):
        start = tokenizer.special["<|endoftext|>"]
        rows = [[start, *tokenizer.encode(text)] for text in texts]
        self.borders = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        self.tokens = np.concatenate(rows).astype(np.uint16)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(TEXTS, kind="bytes")


def masking(tokenizer, share=0.15, whole_word=False):
    return Masking.of(tokenizer, share=share, whole_word=whole_word)


def test_fifteen_in_a_hundred_are_hidden_most_behind_the_mask(tokenizer):
    ids = np.tile(np.array(tokenizer.encode("a" * 200)), (50, 1))
    made, targets = masking(tokenizer).hide(ids, np.random.default_rng(0))
    hidden = targets != IGNORE
    assert hidden.mean() == pytest.approx(0.15)
    assert (made[hidden] == tokenizer.special["<|mask|>"]).mean() == pytest.approx(0.8, abs=0.03)
    assert (made[hidden] == ids[hidden]).mean() == pytest.approx(0.1, abs=0.03)
    assert np.array_equal(made[~hidden], ids[~hidden])
    assert np.array_equal(targets[hidden], ids[hidden])


def test_special_tokens_are_never_hidden(tokenizer):
    special = [tokenizer.special[name] for name in ("<|cls|>", "<|sep|>", "<|pad|>")]
    _, targets = masking(tokenizer, share=0.9).hide(np.tile(special * 5, (4, 1)), np.random.default_rng(0))
    assert (targets == IGNORE).all()


@pytest.mark.parametrize("kind", ["bytes", "wordpiece"])
def test_whole_words_are_hidden_together(kind):
    text = "redlake hentree shystar bigroad yourtree"
    # Seen once only, these words are cut into pieces by a small WordPiece vocabulary.
    made = Tokenizer.train([*TEXTS, text], kind=kind, vocabulary_size=None if kind == "bytes" else 120)
    ids = np.array([made.encode(text)])
    for seed in range(20):
        _, targets = masking(made, whole_word=True).hide(ids, np.random.default_rng(seed))
        words = made.decode(
            np.where(targets[0] == IGNORE, ids[0], made.special["<|mask|>"]).tolist(), skip_special=False
        )
        left = words.replace("<|mask|>", " ").split()
        assert set(left) <= set(text.split()), words
        assert len(left) < 5


@pytest.mark.parametrize("kind", [MaskedBatches, PairBatches])
@pytest.mark.parametrize("at", [0, 3, 40])
def test_a_restored_place_gives_the_very_next_batches(tokenizer, kind, at):
    def made():
        shards = Shards(tokenizer, TEXTS[:20])
        return kind(shards, tokenizer, masking(tokenizer), batch_size=3, context_length=40, seed=1)

    one, two = made(), made()
    for _ in range(at):
        one.next()
    two.restore(one.state())
    for _ in range(6):
        first, second = one.next(), two.next()
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_same_row_is_hidden_otherwise_in_the_next_epoch(tokenizer):
    shards = Shards(tokenizer, TEXTS[:1])
    batches = MaskedBatches(shards, tokenizer, masking(tokenizer), batch_size=1, context_length=48, seed=1)
    first = batches.next()
    while batches.packed.row < len(batches.packed._rows):
        batches.next()
    assert not torch.equal(first["targets_BT"], batches.next()["targets_BT"])


def test_pairs_are_marked_by_what_follows(tokenizer):
    shards = Shards(tokenizer, TEXTS[:30])
    batches = PairBatches(shards, tokenizer, masking(tokenizer), batch_size=64, context_length=60, seed=1)
    batch = batches.next()
    assert 0.3 < batch["follows_B"].float().mean() < 0.7
    ids_BT = torch.where(batch["targets_BT"] != IGNORE, batch["targets_BT"], batch["ids_BT"])
    for ids, segments, follows in zip(ids_BT, batch["segments_BT"], batch["follows_B"], strict=True):
        sep = (ids == tokenizer.special["<|sep|>"]).nonzero().flatten().tolist()
        joined = tokenizer.decode([*ids[1 : sep[0]].tolist(), *ids[sep[0] + 1 : sep[1]].tolist()])
        assert segments[: sep[0] + 1].sum() == 0
        assert segments[sep[0] + 1 : sep[1] + 1].all()
        if not follows:
            assert any(joined in text for text in TEXTS)


def test_packed_texts_are_numbered_so_that_they_need_not_see_each_other(tokenizer):
    batches = MaskedBatches(
        Shards(tokenizer, TEXTS), tokenizer, masking(tokenizer), batch_size=4, context_length=120, seed=1,
        document_mask=True,
    )  # fmt: skip
    batch = batches.next()
    sep = batch["ids_BT"] == tokenizer.special["<|sep|>"]
    numbers = batch["documents_BT"]
    assert (numbers[:, 0] == 0).all() and numbers.max() > 0
    assert torch.equal(numbers[:, 1:] - numbers[:, :-1], sep[:, :-1].long())
