"""Spans cut out: source and target together are the row again; the share and the mean length are as asked."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.pretrain.denoise import cut_out, spans_of

FIRST = 1000  # <|extra_0|>
GIVEN = SimpleNamespace(
    tokenizer=SimpleNamespace(special={"<|extra_0|>": FIRST}),
    settings=SimpleNamespace(mask_share=0.15, span_length=3.0),
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


def test_the_share_and_the_mean_length_are_as_asked():
    starts, ends = spans_of(200, 0.15, 3.0, np.random.default_rng(0))
    assert (ends - starts).sum() == 30
    assert len(starts) == 10
    assert (starts[1:] > ends[:-1]).all()


@pytest.mark.parametrize("length", [2, 3, 5])
def test_short_rows_keep_something_and_lose_something(length):
    starts, ends = spans_of(length, 0.15, 3.0, np.random.default_rng(0))
    assert 0 < (ends - starts).sum() < length
