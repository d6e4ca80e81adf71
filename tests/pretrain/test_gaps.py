"""Fill in the middle: a text with a gap is the text again, the share is as asked, and a place restores the same gaps."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import RecipeError
from groundup.pretrain.batches import PackedBatches
from groundup.pretrain.gaps import Gaps
from groundup.train.objectives import IGNORE

START, PREFIX, SUFFIX, MIDDLE = 900, 901, 902, 903
ALWAYS = Gaps(1.0, START, PREFIX, SUFFIX, MIDDLE)


class Shards:
    """Documents of given lengths, each from its start token."""

    def __init__(self, lengths):
        self.borders = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        self.tokens = np.arange(self.borders[-1], dtype=np.uint16)
        self.tokens[self.borders[:-1]] = START


def put_together(text):
    prefix, suffix, middle = (text.index(sign) for sign in (PREFIX, SUFFIX, MIDDLE))
    assert text[0] == START and prefix == 1 < suffix < middle
    return [START, *text[prefix + 1 : suffix], *text[middle + 1 :], *text[suffix + 1 : middle]]


@settings(max_examples=100, deadline=None)
@given(st.integers(4, 60), st.integers(0, 1000))
def test_a_text_with_a_gap_put_together_is_the_text(length, seed):
    text = np.array([START, *range(1, length)], dtype=np.uint16)
    opened = ALWAYS.open(text, np.random.default_rng(seed))
    assert put_together(opened.tolist()) == text.tolist()


def test_the_share_is_as_asked_and_pieces_of_documents_stay_as_they_are():
    half = Gaps(0.5, START, PREFIX, SUFFIX, MIDDLE)
    random, text = np.random.default_rng(0), np.array([START, *range(1, 20)])
    opened = sum(len(half.open(text, random)) > len(text) for _ in range(1000))
    assert 450 < opened < 550
    assert np.array_equal(ALWAYS.open(text[1:], random), text[1:])


def test_rows_keep_their_length_and_a_place_restores_the_same_gaps():
    shards = Shards([9, 14, 30, 12, 17, 15, 8, 12, 13, 21])
    one = PackedBatches(shards, batch_size=2, context_length=24, seed=1, gaps=ALWAYS, document_mask=True)
    first = one.next()
    assert first["ids_BT"].shape == (2, 24) and (first["ids_BT"] == MIDDLE).any()
    counted = first["targets_BT"] != IGNORE
    assert torch.equal(first["targets_BT"][:, :-1][counted[:, :-1]], first["ids_BT"][:, 1:][counted[:, :-1]])
    state = one.state()
    two = PackedBatches(shards, batch_size=2, context_length=24, seed=1, gaps=ALWAYS, document_mask=True)
    two.restore(state)
    for _ in range(5):
        left, right = one.next(), two.next()
        assert all(torch.equal(left[name], right[name]) for name in left)


def test_a_tokenizer_without_the_tokens_is_refused():
    class Other:
        special = {"<|endoftext|>": 0}

    with pytest.raises(RecipeError, match="fim_prefix"):
        Gaps.of(Other(), 0.5)
