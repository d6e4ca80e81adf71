from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.core.errors import DataError
from groundup.evaluate.subject import Subject
from groundup.evaluate.text import measure, measure_ids, windows
from tests.evaluate.bigram_engine import BigramEngine


@given(st.lists(st.integers(0, 900), max_size=80), st.integers(2, 20))
def test_windows_score_every_token_once_and_keep_to_the_context(ids: list[int], context_length: int) -> None:
    pairs = windows(ids, context_length)
    assert [token for _, scored in pairs for token in scored] == ids[1:]
    assert all(context and len(context) + len(scored) <= context_length for context, scored in pairs)


def test_every_token_after_the_first_window_has_half_a_window_before_it() -> None:
    for context, _ in windows(list(range(100)), 16)[1:]:
        assert len(context) >= 8


def test_a_model_that_knows_nothing_needs_the_uniform_number_of_bits() -> None:
    subject = _subject(BigramEngine([]))
    (found,) = measure_ids(subject, [[1000, *subject.tokenizer.encode("any text at all " * 20)]], ["a"])
    assert found.bits_per_byte == pytest.approx(math.log2(1008))
    assert found.perplexity == pytest.approx(1008)


def test_bits_per_byte_counts_utf8_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\u00e9" * 30, encoding="utf-8")
    found = measure(BigramEngine([]), path)
    assert found.num_tokens == 30 and found.num_bytes == 60
    assert found.bits_per_byte == pytest.approx(math.log2(1008) / 2)


def test_a_text_of_the_training_is_easier_than_another(tmp_path: Path) -> None:
    engine = BigramEngine(["the cat sat on the mat. " * 5])
    known, other = tmp_path / "known.txt", tmp_path / "other.txt"
    known.write_text("the cat sat on the mat.")
    other.write_text("zebras quarrel by night")
    assert measure(engine, known).bits_per_byte < measure(engine, other).bits_per_byte


@pytest.mark.parametrize("content, rule", [(b"", "no text"), (b"\xff\xfe\x00", "UTF-8")])
def test_a_file_without_text_is_an_error(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rule):
        measure(BigramEngine([]), path)


def _subject(engine: BigramEngine) -> Subject:
    return Subject(engine, engine.tokenizer, engine.context_length)
