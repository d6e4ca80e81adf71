"""The stage as a whole: counts, samples, resume, and the truth of the planted corpus."""

import io
import json
from collections import defaultdict

import pytest
import zstandard

from groundup.clean import engine, stage
from groundup.clean.options import CleanOptions
from groundup.collect.options import SourceOptions
from groundup.collect.stage import run as collect
from groundup.core.console import Console
from groundup.core.document import Document, read_documents, read_dropped, write_documents
from groundup.core.errors import DataError
from groundup.core.files import read_json
from groundup.core.stage import Context

CONTEXT = Context(seed=5, console=Console(quiet=True))
EFFECTS = ("duplicates", "near_duplicates", "languages", "boilerplate", "mojibake", "personal_data", "html", "secrets")


class Cleaned:
    """A planted corpus of about 700 documents, cleaned, with its truth."""

    def __init__(self, folder):
        options = SourceOptions(**{"from": "samples:stories", "count": 620, "plant": EFFECTS, "plant_rate": 0.08})
        collect({"stories": options}, {}, folder / "1", CONTEXT)
        self.counts = stage.run(
            CleanOptions(language={"keep": ("en",)}), {"collect": folder / "1"}, folder / "2", CONTEXT
        )
        self.folder = folder / "2"
        self.raw = {item.id: item for item in read_documents(folder / "1" / "documents")}
        self.clean = {item.id: item for item in read_documents(folder / "2" / "documents")}
        self.dropped = {item.document.id: item for item in read_dropped(folder / "2" / "dropped")}
        data = zstandard.ZstdDecompressor().stream_reader((folder / "1" / "planted.jsonl.zst").read_bytes())
        self.truth = defaultdict(list)
        for line in io.TextIOWrapper(data, encoding="utf-8"):
            row = json.loads(line)
            self.truth[row["effect"]].append(row)
        touched = {row.get("document_id") for rows in self.truth.values() for row in rows}
        self.originals = {row["original"] for rows in self.truth.values() for row in rows if "original" in row}
        self.untouched = [item for item in self.raw.values() if item.id not in touched]

    def share(self, effect, holds):
        rows = [row for row in self.truth[effect] if row["document_id"] in self.raw]
        assert len(rows) >= 20
        return sum(map(holds, rows)) / len(rows)


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    return Cleaned(tmp_path_factory.mktemp("planted"))


def test_nothing_vanishes(cleaned):
    assert set(cleaned.raw) == set(cleaned.clean) | set(cleaned.dropped)
    assert not set(cleaned.clean) & set(cleaned.dropped)
    assert cleaned.counts["documents_in"] == len(cleaned.raw)
    assert cleaned.counts["documents"] == len(cleaned.clean)


def test_duplicates_are_found_and_one_copy_stays(cleaned):
    def gone(row):
        return row["document_id"] in cleaned.dropped or row["original"] in cleaned.dropped

    assert cleaned.share("duplicates", gone) >= 0.95
    near = [row for row in cleaned.truth["near_duplicates"] if row["jaccard"] >= 0.7]
    apart = [row for row in cleaned.truth["near_duplicates"] if row["jaccard"] < 0.7]
    assert sum(map(gone, near)) >= 0.95 * len(near) > 5
    assert sum(map(gone, apart)) <= 0.05 * len(apart)
    for row in cleaned.truth["duplicates"] + near:
        assert not (row["document_id"] in cleaned.dropped and row["original"] in cleaned.dropped)


@pytest.mark.parametrize("effect", ["mojibake", "boilerplate"])
def test_the_clean_text_is_restored_to_the_letter(cleaned, effect):
    def restored(row):
        return row["document_id"] in cleaned.clean and cleaned.clean[row["document_id"]].text == row["clean_text"]

    assert cleaned.share(effect, restored) >= 0.95


def test_pages_give_their_story(cleaned):
    def restored(row):
        found = cleaned.clean.get(row["document_id"])
        return found is not None and found.text.split() == row["clean_text"].split()

    assert cleaned.share("html", restored) >= 0.95


def test_other_languages_go_and_english_stays(cleaned):
    assert cleaned.share("languages", lambda row: row["document_id"] in cleaned.dropped) >= 0.95
    wrong = [item for item in cleaned.untouched if item.id in cleaned.dropped and item.id not in cleaned.originals]
    assert len(wrong) <= 0.01 * len(cleaned.untouched)


def test_structured_personal_data_is_masked_and_little_else(cleaned):
    def masked(row):
        found = cleaned.clean.get(row["document_id"])
        spans = [span["text"] for span in row["spans"] if span["kind"] != "name"]
        return found is None or not any(text in found.text for text in spans)

    assert cleaned.share("personal_data", masked) >= 0.95
    planted = sum(span["kind"] != "name" for row in cleaned.truth["personal_data"] for span in row["spans"])
    assert sum(cleaned.counts["masked"].values()) <= planted / 0.95


def test_untouched_stories_come_out_letter_by_letter(cleaned):
    changed = [
        item for item in cleaned.untouched if item.id in cleaned.clean and cleaned.clean[item.id].text != item.text
    ]
    assert len(changed) <= 0.01 * len(cleaned.untouched)


def test_every_step_tells_what_it_did_with_samples(cleaned):
    report = read_json(cleaned.folder / "clean.json")
    steps = {row["step"]: row for row in report["steps"]}
    assert list(steps) == ["html", "text", "code", "boilerplate", "quality", "language", "duplicates", "privacy"]
    for before, after in zip(report["steps"], report["steps"][1:], strict=False):
        assert before["documents_out"] == after["documents_in"]
    assert steps["text"]["changed"] >= len(cleaned.truth["mojibake"])
    assert 1 <= len(steps["duplicates"]["samples"]["exact"]) <= 5
    shown = json.dumps(steps["privacy"]["samples"])
    secrets = [
        span["text"] for row in cleaned.truth["personal_data"] for span in row["spans"] if span["kind"] != "name"
    ]
    assert not any(secret in shown for secret in secrets)


def written(folder, texts, shard_size=4):
    for number in range(0, len(texts), shard_size):
        rows = [Document(text, "mine", f"{number + i}") for i, text in enumerate(texts[number : number + shard_size])]
        write_documents(folder / "documents" / f"mine-{number // shard_size:05d}.parquet", rows)
    return {"collect": folder}


NAMES = ("Nora", "Tom", "Eva", "Ben", "Ida", "Max", "Lea", "Jon")
PLACES = ("inn", "mill", "farm", "pier", "park", "zoo", "bank", "port")
STORIES = [
    f"{name} worked as a baker in Stonebridge. {name} wanted a lamp because of the winter. They went to the {place} with a "
    f"friend. It was a long way for {name}. In the end {name} and the friend found what they had looked for at the {place}."
    for name, place in zip(NAMES, PLACES, strict=True)
]


def test_a_killed_run_goes_on_with_the_next_shard_and_gives_the_same_bytes(tmp_path, monkeypatch):
    inputs = written(tmp_path / "in", [*STORIES, STORIES[0]])
    stage.run(CleanOptions(), inputs, tmp_path / "whole", CONTEXT)
    clean_shard, calls = engine.clean_shard, []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return clean_shard(*arguments)

    monkeypatch.setattr(engine, "clean_shard", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.run(CleanOptions(), inputs, tmp_path / "cut", CONTEXT)
    assert not (tmp_path / "cut" / "clean.json").exists()
    monkeypatch.setattr(engine, "clean_shard", clean_shard)
    stage.run(CleanOptions(), inputs, tmp_path / "cut", CONTEXT)
    for path in (tmp_path / "whole").rglob("*.parquet"):
        assert path.read_bytes() == (tmp_path / "cut" / path.relative_to(tmp_path / "whole")).read_bytes()


def test_duplicates_are_seen_across_shards(tmp_path):
    counts = stage.run(CleanOptions(), written(tmp_path / "in", [*STORIES, STORIES[0]]), tmp_path / "out", CONTEXT)
    assert counts["dropped_by_step"] == {"duplicates": {"exact": 1}}


def test_no_steps_pass_everything_on(tmp_path):
    counts = stage.run(CleanOptions(steps=()), written(tmp_path / "in", STORIES), tmp_path / "out", CONTEXT)
    assert counts["documents"] == counts["documents_in"] == len(STORIES)


def test_dropping_everything_is_an_error_that_names_the_reasons(tmp_path):
    with pytest.raises(DataError, match="quality 2"):
        stage.run(CleanOptions(), written(tmp_path / "in", ["Too short.", "Also short."]), tmp_path / "out", CONTEXT)
