"""An encoder-decoder reads one text and writes another; extraction to JSON by both kinds of writers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundup.core.console import Console
from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.core.stage import Context
from groundup.finetune.classify import Classifier
from groundup.finetune.fields import misfits, read_object
from groundup.finetune.options import StepOptions
from groundup.finetune.spans import SpanReader
from groundup.finetune.stage import run
from groundup.finetune.text_step import Writer
from groundup.finetune.written import marks

FAST = {"batch_size": 16, "precision": "fp32", "eval_every": 0, "checkpoint_every_seconds": 0}
ADAMW = {"optimizer": "adamw", "learning_rate": 3e-3, "matrix_learning_rate": 3e-3}


def context() -> Context:
    return Context(console=Console(quiet=True), device="cpu")


def lines(path: Path, rows: list[dict]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_an_encoder_decoder_learns_to_translate_and_to_name_labels(encoder_decoder_folder, tmp_path):
    words = {"uno": "one", "due": "two", "tre": "three"}
    rows = [{"source": f"{word} {n}", "target": english} for n in range(80) for word, english in words.items()]
    data = lines(tmp_path / "t.jsonl", rows)
    options = StepOptions(data=[data], steps=150, **FAST, **ADAMW)
    counts = run(options, {"model": encoder_decoder_folder}, tmp_path / "out", context())
    assert counts["target_loss"] < 0.5 and counts["chrf"] > 60
    writer = Writer.load(tmp_path / "out" / "model", device="cpu")
    assert writer.write(["Translate: due 99", "Translate: tre 98"]) == ["two", "three"]
    assert writer.write(["Translate: due 99"], beams=3) == ["two"]


def test_heads_stand_on_an_encoder_too(bert_folder, encoder_decoder_folder, tmp_path):
    mood = {"good": "fine", "bad": "awful"}
    labels = lines(tmp_path / "l.jsonl", [{"text": f"{n} {w}", "label": k} for n in range(60) for k, w in mood.items()])
    for number, folder in enumerate((bert_folder, encoder_decoder_folder)):
        options = StepOptions(method="classify", data=[labels], steps=60, **FAST, **ADAMW)
        run(options, {"model": folder}, tmp_path / f"c{number}", context())
        classifier = Classifier.load(tmp_path / f"c{number}" / "model", device="cpu")
        assert classifier.predict(["777 fine", "778 awful, and longer"])[0] == ["good", "bad"]
    towns = ("Rome", "Oslo", "Bern")
    rows = []
    for n in range(150):
        text = f"{n} {towns[n % 3]} {n * 7 % 10}"
        answers = [{"text": towns[n % 3], "answer_start": text.index(towns[n % 3])}]
        rows.append({"context": text, "question": "town?", "answers": answers})
    options = StepOptions(method="qa", data=[lines(tmp_path / "s.jsonl", rows)], steps=120, **FAST, **ADAMW)
    run(options, {"model": bert_folder}, tmp_path / "q", context())
    assert SpanReader.load(tmp_path / "q" / "model", device="cpu").answer("town?", "83 Oslo 1").text == "Oslo"


def test_a_model_learns_to_fill_a_record(model_folder, tmp_path):
    rows = [
        {"text": f"{'Ann' if n % 2 else 'Bob'} {n}", "fields": {"who": "Ann" if n % 2 else "Bob"}} for n in range(300)
    ]
    data = lines(tmp_path / "x.jsonl", rows)
    options = StepOptions(method="extract", data=[data], steps=80, template="{text}", **{**FAST, "batch_size": 8})
    counts = run(options, {"model": model_folder}, tmp_path / "out", context())
    assert counts["json_share"] == 1.0 and counts["field_f1"] > 0.9
    bare = lines(tmp_path / "y.jsonl", [{"text": f"{n}", "summary": "no record"} for n in range(30)])
    with pytest.raises(DataError, match='"text" and "fields"'):
        run(StepOptions(method="extract", data=[bare], **FAST), {"model": model_folder}, tmp_path / "o", context())


def test_an_object_is_found_in_an_answer():
    assert read_object('Here: {"a": {"b": 1}} as asked') == {"a": {"b": 1}}
    assert read_object("{ no { json") is None and read_object("[1]") is None


def test_a_schema_tells_what_does_not_fit():
    schema = {
        "type": "object",
        "properties": {"day": {"type": "integer"}, "mood": {"enum": ["glad", "sad"]}, "who": {"type": "array"}},
        "required": ["day"],
        "additionalProperties": False,
    }
    assert misfits({"day": 2, "mood": "sad", "who": []}, schema) == []
    found = misfits({"day": True, "mood": "odd", "where": 1}, schema)
    assert found == ["where is not asked for", "day is not integer", "mood is 'odd', none of ['glad', 'sad']"]
    assert misfits({}, schema) == ["day is missing"] and misfits(None, schema) == ["it is no JSON object"]


def test_written_answers_are_marked_by_their_task():
    summary = Example("summarize", text="t", target="a cat sat")
    question = Example("qa", question="q", target="Rome")
    assert marks([summary, question], ["a cat sat", "rome."]) == {"rougeL": 1.0, "exact_match": 1.0}
    assert marks([question], ["no"]) == {"exact_match": 0.0}
