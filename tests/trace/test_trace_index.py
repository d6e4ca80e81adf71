"""The suffix index equals looking everywhere, and leads from an answer to its document."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.errors import ArtifactError, DataError
from groundup.trace.index import Span, SuffixIndex, build
from groundup.trace.sources import Sources


def look_everywhere(tokens, span):
    return [i for i in range(len(tokens) - len(span) + 1) if list(tokens[i : i + len(span)]) == list(span)]


def longest_by_looking(tokens, ids, start):
    length = 0
    while start + length < len(ids) and look_everywhere(tokens, ids[start : start + length + 1]):
        length += 1
    return length


def opened(tokens, folder):
    build(tokens, folder)
    return SuffixIndex.open(folder, tokens)


@pytest.mark.parametrize("largest", [3, 255, 256, 60_000, 70_000, 20_000_000])
def test_suffixes_are_in_order_whatever_the_width_of_the_integers(tmp_path, largest):
    random = np.random.default_rng(largest)
    tokens = random.choice([0, 1, largest // 2, largest], 300).astype(np.uint32)
    tokens[-1] = largest
    index = opened(tokens, tmp_path)
    assert [int(i) for i in index.suffixes] == sorted(range(300), key=lambda i: tokens[i:].tolist())


def test_a_thousand_queries_equal_brute_force(tmp_path):
    random = np.random.default_rng(1)
    tokens = random.choice(600, 2000, p=np.r_[[0.3, 0.3, 0.2], np.full(597, 0.2 / 597)]).astype(np.uint16)
    index = opened(tokens, tmp_path)
    for number in range(1000):
        length = int(random.integers(1, 12))
        if number % 2:  # a span that stands there
            start = int(random.integers(0, len(tokens) - length))
            span = tokens[start : start + length].tolist()
        else:
            span = random.integers(0, 4, length).tolist()
        places = look_everywhere(tokens, span)
        assert index.count(span) == len(places)
        assert index.find(span) == places
        assert set(index.find(span, limit=2)) <= set(places) and len(index.find(span, 2)) == min(2, len(places))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2), max_size=40), st.lists(st.integers(0, 3), max_size=15))
def test_longest_and_maximal_spans_equal_brute_force(tmp_path_factory, tokens, ids):
    array = np.array(tokens, dtype=np.uint16)
    index = opened(array, tmp_path_factory.mktemp("trace"))
    for start in range(len(ids)):
        assert index.longest_match(ids, start) == longest_by_looking(tokens, ids, start)
    found = {(s, e) for s in range(len(ids)) for e in range(s + 1, len(ids) + 1) if look_everywhere(tokens, ids[s:e])}
    maximal = {(s, e) for s, e in found if (s - 1, e) not in found and (s, e + 1) not in found}
    spans = index.maximal_spans(ids)
    assert {(span.start, span.end) for span in spans} == maximal
    assert [span.count for span in spans] == sorted(len(look_everywhere(tokens, ids[s.start : s.end])) for s in spans)


def test_long_repeats_are_compared_beyond_the_first_chunk(tmp_path):
    tokens = np.array([7] * 500 + [8] + [7] * 499, dtype=np.uint16)
    index = opened(tokens, tmp_path)
    assert index.count([7] * 500) == 1
    assert index.find([7] * 499) == [0, 1, 501]
    assert index.longest_match([7] * 300 + [9]) == 300


def test_short_spans_are_left_out_and_the_rarest_comes_first(tmp_path):
    index = opened(np.array([1, 2, 3, 9, 1, 2, 3, 9, 4, 5, 6], dtype=np.uint16), tmp_path)
    query = [1, 2, 3, 8, 4, 5, 6, 8, 9]
    assert index.maximal_spans(query, min_length=3) == [Span(4, 7, 1), Span(0, 3, 2)]


def test_the_empty_span_and_the_empty_array(tmp_path):
    index = opened(np.array([], dtype=np.uint16), tmp_path)
    assert index.count([1]) == 0 and index.find([1]) == [] and index.longest_match([1]) == 0
    other = opened(np.array([5], dtype=np.uint16), tmp_path / "one")
    assert other.count([]) == 0 and other.find([]) == [] and other.maximal_spans([]) == []


def test_an_index_of_other_tokens_is_refused(tmp_path):
    build(np.array([1, 2, 3], dtype=np.uint16), tmp_path)
    with pytest.raises(ArtifactError, match="other tokens"):
        SuffixIndex.open(tmp_path, np.array([1, 2, 4], dtype=np.uint16))
    (tmp_path / "suffixes-00000.npy").write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match="cannot be read"):
        SuffixIndex.open(tmp_path, np.array([1, 2, 3], dtype=np.uint16))


def test_negative_integers_are_refused(tmp_path):
    with pytest.raises(DataError, match="from 0 on"):
        build(np.array([-1, 2]), tmp_path)


def test_a_canary_is_traced_to_its_document_and_offset(tmp_path):
    random = np.random.default_rng(5)
    documents = [random.integers(1, 50, 100) for _ in range(30)]
    canary = [60, 61, 62, 63]
    documents[17][40:44] = canary
    tokens = np.concatenate(documents).astype(np.uint16)
    columns = {
        "id": [f"d{i}" for i in range(30)],
        "source": ["books"] * 30,
        "path": [f"{i}.txt" for i in range(30)],
        "licence": ["CC0-1.0"] * 30,
    }
    sources = Sources(np.arange(0, 3001, 100), columns)
    index = opened(tokens, tmp_path)
    place = sources.locate(index.find(canary)[0])
    assert (place.document_id, place.path, place.licence, place.offset) == ("d17", "17.txt", "CC0-1.0", 40)


def test_positions_of_one_document_are_named_once_and_borders_belong_to_what_follows():
    columns = {"id": ["a", "b"], "source": ["s", "s"], "path": ["1", "2"], "licence": ["", ""]}
    sources = Sources(np.array([0, 3, 5]), columns)
    assert [place.document_id for place in sources.of([3, 0, 2, 4])] == ["b", "a"]
    with pytest.raises(IndexError, match="outside"):
        sources.locate(5)
    with pytest.raises(ValueError, match="do not fit"):
        Sources(np.array([0, 5]), columns)


def parted(tokens, folder, part_tokens):
    build(tokens, folder, part_tokens=part_tokens)
    return SuffixIndex.open(folder, tokens)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 2), max_size=60),
    st.lists(st.integers(0, 3), max_size=15),
    st.integers(1, 20),
    st.integers(1, 6),
)
def test_an_index_in_parts_answers_like_one_in_one_part(tmp_path_factory, tokens, ids, part, overlap):
    array = np.array(tokens, dtype=np.uint16)
    whole = opened(array, tmp_path_factory.mktemp("whole"))
    with pytest.MonkeyPatch.context() as patch:  # small, so that queries are longer than what the order knows
        patch.setattr("groundup.trace.index.OVERLAP", overlap)
        parts = parted(array, tmp_path_factory.mktemp("parts"), part)
    for start in range(len(ids)):
        assert parts.longest_match(ids, start) == whole.longest_match(ids, start)
        assert parts.count(ids[start:]) == whole.count(ids[start:])
        assert parts.find(ids[start:]) == whole.find(ids[start:])
        assert len(parts.find(ids[start:], 2)) == min(2, whole.count(ids[start:]))
    assert parts.maximal_spans(ids) == whole.maximal_spans(ids)


def test_a_killed_build_keeps_its_finished_parts(tmp_path, monkeypatch):
    from groundup.trace import index as room

    tokens = np.random.default_rng(3).integers(0, 5, 1000).astype(np.uint16)
    made = []

    def dies_at_the_third(part, width):
        made.append(len(part))
        if len(made) == 3:
            raise KeyboardInterrupt
        return whole_work(part, width)

    whole_work = room._suffix_array
    monkeypatch.setattr(room, "_suffix_array", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        build(tokens, tmp_path, part_tokens=200)
    with pytest.raises(ArtifactError):
        SuffixIndex.open(tmp_path, tokens)
    again = parted(tokens, tmp_path, 200)
    assert len(made) == 3 + 3  # two parts were kept
    assert again.find(tokens[700:720].tolist()) == look_everywhere(tokens, tokens[700:720].tolist())
    assert not (tmp_path / "unfinished.json").exists()


def test_parts_of_other_tokens_are_not_kept(tmp_path):
    first, second = (np.random.default_rng(seed).integers(0, 5, 300).astype(np.uint16) for seed in (1, 2))
    parted(first, tmp_path, 100)
    assert parted(second, tmp_path, 100).find(second[150:160].tolist()) == look_everywhere(second, second[150:160])
