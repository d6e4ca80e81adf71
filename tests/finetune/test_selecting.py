"""Summaries by selection: the sentence nearest to the summary is learned, and the likeliest one is taken."""

from __future__ import annotations

import json

import numpy as np
import pytest

from groundup.core.console import Console
from groundup.core.errors import UsageError
from groundup.core.example import Example
from groundup.core.stage import Context
from groundup.evaluate.base import Data, Item
from groundup.evaluate.catalogue import find_task
from groundup.evaluate.stage import score_task
from groundup.evaluate.subject import load_subject
from groundup.finetune.options import StepOptions
from groundup.finetune.read_model import open_reader
from groundup.finetune.selecting import as_rows, select
from groundup.finetune.stage import run

TEXT = "It rained. The red cat sat on a mat. We left."


def test_the_sentence_that_shares_most_with_the_summary_is_the_one_to_learn():
    pair = Example("summarize", "d", text=TEXT, target="A red cat sat.")
    rows = as_rows([pair, Example("classify", text="t", label="x")])
    assert [row.label for row in rows] == ["other", "summary", "other", "x"]
    assert rows[1].text == "2 of 3: The red cat sat on a mat." and {row.document_id for row in rows[:3]} == {"d"}


def test_the_likeliest_sentence_is_taken():
    def second(rows):
        return np.array([[1 - share, share] for share in (0.1, 0.6, 0.3)][: len(rows)])

    assert select(TEXT, second) == "The red cat sat on a mat." and select("One.", second) == "One."
    assert select("", second) == ""


def test_a_selector_is_tuned_scored_beside_the_first_sentence_and_opened(model_folder, tmp_path):
    rows = [{"text": f"X{n} one. B{n} key.", "summary": f"B{n} key."} for n in range(160)]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "mine.toml").write_text('kind = "summaries"\nfile = "r.jsonl"\n')
    options = StepOptions(
        method="classify", data=[str(tmp_path / "r.jsonl")], steps=60, batch_size=8, precision="fp32", eval_every=0
    )
    run(options, {"model": model_folder}, tmp_path / "out", Context(console=Console(quiet=True), device="cpu"))
    model = tmp_path / "out" / "model"
    reader = open_reader(model, device="cpu")
    assert reader is not None and reader.read("Xx one. Bb key.") == {"text": "Bb key."}
    task = find_task(str(tmp_path / "mine.toml"))
    scores, outcomes = score_task(task, load_subject(model, device="cpu"), Data({}))
    assert scores[0].value > 0.9 and scores[0].baseline_name.startswith("lead") and "selected" in scores[0].protocol
    assert all(outcome.answer in outcome.item.text for outcome in outcomes)


def test_a_classifier_of_something_else_selects_nothing(model_folder, tmp_path):
    rows = [{"text": f"{n}", "label": "ud"[n % 2]} for n in range(60)]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    options = StepOptions(method="classify", data=[str(tmp_path / "r.jsonl")], steps=1, precision="fp32", eval_every=0)
    run(options, {"model": model_folder}, tmp_path / "out", Context(console=Console(quiet=True), device="cpu"))
    (tmp_path / "mine.toml").write_text('kind = "summaries"\nfile = "s.jsonl"\nsplit = "all"\n')
    subject = load_subject(tmp_path / "out" / "model", device="cpu")
    with pytest.raises(UsageError, match="selects no sentences"):
        find_task(str(tmp_path / "mine.toml")).answer(subject, [Item("1", "a", text="a")], ())
