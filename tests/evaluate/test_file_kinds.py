"""Tasks over a user's file, beyond labels and answers: spans, pairs, preferences, records, translations; recall of a label."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from groundup.core.errors import DataError, RecipeError, UsageError
from groundup.evaluate.base import Data, Item, demand_fit
from groundup.evaluate.catalogue import find_task
from groundup.evaluate.pairs import ranked
from groundup.evaluate.stage import score_task
from groundup.evaluate.subject import Subject
from groundup.evaluate.tags import dictionary, outcome
from tests.evaluate.bigram_engine import BigramEngine


def subject(texts: list[str], head: str = "") -> Subject:
    engine = BigramEngine(texts, context_length=400)
    return Subject(engine, engine.tokenizer, 400, head=head)


def task_in(folder: Path, kind: str, rows: list[dict], more: str = ""):
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "mine.toml").write_text(f'kind = "{kind}"\nfile = "rows.jsonl"\nsplit = "all"\n{more}')
    return find_task(str(folder / "mine.toml"))


def test_spans_count_when_place_and_name_are_right() -> None:
    gold = [
        {"start": 0, "end": 3, "text": "Ann", "label": "who"},
        {"start": 7, "end": 11, "text": "Rome", "label": "town"},
    ]
    item = Item("1", "Ann in Rome", text="Ann in Rome", meta={"spans": gold})
    other = {**gold[1], "label": "who"}
    assert outcome(item, [gold[0], other]).marks == {"right": 1.0, "claims": 2.0, "truths": 2.0, "exact_match": 0.0}
    assert outcome(item, gold).marks["exact_match"] == 1.0
    asked = Item("2", "Rome, Romes", text="Rome, Romes", meta={"spans": []})
    found = dictionary(None, [item], [outcome(asked, [])])  # type: ignore[arg-type]
    assert found is not None and found[0].answer == "town: Rome", "whole words only"
    assert dictionary(None, [asked], [outcome(asked, [])]) is None  # type: ignore[arg-type]


def test_equal_partners_count_as_one_and_ties_as_lost() -> None:
    items = [Item("1", "a", "x"), Item("2", "b", "x"), Item("3", "c", "y")]
    likeness_NN = np.array([[0.5, 0.9, 0.4], [0.9, 0.1, 0.1], [0.7, 0.1, 0.7]])
    marks = [one.marks["reciprocal_rank"] for one in ranked(items, likeness_NN)]
    assert marks == [1.0, 0.5, 0.5]


def test_a_language_model_prefers_what_it_finds_likelier(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}?", "chosen": "yes", "rejected": "no it is not"} for n in range(40)]
    scores, outcomes = score_task(task_in(tmp_path, "preferences", rows), subject(["yes", "yes"]), Data({}))
    assert scores[0].value == 1.0 and scores[0].chance == 0.5 and outcomes[0].answer == "yes"
    assert scores[0].baseline_name == "longer answer" and scores[0].baseline == 0.0


def test_records_and_translations_are_written_and_counted(tmp_path: Path) -> None:
    rows = [{"text": f"Ann, {n}", "fields": {"who": "Ann", "day": n}} for n in range(30)]
    task = task_in(tmp_path, "records", rows)
    item = task.items(Data({}))[0]
    marks = task.mark(item, '{"who": "ann", "day": "%s"}' % (json.loads(item.gold)["day"] + 1))
    assert (marks["right"], marks["claims"], marks["truths"]) == (1.0, 2.0, 2.0) and marks["is_json"] == 1.0
    assert task.mark(item, item.gold)["exact_match"] == 1.0 and task.mark(item, "none")["is_json"] == 0.0
    scores, _ = score_task(task, subject(["JSON: x"]), Data({}), limit=5)
    assert [score.metric for score in scores] == ["field_f1", "exact_match", "is_json"] and scores[0].value == 0.0
    both = [{"source": f"one {n}", "target": f"eins {n}"} for n in range(30)]
    scores, _ = score_task(task_in(tmp_path, "translations", both), subject(["Translation: eins"]), Data({}), limit=5)
    assert [score.metric for score in scores] == ["bleu", "chrf"] and scores[1].value > 0


def test_one_labels_recall_is_a_score_of_its_own(tmp_path: Path) -> None:
    rows = [{"text": f"{n}", "label": "out" if n % 4 == 0 else "in"} for n in range(40)]
    task = task_in(tmp_path, "classify", rows, 'recall_of = "out"\n')
    scores, _ = score_task(task, subject(["Label: out", "Label: out"]), Data({}))
    found = {score.metric: score for score in scores}
    assert found["recall of out"].value == 1.0 and found["accuracy"].value == 0.25
    with pytest.raises(RecipeError, match="has none"):
        task_in(tmp_path, "qa", rows, 'recall_of = "out"\n')


@pytest.mark.parametrize("kind", ["tags", "pairs", "preferences", "records"])
def test_rows_of_another_kind_are_refused_with_their_file(tmp_path: Path, kind: str) -> None:
    task = task_in(tmp_path, kind, [{"text": "a", "label": "b"}])
    with pytest.raises(DataError, match=r"rows\.jsonl: the example"):
        task.items(Data({}))


def test_a_model_that_cannot_answer_a_task_is_told_what_can(tmp_path: Path) -> None:
    task = task_in(tmp_path, "tags", [{"tokens": ["a"], "tags": ["O"]}])
    with pytest.raises(UsageError, match=r"not for this model, a language model.\n.*a tagger"):
        demand_fit(task, subject(["a"]))
    with pytest.raises(UsageError, match="a classifier"):
        demand_fit(find_task("small_talk"), subject(["a"], head="classify"))
