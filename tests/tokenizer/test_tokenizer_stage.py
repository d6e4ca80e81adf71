"""The stage: documents in; tokenizer, shards, trace and facts out."""

import json

import pytest

from groundup.core.document import Document, write_documents
from groundup.core.errors import DataError, Interrupted, RecipeError
from groundup.core.example import Example, write_examples
from groundup.core.recipe import validate
from groundup.core.split import split_of
from groundup.core.stage import Context
from groundup.tokenizer import stage
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.options import TokenizerOptions
from groundup.tokenizer.shards import TokenShards
from groundup.tokenizer.stage import run, survey, training_texts
from groundup.trace import Sources, SuffixIndex

from .conftest import CORPUS

OPTIONS = TokenizerOptions(vocabulary_size=360)
QUIET = Context()
QUIET.console.quiet = True


def documents(count):
    return [
        Document(f"{CORPUS[i % len(CORPUS)]} Number {i}.", "books", f"{i}.txt", licence="CC0-1.0", language="en")
        for i in range(count)
    ]


def inputs(folder, docs, examples=()):
    write_documents(folder / "clean" / "documents" / "books-00000.parquet", docs)
    write_examples(folder / "collect" / "examples" / "books" / "qa.jsonl.zst", examples)
    return {"clean": folder / "clean", "collect": folder / "collect"}


def test_every_document_lands_whole_in_the_split_of_its_hash(tmp_path):
    docs = documents(240)
    counts = run(OPTIONS, inputs(tmp_path, docs), tmp_path / "out", QUIET)
    tokenizer = Tokenizer.load(tmp_path / "out" / "tokenizer")
    texts = {document.id: document.text for document in docs}
    for split in ("train", "validation", "test"):
        shards = TokenShards.open(tmp_path / "out" / "tokens", split)
        assert shards.document_ids == [d.id for d in docs if split_of(d.id) == split]
        assert counts["documents"][split] == len(shards) > 0
        for number, name in enumerate(shards.document_ids):
            assert shards[number][0] == tokenizer.special["<|endoftext|>"]
            assert tokenizer.decode(shards[number]) == texts[name]
            assert shards.document_bytes[number] == len(texts[name].encode())
    assert "moved_to_fill_a_split" not in counts and counts["vocabulary_size"] == 360


def test_the_trace_leads_from_tokens_to_the_document(tmp_path):
    docs = documents(60)
    run(OPTIONS, inputs(tmp_path, docs), tmp_path / "out", QUIET)
    train = TokenShards.open(tmp_path / "out" / "tokens", "train")
    index = SuffixIndex.open(tmp_path / "out" / "trace", train.tokens)
    place = Sources(train.borders, train.documents).locate(index.find(train[7].tolist())[0])
    assert (place.document_id, place.path, place.licence, place.offset) == (
        train.document_ids[7],
        train.documents["path"][7],
        "CC0-1.0",
        0,
    )


def test_facts_count_bytes_per_token_and_what_is_unused(tmp_path):
    counts = run(OPTIONS, inputs(tmp_path, documents(60)), tmp_path / "out", QUIET)
    facts = json.loads((tmp_path / "out" / "facts.json").read_text())
    tokens = sum(counts["tokens"].values()) - sum(counts["documents"].values())
    assert facts["bytes_per_token"] == pytest.approx(sum(counts["bytes"].values()) / tokens, abs=1e-4)
    assert facts["bytes_per_token_by_source"] == {"books": facts["bytes_per_token"]}
    assert facts["bytes_per_token_by_language"] == {"en": facts["bytes_per_token"]}
    assert facts["round_trip"] == {"exact": 60, "tried": 60}
    assert facts["unused_tokens"] == counts["unused_tokens"] > 100  # most bytes never stand alone
    assert "".join(facts["examples"][0]["tokens"]) == facts["examples"][0]["text"]


def test_two_runs_leave_the_same_bytes(tmp_path):
    given = inputs(tmp_path, documents(60))
    for name in ("one", "two"):
        run(OPTIONS, given, tmp_path / name, QUIET)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert len(files) >= 15
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in files)


def test_what_is_held_out_trains_nothing_and_examples_of_the_train_split_do(tmp_path):
    docs = documents(240)
    examples = [Example("qa", document_id=d.id, question=f"Q {d.path}", target="yes") for d in docs[::4]]
    given = inputs(tmp_path, docs, examples)
    seen = "\n".join(training_texts(OPTIONS, given, survey(docs)))
    for document in docs:
        assert (document.text in seen) == (split_of(document.id) == "train")
    for example in examples:
        assert (f"{example.question}\nyes" in seen) == (split_of(example.document_id) == "train")


def test_a_large_corpus_is_sampled_evenly(tmp_path):
    docs = [Document("word " * 40_000, "books", str(i)) for i in range(5)]
    given = inputs(tmp_path, docs)
    options = TokenizerOptions(vocabulary_size=360, sample_bytes=300_000)
    sizes = [len(text) for text in training_texts(options, given, survey(docs))]
    assert 150_000 < sum(sizes) < 450_000 and max(sizes) <= 20_000


def test_few_documents_still_fill_every_split(tmp_path):
    docs = documents(4)
    counts = run(TokenizerOptions(vocabulary_size=320), inputs(tmp_path, docs), tmp_path / "out", QUIET)
    assert all(counts["documents"].values())
    moved = {d.id: split_of(d.id) for d in docs} | counts["moved_to_fill_a_split"]
    for split in ("train", "validation", "test"):
        ids = TokenShards.open(tmp_path / "out" / "tokens", split).document_ids
        assert set(ids) == {name for name, place in moved.items() if place == split}


def test_a_lone_document_is_held_out_by_its_end(tmp_path):
    text = "\n".join(f"{line} {i}" for i, line in enumerate(CORPUS * 3))
    document = Document(text, "books", "one.txt")
    counts = run(OPTIONS, inputs(tmp_path, [document]), tmp_path / "out", QUIET)
    assert counts["held_out_the_end_of"] == document.id
    tokenizer = Tokenizer.load(tmp_path / "out" / "tokenizer")
    opened = [TokenShards.open(tmp_path / "out" / "tokens", split) for split in ("train", "validation", "test")]
    parts = [tokenizer.decode(shards.tokens) for shards in opened]
    assert "".join(parts) == text
    assert len(parts[0]) / len(text) == pytest.approx(0.9, abs=0.05) and all(parts)


def test_no_text_at_all_is_refused(tmp_path):
    with pytest.raises(DataError, match="No document"):
        run(OPTIONS, inputs(tmp_path, [Document("", "books", "empty.txt")]), tmp_path / "out", QUIET)


def test_a_given_tokenizer_is_used_as_it_is(tmp_path, saved, trained):
    options = TokenizerOptions(**{"from": saved["unigram"], "trace": False})
    counts = run(options, inputs(tmp_path, documents(30)), tmp_path / "out", QUIET)
    assert counts["kind"] == "unigram" and counts["vocabulary_size"] == trained["unigram"].vocabulary_size
    assert not (tmp_path / "out" / "trace").exists()


def test_a_stopped_run_goes_on_with_its_tokenizer(tmp_path, monkeypatch):
    given = inputs(tmp_path, documents(60))
    stopping = Context(console=QUIET.console, stop=lambda: True)
    with pytest.raises(Interrupted):
        run(OPTIONS, given, tmp_path / "out", stopping)
    assert not (tmp_path / "out" / "tokens" / "train.bin").exists()
    monkeypatch.setattr(stage.Tokenizer, "train", lambda *_: pytest.fail("trained again"))
    assert run(OPTIONS, given, tmp_path / "out", QUIET)["vocabulary_size"] == 360


def test_options_know_their_rules():
    assert TokenizerOptions(kind="bytes").vocabulary_size == 288
    with pytest.raises(RecipeError, match="leave vocabulary_size out"):
        validate(TokenizerOptions, {"kind": "bytes", "vocabulary_size": 512})
    with pytest.raises(RecipeError, match="vocabulary_size"):
        validate(TokenizerOptions, {"vocabulary_size": 100})
