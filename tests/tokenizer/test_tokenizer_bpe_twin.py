"""The readable BPE equals the fast one: merges, ties, ids."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import DataError
from groundup.tokenizer import bpe
from groundup.tokenizer.base import Tokenizer

from .conftest import CORPUS, LOOKS_SPECIAL, TRICKY


def fast_merges(tokenizer, folder):
    """The fast tokenizer's merges as pairs of ids, in order."""
    model = json.loads((tokenizer.save(folder) / "tokenizer.json").read_text())["model"]
    return [(model["vocab"][left], model["vocab"][right]) for left, right in model["merges"]]


def test_merges_and_ids_are_those_of_the_fast_path(tmp_path):
    twin, fast = bpe.train(CORPUS, 420), Tokenizer.train(CORPUS, "bpe", 420)
    assert sorted(twin.ranks, key=twin.ranks.__getitem__) == fast_merges(fast, tmp_path)
    assert twin.tokens == [fast.token_bytes(place) for place in range(420)]
    for text in [*CORPUS, *TRICKY, LOOKS_SPECIAL]:
        assert twin.encode(text) == fast.encode(text)
        assert twin.decode(twin.encode(text)) == text


def largest(error):
    return int(str(error).split("fills only ")[1].split(".")[0])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet="abc \u00e9", min_size=1, max_size=40), min_size=1, max_size=6), st.integers(1, 25))
def test_small_alphabets_full_of_ties_agree(tmp_path_factory, texts, num_merges):
    size = 288 + num_merges
    try:
        twin = bpe.train(texts, size)
    except DataError as refused:  # then both refuse, and agree on the largest size
        with pytest.raises(DataError) as also:
            Tokenizer.train(texts, "bpe", size)
        size = largest(refused)
        assert size == largest(also.value)
        twin = bpe.train(texts, size)
    fast = Tokenizer.train(texts, "bpe", size)
    assert sorted(twin.ranks, key=twin.ranks.__getitem__) == fast_merges(fast, tmp_path_factory.mktemp("bpe"))
    assert [twin.encode(text) for text in texts] == fast.encode_batch(texts)


def test_the_first_merge_is_the_most_frequent_pair():
    twin = bpe.train(["ab ab ab cd"], 289)
    assert twin.tokens[-1] == b"ab"


def test_joins_go_from_left_to_right():
    assert bpe.join([1, 1, 1], (1, 1), 9) == [9, 1]
