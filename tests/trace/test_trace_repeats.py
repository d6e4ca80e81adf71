"""Repeated stretches and the proof that a deleted document is gone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import DataError
from groundup.trace.absence import absence
from groundup.trace.index import SuffixIndex, build
from groundup.trace.repeats import repeats, repeats_by_looking


def opened(tokens, folder, **options):
    array = np.array(tokens, dtype=np.uint16)
    build(array, folder, **options)
    return SuffixIndex.open(folder, array)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=80), st.integers(1, 12))
def test_repeats_equal_looking_at_every_window(tmp_path_factory, tokens, length):
    index = opened(tokens, tmp_path_factory.mktemp("repeats"))
    assert repeats(index, length) == repeats_by_looking(tokens, length)


def test_the_first_copy_of_a_text_stays(tmp_path):
    text = [5, 6, 7, 8, 9, 10]
    index = opened([1, *text, 2, *text, 3, *text[:3], 4], tmp_path)
    assert repeats(index, 5) == [(8, 14)]
    assert repeats(index, 3) == [(8, 14), (15, 18)]


def test_repeats_need_all_suffixes_in_one_order(tmp_path):
    index = opened(list(range(20)), tmp_path, part_tokens=10)
    with pytest.raises(DataError, match="2 parts"):
        repeats(index, 3)


def test_a_deleted_document_is_gone_and_a_kept_one_is_not(tmp_path):
    random = np.random.default_rng(4)
    kept, deleted = random.integers(0, 9, 200).tolist(), random.integers(10, 19, 200).tolist()
    before = opened([*kept, *deleted, *kept], tmp_path / "before")
    after = opened([*kept, *kept], tmp_path / "after")
    assert not absence(before, deleted).gone
    proof = absence(after, deleted)
    assert proof.gone and (proof.longest, proof.windows) == (0, 151)
    assert absence(after, kept).found == 151


def test_what_is_left_of_a_half_deleted_document_is_named(tmp_path):
    document = list(range(100, 200))
    index = opened([1, 2, *document[30:60], 3], tmp_path)
    left = absence(index, document, window=20)
    assert (left.found, left.longest, left.longest_at) == (11, 30, 30)


def test_a_short_document_is_looked_up_whole(tmp_path):
    index = opened([1, 2, 3, 4], tmp_path)
    assert absence(index, [2, 3]).found == 1
    assert absence(index, [2, 4]).gone
    with pytest.raises(ValueError, match="empty"):
        absence(index, [])
