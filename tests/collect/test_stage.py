import io
import json

import pytest
import zstandard

from groundup.collect import stage
from groundup.collect.options import SourceOptions
from groundup.core.console import Console
from groundup.core.document import read_documents
from groundup.core.errors import DataError
from groundup.core.stage import Context

CONTEXT = Context(seed=3, console=Console(quiet=True))


def source(**values):
    return SourceOptions(**{"from": "samples:stories", "count": 60, **values})


def test_a_sample_brings_documents_examples_and_planted_truth(tmp_path):
    counts = stage.run({"stories": source(plant=("duplicates", "mojibake"), plant_rate=0.2)}, {}, tmp_path, CONTEXT)
    documents = list(read_documents(tmp_path / "documents"))
    data = zstandard.ZstdDecompressor().stream_reader((tmp_path / "planted.jsonl.zst").read_bytes())
    truths = [json.loads(line) for line in io.TextIOWrapper(data, encoding="utf-8")]
    assert counts["documents"] == len(documents) > 60
    assert {truth["effect"] for truth in truths} == {"duplicates", "mojibake"}
    assert {truth["document_id"] for truth in truths} <= {document.id for document in documents}
    assert (tmp_path / "examples" / "stories" / "answers.jsonl.zst").exists()
    assert (tmp_path / "problems.jsonl").read_text() == ""


def test_shards_hold_every_document_once_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "SHARD_DOCUMENTS", 25)
    counts = stage.run({"stories": source()}, {}, tmp_path, CONTEXT)
    names = sorted(path.name for path in (tmp_path / "documents").iterdir())
    assert names == ["stories-00000.parquet", "stories-00001.parquet", "stories-00002.parquet"]
    paths = [document.path for document in read_documents(tmp_path / "documents")]
    assert paths == sorted(set(paths))
    assert counts["by_source"]["stories"]["shards"] == 3


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path, monkeypatch):
    sources = {"one": source(), "two": source(count=40)}
    stage.run(sources, {}, tmp_path / "whole", CONTEXT)
    write = stage._write_shards

    def killed(name, documents, output):
        if name == "two":
            raise KeyboardInterrupt
        return write(name, documents, output)

    monkeypatch.setattr(stage, "_write_shards", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.run(sources, {}, tmp_path / "cut", CONTEXT)
    monkeypatch.setattr(stage, "_write_shards", write)
    before = (tmp_path / "cut" / "documents" / "one-00000.parquet").stat().st_mtime_ns
    stage.run(sources, {}, tmp_path / "cut", CONTEXT)
    assert (tmp_path / "cut" / "documents" / "one-00000.parquet").stat().st_mtime_ns == before
    for path in (tmp_path / "whole").rglob("*.*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "cut" / path.relative_to(tmp_path / "whole")).read_bytes()


def test_problems_are_written_and_good_files_kept(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("A good text.")
    (tmp_path / "in" / "b.txt").write_bytes(b"")
    counts = stage.run({"mine": SourceOptions(**{"from": str(tmp_path / "in")})}, {}, tmp_path / "out", CONTEXT)
    rows = [json.loads(line) for line in (tmp_path / "out" / "problems.jsonl").read_text().splitlines()]
    assert rows == [{"source": "mine", "path": "b.txt", "problem": "empty", "detail": "no bytes"}]
    assert (counts["documents"], counts["problems"]) == (1, 1)


def test_no_usable_document_at_all_is_an_error_that_names_a_file(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(b"\x00" * 100)
    with pytest.raises(DataError, match=r"a\.txt: binary"):
        stage.run({"mine": SourceOptions(**{"from": str(tmp_path / "in")})}, {}, tmp_path / "out", CONTEXT)
