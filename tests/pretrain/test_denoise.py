"""Spans cut out: source and target together are the row again; the share and the mean length are as asked."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.pretrain.denoise import cut_out, spans_of

FIRST, MASK = 1000, 2000  # <|extra_0|>, <|mask|>
GIVEN = SimpleNamespace(
    tokenizer=SimpleNamespace(special={"<|extra_0|>": FIRST, "<|mask|>": MASK}),
    settings=SimpleNamespace(mask_share=0.15, span_length=3.0, denoise_target="spans"),
)
WHOLE = SimpleNamespace(
    tokenizer=GIVEN.tokenizer, settings=SimpleNamespace(mask_share=0.3, span_length=3.0, denoise_target="text")
)


def put_together(source, target):
    """Each sentinel of the source replaced by its span of the target."""
    spans, current = {}, None
    for token in target:
        if token >= FIRST:
            current = spans.setdefault(int(token), [])
        else:
            current.append(int(token))
    return [token for item in source for token in (spans[int(item)] if item >= FIRST else [int(item)])]


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 400), st.integers(0, 1000))
def test_source_and_target_together_are_the_row(length, seed):
    row = np.arange(length)
    source, target = cut_out(row, GIVEN, np.random.default_rng(seed))
    assert put_together(source, target) == row.tolist()
    sentinels = [token for token in source if token >= FIRST]
    assert sentinels == list(range(FIRST, FIRST + len(sentinels)))
    assert len(sentinels) <= 16


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 200), st.integers(0, 1000))
def test_a_whole_text_is_written_from_one_with_a_mask_for_each_cut(length, seed):
    row = np.arange(length)
    source, target = cut_out(row, WHOLE, np.random.default_rng(seed))
    assert target.tolist() == row.tolist() and MASK in source
    kept = [token for token in source.tolist() if token != MASK]
    assert kept == sorted(kept) and set(kept) < set(range(length))
    masks = source == MASK
    assert not (masks[1:] & masks[:-1]).any()  # one mask for a cut, however long


def test_the_share_and_the_mean_length_are_as_asked():
    starts, ends = spans_of(200, 0.15, 3.0, np.random.default_rng(0))
    assert (ends - starts).sum() == 30
    assert len(starts) == 10
    assert (starts[1:] > ends[:-1]).all()


@pytest.mark.parametrize("length", [2, 3, 5])
def test_short_rows_keep_something_and_lose_something(length):
    starts, ends = spans_of(length, 0.15, 3.0, np.random.default_rng(0))
    assert 0 < (ends - starts).sum() < length
