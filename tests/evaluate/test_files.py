"""Tasks over a user's file: held out rows only, rivals, a classifier and a reader asked through their heads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import DataError, RecipeError
from groundup.core.stage import Context
from groundup.evaluate.base import Data, Item
from groundup.evaluate.catalogue import find_task
from groundup.evaluate.compare import compare
from groundup.evaluate.options import EvaluateOptions
from groundup.evaluate.spans import sliding_window
from groundup.evaluate.stage import run, score_task
from groundup.evaluate.subject import Subject, load_subject
from groundup.finetune.options import StepOptions
from groundup.finetune.stage import run as tune
from groundup.model import build, bundle
from groundup.model.config import ModelConfig
from groundup.tokenizer import Tokenizer
from tests.evaluate.bigram_engine import BigramEngine

FAST = {"batch_size": 8, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0}
COLUMNS = {"text": "review", "label": "stars"}
CLASSIFY = 'kind = "classify"\nfile = "reviews.csv"\ncolumns = {text = "review", label = "stars"}\n'


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


def subject(texts: list[str]) -> Subject:
    engine = BigramEngine(texts, context_length=400)
    return Subject(engine, engine.tokenizer, 400)


def task_in(folder: Path, toml: str, name: str = "mine"):
    (folder / f"{name}.toml").write_text(toml)
    return find_task(str(folder / f"{name}.toml"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews and questions, and a classifier and a span reader tuned on their training rows."""
    place = tmp_path_factory.mktemp("files")
    rows = [f"{'good' if n % 2 else 'bad'},{n} is {'fine' if n % 2 else 'poor'}" for n in range(300)]
    (place / "reviews.csv").write_text("stars,review\n" + "\n".join(rows))
    asked = []
    for number in range(200):
        town = ("Rome", "Oslo", "Bern")[number % 3]
        text = f"{number} {town} {number % 10}"
        answers = [{"text": town, "answer_start": text.index(town)}]
        asked.append({"context": text, "qas": [{"question": "town?", "answers": answers}]})
    (place / "towns.json").write_text(json.dumps({"data": [{"paragraphs": asked}]}))
    tokenizer = Tokenizer.train(["tiny"], kind="bytes")
    bundle.save(
        place / "base", build(ModelConfig(tokenizer.vocabulary_size, 2, 32, 4, 2, 8, 64, 64), seed=1), tokenizer
    )
    classify = StepOptions(method="classify", data=[str(place / "reviews.csv")], columns=COLUMNS, steps=60, **FAST)
    tune(classify, {"model": place / "base"}, place / "classifier", context())
    read = StepOptions(method="qa", data=[str(place / "towns.json")], steps=120, **FAST)
    tune(read, {"model": place / "base"}, place / "reader", context())
    return place


def test_a_classifier_is_asked_through_its_head_beside_its_rivals(folder: Path) -> None:
    scores, outcomes = score_task(
        task_in(folder, CLASSIFY), load_subject(folder / "classifier" / "model", device="cpu"), Data({})
    )
    found = {score.metric: score for score in scores}
    assert found["accuracy"].value == found["macro_f1"].value == 1.0 and found["accuracy"].n == len(outcomes) >= 8
    assert found["accuracy"].meta["baselines"] == ["bag of words", "majority"]
    assert found["accuracy"].meta["against_baseline"]["test"] == "McNemar, exact"
    assert 0 <= found["calibration_error"].value < 0.5 and not found["calibration_error"].higher_is_better
    assert "classifier" in found["accuracy"].protocol and outcomes[0].item.document_id


def test_no_asked_row_is_one_that_tuning_saw(folder: Path) -> None:
    task = task_in(folder, CLASSIFY)
    asked, seen = ({item.text for item in task.items(Data({}), split)} for split in ("test", "train"))
    told = json.loads((folder / "classifier" / "examples.json").read_text())
    assert asked and not asked & seen and told["examples"] == len(seen)


def test_a_language_model_is_asked_by_likelihood(folder: Path) -> None:
    model = subject(["Label: good", "Label: good"])
    scores, outcomes = score_task(task_in(folder, CLASSIFY), model, Data({}))
    assert {outcome.answer for outcome in outcomes} == {"good"} and "likelihood" in scores[0].protocol
    assert all(0.5 <= outcome.marks["confidence"] <= 1 for outcome in outcomes)


def test_a_label_the_classifier_was_not_taught_stops_with_its_name(folder: Path) -> None:
    (folder / "other.csv").write_text("stars,review\nterrible,1 is poor\ngood,2 is fine\n")
    task = task_in(folder, CLASSIFY.replace("reviews", "other") + 'split = "all"\n', "other")
    with pytest.raises(DataError, match="'terrible' is none of the 2"):
        score_task(task, load_subject(folder / "classifier" / "model", device="cpu"), Data({}))


def test_a_span_reader_is_asked_through_its_head(folder: Path) -> None:
    task = task_in(folder, 'kind = "qa"\nfile = "towns.json"\n', "towns")
    scores, _ = score_task(task, load_subject(folder / "reader" / "model", device="cpu"), Data({}))
    assert scores[0].metric == "exact_match" and scores[0].value > 0.8 and "head" in scores[0].protocol
    assert scores[0].meta["baselines"] == ["no answer", "sliding window"]
    _, written = score_task(task, subject(["town? Rome"]), Data({}), limit=3)
    assert all(outcome.prompt.endswith("Answer:") for outcome in written)


def test_summaries_are_scored_beside_the_first_sentences(tmp_path: Path) -> None:
    rows = [{"body": f"The {n} cat sat. It ate. It slept. It left.", "short": f"The {n} cat sat."} for n in range(40)]
    (tmp_path / "s.jsonl").write_text("\n".join(map(json.dumps, rows)))
    toml = 'kind = "summaries"\nfile = "s.jsonl"\ncolumns = {text = "body", target = "short"}\nsplit = "all"\n'
    scores, _ = score_task(task_in(tmp_path, toml), subject(["Summary: it"]), Data({}))
    assert [score.metric for score in scores] == ["rouge1", "rouge2", "rougeL"]
    assert scores[0].baseline == 1.0 and scores[0].baseline_name == "lead-1"
    assert scores[0].meta["baselines"] == ["lead-1", "lead-3"] and scores[0].n == 40


def test_a_whole_run_of_the_stage_can_be_compared(folder: Path, tmp_path: Path) -> None:
    task_in(folder, CLASSIFY)
    options = EvaluateOptions(tasks=[str(folder / "mine.toml")])
    for name in ("classifier", "base"):
        model = folder / "classifier" / "model" if name == "classifier" else folder / "base"
        run(options, {"model": model}, tmp_path / name, context())
    (tmp_path / "again").mkdir()
    run(options, {"model": folder / "classifier" / "model"}, tmp_path / "again", context())
    found = {one.metric: one for one in compare(tmp_path / "classifier", tmp_path / "again")}
    assert found["macro_f1"].difference == 0 and "no evidence" in found["macro_f1"].verdict


def test_the_sliding_window_finds_what_stands_near_the_question() -> None:
    text = "The capital of Peru is Lima, by the sea. Nobody counts the sheep of Wales."
    item = Item("1", "", text=text, question="What is the capital of Peru?")
    assert sliding_window([], [item]) == ["Lima"]
    assert sliding_window([], [Item("2", "", text="", question="What?")]) == [""]


@pytest.mark.parametrize(
    "toml, rule",
    [
        ('kind = "classify"\nfile = "no.csv"\n', "No file no.csv"),
        ('kind = "classify"\nfile = "r.csv"\n', "line 3"),
        ('kind = "qa"\nfile = "r.csv"\n', "line 3"),
    ],
)
def test_a_file_with_holes_stops_the_task(tmp_path: Path, toml: str, rule: str) -> None:
    (tmp_path / "r.csv").write_text("text,label\na,b\nc\n")
    with pytest.raises(DataError, match=rule):
        task_in(tmp_path, toml).items(Data({}))


def test_rivals_of_held_out_rows_need_no_other_file(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="split = "):
        task_in(tmp_path, 'kind = "classify"\nfile = "r.csv"\ntrain = "t.csv"\n')


def test_broken_rows_may_be_left_out_by_choice(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("text,label\na,b\nc\nd,e\n")
    toml = 'kind = "classify"\nfile = "r.csv"\nsplit = "all"\non_broken = "skip"\n'
    assert [item.gold for item in task_in(tmp_path, toml).items(Data({}))] == ["b", "e"]
