"""All places at once find what one place at a time finds."""

import numpy as np
import pytest

from groundup.trace.index import SuffixIndex, build
from groundup.trace.matches import longest_matches


@pytest.mark.parametrize("part_tokens", [10_000, 900])
def test_all_places_at_once_equal_one_place_at_a_time(tmp_path, part_tokens):
    random = np.random.default_rng(3)
    tokens = random.choice(50, 4000).astype(np.uint16)
    tokens[3000:3400] = tokens[100:500]  # stands twice: longer than the first windows
    build(tokens, tmp_path, part_tokens=part_tokens)
    index = SuffixIndex.open(tmp_path, tokens)
    query = np.concatenate([random.choice(50, 30), tokens[80:520], [60], tokens[3990:], random.choice(50, 30)])
    one_by_one = [index.longest_match(query.tolist(), start) for start in range(len(query))]
    spans = index.maximal_spans(query.tolist(), min_length=5)
    assert max(one_by_one) >= 440 and (440, 1) in {(len(span), span.count) for span in spans}
    if part_tokens > len(tokens):
        found = longest_matches(index.parts[0], index.tokens, query, len(query))
        assert found.tolist() == one_by_one


def test_a_text_without_tokens_of_the_index_matches_nowhere(tmp_path):
    tokens = np.array([1, 2, 3], dtype=np.uint16)
    build(tokens, tmp_path)
    found = longest_matches(SuffixIndex.open(tmp_path, tokens).parts[0], tokens, np.array([9, 3, 3, 0]), 4)
    assert found.tolist() == [0, 1, 1, 0]
