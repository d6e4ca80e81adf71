"""Documents, examples and scores survive their files; ids and splits never move."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.core.document import Document, Dropped, read_documents, read_dropped, write_documents
from groundup.core.errors import ArtifactError, DataError
from groundup.core.example import Example, read_examples, write_examples
from groundup.core.files import atomic_writer, write_json
from groundup.core.randomness import numpy_random, python_random, seed_for
from groundup.core.score import Score, read_scores, write_scores
from groundup.core.split import split_of


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), max_size=5))
def test_any_text_survives_a_shard(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("shard") / "d.parquet"
    documents = [Document(text, "s", f"{number}", meta={"n": number}) for number, text in enumerate(texts)]
    assert write_documents(path, documents, batch=2) == len(texts)
    assert list(read_documents(path)) == documents


def test_a_cleaned_document_keeps_its_id() -> None:
    raw = Document("a  b", "s", "p")
    clean = raw.with_text("a b", language="en")
    assert clean.id == raw.id and clean.content_hash != raw.content_hash and clean.language == "en"


def test_what_was_dropped_keeps_its_reason(tmp_path: Path) -> None:
    dropped = Dropped(Document("x", "s", "p"), step="quality", reason="too_short", detail="1 word")
    write_documents(tmp_path / "d.parquet", [dropped])
    assert list(read_dropped(tmp_path)) == [dropped]


def test_a_damaged_shard_is_a_clear_error(tmp_path: Path) -> None:
    write_documents(tmp_path / "d.parquet", [Document("x", "s", "p")])
    data = (tmp_path / "d.parquet").read_bytes()
    (tmp_path / "d.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(ArtifactError, match="cannot be read as a shard"):
        list(read_documents(tmp_path))


@pytest.mark.parametrize("name", ["e.jsonl", "e.jsonl.zst"])
def test_examples_survive_their_file(tmp_path: Path, name: str) -> None:
    examples = [
        Example("chat", document_id="d", messages=[{"role": "user", "content": "h\u00e9"}]),
        Example("qa", text="t", question="q", target="a", spans=[{"start": 0, "end": 1, "text": "t"}]),
    ]
    assert write_examples(tmp_path / name, iter(examples)) == 2
    assert list(read_examples(tmp_path / name)) == examples


def test_a_broken_example_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"task": "chat"}\n{"task"\n')
    with pytest.raises(DataError, match=r"e\.jsonl, line 2"):
        list(read_examples(tmp_path / "e.jsonl"))


def test_splits_have_their_shares_and_never_move() -> None:
    counts = Counter(split_of(f"document {number}") for number in range(20_000))
    assert abs(counts["test"] / 20_000 - 0.05) < 0.01
    assert abs(counts["validation"] / 20_000 - 0.02) < 0.006
    # A golden value: if this changes, every corpus's held-out documents would move into training.
    assert [split_of(f"document {number}") for number in (15, 20, 29)] == ["train", "validation", "test"]


def test_uses_of_randomness_do_not_share_a_stream() -> None:
    assert seed_for(1, "a") != seed_for(1, "b") != seed_for(2, "b")
    assert python_random(1, "a").random() == python_random(1, "a").random()
    assert numpy_random(1, "a").integers(1 << 30) == numpy_random(1, "a").integers(1 << 30)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), atomic_writer(path) as file:
        file.write(b"half")
        raise RuntimeError("power cut")
    assert path.read_text() == '{\n  "a": 1\n}\n'
    assert [item.name for item in tmp_path.iterdir()] == ["x.json"], "no temporary file stays behind"


def test_scores_survive_and_say_when_they_are_at_chance(tmp_path: Path) -> None:
    score = Score("t", "accuracy", 0.52, 0.45, 0.59, 100, chance=0.5)
    write_scores(tmp_path / "s.json", [score])
    assert read_scores(tmp_path / "s.json") == [score]
    assert score.at_chance and not Score("t", "accuracy", 0.9, 0.8, 0.95, 100, chance=0.5).at_chance


def test_a_score_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nan"):
        write_scores(tmp_path / "s.json", [Score("t", "m", float("nan"), 0, 1, 1)])
